package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/examples/ecs-gate/internal/doors"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
)

const (
	cluster  = "shop"
	function = "arn:aws:lambda:us-east-1:111122223333:function:lading-hook"
)

// A workshop is an account with the doors, a pipeline that signs, and somebody who deploys past it.
type workshop struct {
	w           io.Writer
	cloud       *awstest.Server
	client      *ecs.Client
	notary      sign.Signer
	registrar   *ecsgate.Registrar
	repository  string
	signed, bad string // images by digest

	hook   *ecsgate.Outcome // of the attack that is under way
	steps  []string         // that were taken against it, each once
	why    string
	errors []error
}

// tour deploys an image that was signed, and then one that was not, in every way there is.
func tour(ctx context.Context, w io.Writer) error {
	fmt.Fprintln(w, "Lading: who stops an image that is deployed straight to ECS?")
	server := registrytest.Start(nil)
	defer server.Close()
	cloud, err := awstest.New(&awstest.Options{Digest: pulled})
	if err != nil {
		return err
	}
	defer cloud.Close()
	s := &workshop{w: w, cloud: cloud, client: ecs.NewFromConfig(cloud.Config()), repository: server.Host() + "/shop/web"}
	if err := s.setUp(ctx); err != nil {
		return err
	}
	if err := s.pipeline(ctx); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n3  Past it   somebody gives the same cluster an image that nobody signed\n\n")
	for _, a := range s.attacks() {
		if err := s.attack(ctx, a); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	running := 0
	for _, t := range cloud.ECS.Tasks() {
		if aws.ToString(t.Group) == "service:web" && *t.LastStatus == "RUNNING" &&
			strings.HasSuffix(s.signed, *t.Containers[0].ImageDigest) {
			running++
		}
	}
	fmt.Fprintf(w, "\n   The pipeline's image runs in %d tasks, as it did before.\n", running)
	if running != 2 || len(s.errors) > 0 {
		return fmt.Errorf("2 tasks should run; %v", s.errors)
	}
	return nil
}

// pulled is what pulling an image gives: what the registry has under the name now.
func pulled(name string) (string, error) {
	repo, err := registry.Open(name, nil)
	if err != nil {
		return "", err
	}
	image, err := repo.Resolve(context.Background(), "")
	return string(image.Digest), err
}

// setUp puts the doors up.
func (s *workshop) setUp(ctx context.Context) error {
	fmt.Fprintf(s.w, "\n1  Doors     a registrar, a hook, and task events, as deploy/ sets them up\n")
	profile, _ := s.cloud.CreateProfile(awstest.Profile{Name: "release"})
	settings := &doors.Settings{Profiles: []string{profile}, StopIn: []string{cluster}, Family: "gated-"}
	cfg := s.cloud.Config()
	v := settings.Verifier(cfg)
	v.SigningAuthority, v.AWSRoots = []*x509.Certificate{s.cloud.Root()}, []*x509.Certificate{s.cloud.Root()}
	checker, err := settings.Checker(cfg, v)
	if err != nil {
		return err
	}
	hook, tasks := settings.Hook(s.client, checker), settings.Tasks(s.client, checker)
	hook.Now, tasks.Now = s.cloud.ECS.Now, s.cloud.ECS.Now
	hook.Observe = func(_ context.Context, o *ecsgate.Outcome) { s.hook = o }
	tasks.Observe = func(_ context.Context, o *ecsgate.TaskOutcome) {
		for _, step := range o.Steps {
			if !step.Done || o.Repeated {
				continue
			}
			if s.why = o.Reason; !slices.Contains(s.steps, step.Action) {
				s.steps = append(s.steps, step.Action)
			}
		}
	}
	s.registrar = settings.Registrar(s.client, checker)
	s.cloud.ECS.PutCluster(cluster)
	s.cloud.ECS.Function(function, hook.Handle)
	s.cloud.ECS.Subscribe(func(ctx context.Context, event json.RawMessage) error {
		err := tasks.Handle(ctx, event)
		if err != nil {
			s.errors = append(s.errors, err)
		}
		return err
	}, ecstest.TaskStateChange, ecstest.DaemonDeploymentStateChange)
	s.notary, err = awssigner.New(signer.NewFromConfig(cfg), profile)
	return err
}

// pipeline builds, signs and deploys.
func (s *workshop) pipeline(ctx context.Context) error {
	fmt.Fprintf(s.w, "\n2  Pipeline  builds, has AWS Signer sign, proposes to the registrar, deploys\n\n")
	var err error
	if s.signed, err = s.push(ctx, "web", true); err != nil {
		return err
	}
	if s.bad, err = s.push(ctx, "something else", false); err != nil {
		return err
	}
	tag := s.repository + ":v1"
	reg, err := s.registrar.Register(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &tag}}})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.w, "   registrar  %s is registered as %s\n", tag, short(reg.Definition))
	if err := s.serve(ctx, "web", reg.Definition, hooked()); err != nil {
		return err
	}
	fmt.Fprintf(s.w, "   hook       %s: %s\n", s.hook.Status, s.hook.Reason)
	// A service from before the gate, which names a tag and has no hook.
	old, err := s.define(ctx, "old", tag)
	if err != nil {
		return err
	}
	return s.serve(ctx, "old", old, nil)
}

