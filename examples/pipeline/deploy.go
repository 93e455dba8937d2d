package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/signer"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/sign"
)

// deployments try to get images into a service of ECS, good ones and others.
type deployments struct {
	*flow
	cloud   *awstest.Server
	client  *signer.Client
	version string // of the profile, an ARN
	hook    *ecsgate.Hook
}

func (d *deployments) run(ctx context.Context) error {
	d.p.step("Deploy", "ECS asks the hook about each deployment, before the first task starts")
	var outcome *ecsgate.Outcome
	d.hook = &ecsgate.Hook{
		Client:  ecs.NewFromConfig(d.cloud.Config()),
		Observe: func(_ context.Context, o *ecsgate.Outcome) { outcome = o },
	}
	if err := d.use(); err != nil {
		return err
	}
	for _, deployment := range []struct {
		what   string
		want   ecsgate.Status
		images func(context.Context) ([]string, error)
	}{
		{"the image, by digest", ecsgate.Succeeded, d.good},
		{"the image, by tag", ecsgate.Failed, d.byTag},
		{"a direct deployment, of an image that went around the pipeline", ecsgate.Failed, d.around},
		{"the image, and a sidecar that nobody signed", ecsgate.Failed, d.unsigned},
		{"an image signed with a profile that is not trusted", ecsgate.Failed, d.otherProfile},
		{"the image, after AWS Signer revoked what signed it", ecsgate.Failed, d.revoked},
	} {
		images, err := deployment.images(ctx)
		if err != nil {
			return fmt.Errorf("setting up %q: %w", deployment.what, err)
		}
		event, err := d.deploy(images)
		if err != nil {
			return err
		}
		if _, err := d.hook.Handle(ctx, event); err != nil {
			return err
		}
		reason, _, _ := strings.Cut(outcome.Reason, "; ") // the first will do
		d.p.put(fmt.Sprintf("   %-10s", outcome.Status), deployment.what)
		d.p.put(strings.Repeat(" ", 15), reason)
		if outcome.Status != deployment.want {
			return fmt.Errorf("%s: the hook says %s, and must say %s", deployment.what, outcome.Status, deployment.want)
		}
	}
	return nil
}

// deploy makes a revision of a service and returns the event that ECS tells hooks of it.
func (d *deployments) deploy(images []string) (json.RawMessage, error) {
	task := types.TaskDefinition{Family: aws.String("web")}
	for i, image := range images {
		task.ContainerDefinitions = append(task.ContainerDefinitions, types.ContainerDefinition{
			Name: aws.String([]string{"app", "sidecar"}[i]), Image: &image,
		})
	}
	service := d.cloud.ECS.PutService("shop", types.Service{ServiceName: aws.String("web")})
	revision := d.cloud.ECS.PutServiceRevision(service,
		types.ServiceRevision{TaskDefinition: aws.String(d.cloud.ECS.PutTaskDefinition(task))})
	return json.Marshal(map[string]any{
		"executionId":      "a635edb5-a66b-4f44-bf3f-fcee4b3641a5",
		"lifecycleStage":   "PRE_SCALE_UP",
		"resourceArn":      d.cloud.ECS.PutServiceDeployment(service, types.ServiceDeployment{}),
		"executionDetails": map[string]any{"serviceArn": service, "targetServiceRevisionArn": revision},
	})
}

func (d *deployments) good(context.Context) ([]string, error) { return []string{d.pinned()}, nil }

func (d *deployments) byTag(context.Context) ([]string, error) {
	return []string{d.repo.Name() + ":v1"}, nil
}

func (d *deployments) around(ctx context.Context) ([]string, error) {
	image, err := pushImage(ctx, d.repo, "", append(slices.Clone(d.program), 9))
	return []string{d.repo.Name() + "@" + image.Digest.String()}, err
}

func (d *deployments) unsigned(ctx context.Context) ([]string, error) {
	image, err := pushImage(ctx, d.repo, "", append(slices.Clone(d.program), 1))
	return []string{d.pinned(), d.repo.Name() + "@" + image.Digest.String()}, err
}

func (d *deployments) otherProfile(ctx context.Context) ([]string, error) {
	profile, _ := d.cloud.CreateProfile(awstest.Profile{Name: "release2"}) // the trusted one's name and a bit more
	other, err := byProfile(d.client, profile, nil)
	if err != nil {
		return nil, err
	}
	image, err := pushImage(ctx, d.repo, "", append(slices.Clone(d.program), 2))
	if err != nil {
		return nil, err
	}
	return []string{d.repo.Name() + "@" + image.Digest.String()}, other.attach(ctx, d.repo, image, sign.ImageSignature{})
}

func (d *deployments) revoked(context.Context) ([]string, error) {
	d.cloud.Revoke(d.version, time.Time{})
	// one believes for ten minutes what AWS Signer answered
	by, err := byProfile(d.client, d.seal.trusts, []*x509.Certificate{d.cloud.Root()})
	if err != nil {
		return nil, err
	}
	before := d.seal
	d.seal = by
	err = d.use()
	d.seal = before
	return []string{d.pinned()}, err
}

// use has the hook judge by a gate that remembers nothing.
func (d *deployments) use() (err error) {
	d.hook.Checker, err = gate.New(&gate.Rules{Gate: d.gate()}, nil)
	return err
}
