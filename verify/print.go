package verify

import (
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
)

// String tells what was proven, what was refused and what could not be looked at, a line each.
func (r *Report) String() string {
	if r == nil {
		return "no report"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d proven, %d refused, %d not looked at", oneline.Of(string(r.Subject.Digest)),
		len(r.Attestations), len(r.Rejected), len(r.Incomplete))
	for _, a := range r.Attestations {
		b.WriteString("\n  proven: " + a.String())
	}
	for _, e := range r.Rejected {
		b.WriteString("\n  refused: " + oneline.Error(e))
	}
	for _, e := range r.Incomplete {
		b.WriteString("\n  not looked at: " + oneline.Error(e))
	}
	return b.String()
}

// String tells what was proven and by whom, in one line.
func (a *Attestation) String() string {
	if a == nil {
		return "nothing"
	}
	what := a.Kind.String()
	if a.Kind == Statement {
		what += " of type " + a.PredicateType
	}
	var by []string
	for _, s := range a.Signers {
		at := ""
		if s.TimeSource != TimeUnknown {
			at = fmt.Sprintf(" at %s (%s)", s.SignedAt.UTC().Format(time.RFC3339), s.TimeSource)
		}
		by = append(by, s.String()+at)
	}
	return oneline.Of(what + " by " + strings.Join(by, " and "))
}
