// Command lading decides whether an image may run: signed with a key, and below a certificate of Notary Project.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
)

func main() {
	pem, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	key, err := verify.ParseTrustedKey(pem)
	if err != nil {
		log.Fatal(err)
	}
	if pem, err = os.ReadFile(os.Args[2]); err != nil {
		log.Fatal(err)
	}
	roots, err := notary.ParseCertificates(pem)
	if err != nil {
		log.Fatal(err)
	}
	g := &policy.Gate{
		Open: gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{key}},
			&notary.Verifier{CA: roots, Identities: []string{"x509.subject: C=US, ST=WA, O=acme"}}},
		Policy: policy.Require{Kind: verify.ImageSignature, AtLeast: 2},
	}
	d := g.Check(context.Background(), os.Args[3])
	fmt.Println(d.Verdict, d.Reason)
	if d.Err() != nil {
		os.Exit(1)
	}
}
