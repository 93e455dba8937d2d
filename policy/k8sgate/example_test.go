package k8sgate_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/k8sgate"
	"github.com/ladingdev/lading/verify"
)

// What the API server is told about a pod whose image is named by a tag.
func Example() {
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      func(context.Context, string) (*policy.Image, error) { return nil, gate.ErrNotFound }, // gate.Open(nil)
		Verifiers: []verify.Verifier{nobody{}},                                                           // whom you trust
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	door := &k8sgate.Gate{Checker: checker}
	review := `{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1",
		"kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
		"operation": "CREATE", "namespace": "shop", "userInfo": {"username": "anna"},
		"object": {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "web", "image": "registry.example.com/web:1"}]}}}}`
	w := httptest.NewRecorder()
	door.ServeHTTP(w, httptest.NewRequest(http.MethodPost, k8sgate.PathValidate, strings.NewReader(review)))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"1","allowed":false,"status":{"status":"Failure","message":"lading: container \"web\" \"registry.example.com/web:1\": it has no digest, so what will run is not known: name it NAME@sha256:...","reason":"Forbidden","code":403},"auditAnnotations":{"verdict":"deny"}}}
}

type nobody struct{}

func (nobody) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrNotTrusted
}
