package verify_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A file gives one key that the table of the package comment has, or none.
func TestParseTrustedKey(t *testing.T) {
	block := func(kind string, der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	public := func(pub any) []byte {
		t.Helper()
		der, err := x509.MarshalPKIXPublicKey(pub)
		return block("PUBLIC KEY", der, err)
	}
	generated := func(a sign.Algorithm) []byte {
		t.Helper()
		k, _ := newKey(t, a)
		return public(k.Public())
	}
	ec := func(c elliptic.Curve) *ecdsa.PrivateKey {
		t.Helper()
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	p256 := ec(elliptic.P256())
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// SubjectPublicKeyInfo as others write it.
	info := func(algorithm asn1.ObjectIdentifier, parameters any, key []byte) []byte {
		t.Helper()
		raw, err := asn1.Marshal(parameters)
		if err != nil {
			t.Fatal(err)
		}
		type identifier struct {
			Algorithm  asn1.ObjectIdentifier
			Parameters asn1.RawValue
		}
		der, err := asn1.Marshal(struct {
			Algorithm identifier
			Key       asn1.BitString
		}{identifier{algorithm, asn1.RawValue{FullBytes: raw}}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}})
		return block("PUBLIC KEY", der, err)
	}
	ecKey := asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	named := func(curve asn1.ObjectIdentifier, key []byte) []byte { return info(ecKey, curve, key) }
	point, err := p256.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	offCurve := bytes.Clone(point)
	offCurve[64] ^= 1
	oid := func(last ...int) asn1.ObjectIdentifier { return last }
	oidP256 := oid(1, 2, 840, 10045, 3, 1, 7)

	good := generated(sign.P256)
	for name, data := range map[string][]byte{
		"P-256": good, "P-384": generated(sign.P384), "P-521": generated(sign.P521), "Ed25519": generated(sign.Ed25519),
		"RSA-2048":             generated(sign.RSA2048),
		"after a comment":      append([]byte("# the release key\n"), good...),
		"line ends of Windows": bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")),
		"P-256, put together":  named(oidP256, point),
	} {
		if _, err := verify.ParseTrustedKey(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	compressed := append([]byte{2 + point[64]&1}, point[1:33]...)
	for name, data := range map[string][]byte{
		"nothing":                nil,
		"no PEM":                 []byte("MFkwEwYHKoZIzj0CAQ"),
		"two keys":               append(bytes.Clone(good), generated(sign.P256)...),
		"a broken key, then one": append([]byte("-----BEGIN PUBLIC KEY-----\n*\n-----END PUBLIC KEY-----\n"), good...),
		"a key, then half a one": append(bytes.Clone(good), "-----BEGIN PUBLIC KEY-----\nMFkw"...),
		"a certificate":          block("CERTIFICATE", []byte{0x30, 0}, nil),
		"a private key": func() []byte {
			der, err := x509.MarshalPKCS8PrivateKey(p256)
			return block("PRIVATE KEY", der, err)
		}(),
		"PKCS #1":  block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&small.PublicKey), nil),
		"RSA-1024": public(&small.PublicKey),
		"P-224":    public(&ec(elliptic.P224()).PublicKey),
		"X25519":   public(x25519.PublicKey()),
		"DSA": info(oid(1, 2, 840, 10040, 4, 1),
			struct{ P, Q, G *big.Int }{big.NewInt(23), big.NewInt(11), big.NewInt(4)}, []byte{2, 1, 4}),
		"secp256k1":                named(oid(1, 3, 132, 0, 10), point),
		"brainpoolP256r1":          named(oid(1, 3, 36, 3, 3, 2, 8, 1, 1, 7), point),
		"P-384 with P-256's point": named(oid(1, 3, 132, 0, 34), point),
		"a point off the curve":    named(oidP256, offCurve),
		"the point at infinity":    named(oidP256, []byte{0}),
		"a compressed point":       named(oidP256, compressed),
		"a curve by parameters":    info(ecKey, struct{ Version int }{1}, point),
		"RSA for PSS alone":        info(oid(1, 2, 840, 113549, 1, 1, 10), asn1.NullRawValue, x509.MarshalPKCS1PublicKey(&small.PublicKey)),
		"Ed25519, 31 bytes":        info(oid(1, 3, 101, 112), asn1.NullRawValue, make([]byte, 31)),
		"DER with a tail":          block("PUBLIC KEY", append(func() []byte { b, _ := pem.Decode(good); return b.Bytes }(), 0), nil),
	} {
		if k, err := verify.ParseTrustedKey(data); err == nil || k.Key != nil {
			t.Errorf("%s: read as %T", name, k.Key)
		}
	}
}

// A key counts until its time is over, and says so; its name is for people alone.
func TestKeyUntilAndName(t *testing.T) {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	image := sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}
	d, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	now := end.Add(-1)
	named := verify.TrustedKey{Key: key.Public(), Name: "acme release", Until: end}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{named}, Now: func() time.Time { return now }}
	a, err := v.Verify(t.Context(), image, d)
	if err != nil {
		t.Fatal(err)
	}
	id, err := verify.TrustedKey{Key: key.Public()}.Identity()
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Signers[0]; s.Identity != id || s.Name != "acme release" || !s.Until.Equal(end) ||
		s.String() != "acme release ("+id.String()+")" {
		t.Errorf("%+v", s)
	}
	if err := v.Validate(); err != nil {
		t.Error(err)
	}
	now = end
	if _, err := v.Verify(t.Context(), image, d); !errors.Is(err, verify.ErrExpired) || !strings.Contains(err.Error(), "acme release") {
		t.Errorf("when its time is over: %v", err)
	}
	if err := v.Validate(); err == nil {
		t.Error("a verifier whose only key is over is valid")
	}
	// Listed once more without end, it counts.
	v.Keys = append(v.Keys, verify.TrustedKey{Key: key.Public()})
	if a, err := v.Verify(t.Context(), image, d); err != nil || !a.Signers[0].Until.IsZero() {
		t.Errorf("%v, %v", a, err)
	}
	for name, bad := range map[string]*verify.KeyVerifier{
		"nothing":    {},
		"no key":     {Keys: make([]verify.TrustedKey, 1)},
		"no formats": {Keys: []verify.TrustedKey{named}, Formats: []verify.Format{}, Now: func() time.Time { return end.Add(-1) }},
		"a format":   {Keys: []verify.TrustedKey{named}, Formats: []verify.Format{9}, Now: func() time.Time { return end.Add(-1) }},
	} {
		if err := bad.Validate(); err == nil {
			t.Errorf("%s is valid", name)
		}
	}
}

