package ecsgate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy"
)

// TaskClient stops tasks. The AWS SDK's *ecs.Client is one.
type TaskClient interface {
	DescribeTasks(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error)
	StopTask(context.Context, *ecs.StopTaskInput, ...func(*ecs.Options)) (*ecs.StopTaskOutput, error)
	DeregisterTaskDefinition(
		context.Context, *ecs.DeregisterTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DeregisterTaskDefinitionOutput, error)
}

// ServiceClient keeps services from starting tasks again. The AWS SDK's *ecs.Client is one.
type ServiceClient interface {
	ListServiceDeployments(
		context.Context,
		*ecs.ListServiceDeploymentsInput,
		...func(*ecs.Options),
	) (*ecs.ListServiceDeploymentsOutput, error)
	StopServiceDeployment(context.Context, *ecs.StopServiceDeploymentInput, ...func(*ecs.Options)) (*ecs.StopServiceDeploymentOutput, error)
	UpdateService(context.Context, *ecs.UpdateServiceInput, ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error)
	DeleteTaskSet(context.Context, *ecs.DeleteTaskSetInput, ...func(*ecs.Options)) (*ecs.DeleteTaskSetOutput, error)
}

// ExpressClient keeps Express services from starting tasks again. The AWS SDK's *ecs.Client is one.
type ExpressClient interface {
	UpdateExpressGatewayService(
		context.Context, *ecs.UpdateExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.UpdateExpressGatewayServiceOutput, error)
	DeleteExpressGatewayService(
		context.Context, *ecs.DeleteExpressGatewayServiceInput, ...func(*ecs.Options)) (*ecs.DeleteExpressGatewayServiceOutput, error)
}

// maxReason is how much of a reason StopTask is told, in bytes.
const maxReason = 255

// step notes what was done.
func (o *TaskOutcome) step(action, target string, err error) error {
	o.Steps = append(o.Steps, Step{Action: action, Target: target, Done: err == nil, Err: err})
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}

// skip notes what was not needed, or cannot be done.
func (o *TaskOutcome) skip(action, target, note string) {
	o.Steps = append(o.Steps, Step{Action: action, Target: target, Note: note})
}

// stopTask stops a task, keeps its service from starting it again, and its definition from being started again. Each step looks at what ECS
// says first, so that all of it may be done again.
func (t *Tasks) stopTask(ctx context.Context, o *TaskOutcome) error {
	if t.Task == nil {
		o.skip("StopTask", o.Task, "the door has no Task client")
		return nil
	}
	now, err := t.confirm(ctx, o)
	if err != nil {
		return err
	}
	if now != nil && aws.ToString(now.DesiredStatus) != "STOPPED" {
		if !t.may() {
			return o.step("StopTask", o.Task, ErrLimited)
		}
		reason := "lading: " + o.Reason
		reason = strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
		_, err := t.Task.StopTask(ctx, &ecs.StopTaskInput{Cluster: now.ClusterArn, Task: now.TaskArn, Reason: &reason})
		if err := o.step("StopTask", o.Task, err); err != nil {
			return err
		}
	} else {
		o.skip("StopTask", o.Task, "it is stopped, or being stopped, already")
	}
	if !t.definitionsFault(ctx, o) {
		o.skip("DeregisterTaskDefinition", o.Definition, "its images are allowed without what the caller changed")
		return nil
	}
	keep := false
	if strings.Contains(o.Definition, daemonDefinition) {
		return t.stopDaemonOf(ctx, o)
	}
	if name, ok := strings.CutPrefix(o.Group, "service:"); ok && now != nil {
		if keep, err = t.stopService(ctx, o, aws.ToString(now.ClusterArn), name); err != nil {
			return err
		}
	}
	return t.deregister(ctx, o, keep)
}

