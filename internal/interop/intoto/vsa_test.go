// Package intoto holds what package policy/vsa writes and reads against in-toto's own types.
package intoto

import (
	"context"
	"encoding/json"
	"iter"
	"testing"
	"time"

	svr "github.com/in-toto/attestation/go/predicates/svr/v01"
	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	summary "github.com/in-toto/attestation/go/predicates/vsa/v1"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/vsa"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// decision is a gate's on an image that one rule allows and another one warns of, or not.
func decision(t *testing.T, warns bool) *policy.Decision {
	t.Helper()
	says := func(v policy.Verdict) policy.Policy {
		return policy.Func(func(context.Context, *policy.Input) *policy.Decision {
			return &policy.Decision{Verdict: v, Rule: "it is so", Reason: "it is said", Until: policy.Forever,
				Looked: []policy.Looked{{Evidence: verify.Descriptor{Digest: digest.FromString("provenance")}, Counts: true}}}
		})
	}
	rules := []policy.Policy{policy.Named("provenance", says(policy.Allow))}
	if warns {
		rules = append(rules, policy.Named("scanned", policy.Soft(policy.Warn, policy.Warn, says(policy.Deny))))
	}
	g := &policy.Gate{Policy: policy.All(rules...), Now: func() time.Time { return now },
		Verifiers: []verify.Verifier{&verify.KeyVerifier{}},
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: verify.Descriptor{Digest: digest.FromString("image")},
				Source: verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
					return func(func(verify.Descriptor, error) bool) {}
				})}, nil
		}}
	return g.Check(t.Context(), "ghcr.io/acme/app:v1")
}

var options = &vsa.Options{Verifier: "https://acme.example/gates/v1", Policy: "https://acme.example/policy.yaml",
	Properties: map[string][]string{"provenance": {"SLSA_BUILD_LEVEL_2", "ACME_BUILT"}}}

// in-toto's types have all that is written, and what they write is read as the same.
func TestPredicates(t *testing.T) {
	s, err := vsa.NewSummary(decision(t, false), options)
	if err != nil {
		t.Fatal(err)
	}
	theirs := new(summary.VerificationSummary)
	exchange(t, s, theirs)
	if theirs.Verifier.Id != s.Verifier || theirs.VerificationResult != "PASSED" || theirs.ResourceUri != s.ResourceURI ||
		theirs.Policy.Uri != s.Policy.URI ||
		len(theirs.VerifiedLevels) != 2 || theirs.SlsaVersion != "1.2" || !theirs.TimeVerified.AsTime().Equal(now) ||
		len(theirs.InputAttestations) != 1 {
		t.Errorf("%v", theirs)
	}
	text, err := protojson.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := vsa.ParseSummary(text); err != nil || back.Result != vsa.Passed || !back.Time.Equal(now) || len(back.Levels) != 2 {
		t.Errorf("%+v, %v", back, err)
	}

	r, err := vsa.NewResult(decision(t, true), options)
	if err != nil {
		t.Fatal(err)
	}
	their := new(svr.SimpleVerificationResult)
	exchange(t, r, their)
	if their.Verifier.Id != r.Verifier || len(their.Properties) != 2 || !their.TimeCreated.AsTime().Equal(now) {
		t.Errorf("%v", their)
	}
	if text, err = protojson.Marshal(their); err != nil {
		t.Fatal(err)
	}
	if back, err := vsa.ParseResult(vsa.ResultTypeV1, text); err != nil || len(back.Properties) != 2 {
		t.Errorf("%+v, %v", back, err)
	}

	result, err := vsa.NewTest(decision(t, true), options)
	if err != nil {
		t.Fatal(err)
	}
	test := new(testresult.TestResult)
	exchange(t, result, test)
	if test.Result != "WARNED" || len(test.WarnedTests) != 1 || test.WarnedTests[0] != "scanned" || len(test.PassedTests) != 1 ||
		len(test.Configuration) != 1 {
		t.Errorf("%v", test)
	}
}

// exchange reads what is written into in-toto's type, which of the verifier does not know versions and policies.
func exchange(t *testing.T, from json.Marshaler, to proto.Message) {
	t.Helper()
	text, err := from.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	if v, ok := members["verifier"].(map[string]any); ok {
		delete(v, "version")
		delete(v, "policies")
	}
	if text, err = json.Marshal(members); err != nil {
		t.Fatal(err)
	}
	if err := protojson.Unmarshal(text, to); err != nil { // which refuses members that it does not know
		t.Fatalf("%v: %s", err, text)
	}
}
