package policy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// A door that knows who asks for what tells the gate, and the policy goes by it. Of a denial, Culprits are the rules that made it.
func ExampleGate_CheckRequest() {
	image := verify.Descriptor{Digest: digest.FromString("app")}
	prod := policy.Condition{Words: "in namespace prod", Holds: func(in *policy.Input) (bool, error) {
		return in.Request != nil && in.Request.Namespace == "prod", nil
	}}
	gate := &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: image, Source: nothingAttached}, nil
		},
		Verifiers: []verify.Verifier{nobodyTrusted{}},
		Policy:    policy.When(prod, policy.Named("signed", policy.Require{Kind: verify.ImageSignature})),
	}
	d := gate.CheckRequest(context.Background(), "ghcr.io/acme/app:v1", &policy.Request{Namespace: "prod"})
	fmt.Println(d.Verdict)
	for _, rule := range d.Culprits() {
		fmt.Println(rule.RuleName)
	}
	// Output:
	// DENY
	// signed
}

var nothingAttached = verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(func(verify.Descriptor, error) bool) {}
})

type nobodyTrusted struct{}

func (nobodyTrusted) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrNotTrusted
}

// What would a new policy say of last week's images? A replayed decision opens no door.
func ExampleReplay() {
	var file bytes.Buffer // what Gate.Record wrote
	in := &policy.Input{Name: "ghcr.io/acme/app:v1", Report: report(signature(alice)), Now: now}
	_, record := policy.Recorded(context.Background(), policy.Require{Kind: verify.ImageSignature}, in)
	if err := json.NewEncoder(&file).Encode(record); err != nil {
		fmt.Println(err)
		return
	}
	stricter := policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{bob}}
	for d, err := range policy.Replay(context.Background(), stricter, policy.ReadRecords(&file), now) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(d.Name, d.Verdict, d.Replayed)
	}
	// Output: ghcr.io/acme/app:v1 DENY true
}
