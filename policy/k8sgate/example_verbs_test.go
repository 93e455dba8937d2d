package k8sgate_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/k8sgate"
	"github.com/ladingdev/lading/verify"
)

// apiServer is a Kubernetes API server with one pod, which answers 404 to everything else.
func apiServer() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/pods", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"kind": "PodList", "metadata": {}, "items": [{"metadata": {"namespace": "shop", "name": "web-1"}, "spec": {"nodeName": "n1",
			"containers": [{"name": "web", "image": "registry.example.com/web:1"}]}, "status": {"phase": "Running", "containerStatuses": [{"name": "web",
			"image": "registry.example.com/web:1", "imageID": "", "state": {"running": {}}}]}}]}`)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind": "Status", "code": 404}`)
	})
	return httptest.NewServer(mux)
}

func newChecker() *gate.Checker {
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      func(context.Context, string) (*policy.Image, error) { return nil, gate.ErrNotFound },
		Verifiers: []verify.Verifier{nobody{}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	if err != nil {
		panic(err)
	}
	return checker
}

// What runs already is looked at, too: here a container whose digest the node has not told yet.
func ExampleSweep() {
	server := apiServer()
	defer server.Close()
	api := &k8sgate.Client{URL: server.URL} // k8sgate.InCluster in a pod
	for r, err := range k8sgate.Sweep(context.Background(), api, newChecker()) {
		if err != nil {
			fmt.Println(err) // not all came
			return
		}
		fmt.Println(r.Namespace, r.Pod, r.Image, "judged:", r.Judged != "", "problem:", r.Problem != "")
	}
	// Output: shop web-1 registry.example.com/web:1 judged: false problem: true
}

// An API answers with the status of the API server; 404 is no error.
func ExampleClient_Do() {
	server := apiServer()
	defer server.Close()
	api := &k8sgate.Client{URL: server.URL}
	status, answer, err := api.Do(context.Background(), http.MethodGet, "/api/v1/namespaces/none", "", nil)
	fmt.Println(status, len(answer) > 0, err)
	// Output: 404 true <nil>
}

// In a cluster without the gate's webhooks, every way is open, and the doctor says so.
func ExampleDoctor_Examine() {
	server := apiServer()
	defer server.Close()
	d := &k8sgate.Doctor{API: &k8sgate.Client{URL: server.URL}, Validating: "lading-gate", Mutating: "lading-gate"}
	findings := d.Examine(context.Background())
	fmt.Println(len(findings) > 0, k8sgate.Verdict(findings) == k8sgate.Guarded)
	// Output: true false
}

// secrets is an API server that keeps one Secret and has no webhook configuration yet.
type secrets struct{ secret []byte }

func (s *secrets) Do(_ context.Context, method, path, _ string, body []byte) (int, []byte, error) {
	switch {
	case path == "/api/v1/namespaces/lading/secrets" && method == http.MethodPost:
		s.secret = body
		return http.StatusCreated, body, nil
	case path == "/api/v1/namespaces/lading/secrets/gate-ca" && s.secret != nil:
		return http.StatusOK, s.secret, nil
	}
	return http.StatusNotFound, []byte(`{"kind": "Status", "code": 404}`), nil
}

// The gate makes its own certificate, keeps the authority in a Secret for all replicas, and serves until it is told to end.
func ExampleServe() {
	own := &k8sgate.Certificates{API: new(secrets), Namespace: "lading", Secret: "gate-ca", Names: []string{"lading-gate.lading.svc"}}
	if err := own.Step(context.Background()); err != nil { // Run does so again and again
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	opts := &k8sgate.ServeOptions{Drain: time.Millisecond}
	err = k8sgate.Serve(ctx, listener, &k8sgate.Gate{Checker: newChecker()}, own.GetCertificate, opts)
	fmt.Println(err == nil || errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// Run makes and renews the certificate until its context ends, and reports what goes wrong.
func ExampleCertificates_Run() {
	api := new(secrets)
	own := &k8sgate.Certificates{API: api, Namespace: "lading", Secret: "gate-ca", Names: []string{"lading-gate.lading.svc"}}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		own.Run(ctx, func(err error) { fmt.Println(err) })
	}()
	for own.Ready() != nil {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
	fmt.Println("ready, and its authority is kept:", base64.StdEncoding.EncodedLen(len(api.secret)) > 0)
	// Output: ready, and its authority is kept: true
}
