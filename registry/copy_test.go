package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func tagOf(d registry.Descriptor, suffix string) string {
	return strings.Replace(d.Digest.String(), ":", "-", 1) + suffix
}

// A second copy sends nothing again.
func TestCopyResumes(t *testing.T) {
	var c counter
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{c.quirk()}})
	defer s.Close()
	_, from, image := startWithImage(t)
	if _, err := from.Attach(t.Context(), image, content("one"), content("two")); err != nil {
		t.Fatal(err)
	}
	sent := func() (n int) {
		for _, r := range c.take() {
			if strings.HasPrefix(r, "POST ") || strings.HasPrefix(r, "PATCH ") || strings.HasPrefix(r, "PUT ") &&
				strings.Contains(r, "/blobs/") {
				n++
			}
		}
		return n
	}
	for i, want := range []bool{true, false} {
		to := open(t, s.Host()+"/demo/app", nil)
		if _, err := registry.Copy(t.Context(), to, from, "v1", nil); err != nil {
			t.Fatal(err)
		}
		n := sent()
		t.Logf("copy %d: %d requests that send blobs", i+1, n)
		if !want && n > 1 { // the empty configuration is sent rather than looked for
			t.Errorf("%d blobs were sent again", n)
		}
	}
}

func startWithImage(t *testing.T) (dir string, repo *registry.Repository, image registry.Descriptor) {
	dir, image = newLayout(t)
	return dir, reopen(t, dir), image
}

// The same bytes may be a manifest here and a layer there. Both are copied.
func TestCopyManifestThatIsALayer(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	from, to := open(t, s.Host()+"/demo/from", nil), open(t, s.Host()+"/demo/to", nil)
	inner := pushImage(t, from, "inner")
	data := fetch(t, from, inner)
	outer := push(t, from, ocispec.MediaTypeImageManifest, asJSON(t, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: push(t, from, ocispec.MediaTypeImageConfig, []byte(`{}`)),
		Layers: []registry.Descriptor{push(t, from, "application/octet-stream", data)},
	}))
	index := push(t, from, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []registry.Descriptor{outer, inner}}))
	if _, err := registry.Copy(t.Context(), to, from, index.Digest.String(), nil); err != nil {
		t.Fatal(err)
	}
	for _, mediaType := range []string{ocispec.MediaTypeImageManifest, "application/octet-stream"} {
		d := inner
		d.MediaType = mediaType
		if diff := cmp.Diff(string(data), string(fetch(t, to, d))); diff != "" {
			t.Error(diff)
		}
	}
}

