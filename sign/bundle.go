package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"time"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/intoto"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Errors of signers, for errors.Is.
var (
	ErrStatement = errors.New("statement cannot be signed")  // it is incomplete, or its predicate is not strict JSON
	ErrKey       = errors.New("key cannot be used for this") // its type or size has no place in the format
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
	// Now, if set, gives the time for the annotation org.opencontainers.image.created, which nobody signs. Nil leaves it
	// out, so that the same signature gives the same descriptor.
	Now func() time.Time
}

// Sign returns a bundle with the statement. Errors wrap [ErrStatement], [ErrKey], or what the key returned.
func (b *BundleSigner) Sign(ctx context.Context, s *Statement) (Descriptor, error) {
	envelope, err := signEnvelope(ctx, b.Key, s)
	if err != nil {
		return Descriptor{}, err
	}
	data, err := b.bundle(&bundle.Bundle{Envelope: envelope})
	if err != nil {
		return Descriptor{}, err
	}
	annotations := map[string]string{
		annotationContent:       "dsse-envelope",
		annotationPredicateType: s.Predicate.PredicateType(),
	}
	if b.Now != nil {
		annotations[ocispec.AnnotationCreated] = b.Now().UTC().Format(time.RFC3339)
	}
	return describe(bundle.MediaType, data, annotations), nil
}

func (b *BundleSigner) bundle(content *bundle.Bundle) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(b.Key.Public())
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	sum := sha256.Sum256(spki)
	content.Hint = base64.StdEncoding.EncodeToString(sum[:])
	return content.Append(nil), nil
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

// signEnvelope signs the statement as a DSSE envelope.
func signEnvelope(ctx context.Context, key Key, s *Statement) (*dsse.Envelope, error) {
	payload, err := s.encode()
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrStatement, err)
	}
	sig, err := signMessage(ctx, key, dsse.PAE(dsse.PayloadType, payload))
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
	for _, sub := range s.Subjects {
		if err := sub.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("subject %q with digest %q: %w", sub.Name, sub.Digest, err)
		}
		out.Subjects = append(out.Subjects, intoto.Subject{
			Name:        sub.Name,
			Digest:      map[string]string{sub.Digest.Algorithm().String(): sub.Digest.Encoded()},
			Annotations: maps.Clone(sub.Annotations),
		})
	}
	var err error
	if out.Predicate, err = s.Predicate.MarshalJSON(); err != nil {
		return nil, err
	}
	return out.Append(nil)
}

// signMessage signs a message as Sigstore does with a key of this type and size: see the table in the package comment.
func signMessage(ctx context.Context, key Key, message []byte) ([]byte, error) {
	if key == nil {
		return nil, fmt.Errorf("sign: %w: there is none", ErrKey)
	}
	hash, err := hashFor(key.Public())
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	data := message
	if hash != 0 {
		h := hash.New()
		h.Write(message)
		data = h.Sum(nil)
	}
	sig, err := key.Sign(ctx, data, hash)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return sig, nil
}

// hashFor returns the hash that goes with a key, zero for Ed25519, which takes the message.
func hashFor(pub crypto.PublicKey) (crypto.Hash, error) {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		switch pub.Curve.Params().BitSize {
		case 256:
			return crypto.SHA256, nil
		case 384:
			return crypto.SHA384, nil
		case 521:
			return crypto.SHA512, nil
		}
		return 0, fmt.Errorf("ECDSA on curve %s", pub.Curve.Params().Name)
	case *rsa.PublicKey:
		switch pub.N.BitLen() {
		case 2048, 3072, 4096:
			return crypto.SHA256, nil
		}
		return 0, fmt.Errorf("RSA with %d bits; 2048, 3072 and 4096 are used", pub.N.BitLen())
	case ed25519.PublicKey:
		return 0, nil
	}
	return 0, fmt.Errorf("keys of type %T", pub)
}
