package ecsgate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// silent is an ECS that never answers.
type silent struct{ ecsgate.Client }

func (silent) DescribeServiceDeployments(
	ctx context.Context,
	_ *ecs.DescribeServiceDeploymentsInput,
	_ ...func(*ecs.Options),
) (*ecs.DescribeServiceDeploymentsOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) DescribeServiceRevisions(
	ctx context.Context,
	_ *ecs.DescribeServiceRevisionsInput,
	_ ...func(*ecs.Options),
) (*ecs.DescribeServiceRevisionsOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// An ECS that does not answer holds a hook for no longer than both questions may take, and opens nothing. The clock is the
// bubble's.
func TestSilentECS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var outcome *ecsgate.Outcome
		h := &ecsgate.Hook{Client: silent{}, Checker: checker(t), Observe: func(_ context.Context, o *ecsgate.Outcome) { outcome = o }}
		answer, err := h.Handle(context.Background(), []byte(`{"executionId":"a","lifecycleStage":"PRE_SCALE_UP",
			"resourceArn":"arn:aws:ecs:us-east-1:111122223333:service-deployment/shop/web/TFX5sH9q9XDboDTOv0rIt",
			"executionDetails":{"serviceArn":"arn:aws:ecs:us-east-1:111122223333:service/shop/web",
			"targetServiceRevisionArn":"arn:aws:ecs:us-east-1:111122223333:service-revision/shop/web/1"}}`))
		if err != nil || outcome == nil || outcome.Status != ecsgate.Failed || !errors.Is(outcome.Err, context.DeadlineExceeded) {
			t.Errorf("%v, %v, %+v", answer, err, outcome)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("after %v", took)
		}
	})
}

// checker judges by a gate that nobody asks.
func checker(t *testing.T) *gate.Checker {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	c, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      func(context.Context, string) (*policy.Image, error) { return nil, errors.New("not asked") },
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A hook that cannot decide says so when the program starts.
func TestValidate(t *testing.T) {
	c := checker(t)
	agent := []ecsgate.Injected{{Name: "aws-guardduty-agent-*", Account: "111122223333"}}
	if err := (&ecsgate.Hook{Client: silent{}, Checker: c, Injected: agent}).Validate(); err != nil {
		t.Error(err)
	}
	for name, h := range map[string]*ecsgate.Hook{
		"zero":                  {},
		"no client":             {Checker: c},
		"no checker":            {Client: silent{}},
		"retry for ever":        {Client: silent{}, Checker: c, Retry: -1},
		"tags once":             {Client: silent{}, Checker: c, Tags: true},
		"any injected":          {Client: silent{}, Checker: c, Injected: []ecsgate.Injected{{Name: "*", Account: "111122223333"}}},
		"injected of whom ever": {Client: silent{}, Checker: c, Injected: []ecsgate.Injected{{Name: "agent"}}},
	} {
		if err := h.Validate(); err == nil || !strings.HasPrefix(err.Error(), "ecsgate: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
