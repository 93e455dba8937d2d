package registry_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// A faulty answer is given instead of the good one, or made of it.
type faultyAnswer struct {
	name string
	// with answers, given the good answer.
	with func(w http.ResponseWriter, r *http.Request, good *httptest.ResponseRecorder)
	// The kinds of the errors that it ends in: of a listing by the API that was there before, of a fallback tag, and of a
	// manifest or blob. Nil means that all is read in spite of it.
	listing, tag, content error
}

func statusAnswer(code int, listing, tag, content error) faultyAnswer {
	return faultyAnswer{fmt.Sprint(code), func(w http.ResponseWriter, _ *http.Request, _ *httptest.ResponseRecorder) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(code)
	}, listing, tag, content}
}

func bodyAnswer(name, contentType, body string, listing, tag, content error) faultyAnswer {
	return faultyAnswer{name, func(w http.ResponseWriter, _ *http.Request, _ *httptest.ResponseRecorder) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}, listing, tag, content}
}

// changedAnswer gives the good answer with other bytes; their digest is said to be the good one, if there is one.
func changedAnswer(name string, change func([]byte) []byte, listing, tag, content error) faultyAnswer {
	return faultyAnswer{name, func(w http.ResponseWriter, _ *http.Request, good *httptest.ResponseRecorder) {
		body := change(bytes.Clone(good.Body.Bytes()))
		maps.Copy(w.Header(), good.Header())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(good.Code)
		_, _ = w.Write(body)
	}, listing, tag, content}
}

var (
	unauthorized, unavailable, unsupported = registry.ErrUnauthorized, registry.ErrUnavailable, registry.ErrUnsupported
	malformed, notFound, wrongDigest       = registry.ErrMalformed, registry.ErrNotFound, registry.ErrDigest
	invalid                                = registry.ErrInvalid
)

