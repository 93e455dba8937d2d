// Notation verifies with notation-go and the policy, trust stores and plugins of its configuration directory: IMAGE.
package main

import (
	"context"
	"log"
	"os"

	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/verifier"
	"oras.land/oras-go/v2/registry/remote"
)

func main() {
	ctx := context.Background()
	repo, err := remote.NewRepository(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.NewFromConfig()
	if err != nil {
		log.Fatal(err)
	}
	_, outcomes, err := notation.Verify(ctx, v, registry.NewRepository(repo), notation.VerifyOptions{
		ArtifactReference: os.Args[1], MaxSignatureAttempts: 50,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range outcomes {
		log.Print(o.EnvelopeContent.SignerInfo.CertificateChain[0].Subject)
	}
}
