// Lading verifies what AWS Signer signed: IMAGE PROFILE-ARN.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/signer"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary/awssigner"
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
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	v := awssigner.Verifier(signer.NewFromConfig(cfg), os.Args[2])
	report := verify.Collect(ctx, image, repo, v)
	for _, a := range report.Attestations {
		log.Print(a.Kind, " by ", a.Signers[0].Identity.Subject)
	}
	if len(report.Attestations) == 0 {
		log.Fatal(report.Rejected, report.Incomplete)
	}
}
