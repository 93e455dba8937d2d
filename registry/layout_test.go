package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
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
		"other bytes": {func(f string, d registry.Descriptor) error { return os.WriteFile(f, make([]byte, d.Size), 0o644) },
			registry.ErrDigest},
		"shorter": {func(f string, d registry.Descriptor) error { return os.WriteFile(f, nil, 0o644) }, registry.ErrDigest},
		"longer": {func(f string, d registry.Descriptor) error { return os.WriteFile(f, make([]byte, d.Size+1), 0o644) },
			registry.ErrDigest},
		"not there": {func(f string, d registry.Descriptor) error { return os.Remove(f) }, registry.ErrNotFound},
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
		index := fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, image.MediaType, image.Digest,
			int64(1)<<40)
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

// To open a layout makes none: a name that is mistyped leaves nothing behind. The first content does.
func TestNoLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "typo")
	repo := reopen(t, dir)
	image := content("one")
	if _, err := repo.Resolve(t.Context(), "v1"); !errors.Is(err, registry.ErrNotFound) || !strings.Contains(err.Error(), "no layout") {
		t.Errorf("got %v, want that there is no layout", err)
	}
	if got := texts(t, repo, image); len(got) > 0 {
		t.Errorf("evidence %q of nothing", got)
	}
	for d, err := range repo.Referrers(t.Context(), image) {
		t.Errorf("a referrer of nothing: %v, %v", d, err)
	}
	backend, err := registry.Layout(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := backend.(interface {
		Delete(context.Context, registry.Descriptor) error
	}).Delete(t.Context(), image); err != nil {
		t.Errorf("what is not there is deleted: %v", err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("reading or deleting made %s: %v", dir, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.OpenLayout(file); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "it is a file") {
		t.Errorf("a file in the layout's place: %v", err)
	}
	image = pushImage(t, repo, "app")
	if _, err := repo.Attach(t.Context(), image, content("two")); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, reopen(t, dir), image); len(got) != 1 || got[0] != "two" {
		t.Errorf("evidence %q, want one", got)
	}
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
		`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, image.MediaType, image.Digest, image.Size))
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
}

// What BuildKit says of a platform can be read, and is neither a platform nor evidence. What a runtime may choose is a
// platform, whatever it is annotated with.
func TestBuildKitAttestations(t *testing.T) {
	for name, start := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := start(t)()
			amd, arm := pushImage(t, repo, "amd64"), pushImage(t, repo, "arm64")
			amd.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
			arm.Platform = &ocispec.Platform{OS: "linux", Architecture: "arm64"}
			// As docker buildx build --provenance --sbom lays it out.
			attestation := func(about registry.Descriptor, statements ...string) registry.Descriptor {
				m := ocispec.Manifest{
					Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
					Config: push(t, repo, ocispec.MediaTypeImageConfig,
						[]byte(`{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers"}}`)),
				}
				for _, s := range statements {
					l := push(t, repo, "application/vnd.in-toto+json", []byte(s))
					l.Annotations = map[string]string{"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
					m.Layers = append(m.Layers, l)
				}
				d := push(t, repo, m.MediaType, asJSON(t, m))
				d.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
				d.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest",
					"vnd.docker.reference.digest": about.Digest.String()}
				return d
			}
			disguised := pushImage(t, repo, "disguised")
			disguised.Platform = &ocispec.Platform{OS: "linux", Architecture: "s390x"}
			disguised.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest",
				"vnd.docker.reference.digest": amd.Digest.String()}
			anyPlatform := pushImage(t, repo, "any platform")
			anyPlatform.Annotations = disguised.Annotations
			index := push(t, repo, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
				Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []registry.Descriptor{
					amd, arm, attestation(amd, "provenance of amd64", "SBOM of amd64"), attestation(arm, "provenance of arm64"), disguised,
					anyPlatform,
				}}))
			children, err := repo.Children(t.Context(), index)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []digest.Digest
			for _, c := range children {
				got = append(got, c.Digest)
			}
			for _, c := range []registry.Descriptor{amd, arm, disguised, anyPlatform} {
				want = append(want, c.Digest)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			for _, platform := range children {
				var claims []string
				for d, err := range repo.Claims(t.Context(), index, platform) {
					if err != nil || digest.FromBytes(d.Data) != d.Digest || d.Annotations["in-toto.io/predicate-type"] == "" {
						t.Fatalf("%+v, %v", d, err)
					}
					claims = append(claims, string(d.Data))
				}
				want := map[digest.Digest][]string{amd.Digest: {"provenance of amd64", "SBOM of amd64"},
					arm.Digest: {"provenance of arm64"}}[platform.Digest]
				if diff := cmp.Diff(want, claims); diff != "" {
					t.Error(diff)
				}
				if got := texts(t, repo, platform); len(got) != 0 {
					t.Errorf("evidence: %q", got)
				}
			}
			for d, err := range repo.Claims(t.Context(), amd, amd) {
				t.Errorf("an image makes claims: %v, %v", d, err)
			}
		})
	}
}

