package provenance_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

// A build signs what its checkout tells of itself; whoever verified that reads it.
func ExampleFromGit() {
	checkout := fstest.MapFS{ // os.DirFS(".") in a build
		".git/HEAD":            {Data: []byte("ref: refs/heads/main\n")},
		".git/refs/heads/main": {Data: []byte("27ff1b6c5df0adbf4ae44ac2b1b1b8d90c9a2d7e\n")},
		".git/config":          {Data: []byte("[remote \"origin\"]\n\turl = https://github.com/acme/app\n")},
	}
	p, err := provenance.FromGit(checkout)
	if err != nil {
		panic(err)
	}
	p.ExternalParameters["target"] = "release"

	ctx := context.Background()
	key, _ := sign.GenerateKey(sign.P256)
	image := sign.Descriptor{Digest: digest.FromString("an image")}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, p))
	if err != nil {
		panic(err)
	}

	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
	attestation, err := v.Verify(ctx, image, evidence)
	if err != nil {
		panic(err)
	}
	proven, err := provenance.Parse(attestation.Predicate)
	if err != nil {
		panic(err)
	}
	fmt.Println(proven.ResolvedDependencies[0].URI)
	fmt.Println(proven.ExternalParameters["target"])
	// Output:
	// git+https://github.com/acme/app@refs/heads/main
	// release
}
