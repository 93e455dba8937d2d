package registry_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
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

func simpleSigning(payload, signature string) registry.Descriptor {
	d := content(payload)
	d.MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
	d.Annotations = map[string]string{"dev.cosignproject.cosign/signature": signature}
	return d
}

func envelope(text string) registry.Descriptor {
	d := content(text)
	d.MediaType = "application/vnd.dsse.envelope.v1+json"
	d.Annotations = map[string]string{"predicateType": "https://cyclonedx.org/bom"}
	return d
}

func TestAttachCosign(t *testing.T) {
	for name, start := range kinds(t) {
		if name == "subject at fallback tag" {
			continue // that quirk takes every tag of cosign's for a digest too
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := start(t)
			repo := client()
			image := pushImage(t, repo, "app")
			// Three writers at once; the same payload signed twice is two signatures.
			var wg sync.WaitGroup
			errs := make([]error, 3)
			for i, c := range []registry.Descriptor{simpleSigning("payload", "c2ln"), simpleSigning("payload", "c2lnMg=="),
				envelope("envelope")} {
				wg.Go(func() { errs[i] = client().AttachCosign(t.Context(), image, c) })
			}
			wg.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if err := repo.AttachCosign(t.Context(), image, simpleSigning("payload", "c2ln"), envelope("second")); err != nil {
				t.Fatal(err)
			}
			for suffix, want := range map[string]int{".sig": 2, ".att": 2} {
				d, err := repo.Resolve(t.Context(), strings.Replace(image.Digest.String(), ":", "-", 1)+suffix)
				if err != nil {
					t.Fatal(err)
				}
				m, err := repo.Manifest(t.Context(), d)
				if err != nil || len(m.Layers) != want {
					t.Errorf("%s: %d layers, want %d; %v", suffix, len(m.Layers), want, err)
				}
				if _, err := repo.Manifest(t.Context(), m.Config); err == nil {
					t.Error("the configuration reads as a manifest")
				}
				body, err := repo.Fetch(t.Context(), m.Config)
				if err != nil {
					t.Fatal(err)
				}
				var config ocispec.Image
				if err := json.NewDecoder(body).Decode(&config); err != nil || len(config.RootFS.DiffIDs) != want {
					t.Errorf("%s: configuration lists %d layers, want %d; %v", suffix, len(config.RootFS.DiffIDs), want, err)
				}
				body.Close()
			}
			if err := repo.AttachCosign(t.Context(), image, content("bundle")); !errors.Is(err, registry.ErrInvalid) {
				t.Errorf("a bundle under cosign's tags: %v", err)
			}
		})
	}
}

// Evidence looks at cosign's tags when it is told to, and gives the annotations that hold the signature.
func TestCosignEvidence(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{CosignTags: true})
	image := pushImage(t, repo, "app")
	if err := repo.AttachCosign(t.Context(), image, simpleSigning("payload", "c2ln"), envelope("envelope")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for d, err := range repo.Evidence(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(d.Data)+" "+d.Annotations["dev.cosignproject.cosign/signature"])
	}
	if diff := cmp.Diff([]string{"payload c2ln", "envelope "}, got); diff != "" {
		t.Error(diff)
	}
	if got := texts(t, open(t, s.Host()+"/demo/app", nil), image); len(got) != 0 {
		t.Errorf("without being told: %q", got)
	}
}

func TestDelete(t *testing.T) {
	for name, o := range map[string]*registrytest.Options{
		"API":      {Registry: registrytest.Directory(t.TempDir())},
		"fallback": {Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}},
		"tokens":   {Quirks: []registrytest.Quirk{registrytest.TokenAuth("", "")}, Registry: registrytest.Directory(t.TempDir())},
	} {
		t.Run(name, func(t *testing.T) {
			s := registrytest.Start(o)
			defer s.Close()
			testDelete(t, open(t, s.Host()+"/demo/app", nil))
		})
	}
	t.Run("layout", func(t *testing.T) {
		repo, err := registry.OpenLayout(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		testDelete(t, repo)
	})
	t.Run("refused", func(t *testing.T) {
		s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoDelete()}})
		defer s.Close()
		repo := open(t, s.Host()+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		ms, err := repo.Attach(t.Context(), image, content("one"))
		if err != nil {
			t.Fatal(err)
		}
		if err := repo.Delete(t.Context(), image, ms[0]); !errors.Is(err, registry.ErrUnsupported) {
			t.Error(err)
		}
	})
}

