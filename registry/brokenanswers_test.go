package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"golang.org/x/sync/errgroup"
)

// Answers that break off, or come damaged by what is between the registry and us.
var brokenAnswers = map[string]func(w http.ResponseWriter, good *httptest.ResponseRecorder){
	"in the middle": func(w http.ResponseWriter, good *httptest.ResponseRecorder) {
		w.Header()["Content-Length"] = good.Header()["Content-Length"]
		_, _ = w.Write(good.Body.Bytes()[:good.Body.Len()/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	},
	"before the last chunk": func(w http.ResponseWriter, good *httptest.ResponseRecorder) {
		_, _ = w.Write(good.Body.Bytes())
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	},
	"before it began": func(http.ResponseWriter, *httptest.ResponseRecorder) { panic(http.ErrAbortHandler) },
	"in its compression": func(w http.ResponseWriter, good *httptest.ResponseRecorder) {
		w.Header().Set("Content-Encoding", "gzip")
		data := compressed(good.Body.Bytes())
		_, _ = w.Write(data[:len(data)-6])
	},
	"with a damaged compression": func(w http.ResponseWriter, good *httptest.ResponseRecorder) {
		w.Header().Set("Content-Encoding", "gzip")
		data := compressed(good.Body.Bytes())
		data[len(data)-6] ^= 1 // its checksum
		_, _ = w.Write(data)
	},
}

// An answer that breaks off is asked for again, over either version of HTTP, and if all do, the registry is unavailable:
// its content is not malformed.
func TestAnswersThatBreakOff(t *testing.T) {
	t.Parallel()
	g := new(errgroup.Group)
	g.SetLimit(24) // most of the time is waited
	for name, broken := range brokenAnswers {
		for _, version := range []int{1, 2} {
			for _, part := range []string{"/referrers/", "/manifests/sha256-", "/manifests/v1", "/manifests/sha256:", "/blobs/"} {
				if !heavy() && (len(name)+len(part)+version)%3 != 0 {
					continue
				}
				g.Go(func() error {
					breakOff(t, fmt.Sprintf("HTTP/%d, %s, %s", version, name, part), version, part, broken)
					return nil
				})
			}
		}
	}
	_ = g.Wait()
}

// serveTLS returns a client that reaches a server as example.com: loopback would be without TLS.
func serveTLS(handler http.HandlerFunc, http2 bool) (s *httptest.Server, transport *http.Transport) {
	s = httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = http2
	s.StartTLS()
	transport = s.Client().Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}
	return s, transport
}

func breakOff(t *testing.T, name string, version int, part string, broken func(http.ResponseWriter, *httptest.ResponseRecorder)) {
	var left atomic.Int64
	handler := registrytest.Memory()
	if part == "/manifests/sha256-" {
		handler = registrytest.NoReferrers(404)(handler)
	}
	s, transport := serveTLS(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != version {
			t.Errorf("HTTP/%d, want %d", r.ProtoMajor, version)
		}
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, part) || left.Add(-1) < 0 {
			handler.ServeHTTP(w, r)
			return
		}
		good := httptest.NewRecorder()
		handler.ServeHTTP(good, r)
		if good.Code == http.StatusOK {
			w.Header().Set("Content-Type", good.Header().Get("Content-Type"))
		}
		broken(w, good)
	}, version == 2)
	defer s.Close()
	opts := &registry.Options{Transport: transport}
	repo, err := registry.Open("example.com/demo/app", opts)
	if err != nil {
		t.Error(err)
		return
	}
	image := pushImage(t, repo, "app")
	if err := repo.Tag(t.Context(), image, "v1"); err != nil {
		t.Error(err)
	}
	if _, err := repo.Attach(t.Context(), image, padded("one"), padded("two")); err != nil {
		t.Error(err)
	}
	for _, times := range []int64{1, 1 << 30} {
		fresh := open(t, repo.Name(), opts)
		left.Store(times)
		err := error(nil)
		got := outcome{texts: []string{"one", "two"}}
		if part == "/manifests/v1" {
			_, err = registry.Copy(t.Context(), reopen(t, t.TempDir()), fresh, "v1", nil)
		} else {
			got = read(t.Context(), fresh, image)
			err = got.err()
		}
		left.Store(0)
		switch {
		case times == 1 && (err != nil || !slices.Equal(got.texts, []string{"one", "two"})):
			t.Errorf("%s, once: %v, %v", name, got.texts, err)
		case times > 1 && !errors.Is(err, registry.ErrUnavailable):
			t.Errorf("%s, always: %v", name, err)
		}
	}
}