// An entry that leads nowhere is told of, and everything else is copied.
func TestCopyPastDanglingEntries(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
	defer s.Close()
	from := open(t, s.Host()+"/demo/from", nil)
	image := pushImage(t, from, "app")
	if err := from.Tag(t.Context(), image, "v1"); err != nil {
		t.Fatal(err)
	}
	nowhere := content("nowhere")
	nowhere.MediaType, nowhere.Data = ocispec.MediaTypeImageManifest, nil
	if err := from.Repair(t.Context(), image, nowhere); err != nil {
		t.Fatal(err)
	}
	if _, err := from.Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
	_, to, _ := startWithImage(t)
	root, err := registry.Copy(t.Context(), to, from, "v1", nil)
	if !errors.Is(err, registry.ErrNotFound) || !strings.Contains(err.Error(), nowhere.Digest.String()) || root.Digest != image.Digest {
		t.Errorf("%v, %v", root, err)
	}
	if got, err := to.Resolve(t.Context(), "v1"); err != nil || got.Digest != image.Digest {
		t.Errorf("v1 is %v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"one"}, texts(t, to, image)); diff != "" {
		t.Error(diff)
	}
}

// What others signed in the destination stays, under cosign's tags too.
func TestCopyMergesCosignTags(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	from, to := open(t, s.Host()+"/demo/from", nil), open(t, s.Host()+"/demo/to", nil)
	image := pushImage(t, from, "app")
	pushImage(t, to, "app")
	for repo, signature := range map[*registry.Repository]string{from: "b25l", to: "dHdv"} {
		if err := repo.AttachCosign(t.Context(), image, simpleSigning("payload", signature)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := registry.Copy(t.Context(), to, from, image.Digest.String(), nil); err != nil {
			t.Fatal(err)
		}
		d, err := to.Resolve(t.Context(), tagOf(image, ".sig"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := to.Manifest(t.Context(), d)
		if err != nil || len(m.Layers) != 2 {
			t.Fatalf("%d signatures, want both; %v", len(m.Layers), err)
		}
	}
}

// The listing of a destination that fails is not an attachment's fault, and ends the copy.
func TestCopyStops(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/referrers/") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	defer s.Close()
	_, from, image := startWithImage(t)
	if _, err := from.Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
	if root, err := registry.Copy(t.Context(), open(t, s.Host()+"/demo/app", nil), from, "v1", nil); !errors.Is(err,
		registry.ErrUnauthorized) || root.Digest != "" {
		t.Errorf("%v, %v", root, err)
	}
}

// What a source without hints lists is listed in the destination as the manifests say: others choose by artifact type.
func TestCopyListsWhatManifestsSay(t *testing.T) {
	bare := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.BareReferrers()}})
	defer bare.Close()
	fallback := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
	defer fallback.Close()
	from, to := open(t, bare.Host()+"/demo/app", nil), open(t, fallback.Host()+"/demo/app", nil)
	image := pushImage(t, from, "app")
	attached, err := from.Attach(t.Context(), image, content("one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Copy(t.Context(), to, from, image.Digest.String(), nil); err != nil {
		t.Fatal(err)
	}
	for d, err := range to.Referrers(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(attached[0], d); diff != "" {
			t.Error(diff)
		}
	}
}

// An entry whose manifest is about something else, or about nothing, is no referrer: it is told of, and the destination,
// which will never list it, is not waited for.
func TestCopyOfWrongEntries(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
	defer s.Close()
	from := open(t, s.Host()+"/demo/app", nil)
	image, other := pushImage(t, from, "app"), pushImage(t, from, "other")
	elsewhere, err := from.Attach(t.Context(), other, content("about another"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := from.Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
	if err := from.Repair(t.Context(), image, elsewhere[0], other); err != nil {
		t.Fatal(err)
	}
	s2 := registrytest.Start(nil)
	defer s2.Close()
	to := open(t, s2.Host()+"/demo/app", nil)
	root, err := registry.Copy(t.Context(), to, from, image.Digest.String(), nil)
	if root.Digest != image.Digest || !errors.Is(err, registry.ErrMalformed) || errors.Is(err, registry.ErrUnavailable) {
		t.Fatalf("%v, %v", root, err)
	}
	for _, wrong := range []registry.Descriptor{elsewhere[0], other} {
		if !strings.Contains(err.Error(), wrong.Digest.String()) {
			t.Errorf("%v does not name %s", err, wrong.Digest)
		}
	}
	if diff := cmp.Diff([]string{"one"}, texts(t, to, image)); diff != "" {
		t.Error(diff)
	}
}

// A source that lists more and more does not keep a copy going for ever.
func TestCopyIsBounded(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	from := open(t, s.Host()+"/demo/app", &registry.Options{Limits: registry.Limits{Referrers: 1}})
	var images []registry.Descriptor
	for i := range 70 {
		images = append(images, pushImage(t, from, fmt.Sprint(i)))
	}
	index := push(t, from, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: images}))
	if _, err := registry.Copy(t.Context(), reopen(t, t.TempDir()), from, index.Digest.String(), nil); !errors.Is(err, registry.ErrLimit) {
		t.Error(err)
	}
}

// A copy that breaks off anywhere leaves nothing that leads nowhere, and doing it again completes it.
func TestCopyBreaksOffAnywhere(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	from := open(t, s.Host()+"/demo/app", nil)
	image := pushImage(t, from, "app")
	index := push(t, from, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []registry.Descriptor{image}}))
	if err := from.Tag(t.Context(), index, "v1"); err != nil {
		t.Fatal(err)
	}
	boms, err := from.Attach(t.Context(), image, content("one"), content("two"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := from.Attach(t.Context(), boms[0], content("about one")); err != nil {
		t.Fatal(err)
	}
	var left atomic.Int64
	var die atomic.Pointer[context.CancelFunc]
	dying := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if cancel := die.Load(); cancel != nil && left.Add(-1) <= 0 {
				(*cancel)()
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	}
	s2 := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{dying, registrytest.NoReferrers(404)}})
	defer s2.Close()
	for at := int64(1); ; at += 3 {
		to := open(t, fmt.Sprintf("%s/demo/at%d", s2.Host(), at), nil)
		ctx, cancel := context.WithCancel(t.Context())
		left.Store(at)
		die.Store(&cancel)
		_, err := registry.Copy(ctx, to, from, "v1", nil)
		cancel()
		die.Store(nil)
		if err == nil {
			t.Logf("broke off at each third of %d requests", at-1)
			return
		}
		if _, err := to.Resolve(t.Context(), "v1"); err == nil {
			t.Errorf("after request %d the tag is there, and not everything else", at)
		}
		for _, subject := range []registry.Descriptor{index, image, boms[0]} {
			for d, err := range to.Evidence(t.Context(), subject) {
				if err != nil && !(d.Digest == "" && errors.Is(err, registry.ErrNotFound)) { // the repository is not there yet
					t.Errorf("after request %d: %v, %v", at, d, err)
				}
			}
		}
		if _, err := registry.Copy(t.Context(), to, from, "v1", nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"one", "two"}, texts(t, to, image)); diff != "" {
			t.Errorf("after request %d and again: %s", at, diff)
		}
		if diff := cmp.Diff([]string{"about one"}, texts(t, to, boms[0])); diff != "" {
			t.Errorf("after request %d and again: %s", at, diff)
		}
	}
}

