package sigstore

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/signedtext"
	"github.com/ladingdev/lading/internal/sigstore"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

// VerifyBlob proves a bundle about a file, whose bytes r gives: its signature, which becomes an Attestation of Kind verify.Blob,
// or a statement that names its SHA-256 or SHA-512 digest. The Attestation's Subject has the digest that is named. Neither an
// image signature is accepted for a file nor a file's signature for an image. evidence needs Data alone.
//
// r is read once, to its end, and only if the bundle can be read at all.
func (v *Verifier) VerifyBlob(ctx context.Context, r io.Reader, evidence verify.Descriptor) (*verify.Attestation, error) {
	c, evidence, err := v.readBlob(ctx, evidence)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, fmt.Errorf("%w: no file to read", verify.ErrUnchecked)
	}
	if c.signed.Certificate == nil {
		h := newHasher()
		return v.verifyKey(c, func(kv *verify.KeyVerifier) (*verify.Attestation, error) {
			att, err := kv.VerifyBlob(ctx, io.TeeReader(r, h), evidence)
			c.signed.Digest = h.digestOr(c.signed.Digest)
			return att, err
		})
	}
	if c.message != nil {
		switch r, err = signedtext.File(r); {
		case errors.Is(err, signedtext.ErrSignedText): // its signature is that of another format
			return nil, fmt.Errorf("%w: the file is %w", verify.ErrType, err)
		case err != nil:
			return nil, fmt.Errorf("%w: %w", verify.ErrUnchecked, err)
		}
	}
	h := newHasher()
	size, err := io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(p)
	}))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrUnchecked, err)
	}
	return v.about(c, h.digest, size, evidence)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A hasher computes every digest that a signature, a log or a statement may name.
type hasher map[crypto.Hash]hash.Hash

func newHasher() hasher {
	return hasher{crypto.SHA256: crypto.SHA256.New(), crypto.SHA384: crypto.SHA384.New(), crypto.SHA512: crypto.SHA512.New()}
}

func (h hasher) Write(p []byte) (int, error) {
	for _, w := range h {
		w.Write(p)
	}
	return len(p), nil
}

func (h hasher) digest(id crypto.Hash) []byte {
	if w, ok := h[id]; ok {
		return w.Sum(nil)
	}
	return nil
}

// digestOr returns digests that are known already, or those of what was written.
func (h hasher) digestOr(known func(crypto.Hash) []byte) func(crypto.Hash) []byte {
	if known != nil {
		return known
	}
	return h.digest
}

// VerifyDigest is [Verifier.VerifyBlob] of a file of which only the SHA-256, SHA-384 or SHA-512 digest is known. It cannot tell a file
// from what signers of images sign. What is signed over another digest or, with Ed25519, whole, does not verify.
func (v *Verifier) VerifyDigest(ctx context.Context, d digest.Digest, evidence verify.Descriptor) (*verify.Attestation, error) {
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("%w: the digest asked for, %.80q: %w", verify.ErrSubject, d, err)
	}
	c, evidence, err := v.readBlob(ctx, evidence)
	if err != nil {
		return nil, err
	}
	subject := verify.Descriptor{Digest: d}
	if c.message == nil {
		att, err := v.Verify(ctx, subject, evidence)
		if err == nil && att.Kind == verify.ImageSignature {
			return nil, fmt.Errorf("%w: an image signature, not one of a file", verify.ErrType)
		}
		return att, err
	}
	raw, err := hex.DecodeString(d.Encoded())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrSubject, err)
	}
	c.signed.Digest = func(h crypto.Hash) []byte {
		if blobAlgorithms[d.Algorithm()] == h {
			return raw
		}
		return nil
	}
	if c.signed.Certificate != nil {
		return v.message(c, subject, evidence)
	}
	return v.verifyKey(c, func(*verify.KeyVerifier) (*verify.Attestation, error) {
		if err := checkHint(c.message, c.signed.Digest); err != nil {
			return nil, refusal(err)
		}
		for _, k := range v.keys {
			if !c.signed.By(k.Key, k.Schemes...) || !k.Until.IsZero() && !v.policy().Now.Before(k.Until) {
				continue
			}
			id, err := k.Identity()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", verify.ErrNotTrusted, err)
			}
			return &verify.Attestation{
				Kind: verify.Blob, Subject: subject, Signers: []verify.Signer{{Identity: id, Key: id.Key, Until: k.Until}},
				Checks: []verify.Check{passed("signature", "by "+id.String()), passed("subject", string(d))},
			}, nil
		}
		return nil, fmt.Errorf("%w: not signed with a trusted key", verify.ErrNotTrusted)
	})
}

