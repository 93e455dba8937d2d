// Command lading verifies a keyless bundle about an image, named by its digest, over a trusted root.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
)

func main() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	root, err := sigstore.ParseRoot(data, nil)
	if err != nil {
		log.Fatal(err)
	}
	release, err := sigstore.GitHub{Repository: "acme/app", Workflow: "release.yml", Tags: "v*"}.Entry("release")
	if err != nil {
		log.Fatal(err)
	}
	v, err := sigstore.New(root, []sigstore.Entry{release}, nil)
	if err != nil {
		log.Fatal(err)
	}
	if data, err = io.ReadAll(os.Stdin); err != nil {
		log.Fatal(err)
	}
	a, err := v.Verify(context.Background(), verify.Descriptor{Digest: digest.Digest(os.Args[2])},
		verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: data})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Kind, a.PredicateType)
}
