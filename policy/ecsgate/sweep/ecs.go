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

	"github.com/ladingdev/lading/internal/awserror"
)

// What ECS takes in one call, by its API reference.
const (
	ecsPage      = 100 // entries of a list, clusters and tasks to describe
	ecsServices  = 10  // services to describe
	ecsRevisions = 20  // service and daemon revisions to describe
)

// ecs looks at the clusters of a region, and at the task definition families that nothing of them runs.
func (r *run) ecs(ctx context.Context) error {
	client := ecs.NewFromConfig(r.config)
	const clusters = "clusters"
	if err := r.pages(ctx, clusters, func(ctx context.Context, token *string) (*string, error) {
		return r.clusters(ctx, client,
			token)
	}); err != nil {
		return err
	}
	for _, cluster := range r.names[r.service+" "+r.region+" "+clusters] {
		for _, list := range []struct {
			what string
			page func(context.Context, *ecs.Client, string, *string) (*string, error)
		}{{"services", r.ecsServices}, {"daemons", r.daemons}, {"tasks", r.tasks}} {
			err := r.pages(ctx, list.what+" of "+cluster, func(ctx context.Context, token *string) (*string, error) {
				next, err := list.page(ctx, client, cluster, token)
				if awserror.Code(err) == "ClusterNotFoundException" { // it is gone, and all that ran in it
					return nil, nil
				}
				return next, err
			})
			if err != nil {
				return err
			}
		}
	}
	if len(r.Families) == 0 {
		return nil
	}
	if err := r.pages(ctx, "task definition families", func(ctx context.Context, token *string) (*string, error) {
		return r.families(ctx, client, token)
	}); err != nil {
		return err
	}
	return r.pages(ctx, "daemon task definitions", func(ctx context.Context, token *string) (*string, error) {
		return r.daemonFamilies(ctx, client, token)
	})
}

func (r *run) clusters(ctx context.Context, client *ecs.Client, token *string) (*string, error) {
	out, err := client.ListClusters(ctx, &ecs.ListClustersInput{NextToken: token, MaxResults: aws.Int32(ecsPage)})
	if err != nil {
		return nil, err
	}
	if len(out.ClusterArns) == 0 { // an empty page need not be the last one
		return out.NextToken, nil
	}
	for _, arn := range out.ClusterArns {
		r.name(arn)
	}
	described, err := client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: out.ClusterArns})
	if err == nil { // it is for Progress alone
		for _, c := range described.Clusters {
			r.more += int64(c.RunningTasksCount) + int64(c.PendingTasksCount)
		}
	}
	return out.NextToken, nil
}

// tasks looks at a page of tasks that run, or are about to, whoever started them.
func (r *run) tasks(ctx context.Context, client *ecs.Client, cluster string, token *string) (*string, error) {
	out, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &cluster, NextToken: token, MaxResults: aws.Int32(ecsPage)})
	if err != nil {
		return nil, err
	}
	if len(out.TaskArns) == 0 {
		return out.NextToken, nil
	}
	described, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: out.TaskArns})
	if err != nil {
		r.failed("tasks", fmt.Sprintf("%d tasks from %s on", len(out.TaskArns), out.TaskArns[0]), err)
		return out.NextToken, nil
	}
	r.complete("tasks", out.TaskArns, len(described.Tasks)+len(described.Failures))
	for _, f := range described.Failures {
		r.failure("task", f)
	}
	for _, t := range described.Tasks {
		r.task(ctx, client, cluster, &t)
	}
	return out.NextToken, nil
}

// complete adds what was listed, and neither described nor said to fail.
func (r *run) complete(kind string, listed []string, described int) {
	if n := len(listed) - described; n > 0 {
		r.failed(kind, fmt.Sprintf("%d of %d from %s on", n, len(listed), listed[0]), errors.New("listed, and not described"))
	}
}

// failure is what ECS could not describe; what is gone meanwhile is none.
func (r *run) failure(kind string, f types.Failure) {
	if reason := aws.ToString(f.Reason); reason != "MISSING" {
		r.failed(kind, aws.ToString(f.Arn), fmt.Errorf("ECS says: %s %s", reason, aws.ToString(f.Detail)))
	}
}

