package sbom

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ladingdev/lading/sbom/internal/gobuild"
)

func TestGoBinary(t *testing.T) {
	exe, err := os.Executable() // this test is a Go binary
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, format := range targets() {
		o := &GoBinaryOptions{Format: format, Created: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Name: "sbom.test",
			Hashes: []Hash{{"SHA-256", strings.Repeat("ab", 32)}}}
		d, err := GoBinary(f, o)
		if err != nil {
			t.Errorf("%v: %v", format, err)
			continue
		}
		if warnings, err := Validate(d.Bytes()); err != nil || len(warnings) > 0 {
			t.Errorf("%v: %v %v", format, err, warnings)
		}
		again, err := GoBinary(f, o)
		if err != nil || !bytes.Equal(d.Bytes(), again.Bytes()) {
			t.Errorf("%v: not reproducible: %v", format, err)
		}
		if d.Format() != format || len(d.Roots()) != 1 {
			t.Errorf("%v: %v with roots %v", format, d.Format(), d.Roots())
		}
		std := false
		for _, c := range d.Components() {
			std = std || c.PURL == "pkg:golang/stdlib@"+c.Version && c.Name == "stdlib"
		}
		if !std {
			t.Errorf("%v: no stdlib in\n%s", format, d.Bytes())
		}
		edges := 0
		for e := range d.Relationships() {
			if e.Type == DependsOn && e.From == d.Roots()[0] && e.To != None {
				edges++
			}
		}
		if edges != d.Len()-1 {
			t.Errorf("%v: %d edges for %d components", format, edges, d.Len())
		}
	}
	if _, err := GoBinary(strings.NewReader("no binary"), nil); !errors.Is(err, ErrNotGo) {
		t.Errorf("%v, want ErrNotGo", err)
	}
}

// TestGoModules describes build information that has everything.
func TestGoModules(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8 X:jsonv2", Path: "example.com/App/cmd/app",
		Main: debug.Module{Path: "example.com/App", Version: "v1.2.3"},
		Deps: []*debug.Module{
			{Path: "example.com/b", Version: "v2.0.0+incompatible", Sum: "h1:bbb="},
			{Path: "example.com/a", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1", Sum: "h1:fff="}},
			{Path: "example.com/c", Version: "v1.0.0", Replace: &debug.Module{Path: "../c"}},
		},
		Settings: []debug.BuildSetting{{Key: "CGO_ENABLED", Value: "0"}, {Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "abc"},
			{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"}},
	}
	h := gobuild.Binary(info, "", nil, time.Time{})
	d, err := finishGo(h, Format{SPDX, "2.3"}, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range d.Components() {
		got = append(got, c.PURL)
	}
	want := []string{"pkg:golang/example.com/App@v1.2.3", "pkg:golang/example.com/fork@v1.0.1",
		"pkg:golang/example.com/b@v2.0.0%2Bincompatible",
		"pkg:golang/example.com/c", "pkg:golang/stdlib@1.26.8"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if d.Created() != "2026-01-02T03:04:05Z" || !bytes.Contains(d.Bytes(), []byte("git revision abc with local changes")) {
		t.Errorf("created %q, or no revision in\n%s", d.Created(), d.Bytes())
	}
	cdx := specOf(Format{CycloneDX, "1.6"}).Write(h).Render()
	for _, want := range []string{`"h1:fff="`, `"example.com/a@v1.0.0"`, `"../c"`, `"golang:build:vcs.revision"`,
		`"go1.26.8 X:jsonv2"`, `"golang:package"`} {
		if !bytes.Contains(cdx, []byte(want)) {
			t.Errorf("no %s in\n%s", want, cdx)
		}
	}
}

func TestGoDir(t *testing.T) {
	exe, err := os.Executable() // this test is a Go binary
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string][]byte{
		"bin/a": binary, "bin/deep/b": append(bytes.Clone(binary), 0), "text": []byte("no binary"), "short": []byte("x"), "empty": nil,
		"broken": append([]byte("\x7fELF"), make([]byte, 100)...),
	}
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("deep", filepath.Join(dir, "bin", "loop")); err != nil {
		t.Log(err)
	}
	ctx := t.Context()
	one, err := GoBinary(bytes.NewReader(binary), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range targets() {
		o := &GoDirOptions{Format: format, Name: "dist"}
		d, err := GoDir(ctx, os.DirFS(dir), o)
		if err != nil {
			t.Errorf("%v: %v", format, err)
			continue
		}
		if warnings, err := Validate(d.Bytes()); err != nil || len(warnings) > 0 {
			t.Errorf("%v: %v %v", format, err, warnings)
		}
		// The directory, two binaries, and the modules of one.
		if want := 2 + one.Len(); d.Len() != want {
			t.Errorf("%v: %d components, want %d", format, d.Len(), want)
		}
		g := d.Graph(DependsOn, Contains)
		if got := len(slices.Collect(g.Reachable(d.Roots()...))); got != d.Len() {
			t.Errorf("%v: %d of %d can be reached", format, got, d.Len())
		}
		again, err := GoDir(ctx, fstest.MapFS{
			"bin/a": {Data: files["bin/a"]}, "bin/deep/b": {Data: files["bin/deep/b"]}, "broken": {Data: files["broken"]},
		}, o)
		if err != nil || !bytes.Equal(d.Bytes(), again.Bytes()) {
			t.Errorf("%v: not reproducible: %v", format, err)
		}
	}
	d, err := GoDir(ctx, os.DirFS(dir), nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(binary)
	found := 0
	for range d.ByHash(Hash{"SHA-256", hex.EncodeToString(sum[:])}) {
		found++
	}
	if found != 1 {
		t.Errorf("%d components have the hash of bin/a", found)
	}
	if _, err := GoDir(ctx, fstest.MapFS{"x": {Data: []byte("text")}}, nil); !errors.Is(err, ErrNotGo) {
		t.Errorf("%v, want ErrNotGo", err)
	}
	if _, err := GoDir(ctx, os.DirFS(dir), &GoDirOptions{Format: Format{SPDX, "1"}}); !errors.Is(err, ErrVersion) {
		t.Errorf("%v, want ErrVersion", err)
	}
	if _, err := GoDir(ctx, os.DirFS(filepath.Join(dir, "none")), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want ErrNotExist", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := GoDir(canceled, os.DirFS(dir), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
}