// confirm asks ECS about the task: an event is old, or was made by somebody who may invoke the function. Nil means that the task is gone.
func (t *Tasks) confirm(ctx context.Context, o *TaskOutcome) (*types.Task, error) {
	out, err := t.Task.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &o.Cluster, Tasks: []string{o.Task}})
	if err != nil {
		return nil, o.step("DescribeTasks", o.Task, err)
	}
	if len(out.Tasks) == 0 {
		return nil, nil
	}
	now := &out.Tasks[0]
	if err := same("task", o.Task, now.TaskArn); err != nil {
		return nil, o.step("DescribeTasks", o.Task, err)
	}
	for _, c := range o.Containers {
		if c.Decision.Verdict != policy.Deny {
			continue
		}
		for _, seen := range now.Containers {
			if aws.ToString(seen.Name) == c.Name && aws.ToString(seen.Image) == c.Image &&
				(c.Digest == "" || aws.ToString(seen.ImageDigest) == c.Digest) {
				o.Definition, o.Group = aws.ToString(now.TaskDefinitionArn), aws.ToString(now.Group)
				return now, nil
			}
		}
	}
	return nil, o.step("DescribeTasks", o.Task, fmt.Errorf("%w: the task runs nothing that was denied", ErrMismatch))
}

// definitionsFault reports whether what is denied is so by its images, not by what the caller changed.
func (t *Tasks) definitionsFault(ctx context.Context, o *TaskOutcome) bool {
	if o.Overrides == nil && !o.Exec || policy.IgnoresRequest(t.Checker.Rules().Gate.Policy) {
		return true
	}
	plain := &taskDetail{
		TaskArn:           o.Task,
		ClusterArn:        o.Cluster,
		TaskDefinitionArn: o.Definition,
		Group:             o.Group,
		StartedBy:         o.StartedBy,
		LastStatus:        "RUNNING",
	}
	again := &TaskOutcome{Cluster: o.Cluster, Group: o.Group, StartedBy: o.StartedBy, Actor: o.Actor}
	for _, c := range o.Containers {
		again.Containers = append(again.Containers, Container{Name: c.Name, Image: c.Image, Digest: c.Digest})
	}
	return t.judge(ctx, plain, again) == nil && again.Verdict == policy.Deny
}

// deregister keeps anybody from starting the definition again, unless an allowed revision of the service is of it too.
func (t *Tasks) deregister(ctx context.Context, o *TaskOutcome, keep bool) error {
	const action = "DeregisterTaskDefinition"
	switch {
	case o.Definition == "":
		return nil
	case keep:
		o.skip(action, o.Definition, "the service goes on with a revision of it that is allowed")
		return nil
	}
	d, err := looker{t.Client}.definition(ctx, o.Definition)
	if err != nil {
		return o.step(action, o.Definition, err)
	}
	if d.Status == types.TaskDefinitionStatusInactive || d.Status == types.TaskDefinitionStatusDeleteInProgress {
		o.skip(action, o.Definition, "it is inactive already")
		return nil
	}
	_, err = t.Task.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: &o.Definition})
	return o.step(action, o.Definition, err)
}

// stopService keeps a service from starting the task again. It reports whether the service goes on with the same definition.
func (t *Tasks) stopService(ctx context.Context, o *TaskOutcome, cluster, name string) (keep bool, err error) {
	if t.Service == nil {
		o.skip("UpdateService", name, "the door has no Service client")
		return false, nil
	}
	s, err := looker{t.Client}.service(ctx, cluster, name)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, o.step("DescribeServices", name, err)
	}
	if c := s.DeploymentController; c != nil {
		switch c.Type {
		case types.DeploymentControllerTypeExternal:
			return false, t.stopTaskSets(ctx, o, s)
		case types.DeploymentControllerTypeCodeDeploy:
			return false, t.stopCodeDeploy(ctx, o, s)
		}
	}
	if arn := aws.ToString(s.CurrentServiceDeployment); arn != "" {
		done, keep, err := t.stopDeployment(ctx, o, s, arn)
		if done || err != nil {
			return keep, err
		}
	}
	return false, t.restore(ctx, o, s)
}

func (t *Tasks) stopTaskSets(ctx context.Context, o *TaskOutcome, s *types.Service) error {
	for _, set := range s.TaskSets {
		if aws.ToString(set.TaskDefinition) != o.Definition {
			continue
		}
		_, err := t.Service.DeleteTaskSet(ctx, &ecs.DeleteTaskSetInput{
			Cluster: s.ClusterArn, Service: s.ServiceArn, TaskSet: set.TaskSetArn, Force: aws.Bool(true),
		})
		if err := o.step("DeleteTaskSet", aws.ToString(set.TaskSetArn), err); err != nil {
			return err
		}
	}
	return nil
}

