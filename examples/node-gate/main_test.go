package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
)

// A node has the built program, a policy, and a registry with a signed and an unsigned image.
type node struct {
	program, config, state string
	signed, unsigned       string // REPOSITORY@DIGEST
}

func build(t testing.TB, dir, pkg, name string) string {
	t.Helper()
	program := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-trimpath", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// The test is the program too, so that most tests need not build one.
func TestMain(m *testing.M) {
	if os.Getenv("LADING_NODE_GATE") != "" {
		main()
	}
	os.Exit(m.Run())
}

func newNode(t testing.TB) *node {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("containerd runs verifiers of this form on Unix systems")
	}
	dir := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n := &node{program: program, config: filepath.Join(dir, "etc"), state: filepath.Join(dir, "var")}
	for _, d := range []string{n.config, n.state} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := registrytest.Start(nil)
	t.Cleanup(s.Close)
	repo, err := registry.Open(s.Host()+"/shop/web", &registry.Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	push := func(note string) registry.Descriptor {
		data := []byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{},"layers":[],` +
			`"annotations":{"n":"` + note + `"}}`)
		d := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if err := repo.Push(context.Background(), d, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	image := push("signed")
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(context.Background(), image, evidence); err != nil {
		t.Fatal(err)
	}
	n.signed, n.unsigned = s.Host()+"/shop/web@"+string(image.Digest), s.Host()+"/shop/web@"+string(push("unsigned").Digest)
	public, err := sign.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile("policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(policy), "registry.example.com", s.Host(), 1)
	before, rest, _ := strings.Cut(text, "      -----BEGIN")
	_, after, found := strings.Cut(rest, "-----END PUBLIC KEY-----\n")
	if !found {
		t.Fatal("policy.yaml has no key")
	}
	pem := "      " + strings.ReplaceAll(strings.TrimSpace(string(public)), "\n", "\n      ") + "\n"
	if err := os.WriteFile(filepath.Join(n.config, "policy.yaml"), []byte(before+pem+after), 0o644); err != nil {
		t.Fatal(err)
	}
	return n
}

// call runs the program as containerd does.
func (n *node) call(t testing.TB, name string) (status int, out string) {
	t.Helper()
	_, sum, _ := strings.Cut(name, "@")
	return n.run(t, `{"mediaType":"`+ocispec.MediaTypeImageManifest+`","digest":"`+sum+`","size":2}`+"\n",
		"-name", name, "-digest", sum, "-stdin-media-type", ocispec.MediaTypeDescriptor)
}

func (n *node) run(t testing.TB, stdin string, args ...string) (status int, out string) {
	t.Helper()
	cmd := exec.Command(n.program, args...)
	cmd.Env = []string{"LADING_CONFIG=" + n.config, "LADING_STATE=" + n.state, "LADING_PLAIN_HTTP=1", "LADING_NODE_GATE=1"}
	cmd.Stdin = strings.NewReader(stdin)
	data, err := cmd.CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode(), string(data)
	} else if err != nil {
		t.Fatal(err)
	}
	return 0, string(data)
}

// The built program answers as containerd asks it.
func TestProgram(t *testing.T) {
	n := newNode(t)
	if os.Getenv("LADING_HEAVY") != "" {
		n.program = build(t, t.TempDir(), ".", "lading")
		if info, err := os.Stat(n.program); err != nil || info.Size() > 15<<20 {
			t.Errorf("the program has %d bytes, at most 15 MiB are promised: %v", info.Size(), err)
		} else {
			t.Logf("%.1f MiB", float64(info.Size())/(1<<20))
		}
	}
	for range 2 { // the second time by what is on the disk
		if status, out := n.call(t, n.signed); status != 0 || !strings.HasPrefix(out, "lading allowed: ") || strings.Count(out, "\n") != 1 {
			t.Errorf("%d, %s", status, out)
		}
	}
	if status, out := n.call(t, n.unsigned); status != 1 || !strings.HasPrefix(out, "lading refused: ") {
		t.Errorf("%d, %s", status, out)
	}
	if status, out := n.call(t, "other.example/a@"+strings.Split(n.signed, "@")[1]); status == 0 {
		t.Errorf("%d, %s", status, out)
	}
	if status, out := n.run(t, "", "check"); status != 3 {
		t.Errorf("no image: %d %s", status, out)
	}
	if status, out := n.run(t, "", "check", n.signed, n.unsigned); status != 1 || strings.Count(out, "lading ") != 2 {
		t.Errorf("%d, %s", status, out)
	}
	log, err := os.ReadFile(filepath.Join(n.state, "decisions.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		var record struct{ Image, Verdict string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Verdict == "" {
			t.Errorf("%v: %s", err, line)
		}
	}
	if n := strings.Count(string(log), "\n"); n != 6 {
		t.Errorf("%d decisions in the log", n)
	}
}

// A node that cannot judge, allows nothing.
func TestBroken(t *testing.T) {
	n := newNode(t)
	file := filepath.Join(n.config, "policy.yaml")
	for name, text := range map[string]string{"empty": "", "misspelt": "version: 1\nimage: []\n", "no yaml": "\x00"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if status, out := n.call(t, n.signed); status != 2 || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %d, %s", name, status, out)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if status, out := n.call(t, n.signed); status != 2 || !strings.Contains(out, "policy.yaml") {
		t.Errorf("%d, %s", status, out)
	}
}

func TestDoctor(t *testing.T) {
	dump := filepath.Join("..", "..", "policy", "nodegate", "testdata", "config")
	root := t.TempDir()
	dir := filepath.Join(root, "opt/containerd/image-verifier/bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lading"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		status int
		word   string
	}{
		"no-file":                  {2, "The door is NOT PROVEN"},
		"node-template-discard-v3": {1, "The door is OPEN"},
		"short-timeout":            {1, "The door is BLOCKED"},
	} {
		var out bytes.Buffer
		status := run(t.Context(), []string{"doctor", "-dump", filepath.Join(dump, name+".dump.toml"), "-root", root}, nil,
			&out, io.Discard)
		if status != want.status || !strings.Contains(out.String(), want.word) {
			t.Errorf("%s: %d\n%s", name, status, out.String())
		}
	}
	var out, errs bytes.Buffer
	for _, args := range [][]string{{"doctor", "extra", "-dump", "x"}, {"doctor", "-nope"}} {
		if status := run(t.Context(), args, nil, io.Discard, io.Discard); status != 3 {
			t.Errorf("%q: %d", args, status)
		}
	}
	if status := run(t.Context(), []string{"doctor", "-dump", "nowhere"}, nil, &out, &errs); status != 3 ||
		!strings.Contains(errs.String(), "-dump FILE") {
		t.Errorf("%d\n%s", status, errs.String())
	}
}

// BenchmarkStart is from the start of the process to its answer, with evidence on disk, beside a program that does nothing, and one that
// does nothing and links what the gate talks HTTP and reads its files with: that is the floor. They take turns, and the times are those
// that the processor was theirs, which other programs change less.
func BenchmarkStart(b *testing.B) {
	n := newNode(b)
	dir := b.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name+".go")
		if err := os.WriteFile(path, []byte("package main\n\n"+text+"\nfunc main() {}\n"), 0o644); err != nil {
			b.Fatal(err)
		}
		return build(b, dir, path, name)
	}
	empty := write("empty", "")
	linked := write("linked", `import (
	_ "net/http"

	_ "github.com/pelletier/go-toml/v2"
	_ "go.yaml.in/yaml/v3"
	_ "oras.land/oras-go/v2/registry/remote/credentials"
)
`)
	n.program = build(b, dir, ".", "lading")
	if status, out := n.call(b, n.signed); status != 0 {
		b.Fatal(out)
	}
	_, sum, _ := strings.Cut(n.signed, "@")
	took := map[string][]float64{}
	run := func(what, program string, args ...string) {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "LADING_CONFIG="+n.config, "LADING_STATE="+n.state)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		took[what] = append(took[what], float64((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Microseconds())/1000)
	}
	for b.Loop() {
		run("empty", empty)
		run("linked", linked)
		run("gate", n.program, "-name", n.signed, "-digest", sum)
	}
	for what, times := range took {
		slices.Sort(times)
		b.ReportMetric(times[len(times)/4], "cpu-ms/"+what)
	}
}
