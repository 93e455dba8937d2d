// Package signing has keys sign by a scheme. It is apart from package scheme so that who only verifies does not compile it.
package signing

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/ladingdev/lading/internal/scheme"
)

// A Key is what package sign calls so.
type Key interface {
	Public() crypto.PublicKey
	Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error)
}

// ErrSignature says that a key gave back something else than the signature that it was asked for.
var ErrSignature = errors.New("the key returned another signature than was asked for")

// Sign has key, whose public key is pub, sign data under this scheme: the digest by Hash, or the message if that is zero.
// It is the one place where signers ask a key, and it hands out nothing that does not verify, for which it pays one
// verification. Such an answer is ErrSignature; other errors are the key's.
func Sign(ctx context.Context, s scheme.Scheme, key Key, pub crypto.PublicKey, data []byte) ([]byte, error) {
	sig, err := key.Sign(ctx, bytes.Clone(data), s.Options()) // a copy, for what is verified must be what was asked for
	if err != nil {
		return nil, err
	}
	if !s.VerifySalted(pub, data, sig, rsa.PSSSaltLengthEqualsHash) {
		return nil, fmt.Errorf("%w: %s", ErrSignature, explain(s, pub, data, sig))
	}
	return sig, nil
}

// explain says what a signature is that does not hold, as far as that can be told.
func explain(s scheme.Scheme, pub crypto.PublicKey, data, sig []byte) string {
	if pub, ok := pub.(*ecdsa.PublicKey); ok && len(sig) == 2*((pub.Curve.Params().BitSize+7)/8) {
		return fmt.Sprintf("%d bytes, as r and s side by side have; ASN.1 DER is expected", len(sig))
	}
	fit, _ := scheme.Of(pub)
	i := slices.IndexFunc(fit, func(other scheme.Scheme) bool { return other.Hash() == s.Hash() && other.Verify(pub, data, sig) })
	switch {
	case i < 0:
		return fmt.Sprintf("%d bytes that are no signature by its public key, %v", len(sig), s)
	case fit[i] == s:
		return "its salt is not as long as the hash"
	}
	return fmt.Sprintf("%v in place of %v", fit[i], s)
}

// Holds reports whether sig is what a [crypto.Signer] with this public key is asked for by data and opts.
func Holds(pub crypto.PublicKey, data, sig []byte, opts crypto.SignerOpts) bool {
	fit, _ := scheme.Of(pub)
	salt := rsa.PSSSaltLengthEqualsHash
	pss, isPSS := opts.(*rsa.PSSOptions)
	if isPSS {
		salt = pss.SaltLength
	}
	i := slices.IndexFunc(fit, func(s scheme.Scheme) bool {
		_, salted := s.Options().(*rsa.PSSOptions)
		return s.Hash() == opts.HashFunc() && salted == isPSS
	})
	return i >= 0 && fit[i].VerifySalted(pub, data, sig, salt)
}