// What a copy tells: totals that are never passed, what moves inside a blob, and what was left out and why.
func TestCopyProgress(t *testing.T) {
	s := registrytest.Start(nil)
	defer s.Close()
	from, to := open(t, s.Host()+"/demo/from", nil), open(t, s.Host()+"/demo/to", nil)
	var children []registry.Descriptor
	for _, arch := range []string{"amd64", "arm64"} {
		m := ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
			Config: push(t, from, ocispec.MediaTypeImageConfig, []byte(`{"architecture":"`+arch+`"}`)),
			Layers: []registry.Descriptor{push(t, from, ocispec.MediaTypeImageLayer, bytes.Repeat([]byte(arch), 1<<20))},
		}
		d := push(t, from, m.MediaType, asJSON(t, m))
		if _, err := from.Attach(t.Context(), d, content("about "+arch)); err != nil {
			t.Fatal(err)
		}
		d.Platform = &ocispec.Platform{OS: "linux", Architecture: arch}
		children = append(children, d)
	}
	index := push(t, from, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: children}))
	if _, err := from.Attach(t.Context(), index, content("about both")); err != nil {
		t.Fatal(err)
	}
	if err := from.Tag(t.Context(), index, "v1"); err != nil {
		t.Fatal(err)
	}
	run := func(to *registry.Repository, o registry.CopyOptions) (did map[registry.CopyAction]int, last registry.CopyProgress,
		left []error) {
		t.Helper()
		did = make(map[registry.CopyAction]int)
		o.Progress = func(p registry.CopyProgress) {
			if p.Count > p.Total || p.Bytes > p.TotalBytes || p.Moved > p.Size || p.Count < last.Count {
				t.Errorf("after %+v came %+v", last, p)
			}
			if did[p.Action]++; p.Action == registry.CopyLeft {
				left = append(left, p.Reason)
			}
			last = p
		}
		if d, err := registry.Copy(t.Context(), to, from, "v1", &o); err != nil || d.Digest != index.Digest {
			t.Fatal(d, err)
		}
		if last.Count != last.Total || last.Bytes != last.TotalBytes {
			t.Errorf("it ends at %+v", last)
		}
		return did, last, left
	}
	layout := reopen(t, t.TempDir())
	dry, whole, _ := run(layout, registry.CopyOptions{DryRun: true})
	if _, err := layout.Resolve(t.Context(), "v1"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a dry run wrote: %v", err)
	}
	did, last, _ := run(layout, registry.CopyOptions{})
	if did[registry.CopyMoving] == 0 || last.Total != whole.Total || last.TotalBytes != whole.TotalBytes ||
		did[registry.CopySent] != dry[registry.CopySent] {
		t.Errorf("%v and %+v, where a dry run said %v and %+v", did, last, dry, whole)
	}
	if did, _, _ = run(layout, registry.CopyOptions{}); did[registry.CopyPresent] < 4 {
		t.Errorf("the second time: %v", did)
	}
	// Within one registry nothing moves.
	if did, _, _ = run(to, registry.CopyOptions{}); did[registry.CopyMounted] < 4 || did[registry.CopyMoving] > 0 {
		t.Errorf("within one registry: %v", did)
	}
	for _, d := range append(children, index) {
		if got := texts(t, to, d); len(got) != 1 {
			t.Errorf("%q on %s", got, d.Digest)
		}
	}
	some := reopen(t, t.TempDir())
	_, _, left := run(some, registry.CopyOptions{WithoutEvidence: true,
		Platforms: []ocispec.Platform{{OS: "linux", Architecture: "arm64"}}})
	if len(left) != 1 || !errors.Is(left[0], registry.ErrOtherPlatform) {
		t.Errorf("left out: %v", left)
	}
	if got := texts(t, some, index); len(got) != 0 {
		t.Errorf("evidence: %q", got)
	}
	if _, err := some.Resolve(t.Context(), children[0].Digest.String()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("the other platform: %v", err)
	}
	if _, err := some.Resolve(t.Context(), children[1].Digest.String()); err != nil {
		t.Error(err)
	}
}