// stopCodeDeploy leaves a service without tasks whose primary task set is of the denied definition. A replacement that CodeDeploy is
// bringing is CodeDeploy's to stop.
func (t *Tasks) stopCodeDeploy(ctx context.Context, o *TaskOutcome, s *types.Service) error {
	for _, set := range s.TaskSets {
		if aws.ToString(set.TaskDefinition) == o.Definition && aws.ToString(set.Status) == "PRIMARY" {
			return t.empty(ctx, o, s)
		}
	}
	o.skip(
		"StopServiceDeployment",
		aws.ToString(s.ServiceArn),
		"CodeDeploy deploys it: stop its deployment there, or it brings the tasks again",
	)
	return nil
}

// stopDeployment rolls the deployment back that brings the task. Done means that nothing more is to be done about the service.
func (t *Tasks) stopDeployment(ctx context.Context, o *TaskOutcome, s *types.Service, arn string) (done, keep bool, err error) {
	const action = "StopServiceDeployment"
	d, err := looker{t.Client}.deployment(ctx, arn)
	if err != nil {
		return true, false, o.step(action, arn, err)
	}
	switch d.Status {
	case types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress:
	case types.ServiceDeploymentStatusRollbackRequested,
		types.ServiceDeploymentStatusRollbackInProgress,
		types.ServiceDeploymentStatusStopRequested:
		o.skip(action, arn, "it is "+string(d.Status)+" already")
		return true, t.sameDefinition(ctx, o, d), nil
	default:
		return false, false, nil
	}
	if d.TargetServiceRevision == nil {
		return false, false, nil
	}
	target, err := looker{t.Client}.revision(ctx, aws.ToString(d.TargetServiceRevision.Arn))
	if err != nil {
		return true, false, o.step(action, arn, err)
	}
	if !target.brings(o) {
		o.skip(action, arn, "it replaces what is denied")
		return true, false, nil
	}
	keep = t.sameDefinition(ctx, o, d)
	_, err = t.Service.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{
		ServiceDeploymentArn: &arn, StopType: types.StopServiceDeploymentStopTypeRollback,
	})
	if err := o.step(action, arn, err); err != nil {
		return true, false, err
	}
	if len(d.SourceServiceRevisions) == 0 { // there is nothing to roll back to
		return true, false, t.empty(ctx, o, s)
	}
	return true, keep, nil
}

// sameDefinition reports whether what a deployment goes back to is of the same definition: only the tag has moved.
func (t *Tasks) sameDefinition(ctx context.Context, o *TaskOutcome, d *types.ServiceDeployment) bool {
	for _, source := range d.SourceServiceRevisions {
		r, err := looker{t.Client}.revision(ctx, aws.ToString(source.Arn))
		if err != nil || aws.ToString(r.revision.TaskDefinition) == o.Definition {
			return true // not known: rather keep it
		}
	}
	return false
}

// brings reports whether a task that is denied is of the revision.
func (r *running) brings(o *TaskOutcome) bool {
	if aws.ToString(r.revision.TaskDefinition) != o.Definition {
		return false
	}
	for _, c := range o.Containers {
		for _, seen := range r.revision.ContainerImages {
			if aws.ToString(seen.ContainerName) == c.Name && c.Digest != "" && seen.ImageDigest != nil && *seen.ImageDigest != c.Digest {
				return false
			}
		}
	}
	return true
}

// maxBefore is how many earlier deployments are looked at for one to go back to.
const maxBefore = 5

// restore goes back to the last revision of the service that is allowed now, or to no tasks.
func (t *Tasks) restore(ctx context.Context, o *TaskOutcome, s *types.Service) error {
	if aws.ToString(s.TaskDefinition) != o.Definition {
		o.skip("UpdateService", aws.ToString(s.ServiceArn), "it is of another task definition already")
		return nil
	}
	if runs, err := t.runs(ctx, o, s); err != nil || !runs {
		if err != nil {
			return o.step("DescribeServiceRevisions", aws.ToString(s.ServiceArn), err)
		}
		o.skip("UpdateService", aws.ToString(s.ServiceArn), "what it runs now is something else")
		return nil
	}
	if s.DesiredCount == 0 && s.SchedulingStrategy != types.SchedulingStrategyDaemon {
		o.skip("UpdateService", aws.ToString(s.ServiceArn), "it wants no tasks already")
		return nil
	}
	list, err := t.Service.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{
		Cluster: s.ClusterArn, Service: s.ServiceArn, Status: []types.ServiceDeploymentStatus{types.ServiceDeploymentStatusSuccessful},
	})
	if err != nil {
		return o.step("ListServiceDeployments", aws.ToString(s.ServiceArn), err)
	}
	for _, d := range list.ServiceDeployments[:min(len(list.ServiceDeployments), maxBefore)] {
		r, err := looker{t.Client}.revision(ctx, aws.ToString(d.TargetServiceRevisionArn))
		if err != nil || aws.ToString(r.revision.TaskDefinition) == o.Definition || !t.allowed(ctx, r) {
			continue
		}
		return t.update(ctx, o, s, *r.revision.TaskDefinition)
	}
	return t.empty(ctx, o, s)
}

