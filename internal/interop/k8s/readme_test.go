package k8s

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"sigs.k8s.io/yaml"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
)

// A walk is a user who follows the README on a cluster, with kubectl. There is no kubelet: the test starts the gate as the Deployment says.
type walk struct {
	k        *kubernetes
	dir      string // a copy of examples/k8s-gate
	env      []string
	host     string // of the registry
	down     atomic.Int32
	requests atomic.Int64
	digests  map[string]string // by tag
	replicas []*replica
	hold     atomic.Bool // the gate's Service takes connections, and nobody answers
	logs     *log
}

// The states of the registry.
const (
	up int32 = iota
	refusing
	hanging
)

type replica struct {
	address string
	stop    func()
}

// log is what all replicas print.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWalk(t *testing.T) *walk {
	w := &walk{k: startKubernetes(t, ""), dir: filepath.Join(t.TempDir(), "k8s-gate"), logs: new(log)}
	if l, err := net.Listen("tcp", "127.77.0.250:443"); err != nil {
		t.Skipf("the Service of the gate cannot be stood in for: %v", err)
	} else {
		l.Close()
	}
	if err := os.CopyFS(w.dir, os.DirFS(manifests)); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(w.dir, "bin")
	run := func(dir string, env []string, name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	// As the README says.
	run(filepath.Join(manifests, ".."), []string{"CGO_ENABLED=0", "GOWORK=off"}, "go", "build", "-trimpath", "-o", bin, "./k8s-gate")
	kubectl, err := exec.LookPath(filepath.Join(binaries(t), "kubectl"))
	if err != nil {
		if kubectl, err = exec.LookPath("kubectl"); err != nil {
			t.Skip("there is no kubectl")
		}
	}
	if err := os.Symlink(kubectl, filepath.Join(bin, "kubectl")); err != nil {
		t.Fatal(err)
	}
	w.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+t.TempDir(), "KUBECONFIG="+w.config(t, "admin"),
		"DOCKER_CONFIG=")
	w.images(t)
	return w
}