var longDigest = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)

// folded breaks a text between words into indented lines of at most 80 columns, with digests abbreviated.
func folded(text string) string {
	const indent = "             "
	var out, line strings.Builder
	for _, word := range strings.Fields(longDigest.ReplaceAllString(text, "$1...")) {
		if line.Len() > 0 && len(indent)+line.Len()+1+len(word) > 80 {
			out.WriteString(indent + line.String() + "\n")
			line.Reset()
		}
		if line.Len() > 0 {
			line.WriteByte(' ')
		}
		line.WriteString(word)
	}
	return out.String() + indent + line.String() + "\n"
}

func short(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func hooked() *types.DeploymentConfiguration {
	return &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, LifecycleHooks: []types.DeploymentLifecycleHook{{
		HookTargetArn: aws.String(function), RoleArn: aws.String("arn:aws:iam::111122223333:role/lading-hook-invoker"),
		LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePreScaleUp},
	}}}
}

func (s *workshop) serve(ctx context.Context, name, definition string, config *types.DeploymentConfiguration) error {
	_, err := s.client.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String(
			cluster,
		), ServiceName: &name, TaskDefinition: &definition, DesiredCount: aws.Int32(2), DeploymentConfiguration: config})
	s.cloud.ECS.Advance(time.Minute)
	return err
}

func (s *workshop) define(ctx context.Context, family, image string) (string, error) {
	out, err := s.client.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: &family, ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &image}}})
	if err != nil {
		return "", err
	}
	return *out.TaskDefinition.TaskDefinitionArn, nil
}

// push makes an image, with the tag v1 if it is signed, and hotfix if not.
func (s *workshop) push(ctx context.Context, content string, signed bool) (string, error) {
	repo, err := registry.Open(s.repository, nil)
	if err != nil {
		return "", err
	}
	config := fmt.Appendf(
		nil,
		`{"architecture":"amd64","os":"linux","config":{"Cmd":[%q]},"rootfs":{"type":"layers","diff_ids":[]}}`,
		content,
	)
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
		ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, digest.FromBytes(config), len(config))
	var image ocispec.Descriptor
	for mediaType, data := range map[string][]byte{ocispec.MediaTypeImageConfig: config, ocispec.MediaTypeImageManifest: manifest} {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if err := repo.Push(ctx, d, bytes.NewReader(data)); err != nil {
			return "", err
		}
		if mediaType == ocispec.MediaTypeImageManifest {
			image = d
		}
	}
	name := s.repository + "@" + string(image.Digest)
	if !signed {
		return name, repo.Tag(ctx, image, "hotfix")
	}
	signature, err := s.notary.Sign(ctx, sign.About(image, sign.ImageSignature{}))
	if err != nil {
		return "", err
	}
	if _, err := repo.Attach(ctx, image, signature); err != nil {
		return "", err
	}
	return name, repo.Tag(ctx, image, "v1")
}
