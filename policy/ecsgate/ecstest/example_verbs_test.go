package ecstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
)

// What does a program do when the service fails, or says what is not so?
func ExampleServer_Fail() {
	cloud := ecstest.New(nil)
	defer cloud.Close()
	cloud.PutCluster("shop")
	client := ecs.NewFromConfig(cloud.Config())

	cloud.Fail("ecs:ListClusters", ecstest.Fault{Times: 1, Status: http.StatusBadRequest, Code: "AccessDeniedException"})
	_, err := client.ListClusters(context.Background(), new(ecs.ListClustersInput))
	var refused smithy.APIError
	fmt.Println(errors.As(err, &refused) && refused.ErrorCode() == "AccessDeniedException")

	cloud.Edit("ecs:ListClusters", ecstest.Edit{Reply: func(members map[string]any) { members["clusterArns"] = []any{} }})
	out, err := client.ListClusters(context.Background(), new(ecs.ListClustersInput))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(out.ClusterArns), "clusters")
	// Output:
	// true
	// 0 clusters
}