func (r *run) task(ctx context.Context, client *ecs.Client, cluster string, t *types.Task) {
	arn := aws.ToString(t.TaskDefinitionArn)
	r.define(ctx, client, arn)
	base := Row{Kind: "task", Cluster: cluster, Resource: aws.ToString(t.Group), Definition: short(arn),
		Examples: []string{aws.ToString(t.TaskArn)}}
	if t.LaunchType == types.LaunchTypeExternal {
		base.Kind = "external task"
	}
	if t.EnableExecuteCommand {
		base.find(Exec, "ExecuteCommand is on")
	}
	if o := t.Overrides; o != nil && (o.TaskRoleArn != nil || o.ExecutionRoleArn != nil) {
		base.find(Override, "another role: %s", strings.TrimSpace(aws.ToString(o.TaskRoleArn)+" "+aws.ToString(o.ExecutionRoleArn)))
	}
	if len(t.Containers) == 0 {
		row := base
		row.find(UnknownDigest, "ECS lists no container of the task yet")
		r.row(&row)
	}
	for _, c := range t.Containers {
		row := base
		row.Findings = slices.Clone(base.Findings)
		row.Container, row.Image = aws.ToString(c.Name), aws.ToString(c.Image)
		if what := overridden(t.Overrides, aws.ToString(c.Name)); what != "" {
			row.find(Override, "another %s", what)
		}
		r.judge(&row, aws.ToString(c.ImageDigest), true)
		r.row(&row)
	}
}

// overridden says what of a container the caller of RunTask changed that tells which code runs.
func overridden(o *types.TaskOverride, container string) string {
	if o == nil {
		return ""
	}
	var what []string
	for _, c := range o.ContainerOverrides {
		if aws.ToString(c.Name) != container {
			continue
		}
		if len(c.Command) > 0 {
			what = append(what, "command")
		}
		if len(c.Environment)+len(c.EnvironmentFiles) > 0 {
			what = append(what, "environment")
		}
	}
	return strings.Join(what, ", another ")
}

// short is what comes behind the last slash of an ARN.
func short(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// family is that of the short name, or the ARN, of a task definition.
func family(arn string) string {
	name, _, _ := strings.Cut(short(arn), ":")
	return name
}

// gated tells whether a task definition is one that the registrar alone makes.
func (r *run) gated(arn string) bool { return matches(r.Families, family(arn)) }

func (r *run) families(ctx context.Context, client *ecs.Client, token *string) (*string, error) {
	out, err := client.ListTaskDefinitionFamilies(ctx, &ecs.ListTaskDefinitionFamiliesInput{
		Status: types.TaskDefinitionFamilyStatusActive, NextToken: token, MaxResults: aws.Int32(ecsPage),
	})
	if err != nil {
		return nil, err
	}
	runs := map[string]bool{} // what runs was told
	for arn := range r.definitions {
		if strings.Contains(arn, ":"+r.region+":") {
			runs[family(arn)] = true
		}
	}
	for _, name := range out.Families {
		if matches(r.Families, name) || runs[name] {
			continue
		}
		row := &Row{Kind: "task definition family", Resource: name}
		row.find(NotGated, "nothing of it runs now; whoever may run it needs no gate")
		r.row(row)
	}
	return out.NextToken, nil
}

func (r *run) daemonFamilies(ctx context.Context, client *ecs.Client, token *string) (*string, error) {
	out, err := client.ListDaemonTaskDefinitions(ctx, &ecs.ListDaemonTaskDefinitionsInput{
		Revision: types.DaemonTaskDefinitionRevisionFilterLastRegistered, Status: types.DaemonTaskDefinitionStatusFilterActive,
		NextToken: token, MaxResults: aws.Int32(ecsPage),
	})
	if err != nil {
		return nil, err
	}
	for _, d := range out.DaemonTaskDefinitions {
		arn := aws.ToString(d.Arn)
		if r.gated(arn) || r.definitions[arn] != nil {
			continue
		}
		row := &Row{Kind: "daemon task definition", Resource: family(arn), Examples: []string{arn}}
		row.find(NotGated, "nothing of it runs now; whoever may run it needs no gate")
		r.row(row)
	}
	return out.NextToken, nil
}
