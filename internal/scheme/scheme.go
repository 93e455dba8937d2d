// Package scheme is the table of signature schemes: which keys sign in which ways, and how such a signature is made and
// verified. Packages sign and verify share it, so that what the one can write the other can be told to read.
package scheme

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"filippo.io/mldsa"
)

// A Scheme is a way in which a key signs: algorithm, padding and hash. Its names are those of package crypto/x509.
type Scheme uint8

const (
	Default          Scheme = iota // that of the key's type, the first that Of returns
	ECDSAWithSHA256                // signatures of ECDSA are ASN.1 DER
	ECDSAWithSHA384                //
	ECDSAWithSHA512                //
	SHA256WithRSA                  // RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2)
	SHA384WithRSA                  //
	SHA512WithRSA                  //
	SHA256WithRSAPSS               // RSASSA-PSS (RFC 8017, section 8.1), MGF1 of the same hash; any salt is read
	SHA384WithRSAPSS               //
	SHA512WithRSAPSS               //
	PureEd25519                    // Ed25519 of the message (RFC 8032, section 5.1)
	Ed25519ph                      // Ed25519 of the message's SHA-512, without context (ibid.)
	PureMLDSA44                    // ML-DSA of the message (FIPS 204), pure, without context; so the next two
	PureMLDSA65                    //
	PureMLDSA87                    //
)

// family is a type of key.
type family uint8

const (
	ecdsaKey family = iota + 1
	rsaKey
	ed25519Key
	mldsaKey
)

// table says what each Scheme is. Its order is that of the constants.
var table = [...]struct {
	name string
	key  family
	hash crypto.Hash // zero: the message itself is signed
	pss  bool
}{
	ECDSAWithSHA256:  {"ECDSA-SHA256", ecdsaKey, crypto.SHA256, false},
	ECDSAWithSHA384:  {"ECDSA-SHA384", ecdsaKey, crypto.SHA384, false},
	ECDSAWithSHA512:  {"ECDSA-SHA512", ecdsaKey, crypto.SHA512, false},
	SHA256WithRSA:    {"SHA256-RSA", rsaKey, crypto.SHA256, false},
	SHA384WithRSA:    {"SHA384-RSA", rsaKey, crypto.SHA384, false},
	SHA512WithRSA:    {"SHA512-RSA", rsaKey, crypto.SHA512, false},
	SHA256WithRSAPSS: {"SHA256-RSAPSS", rsaKey, crypto.SHA256, true},
	SHA384WithRSAPSS: {"SHA384-RSAPSS", rsaKey, crypto.SHA384, true},
	SHA512WithRSAPSS: {"SHA512-RSAPSS", rsaKey, crypto.SHA512, true},
	PureEd25519:      {"Ed25519", ed25519Key, 0, false},
	Ed25519ph:        {"Ed25519ph", ed25519Key, crypto.SHA512, false},
	PureMLDSA44:      {"ML-DSA-44", mldsaKey, 0, false},
	PureMLDSA65:      {"ML-DSA-65", mldsaKey, 0, false},
	PureMLDSA87:      {"ML-DSA-87", mldsaKey, 0, false},
}

// String returns the name that crypto/x509 prints, such as "ECDSA-SHA256".
func (s Scheme) String() string {
	if s == Default || int(s) >= len(table) {
		return fmt.Sprintf("Scheme(%d)", uint8(s))
	}
	return table[s].name
}

// Hash is what a message is hashed with before it is signed or verified, zero if the message itself is. It panics for a
// Scheme that [Choose] does not return.
func (s Scheme) Hash() crypto.Hash { return table[s].hash }

// Size is how many bytes a signature has by a scheme that takes the message whole: each verification of one hashes all of it.
// Zero for other schemes.
func (s Scheme) Size() int {
	switch s {
	case PureEd25519:
		return ed25519.SignatureSize
	case PureMLDSA44:
		return mldsa.MLDSA44().SignatureSize()
	case PureMLDSA65:
		return mldsa.MLDSA65().SignatureSize()
	case PureMLDSA87:
		return mldsa.MLDSA87().SignatureSize()
	}
	return 0
}

// Digest returns what is signed of a message: its digest, or the message itself.
func (s Scheme) Digest(message []byte) []byte {
	if s.Hash() == 0 {
		return message
	}
	h := s.Hash().New()
	h.Write(message)
	return h.Sum(nil)
}

// Options are what a [crypto.Signer] is asked for the scheme with. PSS salts with as many bytes as the hash has, as
// in-toto, Notary Project, AWS KMS and TLS do.
func (s Scheme) Options() crypto.SignerOpts {
	switch {
	case table[s].pss:
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: s.Hash()}
	case s == Ed25519ph:
		return &ed25519.Options{Hash: s.Hash()}
	}
	return s.Hash()
}

