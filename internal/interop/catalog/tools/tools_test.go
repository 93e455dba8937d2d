package tools_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
)

// TestTools makes the projects, runs the programs, and holds Lading against what they write.
func TestTools(t *testing.T) {
	out := map[string][]byte{}
	for _, group := range []struct {
		name, needs string
		write       func(*testing.T, map[string][]byte)
	}{{"npm", "npx", npmWrites}, {"pnpm", "npx", pnpmWrites}, {"yarn", "npx", yarnWrites}, {"go", "git", goWrites}} {
		t.Run(group.name, func(t *testing.T) {
			if _, err := exec.LookPath(group.needs); err != nil {
				t.Skip(err)
			}
			group.write(t, out)
		})
	}
	docs := map[string]*sbom.Document{}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if filepath.Ext(name) == ".openvex" {
			continue
		}
		t.Run("written/"+name, func(t *testing.T) {
			d, err := sbom.Parse(bytes.NewReader(out[name]))
			if err != nil {
				t.Fatal(err)
			}
			docs[name] = d
			_, err = sbom.Validate(out[name])
			var invalid *sbom.InvalidError
			if err != nil && (!errors.As(err, &invalid) || !invalid.Tolerated()) {
				t.Error(err)
			}
			said := "valid"
			if err != nil {
				said = err.Error()
			}
			t.Logf("%v, %d components, %d edges: %.300s", d.Format(), d.Len(), len(edges(d)), said)
			convertBothWays(t, d)
		})
	}
	t.Run("diff", func(t *testing.T) { diffs(t, docs) })
	t.Run("habits", func(t *testing.T) { habits(t, out, docs) })
}

// edges are what a document says depends on what, by name and version.
func edges(d *sbom.Document) map[string]bool {
	out := map[string]bool{}
	g := d.Graph()
	for ref := range d.Components() {
		for _, to := range g.Direct(ref) {
			out[label(d.Component(ref))+" -> "+label(d.Component(to))] = true
		}
	}
	return out
}

func label(c *sbom.Component) string {
	if p, err := sbom.ParsePURL(c.PURL); err == nil {
		return p.MatchKey()
	}
	return c.Name[strings.LastIndexAny(c.Name, "/:")+1:] + "@" + c.Version
}

func convertBothWays(t *testing.T, d *sbom.Document) {
	t.Helper()
	for _, f := range []sbom.Format{{Spec: sbom.CycloneDX, Version: "1.6"}, {Spec: sbom.CycloneDX, Version: "1.7"},
		{Spec: sbom.SPDX, Version: "2.3"}, {Spec: sbom.SPDX, Version: "3.0.1"}} {
		if f == d.Format() {
			continue
		}
		there, report, err := sbom.Convert(d, f, nil)
		if err != nil {
			t.Errorf("to %v: %v", f, err)
			continue
		}
		if _, err := sbom.Validate(there.Bytes()); err != nil {
			t.Errorf("to %v: %v", f, err)
		}
		if report.Represented+len(report.Losses) == 0 {
			t.Errorf("to %v: nothing is accounted for", f)
		}
		back, _, err := sbom.Convert(there, d.Format(), nil)
		if err != nil {
			t.Errorf("to %v and back: %v", f, err)
			continue
		}
		for name, x := range map[string]*sbom.Document{"to": there, "to and back": back} {
			if x.Len() != d.Len() {
				t.Errorf("%s %v: %d components of %d", name, f, x.Len(), d.Len())
			}
			have := edges(x)
			for e := range edges(d) {
				if !have[e] {
					t.Errorf("%s %v: %s is missing", name, f, e)
				}
			}
		}
	}
}

