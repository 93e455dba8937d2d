package verifytest_test

import (
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/verifytest"
	"github.com/opencontainers/go-digest"
)

func TestKeyVerifier(t *testing.T) {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	h := &verifytest.Harness{
		Verifier: &verify.KeyVerifier{
			Keys:    []verify.TrustedKey{{Key: key.Public()}},
			Formats: []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning},
			Limits:  verify.Limits{EvidenceBytes: 1 << 20},
		},
		Subject: verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json",
			Digest: digest.FromString("an image"), Size: 8},
		TooLarge: 1<<20 + 1,
	}
	signature := sign.About(h.Subject, sign.ImageSignature{})
	signature.Subjects[0].Name = "registry.example/app"
	signature.Subjects[0].Annotations = map[string]string{"stage": "test"}
	fact := sign.About(h.Subject, sign.RawPredicate{Type: "https://example.com/facts/v1", JSON: []byte(`{"n":9007199254740993}`)})
	for _, k := range []sign.Key{key, stranger} {
		for _, x := range []struct {
			s  sign.Signer
			st *sign.Statement
		}{
			{&sign.BundleSigner{Key: k}, signature}, {&sign.BundleSigner{Key: k}, fact},
			{&sign.DSSESigner{Key: k}, signature}, {&sign.DSSESigner{Key: k}, fact},
			{&sign.CosignSigner{Key: k}, signature},
		} {
			evidence, err := x.s.Sign(t.Context(), x.st)
			if err != nil {
				t.Fatal(err)
			}
			if k == sign.Key(key) {
				h.Good = append(h.Good, evidence)
			} else {
				h.Untrusted = append(h.Untrusted, evidence)
			}
		}
	}
	verifytest.Run(t, h)
}
