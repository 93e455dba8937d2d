// Command notation-go verifies a signature of Notary Project about an image, named by its digest.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	policy := &trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
		Name: "all", RegistryScopes: []string{"*"}, TrustStores: []string{"ca:acme"},
		TrustedIdentities:     []string{"x509.subject: C=US, ST=WA, O=acme"},
		SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
	}}}
	v, err := verifier.New(policy, truststore.NewX509TrustStore(dir.ConfigFS()), nil)
	if err != nil {
		log.Fatal(err)
	}
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	outcome, err := v.Verify(context.Background(), ocispec.Descriptor{Digest: digest.Digest(os.Args[2])}, data,
		notation.VerifierVerifyOptions{ArtifactReference: os.Args[1], SignatureMediaType: "application/jose+json"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(outcome.VerificationLevel.Name)
}
