package ecstest

import (
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/internal/awswire"
)

// operation returns who answers an operation; nil if nobody does.
func (s *Server) operation(name string) awswire.Handler {
	return map[string]awswire.Handler{
		"ContinueServiceDeployment":   op(s, name, s.continueServiceDeployment),
		"CreateDaemon":                op(s, name, s.createDaemon),
		"CreateExpressGatewayService": op(s, name, s.createExpress),
		"CreateService": op(s, name,
			func(in *createService) (out, error) { return s.createService(&in.CreateServiceInput) }),
		"CreateTaskSet":                 op(s, name, s.createTaskSet),
		"DeleteDaemon":                  op(s, name, s.deleteDaemon),
		"DeleteExpressGatewayService":   op(s, name, s.deleteExpress),
		"DeleteTaskSet":                 op(s, name, s.deleteTaskSet),
		"DeregisterTaskDefinition":      op(s, name, s.deregisterTaskDefinition),
		"DescribeClusters":              op(s, name, s.describeClusters),
		"DescribeDaemon":                op(s, name, s.describeDaemon),
		"DescribeDaemonDeployments":     op(s, name, s.describeDaemonDeployments),
		"DescribeDaemonRevisions":       op(s, name, s.describeDaemonRevisions),
		"DescribeDaemonTaskDefinition":  op(s, name, s.describeDaemonTaskDefinition),
		"DescribeExpressGatewayService": op(s, name, s.describeExpress),
		"DescribeServiceDeployments":    op(s, name, s.describeServiceDeployments),
		"DescribeServiceRevisions":      op(s, name, s.describeServiceRevisions),
		"DescribeServices":              op(s, name, s.describeServices),
		"DescribeTaskDefinition":        op(s, name, s.describeTaskDefinition),
		"DescribeTasks":                 op(s, name, s.describeTasks),
		"ListClusters":                  op(s, name, s.listClusters),
		"ListDaemonTaskDefinitions":     op(s, name, s.listDaemonTaskDefinitions),
		"ListDaemons":                   op(s, name, s.listDaemons),
		"ListServiceDeployments":        op(s, name, s.listServiceDeployments),
		"ListServices":                  op(s, name, s.listServices),
		"ListTagsForResource":           op(s, name, s.listTags),
		"ListTaskDefinitionFamilies":    op(s, name, s.listFamilies),
		"ListTaskDefinitions":           op(s, name, s.listTaskDefinitions),
		"ListTasks":                     op(s, name, s.listTasks),
		"RegisterDaemonTaskDefinition":  op(s, name, s.registerDaemonTaskDefinition),
		"RegisterTaskDefinition":        op(s, name, s.registerTaskDefinition),
		"RunTask":                       op(s, name, s.runTask),
		"StartTask":                     op(s, name, s.startTask),
		"StopServiceDeployment":         op(s, name, s.stopServiceDeployment),
		"StopTask":                      op(s, name, s.stopTask),
		"TagResource":                   op(s, name, s.tagResource),
		"UpdateDaemon":                  op(s, name, s.updateDaemon),
		"UpdateExpressGatewayService":   op(s, name, s.updateExpress),
		"UpdateService": op(s, name,
			func(in *updateService) (out, error) { return s.updateService(&in.UpdateServiceInput) }),
	}[name]
}

// Requests with documents in them, which decode puts there.
type (
	createService struct{ ecs.CreateServiceInput }
	updateService struct{ ecs.UpdateServiceInput }
)

func (in *createService) hooks() []types.DeploymentLifecycleHook {
	return hooksOf(in.DeploymentConfiguration)
}

func (in *updateService) hooks() []types.DeploymentLifecycleHook {
	return hooksOf(in.DeploymentConfiguration)
}

func hooksOf(c *types.DeploymentConfiguration) []types.DeploymentLifecycleHook {
	if c == nil {
		return nil
	}
	return c.LifecycleHooks
}
