package notary_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
)

func ExampleVerifier() {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		Subject:     pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	chain := []*x509.Certificate{must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, c, key.Public(), key))))}
	s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}
	evidence := must(s.Sign(context.Background(), sign.About(image, sign.ImageSignature{})))

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
