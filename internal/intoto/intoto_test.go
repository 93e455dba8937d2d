package intoto

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ladingdev/lading/internal/strictjson"
)

func TestAppendRefuses(t *testing.T) {
	subject := []Subject{{Digest: map[string]string{"sha256": "00"}}}
	for name, tt := range map[string]struct {
		s    Statement
		want error
	}{
		"no predicate": {Statement{Subjects: subject, PredicateType: "x"}, strictjson.ErrSyntax},
		"twice":        {Statement{Subjects: subject, PredicateType: "x", Predicate: []byte(`{"a":1,"a":1}`)}, strictjson.ErrDuplicate},
		"a tail":       {Statement{Subjects: subject, PredicateType: "x", Predicate: []byte(`{},"subject":[]`)}, strictjson.ErrSyntax},
		"an array":     {Statement{Subjects: subject, PredicateType: "x", Predicate: []byte(` []`)}, strictjson.ErrType},
		"text":         {Statement{Subjects: subject, PredicateType: "\xff", Predicate: []byte(`{}`)}, strictjson.ErrText},
		"annotation text": {Statement{Subjects: []Subject{{Digest: subject[0].Digest, Annotations: map[string]string{"a": "\xff"}}},
			PredicateType: "x", Predicate: []byte(`{}`)}, strictjson.ErrText},
	} {
		if _, err := tt.s.Append(nil); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is read is written as something that is read as the same, and the predicate is a view of the input.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"00"},"annotations":{"a":"b",` +
		`"n":1}}],"predicateType":"x","predicate":{"n":1.10}}`))
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"name":null,"digest":{"sha256":"00"}}],"predicateType":"x",` +
		`"more":1,"predicate": {} }`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data, Limits{Subjects: 4, Digests: 4})
		if err != nil || s.Predicate == nil {
			return
		}
		if !bytes.Contains(data, s.Predicate) {
			t.Fatal("the predicate is not in the input")
		}
		out, err := s.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out, Limits{Subjects: 4, Digests: 4})
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if diff := cmp.Diff(s, again, cmpopts.IgnoreFields(Statement{}, "Type"), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
