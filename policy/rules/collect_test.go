package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sbom"
)

// What the licence rule does beside its calls of Licenses, over 100,000 components of 40 licences in turn.
func BenchmarkLicensesBeside(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"container","name":"web"}},` +
		`"components":[`)
	ids := []string{"MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "MIT OR Apache-2.0", "LGPL-2.1-or-later", "MPL-2.0", "Zlib", "0BSD",
		"Unlicense"}
	for i := range 100_000 {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"type":"library","name":"c%d","purl":"pkg:npm/c%d@1","licenses":[{"expression":"%s AND (%s OR MIT)"}]}`, i, i,
			ids[i%10], ids[i/10%4])
	}
	text.WriteString(`]}`)
	doc, err := sbom.Parse(strings.NewReader(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	known := make([][]sbom.LicenseClaim, doc.Len())
	var calls time.Duration = time.Hour
	for range 3 {
		start := time.Now()
		for ref := range doc.Components() {
			known[ref] = doc.Licenses(ref)
		}
		calls = min(calls, time.Since(start))
	}
	same := map[string][]sbom.LicenseClaim{} // claims are in the processor's cache, as they are when Licenses has just returned them
	for i, claims := range known {
		if len(claims) == 0 {
			continue
		}
		if same[claims[0].Expression] == nil {
			same[claims[0].Expression] = claims
		}
		known[i] = same[claims[0].Expression]
	}
	r := &Licenses{Deny: []string{"AGPL-3.0-only", "GPL-3.0-or-later"}}
	j := new(licenseJudge)
	if err := j.compile(r); err != nil {
		b.Fatal(err)
	}
	best, lookups := time.Hour, time.Hour
	for b.Loop() {
		start := time.Now()
		if n := countExpressions(known); n == 0 { // the floor
			b.Fatal("no expressions")
		}
		lookups = min(lookups, time.Since(start))
		start = time.Now()
		if CountComponents(doc) == 0 {
			b.Fatal("no components")
		}
		sets := collectLicenses(doc, func(ref sbom.Ref) []sbom.LicenseClaim { return known[ref] })
		x := &excuses{}
		if err := x.judge(&policy.Input{}, j.violations(sets, parseExpressions(sets)), func(int) string { return "" }); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(float64(best.Microseconds())/1000, "ms-beside")
	b.ReportMetric(float64(calls.Microseconds())/1000, "ms-calls")
	b.ReportMetric(float64(lookups.Microseconds())/1000, "ms-lookups")
}

// countExpressions looks each up in a map, which who judges each once cannot leave out.
func countExpressions(known [][]sbom.LicenseClaim) int {
	seen := map[string]bool{}
	for _, claims := range known {
		for i := range claims {
			seen[claims[i].Expression] = true
		}
	}
	return len(seen)
}
