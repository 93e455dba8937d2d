package kinds_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"iter"
	"math/big"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/document/kinds"
	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

var image = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// ask loads a document with one entry of trust and asks it for a signature by it, or a statement.
func ask(t *testing.T, kind, with, rule string, trust map[string]document.TrustFunc, at time.Time,
	evidence verify.Descriptor) (*policy.Decision, error) {
	t.Helper()
	doc, err := document.Parse(fmt.Appendf(nil, "version: 1\nname: x\ntrust: [{name: ours, kind: %s, with: %s}]\n"+
		"images: [{match: [\"**\"], require: [%s]}]\n", kind, with, rule))
	if err != nil {
		t.Fatal(err)
	}
	p, err := doc.Load(&document.Options{Trust: trust})
	if err != nil {
		return nil, err
	}
	gate := &policy.Gate{Verifiers: p.Verifiers(), Policy: p, Now: func() time.Time { return at },
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: image,
				Source: verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
					return func(yield func(verify.Descriptor, error) bool) { yield(evidence, nil) }
				})}, nil
		}}
	return gate.Check(context.Background(), "registry.example.com/app:v1"), nil
}

// Each kind lets in whom its entry names, under the entry's name, and nobody else; what an entry lacks is an error of the document.
func TestKinds(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	instance := sigstoretest.New(at)
	root, err := sigstore.ParseRoot(instance.TrustedRoot(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],`+
		`"predicateType":"https://example.com/p","predicate":{}}`, image.Digest.Encoded())
	data := instance.Sign(sigstoretest.Signing{URI: "https://ci.example/acme/release", Issuer: "https://issuer.example",
		Payload: payload, At: at})
	keyless := verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Digest: digest.FromBytes(data),
		Size: int64(len(data)), Data: data}

	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := (&sign.BundleSigner{Key: key}).Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	cert, notation := acme(t)
	quoted, _ := json.Marshal(cert)
	trust := map[string]document.TrustFunc{
		"file":    kinds.File(fstest.MapFS{"etc/ours.pub": {Data: []byte(pemOf("PUBLIC KEY", der))}, "etc/bad.pub": {Data: []byte("x")}}),
		"notary":  kinds.Notary(fstest.MapFS{"truststore/x509/ca/acme/root.pem": {Data: []byte(cert)}}),
		"keyless": kinds.Keyless(map[string]*sigstore.Root{"": root}),
	}
	const signature, statement = "{signature: {by: [ours]}}", `{attestation: {types: ["https://example.com/p"], by: [ours]}}`
	for _, tt := range []struct {
		kind, with, rule string
		evidence         verify.Descriptor
		want             string // a verdict, or a part of an error
	}{
		{"file", "{path: /etc/ours.pub}", signature, bundle, "ALLOW"},
		{"file", "{path: etc/ours.pub, formats: [dsse]}", signature, bundle, "DENY"},
		{"file", "{path: etc/ours.pub}", signature, keyless, "DENY"},
		{"file", "{path: etc/none.pub}", signature, bundle, "file does not exist"},
		{"file", "{path: etc/bad.pub}", signature, bundle, "not a public key in PEM"},
		{"file", "{}", signature, bundle, `the field "path" is missing`},

		{"notary", `{stores: ["ca:acme"], identities: ["x509.subject: C=US, ST=WA, O=acme"], revocation: off}`, signature,
			notation, "ALLOW"},
		{"notary", `{stores: ["ca:acme"], identities: ["x509.subject: C=US, ST=WA, O=other"], revocation: off}`, signature,
			notation, "DENY"},
		{"notary", fmt.Sprintf(`{certs: %s, identities: ["*"], revocation: off}`, quoted), signature, notation, "ALLOW"},
		{"notary", `{stores: ["ca:other"], identities: ["*"]}`, signature, notation, "trust store ca:other"},
		{"notary", `{stores: ["ca:../acme"], identities: ["*"]}`, signature, notation, "trust store"},
		{"notary", `{stores: ["ca:acme"], certs: x, identities: ["*"]}`, signature, notation, "say stores or certs, one of them"},
		{"notary", `{stores: ["ca:acme"], identities: ["*"], revocation: never}`, signature, notation, "none of the words that there are"},

		{"keyless", `{issuer: "https://issuer.example", subject: "https://ci.example/acme/release"}`, statement, keyless, "ALLOW"},
		{"keyless", `{issuer: "https://issuer.example", subjectRegexp: "https://ci\\.example/acme/.*"}`, statement, keyless, "ALLOW"},
		{"keyless", `{issuer: "https://issuer.example", subjectRegexp: "https://ci\\.example/acme"}`, statement, keyless, "DENY"},
		{"keyless", `{issuer: "https://issuer.example.org", subject: "https://ci.example/acme/release"}`, statement, keyless, "DENY"},
		{"keyless", `{issuer: "https://issuer.example", email: a@example.org}`, statement, keyless, "DENY"},
		{"keyless", `{issuer: "https://issuer.example"}`, statement, keyless, "say subject, subjectRegexp, email or key, one of them"},
		{"keyless", `{subject: "https://ci.example/acme/release"}`, statement, keyless, "ssuer"},
		{"keyless", `{issuer: "https://issuer.example", subject: "https://ci.example/acme/release", trustRoot: private}`, statement,
			keyless, `no trusted root "private"`},
	} {
		when := at
		if tt.kind != "keyless" {
			when = time.Now()
		}
		d, err := ask(t, tt.kind, tt.with, tt.rule, trust, when, tt.evidence)
		switch {
		case err != nil:
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s %s: %v, want %s", tt.kind, tt.with, err, tt.want)
			}
		case d.Verdict.String() != tt.want:
			t.Errorf("%s %s: %v, want %s", tt.kind, tt.with, d, tt.want)
		}
	}
}

// acme returns a certificate in PEM and a signature with it.
func acme(t *testing.T) (string, verify.Descriptor) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		Subject:  pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := (&signnotary.Signer{Key: sign.FromSigner(key), Chain: []*x509.Certificate{cert}}).Sign(context.Background(),
		sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", der), evidence
}
