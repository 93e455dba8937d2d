package policy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/verify"
)

// The tests of this file are mistakes that policy engines have made, and that a decision here must not. docs/policy.md lists them.

// odd is an error that nobody knows: it wraps nothing, and may not even say what it is.
type odd struct{ panics bool }

func (o *odd) Error() string {
	if o == nil || o.panics {
		panic("an error without words")
	}
	return "odd"
}

// verifierFunc is a function as a Verifier.
type verifierFunc func(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error)

func (f verifierFunc) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	return f(ctx, subject, evidence)
}

// An error of whatever kind, from wherever, never allows.
func TestTrapUnknownError(t *testing.T) {
	var none *odd
	for _, err := range []error{&odd{}, &odd{panics: true}, none, errors.Join(&odd{}), fmt.Errorf("%w", &odd{})} {
		check := func(context.Context, *policy.Input, *verify.Attestation) error { return err }
		for _, q := range []policy.Quantifier{policy.Some, policy.Every, policy.Newest} {
			d := decide(t, policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Quantifier: q, Check: check},
				statement(sbomType, now))
			if d.Verdict == policy.Allow || d.Err() == nil {
				t.Errorf("%T in a check, %v: %v", err, q, d.Verdict)
			}
		}
		d := decide(t, policy.When(policy.Condition{Words: "odd", Holds: func(*policy.Input) (bool, error) { return false, err }},
			policy.Require{Kind: verify.ImageSignature}), signature(alice))
		if d.Verdict == policy.Allow || d.Skipped {
			t.Errorf("%T in a condition: %v, skipped %t", err, d.Verdict, d.Skipped)
		}
		gate := &policy.Gate{
			Open: func(context.Context, string) (*policy.Image, error) {
				return &policy.Image{Subject: subject, Source: candidates{{Data: []byte("{}")}}}, nil
			},
			Verifiers: []verify.Verifier{
				verifierFunc(func(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
					return nil, err
				})},
			Policy: policy.Require{Kind: verify.ImageSignature},
		}
		if d := gate.Check(t.Context(), "app"); d.Verdict == policy.Allow || d.Err() == nil {
			t.Errorf("%T of a verifier: %v", err, d)
		}
		gate.Open = func(context.Context, string) (*policy.Image, error) { return &policy.Image{Subject: subject}, err }
		if d := gate.Check(t.Context(), "app"); d.Verdict != policy.Indeterminate {
			t.Errorf("%T of opening: %v", err, d)
		}
	}
}

// What one rule came to is not told of another one, in whatever order they stand, and the same input gives the same bytes.
func TestTrapWrongCulprit(t *testing.T) {
	warned := policy.Soft(policy.Warn, policy.Warn,
		policy.Require{Name: "warned", Kind: verify.Statement, PredicateTypes: []string{"https://x.example/warned"}})
	enforced := policy.Require{Name: "enforced", Kind: verify.Statement, PredicateTypes: []string{"https://x.example/enforced"}}
	met := policy.Require{Name: "met", Kind: verify.ImageSignature}
	for _, order := range [][]policy.Policy{{warned, enforced, met}, {enforced, warned, met}, {met, warned, enforced},
		{met, enforced, warned}} {
		p := policy.All(order...)
		var first []byte
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				d := policy.Decide(context.Background(), p, &policy.Input{Report: report(signature(alice), signature(bob)), Now: now})
				data, err := json.Marshal(d)
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = data
				}
				if err != nil || !bytes.Equal(first, data) {
					t.Errorf("the same input gave\n%s\nand\n%s %v", first, data, err)
				}
				var blamed, warnings []string
				for _, c := range d.Culprits() {
					blamed = append(blamed, c.RuleName)
				}
				for _, w := range d.Warnings() {
					warnings = append(warnings, w.RuleName)
				}
				if !slices.Equal(blamed, []string{"enforced"}) || !slices.Equal(warnings, []string{"warned"}) || d.Verdict != policy.Deny {
					t.Errorf("%v: blamed %v, warned of %v", d.Verdict, blamed, warnings)
				}
			})
		}
		all.Wait()
	}
}

