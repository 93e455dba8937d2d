package sweep

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// batchPage is what Batch answers at most, by its API reference.
const batchPage = 100

// batch looks at the active job definitions. The jobs themselves are tasks of ECS, in clusters that Batch makes, or pods of EKS.
func (r *run) batch(ctx context.Context) error {
	client := batch.NewFromConfig(r.config)
	return r.pages(ctx, "job definitions", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.DescribeJobDefinitions(ctx, &batch.DescribeJobDefinitionsInput{
			Status: aws.String("ACTIVE"), NextToken: token, MaxResults: aws.Int32(batchPage),
		})
		if err != nil {
			return nil, err
		}
		for _, d := range out.JobDefinitions {
			for _, c := range jobContainers(&d) {
				row := &Row{
					Kind: "job definition", Resource: aws.ToString(d.JobDefinitionName),
					Definition: short(aws.ToString(d.JobDefinitionArn)),
					Container:  c.name, Image: c.image, Examples: []string{aws.ToString(d.JobDefinitionArn)},
				}
				if c.exec {
					row.find(Exec, "ExecuteCommand is on")
				}
				r.judge(row, "", false)
				r.row(row)
			}
		}
		return out.NextToken, nil
	})
}

type jobContainer struct {
	name, image string
	exec        bool
}

// jobContainers are all containers of a job definition, of every orchestrator and every range of nodes.
func jobContainers(d *types.JobDefinition) []jobContainer {
	list := inJob("", d.ContainerProperties, d.EcsProperties, d.EksProperties)
	if d.NodeProperties != nil {
		for _, n := range d.NodeProperties.NodeRangeProperties {
			list = append(list, inJob("nodes "+aws.ToString(n.TargetNodes)+" ", n.Container, n.EcsProperties, n.EksProperties)...)
		}
	}
	return list
}

func inJob(prefix string, one *types.ContainerProperties, tasks *types.EcsProperties, pods *types.EksProperties) (list []jobContainer) {
	if one != nil {
		list = append(list, jobContainer{prefix + "default", aws.ToString(one.Image), aws.ToBool(one.EnableExecuteCommand)})
	}
	if tasks != nil {
		for i, t := range tasks.TaskProperties {
			for j, c := range t.Containers {
				name := aws.ToString(c.Name)
				if name == "" {
					name = fmt.Sprintf("%d.%d", i, j)
				}
				list = append(list, jobContainer{prefix + name, aws.ToString(c.Image), aws.ToBool(t.EnableExecuteCommand)})
			}
		}
	}
	if pods != nil && pods.PodProperties != nil {
		for _, group := range []struct {
			what string
			list []types.EksContainer
		}{{"init ", pods.PodProperties.InitContainers}, {"", pods.PodProperties.Containers}} {
			for i, c := range group.list {
				name := aws.ToString(c.Name)
				if name == "" {
					name = fmt.Sprint(i)
				}
				list = append(list, jobContainer{prefix + group.what + name, aws.ToString(c.Image), false})
			}
		}
	}
	return list
}
