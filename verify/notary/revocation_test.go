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
	speaker *x509.Certificate // in the answers, to say whose key signer is
	revoked bool              // in the CRL
	delta   string            // where the CRL says that its newer entries are
	scope   []byte            // what the CRL says that it covers, in DER, but for the length
	broken  bool              // OCSP answers 500
	url     string
	calls   atomic.Int64
}

func tlv(tag byte, value []byte) []byte { return append([]byte{tag, byte(len(value))}, value...) }

// pointName is the name of a distribution point: a URI.
func pointName(uri string) []byte { return tlv(0xa0, tlv(0xa0, tlv(0x86, []byte(uri)))) }

// delegate has another key answer OCSP, with a certificate by the authority that is for that, unless edit changes it.
func (c *ca) delegate(edit func(*x509.Certificate)) {
	c.signer = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	d := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "responder"}, NotBefore: epoch.Add(-time.Hour),
		NotAfter: epoch.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}}
	edit(d)
	parent := *c.root
	parent.PublicKey = c.key.Public() // a stranger takes the authority's name
	c.speaker = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, d, &parent, c.signer.Public(), c.key))))
}

func (c *ca) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.calls.Add(1)
	now := time.Now().Add(-c.age)
	if strings.HasSuffix(r.URL.Path, "/crl") || strings.HasSuffix(r.URL.Path, "/delta") {
		list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
		delta := strings.HasSuffix(r.URL.Path, "/delta")
		if delta { // RFC 5280, section 5.2.4
			list.Number = big.NewInt(2)
			list.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}
		} else if c.delta != "" { // section 5.2.6
			point := tlv(0x30, tlv(0x30, pointName(c.delta)))
			list.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 46}, Value: point}}
		}
		if c.scope != nil && !delta {
			list.ExtraExtensions = append(list.ExtraExtensions,
				pkix.Extension{Id: []int{2, 5, 29, 28}, Critical: true, Value: tlv(0x30, c.scope)})
		}
		if c.revoked && delta == (c.delta != "") {
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
		ThisUpdate: now, NextUpdate: now.Add(time.Hour), RevokedAt: now, Certificate: c.speaker}, c.signer)))
}

// Revocation is asked of a real OCSP responder and a real CRL, once for each signature.
func TestRevocationByAuthorities(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*ca)
		crl  bool // the leaf names a CRL too
		none bool // and no OCSP responder
		want error
	}{
		"good":                     {},
		"revoked":                  {edit: func(c *ca) { c.status = ocsp.Revoked }, want: verify.ErrRevoked},
		"unknown to the responder": {edit: func(c *ca) { c.status = ocsp.Unknown }, want: verify.ErrUnchecked},
		"an old answer":            {edit: func(c *ca) { c.age = 48 * time.Hour }, want: verify.ErrUnchecked},
		"signed by somebody else": {edit: func(c *ca) { c.signer = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) },
			want: verify.ErrUnchecked},
		"responder fails":             {edit: func(c *ca) { c.broken = true }, want: verify.ErrUnchecked},
		"responder fails, CRL good":   {edit: func(c *ca) { c.broken = true }, crl: true},
		"responder fails, in the CRL": {edit: func(c *ca) { c.broken, c.revoked = true, true }, crl: true, want: verify.ErrRevoked},
		"CRL alone":                   {crl: true, none: true},
		"in the CRL alone":            {edit: func(c *ca) { c.revoked = true }, crl: true, none: true, want: verify.ErrRevoked},
		"delegated":                   {edit: func(c *ca) { c.delegate(func(*x509.Certificate) {}) }},
		"delegated, revoked": {edit: func(c *ca) { c.delegate(func(*x509.Certificate) {}); c.status = ocsp.Revoked },
			want: verify.ErrRevoked},
		"delegated, not for OCSP": {edit: func(c *ca) {
			c.delegate(func(d *x509.Certificate) { d.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} })
		}, want: verify.ErrUnchecked},
		"delegated, for anything": {edit: func(c *ca) { c.delegate(func(d *x509.Certificate) { d.ExtKeyUsage = nil }) },
			want: verify.ErrUnchecked},
		"delegated, expired": {edit: func(c *ca) { c.delegate(func(d *x509.Certificate) { d.NotAfter = epoch.Add(-time.Minute) }) },
			want: verify.ErrUnchecked},
		"delegated by a stranger": {edit: func(c *ca) {
			c.key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
			c.delegate(func(*x509.Certificate) {})
		}, want: verify.ErrUnchecked},
		"says who it is": {edit: func(c *ca) { c.speaker = c.root }},
		"newer CRL good": {edit: func(c *ca) { c.delta = c.url + "/delta" }, crl: true, none: true},
		"in the newer CRL": {edit: func(c *ca) { c.delta, c.revoked = c.url+"/delta", true }, crl: true, none: true,
			want: verify.ErrRevoked},
		"newer CRL is not there": {edit: func(c *ca) { c.delta = c.url + "/nothing" }, crl: true, none: true, want: verify.ErrUnchecked},
		"the CRL that is named":  {edit: func(c *ca) { c.scope = append(pointName(c.url+"/crl"), 0x81, 1, 0xff) }, crl: true, none: true},
		"another CRL": {edit: func(c *ca) { c.scope = pointName(c.url + "/crl2") }, crl: true, none: true,
			want: verify.ErrUnchecked},
		"a CRL of authorities":  {edit: func(c *ca) { c.scope = []byte{0x82, 1, 0xff} }, crl: true, none: true, want: verify.ErrUnchecked},
		"a CRL of some reasons": {edit: func(c *ca) { c.scope = []byte{0x83, 2, 1, 2} }, crl: true, none: true, want: verify.ErrUnchecked},
		"a CRL of others":       {edit: func(c *ca) { c.scope = []byte{0x84, 1, 0xff} }, crl: true, none: true, want: verify.ErrUnchecked},
		"a CRL of attributes":   {edit: func(c *ca) { c.scope = []byte{0x85, 1, 0xff} }, crl: true, none: true, want: verify.ErrUnchecked},
		"a CRL of nonsense":     {edit: func(c *ca) { c.scope = []byte{0x81, 5, 0xff} }, crl: true, none: true, want: verify.ErrUnchecked},
		"newer CRL of another": {edit: func(c *ca) { c.scope, c.delta = pointName(c.url+"/crl"), c.url+"/delta" }, crl: true, none: true,
			want: verify.ErrUnchecked},
		"an old CRL": {edit: func(c *ca) { c.age = 48 * time.Hour }, crl: true, none: true, want: verify.ErrUnchecked},
	} {
		t.Run(name, func(t *testing.T) {
			c := &ca{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), status: ocsp.Good}
			c.signer = c.key
			srv := httptest.NewServer(c)
			defer srv.Close()
			c.url = srv.URL
			subject := pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: "CA"}
			root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, NotBefore: epoch.Add(-time.Hour),
				NotAfter: epoch.Add(24 * time.Hour),
				IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
				SubjectKeyId: []byte{1, 2, 3}}
			c.root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, c.key.Public(), c.key))))
			subject.CommonName = "leaf"
			leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: subject, NotBefore: epoch.Add(-time.Hour),
				NotAfter: epoch.Add(time.Hour),
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
			if _, err := v.Verify(t.Context(), image, evidence); errors.Is(tt.want, verify.ErrRevoked) != errors.Is(err,
				verify.ErrRevoked) ||
				err != nil && !errors.Is(err, verify.ErrRevoked) {
				t.Errorf("soft: %v", err)
			}
		})
	}
}