// What the judged object says of itself, in annotations or beside the envelope, changes nothing.
func TestTrapAnnotations(t *testing.T) {
	claims := map[string]string{"verified": "true", "policy.lading.dev/verdict": "ALLOW", "lading/decision": `{"verdict":"ALLOW"}`}
	image := subject
	image.Annotations = claims
	evidence := verify.Descriptor{Annotations: claims, Data: []byte("{}")}
	var decisions []string
	for _, s := range []verify.Descriptor{subject, image} {
		gate := &policy.Gate{
			Open: func(context.Context, string) (*policy.Image, error) {
				return &policy.Image{Subject: s,
					Source: verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
						return func(yield func(verify.Descriptor, error) bool) { yield(evidence, nil) }
					})}, nil
			},
			Verifiers: []verify.Verifier{
				verifierFunc(func(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
					return nil, verify.ErrNotTrusted
				})},
			Policy: policy.Require{Kind: verify.ImageSignature},
		}
		d := gate.Check(t.Context(), "app")
		if d.Verdict != policy.Deny {
			t.Errorf("%v", d)
		}
		decisions = append(decisions, d.String())
	}
	if decisions[0] != decisions[1] {
		t.Errorf("annotations change %q to %q", decisions[0], decisions[1])
	}
}

// Many signatures of others are not the one that is required, and a number asked for is one of people.
func TestTrapAnyCount(t *testing.T) {
	others := []*verify.Attestation{signature(alice), signature(alice), signature(carol), signature(carol, alice)}
	for _, p := range []policy.Policy{
		policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{bob}},
		policy.Require{Kind: verify.ImageSignature, AtLeast: 3},
		policy.AtLeast(3, policy.Require{Kind: verify.ImageSignature}, policy.Require{Kind: verify.ImageSignature},
			policy.Require{Kind: verify.ImageSignature}),
		policy.All(policy.Require{Kind: verify.ImageSignature}, policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{bob}}),
	} {
		if d := decide(t, p, others...); d.Verdict != policy.Deny {
			t.Errorf("%v", d)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	d := policy.Decide(ended, policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType},
		Check: func(context.Context, *policy.Input, *verify.Attestation) error { return nil }},
		&policy.Input{Report: report(statement(sbomType, now)), Now: now})
	if d.Verdict != policy.Indeterminate {
		t.Errorf("after its context ended: %v", d)
	}
}

// Evidence that nobody was asked to verify is not verified, and what a rule did not take is told.
func TestTrapNobodyVerified(t *testing.T) {
	for _, verifiers := range [][]verify.Verifier{nil, {}, {nil},
		{verifierFunc(func(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
			return nil, nil
		})}} {
		gate := &policy.Gate{
			Open: func(context.Context, string) (*policy.Image, error) {
				return &policy.Image{Subject: subject, Source: candidates{{Data: []byte("{}")}}}, nil
			},
			Verifiers: verifiers, Policy: policy.Require{Kind: verify.ImageSignature},
		}
		if d := gate.Check(t.Context(), "app"); d.Verdict == policy.Allow {
			t.Errorf("%v", d)
		}
	}
	d := decide(t, policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, By: []verify.Identity{bob}},
		statement(sbomType, now), signature(bob))
	if d.Verdict != policy.Deny || len(d.Looked) != 1 || d.Looked[0].Counts || d.Looked[0].Why == "" {
		t.Errorf("%v looked at %+v", d, d.Looked)
	}
	if d := decide(t, policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}}, statement("https://x.example/other",
		now)); !strings.Contains(d.Reason, "there is only a statement of type https://x.example/other") {
		t.Errorf("%v", d)
	}
}

