package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheck(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	members := func(n int, last string) string {
		var b strings.Builder
		b.WriteByte('{')
		for i := range n {
			fmt.Fprintf(&b, `"member%d":{"a":%d},`, i, i)
		}
		return b.String() + last + ":0}"
	}
	some := func(last string) string { return members(30, last) }
	wide := func(last string) string { return members(200, last) }
	tests := []struct {
		name, in string
		want     error
	}{
		{"object", `{"a":1,"b":[true,false,null,"x"],"c":{"a":-1.5e+3}}`, nil},
		{"white space", " \t\r\n{ \"a\" : [ ] , \"b\" : { } }\n", nil},
		{"same name in sibling objects", `[{"a":1},{"a":1}]`, nil},
		{"surrogate pair", `"😀"`, nil},
		{"depth 100", deep(100), nil},
		{"many names", wide(`"last"`), nil},
		{"the same many names in sibling objects", `[` + wide(`"a"`) + `,{},` + some(`"a"`) + `,` + some(`"b"`) + `,` +
			wide(`"b"`) + `]`, nil},

		{"empty", ``, ErrSyntax},
		{"white space only", strings.Repeat(" ", 1<<16), ErrSyntax},
		{"byte order mark", "\ufeff{}", ErrSyntax},
		{"trailing data", `{} {}`, ErrSyntax},
		{"trailing comma in object", `{"a":1,}`, ErrSyntax},
		{"trailing comma in array", `[1,]`, ErrSyntax},
		{"missing comma", `[1 2]`, ErrSyntax},
		{"missing colon", `{"a" 1}`, ErrSyntax},
		{"unquoted name", `{a:1}`, ErrSyntax},
		{"leading zero", `01`, ErrSyntax},
		{"bare minus", `-`, ErrSyntax},
		{"bare fraction", `.5`, ErrSyntax},
		{"open fraction", `1.`, ErrSyntax},
		{"open exponent", `1e`, ErrSyntax},
		{"not a number", `NaN`, ErrSyntax},
		{"short literal", `nul`, ErrSyntax},
		{"long literal", `nulll`, ErrSyntax},
		{"open string", `"abc`, ErrSyntax},
		{"open escape", `"\`, ErrSyntax},
		{"unknown escape", `"\x"`, ErrSyntax},
		{"short escape", `"\u12"`, ErrSyntax},
		{"high surrogate alone", `"\ud83d"`, ErrSyntax},
		{"low surrogate alone", `"\ude00"`, ErrSyntax},
		{"control character", "\"a\nb\"", ErrSyntax},
		{"invalid UTF-8", "\"\xff\"", ErrSyntax},
		{"encoded surrogate", "\"\xed\xa0\x80\"", ErrSyntax},
		{"duplicate", `{"a":1,"a":1}`, ErrDuplicate},
		{"duplicate by escape", `{"a":1,"\u0061":1}`, ErrDuplicate},
		{"duplicate below", `{"x":[{"long member name":1,"b":2,"long member name":3}]}`, ErrDuplicate},
		{"duplicate empty name", `{"":1,"":1}`, ErrDuplicate},
		{"duplicate among many", wide(`"member3"`), ErrDuplicate},
		{"duplicate of the last of many", wide(`"member199"`), ErrDuplicate},
		{"duplicate among many, the second time", `[` + some(`"a"`) + `,` + some(`"member3"`) + `]`, ErrDuplicate},
		{"depth 101", deep(101), ErrLimit},
		{"depth bomb", strings.Repeat(`{"a":`, 1<<20), ErrLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Check([]byte(tt.in), Limits{})
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if e := new(Error); err != nil && (!errors.As(err, &e) || e.Offset > len(tt.in)) {
				t.Errorf("%v does not say where", err)
			}
		})
	}
}

func TestReader(t *testing.T) {
	const doc = `{"s":"aé😀\n","n":9007199254740993,"raw": {"x" : 1.10} ,"list":["a","b"],"yes":true,"no":false,"nil":null,"skipped":[{}]}`
	var (
		s, raw  string
		n       int64
		list    []string
		yes, no bool
		null    bool
	)
	r := NewReader([]byte(doc), Limits{})
	no = true
	for name := range r.Object("s", "n") {
		switch string(name) {
		case "s":
			s = r.String()
		case "n":
			n = r.Int64()
		case "raw":
			raw = string(r.Raw())
		case "list":
			for range r.Array() {
				list = append(list, r.String())
			}
		case "yes":
			yes = r.Bool()
		case "no":
			no = r.Bool()
		case "nil":
			null = r.Null()
		}
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	if s != "aé😀\n" || n != 9007199254740993 || raw != `{"x" : 1.10}` || !yes || no || !null ||
		!reflect.DeepEqual(list, []string{"a", "b"}) {
		t.Errorf("read %q %d %q %v %v %v %v", s, n, raw, list, yes, no, null)
	}
}

func TestReaderRefuses(t *testing.T) {
	read := func(doc string, body func(r *Reader, name string)) error {
		r := NewReader([]byte(doc), Limits{})
		for name := range r.Object("subject", "kind") {
			if body != nil {
				body(r, string(name))
			}
		}
		return r.End()
	}
	text := func(r *Reader, _ string) { _ = r.String() }
	for name, tt := range map[string]struct {
		doc  string
		body func(*Reader, string)
		want error
	}{
		"case variant":          {`{"Subject":1}`, nil, ErrVariant},
		"case variant by fold":  {"{\"\u212aind\":1}", nil, ErrVariant}, // Kelvin sign
		"number for string":     {`{"subject":1}`, text, ErrType},
		"null for string":       {`{"subject":null}`, text, ErrType},
		"array for object":      {`[]`, nil, ErrType},
		"fraction for integer":  {`{"subject":1.0}`, func(r *Reader, _ string) { r.Int64() }, ErrType},
		"integer overflow":      {`{"subject":9223372036854775808}`, func(r *Reader, _ string) { r.Int64() }, ErrType},
		"skipped is checked":    {`{"other":{"a":1,"a":2}}`, nil, ErrDuplicate},
		"decoder's own refusal": {`{"subject":1}`, func(r *Reader, _ string) { r.Fail(errOwn) }, errOwn},
	} {
		t.Run(name, func(t *testing.T) {
			if err := read(tt.doc, tt.body); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	t.Run("broken off", func(t *testing.T) {
		r := NewReader([]byte(`[1,2]`), Limits{})
		for range r.Array() {
			break
		}
		if r.End() == nil {
			t.Error("a loop that was broken off went unnoticed")
		}
	})
}

var errOwn = errors.New("not what I want")

func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":[1,"é😀",null]}`, `{"a":1,"a":2}`, `[1e5,-0.5]`, "\"\xff\"", `"\ud800"`, `{"a":{"b":{}}} `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := Check(data, Limits{})
		if valid := json.Valid(data); err == nil && !valid {
			t.Fatalf("accepted what encoding/json refuses: %q", data)
		} else if valid && errors.Is(err, ErrSyntax) && utf8.Valid(data) && !strings.Contains(err.Error(), "surrogate") {
			t.Fatalf("refused as syntax what encoding/json accepts: %v", err)
		}
		r := NewReader(data, Limits{})
		checkSpans(t, data, r.Spans(nil), r.End(), err)
		if err != nil {
			return
		}
		// Strings decode as encoding/json decodes them, and survive AppendString.
		var want string
		if json.Unmarshal(data, &want) == nil && NewReader(data, Limits{}).Kind() == String {
			got := NewReader(data, Limits{}).String()
			if got != want {
				t.Fatalf("decoded %q, want %q", got, want)
			}
			if again := NewReader(AppendString(nil, got), Limits{}).String(); again != got {
				t.Fatalf("%q came back as %q", got, again)
			}
		}
	})
}

// checkSpans holds the spans of a text against what Check and a Reader say of it.
func checkSpans(t *testing.T, data []byte, spans []Span, got, want error) {
	t.Helper()
	if (got == nil) != (want == nil) || got != nil && got.Error() != want.Error() {
		t.Fatalf("%q: spans give %v, Check %v", data, got, want)
	}
	if want != nil {
		return
	}
	at := 0
	next := func(start, end int, escaped bool) {
		if s := spans[at]; int(s.Start) != start || s.End() != end || s.Escaped() != escaped {
			t.Fatalf("%q: span %d is %d to %d, escaped %t; want %d to %d, %t", data, at, s.Start, s.End(), s.Escaped(), start, end, escaped)
		}
		at++
	}
	r := NewReader(data, Limits{})
	var value func()
	value = func() {
		kind, n := r.Kind(), at
		start := r.Offset()
		at++
		switch kind {
		case Object:
			behind := start + 1
			for name := range r.Object() {
				begin := behind + bytes.IndexByte(data[behind:], '"')
				end := begin + bytes.LastIndexByte(data[begin:r.Offset()], '"') + 1
				next(begin, end, string(data[begin+1:end-1]) != string(name))
				value()
				behind = r.Offset()
			}
		case Array:
			for range r.Array() {
				value()
			}
		default:
			r.Skip()
		}
		if s := spans[n]; int(s.Start) != start || s.End() != r.Offset() || int(s.Next) != at {
			t.Fatalf("%q: span %d is %d to %d, next %d; want %d to %d, %d", data, n, s.Start, s.End(), s.Next, start, r.Offset(), at)
		}
	}
	value()
	if at != len(spans) {
		t.Fatalf("%q: %d spans, want %d", data, len(spans), at)
	}
}

func BenchmarkCheck(b *testing.B) {
	doc := []byte("[" + strings.Repeat(`{"bom-ref":"pkg:npm/left-pad@1.3.0","type":"library","name":"left-pad","version":"1.3.0",`+
		`"purl":"pkg:npm/left-pad@1.3.0","licenses":[{"license":{"id":"WTFPL"}}]},`, 5000) + "0]")
	b.Run("strictjson", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			if err := Check(doc, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json.Valid", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			json.Valid(doc)
		}
	})
}

