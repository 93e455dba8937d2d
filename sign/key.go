package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"
	"github.com/ladingdev/lading/internal/keytext"
	"github.com/ladingdev/lading/internal/keytext/privatekey"
	"github.com/ladingdev/lading/internal/scheme"
)

// An Algorithm is a type and size of key to make.
type Algorithm uint8

const (
	P256    Algorithm = iota // ECDSA on NIST P-256, the default
	P384                     // ECDSA on NIST P-384
	P521                     // ECDSA on NIST P-521
	RSA2048                  // RSA, of 2048 bits
	RSA3072                  // of 3072 bits
	RSA4096                  // of 4096 bits
	Ed25519                  // EdDSA (RFC 8032)
	MLDSA44                  // ML-DSA (FIPS 204), which holds against quantum computers: see "Post-quantum keys" in the package comment
	MLDSA65                  // of category 3
	MLDSA87                  // of category 5
)

// FromSigner makes a [crypto.Signer] a Key. Signers of TPMs that take no other salt for RSASSA-PSS than
// [rsa.PSSSaltLengthAuto] are asked for that where a salt as long as the hash is wanted, and what they make is checked to be
// that.
func FromSigner(s crypto.Signer) Key {
	if v := reflect.ValueOf(s); v.Kind() == reflect.Pointer && v.IsNil() { // what a failure left behind
		s = nil
	}
	return signerKey{s}
}

type signerKey struct {
	crypto.Signer `json:"-"`
}

// Public returns nil, which nothing signs with, if there is no signer.
func (k signerKey) Public() crypto.PublicKey {
	if k.Signer == nil {
		return nil
	}
	return k.Signer.Public()
}

func (k signerKey) Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.Signer == nil {
		return nil, fmt.Errorf("%w: there is none, as after an error that was not looked at", ErrKey)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h := opts.HashFunc(); h != 0 && len(data) != h.Size() { // which ECDSA would cut or pad without a word
		return nil, fmt.Errorf("%w: a digest of %d bytes for %v", ErrKey, len(data), h)
	}
	sig, err := k.Signer.Sign(rand.Reader, data, opts)
	if err == nil || !wantsHashLongSalt(opts) || !strings.Contains(err.Error(), "salt") { // other failures may count attempts
		return sig, err
	}
	return k.signAutoSalt(data, opts.HashFunc(), err)
}

func wantsHashLongSalt(opts crypto.SignerOpts) bool {
	pss, ok := opts.(*rsa.PSSOptions)
	return ok && (pss.SaltLength == rsa.PSSSaltLengthEqualsHash || pss.SaltLength == pss.HashFunc().Size())
}

// signAutoSalt asks a signer that chooses the salt's length by itself, as a TPM does. Signers in software choose the longest,
// which is not what was asked for.
func (k signerKey) signAutoSalt(data []byte, h crypto.Hash, refusal error) ([]byte, error) {
	pub, ok := k.Public().(*rsa.PublicKey)
	if !ok {
		return nil, refusal
	}
	sig, err := k.Signer.Sign(rand.Reader, data, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: h})
	if err != nil {
		return nil, fmt.Errorf("%w (by itself: %w)", refusal, err)
	}
	if err := rsa.VerifyPSS(pub, h, data, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}); err != nil {
		return nil, fmt.Errorf("%w: its signer chooses a salt of another length than the hash: %w", ErrKey, refusal)
	}
	return sig, nil
}

// Format says nothing of the key, whatever the verb, so that it does not end in a log. Nor does its JSON.
func (signerKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "private key") }

// LocalKey is a Key in this process's memory.
type LocalKey struct{ signerKey }

// Public returns the public key, nil of a LocalKey that is none.
func (k *LocalKey) Public() crypto.PublicKey {
	if k == nil {
		return nil
	}
	return k.signerKey.Public()
}

// Sign signs as [Key] says.
func (k *LocalKey) Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k == nil {
		return signerKey{}.Sign(ctx, data, opts)
	}
	return k.signerKey.Sign(ctx, data, opts)
}

