package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// ecsServices looks at a page of services: what guards their deployments, and what each of these runs.
func (r *run) ecsServices(ctx context.Context, client *ecs.Client, cluster string, token *string) (*string, error) {
	out, err := client.ListServices(ctx, &ecs.ListServicesInput{Cluster: &cluster, NextToken: token, MaxResults: aws.Int32(ecsPage)})
	if err != nil {
		return nil, err
	}
	var list []types.Service
	for arns := range slices.Chunk(out.ServiceArns, ecsServices) {
		described, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: arns})
		if err != nil {
			r.failed("services", fmt.Sprintf("%d services from %s on", len(arns), arns[0]), err)
			continue
		}
		r.complete("services", arns, len(described.Services)+len(described.Failures))
		for _, f := range described.Failures {
			r.failure("service", f)
		}
		list = append(list, described.Services...)
	}
	revisions := r.revisions(ctx, client, list)
	for _, v := range list {
		if aws.ToString(v.Status) != "INACTIVE" {
			r.ecsService(ctx, client, cluster, &v, revisions)
		}
	}
	return out.NextToken, nil
}

// revisions returns the digests that ECS looked up, by service and task definition, and container.
func (r *run) revisions(ctx context.Context, client *ecs.Client, list []types.Service) map[string]map[string]resolved {
	var arns []string
	for _, v := range list {
		for _, revision := range v.CurrentServiceRevisions {
			arns = append(arns, aws.ToString(revision.Arn))
		}
	}
	found := map[string]map[string]resolved{}
	for chunk := range slices.Chunk(arns, ecsRevisions) {
		out, err := client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: chunk})
		if err != nil {
			r.failed("service revisions", fmt.Sprintf("%d revisions from %s on", len(chunk), chunk[0]), err)
			continue
		}
		r.complete("service revisions", chunk, len(out.ServiceRevisions)+len(out.Failures))
		for _, f := range out.Failures {
			r.failure("service revision", f)
		}
		for _, v := range out.ServiceRevisions {
			images := map[string]resolved{}
			for _, c := range v.ContainerImages {
				name := aws.ToString(c.ContainerName)
				images[name] = resolved{name, aws.ToString(c.Image), aws.ToString(c.ImageDigest)}
			}
			found[aws.ToString(v.ServiceArn)+" "+short(aws.ToString(v.TaskDefinition))] = images
		}
	}
	return found
}

func (r *run) ecsService(ctx context.Context, client *ecs.Client, cluster string, v *types.Service,
	revisions map[string]map[string]resolved) {
	base := Row{Kind: "service", Cluster: cluster, Resource: aws.ToString(v.ServiceName), Examples: []string{aws.ToString(v.ServiceArn)}}
	if v.ResourceManagementType == types.ResourceManagementTypeEcs {
		base.Kind = "express service"
	}
	all := deployed(v)
	guards := base
	gated := len(all) > 0 && !slices.ContainsFunc(all, func(d deployment) bool { return !r.gated(d.arn) })
	r.guards(&guards, v, gated)
	if v.EnableExecuteCommand {
		guards.find(Exec, "ExecuteCommand is on")
	}
	if len(guards.Findings) > 0 {
		r.row(&guards)
	}
	for _, d := range all {
		facts := r.define(ctx, client, d.arn)
		kind := base.Kind
		if d.what != "" {
			kind = d.what + " of " + kind
		}
		if facts.Err != "" {
			row := base
			row.Kind, row.Definition = kind, short(d.arn)
			row.find(Unreadable, "its task definition: %s", facts.Err)
			r.row(&row)
			continue
		}
		for _, c := range facts.images(revisions[aws.ToString(v.ServiceArn)+" "+short(d.arn)]) {
			row := base
			row.Kind, row.Definition, row.Container, row.Image = kind, short(d.arn), c.name, c.image
			r.judge(&row, c.digest, false)
			r.row(&row)
		}
	}
}

// A deployment is one of the task definitions that a service runs at the same time.
type deployment struct{ what, arn string }

// deployed are the definitions that a service runs, or is about to: of deployments in progress the old and the new, and of task sets.
func deployed(v *types.Service) (list []deployment) {
	add := func(what string, arn *string) {
		if a := aws.ToString(arn); a != "" && !slices.ContainsFunc(list, func(d deployment) bool { return d.arn == a }) {
			list = append(list, deployment{what, a})
		}
	}
	add("", v.TaskDefinition)
	for _, d := range v.Deployments {
		if aws.ToString(d.Status) == "PRIMARY" || d.DesiredCount+d.PendingCount+d.RunningCount > 0 {
			add("deployment", d.TaskDefinition)
		}
	}
	for _, s := range v.TaskSets {
		add("task set", s.TaskDefinition)
	}
	return list
}

