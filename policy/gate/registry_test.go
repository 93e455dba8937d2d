package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A shop is a real registry that can be made to fail, with a key whose signatures count.
type shop struct {
	t        testing.TB
	server   *registrytest.Server
	quirk    atomic.Pointer[func(http.Handler, http.ResponseWriter, *http.Request)]
	requests atomic.Int64
	key      sign.Key
	repo     *registry.Repository
	name     string
}

func openShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{t: t}
	s.server = registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.requests.Add(1)
			if q := s.quirk.Load(); q != nil {
				(*q)(next, w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	t.Cleanup(s.server.Close)
	s.name = s.server.Host() + "/shop/web"
	var err error
	if s.repo, err = registry.Open(s.name, nil); err != nil {
		t.Fatal(err)
	}
	if s.key, err = sign.GenerateKey(sign.P256); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) behave(f func(http.Handler, http.ResponseWriter, *http.Request)) {
	if f == nil {
		s.quirk.Store(nil)
		return
	}
	s.quirk.Store(&f)
}

func (s *shop) push(tag, mediaType, content string) registry.Descriptor {
	s.t.Helper()
	d := registry.Descriptor{MediaType: mediaType, Digest: digest.FromString(content), Size: int64(len(content))}
	if err := s.repo.Push(context.Background(), d, strings.NewReader(content)); err != nil {
		s.t.Fatal(err)
	}
	if tag != "" {
		if err := s.repo.Tag(context.Background(), d, tag); err != nil {
			s.t.Fatal(err)
		}
	}
	return d
}

func (s *shop) image(tag string) registry.Descriptor {
	return s.push(tag, ocispec.MediaTypeImageManifest,
		`{"schemaVersion":2,"mediaType":"`+ocispec.MediaTypeImageManifest+`","config":{},"layers":[],"annotations":{"n":"`+tag+`"}}`)
}

func (s *shop) sign(d registry.Descriptor) registry.Descriptor {
	s.t.Helper()
	e, err := (&sign.BundleSigner{Key: s.key}).Sign(context.Background(), sign.About(d, sign.ImageSignature{}))
	if err != nil {
		s.t.Fatal(err)
	}
	pushed, err := s.repo.Attach(context.Background(), d, e)
	if err != nil {
		s.t.Fatal(err)
	}
	return pushed[0]
}

func (s *shop) gate() *policy.Gate {
	return &policy.Gate{
		Open:      gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: s.key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}
}

func (s *shop) checker(o *gate.Options) *gate.Checker {
	s.t.Helper()
	c, err := gate.New(&gate.Rules{Gate: s.gate()}, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// What a real registry's faults come to: never an allow that should not be.
func TestFaults(t *testing.T) {
	refuse := func(status int) func(http.Handler, http.ResponseWriter, *http.Request) {
		return func(_ http.Handler, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	hang := func(_ http.Handler, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	}
	isEvidence := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/referrers/") }
	for _, tt := range []struct {
		name   string
		signed bool
		behave func(s *shop, other registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request)
		want   policy.Verdict
		again  policy.Verdict // once the registry is well
	}{
		{"well, signed", true, nil, policy.Allow, policy.Allow},
		{"well, unsigned", false, nil, policy.Deny, policy.Deny},
		{"down", true, func(*shop, registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request) {
			return refuse(http.StatusServiceUnavailable)
		}, policy.Indeterminate, policy.Allow},
		{"turns us away", true, func(*shop, registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request) {
			return refuse(http.StatusForbidden)
		}, policy.Indeterminate, policy.Allow},
		{"slow past the deadline", true, func(*shop, registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request) {
			return hang
		}, policy.Indeterminate, policy.Allow},
		{"lists nothing in time", true, func(*shop, registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request) {
			return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
				if isEvidence(r) {
					hang(next, w, r)
					return
				}
				next.ServeHTTP(w, r)
			}
		}, policy.Indeterminate, policy.Allow},
		{"fails while listing", true, func(*shop, registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request) {
			return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
				if isEvidence(r) {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				next.ServeHTTP(w, r)
			}
		}, policy.Indeterminate, policy.Allow},
		{"lies about the digest", false, func(_ *shop, other registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request) {
			return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
				if i := strings.Index(r.URL.Path, "/manifests/"); i > 0 {
					r.URL.Path = r.URL.Path[:i] + "/manifests/" + string(other.Digest)
				}
				next.ServeHTTP(w, r)
			}
		}, policy.Indeterminate, policy.Deny},
		{"lists another image's evidence", false,
			func(_ *shop, other registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request) {
				return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
					if i := strings.Index(r.URL.Path, "/referrers/"); i > 0 {
						r.URL.Path = r.URL.Path[:i] + "/referrers/" + string(other.Digest)
					}
					next.ServeHTTP(w, r)
				}
			}, policy.Deny, policy.Deny},
		{"damages what it serves", true, func(*shop, registry.Descriptor) func(http.Handler, http.ResponseWriter, *http.Request) {
			return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && !isEvidence(r) {
					_, _ = w.Write(bytes.Repeat([]byte("x"), 100))
					return
				}
				next.ServeHTTP(w, r)
			}
		}, policy.Indeterminate, policy.Allow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t)
			other := s.image("other")
			s.sign(other)
			d := s.image("v1")
			if tt.signed {
				s.sign(d)
			}
			opts := &gate.Options{DenyFor: -1, Timeout: time.Minute}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if strings.Contains(tt.name, "time") || strings.Contains(tt.name, "slow") || tt.name == "down" ||
				tt.name == "fails while listing" {
				opts.Timeout = 500 * time.Millisecond // the registry is asked again and again
			}
			c := s.checker(opts)
			if tt.behave != nil {
				s.behave(tt.behave(s, other))
			}
			name := s.name + "@" + string(d.Digest)
			if a := c.Check(ctx, &gate.Question{Name: name}); a.Decision.Verdict != tt.want {
				t.Errorf("%v, want %v", a.Decision, tt.want)
			}
			s.behave(nil)
			c = recheck(t, s, c, name)
			if a := c.Check(ctx, &gate.Question{Name: name}); a.Decision.Verdict != tt.again {
				t.Errorf("well again: %v, want %v", a.Decision, tt.again)
			}
		})
	}
}

