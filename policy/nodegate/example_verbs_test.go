package nodegate_test

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/nodegate"
	"github.com/ladingdev/lading/verify"
)

type nobody struct{}

func (nobody) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrNotTrusted
}

// What the node would be told about a pull, as the command check of a program shows it.
func ExampleGate_Check() {
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      func(context.Context, string) (*policy.Image, error) { return nil, gate.ErrNotFound }, // gate.Open(nil)
		Verifiers: []verify.Verifier{nobody{}},                                                           // whom you trust
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	g := &nodegate.Gate{Checker: checker}
	answer, err := g.Check(context.Background(), &nodegate.Call{Name: "registry.example.com/shop/web:v1", Digest: digest.FromString("web")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Allowed, answer.Reason)
	// Output: false the image could not be looked up: not found
}
