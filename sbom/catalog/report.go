package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// mostWarnings is how many warnings String lists; Warnings has all.
const mostWarnings = 10

// String sums up the report: what was found, and what could not be read.
func (r *Report) String() string {
	if r == nil {
		return "no report"
	}
	var b strings.Builder
	total := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(r.Packages)) {
		total += r.Packages[kind]
		kinds = append(kinds, fmt.Sprintf("%d %s", r.Packages[kind], kind))
	}
	fmt.Fprintf(&b, "%d packages in %d files", total, r.Files)
	if kinds != nil {
		fmt.Fprintf(&b, " (%s)", strings.Join(kinds, ", "))
	}
	fmt.Fprintf(&b, ", %d with a licence, %d dependencies", r.Licensed, r.Edges)
	for i, w := range r.Warnings {
		if i == mostWarnings {
			fmt.Fprintf(&b, "\n  and %d more that could not be read", len(r.Warnings)-i)
			break
		}
		fmt.Fprintf(&b, "\n  not read: %q: %v", w.Path, w.Err)
	}
	for i, claim := range r.Claims {
		if i == mostWarnings {
			fmt.Fprintf(&b, "\n  and %d more SBOMs in it", len(r.Claims)-i)
			break
		}
		fmt.Fprintf(&b, "\n  an SBOM in it: %q: %v", claim.Path, claim)
	}
	if r.Conversion != nil {
		b.WriteString("\n  " + strings.ReplaceAll(r.Conversion.String(), "\n", "\n  "))
	}
	return b.String()
}
