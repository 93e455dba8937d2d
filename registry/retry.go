package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// How often a request is sent, and how long is waited between. A Retry-After of the registry counts instead, as long
// as the context's deadline leaves room for it, or up to maxDelay without a deadline.
const (
	maxTries   = 4
	firstDelay = 100 * time.Millisecond
	maxDelay   = 30 * time.Second
)

// retrier sends again what failed in passing: answers 502, 503 and 504 to requests that may be sent twice, and 429 to
// any, because that one says that nothing was done.
type retrier struct {
	next http.RoundTripper
}

func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := r.next.RoundTrip(req)
		if err != nil || try == maxTries || !passing(resp.StatusCode) || !repeatable(req, resp.StatusCode) {
			return resp, err
		}
		delay, asked := retryAfter(resp.Header.Get("Retry-After"), time.Now())
		if !asked {
			delay = rand.N(firstDelay << try)
		}
		if !room(req.Context(), delay) {
			return resp, nil // what the registry says is the better answer
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can be used again
		resp.Body.Close()
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

func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// repeatable reports whether a request may be sent again after an answer: it is idempotent (RFC 9110, section 9.2.2) or
// was turned away unread, and its body can be had again.
func repeatable(req *http.Request, status int) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return status == http.StatusTooManyRequests
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
