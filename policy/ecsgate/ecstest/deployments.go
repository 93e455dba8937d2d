package ecstest

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

// A deployment is one with how far it is.
type deployment struct {
	*types.ServiceDeployment
	service         *service
	source, target  *types.ServiceRevision // source is nil for a service's first
	stages          []string
	stage           int
	scaling, scaled bool
	waiting         int // for hooks of the stage
	hooks           []*hook
}

// Stages in their order. Those that are no DeploymentLifecycleHookStage have no hooks, and one that is no ServiceDeploymentLifecycleStage
// is not shown: the two enumerations differ.
var (
	allStages = []string{
		"RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT",
		"PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP",
	}
	rollingStages = []string{"RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "CLEAN_UP"}
)

// stageTime is how long a stage takes at least.
const stageTime = time.Second

// PutServiceDeployment makes or replaces a deployment as it is, by its ARN or one that is made, which it returns. It goes nowhere by
// itself.
func (s *Server) PutServiceDeployment(serviceARN string, v types.ServiceDeployment) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ServiceArn = &serviceARN
	if v.ServiceDeploymentArn == nil {
		v.ServiceDeploymentArn = aws.String(deploymentARN(serviceARN))
	}
	if v.Status == "" {
		v.Status = types.ServiceDeploymentStatusInProgress
	}
	arn := *v.ServiceDeploymentArn
	s.state.deployments = slices.DeleteFunc(s.state.deployments, func(d *deployment) bool { return *d.ServiceDeploymentArn == arn })
	s.state.deployments = append(s.state.deployments, &deployment{ServiceDeployment: &v})
	return arn
}

func deploymentARN(serviceARN string) string {
	return strings.Replace(serviceARN, ":service/", ":service-deployment/", 1) + "/" + rand.Text()[:21]
}

// deploy begins a deployment of a task definition; one that is under way is stopped.
func (s *Server) deploy(v *service, definition string) error {
	d := s.definition(definition)
	if d == nil || d.Status != types.TaskDefinitionStatusActive && *d.TaskDefinitionArn != aws.ToString(v.TaskDefinition) {
		return awswire.Failed("ClientException", "TaskDefinition is inactive or not there")
	}
	now := s.now
	if old := v.underway; old != nil {
		old.Status, old.StoppedAt, old.FinishedAt = types.ServiceDeploymentStatusStopped, &now, &now
	}
	revision := types.ServiceRevision{TaskDefinition: d.TaskDefinitionArn, LaunchType: v.LaunchType}
	for _, c := range d.ContainerDefinitions {
		image := types.ContainerImage{ContainerName: c.Name, Image: c.Image}
		if _, sum, ok := strings.Cut(*c.Image, "@"); ok {
			image.ImageDigest = &sum
		}
		revision.ContainerImages = append(revision.ContainerImages, image)
	}
	target := s.addRevision(*v.ServiceArn, revision)
	config := types.DeploymentConfiguration{}
	if v.DeploymentConfiguration != nil {
		config = *v.DeploymentConfiguration
	}
	config.Strategy = cmp.Or(config.Strategy, types.DeploymentStrategyRolling)
	next := &deployment{
		ServiceDeployment: &types.ServiceDeployment{
			ServiceDeploymentArn: aws.String(deploymentARN(*v.ServiceArn)), ServiceArn: v.ServiceArn, ClusterArn: v.ClusterArn,
			CreatedAt: &now, StartedAt: &now, UpdatedAt: &now, Status: types.ServiceDeploymentStatusInProgress,
			DeploymentConfiguration: &config,
			TargetServiceRevision:   &types.ServiceRevisionSummary{Arn: target.ServiceRevisionArn, RequestedTaskCount: v.DesiredCount},
		},
		service: v, source: v.current, target: target, stages: allStages,
	}
	if config.Strategy == types.DeploymentStrategyRolling {
		next.stages = rollingStages
	}
	if v.current != nil {
		next.SourceServiceRevisions = []types.ServiceRevisionSummary{{Arn: v.current.ServiceRevisionArn}}
	}
	v.underway, v.TaskDefinition = next, d.TaskDefinitionArn
	s.state.deployments = append(s.state.deployments, next)
	s.then(stageTime, func() { s.enter(next) })
	return nil
}

// underway reports whether a deployment still goes forward.
func (d *deployment) goes() bool {
	return d.service != nil && d.service.underway == d && d.Status == types.ServiceDeploymentStatusInProgress
}

// enter begins a stage.
func (s *Server) enter(d *deployment) {
	if !d.goes() {
		return
	}
	if d.stage == len(d.stages) {
		s.succeed(d)
		return
	}
	name := d.stages[d.stage]
	if stage := types.ServiceDeploymentLifecycleStage(name); slices.Contains(stage.Values(), stage) {
		d.LifecycleStage = stage
	}
	if name == "SCALE_UP" {
		d.scaling = true
		s.reconcileSoon(d.service)
		return
	}
	if !s.startHooks(d, name) {
		s.advanceStage(d)
	}
}

// advanceStage goes to the next stage.
func (s *Server) advanceStage(d *deployment) {
	d.stage++
	s.then(stageTime, func() { s.enter(d) })
}

func (s *Server) succeed(d *deployment) {
	now := s.now
	d.Status, d.FinishedAt, d.UpdatedAt = types.ServiceDeploymentStatusSuccessful, &now, &now
	d.service.current, d.service.underway = d.target, nil
	s.reconcileSoon(d.service)
}

