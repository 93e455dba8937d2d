package ecstest

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

func (s *Server) describeClusters(in *ecs.DescribeClustersInput) (smithy.Serializable, error) {
	if len(in.Clusters) > 100 {
		return nil, awswire.Failed("InvalidParameterException", "%d clusters; up to 100 may be described", len(in.Clusters))
	}
	out := &ecs.DescribeClustersOutput{Clusters: []types.Cluster{}, Failures: []types.Failure{}}
	for _, text := range in.Clusters {
		i := slices.IndexFunc(s.state.clusters, func(name string) bool { return named(text, s.cluster(name)) })
		if i < 0 {
			out.Failures = append(out.Failures, missing(text))
			continue
		}
		name := s.state.clusters[i]
		c := types.Cluster{ClusterName: aws.String(name), ClusterArn: aws.String(s.cluster(name)), Status: aws.String("ACTIVE")}
		for _, t := range s.state.tasks {
			switch {
			case *t.ClusterArn != *c.ClusterArn || *t.DesiredStatus == "STOPPED":
			case *t.LastStatus == "RUNNING":
				c.RunningTasksCount++
			default:
				c.PendingTasksCount++
			}
		}
		out.Clusters = append(out.Clusters, c)
	}
	return out, nil
}

func (s *Server) listFamilies(in *ecs.ListTaskDefinitionFamiliesInput) (smithy.Serializable, error) {
	active := map[string]bool{}
	for _, d := range s.state.definitions {
		active[*d.Family] = active[*d.Family] || d.Status == types.TaskDefinitionStatusActive
	}
	var all []string
	for name, isActive := range active {
		if in.Status == types.TaskDefinitionFamilyStatusAll || in.Status == "" ||
			isActive == (in.Status == types.TaskDefinitionFamilyStatusActive) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	names, next, err := s.page(all, in.NextToken, in.MaxResults, 100)
	return &ecs.ListTaskDefinitionFamiliesOutput{Families: names, NextToken: next}, err
}

// listDaemonTaskDefinitions lists the last revision of each family if that is asked for, else all.
func (s *Server) listDaemonTaskDefinitions(in *ecs.ListDaemonTaskDefinitionsInput) (smithy.Serializable, error) {
	var all []string
	for _, d := range s.state.daemonDefinitions {
		arn := *d.DaemonTaskDefinitionArn
		if in.Revision != types.DaemonTaskDefinitionRevisionFilterLastRegistered || s.daemonDefinition(*d.Family) == d {
			all = append(all, arn)
		}
	}
	arns, next, err := s.page(all, in.NextToken, in.MaxResults, 100)
	out := &ecs.ListDaemonTaskDefinitionsOutput{NextToken: next, DaemonTaskDefinitions: []types.DaemonTaskDefinitionSummary{}}
	for _, arn := range arns {
		out.DaemonTaskDefinitions = append(out.DaemonTaskDefinitions, types.DaemonTaskDefinitionSummary{
			Arn: aws.String(arn), Status: types.DaemonTaskDefinitionStatusActive,
		})
	}
	return out, err
}
