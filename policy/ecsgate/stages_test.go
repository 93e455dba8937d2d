package ecsgate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

const function = "arn:aws:lambda:us-east-1:111122223333:function:gate"

// configure gives the deployment a hook.
func (s *stage) configure(action types.DeploymentLifecycleHookAction, target string, stages ...types.DeploymentLifecycleHookStage) {
	h := types.DeploymentLifecycleHook{
		HookTargetArn:   &target,
		LifecycleStages: stages,
		RoleArn:         aws.String("arn:aws:iam::111122223333:role/ecs"),
	}
	if action != "" {
		h.TimeoutConfiguration = &types.DeploymentLifecycleHookTimeoutConfiguration{Action: action}
	}
	s.state.DeploymentConfiguration = &types.DeploymentConfiguration{
		Strategy: types.DeploymentStrategyBlueGreen, LifecycleHooks: []types.DeploymentLifecycleHook{h},
	}
}

const preScaleUp, postScaleUp = types.DeploymentLifecycleHookStagePreScaleUp, types.DeploymentLifecycleHookStagePostScaleUp

// A hook that lets everything in when it does not answer is none.
func TestTimeoutAction(t *testing.T) {
	s := newStage(t)
	good := s.deploy(s.signed)
	for _, c := range []struct {
		own, target    string
		action         types.DeploymentLifecycleHookAction
		stage          types.DeploymentLifecycleHookStage
		status, reason string
	}{
		{"", function, "", preScaleUp, "SUCCEEDED", "is allowed"},
		{"", function, "ROLLBACK", preScaleUp, "SUCCEEDED", "is allowed"},
		{"", function, "CONTINUE", preScaleUp, "FAILED", "the hook fails open: the timeout action of hook"},
		{"", function, "CONTINUE", postScaleUp, "SUCCEEDED", "is allowed"}, // somebody else's
		{function, function, "CONTINUE", preScaleUp, "FAILED", "fails open"},
		{function, function, "CONTINUE", postScaleUp, "FAILED", "fails open"},
		{function, function + ":live", "CONTINUE", preScaleUp, "FAILED", "fails open"},
		{function, function + "2", "CONTINUE", preScaleUp, "SUCCEEDED", "is allowed"}, // another function
	} {
		s.hook.Function = c.own
		s.configure(c.action, c.target, c.stage)
		s.expect(good, c.status, c.reason)
		if c.status == "FAILED" && !errors.Is(s.outcome.Err, ecsgate.ErrFailOpen) {
			t.Errorf("error %v", s.outcome.Err)
		}
	}
	// In the first weeks it is only said.
	s.configure("CONTINUE", function, preScaleUp)
	s.use(policy.Warn)
	s.expect(good, "SUCCEEDED", "it would be refused: the hook fails open")
	if !s.outcome.Refused || s.outcome.Mode != policy.Warn {
		t.Errorf("%+v", s.outcome)
	}
}

// With audit and warn, a hook says what it would do and does nothing.
func TestModes(t *testing.T) {
	s := newStage(t)
	for _, mode := range []policy.Effect{policy.Warn, policy.Audit} {
		s.use(mode)
		s.expect(s.deploy(s.signed), "SUCCEEDED", "is allowed")
		if s.outcome.Refused {
			t.Errorf("%v: %+v", mode, s.outcome)
		}
		for image, reason := range map[string]string{s.bad: "no image signature", "app:v1": "not named by digest"} {
			s.expect(s.deploy(image), "SUCCEEDED", "it would be refused: container c1: ")
			if !s.outcome.Refused || !strings.Contains(s.outcome.Reason, reason) || !strings.Contains(s.log.String(), "refused=true") {
				t.Errorf("%v: %+v\n%s", mode, s.outcome, &s.log)
			}
		}
		s.broken.Store(true)
		s.hook.Retry = time.Hour
		s.expect(s.deploy(s.signed), "SUCCEEDED", "it would be refused: container c1: policy: no decision")
		s.broken.Store(false)
		s.expect("{}", "SUCCEEDED", "it would be refused: not an event")
	}
}

// The strategy is said: ECS's documentation has Lambda hooks for all but ROLLING.
func TestStrategy(t *testing.T) {
	s := newStage(t)
	for _, strategy := range types.DeploymentStrategy("").Values() {
		s.state.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: strategy}
		s.expect(s.deploy(s.signed), "SUCCEEDED", "is allowed")
		if s.outcome.Strategy != strategy || !strings.Contains(s.log.String(), "strategy="+string(strategy)) {
			t.Errorf("%+v\n%s", s.outcome, &s.log)
		}
	}
}