// runs reports whether a service's revision still brings what is denied: one of the same definition may be of another digest.
func (t *Tasks) runs(ctx context.Context, o *TaskOutcome, s *types.Service) (bool, error) {
	for _, current := range s.CurrentServiceRevisions {
		r, err := looker{t.Client}.revision(ctx, aws.ToString(current.Arn))
		if err != nil {
			return false, err
		}
		if r.brings(o) {
			return true, nil
		}
	}
	return len(s.CurrentServiceRevisions) == 0, nil
}

// allowed reports whether a revision may run: by digest in its definition, for a tag may have moved.
func (t *Tasks) allowed(ctx context.Context, r *running) bool {
	if r.definition.Status != types.TaskDefinitionStatusActive {
		return false
	}
	list := r.containers(t.Injected)
	for i := range list {
		list[i].Digest = ""
	}
	j := &judge{checker: t.Checker, request: serviceRequest("runtime", "RESTORE", r.revision)}
	j.images(ctx, list, func(i int) map[string]string { return definitionAttributes(r.definition, r.revision, list[i].Name) })
	refused, unknown := verdicts(list)
	return len(refused)+len(unknown) == 0
}

func (t *Tasks) update(ctx context.Context, o *TaskOutcome, s *types.Service, definition string) error {
	if s.ResourceManagementType == types.ResourceManagementTypeEcs {
		if t.Express == nil {
			o.skip("UpdateExpressGatewayService", aws.ToString(s.ServiceArn), "the door has no Express client")
			return nil
		}
		_, err := t.Express.UpdateExpressGatewayService(
			ctx,
			&ecs.UpdateExpressGatewayServiceInput{ServiceArn: s.ServiceArn, TaskDefinitionArn: &definition},
		)
		return o.step("UpdateExpressGatewayService", definition, err)
	}
	_, err := t.Service.UpdateService(
		ctx,
		&ecs.UpdateServiceInput{Cluster: s.ClusterArn, Service: s.ServiceArn, TaskDefinition: &definition},
	)
	return o.step("UpdateService", definition, err)
}

// empty leaves a service without tasks.
func (t *Tasks) empty(ctx context.Context, o *TaskOutcome, s *types.Service) error {
	arn := aws.ToString(s.ServiceArn)
	switch {
	case s.ResourceManagementType == types.ResourceManagementTypeEcs && t.Express == nil:
		o.skip("DeleteExpressGatewayService", arn, "the door has no Express client")
		return nil
	case s.ResourceManagementType == types.ResourceManagementTypeEcs:
		_, err := t.Express.DeleteExpressGatewayService(ctx, &ecs.DeleteExpressGatewayServiceInput{ServiceArn: &arn})
		return o.step("DeleteExpressGatewayService", arn, err)
	case s.SchedulingStrategy == types.SchedulingStrategyDaemon:
		o.skip(
			"UpdateService",
			arn,
			"a service of the DAEMON strategy has no count to set to 0, and no earlier revision is allowed: delete it by hand",
		)
		return nil
	}
	_, err := t.Service.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: s.ClusterArn, Service: &arn, DesiredCount: aws.Int32(0)})
	return o.step("UpdateService", arn+" to 0 tasks", err)
}

// DaemonReader looks daemons up. The AWS SDK's *ecs.Client is one.
type DaemonReader interface {
	DescribeDaemon(context.Context, *ecs.DescribeDaemonInput, ...func(*ecs.Options)) (*ecs.DescribeDaemonOutput, error)
	DescribeDaemonDeployments(
		context.Context, *ecs.DescribeDaemonDeploymentsInput, ...func(*ecs.Options)) (*ecs.DescribeDaemonDeploymentsOutput, error)
	DescribeDaemonRevisions(
		context.Context, *ecs.DescribeDaemonRevisionsInput, ...func(*ecs.Options)) (*ecs.DescribeDaemonRevisionsOutput, error)
}

