// Package registrytest runs container registries inside a test, or any program: the real distribution protocol, on
// loopback, on a free port.
//
//	srv := registrytest.Start(nil)
//	defer srv.Close()
//	repo, err := registry.Open(srv.Host()+"/demo/app:v1", nil)
//
// A [Quirk] makes it behave as some registries in the field do. It is for tests and demonstrations: what is pushed is
// in memory, and everybody may push.
package registrytest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
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
type Server struct {
	http *httptest.Server
}

// Start starts a registry. Like httptest, it panics if loopback has no port left.
func Start(opts *Options) *Server {
	if opts == nil {
		opts = new(Options)
	}
	handler := opts.Registry
	if handler == nil {
		handler = Memory()
	}
	for _, quirk := range slices.Backward(opts.Quirks) {
		handler = quirk(handler)
	}
	return &Server{http: httptest.NewServer(handler)}
}

// Host returns the host and port, such as "127.0.0.1:41739", to begin image names with.
func (s *Server) Host() string { return s.http.Listener.Addr().String() }

// Close breaks open connections and stops the registry.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// Memory returns a registry in memory that is right under concurrent use (cuelabs.dev/go/oci/ociregistry).
func Memory() http.Handler {
	return ociserver.New(ocimem.NewWithConfig(&ocimem.Config{LaxChildReferences: true}), nil)
}

// Directory returns a registry that keeps everything in a directory of OCI layouts, one a repository (olareg). It can
// delete. Writes are made one at a time, because its list of referrers would lose some otherwise.
func Directory(dir string) http.Handler {
	yes := true
	registry := olareg.New(config.Config{
		Storage: config.ConfigStorage{StoreType: config.StoreDir, RootDir: dir},
		API: config.ConfigAPI{
			DeleteEnabled: &yes,
			Manifest:      config.ConfigAPIManifest{SparseImage: &yes, SparseIndex: &yes},
		},
	})
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut || r.Method == http.MethodDelete {
			mu.Lock()
			defer mu.Unlock()
		}
		registry.ServeHTTP(w, r)
	})
}
