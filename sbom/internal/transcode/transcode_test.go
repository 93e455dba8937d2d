package transcode

import (
	"testing"

	"github.com/ladingdev/lading/internal/strictjson"
)

// FuzzParse checks that what is read and written again says the same, and that the map leads from each value back to its text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a": [1, {"b\n": null}], "c" : "\u00e9"}`, `[]`, ` "x" `, `{"a":{},"b":[[],""],"":-0.5e3}`, `{"a":1,"a":2}`, `[1,]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data, strictjson.Limits{})
		if (err == nil) != (strictjson.Check(data, strictjson.Limits{}) == nil) {
			t.Fatalf("%q: %v, and strictjson says otherwise", data, err)
		}
		if err != nil {
			return
		}
		text, places := v.JSON()
		again, err := Parse(text, strictjson.Limits{})
		if err != nil {
			t.Fatalf("%q is written as %q: %v", data, text, err)
		}
		var same func(was, is *Value, member bool)
		same = func(was, is *Value, member bool) {
			if was.Kind != is.Kind || was.Text != is.Text || len(was.Members) != len(is.Members) || len(was.Items) != len(is.Items) {
				t.Fatalf("%q is written as %q", data, text)
			}
			if start, end := places.Source(is.Start); !member && (start != was.Start || end != was.End) {
				t.Fatalf("%q: %q is from %d to %d, not %d to %d", data, text[is.Start:is.End], was.Start, was.End, start, end)
			}
			for i, m := range was.Members {
				if is.Members[i].Name != m.Name {
					t.Fatalf("%q is written as %q", data, text)
				}
				same(m.Value, is.Members[i].Value, true)
			}
			for i, item := range was.Items {
				same(item, is.Items[i], false)
			}
		}
		same(v, again, false)
	})
}
