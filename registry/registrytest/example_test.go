package registrytest_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What a program does at a registry without the referrers API, request by request: a list of referrers, the fallback tag,
// and, as neither is there, the image and the tags, which tell nothing there from a registry that answers 404 to everything.
func Example() {
	server := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{
		registrytest.Watch(func(r *http.Request) { fmt.Println(r.Method, strings.Split(r.URL.Path, "sha256")[0]) }),
		registrytest.NoReferrers(http.StatusNotFound),
	}})
	defer server.Close()

	repo, err := registry.Open(server.Host()+"/demo/app", nil)
	if err != nil {
		log.Fatal(err)
	}
	blob := []byte("a layer")
	err = repo.Push(context.Background(), registry.Descriptor{Digest: digest.FromBytes(blob), Size: int64(len(blob))},
		bytes.NewReader(blob))
	if err != nil {
		log.Fatal(err)
	}
	image := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("an image"), Size: 8}
	for _, err := range repo.Evidence(context.Background(), image) {
		log.Fatal(err)
	}
	// Output:
	// POST /v2/demo/app/blobs/uploads/
	// GET /v2/demo/app/referrers/
	// GET /v2/demo/app/manifests/
	// HEAD /v2/demo/app/manifests/
	// GET /v2/demo/app/tags/list
}
