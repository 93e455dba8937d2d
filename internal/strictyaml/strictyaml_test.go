package strictyaml

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/strictjson"
)

var limits = Limits{Size: 1 << 20, Depth: 20}

func TestRefuses(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want error
		at   string
	}{
		{"a: &x 1\n", ErrYAML, "1:4"},
		{"a: *x\n", ErrSyntax, "1:1"},
		{"a: !!str 1\n", ErrYAML, "1:4"},
		{"a: b\na: c\n", ErrSyntax, "2:1"},
		{"a:\n  b: 1\n  'b': 2\n", ErrSyntax, "3:3"},
		{"<<: {a: b}\n", ErrYAML, "1:1"},
		{"1: a\n", ErrYAML, "1:1"},
		{"a: 0x10\n", ErrYAML, "1:4"},
		{"a: b\n---\nc: d\n", ErrYAML, "2:1"},
		{"", ErrYAML, "1:1"},
		{"a: \xff\n", ErrSyntax, "1:4"},
		{strings.Repeat("[", 21), ErrLimit, "1:21"},
		{strings.Repeat("- ", 30) + "a\n", ErrLimit, "1:43"},
		{strings.Repeat(" ", 1001) + "a: b\n", ErrLimit, "1:1001"},
		{strings.Repeat("#", 1<<20+1), ErrLimit, "1:1"},
	} {
		_, err := Parse([]byte(tt.in), limits)
		var e *Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || fmt.Sprintf("%d:%d", e.Line, e.Column) != tt.at {
			t.Errorf("%.40q: %v, want %v at %s", tt.in, err, tt.want, tt.at)
		}
	}
}

// What JSON says is the same, and at the same place, whichever way it is read.
func TestJSON(t *testing.T) {
	const doc = "{\n  \"a\": [1, true, null, \"x\"],\n\t\"b\\\"c\": {\"d\": -1.5e3, \"é\": {}}\n}\n"
	d, err := ParseJSON([]byte(doc), limits)
	if err != nil {
		t.Fatal(err)
	}
	root := d.Root
	if k := root.Content[2]; k.Value != `b"c` || k.Line != 3 || k.Column != 2 {
		t.Errorf("the key %q is at %d:%d", k.Value, k.Line, k.Column)
	}
	if v := root.Content[3].Content[3]; v.Line != 3 || v.Column != 29 {
		t.Errorf("the value is at %d:%d", v.Line, v.Column)
	}
	for _, tt := range []struct {
		in, at string
		want   error
	}{{`{"a":1,"a":2}`, "1:8", ErrSyntax}, {"{\n\"a\": tru}", "2:6", ErrSyntax}, {strings.Repeat("[", 30), "1:21", ErrLimit}} {
		_, err := ParseJSON([]byte(tt.in), limits)
		var e *Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || fmt.Sprintf("%d:%d", e.Line, e.Column) != tt.at {
			t.Errorf("%.40q: %v, want %v at %s", tt.in, err, tt.want, tt.at)
		}
	}
}

// value is a node as encoding/json has it.
func value(n *yaml.Node) any {
	switch KindOf(n) {
	case strictjson.Object:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1])
		}
		return m
	case strictjson.Array:
		a := []any{}
		for _, c := range n.Content {
			a = append(a, value(c))
		}
		return a
	case strictjson.String:
		return n.Value
	case strictjson.Null:
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(strings.ToLower(n.Value)), &v); err != nil && !tooLarge(err) {
		panic(err)
	}
	return v
}

// tooLarge tells a number that a float64 does not hold, which is one in YAML and JSON nevertheless.
func tooLarge(err error) bool {
	var e *json.UnmarshalTypeError
	return errors.As(err, &e)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a: b\n", "- 1\n- {a: [x, 'y']}\n", "{\"a\": [1, \"\\u00e9\"]}", "a: |\n  x\nb: >-\n  y\n", "? a\n: b\n",
		"%YAML 1.2\n---\na", "a: \"\\/\"", "&a [*a]", "1e700", "[-1E700]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := Parse(data, limits); err == nil {
			value(d.Root)
		}
		d, err := ParseJSON(data, limits)
		if err != nil {
			return
		}
		got, _ := json.Marshal(value(d.Root))
		var v any
		if err := json.Unmarshal(data, &v); tooLarge(err) {
			return
		} else if err != nil {
			t.Fatalf("encoding/json refuses %q: %v", data, err)
		}
		if want, _ := json.Marshal(v); string(got) != string(want) {
			t.Errorf("%q is %s, encoding/json has %s", data, got, want)
		}
	})
}