// faultyAnswers are what registries, proxies before them and broken connections give instead of an answer.
var faultyAnswers = []faultyAnswer{
	statusAnswer(400, unavailable, invalid, invalid),
	statusAnswer(401, unauthorized, unauthorized, unauthorized),
	statusAnswer(403, unauthorized, unauthorized, unauthorized),
	statusAnswer(404, unavailable, unavailable, notFound),
	statusAnswer(405, unavailable, unsupported, unsupported),
	statusAnswer(406, unavailable, malformed, malformed),
	statusAnswer(408, unavailable, unavailable, unavailable),
	statusAnswer(409, malformed, unsupported, unsupported),
	statusAnswer(410, malformed, malformed, malformed),
	statusAnswer(412, malformed, malformed, malformed),
	statusAnswer(415, malformed, unsupported, unsupported),
	statusAnswer(418, malformed, malformed, malformed),
	statusAnswer(429, unavailable, unavailable, unavailable),
	statusAnswer(500, unavailable, unavailable, unavailable),
	statusAnswer(501, unavailable, unsupported, unsupported),
	statusAnswer(502, unavailable, unavailable, unavailable),
	statusAnswer(503, unavailable, unavailable, unavailable),
	statusAnswer(504, unavailable, unavailable, unavailable),
	statusAnswer(507, unavailable, unavailable, unavailable),
	statusAnswer(204, malformed, malformed, malformed),
	statusAnswer(206, malformed, malformed, malformed),
	bodyAnswer("empty", index, "", malformed, malformed, wrongDigest),
	bodyAnswer("empty, of no type", "", "", malformed, malformed, wrongDigest),
	bodyAnswer("{}", "application/json", "{}", malformed, malformed, wrongDigest),
	bodyAnswer("{} as an index", index, "{}", malformed, malformed, wrongDigest),
	bodyAnswer("null", index, "null", malformed, malformed, wrongDigest),
	bodyAnswer("[]", index, "[]", malformed, malformed, wrongDigest),
	bodyAnswer("errors", "application/json", `{"errors":[{"code":"UNKNOWN"}]}`, malformed, malformed, wrongDigest),
	bodyAnswer("errors as an index", index, `{"errors":[{"code":"UNKNOWN"}]}`, malformed, malformed, wrongDigest),
	bodyAnswer("a page", "text/html", "<!doctype html><title>Busy</title>", unavailable, malformed, wrongDigest),
	bodyAnswer("a page as an index", index, "<!doctype html><title>Busy</title>", malformed, malformed, wrongDigest),
	bodyAnswer("text", "text/plain", "404 page not found\n", malformed, malformed, wrongDigest),
	bodyAnswer("another index type", index, `{"schemaVersion":2,"mediaType":"application/x","manifests":[]}`, malformed, malformed,
		wrongDigest),
	bodyAnswer("an image manifest", image, `{"schemaVersion":2,"config":{},"layers":[]}`, malformed, malformed, wrongDigest),
	changedAnswer("half", func(b []byte) []byte { return b[:len(b)/2] }, malformed, wrongDigest, wrongDigest),
	changedAnswer("one wrong byte", func(b []byte) []byte { return bytes.Replace(b, []byte(`"sha256:`), []byte(`"sha257:`), 1) }, nil,
		wrongDigest, nil),
	changedAnswer("another digit", flipDigit, nil, wrongDigest, nil),
	changedAnswer("twice", func(b []byte) []byte { return append(b, b...) }, malformed, wrongDigest, wrongDigest),
	changedAnswer("zeros", func(b []byte) []byte { clear(b); return b }, malformed, wrongDigest, wrongDigest),
	changedAnswer("a byte order mark", func(b []byte) []byte { return append([]byte("\ufeff"), b...) }, malformed, wrongDigest,
		wrongDigest),
	changedAnswer("compressed, and not said so", compressed, malformed, wrongDigest, wrongDigest),
	{"compressed", func(w http.ResponseWriter, _ *http.Request, good *httptest.ResponseRecorder) {
		maps.Copy(w.Header(), good.Header())
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Del("Content-Length")
		_, _ = w.Write(compressed(good.Body.Bytes()))
	}, nil, nil, nil},
	{"a wrong digest in the header", func(w http.ResponseWriter, _ *http.Request, good *httptest.ResponseRecorder) {
		maps.Copy(w.Header(), good.Header())
		w.Header().Set("Docker-Content-Digest", content("wrong").Digest.String())
		_, _ = w.Write(good.Body.Bytes())
	}, nil, wrongDigest, nil},
	{"no header", func(w http.ResponseWriter, _ *http.Request, good *httptest.ResponseRecorder) {
		_, _ = w.Write(good.Body.Bytes())
	}, nil, nil, nil},
	{"broken off", func(w http.ResponseWriter, _ *http.Request, good *httptest.ResponseRecorder) {
		maps.Copy(w.Header(), good.Header())
		w.Header().Set("Content-Length", strconv.Itoa(good.Body.Len()))
		_, _ = w.Write(good.Body.Bytes()[:good.Body.Len()/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, unavailable, unavailable, unavailable},
	{"reset", func(http.ResponseWriter, *http.Request, *httptest.ResponseRecorder) { panic(http.ErrAbortHandler) }, unavailable,
		unavailable, unavailable},
	{"to a page to sign in", func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	}, malformed, malformed, wrongDigest},
	{"to a page to sign in elsewhere", func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
		_, port, _ := net.SplitHostPort(r.Host)
		http.Redirect(w, r, "http://localhost:"+port+"/login?back="+url.QueryEscape(r.URL.Path), http.StatusFound)
	}, malformed, malformed, wrongDigest},
	{"to a package's page", func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) { // GitHub's registry
		w.Header().Set("Location", "http://localhost:1/-/v2/packages/container/package/"+strings.ReplaceAll(strings.TrimPrefix(r.URL.Path,
			"/v2/"), "/", "%2F"))
		w.WriteHeader(http.StatusSeeOther)
	}, unavailable, unavailable, unavailable},
	{"round in circles", func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	}, unavailable, unavailable, unavailable},
}

