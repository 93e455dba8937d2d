package keyless_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
	"github.com/ladingdev/lading/verify/sigstore"
)

// A job signs a release file, and a statement that another tool wrote.
func ExampleSigner_SignBlob() {
	ctx := context.Background()
	s := keylesstest.Start() // in place of the public instance
	defer s.Close()
	instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(keylesstest.Tiles))
	if err != nil {
		panic(err)
	}
	signer := &keyless.Signer{Instance: instance,
		Token: keyless.Token(s.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0")))}
	file, err := signer.SignBlob(ctx, strings.NewReader("a release"))
	if err != nil {
		panic(err)
	}
	sum := digest.FromString("a release")
	statement, err := signer.SignStatement(ctx, []byte(`{"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.com/review/v1",
		"subject": [{"name": "app.tar.gz", "digest": {"sha256": "`+sum.Encoded()+`"}}], "predicate": {"approved": true}}`))
	if err != nil {
		panic(err)
	}

	root, err := sigstore.ParseRoot(s.TrustedRoot(), nil)
	if err != nil {
		panic(err)
	}
	release, err := sigstore.GitHub{Repository: "acme/app", Workflow: "release.yml", Tags: "v*"}.Entry("release")
	if err != nil {
		panic(err)
	}
	v, err := sigstore.New(root, []sigstore.Entry{release}, nil)
	if err != nil {
		panic(err)
	}
	a, err := v.VerifyBlob(ctx, strings.NewReader("a release"), file)
	if err != nil {
		panic(err)
	}
	b, err := v.VerifyBlob(ctx, strings.NewReader("a release"), statement)
	if err != nil {
		panic(err)
	}
	fmt.Println(a.Kind, b.Kind, b.PredicateType)
	// Output: blob signature statement https://example.com/review/v1
}

// The witnesses of a signature are asked by package sign; a signer of one's own asks them itself.
func ExampleWitnesses_Witness() {
	s := keylesstest.Start()
	defer s.Close()
	instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(keylesstest.First))
	if err != nil {
		panic(err)
	}
	w := &keyless.Witnesses{Instance: instance}
	_, err = w.Witness(context.Background(), []byte(`{"not":"a bundle"}`), nil)
	fmt.Println(err != nil)
	// Output: true
}
