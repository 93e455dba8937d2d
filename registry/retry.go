package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How often a request is sent, and how long is waited between. A Retry-After of the registry counts instead, as long
// as the context's deadline leaves room for it, or up to maxDelay without a deadline.
const (
	maxTries   = 4
	firstDelay = 100 * time.Millisecond
	maxDelay   = 30 * time.Second
)

// maxReads is how often content is read whose connection broke, or that came damaged.
const maxReads = 3

// errBroken says that a connection broke in the middle of content.
var errBroken = errors.New("connection broke")

// retrier sends again what failed in passing: connections that broke and answers 408, 500, 502, 503 and 504 to requests
// that may be sent twice, and 429 to any, because that one says that nothing was done.
type retrier struct {
	next http.RoundTripper
}

func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := r.next.RoundTrip(req)
		if try == maxTries || !retryable(req, resp, err) {
			return resp, err
		}
		delay, asked := rand.N(firstDelay<<try), false
		if err == nil {
			var after time.Duration
			if after, asked = retryAfter(resp.Header.Get("Retry-After"), time.Now()); asked {
				delay = after
			}
		}
		if !room(req.Context(), delay) {
			return resp, err // what the registry says is the better answer
		}
		if err == nil {
			_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can be used again
			resp.Body.Close()
		}
		if !sleep(req.Context(), delay) {
			return nil, context.Cause(req.Context())
		}
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req = req.Clone(req.Context())
			req.Body = body
		}
	}
}

func retryable(req *http.Request, resp *http.Response, err error) bool {
	if req.Context().Err() != nil || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	if err != nil {
		return broken(err) && repeatable(req)
	}
	return resp.StatusCode == http.StatusTooManyRequests || passing(resp.StatusCode) && repeatable(req)
}

// passing reports whether a status says that the same request may succeed a moment later.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// broken reports whether a connection could not be made or broke, which may go better the next time. A certificate that
// is not trusted and a host that does not exist stay as they are.
func broken(err error) bool {
	var (
		operation *net.OpError
		name      *net.DNSError
		alert     tls.AlertError
		stream    streamError
	)
	switch {
	case errors.As(err, &name):
		return name.IsTemporary || name.IsTimeout
	case errors.As(err, &alert):
		return false
	case errors.As(err, &operation), errors.As(err, &stream), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET):
		return true
	}
	// Errors of net/http that have neither a name nor a type.
	return err != nil && slices.ContainsFunc(brokenTexts, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// brokenTexts are of connections that net/http closed, or saw closed: HTTP/1 and HTTP/2.
var brokenTexts = []string{
	"http: CloseIdleConnections called", "http: server closed idle connection", "transport connection broken",
	"http2: client conn", "GOAWAY",
}

// A streamError is an answer over HTTP/2 that the other side broke off (RFC 9113, section 6.4). An error of net/http, which
// does not export its type, copies itself to any struct with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string {
	return fmt.Sprintf("stream %d broken off: code %d", e.StreamID, e.Code)
}

// cut gives an error of reading an answer errBroken. Whatever it was, a connection that broke, chunks or a compression that
// came damaged, it may come whole the next time; but for what was given up.
func cut(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// repeatable reports whether a request may be sent twice: it is idempotent (RFC 9110, section 9.2.2), or it opens an
// upload, of which one that nobody uses does no harm.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	case http.MethodPost:
		return strings.HasSuffix(req.URL.Path, "/blobs/uploads/")
	}
	return false
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds, or a date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	n, err := strconv.ParseUint(value, 10, 32)
	if err == nil || errors.Is(err, strconv.ErrRange) { // then n is the largest there is, 136 years
		return time.Duration(n) * time.Second, true
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(0, t.Sub(now)), true
	}
	return 0, false
}

func room(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline) > d
	}
	return d <= maxDelay
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ended is the error of a context that is over, for what does not block long enough to notice.
func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("registry: %w: %w", ErrUnavailable, context.Cause(ctx))
	}
	return nil
}

func jitter(try int) time.Duration {
	return 5*time.Millisecond + rand.N(5*time.Millisecond<<min(try, 5))
}
