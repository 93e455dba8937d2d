package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string // files
		has  string   // in scp-1.json
	}{
		{"-account 111122223333 -admins platform,arn:aws:iam::111122223333:role/ops -task-roles task-*",
			[]string{"boundary.json", "deployer.json", "registrar.json", "scp-1.json", "trust.json"},
			"arn:aws:iam::111122223333:role/platform"},
		{"-partition aws-us-gov -pauses lading-pauses",
			[]string{"deployer.json", "registrar.json", "scp-1.json", "trust.json"}, "arn:aws-us-gov:iam::*:role/lading-pauses"},
	} {
		dir := filepath.Join(t.TempDir(), "new")
		var out bytes.Buffer
		if err := run(append(strings.Fields(c.args), "-o", dir), &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range files {
			names = append(names, filepath.Base(f))
			text, err := os.ReadFile(f)
			if err != nil || !json.Valid(text) {
				t.Errorf("%s: %v", f, err)
			}
			if filepath.Base(f) == "scp-1.json" && !strings.Contains(string(text), c.has) {
				t.Errorf("%s has no %s:\n%s", f, c.has, text)
			}
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("%v, want %v", names, c.want)
		}
		if text := out.String(); !strings.Contains(text, "service control policy, ") ||
			!strings.Contains(text, "   RunGated: A task runs what the registrar made") {
			t.Errorf("it says\n%s", text)
		}
	}
}

func TestRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	for _, c := range []struct{ args, want string }{
		{"-account 1", "has not 12 digits"},
		{"-family gated", "end with - or _"},
		{"-registrar=", "Registrar is empty"},
		{"-hosts *", "without * in the name"},
		{"lading-registrar", "what is"},
	} {
		if err := run(append([]string{"-o", dir}, strings.Fields(c.args)...), io.Discard, io.Discard); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something is written")
	}
}
