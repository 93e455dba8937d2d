package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"conformance": main})
}

// cases unpacks the suite's cases that are in the repository: a folder each.
func cases(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../../verify/testdata/corpus.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		_, name, ok := strings.Cut(h.Name, "/sigstore-sigstore-conformance/bundle-verify/")
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(tr)
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	identity = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/" +
		".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
	issuer = "https://token.actions.githubusercontent.com"
)

// Every case that is here, asked as the suite asks: by its file and by its digest.
func TestCases(t *testing.T) {
	dir := cases(t)
	folders, err := filepath.Glob(filepath.Join(dir, "*", "bundle.sigstore.json"))
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused := 0, 0
	for _, bundle := range folders {
		folder := filepath.Dir(bundle)
		there := func(name string) (string, bool) {
			path := filepath.Join(folder, name)
			_, err := os.Stat(path)
			return path, err == nil
		}
		args := []string{"verify-bundle", "--bundle", bundle}
		if key, ok := there("key.pub"); ok {
			args = append(args, "--key", key)
		} else {
			args = append(args, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer)
		}
		if root, ok := there("trusted_root.json"); ok {
			args = append(args, "--trusted-root", root)
		}
		artifact, ok := there("artifact")
		if !ok {
			artifact = filepath.Join(dir, "a.txt")
		}
		data, err := os.ReadFile(artifact)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if strings.HasSuffix(folder, "_fail") {
			want = 1
			refused++
		} else {
			accepted++
		}
		for _, what := range []string{artifact, fmt.Sprintf("sha256:%x", sha256.Sum256(data))} {
			var said bytes.Buffer
			if got := run(context.Background(), append(args, what), &said); got != want {
				t.Errorf("%s: exit status %d, not %d: %s", filepath.Base(folder), got, want, &said)
			}
		}
	}
	t.Logf("accepted %d, refused %d", accepted, refused)
	if accepted != 11 || refused != 25 {
		t.Errorf("accepted %d, refused %d", accepted, refused)
	}
}

func TestScripts(t *testing.T) {
	dir := cases(t)
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(e *testscript.Env) error {
		e.Setenv("CASES", dir)
		e.Setenv("IDENTITY", identity)
		e.Setenv("ISSUER", issuer)
		return nil
	}})
}
