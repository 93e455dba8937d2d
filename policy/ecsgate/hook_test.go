package ecsgate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A stage is a registry with a signed and an unsigned image, an ECS with one service, and a hook between them.
type stage struct {
	*testing.T
	cloud              *ecstest.Server
	gate               *policy.Gate
	key                sign.Key
	state              types.ServiceDeployment
	hook               *ecsgate.Hook
	registry           *registrytest.Server
	requests           atomic.Int64 // to the registry
	broken             atomic.Bool  // whether the registry is
	signed, other, bad string       // images by digest: signed, signed as well, and unsigned
	outcome            *ecsgate.Outcome
	log                bytes.Buffer
}

const (
	cluster    = "shop"
	deployment = "arn:aws:ecs:us-east-1:111122223333:service-deployment/shop/web/TFX5sH9q9XDboDTOv0rIt"
)

var started = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func newStage(t *testing.T) *stage {
	s := &stage{T: t, cloud: ecstest.Start(t, &ecstest.Options{Digest: resolve})}
	s.registry = registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.requests.Add(1)
			if s.broken.Load() {
				http.Error(w, "out of order", http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	t.Cleanup(s.registry.Close)

	key, err := sign.GenerateKey(sign.P256)
	s.check(err)
	s.signed, s.other, s.bad = s.push("app", key), s.push("proxy", key), s.push("unsigned", nil)
	pem, err := sign.MarshalPublicKey(key.Public())
	s.check(err)
	trusted, err := verify.ParseTrustedKey(pem)
	s.check(err)

	s.state = types.ServiceDeployment{ServiceDeploymentArn: aws.String(deployment), StartedAt: &started}
	s.gate = &policy.Gate{
		Open:      open,
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}
	s.hook = &ecsgate.Hook{
		Client:  ecs.NewFromConfig(s.cloud.Config()),
		Log:     slog.New(slog.NewTextHandler(&s.log, nil)),
		Observe: func(_ context.Context, o *ecsgate.Outcome) { s.outcome = o },
		Now:     func() time.Time { return started.Add(time.Minute) },
	}
	s.use(policy.Enforce)
	s.requests.Store(0)
	return s
}

var open = gate.Open(nil)

// resolve is what pulling an image gives.
func resolve(name string) (string, error) {
	repo, err := registry.Open(name, nil)
	if err != nil {
		return "", err
	}
	image, err := repo.Resolve(context.Background(), "")
	return string(image.Digest), err
}

func (s *stage) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// push makes an image, signed unless key is nil, and returns its name with digest.
func (s *stage) push(name string, key sign.Key) string {
	s.Helper()
	repo, err := registry.Open(s.registry.Host()+"/shop/"+name, nil)
	s.check(err)
	describe := func(mediaType string, data []byte) ocispec.Descriptor {
		return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	}
	config := []byte(`{"architecture":"amd64","os":"linux","config":{"Cmd":["` + name + `"]},"rootfs":{"type":"layers","diff_ids":[]}}`)
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: describe(ocispec.MediaTypeImageConfig, config), Layers: []ocispec.Descriptor{},
	})
	s.check(err)
	image := describe(ocispec.MediaTypeImageManifest, manifest)
	s.check(repo.Push(s.Context(), describe(ocispec.MediaTypeImageConfig, config), bytes.NewReader(config)))
	s.check(repo.Push(s.Context(), image, bytes.NewReader(manifest)))
	s.check(repo.Tag(s.Context(), image, "v1"))
	if key != nil {
		s.key = key
		s.sign(repo, image)
	}
	return fmt.Sprintf("%s/shop/%s@%s", s.registry.Host(), name, image.Digest)
}

// sign attaches a signature.
func (s *stage) sign(repo *registry.Repository, image ocispec.Descriptor) {
	s.Helper()
	signature, err := (&sign.BundleSigner{Key: s.key}).Sign(s.Context(), sign.About(image, sign.ImageSignature{}))
	s.check(err)
	_, err = repo.Attach(s.Context(), image, signature)
	s.check(err)
}

