package k8sgate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// A fakeAPI is an API server's store of objects, with what matters of its rules: conflicts, and JSON Patch.
type fakeAPI struct {
	mu      sync.Mutex
	objects map[string]map[string]any
	version int
	writes  int
	fail    error
}

func (f *fakeAPI) Do(_ context.Context, method, path, contentType string, body []byte) (int, []byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return 0, nil, f.fail
	}
	var in map[string]any
	var patch []struct {
		Op, Path string
		Value    any
	}
	if contentType == typeJSONPatch {
		if err := json.Unmarshal(body, &patch); err != nil {
			return 400, []byte(`{"message":"bad patch"}`), nil
		}
	} else if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return 400, []byte(`{"message":"bad body"}`), nil
		}
	}
	if method == http.MethodPost {
		path += "/" + in["metadata"].(map[string]any)["name"].(string)
	}
	was, exists := f.objects[path]
	meta := func(o map[string]any) map[string]any { m, _ := o["metadata"].(map[string]any); return m }
	switch {
	case method == http.MethodPost && exists:
		return 409, []byte(`{"message":"already exists"}`), nil
	case method != http.MethodPost && !exists:
		return 404, []byte(`{"message":"not found"}`), nil
	case method == http.MethodPut && meta(in)["resourceVersion"] != meta(was)["resourceVersion"]:
		return 409, []byte(`{"message":"the object has been modified"}`), nil
	case method == http.MethodPatch:
		hooks := was["webhooks"].([]any)
		for _, op := range patch {
			var i int
			var member string
			if _, err := fmt.Sscanf(strings.ReplaceAll(op.Path, "/", " "), " webhooks %d %s", &i, &member); err != nil {
				return 422, []byte(`{"message":"path"}`), nil
			}
			hook := hooks[i].(map[string]any)
			if op.Op == "test" && hook["name"] != op.Value {
				return 422, []byte(`{"message":"test failed"}`), nil
			}
			if op.Op == "add" {
				hook["clientConfig"].(map[string]any)["caBundle"] = op.Value
			}
		}
		f.writes++
	case method == http.MethodPost || method == http.MethodPut:
		f.version++
		f.writes++
		meta(in)["resourceVersion"] = fmt.Sprint(f.version)
		f.objects[path] = in
	}
	out, err := json.Marshal(f.objects[path])
	return 200, out, err
}

const hooks = "/apis/admissionregistration.k8s.io/v1/"

func newFakeAPI() *fakeAPI {
	hook := func(name string) any {
		return map[string]any{"name": name, "clientConfig": map[string]any{"service": map[string]any{}}}
	}
	return &fakeAPI{objects: map[string]map[string]any{
		hooks + "validatingwebhookconfigurations/lading": {"metadata": map[string]any{}, "webhooks": []any{hook("a"), hook("b")}},
		hooks + "mutatingwebhookconfigurations/lading":   {"metadata": map[string]any{}, "webhooks": []any{hook("c")}},
	}}
}

// bundles returns the caBundle of each webhook.
func (f *fakeAPI) bundles(t *testing.T) (list [][]byte) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, resource := range []string{"validating", "mutating"} {
		for _, h := range f.objects[hooks+resource+"webhookconfigurations/lading"]["webhooks"].([]any) {
			text, _ := h.(map[string]any)["clientConfig"].(map[string]any)["caBundle"].(string)
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, b)
		}
	}
	return list
}

func certificates(api API, now func() time.Time) *Certificates {
	return &Certificates{
		API: api, Namespace: "lading", Secret: "gate-tls", Names: []string{"gate.lading.svc"}, Validating: []string{"lading", "not-yet"},
		Mutating: []string{"lading"}, Now: now,
	}
}

// trusted says whether the API server, with each of the bundles, takes what a replica serves with.
func trusted(t *testing.T, bundles [][]byte, c *Certificates, now time.Time) error {
	t.Helper()
	served, err := c.GetCertificate(nil)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(served.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bundles {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(b) {
			return errors.New("an empty bundle")
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "gate.lading.svc", CurrentTime: now}); err != nil {
			return err
		}
	}
	return nil
}