// config is a kubeconfig of a user.
func (w *walk) config(t *testing.T, user string) string {
	t.Helper()
	path := filepath.Join(w.dir, user+".conf")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c",
"clusters":[{"name":"c","cluster":{"server":%q,"insecure-skip-tls-verify":true}}],
"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{"token":%q}}]}`, w.k.client.URL, user)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// images fills a registry, and puts the key and the names into the files as the README asks for.
func (w *walk) images(t *testing.T) {
	t.Helper()
	server := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.requests.Add(1)
			switch w.down.Load() {
			case refusing:
				rw.WriteHeader(http.StatusServiceUnavailable)
			case hanging:
				<-r.Context().Done()
			default:
				next.ServeHTTP(rw, r)
			}
		})
	}}})
	t.Cleanup(server.Close)
	w.host, w.digests = server.Host(), map[string]string{}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	for name, signed := range map[string]bool{"web:1.4.2": true, "web:1.4.3": true, "later:1": true, "slow:1": true, "unsigned:1": false} {
		repo, err := registry.Open(w.host+"/shop/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		text := `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{},"layers":[],"annotations":{"n":"` +
			name + `"}}`
		image := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(text), Size: int64(len(text))}
		_, tag, _ := strings.Cut(name, ":")
		if err := repo.Push(t.Context(), image, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if err := repo.Tag(t.Context(), image, tag); err != nil {
			t.Fatal(err)
		}
		w.digests[name] = string(image.Digest)
		if !signed {
			continue
		}
		e, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
		if err == nil {
			_, err = repo.Attach(t.Context(), image, e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))), "\n")
	public := regexp.MustCompile(`( *)-----BEGIN PUBLIC KEY-----(?s:.*?)-----END PUBLIC KEY-----`)
	files, err := filepath.Glob(filepath.Join(w.dir, "base", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(text, []byte(`registry\\.example\\.com`), []byte(strings.ReplaceAll(w.host, ".", `\\.`)))
		text = bytes.ReplaceAll(text, []byte("registry.example.com"), []byte(w.host))
		text = bytes.ReplaceAll(text, []byte("sha256:"+strings.Repeat("0", 64)), []byte(gateDigest))
		if m := public.FindSubmatch(text); m != nil {
			text = public.ReplaceAll(text, []byte(string(m[1])+strings.Join(lines, "\n"+string(m[1]))))
		}
		if err := os.WriteFile(f, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var config struct{ Data map[string]string }
	text, err := os.ReadFile(filepath.Join(w.dir, "base/policy.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &config)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, "policy.yaml"), []byte(config.Data["policy.yaml"]), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const gateDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// sh runs one command line and returns what it printed.
func (w *walk) sh(ctx context.Context, line string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env, cmd.WaitDelay = w.dir, w.env, time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// background runs one until the test ends.
func (w *walk) background(t *testing.T, out io.Writer, env []string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", `exec "$@"`, "sh"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = w.dir, append(w.env[:len(w.env):len(w.env)], env...), out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// lend is kubectl proxy with the rights of a user, and returns its address.
func (w *walk) lend(t *testing.T, user string) string {
	t.Helper()
	port := freePort(t)
	w.background(t, io.Discard, nil, "kubectl", "--kubeconfig", w.config(t, user), "proxy", fmt.Sprintf("--port=%d", port))
	at := fmt.Sprintf("http://127.0.0.1:%d", port)
	for range 100 {
		if res, err := http.Get(at + "/readyz"); err == nil {
			res.Body.Close()
			return at
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("kubectl proxy does not answer")
	return ""
}

// deploy does what controllers and a kubelet do with the Deployment: it starts as many gates as that says, with its arguments, ends those
// of before, and says so in its status.
func (w *walk) deploy(t *testing.T, api string) {
	t.Helper()
	const path = "/apis/apps/v1/namespaces/lading/deployments/lading-gate"
	status, o, message := w.k.do(http.MethodGet, path, "", "")
	if status != 200 {
		t.Fatalf("%d %s", status, message)
	}
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Metadata struct{ Generation int }
		Spec     struct {
			Replicas int
			Template struct {
				Spec struct{ Containers []struct{ Args []string } }
			}
		}
	}
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	old := w.replicas
	w.replicas = nil
	for range d.Spec.Replicas {
		r := &replica{address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
		args := append([]string{"k8s-gate"}, d.Spec.Template.Spec.Containers[0].Args...)
		for i, a := range args {
			args[i] = strings.Replace(a, "/policy/policy.yaml", filepath.Join(w.dir, "policy.yaml"), 1)
		}
		r.stop = w.background(t, w.logs, []string{"K8S_GATE_API=" + api}, append(args, "--listen="+r.address)...)
		w.replicas = append(w.replicas, r)
	}
	for _, r := range w.replicas {
		w.ready(t, r.address)
	}
	for _, r := range old {
		r.stop()
	}
	n := d.Spec.Replicas
	body := fmt.Sprintf(`{"status":{"observedGeneration":%d,"replicas":%d,"updatedReplicas":%d,"readyReplicas":%d,"availableReplicas":%d}}`,
		d.Metadata.Generation, n, n, n, n)
	if status, _, message := w.k.do(http.MethodPatch, path+"/status", "application/merge-patch+json", body); status != 200 {
		t.Fatalf("%d %s", status, message)
	}
}

// service stands at the address that the API server gave the gate's Service, and passes connections on to a replica.
func (w *walk) service(t *testing.T) {
	t.Helper()
	_, o, _ := w.k.do(http.MethodGet, "/api/v1/namespaces/lading/services/lading-gate", "", "")
	at := o["spec"].(map[string]any)["clusterIP"].(string)
	l, err := net.Listen("tcp", at+":443")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.pass(c)
		}
	}()
}

func (w *walk) pass(c net.Conn) {
	defer c.Close()
	if w.hold.Load() {
		time.Sleep(20 * time.Second)
		return
	}
	for _, r := range w.replicas {
		to, err := net.Dial("tcp", r.address)
		if err != nil {
			continue
		}
		go func() {
			_, _ = io.Copy(to, c)
			to.Close()
		}()
		_, _ = io.Copy(c, to)
		return
	}
}

// commands are those of the README, in order, with what is after a # left out.
func commands(t *testing.T) (list []string) {
	t.Helper()
	text := string(read(t, "README.md"))
	code := regexp.MustCompile("(?s)```\n(.*?)```|`([^`\n]+)`")
	command := regexp.MustCompile(`^(kubectl .* .*|k8s-gate .* .*|export .*|static/install\.sh .*|go test .*|CGO_ENABLED=0 go .*)$`)
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(m[1] + m[2]) {
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); command.MatchString(line) && line != "kubectl apply -f" {
				list = append(list, line)
			}
		}
	}
	return list
}

// A step is what is expected of a command, and what the user does after it.
type step struct {
	command string
	fails   bool
	prints  string
	then    func()
}

// TestReadme does what the README says, command by command, on a real API server with kubectl, from nothing to enforcement.
func TestReadme(t *testing.T) {
	w := newWalk(t)
	api := ""
	steps := []step{
		{"k8s-gate check --policy policy.yaml registry.example.com/shop/web:1.4.2", false, "/shop/web:1.4.2: ALLOW: signed: ", nil},
		{"CGO_ENABLED=0 go build -trimpath ./k8s-gate", false, "", nil}, // newWalk did
		{"go test ./k8s-gate -update", false, "", nil},                  // for the plain files alone
		{"kubectl apply -k audit", false, "deployment.apps/lading-gate created", func() {
			api = w.lend(t, "gate")
			w.deploy(t, api)
			w.service(t)
			w.until(t, "kubectl run --dry-run=server u --image="+w.name("unsigned:1"), "created")
		}},
		{"kubectl -n lading rollout status deployment lading-gate", false, "successfully rolled out", nil},
		{"kubectl -n lading logs -l app=lading-gate", false, "", func() {
			w.says(t, "kubectl run old --image="+w.name("unsigned:1"), false, "pod/old created")
			if text := w.logs.String(); !strings.Contains(text, `"mode":"audit"`) || !strings.Contains(text, "no image signature") {
				t.Errorf("the log of the gates has no decision: %s", text)
			}
		}},
		{"kubectl proxy --port=8001 &", false, "", func() { api = w.lend(t, "admin") }},
		{"export K8S_GATE_API=http://127.0.0.1:8001", false, "", func() { w.env = append(w.env, "K8S_GATE_API="+api) }},
		{"k8s-gate sweep --policy policy.yaml", true, `default/old container "old"`, nil},
		{"kubectl apply -k warn", false, "deployment.apps/lading-gate configured", func() {
			w.deploy(t, w.lend(t, "gate"))
			w.until(t, "kubectl run --dry-run=server u --image="+w.name("unsigned:1"), "Warning: lading: would be refused: ")
			w.says(t, "kubectl run warned -o jsonpath={.spec.containers[0].image} --image="+w.host+"/shop/web:1.4.2", false,
				w.host+"/shop/web:1.4.2@"+w.digests["web:1.4.2"])
		}},
		{"kubectl apply -k enforce", false, "deployment.apps/lading-gate configured", func() {
			w.deploy(t, w.lend(t, "gate"))
			w.until(t, "kubectl run --dry-run=server u --image="+w.name("unsigned:1"), "denied the request")
		}},
		{"k8s-gate doctor --canary registry.example.com/shop/unsigned@sha256:...", false, "GUARDED     update of an image",
			func() { w.static(t) }},
		{"static/install.sh static /etc/kubernetes/lading", false, "", nil},
		{"k8s-gate doctor --static /etc/kubernetes/lading", true, "", nil}, // no canary
	}
	list := commands(t)
	for i, s := range steps {
		if i >= len(list) || list[i] != s.command {
			t.Fatalf("the README has %q, and %q is expected in place %d", list, s.command, i)
		}
		if regexp.MustCompile(`^(kubectl proxy|export|go |CGO)`).MatchString(s.command) {
			if s.then != nil {
				s.then()
			}
			continue
		}
		line := strings.ReplaceAll(s.command, "sha256:...", w.digests["unsigned:1"])
		line = strings.ReplaceAll(strings.ReplaceAll(line, "registry.example.com", w.host), "/etc/kubernetes/lading", w.k.static)
		w.says(t, line, s.fails, s.prints)
		if s.then != nil {
			s.then()
		}
	}
	if len(list) != len(steps) {
		t.Errorf("the README has more: %q", list[len(steps):])
	}
	w.refusals(t)
	w.waits(t)
	w.gone(t)
}

func (w *walk) name(image string) string {
	repository, _, _ := strings.Cut(image, ":")
	return w.host + "/shop/" + repository + "@" + w.digests[image]
}

// says runs a command and looks at its end and at what it prints.
func (w *walk) says(t *testing.T, line string, fails bool, prints ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	out, err := w.sh(ctx, line)
	t.Logf("$ %s\n%s", line, out)
	if (err != nil) != fails {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
	for _, p := range prints {
		if !strings.Contains(out, p) {
			t.Errorf("%s prints no %q:\n%s", line, p, out)
		}
	}
}

// until runs a command until what was applied is in force, which takes an API server some seconds.
func (w *walk) until(t *testing.T, line, prints string) {
	t.Helper()
	out := ""
	for range 120 {
		if out, _ = w.sh(t.Context(), line); strings.Contains(out, prints) {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Fatalf("%s does not print %q: %s\n%s", line, prints, out, w.logs)
}

// static starts a gate beside the API server, with a certificate in files, and puts both into the static manifests, as the README says.
func (w *walk) static(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	at := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	manifest := filepath.Join(w.dir, "static/webhooks/lading.yaml")
	text := strings.Replace(string(read(t, "static/webhooks/lading.yaml")), "127.0.0.1:8443", at, 1)
	for path, data := range map[string][]byte{
		filepath.Join(w.dir, "tls.crt"): certificate,
		filepath.Join(w.dir, "tls.key"): pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		manifest: []byte(
			strings.Replace(text, `caBundle: ""`, "caBundle: "+base64.StdEncoding.EncodeToString(certificate), 1)),
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.background(t, w.logs, nil, "k8s-gate", "serve", "--policy=policy.yaml", "--cert=tls.crt", "--key=tls.key", "--listen="+at)
	w.ready(t, at)
}

// ready waits for a gate.
func (w *walk) ready(t *testing.T, at string) {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second, Transport: insecure()}
	for range 300 {
		if res, err := client.Get("https://" + at + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == 200 {
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("a gate is not ready: %s", w.logs)
}

// refusals are in kubectl's words, for each of the ways that it has.
func (w *walk) refusals(t *testing.T) {
	unsigned := w.name("unsigned:1")
	// The README's own example, with its names.
	words := strings.ReplaceAll(string(read(t, "README.md")), "registry.example.com/shop/web@sha256:...", unsigned)
	example := regexp.MustCompile("```\n(Error from server [^`]*)```").FindStringSubmatch(words)
	if example == nil {
		t.Fatal("the README shows no refusal")
	}
	example[1] = strings.Join(strings.Fields(strings.ReplaceAll(example[1], "sha256:...", w.digests["unsigned:1"])), " ")
	w.says(t, "kubectl run web --image="+unsigned, true, example[1])
	const denied = `admission webhook "validate.lading.dev" denied the request: lading: `
	for _, line := range []string{
		"kubectl run web --dry-run=server --image=" + w.host + "/shop/unsigned:1",
		"kubectl set image pod/warned warned=" + unsigned,
		"kubectl debug warned --attach=false --image=" + unsigned,
		"kubectl create deployment web --image=" + unsigned,
		"kubectl create cronjob web --schedule='0 0 * * *' --image=" + unsigned,
		"kubectl create job web --image=" + unsigned,
		`kubectl apply --server-side -f - <<< '` + podOf("applied", container(unsigned)) + `'`,
		`kubectl apply -f - <<< '` +
			podOf("vol", fmt.Sprintf(`{"containers":[{"name":"c","image":%q}],"volumes":[{"name":"v","image":{"reference":%q}}]}`,
				w.name("web:1.4.2"), unsigned)) + `'`,
	} {
		if here, doc, ok := strings.Cut(line, " <<< "); ok { // which sh does not know
			line = "echo " + doc + " | " + here
		}
		w.says(t, line, true, denied, "no image signature")
	}
	w.says(t, "kubectl set image pod/warned warned="+w.host+"/shop/web:1.4.3", false, "image updated")
	w.says(t, "kubectl create deployment web --replicas=3 --image="+w.host+"/shop/web:1.4.2", false, "created")
	w.says(t, "kubectl scale deployment web --replicas=1", false, "scaled")
}

// waits: while the registry does not answer, kubectl waits and asks again by itself, and is told what it waits for.
func (w *walk) waits(t *testing.T) {
	w.down.Store(refusing)
	before := w.requests.Load()
	done := make(chan string, 1)
	go func() {
		out, err := w.sh(t.Context(), "kubectl -v6 run later --image="+w.host+"/shop/later:1")
		done <- fmt.Sprintf("%s%v", out, err)
	}()
	for range 300 {
		if w.requests.Load() > before {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	select {
	case out := <-done:
		t.Errorf("kubectl did not wait: %s", out)
		return
	case <-time.After(2 * time.Second):
	}
	w.down.Store(up)
	select {
	case out := <-done:
		if !strings.Contains(out, "pod/later created") || !strings.Contains(out, "429") {
			t.Errorf("kubectl, when the registry is back: %s", out)
		}
		t.Logf("kubectl waited: %s", out)
	case <-time.After(60 * time.Second):
		t.Error("kubectl waits for ever")
	}

	// A registry that hangs: the gate answers before the API server gives up on it.
	w.down.Store(hanging)
	defer w.down.Store(up)
	began := time.Now()
	status, _, message := w.k.do(http.MethodPost, "/api/v1/namespaces/default/pods", "application/json",
		podOf("slow", container(w.name("slow:1"))))
	if status != http.StatusTooManyRequests || !strings.Contains(message, "ask again") ||
		strings.Contains(message, "failed calling webhook") {
		t.Errorf("a registry that hangs: %d %s", status, message)
	}
	t.Logf("a registry that hangs, after %v: %d %s", time.Since(began).Round(time.Second), status, message)
}

// gone: a gate that hangs, and then both replicas are gone and come back. Nothing gets in, and the gate does.
func (w *walk) gone(t *testing.T) {
	for _, r := range w.replicas { // no connection of before is left
		r.stop()
	}
	web := "kubectl run again --image=" + w.name("web:1.4.3")
	w.hold.Store(true)
	w.says(t, web, true, "failed calling webhook") // in the words of whichever of two timeouts of ten seconds comes first
	w.hold.Store(false)
	w.says(t, web, true, "failed calling webhook")
	w.says(t, "kubectl -n lading run lading-gate-1 --dry-run=server --image="+w.host+"/lading/k8s-gate@"+gateDigest+
		` --overrides='{"spec":`+strings.ReplaceAll(restricted(w.host+"/lading/k8s-gate@"+gateDigest), `"name":"c"`,
		`"name":"lading-gate-1"`)+`}'`, false, "created")
	w.says(t, "kubectl -n lading run other --dry-run=server --image="+w.name("web:1.4.3")+
		` --overrides='{"spec":`+strings.ReplaceAll(restricted(w.name("web:1.4.3")), `"name":"c"`, `"name":"other"`)+`}'`, true,
		"nothing but the gate runs in its own namespace")
	w.deploy(t, w.lend(t, "gate"))
	w.says(t, web, false, "created")
	w.says(t, "kubectl run bad --image="+w.name("unsigned:1"), true, "no image signature")
}
