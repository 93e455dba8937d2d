//go:build heavy

package catalog_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
)

// debs are packages of Debian with programs of Rust and Go, and libraries of Python, Ruby, Java, R and Node.
var debs = []string{"base-files", "bash", "dpkg", "libc6", "zlib1g", "ripgrep", "runc", "python3-yaml", "python3-requests", "python3-idna",
	"ruby-rack", "ruby-mustermann",
	"ruby-ruby2-keywords", "ruby-webrick", "libguice-java", "libcommons-lang3-java", "libcommons-io-java", "libjackson2-core-java",
	"r-cran-jsonlite", "node-semver", "node-lru-cache", "node-yallist"}

// debianTree unpacks packages, and lists them as installed, as dpkg does. What they are is what dpkg-query says of it.
func debianTree(t *testing.T, root string) *found {
	own := &found{}
	dir := t.TempDir()
	run(t, dir, "apt-get", append([]string{"-o", "APT::Sandbox::User=root", "download"}, debs...)...)
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(files) != len(debs) {
		t.Fatalf("%d packages: %v", len(files), err)
	}
	var status strings.Builder
	for _, f := range files {
		run(t, dir, "dpkg-deb", "-x", f, root)
		control := strings.TrimSpace(run(t, dir, "dpkg-deb", "-f", f))
		name, rest, _ := strings.Cut(control, "\n")
		status.WriteString(name + "\nStatus: install ok installed\n" + rest + "\n\n")
	}
	write(t, root, "var/lib/dpkg/status", status.String())
	for line := range strings.Lines(run(t, dir, "dpkg-query", "--admindir="+filepath.Join(root, "var/lib/dpkg"), "-W", "-f",
		"${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n")) {
		f := strings.Fields(line)
		u := sbom.PURL{Type: "deb", Namespace: "debian", Name: f[0], Version: f[1],
			Qualifiers: map[string]string{"arch": f[2], "distro": "debian-12"}}
		switch {
		case f[1] != f[4]:
			u.Qualifiers["upstream"] = f[3] + "@" + f[4]
		case f[0] != f[3]:
			u.Qualifiers["upstream"] = f[3]
		}
		own.PURLs = append(own.PURLs, u.String())
	}
	return own
}

const nodeProject = `{"name":"measured","version":"1.0.0","license":"MIT","dependencies":{"express":"4.21.2","@babel/code-frame":` +
	`"7.26.2","left-pad-alias":"npm:left-pad@1.3.0"},"devDependencies":{"semver":"7.6.3"},"optionalDependencies":{"fsevents":"2.3.3"}}`

// A tree that npm or its like lists.
type listed struct {
	Name, Version, From         string // pnpm's name behind an alias is From
	Dependencies, Dev, Optional map[string]*listed
	Missing                     bool
}

func (l *listed) UnmarshalJSON(data []byte) error {
	type plain struct {
		Name, Version, From string
		Missing             bool
		Dependencies        map[string]*listed
		Dev                 json.RawMessage `json:"devDependencies"` // of npm ranges
		Optional            json.RawMessage `json:"optionalDependencies"`
	}
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*l = listed{Name: p.Name, Version: p.Version, From: p.From, Dependencies: p.Dependencies, Missing: p.Missing}
	_ = json.Unmarshal(p.Dev, &l.Dev)
	_ = json.Unmarshal(p.Optional, &l.Optional)
	return nil
}

// purls lists what is below, by the name that the registry has.
func (l *listed) purls(out map[string]bool, from string, f *found) {
	for _, list := range []map[string]*listed{l.Dependencies, l.Dev, l.Optional} {
		for name, d := range list {
			purl := npmPURL(cmp.Or(d.From, d.Name, name), d.Version)
			if d.Version != "" && !d.Missing {
				out[purl] = true
				if from != "" {
					f.Pairs = append(f.Pairs, [2]string{from, purl})
				}
			}
			d.purls(out, purl, f)
		}
	}
}

func npmPURL(name, version string) string {
	u := sbom.PURL{Type: "npm", Name: name, Version: version}
	if scope, name, ok := strings.Cut(name, "/"); ok {
		u.Namespace, u.Name = scope, name
	}
	return u.String()
}

func npmTree(t *testing.T, root string) *found {
	write(t, root, "package.json", nodeProject)
	run(t, root, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
	return scopes(listedBy(t, run(t, root, "npm", "ls", "--all", "--json", "--long")),
		listedBy(t, run(t, root, "npm", "ls", "--all", "--json", "--long", "--omit=dev", "--omit=optional")))
}

func pnpmTree(t *testing.T, root string) *found {
	write(t, root, "package.json", nodeProject)
	run(t, root, "npx", "--yes", "pnpm@10.34.8", "install", "--ignore-scripts")
	list := func(more ...string) *found {
		text := run(t, root, "npx", append([]string{"--yes", "pnpm@10.34.8", "list", "--depth", "Infinity", "--json"}, more...)...)
		var all []json.RawMessage
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatal(err)
		}
		return listedBy(t, string(all[0]))
	}
	return scopes(list(), list("--prod", "--no-optional"))
}

