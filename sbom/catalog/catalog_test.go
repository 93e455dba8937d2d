package catalog

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom"
)

var thisBinary = sync.OnceValue(func() string { // this test is a Go binary
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		panic(err)
	}
	return string(data)
})

const debianRelease = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"

const dpkgStatus = `Package: libc6
Status: install ok installed
Architecture: amd64
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Version: 2.36-9
Depends: libgcc-s1
Provides: libc6-api (= 1)

Package: libgcc-s1
Status: install ok installed
Architecture: amd64
Source: gcc-12
Version: 1:12.2.0-14
Pre-Depends: libc6 (>= 2.35),
 gcc-12-base

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2
Depends: nothing | libc6-api, absent (>= 1)

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
`

const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: GPL-3+ and Expat

Files: x
License: GPL-3+
`

func debian() []item {
	return []item{
		{name: "etc", typ: tar.TypeDir, mode: 0o755},
		{name: "usr/lib/os-release", body: debianRelease},
		{name: "etc/os-release", typ: tar.TypeSymlink, link: "../usr/lib/os-release"},
		{name: "var/lib/dpkg/status", body: dpkgStatus},
		{name: "usr/share/doc/bash/copyright", body: copyright},
	}
}

func npmProject() []item {
	return []item{
		{name: "app/package.json", body: `{"name":"app","version":"1.0.0","license":"MIT","dependencies":{"a":"^1","@s/b":"*"}}`},
		{name: "app/node_modules/a/package.json", body: `{"name":"a","version":"1.2.3","license":"ISC","dependencies":{"c":"1"}}`},
		{name: "app/node_modules/a/node_modules/c/package.json",
			body: `{"name":"c","version":"1.0.0","licenses":[{"type":"BSD-3-Clause"}]}`},
		{name: "app/node_modules/c/package.json", body: `{"name":"c","version":"2.0.0","license":{"type":"MIT"}}`},
		{name: "app/node_modules/@s/b/package.json", body: `{"name":"@s/b","version":"0.1.0","license":"(MIT OR Apache-2.0)",` +
			`"dependencies":{"c":"2"}}`},
		{name: "app/package-lock.json", body: `{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0","dependencies":{"a":"^1"}},
"node_modules/a":{"version":"1.2.3","resolved":"https://registry.npmjs.org/a/-/a-1.2.3.tgz","integrity":"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==","license":"ISC"},
"node_modules/a/node_modules/c":{"version":"1.0.0"},"node_modules/c":{"version":"2.0.0"},"node_modules/@s/b":{"version":"0.1.0"}}}`},
	}
}

func python() []item {
	const dir = "usr/lib/python3/site-packages/"
	return []item{
		{name: dir + "requests-2.31.0.dist-info/METADATA", body: "Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\n" +
			"License: Apache-2.0\nRequires-Dist: Idna_x (<4,>=2.5)\nRequires-Dist: extra ; extra == 'socks'\n\nLicense: none\n"},
		{name: dir + "idna_x-3.4.dist-info/METADATA", body: "Metadata-Version: 2.4\nName: idna-x\nVersion: 3.4\n" +
			"License-Expression: BSD-3-Clause\n"},
	}
}

func golang() []item { return []item{{name: "usr/bin/app", body: thisBinary(), mode: 0o755}} }

// what makes a document comparable: its components, and what depends on what.
func what(d *sbom.Document) (components, edges []string) {
	label := func(r sbom.Ref) string {
		c := d.Component(r)
		return cmp.Or(c.PURL, c.Name)
	}
	for r, c := range d.Components() {
		if strings.HasPrefix(c.PURL, "pkg:golang/") {
			continue
		}
		components = append(components, label(r))
		for _, to := range d.Graph().Direct(r) {
			if to := label(to); !strings.HasPrefix(c.ID, "root:") && !strings.HasPrefix(to, "pkg:golang/") {
				edges = append(edges, label(r)+" -> "+to)
			}
		}
	}
	slices.Sort(components)
	slices.Sort(edges)
	return components, edges
}

var wantComponents = []string{"debian", "example", "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12",
	"pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
	"pkg:deb/debian/libgcc-s1@1:12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12", "pkg:npm/%40s/b@0.1.0", "pkg:npm/a@1.2.3",
	"pkg:npm/app@1.0.0", "pkg:npm/c@1.0.0", "pkg:npm/c@2.0.0",
	"pkg:pypi/idna-x@3.4", "pkg:pypi/requests@2.31.0"}

var wantEdges = []string{
	"pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12 -> pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
	"pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12 -> pkg:deb/debian/libgcc-s1@1:12.2.0-14?arch=amd64&distro=debian-12&" +
		"upstream=gcc-12",
	"pkg:deb/debian/libgcc-s1@1:12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12 -> " +
		"pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
	"pkg:npm/%40s/b@0.1.0 -> pkg:npm/c@2.0.0", "pkg:npm/a@1.2.3 -> pkg:npm/c@1.0.0", "pkg:npm/app@1.0.0 -> pkg:npm/%40s/b@0.1.0",
	"pkg:npm/app@1.0.0 -> pkg:npm/a@1.2.3",
	"pkg:pypi/requests@2.31.0 -> pkg:pypi/idna-x@3.4",
}

func check(t *testing.T, doc *sbom.Document, report *Report) {
	t.Helper()
	if len(report.Warnings) > 0 {
		t.Errorf("warnings: %v", report.Warnings)
	}
	components, edges := what(doc)
	if !slices.Equal(components, wantComponents) {
		t.Errorf("components\n%s\nwant\n%s", strings.Join(components, "\n"), strings.Join(wantComponents, "\n"))
	}
	if !slices.Equal(edges, wantEdges) {
		t.Errorf("edges\n%s\nwant\n%s", strings.Join(edges, "\n"), strings.Join(wantEdges, "\n"))
	}
	if warnings, err := sbom.Validate(doc.Bytes()); err != nil || len(warnings) > 0 {
		t.Errorf("%v %v", err, warnings)
	}
	if n := len(slices.Collect(doc.Graph().Reachable(doc.Roots()...))); n != doc.Len() {
		t.Errorf("%d of %d can be reached", n, doc.Len())
	}
	licenses := map[string]string{}
	for r, c := range doc.Components() {
		var s []string
		for _, l := range doc.Licenses(r) {
			s = append(s, l.Expression+l.Name)
		}
		if !strings.HasPrefix(c.PURL, "pkg:golang/") && s != nil {
			licenses[c.Name] = licenses[c.Name] + strings.Join(s, ", ") + ";"
		}
	}
	want := map[string]string{"bash": "GPL-3.0-or-later AND MIT;", "a": "ISC;", "b": "(MIT OR Apache-2.0);", "app": "MIT;",
		"c": "BSD-3-Clause;MIT;", "idna-x": "BSD-3-Clause;", "requests": "Apache-2.0;"}
	if !maps.Equal(licenses, want) {
		t.Errorf("licences %q, want %q", licenses, want)
	}
	for r := range doc.ByPURL("pkg:npm/a@1.2.3") {
		x := doc.Details(r)
		if len(x.References) != 1 || len(x.References[0].Hashes) != 1 || x.References[0].Hashes[0].Algorithm != "SHA-512" ||
			len(x.References[0].Hashes[0].Value) != 128 {
			t.Errorf("of a: %+v", x.References)
		}
	}
	if report.Packages["deb"] != 3 || report.Packages["npm"] != 5 || report.Packages["golang"] < 1 || report.Edges < 9 ||
		report.Licensed < 8 {
		t.Errorf("%+v", report)
	}
}

func all() []item { return slices.Concat(debian(), npmProject(), python(), golang()) }

// One image in every form in which it comes, and as a directory.
func TestForms(t *testing.T) {
	ctx := t.Context()
	b := build(t, debian(), slices.Concat(npmProject(), python()), golang())
	dir, items := b.layout(t, b.root)
	viaIndex, _ := b.layout(t, b.index(t))
	var first []byte
	for name, path := range map[string]string{
		"layout": dir, "index": viaIndex, "OCI archive": write(t, "x.tar", tarOf(t, items)),
		"compressed": write(t, "x.tar.gz", gzipped(t, tarOf(t, items))),
		"docker":     write(t, "d.tar", tarOf(t, b.docker(t))),
	} {
		t.Run(name, func(t *testing.T) {
			src, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			var last Progress
			doc, report, err := Image(ctx, src, src.Images[0], &Options{Name: "example",
				Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, Progress: func(p Progress) { last = p }})
			if err != nil {
				t.Fatal(err)
			}
			check(t, doc, report)
			if last.Files == 0 && last.Bytes != last.Total {
				t.Errorf("progress ended at %+v", last)
			}
			if name == "docker" {
				return // its layers are not compressed, and have other digests
			}
			if first == nil {
				first = doc.Bytes()
			}
			if !bytes.Equal(first, doc.Bytes()) {
				t.Errorf("another form is another document:\n%s", doc.Bytes())
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		files := fstest.MapFS{}
		for _, it := range all() {
			mode := fs.FileMode(0o644)
			if it.mode != 0 {
				mode = fs.FileMode(it.mode)
			}
			if it.typ == 0 {
				files[it.name] = &fstest.MapFile{Data: []byte(it.body), Mode: mode}
			}
		}
		doc, report, err := Dir(ctx, files, &Options{Name: "example"})
		if err != nil {
			t.Fatal(err)
		}
		check(t, doc, report)
	})
	t.Run("real directory", func(t *testing.T) {
		dir := t.TempDir()
		for _, it := range all() {
			name := filepath.Join(dir, filepath.FromSlash(it.name))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if it.typ == 0 {
				if err := os.WriteFile(name, []byte(it.body), fs.FileMode(max(it.mode, 0o644))); err != nil {
					t.Fatal(err)
				}
			}
		}
		// Links in a circle, out of the directory, and to nowhere.
		for name, to := range map[string]string{"loop": ".", "up": "..", "etc/os-release": "/usr/lib/os-release", "nowhere": "x/y"} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
				t.Skip(err)
			}
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		doc, report, err := Dir(ctx, root.FS(), &Options{Name: "example"})
		if err != nil {
			t.Fatal(err)
		}
		report.Warnings = slices.DeleteFunc(report.Warnings, func(w Warning) bool { return w.Path == "etc/os-release" }) // it leads out
		check(t, doc, report)
	})
	t.Run("SPDX", func(t *testing.T) {
		src, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		for _, f := range []sbom.Format{{Spec: sbom.SPDX, Version: "2.3"}, {Spec: sbom.SPDX, Version: "3.0.1"},
			{Spec: sbom.CycloneDX, Version: "1.4"}} {
			doc, _, err := Image(ctx, src, src.Images[0], &Options{Format: f})
			if err != nil || doc.Format() != f {
				t.Errorf("%v: %v", f, err)
				continue
			}
			if _, err := sbom.Validate(doc.Bytes()); err != nil {
				t.Errorf("%v: %v", f, err)
			}
		}
	})
}

// A repository of package registry is a Source as it is.
var _ Source = (*registry.Repository)(nil)

func names(t *testing.T, b *built) []string {
	t.Helper()
	dir, _ := b.layout(t, b.root)
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	doc, report, err := Image(t.Context(), src, src.Images[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	// What no runtime could unpack either is told.
	if told := strings.Contains(t.Name(), "circle") || strings.Contains(t.Name(), "link_to_nothing"); told != (len(report.Warnings) == 1) {
		t.Errorf("warnings: %v", report.Warnings)
	}
	var out []string
	for _, c := range doc.Components() {
		if !strings.HasPrefix(c.ID, "root:") {
			out = append(out, c.Name+"@"+c.Version)
		}
	}
	slices.Sort(out)
	return out
}

func packageJSON(dir, name, version string) item {
	return item{name: dir + "/package.json", body: fmt.Sprintf(`{"name":%q,"version":%q}`, name, version)}
}

// What layers do to what is below them.
func TestLayers(t *testing.T) {
	base := []item{packageJSON("a", "a", "1"), packageJSON("d/b", "b", "1"), packageJSON("d/c", "c", "1")}
	for _, tt := range []struct {
		name   string
		layers [][]item
		want   []string
	}{
		{"a file is replaced", [][]item{base, {packageJSON("a", "a", "2")}}, []string{"a@2", "b@1", "c@1"}},
		{"a whiteout of a file", [][]item{base, {{name: "a/.wh.package.json"}}}, []string{"b@1", "c@1"}},
		{"a whiteout of a directory", [][]item{base, {{name: ".wh.d"}}}, []string{"a@1"}},
		{"a whiteout and the same name again", [][]item{base, {{name: ".wh.d"}, packageJSON("d/b", "b", "2")}}, []string{"a@1", "b@2"}},
		{"in the other order", [][]item{base, {packageJSON("d/b", "b", "2"), {name: ".wh.d"}}}, []string{"a@1", "b@2"}},
		{"an opaque directory", [][]item{base, {{name: "d/.wh..wh..opq"}, packageJSON("d/e", "e", "1")}}, []string{"a@1", "e@1"}},
		{"opaque, said last", [][]item{base, {packageJSON("d/e", "e", "1"), packageJSON("d/b", "b", "3"), {name: "d/.wh..wh..opq"}}},
			[]string{"a@1", "b@3", "e@1"}},
		{"opaque, with its own entry", [][]item{base, {{name: "d", typ: tar.TypeDir}, {name: "d/.wh..wh..opq"}}}, []string{"a@1"}},
		{"a whiteout of nothing", [][]item{{{name: ".wh.x"}, {name: "y/.wh.z"}}, base}, []string{"a@1", "b@1", "c@1"}},
		{"a whiteout does not reach up", [][]item{{{name: ".wh.d"}}, base}, []string{"a@1", "b@1", "c@1"}},
		{"a directory becomes a file and one again", [][]item{base, {{name: "d", body: "x"}}, {packageJSON("d/f", "f", "1")}},
			[]string{"a@1", "f@1"}},
		{"a file behind a link of a lower layer",
			[][]item{{{name: "lib", typ: tar.TypeSymlink, link: "usr/lib"}, packageJSON("usr/lib/a", "a", "1")},
				{packageJSON("lib/a", "a", "2")}}, []string{"a@2"}},
		{"behind an absolute link", [][]item{{{name: "lib", typ: tar.TypeSymlink, link: "/usr/lib"}, packageJSON("usr/lib/a", "a", "1")},
			{packageJSON("lib/a", "a", "2")}}, []string{"a@2"}},
		{"behind links in a circle",
			[][]item{base, {{name: "x", typ: tar.TypeSymlink, link: "y"}, {name: "y", typ: tar.TypeSymlink, link: "x"},
				packageJSON("x/z", "z", "1")}}, []string{"a@1", "b@1", "c@1"}},
		{"behind a link above the root",
			[][]item{base, {{name: "x", typ: tar.TypeSymlink, link: "../../.."}, packageJSON("x/z", "z", "1")}},
			[]string{"a@1", "b@1", "c@1", "z@1"}},
		{"names above the root", [][]item{{packageJSON("../../z", "z", "1"), packageJSON("/w", "w", "1"), packageJSON("./v/.", "v", "1")}},
			[]string{"v@1", "w@1", "z@1"}},
		{"a hard link", [][]item{base, {{name: "h/package.json", typ: tar.TypeLink, link: "a/package.json"}, {name: "a/.wh.package.json"}}},
			[]string{"a@1", "b@1", "c@1"}},
		{"a hard link to nothing", [][]item{base, {{name: "h/package.json", typ: tar.TypeLink, link: "q"}}}, []string{"a@1", "b@1", "c@1"}},
		{"devices and pipes", [][]item{base, {{name: "p/package.json", typ: tar.TypeFifo}, {name: "q/package.json", typ: tar.TypeChar},
			{name: "r/package.json", typ: tar.TypeBlock}}}, []string{"a@1", "b@1", "c@1"}},
		{"a link is no second place",
			[][]item{base, {{name: "l", typ: tar.TypeSymlink, link: "a"}, {name: "m", typ: tar.TypeSymlink, link: "a/package.json"}}},
			[]string{"a@1", "b@1", "c@1"}},
		{"no layers", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := names(t, build(t, tt.layers...)); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

const apkInstalled = `P:musl
V:1.2.5-r0
A:x86_64
L:MIT
m:Timo <timo@example.com>
p:so:libc.musl-x86_64.so.1=1