// recheck returns a checker with time, whose work on the name is over.
func recheck(t *testing.T, s *shop, c *gate.Checker, name string) *gate.Checker {
	t.Helper()
	for range 500 {
		if a := c.Check(t.Context(), &gate.Question{Name: name}); a.Decision.Verdict != policy.Indeterminate {
			return c
		}
		time.Sleep(10 * time.Millisecond)
	}
	return s.checker(nil)
}

// A registry that answers every other time ends in an answer, and the tag that moves in one about what it was.
func TestFlappingAndMoving(t *testing.T) {
	s := openShop(t)
	d, bad := s.image("v1"), s.image("bad")
	s.sign(d)
	c := s.checker(&gate.Options{Timeout: time.Minute})
	var n atomic.Int64
	s.behave(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%2 == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
	if a := c.Check(t.Context(), &gate.Question{Name: s.name + ":v1"}); a.Decision.Verdict == policy.Deny {
		t.Errorf("flapping: %v", a.Decision)
	}
	c = s.checker(nil)
	moved := false
	s.behave(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if r.Method == http.MethodHead && !moved {
			moved = true
			if err := s.repo.Tag(context.Background(), bad, "v1"); err != nil {
				t.Error(err)
			}
		}
	})
	// The tag moves between resolving and verifying: the answer is about, and names, the digest that was found.
	a := c.Check(t.Context(), &gate.Question{Name: s.name + ":v1"})
	if a.Decision.Verdict != policy.Allow || a.Reference.Digest != d.Digest || a.Decision.Subject.Digest != d.Digest || !moved {
		t.Errorf("%v about %s", a.Decision, a.Reference)
	}
	if a := c.Check(t.Context(), &gate.Question{Name: s.name + ":v1"}); a.Decision.Verdict != policy.Deny ||
		a.Reference.Digest != bad.Digest {
		t.Errorf("moved: %v about %s", a.Decision, a.Reference)
	}
}