// diffs compares what two programs say of one project. What only one lists is explained by what it is.
func diffs(t *testing.T, docs map[string]*sbom.Document) {
	all := true
	for _, pair := range [][2]string{
		{"npm.cdx", "npm.spdx"}, {"npm.cdx", "cyclonedx-npm.cdx"}, {"npm.cdx", "cdxgen.cdx"}, {"npm.cdx", "syft.cdx"},
		{"npm.cdx", "trivy.cdx"}, {"syft.cdx", "syft.spdx"},
		{"trivy.cdx", "trivy.spdx"}, {"npm.cdx", "npm-omit-dev.cdx"}, {"pnpm-1.7.cdx", "pnpm.spdx"}, {"pnpm-1.5.cdx", "pnpm-1.7.cdx"},
		{"pnpm-1.7.cdx", "pnpm-cdxgen.cdx"},
		{"npm.cdx", "pnpm-1.7.cdx"}, {"npm.cdx", "yarn-cdxgen.cdx"}, {"gomod-mod.cdx", "gomod-app.cdx"}, {"gomod-bin.cdx", "ko-0.spdx"},
		{"gomod-bin.cdx", "syft-app.cdx"},
		{"gomod-bin.cdx", "trivy-app.cdx"}, {"syft-app.cdx", "trivy-app.spdx"},
	} {
		a, b := docs[pair[0]], docs[pair[1]]
		if a == nil || b == nil {
			all = false
			t.Logf("%s, %s: not both are there", pair[0], pair[1])
			continue
		}
		c := sbom.Diff(a, b, nil)
		counts := map[string]int{}
		note := func(what string) {
			why := explain(pair, what)
			if why == "" {
				t.Errorf("%s, %s: %s", pair[0], pair[1], what)
			}
			counts[why]++
		}
		for _, r := range c.Removed {
			note("- " + describe(a.Component(r)))
		}
		for _, r := range c.Added {
			note("+ " + describe(b.Component(r)))
		}
		for _, ch := range c.Changed {
			for _, f := range ch.Fields {
				if slices.Contains([]string{"version", "purl"}, f.Field) {
					note(fmt.Sprintf("~ %s %s: %s, %s", describe(a.Component(ch.Old)), f.Field, f.Old, f.New))
				}
			}
		}
		t.Logf("%s, %s: %d changed; %v", pair[0], pair[1], len(c.Changed), counts)
	}
	for _, e := range explanations {
		if all && !e.used {
			t.Errorf("%s explains nothing: %s", e.text, e.why)
		}
	}
}

func describe(c *sbom.Component) string {
	return strings.TrimSpace(c.PURL + " " + c.Kind + " " + c.Name + " " + c.Version)
}

// explain says why a program lists something that another does not.
func explain(pair [2]string, what string) string {
	for i, e := range explanations {
		if (e.program == "" || strings.Contains(pair[0]+" "+pair[1], e.program)) && e.text.MatchString(what) {
			explanations[i].used = true
			return e.why
		}
	}
	return ""
}

