// Package doors knows every way into Amazon ECS and ECR that the types of the AWS SDK tell of, and has for each a line that says
// what keeps an image out that no policy allowed: see doors.tsv, and docs/doors.md, which is made from it.
package doors

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// An Item is something that the types of a service module tell of.
type Item struct {
	Kind string // operation, field or value
	Name string // of an operation; TYPE.FIELD; TYPE.VALUE
}

// Key is Kind and Name, which tell an Item from all others of its service.
func (i Item) Key() string { return i.Kind + " " + i.Name }

// Scan reads the sources of a service module of the AWS SDK for Go v2 in a folder and returns, sorted by key: its operations;
// every field that a request can carry, at any depth; of what only answers carry, the fields whose names tell of code (see
// [Carries]); and every value of every enumeration.
func Scan(dir string) ([]Item, error) {
	s := &scan{fset: token.NewFileSet(), items: map[string]Item{}, walked: map[string]bool{}}
	var err error
	if s.types, err = s.check(filepath.Join(dir, "types"), nil); err != nil {
		return nil, err
	}
	service, err := s.check(dir, s.types)
	if err != nil {
		return nil, err
	}
	s.values()
	operations := 0
	for _, answers := range []bool{false, true} {
		for _, name := range service.Scope().Names() {
			operation, isInput := strings.CutSuffix(name, "Input")
			if !isInput || service.Scope().Lookup(operation+"Output") == nil {
				continue
			}
			suffix := "Input"
			if answers {
				suffix = "Output"
			} else {
				operations++
				s.add(Item{Kind: "operation", Name: operation})
			}
			s.walk(service.Scope().Lookup(operation+suffix).Type(), answers)
		}
	}
	if operations == 0 {
		return nil, fmt.Errorf("doors: no operations in %s: not a service module of the AWS SDK for Go v2", dir)
	}
	return slices.SortedFunc(maps.Values(s.items), func(a, b Item) int { return strings.Compare(a.Key(), b.Key()) }), nil
}

type scan struct {
	fset   *token.FileSet
	types  *types.Package
	items  map[string]Item
	walked map[string]bool
}

func (s *scan) add(i Item) {
	if _, known := s.items[i.Key()]; !known {
		s.items[i.Key()] = i
	}
}

// check finds the types of a package. What it imports beside the service's own types is left open: fields of such types have
// no members of interest.
func (s *scan) check(dir string, known *types.Package) (*types.Package, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range names {
		base := filepath.Base(name)
		if strings.HasSuffix(base, "_test.go") || known != nil && !strings.HasPrefix(base, "api_op_") {
			continue
		}
		file, err := parser.ParseFile(s.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("doors: no Go files in %s: %w", dir, os.ErrNotExist)
	}
	conf := types.Config{
		Error: func(error) {}, IgnoreFuncBodies: true,
		Importer: importer(func(path string) (*types.Package, error) {
			if known != nil && strings.HasSuffix(path, "/types") {
				return known, nil
			}
			p := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
			p.MarkComplete()
			return p, nil
		}),
	}
	p, _ := conf.Check(dir, s.fset, files, nil) // its errors are of packages that were left open
	return p, nil
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }

// values adds what enumerations have.
func (s *scan) values() {
	for _, name := range s.types.Scope().Names() {
		c, ok := s.types.Scope().Lookup(name).(*types.Const)
		if !ok || c.Val().Kind() != constant.String {
			continue
		}
		if named, ok := c.Type().(*types.Named); ok {
			s.add(Item{Kind: "value", Name: named.Obj().Name() + "." + constant.StringVal(c.Val())})
		}
	}
}

// walk adds the fields of a type and of all that it leads to; of those in answers alone, the ones that tell of code.
func (s *scan) walk(t types.Type, answers bool) {
	switch t := t.(type) {
	case *types.Pointer:
		s.walk(t.Elem(), answers)
	case *types.Slice:
		s.walk(t.Elem(), answers)
	case *types.Map:
		s.walk(t.Elem(), answers)
	case *types.Named:
		if t.Obj().Pkg() == nil || s.walked[t.Obj().Name()] {
			return
		}
		s.walked[t.Obj().Name()] = true
		switch u := t.Underlying().(type) {
		case *types.Struct:
			s.fields(t.Obj().Name(), u, answers)
		case *types.Interface: // a union: its members are the types that have its name in theirs
			for _, name := range s.types.Scope().Names() {
				if strings.HasPrefix(name, t.Obj().Name()+"Member") {
					s.walk(s.types.Scope().Lookup(name).Type(), answers)
				}
			}
		}
	}
}

func (s *scan) fields(of string, t *types.Struct, answers bool) {
	for f := range t.Fields() {
		if !f.Exported() || f.Name() == "ResultMetadata" {
			continue
		}
		if !answers || Carries(f.Name()) {
			s.add(Item{Kind: "field", Name: of + "." + f.Name()})
		}
		s.walk(f.Type(), answers)
	}
}

var carries = regexp.MustCompile(`Image|Digest|TaskDefinition|ContainerDefinition|PrimaryContainer|AttestationPolicy|TrustedExecution|` +
	`IsolationMode|S3files|EntryPoint|Command|LifecycleHooks|VersionConsistency`)

// Carries tells whether the name of a field tells of code: an image, a task definition, a command, or how such is chosen.
func Carries(field string) bool { return carries.MatchString(field) }