// Evidence that is removed or added is seen when what was believed is over.
func TestEvidenceComesAndGoes(t *testing.T) {
	s := openShop(t)
	d := s.image("v1")
	name := s.name + "@" + string(d.Digest)
	now := time.Now()
	g := s.gate()
	g.Now = func() time.Time { return now }
	c, err := gate.New(&gate.Rules{Gate: g}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask(t, c, name, policy.Deny)
	evidence := s.sign(d)
	ask(t, c, name, policy.Deny) // for five seconds
	now = now.Add(5 * time.Second)
	ask(t, c, name, policy.Allow)
	if err := s.repo.Delete(t.Context(), d, evidence); err != nil {
		t.Fatal(err)
	}
	requests := s.requests.Load()
	ask(t, c, name, policy.Allow) // for five minutes
	if s.requests.Load() != requests {
		t.Error("a warm answer makes requests")
	}
	now = now.Add(5 * time.Minute)
	ask(t, c, name, policy.Deny)
}

// An index with one unsigned image, in a real registry, with BuildKit's attestations beside.
func TestIndexInRegistry(t *testing.T) {
	s := openShop(t)
	var list []string
	for i, arch := range []string{"amd64", "arm64"} {
		d := s.image(arch)
		if i == 0 {
			s.sign(d)
		}
		list = append(list, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":%q}}`, d.MediaType,
			d.Digest, d.Size, arch))
	}
	claim := s.image("claim")
	list = append(list, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"unknown","architecture":"unknown"},`+
		`"annotations":{"vnd.docker.reference.type":"attestation-manifest","vnd.docker.reference.digest":"sha256:x"}}`, claim.MediaType,
		claim.Digest, claim.Size))
	index := s.push("v1", ocispec.MediaTypeImageIndex, `{"schemaVersion":2,"mediaType":"`+ocispec.MediaTypeImageIndex+`","manifests":[`+
		strings.Join(list, ",")+`]}`)
	s.sign(index)
	open := gate.Open(nil)
	for i, want := range []int64{2, 1} { // the images of an index are read once
		before := s.requests.Load()
		image, err := open(t.Context(), s.name+":v1")
		if err != nil || len(image.Children) != 2 || image.Children[0].Platform.Architecture != "amd64" {
			t.Fatalf("%+v, %v", image, err)
		}
		if n := s.requests.Load() - before; n != want {
			t.Errorf("opened %d times: %d requests", i+1, n)
		}
	}
	for platforms, want := range map[gate.Platforms]policy.Verdict{gate.PlatformsIndex: policy.Allow, gate.PlatformsEach: policy.Deny,
		gate.PlatformsListed: policy.Allow} {
		opts := &gate.Options{Platforms: platforms}
		if platforms == gate.PlatformsListed {
			opts.Listed = []string{"linux/amd64"}
		}
		a := ask(t, s.checker(opts), s.name+":v1", want)
		if n := len(a.Children); n != map[gate.Platforms]int{gate.PlatformsEach: 2, gate.PlatformsListed: 1}[platforms] {
			t.Errorf("%v: %d children", platforms, n)
		}
	}
}

// 200 questions at once about 20 images are 20 evaluations, and no more is asked of the registry than for these.
func TestLoad(t *testing.T) {
	s := openShop(t)
	const images, pods = 20, 200
	for i := range images {
		s.sign(s.image(fmt.Sprintf("v%d", i)))
	}
	counters := new(counted)
	c := s.checker(&gate.Options{Counters: counters, Timeout: time.Minute})
	var wait sync.WaitGroup
	for i := range pods {
		wait.Go(func() {
			if a := c.Check(context.Background(), &gate.Question{Name: fmt.Sprintf("%s:v%d", s.name, i%images)}); !a.Allowed {
				t.Errorf("%d: %v", i, a.Decision)
			}
		})
	}
	wait.Wait()
	if n := counters.get(gate.MetricEvaluations); n != images {
		t.Errorf("%d evaluations of %d images", n, images)
	}
	if n := counters.get(gate.MetricDecisions); n != pods {
		t.Errorf("%d decisions for %d pods", n, pods)
	}
}

type counted struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counted) Count(name string, labels ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[name]++
}

func (c *counted) Time(name string, _ time.Duration, labels ...string) { c.Count(name, labels...) }

func (c *counted) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// Memory is flat however many images are asked about.
func TestMemory(t *testing.T) {
	const images, step = 10_000, 2_000
	w := newWorld(t)
	c := w.checker(t, nil, &gate.Options{MaxKept: 500, KeptBytes: 1 << 20})
	evidence, err := (&sign.BundleSigner{Key: w.key}).Sign(t.Context(),
		sign.About(w.image("x", ocispec.MediaTypeImageManifest), sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	var curve []uint64
	for i := range images {
		d := w.image(fmt.Sprint(i), ocispec.MediaTypeImageManifest)
		w.evidence[string(d.Digest)] = []verify.Descriptor{evidence} // about another image: refused, with a reason
		c.Check(t.Context(), &gate.Question{Name: pinned(d)})
		delete(w.evidence, string(d.Digest))
		if (i+1)%step == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			curve = append(curve, m.HeapAlloc>>10)
		}
	}
	t.Logf("KiB of heap after each %d images: %v", step, curve)
	if first, last := curve[0], curve[len(curve)-1]; last > first+first/2+2048 {
		t.Errorf("memory grows: %v KiB", curve)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "decisions.jsonl")
	f, err := gate.OpenFile(path, 2000)
	if err != nil {
		t.Fatal(err)
	}
	var failed int
	f.Failed = func(*gate.Record, error) { failed++ }
	w := newWorld(t)
	d := w.signed(t, "one")
	c := w.checker(t, nil, &gate.Options{Log: f})
	for range 5 {
		ask(t, c, pinned(d), policy.Allow)
	}
	c.Check(t.Context(), &gate.Question{Name: "bad\nname\x1b[31m"})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	ask(t, c, pinned(d), policy.Allow)
	if failed != 1 {
		t.Errorf("%d records failed", failed)
	}
	lines := 0
	for _, name := range []string{path + ".1", path} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 2000 {
			t.Errorf("%s has %d bytes", name, len(data))
		}
		for line := range bytes.Lines(data) {
			var r gate.Record
			if err := json.Unmarshal(line, &r); err != nil || r.Image == "" || r.Reason == "" || bytes.ContainsRune(line, 0x1b) {
				t.Errorf("%s: %v", line, err)
			}
			lines++
		}
	}
	if lines < 3 {
		t.Errorf("%d lines are left", lines)
	}
}

func BenchmarkWarm(b *testing.B) {
	w := newWorld(b)
	d := w.signed(b, "one")
	c := w.checker(b, nil, nil)
	q := &gate.Question{Name: pinned(d)}
	ctx := b.Context()
	for b.Loop() {
		if !c.Check(ctx, q).Allowed {
			b.Fatal("denied")
		}
	}
}

// BenchmarkCold is an image with three attestations in a registry whose every answer takes 20 ms: how much longer an answer takes
// than the registry is at work for it.
func BenchmarkCold(b *testing.B) {
	s := openShop(b)
	d := s.image("v1")
	for range 3 {
		s.sign(d)
	}
	var mu sync.Mutex
	var under, trips int
	var since time.Time
	var work time.Duration
	s.behave(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if under++; under == 1 {
			trips++
			since = time.Now()
		}
		mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		next.ServeHTTP(w, r)
		mu.Lock()
		if under--; under == 0 {
			work += time.Since(since)
		}
		mu.Unlock()
	})
	beyond := func(f func()) float64 {
		mu.Lock()
		trips, work = 0, 0
		mu.Unlock()
		began := time.Now()
		f()
		took := time.Since(began)
		mu.Lock()
		defer mu.Unlock()
		return float64((took - work).Microseconds()) / 1000
	}
	var cold, bare []float64
	asked := int64(0)
	for b.Loop() {
		before := s.requests.Load()
		cold = append(cold, beyond(func() {
			if a := s.checker(nil).Check(b.Context(), &gate.Question{Name: s.name + "@" + string(d.Digest)}); !a.Allowed {
				b.Fatal(a.Reason)
			}
		}))
		asked = s.requests.Load() - before
		n := trips
		bare = append(bare, beyond(func() { // the floor: as many requests, one after the other, of nothing but net/http
			for range n {
				res, err := http.Get("http://" + s.name[:strings.IndexByte(s.name, '/')] + "/v2/")
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		}))
	}
	slices.Sort(cold)
	slices.Sort(bare)
	b.ReportMetric(cold[len(cold)/4], "ms-beyond-work")
	b.ReportMetric(bare[len(bare)/4], "ms-bare")
	b.ReportMetric(float64(trips), "trips")
	b.ReportMetric(float64(asked), "requests")
}