// Fields reads what Object reads, and refuses members that the format does not have.
func TestFields(t *testing.T) {
	for _, tt := range []struct {
		text string
		want string // what is read
		err  error
	}{
		{`{"a":1,"b":{"a":2}}`, "a1b(a2)", nil},
		{` { "b" : { } , "a" : 7 } `, "b()a7", nil},
		{`{}`, "", nil},
		{`{"b":null}`, "b()", nil},
		{`{"skip":[1,{"x":2}],"a":1}`, "a1", nil},
		{`{"a":1,"a":2}`, "a1", ErrDuplicate},
		{`{"A":1}`, "", ErrMember},
		{`{"c":1}`, "", ErrMember},
		{`{"b":{"a":1,"a":2}}`, "b(a1)", ErrDuplicate},
		{`{"a":1`, "a1", ErrSyntax},
		{`{"a":1 "b":{}}`, "a1", ErrSyntax},
		{`{"a":1,}`, "a1", ErrSyntax},
		{`{"a" 1}`, "", ErrSyntax},
		{`[]`, "", ErrType},
		{`null`, "", ErrType},
		{`{} x`, "", ErrSyntax},
	} {
		r := NewReader([]byte(tt.text), Limits{})
		var got strings.Builder
		for f := r.Fields("a", "b", "skip"); f.Next(); {
			switch f.Name {
			case "a":
				fmt.Fprintf(&got, "a%d", r.Int64())
			case "b":
				got.WriteString("b(")
				for f := r.OptionalFields("a"); f.Next(); {
					fmt.Fprintf(&got, "a%d", r.Int64())
				}
				got.WriteString(")")
			}
		}
		err := r.End()
		if got.String() != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v", tt.text, got.String(), err)
		}
	}
	data := []byte(`{"a":1,"b":{"a":2}}`)
	r := NewReader(data, Limits{})
	for f := r.Fields("a", "b"); f.Next(); { // nothing is read: it is skipped
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
	if n := testing.AllocsPerRun(10, func() {
		r := NewReader(data, Limits{})
		for f := r.Fields("a", "b"); f.Next(); {
		}
	}); n > 2 { // the Reader and the names in it
		t.Errorf("%v allocations", n)
	}
}

