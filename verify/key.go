package verify

import (
	"cmp"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"slices"
	"sync/atomic"
	"time"

	mldsax509 "filippo.io/mldsa/x509"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/intoto"
	"github.com/ladingdev/lading/internal/keytext"
	"github.com/ladingdev/lading/internal/scheme"
	"github.com/ladingdev/lading/internal/simplesigning"
	"github.com/ladingdev/lading/internal/strictjson"
)

// A Format is a shape of evidence. A KeyVerifier reads those that its caller lists.
type Format uint8

const (
	_             Format = iota // the zero Format is invalid
	Bundle                      // Sigstore bundle v0.1 to v0.3 with a public key: what cosign v3 and package sign write
	DSSE                        // bare DSSE envelope with an in-toto statement: cosign's .att tag
	SimpleSigning               // cosign's first format, only for image signatures: the .sig tag
)

const (
	// cosign's annotation for the certificate that a signature comes with.
	certificateAnnotation = "dev.sigstore.cosign/certificate"
)

// Limits bound what a candidate may cost. A zero field means its default.
type Limits struct {
	EvidenceBytes int // of one candidate; default 32 MiB. A simple signing payload has 64 KiB in any case
	Signatures    int // in one envelope; default 8. A bundle has one in any case
	Subjects      int // of one statement; default 1,024
	Digests       int // of one subject; default 32
	WholeBytes    int // hashed for keys of Ed25519 and ML-DSA, each for each signature; default 32 MiB, and once in any case
	BlobBytes     int // of a file that has to be held in memory, for such a key signs it whole; default 128 MiB
}

// WithDefaults returns the limits that hold: a field that is zero or less is its default.
func (l Limits) WithDefaults() Limits {
	l.EvidenceBytes = cmp.Or(max(l.EvidenceBytes, 0), 32<<20)
	l.Signatures = cmp.Or(max(l.Signatures, 0), 8)
	l.Subjects = cmp.Or(max(l.Subjects, 0), 1024)
	l.Digests = cmp.Or(max(l.Digests, 0), 32)
	l.WholeBytes = cmp.Or(max(l.WholeBytes, 0), 32<<20)
	l.BlobBytes = cmp.Or(max(l.BlobBytes, 0), 128<<20)
	return l
}

// A TrustedKey is a public key whose signatures count, and how it may sign. Which algorithm that is, the key and Schemes
// decide, never the evidence: see the table in the package comment. A key that is trusted here for files and elsewhere for
// images, or as a certificate's, signs nothing that counts for both; see sign.Key.
type TrustedKey struct {
	// Key is an *ecdsa.PublicKey, *rsa.PublicKey, ed25519.PublicKey, or *mldsa.PublicKey of filippo.io/mldsa (from Go 1.27 that of
	// crypto/mldsa).
	Key crypto.PublicKey
	// Schemes are the ways of signing that count; none means the default of the key's type alone. A list replaces the default: name
	// it, too, if it is to count beside another. A scheme that is not for this type of key makes every verification fail.
	Schemes []Scheme
	// Name is what people call the key, or who holds it: reports say it, and nothing is decided by it.
	Name string
	// Until is when the key's signatures stop to count, all of them: nobody vouches for when they were made. Zero means never.
	Until time.Time
}

// ParseTrustedKey reads a public key from one PEM block in PKIX form, such as cosign.pub, or in that of PKCS #1. Errors say
// what else the file is and how to convert it. Package sign/keyfile reads OpenSSH's keys too.
func ParseTrustedKey(pemBytes []byte) (TrustedKey, error) {
	pub, err := keytext.Public(pemBytes)
	if err != nil {
		return TrustedKey{}, fmt.Errorf("verify: public key: %w", err)
	}
	k := TrustedKey{Key: pub}
	if _, err := k.schemes(); err != nil {
		return TrustedKey{}, err
	}
	return k, nil
}

// Identity returns the identity under which this key's signatures count.
func (k TrustedKey) Identity() (Identity, error) {
	spki, err := mldsax509.MarshalPKIXPublicKey(k.Key)
	if err != nil {
		return Identity{}, fmt.Errorf("verify: public key: %w", err)
	}
	sum := sha256.Sum256(spki)
	return Identity{Kind: KeyIdentity, Key: hex.EncodeToString(sum[:])}, nil
}

// schemes returns those that count.
func (k TrustedKey) schemes() ([]Scheme, error) {
	schemes, err := scheme.Choose(k.Key, k.Schemes...)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return schemes, nil
}

// KeyVerifier verifies what was signed with keys that the caller names. It reads nothing but the evidence: no log, no
// timestamp, no network.
type KeyVerifier struct {
	// Keys are trusted, each alone. Without keys nothing verifies.
	Keys []TrustedKey
	// Formats are read; anything else is not mine (ErrFormat). Nil means Bundle alone.
	Formats []Format
	// Limits bound what a candidate may cost; zero means the defaults.
	Limits Limits
	// Now tells the time that TrustedKey.Until is held against; nil means time.Now.
	Now func() time.Time

	compiled atomic.Pointer[keyring] // what Keys come to
}

