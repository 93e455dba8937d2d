package sweep_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate/sweep"
	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/sweeptest"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A task was started past the gate: its definition is none of the registrar's.
func ExampleSweep() {
	cloud := sweeptest.New() // an AWS for tests; elsewhere, config.LoadDefaultConfig of the SDK
	defer cloud.Close()
	image := "registry.example.com/shop/web@sha256:c9b9a5a6b1d1e8f6e1c5b0a3b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7"
	ecs := cloud.Region("us-east-1").ECS
	definition := ecs.PutTaskDefinition(types.TaskDefinition{
		Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &image}},
	})
	ecs.PutTask("production", types.Task{
		TaskDefinitionArn: &definition, Group: aws.String("family:web"),
		Containers: []types.Container{{Name: aws.String("app"), Image: &image}},
	})

	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		fmt.Println(err)
		return
	}
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      unsigned, // elsewhere, gate.Open
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := &sweep.Sweep{
		Config: cloud.Config(), Services: []string{"ecs"}, Families: []string{"gated-*"}, Checker: checker,
		Now: func() time.Time { return began },
	}
	report, err := s.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range report.Rows {
		for _, f := range row.Findings {
			fmt.Println(row.Kind, row.Definition, f.Kind)
		}
	}
	fmt.Println("status", report.Status())
	// Output:
	// task web:1 denied
	// task definition web:1 not-gated
	// status 1
}

// unsigned is a registry in which nothing is signed.
func unsigned(_ context.Context, name string) (*policy.Image, error) {
	_, sum, _ := strings.Cut(name, "@")
	return &policy.Image{Subject: verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(sum), Size: 1},
		Source: new(shop)}, nil
}
