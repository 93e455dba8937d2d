package kms

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/ladingdev/lading/sign"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// ErrSignature says that a signer gave back something else than the signature that it was asked for.
var ErrSignature = errors.New("the signer returned another signature than was asked for")

// FromSigstore makes any signer of github.com/sigstore/sigstore a [sign.Key], such as one of its KMS providers. It asks once
// for the public key, which is taken to be constant.
//
// Such signers choose hash and padding by themselves, some without regard to what is asked. So every signature is
// verified here, with the hash and padding that were asked for, before it is returned: one that does not hold is
// [ErrSignature].
func FromSigstore(ctx context.Context, sv signature.SignerVerifier) (sign.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	pub, err := sv.PublicKey(options.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("kms: public key: %w", err)
	}
	return &sigstoreKey{sv, pub}, nil
}

type sigstoreKey struct {
	sv  signature.SignerVerifier
	pub crypto.PublicKey
}

func (k *sigstoreKey) Public() crypto.PublicKey { return k.pub }

func (k *sigstoreKey) Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	with := []signature.SignOption{options.WithContext(ctx), options.WithCryptoSignerOpts(opts)}
	message := bytes.NewReader(data)
	if h := opts.HashFunc(); h != 0 {
		if len(data) != h.Size() {
			return nil, fmt.Errorf("kms: a digest of %d bytes for %v", len(data), h)
		}
		with = append(with, options.WithDigest(data))
		message = bytes.NewReader(nil)
	}
	sig, err := k.sv.SignMessage(message, with...)
	if err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	if !holds(k.pub, data, sig, opts) {
		return nil, fmt.Errorf("kms: %w", ErrSignature)
	}
	return sig, nil
}

func holds(pub crypto.PublicKey, data, sig []byte, opts crypto.SignerOpts) bool {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(pub, data, sig)
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(pub, pss.HashFunc(), data, sig, pss) == nil
		}
		return rsa.VerifyPKCS1v15(pub, opts.HashFunc(), data, sig) == nil
	case ed25519.PublicKey:
		return opts.HashFunc() == 0 && ed25519.Verify(pub, data, sig)
	}
	return false
}
