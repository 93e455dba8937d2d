package nodegate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy/nodegate"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "config", name+".dump.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// node returns a root directory with verifiers.
func node(t testing.TB, dir string, files ...string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(root, dir, f), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const standard = "/opt/containerd/image-verifier/bin"

const refusal = `rpc error: code = Unknown desc = failed to pull and unpack image "r/a:1": image verifier bindir blocked pull of r/a:1 ` +
	`with digest ` +
	`sha256:00 for reason: verifier check rejected image (exit code 1): lading refused: no signature`

// Every configuration of a real containerd, with what its pulls did when the verifier refused everything.
func TestConfigurations(t *testing.T) {
	type want struct {
		state nodegate.State // without a canary
		words []string       // in the findings that made it
	}
	ok := want{nodegate.NotProven, []string{"none was pulled"}}
	open := func(words ...string) want { return want{nodegate.Open, words} }
	wants := map[string]want{
		"bin-dir-trailing-slash": ok, "custom-bin-dir": ok, "default-plus-registry": ok, "imports-harmless": ok,
		"max-verifiers-2-two-files": ok,
		"no-file":                   ok, "use-local-image-pull-false": ok, "v2-plain": ok,
		"debian16-default":        open("no image verifiers"),
		"discard-unpacked-layers": open("discard_unpacked_layers"), "node-template-discard-v3": open("discard_unpacked_layers"),
		"eleven-files":               open("max_verifiers is 10"),
		"image-pull-with-sync-fs":    open("image_pull_with_sync_fs"),
		"local-and-discard":          open("use_local_image_pull", "discard_unpacked_layers"),
		"two-settings-at-once":       open("discard_unpacked_layers", "max_concurrent_downloads"),
		"max-concurrent-downloads-0": open("max_concurrent_downloads"), "v2-downloads": open("max_concurrent_downloads"),
		"max-verifiers-0":   open("max_verifiers"),
		"registry-auths":    open("registry.auths"),
		"registry-configs":  open("registry.mirrors", "registry.configs"),
		"verifier-disabled": open("disabled_plugins"),
		"short-timeout":     {nodegate.Blocked, []string{"per_verifier_timeout"}},
		"cri-disabled":      {nodegate.NotProven, []string{"switched off"}},
		"transfer-disabled": {nodegate.NotProven, []string{"transfer service is off"}},
	}
	files, _ := filepath.Glob("testdata/config/*.dump.toml")
	if len(files) != len(wants) {
		t.Fatalf("%d files, %d answers", len(files), len(wants))
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".dump.toml")
		t.Run(name, func(t *testing.T) {
			w, known := wants[name]
			if !known {
				t.Fatal("no answer")
			}
			dir, verifiers := standard, []string{"check"}
			switch name {
			case "custom-bin-dir":
				dir = "/usr/local/libexec/verifiers"
			case "max-verifiers-2-two-files":
				verifiers = []string{"aaa-allows", "check"}
			case "eleven-files":
				for i := range 10 {
					verifiers = append(verifiers, fmt.Sprintf("a%02d-allows", i))
				}
			}
			d := &nodegate.Doctor{Dump: read(t, name), Root: node(t, dir, verifiers...), Verifier: "check"}
			findings := d.Examine(t.Context())
			if got := nodegate.Verdict(findings); got != w.state {
				t.Errorf("%v, want %v: %v", got, w.state, findings)
			}
			for _, word := range w.words {
				found := false
				for _, f := range findings {
					found = found || f.State == w.state && strings.Contains(f.String(), word)
				}
				if !found {
					t.Errorf("nothing %v says %q: %v", w.state, word, findings)
				}
			}
			// What is open stays so, though the canary was refused somehow; what is in order is guarded by it alone.
			d.Canary, d.Pull = "r/a:1", func(context.Context, string) error { return errors.New(refusal) }
			after := nodegate.Verdict(d.Examine(t.Context()))
			if guarded := w.words[0] == ok.words[0]; (after == nodegate.Guarded) != guarded {
				t.Errorf("%v after a canary was refused", after)
			}
			d.Pull = func(context.Context, string) error { return nil }
			if after := nodegate.Verdict(d.Examine(t.Context())); after != nodegate.Open {
				t.Errorf("%v after a canary was pulled", after)
			}
		})
	}
}

