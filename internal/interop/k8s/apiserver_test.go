package k8s

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"sigs.k8s.io/yaml"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/k8sgate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// binaries is a folder with etcd and kube-apiserver, as build.sh makes it.
func binaries(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("LADING_KUBERNETES")
	if dir == "" {
		t.Skip("LADING_KUBERNETES names no folder with etcd and kube-apiserver; build.sh makes one")
	}
	return dir
}

// services are the addresses of Services: the API server reaches them here without a network of Kubernetes.
const services = "127.77.0.0/24"

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs a program until the test ends, with its output in a file.
func start(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, filepath.Base(name)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		_ = log.Close()
		if t.Failed() {
			data, _ := os.ReadFile(log.Name())
			t.Logf("%s ended with:\n%s", filepath.Base(name), data[max(0, len(data)-3000):])
		}
	})
}

// A kubernetes is a real API server, alone.
type kubernetes struct {
	t      *testing.T
	client *k8sgate.Client
	static string // the directory of static manifests
}

func startKubernetes(t *testing.T, staticPolicies string) *kubernetes {
	t.Helper()
	bin, dir := binaries(t), t.TempDir()
	peer, etcd, port := freePort(t), freePort(t), freePort(t)
	url := func(p int) string { return fmt.Sprintf("http://127.0.0.1:%d", p) }
	start(t, dir, filepath.Join(bin, "etcd"), "--data-dir", "data", "--listen-client-urls", url(etcd), "--advertise-client-urls", url(etcd),
		"--listen-peer-urls", url(peer), "--initial-advertise-peer-urls", url(peer), "--initial-cluster", "default="+url(peer))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	account := write("sa.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	tokens := write("tokens.csv",
		[]byte("admin,admin,u1,system:masters\nanna,anna,u2,developers\noperator,operator,u3,\"system:masters,lading:operators\"\n"+
			"gate,system:serviceaccount:lading:lading-gate,u4,\"system:serviceaccounts,system:serviceaccounts:lading,"+
			"system:authenticated\"\n"))
	k := &kubernetes{t: t, static: filepath.Join(dir, "static")}
	for _, sub := range []string{"webhooks", "policies"} {
		if err := os.MkdirAll(filepath.Join(k.static, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if staticPolicies != "" {
		write("static/policies/lading.yaml", []byte(staticPolicies))
	}
	config := write("admission.yaml",
		bytes.ReplaceAll(read(t, "static/admission.yaml"), []byte("/etc/kubernetes/lading"), []byte(k.static)))
	start(t, dir, filepath.Join(bin, "kube-apiserver"), "--etcd-servers="+url(etcd), "--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port), "--cert-dir=certs", "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range="+services,
		"--service-account-issuer=https://lading.example", "--service-account-key-file="+account,
		"--service-account-signing-key-file="+account,
		"--token-auth-file="+tokens, "--disable-admission-plugins=ServiceAccount", "--authorization-mode=RBAC",
		"--admission-control-config-file="+config)
	k.client = k.as("admin", port)
	for range 240 {
		if status, _, err := k.client.Do(t.Context(), http.MethodGet, "/readyz", "", nil); err == nil && status == 200 {
			return k
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Fatal("the API server is not ready")
	return nil
}

// as returns a client of a user. The server's certificate is its own, of the moment.
func (k *kubernetes) as(user string, port int) *k8sgate.Client {
	return &k8sgate.Client{
		URL: fmt.Sprintf("https://127.0.0.1:%d", port), Token: func() (string, error) { return user, nil },
		HTTP: &http.Client{Transport: insecure()},
	}
}

func insecure() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
}

// do sends a request and returns the status, and the object or the message.
func (k *kubernetes) do(method, path, contentType, body string) (int, map[string]any, string) {
	k.t.Helper()
	status, answer, err := k.client.Do(k.t.Context(), method, path, contentType, []byte(body))
	if err != nil {
		k.t.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(answer, &o); err != nil {
		return status, nil, string(answer)
	}
	message, _ := o["message"].(string)
	return status, o, message
}

var paths = map[string]string{
	"Namespace": "/api/v1/namespaces", "ServiceAccount": "/api/v1/namespaces/%s/serviceaccounts",
	"ConfigMap": "/api/v1/namespaces/%s/configmaps",
	"Service":   "/api/v1/namespaces/%s/services", "Deployment": "/apis/apps/v1/namespaces/%s/deployments",
	"NetworkPolicy":                    "/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies",
	"PodDisruptionBudget":              "/apis/policy/v1/namespaces/%s/poddisruptionbudgets",
	"Role":                             "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/roles",
	"RoleBinding":                      "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings",
	"ClusterRole":                      "/apis/rbac.authorization.k8s.io/v1/clusterroles",
	"ClusterRoleBinding":               "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
	"ValidatingWebhookConfiguration":   registration + "validatingwebhookconfigurations",
	"MutatingWebhookConfiguration":     registration + "mutatingwebhookconfigurations",
	"ValidatingAdmissionPolicy":        registration + "validatingadmissionpolicies",
	"ValidatingAdmissionPolicyBinding": registration + "validatingadmissionpolicybindings",
}

const registration = "/apis/admissionregistration.k8s.io/v1/"

// apply does what kubectl apply --server-side does, strictly, with a file of manifests.
func (k *kubernetes) apply(manifests []byte) {
	k.t.Helper()
	for _, doc := range documents(k.t, manifests) {
		var o struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		if err := yaml.Unmarshal(doc, &o); err != nil {
			k.t.Fatal(err)
		}
		path := paths[o.Kind]
		if strings.Contains(path, "%s") {
			path = fmt.Sprintf(path, o.Metadata.Namespace)
		}
		status, _, message := k.do(http.MethodPatch, path+"/"+o.Metadata.Name+"?fieldManager=test&force=true&fieldValidation=Strict",
			"application/apply-patch+yaml", string(doc))
		if status >= 300 {
			k.t.Errorf("%s %s: %d %s", o.Kind, o.Metadata.Name, status, message)
		}
	}
}

// A door is the gate as examples/k8s-gate runs it, beside the API server instead of in it, with a registry that has images.
type door struct {
	port                    int
	host                    string
	signed, other, unsigned string // REPOSITORY@DIGEST
	slow                    atomic.Bool
	stop                    func()
	gate                    *k8sgate.Gate
	evaluations             atomic.Int64
	certificates            *k8sgate.Certificates
}

func (d *door) Count(name string, _ ...string) {
	if name == gate.MetricEvaluations {
		d.evaluations.Add(1)
	}
}

func (d *door) Time(string, time.Duration, ...string) {}

func (k *kubernetes) startDoor() *door {
	t := k.t
	t.Helper()
	d := new(door)
	server := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if d.slow.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	t.Cleanup(server.Close)
	d.host = server.Host()
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	repo, err := registry.Open(d.host+"/shop/web", nil)
	if err != nil {
		t.Fatal(err)
	}
	for tag, at := range map[string]*string{"signed": &d.signed, "other": &d.other, "unsigned": &d.unsigned} {
		text := `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{},"layers":[],` +
			`"annotations":{"n":"` + tag + `"}}`
		image := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(text), Size: int64(len(text))}
		if err := repo.Push(t.Context(), image, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if err := repo.Tag(t.Context(), image, tag); err != nil {
			t.Fatal(err)
		}
		*at = d.host + "/shop/web@" + string(image.Digest)
		if tag == "unsigned" {
			continue
		}
		e, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Attach(t.Context(), image, e); err != nil {
			t.Fatal(err)
		}
	}
	rules := &gate.Rules{Gate: &policy.Gate{
		Open:      gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public(), Name: "release"}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}
	c, err := gate.New(rules, &gate.Options{Counters: d, Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	d.gate = &k8sgate.Gate{Checker: c, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	d.port = freePort(t)
	account := k.as("gate", 0) // with the rights that the manifests give it, and no others
	account.URL = k.client.URL
	d.certificates = &k8sgate.Certificates{
		API: account, Namespace: "lading", Secret: "lading-gate-tls", Names: []string{"localhost"}, Validating: []string{"lading"},
		Mutating: []string{"lading"},
	}
	return d
}

// up serves, and down ends that, as when both replicas come and go.
func (d *door) up(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", d.port))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- k8sgate.Serve(ctx, l, d.gate, d.certificates.GetCertificate, &k8sgate.ServeOptions{Drain: 10 * time.Millisecond})
	}()
	d.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the end: %v", err)
		}
	}
}

// manifestsAt are the manifests with the gate's address in place of its Service, for there is no network for Services here.
func (d *door) manifestsAt(t *testing.T, path string) []byte {
	t.Helper()
	text := string(read(t, path))
	for _, hook := range []string{k8sgate.PathPin, k8sgate.PathValidate} {
		old := "      service:\n        name: lading-gate\n        namespace: lading\n        path: " + hook + "\n"
		if !strings.Contains(text, old) {
			t.Fatalf("no %s in %s", hook, path)
		}
		text = strings.Replace(text, old, fmt.Sprintf("      url: https://localhost:%d%s\n", d.port, hook), 1)
	}
	return []byte(text)
}

func podOf(name string, spec string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q},"spec":%s}`, name, spec)
}

func container(image string) string {
	return fmt.Sprintf(`{"containers":[{"name":"c","image":%q}]}`, image)
}

// restricted is a container that Pod Security's profile of the gate's namespace lets in.
func restricted(image string) string {
	return fmt.Sprintf(`{"containers":[{"name":"c","image":%q,"securityContext":{"allowPrivilegeEscalation":false,"runAsNonRoot":true,`+
		`"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}}]}`, image)
}

// The whole of it, on a real API server: the manifests are applied, and images get in, or not, through every place.
func TestAPIServer(t *testing.T) {
	k := startKubernetes(t, string(read(t, "static/policies/lading.yaml")))
	d := k.startDoor()
	k.apply(d.manifestsAt(t, "plain/enforce.yaml"))
	if err := d.certificates.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.up(t)
	k.settle(d)
	const pods = "/api/v1/namespaces/default/pods"
	const js, merge, strategic = "application/json", "application/merge-patch+json", "application/strategic-merge-patch+json"
	tagged := d.host + "/shop/web:signed"
	pinned := tagged + "@" + strings.Split(d.signed, "@")[1]

	for _, tt := range []struct {
		name, method, path, contentType, body string
		status                                int
		in                                    string
	}{
		{"unsigned", "POST", pods, js, podOf("u", container(d.unsigned)), 403,
			`admission webhook "validate.lading.dev" denied the request: lading: container "c"`},
		{"unsigned, by tag", "POST", pods, js, podOf("u", container(d.host+"/shop/web:unsigned")), 403, "no image signature"},
		{"signed, by tag", "POST", pods, js, podOf("good", container(tagged)), 201, ""},
		{"a tag that is not there", "POST", pods, js, podOf("u", container(d.host+"/shop/web:gone")), 403, "there is no such image"},
		{"dry run, unsigned", "POST", pods + "?dryRun=All", js, podOf("u", container(d.unsigned)), 403, "no image signature"},
		{"dry run, signed", "POST", pods + "?dryRun=All", js, podOf("dry", container(tagged)), 201, ""},
		{"init container", "POST", pods, js,
			podOf("u", fmt.Sprintf(`{"containers":[{"name":"c","image":%q}],"initContainers":[{"name":"i","image":%q}]}`, d.signed,
				d.unsigned)), 403, `init container "i"`},
		{"image volume", "POST", pods, js,
			podOf("u", fmt.Sprintf(`{"containers":[{"name":"c","image":%q}],"volumes":[{"name":"v","image":{"reference":%q}}]}`, d.signed,
				d.unsigned)), 403, `image volume "v"`},
		{"image volume, signed", "POST", pods, js,
			podOf("vol", fmt.Sprintf(`{"containers":[{"name":"c","image":%q}],"volumes":[{"name":"v","image":{"reference":%q}}]}`, d.signed,
				tagged)), 201, ""},
		{"ephemeral container", "PATCH", pods + "/good/ephemeralcontainers", strategic,
			fmt.Sprintf(`{"spec":{"ephemeralContainers":[{"name":"e","image":%q}]}}`, d.unsigned), 403, `ephemeral container "e"`},
		{"ephemeral container, signed", "PATCH", pods + "/good/ephemeralcontainers", strategic,
			fmt.Sprintf(`{"spec":{"ephemeralContainers":[{"name":"e","image":%q}]}}`, tagged), 200, ""},
		{"update of an image", "PATCH", pods + "/good", strategic,
			fmt.Sprintf(`{"spec":{"containers":[{"name":"c","image":%q}]}}`, d.unsigned), 403, `container "c"`},
		{"update to a signed one", "PATCH", pods + "/good", strategic,
			fmt.Sprintf(`{"spec":{"containers":[{"name":"c","image":%q}]}}`, d.other), 200, ""},
		{"server-side apply, unsigned", "PATCH", pods + "/applied?fieldManager=m", "application/apply-patch+yaml",
			podOf("applied", container(d.unsigned)), 403, "no image signature"},
		{"server-side apply, signed", "PATCH", pods + "/applied?fieldManager=m", "application/apply-patch+yaml",
			podOf("applied", container(tagged)), 201, ""},
		// The API server drops what a status brings of the spec; see below.
		{"a status with an ephemeral container", "PATCH", pods + "/good/status", strategic,
			fmt.Sprintf(`{"spec":{"ephemeralContainers":[{"name":"s","image":%q}],"containers":[{"name":"c","image":%q}]}}`, d.unsigned,
				d.unsigned), 200, ""},
		{"a label", "PATCH", pods + "/good", merge, `{"metadata":{"labels":{"lading.dev/skip":"true"}}}`, 200, ""},
		{"claims", "POST", pods, js, strings.Replace(podOf("u", container(d.unsigned)), `"metadata":{`,
			`"metadata":{"labels":{"lading":"allowed"},"annotations":{"lading.dev/verdict":"allow"},`, 1), 403, "no image signature"},
		{"deployment", "POST", "/apis/apps/v1/namespaces/default/deployments", js,
			fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":`+
				`"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":%s}}}`, container(d.unsigned)), 403, "no image signature"},
		{"deployment, signed", "POST", "/apis/apps/v1/namespaces/default/deployments", js,
			fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":`+
				`"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":%s}}}`, container(tagged)), 201, ""},
		{"scale", "PATCH", "/apis/apps/v1/namespaces/default/deployments/d/scale", merge, `{"spec":{"replicas":3}}`, 200, ""},
		{"cron job", "POST", "/apis/batch/v1/namespaces/default/cronjobs", js,
			fmt.Sprintf(`{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"c"},"spec":{"schedule":"0 0 * * *",`+
				`"jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never",%s}}}}}}`,
				container(d.unsigned)[1:len(container(d.unsigned))-1]), 403, "no image signature"},
		{"pod template", "POST", "/api/v1/namespaces/default/podtemplates", js,
			fmt.Sprintf(`{"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":"p"},"template":{"metadata":{"labels":{"a":"b"}},`+
				`"spec":%s}}`, container(d.unsigned)), 403, "no image signature"},
		{"a scheme", "POST", pods, js, podOf("u", container("https://"+d.host+"/shop/web:signed")), 403, "scheme"},
		{"the gate's namespace, another image", "POST", "/api/v1/namespaces/lading/pods", js, podOf("u", restricted(d.signed)), 403,
			"nothing but the gate runs in its own namespace"},
		{"take the gate away", "DELETE", registration + "validatingwebhookconfigurations/lading", "", "", 403, "lading:operators"},
		{"make it fail open", "PATCH", registration + "validatingwebhookconfigurations/lading", "application/json-patch+json",
			`[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`, 403, "lading:operators"},
		{"delete", "DELETE", pods + "/vol?gracePeriodSeconds=0", "", "", 200, ""},
	} {
		status, o, message := k.do(tt.method, tt.path, tt.contentType, tt.body)
		first, _, _ := strings.Cut(message, "\n")
		if status != tt.status || !strings.Contains(first, tt.in) {
			t.Errorf("%s: %d %s", tt.name, status, message)
		} else if status >= 400 {
			t.Logf("%s: %d %s", tt.name, status, first)
		}
		if tt.name == "signed, by tag" {
			if got := fmt.Sprint(o["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["image"]); got != pinned {
				t.Errorf("pinned as %s, want %s", got, pinned)
			}
		}
	}
	if _, o, _ := k.do(http.MethodGet, pods+"/good", "", ""); strings.Contains(fmt.Sprint(o["spec"]), d.unsigned) {
		t.Errorf("an unsigned image got in: %v", o["spec"])
	}
	k.examine(d)
	k.outage(d, podOf("later", container(d.other+"")))
}

// settle waits until what was applied is in force, which takes an API server some seconds, and policies longer than webhooks.
func (k *kubernetes) settle(d *door) {
	k.t.Helper()
	for range 100 {
		_, _, hook := k.do(http.MethodPost, "/api/v1/namespaces/default/pods?dryRun=All", "application/json",
			podOf("s", container(d.unsigned)))
		_, _, own := k.do(http.MethodPost, "/api/v1/namespaces/lading/pods?dryRun=All", "application/json",
			podOf("s", restricted(d.unsigned)))
		if strings.Contains(hook, "no image signature") && strings.Contains(own, "nothing but the gate") {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	k.t.Error("what was applied is not in force")
}

// examine has the doctor look at the same, and at it with a door open.
func (k *kubernetes) examine(d *door) {
	k.t.Helper()
	doctor := &k8sgate.Doctor{API: k.client, Validating: "lading", Mutating: "lading", Exempt: []string{"lading", "kube-system"},
		Canary: d.unsigned}
	for _, f := range doctor.Examine(k.t.Context()) {
		k.t.Log(f)
		if f.State == k8sgate.Open || f.State == k8sgate.NotProven {
			k.t.Errorf("well: %v", f)
		}
	}
}

// outage: the registry is down, and the gate is: nothing gets in, and clients are told when to ask again.
func (k *kubernetes) outage(d *door, pod string) {
	t := k.t
	t.Helper()
	d.slow.Store(true)
	fresh := strings.Replace(pod, d.other, d.host+"/shop/new@sha256:"+strings.Repeat("a", 64), 1)
	body := bytes.NewReader([]byte(fresh))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.client.URL+"/api/v1/namespaces/default/pods", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer admin")
	req.Header.Set("Content-Type", "application/json")
	res, err := k.client.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" || !bytes.Contains(text, []byte("could not be decided, ask again")) {
		t.Errorf("registry down: %d, Retry-After %q, %s", res.StatusCode, res.Header.Get("Retry-After"), text)
	}
	d.slow.Store(false)
	d.stop()
	status, _, message := k.do(http.MethodPost, "/api/v1/namespaces/default/pods", "application/json", pod)
	if status < 400 || !strings.Contains(message, "failed calling webhook") {
		t.Errorf("gate down: %d %s", status, message)
	}
	t.Logf("gate down: %d %s", status, message)
	gateImage := `registry.example.com/lading/k8s-gate@sha256:` + strings.Repeat("0", 64)
	status, _, message = k.do(http.MethodPost, "/api/v1/namespaces/lading/pods?dryRun=All", "application/json", podOf("gate",
		restricted(gateImage)))
	if status != 201 {
		t.Errorf("the gate cannot come back: %d %s", status, message)
	}
	d.up(t)
	t.Cleanup(func() { d.stop() })
	if status, _, message := k.do(http.MethodPost, "/api/v1/namespaces/default/pods", "application/json", pod); status != 201 {
		t.Errorf("the gate is back: %d %s", status, message)
	}
	k.staticHook(d)
}

// staticHook puts the gate on the API server's disk, by rename, and takes the one in the API away.
func (k *kubernetes) staticHook(d *door) {
	t := k.t
	t.Helper()
	_, conf, _ := k.do(http.MethodGet, registration+"validatingwebhookconfigurations/lading", "", "")
	hook := conf["webhooks"].([]any)[0].(map[string]any)
	bundle := hook["clientConfig"].(map[string]any)["caBundle"].(string)
	if _, err := base64.StdEncoding.DecodeString(bundle); err != nil {
		t.Fatal(err)
	}
	text := string(read(t, "static/webhooks/lading.yaml"))
	text = strings.Replace(text, "https://127.0.0.1:8443/validate", fmt.Sprintf("https://localhost:%d/validate", d.port), 1)
	text = strings.Replace(text, `caBundle: ""`, "caBundle: "+bundle, 1)
	temp := filepath.Join(filepath.Dir(k.static), "new.yaml")
	if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(k.static, "webhooks", "lading.yaml")); err != nil {
		t.Fatal(err)
	}
	operator := k.as("operator", 0)
	operator.URL = k.client.URL
	for _, resource := range []string{"validatingwebhookconfigurations/lading", "mutatingwebhookconfigurations/lading"} {
		if status, answer, err := operator.Do(t.Context(), http.MethodDelete, registration+resource, "", nil); err != nil || status != 200 {
			t.Errorf("an operator takes %s away: %d %s %v", resource, status, answer, err)
		}
	}
	for _, name := range []string{"lading.static.k8s.io", "lading-guard.static.k8s.io"} {
		for _, resource := range []string{"validatingwebhookconfigurations/", "validatingadmissionpolicies/"} {
			if status, _, _ := k.do(http.MethodDelete, registration+resource+name, "", ""); status < 400 {
				t.Errorf("%s is deleted through the API", name)
			}
		}
	}
	k.refused(d, "default", true)
	if t.Failed() {
		return
	}
	k.rewrite(d, text)
}

// refused waits until an unsigned pod of a namespace is refused, or is not: static manifests are read again at a change, or once a minute.
func (k *kubernetes) refused(d *door, namespace string, want bool) {
	k.t.Helper()
	message := ""
	for range 150 {
		var status int
		status, _, message = k.do(http.MethodPost, "/api/v1/namespaces/"+namespace+"/pods?dryRun=All", "application/json",
			podOf("s", container(d.unsigned)))
		if status == 403 && strings.Contains(message, "no image signature") && want || status == 201 && !want {
			k.t.Logf("the static gate, in %s: %d %s", namespace, status, message)
			return
		}
		time.Sleep(time.Second)
	}
	k.t.Errorf("in %s, an unsigned image is refused: %t: %s", namespace, !want, message)
}

// rewrite changes static manifests that are in force, by the script that the README names, and has the doctor compare them with what is
// loaded: new ones, and some that cannot be read, which leave the former in force.
func (k *kubernetes) rewrite(d *door, text string) {
	t := k.t
	t.Helper()
	from := t.TempDir()
	install := func(webhooks string) {
		for path, data := range map[string][]byte{"webhooks/lading.yaml": []byte(webhooks),
			"policies/lading.yaml": read(t, "static/policies/lading.yaml")} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(from, path)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(from, path), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := exec.Command("sh", filepath.Join(manifests, "static/install.sh"), from, k.static).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	doctor := &k8sgate.Doctor{API: k.client, Validating: "lading", Exempt: []string{"lading", "kube-system"}, Static: k.static}
	webhooks := "static manifests " + filepath.Join(k.static, "webhooks")
	compare := func(want k8sgate.State) {
		t.Helper()
		last := ""
		for range 100 {
			for _, f := range doctor.Examine(t.Context()) {
				if f.What == webhooks {
					if last = f.String(); f.State == want {
						t.Log(last)
						return
					}
				}
			}
			time.Sleep(time.Second)
		}
		t.Errorf("the doctor finds no %v: %s", want, last)
	}
	compare(k8sgate.Guarded)
	install(strings.Replace(text, "[lading, kube-system]", "[lading, kube-system, kube-public]", 1))
	k.refused(d, "kube-public", false)
	compare(k8sgate.Guarded)
	k.refused(d, "default", true)
	install("kind: Nonsense\n")
	compare(k8sgate.Open)
	k.refused(d, "default", true)
	install(text)
	k.refused(d, "kube-public", true)
	compare(k8sgate.Guarded)
}

// The companion policies alone, while no gate answers: no image without a digest, and nothing but the gate in its own namespace.
func TestCompanionsAlone(t *testing.T) {
	k := startKubernetes(t, string(read(t, "static/policies/lading.yaml")))
	var manifests []byte
	for _, doc := range documents(t, read(t, "plain/enforce.yaml")) {
		if !strings.HasSuffix(kindOf(t, doc), "WebhookConfiguration") {
			manifests = append(append(manifests, "---\n"...), doc...)
		}
	}
	k.apply(manifests)
	const pods = "/api/v1/namespaces/%s/pods?dryRun=All"
	sum := "@sha256:" + strings.Repeat("a", 64)
	for _, tt := range []struct{ name, namespace, spec, in string }{
		{"another image in the gate's namespace", "lading", restricted("r.example/a" + sum),
			"nothing but the gate runs in its own namespace"},
		{"by tag", "default", container("r.example/a:v1"), "has no digest"},
		{"a scheme", "default", container("https://r.example/a" + sum), "has no digest"},
		{"image volume by tag", "default", fmt.Sprintf(`{"containers":[{"name":"c","image":%q}],"volumes":[{"name":"v",`+
			`"image":{"reference":"a:1"}}]}`, "r.example/a"+sum), "has no digest"},
		{"init container by tag", "default", fmt.Sprintf(`{"containers":[{"name":"c","image":%q}],"initContainers":[{"name":"i",`+
			`"image":"a:1"}]}`, "r.example/a"+sum), "has no digest"},
		{"by digest", "default", container("r.example/a" + sum), ""},
		{"the gate", "lading", restricted("registry.example.com/lading/k8s-gate@sha256:" + strings.Repeat("0", 64)), ""},
	} {
		status, message := 0, ""
		for range 100 { // until the policies are in force
			status, _, message = k.do(http.MethodPost, fmt.Sprintf(pods, tt.namespace), "application/json", podOf("p", tt.spec))
			if tt.in == "" && status == 201 || tt.in != "" && status == 403 {
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
		if (status == 403) != (tt.in != "") || !strings.Contains(message, tt.in) {
			t.Errorf("%s: %d %s", tt.name, status, message)
		}
		t.Logf("%s: %d %s", tt.name, status, message)
	}
}
