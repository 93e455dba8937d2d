//go:build heavy

package catalog_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
)

// A distribution is what a wheel is made of.
type distribution struct{ name, version, metadata string }

// wheels are distributions with every way of saying a licence and a requirement.
var wheels = []distribution{
	{"App", "1.0", "License-Expression: MIT\nRequires-Dist: zip_p.util>=2\nRequires-Dist: never; python_version < '3'\nRequires-Dist: " +
		"windows; sys_platform == 'win32'\nRequires-Dist: fast; extra == 'speed'\nRequires-Dist: base[deep]>=1\nProvides-Extra: speed\n"},
	{"zip-p.Util", "2.0.post1", "License: BSD\nClassifier: License :: OSI Approved :: BSD License\nRequires-Dist: base\n"},
	{"never", "1.0", "License: UNKNOWN\nClassifier: License :: OSI Approved :: Apache Software License\n"},
	{"windows", "1.0", "License: LGPL v3\nClassifier: License :: OSI Approved :: GNU Library or Lesser General Public License (LGPL)\n"},
	{"fast", "0.1rc1", "License-Expression: Apache-2.0 OR MIT\n"},
	{"base", "1!1.0", "License: MIT License\nRequires-Dist: fast; extra == 'deep'\nProvides-Extra: deep\n"},
	{"direct", "3.0+local.1", "License-Expression: ISC\n"},
}

// wheel writes a wheel ("Binary distribution format"): a zip with a module and *.dist-info.
func (d distribution) wheel(t *testing.T, dir string) string {
	t.Helper()
	escaped := strings.NewReplacer("-", "_", ".", "_").Replace(d.name)
	info := escaped + "-" + d.version + ".dist-info/"
	files := map[string]string{escaped + ".py": "pass\n", info + "METADATA": "Metadata-Version: 2.4\nName: " + d.name + "\nVersion: " +
		d.version + "\n" + d.metadata,
		info + "WHEEL": "Wheel-Version: 1.0\nGenerator: made\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
	record := ""
	for _, name := range slices.Sorted(maps.Keys(files)) {
		record += name + ",,\n"
	}
	files[info+"RECORD"] = record + info + "RECORD,,\n"
	name := filepath.Join(dir, escaped+"-"+d.version+"-py3-none-any.whl")
	if err := os.WriteFile(name, zipped(t, files), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pythonTree installs wheels with pip into an environment of their own. What they are is what pip says.
func pythonTree(t *testing.T, root string) *found {
	from := t.TempDir()
	direct := ""
	for _, d := range wheels {
		if name := d.wheel(t, from); d.name == "direct" {
			direct = name
		}
	}
	run(t, root, "python3", "-m", "venv", filepath.Join(root, "usr"))
	pip := filepath.Join(root, "usr/bin/python")
	run(t, root, pip, "-m", "pip", "install", "--no-index", "--find-links", from, "App[speed]", "never", "windows",
		"file://"+filepath.ToSlash(direct))
	var all []struct{ Name, Version string }
	if err := json.Unmarshal([]byte(run(t, root, pip, "-m", "pip", "list", "--format", "json")), &all); err != nil {
		t.Fatal(err)
	}
	own, names := &found{Pairs: [][2]string{}}, []string{"-m", "pip", "show"}
	purls := map[string]string{}
	for _, d := range all {
		purls[normal(d.Name)] = sbom.PURL{Type: "pypi", Name: normal(d.Name), Version: d.Version}.String()
		own.PURLs = append(own.PURLs, purls[normal(d.Name)])
		names = append(names, d.Name)
	}
	name := ""
	for line := range strings.Lines(run(t, root, pip, names...)) { // of requirements those whose markers hold
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Name":
			name = normal(value)
		case "Requires":
			for to := range strings.SplitSeq(value, ", ") {
				if purls[normal(to)] != "" {
					own.Pairs = append(own.Pairs, [2]string{purls[name], purls[normal(to)]})
				}
			}
		}
	}
	return own
}

// normal is a name of PyPI in its normal form (PEP 503).
func normal(s string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("-_.", r) }), "-"))
}

