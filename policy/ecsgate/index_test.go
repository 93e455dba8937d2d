package ecsgate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
)

// twoPlatforms pushes an index of two images, of which one is signed, and signs the index if it is asked to. It returns its name by digest,
// and the digests of its images.
func (w *world) twoPlatforms(name string, signed bool) (index string, amd64, arm64 digest.Digest) {
	w.Helper()
	repo, err := registry.Open(w.registry.Host()+"/shop/"+name, nil)
	w.check(err)
	push := func(mediaType string, content any) ocispec.Descriptor {
		data, err := json.Marshal(content)
		w.check(err)
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		w.check(repo.Push(w.Context(), d, bytes.NewReader(data)))
		return d
	}
	list := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, architecture := range []string{"amd64", "arm64"} {
		config := push(ocispec.MediaTypeImageConfig, ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: architecture}})
		d := push(ocispec.MediaTypeImageManifest, ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config,
			Layers: []ocispec.Descriptor{},
		})
		if architecture == "amd64" {
			w.sign(repo, d)
		}
		d.Platform = &ocispec.Platform{OS: "linux", Architecture: architecture}
		list.Manifests = append(list.Manifests, d)
	}
	d := push(ocispec.MediaTypeImageIndex, list)
	w.check(repo.Tag(w.Context(), d, "v1"))
	if signed {
		w.sign(repo, d)
	}
	return repo.Name() + "@" + string(d.Digest), list.Manifests[0].Digest, list.Manifests[1].Digest
}

// An index is registered by its own signature, or by those of its images: which of them is the door's option, and an unsigned one among
// them is what is told. What ECS then runs, the one image, is judged likewise.
func TestIndexWithUnsignedImage(t *testing.T) {
	w := newWorld(t)
	signed, amd64, arm64 := w.twoPlatforms("signed-index", true)
	bare, bareAMD64, bareARM64 := w.twoPlatforms("bare-index", false)
	repository, _, _ := strings.Cut(bare, "@")
	for _, c := range []struct {
		name  string
		opts  gate.Options
		image string
		says  string // "" means that it is registered
	}{
		{"by the index, signed", gate.Options{}, signed, ""},
		{"by the index, unsigned", gate.Options{}, bare, "no image signature"},
		{"by the index, unsigned, by tag", gate.Options{}, repository + ":v1", "no image signature"},
		{"each, one is unsigned", gate.Options{Platforms: gate.PlatformsEach}, signed, "linux/arm64"},
		{"each, one is unsigned, and so is the index", gate.Options{Platforms: gate.PlatformsEach}, bare, "linux/arm64"},
		{"listed, the signed one", gate.Options{Platforms: gate.PlatformsListed, Listed: []string{"linux/amd64"}}, bare, ""},
		{"listed, the unsigned one", gate.Options{Platforms: gate.PlatformsListed, Listed: []string{"linux/arm64"}}, signed, "linux/arm64"},
		{"listed, none is there", gate.Options{Platforms: gate.PlatformsListed, Listed: []string{"linux/s390x"}}, signed, "linux/s390x"},
		{"the signed image of the unsigned index", gate.Options{}, repository + "@" + string(bareAMD64), ""},
		{"the unsigned image of the unsigned index", gate.Options{}, repository + "@" + string(bareARM64), "no image signature"},
	} {
		t.Run(c.name, func(t *testing.T) {
			checker, err := gate.New(&gate.Rules{Gate: w.gate}, &c.opts)
			w.check(err)
			w.hook.Checker = checker
			reg, err := w.registrar().Register(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("web"),
				ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &c.image}}})
			if c.says != "" {
				if !errors.Is(err, ecsgate.ErrRefused) || !strings.Contains(reg.Reason, c.says) || reg.Definition != "" {
					t.Errorf("%v, %+v", err, reg)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			d, _ := w.described(reg.Definition)
			if image := *d.ContainerDefinitions[0].Image; image != c.image {
				t.Errorf("%s was registered", image)
			}
		})
	}
	// A task that runs one image of the index which its definition names: by the index it is allowed, by each its own evidence counts.
	for _, c := range []struct {
		opts    gate.Options
		runs    digest.Digest
		verdict policy.Verdict
	}{
		{gate.Options{}, arm64, policy.Allow},
		{gate.Options{Platforms: gate.PlatformsEach}, amd64, policy.Allow},
		{gate.Options{Platforms: gate.PlatformsEach}, arm64, policy.Deny},
	} {
		checker, err := gate.New(&gate.Rules{Gate: w.gate}, &c.opts)
		w.check(err)
		w.hook.Checker = checker
		w.restart()
		w.outcomes = nil
		w.check(w.tasks.Handle(t.Context(), []byte(`{"detail-type":"ECS Task State Change","source":"aws.ecs","detail":{"taskArn":`+
			`"arn:aws:ecs:us-east-1:111122223333:task/elsewhere/1","clusterArn":"arn:aws:ecs:us-east-1:111122223333:cluster/elsewhere",`+
			`"version":1,`+
			`"lastStatus":"RUNNING","containers":[{"name":"app","image":"`+signed+`","imageDigest":"`+string(c.runs)+`"}]}}`)))
		if len(w.outcomes) != 1 || w.outcomes[0].Verdict != c.verdict {
			t.Errorf("%s of %v: %+v, want %v", c.runs, c.opts.Platforms, w.outcomes, c.verdict)
		}
	}
}
