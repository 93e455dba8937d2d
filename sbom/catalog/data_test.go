package catalog

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"compress/zlib"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

func testdata(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) == ".gz" {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return string(data)
}

func mapFS(items ...item) fstest.MapFS {
	m := fstest.MapFS{}
	for _, it := range items {
		mode := fs.FileMode(0o644)
		if it.mode != 0 {
			mode = fs.FileMode(it.mode)
		}
		m[it.name] = &fstest.MapFile{Data: []byte(it.body), Mode: mode}
	}
	return m
}

// edgesOf lists what depends on what, by names.
func edgesOf(d *sbom.Document) (out []string) {
	roots := d.Roots()
	for r, c := range d.Components() {
		for _, to := range d.Graph().Direct(r) {
			if !slices.Contains(roots, r) {
				out = append(out, c.Name+" -> "+d.Component(to).Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

func licensesOf(d *sbom.Document, purl string) (out []string) {
	for r := range d.ByPURL(purl) {
		for _, l := range d.Licenses(r) {
			out = append(out, cmp.Or(l.Expression, l.Name))
		}
	}
	return out
}

// Real package databases, of every kind that is looked for.
func TestRealFiles(t *testing.T) {
	release := item{name: "etc/os-release", body: "ID=fedora\nVERSION_ID=38\n"}
	for _, tt := range []struct {
		name     string
		items    []item
		packages map[string]int
		edges    []string // some
		licenses map[string]string
	}{
		{"apk", []item{{name: "etc/os-release", body: "ID=alpine\nVERSION_ID=3.18.0\n"},
			{name: "lib/apk/db/installed", body: testdata(t, "apk-installed")}}, map[string]int{"apk": 15},
			[]string{"alpine-baselayout -> busybox-binsh", "busybox -> musl", "ssl_client -> libcrypto3"},
			map[string]string{"pkg:apk/alpine/busybox@1.36.0-r9?arch=x86_64&distro=alpine-3.18.0": "GPL-2.0-only"}},
		{"rpm", []item{release, {name: "var/lib/rpm/Packages", body: testdata(t, "rpm-Packages")}}, map[string]int{"rpm": 1}, nil, nil},
		{"dotnet", []item{{name: "app/app.deps.json", body: testdata(t, "app.deps.json")}}, map[string]int{"nuget": 3},
			[]string{"TestLibrary -> Microsoft.Extensions.DependencyInjection"}, nil},
		{"composer", []item{{name: "app/composer.lock", body: testdata(t, "composer.lock")}}, map[string]int{"composer": 2}, nil,
			map[string]string{"pkg:composer/sentry/sdk@2.0.4": "MIT", "pkg:composer/theseer/tokenizer@1.1.3": "BSD-3-Clause"}},
		{"java", []item{{name: "app/app.jar", body: testdata(t, "complex.jar")}}, map[string]int{"maven": 2}, nil, nil},
		{"gem", []item{{name: "gems/specifications/yaml-0.2.1.gemspec", body: testdata(t, "yaml-0.2.1.gemspec")}},
			map[string]int{"gem": 1}, nil,
			map[string]string{"pkg:gem/yaml@0.2.1": "(Ruby OR BSD-2-Clause)"}},
		{"cargo", []item{{name: "usr/bin/uses_serde_json", body: testdata(t, "uses_serde_json.gz"), mode: 0o755}},
			map[string]int{"cargo": 11},
			[]string{"serde_json -> itoa", "serde_json -> ryu", "serde_json -> serde", "uses_json -> serde_json"}, nil},
		{"copyright", []item{{name: "etc/os-release", body: debianRelease}, {name: "var/lib/dpkg/status",
			body: "Package: base-files\nStatus: install ok installed\nVersion: 12.4+deb12u12\nArchitecture: amd64\n"},
			{name: "usr/share/doc/base-files/copyright", body: testdata(t, "copyright-base-files")}}, map[string]int{"deb": 1}, nil,
			map[string]string{"pkg:deb/debian/base-files@12.4+deb12u12?arch=amd64&distro=debian-12": "GPL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(t, tt.items)
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
			if len(report.Warnings) > 0 {
				t.Errorf("warnings: %v", report.Warnings)
			}
			if !maps.Equal(report.Packages, tt.packages) {
				t.Errorf("%v, want %v", report.Packages, tt.packages)
			}
			edges := edgesOf(doc)
			for _, want := range tt.edges {
				if !slices.Contains(edges, want) {
					t.Errorf("no %s in %q", want, edges)
				}
			}
			for purl, want := range tt.licenses {
				if got := strings.Join(licensesOf(doc, purl), "; "); got != want {
					t.Errorf("licence of %s: %q, want %q", purl, got, want)
				}
			}
			if warnings, err := sbom.Validate(doc.Bytes()); err != nil || len(warnings) > 0 {
				t.Errorf("%v %v", err, warnings)
			}
			// A directory says the same, but for the layers.
			other, _, err := Dir(t.Context(), mapFS(tt.items...), nil)
			if err != nil || other.Len() != doc.Len() || !slices.Equal(edgesOf(other), edges) {
				t.Errorf("the directory has %q, %v", edgesOf(other), err)
			}
		})
	}
}

// A layer of its own for each package of Debian, though each layer writes the whole database anew.
func TestLayerOfPackage(t *testing.T) {
	status := func(names ...string) (s string) {
		for _, n := range names {
			s += "Package: " + n + "\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n"
		}
		return s
	}
	b := build(t, []item{{name: "etc/os-release", body: debianRelease}, {name: "var/lib/dpkg/status", body: status("a", "b")},
		{name: "var/lib/dpkg/info/a.list"}, {name: "var/lib/dpkg/info/b:amd64.list"}},
		[]item{{name: "var/lib/dpkg/status", body: status("a", "b", "c")}, {name: "var/lib/dpkg/info/c.list"}},
		[]item{{name: "var/lib/dpkg/status", body: status("a", "b", "c")}, {name: "var/lib/dpkg/info/b:amd64.list"}})
	doc, report, err := Image(t.Context(), b.source(nil), b.root, nil)
	if err != nil || len(report.Warnings) > 0 {
		t.Fatal(err, report.Warnings)
	}
	layers := map[string]string{}
	for r, c := range doc.Components() {
		for _, p := range doc.Details(r).Properties {
			if p.Name == "lading:layer" && c.PURL != "" {
				layers[c.Name] = p.Value
			}
		}
	}
	var m ocispec.Manifest
	unmarshal(t, b.blobs[b.root.Digest], &m)
	want := map[string]string{"a": m.Layers[0].Digest.String(), "b": m.Layers[2].Digest.String(), "c": m.Layers[1].Digest.String()}
	if !maps.Equal(layers, want) {
		t.Errorf("%v, want %v", layers, want)
	}
}

func TestDebianLicenses(t *testing.T) {
	const head = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
	for text, want := range map[string]string{
		head + "Files: *\nLicense: GPL-2+\n":                                                  "GPL-2.0-or-later",
		head + "Files: *\nLicense: GPL-2\n text\n .\n more\n\nFiles: x\nLicense: Expat\n":     "GPL-2.0-only | MIT",
		head + "Files: *\nLicense: LGPL-2.1+ or BSD-3-clause\n":                               "LGPL-2.1-or-later OR BSD-3-Clause",
		head + "Files: *\nLicense: GFDL-NIV-1.3+\n":                                           "GFDL-1.3-no-invariants-or-later",
		head + "Files: *\nLicense: perl\n":                                                    "(Artistic-1.0-Perl OR GPL-1.0-or-later)",
		head + "Files: *\nLicense: public-domain\n":                                           "public-domain",
		head + "Files: *\nLicense: GPL-2+, and BSD-3-clause or Expat\n":                       "GPL-2+, and BSD-3-clause or Expat",
		head + "License: Expat\n text\n":                                                      "MIT",
		head + "Files: *\nCopyright: x\nLicense: GPL-3+\n\nLicense: unused\n text\n":          "GPL-3.0-or-later",
		"See /usr/share/common-licenses/GPL-2.\nSee /usr/share/common-licenses/Apache-2.0.\n": "Apache-2.0 | GPL-2",
		"All rights reserved.":                                                                "",
		"":                                                                                    "",
	} {
		if got := strings.Join(debianLicenses(text), " | "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// What npm's own rules say of who uses what, without anything installed and with links.
func TestNode(t *testing.T) {
	for _, tt := range []struct {
		name  string
		items []item
		want  []string
	}{
		{"the first kind of lockfile", []item{{name: "package-lock.json", body: `{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","requires":{"b":"^1"},"dependencies":{"b":{"version":"1.0.0"}}},"b":{"version":"2.0.0","requires":{"a":"1"}},
			"c":{"version":"npm:d@3.0.0","dev":true}}}`}}, []string{"a -> b@1.0.0", "b -> a@1.0.0"}},
		{"a lockfile of workspaces", []item{
			{name: "package.json", body: `{"name":"root","version":"1.0.0","workspaces":["packages/*"]}`},
			{name: "packages/x/package.json", body: `{"name":"x","version":"1.0.0","dependencies":{"y":"*","z":"*"}}`},
			{name: "packages/y/package.json", body: `{"name":"y","version":"1.0.0"}`},
			{name: "package-lock.json", body: `{"lockfileVersion":3,"packages":{"":{"devDependencies":{"z":"1"}},"node_modules/x":{"resolved":"packages/x","link":true},"node_modules/y":{"resolved":"packages/y","link":true},
			"packages/x":{"version":"1.0.0","dependencies":{"y":"*","z":"*"}},"packages/y":{"version":"1.0.0"},"node_modules/z":{"version":"9.0.0","dev":true}}}`},
		}, []string{"root -> x@1.0.0", "root -> y@1.0.0", "root -> z@9.0.0", "x -> y@1.0.0", "x -> z@9.0.0"}},
		{"fields of strange types",
			[]item{{name: "node_modules/a/package.json", body: `{"name":"a","version":"1.0.0","optionalDependencies":["b"],"license":7,` +
				`"peerDependencies":{"b":"*"}}`},
				{name: "node_modules/b/package.json", body: `{"name":"b","version":"1.0.0","license":["MIT",{"type":"ISC"}],` +
					`"dependencies":{"b":"*","none":"*"}}`}}, []string{"a -> b@1.0.0"}},
		{"npm-shrinkwrap.json counts",
			[]item{{name: "package-lock.json", body: `{"packages":{"node_modules/a":{"version":"1.0.0"}}}`}, {name: "npm-shrinkwrap.json",
				body: `{"packages":{"node_modules/b":{"version":"1.0.0","dependencies":{"c":"*"}},"node_modules/c":{"version":"1.0.0"}}}`}},
			[]string{"b -> c@1.0.0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, report, err := Dir(t.Context(), mapFS(tt.items...), nil)
			if err != nil || len(report.Warnings) > 0 {
				t.Fatal(err, report)
			}
			var got []string
			roots := doc.Roots()
			for r, c := range doc.Components() {
				for _, to := range doc.Graph().Direct(r) {
					if to := doc.Component(to); !slices.Contains(roots, r) {
						got = append(got, c.Name+" -> "+to.Name+"@"+to.Version)
					}
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q\n%s", got, tt.want, doc.Bytes())
			}
		})
	}
	t.Run("pnpm", func(t *testing.T) {
		link := func(name, to string) item { return item{name: name, typ: tar.TypeSymlink, link: to} }
		b := build(t, []item{packageJSON("node_modules/.pnpm/b@1.0.0/node_modules/b", "b", "1.0.0"),
			{name: "node_modules/.pnpm/a@1.0.0/node_modules/a/package.json",
				body: `{"name":"a","version":"1.0.0","dependencies":{"b":"1"}}`},
			link("node_modules/.pnpm/a@1.0.0/node_modules/b", "../../b@1.0.0/node_modules/b"),
			link("node_modules/a", ".pnpm/a@1.0.0/node_modules/a"),
			{name: "package.json", body: `{"name":"app","version":"1.0.0","dependencies":{"a":"1"}}`}})
		doc, _, err := Image(t.Context(), b.source(nil), b.root, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := edgesOf(doc); !slices.Equal(got, []string{"a -> b", "app -> a"}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("optional and absent", func(t *testing.T) {
		doc, _, err := Dir(t.Context(),
			mapFS(item{name: "package-lock.json", body: `{"packages":{"node_modules/a":{"version":"1.0.0","optional":true},` +
				`"node_modules/b":{"version":"1.0.0","dev":true},"node_modules/c":{"version":"1.0.0"}}}`},
				packageJSON("node_modules/b", "b", "1.0.0")), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(doc.Bytes(), []byte(`"scope":"optional"`)) + bytes.Count(doc.Bytes(), []byte(`"scope": "optional"`)); n != 1 {
			t.Errorf("%d optional, want a\n%s", n, doc.Bytes())
		}
	})
}

// one makes an image of one layer, that is given as it is.
func one(t *testing.T, plain []byte, blob []byte) (Source, ocispec.Descriptor) {
	t.Helper()
	b := &built{blobs: map[digest.Digest][]byte{}}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Layers: []ocispec.Descriptor{b.add(ocispec.MediaTypeImageLayer, blob)}}
	m.Config = b.add(ocispec.MediaTypeImageConfig,
		marshal(t, ocispec.Image{RootFS: ocispec.RootFS{DiffIDs: []digest.Digest{digest.FromBytes(plain)}}}))
	return b.source(nil), b.add(m.MediaType, marshal(t, m))
}

// A sparse file says that it is long and has nothing in it.
func TestSparse(t *testing.T) {
	var b bytes.Buffer
	block := func(name string, typ byte, size int) {
		h := make([]byte, 512)
		copy(h, name)
		copy(h[100:], "0000644\x00")
		copy(h[124:], fmt.Sprintf("%011o\x00", size))
		copy(h[136:], "00000000000\x00")
		h[156] = typ
		copy(h[257:], "ustar\x0000")
		copy(h[148:], "        ")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		b.Write(h)
	}
	body := func(s string) {
		b.WriteString(s)
		b.Write(make([]byte, (512-len(s)%512)%512))
	}
	record := func(k, v string) string {
		n := len(k) + len(v) + 3
		for s := ""; ; n++ {
			if s = fmt.Sprintf("%d %s=%s\n", n, k, v); len(s) == n {
				return s
			}
		}
	}
	records := record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.name", "package.json") +
		record("GNU.sparse.realsize", "1099511627776")
	block("pax", 'x', len(records))
	body(records)
	block("package.json", '0', 512)
	body("0\n")
	b.Write(make([]byte, 1024))
	src, root := one(t, b.Bytes(), b.Bytes())
	if _, _, err := Image(t.Context(), src, root, nil); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// Names that cost more to follow than to write.
func TestSlow(t *testing.T) {
	deep := strings.TrimSuffix(strings.Repeat("a/", 2000), "/")
	items := []item{{name: deep + "/b", body: "x"}}
	for i := range 39 {
		items = append(items, item{name: fmt.Sprintf("l%d", i), typ: tar.TypeSymlink,
			link: strings.Repeat("./", 1900) + fmt.Sprintf("l%d", i+1)})
	}
	items = append(items, item{name: "l39", typ: tar.TypeDir})
	for i := range 20_000 {
		items = append(items, item{name: fmt.Sprintf("l0/f%d/x", i)})
	}
	plain := tarOf(t, items)
	src, root := one(t, plain, gzipped(t, plain))
	start := time.Now()
	_, report, err := Image(t.Context(), src, root, &Options{MaxFiles: 200_000})
	if !errors.Is(err, ErrLimit) {
		t.Errorf("%v, %v", report, err)
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("it took %v", d)
	}
}

// A program whose audit data is small and unpacks to much.
func TestAuditBomb(t *testing.T) {
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
	if _, err := w.Write(make([]byte, 20<<20)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	names := "\x00.dep-v0\x00.shstrtab\x00"
	var b bytes.Buffer
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64, Shentsize: 64, Shnum: 3,
		Shstrndx: 2, Shoff: uint64(64 + z.Len() + len(names))}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	write := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	write(h)
	b.Write(z.Bytes())
	b.WriteString(names)
	write(elf.Section64{})
	write(elf.Section64{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: 64, Size: uint64(z.Len())})
	write(elf.Section64{Name: 9, Type: uint32(elf.SHT_STRTAB), Off: uint64(64 + z.Len()), Size: uint64(len(names))})
	_, report, err := Dir(t.Context(), mapFS(item{name: "bin/x", body: b.String(), mode: 0o755}), nil)
	if err != nil || len(report.Warnings) != 1 || !errors.Is(report.Warnings[0].Err, ErrLimit) {
		t.Errorf("%v %v", report, err)
	}
}

// The content of a large file that extractors would pass over is warned of.
func TestLargeFile(t *testing.T) {
	_, report, err := Dir(t.Context(), mapFS(item{name: "a/package.json", body: strings.Repeat(" ", maxText+1)}), nil)
	if err != nil || len(report.Warnings) != 1 || !errors.Is(report.Warnings[0].Err, ErrLimit) {
		t.Errorf("%v %v", report, err)
	}
	if _, _, err := Dir(t.Context(), mapFS(packageJSON("a", "a", "1")), &Options{MaxBytes: 5}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// The wrong names of hard links do no harm, and what was not kept under the first name is warned of.
func TestHardLinkToUnread(t *testing.T) {
	b := build(t, []item{{name: "data/blob", body: `{"name":"a","version":"1"}`},
		{name: "a/package.json", typ: tar.TypeLink, link: "data/blob"}})
	_, report, err := Image(t.Context(), b.source(nil), b.root, nil)
	if err != nil || len(report.Warnings) != 1 || !errors.Is(report.Warnings[0].Err, rootfs.ErrNotKept) {
		t.Errorf("%v %v", report, err)
	}
}

func TestDirCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Dir(ctx, mapFS(npmProject()...), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestFormatUnknown(t *testing.T) {
	if _, _, err := Dir(t.Context(), mapFS(npmProject()...), &Options{Format: sbom.Format{Spec: sbom.SPDX, Version: "9"}}); !errors.Is(err,
		sbom.ErrVersion) {
		t.Error(err)
	}
}

// The document says which extractors looked.
func TestVersion(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`github.com/google/osv-scalibr v(\S+)`).FindSubmatch(mod)
	if m == nil || string(m[1]) != scalibrVersion {
		t.Errorf("go.mod has %q, the document says %s", m, scalibrVersion)
	}
}

// os-release(5) is quoted as a shell's assignments are; the distribution is the same whatever the quotes, and a quote that
// nothing closes does no harm.
func TestQuotedRelease(t *testing.T) {
	for _, tt := range []struct{ release, want string }{
		{"ID=alpine\nVERSION_ID=3.20.0\n", "alpine-3.20.0"},
		{"ID='alpine'\nVERSION_ID='3.20.0'\n", "alpine-3.20.0"},
		{"# ID=other\nID=\"alpine\"\nVERSION_ID=3.20'.0'\n", "alpine-3.20.0"},
		{"ID=\"alp\\ine\"\nVERSION_ID=\"3.20.0", "alpine-3.20.0"},
		{"ID=alpine\nVERSION_ID=\"", ""}, // of no version
		{"ID='", ""},
	} {
		doc, report, err := Dir(t.Context(), mapFS(item{name: "etc/os-release", body: tt.release},
			item{name: "lib/apk/db/installed", body: "P:busybox\nV:1-r0\nA:x86_64\n\n"}), nil)
		if err != nil || len(report.Warnings) > 0 {
			t.Fatalf("%q: %v %v", tt.release, err, report.Warnings)
		}
		var got string
		for _, c := range doc.Components() {
			if u, err := sbom.ParsePURL(c.PURL); err == nil && u.Type == "apk" {
				got = u.Qualifiers["distro"]
			}
		}
		if got != tt.want {
			t.Errorf("%q: distro %q, want %q", tt.release, got, tt.want)
		}
	}
}
