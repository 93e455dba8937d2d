package sigstorekms_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
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

// A reference opens the key of a provider that the program imports. Without the provider it is refused, and no program of PATH is run.
func ExampleOpen() {
	_, err := sigstorekms.Open(context.Background(), "gcpkms://projects/acme/locations/global/keyRings/release/cryptoKeys/images")
	fmt.Println(errors.Is(err, kms.ErrReference))
	// Output: true
}
