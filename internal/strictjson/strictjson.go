// Package strictjson reads JSON that somebody is going to trust.
//
// It follows RFC 8259 and adds what two readers of one signed document must agree on: a member name occurs once in its object,
// names are compared exactly, text is valid UTF-8 without lone surrogates, nothing follows the value, and nesting is bounded. There
// is one pass over the bytes and no copy: names, strings without escapes and raw values are views of the input.
//
// A [Reader] is pulled, value by value, and keeps its first error: after it every method returns zero values and
// every loop ends, so a decoder reads straight through and asks [Reader.End] once.
//
//	r := strictjson.NewReader(data, strictjson.Limits{})
//	for name := range r.Object("payload", "payloadType") {
//		switch string(name) {
//		case "payload":
//			env.Payload = r.String()
//		case "payloadType":
//			env.PayloadType = r.String()
//		}
//	}
//	return r.End()
//
// A value that the loop body leaves alone is checked and skipped.
package strictjson

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/syntax"
)

// Kinds of failure, for errors.Is. The error itself is an [*Error].
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrDuplicate = errors.New("duplicate member name")
	ErrVariant   = errors.New("member name differs from a known one only in case")
	ErrType      = errors.New("wrong JSON type")
	ErrLimit     = syntax.ErrLimit
	ErrMember    = errors.New("a member that the format does not have")
	ErrText      = errors.New("text is not valid UTF-8")
)

// An Error says where a document is refused and why.
type Error = syntax.Error

// Limits bound what a Reader follows. The size of the input is the caller's to bound.
type Limits struct {
	Depth int // nested arrays and objects; 0 means 100
}

// A Kind is the first byte of a value's class.
type Kind byte

// The kinds of a JSON value. None means that there is no value: end of input, or an earlier error.
const (
	None   Kind = 0
	Object Kind = '{'
	Array  Kind = '['
	String Kind = '"'
	Number Kind = '0'
	True   Kind = 't'
	False  Kind = 'f'
	Null   Kind = 'n'
)

var kindWords = map[Kind]string{None: "nothing", Object: "an object", Array: "an array", String: "a string", Number: "a number",
	True: "a boolean", False: "a boolean", Null: "null"}

func (k Kind) String() string { return kindWords[k] }

// Reader reads one document. It is not safe for concurrent use.
type Reader struct {
	data  []byte
	pos   int
	depth int
	max   int
	names []name  // of all open objects, innermost last
	sets  []slots // by depth: where the names of an object are that has many
	seed  maphash.Seed
	err   error
}

type name struct {
	head uint64 // the first eight bytes
	text []byte
}

// manyNames is where a linear search for a duplicate gives way to a hash table, maxNames how many members an object may
// have: their names are kept until it ends, and who sends a document should not choose how much that takes.
const (
	manyNames = 24
	maxNames  = 1 << 17
)

// NewReader returns a Reader of data, which must not change while views of it are in use.
func NewReader(data []byte, l Limits) *Reader {
	if l.Depth <= 0 {
		l.Depth = 100
	}
	return &Reader{data: data, max: l.Depth}
}

// Reset makes r a Reader of other data that keeps the limits and the memory.
func (r *Reader) Reset(data []byte) {
	if r.err != nil {
		r.sets = nil // which an object that was not read to its end can have left full
	}
	r.data, r.pos, r.depth, r.names, r.err = data, 0, 0, r.names[:0], nil
}

// Check reads data to its end and reports the first reason to refuse it.
func Check(data []byte, l Limits) error {
	r := NewReader(data, l)
	r.Skip()
	return r.End()
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Offset returns the position of the next unread byte.
func (r *Reader) Offset() int { return r.pos }

// End returns the first error, or an error if anything but white space is left.
func (r *Reader) End() error {
	if r.err == nil {
		r.space()
		if r.pos < len(r.data) {
			r.fail(r.pos, ErrSyntax, "data after the end of the document")
		}
	}
	return r.err
}

// Fail records err, with the reason that it gives, at the current position, unless there was an error before.
func (r *Reader) Fail(err error) { r.fail(r.pos, err, err.Error()) }

func (r *Reader) fail(at int, kind error, reason string) {
	if r.err == nil {
		r.err = &Error{Format: "JSON", Offset: at, Reason: reason, Err: kind}
	}
}

func (r *Reader) failf(at int, kind error, format string, args ...any) {
	if r.err == nil {
		r.fail(at, kind, fmt.Sprintf(format, args...))
	}
}

func (r *Reader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\n', '\r', '\t':
			r.pos++
		default:
			return
		}
	}
}

