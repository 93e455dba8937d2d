package verify_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// What a signer writes by a scheme is read by who lists that scheme, in every format, and by nobody else: by default that
// is the default of the key. The refusal says what is not listed.
func TestSchemes(t *testing.T) {
	st := named(subject)
	for _, a := range []sign.Algorithm{sign.P256, sign.P384, sign.P521, sign.RSA2048, sign.Ed25519, sign.MLDSA44, sign.MLDSA65,
		sign.MLDSA87} {
		key, trusted := newKey(t, a)
		all := schemesOf(trusted)
		byDefault := map[sign.Algorithm]verify.Scheme{sign.P384: verify.ECDSAWithSHA384, sign.P521: verify.ECDSAWithSHA512}[a]
		if byDefault == 0 {
			byDefault = all[0]
		}
		for _, s := range append([]verify.Scheme{0}, all...) {
			bundles := &sign.BundleSigner{Key: key, Scheme: s}
			file, err := bundles.SignBlob(t.Context(), strings.NewReader("a file"))
			if err != nil {
				t.Fatal(err)
			}
			for _, signer := range []sign.Signer{bundles, &sign.DSSESigner{Key: key, Scheme: s}, &sign.CosignSigner{Key: key, Scheme: s}} {
				evidence, err := signer.Sign(t.Context(), st)
				if err != nil {
					t.Fatal(err)
				}
				try := func(schemes ...verify.Scheme) error {
					v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: trusted.Key, Schemes: schemes}}, Formats: allFormats}
					_, err := v.Verify(t.Context(), subject, evidence)
					if _, fileErr := v.VerifyBlob(t.Context(), strings.NewReader("a file"), file); (err == nil) != (fileErr == nil) {
						t.Errorf("%v by %v, read by %v: a file %v, a statement %v", a, s, schemes, fileErr, err)
					}
					return err
				}
				name := fmt.Sprintf("%T with key %d by %v", signer, a, s)
				made := s
				if s == 0 {
					made = byDefault
				}
				if err := try(made); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if err := try(); (err == nil) != (made == byDefault) {
					t.Errorf("%s, by default: %v", name, err)
				} else if err != nil && (!errors.Is(err, verify.ErrNotTrusted) || !strings.Contains(err.Error(), made.String())) {
					t.Errorf("%s: the refusal does not name the scheme: %v", name, err)
				}
				for _, other := range all {
					if err := try(other); other != made && !errors.Is(err, verify.ErrNotTrusted) {
						t.Errorf("%s, read by %v: %v", name, other, err)
					}
				}
				if err := try(all...); err != nil {
					t.Errorf("%s, read by all: %v", name, err)
				}
			}
		}
	}
}

// Wording a refusal is not to cost more than verifying: with many keys or much to hash it is the plain one.
func TestOtherSchemeIsBounded(t *testing.T) {
	key, trusted := newKey(t, sign.P256)
	bundles := &sign.BundleSigner{Key: key, Scheme: sign.ECDSAWithSHA512}
	evidence, err := bundles.Sign(t.Context(), sign.About(sign.Descriptor{Digest: subject.Digest}, sign.RawPredicate{
		Type: "https://example.com/large", JSON: longObject(5 << 20)}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}).Verify(t.Context(), subject, evidence)
	if err == nil || strings.Contains(err.Error(), "SHA512") {
		t.Errorf("5 MiB: %v", err)
	}
}

func longObject(n int) []byte {
	return append(append([]byte(`{"a":"`), bytes.Repeat([]byte("a"), n)...), `"}`...)
}
