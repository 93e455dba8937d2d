package notary_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/notary"
	"github.com/opencontainers/go-digest"
)

var image = sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}

func selfSigned(pub, priv any, usage x509.KeyUsage) *x509.Certificate {
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "acme"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: usage, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, pub, priv)
	if err != nil {
		panic(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	return c
}

func newKey() (sign.Key, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return sign.FromSigner(key), selfSigned(key.Public(), key, x509.KeyUsageDigitalSignature)
}

func TestRefusesToSign(t *testing.T) {
	key, cert := newKey()
	_, other := newKey()
	pub, priv, _ := ed25519.GenerateKey(rand.Reader)
	weak, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	chain := func(c ...*x509.Certificate) []*x509.Certificate { return c }
	good := sign.About(image, sign.ImageSignature{})
	reserved := sign.About(image, sign.ImageSignature{})
	reserved.Subjects[0].Annotations = map[string]string{"io.cncf.notary.x": "y"}
	for name, c := range map[string]struct {
		s    notary.Signer
		st   *sign.Statement
		want error
	}{
		"zero signer": {notary.Signer{}, good, notary.ErrChain},
		"other key":   {notary.Signer{Key: key, Chain: chain(other)}, good, notary.ErrChain},
		"Ed25519": {notary.Signer{Key: sign.FromSigner(priv), Chain: chain(selfSigned(pub, priv, x509.KeyUsageDigitalSignature))},
			good, notary.ErrChain},
		"P-224": {notary.Signer{Key: sign.FromSigner(weak),
			Chain: chain(selfSigned(weak.Public(), weak, x509.KeyUsageDigitalSignature))}, good, notary.ErrChain},
		"key usage": {notary.Signer{Key: sign.FromSigner(ec), Chain: chain(selfSigned(ec.Public(), ec, x509.KeyUsageCertSign))}, good,
			notary.ErrChain},
		"expired": {notary.Signer{Key: key, Chain: chain(cert), Now: func() time.Time { return time.Now().Add(2 * time.Hour) }}, good,
			notary.ErrChain},
		"no format":     {notary.Signer{Key: key, Chain: chain(cert), Format: 7}, good, sign.ErrStatement},
		"half a second": {notary.Signer{Key: key, Chain: chain(cert), Expiry: time.Second / 2}, good, sign.ErrStatement},
		"nil statement": {notary.Signer{Key: key, Chain: chain(cert)}, nil, sign.ErrStatement},
		"no predicate":  {notary.Signer{Key: key, Chain: chain(cert)}, sign.About(image, nil), sign.ErrStatement},
		"SBOM": {notary.Signer{Key: key, Chain: chain(cert)},
			sign.About(image, sign.RawPredicate{Type: "https://spdx.dev/Document", JSON: []byte("{}")}), sign.ErrStatement},
		"reserved": {notary.Signer{Key: key, Chain: chain(cert)}, reserved, sign.ErrStatement},
		"2^53+1 bytes": {notary.Signer{Key: key, Chain: chain(cert)},
			sign.About(sign.Descriptor{MediaType: image.MediaType, Digest: image.Digest, Size: 1<<53 + 1}, sign.ImageSignature{}),
			sign.ErrStatement},
		"empty subject": {notary.Signer{Key: key, Chain: chain(cert)}, sign.About(sign.Descriptor{}, sign.ImageSignature{}),
			sign.ErrStatement},
	} {
		if d, err := c.s.Sign(t.Context(), c.st); !errors.Is(err, c.want) || d.Data != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := notary.ParseChain([]byte("no PEM")); !errors.Is(err, notary.ErrChain) {
		t.Error(err)
	}
}

func ExampleSigner() {
	key, certificate := newKey() // in production from files, or the key from a KMS
	s := &notary.Signer{Key: key, Chain: []*x509.Certificate{certificate}, Expiry: 24 * time.Hour}
	evidence, err := s.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	fmt.Println(evidence.MediaType, evidence.ArtifactType, err)
	// Output: application/jose+json application/vnd.cncf.notary.signature <nil>
}

// unanswered is a connection on which nothing comes.
type unanswered struct{}

func (unanswered) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// A time stamping authority that does not answer holds nobody for longer than 30 seconds. The clock is the bubble's.
func TestSilentAuthority(t *testing.T) {
	key, cert := newKey()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &notary.Signer{Key: key, Chain: []*x509.Certificate{cert}, TSA: "http://tsa.example", TSARoots: []*x509.Certificate{cert},
			Client: &http.Client{Transport: unanswered{}}, Now: func() time.Time { return cert.NotBefore }}
		_, err := s.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
		if !errors.Is(err, notary.ErrTimestamp) || time.Since(start) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
