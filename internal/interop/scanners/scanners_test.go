//go:build heavy

// Package scanners holds sbom/vuln/osv against OSV-Scanner, Grype and Trivy, over one generated set of advisories, and reads their
// reports. Building them takes minutes, so the tests have a tag: go test -tags heavy. LADING_OSV_SCANNER and LADING_GRYPE
// name programs that are built already.
//
//	judge              advisories                              run as                           differences
//	OSV-Scanner 2.5.0  the zips that sbom/vuln/osv indexes     a program                        none
//	Grype 0.121.0      a store of its schema 6, by its writer  a program                        none
//	Trivy 0.74.0       a database, by trivy-db's own writer    its readers, detectors, types    Debian's ranges
package scanners

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sbom/vuln/osv"
)

const osvScanner = "github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.0"

// number is 500, or 200,000 with LADING_HEAVY, to compare times; the SBOM has packages of the first 500.
func number() int {
	if os.Getenv("LADING_HEAVY") != "" {
		return 200_000
	}
	return 500
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

// The rows of OSV-Scanner are ours. Both read the same zips; OSV-Scanner is run as a program. It looks Maven's components up by
// their name alone, so that in this SBOM the name has the group.
func TestOSVScanner(t *testing.T) {
	exe := program(t)
	root := t.TempDir()
	dumps := filepath.Join(root, "osv-scalibr") // which it looks for in --local-db-path
	writeDumps(t, dumps, number())
	bom := bill(t, false)
	file := filepath.Join(root, "bom.cdx.json")
	if err := os.WriteFile(file, bom, 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	theirs := run(t, exec.Command(exe, "scan", "source", "--offline", "--offline-vulnerabilities", "--local-db-path="+root, "--format=json",
		"-L", file), 1)
	theirTime := time.Since(start)
	ours := scan(t, dumps, bom, theirTime)
	if n := len(rows(t, ours)); n < 500 {
		t.Errorf("only %d findings", n)
	}
	judge(t, rows(t, ours), rows(t, theirs), nil)
}

func scan(t *testing.T, dumps string, bom []byte, theirTime time.Duration) *vuln.Report {
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
	if theirTime != 0 {
		t.Logf("open, parse and scan: %v; the scanner: %v", time.Since(start), theirTime)
	}
	for _, s := range r.Skipped {
		t.Errorf("not assessed: %+v", s)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, "lading", data)
	return r
}

// ours is our report on the set of 500, and the file with the SBOM.
func ours(t *testing.T) (r *vuln.Report, file string) {
	t.Helper()
	dir := t.TempDir()
	writeDumps(t, filepath.Join(dir, "dumps"), 500)
	bom := bill(t, true)
	file = filepath.Join(dir, "bom.cdx.json")
	if err := os.WriteFile(file, bom, 0o644); err != nil {
		t.Fatal(err)
	}
	return scan(t, filepath.Join(dir, "dumps"), bom, 0), file
}
