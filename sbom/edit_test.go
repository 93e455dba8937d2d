package sbom

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

func TestEdit(t *testing.T) {
	const in = "{ \"bomFormat\" :\"CycloneDX\",\"specVersion\":\"1.6\",\n  \"components\": [\n    " +
		"{\"type\":\"library\", \"name\": \"a\"},\n    {\"name\":\"b\"}\n  ],\"x\":[]\n}\n\n"
	for _, tt := range []struct {
		name  string
		edits []Edit
		old   []string // pairs of text and what it becomes
	}{
		{"nothing", nil, nil},
		{"replace", []Edit{{Path: "/components/0/name", Value: []byte(`"z"`)}}, []string{`"a"`, `"z"`}},
		{"add member", []Edit{{Path: "/components/0/version", Value: []byte(`"1"`)}},
			[]string{`"name": "a"`, `"name": "a", "version": "1"`}},
		{"add element", []Edit{{Path: "/components/-", Value: []byte(`{"name":"c"}`)}},
			[]string{`{"name":"b"}`, "{\"name\":\"b\"},\n    {\"name\":\"c\"}"}},
		{"insert", []Edit{{Path: "/components/0", Value: []byte(`{"name":"c"}`), Insert: true}},
			[]string{`{"type"`, "{\"name\":\"c\"},\n    {\"type\""}},
		{"remove first", []Edit{{Path: "/components/0"}}, []string{"{\"type\":\"library\", \"name\": \"a\"},\n    ", ""}},
		{"remove last", []Edit{{Path: "/components/1"}}, []string{",\n    {\"name\":\"b\"}", ""}},
		{"remove all", []Edit{{Path: "/components/1"}, {Path: "/components/0"}},
			[]string{"[\n    {\"type\":\"library\", \"name\": \"a\"},\n    {\"name\":\"b\"}\n  ]", "[]"}},
		{"fill", []Edit{{Path: "/x/-", Value: []byte(`1`)}, {Path: "/x/-", Value: []byte(`2`)}}, []string{"[]", "[1,2]"}},
		{"swap", []Edit{{Path: "/components/0"}, {Path: "/components/-", Value: []byte(`{"name":"c"}`)}},
			[]string{"{\"type\":\"library\", \"name\": \"a\"},\n    {\"name\":\"b\"}", "{\"name\":\"b\"},\n    {\"name\":\"c\"}"}},
	} {
		want := in
		for i := 0; i < len(tt.old); i += 2 {
			if !strings.Contains(want, tt.old[i]) {
				t.Fatalf("%s: no %q", tt.name, tt.old[i])
			}
			want = strings.Replace(want, tt.old[i], tt.old[i+1], 1)
		}
		d, err := Parse(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.Edit(tt.edits...)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if string(out.Bytes()) != want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, out.Bytes(), want)
		}
		if string(d.Bytes()) != in {
			t.Errorf("%s: the document changed", tt.name)
		}
	}
}

func TestEditRefuses(t *testing.T) {
	const in = `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"a"},{"name":"s","signature":{"value":"AA"}}]}`
	for _, tt := range []struct {
		edits []Edit
		want  error
	}{
		{[]Edit{{Path: "/components/7"}}, ErrPath},
		{[]Edit{{Path: "/components/00"}}, ErrPath},
		{[]Edit{{Path: "/none/0", Value: []byte(`1`)}}, ErrPath},
		{[]Edit{{Path: "", Value: []byte(`1`)}}, ErrPath},
		{[]Edit{{Path: "/none"}}, ErrPath},
		{[]Edit{{Path: "/none\x80", Value: []byte(`1`)}}, ErrPath},
		{[]Edit{{Path: "/components/0"}, {Path: "/components/0/name", Value: []byte(`1`)}}, ErrPath},
		{[]Edit{{Path: "/components/0/name", Value: []byte(`"b"`)}, {Path: "/components/0"}}, ErrPath},
		{[]Edit{{Path: "/specVersion", Value: []byte(`"1.9"`)}}, ErrVersion},
		{[]Edit{{Path: "/specVersion", Value: []byte(`1 2`)}}, strictjson.ErrSyntax},
		{[]Edit{{Path: "/components/1/name", Value: []byte(`"b"`)}}, ErrSigned},
	} {
		d, err := Parse(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(tt.edits...); !errors.Is(err, tt.want) {
			t.Errorf("%v: %v, want %v", tt.edits, err, tt.want)
		}
	}
	d, err := Parse(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Edit{{Path: "/components/0/name", Value: []byte(`"b"`)}, {Path: "/components/1/signature"}} {
		if _, err := d.Edit(e); err != nil {
			t.Errorf("%v: %v", e, err)
		}
	}
}

// FuzzEdit edits any document anywhere and compares with the edit of the decoded value.
func FuzzEdit(f *testing.F) {
	f.Add(`{"bomFormat":"CycloneDX","specVersion":"1.6","a":[1, 2]}`, "/a/1", "3", false)
	f.Add(`{"bomFormat":"CycloneDX","specVersion":"1.6","a":[1, 2]}`, "/a/0", "3", true)
	f.Add(`{"bomFormat":"CycloneDX","specVersion":"1.6","a":{"b":{}}}`, "/a/b/c", "{}", false)
	f.Add(`{"bomFormat":"CycloneDX","specVersion":"1.6","a":{"b":{}}}`, "/a", "", false)
	f.Fuzz(func(t *testing.T, doc, path, value string, insert bool) {
		d, err := parse([]byte(doc))
		if err != nil || d.encoding != JSON {
			return
		}
		e := Edit{Path: path, Insert: insert}
		if value != "" {
			e.Value = []byte(value)
		}
		out, err := d.Edit(e)
		if err != nil || insert || e.Value == nil || strings.HasSuffix(path, "/-") {
			return
		}
		root, err := tree.Parse(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got := at(root, path)
		if got == nil {
			t.Fatalf("%q is not there after it was set in %s", path, out.Bytes())
		}
		var want, is any
		if json.Unmarshal(e.Value, &want) == nil && json.Unmarshal(got.Append(nil, 0), &is) == nil && !reflect.DeepEqual(want, is) {
			t.Fatalf("%v, want %v", is, want)
		}
		same, err := out.Edit()
		if err != nil || !bytes.Equal(same.Bytes(), out.Bytes()) {
			t.Fatal("an edit of nothing changes something")
		}
	})
}

// at returns the node at an RFC 6901 pointer, or nil.
func at(n *tree.Node, pointer string) *tree.Node {
	if pointer == "" {
		return n
	}
next:
	for _, part := range strings.Split(pointer[1:], "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		for _, m := range n.Members {
			if m.Name == part {
				n = m.Value
				continue next
			}
		}
		i, err := strconv.Atoi(part)
		if err != nil || i < 0 || i >= len(n.Items) {
			return nil
		}
		n = n.Items[i]
	}
	return n
}
