package kms_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/opencontainers/go-digest"
)

// A key of AWS KMS, by a client of the SDK.
func ExampleNewAWS() {
	cloud, err := awstest.New(nil) // in place of AWS
	if err != nil {
		log.Fatal(err)
	}
	defer cloud.Close()
	arn, err := cloud.CreateKey(awstest.Key{Spec: "ECC_NIST_P384"})
	if err != nil {
		log.Fatal(err)
	}
	if err := cloud.SetAlias("alias/release", arn); err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	key, err := kms.NewAWS(ctx, awskms.NewFromConfig(cloud.Config()), "alias/release")
	if err != nil {
		log.Fatal(err)
	}
	image := sign.Descriptor{Digest: digest.FromString("the manifest"), Size: 12}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, sign.ImageSignature{}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(evidence.MediaType)
	fmt.Println(cloud.Calls())
	// Output:
	// application/vnd.dev.sigstore.bundle.v0.3+json
	// map[kms:GetPublicKey:1 kms:Sign:1]
}

// What is no reference to AWS KMS is opened by a package of its own.
func ExampleOpen() {
	_, err := kms.Open(context.Background(), "gcpkms://projects/acme/locations/global/keyRings/release/cryptoKeys/images")
	fmt.Println(errors.Is(err, kms.ErrReference))
	fmt.Println(err)
	// Output:
	// true
	// kms: not a reference to a key that is known here: "gcpkms" is no scheme of AWS KMS: package sign/kms/sigstorekms opens keys of other services
}
