package ecstest

import (
	"cmp"
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

// A service is one with what it is to run.
type service struct {
	*types.Service
	current  *types.ServiceRevision // nil before the first deployment succeeded
	underway *deployment
	waiting  bool // for a reconciliation
}

// PutService makes or replaces a service of a cluster, by ServiceName, which is required, and returns its ARN. Nothing is started for it.
func (s *Server) PutService(cluster string, v types.Service) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ClusterArn = aws.String(s.cluster(cluster))
	v.ServiceArn = aws.String(s.arn("service/" + cluster + "/" + *v.ServiceName))
	if v.Status == nil {
		v.Status = aws.String("ACTIVE")
	}
	s.state.services = slices.DeleteFunc(s.state.services, func(old *service) bool { return *old.ServiceArn == *v.ServiceArn })
	s.state.services = append(s.state.services, &service{Service: &v})
	return *v.ServiceArn
}

// PutServiceRevision makes a revision of the service of this ARN and returns the revision's own.
func (s *Server) PutServiceRevision(serviceARN string, v types.ServiceRevision) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.addRevision(serviceARN, v).ServiceRevisionArn
}

func (s *Server) addRevision(serviceARN string, v types.ServiceRevision) *types.ServiceRevision {
	v.ServiceArn = aws.String(serviceARN)
	cluster, _, _ := strings.Cut(serviceARN[strings.Index(serviceARN, ":service/")+len(":service/"):], "/")
	v.ClusterArn = aws.String(s.cluster(cluster))
	now := s.now
	v.CreatedAt = &now
	v.ServiceRevisionArn = aws.String(
		fmt.Sprintf("%s/%d", strings.Replace(serviceARN, ":service/", ":service-revision/", 1), 1000000000000000000+len(s.state.revisions)),
	)
	s.state.revisions = append(s.state.revisions, &v)
	return &v
}

// PutTask makes a task of a cluster, running unless it says otherwise, and returns its ARN. No event is sent of it.
func (s *Server) PutTask(cluster string, v types.Task) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ClusterArn = aws.String(s.cluster(cluster))
	v.TaskArn = aws.String(s.arn("task/" + cluster + "/" + strings.ReplaceAll(uuid(), "-", "")))
	if v.LastStatus == nil {
		v.LastStatus = aws.String("RUNNING")
	}
	if v.DesiredStatus == nil {
		v.DesiredStatus = aws.String("RUNNING")
	}
	s.state.tasks = append(s.state.tasks, &task{Task: &v})
	return *v.TaskArn
}

// PutCluster makes a cluster and returns its ARN.
func (s *Server) PutCluster(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cluster(name)
}

// Tasks returns all tasks as they are now: a stopped one has DesiredStatus STOPPED and a StoppedReason.
func (s *Server) Tasks() []types.Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []types.Task
	for _, t := range s.state.tasks {
		list = append(list, *t.Task)
	}
	return list
}

// service finds a service of a cluster, by name or ARN.
func (s *Server) service(cluster, text string) *service {
	for _, v := range s.state.services {
		if *v.ClusterArn == cluster && named(text, *v.ServiceArn) {
			return v
		}
	}
	return nil
}

func (s *Server) createService(in *ecs.CreateServiceInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.ServiceName) == "" || s.service(cluster, *in.ServiceName) != nil {
		return nil, awswire.Failed("InvalidParameterException", "Creation of service was not idempotent.")
	}
	v := s.newService(cluster, *in.ServiceName)
	v.DeploymentController, v.LaunchType = in.DeploymentController, cmp.Or(in.LaunchType, types.LaunchTypeFargate)
	v.DeploymentConfiguration, v.EnableExecuteCommand = in.DeploymentConfiguration, in.EnableExecuteCommand
	v.SchedulingStrategy = cmp.Or(in.SchedulingStrategy, types.SchedulingStrategyReplica)
	v.DesiredCount = 1
	if in.DesiredCount != nil {
		v.DesiredCount = *in.DesiredCount
	}
	if v.external() {
		if in.TaskDefinition != nil {
			return nil, awswire.Failed(
				"InvalidParameterException",
				"A task definition cannot be specified for a service with an EXTERNAL deployment controller.",
			)
		}
		s.state.services = append(s.state.services, v)
		return &ecs.CreateServiceOutput{Service: v.Service}, nil
	}
	if err := s.deploy(v, aws.ToString(in.TaskDefinition)); err != nil {
		return nil, err
	}
	s.state.services = append(s.state.services, v)
	return &ecs.CreateServiceOutput{Service: v.Service}, nil
}

