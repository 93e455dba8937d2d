package sign_test

import (
	"crypto/ecdsa"
	"errors"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/opencontainers/go-digest"
)

// A key that is none, as after an error that was not looked at, is an error, and so is a file that is none.
func TestNoKeyIsNoPanic(t *testing.T) {
	image := sign.Descriptor{Digest: digest.FromString("an image")}
	for name, key := range map[string]sign.Key{
		"nil":                nil,
		"nil *LocalKey":      (*sign.LocalKey)(nil),
		"zero LocalKey":      new(sign.LocalKey),
		"FromSigner(nil)":    sign.FromSigner(nil),
		"a nil *PrivateKey":  sign.FromSigner((*ecdsa.PrivateKey)(nil)),
		"zero LocalKey as a": sign.FromSigner(new(sign.LocalKey).Signer),
	} {
		b := &sign.BundleSigner{Key: key}
		if _, err := b.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := b.SignBlob(t.Context(), nil); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%s, file: %v", name, err)
		}
		if key != nil {
			if _, err := key.Sign(t.Context(), nil, nil); !errors.Is(err, sign.ErrKey) {
				t.Errorf("%s by itself: %v", name, err)
			}
		}
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), nil); !errors.Is(err, sign.ErrStatement) {
		t.Errorf("no file: %v", err)
	}
	if _, err := sign.SignerFunc(nil).Sign(t.Context(), nil); !errors.Is(err, sign.ErrKey) {
		t.Errorf("a nil SignerFunc: %v", err)
	}
}
