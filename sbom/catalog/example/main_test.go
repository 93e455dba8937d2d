package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
)

// The program as a person runs it: without a name it looks at an image that it makes, and what it says fits a terminal.
func TestExample(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sbom.json")
	for _, format := range []string{"cyclonedx", "spdx"} {
		var out, progress bytes.Buffer
		if err := run(t.Context(), []string{"-o", file, "-format", format}, &out, &progress); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		if len(lines) > 24 {
			t.Errorf("%d lines", len(lines))
		}
		for _, l := range lines {
			if n := len([]rune(l)); n > 80 && !strings.HasPrefix(l, "wrote ") {
				t.Errorf("%d columns: %s", n, l)
			}
		}
		for _, want := range []string{"golang", "npm", "deb", "components in", "with a licence"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("nothing of %q in\n%s", want, out.String())
			}
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sbom.Validate(data); err != nil {
			t.Error(err)
		}
	}
}

// What cannot be done is said with what to do about it.
func TestExampleErrors(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"nothing-of-this-name", "is it the name of an image"},
		{"-format=xml image", "write cyclonedx or spdx"},
		{"main.go", "not an image"},
		{"127.0.0.1:1/app:v1", "is it the name of an image"},
	} {
		var out, progress bytes.Buffer
		err := run(t.Context(), strings.Fields(tt.args), &out, &progress)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.args, err, tt.want)
		}
		if out.Len() > 0 {
			t.Errorf("%s printed %s", tt.args, out.String())
		}
	}
}
