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
	"github.com/ladingdev/lading/verify/notary/awssigner"
)

// newHook returns the hook that lets images pass which AWS Signer signed with one of the profiles.
func newHook(cfg aws.Config, profiles []string, log *slog.Logger) *ecsgate.Hook {
	login := &ecr.Credentials{Private: awsecr.NewFromConfig(cfg)}
	options := &registry.Options{Credential: login.Credential, Cache: &registry.Cache{}}
	return &ecsgate.Hook{
		Client: ecs.NewFromConfig(cfg),
		Gate: &policy.Gate{
			Open:      gate.Open(options),
			Verifiers: []verify.Verifier{awssigner.Verifier(signer.NewFromConfig(cfg), profiles...)},
			Policy:    policy.Require{Kind: verify.ImageSignature},
		},
		Retry: 10 * time.Minute, // for as long as the registry or AWS Signer does not answer
		Log:   log,
	}
}
