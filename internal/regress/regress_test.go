package regress

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The message of an input without its judgement says what to do, and shows what would be written.
func TestCompare(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.want")
	for _, step := range []struct {
		got    string
		update bool
		want   []string // in the error; none if there is none
	}{
		{"one\ntwo\n", false, []string{"a.want is missing", "-update", "one\ntwo"}},
		{"one\ntwo\n", true, nil},
		{"one\ntwo\n", false, nil},
		{"one\nthree\n", false, []string{"-update", `"two"`, `"three"`}},
		{"one\nthree\n", true, nil},
		{"one\nthree\n", false, nil},
	} {
		err := compare(file, step.got, step.update)
		if (err == nil) != (step.want == nil) {
			t.Fatalf("%+v: %v", step, err)
		}
		for _, w := range step.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%+v: no %q in %v", step, w, err)
			}
		}
	}
}

func TestInputs(t *testing.T) {
	dir := t.TempDir()
	if _, err := inputs(dir); err == nil {
		t.Error("a folder without files is no test, and passes")
	}
	write(t, dir, map[string]string{"b.in": "", "a.in": "", "a.want": ""})
	if names, err := inputs(dir); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("%q, %v", names, err)
	}
	for name, want := range map[string]string{"c.want": "add the input, or delete it", "c.json": "NAME.in"} {
		write(t, dir, map[string]string{name: ""})
		if _, err := inputs(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
