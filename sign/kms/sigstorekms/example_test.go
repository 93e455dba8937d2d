package sigstorekms_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms/sigstorekms"
	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore/pkg/signature"
)

// Any signer of sigstore/sigstore signs here; this one is in memory.
func ExampleFromSigstore() {
	ctx := context.Background()
	sv, _, err := signature.NewDefaultECDSASignerVerifier()
	if err != nil {
		log.Fatal(err)
	}
	key, err := sigstorekms.FromSigstore(ctx, sv)
	if err != nil {
		log.Fatal(err)
	}
	image := sign.Descriptor{Digest: digest.FromString("the manifest"), Size: 12}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, sign.ImageSignature{}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(evidence.MediaType)
	// Output: application/vnd.dev.sigstore.bundle.v0.3+json
}
