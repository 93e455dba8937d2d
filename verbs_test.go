package lading_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every verb has an Example that runs: one that go test executes and compares, in a test of its package. A verb is an exported
// function, or method of an exported type, that takes a context, or that the package comment links to. An Example counts that calls it.
// What makes a function an implementation, a type named Func, has the verb of its interface.
func TestVerbsHaveExamples(t *testing.T) {
	verbs := 0
	packages := publicPackages(t)
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		pkg := packages[dir]
		if pkg.name == "main" {
			continue
		}
		for _, v := range pkg.verbs() {
			verbs++
			if !pkg.shows(v) {
				t.Errorf("%s: no Example calls %s", dir, v)
			}
		}
	}
	if verbs < 150 {
		t.Errorf("%d verbs are looked at", verbs)
	}
}

// A publicPackage is what a package declares, and the Examples of its tests.
type publicPackage struct {
	name     string
	comment  string
	funcs    []*ast.FuncDecl
	examples []*ast.FuncDecl
}

// publicPackages are those of this module and of the modules below it that others can import, by directory.
func publicPackages(t *testing.T) map[string]*publicPackage {
	t.Helper()
	all := make(map[string]*publicPackage)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if slices.Contains([]string{"internal", "testdata", "examples", "example", "findings"}, base) || len(base) > 1 &&
				base[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(name))
		if all[dir] == nil {
			all[dir] = new(publicPackage)
		}
		all[dir].add(tree, strings.HasSuffix(base, "_test.go"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (p *publicPackage) add(tree *ast.File, test bool) {
	if !test {
		p.name = tree.Name.Name
		p.comment += tree.Doc.Text()
	}
	for _, decl := range tree.Decls {
		f, ok := decl.(*ast.FuncDecl)
		switch {
		case !ok:
		case test && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example") && runs(tree, f):
			p.examples = append(p.examples, f)
		case !test && f.Name.IsExported() && (f.Recv == nil || ast.IsExported(receiver(f))):
			p.funcs = append(p.funcs, f)
		}
	}
}

// runs tells whether go test runs an Example: it has a comment that says what comes out.
func runs(tree *ast.File, f *ast.FuncDecl) bool {
	for _, c := range tree.Comments {
		if f.Body.Pos() < c.Pos() && c.End() <= f.Body.End() {
			text := strings.ToLower(strings.TrimSpace(c.Text()))
			if strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:") {
				return true
			}
		}
	}
	return false
}

// verbs are FUNCTION and TYPE.METHOD.
func (p *publicPackage) verbs() (out []string) {
	for _, f := range p.funcs {
		name := f.Name.Name
		if f.Recv != nil {
			if strings.HasSuffix(receiver(f), "Func") {
				continue
			}
			name = receiver(f) + "." + name
		}
		if takesContext(f) || strings.Contains(p.comment, "["+name+"]") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func takesContext(f *ast.FuncDecl) bool {
	if len(f.Type.Params.List) == 0 {
		return false
	}
	s, ok := f.Type.Params.List[0].Type.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Context"
}

// shows tells whether an Example calls a verb, or names it where it is called through an interface.
func (p *publicPackage) shows(verb string) bool {
	typ, method, isMethod := strings.Cut(verb, ".")
	for _, e := range p.examples {
		if isMethod && strings.HasPrefix(e.Name.Name, "Example"+typ+"_"+method) {
			return true
		}
		found := false
		ast.Inspect(e.Body, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, isName := s.X.(*ast.Ident)
			switch {
			case isMethod && s.Sel.Name == method, !isMethod && isName && x.Name == p.name && s.Sel.Name == verb:
				found = true
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}
