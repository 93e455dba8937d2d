package containerd

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy/nodegate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
)

const (
	example = "../../../examples/node-gate"
	socket  = "/run/containerd/containerd.sock"
	bin     = "/opt/containerd/image-verifier/bin"
)

// places are folders that a node has, and that are empty in the test's own view of the machine.
var places = []string{"/etc/containerd", "/etc/lading", "/opt/containerd", "/run/containerd", "/var/lib/containerd", "/var/lib/lading"}

// TestMain starts the tests once more, in a mount namespace of their own.
func TestMain(m *testing.M) {
	if os.Getenv("LADING_CONTAINERD") == "" || runtime.GOOS != "linux" || os.Geteuid() != 0 || os.Getenv("LADING_NAMESPACE") != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "--", os.Args[0]}, os.Args[1:]...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "LADING_NAMESPACE=1"), os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		if status, ok := errors.AsType[*exec.ExitError](err); ok {
			os.Exit(status.ExitCode())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A node has containerd, not yet started, the gate built as the README says, and registries.
type node struct {
	t       *testing.T
	env     []string
	built   string // the program
	stop    func()
	log     string
	key     sign.Key
	origin  string // HOST:PORT of the registry that pods name, which the gate reads
	mirror  string // and of the one that containerd is sent to for names of mirrored
	down    atomic.Bool
	digests map[string]string // of images, by REPOSITORY:TAG
}

func newNode(t *testing.T) *node {
	programs := os.Getenv("LADING_CONTAINERD")
	if programs == "" {
		t.Skip("LADING_CONTAINERD names no folder with containerd and ctr; build.sh makes one")
	}
	if os.Getenv("LADING_NAMESPACE") == "" {
		t.Skip("this needs root on Linux")
	}
	for _, p := range places {
		made := false
		if _, err := os.Stat(p); errors.Is(err, os.ErrNotExist) {
			if err := os.MkdirAll(p, 0o755); err != nil {
				t.Fatal(err)
			}
			made = true
		}
		if err := syscall.Mount("none", p, "tmpfs", 0, "mode=755"); err != nil {
			t.Skipf("no mounts here: %v", err)
		}
		t.Cleanup(func() {
			_ = syscall.Unmount(p, syscall.MNT_DETACH)
			if made {
				_ = os.Remove(p) // on the machine itself
			}
		})
	}
	n := &node{t: t, digests: map[string]string{}}
	path := t.TempDir()
	for name, text := range map[string]string{"sudo": "#!/bin/sh\nexec \"$@\"\n"} { // for there may be none
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	n.env = append(os.Environ(), "PATH="+path+":"+programs+":"+os.Getenv("PATH"), "GOWORK=off")
	n.images()
	return n
}

// run runs a line in a shell, in the folder of the example's copy.
func (n *node) run(dir, line string) (string, error) {
	ctx, cancel := context.WithTimeout(n.t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env = dir, n.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// start starts containerd with a configuration file, or with none, as a service would.
func (n *node) start(config string) {
	t := n.t
	t.Helper()
	file := "/etc/containerd/config.toml"
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	if config == "" {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	n.log = filepath.Join(t.TempDir(), "log")
	log, err := os.Create(n.log)
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath(filepath.Join(os.Getenv("LADING_CONTAINERD"), "containerd"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env, cmd.Stdout, cmd.Stderr = n.env, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
		_ = log.Close()
		n.stop = func() {}
	}
	t.Cleanup(func() { n.stop() })
	for range 300 {
		if out, err := n.run("/", "ctr version"); err == nil && strings.Contains(out, "2.4.2") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	text, _ := os.ReadFile(n.log)
	t.Fatalf("containerd does not answer:\n%s", text[max(0, len(text)-4000):])
}

// image makes an image that containerd can unpack, and pushes it under a name.
func (n *node) image(host, repository, tag, note string, index bool) registry.Descriptor {
	t := n.t
	t.Helper()
	repo, err := registry.Open(host+"/"+repository, nil)
	if err != nil {
		t.Fatal(err)
	}
	push := func(mediaType string, data []byte) registry.Descriptor {
		d := registry.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if err := repo.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	var plain, packed bytes.Buffer
	w := tar.NewWriter(&plain)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "note", Mode: 0o644, Size: int64(len(note))}), write(w, note),
		w.Close()); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&packed)
	if err := errors.Join(write(z, plain.String()), z.Close()); err != nil {
		t.Fatal(err)
	}
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH},
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(plain.Bytes())}}}
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: push(ocispec.MediaTypeImageConfig, marshal(t, config)),
		Layers: []ocispec.Descriptor{push(ocispec.MediaTypeImageLayerGzip, packed.Bytes())}}
	d := push(ocispec.MediaTypeImageManifest, marshal(t, manifest))
	if index {
		d.Platform = &ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}
		d = push(ocispec.MediaTypeImageIndex, marshal(t, ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{d}}))
	}
	if err := repo.Tag(t.Context(), d, tag); err != nil {
		t.Fatal(err)
	}
	n.digests[repository+":"+tag] = string(d.Digest)
	return d
}