// gems are specifications as their makers write them, which RubyGems writes in its own way when it installs them.
var gems = map[string]string{
	"app": "s.version = '1.0.0'\n s.licenses = ['MIT', 'Ruby']\n s.add_dependency 'native', '~> 1.0'\n s.add_runtime_dependency " +
		"'util_x'\n s.add_development_dependency 'tester'",
	"native": "s.version = '1.2.3'\n s.license = 'Apache-2.0'\n s.platform = Gem::Platform.local",
	"util_x": "s.version = '0.1.0.pre2'\n s.licenses = ['Nonstandard']\n s.add_dependency 'native'",
	"tester": "s.version = '3.0'\n s.license = 'ISC'",
}

// gemTree builds gems and installs them with RubyGems. What they are is what RubyGems says.
func gemTree(t *testing.T, root string) *found {
	from, into := t.TempDir(), filepath.Join(root, "var/lib/gems/3.3.0")
	for name, spec := range gems {
		write(t, from, "lib/"+name+".rb", "")
		write(t, from, name+".gemspec", "Gem::Specification.new do |s|\n s.name = '"+name+"'\n s.summary = 'x'\n s.authors = ['A']\n "+
			"s.homepage = 'https://example.org'\n s.files = ['lib/"+name+".rb', '"+name+".gemspec']\n "+spec+"\nend\n")
		run(t, from, "gem", "build", name+".gemspec")
	}
	files, err := filepath.Glob(filepath.Join(from, "*.gem"))
	if err != nil || len(files) != len(gems) {
		t.Fatal(files, err)
	}
	run(t, from, "gem", append([]string{"install", "--local", "--no-document", "--ignore-dependencies", "--install-dir", into},
		files...)...)
	const script = `Gem::Specification.each { |s| next if s.default_gem? || !s.base_dir.start_with?(ARGV[0])
		puts [s.name, s.version, s.platform, s.licenses.join(","), s.runtime_dependencies.map(&:name).join(",")].join("\t") }`
	cmd := exec.Command("ruby", "-e", script, into)
	cmd.Env = append(os.Environ(), "GEM_HOME="+into, "GEM_PATH="+into)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	own := &found{Licenses: map[string][]string{}, Pairs: [][2]string{}}
	purls, needs := map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		u := sbom.PURL{Type: "gem", Name: f[0], Version: f[1]}
		if f[2] != "ruby" {
			u.Qualifiers = map[string]string{"platform": f[2]}
		}
		purls[f[0]], needs[u.String()] = u.String(), f[4]
		own.PURLs = append(own.PURLs, u.String())
		own.Licenses[u.String()] = []string{f[3]}
		if a, b, ok := strings.Cut(f[3], ","); ok { // one may choose
			own.Licenses[u.String()] = []string{"(" + a + " OR " + b + ")"}
		}
	}
	for from, list := range needs {
		for to := range strings.SplitSeq(list, ",") {
			if purls[to] != "" {
				own.Pairs = append(own.Pairs, [2]string{from, purls[to]})
			}
		}
	}
	return own
}

// A module is what a jar is made of: coordinates of Maven, in files of Maven's or in a manifest.
type module struct{ group, artifact, version, license string }

func (m module) purl() string {
	return sbom.PURL{Type: "maven", Namespace: m.group, Name: m.artifact, Version: m.version}.String()
}

// files are those that Maven puts into a jar (Maven Archiver, addMavenDescriptor).
func (m module) files() map[string]string {
	dir := "META-INF/maven/" + m.group + "/" + m.artifact + "/"
	license := ""
	if m.license != "" {
		license = "<licenses><license><name>" + m.license + "</name></license></licenses>"
	}
	return map[string]string{"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\r\nImplementation-Title: " + m.artifact +
		"\r\nImplementation-Version: " + m.version + "\r\n\r\n",
		dir + "pom.properties": "groupId=" + m.group + "\nartifactId=" + m.artifact + "\nversion=" + m.version + "\n",
		dir + "pom.xml": `<?xml version="1.0" encoding="UTF-8"?><project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>` +
			`4.0.0</modelVersion><groupId>` + m.group +
			"</groupId><artifactId>" + m.artifact + "</artifactId><version>" + m.version + "</version>" + license + "</project>"}
}

