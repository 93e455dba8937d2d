package sign

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"strings"
	"time"

	mldsax509 "filippo.io/mldsa/x509"
	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/bundlewriter"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/intoto"
	"github.com/ladingdev/lading/internal/scheme"
	"github.com/ladingdev/lading/internal/scheme/signing"
	"github.com/ladingdev/lading/internal/signedtext"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Errors of signers, for errors.Is.
var (
	ErrStatement = errors.New("statement cannot be signed")  // it is incomplete, or its predicate is not strict JSON
	ErrKey       = errors.New("key cannot be used for this") // its type or size has no place in the format
	ErrSignature = signing.ErrSignature                      // what a Key returned does not verify: it was not handed out
)

// Annotations that cosign v3 writes beside a bundle, unsigned, for those who list referrers.
const (
	annotationContent       = "dev.sigstore.bundle.content"
	annotationPredicateType = "dev.sigstore.bundle.predicateType"
)

// BundleSigner signs with a key and writes Sigstore bundles of version 0.3, as cosign v3 does: a DSSE envelope with an
// in-toto Statement v1. It is the Signer for most uses.
type BundleSigner struct {
	// Key signs. It must be one of the table in the package comment.
	Key Key
	// Scheme is how Key signs; zero means the default of its type. Verifiers accept another one if they list it: here in
	// TrustedKey.Schemes, for others see the package comment. One that Key cannot sign with is [ErrKey].
	Scheme Scheme
	// Witness sees each signature and adds to the bundle what it says of it, such as when it was made: see package sign/keyless.
	// Nil means that nobody does.
	Witness Witness
	// Now, if set, gives the time for the annotation org.opencontainers.image.created, which nobody signs. Nil leaves it
	// out, so that the same signature gives the same descriptor.
	Now func() time.Time
}

// A Witness is shown signatures when they are made. Package sign/keyless has one: transparency logs and timestamp authorities.
type Witness interface {
	// Witness returns a Sigstore bundle with what there is to say of its signature, which key has made. It changes nothing that is
	// signed. An error means that nothing is handed out.
	Witness(ctx context.Context, bundle []byte, key crypto.PublicKey) ([]byte, error)
}

// Sign returns a bundle with the statement. Errors wrap [ErrStatement], [ErrKey],
// [ErrSignature], or the key's.
func (b *BundleSigner) Sign(ctx context.Context, s *Statement) (Descriptor, error) {
	payload, err := s.encode()
	if err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w: %w", ErrStatement, err)
	}
	return b.signPayload(ctx, payload, s.Predicate.PredicateType())
}

// SignStatement signs an in-toto Statement that somebody else wrote, its bytes as they are, and returns a bundle as Sign does. It must
// be one of version 1, or of 0.1, in strict JSON, with a subject that has a digest and a predicate type that is an absolute URI; else the
// error wraps [ErrStatement].
func (b *BundleSigner) SignStatement(ctx context.Context, statement []byte) (Descriptor, error) {
	predicateType, err := checkStatement(statement)
	if err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w: %w", ErrStatement, err)
	}
	return b.signPayload(ctx, statement, predicateType)
}

func (b *BundleSigner) signPayload(ctx context.Context, payload []byte, predicateType string) (Descriptor, error) {
	envelope, err := signPayload(ctx, b.Key, payload, b.Scheme)
	if err != nil {
		return Descriptor{}, err
	}
	data, err := b.bundle(ctx, &bundle.Bundle{Envelope: envelope})
	if err != nil {
		return Descriptor{}, err
	}
	annotations := map[string]string{annotationContent: "dsse-envelope", annotationPredicateType: predicateType}
	if b.Now != nil {
		annotations[ocispec.AnnotationCreated] = b.Now().UTC().Format(time.RFC3339)
	}
	return describe(bundle.MediaType, data, annotations), nil
}

// SignBlob signs the bytes of r, such as a file, and returns a bundle with a message signature. With an Ed25519 key, which
// signs the message and not a digest, r is read into memory.
//
// A file that is, to the byte, what a signature of another format is over is refused with [ErrStatement], for its signature
// would be one of that format: the encoding of a DSSE envelope, a simple signing payload, what is signed in Notary Project's
// JWS and COSE, in a certificate, a revocation list, an OCSP response and a timestamp, by transparency logs and in TUF.
func (b *BundleSigner) SignBlob(ctx context.Context, r io.Reader) (Descriptor, error) {
	pub, scheme, err := choose(b.Key, b.Scheme)
	switch {
	case err != nil:
		return Descriptor{}, err
	case r == nil:
		return Descriptor{}, fmt.Errorf("sign: %w: no file to read", ErrStatement)
	}
	r, err = signedtext.File(r)
	switch {
	case errors.Is(err, signedtext.ErrSignedText):
		return Descriptor{}, fmt.Errorf("sign: %w: the file is %w", ErrStatement, err)
	case err != nil:
		return Descriptor{}, fmt.Errorf("sign: %w", err)
	}
	m := &bundle.Message{Algorithm: "SHA2_256"}
	h := sha256.New()
	var data []byte
	if hash := scheme.Hash(); hash == 0 {
		if data, err = io.ReadAll(r); err == nil {
			h.Write(data)
			m.Digest = h.Sum(nil)
		}
	} else {
		m.Algorithm = fmt.Sprintf("SHA2_%d", 8*hash.Size())
		h = hash.New()
		_, err = io.Copy(h, r)
		m.Digest = h.Sum(nil)
		data = m.Digest
	}
	if err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w", err)
	}
	if m.Signature, err = signing.Sign(ctx, scheme, b.Key, pub, data); err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w", err)
	}
	out, err := b.bundle(ctx, &bundle.Bundle{Message: m})
	if err != nil {
		return Descriptor{}, err
	}
	return describe(bundle.MediaType, out, map[string]string{annotationContent: "message-signature"}), nil
}

