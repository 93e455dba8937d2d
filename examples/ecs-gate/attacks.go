package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/registry"
)

// An attack is a way to start an image that nobody signed.
type attack struct {
	name string
	hook bool // whether the hook keeps it out; else it is stopped
	do   func(ctx context.Context) error
}

func (s *workshop) attacks() []attack {
	return []attack{
		{"UpdateService", true, s.updateService},
		{"RunTask, by a tag", false, s.runTask},
		{"a new task definition, and the hook taken off", false, s.withoutHook},
		{"a moved tag, with a forced deployment", false, s.movedTag},
		{"an Express service", false, s.express},
		{"a daemon", false, s.daemon},
		{"the registrar itself", true, s.propose},
	}
}

// attack tries, lets time pass, and shows what became of it.
func (s *workshop) attack(ctx context.Context, a attack) error {
	s.hook, s.steps, s.why = nil, nil, ""
	before := len(s.cloud.ECS.Tasks())
	if err := a.do(ctx); err != nil {
		return err
	}
	s.cloud.ECS.Advance(10 * time.Minute)
	var longest time.Duration
	for _, t := range s.cloud.ECS.Tasks()[before:] {
		if !strings.HasSuffix(s.bad, aws.ToString(t.Containers[0].ImageDigest)) && *t.Containers[0].Image != s.bad {
			continue
		}
		longest = max(longest, s.cloud.ECS.Ran(*t.TaskArn))
		if *t.LastStatus != "STOPPED" {
			return fmt.Errorf("%s runs", *t.Containers[0].Image)
		}
	}
	verb, who, why := "stopped ", strings.Join(s.steps, ", "), s.why
	if s.hook != nil && s.hook.Refused {
		verb, who, why = "kept out", "hook", s.hook.Reason
	} else if a.hook && s.why != "" {
		verb, who = "kept out", "registrar"
	}
	fmt.Fprintf(s.w, "   %s  %-46s ran %.0f s\n%s", verb, a.name, longest.Seconds(), folded("by "+who+": "+why))
	switch {
	case a.hook != (verb == "kept out"):
		return fmt.Errorf("it was %s by %s", verb, who)
	case who == "":
		return errors.New("nobody did anything")
	}
	return nil
}

func (s *workshop) updateService(ctx context.Context) error {
	definition, err := s.define(ctx, "web", s.bad)
	if err != nil {
		return err
	}
	_, err = s.client.UpdateService(
		ctx,
		&ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &definition},
	)
	return err
}

func (s *workshop) runTask(ctx context.Context) error {
	definition, err := s.define(ctx, "job", s.repository+":hotfix")
	if err != nil {
		return err
	}
	_, err = s.client.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition})
	return err
}

func (s *workshop) withoutHook(ctx context.Context) error {
	definition, err := s.define(ctx, "web", s.bad)
	if err != nil {
		return err
	}
	_, err = s.client.UpdateService(
		ctx,
		&ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &definition,
			DeploymentConfiguration: &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{}}},
	)
	return err
}

func (s *workshop) movedTag(ctx context.Context) error {
	repo, err := registry.Open(s.bad, nil)
	if err != nil {
		return err
	}
	image, err := repo.Resolve(ctx, "")
	if err != nil {
		return err
	}
	if err := repo.Tag(ctx, image, "v1"); err != nil {
		return err
	}
	_, err = s.client.UpdateService(
		ctx,
		&ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("old"), ForceNewDeployment: true},
	)
	return err
}

func (s *workshop) express(ctx context.Context) error {
	_, err := s.client.CreateExpressGatewayService(ctx, &ecs.CreateExpressGatewayServiceInput{
		Cluster: aws.String(cluster), ServiceName: aws.String("fast"), PrimaryContainer: &types.ExpressGatewayContainer{Image: &s.bad},
		ExecutionRoleArn: aws.String(
			"arn:aws:iam::111122223333:role/execution",
		), InfrastructureRoleArn: aws.String("arn:aws:iam::111122223333:role/infrastructure"),
	})
	return err
}

func (s *workshop) daemon(ctx context.Context) error {
	out, err := s.client.RegisterDaemonTaskDefinition(ctx, &ecs.RegisterDaemonTaskDefinitionInput{
		Family: aws.String("agent"), ContainerDefinitions: []types.DaemonContainerDefinition{{Name: aws.String("agent"), Image: &s.bad}}})
	if err != nil {
		return err
	}
	_, err = s.client.CreateDaemon(ctx, &ecs.CreateDaemonInput{
		ClusterArn: aws.String("arn:aws:ecs:us-east-1:111122223333:cluster/" + cluster), DaemonName: aws.String("agent"),
		DaemonTaskDefinitionArn: out.DaemonTaskDefinitionArn,
		CapacityProviderArns:    []string{"arn:aws:ecs:us-east-1:111122223333:capacity-provider/instances"},
	})
	return err
}

func (s *workshop) propose(ctx context.Context) error {
	reg, err := s.registrar.Register(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &s.bad}}})
	if !errors.Is(err, ecsgate.ErrRefused) {
		return fmt.Errorf("the registrar answers %v", err)
	}
	s.why = reg.Reason
	return nil
}
