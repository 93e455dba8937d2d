package catalog_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
)

// What is printed of a report sums it up.
func TestReportAsText(t *testing.T) {
	r := &catalog.Report{Files: 12, Packages: map[string]int{"npm": 3, "deb": 2}, Licensed: 4, Edges: 1,
		Warnings: []catalog.Warning{{Path: "a\nb", Err: errors.New("no JSON")}},
		Conversion: &sbom.Report{From: sbom.Format{Spec: sbom.CycloneDX, Version: "1.6"}, To: sbom.Format{Spec: sbom.SPDX, Version: "2.3"},
			Values: 3, Represented: 3}}
	want := `5 packages in 12 files (2 deb, 3 npm), 4 with a licence, 1 dependencies
  not read: "a\nb": no JSON
  CycloneDX 1.6 to SPDX 2.3: all 3 values are in the output.`
	if got := fmt.Sprint(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
