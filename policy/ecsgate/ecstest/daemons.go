package ecstest

import (
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

// A daemon runs one task on each of its instances.
type daemon struct {
	types.DaemonDetail
	name      string
	exec      bool
	revisions []*types.DaemonRevision
	current   *types.DaemonRevision
	deploys   []*types.DaemonDeployment
	providers []string
}

// instances returns how many tasks it has.
func (d *daemon) instances() int { return instancesOf * len(d.providers) }

// instancesOf a capacity provider: each has that many.
const instancesOf = 2

func (s *Server) daemon(arn string) *daemon {
	for _, d := range s.state.daemons {
		if *d.DaemonArn == arn {
			return d
		}
	}
	return nil
}

func (s *Server) createDaemon(in *ecs.CreateDaemonInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.ClusterArn))
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.DaemonName) == "" || len(in.CapacityProviderArns) == 0 {
		return nil, awswire.Failed("InvalidParameterException", "A daemon has a name and capacity providers.")
	}
	now := s.now
	arn := s.arn("daemon/" + cluster[strings.LastIndexByte(cluster, '/')+1:] + "/" + *in.DaemonName)
	d := &daemon{name: *in.DaemonName, exec: in.EnableExecuteCommand, providers: in.CapacityProviderArns}
	d.DaemonArn, d.ClusterArn, d.CreatedAt, d.Status = &arn, &cluster, &now, types.DaemonStatusActive
	if err := s.deployDaemon(d, aws.ToString(in.DaemonTaskDefinitionArn)); err != nil {
		return nil, err
	}
	s.state.daemons = append(s.state.daemons, d)
	return &ecs.CreateDaemonOutput{DaemonArn: &arn, CreatedAt: &now, DeploymentArn: d.DeploymentArn, Status: d.Status}, nil
}

func (s *Server) updateDaemon(in *ecs.UpdateDaemonInput) (smithy.Serializable, error) {
	d := s.daemon(aws.ToString(in.DaemonArn))
	switch {
	case d == nil:
		return nil, awswire.Failed("DaemonNotFoundException", "The specified daemon wasn't found.")
	case d.Status != types.DaemonStatusActive:
		return nil, awswire.Failed("DaemonNotActiveException", "The specified daemon isn't active.")
	case len(in.CapacityProviderArns) == 0:
		return nil, awswire.Failed("InvalidParameterException", "capacityProviderArns are required.")
	}
	d.exec, d.providers = in.EnableExecuteCommand, in.CapacityProviderArns
	if err := s.deployDaemon(d, aws.ToString(in.DaemonTaskDefinitionArn)); err != nil {
		return nil, err
	}
	return &ecs.UpdateDaemonOutput{
		DaemonArn: d.DaemonArn, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, DeploymentArn: d.DeploymentArn, Status: d.Status,
	}, nil
}

func (s *Server) deleteDaemon(in *ecs.DeleteDaemonInput) (smithy.Serializable, error) {
	d := s.daemon(aws.ToString(in.DaemonArn))
	if d == nil {
		return nil, awswire.Failed("DaemonNotFoundException", "The specified daemon wasn't found.")
	}
	d.Status, d.current = types.DaemonStatusDeleteInProgress, nil
	s.then(time.Second, func() { s.lookDaemon(*d.DaemonArn) })
	return &ecs.DeleteDaemonOutput{DaemonArn: d.DaemonArn, CreatedAt: d.CreatedAt, DeploymentArn: d.DeploymentArn, Status: d.Status}, nil
}

