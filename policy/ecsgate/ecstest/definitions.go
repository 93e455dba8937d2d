package ecstest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

// PutTaskDefinition registers the next revision of a family and returns its ARN. Family is required.
func (s *Server) PutTaskDefinition(d types.TaskDefinition) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.addDefinition(d).TaskDefinitionArn
}

func (s *Server) addDefinition(d types.TaskDefinition) *types.TaskDefinition {
	d.Revision = 1
	for _, old := range s.state.definitions {
		if *old.Family == *d.Family {
			d.Revision = old.Revision + 1
		}
	}
	if d.Status == "" {
		d.Status = types.TaskDefinitionStatusActive
	}
	now := s.now
	d.RegisteredAt = &now
	d.TaskDefinitionArn = aws.String(s.arn(fmt.Sprintf("task-definition/%s:%d", *d.Family, d.Revision)))
	s.state.definitions = append(s.state.definitions, &d)
	return &d
}

// definition finds a task definition; a family alone means its latest active revision.
func (s *Server) definition(text string) (found *types.TaskDefinition) {
	for _, d := range s.state.definitions {
		if named(text, *d.TaskDefinitionArn) || text == *d.Family && d.Status == types.TaskDefinitionStatusActive {
			found = d
		}
	}
	return found
}

func (s *Server) registerTaskDefinition(in *ecs.RegisterTaskDefinitionInput) (smithy.Serializable, error) {
	if aws.ToString(in.Family) == "" || len(in.ContainerDefinitions) == 0 {
		return nil, awswire.Failed("ClientException", "Family and container definitions are required.")
	}
	seen := map[string]bool{}
	for _, c := range in.ContainerDefinitions {
		switch name := aws.ToString(c.Name); {
		case name == "" || aws.ToString(c.Image) == "":
			return nil, awswire.Failed("ClientException", "Container.name and Container.image should not be null or empty.")
		case seen[name]:
			return nil, awswire.Failed("ClientException", "Container names must be unique.")
		default:
			seen[name] = true
		}
	}
	t := in.TrustedExecutionConfiguration
	if t != nil && t.IsolationMode == types.IsolationModeConfidentialSandbox && t.AttestationPolicy == nil {
		return nil, awswire.Failed("ClientException", "An attestation policy is required for CONFIDENTIAL_SANDBOX.")
	}
	d := s.addDefinition(types.TaskDefinition{
		Family: in.Family, ContainerDefinitions: in.ContainerDefinitions, Cpu: in.Cpu, Memory: in.Memory, NetworkMode: in.NetworkMode,
		ExecutionRoleArn: in.ExecutionRoleArn, TaskRoleArn: in.TaskRoleArn, RuntimePlatform: in.RuntimePlatform, Volumes: in.Volumes,
		PidMode: in.PidMode, IpcMode: in.IpcMode, RequiresCompatibilities: in.RequiresCompatibilities,
		EphemeralStorage:     in.EphemeralStorage,
		PlacementConstraints: in.PlacementConstraints, ProxyConfiguration: in.ProxyConfiguration,
		EnableFaultInjection:          in.EnableFaultInjection,
		TrustedExecutionConfiguration: in.TrustedExecutionConfiguration,
	})
	s.tag(*d.TaskDefinitionArn, in.Tags)
	return &ecs.RegisterTaskDefinitionOutput{TaskDefinition: d, Tags: in.Tags}, nil
}

func (s *Server) describeTaskDefinition(in *ecs.DescribeTaskDefinitionInput) (smithy.Serializable, error) {
	d := s.definition(aws.ToString(in.TaskDefinition))
	if d == nil {
		return nil, awswire.Failed("ClientException", "Unable to describe task definition.")
	}
	out := &ecs.DescribeTaskDefinitionOutput{TaskDefinition: d}
	if slices.Contains(in.Include, types.TaskDefinitionFieldTags) {
		out.Tags = s.state.tags[*d.TaskDefinitionArn]
	}
	return out, nil
}

func (s *Server) deregisterTaskDefinition(in *ecs.DeregisterTaskDefinitionInput) (smithy.Serializable, error) {
	d := s.definition(aws.ToString(in.TaskDefinition))
	if d == nil || !strings.Contains(aws.ToString(in.TaskDefinition), ":") {
		return nil, awswire.Failed("ClientException", "The specified task definition does not exist.")
	}
	if d.Status == types.TaskDefinitionStatusActive {
		now := s.now
		d.Status, d.DeregisteredAt = types.TaskDefinitionStatusInactive, &now
	}
	return &ecs.DeregisterTaskDefinitionOutput{TaskDefinition: d}, nil
}