var blobAlgorithms = map[digest.Algorithm]crypto.Hash{
	digest.SHA256: crypto.SHA256, digest.SHA384: crypto.SHA384, digest.SHA512: crypto.SHA512,
}

// readBlob reads a bundle about a file.
func (v *Verifier) readBlob(ctx context.Context, evidence verify.Descriptor) (*candidate, verify.Descriptor, error) {
	if evidence.MediaType == "" {
		evidence.MediaType = bundle.MediaType
	}
	format, err := v.format(evidence)
	switch {
	case err != nil:
		return nil, evidence, err
	case format != verify.Bundle:
		return nil, evidence, fmt.Errorf("%w: files are signed in bundles", verify.ErrFormat)
	}
	if err := v.ready(ctx, evidence); err != nil {
		return nil, evidence, err
	}
	c, err := readBundle(evidence.Data)
	if err == nil {
		err = v.mine(c)
	}
	return c, evidence, err
}

// about proves a certificate's bundle about a file with these digests.
func (v *Verifier) about(
	c *candidate, digests func(crypto.Hash) []byte, size int64, evidence verify.Descriptor,
) (*verify.Attestation, error) {
	subject := verify.Descriptor{Digest: digest.NewDigestFromBytes(digest.SHA256, digests(crypto.SHA256)), Size: size}
	if c.message == nil {
		signer, checks, err := v.prove(c)
		if err != nil {
			return nil, err
		}
		att, err := v.attest(c, subject)
		if errors.Is(err, verify.ErrSubject) { // npm names SHA-512 alone
			subject.Digest = digest.NewDigestFromBytes(digest.SHA512, digests(crypto.SHA512))
			att, err = v.attest(c, subject)
		}
		switch {
		case err != nil:
			return nil, err
		case att.Kind == verify.ImageSignature:
			return nil, fmt.Errorf("%w: an image signature, not one of a file", verify.ErrType)
		}
		return finish(att, subject, evidence, signer, checks), nil
	}
	c.signed.Digest = digests
	return v.message(c, subject, evidence)
}

// message proves a certificate's signature of a file whose digests c has.
func (v *Verifier) message(c *candidate, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	if err := checkHint(c.message, c.signed.Digest); err != nil {
		return nil, refusal(err)
	}
	signer, checks, err := v.prove(c)
	if err != nil {
		return nil, err
	}
	att := &verify.Attestation{Kind: verify.Blob, Checks: []verify.Check{passed("subject", string(subject.Digest))}}
	return finish(att, subject, evidence, signer, checks), nil
}

// messageHashes are the names of hashes in bundles, as far as they are read.
var messageHashes = map[string]crypto.Hash{"SHA2_256": crypto.SHA256, "SHA2_384": crypto.SHA384, "SHA2_512": crypto.SHA512}

// checkHint compares the digest that a bundle carries for finding the file. Nobody signed it, but one that is wrong would lead
// others to another file.
func checkHint(m *bundle.Message, digests func(crypto.Hash) []byte) error {
	h, ok := messageHashes[m.Algorithm]
	switch {
	case !ok:
		return fmt.Errorf("%w: messageDigest with algorithm %.40q", sigstore.BundleMalformed, m.Algorithm)
	case !bytes.Equal(m.Digest, digests(h)):
		return fmt.Errorf("%w: messageDigest", sigstore.DigestMismatch)
	}
	return nil
}