// deploy registers a task definition with these images and returns the event of its deployment.
func (s *stage) deploy(images ...string) string {
	task := types.TaskDefinition{Family: aws.String("web")}
	var seen []types.ContainerImage
	for i, image := range images {
		name := fmt.Sprintf("c%d", i+1)
		task.ContainerDefinitions = append(task.ContainerDefinitions, types.ContainerDefinition{Name: &name, Image: &image})
		seen = append(seen, types.ContainerImage{ContainerName: &name, Image: &image})
	}
	return s.revise(task, seen)
}

func (s *stage) revise(task types.TaskDefinition, seen []types.ContainerImage) string {
	service := s.cloud.PutService(cluster, types.Service{ServiceName: aws.String("web")})
	revision := s.cloud.PutServiceRevision(service, types.ServiceRevision{
		TaskDefinition:  aws.String(s.cloud.PutTaskDefinition(task)),
		ContainerImages: seen,
	})
	return event("PRE_SCALE_UP", service, revision)
}

func event(stage, service, revision string) string {
	return fmt.Sprintf(`{"executionId":"a635edb5","lifecycleStage":%q,"resourceArn":%q,"executionDetails":{"serviceArn":%q,
		"targetServiceRevisionArn":%q,"testTrafficWeights":{},"productionTrafficWeights":{}}}`, stage, deployment, service, revision)
}

// answer returns what the hook says to an event, and fails unless its reason has the words.
func (s *stage) answer(event, reason string) string {
	s.Helper()
	s.outcome = nil
	s.log.Reset()
	s.cloud.PutServiceDeployment("arn:aws:ecs:us-east-1:111122223333:service/shop/web", s.state)
	out, err := s.hook.Handle(s.Context(), json.RawMessage(event))
	s.check(err)
	var got struct {
		HookStatus    string
		CallBackDelay *int
	}
	s.check(json.Unmarshal(out, &got))
	if (got.HookStatus == "IN_PROGRESS") != (got.CallBackDelay != nil) {
		s.Errorf("the answer %s has a delay, or lacks it", out)
	}
	if s.outcome == nil || string(s.outcome.Status) != got.HookStatus {
		s.Fatalf("answer %s, outcome %+v", out, s.outcome)
	}
	if !strings.Contains(s.outcome.Reason, reason) || reason == "" || strings.Contains(s.outcome.Reason, "\n") {
		s.Errorf("%s: the reason is %q, without %q", got.HookStatus, s.outcome.Reason, reason)
	}
	if !strings.Contains(s.log.String(), "status="+got.HookStatus) {
		s.Errorf("the log does not have %s:\n%s", got.HookStatus, &s.log)
	}
	return got.HookStatus
}

// expect is answer with one answer only being right.
func (s *stage) expect(event, status, reason string) {
	s.Helper()
	if got := s.answer(event, reason); got != status {
		s.Errorf("the hook says %s and must say %s: %s", got, status, s.outcome.Reason)
	}
}

// use has the hook judge by the gate as it is now, and keep nothing.
func (s *stage) use(mode policy.Effect) {
	s.Helper()
	checker, err := gate.New(&gate.Rules{Gate: s.gate, Mode: mode}, &gate.Options{AllowFor: 1, DenyFor: -1})
	s.check(err)
	s.hook.Checker = checker
}