// Kind looks at the next value without reading it.
func (r *Reader) Kind() Kind {
	if r.err != nil {
		return None
	}
	r.space()
	if r.pos == len(r.data) {
		return None
	}
	switch c := r.data[r.pos]; c {
	case '{', '[', '"', 't', 'f', 'n':
		return Kind(c)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	}
	return None
}

// expect moves to the next value and reports whether it is of kind k.
func (r *Reader) expect(k Kind) bool {
	if r.err != nil {
		return false
	}
	switch got := r.Kind(); {
	case got == k:
		return true
	case got == None:
		r.noValue()
	default:
		r.failf(r.pos, ErrType, "%v where %v is expected", got, k)
	}
	return false
}

func (r *Reader) noValue() {
	if r.pos == len(r.data) {
		r.fail(r.pos, ErrSyntax, "the document ends where a value is expected")
		return
	}
	if bytes.HasPrefix(r.data[r.pos:], []byte("\ufeff")) {
		r.fail(r.pos, ErrSyntax, "a byte order mark where a value is expected")
		return
	}
	r.failf(r.pos, ErrSyntax, "%q where a value is expected", r.data[r.pos])
}

// Null reads a null and reports whether there was one; any other value is left alone.
func (r *Reader) Null() bool {
	return r.Kind() == Null && r.literal("null")
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	if r.Kind() == True {
		return r.literal("true")
	}
	if r.expect(False) {
		r.literal("false")
	}
	return false
}

func (r *Reader) literal(word string) bool {
	if len(r.data)-r.pos < len(word) || string(r.data[r.pos:r.pos+len(word)]) != word {
		r.failf(r.pos, ErrSyntax, "a broken literal where %s is expected", word)
		return false
	}
	r.pos += len(word)
	return true
}

// Number reads a number and returns its text, a view of the input.
func (r *Reader) Number() []byte {
	if !r.expect(Number) {
		return nil
	}
	start := r.pos
	r.number()
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos]
}

// Int64 reads an integer without fraction or exponent that fits.
func (r *Reader) Int64() int64 {
	start := r.pos
	text := r.Number()
	if r.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		r.failf(start, ErrType, "%s where a 64-bit integer is expected", clip(text))
	}
	return n
}

func (r *Reader) number() {
	d, p := r.data, r.pos
	digits := func() bool {
		s := p
		for p < len(d) && d[p]-'0' <= 9 {
			p++
		}
		return p > s
	}
	if p < len(d) && d[p] == '-' {
		p++
	}
	ok := true
	if p < len(d) && d[p] == '0' {
		p++
	} else {
		ok = digits()
	}
	if ok && p < len(d) && d[p] == '.' {
		p++
		ok = digits()
	}
	if ok && p < len(d) && d[p]|0x20 == 'e' {
		p++
		if p < len(d) && (d[p] == '+' || d[p] == '-') {
			p++
		}
		ok = digits()
	}
	if !ok || p < len(d) && d[p]-'0' <= 9 {
		r.fail(r.pos, ErrSyntax, "a broken number")
		return
	}
	r.pos = p
}

// String reads a string.
func (r *Reader) String() string { return string(r.Text()) }

// Text reads a string and returns its decoded bytes: a view of the input unless there were escapes.
func (r *Reader) Text() []byte {
	if !r.expect(String) {
		return nil
	}
	return r.text()
}

