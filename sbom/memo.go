package sbom

import "sync"

// A memo is what is made of a document when it is first asked for.
type memo struct {
	once  sync.Once
	value any
}

func remember[T any](m *memo, make func() T) T {
	m.once.Do(func() { m.value = make() })
	return m.value.(T)
}

// memos are all of one document.
type memos struct{ ids, claims, links, purls, matches, hashes, graph, about, spdx3 memo }
