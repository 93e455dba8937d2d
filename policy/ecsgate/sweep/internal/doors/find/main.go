// Find searches the services of AWS for fields that name container images or task definitions of ECS, and prints one line for
// each service that has some.
//
//	go run ./internal/doors/find -models BOTOCORE/botocore/data     every service, from a checkout of github.com/boto/botocore
//	go run ./internal/doors/find lambda batch@v1.65.2 ...           service modules of the AWS SDK for Go v2, by name
//
// The first prints what services.tsv is made from; the second says what a module of today has. Modules come through the go command.
package main

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/doors"
)

func main() {
	log.SetFlags(0)
	models := flag.String("models", "", "folder of service models, as botocore/data")
	flag.Parse()
	if *models == "" && flag.NArg() == 0 {
		log.Fatal("find: name modules, or a folder with -models")
	}
	if *models != "" {
		if err := all(*models); err != nil {
			log.Fatal(err)
		}
	}
	for _, name := range flag.Args() {
		dir, version, err := download(name)
		if err != nil {
			log.Fatal(err)
		}
		fields, err := doors.Images(dir)
		if err != nil {
			log.Fatal(err)
		}
		service, _, _ := strings.Cut(name, "@")
		show(service+"@"+version, fields)
	}
}

func show(service string, fields []doors.ImageField) {
	for _, kind := range []string{"image", "task definition"} {
		var names []string
		for _, f := range fields {
			if f.Kind == kind {
				names = append(names, f.Name)
			}
		}
		if len(names) > 0 {
			fmt.Printf("%s\t%s\t%s\n", service, kind, strings.Join(names, " "))
		}
	}
}

func download(name string) (dir, version string, err error) {
	if !strings.Contains(name, "@") {
		name += "@latest"
	}
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/aws/aws-sdk-go-v2/service/"+name)
	cmd.Stderr = os.Stderr
	out, failed := cmd.Output()
	var module struct{ Dir, Version, Error string }
	if err := json.Unmarshal(out, &module); err != nil || failed != nil {
		return "", "", fmt.Errorf("find: %s: %w: %s", name, cmp.Or(failed, err), module.Error)
	}
	return module.Dir, module.Version, nil
}

// all reads the newest model of each service in a folder.
func all(dir string) error {
	services, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	n := 0
	for _, s := range services {
		files, _ := filepath.Glob(filepath.Join(dir, s.Name(), "*", "service-2.json*"))
		if len(files) == 0 {
			continue
		}
		n++
		fields, err := read(slices.Max(files))
		if err != nil {
			return err
		}
		show(strings.ReplaceAll(s.Name(), "-", ""), fields)
	}
	fmt.Fprintf(os.Stderr, "%d services\n", n)
	return nil
}

func read(name string) ([]doors.ImageField, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	return doors.ModelImages(r)
}