// text reads the string at pos.
func (r *Reader) text() []byte {
	start := r.pos + 1
	escaped := r.string()
	if r.err != nil {
		return nil
	}
	body := r.data[start : r.pos-1]
	if escaped {
		return unescape(body)
	}
	return body
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// string checks the string at pos, moves behind it, and reports whether it has escapes.
func (r *Reader) string() (escaped bool) {
	d, p := r.data, r.pos+1
	plain := p // the bytes from here on are not checked as UTF-8 yet
	wide := false
	for {
		for p+8 <= len(d) {
			w := binary.LittleEndian.Uint64(d[p:])
			q, b := w^(ones*'"'), w^(ones*'\\')
			// The lowest set bit is exact: a quote, a backslash, a control byte or one beyond ASCII.
			stop := ((q-ones)&^q | (b-ones)&^b | (w-ones*0x20)&^w | w) & highs
			if stop != 0 {
				p += bits.TrailingZeros64(stop) >> 3
				break
			}
			p += 8
		}
		if p >= len(d) {
			r.fail(r.pos, ErrSyntax, "a string that does not end")
			return escaped
		}
		switch c := d[p]; {
		case c == '"':
			if wide && !utf8.Valid(d[plain:p]) {
				r.fail(r.pos, ErrSyntax, "a string that is not valid UTF-8")
				return escaped
			}
			r.pos = p + 1
			return escaped
		case c == '\\':
			escaped = true
			n := r.escape(p)
			if n == 0 {
				return escaped
			}
			p += n
		case c < 0x20:
			r.failf(p, ErrSyntax, "control character %#02x in a string", c)
			return escaped
		default:
			wide = wide || c >= utf8.RuneSelf
			p++
		}
	}
}

// escape returns the length of the escape sequence at p, zero after an error.
func (r *Reader) escape(p int) int {
	if p+1 < len(r.data) {
		switch r.data[p+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return 2
		case 'u':
			c, ok := hex4(r.data, p+2)
			if !ok {
				break
			}
			if !utf16.IsSurrogate(c) {
				return 6
			}
			if p+7 < len(r.data) && r.data[p+6] == '\\' && r.data[p+7] == 'u' {
				if low, ok := hex4(r.data, p+8); ok && utf16.DecodeRune(c, low) != utf8.RuneError {
					return 12
				}
			}
			r.fail(p, ErrSyntax, "half of a surrogate pair in a string")
			return 0
		}
	}
	r.fail(p, ErrSyntax, "a broken escape sequence in a string")
	return 0
}

func hex4(d []byte, p int) (c rune, ok bool) {
	if p+4 > len(d) {
		return 0, false
	}
	for _, b := range d[p : p+4] {
		switch {
		case b-'0' <= 9:
			b -= '0'
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			b = b | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		c = c<<4 | rune(b)
	}
	return c, true
}

// unescape decodes the body of a checked string.
func unescape(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(out, s...)
		}
		out = append(out, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			u, _ := hex4(s, 0)
			s = s[4:]
			if utf16.IsSurrogate(u) {
				low, _ := hex4(s, 2)
				u = utf16.DecodeRune(u, low)
				s = s[6:]
			}
			out = utf8.AppendRune(out, u)
			continue
		}
		out = append(out, c)
	}
}

// Raw reads the next value, whatever it is, and returns its checked text, a view of the input.
func (r *Reader) Raw() []byte {
	r.Kind()
	start := r.pos
	r.Skip()
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos]
}

// Skip reads the next value and drops it. What is skipped is checked like anything else.
func (r *Reader) Skip() {
	switch k := r.Kind(); k {
	case Object:
		if !r.open() {
			return
		}
		base := len(r.names)
		for first := true; r.member(first); first = false {
			if _, ok := r.memberName(base); !ok {
				return
			}
			r.Skip()
		}
		r.close(base)
	case Array:
		if !r.open() {
			return
		}
		for first := true; r.element(first); first = false {
			r.Skip()
		}
		r.depth--
	case String:
		r.string()
	case Number:
		r.number()
	case True:
		r.literal("true")
	case False:
		r.literal("false")
	case Null:
		r.literal("null")
	default:
		if r.err == nil {
			r.noValue()
		}
	}
}

// Object reads an object and yields the name of each member, a view that is valid until the next one. The loop body
// reads the member's value, or leaves it to be skipped. A name that differs from one of known only in case is an
// error, because readers that fold case would take it for that one.
//
// A body that breaks out of the loop leaves the Reader useless.
func (r *Reader) Object(known ...string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !r.expect(Object) || !r.open() {
			return
		}
		base := len(r.names)
		for first := true; r.member(first); first = false {
			at := r.pos
			text, ok := r.memberName(base)
			if !ok {
				return
			}
			for _, k := range known {
				if isVariant(k, text) {
					r.failf(at, ErrVariant, "member %s must be written %q", clip(text), k)
					return
				}
			}
			if !r.each(func() bool { return yield(text) }) {
				return
			}
		}
		r.close(base)
	}
}

