// Package site makes the pages of docs a static site. See build.sh.
package site

import (
	"html"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	reference = regexp.MustCompile(`\b(?:href|src)="?([^">\s]+)`)
	anchor    = regexp.MustCompile(`\bid="?([^">\s]+)`)
)

const source = "https://github.com/ladingdev/lading/tree/main/"

// No link of the site in LADING_SITE is broken: within it, to a place on a page, or to a path of the repository. The step "site" of
// .ci/run makes it.
func TestLinks(t *testing.T) {
	dir := os.Getenv("LADING_SITE")
	if dir == "" {
		t.Skip("no site in LADING_SITE")
	}
	pages := make(map[string]string)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		pages["/"+filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for name, text := range pages {
		if path.Ext(name) != ".html" {
			continue
		}
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			links++
			if why := broken(pages, name, html.UnescapeString(m[1])); why != "" {
				t.Errorf("%s links to %s: %s", name, m[1], why)
			}
		}
	}
	if len(pages) < 5 || links < 60 {
		t.Errorf("%d pages with %d links", len(pages), links)
	}
}

// broken says why a link leads nowhere, or nothing.
func broken(pages map[string]string, from, to string) string {
	if file, ok := strings.CutPrefix(to, source); ok {
		file, _, _ = strings.Cut(file, "#")
		if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(file))); err != nil {
			return "there is no such path in the repository"
		}
		return ""
	}
	u, err := url.Parse(to)
	if err != nil {
		return err.Error()
	}
	if u.IsAbs() {
		return ""
	}
	target := from
	if u.Path != "" {
		target = path.Join(path.Dir(from), u.Path)
		if path.Ext(target) == "" {
			target = path.Join(target, "index.html")
		}
	}
	text, ok := pages[target]
	if !ok {
		return "there is no such page"
	}
	if u.Fragment == "" {
		return ""
	}
	for _, m := range anchor.FindAllStringSubmatch(text, -1) {
		if m[1] == u.Fragment {
			return ""
		}
	}
	return "there is no such place on the page"
}
