package sign_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log"
	"strings"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

// Whatever is a crypto.Signer is a key: a device, an agent, a key of a library.
func ExampleFromSigner() {
	device, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	key := sign.FromSigner(device)
	fmt.Println(device.PublicKey.Equal(key.Public()))
	// Output: true
}

// A statement that another tool wrote is signed as it is, byte by byte.
func ExampleBundleSigner_SignStatement() {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	image := digest.FromString("the manifest")
	statement := `{"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.com/review/v1",
		"subject": [{"digest": {"sha256": "` + image.Encoded() + `"}}], "predicate": {"approved": true}}`
	signer := &sign.BundleSigner{Key: key}
	evidence, err := signer.SignStatement(context.Background(), []byte(statement))
	if err != nil {
		log.Fatal(err)
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
	a, err := v.Verify(context.Background(), verify.Descriptor{Digest: image}, evidence)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.PredicateType, string(a.Predicate))

	_, err = signer.SignStatement(context.Background(), []byte(strings.Replace(statement, `"subject"`, `"subjects"`, 1)))
	fmt.Println(err != nil)
	// Output:
	// https://example.com/review/v1 {"approved": true}
	// true
}
