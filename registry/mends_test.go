package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
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
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func handler(f func(next http.Handler, w http.ResponseWriter, r *http.Request)) registrytest.Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(next, w, r) })
	}
}

func isFallback(r *http.Request) bool { return strings.Contains(r.URL.Path, "/manifests/sha256-") }

// One request in thirty fails, and everything succeeds: fifteen attaches and fifteen copies for each way to fail.
func TestRandomFaults(t *testing.T) {
	for name, fail := range map[string]func(w http.ResponseWriter){
		"500":   func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"503":   func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		"reset": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		for kind, quirks := range map[string][]registrytest.Quirk{"API": nil, "fallback": {registrytest.NoReferrers(404)}} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				var on atomic.Bool
				var mu sync.Mutex
				random, failed := rand.New(rand.NewPCG(1, uint64(len(name)+len(kind)))), 0
				s := registrytest.Start(&registrytest.Options{Quirks: append([]registrytest.Quirk{handler(func(next http.Handler,
					w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					now := on.Load() && random.IntN(30) == 0
					if now {
						failed++
					}
					mu.Unlock()
					if now {
						fail(w)
						return
					}
					next.ServeHTTP(w, r)
				})}, quirks...)})
				defer s.Close()
				images := 5
				if heavy() {
					images = 15
				}
				for i := range images {
					on.Store(false)
					image := pushImage(t, open(t, s.Host()+"/from/app", nil), fmt.Sprint("app ", i))
					big := push(t, open(t, s.Host()+"/from/app", nil), ocispec.MediaTypeImageLayer, bytes.Repeat([]byte{byte(i)}, 300<<10))
					index := push(t, open(t, s.Host()+"/from/app", nil), ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
						MediaType: ocispec.MediaTypeImageIndex, Manifests: []registry.Descriptor{image, big}}))
					on.Store(true)
					if _, err := open(t, s.Host()+"/from/app", nil).Attach(t.Context(), index, content("one"), content("two")); err != nil {
						t.Errorf("attach %d: %v", i, err)
					}
					to := open(t, s.Host()+"/to/app"+fmt.Sprint(i), nil)
					if _, err := registry.Copy(t.Context(), to, open(t, s.Host()+"/from/app", nil), index.Digest.String(),
						nil); err != nil {
						t.Errorf("copy %d: %v", i, err)
					}
					on.Store(false)
					if diff := cmp.Diff([]string{"one", "two"}, texts(t, to, index)); diff != "" {
						t.Errorf("copy %d: %s", i, diff)
					}
				}
				if t.Logf("%d requests failed", failed); failed == 0 {
					t.Error("nothing failed")
				}
			})
		}
	}
}

// A manifest that was acknowledged and is not there is not attached.
func TestAcknowledgedAndNotThere(t *testing.T) {
	for kind, quirks := range map[string][]registrytest.Quirk{"API": nil, "fallback": {registrytest.NoReferrers(404)}} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var gone atomic.Bool
			s := registrytest.Start(&registrytest.Options{Quirks: append([]registrytest.Quirk{handler(func(next http.Handler,
				w http.ResponseWriter, r *http.Request) {
				if gone.Load() && r.Method != http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256:") {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				next.ServeHTTP(w, r)
			})}, quirks...)})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app", nil)
			image := pushImage(t, repo, "app")
			gone.Store(true)
			var partial *registry.AttachError
			if _, err := repo.Attach(t.Context(), image, content("one")); !errors.Is(err, registry.ErrUnavailable) || !errors.As(err,
				&partial) || len(partial.Pushed) != 0 {
				t.Errorf("%v", err)
			}
		})
	}
}

