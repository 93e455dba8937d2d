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
	"slices"
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

// A List is what the go command says of packages and of all that they compile: one question for many weights.
type List struct{ packages map[string]*Package }

// A Package is what the go command says of one. Deps are all that it compiles, itself left out.
type Package struct {
	ImportPath, Dir   string
	GoFiles, CgoFiles []string
	Imports, Deps     []string
	Standard          bool
	Module            *struct{ Path, Version string }
}

// NewList asks the go command in a folder about some packages.
func NewList(dir string, env []string, pkgs ...string) (*List, error) {
	fields := "-json=ImportPath,Dir,GoFiles,CgoFiles,Imports,Deps,Standard,Module"
	cmd := exec.Command("go", append([]string{"list", "-deps", fields}, pkgs...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %v: %w\n%s", pkgs, err, &stderr)
	}
	l := &List{make(map[string]*Package)}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(Package)
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return l, nil
		} else if err != nil {
			return nil, err
		}
		l.packages[p.ImportPath] = p
	}
}

// Package returns what is known of a package; nil if it was not asked about.
func (l *List) Package(path string) *Package { return l.packages[path] }

// Of returns what some packages of the list compile. Modules in without are not counted: paths, such as of a module that the standard
// library of a later Go replaces.
func (l *List) Of(without []string, pkgs ...string) (w Weight, err error) {
	all := make(map[string]bool)
	for _, path := range pkgs {
		p := l.packages[path]
		if p == nil {
			return w, fmt.Errorf("%s is not in the list", path)
		}
		all[path] = true
		for _, dep := range p.Deps {
			all[dep] = true
		}
	}
	w = Weight{}
	for path := range all {
		p := l.packages[path]
		if p == nil || p.Standard || p.Module == nil || slices.Contains(without, p.Module.Path) {
			continue
		}
		m := w[p.Module.Path]
		if m == nil {
			m = &Module{Version: p.Module.Version}
			w[p.Module.Path] = m
		}
		m.Packages++
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
			data, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				return w, err
			}
			m.Lines += bytes.Count(data, []byte("\n"))
		}
	}
	return w, nil
}

// Of asks the go command in a folder what some packages compile.
func Of(dir string, env, without []string, pkgs ...string) (Weight, error) {
	l, err := NewList(dir, env, pkgs...)
	if err != nil {
		return Weight{}, err
	}
	return l.Of(without, pkgs...)
}
