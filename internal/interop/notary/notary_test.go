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
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/http/httptest"
	"strconv"
	"strings"
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

func newChain(key crypto.Signer) []*x509.Certificate { return namedChain(key, nil) }

// namedChain makes a chain whose leaf has a subject, in DER, or none in particular.
func namedChain(key crypto.Signer, subject []byte) []*x509.Certificate {
	rootKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	name := pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root.Subject.CommonName = "root"
	root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: name, RawSubject: subject, NotBefore: root.NotBefore,
		NotAfter: root.NotAfter,
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

// TestIdentities has both look for identities in leaves with names of every kind.
func TestIdentities(t *testing.T) {
	type pair struct{ oid, value string }
	const (
		c, l, st, o, ou, cn = "2.5.4.6", "2.5.4.7", "2.5.4.8", "2.5.4.10", "2.5.4.11", "2.5.4.3"
		dc, uid, business   = "0.9.2342.19200300.100.1.25", "0.9.2342.19200300.100.1.1", "2.5.4.15"
	)
	subjects := map[string][][]pair{ // attributes, by the set that they are in
		"plain":          {{{c, "US"}}, {{st, "WA"}}, {{o, "acme"}}, {{cn, "release"}}},
		"reversed":       {{{cn, "release"}}, {{o, "acme"}}, {{st, "WA"}}, {{c, "US"}}},
		"comma":          {{{c, "US"}}, {{st, "WA"}}, {{o, "Acme, Inc."}}},
		"special":        {{{c, "US"}}, {{st, "WA"}}, {{o, "acme"}}, {{ou, `a+b=c;"d"\<>#`}}},
		"spaces":         {{{c, "US"}}, {{st, "WA"}}, {{o, " acme "}}},
		"hash":           {{{c, "US"}}, {{st, "WA"}}, {{o, "#acme"}}},
		"two units":      {{{c, "US"}}, {{st, "WA"}}, {{o, "acme"}}, {{ou, "x"}}, {{ou, "y"}}},
		"a set":          {{{c, "US"}, {st, "WA"}}, {{o, "acme"}}},
		"a set of units": {{{c, "US"}}, {{st, "WA"}}, {{o, "acme"}}, {{ou, "x"}, {ou, "y"}}},
		"domain":         {{{dc, "example"}}, {{dc, "acme"}}, {{c, "US"}}, {{st, "WA"}}, {{o, "acme"}}},
		"user":           {{{uid, "42"}}, {{c, "US"}}, {{st, "WA"}}, {{o, "acme"}}},
		"business":       {{{business, "Private Organization"}}, {{c, "US"}}, {{st, "WA"}}, {{o, "acme"}}},
		"no state":       {{{c, "US"}}, {{o, "acme"}}},
		"other case":     {{{c, "us"}}, {{st, "wa"}}, {{o, "Acme"}}},
		"umlaut":         {{{c, "DE"}}, {{st, "Baden-W\u00fcrttemberg"}}, {{o, "acme"}}},
	}
	identities := []string{"*", "x509.subject: C=US, ST=WA, O=acme", "x509.subject: O=acme, S=WA, C=US",
		"x509.subject: C=US, ST=WA, O=acme, CN=release",
		`x509.subject: C=US, ST=WA, O=Acme\, Inc.`, `x509.subject: C=US, ST=WA, O=Acme\2C Inc.`, "x509.subject: C=US, ST=WA, O=Acme",
		`x509.subject: C=US, ST=WA, O=acme, OU=a\+b=c\;\"d\"\\\<\>#`, `x509.subject: C=US, ST=WA, O=\ acme\ `,
		`x509.subject: C=US, ST=WA, O=\#acme`,
		"x509.subject: C=US, ST=WA, O=acme, OU=x", "x509.subject: C=DE, ST=Baden-W\u00fcrttemberg, O=acme",
		"x509.subject: C=us, ST=wa, O=Acme",
		"x509.subject: C=US, ST=WA, O=acme, L=Seattle"}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	matched, refused, unread := 0, 0, 0
	for name, sets := range subjects {
		var rdns pkix.RDNSequence
		for _, set := range sets {
			var rdn pkix.RelativeDistinguishedNameSET
			for _, p := range set {
				var oid asn1.ObjectIdentifier
				for n := range strings.SplitSeq(p.oid, ".") {
					oid = append(oid, must(strconv.Atoi(n)))
				}
				rdn = append(rdn, pkix.AttributeTypeAndValue{Type: oid, Value: p.value})
			}
			rdns = append(rdns, rdn)
		}
		chain := namedChain(key, must(asn1.Marshal(rdns)))
		d := must((&signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}).Sign(t.Context(), sign.About(image, sign.ImageSignature{})))
		for _, identity := range identities {
			theirs := must(verifier.New(&trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
				Name: "all", RegistryScopes: []string{"*"}, TrustStores: []string{"ca:roots"}, TrustedIdentities: []string{identity},
				SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
			}}}, store(chain[1:]), nil))
			_, theirErr := theirs.Verify(t.Context(), image, d.Data, notation.VerifierVerifyOptions{
				ArtifactReference: "registry.example/app@" + string(image.Digest), SignatureMediaType: d.MediaType})
			ours := &verifynotary.Verifier{CA: chain[1:], Identities: []string{identity}}
			_, ourErr := ours.Verify(t.Context(), image, d)
			switch {
			case (name == "user" || name == "business") && ourErr == nil && theirErr != nil && strings.Contains(theirErr.Error(), "=#"):
				unread++ // "all the attribute types present in subject DN" may be there ("Trusted Identities Constraints")
			case (ourErr == nil) != (theirErr == nil):
				t.Errorf("%s, %s: ours: %v; notation-go: %v", name, identity, ourErr, theirErr)
			case ourErr == nil:
				matched++
			default:
				refused++
			}
		}
	}
	t.Logf("%d verdicts: %d match, %d do not; %d of subjects that notation-go does not read", matched+refused, matched, refused, unread)
}
