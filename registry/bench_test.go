package registry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

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
