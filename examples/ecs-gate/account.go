package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/examples/ecs-gate/internal/doors"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
)

// An account is what the flags say of the user's.
type account struct {
	profiles                         []string
	region, cluster, propose, family string
	enforce                          bool

	w      io.Writer
	client *ecs.Client
	tasks  *ecsgate.Tasks
	counts map[policy.Verdict]int
	open   int // services that are not gated
}

func (a *account) run(ctx context.Context, w io.Writer) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	if a.region != "" {
		cfg.Region = a.region
	}
	if f := strings.Split(a.profiles[0], ":"); cfg.Region == "" && len(f) > 3 {
		cfg.Region = f[3]
	}
	s := &doors.Settings{Profiles: a.profiles, Mode: policy.Audit, Family: a.family}
	if a.enforce {
		s.Mode, s.StopIn = policy.Enforce, []string{a.cluster}
	}
	checker, err := s.Checker(cfg, s.Verifier(cfg))
	if err != nil {
		return fmt.Errorf("-profile has the ARNs of signing profiles, with commas between: %w", err)
	}
	a.w, a.client, a.counts = w, ecs.NewFromConfig(cfg), map[policy.Verdict]int{}
	if a.propose != "" {
		if !a.enforce {
			s.Mode = policy.Enforce // it is only asked, and says what it would say
			if checker, err = s.Checker(cfg, s.Verifier(cfg)); err != nil {
				return err
			}
		}
		return a.register(ctx, s.Registrar(a.client, checker))
	}
	a.tasks = s.Tasks(a.client, checker)
	a.tasks.Observe = a.show
	return a.look(ctx)
}

// dry is a registrar's client that registers nothing.
type dry struct{}

func (dry) RegisterTaskDefinition(
	_ context.Context, in *ecs.RegisterTaskDefinitionInput, _ ...func(*ecs.Options),
) (*ecs.RegisterTaskDefinitionOutput, error) {
	return &ecs.RegisterTaskDefinitionOutput{
		TaskDefinition: &types.TaskDefinition{TaskDefinitionArn: aws.String("(would be in " + *in.Family + ")")},
	}, nil
}

func (dry) RegisterDaemonTaskDefinition(
	context.Context, *ecs.RegisterDaemonTaskDefinitionInput, ...func(*ecs.Options),
) (*ecs.RegisterDaemonTaskDefinitionOutput, error) {
	return nil, errors.New("no daemons are proposed here")
}

func (a *account) register(ctx context.Context, r *ecsgate.Registrar) error {
	text, err := os.ReadFile(a.propose)
	if err != nil {
		return err
	}
	if !a.enforce {
		r.Client = dry{}
	}
	proposal, err := json.Marshal(map[string]json.RawMessage{"taskDefinition": text})
	if err != nil {
		return fmt.Errorf("%s: %w", a.propose, err)
	}
	answer, err := r.Handle(ctx, proposal)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.w, "%s\n", answer)
	var said struct{ Refused string }
	if json.Unmarshal(answer, &said) == nil && said.Refused != "" {
		return ecsgate.ErrRefused
	}
	return nil
}

// look goes through the clusters.
func (a *account) look(ctx context.Context) error {
	clusters := []string{a.cluster}
	if a.cluster == "" {
		clusters = nil
		for pages := ecs.NewListClustersPaginator(a.client, nil); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			clusters = append(clusters, page.ClusterArns...)
		}
	}
	for _, cluster := range clusters {
		fmt.Fprintf(a.w, "\n%s\n", cluster)
		if err := a.services(ctx, cluster); err != nil {
			return err
		}
		if err := a.running(ctx, cluster); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.w, "\n%d tasks allowed, %d denied, %d not judged; %d services without a hook that closes\n",
		a.counts[policy.Allow], a.counts[policy.Deny], a.counts[policy.Indeterminate], a.open)
	if a.counts[policy.Deny]+a.counts[policy.Indeterminate]+a.open > 0 {
		return errors.New("not everything is allowed")
	}
	return nil
}

// running has the door for task events decide on each task, as if its event had just come.
func (a *account) running(ctx context.Context, cluster string) error {
	for pages := ecs.NewListTasksPaginator(a.client, &ecs.ListTasksInput{Cluster: &cluster}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		out, err := a.client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: page.TaskArns})
		if err != nil {
			return err
		}
		for _, t := range out.Tasks {
			event, err := eventOf(t)
			if err != nil {
				return err
			}
			if err := a.tasks.Handle(ctx, event); err != nil && !errors.Is(err, ecsgate.ErrUndecided) {
				return err
			}
		}
	}
	return nil
}

// eventOf is the event that ECS would send of a task.
func eventOf(t types.Task) (json.RawMessage, error) {
	type container struct{ Name, Image, ImageDigest string }
	var containers []container
	for _, c := range t.Containers {
		containers = append(containers, container{aws.ToString(c.Name), aws.ToString(c.Image), aws.ToString(c.ImageDigest)})
	}
	detail := map[string]any{
		"taskArn": t.TaskArn, "clusterArn": t.ClusterArn, "taskDefinitionArn": t.TaskDefinitionArn, "group": t.Group,
		"startedBy":  aws.ToString(t.StartedBy),
		"launchType": t.LaunchType, "lastStatus": t.LastStatus, "desiredStatus": t.DesiredStatus, "version": t.Version,
		"enableExecuteCommand": t.EnableExecuteCommand, "containers": containers,
	}
	return json.Marshal(map[string]any{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail})
}

func (a *account) show(_ context.Context, o *ecsgate.TaskOutcome) {
	a.counts[o.Verdict]++
	fmt.Fprintf(a.w, "  %-13s  task %s of %s: %s\n", o.Verdict, o.Task[strings.LastIndexByte(o.Task, '/')+1:], o.Group, o.Reason)
	for _, s := range o.Steps {
		printStep(a.w, s)
	}
}

func printStep(w io.Writer, s ecsgate.Step) {
	switch {
	case s.Err != nil:
		fmt.Fprintf(w, "                   %s: %v\n", s.Action, s.Err)
	case s.Done:
		fmt.Fprintf(w, "                   %s %s\n", s.Action, s.Target)
	default:
		fmt.Fprintf(w, "                   no %s: %s\n", s.Action, s.Note)
	}
}

// services says which have no hook, or one that opens.
func (a *account) services(ctx context.Context, cluster string) error {
	for pages := ecs.NewListServicesPaginator(a.client, &ecs.ListServicesInput{Cluster: &cluster}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if len(page.ServiceArns) == 0 {
			continue
		}
		out, err := a.client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: page.ServiceArns})
		if err != nil {
			return err
		}
		for _, s := range out.Services {
			if why := ungated(s); why != "" {
				a.open++
				fmt.Fprintf(a.w, "  %-13s  service %s: %s\n", "OPEN", aws.ToString(s.ServiceName), why)
			}
		}
	}
	return nil
}

// ungated says why the deployments of a service are not asked about.
func ungated(s types.Service) string {
	if s.DeploymentConfiguration == nil {
		return "no lifecycle hook before its tasks start"
	}
	for _, h := range s.DeploymentConfiguration.LifecycleHooks {
		if !slices.Contains(h.LifecycleStages, types.DeploymentLifecycleHookStagePreScaleUp) {
			continue
		}
		if h.TimeoutConfiguration != nil && h.TimeoutConfiguration.Action == types.DeploymentLifecycleHookActionContinue {
			return "the timeout action of its hook is CONTINUE"
		}
		return ""
	}
	return "no lifecycle hook before its tasks start"
}
