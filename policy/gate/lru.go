package gate

import (
	"container/list"
	"sync"
)

// An lru keeps values up to a weight, and drops first what was not used for the longest time.
type lru[K comparable, V any] struct {
	mu     sync.Mutex
	most   int64 // weight of all
	weight int64
	order  *list.List // of *entry[K, V], the latest used first
	items  map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key    K
	value  V
	weight int64
}

func newLRU[K comparable, V any](most int64) *lru[K, V] {
	return &lru[K, V]{most: most, order: list.New(), items: make(map[K]*list.Element)}
}

func (l *lru[K, V]) get(key K) (value V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.items[key]
	if e == nil {
		return value, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*entry[K, V]).value, true
}

// put keeps a value, unless it alone is heavier than all may be.
func (l *lru[K, V]) put(key K, value V, weight int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(l.items[key])
	if weight > l.most {
		return
	}
	l.items[key] = l.order.PushFront(&entry[K, V]{key, value, weight})
	for l.weight += weight; l.weight > l.most; {
		l.drop(l.order.Back())
	}
}

func (l *lru[K, V]) drop(e *list.Element) {
	if e == nil {
		return
	}
	item := e.Value.(*entry[K, V])
	l.order.Remove(e)
	delete(l.items, item.key)
	l.weight -= item.weight
}