func compressed(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// flipDigit changes the last digit of the first digest that the bytes name.
func flipDigit(b []byte) []byte {
	if at := bytes.Index(b, []byte("sha256:")); at >= 0 && at+70 < len(b) {
		b[at+70] ^= 1
	}
	return b
}

// heavy runs the whole tables, and not a third of them. It is asked in tests, where go test sees that a result depends on
// it, and not as the package starts.
func heavy() bool { return os.Getenv("LADING_HEAVY") != "" }

// faultyServer answers some requests wrongly while it is told to.
type faultyServer struct {
	*registrytest.Server
	fault atomic.Pointer[fault]
}

type fault struct {
	answer faultyAnswer
	hits   func(r *http.Request) bool
}

func newFaultyServer(quirks ...registrytest.Quirk) *faultyServer {
	f := new(faultyServer)
	quirk := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				w.Header().Set("Content-Type", "text/html")
				_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title>")
				return
			}
			now := f.fault.Load()
			if now == nil || !now.hits(r) {
				next.ServeHTTP(w, r)
				return
			}
			good := httptest.NewRecorder()
			next.ServeHTTP(good, r)
			now.answer.with(w, r, good)
		})
	}
	f.Server = registrytest.Start(&registrytest.Options{Quirks: append([]registrytest.Quirk{quirk}, quirks...)})
	return f
}

// outcome is what a reader made of a fault.
type outcome struct {
	texts []string
	errs  []error
}

func (o outcome) err() error { return errors.Join(o.errs...) }

// padded is content that is too large to be in its manifest too.
func padded(text string) registry.Descriptor { return content(text + strings.Repeat(" ", 17<<10)) }

func read(ctx context.Context, repo *registry.Repository, subject registry.Descriptor) (o outcome) {
	for d, err := range repo.Evidence(ctx, subject) {
		if err != nil {
			o.errs = append(o.errs, err)
		} else {
			o.texts = append(o.texts, strings.TrimSpace(string(d.Data)))
		}
	}
	slices.Sort(o.texts)
	return o
}

// The table of faults: a registry with evidence whose answers turn bad says so, with the kind of the failure; what was
// attached while they were bad is there afterwards; and Copy says nil only if everything was copied.
func TestFaults(t *testing.T) {
	t.Parallel()
	isGet := func(part string, not string) func(r *http.Request) bool {
		return func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.Contains(r.URL.Path, part) && (not == "" || !strings.Contains(r.URL.Path, not))
		}
	}
	for name, kind := range map[string]struct {
		quirks  []registrytest.Quirk
		listing func(r *http.Request) bool
		want    func(faultyAnswer) error
	}{
		"API": {nil, isGet("/referrers/", ""), func(a faultyAnswer) error { return a.listing }},
		"fallback": {[]registrytest.Quirk{registrytest.NoReferrers(404)}, isGet("/manifests/sha256-", ""),
			func(a faultyAnswer) error { return a.tag }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := 0
			g := new(errgroup.Group)
			g.SetLimit(24)
			for i, a := range faultyAnswers {
				if !heavy() && i%6 != 0 {
					continue
				}
				for part, want := range map[string]error{"list": kind.want(a), "manifest": a.content, "blob": a.content} {
					rows++
					g.Go(func() error {
						row := faultRow{t: t, name: name + ", " + part + ": " + a.name, part: part, answer: a, want: want,
							onTag: name == "fallback"}
						row.run(kind.quirks, kind.listing)
						return nil
					})
				}
			}
			_ = g.Wait()
			if t.Logf("%d faults", rows); heavy() && rows < 85 {
				t.Errorf("%d faults, want at least 85", rows)
			}
		})
	}
}

type faultRow struct {
	t      *testing.T
	name   string
	part   string
	answer faultyAnswer
	want   error
	onTag  bool
}

