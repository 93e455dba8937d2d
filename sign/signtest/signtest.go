// Package signtest says what a [sign.Key] or [sign.Signer] must do, as tests that every implementation can run on itself:
//
//	func TestKey(t *testing.T)    { signtest.TestKey(t, myKey) }
//	func TestSigner(t *testing.T) { signtest.TestSigner(t, mySigner) }
//
// Keys sign real messages here, some thirty in all: mind the bill of a key that costs money.
package signtest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"
	"github.com/ladingdev/lading/sign"
	"github.com/opencontainers/go-digest"
)

// TestKey tries a key with every hash and padding that Sigstore and Notary Project use with its type. An RSA key may refuse one
// of its two paddings, as some devices do, with [sign.ErrKey]: that test is skipped.
func TestKey(t *testing.T, k sign.Key) {
	t.Helper()
	public, err := mldsax509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatalf("Public: %v", err)
	}
	skipped := 0
	all := options(t, k.Public())
	for _, opts := range all {
		t.Run(fmt.Sprintf("%T %v", opts, opts.HashFunc()), func(t *testing.T) {
			data := prepare(opts, "signtest: a message")
			before := bytes.Clone(data)
			sig, err := k.Sign(t.Context(), data, opts)
			if errors.Is(err, sign.ErrKey) && len(all) > 1 {
				skipped++
				t.Skipf("the key does not do this: %v", err)
			}
			if err != nil {
				t.Fatalf("Sign: %v", err)
			}
			if !bytes.Equal(before, data) {
				t.Error("Sign changes its input")
			}
			if !valid(k.Public(), data, sig, opts) {
				t.Error("the signature does not verify with Public")
			}
			if valid(k.Public(), prepare(opts, "signtest: another message"), sig, opts) {
				t.Error("the signature verifies for another message")
			}
			if opts.HashFunc() != 0 {
				for _, wrong := range [][]byte{nil, data[1:], append(bytes.Clone(data), 0)} {
					if _, err := k.Sign(t.Context(), wrong, opts); err == nil {
						t.Errorf("Sign takes a digest of %d bytes for %v", len(wrong), opts.HashFunc())
					}
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := k.Sign(ctx, data, opts); err == nil {
				t.Error("Sign ignores that its context is done")
			}
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					data := prepare(opts, fmt.Sprint("signtest: message ", i))
					if sig, err := k.Sign(t.Context(), data, opts); err != nil || !valid(k.Public(), data, sig, opts) {
						t.Errorf("Sign, called at the same time: %v", err)
					}
				})
			}
			wg.Wait()
		})
	}
	if skipped == len(all) {
		t.Error("the key signs nothing")
	}
	if again, err := mldsax509.MarshalPKIXPublicKey(k.Public()); err != nil || !bytes.Equal(public, again) {
		t.Error("Public changed")
	}
}

func options(t *testing.T, pub crypto.PublicKey) []crypto.SignerOpts {
	t.Helper()
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		hash, ok := map[int]crypto.Hash{256: crypto.SHA256, 384: crypto.SHA384, 521: crypto.SHA512}[pub.Curve.Params().BitSize]
		if ok {
			return []crypto.SignerOpts{hash}
		}
	case *rsa.PublicKey:
		pss, ok := map[int]crypto.Hash{2048: crypto.SHA256, 3072: crypto.SHA384, 4096: crypto.SHA512}[pub.N.BitLen()]
		if ok {
			return []crypto.SignerOpts{crypto.SHA256, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: pss}}
		}
	case ed25519.PublicKey, *mldsa.PublicKey:
		return []crypto.SignerOpts{crypto.Hash(0)}
	}
	t.Fatalf("signtest: a key of type %T and this size has no place in the formats", pub)
	return nil
}

func prepare(opts crypto.SignerOpts, message string) []byte {
	if opts.HashFunc() == 0 {
		return []byte(message)
	}
	h := opts.HashFunc().New()
	h.Write([]byte(message))
	return h.Sum(nil)
}

