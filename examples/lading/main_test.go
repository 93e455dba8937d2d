package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"lading": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// The scripts in testdata run each verb as a person does. The registry has shop/app:v1, an image with two packages of Debian, the
// index shop/multi:v1 of two platforms, and shop/plain:v1, which nothing is attached to. There are two pairs of keys, one of
// them encrypted, a Sigstore instance with tokens, and a registry that fails.
func TestLading(t *testing.T) {
	srv := registrytest.Start(nil)
	t.Cleanup(srv.Close)
	down := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	}}})
	t.Cleanup(down.Close)
	fulcio := keylesstest.Start()
	t.Cleanup(fulcio.Close)
	files := keys(t)
	files["trusted_root.json"], files["signing_config.json"] = fulcio.TrustedRoot(), fulcio.SigningConfig(keylesstest.Tiles)
	home := t.TempDir()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"remember": func(ts *testscript.TestScript, _ bool, args []string) { // remember NAME PATTERN: its first group in stdout
				m := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
				if m == nil {
					ts.Fatalf("no %s in stdout", args[1])
				}
				ts.Setenv(args[0], m[1])
			},
			"shape": shape,
			"columns": func(ts *testscript.TestScript, _ bool, args []string) { // columns FILE: none of its lines is wider than 80
				for line := range strings.Lines(ts.ReadFile(args[0])) {
					if line = strings.TrimSuffix(line, "\n"); len([]rune(line)) > 80 || strings.HasSuffix(line, " ") {
						ts.Fatalf("%s: %d columns, or a blank at the end: %q", args[0], len([]rune(line)), line)
					}
				}
			},
			"status": func(ts *testscript.TestScript, _ bool, args []string) { // status N COMMAND: it ends with that exit status
				err := ts.Exec(args[1], args[2:]...)
				var exit *exec.ExitError
				got := "0"
				if errors.As(err, &exit) {
					got = strconv.Itoa(exit.ExitCode())
				} else {
					ts.Check(err)
				}
				if got != args[0] {
					ts.Fatalf("%v: status %s, not %s", args[1:], got, args[0])
				}
			},
		},
		Setup: func(env *testscript.Env) error {
			for name, data := range files {
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), data, 0o600); err != nil {
					return err
				}
			}
			at := srv.Host() + "/" + strings.TrimPrefix(filepath.Base(env.WorkDir), "script-") // a script's own: they run side by side
			amd64, arm64 := ocispec.Platform{OS: "linux", Architecture: "amd64"}, ocispec.Platform{OS: "linux", Architecture: "arm64"}
			push(t, at+"/shop/app:v1", []ocispec.Platform{amd64}, status)
			push(t, at+"/shop/plain:v1", []ocispec.Platform{amd64}, "")
			push(t, at+"/shop/multi:v1", []ocispec.Platform{amd64, arm64}, status)
			env.Setenv("REGISTRY", at)
			policies, err := filepath.Glob(filepath.Join(env.WorkDir, "*.yaml"))
			if err != nil {
				return err
			}
			for _, name := range policies { // documents name hosts
				data, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				if err := os.WriteFile(name, bytes.ReplaceAll(data, []byte("HOST"), []byte(srv.Host())), 0o600); err != nil {
					return err
				}
			}
			env.Setenv("DOWN", down.Host())
			env.Setenv("HOME", home)
			env.Setenv("XDG_CACHE_HOME", home)
			env.Setenv("DOCKER_CONFIG", home)
			env.Setenv("TOKEN", fulcio.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0")))
			return nil
		},
	})
}

// shape: stdout is one JSON value, whose members are in lower camel case and not empty.
func shape(ts *testscript.TestScript, _ bool, _ []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	foreign := []string{"annotations", "claims", "predicate", "packages"} // what is in these is named by others
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case nil:
			ts.Fatalf("%s is null", at)
		case string:
			if v == "" {
				ts.Fatalf("%s is empty", at)
			}
		case []any:
			for i, x := range v {
				walk(at+"/"+strconv.Itoa(i), x)
			}
		case map[string]any:
			for name, x := range v {
				if !regexp.MustCompile("^[a-z][A-Za-z0-9]*$").MatchString(name) {
					ts.Fatalf("%s has a member %s", at, name)
				}
				if !slices.Contains(foreign, name) {
					walk(at+"/"+name, x)
				}
			}
		}
	}
	walk("", v)
}

const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.41-12
Maintainer: A <a@example.com>

