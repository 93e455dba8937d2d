// Ours is a function that lets images pass which are signed twice, in the format of the Notary Project by a certificate below the root in
// NOTARY_ROOT, and by the key in COSIGN_KEY.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ladingdev/lading/internal/interop/lambda/setup"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
)

func main() {
	cfg := setup.Config()
	block, _ := pem.Decode([]byte(os.Getenv("NOTARY_ROOT")))
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		log.Fatal(err)
	}
	key, err := verify.ParseTrustedKey([]byte(os.Getenv("COSIGN_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	login := &ecr.Credentials{Private: awsecr.NewFromConfig(cfg)}
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open: gate.Open(&registry.Options{Credential: login.Credential, Cache: &registry.Cache{}, CosignTags: true}),
		Verifiers: []verify.Verifier{
			&notary.Verifier{CA: []*x509.Certificate{root}, Identities: []string{"*"}},
			&verify.KeyVerifier{Keys: []verify.TrustedKey{key}, Formats: []verify.Format{verify.SimpleSigning}},
		},
		Policy: policy.Require{Kind: verify.ImageSignature, AtLeast: 2},
	}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	hook := &ecsgate.Hook{Client: ecs.NewFromConfig(cfg), Checker: checker, Log: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
	if err := hook.Validate(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(hook.Handle)
}
