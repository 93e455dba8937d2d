package tree

import (
	"slices"
	"testing"

	"github.com/ladingdev/lading/internal/strictjson"
)

// What RenderSpans tells of a text is what reading it tells.
func TestRenderSpans(t *testing.T) {
	for _, in := range []string{
		`{"a":[1,"x",{},[],{"b":null}],"\u00e9\"":"\n\\","c":{"d":[{"e":true},"",-1.5e3]}}`, `[]`, `"é\u0000"`, `[[[["deep"]]]]`, `{"":{"":""}}`,
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
	for _, s := range []string{`{"a": [1, {"b\n": null}], "c" : "\u00e9"}`, `[]`, ` "x" `, `{"a":{},"b":[[],""],"":-0.5e3}`, `{"a":1,"a":2}`, `[1,]`} {
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
