// Command lading signs an image, named by its digest, with a key, as a Sigstore bundle.
package main

import (
	"context"
	"log"
	"os"

	"github.com/ladingdev/lading/sign"
	"github.com/opencontainers/go-digest"
)

func main() {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		log.Fatal(err)
	}
	image := sign.Descriptor{Digest: digest.Digest(os.Args[1])}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(evidence.Data)
}