// Two replicas, over three years, step by step: at each moment the API server trusts what either of them serves with.
func TestCertificates(t *testing.T) {
	api := newFakeAPI()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	a, b := certificates(api, clock), certificates(api, clock)
	if a.Ready() == nil {
		t.Error("ready without a certificate")
	}
	for _, c := range []*Certificates{a, b} {
		if err := c.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]bool)
	for day := 0; day < 3*365; day += 5 {
		for _, c := range []*Certificates{a, b, a, b} {
			err := c.Step(t.Context())
			if err != nil && !hasStatus(err, http.StatusConflict) {
				t.Fatalf("day %d: %v", day, err)
			}
			for _, served := range []*Certificates{a, b} {
				if err := trusted(t, api.bundles(t), served, now); err != nil {
					t.Fatalf("day %d: %v", day, err)
				}
			}
		}
		served, err := a.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[served.Leaf.SerialNumber.String()] = true
		now = now.Add(5 * 24 * time.Hour)
	}
	if len(seen) < 30 {
		t.Errorf("%d certificates in three years", len(seen))
	}
	list, err := authorities(api.bundles(t)[0])
	if err != nil || len(list) > 3 {
		t.Errorf("%d authorities, %v", len(list), err)
	}
	writes := api.writes
	for range 5 {
		if err := a.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if api.writes != writes {
		t.Error("steps without a change write")
	}
	// Somebody who puts another bundle in is put right, and an API server that is down leaves what is served.
	api.objects[hooks+"mutatingwebhookconfigurations/lading"]["webhooks"].([]any)[0].(map[string]any)["clientConfig"] =
		map[string]any{"caBundle": "eA=="}
	if err := a.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := trusted(t, api.bundles(t), a, now); err != nil {
		t.Error(err)
	}
	api.fail = errors.New("down")
	if a.Step(t.Context()) == nil || a.Ready() != nil {
		t.Error("an API server that is down")
	}
	// A Secret that is not the gate's is an error, and nothing is overwritten.
	api.fail = nil
	api.objects["/api/v1/namespaces/lading/secrets/gate-tls"]["data"] = map[string]any{"ca.crt": "eA=="}
	if err := a.Step(t.Context()); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("%v", err)
	}
}

func client(roots []byte) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "gate.lading.svc"}, DisableKeepAlives: true,
	}}
}

