package lading_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// What a reader can hold in the head: no function is longer or deeper than this, and no line wider, in any module.
const (
	mostLines   = 80
	mostDepth   = 4
	mostColumns = 140 // a tab is four
)

// TestShape holds every Go file against these bounds. Tests may be long, since a table is; generated and copied files, and texts that
// must stay as they are (raw strings of several lines, outputs of examples), may be wide.
func TestShape(t *testing.T) {
	var found []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.') {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		for _, s := range shape(t, name, data) {
			found = append(found, name+": "+s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range found {
		t.Error(s)
	}
}

// TestShapeSees proves that the check sees what it is for.
func TestShapeSees(t *testing.T) {
	deep := "package p\nfunc f() {\n" + strings.Repeat("for {\n", 5) + strings.Repeat("}\n", 6)
	long := "package p\nfunc f() {\n" + strings.Repeat("_ = 1\n", 80) + "}\n"
	wide := "package p\n//" + strings.Repeat(" x", 70) + "\n"
	raw := "package p\nconst c = `\n" + strings.Repeat("x", 150) + "\n`\n"
	for src, want := range map[string]int{deep: 1, long: 1, wide: 1, raw: 0, raw + wide[10:]: 1} {
		if got := shape(t, "p.go", []byte(src)); len(got) != want {
			t.Errorf("%d faults, want %d: %q in %.60q", len(got), want, got, src)
		}
	}
	if got := shape(t, "p_test.go", []byte(deep)); len(got) > 0 {
		t.Errorf("a test: %q", got)
	}
}

func shape(t *testing.T, name string, data []byte) (faults []string) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, data, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(f) {
		return nil
	}
	texts := rawLines(data)
	for _, group := range f.Comments {
		if strings.Contains(group.Text(), "utput:\n") { // of an example, which is compared with what it prints
			for i := set.Position(group.Pos()).Line; i <= set.Position(group.End()).Line; i++ {
				texts[i] = true
			}
		}
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		columns := utf8.RuneCount(bytes.TrimRight(line, "\r\n")) + 3*bytes.Count(line, []byte("\t"))
		if columns > mostColumns && !texts[number] && !bytes.HasPrefix(line, []byte("//go:")) {
			faults = append(faults, fmt.Sprintf("line %d has %d columns", number, columns))
		}
	}
	if strings.HasSuffix(name, "_test.go") {
		return faults
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		if lines := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; lines > mostLines {
			faults = append(faults, fmt.Sprintf("%s has %d lines", fn.Name.Name, lines))
		}
		if depth := depthOf(fn.Body); depth > mostDepth {
			faults = append(faults, fmt.Sprintf("%s is %d levels deep", fn.Name.Name, depth))
		}
	}
	return faults
}

// rawLines returns the lines that begin or end inside of a raw string.
func rawLines(data []byte) map[int]bool {
	lines := make(map[int]bool)
	set := token.NewFileSet()
	file := set.AddFile("", -1, len(data))
	var s scanner.Scanner
	s.Init(file, data, nil, 0)
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			return lines
		}
		if more := strings.Count(text, "\n"); kind == token.STRING && more > 0 {
			for i := range more + 1 {
				lines[file.Line(pos)+i] = true
			}
		}
	}
}

// depthOf counts how many statements of a function, one inside of the other, decide or repeat. An else if is no level of its own,
// nor is the case of a switch.
func depthOf(body ast.Node) (most int) {
	var open []bool // the nodes around this one: whether each is a level
	depth, elses := 0, map[ast.Node]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		if n == nil {
			if open[len(open)-1] {
				depth--
			}
			open = open[:len(open)-1]
			return true
		}
		level := false
		switch n := n.(type) {
		case *ast.IfStmt:
			level = !elses[n]
			elses[n.Else] = true
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			level = true
		}
		if level {
			depth++
			most = max(most, depth)
		}
		open = append(open, level)
		return true
	})
	return most
}
