// Package layouts_test has the code of the programs that keep OCI layouts read what Lading writes there, and the reverse:
// oras, regctl, crane, cosign, skopeo, containerd, BuildKit, and olareg's server.
package layouts_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/buildkit/client/ociindex"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/regclient/regclient"
	"github.com/regclient/regclient/config"
	"github.com/regclient/regclient/types/ref"
	cosignlayout "github.com/sigstore/cosign/v3/pkg/oci/layout"
	cosignmutate "github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/signed"
	cosignstatic "github.com/sigstore/cosign/v3/pkg/oci/static"
	skopeolayout "go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/pkg/blobinfocache/none"
	skopeotypes "go.podman.io/image/v5/types"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
	orasregistry "oras.land/oras-go/v2/registry"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, name string) *registry.Repository {
	t.Helper()
	r, err := registry.Open(name, nil)
	check(t, err)
	return r
}

func openLayout(t testing.TB, dir string) *registry.Repository {
	t.Helper()
	b, err := registry.Layout(dir)
	check(t, err)
	return registry.New(b, &registry.Options{CosignTags: true})
}

func push(t testing.TB, r *registry.Repository, mediaType string, data []byte) ocispec.Descriptor {
	t.Helper()
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	check(t, r.Push(t.Context(), d, bytes.NewReader(data)))
	return d
}

func bundle(text string) ocispec.Descriptor {
	data := []byte(`{"mediaType":"` + bundleType + `","text":"` + text + `"}`)
	return ocispec.Descriptor{MediaType: bundleType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
}

// pushImage pushes an image with one layer, tagged v1.
func pushImage(t testing.TB, r *registry.Repository) ocispec.Descriptor {
	t.Helper()
	m, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: push(t, r, ocispec.MediaTypeImageConfig,
			[]byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["`+
				digest.FromString("layer").String()+`"]}}`)),
		Layers: []ocispec.Descriptor{push(t, r, ocispec.MediaTypeImageLayer, []byte("layer"))},
	})
	check(t, err)
	image := push(t, r, ocispec.MediaTypeImageManifest, m)
	check(t, r.Tag(t.Context(), image, "v1"))
	return image
}

// ours is a layout that Lading wrote: an image, two bundles and one of cosign's first signatures, copied from a registry.
func ours(t testing.TB) (dir string, image ocispec.Descriptor) {
	t.Helper()
	s := registrytest.Start(nil)
	t.Cleanup(s.Close)
	from := open(t, s.Host()+"/demo/app")
	image = pushImage(t, from)
	if _, err := from.Attach(t.Context(), image, bundle("one"), bundle("two")); err != nil {
		t.Fatal(err)
	}
	payload := []byte(`{"critical":{}}`)
	check(t, from.AttachCosign(t.Context(), image, ocispec.Descriptor{
		MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Digest: digest.FromBytes(payload), Size: int64(len(payload)),
		Data: payload, Annotations: map[string]string{"dev.cosignproject.cosign/signature": "c2ln"},
	}))
	dir = t.TempDir()
	if _, err := registry.Copy(t.Context(), openLayout(t, dir), from, "v1", nil); err != nil {
		t.Fatal(err)
	}
	return dir, image
}

// evidence counts what Lading finds.
func evidence(t testing.TB, r *registry.Repository, image ocispec.Descriptor) (n int) {
	t.Helper()
	for d, err := range r.Evidence(t.Context(), image) {
		check(t, err)
		if len(d.Data) > 0 {
			n++
		}
	}
	return n
}

