package registry_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	index = ocispec.MediaTypeImageIndex
	image = ocispec.MediaTypeImageManifest
)

// evil answers every request.
type evil func(w http.ResponseWriter, r *http.Request)

func answer(contentType, body string) evil {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// entry is a listing with one entry.
func entry(d digest.Digest, size int64) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":%d,"artifactType":%q}]}`, index,
		image, d, size, bundleType)
}

// A registry that means harm ends in a typed error, within the limits.
func TestAdversarialRegistry(t *testing.T) {
	subject := content("subject")
	manifest := func(m string) (string, digest.Digest, int64) { return m, digest.FromString(m), int64(len(m)) }
	carrying := func(layers string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":%q,"config":{"mediaType":"application/`+
			`vnd.oci.empty.v1+json","digest":%q,"size":2},"layers":[%s],"subject":{"mediaType":%[1]q,"digest":%[5]q,"size":7}}`,
			image, bundleType, digest.FromString("{}"), layers, subject.Digest)
	}
	layer := func(d digest.Digest, size int64) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, bundleType, d, size)
	}
	// serving lists one manifest and serves it, and blobs.
	serving := func(body string, blob evil) evil {
		m, d, n := manifest(body)
		return func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.Contains(r.URL.Path, "/referrers/"):
				answer(index, entry(d, n))(w, r)
			case strings.Contains(r.URL.Path, "/manifests/"+d.String()):
				answer(image, m)(w, r)
			case strings.Contains(r.URL.Path, "/blobs/"):
				blob(w, r)
			default:
				http.NotFound(w, r)
			}
		}
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials went to another host")
		}
		http.NotFound(w, r)
	}))
	defer other.Close()
	bomb := new(bytes.Buffer)
	z := gzip.NewWriter(bomb)
	_, _ = io.CopyN(z, zeros{}, 16<<20) // four times what is read
	z.Close()

	tests := []struct {
		name string
		evil evil
		want error // nil: no candidate and no error
	}{
		{"endless pages", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", fmt.Sprintf(`<%s?n=%d>; rel="next"`, r.URL.Path, time.Now().UnixNano()))
			answer(index, `{"schemaVersion":2,"manifests":[]}`)(w, r)
		}, registry.ErrLimit},
		{"endless entries", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", fmt.Sprintf(`<%s?n=%d>; rel="next"`, r.URL.Path, time.Now().UnixNano()))
			var list []string
			for i := range 100 {
				list = append(list, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1,"artifactType":"x/y"}`, image,
					digest.FromString(fmt.Sprint(time.Now().UnixNano(), i))))
			}
			answer(index, `{"schemaVersion":2,"manifests":[`+strings.Join(list, ",")+`]}`)(w, r)
		}, registry.ErrLimit},
		{"next page on another host", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", fmt.Sprintf(`<%s/v2/>; rel="next"`, other.URL))
			answer(index, `{"schemaVersion":2,"manifests":[]}`)(w, r)
		}, registry.ErrMalformed},
		{"huge listing", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", index)
			_, _ = io.CopyN(w, zeros{}, 100<<20)
		}, registry.ErrLimit},
		{"listing is broken JSON", answer(index, `{"manifests":[`), registry.ErrMalformed},
		{"listing with duplicate members", answer(index, `{"schemaVersion":2,"manifests":[],"manifests":[]}`), registry.ErrMalformed},
		{"depth bomb", answer(index, strings.Repeat(`{"manifests":[`, 100000)), registry.ErrMalformed},
		{"listing of nulls", answer(index, `{"schemaVersion":2,"manifests":[null,null]}`), registry.ErrMalformed},
		{"listing is null", answer(index, `null`), registry.ErrMalformed},
		{"listing is no list", answer(index, `{"schemaVersion":2}`), registry.ErrMalformed},
		{"fallback tag is an image", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/manifests/sha256-") {
				answer(image, `{"schemaVersion":2,"layers":[]}`)(w, r)
				return
			}
			w.WriteHeader(http.StatusNotFound)
		}, registry.ErrMalformed},
		{"repository is missing at the fallback tag", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			if strings.Contains(r.URL.Path, "/manifests/sha256-") {
				fmt.Fprint(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}`)
			}
		}, registry.ErrNotFound},
		{"listing is an array", answer(index, `[]`), registry.ErrMalformed},
		{"digest is a path", answer(index,
			`{"schemaVersion":2,"manifests":[{"mediaType":"`+image+`","digest":"sha256:../../etc/passwd","size":1,"artifactType":"`+
				bundleType+`"}]}`),
			registry.ErrMalformed},
		{"negative size", answer(index, entry(subject.Digest, -1)), registry.ErrMalformed},
		{"huge manifest", answer(index, entry(subject.Digest, 1<<40)), registry.ErrLimit},
		{"manifest is longer than it says", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/referrers/") {
				answer(index, entry(digest.FromString("x"), 1))(w, r)
				return
			}
			w.Header().Set("Content-Type", image)
			w.(http.Flusher).Flush() // so that there is no Content-Length
			_, _ = io.CopyN(w, zeros{}, 1<<20)
		}, registry.ErrDigest},
		{"manifest is another", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/referrers/") {
				answer(index, entry(digest.FromString("x"), 2))(w, r)
				return
			}
			answer(image, "{}")(w, r)
		}, registry.ErrDigest},
		{"manifest of no known version", serving(`{"schemaVersion":1,"layers":[]}`, answer("", "")), registry.ErrMalformed},
		{"manifest about another subject",
			serving(strings.Replace(carrying(layer(subject.Digest, 7)), subject.Digest.String()+`","size":7}}`,
				digest.FromString("x").String()+`","size":7}}`, 1), answer("", "subject")), nil},
		{"manifest without subject", serving(fmt.Sprintf(`{"schemaVersion":2,"layers":[%s]}`, layer(subject.Digest, 7)), answer("",
			"subject")), nil},
		{"blob of another digest", serving(carrying(layer(digest.FromString("wanted"), 6)), answer("", "forged")), registry.ErrDigest},
		{"blob ends early", serving(carrying(layer(digest.FromString("wanted"), 6)), answer("", "want")), registry.ErrDigest},
		{"blob goes on", serving(carrying(layer(digest.FromString("wanted"), 6)), func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = io.CopyN(w, zeros{}, 100<<20)
		}), registry.ErrDigest},
		{"blob is too large", serving(carrying(layer(digest.FromString("x"), 1<<40)), answer("", "x")), registry.ErrLimit},
		{"blob is a gzip bomb", serving(carrying(layer(digest.FromString("x"), 1)), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}), registry.ErrDigest},
		{"data inside the descriptor is another", serving(carrying(fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":6,"data":"Zm9yZ2Vk"}`,
			bundleType, digest.FromString("wanted"))), answer("", "")), registry.ErrDigest},
		{"blob is elsewhere", serving(carrying(layer(digest.FromString("wanted"), 6)), func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/blob", http.StatusTemporaryRedirect)
		}), registry.ErrNotFound},
		{"blob goes round in circles",
			serving(carrying(layer(digest.FromString("wanted"), 6)), func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
			}), registry.ErrUnavailable},
		{"blob never comes", serving(carrying(layer(digest.FromString("wanted"), 6)), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "6")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), registry.ErrUnavailable},
		{"blob drips", serving(carrying(layer(digest.FromString("wanted"), 6)), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "6")
			for r.Context().Err() == nil {
				w.(http.Flusher).Flush()
				time.Sleep(50 * time.Millisecond)
			}
		}), registry.ErrUnavailable},
		{"listing never comes", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, registry.ErrUnavailable},
		{"pages that repeat", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", fmt.Sprintf(`<%s?last=x>; rel="next"`, r.URL.Path))
			answer(index, `{"schemaVersion":2,"manifests":[]}`)(w, r)
		}, registry.ErrLimit},
		{"second page fails", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			w.Header().Set("Link", fmt.Sprintf(`<%s?last=x>; rel="next"`, r.URL.Path))
			answer(index, `{"schemaVersion":2,"manifests":[]}`)(w, r)
		}, registry.ErrUnavailable},
		{"second page is no page", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" {
				answer("text/html", "<!doctype html>")(w, r)
				return
			}
			w.Header().Set("Link", fmt.Sprintf(`<%s?last=x>; rel="next"`, r.URL.Path))
			answer(index, `{"schemaVersion":2,"manifests":[]}`)(w, r)
		}, registry.ErrMalformed},
		{"everything is a web page", answer("text/html", "<!doctype html><title>Sign in</title>"), registry.ErrMalformed},
		{"manifest is a web page", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/referrers/") {
				answer(index, entry(digest.FromString("x"), 15))(w, r)
				return
			}
			answer("text/html", "<!doctype html>")(w, r)
		}, registry.ErrDigest},
		{"listing is elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/v2/", http.StatusTemporaryRedirect)
		}, registry.ErrNotFound}, // where there is neither API nor tag, nor the subject
		{"tag resolves to the subject", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/manifests/sha256-") {
				answer(image, "subject")(w, r)
				return
			}
			w.WriteHeader(http.StatusNotFound)
		}, registry.ErrNotFound},
		{"listing is a gzip bomb", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", index)
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}, registry.ErrLimit},
		{"errors without end", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.CopyN(w, zeros{}, 100<<20)
		}, registry.ErrLimit},
		{"a million layers", func() evil {
			one := layer(digest.FromString("x"), 1) + ","
			return serving(carrying(strings.Repeat(one, 3<<20/len(one))+one[:len(one)-1]), answer("", "x"))
		}(), registry.ErrLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := registrytest.Start(&registrytest.Options{Registry: http.HandlerFunc(tt.evil)})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app", &registry.Options{
				Limits: registry.Limits{Referrers: 128},
				Credential: func(_ context.Context, host string) (registry.Credential, error) {
					return registry.Credential{Username: "me", Password: "secret"}, nil
				},
			})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var errs []error
			evidence := ctx
			if !strings.HasSuffix(tt.name, "never comes") && !strings.HasSuffix(tt.name, "drips") {
				patient, stop := context.WithTimeout(t.Context(), time.Minute) // the machine may be busy
				defer stop()
				evidence = patient
			}
			for d, err := range repo.Evidence(evidence, subject) {
				if err != nil {
					errs = append(errs, err)
				} else if digest.FromBytes(d.Data) != d.Digest {
					t.Error("content that does not match its digest was passed on")
				}
			}
			// Nor does it get further with anything else.
			_, resolve := repo.Resolve(ctx, "v1")
			_, attach := repo.Attach(ctx, subject, content("one"))
			_, copying := registry.Copy(ctx, reopen(t, t.TempDir()), repo, subject.Digest.String(), nil)
			_, children := repo.Children(ctx, registry.Descriptor{MediaType: index, Digest: subject.Digest, Size: subject.Size})
			_, tree := repo.Tree(ctx, subject)
			for what, err := range map[string]error{
				"Resolve": resolve, "Attach": attach, "Copy": copying, "Children": children, "Tree": tree,
				"AttachCosign": repo.AttachCosign(ctx, subject, envelope("one")), "Delete": repo.Delete(ctx, subject, subject),
			} {
				if err != nil && !slices.ContainsFunc(kindsOfFailure, func(kind error) bool { return errors.Is(err, kind) }) {
					t.Errorf("%s: an error of no kind: %v", what, err)
				}
			}
			runtime.ReadMemStats(&after)
			if err := errors.Join(errs...); tt.want == nil && err != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
				t.Errorf("%d MiB were allocated", used>>20)
			}
		})
	}
}

