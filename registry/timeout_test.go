package registry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"
)

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) { return t(req) }

// pauses is a body of bytes that come one by one, with pauses between them.
type pauses struct {
	ctx   context.Context
	every time.Duration
	left  int
}

func (p *pauses) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	p.left--
	select {
	case <-time.After(p.every):
		return copy(b, "x"), nil
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
}
func (p *pauses) Close() error { return nil }

// Every request ends by itself when nothing moves, and only then. The clock is the bubble's.
func TestTimeout(t *testing.T) {
	layer := Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromString("xxxx"), Size: 4}
	never := transport(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	slow := func(every time.Duration) transport {
		return func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Request: req, Header: http.Header{}, ContentLength: 4,
				Body: &pauses{req.Context(), every, 4}}, nil
		}
	}
	resolve := func(r *Repository) error { _, err := r.Resolve(context.Background(), "v1"); return err }
	fetch := func(r *Repository) error { _, err := r.readAll(context.Background(), layer); return err }
	push := func(r *Repository) error {
		return r.Push(context.Background(), layer, strings.NewReader("xxxx"))
	}
	list := func(r *Repository) error {
		for _, err := range r.Referrers(context.Background(), layer) {
			return err
		}
		return nil
	}
	silent := func(ctx context.Context, _ string) (Credential, error) { <-ctx.Done(); return Credential{}, ctx.Err() }
	locked := transport(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusUnauthorized, Request: req, Body: http.NoBody,
			Header: http.Header{"Www-Authenticate": {`Basic realm="x"`}}}, nil
	})
	for _, tt := range []struct {
		name string
		opts Options
		do   func(*Repository) error
		want time.Duration // after which it fails; zero: it does not
	}{
		{"resolve", Options{Transport: never}, resolve, 30 * time.Second},
		{"list", Options{Transport: never}, list, 30 * time.Second},
		{"fetch", Options{Transport: never}, fetch, 30 * time.Second},
		{"push", Options{Transport: never}, push, 5 * time.Minute},
		{"by option", Options{Transport: never, Timeout: time.Second}, resolve, time.Second},
		{"negative", Options{Transport: never, Timeout: -1}, resolve, 30 * time.Second},
		{"a byte now and then", Options{Transport: slow(29 * time.Second)}, fetch, 0},
		{"a body that stalls", Options{Transport: slow(31 * time.Second)}, fetch, 30 * time.Second},
		{"a login that hangs", Options{Transport: locked, Credential: silent}, resolve, 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, err := Open("registry.example/app", &tt.opts)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				err = tt.do(r)
				if took := time.Since(start); tt.want == 0 && err != nil || tt.want > 0 && (err == nil || took != tt.want) {
					t.Fatalf("after %v: %v", took, err)
				}
				if err != nil && (!errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("the kind of %v", err)
				}
			})
		})
	}
}

// Who reads slowly is not taken for a registry that is silent, nor is who writes slowly.
func TestTimeoutIsTheRegistrys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := transport(func(req *http.Request) (*http.Response, error) {
			if _, err := io.ReadAll(req.Body); err != nil {
				return nil, err
			}
			return &http.Response{StatusCode: http.StatusOK, Request: req, Body: io.NopCloser(strings.NewReader("xy"))}, nil
		})
		rt := &timeouts{next: next, after: time.Second}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://x/", &pauses{t.Context(), time.Hour, 3})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for range 2 {
			time.Sleep(time.Hour)
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Error(err)
			}
		}
	})
}

// A real connection: somebody accepts and says nothing, takes half of an upload, or stops in the middle of an answer.
func TestTimeoutOnTheWire(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"accepts": func(net.Conn) {},
		"reads":   func(c net.Conn) { _, _ = c.Read(make([]byte, 1024)) },
		"begins": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					defer c.Close()
					go serve(c)
				}
			}()
			tr := &http.Transport{}
			defer tr.CloseIdleConnections()
			r, err := Open(l.Addr().String()+"/app:v1", &Options{Timeout: 50 * time.Millisecond, Transport: tr})
			if err != nil {
				t.Fatal(err)
			}
			big := strings.Repeat("x", 16<<20) // more than a connection takes unread
			d := Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(big), Size: int64(len(big))}
			if _, err := r.readAll(t.Context(), d); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "silent for") {
				t.Errorf("read: %v", err)
			}
			err = r.Push(t.Context(), d, strings.NewReader(big))
			if err == nil || name != "begins" && (!errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "silent for")) {
				t.Errorf("push: %v", err)
			}
		})
	}
}