func testDelete(t *testing.T, repo *registry.Repository) {
	image := pushImage(t, repo, "app")
	ms, err := repo.Attach(t.Context(), image, content("one"), content("two"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := repo.Delete(t.Context(), image, ms[0]); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"two"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
}

// counter counts requests.
type counter struct {
	mu   sync.Mutex
	list []string
}

func (c *counter) quirk() registrytest.Quirk {
	return registrytest.Watch(func(r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.list = append(c.list, r.Method+" "+r.URL.Path)
	})
}

func (c *counter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.list = nil }()
	return c.list
}

func TestRequests(t *testing.T) {
	for _, tt := range []struct {
		name                                      string
		quirks                                    []registrytest.Quirk
		first, warm, three, discover, again, byID int
	}{
		{"API", nil, 6, 4, 12, 5, 1, 0},
		{"fallback", []registrytest.Quirk{registrytest.NoReferrers(404)}, 10, 7, 16, 6, 1, 0},
		{"API and token", []registrytest.Quirk{registrytest.TokenAuth("", "")}, 8, 4, 14, 7, 1, 0},
		{"fallback and token", []registrytest.Quirk{registrytest.TokenAuth("", ""), registrytest.NoReferrers(404)}, 12, 7, 18, 8, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c counter
			s := registrytest.Start(&registrytest.Options{Quirks: append([]registrytest.Quirk{c.quirk()}, tt.quirks...)})
			defer s.Close()
			setup := open(t, s.Host()+"/demo/app", nil)
			images := []registry.Descriptor{pushImage(t, setup, "a"), pushImage(t, setup, "b")}
			if err := setup.Tag(t.Context(), images[1], "v1"); err != nil {
				t.Fatal(err)
			}
			count := func(what string, want int, f func() error) {
				t.Helper()
				c.take()
				if err := f(); err != nil {
					t.Fatal(err)
				}
				got := c.take()
				t.Logf("%-30s %2d", what, len(got))
				if len(got) > want {
					t.Errorf("%s: %d requests, want at most %d:\n%s", what, len(got), want, strings.Join(got, "\n"))
				}
			}
			repo := open(t, s.Host()+"/demo/app", nil)
			attach := func(r *registry.Repository, to registry.Descriptor, names ...string) func() error {
				return func() error {
					var cs []registry.Descriptor
					for _, n := range names {
						cs = append(cs, content(strings.Repeat(n, 100)))
					}
					_, err := r.Attach(t.Context(), to, cs...)
					return err
				}
			}
			count("attach one, first", tt.first, attach(repo, images[0], "one"))
			count("attach one, warm", tt.warm, attach(repo, images[0], "two"))
			count("attach three, first", tt.three, attach(open(t, s.Host()+"/demo/app", nil), images[1], "x", "y", "z"))
			cache := &registry.Cache{ListingLifetime: time.Hour}
			look := func(ref string) func() error {
				return func() error {
					repo, err := registry.Open(s.Host()+"/demo/app"+ref, &registry.Options{Cache: cache})
					if err != nil {
						return err
					}
					image, err := repo.Resolve(t.Context(), "")
					if err != nil {
						return err
					}
					if got := texts(t, repo, image); len(got) != 3 {
						t.Errorf("%d pieces of evidence", len(got))
					}
					return nil
				}
			}
			count("discover and fetch three", tt.discover, look(":v1"))
			if len(tt.quirks) == 0 {
				count("unchanged, warm", tt.again, look(":v1"))
			}
			_ = look("@" + images[1].Digest.String())() // the first time, the digest is looked up
			count("unchanged by digest, warm", tt.byID, look("@"+images[1].Digest.String()))
		})
	}
}

