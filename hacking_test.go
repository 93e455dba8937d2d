package lading_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// forContributors are the pages whose paths and commands are held against the repository.
func forContributors(t *testing.T) []string {
	t.Helper()
	design, err := filepath.Glob(filepath.Join("docs", "design", "*.md"))
	if err != nil || len(design) == 0 {
		t.Fatalf("%d pages of design, %v", len(design), err)
	}
	return append([]string{"HACKING.md", "CONTRIBUTING.md"}, design...)
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}

// A page of docs/design can be read in one go.
func TestDesignIsShort(t *testing.T) {
	for _, page := range forContributors(t) {
		if n := strings.Count(read(t, page), "\n"); n > 150 && strings.HasPrefix(filepath.ToSlash(page), "docs/design/") {
			t.Errorf("%s has %d lines, 150 are allowed", page, n)
		}
	}
}

var (
	inBackticks = regexp.MustCompile("`([^`\n]+)`")
	placeholder = regexp.MustCompile(`[A-Z]{2,}`)
	linkTo      = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
)

// Each path that a page names is there, words of capitals standing for anything, and so is what it links to.
func TestPagesNamePlaces(t *testing.T) {
	rooms := map[string]bool{} // what stands at the top
	top, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range top {
		rooms[e.Name()] = true
	}
	places := 0
	for _, page := range forContributors(t) {
		text := read(t, page)
		for _, m := range inBackticks.FindAllStringSubmatch(text, -1) {
			room, _, inside := strings.Cut(m[1], "/")
			if strings.ContainsAny(m[1], " :") || exportedName.MatchString(m[0]) || testName.MatchString(m[0]) ||
				!(inside && rooms[room]) && !strings.HasSuffix(m[1], ".go") {
				continue
			}
			places++
			if found, _ := filepath.Glob(placeholder.ReplaceAllString(filepath.FromSlash(m[1]), "*")); len(found) == 0 {
				t.Errorf("%s names %s, which there is not", page, m[1])
			}
		}
		for _, m := range linkTo.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	if places < 50 {
		t.Errorf("%d places are looked at", places)
	}
}

var (
	fence  = regexp.MustCompile("(?s)```\n(.*?)```")
	asked  = regexp.MustCompile(`-(?:run|fuzz|bench)[ =]'?([A-Z]\w+)`)
	ciRun  = regexp.MustCompile(`bash \.ci/run((?: \w+)*)`)
	stepOf = regexp.MustCompile(`(?m)^(?:default|by_name)="(.*)"$`)
)

// Each command that a page gives can be typed: its folders, packages, tests and steps are there.
func TestPagesGiveCommands(t *testing.T) {
	steps := []string{"help"}
	for _, m := range stepOf.FindAllStringSubmatch(read(t, filepath.Join(".ci", "run")), -1) {
		steps = append(steps, strings.Fields(m[1])...)
	}
	commands := 0
	for _, page := range forContributors(t) {
		text := read(t, page)
		for _, m := range ciRun.FindAllStringSubmatch(text, -1) {
			for _, step := range strings.Fields(m[1]) {
				if step != "STEP" && !slices.Contains(steps, step) {
					t.Errorf("%s: .ci/run has no step %s", page, step)
				}
			}
		}
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			dir := "."
			for line := range strings.Lines(block[1]) {
				line, _, _ = strings.Cut(strings.TrimSpace(line), "  #")
				words := strings.Fields(line)
				switch {
				case len(words) > 1 && words[0] == "cd":
					dir = path.Join(dir, words[1])
					commands++
				case strings.Contains(line, "go test ") || strings.Contains(line, "go run "):
					commands++
					checkGoCommand(t, page, dir, line)
				}
			}
		}
	}
	if commands < 8 {
		t.Errorf("%d commands are looked at", commands)
	}
}

// checkGoCommand holds a go command in a folder against what is there.
func checkGoCommand(t *testing.T, page, dir, line string) {
	t.Helper()
	for _, word := range strings.Fields(line) {
		if word != "." && !strings.HasPrefix(word, "./") {
			continue
		}
		pkg := path.Join(dir, word)
		files, _ := filepath.Glob(filepath.Join(filepath.FromSlash(pkg), "*.go"))
		if len(files) == 0 {
			t.Errorf("%s: %s: no package %s", page, line, pkg)
		}
		var tests strings.Builder
		for _, f := range files {
			tests.WriteString(read(t, f))
		}
		for _, m := range asked.FindAllStringSubmatch(line, -1) {
			if !strings.Contains(tests.String(), "func "+m[1]+"(") {
				t.Errorf("%s: %s: %s has no %s", page, line, pkg, m[1])
			}
		}
	}
}

var variable = regexp.MustCompile(`LADING_[A-Z0-9_]*[A-Z0-9]`)

// HACKING lists the variables that code and scripts ask for, and no others.
func TestVariables(t *testing.T) {
	inCode := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, e fs.DirEntry, err error) error {
		slashed := filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || e.Name() == ".git"):
			return filepath.SkipDir
		case !e.IsDir() && slashed != "hacking_test.go" &&
			(slashed == ".ci/run" || slices.Contains([]string{".go", ".sh"}, path.Ext(slashed))):
			for _, v := range variable.FindAllString(read(t, name), -1) {
				inCode[v] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(read(t, "HACKING.md")) {
		if cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok {
			for _, v := range variable.FindAllString(cell, -1) {
				listed[v] = true
			}
		}
	}
	for _, v := range slices.Sorted(maps.Keys(inCode)) {
		if !listed[v] {
			t.Errorf("HACKING.md does not list %s", v)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(listed)) {
		if !inCode[v] {
			t.Errorf("HACKING.md lists %s, which nothing asks for", v)
		}
	}
	for _, page := range pages(t) {
		for _, v := range variable.FindAllString(read(t, page), -1) {
			if !listed[v] {
				t.Errorf("%s names %s, which HACKING.md does not list", page, v)
			}
		}
	}
}
