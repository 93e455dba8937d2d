package policy

import (
	"context"
	"fmt"

	"github.com/ladingdev/lading/internal/oneline"
)

// An Effect is what it means that a rule is not met. The zero Effect is that it decides.
type Effect uint8

const (
	Enforce Effect = iota // the verdict stands
	Warn                  // whoever asked is told, and nothing is refused
	Audit                 // it is written down, and nothing is refused
)

var effectWords = []string{"deny", "warn", "audit"}

// String is the word that documents and reports use.
func (e Effect) String() string { return effectWords[min(int(e), len(effectWords)-1)] }

// MarshalText writes the effect as policy documents have it: "deny", "warn" or "audit".
func (e Effect) MarshalText() ([]byte, error) {
	if int(e) >= len(effectWords) {
		return nil, fmt.Errorf("policy: there is no effect %d", e)
	}
	return []byte(effectWords[e]), nil
}

// UnmarshalText reads what MarshalText wrote and refuses anything else.
func (e *Effect) UnmarshalText(text []byte) error {
	for i, w := range effectWords {
		if w == string(text) {
			*e = Effect(i)
			return nil
		}
	}
	return fmt.Errorf("policy: %.80q is not an effect: deny, warn or audit", text)
}

// Soft returns the policy that asks p and says what comes of it if it does not allow: denied is the effect of a Deny,
// indeterminate that of a decision that could not be made. With Warn or Audit the decision is an Allow whose one part is the
// decision of p: [Decision.Warnings] finds it, and a decision with one is no full allow. A rule that does not apply stays so.
//
// It belongs around a rule or below All. Below Any and AtLeast it would satisfy them whatever p says: they are Indeterminate, and
// Validate says so.
func Soft(denied, indeterminate Effect, p Policy) Policy { return softened{denied, indeterminate, p} }

type softened struct {
	denied, indeterminate Effect
	p                     Policy
}

func (s softened) Decide(ctx context.Context, in *Input) *Decision {
	inner := decide(ctx, s.p, in)
	effect := s.denied
	if inner.Verdict == Indeterminate {
		effect = s.indeterminate
	}
	noted(in, inner)
	if inner.Verdict == Allow || inner.Skipped || effect != Warn && effect != Audit {
		return inner
	}
	d := &Decision{
		Verdict: Allow, Effect: effect, RuleName: inner.RuleName, Rule: inner.Rule, Parts: []*Decision{inner}, Until: inner.Until,
		Reason: fmt.Sprintf("%s only (%s): %s", effect, inner.Verdict, oneline.Of(inner.Reason)),
	}
	return d
}

func (s softened) Validate() error {
	if s.denied > Audit || s.indeterminate > Audit {
		return fmt.Errorf("policy: an effect %d, which there is not", max(s.denied, s.indeterminate))
	}
	return validate(s.p)
}

// soft reports whether a policy allows whatever its rules say.
func soft(p Policy) bool {
	switch p := p.(type) {
	case softened:
		return p.denied != Enforce || p.indeterminate != Enforce
	case named:
		return soft(p.p)
	case conditional:
		return soft(p.p)
	}
	return false
}
