package catalog

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom"
)

// oddTexts are what stands now and then where a document has a type: an address, a digest, a version, the name of a licence.
var oddTexts = []string{"", " ", "a b", "http:// ", "https://a b/", "https://[", "https://[::1", "https://a/%zz", "https://\u00a0/",
	"https://a/\u202e", "http://a:b/", "//", "#", "?", ":", "@", "%", "%00", "%2F", "<",
	"<a>&amp;\"'", "\x00", "\u0001", "\u007f", "\ufeff", "\t", "a\nb", "\r\n", "ä", "日本", "\U0001f600", "e\u0301", "\ufffd", "\u2028",
	"\xff", "a\xc3", "null", "0", "-1", "1e400", "[]", "{}",
	strings.Repeat("9", 1025), strings.Repeat("ä", 600), "deadbeef", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "sha512-AAAA", "sha512-x",
	"MIT OR", "LicenseRef-ä", "(MIT", "GPL-2.0+", "mit", "MIT AND NONE",
	"DocumentRef-a:LicenseRef-b", "NONE", "NOASSERTION", "pkg:npm/a", "pkg:", "cpe:2.3:a:b", "cpe:/o:a:b c", "cpe:", "a@", "a@b", "a@@b",
	"..", "../..", "/", "//a", "a//b", "a/", "\\", "a/b/c", "git+https://a b/#x", "git@a:b c",
	"git+ssh://a/%zz#1", "github:a/b#c d", "file:../ä ö", "urn:uuid:1", "1.0 ", "v1", "v", "=1", "==", "~", "*", "latest",
	"root:directory@", "OperatingSystem:debian@12"}