// A statement about a source names no digest but those of in-toto, and one without a predicate says that in three ways.
func TestStatementsOfOthers(t *testing.T) {
	key, trusted := newKey(t, sign.P256)
	v := trusting(allFormats, key)
	commit, dir := strings.Repeat("0c", 20), strings.Repeat("d1", 32)
	const facts = "https://in-toto.io/attestation/test-result/v0.1"
	both := forgeBundle(t, statement(`{"name":"git+https://example.com/app","digest":{"gitCommit":"`+commit+`"}},{"digest":{"dirHash":"`+
		dir+`"}}`, facts), key)
	for asked, want := range map[digest.Digest]error{
		digest.Digest("gitCommit:" + commit):                               nil,
		digest.Digest("dirHash:" + dir):                                    nil,
		digest.Digest("gitCommit:" + strings.Replace(commit, "0", "1", 1)): verify.ErrSubject,
		digest.Digest("gitTree:" + commit):                                 verify.ErrSubject,
		digest.Digest("gitcommit:" + commit):                               verify.ErrSubject,
		digest.Digest("gitCommit:" + strings.ToUpper(commit)):              verify.ErrSubject,
		digest.Digest("gitCommit:" + commit[2:]):                           verify.ErrSubject,
		digest.Digest("sha1:" + commit):                                    verify.ErrSubject,
		"gitCommit:":                                                       verify.ErrSubject, "gitCommit": verify.ErrSubject,
		"dirHash:" + digest.Digest(commit): verify.ErrSubject,
	} {
		a, err := v.Verify(t.Context(), verify.Descriptor{Digest: asked}, both)
		if !errors.Is(err, want) || err == nil && (a.Subject.Digest != asked || a.Kind != verify.Statement) {
			t.Errorf("%s: %+v, %v", asked, a, err)
		}
	}
	// An image signature is about an image.
	asked := verify.Descriptor{Digest: digest.Digest("gitCommit:" + commit)}
	for _, e := range []verify.Descriptor{
		forgeBundle(t, statement(`{"digest":{"gitCommit":"`+commit+`"}}`, sign.ImageSignatureType), key),
		forgeSimple(t, `{"critical":{"identity":{"docker-reference":"r.example/a"},"image":{"docker-manifest-digest":"`+
			string(asked.Digest)+`"},"type":"cosign container image signature"}}`, key),
	} {
		if a, err := v.Verify(t.Context(), asked, e); !errors.Is(err, verify.ErrSubject) {
			t.Errorf("%s: %+v, %v", e.MediaType, a, err)
		}
	}
	for name, s := range map[string]sign.Signer{"bundle": &sign.BundleSigner{Key: key}, "cosign": &sign.CosignSigner{Key: key}} {
		if d, err := s.Sign(t.Context(), sign.About(asked, sign.ImageSignature{})); !errors.Is(err, sign.ErrStatement) {
			t.Errorf("%s signs a commit as an image: %s, %v", name, d.Data, err)
		}
	}
	// What package sign writes about a commit is found by it.
	written, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(asked, facts2{}))
	if err != nil {
		t.Fatal(err)
	}
	if r := verify.Collect(t.Context(), asked, source(item{evidence: written}),
		&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}); len(r.Attestations) != 1 {
		t.Errorf("%+v", r)
	}

	whole := statement(about(subject.Digest), facts)
	for name, s := range map[string]string{"null": strings.Replace(whole, `{"n":9007199254740993}`, "null", 1),
		"absent": strings.Replace(whole, `,"predicate":{"n":9007199254740993}`, "", 1)} {
		if a, err := v.Verify(t.Context(), subject, forgeBundle(t, s, key)); err != nil || a.Predicate != nil || a.PredicateType != facts {
			t.Errorf("%s, %s: %+v, %v", name, s, a, err)
		}
	}
}