// Nothing to ask, nothing to look at and nobody to believe are never a pass.
func TestTrapEmpty(t *testing.T) {
	everything := []*verify.Attestation{signature(alice, bob), statement(sbomType, now)}
	for name, p := range map[string]policy.Policy{
		"nil": nil, "all of nothing": policy.All(), "any of nothing": policy.Any(),
		"at least none":           policy.AtLeast(0, policy.Require{Kind: verify.ImageSignature}),
		"at least one of nothing": policy.AtLeast(1), "all of nothing at all": policy.All(policy.All(), policy.Any()),
		"a zero Require":    policy.Require{},
		"a nil Func":        policy.Func(nil),
		"a Func of nothing": policy.Func(func(context.Context, *policy.Input) *policy.Decision { return nil }),
		"a zero decision":   policy.Func(func(context.Context, *policy.Input) *policy.Decision { return &policy.Decision{} }),
		"no condition":      policy.When(policy.Condition{}, policy.Require{Kind: verify.ImageSignature}),
		"none that applies": policy.All(
			policy.When(policy.Condition{Words: "never", Holds: func(*policy.Input) (bool, error) { return false, nil }},
				policy.Require{Kind: verify.ImageSignature})),
		"a signer without name":    policy.Require{Kind: verify.ImageSignature, ByEntry: []string{""}},
		"a signer who is nobody":   policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{{}}},
		"a type without name":      policy.Require{Kind: verify.Statement, PredicateTypes: []string{""}},
		"statements of no type":    policy.Require{Kind: verify.Statement},
		"a soft rule of nothing":   policy.All(policy.Soft(policy.Enforce, policy.Enforce, policy.All())),
		"a policy that is no more": (*policy.Require)(nil),
	} {
		d := decide(t, p, everything...)
		if d.Verdict != policy.Indeterminate || d.Err() == nil {
			t.Errorf("%s: %v", name, d)
		}
		if policy.Validate(p) == nil && !slices.Contains([]string{"a Func of nothing", "a zero decision", "none that applies"}, name) {
			t.Errorf("%s is valid", name)
		}
	}
	for _, r := range []*verify.Report{nil, {}, {Subject: subject}} {
		d := policy.Decide(t.Context(), policy.Require{Kind: verify.ImageSignature}, &policy.Input{Report: r, Now: now})
		if d.Verdict == policy.Allow {
			t.Errorf("%+v: %v", r, d)
		}
	}
}

// A rule that forbids looks at every predicate, wherever the bad one stands, and null is no content that passes.
func TestTrapFirstPredicateOnly(t *testing.T) {
	rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Quantifier: policy.Every,
		Check: func(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
			if !bytes.Contains(a.Predicate, []byte("good")) {
				return errors.New("bad")
			}
			return nil
		}}
	for _, bad := range []string{`"bad"`, `null`, ``, `{}`} {
		for at := range 5 {
			var as []*verify.Attestation
			for i := range 5 {
				what := `"good"`
				if i == at {
					what = bad
				}
				as = append(as, sbomSaying(what))
			}
			if d := decide(t, rule, as...); d.Verdict != policy.Deny || d.Looked[at].Counts {
				t.Errorf("%q at %d: %v", bad, at, d)
			}
		}
	}
}

// What was not asked, by when, and about which digest stand in the decision, and not the clock of who asks.
func TestTrapNoTrace(t *testing.T) {
	skipped := policy.When(policy.Condition{Words: "in production", Holds: func(in *policy.Input) (bool, error) {
		return in.Request != nil, nil
	}},
		policy.Require{Name: "scanned", Kind: verify.Statement, PredicateTypes: []string{sbomType}})
	gate := &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: candidates{{Data: []byte("{}")}}}, nil
		},
		Verifiers: []verify.Verifier{believer{}}, Policy: policy.All(policy.Require{Kind: verify.ImageSignature}, skipped), Now: nil,
	}
	d := gate.Check(t.Context(), "app:latest")
	if d.Subject.Digest != subject.Digest || d.Time.IsZero() || d.Name != "app:latest" {
		t.Errorf("%+v", d)
	}
	if len(d.Parts) != 2 || !d.Parts[1].Skipped || !strings.Contains(d.Parts[1].Reason, "in production") {
		t.Errorf("a rule that was not asked leaves no trace: %+v", d)
	}
}

