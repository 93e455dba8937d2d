package notary_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"testing/fstest"
	"time"

	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
)

// acme returns a certificate chain and what was signed with it.
func acme() ([]*x509.Certificate, verify.Descriptor) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		Subject:     pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	chain := []*x509.Certificate{must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, c, key.Public(), key))))}
	s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}
	evidence := must(s.Sign(context.Background(), sign.About(image, sign.ImageSignature{})))
	return chain, evidence
}

func ExampleVerifier() {
	chain, evidence := acme()
	v := &notary.Verifier{CA: chain, Identities: []string{"x509.subject: C=US, ST=WA, O=acme"}}
	attestation, err := v.Verify(context.Background(), image, evidence)
	fmt.Println(attestation.Kind, attestation.Signers[0].Identity.Subject, err)

	v.Identities = []string{"x509.subject: C=US, ST=WA, O=other"}
	_, err = v.Verify(context.Background(), image, evidence)
	fmt.Println(errors.Is(err, verify.ErrNotTrusted))
	// Output:
	// image signature O=acme,ST=WA,C=US <nil>
	// true
}

// A user of notation brings policy and stores as they are: in a program, os.DirFS of notation's configuration directory.
func ExampleReadTrustPolicy() {
	chain, evidence := acme()
	notation := fstest.MapFS{
		"trustpolicy.json": {Data: []byte(`{"version": "1.0", "trustPolicies": [{
			"name": "acme",
			"registryScopes": ["registry.example.com/acme/app"],
			"signatureVerification": {"level": "strict"},
			"trustStores": ["ca:acme"],
			"trustedIdentities": ["x509.subject: C=US, ST=WA, O=acme"]
		}]}`)},
		"truststore/x509/ca/acme/root.pem": {Data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[0].Raw})},
	}
	policy := must(notary.ReadTrustPolicy(notation))
	v := must(policy.Verifier("registry.example.com/acme/app"))
	attestation, err := v.Verify(context.Background(), image, evidence)
	fmt.Println(attestation.Kind, attestation.Signers[0].Identity.Subject, err)

	_, err = policy.Verifier("registry.example.com/other/app")
	fmt.Println(errors.Is(err, notary.ErrTrust))
	// Output:
	// image signature O=acme,ST=WA,C=US <nil>
	// true
}
