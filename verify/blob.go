package verify

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/signedtext"
	"github.com/opencontainers/go-digest"
)

// VerifyBlob proves a bundle about a file, whose bytes r gives: its signature, which becomes an Attestation of Kind [Blob], or a
// statement that names its SHA-256 or SHA-512 digest. The Attestation's Subject has the digest that is named. Neither an image
// signature is accepted for a file nor a file's signature for an image: a file that is what a signature of another format is over
// is [ErrType]. evidence needs Data alone; an empty MediaType means [Bundle], the one format that is read.
//
// r is read once, to its end, and only if the bundle can be read at all.
func (v *KeyVerifier) VerifyBlob(ctx context.Context, r io.Reader, evidence Descriptor) (*Attestation, error) {
	limits := v.Limits.WithDefaults()
	if evidence.MediaType == "" {
		evidence.MediaType = bundle.MediaType
	}
	format, err := v.format(evidence)
	switch {
	case err != nil:
		return nil, err
	case format != Bundle:
		return nil, fmt.Errorf("%w: files are signed in bundles", ErrFormat)
	}
	if err := ready(ctx, evidence, limits); err != nil {
		return nil, err
	}
	b, err := parseBundle(evidence.Data)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("%w: no file to read", ErrUnchecked)
	}
	m, size, err := v.readBlob(ctx, r, b.Message, limits.BlobBytes)
	if err != nil {
		return nil, err
	}
	subject := Descriptor{Digest: digest.NewDigestFromBytes(digest.SHA256, m.digest(crypto.SHA256)), Size: size}
	if b.Message == nil {
		att, err := v.Verify(ctx, subject, evidence)
		if errors.Is(err, ErrSubject) { // npm names SHA-512 alone
			subject.Digest = digest.NewDigestFromBytes(digest.SHA512, m.digest(crypto.SHA512))
			att, err = v.Verify(ctx, subject, evidence)
		}
		switch {
		case err != nil:
			return nil, err
		case att.Kind == ImageSignature:
			return nil, fmt.Errorf("%w: an image signature, not one of a file", ErrType)
		}
		att.Subject.Size = size
		return att, nil
	}
	signers, err := v.signers(ctx, m, []dsse.Signature{{Sig: b.Message.Signature}}, b.Hint)
	if err != nil {
		return nil, err
	}
	if err := checkHint(b.Message, m); err != nil {
		return nil, err
	}
	evidence.Data = nil
	return &Attestation{
		Kind:     Blob,
		Subject:  subject,
		Signers:  signers,
		Evidence: evidence,
		Checks: append([]Check{
			{Name: "signature", Status: Passed, Reason: "by " + signers[0].String()},
			{Name: "subject", Status: Passed, Reason: string(subject.Digest)},
		}, notLookedAt(b)...),
	}, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// readBlob hashes r once for all keys, and keeps it if one needs the message itself. A nil signed means that a statement
// is to name the file.
func (v *KeyVerifier) readBlob(ctx context.Context, r io.Reader, signed *bundle.Message, most int) (*message, int64, error) {
	hashes := map[crypto.Hash]hash.Hash{crypto.SHA256: crypto.SHA256.New()}
	add := func(h crypto.Hash) {
		if hashes[h] == nil {
			hashes[h] = h.New()
		}
	}
	var whole *bytes.Buffer
	if signed == nil {
		add(crypto.SHA512)
	} else {
		if h, ok := messageHashes[signed.Algorithm]; ok {
			add(h)
		}
		for _, k := range v.Keys {
			schemes, _ := k.schemes() // an unusable key is refused later
			for _, s := range schemes {
				if s.Hash() == 0 {
					whole = new(bytes.Buffer)
				} else {
					add(s.Hash())
				}
			}
		}
	}
	var writers []io.Writer
	for _, h := range hashes {
		writers = append(writers, h)
	}
	var from io.Reader = readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(p)
	})
	if signed != nil {
		var err error
		from, err = signedtext.File(from)
		switch {
		case errors.Is(err, signedtext.ErrSignedText): // its signature is that of another format
			return nil, 0, fmt.Errorf("%w: the file is %w", ErrType, err)
		case err != nil:
			return nil, 0, fmt.Errorf("%w: %w", ErrUnchecked, err)
		}
	}
	if whole != nil {
		writers = append(writers, whole)
		from = io.LimitReader(from, min(int64(most), math.MaxInt64-1)+1)
	}
	size, err := io.Copy(io.MultiWriter(writers...), from)
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %w", ErrUnchecked, err)
	case whole != nil && size > int64(most):
		return nil, 0, fmt.Errorf("%w: a file of more than %d bytes, and a key among the trusted that signs files whole (Ed25519, ML-DSA)",
			ErrLimit, most)
	}
	// No limit: the file is the caller's, its keys are, and there is one signature.
	m := &message{digests: make(map[crypto.Hash][]byte), most: math.MaxInt}
	for id, h := range hashes {
		m.digests[id] = h.Sum(nil)
	}
	if whole != nil {
		m.data = whole.Bytes()
	}
	return m, size, nil
}

// messageHashes are the names of hashes in bundles, as far as they are read.
var messageHashes = map[string]crypto.Hash{"SHA2_256": crypto.SHA256, "SHA2_384": crypto.SHA384, "SHA2_512": crypto.SHA512}

// checkHint compares the digest that a bundle carries for finding the file. Nobody signed it, but one that is wrong
// would lead others to another file.
func checkHint(m *bundle.Message, got *message) error {
	if m.Algorithm == "" && len(m.Digest) == 0 {
		return nil
	}
	h, ok := messageHashes[m.Algorithm]
	switch {
	case !ok:
		return fmt.Errorf("%w: messageDigest with algorithm %.40q", ErrMalformed, m.Algorithm)
	case !bytes.Equal(m.Digest, got.digest(h)):
		return fmt.Errorf("%w: messageDigest is that of another file", ErrTampered)
	}
	return nil
}