// guards adds what is wrong with what stands between a deployment and its tasks.
func (r *run) guards(row *Row, v *types.Service, gated bool) {
	if c := v.DeploymentController; c != nil && c.Type != "" && c.Type != types.DeploymentControllerTypeEcs {
		kind := HookMissing
		if gated {
			kind = HookUncalled
		}
		row.find(kind, "its deployment controller is %s, which asks no hook", string(c.Type))
		return
	}
	open, closed, paused := r.hooks(v.DeploymentConfiguration)
	switch {
	case closed > 0:
	case open > 0:
		row.find(HookOpen, "timeout action CONTINUE")
	case gated:
	case paused:
		row.find(HookMissing, "it pauses before the tasks start, and whoever may call ContinueServiceDeployment decides")
	default:
		row.find(HookMissing, "no function of the gate is asked at PRE_SCALE_UP")
	}
}

// hooks counts the gate's hooks before the tasks start: those that fail open, and those that fail shut.
func (r *run) hooks(c *types.DeploymentConfiguration) (open, closed int, paused bool) {
	if c == nil {
		return 0, 0, false
	}
	for _, h := range c.LifecycleHooks {
		if !slices.Contains(h.LifecycleStages, types.DeploymentLifecycleHookStagePreScaleUp) {
			continue
		}
		switch {
		case h.TargetType == types.DeploymentLifecycleHookTargetTypePause:
			paused = true
		case len(r.Hooks) > 0 && !matches(r.Hooks, unqualified(aws.ToString(h.HookTargetArn))):
		case h.TimeoutConfiguration != nil && h.TimeoutConfiguration.Action == types.DeploymentLifecycleHookActionContinue:
			open++
		default:
			closed++
		}
	}
	return open, closed, paused
}

// unqualified is the ARN of a function without version or alias: arn:aws:lambda:REGION:ACCOUNT:function:NAME.
func unqualified(arn string) string {
	const parts = 7
	if all := strings.SplitN(arn, ":", parts+1); len(all) > parts {
		return strings.Join(all[:parts], ":")
	}
	return arn
}

// daemons looks at a page of daemons, and at what each of their revisions runs.
func (r *run) daemons(ctx context.Context, client *ecs.Client, cluster string, token *string) (*string, error) {
	out, err := client.ListDaemons(ctx, &ecs.ListDaemonsInput{ClusterArn: &cluster, NextToken: token, MaxResults: aws.Int32(ecsPage)})
	if err != nil {
		return nil, err
	}
	var arns []string
	for _, d := range out.DaemonSummariesList {
		described, err := client.DescribeDaemon(ctx, &ecs.DescribeDaemonInput{DaemonArn: d.DaemonArn})
		if err == nil && described.Daemon == nil {
			err = errors.New("ECS says nothing about it")
		}
		if err != nil {
			r.failed("daemon", aws.ToString(d.DaemonArn), err)
			continue
		}
		for _, revision := range described.Daemon.CurrentRevisions {
			arns = append(arns, aws.ToString(revision.Arn))
		}
	}
	for chunk := range slices.Chunk(arns, ecsRevisions) {
		described, err := client.DescribeDaemonRevisions(ctx, &ecs.DescribeDaemonRevisionsInput{DaemonRevisionArns: chunk})
		if err != nil {
			r.failed("daemon revisions", fmt.Sprintf("%d revisions from %s on", len(chunk), chunk[0]), err)
			continue
		}
		r.complete("daemon revisions", chunk, len(described.DaemonRevisions)+len(described.Failures))
		for _, f := range described.Failures {
			r.failure("daemon revision", f)
		}
		for _, v := range described.DaemonRevisions {
			r.daemonRevision(ctx, client, cluster, &v)
		}
	}
	return out.NextToken, nil
}

func (r *run) daemonRevision(ctx context.Context, client *ecs.Client, cluster string, v *types.DaemonRevision) {
	arn := aws.ToString(v.DaemonTaskDefinitionArn)
	facts := r.define(ctx, client, arn)
	base := Row{
		Kind: "daemon", Cluster: cluster, Resource: short(aws.ToString(v.DaemonArn)), Definition: short(arn),
		Examples: []string{aws.ToString(v.DaemonRevisionArn)},
	}
	if aws.ToBool(v.EnableExecuteCommand) {
		base.find(Exec, "ExecuteCommand is on")
	}
	images := map[string]resolved{}
	for _, c := range v.ContainerImages {
		name := aws.ToString(c.ContainerName)
		images[name] = resolved{name, aws.ToString(c.Image), aws.ToString(c.ImageDigest)}
	}
	if facts.Err != "" && len(images) == 0 {
		row := base
		row.find(Unreadable, "its definition: %s", facts.Err)
		r.row(&row)
	}
	for _, c := range facts.images(images) {
		row := base
		row.Findings = slices.Clone(base.Findings)
		row.Container, row.Image = c.name, c.image
		r.judge(&row, c.digest, false)
		r.row(&row)
	}
}
