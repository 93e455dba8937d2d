// Package authorities asks certificate authorities, by OCSP and CRL, what they revoked.
package authorities

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/crl"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-core-go/revocation/result"
	"golang.org/x/crypto/ocsp"
)

// Validator wraps notation-core-go's. It also checks that an OCSP response is from the issuer or its delegate, and that a CRL
// covers the certificate.
type Validator struct {
	Client *http.Client    // nil, or a Timeout of zero, means 5 seconds for a CRL and 2 for OCSP
	Use    purpose.Purpose // what the chains are for; zero means signing
}

var _ revocation.Validator = Validator{}

// ValidateContext returns what is known about each certificate of a chain, leaf first.
func (v Validator) ValidateContext(ctx context.Context, o revocation.ValidateContextOptions) ([]*result.CertRevocationResult, error) {
	fetcher, err := crl.NewHTTPFetcher(withTimeout(v.Client, 5*time.Second))
	if err != nil {
		return nil, err
	}
	validator, err := revocation.NewWithOptions(revocation.Options{CertChainPurpose: v.Use,
		OCSPHTTPClient: responders(v.Client, o.CertChain), CRLFetcher: lists{fetcher, o.CertChain}})
	if err != nil {
		return nil, err
	}
	return validator.ValidateContext(ctx, o)
}

// withTimeout returns a copy of a client that does not wait for ever.
func withTimeout(client *http.Client, d time.Duration) *http.Client {
	var c http.Client
	if client != nil {
		c = *client
	}
	c.Timeout = cmp.Or(c.Timeout, d)
	return &c
}

// lists fetches CRLs that are about what they are fetched for. Their signature and time are the library's to check.
type lists struct {
	next  crl.Fetcher
	chain []*x509.Certificate
}

func (l lists) Fetch(ctx context.Context, url string) (*crl.Bundle, error) {
	b, err := l.next.Fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	scope := extension(b.BaseCRL)
	if b.DeltaCRL != nil && !bytes.Equal(scope, extension(b.DeltaCRL)) {
		return nil, errors.New("the CRL and its newer entries cover different certificates")
	}
	if scope == nil {
		return b, nil
	}
	for _, c := range l.chain {
		if slices.Contains(c.CRLDistributionPoints, url) {
			if err := covers(scope, c); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// extension returns the CRL's issuing distribution point, which says what it covers, or nil.
func extension(list *x509.RevocationList) []byte {
	for _, e := range list.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 28}) {
			return e.Value
		}
	}
	return nil
}

// covers returns an error if a CRL does not cover a certificate (RFC 5280, sections 5.2.5 and 6.3.3): else one of an authority's
// CRLs could be served in the place of another, in which the certificate is.
func covers(scope []byte, c *x509.Certificate) error {
	var point struct {
		Name struct {
			Full     []asn1.RawValue `asn1:"optional,tag:0"`
			Relative asn1.RawValue   `asn1:"optional,tag:1"`
		} `asn1:"optional,tag:0"`
		Users       bool           `asn1:"optional,tag:1"`
		Authorities bool           `asn1:"optional,tag:2"`
		Reasons     asn1.BitString `asn1:"optional,tag:3"`
		Indirect    bool           `asn1:"optional,tag:4"`
		Attributes  bool           `asn1:"optional,tag:5"`
	}
	rest, err := asn1.Unmarshal(scope, &point)
	if err != nil || len(rest) > 0 {
		return errors.Join(errors.New("the CRL's issuing distribution point is malformed"), err)
	}
	if point.Users && c.IsCA || point.Authorities && !c.IsCA || point.Attributes || point.Indirect || point.Reasons.BitLength > 0 ||
		point.Name.Relative.FullBytes != nil {
		return fmt.Errorf("the CRL does not cover the certificate of %s, or not all about it", c.Subject)
	}
	if point.Name.Full == nil || slices.ContainsFunc(point.Name.Full, func(name asn1.RawValue) bool {
		return name.Class == asn1.ClassContextSpecific && name.Tag == 6 && slices.Contains(c.CRLDistributionPoints, string(name.Bytes))
	}) {
		return nil
	}
	return fmt.Errorf("the CRL is not the one that the certificate of %s names", c.Subject)
}

// maxOCSP is the size of an OCSP response, in bytes, as the library has it.
const maxOCSP = 20480

// responders returns a client that passes on what OCSP responders answer if they may speak for an authority of the chain. Who
// issued their certificates is the library's to check.
func responders(client *http.Client, chain []*x509.Certificate) *http.Client {
	c := withTimeout(client, 2*time.Second)
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			return resp, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxOCSP))
		if err != nil {
			return nil, err
		}
		if err := checkResponder(body, chain, time.Now()); err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, nil
	})
	return c
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// checkResponder returns an error if an answer is signed with a certificate that is neither an authority's own nor one for
// OCSP (RFC 6960, section 4.2.2.2): else whoever has any certificate of the authority, a revoked one too, could answer.
func checkResponder(body []byte, chain []*x509.Certificate, now time.Time) error {
	for _, c := range chain {
		resp, err := ocsp.ParseResponseForCert(body, c, nil)
		if err != nil || resp.Certificate == nil || slices.ContainsFunc(chain[1:], resp.Certificate.Equal) {
			continue // what is no answer about any of them is no answer for the library either
		}
		if !slices.Contains(resp.Certificate.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) {
			return fmt.Errorf("the OCSP responder's certificate, of %s, is not for OCSP", resp.Certificate.Subject)
		}
		if now.Before(resp.Certificate.NotBefore) || now.After(resp.Certificate.NotAfter) {
			return fmt.Errorf("the OCSP responder's certificate, of %s, is not valid now", resp.Certificate.Subject)
		}
	}
	return nil
}
