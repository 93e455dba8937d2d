package gate_test

import (
	"context"
	"fmt"
	"iter"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A door asks about an image twice: the second time nobody is asked.
func ExampleChecker() {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		fmt.Println(err)
		return
	}
	image := verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("app"), Size: 3}
	signature, err := (&sign.BundleSigner{Key: key}).Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	source := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] { return one(signature) })
	rules := &gate.Rules{Gate: &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) { // gate.Open(nil) for registries
			return &policy.Image{Subject: image, Source: source}, nil
		},
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}
	checker, err := gate.New(rules, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	name := "registry.example.com/acme/app@" + string(image.Digest)
	for range 2 {
		answer := checker.Check(context.Background(), &gate.Question{Name: name})
		fmt.Println("allowed:", answer.Allowed, "cached:", answer.Cached)
	}
	// Output:
	// allowed: true cached: false
	// allowed: true cached: true
}

func one(d verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(yield func(verify.Descriptor, error) bool) { yield(d, nil) }
}

func ExampleParseReference() {
	for _, name := range []string{"alpine:3.22", "Registry.example.com:443/acme/app", "https://registry.example.com/acme/app"} {
		ref, err := gate.ParseReference(name, false)
		fmt.Println(ref, err)
	}
	// Output:
	// docker.io/library/alpine:3.22 <nil>
	// registry.example.com/acme/app <nil>
	//  not the name of an image: "https://registry.example.com/acme/app": it has a scheme: write HOST/PATH
}

func ExampleOpen() {
	g := &policy.Gate{
		Open:      gate.Open(&registry.Options{Cache: new(registry.Cache)}),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}
	fmt.Println(g.Validate())
	// Output: policy: verifier 1 of 1: verify: the verifier has no key: put those whose signatures count into Keys
}
