package registry_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func blobFile(dir string, d registry.Descriptor) string {
	return filepath.Join(dir, "blobs", d.Digest.Algorithm().String(), d.Digest.Encoded())
}

// A manifest that cannot be read may be evidence, so it is an error and not a shorter list.
func TestDamagedLayout(t *testing.T) {
	for name, tt := range map[string]struct {
		damage func(file string, d registry.Descriptor) error
		want   error
	}{
		"other bytes": {func(f string, d registry.Descriptor) error { return os.WriteFile(f, make([]byte, d.Size), 0o644) }, registry.ErrDigest},
		"shorter":     {func(f string, d registry.Descriptor) error { return os.WriteFile(f, nil, 0o644) }, registry.ErrDigest},
		"longer":      {func(f string, d registry.Descriptor) error { return os.WriteFile(f, make([]byte, d.Size+1), 0o644) }, registry.ErrDigest},
		"not there":   {func(f string, d registry.Descriptor) error { return os.Remove(f) }, registry.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			dir, image := newLayout(t)
			repo := reopen(t, dir)
			attached, err := repo.Attach(t.Context(), image, content("one"))
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.damage(blobFile(dir, attached[0]), attached[0]); err != nil {
				t.Fatal(err)
			}
			var errs []error
			for _, err := range repo.Evidence(t.Context(), image) {
				errs = append(errs, err)
			}
			if err := errors.Join(errs...); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			// Attaching again mends it.
			if _, err := repo.Attach(t.Context(), image, content("one")); err == nil {
				if diff := cmp.Diff([]string{"one"}, texts(t, repo, image)); diff != "" {
					t.Error(diff)
				}
			} else {
				t.Error(err)
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		dir, image := newLayout(t)
		index := fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, image.MediaType, image.Digest, int64(1)<<40)
		if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(index), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, err := range reopen(t, dir).Referrers(t.Context(), image) {
			if !errors.Is(err, registry.ErrLimit) {
				t.Error(err)
			}
		}
	})
}

// A tag that moves leaves what it pointed to where its digest finds it, and never twice.
func TestLayoutTagMoves(t *testing.T) {
	dir, first := newLayout(t)
	repo := reopen(t, dir)
	second := pushImage(t, repo, "second")
	for _, d := range []registry.Descriptor{second, first, second, second} {
		if err := repo.Tag(t.Context(), d, "v1"); err != nil {
			t.Fatal(err)
		}
		if got, err := repo.Resolve(t.Context(), "v1"); err != nil || got.Digest != d.Digest {
			t.Errorf("v1 is %v, %v", got, err)
		}
		for _, d := range []registry.Descriptor{first, second} {
			if _, err := repo.Resolve(t.Context(), d.Digest.String()); err != nil {
				t.Error(err)
			}
		}
	}
	if err := repo.Tag(t.Context(), second, "v2"); err != nil {
		t.Fatal(err)
	}
	if err := repo.Tag(t.Context(), first, "v1"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(data, []byte(second.Digest)); n != 1 {
		t.Errorf("%d entries for what has one tag:\n%s", n, data)
	}
}

// An index says what it is, whatever a registry says of it.
func TestChildrenGoByContent(t *testing.T) {
	dir, image := newLayout(t)
	repo := reopen(t, dir)
	index := push(t, repo, ocispec.MediaTypeImageIndex, fmt.Appendf(nil,
		`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d},{"mediaType":%[1]q,"digest":%[2]q,"size":%[3]d,"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}]}`,
		image.MediaType, image.Digest, image.Size))
	index.MediaType = ocispec.MediaTypeImageManifest
	children, err := repo.Children(t.Context(), index)
	if err != nil || len(children) != 1 || children[0].Digest != image.Digest {
		t.Errorf("%v, %v", children, err)
	}
	if children, err := repo.Children(t.Context(), image); err != nil || len(children) != 0 {
		t.Errorf("of an image: %v, %v", children, err)
	}
	neither := push(t, repo, ocispec.MediaTypeImageManifest, []byte(`{"schemaVersion":1}`))
	if _, err := repo.Children(t.Context(), neither); !errors.Is(err, registry.ErrMalformed) {
		t.Errorf("of neither: %v", err)
	}
	if slices.ContainsFunc(children, func(d registry.Descriptor) bool { return d.Annotations["vnd.docker.reference.type"] != "" }) {
		t.Error("an attestation manifest is a child")
	}
}