// A document with an empty part, or of which one part would override another, is none.
func TestTrapDocuments(t *testing.T) {
	const head = "version: 1\nname: x\n"
	const rule = "[{name: r, signature: {by: [a]}}]"
	const trust = "trust:\n  - {name: a, kind: k}\n"
	for name, text := range map[string]string{
		"no images":                  head + trust,
		"images that are empty":      head + trust + "images: []\n",
		"images that are null":       head + trust + "images:\n",
		"an entry that asks nothing": head + trust + "images: [{name: i, match: ['registry.example/**'], require: []}]\n",
		"an entry for no name":       head + trust + "images: [{name: i, match: [], require: " + rule + "}]\n",
		"a pattern without a name":   head + trust + "images: [{name: i, match: [''], require: " + rule + "}]\n",
		"a star for hosts":           head + trust + "images: [{name: i, match: ['*'], require: " + rule + "}]\n",
		"by nobody": head + trust + "images: [{name: i, match: ['registry.example/**'], require: [{name: r, " +
			"signature: {by: []}}]}]\n",
		"by null": head + trust + "images: [{name: i, match: ['registry.example/**'], require: [{name: r, signature: " +
			"{by: null}}]}]\n",
		"by an empty name": head + trust + "images: [{name: i, match: ['registry.example/**'], require: [{name: r, signature: " +
			"{by: ['']}}]}]\n",
		"a list where text is due": head + trust + "images: [{name: [i], match: ['registry.example/**'], require: " + rule + "}]\n",
		"text where a list is due": head + trust + "images: [{name: i, match: 'registry.example/**', require: " + rule + "}]\n",
		"a key twice": head + trust + "images: [{name: i, match: ['registry.example/**'], require: " + rule + ", require: " +
			rule + "}]\n",
		"a merge of another part": head + "x: &x {name: i}\n" + trust + "images: [{<<: *x, match: ['registry.example/**'], require: " +
			rule + "}]\n",
		"two documents": head + trust + "images: [{name: i, match: ['registry.example/**'], require: " + rule +
			"}]\n---\nversion: 1\n",
		"a mode that is not spelt": head + trust + "gates: {g: {mode: ''}}\nimages: [{name: i, match: ['registry.example/**'], require: " +
			rule + "}]\n",
		"a misspelt field": head + trust + "images: [{name: i, match: ['registry.example/**'], requires: " + rule + "}]\n",
	} {
		if _, err := document.Parse([]byte(text)); !errors.Is(err, document.ErrDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := head + trust + "images: [{name: i, match: ['registry.example/**'], require: " + rule + "}]\n"
	if _, err := document.Parse([]byte(good)); err != nil {
		t.Errorf("what the others are made of: %v", err)
	}
}

// A predicate of another shape than its type says is no evidence: it neither passes nor takes part in an Allow.
func TestTrapTypeConfusion(t *testing.T) {
	release := rules.Evidence{By: []verify.Identity{alice}}
	ready := map[string]policy.Policy{
		"sbom":            &rules.SBOM{Evidence: release},
		"components":      &rules.Components{Evidence: release, Deny: []rules.Component{{PURL: "pkg:npm/event-stream"}}},
		"licences":        &rules.Licenses{Evidence: release, Deny: []string{"AGPL-3.0-only"}},
		"vulnerabilities": &rules.Vulnerabilities{Evidence: release, Severity: "critical"},
		"provenance":      &rules.Provenance{Evidence: release, Sources: []string{"https://github.com/acme/app"}},
	}
	types := map[string]string{
		"sbom": sbomType, "components": sbomType, "licences": sbomType, "vulnerabilities": "https://in-toto.io/attestation/vulns/v0.2",
		"provenance": "https://slsa.dev/provenance/v1",
	}
	for name, p := range ready {
		if err := policy.Validate(p); err != nil {
			t.Fatal(name, err)
		}
		for _, predicate := range []string{
			"", "null", "[]", "{}", `""`, "0", "true", "[null]", `{"components":null}`, `{"components":"all of them"}`, `{"scanner":null}`,
			`{"scanner":{"result":null}}`,
			`{"scanner":{"result":"none"}}`, `{"scanner":{"result":{}}}`, `{"buildDefinition":null,"runDetails":[]}`,
			`{"bomFormat":"CycloneDX"}`, "{", "\x00",
		} {
			a := statement(types[name], now)
			a.Predicate = []byte(predicate)
			if d := decide(t, p, a); d.Verdict == policy.Allow || d.Err() == nil {
				t.Errorf("%s of %q: %v", name, predicate, d)
			}
		}
	}
}
