package catalog

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
)

// Layouts as real tools write them, with signatures, SBOMs and lists of them beside one image: that is found, and alone.
func TestImagesOfRealLayouts(t *testing.T) {
	files, err := filepath.Glob("../../registry/testdata/layouts/*.tar.gz")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d layouts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			const image = digest.Digest("sha256:940a74785e3fe304af61d17d2642d13082105211e4889d15bb32ae57b9d6d322")
			for _, d := range src.Images {
				if d.Digest != image {
					t.Errorf("%+v is no image", d)
				}
			}
			if d, err := src.Find("", ocispec.Platform{}); err != nil || d.Digest != image {
				t.Errorf("found %v, %v", d.Digest, err)
			}
			if d, err := src.Find("registry.example/app@"+image.String(), ocispec.Platform{}); err != nil || d.Digest != image {
				t.Errorf("by digest: %v, %v", d.Digest, err)
			}
		})
	}
}

// others adds what lies beside images: signatures of three formats, an SBOM, and lists of them.
func (b *built) others(t testing.TB) map[string]ocispec.Descriptor {
	t.Helper()
	payload := b.add("application/vnd.dev.cosign.simplesigning.v1+json", []byte(`{"critical":{}}`))
	empty := b.add(ocispec.MediaTypeEmptyJSON, []byte(`{}`))
	config := b.add(ocispec.MediaTypeImageConfig,
		[]byte(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["`+payload.Digest.String()+`"]}}`))
	manifest := func(m ocispec.Manifest) ocispec.Descriptor {
		m.SchemaVersion, m.MediaType = 2, ocispec.MediaTypeImageManifest
		return b.add(m.MediaType, marshal(t, m))
	}
	image := b.root
	all := map[string]ocispec.Descriptor{
		"cosign's tag": manifest(ocispec.Manifest{Config: config, Layers: []ocispec.Descriptor{payload}}),
		"a referrer": manifest(ocispec.Manifest{Config: empty, ArtifactType: payload.MediaType, Layers: []ocispec.Descriptor{payload},
			Subject: &image}),
		"like an image": manifest(ocispec.Manifest{Config: config, Layers: []ocispec.Descriptor{payload}, Subject: &image}),
		"without subject": manifest(ocispec.Manifest{Config: empty, ArtifactType: "application/vnd.cyclonedx+json",
			Layers: []ocispec.Descriptor{payload}}),
		"an empty artifact": manifest(ocispec.Manifest{Config: b.add(ocispec.MediaTypeImageConfig, []byte(`{"rootfs":{}}`)),
			ArtifactType: "application/vnd.example", Layers: []ocispec.Descriptor{}}),
	}
	list := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: slices.Collect(maps.Values(all))}
	all["a list"] = b.add(list.MediaType, marshal(t, list))
	list.Manifests = []ocispec.Descriptor{}
	all["an empty list"] = b.add(list.MediaType, marshal(t, list))
	return all
}

// entries is a layout with an index.json of these entries.
func (b *built) entries(t testing.TB, entries ...ocispec.Descriptor) string {
	t.Helper()
	dir, _ := b.layout(t, b.root)
	x := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: entries}
	if err := os.WriteFile(filepath.Join(dir, "index.json"), marshal(t, x), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func called(d ocispec.Descriptor, name string) ocispec.Descriptor {
	d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
	return d
}

func TestArtifactsAreNotImages(t *testing.T) {
	b := build(t, []item{{name: "etc/os-release", body: "ID=alpine\n"}})
	for what, d := range b.others(t) {
		// Whatever the index says of its entries.
		for _, artifactType := range []string{"", ocispec.MediaTypeImageConfig, "application/vnd.example"} {
			image, other := b.root, d
			image.ArtifactType, other.ArtifactType = artifactType, artifactType
			src, err := Open(b.entries(t, other, called(image, "v1")))
			if err != nil {
				t.Fatal(what, err)
			}
			if len(src.Images) != 1 || src.Images[0].Digest != b.root.Digest {
				t.Errorf("%s: %+v", what, src.Images)
			}
			if got, err := src.Find(d.Digest.String(), ocispec.Platform{}); err == nil && what != "a list" && what != "an empty list" {
				t.Errorf("%s is found as an image: %+v", what, got)
			}
			src.Close()
		}
		if _, err := Open(b.entries(t, d)); !errors.Is(err, ErrNotImage) {
			t.Errorf("%s alone: %v", what, err)
		}
		if _, _, err := Image(t.Context(), b.source(func(_ ocispec.Descriptor, data []byte) []byte { return data }), d, nil); err == nil {
			t.Errorf("%s has an SBOM", what)
		}
	}
}

func TestFind(t *testing.T) {
	one, two := build(t, []item{{name: "one", body: "1"}}), build(t, []item{{name: "two", body: "2"}})
	maps.Copy(one.blobs, two.blobs)
	arm := one.add(ocispec.MediaTypeImageConfig, []byte(strings.Replace(string(two.config), "amd64", "arm64", 1)))
	var m ocispec.Manifest
	unmarshal(t, two.blobs[two.root.Digest], &m)
	m.Config = arm
	third := one.add(m.MediaType, marshal(t, m)) // for arm64
	var attached []ocispec.Descriptor
	for _, d := range one.others(t) {
		attached = append(attached, d)
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	index.Manifests = append(index.Manifests, attached...)
	index.Manifests = append(index.Manifests, third, one.root) // without platforms
	multi := one.add(index.MediaType, marshal(t, index))
	dir := one.entries(t, append(attached, one.root, third, // members of the index, as registry.Copy leaves them
		called(multi, "v2"), called(two.root, "docker.io/library/app:v1"), called(two.root, "docker.io/library/app:again"))...)
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var got []digest.Digest
	for _, d := range src.Images {
		got = append(got, d.Digest)
	}
	if diff := cmp.Diff([]digest.Digest{multi.Digest, two.root.Digest, two.root.Digest}, got); diff != "" {
		t.Error(diff)
	}
	amd64, arm64 := ocispec.Platform{OS: "linux", Architecture: "amd64"}, ocispec.Platform{OS: "linux", Architecture: "arm64"}
	for _, tt := range []struct {
		reference string
		platform  ocispec.Platform
		want      digest.Digest
		err       error
	}{
		{"", ocispec.Platform{}, "", ErrAmbiguous},
		{"v2", ocispec.Platform{}, multi.Digest, nil},
		{"v2", amd64, one.root.Digest, nil},
		{"v2", arm64, third.Digest, nil},
		{"v2", ocispec.Platform{OS: "linux", Architecture: "riscv64"}, "", ErrPlatform},
		{"v1", ocispec.Platform{}, two.root.Digest, nil},
		{"app:v1", amd64, two.root.Digest, nil},
		{"docker.io/library/app:v1", ocispec.Platform{}, two.root.Digest, nil},
		{"app:v1", arm64, "", ErrPlatform},
		{"v3", ocispec.Platform{}, "", ErrNotFound},
		{two.root.Digest.String(), ocispec.Platform{}, two.root.Digest, nil},
		{third.Digest.String(), ocispec.Platform{}, third.Digest, nil},
		{third.Digest.String(), amd64, "", ErrPlatform},
		{digest.FromString("nowhere").String(), ocispec.Platform{}, "", ErrNotFound},
		{one.root.Digest.String(), ocispec.Platform{}, one.root.Digest, nil},
	} {
		d, err := src.Find(tt.reference, tt.platform)
		if d.Digest != tt.want && tt.err == nil || !errors.Is(err, tt.err) {
			t.Errorf("%s for %v: %v, %v", tt.reference, tt.platform, d.Digest, err)
		}
		if err != nil {
			continue
		}
		if _, report, err := Image(t.Context(), src, d, &Options{Platform: tt.platform}); err != nil {
			t.Error(tt.reference, err)
		} else if tt.platform.Architecture == "arm64" && report.Image.Digest != third.Digest {
			t.Errorf("%s for arm64 is of %v", tt.reference, report.Image.Digest)
		}
	}
}

// What the quick start writes: a copy of an image with evidence, in a layout.
func TestImagesOfOwnLayout(t *testing.T) {
	b := build(t, []item{{name: "lib/apk/db/installed", body: apkInstalled}, {name: "etc/os-release", body: "ID=alpine\n"}})
	from, _ := b.layout(t, called(b.root, "v1"))
	repo, err := registry.OpenLayout(from)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte(`{"bomFormat":"CycloneDX"}`)
	evidence := ocispec.Descriptor{MediaType: "application/vnd.cyclonedx+json", Digest: digest.FromBytes(data),
		Size: int64(len(data)), Data: data}
	if _, err := repo.Attach(t.Context(), b.root, evidence); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	to, err := registry.OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Copy(t.Context(), to, repo, "v1", nil); err != nil {
		t.Fatal(err)
	}
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	_, report, err := Image(t.Context(), src, src.Images[0], nil)
	if err != nil || report.Packages["apk"] != 2 {
		t.Errorf("%+v, %v", report, err)
	}
}

// A layout whose entries cannot be read still opens, and says so when it is asked.
func TestFindDamaged(t *testing.T) {
	b := build(t, []item{{name: "x", body: "1"}})
	dir := b.entries(t, called(b.root, "v1"), called(ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromString("gone"), Size: 4,
	}, "sha256-"+b.root.Digest.Encoded()))
	if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", b.root.Digest.Encoded()), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if d, err := src.Find("", ocispec.Platform{}); err != nil || d.Digest != b.root.Digest {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := src.Find("v1", ocispec.Platform{OS: "linux"}); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrDigest) {
		t.Error(err)
	}
	if _, _, err := Image(t.Context(), src, src.Images[0], nil); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrDigest) {
		t.Error(err)
	}
}

// Whatever lies in index.json, opening it ends, and what it offers has a digest.
func FuzzSelect(f *testing.F) {
	files, _ := filepath.Glob("../../registry/testdata/layouts/*.tar.gz")
	for _, file := range files {
		f.Add(indexOf(f, file))
	}
	b := build(f, []item{{name: "x", body: "1"}})
	b.others(f)
	dir, _ := b.layout(f, b.root)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, "index.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		src, err := Open(dir)
		if err != nil {
			return
		}
		defer src.Close()
		var all ocispec.Index
		if json.Unmarshal(data, &all) != nil || len(src.Images) == 0 || len(src.Images) > len(all.Manifests) {
			t.Fatalf("%d images of %d", len(src.Images), len(all.Manifests))
		}
		for _, p := range []ocispec.Platform{{}, {OS: "linux"}} {
			_, _ = src.Find("v1", p)
			_, _ = src.Find(src.Images[0].Digest.String(), p)
		}
	})
}

func indexOf(t testing.TB, file string) []byte {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatal(file, err)
		}
		if filepath.Base(h.Name) == "index.json" {
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
}