// What each program's own code finds in a layout that Lading wrote.
func TestTheyReadOurs(t *testing.T) {
	for name, read := range map[string]func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int){
		"oras": func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int) {
			store, err := oci.New(dir)
			check(t, err)
			d, err := store.Resolve(t.Context(), "v1")
			check(t, err)
			list, err := orasregistry.Referrers(t.Context(), store, d, "")
			check(t, err)
			return d.Digest, len(list)
		},
		"regctl": func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int) {
			rc := regclient.New()
			r, err := ref.New("ocidir://" + dir + ":v1")
			check(t, err)
			list, err := rc.ReferrerList(t.Context(), r)
			check(t, err)
			copied := t.TempDir()
			to, err := ref.New("ocidir://" + copied + ":v1")
			check(t, err)
			check(t, rc.ImageCopy(t.Context(), r, to, regclient.ImageWithReferrers()))
			check(t, rc.Close(t.Context(), to))
			if n := evidence(t, openLayout(t, copied), image); n != 2 {
				t.Errorf("%d of 2 are in its copy", n)
			}
			return digest.Digest(list.Subject.Digest), len(list.Descriptors)
		},
		// It pushes a layout of several manifests as one index: "layout contains 5 entries, consider --index".
		"crane push --index": func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int) {
			index, err := layout.ImageIndexFromPath(dir)
			check(t, err)
			s := registrytest.Start(nil)
			defer s.Close()
			to, err := name.NewTag(s.Host()+"/demo/app:all", name.Insecure)
			check(t, err)
			check(t, remote.WriteIndex(to, index, remote.WithContext(t.Context())))
			repo := open(t, s.Host()+"/demo/app")
			d, err := repo.Resolve(t.Context(), image.Digest.String())
			check(t, err)
			return d.Digest, evidence(t, repo, image)
		},
		"cosign load": func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int) {
			index, err := cosignlayout.SignedImageIndex(dir)
			check(t, err)
			img, err := index.SignedImage(v1.Hash{})
			check(t, err)
			if img == nil {
				t.Fatal("no image")
			}
			h, err := img.Digest()
			check(t, err)
			sigs, err := index.Signatures()
			check(t, err)
			list, err := sigs.Get()
			check(t, err)
			return digest.Digest(h.String()), len(list) + 1 // one of three kinds; bundles are no part of this door
		},
		// It copies one image, and has no referrers.
		"skopeo": func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int) {
			r, err := skopeolayout.NewReference(dir, "v1")
			check(t, err)
			src, err := r.NewImageSource(t.Context(), &skopeotypes.SystemContext{})
			check(t, err)
			defer src.Close()
			data, _, err := src.GetManifest(t.Context(), nil)
			check(t, err)
			return digest.FromBytes(data), 2
		},
		"containerd": func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int) {
			store, err := local.NewStore(t.TempDir())
			check(t, err)
			d, err := archive.ImportIndex(t.Context(), store, bytes.NewReader(tarOf(t, dir)))
			check(t, err)
			data, err := content.ReadBlob(t.Context(), store, d)
			check(t, err)
			var index ocispec.Index
			check(t, json.Unmarshal(data, &index))
			var found digest.Digest
			attached := 0
			for _, m := range index.Manifests {
				if m.Annotations[ocispec.AnnotationRefName] == "v1" {
					found = m.Digest
				}
				data, err := content.ReadBlob(t.Context(), store, m)
				check(t, err)
				var of struct{ Subject *ocispec.Descriptor }
				check(t, json.Unmarshal(data, &of))
				if of.Subject != nil && of.Subject.Digest == image.Digest {
					attached++
				}
			}
			return found, attached
		},
		// As a build context oci-layout://DIR:v1. It has no referrers.
		"BuildKit": func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int) {
			d, err := ociindex.NewStoreIndex(dir).Get("v1")
			check(t, err)
			store, err := local.NewStore(dir)
			check(t, err)
			_, err = content.ReadBlob(t.Context(), store, *d)
			check(t, err)
			return d.Digest, 2
		},
		"olareg": func(t *testing.T, dir string, image ocispec.Descriptor) (digest.Digest, int) {
			root := t.TempDir()
			check(t, os.CopyFS(filepath.Join(root, "demo", "app"), os.DirFS(dir)))
			s := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(root)})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app")
			d, err := repo.Resolve(t.Context(), "v1")
			check(t, err)
			return d.Digest, evidence(t, repo, image)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, image := ours(t)
			if d, n := read(t, dir, image); d != image.Digest || n != 2 {
				t.Errorf("found %s with %d attachments, want %s with 2", d, n, image.Digest)
			}
		})
	}
}