func (f *faultRow) run(quirks []registrytest.Quirk, listing func(*http.Request) bool) {
	s := newFaultyServer(quirks...)
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	repo, setup := openFor(f.t, s.Host()), openFor(f.t, s.Host())
	image := pushImage(f.t, setup, "app")
	attached, err := setup.Attach(ctx, image, padded("one"), padded("two"))
	if err != nil {
		f.t.Errorf("%s: %v", f.name, err)
		return
	}
	if got := read(ctx, repo, image); len(got.texts) != 2 || got.err() != nil {
		f.t.Errorf("%s: before the fault: %v", f.name, got)
		return
	}
	hits := listing
	if f.part != "list" {
		hits = func(r *http.Request) bool {
			for _, m := range attached {
				if f.part == "manifest" && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, m.Digest.String()) &&
					strings.Contains(r.URL.Path, "/manifests/") {
					return true
				}
			}
			return f.part == "blob" && r.Method == http.MethodGet &&
				(strings.HasSuffix(r.URL.Path, "/blobs/"+padded("one").Digest.String()) ||
					strings.HasSuffix(r.URL.Path, "/blobs/"+padded("two").Digest.String()))
		}
	}
	s.fault.Store(&fault{f.answer, hits})
	f.check("Evidence", read(ctx, repo, image), ctx, image)
	f.copies(ctx, repo, image)
	// While it lasts, what is attached is attached, or Attach says that it is not.
	short, stop := context.WithTimeout(ctx, 2*time.Second)
	_, attachErr := repo.Attach(short, image, padded("three"))
	stop()
	if attachErr != nil && !hasKind(attachErr) {
		f.t.Errorf("%s: Attach: an error of no kind: %v", f.name, attachErr)
	}
	s.fault.Store(nil)
	want := []string{"one", "two"}
	if attachErr == nil {
		want = []string{"one", "three", "two"}
	}
	after := read(ctx, openFor(f.t, s.Host()), image)
	if after.texts = slices.DeleteFunc(after.texts, func(s string) bool { return attachErr != nil && s == "three" }); after.err() != nil ||
		!slices.Equal(want, after.texts) {
		f.t.Errorf("%s: lost: %v of %v (Attach: %v)", f.name, after, want, attachErr)
	}
}

// check holds what was read against the row: all of it, or an error of its kind.
func (f *faultRow) check(what string, got outcome, ctx context.Context, image registry.Descriptor) {
	err := got.err()
	switch {
	case err == nil && !slices.Equal(got.texts, []string{"one", "two"}):
		f.t.Errorf("%s: %s: false none: %q without an error", f.name, what, got.texts)
	case err != nil && !hasKind(err):
		f.t.Errorf("%s: %s: an error of no kind: %v", f.name, what, err)
	case err != nil && f.want != nil && !errors.Is(err, f.want):
		f.t.Errorf("%s: %s: %v, want %v", f.name, what, err, f.want)
	}
}

func (f *faultRow) copies(ctx context.Context, repo *registry.Repository, image registry.Descriptor) {
	dir, err := os.MkdirTemp(f.t.TempDir(), "")
	if err != nil {
		f.t.Error(err)
		return
	}
	dst, err := registry.OpenLayout(dir)
	if err != nil {
		f.t.Error(err)
		return
	}
	_, err = registry.Copy(ctx, dst, repo, image.Digest.String(), nil)
	switch got := read(ctx, dst, image); {
	case err == nil && !slices.Equal(got.texts, []string{"one", "two"}):
		f.t.Errorf("%s: Copy left evidence behind and returned nil: %v", f.name, got)
	case err != nil && !hasKind(err):
		f.t.Errorf("%s: Copy: an error of no kind: %v", f.name, err)
	}
}

func hasKind(err error) bool {
	return slices.ContainsFunc(kindsOfFailure, func(kind error) bool { return errors.Is(err, kind) })
}

func openFor(t *testing.T, host string) *registry.Repository {
	repo, err := registry.Open(host+"/demo/app", nil)
	if err != nil {
		t.Error(err)
	}
	return repo
}

