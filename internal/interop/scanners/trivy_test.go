//go:build heavy

package scanners

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy/pkg/detector/library"
	"github.com/aquasecurity/trivy/pkg/detector/ospkg/debian"
	trivysbom "github.com/aquasecurity/trivy/pkg/sbom"
	trivytypes "github.com/aquasecurity/trivy/pkg/types"
	"github.com/aquasecurity/trivy/pkg/vulnerability"
	bolt "go.etcd.io/bbolt"

	"github.com/ladingdev/lading/sbom/vuln"
)

// trivyBuckets are where Trivy looks for advisories of an ecosystem.
var trivyBuckets = map[string]string{"npm": "npm::made up", "PyPI": "pip::made up", "Go": "go::made up", "Maven": "maven::made up",
	"Debian:12": "debian 12"}

func writeTrivy(t *testing.T, dir string) {
	t.Helper()
	if err := db.Init(dir); err != nil {
		t.Fatal(err)
	}
	var c db.Config
	err := c.BatchUpdate(func(tx *bolt.Tx) error {
		for _, k := range kinds {
			bucket, source := trivyBuckets[k.ecosystem], types.SourceID("ghsa")
			if k.ecosystem == "Debian:12" {
				source = "debian"
			}
			if err := c.PutDataSource(tx, bucket, types.DataSource{ID: source, Name: "made up"}); err != nil {
				return err
			}
			for _, a := range k.of(500 / len(kinds)) {
				advisory := types.Advisory{VulnerableVersions: []string{a.constraint()}}
				if a.fixed != "" {
					advisory.PatchedVersions = []string{a.fixed}
				}
				if k.ecosystem == "Debian:12" {
					if a.fixed == "" {
						continue // it has no ranges there: an advisory is fixed in a version, or not
					}
					advisory = types.Advisory{FixedVersion: a.fixed}
				}
				if err := c.PutAdvisory(tx, []string{bucket, a.name}, a.id, advisory); err != nil {
					return err
				}
				severity := []types.Severity{types.SeverityCritical, types.SeverityHigh, types.SeverityMedium, types.SeverityLow}[a.rating]
				if err := c.PutVulnerability(tx, a.id,
					types.Vulnerability{Title: "made up", VendorSeverity: types.VendorSeverity{source: severity},
						CVSS: types.VendorCVSS{source: {V3Vector: vectors[a.rating].vector}}}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
}

// detect is what Trivy finds in an SBOM, as it writes it: by its own readers, detectors and types.
func detect(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := trivysbom.Decode(t.Context(), f, trivysbom.FormatCycloneDXJSON)
	if err != nil {
		t.Fatal(err)
	}
	report := trivytypes.Report{SchemaVersion: 2, ArtifactName: "bom.cdx.json", ArtifactType: "cyclonedx"}
	report.Trivy.Version = "0.74.0"
	add := func(target, class string, found []trivytypes.DetectedVulnerability, err error) {
		if err != nil {
			t.Fatal(err)
		}
		vulnerability.NewClient(db.Config{}).FillInfo(found, []types.SourceID{"auto"})
		report.Results = append(report.Results,
			trivytypes.Result{Target: target, Class: trivytypes.ResultClass(class), Vulnerabilities: found})
	}
	for _, list := range doc.Packages {
		found, err := debian.NewScanner().Detect(t.Context(), doc.Metadata.OS.Name, nil, list.Packages)
		add("debian", "os-pkgs", found, err)
	}
	for _, app := range doc.Applications {
		found, err := library.Detect(t.Context(), app.Type, app.Packages)
		add(string(app.Type), "lang-pkgs", found, err)
	}
	data, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The rows of Trivy are ours, but for
//
//	Debian  ranges with a beginning, which its database cannot say
func TestTrivy(t *testing.T) {
	writeTrivy(t, t.TempDir())
	mine, file := ours(t)
	data := detect(t, file)
	keep(t, "trivy", data)
	r, err := vuln.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	judge(t, rows(t, mine), rows(t, r), func(row string, here bool) bool {
		return here && strings.Contains(row, "pkg:deb/") && strings.HasSuffix(row, " ")
	})
}