func TestCache(t *testing.T) {
	var c counter
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{c.quirk()}})
	defer s.Close()
	now := time.Now()
	cache := &registry.Cache{MaxBytes: 4096, Dir: t.TempDir(), ListingLifetime: time.Minute, TagLifetime: time.Minute,
		Now: func() time.Time { return now }}
	repo := open(t, s.Host()+"/demo/app:v1", &registry.Options{Cache: cache})
	image := pushImage(t, repo, "app")
	if err := repo.Tag(t.Context(), image, "v1"); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
	look := func() int {
		t.Helper()
		c.take()
		d, err := repo.Resolve(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		texts(t, repo, d)
		return len(c.take())
	}
	if n := look(); n != 3 {
		t.Errorf("first: %d requests, want HEAD, listing, manifest with bundle", n)
	}
	if n := look(); n != 0 {
		t.Errorf("again: %d requests", n)
	}
	// What this client attaches shows at once, whatever the lifetime.
	if _, err := repo.Attach(t.Context(), image, content("two")); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, repo, image); len(got) != 2 {
		t.Errorf("after attaching: %q", got)
	}
	now = now.Add(2 * time.Minute)
	if n := look(); n != 2 {
		t.Errorf("when the lifetime is over: %d requests, want HEAD and listing", n)
	}
	// Another process finds the content in the directory; what was damaged there is fetched again.
	files, err := filepath.Glob(filepath.Join(cache.Dir, "sha256", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files in the directory, %v", len(files), err)
	}
	repo = open(t, s.Host()+"/demo/app:v1", &registry.Options{Cache: &registry.Cache{Dir: cache.Dir}})
	if n := look(); n != 2 {
		t.Errorf("with a warm directory: %d requests, want HEAD and listing", n)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("damaged"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	repo = open(t, s.Host()+"/demo/app:v1", &registry.Options{Cache: &registry.Cache{Dir: cache.Dir}})
	if n := look(); n != 4 {
		t.Errorf("with a damaged directory: %d requests", n)
	}

	t.Run("equal questions become one", func(t *testing.T) {
		slow := registrytest.Start(&registrytest.Options{Registry: registrytest.Memory(), Quirks: []registrytest.Quirk{c.quirk(),
			registrytest.Watch(func(*http.Request) { time.Sleep(20 * time.Millisecond) })}})
		defer slow.Close()
		setup := open(t, slow.Host()+"/demo/app", nil)
		image := pushImage(t, setup, "app")
		if err := setup.Tag(t.Context(), image, "v1"); err != nil {
			t.Fatal(err)
		}
		if _, err := setup.Attach(t.Context(), image, content("one")); err != nil {
			t.Fatal(err)
		}
		c.take()
		shared := &registry.Cache{ListingLifetime: time.Minute, TagLifetime: time.Minute}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				repo := open(t, slow.Host()+"/demo/app:v1", &registry.Options{Cache: shared})
				if d, err := repo.Resolve(t.Context(), ""); err != nil || len(texts(t, repo, d)) != 1 {
					t.Error(d, err)
				}
			})
		}
		wg.Wait()
		if got := c.take(); len(got) != 3 {
			t.Errorf("%d requests, want HEAD, listing, manifest with bundle:\n%s", len(got), strings.Join(got, "\n"))
		}
	})
}

// An answer that was on its way when this client changed the matter is not remembered.
func TestCacheForgetsWhatIsOnItsWay(t *testing.T) {
	var hold atomic.Bool
	held, release := make(chan struct{}), make(chan struct{})
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodHead || !hold.CompareAndSwap(true, false) {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r) // the old answer, which comes late
			close(held)
			<-release
			for name, values := range rec.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(rec.Code)
		})
	}}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app:v1", &registry.Options{Cache: &registry.Cache{TagLifetime: time.Hour}})
	first, second := pushImage(t, repo, "first"), pushImage(t, repo, "second")
	if err := repo.Tag(t.Context(), first, "v1"); err != nil {
		t.Fatal(err)
	}
	hold.Store(true)
	done := make(chan registry.Descriptor)
	go func() { d, _ := repo.Resolve(context.Background(), ""); done <- d }()
	<-held
	if err := repo.Tag(t.Context(), second, "v1"); err != nil {
		t.Fatal(err)
	}
	if d, err := repo.Resolve(t.Context(), ""); err != nil || d.Digest != second.Digest {
		t.Errorf("while the old answer is on its way: %v, %v", d, err)
	}
	close(release)
	if d := <-done; d.Digest != first.Digest {
		t.Errorf("the old answer is %v", d)
	}
	if d, err := repo.Resolve(t.Context(), ""); err != nil || d.Digest != second.Digest {
		t.Errorf("after the old answer came: %v, %v", d, err)
	}
}

// The helper process of the tests below attaches to a layout, and perhaps dies on the way.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LADING_TEST_LAYOUT"); dir != "" {
		os.Exit(attachToLayout(dir, os.Getenv("LADING_TEST_WHO"), os.Getenv("LADING_TEST_DIE")))
	}
	os.Exit(m.Run())
}

func layoutHelper(t *testing.T, dir, who, die string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LADING_TEST_LAYOUT="+dir, "LADING_TEST_WHO="+who, "LADING_TEST_DIE="+die)
	cmd.Stderr = os.Stderr
	return cmd
}

