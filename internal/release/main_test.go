package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/provenance"
)

// released makes a release of this test's own program, and the key beside it.
func released(t *testing.T) (dir, key string) {
	t.Helper()
	top := t.TempDir()
	dir, key = filepath.Join(top, "out"), filepath.Join(top, "key")
	if status := run(t.Context(), []string{"key", key}, io.Discard, os.Stderr); status != 0 {
		t.Fatal(status)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "node-gate-linux-amd64"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeSBOM(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	files, err := writeSums(dir)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := sign.ParseKey(pem, nil)
	if err != nil {
		t.Fatal(err)
	}
	origin := &provenance.Provenance{BuildType: buildType, BuilderID: builderID, ExternalParameters: map[string]any{"version": "v0.0.0"}}
	if err := signAll(t.Context(), private, dir, files, origin, io.Discard); err != nil {
		t.Fatal(err)
	}
	return dir, key + ".pub"
}

func check(ctx context.Context, key, dir string) (string, error) {
	var out bytes.Buffer
	err := verifyRelease(ctx, key, dir, &out)
	return out.String(), err
}

func TestVerify(t *testing.T) {
	dir, key := released(t)
	out, err := check(t.Context(), key, dir)
	if err != nil || !strings.Contains(out, "verified  node-gate-linux-amd64: signature, SBOM, provenance\n") {
		t.Fatal(out, err)
	}
	const program = "node-gate-linux-amd64"
	move := func(from, to string) func(*testing.T) {
		return func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, from))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, to), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, attack := range map[string]struct {
		file string // which is put back afterwards; if it was not there, removed
		do   func(t *testing.T)
	}{
		"changed program":              {program, move(sumsFile, program)},
		"changed list":                 {sumsFile, move(bomFile, sumsFile)},
		"signature of another file":    {program + bundleEnd, move(bomFile+bundleEnd, program+bundleEnd)},
		"statement for a signature":    {program + bundleEnd, move("sbom.intoto"+bundleEnd, program+bundleEnd)},
		"SBOM for provenance":          {"provenance.intoto" + bundleEnd, move("sbom.intoto"+bundleEnd, "provenance.intoto"+bundleEnd)},
		"provenance for the SBOM":      {"sbom.intoto" + bundleEnd, move("provenance.intoto"+bundleEnd, "sbom.intoto"+bundleEnd)},
		"file that nobody signed":      {"install.sh", move(sumsFile, "install.sh")},
		"file is gone":                 {program, func(t *testing.T) { remove(t, dir, program) }},
		"statement is gone":            {"sbom.intoto" + bundleEnd, func(t *testing.T) { remove(t, dir, "sbom.intoto"+bundleEnd) }},
		"signature of the list is not": {sumsFile + bundleEnd, func(t *testing.T) { remove(t, dir, sumsFile+bundleEnd) }},
	} {
		path := filepath.Join(dir, attack.file)
		before, readErr := os.ReadFile(path)
		attack.do(t)
		if out, err := check(t.Context(), key, dir); err == nil {
			t.Errorf("%s: verified\n%s", name, out)
		}
		if readErr != nil {
			remove(t, dir, attack.file)
		} else if err := os.WriteFile(path, before, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := check(t.Context(), key, dir); err != nil {
		t.Error(err)
	}
	_, other := released(t)
	if _, err := check(t.Context(), other, dir); err == nil {
		t.Error("verified with another key")
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"key"}, {"make", "-key", "k", "v1"}, {"verify", "dir"},
		{"verify", "-out", "x", "-key", "k", "dir"}, {"other"}} {
		var stderr bytes.Buffer
		if status := run(t.Context(), args, io.Discard, &stderr); status != 2 || stderr.String() != usage {
			t.Errorf("%q: %d %s", args, status, stderr.String())
		}
	}
	var stderr bytes.Buffer
	missing := filepath.Join(t.TempDir(), "k")
	if status := run(t.Context(), []string{"make", "-key", missing, "-out", "x", "v1", "a", "b"}, io.Discard, &stderr); status != 1 ||
		!strings.Contains(stderr.String(), "release key "+missing) {
		t.Errorf("%d %s", status, stderr.String())
	}
	if runtime.GOOS == "windows" {
		return
	}
	file := filepath.Join(t.TempDir(), "k")
	if run(t.Context(), []string{"key", file}, io.Discard, io.Discard) != 0 ||
		run(t.Context(), []string{"key", file}, io.Discard, io.Discard) != 1 {
		t.Error("a key is written over")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}