// Content that was acknowledged and is not there is not attached, unless it is in the manifest too; what was lost once is
// pushed again.
func TestContentAcknowledgedAndNotThere(t *testing.T) {
	for name, tt := range map[string]struct {
		drops int64
		body  registry.Descriptor
		want  error
	}{
		"always": {1 << 30, padded("one"), registry.ErrUnavailable}, "once": {1, padded("one"), nil}, "in the manifest": {1 << 30,
			content("one"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var drops atomic.Int64
			s := registrytest.Start(&registrytest.Options{
				Quirks: []registrytest.Quirk{handler(func(next http.Handler, w http.ResponseWriter,
					r *http.Request) {
					if r.URL.Query().Get("digest") == tt.body.Digest.String() && drops.Add(-1) >= 0 {
						w.WriteHeader(http.StatusCreated)
						return
					}
					next.ServeHTTP(w, r)
				})}})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app", nil)
			image := pushImage(t, repo, "app")
			drops.Store(tt.drops)
			if _, err := repo.Attach(t.Context(), image, tt.body); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			} else if got := read(t.Context(), repo, image); err == nil && (got.err() != nil || len(got.texts) != 1) {
				t.Error(got)
			}
		})
	}
}

// One damaged read of the fallback index, whose digest the header tells, is not written back.
func TestDamagedIndexIsNotWrittenBack(t *testing.T) {
	var damage atomic.Int32
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{handler(func(next http.Handler, w http.ResponseWriter,
		r *http.Request) {
		if r.Method != http.MethodGet || !isFallback(r) || damage.Add(-1) < 0 {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(flipDigit(rec.Body.Bytes()))
	}), registrytest.NoReferrers(404)}})
	defer s.Close()
	for damaged := range int32(6) {
		repo := open(t, s.Host()+"/demo/app", nil)
		image := pushImage(t, repo, fmt.Sprint("app ", damaged))
		if _, err := repo.Attach(t.Context(), image, content("one")); err != nil {
			t.Fatal(err)
		}
		damage.Store(damaged)
		if _, err := repo.Attach(t.Context(), image, content("two")); err != nil {
			t.Errorf("%d damaged: %v", damaged, err)
		}
		damage.Store(0)
		if diff := cmp.Diff([]string{"one", "two"}, texts(t, repo, image)); diff != "" {
			t.Errorf("%d damaged: %s", damaged, diff)
		}
	}
}

// A registry starts the API and lists nothing of what was attached before: the next Attach carries that over.
func TestAPIWithoutBackfill(t *testing.T) {
	var api atomic.Bool
	listed := make(map[string][]registry.Descriptor) // by subject, since there is the API
	var mu sync.Mutex
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{handler(func(next http.Handler, w http.ResponseWriter,
		r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if subject := filepath.Base(r.URL.Path); strings.Contains(r.URL.Path, "/referrers/") && api.Load() {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			list := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: listed[subject]}
			list.SchemaVersion = 2
			_ = json.NewEncoder(w).Encode(list)
			return
		}
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256:") && api.Load() {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			var m ocispec.Manifest
			if json.Unmarshal(body, &m) == nil && m.Subject != nil {
				w.Header().Set("OCI-Subject", m.Subject.Digest.String())
				d := registry.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(body), Size: int64(len(body)),
					ArtifactType: m.ArtifactType}
				of := listed[m.Subject.Digest.String()]
				if !slices.ContainsFunc(of, func(o registry.Descriptor) bool { return o.Digest == d.Digest }) {
					listed[m.Subject.Digest.String()] = append(of, d)
				}
			}
		}
		next.ServeHTTP(w, r)
	}), registrytest.NoReferrers(404)}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	if _, err := repo.Attach(t.Context(), image, content("one"), content("two")); err != nil {
		t.Fatal(err)
	}
	api.Store(true)
	for _, r := range []*registry.Repository{repo, open(t, s.Host()+"/demo/app", nil)} {
		if diff := cmp.Diff([]string{"one", "two"}, texts(t, r, image)); diff != "" {
			t.Errorf("before the next Attach: %s", diff)
		}
	}
	if _, err := open(t, s.Host()+"/demo/app", nil).Attach(t.Context(), image, content("three")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "three", "two"}, texts(t, open(t, s.Host()+"/demo/app", nil), image)); diff != "" {
		t.Errorf("after it: %s", diff)
	}
}

// late shows what was written under a tag, or listed, only after some time.
type late struct {
	mu      sync.Mutex
	history map[string][]version
	by      time.Duration
	what    func(*http.Request) bool
}

type version struct {
	at  time.Time
	rec *httptest.ResponseRecorder
}