func TestAllowed(t *testing.T) {
	s := newStage(t)
	s.expect(s.deploy(s.signed, s.other), "SUCCEEDED", "is allowed, of 2")
	want := map[string]int{"ecs:DescribeServiceDeployments": 1, "ecs:DescribeServiceRevisions": 1, "ecs:DescribeTaskDefinition": 1}
	if diff := cmp.Diff(want, s.cloud.Calls()); diff != "" {
		t.Error(diff)
	}
	for i, c := range s.outcome.Containers {
		if c.Decision.Verdict != policy.Allow || c.Name != fmt.Sprintf("c%d", i+1) ||
			!strings.HasSuffix(c.Image, c.Decision.Subject.Digest.String()) {
			t.Errorf("container %+v: %v", c, c.Decision)
		}
	}
	if n := strings.Count(s.log.String(), "verdict=ALLOW"); n != 2 {
		t.Errorf("%d containers in the log:\n%s", n, &s.log)
	}

	// A digest beside a tag is what is pulled.
	name, digest, _ := strings.Cut(s.signed, "@")
	s.expect(s.deploy(name+":v2@"+digest), "SUCCEEDED", "is allowed, of 1")

	// One image in two containers is looked up once.
	s.requests.Store(0)
	s.expect(s.deploy(s.signed), "SUCCEEDED", "of 1")
	once := s.requests.Swap(0)
	s.expect(s.deploy(s.signed, s.signed), "SUCCEEDED", "of 2")
	if twice := s.requests.Load(); once == 0 || twice != once {
		t.Errorf("%d requests to the registry for one container, %d for two of the same image", once, twice)
	}
}

func TestRefused(t *testing.T) {
	s := newStage(t)
	name, digest, _ := strings.Cut(s.signed, "@")
	s.expect(s.deploy(s.bad), "FAILED", "container c1: no image signature: nothing is attached")
	s.expect(s.deploy(s.signed, s.bad), "FAILED", "container c2: no image signature")
	if d := s.outcome.Containers; len(d) != 2 || d[0].Decision.Verdict != policy.Allow ||
		!errors.Is(d[1].Decision.Err(), policy.ErrDenied) {
		t.Errorf("containers: %+v", d)
	}
	for _, image := range []string{
		name, name + ":v1", name + "@", name + "@sha256:abc", name + "@" + digest + "@" + digest,
		name + "@" + strings.ToUpper(digest), name + "@md5:d41d8cd98f00b204e9800998ecf8427e", "",
	} {
		s.requests.Store(0)
		s.expect(s.deploy(image), "FAILED", "is not named by digest")
		if err := s.outcome.Containers[0].Decision.Err(); !errors.Is(err, ecsgate.ErrNotPinned) || !errors.Is(err, policy.ErrDenied) {
			t.Errorf("%s: %v", image, err)
		}
		if n := s.requests.Load(); n != 0 {
			t.Errorf("%s: %d requests to the registry", image, n)
		}
	}

	// The container that others wait for is a container.
	s.expect(s.revise(types.TaskDefinition{Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{
		{Name: aws.String("migrate"), Image: &s.bad, Essential: aws.Bool(false)},
		{Name: aws.String("app"), Image: &s.signed, DependsOn: []types.ContainerDependency{
			{ContainerName: aws.String("migrate"), Condition: types.ContainerConditionSuccess}}},
	}}, nil), "FAILED", "container migrate: no image signature")

	// And so is one that only the revision has.
	event := s.revise(types.TaskDefinition{Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{
		{Name: aws.String("app"), Image: &s.signed},
	}}, []types.ContainerImage{{ContainerName: aws.String("proxy"), Image: &s.bad}})
	s.expect(event, "FAILED", "container proxy: no image signature")

	// Retry is for what could not be told, and one denial settles it.
	s.hook.Retry = time.Hour
	s.expect(s.deploy("127.0.0.1:1/away@"+digest, s.bad), "FAILED", "container c2: no image signature")
}

