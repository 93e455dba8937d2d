// Offline verifies what AWS Signer signed and asks AWS nothing: IMAGE PROFILE-ARN.
package main

import (
	"context"
	"log"
	"os"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
)

func main() {
	ctx := context.Background()
	repo, err := registry.Open(os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	image, err := repo.Resolve(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	v := &notary.Verifier{SigningAuthority: notary.AWSRoots(), Identities: os.Args[2:], Revocation: notary.RevocationOffUnsafe}
	report := verify.Collect(ctx, image, repo, v)
	for _, a := range report.Attestations {
		log.Print(a.Kind, " by ", a.Signers[0].Identity.Subject)
	}
	if len(report.Attestations) == 0 {
		log.Fatal(report.Rejected, report.Incomplete)
	}
}
