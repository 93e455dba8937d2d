//go:build heavy

package scanners

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
)

// A kind is an ecosystem of the set: how records, package URLs and CycloneDX name a package, and versions in order.
type kind struct {
	ecosystem, name, purl, component, rangeType string
	versions                                    []string
}

var kinds = []kind{
	{"npm", "pkg-%d", "pkg:npm/pkg-%d@%s", "pkg-%d", "SEMVER",
		[]string{"1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0"}},
	{"PyPI", "pkg-%d", "pkg:pypi/pkg-%d@%s", "pkg-%d", "ECOSYSTEM",
		[]string{"1.0rc1", "1.0", "1.0.post1", "1.10"}},
	{"Go", "example.com/pkg-%d", "pkg:golang/example.com/pkg-%d@v%s", "example.com/pkg-%d", "SEMVER",
		[]string{"1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0"}},
	{"Maven", "org.example:pkg-%d", "pkg:maven/org.example/pkg-%d@%s", "org.example:pkg-%d", "ECOSYSTEM",
		[]string{"1.0-alpha1", "1.0", "1.2", "1.10"}},
	{"Debian:12", "pkg-%d", "pkg:deb/debian/pkg-%d@%s?distro=debian-12", "pkg-%d", "ECOSYSTEM",
		[]string{"1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1:0.9-1"}},
}

// vectors give each severity in turn.
var vectors = []struct{ word, vector string }{
	{"critical", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
	{"high", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},
	{"medium", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N"},
	{"low", "CVSS:3.1/AV:N/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N"},
}

// An advisory is about the versions before fixed, or from introduced to last.
type advisory struct {
	id, name                string
	fixed, introduced, last string
	rating                  int
}

// constraint is the range in the words that Grype and Trivy share.
func (a *advisory) constraint() string {
	if a.fixed != "" {
		return "< " + a.fixed
	}
	return ">= " + a.introduced + ", <= " + a.last
}

// of makes the advisories of a kind.
func (k *kind) of(n int) (out []advisory) {
	at := slices.IndexFunc(kinds, func(other kind) bool { return other.ecosystem == k.ecosystem })
	for i := range n {
		a := advisory{id: fmt.Sprintf("CVE-2026-%d", (at+1)*1_000_000+i), name: fmt.Sprintf(k.name, i/2), rating: i % len(vectors),
			fixed: k.versions[i%4]}
		if i%3 == 0 {
			a.fixed, a.introduced, a.last = "", k.versions[1], k.versions[2]
		}
		out = append(out, a)
	}
	return out
}

// writeDumps makes the dumps of n advisories, as OSV publishes them.
func writeDumps(t *testing.T, dir string, n int) {
	t.Helper()
	for _, k := range kinds {
		base, _, _ := strings.Cut(k.ecosystem, ":")
		if err := os.MkdirAll(filepath.Join(dir, base), 0o755); err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for _, a := range k.of(n / len(kinds)) {
			events := []map[string]string{{"introduced": "0"}, {"fixed": a.fixed}}
			if a.fixed == "" {
				events = []map[string]string{{"introduced": a.introduced}, {"last_affected": a.last}}
			}
			data, err := json.Marshal(map[string]any{
				"schema_version": "1.7.5", "id": a.id, "modified": "2026-11-01T00:00:00Z", "summary": "made up",
				"severity": []any{map[string]string{"type": "CVSS_V3", "score": vectors[a.rating].vector}},
				"affected": []any{map[string]any{
					"package": map[string]string{"ecosystem": k.ecosystem, "name": a.name},
					"ranges":  []any{map[string]any{"type": k.rangeType, "events": events}},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			w, err := z.Create(a.id + ".json")
			if err != nil {
				t.Fatal(err)
			}
			w.Write(data)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, base, "all.zip"), buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// bill is an SBOM with the packages of the first 500 advisories, each in each version. Of Maven the group is apart, as CycloneDX
// has it, or in the name.
func bill(t *testing.T, groups bool) []byte {
	t.Helper()
	type component struct {
		Ref     string `json:"bom-ref"`
		Type    string `json:"type"`
		Group   string `json:"group,omitempty"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl,omitempty"`
	}
	components := []component{{"os", "operating-system", "", "debian", "12", ""}}
	for _, k := range kinds {
		for i := range 500 / len(kinds) / 2 {
			for _, v := range k.versions {
				purl := fmt.Sprintf(k.purl, i, v)
				c := component{purl, "library", "", fmt.Sprintf(k.component, i), v, purl}
				if group, name, ok := strings.Cut(c.Name, ":"); ok && groups {
					c.Group, c.Name = group, name
				}
				components = append(components, c)
			}
		}
	}
	data, err := json.Marshal(map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components,
		"metadata": map[string]any{"component": map[string]string{"bom-ref": "image", "type": "container", "name": "example.com/web"}}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// build makes a program of a package in this module, which takes minutes, or takes the one that the variable names.
func build(t *testing.T, variable, name string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	exe := filepath.Join(t.TempDir(), filepath.Base(name))
	cmd := exec.Command("go", "build", "-o", exe, name)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exe
}

// run runs a scanner and reads what it prints as a report. One exit status beside 0 may say that something was found.
func run(t *testing.T, cmd *exec.Cmd, found int) *vuln.Report {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != found {
		t.Fatalf("%v\n%s", err, errs.Bytes())
	}
	keep(t, filepath.Base(cmd.Path), out)
	r, err := vuln.Parse(bytes.NewReader(out))
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.Bytes())
	}
	return r
}

// keep writes an output to the folder that LADING_KEEP names, to look at, and for testdata of sbom/vuln.
func keep(t *testing.T, name string, out []byte) {
	t.Helper()
	if dir := os.Getenv("LADING_KEEP"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), out, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// rows are the places of a report as tables show them: severity, id, package URL, versions with the fix.
func rows(t *testing.T, r *vuln.Report) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for f, a := range r.Places() {
		if a.Doubt != "" {
			t.Errorf("%s %s: %s", f.ID, a.Component.PURL, a.Doubt)
		}
		p, err := sbom.ParsePURL(a.Component.PURL)
		if err != nil {
			t.Fatal(err)
		}
		purl, _, _ := strings.Cut(p.String(), "?")
		out[strings.Join([]string{f.ID, purl, f.Severity.String(), strings.Join(a.Fixed, " ")}, " ")] = true
	}
	return out
}

// judge holds our rows against those of another scanner. A difference is an error unless it is explained.
func judge(t *testing.T, ours, theirs map[string]bool, explained func(row string, here bool) bool) {
	t.Helper()
	both, known, shown := 0, 0, 0
	differ := func(row string, here bool) {
		switch {
		case explained != nil && explained(row, here):
			known++
		case shown < 40:
			shown++
			t.Errorf("only here is %v: %s", here, row)
		default:
			t.Fail()
		}
	}
	for row := range ours {
		if theirs[row] {
			both++
		} else {
			differ(row, true)
		}
	}
	for row := range theirs {
		if !ours[row] {
			differ(row, false)
		}
	}
	t.Logf("%d rows here, %d there, %d the same, %d differences that are explained", len(ours), len(theirs), both, known)
}
