package sweep

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
)

// What Inspector takes in one call, by its API reference.
const (
	coveragePage = 200
	clusterPage  = 100
)

// inspector looks at what Amazon Inspector says that runs images of ECR: the workloads of EKS, and the tasks of clusters that this sweep
// has not seen itself, such as those of other accounts.
func (r *run) inspector(ctx context.Context) error {
	client := inspector2.NewFromConfig(r.config)
	equals := types.CoverageStringComparisonEquals
	return r.pages(ctx, "images in use, by Inspector", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListCoverage(ctx, &inspector2.ListCoverageInput{
			NextToken: token, MaxResults: aws.Int32(coveragePage),
			FilterCriteria: &types.CoverageFilterCriteria{
				ResourceType: []types.CoverageStringFilter{{Comparison: equals,
					Value: aws.String(string(types.CoverageResourceTypeAwsEcrContainerImage))}},
				EcrImageInUseCount: []types.CoverageNumberFilter{{LowerInclusive: aws.Int64(1)}},
			},
		})
		if err != nil {
			return nil, err
		}
		for _, image := range out.CoveredResources {
			r.inUse(ctx, client, aws.ToString(image.ResourceId))
		}
		return out.NextToken, nil
	})
}

// ecrImage is how Inspector names an image: arn:aws:ecr:REGION:ACCOUNT:repository/NAME/sha256:DIGEST.
var ecrImage = regexp.MustCompile(`^arn:(aws[a-z-]*):ecr:([a-z0-9-]+):([0-9]{12}):repository/([a-z0-9._/-]+)/(sha256:[0-9a-f]{64})$`)

// suffixes are the domains of ECR's registries by partition.
var suffixes = map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}

func (r *run) inUse(ctx context.Context, client *inspector2.Client, id string) {
	m := ecrImage.FindStringSubmatch(id)
	if m == nil || suffixes[m[1]] == "" {
		r.failed("image", id, fmt.Errorf("not the name of an image in ECR"))
		return
	}
	name := m[3] + ".dkr.ecr." + m[2] + "." + suffixes[m[1]] + "/" + m[4] + "@" + m[5]
	var token *string
	for {
		out, err := client.GetClustersForImage(ctx, &inspector2.GetClustersForImageInput{
			Filter: &types.ClusterForImageFilterCriteria{ResourceId: &id}, NextToken: token, MaxResults: aws.Int32(clusterPage),
		})
		if err != nil {
			r.failed("image", name, err)
			return
		}
		for _, c := range out.Cluster {
			r.inCluster(name, &c)
		}
		if next := aws.ToString(out.NextToken); next == "" || next == aws.ToString(token) {
			return
		}
		token = out.NextToken
	}
}

func (r *run) inCluster(image string, c *types.ClusterInformation) {
	cluster := aws.ToString(c.ClusterArn)
	if slices.Contains(r.names["ecs "+r.region+" clusters"], cluster) {
		return // its tasks were looked at themselves
	}
	for _, d := range c.ClusterDetails {
		if aws.ToInt64(d.RunningUnitCount) == 0 {
			continue
		}
		row := &Row{Kind: "workload", Cluster: cluster, Image: image, Count: aws.ToInt64(d.RunningUnitCount)}
		switch m := d.ClusterMetadata.(type) {
		case *types.ClusterMetadataMemberAwsEksMetadataDetails:
			var names []string
			for _, w := range m.Value.WorkloadInfoList {
				names = append(names, aws.ToString(w.Type)+" "+aws.ToString(w.Name))
			}
			slices.Sort(names)
			row.Resource = strings.TrimSpace(aws.ToString(m.Value.Namespace) + "/" + strings.Join(names, ", "))
		case *types.ClusterMetadataMemberAwsEcsMetadataDetails:
			row.Kind, row.Resource = "task, by Inspector", aws.ToString(m.Value.DetailsGroup)
			row.Definition = short(aws.ToString(m.Value.TaskDefinitionArn))
		}
		r.judge(row, "", false)
		r.row(row)
	}
}
