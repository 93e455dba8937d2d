package verify_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A file and the bundle beside it, as cosign sign-blob writes one.
func ExampleKeyVerifier_VerifyBlob() {
	ctx := context.Background()
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	bundle, err := (&sign.BundleSigner{Key: key}).SignBlob(ctx, strings.NewReader("a release"))
	if err != nil {
		log.Fatal(err)
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Name: "release", Key: key.Public()}}}
	a, err := v.VerifyBlob(ctx, strings.NewReader("a release"), bundle)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Kind, "by", a.Signers[0].Name)
	_, err = v.VerifyBlob(ctx, strings.NewReader("another file"), bundle)
	fmt.Println(err != nil, errors.Is(err, verify.ErrFormat))
	// Output:
	// blob signature by release
	// true false
}