func yarnTree(t *testing.T, root string) *found {
	own := &found{}
	write(t, root, "package.json", nodeProject)
	write(t, root, ".yarnrc.yml", "nodeLinker: node-modules\nenableScripts: false\nenableTelemetry: false\n")
	write(t, root, "yarn.lock", "")
	run(t, root, "npx", "--yes", "@yarnpkg/cli-dist@4.18.1", "install")
	for line := range strings.Lines(run(t, root, "npx", "--yes", "@yarnpkg/cli-dist@4.18.1", "info", "--all", "--recursive", "--json")) {
		var e struct {
			Value    string
			Children struct {
				Version      string
				Dependencies []struct{ Locator string }
			}
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		at := strings.IndexByte(e.Value[1:], '@') + 1
		if !strings.Contains(e.Value, "@workspace:") {
			from := npmPURL(e.Value[:at], e.Children.Version)
			own.PURLs = append(own.PURLs, from)
			for _, d := range e.Children.Dependencies { // name@npm:version, with where it is in between if it has peers
				name := d.Locator[:strings.IndexByte(d.Locator[1:], '@')+1]
				own.Pairs = append(own.Pairs, [2]string{from, npmPURL(name, d.Locator[strings.LastIndexByte(d.Locator, ':')+1:])})
			}
		}
	}
	// What is there when nothing is installed to work on the project is needed to run, or optional and there.
	production := t.TempDir()
	for _, name := range []string{"package.json", ".yarnrc.yml", "yarn.lock"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, production, name, string(data))
	}
	run(t, production, "npx", "--yes", "@yarnpkg/cli-dist@4.18.1", "workspaces", "focus", "--production")
	return scopes(own, &found{PURLs: packagesBelow(t, production)})
}

// packagesBelow lists what lies in node_modules.
func packagesBelow(t *testing.T, root string) (out []string) {
	err := filepath.WalkDir(filepath.Join(root, "node_modules"), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "package.json" {
			return err
		}
		var p struct{ Name, Version string }
		data, err := os.ReadFile(name)
		if err == nil && json.Unmarshal(data, &p) == nil && p.Name != "" && p.Version != "" {
			out = append(out, npmPURL(p.Name, p.Version))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func listedBy(t *testing.T, text string) *found {
	t.Helper()
	var root listed
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	out := &found{Pairs: [][2]string{}}
	root.purls(all, "", out)
	out.PURLs = slices.Sorted(maps.Keys(all))
	return out
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return string(out)
}

func write(t *testing.T, root, name, body string) {
	t.Helper()
	at := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Packages, package URLs to the letter, licences and edges of real trees, beside what the ecosystem's own tool, syft and
// osv-scalibr say of them, and whether they are needed to run. What differs is explained, or a failure.
func TestTrees(t *testing.T) {
	syft := ""
	if os.Getenv("LADING_SYFT") != "-" {
		syft = syftProgram(t)
	}
	for _, tt := range []struct {
		name, needs string
		make        func(t *testing.T, root string) *found
		kind        string // of package URLs that the ecosystem's tool lists
	}{{"debian", "apt-get", debianTree, "pkg:deb/"}, {"npm", "npm", npmTree, "pkg:npm/"}, {"pnpm", "npm", pnpmTree, "pkg:npm/"},
		{"yarn", "npm", yarnTree, "pkg:npm/"},
		{"wheels", "python3", pythonTree, "pkg:pypi/"}, {"gems", "gem", gemTree, "pkg:gem/"}, {"jars", "go", jarTree, "pkg:maven/"}} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.needs); err != nil {
				t.Skip(err)
			}
			root := t.TempDir()
			own := tt.make(t, root)
			ours := in(t, 1, "lading", "", root)
			report(t, tt.name, "its own list", own, only(ours, tt.kind))
			if syft != "" {
				report(t, tt.name, "syft", in(t, 1, "syft", syft, root), ours)
			}
			report(t, tt.name, "osv-scalibr", in(t, 1, "osv-scalibr", "", root), ours)
		})
	}
}

func only(f *found, kind string) *found {
	out := *f
	out.PURLs = slices.DeleteFunc(slices.Clone(f.PURLs), func(p string) bool { return !strings.HasPrefix(p, kind) })
	return &out
}