var kindsOfFailure = []error{
	registry.ErrNotFound, registry.ErrUnauthorized, registry.ErrUnavailable, registry.ErrUnsupported, registry.ErrInvalid,
	registry.ErrMalformed, registry.ErrDigest, registry.ErrLimit, registry.ErrContended,
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A digest that was asked for is the digest that comes, whatever the registry says.
func TestResolveIsHeldToTheDigest(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Registry: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", image)
		w.Header().Set("Docker-Content-Digest", digest.FromString("another").String())
		w.Header().Set("Content-Length", "7")
	})})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", nil)
	if d, err := repo.Resolve(t.Context(), digest.FromString("asked for").String()); err == nil {
		t.Errorf("resolved to %v", d)
	}
}

// What some registries do and the specification does not say, none of which is a reason to lose or to refuse anything.
func TestOddRegistries(t *testing.T) {
	header := func(name, value string, when func(*http.Request) bool) registrytest.Quirk {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if when(r) {
					w = &rewriter{w, func(h http.Header) {
						if h.Get(name) != "" {
							h.Set(name, value)
						}
					}}
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	manifests := func(r *http.Request) bool {
		return r.Method != http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
	}
	uploads := func(change func(r *http.Request, location string) string) registrytest.Quirk {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost {
					next.ServeHTTP(w, r)
					return
				}
				r.URL.RawQuery = "" // no upload in one request
				next.ServeHTTP(&rewriter{w, func(h http.Header) { h.Set("Location", change(r, h.Get("Location"))) }}, r)
			})
		}
	}
	for name, quirk := range map[string]registrytest.Quirk{
		"manifests are JSON": header("Content-Type", "application/json", manifests),
		"listing is JSON": header("Content-Type", "application/json", func(r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/referrers/")
		}),
		"neither length nor digest of manifests": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if manifests(r) {
					w = &rewriter{w, func(h http.Header) { h.Del("Content-Length"); h.Del("Docker-Content-Digest") }}
				}
				next.ServeHTTP(w, r)
				if manifests(r) {
					w.(http.Flusher).Flush()
				}
			})
		},
		"no HEAD": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(http.StatusMethodNotAllowed)
					return
				}
				next.ServeHTTP(w, r)
			})
		},
		"no body with POST": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost && r.ContentLength != 0 {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				next.ServeHTTP(w, r)
			})
		},
		"upload at a path": uploads(func(r *http.Request, location string) string {
			u, _ := r.URL.Parse(location)
			return u.RequestURI()
		}),
		"upload at an address with a query": uploads(func(r *http.Request, location string) string {
			u, _ := r.URL.Parse(location)
			return "http://" + r.Host + u.RequestURI() + "&_state=a%2Bb&x=1"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{quirk}})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app", nil)
			image := pushImage(t, repo, "app")
			if err := repo.Tag(t.Context(), image, "v1"); err != nil {
				t.Fatal(err)
			}
			for _, reference := range []string{"v1", image.Digest.String()} {
				d, err := repo.Resolve(t.Context(), reference)
				if err != nil || d.Digest != image.Digest || d.Size != image.Size || d.MediaType != image.MediaType {
					t.Errorf("%s is %v, %v", reference, d, err)
				}
				if _, err := repo.Children(t.Context(), d); err != nil {
					t.Error(err)
				}
			}
			if _, err := repo.Resolve(t.Context(), "v2"); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("a tag that is not there: %v", err)
			}
			if _, err := repo.Attach(t.Context(), image, content("one"), content("two")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"one", "two"}, texts(t, repo, image)); diff != "" {
				t.Error(diff)
			}
			plain := open(t, s.Host()+"/demo/app", nil)
			if err := plain.AttachCosign(t.Context(), image, simpleSigning("payload", "c2ln")); err != nil {
				t.Error(err)
			}
		})
	}
	for name, location := range map[string]string{"nowhere": "", "on another host": "http://127.0.0.1:1/v2/demo/app/blobs/uploads/1",
		"at no address": "http://[::1"} {
		t.Run("upload "+name, func(t *testing.T) {
			t.Parallel()
			s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{uploads(func(*http.Request,
				string) string {
				return location
			})}})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app", nil)
			if _, err := repo.Attach(t.Context(), content("subject"), content("one")); !errors.Is(err, registry.ErrMalformed) {
				t.Error(err)
			}
		})
	}
}

