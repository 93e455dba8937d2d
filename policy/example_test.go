package policy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// A rule about content is a function of what was proven. Keys say nothing of when they signed, so the age is by the time in
// the SBOM, as its named signer has it.
func ExampleRequire() {
	rule := policy.All(
		policy.Require{Kind: verify.ImageSignature},
		policy.Require{
			Kind:           verify.Statement,
			PredicateTypes: []string{"https://cyclonedx.org/bom"},
			By:             []verify.Identity{alice},
			Time:           "/metadata/timestamp",
			MaxAge:         24 * time.Hour,
			Check: func(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
				if !strings.Contains(string(a.Predicate), `"purl"`) {
					return errors.New("the SBOM names no package")
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

// A rule that forbids asks it of every SBOM: with Some, a second, empty SBOM would do.
func ExampleQuantifier() {
	noAGPL := func(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
		if strings.Contains(string(a.Predicate), "AGPL-3.0-only") {
			return errors.New("it has a component under AGPL-3.0-only")
		}
		return nil
	}
	full, empty := sbomSaying(`{"license":"AGPL-3.0-only"}`), sbomSaying(`{}`)
	for _, q := range []policy.Quantifier{policy.Some, policy.Every} {
		rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://cyclonedx.org/bom"}, Quantifier: q, Check: noAGPL}
		fmt.Println(q, rule.Decide(context.Background(), &policy.Input{Report: report(full, empty), Now: now}))
	}
	// Output:
	// some ALLOW: attestation of type https://cyclonedx.org/bom by key sha256:aaaaaaaaaaaa
	// every DENY: attestation of type https://cyclonedx.org/bom: 1 of 2 will not do: it has a component under AGPL-3.0-only
}

// What is kept, is kept until it may come out otherwise.
func ExampleDecision_Holds() {
	rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://cyclonedx.org/bom"}, MaxAge: 24 * time.Hour}
	d := rule.Decide(context.Background(), &policy.Input{Report: report(statement("https://cyclonedx.org/bom", now.Add(-20*time.Hour))), Now: now})
	fmt.Println(d.Verdict, "for", d.Until.Sub(now))
	fmt.Println(d.Holds(now.Add(3*time.Hour)), d.Holds(now.Add(4*time.Hour)))
	// Output:
	// ALLOW for 4h0m0s
	// true false
}

// A gate that can never allow anything is found out when the program starts.
func ExampleGate_Validate() {
	gate := &policy.Gate{
		Open: func(ctx context.Context, name string) (*policy.Image, error) {
			return nil, errors.New("not asked yet")
		},
		Verifiers: []verify.Verifier{&verify.KeyVerifier{}},
		Policy:    policy.Require{Kind: verify.Statement, PredicateTypes: []string{"cyclonedx"}},
	}
	fmt.Println(gate.Validate())
	// Output: policy: verifier 1 of 1: verify: the verifier has no key: put those whose signatures count into Keys
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
	// policy: no decision on registry.example/app:v1: the image could not be looked up: no route to host
	// true
}
