package keyless_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
)

// between answers in place of a service, or changes its answer: change gets the number of the request to it, from 1.
type between struct {
	service string // as in the path of its URL
	change  func(n int, r *http.Response)

	mu sync.Mutex
	n  int
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !strings.HasPrefix(r.URL.Path, "/"+b.service+"/") {
		return res, err
	}
	b.mu.Lock()
	b.n++
	n := b.n
	b.mu.Unlock()
	b.change(n, res)
	return res, nil
}

// status puts another answer in the place of a service's.
func status(r *http.Response, code int, header ...string) {
	_ = r.Body.Close()
	r.StatusCode, r.Header, r.Body = code, http.Header{}, io.NopCloser(strings.NewReader(`{"message": "busy"}`))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
}

// cut ends an answer in its middle, as a connection that breaks does.
type cut struct {
	io.ReadCloser
	left int
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// A service that is busy, or whose answer breaks off, is asked again, and the log has one entry of the signature. Who asks for more
// patience than the caller has is not asked again.
func TestRetries(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		name   string
		change func(n int, r *http.Response)
		want   int    // requests to the service
		says   string // of the error; "" for none
	}{
		{"busy, and says for how long", func(n int, r *http.Response) {
			if n == 1 {
				status(r, http.StatusTooManyRequests, "Retry-After", "1")
			}
		}, 2, ""},
		{"busy until a time that is over", func(n int, r *http.Response) {
			if n == 1 {
				status(r, http.StatusServiceUnavailable, "Retry-After", date(-time.Hour))
			}
		}, 2, ""},
		{"three kinds of trouble", func(n int, r *http.Response) {
			if codes := []int{500, 502, 504}; n <= len(codes) {
				status(r, codes[n-1])
			}
		}, 4, ""},
		{"always busy", func(_ int, r *http.Response) { status(r, http.StatusTooManyRequests) }, 4, "429"},
		{"busy for longer than the caller waits",
			func(_ int, r *http.Response) { status(r, http.StatusTooManyRequests, "Retry-After", "3000") }, 1, "50m0s"},
		{"busy until a time after the caller's", func(_ int, r *http.Response) {
			status(r, http.StatusServiceUnavailable, "Retry-After", date(50*time.Minute), "Date", date(0))
		}, 1, "50m0s"},
		{"busy for ages", func(_ int, r *http.Response) {
			status(r, http.StatusTooManyRequests, "Retry-After", strconv.Itoa(1<<30))
		}, 1, "1h0m0s"},
		{"refuses", func(_ int, r *http.Response) { status(r, http.StatusForbidden, "Retry-After", "1") }, 1, "403"},
		{"breaks off", func(n int, r *http.Response) {
			if n == 1 {
				r.Body = &cut{r.Body, 40}
			}
		}, 2, ""},
		{"always breaks off", func(_ int, r *http.Response) { r.Body = &cut{r.Body, 40} }, 4, "unexpected EOF"},
	} {
		for service, kind := range map[string]error{"fulcio": keyless.ErrCertificate, "rekor": keyless.ErrLog,
			"tsa": keyless.ErrTimestamp} {
			t.Run(c.name+", "+service, func(t *testing.T) {
				t.Parallel()
				s := start(t)
				b := &between{service: service, change: c.change}
				k := signer(t, s, keylesstest.First)
				k.Client = &http.Client{Transport: b}
				d, err := k.Sign(t.Context(), sign.About(image, predicate{}))
				want := c.want
				if service == "rekor" && c.says == "" {
					want++ // it had the entry from the first request, and is asked for it where it is
				}
				var f *keyless.ServiceError
				switch {
				case c.says == "" && err != nil, c.says != "" &&
					!(errors.Is(err, kind) && errors.As(err, &f) && strings.Contains(err.Error(), c.says)):
					t.Errorf("%v, want %q", err, c.says)
				case err != nil && len(d.Data) > 0:
					t.Error("something was handed out")
				case err == nil && strings.Count(string(d.Data), `"canonicalizedBody"`) != 1:
					t.Error("not one entry")
				}
				if err == nil {
					if _, err := verifier(t, s).Verify(t.Context(), image, d); err != nil {
						t.Error(err)
					}
				}
				if b.n != want {
					t.Errorf("%d requests, want %d", b.n, want)
				}
			})
		}
	}
}
