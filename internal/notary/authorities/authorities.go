// Package authorities asks certificate authorities, by OCSP and CRL, what they revoked.
package authorities

import (
	"bytes"
	"context"
	"crypto/x509"
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

// A Validator is the library's, but that it believes an OCSP answer only from who may give it.
type Validator struct {
	Client *http.Client    // nil means one with short timeouts
	Use    purpose.Purpose // what the chains are for; zero means signing
}

var _ revocation.Validator = Validator{}

// ValidateContext returns what is known about each certificate of a chain, leaf first.
func (v Validator) ValidateContext(ctx context.Context, o revocation.ValidateContextOptions) ([]*result.CertRevocationResult, error) {
	opts := revocation.Options{CertChainPurpose: v.Use, OCSPHTTPClient: responders(v.Client, o.CertChain)}
	if v.Client != nil {
		fetcher, err := crl.NewHTTPFetcher(v.Client)
		if err != nil {
			return nil, err
		}
		opts.CRLFetcher = fetcher
	}
	validator, err := revocation.NewWithOptions(opts)
	if err != nil {
		return nil, err
	}
	return validator.ValidateContext(ctx, o)
}

// maxOCSP is the size of an OCSP response, in bytes, as the library has it.
const maxOCSP = 20480

// responders returns a client that passes on what OCSP responders answer if they may speak for an authority of the chain. Who
// issued their certificates is the library's to check.
func responders(client *http.Client, chain []*x509.Certificate) *http.Client {
	c := http.Client{Timeout: 2 * time.Second}
	if client != nil {
		c = *client
	}
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
	return &c
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
