package lading_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The programs in the README are examples/first and the examples of this package, and the packages that it lists are there.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join("examples", "first", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]bool)
	for line := range strings.Lines(string(example)) {
		lines[strings.TrimSpace(line)] = true
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 5 {
		t.Errorf("%d programs in the README, want five at least", len(blocks))
	}
	for _, block := range blocks {
		if strings.HasPrefix(block[1], "package main") {
			if !strings.HasSuffix(string(first), "\n"+block[1]) {
				t.Error("the whole program of the README is not examples/first/main.go")
			}
			continue
		}
		for line := range strings.Lines(block[1]) {
			if line = strings.TrimSpace(line); !lines[line] {
				t.Errorf("a line of the README is not in example_test.go: %s", line)
			}
		}
	}
	links := regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(string(readme), -1)
	for _, link := range links {
		if strings.Contains(link[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.FromSlash(link[1])); err != nil {
			t.Errorf("the README links to %s: %v", link[1], err)
		}
	}
}

// Each "go -C DIR" that a page or comment tells people to type finds the module in DIR from a checkout, where go.work is: a module that
// is not of that workspace has a go.work of its own.
func TestCommandsFindTheirModule(t *testing.T) {
	command := regexp.MustCompile(`go -C ([a-z0-9/]+) `)
	seen := make(map[string]bool)
	list := []string{"list", "./..."}
	if os.Getenv("LADING_HEAVY") != "" { // what they import, too, which downloads it
		list = []string{"list", "-deps", "./..."}
	}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md", "examples/*/main.go", "policy/ecsgate/sweep/example/main.go"} {
		files, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range command.FindAllStringSubmatch(string(data), -1) {
				if seen[m[1]] {
					continue
				}
				seen[m[1]] = true
				cmd := exec.Command("go", append([]string{"-C", filepath.FromSlash(m[1])}, list...)...)
				cmd.Env = append(os.Environ(), "GOWORK=")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %q: %v\n%s", file, m[0], err, out)
				}
			}
		}
	}
	if len(seen) < 3 {
		t.Errorf("only %v", seen)
	}
}
