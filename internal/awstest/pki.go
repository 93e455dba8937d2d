package awstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"sync"
	"time"
)

// pki has the shape of AWS Signer's: a root for a hundred years, an intermediate for five, a CA for each region for one, and
// leaves that live three days. All keys are P-384.
type pki struct {
	now                time.Time
	rootKey, interKey  *ecdsa.PrivateKey
	root, intermediate *x509.Certificate

	mu      sync.Mutex
	regions map[string]*authority
}

type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

const year = 365 * 24 * time.Hour

func newPKI(now time.Time) (*pki, error) {
	p := &pki{now: now, regions: map[string]*authority{}}
	var err error
	if p.rootKey, p.root, err = issue(ca("AWS Signer Code Signing Root CA G1", now.Add(-year), 100*year, -1), nil, nil); err != nil {
		return nil, err
	}
	p.interKey, p.intermediate, err = issue(ca("AWS Signer Code Signing Int CA G1", now.Add(-year), 5*year, 1), p.root, p.rootKey)
	return p, err
}

func ca(name string, from time.Time, life time.Duration, pathLen int) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{Country: []string{"US"}, Organization: []string{"AWS"}, OrganizationalUnit: []string{"Cryptography"},
			Province: []string{"WA"}, CommonName: name},
		NotBefore: from, NotAfter: from.Add(life), IsCA: true, BasicConstraintsValid: true, MaxPathLen: pathLen,
		MaxPathLenZero: pathLen == 0,
		KeyUsage:       x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func issue(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SignatureAlgorithm = x509.ECDSAWithSHA384
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return key, cert, err
}

// leaf makes a new leaf of the region's CA, for signatures made at the time, and returns it with its chain.
func (p *pki) leaf(region string, at time.Time) (*ecdsa.PrivateKey, []*x509.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.regions[region]
	if r == nil {
		key, cert, err := issue(ca("AWS Signer "+region+" Code Signing CA G1", p.now.Add(-year/4), year, 0), p.intermediate, p.interKey)
		if err != nil {
			return nil, nil, err
		}
		r = &authority{key, cert}
		p.regions[region] = r
	}
	key, cert, err := issue(&x509.Certificate{
		Subject: pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Locality: []string{"Seattle"}, Organization: []string{"AWS"},
			OrganizationalUnit: []string{"AWS Cryptography"}, CommonName: "AWS Signer"},
		NotBefore: at.Add(-time.Hour), NotAfter: at.Add(71 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}, r.cert, r.key)
	return key, []*x509.Certificate{cert, r.cert, p.intermediate, p.root}, err
}

// Root is what to trust as the signing authority: the root of the certificates that Signer's signatures carry.
func (s *Server) Root() *x509.Certificate { return s.pki.root }
