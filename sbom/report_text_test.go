package sbom_test

import (
	"fmt"
	"testing"

	"github.com/ladingdev/lading/sbom"
)

// What is printed of a report sums it up: what was dropped first, and equal losses together.
func TestReportAsText(t *testing.T) {
	from, to := sbom.Format{Spec: sbom.CycloneDX, Version: "1.6"}, sbom.Format{Spec: sbom.SPDX, Version: "2.3"}
	r := &sbom.Report{From: from, To: to, Values: 9, Represented: 5, Losses: []sbom.Loss{
		{Path: "/a", Kind: sbom.Changed, Reason: "written as declared"},
		{Path: "/b", Kind: sbom.Changed, Reason: "written as declared"},
		{Path: "/c", Kind: sbom.Dropped, Reason: "no place for it"},
	}}
	want := `CycloneDX 1.6 to SPDX 2.3: 5 of 9 values as they were
  1 dropped: no place for it, such as at /c
  2 changed: written as declared, such as at /a`
	if got := fmt.Sprint(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i := range 12 {
		r.Losses = append(r.Losses, sbom.Loss{Kind: sbom.Changed, Reason: fmt.Sprint(i)})
	}
	if got := r.String(); len(got) == 0 || got[len(got)-len("and 4 more kinds of loss"):] != "and 4 more kinds of loss" {
		t.Error(got)
	}
	if got := fmt.Sprint(&sbom.Report{From: from, To: from}); got != "CycloneDX 1.6 to CycloneDX 1.6: as it was" {
		t.Error(got)
	}
}
