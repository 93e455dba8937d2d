package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func fetch(t testing.TB, r *registry.Repository, d registry.Descriptor) []byte {
	t.Helper()
	body, err := r.Fetch(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Evidence under an artifact type of somebody's own is found; what is known to be something else is not looked into, and
// not taken for evidence when it is attached.
func TestEvidenceUnderAnotherArtifactType(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	other := content("other")
	other.ArtifactType = "application/vnd.amazon.soci.index.v1+json"
	if _, err := repo.Attach(t.Context(), image, other); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(),
		"EvidenceTypes") {
		t.Errorf("Attach: %v", err)
	}
	odd := content("odd")
	odd.ArtifactType = "application/vnd.acme.evidence"
	if _, err := repo.Attach(t.Context(), image, odd); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"odd"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
	knowing := open(t, s.Host()+"/demo/app", &registry.Options{EvidenceTypes: append(registry.EvidenceTypes(), other.ArtifactType)})
	if _, err := knowing.Attach(t.Context(), image, other); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"odd", "other"}, texts(t, knowing, image)); diff != "" {
		t.Error(diff)
	}
	image = pushImage(t, repo, "another")
	// An envelope in a manifest that says it is in-toto is evidence as it is, signed by Notary or not.
	statement := envelope("envelope")
	statement.ArtifactType = "application/vnd.in-toto+json"
	if _, err := repo.Attach(t.Context(), image, statement); err != nil {
		t.Fatal(err)
	}
	var got []string
	for d, err := range repo.Evidence(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(d.Data))
	}
	if diff := cmp.Diff([]string{"envelope"}, got); diff != "" {
		t.Error(diff)
	}
}

// attachSigned attaches a document to an image, and signatures of Notary Project to the document, which it returns.
func attachSigned(t *testing.T, repo *registry.Repository, image registry.Descriptor, texts ...string) (signatures []registry.Descriptor) {
	t.Helper()
	bom := content(`{"bomFormat":"CycloneDX"}`)
	bom.MediaType = "application/vnd.cyclonedx+json"
	artifacts, err := repo.Attach(t.Context(), image, bom)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		s := content(text)
		s.MediaType, s.ArtifactType = "application/jose+json", "application/vnd.cncf.notary.signature"
		signatures = append(signatures, s)
	}
	if _, err := repo.Attach(t.Context(), artifacts[0], signatures...); err != nil {
		t.Fatal(err)
	}
	return signatures
}

// One signature that cannot be had is an error of its own; the good one beside it still counts.
func TestCompositeWithOneBadSignature(t *testing.T) {
	var gone string
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if gone != "" && strings.HasSuffix(r.URL.Path, gone) {
				http.NotFound(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	signatures := attachSigned(t, repo, image, strings.Repeat("lost", 5000), "good")
	gone = signatures[0].Digest.String()
	var failed, candidates int
	for d, err := range repo.Evidence(t.Context(), image) {
		switch {
		case d.Digest == "":
			t.Errorf("the iteration ended: %v", err)
		case err != nil:
			failed++
		case d.MediaType == ocispec.MediaTypeImageIndex:
			candidates++
		}
	}
	if failed != 1 || candidates != 1 {
		t.Errorf("%d errors and %d candidates, want one of each", failed, candidates)
	}
}

// A registry without types for its manifests still has a fallback index; what is no index stays as it is.
func TestFallbackTagOfAnotherType(t *testing.T) {
	vague := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/sha256-") {
				w = &typed{w, "application/json"}
			}
			next.ServeHTTP(w, r)
		})
	}
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{vague, registrytest.NoReferrers(404)}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	for _, text := range []string{"one", "two"} {
		if _, err := repo.Attach(t.Context(), image, content(text)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"one", "two"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}

	other := pushImage(t, repo, "other")
	if err := repo.Tag(t.Context(), image, tagOf(other, "")); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(t.Context(), other, content("one")); !errors.Is(err, registry.ErrMalformed) {
		t.Errorf("Attach where the fallback tag is an image: %v", err)
	}
	if d, err := repo.Resolve(t.Context(), tagOf(other, "")); err != nil || d.Digest != image.Digest {
		t.Errorf("the tag was replaced: %v, %v", d, err)
	}
}

type typed struct {
	http.ResponseWriter
	as string
}

func (t *typed) WriteHeader(status int) {
	t.Header().Set("Content-Type", t.as)
	t.ResponseWriter.WriteHeader(status)
}

func (t *typed) Write(p []byte) (int, error) {
	t.Header().Set("Content-Type", t.as)
	return t.ResponseWriter.Write(p)
}

