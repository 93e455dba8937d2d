// Package policy decides whether an image may run.
//
// A [Gate] is what most programs hold: it resolves a name once, collects the evidence about what it found, lets its
// verifiers prove it, and asks its [Policy]:
//
//	gate := &policy.Gate{
//		Open:      open, // a registry, usually: see the example
//		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: keys}},
//		Policy: policy.All(
//			policy.Require{Kind: verify.ImageSignature},
//			policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://cyclonedx.org/bom"}},
//		),
//	}
//	decision := gate.Check(ctx, "ghcr.io/acme/app:v1")
//	if err := decision.Err(); err != nil {
//		return err // says what was missing, and wraps ErrDenied or ErrIndeterminate
//	}
//	run(decision.Subject.Digest) // what was judged; the tag may have moved by now
//
// Decisions have three values. [Allow] means that the evidence was found and proven. [Deny] means that everything was
// looked at and it is not there. [Indeterminate] means that something could not be looked at: the registry failed, or
// the policy asks for nothing. Only Allow opens a door; the zero verdict, an empty policy, a nil decision and an error
// never do.
//
// A Policy judges only what package verify proved, at the time that the Input gives: it has no clock and makes no call,
// so the same Input gives the same Decision, with the same words.
package policy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/ladingdev/lading/verify"
)

// A Verdict is how a decision came out. The zero Verdict is Indeterminate.
type Verdict uint8

const (
	Indeterminate Verdict = iota // could not tell; every door treats it as Deny unless its own mapping says otherwise
	Deny
	Allow
)

func (v Verdict) String() string {
	switch v {
	case Allow:
		return "ALLOW"
	case Deny:
		return "DENY"
	}
	return "INDETERMINATE"
}

// MarshalText writes the verdict as its upper-case word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote and refuses anything else.
func (v *Verdict) UnmarshalText(text []byte) error {
	for _, w := range []Verdict{Indeterminate, Deny, Allow} {
		if w.String() == string(text) {
			*v = w
			return nil
		}
	}
	return fmt.Errorf("policy: %q is not a verdict", text)
}

// What Decision.Err wraps.
var (
	ErrDenied        = errors.New("denied")
	ErrIndeterminate = errors.New("could not decide")
)

// Input is all that a Policy may look at.
type Input struct {
	Name   string         // as the caller gave it to the Gate
	Report *verify.Report // what was proven about Report.Subject, what was refused, and what could not be read
	Now    time.Time
}

// A Policy decides on an Input. It never returns nil, though a caller treats nil as Indeterminate.
// Implementations are safe for concurrent use.
type Policy interface {
	Decide(ctx context.Context, in *Input) *Decision
}

// Func makes a function a Policy.
type Func func(ctx context.Context, in *Input) *Decision

func (f Func) Decide(ctx context.Context, in *Input) *Decision { return f(ctx, in) }

// A Decision is a verdict and its proof: what was asked, why it came out so, and the decisions that it rests on.
type Decision struct {
	Verdict  Verdict             `json:"verdict"`
	Rule     string              `json:"rule"`               // what was asked, one line
	Reason   string              `json:"reason"`             // why, one line
	Evidence []verify.Descriptor `json:"evidence,omitempty"` // what it relies on, without Data
	Parts    []*Decision         `json:"parts,omitempty"`    // the decisions that it was made from, in the policy's order
	Cause    error               `json:"-"`                  // for errors.Is and errors.As, beside the verdict's own error

	// Set by Gate.Check on the decision that it returns.
	Name    string            `json:"name,omitempty"`
	Subject verify.Descriptor `json:"subject,omitzero"` // the digest that was judged: deploy this, not the name
	Time    time.Time         `json:"time,omitzero"`
}