func (l *late) quirk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.history == nil {
			l.history = make(map[string][]version)
		}
		look := func(r *http.Request) *httptest.ResponseRecorder {
			r = r.Clone(context.Background())
			r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			return rec
		}
		if !l.what(r) {
			next.ServeHTTP(w, r)
			return
		}
		if l.history[r.URL.Path] == nil {
			l.history[r.URL.Path] = []version{{time.Time{}, look(r)}}
		}
		if r.Method == http.MethodPut {
			next.ServeHTTP(w, r)
			l.history[r.URL.Path] = append(l.history[r.URL.Path], version{time.Now(), look(r)})
			return
		}
		if now := look(r); strings.Contains(r.URL.Path, "/referrers/") {
			if h := l.history[r.URL.Path]; !bytes.Equal(h[len(h)-1].rec.Body.Bytes(), now.Body.Bytes()) {
				l.history[r.URL.Path] = append(h, version{time.Now(), now})
			}
		}
		show := l.history[r.URL.Path][0].rec
		for _, v := range l.history[r.URL.Path] {
			if time.Since(v.at) >= l.by {
				show = v.rec
			}
		}
		for k, v := range show.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(show.Code)
		_, _ = w.Write(show.Body.Bytes())
	})
}

// A list that shows what was pushed only after seconds is waited for, and no fallback tag is written beside it.
func TestListingLags(t *testing.T) {
	t.Parallel()
	l := &late{by: 3 * time.Second, what: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/referrers/") }}
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{l.quirk}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	for _, text := range []string{"one", "two"} { // with nothing listed, and with others
		if _, err := repo.Attach(t.Context(), image, content(text)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"one", "two"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
	if _, err := repo.Resolve(t.Context(), tagOf(image, "")); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("there is a fallback tag: %v", err)
	}
}

// Five seconds after another tool wrote the fallback index the registry shows the state before: what the other attached
// stays, whether there was an index before or none.
func TestStaleReadAfterAnotherTool(t *testing.T) {
	for name, before := range map[string][]string{"none before": nil, "one before": {"before"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &late{by: 5 * time.Second, what: isFallback}
			direct := registrytest.Memory()
			s := registrytest.Start(&registrytest.Options{Registry: direct, Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
			defer s.Close()
			other := open(t, s.Host()+"/demo/app", nil) // sees what is
			stale := registrytest.Start(&registrytest.Options{Registry: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				l.quirk(registrytest.NoReferrers(404)(direct)).ServeHTTP(w, r)
			})})
			defer stale.Close()
			repo := open(t, stale.Host()+"/demo/app", nil)
			image := pushImage(t, other, "app")
			for _, text := range before {
				if _, err := other.Attach(t.Context(), image, content(text)); err != nil {
					t.Fatal(err)
				}
			}
			// The other tool writes through the same front, and does not read back.
			l.mu.Lock()
			l.history = nil
			l.mu.Unlock()
			_ = texts(t, repo, image) // the front knows the state before
			ms := attachBlindly(t, stale.Host(), other, image, "theirs")
			time.Sleep(time.Second)
			if _, err := repo.Attach(t.Context(), image, content("ours")); err != nil {
				t.Fatal(err)
			}
			want := append([]string{"ours", "theirs"}, before...)
			slices.Sort(want)
			if diff := cmp.Diff(want, texts(t, open(t, s.Host()+"/demo/app", nil), image)); diff != "" {
				t.Errorf("%v: %s", ms, diff)
			}
		})
	}
}

// attachBlindly writes a fallback index as a client does that reads it once and writes it once.
func attachBlindly(t *testing.T, host string, repo *registry.Repository, image registry.Descriptor, text string) registry.Descriptor {
	t.Helper()
	list := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []registry.Descriptor{}}
	list.SchemaVersion = 2
	for d, err := range repo.Referrers(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		list.Manifests = append(list.Manifests, d)
	}
	subject := bareOf(image)
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: bundleType, Subject: &subject,
		Config: push(t, repo, ocispec.MediaTypeEmptyJSON, []byte("{}")),
		Layers: []registry.Descriptor{push(t, repo, bundleType, []byte(text))}}
	m.SchemaVersion = 2
	d := push(t, repo, m.MediaType, asJSON(t, m))
	list.Manifests = append(list.Manifests, d)
	req, err := http.NewRequest(http.MethodPut, "http://"+host+"/v2/demo/app/manifests/"+tagOf(image, ""), bytes.NewReader(asJSON(t, list)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", ocispec.MediaTypeImageIndex)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	return d
}

// "manifests": null is an empty index, to which may be added.
func TestNullManifests(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	null := push(t, repo, ocispec.MediaTypeImageIndex,
		[]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","x":[1], "manifests": null ,`+
			`"annotations":{"a":"b"}}`))
	if err := repo.Tag(t.Context(), null, tagOf(image, "")); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, repo, image); len(got) != 0 {
		t.Errorf("%q", got)
	}
	for _, text := range []string{"one", "two"} {
		if _, err := repo.Attach(t.Context(), image, content(text)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"one", "two"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
}

// A registry that answers a fallback tag with its own subject has no place for a list, and says so at once.
func TestOwnSubjectUnderTheFallbackTag(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.SubjectAtFallbackTag(),
		registrytest.NoReferrers(404)}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	start := time.Now()
	if _, err := repo.Attach(t.Context(), image, content("one")); !errors.Is(err, registry.ErrUnsupported) || errors.Is(err,
		registry.ErrContended) {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// Old registries and proxies answer a PUT with 200 or 202.
func TestStoredWithAnotherStatus(t *testing.T) {
	for _, status := range []int{200, 202} {
		s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{handler(func(next http.Handler, w http.ResponseWriter,
			r *http.Request) {
			if r.Method == http.MethodPut {
				w = &statusChanger{w, status}
			}
			next.ServeHTTP(w, r)
		})}})
		repo := open(t, s.Host()+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		if _, err := repo.Attach(t.Context(), image, content("one")); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		if diff := cmp.Diff([]string{"one"}, texts(t, repo, image)); diff != "" {
			t.Error(diff)
		}
		s.Close()
	}
}

type statusChanger struct {
	http.ResponseWriter
	status int
}

func (s *statusChanger) WriteHeader(status int) {
	if status == http.StatusCreated {
		status = s.status
	}
	s.ResponseWriter.WriteHeader(status)
}

// A second copy to immutable tags finds all of it there.
func TestCopyAgainToImmutableTags(t *testing.T) {
	for _, status := range []int{400, 403, 409, 412} {
		s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.ImmutableTags(status)}})
		from := reopen(t, t.TempDir())
		image := pushImage(t, from, "app")
		if err := from.Tag(t.Context(), image, "v1"); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			if d, err := registry.Copy(t.Context(), open(t, s.Host()+"/demo/app", nil), from, "v1", nil); err != nil ||
				d.Digest != image.Digest {
				t.Errorf("%d, copy %d: %v, %v", status, i+1, d, err)
			}
		}
		// Another image under that tag is refused.
		other := pushImage(t, from, "other")
		if err := from.Tag(t.Context(), other, "v1"); err != nil {
			t.Fatal(err)
		}
		if _, err := registry.Copy(t.Context(), open(t, s.Host()+"/demo/app", nil), from, "v1", nil); err == nil {
			t.Errorf("%d: another image took the tag", status)
		}
		s.Close()
	}
}