// oddTrees are one tree for every reader, each with values wherever the reader takes one.
func oddTrees(t testing.TB) map[string][]item {
	release := item{name: "etc/os-release", body: "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian 12\"\n" +
		"HOME_URL=\"https://www.debian.org/\"\nCPE_NAME=\"cpe:/o:debian:debian_linux:12\"\n"}
	alpine := item{name: "etc/os-release", body: "ID=alpine\nVERSION_ID=3.20.0\n"}
	trees := map[string][]item{
		"os-release": {release},
		"dpkg": {release, {name: "var/lib/dpkg/status", body: "Package: a\nStatus: install reinstreq half-configured\n" +
			"Architecture: amd64\nMaintainer: A B <a@example.org>\nVersion: 1:2.0-1\nSource: s (1.9-1)\n" +
			"Homepage: https://example.org/\nDepends: b (>= 1)\nBuilt-Using: gcc-12 (= 12.2.0-14)\n\nPackage: b\n" +
			"Status: install ok installed\nArchitecture: all\nVersion: 1\n"},
			{name: "usr/share/doc/a/copyright", body: "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n" +
				"Files: *\nLicense: GPL-3+ and Expat\n"}},
		"opkg": {{name: "var/lib/opkg/status", body: "Package: a\nStatus: install user installed\nArchitecture: x86_64\n" +
			"Version: 1.0-r0\nDepends: b\n\nPackage: b\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n"}},
		"apk": {alpine, {name: "lib/apk/db/installed", body: "P:a\nV:1.0-r0\nA:x86_64\nU:https://example.org/\nL:MIT\no:src\n" +
			"m:A B <a@example.org>\nD:so:libb.so.1\nf:s\n\nP:b\nV:2.0-r0\nA:x86_64\np:so:libb.so.1=1\n"}},
		"pacman": {{name: "etc/os-release", body: "ID=arch\nBUILD_ID=rolling\n"},
			{name: "var/lib/pacman/local/a-1.0-1/desc", body: "%NAME%\na\n\n%VERSION%\n1.0-1\n\n%BASE%\nabase\n\n%URL%\n" +
				"https://example.org/\n\n%ARCH%\nx86_64\n\n%PACKAGER%\nA B <a@example.org>\n\n%LICENSE%\nMIT\n\n%DEPENDS%\nb>=1\n"},
			{name: "var/lib/pacman/local/b-1-1/desc", body: "%NAME%\nb\n\n%VERSION%\n1-1\n"}},
		"npm": npmProject(),
		"npm 6": {{name: "package-lock.json", body: `{"name":"root","version":"1.0.0","lockfileVersion":1,"requires":true,` +
			`"dependencies":{"forked":{"version":"git+https://github.com/example/fork.git#436597fd55631f7d8e7ed9a0b9069a38f8046957",` +
			`"requires":{"ms":"2.1.3"}},"far":{"version":"https://example.org/far-1.0.0.tgz",` +
			`"integrity":"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},"ms":{"version":"2.1.3","dev":true}}}`}},
		"python": python(),
		"wheel": {{name: "lib/python3.12/site-packages/a-1.0.dist-info/METADATA", body: "Metadata-Version: 2.4\nName: a\n" +
			"Version: 1.0\nAuthor: A B\nAuthor-email: A B <a@example.org>\nHome-page: https://example.org/\nLicense-Expression: MIT\n" +
			"Classifier: License :: OSI Approved :: MIT License\nRequires-Dist: b\n"},
			{name: "lib/python3.12/site-packages/a-1.0.dist-info/direct_url.json",
				body: `{"url":"https://example.org/a-1.0-py3-none-any.whl",` +
					`"archive_info":{"hash":"sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",` +
					`"hashes":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}}`}},
		"checkout": {{name: "lib/python3.12/site-packages/a-1.0.dist-info/METADATA", body: "Name: a\nVersion: 1.0\n"},
			{name: "lib/python3.12/site-packages/a-1.0.dist-info/direct_url.json",
				body: `{"url":"https://github.com/example/a.git","subdirectory":"py","vcs_info":{"vcs":"git",` +
					`"requested_revision":"main","commit_id":"436597fd55631f7d8e7ed9a0b9069a38f8046957"}}`}},
		"conda": {{name: "conda-meta/a-1.0-0.json",
			body: `{"name":"a","version":"1.0","build":"0","channel":"https://conda.anaconda.org/conda-forge/linux-64",` +
				`"url":"https://conda.anaconda.org/conda-forge/linux-64/a-1.0-0.conda",` +
				`"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","license":"BSD-3-Clause","depends":["b ` +
				`>=1"],"subdir":"linux-64"}`}, {name: "conda-meta/b-1-0.json", body: `{"name":"b","version":"1","build":"0"}`}},
		"R": {{name: "usr/lib/R/library/a/DESCRIPTION", body: "Package: a\nVersion: 1.0\nLicense: MIT + file LICENSE\n" +
			"Depends: R (>= 4), b\nRemoteUsername: u\nRemoteRepo: r\nRemoteSha: 436597fd55631f7d8e7ed9a0b9069a38f8046957\n" +
			"RemoteType: github\nBuilt: R 4.3.0; ; 2024; unix\n"},
			{name: "usr/lib/R/library/b/DESCRIPTION", body: "Package: b\nVersion: 1\nRepository: CRAN\nBuilt: R 4.3.0\n"}},
		"composer": {{name: "vendor/composer/installed.json", body: `{"packages":[{"name":"v/a","version":"1.0.0","license":["MIT"],` +
			`"homepage":"https://example.org/","source":{"type":"git","url":"https://github.com/v/a.git",` +
			`"reference":"436597fd55631f7d8e7ed9a0b9069a38f8046957"},"dist":{"type":"zip",` +
			`"url":"https://api.github.com/repos/v/a/zipball/4365","reference":"4365",` +
			`"shasum":"da39a3ee5e6b4b0d3255bfef95601890afd80709"},"require":{"v/b":"^1"}},{"name":"v/b","version":"dev-main"}],` +
			`"dev-package-names":["v/b"]}`}},
		"gemspec": {{name: "usr/lib/ruby/gems/3.2.0/specifications/a-1.0.gemspec",
			body: "Gem::Specification.new do |s|\n  s.name = \"a\".freeze\n  s.version = \"1.0\"\n  s.platform " +
				"= \"x86_64-linux\".freeze\n  s.licenses = [\"MIT\".freeze, \"Ruby\".freeze]\n  s.homepage " +
				"= \"https://example.org/\".freeze\n  s.authors = [\"A B\".freeze]\n  s.add_runtime_dependency(%q<b>.freeze, [\">= " +
				"1\"])\nend\n"}, {name: "usr/lib/ruby/gems/3.2.0/specifications/b-1.gemspec",
			body: "Gem::Specification.new do |s|\n  s.name = \"b\"\n  s.version = \"1\"\nend\n"}},
		"dotnet": {{name: "app/app.deps.json", body: `{"runtimeTarget":{"name":".NETCoreApp,Version=v8.0"},"targets":{".NETCoreApp,` +
			`Version=v8.0":{"app/1.0.0":{"dependencies":{"A.B":"1.2.3"}},"A.B/1.2.3":{}}},"libraries":{"app/1.0.0":{"type":"project",` +
			`"sha512":""},"A.B/1.2.3":{"type":"package","serviceable":true,"sha512":"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/` +
			`SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==","path":"a.b/1.2.3"}}}`}},
		"rpm list": {{name: "etc/os-release", body: "ID=azurelinux\nVERSION_ID=3.0\n"}, {name: "var/lib/rpmmanifest/container-manifest-2",
			body: "a\t1.0-1.azl3\t1700000000\t1700000000\tMicrosoft Corporation\t(none)\t100\tx86_64\t0\ta-1.0-1.azl3.src.rpm\n"}},
		"gentoo": {{name: "var/db/pkg/app-misc/a-1.0-r1/PF", body: "a-1.0-r1\n"}},
		"snap":   {{name: "snap/a/1/meta/snap.yaml", body: "name: a\nversion: '1.0'\narchitectures: [amd64]\nlicense: MIT\n"}},
		"homebrew": {{name: "home/linuxbrew/.linuxbrew/Cellar/a/1.0/INSTALL_RECEIPT.json",
			body: `{"source":{"tap":"homebrew/core","path":"a.rb","versions":{"stable":"1.0"}},` +
				`"runtime_dependencies":[{"full_name":"b","version":"2.0"}]}`},
			{name: "home/linuxbrew/.linuxbrew/Cellar/a/1.0/.brew/a.rb", body: "class A < Formula\n  " +
				"url \"https://example.org/a-1.0.tar.gz\"\n  homepage \"https://example.org/\"\n  license \"MIT\"\nend\n"}},
		"wolfi":   {{name: "var/lib/db/sbom/openssl-3.3.0-r1.spdx.json", body: strings.ReplaceAll(wolfi, "VERSION", "3.3.0-r1")}},
		"bitnami": {{name: "opt/bitnami/redis/.spdx-redis.spdx", body: bitnami}},
		"claim": {{name: "site-packages/numpy-2.0.dist-info/METADATA", body: "Name: numpy\nVersion: 2.0\n"},
			{name: "site-packages/numpy-2.0.dist-info/sboms/a.cdx.json",
				body: strings.Replace(cdxDoc("pkg:pypi/numpy@2.0", "pkg:generic/openblas@0.3"), `"type":"library"`,
					`"type":"library","licenses":[{"license":{"name":"x"}}],"cpe":"cpe:2.3:a:a:b:1:*:*:*:*:*:*:*"`, 1)}},
	}
	for _, l := range lockfiles {
		trees[l.name] = []item{{name: l.name, body: l.body}}
	}
	for name, file := range map[string]string{"poetry with a source": "poetry.lock", "uv with files": "uv.lock",
		"cargo from a repository": "Cargo.lock", "gems from a repository": "Gemfile.lock", "pubspec from a repository": "pubspec.lock",
		"pnpm 9": "pnpm-lock.yaml"} {
		trees[name] = []item{{name: file, body: oddLocks[file]}}
	}
	return trees
}