// report compares what is found, by key, and then the package URLs, the licences and the edges of what both have.
func report(t *testing.T, tree, tool string, theirs, ours *found) {
	t.Helper()
	index := func(f *found) map[string]string {
		out := map[string]string{}
		for _, p := range f.PURLs {
			if k := key(p); k != "" {
				out[k] = p
			}
		}
		return out
	}
	a, b := index(theirs), index(ours)
	counts := map[string]int{}
	note := func(kind, text string) {
		counts[kind]++
		if why := explain(tool, kind, text); why == "" {
			t.Errorf("%s, %s: %s: %s", tree, tool, kind, text)
		}
	}
	for k, p := range a {
		if q, ok := b[k]; !ok {
			note("only there", p)
		} else {
			counts["packages"]++
			if p != q && canonical(p) != canonical(q) {
				note("package URL", p+" here "+q)
			}
			if la, lb := licences(theirs, p), licences(ours, q); la != lb && theirs.Licenses != nil {
				note("licences", fmt.Sprintf("%s: %s here %s", p, la, lb))
			}
		}
	}
	compareScopes(a, b, theirs, ours, counts, note)
	for k, q := range b {
		if _, ok := a[k]; !ok {
			note("only here", q)
		}
	}
	edges := func(f *found) map[[2]string]bool {
		out := map[[2]string]bool{}
		for _, e := range f.Pairs {
			if e[0] != "" && e[1] != "" && key(e[0]) != key(e[1]) {
				out[[2]string{key(e[0]), key(e[1])}] = true
			}
		}
		return out
	}
	ea, eb := edges(theirs), edges(ours)
	for e := range ea {
		if !eb[e] {
			note("edge only there", e[0]+" -> "+e[1])
		}
	}
	for e := range eb {
		_, from := a[e[0]]
		if _, to := a[e[1]]; theirs.Pairs != nil && from && to && !ea[e] {
			note("edge only here", e[0]+" -> "+e[1])
		}
	}
	t.Logf("%s, %s: %v, %d edges there, %d here", tree, tool, counts, len(ea), len(eb))
}

func canonical(p string) string {
	if u, err := sbom.ParsePURL(p); err == nil {
		return u.String()
	}
	return p
}

func licences(f *found, purl string) string {
	list := slices.Clone(f.Licenses[purl])
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ", ")
}

// explain says why something differs, or nothing.
func explain(tool, kind, text string) string {
	for _, e := range explanations {
		if (e.tool == "" || e.tool == tool) && e.kind == kind && e.text.MatchString(text) {
			return e.why
		}
	}
	return ""
}

