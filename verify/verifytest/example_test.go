package verifytest_test

import (
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/verifytest"
	"github.com/opencontainers/go-digest"
)

func ExampleRun() {
	_ = func(t *testing.T) { // func TestMyVerifier(t *testing.T)
		key, err := sign.GenerateKey(sign.P256)
		if err != nil {
			t.Fatal(err)
		}
		image := verify.Descriptor{Digest: digest.FromString("the manifest"), Size: 12}
		evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
		if err != nil {
			t.Fatal(err)
		}
		verifytest.Run(t, &verifytest.Harness{
			Verifier: &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}},
			Subject:  image,
			Good:     []verify.Descriptor{evidence},
		})
	}
}