func (s *Server) newService(cluster, name string) *service {
	now := s.now
	short := cluster[strings.LastIndexByte(cluster, '/')+1:]
	return &service{Service: &types.Service{
		ServiceName: &name, ClusterArn: &cluster, ServiceArn: aws.String(s.arn("service/" + short + "/" + name)),
		Status: aws.String("ACTIVE"), CreatedAt: &now, ResourceManagementType: types.ResourceManagementTypeCustomer,
	}}
}

func (v *service) external() bool {
	return v.DeploymentController != nil && v.DeploymentController.Type == types.DeploymentControllerTypeExternal
}

func (s *Server) updateService(in *ecs.UpdateServiceInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	v := s.service(cluster, aws.ToString(in.Service))
	switch {
	case v == nil:
		return nil, awswire.Failed("ServiceNotFoundException", "Service not found.")
	case *v.Status != "ACTIVE":
		return nil, awswire.Failed("ServiceNotActiveException", "Service was not ACTIVE.")
	case v.external() && (in.TaskDefinition != nil || in.ForceNewDeployment):
		return nil, awswire.Failed(
			"InvalidParameterException",
			"Cannot update the task definition of a service with an EXTERNAL deployment controller.",
		)
	}
	before := *v.Service
	if c := in.DeploymentConfiguration; c != nil {
		merged := *c
		if old := v.DeploymentConfiguration; old != nil {
			merged.Strategy = cmp.Or(c.Strategy, old.Strategy)
			if c.LifecycleHooks == nil {
				merged.LifecycleHooks = old.LifecycleHooks
			}
		}
		v.DeploymentConfiguration = &merged
	}
	if in.DesiredCount != nil {
		v.DesiredCount = *in.DesiredCount
	}
	exec := in.EnableExecuteCommand != nil && *in.EnableExecuteCommand != v.EnableExecuteCommand
	if in.EnableExecuteCommand != nil {
		v.EnableExecuteCommand = *in.EnableExecuteCommand
	}
	if in.TaskDefinition != nil || in.ForceNewDeployment || exec {
		name := aws.ToString(in.TaskDefinition)
		if name == "" {
			name = aws.ToString(v.TaskDefinition)
		}
		if err := s.deploy(v, name); err != nil {
			*v.Service = before
			return nil, err
		}
	}
	s.reconcileSoon(v)
	return &ecs.UpdateServiceOutput{Service: v.Service}, nil
}

func (s *Server) describeServices(in *ecs.DescribeServicesInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	if err := batch("services", len(in.Services), 10); err != nil {
		return nil, err
	}
	out := &ecs.DescribeServicesOutput{Services: []types.Service{}, Failures: []types.Failure{}}
	for _, text := range in.Services {
		if v := s.service(cluster, text); v != nil {
			out.Services = append(out.Services, s.described(v))
		} else {
			out.Failures = append(out.Failures, missing(text))
		}
	}
	return out, nil
}

func (s *Server) described(v *service) types.Service {
	d := *v.Service
	d.RunningCount, d.PendingCount = 0, 0
	for _, t := range s.tasksOf(v) {
		if *t.LastStatus == "RUNNING" {
			d.RunningCount++
		} else {
			d.PendingCount++
		}
	}
	if v.underway != nil {
		d.CurrentServiceDeployment = v.underway.ServiceDeploymentArn
	}
	if v.current != nil {
		d.CurrentServiceRevisions = []types.ServiceCurrentRevisionSummary{
			{Arn: v.current.ServiceRevisionArn, RunningTaskCount: d.RunningCount},
		}
	}
	return d
}

