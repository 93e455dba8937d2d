package sign

import (
	"bytes"
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
)

// An Algorithm is a type and size of key to make.
type Algorithm uint8

const (
	P256 Algorithm = iota // ECDSA on NIST P-256, the default
	P384
	P521
	RSA2048
	RSA3072
	RSA4096
	Ed25519
)

// FromSigner makes a [crypto.Signer] a Key.
func FromSigner(s crypto.Signer) Key { return signerKey{s} }

type signerKey struct {
	crypto.Signer `json:"-"`
}

func (k signerKey) Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h := opts.HashFunc(); h != 0 && len(data) != h.Size() { // which ECDSA would cut or pad without a word
		return nil, fmt.Errorf("%w: a digest of %d bytes for %v", ErrKey, len(data), h)
	}
	return k.Signer.Sign(rand.Reader, data, opts)
}

// Format says nothing of the key, whatever the verb, so that it does not end in a log. Nor does its JSON.
func (signerKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "private key") }

// LocalKey is a Key in this process's memory.
type LocalKey struct{ signerKey }

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
	default:
		return nil, fmt.Errorf("sign: %w: unknown algorithm %d", ErrKey, a)
	}
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return &LocalKey{signerKey{s}}, nil
}

// ErrPassphrase says that an encrypted key did not open, or that a passphrase is missing.
var ErrPassphrase = errors.New("passphrase does not open the key")

// The types of PEM block that hold keys.
const (
	pemPKCS8     = "PRIVATE KEY"
	pemSEC1      = "EC PRIVATE KEY"
	pemPKCS1     = "RSA PRIVATE KEY"
	pemPublic    = "PUBLIC KEY"
	pemEncrypted = "ENCRYPTED SIGSTORE PRIVATE KEY"
	pemCosignOld = "ENCRYPTED COSIGN PRIVATE KEY"
)

// ParseKey reads a private key from PEM: PKCS #8, SEC 1 (RFC 5915), PKCS #1, or a key that cosign encrypted, for which
// passphrase must be given. A passphrase for a key that is not encrypted is ignored. Anything but white space behind
// the block is refused, and so is a key that is not in the table of the package comment.
func ParseKey(pemBytes, passphrase []byte) (*LocalKey, error) {
	block, err := onePEM(pemBytes)
	if err != nil {
		return nil, err
	}
	der := block.Bytes
	if block.Type == pemEncrypted || block.Type == pemCosignOld {
		if der, err = decrypt(der, passphrase); err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
	}
	var key any
	switch block.Type {
	case pemPKCS8, pemEncrypted, pemCosignOld:
		key, err = x509.ParsePKCS8PrivateKey(der)
	case pemSEC1:
		key, err = x509.ParseECPrivateKey(der)
	case pemPKCS1:
		key, err = x509.ParsePKCS1PrivateKey(der)
	default:
		return nil, fmt.Errorf("sign: %w: a PEM block %.40q is not a private key that is read", ErrKey, block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("sign: %w: keys of type %T", ErrKey, key)
	}
	if _, err := hashFor(s.Public()); err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	return &LocalKey{signerKey{s}}, nil
}

// onePEM returns the one block in data, beside the curve's parameters that openssl writes before a SEC 1 key.
func onePEM(data []byte) (*pem.Block, error) {
	block, rest := pem.Decode(data)
	if block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	switch {
	case block == nil:
		return nil, fmt.Errorf("sign: %w: no PEM block found", ErrKey)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, fmt.Errorf("sign: %w: more behind the PEM block, so it is not clear which key is meant", ErrKey)
	}
	return block, nil
}

// MarshalPEM returns the key as PEM in PKCS #8, not encrypted.
func (k *LocalKey) MarshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPKCS8, Bytes: der}), nil
}

// MarshalEncryptedPEM returns the key encrypted under passphrase, in the form that cosign reads.
func (k *LocalKey) MarshalEncryptedPEM(passphrase []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	box, err := encrypt(der, passphrase)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemEncrypted, Bytes: box}), nil
}

// MarshalPublicKey returns a public key as PEM in PKIX form (RFC 5280, section 4.1.2.7), as everybody reads it.
func MarshalPublicKey(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der}), nil
}
