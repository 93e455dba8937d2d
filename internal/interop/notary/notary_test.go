// Package notary_test holds signatures of sign/notary against notation-go, and the reverse.
package notary_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/tsatest"
	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	verifynotary "github.com/ladingdev/lading/verify/notary"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/notaryproject/tspclient-go"
	"github.com/opencontainers/go-digest"
)

var image = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}

type store []*x509.Certificate

func (s store) GetCertificates(context.Context, truststore.Type, string) ([]*x509.Certificate, error) {
	return s, nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newChain(key crypto.Signer) []*x509.Certificate {
	rootKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	name := pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root.Subject.CommonName = "root"
	root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: name, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	leaf = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey))))
	return []*x509.Certificate{leaf, root}
}

func TestBothWays(t *testing.T) {
	keys := map[string]crypto.Signer{}
	for _, bits := range []int{2048, 3072, 4096} {
		keys[fmt.Sprint("RSA-", bits)] = must(rsa.GenerateKey(rand.Reader, bits))
	}
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		keys[c.Params().Name] = must(ecdsa.GenerateKey(c, rand.Reader))
	}
	tsa := must(tsatest.New(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), nil))
	srv := httptest.NewServer(tsa)
	defer srv.Close()
	identities := []string{"x509.subject: C=US, ST=WA, O=acme"}
	for name, key := range keys {
		chain := newChain(key)
		for mediaType, format := range map[string]signnotary.Format{
			"application/jose+json": signnotary.JWS, "application/cose": signnotary.COSE} {
			for _, stamped := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/timestamp=%v", name, mediaType, stamped), func(t *testing.T) {
					stores, roots := []string{"ca:roots"}, store(chain[1:])
					ours := &verifynotary.Verifier{CA: chain[1:], Identities: identities}
					theirOptions := notation.SignerSignOptions{SignatureMediaType: mediaType, ExpiryDuration: time.Minute}
					s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: format, Expiry: time.Minute}
					if stamped {
						stores, roots = append(stores, "tsa:roots"), append(roots[:1:1], tsa.Root())
						ours.TSA, ours.RequireTimestamp = []*x509.Certificate{tsa.Root()}, true
						s.TSA, s.TSARoots = srv.URL, ours.TSA
						theirOptions.Timestamper = must(tspclient.NewHTTPTimestamper(nil, srv.URL))
						theirOptions.TSARootCAs = x509.NewCertPool()
						theirOptions.TSARootCAs.AddCert(tsa.Root())
					}
					theirs := must(verifier.New(&trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
						Name: "all", RegistryScopes: []string{"*"}, TrustStores: stores, TrustedIdentities: identities,
						SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
					}}}, roots, nil))
					ref := "registry.example/app@" + string(image.Digest)
					opts := notation.VerifierVerifyOptions{ArtifactReference: ref, SignatureMediaType: mediaType}
					d, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := theirs.Verify(t.Context(), image, d.Data, opts); err != nil {
						t.Errorf("notation-go on ours: %v", err)
					}
					other := image
					other.Digest = digest.FromString("other")
					if outcome, err := theirs.Verify(t.Context(), other, d.Data, opts); err == nil && outcome.Error == nil {
						t.Error("notation-go takes ours for another image")
					}
					data, _, err := must(signer.New(key, chain)).Sign(t.Context(), image, theirOptions)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := ours.Verify(t.Context(), image, verify.Descriptor{MediaType: mediaType, Data: data}); err != nil {
						t.Errorf("ours on notation-go's: %v", err)
					}
				})
			}
		}
	}
}
