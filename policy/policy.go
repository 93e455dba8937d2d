// Package policy decides whether an image may run.
//
// A [Gate] is what most programs hold: it resolves a name once, collects the evidence about what it found, lets its
// verifiers prove it, and asks its [Policy]:
//
//	gate := &policy.Gate{
//		Open:      gate.Open(nil), // package policy/gate: images in registries
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
//
// # Some, every, newest
//
// A [Require] by itself asks whether there is an attestation that will do. For a rule that forbids, such as "no component
// under this licence", that is a trap: whoever may attach an SBOM attaches a second, empty one, and that will do. Set
// [Require.Quantifier] to [Every], or to [Newest] for what is made anew each day.
//
// # Distinct signers
//
// [Require.AtLeast] counts distinct signers of one kind of evidence, [AtLeast] those of several rules: a key that satisfies two of
// them is one signer. A [Signer] of the policy has a time: when it begins, when it ends in good order, and since when others
// may have had its key. Only a proven time saves an older signature.
//
// # What applies, and what it may do
//
// [When] asks a rule under a condition, such as on the [Request] that a door hands over. A rule that does not apply is left out, and
// where none applies nothing is allowed. [Soft] has a rule warn or audit: nothing is refused, and [Decision.Warnings] tells.
//
// # Facts, records, replay
//
// Rules read what predicates say with [Fact], once for all rules. The facts of a decision are what a [Record] of it holds, which
// [Gate.Record] is given. [Replay] asks a policy about any number of records, and [Diff] says who would be refused by it:
//
//	for change, err := range policy.Diff(ctx, nil, stricter, policy.ReadRecords(file), time.Now()) {
//		...
//		fmt.Println(change) // newly denied: ghcr.io/acme/app:v1: no attestation of type ...
//	}
//
// Such a decision is marked, and opens no door.
//
// # What it tells
//
// A [Decision] is a tree: what each rule asked, which evidence it looked at and why that counts or does not, and the least that is
// missing. [Decision.Culprits] are the rules that made the verdict. Package policy/report prints it, package policy/vsa says it in
// formats that other gates read.
//
// # Until when
//
// [Decision.Until] says until when a decision holds: what is kept, is kept no longer, as [Decision.Holds] tells.
//
// # When the program starts
//
// [Gate.Validate] finds gates that can never allow anything: a verifier without keys, a predicate type that is no URI, more
// signers asked for than are named. Called at the start it is an error there and not a refusal at each deployment.
package policy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
)

// A Verdict is how a decision came out. The zero Verdict is Indeterminate.
type Verdict uint8

const (
	Indeterminate Verdict = iota // could not tell; every door treats it as Deny unless its own mapping says otherwise
	Deny                         // everything was looked at, and it will not do
	Allow                        // everything that was asked for is proven
)

// String is the verdict as an upper-case word.
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
	ErrReplayed      = errors.New("the decision was made from a record, and opens no door")
)

// A Policy decides on an Input. It never returns nil, though a caller treats nil as Indeterminate. So it does what panics.
// A Policy that can be wrong from the start has a method Validate() error, which says so.
//
// Implementations are safe for concurrent use.
type Policy interface {
	Decide(ctx context.Context, in *Input) *Decision
}

// Func makes a function a Policy. A nil Func asks for nothing, and allows nothing.
//
// A decision that it returns holds no longer than until the earliest moment that it asked [Input.Before] about, and no longer
// than those of policies that it asked itself. Without any, and without Until, it holds for the moment only, because nobody
// knows what it looked at. [Forever] says that time does not matter.
type Func func(ctx context.Context, in *Input) *Decision

// Decide calls f. A nil Func is Indeterminate.
func (f Func) Decide(ctx context.Context, in *Input) *Decision {
	if f == nil {
		return asksForNothing()
	}
	return f(ctx, in)
}

// Validate returns an error if there is no function.
func (f Func) Validate() error {
	if f == nil {
		return errors.New("policy: a Func that is nil allows nothing")
	}
	return nil
}

// Validate returns an error if a policy can never allow anything, as far as it tells: those of this package do, and others
// with a method Validate() error. [Gate.Validate] looks at the verifiers too.
func Validate(p Policy) error {
	if err := validate(p); err != nil {
		return fmt.Errorf("policy: %w", trimmed(err))
	}
	return nil
}

// validate asks a policy or a verifier whether it can be right at all. Of those that do not say, nothing is known.
func validate(v any) (err error) {
	defer recovered(func(p *PanicError) { err = p })
	switch v := v.(type) {
	case nil:
		return errors.New("policy: a policy or verifier that is nil")
	case interface{ Validate() error }:
		return v.Validate()
	}
	return nil
}

// decide asks a policy that may be anybody's and makes sure that there is an answer.
func decide(ctx context.Context, p Policy, in *Input) (d *Decision) {
	defer recovered(func(p *PanicError) {
		d = undecided("unknown", "the policy failed: "+p.Error())
		d.Cause = p
	})
	if p == nil {
		return asksForNothing()
	}
	watched, asked := in.watched()
	d = p.Decide(ctx, watched)
	switch {
	case d == nil:
		return undecided("unknown", "the policy returned no decision")
	case d.Verdict > Allow || d.Skipped && d.Verdict != Indeterminate:
		return undecided(d.Rule, "the policy returned an unknown verdict "+strconv.Itoa(int(d.Verdict)))
	case d.Replayed && !watched.isReplay(): // whoever combines verdicts would take it for one of today
		again := undecided(d.Rule, "the policy returned a decision that was made from a record")
		again.Cause = ErrReplayed
		return again
	}
	until := d.Until
	switch p.(type) {
	case Require, *Require, combined, threshold, named, conditional, softened: // which say it exactly
	default:
		if end, ok := asked.get(); ok && (until.IsZero() || end.Before(until)) {
			until = end
		}
	}
	if d.Verdict == Indeterminate && !d.Skipped {
		until = time.Time{}
	}
	replayed := watched.isReplay()
	if until.Equal(d.Until) && d.Replayed == replayed {
		return d
	}
	c := *d // a policy may return a shared decision
	c.Until, c.Replayed = until, replayed
	return &c
}

func asksForNothing() *Decision { return undecided("nothing", "the policy asks for nothing") }

func undecided(rule, reason string) *Decision {
	return &Decision{Verdict: Indeterminate, Rule: rule, Reason: oneline.Of(reason)}
}
