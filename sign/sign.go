package sign

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Descriptor names content; with Data it is content. Alias of the OCI image specification's type.
type Descriptor = ocispec.Descriptor

// A Predicate is what a statement says of its subjects. It names its own type and gives its own bytes: signers put
// the bytes into what they sign as they are, never through [json.Marshal], so that an SBOM is signed to the letter.
//
// MarshalJSON returns one JSON object, or an error if the document has no JSON form. A signer checks that it is one
// strict JSON object and changes nothing in it.
type Predicate interface {
	PredicateType() string // an absolute URI
	MarshalJSON() ([]byte, error)
}

// ImageSignatureType is the predicate type of an image signature in Sigstore bundles, as cosign v3 writes it.
const ImageSignatureType = "https://sigstore.dev/cosign/sign/v1"

// ImageSignature is the predicate that says: this image is ours. Every [Signer] writes it in its own format's terms:
// a Sigstore bundle as a statement of type [ImageSignatureType], cosign's legacy format as a simple signing payload,
// Notary Project as its payload.
type ImageSignature struct{}

// PredicateType is ImageSignatureType.
func (ImageSignature) PredicateType() string { return ImageSignatureType }

// MarshalJSON is an empty object: the signature says nothing more.
func (ImageSignature) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// RawPredicate is a predicate that somebody else made: its type and its JSON, which is signed unchanged.
type RawPredicate struct {
	Type string
	JSON json.RawMessage
}

// PredicateType is p.Type.
func (p RawPredicate) PredicateType() string { return p.Type }

// MarshalJSON is p.JSON, unchanged.
func (p RawPredicate) MarshalJSON() ([]byte, error) { return p.JSON, nil }

// A Subject is what a statement is about.
type Subject struct {
	Descriptor                    // of which MediaType, Digest and Size are signed as far as the format has room
	Name        string            // signed; empty is left out
	Annotations map[string]string // signed; those of the Descriptor are not
}

// A Statement is a claim, not yet signed: this predicate holds of these subjects. A nil Predicate is an error, as is a
// statement without subjects or a subject without digest.
type Statement struct {
	Subjects  []Subject
	Predicate Predicate
}

// About returns the statement that p holds of one subject.
func About(subject Descriptor, p Predicate) *Statement {
	return &Statement{Subjects: []Subject{{Descriptor: subject}}, Predicate: p}
}

// A Signer turns a statement into evidence: a Descriptor with Data, MediaType, Digest and Size set, ArtifactType and
// Annotations where the format has them, ready to attach to the subject. Keys and services are Signers alike.
//
// Implementations are safe for concurrent use.
type Signer interface {
	Sign(ctx context.Context, s *Statement) (Descriptor, error)
}

// SignerFunc makes a function a Signer.
type SignerFunc func(ctx context.Context, s *Statement) (Descriptor, error)

// Sign calls f.
func (f SignerFunc) Sign(ctx context.Context, s *Statement) (Descriptor, error) {
	if f == nil {
		return Descriptor{}, fmt.Errorf("sign: %w: the SignerFunc is nil", ErrKey)
	}
	return f(ctx, s)
}

// Errors of keys and services that are somewhere else, for errors.Is. What the service itself said is beneath.
var (
	ErrThrottled = errors.New("too many requests: try again later")          // after the retries that the client makes
	ErrDenied    = errors.New("no permission to sign, or no valid identity") // which will not change by itself
	ErrLimit     = errors.New("larger than the service signs")               // told before the service is asked
)

// A Key signs bytes: a file, a KMS, an HSM.
//
// Sign follows [crypto.Signer]: data is a digest made with opts.HashFunc(), or the whole message if that is zero;
// [*rsa.PSSOptions] asks for RSASSA-PSS, anything else for PKCS #1 v1.5; ECDSA signatures are ASN.1 DER. What a key cannot do,
// such as one of the two paddings, is an error that wraps [ErrKey], never another signature than was asked for.
//
// Public is constant and makes no call. Implementations are safe for concurrent use. Signers verify what a Key returns before
// they hand it out.
//
// A key should sign in one place and for one purpose: its signature counts wherever the key is trusted, for whatever the signed
// bytes can be read as. No signature of one format that is signed or verified here is one of another, and files that would be
// are refused by [BundleSigner.SignBlob] and by verifiers here; other programs sign such files.
type Key interface {
	Public() crypto.PublicKey
	Sign(ctx context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error)
}
