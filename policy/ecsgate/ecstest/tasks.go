package ecstest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

// How long the steps of a task take, by the server's clock.
const (
	provisioning = time.Second
	pulling      = time.Second // until the digest is known: before anything runs
	starting     = time.Second
	stopping     = 2 * time.Second
)

// A start is what a task is made of.
type start struct {
	cluster    string // ARN
	definition *types.TaskDefinition
	group      string
	startedBy  string
	overrides  *types.TaskOverride
	exec       bool
	launch     types.LaunchType
	instance   string
	revision   *types.ServiceRevision
	set        string // ARN of a task set
	daemon     string // ARN
}

// begin makes a task, which runs after a while.
func (s *Server) begin(b start) *types.Task {
	now := s.now
	id := strings.ToLower(rand.Text())
	cluster := b.cluster[strings.LastIndexByte(b.cluster, '/')+1:]
	t := &types.Task{
		TaskArn: aws.String(s.arn("task/" + cluster + "/" + id)), ClusterArn: &b.cluster, TaskDefinitionArn: b.definition.TaskDefinitionArn,
		LastStatus: aws.String("PROVISIONING"), DesiredStatus: aws.String("RUNNING"), CreatedAt: &now, Group: &b.group,
		Overrides: cmp.Or(
			b.overrides,
			new(types.TaskOverride),
		), EnableExecuteCommand: b.exec, Cpu: b.definition.Cpu, Memory: b.definition.Memory,
		LaunchType: cmp.Or(
			b.launch,
			types.LaunchTypeFargate,
		), Attributes: []types.Attribute{{Name: aws.String("ecs.cpu-architecture"), Value: aws.String(architecture(b))}},
	}
	if b.startedBy != "" {
		t.StartedBy = &b.startedBy
	}
	if b.instance != "" {
		t.ContainerInstanceArn = &b.instance
	}
	if trust := b.definition.TrustedExecutionConfiguration; trust != nil {
		t.TrustedExecutionSummary = &types.TrustedExecutionSummary{IsolationMode: trust.IsolationMode}
		if trust.AttestationPolicy != nil {
			t.TrustedExecutionSummary.AttestationPolicyStatus = types.AttestationPolicyStatusConfigured
		}
	}
	for _, c := range b.definition.ContainerDefinitions {
		t.Containers = append(t.Containers, types.Container{
			Name: c.Name, Image: c.Image, LastStatus: aws.String("PENDING"), TaskArn: t.TaskArn,
			ContainerArn: aws.String(s.arn("container/" + cluster + "/" + id + "/" + uuid())),
		})
	}
	s.state.tasks = append(s.state.tasks, &task{Task: t, start: b})
	s.taskChanged(t)
	s.then(provisioning, func() { s.pull(t, b) })
	return t
}

// A task is one with what it was made of.
type task struct {
	*types.Task
	start start
}

func architecture(b start) string {
	if b.revision != nil && b.revision.Overrides != nil && b.revision.Overrides.RuntimePlatform != nil {
		return strings.ToLower(aws.ToString(b.revision.Overrides.RuntimePlatform.CpuArchitecture))
	}
	if p := b.definition.RuntimePlatform; p != nil && p.CpuArchitecture != "" {
		return strings.ToLower(string(p.CpuArchitecture))
	}
	return "x86_64"
}

func (s *Server) pull(t *types.Task, b start) {
	if *t.DesiredStatus != "RUNNING" {
		return
	}
	now := s.now
	t.LastStatus, t.PullStartedAt = aws.String("PENDING"), &now
	s.taskChanged(t)
	s.then(pulling, func() { s.pulled(t, b) })
}

