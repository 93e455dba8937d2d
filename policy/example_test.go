package policy_test

import (
	"bytes"
	"context"
	"encoding/json"
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
	d := rule.Decide(context.Background(),
		&policy.Input{Report: report(statement("https://cyclonedx.org/bom", now.Add(-20*time.Hour))), Now: now})
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

// Somebody of the release team and somebody of the security team have to sign. Who is in both is one signer, and so are all the keys
// of one signer.
func ExampleAtLeast() {
	ann := policy.Signer{Name: "Ann", Identities: []verify.Identity{alice}}
	ben := policy.Signer{Name: "Ben", Identities: []verify.Identity{bob}}
	signedBy := func(team string, signers ...policy.Signer) policy.Policy {
		return policy.Named(team, policy.Require{Kind: verify.ImageSignature, Signers: signers})
	}
	rule := policy.AtLeast(2, signedBy("release", ann), signedBy("security", ann, ben))
	for _, signers := range [][]verify.Identity{{alice}, {alice, bob}} {
		d := policy.Decide(context.Background(), rule, &policy.Input{Report: report(signature(signers...)), Now: now})
		fmt.Println(d.Verdict, d.Missing)
	}
	// Output:
	// DENY [another signer: the rules that are met share theirs, and 2 of them must not]
	// ALLOW []
}

// A rule for production alone, that only warns until it is enforced.
func ExampleWhen() {
	prod := policy.Condition{Words: "in namespace prod", Holds: func(in *policy.Input) (bool, error) {
		if in.Request == nil {
			return false, errors.New("nobody said where it is to run")
		}
		return in.Request.Namespace == "prod", nil
	}}
	sbom := policy.Require{Name: "has an SBOM", Kind: verify.Statement, PredicateTypes: []string{"https://cyclonedx.org/bom"}}
	rule := policy.All(
		policy.Require{Kind: verify.ImageSignature},
		policy.When(prod, policy.Soft(policy.Warn, policy.Enforce, sbom)),
	)
	for _, namespace := range []string{"dev", "prod"} {
		in := &policy.Input{Report: report(signature(alice)), Request: &policy.Request{Namespace: namespace}, Now: now}
		d := policy.Decide(context.Background(), rule, in)
		fmt.Println(namespace, d.Verdict)
		for _, w := range d.Warnings() {
			fmt.Println("-", w.Reason)
		}
	}
	// Output:
	// dev ALLOW
	// prod ALLOW
	// - warn only (DENY): has an SBOM: no attestation of type https://cyclonedx.org/bom: there is only an image signature
}

// Who would be refused if a stricter policy were enforced now? Of the records that a gate wrote, without asking a registry.
func ExampleDiff() {
	var file bytes.Buffer // what Gate.Record wrote
	for name, signer := range map[string]verify.Identity{"ghcr.io/acme/app:v1": alice} {
		in := &policy.Input{Name: name, Report: report(signature(signer)), Now: now}
		_, record := policy.Recorded(context.Background(), policy.Require{Kind: verify.ImageSignature}, in)
		_ = json.NewEncoder(&file).Encode(record)
	}
	stricter := policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{bob}}
	for change, err := range policy.Diff(context.Background(), nil, stricter, policy.ReadRecords(&file), now) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(change)
		fmt.Println("missing:", change.New.Missing)
	}
	// Output:
	// newly denied: ghcr.io/acme/app:v1: no image signature that will do: signed by key sha256:aaaaaaaaaaaa, who is not asked for
	// missing: [an image signature by key sha256:bbbbbbbbbbbb]
}

// Two rules need the size of an SBOM, and it is read once.
func ExampleFact() {
	size := func(in *policy.Input, a *verify.Attestation) (int, error) {
		return policy.Fact(in, a, "example.com/sbom.size/v1", func() (int, error) {
			fmt.Println("reading")
			return len(a.Predicate), nil
		})
	}
	rule := func(most int) policy.Policy {
		return policy.Require{
			Kind: verify.Statement, PredicateTypes: []string{"https://cyclonedx.org/bom"}, Quantifier: policy.Every,
			Check: func(_ context.Context, in *policy.Input, a *verify.Attestation) error {
				n, err := size(in, a)
				if err == nil && n > most {
					err = fmt.Errorf("%d bytes are more than %d", n, most)
				}
				return err
			},
		}
	}
	in := &policy.Input{Report: report(sbomSaying(`{"bomFormat":"CycloneDX"}`)), Now: now}
	fmt.Println(policy.Decide(context.Background(), policy.All(rule(100), rule(10)), in))
	// Output:
	// reading
	// DENY: attestation of type https://cyclonedx.org/bom: 1 of 1 will not do: 25 bytes are more than 10
}