// deployDaemon begins a deployment, whose tasks replace those of the one before. Its first event comes before they start.
func (s *Server) deployDaemon(d *daemon, definition string) error {
	def := s.daemonDefinition(definition)
	if def == nil {
		return awswire.Failed("ClientException", "The daemon task definition was not found.")
	}
	now, short := s.now, strings.TrimPrefix(*d.DaemonArn, s.arn("daemon/"))
	r := &types.DaemonRevision{
		DaemonRevisionArn: aws.String(s.arn("daemon-revision/" + short + "/" + uuid())), DaemonArn: d.DaemonArn, ClusterArn: d.ClusterArn,
		DaemonTaskDefinitionArn: def.DaemonTaskDefinitionArn, CreatedAt: &now, EnableExecuteCommand: &d.exec,
	}
	for _, c := range def.ContainerDefinitions {
		image := types.DaemonContainerImage{ContainerName: c.Name, Image: c.Image}
		if digest, err := s.digest(*c.Image); err == nil && digest != "" {
			image.ImageDigest = &digest
		}
		r.ContainerImages = append(r.ContainerImages, image)
	}
	d.revisions = append(d.revisions, r)
	deploy := &types.DaemonDeployment{
		DaemonDeploymentArn: aws.String(
			s.arn("daemon-deployment/" + short + "/" + rand.Text()[:21]),
		), ClusterArn: d.ClusterArn, CreatedAt: &now,
		Status: types.DaemonDeploymentStatusPending, TargetDaemonRevision: &types.DaemonDeploymentRevisionDetail{Arn: r.DaemonRevisionArn},
	}
	if d.current != nil {
		source := types.DaemonDeploymentRevisionDetail{Arn: d.current.DaemonRevisionArn}
		for _, p := range d.providers {
			source.CapacityProviders = append(source.CapacityProviders, types.DaemonDeploymentCapacityProvider{Arn: &p})
		}
		deploy.SourceDaemonRevisions = []types.DaemonDeploymentRevisionDetail{source}
	}
	d.deploys = append(d.deploys, deploy)
	d.DeploymentArn, d.UpdatedAt = deploy.DaemonDeploymentArn, &now
	s.daemonChanged(d, deploy)
	s.then(stageTime, func() {
		if d.deploys[len(d.deploys)-1] != deploy || d.Status != types.DaemonStatusActive {
			deploy.Status = types.DaemonDeploymentStatusStopped
			s.daemonChanged(d, deploy)
			return
		}
		deploy.Status, d.current = types.DaemonDeploymentStatusInProgress, r
		detail := types.DaemonRevisionDetail{Arn: r.DaemonRevisionArn, TotalRunningCount: int32(d.instances())}
		for _, p := range d.providers {
			detail.CapacityProviders = append(detail.CapacityProviders, types.DaemonCapacityProvider{Arn: &p, RunningCount: instancesOf})
		}
		d.CurrentRevisions = []types.DaemonRevisionDetail{detail}
		s.daemonChanged(d, deploy)
		s.lookDaemon(*d.DaemonArn)
	})
	return nil
}

func (s *Server) daemonChanged(d *daemon, deploy *types.DaemonDeployment) {
	s.emit(DaemonDeploymentStateChange, *d.DaemonArn, map[string]any{
		"eventType": "INFO", "eventName": "DAEMON_DEPLOYMENT_" + string(deploy.Status), "clusterArn": d.ClusterArn,
		"daemonArn":           d.DaemonArn,
		"daemonDeploymentArn": deploy.DaemonDeploymentArn, "targetDaemonRevisionArn": deploy.TargetDaemonRevision.Arn,
		"updatedAt": s.now.UTC().Format(time.RFC3339Nano),
	})
}

