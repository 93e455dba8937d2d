package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ladingdev/lading/verify"
)

// Require is the policy that asks for proven evidence of one kind. It allows if attestations that meet every field
// carry at least AtLeast distinct signers between them.
//
// It denies if everything was looked at and that is not so, and is Indeterminate if something could not be looked at
// and it is not so without. A Require that does not say what it asks for is Indeterminate.
type Require struct {
	// Kind must be set: verify.ImageSignature or verify.Statement.
	Kind verify.Kind
	// PredicateTypes are the types of which a statement must have one, exactly. A Statement needs at least one here; an
	// image signature has none.
	PredicateTypes []string
	// By are the signers that count; empty, with ByEntry empty, means everybody whom the Gate's verifiers trust.
	By []verify.Identity
	// ByEntry are names of entries of the verifiers' trust lists: a signer who matched one of them counts as well.
	ByEntry []string
	// AtLeast is how many distinct signers it takes; zero means one. A key and a certificate of it are one signer, and so
	// are all who matched one entry of a trust list.
	AtLeast int
	// MaxAge is how long ago a signer may have signed. A signature without a time or with one in the future does not
	// count then. Zero means any age.
	MaxAge time.Duration
	// Check looks at the attestation's content and returns nil if it will do, or why not; nil means any content.
	Check func(a *verify.Attestation) error
}

// clockSkew is how far a signing time may lie in the future before MaxAge refuses it.
const clockSkew = 5 * time.Minute

func (r Require) Decide(_ context.Context, in *Input) *Decision {
	d := r.decide(in)
	d.Reason = oneLine(d.Reason)
	return d
}

func (r Require) decide(in *Input) *Decision {
	rule := r.String()
	if err := r.valid(); err != nil {
		return undecided(rule, err.Error())
	}
	if in == nil || in.Report == nil {
		return undecided(rule, "there is no report to judge")
	}
	need := max(1, r.AtLeast)
	d := &Decision{Rule: rule}
	var (
		signers  distinct
		unmet    []string // why attestations of the right kind do not count
		others   []string // what else was proven
		contents []error  // what Check said, as causes
	)
	for _, a := range in.Report.Attestations {
		if !r.asksFor(a) {
			others = append(others, describe(a))
			continue
		}
		if r.Check != nil {
			if err := r.Check(a); err != nil {
				unmet = append(unmet, line(err))
				contents = append(contents, err)
				continue
			}
		}
		counted := false
		for _, s := range a.Signers {
			if why := r.refuses(s, in.Now); why != "" {
				unmet = append(unmet, why)
				continue
			}
			counted = true
			signers.add(s)
		}
		if counted {
			d.Evidence = append(d.Evidence, a.Evidence)
		}
	}
	if len(signers) >= need {
		d.Verdict = Allow
		d.Reason = fmt.Sprintf("%s by %s", r.what(), join(signers.identities()))
		return d
	}

	if d.Reason = "no " + r.what(); need > 1 {
		d.Reason = fmt.Sprintf("%s by %d of the %d signers that it takes", r.what(), len(signers), need)
	}
	if len(unmet) > 0 {
		d.Reason += " that will do: " + some(unmet)
	}
	if len(in.Report.Incomplete) > 0 {
		d.Verdict = Indeterminate
		d.Reason = fmt.Sprintf("could not look for %s: %s", r.what(), line(in.Report.Incomplete[0]))
		if more := len(in.Report.Incomplete) - 1; more > 0 {
			d.Reason += fmt.Sprintf(" (and %d more)", more)
		}
		d.Cause = errors.Join(in.Report.Incomplete...)
		return d
	}
	d.Verdict = Deny
	if len(unmet) == 0 {
		d.Reason += leftovers(in.Report, others)
	}
	for _, rejected := range in.Report.Rejected {
		contents = append(contents, rejected)
	}
	d.Cause = errors.Join(contents...)
	return d
}

// distinct are signers in groups: those of one group are one signer, and count once.
type distinct [][]verify.Signer

func (d *distinct) add(s verify.Signer) {
	known := func(o verify.Signer) bool {
		return o.Identity == s.Identity && o.Key == s.Key && slices.Equal(o.Entries, s.Entries)
	}
	if slices.ContainsFunc(*d, func(group []verify.Signer) bool { return slices.ContainsFunc(group, known) }) {
		return
	}
	joined, rest := []verify.Signer{s}, (*d)[:0]
	for _, group := range *d {
		if slices.ContainsFunc(group, s.Same) {
			joined = append(group, joined...)
		} else {
			rest = append(rest, group)
		}
	}
	*d = append(rest, joined)
}

