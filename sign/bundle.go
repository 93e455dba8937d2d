package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
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
	// SHA256 hashes with SHA-256 also for P-384 and P-521, the one hash that cosign verifies with such keys from files
	// unless told by --signature-digest-algorithm. Verifiers here need TrustedKey.AllowSHA256 for it.
	SHA256 bool
	// Now, if set, gives the time for the annotation org.opencontainers.image.created, which nobody signs. Nil leaves it
	// out, so that the same signature gives the same descriptor.
	Now func() time.Time
}

// Sign returns a bundle with the statement. Errors wrap [ErrStatement], [ErrKey], or what the key returned.
func (b *BundleSigner) Sign(ctx context.Context, s *Statement) (Descriptor, error) {
	envelope, err := signEnvelope(ctx, b.Key, s, b.SHA256)
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

// SignBlob signs the bytes of r, such as a file, and returns a bundle with a message signature. With an Ed25519 key, which
// signs the message and not a digest, r is read into memory.
//
// A file that is itself what signers of images sign, a simple signing payload or the encoding of a statement, is refused with
// [ErrStatement]: its signature would be that of the image.
func (b *BundleSigner) SignBlob(ctx context.Context, r io.Reader) (Descriptor, error) {
	hash, err := signingHash(b.Key, b.SHA256)
	if err != nil {
		return Descriptor{}, err
	}
	r, err = bundle.File(r)
	switch {
	case errors.Is(err, bundle.ErrImage):
		return Descriptor{}, fmt.Errorf("sign: %w: the file is %w", ErrStatement, err)
	case err != nil:
		return Descriptor{}, fmt.Errorf("sign: %w", err)
	}
	m := &bundle.Message{Algorithm: "SHA2_256"}
	h := sha256.New()
	var data []byte
	switch hash {
	case 0:
		if data, err = io.ReadAll(r); err != nil {
			return Descriptor{}, fmt.Errorf("sign: %w", err)
		}
		h.Write(data)
		m.Digest = h.Sum(nil)
	case crypto.SHA384, crypto.SHA512:
		m.Algorithm = fmt.Sprintf("SHA2_%d", 8*hash.Size())
		h = hash.New()
		fallthrough
	default:
		if _, err := io.Copy(h, r); err != nil {
			return Descriptor{}, fmt.Errorf("sign: %w", err)
		}
		m.Digest = h.Sum(nil)
		data = m.Digest
	}
	if m.Signature, err = b.Key.Sign(ctx, data, hash); err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w", err)
	}
	out, err := b.bundle(&bundle.Bundle{Message: m})
	if err != nil {
		return Descriptor{}, err
	}
	return describe(bundle.MediaType, out, map[string]string{annotationContent: "message-signature"}), nil
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
func signEnvelope(ctx context.Context, key Key, s *Statement, sha256 bool) (*dsse.Envelope, error) {
	payload, err := s.encode()
	if err != nil {
		return nil, fmt.Errorf("sign: %w: %w", ErrStatement, err)
	}
	sig, err := signMessage(ctx, key, dsse.PAE(dsse.PayloadType, payload), sha256)
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
func signMessage(ctx context.Context, key Key, message []byte, sha256 bool) ([]byte, error) {
	hash, err := signingHash(key, sha256)
	if err != nil {
		return nil, err
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

// signingHash returns the hash that key signs with, zero for the message itself.
func signingHash(key Key, sha256 bool) (crypto.Hash, error) {
	if key == nil {
		return 0, fmt.Errorf("sign: %w: there is none", ErrKey)
	}
	hash, err := hashFor(key.Public())
	if err != nil {
		return 0, fmt.Errorf("sign: %w: %w", ErrKey, err)
	}
	if sha256 && hash != 0 {
		hash = crypto.SHA256
	}
	return hash, nil
}

// hashFor returns the hash that goes with a key, zero for Ed25519, which takes the message.
func hashFor(pub crypto.PublicKey) (crypto.Hash, error) {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		switch pub.Curve {
		case elliptic.P256():
			return crypto.SHA256, nil
		case elliptic.P384():
			return crypto.SHA384, nil
		case elliptic.P521():
			return crypto.SHA512, nil
		}
		return 0, errors.New("ECDSA on a curve other than P-256, P-384 and P-521")
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