// rewriter changes the headers of an answer.
type rewriter struct {
	http.ResponseWriter
	change func(http.Header)
}

func (r *rewriter) WriteHeader(status int) {
	r.change(r.Header())
	r.ResponseWriter.WriteHeader(status)
}

func (r *rewriter) Write(p []byte) (int, error) {
	r.change(r.Header())
	return r.ResponseWriter.Write(p)
}

func (r *rewriter) Flush() { r.ResponseWriter.(http.Flusher).Flush() }

// A tag that the registry does not let anybody move ends in an error that says so, with what the registry says about it,
// and leaves what is there.
func TestImmutableTags(t *testing.T) {
	for status, want := range map[int]error{409: registry.ErrUnsupported, 405: registry.ErrUnsupported, 400: registry.ErrInvalid,
		403: registry.ErrUnauthorized, 412: registry.ErrContended} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404),
				registrytest.ImmutableTags(status)}})
			defer s.Close()
			repo := open(t, s.Host()+"/demo/app", nil)
			image := pushImage(t, repo, "app")
			if _, err := repo.Attach(t.Context(), image, content("one")); err != nil {
				t.Fatal(err)
			}
			var partial *registry.AttachError
			if _, err := repo.Attach(t.Context(), image, content("two")); !errors.Is(err, want) || !errors.As(err, &partial) ||
				len(partial.Pushed) != 1 || !strings.Contains(err.Error(), "immutable") {
				t.Error(err)
			}
			if diff := cmp.Diff([]string{"one"}, texts(t, repo, image)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A registry that resolves any tag made of a digest to what has the digest has no fallback index and no signature there.
func TestSubjectAtEveryTag(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.NoReferrers(404),
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if before, tag, found := strings.Cut(r.URL.Path, "/manifests/sha256-"); found && r.Method != http.MethodPut {
					rec := httptest.NewRecorder()
					if next.ServeHTTP(rec, r); rec.Code == http.StatusNotFound {
						r = r.Clone(r.Context())
						r.URL.Path = before + "/manifests/sha256:" + tag[:64]
					}
				}
				next.ServeHTTP(w, r)
			})
		}}})
	defer s.Close()
	repo := open(t, s.Host()+"/demo/app", &registry.Options{CosignTags: true})
	image := pushImage(t, repo, "app")
	for range repo.Evidence(t.Context(), image) {
		t.Error("there is something about the image before anything was attached")
	}
	if _, err := repo.Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
	if err := repo.AttachCosign(t.Context(), image, simpleSigning("payload", "c2ln")); err != nil {
		t.Fatal(err)
	}
	d, err := repo.Resolve(t.Context(), tagOf(image, ".sig"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := repo.Manifest(t.Context(), d); err != nil || len(m.Layers) != 1 {
		t.Errorf("cosign's manifest is %v, %v", m, err)
	}
	to := registrytest.Start(nil)
	defer to.Close()
	if _, err := registry.Copy(t.Context(), open(t, to.Host()+"/demo/app", nil), repo, image.Digest.String(), nil); err != nil {
		t.Error(err)
	}
}
