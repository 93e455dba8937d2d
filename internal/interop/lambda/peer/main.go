// Peer is the function of ../ours on notation-go and cosign's libraries.
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/sigstore/cosign/v3/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/ladingdev/lading/internal/interop/lambda/setup"
)

type store []*x509.Certificate

func (s store) GetCertificates(context.Context, truststore.Type, string) ([]*x509.Certificate, error) {
	return s, nil
}

type function struct {
	ecs    *ecs.Client
	ecr    *ecr.Client
	notary notation.Verifier
	cosign *cosign.CheckOpts
}

func main() {
	cfg := setup.Config()
	block, _ := pem.Decode([]byte(os.Getenv("NOTARY_ROOT")))
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		log.Fatal(err)
	}
	notary, err := verifier.New(&trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
		Name: "all", RegistryScopes: []string{"*"}, TrustStores: []string{"ca:roots"}, TrustedIdentities: []string{"*"},
		SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
	}}}, store{root}, nil)
	if err != nil {
		log.Fatal(err)
	}
	key, err := cryptoutils.UnmarshalPEMToPublicKey([]byte(os.Getenv("COSIGN_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	v, err := signature.LoadVerifier(key, crypto.SHA256)
	if err != nil {
		log.Fatal(err)
	}
	f := &function{ecs.NewFromConfig(cfg), ecr.NewFromConfig(cfg), notary,
		&cosign.CheckOpts{SigVerifier: v, ClaimVerifier: cosign.SimpleClaimVerifier, IgnoreTlog: true, IgnoreSCT: true}}
	lambda.Start(f.handle)
}

func (f *function) handle(ctx context.Context, event json.RawMessage) (json.RawMessage, error) {
	var e struct {
		ExecutionDetails struct{ TargetServiceRevisionArn string }
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	revisions, err := f.ecs.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{
		ServiceRevisionArns: []string{e.ExecutionDetails.TargetServiceRevisionArn}})
	if err != nil {
		return nil, err
	}
	task, err := f.ecs.DescribeTaskDefinition(ctx,
		&ecs.DescribeTaskDefinitionInput{TaskDefinition: revisions.ServiceRevisions[0].TaskDefinition})
	if err != nil {
		return nil, err
	}
	for _, c := range task.TaskDefinition.ContainerDefinitions {
		if err := f.check(ctx, *c.Image); err != nil {
			log.Print(err)
			return json.RawMessage(`{"hookStatus":"FAILED"}`), nil
		}
	}
	return json.RawMessage(`{"hookStatus":"SUCCEEDED"}`), nil
}

func (f *function) check(ctx context.Context, image string) error {
	if f.ecr == nil {
		return errors.New("no client")
	}
	repo, err := remote.NewRepository(image)
	if err != nil {
		return err
	}
	repo.PlainHTTP = true
	if _, _, err := notation.Verify(ctx, f.notary, registry.NewRepository(repo), notation.VerifyOptions{
		ArtifactReference: image, MaxSignatureAttempts: 50}); err != nil {
		return err
	}
	ref, err := name.NewDigest(image, name.Insecure)
	if err != nil {
		return err
	}
	_, _, err = cosign.VerifyImageSignatures(ctx, ref, f.cosign)
	return err
}