// DaemonClient takes daemons back. The AWS SDK's *ecs.Client is one.
type DaemonClient interface {
	UpdateDaemon(context.Context, *ecs.UpdateDaemonInput, ...func(*ecs.Options)) (*ecs.UpdateDaemonOutput, error)
	DeleteDaemon(context.Context, *ecs.DeleteDaemonInput, ...func(*ecs.Options)) (*ecs.DeleteDaemonOutput, error)
}

// daemon decides on a daemon that is being deployed, from its first event on: no hook is asked about one.
func (t *Tasks) daemon(ctx context.Context, detail json.RawMessage) error {
	var d struct {
		EventName, ClusterArn, DaemonArn, DaemonDeploymentArn, TargetDaemonRevisionArn string
	}
	if err := json.Unmarshal(detail, &d); err != nil {
		return fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if t.DaemonReader == nil || d.TargetDaemonRevisionArn == "" || !strings.HasSuffix(d.EventName, "_PENDING") &&
		!strings.HasSuffix(
			d.EventName,
			"_IN_PROGRESS",
		) && !strings.HasSuffix(d.EventName, "_SUCCESSFUL") || strings.Contains(d.EventName, "ROLLBACK") {
		return nil
	}
	k := t.know(d.TargetDaemonRevisionArn)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.settled != "" {
		repeated := *k.outcome
		repeated.Repeated = true
		t.tell(ctx, &repeated)
		return nil
	}
	r, err := t.daemonRevision(ctx, d.TargetDaemonRevisionArn)
	if err != nil {
		return err
	}
	o := t.judgeDaemon(ctx, r)
	err = t.act(ctx, o, func() error { return t.stopDaemon(ctx, o, o.Definition) })
	t.tell(ctx, o)
	if err == nil && o.Verdict != policy.Indeterminate {
		k.settled, k.outcome = o.Reason, o.slim()
	}
	return err
}

func (t *Tasks) daemonRevision(ctx context.Context, arn string) (*types.DaemonRevision, error) {
	out, err := t.DaemonReader.DescribeDaemonRevisions(ctx, &ecs.DescribeDaemonRevisionsInput{DaemonRevisionArns: []string{arn}})
	if err != nil {
		return nil, fmt.Errorf("looking up the daemon revision: %w", err)
	}
	if len(out.DaemonRevisions) != 1 {
		return nil, notFound(arn, len(out.DaemonRevisions), out.Failures)
	}
	r := &out.DaemonRevisions[0]
	return r, same("daemon revision", arn, r.DaemonRevisionArn)
}

func (t *Tasks) judgeDaemon(ctx context.Context, r *types.DaemonRevision) *TaskOutcome {
	arn, cluster := aws.ToString(r.DaemonArn), aws.ToString(r.ClusterArn)
	o := &TaskOutcome{
		Task: arn, Cluster: lastPart(cluster), Group: "daemon:" + lastPart(arn), Definition: aws.ToString(r.DaemonTaskDefinitionArn),
		Exec: aws.ToBool(r.EnableExecuteCommand), Mode: t.Checker.Rules().Mode, Actor: t.actor(arn, ""),
	}
	for _, c := range r.ContainerImages {
		o.Containers = append(
			o.Containers,
			Container{Name: aws.ToString(c.ContainerName), Image: aws.ToString(c.Image), Digest: aws.ToString(c.ImageDigest)},
		)
	}
	d := &taskDetail{
		TaskArn:           arn,
		TaskDefinitionArn: o.Definition,
		LastStatus:        "RUNNING",
		LaunchType:        string(types.LaunchTypeManagedInstances),
	}
	if err := t.judge(ctx, d, o); err != nil {
		o.Reason = err.Error()
	}
	return o
}

// daemonDefinition is in the ARNs of daemons' task definitions.
const daemonDefinition = ":daemon-task-definition/"

// stopDaemonOf takes the daemon back whose task is denied. It is named by the task's group, DaemonName being what ListTasks knows of it.
func (t *Tasks) stopDaemonOf(ctx context.Context, o *TaskOutcome) error {
	name, ok := strings.CutPrefix(o.Group, "daemon:")
	if !ok || t.DaemonReader == nil {
		o.skip("UpdateDaemon", o.Group, "the task does not say of which daemon it is, or the door has no DaemonReader")
		return nil
	}
	region, account, _ := arnParts(o.Task)
	partition, _, _ := strings.Cut(strings.TrimPrefix(o.Task, "arn:"), ":")
	of := *o
	of.Task = fmt.Sprintf("arn:%s:ecs:%s:%s:daemon/%s/%s", partition, region, account, o.Cluster, name)
	err := t.stopDaemon(ctx, &of, o.Definition)
	o.Steps = of.Steps
	return err
}

// stopDaemon goes back to the revision before, if that is allowed, or deletes the daemon.
func (t *Tasks) stopDaemon(ctx context.Context, o *TaskOutcome, denied string) error {
	out, err := t.DaemonReader.DescribeDaemon(ctx, &ecs.DescribeDaemonInput{DaemonArn: &o.Task})
	if gone := new(types.DaemonNotFoundException); errors.As(err, &gone) {
		o.skip("DeleteDaemon", o.Task, "it is gone already")
		return nil
	}
	if err != nil {
		return o.step("DescribeDaemon", o.Task, err)
	}
	if out.Daemon == nil || out.Daemon.Status != types.DaemonStatusActive {
		o.skip("DeleteDaemon", o.Task, "it is being deleted already")
		return nil
	}
	candidates, found, err := t.daemonBefore(ctx, out.Daemon, denied)
	switch {
	case err != nil:
		return o.step("DescribeDaemonDeployments", o.Task, err)
	case found:
		o.skip("UpdateDaemon", o.Task, "it is being replaced by another revision already")
		return nil
	case t.Daemon == nil:
		o.skip("UpdateDaemon", o.Task, "the door has no Daemon client")
		return nil
	case !t.may():
		return o.step("UpdateDaemon", o.Task, ErrLimited)
	}
	for _, c := range candidates {
		if len(c.providers) == 0 || t.judgeDaemon(ctx, c.revision).Verdict != policy.Allow {
			continue
		}
		_, err = t.Daemon.UpdateDaemon(ctx, &ecs.UpdateDaemonInput{
			DaemonArn: &o.Task, DaemonTaskDefinitionArn: c.revision.DaemonTaskDefinitionArn, CapacityProviderArns: c.providers,
			EnableExecuteCommand: aws.ToBool(c.revision.EnableExecuteCommand), Critical: c.revision.Critical,
			PropagateTags: c.revision.PropagateTags, EnableECSManagedTags: aws.ToBool(c.revision.EnableECSManagedTags),
		})
		return o.step("UpdateDaemon", aws.ToString(c.revision.DaemonTaskDefinitionArn), err)
	}
	_, err = t.Daemon.DeleteDaemon(ctx, &ecs.DeleteDaemonInput{DaemonArn: &o.Task})
	return o.step("DeleteDaemon", o.Task, err)
}

// An earlier is a revision that a daemon may go back to.
type earlier struct {
	revision  *types.DaemonRevision
	providers []string
}

// daemonBefore returns the revisions that the daemon's last deployment replaces, or found if it brings another definition than the denied
// one already.
func (t *Tasks) daemonBefore(ctx context.Context, d *types.DaemonDetail, denied string) (list []earlier, found bool, err error) {
	arn := aws.ToString(d.DeploymentArn)
	out, err := t.DaemonReader.DescribeDaemonDeployments(ctx, &ecs.DescribeDaemonDeploymentsInput{DaemonDeploymentArns: []string{arn}})
	if err != nil {
		return nil, false, err
	}
	if len(out.DaemonDeployments) != 1 || out.DaemonDeployments[0].TargetDaemonRevision == nil {
		return nil, false, notFound(arn, len(out.DaemonDeployments), out.Failures)
	}
	last := out.DaemonDeployments[0]
	target, err := t.daemonRevision(ctx, aws.ToString(last.TargetDaemonRevision.Arn))
	if err != nil || aws.ToString(target.DaemonTaskDefinitionArn) != denied {
		return nil, err == nil, err
	}
	for _, source := range last.SourceDaemonRevisions {
		r, err := t.daemonRevision(ctx, aws.ToString(source.Arn))
		if err != nil {
			return nil, false, err
		}
		e := earlier{revision: r}
		for _, p := range source.CapacityProviders {
			e.providers = append(e.providers, aws.ToString(p.Arn))
		}
		if aws.ToString(r.DaemonTaskDefinitionArn) != denied {
			list = append(list, e)
		}
	}
	return list, false, nil
}
