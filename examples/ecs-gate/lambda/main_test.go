package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/examples/ecs-gate/internal/doors"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
)

func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		main() // this process is the function
	}
	os.Exit(m.Run())
}

// runtime is the part of Lambda that functions speak to: its runtime API, version 2018-06-01.
type runtime struct {
	events  chan string
	answers chan string
}

func (r *runtime) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	switch path := strings.TrimPrefix(q.URL.Path, "/2018-06-01/runtime/invocation/"); path {
	case "next":
		select {
		case event := <-r.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(30*time.Second).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:gate")
			io.WriteString(w, event)
		case <-q.Context().Done():
		}
	case "1/response":
		body, _ := io.ReadAll(q.Body)
		w.WriteHeader(http.StatusAccepted)
		r.answers <- string(body)
	default:
		body, _ := io.ReadAll(q.Body)
		w.WriteHeader(http.StatusAccepted)
		r.answers <- path + ": " + string(body)
	}
}

// The function as Lambda runs it: a process that asks for events.
func TestFunction(t *testing.T) {
	cloud := awstest.Start(t, nil)
	registry := registrytest.Start(nil)
	t.Cleanup(registry.Close)
	image, _ := push(t, registry.Host()+"/shop/app:v1")

	r := &runtime{make(chan string), make(chan string, 1)}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	id, secret := cloud.Credentials()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(),
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"), "AWS_ENDPOINT_URL="+cloud.URL(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_EC2_METADATA_DISABLED=true",
		"DOOR=hook", "SIGNING_PROFILES=arn:aws:signer:us-east-1:111122223333:/signing-profiles/release")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ event, answer string }{
		{deploy(cloud, image), `{"hookStatus":"FAILED"}`},
		{deploy(cloud, "app:v1"), `{"hookStatus":"FAILED"}`},
		{`{"lifecycleStage":"RECONCILE_SERVICE"}`, `{"hookStatus":"SUCCEEDED"}`},
		{`{"lifecycleStage":"POST_SCALE_UP","lifecycleStage":"PRE_SCALE_UP"}`, `{"hookStatus":"FAILED"}`},
	} {
		r.events <- tt.event
		select {
		case got := <-r.answers:
			if got != tt.answer {
				t.Errorf("%s\nis answered %s, want %s", tt.event, got, tt.answer)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("no answer")
		}
	}
	cancel()
	cmd.Wait()
	for _, want := range []string{"nothing is attached", "is not named by digest", "PRE_SCALE_UP comes before", "occurs twice"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, &log)
		}
	}
}

// What the function's hook lets pass, on an AWS with a root of its own.
func TestHook(t *testing.T) {
	cloud := awstest.Start(t, nil)
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	profile, version := cloud.CreateProfile(awstest.Profile{Name: "release"})
	name, image := push(t, server.Host()+"/shop/app:v1")
	client, err := awssigner.New(signer.NewFromConfig(cloud.Config()), profile)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := client.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	repo, err := registry.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(t.Context(), image, signature); err != nil {
		t.Fatal(err)
	}

	expect := func(want string, roots ...*x509.Certificate) {
		t.Helper()
		s := &doors.Settings{Profiles: []string{profile}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
		v := s.Verifier(cloud.Config())
		if roots != nil {
			v.SigningAuthority, v.AWSRoots = roots, roots
		}
		handler, err := s.Function("hook", cloud.Config(), v)
		if err != nil {
			t.Fatal(err)
		}
		handle := handler.(func(context.Context, json.RawMessage) (json.RawMessage, error))
		if got, err := handle(t.Context(), json.RawMessage(deploy(cloud, name))); err != nil || string(got) != want {
			t.Errorf("answer %s, error %v, want %s", got, err, want)
		}
	}
	expect(`{"hookStatus":"FAILED"}`) // by a root that is not AWS's
	expect(`{"hookStatus":"SUCCEEDED"}`, cloud.Root())
	cloud.Fail("signer:GetRevocationStatus", awstest.Unavailable)
	expect(`{"hookStatus":"FAILED"}`, cloud.Root())
	cloud.Heal()
	cloud.Revoke(version, time.Time{})
	expect(`{"hookStatus":"FAILED"}`, cloud.Root())
}

// push makes an image of nothing and returns its name by digest.
func push(t *testing.T, name string) (string, ocispec.Descriptor) {
	repo, err := registry.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	var image ocispec.Descriptor
	config := []byte(`{"architecture":"arm64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)
	for _, d := range []ocispec.Descriptor{
		{MediaType: ocispec.MediaTypeImageConfig, Data: config},
		{MediaType: ocispec.MediaTypeImageManifest,
			Data: fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
				ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, digest.FromBytes(config), len(config))},
	} {
		image = ocispec.Descriptor{MediaType: d.MediaType, Digest: digest.FromBytes(d.Data), Size: int64(len(d.Data))}
		if err := repo.Push(t.Context(), image, bytes.NewReader(d.Data)); err != nil {
			t.Fatal(err)
		}
	}
	return repo.Name() + "@" + image.Digest.String(), image
}

// deploy returns the event of a deployment of one image.
func deploy(cloud *awstest.Server, image string) string {
	service := cloud.ECS.PutService("shop", types.Service{ServiceName: aws.String("web")})
	revision := cloud.ECS.PutServiceRevision(
		service,
		types.ServiceRevision{TaskDefinition: aws.String(cloud.ECS.PutTaskDefinition(types.TaskDefinition{
			Family:               aws.String("web"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &image}},
		}))},
	)
	deployment := cloud.ECS.PutServiceDeployment(service, types.ServiceDeployment{})
	return fmt.Sprintf(`{"executionId":"1","lifecycleStage":"PRE_SCALE_UP","resourceArn":%q,
		"executionDetails":{"serviceArn":%q,"targetServiceRevisionArn":%q}}`, deployment, service, revision)
}

// A function that would refuse every image, or is no door, does not start, and says what it lacks.
func TestMisconfigured(t *testing.T) {
	const profile = "arn:aws:signer:us-east-1:111122223333:/signing-profiles/release"
	for name, c := range map[string]struct{ profiles, door, mode, family, want string }{
		"no profiles": {"", "hook", "", "", "SIGNING_PROFILES"},
		"a name":      {"release", "hook", "", "", "SIGNING_PROFILES"},
		"a pattern":   {"arn:aws:signer:us-east-1:111122223333:/signing-profiles/*", "hook", "", "", "SIGNING_PROFILES"},
		"no door":     {profile, "", "", "", "DOOR is"},
		"no mode":     {profile, "hook", "strict", "", "MODE: "},
		"no family":   {profile, "registrar", "", "", "family "},
		"any family":  {profile, "registrar", "", "gated", "family "},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(
			os.Environ(),
			"AWS_LAMBDA_RUNTIME_API=127.0.0.1:1",
			"AWS_REGION=us-east-1",
			"SIGNING_PROFILES="+c.profiles,
			"DOOR="+c.door,
			"MODE="+c.mode,
			"FAMILY="+c.family,
		)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "the function cannot start") || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

// Each door of the deployment is one.
func TestDoors(t *testing.T) {
	cloud := awstest.Start(t, nil)
	profile, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	s := &doors.Settings{Profiles: []string{profile}, Family: "gated-"}
	for _, door := range []string{"hook", "pauses", "task-events", "registrar"} {
		if f, err := s.Function(door, cloud.Config(), s.Verifier(cloud.Config())); f == nil || err != nil {
			t.Errorf("%s: %v", door, err)
		}
	}
}
