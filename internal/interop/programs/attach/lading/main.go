// Command lading attaches a file to an image in a registry.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/ladingdev/lading/registry"
	"github.com/opencontainers/go-digest"
)

func main() {
	ctx := context.Background()
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	repo, err := registry.Open(os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	image, err := repo.Resolve(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	attached, err := repo.Attach(ctx, image, registry.Descriptor{MediaType: os.Args[2], ArtifactType: os.Args[2],
		Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(attached[0].Digest)
}
