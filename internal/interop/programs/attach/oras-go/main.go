// Command oras-go attaches a file to an image in a registry.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
)

func main() {
	ctx := context.Background()
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	repo, err := remote.NewRepository(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	image, err := repo.Resolve(ctx, repo.Reference.Reference)
	if err != nil {
		log.Fatal(err)
	}
	layer, err := oras.PushBytes(ctx, repo, os.Args[2], data)
	if err != nil {
		log.Fatal(err)
	}
	attached, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, os.Args[2],
		oras.PackManifestOptions{Subject: &image, Layers: []ocispec.Descriptor{layer}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(attached.Digest)
}
