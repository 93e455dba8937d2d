package sigstore_test

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

// A gate that trusts releases of one repository, by one workflow, at tags v*. In the example an instance of its own signs, in the place
// of the public one.
func Example() {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	instance := sigstoretest.New(at)
	root, err := sigstore.ParseRoot(instance.TrustedRoot(nil), nil) // your trusted_root.json
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, err := sigstore.GitHub{Repository: "acme/app", RepositoryID: "1234", Workflow: "release.yml", Tags: "v*"}.Entry("release")
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := sigstore.New(root, []sigstore.Entry{entry}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	check := func(g sigstoretest.Signing) *policy.Decision {
		gate := &policy.Gate{
			Open: func(context.Context, string) (*policy.Image, error) { // yours asks a registry
				return &policy.Image{Subject: verify.Descriptor{Digest: image}, Source: signed(instance.Sign(g))}, nil
			},
			Verifiers: []verify.Verifier{verifier},
			Policy: policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://example.com/p"},
				ByEntry: []string{"release"}},
		}
		return gate.Check(context.Background(), "registry.example/acme/app")
	}
	signing := sigstoretest.Signing{
		URI:    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0",
		Issuer: "https://token.actions.githubusercontent.com", Payload: payload, At: at,
		Claims: release().Claims,
	}
	fmt.Println(check(signing).Verdict, "the release")
	for _, miss := range nearMisses[:12] {
		g := signing
		g.Claims = maps.Clone(signing.Claims)
		miss.edit(&g)
		fmt.Println(check(g).Verdict, miss.name)
	}
	// Output:
	// ALLOW the release
	// DENY fork
	// DENY repository whose name begins the same
	// DENY other owner in another case
	// DENY branch
	// DENY pull request
	// DENY other workflow
	// DENY workflow of another folder
	// DENY other tag
	// DENY tag with a path
	// DENY tag with a second ref
	// DENY other issuer
	// DENY issuer of an enterprise
}
