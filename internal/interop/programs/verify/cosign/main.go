// Command cosign verifies the signatures of an image in a registry with a key.
package main

import (
	"context"
	"crypto"
	"fmt"
	"log"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v3/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/signature"
)

func main() {
	by, err := signature.LoadVerifierFromPEMFile(os.Args[1], crypto.SHA256)
	if err != nil {
		log.Fatal(err)
	}
	ref, err := name.ParseReference(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	found, _, err := cosign.VerifyImageSignatures(context.Background(), ref,
		&cosign.CheckOpts{SigVerifier: by, ClaimVerifier: cosign.SimpleClaimVerifier, IgnoreTlog: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(found))
}