// schemes are those of each type of key, the default first. They are read alone.
var (
	p256     = []Scheme{ECDSAWithSHA256, ECDSAWithSHA384, ECDSAWithSHA512}
	p384     = []Scheme{ECDSAWithSHA384, ECDSAWithSHA256, ECDSAWithSHA512}
	p521     = []Scheme{ECDSAWithSHA512, ECDSAWithSHA256, ECDSAWithSHA384}
	rsaAny   = []Scheme{SHA256WithRSA, SHA384WithRSA, SHA512WithRSA, SHA256WithRSAPSS, SHA384WithRSAPSS, SHA512WithRSAPSS}
	ed25519s = []Scheme{PureEd25519, Ed25519ph}
	mldsa44  = []Scheme{PureMLDSA44}
	mldsa65  = []Scheme{PureMLDSA65}
	mldsa87  = []Scheme{PureMLDSA87}
)

// Of returns the schemes that a public key can be used with, its default first, or says why the key is not used at all.
// The caller does not change what is returned.
func Of(pub crypto.PublicKey) ([]Scheme, error) {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		//lint:ignore SA1019 asks whether there is a point, and does nothing with it
		if pub == nil || pub.X == nil || pub.Y == nil {
			break
		}
		switch pub.Curve {
		case elliptic.P256():
			return p256, nil
		case elliptic.P384():
			return p384, nil
		case elliptic.P521():
			return p521, nil
		}
		return nil, errors.New("ECDSA is used on P-256, P-384 and P-521 alone")
	case *rsa.PublicKey:
		if pub == nil || pub.N == nil {
			break
		}
		switch pub.N.BitLen() {
		case 2048, 3072, 4096:
			return rsaAny, nil
		}
		return nil, fmt.Errorf("RSA with %d bits is not used; 2048, 3072 and 4096 are", pub.N.BitLen())
	case ed25519.PublicKey:
		if len(pub) != ed25519.PublicKeySize {
			break
		}
		return ed25519s, nil
	case *mldsa.PublicKey:
		if pub == nil {
			break
		}
		switch pub.Parameters() {
		case mldsa.MLDSA44():
			return mldsa44, nil
		case mldsa.MLDSA65():
			return mldsa65, nil
		case mldsa.MLDSA87():
			return mldsa87, nil
		}
	}
	return nil, fmt.Errorf("a key of type %T that is not used, or empty", pub)
}

// Choose returns the schemes among wanted, Default resolved, or the default of the key if there are none wanted. A
// scheme that the key cannot be used with is an error.
func Choose(pub crypto.PublicKey, wanted ...Scheme) ([]Scheme, error) {
	fit, err := Of(pub)
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return fit[:1], nil
	}
	out := slices.Clone(wanted)
	for i, s := range out {
		if s == Default {
			out[i] = fit[0]
		} else if !slices.Contains(fit, s) {
			return nil, fmt.Errorf("a key of type %T does not sign %v", pub, s)
		}
	}
	return out, nil
}

// Verify reports whether sig is pub's under this scheme, over data: the digest by Hash, or the message if that is zero.
// A key that the scheme is not for verifies nothing.
func (s Scheme) Verify(pub crypto.PublicKey, data, sig []byte) bool {
	return s.VerifySalted(pub, data, sig, rsa.PSSSaltLengthAuto)
}

// VerifySalted is Verify, where a signature by PSS has a salt of a length, as crypto/rsa counts it.
func (s Scheme) VerifySalted(pub crypto.PublicKey, data, sig []byte, salt int) bool {
	row := table[s]
	if row.hash != 0 && len(data) != row.hash.Size() { // ECDSA would take less for a number that anybody can sign
		return false
	}
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		return row.key == ecdsaKey && ecdsa.VerifyASN1(pub, data, sig)
	case *rsa.PublicKey:
		switch {
		case row.key != rsaKey:
			return false
		case row.pss:
			return rsa.VerifyPSS(pub, row.hash, data, sig, &rsa.PSSOptions{SaltLength: salt, Hash: row.hash}) == nil
		}
		return rsa.VerifyPKCS1v15(pub, row.hash, data, sig) == nil
	case ed25519.PublicKey:
		return row.key == ed25519Key && len(pub) == ed25519.PublicKeySize &&
			ed25519.VerifyWithOptions(pub, data, sig, &ed25519.Options{Hash: row.hash}) == nil
	case *mldsa.PublicKey:
		return row.key == mldsaKey && pub != nil && pub.Parameters().String() == row.name && mldsa.Verify(pub, data, sig, nil) == nil
	}
	return false
}
