package catalog

import (
	"context"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom/catalog/internal/image"
)

// Local is a file or directory with images in it: a [Source]. It is safe for concurrent use.
type Local struct {
	// Images are what can be given to [Image], at least one, in the order of the file. Their annotations say what they
	// are called, where that is known: org.opencontainers.image.ref.name. Signatures, SBOMs and lists of them, which lie
	// beside images in layouts, are not here, nor are the members of an index that is. [Local.Find] chooses.
	Images []ocispec.Descriptor

	local image.Local
}

// Open opens an OCI layout directory, a tar archive of one, or an archive of docker save; which one, it finds out.
// A compressed archive is unpacked to a temporary file. Errors wrap [ErrNotImage], [ErrTruncated], [ErrLimit] and those of the file system.
func Open(name string) (*Local, error) {
	l := new(Local)
	if err := l.local.Open(name); err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	l.Images = l.local.Images
	return l, nil
}

// Close closes the file. Nothing can be fetched any more.
func (l *Local) Close() error { return l.local.Close() }

// Fetch opens content. It is not checked.
func (l *Local) Fetch(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	return l.local.Fetch(ctx, d)
}

// Find returns one of the images, for [Image]. The reference is a tag ("v1"), a name as it is stored or as docker
// shortens it ("ghcr.io/acme/app:v1", "alpine:3.20"), or a digest, also of an image inside an index. An empty one stands
// for the only image or, among several, for the only one that has a name. A platform that is not zero takes the image for
// it, from an index or among several images of the same name.
//
// Errors wrap [ErrNotFound], [ErrAmbiguous], [ErrPlatform], [ErrNotImage] for an artifact's digest, and those of damaged content.
func (l *Local) Find(reference string, platform ocispec.Platform) (ocispec.Descriptor, error) {
	d, err := l.local.Find(context.Background(), reference, platform)
	if err != nil {
		return d, fmt.Errorf("catalog: %w", err)
	}
	return d, nil
}
