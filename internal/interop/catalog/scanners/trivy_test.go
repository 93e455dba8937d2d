// Package scanners_test holds SBOMs of sbom/catalog against what scanners make of them: findings on ours are findings on the
// scanner's own. It is a module of its own because scanners bring hundreds of modules.
//
//	GOWORK=off go test .
package scanners_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/aquasecurity/trivy-db/pkg/db"
	dbtypes "github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy/pkg/detector/ospkg/debian"
	trivysbom "github.com/aquasecurity/trivy/pkg/sbom"
	bolt "go.etcd.io/bbolt"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
)

// The packages of testdata/trivy.cdx.json, which Trivy 0.74.0 wrote of an image with them: one with a source of its own
// name, one with another, one with another and an epoch.
const status = `Package: hello
Status: install ok installed
Architecture: amd64
Version: 2.10-3

Package: libzstd1
Status: install ok installed
Architecture: amd64
Source: libzstd
Version: 1.5.4+dfsg2-5

Package: zlib1g
Status: install ok installed
Architecture: amd64
Source: zlib
Version: 1:1.2.13.dfsg-1
`

// database makes up one vulnerability for each source package, by the names that Debian reports by, and one that is fixed.
func database(t *testing.T) {
	t.Helper()
	if err := db.Init(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c := db.Config{}
	err := c.BatchUpdate(func(tx *bolt.Tx) error {
		for i, a := range []struct{ source, fixed string }{{"hello", "2.10-4"}, {"libzstd", "1.5.4+dfsg2-6"}, {"zlib", "1:1.2.13.dfsg-2"},
			{"zlib", "1.3"}, {"hello", "1.0"}} {
			release, err := tx.CreateBucketIfNotExists([]byte("debian 12"))
			if err != nil {
				return err
			}
			source, err := release.CreateBucketIfNotExists([]byte(a.source))
			if err != nil {
				return err
			}
			value, err := json.Marshal(dbtypes.Advisory{FixedVersion: a.fixed})
			if err != nil {
				return err
			}
			if err := source.Put(fmt.Appendf(nil, "CVE-2026-000%d", i), value); err != nil {
				return err
			}
		}
		return c.PutDataSource(tx, "debian 12", dbtypes.DataSource{ID: "debian", Name: "made up"})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// findings are what Trivy says of an SBOM.
func findings(t *testing.T, data []byte, format trivysbom.Format) (out []string) {
	t.Helper()
	doc, err := trivysbom.Decode(t.Context(), bytes.NewReader(data), format)
	if err != nil {
		t.Fatal(err)
	}
	if doc.Metadata.OS == nil || string(doc.Metadata.OS.Family) != "debian" {
		t.Fatalf("operating system %v", doc.Metadata.OS)
	}
	for _, list := range doc.Packages {
		found, err := debian.NewScanner().Detect(t.Context(), doc.Metadata.OS.Name, nil, list.Packages)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range found {
			out = append(out, v.VulnerabilityID+" "+v.PkgName)
		}
	}
	slices.Sort(out)
	return out
}

func TestTrivy(t *testing.T) {
	database(t)
	own, err := os.ReadFile("testdata/trivy.cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	want := findings(t, own, trivysbom.FormatCycloneDXJSON)
	if len(want) != 3 {
		t.Fatalf("of its own SBOM: %q", want)
	}
	files := fstest.MapFS{
		"etc/os-release":      {Data: []byte("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n")},
		"var/lib/dpkg/status": {Data: []byte(status)},
	}
	for _, f := range []struct {
		sbom.Format
		trivy trivysbom.Format
	}{
		{sbom.Format{Spec: sbom.CycloneDX, Version: "1.6"}, trivysbom.FormatCycloneDXJSON},
		{sbom.Format{Spec: sbom.CycloneDX, Version: "1.4"}, trivysbom.FormatCycloneDXJSON},
		{sbom.Format{Spec: sbom.SPDX, Version: "2.3"}, trivysbom.FormatSPDXJSON},
		{sbom.Format{Spec: sbom.SPDX, Version: "2.2"}, trivysbom.FormatSPDXJSON},
	} {
		t.Run(f.String(), func(t *testing.T) {
			doc, _, err := catalog.Dir(t.Context(), files, &catalog.Options{Format: f.Format})
			if err != nil {
				t.Fatal(err)
			}
			if got := findings(t, doc.Bytes(), f.trivy); !slices.Equal(got, want) {
				t.Errorf("%q, on its own SBOM %q", got, want)
			}
		})
	}
}