// An API that lists others, and never what was attached: nobody would look at the fallback tag, so Attach must not say
// that all is well.
func TestListingNeverShows(t *testing.T) {
	var hide string
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if hide != "" && strings.Contains(r.URL.Path, "/referrers/") {
				w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
				_, _ = io.WriteString(w, hide)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	first, err := repo.Attach(t.Context(), image, content("one"))
	if err != nil {
		t.Fatal(err)
	}
	hide = string(asJSON(t, ocispec.Index{Manifests: first}))
	var partial *registry.AttachError
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // or it would take longer for what may only be late
	defer cancel()
	if _, err := repo.Attach(ctx, image, content("two")); !errors.As(err, &partial) || !errors.Is(err, registry.ErrUnavailable) ||
		len(partial.Pushed) != 1 {
		t.Fatalf("%v", err)
	}
	hide = ""
	if err := repo.Repair(t.Context(), image, partial.Pushed...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
}

func TestTotalBytes(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{Limits: registry.Limits{TotalBytes: 250}})
	image := pushImage(t, repo, "app")
	if _, err := repo.Attach(t.Context(), image, content(strings.Repeat("a", 100)), content(strings.Repeat("b", 100)),
		content(strings.Repeat("c", 100))); err != nil {
		t.Fatal(err)
	}
	var last error
	n := 0
	for d, err := range repo.Evidence(t.Context(), image) {
		if last = err; err == nil {
			n++
		} else if d.Digest != "" {
			t.Errorf("%v beside %v", err, d)
		}
	}
	if n != 2 || !errors.Is(last, registry.ErrLimit) {
		t.Errorf("%d candidates, then %v", n, last)
	}
}

// Manifests that hold nothing are bounded too, where the registry does not say which those are.
func TestManifestBytes(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.BareReferrers()}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{Limits: registry.Limits{ManifestBytes: 8192, Pages: 1}})
	image := pushImage(t, repo, "app")
	var contents []registry.Descriptor
	for i := range 20 {
		c := content(fmt.Sprint(i))
		c.MediaType = "application/octet-stream"
		contents = append(contents, c)
	}
	if _, err := repo.Attach(t.Context(), image, contents...); err != nil {
		t.Fatal(err)
	}
	last := errors.New("no error")
	for d, err := range repo.Evidence(t.Context(), image) {
		if last = err; d.Digest != "" {
			t.Errorf("%v, %v", d, err)
		}
	}
	if !errors.Is(last, registry.ErrLimit) {
		t.Error(last)
	}
}

// A cache that repositories share keeps content, and never what one of them is about.
func TestCacheOfTwoRepositories(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	cache := &registry.Cache{ListingLifetime: 1 << 40, TagLifetime: 1 << 40}
	o := &registry.Options{Cache: cache}
	a, b := open(t, s.Host()+"/demo/a", o), open(t, s.Host()+"/demo/b", o)
	image := pushImage(t, a, "app")
	if err := a.Tag(t.Context(), image, "v1"); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"v1", image.Digest.String()} {
		if _, err := a.Resolve(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if d, err := b.Resolve(t.Context(), ref); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%s in the other repository: %v, %v", ref, d, err)
		}
	}
	// A tag that is moved through this client has moved at once.
	next := pushImage(t, a, "next")
	if err := a.Tag(t.Context(), next, "v1"); err != nil {
		t.Fatal(err)
	}
	if d, err := a.Resolve(t.Context(), "v1"); err != nil || d.Digest != next.Digest {
		t.Errorf("v1 is %v, %v", d, err)
	}
	// What the caller does to a candidate stays with the caller.
	if _, err := a.Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for d, err := range a.Evidence(t.Context(), image) {
			if err != nil || digest.FromBytes(d.Data) != d.Digest {
				t.Fatalf("%+v, %v", d, err)
			}
			clear(d.Data)
		}
	}
	// Repositories without name share no memory of names.
	x, y := registry.New(oneTag{image}, o), registry.New(oneTag{next}, o)
	for repo, want := range map[*registry.Repository]registry.Descriptor{x: image, y: next} {
		for range 2 {
			if d, err := repo.Resolve(t.Context(), "v1"); err != nil || d.Digest != want.Digest {
				t.Errorf("v1 is %v, %v", d, err)
			}
		}
	}
}

// oneTag is a backend with one manifest.
type oneTag struct{ registry.Descriptor }

func (o oneTag) Resolve(context.Context, string) (registry.Descriptor, error) {
	return o.Descriptor, nil
}
func (o oneTag) Fetch(context.Context, registry.Descriptor) (io.ReadCloser, error) {
	return nil, registry.ErrNotFound
}
func (o oneTag) Push(context.Context, registry.Descriptor, io.Reader, string) error {
	return registry.ErrUnsupported
}
func (o oneTag) Referrers(context.Context, registry.Descriptor) iter.Seq2[registry.Descriptor, error] {
	return func(func(registry.Descriptor, error) bool) {}
}