// A stream that breaks, is refused, or comes damaged once, is asked for again; one that is damaged says so.
func TestCopyStreamsAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		times  int64
		damage func(w http.ResponseWriter, body []byte)
		want   error
	}{
		"cut once": {1, func(w http.ResponseWriter, body []byte) {
			_, _ = w.Write(body[:len(body)/2])
			panic(http.ErrAbortHandler)
		}, nil},
		"damaged once":   {1, func(w http.ResponseWriter, body []byte) { body[7] ^= 1; _, _ = w.Write(body) }, nil},
		"damaged always": {1000, func(w http.ResponseWriter, body []byte) { body[7] ^= 1; _, _ = w.Write(body) }, registry.ErrDigest},
	} {
		for _, to := range []string{"registry", "layout"} {
			t.Run(name+" to a "+to, func(t *testing.T) {
				t.Parallel()
				var left atomic.Int64
				s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
							next.ServeHTTP(w, r)
							return
						}
						rec := httptest.NewRecorder()
						next.ServeHTTP(rec, r)
						if rec.Body.Len() < 100<<10 || left.Add(-1) < 0 {
							_, _ = w.Write(rec.Body.Bytes())
							return
						}
						w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
						tt.damage(w, bytes.Clone(rec.Body.Bytes()))
					})
				}}})
				defer s.Close()
				other := registrytest.Start(nil)
				defer other.Close()
				from, dst := open(t, s.Host()+"/demo/app", nil), open(t, other.Host()+"/demo/app", nil)
				if to == "layout" {
					dst = reopen(t, t.TempDir())
				}
				layer := push(t, from, ocispec.MediaTypeImageLayer, bytes.Repeat([]byte("layer"), 100<<10))
				image := push(t, from, ocispec.MediaTypeImageManifest, asJSON(t, ocispec.Manifest{
					Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
					Config: push(t, from, ocispec.MediaTypeImageConfig, []byte(`{}`)), Layers: []registry.Descriptor{layer}}))
				left.Store(tt.times)
				if _, err := registry.Copy(t.Context(), dst, from, image.Digest.String(), nil); !errors.Is(err, tt.want) {
					t.Fatalf("%v, want %v", err, tt.want)
				}
				if tt.want == nil {
					left.Store(0)
					fetch(t, dst, layer)
				}
			})
		}
	}
}

