// Package transcode writes documents of other encodings as JSON and remembers where everything came from, so that one
// reader serves every encoding of a specification.
package transcode

import (
	"slices"
	"sort"
	"strconv"
	"unsafe"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A Value is a JSON value with the span of the source that it stands for.
type Value struct {
	Kind    strictjson.Kind // Object, Array, String, or Number for any literal
	Used    bool            // for whoever writes it: something stands for it
	Text    string          // of a string, or the literal
	Members []Member
	Items   []*Value
	Start   int
	End     int

	index *index // of the first of each name, when there are many
}

type index struct {
	places  map[string]int
	indexed int
}

// A Member is a member of an object.
type Member struct {
	Name  string
	Value *Value
}

// NewObject returns an empty object that stands for a span.
func NewObject(start, end int) *Value { return &Value{Kind: strictjson.Object, Start: start, End: end} }

// NewArray returns an empty array that stands for a span.
func NewArray(start, end int) *Value { return &Value{Kind: strictjson.Array, Start: start, End: end} }

// NewString returns a string that stands for a span.
func NewString(text string, start, end int) *Value {
	return &Value{Kind: strictjson.String, Text: text, Start: start, End: end}
}

// NewLiteral returns a number, true, false or null that stands for a span.
func NewLiteral(text string, start, end int) *Value {
	return &Value{Kind: strictjson.Number, Text: text, Start: start, End: end}
}

// A Maker makes values, and lists whose length is known, in blocks: a document has many. The zero Maker is ready.
type Maker struct {
	values  []Value
	members []Member
	items   []*Value
}

const blockSize = 256

// New returns a value that stands for a span.
func (m *Maker) New(kind strictjson.Kind, text string, start, end int) *Value {
	if len(m.values) == 0 {
		m.values = make([]Value, blockSize)
	}
	v := &m.values[0]
	m.values = m.values[1:]
	v.Kind, v.Text, v.Start, v.End = kind, text, start, end
	return v
}

// Members returns an empty list with room for n.
func (m *Maker) Members(n int) []Member {
	if n > len(m.members) {
		m.members = make([]Member, max(n, blockSize))
	}
	out := m.members[:0:n]
	m.members = m.members[n:]
	return out
}

// Items returns an empty list with room for n.
func (m *Maker) Items(n int) []*Value {
	if n > len(m.items) {
		m.items = make([]*Value, max(n, blockSize))
	}
	out := m.items[:0:n]
	m.items = m.items[n:]
	return out
}

// Get returns a member of an object, or nil.
func (v *Value) Get(name string) *Value {
	const many = 32
	if len(v.Members) > many {
		if v.index == nil {
			v.index = &index{places: make(map[string]int, 2*many)}
		}
		x := v.index
		for i := x.indexed; i < len(v.Members); i++ {
			if _, ok := x.places[v.Members[i].Name]; !ok {
				x.places[v.Members[i].Name] = i
			}
		}
		x.indexed = len(v.Members)
		if i, ok := x.places[name]; ok {
			return v.Members[i].Value
		}
		return nil
	}
	for _, m := range v.Members {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Set adds a member, which must not be there, and returns its value.
func (v *Value) Set(name string, value *Value) *Value {
	v.Members = append(v.Members, Member{name, value})
	return value
}

// Append adds an element to an array member, which it makes if it is not there, and returns the element.
func (v *Value) Append(name string, value *Value) *Value {
	a := v.Get(name)
	if a == nil {
		a = v.Set(name, NewArray(value.Start, value.End))
	}
	a.Items = append(a.Items, value)
	a.End = max(a.End, value.End)
	return value
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

// JSON writes v, and the map back.
func (v *Value) JSON() ([]byte, *Map) {
	size, values := v.size()
	m := &Map{make([]place, 0, values)}
	return v.append(make([]byte, 0, size), m, true), m
}

// size is how long the text of v is, but for escapes, and how many values it has.
func (v *Value) size() (size, values int) {
	size, values = len(v.Text)+2, 1
	for _, m := range v.Members {
		n, k := m.Value.size()
		size, values = size+len(m.Name)+4+n, values+k
	}
	for _, item := range v.Items {
		n, k := item.size()
		size, values = size+1+n, values+k
	}
	return size, values
}

// append writes v; placed is false if its place is that of the member name in front of it.
func (v *Value) append(dst []byte, m *Map, placed bool) []byte {
	if placed {
		m.places = append(m.places, place{int32(len(dst)), int32(v.Start), int32(v.End)})
	}
	switch v.Kind {
	case strictjson.Object:
		dst = append(dst, '{')
		for i, member := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			m.places = append(m.places, place{int32(len(dst)), int32(member.Value.Start), int32(member.Value.End)})
			dst = strictjson.AppendString(dst, member.Name)
			dst = append(dst, ':')
			dst = member.Value.append(dst, m, false)
		}
		return append(dst, '}')
	case strictjson.Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.append(dst, m, true)
		}
		return append(dst, ']')
	case strictjson.String:
		return strictjson.AppendString(dst, v.Text)
	}
	return append(dst, v.Text...)
}

// Parse reads a JSON text, which must not change afterwards, into values whose spans are places in that text.
func Parse(data []byte, l strictjson.Limits) (*Value, error) {
	r := reader{Reader: strictjson.NewReader(data, l)}
	v := r.value()
	if err := r.End(); err != nil {
		return nil, err
	}
	return v, nil
}

// A reader makes lists of the size that they have in the end.
type reader struct {
	*strictjson.Reader
	make  Maker
	open  []Member // of all open objects, innermost last
	lists []*Value // of all open arrays
}

func (r *reader) value() *Value {
	kind := r.Kind()
	v := r.make.New(kind, "", r.Offset(), 0)
	switch kind {
	case strictjson.Object:
		base := len(r.open)
		for name := range r.Object() {
			n := view(name)
			r.open = append(r.open, Member{n, r.value()})
		}
		if n := len(r.open) - base; n > 0 {
			v.Members = append(r.make.Members(n), r.open[base:]...)
		}
		r.open = r.open[:base]
	case strictjson.Array:
		base := len(r.lists)
		for range r.Array() {
			r.lists = append(r.lists, r.value())
		}
		if n := len(r.lists) - base; n > 0 {
			v.Items = append(r.make.Items(n), r.lists[base:]...)
		}
		r.lists = r.lists[:base]
	case strictjson.String:
		v.Text = view(r.Text())
	default:
		v.Kind = strictjson.Number
		v.Text = view(r.Raw())
	}
	v.End = r.Offset()
	return v
}

// view returns text of a document that does not change as a string.
func view(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// IsNull reports whether v is null.
func (v *Value) IsNull() bool { return v.Kind == strictjson.Number && v.Text == "null" }

// Int reads a whole number.
func (v *Value) Int() (int64, bool) {
	if v.Kind != strictjson.Number {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	return n, err == nil
}

// Names returns the names of the members, sorted.
func (v *Value) Names() []string {
	names := make([]string, len(v.Members))
	for i, m := range v.Members {
		names[i] = m.Name
	}
	slices.Sort(names)
	return names
}
