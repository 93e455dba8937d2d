package spdxyaml

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/strictyaml"
	"github.com/ladingdev/lading/internal/syntax"

	"github.com/ladingdev/lading/internal/strictjson"
)

func TestRead(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"a: b\n", `{"a":"b"}`},
		{"---\na: [1, true, ~, 'x']\nb:\n  - c: \"d\\ne\"\n  - |\n    f\n    g\n", `{"a":[1,true,null,"x"],"b":[{"c":"d\ne"},"f\ng\n"]}`},
		{"a: no\nb: 1.0\nc: 2024-01-01T00:00:00Z\nd: 1.2.3\n", `{"a":"no","b":1.0,"c":"2024-01-01T00:00:00Z","d":"1.2.3"}`},
		{"a: x\n  y\n", `{"a":"x y"}`},
		{"a: x # c\n# c\n\nb: 'it''s'\r\nc:\r\n- 1\r\n-\r\n  - 2\r\n...\r\n", `{"a":"x","b":"it's","c":[1,[2]]}`},
		{"a: \"x\\\n  y  \n\n  z\\u00e9\\U0001f600\"\n", `{"a":"xy\nzé😀"}`},
		{"a: >\n  x\n  y\n\n  z\n    w\n  v\n\nb: |-\n  x\n\nc: |+\n  x\n\nd: |2\n    x\n",
			`{"a":"x y\nz\n  w\nv\n","b":"x","c":"x\n\n","d":"  x\n"}`},
		{"a: http://x:80/#y\nb: -1\nc: - \n", ``},
		{"a: http://x:80/#y\nb: -1\nc: -x\nd:\ne: ''\n", `{"a":"http://x:80/#y","b":-1,"c":"-x","d":null,"e":""}`},
		{"{a: {b: c d, 'e':[f,\n  # c\n  g h\n  i]}, \"j\":k}", `{"a":{"b":"c d","e":["f","g h i"]},"j":"k"}`},
		{"- - a\n  - b: c\n    d: e\n-\n  f: g\n", `[["a",{"b":"c","d":"e"}],{"f":"g"}]`},
		{"a:\n  b: |\n    x\n\n     y\n  c: d\n", `{"a":{"b":"x\n\n y\n","c":"d"}}`},
	} {
		v, err := Read([]byte(tt.in))
		if err != nil {
			if tt.want != "" {
				t.Errorf("%q: %v", tt.in, err)
			}
			continue
		}
		if got, _ := v.JSON(); string(got) != tt.want {
			t.Errorf("%q: %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestRules has a case for each rule of YAML 1.2.2 that SPDX files meet, by its section. Another module asks a second
// implementation about the same file: internal/interop/yaml.
func TestRules(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rules []struct{ Section, In, Want string }
	if err := json.Unmarshal(data, &rules); err != nil || len(rules) < 23 {
		t.Fatalf("%d rules, %v", len(rules), err)
	}
	for _, tt := range rules {
		v, err := Read([]byte(tt.In))
		if err != nil {
			t.Errorf("%s: %v", tt.Section, err)
			continue
		}
		if got, _ := v.JSON(); string(got) != tt.Want {
			t.Errorf("%s: %s, want %s", tt.Section, got, tt.Want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want error
	}{
		{"a: &x b\nc: *x\n", ErrYAML},
		{"a: &x [1]\nb: &y [*x, *x]\n", ErrYAML},
		{"a: !!binary x\n", ErrYAML},
		{"<<: {a: b}\n", ErrYAML},
		{"1: a\n", ErrYAML},
		{"a: .inf\n", ErrYAML},
		{"a: 0x10\n", ErrYAML},
		{"a: b\n---\nc: d\n", ErrYAML},
		{"a: b\na: c\n", ErrSyntax},
		{"a: [\n", ErrSyntax},
		{"a: \xff\n", ErrSyntax},
		{"", ErrYAML},
		{strings.Repeat("[", 1_000_000), strictyaml.ErrLimit},
		{strings.Repeat("- ", 1_000_000), strictyaml.ErrLimit},
		{strings.Repeat("? ", 1_000_000), strictyaml.ErrLimit},
		{"? [a]\n: b\n", ErrYAML},
		{"? {a: b}\n: c\n", ErrYAML},
		{"%YAML 1.2\n---\na: b\n", ErrYAML},
		{"%TAG ! tag:example.org,2000:\n---\na: !x b\n", ErrYAML},
		{"a: \u2028\n", ErrYAML},
		{"a: {b:[1]}\n", ErrSyntax},
		{`a: "\/"`, ErrSyntax},
		{"a: x\n\tb: y\n", ErrSyntax},
		{"a: b: c\n", ErrSyntax},
		{"a: 'x\n", ErrSyntax},
		{"a: @x\n", ErrSyntax},
		{"x: {\"c\": ?}\n", ErrSyntax},
		{"comment: >-\n     \n  one\n", ErrSyntax},
		{strings.Repeat("a: ", 100_000), ErrSyntax},
		{strings.Repeat("&a ", 100_000), ErrSyntax},
		{"a: " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000), strictyaml.ErrLimit},
		{strings.Repeat(" ", 2000) + "a: b", strictyaml.ErrLimit},
	} {
		_, err := Read([]byte(tt.in))
		var e *syntax.Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Line < 1 {
			t.Errorf("%.40q: %v, want %v", tt.in, err, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"a: b\n", "a:\n- b: {c: [d, 1.0e3]}\n", "a: &x b\n", "a: |\n  b\n c: >-\n d", "? a\n: b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		v, err := Read(data)
		if err != nil {
			var e *syntax.Error
			if !errors.As(err, &e) {
				t.Fatalf("%v is not a *syntax.Error", err)
			}
			return
		}
		text, _ := v.JSON()
		if err := strictjson.Check(text, strictjson.Limits{Depth: 200}); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	})
}