// Two lists that name each other's manifests keep nobody waiting.
func TestCopyOfListsThatLie(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404)}})
	defer s.Close()
	from := open(t, s.Host()+"/demo/from", nil)
	one, two := pushImage(t, from, "one"), pushImage(t, from, "two")
	for subject, referrer := range map[*registry.Descriptor]registry.Descriptor{&one: two, &two: one} {
		if err := from.Repair(t.Context(), *subject, referrer); err != nil {
			t.Fatal(err)
		}
	}
	index := push(t, from, ocispec.MediaTypeImageIndex, asJSON(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []registry.Descriptor{one, two}}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := registry.Copy(ctx, reopen(t, t.TempDir()), from, index.Digest.String(), nil)
	if !errors.Is(err, registry.ErrMalformed) || d.Digest != index.Digest {
		t.Errorf("%v, %v", d, err)
	}
}

// What a source or the way from it has damaged is not copied, into a registry that stores what it gets and looks at nothing
// either: it is asked for again, and if that does not help, is an error that leaves nothing by its name.
func TestCopyChecksWhatItMoves(t *testing.T) {
	t.Parallel()
	var damage atomic.Int64
	src := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") || damage.Add(-1) < 0 {
				next.ServeHTTP(w, r)
				return
			}
			good := httptest.NewRecorder()
			next.ServeHTTP(good, r)
			data := good.Body.Bytes()
			data[len(data)/2] ^= 1
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			_, _ = w.Write(data)
		})
	}}})
	defer src.Close()
	from := open(t, src.Host()+"/demo/app", nil)
	layer := push(t, from, ocispec.MediaTypeImageLayerGzip, bytes.Repeat([]byte("layer"), 100_000))
	image := push(t, from, ocispec.MediaTypeImageManifest, asJSON(t, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.DescriptorEmptyJSON, Layers: []registry.Descriptor{layer},
	}))
	for times, want := range map[int64]error{0: nil, 1: nil, 1 << 30: registry.ErrDigest} {
		var stored atomic.Pointer[[]byte]
		dst := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{storesAnything(layer.Digest.String(), &stored)}})
		damage.Store(times)
		_, err := registry.Copy(t.Context(), open(t, dst.Host()+"/demo/app", nil), from, image.Digest.String(), nil)
		dst.Close()
		if !errors.Is(err, want) {
			t.Errorf("damaged %d times: %v, want %v", times, err, want)
		}
		if data := stored.Load(); (data != nil) != (want == nil) || data != nil &&
			layer.Digest.Algorithm().FromBytes(*data) != layer.Digest {
			t.Errorf("damaged %d times: other bytes were stored, or none", times)
		}
	}
}

// storesAnything is a registry that stores one blob by its name and does not look at it.
func storesAnything(name string, stored *atomic.Pointer[[]byte]) registrytest.Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPut || r.URL.Query().Get("digest") != name {
				next.ServeHTTP(w, r)
				return
			}
			data, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			stored.Store(&data)
			w.WriteHeader(http.StatusCreated)
		})
	}
}
