package policy_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

var errPanic = errors.New("out of cheese")

type panickingVerifier struct{}

func (panickingVerifier) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	panic(errPanic)
}

// choosy panics at one candidate.
type choosy struct{ at digest.Digest }

func (c choosy) Verify(_ context.Context, _, evidence verify.Descriptor) (*verify.Attestation, error) {
	if evidence.Digest == c.at {
		panic(errPanic)
	}
	return signature(alice), nil
}

func panicsAfter(n int) verify.Source {
	return verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for range n {
				if !yield(verify.Descriptor{Digest: digest.FromString("evidence")}, nil) {
					break
				}
			}
			panic(errPanic)
		}
	})
}

// Whatever of the caller's panics, Check returns, and says what it was.
func TestGateSurvivesPanics(t *testing.T) {
	one := candidates{{Digest: digest.FromString("evidence")}}
	opens := func(source verify.Source) func(context.Context, string) (*policy.Image, error) {
		return func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: source}, nil
		}
	}
	good := policy.Gate{
		Open: opens(one), Verifiers: []verify.Verifier{believer{}},
		Policy: policy.Require{Kind: verify.ImageSignature}, Now: func() time.Time { return now },
	}
	panics := policy.Func(func(context.Context, *policy.Input) *policy.Decision { panic(errPanic) })
	check := func(context.Context, *policy.Input, *verify.Attestation) error { panic(errPanic) }
	var nilRequire *policy.Require
	var nilSource *panickingSource
	for name, tt := range map[string]struct {
		change func(*policy.Gate)
		cause  error // nil: any
	}{
		"Open": {func(g *policy.Gate) {
			g.Open = func(context.Context, string) (*policy.Image, error) { panic(errPanic) }
		}, errPanic},
		"Now":                 {func(g *policy.Gate) { g.Now = func() time.Time { panic(errPanic) } }, errPanic},
		"Source":              {func(g *policy.Gate) { g.Open = opens(panicsAfter(0)) }, errPanic},
		"Source, nil pointer": {func(g *policy.Gate) { g.Open = opens(nilSource) }, nil},
		"Source without sequence": {func(g *policy.Gate) {
			g.Open = opens(verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] { return nil }))
		}, nil},
		"nil SourceFunc":      {func(g *policy.Gate) { g.Open = opens(verify.SourceFunc(nil)) }, nil},
		"Verifier":            {func(g *policy.Gate) { g.Verifiers = []verify.Verifier{panickingVerifier{}} }, errPanic},
		"Policy":              {func(g *policy.Gate) { g.Policy = panics }, errPanic},
		"Policy in All":       {func(g *policy.Gate) { g.Policy = policy.All(g.Policy, panics) }, errPanic},
		"Policy in Any":       {func(g *policy.Gate) { g.Policy = policy.Any(panics, policy.Func(nil)) }, errPanic},
		"Check":               {func(g *policy.Gate) { g.Policy = policy.Require{Kind: verify.ImageSignature, Check: check} }, errPanic},
		"Check of one of two": {func(g *policy.Gate) { g.Open = opens(append(one, one...)); g.Policy = oncePanics() }, errPanic},
		"nil Func":            {func(g *policy.Gate) { g.Policy = policy.Func(nil) }, nil},
		"nil *Require":        {func(g *policy.Gate) { g.Policy = nilRequire }, nil},
		"nil *Require in All": {func(g *policy.Gate) { g.Policy = policy.All(nilRequire, good.Policy) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			gate := good
			tt.change(&gate)
			d := gate.Check(t.Context(), "acme/app:v1")
			if d.Verdict != policy.Indeterminate || !errors.Is(d.Err(), policy.ErrIndeterminate) || d.Reason == "" ||
				d.Name != "acme/app:v1" {
				t.Fatalf("%+v", d)
			}
			var p *policy.PanicError
			if tt.cause != nil && (!errors.Is(d.Err(), tt.cause) || !errors.As(d.Err(), &p) || len(p.Stack) == 0) {
				t.Errorf("the cause is lost in %v", d.Err())
			}
			if d.Holds(now) {
				t.Error("it is kept")
			}
		})
	}

	// Who may push evidence does not shut the gate for others with one candidate at which a verifier panics.
	gate := good
	bad := digest.FromString("bad")
	gate.Open = opens(append(candidates{{Digest: bad}}, one...))
	gate.Verifiers = []verify.Verifier{choosy{bad}}
	if d := gate.Check(t.Context(), "acme/app:v1"); d.Verdict != policy.Allow {
		t.Error(d)
	}
	// What came before a source failed counts.
	gate.Open = opens(panicsAfter(1))
	if d := gate.Check(t.Context(), "acme/app:v1"); d.Verdict != policy.Allow {
		t.Error(d)
	}
	// A source that panics after the listing was ended from outside.
	gate.Open = opens(panicsAfter(1 << 20))
	if d := gate.Check(t.Context(), "acme/app:v1"); d.Verdict != policy.Indeterminate {
		t.Error(d)
	}
	if d := nilRequireDecides(); d != "" && !strings.Contains(d, "nil") {
		t.Error(d)
	}
}

type panickingSource struct{ c candidates }

func (p *panickingSource) Evidence(ctx context.Context, d verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return p.c.Evidence(ctx, d)
}

// oncePanics has a check that panics at the first attestation and is content with the second.
func oncePanics() policy.Policy {
	return policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
		n := 0
		return policy.Require{Kind: verify.ImageSignature, Check: func(context.Context, *policy.Input, *verify.Attestation) error {
			if n++; n == 1 {
				panic(errPanic)
			}
			return nil
		}}.Decide(ctx, in)
	})
}

func nilRequireDecides() string {
	var nilRequire *policy.Require
	return policy.All(nilRequire).Decide(context.Background(), &policy.Input{}).Reason
}
