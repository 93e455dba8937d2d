//go:build heavy

package scanners

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/types"
	bolt "go.etcd.io/bbolt"
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
				if err := c.PutVulnerability(tx, a.id, types.Vulnerability{Title: "made up", VendorSeverity: types.VendorSeverity{source: severity},
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
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"Version": db.SchemaVersion, "UpdatedAt": time.Now(), "NextUpdate": time.Now().Add(time.Hour),
		"DownloadedAt": time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "metadata.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTrivy(t *testing.T) {
	exe := build(t, "LADING_TRIVY", "github.com/aquasecurity/trivy/cmd/trivy", "jsonv2")
	cache := t.TempDir()
	writeTrivy(t, filepath.Join(cache, "db"))
	mine, file := ours(t)
	cmd := exec.Command(exe, "sbom", "--cache-dir", cache, "--skip-db-update", "--skip-java-db-update", "--offline-scan",
		"--skip-version-check", "--disable-telemetry", "--scanners", "vuln", "--format", "json", file)
	judge(t, rows(t, mine), rows(t, run(t, cmd, 0)), nil)
}