Package: curl
Status: install ok installed
Architecture: amd64
Version: 8.14.1-2
Depends: libc6
Maintainer: B <b@example.com>
`

func keys(t *testing.T) map[string][]byte {
	t.Helper()
	out := make(map[string][]byte)
	for _, name := range []string{"cosign", "other"} {
		key, err := sign.GenerateKey(sign.P256)
		if err != nil {
			t.Fatal(err)
		}
		if out[name+".pub"], err = sign.MarshalPublicKey(key.Public()); err != nil {
			t.Fatal(err)
		}
		out[name+".key"], err = key.MarshalPEM()
		if name == "cosign" {
			out[name+".key"], err = key.MarshalEncryptedPEM([]byte("secret"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// push puts an image, or an index of one for each platform, into a registry.
func push(t *testing.T, name string, platforms []ocispec.Platform, dpkg string) {
	t.Helper()
	repo, err := registry.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	put := func(mediaType string, data []byte) ocispec.Descriptor {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if err := repo.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	marshal := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var layer bytes.Buffer
	tw := tar.NewWriter(&layer)
	for name, text := range map[string]string{"var/lib/dpkg/status": dpkg, "etc/os-release": "ID=debian\nVERSION_ID=13\n"} {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	var images []ocispec.Descriptor
	for _, p := range platforms {
		l := put(ocispec.MediaTypeImageLayer, layer.Bytes())
		config := put(ocispec.MediaTypeImageConfig,
			marshal(ocispec.Image{Platform: p, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{l.Digest}}}))
		d := put(ocispec.MediaTypeImageManifest, marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{l}}))
		d.Platform = &p
		images = append(images, d)
	}
	top := images[0]
	if len(images) > 1 {
		top = put(ocispec.MediaTypeImageIndex, marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: ocispec.MediaTypeImageIndex, Manifests: images}))
	}
	if err := repo.Tag(t.Context(), top, "v1"); err != nil {
		t.Fatal(err)
	}
}

// Each verb has a script, and each line of help and usage is at most 80 columns wide, but for examples of commands.
func TestHelp(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, s := range scripts {
		data, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		var out bytes.Buffer
		cmd.SetOut(&out)
		if err := cmd.Usage(); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(out.String() + cmd.Long) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
				t.Errorf("%s: %d columns: %s", cmd.CommandPath(), n, line)
			}
		}
		if cmd.Runnable() && !regexp.MustCompile(`(?m)^(! )?`+regexp.QuoteMeta(cmd.CommandPath())+`\b`).MatchString(all.String()) {
			t.Errorf("%s: no script runs it", cmd.CommandPath())
		}
	}
	app := &app{ui: newUI(strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))}
	walk(app.root())
}

// A command line that is wrong ends with 3, whatever is wrong with it, and standard error says where help is.
func TestMisused(t *testing.T) {
	for _, line := range []string{
		"nosuch", "policy nosuch", "verify --nosuch x", "copy x", "sign x", "attest x", "replace x", "policy import x", "policy diff x",
		"tree -o sarif x", "policy lint -o html x", "check -o nosuch x",
		"tree ./nosuch", "check x --policy nosuch.yaml", "verify layout:nosuch --key x", "tree https://registry.example.com/app",
		"sign registry.example.com/app --key nosuch.key", "sign registry.example.com/app --key testdata", "convert nosuch --to spdx-2.3",
		"attest registry.example.com/app --key x --predicate nosuch.json", "diff nosuch nosuch", "who x nosuch", "policy test nosuch",
		"policy lint nosuch", "convert main.go --to spdx-2.3", "diff main.go main.go", "who x main.go", "sbom main.go",
		"policy lint main.go", "check registry.example.com/app --policy main.go", "sign registry.example.com/app --key main.go",
		"policy import main.go --from kyverno",
		"attest registry.example.com/app --key x --predicate main.go --type https://example.com/x", "scan main.go --index main.go",
		"sign registry.example.com/app --certificate-chain main.go --key main.go", "policy test main.go",
		"policy import nosuch --from kyverno", "help nosuch", "help policy nosuch",
	} {
		var out, err bytes.Buffer
		got := run(t.Context(), strings.Fields(line), strings.NewReader(""), &out, &err)
		if got != exitMisused || out.Len() > 0 || !strings.Contains(err.String(), "Try lading --help.") {
			t.Errorf("lading %s: status %d, %q, %q", line, got, out.String(), err.String())
		}
	}
}

// What a page calls a command is one, with its flags.
func TestCommandsOfPages(t *testing.T) {
	commands := 0
	for _, page := range []string{"docs/coming-from.md", "docs/tasks.md", "docs/policy.md", "README.md", "examples/lading/README.md"} {
		data, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?:`|^)(?:\\./)?lading ([a-z][^`\n]*)`").FindAllStringSubmatch(string(data), -1) {
			commands++
			app := &app{ui: newUI(strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))}
			cmd, rest, err := app.root().Find(strings.Fields(m[1]))
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err != nil && !errors.Is(err, pflag.ErrHelp) || cmd.Parent() == nil {
				t.Errorf("%s: lading %s: %v", page, m[1], err)
			}
		}
	}
	if commands < 20 {
		t.Errorf("%d commands", commands)
	}
}
