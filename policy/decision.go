package policy

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/verify"
)

// Forever is the end of what has none, as RFC 5280, section 4.1.2.5, has it for certificates.
var Forever = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// A Decision is a verdict and its proof: what was asked, why it came out so, and the decisions that it rests on. It marshals as
// JSON, the same decision always as the same bytes, and is read back but for Cause.
type Decision struct {
	Verdict  Verdict             `json:"verdict"`
	RuleName string              `json:"ruleName,omitempty"` // what people call the rule; empty if it has no name
	Rule     string              `json:"rule"`               // what was asked, one line
	Reason   string              `json:"reason"`             // why, one line
	Evidence []verify.Descriptor `json:"evidence,omitempty"` // what it relies on, without Data
	Looked   []Looked            `json:"looked,omitempty"`   // the evidence that this rule itself looked at, in the report's order
	Missing  []string            `json:"missing,omitempty"`  // unless it is Allow: the least that would make it so, all of them; words
	Need     int                 `json:"need,omitempty"`     // how many distinct signers it takes or, with "at least", how many of Parts
	Op       string              `json:"op,omitempty"`       // how Parts make the verdict: "all", "any", "at least"; empty: in another way
	Effect   Effect              `json:"effect,omitzero"`    // what the verdict of the part below may do; zero means that it decides
	// the rule does not apply here: see When. It is Indeterminate, and no part of All
	Skipped  bool        `json:"skipped,omitempty"`
	Replayed bool        `json:"replayed,omitempty"` // it was made from a record, and opens no door
	Document *Document   `json:"document,omitempty"` // the policy document that this is the decision of
	Parts    []*Decision `json:"parts,omitempty"`    // the decisions that it was made from, in the policy's order
	Cause    error       `json:"-"`                  // for errors.Is and errors.As, beside the verdict's own error

	// Until is the first moment at which the same evidence may be judged otherwise, because time passes: an age is reached,
	// a signature expires, a key ends, what was found out of revocation gets old. [Forever] means that time changes nothing.
	// Zero means that it is good for the moment only: it is Indeterminate, or a policy did not say. Other evidence may
	// change it at any time.
	Until time.Time `json:"until,omitzero"`

	// Set by Gate.Check on the decision that it returns.
	Name     string              `json:"name,omitempty"`
	Subject  verify.Descriptor   `json:"subject,omitzero"`   // the digest that was judged: deploy this, not the name
	Children []verify.Descriptor `json:"children,omitempty"` // of an index: a platform may report the digest of one of these for it
	Request  *Request            `json:"request,omitempty"`
	Time     time.Time           `json:"time,omitzero"`
}

// What Decision.Op says.
const (
	opAll     = "all"
	opAny     = "any"
	opAtLeast = "at least"
)

