package ecstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
)

// A function of one's own is told what becomes of a task.
func ExampleServer_Subscribe() {
	cloud := ecstest.New(&ecstest.Options{Start: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)})
	defer cloud.Close()
	cloud.PutCluster("shop")
	cloud.Subscribe(func(_ context.Context, event json.RawMessage) error {
		var e struct {
			Time   string
			Detail struct{ LastStatus, DesiredStatus string }
		}
		if err := json.Unmarshal(event, &e); err != nil {
			return err
		}
		fmt.Println(e.Time, e.Detail.LastStatus, e.Detail.DesiredStatus)
		return nil
	}, ecstest.TaskStateChange)

	client := ecs.NewFromConfig(cloud.Config()) // the SDK's own
	definition := cloud.PutTaskDefinition(types.TaskDefinition{
		Family: aws.String("job"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name:  aws.String("app"),
			Image: aws.String("registry.example/app@sha256:ab530a13e45914982b79f9b7e3fba994cfd1f3fb22f71cea1afbf02b460c6d1d"),
		}},
	})
	_, err := client.RunTask(context.Background(), &ecs.RunTaskInput{Cluster: aws.String("shop"), TaskDefinition: &definition})
	if err != nil {
		log.Fatal(err)
	}
	cloud.Advance(time.Minute) // of the server's clock
	// Output:
	// 2026-05-04T12:00:00Z PROVISIONING RUNNING
	// 2026-05-04T12:00:01Z PENDING RUNNING
	// 2026-05-04T12:00:02Z PENDING RUNNING
	// 2026-05-04T12:00:03Z RUNNING RUNNING
}