// At first contact nothing is known of a registry: what leads to the fallback tag is what registries without the API
// send. Copy, which would leave behind what is not listed, takes only the specification's word for it, or GitHub's.
func TestFaultsAtFirstContact(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var none, copied []string
	g := new(errgroup.Group)
	g.SetLimit(24)
	for _, a := range faultyAnswers {
		g.Go(func() error {
			s := newFaultyServer()
			defer s.Close()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			image := pushImage(t, openFor(t, s.Host()), "app")
			if _, err := openFor(t, s.Host()).Attach(ctx, image, padded("one"), padded("two")); err != nil {
				t.Errorf("%s: %v", a.name, err)
			}
			s.fault.Store(&fault{a, func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/referrers/") }})
			got := read(ctx, openFor(t, s.Host()), image)
			if got.err() == nil && len(got.texts) < 2 {
				mu.Lock()
				none = append(none, a.name)
				mu.Unlock()
			}
			if got.err() != nil && !hasKind(got.err()) {
				t.Errorf("%s: an error of no kind: %v", a.name, got.err())
			}
			dir, _ := os.MkdirTemp(t.TempDir(), "")
			dst, err := registry.OpenLayout(dir)
			if err != nil {
				t.Error(err)
				return nil
			}
			if _, err := registry.Copy(ctx, dst, openFor(t, s.Host()), image.Digest.String(), nil); err == nil && len(read(ctx, dst,
				image).texts) < 2 {
				mu.Lock()
				copied = append(copied, a.name)
				mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait()
	slices.Sort(none)
	if diff := cmp.Diff([]string{"400", "404", "405", "406", "501", "a page", "to a package's page"}, none); diff != "" {
		t.Errorf("read as none at first contact: %s", diff)
	}
	if diff := cmp.Diff([]string{"404", "to a package's page"}, copied); diff != "" {
		t.Errorf("copied without evidence: %s", diff)
	}
}

// Whatever comes instead of the manifest under a tag, it resolves to the image or to an error: a page to sign in would be
// found without evidence, or be signed.
func TestFaultsOfResolve(t *testing.T) {
	t.Parallel()
	g := new(errgroup.Group)
	g.SetLimit(24)
	for i, a := range faultyAnswers {
		if !heavy() && i%2 != 0 {
			continue
		}
		g.Go(func() error {
			s := newFaultyServer()
			defer s.Close()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			repo := openFor(t, s.Host())
			image := pushImage(t, repo, "app")
			if err := repo.Tag(ctx, image, "v1"); err != nil {
				t.Error(err)
			}
			for _, method := range []string{"", http.MethodGet, http.MethodHead} {
				s.fault.Store(&fault{a, func(r *http.Request) bool {
					return strings.HasSuffix(r.URL.Path, "/manifests/v1") && (method == "" || method == r.Method)
				}})
				d, err := openFor(t, s.Host()).Resolve(ctx, "v1")
				// These two cannot be told from another image until that is read.
				another := a.name == "an image manifest" || a.name == "a wrong digest in the header"
				other := err == nil && d.Digest != image.Digest && !another
				if other || err != nil && !hasKind(err) {
					t.Errorf("%s, %s: %v, %v", a.name, method, d, err)
				}
			}
			return nil
		})
	}
	_ = g.Wait()
}

// 404 to everything is no registry without evidence.
func TestNotFoundToEverything(t *testing.T) {
	s := newFaultyServer(registrytest.NoReferrers(404))
	defer s.Close()
	repo := openFor(t, s.Host())
	image := pushImage(t, repo, "app")
	for _, cache := range []*registry.Cache{nil, {Dir: t.TempDir()}} {
		for _, repo := range []*registry.Repository{repo, open(t, s.Host()+"/demo/app", &registry.Options{Cache: cache})} {
			s.fault.Store(nil)
			if got := read(t.Context(), repo, image); got.err() != nil || len(got.texts) != 0 {
				t.Errorf("without evidence: %v", got)
			}
			s.fault.Store(&fault{statusAnswer(404, nil, nil, nil), func(*http.Request) bool { return true }})
			if got := read(t.Context(), repo, image); !errors.Is(got.err(), registry.ErrNotFound) {
				t.Errorf("404 to everything: %v", got)
			}
		}
	}
}

// damages are what may happen to a file of a layout.
var damages = map[string]func(t *testing.T, name string, data []byte){
	"gone":              func(t *testing.T, name string, _ []byte) { must(t, os.Remove(name)) },
	"empty":             rewrite(func([]byte) []byte { return nil }),
	"half":              rewrite(func(b []byte) []byte { return b[:len(b)/2] }),
	"all but a byte":    rewrite(func(b []byte) []byte { return b[:len(b)-1] }),
	"zeros":             rewrite(func(b []byte) []byte { clear(b); return b }),
	"another digit":     rewrite(flipDigit),
	"a byte more":       rewrite(func(b []byte) []byte { return append(b, '}') }),
	"twice":             rewrite(func(b []byte) []byte { return append(b, b...) }),
	"a byte order mark": rewrite(func(b []byte) []byte { return append([]byte("\ufeff"), b...) }),
	"compressed":        rewrite(compressed),
	"null":              rewrite(func([]byte) []byte { return []byte("null") }),
	"{}":                rewrite(func([]byte) []byte { return []byte("{}") }),
	"[]":                rewrite(func([]byte) []byte { return []byte("[]") }),
	"a page":            rewrite(func([]byte) []byte { return []byte("<!doctype html>") }),
	"another's":         rewrite(func([]byte) []byte { return []byte(`{"schemaVersion":1}`) }),
	"a directory":       func(t *testing.T, name string, _ []byte) { must(t, os.Remove(name)); must(t, os.Mkdir(name, 0o777)) },
	"a dangling link": func(t *testing.T, name string, _ []byte) {
		must(t, os.Remove(name))
		must(t, os.Symlink("nowhere", name))
	},
	"a link to itself": func(t *testing.T, name string, _ []byte) { must(t, os.Remove(name)); must(t, os.Symlink(name, name)) },
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func rewrite(change func([]byte) []byte) func(*testing.T, string, []byte) {
	return func(t *testing.T, name string, data []byte) {
		must(t, os.WriteFile(name, change(bytes.Clone(data)), 0o666))
	}
}

// A damaged layout says so, whichever file it is; and what is attached to it nevertheless is attached.
func TestFaultsOfLayout(t *testing.T) {
	t.Parallel()
	rows := 0
	g := new(errgroup.Group)
	g.SetLimit(8) // most of the time is the disk's
	for damage, do := range damages {
		if !heavy() && len(damage)%3 != 0 {
			continue
		}
		for _, part := range []string{"index.json", "oci-layout", "image", "manifest", "blob"} {
			rows++
			dir, others := t.TempDir(), t.TempDir()
			g.Go(func() error { damageLayout(t, dir, others, part, damage, do); return nil })
		}
	}
	_ = g.Wait()
	if t.Logf("%d faults", rows); heavy() && rows < 85 {
		t.Errorf("%d faults, want at least 85", rows)
	}
}

func damageLayout(t *testing.T, dir, others, part, damage string, do func(t *testing.T, name string, data []byte)) {
	name := part + ": " + damage
	repo := reopen(t, dir)
	subject := pushImage(t, repo, "app")
	attached, err := repo.Attach(t.Context(), subject, padded("one"), padded("two"))
	if err != nil {
		t.Error(err)
		return
	}
	file := filepath.Join(dir, part)
	if d, ok := map[string]registry.Descriptor{"image": subject, "manifest": attached[0], "blob": padded("one")}[part]; ok {
		file = filepath.Join(dir, ocispec.ImageBlobsDir, "sha256", d.Digest.Encoded())
	}
	data, err := os.ReadFile(file)
	must(t, err)
	do(t, file, data)
	kind := func(what string, err error) {
		if err != nil && !hasKind(err) {
			t.Errorf("%s: %s: an error of no kind: %v", name, what, err)
		}
	}
	for which, open := range map[string]func() (*registry.Repository, error){
		"open before": func() (*registry.Repository, error) { return repo, nil },
		"open after":  func() (*registry.Repository, error) { return registry.OpenLayout(dir) },
	} {
		damaged, err := open()
		if err != nil {
			kind("OpenLayout", err)
			continue
		}
		got := read(t.Context(), damaged, subject)
		if got.err() == nil && !slices.Equal(got.texts, []string{"one", "two"}) {
			t.Errorf("%s, %s: false none: %q without an error", name, which, got.texts)
		}
		kind(which, got.err())
		dst := reopen(t, filepath.Join(others, which))
		_, err = registry.Copy(t.Context(), dst, damaged, subject.Digest.String(), nil)
		if err == nil && len(read(t.Context(), dst, subject).texts) != 2 {
			t.Errorf("%s, %s: Copy left evidence behind and returned nil", name, which)
		}
		kind(which+", Copy", err)
	}
	// Attaching the same again mends it, or says that it cannot.
	mended, err := registry.OpenLayout(dir)
	if err == nil {
		_, err = mended.Attach(t.Context(), subject, padded("one"), padded("two"), padded("three"))
	}
	if kind("Attach", err); err != nil {
		return
	}
	if got := read(t.Context(), reopen(t, dir), subject); got.err() != nil || len(got.texts) != 3 {
		t.Errorf("%s: after Attach: %v", name, got)
	}
}
