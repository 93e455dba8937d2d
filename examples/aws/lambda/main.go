// Lambda is the function that Amazon ECS asks before it starts the tasks of a deployment: it lets images pass that AWS
// Signer signed with one of your signing profiles.
//
//	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -o bootstrap ./examples/aws/lambda
//	zip function.zip bootstrap
//
// Create the function of it on the runtime provided.al2023, with half a minute to run and the profiles' ARNs, separated by
// commas, in SIGNING_PROFILES. Its role needs
//
//	ecs:DescribeServiceDeployments, ecs:DescribeServiceRevisions, ecs:DescribeTaskDefinition
//	ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer
//	signer:GetRevocationStatus
//
// and the service names it as a lifecycle hook of the stage PRE_SCALE_UP. What it decided, and why, is in its log.
package main

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	hook, err := newHook(cfg, trusted(cfg, strings.Split(os.Getenv("SIGNING_PROFILES"), ",")), log)
	if err != nil {
		log.Error("the function cannot start: SIGNING_PROFILES has the ARNs of signing profiles, with commas between", "error", err)
		os.Exit(1)
	}
	lambda.Start(hook.Handle) // does not return
}
