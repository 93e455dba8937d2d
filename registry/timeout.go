package registry

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// defaultTimeout is how long a registry may be silent, see Options.Timeout.
	defaultTimeout = 30 * time.Second
	// writeFactor is how much longer it may be silent about a request that writes: it may move gigabytes before it answers.
	writeFactor = 10
)

// timeouts gives up a request while the registry neither takes nor sends a byte. What moves, however slowly, goes on, and
// time that the caller takes between two reads does not count.
type timeouts struct {
	next  http.RoundTripper
	after time.Duration
}

func (t *timeouts) RoundTrip(req *http.Request) (*http.Response, error) {
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	after := cmp.Or(max(0, t.after), defaultTimeout)
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		after *= writeFactor
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &watch{ctx: ctx, cancel: cancel, after: after}
	w.timer = time.AfterFunc(after, func() { cancel(silence{after}) })
	req = req.Clone(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &sentBody{req.Body, w}
	}
	resp, err := next.RoundTrip(req)
	w.answer()
	if err != nil {
		err = w.explain(err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &receivedBody{resp.Body, w}
	return resp, nil
}

// A silence is why a request was given up: a timeout as package net has them.
type silence struct{ after time.Duration }

func (s silence) Error() string {
	return "the registry was silent for " + s.after.String() + " (see Options.Timeout)"
}
func (silence) Timeout() bool        { return true }
func (silence) Temporary() bool      { return true }
func (silence) Is(target error) bool { return target == context.DeadlineExceeded }

// watch ends one request when its timer runs out. The timer runs while it is the registry's turn.
type watch struct {
	ctx    context.Context // of this one request
	cancel context.CancelCauseFunc
	after  time.Duration

	mu       sync.Mutex
	timer    *time.Timer
	answered bool // from now on the answer's body says whose turn it is
}

func (w *watch) answer() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.answered = true
}

// turn starts the timer anew or stops it.
func (w *watch) turn(registry, answered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.answered != answered:
	case registry:
		w.timer.Reset(w.after)
	default:
		w.timer.Stop()
	}
}

// explain replaces what a request that was given up says.
func (w *watch) explain(err error) error {
	if s, ok := context.Cause(w.ctx).(silence); ok {
		return s
	}
	return err
}

// sentBody is what goes to the registry: while it is read, the registry waits for us.
type sentBody struct {
	io.ReadCloser
	w *watch
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.w.turn(false, false)
	defer b.w.turn(true, false)
	return b.ReadCloser.Read(p)
}

// receivedBody is what comes from the registry: while it is read, we wait for the registry.
type receivedBody struct {
	io.ReadCloser
	w *watch
}

func (b *receivedBody) Read(p []byte) (int, error) {
	b.w.turn(true, true)
	n, err := b.ReadCloser.Read(p)
	b.w.turn(false, true)
	if err != nil {
		if err != io.EOF {
			err = b.w.explain(err)
		}
		b.w.cancel(nil)
	}
	return n, err
}

func (b *receivedBody) Close() error {
	b.w.turn(false, true)
	b.w.cancel(nil)
	return b.ReadCloser.Close()
}
