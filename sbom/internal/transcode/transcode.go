// Package transcode writes documents of other encodings as JSON and remembers where everything came from, so that one
// reader serves every encoding of a specification.
package transcode

import (
	"slices"
	"sort"
	"strconv"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A Value is a JSON value with the span of the source that it stands for.
type Value struct {
	Kind    strictjson.Kind // Object, Array, String, or Number for any literal
	Text    string          // of a string, or the literal
	Members []Member
	Items   []*Value
	Start   int
	End     int

	index   map[string]int // of the first of each name, when there are many
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

// Get returns a member of an object, or nil.
func (v *Value) Get(name string) *Value {
	const many = 32
	if len(v.Members) > many {
		if v.index == nil {
			v.index = make(map[string]int, 2*many)
		}
		for i := v.indexed; i < len(v.Members); i++ {
			if _, ok := v.index[v.Members[i].Name]; !ok {
				v.index[v.Members[i].Name] = i
			}
		}
		v.indexed = len(v.Members)
		if i, ok := v.index[name]; ok {
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

type place struct{ json, start, end int }

// Source returns the span of the source that the value or the member name at an offset of the JSON text stands for.
func (m *Map) Source(offset int) (start, end int) {
	i := sort.Search(len(m.places), func(i int) bool { return m.places[i].json > offset }) - 1
	if i < 0 {
		return 0, 0
	}
	return m.places[i].start, m.places[i].end
}

// JSON writes v, and the map back.
func (v *Value) JSON() ([]byte, *Map) {
	m := &Map{}
	return v.append(nil, m), m
}

func (v *Value) append(dst []byte, m *Map) []byte {
	m.places = append(m.places, place{len(dst), v.Start, v.End})
	switch v.Kind {
	case strictjson.Object:
		dst = append(dst, '{')
		for i, member := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			m.places = append(m.places, place{len(dst), member.Value.Start, member.Value.End})
			dst = strictjson.AppendString(dst, member.Name)
			dst = append(dst, ':')
			dst = member.Value.append(dst, m)
		}
		return append(dst, '}')
	case strictjson.Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.append(dst, m)
		}
		return append(dst, ']')
	case strictjson.String:
		return strictjson.AppendString(dst, v.Text)
	}
	return append(dst, v.Text...)
}

// Parse reads a JSON text into values whose spans are places in that text.
func Parse(data []byte, l strictjson.Limits) (*Value, error) {
	r := strictjson.NewReader(data, l)
	v := read(r)
	if err := r.End(); err != nil {
		return nil, err
	}
	return v, nil
}

func read(r *strictjson.Reader) *Value {
	kind := r.Kind()
	v := &Value{Kind: kind, Start: r.Offset()}
	switch kind {
	case strictjson.Object:
		for name := range r.Object() {
			v.Members = append(v.Members, Member{string(name), nil})
			i := len(v.Members) - 1
			v.Members[i].Value = read(r)
		}
	case strictjson.Array:
		for range r.Array() {
			v.Items = append(v.Items, read(r))
		}
	case strictjson.String:
		v.Text = r.String()
	default:
		v.Kind = strictjson.Number
		v.Text = string(r.Raw())
	}
	v.End = r.Offset()
	return v
}

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
