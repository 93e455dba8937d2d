package notary_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"golang.org/x/crypto/ocsp"
)

// ca is a certificate authority that answers OCSP and serves its CRL.
type ca struct {
	key     *ecdsa.PrivateKey
	root    *x509.Certificate
	status  int           // of OCSP
	age     time.Duration // of its answers
	signer  *ecdsa.PrivateKey
	revoked bool // in the CRL
	broken  bool // OCSP answers 500
	calls   atomic.Int64
}

func (c *ca) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.calls.Add(1)
	now := time.Now().Add(-c.age)
	if strings.HasSuffix(r.URL.Path, "/crl") {
		list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
		if c.revoked {
			list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(2), RevocationTime: now}}
		}
		_, _ = w.Write(must(x509.CreateRevocationList(rand.Reader, list, c.root, c.key)))
		return
	}
	body, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodGet {
		body, _ = base64.StdEncoding.DecodeString(r.URL.Path[strings.LastIndex(r.URL.Path, "/ocsp/")+len("/ocsp/"):])
	}
	req, err := ocsp.ParseRequest(body)
	if err != nil || c.broken {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/ocsp-response")
	_, _ = w.Write(must(ocsp.CreateResponse(c.root, c.root, ocsp.Response{Status: c.status, SerialNumber: req.SerialNumber,
		ThisUpdate: now, NextUpdate: now.Add(time.Hour), RevokedAt: now}, c.signer)))
}

// Revocation is asked of a real OCSP responder and a real CRL, once for each signature.
func TestRevocationByAuthorities(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*ca)
		crl  bool // the leaf names a CRL too
		none bool // and no OCSP responder
		want error
	}{
		"good":                        {},
		"revoked":                     {edit: func(c *ca) { c.status = ocsp.Revoked }, want: verify.ErrRevoked},
		"unknown to the responder":    {edit: func(c *ca) { c.status = ocsp.Unknown }, want: verify.ErrUnchecked},
		"an old answer":               {edit: func(c *ca) { c.age = 48 * time.Hour }, want: verify.ErrUnchecked},
		"signed by somebody else":     {edit: func(c *ca) { c.signer = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }, want: verify.ErrUnchecked},
		"responder fails":             {edit: func(c *ca) { c.broken = true }, want: verify.ErrUnchecked},
		"responder fails, CRL good":   {edit: func(c *ca) { c.broken = true }, crl: true},
		"responder fails, in the CRL": {edit: func(c *ca) { c.broken, c.revoked = true, true }, crl: true, want: verify.ErrRevoked},
		"CRL alone":                   {crl: true, none: true},
		"in the CRL alone":            {edit: func(c *ca) { c.revoked = true }, crl: true, none: true, want: verify.ErrRevoked},
		"an old CRL":                  {edit: func(c *ca) { c.age = 48 * time.Hour }, crl: true, none: true, want: verify.ErrUnchecked},
	} {
		t.Run(name, func(t *testing.T) {
			c := &ca{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), status: ocsp.Good}
			c.signer = c.key
			srv := httptest.NewServer(c)
			defer srv.Close()
			subject := pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: "CA"}
			root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, NotBefore: epoch.Add(-time.Hour), NotAfter: epoch.Add(24 * time.Hour),
				IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1, 2, 3}}
			c.root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, c.key.Public(), c.key))))
			subject.CommonName = "leaf"
			leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: subject, NotBefore: epoch.Add(-time.Hour), NotAfter: epoch.Add(time.Hour),
				KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
			if !tt.none {
				leaf.OCSPServer = []string{srv.URL + "/ocsp"}
			}
			if tt.crl {
				leaf.CRLDistributionPoints = []string{srv.URL + "/crl"}
			}
			key := newKey()
			leaf = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, leaf, c.root, key.Public(), c.key))))
			chain := []*x509.Certificate{leaf, c.root}
			evidence := signed(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain})
			if tt.edit != nil {
				tt.edit(c)
			}
			v := verifier(chain)
			v.Client = srv.Client()
			a, err := v.Verify(t.Context(), image, evidence)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("got %v, %v; want %v", a, err, tt.want)
			}
			asked := c.calls.Load()
			if asked == 0 {
				t.Error("nobody was asked")
			}
			// What was found out is not asked again; what was not, is.
			_, again := v.Verify(t.Context(), image, evidence)
			if !errors.Is(again, tt.want) {
				t.Errorf("again: %v", again)
			}
			if known := !errors.Is(tt.want, verify.ErrUnchecked); known && c.calls.Load() != asked {
				t.Errorf("%d requests for what was known", c.calls.Load()-asked)
			} else if !known && c.calls.Load() == asked {
				t.Error("what was not known was not asked again")
			}
			v.Revocation = notary.RevocationSoft
			if _, err := v.Verify(t.Context(), image, evidence); errors.Is(tt.want, verify.ErrRevoked) != errors.Is(err, verify.ErrRevoked) ||
				err != nil && !errors.Is(err, verify.ErrRevoked) {
				t.Errorf("soft: %v", err)
			}
		})
	}
}
