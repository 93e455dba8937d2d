package sigstore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes that signatures are over
	_ "crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/ladingdev/lading/internal/scheme"
)

// signsWith returns how a key signs: Ed25519 whole messages or, elsewhere, their digest (sigstore/architecture-docs,
// algorithm-registry.md).
func signsWith(key crypto.PublicKey, whole bool) (scheme.Scheme, error) {
	all, err := scheme.Of(key)
	switch {
	case err != nil:
		return 0, KeyAlgorithm.errorf("%w", err)
	case all[0] == scheme.PureEd25519 && !whole:
		return scheme.Ed25519ph, nil
	}
	return all[0], nil
}

// keyDetails returns what a log of version 2 calls a key that signs in its own way (PublicKeyDetails of protobuf-specs).
func keyDetails(key crypto.PublicKey) string {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		bits := k.Curve.Params().BitSize
		return fmt.Sprintf("PKIX_ECDSA_P%d_SHA_%d", bits, min(bits, 512))
	case *rsa.PublicKey:
		return fmt.Sprintf("PKIX_RSA_PKCS1V15_%d_SHA256", k.N.BitLen())
	}
	return "PKIX_ED25519_PH"
}

func sum(h crypto.Hash, data []byte) []byte {
	w := h.New()
	w.Write(data)
	return w.Sum(nil)
}

var errKeyKind = errors.New("the key is not of the kind that is named")

// parseKey reads a key of a trusted root, of the kind that it is said to be.
func parseKey(details string, der []byte) (crypto.PublicKey, error) {
	parse := x509.ParsePKIXPublicKey
	var curve elliptic.Curve
	bits := 0
	switch details {
	case "PKIX_ECDSA_P256_SHA_256":
		curve = elliptic.P256()
	case "PKIX_ECDSA_P384_SHA_384":
		curve = elliptic.P384()
	case "PKIX_ECDSA_P521_SHA_512":
		curve = elliptic.P521()
	case "PKIX_RSA_PKCS1V15_2048_SHA256":
		bits = 2048
	case "PKIX_RSA_PKCS1V15_3072_SHA256":
		bits = 3072
	case "PKIX_RSA_PKCS1V15_4096_SHA256":
		bits = 4096
	case "PKCS1_RSA_PKCS1V5": // deprecated, and a log of the staging instance has it
		parse = func(der []byte) (any, error) { return x509.ParsePKCS1PublicKey(der) }
	case "PKIX_ED25519":
	default:
		return nil, fmt.Errorf("a key of kind %.60q", details)
	}
	key, err := parse(der)
	if err != nil {
		return nil, err
	}
	good := false
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		good = curve != nil && k.Curve == curve
	case *rsa.PublicKey:
		good = k.N.BitLen() == bits || details == "PKCS1_RSA_PKCS1V5"
	case ed25519.PublicKey:
		good = details == "PKIX_ED25519"
	}
	if !good {
		return nil, errKeyKind
	}
	return key, nil
}
