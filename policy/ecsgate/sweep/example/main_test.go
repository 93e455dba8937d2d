package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/ecsgate/sweep/internal/sweeptest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
)

// push puts an image into a registry and returns its name by digest.
func push(t *testing.T, key sign.Key, name, content string) string {
	t.Helper()
	repo, err := registry.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	put := func(mediaType string, data []byte) registry.Descriptor {
		d := registry.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if err := repo.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	config := put(ocispec.MediaTypeImageConfig,
		[]byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"x":"`+content+`"}`))
	manifest, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest, "config": config,
		"layers": []any{}})
	if err != nil {
		t.Fatal(err)
	}
	image := put(ocispec.MediaTypeImageManifest, manifest)
	if key != nil {
		e, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
		if err == nil {
			_, err = repo.Attach(t.Context(), image, e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return name + "@" + string(image.Digest)
}

// TestSweep sweeps an account of the stand-in with images of a real registry, by a policy document.
func TestSweep(t *testing.T) {
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := sign.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	good, bad := push(t, key, server.Host()+"/shop/good", "good"), push(t, nil, server.Host()+"/shop/bad", "bad")
	cloud := sweeptest.Start(t)
	region := cloud.Region("us-east-1")
	for family, image := range map[string]string{"gated-web": good, "web": bad} {
		arn := region.ECS.PutTaskDefinition(types.TaskDefinition{
			Family: aws.String(family), ContainerDefinitions: []types.ContainerDefinition{{
				Name: aws.String("app"), Image: aws.String(image), DockerLabels: map[string]string{ecsgate.LabelProposed: image},
			}},
		})
		_, sum, _ := strings.Cut(image, "@")
		region.ECS.PutTask("production",
			types.Task{TaskDefinitionArn: &arn, Group: aws.String("family:" + family), Containers: []types.Container{
				{Name: aws.String("app"), Image: aws.String(image), ImageDigest: &sum},
			}})
	}
	region.Functions = []sweeptest.Function{{Name: "f", Version: "1", PackageType: "Image", ImageURI: good, ResolvedImageURI: good}}
	document := filepath.Join(t.TempDir(), "policy.yaml")
	write(t, document, fmt.Sprintf(`version: 1
name: shop
serial: 1
trust:
  - name: release team
    key: |
      %s
gates:
  sweep: {mode: deny}
images:
  - name: ours
    match: [%q]
    require:
      - name: signed
        signature: {by: [release team]}
`, strings.ReplaceAll(strings.TrimSpace(string(public)), "\n", "\n      "), server.Host()+"/**"))

	stand := func(context.Context, string) (aws.Config, error) { return cloud.Config(), nil }
	var out, log bytes.Buffer
	if status := run(t.Context(), []string{"-policy", document, "-families", "gated-*"}, &out, &log, stand); status != 1 {
		t.Errorf("status %d: %s%s", status, log.String(), out.String())
	}
	for _, part := range []string{
		"✗ ecs us-east-1, task family:web, cluster production, definition web:1,", "✗ denied: ", "not-gated: its family is web",
		"✓ " + server.Host() + "/shop/good@sha256:", ", 2 times", "release team", "came around the gate: 2 problems, 0 gaps, 0",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, out.String())
		}
	}
	const progress = "tasks of arn:aws:ecs:us-east-1:111122223333:cluster/production: list 4 of 16, 2 seen, of 2 tasks"
	if !strings.Contains(log.String(), progress) {
		t.Errorf("progress:\n%s", log.String())
	}
	for format := range maps.Keys(formats) {
		out.Reset()
		if status := run(t.Context(), []string{"-policy", document, "-format", format, "-services", "lambda"}, &out, &log,
			stand); status != 0 || out.Len() == 0 {
			t.Errorf("%s: status %d, %d bytes", format, status, out.Len())
		}
	}
	log.Reset()
	for _, args := range [][]string{
		{"-policy", "no-such-file"}, {"-format", "xml"}, {"-unknown"}, {"-policy", document, "-services", "s3"},
		{"-policy", document, "extra"},
	} {
		if status := run(t.Context(), args, &out, &log, stand); status != failed {
			t.Errorf("%q: status %d", args, status)
		}
	}
	broken := func(context.Context, string) (aws.Config, error) { return aws.Config{}, errors.New("no such profile") }
	if status := run(t.Context(), nil, &out, &log, broken); status != failed || !strings.Contains(log.String(), "no such profile") {
		t.Errorf("status %d: %s", status, log.String())
	}
	permissions(t, region.Calls())
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// permissions makes sure that iam.json lists what a sweep calls.
func permissions(t *testing.T, calls map[string]int) {
	t.Helper()
	data, err := os.ReadFile("iam.json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal(data, &p); err != nil || len(p.Statement) != 1 {
		t.Fatal(err)
	}
	actions := p.Statement[0].Action
	if !slices.IsSorted(actions) {
		t.Error("iam.json is not sorted")
	}
	for operation := range calls {
		if !slices.Contains(actions, operation) {
			t.Errorf("iam.json lacks %s, which a sweep calls", operation)
		}
	}
	if slices.ContainsFunc(actions, func(a string) bool { return strings.Contains(a, "*") }) {
		t.Error("iam.json has a wildcard")
	}
}