func (s *Server) listTaskDefinitions(in *ecs.ListTaskDefinitionsInput) (smithy.Serializable, error) {
	var all []string
	for _, d := range s.state.definitions {
		status := in.Status
		if status == "" {
			status = types.TaskDefinitionStatusActive
		}
		if d.Status == status && (in.FamilyPrefix == nil || *in.FamilyPrefix == *d.Family) {
			all = append(all, *d.TaskDefinitionArn)
		}
	}
	if in.Sort == types.SortOrderDesc {
		slices.Reverse(all)
	}
	arns, next, err := s.page(all, in.NextToken, in.MaxResults, 100)
	return &ecs.ListTaskDefinitionsOutput{TaskDefinitionArns: arns, NextToken: next}, err
}

func (s *Server) registerDaemonTaskDefinition(in *ecs.RegisterDaemonTaskDefinitionInput) (smithy.Serializable, error) {
	if aws.ToString(in.Family) == "" || len(in.ContainerDefinitions) == 0 {
		return nil, awswire.Failed("ClientException", "Family and container definitions are required.")
	}
	d := &types.DaemonTaskDefinition{
		Family: in.Family, ContainerDefinitions: in.ContainerDefinitions, Cpu: in.Cpu, Memory: in.Memory, PidMode: in.PidMode,
		IpcMode: in.IpcMode, ExecutionRoleArn: in.ExecutionRoleArn, TaskRoleArn: in.TaskRoleArn, Volumes: in.Volumes,
		Revision: 1, Status: types.DaemonTaskDefinitionStatusActive,
	}
	for _, old := range s.state.daemonDefinitions {
		if *old.Family == *d.Family {
			d.Revision = old.Revision + 1
		}
	}
	now := s.now
	d.RegisteredAt = &now
	d.DaemonTaskDefinitionArn = aws.String(s.arn(fmt.Sprintf("daemon-task-definition/%s:%d", *d.Family, d.Revision)))
	s.state.daemonDefinitions = append(s.state.daemonDefinitions, d)
	s.tag(*d.DaemonTaskDefinitionArn, in.Tags)
	return &ecs.RegisterDaemonTaskDefinitionOutput{DaemonTaskDefinitionArn: d.DaemonTaskDefinitionArn}, nil
}

func (s *Server) daemonDefinition(text string) (found *types.DaemonTaskDefinition) {
	for _, d := range s.state.daemonDefinitions {
		if named(text, *d.DaemonTaskDefinitionArn) || text == *d.Family {
			found = d
		}
	}
	return found
}

func (s *Server) describeDaemonTaskDefinition(in *ecs.DescribeDaemonTaskDefinitionInput) (smithy.Serializable, error) {
	d := s.daemonDefinition(aws.ToString(in.DaemonTaskDefinition))
	if d == nil {
		return nil, awswire.Failed("ClientException", "Unable to describe daemon task definition.")
	}
	return &ecs.DescribeDaemonTaskDefinitionOutput{DaemonTaskDefinition: d}, nil
}

func (s *Server) tag(arn string, tags []types.Tag) {
	if s.state.tags == nil {
		s.state.tags = map[string][]types.Tag{}
	}
	kept := s.state.tags[arn]
	for _, t := range tags {
		kept = slices.DeleteFunc(kept, func(old types.Tag) bool { return *old.Key == *t.Key })
		kept = append(kept, t)
	}
	s.state.tags[arn] = kept
}

func (s *Server) tagResource(in *ecs.TagResourceInput) (smithy.Serializable, error) {
	if !strings.HasPrefix(aws.ToString(in.ResourceArn), s.arn("")) {
		return nil, awswire.Failed("InvalidParameterException", "The ARN is not one of this account.")
	}
	s.tag(*in.ResourceArn, in.Tags)
	return &ecs.TagResourceOutput{}, nil
}

func (s *Server) listTags(in *ecs.ListTagsForResourceInput) (smithy.Serializable, error) {
	return &ecs.ListTagsForResourceOutput{Tags: s.state.tags[aws.ToString(in.ResourceArn)]}, nil
}
