package sigstore_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

// Whom to trust is a list: workflows, people, service accounts, workloads. Each entry has the issuer that its name counts with.
func ExampleEntry() {
	for _, make := range []func() (sigstore.Entry, error){
		func() (sigstore.Entry, error) {
			return sigstore.Person("release manager", "https://accounts.google.com", "ann@acme.example")
		},
		func() (sigstore.Entry, error) {
			return sigstore.GoogleServiceAccount("builder", "builder@acme.iam.gserviceaccount.com")
		},
		func() (sigstore.Entry, error) {
			return sigstore.KubernetesServiceAccount("build pod", "https://oidc.acme.example", "ci", "build")
		},
		func() (sigstore.Entry, error) {
			return sigstore.SPIFFE("build workload", "https://spire.acme.example", "spiffe://acme.example/ci/release")
		},
	} {
		entry, err := make()
		fmt.Println(entry.Name, err)
	}
	// Output:
	// release manager <nil>
	// builder <nil>
	// build pod <nil>
	// build workload <nil>
}

// A statement is verified about an image, about a file, and about a file of which only the digest is at hand.
func ExampleVerifier_Verify() {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	instance := sigstoretest.New(at) // in place of the public one
	root, err := sigstore.ParseRoot(instance.TrustedRoot(nil), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, err := sigstore.SPIFFE("release job", "https://spire.acme.example", "spiffe://acme.example/ci/release")
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := sigstore.New(root, []sigstore.Entry{entry}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	file := []byte("a release")
	sum := digest.FromBytes(file)
	payload := `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://example.com/review/v1",` +
		`"subject":[{"digest":{"sha256":"` +
		sum.Encoded() + `"}}],"predicate":{"approved":true}}`
	bundle := verify.Descriptor{MediaType: bundleType, Data: instance.Sign(sigstoretest.Signing{
		URI: "spiffe://acme.example/ci/release", Issuer: "https://spire.acme.example", Payload: []byte(payload), At: at,
	})}
	ctx := context.Background()
	image, err := v.Verify(ctx, verify.Descriptor{Digest: sum}, bundle)
	if err != nil {
		fmt.Println(err)
		return
	}
	blob, err := v.VerifyBlob(ctx, bytes.NewReader(file), bundle)
	if err != nil {
		fmt.Println(err)
		return
	}
	known, err := v.VerifyDigest(ctx, sum, bundle)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range []*verify.Attestation{image, blob, known} {
		fmt.Println(a.PredicateType, a.Signers[0].Entries)
	}
	// Output:
	// https://example.com/review/v1 [release job]
	// https://example.com/review/v1 [release job]
	// https://example.com/review/v1 [release job]
}
