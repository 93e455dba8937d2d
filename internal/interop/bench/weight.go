package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/ladingdev/lading/internal/weight"
)

// A task is what a program of some ten lines does, by ours and by each of the libraries that can.
type task struct {
	name     string
	programs []program
}

type program struct {
	by     string // a module's path, or several libraries; empty means ours
	module string // the folder of the program's own module
	dir    string // from there
}

const ours = ""

// tasks are the programs. They lie in the module whose versions they share with the tests beside other people's libraries, and in
// this one where a library wants versions of its own.
var tasks = []task{
	{"parse an SBOM", []program{{ours, interop, "parse/lading"}, {cyclonedxGo, interop, "parse/cyclonedx-go"},
		{toolsGolang, interop, "parse/tools-golang"},
		{protobom, own, "parse/protobom"}}},
	{"convert CycloneDX to SPDX", []program{{ours, interop, "convert/lading"}, {protobom, own, "convert/protobom"}}},
	{"sign with a key", []program{{ours, interop, "sign/lading"}, {sigstoreGo, interop, "sign/sigstore-go"},
		{cosign, interop, "sign/cosign"}}},
	{"verify with a key", []program{{ours, interop, "verify/lading"}, {sigstoreGo, interop, "verify/sigstore-go"},
		{cosign, interop, "verify/cosign"}}},
	{"verify a keyless bundle", []program{{ours, interop, "keyless/lading"}, {sigstoreGo, interop, "keyless/sigstore-go"}}},
	{"verify Notary's", []program{{ours, interop, "notary/lading"}, {notationGo, interop, "notary/notation-go"}}},
	{"attach to an image", []program{{ours, interop, "attach/lading"}, {orasGo, interop, "attach/oras-go"},
		{ggcr, interop, "attach/go-containerregistry"}}},
	{"decide on an image by policy", []program{{ours, interop, "gate/lading"}, {bothTools, interop, "gate/cosign-notation"}}},
}

// A weighed program is one with what it compiles beside itself and the standard library.
type weighed struct {
	Task     string            `json:"task"`
	By       string            `json:"by"`
	Modules  int               `json:"modules"`
	Packages int               `json:"packages"`
	Lines    int               `json:"lines"`
	Binary   int64             `json:"binary,omitempty"` // bytes, stripped; 0 if it was not built
	Versions map[string]string `json:"versions,omitempty"`
}

// weigh asks what each program compiles, and builds it.
func (r *runner) weigh(ctx context.Context, build bool) (out []weighed, err error) {
	for _, t := range tasks {
		for _, p := range t.programs {
			r.say("weigh: %s, %s", t.name, p.dir)
			one := weighed{Task: t.name, By: p.by, Versions: map[string]string{}}
			dir, pkg := filepath.Join(r.top, p.module), "github.com/ladingdev/lading/"+p.module+"/programs/"+p.dir
			env := []string{"GOWORK=off", "CGO_ENABLED=0"}
			w, err := weight.Of(dir, env, nil, pkg)
			if err != nil {
				return nil, err
			}
			one.Modules = len(w)
			one.Packages, one.Lines = w.Sum()
			one.Packages-- // the program
			for _, path := range libraries(p.by) {
				if m := w[path]; m != nil {
					one.Versions[path] = m.Version
				}
			}
			if build {
				if one.Binary, err = r.size(ctx, dir, pkg, env); err != nil {
					return nil, err
				}
			}
			out = append(out, one)
		}
	}
	return out, nil
}

// size builds a program as it would be shipped, and returns how large it is.
func (r *runner) size(ctx context.Context, dir, pkg string, env []string) (int64, error) {
	file := filepath.Join(r.dir, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, pkg)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", pkg, err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), os.Remove(file)
}