// dyingReader kills the process in the middle of what it gives.
type dyingReader struct{ left int }

func (d *dyingReader) Read(p []byte) (int, error) {
	if d.left == 0 {
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {}
	}
	n := min(d.left, len(p))
	d.left -= n
	return n, nil
}

func attachToLayout(dir, who, die string) int {
	repo, err := registry.OpenLayout(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := context.Background()
	image, err := repo.Resolve(ctx, "v1")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if die != "" {
		d := content("crash")
		d.Size = 1 << 20
		_ = repo.Push(ctx, d, &dyingReader{left: 1 << 16})
		return 1
	}
	for i := range 20 {
		if _, err := repo.Attach(ctx, image, content(fmt.Sprint(who, i))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(who, i) // what is told of must be there, whatever happens now
	}
	return 0
}

func newLayout(t *testing.T) (dir string, image registry.Descriptor) {
	dir = t.TempDir()
	repo, err := registry.OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	image = pushImage(t, repo, "app")
	if err := repo.Tag(t.Context(), image, "v1"); err != nil {
		t.Fatal(err)
	}
	return dir, image
}

func reopen(t *testing.T, dir string) *registry.Repository {
	t.Helper()
	repo, err := registry.OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func TestTwoProcessesOnOneLayout(t *testing.T) {
	dir, image := newLayout(t)
	a, b := layoutHelper(t, dir, "a", ""), layoutHelper(t, dir, "b", "")
	if err := errors.Join(a.Start(), b.Start()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Wait(), b.Wait()); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, reopen(t, dir), image); len(got) != 40 {
		t.Errorf("%d of 40 attachments are there", len(got))
	}
}

func TestCrashInTheMiddle(t *testing.T) {
	dir, image := newLayout(t)
	if _, err := reopen(t, dir).Attach(t.Context(), image, content("before the crash")); err != nil {
		t.Fatal(err)
	}
	if err := layoutHelper(t, dir, "", "yes").Run(); err == nil {
		t.Fatal("the helper was expected to die")
	}
	repo := reopen(t, dir)
	if diff := cmp.Diff([]string{"before the crash"}, texts(t, repo, image)); diff != "" {
		t.Error(diff)
	}
	if _, err := repo.Attach(t.Context(), image, content("crash"), content("after")); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, repo, image); len(got) != 3 {
		t.Errorf("%q", got)
	}
}

// A process that is killed wherever it is leaves a layout that reads without error and has all that Attach returned.
func TestKilledAnywhere(t *testing.T) {
	dir, image := newLayout(t)
	told, rounds := 0, 4
	if heavy() {
		rounds = 8
	}
	for round := range rounds {
		cmd := layoutHelper(t, dir, fmt.Sprint(round, " "), "")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n <= round && lines.Scan(); n++ {
			told++
		}
		time.Sleep(rand.N(20 * time.Millisecond)) // into the middle of the next one
		_ = cmd.Process.Kill()
		for lines.Scan() {
			told++
		}
		_ = cmd.Wait()
		if got := texts(t, reopen(t, dir), image); len(got) < told {
			t.Fatalf("round %d: %d attachments of the %d that were told of", round, len(got), told)
		}
	}
	repo := reopen(t, dir)
	if _, err := repo.Attach(t.Context(), image, content(fmt.Sprint(rounds-1, " ", rounds))); err != nil { // what the last one was at
		t.Fatal(err)
	}
	t.Logf("%d processes killed, %d attachments told of, %d there", rounds, told, len(texts(t, repo, image)))
}

// A client that dies at any of the requests of Attach leaves a repository that reads without error, and attaching again
// completes it.
func TestAttachDiesAtEveryRequest(t *testing.T) {
	for name, quirk := range map[string]registrytest.Quirk{
		"API": func(next http.Handler) http.Handler { return next }, "fallback": registrytest.NoReferrers(404),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var left atomic.Int64
			var done atomic.Bool
			var die atomic.Pointer[context.CancelFunc]
			s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					cancel := die.Load()
					if cancel == nil || left.Add(-1) > 0 {
						next.ServeHTTP(w, r)
						return
					}
					if done.Load() { // and nobody hears of it
						next.ServeHTTP(httptest.NewRecorder(), r)
					}
					(*cancel)()
					panic(http.ErrAbortHandler)
				})
			}, quirk}})
			defer s.Close()
			setup := open(t, s.Host()+"/demo/app", nil)
			for n := int64(2); ; n++ {
				at := n / 2 // twice each
				done.Store(n%2 == 0)
				image := pushImage(t, setup, fmt.Sprint(n))
				if _, err := setup.Attach(t.Context(), image, content("first")); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				left.Store(at)
				die.Store(&cancel)
				_, err := open(t, s.Host()+"/demo/app", nil).Attach(ctx, image, content("one"), content("two"))
				cancel()
				die.Store(nil)
				if err == nil {
					t.Logf("died at each of %d requests", at-1)
					return
				}
				if !errors.Is(err, registry.ErrUnavailable) && !errors.Is(err, registry.ErrContended) {
					t.Errorf("at request %d: %v", at, err)
				}
				if got := texts(t, setup, image); !slices.Contains(got, "first") {
					t.Errorf("after request %d: %q", at, got)
				}
				if _, err := open(t, s.Host()+"/demo/app", nil).Attach(t.Context(), image, content("one"), content("two")); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{"first", "one", "two"}, texts(t, setup, image)); diff != "" {
					t.Errorf("after request %d and again: %s", at, diff)
				}
			}
		})
	}
}