// What ECS says about one revision in two places must agree.
func TestContradictions(t *testing.T) {
	s := newStage(t)
	_, digest, _ := strings.Cut(s.other, "@")
	task := types.TaskDefinition{Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{
		{Name: aws.String("app"), Image: &s.signed},
	}}
	seen := func(image, digest *string) []types.ContainerImage {
		return []types.ContainerImage{{ContainerName: aws.String("app"), Image: image, ImageDigest: digest}}
	}
	_, own, _ := strings.Cut(s.signed, "@")
	s.expect(s.revise(task, seen(&s.signed, &own)), "SUCCEEDED", "is allowed")
	s.expect(s.revise(task, seen(&s.other, nil)), "FAILED", "the service revision runs")
	s.expect(s.revise(task, seen(&s.signed, &digest)), "FAILED", "is resolved to "+digest)
	if !errors.Is(s.outcome.Err, ecsgate.ErrMismatch) || !errors.Is(s.outcome.Err, policy.ErrIndeterminate) {
		t.Errorf("error %v", s.outcome.Err)
	}

	for operation, path := range map[string][2]string{
		"ecs:DescribeTaskDefinition":   {"taskDefinition", "taskDefinitionArn"},
		"ecs:DescribeServiceRevisions": {"serviceRevisions", "serviceRevisionArn"},
	} {
		event := s.deploy(s.signed)
		s.cloud.Edit(operation, ecstest.Edit{Reply: func(members map[string]any) {
			switch v := members[path[0]].(type) {
			case map[string]any:
				v[path[1]] = "arn:aws:ecs:us-east-1:111122223333:other"
			case []any:
				v[0].(map[string]any)[path[1]] = "arn:aws:ecs:us-east-1:111122223333:other"
			}
		}})
		s.expect(event, "FAILED", "ECS contradicts itself")
		s.cloud.Heal()
	}

	// A gate that resolves a name to something else has not judged what ECS will run.
	s.gate.Open = func(ctx context.Context, name string) (*policy.Image, error) { return open(ctx, s.other) }
	s.use(policy.Enforce)
	s.expect(s.deploy(s.signed), "FAILED", "got "+digest)
}

func TestRollback(t *testing.T) {
	s := newStage(t)
	for _, status := range types.ServiceDeploymentStatus("").Values() {
		s.state.Status = status
		want, reason := "FAILED", "container c1: "
		if status == types.ServiceDeploymentStatusRollbackInProgress || status == types.ServiceDeploymentStatusRollbackRequested {
			want, reason = "SUCCEEDED", "the deployment is being rolled back; otherwise: container c1: "
		}
		s.expect(s.deploy(s.bad), want, reason)
		s.expect(s.deploy("app:v1"), want, reason)
	}
	s.state.Status = types.ServiceDeploymentStatusRollbackInProgress
	s.expect(s.deploy(s.signed), "SUCCEEDED", "is allowed")
	s.broken.Store(true)
	s.expect(s.deploy(s.signed), "SUCCEEDED", "rolled back; otherwise: container c1: policy: no decision on ")
	s.cloud.Fail("ecs:DescribeServiceRevisions", ecstest.Denied)
	s.expect(s.deploy(s.signed), "SUCCEEDED", "rolled back; otherwise: looking up the service revision: ")

	// The event's weights say nothing: anybody's deployment has them while traffic shifts.
	s.cloud.Heal()
	s.broken.Store(false)
	s.state.Status = types.ServiceDeploymentStatusInProgress
	event := strings.Replace(s.deploy(s.bad), `"productionTrafficWeights":{}`, `"productionTrafficWeights":{"arn:aws:ecs:old":100}`, 1)
	s.expect(event, "FAILED", "no image signature")

	// A rollback that cannot be seen is none.
	s.state.Status = types.ServiceDeploymentStatusRollbackInProgress
	s.cloud.Fail("ecs:DescribeServiceDeployments", ecstest.Denied)
	s.expect(s.deploy(s.bad), "FAILED", "no image signature")
	if e := new(types.AccessDeniedException); !errors.As(s.outcome.Err, &e) {
		t.Errorf("error %v", s.outcome.Err)
	}
	s.cloud.Heal()
	s.cloud.Edit("ecs:DescribeServiceDeployments", ecstest.Edit{Reply: func(members map[string]any) {
		members["serviceDeployments"].([]any)[0].(map[string]any)["serviceDeploymentArn"] = deployment + "-of-another"
	}})
	s.expect(s.deploy(s.bad), "FAILED", "no image signature")
	if !errors.Is(s.outcome.Err, ecsgate.ErrMismatch) {
		t.Errorf("error %v", s.outcome.Err)
	}
}