var explanations = []struct {
	program string
	text    *regexp.Regexp
	why     string
	used    bool
}{
	{"", regexp.MustCompile(`^[-+] pkg:npm/ms@2\.0\.0 `), "twice in the tree: npm lists it once", false},
	{"", regexp.MustCompile(`^\+ pkg:npm/fsevents@2\.3\.3 `), "optional and not installed: npm and pnpm leave it out", false},
	{"npm-omit-dev", regexp.MustCompile(`^- pkg:npm/(isarray@2\.0\.5|semver@7\.6\.3|typescript@5\.6\.3) `), "development", false},
	{"syft", regexp.MustCompile(`^- pkg:npm/(isarray@2\.0\.5|semver@7\.6\.3|typescript@5\.6\.3) `),
		"development, which syft leaves out unless asked", false},
	{"trivy", regexp.MustCompile(`^- pkg:npm/(isarray@2\.0\.5|semver@7\.6\.3|typescript@5\.6\.3) `),
		"development, which Trivy leaves out unless asked", false},
	{"syft", regexp.MustCompile(`^\+ pkg:npm/(%40acme/cart|%40acme/pay|localdep) .* UNKNOWN$`),
		"a link without a version, which syft lists beside its target", false},
	{"syft", regexp.MustCompile(`^[-+] file `), "a file", false},
	{"trivy", regexp.MustCompile(`^[-+] (application|APPLICATION|SOURCE|container) `), "a lockfile, a program or what was scanned", false},
	{"trivy", regexp.MustCompile(`^- pkg:npm/%40acme/storefront@1\.2\.3 `), "the project itself: Trivy does not list it", false},
	{"trivy", regexp.MustCompile(`^~ pkg:golang/example\.com/goapp`), "the program's module: Trivy has no version of it", false},
	{"pnpm", regexp.MustCompile(`^[-+] pkg:npm/%40acme/cart@0\.1\.0 `), "a member of the workspace: pnpm lists those that another " +
		"needs", false},
	{"pnpm", regexp.MustCompile(`^~ pkg:npm/localdep@`), "a directory: pnpm writes where it is as its version", false},
	{"yarn-cdxgen", regexp.MustCompile(`^\+ pkg:npm/((%40isaacs/)?fs-minipass|abbrev|chownr|env-paths|exponential-backoff|fdir|` +
		`graceful-fs|isexe|minipass|minizlib|node-gyp|nopt|picomatch|proc-log|semver|tar|tinyglobby|undici|which|yallist)@`),
		"what builds fsevents: yarn locks it, and installs it on macOS alone", false},
	{"ko", regexp.MustCompile(`^\+ pkg:oci/`), "the image that ko built, and its base", false},
	{"", regexp.MustCompile(`^[-+] pkg:golang/std(lib)?@`), "the standard library: cyclonedx-gomod lists it on demand", false},
}

// habits shows what the programs write that their specifications do not want, or leave open: the rows of docs/wild.md.
func habits(t *testing.T, out map[string][]byte, docs map[string]*sbom.Document) {
	if data := out["govulncheck.openvex"]; data != nil {
		if _, err := sbom.Parse(bytes.NewReader(data)); !errors.Is(err, sbom.ErrNotSBOM) {
			t.Errorf("OpenVEX is read as an SBOM: %v", err)
		}
		statements, _, err := vuln.ParseVEX(bytes.NewReader(data))
		if err != nil || len(statements) != 1 {
			t.Errorf("%d statements: %v", len(statements), err)
		}
		if !bytes.Contains(data, []byte("pkg:golang/github.com%2Fgoogle%2Fuuid@v1.6.0")) {
			t.Errorf("govulncheck writes its package URLs otherwise:\n%s", data)
		}
		p, err := sbom.ParsePURL("pkg:golang/github.com%2Fgoogle%2Fuuid@v1.6.0")
		if err != nil {
			t.Fatal(err)
		}
		if found := slices.Collect(docs["gomod-bin.cdx"].Match(p)); len(found) != 1 {
			t.Errorf("%d components match", len(found))
		}
	}
	if data := out["pnpm-1.5.cdx"]; data != nil {
		if _, err := sbom.Validate(data); err == nil || !strings.Contains(err.Error(), "/authors") {
			t.Errorf("pnpm writes no authors in CycloneDX 1.5 now: %v", err)
		}
	}
	if data := out["cdxgen.cdx"]; data != nil {
		if _, err := sbom.Validate(data); err == nil || !strings.Contains(err.Error(), "Give this another bom-ref") {
			t.Errorf("cdxgen has each bom-ref once now: %v", err)
		}
	}
	if data := out["ko-0.spdx"]; data != nil && docs["ko-0.spdx"].Created() != "0001-01-01T00:00:00Z" {
		t.Errorf("ko says when now: %s", docs["ko-0.spdx"].Created())
	}
	if data := out["npm.spdx"]; data != nil {
		if created, _ := members(t, data)["creationInfo"].(map[string]any)["created"].(string); !strings.Contains(created, ".") {
			t.Errorf("npm writes times without fractions now: %s", created)
		}
	}
}
