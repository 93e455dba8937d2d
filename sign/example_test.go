package sign_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

func Example() {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	image := sign.Descriptor{
		MediaType: "application/vnd.oci.image.manifest.v1+json",
		Digest:    digest.FromString("the manifest"),
		Size:      12,
	}
	signer := &sign.BundleSigner{Key: key}
	evidence, err := signer.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(evidence.MediaType)
	fmt.Println(evidence.Annotations["dev.sigstore.bundle.predicateType"])
	// Output:
	// application/vnd.dev.sigstore.bundle.v0.3+json
	// https://sigstore.dev/cosign/sign/v1
}

// A key is kept encrypted, in the form that cosign uses too.
func ExampleLocalKey_MarshalEncryptedPEM() {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	pem, err := key.MarshalEncryptedPEM([]byte("correct horse battery staple"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.SplitN(string(pem), "\n", 2)[0])

	_, err = sign.ParseKey(pem, []byte("guess"))
	fmt.Println(err)
	// Output:
	// -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
	// sign: passphrase does not open the key
}

func ExampleBundleSigner_SignBlob() {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	evidence, err := (&sign.BundleSigner{Key: key}).SignBlob(context.Background(), strings.NewReader("a release"))
	if err != nil {
		log.Fatal(err)
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
	_, err = v.VerifyBlob(context.Background(), strings.NewReader("a release"), evidence)
	fmt.Println(err)
	// Output: <nil>
}