func TestStages(t *testing.T) {
	s := newStage(t)
	bad := s.deploy(s.bad)
	for _, stage := range types.DeploymentLifecycleHookStage("").Values() {
		want, reason := "FAILED", "no image signature"
		if stage == types.DeploymentLifecycleHookStageReconcileService {
			want, reason = "SUCCEEDED", "nothing is decided at this stage"
		}
		s.cloud.ResetCalls()
		s.expect(strings.Replace(bad, "PRE_SCALE_UP", string(stage), 1), want, reason)
		if n := len(s.cloud.Calls()); (n == 0) != (want == "SUCCEEDED") {
			t.Errorf("%s: calls of %d operations", stage, n)
		}
		s.expect(strings.Replace(s.deploy(s.signed), "PRE_SCALE_UP", string(stage), 1), "SUCCEEDED", " ")
	}
	// A deployment's stages are of another enumeration: what has the name of one is judged as what nobody knows yet.
	for _, stage := range types.ServiceDeploymentLifecycleStage("").Values() {
		if hook := types.DeploymentLifecycleHookStage(stage); !slices.Contains(hook.Values(), hook) {
			s.expect(strings.Replace(bad, "PRE_SCALE_UP", string(stage), 1), "FAILED", "no image signature")
		}
	}
	// One that nobody knows yet may come before the tasks, too.
	s.expect(strings.Replace(bad, "PRE_SCALE_UP", "PRE_PRE_SCALE_UP", 1), "FAILED", "no image signature")
	s.expect(strings.Replace(s.deploy(s.signed), "PRE_SCALE_UP", "pre_scale_up", 1), "SUCCEEDED", "is allowed")
	s.expect(`{"lifecycleStage":"TEST_TRAFFIC_SHIFT"}`, "FAILED", "it has no resourceArn")
}