// oddLocks are lockfiles of what is from repositories and archives.
var oddLocks = map[string]string{
	"poetry.lock": "[[package]]\nname = \"a\"\nversion = \"1.0\"\noptional = false\nfiles = [{file = \"a.whl\", hash " +
		"= \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]\n\n[package.source]\ntype = \"git\"\n" +
		"url = \"https://github.com/example/a.git\"\nreference = \"main\"\n" +
		"resolved_reference = \"436597fd55631f7d8e7ed9a0b9069a38f8046957\"\nsubdirectory = \"py\"\n",
	"uv.lock": "version = 1\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\n" +
		"source = { git = \"https://github.com/example/a.git?rev=main#436597fd55631f7d8e7ed9a0b9069a38f8046957\" }\n" +
		"sdist = { url = \"https://example.org/a-1.0.tar.gz\", hash " +
		"= \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\" }\n\n[[package]]\nname = \"b\"\n" +
		"version = \"2\"\nsource = { url = \"https://example.org/b.whl\" }\nwheels = [{ url = \"https://example.org/b.whl\", hash " +
		"= \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\" }]\n",
	"Cargo.lock": "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n" +
		"source = \"git+https://github.com/example/a?rev=4365#436597fd55631f7d8e7ed9a0b9069a38f8046957\"\n" +
		"dependencies = [\"b 1.0.0\"]\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/" +
		"rust-lang/crates.io-index\"\nchecksum = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n",
	"Gemfile.lock": "GIT\n  remote: https://github.com/example/a.git\n  revision: 436597fd55631f7d8e7ed9a0b9069a38f8046957\n  " +
		"branch: main\n  specs:\n    a (1.0)\n      rack\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    rack (3.1.7)\n\n" +
		"DEPENDENCIES\n  a!\n\nCHECKSUMS\n  rack (3.1.7) sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
	"pubspec.lock": "packages:\n  a:\n    dependency: \"direct main\"\n    description:\n      path: \".\"\n      ref: main\n      " +
		"resolved-ref: \"436597fd55631f7d8e7ed9a0b9069a38f8046957\"\n      url: \"https://github.com/example/a.git\"\n    source: " +
		"git\n    version: \"1.0.0\"\n",
	"pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: " +
		"1.0.0\npackages:\n  a@1.0.0:\n    resolution: {integrity: " +
		"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==, tarball: " +
		"https://example.org/a.tgz}\n  b@https://codeload.github.com/example/b/tar.gz/436597fd55631f7d8e7ed9a0b9069a38f8046957:\n    " +
		"resolution: {tarball: https://codeload.github.com/example/b/tar.gz/436597fd55631f7d8e7ed9a0b9069a38f8046957}\n    version: " +
		"2.0.0\nsnapshots:\n  a@1.0.0:\n    dependencies:\n      b: https://codeload.github.com/example/b/tar.gz/436597fd55631f7d8e7ed9" +
		"a0b9069a38f8046957\n  b@https://codeload.github.com/example/b/tar.gz/436597fd55631f7d8e7ed9a0b9069a38f8046957: {}\n",
}

