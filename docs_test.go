package lading_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy/document"
)

var (
	testName = regexp.MustCompile("`([a-z][a-z0-9/]*)\\.((?:Test|Fuzz|Example|Benchmark)[A-Za-z0-9_]*)(?:/([^`]*))?`")
	testCell = regexp.MustCompile("`[a-z][a-z0-9/]*\\.(Test|Fuzz|Example|Benchmark)")
)

// Lists of attacks that tests of several packages go through.
var testLists = map[string]string{"verify/sigstore": "internal/sigstoretest/attacks.go",
	"verify/sigstore/tuf": "internal/tuftest/attacks.go"}

// pages are those whose names are held against the code.
func pages(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{"HACKING.md", "CONTRIBUTING.md", filepath.Join("docs", "*.md"),
		filepath.Join("docs", "design", "*.md")} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d pages, %v", pattern, len(files), err)
		}
		all = append(all, files...)
	}
	return all
}

// Whatever a page says that a test shows, there is a test of that name, and one of that name within it. Each row of a table that
// ends with the column "shown by" names at least one.
func TestDocsNameTests(t *testing.T) {
	tests := make(map[string]string) // the text of all tests of a package, by its path
	read := func(pkg string) string {
		if text, ok := tests[pkg]; ok {
			return text
		}
		dir := filepath.FromSlash(pkg)
		if pkg == "lading" {
			dir = "."
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if list := testLists[pkg]; list != "" {
			files = append(files, filepath.FromSlash(list))
		}
		var all strings.Builder
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
		tests[pkg] = all.String()
		return tests[pkg]
	}
	rows := 0
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testName.FindAllStringSubmatch(string(data), -1) {
			text := read(m[1])
			if !strings.Contains(text, "func "+m[2]+"(") {
				t.Errorf("%s names %s.%s, which there is not", page, m[1], m[2])
			}
			if m[3] != "" && !strings.Contains(text, `"`+m[3]+`"`) {
				t.Errorf("%s names a part %q of %s.%s, which there is not", page, m[3], m[1], m[2])
			}
		}
		shown := false // whether the table's last column is tests
		for i, line := range strings.Split(string(data), "\n") {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			last := strings.TrimSpace(cells[len(cells)-1])
			switch {
			case !strings.HasPrefix(line, "|"):
				shown = false
			case last == "shown by":
				shown = true
			case shown && strings.Trim(last, "- ") != "":
				if rows++; !testCell.MatchString(last) {
					t.Errorf("%s:%d names no test", page, i+1)
				}
			}
		}
	}
	if rows < 100 {
		t.Errorf("%d rows are looked at", rows)
	}
}

var exportedName = regexp.MustCompile("`([a-z][a-z0-9/]*)\\.([A-Z][A-Za-z0-9]*)(?:\\.([A-Z][A-Za-z0-9]*))?`")

// Whatever a page calls a name of a package is one.
func TestDocsNameExported(t *testing.T) {
	names := 0
	packages := make(map[string][]ast.Decl)
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range exportedName.FindAllStringSubmatch(string(data), -1) {
			if testCell.MatchString(m[0]) {
				continue
			}
			if _, err := os.Stat(filepath.Join(build.Default.GOROOT, "src", filepath.FromSlash(m[1]))); err == nil {
				continue // of the standard library
			}
			names++
			if _, ok := packages[m[1]]; !ok {
				packages[m[1]] = declarations(t, m[1])
			}
			if !slices.ContainsFunc(packages[m[1]], func(d ast.Decl) bool { return declares(d, m[2], m[3]) }) {
				t.Errorf("%s: there is no %s", page, m[0])
			}
		}
	}
	if names < 80 {
		t.Errorf("%d names are looked at", names)
	}
}

// declarations are what the package in dir declares, its tests left out.
func declarations(t *testing.T, dir string) (out []ast.Decl) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(dir), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, tree.Decls...)
	}
	return out
}

// declares says whether d exports the name and, if a member is given, that method or field of its type.
func declares(d ast.Decl, name, member string) bool {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return member == "" && d.Name.Name == name
		}
		return receiver(d) == name && d.Name.Name == member
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.Name == name && (member == "" || hasField(s.Type, member)) {
					return true
				}
			case *ast.ValueSpec:
				for _, id := range s.Names {
					if id.Name == name && member == "" {
						return true
					}
				}
			}
		}
	}
	return false
}

func hasField(typ ast.Expr, name string) bool {
	s, ok := typ.(*ast.StructType)
	return ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool {
		return slices.ContainsFunc(f.Names, func(id *ast.Ident) bool { return id.Name == name })
	})
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// A policy document that a page shows is one, and says nothing that is likely not meant.
func TestDocsPolicies(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	policies := 0
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range yamlBlock.FindAllSubmatch(data, -1) {
			policies++
			doc, err := document.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			for _, f := range doc.Lint() {
				t.Errorf("%s: %v", page, f)
			}
		}
	}
	if policies == 0 {
		t.Error("no page shows a policy")
	}
}
