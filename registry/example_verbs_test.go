package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

// openDemo opens a repository of a new registry, with an image tagged v1 in it.
func openDemo(ctx context.Context) (*registrytest.Server, *registry.Repository, registry.Descriptor) {
	server := registrytest.Start(nil)
	repo, err := registry.Open(server.Host()+"/demo/app:v1", nil)
	if err != nil {
		log.Fatal(err)
	}
	pushEmptyImage(ctx, repo, "v1")
	image, err := repo.Resolve(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	return server, repo, image
}

// bundleOf is evidence as a signer of package sign returns it.
func bundleOf(text string) registry.Descriptor {
	data := []byte(text)
	return registry.Descriptor{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data,
	}
}

// A mirror has the image and what is attached to it. What is there already is not sent again.
func ExampleCopy() {
	ctx := context.Background()
	server, repo, image := openDemo(ctx)
	defer server.Close()
	if _, err := repo.Attach(ctx, image, bundleOf(`{"what":"a signature"}`)); err != nil {
		log.Fatal(err)
	}
	other := registrytest.Start(nil)
	defer other.Close()
	mirror, err := registry.Open(other.Host()+"/mirror/app", nil)
	if err != nil {
		log.Fatal(err)
	}
	var last registry.CopyProgress
	if _, err := registry.Copy(ctx, mirror, repo, "v1",
		&registry.CopyOptions{Progress: func(p registry.CopyProgress) { last = p }}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(last.Count, "of", last.Total, "manifests and blobs")
	for d, err := range mirror.Evidence(ctx, image) {
		fmt.Println(string(d.Data), err)
	}
	// Output:
	// 4 of 4 manifests and blobs
	// {"what":"a signature"} <nil>
}

// An image goes in as its parts, and then the tag.
func ExampleRepository_Push() {
	ctx := context.Background()
	server := registrytest.Start(nil)
	defer server.Close()
	repo, err := registry.Open(server.Host()+"/demo/app", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := repo.Push(ctx, ocispec.DescriptorEmptyJSON, strings.NewReader("{}")); err != nil {
		log.Fatal(err)
	}
	manifest := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"config":{"mediaType":"application/vnd.oci.empty.v1+json",` +
		`"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`)
	image := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	if err := repo.Push(ctx, image, bytes.NewReader(manifest)); err != nil {
		log.Fatal(err)
	}
	if err := repo.Tag(ctx, image, "v1"); err != nil {
		log.Fatal(err)
	}

	m, err := repo.Manifest(ctx, image)
	if err != nil {
		log.Fatal(err)
	}
	config, err := repo.Fetch(ctx, m.Config)
	if err != nil {
		log.Fatal(err)
	}
	defer config.Close()
	data, err := io.ReadAll(config)
	fmt.Printf("%s %v\n", data, err)
	// Output: {} <nil>
}

// What is said anew takes the place of what was said before.
func ExampleRepository_Replace() {
	ctx := context.Background()
	server, repo, image := openDemo(ctx)
	defer server.Close()
	old := bundleOf(`{"sbom":"of last week"}`)
	if _, err := repo.Attach(ctx, image, old); err != nil {
		log.Fatal(err)
	}
	if _, err := repo.Replace(ctx, image, bundleOf(`{"sbom":"of today"}`), old); err != nil {
		log.Fatal(err)
	}
	for d, err := range repo.Evidence(ctx, image) {
		fmt.Println(string(d.Data), err)
	}
	// Output: {"sbom":"of today"} <nil>
}

// Prune removes evidence, Delete a manifest that is attached; Tree draws what is left.
func ExampleRepository_Prune() {
	ctx := context.Background()
	server, repo, image := openDemo(ctx)
	defer server.Close()
	one, two := bundleOf(`{"scan":1}`), bundleOf(`{"scan":2}`)
	attached, err := repo.Attach(ctx, image, one, two)
	if err != nil {
		log.Fatal(err)
	}
	would, err := repo.Prune(ctx, image, &registry.PruneOptions{DryRun: true}, one)
	fmt.Println("would remove", len(would), err)
	removed, err := repo.Prune(ctx, image, nil, one)
	fmt.Println("removed", len(removed), err)
	fmt.Println("deleted", repo.Delete(ctx, image, attached[1]))
	tree, err := repo.Tree(ctx, image)
	fmt.Println("left", strings.Count(tree, "\n")-1, err)
	// Output:
	// would remove 1 <nil>
	// removed 1 <nil>
	// deleted <nil>
	// left 0 <nil>
}

// What is attached is a manifest that refers to the image. A registry that lost its list of those gets it back.
func ExampleRepository_Referrers() {
	ctx := context.Background()
	server, repo, image := openDemo(ctx)
	defer server.Close()
	attached, err := repo.Attach(ctx, image, bundleOf(`{"what":"a signature"}`))
	if err != nil {
		log.Fatal(err)
	}
	repo.Forget() // as if the registry had been restored from a backup
	if err := repo.Repair(ctx, image, attached...); err != nil {
		log.Fatal(err)
	}
	for d, err := range repo.Referrers(ctx, image) {
		fmt.Println(d.ArtifactType, d.Digest == attached[0].Digest, err)
	}
	// Output: application/vnd.dev.sigstore.bundle.v0.3+json true <nil>
}

// Signatures of cosign's first format are read where Options ask for them.
func ExampleRepository_AttachCosign() {
	ctx := context.Background()
	server, repo, image := openDemo(ctx)
	defer server.Close()
	payload := []byte(`{"what":"a payload of simple signing"}`)
	signature := registry.Descriptor{
		MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Digest: digest.FromBytes(payload), Size: int64(len(payload)),
		Data:        payload,
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": "MEUCIQ=="},
	}
	if err := repo.AttachCosign(ctx, image, signature); err != nil {
		log.Fatal(err)
	}
	reader, err := registry.Open(server.Host()+"/demo/app", &registry.Options{CosignTags: true})
	if err != nil {
		log.Fatal(err)
	}
	for d, err := range reader.Evidence(ctx, image) {
		fmt.Println(d.MediaType, err)
	}
	// Output: application/vnd.dev.cosign.simplesigning.v1+json <nil>
}

// An index names the images of its platforms. What BuildKit wrote beside them is a claim that nobody signed.
func ExampleRepository_Children() {
	ctx := context.Background()
	server, repo, image := openDemo(ctx)
	defer server.Close()
	index := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[`+
		`{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":"arm64"}}]}`, image.MediaType,
		image.Digest, image.Size)
	d := registry.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromBytes(index), Size: int64(len(index))}
	if err := repo.Push(ctx, d, bytes.NewReader(index)); err != nil {
		log.Fatal(err)
	}
	children, err := repo.Children(ctx, d)
	if err != nil {
		log.Fatal(err)
	}
	for _, child := range children {
		fmt.Println(child.Platform.OS, child.Platform.Architecture)
		claims := 0
		for _, err := range repo.Claims(ctx, d, child) {
			if err != nil {
				log.Fatal(err)
			}
			claims++
		}
		fmt.Println(claims, "claims")
	}
	// Output:
	// linux arm64
	// 0 claims
}

// The same verbs work over any store of manifests and blobs, such as a directory.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "layout")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	backend, err := registry.Layout(dir)
	if err != nil {
		log.Fatal(err)
	}
	repo := registry.New(backend, nil)
	_, err = repo.Resolve(context.Background(), "v1")
	fmt.Println(errors.Is(err, registry.ErrNotFound))
	// Output: true
}

// A password that was turned down is fetched anew when the credential is asked for the next time.
func ExampleRejected() {
	password := "of yesterday"
	credential := func(ctx context.Context, host string) (registry.Credential, error) {
		if _, turnedDown := registry.Rejected(ctx); turnedDown {
			password = "of today"
		}
		return registry.Credential{Username: "ci", Password: password}, nil
	}
	server := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.TokenAuth("ci", "of today")}})
	defer server.Close()
	repo, err := registry.Open(server.Host()+"/demo/app:v1", &registry.Options{Credential: credential})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		_, err = repo.Resolve(context.Background(), "")
		fmt.Println(password+":", errors.Is(err, registry.ErrUnauthorized), errors.Is(err, registry.ErrNotFound))
	}
	// Output:
	// of yesterday: true false
	// of today: false true
}
