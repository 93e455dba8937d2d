package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"math/big"
	"time"

	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	verifynotary "github.com/ladingdev/lading/verify/notary"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sgverify "github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

var image = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}

// bundles are Sigstore bundles with statements, by every type of key.
func bundles(ctx context.Context) (all []*sample, err error) {
	for _, k := range []struct {
		name      string
		algorithm sign.Algorithm
	}{{"P-256", sign.P256}, {"P-384", sign.P384}, {"RSA-2048", sign.RSA2048}, {"Ed25519", sign.Ed25519}} {
		key, err := sign.GenerateKey(k.algorithm)
		if err != nil {
			return nil, err
		}
		s := &sample{name: "bundle " + k.name}
		for i, predicate := range []string{`{"n":9007199254740993,"list":[{"a":"b"}]}`, `{"other":1}`, `{}`} {
			st := sign.About(image, sign.RawPredicate{Type: "https://example.com/facts/v1", JSON: []byte(predicate)})
			st.Subjects[0].Name = "registry.example/app"
			d, err := (&sign.BundleSigner{Key: key}).Sign(ctx, st)
			if err != nil {
				return nil, err
			}
			if i == 0 {
				s.data = d.Data
			} else {
				s.others = append(s.others, d.Data)
			}
		}
		ours := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
		s.ours = func(ctx context.Context, data []byte) (*verify.Attestation, error) {
			return ours.Verify(ctx, image, verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: data})
		}
		if s.theirs, err = sigstoreGo(key.Public()); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// sigstoreGo verifies with a key, and no log or timestamp.
func sigstoreGo(pub crypto.PublicKey) (func(context.Context, []byte) error, error) {
	v, err := signature.LoadDefaultVerifier(pub)
	if err != nil {
		return nil, err
	}
	material := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
	})
	verifier, err := sgverify.NewVerifier(material, sgverify.WithNoObserverTimestamps())
	if err != nil {
		return nil, err
	}
	sum, err := hex.DecodeString(image.Digest.Encoded())
	if err != nil {
		return nil, err
	}
	policy := sgverify.NewPolicy(sgverify.WithArtifactDigest("sha256", sum), sgverify.WithKey())
	return func(_ context.Context, data []byte) error {
		var b bundle.Bundle
		if err := b.UnmarshalJSON(data); err != nil {
			return err
		}
		_, err := verifier.Verify(&b, policy)
		return err
	}, nil
}

type store []*x509.Certificate

func (s store) GetCertificates(context.Context, truststore.Type, string) ([]*x509.Certificate, error) {
	return s, nil
}

// notations are Notary Project signatures, JWS and COSE.
func notations(ctx context.Context) (all []*sample, err error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	identities := []string{"x509.subject: C=US, ST=WA, O=acme"}
	for _, k := range []struct {
		name string
		key  crypto.Signer
	}{{"P-256", ecKey}, {"RSA-2048", rsaKey}} {
		chain, err := newChain(k.key)
		if err != nil {
			return nil, err
		}
		theirs, err := verifier.New(&trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
			Name: "all", RegistryScopes: []string{"*"}, TrustStores: []string{"ca:roots"}, TrustedIdentities: identities,
			SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
		}}}, store(chain[1:]), nil)
		if err != nil {
			return nil, err
		}
		ours := &verifynotary.Verifier{CA: chain[1:], Identities: identities}
		for _, f := range []struct {
			name, mediaType string
			format          signnotary.Format
		}{{"JWS", "application/jose+json", signnotary.JWS}, {"COSE", "application/cose", signnotary.COSE}} {
			s := &sample{name: f.name + " " + k.name}
			signer := &signnotary.Signer{Key: sign.FromSigner(k.key), Chain: chain, Format: f.format, Expiry: 24 * time.Hour}
			for range 3 {
				d, err := signer.Sign(ctx, sign.About(image, sign.ImageSignature{}))
				if err != nil {
					return nil, err
				}
				s.others = append(s.others, d.Data)
			}
			s.data, s.others = s.others[0], s.others[1:]
			s.ours = func(ctx context.Context, data []byte) (*verify.Attestation, error) {
				return ours.Verify(ctx, image, verify.Descriptor{MediaType: f.mediaType, Data: data})
			}
			s.theirs = func(ctx context.Context, data []byte) error {
				outcome, err := theirs.Verify(ctx, image, data, notation.VerifierVerifyOptions{
					ArtifactReference: "registry.example/app@" + string(image.Digest), SignatureMediaType: f.mediaType})
				if err == nil && outcome.Error != nil {
					return outcome.Error
				}
				if err == nil && outcome.EnvelopeContent == nil {
					return errors.New("no content")
				}
				return err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func newChain(key crypto.Signer) ([]*x509.Certificate, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	name := pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}}
	issue := func(template, parent *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
		der, failed := x509.CreateCertificate(rand.Reader, template, parent, pub, rootKey)
		if failed != nil {
			err = failed
			return template
		}
		c, failed := x509.ParseCertificate(der)
		if failed != nil {
			err = failed
			return template
		}
		return c
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(48 * time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root.Subject.CommonName = "root"
	root = issue(root, root, rootKey.Public())
	leaf := issue(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: name, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}, root, key.Public())
	return []*x509.Certificate{leaf, root}, err
}