// Under cosign's tags there may be anything, so Referrers tells of them only when asked.
func TestReferrersUnderCosignTags(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	if err := repo.AttachCosign(t.Context(), image, simpleSigning("payload", "c2ln"), envelope("envelope")); err != nil {
		t.Fatal(err)
	}
	if err := repo.Tag(t.Context(), pushImage(t, repo, "sbom"), tagOf(image, ".sbom")); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[bool]int{false: 1, true: 4} {
		n := 0
		for _, err := range open(t, s.Host()+"/demo/app", &registry.Options{CosignTags: asked}).Referrers(t.Context(), image) {
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

// Only a strong ETag can be a condition, and where nothing was, nothing must be.
func TestConditions(t *testing.T) {
	for etag, want := range map[string]string{`"1"`: `"1"`, `W/"1"`: "", "": ""} {
		var conditions []string
		s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404),
			func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.URL.Path, "/manifests/sha256-") {
						if r.Method == http.MethodPut {
							conditions = append(conditions, r.Header.Get("If-None-Match")+r.Header.Get("If-Match"))
						} else if etag != "" {
							w.Header().Set("ETag", etag)
						}
					}
					next.ServeHTTP(w, r)
				})
			}}})
		repo := open(t, s.Host()+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		for _, text := range []string{"one", "two"} {
			if _, err := repo.Attach(t.Context(), image, content(text)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"*", want}, conditions); diff != "" {
			t.Errorf("ETag %s: %s", etag, diff)
		}
		s.Close()
	}
}

// cosign's signature is an annotation of its layer, and is found there whichever way it was attached.
func TestSimpleSigningAsReferrer(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	signature := simpleSigning("payload", "c2ln")
	signature.ArtifactType = "application/vnd.dev.cosign.artifact.sig.v1+json"
	if _, err := repo.Attach(t.Context(), image, signature); err != nil {
		t.Fatal(err)
	}
	n := 0
	for d, err := range repo.Evidence(t.Context(), image) {
		if n++; err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(signature, d); diff != "" {
			t.Error(diff)
		}
	}
	if n != 1 {
		t.Errorf("%d candidates", n)
	}
}

// Whoever waits for what another fetches waits no longer than its own context, and then says why.
func TestWaitingForTheCacheEnds(t *testing.T) {
	fetching, release := make(chan struct{}), make(chan struct{})
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.Watch(func(r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") {
			close(fetching)
			<-release
		}
	})}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{Cache: new(registry.Cache)})
	image := pushImage(t, repo, "app")
	done := make(chan error)
	go func() { _, err := repo.Manifest(context.Background(), image); done <- err }()
	<-fetching
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := repo.Manifest(ctx, image); !errors.Is(err, registry.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What was deleted is not there any more, though its digest was resolved before.
func TestDeletedIsForgotten(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(t.TempDir())})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{Cache: new(registry.Cache)})
	image := pushImage(t, repo, "app")
	attached, err := repo.Attach(t.Context(), image, content("one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Resolve(t.Context(), attached[0].Digest.String()); err != nil {
		t.Fatal(err)
	}
	if err := repo.Delete(t.Context(), image, attached[0]); err != nil {
		t.Fatal(err)
	}
	if d, err := repo.Resolve(t.Context(), attached[0].Digest.String()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("%v, %v", d, err)
	}
}

// A referrer that is an index holds no evidence, whatever it is listed as, and is no reason to believe that some is
// missing.
func TestIndexAsReferrer(t *testing.T) {
	for _, hints := range []registrytest.Quirk{registrytest.BareReferrers(), registrytest.NoSubjectHeader()} {
		s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{hints}})
		repo := open(t, s.Host()+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		push(t, repo, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, ArtifactType: bundleType,
			Manifests: []registry.Descriptor{}, Subject: &image,
		}))
		if _, err := repo.Attach(t.Context(), image, content("one")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"one"}, texts(t, repo, image)); diff != "" {
			t.Error(diff)
		}
		s.Close()
	}
}

// A signature by Notary whose type the registry does not say is found all the same.
func TestCompositeWithoutHints(t *testing.T) {
	vague := listing(func(list *ocispec.Index) {
		for i := range list.Manifests {
			list.Manifests[i].ArtifactType = ocispec.MediaTypeEmptyJSON // the configuration's
		}
	})
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{vague}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	attachSigned(t, repo, image, "signed")
	n := 0
	for d, err := range repo.Evidence(t.Context(), image) {
		if n++; err != nil || d.MediaType != ocispec.MediaTypeImageIndex {
			t.Errorf("%v, %v", d, err)
		}
	}
	if n != 1 {
		t.Errorf("%d candidates, want the document with its signature", n)
	}
}
