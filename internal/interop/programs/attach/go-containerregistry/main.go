// Command go-containerregistry attaches a file to an image in a registry.
package main

import (
	"io"
	"log"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	ref, err := name.ParseReference(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	auth := remote.WithAuthFromKeychain(authn.DefaultKeychain)
	image, err := remote.Head(ref, auth)
	if err != nil {
		log.Fatal(err)
	}
	artifact, err := mutate.AppendLayers(empty.Image, static.NewLayer(data, types.MediaType(os.Args[2])))
	if err != nil {
		log.Fatal(err)
	}
	artifact = mutate.Subject(artifact, *image).(v1.Image)
	sum, err := artifact.Digest()
	if err != nil {
		log.Fatal(err)
	}
	if err := remote.Write(ref.Context().Digest(sum.String()), artifact, auth); err != nil {
		log.Fatal(err)
	}
}
