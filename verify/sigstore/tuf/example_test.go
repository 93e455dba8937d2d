package tuf_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/ladingdev/lading/verify/sigstore/tuf"
)

// away is a network without a way out.
type away struct{}

func (away) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

// Without a network the roots that are embedded serve, and the answer says that they were not refreshed.
func ExampleClient_Refresh() {
	c := &tuf.Client{HTTP: &http.Client{Transport: away{}}} // the zero Client asks Sigstore's public repository
	roots, err := c.Refresh(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(roots.Embedded, roots.Problem != nil, len(roots.JSON) > 0)
	// Output: true true true
}

// A verifier of a program that runs for months takes the roots that serve at the time.
func ExampleVerifier_Verify() {
	entry, err := sigstore.GitHub{Repository: "acme/app", Workflow: "release.yml", Tags: "v*"}.Entry("release")
	if err != nil {
		fmt.Println(err)
		return
	}
	v := &tuf.Verifier{Client: &tuf.Client{HTTP: &http.Client{Transport: away{}}}, Trust: []sigstore.Entry{entry}}
	image := verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("app"), Size: 3}
	evidence := verify.Descriptor{MediaType: "application/jose+json", Data: []byte(`{}`)} // a signature of notation
	_, err = v.Verify(context.Background(), image, evidence)
	fmt.Println(errors.Is(err, verify.ErrFormat)) // another verifier's
	// Output: true
}
