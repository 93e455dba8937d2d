//go:build heavy

// Package scanners holds sbom/vuln/osv against OSV-Scanner, over one generated set of advisories. Building that takes minutes, so
// the test has a tag: go test -tags heavy. LADING_OSV_SCANNER names a program of version 2.5.0 that is built already.
package scanners

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln/osv"
)

const osvScanner = "github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.0"

// kinds are the ecosystems of the set: how records, package URLs and CycloneDX name a package, and versions in order.
var kinds = []struct {
	ecosystem, name, purl, component, rangeType string
	versions                                    []string
}{
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

// advisories are 500, or 200,000 with LADING_HEAVY, to compare times; the SBOM has packages of the first 500.
func advisories() int {
	if os.Getenv("LADING_HEAVY") != "" {
		return 200_000
	}
	return 500
}

// write makes the dumps, as OSV publishes them, and an SBOM with each package in each version.
func write(t *testing.T, dir string) (bom []byte) {
	t.Helper()
	type component struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl"`
	}
	var components []component
	for _, k := range kinds {
		base, _, _ := strings.Cut(k.ecosystem, ":")
		if err := os.MkdirAll(filepath.Join(dir, base), 0o755); err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for i := range advisories() / len(kinds) {
			events := []map[string]string{{"introduced": "0"}, {"fixed": k.versions[i%4]}}
			if i%3 == 0 {
				events = []map[string]string{{"introduced": k.versions[1]}, {"last_affected": k.versions[2]}}
			}
			id := fmt.Sprintf("%s-2026-%d", strings.ToUpper(base), i)
			data, err := json.Marshal(map[string]any{
				"schema_version": "1.7.5", "id": id, "modified": "2026-11-01T00:00:00Z", "summary": "made up",
				"affected": []any{map[string]any{
					"package": map[string]string{"ecosystem": k.ecosystem, "name": fmt.Sprintf(k.name, i/2)},
					"ranges":  []any{map[string]any{"type": k.rangeType, "events": events}},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			w, err := z.Create(id + ".json")
			if err != nil {
				t.Fatal(err)
			}
			w.Write(data)
			if i%2 == 0 && i < 500/len(kinds) {
				for _, v := range k.versions {
					components = append(components, component{"library", fmt.Sprintf(k.component, i/2), v, fmt.Sprintf(k.purl, i/2, v)})
				}
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, base, "all.zip"), buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bom, err := json.Marshal(map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components})
	if err != nil {
		t.Fatal(err)
	}
	return bom
}

func program(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("LADING_OSV_SCANNER"); path != "" {
		return path
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "install", osvScanner)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "osv-scanner")
}

// The ids that both have, on the same components. Both read the same zips; OSV-Scanner is run as a program.
func TestOSVScanner(t *testing.T) {
	exe := program(t)
	root := t.TempDir()
	dumps := filepath.Join(root, "osv-scalibr") // which it looks for in --local-db-path
	bom := write(t, dumps)
	file := filepath.Join(root, "bom.cdx.json")
	if err := os.WriteFile(file, bom, 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	cmd := exec.Command(exe, "scan", "source", "--offline", "--offline-vulnerabilities", "--local-db-path="+root, "--format=json",
		"-L", file)
	out, err := cmd.Output() // 1 if anything was found
	if cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	theirTime := time.Since(start)
	var report struct {
		Results []struct {
			Packages []struct {
				Package         struct{ Name, Version, Ecosystem string }
				Vulnerabilities []struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	theirs := map[string]bool{}
	for _, r := range report.Results {
		for _, p := range r.Packages {
			for _, v := range p.Vulnerabilities {
				theirs[v.ID+" "+p.Package.Name+" "+strings.TrimPrefix(p.Package.Version, "v")] = true
			}
		}
	}
	ours := scan(t, dumps, bom, theirTime)
	if len(ours) < 500 {
		t.Errorf("only %d findings", len(ours))
	}
	both := 0
	for _, line := range slices.Sorted(maps.Keys(ours)) {
		if theirs[line] {
			both++
		} else {
			t.Errorf("only here: %s", line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(theirs)) {
		if !ours[line] {
			t.Errorf("only there: %s", line)
		}
	}
	t.Logf("%d advisories, ids on components: %d here, %d there, %d in both", advisories(), len(ours), len(theirs), both)
}

func scan(t *testing.T, dumps string, bom []byte, theirTime time.Duration) map[string]bool {
	t.Helper()
	index := filepath.Join(t.TempDir(), "osv.index")
	if _, err := osv.Build(t.Context(), index, nil, dumps); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	db, err := osv.Open(index)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	doc, err := sbom.Parse(bytes.NewReader(bom))
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Scan(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("open, parse and scan: %v; OSV-Scanner: %v", time.Since(start), theirTime)
	ours := map[string]bool{}
	for f, place := range r.Places() {
		if place.Doubt != "" {
			t.Errorf("%s %s: %s", f.ID, place.Component.PURL, place.Doubt)
		}
		ours[f.ID+" "+place.Component.Name+" "+strings.TrimPrefix(place.Component.Version, "v")] = true
	}
	for _, s := range r.Skipped {
		t.Errorf("not assessed: %+v", s)
	}
	return ours
}
