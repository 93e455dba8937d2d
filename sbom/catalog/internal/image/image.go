// Package image reads container images: which one is meant, its manifest and configuration, and its layers, checked against what they
// are called by. A [Source] has them; [Local] is one, of a layout or archive.
package image

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// An Image is an image's manifest and configuration.
type Image struct {
	Descriptor ocispec.Descriptor
	Name       string // that it is stored under
	Manifest   ocispec.Manifest
	Archive    bool // of docker save: it has no manifest
	Config     ocispec.Image
}

// Kinds of failure, for errors.Is.
var (
	ErrNotImage  = errors.New("not an image")               // of a form that is known
	ErrDigest    = errors.New("content has another digest") // than the image says
	ErrTruncated = errors.New("content is cut short")
	ErrLimit     = rootfs.ErrLimit                         // of size, number of files, or compression
	ErrPlatform  = errors.New("no image for the platform") // in an index
	ErrNotFound  = errors.New("no image of that name")
	ErrAmbiguous = errors.New("several images: name one by its tag or digest")
)

// A Source fetches what an image is made of. The reader need not check the content: that is done here.
type Source interface {
	Fetch(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)
}

const maxManifest = 8 << 20 // bytes of a manifest, index or configuration

// What Docker and containerd have beside OCI.
const (
	containerdName = "io.containerd.image.name"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// fetch reads a small blob and checks it.
func fetch(ctx context.Context, src Source, d ocispec.Descriptor) ([]byte, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("%w: digest %q: %w", ErrNotImage, d.Digest, err)
	}
	if d.Size > maxManifest {
		return nil, fmt.Errorf("%w: %s has %d bytes, more than %d", ErrLimit, d.Digest, d.Size, maxManifest)
	}
	r, err := src.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Digest, err)
	}
	if int64(len(data)) < d.Size {
		return nil, fmt.Errorf("%w: %s", ErrTruncated, d.Digest)
	}
	if int64(len(data)) != d.Size || d.Digest.Algorithm().FromBytes(data) != d.Digest {
		return nil, fmt.Errorf("%w: %s", ErrDigest, d.Digest)
	}
	return data, nil
}

// Read reads an image's manifest, by way of an index that has one for the platform if root is one, and its configuration.
func Read(ctx context.Context, src Source, root ocispec.Descriptor, platform ocispec.Platform) (*Image, error) {
	im := &Image{Descriptor: root, Name: cmp.Or(root.Annotations[containerdName], root.Annotations[ocispec.AnnotationRefName])}
	if l, ok := src.(*Local); ok && l.manifests[root.Digest] != nil {
		im.Manifest, im.Archive = *l.manifests[root.Digest], true
		return im, im.configure(ctx, src)
	}
	for range 4 { // an index may hold an index
		data, err := fetch(ctx, src, im.Descriptor)
		if err != nil {
			return nil, err
		}
		var kind members
		if err := json.Unmarshal(data, &kind); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrNotImage, im.Descriptor.Digest, err)
		}
		mediaType := cmp.Or(kind.MediaType, im.Descriptor.MediaType)
		if mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList || mediaType == "" && kind.Manifests != nil {
			next, err := choose(ctx, src, kind.Manifests, platform)
			if err != nil {
				return nil, err
			}
			im.Descriptor = next
			continue
		}
		if what := kind.artifact(); what != "" && kind.Subject == nil {
			return nil, fmt.Errorf("%w: %s is %s", ErrNotImage, im.Descriptor.Digest, what)
		}
		if mediaType != ocispec.MediaTypeImageManifest && mediaType != dockerManifest && !(mediaType == "" && kind.Layers != nil) {
			return nil, fmt.Errorf("%w: %s is of type %q", ErrNotImage, im.Descriptor.Digest, mediaType)
		}
		if err := json.Unmarshal(data, &im.Manifest); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrNotImage, im.Descriptor.Digest, err)
		}
		return im, im.configure(ctx, src)
	}
	return nil, fmt.Errorf("%w: indexes in indexes", ErrNotImage)
}

// configure reads the configuration.
func (im *Image) configure(ctx context.Context, src Source) error {
	config, err := fetch(ctx, src, im.Manifest.Config)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(config, &im.Config); err != nil {
		return fmt.Errorf("%w: configuration: %w", ErrNotImage, err)
	}
	if n := len(im.Config.RootFS.DiffIDs); n != len(im.Manifest.Layers) {
		return fmt.Errorf("%w: %d layers, and a configuration that knows %d", ErrNotImage, len(im.Manifest.Layers), n)
	}
	return nil
}