func valid(pub crypto.PublicKey, data, sig []byte, opts crypto.SignerOpts) bool {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(pub, data, sig)
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(pub, pss.Hash, data, sig, pss) == nil
		}
		return rsa.VerifyPKCS1v15(pub, opts.HashFunc(), data, sig) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(pub, data, sig)
	case *mldsa.PublicKey:
		return mldsa.Verify(pub, data, sig, nil) == nil
	}
	return false
}

// TestSigner tries a signer with image signatures, which every format has, and with statements that nobody may sign.
func TestSigner(t *testing.T, s sign.Signer) {
	t.Helper()
	image := sign.Descriptor{
		MediaType: "application/vnd.oci.image.manifest.v1+json",
		Digest:    digest.NewDigestFromBytes(digest.SHA256, sha256.New().Sum(nil)),
		Size:      401,
	}
	check := func(d sign.Descriptor, err error) {
		t.Helper()
		switch {
		case err != nil:
			t.Errorf("Sign: %v", err)
		case d.MediaType == "" || len(d.Data) == 0:
			t.Errorf("evidence without media type or data: %v", d.MediaType)
		case d.Size != int64(len(d.Data)) || d.Digest != digest.FromBytes(d.Data):
			t.Errorf("size %d and digest %s are not those of the %d bytes of data", d.Size, d.Digest, len(d.Data))
		}
	}
	annotations := map[string]string{"not": "signed"}
	about := func(p sign.Predicate) *sign.Statement { return sign.About(image, p) }
	st := about(sign.ImageSignature{})
	st.Subjects[0].Descriptor.Annotations = maps.Clone(annotations)
	d, err := s.Sign(t.Context(), st)
	if errors.Is(err, sign.ErrStatement) { // some formats have no room for a name, and some demand one
		about = func(p sign.Predicate) *sign.Statement {
			st := sign.About(image, p)
			st.Subjects[0].Name = "registry.example.com/signtest/image:v1"
			return st
		}
		st.Subjects[0].Name = about(nil).Subjects[0].Name
		d, err = s.Sign(t.Context(), st)
	}
	check(d, err)
	if len(st.Subjects) != 1 || st.Subjects[0].Digest != image.Digest || !maps.Equal(st.Subjects[0].Descriptor.Annotations, annotations) {
		t.Error("Sign changes the statement")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { check(s.Sign(t.Context(), about(sign.ImageSignature{}))) })
	}
	wg.Wait()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d, err := s.Sign(ctx, about(sign.ImageSignature{})); err == nil {
		t.Errorf("Sign ignores that its context is done: %s", d.Digest)
	}

	bad := image
	bad.Digest = "sha256:ABC"
	raw := func(text string) sign.Predicate {
		return sign.RawPredicate{Type: "https://example.com/signtest/v1", JSON: json.RawMessage(text)}
	}
	for name, st := range map[string]*sign.Statement{
		"no statement":                        nil,
		"a statement without predicate":       about(nil),
		"a statement without subject":         {Predicate: sign.ImageSignature{}},
		"a subject without digest":            sign.About(sign.Descriptor{}, sign.ImageSignature{}),
		"a subject with a broken digest":      sign.About(bad, sign.ImageSignature{}),
		"a predicate without type":            about(sign.RawPredicate{JSON: json.RawMessage("{}")}),
		"a predicate that is not JSON":        about(raw("{")),
		"a predicate with a member twice":     about(raw(`{"a":1,"a":2}`)),
		"a predicate that is no object":       about(raw(`[]`)),
		"a predicate with a tail":             about(raw(`{}{}`)),
		"a predicate that is no UTF-8":        about(raw("\"\xff\"")),
		"a predicate that fails to marshal":   about(failing{}),
		"a predicate without any JSON at all": about(raw("")),
	} {
		if d, err := s.Sign(t.Context(), st); err == nil {
			t.Errorf("%s was signed: %s", name, d.Digest)
		}
	}
}

type failing struct{}

func (failing) PredicateType() string        { return "https://example.com/signtest/v1" }
func (failing) MarshalJSON() ([]byte, error) { return nil, fmt.Errorf("signtest: no JSON form") }