// oddSpans are where a text has values: quoted ones, what stands behind a sign, and words.
var oddSpans = []*regexp.Regexp{regexp.MustCompile(`"([^"\n]*)"`), regexp.MustCompile(`(?m)[:=] ?([^\n]*)$`),
	regexp.MustCompile(`([^\s"',{}\[\]<>()=:|;]+)`)}

// oddFile puts a text in one place of a file.
func oddFile(body, text string, r *rand.Rand) string {
	spans := oddSpans[r.IntN(len(oddSpans))].FindAllStringSubmatchIndex(body, -1)
	if len(spans) == 0 {
		return text
	}
	at := spans[r.IntN(len(spans))]
	if strings.HasPrefix(strings.TrimSpace(body), "{") && utf8.ValidString(text) {
		quoted, _ := json.Marshal(text)
		text = string(quoted[1 : len(quoted)-1])
	}
	return body[:at[2]] + text + body[at[3]:]
}

// holds fails if a document breaks its specification or gives reason for doubt.
func holds(t testing.TB, what string, doc *sbom.Document) {
	t.Helper()
	warnings, err := sbom.Validate(doc.Bytes())
	if err != nil || len(warnings) > 0 {
		t.Errorf("%s: %v: %v %v", what, doc.Format(), err, warnings)
	}
}