func (s *Server) listClusters(in *ecs.ListClustersInput) (smithy.Serializable, error) {
	var all []string
	for _, name := range s.state.clusters {
		all = append(all, s.cluster(name))
	}
	arns, next, err := s.page(all, in.NextToken, in.MaxResults, 100)
	return &ecs.ListClustersOutput{ClusterArns: arns, NextToken: next}, err
}

func (s *Server) listServices(in *ecs.ListServicesInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, v := range s.state.services {
		if *v.ClusterArn == cluster {
			all = append(all, *v.ServiceArn)
		}
	}
	arns, next, err := s.page(all, in.NextToken, in.MaxResults, 10)
	return &ecs.ListServicesOutput{ServiceArns: arns, NextToken: next}, err
}

func (s *Server) describeServiceRevisions(in *ecs.DescribeServiceRevisionsInput) (smithy.Serializable, error) {
	if err := batch("service revisions", len(in.ServiceRevisionArns), 20); err != nil {
		return nil, err
	}
	out := &ecs.DescribeServiceRevisionsOutput{ServiceRevisions: []types.ServiceRevision{}, Failures: []types.Failure{}}
	for _, arn := range in.ServiceRevisionArns {
		i := slices.IndexFunc(s.state.revisions, func(v *types.ServiceRevision) bool { return *v.ServiceRevisionArn == arn })
		if i < 0 {
			out.Failures = append(out.Failures, missing(arn))
			continue
		}
		out.ServiceRevisions = append(out.ServiceRevisions, *s.state.revisions[i])
	}
	return out, nil
}

// tasksOf returns a service's tasks that are to run.
func (s *Server) tasksOf(v *service) (list []*task) {
	for _, t := range s.state.tasks {
		if *t.ClusterArn == *v.ClusterArn && aws.ToString(t.Group) == "service:"+*v.ServiceName && *t.DesiredStatus == "RUNNING" {
			list = append(list, t)
		}
	}
	return list
}

// reconcileSoon has the service scheduler look at a service in a second.
func (s *Server) reconcileSoon(v *service) {
	if v.waiting {
		return
	}
	v.waiting = true
	s.then(time.Second, func() {
		v.waiting = false
		s.reconcile(v)
	})
}

// reconcile starts what lacks and stops what is too much, by revisions and task sets.
func (s *Server) reconcile(v *service) {
	if v.current == nil && v.underway == nil && len(v.TaskSets) == 0 && !v.external() {
		return // it was only put here
	}
	wanted := map[*types.ServiceRevision]int{}
	want := int(v.DesiredCount)
	if *v.Status != "ACTIVE" {
		want = 0
	}
	if v.current != nil {
		wanted[v.current] = want
	}
	if d := v.underway; d != nil && d.scaling {
		wanted[d.target] = want
	}
	sets := map[string]int{}
	for _, set := range v.TaskSets {
		sets[*set.TaskSetArn] = int(set.ComputedDesiredCount)
	}
	running := 0
	for _, t := range s.tasksOf(v) {
		if t.start.set != "" {
			if sets[t.start.set]--; sets[t.start.set] < 0 {
				s.end(t.Task, types.TaskStopCodeServiceSchedulerInitiated)
			}
			continue
		}
		if wanted[t.start.revision]--; wanted[t.start.revision] < 0 {
			s.end(t.Task, types.TaskStopCodeServiceSchedulerInitiated)
			continue
		}
		if v.underway != nil && t.start.revision == v.underway.target && *t.LastStatus == "RUNNING" {
			running++
		}
	}
	for _, revision := range []*types.ServiceRevision{v.current, v.target()} {
		for n := wanted[revision]; revision != nil && n > 0; n-- {
			s.begin(s.taskOfRevision(v, revision))
		}
		wanted[revision] = 0
	}
	for _, set := range v.TaskSets {
		for n := sets[*set.TaskSetArn]; n > 0; n-- {
			s.begin(s.taskOfSet(v, set))
		}
	}
	if d := v.underway; d != nil && d.scaling && !d.scaled && running >= want {
		d.scaled = true
		s.advanceStage(d)
	}
}