// What a repository showed of the API is kept in the cache and its directory for a day, and can be forgotten.
func TestAPIIsRemembered(t *testing.T) {
	var gone atomic.Bool
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{handler(func(next http.Handler, w http.ResponseWriter,
		r *http.Request) {
		if gone.Load() && strings.Contains(r.URL.Path, "/referrers/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})}})
	defer s.Close()
	now := time.Now()
	dir := t.TempDir()
	cache := func() *registry.Cache { return &registry.Cache{Dir: dir, Now: func() time.Time { return now }} }
	name := s.Host() + "/demo/app"
	first := cache()
	image := pushImage(t, open(t, name, nil), "app")
	if got := texts(t, open(t, name, &registry.Options{Cache: first}), image); len(got) != 0 {
		t.Errorf("%q", got)
	}
	gone.Store(true)
	fails := func(what string, c *registry.Cache, want error) {
		t.Helper()
		got := read(t.Context(), open(t, name, &registry.Options{Cache: c}), image)
		if err := got.err(); want == nil && err != nil || want != nil &&
			(!errors.Is(err, want) || !strings.Contains(err.Error(), "Forget")) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	fails("another Repository with the cache", first, registry.ErrUnavailable)
	fails("another process with the directory", cache(), registry.ErrUnavailable)
	fails("without the cache", nil, nil)
	later := cache()
	now = now.Add(25 * time.Hour)
	fails("after a day", later, nil)
	now = now.Add(-25 * time.Hour)
	again := cache()
	again.Forget(name)
	fails("when it was forgotten", again, nil)
	fails("by another process too", cache(), nil)

	gone.Store(false)
	repo := open(t, name, nil)
	_ = texts(t, repo, image)
	gone.Store(true)
	if got := read(t.Context(), repo, image); !errors.Is(got.err(), registry.ErrUnavailable) {
		t.Errorf("a Repository without cache: %v", got)
	}
	if _, err := repo.Attach(t.Context(), image, content("one")); !errors.Is(err, registry.ErrUnavailable) {
		// The registry still says OCI-Subject, so there is an API.
		t.Errorf("Attach: %v", err)
	}
	repo.Forget()
	if got := read(t.Context(), repo, image); got.err() != nil {
		t.Errorf("when it was forgotten: %v", got)
	}
}

// A registry behind a proxy asks for Negotiate first, or in other letters; a token service without tokens is no missing
// image, whatever it answers; and a challenge that leads nowhere is malformed.
func TestChallenges(t *testing.T) {
	for name, tt := range map[string]struct {
		header func(string) []string // of the challenge that the registry sends
		token  int                   // what the token service answers instead, if it is not 0
		want   error
	}{
		"Negotiate first":          {func(c string) []string { return []string{"Negotiate", c} }, 0, nil},
		"Negotiate in one header":  {func(c string) []string { return []string{"Negotiate, " + c} }, 0, nil},
		"Basic first":              {func(c string) []string { return []string{`Basic realm="x"`, c} }, 0, nil},
		"upper case":               {func(c string) []string { return []string{strings.Replace(c, "realm=", "REALM=", 1)} }, 0, nil},
		"no realm":                 {func(c string) []string { return []string{`Bearer realm=""`} }, 0, registry.ErrMalformed},
		"token service, 404":       {func(c string) []string { return []string{c} }, 404, registry.ErrUnauthorized},
		"token service, 405":       {func(c string) []string { return []string{c} }, 405, registry.ErrUnauthorized},
		"token service, 400":       {func(c string) []string { return []string{c} }, 400, registry.ErrUnauthorized},
		"token service, forbidden": {func(c string) []string { return []string{c} }, 403, registry.ErrUnauthorized},
		"token service, 503":       {func(c string) []string { return []string{c} }, 503, registry.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			var on atomic.Bool
			s := registrytest.Start(&registrytest.Options{
				Quirks: []registrytest.Quirk{handler(func(next http.Handler, w http.ResponseWriter,
					r *http.Request) {
					if r.URL.Path == "/token" && tt.token != 0 && on.Load() {
						w.Header().Set("Retry-After", "0")
						w.WriteHeader(tt.token)
						return
					}
					next.ServeHTTP(&rewriter{w, func(h http.Header) {
						if c := h.Get("WWW-Authenticate"); c != "" && strings.HasPrefix(c, "Bearer") && on.Load() {
							h["Www-Authenticate"] = tt.header(c)
						}
					}}, r)
				}), registrytest.TokenAuth("me", "secret")}})
			defer s.Close()
			o := &registry.Options{Credential: func(context.Context, string) (registry.Credential, error) {
				return registry.Credential{Username: "me", Password: "secret"}, nil
			}}
			image := pushImage(t, open(t, s.Host()+"/demo/app", o), "app")
			on.Store(true)
			_, err := open(t, s.Host()+"/demo/app", o).Resolve(t.Context(), image.Digest.String())
			if !errors.Is(err, tt.want) || tt.want == nil && err != nil || errors.Is(err, registry.ErrNotFound) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}
