package ecsgate_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
)

const unsigned = "registry.example/app@sha256:ab530a13e45914982b79f9b7e3fba994cfd1f3fb22f71cea1afbf02b460c6d1d"

// A daemon's task definition is judged like any other.
func ExampleRegistrar_RegisterDaemon() {
	cloud := ecstest.New(nil)
	defer cloud.Close()
	registrar := &ecsgate.Registrar{Client: ecs.NewFromConfig(cloud.Config()), Checker: denying(), Family: "gated-"}
	_, err := registrar.RegisterDaemon(context.Background(), &ecs.RegisterDaemonTaskDefinitionInput{
		Family:               aws.String("agent"),
		ContainerDefinitions: []types.DaemonContainerDefinition{{Name: aws.String("agent"), Image: aws.String(unsigned)}},
	})
	fmt.Println(errors.Is(err, ecsgate.ErrRefused))
	// Output: true
}

// An Express service that names an image gets a task definition in its place, if the image is allowed.
func ExampleRegistrar_RegisterExpress() {
	cloud := ecstest.New(nil)
	defer cloud.Close()
	registrar := &ecsgate.Registrar{Client: ecs.NewFromConfig(cloud.Config()), Checker: denying(), Family: "gated-"}
	_, _, err := registrar.RegisterExpress(context.Background(), &ecs.CreateExpressGatewayServiceInput{
		ServiceName:           aws.String("web"),
		ExecutionRoleArn:      aws.String("arn:aws:iam::111122223333:role/execution"),
		InfrastructureRoleArn: aws.String("arn:aws:iam::111122223333:role/infrastructure"),
		PrimaryContainer:      &types.ExpressGatewayContainer{Image: aws.String(unsigned)},
	})
	fmt.Println(errors.Is(err, ecsgate.ErrRefused))
	// Output: true
}