// facts2 is a predicate.
type facts2 struct{}

func (facts2) PredicateType() string        { return "https://in-toto.io/attestation/test-result/v0.1" }
func (facts2) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// What a candidate costs before a signature holds has a bound, and who waits no more is heard between two keys.
func TestCostOfKeys(t *testing.T) {
	var keys []*sign.LocalKey
	v := &verify.KeyVerifier{Formats: allFormats}
	for range 5 {
		key, trusted := newKey(t, sign.Ed25519)
		keys, v.Keys = append(keys, key), append(v.Keys, trusted)
	}
	payload := statement(about(subject.Digest), "https://example.com/facts/v1")
	last := keys[4]
	envelope := func(keyid string) verify.Descriptor {
		e := forge(t, dsse.PayloadType, []byte(payload), last)
		e.Signatures[0].KeyID = keyid
		return content(dsseType, e.Append(nil))
	}
	id, err := v.Keys[4].Identity()
	if err != nil {
		t.Fatal(err)
	}
	v.Limits.WholeBytes = 4 * (len(payload) + 30) // for four of five tries
	for keyid, want := range map[string]error{"": verify.ErrLimit, "somebody": verify.ErrLimit, id.Key: nil, "sha256:" + id.Key: nil} {
		if _, err := v.Verify(t.Context(), subject, envelope(keyid)); !errors.Is(err, want) {
			t.Errorf("keyid %q: %v, want %v", keyid, err, want)
		}
	}
	if a, err := v.Verify(t.Context(), subject,
		must(t)((&sign.BundleSigner{Key: last}).Sign(t.Context(), sign.About(subject, facts2{})))); err != nil ||
		a.Signers[0].Identity != id {
		t.Errorf("with a bundle's hint: %v", err)
	}
	v.Limits.WholeBytes = 1
	v.Keys = v.Keys[4:]
	if _, err := v.Verify(t.Context(), subject, envelope("")); err != nil {
		t.Errorf("a single key, and a limit below the message: %v", err)
	}

	// Keys that are changed are not taken for those that they were.
	v = &verify.KeyVerifier{Formats: allFormats, Keys: []verify.TrustedKey{{Key: keys[0].Public()}, {Key: keys[4].Public()}}}
	if _, err := v.Verify(t.Context(), subject, envelope("")); err != nil {
		t.Error(err)
	}
	v.Keys[1].Key = keys[1].Public()
	if _, err := v.Verify(t.Context(), subject, envelope(id.Key)); !errors.Is(err, verify.ErrNotTrusted) {
		t.Error(err)
	}
	v.Keys[1].Key = keys[4].Public()
	if a, err := v.Verify(t.Context(), subject, envelope("")); err != nil || a.Signers[0].Identity != id {
		t.Error(err)
	}
	v.Keys[1].Schemes = []verify.Scheme{verify.Ed25519ph}
	if _, err := v.Verify(t.Context(), subject, envelope("")); !errors.Is(err, verify.ErrNotTrusted) {
		t.Error(err)
	}

	// The second of two keys would accept it, and is not tried any more.
	ctx := &endsAfter{Context: t.Context(), asked: 2}
	v = &verify.KeyVerifier{Formats: allFormats, Keys: []verify.TrustedKey{{Key: keys[0].Public()}, {Key: keys[4].Public()}}}
	if a, err := v.Verify(ctx, subject, envelope("")); !errors.Is(err, verify.ErrUnchecked) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", a, err)
	}
}

// endsAfter is a context that ends when it was asked some times.
type endsAfter struct {
	context.Context
	asked int
}

func (c *endsAfter) Err() error {
	if c.asked--; c.asked < 0 {
		return context.Canceled
	}
	return nil
}

func must(t *testing.T) func(verify.Descriptor, error) verify.Descriptor {
	return func(d verify.Descriptor, err error) verify.Descriptor {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// A key that is listed twice counts for as long as one of the entries does, and is one signer.
func TestKeyListedTwice(t *testing.T) {
	key, trusted := newKey(t, sign.P256)
	ended := trusted
	ended.Until = time.Unix(1, 0)
	for _, keys := range [][]verify.TrustedKey{{ended, trusted}, {trusted, ended}, {trusted, trusted}} {
		v := &verify.KeyVerifier{Keys: keys}
		for _, e := range []verify.Descriptor{forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key),
			must(t)((&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(subject, facts2{})))} {
			if a, err := v.Verify(t.Context(), subject, e); err != nil || len(a.Signers) != 1 || !a.Signers[0].Until.IsZero() {
				t.Errorf("%+v, %v", a, err)
			}
		}
	}
}
