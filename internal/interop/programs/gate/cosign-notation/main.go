// Command cosign-notation decides whether an image may run: signed with a key, by cosign's library, and below a certificate of Notary
// Project, by notation-go.
package main

import (
	"context"
	"crypto"
	"log"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/sigstore/cosign/v3/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/signature"
	"oras.land/oras-go/v2/registry/remote"
)

func main() {
	ctx := context.Background()
	policy := &trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
		Name: "all", RegistryScopes: []string{"*"}, TrustStores: []string{"ca:acme"},
		TrustedIdentities:     []string{"x509.subject: C=US, ST=WA, O=acme"},
		SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
	}}}
	v, err := verifier.New(policy, truststore.NewX509TrustStore(dir.ConfigFS()), nil)
	if err != nil {
		log.Fatal(err)
	}
	repo, err := remote.NewRepository(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if _, _, err := notation.Verify(ctx, v, registry.NewRepository(repo),
		notation.VerifyOptions{ArtifactReference: os.Args[2], MaxSignatureAttempts: 50}); err != nil {
		log.Fatal(err)
	}
	by, err := signature.LoadVerifierFromPEMFile(os.Args[1], crypto.SHA256)
	if err != nil {
		log.Fatal(err)
	}
	ref, err := name.ParseReference(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if _, _, err = cosign.VerifyImageSignatures(ctx, ref,
		&cosign.CheckOpts{SigVerifier: by, ClaimVerifier: cosign.SimpleClaimVerifier, IgnoreTlog: true}); err != nil {
		log.Fatal(err)
	}
}
