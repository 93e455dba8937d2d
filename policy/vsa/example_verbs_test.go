package vsa_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/vsa"
	"github.com/ladingdev/lading/verify"
)

// The same decision as a simple result, which names what was verified, and as a test result, which names the rules.
func ExampleNewTest() {
	gate := &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: source{nil}}, nil
		},
		Verifiers: []verify.Verifier{&handsOut{[]*verify.Attestation{
			{Kind: verify.ImageSignature, Subject: subject, Signers: []verify.Signer{{Identity: alice}}},
		}}},
		Policy: policy.Named("signed by release", policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{alice}}),
		Now:    func() time.Time { return now },
	}
	decision := gate.Check(context.Background(), "ghcr.io/acme/app:v1")
	o := &vsa.Options{
		Verifier:   gateID,
		Policy:     "https://acme.example/policy.yaml",
		Properties: map[string][]string{"signed by release": {"ACME_RELEASED"}},
	}
	result, err := vsa.NewResult(decision, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	test, err := vsa.NewTest(decision, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Properties)
	fmt.Println(test.Result, test.Passed)
	// Output:
	// [ACME_RELEASED]
	// PASSED [signed by release]
}