// What containerd says of the canary, as containerd 2.4.2 words it.
func TestCanary(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want nodegate.State
	}{
		"refused":    {errors.New(refusal), nodegate.Guarded},
		"pulled":     {nil, nodegate.Open},
		"undecided":  {errors.New(strings.Replace(refusal, "lading refused", "lading could not decide", 1)), nodegate.NotProven},
		"by another": {errors.New(strings.Replace(refusal, "verifier check", "verifier other", 1)), nodegate.NotProven},
		"no such":    {errors.New("rpc error: code = NotFound desc = failed to resolve image: r/a:1: not found"), nodegate.NotProven},
		"killed": {errors.New(`blocking pull of "r/a:1": image verifier bindir returned error: failed to call verifier check: waiting ` +
			`on command to exit: ` +
			`signal: killed`), nodegate.Blocked},
	} {
		d := &nodegate.Doctor{Dump: read(t, "no-file"), Root: node(t, standard, "check"), Verifier: "check", Canary: "r/a:1",
			Pull: func(context.Context, string) error { return c.err }}
		if got := nodegate.Verdict(d.Examine(t.Context())); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// containerd runs every entry of the directory.
func TestDirectory(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string) error
		want   nodegate.State
		word   string
	}{
		"empty":     {func(dir string) error { return os.Remove(filepath.Join(dir, "lading")) }, nodegate.Open, "no verifier"},
		"not there": {os.RemoveAll, nodegate.Open, "no verifier"},
		"readme": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "README"), []byte("x"), 0o644) },
			nodegate.Blocked, "not executable"},
		"keep": {func(dir string) error { return os.WriteFile(filepath.Join(dir, ".keep"), nil, 0o755) },
			nodegate.Blocked, "empty"},
		"folder": {func(dir string) error { return os.Mkdir(filepath.Join(dir, "old"), 0o755) }, nodegate.Blocked, "directory"},
		"dangling link": {func(dir string) error { return os.Symlink("nowhere", filepath.Join(dir, "a")) }, nodegate.Blocked,
			"link to nothing"},
		"renamed": {func(dir string) error { return os.Rename(filepath.Join(dir, "lading"), filepath.Join(dir, "x")) }, nodegate.Open,
			"others decide"},
		"writable": {func(dir string) error { return os.Chmod(filepath.Join(dir, "lading"), 0o777) }, nodegate.Open,
			"others can write"},
		"writable dir": {func(dir string) error { return os.Chmod(dir, 0o777) }, nodegate.Open, "others can write"},
		"a link": {func(dir string) error { return os.Symlink("lading", filepath.Join(dir, "b")) }, nodegate.NotProven,
			"none was pulled"},
	} {
		root := node(t, standard, "lading")
		if err := c.change(filepath.Join(root, standard)); err != nil {
			t.Fatal(err)
		}
		findings := (&nodegate.Doctor{Dump: read(t, "no-file"), Root: root}).Examine(t.Context())
		if got := nodegate.Verdict(findings); got != c.want || !strings.Contains(fmt.Sprint(findings), c.word) {
			t.Errorf("%s: %v, want %v with %q: %v", name, got, c.want, c.word, findings)
		}
	}
}

// What is no dump proves nothing, and never panics.
func TestNotADump(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no toml": "{", "a configuration file": "version = 3\n", "another type": "version = 3\n[plugins]\n" +
			"'io.containerd.cri.v1.images' = 3\n",
		"a setting of another type": "version = 3\n[plugins.'io.containerd.cri.v1.images']\nuse_local_image_pull = 'no'\n",
		"partly": "version = 4\n[plugins.'io.containerd.cri.v1.images']\nuse_local_image_pull = false\n" +
			"[plugins.'io.containerd.transfer.v1.local']\n" +
			"[plugins.'io.containerd.image-verifier.v1.bindir']\nbin_dir = '/opt/containerd/image-verifier/bin'\n",
	} {
		d := &nodegate.Doctor{Dump: []byte(text), Root: node(t, standard, "lading"), Canary: "r/a:1",
			Pull: func(context.Context, string) error {
				return errors.New(strings.Replace(refusal, "verifier check", "verifier lading", 1))
			}}
		if got := nodegate.Verdict(d.Examine(t.Context())); got != nodegate.NotProven {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What people read fits a terminal, but for the names of settings.
func TestPrint(t *testing.T) {
	var out bytes.Buffer
	d := &nodegate.Doctor{Dump: read(t, "node-template-discard-v3"), Root: node(t, standard, "lading")}
	if err := nodegate.Print(&out, d.Examine(t.Context())); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "OPEN        plugins.'io.containerd.cri.v1.images'.discard_unpacked_layers\n") ||
		!strings.HasSuffix(out.String(), "\nThe door is OPEN.\n") {
		t.Error(out.String())
	}
}

func FuzzDoctor(f *testing.F) {
	files, _ := filepath.Glob("testdata/config/*.dump.toml")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	root := node(f, standard, "lading")
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &nodegate.Doctor{Dump: data, Root: root, Canary: "r/a:1", Pull: func(context.Context, string) error { return nil }}
		if got := nodegate.Verdict(d.Examine(t.Context())); got != nodegate.Open {
			t.Errorf("%v, and the canary came in", got)
		}
	})
}