// GenerateKey makes a new key.
func GenerateKey(a Algorithm) (*LocalKey, error) {
	var (
		s   crypto.Signer
		err error
	)
	switch a {
	case P256:
		s, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		s, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case P521:
		s, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case RSA2048:
		s, err = rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		s, err = rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		s, err = rsa.GenerateKey(rand.Reader, 4096)
	case Ed25519:
		_, s, err = ed25519.GenerateKey(rand.Reader)
	case MLDSA44:
		s, err = mldsa.GenerateKey(mldsa.MLDSA44())
	case MLDSA65:
		s, err = mldsa.GenerateKey(mldsa.MLDSA65())
	case MLDSA87:
		s, err = mldsa.GenerateKey(mldsa.MLDSA87())
	default:
		return nil, fmt.Errorf("sign: %w: unknown algorithm %d", ErrKey, a)
	}
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return &LocalKey{signerKey{s}}, nil
}

// Errors of encrypted keys, for errors.Is.
var (
	ErrNoPassphrase = errors.New("the key is encrypted, and no passphrase is given")
	ErrPassphrase   = errors.New("passphrase does not open the key")
)

// ParseKey reads a private key from PEM: PKCS #8, SEC 1 (RFC 5915) or PKCS #1. It may be encrypted as openssl and step do
// by default (PKCS #8 with PBES2, RFC 8018, section 6.2), as openssl and step did before (a header Proc-Type), or by cosign.
// Then passphrase must be given: without one the error is [ErrNoPassphrase], with another than the key's [ErrPassphrase].
// A passphrase for a key that is not encrypted is ignored.
//
// Anything but white space behind the block is refused, and so is a key that is not in the table of the package comment. What
// is not read is [ErrKey], which says what the file is and how to convert it. Package sign/keyfile reads OpenSSH's keys too.
func ParseKey(pemBytes, passphrase []byte) (*LocalKey, error) {
	key, err := parseKey(pemBytes, passphrase)
	switch {
	case errors.Is(err, ErrPassphrase) && len(passphrase) == 0: // which is tried too, since cosign encrypts with it
		return nil, fmt.Errorf("sign: %w", ErrNoPassphrase)
	case errors.Is(err, ErrPassphrase):
		return nil, fmt.Errorf("sign: %w", err)
	case err != nil:
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	return &LocalKey{signerKey{key}}, nil
}

func parseKey(pemBytes, passphrase []byte) (crypto.Signer, error) {
	block, err := privatekey.Block(pemBytes,
		keytext.PKCS8, keytext.SEC1, keytext.PKCS1, keytext.EncryptedPKCS8, keytext.Sigstore, keytext.Cosign)
	if err != nil {
		return nil, err
	}
	der, encrypted, err := decrypt(block, passphrase)
	if err != nil {
		return nil, err
	}
	var key any
	switch block.Type {
	case keytext.SEC1:
		key, err = x509.ParseECPrivateKey(der)
	case keytext.PKCS1:
		key, err = x509.ParsePKCS1PrivateKey(der)
	default:
		key, err = mldsax509.ParsePKCS8PrivateKey(der)
	}
	if err != nil {
		if encrypted && !isKey(der) {
			return nil, ErrPassphrase
		}
		return nil, keytext.Inside(&pem.Block{Type: block.Type, Bytes: der}, err)
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, keytext.Inside(&pem.Block{Type: block.Type, Bytes: der}, fmt.Errorf("keys of type %T", key))
	}
	if _, err := scheme.Of(s.Public()); err != nil {
		return nil, err
	}
	return s, nil
}

// MarshalPEM returns the key as PEM in PKCS #8, not encrypted.
func (k *LocalKey) MarshalPEM() ([]byte, error) {
	der, err := mldsax509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: keytext.PKCS8, Bytes: der}), nil
}

// MarshalEncryptedPEM returns the key encrypted under passphrase, in the form that cosign reads.
func (k *LocalKey) MarshalEncryptedPEM(passphrase []byte) ([]byte, error) {
	der, err := mldsax509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	box, err := encryptBox(der, passphrase)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: keytext.Sigstore, Bytes: box}), nil
}

// MarshalPublicKey returns a public key as PEM in PKIX form (RFC 5280, section 4.1.2.7), as everybody reads it.
func MarshalPublicKey(pub crypto.PublicKey) ([]byte, error) {
	der, err := mldsax509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: keytext.PKIX, Bytes: der}), nil
}
