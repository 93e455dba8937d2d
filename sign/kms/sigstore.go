package kms

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ladingdev/lading/internal/scheme/signing"
	"github.com/ladingdev/lading/sign"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// FromSigstore makes any signer of github.com/sigstore/sigstore a [sign.Key], such as one of its KMS providers. It asks once
// for the public key. Where the service has versions of a key and tells which one signed, as Vault and OpenBao do, the key
// stays with the version of that public key, also when it is rotated.
//
// Such signers choose hash and padding by themselves, some without regard to what is asked. So every signature is
// verified here, with the hash and padding that were asked for, before it is returned: one that does not hold is
// [sign.ErrSignature], and [sign.ErrKey] too if it is the padding.
func FromSigstore(ctx context.Context, sv signature.SignerVerifier) (sign.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	pub, err := sv.PublicKey(options.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("kms: public key: %w", err)
	}
	return &sigstoreKey{sv: sv, pub: pub}, nil
}

type sigstoreKey struct {
	sv  signature.SignerVerifier
	pub crypto.PublicKey

	version atomic.Uint64 // of the key whose public key is pub; zero until a signature told it
}

func (k *sigstoreKey) Public() crypto.PublicKey { return k.pub }

func (k *sigstoreKey) Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h := opts.HashFunc(); h != 0 && len(data) != h.Size() {
		return nil, fmt.Errorf("kms: %w: a digest of %d bytes for %v", sign.ErrKey, len(data), h)
	}
	sig, used, err := k.sign(ctx, data, opts, k.version.Load())
	if err != nil {
		return nil, err
	}
	if !signing.Holds(k.pub, data, sig, opts) {
		if err := otherPadding(k.pub, data, sig, opts); err != nil {
			return nil, err
		}
		if sig, used = k.signEarlier(ctx, data, opts, used); sig == nil {
			return nil, fmt.Errorf("kms: %w; if the key was rotated since it was opened, open it again", sign.ErrSignature)
		}
	}
	if used != 0 {
		k.version.Store(used)
	}
	return sig, nil
}

// sign returns a signature, and the version of the key that made it, or zero if the service does not tell. Version zero is
// the newest.
func (k *sigstoreKey) sign(ctx context.Context, data []byte, opts crypto.SignerOpts, version uint64) ([]byte, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var text string
	with := []signature.SignOption{options.WithContext(ctx), options.WithCryptoSignerOpts(opts), options.ReturnKeyVersionUsed(&text)}
	if version != 0 {
		with = append(with, options.WithKeyVersion(strconv.FormatUint(version, 10)))
	}
	message := bytes.NewReader(data)
	if opts.HashFunc() != 0 {
		with = append(with, options.WithDigest(data))
		message = bytes.NewReader(nil)
	}
	sig, err := k.sv.SignMessage(message, with...)
	if err != nil {
		return nil, 0, fmt.Errorf("kms: %w", err)
	}
	used, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(text, "vault:v"), ":"), 10, 64) // as transit engines write it
	if err != nil {
		used = 0
	}
	return sig, used, nil
}

// maxEarlier is how many versions back a key is looked for that was rotated between its opening and its first signature.
const maxEarlier = 8

// signEarlier returns what an earlier version of the key than one that does not match made, or nil.
func (k *sigstoreKey) signEarlier(ctx context.Context, data []byte, opts crypto.SignerOpts, newest uint64) ([]byte, uint64) {
	if k.version.Load() != 0 { // asked for, and yet another one signed
		return nil, 0
	}
	for back := uint64(1); back <= maxEarlier && back < newest; back++ {
		sig, used, err := k.sign(ctx, data, opts, newest-back)
		if err != nil { // no longer there, most likely
			return nil, 0
		}
		if signing.Holds(k.pub, data, sig, opts) {
			return sig, used
		}
	}
	return nil, 0
}

// otherPadding returns an error if an RSA signature holds with the other padding than was asked for: the signer has one.
func otherPadding(pub crypto.PublicKey, data, sig []byte, opts crypto.SignerOpts) error {
	if _, ok := pub.(*rsa.PublicKey); !ok {
		return nil
	}
	has, other := "PKCS #1 v1.5", crypto.SignerOpts(opts.HashFunc())
	if _, pss := opts.(*rsa.PSSOptions); !pss {
		has, other = "PSS", &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: opts.HashFunc()}
	}
	if !signing.Holds(pub, data, sig, other) {
		return nil
	}
	return fmt.Errorf("kms: %w: %w: the signer pads by %s, whatever is asked", sign.ErrKey, sign.ErrSignature, has)
}