// A signature that is the same under another certificate, or with a log entry now, is another layer: its annotations say
// what it is. The very same is not.
func TestAttachCosignByAnnotations(t *testing.T) {
	_, image := newLayout(t)
	repo := reopen(t, t.TempDir())
	once := simpleSigning("payload", "c2ln")
	logged := simpleSigning("payload", "c2ln")
	logged.Annotations["dev.sigstore.cosign/bundle"] = "{}"
	for range 2 {
		if err := repo.AttachCosign(t.Context(), image, once, logged, once); err != nil {
			t.Fatal(err)
		}
	}
	d, err := repo.Resolve(t.Context(), tagOf(image, ".sig"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := repo.Manifest(t.Context(), d); err != nil || len(m.Layers) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}

// The file that somebody left who died holds nobody up.
func TestLockOfTheDead(t *testing.T) {
	dir, image := newLayout(t)
	if err := os.WriteFile(filepath.Join(dir, "index.json.lock"), []byte("1 1"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := reopen(t, dir).Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
}

// Attach that broke off half way is completed by doing it again, and its error says what is there already.
func TestAttachBreaksOff(t *testing.T) {
	for _, quirk := range []registrytest.Quirk{nil, registrytest.NoReferrers(404)} {
		var broken bool
		quirks := []registrytest.Quirk{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if broken && r.Method == http.MethodGet {
					w.WriteHeader(http.StatusForbidden) // everything is pushed, and the listing fails
					return
				}
				next.ServeHTTP(w, r)
			})
		}}
		if quirk != nil {
			quirks = append(quirks, quirk)
		}
		s := registrytest.Start(&registrytest.Options{Quirks: quirks})
		repo := open(t, s.Host()+"/demo/app", nil)
		image := pushImage(t, repo, "app")
		broken = true
		var partial *registry.AttachError
		if _, err := repo.Attach(t.Context(), image, content("one"), content("two")); !errors.As(err, &partial) ||
			len(partial.Pushed) != 2 ||
			!errors.Is(err, registry.ErrUnauthorized) {
			t.Fatalf("%v", err)
		}
		broken = false
		if err := repo.Repair(t.Context(), image, partial.Pushed...); err != nil {
			t.Fatal(err)
		}
		if got := texts(t, repo, image); len(got) != 2 {
			t.Errorf("%q", got)
		}
		s.Close()
	}
}

func TestAttachRefuses(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	good := content("good")
	for name, c := range map[string]func(*registry.Descriptor){
		"no data":       func(d *registry.Descriptor) { d.Data = nil },
		"no media type": func(d *registry.Descriptor) { d.MediaType = "" },
		"no digest":     func(d *registry.Descriptor) { d.Digest = "" },
		"other digest":  func(d *registry.Descriptor) { d.Digest = digest.FromString("other") },
		"other size":    func(d *registry.Descriptor) { d.Size++ },
		"negative size": func(d *registry.Descriptor) { d.Size = -1 },
	} {
		bad := good
		c(&bad)
		var e *registry.AttachError
		if _, err := repo.Attach(t.Context(), image, good, bad); !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, subject := range map[string]registry.Descriptor{
		"no digest":     {MediaType: image.MediaType, Size: image.Size},
		"no media type": {Digest: image.Digest, Size: image.Size},
		"no size":       {Digest: image.Digest, MediaType: image.MediaType},
	} {
		if _, err := repo.Attach(t.Context(), subject, good); !errors.Is(err, registry.ErrInvalid) {
			t.Errorf("a subject with %s: %v", name, err)
		}
	}
	if got := texts(t, repo, image); len(got) != 0 {
		t.Errorf("something was attached: %q", got)
	}
	if ms, err := repo.Attach(t.Context(), image); err != nil || len(ms) != 0 {
		t.Errorf("nothing to attach: %v, %v", ms, err)
	}
}

// A document with Notary signatures on it is one candidate; without, or about another image, it is none.
func TestComposite(t *testing.T) {
	for name, start := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := start(t)()
			image := pushImage(t, repo, "app")
			bom := content(`{"bomFormat":"CycloneDX"}`)
			bom.MediaType = "application/vnd.cyclonedx+json"
			envelope := content("signed")
			envelope.MediaType, envelope.ArtifactType = "application/jose+json", "application/vnd.cncf.notary.signature"
			artifacts, err := repo.Attach(t.Context(), image, bom)
			if err != nil {
				t.Fatal(err)
			}
			collect := func() (out []registry.Descriptor) {
				for d, err := range repo.Evidence(t.Context(), image) {
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, d)
				}
				return out
			}
			if got := collect(); len(got) != 0 {
				t.Errorf("before it was signed: %+v", got)
			}
			if _, err := repo.Attach(t.Context(), artifacts[0], envelope); err != nil {
				t.Fatal(err)
			}
			got := collect()
			if len(got) != 1 || got[0].MediaType != ocispec.MediaTypeImageIndex || digest.FromBytes(got[0].Data) != got[0].Digest {
				t.Fatalf("%+v", got)
			}
			var index ocispec.Index
			if err := json.Unmarshal(got[0].Data, &index); err != nil {
				t.Fatal(err)
			}
			var parts []string
			for _, d := range index.Manifests {
				if digest.FromBytes(d.Data) != d.Digest {
					t.Errorf("%s does not match its content", d.Digest)
				}
				parts = append(parts, d.MediaType)
			}
			want := []string{ocispec.MediaTypeImageManifest, "application/vnd.cyclonedx+json", ocispec.MediaTypeImageManifest,
				"application/jose+json"}
			if diff := cmp.Diff(want, parts); diff != "" {
				t.Error(diff)
			}
			if index.Manifests[0].Digest != artifacts[0].Digest {
				t.Error("the first entry is not the artifact")
			}
		})
	}
}