// What was decided on is remembered, and compared with what runs.
func TestRemembered(t *testing.T) {
	s := newStage(t)
	_, good, _ := strings.Cut(s.signed, "@")
	_, other, _ := strings.Cut(s.other, "@")
	name, _, _ := strings.Cut(s.signed, "@")
	s.hook.Function, s.hook.Tags = function, true

	// Without a later stage, or with versionConsistency disabled, nobody would see what the tag became.
	s.configure("", function, preScaleUp)
	s.expect(s.deploy(name+":v1"), "FAILED", "the hook is at no later stage")
	s.configure("", function, preScaleUp, postScaleUp)
	inconsistent := types.TaskDefinition{Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{
		{Name: aws.String("app"), Image: aws.String(name + ":v1"), VersionConsistency: types.VersionConsistencyDisabled}}}
	s.expect(s.revise(inconsistent, nil), "FAILED", "versionConsistency disabled")

	s.expect(s.deploy(name+":v1"), "SUCCEEDED", "is allowed")
	if got := s.outcome.Containers[0]; got.Digest != good || got.Image != name+":v1" {
		t.Errorf("%+v", got)
	}
	event := s.deploy(name + ":v1")
	answer, err := s.hook.Handle(t.Context(), json.RawMessage(event))
	s.check(err)
	var a struct{ HookDetails json.RawMessage }
	s.check(json.Unmarshal(answer, &a))
	if want := fmt.Sprintf(`{"lading.dev/digests":{"c1":%q}}`, good); string(a.HookDetails) != want {
		t.Fatalf("%s, want %s", answer, want)
	}
	later := func(sum string) string {
		task := types.TaskDefinition{
			Family:               aws.String("web"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("c1"), Image: aws.String(name + ":v1")}},
		}
		image := types.ContainerImage{ContainerName: aws.String("c1"), Image: aws.String(name + ":v1")}
		if sum != "" {
			image.ImageDigest = &sum
		}
		event := strings.Replace(s.revise(task, []types.ContainerImage{image}), "PRE_SCALE_UP", "POST_SCALE_UP", 1)
		return strings.TrimSuffix(event, "}") + `,"hookDetails":` + string(a.HookDetails) + "}"
	}
	s.expect(later(good), "SUCCEEDED", "is allowed")
	s.expect(later(other), "FAILED", "another image runs than was decided on")
	if err := s.outcome.Containers[0].Decision.Err(); !errors.Is(err, ecsgate.ErrChanged) {
		t.Errorf("%v", err)
	}
	s.expect(later(""), "FAILED", "is not named by digest") // nobody says what runs
	// A forged memory opens nothing.
	_, bad, _ := strings.Cut(s.bad, "@")
	forged := strings.ReplaceAll(later(bad), good, bad)
	s.expect(forged, "FAILED", "container c1: ")
	// A rollback is not held up by it.
	s.state.Status = types.ServiceDeploymentStatusRollbackInProgress
	s.expect(later(other), "SUCCEEDED", "rolled back; otherwise: container c1: another image runs")
}

// index makes a signed index of an image, with the tag multi, and returns its digest.
func (s *stage) index(repository, child string) string {
	s.Helper()
	repo, err := registry.Open(repository, nil)
	s.check(err)
	image, err := repo.Resolve(s.Context(), child)
	s.check(err)
	image.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	text, err := json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{image}})
	s.check(err)
	index := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromBytes(text), Size: int64(len(text))}
	s.check(repo.Push(s.Context(), index, bytes.NewReader(text)))
	s.check(repo.Tag(s.Context(), index, "multi"))
	s.sign(repo, index)
	return string(index.Digest)
}

// An image of the index that was decided on may run, and no other.
func TestIndex(t *testing.T) {
	s := newStage(t)
	name, child, _ := strings.Cut(s.signed, "@")
	index := s.index(name, child)
	pinned := name + "@" + index
	seen := func(sum string) string {
		task := types.TaskDefinition{
			Family:               aws.String("web"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("c1"), Image: &pinned}},
		}
		return s.revise(task, []types.ContainerImage{{ContainerName: aws.String("c1"), Image: &pinned, ImageDigest: &sum}})
	}
	s.expect(seen(index), "SUCCEEDED", "is allowed")
	s.expect(seen(child), "SUCCEEDED", "is allowed")
	_, other, _ := strings.Cut(s.other, "@")
	s.expect(seen(other), "FAILED", "is resolved to "+other)
}

