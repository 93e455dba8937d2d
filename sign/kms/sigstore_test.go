package kms_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	signtest.TestKey(t, key)
	if sig, err := key.Sign(t.Context(), make([]byte, 32), &rsa.PSSOptions{Hash: crypto.SHA256}); !errors.Is(err, sign.ErrSignature) || !errors.Is(err, sign.ErrKey) {
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
	if sig, err := key.Sign(t.Context(), make([]byte, 32), crypto.SHA256); !errors.Is(err, sign.ErrSignature) || !errors.Is(err, sign.ErrKey) {
		t.Errorf("PKCS #1 v1.5 asked, PSS returned: %x, %v", sig, err)
	}
}

// engine is a transit engine's key, in versions, as sigstore's provider for Vault shows it: it tells which version signed.
type engine struct {
	signature.SignerVerifier // the first version, whose public key the provider remembers
	versions                 []signature.SignerVerifier
	asked                    []string
}

func (e *engine) SignMessage(message io.Reader, opts ...signature.SignOption) ([]byte, error) {
	version, used := "", new(string)
	for _, o := range opts {
		o.ApplyKeyVersion(&version)
		o.ApplyKeyVersionUsed(&used)
	}
	e.asked = append(e.asked, version)
	n, err := strconv.Atoi(version)
	if version == "" {
		n, err = len(e.versions), nil
	}
	if err != nil || n < 1 || n > len(e.versions) {
		return nil, fmt.Errorf("no version %q: %w", version, err)
	}
	*used = fmt.Sprintf("vault:v%d:", n)
	return e.versions[n-1].SignMessage(message, opts...)
}

// A key stays with the version that it was opened with, whenever it is rotated.
func TestRotation(t *testing.T) {
	rotate := func(e *engine) {
		sv, _, err := signature.NewDefaultECDSASignerVerifier()
		if err != nil {
			t.Fatal(err)
		}
		e.versions = append(e.versions, sv)
	}
	for name, tt := range map[string]struct {
		before, between int // rotations before the first signature, and before the second
		asked           []string
	}{
		"never":                      {0, 0, []string{"", "1"}},
		"after the first signature":  {0, 3, []string{"", "1"}},
		"before the first signature": {2, 1, []string{"", "2", "1", "1"}},
	} {
		e := new(engine)
		rotate(e)
		e.SignerVerifier = e.versions[0]
		key, err := kms.FromSigstore(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		s := &sign.BundleSigner{Key: key}
		for _, rotations := range []int{tt.before, tt.between} {
			for range rotations {
				rotate(e)
			}
			if _, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); err != nil {
				t.Errorf("rotated %s: %v", name, err)
			}
		}
		if diff := cmp.Diff(tt.asked, e.asked); diff != "" {
			t.Errorf("rotated %s: %s", name, diff)
		}
		// A version that is gone is an error that says what to do.
		if e.versions = nil; name == "never" {
			for range 12 {
				rotate(e)
			}
			again, err := kms.FromSigstore(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := again.Sign(t.Context(), make([]byte, 32), crypto.SHA256); !errors.Is(err, sign.ErrSignature) || !strings.Contains(err.Error(), "open it again") {
				t.Errorf("rotated too often: %v", err)
			}
		}
	}
}
