package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/strictjson"
)

func compile(t testing.TB, schema string, o Options) *Schema {
	t.Helper()
	s, err := Compile("s.json", func(name string) ([]byte, error) {
		if name == "other.json" {
			return []byte(`{"definitions": {"x": {"type": "integer"}}}`), nil
		}
		return []byte(schema), nil
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestValidate(t *testing.T) {
	const d7 = `"$schema": "http://json-schema.org/draft-07/schema#", `
	for _, tt := range []struct{ schema, in, want string }{ // want: keyword and pointer, empty if valid
		{`{"type": "integer"}`, `1.0`, ""},
		{`{"type": "integer"}`, `1e2`, ""},
		{`{"type": "integer"}`, `1.5`, "type "},
		{`{"type": ["string", "null"]}`, `null`, ""},
		{`{"type": ["string", "null"]}`, `1`, "type "},
		{`{"enum": ["a", 1, null]}`, `1.0`, ""},
		{`{"enum": ["a", 1]}`, `"b"`, "enum "},
		{`{"const": {"a": [1]}}`, `{"a": [1.0]}`, ""},
		{`{"const": {"a": [1]}}`, `{"a": [2]}`, "enum "},
		{`{"required": ["a"]}`, `{"a": null}`, ""},
		{`{"required": ["a"]}`, `{"b": 1}`, "required "},
		{`{"required": ["a"]}`, `[]`, ""},
		{`{"properties": {"a": {"type": "string"}}, "additionalProperties": false}`, `{"b": 1}`, "additionalProperties /b"},
		{`{"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "number"}}`, `{"b": "x"}`, "type /b"},
		{`{"properties": {"a": {}}}`, `{"A": 1}`, "case /A"},
		{`{"properties": {"a/b~": {"type": "string"}}}`, `{"a/b~": 1}`, "type /a~1b~0"},
		{`{"properties": {"a": {"type": "string"}}}`, `{"\u0061": 1}`, "type /a"},
		{`{"items": {"type": "string"}}`, `["a", 1]`, "type /1"},
		{`{"items": [{"type": "string"}], "additionalItems": false}`, `["a", 1]`, "false /1"},
		{`{"minItems": 1}`, `[]`, "minItems "},
		{`{"maxItems": 1}`, `[1, 2]`, "maxItems "},
		{`{"uniqueItems": true}`, `[{"a": 1, "b": [2]}, {"b": [2.0], "a": 10e-1}]`, "uniqueItems /1"},
		{`{"uniqueItems": true}`, `[1, "1", true, null, [1], {"1": 1}, 1e400, 1e401]`, ""},
		{`{"minLength": 2}`, `"ö"`, "minLength "},
		{`{"maxLength": 2}`, `"öö"`, ""},
		{`{"maxLength": 2}`, `"abc"`, "maxLength "},
		{`{"minimum": 0, "maximum": 1}`, `1.1`, "maximum "},
		{`{"minimum": 0, "maximum": 1}`, `-1e999`, "minimum "},
		{`{"pattern": "^a+$"}`, `"b"`, "pattern "},
		{`{"pattern": "^(?!_:).+:.+"}`, `"_:a"`, "pattern "},
		{`{"pattern": "^(?!_:).+:.+"}`, `"a:b"`, ""},
		{`{"format": "date-time"}`, `"2024-01-01T00:00:00z"`, ""},
		{`{"format": "date-time"}`, `"2024-01-01"`, "format "},
		{`{"format": "no-such-format"}`, `"x"`, ""},
		{`{"not": {"required": ["a"]}}`, `{"a": 1}`, "not "},
		{`{"if": {"properties": {"a": {"const": true}}, "required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ` +
			`["c"]}}`, `{"a": true}`, "required "},
		{`{"if": {"properties": {"a": {"const": true}}, "required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ` +
			`["c"]}}`, `{"c": 1}`, ""},
		{`{"allOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{"a": 1}`, "required "},
		{`{"anyOf": [{"type": "string"}, {"type": "object", "required": ["a"]}]}`, `{"b": 1}`, "required "},
		{`{"anyOf": [{"type": "string"}, {"type": "number"}]}`, `true`, "anyOf "},
		{`{"oneOf": [{"type": "integer"}, {"type": "number"}]}`, `1`, "oneOf "},
		{`{"oneOf": [{"type": "integer"}, {"type": "number"}]}`, `1.5`, ""},
		{`{"oneOf": [{"properties": {"t": {"const": "a"}, "x": {"type": "string"}}}, {"properties": {"t": {"const": "b"}}}]}`,
			`{"t": "a", "x": 1}`, "type /x"},
		{`{"oneOf": [{"properties": {"t": {"const": "a"}}}, {"properties": {"t": {"const": "b"}}}]}`, `{"t": "c"}`, "enum /t"},
		{`{"allOf": [{"properties": {"a": {}}}], "anyOf": [{"properties": {"b": {}}, "required": ["b"]}, {"properties": {"c": {}}}` +
			`], "unevaluatedProperties": false}`, `{"a": 1, "b": 1, "c": 1}`, ""},
		{`{"allOf": [{"properties": {"a": {}}}], "anyOf": [{"properties": {"b": {}}, "required": ["b"]}, {"properties": {"c": {}}}` +
			`], "unevaluatedProperties": false}`, `{"a": 1, "d": 1}`, "unevaluatedProperties /d"},
		{`{` + d7 + `"definitions": {"x": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/x", "minLength": 9}}}`,
			`{"a": "x"}`, ""},
		{`{"$defs": {"x": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/x", "minLength": 9}}}`, `{"a": "x"}`, "minLength /a"},
		{`{"properties": {"a": {"$ref": "other.json#/definitions/x"}}}`, `{"a": "x"}`, "type /a"},
		{`{"properties": {"a": {"$ref": "#"}}, "required": ["b"]}`, `{"a": {"a": {"b": 1}, "b": 1}, "b": 1}`, ""},
		{`false`, `1`, "false "},
	} {
		d, err := Parse([]byte(tt.in), strictjson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := compile(t, tt.schema, Options{}).Validate(d, 10)
		if err != nil {
			t.Fatal(err)
		}
		if tt.want == "" {
			if got != nil {
				t.Errorf("%s: %s: %v", tt.schema, tt.in, got)
			}
			continue
		}
		if len(got) == 0 || got[0].Keyword+" "+d.Pointer(got[0].Node) != tt.want || got[0].Advice == "" {
			t.Errorf("%s: %s: %v, want %q", tt.schema, tt.in, got, tt.want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, schema := range []string{`{"contains": {}}`, `{"type": "text"}`, `{"$ref": "#/definitions/none"}`,
		`{"pattern": "(?<=a)b"}`, `[]`, `{`} {
		if _, err := Compile("s", func(string) ([]byte, error) { return []byte(schema), nil }, Options{}); err == nil {
			t.Errorf("%s is compiled", schema)
		}
	}
}

func TestClosed(t *testing.T) {
	s := compile(t, `{"properties": {"a": {"properties": {"b": {}}}}}`, Options{Closed: true})
	d, err := Parse([]byte(`{"$schema": "x", "a": {"b": 1, "c": 1}}`), strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Validate(d, 10)
	if err != nil || len(got) != 1 || d.Pointer(got[0].Node) != "/a/c" {
		t.Errorf("%v %v, want /a/c only", got, err)
	}
}

// TestWork checks that alternatives inside of alternatives end.
func TestWork(t *testing.T) {
	s := compile(t, `{"$defs": {"x": {"anyOf": [{"$ref": "#/$defs/y"}, {"$ref": "#/$defs/y"}, {"$ref": "#/$defs/y"}]},
		"y": {"type": "array", "items": {"$ref": "#/$defs/x"}, "minItems": 1}}, "$ref": "#/$defs/x"}`, Options{})
	d, err := Parse([]byte(strings.Repeat("[", 60)+strings.Repeat("]", 60)), strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Validate(d, 10); !errors.Is(err, ErrWork) {
		t.Errorf("%v, want %v", err, ErrWork)
	}
}

func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		format    string
		good, bad []string
	}{
		{"date-time", []string{"2024-02-29T23:59:60Z", "2024-02-29t00:00:00.5+01:00"},
			[]string{"2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29T00:00:00", "2024-02-29 00:00:00Z",
				"2024-02-29T00:00:00.Z", "2024-02-29T00:00:00+24:00", ""}},
		{"date", []string{"2024-02-29"}, []string{"2023-02-29", "2024-2-29", ""}},
		{"uri", []string{"urn:a:b", "https://a.example/b?c#d", "http://[::1]:8080/"}, []string{"a", "//a", "http://ö.example",
			"http://a b", ""}},
		{"iri-reference", []string{"", "a", "../a", "//a/b", "http://ö.example/ü?x#y", "mailto:a@b", "a/b:c", "http://a:80/"},
			[]string{"git@github.com:a/b", "http://a b", "a#b#c", "%", "%zz", "http://[::1", "http://a:b/", "{a}", "a\\b", "a\u0000"}},
		{"idn-email", []string{"a@b", "a.b+c@example.com", "ö@ü.example", `"a b"@example.com`, "a@[127.0.0.1]"},
			[]string{"", "a", "@b", "a@", "a b@c", "a@b..c", "a@-b", ".a@b", "a@b_c"}},
	} {
		f := formats[tt.format]
		for _, s := range tt.good {
			if !f.valid(s) {
				t.Errorf("%q is no %s", s, tt.format)
			}
		}
		for _, s := range tt.bad {
			if f.valid(s) {
				t.Errorf("%q is a %s", s, tt.format)
			}
		}
	}
}

// FuzzParse checks that every value is where its document says it is.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a": [1, {"b\n": null}], "c" : "\u00e9"}`, `[]`, ` "x" `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data, strictjson.Limits{})
		if err != nil {
			return
		}
		var back []byte
		var write func(n Node)
		write = func(n Node) {
			switch first := true; d.Kind(n) {
			case strictjson.Object:
				back = append(back, '{')
				for k, v := range d.Members(n) {
					if !first {
						back = append(back, ',')
					}
					first = false
					back = append(append(back, d.Raw(k)...), ':')
					write(v)
				}
				back = append(back, '}')
			case strictjson.Array:
				back = append(back, '[')
				for _, v := range d.Elements(n) {
					if !first {
						back = append(back, ',')
					}
					first = false
					write(v)
				}
				back = append(back, ']')
			default:
				back = append(back, d.Raw(n)...)
			}
			d.Pointer(n)
		}
		write(d.Root())
		var want bytes.Buffer
		if err := json.Compact(&want, data); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back, want.Bytes()) {
			t.Fatalf("%s, want %s", back, want.Bytes())
		}
		if !d.equal(d.Root(), d.Root()) {
			t.Fatal("not equal to itself")
		}
	})
}