func write(w interface{ Write([]byte) (int, error) }, text string) error {
	_, err := w.Write([]byte(text))
	return err
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// images fills the registries. Both are on loopback; containerd is told of the mirror by hosts.toml.
func (n *node) images() {
	t := n.t
	t.Helper()
	origin := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.down.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	mirror := registrytest.Start(nil)
	t.Cleanup(origin.Close)
	t.Cleanup(mirror.Close)
	n.origin, n.mirror = origin.Host(), mirror.Host()
	var err error
	if n.key, err = sign.GenerateKey(sign.P256); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web:1.4.2", "multi:1", "mirrored:1", "moved:1", "other:1"} {
		repository, tag, _ := strings.Cut("shop/"+name, ":")
		d := n.image(n.origin, repository, tag, name, name == "multi:1")
		repo, err := registry.Open(n.origin+"/"+repository, nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := (&sign.BundleSigner{Key: n.key}).Sign(t.Context(), sign.About(d, sign.ImageSignature{}))
		if err == nil {
			_, err = repo.Attach(t.Context(), d, e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	n.image(n.origin, "shop/web", "unsigned", "unsigned", false)
	n.image(n.origin, "canary", "unsigned", "canary", true)
	n.image(n.mirror, "shop/mirrored", "1", "mirrored:1", false)   // the same bytes as the origin has
	n.image(n.mirror, "shop/moved", "1", "somebody else's", false) // not those that the origin's tag names
	n.digests["mirror moved"] = n.digests["shop/moved:1"]
}

// hosts sends containerd to the registries. With the mirror, it is the only place that is asked for names of the origin.
func (n *node) hosts(mirrored bool) {
	t := n.t
	t.Helper()
	at := n.origin
	if mirrored {
		at = n.mirror
	}
	dir := filepath.Join("/etc/containerd/certs.d", n.origin)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("server = \"http://%s\"\n\n[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", at, at)
	if err := os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// plain is a configuration that leaves all pulls to verifiers. It says where the registries are, and no more.
const plain = "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = '/etc/containerd/certs.d'\n"

// commands are those of the README: its blocks that are no YAML and no output, with continued lines joined.
func commands(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(example, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(text), "\\\n        ", "")
	for _, m := range regexp.MustCompile(`(?m)^    ((?:sudo|\./lading|CGO_ENABLED=0) .*)$`).FindAllStringSubmatch(joined, -1) {
		list = append(list, m[1])
	}
	return list
}

// policy writes the policy as the README asks for, with a mode.
func (n *node) policy(mode string) {
	t := n.t
	t.Helper()
	text, err := os.ReadFile("/etc/lading/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	public, err := sign.MarshalPublicKey(n.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`(?s) *-----BEGIN.*END PUBLIC KEY-----`)
	text = key.ReplaceAll(text, []byte("      "+strings.ReplaceAll(strings.TrimSpace(string(public)), "\n", "\n      ")))
	text = bytes.ReplaceAll(text, []byte("registry.example.com"), []byte(n.origin))
	text = regexp.MustCompile(`mode: \w+`).ReplaceAll(text, []byte("mode: "+mode))
	if err := os.WriteFile("/etc/lading/policy.yaml", text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReadme does what the README says, command by command, on a node with containerd, and then tries all ways to name an image.
func TestReadme(t *testing.T) {
	n := newNode(t)
	dir := filepath.Join(t.TempDir(), "node-gate")
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	n.hosts(false)
	n.start(plain)
	type step struct {
		command string
		status  int
		prints  string
		then    func()
	}
	nothing := func() {}
	steps := []step{
		{"sudo mkdir -p /etc/lading /var/lib/lading", 0, "", nothing},
		{"sudo cp policy.yaml /etc/lading/policy.yaml", 0, "", func() { n.policy("audit") }},
		{`CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o lading .`, 0, "", func() {
			info, err := os.Stat(filepath.Join(dir, "lading"))
			if err != nil || info.Size() > 15<<20 {
				t.Errorf("the program: %v, %v", info, err)
			}
		}},
		{"./lading check registry.example.com/shop/web@sha256:...", 0, "lading allowed: signed", nothing},
		{"sudo mkdir -p /opt/containerd/image-verifier/bin", 0, "", nothing},
		{"sudo install -m 0755 lading /opt/containerd/.lading.new", 0, "", nothing},
		{"sudo mv /opt/containerd/.lading.new /opt/containerd/image-verifier/bin/lading", 0, "", func() {
			n.pulls("audit", n.origin+"/shop/web:unsigned", "")
			log, err := os.ReadFile("/var/lib/lading/decisions.jsonl")
			if err != nil || !bytes.Contains(log, []byte("audit only (DENY): signed: no image signature")) {
				t.Errorf("%v: %s", err, log)
			}
			n.policy("deny")
		}},
		{"sudo ./lading doctor -canary registry.example.com/canary:unsigned", 0, "The door is GUARDED", func() {
			n.names()
		}},
		{"sudo rm /opt/containerd/image-verifier/bin/lading", 0, "", func() { n.pulls("taken back", n.origin+"/shop/web:unsigned", "") }},
	}
	list := commands(t)
	for i, s := range steps {
		if i >= len(list) || list[i] != s.command {
			t.Fatalf("the README has %q, and %q is expected in place %d", list, s.command, i)
		}
		line := strings.NewReplacer("sha256:...", n.digests["shop/web:1.4.2"], "registry.example.com", n.origin).Replace(s.command)
		where := dir
		if strings.Contains(line, "go build") {
			where = example // its module is there
			line = strings.Replace(line, "-o lading", "-o "+filepath.Join(dir, "lading"), 1)
		}
		out, err := n.run(where, line)
		t.Logf("$ %s\n%s", line, out)
		status := 0
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			status = e.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if status != s.status || !strings.Contains(out, s.prints) {
			t.Fatalf("%s: status %d, %s", line, status, out)
		}
		s.then()
	}
	if len(list) != len(steps) {
		t.Errorf("the README has more: %q", list[len(steps):])
	}
}

// pulls pulls through the CRI, as the kubelet does, and by ctr. The refusal has all of the words, and none means that the pull succeeds.
func (n *node) pulls(what, image string, words ...string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
	defer cancel()
	n.answered(what+", CRI", image, nodegate.CRI(socket)(ctx, image), words)
	out, err := n.run("/", "ctr images pull --hosts-dir /etc/containerd/certs.d "+image)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	n.answered(what+", ctr", image, err, words)
}

func (n *node) answered(what, image string, err error, words []string) {
	n.t.Helper()
	n.t.Logf("%s: %s: %v", what, image, err)
	if words[0] == "" {
		if err != nil {
			n.t.Errorf("%s: %s: %v", what, image, err)
		}
		return
	}
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			n.t.Errorf("%s: %s: no %q in %v", what, image, w, err)
		}
	}
}

// names pulls by tag, by digest, by both, an index, and from a mirror.
func (n *node) names() {
	const refused = "rejected image (exit code 1): lading refused: signed: no image signature"
	web, at := n.origin+"/shop/web", "@"+n.digests["shop/web:1.4.2"]
	bad := "@" + n.digests["shop/web:unsigned"]
	n.pulls("by tag", web+":1.4.2", "")
	n.pulls("by digest", web+at, "")
	n.pulls("by both", web+":1.4.2"+at, "")
	n.pulls("an index", n.origin+"/shop/multi:1", "")
	n.pulls("by tag", web+":unsigned", "blocked pull of", refused)
	n.pulls("by digest", web+bad, "blocked pull of", refused)
	n.pulls("a signed one's tag and another digest", web+":1.4.2"+bad, "blocked pull of", refused)
	n.hosts(true)
	n.pulls("from a mirror", n.origin+"/shop/mirrored:1", "")
	n.pulls("from a mirror, by digest", n.origin+"/shop/mirrored@"+n.digests["shop/mirrored:1"], "")
	n.pulls("a mirror's own image under a signed one's tag", n.origin+"/shop/moved:1", "blocked pull of",
		refused, n.digests["mirror moved"])
	n.hosts(false)
	n.hosts(true)
	n.down.Store(true)
	n.image(n.mirror, "shop/other", "1", "other:1", false)
	n.pulls("the registry with the evidence is down", n.origin+"/shop/other:1", "rejected image (exit code 2): lading could not decide: ")
	n.down.Store(false)
	n.pulls("and is back", n.origin+"/shop/other:1", "")
	n.hosts(false)
}
