package document_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/verify"
)

const tested = `
version: 1
name: tested
trust: [{name: ci, kind: keyless}, {name: ops, kind: kms}]
images:
  - match: ["**"]
    require:
      - {name: signed, signature: {by: [ci]}}
      - {name: two, signature: {atLeast: 2}, gates: {soft: {mode: warn}}}
`

// A test that is not as expected says why, and coverage says which rules no test fails by.
func TestTests(t *testing.T) {
	doc := parse(t, tested)
	for _, tt := range []struct{ test, want string }{
		{`evidence: [{by: [ci, ops]}], expect: {verdict: allow}`, ""},
		{`evidence: [{by: [ci, ops]}], expect: {verdict: deny}`, "the verdict is ALLOW, not DENY"},
		{`evidence: [{by: [ops]}], expect: {verdict: deny, culprits: [signed, two]}`, ""},
		{`evidence: [{by: [ops]}], expect: {verdict: deny, culprits: [signed]}`, `"two" is among the culprits`},
		{`evidence: [{by: [ci]}], expect: {verdict: deny, culprits: [two, signed]}`, `"signed" is not among the culprits`},
		{`request: {gate: soft}, evidence: [{by: [ci]}], expect: {verdict: allow, warnings: [two]}`, ""},
		{`request: {gate: soft}, evidence: [{by: [ci]}], expect: {verdict: allow}`, `"two" is among the warnings`},
		{`expect: {verdict: deny, reason: nowhere}`, `the reason has not "nowhere"`},
		{`evidence: [{by: [ci], file: x.json}], expect: {verdict: deny}`, "x.json"},
		{`evidence: [{by: [ci], claims: [a]}], expect: {verdict: deny}`, "a mapping of texts is wanted here"},
		{`record: record.json, expect: {verdict: deny, culprits: [two]}`, ""},
		{`record: none.json, expect: {verdict: deny}`, "none.json"},
	} {
		tests, err := document.ParseTests(
			[]byte(fmt.Sprintf("version: 1\npolicy: x.yaml\nnow: 2026-11-28\ntests:\n  - {name: a, image: registry.example.com/a, "+
				"%s}\n", tt.test)))
		if err != nil {
			t.Fatalf("%s: %v", tt.test, err)
		}
		results, _, err := tests.Run(context.Background(), doc, nil, fstest.MapFS{"record.json": {Data: record(t)}})
		if err != nil || len(results) != 1 {
			t.Fatalf("%s: %v", tt.test, err)
		}
		if got := results[0].Err; tt.want == "" && got != nil || tt.want != "" && (got == nil || !strings.Contains(got.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.test, got, tt.want)
		}
	}
	tests, err := document.ParseTests([]byte("version: 1\npolicy: x.yaml\nnow: 2026-11-28\ntests:\n  - {name: a, image: " +
		"registry.example.com/a, evidence: [{by: [ci]}], expect: {verdict: deny}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, coverage, err := tests.Run(context.Background(), doc, nil, nil)
	if got := fmt.Sprint(coverage); err != nil || got != "[{signed images[0].require[0] 0 0} {two images[0].require[1] 0 1}]" {
		t.Errorf("%s, %v", got, err)
	}
	for _, text := range []string{"", "version: 2\npolicy: x\nnow: 2026-01-01\ntests: [{name: a, image: b, expect: {verdict: deny}}]",
		"version: 1\npolicy: x\nnow: 2026-01-01\ntests: [{name: a, image: b, expect: {verdict: denied}}]"} {
		if _, err := document.ParseTests([]byte(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// record is the recorded input of a decision on an image that ci signed.
func record(t *testing.T) []byte {
	t.Helper()
	a := &verify.Attestation{Kind: verify.ImageSignature, Subject: subject, Signers: []verify.Signer{{Name: "ci", Entries: []string{"ci"},
		Identity: verify.Identity{Kind: verify.OIDCIdentity, Issuer: "https://issuer.example", Subject: "ci"}}}}
	in := &policy.Input{Name: app, Now: now, Report: &verify.Report{Subject: subject, Attestations: []*verify.Attestation{a}}}
	_, r := policy.Recorded(context.Background(), policy.Require{Kind: verify.ImageSignature}, in)
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return line
}
