package ecsgate_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
)

// A door that decides on nothing says so, whatever it is told, and stops nothing but what is denied.
func FuzzTaskEvent(f *testing.F) {
	f.Add(
		[]byte(
			`{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{"taskArn":"arn:aws:ecs:r:1:task/shop/a","clusterArn":"arn:aws:ecs:r:1:cluster/shop",
		"version":1,"group":"service:web","lastStatus":"RUNNING","overrides":{"containerOverrides":[{"name":"a","command":["b"]}]},
		"containers":[{"name":"a","image":"registry.example/a:v1","imageDigest":"sha256:ab"}]}}`,
		),
	)
	f.Add(
		[]byte(
			`{"source":"aws.ecs","detail-type":"ECS Daemon Deployment State Change","detail":{"eventName":"DAEMON_DEPLOYMENT_PENDING"}}`,
		),
	)
	f.Add([]byte(`{"source":"aws.ecs","detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"ecs.amazonaws.com"}}`))
	f.Add([]byte(`{"source":"aws.ecs","detail":null}`))
	checker := denying()
	f.Fuzz(func(t *testing.T, data []byte) {
		tasks := &ecsgate.Tasks{Client: silent{}, Checker: checker, Clusters: nil}
		tasks.Observe = func(_ context.Context, o *ecsgate.TaskOutcome) {
			if o.Verdict == policy.Allow || o.Task == "" {
				t.Errorf("%+v", o)
			}
		}
		_ = tasks.Handle(t.Context(), data)
		_ = tasks.Handle(t.Context(), data)
	})
}

// noECS registers nothing, and tells that it was asked.
type noECS struct{ asked *bool }

func (n noECS) RegisterTaskDefinition(
	context.Context, *ecs.RegisterTaskDefinitionInput, ...func(*ecs.Options),
) (*ecs.RegisterTaskDefinitionOutput, error) {
	*n.asked = true
	return nil, errors.New("not asked")
}

func (n noECS) RegisterDaemonTaskDefinition(
	context.Context, *ecs.RegisterDaemonTaskDefinitionInput, ...func(*ecs.Options),
) (*ecs.RegisterDaemonTaskDefinitionOutput, error) {
	*n.asked = true
	return nil, errors.New("not asked")
}

// Nothing that is proposed gets past a policy that denies, and every answer is JSON.
func FuzzProposal(f *testing.F) {
	f.Add([]byte(`{"taskDefinition":{"family":"web","containerDefinitions":[{"name":"app","image":"registry.example/a:v1"}]}}`))
	f.Add([]byte(`{"daemonTaskDefinition":{"family":"web","containerDefinitions":[{"name":"app","image":""}]}}`))
	f.Add([]byte(`{"express":{"serviceName":"a","primaryContainer":{"image":"a","containerPort":1}}}`))
	f.Add([]byte(`{"taskDefinition":null}`))
	checker := denying()
	f.Fuzz(func(t *testing.T, data []byte) {
		asked := false
		r := &ecsgate.Registrar{Client: noECS{&asked}, Checker: checker, Family: "gated-"}
		answer, err := r.Handle(t.Context(), data)
		if asked || (err == nil) != json.Valid(answer) || err != nil && !errors.Is(err, ecsgate.ErrProposal) {
			t.Errorf("%s, %v, asked %v", answer, err, asked)
		}
	})
}
