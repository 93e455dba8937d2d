package registrytest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// NoReferrers is a registry without the referrers API: it answers with a status, such as 404 or 405, and does not know
// the header OCI-Subject.
func NoReferrers(status int) Quirk {
	return func(next http.Handler) http.Handler {
		return withoutReferrers(next, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
		})
	}
}

// EmptyReferrers is a registry whose referrers API answers with an empty list, whatever was pushed.
func EmptyReferrers() Quirk {
	return func(next http.Handler) http.Handler {
		return withoutReferrers(next, func(w http.ResponseWriter, _ *http.Request) {
			writeIndex(w, ocispec.Index{Manifests: []ocispec.Descriptor{}})
		})
	}
}

// HTMLReferrers is a registry that answers the referrers API with a web page and status 200.
func HTMLReferrers() Quirk {
	return func(next http.Handler) http.Handler {
		return withoutReferrers(next, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<!doctype html><title>Sign in</title>")
		})
	}
}

// PagedReferrers is a registry that lists n referrers at a time.
func PagedReferrers(n int) Quirk {
	return func(next http.Handler) http.Handler {
		return answerReferrers(next, func(w http.ResponseWriter, r *http.Request) {
			index, status := listReferrers(next, r)
			if index == nil {
				w.WriteHeader(status)
				return
			}
			start, _ := strconv.Atoi(r.URL.Query().Get("start"))
			start = min(max(start, 0), len(index.Manifests))
			end := min(start+n, len(index.Manifests))
			if end < len(index.Manifests) {
				w.Header().Set("Link", fmt.Sprintf(`<%s?start=%d>; rel="next"`, r.URL.Path, end))
			}
			index.Manifests = index.Manifests[start:end]
			writeIndex(w, *index)
		})
	}
}

// BareReferrers is a registry whose list gives neither artifact types nor annotations.
func BareReferrers() Quirk {
	return func(next http.Handler) http.Handler {
		return answerReferrers(next, func(w http.ResponseWriter, r *http.Request) {
			index, status := listReferrers(next, r)
			if index == nil {
				w.WriteHeader(status)
				return
			}
			for i, d := range index.Manifests {
				index.Manifests[i] = ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
			}
			writeIndex(w, *index)
		})
	}
}

