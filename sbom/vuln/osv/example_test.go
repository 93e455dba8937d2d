package osv_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln/osv"
)

func Example() {
	dir, err := os.MkdirTemp("", "osv")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	record := `{"id": "GHSA-0000-0000-0000", "modified": "2026-11-01T00:00:00Z", "aliases": ["CVE-2026-0001"], "summary": "made up",
		"affected": [{"package": {"ecosystem": "npm", "name": "a"},
			"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]}]}`
	if err := os.WriteFile(filepath.Join(dir, "GHSA-0000-0000-0000.json"), []byte(record), 0o644); err != nil {
		log.Fatal(err)
	}

	ctx, index := context.Background(), filepath.Join(dir, "osv.index")
	contents, err := osv.Build(ctx, index, nil, dir) // or zips, as OSV publishes them
	if err != nil {
		log.Fatal(err)
	}
	db, err := osv.Open(index)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	doc, err := sbom.Parse(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
		{"type": "library", "name": "a", "version": "1.1.0", "purl": "pkg:npm/a@1.1.0"},
		{"type": "library", "name": "b", "version": "1.0", "purl": "pkg:pypi/b@1.0"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	report, err := db.Scan(ctx, doc)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(contents.Records, "record")
	for finding, place := range report.Places() {
		fmt.Println(finding.ID, place.Component.PURL, "fixed in", place.Fixed)
	}
	for _, s := range report.Skipped {
		fmt.Println(s.Component.PURL, s.Reason)
	}
	// Output:
	// 1 record
	// CVE-2026-0001 pkg:npm/a@1.1.0 fixed in [1.2.0]
	// pkg:pypi/b@1.0 the index has no records of PyPI
}
