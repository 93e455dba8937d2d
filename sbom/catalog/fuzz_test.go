package catalog

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// valid fails if a document that was made does not keep to its specification.
func valid(t *testing.T, doc *sbom.Document) {
	t.Helper()
	if _, err := sbom.Validate(doc.Bytes()); err != nil {
		t.Fatalf("%v\n%s", err, doc.Bytes())
	}
}

// Two layers, of any archives. Whatever they hold, what is walked afterwards can be opened and looked up.
func FuzzLayers(f *testing.F) {
	f.Add(tarOf(f, debian()), tarOf(f, []item{{name: "etc/.wh..wh..opq"}, {name: "usr/lib/.wh.os-release"}}))
	f.Add(tarOf(f, []item{{name: "a", typ: tar.TypeSymlink, link: "b"}, {name: "b", typ: tar.TypeSymlink, link: "../a/c"}}),
		tarOf(f, []item{packageJSON("a/x", "x", "1"), {name: "h", typ: tar.TypeLink, link: "a/x/package.json"}}))
	f.Add(tarOf(f, npmProject()), tarOf(f, []item{{name: "app", body: "x"}, {name: "app/../..//.", typ: tar.TypeDir}}))
	f.Fuzz(func(t *testing.T, low, high []byte) {
		c, err := newCollector(&Options{MaxFiles: 1000, MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		tree, err := rootfs.NewLayered(c.wanted, c.warn, c.o.MaxBytes, c.o.MaxFiles)
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		for i, data := range [][]byte{low, high} {
			if tree.Apply(i, "sha256:x", tar.NewReader(bytes.NewReader(data))) != nil {
				break
			}
		}
		err = fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			if e.Type()&fs.ModeSymlink == 0 && tree.Real(name) != name {
				t.Fatalf("%q is at %q", name, tree.Real(name))
			}
			if e.Type().IsRegular() {
				file, err := tree.Open(name)
				if err != nil && !errors.Is(err, rootfs.ErrNotKept) {
					t.Fatal(err)
				}
				if err == nil {
					file.Close()
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.collect(context.Background(), tree); err != nil {
			t.Fatal(err)
		}
		doc, _, err := c.document(nil)
		if err != nil {
			t.Fatal(err)
		}
		valid(t, doc)
	})
}

// An archive of an image, of any bytes.
func FuzzOpen(f *testing.F) {
	b := build(f, debian())
	_, items := b.layout(f, b.root)
	f.Add(tarOf(f, items))
	f.Add(tarOf(f, b.docker(f)))
	f.Add(gzipped(f, tarOf(f, b.docker(f))))
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := Open(name)
		if err != nil {
			return
		}
		defer src.Close()
		if d, err := src.Find("", ocispec.Platform{OS: "linux"}); err == nil && d.Digest.Validate() != nil {
			t.Errorf("found %+v", d)
		}
		for _, d := range src.Images {
			doc, _, err := Image(t.Context(), src, d, &Options{MaxFiles: 1000, MaxBytes: 1 << 20})
			if err == nil {
				valid(t, doc)
			}
		}
	})
}

// Package databases of any content, together, so that names meet.
func FuzzFiles(f *testing.F) {
	names := []string{"var/lib/dpkg/status", "lib/apk/db/installed", "etc/os-release", "usr/share/doc/bash/copyright", "app/package.json",
		"app/node_modules/a/package.json", "app/package-lock.json",
		"lib/x-1.dist-info/METADATA", "app/app.deps.json", "app/composer.lock", "y.gemspec", "bin/x", "var/lib/pacman/local/a/desc"}
	own := len(names) // what others are read by may be put out by them, and is warned of
	for _, l := range lockfiles {
		f.Add(uint8(len(names)), l.body)
		names = append(names, l.name)
	}
	for _, items := range [][]item{debian(), npmProject(), python()} {
		for _, it := range items {
			for i, n := range names {
				if it.name == n {
					f.Add(uint8(i), it.body)
				}
			}
		}
	}
	f.Add(uint8(1), apkInstalled)
	f.Add(uint8(2), debianRelease)
	f.Add(uint8(2), "ID=\"")
	f.Add(uint8(7), python()[0].body)
	f.Add(uint8(8), testdata(f, "app.deps.json"))
	f.Add(uint8(9), testdata(f, "composer.lock"))
	f.Add(uint8(10), testdata(f, "yaml-0.2.1.gemspec"))
	f.Fuzz(func(t *testing.T, i uint8, text string) {
		files := fstest.MapFS{"etc/os-release": {Data: []byte(debianRelease)}, "app/package.json": {Data: []byte(npmProject()[0].body)},
			"var/lib/dpkg/status": {Data: []byte(dpkgStatus)}}
		name := names[int(i)%len(names)]
		files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o755}
		doc, report, err := Dir(t.Context(), files, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range report.Warnings {
			if int(i)%len(names) < own && strings.Contains(w.Err.Error(), "panic") {
				t.Fatal(w)
			}
		}
		valid(t, doc)
		again, _, err := Dir(t.Context(), files, nil)
		if err != nil || !bytes.Equal(doc.Bytes(), again.Bytes()) {
			t.Fatalf("another time it is another document: %v", err)
		}
	})
}

func FuzzDebianLicenses(f *testing.F) {
	f.Add(copyright)
	f.Add(testdata(f, "copyright-base-files"))
	f.Fuzz(func(t *testing.T, text string) {
		list := debianLicenses(text)
		if l := cdxLicenses(list); (l == nil) != (len(list) == 0) {
			t.Fatalf("%q became %v", list, l)
		}
	})
}

// FuzzLocks reads lockfiles and archives of every kind that is read here.
func FuzzLocks(f *testing.F) {
	names := []string{"a.jar", "node_modules/p/package.json", "node_modules/.package-lock.json", "composer.lock",
		"vendor/composer/installed.json",
		"conda-meta/a.json", "library/a/DESCRIPTION", "opt/bitnami/a/.spdx-a.spdx", "var/lib/opkg/status", "lib/apk/db/installed",
		"var/lib/pacman/local/a-1/desc",
		"lib/python3.12/site-packages/a-1.dist-info/METADATA", "gems/a/specifications/a-1.gemspec",
		"var/lib/rpmmanifest/container-manifest-2"}
	all, err := finders()
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range all {
		if l.project && l.names != nil {
			names = append(names, l.names[0])
		}
	}
	for _, l := range lockfiles {
		for i, name := range names {
			if name == l.name {
				f.Add(byte(i), []byte(l.body))
			}
		}
	}
	for i := range names {
		f.Add(byte(i), []byte(":\n  version \"1\"\n"))
		f.Add(byte(i), []byte("__metadata:\n  version: 8\n\"a@npm:1\":\n  resolution: \"\"\n"))
		f.Add(byte(i), []byte(`{"packages":{"a":["a@patch:a@patch:b"]}}`))
		f.Add(byte(i), []byte("Name: a\nVersion: 1\nRequires-Dist: a ; (python_version < '3' or extra == 'x') and os_name == 'nt'\n"))
	}
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		doc, report, err := Dir(t.Context(), mapFS(item{name: names[int(kind)%len(names)], body: string(data)},
			item{name: "package.json", body: `{"name":"p","version":"1.0.0","devDependencies":{"a":"1"}}`}), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range report.Warnings {
			if strings.Contains(w.Err.Error(), "panic") {
				t.Fatal(w)
			}
		}
		if _, err := sbom.Validate(doc.Bytes()); err != nil {
			t.Fatalf("%v\n%s", err, doc.Bytes())
		}
	})
}