// tarOf is what containerd imports.
func tarOf(t testing.TB, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	check(t, w.AddFS(os.DirFS(dir)))
	check(t, w.Close())
	return b.Bytes()
}

// What Lading finds in a layout that each program's own code wrote: the image, and how many attachments, where it keeps any.
func TestWeReadTheirs(t *testing.T) {
	for name, tt := range map[string]struct {
		write func(t *testing.T, dir string) digest.Digest
		want  int
	}{
		"oras": {func(t *testing.T, dir string) digest.Digest {
			store, err := oci.New(dir)
			check(t, err)
			image, err := oras.PackManifest(t.Context(), store, oras.PackManifestVersion1_1, "application/vnd.example",
				oras.PackManifestOptions{})
			check(t, err)
			check(t, store.Tag(t.Context(), image, "v1"))
			b := bundle("oras")
			layer := ocispec.Descriptor{MediaType: b.MediaType, Digest: b.Digest, Size: b.Size}
			check(t, store.Push(t.Context(), layer, bytes.NewReader(b.Data)))
			_, err = oras.PackManifest(t.Context(), store, oras.PackManifestVersion1_1, bundleType,
				oras.PackManifestOptions{Subject: &image, Layers: []ocispec.Descriptor{layer}})
			check(t, err)
			return image.Digest
		}, 1},
		"regctl": {func(t *testing.T, dir string) digest.Digest {
			s := registrytest.Start(nil)
			defer s.Close()
			from := open(t, s.Host()+"/demo/app")
			image := pushImage(t, from)
			if _, err := from.Attach(t.Context(), image, bundle("one"), bundle("two")); err != nil {
				t.Fatal(err)
			}
			host := config.HostNewName(s.Host())
			host.TLS = config.TLSDisabled
			rc := regclient.New(regclient.WithConfigHost(*host))
			src, err := ref.New(s.Host() + "/demo/app:v1")
			check(t, err)
			dst, err := ref.New("ocidir://" + dir + ":v1")
			check(t, err)
			check(t, rc.ImageCopy(t.Context(), src, dst, regclient.ImageWithReferrers()))
			check(t, rc.Close(t.Context(), dst))
			return image.Digest
		}, 2},
		"crane": {func(t *testing.T, dir string) digest.Digest {
			path, err := layout.Write(dir, empty.Index)
			check(t, err)
			named := layout.WithAnnotations(map[string]string{ocispec.AnnotationRefName: "registry.example/demo/app:v1"}) // as crane pull
			image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
			check(t, path.AppendImage(image, named))
			h, err := image.Digest()
			check(t, err)
			size, err := image.Size()
			check(t, err)
			about, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
				static.NewLayer(bundle("ggcr").Data, bundleType))
			check(t, err)
			check(t, path.AppendImage(
				mutate.Subject(about, v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: h, Size: size}).(v1.Image)))
			return digest.Digest(h.String())
		}, 1},
		"cosign save": {func(t *testing.T, dir string) digest.Digest {
			sig, err := cosignstatic.NewSignature([]byte(`{"critical":{}}`), "c2ln")
			check(t, err)
			image, err := cosignmutate.AttachSignatureToImage(signed.Image(mutate.MediaType(empty.Image, types.OCIManifestSchema1)), sig)
			check(t, err)
			check(t, cosignlayout.WriteSignedImage(dir, image))
			h, err := image.Digest()
			check(t, err)
			return digest.Digest(h.String())
		}, 1},
		"skopeo": {func(t *testing.T, dir string) digest.Digest {
			r, err := skopeolayout.NewReference(dir, "v1")
			check(t, err)
			dst, err := r.NewImageDestination(t.Context(), &skopeotypes.SystemContext{})
			check(t, err)
			defer dst.Close()
			config, err := dst.PutBlob(t.Context(), strings.NewReader("{}"), skopeotypes.BlobInfo{Size: 2}, none.NoCache, true)
			check(t, err)
			m, err := json.Marshal(ocispec.Manifest{
				Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
				Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: config.Digest, Size: 2},
				Layers: []ocispec.Descriptor{},
			})
			check(t, err)
			check(t, dst.PutManifest(t.Context(), m, nil))
			check(t, dst.Commit(t.Context(), nil))
			return digest.FromBytes(m)
		}, 0},
		"containerd": {func(t *testing.T, dir string) digest.Digest {
			from, image := ours(t)
			store, err := local.NewStore(from)
			check(t, err)
			var b bytes.Buffer
			target := ocispec.Descriptor{MediaType: image.MediaType, Digest: image.Digest, Size: image.Size}
			check(t, archive.Export(t.Context(), store, &b, archive.WithSkipDockerManifest(), archive.WithAllPlatforms(),
				archive.WithImages([]images.Image{{Name: "registry.example/demo/app:v1", Target: target}})))
			untar(t, dir, &b)
			return image.Digest
		}, 0},
		"BuildKit": {func(t *testing.T, dir string) digest.Digest {
			store, err := local.NewStore(dir)
			check(t, err)
			put := func(mediaType string, data []byte) ocispec.Descriptor {
				d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
				check(t, content.WriteBlob(context.Background(), store, d.Digest.String(), bytes.NewReader(data), d))
				return d
			}
			m, err := json.Marshal(ocispec.Manifest{
				Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
				Config: put(ocispec.MediaTypeImageConfig, []byte("{}")), Layers: []ocispec.Descriptor{},
			})
			check(t, err)
			image := put(ocispec.MediaTypeImageManifest, m)
			check(t, ociindex.NewStoreIndex(dir).Put(image, ociindex.Name("docker.io/demo/app:v1")))
			return image.Digest
		}, 0},
		"olareg": {func(t *testing.T, dir string) digest.Digest {
			root := t.TempDir()
			s := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(root)})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app")
			image := pushImage(t, repo)
			if _, err := repo.Attach(t.Context(), image, bundle("one"), bundle("two")); err != nil {
				t.Fatal(err)
			}
			check(t, os.CopyFS(dir, os.DirFS(filepath.Join(root, "demo", "app"))))
			return image.Digest
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "layout")
			image := tt.write(t, dir)
			repo := openLayout(t, dir)
			d, err := repo.Resolve(t.Context(), "v1")
			if name == "cosign save" { // it keeps no tag
				d, err = repo.Resolve(t.Context(), image.String())
			}
			if err != nil || d.Digest != image {
				t.Fatalf("v1 is %v, %v", d, err)
			}
			if n := evidence(t, repo, d); n != tt.want {
				t.Errorf("%d attachments, want %d", n, tt.want)
			}
			if _, err := repo.Attach(t.Context(), d, bundle("ours")); err != nil {
				t.Fatal(err)
			}
			if n := evidence(t, repo, d); n != tt.want+1 {
				t.Errorf("%d attachments beside ours, want %d", n-1, tt.want)
			}
		})
	}
}

func untar(t testing.TB, dir string, r io.Reader) {
	t.Helper()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		check(t, err)
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			check(t, os.MkdirAll(name, 0o755))
			continue
		}
		data, err := io.ReadAll(tr)
		check(t, err)
		check(t, os.MkdirAll(filepath.Dir(name), 0o755))
		check(t, os.WriteFile(name, data, fs.FileMode(0o644)))
	}
}
