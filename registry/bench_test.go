package registry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

// BenchmarkEvidence discovers and fetches ten pieces of evidence, next to the same requests by net/http alone.
func BenchmarkEvidence(b *testing.B) {
	var (
		mu    sync.Mutex
		paths []string
	)
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.Watch(func(r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
	})}})
	defer s.Close()
	repo, err := registry.Open(s.Host()+"/demo/app", nil)
	if err != nil {
		b.Fatal(err)
	}
	image := pushImage(b, repo, "app")
	var contents []registry.Descriptor
	for i := range 10 {
		contents = append(contents, content(fmt.Sprint(i)+strings.Repeat("x", 4096)))
	}
	if _, err := repo.Attach(context.Background(), image, contents...); err != nil {
		b.Fatal(err)
	}
	look := func(b *testing.B, r *registry.Repository) {
		n := 0
		for _, err := range r.Evidence(context.Background(), image) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != len(contents) {
			b.Fatalf("%d of %d", n, len(contents))
		}
	}
	paths = nil
	look(b, repo)
	requests := paths

	var floor float64
	b.Run("net-http", func(b *testing.B) {
		for b.Loop() {
			for _, p := range requests {
				resp, err := http.Get("http://" + s.Host() + p)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}
		floor = b.Elapsed().Seconds() / float64(b.N)
	})
	ratio := func(b *testing.B) {
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/floor, "times_net-http")
	}
	b.Run("lading", func(b *testing.B) {
		for b.Loop() {
			look(b, repo)
		}
		ratio(b)
	})
	b.Run("lading, with a warm cache", func(b *testing.B) {
		cached, err := registry.Open(s.Host()+"/demo/app", &registry.Options{Cache: new(registry.Cache)})
		if err != nil {
			b.Fatal(err)
		}
		look(b, cached)
		for b.Loop() {
			look(b, cached)
		}
		ratio(b)
	})
}

// crowd attaches n pieces of evidence to an image on a registry that takes 20 ms for each request when slow says so, and
// counts those at the same time.
func crowd(tb testing.TB, n int) (s *registrytest.Server, image registry.Descriptor, slow *atomic.Bool, most *atomic.Int64) {
	var now atomic.Int64
	slow, most = new(atomic.Bool), new(atomic.Int64)
	s = registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if slow.Load() {
				for in := now.Add(1); ; {
					if old := most.Load(); in <= old || most.CompareAndSwap(old, in) {
						break
					}
				}
				time.Sleep(20 * time.Millisecond)
				now.Add(-1) // before the client can know of the answer
			}
			next.ServeHTTP(w, r)
		})
	}}})
	tb.Cleanup(s.Close)
	repo := open(tb, s.Host()+"/demo/app", nil)
	image = pushImage(tb, repo, "app")
	var contents []registry.Descriptor
	for i := range n {
		contents = append(contents, content(fmt.Sprint(i)+strings.Repeat("x", 4096)))
	}
	if _, err := repo.Attach(tb.Context(), image, contents...); err != nil {
		tb.Fatal(err)
	}
	return s, image, slow, most
}

