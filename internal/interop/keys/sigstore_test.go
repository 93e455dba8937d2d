package keys_test

import (
	"crypto"
	"crypto/elliptic"
	"errors"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// Keys as the library of Sigstore's tools writes them are read here, and ours there, with their passphrase alone.
func TestSigstoreReadsAndWritesTheSameKeys(t *testing.T) {
	pass, wrong := []byte("secret"), []byte("Secret")
	for _, a := range []sign.Algorithm{sign.P256, sign.RSA2048, sign.Ed25519} {
		key, err := sign.GenerateKey(a)
		if err != nil {
			t.Fatal(err)
		}
		encrypted, err := key.MarshalEncryptedPEM(pass)
		if err != nil {
			t.Fatal(err)
		}
		got, err := cryptoutils.UnmarshalPEMToPrivateKey(encrypted, cryptoutils.StaticPasswordFunc(pass))
		if err != nil {
			t.Fatalf("%v: %v", a, err)
		}
		if pub := got.(interface{ Public() crypto.PublicKey }).Public(); cryptoutils.EqualKeys(pub, key.Public()) != nil {
			t.Errorf("%v: another key is read", a)
		}
		if _, err := cryptoutils.UnmarshalPEMToPrivateKey(encrypted, cryptoutils.StaticPasswordFunc(wrong)); err == nil {
			t.Errorf("%v: read with another passphrase", a)
		}
		text, err := sign.MarshalPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if pub, err := cryptoutils.UnmarshalPEMToPublicKey(text); err != nil || cryptoutils.EqualKeys(key.Public(), pub) != nil {
			t.Errorf("%v: its public key is not read: %v", a, err)
		}
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		private, public, err := cryptoutils.GeneratePEMEncodedECDSAKeyPair(curve, cryptoutils.StaticPasswordFunc(pass))
		if err != nil {
			t.Fatal(err)
		}
		key, err := sign.ParseKey(private, pass)
		if err != nil {
			t.Fatalf("%s: %v", curve.Params().Name, err)
		}
		if pub, err := cryptoutils.UnmarshalPEMToPublicKey(public); err != nil || cryptoutils.EqualKeys(key.Public(), pub) != nil {
			t.Errorf("%s: another key is read: %v", curve.Params().Name, err)
		}
		if _, err := sign.ParseKey(private, wrong); !errors.Is(err, sign.ErrPassphrase) {
			t.Errorf("%s: another passphrase: %v", curve.Params().Name, err)
		}
	}
}
