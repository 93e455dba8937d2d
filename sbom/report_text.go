package sbom

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// mostLosses is how many kinds of loss String lists; Losses has all.
const mostLosses = 10

// String sums up the report: what was converted into what, and the losses, equal ones together, what was dropped first.
func (r *Report) String() string {
	if r == nil {
		return "no report"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v to %v: ", r.From, r.To)
	switch {
	case r.Restored:
		b.WriteString("restored as it was before an earlier conversion")
	case r.Values == 0 && len(r.Losses) == 0:
		b.WriteString("as it was")
	default:
		fmt.Fprintf(&b, "%d of %d values as they were", r.Represented, r.Values)
	}
	if r.Embedded {
		b.WriteString(", and the whole input inside")
	}
	type group struct {
		Loss
		n int
	}
	var groups []*group
	known := make(map[Loss]*group)
	for _, l := range r.Losses {
		key := Loss{Kind: l.Kind, Reason: l.Reason}
		if known[key] == nil {
			known[key] = &group{Loss: l}
			groups = append(groups, known[key])
		}
		known[key].n++
	}
	slices.SortStableFunc(groups, func(x, y *group) int { return cmp.Or(cmp.Compare(y.Kind, x.Kind), cmp.Compare(y.n, x.n)) })
	for i, g := range groups {
		if i == mostLosses {
			fmt.Fprintf(&b, "\n  and %d more kinds of loss", len(groups)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %d %v: %s, such as at %s", g.n, g.Kind, g.Reason, g.Path)
	}
	return b.String()
}