// pulled sets digests: those that the service's revision was resolved to before, or what the images are now.
func (s *Server) pulled(t *types.Task, b start) {
	if *t.DesiredStatus != "RUNNING" {
		return
	}
	now := s.now
	t.PullStoppedAt = &now
	for i := range t.Containers {
		c := &t.Containers[i]
		digest, err := s.digest(*c.Image)
		if consistent := resolvedImage(b, *c.Name); consistent != nil {
			if consistent.ImageDigest != nil {
				digest, err = *consistent.ImageDigest, nil
			} else if err == nil && digest != "" {
				consistent.ImageDigest = &digest
			}
		}
		if err != nil {
			t.StoppedReason = aws.String("CannotPullContainerError: " + err.Error())
			s.end(t, types.TaskStopCodeTaskFailedToStart)
			return
		}
		if digest != "" {
			c.ImageDigest = &digest
		}
	}
	s.taskChanged(t)
	s.then(starting, func() {
		if *t.DesiredStatus != "RUNNING" {
			return
		}
		now := s.now
		t.LastStatus, t.StartedAt, t.Connectivity = aws.String("RUNNING"), &now, types.ConnectivityConnected
		for i := range t.Containers {
			t.Containers[i].LastStatus = aws.String("RUNNING")
			t.Containers[i].RuntimeId = aws.String(strings.ToLower(rand.Text()))
		}
		s.taskChanged(t)
		s.look(b)
	})
}

// resolvedImage is where the service's revision keeps the digest of a container, unless it is not to be consistent.
func resolvedImage(b start, name string) *types.ContainerImage {
	if b.revision == nil {
		return nil
	}
	for _, c := range b.definition.ContainerDefinitions {
		if *c.Name == name && c.VersionConsistency == types.VersionConsistencyDisabled {
			return nil
		}
	}
	for i, c := range b.revision.ContainerImages {
		if *c.ContainerName == name {
			return &b.revision.ContainerImages[i]
		}
	}
	return nil
}

// digest is what pulling an image gives.
func (s *Server) digest(image string) (string, error) {
	if _, sum, ok := strings.Cut(image, "@"); ok {
		return sum, nil
	}
	if s.opts.Digest == nil {
		return "", nil
	}
	return s.opts.Digest(image)
}

// end stops a task.
func (s *Server) end(t *types.Task, code types.TaskStopCode) {
	if *t.DesiredStatus == "STOPPED" {
		return
	}
	now := s.now
	t.DesiredStatus, t.StopCode, t.StoppingAt = aws.String("STOPPED"), code, &now
	s.taskChanged(t)
	s.then(stopping, func() {
		now := s.now
		t.LastStatus, t.StoppedAt, t.ExecutionStoppedAt = aws.String("STOPPED"), &now, &now
		for i := range t.Containers {
			t.Containers[i].LastStatus = aws.String("STOPPED")
		}
		s.taskChanged(t)
		for _, k := range s.state.tasks {
			if k.Task == t {
				s.look(k.start)
			}
		}
	})
}

// look has whoever wants a task look whether it runs.
func (s *Server) look(b start) {
	switch {
	case b.daemon != "":
		s.then(time.Second, func() { s.lookDaemon(b.daemon) })
	case strings.HasPrefix(b.group, "service:"):
		if v := s.service(b.cluster, strings.TrimPrefix(b.group, "service:")); v != nil {
			s.reconcileSoon(v)
		}
	}
}

// Ran returns how long a task's containers ran, up to now if they do.
func (s *Server) Ran(taskARN string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.state.tasks {
		if *t.TaskArn != taskARN || t.StartedAt == nil {
			continue
		}
		if t.StoppedAt != nil {
			return t.StoppedAt.Sub(*t.StartedAt)
		}
		return s.now.Sub(*t.StartedAt)
	}
	return 0
}

// limits of RunTask and StartTask.
const mostTasks = 10

func (s *Server) runTask(in *ecs.RunTaskInput) (smithy.Serializable, error) {
	count := 1
	if in.Count != nil {
		count = int(*in.Count)
	}
	if count < 1 || count > mostTasks {
		return nil, awswire.Failed("InvalidParameterException", "count %d; 1 to %d tasks may be run", count, mostTasks)
	}
	b, err := s.taskOf(in.Cluster, in.TaskDefinition, in.Group, in.StartedBy, in.Overrides, in.EnableExecuteCommand)
	if err != nil {
		return nil, err
	}
	b.launch = in.LaunchType
	out := &ecs.RunTaskOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	for range count {
		out.Tasks = append(out.Tasks, *s.begin(b))
	}
	return out, nil
}

