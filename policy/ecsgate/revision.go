package ecsgate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy"
)

// Client is the part of ECS that doors look things up in. The AWS SDK's *ecs.Client is one. A Hook asks DescribeServices only where the
// policy looks at requests.
type Client interface {
	DescribeServiceDeployments(
		context.Context, *ecs.DescribeServiceDeploymentsInput, ...func(*ecs.Options)) (*ecs.DescribeServiceDeploymentsOutput, error)
	DescribeServiceRevisions(
		context.Context, *ecs.DescribeServiceRevisionsInput, ...func(*ecs.Options)) (*ecs.DescribeServiceRevisionsOutput, error)
	DescribeTaskDefinition(
		context.Context,
		*ecs.DescribeTaskDefinitionInput,
		...func(*ecs.Options),
	) (*ecs.DescribeTaskDefinitionOutput, error)
	DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
}

// A looker asks ECS, and makes sure that it answers about what it was asked.
type looker struct{ client Client }

func (h *Hook) look() looker { return looker{h.Client} }

// deployment asks how a deployment stands.
func (l looker) deployment(ctx context.Context, arn string) (*types.ServiceDeployment, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := l.client.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{arn}})
	if err != nil {
		return nil, fmt.Errorf("looking up the deployment: %w", err)
	}
	if len(out.ServiceDeployments) != 1 {
		return nil, notFound(arn, len(out.ServiceDeployments), out.Failures)
	}
	d := &out.ServiceDeployments[0]
	if err := same("service deployment", arn, d.ServiceDeploymentArn); err != nil {
		return nil, err
	}
	return d, nil
}

// A running is a service revision with its task definition.
type running struct {
	revision   *types.ServiceRevision
	definition *types.TaskDefinition
}

// revision asks what a service revision runs.
func (l looker) revision(ctx context.Context, arn string) (*running, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := l.client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{arn}})
	if err != nil {
		return nil, fmt.Errorf("looking up the service revision: %w", err)
	}
	if len(out.ServiceRevisions) != 1 {
		return nil, notFound(arn, len(out.ServiceRevisions), out.Failures)
	}
	r := &running{revision: &out.ServiceRevisions[0]}
	if err := same("service revision", arn, r.revision.ServiceRevisionArn); err != nil {
		return nil, err
	}
	name := aws.ToString(r.revision.TaskDefinition)
	if name == "" {
		return nil, fmt.Errorf("%w: service revision %s has no task definition", ErrNotFound, arn)
	}
	r.definition, err = l.definition(ctx, name)
	return r, err
}

// definition asks for a task definition, which the caller may name in short, FAMILY:REVISION.
func (l looker) definition(ctx context.Context, name string) (*types.TaskDefinition, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defined, err := l.client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &name})
	if err != nil {
		return nil, fmt.Errorf("looking up the task definition: %w", err)
	}
	task := defined.TaskDefinition
	if task == nil || len(task.ContainerDefinitions) == 0 {
		return nil, fmt.Errorf("%w: task definition %s has no containers", ErrNotFound, name)
	}
	if arn := aws.ToString(task.TaskDefinitionArn); !strings.HasSuffix("/"+arn, "/"+name) {
		return nil, same("task definition", name, &arn)
	}
	return task, nil
}

// service asks for a service by the ARNs of it and its cluster.
func (l looker) service(ctx context.Context, cluster, arn string) (*types.Service, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := l.client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{arn}})
	if err != nil {
		return nil, fmt.Errorf("looking up the service: %w", err)
	}
	if len(out.Services) != 1 {
		return nil, notFound(arn, len(out.Services), out.Failures)
	}
	return &out.Services[0], nil
}

// executeCommand says whether people may get into the service's containers, if the policy looks at requests.
func (h *Hook) executeCommand(ctx context.Context, r *running) (string, error) {
	if h.Checker == nil || policy.IgnoresRequest(h.Checker.Rules().Gate.Policy) {
		return "", nil
	}
	arn := aws.ToString(r.revision.ServiceArn)
	if arn == "" {
		return "", errors.New("the revision does not say of which service it is")
	}
	s, err := h.look().service(ctx, aws.ToString(r.revision.ClusterArn), arn)
	if err != nil {
		return "", err
	}
	return strconv.FormatBool(s.EnableExecuteCommand), nil
}

// serviceRequest is what policies see of a deployment.
func serviceRequest(gate, operation string, r *types.ServiceRevision) policy.Request {
	region, account, resource := arnParts(aws.ToString(r.ServiceArn))
	q := policy.Request{Gate: gate, Operation: operation, Kind: "service", Account: account, Region: region}
	if len(resource) > 1 {
		q.Workload = resource[len(resource)-1]
	}
	if _, _, cluster := arnParts(aws.ToString(r.ClusterArn)); len(cluster) > 1 {
		q.Cluster = cluster[1]
	}
	return q
}

// containers lists what the revision will run: all containers of its task definition, and whatever else ECS names.
func (r *running) containers(injected []Injected) (list []Container) {
	for _, c := range r.definition.ContainerDefinitions {
		list = append(list, Container{Name: aws.ToString(c.Name), Image: aws.ToString(c.Image)})
	}
	defined := len(list)
	for _, seen := range r.revision.ContainerImages {
		name, image := aws.ToString(seen.ContainerName), aws.ToString(seen.Image)
		i := slices.IndexFunc(list, func(c Container) bool { return c.Name == name })
		if i < 0 { // one that ECS adds by itself runs as well
			i = len(list)
			list = append(list, Container{Name: name, Image: image})
		}
		if i >= defined {
			list[i].Injected = slices.ContainsFunc(injected, func(known Injected) bool { return known.matches(name, image) })
		}
		list[i].Digest = aws.ToString(seen.ImageDigest)
		if image != list[i].Image {
			why := fmt.Errorf("%w: the service revision runs %q, its task definition %q", ErrMismatch, image, list[i].Image)
			list[i].Decision = undecided(list[i].Image, why)
		}
	}
	return list
}
