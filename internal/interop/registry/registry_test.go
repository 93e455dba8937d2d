// Package registry_test holds package registry against registries that people run and clients that people use.
package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
	"oras.land/oras-go/v2"
	orasoci "oras.land/oras-go/v2/content/oci"
	orasremote "oras.land/oras-go/v2/registry/remote"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard) // distribution logs every request
	os.Exit(m.Run())
}

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

func content(text string) registry.Descriptor {
	data := []byte(text)
	return registry.Descriptor{MediaType: bundleType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
}

// distribution is the registry that is behind registry:3.
func distribution(t testing.TB) http.Handler {
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"inmemory":    configuration.Parameters{},
			"delete":      configuration.Parameters{"enabled": true},
			"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
		},
	}
	config.HTTP.Secret = "lading"
	config.Catalog.MaxEntries = 100
	return handlers.NewApp(t.Context(), config)
}

// debian starts Debian's docker-registry, which is distribution 2.8 and behind registry:2, and returns its host.
func debian(t testing.TB) string {
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("docker-registry is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %q}, "+
		"delete: {enabled: true}}\nhttp: {addr: %q, secret: lading}\n", dir, host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", config)
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 200 {
		resp, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			resp.Body.Close()
			return host
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("docker-registry does not answer")
	return ""
}

// hosts are the registries that every behaviour is tested on.
var hosts = map[string]func(t testing.TB) string{
	"distribution 3": func(t testing.TB) string { return serve(t, distribution(t)) },
	"distribution 2": debian,
	"olareg":         func(t testing.TB) string { return serve(t, registrytest.Directory(t.TempDir())) },
	"olareg memory":  func(t testing.TB) string { return serve(t, registrytest.Memory()) },
	"ociregistry": func(t testing.TB) string {
		return serve(t, ociserver.New(ocimem.NewWithConfig(&ocimem.Config{LaxChildReferences: true}), nil))
	},
}

func serve(t testing.TB, h http.Handler, quirks ...registrytest.Quirk) string {
	s := registrytest.Start(&registrytest.Options{Registry: h, Quirks: quirks})
	t.Cleanup(s.Close)
	return s.Host()
}

func open(t testing.TB, name string, o *registry.Options) *registry.Repository {
	t.Helper()
	r, err := registry.Open(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func push(t testing.TB, r *registry.Repository, mediaType string, data []byte) registry.Descriptor {
	t.Helper()
	d := registry.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := r.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return d
}

func pushJSON(t testing.TB, r *registry.Repository, mediaType string, v any) registry.Descriptor {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return push(t, r, mediaType, data)
}

// Docker's media types.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

func pushImage(t testing.TB, r *registry.Repository, text string) registry.Descriptor {
	t.Helper()
	return pushJSON(t, r, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: push(t, r, ocispec.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux"}`)),
		Layers: []registry.Descriptor{push(t, r, ocispec.MediaTypeImageLayer, []byte("layer of "+text))},
	})
}

func texts(t testing.TB, r *registry.Repository, subject registry.Descriptor) []string {
	t.Helper()
	var out []string
	for d, err := range r.Evidence(t.Context(), subject) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(d.Data))
	}
	slices.Sort(out)
	return out
}

func onEach(t *testing.T, f func(t *testing.T, host string)) {
	for name, start := range hosts {
		t.Run(name, func(t *testing.T) { f(t, start(t)) })
	}
}

func TestAttach(t *testing.T) {
	onEach(t, func(t *testing.T, host string) {
		repo := open(t, host+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		if err := repo.Tag(t.Context(), image, "v1"); err != nil {
			t.Fatal(err)
		}
		if d, err := open(t, host+"/demo/app:v1", nil).Resolve(t.Context(), ""); err != nil || d.Digest != image.Digest {
			t.Errorf("%v, %v", d, err)
		}
		if _, err := repo.Resolve(t.Context(), "v2"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("a tag that is not there: %v", err)
		}
		if got := texts(t, repo, image); len(got) != 0 {
			t.Errorf("before: %q", got)
		}
		manifests, err := repo.Attach(t.Context(), image, content("a"), content("b"), content("c"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, host+"/demo/app", nil).Attach(t.Context(), image, content("c"), content("d")); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(texts(t, open(t, host+"/demo/app", nil), image)); got != "[a b c d]" {
			t.Error(got)
		}
		simple := content("payload")
		simple.MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
		simple.Annotations = map[string]string{"dev.cosignproject.cosign/signature": "c2ln"}
		if err := repo.AttachCosign(t.Context(), image, simple); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(texts(t, open(t, host+"/demo/app", &registry.Options{CosignTags: true}), image)); got != "[a b c d payload]" {
			t.Error(got)
		}
		err = repo.Delete(t.Context(), image, manifests[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(texts(t, open(t, host+"/demo/app", nil), image)); got != "[b c d]" {
			t.Errorf("after deleting: %s", got)
		}
	})
}

// Ten separate clients at once, over and over: all that they attach stays.
func TestTenClients(t *testing.T) {
	rounds := 3
	if os.Getenv("LADING_HEAVY") != "" {
		rounds = 20
	}
	onEach(t, func(t *testing.T, host string) {
		for round := range rounds {
			image := pushImage(t, open(t, host+"/demo/app", nil), fmt.Sprint(round))
			var wg sync.WaitGroup
			errs := make([]error, 10)
			for i := range errs {
				wg.Go(func() {
					repo, err := registry.Open(host+"/demo/app", nil)
					if err == nil {
						_, err = repo.Attach(t.Context(), image, content(fmt.Sprint(i)))
					}
					errs[i] = err
				})
			}
			wg.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if n := len(texts(t, open(t, host+"/demo/app", nil), image)); n != 10 {
				t.Errorf("round %d: %d of 10", round, n)
			}
		}
	})
}

// Ten separate clients sign one payload at once under cosign's tag: all ten signatures stay.
func TestTenSigners(t *testing.T) {
	onEach(t, func(t *testing.T, host string) {
		repo := open(t, host+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		var wg sync.WaitGroup
		errs := make([]error, 10)
		for i := range errs {
			wg.Go(func() {
				d := content("payload")
				d.MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
				d.Annotations = map[string]string{"dev.cosignproject.cosign/signature": fmt.Sprint(i)}
				client, err := registry.Open(host+"/demo/app", nil)
				if err == nil {
					err = client.AttachCosign(t.Context(), image, d)
				}
				errs[i] = err
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		d, err := repo.Resolve(t.Context(), strings.Replace(image.Digest.String(), ":", "-", 1)+".sig")
		if err != nil {
			t.Fatal(err)
		}
		if m, err := repo.Manifest(t.Context(), d); err != nil || len(m.Layers) != 10 {
			t.Errorf("%d of 10, %v", len(m.Layers), err)
		}
	})
}

// Docker's manifests and lists are subjects, and are copied, like those of OCI.
func TestDocker(t *testing.T) {
	onEach(t, func(t *testing.T, host string) {
		repo := open(t, host+"/demo/docker", nil)
		image := pushJSON(t, repo, dockerManifest, ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: dockerManifest,
			Config: push(t, repo, dockerConfig, []byte(`{"architecture":"amd64","os":"linux"}`)),
			Layers: []registry.Descriptor{push(t, repo, dockerLayer, []byte("layer"))},
		})
		child := image
		child.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
		list := pushJSON(t, repo, dockerList, ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: dockerList, Manifests: []registry.Descriptor{child},
		})
		if err := repo.Tag(t.Context(), list, "v1"); err != nil {
			t.Fatal(err)
		}
		for _, subject := range []registry.Descriptor{image, list} {
			if _, err := repo.Attach(t.Context(), subject, content("about "+subject.MediaType)); err != nil {
				t.Fatal(err)
			}
		}
		layout, err := registry.OpenLayout(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := registry.Copy(t.Context(), layout, repo, "v1", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := registry.Copy(t.Context(), open(t, host+"/demo/back", nil), layout, "v1", nil); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*registry.Repository{repo, layout, open(t, host+"/demo/back", nil)} {
			for _, subject := range []registry.Descriptor{image, list} {
				if got := texts(t, r, subject); len(got) != 1 || got[0] != "about "+subject.MediaType {
					t.Errorf("%s: %q", r.Name(), got)
				}
			}
			if children, err := r.Children(t.Context(), list); err != nil || len(children) != 1 || children[0].Digest != image.Digest {
				t.Errorf("%s: %v, %v", r.Name(), children, err)
			}
		}
	})
}

// What cosign wrote with Docker's media types is added to as it is.
func TestDockerUnderCosignTags(t *testing.T) {
	onEach(t, func(t *testing.T, host string) {
		repo := open(t, host+"/demo/docker", &registry.Options{CosignTags: true})
		image := pushImage(t, repo, "app")
		signature := func(text string) registry.Descriptor {
			d := content(text)
			d.MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
			d.Annotations = map[string]string{"dev.cosignproject.cosign/signature": "c2ln"}
			return d
		}
		layer := signature("theirs")
		push(t, repo, layer.MediaType, layer.Data)
		layer.Data = nil
		theirs := pushJSON(t, repo, dockerManifest, ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: dockerManifest,
			Config: push(t, repo, dockerConfig, []byte(`{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}`)),
			Layers: []registry.Descriptor{layer},
		})
		tag := strings.Replace(image.Digest.String(), ":", "-", 1) + ".sig"
		if err := repo.Tag(t.Context(), theirs, tag); err != nil {
			t.Fatal(err)
		}
		if err := repo.AttachCosign(t.Context(), image, signature("ours")); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(texts(t, repo, image)); got != "[ours theirs]" {
			t.Error(got)
		}
		if d, err := repo.Resolve(t.Context(), tag); err != nil || d.MediaType != dockerManifest {
			t.Errorf("%v, %v", d, err)
		}
	})
}

// Copy takes along what hangs on the platforms of an image, and on what hangs there.
func TestCopy(t *testing.T) {
	onEach(t, func(t *testing.T, host string) {
		from := open(t, host+"/demo/app", nil)
		amd, arm := pushImage(t, from, "amd64"), pushImage(t, from, "arm64")
		amd.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
		arm.Platform = &ocispec.Platform{OS: "linux", Architecture: "arm64"}
		index := pushJSON(t, from, ocispec.MediaTypeImageIndex, ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
			Manifests: []registry.Descriptor{amd, arm},
		})
		if err := from.Tag(t.Context(), index, "v1"); err != nil {
			t.Fatal(err)
		}
		var on []registry.Descriptor
		attach := func(to registry.Descriptor) registry.Descriptor {
			t.Helper()
			m, err := from.Attach(t.Context(), to, content(fmt.Sprint(len(on))))
			if err != nil {
				t.Fatal(err)
			}
			on = append(on, to)
			return m[0]
		}
		attach(index)
		bom := attach(amd)
		attach(arm)
		attach(attach(bom))
		arrived := func(to *registry.Repository) (n int) {
			for i, subject := range on {
				if got := texts(t, to, subject); len(got) == 1 && got[0] == fmt.Sprint(i) {
					n++
				}
			}
			return n
		}
		ours := open(t, serve(t, nil)+"/copy/app", nil)
		if _, err := registry.Copy(t.Context(), ours, from, "v1", nil); err != nil {
			t.Fatal(err)
		}
		theirHost := serve(t, nil)
		src, dst := orasRepository(t, host+"/demo/app"), orasRepository(t, theirHost+"/copy/app")
		if _, err := oras.ExtendedCopy(t.Context(), src, "v1", dst, "v1", oras.DefaultExtendedCopyOptions); err != nil {
			t.Fatal(err)
		}
		t.Logf("arrived: %d of 5; with oras.ExtendedCopy %d of 5", arrived(ours), arrived(open(t, theirHost+"/copy/app", nil)))
		if n := arrived(ours); n != 5 {
			t.Errorf("%d of 5 arrived", n)
		}
	})
}

func orasRepository(t testing.TB, name string) *orasremote.Repository {
	t.Helper()
	r, err := orasremote.NewRepository(name)
	if err != nil {
		t.Fatal(err)
	}
	r.PlainHTTP = true
	return r
}

// Others list what we attach, and we what others attach, in turn and without loss.
func TestWithOtherClients(t *testing.T) {
	onEach(t, func(t *testing.T, host string) {
		repo := open(t, host+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		for i := range 2 {
			if _, err := repo.Attach(t.Context(), image, content(fmt.Sprint("ours ", i))); err != nil {
				t.Fatal(err)
			}
			if err := orasAttach(t.Context(), orasRepository(t, host+"/demo/app"), image, content(fmt.Sprint("by oras ", i))); err != nil {
				t.Fatal(err)
			}
			if err := ggcrAttach(t.Context(), nil, host+"/demo/app", image, content(fmt.Sprint("by ggcr ", i))); err != nil {
				t.Fatal(err)
			}
		}
		if got := texts(t, open(t, host+"/demo/app", nil), image); len(got) != 6 {
			t.Errorf("we see %q", got)
		}
		n := 0
		err := orasRepository(t, host+"/demo/app").Referrers(t.Context(), image, "", func(list []ocispec.Descriptor) error {
			n += len(list)
			return nil
		})
		if err != nil || n != 6 {
			t.Errorf("oras sees %d, %v", n, err)
		}
		ref, err := name.NewDigest(host+"/demo/app@"+image.Digest.String(), name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		list, err := remote.Referrers(ref)
		if err != nil {
			t.Fatal(err)
		}
		m, err := list.IndexManifest()
		if err != nil || len(m.Manifests) != 6 {
			t.Errorf("go-containerregistry sees %v, %v", m, err)
		}
		if slices.ContainsFunc(m.Manifests,
			func(d v1.Descriptor) bool { return !strings.HasPrefix(d.ArtifactType, "application/vnd.dev.sigstore") }) {
			t.Errorf("artifact types: %+v", m.Manifests)
		}
	})
}

// A directory is read and written in turn with other libraries: what they attach in a layout we list, and the reverse.
func TestLayoutWithOthers(t *testing.T) {
	host := serve(t, nil)
	repo := open(t, host+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	if err := repo.Tag(t.Context(), image, "v1"); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(t.Context(), image, content("from the registry")); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	store, err := orasoci.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oras.ExtendedCopy(t.Context(), orasRepository(t, host+"/demo/app"), "v1", store, "v1",
		oras.DefaultExtendedCopyOptions); err != nil {
		t.Fatal(err)
	}
	layout, err := registry.OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := layout.Resolve(t.Context(), "v1"); err != nil || d.Digest != image.Digest {
		t.Errorf("%v, %v", d, err)
	}
	if got := fmt.Sprint(texts(t, layout, image)); got != "[from the registry]" {
		t.Errorf("we see %s", got)
	}
	if _, err := layout.Attach(t.Context(), image, content("ours")); err != nil {
		t.Fatal(err)
	}
	if store, err = orasoci.New(dir); err != nil {
		t.Fatal(err)
	}
	list, err := store.Predecessors(t.Context(), image)
	if err != nil || len(list) != 2 {
		t.Errorf("oras sees %v, %v", list, err)
	}
	// go-containerregistry writes only the index of an image into index.json, and not its platforms.
	other := t.TempDir()
	path, err := ggcrlayout.Write(other, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	platform, err := mutate.Config(empty.Image, v1.Config{Cmd: []string{"app"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendIndex(mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: platform}),
		ggcrlayout.WithAnnotations(map[string]string{ocispec.AnnotationRefName: "v1"})); err != nil {
		t.Fatal(err)
	}
	if layout, err = registry.OpenLayout(other); err != nil {
		t.Fatal(err)
	}
	index, err := layout.Resolve(t.Context(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	children, err := layout.Children(t.Context(), index)
	if err != nil || len(children) != 1 {
		t.Fatalf("%v, %v", children, err)
	}
	if d, err := layout.Resolve(t.Context(), children[0].Digest.String()); err != nil || d.MediaType != children[0].MediaType ||
		d.Size != children[0].Size {
		t.Errorf("%v, %v", d, err)
	}
	for _, subject := range []registry.Descriptor{index, children[0]} {
		if _, err := layout.Attach(t.Context(), subject, content("about "+subject.Digest.String())); err != nil {
			t.Fatal(err)
		}
		if got := texts(t, layout, subject); len(got) != 1 {
			t.Errorf("%q", got)
		}
	}
	theirs, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	// the index, what is about it and about its child, and the list of each under the fallback tag
	m, err := theirs.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, d := range m.Manifests {
		seen[string(d.MediaType)]++
	}
	if seen[ocispec.MediaTypeImageManifest] != 2 || seen[ocispec.MediaTypeImageIndex] != 3 || len(m.Manifests) != 5 {
		t.Errorf("go-containerregistry sees %v", m)
	}
}

// A repository that does not exist is not one without evidence, where the registry tells them apart; a failure never is.
func TestMissing(t *testing.T) {
	onEach(t, func(t *testing.T, host string) {
		if _, err := open(t, host+"/no/such:v1", nil).Resolve(t.Context(), ""); !errors.Is(err, registry.ErrNotFound) {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		n := 0
		for d, err := range open(t, host+"/demo/app", nil).Evidence(ctx, content("x")) {
			if n++; d.Digest != "" || err == nil {
				t.Errorf("%v, %v", d, err)
			}
		}
		if n != 1 {
			t.Error("a listing that was broken off looks complete")
		}
	})
}
