// Command lading verifies a Sigstore bundle about an image, named by its digest, with a key.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
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
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{key}}
	a, err := v.Verify(context.Background(), verify.Descriptor{Digest: digest.Digest(os.Args[2])},
		verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: data})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Kind, a.PredicateType)
}
