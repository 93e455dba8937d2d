package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/klauspost/compress/zstd"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/cyclonedx"
)

// What projects of every kind say they are built from, each with something that is not needed to run.
var lockfiles = []struct {
	name, body     string
	want, optional []string
}{
	{"yarn.lock", "# yarn lockfile v1\n\n\n\"@babel/core@^7.0.0\", \"@babel/core@^7.1.0\":\n  version \"7.26.0\"\n  " +
		"resolved \"https://registry.yarnpkg.com/@babel/core/-/core-7.26.0.tgz#x\"\n\nleft-pad@^1.3.0:\n  version \"1.3.0\"\n",
		[]string{"pkg:npm/%40babel/core@7.26.0", "pkg:npm/left-pad@1.3.0"}, nil},
	{"sub/yarn.lock", "__metadata:\n  version: 8\n\n\"lodash@npm:^4.17.0\":\n  version: 4.17.21\n  " +
		"resolution: \"lodash@npm:4.17.21\"\n  languageName: node\n  linkType: hard\n\n\"part@workspace:.\":\n  version: " +
		"0.0.0-use.local\n  resolution: \"part@workspace:.\"\n  linkType: soft\n",
		[]string{"pkg:npm/lodash@4.17.21"}, nil},
	{"pnpm-lock.yaml", "lockfileVersion: '6.0'\npackages:\n  /ms@2.1.3:\n    resolution: {integrity: sha512-x}\n    dev: false\n  " +
		"/@types/node@22.0.0:\n    resolution: {integrity: sha512-y}\n    dev: true\n",
		[]string{"pkg:npm/ms@2.1.3"}, []string{"pkg:npm/%40types/node@22.0.0"}},
	{"bun.lock", "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {\"\": {\"name\": \"x\"}},\n  \"packages\": {\n    \"wrappy\": " +
		"[\"wrappy@1.0.2\", \"\", {}, \"sha512-x\"],\n    \"@a/part\": [\"@a/part@workspace:part\"],\n    \"forked\": " +
		"[\"forked@github:a/forked#1234567\", {}, \"a\"],\n  }\n}\n",
		[]string{"pkg:npm/forked?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fa%2Fforked%401234567", "pkg:npm/wrappy@1.0.2"}, nil},
	{"poetry.lock", "[[package]]\nname = \"Flask\"\nversion = \"3.0.3\"\noptional = false\ngroups = [\"main\"]\n\n[[package]]\n" +
		"name = \"pytest\"\nversion = \"8.3.3\"\noptional = false\ngroups = [\"dev\"]\n\n[metadata]\nlock-version = \"2.1\"\n",
		[]string{"pkg:pypi/flask@3.0.3"}, []string{"pkg:pypi/pytest@8.3.3"}},
	{"uv.lock", "version = 1\n\n[[package]]\nname = \"this\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\n\n[[package]]\n" +
		"name = \"httpx\"\nversion = \"0.27.2\"\nsource = { registry = \"https://pypi.org/simple\" }\n",
		[]string{"pkg:pypi/httpx@0.27.2"}, nil},
	{"pdm.lock", "[[package]]\nname = \"click\"\nversion = \"8.1.7\"\ngroups = [\"default\"]\n\n[[package]]\nname = \"mypy\"\n" +
		"version = \"1.11.0\"\ngroups = [\"dev\"]\n",
		[]string{"pkg:pypi/click@8.1.7"}, []string{"pkg:pypi/mypy@1.11.0"}},
	{"Pipfile.lock", `{"_meta":{},"default":{"requests":{"version":"==2.32.3"},"local":{"path":"."}},` +
		`"develop":{"black":{"version":"==24.8.0"}}}`,
		[]string{"pkg:pypi/requests@2.32.3"}, []string{"pkg:pypi/black@24.8.0"}},
	{"requirements.txt", "# what runs\nDjango==5.1.1 \\\n    --hash=sha256:00\nzstandard===0.23.0\nurllib3>=1.26,<3\nsix\n-r other.txt\n",
		[]string{"pkg:pypi/django@5.1.1", "pkg:pypi/zstandard@0.23.0"}, nil},
	{"go.mod", "module example.com/m\n\ngo 1.26\n\nrequire (\n\tgolang.org/x/time v0.15.0\n\texample.com/local v1.0.0\n\texample.com/" +
		"old v1.0.0 // indirect\n)\n\nreplace example.com/local => ../local\n\nreplace example.com/old => example.com/new v1.1.0\n",
		[]string{"pkg:golang/golang.org/x/time@v0.15.0", "pkg:golang/example.com/new@v1.1.0"}, nil},
	{"Cargo.lock", "version = 4\n\n[[package]]\nname = \"itoa\"\nversion = \"1.0.11\"\n" +
		"source = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
		[]string{"pkg:cargo/itoa@1.0.11"}, nil},
	{"Gemfile.lock", "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (3.1.7)\n    rails (7.2.0)\n      rack (>= 2.2.4)\n\n" +
		"PLATFORMS\n  ruby\n\nDEPENDENCIES\n  rails\n",
		[]string{"pkg:gem/rack@3.1.7", "pkg:gem/rails@7.2.0"}, nil},
	{"gradle.lockfile", "# This is a Gradle generated file\ncom.google.guava:guava:33.3.0-jre=compileClasspath,runtimeClasspath\n" +
		"empty=annotationProcessor\n",
		[]string{"pkg:maven/com.google.guava/guava@33.3.0-jre"}, nil},
	{"packages.lock.json", `{"version":1,"dependencies":{"net8.0":{"Newtonsoft.Json":{"type":"Direct","requested":"[13.0.3, )",` +
		`"resolved":"13.0.3"}}}}`,
		[]string{"pkg:nuget/Newtonsoft.Json@13.0.3"}, nil},
	{"mix.lock", "%{\n  \"plug\": {:hex, :plug, \"1.16.1\", \"40c74619\", [:mix], [], \"hexpm\", \"a13ff6b9\"},\n}\n",
		[]string{"pkg:hex/plug@1.16.1"}, nil},
	{"pubspec.lock", "packages:\n  path:\n    dependency: \"direct main\"\n    description: {name: path, url: \"https://pub.dev\"}\n   " +
		" source: hosted\n    version: \"1.9.0\"\n  test:\n    dependency: \"direct dev\"\n    description: {name: test, " +
		"url: \"https://pub.dev\"}\n    source: hosted\n    version: \"1.25.8\"\n",
		[]string{"pkg:pub/path@1.9.0"}, []string{"pkg:pub/test@1.25.8"}},
	{"Podfile.lock", "PODS:\n  - Alamofire (5.9.1)\n\nDEPENDENCIES:\n  - Alamofire\n\nCOCOAPODS: 1.15.2\n",
		[]string{"pkg:cocoapods/Alamofire@5.9.1"}, nil},
	{"Package.resolved", `{"pins":[{"identity":"swift-nio","kind":"remoteSourceControl",` +
		`"location":"https://github.com/apple/swift-nio.git","state":{"revision":"x","version":"2.70.0"}}],"version":2}`,
		[]string{"pkg:swift/github.com/apple/swift-nio@2.70.0"}, nil},
	{"conan.lock", `{"version":"0.5","requires":["zlib/1.3.1#f52e03ae3d251dec704634230cd806a2%1708593606.497"],` +
		`"build_requires":["cmake/3.30.1#x%1"],"python_requires":[]}`,
		[]string{"pkg:conan/zlib@1.3.1"}, []string{"pkg:conan/cmake@3.30.1"}},
}

