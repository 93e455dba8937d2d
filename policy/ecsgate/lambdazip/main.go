// Lambdazip builds a Go program into the zip that AWS Lambda runs, with the go command and nothing else. It works in any module:
//
//	go run github.com/ladingdev/lading/policy/ecsgate/lambdazip -o function.zip ./gate
//
// The zip has one file, bootstrap, for the runtime provided.al2023. The same sources, module versions and Go version give the same bytes,
// wherever they are built: the last line is the CodeSha256 that Lambda shows for it.
//
//	aws lambda get-function-configuration --function-name NAME --query CodeSha256
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "lambdazip:", err)
		}
		os.Exit(1)
	}
}

// Most that Lambda takes: "Lambda quotas". A zip that is larger than maxUpload is uploaded to Amazon S3 first.
const (
	maxUpload = 50 << 20
	maxBinary = 250 << 20
)

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("lambdazip", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: lambdazip [-o FILE] [-arch arm64|amd64] [PACKAGE]")
		flags.PrintDefaults()
	}
	out := flags.String("o", "function.zip", "where the zip is written")
	arch := flags.String("arch", "arm64", "processor of the function: arm64, or amd64, which Lambda calls x86_64")
	if err := flags.Parse(args); err != nil {
		return err
	}
	pkg := "."
	switch flags.NArg() {
	case 0:
	case 1:
		pkg = flags.Arg(0)
	default:
		return fmt.Errorf("one package makes one function, and these are %d; see -h", flags.NArg())
	}
	switch *arch {
	case "arm64", "amd64":
	case "x86_64":
		*arch = "amd64"
	default:
		return fmt.Errorf("-arch %s: Lambda has arm64 and amd64", *arch)
	}
	program, err := build(pkg, *arch, stderr)
	if err != nil {
		return err
	}
	if len(program) > maxBinary {
		return fmt.Errorf("the program has %d bytes, and Lambda takes up to %d", len(program), maxBinary)
	}
	archive, err := pack(program)
	if err != nil {
		return err
	}
	if err := write(*out, archive); err != nil {
		return err
	}
	sum := sha256.Sum256(archive)
	fmt.Fprintf(stdout, "%s: %.1f MB, linux/%s, runtime provided.al2023\n", *out, float64(len(archive))/1e6, *arch)
	if len(archive) > maxUpload {
		fmt.Fprintf(stdout, "more than %d MB: upload it to Amazon S3 first\n", maxUpload>>20)
	}
	fmt.Fprintf(stdout, "CodeSha256 %s\n", base64.StdEncoding.EncodeToString(sum[:]))
	return nil
}

// settings are what a build must not take from whoever builds, or it would differ from place to place.
var settings = []string{"GOFLAGS", "GOOS", "GOARCH", "GOARM64", "GOAMD64", "CGO_ENABLED", "GOEXPERIMENT", "GOFIPS140"}

// build returns the program.
func build(pkg, arch string, stderr io.Writer) ([]byte, error) {
	if err := isMain(pkg, stderr); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lambdazip")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "bootstrap")
	// lambda.norpc leaves out what only the old runtime go1.x needs.
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=",
		"-o", file, pkg)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(settings, name)
	})
	cmd.Env = append(cmd.Env, "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=")
	cmd.Stderr = stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build %s: %w", pkg, err)
	}
	return os.ReadFile(file)
}

// isMain asks first, because go build writes an archive of a package that is no program without a word.
func isMain(pkg string, stderr io.Writer) error {
	cmd := exec.Command("go", "list", "-f", "{{.Name}}", pkg)
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	cmd.Stderr = stderr
	names, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list %s: %w", pkg, err)
	}
	if strings.TrimSpace(string(names)) != "main" {
		return fmt.Errorf("%s is not one program, a package main", pkg)
	}
	return nil
}

// pack returns a zip with one executable file and no time.
func pack(program []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// write replaces a file whole or not at all.
func write(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
