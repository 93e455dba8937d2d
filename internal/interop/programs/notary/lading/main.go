// Command lading verifies a signature of Notary Project about an image, named by its digest.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/opencontainers/go-digest"
)

func main() {
	pem, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	roots, err := notary.ParseCertificates(pem)
	if err != nil {
		log.Fatal(err)
	}
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	v := &notary.Verifier{CA: roots, Identities: []string{"x509.subject: C=US, ST=WA, O=acme"}}
	a, err := v.Verify(context.Background(), verify.Descriptor{Digest: digest.Digest(os.Args[2])},
		verify.Descriptor{MediaType: "application/jose+json", Data: data})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Kind)
}