func with(files map[string]string, more ...map[string]string) map[string]string {
	out := maps.Clone(files)
	for _, m := range more {
		maps.Copy(out, m)
	}
	return out
}

// jarTree makes archives as Maven, its shade plugin, Spring Boot and servlet containers have them. What they are is what they
// were made of.
func jarTree(t *testing.T, root string) *found {
	lib, deep, web := module{"org.example.lib", "lib-core", "2.0.1", "MIT"},
		module{"com.deep", "deep", "3.0-rc.1", "The Apache License, Version 2.0"}, module{"org.web", "web", "1.0", ""}
	boot, shaded, inside := module{"org.example", "boot-app", "1.0.0", ""}, module{"org.shade", "shaded", "5.0", ""},
		module{"com.google.code.gson", "gson", "2.10.1", "Apache-2.0"}
	stored := module{"org.stored", "stored", "0.9", "BSD-3-Clause"}
	own := &found{Licenses: map[string][]string{}, Pairs: [][2]string{}}
	for _, m := range []module{lib, deep, web, boot, shaded, inside, stored} {
		own.PURLs = append(own.PURLs, m.purl())
		if m.license != "" {
			own.Licenses[m.purl()] = []string{map[string]string{"The Apache License, Version 2.0": "Apache-2.0"}[m.license]}
			if own.Licenses[m.purl()][0] == "" {
				own.Licenses[m.purl()] = []string{m.license}
			}
		}
	}
	for _, e := range [][2]module{{boot, lib}, {lib, deep}, {web, lib}, {shaded, inside}} {
		own.Pairs = append(own.Pairs, [2]string{e[0].purl(), e[1].purl()})
	}
	libJar := zipped(t, with(lib.files(), map[string]string{"lib/deep-3.0-rc.1.jar": string(zipped(t, deep.files()))}))
	write(t, root, "srv/boot-app-1.0.0.jar",
		string(zipped(t, with(boot.files(),
			map[string]string{"BOOT-INF/lib/lib-core-2.0.1.jar": string(libJar), "BOOT-INF/classes/A.class": "x"}))))
	write(t, root, "var/lib/tomcat/webapps/web.war",
		string(zipped(t, with(web.files(), map[string]string{"WEB-INF/lib/lib-core-2.0.1.jar": string(libJar)}))))
	write(t, root, "srv/shaded-5.0.jar", string(zipped(t, with(inside.files(), shaded.files()))))
	// An archive without files of Maven's, in a repository of Maven's.
	const at = "root/.m2/repository/org/stored/stored/0.9/stored-0.9"
	write(t, root, at+".jar", string(zipped(t, map[string]string{"A.class": "x"})))
	write(t, root, at+".pom", stored.files()["META-INF/maven/org.stored/stored/pom.xml"])
	return own
}

// scopes says of a list that a tool gives of what is needed to run what is not: the rest of all.
func scopes(all, run *found) *found {
	all.Optional = []string{}
	for _, p := range all.PURLs {
		if !slices.Contains(run.PURLs, p) {
			all.Optional = append(all.Optional, p)
		}
	}
	return all
}

// compareScopes compares what is needed to run, of what both have.
func compareScopes(a, b map[string]string, theirs, ours *found, counts map[string]int, note func(kind, text string)) {
	if theirs.Optional == nil {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(a)) {
		p, q := a[k], b[k]
		if q == "" {
			continue
		}
		there, here := slices.Contains(theirs.Optional, p), slices.Contains(ours.Optional, q)
		if there {
			counts["optional"]++
		}
		if there != here {
			note("scope", fmt.Sprintf("%s: optional there %v, here %v", cmp.Or(p, q), there, here))
		}
	}
}