// A Document is the policy document that a decision was made by.
type Document struct {
	URI     string `json:"uri,omitempty"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Digest  string `json:"digest,omitempty"` // of its canonical form, such as "sha256:..."
}

// Looked is one piece of evidence that a rule looked at, and why it counts or does not.
type Looked struct {
	Evidence      verify.Descriptor `json:"evidence"` // without Data
	PredicateType string            `json:"predicateType,omitempty"`
	Signers       []LookedSigner    `json:"signers,omitempty"`
	Counts        bool              `json:"counts"`
	Why           string            `json:"why,omitempty"` // one line
}

// LookedSigner is a signer of evidence that a rule looked at. Until is, if it counts, until when it does for this rule.
type LookedSigner struct {
	verify.Signer
	As     string `json:"as,omitempty"` // the policy's name for the signer: those of one name are one signer
	Counts bool   `json:"counts"`
	Why    string `json:"why,omitempty"` // it does not count; one line
}

// Culprits returns the decisions below d, or d itself, that made the verdict, leaves alone: for a Deny those that deny and, had
// they allowed, might have changed it, in the policy's order. For an Allow they are what it rests on.
func (d *Decision) Culprits() []*Decision {
	switch {
	case d == nil:
		return nil
	case len(d.Parts) == 0:
		return []*Decision{d}
	}
	var leaves []*Decision
	for _, part := range d.Parts {
		if part != nil && part.Skipped == d.Skipped && (part.Verdict == d.Verdict || d.Effect != Enforce) {
			leaves = append(leaves, part.Culprits()...)
		}
	}
	if len(leaves) == 0 { // a threshold can be missed by parts that allow, by one signer
		return []*Decision{d}
	}
	return leaves
}

// Warnings returns the decisions whose refusal had no force here because the policy has them warn or audit: see Soft. A decision
// that allows and has none is a full allow.
func (d *Decision) Warnings() []*Decision {
	var soft []*Decision
	for _, part := range d.All() {
		if part.Effect != Enforce && slices.ContainsFunc(part.Parts, func(p *Decision) bool { return p.Verdict != Allow && !p.Skipped }) {
			soft = append(soft, part)
		}
	}
	return soft
}

// Holds reports whether a decision of a Gate that was kept still holds at a moment: not before it was made, and before Until.
// One that is Indeterminate never does, nor one that was made from a record.
func (d *Decision) Holds(at time.Time) bool {
	return d != nil && !d.Replayed && d.Verdict != Indeterminate && !at.Before(d.Time) && at.Before(d.Until)
}

// Err returns nil only for Allow that was not made from a record. Otherwise the error wraps [ErrDenied] or [ErrIndeterminate], and
// the causes; of a replayed Allow it wraps [ErrReplayed] and ErrIndeterminate.
func (d *Decision) Err() error {
	if d == nil {
		return fmt.Errorf("policy: %w: no decision", ErrIndeterminate)
	}
	kind := ErrIndeterminate
	switch {
	case d.Verdict == Allow && d.Replayed:
		return fmt.Errorf("policy: %w: %w", ErrIndeterminate, ErrReplayed)
	case d.Verdict == Allow:
		return nil
	case d.Verdict == Deny:
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
	what := e.kind.Error()
	switch name := oneline.Of(d.Name); {
	case name != "" && e.kind == ErrDenied:
		what = name + " is denied"
	case name != "":
		what = "no decision on " + name
	}
	return "policy: " + what + ": " + oneline.Of(d.Reason)
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
	return d.Verdict.String() + ": " + oneline.Of(d.Reason)
}

// Format prints a decision: %v and %s in one line, as String does; %+v with a line for the name and one for each rule below.
func (d *Decision) Format(f fmt.State, verb rune) {
	if d == nil || verb != 'v' || !f.Flag('+') || len(d.Parts) == 0 {
		_, _ = io.WriteString(f, d.String())
		return
	}
	name := oneline.Of(d.Name)
	if name == "" {
		name = oneline.Of(d.Rule)
	}
	fmt.Fprintf(f, "%s: %s", d.Verdict, name)
	for depth, part := range d.All() {
		switch {
		case depth == 0:
		case len(part.Parts) > 0:
			fmt.Fprintf(f, "\n%s%s: %s", strings.Repeat("  ", depth), part.Verdict, oneline.Of(part.Rule))
		default:
			fmt.Fprintf(f, "\n%s%s", strings.Repeat("  ", depth), part)
		}
	}
}

// A PanicError is the cause of a decision that is Indeterminate because a Source, a Verifier, a Policy or another function
// of the caller's panicked.
type PanicError struct {
	Value any    // that it panicked with
	Stack []byte // of the goroutine, as runtime/debug.Stack has it
}

// Error is what was thrown, on one line.
func (e *PanicError) Error() string { return "panic: " + oneline.Of(fmt.Sprint(e.Value)) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// trimmed is an error of this package without its prefix, to be put into another one.
func trimmed(err error) error { return trimmedError{err} }

type trimmedError struct{ error }

func (e trimmedError) Error() string { return strings.TrimPrefix(e.error.Error(), "policy: ") }
func (e trimmedError) Unwrap() error { return e.error }
