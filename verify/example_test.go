package verify_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

// Everything that hangs on an image is tried; what is proven and what is refused are both told.
func ExampleCollect() {
	ctx := context.Background()
	image := verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("the manifest"), Size: 12}
	ours, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	theirs, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}

	// A registry is a Source. This one is a slice.
	var stored []verify.Descriptor
	for _, key := range []sign.Key{ours, theirs} {
		evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, sign.ImageSignature{}))
		if err != nil {
			log.Fatal(err)
		}
		stored = append(stored, evidence)
	}
	source := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for _, d := range stored {
				if !yield(d, nil) {
					return
				}
			}
		}
	})

	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: ours.Public()}}}
	report := verify.Collect(ctx, image, source, v)
	for _, a := range report.Attestations {
		fmt.Println("proven:", a.Kind)
	}
	for _, r := range report.Rejected {
		fmt.Println("rejected:", errors.Is(r, verify.ErrNotTrusted))
	}
	fmt.Println("complete:", len(report.Incomplete) == 0)
	// Output:
	// proven: image signature
	// rejected: true
	// complete: true
}

func ExampleKeyVerifier_Verify() {
	ctx := context.Background()
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	image := verify.Descriptor{Digest: digest.FromString("the manifest"), Size: 12}
	predicate := sign.RawPredicate{Type: "https://cyclonedx.org/bom", JSON: []byte(`{"bomFormat":"CycloneDX"}`)}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, predicate))
	if err != nil {
		log.Fatal(err)
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}

	a, err := v.Verify(ctx, image, evidence)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.PredicateType, string(a.Predicate))

	other := verify.Descriptor{Digest: digest.FromString("another manifest"), Size: 16}
	_, err = v.Verify(ctx, other, evidence)
	fmt.Println(errors.Is(err, verify.ErrSubject))
	// Output:
	// https://cyclonedx.org/bom {"bomFormat":"CycloneDX"}
	// true
}

// An image is signed with a classical key and with a post-quantum one, and the policy wants both, so that neither has to be
// relied on alone: two distinct keys are two signers.
func ExampleTrustedKey_postQuantum() {
	ctx := context.Background()
	image := verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("the manifest"), Size: 12}
	var stored []verify.Descriptor
	source := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for _, d := range stored {
				if !yield(d, nil) {
					return
				}
			}
		}
	})
	v := new(verify.KeyVerifier)
	for _, algorithm := range []sign.Algorithm{sign.P256, sign.MLDSA65} {
		key, err := sign.GenerateKey(algorithm)
		if err != nil {
			log.Fatal(err)
		}
		v.Keys = append(v.Keys, verify.TrustedKey{Key: key.Public()})
		evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, sign.ImageSignature{}))
		if err != nil {
			log.Fatal(err)
		}
		stored = append(stored, evidence)
	}
	both := policy.Require{Kind: verify.ImageSignature, AtLeast: 2}
	fmt.Println(both.Decide(ctx, &policy.Input{Report: verify.Collect(ctx, image, source, v)}).Verdict)
	stored = stored[:1] // the post-quantum signature is gone
	fmt.Println(both.Decide(ctx, &policy.Input{Report: verify.Collect(ctx, image, source, v)}).Verdict)
	// Output:
	// ALLOW
	// DENY
}
