package ecsgate_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/opencontainers/go-digest"

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

// Somebody runs a task past the pipeline. A rule of EventBridge tells the door, which stops it.
func ExampleTasks_Handle() {
	cloud := ecstest.New(nil)
	defer cloud.Close()
	cloud.PutCluster("shop")
	client := ecs.NewFromConfig(cloud.Config())
	tasks := ecsgate.NewTasks(client, denying())
	tasks.Clusters = []string{"shop"} // nothing is stopped elsewhere
	tasks.Observe = func(_ context.Context, o *ecsgate.TaskOutcome) {
		for _, step := range o.Steps {
			if step.Done {
				fmt.Println(step.Action, "because of", o.Reason)
			}
		}
	}
	cloud.Subscribe(tasks.Handle, ecstest.TaskStateChange) // lambda.Start(tasks.Handle)

	definition := cloud.PutTaskDefinition(types.TaskDefinition{
		Family: aws.String("job"),
		ContainerDefinitions: []types.ContainerDefinition{
			{
				Name:  aws.String("app"),
				Image: aws.String("registry.example/app@sha256:ab530a13e45914982b79f9b7e3fba994cfd1f3fb22f71cea1afbf02b460c6d1d"),
			},
		},
	})
	run, err := client.RunTask(context.Background(), &ecs.RunTaskInput{Cluster: aws.String("shop"), TaskDefinition: &definition})
	if err != nil {
		log.Fatal(err)
	}
	cloud.Advance(time.Minute)
	fmt.Println("it ran for", cloud.Ran(*run.Tasks[0].TaskArn))
	// Output:
	// StopTask because of container app: nobody signed it
	// DeregisterTaskDefinition because of container app: nobody signed it
	// it ran for 0s
}

// What is proposed is judged before there is anything to run.
func ExampleRegistrar_Register() {
	cloud := ecstest.New(nil)
	defer cloud.Close()
	registrar := &ecsgate.Registrar{Client: ecs.NewFromConfig(cloud.Config()), Checker: denying(), Family: "gated-"}
	registration, err := registrar.Register(context.Background(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"),
		ContainerDefinitions: []types.ContainerDefinition{
			{
				Name:  aws.String("app"),
				Image: aws.String("registry.example/app@sha256:ab530a13e45914982b79f9b7e3fba994cfd1f3fb22f71cea1afbf02b460c6d1d"),
			},
		},
	})
	fmt.Println(registration.Family, errors.Is(err, ecsgate.ErrRefused))
	fmt.Println(err)
	// Output:
	// gated-web true
	// the task definition is not registered: container app: nobody signed it
}

// denying is a Checker that allows nothing.
func denying() *gate.Checker {
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open: func(_ context.Context, name string) (*policy.Image, error) {
			_, sum, _ := strings.Cut(name, "@")
			return &policy.Image{Subject: verify.Descriptor{Digest: digest.Digest(sum)}, Source: nothing}, nil
		},
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: releaseKey}}}},
		Policy: policy.Func(func(context.Context, *policy.Input) *policy.Decision {
			return &policy.Decision{Verdict: policy.Deny, Rule: "signed", Reason: "nobody signed it"}
		}),
	}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	return checker
}

var nothing = verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(func(verify.Descriptor, error) bool) {}
})
