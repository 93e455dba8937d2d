package policy_test

import (
	"context"
	"testing"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

type deaf struct{ policy.Policy }

func (deaf) IgnoresRequest() bool { return true }

func TestTraits(t *testing.T) {
	signed := policy.Require{Kind: verify.ImageSignature}
	with := func(change func(*policy.Require)) policy.Require {
		r := signed
		change(&r)
		return r
	}
	checked := with(func(r *policy.Require) {
		r.Check = func(context.Context, *policy.Input, *verify.Attestation) error { return nil }
	})
	function := policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision { return signed.Decide(ctx, in) })
	condition := policy.Condition{Words: "x", Holds: func(*policy.Input) (bool, error) { return true, nil }}
	for _, tt := range []struct {
		name          string
		p             policy.Policy
		some, ignores bool
	}{
		{"nil", nil, false, false},
		{"some", signed, true, true},
		{"by pointer", &signed, true, true},
		{"every", with(func(r *policy.Require) { r.Quantifier = policy.Every }), false, true},
		{"newest", with(func(r *policy.Require) { r.Quantifier = policy.Newest }), false, true},
		{"two signers, who may turn out to be one", with(func(r *policy.Require) { r.AtLeast = 2 }), false, true},
		{"content", checked, false, false},
		{"all", policy.All(signed, signed), true, true},
		{"all of nothing", policy.All(), false, true},
		{"any, one of every", policy.Any(signed, with(func(r *policy.Require) { r.Quantifier = policy.Every })), false, true},
		{"all, one with content", policy.All(signed, checked), false, false},
		{"named", policy.Named("n", signed), true, true},
		{"a function", function, false, false},
		{"a function that says so", deaf{function}, false, true},
		{"conditional", policy.When(condition, signed), false, false},
		{"soft", policy.Soft(policy.Warn, policy.Warn, signed), false, true},
		{"soft, conditional", policy.Soft(policy.Warn, policy.Warn, policy.When(condition, signed)), false, false},
		{"at least", policy.AtLeast(1, signed), false, true},
	} {
		if got := policy.OnlySome(tt.p); got != tt.some {
			t.Errorf("%s: OnlySome %v", tt.name, got)
		}
		if got := policy.IgnoresRequest(tt.p); got != tt.ignores {
			t.Errorf("%s: IgnoresRequest %v", tt.name, got)
		}
	}
}
