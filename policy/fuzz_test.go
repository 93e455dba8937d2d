package policy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A time is found where encoding/json finds it too, in whatever predicate, and nowhere else.
func FuzzTimeAt(f *testing.F) {
	f.Add(`{"metadata":{"timestamp":"2026-11-24T11:59:00Z"}}`, "/metadata/timestamp")
	f.Add(`{"a/b":{"~":"2026-11-24T11:59:00+02:00"}}`, "/a~1b/~0")
	f.Add(`{"a":[{"b":"2026-11-24T11:59:00Z"}],"":{"":"x"}}`, "/")
	f.Add(`{"a":{"a":"2026-11-24T11:59:00Z"},"A":1}`, "/a/a")
	f.Fuzz(func(t *testing.T, predicate, pointer string) {
		if !strings.HasPrefix(pointer, "/") {
			t.Skip()
		}
		got, err := timeAt([]byte(predicate), pointer)
		if err != nil {
			return
		}
		var value any
		if err := json.Unmarshal([]byte(predicate), &value); err != nil {
			t.Fatalf("read of what is no JSON: %v", err)
		}
		for _, name := range pathOf(pointer) {
			object, ok := value.(map[string]any)
			if !ok {
				t.Fatalf("%s leads through what is no object", pointer)
			}
			value = object[name]
		}
		text, _ := value.(string)
		if want, err := time.Parse(time.RFC3339, text); err != nil || !want.Equal(got) || got.IsZero() {
			t.Fatalf("%v, want %q: %v", got, text, err)
		}
	})
}
