package kms_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/sigstore/sigstore/pkg/signature"
)

func TestFromSigstore(t *testing.T) {
	for _, a := range []sign.Algorithm{sign.P256, sign.P384, sign.P521, sign.Ed25519} {
		local, err := sign.GenerateKey(a)
		if err != nil {
			t.Fatal(err)
		}
		hash := map[sign.Algorithm]crypto.Hash{sign.P256: crypto.SHA256, sign.P384: crypto.SHA384, sign.P521: crypto.SHA512, sign.Ed25519: 0}[a]
		sv, err := signature.LoadSignerVerifier(local.Signer, hash)
		if err != nil {
			t.Fatal(err)
		}
		key, err := kms.FromSigstore(t.Context(), sv)
		if err != nil {
			t.Fatal(err)
		}
		signtest.TestKey(t, key)
		signtest.TestSigner(t, &sign.BundleSigner{Key: key})
	}
}

// An RSA signer pads in one way, so it makes Sigstore's signatures or Notary Project's, and is a Key for these alone.
func TestFromSigstoreRSA(t *testing.T) {
	local, err := sign.GenerateKey(sign.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	sv, err := signature.LoadSignerVerifier(local.Signer, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	key, err := kms.FromSigstore(t.Context(), sv)
	if err != nil {
		t.Fatal(err)
	}
	signtest.TestSigner(t, &sign.BundleSigner{Key: key})
	signtest.TestSigner(t, &sign.CosignSigner{Key: key})
	if sig, err := key.Sign(t.Context(), make([]byte, 32), &rsa.PSSOptions{Hash: crypto.SHA256}); !errors.Is(err, kms.ErrSignature) {
		t.Errorf("PSS asked, PKCS #1 v1.5 returned: %x, %v", sig, err)
	}
}

// A signer that pads as it likes is found out.
func TestFromSigstoreOtherPadding(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sv, err := signature.LoadRSAPSSSignerVerifier(private, crypto.SHA256, nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := kms.FromSigstore(t.Context(), sv)
	if err != nil {
		t.Fatal(err)
	}
	if sig, err := key.Sign(t.Context(), make([]byte, 32), crypto.SHA256); !errors.Is(err, kms.ErrSignature) {
		t.Errorf("PKCS #1 v1.5 asked, PSS returned: %x, %v", sig, err)
	}
}