func TestMalformed(t *testing.T) {
	s := newStage(t)
	good := s.deploy(s.signed)
	for name, event := range map[string]string{
		"nothing":       "",
		"half":          good[:len(good)/2],
		"no stage":      strings.Replace(good, "lifecycleStage", "stage", 1),
		"no deployment": strings.Replace(good, "resourceArn", "resource", 1),
		"no revision":   strings.Replace(good, "targetServiceRevisionArn", "target", 1),
		"two revisions": strings.Replace(good, `"serviceArn"`, `"targetServiceRevisionArn":"arn:other","serviceArn"`, 1),
	} {
		s.expect(event, "FAILED", "not an event of ECS that can be answered")
		if !errors.Is(s.outcome.Err, ecsgate.ErrEvent) {
			t.Errorf("%s: error %v", name, s.outcome.Err)
		}
	}
	if calls := s.cloud.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestMissing(t *testing.T) {
	s := newStage(t)
	event := s.deploy(s.signed)
	s.expect(strings.Replace(event, "/1000000000000000000", "/2", 1), "FAILED", "service-revision/shop/web/2: MISSING")
	if !errors.Is(s.outcome.Err, ecsgate.ErrNotFound) {
		t.Errorf("error %v", s.outcome.Err)
	}
	service := s.cloud.PutService(cluster, types.Service{ServiceName: aws.String("web")})
	revise := func(task *string) string {
		return eventOf(service, s.cloud.PutServiceRevision(service, types.ServiceRevision{TaskDefinition: task}))
	}
	s.expect(revise(nil), "FAILED", "has no task definition")
	s.expect(revise(aws.String("web:999")), "FAILED", "Unable to describe task definition")
	s.expect(revise(aws.String("web:1")), "SUCCEEDED", "is allowed")
	s.expect(revise(aws.String("web")), "FAILED", "ECS contradicts itself") // whichever is the latest
	s.expect(s.deploy(), "FAILED", "has no containers")

	for operation, member := range map[string]string{"ecs:DescribeServiceRevisions": "serviceRevisions",
		"ecs:DescribeTaskDefinition": "taskDefinition"} {
		s.cloud.Edit(operation, ecstest.Edit{Reply: func(m map[string]any) { delete(m, member) }})
		s.expect(event, "FAILED", "not found in ECS")
		s.cloud.Heal()
	}
}

func eventOf(service, revision string) string { return event("PRE_SCALE_UP", service, revision) }

func TestUnavailable(t *testing.T) {
	s := newStage(t)
	good := s.deploy(s.signed)
	is := func(code string) {
		t.Helper()
		if e := smithy.APIError(nil); !errors.As(s.outcome.Err, &e) || e.ErrorCode() != code {
			t.Errorf("error %v, want the code %s", s.outcome.Err, code)
		}
	}
	once := ecstest.Throttled
	once.Times = 1 // the SDK gets over it
	for operation, what := range map[string]string{
		"ecs:DescribeServiceRevisions": "looking up the service revision",
		"ecs:DescribeTaskDefinition":   "looking up the task definition",
	} {
		s.cloud.Fail(operation, once)
		s.expect(good, "SUCCEEDED", "is allowed")
		s.cloud.Fail(operation, ecstest.Throttled)
		s.expect(good, "FAILED", what)
		is("ThrottlingException")
		s.cloud.Heal()
		s.cloud.Fail(operation, ecstest.Fault{Code: "AccessDeniedException"})
		s.expect(good, "FAILED", what)
		is("AccessDeniedException")
		s.cloud.Heal()
	}

	s.broken.Store(true)
	s.expect(good, "FAILED", "container c1: policy: no decision on ")
	if !errors.Is(s.outcome.Err, policy.ErrIndeterminate) || !errors.Is(s.outcome.Err, registry.ErrUnavailable) {
		t.Errorf("error %v", s.outcome.Err)
	}

	// With Retry, ECS is told to ask again, while the deployment is young.
	s.hook.Retry = 2 * time.Minute
	s.expect(good, "IN_PROGRESS", "container c1: policy: no decision on ")
	s.broken.Store(false)
	s.expect(good, "SUCCEEDED", "is allowed")
	s.broken.Store(true)
	s.hook.Now = func() time.Time { return started.Add(2 * time.Minute) }
	s.expect(good, "FAILED", "container c1: policy: no decision on ")
	s.hook.Now = nil // the present
	s.expect(good, "FAILED", "container c1: policy: no decision on ")
	s.hook.Retry = 100 * 365 * 24 * time.Hour
	s.expect(good, "IN_PROGRESS", "container c1: policy: no decision on ")
	s.state.StartedAt = nil // without an end there is no asking again
	s.expect(good, "FAILED", "container c1: policy: no decision on ")
	s.state.StartedAt = &started
	s.cloud.Fail("ecs:DescribeServiceDeployments", ecstest.Fault{Code: "ServerException"})
	s.expect(good, "FAILED", "looking up the deployment")
}

// A hook that runs out of time still answers, and ECS is still asked about the deployment.
func TestDeadline(t *testing.T) {
	s := newStage(t)
	good := s.deploy(s.signed)
	s.gate.Open = func(ctx context.Context, _ string) (*policy.Image, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.use(policy.Enforce)
	s.hook.Retry = time.Hour
	s.cloud.PutServiceDeployment("arn:aws:ecs:us-east-1:111122223333:service/shop/web", s.state)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	out, err := s.hook.Handle(ctx, json.RawMessage(good))
	if err != nil || string(out) != `{"hookStatus":"IN_PROGRESS","callBackDelay":30}` || ctx.Err() != nil {
		t.Errorf("answer %s, error %v, context %v", out, err, ctx.Err())
	}
	if !errors.Is(s.outcome.Err, gate.ErrDeadline) {
		t.Errorf("error %v", s.outcome.Err)
	}
	cancel()
	out, err = s.hook.Handle(ctx, json.RawMessage(good))
	if err != nil || string(out) != `{"hookStatus":"FAILED"}` {
		t.Errorf("after the end: answer %s, error %v", out, err)
	}
}

func TestZeroHook(t *testing.T) {
	s := newStage(t)
	good := s.deploy(s.signed)
	out, err := new(ecsgate.Hook).Handle(t.Context(), json.RawMessage(good))
	if err != nil || string(out) != `{"hookStatus":"FAILED"}` {
		t.Errorf("answer %s, error %v", out, err)
	}
	s.hook.Checker = nil
	s.expect(good, "FAILED", "the door has no checker")
}
