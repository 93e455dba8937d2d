// Package copy_test compares registry.Copy and layouts with other clients' own code: oras-go, regclient and
// go-containerregistry. It is a module of its own, light enough to run at once.
package copy_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"

	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/regclient/regclient"
	"github.com/regclient/regclient/config"
	"github.com/regclient/regclient/types/ref"
	"oras.land/oras-go/v2"
	orasremote "oras.land/oras-go/v2/registry/remote"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// late delays every request, as a network would.
func late(by *atomic.Int64) registrytest.Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Duration(by.Load()))
			next.ServeHTTP(w, r)
		})
	}
}

func open(t testing.TB, name string) *registry.Repository {
	t.Helper()
	r, err := registry.Open(name, nil)
	check(t, err)
	return r
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func push(t testing.TB, r *registry.Repository, mediaType string, data []byte) ocispec.Descriptor {
	t.Helper()
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	check(t, r.Push(context.Background(), d, bytes.NewReader(data)))
	return d
}

func pushJSON(t testing.TB, r *registry.Repository, mediaType string, v any) ocispec.Descriptor {
	t.Helper()
	data, err := json.Marshal(v)
	check(t, err)
	return push(t, r, mediaType, data)
}

// pushImage pushes an image of random layers, tagged v1, and attaches bundles to it.
func pushImage(t testing.TB, r *registry.Repository, layers, size, bundles int) ocispec.Descriptor {
	t.Helper()
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: pushJSON(t, r, ocispec.MediaTypeImageConfig, ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}}),
	}
	for range layers {
		data := make([]byte, size)
		_, _ = rand.Read(data)
		m.Layers = append(m.Layers, push(t, r, ocispec.MediaTypeImageLayerGzip, data))
	}
	image := pushJSON(t, r, m.MediaType, m)
	check(t, r.Tag(context.Background(), image, "v1"))
	var evidence []ocispec.Descriptor
	for range bundles {
		data := fmt.Appendf(nil, `{"mediaType":%q,"random":%q}`, bundleType, rand.Text())
		evidence = append(evidence,
			ocispec.Descriptor{MediaType: bundleType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data})
	}
	if _, err := r.Attach(context.Background(), image, evidence...); err != nil {
		t.Fatal(err)
	}
	return image
}

// A client copies demo/app:v1 of one host, with what is attached, to a repository of another.
type client struct {
	name string
	copy func(ctx context.Context, from, to string) error
}

var clients = []client{
	{"lading", func(ctx context.Context, from, to string) error {
		src, err := registry.Open(from, nil)
		if err != nil {
			return err
		}
		dst, err := registry.Open(to, nil)
		if err != nil {
			return err
		}
		_, err = registry.Copy(ctx, dst, src, "v1", nil)
		return err
	}},
	{"oras-go", func(ctx context.Context, from, to string) error {
		src, err := orasremote.NewRepository(from)
		if err != nil {
			return err
		}
		dst, err := orasremote.NewRepository(to)
		if err != nil {
			return err
		}
		src.PlainHTTP, dst.PlainHTTP = true, true
		_, err = oras.ExtendedCopy(ctx, src, "v1", dst, "v1", oras.DefaultExtendedCopyOptions)
		return err
	}},
	{"regclient", func(ctx context.Context, from, to string) error {
		host := func(name string) config.Host {
			h := config.HostNewName(strings.Split(name, "/")[0])
			h.TLS = config.TLSDisabled
			return *h
		}
		rc := regclient.New(regclient.WithConfigHost(host(from), host(to)))
		src, err := ref.New(from + ":v1")
		if err != nil {
			return err
		}
		dst, err := ref.New(to + ":v1")
		if err != nil {
			return err
		}
		return rc.ImageCopy(ctx, src, dst, regclient.ImageWithReferrers())
	}},
}

// chain is the longest chain of requests in Copy of which each needs the one before: the tag, a blob looked for, the place
// for it, its content, the manifest, an attachment's manifest, the list that shows it, the tag.
const chain = 8

// cases are what Copy is measured on.
var cases = []struct {
	name                  string
	layers, size, bundles int
	latency               time.Duration
	same                  bool // registry
}{
	{"20 layers of 5 MiB, 20 ms", 20, 5 << 20, 2, 20 * time.Millisecond, false},
	{"20 layers of 5 MiB, loopback", 20, 5 << 20, 2, 0, false},
	{"20 layers of 5 MiB, one registry", 20, 5 << 20, 2, 0, true},
	{"20 layers of 1 KiB and 5 bundles, 20 ms", 20, 1 << 10, 5, 20 * time.Millisecond, false},
}

