package gate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ladingdev/lading/policy"
)

// A group makes equal questions at the same time one. The work belongs to no caller: it ends by itself or after a time of its
// own, and a caller who goes away leaves it to the others.
type group[K comparable, V any] struct {
	mu      sync.Mutex
	flights map[K]*flight[V]
}

type flight[V any] struct {
	done  chan struct{}
	note  any // how far it came, for whoever waits no longer
	value V
	err   error
}

// maxFlights is how much work may be under way. More is refused, so that a flood of names cannot fill the memory.
const maxFlights = 1024

// start returns the work on a question, and whether it was under way already. Nil means that too much is.
func (g *group[K, V]) start(
	ctx context.Context, key K, limit time.Duration, note any, work func(context.Context) (V, error),
) (f *flight[V], joined bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f = g.flights[key]; f != nil {
		return f, true
	}
	if len(g.flights) >= maxFlights {
		return nil, false
	}
	if g.flights == nil {
		g.flights = make(map[K]*flight[V])
	}
	f = &flight[V]{done: make(chan struct{}), note: note}
	g.flights[key] = f
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, fmt.Errorf("%w: %s", ErrDeadline, limit))
	go func() {
		defer cancel()
		defer func() {
			g.mu.Lock()
			delete(g.flights, key)
			g.mu.Unlock()
			close(f.done)
		}()
		defer func() {
			if v := recover(); v != nil {
				f.err = &policy.PanicError{Value: v, Stack: debug.Stack()}
			}
		}()
		f.err = errors.New("the work ended its goroutine") // if it does
		f.value, f.err = work(ctx)
	}()
	return f, false
}

// wait returns what came of the work, or why the caller waits no longer.
func (f *flight[V]) wait(ctx context.Context) (value V, err error) {
	select {
	case <-f.done:
		return f.value, f.err
	default:
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return value, context.Cause(ctx)
	}
}
