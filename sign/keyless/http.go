package keyless

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
)

const (
	maxAnswer = 4 << 20
	tries     = 4
)

// An answer is one of HTTP.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// caller asks services. It follows no redirects: a token is for the service that was named, and for no other.
type caller struct{ client *http.Client }

func newCaller(c *http.Client) caller {
	out := http.Client{Timeout: time.Minute}
	if c != nil {
		out = *c
	}
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return caller{&out}
}

// ask sends a request, and sends it again while the service is busy or away: what is asked here may be asked twice. Any status but
// success and those in fine is an error.
func (c caller) ask(
	ctx context.Context,
	service, method, url, contentType, authorization string,
	body []byte,
	fine ...int,
) (*answer, error) {
	var last *ServiceError
	for try := range tries {
		if try > 0 && !sleep(ctx, pause(try, last)) {
			break // what the caller waits for would come too late
		}
		a, err := c.once(ctx, method, url, contentType, authorization, body)
		if err != nil {
			last = &ServiceError{Service: service, URL: url, Err: err}
			if ctx.Err() != nil {
				break
			}
			continue
		}
		if a.status == http.StatusOK || a.status == http.StatusCreated || slices.Contains(fine, a.status) {
			return a, nil
		}
		last = &ServiceError{Service: service, URL: url, Status: a.status, Message: message(a), Err: after(a)}
		if a.status != http.StatusTooManyRequests && a.status < 500 {
			break
		}
	}
	if last == nil || ctx.Err() != nil && last.Err == nil {
		return nil, &ServiceError{Service: service, URL: url, Err: context.Cause(ctx)}
	}
	return nil, last
}

func (c caller) once(ctx context.Context, method, url, contentType, authorization string, body []byte) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	accept := "application/json"
	if contentType == timestampQuery {
		accept = "application/timestamp-reply" // the public instance's authority makes nothing else, and fails if it is not asked for
	}
	r.Header.Set("Accept", accept)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxAnswer:
		return nil, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	return &answer{resp.StatusCode, resp.Header, data}, nil
}

// busy is beside a status with Retry-After.
type busy time.Duration

func (b busy) Error() string { return "asks for " + time.Duration(b).String() + " of patience" }

// maxPatience is the longest that a service is believed to be busy.
const maxPatience = time.Hour

// after reads Retry-After, seconds or a date (RFC 9110, section 10.2.3). A date is compared with the service's own clock.
func after(a *answer) error {
	value := a.header.Get("Retry-After")
	wait := time.Duration(0)
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		now := time.Now()
		if own, err := http.ParseTime(a.header.Get("Date")); err == nil {
			now = own
		}
		wait = at.Sub(now)
	}
	if wait <= 0 {
		return nil
	}
	return busy(min(wait, maxPatience))
}

// pause is how long to wait before a try: 200 ms, 400 ms, 800 ms, or what the service asks for.
func pause(try int, last *ServiceError) time.Duration {
	var b busy
	if last != nil && errors.As(last.Err, &b) {
		return time.Duration(b)
	}
	return 100 * time.Millisecond << try
}

// sleep waits, unless ctx ends before that. Without a deadline nobody waits for longer than a minute.
func sleep(ctx context.Context, d time.Duration) bool {
	left := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	if left < d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// message is what a service says, in one line.
func message(a *answer) string {
	var m struct {
		Message string `json:"message"`
	}
	text := strings.TrimSpace(string(a.body))
	if json.Unmarshal(a.body, &m) == nil && m.Message != "" {
		text = m.Message
	}
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return strings.TrimSuffix(fmt.Sprintf("status %d: %s", a.status, oneline.Of(text)), ": ")
}
