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

// slotsOf returns the slots of a host, which repositories with one Cache share: the first says how many there are.
func (c *Cache) slotsOf(host string, n int) slots {
	if c == nil {
		return make(slots, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.slots[host]
	if !ok {
		if c.slots == nil {
			c.slots = make(map[string]slots)
		}
		s = make(slots, n)
		c.slots[host] = s
	}
	return s
}
