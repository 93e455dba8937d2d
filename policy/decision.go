package policy

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/verify"
)

// Forever is the end of what has none, as RFC 5280, section 4.1.2.5, has it for certificates.
var Forever = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// A Decision is a verdict and its proof: what was asked, why it came out so, and the decisions that it rests on.
type Decision struct {
	Verdict  Verdict             `json:"verdict"`
	Rule     string              `json:"rule"`               // what was asked, one line
	Reason   string              `json:"reason"`             // why, one line
	Evidence []verify.Descriptor `json:"evidence,omitempty"` // what it relies on, without Data
	Parts    []*Decision         `json:"parts,omitempty"`    // the decisions that it was made from, in the policy's order
	Cause    error               `json:"-"`                  // for errors.Is and errors.As, beside the verdict's own error

	// Until is the first moment at which the same evidence may be judged otherwise, because time passes: an age is reached,
	// a signature expires, a key ends, what was found out of revocation gets old. [Forever] means that time changes nothing.
	// Zero means that it is good for the moment only: it is Indeterminate, or a policy did not say. Other evidence may
	// change it at any time.
	Until time.Time `json:"until,omitzero"`

	// Set by Gate.Check on the decision that it returns.
	Name    string            `json:"name,omitempty"`
	Subject verify.Descriptor `json:"subject,omitzero"` // the digest that was judged: deploy this, not the name
	Time    time.Time         `json:"time,omitzero"`
}

// Holds reports whether a decision of a Gate that was kept still holds at a moment: not before it was made, and before Until.
// One that is Indeterminate never does.
func (d *Decision) Holds(at time.Time) bool {
	return d != nil && d.Verdict != Indeterminate && !at.Before(d.Time) && at.Before(d.Until)
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
