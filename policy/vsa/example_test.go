package vsa_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/vsa"
	"github.com/ladingdev/lading/verify"
)

// A pipeline's gate says what it decided, and the gate of the cluster relies on it: one signature, and no other evidence.
func Example() {
	pipeline := &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: source{nil}}, nil
		},
		Verifiers: []verify.Verifier{&handsOut{[]*verify.Attestation{
			{Kind: verify.ImageSignature, Subject: subject, Signers: []verify.Signer{{Identity: alice}}},
		}}},
		Policy: policy.Named("signed by release", policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{alice}}),
		Now:    func() time.Time { return now },
	}
	decision := pipeline.Check(context.Background(), "ghcr.io/acme/app:v1")
	summary, err := vsa.NewSummary(decision, &vsa.Options{
		Verifier:   gateID,
		Policy:     "https://acme.example/policy.yaml",
		Properties: map[string][]string{"signed by release": {"ACME_RELEASED"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(summary.Result, summary.ResourceURI, summary.Levels)

	// It is signed about vsa.Subjects(decision), attached, and verified like any other evidence.
	text, _ := summary.MarshalJSON()
	cluster := vsa.Accept{
		Verifiers: []vsa.Verifier{{ID: gateID, By: []verify.Identity{bob}}},
		Levels:    []string{"ACME_RELEASED"},
		MaxAge:    7 * 24 * time.Hour,
	}
	in := input(signed(bob, now, vsa.SummaryType, string(text)))
	fmt.Println(policy.Decide(context.Background(), cluster, in))
	// Output:
	// PASSED oci://ghcr.io/acme/app [ACME_RELEASED]
	// ALLOW: attestation of type https://slsa.dev/verification_summary/v1 by key sha256:bbbbbbbbbbbb
}
