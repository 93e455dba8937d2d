package registry_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func Example() {
	ctx := context.Background()
	server := registrytest.Start(nil)
	defer server.Close()

	repo, err := registry.Open(server.Host()+"/demo/app:v1", nil)
	if err != nil {
		log.Fatal(err)
	}
	pushEmptyImage(ctx, repo, "v1")
	image, err := repo.Resolve(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	bundle := []byte(`{"what":"a signer returned"}`)
	_, err = repo.Attach(ctx, image, registry.Descriptor{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		Digest:    digest.FromBytes(bundle), Size: int64(len(bundle)), Data: bundle,
	})
	if err != nil {
		log.Fatal(err)
	}
	for candidate, err := range repo.Evidence(ctx, image) {
		if err != nil {
			log.Fatal(err) // could not look, which is not the same as nothing there
		}
		fmt.Printf("%s: %s\n", candidate.MediaType, candidate.Data)
	}
	// Output: application/vnd.dev.sigstore.bundle.v0.3+json: {"what":"a signer returned"}
}

// A directory does what a registry does.
func ExampleOpenLayout() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "layout")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	repo, err := registry.OpenLayout(dir)
	if err != nil {
		log.Fatal(err)
	}
	pushEmptyImage(ctx, repo, "v1")
	image, err := repo.Resolve(ctx, "v1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(image.MediaType, image.Size)
	// Output: application/vnd.oci.image.manifest.v1+json 239
}

// An index and its platforms are signed by one call, or none of them is.
func ExampleRepository_AttachEach() {
	ctx := context.Background()
	server := registrytest.Start(nil)
	defer server.Close()
	repo, err := registry.Open(server.Host()+"/demo/app", nil)
	if err != nil {
		log.Fatal(err)
	}
	pushEmptyImage(ctx, repo, "v1") // an index works the same way
	image, err := repo.Resolve(ctx, "v1")
	if err != nil {
		log.Fatal(err)
	}
	attached, err := repo.AttachEach(ctx, image, func(_ context.Context, d registry.Descriptor) ([]registry.Descriptor, error) {
		bundle := fmt.Appendf(nil, `{"about":%q}`, d.Digest) // signer.Sign(ctx, sign.About(d, sign.ImageSignature{}))
		return []registry.Descriptor{{
			MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
			Digest:    digest.FromBytes(bundle), Size: int64(len(bundle)), Data: bundle,
		}}, nil
	})
	fmt.Println(len(attached), err)
	// Output: 1 <nil>
}

func pushEmptyImage(ctx context.Context, repo *registry.Repository, tag string) {
	manifest := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/` +
		`vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`)
	image := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	if err := repo.Push(ctx, ocispec.DescriptorEmptyJSON, bytes.NewReader([]byte("{}"))); err != nil {
		log.Fatal(err)
	}
	if err := repo.Push(ctx, image, bytes.NewReader(manifest)); err != nil {
		log.Fatal(err)
	}
	if err := repo.Tag(ctx, image, tag); err != nil {
		log.Fatal(err)
	}
}
