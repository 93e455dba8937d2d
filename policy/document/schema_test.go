package document

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write schema.json")

// The committed schema is the one that the reader's shapes give, and every field says what it is.
func TestSchema(t *testing.T) {
	got := Schema()
	if *update {
		if err := os.WriteFile("schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
		t.Error("schema.json is not what Schema returns: run go test ./policy/document -run TestSchema -update")
	}
	shapes.Range(func(_, s any) bool {
		for _, f := range s.(*shape).fields {
			if f.help == "" {
				t.Errorf("field %s of %s has no help", f.name, s.(*shape).typ)
			}
		}
		return true
	})
}