var explanations = []struct {
	tool, kind string
	text       *regexp.Regexp
	why        string
}{
	{"", "only here", regexp.MustCompile(`arch=source`), "sources that are linked in, of Built-Using fields, which others do not read"},
	{"", "only here", regexp.MustCompile(`^pkg:npm/measured@1\.0\.0$`), "the project itself"},
	{"", "only here", regexp.MustCompile(`^pkg:maven/com\.google\.inject\.extensions/`),
		"the group is that of the POM in Debian's Maven repository"},
	{"", "only there", regexp.MustCompile(`^pkg:maven/com\.google\.inject(\.[a-z.]+)?/guice-`),
		"the group is guessed there, of the bundle's name"},
	{"its own list", "only here", regexp.MustCompile(`^pkg:npm/fsevents@`), "optional, in the lockfile and not on this platform"},
	{"osv-scalibr", "only here", regexp.MustCompile(`^pkg:maven/com\.google\.inject/guice@`),
		"a jar without Maven's files that carries another's"},
	{"osv-scalibr", "package URL", regexp.MustCompile(`^pkg:(deb|npm)/`), "qualifiers of its own: a codename, source, sourceversion, " +
		"whether there is a lockfile"},
	{"osv-scalibr", "package URL", regexp.MustCompile(`^pkg:golang/go@`), "the standard library has another name there"},
	{"osv-scalibr", "only here", regexp.MustCompile(`^pkg:cran/`), "what is read here and not by its extractors that are compared"},
	{"osv-scalibr", "only here", regexp.MustCompile(`^pkg:golang/github\.com/opencontainers/runc$`), "a program without a version"},
	{"syft", "package URL", regexp.MustCompile(`^pkg:deb/.*distro=debian-12\.\d+.* here pkg:deb/.*distro=debian-12(&|$)`),
		"the point release, of /etc/debian_version; VERSION_ID of os-release here"},
	{"syft", "only there", regexp.MustCompile(`^pkg:generic/bash@`), "a program that is known by its bytes"},
	{"syft", "only there", regexp.MustCompile(`^pkg:npm/measured@`), "the project itself, with the version that yarn's lockfile has in " +
		"place of one"},
	{"syft", "only here", regexp.MustCompile(`^pkg:npm/semver@7\.(6\.3|[8-9]|\d\d)`),
		"to work on the project, or optional, which it leaves out unless asked"},
	{"syft", "only here", regexp.MustCompile(`^pkg:npm/(%40types/)?(semver|yallist|lru-cache)@`),
		"of Debian's Node: it reads package.json in images alone"},
	{"syft", "licences", regexp.MustCompile(`^pkg:deb/`), "short names one by one, and digests of texts; expressions here, by the " +
		"licences' SPDX ids"},
	{"syft", "licences", regexp.MustCompile(`^pkg:[^:]*: sha256:`), "the digest of a text there"},
	{"syft", "licences", regexp.MustCompile(`^pkg:maven/[^:]*: Apache-2\.0 here $`),
		"known by the text of META-INF/LICENSE.txt, which is not read here"},
	{"syft", "licences", regexp.MustCompile(`^pkg:gem/[^:]*: BSD-2-Clause, Ruby here \(Ruby OR BSD-2-Clause\)$`), "a choice"},
	{"syft", "licences", regexp.MustCompile(`^pkg:pypi/requests@[^:]*: Apache 2\.0 here Apache-2\.0$`), "the name's SPDX id here"},
	{"syft", "licences", regexp.MustCompile(`^pkg:npm/[^:]*:  here .`), "lockfiles have none; package.json in node_modules is read here"},
	{"syft", "edge only here", regexp.MustCompile(`^pkg:gem/`), "it reads no edges of gems"},
	{"syft", "edge only here", regexp.MustCompile(`^pkg:npm/measured@1\.0\.0 -> pkg:npm/(left-pad|fsevents)@`), "by an alias, or optional"},
	{"osv-scalibr", "scope", regexp.MustCompile(`^pkg:npm/semver@7\.6\.3.*: optional there false, here true$`),
		"there by its package.json, which does not say what it is for; by the lockfile here"},
	{"syft", "licences", regexp.MustCompile(`^pkg:pypi/never@1\.0: UNKNOWN here Apache Software License$`),
		"no licence; the classifier here"},
	{"syft", "licences", regexp.MustCompile(`^pkg:pypi/zip-p-util@[^:]*: BSD here BSD License$`),
		"the field; the classifier here, which is from a list"},
	{"syft", "licences", regexp.MustCompile(`^pkg:pypi/base@[^:]*: MIT License here MIT$`), "the name's SPDX id here"},
	{"syft", "licences", regexp.MustCompile(`^pkg:gem/app@[^:]*: .* here \(MIT OR Ruby\)$`), "each twice, once in quotes; a choice here"},
	{"syft", "licences", regexp.MustCompile(`^pkg:gem/util_x@[^:]*: 'Nonstandard', Nonstandard here Nonstandard$`),
		"twice there, once in quotes"},
	{"syft", "licences", regexp.MustCompile(`^pkg:maven/com\.deep/deep@[^:]*: The Apache License, Version 2\.0 here Apache-2\.0$`),
		"the name's SPDX id here"},
	{"", "only there", regexp.MustCompile(`^pkg:gem/native@1\.2\.3$`), "without the platform, which is in the specification"},
	{"", "only here", regexp.MustCompile(`^pkg:gem/native@1\.2\.3\?platform=`), "with the platform"},
	{"syft", "only here", regexp.MustCompile(`^pkg:maven/org\.stored/stored@0\.9$`),
		"an archive with nothing in it that says what it is; the POM beside it does"},
	{"osv-scalibr", "only here", regexp.MustCompile(`^pkg:maven/org\.stored/stored@0\.9$`), "the group is that of the POM beside it"},
	{"osv-scalibr", "only there", regexp.MustCompile(`^pkg:maven/stored/stored@0\.9$`), "the group is guessed there, of the artifact"},
	{"syft", "edge only there", regexp.MustCompile(`^pkg:pypi/(app|base)@[^ ]+ -> pkg:pypi/(windows|fast|never)@`),
		"whatever the marker says: for another system, an extra, Python 2"},
	{"syft", "edge only there", regexp.MustCompile(`^pkg:pypi/setuptools@[^ ]+ -> pkg:pypi/pip@`),
		"of an extra, to build its documentation"},
	{"syft", "edge only there", regexp.MustCompile(`^pkg:npm/measured@0\.0\.0-use\.local -> `), "of the project itself, see above"},
	{"syft", "edge only there", regexp.MustCompile(`^pkg:npm/(express|send|serve-static|finalhandler|debug)@[^ ]+ -> ` +
		`pkg:npm/(encodeurl|ms)@`), "to every version of a name; as Node resolves it here"},
}