// It comes up by itself, answers over TLS with what it told the API server to trust, and ends without breaking an answer off.
func TestServe(t *testing.T) {
	api := newFakeAPI()
	c := certificates(api, nil)
	g, f := newGate(t, policy.Enforce, nil)
	g.Ready = c.Ready
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var background sync.WaitGroup
	done := make(chan error, 1)
	background.Go(func() { c.Run(ctx, func(err error) { t.Error(err) }) })
	background.Go(func() { done <- Serve(ctx, l, g, c.GetCertificate, &ServeOptions{Drain: 300 * time.Millisecond}) })
	for c.Ready() != nil {
		time.Sleep(time.Millisecond)
	}
	for len(api.bundles(t)[2]) == 0 {
		time.Sleep(time.Millisecond)
	}
	base := "https://" + l.Addr().String()
	browser := client(api.bundles(t)[0])
	get := func(path string) (int, string) {
		res, err := browser.Get(base + path)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	for path, want := range map[string]int{PathHealth: 200, PathReady: 200, PathValidate: 405, "/": 404} {
		if code, body := get(path); code != want {
			t.Errorf("%s: %d, %s", path, code, body)
		}
	}
	res, err := browser.Post(base+PathValidate+"?timeout=5s", "application/json", bytes.NewReader(pod("CREATE", "r.example/a"+sum)))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if !bytes.Contains(body, []byte(`"allowed":true`)) || f.decisions.Load() != 1 {
		t.Errorf("%s", body)
	}
	cancel()
	code := 200
	for code == 200 {
		code, _ = get(PathReady)
	}
	if code != 503 && code != 0 {
		t.Errorf("while it ends: %d", code)
	}
	if err := <-done; err != nil {
		t.Errorf("the end: %v", err)
	}
	background.Wait()
}

// cert-manager's files are read again when they change, and stay served if they cannot be.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	f := &Files{Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	if f.Ready() == nil {
		t.Error("ready without files")
	}
	write := func(at time.Time) *x509.Certificate {
		api := newFakeAPI()
		c := certificates(api, nil)
		s, err := c.load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, path := range map[string]string{keyCertificate: f.Certificate, keyPrivate: f.Key} {
			if err := os.WriteFile(path, s.Data[name], 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		list, err := authorities(s.Data[keyCertificate])
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	for i := range 2 {
		want := write(time.Now().Add(time.Duration(i-5) * time.Minute))
		f.read = time.Time{}
		got, err := f.GetCertificate(nil)
		if err != nil || !bytes.Equal(got.Certificate[0], want.Raw) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := os.Remove(f.Key); err != nil {
		t.Fatal(err)
	}
	f.read = time.Time{}
	if err := f.Ready(); err != nil {
		t.Error(err)
	}
}

func TestExternal(t *testing.T) {
	g, _ := newGate(t, policy.Enforce, nil)
	ask := func(path, body string) externalAnswer {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
		var a externalAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || a.Kind != "ProviderResponse" ||
			a.APIVersion != externalVersion || !a.Response.Idempotent {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		return a
	}
	const request = `{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{"keys":["r.example/a:1",` +
		`"r.example/bad:1","r.example/down:1","no image","r.example/a@sha256:x"]}}`
	for path, want := range map[string][]bool{PathExternalValidate: {true, false, false, false, false},
		PathExternalPin: {true, true, false, false, false}} {
		for i, item := range ask(path, request).Response.Items {
			if ok := item.Error == ""; ok != want[i] || ok != (item.Value != "") || strings.ContainsAny(item.Error, "\n\x1b") {
				t.Errorf("%s: %+v", path, item)
			}
			if item.Value != "" && !strings.Contains(item.Value, ":1@sha256:") {
				t.Errorf("%s: %+v", path, item)
			}
		}
	}
	for _, bad := range []string{"", "{}", `{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderResponse"}`,
		`{"request":{"keys":"a"}}`,
		`{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{"keys":[` +
			strings.Repeat(`"a",`, maxKeys+1) + `"a"]}}`} {
		if a := ask(PathExternalValidate, bad); a.Response.SystemError == "" || len(a.Response.Items) > 0 {
			t.Errorf("%.60s: %+v", bad, a)
		}
	}
	g.Authorize = func(*http.Request) error { return errors.New("nobody may") }
	if a := ask(PathExternalValidate, request); !strings.Contains(a.Response.SystemError, "nobody may") {
		t.Errorf("%+v", a)
	}
}

func TestDecide(t *testing.T) {
	g, _ := newGate(t, policy.Enforce, nil)
	ask := func(body string) (int, *DecideAnswer) {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, PathDecide, strings.NewReader(body)))
		a := new(DecideAnswer)
		if err := json.Unmarshal(w.Body.Bytes(), a); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
		return w.Code, a
	}
	code, a := ask(`{"images":["r.example/a:1","r.example/bad:1","r.example/down:1","no image"],"request":{"namespace":"n"}}`)
	if code != 200 || len(a.Answers) != 4 || a.Policy == "" {
		t.Fatalf("%d %+v", code, a)
	}
	for i, want := range []policy.Verdict{policy.Allow, policy.Deny, policy.Indeterminate, policy.Deny} {
		got := a.Answers[i]
		if got.Decision.Verdict != want || got.Allowed != (want == policy.Allow) ||
			(got.RetryAfterSeconds > 0) != (want == policy.Indeterminate) {
			t.Errorf("%+v", got)
		}
	}
	for _, bad := range []string{"", "[]", `{"images":[]}`, `{"image":["a"]}`, `{"images":["a"],"images":["b"]}`, `{"images":[1]}`,
		`{"images":["a"]}x`} {
		if code, _ := ask(bad); code != 400 {
			t.Errorf("%q: %d", bad, code)
		}
	}
	g.Authorize = func(*http.Request) error { return errors.New("nobody may") }
	if code, _ := ask(`{"images":["r.example/a:1"]}`); code != 403 {
		t.Errorf("without leave: %d", code)
	}
}

// 200 pods at once for 20 images: one evaluation each, through both webhooks.
func TestLoad(t *testing.T) {
	g, f := newGate(t, policy.Enforce, &gate.Options{Timeout: time.Minute})
	server := httptest.NewServer(g)
	defer server.Close()
	const pods, images = 200, 20
	var wait sync.WaitGroup
	for i := range pods {
		wait.Go(func() {
			ref, err := gate.ParseReference(fmt.Sprintf("r.example/app%d:v1", i%images), false)
			if err != nil {
				t.Error(err)
				return
			}
			name := ref.String() + "@" + string(digestOf(ref.String()))
			for _, review := range []struct {
				path string
				body []byte
			}{{PathPin, pod("CREATE", ref.String())}, {PathValidate, pod("CREATE", name)}} {
				res, err := http.Post(server.URL+review.path+"?timeout=30s", "application/json", bytes.NewReader(review.body))
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if !bytes.Contains(body, []byte(`"allowed":true`)) {
					t.Errorf("%s: %s", review.path, body)
				}
			}
		})
	}
	wait.Wait()
	if n := f.decisions.Load(); n != images {
		t.Errorf("%d evaluations of %d images", n, images)
	}
}

// constant is what a handler does at least: it decodes the review and answers.
func constant(w http.ResponseWriter, r *http.Request) {
	var review struct {
		APIVersion, Kind string
		Request          struct {
			UID, Name, Namespace, Operation, SubResource string
			Kind, Resource                               struct{ Group, Version, Kind, Resource string }
			UserInfo                                     struct {
				Username string
				Groups   []string
			}
			DryRun    *bool
			OldObject json.RawMessage
			Object    struct {
				Metadata json.RawMessage
				Spec     struct {
					Containers, InitContainers, EphemeralContainers []struct{ Name, Image string }
					Volumes                                         []struct {
						Name  string
						Image *struct{ Reference string }
					}
				}
			}
		}
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, _ := json.Marshal(answered{review.APIVersion, review.Kind, response{UID: review.Request.UID, Allowed: true}})
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out)
}

// twelve is a review of 12 KB of a pod with two images, by digest.
func twelve(t testing.TB) []byte {
	t.Helper()
	for _, c := range corpus(t) {
		if c.file == "pod-create-full.validate.json" {
			body := bytes.ReplaceAll(c.body, []byte(`:1.4.2"`), []byte(`:1.4.2`+sum+`"`))
			body = bytes.ReplaceAll(body, []byte(`:7"`), []byte(`:7`+sum+`"`))
			body = bytes.ReplaceAll(body, []byte(`:2026-11"`), []byte(`:2026-11`+sum+`"`))
			pad := 12<<10 - len(body)
			if pad > 0 { // managed fields, as updates have them
				field := `"f:%04d":{".":{},"f:image":{},"f:name":{}},`
				var b strings.Builder
				for i := 0; b.Len() < pad-60; i++ {
					fmt.Fprintf(&b, field, i)
				}
				body = bytes.Replace(body, []byte(`"object":{`),
					[]byte(`"object":{"padding":{`+strings.TrimSuffix(b.String(), ",")+`},`), 1)
			}
			return body
		}
	}
	t.Fatal("the corpus has no such file")
	return nil
}

// BenchmarkWarm compares, in turns of one run, a warm gate with a handler that decodes the same review and answers a constant.
func BenchmarkWarm(b *testing.B) {
	g, f := newGate(b, policy.Enforce, nil)
	body := twelve(b)
	if a := post(b, g, PathValidate, body); !a.Response.Allowed {
		b.Fatal(a.Response.Status)
	}
	opens := f.opens.Load()
	runtime.LockOSThread() // a warm gate answers in its caller's goroutine, so that the thread's time is the whole of it
	defer runtime.UnlockOSThread()
	run := func(h http.Handler) (took, computed time.Duration) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, PathValidate+"?timeout=10s", bytes.NewReader(body))
		began, before := time.Now(), threadTime()
		h.ServeHTTP(w, r)
		return time.Since(began), threadTime() - before
	}
	var ours, floor, oursComputed, floorComputed []time.Duration
	for b.Loop() {
		took, computed := run(g)
		ours, oursComputed = append(ours, took), append(oursComputed, computed)
		took, computed = run(http.HandlerFunc(constant))
		floor, floorComputed = append(floor, took), append(floorComputed, computed)
	}
	if f.opens.Load() != opens {
		b.Fatal("the registry was asked")
	}
	for _, d := range [][]time.Duration{ours, floor, oursComputed, floorComputed} {
		slices.Sort(d)
	}
	at := func(d []time.Duration, q float64) float64 { return float64(d[int(float64(len(d)-1)*q)].Nanoseconds()) }
	b.ReportMetric(at(ours, .25), "ns/gate")
	b.ReportMetric(at(floor, .25), "ns/constant")
	b.ReportMetric(at(ours, .25)/at(floor, .25), "ratio")
	b.ReportMetric(at(ours, .99)/at(ours, .5), "p99/median")
	b.ReportMetric(at(floor, .99)/at(floor, .5), "p99/median-constant")
	b.ReportMetric(at(oursComputed, .99)/at(oursComputed, .5), "cpu-p99/median")
	b.ReportMetric(at(floorComputed, .99)/at(floorComputed, .5), "cpu-p99/median-constant")
	b.ReportMetric(float64(len(body)), "bytes")
}
