package tree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/strictjson"
)

// What RenderSpans tells of a text is what reading it tells.
func TestRenderSpans(t *testing.T) {
	for _, in := range []string{
		`{"a":[1,"x",{},[],{"b":null}],"\u00e9\"":"\n\\","c":{"d":[{"e":true},"",-1.5e3]}}`, `[]`, `"é\u0000"`, `[[[["deep"]]]]`,
		`{"":{"":""}}`,
	} {
		n, err := Parse([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		text, got := n.RenderSpans()
		r := strictjson.NewReader(text, strictjson.Limits{})
		want := r.Spans(nil)
		if err := r.End(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, reading %s gives %v, %v", in, got, text, want, err)
		}
		if plain := n.Render(); string(plain) != string(text) {
			t.Errorf("%s: %s, and with spans %s", in, plain, text)
		}
	}
}

// FuzzParse checks that a tree says what its text says, whoever reads it, and that it is written with the places that reading finds.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a": [1, {"b\n": null}], "c" : "\u00e9"}`, `[]`, ` "x" `, `{"a":{},"b":[[],""],"":-0.5e3}`,
		`{"a":1,"a":2}`, `[1,]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse(data)
		looked := Look(data, "", func(m *Node) {
			if m.Line(false) != n.Line(false) {
				t.Errorf("%q: %s, and at a look %s", data, n.Line(false), m.Line(false))
			}
		})
		if (err == nil) != (looked == nil) {
			t.Fatalf("%q: %v, and at a look %v", data, err, looked)
		}
		if err != nil {
			return
		}
		text, got := n.RenderSpans()
		r := strictjson.NewReader(text, strictjson.Limits{Depth: 2000})
		want := r.Spans(nil)
		if err := r.End(); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q is written as %q: %v, reading gives %v, %v", data, text, got, want, err)
		}
		if again, err := Parse(text); err != nil || !again.Equal(n) {
			t.Fatalf("%q is written as %q, %v", data, text, err)
		}
	})
}

// FuzzJSON checks that what is read and written on one line says the same, and that the map leads from each value to its text.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, {"b\n": null}], "c" : "\u00e9"}`, `[]`, ` "x" `, `{"a":{},"b":[[],""],"":-0.5e3}`,
		`{"a":1,"a":2}`, `[1,]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse(data)
		if err != nil {
			return
		}
		text, places := n.JSON()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%q is written as %q: %v", data, text, err)
		}
		if !n.Same(again) || !again.Same(n) {
			t.Fatalf("%q is written as %q", data, text)
		}
		var compare func(was, is *Node, member bool)
		compare = func(was, is *Node, member bool) {
			if start, end := places.Source(int(is.Start)); !member && (start != int(was.Start) || end != int(was.End)) {
				t.Fatalf("%q: %q is from %d to %d, not %d to %d", data, text[is.Start:is.End], was.Start, was.End, start, end)
			}
			for i, m := range was.Members {
				compare(m.Value, is.Members[i].Value, true)
			}
			for i, item := range was.Items {
				compare(item, is.Items[i], false)
			}
		}
		compare(n, again, false)
	})
}

// TestSame is of what JSON calls equal.
func TestSame(t *testing.T) {
	many := func(from, to, step int) string {
		var b []byte
		for i := from; i != to; i += step {
			b = fmt.Appendf(b, ",\"%d\":%d", i, i)
		}
		return "{" + string(b[1:]) + "}"
	}
	for _, tt := range []struct {
		a, b        string
		same, equal bool
	}{
		{`{"a":1,"b":[1,2]}`, `{"b":[1,2],"a":1}`, true, true},
		{`{"a":1,"b":[1,2]}`, `{"b":[2,1],"a":1}`, false, true},
		{`{"a":1}`, `{"b":1}`, false, false},
		{`{"a":1}`, `{"a":"1"}`, false, false},
		{many(0, 100, 1), many(99, -1, -1), true, true},
		{many(0, 100, 1), many(1, 101, 1), false, false},
	} {
		a, err := Parse([]byte(tt.a))
		b, err2 := Parse([]byte(tt.b))
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if a.Same(b) != tt.same || b.Same(a) != tt.same || a.Equal(b) != tt.equal {
			t.Errorf("%.40s and %.40s: same %v, equal %v", tt.a, tt.b, a.Same(b), a.Equal(b))
		}
	}
}

// TestDifferences is of numbers that a library writes in another way: they are what they were.
func TestDifferences(t *testing.T) {
	was := `{"a":1,"b":1.0,"c":true,"d":null,"e":[1,2],"f":"x","g":1e400}`
	for is, want := range map[string]string{
		`{"a":1.0,"b":1e0,"c":true,"d":null,"e":[1,2],"f":"x","g":1e400,"more":0}`: ``,
		`{"a":2,"b":"1.0","c":false,"d":"null","e":[1,2,3],"f":"y","g":1e300}`:     `/a /b /c /d /f /g`,
		`{"c":null,"d":null,"e":[1],"f":"x","g":1e400,"a":1}`:                      `/b /c /e`,
	} {
		losses, err := Library{Name: "l", Appends: true}.Differences([]byte(was), []byte(is))
		var got []string
		for _, l := range losses {
			got = append(got, l.Path)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v, want %q", is, got, err, want)
		}
	}
}
