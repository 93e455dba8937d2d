package jsonschema

import (
	"bytes"
	"hash/maphash"
	"iter"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
)

// A Node is a value of a [Document].
type Node int32

// A Document is a JSON text with the places of its values, in the order of the text. A member's name comes before its
// value.
type Document struct {
	Data  []byte
	spans []strictjson.Span
	seed  maphash.Seed
}

// Parse reads data, which must not change afterwards, with everything that strictjson asks of it.
func Parse(data []byte, l strictjson.Limits) (*Document, error) {
	if len(data) > math.MaxInt32 {
		return nil, &strictjson.Error{Reason: "larger than 2 GiB", Err: strictjson.ErrLimit}
	}
	r := strictjson.NewReader(data, l)
	spans := r.Spans(make([]strictjson.Span, 0, len(data)/16))
	if err := r.End(); err != nil {
		return nil, err
	}
	return NewDocument(data, spans), nil
}

// NewDocument is [Parse] of a text whose spans are known: it is not checked.
func NewDocument(data []byte, spans []strictjson.Span) *Document {
	return &Document{Data: data, spans: spans, seed: maphash.MakeSeed()}
}

// Root is the whole document.
func (d *Document) Root() Node { return 0 }

// Len is the number of values and member names.
func (d *Document) Len() int { return len(d.spans) }

// Raw returns the text of n.
func (d *Document) Raw(n Node) []byte { return d.Data[d.spans[n].Start:d.spans[n].End()] }

// Offset returns where n begins.
func (d *Document) Offset(n Node) int { return int(d.spans[n].Start) }

// next is behind the last value inside of n.
func (d *Document) next(n Node) Node { return Node(d.spans[n].Next) }

// Kind returns what n is.
func (d *Document) Kind(n Node) strictjson.Kind { return kinds[d.Data[d.spans[n].Start]] }

// kinds are the kinds of the values that begin with a byte.
var kinds = func() (k [256]strictjson.Kind) {
	for i := range k {
		k[i] = strictjson.Number
	}
	for _, c := range "{[\"tfn" {
		k[c] = strictjson.Kind(c)
	}
	return k
}()

// Text returns the decoded string n, a view of the document unless there are escapes, or nil if it is no string.
func (d *Document) Text(n Node) []byte {
	s := &d.spans[n]
	switch {
	case d.Data[s.Start] != '"':
		return nil
	case s.Escaped():
		return strictjson.NewReader(d.Raw(n), strictjson.Limits{}).Text()
	}
	return d.Data[s.Start+1 : s.End()-1]
}

// String is [Document.Text] as a string, which is a view of the document too.
func (d *Document) String(n Node) string {
	text := d.Text(n)
	return unsafe.String(unsafe.SliceData(text), len(text))
}

// Members yields the names and values of the object n, and nothing for any other value.
func (d *Document) Members(n Node) iter.Seq2[Node, Node] {
	return func(yield func(name, value Node) bool) {
		if d.Kind(n) != strictjson.Object {
			return
		}
		for m := n + 1; m < d.next(n); m = d.next(m + 1) {
			if !yield(m, m+1) {
				return
			}
		}
	}
}

// Elements yields the elements of the array n, and nothing for any other value.
func (d *Document) Elements(n Node) iter.Seq2[int, Node] {
	return func(yield func(int, Node) bool) {
		if d.Kind(n) != strictjson.Array {
			return
		}
		i := 0
		for m := n + 1; m < d.next(n); m = d.next(m) {
			if !yield(i, m) {
				return
			}
			i++
		}
	}
}

// Member returns the value of a member of n, or -1.
func (d *Document) Member(n Node, name string) Node {
	for k, v := range d.Members(n) {
		if string(d.Text(k)) == name {
			return v
		}
	}
	return -1
}

// Pointer returns the RFC 6901 pointer to n.
func (d *Document) Pointer(n Node) string {
	var b strings.Builder
	at := d.Root()
walk:
	for at != n {
		for k, v := range d.Members(at) {
			if n == k || n < d.next(v) {
				b.WriteByte('/')
				b.WriteString(jsonpointer.Escape(string(d.Text(k))))
				if n == k {
					return b.String()
				}
				at = v
				continue walk
			}
		}
		for i, v := range d.Elements(at) {
			if n < d.next(v) {
				b.WriteByte('/')
				b.WriteString(strconv.Itoa(i))
				at = v
				continue walk
			}
		}
		break
	}
	return b.String()
}

// hash is equal for values that are equal as JSON values. It remembers objects and arrays, as lists inside of lists ask
// for them again.
func (d *Document) hash(n Node, known map[Node]uint64) uint64 {
	if h, ok := known[n]; ok {
		return h
	}
	h := d.newHash(n, known)
	if k := d.Kind(n); k == strictjson.Object || k == strictjson.Array {
		known[n] = h
	}
	return h
}

func (d *Document) newHash(n Node, known map[Node]uint64) uint64 {
	switch d.Kind(n) {
	case strictjson.Object:
		sum := uint64(0x9e3779b97f4a7c15)
		for k, v := range d.Members(n) { // in any order
			sum += maphash.Bytes(d.seed, d.Text(k)) * (d.hash(v, known) | 1)
		}
		return sum
	case strictjson.Array:
		sum := uint64(1)
		for _, v := range d.Elements(n) {
			sum = sum*0x100000001b3 ^ d.hash(v, known)
		}
		return sum
	case strictjson.String:
		return maphash.Bytes(d.seed, d.Text(n))
	case strictjson.Number:
		return maphash.String(d.seed, canonicalNumber(d.Raw(n)))
	}
	return uint64(d.Raw(n)[0])
}

func (d *Document) equal(a, b Node) bool {
	kind := d.Kind(a)
	if kind != d.Kind(b) {
		return false
	}
	switch kind {
	case strictjson.Object:
		na := 0
		for k, v := range d.Members(a) {
			w := d.Member(b, string(d.Text(k)))
			if w < 0 || !d.equal(v, w) {
				return false
			}
			na++
		}
		for range d.Members(b) {
			na--
		}
		return na == 0
	case strictjson.Array:
		m := b + 1
		for _, v := range d.Elements(a) {
			if m >= d.next(b) || !d.equal(v, m) {
				return false
			}
			m = d.next(m)
		}
		return m == d.next(b)
	case strictjson.String:
		return bytes.Equal(d.Text(a), d.Text(b))
	case strictjson.Number:
		return canonicalNumber(d.Raw(a)) == canonicalNumber(d.Raw(b))
	}
	return true
}

// canonicalNumber writes equal numbers alike: the digits without zeros at either end, and the exponent.
func canonicalNumber(raw []byte) string {
	mantissa, exponent := raw, int64(0)
	if i := bytes.IndexAny(raw, "eE"); i >= 0 {
		mantissa = raw[:i]
		exponent, _ = strconv.ParseInt(string(raw[i+1:]), 10, 64) // out of range gives the nearest, which is still far away
	}
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	digits := string(whole) + string(fraction)
	exponent -= int64(len(fraction))
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(short))
	return sign + short + "e" + strconv.FormatInt(exponent, 10)
}