// lookDaemon starts what lacks and stops what is of another revision.
func (s *Server) lookDaemon(arn string) {
	d := s.daemon(arn)
	have := 0
	for _, t := range s.state.tasks {
		if t.start.daemon != arn || *t.DesiredStatus != "RUNNING" {
			continue
		}
		if d.current == nil || t.start.startedBy != *d.current.DaemonRevisionArn {
			s.end(t.Task, types.TaskStopCodeServiceSchedulerInitiated)
			continue
		}
		have++
	}
	if d.current == nil {
		return
	}
	def := s.daemonDefinition(*d.current.DaemonTaskDefinitionArn)
	as := &types.TaskDefinition{Family: def.Family, TaskDefinitionArn: def.DaemonTaskDefinitionArn, Cpu: def.Cpu, Memory: def.Memory}
	for _, c := range def.ContainerDefinitions {
		as.ContainerDefinitions = append(as.ContainerDefinitions, types.ContainerDefinition{Name: c.Name, Image: c.Image})
	}
	for ; have < d.instances(); have++ {
		s.begin(start{
			cluster: *d.ClusterArn, definition: as, group: "daemon:" + d.name, startedBy: *d.current.DaemonRevisionArn, exec: d.exec,
			launch: types.LaunchTypeManagedInstances, daemon: arn,
		})
	}
	if deploy := d.deploys[len(d.deploys)-1]; deploy.Status == types.DaemonDeploymentStatusInProgress {
		s.then(10*time.Second, func() {
			if deploy.Status == types.DaemonDeploymentStatusInProgress {
				deploy.Status = types.DaemonDeploymentStatusSuccessful
				s.daemonChanged(d, deploy)
			}
		})
	}
}

func (s *Server) describeDaemon(in *ecs.DescribeDaemonInput) (smithy.Serializable, error) {
	d := s.daemon(aws.ToString(in.DaemonArn))
	if d == nil {
		return nil, awswire.Failed("DaemonNotFoundException", "The specified daemon wasn't found.")
	}
	return &ecs.DescribeDaemonOutput{Daemon: &d.DaemonDetail}, nil
}

func (s *Server) listDaemons(in *ecs.ListDaemonsInput) (smithy.Serializable, error) {
	cluster, err := s.inCluster(aws.ToString(in.ClusterArn))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, d := range s.state.daemons {
		if *d.ClusterArn == cluster {
			all = append(all, *d.DaemonArn)
		}
	}
	arns, next, err := s.page(all, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &ecs.ListDaemonsOutput{DaemonSummariesList: []types.DaemonSummary{}, NextToken: next}
	for _, arn := range arns {
		d := s.daemon(arn)
		summary := types.DaemonSummary{DaemonArn: d.DaemonArn, CreatedAt: d.CreatedAt, Status: d.Status}
		out.DaemonSummariesList = append(out.DaemonSummariesList, summary)
	}
	return out, nil
}

func (s *Server) describeDaemonRevisions(in *ecs.DescribeDaemonRevisionsInput) (smithy.Serializable, error) {
	if err := batch("daemon revisions", len(in.DaemonRevisionArns), 20); err != nil {
		return nil, err
	}
	out := &ecs.DescribeDaemonRevisionsOutput{DaemonRevisions: []types.DaemonRevision{}, Failures: []types.Failure{}}
	for _, arn := range in.DaemonRevisionArns {
		found := false
		for _, d := range s.state.daemons {
			if i := slices.IndexFunc(d.revisions, func(r *types.DaemonRevision) bool { return *r.DaemonRevisionArn == arn }); i >= 0 {
				out.DaemonRevisions = append(out.DaemonRevisions, *d.revisions[i])
				found = true
			}
		}
		if !found {
			out.Failures = append(out.Failures, missing(arn))
		}
	}
	return out, nil
}

func (s *Server) describeDaemonDeployments(in *ecs.DescribeDaemonDeploymentsInput) (smithy.Serializable, error) {
	if err := batch("daemon deployments", len(in.DaemonDeploymentArns), 20); err != nil {
		return nil, err
	}
	out := &ecs.DescribeDaemonDeploymentsOutput{DaemonDeployments: []types.DaemonDeployment{}, Failures: []types.Failure{}}
	for _, arn := range in.DaemonDeploymentArns {
		found := false
		for _, d := range s.state.daemons {
			if i := slices.IndexFunc(d.deploys, func(r *types.DaemonDeployment) bool { return *r.DaemonDeploymentArn == arn }); i >= 0 {
				out.DaemonDeployments = append(out.DaemonDeployments, *d.deploys[i])
				found = true
			}
		}
		if !found {
			out.Failures = append(out.Failures, missing(arn))
		}
	}
	return out, nil
}
