package ecsgate_test

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

var releaseKey = func() crypto.PublicKey {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	return key.Public()
}()

// A service is being deployed with an image that is named by its tag.
func ExampleHook_Handle() {
	cloud := ecstest.New(nil) // an ECS in this process
	defer cloud.Close()
	service := cloud.PutService("shop", types.Service{ServiceName: aws.String("web")})
	deployment := cloud.PutServiceDeployment(service, types.ServiceDeployment{})
	revision := cloud.PutServiceRevision(service, types.ServiceRevision{
		TaskDefinition: aws.String(cloud.PutTaskDefinition(types.TaskDefinition{
			Family: aws.String("web"),
			ContainerDefinitions: []types.ContainerDefinition{
				{Name: aws.String("app"), Image: aws.String("111122223333.dkr.ecr.us-east-1.amazonaws.com/app:v1")},
			},
		})),
	})

	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: releaseKey}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	hook := &ecsgate.Hook{
		Client:  ecs.NewFromConfig(cloud.Config()),
		Checker: checker,
		Observe: func(_ context.Context, o *ecsgate.Outcome) {
			fmt.Println(o.Reason)
		},
	}
	event, err := json.Marshal(map[string]any{
		"executionId":      "a635edb5-a66b-4f44-bf3f-fcee4b3641a5",
		"lifecycleStage":   "PRE_SCALE_UP",
		"resourceArn":      deployment,
		"executionDetails": map[string]any{"serviceArn": service, "targetServiceRevisionArn": revision},
	})
	if err != nil {
		log.Fatal(err)
	}
	answer, err := hook.Handle(context.Background(), event) // what lambda.Start calls
	fmt.Println(string(answer), err)
	// Output:
	// container app: "111122223333.dkr.ecr.us-east-1.amazonaws.com/app:v1" is not named by digest, so what it will run is not known yet
	// {"hookStatus":"FAILED"} <nil>
}