// Err returns nil only for Allow. Otherwise the error wraps [ErrDenied] or [ErrIndeterminate], and the causes.
func (d *Decision) Err() error {
	if d == nil {
		return fmt.Errorf("policy: %w: no decision", ErrIndeterminate)
	}
	kind := ErrIndeterminate
	switch d.Verdict {
	case Allow:
		return nil
	case Deny:
		kind = ErrDenied
	}
	return &decisionError{kind, d}
}

type decisionError struct {
	kind     error
	decision *Decision
}

func (e *decisionError) Error() string {
	d := e.decision
	var what string
	if d.Name != "" {
		what = d.Name + " "
	}
	return oneLine(fmt.Sprintf("policy: %s%v: %s", what, e.kind, d.Reason)) // the name is anybody's, and so may the policy be
}

func (e *decisionError) Unwrap() []error {
	errs := []error{e.kind}
	for _, d := range e.decision.All() {
		if d.Cause != nil {
			errs = append(errs, d.Cause)
		}
	}
	return errs
}

// All yields the decision and every part below it, each with its depth, in the policy's order.
func (d *Decision) All() iter.Seq2[int, *Decision] {
	return func(yield func(int, *Decision) bool) { d.walk(0, yield) }
}

func (d *Decision) walk(depth int, yield func(int, *Decision) bool) bool {
	if d == nil {
		return true
	}
	if !yield(depth, d) {
		return false
	}
	for _, p := range d.Parts {
		if !p.walk(depth+1, yield) {
			return false
		}
	}
	return true
}

// String returns the verdict and its reason in one line.
func (d *Decision) String() string {
	if d == nil {
		return Indeterminate.String() + ": no decision"
	}
	return oneLine(d.Verdict.String() + ": " + d.Reason)
}

// All returns the policy that allows what every one of ps allows. One Deny denies, whatever the others could not tell.
// Without policies it allows nothing.
func All(ps ...Policy) Policy { return combined{"all of", Deny, Allow, ps} }

// Any returns the policy that allows what at least one of ps allows. Without policies it allows nothing.
func Any(ps ...Policy) Policy { return combined{"any of", Allow, Deny, ps} }

// combined is three-valued logic after Kleene: one part that says decisive settles it; otherwise every part must say
// unanimous; anything else is Indeterminate.
type combined struct {
	words               string
	decisive, unanimous Verdict
	parts               []Policy
}

func (c combined) Decide(ctx context.Context, in *Input) *Decision {
	d := &Decision{Verdict: c.unanimous}
	if len(c.parts) == 0 {
		return undecided(c.words+" nothing", "the policy asks for nothing")
	}
	var rules []string
	for _, p := range c.parts {
		part := decide(ctx, p, in)
		d.Parts = append(d.Parts, part)
		rules = append(rules, part.Rule)
		if d.Verdict != c.decisive && part.Verdict != c.unanimous {
			d.Verdict = part.Verdict
		}
	}
	d.Rule = c.words + ": " + strings.Join(rules, "; ")
	// The reason is that of the parts which made the verdict.
	var reasons []string
	for _, part := range d.Parts {
		if part.Verdict == d.Verdict {
			reasons = append(reasons, part.Reason)
			d.Evidence = append(d.Evidence, part.Evidence...)
		}
	}
	d.Reason = strings.Join(reasons, "; ")
	return d
}

// decide asks a policy that may be anybody's and makes sure that there is an answer.
func decide(ctx context.Context, p Policy, in *Input) *Decision {
	if p == nil {
		return undecided("nothing", "the policy asks for nothing")
	}
	d := p.Decide(ctx, in)
	switch {
	case d == nil:
		return undecided("unknown", "the policy returned no decision")
	case d.Verdict > Allow:
		return undecided(d.Rule, fmt.Sprintf("the policy returned an unknown verdict %d", uint8(d.Verdict)))
	}
	return d
}

func undecided(rule, reason string) *Decision {
	return &Decision{Verdict: Indeterminate, Rule: rule, Reason: oneLine(reason)}
}
