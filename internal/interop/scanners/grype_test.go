//go:build heavy

package scanners

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	grype "github.com/anchore/grype/grype/db/v6"
	"github.com/spf13/afero"
)

// grypeTypes are the names of ecosystems and of formats of versions in Grype's store.
var grypeTypes = map[string][2]string{"npm": {"npm", "npm"}, "PyPI": {"python", "python"}, "Go": {"go-module", "go"},
	"Maven": {"java-archive", "maven"}, "Debian:12": {"deb", "dpkg"}}

func writeGrype(t *testing.T, dir string) {
	t.Helper()
	store, err := grype.NewWriter(grype.Config{DBDirPath: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.SetDBMetadata(); err != nil {
		t.Fatal(err)
	}
	captured := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, k := range kinds {
		provider := &grype.Provider{ID: "github", Version: "1", Processor: "made up", DateCaptured: &captured}
		var system *grype.OperatingSystem
		if k.ecosystem == "Debian:12" {
			provider = &grype.Provider{ID: "debian", Version: "1", Processor: "made up", DateCaptured: &captured}
			system = &grype.OperatingSystem{Name: "debian", ReleaseID: "debian", MajorVersion: "12", Codename: "bookworm"}
		}
		for _, a := range k.of(500 / len(kinds)) {
			v := &grype.VulnerabilityHandle{Name: a.id, Status: grype.VulnerabilityActive, ProviderID: provider.ID, Provider: provider,
				BlobValue: &grype.VulnerabilityBlob{ID: a.id, Description: "made up",
					Severities: []grype.Severity{{Scheme: grype.SeveritySchemeCVSS,
						Value: grype.CVSSSeverity{Vector: vectors[a.rating].vector, Version: "3.1"}, Source: "made up", Rank: 1}}}}
			if err := store.AddVulnerabilities(v); err != nil {
				t.Fatal(err)
			}
			fix := &grype.Fix{State: grype.NotFixedStatus}
			if a.fixed != "" {
				fix = &grype.Fix{State: grype.FixedStatus, Version: a.fixed}
			}
			types := grypeTypes[k.ecosystem]
			err := store.AddAffectedPackages(&grype.AffectedPackageHandle{VulnerabilityID: v.ID, Vulnerability: v, OperatingSystem: system,
				Package: &grype.Package{Ecosystem: types[0], Name: a.name},
				BlobValue: &grype.PackageBlob{CVEs: []string{a.id}, Ranges: []grype.Range{{
					Version: grype.Version{Type: types[1], Constraint: a.constraint()}, Fix: fix}}}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := grype.WriteImportMetadata(afero.NewOsFs(), dir, "made up"); err != nil {
		t.Fatal(err)
	}
}

func TestGrype(t *testing.T) {
	exe := build(t, "LADING_GRYPE", "github.com/anchore/grype/cmd/grype")
	cache := t.TempDir()
	dir := filepath.Join(cache, "6")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeGrype(t, dir)
	mine, file := ours(t)
	cmd := exec.Command(exe, "sbom:"+file, "-o", "json")
	cmd.Env = append(os.Environ(), "GRYPE_DB_CACHE_DIR="+cache, "GRYPE_DB_AUTO_UPDATE=false", "GRYPE_DB_VALIDATE_AGE=false",
		"GRYPE_CHECK_FOR_APP_UPDATE=false", "GRYPE_DB_REQUIRE_UPDATE_CHECK=false")
	judge(t, rows(t, mine), rows(t, run(t, cmd, 0)), nil)
}
