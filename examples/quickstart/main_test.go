package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"quickstart": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// The scripts in testdata run the program as a person does. REGISTRY is a registry with two images: app, with the
// service in it, and plain, without any package.
func TestQuickstart(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	binary, err := buildService(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]map[string][]byte{
		"app":   {"usr/bin/service": binary, "etc/motd": []byte("hello")},
		"plain": {"etc/motd": []byte("hello")},
	} {
		repo, err := registry.Open(server.Host()+"/yours/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pushImage(t.Context(), repo, "v1", files); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"REGISTRY": server.Host(), "HERE": here}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOWORK", "GOTOOLCHAIN"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env[name] = strings.TrimSpace(string(out))
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			for k, v := range env {
				e.Setenv(k, v)
			}
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("LAYOUT", filepath.Join(e.WorkDir, "layout"))
			return nil
		},
		Condition: func(condition string) (bool, error) {
			if condition != "heavy" {
				return false, fmt.Errorf("unknown condition %q", condition)
			}
			return os.Getenv("LADING_HEAVY") != "", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// layout DIR N: the directory holds one tagged image with N referrers.
			"layout": func(ts *testscript.TestScript, neg bool, args []string) {
				repo, err := registry.OpenLayout(ts.MkAbs(args[0]))
				ts.Check(err)
				image, err := repo.Resolve(t.Context(), "v1")
				ts.Check(err)
				n := 0
				for _, err := range repo.Referrers(t.Context(), image) {
					ts.Check(err)
					n++
				}
				if got := string(rune('0' + n)); got != args[1] {
					ts.Fatalf("%s referrers in the layout, want %s", got, args[1])
				}
			},
		},
	})
}

// The image is the same for the same files, so that an example's digest can be spoken of.
func TestImageIsReproducible(t *testing.T) {
	files := map[string][]byte{"b": []byte("2"), "a": []byte("1")}
	one, diff, err := packLayer(files)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := packLayer(files)
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) || diff == digest.FromBytes(one) {
		t.Error("two layers of the same files differ, or the diff id is that of the compressed layer")
	}
}