func (s *Server) startTask(in *ecs.StartTaskInput) (smithy.Serializable, error) {
	if n := len(in.ContainerInstances); n < 1 || n > mostTasks {
		return nil, awswire.Failed("InvalidParameterException", "%d container instances; 1 to %d may be given", n, mostTasks)
	}
	b, err := s.taskOf(in.Cluster, in.TaskDefinition, in.Group, in.StartedBy, in.Overrides, in.EnableExecuteCommand)
	if err != nil {
		return nil, err
	}
	b.launch = types.LaunchTypeEc2
	out := &ecs.StartTaskOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	for _, instance := range in.ContainerInstances {
		b.instance = instance
		out.Tasks = append(out.Tasks, *s.begin(b))
	}
	return out, nil
}

func (s *Server) taskOf(cluster, definition, group, by *string, overrides *types.TaskOverride, exec bool) (start, error) {
	arn, err := s.inCluster(aws.ToString(cluster))
	if err != nil {
		return start{}, err
	}
	d := s.definition(aws.ToString(definition))
	if d == nil {
		return start{}, awswire.Failed("ClientException", "TaskDefinition not found.")
	}
	if d.Status != types.TaskDefinitionStatusActive {
		return start{}, awswire.Failed("ClientException", "TaskDefinition is inactive")
	}
	if overrides != nil {
		for _, o := range overrides.ContainerOverrides {
			if !slices.ContainsFunc(
				d.ContainerDefinitions,
				func(c types.ContainerDefinition) bool { return *c.Name == aws.ToString(o.Name) },
			) {
				return start{}, awswire.Failed(
					"InvalidParameterException",
					"Override for container named %s is not a container in the TaskDefinition.",
					aws.ToString(o.Name),
				)
			}
		}
	}
	b := start{cluster: arn, definition: d, startedBy: aws.ToString(by), overrides: overrides, exec: exec, group: "family:" + *d.Family}
	if aws.ToString(group) != "" {
		if b.group = *group; strings.HasPrefix(b.group, "service:") {
			return start{}, awswire.Failed("InvalidParameterException", "Group names cannot start with service:")
		}
	}
	return b, nil
}

func (s *Server) stopTask(in *ecs.StopTaskInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	t := s.task(cluster, aws.ToString(in.Task))
	if t == nil {
		return nil, awswire.Failed("InvalidParameterException", "The referenced task was not found.")
	}
	if *t.DesiredStatus != "STOPPED" && in.Reason != nil {
		t.StoppedReason = in.Reason
	}
	s.end(t.Task, types.TaskStopCodeUserInitiated)
	return &ecs.StopTaskOutput{Task: t.Task}, nil
}

// task finds a task of a cluster.
func (s *Server) task(cluster, text string) *task {
	for _, t := range s.state.tasks {
		if *t.ClusterArn == cluster && named(text, *t.TaskArn) {
			return t
		}
	}
	return nil
}

func (s *Server) describeTasks(in *ecs.DescribeTasksInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	if err := batch("tasks", len(in.Tasks), 100); err != nil {
		return nil, err
	}
	out := &ecs.DescribeTasksOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	for _, text := range in.Tasks {
		if t := s.task(cluster, text); t != nil {
			out.Tasks = append(out.Tasks, *t.Task)
		} else {
			out.Failures = append(out.Failures, missing(text))
		}
	}
	return out, nil
}

func (s *Server) listTasks(in *ecs.ListTasksInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	status := cmp.Or(string(in.DesiredStatus), "RUNNING")
	var all []string
	for _, v := range s.state.tasks {
		group, arn := aws.ToString(v.Group), aws.ToString(v.TaskDefinitionArn)
		family, _, _ := strings.Cut(arn[strings.LastIndexByte(arn, '/')+1:], ":")
		service, daemon := aws.ToString(in.ServiceName), aws.ToString(in.DaemonName)
		if *v.ClusterArn == cluster && *v.DesiredStatus == status && (in.Family == nil || family == *in.Family) &&
			(service == "" || group == "service:"+service[strings.LastIndexByte(service, '/')+1:]) &&
			(daemon == "" || v.start.daemon != "" && named(daemon, v.start.daemon)) {
			all = append(all, *v.TaskArn)
		}
	}
	arns, next, err := s.page(all, in.NextToken, in.MaxResults, 100)
	return &ecs.ListTasksOutput{TaskArns: arns, NextToken: next}, err
}

func batch(what string, n, most int) error {
	if n == 0 || n > most {
		return awswire.Failed("InvalidParameterException", "%s", fmt.Sprintf("%d %s; 1 to %d may be described", n, what, most))
	}
	return nil
}
