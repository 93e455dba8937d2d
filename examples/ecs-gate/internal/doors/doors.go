// Package doors makes the doors of ecs-gate from a few settings: for the Lambda functions, and for the program that tries them.
package doors

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
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

// Settings are what differs from one account to the next.
type Settings struct {
	Profiles []string      // ARNs of AWS Signer's signing profiles whose signatures count
	Mode     policy.Effect // what becomes of a refusal
	StopIn   []string      // names of the clusters in which task events may stop something
	Family   string        // what the names of gated task definitions begin with
	Log      *slog.Logger
}

// ErrSettings is beside settings that no door can be made of.
var ErrSettings = errors.New("the environment does not say what the function needs")

// FromEnvironment reads SIGNING_PROFILES and STOP_IN (with commas between), MODE (audit, warn or enforce; empty means enforce) and
// FAMILY.
func FromEnvironment(getenv func(string) string) (*Settings, error) {
	s := &Settings{Profiles: list(getenv("SIGNING_PROFILES")), StopIn: list(getenv("STOP_IN")), Family: getenv("FAMILY")}
	var err error
	if s.Mode, err = ParseMode(getenv("MODE")); err != nil {
		return nil, fmt.Errorf("%w: MODE: %w", ErrSettings, err)
	}
	if len(s.Profiles) == 0 {
		return nil, fmt.Errorf("%w: SIGNING_PROFILES has the ARNs of signing profiles, with commas between", ErrSettings)
	}
	return s, nil
}

// ParseMode reads audit, warn or enforce.
func ParseMode(text string) (policy.Effect, error) {
	switch text {
	case "", "enforce":
		return policy.Enforce, nil
	case "warn":
		return policy.Warn, nil
	case "audit":
		return policy.Audit, nil
	}
	return policy.Enforce, fmt.Errorf("%q is not audit, warn or enforce", text)
}

func list(text string) (parts []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// Verifier believes what AWS Signer signed with one of the profiles.
func (s *Settings) Verifier(cfg aws.Config) *notary.Verifier {
	return awssigner.Verifier(signer.NewFromConfig(cfg), s.Profiles...)
}

// Checker lets signed images pass. Here is the place for a policy of one's own: see package policy/document.
func (s *Settings) Checker(cfg aws.Config, v verify.Verifier) (*gate.Checker, error) {
	login := &ecr.Credentials{Private: awsecr.NewFromConfig(cfg)}
	return gate.New(&gate.Rules{
		Gate: &policy.Gate{
			Open:      gate.Open(&registry.Options{Credential: login.Credential, Cache: &registry.Cache{}}),
			Verifiers: []verify.Verifier{v},
			Policy:    policy.Require{Kind: verify.ImageSignature},
		},
		Mode: s.Mode,
	}, nil)
}

// Hook is asked by ECS before the tasks of a deployment start.
func (s *Settings) Hook(client *ecs.Client, c *gate.Checker) *ecsgate.Hook {
	return &ecsgate.Hook{
		Client:  client,
		Checker: c,
		Log:     s.Log,
		Retry:   10 * time.Minute,
	} // for as long as the registry or AWS Signer does not answer
}

// Tasks stops what is denied in the clusters of StopIn.
func (s *Settings) Tasks(client *ecs.Client, c *gate.Checker) *ecsgate.Tasks {
	t := ecsgate.NewTasks(client, c)
	t.Clusters, t.Log = s.StopIn, s.Log
	return t
}

// Registrar registers in the gated families.
func (s *Settings) Registrar(client *ecs.Client, c *gate.Checker) *ecsgate.Registrar {
	return &ecsgate.Registrar{Client: client, Checker: c, Family: s.Family, Log: s.Log}
}

// Function returns what a door of this name (hook, pauses, task-events or registrar) handles events with, for lambda.Start.
func (s *Settings) Function(door string, cfg aws.Config, v verify.Verifier) (any, error) {
	client := ecs.NewFromConfig(cfg)
	checker, err := s.Checker(cfg, v)
	if err != nil {
		return nil, fmt.Errorf("%w: SIGNING_PROFILES: %w", ErrSettings, err)
	}
	switch door {
	case "hook":
		h := s.Hook(client, checker)
		return h.Handle, h.Validate()
	case "pauses":
		p := &ecsgate.Pauses{Hook: s.Hook(client, checker), Client: client}
		return p.Handle, p.Validate()
	case "task-events":
		t := s.Tasks(client, checker)
		return t.Handle, t.Validate()
	case "registrar":
		r := s.Registrar(client, checker)
		return r.Handle, r.Validate()
	}
	return nil, fmt.Errorf("%w: DOOR is %q, and hook, pauses, task-events and registrar are known", ErrSettings, door)
}