// rollback takes a deployment back. Hooks of the stages at which traffic had been shifted are asked again, with the target unchanged.
func (s *Server) rollback(d *deployment, reason string) {
	if !d.goes() && d.Status != types.ServiceDeploymentStatusRollbackRequested {
		return
	}
	now := s.now
	d.Status, d.StatusReason, d.UpdatedAt = types.ServiceDeploymentStatusRollbackInProgress, &reason, &now
	d.Rollback = &types.Rollback{Reason: &reason, StartedAt: &now}
	if d.source != nil {
		d.Rollback.ServiceRevisionArn = d.source.ServiceRevisionArn
	}
	for _, h := range d.hooks {
		if h.open() {
			h.status = types.DeploymentLifecycleHookStatusFailed
		}
	}
	d.scaling = false
	s.reconcileSoon(d.service)
	shifted := d.stages[:min(d.stage, len(d.stages))]
	for _, name := range []string{"PRODUCTION_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT"} {
		if slices.Contains(shifted, name) {
			s.startHooks(d, name)
		}
	}
	if d.waiting = s.openHooks(d); d.waiting == 0 {
		s.then(stageTime, func() { s.rolledBack(d, true) })
	}
}

// rolledBack ends a rollback. Without a source there is nothing to go back to.
func (s *Server) rolledBack(d *deployment, ok bool) {
	if d.Status != types.ServiceDeploymentStatusRollbackInProgress || d.service.underway != d {
		return
	}
	now := s.now
	d.Status, d.FinishedAt = types.ServiceDeploymentStatusRollbackFailed, &now
	if ok && d.source != nil {
		d.Status = types.ServiceDeploymentStatusRollbackSuccessful
		d.service.TaskDefinition = d.source.TaskDefinition
	}
	d.service.underway = nil
	s.reconcileSoon(d.service)
}

func (s *Server) deployment(arn string) *deployment {
	for _, d := range s.state.deployments {
		if *d.ServiceDeploymentArn == arn {
			return d
		}
	}
	return nil
}

func (s *Server) describeServiceDeployments(in *ecs.DescribeServiceDeploymentsInput) (smithy.Serializable, error) {
	if err := batch("service deployments", len(in.ServiceDeploymentArns), 20); err != nil {
		return nil, err
	}
	out := &ecs.DescribeServiceDeploymentsOutput{ServiceDeployments: []types.ServiceDeployment{}, Failures: []types.Failure{}}
	for _, arn := range in.ServiceDeploymentArns {
		d := s.deployment(arn)
		if d == nil {
			out.Failures = append(out.Failures, missing(arn))
			continue
		}
		v := *d.ServiceDeployment
		for _, h := range d.hooks {
			v.LifecycleHookDetails = append(v.LifecycleHookDetails, h.detail())
		}
		out.ServiceDeployments = append(out.ServiceDeployments, v)
	}
	return out, nil
}

func (s *Server) listServiceDeployments(in *ecs.ListServiceDeploymentsInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	v := s.service(cluster, aws.ToString(in.Service))
	if v == nil {
		return nil, awswire.Failed("ServiceNotFoundException", "Service not found.")
	}
	var all []string
	for _, d := range slices.Backward(s.state.deployments) {
		if *d.ServiceArn == *v.ServiceArn && (len(in.Status) == 0 || slices.Contains(in.Status, d.Status)) {
			all = append(all, *d.ServiceDeploymentArn)
		}
	}
	arns, next, err := s.page(all, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &ecs.ListServiceDeploymentsOutput{ServiceDeployments: []types.ServiceDeploymentBrief{}, NextToken: next}
	for _, arn := range arns {
		d := s.deployment(arn)
		brief := types.ServiceDeploymentBrief{
			ServiceDeploymentArn: d.ServiceDeploymentArn, ServiceArn: d.ServiceArn, ClusterArn: d.ClusterArn, CreatedAt: d.CreatedAt,
			StartedAt: d.StartedAt, FinishedAt: d.FinishedAt, Status: d.Status, StatusReason: d.StatusReason,
		}
		if d.TargetServiceRevision != nil {
			brief.TargetServiceRevisionArn = d.TargetServiceRevision.Arn
		}
		out.ServiceDeployments = append(out.ServiceDeployments, brief)
	}
	return out, nil
}

func (s *Server) stopServiceDeployment(in *ecs.StopServiceDeploymentInput) (smithy.Serializable, error) {
	d := s.deployment(aws.ToString(in.ServiceDeploymentArn))
	switch {
	case d == nil:
		return nil, awswire.Failed("ServiceDeploymentNotFoundException", "The service deployment ARN that you specified was not found.")
	case in.StopType != "" && in.StopType != types.StopServiceDeploymentStopTypeRollback:
		return nil, awswire.Failed("InvalidParameterException", "stopType %s", in.StopType)
	case !d.goes():
		return nil, awswire.Failed("ConflictException", "The service deployment is %s.", d.Status)
	}
	d.Status = types.ServiceDeploymentStatusRollbackRequested
	s.then(stageTime, func() { s.rollback(d, "Service deployment rolled back because of a StopServiceDeployment request.") })
	return &ecs.StopServiceDeploymentOutput{ServiceDeploymentArn: d.ServiceDeploymentArn}, nil
}
