package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/signer"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/ladingdev/lading/verify/notary/awssigner"
)

// newHook returns the hook that lets signed images pass.
func newHook(cfg aws.Config, v verify.Verifier, log *slog.Logger) (*ecsgate.Hook, error) {
	login := &ecr.Credentials{Private: awsecr.NewFromConfig(cfg)}
	options := &registry.Options{Credential: login.Credential, Cache: &registry.Cache{}}
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      gate.Open(options),
		Verifiers: []verify.Verifier{v},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	return &ecsgate.Hook{
		Client:  ecs.NewFromConfig(cfg),
		Checker: checker,
		Retry:   10 * time.Minute, // for as long as the registry or AWS Signer does not answer
		Log:     log,
	}, err
}

// trusted believes what AWS Signer signed with one of the profiles.
func trusted(cfg aws.Config, profiles []string) *notary.Verifier {
	return awssigner.Verifier(signer.NewFromConfig(cfg), profiles...)
}