func (b *BundleSigner) bundle(ctx context.Context, content *bundle.Bundle) ([]byte, error) {
	spki, err := mldsax509.MarshalPKIXPublicKey(b.Key.Public())
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	sum := sha256.Sum256(spki)
	hint := base64.StdEncoding.EncodeToString(sum[:])
	data := bundlewriter.Append(nil, bundlewriter.PublicKey(nil, hint), content.Envelope, content.Message)
	if b.Witness == nil {
		return data, nil
	}
	if data, err = b.Witness.Witness(ctx, data, b.Key.Public()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return data, nil
}

func describe(mediaType string, data []byte, annotations map[string]string) Descriptor {
	return Descriptor{
		MediaType:    mediaType,
		ArtifactType: mediaType,
		Digest:       digest.FromBytes(data),
		Size:         int64(len(data)),
		Data:         data,
		Annotations:  annotations,
	}
}

// signPayload signs an encoded statement as a DSSE envelope.
func signPayload(ctx context.Context, key Key, payload []byte, scheme Scheme) (*dsse.Envelope, error) {
	sig, err := signMessage(ctx, key, dsse.PAE(dsse.PayloadType, payload), scheme)
	if err != nil {
		return nil, err
	}
	return &dsse.Envelope{PayloadType: dsse.PayloadType, Payload: payload, Signatures: []dsse.Signature{{Sig: sig}}}, nil
}

// encode returns the statement as an in-toto Statement v1, the predicate's bytes as they are.
func (s *Statement) encode() ([]byte, error) {
	if s == nil || s.Predicate == nil {
		return nil, errors.New("no predicate")
	}
	if len(s.Subjects) == 0 {
		return nil, errors.New("no subject")
	}
	out := intoto.Statement{PredicateType: s.Predicate.PredicateType()}
	if u, err := url.Parse(out.PredicateType); err != nil || !u.IsAbs() {
		return nil, fmt.Errorf("predicate type %q is not an absolute URI", out.PredicateType)
	}
	check := intoto.CheckDigest
	if out.PredicateType == ImageSignatureType {
		check = digest.Digest.Validate
	}
	for _, sub := range s.Subjects {
		if err := check(sub.Digest); err != nil {
			return nil, fmt.Errorf("subject %q with digest %q: %w", sub.Name, sub.Digest, err)
		}
		algorithm, encoded, _ := strings.Cut(string(sub.Digest), ":")
		out.Subjects = append(out.Subjects, intoto.Subject{
			Name:        sub.Name,
			Digest:      map[string]string{algorithm: encoded},
			Annotations: maps.Clone(sub.Annotations),
		})
	}
	var err error
	if out.Predicate, err = s.Predicate.MarshalJSON(); err != nil {
		return nil, err
	}
	return out.Append(nil)
}

// signMessage signs a message; see the table in the package comment.
func signMessage(ctx context.Context, key Key, message []byte, wanted Scheme) ([]byte, error) {
	pub, scheme, err := choose(key, wanted)
	if err != nil {
		return nil, err
	}
	sig, err := signing.Sign(ctx, scheme, key, pub, scheme.Digest(message))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return sig, nil
}

// choose returns the public key of key and the scheme to sign with.
func choose(key Key, wanted Scheme) (crypto.PublicKey, Scheme, error) {
	if key == nil {
		return nil, 0, fmt.Errorf("sign: %w: the signer has no Key", ErrKey)
	}
	pub := key.Public()
	chosen, err := scheme.Choose(pub, wanted)
	if err != nil {
		return nil, 0, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	return pub, chosen[0], nil
}

// checkStatement returns the predicate type of a statement that somebody else wrote.
func checkStatement(data []byte) (predicateType string, err error) {
	s, err := intoto.Parse(data, intoto.Limits{})
	if err != nil {
		return "", err
	}
	if u, err := url.Parse(s.PredicateType); err != nil || !u.IsAbs() {
		return "", fmt.Errorf("predicate type %q is not an absolute URI", s.PredicateType)
	}
	if len(s.Subjects) == 0 {
		return "", errors.New("no subject")
	}
	for _, sub := range s.Subjects {
		if len(sub.Digest) == 0 {
			return "", fmt.Errorf("subject %q has no digest", sub.Name)
		}
	}
	return s.PredicateType, nil
}
