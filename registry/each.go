package registry

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
)

// maxEach bounds the manifests that AttachEach attaches to: the largest official images are for about 16 platforms.
const maxEach = 256

// AttachEach attaches to a subject and, if it is an index, to each image that it names what content returns for it: one call signs an index
// and its platforms.
//
//	attached, err := repo.AttachEach(ctx, image, func(ctx context.Context, d registry.Descriptor) ([]registry.Descriptor, error) {
//		signature, err := signer.Sign(ctx, sign.About(d, sign.ImageSignature{}))
//		return []registry.Descriptor{signature}, err
//	})
//
// An index in an index is gone through as well, an image that stands for several platforms is asked for once, and BuildKit's attestation
// manifests, which are no images, never. Content may return nothing, as for the SBOM of an index, which has no packages of its own.
//
// Everything is made before anything is attached, so that an error of content leaves all as it was. The subjects come back in the order in
// which they were attached to, images first and the index that names them last: who finds the index signed, finds its images signed. Errors
// are those of [Repository.Children], of content, and of [Repository.Attach], and name the digest; beside one, the subjects are those that
// have theirs.
func (r *Repository) AttachEach(
	ctx context.Context, subject Descriptor, content func(ctx context.Context, d Descriptor) ([]Descriptor, error),
) (attached []Descriptor, err error) {
	subjects, err := r.withChildren(ctx, subject, map[digest.Digest]bool{})
	if err != nil {
		return nil, err
	}
	var contents [][]Descriptor
	for _, d := range subjects {
		list, err := content(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("registry: what is attached to %s: %w", d.Digest, err)
		}
		contents = append(contents, list)
	}
	for i, d := range subjects {
		if len(contents[i]) == 0 {
			continue
		}
		if _, err := r.Attach(ctx, d, contents[i]...); err != nil {
			return attached, fmt.Errorf("registry: attaching to %s: %w", d.Digest, err)
		}
		attached = append(attached, d)
	}
	return attached, nil
}

// withChildren returns what an index names, its own members first, and then the subject.
func (r *Repository) withChildren(ctx context.Context, subject Descriptor, seen map[digest.Digest]bool) (list []Descriptor, err error) {
	if seen[subject.Digest] {
		return nil, nil
	}
	if seen[subject.Digest] = true; len(seen) > maxEach {
		return nil, fmt.Errorf("registry: %w: an index of more than %d images", ErrLimit, maxEach)
	}
	children, err := r.Children(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("registry: the images of %s: %w", subject.Digest, err)
	}
	for _, child := range children {
		below, err := r.withChildren(ctx, child, seen)
		if err != nil {
			return nil, err
		}
		list = append(list, below...)
	}
	return append(list, subject), nil
}