// lossy is a registry that loses entries of its own list of referrers, as some do while many attach: it lists none of
// lost, from which a manifest comes back when it is pushed again.
type lossy struct {
	lost  sync.Map    // digests
	loses atomic.Bool // whatever is pushed for the first time
}

func (l *lossy) quirk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, d, found := strings.Cut(r.URL.Path, "/manifests/")
		if found && r.Method == http.MethodPut {
			if _, again := l.lost.LoadAndDelete(d); !again && l.loses.Load() {
				l.lost.Store(d, true)
			}
		}
		listing(func(list *ocispec.Index) {
			list.Manifests = slices.DeleteFunc(list.Manifests, func(d registry.Descriptor) bool {
				_, ok := l.lost.Load(d.Digest.String())
				return ok
			})
		})(next).ServeHTTP(w, r)
	})
}

// listing is a registry that lists referrers as edited.
func listing(edit func(*ocispec.Index)) registrytest.Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			var list ocispec.Index
			if err := json.Unmarshal(rec.Body.Bytes(), &list); err != nil {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			edit(&list)
			data, _ := json.Marshal(list)
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			_, _ = w.Write(data)
		})
	}
}

// What the referrers API loses, one of many or all there is, Attach pushes again, and Repair later.
func TestRegistryLosesItsOwnList(t *testing.T) {
	var l lossy
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{l.quirk}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, repo, "app")
	l.loses.Store(true)
	first, err := repo.Attach(t.Context(), image, content("one"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := repo.Attach(t.Context(), image, content("two"), content("three"))
	if err != nil {
		t.Fatal(err)
	}
	all := append(first, more...)
	for n := 0; n <= len(all); n++ {
		for _, m := range all[:n] {
			l.lost.Store(m.Digest.String(), true)
		}
		if got := texts(t, repo, image); len(got) != len(all)-n {
			t.Fatalf("%q", got)
		}
		if err := repo.Repair(t.Context(), image, all...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"one", "three", "two"}, texts(t, repo, image)); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := repo.Resolve(t.Context(), tagOf(image, "")); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("there is a fallback tag, where it was not needed: %v", err)
	}
}
