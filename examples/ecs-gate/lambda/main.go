// Lambda is the function behind each door of ecs-gate: DOOR says which it is. It lets images pass that AWS Signer signed with one of your
// signing profiles.
//
//	go run github.com/ladingdev/lading/policy/ecsgate/lambdazip -o function.zip ./ecs-gate/lambda
//
// is the zip, and ../deploy has the functions, their roles, rules and alarms for CloudFormation and Terraform. ../README.md takes an
// account from nothing to enforcement. What it decided, and why, is in its log.
//
//	DOOR              hook, pauses, task-events or registrar
//	MODE              audit, warn or enforce; empty means enforce
//	SIGNING_PROFILES  ARNs of the signing profiles, with commas between
//	STOP_IN           names of the clusters in which task events may stop something; empty means nowhere
//	FAMILY            what the names of gated task definitions begin with
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/ladingdev/lading/examples/ecs-gate/internal/doors"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	handler, err := function(log)
	if err != nil {
		log.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler) // does not return
}

func function(log *slog.Logger) (any, error) {
	s, err := doors.FromEnvironment(os.Getenv)
	if err != nil {
		return nil, err
	}
	s.Log = log
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		return nil, err
	}
	return s.Function(os.Getenv("DOOR"), cfg, s.Verifier(cfg))
}
