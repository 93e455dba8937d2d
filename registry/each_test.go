package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

// pushIndexOf pushes an index of manifests that are there.
func pushIndexOf(t *testing.T, r *registry.Repository, name string, members ...registry.Descriptor) registry.Descriptor {
	t.Helper()
	data, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests:   members,
		Annotations: map[string]string{"name": name}})
	if err != nil {
		t.Fatal(err)
	}
	d := registry.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := r.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return d
}

// One call attaches to an index and to each of its images, once, or to nothing if something cannot be made.
func TestAttachEach(t *testing.T) {
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	remote, err := registry.Open(server.Host()+"/app", nil)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := registry.OpenLayout(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for kind, repo := range map[string]*registry.Repository{"registry": remote, "layout": layout} {
		t.Run(kind, func(t *testing.T) {
			platform := func(d registry.Descriptor, os, arch string) registry.Descriptor {
				d.Platform = &ocispec.Platform{OS: os, Architecture: arch}
				return d
			}
			amd64, arm64, deep := pushImage(t, repo, "amd64"), pushImage(t, repo, "arm64"), pushImage(t, repo, "deep")
			claim := platform(pushImage(t, repo, "claim"), "unknown", "unknown")
			claim.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest",
				"vnd.docker.reference.digest": amd64.Digest.String()}
			inner := pushIndexOf(t, repo, "inner", platform(deep, "linux", "s390x"), platform(amd64, "linux", "amd64"))
			index := pushIndexOf(t, repo, "outer", platform(amd64, "linux", "amd64"), platform(amd64, "windows", "amd64"),
				platform(arm64, "linux", "arm64"),
				claim, inner)
			want := []digest.Digest{amd64.Digest, arm64.Digest, deep.Digest, inner.Digest, index.Digest}

			refused := errors.New("the key is gone")
			var asked []digest.Digest
			attached, err := repo.AttachEach(t.Context(), index,
				func(_ context.Context, d registry.Descriptor) ([]registry.Descriptor, error) {
					if asked = append(asked, d.Digest); d.Digest == index.Digest {
						return nil, refused
					}
					return []registry.Descriptor{envelope("early")}, nil
				})
			if !errors.Is(err, refused) || attached != nil {
				t.Errorf("%v, %v", attached, err)
			}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Error(diff)
			}
			for _, d := range want {
				for e, err := range repo.Referrers(t.Context(),
					registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: d, Size: 1}) {
					t.Errorf("attached: %v, %v", e.Digest, err)
				}
			}

			attached, err = repo.AttachEach(t.Context(), index,
				func(_ context.Context, d registry.Descriptor) ([]registry.Descriptor, error) {
					if d.Digest == inner.Digest {
						return nil, nil
					}
					return []registry.Descriptor{envelope("one of " + d.Digest.String()), envelope("two of " + d.Digest.String())}, nil
				})
			if err != nil {
				t.Fatal(err)
			}
			var got []digest.Digest
			for _, d := range attached {
				got = append(got, d.Digest)
				var found []string
				for e, err := range repo.Evidence(t.Context(), d) {
					if err != nil {
						t.Fatal(err)
					}
					found = append(found, string(e.Data))
				}
				if len(found) != 2 {
					t.Errorf("%s has %q", d.Digest, found)
				}
			}
			if diff := cmp.Diff([]digest.Digest{amd64.Digest, arm64.Digest, deep.Digest, index.Digest}, got); diff != "" {
				t.Error(diff)
			}

			// An image is its own only subject, and what is not there is an error.
			attached, err = repo.AttachEach(t.Context(), deep, func(context.Context, registry.Descriptor) ([]registry.Descriptor, error) {
				return []registry.Descriptor{envelope("alone")}, nil
			})
			if err != nil || len(attached) != 1 || attached[0].Digest != deep.Digest {
				t.Errorf("%v, %v", attached, err)
			}
			gone := registry.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromString("gone"), Size: 4}
			if _, err := repo.AttachEach(t.Context(), gone, nil); !errors.Is(err, registry.ErrNotFound) {
				t.Error(err)
			}
			if kind == "registry" { // it takes long
				return
			}
			var many []registry.Descriptor
			for i := range 257 {
				many = append(many, pushImage(t, repo, fmt.Sprint("many ", i)))
			}
			if _, err := repo.AttachEach(t.Context(), pushIndexOf(t, repo, "many", many...), nil); !errors.Is(err, registry.ErrLimit) {
				t.Error(err)
			}
		})
	}
}
