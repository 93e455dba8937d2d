package catalog

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ladingdev/lading/sbom"
)

var optional = regexp.MustCompile(`"scope":\s*"optional"`)

// purlsOf lists the package URLs of a document, with "?" in front of optional ones.
func purlsOf(doc *sbom.Document) (out []string) {
	for _, k := range doc.Components() {
		if k.PURL == "" || strings.HasPrefix(k.ID, "root:") {
			continue
		}
		s := k.PURL
		if optional.Match(k.Raw()) {
			s = "?" + s
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// edgesOfPURLs lists what depends on what, by name and version.
func namedEdges(doc *sbom.Document) (out []string) {
	label := func(r sbom.Ref) string {
		k := doc.Component(r)
		return strings.TrimSuffix(strings.TrimPrefix(k.Group+"/"+k.Name, "/")+"@"+k.Version, "@")
	}
	for r, k := range doc.Components() {
		if strings.HasPrefix(k.ID, "root:") {
			continue
		}
		for _, to := range doc.Graph().Direct(r) {
			out = append(out, label(r)+" -> "+label(to))
		}
	}
	slices.Sort(out)
	return out
}

func propertiesOf(t *testing.T, doc *sbom.Document, purl string) (out []string) {
	t.Helper()
	for r, k := range doc.Components() {
		if k.PURL == purl {
			for _, p := range doc.Details(r).Properties {
				out = append(out, p.Name+"="+p.Value)
			}
			return out
		}
	}
	t.Errorf("no %s", purl)
	return nil
}

func dirOf(t *testing.T, items ...item) (*sbom.Document, *Report) {
	t.Helper()
	doc, report, err := Dir(t.Context(), mapFS(items...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if warnings, err := sbom.Validate(doc.Bytes()); err != nil || len(warnings) > 0 {
		t.Errorf("%v %v", err, warnings)
	}
	return doc, report
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, s := range got {
		if !slices.Contains(want, s) {
			t.Errorf("%s: %s, which should not be", what, s)
		}
	}
	for _, s := range want {
		if !slices.Contains(got, s) {
			t.Errorf("%s: no %s", what, s)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d, want %d", what, len(got), len(want))
	}
}

// All states of dpkg(1) in which a package has files, and all that is linked in.
func TestDpkgStates(t *testing.T) {
	data, err := os.ReadFile("testdata/dpkg-states")
	if err != nil {
		t.Fatal(err)
	}
	doc, report := dirOf(t, item{name: "etc/os-release", body: debianRelease}, item{name: "var/lib/dpkg/status", body: string(data)})
	if len(report.Warnings) > 0 {
		t.Errorf("%v", report.Warnings)
	}
	var got []string
	for r, k := range doc.Components() {
		if !strings.HasPrefix(k.PURL, "pkg:deb/") {
			continue
		}
		s := k.Name + " " + k.Version
		for _, p := range doc.Details(r).Properties {
			if strings.HasPrefix(p.Name, "lading:state") || p.Name == "lading:linked" {
				s += " " + p.Value
			}
		}
		got = append(got, s)
	}
	slices.Sort(got)
	same(t, "packages", got, []string{"golang-1.19 1.19.8-2 statically", "golang-golang-x-net 1:0.7.0+dfsg-1 statically",
		"p-halfconf 6.0 half-configured", "p-halfinst 7.0 half-installed reinstreq", "p-hold 3.0", "p-installed 1:2.0~rc1+dfsg-3+b1",
		"p-installed 1:2.0~rc1+dfsg-3+b1", "p-marked 9.0", "p-reinst 3.1 reinstreq", "p-trig 4.0 triggers-pending",
		"p-trigaw 4.1 triggers-awaited", "p-unpacked 5.0 unpacked", "rust-aho-corasick 0.7.19-1 statically",
		"rust-time-0.1 0.1.43-1 statically", "rustc 1.63.0+dfsg1-2 statically"})
	edges := namedEdges(doc)
	for _, want := range []string{"p-installed@1:2.0~rc1+dfsg-3+b1 -> golang-golang-x-net@1:0.7.0+dfsg-1",
		"p-installed@1:2.0~rc1+dfsg-3+b1 -> rust-time-0.1@0.1.43-1",
		"p-installed@1:2.0~rc1+dfsg-3+b1 -> rustc@1.63.0+dfsg1-2", "p-installed@1:2.0~rc1+dfsg-3+b1 -> p-hold@3.0",
		"p-installed@1:2.0~rc1+dfsg-3+b1 -> p-trig@4.0"} {
		if !slices.Contains(edges, want) {
			t.Errorf("no %s in %q", want, edges)
		}
	}
	for range doc.ByPURL("pkg:deb/debian/golang-golang-x-net@1%3A0.7.0%2Bdfsg-1?arch=source&distro=debian-12") {
		return
	}
	t.Error("no source package by its package URL")
}

// One stanza that is not understood costs no other package, in every list of an operating system.
func TestOddStanzas(t *testing.T) {
	long := strings.Repeat("so:x ", 20_000) // more than 64 KiB
	for _, tt := range []struct {
		name, file, body string
		want             []string
		warnings         int
	}{
		{"dpkg: status and source of other forms", "var/lib/dpkg/status", "Package: a\nStatus: installed\nVersion: 1\n" +
			"Architecture: all\n\nPackage: b\nStatus: install ok frobbed\nSource: x (1\nVersion: 2\nArchitecture: all\n\nno colon\n\n" +
			"Package: c\nStatus: install ok installed\nVersion: 3\nArchitecture: all\n",
			[]string{"a 1", "b 2", "c 3"}, 0},
		{"dpkg: no status", "var/lib/dpkg/status", "Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\n" +
			"Status: install ok installed\nVersion: 2\nArchitecture: all\n", []string{"a 1", "b 2"}, 1},
		{"opkg of OpenWrt", "usr/lib/opkg/status", "Package: a\nVersion: 1\nStatus: install user unpacked\nArchitecture: x\n\n" +
			"Package: b\nVersion: 1\nStatus: deinstall ok not-installed\nArchitecture: x\n", []string{"a 1"}, 0},
		{"opkg of Yocto", "var/lib/opkg/status", "Package: a\nVersion: 1\nStatus: install ok installed\nArchitecture: x\n",
			[]string{"a 1"}, 0},
		{"opkg of Entware", "opt/lib/opkg/status", "Package: a\nVersion: 1\nStatus: install user installed\nArchitecture: x\n",
			[]string{"a 1"}, 0},
		{"apk: a long line and one without colon", "lib/apk/db/installed", "P:a\nV:1\nA:x\np:" + long + "\n\nfrob\nP:b\nV:2\nA:x\n" +
			"f:fs\n\nP:c\nV:3\nA:x\n", []string{"a 1", "b 2", "c 3"}, 0},
		{"pacman: a long line", "var/lib/pacman/local/a-1/desc", "%NAME%\na\n\n%VERSION%\n1\n\n%DEPENDS%\n" + long + "\n",
			[]string{"a 1"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, report := dirOf(t, item{name: tt.file, body: tt.body})
			var got []string
			for _, k := range doc.Components() {
				if k.PURL != "" {
					got = append(got, k.Name+" "+k.Version)
				}
			}
			slices.Sort(got)
			same(t, "packages", got, tt.want)
			if len(report.Warnings) != tt.warnings {
				t.Errorf("%v", report.Warnings)
			}
		})
	}
}

// People, licences, dependencies and marks of every form hide no package of npm, and a file that a package is tested with
// is no alarm.
func TestOddPackageJSON(t *testing.T) {
	var items []item
	var want []string
	for i, body := range []string{`"contributors":"https://example.org"`, `"author":["A"]`, `"author":false`, `"maintainers":{"name":"A"}`,
		`"maintainers":"A"`,
		`"contributors":[true]`, `"contributors":[["A"]]`, `"dependencies":["x"]`, `"dependencies":{"x":{}}`, `"license":7`,
		`"engines":"vscode"`,
		`"contributes":{}`, `"engines":{"vscode":"*"}`, `"unity":"2020"`, `"author":null,"bin":4`} {
		items = append(items, item{name: fmt.Sprintf("node_modules/p%02d/package.json", i),
			body: fmt.Sprintf(`{"name":"p%02d","version":"1.0.0",%s}`, i, body)})
		want = append(want, fmt.Sprintf("pkg:npm/p%02d@1.0.0", i))
	}
	items = append(items, item{name: "node_modules/p15/package.json", body: "\ufeff" + `{"name":"p15","version":"1.0.0"}`},
		item{name: "node_modules/@s/p16/package.json", body: `{"main":"x.js"}`},
		item{name: "node_modules/.pnpm/p17@1.0.0/node_modules/p17/package.json", body: `{"name":"p17","version":"1.0.0"}`},
		item{name: "node_modules/p00/test/fixture/package.json", body: `{`},
		item{name: "node_modules/p00/test/node_modules/x/package.json", body: `{"name":7}`},
		item{name: "node_modules/p00/esm/package.json", body: `{"type":"module"}`},
		item{name: "extension/package.json", body: `{"name":"e","version":"1.0.0","engines":{"vscode":"*"}}`})
	want = append([]string{"pkg:npm/%40s/p16"}, append(want, "pkg:npm/p15@1.0.0", "pkg:npm/p17@1.0.0")...)
	doc, report := dirOf(t, items...)
	if len(report.Warnings) > 0 {
		t.Errorf("%v", report.Warnings)
	}
	same(t, "packages", purlsOf(doc), want)
}

type entryOf struct{ name, body string }

func zipOf(t testing.TB, entries ...entryOf) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pomOf(group, artifact, version string) entryOf {
	return entryOf{"META-INF/maven/" + group + "/" + artifact + "/pom.properties", "#Generated\ngroupId=" + group + "\nartifactId=" +
		artifact + "\nversion=" + version + "\n"}
}

func manifestOf(lines ...string) entryOf {
	return entryOf{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\nName: a/b.class\r\n" +
		"Implementation-Title: other\r\n"}
}

// What an archive is itself, and what it carries.
func TestJava(t *testing.T) {
	pomXML := entryOf{"META-INF/maven/org.example/lib/pom.xml",
		`<?xml version="1.0" encoding="ISO-8859-1"?><project xmlns="http://maven.apache.org/POM/4.0.0"><parent><groupId>org.example</` +
			`groupId><version>2.0</version></parent><artifactId>lib</artifactId><licenses><license><name>MIT</name></license><license>` +
			`<name>Apache License, Version 2.0</name></license></licenses></project>`}
	cglib := pomOf("cglib", "cglib", "3.2.12")
	for _, tt := range []struct {
		name, file  string
		entries     []entryOf
		want, edges []string
		licence     string
	}{
		{"shaded, with a name", "mainlib-4.2.3.jar",
			[]entryOf{manifestOf("Implementation-Title: mainlib", "Implementation-Vendor-Id: com.example", "Implementation-Version: 4.2.3",
				"Bundle-SymbolicName: com.example.main"), cglib},
			[]string{"pkg:maven/cglib/cglib@3.2.12", "pkg:maven/com.example/mainlib@4.2.3"},
			[]string{"com.example/mainlib@4.2.3 -> cglib/cglib@3.2.12"}, ""},
		{"shaded, as Debian has it", "guice.jar",
			[]entryOf{manifestOf("Bundle-Name: guice", "Bundle-SymbolicName: com.google.inject", "Bundle-Version: 4.2.3"), cglib},
			[]string{"pkg:maven/cglib/cglib@3.2.12", "pkg:maven/com.google.inject/guice@4.2.3"},
			[]string{"com.google.inject/guice@4.2.3 -> cglib/cglib@3.2.12"}, ""},
		{"shaded, with its own too", "app-1.0-all.jar", []entryOf{pomOf("org.example", "app", "1.0"), cglib},
			[]string{"pkg:maven/cglib/cglib@3.2.12", "pkg:maven/org.example/app@1.0"},
			[]string{"org.example/app@1.0 -> cglib/cglib@3.2.12"}, ""},
		{"its own under another name", "app.jar", []entryOf{pomOf("org.example", "demo", "1.0")},
			[]string{"pkg:maven/org.example/demo@1.0"}, nil, ""},
		{"a name with a number in it", "log4j-1.2-api-2.17.1.jar", []entryOf{pomOf("org.apache.logging.log4j", "log4j-1.2-api", "2.17.1")},
			[]string{"pkg:maven/org.apache.logging.log4j/log4j-1.2-api@2.17.1"}, nil, ""},
		{"a bundle's name", "renamed.jar",
			[]entryOf{manifestOf("Bundle-SymbolicName: org.apache.commons.lang3;singleton:=true", "Bundle-Name: Apache Commons Lang",
				"Bundle-Version: 3.12"), pomOf("org.apache.commons", "commons-lang3", "3.12.0")},
			[]string{"pkg:maven/org.apache.commons/commons-lang3@3.12.0"}, nil, ""},
		{"by its name alone", "commons-lang3-3.12.0.jar", []entryOf{manifestOf("Bundle-SymbolicName: org.apache.commons.lang3")},
			[]string{"pkg:maven/org.apache.commons/commons-lang3@3.12.0"}, nil, ""},
		{"the vendor's id before the bundle's name", "manifesto-1.0.jar",
			[]entryOf{manifestOf("Bundle-SymbolicName: com.manif.manifesto", "Implementation-Vendor-Id: com.manif")},
			[]string{"pkg:maven/com.manif/manifesto@1.0"}, nil, ""},
		{"a title of another case", "jackson-core.jar",
			[]entryOf{manifestOf("Bundle-SymbolicName: com.fasterxml.jackson.core.jackson-core", "Bundle-Version: 2.14.1",
				"Implementation-Title: Jackson-core", "Implementation-Version: 2.14.1",
				"Implementation-Vendor-Id: com.fasterxml.jackson.core")},
			[]string{"pkg:maven/com.fasterxml.jackson.core/jackson-core@2.14.1"}, nil, ""},
		{"a bundle's short name and the file's", "log4j-core.jar",
			[]entryOf{manifestOf("Bundle-SymbolicName: org.apache.logging.log4j.core", "Bundle-Version: 2.17.1",
				"Implementation-Title: Apache Log4j Core", "Implementation-Vendor-Id: org.apache.logging.log4j")},
			[]string{"pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1"}, nil, ""},
		{"sources", "multi-1.0-sources.jar", []entryOf{{"A.java", "class A {}"}},
			[]string{"pkg:maven/multi/multi@1.0?classifier=sources"}, nil, ""},
		{"four deep", "app.ear", []entryOf{
			{"web.war", zipOf(t, pomOf("org.top", "web", "1.0"), entryOf{"WEB-INF/lib/mid-2.0.jar", zipOf(t, pomOf("org.mid", "mid", "2.0"),
				entryOf{"lib/deep-3.0.jar",
					zipOf(t, manifestOf("Implementation-Title: deep", "Implementation-Version: 3.0",
						"Implementation-Vendor-Id: org.deep"))})})}},
			[]string{"pkg:maven/org.deep/deep@3.0", "pkg:maven/org.mid/mid@2.0", "pkg:maven/org.top/web@1.0"},
			[]string{"org.mid/mid@2.0 -> org.deep/deep@3.0", "org.top/web@1.0 -> org.mid/mid@2.0"}, ""},
		{"a pom.xml alone", "x.jar", []entryOf{pomXML}, []string{"pkg:maven/org.example/lib@2.0"}, nil, "(MIT OR Apache-2.0)"},
		{"other marks between the words", "geronimo-interceptor-3.0-spec-1.0.1.jar",
			[]entryOf{pomOf("org.apache.geronimo.specs", "geronimo-interceptor_3.0_spec", "1.0.1")},
			[]string{"pkg:maven/org.apache.geronimo.specs/geronimo-interceptor_3.0_spec@1.0.1"}, nil, ""},
		{"capitals", "jQuery-3.7.1.jar", []entryOf{pomOf("org.webjars", "jQuery", "3.7.1")},
			[]string{"pkg:maven/org.webjars/jQuery@3.7.1"}, nil, ""},
		{"nested", "boot-1.0.jar", []entryOf{pomOf("org.example", "boot", "1.0"),
			{"BOOT-INF/lib/lib-2.0.jar", zipOf(t, pomXML, pomOf("org.example", "lib", "2.0"), cglib)}},
			[]string{"pkg:maven/cglib/cglib@3.2.12", "pkg:maven/org.example/boot@1.0", "pkg:maven/org.example/lib@2.0"},
			[]string{"org.example/boot@1.0 -> org.example/lib@2.0", "org.example/lib@2.0 -> cglib/cglib@3.2.12"}, "(MIT OR Apache-2.0)"},
		{"nested in what has no name", "boot.jar", []entryOf{{"lib/lib-2.0.jar", zipOf(t, pomOf("org.example", "lib", "2.0"))}},
			[]string{"pkg:maven/org.example/lib@2.0"}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, report := dirOf(t, item{name: "app/" + tt.file, body: zipOf(t, tt.entries...)})
			if len(report.Warnings) > 0 {
				t.Errorf("%v", report.Warnings)
			}
			same(t, "packages", purlsOf(doc), tt.want)
			same(t, "edges", namedEdges(doc), tt.edges)
			if tt.licence != "" && fmt.Sprint(licensesOf(doc, "pkg:maven/org.example/lib@2.0")) != "["+tt.licence+"]" {
				t.Errorf("licences %v", licensesOf(doc, "pkg:maven/org.example/lib@2.0"))
			}
		})
	}
}

// What snap and Homebrew note of what they installed.
func TestReceipts(t *testing.T) {
	const cellar = "home/linuxbrew/.linuxbrew/Cellar/"
	items := []item{
		{name: "etc/os-release", body: "ID=ubuntu\nVERSION_ID=\"24.04\"\nVERSION_CODENAME=noble\n"},
		{name: "snap/core22/1380/meta/snap.yaml", body: "name: core22\nversion: \"20240408\"\ntype: base\narchitectures: [amd64]\n"},
		{name: "snap/hello/x1/meta/snap.yaml", body: "name: hello\nversion: 2.10\nbase: core22\n"},
		{name: "src/snap.yaml", body: "name: mine\nversion: 1\n"},
		{name: cellar + "curl/8.11.0_1/INSTALL_RECEIPT.json", body: `{"runtime_dependencies":[{"full_name":"openssl@3",` +
			`"version":"3.4.0","pkg_version":"3.4.0"},{"full_name":"acme/tap/own","version":"1.0"}],"source":{"tap":"homebrew/core"}}`},
		{name: cellar + "curl/8.11.0_1/.brew/curl.rb", body: "class Curl < Formula\n  desc \"x\"\n  license \"curl\"\nend\n"},
		{name: cellar + "openssl@3/3.4.0/INSTALL_RECEIPT.json", body: `{"runtime_dependencies":null}`},
		{name: cellar + "openssl@3/3.4.0/.brew/openssl@3.rb",
			body: "class OpensslAT3 < Formula\n  license any_of: [\"Apache-2.0\", \"MIT\"]\nend\n"},
		{name: cellar + "own/1.0/INSTALL_RECEIPT.json", body: `{}`},
		{name: cellar + "own/1.0/share/x.json", body: `{}`},
	}
	want := []string{"pkg:brew/curl@8.11.0_1", "pkg:brew/openssl%403@3.4.0", "pkg:brew/own@1.0",
		"pkg:snap/ubuntu/core22@20240408?distro=ubuntu-24.04", "pkg:snap/ubuntu/hello@2.10?distro=ubuntu-24.04"}
	check := func(doc *sbom.Document, report *Report) {
		t.Helper()
		if len(report.Warnings) > 0 {
			t.Errorf("%v", report.Warnings)
		}
		same(t, "packages", purlsOf(doc), want)
		same(t, "edges", namedEdges(doc), []string{"curl@8.11.0_1 -> openssl@3@3.4.0", "curl@8.11.0_1 -> own@1.0"})
		same(t, "licences of curl", licensesOf(doc, want[0]), []string{"curl"})
		same(t, "licences of openssl", licensesOf(doc, want[1]), []string{"(Apache-2.0 OR MIT)"})
	}
	check(dirOf(t, items...))
	b := build(t, items)
	doc, report, err := Image(t.Context(), b.source(nil), b.root, nil)
	if err != nil {
		t.Fatal(err)
	}
	check(doc, report)
}

// Packages of Arch Linux have an architecture and, if they are one of several of a source, its name.
func TestPacmanPURL(t *testing.T) {
	doc, _ := dirOf(t, item{name: "etc/os-release", body: "ID=arch\nBUILD_ID=rolling\n"},
		item{name: "var/lib/pacman/local/gcc-libs-14.2-1/desc", body: "%NAME%\ngcc-libs\n\n%VERSION%\n14.2-1\n\n%BASE%\ngcc\n\n" +
			"%ARCH%\nx86_64\n"},
		item{name: "var/lib/pacman/local/bash-5.2-1/desc", body: "%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n%BASE%\nbash\n\n%ARCH%\nx86_64\n"})
	same(t, "packages", purlsOf(doc), []string{"pkg:alpm/arch/bash@5.2-1?arch=x86_64&distro=arch-rolling",
		"pkg:alpm/arch/gcc-libs@14.2-1?arch=x86_64&distro=arch-rolling&upstream=gcc"})
}

// An archive that does not say what it is, is what a repository's POM beside it says, or Gradle's directories.
func TestMavenRepositories(t *testing.T) {
	pom := func(group, artifact, version string) string {
		return "<project><parent><groupId>" + group + "</groupId></parent><artifactId>" + artifact + "</artifactId><version>" + version +
			"</version><licenses><license><name>MIT</name></license></licenses></project>"
	}
	const m2 = "root/.m2/repository/"
	bundle := manifestOf("Bundle-Name: guice-servlet", "Bundle-SymbolicName: com.google.inject.servlet", "Bundle-Version: 4.2.3")
	bare := zipOf(t, entryOf{"a.class", "x"})
	files := fstest.MapFS{}
	add := func(name, body string) { files[name] = &fstest.MapFile{Data: []byte(body), Mode: 0o644} }
	add("usr/share/java/guice-servlet.jar", zipOf(t, bundle))
	add("usr/share/maven-repo/com/google/inject/extensions/guice-servlet/debian/guice-servlet-debian.pom",
		pom("com.google.inject.extensions", "guice-servlet", "debian"))
	add("usr/share/maven-repo/com/google/inject/extensions/guice-servlet/4.2.3/guice-servlet-4.2.3.pom",
		pom("com.google.inject.extensions", "guice-servlet", "4.2.3"))
	for _, v := range []string{"debian", "4.2.3"} {
		files["usr/share/maven-repo/com/google/inject/extensions/guice-servlet/"+v+"/guice-servlet-"+v+".jar"] =
			&fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte("../../../../../../../java/guice-servlet.jar")}
	}
	add(m2+"org/example/lib/1.0/lib-1.0.jar", bare)
	add(m2+"org/example/lib/1.0/lib-1.0.pom", pom("org.example", "lib", "1.0"))
	add(m2+"org/example/own/1.0/own-1.0.jar", zipOf(t, pomOf("org.example", "own", "1.0")))
	add(m2+"org/example/own/1.0/own-1.0.pom", pom("org.example.other", "own", "1.0")) // it says itself what it is
	add(m2+"org/example/parent/1.0/parent-1.0.pom", pom("org.example", "parent", "1.0"))
	add(m2+"org/example/x.pom", "no XML")
	add("root/.gradle/caches/modules-2/files-2.1/com.squareup.okio/okio-jvm/3.6.0/5600569133b7bdefe1daf9ec7f4abeb6d13e1786/"+
		"okio-jvm-3.6.0.jar", bare)
	doc, report, err := Dir(t.Context(), files, nil)
	if err != nil || len(report.Warnings) > 0 {
		t.Fatal(err, report.Warnings)
	}
	same(t, "packages", purlsOf(doc),
		[]string{"pkg:maven/com.google.inject.extensions/guice-servlet@4.2.3", "pkg:maven/org.example/lib@1.0",
			"pkg:maven/org.example/own@1.0", "pkg:maven/com.squareup.okio/okio-jvm@3.6.0"})
	same(t, "licences", licensesOf(doc, "pkg:maven/org.example/lib@1.0"), []string{"MIT"})
}

// Dependencies that package managers of Ruby, Python and Debian's Node write down in places of their own.
func TestDependenciesOnDisk(t *testing.T) {
	const site, gems = "usr/lib/python3/dist-packages/", "var/lib/gems/3.1.0/specifications/"
	spec := func(name, version string, lines ...string) string {
		return "Gem::Specification.new do |s|\n  s.name = \"" + name + "\".freeze\n  s.version = \"" + version + "\"\n  " +
			strings.Join(lines, "\n  ") + "\nend\n"
	}
	items := []item{
		{name: site + "requests-2.28.1.egg-info/PKG-INFO", body: "Metadata-Version: 2.1\nName: requests\nVersion: 2.28.1\n"},
		{name: site + "requests-2.28.1.egg-info/requires.txt", body: "idna<4,>=2.5\n\n[socks]\nPySocks!=1.5.7\n"},
		{name: site + "idna-3.3.egg-info/PKG-INFO", body: "Metadata-Version: 2.1\nName: idna\nVersion: 3.3\n"},
		{name: site + "PySocks-1.7.egg-info/PKG-INFO", body: "Metadata-Version: 2.1\nName: PySocks\nVersion: 1.7\n"},
		{name: gems + "mustermann-3.0.0.gemspec",
			body: spec("mustermann", "3.0.0", "s.add_runtime_dependency(%q<ruby2_keywords>.freeze, [\"~> 0.0.1\"])",
				"s.add_development_dependency(%q<rack>.freeze, [\"~> 3\"])", "s.add_dependency(%q<rack>.freeze, [\"~> 3\"])")},
		{name: gems + "ruby2_keywords-0.0.5.gemspec", body: spec("ruby2_keywords", "0.0.5", "s.add_dependency 'json', '>= 1'")},
		{name: gems + "rack-3.1.7.gemspec", body: spec("rack", "3.1.7")},
		{name: "usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec", body: spec("json", "2.6.1")},
		{name: "usr/share/nodejs/semver/package.json", body: `{"name":"semver","version":"7.3.5","dependencies":{"lru-cache":"^6"}}`},
		{name: "usr/share/nodejs/lru-cache/package.json", body: `{"name":"lru-cache","version":"6.0.0"}`},
		{name: "usr/share/nodejs/lru-cache/test/package.json", body: `{"name":"none","version":"1.0.0"}`},
		{name: "srv/app/package.json", body: `{"name":"app","version":"1.0.0","dependencies":{"semver":"7"}}`},
	}
	edges := []string{"requests@2.28.1 -> idna@3.3", "mustermann@3.0.0 -> ruby2_keywords@0.0.5", "ruby2_keywords@0.0.5 -> json@2.6.1",
		"semver@7.3.5 -> lru-cache@6.0.0", "app@1.0.0 -> semver@7.3.5"}
	doc, _ := dirOf(t, items...)
	same(t, "edges", namedEdges(doc), edges)
	b := build(t, items)
	doc, _, err := Image(t.Context(), b.source(nil), b.root, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "edges in an image", namedEdges(doc), edges)
	for _, k := range doc.Components() {
		if k.Name == "semver" && k.Kind != "library" {
			t.Errorf("%s is a %s", k.Name, k.Kind)
		}
	}
}

// A bundle may name its licence by a page.
func TestLicensePages(t *testing.T) {
	for page, want := range map[string]string{"https://www.apache.org/licenses/LICENSE-2.0.txt": "Apache-2.0",
		"http://www.opensource.org/licenses/mit-license.php": "MIT", "MIT": "MIT", "https://example.org/LICENSE": ""} {
		doc, _ := dirOf(t, item{name: "lib-1.0.jar",
			body: zipOf(t, manifestOf("Bundle-SymbolicName: org.example.lib", "Bundle-Version: 1.0", "Bundle-License: "+page))})
		if got := strings.Join(licensesOf(doc, purlsOf(doc)[0]), ", "); got != want {
			t.Errorf("%s: %q", page, got)
		}
		// whose pom.xml has none
		doc, _ = dirOf(t, item{name: "lib.jar", body: zipOf(t, manifestOf("Bundle-License: "+page), pomOf("org.example", "lib", "1.0"))})
		if got := strings.Join(licensesOf(doc, "pkg:maven/org.example/lib@1.0"), ", "); got != want {
			t.Errorf("%s beside pom.properties: %q", page, got)
		}
	}
}