func (d distinct) identities() []verify.Identity {
	var out []verify.Identity
	for _, group := range d {
		out = append(out, group[0].Identity)
	}
	return out
}

func (r Require) valid() error {
	switch r.Kind {
	case verify.ImageSignature:
		if len(r.PredicateTypes) > 0 {
			return errors.New("the requirement gives predicate types for an image signature, which has none")
		}
	case verify.Statement:
		if len(r.PredicateTypes) == 0 || slices.Contains(r.PredicateTypes, "") {
			return errors.New("the requirement asks for a statement without saying of which predicate type")
		}
	default:
		return fmt.Errorf("the requirement asks for evidence of kind %q, which says nothing about an image", r.Kind)
	}
	if r.AtLeast < 0 || r.MaxAge < 0 {
		return errors.New("the requirement has a negative threshold or age")
	}
	if slices.Contains(r.By, verify.Identity{}) || slices.Contains(r.ByEntry, "") {
		return errors.New("the requirement names a signer without identity")
	}
	return nil
}

func (r Require) asksFor(a *verify.Attestation) bool {
	return a != nil && a.Kind == r.Kind &&
		(a.Kind == verify.ImageSignature || slices.Contains(r.PredicateTypes, a.PredicateType))
}

// refuses says why a signer does not count, or nothing.
func (r Require) refuses(s verify.Signer, now time.Time) string {
	asked := slices.Contains(r.By, s.Identity) || slices.ContainsFunc(s.Entries, func(e string) bool { return slices.Contains(r.ByEntry, e) })
	if len(r.By)+len(r.ByEntry) > 0 && !asked {
		return fmt.Sprintf("signed by %s, who is not asked for", s.Identity)
	}
	if r.MaxAge == 0 {
		return ""
	}
	switch age := now.Sub(s.SignedAt); {
	case s.TimeSource == verify.TimeUnknown || s.SignedAt.IsZero():
		return "nobody says when it was signed"
	case age < -clockSkew:
		return fmt.Sprintf("signed in the future, at %s", s.SignedAt.UTC().Format(time.RFC3339))
	case age > r.MaxAge:
		return fmt.Sprintf("signed at %s, longer than %s ago", s.SignedAt.UTC().Format(time.RFC3339), r.MaxAge)
	}
	return ""
}

// what names the evidence in a sentence.
func (r Require) what() string {
	if r.Kind == verify.Statement {
		return "attestation of type " + strings.Join(r.PredicateTypes, " or ")
	}
	return r.Kind.String()
}

// String says what is asked, in one line.
func (r Require) String() string {
	var b strings.Builder
	b.WriteString(r.what())
	if len(r.By)+len(r.ByEntry) > 0 {
		b.WriteString(" by " + join(r.By, r.ByEntry...))
	}
	if r.AtLeast > 1 {
		fmt.Fprintf(&b, ", at least %d signers", r.AtLeast)
	}
	if r.MaxAge > 0 {
		fmt.Fprintf(&b, ", not older than %s", r.MaxAge)
	}
	if r.Check != nil {
		b.WriteString(", content checked")
	}
	return b.String()
}

// leftovers tells what there was instead of what was asked for, in one clause.
func leftovers(report *verify.Report, others []string) string {
	var refused []string
	for _, r := range report.Rejected {
		refused = append(refused, line(r.Err))
	}
	// What was refused tells more than what else there is.
	switch {
	case len(refused) > 0:
		return ": " + some(refused)
	case len(others) > 0:
		return ": there is only " + some(others)
	}
	return ": nothing is attached to " + string(report.Subject.Digest)
}

func describe(a *verify.Attestation) string {
	if a == nil {
		return "nothing"
	}
	if a.Kind == verify.Statement {
		return "a statement of type " + a.PredicateType
	}
	if a.Kind == verify.ImageSignature {
		return "an image signature"
	}
	return "a " + a.Kind.String()
}

// line says an error that may have been joined of several.
func line(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// some joins what is different, and says how much more there is than a person reads.
func some(list []string) string {
	const most = 5
	seen := make(map[string]bool)
	var shown []string
	for _, s := range list {
		if !seen[s] && len(seen) < most {
			shown = append(shown, s)
		}
		seen[s] = true
	}
	if more := len(seen) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), more)
	}
	return strings.Join(shown, ", ")
}

// oneLine keeps what strangers wrote, such as the type of a predicate, from writing lines of its own into a log or a
// terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}

func join(ids []verify.Identity, entries ...string) string {
	var s []string
	for _, id := range ids {
		s = append(s, id.String())
	}
	for _, e := range entries {
		s = append(s, fmt.Sprintf("%q", e))
	}
	return strings.Join(s, " and ")
}
