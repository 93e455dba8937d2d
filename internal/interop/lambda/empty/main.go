// Empty is a function with the AWS SDK's clients of a gate that decides nothing.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/ladingdev/lading/internal/interop/lambda/setup"
)

func main() {
	cfg := setup.Config()
	clients := &struct {
		ecs *ecs.Client
		ecr *ecr.Client
		pub *ecrpublic.Client
	}{ecs.NewFromConfig(cfg), ecr.NewFromConfig(cfg), ecrpublic.NewFromConfig(cfg)}
	lambda.Start(func(ctx context.Context, event json.RawMessage) (json.RawMessage, error) {
		if clients.ecr == nil || clients.pub == nil {
			return nil, nil
		}
		var e struct {
			ResourceArn      string
			ExecutionDetails struct{ TargetServiceRevisionArn string }
		}
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		if _, err := clients.ecs.DescribeServiceDeployments(ctx,
			&ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{e.ResourceArn}}); err != nil {
			return nil, err
		}
		revisions, err := clients.ecs.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{
			ServiceRevisionArns: []string{e.ExecutionDetails.TargetServiceRevisionArn}})
		if err != nil {
			return nil, err
		}
		_, err = clients.ecs.DescribeTaskDefinition(ctx,
			&ecs.DescribeTaskDefinitionInput{TaskDefinition: revisions.ServiceRevisions[0].TaskDefinition})
		return json.RawMessage(`{"hookStatus":"SUCCEEDED"}`), err
	})
}