// SlowReferrers is a registry whose list does not show a referrer in the first n answers after it was pushed.
func SlowReferrers(n int) Quirk {
	return func(next http.Handler) http.Handler {
		var mu sync.Mutex
		seen := make(map[string]int)
		return answerReferrers(next, func(w http.ResponseWriter, r *http.Request) {
			index, status := listReferrers(next, r)
			if index == nil {
				w.WriteHeader(status)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			shown := []ocispec.Descriptor{}
			for _, d := range index.Manifests {
				if seen[string(d.Digest)]++; seen[string(d.Digest)] > n {
					shown = append(shown, d)
				}
			}
			index.Manifests = shown
			writeIndex(w, *index)
		})
	}
}

// NoSubjectHeader is a registry that does not confirm a manifest's subject.
func NoSubjectHeader() Quirk { return dropHeader("OCI-Subject") }

// NoDigestHeader is a registry that does not say the digest of what it serves.
func NoDigestHeader() Quirk { return dropHeader("Docker-Content-Digest") }

// NoDelete is a registry that refuses to delete.
func NoDelete() Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// ImmutableTags is a registry where a tag that is there cannot be moved: it answers with a status, such as 409 or 400.
func ImmutableTags(status int) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, tag, found := strings.Cut(r.URL.Path, "/manifests/")
			if found && r.Method == http.MethodPut && !strings.Contains(tag, ":") {
				there := r.Clone(r.Context())
				there.Method, there.Body, there.ContentLength = http.MethodHead, http.NoBody, 0
				rec := httptest.NewRecorder()
				if next.ServeHTTP(rec, there); rec.Code == http.StatusOK {
					w.WriteHeader(status)
					fmt.Fprint(w, `{"errors":[{"code":"DENIED","message":"the tag is there and immutable"}]}`)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Throttled is a registry that answers its first n requests with 429 and that Retry-After.
func Throttled(n int64, retryAfter string) Quirk {
	return func(next http.Handler) http.Handler {
		var count atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if count.Add(1) <= n {
				w.Header().Set("Retry-After", retryAfter)
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// SubjectAtFallbackTag is a registry that resolves the fallback tag of a manifest to the manifest itself.
func SubjectAtFallbackTag() Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at := strings.LastIndex(r.URL.Path, "/manifests/sha256-")
			if at >= 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
				r = r.Clone(r.Context())
				r.URL.Path = strings.Replace(r.URL.Path, "/manifests/sha256-", "/manifests/sha256:", 1)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// TokenAuth is a registry that wants a bearer token for everything, and gives one for a user name and a password.
// Tokens are good for the repositories and actions (pull, push, delete) that were asked for. With an empty user everybody
// gets one.
func TokenAuth(user, password string) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" {
				u, p, _ := r.BasicAuth()
				if user != "" && (u != user || p != password) {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				token := base64.URLEncoding.EncodeToString([]byte(strings.Join(r.URL.Query()["scope"], " ")))
				_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 300})
				return
			}
			name, action := needs(r)
			granted, _ := base64.URLEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			if !slices.ContainsFunc(strings.Fields(string(granted)), func(scope string) bool {
				actions, ok := strings.CutPrefix(scope, "repository:"+name+":")
				return ok && slices.Contains(strings.Split(actions, ","), action)
			}) {
				w.Header().Set("WWW-Authenticate",
					fmt.Sprintf(`Bearer realm="http://%s/token",service="test",scope="repository:%s:%s"`, r.Host,
						name, action))
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// needs returns the repository of a request, and what a token must allow there.
func needs(r *http.Request) (name, action string) {
	name = strings.TrimPrefix(r.URL.Path, "/v2/")
	for _, kind := range []string{"/manifests/", "/blobs/", "/referrers/", "/tags/"} {
		if at := strings.LastIndex(name, kind); at >= 0 {
			name = name[:at]
			break
		}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return name, "pull"
	case http.MethodDelete:
		return name, "delete"
	}
	return name, "push"
}

// Watch calls f before each request.
func Watch(f func(r *http.Request)) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f(r)
			next.ServeHTTP(w, r)
		})
	}
}

// withoutReferrers is a registry without a referrers API of its own, in place of which answer answers.
func withoutReferrers(next http.Handler, answer http.HandlerFunc) http.Handler {
	own := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), noAPI{}, true)))
	})
	return NoSubjectHeader()(answerReferrers(own, answer))
}

func answerReferrers(next http.Handler, answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/referrers/") {
			answer(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// listReferrers asks the registry itself, nil if it does not answer with a list.
func listReferrers(next http.Handler, r *http.Request) (*ocispec.Index, int) {
	inner := r.Clone(r.Context())
	inner.URL = &url.URL{Path: r.URL.Path}
	inner.RequestURI = r.URL.Path
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, inner)
	index := new(ocispec.Index)
	if rec.Code != http.StatusOK || json.Unmarshal(rec.Body.Bytes(), index) != nil {
		return nil, rec.Code
	}
	return index, rec.Code
}

func writeIndex(w http.ResponseWriter, index ocispec.Index) {
	index.SchemaVersion = 2
	index.MediaType = ocispec.MediaTypeImageIndex
	var body bytes.Buffer
	_ = json.NewEncoder(&body).Encode(index)
	w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
	_, _ = w.Write(body.Bytes())
}

func dropHeader(name string) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&headerDropper{w, name}, r)
		})
	}
}

type headerDropper struct {
	http.ResponseWriter
	name string
}

func (h *headerDropper) WriteHeader(status int) {
	h.Header().Del(h.name)
	h.ResponseWriter.WriteHeader(status)
}

func (h *headerDropper) Write(p []byte) (int, error) {
	h.Header().Del(h.name)
	return h.ResponseWriter.Write(p)
}
