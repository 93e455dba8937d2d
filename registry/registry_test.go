package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// content returns a piece of evidence: what it says does not matter to a registry.
func content(text string) registry.Descriptor {
	data := []byte(text)
	return registry.Descriptor{MediaType: bundleType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data,
		Annotations: map[string]string{"dev.sigstore.bundle.content": "dsse-envelope"}}
}

func push(t testing.TB, r *registry.Repository, mediaType string, data []byte) registry.Descriptor {
	t.Helper()
	d := registry.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := r.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return d
}

// pushImage pushes an image that is different for each name.
func pushImage(t testing.TB, r *registry.Repository, name string) registry.Descriptor {
	t.Helper()
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: push(t, r, ocispec.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux"}`)),
		Layers: []registry.Descriptor{push(t, r, ocispec.MediaTypeImageLayer, []byte("layer of "+name))},
	}
	return push(t, r, m.MediaType, asJSON(t, m))
}

func asJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func open(t testing.TB, name string, o *registry.Options) *registry.Repository {
	t.Helper()
	r, err := registry.Open(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// texts returns the evidence about a subject, sorted, and fails on any error.
func texts(t testing.TB, r *registry.Repository, subject registry.Descriptor) []string {
	t.Helper()
	out := []string{}
	for d, err := range r.Evidence(t.Context(), subject) {
		if err != nil {
			t.Fatal(err)
		}
		if d.MediaType != bundleType || d.Digest.Algorithm().FromBytes(d.Data) != d.Digest {
			t.Errorf("candidate %+v", d)
		}
		out = append(out, string(d.Data))
	}
	slices.Sort(out)
	return out
}

// kinds are the registries that every behaviour is tested on. Each call of the value gives a fresh one, and the
// function that it returns a new client of it.
func kinds(t *testing.T) map[string]func(t testing.TB) func() *registry.Repository {
	server := func(o func(t testing.TB) *registrytest.Options) func(t testing.TB) func() *registry.Repository {
		return func(t testing.TB) func() *registry.Repository {
			s := registrytest.Start(o(t))
			t.Cleanup(s.Close)
			return func() *registry.Repository { return open(t, s.Host()+"/demo/app:v1", nil) }
		}
	}
	quirks := func(q ...registrytest.Quirk) func(t testing.TB) func() *registry.Repository {
		return server(func(testing.TB) *registrytest.Options { return &registrytest.Options{Quirks: q} })
	}
	return map[string]func(t testing.TB) func() *registry.Repository{
		"memory": server(func(testing.TB) *registrytest.Options { return nil }),
		"directory": server(func(t testing.TB) *registrytest.Options {
			return &registrytest.Options{Registry: registrytest.Directory(t.TempDir())}
		}),
		"API without header":      quirks(registrytest.NoSubjectHeader()),
		"API in pages":            quirks(registrytest.PagedReferrers(2)),
		"API without hints":       quirks(registrytest.BareReferrers()),
		"API that takes its time": quirks(registrytest.SlowReferrers(2)),
		"API answers 404":         quirks(registrytest.NoReferrers(404)),
		"API answers 405":         quirks(registrytest.NoReferrers(405)),
		"API answers 400":         quirks(registrytest.NoReferrers(400)),
		"API answers 501":         quirks(registrytest.NoReferrers(501)),
		"API answers nothing":     quirks(registrytest.EmptyReferrers()),
		"API answers HTML":        quirks(registrytest.HTMLReferrers()),
		"no digest header":        quirks(registrytest.NoDigestHeader()),
		"subject at fallback tag": quirks(registrytest.SubjectAtFallbackTag()),
		"tokens":                  quirks(registrytest.TokenAuth("", "")),
		"throttled":               quirks(registrytest.Throttled(2, "0")),
		"layout": func(t testing.TB) func() *registry.Repository {
			dir := t.TempDir()
			return func() *registry.Repository {
				r, err := registry.OpenLayout(dir)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
		},
	}
}

func TestEveryRegistry(t *testing.T) {
	for name, start := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := start(t)
			repo := client()
			image := pushImage(t, repo, "app")
			if err := repo.Tag(t.Context(), image, "v1"); err != nil {
				t.Fatal(err)
			}
			for _, ref := range []string{"v1", image.Digest.String()} {
				if got, err := repo.Resolve(t.Context(), ref); err != nil || got.Digest != image.Digest || got.Size != image.Size {
					t.Errorf("Resolve(%s): %v, %v", ref, got, err)
				}
			}
			if _, err := repo.Resolve(t.Context(), "no-such-tag"); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("a tag that is not there: %v", err)
			}

			if got := texts(t, client(), image); len(got) != 0 {
				t.Errorf("evidence before anything was attached: %q", got)
			}
			manifests, err := repo.Attach(t.Context(), image, content("one"), content("two"), content("three"))
			if err != nil {
				t.Fatal(err)
			}
			if len(manifests) != 3 {
				t.Fatalf("attached %d manifests", len(manifests))
			}
			if diff := cmp.Diff([]string{"one", "three", "two"}, texts(t, client(), image)); diff != "" {
				t.Error(diff)
			}
			// Again is harmless, and another's comes on top.
			if _, err := client().Attach(t.Context(), image, content("one"), content("four")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"four", "one", "three", "two"}, texts(t, client(), image)); diff != "" {
				t.Error(diff)
			}
			// What is attached to an attachment is not evidence about the image.
			if _, err := repo.Attach(t.Context(), manifests[0], content("about one")); err != nil {
				t.Fatal(err)
			}
			if got := texts(t, client(), image); len(got) != 4 {
				t.Errorf("evidence: %q", got)
			}
			tree, err := repo.Tree(t.Context(), image)
			if err != nil || strings.Count(tree, "\n") != 6+5 || strings.Contains(tree, "cannot be read") {
				t.Errorf("%v\n%s", err, tree)
			}
			for d, err := range repo.Evidence(t.Context(), image) { // by the name that a report gives it
				if err != nil || !strings.Contains(tree, "holds "+d.Digest.String()[:19]) {
					t.Errorf("%s, %v: not in\n%s", d.Digest, err, tree)
				}
			}
			for _, m := range manifests {
				if !strings.Contains(tree, m.Digest.String()[:19]) {
					t.Errorf("%s is not in\n%s", m.Digest, tree)
				}
			}
			// A different subject has nothing.
			if got := texts(t, client(), pushImage(t, repo, "other")); len(got) != 0 {
				t.Errorf("evidence of another: %q", got)
			}
		})
	}
}

