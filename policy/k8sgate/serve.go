package k8sgate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ServeOptions change how [Serve] serves. The zero value is right in a cluster.
type ServeOptions struct {
	// Drain is how long requests are still taken after the end has come, until nobody sends any more; zero means 5 seconds.
	Drain time.Duration
	// Log gets what the server says; nil means silence.
	Log *slog.Logger
}

// Serve answers requests over TLS until ctx ends. Then the gate says that it is not ready, takes requests for Drain, and ends when
// those that are under way are answered: a rolling update refuses nothing. Certificate is Certificates' or Files' GetCertificate.
func Serve(
	ctx context.Context, l net.Listener, g *Gate, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), o *ServeOptions,
) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if o == nil {
		o = new(ServeOptions)
	}
	drain := o.Drain
	if drain == 0 {
		drain = 5 * time.Second
	}
	s := &http.Server{
		Handler: g, TLSConfig: &tls.Config{GetCertificate: certificate, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 45 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0),
	}
	if o.Log != nil {
		s.ErrorLog = slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn)
	}
	done := make(chan error, 1)
	go func() { done <- s.ServeTLS(l, "", "") }()
	select {
	case err := <-done:
		return fmt.Errorf("k8sgate: %w", err)
	case <-ctx.Done():
	}
	g.End()
	select {
	case err := <-done:
		return fmt.Errorf("k8sgate: %w", err)
	case <-time.After(drain):
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 45*time.Second)
	defer cancel()
	err := s.Shutdown(last)
	if serving := <-done; err == nil && !errors.Is(serving, http.ErrServerClosed) {
		err = serving
	}
	return err
}
