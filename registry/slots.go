package registry

import "context"

// slots bound the requests in flight. Only what takes no other slot while it holds one takes one.
type slots chan struct{}

// take waits for a slot and returns what gives it back.
func (s slots) take(ctx context.Context) (release func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		return nil, ended(ctx)
	}
}