func readAll(tb testing.TB, repo *registry.Repository, image registry.Descriptor, want int) {
	n := 0
	for _, err := range repo.Evidence(tb.Context(), image) {
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
	if n != want {
		tb.Fatalf("%d of %d", n, want)
	}
}

// BenchmarkEvidenceAtDistance reads 1,000 pieces of evidence from a registry at 20 ms, next to net/http reading manifest
// and layer of one after the other, as clients do that do not look into the manifest's data.
func BenchmarkEvidenceAtDistance(b *testing.B) {
	const pieces = 1000
	s, image, slow, most := crowd(b, pieces)
	repo := open(b, s.Host()+"/demo/app", nil)
	var paths []string
	for d, err := range repo.Referrers(b.Context(), image) {
		if err != nil {
			b.Fatal(err)
		}
		m, err := repo.Manifest(b.Context(), d)
		if err != nil {
			b.Fatal(err)
		}
		paths = append(paths, "manifests/"+d.Digest.String(), "blobs/"+m.Layers[0].Digest.String())
	}
	slow.Store(true)
	for b.Loop() {
		start := time.Now()
		readAll(b, open(b, s.Host()+"/demo/app", nil), image, pieces)
		together := time.Since(start)
		b.ReportMetric(float64(most.Load()), "requests_at_once")
		start = time.Now()
		for _, p := range paths[:len(paths)/5] { // a fifth of it takes long enough
			resp, err := http.Get("http://" + s.Host() + "/v2/demo/app/" + p)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		b.ReportMetric(5*time.Since(start).Seconds()/together.Seconds(), "times_faster_than_one_by_one")
		b.ReportMetric(together.Seconds(), "s_together")
	}
}

// However much there is, at most eight requests are under way to one host, of all who share a cache.
func TestRequestsAtOnce(t *testing.T) {
	s, image, slow, most := crowd(t, 60)
	slow.Store(true)
	readAll(t, open(t, s.Host()+"/demo/app", nil), image, 60)
	if n := most.Swap(0); n > 8 || n < 4 {
		t.Errorf("%d requests at once, want up to 8", n)
	}
	cache := &registry.Cache{MaxBytes: 1} // which keeps nothing
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { readAll(t, open(t, s.Host()+"/demo/app", &registry.Options{Cache: cache}), image, 60) })
	}
	wg.Wait()
	if n := most.Swap(0); n > 8 {
		t.Errorf("four with one cache: %d requests at once", n)
	}
	readAll(t, open(t, s.Host()+"/demo/app", &registry.Options{Limits: registry.Limits{Requests: 2}}), image, 60)
	if n := most.Load(); n > 2 {
		t.Errorf("%d requests at once, want up to 2", n)
	}
}

// What is read ahead is bounded in bytes, whatever a registry offers.
func TestReadingAheadIsBounded(t *testing.T) {
	if !heavy() {
		t.Skip("set LADING_HEAVY=1 to read 200 MiB")
	}
	const size, pieces = 8 << 20, 24
	s := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(t.TempDir())})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{Limits: registry.Limits{EvidenceBytes: 16 << 20}})
	image := pushImage(t, repo, "app")
	for i := range pieces {
		if _, err := repo.Attach(t.Context(), image, content(strings.Repeat(fmt.Sprint(i%10), size-i))); err != nil {
			t.Fatal(err)
		}
	}
	var most uint64
	n := 0
	for d, err := range repo.Evidence(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			time.Sleep(500 * time.Millisecond) // time to read far ahead
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
		_ = d
	}
	// 64 MiB ahead, the piece that is looked at and the next, each in a buffer that may have grown to twice its size.
	if t.Logf("%d pieces, %d MiB at most", n, most>>20); n != pieces || most > 200<<20 {
		t.Errorf("%d pieces, %d MiB in memory", n, most>>20)
	}
}

// With a cache nothing is asked for again by digest, also with a thousand referrers.
func TestWarmCacheOfMany(t *testing.T) {
	var c counter
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{c.quirk()}})
	defer s.Close()
	cache := &registry.Cache{ListingLifetime: time.Hour}
	name := s.Host() + "/demo/app"
	repo := open(t, name, &registry.Options{Cache: cache})
	image := pushImage(t, repo, "app")
	pieces := 300 // of which the listing was too large to be remembered once
	if heavy() {
		pieces = 1000
	}
	var contents []registry.Descriptor
	for i := range pieces {
		contents = append(contents, content(fmt.Sprint(i)))
	}
	if _, err := repo.Attach(t.Context(), image, contents...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{pieces + 2, 0} {
		c.take()
		repo := open(t, name+"@"+image.Digest.String(), &registry.Options{Cache: cache})
		d, err := repo.Resolve(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, repo, d, pieces)
		if n := len(c.take()); n > want {
			t.Errorf("%d requests, want at most %d", n, want)
		}
	}
}
