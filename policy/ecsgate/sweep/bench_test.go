package sweep_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/sweeptest"
)

// BenchmarkTasks sweeps a thousand tasks, beside the floor: the SDK's client listing and describing the same ones, in the same run.
func BenchmarkTasks(b *testing.B) {
	cloud, s := sweeptest.Start(b), newShop(b)
	crowd(b, cloud.Region("us-east-1").ECS, s, 1000, 10)
	sw := newSweep(b, cloud, s)
	sw.Services = []string{"ecs"}
	client := ecs.NewFromConfig(cloud.Config())
	var swept, floor time.Duration
	for b.Loop() {
		start := time.Now()
		run(b, sw)
		middle := time.Now()
		pages := ecs.NewListTasksPaginator(client, &ecs.ListTasksInput{Cluster: aws.String("production")})
		for pages.HasMorePages() {
			page, err := pages.NextPage(b.Context())
			if err == nil {
				_, err = client.DescribeTasks(b.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("production"), Tasks: page.TaskArns})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		swept, floor = swept+middle.Sub(start), floor+time.Since(middle)
	}
	b.ReportMetric(float64(swept)/float64(floor), "x-floor")
}