// BenchmarkCopy runs the clients in turn, and gives the quickest round of each, and ours as a part of the quickest other.
func BenchmarkCopy(b *testing.B) {
	for _, tt := range cases {
		b.Run(tt.name, func(b *testing.B) {
			var latency atomic.Int64
			serve := func(handler http.Handler) string {
				s := registrytest.Start(&registrytest.Options{Registry: handler, Quirks: []registrytest.Quirk{late(&latency)}})
				b.Cleanup(s.Close)
				return s.Host()
			}
			from := serve(registrytest.Directory(b.TempDir()))
			pushImage(b, open(b, from+"/demo/app"), tt.layers, tt.size, tt.bundles)
			best := make(map[string]time.Duration)
			round := 0
			for b.Loop() {
				for i := range clients {
					c := clients[(i+round)%len(clients)] // each goes first in its turn
					dir, err := os.MkdirTemp("", "copy-")
					check(b, err)
					to := from
					if !tt.same {
						to = serve(registrytest.Directory(dir))
					}
					runtime.GC()
					latency.Store(int64(tt.latency))
					name := fmt.Sprintf("%s/copy/%s-%d", to, c.name, round)
					start := time.Now()
					err = c.copy(b.Context(), from+"/demo/app", name)
					took := time.Since(start)
					latency.Store(0)
					if err != nil {
						b.Fatal(c.name, err)
					}
					if n := attached(b, name); n != tt.bundles {
						b.Fatalf("%s copied %d of %d bundles", c.name, n, tt.bundles)
					}
					if best[c.name] == 0 || took < best[c.name] {
						best[c.name] = took
					}
					check(b, os.RemoveAll(dir))
				}
				round++
			}
			fastest := min(best["oras-go"], best["regclient"])
			for _, c := range clients {
				b.ReportMetric(float64(best[c.name].Milliseconds()), "ms/"+c.name)
			}
			b.ReportMetric(float64(best["lading"])/float64(fastest), "of-fastest-other")
			b.ReportMetric(float64(best["lading"])/float64(best["regclient"]), "of-regclient")
			if tt.latency > 0 {
				b.ReportMetric(float64(best["lading"])/float64(chain*tt.latency), "of-floor")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func attached(t testing.TB, name string) (n int) {
	t.Helper()
	r := open(t, name)
	image, err := r.Resolve(context.Background(), "v1")
	check(t, err)
	for d, err := range r.Evidence(context.Background(), image) {
		check(t, err)
		if len(d.Data) > 0 {
			n++
		}
	}
	return n
}

// TestMain copies in a process of its own, with nothing else in it, if BenchmarkMemory asks for that.
func TestMain(m *testing.M) {
	from, to := os.Getenv("COPY_FROM"), os.Getenv("COPY_TO")
	if from == "" {
		os.Exit(m.Run())
	}
	for _, c := range clients {
		if c.name != os.Getenv("COPY_BY") {
			continue
		}
		if err := c.copy(context.Background(), from, to); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Print(memory.Sys)
	os.Exit(0)
}

// BenchmarkMemory gives what each client takes from the system for a copy of 100 MiB, stacks and all, and its processor
// time, which other load on the machine matters less to.
func BenchmarkMemory(b *testing.B) {
	s := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(b.TempDir())})
	defer s.Close()
	from := s.Host() + "/demo/app"
	pushImage(b, open(b, from), 20, 5<<20, 2)
	least := make(map[string]time.Duration)
	for b.Loop() {
		for _, c := range clients {
			other := registrytest.Start(&registrytest.Options{Registry: registrytest.Directory(b.TempDir())})
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "COPY_BY="+c.name, "COPY_FROM="+from, "COPY_TO="+other.Host()+"/copy/app")
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			check(b, err)
			bytes, err := strconv.ParseFloat(string(out), 64)
			check(b, err)
			b.ReportMetric(bytes/(1<<20), "MiB/"+c.name)
			cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			if least[c.name] == 0 || cpu < least[c.name] {
				least[c.name] = cpu
			}
			b.ReportMetric(float64(least[c.name].Milliseconds()), "cpu-ms/"+c.name)
			other.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
}

// Every client's copy of the same image is the same, with what is attached: a benchmark of what does less would be none.
func TestClientsCopyTheSame(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	image := pushImage(t, open(t, s.Host()+"/demo/app"), 3, 100<<10, 3)
	for _, same := range []bool{true, false} {
		for _, c := range clients {
			to := s.Host()
			if !same {
				other := registrytest.Start(nil)
				defer other.Close()
				to = other.Host()
			}
			name := to + "/copy/" + c.name
			if err := c.copy(t.Context(), s.Host()+"/demo/app", name); err != nil {
				t.Fatal(c.name, err)
			}
			got, err := open(t, name).Resolve(t.Context(), "v1")
			if err != nil || got.Digest != image.Digest {
				t.Errorf("%s: v1 is %v, %v", c.name, got, err)
			}
			if n := attached(t, name); n != 3 {
				t.Errorf("%s copied %d of 3 attachments", c.name, n)
			}
		}
	}
}
