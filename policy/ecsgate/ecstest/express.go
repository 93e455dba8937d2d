package ecstest

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

func (s *Server) createExpress(in *ecs.CreateExpressGatewayServiceInput) (smithy.Serializable, error) {
	name := aws.ToString(in.Cluster)
	if name == "" {
		name = "default"
	}
	cluster := s.cluster(name[len(name)-len(lastName(name)):])
	if in.ServiceName == nil {
		in.ServiceName = aws.String(fmt.Sprintf("express-%d", s.next()))
	}
	if s.service(cluster, *in.ServiceName) != nil {
		return nil, awswire.Failed("InvalidParameterException", "A service of this name is there already.")
	}
	if in.TaskDefinitionArn != nil &&
		(in.ExecutionRoleArn != nil || in.TaskRoleArn != nil || in.Cpu != nil || in.Memory != nil || in.CpuArchitecture != "") {
		return nil, awswire.Failed("InvalidParameterException", "These parameters are the task definition's.")
	}
	definition, err := s.expressDefinition(*in.ServiceName, in.PrimaryContainer, in.TaskDefinitionArn, in.Cpu, in.Memory)
	if err != nil {
		return nil, err
	}
	v := s.newService(cluster, *in.ServiceName)
	v.ResourceManagementType, v.DesiredCount, v.LaunchType = types.ResourceManagementTypeEcs, 1, types.LaunchTypeFargate
	v.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary}
	if err := s.deploy(v, definition); err != nil {
		return nil, err
	}
	s.state.services = append(s.state.services, v)
	return &ecs.CreateExpressGatewayServiceOutput{Service: s.express(v)}, nil
}

func lastName(text string) string {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '/' {
			return text[i+1:]
		}
	}
	return text
}

// expressDefinition is the one that is given, or one that ECS registers by itself for an image.
func (s *Server) expressDefinition(name string, c *types.ExpressGatewayContainer, arn, cpu, memory *string) (string, error) {
	switch {
	case c != nil && arn != nil:
		return "", awswire.Failed("InvalidParameterException", "Give a primary container or a task definition, not both.")
	case arn != nil:
		d := s.definition(*arn)
		if d == nil || !slices.ContainsFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool {
			return *c.Name == "Main" && len(c.PortMappings) == 1 && c.PortMappings[0].ContainerPort != nil && c.PortMappings[0].Name != nil
		}) || !slices.Contains(d.RequiresCompatibilities, types.CompatibilityFargate) {
			return "", awswire.Failed(
				"InvalidParameterException",
				"The task definition must be for FARGATE and have a container Main with one named port.",
			)
		}
		return *arn, nil
	case c == nil || aws.ToString(c.Image) == "":
		return "", awswire.Failed("InvalidParameterException", "primaryContainer.image is required.")
	}
	return *s.addDefinition(types.TaskDefinition{
		Family: aws.String("express-" + name), Cpu: cpu, Memory: memory,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("Main"), Image: c.Image, Command: c.Command, Environment: c.Environment,
			PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80), Name: aws.String("main")}},
		}},
	}).TaskDefinitionArn, nil
}

func (s *Server) updateExpress(in *ecs.UpdateExpressGatewayServiceInput) (smithy.Serializable, error) {
	v, err := s.expressService(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	definition, err := s.expressDefinition(*v.ServiceName, in.PrimaryContainer, in.TaskDefinitionArn, in.Cpu, in.Memory)
	if err != nil {
		return nil, err
	}
	if err := s.deploy(v, definition); err != nil {
		return nil, err
	}
	e := s.express(v)
	return &ecs.UpdateExpressGatewayServiceOutput{Service: &types.UpdatedExpressGatewayService{
		ServiceArn: e.ServiceArn, ServiceName: e.ServiceName, Cluster: e.Cluster, Status: e.Status, CreatedAt: e.CreatedAt,
	}}, nil
}

func (s *Server) expressService(arn *string) (*service, error) {
	i := slices.IndexFunc(s.state.services, func(v *service) bool { return *v.ServiceArn == aws.ToString(arn) })
	if i < 0 || s.state.services[i].ResourceManagementType != types.ResourceManagementTypeEcs {
		return nil, awswire.Failed("ResourceNotFoundException", "The Express service was not found.")
	}
	return s.state.services[i], nil
}

func (s *Server) deleteExpress(in *ecs.DeleteExpressGatewayServiceInput) (smithy.Serializable, error) {
	v, err := s.expressService(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	v.Status, v.underway = aws.String("DRAINING"), nil
	if v.current == nil { // so that the scheduler looks at it
		v.current = &types.ServiceRevision{}
	}
	s.reconcileSoon(v)
	return &ecs.DeleteExpressGatewayServiceOutput{Service: s.express(v)}, nil
}

func (s *Server) describeExpress(in *ecs.DescribeExpressGatewayServiceInput) (smithy.Serializable, error) {
	v, err := s.expressService(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	return &ecs.DescribeExpressGatewayServiceOutput{Service: s.express(v)}, nil
}

func (s *Server) express(v *service) *types.ECSExpressGatewayService {
	code := types.ExpressGatewayServiceStatusCodeActive
	if *v.Status != "ACTIVE" {
		code = types.ExpressGatewayServiceStatusCodeDraining
	}
	e := &types.ECSExpressGatewayService{
		ServiceArn: v.ServiceArn, ServiceName: v.ServiceName, Cluster: v.ClusterArn, CreatedAt: v.CreatedAt,
		Status: &types.ExpressGatewayServiceStatus{StatusCode: code},
	}
	if v.underway != nil {
		e.CurrentDeployment = v.underway.ServiceDeploymentArn
	}
	if v.current != nil && v.current.ServiceRevisionArn != nil {
		e.ActiveConfigurations = []types.ExpressGatewayServiceConfiguration{{
			ServiceRevisionArn: v.current.ServiceRevisionArn, TaskDefinitionArn: v.current.TaskDefinition, CreatedAt: v.current.CreatedAt,
		}}
	}
	return e
}
