// Package keys_test reads private keys that other libraries encrypted.
package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/youmark/pkcs8"
)

// What youmark/pkcs8 encrypts is read: each cipher and pseudorandom function that both have, PBKDF2 and scrypt.
func TestEncryptedPKCS8(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ciphers := map[string]pkcs8.Cipher{
		"AES-128-CBC": pkcs8.AES128CBC, "AES-192-CBC": pkcs8.AES192CBC, "AES-256-CBC": pkcs8.AES256CBC, "3DES": pkcs8.TripleDESCBC,
	}
	derivations := map[string]pkcs8.KDFOpts{
		"PBKDF2 SHA-1":   pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 1000, HMACHash: crypto.SHA1},
		"PBKDF2 SHA-256": pkcs8.PBKDF2Opts{SaltSize: 16, IterationCount: 1000, HMACHash: crypto.SHA256},
		"scrypt":         pkcs8.ScryptOpts{SaltSize: 16, CostParameter: 1 << 10, BlockSize: 8, ParallelizationParameter: 1},
	}
	for _, key := range []crypto.Signer{p256, edwards, large} {
		for cipherName, cipher := range ciphers {
			for derivation, by := range derivations {
				t.Run(fmt.Sprintf("%T, %s, %s", key, cipherName, derivation), func(t *testing.T) {
					der, err := pkcs8.MarshalPrivateKey(key, []byte("secret"), &pkcs8.Opts{Cipher: cipher, KDFOpts: by})
					if err != nil {
						t.Fatal(err)
					}
					text := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
					got, err := sign.ParseKey(text, []byte("secret"))
					if err != nil || !got.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
						t.Errorf("%v", err)
					}
					if _, err := sign.ParseKey(text, []byte("guess")); !errors.Is(err, sign.ErrPassphrase) {
						t.Errorf("another passphrase: %v", err)
					}
				})
			}
		}
	}
}
