package lading_test

import (
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A figure is how many files of a package use one another in a circle, and how many of their uses lie on one.
type figure struct{ files, uses int }

// mostInCircles may only become smaller: lower a figure with each file that is taken out.
var mostInCircles = map[string]figure{
	"registry":            {9, 15},
	"sbom":                {},
	"sbom/catalog":        {12, 15},
	"sbom/internal/cdx":   {2, 2},
	"sbom/internal/spdx2": {2, 2},
	"sbom/internal/spdx3": {9, 14},
	"sign":                {5, 7},
	"verify":              {4, 4},
	"verify/notary":       {6, 14},
	"policy":              {12, 64},
}

// TestCircles looks at which files use which, by the names that they use. Packages cannot go in a circle, files of one can: then
// none of them is read without all others. A circle may know no two specifications, and those that there are may only become
// smaller.
func TestCircles(t *testing.T) {
	set := token.NewFileSet()
	compiled := compiled(t, set, "./sbom/...")
	for dir, most := range mostInCircles {
		imports := types.Importer(nothing{})
		if dir == "sbom" || slices.Contains(specifications, dir) {
			imports = compiled
		}
		uses, knows := fileUses(t, set, imports, dir)
		var in figure
		for _, circle := range circles(uses) {
			t.Logf("%s: %v", dir, circle)
			in.files += len(circle)
			known := map[string]bool{}
			for _, file := range circle {
				maps.Copy(known, knows[file])
				for used := range uses[file] {
					if slices.Contains(circle, used) {
						in.uses++
					}
				}
			}
			if len(known) > 1 {
				t.Errorf("a circle of files knows %v: %v", slices.Sorted(maps.Keys(known)), circle)
			}
		}
		if in.files > most.files || in.uses > most.uses {
			t.Errorf("%s: %d files and %d uses are in circles, %d and %d were", dir, in.files, in.uses, most.files, most.uses)
		}
	}
}

// nothing imports: what another package declares is of no interest here.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not looked at") }

// compiled returns an importer of packages as the go command compiles them.
func compiled(t *testing.T, set *token.FileSet, pattern string) types.Importer {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", pattern).Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	return importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
}

// fileUses returns which files of a package use which others, and which specifications each imports.
func fileUses(t *testing.T, set *token.FileSet, imports types.Importer, dir string) (uses, knows map[string]map[string]bool) {
	t.Helper()
	names, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	uses, knows = map[string]map[string]bool{}, map[string]map[string]bool{}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		base := filepath.Base(name)
		uses[base], knows[base] = map[string]bool{}, map[string]bool{}
		for _, i := range f.Imports {
			path := strings.TrimPrefix(strings.Trim(i.Path.Value, `"`), module+"/")
			if slices.Contains(specifications, path) {
				knows[base][path] = true
			}
		}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := &types.Config{Importer: imports}
	if imports == (nothing{}) {
		config.Error = func(error) {} // what is imported is not known
	}
	pkg, err := config.Check(module+"/"+dir, set, files, info)
	if err != nil && config.Error == nil {
		t.Fatal(err)
	}
	fileOf := func(p token.Pos) string { return filepath.Base(set.Position(p).Filename) }
	for id, used := range info.Uses {
		if v, ok := used.(*types.Var); used.Pkg() != pkg || ok && v.IsField() {
			continue
		}
		if from, to := fileOf(id.Pos()), fileOf(used.Pos()); from != to {
			uses[from][to] = true
		}
	}
	return uses, knows
}

// circles returns the largest sets of files that use one another, directly or through others.
func circles(uses map[string]map[string]bool) (out [][]string) {
	reach := func(from string) map[string]bool {
		seen, queue := map[string]bool{}, []string{from}
		for len(queue) > 0 {
			at := queue[0]
			queue = queue[1:]
			for to := range uses[at] {
				if !seen[to] {
					seen[to] = true
					queue = append(queue, to)
				}
			}
		}
		return seen
	}
	reached := map[string]map[string]bool{}
	for file := range uses {
		reached[file] = reach(file)
	}
	done := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(uses)) {
		if done[file] || !reached[file][file] {
			continue
		}
		circle := []string{}
		for _, other := range slices.Sorted(maps.Keys(uses)) {
			if reached[file][other] && reached[other][file] {
				circle = append(circle, other)
				done[other] = true
			}
		}
		out = append(out, circle)
	}
	return out
}

func TestCirclesSees(t *testing.T) {
	uses := map[string]map[string]bool{"a": {"b": true}, "b": {"c": true}, "c": {"b": true, "d": true}, "d": {}, "e": {"f": true},
		"f": {"e": true}}
	if got := circles(uses); len(got) != 2 || !slices.Equal(got[0], []string{"b", "c"}) || !slices.Equal(got[1], []string{"e", "f"}) {
		t.Errorf("%q", got)
	}
}