var oddFormats = []sbom.Format{{}, {}, {Spec: sbom.CycloneDX, Version: "1.2"}, {Spec: sbom.CycloneDX, Version: "1.4"},
	{Spec: sbom.CycloneDX, Version: "1.7"},
	{Spec: sbom.SPDX, Version: "2.2"}, {Spec: sbom.SPDX, Version: "2.3"}, {Spec: sbom.SPDX, Version: "3.0.1"}}

// TestOdd puts an odd text in one place of one file: whatever a tree says, the document keeps to its specification, in every
// format, and has as many components.
func TestOdd(t *testing.T) {
	trees := oddTrees(t)
	var names []string
	for name := range trees {
		names = append(names, name)
	}
	slices.Sort(names)
	n := 1200
	if os.Getenv("LADING_HEAVY") != "" {
		n = 20_000
	}
	r := rand.New(rand.NewPCG(14, 2026))
	for i := range n {
		oddTree(t, names[i%len(names)], trees[names[i%len(names)]], r)
	}
}

func oddTree(t testing.TB, name string, tree []item, r *rand.Rand) {
	items, text := slices.Clone(tree), oddTexts[r.IntN(len(oddTexts))]
	k := r.IntN(len(items))
	items[k].body = oddFile(items[k].body, text, r)
	what := fmt.Sprintf("%s with %.40q in\n%q", name, text, items[k].body)
	doc, report, err := Dir(t.Context(), mapFS(items...), nil)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, w := range report.Warnings {
		if strings.Contains(w.Err.Error(), "panic") {
			t.Logf("%s: %v", what, w)
		}
	}
	holds(t, what, doc)
	f := oddFormats[r.IntN(len(oddFormats))]
	if f == (sbom.Format{}) {
		return
	}
	other, report, err := Dir(t.Context(), mapFS(items...), &Options{Format: f})
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	holds(t, what, other)
	if other.Len() != doc.Len() {
		t.Errorf("%s: %v: %d components of %d: %v", what, f, other.Len(), doc.Len(), report.Conversion)
	}
}

// TestOddNames puts odd texts where a document is about an image and what its caller says of it, and in names of files.
func TestOddNames(t *testing.T) {
	b := build(t, debian())
	for i, text := range oddTexts {
		o := &Options{Name: text, Version: text, Format: oddFormats[i%len(oddFormats)]}
		if i%2 == 0 {
			o.Name = "registry.example/" + text + ":v1"
		}
		what := fmt.Sprintf("%.40q, %.40q", o.Name, o.Version)
		doc, _, err := Image(t.Context(), b.source(nil), b.root, o)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		holds(t, what, doc)
	}
	for _, f := range oddFormats {
		at := time.Date(2026, 1, 1, 0, 0, 0, 5, time.FixedZone("x", 3723))
		doc, _, err := Dir(t.Context(), mapFS(debian()[1], debian()[3]), &Options{Created: at, Format: f})
		if err != nil {
			t.Fatal(err)
		}
		holds(t, at.String(), doc)
		for _, year := range []int{12026, -1} {
			if _, _, err := Dir(t.Context(), mapFS(),
				&Options{Created: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Format: f}); err == nil {
				t.Errorf("%v: made in %d", f, year)
			}
		}
	}
	program := thisBinary()
	var items []item
	for i, text := range oddTexts {
		items = append(items, item{name: fmt.Sprintf("d%d/x%s/a", i%7, strings.NewReplacer("/", "", "\x00", "", "..", "").Replace(text)),
			body: `{"name":"a","version":"1"}`})
		items[i].name = strings.TrimSuffix(items[i].name, "/a") + "/package.json"
	}
	items = append(items, item{name: "bin/\xff", body: program, mode: 0o755}, item{name: "bin/\xfe", body: program, mode: 0o755})
	image := build(t, items)
	doc, report, err := Image(t.Context(), image.source(nil), image.root,
		&Options{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, "names of files", doc)
	n := 0
	for _, k := range doc.Components() {
		if k.Kind == "application" && strings.HasPrefix(k.PURL, "pkg:golang/") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d programs: %v", n, report.Warnings)
	}
}