func (v *service) target() *types.ServiceRevision {
	if v.underway == nil {
		return nil
	}
	return v.underway.target
}

func (s *Server) taskOfRevision(v *service, r *types.ServiceRevision) start {
	id := (*r.ServiceRevisionArn)[strings.LastIndexByte(*r.ServiceRevisionArn, '/')+1:]
	return start{
		cluster: *v.ClusterArn, definition: s.definition(*r.TaskDefinition), group: "service:" + *v.ServiceName,
		startedBy: "ecs-svc/" + id, exec: v.EnableExecuteCommand, launch: v.LaunchType, revision: r,
	}
}

func (s *Server) taskOfSet(v *service, set types.TaskSet) start {
	return start{
		cluster: *v.ClusterArn, definition: s.definition(*set.TaskDefinition), group: "service:" + *v.ServiceName,
		startedBy: *set.Id, exec: v.EnableExecuteCommand, launch: v.LaunchType, set: *set.TaskSetArn,
	}
}

func (s *Server) createTaskSet(in *ecs.CreateTaskSetInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	v, d := s.service(cluster, aws.ToString(in.Service)), s.definition(aws.ToString(in.TaskDefinition))
	switch {
	case v == nil:
		return nil, awswire.Failed("ServiceNotFoundException", "Service not found.")
	case !v.external():
		return nil, awswire.Failed("UnsupportedFeatureException", "Task sets are for services with an EXTERNAL deployment controller.")
	case d == nil || d.Status != types.TaskDefinitionStatusActive:
		return nil, awswire.Failed("ClientException", "TaskDefinition not found.")
	}
	percent := 100.0
	if in.Scale != nil && in.Scale.Unit == types.ScaleUnitPercent {
		percent = in.Scale.Value
	}
	now, id := s.now, fmt.Sprintf("ecs-svc/%019d", s.next())
	short := cluster[strings.LastIndexByte(cluster, '/')+1:]
	set := types.TaskSet{
		Id: &id, TaskSetArn: aws.String(s.arn("task-set/" + short + "/" + *v.ServiceName + "/" + id)), ServiceArn: v.ServiceArn,
		ClusterArn: v.ClusterArn, TaskDefinition: d.TaskDefinitionArn, Status: aws.String("ACTIVE"), Scale: in.Scale, CreatedAt: &now,
		ComputedDesiredCount: int32(float64(v.DesiredCount)*percent/100 + 0.999), StabilityStatus: types.StabilityStatusStabilizing,
	}
	v.TaskSets = append(v.TaskSets, set)
	s.reconcileSoon(v)
	return &ecs.CreateTaskSetOutput{TaskSet: &set}, nil
}

func (s *Server) deleteTaskSet(in *ecs.DeleteTaskSetInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	v := s.service(cluster, aws.ToString(in.Service))
	if v == nil {
		return nil, awswire.Failed("ServiceNotFoundException", "Service not found.")
	}
	i := slices.IndexFunc(v.TaskSets, func(set types.TaskSet) bool {
		return aws.ToString(in.TaskSet) == *set.Id || aws.ToString(in.TaskSet) == *set.TaskSetArn
	})
	if i < 0 {
		return nil, awswire.Failed("TaskSetNotFoundException", "The specified task set wasn't found.")
	}
	set := v.TaskSets[i]
	if set.ComputedDesiredCount > 0 && !aws.ToBool(in.Force) {
		return nil, awswire.Failed("InvalidParameterException", "The task set has not been scaled to zero; use force.")
	}
	v.TaskSets = slices.Delete(v.TaskSets, i, i+1)
	s.reconcileSoon(v)
	return &ecs.DeleteTaskSetOutput{TaskSet: &set}, nil
}
