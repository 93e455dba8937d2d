// Package registrytest runs container registries inside a test, or any program: the real distribution protocol, on
// loopback, on a free port.
//
//	srv := registrytest.Start(nil)
//	defer srv.Close()
//	repo, err := registry.Open(srv.Host()+"/demo/app:v1", nil)
//
// It is for tests and demonstrations: what is pushed is in memory, and everybody may push.
package registrytest

import (
	"net/http"
	"net/http/httptest"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

// Options change what the registry does. The zero value is a registry with the referrers API that does nothing wrong.
type Options struct {
	// Wrap puts a handler before the registry, to watch requests or to answer some of them otherwise.
	Wrap func(registry http.Handler) http.Handler
}

// Server is a running registry.
type Server struct {
	http *httptest.Server
}

// Start starts a registry. Like httptest, it panics if loopback has no port left.
func Start(opts *Options) *Server {
	if opts == nil {
		opts = new(Options)
	}
	var handler http.Handler = ociserver.New(ocimem.NewWithConfig(&ocimem.Config{LaxChildReferences: true}), nil)
	if opts.Wrap != nil {
		handler = opts.Wrap(handler)
	}
	return &Server{http: httptest.NewServer(handler)}
}

// Host returns the host and port, such as "127.0.0.1:41739", to begin image names with.
func (s *Server) Host() string { return s.http.Listener.Addr().String() }

// Close stops the registry and waits for its requests to end.
func (s *Server) Close() { s.http.Close() }