// Duplicates are found wherever they are in objects of any size, and an object has an end.
func TestManyMembers(t *testing.T) {
	object := func(n, twice, at int) string { // with member number twice again behind number at
		var b strings.Builder
		b.WriteString(`{"first":{}`)
		for i := range n {
			fmt.Fprintf(&b, `,"member %d":%d`, i, i)
			if i == at {
				fmt.Fprintf(&b, `,"member %d":{}`, twice)
			}
		}
		return b.String() + "}"
	}
	for _, n := range []int{1, 22, 23, 24, 25, 63, 64, 65, 127, 128, 129, 1000} {
		if err := Check([]byte(object(n, 0, -1)), Limits{}); err != nil {
			t.Errorf("%d members: %v", n, err)
		}
		for _, twice := range []int{0, n / 2, n - 1} {
			for _, at := range []int{twice, n - 1} {
				list := "[" + object(n, 0, -1) + "," + object(n, twice, at) + "]"
				if err := Check([]byte(list), Limits{}); !errors.Is(err, ErrDuplicate) {
					t.Errorf("member %d of %d again behind %d: %v", twice, n, at, err)
				}
			}
		}
	}
	if err := Check([]byte(object(1<<17-1, 0, -1)), Limits{}); err != nil {
		t.Error(err)
	}
	if err := Check([]byte(object(1<<17, 0, -1)), Limits{}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// A known name may be empty, as a JSON pointer's may.
func TestEmptyKnownName(t *testing.T) {
	r := NewReader([]byte(`{"":1,"a":2}`), Limits{})
	n := 0
	for name := range r.Object("") {
		if n++; string(name) == "" && r.Int64() != 1 {
			t.Error("another value")
		}
	}
	if err := r.End(); err != nil || n != 2 {
		t.Errorf("%d members, %v", n, err)
	}
}