// Members is [Reader.Object] without the members whose value is null, for formats in which that is the same as leaving them out.
func (r *Reader) Members(known ...string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for name := range r.Object(known...) {
			if !r.Null() && !yield(name) {
				return
			}
		}
	}
}

// Fields reads an object that has no members but known ones, one after another:
//
//	for f := r.Fields("kind", "version"); f.Next(); {
//		switch f.Name {
//
// It is [Reader.Object] for documents that are read often: it allocates nothing.
func (r *Reader) Fields(known ...string) Fields { return Fields{r: r, known: known} }

// OptionalFields is [Reader.Fields] of an object that may be null, and then has no members.
func (r *Reader) OptionalFields(known ...string) Fields {
	return Fields{r: r, known: known, optional: true}
}

// Fields is where a Reader is in an object.
type Fields struct {
	Name     string // of the member, whose value is read next, or left to be skipped
	r        *Reader
	known    []string
	base     int // where the names of the object begin
	depth    int // inside the object; zero before the first member
	value    int // where the member's value begins
	optional bool
}

// Next moves to the next member and reports whether there is one.
func (f *Fields) Next() bool {
	r, first := f.r, f.depth == 0
	switch {
	case first:
		if f.optional && r.Null() || !r.expect(Object) || !r.open() {
			return false
		}
		f.base, f.depth = len(r.names), r.depth
	case r.err != nil:
		return false
	case r.pos == f.value:
		r.Skip()
	}
	if r.err == nil && r.depth != f.depth {
		r.fail(r.pos, ErrSyntax, "reading was given up here")
	}
	if !r.member(first) {
		if r.err == nil {
			r.close(f.base)
		}
		return false
	}
	at := r.pos
	text, ok := r.memberName(f.base)
	if !ok {
		return false
	}
	for _, k := range f.known {
		if k == string(text) {
			f.Name = k
			r.space()
			f.value = r.pos
			return true
		}
	}
	r.failf(at, ErrMember, "a member that the format does not have: %s", clip(text))
	return false
}

// isVariant reports whether a name differs from a known one, which is ASCII, only in case. Folding can make a name shorter, not longer.
func isVariant(known string, name []byte) bool {
	if known == "" || len(known) > len(name) || name[0] < utf8.RuneSelf && (known[0]^name[0])&^0x20 != 0 {
		return false
	}
	return string(name) != known && strings.EqualFold(known, string(name))
}

// Array reads an array and yields the index of each element, like [Reader.Object].
func (r *Reader) Array() iter.Seq[int] {
	return func(yield func(int) bool) {
		if !r.expect(Array) || !r.open() {
			return
		}
		for i := 0; r.element(i == 0); i++ {
			if !r.each(func() bool { return yield(i) }) {
				return
			}
		}
		r.depth--
	}
}

// each runs a loop body and skips the value if the body did not read it.
func (r *Reader) each(body func() bool) bool {
	r.space()
	start, depth, open := r.pos, r.depth, len(r.names)
	if !body() || r.depth != depth || len(r.names) != open {
		r.fail(r.pos, ErrSyntax, "reading was given up here")
		return false
	}
	if r.pos == start {
		r.Skip()
	}
	return r.err == nil
}

func (r *Reader) open() bool {
	if r.depth == r.max {
		r.failf(r.pos, ErrLimit, "nested deeper than %d levels", r.max)
		return false
	}
	r.depth++
	r.pos++
	return true
}

func (r *Reader) close(base int) {
	if r.depth < len(r.sets) {
		if len(r.names)-base > manyNames { // else it was not used
			if set := r.sets[r.depth]; len(set) <= 512 {
				clear(set) // for the next object
			} else {
				r.sets[r.depth] = nil
			}
		}
	}
	r.names = r.names[:base]
	r.depth--
}

// member moves to the next member's name and reports whether there is one.
func (r *Reader) member(first bool) bool {
	if !r.more(first, '}') {
		return false
	}
	if r.pos == len(r.data) || r.data[r.pos] != '"' {
		r.fail(r.pos, ErrSyntax, "no member name where one is expected")
		return false
	}
	return true
}