// Validate returns an error if the KeyVerifier can never accept a signature: it has no key, one that is not used, none
// that still counts, or a format that there is not. Programs call it when they start.
func (v *KeyVerifier) Validate() error {
	if len(v.Keys) == 0 {
		return errors.New("verify: the verifier has no key: put those whose signatures count into Keys")
	}
	for _, k := range v.Keys {
		if _, err := k.schemes(); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(v.Keys, func(k TrustedKey) bool { return !k.over(v.now()) }) {
		return errors.New("verify: the time of every key is over: see TrustedKey.Until")
	}
	if v.Formats != nil && (len(v.Formats) == 0 || slices.Min(v.Formats) < Bundle || slices.Max(v.Formats) > SimpleSigning) {
		return errors.New("verify: Formats is empty or has one that there is not; nil means Bundle")
	}
	return nil
}

func (v *KeyVerifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// over reports whether the key no longer counts.
func (k TrustedKey) over(now time.Time) bool { return !k.Until.IsZero() && !now.Before(k.Until) }

// Verify proves one candidate: a signature by one of Keys over a statement about subject.
//
// A statement about a source is asked for by the digest that in-toto gives it, such as "gitCommit:" or "dirHash:" and hex in lower case.
// When a statement has several subjects, subject must be one of them; the Attestation has the name and annotations of the first that it is.
// Statements of type https://sigstore.dev/cosign/sign/v1 and simple signing payloads become image signatures, everything else a Statement.
func (v *KeyVerifier) Verify(ctx context.Context, subject, evidence Descriptor) (*Attestation, error) {
	limits := v.Limits.WithDefaults()
	format, err := v.format(evidence)
	if err != nil {
		return nil, err
	}
	if err := ready(ctx, evidence, limits); err != nil {
		return nil, err
	}
	if err := intoto.CheckDigest(subject.Digest); err != nil {
		return nil, fmt.Errorf("%w: the digest asked for, %.80q: %w", ErrSubject, subject.Digest, err)
	}
	var att *Attestation
	unread := []Check{timeNotChecked}
	switch format {
	case Bundle:
		b, err := parseBundle(evidence.Data)
		if err != nil {
			return nil, err
		}
		if b.Message != nil {
			return nil, fmt.Errorf("%w: the signature of a file, not a statement about an image", ErrType)
		}
		att, err = v.statement(ctx, b.Envelope, b.Hint, subject, limits)
		if err != nil {
			return nil, err
		}
		unread = notLookedAt(b)
	case DSSE:
		env, err := dsse.Parse(evidence.Data, limits.Signatures)
		if err != nil {
			return nil, malformed(err)
		}
		att, err = v.statement(ctx, env, "", subject, limits)
		if err != nil {
			return nil, certified(evidence, err)
		}
	case SimpleSigning:
		if att, err = v.simpleSigning(ctx, subject, evidence, limits); err != nil {
			return nil, certified(evidence, err)
		}
	}
	evidence.Data = nil
	att.Subject, att.Evidence = Descriptor{Digest: subject.Digest}, evidence // nobody signed more of it
	att.Checks = append(att.Checks, unread...)
	return att, nil
}

// ready says why evidence is not read at all.
func ready(ctx context.Context, evidence Descriptor, limits Limits) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrUnchecked, context.Cause(ctx))
	}
	if len(evidence.Data) > limits.EvidenceBytes {
		return fmt.Errorf("%w: %d bytes of evidence, at most %d are read", ErrLimit, len(evidence.Data), limits.EvidenceBytes)
	}
	return nil
}

// certified tells a signature that came with a certificate, in an annotation that nobody signed, from one by a key that
// is not trusted: it is for another Verifier.
func certified(evidence Descriptor, err error) error {
	if errors.Is(err, ErrNotTrusted) && evidence.Annotations[certificateAnnotation] != "" {
		return fmt.Errorf("%w: signed with a certificate, not with a trusted key", ErrFormat)
	}
	return err
}

var timeNotChecked = Check{Name: "time", Status: NotChecked, Reason: "a key's signature has no time that anybody vouches for"}

// notLookedAt lists what could vouch for the time of a bundle and is not read here.
func notLookedAt(b *bundle.Bundle) []Check {
	checks := []Check{timeNotChecked}
	if b.Logged {
		checks = append(checks, Check{Name: "log", Status: NotChecked, Reason: "the bundle's log entries are not looked at"})
	}
	if b.Timestamped {
		checks = append(checks, Check{Name: "timestamp", Status: NotChecked, Reason: "the bundle's timestamps are not looked at"})
	}
	return checks
}

