// Package weight says what packages bring into a program: other packages, modules and lines, those of the standard library left out.
package weight

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// A Weight is what packages compile, themselves included, by the paths of modules.
type Weight map[string]*Module

// A Module is what is compiled of one.
type Module struct {
	Version         string
	Packages, Lines int
}

// Sum is what is compiled of all modules.
func (w Weight) Sum() (packages, lines int) {
	for _, m := range w {
		packages, lines = packages+m.Packages, lines+m.Lines
	}
	return packages, lines
}

// Of asks the go command in a folder what some packages compile. Modules in without are not counted: paths, such as of a module that
// the standard library of a later Go replaces.
func Of(dir string, env, without []string, pkgs ...string) (w Weight, err error) {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Dir,GoFiles,CgoFiles,Standard,Module"}, pkgs...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return w, fmt.Errorf("go list %v: %w\n%s", pkgs, err, &stderr)
	}
	skip := map[string]bool{}
	for _, path := range without {
		skip[path] = true
	}
	w = Weight{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir   string
			GoFiles, CgoFiles []string
			Standard          bool
			Module            *struct{ Path, Version string }
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return w, nil
		} else if err != nil {
			return w, err
		}
		if p.Standard || p.Module == nil || skip[p.Module.Path] {
			continue
		}
		m := w[p.Module.Path]
		if m == nil {
			m = &Module{Version: p.Module.Version}
			w[p.Module.Path] = m
		}
		m.Packages++
		for _, name := range append(p.GoFiles, p.CgoFiles...) {
			data, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				return w, err
			}
			m.Lines += bytes.Count(data, []byte("\n"))
		}
	}
}
