package sign

import "github.com/ladingdev/lading/internal/scheme"

// A Scheme is a way in which a key signs: algorithm, padding and hash, under the names of package crypto/x509. Zero is
// the default of the key's type: see the table in the package comment. It is the type of package verify, too.
type Scheme = scheme.Scheme

// The schemes, each for one type of key. RSA-PSS salts with as many bytes as the hash has.
const (
	ECDSAWithSHA256  Scheme = scheme.ECDSAWithSHA256 // in ASN.1 DER, as all of ECDSA
	ECDSAWithSHA384  Scheme = scheme.ECDSAWithSHA384
	ECDSAWithSHA512  Scheme = scheme.ECDSAWithSHA512
	SHA256WithRSA    Scheme = scheme.SHA256WithRSA // RSASSA-PKCS1-v1_5
	SHA384WithRSA    Scheme = scheme.SHA384WithRSA
	SHA512WithRSA    Scheme = scheme.SHA512WithRSA
	SHA256WithRSAPSS Scheme = scheme.SHA256WithRSAPSS
	SHA384WithRSAPSS Scheme = scheme.SHA384WithRSAPSS
	SHA512WithRSAPSS Scheme = scheme.SHA512WithRSAPSS
	PureEd25519      Scheme = scheme.PureEd25519 // of the whole message
	Ed25519ph        Scheme = scheme.Ed25519ph   // of its SHA-512
	PureMLDSA44      Scheme = scheme.PureMLDSA44 // FIPS 204: of the whole message, without context
	PureMLDSA65      Scheme = scheme.PureMLDSA65
	PureMLDSA87      Scheme = scheme.PureMLDSA87
)