// parseBundle reads a bundle that a key signed.
func parseBundle(data []byte) (*bundle.Bundle, error) {
	b, err := bundle.Parse(data)
	switch {
	case err != nil:
		return nil, malformed(err)
	case b.Certificate:
		return nil, fmt.Errorf("%w: a bundle signed with a certificate, not with a key", ErrFormat)
	}
	return b, nil
}

// format tells which format evidence is in, or why it is not read.
func (v *KeyVerifier) format(evidence Descriptor) (Format, error) {
	var f Format
	switch mediaType, _, err := mime.ParseMediaType(evidence.MediaType); {
	case err != nil:
	case bundle.IsMediaType(mediaType):
		f = Bundle
	case mediaType == dsse.MediaType:
		f = DSSE
	case mediaType == simplesigning.MediaType:
		f = SimpleSigning
	}
	accepted := v.Formats
	if accepted == nil {
		accepted = []Format{Bundle}
	}
	switch {
	case f == 0:
		return 0, fmt.Errorf("%w: media type %.80q", ErrFormat, evidence.MediaType)
	case !slices.Contains(accepted, f):
		return 0, fmt.Errorf("%w: media type %.80q is not among the formats that are accepted", ErrFormat, evidence.MediaType)
	}
	return f, nil
}

// statement proves an envelope.
func (v *KeyVerifier) statement(
	ctx context.Context, env *dsse.Envelope, hint string, subject Descriptor, limits Limits,
) (*Attestation, error) {
	if env.PayloadType != dsse.PayloadType {
		return nil, fmt.Errorf("%w: payload type %.80q, not %s", ErrType, env.PayloadType, dsse.PayloadType)
	}
	signers, err := v.signers(ctx, &message{data: env.Signed, most: limits.WholeBytes}, env.Signatures, hint)
	if err != nil {
		return nil, err
	}
	st, err := intoto.Parse(env.Payload, intoto.Limits{Subjects: limits.Subjects, Digests: limits.Digests})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, malformed(err))
	}
	about := st.Find(subject.Digest)
	if about == nil {
		return nil, fmt.Errorf("%w: %s", ErrSubject, firstSubject(st))
	}
	kind := Statement
	if st.PredicateType == intoto.ImageSignature {
		kind = ImageSignature
	}
	return &Attestation{
		Kind:          kind,
		Name:          about.Name,
		Annotations:   about.Annotations,
		PredicateType: st.PredicateType,
		Predicate:     st.Predicate,
		Signers:       signers,
		Checks: []Check{
			{Name: "signature", Status: Passed, Reason: "by " + signers[0].String()},
			{Name: "statement", Status: Passed, Reason: st.Type},
			{Name: "subject", Status: Passed, Reason: string(subject.Digest)},
		},
	}, nil
}

// firstSubject names the first subject of a statement, for a refusal.
func firstSubject(st *intoto.Statement) string {
	s := st.Subjects[0]
	for _, algorithm := range []string{"sha256", "sha512"} {
		if d := digest.Digest(algorithm + ":" + s.Digest[algorithm]); d.Validate() == nil {
			return fmt.Sprintf("it is about %.19s...", d)
		}
	}
	return "it names no digest of the algorithm that was asked for"
}

func (v *KeyVerifier) simpleSigning(ctx context.Context, subject, evidence Descriptor, limits Limits) (*Attestation, error) {
	if len(evidence.Data) > simplesigning.MaxBytes {
		return nil, fmt.Errorf("%w: a payload of %d bytes, at most %d are read", ErrLimit, len(evidence.Data), simplesigning.MaxBytes)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(evidence.Annotations[simplesigning.SignatureAnnotation])
	if err != nil || len(sig) == 0 {
		return nil, fmt.Errorf("%w: no base64 signature in annotation %s", ErrMalformed, simplesigning.SignatureAnnotation)
	}
	signers, err := v.signers(ctx, &message{data: evidence.Data, most: limits.WholeBytes}, []dsse.Signature{{Sig: sig}}, "")
	if err != nil {
		return nil, err
	}
	p, err := simplesigning.Parse(evidence.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, malformed(err))
	}
	if p.Digest != subject.Digest.String() || subject.Digest.Validate() != nil {
		return nil, fmt.Errorf("%w: it is about %.80q", ErrSubject, p.Digest)
	}
	return &Attestation{
		Kind:        ImageSignature,
		Name:        p.Reference,
		Annotations: p.Optional,
		Signers:     signers,
		Checks: []Check{
			{Name: "signature", Status: Passed, Reason: "by " + signers[0].String()},
			{Name: "subject", Status: Passed, Reason: string(subject.Digest)},
		},
	}, nil
}

// malformed gives an error of a codec its kind.
func malformed(err error) error {
	switch {
	case errors.Is(err, strictjson.ErrLimit):
		return fmt.Errorf("%w: %w", ErrLimit, err)
	case errors.Is(err, intoto.ErrType), errors.Is(err, simplesigning.ErrType):
		return fmt.Errorf("%w: %w", ErrType, err)
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}