func TestProjects(t *testing.T) {
	var items []item
	want := map[string]bool{} // and whether it is optional
	for _, l := range lockfiles {
		items = append(items, item{name: "src/" + l.name, body: l.body})
		for _, p := range l.want {
			want[p] = false
		}
		for _, p := range l.optional {
			want[p] = true
		}
		// Of other people's projects.
		for _, dir := range []string{"src/node_modules/a/", "root/go/pkg/mod/example.com/a@v1.0.0/", "src/vendor/a/"} {
			items = append(items, item{name: dir + l.name, body: strings.NewReplacer("1", "9", "2", "9").Replace(l.body)})
		}
	}
	doc, report, err := Dir(t.Context(), mapFS(items...), nil)
	if err != nil || len(report.Warnings) > 0 {
		t.Fatal(err, report.Warnings)
	}
	bom, _, err := cyclonedx.To(doc)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, c := range *bom.Components {
		got[c.PackageURL] = c.Scope == cdx.ScopeOptional
	}
	for p, optional := range want {
		if o, ok := got[p]; !ok || o != optional {
			t.Errorf("%s: found %v, optional %v, want %v", p, ok, o, optional)
		}
		delete(got, p)
	}
	if len(got) > 0 {
		t.Errorf("and more: %v", got)
	}
	if warnings, err := sbom.Validate(doc.Bytes()); err != nil || len(warnings) > 0 {
		t.Errorf("%v %v", err, warnings)
	}

	// An image has what was installed.
	b := build(t, items)
	if _, report, err = Image(t.Context(), b.source(nil), b.root, nil); err != nil || len(report.Warnings) > 0 {
		t.Fatal(err, report.Warnings)
	}
	if n := len(report.Packages); n > 0 {
		t.Errorf("in an image: %v", report.Packages)
	}
}

