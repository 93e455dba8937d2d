package policy_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// A rule about content is a function of what was proven.
func ExampleRequire() {
	rule := policy.All(
		policy.Require{Kind: verify.ImageSignature},
		policy.Require{
			Kind:           verify.Statement,
			PredicateTypes: []string{"https://cyclonedx.org/bom"},
			MaxAge:         24 * time.Hour,
			Check: func(a *verify.Attestation) error {
				if len(a.Predicate) == 0 {
					return errors.New("the SBOM is empty")
				}
				return nil
			},
		},
	)
	d := rule.Decide(context.Background(), &policy.Input{Report: report(signature(alice)), Now: now})
	fmt.Println(d.Verdict)
	for depth, part := range d.All() {
		if depth > 0 {
			fmt.Printf("- %v\n", part)
		}
	}
	// Output:
	// DENY
	// - ALLOW: image signature by key sha256:aaaaaaaaaaaa
	// - DENY: no attestation of type https://cyclonedx.org/bom: there is only an image signature
}

// A gate whose registry cannot be reached does not know, and says so.
func ExampleGate() {
	gate := &policy.Gate{
		Open: func(ctx context.Context, name string) (*policy.Image, error) {
			return nil, errors.New("no route to host")
		},
		Policy: policy.Require{Kind: verify.ImageSignature},
	}
	err := gate.Check(context.Background(), "registry.example/app:v1").Err()
	fmt.Println(err)
	fmt.Println(errors.Is(err, policy.ErrIndeterminate))
	// Output:
	// policy: registry.example/app:v1 could not decide: could not be resolved: no route to host
	// true
}
