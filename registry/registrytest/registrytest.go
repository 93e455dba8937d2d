// Package registrytest runs container registries inside a test, or any program: github.com/olareg/olareg, on loopback,
// on a free port.
//
//	srv := registrytest.Start(nil)
//	defer srv.Close()
//	repo, err := registry.Open(srv.Host()+"/demo/app:v1", nil)
//
// It passes the conformance suite of the OCI distribution specification 1.1 (640 of 858 tests, sha512 among them; the rest
// are of deprecated or optional features and skip), and has the referrers API, deletion of manifests, mounts between its
// repositories, and no garbage collection. A manifest may name blobs and
// manifests that are not there. A [Quirk] makes it behave as some registries in the field do.
//
// It is for tests and demonstrations: what is pushed is in memory unless it is a [Directory], everybody may push, and
// writes of manifests are made one at a time.
package registrytest

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
)

// Options change what the registry does. The zero value is a registry with the referrers API that does nothing wrong.
type Options struct {
	// Registry answers requests; nil means a new [Memory].
	Registry http.Handler
	// Quirks are put before the registry; the first sees a request first.
	Quirks []Quirk
}

// A Quirk is a handler put before a registry, to watch requests or to answer some of them otherwise.
type Quirk func(registry http.Handler) http.Handler

// Server is a running registry.
//
// It is none of httptest's, because those close the idle connections of http.DefaultTransport when they end, under the
// hands of whatever else runs in the process.
type Server struct {
	http http.Server
	host string
	done chan struct{}

	answers sync.RWMutex // those that are being given
}

// Start starts a registry. Like httptest, it panics if loopback has no port left.
func Start(o *Options) *Server {
	if o == nil {
		o = new(Options)
	}
	handler := o.Registry
	if handler == nil {
		handler = Memory()
	}
	for _, quirk := range slices.Backward(o.Quirks) {
		handler = quirk(handler)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		listener, err = net.Listen("tcp6", "[::1]:0")
	}
	if err != nil {
		panic("registrytest: no port on loopback: " + err.Error())
	}
	s := &Server{
		host: listener.Addr().String(), done: make(chan struct{}),
	}
	s.http = http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.answers.RLock()
		defer s.answers.RUnlock()
		handler.ServeHTTP(w, r)
	})}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(listener) // until Close
	}()
	return s
}

// Host returns the host and port, such as "127.0.0.1:41739", to begin image names with.
func (s *Server) Host() string { return s.host }

// Close breaks open connections and stops the registry. It returns when the last answer is over.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.done
	s.answers.Lock()
	defer s.answers.Unlock()
}

// Memory returns a registry in memory.
func Memory() http.Handler { return serve(config.ConfigStorage{StoreType: config.StoreMem}) }

// Directory returns a registry that keeps everything in a directory of OCI layouts, one a repository, which
// registry.OpenLayout reads too.
func Directory(dir string) http.Handler {
	return serve(config.ConfigStorage{StoreType: config.StoreDir, RootDir: dir})
}

// noAPI marks requests to a registry that has no referrers API of its own.
type noAPI struct{}

// serve returns olareg's registry. Manifests may name what is not there, as in registries that check nothing, and
// nothing is collected as garbage. The first request says whether it has the referrers API: with one it keeps lists of its
// own, and drops a fallback tag whose index has the same bytes as such a list when that changes.
func serve(storage config.ConfigStorage) http.Handler {
	storage.GC = config.ConfigGC{Frequency: -1, GracePeriod: -1}
	var (
		once     sync.Once
		registry http.Handler
		mu       sync.RWMutex
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() {
			yes, api := true, r.Context().Value(noAPI{}) == nil
			registry = olareg.New(config.Config{
				Storage: storage,
				API: config.ConfigAPI{
					DeleteEnabled: &yes,
					Manifest:      config.ConfigAPIManifest{SparseImage: &yes, SparseIndex: &yes},
					Referrer:      config.ConfigAPIReferrer{Enabled: &api},
				},
			})
		})
		// Its list of referrers is read, changed and written back: two writers at once could lose an entry.
		// In a directory, whatever reads the list may read the file anew, which requests for blobs look at without a lock.
		changes := r.Method == http.MethodPut || r.Method == http.MethodDelete
		isBlob, files := strings.Contains(r.URL.Path, "/blobs/"), storage.StoreType == config.StoreDir
		switch {
		case changes && !isBlob, files && !isBlob:
			mu.Lock()
			defer mu.Unlock()
		case files:
			mu.RLock()
			defer mu.RUnlock()
		}
		registry.ServeHTTP(w, r)
	})
}