P:busybox
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only
D:so:libc.musl-x86_64.so.1 !conflict
`

// Alpine, with its database where it was and behind a link.
func TestAlpine(t *testing.T) {
	release := item{name: "etc/os-release", body: "ID=alpine\nVERSION_ID=3.20.0\n"}
	for name, items := range map[string][]item{
		"lib":     {release, {name: "lib/apk/db/installed", body: apkInstalled}},
		"usr/lib": {release, {name: "lib", typ: tar.TypeSymlink, link: "usr/lib"}, {name: "usr/lib/apk/db/installed", body: apkInstalled}},
	} {
		t.Run(name, func(t *testing.T) {
			b := build(t, items)
			dir, _ := b.layout(t, b.root)
			src, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			doc, report, err := Image(t.Context(), src, src.Images[0], nil)
			if err != nil {
				t.Fatal(err)
			}
			if report.Packages["apk"] != 2 || report.Edges != 1 || report.Licensed != 2 {
				t.Errorf("%+v\n%s", report, doc.Bytes())
			}
		})
	}
}

type sourceFunc func(d ocispec.Descriptor) (io.ReadCloser, error)

func (f sourceFunc) Fetch(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	return f(d)
}

// source serves an image, with some blobs changed.
func (b *built) source(change func(d ocispec.Descriptor, data []byte) []byte) Source {
	return sourceFunc(func(d ocispec.Descriptor) (io.ReadCloser, error) {
		data, ok := b.blobs[d.Digest]
		if !ok {
			return nil, fs.ErrNotExist
		}
		if change != nil {
			data = change(d, bytes.Clone(data))
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	})
}

func TestHostile(t *testing.T) {
	ctx := t.Context()
	b := build(t, debian(), npmProject())
	is := func(d ocispec.Descriptor, mediaType string) bool { return d.MediaType == mediaType }
	for _, tt := range []struct {
		name   string
		change func(d ocispec.Descriptor, data []byte) []byte
		opts   *Options
		want   error
	}{
		{"a layer that ends early", func(d ocispec.Descriptor, data []byte) []byte {
			if is(d, ocispec.MediaTypeImageLayerGzip) {
				return data[:len(data)/2]
			}
			return data
		}, nil, ErrTruncated},
		{"a layer with more behind it", func(d ocispec.Descriptor, data []byte) []byte {
			if is(d, ocispec.MediaTypeImageLayerZstd) {
				return append(data, 0)
			}
			return data
		}, nil, ErrDigest},
		{"a layer with one bit changed", func(d ocispec.Descriptor, data []byte) []byte {
			if is(d, ocispec.MediaTypeImageLayerGzip) {
				data[4] ^= 1 // the time in gzip's header, which no decompressor looks at
			}
			return data
		}, nil, ErrDigest},
		{"another configuration", func(d ocispec.Descriptor, data []byte) []byte {
			if is(d, ocispec.MediaTypeImageConfig) {
				return bytes.Replace(data, []byte("linux"), []byte("linuy"), 1)
			}
			return data
		}, nil, ErrDigest},
		{"another manifest", func(d ocispec.Descriptor, data []byte) []byte {
			if is(d, ocispec.MediaTypeImageManifest) {
				data[len(data)-2] ^= 1
			}
			return data
		}, nil, ErrDigest},
		{"too many files", nil, &Options{MaxFiles: 3}, ErrLimit},
		{"too many bytes", nil, &Options{MaxBytes: 1000}, ErrLimit},
		{"a negative limit", nil, &Options{MaxBytes: -1}, ErrLimit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, _, err := Image(ctx, b.source(tt.change), b.root, tt.opts)
			if !errors.Is(err, tt.want) || doc != nil {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		_, _, err := Image(ctx, b.source(nil), b.root, &Options{Progress: func(Progress) { cancel() }})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("a bomb", func(t *testing.T) {
		plain := tarOf(t, []item{{name: "zeros", body: strings.Repeat("\x00", 100<<20)}})
		bomb := &built{blobs: map[digest.Digest][]byte{}}
		m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest,
			Layers: []ocispec.Descriptor{bomb.add(ocispec.MediaTypeImageLayerZstd, zstded(t, plain))}}
		m.Config = bomb.add(ocispec.MediaTypeImageConfig,
			marshal(t, ocispec.Image{RootFS: ocispec.RootFS{DiffIDs: []digest.Digest{digest.FromBytes(plain)}}}))
		root := bomb.add(m.MediaType, marshal(t, m))
		if _, _, err := Image(ctx, bomb.source(nil), root, nil); !errors.Is(err, ErrLimit) {
			t.Error(err)
		}
	})
	t.Run("layers in another order", func(t *testing.T) {
		swapped := &built{blobs: maps.Clone(b.blobs)}
		var m ocispec.Manifest
		if err := json.Unmarshal(b.blobs[b.root.Digest], &m); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(m.Layers)
		root := swapped.add(m.MediaType, marshal(t, m))
		if _, _, err := Image(ctx, swapped.source(nil), root, nil); !errors.Is(err, ErrDigest) {
			t.Error(err)
		}
	})
	t.Run("no platform", func(t *testing.T) {
		x := build(t, debian())
		index := x.index(t)
		if _, _, err := Image(ctx, x.source(nil), index,
			&Options{Platform: ocispec.Platform{OS: "linux", Architecture: "s390x"}}); !errors.Is(err, ErrPlatform) ||
			!strings.Contains(err.Error(), "linux/riscv64, linux/amd64") {
			t.Error(err)
		}
	})
	for name, blob := range map[string]string{"text": "text", "an artifact": `{"mediaType":"application/vnd.example+json"}`, "a list": `[]`,
		"config of another length": `{"mediaType":"` + ocispec.MediaTypeImageManifest + `","layers":[]}`} {
		t.Run("not an image: "+name, func(t *testing.T) {
			x := &built{blobs: map[digest.Digest][]byte{}}
			if _, _, err := Image(ctx, x.source(nil), x.add("", []byte(blob)), nil); !errors.Is(err, ErrNotImage) {
				t.Error(err)
			}
		})
	}
	dir := t.TempDir()
	for name, path := range map[string]string{"an empty directory": dir, "text": write(t, "x", []byte("text")),
		"an empty file": write(t, "x", nil), "an archive of something else": write(t, "x", tarOf(t, debian())),
		"a manifest of nothing":      write(t, "x", tarOf(t, []item{{name: "manifest.json", body: "[]"}})),
		"an index of nothing":        write(t, "x", tarOf(t, []item{{name: "index.json", body: "{}"}})),
		"an archive that ends early": write(t, "x", tarOf(t, b.docker(t))[:700])} {
		t.Run("open "+name, func(t *testing.T) {
			want := ErrNotImage
			if strings.HasSuffix(name, "early") {
				want = ErrTruncated
			}
			if src, err := Open(path); !errors.Is(err, want) {
				t.Errorf("%v, %v", src, err)
			}
		})
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// Broken files are told, and what is beside them is found.
func TestWarnings(t *testing.T) {
	files := fstest.MapFS{
		"a/package.json":                       {Data: []byte(`{"name":"a","version":"1"}`)},
		"b/package.json":                       {Data: []byte(`{"name":`)},
		"c/package-lock.json":                  {Data: []byte(`[`)},
		"usr/share/doc/x/copyright":            {Data: []byte("x")},
		"site-packages/x-1.dist-info/METADATA": {Data: []byte("x")},
		"var/lib/dpkg/status":                  {Data: []byte("Package: x\n")},
		"usr/bin/x":                            {Data: []byte("\x7fELF"), Mode: 0o755},
		"x.jar":                                {Data: []byte("PK\x03\x04" + strings.Repeat("x", 100))},
	}
	doc, report, err := Dir(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for range doc.ByPURL("pkg:npm/a@1") {
		found = true
	}
	if !found {
		t.Error("a is not there")
	}
	var paths []string
	for _, w := range report.Warnings {
		paths = append(paths, w.Path)
		if w.String() == "" || w.Err == nil {
			t.Error("a warning of nothing")
		}
	}
	for _, want := range []string{"b/package.json", "c/package-lock.json", "x.jar"} {
		if !slices.Contains(paths, want) {
			t.Errorf("no warning of %s in %v", want, report.Warnings)
		}
	}
	if _, _, err := Dir(t.Context(), files, &Options{MaxFiles: 2}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	if _, _, err := Dir(t.Context(), os.DirFS(filepath.Join(t.TempDir(), "none")), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestReproducible(t *testing.T) {
	files := fstest.MapFS{}
	for _, it := range slices.Concat(debian(), npmProject(), python()) {
		if it.typ == 0 {
			files[it.name] = &fstest.MapFile{Data: []byte(it.body), Mode: 0o644}
		}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var first []byte
	for range 5 {
		doc, _, err := Dir(t.Context(), files, &Options{Created: at})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = doc.Bytes()
		}
		if !bytes.Equal(first, doc.Bytes()) {
			t.Fatal("another time it is another document")
		}
		if doc.Created() != "2026-01-02T03:04:05Z" {
			t.Error(doc.Created())
		}
	}
}
