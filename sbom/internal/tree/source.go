package tree

import (
	"sort"

	"github.com/ladingdev/lading/internal/strictjson"
)

// Documents of other encodings become trees whose nodes know the span of the source that they stand for. Their text as JSON
// comes with a map back, so that one reader serves every encoding of a specification.

// ObjectAt returns an empty object that stands for a span of the source.
func ObjectAt(start, end int) *Node {
	return &Node{Kind: strictjson.Object, Start: int32(start), End: int32(end)}
}

// ArrayAt returns an empty array that stands for a span of the source.
func ArrayAt(start, end int) *Node {
	return &Node{Kind: strictjson.Array, Start: int32(start), End: int32(end)}
}

// TextAt returns a string that stands for a span of the source.
func TextAt(text string, start, end int) *Node {
	return &Node{Kind: strictjson.String, Text: text, Start: int32(start), End: int32(end)}
}

// TextLike returns a string that stands for what another node stands for.
func TextLike(text string, n *Node) *Node {
	return &Node{Kind: strictjson.String, Text: text, Start: n.Start, End: n.End}
}

// LiteralAt returns a number, true, false or null that stands for a span of the source.
func LiteralAt(text string, start, end int) *Node {
	return &Node{Kind: strictjson.Number, Text: text, Start: int32(start), End: int32(end)}
}

// Span is where the text of n begins and ends in its source.
func (n *Node) Span() (start, end int) { return int(n.Start), int(n.End) }

// AddAt is [Node.Add] to an array that stands for all that its elements stand for.
func (n *Node) AddAt(name string, v *Node) *Node {
	a := n.Get(name)
	if a == nil {
		a = n.Set(name, ArrayAt(v.Span()))
	}
	return a.Extend(v)
}

// Extend appends an element to an array, which stands for it too from then on.
func (n *Node) Extend(v *Node) *Node {
	n.Items = append(n.Items, v)
	n.End = max(n.End, v.End)
	return v
}

// A Map tells where the parts of a JSON text come from.
type Map struct{ places []place }

type place struct{ json, start, end int32 }

// Source returns the span of the source that the value or the member name at an offset of the JSON text stands for.
func (m *Map) Source(offset int) (start, end int) {
	i := sort.Search(len(m.places), func(i int) bool { return int(m.places[i].json) > offset }) - 1
	if i < 0 {
		return 0, 0
	}
	return int(m.places[i].start), int(m.places[i].end)
}

// JSON writes n on one line, and the map back to the source.
func (n *Node) JSON() ([]byte, *Map) {
	size, values := n.sizeOnLine()
	m := &Map{make([]place, 0, values)}
	return m.write(make([]byte, 0, size), n, true), m
}

// sizeOnLine is how long the text of n is on one line, but for escapes, and how many values it has.
func (n *Node) sizeOnLine() (size, values int) {
	size, values = len(n.Text)+2, 1
	for _, m := range n.Members {
		k, in := m.Value.sizeOnLine()
		size, values = size+len(m.Name)+4+k, values+in
	}
	for _, v := range n.Items {
		k, in := v.sizeOnLine()
		size, values = size+1+k, values+in
	}
	return size, values
}

// write writes n; placed is false if its place is that of the member name in front of it.
func (m *Map) write(dst []byte, n *Node, placed bool) []byte {
	if placed {
		m.places = append(m.places, place{int32(len(dst)), n.Start, n.End})
	}
	switch n.Kind {
	case strictjson.Object:
		dst = append(dst, '{')
		for i, member := range n.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			m.places = append(m.places, place{int32(len(dst)), member.Value.Start, member.Value.End})
			dst = strictjson.AppendString(dst, member.Name)
			dst = append(dst, ':')
			dst = m.write(dst, member.Value, false)
		}
		return append(dst, '}')
	case strictjson.Array:
		dst = append(dst, '[')
		for i, v := range n.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = m.write(dst, v, true)
		}
		return append(dst, ']')
	case strictjson.String:
		return strictjson.AppendString(dst, n.Text)
	}
	return append(dst, n.Text...)
}