// What Attach writes is what cosign v3 writes, to the member.
func TestAttachLayout(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	manifests, err := repo.Attach(t.Context(), image, content("bundle"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := repo.Fetch(t.Context(), manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	var got map[string]any
	if err := json.NewDecoder(body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"schemaVersion": 2.0,
		"mediaType":     "application/vnd.oci.image.manifest.v1+json",
		"artifactType":  bundleType,
		"config": map[string]any{"mediaType": "application/vnd.oci.empty.v1+json", "size": 2.0,
			"digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
		"layers": []any{map[string]any{"mediaType": bundleType, "size": 6.0, "digest": string(digest.FromString("bundle")),
			"data": "YnVuZGxl"}},
		"subject":     map[string]any{"mediaType": image.MediaType, "size": float64(image.Size), "digest": string(image.Digest)},
		"annotations": map[string]any{"dev.sigstore.bundle.content": "dsse-envelope"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Ten clients that know nothing of each other attach at once to a registry without the API. All ten stay.
func TestConcurrentAttach(t *testing.T) {
	const clients = 10
	rounds := 5
	if heavy() {
		rounds = 20
	}
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
	defer s.Close()
	survived := 0
	for round := range rounds {
		image := pushImage(t, open(t, s.Host()+"/demo/app", nil), fmt.Sprint(round))
		var wg sync.WaitGroup
		errs := make([]error, clients)
		for i := range clients {
			wg.Go(func() {
				repo, err := registry.Open(s.Host()+"/demo/app", nil)
				if err == nil {
					_, err = repo.Attach(context.Background(), image, content(fmt.Sprint("by client ", i)))
				}
				errs[i] = err
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if n := len(texts(t, open(t, s.Host()+"/demo/app", nil), image)); n != clients {
			t.Errorf("round %d: %d of %d survived", round, n, clients)
		} else {
			survived++
		}
	}
	t.Logf("%d of %d in %d of %d rounds", clients, clients, survived, rounds)
}

// pause is a quirk that holds a PUT of a fallback tag until it is let go: a writer that sleeps between reading and writing.
type pause struct {
	armed         atomic.Bool
	held, release chan struct{}
}

func newPause() *pause { return &pause{held: make(chan struct{}), release: make(chan struct{})} }

func (p *pause) quirk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256-") && p.armed.CompareAndSwap(true, false) {
			close(p.held)
			<-p.release
		}
		next.ServeHTTP(w, r)
	})
}

// A writer that pauses overwrites, as the package says, and Repair mends it.
func TestPausedWriterAndRepair(t *testing.T) {
	p := newPause()
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{p.quirk, registrytest.NoReferrers(404)}})
	defer s.Close()
	slow, quick := open(t, s.Host()+"/demo/app", nil), open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, quick, "app")

	p.armed.Store(true)
	done := make(chan error)
	go func() { _, err := slow.Attach(context.Background(), image, content("slow")); done <- err }()
	<-p.held
	mine, err := quick.Attach(t.Context(), image, content("quick"))
	if err != nil {
		t.Fatal(err)
	}
	close(p.release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := texts(t, quick, image); len(got) != 1 {
		t.Fatalf("the paused writer was expected to overwrite: %q", got)
	}
	if err := quick.Repair(t.Context(), image, mine...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"quick", "slow"}, texts(t, quick, image)); diff != "" {
		t.Error(diff)
	}
}

// The index keeps what others wrote, byte for byte and in order, even what nobody understands.
func TestForeignEntriesStay(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	other := pushImage(t, repo, "other")
	foreign := fmt.Sprintf(`{"x-unknown": [1.50],  "manifests": [ {"digest":%q,"mediaType":%q, "size":%d, "x":{"b":1,"a":2}} , `+
		`{"digest":%[1]q,"mediaType":%[2]q,"size":%[3]d}]  ,"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}`,
		other.Digest, other.MediaType, other.Size)
	d := push(t, repo, ocispec.MediaTypeImageIndex, []byte(foreign))
	tag := strings.Replace(image.Digest.String(), ":", "-", 1)
	if err := repo.Tag(t.Context(), d, tag); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(t.Context(), image, content("ours")); err != nil {
		t.Fatal(err)
	}
	d, err := repo.Resolve(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	body, err := repo.Fetch(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	before, after, _ := strings.Cut(foreign, `}]`)
	if !strings.HasPrefix(string(data), before+`},{`) || !strings.HasSuffix(string(data), `]`+after) {
		t.Errorf("before: %s\nafter:  %s", foreign, data)
	}
}

func TestCopyKeepsEverything(t *testing.T) {
	for name, start := range kinds(t) {
		if few := []string{"memory", "layout", "API answers 404", "API answers nothing", "subject at fallback tag"}; !heavy() &&
			!slices.Contains(few, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := start(t)()
			// Two platforms; a signature on the index, an SBOM on each platform, a signature on one SBOM and on that one.
			amd, arm := pushImage(t, from, "amd64"), pushImage(t, from, "arm64")
			amd.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
			arm.Platform = &ocispec.Platform{OS: "linux", Architecture: "arm64"}
			index := push(t, from, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
				Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
				Manifests: []registry.Descriptor{amd, arm}}))
			if err := from.Tag(t.Context(), index, "v1"); err != nil {
				t.Fatal(err)
			}
			attach := func(to registry.Descriptor, text string) registry.Descriptor {
				t.Helper()
				m, err := from.Attach(t.Context(), to, content(text))
				if err != nil {
					t.Fatal(err)
				}
				return m[0]
			}
			attach(index, "signature")
			boms := []registry.Descriptor{attach(amd, "SBOM of amd64"), attach(arm, "SBOM of arm64")}
			deep := attach(boms[0], "signature on the SBOM")
			attach(deep, "signature on the signature")
			if name != "subject at fallback tag" {
				if err := from.AttachCosign(t.Context(), amd, simpleSigning("payload", "c2ln")); err != nil {
					t.Fatal(err)
				}
			}

			s := registrytest.Start(nil)
			defer s.Close()
			there := open(t, s.Host()+"/copy/app", nil)
			layout, err := registry.OpenLayout(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			s2 := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
			defer s2.Close()
			back := open(t, s2.Host()+"/back/app", nil)
			for _, hop := range [][2]*registry.Repository{{layout, from}, {there, layout}, {back, there}, {back, there}} {
				var count int
				var size int64
				got, err := registry.Copy(t.Context(), hop[0], hop[1], "v1", &registry.CopyOptions{Progress: func(p registry.CopyProgress) {
					if p.Count != count+1 || p.Bytes < size || p.Count > p.Total || p.Bytes > p.TotalBytes || p.Digest == "" {
						t.Errorf("progress went from %d, %d to %+v", count, size, p)
					}
					count, size = p.Count, p.Bytes
				}})
				if count < 10 {
					t.Errorf("progress told of %d manifests and blobs", count)
				}
				if err != nil || got.Digest != index.Digest {
					t.Fatalf("%v, %v", got, err)
				}
				for _, want := range []struct {
					on   registry.Descriptor
					text string
				}{{index, "signature"}, {amd, "SBOM of amd64"}, {arm, "SBOM of arm64"}, {boms[0], "signature on the SBOM"}, {deep,
					"signature on the signature"}} {
					if got := texts(t, hop[0], want.on); len(got) != 1 || got[0] != want.text {
						t.Errorf("on %s: %q, want %q", want.on.Digest, got, want.text)
					}
				}
			}
			if _, err := back.Resolve(t.Context(), strings.Replace(amd.Digest.String(), ":", "-", 1)+".sig"); err != nil &&
				name != "subject at fallback tag" {
				t.Errorf("cosign's signature did not come along: %v", err)
			}
			children, err := back.Children(t.Context(), index)
			if err != nil || len(children) != 2 || children[0].Platform.Architecture != "amd64" {
				t.Errorf("children %v, %v", children, err)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	for name, want := range map[string]string{
		"ghcr.io/acme/app":         "ghcr.io/acme/app",
		"ghcr.io/acme/app:v1":      "ghcr.io/acme/app",
		"localhost:5000/app":       "localhost:5000/app",
		"alpine":                   "docker.io/library/alpine",
		"alpine:3":                 "docker.io/library/alpine",
		"acme/app":                 "docker.io/acme/app",
		"index.docker.io/acme/app": "docker.io/acme/app",
		"docker.io/alpine:3":       "docker.io/library/alpine",
		"index.docker.io/alpine":   "docker.io/library/alpine",
		"docker.io/acme/app":       "docker.io/acme/app",
		"ghcr.io/a@sha256:" + strings.Repeat("0", 64): "ghcr.io/a",
	} {
		if r, err := registry.Open(name, nil); err != nil || r.Name() != want {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	for _, name := range []string{"", "/", "ghcr.io/", "docker.io/", "docker.io/:v1", "GHCR.io/ACME", "ghcr.io/a:b:c",
		"ghcr.io/a@sha256:1", "ghcr.io/a b", "ghcr.io/../a", "http://ghcr.io/a"} {
		if r, err := registry.Open(name, nil); !errors.Is(err, registry.ErrInvalid) {
			t.Errorf("%q: %v, %v", name, r, err)
		}
	}
}

// Failures are told apart, and never taken for nothing there.
func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		status int
		want   error
	}{{401, registry.ErrUnauthorized}, {403, registry.ErrUnauthorized}, {500, registry.ErrUnavailable}, {503, registry.ErrUnavailable},
		{418, registry.ErrMalformed}} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			t.Parallel()
			var failing atomic.Bool
			s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if failing.Load() {
						w.Header().Set("Retry-After", "0")
						w.WriteHeader(tt.status)
						return
					}
					next.ServeHTTP(w, r)
				})
			}}})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app:v1", nil)
			image := pushImage(t, repo, "app")
			failing.Store(true)
			if _, err := repo.Resolve(t.Context(), "v1"); !errors.Is(err, tt.want) {
				t.Errorf("Resolve: %v", err)
			}
			n := 0
			for d, err := range repo.Evidence(t.Context(), image) {
				if n++; d.Digest != "" || !errors.Is(err, tt.want) {
					t.Errorf("Evidence: %v, %v", d, err)
				}
			}
			if n != 1 {
				t.Errorf("Evidence ended after %d steps without saying why", n)
			}
			var attach *registry.AttachError
			if _, err := repo.Attach(t.Context(), image, content("x")); !errors.Is(err, tt.want) || !errors.As(err, &attach) {
				t.Errorf("Attach: %v", err)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		s := registrytest.Start(nil)
		s.Close()
		repo := open(t, s.Host()+"/demo/app:v1", nil)
		if _, err := repo.Resolve(t.Context(), ""); !errors.Is(err, registry.ErrUnavailable) {
			t.Error(err)
		}
	})
	t.Run("missing repository", func(t *testing.T) {
		s := registrytest.Start(&registrytest.Options{Registry: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			fmt.Fprint(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}`)
		})})
		defer s.Close()
		repo := open(t, s.Host()+"/demo/app", nil)
		for _, err := range repo.Referrers(t.Context(), content("x")) {
			if !errors.Is(err, registry.ErrNotFound) {
				t.Error(err)
			}
		}
	})
	t.Run("no answer in time", func(t *testing.T) {
		s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.Throttled(1000, "3600")}})
		defer s.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := open(t, s.Host()+"/demo/app:v1", nil).Resolve(ctx, ""); !errors.Is(err, registry.ErrUnavailable) {
			t.Error(err)
		}
		if time.Since(start) > 4*time.Second {
			t.Error("waited although the deadline leaves no room for what the registry asks")
		}
	})
}

// Subjects by SHA-512, whose fallback tag is cut short to be one.
func TestSHA512(t *testing.T) {
	var subject atomic.Pointer[string] // that its fallback tag resolves to
	resolves := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			if before, _, found := strings.Cut(r.URL.Path, "/manifests/sha512-"); found && r.Method == http.MethodGet &&
				subject.Load() != nil {
				if next.ServeHTTP(rec, r); rec.Code == http.StatusNotFound {
					r = r.Clone(r.Context())
					r.URL.Path = before + "/manifests/" + *subject.Load()
				}
			}
			next.ServeHTTP(w, r)
		})
	}
	for name, quirks := range map[string][]registrytest.Quirk{
		"API": nil, "fallback": {registrytest.NoReferrers(404)}, "subject at fallback tag": {resolves, registrytest.NoReferrers(404)},
	} {
		t.Run(name, func(t *testing.T) {
			s := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(t.TempDir()), Quirks: quirks})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app", &registry.Options{Cache: &registry.Cache{Dir: t.TempDir()}})
			data := asJSON(t, ocispec.Manifest{
				Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
				Config: push(t, repo, ocispec.MediaTypeImageConfig, []byte(`{}`)), Layers: []registry.Descriptor{},
			})
			image := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.SHA512.FromBytes(data),
				Size: int64(len(data))}
			if err := repo.Push(t.Context(), image, bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
			whole := image.Digest.String()
			subject.Store(&whole)
			if d, err := repo.Resolve(t.Context(), whole); err != nil || d.Digest != image.Digest {
				t.Errorf("%v, %v", d, err)
			}
			c := content("one")
			c.Digest = digest.SHA512.FromBytes(c.Data)
			if _, err := repo.Attach(t.Context(), image, c); err != nil {
				t.Fatal(err)
			}
			layout := reopen(t, t.TempDir())
			if _, err := registry.Copy(t.Context(), layout, repo, whole, nil); err != nil {
				t.Fatal(err)
			}
			for _, r := range []*registry.Repository{repo, repo, layout} {
				if diff := cmp.Diff([]string{"one"}, texts(t, r, image)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// Only what may be sent twice is sent twice, with its whole body, and no more often than the limit.
func TestRetries(t *testing.T) {
	var (
		mu       sync.Mutex
		failures int
		counts   map[string]int
		bodies   [][]byte
		answer   func(w http.ResponseWriter)
	)
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			counts[r.Method]++
			if r.Method == http.MethodPut {
				body, _ := io.ReadAll(r.Body)
				bodies = append(bodies, body)
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			if failures > 0 {
				failures--
				answer(w)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	status := func(code int, after string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(code)
		}
	}
	abort := func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	reset := func(n int, with func(w http.ResponseWriter)) {
		mu.Lock()
		defer mu.Unlock()
		failures, counts, bodies, answer = n, make(map[string]int), nil, with
	}
	reset(0, nil)
	image := pushImage(t, repo, "app")
	manifest := fetch(t, repo, image)
	large := bytes.Repeat([]byte("x"), 1<<16)
	blob := registry.Descriptor{MediaType: "application/octet-stream", Digest: digest.FromBytes(large), Size: int64(len(large))}
	past := time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat)

	for _, tt := range []struct {
		name     string
		failures int
		answer   func(w http.ResponseWriter)
		do       func(ctx context.Context) error
		method   string
		times    int
		want     error
	}{
		{"read", 2, status(503, "0"), func(ctx context.Context) error { _, err := repo.Manifest(ctx, image); return err }, "GET", 3, nil},
		{"read, in vain", 99, status(503, "0"),
			func(ctx context.Context) error { _, err := repo.Manifest(ctx, image); return err }, "GET", 4,
			registry.ErrUnavailable},
		{"read, throttled until a date", 1, status(429, past), func(ctx context.Context) error {
			_, err := repo.Manifest(ctx,
				image)
			return err
		}, "GET", 2, nil},
		{"read, what fails for good", 99, status(418, "0"), func(ctx context.Context) error {
			_, err := repo.Manifest(ctx,
				image)
			return err
		}, "GET", 1, registry.ErrMalformed},
		{"read, an error of the server", 2, status(500, "0"), func(ctx context.Context) error {
			_, err := repo.Manifest(ctx,
				image)
			return err
		}, "GET", 3, nil},
		{"read, too slow to ask", 2, status(408, "0"), func(ctx context.Context) error { _, err := repo.Manifest(ctx, image); return err },
			"GET", 3, nil},
		{"read, reset", 2, abort, func(ctx context.Context) error { _, err := repo.Manifest(ctx, image); return err }, "GET", 3, nil},
		{"manifest", 2, status(502, "0"),
			func(ctx context.Context) error { return repo.Push(ctx, image, bytes.NewReader(manifest)) }, "PUT",
			3, nil},
		{"upload may have begun", 1, status(502, "0"), func(ctx context.Context) error {
			return repo.Push(ctx, blob,
				bytes.NewReader(large))
		}, "POST", 2, nil},
		{"upload was turned away", 1, status(429, "0"), func(ctx context.Context) error {
			return repo.Push(ctx, blob,
				bytes.NewReader(large))
		}, "POST", 2, nil},
		{"no room before the deadline", 99, status(429, "99999999999"), func(ctx context.Context) error {
			_, err := repo.Manifest(ctx,
				image)
			return err
		}, "GET", 1, registry.ErrUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			reset(tt.failures, tt.answer)
			if err := tt.do(ctx); !errors.Is(err, tt.want) {
				t.Errorf("%v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if counts[tt.method] != tt.times {
				t.Errorf("%d times %s, want %d", counts[tt.method], tt.method, tt.times)
			}
			for _, b := range bodies {
				if len(b) != len(manifest) && len(b) != len(large) {
					t.Errorf("a body of %d bytes", len(b))
				}
			}
		})
	}
}

// Where others keep replacing the index, Attach gives up with an error that says what is there, and from which only the
// index is left to do.
func TestContended(t *testing.T) {
	t.Parallel()
	var contended atomic.Bool
	var read atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var c counter
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{c.quirk(), registrytest.NoReferrers(404),
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if contended.Load() && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/sha256-") {
					if read.Add(1) == 4 {
						cancel() // or it would take longer for what may only be late
					}
					w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
					fmt.Fprintf(w, `{"schemaVersion":2,"mediaType":%q,"manifests":[]}`, ocispec.MediaTypeImageIndex)
					return
				}
				next.ServeHTTP(w, r)
			})
		}}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	contended.Store(true)
	var partial *registry.AttachError
	if _, err := repo.Attach(ctx, image, content("one"), content("two")); !errors.Is(err, registry.ErrContended) || !errors.As(err,
		&partial) || len(partial.Pushed) != 2 {
		t.Fatal(err)
	}
	contended.Store(false)
	c.take()
	if err := repo.Repair(t.Context(), image, partial.Pushed...); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.take() {
		if !strings.Contains(r, "/referrers/") && !strings.Contains(r, "/manifests/sha256-") {
			t.Errorf("Repair does %s", r)
		}
	}
	if diff := cmp.Diff([]string{"one", "two"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
}

// conditional is a registry that honours If-Match and If-None-Match on tags, for what no registry in these tests does.
func conditional(next http.Handler) http.Handler {
	var mu sync.Mutex
	etags := make(map[string]string)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, tag, found := strings.Cut(r.URL.Path, "/manifests/")
		if !found || strings.Contains(tag, ":") {
			next.ServeHTTP(w, r)
			return
		}
		now := etags[r.URL.Path]
		if r.Method == http.MethodPut {
			if r.Header.Get("If-None-Match") == "*" && now != "" || r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != now {
				w.WriteHeader(http.StatusPreconditionFailed)
				return
			}
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			etags[r.URL.Path] = `"` + digest.FromBytes(body).String() + `"`
		} else if now != "" {
			w.Header().Set("ETag", now)
		}
		next.ServeHTTP(w, r)
	})
}

// Where the registry takes conditions, nobody overwrites anybody, not even who pauses for long.
func TestPausedWriterAndConditions(t *testing.T) {
	p := newPause()
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{p.quirk, registrytest.NoReferrers(404), conditional}})
	defer s.Close()
	slow, quick := open(t, s.Host()+"/demo/app", nil), open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, quick, "app")
	p.armed.Store(true)
	done := make(chan error)
	go func() { _, err := slow.Attach(context.Background(), image, content("slow")); done <- err }()
	<-p.held
	for _, text := range []string{"quick", "again"} {
		if _, err := quick.Attach(t.Context(), image, content(text)); err != nil {
			t.Fatal(err)
		}
	}
	close(p.release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"again", "quick", "slow"}, texts(t, quick, image)); diff != "" {
		t.Error(diff)
	}
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if err := open(t, s.Host()+"/demo/app", nil).AttachCosign(t.Context(), image,
				simpleSigning("payload", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	d, err := quick.Resolve(t.Context(), tagOf(image, ".sig"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := quick.Manifest(t.Context(), d); err != nil || len(m.Layers) != 10 {
		t.Errorf("%d of 10 signatures, %v", len(m.Layers), err)
	}
}

// What a registry lists may be anything, and does not reach the terminal as it is.
func TestTreeOfControlCharacters(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Registry: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		_, _ = io.WriteString(w,
			`{"schemaVersion":2,"manifests":[{"digest":"\u001b[2Jsha256","artifactType":"\u001b[31m\u009b",`+
				`"annotations":{"dev.sigstore.bundle.predicateType":"\n"}}]}`)
	})})
	defer s.Close()
	tree, _ := open(t, s.Host()+"/demo/app", nil).Tree(t.Context(), content("x"))
	if strings.ContainsAny(tree, "\x1b\u009b") || strings.Count(tree, "\n") != 3 {
		t.Errorf("%q", tree)
	}
}

// Listings and streams that are left early leave nothing running.
func TestNothingIsLeftRunning(t *testing.T) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.PagedReferrers(2)}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{Transport: transport, Cache: new(registry.Cache)})
	image := pushImage(t, repo, "app")
	var contents []registry.Descriptor
	for i := range 7 {
		contents = append(contents, content(fmt.Sprint(i)))
	}
	if _, err := repo.Attach(t.Context(), image, contents...); err != nil {
		t.Fatal(err)
	}
	transport.CloseIdleConnections()
	before := runtime.NumGoroutine()
	for range 20 {
		for range repo.Evidence(t.Context(), image) {
			break
		}
		for range repo.Referrers(t.Context(), image) {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range repo.Evidence(ctx, image) {
			cancel()
		}
		cancel()
		body, err := repo.Fetch(t.Context(), image)
		if err != nil {
			t.Fatal(err)
		}
		body.Close()
	}
	for range 100 {
		transport.CloseIdleConnections()
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