// Lockfiles that are damaged, or made to keep a parser busy, are warned of one by one.
func TestDamagedLockfiles(t *testing.T) {
	large := strings.Repeat("a", maxLock+1)
	for _, tt := range []struct {
		kind, body, only string
		over             bool
	}{
		{"deep", strings.Repeat("[", maxNesting+1), "", true},
		{"deep objects", strings.Repeat(`{"a":`, maxNesting+1), "", true},
		{"large", large, "", true},
		{"many keys", strings.Repeat("a:\n", maxKeys+1), ".yaml", true},
		{"a line of lines", strings.Repeat("\\\n", maxRequirements/2), "requirements.txt", false},
		{"nothing", "", "", false},
		{"something else", "\x00\xff{]", "", false},
	} {
		for _, l := range lockfiles {
			if !strings.HasSuffix(l.name, tt.only) {
				continue
			}
			doc, report, err := Dir(t.Context(), mapFS(item{name: l.name, body: tt.body}), nil)
			if err != nil || doc.Len() > 1 {
				t.Fatalf("%s %s: %v", l.name, tt.kind, err)
			}
			if tt.over && (len(report.Warnings) != 1 || !errors.Is(report.Warnings[0].Err, ErrLimit)) {
				t.Errorf("%s %s: %v", l.name, tt.kind, report.Warnings)
			}
		}
	}
}

// Arch Linux, Gentoo and Ubuntu without dpkg keep lists of their own kinds.
func TestOtherDistributions(t *testing.T) {
	desc := func(name, depends, provides string) string {
		return "%NAME%\n" + name + "\n\n%VERSION%\n1.0-1\n\n%URL%\nhttps://example.org\n\n%PACKAGER%\nSome One <one@example.org>\n\n" +
			"%LICENSE%\nGPL-2.0-or-later\n\n%DEPENDS%\n" + depends + "\n\n%PROVIDES%\n" + provides + "\n\n"
	}
	release := func(id string) item { return item{name: "etc/os-release", body: "ID=" + id + "\nVERSION_ID=24.04\n"} }
	wall := "{\"jsonwall\":\"1.0\",\"schema\":\"1.0\",\"count\":3}\n" +
		"{\"kind\":\"package\",\"name\":\"libc6\",\"version\":\"2.39-0ubuntu8\",\"sha256\":\"00\",\"arch\":\"amd64\"}\n" +
		"{\"kind\":\"slice\",\"name\":\"libc6_libs\"}\n"
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := string(z.EncodeAll([]byte(wall), nil))
	bomb := string(z.EncodeAll(bytes.Repeat([]byte("\n"), maxText+2), nil))

	for _, tt := range []struct {
		name        string
		items       []item
		purls, edge []string
		warnings    int
	}{
		{"arch", []item{release("arch"),
			{name: "var/lib/pacman/local/bash-1.0-1/desc", body: desc("bash", "libreadline.so=8-64\nglibc>=2.3", "sh")},
			{name: "var/lib/pacman/local/readline-1.0-1/desc", body: desc("readline", "", "libreadline.so=8-64")},
			{name: "var/lib/pacman/local/glibc-1.0-1/desc", body: desc("glibc", "sh", "")}},
			[]string{"pkg:alpm/arch/bash@1.0-1?distro=arch-24.04", "pkg:alpm/arch/glibc@1.0-1?distro=arch-24.04",
				"pkg:alpm/arch/readline@1.0-1?distro=arch-24.04"},
			[]string{"bash -> glibc", "bash -> readline", "glibc -> bash"}, 0},
		{"gentoo", []item{release("gentoo"), {name: "var/db/pkg/app-shells/bash-5.2_p26/PF", body: "bash-5.2_p26\n"}},
			[]string{"pkg:portage/gentoo/bash@5.2_p26?distro=gentoo-24.04"}, nil, 0},
		{"chiselled", []item{release("ubuntu"), {name: "var/lib/chisel/manifest.wall", body: packed}},
			[]string{"pkg:deb/ubuntu/libc6@2.39-0ubuntu8?arch=amd64&distro=ubuntu-24.04"}, nil, 0},
		{"a bomb", []item{release("ubuntu"), {name: "var/lib/chisel/manifest.wall", body: bomb}}, nil, nil, 1},
		{"cut short", []item{release("ubuntu"), {name: "var/lib/chisel/manifest.wall", body: packed[:len(packed)/2]}}, nil, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, report, err := Dir(t.Context(), mapFS(tt.items...), nil)
			if err != nil || len(report.Warnings) != tt.warnings {
				t.Fatal(err, report.Warnings)
			}
			var purls []string
			for r, c := range doc.Components() {
				if c.PURL != "" {
					purls = append(purls, c.PURL)
				}
				if strings.HasPrefix(c.PURL, "pkg:alpm/") && fmt.Sprint(licensesOf(doc, c.PURL)) != "[GPL-2.0-or-later]" {
					t.Errorf("licences of %s: %v", c.Name, doc.Licenses(r))
				}
			}
			slices.Sort(purls)
			if !slices.Equal(purls, tt.purls) || !slices.Equal(edgesOf(doc), tt.edge) {
				t.Errorf("got %q %q", purls, edgesOf(doc))
			}
		})
	}
}
