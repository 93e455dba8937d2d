package rules

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// BreakGlass lets an image run that a policy refuses, or cannot decide on, where somebody who may signed that this image shall
// run all the same: a statement of type [BreakGlassType] about its digest, with an owner, a reason and an end.
//
// A decision that rests on it is an Allow with a warning ([policy.Decision.Warnings]): it says who, why and until when, and what
// the policy said. It is no full allow, so no summary of it says that the image passed.
type BreakGlass struct {
	Name string // what people call it
	// Policy is asked first; where it allows, nothing else is looked at.
	Policy policy.Policy
	// Evidence names who may; with AtLeast, how many of them it takes. It has no Quantifier.
	Evidence
}

// A Glass is a predicate of type [BreakGlassType]: why an image shall run whatever the policy says.
type Glass struct {
	Owner   string    `json:"owner"` // whom people ask
	Reason  string    `json:"reason"`
	Expires time.Time `json:"expires"` // the first moment at which it does not hold
}

// PredicateType returns [BreakGlassType].
func (*Glass) PredicateType() string { return BreakGlassType }

// MarshalJSON writes the predicate. It fails without an owner, a reason or an end.
func (g *Glass) MarshalJSON() ([]byte, error) {
	if err := g.valid(); err != nil {
		return nil, fmt.Errorf("rules: break-glass: %w", err)
	}
	type plain Glass
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode((*plain)(g))
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// ParseGlass reads a predicate of type [BreakGlassType], strictly.
func ParseGlass(predicate []byte) (*Glass, error) {
	var g Glass
	r := strictjson.NewReader(predicate, strictjson.Limits{})
	for f := r.Fields("owner", "reason", "expires"); f.Next(); {
		switch f.Name {
		case "owner":
			g.Owner = r.String()
		case "reason":
			g.Reason = r.String()
		case "expires":
			g.Expires = readTime(r)
		}
	}
	err := r.End()
	if err == nil {
		err = g.valid()
	}
	if err != nil {
		return nil, fmt.Errorf("rules: break-glass: %w", err)
	}
	return &g, nil
}

func (g *Glass) valid() error {
	switch {
	case strings.TrimSpace(g.Owner) == "" || strings.TrimSpace(g.Reason) == "":
		return errors.New("it has an owner and a reason")
	case g.Expires.IsZero():
		return errors.New("it has an end: give expires")
	}
	return nil
}

// String says on one line who broke the glass, why, and until when.
func (g *Glass) String() string {
	return oneline.Of(fmt.Sprintf("until %s (%s: %s)", stamp(g.Expires), g.Owner, g.Reason))
}

// Validate returns an error if it names nobody, or if the policy can never allow anything.
func (b BreakGlass) Validate() error {
	_, err := b.require(nil)
	if err == nil && b.Policy == nil {
		err = errors.New("there is no policy")
	}
	if err == nil {
		if err = policy.Validate(b.Policy); err != nil {
			err = trimmed{err}
		}
	}
	if err != nil {
		return fmt.Errorf("rules: break-glass: %w", err)
	}
	return nil
}

// require returns the requirement for the statements, which adds what they say to used.
func (b BreakGlass) require(used *[]string) (policy.Require, error) {
	req, err := b.beside([]string{BreakGlassType})
	req.Name = "break-glass"
	req.Check = func(_ context.Context, in *policy.Input, a *verify.Attestation) error {
		g, err := policy.Fact(in, a, "lading/break-glass/v1", func() (Glass, error) {
			g, err := ParseGlass(a.Predicate)
			if err != nil {
				return Glass{}, trimmed{err}
			}
			return *g, nil
		})
		if err != nil {
			return err
		}
		if !in.Before(g.Expires) {
			return fmt.Errorf("it ended at %s", stamp(g.Expires))
		}
		*used = append(*used, g.String())
		return nil
	}
	return req, err
}

// IgnoresRequest reports whether the policy does.
func (b BreakGlass) IgnoresRequest() bool { return policy.IgnoresRequest(b.Policy) }

// String says what is asked, in one line.
func (b BreakGlass) String() string {
	return "the policy allows, or break-glass by " + b.who()
}

// Decide implements [policy.Policy].
func (b BreakGlass) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	inner := policy.Decide(ctx, b.Policy, in)
	if inner.Verdict == policy.Allow || inner.Skipped || in == nil || in.Report == nil {
		return inner
	}
	var used []string
	req, err := b.require(&used)
	if err != nil {
		return inner // without anybody who may, nobody does
	}
	glass := policy.Decide(ctx, req, in)
	if glass.Verdict != policy.Allow {
		return inner
	}
	return &policy.Decision{
		Verdict: policy.Allow, Effect: policy.Warn, RuleName: oneline.Of(b.Name), Rule: b.String(), Evidence: glass.Evidence,
		Until:  glass.Until,
		Reason: fmt.Sprintf("BREAK-GLASS %s, by %s; without it %s", some(used), strings.TrimPrefix(glass.Reason, "break-glass: "), inner),
		Parts:  []*policy.Decision{inner, glass},
	}
}