// A layout that others wrote: only the index is in index.json, and a referrer only in the fallback index, as regctl
// keeps it. Both are found, with what we attach beside it.
func TestLayoutOfOthers(t *testing.T) {
	dir, image := newLayout(t)
	repo := reopen(t, dir)
	attached, err := repo.Attach(t.Context(), image, content("theirs"))
	if err != nil {
		t.Fatal(err)
	}
	index := push(t, repo, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []registry.Descriptor{image}}))
	fallback := push(t, repo, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: attached}))
	fallback.Annotations = map[string]string{ocispec.AnnotationRefName: tagOf(image, "")}
	index.Annotations = map[string]string{ocispec.AnnotationRefName: "v1"}
	file := filepath.Join(dir, "index.json")
	if err := os.WriteFile(file, asJSON(t, ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2},
		Manifests: []registry.Descriptor{index, fallback}}), 0o644); err != nil {
		t.Fatal(err)
	}
	repo = reopen(t, dir)
	for _, want := range []registry.Descriptor{image, index, attached[0]} {
		got, err := repo.Resolve(t.Context(), want.Digest.String())
		if err != nil || got.Digest != want.Digest || got.MediaType != want.MediaType || got.Size != want.Size {
			t.Errorf("%s is %+v, %v", want.Digest, got, err)
		}
	}
	if d, err := repo.Resolve(t.Context(), digest.FromString("theirs").String()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a blob is a manifest: %v, %v", d, err)
	}
	if diff := cmp.Diff([]string{"theirs"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
	if _, err := repo.Attach(t.Context(), image, content("ours")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ours", "theirs"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
	if err := repo.Delete(t.Context(), image, attached[0]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ours"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
}

// Whoever asks for cosign's tags in a directory gets what is there.
func TestCosignTagsOfLayout(t *testing.T) {
	dir, image := newLayout(t)
	if err := reopen(t, dir).AttachCosign(t.Context(), image, simpleSigning("payload", "c2ln")); err != nil {
		t.Fatal(err)
	}
	backend, err := registry.Layout(dir)
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[bool]int{false: 0, true: 1} {
		n := 0
		for _, err := range registry.New(backend, &registry.Options{CosignTags: asked}).Evidence(t.Context(), image) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != want {
			t.Errorf("asked %v: %d, want %d", asked, n, want)
		}
	}
}

// A context that is over ends what a directory is asked for, and never makes it look empty.
func TestLayoutCanceled(t *testing.T) {
	dir, image := newLayout(t)
	repo := reopen(t, dir)
	texts(t, repo, image) // so that the listing needs no file
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, resolve := repo.Resolve(ctx, "v1")
	_, fetch := repo.Fetch(ctx, image)
	_, attach := repo.Attach(ctx, image, content("one"))
	_, copying := registry.Copy(ctx, reopen(t, t.TempDir()), repo, "v1", nil)
	list := errors.New("no error")
	for _, err := range repo.Evidence(ctx, image) {
		list = err
	}
	for what, err := range map[string]error{"resolve": resolve, "fetch": fetch, "attach": attach, "copy": copying, "list": list} {
		if !errors.Is(err, registry.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
