package keyless_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

// A job signs with its own identity, and a verifier asks for the workflow.
func ExampleSigner() {
	s := keylesstest.Start() // in place of the public instance
	defer s.Close()
	instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(keylesstest.Tiles))
	if err != nil {
		panic(err)
	}
	signer := &keyless.Signer{Instance: instance,
		Token: keyless.Token(s.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0")))} // keyless.GitHubEnvironment(nil)
	evidence, err := signer.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
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
	a, err := v.Verify(context.Background(), image, evidence)
	if err != nil {
		panic(err)
	}
	fmt.Println(a.Kind, "by", a.Signers[0].Identity.Subject)
	// Output: image signature by https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0
}

// A key's signature is logged and timestamped, so that its age is proven, and a policy can ask for it.
func ExampleWitnesses() {
	s := keylesstest.Start()
	defer s.Close()
	instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(keylesstest.First))
	if err != nil {
		panic(err)
	}
	key, err := sign.GenerateKey(sign.P256) // or one in AWS KMS: package sign/kms
	if err != nil {
		panic(err)
	}
	signer := &sign.BundleSigner{Key: key, Witness: &keyless.Witnesses{Instance: instance}}
	evidence, err := signer.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		panic(err)
	}
	root, err := sigstore.ParseRoot(s.TrustedRoot(), nil)
	if err != nil {
		panic(err)
	}
	v, err := sigstore.New(root, []sigstore.Entry{{Name: "release key", Key: &verify.TrustedKey{Key: key.Public()}}}, nil)
	if err != nil {
		panic(err)
	}
	a, err := v.Verify(context.Background(), image, evidence)
	if err != nil {
		panic(err)
	}
	for _, source := range []verify.TimeSource{verify.TimeLogged, verify.TimeStamped} {
		fmt.Println(source, a.Signers[0].TimeSource == source)
	}
	fresh := policy.Require{Kind: verify.ImageSignature, MaxAge: 24 * time.Hour}
	for _, later := range []time.Duration{0, 25 * time.Hour} {
		report := &verify.Report{Subject: image, Attestations: []*verify.Attestation{a}}
		fmt.Println(fresh.Decide(context.Background(), &policy.Input{Report: report, Now: time.Now().Add(later)}).Verdict)
	}
	// Output:
	// log true
	// timestamp false
	// ALLOW
	// DENY
}
