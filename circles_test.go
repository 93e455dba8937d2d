package lading_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// circles is how many uses of one file by another lie on a circle of files, in the packages of many files: whoever reads a file on a
// circle has to read the others too. Lower a figure when it becomes less.
var circles = map[string]int{
	"registry":      15,
	"sbom/catalog":  15,
	"sign":          7,
	"verify":        4,
	"verify/notary": 14,
	"policy":        64,
}

func TestCircles(t *testing.T) {
	for dir, most := range circles {
		uses := fileUses(t, dir)
		on, all := onCircles(uses)
		t.Logf("%s: %d of %d uses are on circles", dir, len(on), all)
		if len(on) > most {
			t.Errorf("%s has %d uses between files that lie on circles, %d are allowed:\n%s", dir, len(on), most, strings.Join(on, "\n"))
		}
	}
}

// TestCirclesSees proves that the check sees what it is for.
func TestCirclesSees(t *testing.T) {
	uses := map[string]map[string]string{"a": {"b": ""}, "b": {"c": "", "d": ""}, "c": {"a": ""}, "d": {"e": ""}}
	if on, all := onCircles(uses); len(on) != 3 || all != 5 {
		t.Errorf("%q of %d, want 3 of 5", on, all)
	}
	if uses := fileUses(t, "registry"); uses["layout.go"]["registry.go"] == "" || uses["registry.go"]["registry.go"] != "" {
		t.Errorf("uses of registry: %v", uses)
	}
}

// onCircles returns the uses from which a way leads back, and how many uses there are.
func onCircles(uses map[string]map[string]string) (on []string, all int) {
	var reach func(from, to string, seen map[string]bool) bool
	reach = func(from, to string, seen map[string]bool) bool {
		if from == to {
			return true
		}
		seen[from] = true
		for next := range uses[from] {
			if !seen[next] && reach(next, to, seen) {
				return true
			}
		}
		return false
	}
	for from, names := range uses {
		for to, name := range names {
			all++
			if reach(to, from, map[string]bool{}) {
				on = append(on, from+" -> "+to+": "+name)
			}
		}
	}
	slices.Sort(on)
	return on, all
}

// nothing imports: what another package declares is of no interest here.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not looked at") }

// fileUses returns which files of a package use which others, and by what name of those, the first.
func fileUses(t *testing.T, dir string) map[string]map[string]string {
	t.Helper()
	names, err := filepath.Glob(dir + "/*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", dir, err)
	}
	set := token.NewFileSet()
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
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: nothing{}, Error: func(error) {}}
	pkg, _ := config.Check(dir, set, files, info)
	uses := map[string]map[string]string{}
	for id, of := range info.Uses {
		if of.Pkg() != pkg || of.Parent() != nil && of.Parent() != pkg.Scope() { // of another package, or of a function
			continue
		}
		if v, ok := of.(*types.Var); ok && v.IsField() {
			continue // who uses a field uses its type
		}
		from, to := filepath.Base(set.Position(id.Pos()).Filename), filepath.Base(set.Position(of.Pos()).Filename)
		if from == to {
			continue
		}
		if uses[from] == nil {
			uses[from] = map[string]string{}
		}
		if first := uses[from][to]; first == "" || of.Name() < first {
			uses[from][to] = of.Name()
		}
	}
	return uses
}
