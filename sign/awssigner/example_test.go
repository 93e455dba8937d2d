package awssigner_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An SBOM under AWS Signer: attach it as an artifact, sign the artifact, attach the signature to it.
func Example() {
	cloud, err := awstest.New(nil) // in place of AWS
	if err != nil {
		log.Fatal(err)
	}
	defer cloud.Close()
	profileARN, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	ctx := context.Background()
	repo, image := layoutWithImage(ctx)

	s, err := awssigner.New(signer.NewFromConfig(cloud.Config()), profileARN)
	if err != nil {
		log.Fatal(err)
	}
	document := []byte(`{"bomFormat":"CycloneDX","specVersion":"1.5"}`)
	sbom := sign.Descriptor{MediaType: "application/vnd.cyclonedx+json", Digest: digest.FromBytes(document),
		Size: int64(len(document)), Data: document}

	artifacts, err := repo.Attach(ctx, image, sbom)
	if err != nil {
		log.Fatal(err)
	}
	evidence, err := s.Sign(ctx, sign.About(artifacts[0], sign.ImageSignature{}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := repo.Attach(ctx, artifacts[0], evidence); err != nil {
		log.Fatal(err)
	}

	for d, err := range repo.Referrers(ctx, image) {
		fmt.Println(d.ArtifactType, err)
		for d, err := range repo.Referrers(ctx, d) {
			fmt.Println("  signed:", d.ArtifactType, err)
		}
	}
	fmt.Println("calls:", cloud.Calls())
	// Output:
	// application/vnd.cyclonedx+json <nil>
	//   signed: application/vnd.cncf.notary.signature <nil>
	// calls: map[signer:SignPayload:1]
}

func ExampleNew() {
	_, err := awssigner.New(signer.New(signer.Options{}), "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/release/AbCdEfGhIj")
	fmt.Println(err)
	// Output:
	// awssigner: signing profile cannot be used: "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/release/AbCdEfGhIj": signing is with a profile, not with a version of it: leave out the last part
}

// layoutWithImage returns a repository in a directory, with an image in it.
func layoutWithImage(ctx context.Context) (*registry.Repository, sign.Descriptor) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	repo, err := registry.OpenLayout(dir)
	if err != nil {
		log.Fatal(err)
	}
	push := func(mediaType, text string) sign.Descriptor {
		d := sign.Descriptor{MediaType: mediaType, Digest: digest.FromString(text), Size: int64(len(text))}
		if err := repo.Push(ctx, d, strings.NewReader(text)); err != nil {
			log.Fatal(err)
		}
		return d
	}
	config := push(ocispec.MediaTypeImageConfig, `{"architecture":"arm64","os":"linux"}`)
	return repo, push(ocispec.MediaTypeImageManifest,
		fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
			ocispec.MediaTypeImageManifest, config.MediaType, config.Digest, config.Size))
}