// element moves to the next element and reports whether there is one.
func (r *Reader) element(first bool) bool { return r.more(first, ']') }

func (r *Reader) more(first bool, end byte) bool {
	if r.err != nil {
		return false
	}
	r.space()
	if r.pos == len(r.data) {
		r.failf(r.pos, ErrSyntax, "the document ends where %q is expected", end)
		return false
	}
	if r.data[r.pos] == end {
		r.pos++
		return false
	}
	if first {
		return true
	}
	if r.data[r.pos] != ',' {
		r.failf(r.pos, ErrSyntax, "%q where ',' or %q is expected", r.data[r.pos], end)
		return false
	}
	r.pos++
	r.space()
	return true
}

// memberName reads a member's name and colon; base is where the names of its object begin.
func (r *Reader) memberName(base int) ([]byte, bool) {
	at := r.pos
	text := r.text()
	if r.err != nil {
		return nil, false
	}
	if r.names == nil {
		r.names = make([]name, 0, manyNames) // most documents need no more
	}
	n := name{text: text, head: head(text)}
	switch count := len(r.names) - base; {
	case count < manyNames:
		for i := base; i < len(r.names); i++ {
			if o := &r.names[i]; o.head == n.head && bytes.Equal(o.text, text) {
				r.failf(at, ErrDuplicate, "member %s occurs twice", clip(text))
				return nil, false
			}
		}
	case count == maxNames:
		r.failf(at, ErrLimit, "an object of more than %d members", maxNames)
		return nil, false
	case !r.addToSet(base, text):
		r.failf(at, ErrDuplicate, "member %s occurs twice", clip(text))
		return nil, false
	}
	r.names = append(r.names, n)
	r.space()
	if r.pos == len(r.data) || r.data[r.pos] != ':' {
		r.fail(r.pos, ErrSyntax, "no ':' behind a member name")
		return nil, false
	}
	r.pos++
	return text, true
}

// slots is a hash table of names: in each half of a slot that is taken a part of the hash, and the name's index in its object
// plus one. At least half of them are free.
type slots []uint64

// find returns the slot that a name has, or a free one.
func (s slots) find(names []name, hash uint32, text []byte) (at int, known bool) {
	for at = int(hash) & (len(s) - 1); s[at] != 0; at = (at + 1) & (len(s) - 1) {
		if uint32(s[at]>>32) == hash && bytes.Equal(names[uint32(s[at])-1].text, text) {
			return at, true
		}
	}
	return at, false
}

// addToSet adds the name that comes next in the innermost object, which has many, and reports whether it is new.
func (r *Reader) addToSet(base int, text []byte) bool {
	for len(r.sets) <= r.depth {
		r.sets = append(r.sets, nil)
	}
	names := r.names[base:]
	set := r.sets[r.depth]
	if len(names) == manyNames { // the first that is looked up here
		if r.seed == (maphash.Seed{}) {
			r.seed = maphash.MakeSeed()
		}
		if set == nil {
			set = make(slots, 128)
		}
		for i, n := range names {
			hash := uint32(maphash.Bytes(r.seed, n.text))
			at, _ := set.find(names, hash, n.text)
			set[at] = uint64(hash)<<32 | uint64(i+1)
		}
	}
	if 2*(len(names)+1) > len(set) {
		larger := make(slots, 4*len(set))
		for _, slot := range set {
			if slot == 0 {
				continue
			}
			at := int(slot>>32) & (len(larger) - 1)
			for larger[at] != 0 {
				at = (at + 1) & (len(larger) - 1)
			}
			larger[at] = slot
		}
		set = larger
	}
	r.sets[r.depth] = set
	hash := uint32(maphash.Bytes(r.seed, text))
	at, known := set.find(names, hash, text)
	if !known {
		set[at] = uint64(hash)<<32 | uint64(len(names)+1)
	}
	return !known
}

func head(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.LittleEndian.Uint64(text)
	}
	var h uint64
	for i, c := range text {
		h |= uint64(c) << (8 * i)
	}
	return h
}

// clip quotes what a document says for an error message, at a readable length.
func clip(text []byte) string {
	const most = 40
	if len(text) > most {
		return strconv.Quote(string(text[:most])) + "..."
	}
	return strconv.Quote(string(text))
}
