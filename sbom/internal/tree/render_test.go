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