// What the policy may see of a deployment.
func TestRequest(t *testing.T) {
	s := newStage(t)
	var seen []*policy.Request
	s.gate.Policy = policy.All(
		policy.Require{Kind: verify.ImageSignature},
		policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
			seen = append(seen, in.Request)
			return &policy.Decision{Verdict: policy.Allow, Rule: "seen", Reason: "seen", Until: policy.Forever}
		}),
	)
	s.use(policy.Enforce)
	s.configure("", function, preScaleUp)
	task := types.TaskDefinition{
		Family: aws.String("web"), RuntimePlatform: &types.RuntimePlatform{CpuArchitecture: types.CPUArchitectureArm64},
		TrustedExecutionConfiguration: &types.TrustedExecutionConfiguration{
			IsolationMode:     types.IsolationModeConfidentialSandbox,
			AttestationPolicy: aws.String("policy"),
		},
		ContainerDefinitions: []types.ContainerDefinition{
			{Name: aws.String("app"), Image: &s.signed, Privileged: aws.Bool(true), VersionConsistency: types.VersionConsistencyDisabled}},
	}
	service := s.cloud.PutService(cluster, types.Service{ServiceName: aws.String("web"), EnableExecuteCommand: true})
	definition := s.cloud.PutTaskDefinition(task)
	for _, c := range []struct {
		override string
		want     string
	}{{"", "linux/arm64"}, {"X86_64", "linux/amd64"}} {
		v := types.ServiceRevision{TaskDefinition: &definition}
		if c.override != "" {
			v.Overrides = &types.ServiceRevisionOverrides{RuntimePlatform: &types.RuntimePlatformOverride{CpuArchitecture: &c.override}}
		}
		seen = nil
		s.expect(event("PRE_SCALE_UP", service, s.cloud.PutServiceRevision(service, v)), "SUCCEEDED", "is allowed")
		if len(seen) != 1 {
			t.Fatalf("%d requests", len(seen))
		}
		q, a := seen[0], seen[0].Attributes
		if q.Gate != "hook" || q.Operation != "PRE_SCALE_UP" || q.Cluster != "shop" || q.Workload != "web" || q.Kind != "service" ||
			q.Account != "111122223333" ||
			q.Region != "us-east-1" {
			t.Errorf("%+v", q)
		}
		for name, want := range map[string]string{
			"container": "app", ecsgate.AttributePlatform: c.want, ecsgate.AttributeVersionConsistency: "disabled",
			ecsgate.AttributePrivileged:     "true",
			ecsgate.AttributeExecuteCommand: "true", ecsgate.AttributeIsolation: "CONFIDENTIAL_SANDBOX",
			ecsgate.AttributeStrategy:          "BLUE_GREEN",
			ecsgate.AttributeAttestationPolicy: string(digest.FromString("policy")),
		} {
			if a[name] != want {
				t.Errorf("%s is %q, want %q", name, a[name], want)
			}
		}
	}
}

// What AWS adds is let be by account and name, and by nothing else.
func TestInjected(t *testing.T) {
	s := newStage(t)
	const agent = "533267385481.dkr.ecr.us-east-1.amazonaws.com/agent:v1"
	s.hook.Injected = []ecsgate.Injected{{Name: "ecs-service-connect-*", Account: "533267385481"}}
	with := func(name, image string, defined bool) string {
		task := types.TaskDefinition{
			Family:               aws.String("web"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &s.signed}},
		}
		if defined {
			task.ContainerDefinitions = append(task.ContainerDefinitions, types.ContainerDefinition{Name: &name, Image: &image})
		}
		return s.revise(
			task,
			[]types.ContainerImage{{ContainerName: aws.String("app"), Image: &s.signed}, {ContainerName: &name, Image: &image}},
		)
	}
	s.expect(with("ecs-service-connect-x7", agent, false), "SUCCEEDED", "of 2")
	s.expect(with("ecs-service-connect-x7", agent, true), "FAILED", "container ecs-service-connect-x7: ") // it is the task definition's
	s.expect(with("sidecar", agent, false), "FAILED", "container sidecar: ")
	s.expect(
		with("ecs-service-connect-x7", strings.Replace(agent, "5332", "1111", 1), false),
		"FAILED",
		"container ecs-service-connect-x7: ",
	)
	s.expect(with("ecs-service-connect-x7", "533267385481.example/agent:v1", false), "FAILED", "container ecs-service-connect-x7: ")
	for _, host := range []string{
		"533267385481.dkr.ecr.us-east-1.amazonaws.com.example", "533267385481.dkr.ecr.example",
		"533267385481.dkr.ecr.us-east-1.amazonaws.com:443",
		"x533267385481.dkr.ecr.us-east-1.amazonaws.com", "533267385481.dkr.ecr.us-east-1.example.amazonaws.com", "",
	} {
		s.expect(with("ecs-service-connect-x7", host+"/agent:v1", false), "FAILED", "container ecs-service-connect-x7: ")
	}
	s.expect(with("ecs-service-connect-x7", strings.Replace(agent, "ecr.", "ecr-fips.", 1), false), "SUCCEEDED", "of 2")
	s.hook.Injected = nil
	s.expect(with("ecs-service-connect-x7", agent, false), "FAILED", "container ecs-service-connect-x7: ")
}

// A vendor's image is let in by a rule of the policy about its repository and digest, not by the door.
func TestForeign(t *testing.T) {
	s := newStage(t)
	repository, sum, _ := strings.Cut(s.bad, "@")
	s.gate.Policy = policy.Any(
		policy.Require{Kind: verify.ImageSignature},
		policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
			if in.Name == repository+"@"+sum {
				return &policy.Decision{
					Verdict: policy.Allow,
					Rule:    "vendor",
					Reason:  "the vendor's agent, which was looked at",
					Until:   policy.Forever,
				}
			}
			return &policy.Decision{Verdict: policy.Deny, Rule: "vendor", Reason: "not the vendor's agent"}
		}),
	)
	s.use(policy.Enforce)
	s.expect(s.deploy(s.signed, s.bad), "SUCCEEDED", "of 2")
}
