package catalog

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
)

// project returns the files of a project with members, an alias, a directory, development, optional and peer dependencies,
// and one lockfile of it.
func project(t *testing.T, lock, as string) (items []item) {
	t.Helper()
	for from, to := range map[string]string{"root.json": "package.json", "pay.json": "packages/pay/package.json",
		"cart.json":     "packages/cart/package.json",
		"localdep.json": "localdep/package.json", lock: as} {
		data, err := os.ReadFile("testdata/npm/" + from)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item{name: to, body: string(data)})
	}
	return items
}

// all edges of a list of a tool, by name@version.
type edgeSet map[string]bool

func (e edgeSet) sorted() []string { return slices.Sorted(maps.Keys(e)) }

func ours(doc *sbom.Document) edgeSet {
	out := edgeSet{}
	for _, e := range namedEdges(doc) {
		out[e] = true
	}
	return out
}

// What npm 11 itself says of the project (npm sbom), but for what it calls the root.
func TestNpmAgreesWithNpm(t *testing.T) {
	doc, _ := dirOf(t, project(t, "package-lock.json", "package-lock.json")...)
	data, err := os.ReadFile("testdata/npm/npm-11.cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want := edgeSet{}
	label := func(r sbom.Ref) string { return strings.TrimPrefix(theirs.Component(r).PURL, "pkg:npm/") }
	for r := range theirs.Components() {
		for _, to := range theirs.Graph().Direct(r) {
			want[label(r)+" -> "+label(to)] = true
		}
	}
	got := edgeSet{}
	for r, k := range doc.Components() {
		for _, to := range doc.Graph().Direct(r) {
			if k.PURL != "" {
				got[strings.TrimPrefix(k.PURL, "pkg:npm/")+" -> "+strings.TrimPrefix(doc.Component(to).PURL, "pkg:npm/")] = true
			}
		}
	}
	for e := range want {
		if !got[e] {
			t.Errorf("npm has %s", e)
		}
	}
	for e := range got {
		if !want[e] && !strings.Contains(e, "fsevents") { // which is not installed on Linux, where npm was asked
			t.Errorf("npm has no %s", e)
		}
	}
	have := map[string]bool{}
	for _, k := range doc.Components() {
		have[k.PURL] = true
	}
	for _, k := range theirs.Components() {
		if !have[k.PURL] && !strings.Contains(k.PURL, "vcs_url") {
			t.Errorf("npm has %s", k.PURL)
		}
	}
}

// Yarn 1 locks the same packages as npm, and needs no peers of a project and no member that nobody asks for.
func TestYarn1AgreesWithNpm(t *testing.T) {
	yarn, report := dirOf(t, project(t, "yarn-1.lock", "yarn.lock")...)
	if len(report.Warnings) > 0 {
		t.Errorf("%v", report.Warnings)
	}
	npm, _ := dirOf(t, project(t, "package-lock.json", "package-lock.json")...)
	same(t, "packages", purlsOf(yarn), purlsOf(npm))
	same(t, "edges", append(namedEdges(yarn), "@acme/storefront@1.2.3 -> picocolors@1.1.1", "@acme/storefront@1.2.3 -> @acme/pay@0.2.0",
		"@acme/storefront@1.2.3 -> @acme/cart@0.1.0"), namedEdges(npm))
}

// What yarn 4 itself says of the project (yarn info --all --recursive --json).
func TestYarnAgreesWithYarn(t *testing.T) {
	doc, report := dirOf(t, project(t, "yarn-4.lock", "yarn.lock")...)
	if len(report.Warnings) > 0 {
		t.Errorf("%v", report.Warnings)
	}
	data, err := os.ReadFile("testdata/npm/yarn-info.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	versions, deps := map[string]string{}, map[string][]string{}
	for line := range strings.Lines(string(data)) {
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
		name := e.Value[:strings.IndexByte(e.Value[1:], '@')+1]
		versions[e.Value] = name + "@" + e.Children.Version
		for _, d := range e.Children.Dependencies {
			name, ref, virtual := strings.Cut(d.Locator, "@virtual:") // of one that asks for peers
			if virtual {
				_, ref, _ = strings.Cut(ref, "#")
				d.Locator = name + "@" + ref
			}
			deps[e.Value] = append(deps[e.Value], d.Locator)
		}
	}
	want := edgeSet{}
	for from, list := range deps {
		for _, to := range list {
			if versions[from] != versions[to] { // a patch and what it patches are one version
				want[versions[from]+" -> "+versions[to]] = true
			}
		}
	}
	same(t, "edges", ours(doc).sorted(), want.sorted())

	// The optional fsevents, and node-gyp with all that only it brings, are not on Linux.
	optional, development := 0, []string{}
	for r, k := range doc.Components() {
		for _, p := range doc.Details(r).Properties {
			if p.Name == "lading:scope" && p.Value == "optional" {
				optional++
			} else if p.Name == "lading:scope" {
				development = append(development, k.Name)
			}
		}
	}
	if slices.Sort(development); optional < 10 || !slices.Equal(development, []string{"isarray", "semver", "typescript"}) {
		t.Errorf("%d optional, for development %q", optional, development)
	}
}

// What pnpm 10 itself says of the project (pnpm list --json --depth Infinity).
func TestPnpmAgreesWithPnpm(t *testing.T) {
	doc, report := dirOf(t, project(t, "pnpm-lock.yaml", "pnpm-lock.yaml")...)
	if len(report.Warnings) > 0 {
		t.Errorf("%v", report.Warnings)
	}
	data, err := os.ReadFile("testdata/npm/pnpm-list.json")
	if err != nil {
		t.Fatal(err)
	}
	type tree struct {
		Name, From, Version string
		Dependencies        map[string]tree
		Dev                 map[string]tree `json:"devDependencies"`
		Optional            map[string]tree `json:"optionalDependencies"`
	}
	var list []tree
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	want := edgeSet{}
	var walk func(from string, n tree)
	walk = func(from string, n tree) {
		for _, m := range []map[string]tree{n.Dependencies, n.Dev, n.Optional} {
			for _, d := range m {
				to := d.From + "@" + d.Version
				switch {
				case d.From == "localdep":
					to = "localdep@3.0.0"
				case strings.HasPrefix(d.Version, "link:"):
					to = d.From + "@0.2.0"
				}
				want[from+" -> "+to] = true
				walk(to, d)
			}
		}
	}
	for _, n := range list {
		walk(n.Name+"@"+n.Version, n)
	}
	got := ours(doc)
	for e := range want {
		if !got[e] {
			t.Errorf("pnpm has %s", e)
		}
	}
	for e := range got { // of the project itself, whose list it is
		if !want[e] && strings.HasPrefix(e, "@acme/storefront") && !strings.Contains(e, "fsevents") {
			t.Errorf("pnpm has no %s", e)
		}
	}
}

// A lockfile of pnpm 9 by hand: aliases, directories, peers, members.
func TestPnpmScopes(t *testing.T) {
	data, err := os.ReadFile("testdata/npm/pnpm-9.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, report := dirOf(t, item{name: "pnpm-lock.yaml", body: string(data)},
		item{name: "localdep/package.json", body: `{"name":"localdep","version":"3.0.0"}`},
		item{name: "package.json", body: `{"name":"@acme/shop","version":"1.2.3"}`})
	if len(report.Warnings) > 0 {
		t.Errorf("%v", report.Warnings)
	}
	same(t, "packages", purlsOf(doc),
		[]string{"?pkg:npm/fsevents@2.3.3", "?pkg:npm/is-number@7.0.0", "?pkg:npm/isarray@2.0.5", "?pkg:npm/semver@7.6.3",
			"pkg:npm/%40acme/shop@1.2.3", "pkg:npm/%40babel/code-frame@7.26.2", "pkg:npm/%40babel/helper-validator-identifier@7.29.7",
			"pkg:npm/escape-html@1.0.3",
			"pkg:npm/js-tokens@4.0.0", "pkg:npm/left-pad@1.3.0", "pkg:npm/localdep@3.0.0", "pkg:npm/loose-envify@1.4.0", "pkg:npm/ms@2.0.0",
			"pkg:npm/ms@2.1.3",
			"pkg:npm/once@1.4.0", "pkg:npm/picocolors@1.1.1", "pkg:npm/react@18.2.0", "pkg:npm/use-sync-external-store@1.2.0",
			"pkg:npm/wrappy@1.0.2"})
	edges := ours(doc)
	for _, e := range []string{"@acme/shop@1.2.3 -> localdep@3.0.0", "localdep@3.0.0 -> escape-html@1.0.3",
		"@acme/shop@1.2.3 -> left-pad@1.3.0",
		"use-sync-external-store@1.2.0 -> react@18.2.0", "@acme/shop@1.2.3 -> semver@7.6.3", "once@1.4.0 -> wrappy@1.0.2"} {
		if !edges[e] {
			t.Errorf("no %s", e)
		}
	}
}

// What is from a repository is not the registry's of the same name and version, in the words of every lockfile.
func TestFromRepository(t *testing.T) {
	const sha = "436597fd55631f7d8e7ed9a0b9069a38f8046957"
	const want = "vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fexample%2Ffork.git%40" + sha
	for _, tt := range []struct {
		name, file, body string
		want             []string
	}{
		{"npm", "package-lock.json", `{"name":"gp","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"gp","version":"1.0.0","dependencies":{"forked":"x"}},
"node_modules/forked":{"version":"2.0.0","resolved":"git+ssh://git@github.com/example/fork.git#` + sha + `"},"node_modules/a/node_modules/forked":{"version":"2.0.0","resolved":"https://registry.npmjs.org/forked/-/forked-2.0.0.tgz"}}}`,
			[]string{"pkg:npm/forked@2.0.0",
				"pkg:npm/forked@2.0.0?vcs_url=git%2Bssh:%2F%2Fgit%40github.com%2Fexample%2Ffork.git%23" + sha}},
		{"yarn 1", "yarn.lock", "# yarn lockfile v1\n\n\"forked@git+https://github.com/example/fork.git\":\n  version \"2.0.0\"\n  " +
			"resolved \"git+https://github.com/example/fork.git#" + sha + "\"\n",
			[]string{"pkg:npm/forked@2.0.0?" + want}},
		{"yarn 4", "yarn.lock", "__metadata:\n  version: 8\n\n\"forked@https://github.com/example/fork.git\":\n  version: 2.0.0\n  " +
			"resolution: \"forked@https://github.com/example/fork.git#commit=" + sha + "\"\n  linkType: hard\n",
			[]string{"pkg:npm/forked@2.0.0?" + want}},
		{"pnpm 9", "pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  forked@https://codeload.github.com/example/fork/tar.gz/" + sha +
			":\n    resolution: {tarball: https://codeload.github.com/example/fork/tar.gz/" + sha + "}\n    version: 2.0.0\n" +
			"snapshots:\n  forked@https://codeload.github.com/example/fork/tar.gz/" + sha + ": {}\n",
			[]string{"pkg:npm/forked@2.0.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fexample%2Ffork%40" + sha}},
		{"pnpm 5", "pnpm-lock.yaml", "lockfileVersion: 5.4\npackages:\n  github.com/example/fork/" + sha + ":\n    resolution: {type: " +
			"git, repo: 'https://github.com/example/fork.git', commit: " + sha + "}\n    name: forked\n    version: 2.0.0\n    " +
			"dev: false\n",
			[]string{"pkg:npm/forked@2.0.0?" + want}},
		{"bun", "bun.lock", `{"lockfileVersion":1,"packages":{"forked":["forked@github:example/fork#` + sha + `",{},"x"]}}`,
			[]string{"pkg:npm/forked?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fexample%2Ffork%40" + sha}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, report := dirOf(t, item{name: tt.file, body: tt.body})
			if len(report.Warnings) > 0 {
				t.Errorf("%v", report.Warnings)
			}
			same(t, "packages", purlsOf(doc), tt.want)
		})
	}
	// Installed, it is what the lockfile says beside it.
	doc, _ := dirOf(t, item{name: "package-lock.json", body: `{"lockfileVersion":3,"packages":{"":{},` +
		`"node_modules/forked":{"version":"2.0.0","resolved":"git+https://github.com/example/fork.git#` + sha + `"}}}`},
		item{name: "node_modules/forked/package.json", body: `{"name":"forked","version":"2.0.0","license":"MIT"}`})
	same(t, "installed", purlsOf(doc), []string{"pkg:npm/forked@2.0.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fexample%2Ffork.git%23" + sha})
}

// Digests stay where a lockfile has no addresses (npm's omit-lockfile-registry-resolved).
func TestDigestsWithoutAddress(t *testing.T) {
	doc, _ := dirOf(t, item{name: "package-lock.json", body: `{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":` +
		`"2.0.0","integrity":"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="}}}`})
	for r := range doc.ByPURL("pkg:npm/a@2.0.0") {
		if h := doc.Hashes(r); len(h) != 1 || h[0].Algorithm != "SHA-512" || len(h[0].Value) != 128 {
			t.Errorf("%v", h)
		}
		return
	}
	t.Error("it is not there")
}
