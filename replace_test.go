package lading_test

import (
	"context"
	"fmt"
	"iter"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A pipeline that signs anew replaces what it said before, and nothing of anybody else's.
func Example_replace() {
	ctx := context.Background()
	name, key, _ := demoImage()
	repo, err := registry.Open(name, nil)
	check(err)
	image, err := repo.Resolve(ctx, "")
	check(err)
	stranger, err := sign.GenerateKey(sign.P256)
	check(err)
	sayWith := func(key sign.Key) registry.Descriptor {
		evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, sign.ImageSignature{}))
		check(err)
		return evidence
	}
	_, err = repo.Attach(ctx, image, sayWith(key), sayWith(key), sayWith(stranger)) // of earlier runs
	check(err)

	// What is there and what is new, both proven: nothing is removed on anybody's word.
	verifier := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
	before := verify.Collect(ctx, image, repo, verifier)
	evidence := sayWith(key)
	next := verify.Collect(ctx, image, only(evidence), verifier)
	_, err = repo.Replace(ctx, image, evidence, before.SupersededBy(next.Attestations[0])...)
	check(err)

	after := verify.Collect(ctx, image, repo, verifier)
	fmt.Println("ours before:", len(before.Attestations), "after:", len(after.Attestations), "and of others:", len(after.Rejected))
	// Output: ours before: 2 after: 1 and of others: 1
}

// only is a source of one piece of evidence.
func only(evidence registry.Descriptor) verify.SourceFunc {
	return func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) { yield(evidence, nil) }
	}
}
