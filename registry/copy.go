package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Copy copies a manifest and everything that belongs to it from src to dst: its configuration and layers, the manifests
// that an index names, all referrers of each of these, and theirs. The reference is as for Resolve; a tag is set in dst
// too. It returns the descriptor of the copied manifest.
//
// What hangs on cosign's tags .sig, .att and .sbom is copied where they exist, and added to what the destination has
// there.
//
// Content goes first and what refers to it after, so that a copy that breaks off leaves nothing dangling, and doing it
// again goes on where it ended: content that is there already is not sent again.
//
// An attachment that the source lists and does not have, or has damaged, does not hold up the rest. All such errors are
// returned together, beside the descriptor of the image, which has been copied then. So is the doubt whether there are
// attachments at all, where the source answers neither with a list nor as the specification says that it has none.
func Copy(ctx context.Context, dst, src *Repository, reference string, opts *CopyOptions) (Descriptor, error) {
	if opts == nil {
		opts = new(CopyOptions)
	}
	root, err := src.Resolve(ctx, reference)
	if err != nil {
		return Descriptor{}, err
	}
	if reference == "" {
		reference = src.reference
	}
	if reference == "" {
		reference = "latest"
	}
	c := &copier{dst: dst, src: src, manifests: make(map[digest.Digest]copied), blobs: make(map[digest.Digest]bool), progress: opts.Progress}
	if _, err := c.graph(ctx, root, 0); err != nil {
		return Descriptor{}, err
	}
	if digest.Digest(reference).Validate() != nil {
		if err := dst.Tag(ctx, root, reference); err != nil {
			return Descriptor{}, err
		}
	}
	if c.doubt != nil && !src.tagged.Load() {
		c.left = append(c.left, c.doubt)
	}
	return root, errors.Join(c.left...)
}

// CopyOptions change how Copy works. The zero value copies in silence.
type CopyOptions struct {
	// Progress is called when a manifest or blob has arrived, with how many there were until then and their bytes. Calls
	// do not overlap. What was there already counts like the rest.
	Progress func(d Descriptor, count int, bytes int64)
}

// An exister is a Backend that tells whether it has content, undamaged. To others everything is sent.
type exister interface {
	Exists(ctx context.Context, d Descriptor) (bool, error)
}

type copier struct {
	dst, src *Repository
	// What has been copied. Their own, because one digest may be a blob here and a manifest there.
	manifests map[digest.Digest]copied
	blobs     map[digest.Digest]bool
	tried     int // manifests
	progress  func(d Descriptor, count int, bytes int64)
	count     int
	bytes     int64
	left      []error // attachments that could not be copied
	doubt     error   // whether there are others
}

// copied is a manifest in the destination, described as it describes itself.
type copied struct {
	Descriptor
	subject digest.Digest // or none
}

func (c *copier) arrived(d Descriptor) {
	c.count++
	c.bytes += d.Size
	if c.progress != nil {
		c.progress(bare(d), c.count, c.bytes)
	}
}

// How far Copy follows children of children and referrers of referrers, and how many manifests it looks at: that many
// times Limits.Referrers of the source.
const (
	deepest    = 16
	widestCopy = 64
)

var errTooMany = fmt.Errorf("%w: too many manifests to copy", ErrLimit)

// graph copies a manifest, what it names, and what refers to it.
func (c *copier) graph(ctx context.Context, d Descriptor, depth int) (copied, error) {
	if there, ok := c.manifests[d.Digest]; ok {
		return there, nil
	}
	if depth > deepest {
		return copied{}, fmt.Errorf("registry: %w: manifests nested deeper than %d", ErrLimit, deepest)
	}
	if c.tried++; c.tried > widestCopy*c.src.limits.Referrers {
		return copied{}, fmt.Errorf("registry: %w", errTooMany)
	}
	data, err := c.src.fetchListed(ctx, d, c.src.limits.ManifestBytes)
	if err != nil {
		return copied{}, err
	}
	self := copied{Descriptor: bare(d)}
	var subject *Descriptor
	if indexed(data) {
		index, err := parseIndex(data)
		if err != nil {
			return copied{}, err
		}
		for _, child := range index.Manifests {
			if isManifest(child.MediaType) {
				_, err = c.graph(ctx, child, depth+1)
			} else {
				err = c.blob(ctx, child)
			}
			if err != nil {
				return copied{}, err
			}
		}
		self.ArtifactType, self.Annotations, subject = index.ArtifactType, index.Annotations, index.Subject
	} else {
		m, err := parseManifest(data)
		if err != nil {
			return copied{}, err
		}
		for _, blob := range append([]Descriptor{m.Config}, m.Layers...) {
			if err := c.blob(ctx, blob); err != nil {
				return copied{}, err
			}
		}
		self.ArtifactType, self.Annotations, subject = artifactType(m), m.Annotations, m.Subject
	}
	if subject != nil {
		self.subject = subject.Digest
	}
	if err := c.dst.Push(ctx, d, bytes.NewReader(data)); err != nil {
		return copied{}, err
	}
	c.manifests[d.Digest] = self
	c.arrived(d)
	if err := c.cosign(ctx, d, depth); err != nil {
		return self, err
	}
	return self, c.referrers(ctx, d, depth)
}

// referrers copies what refers to a manifest.
func (c *copier) referrers(ctx context.Context, d Descriptor, depth int) error {
	var list []Descriptor
	for r, err := range c.src.listedSurely(ctx, d) {
		if doubt := (*doubtError)(nil); errors.As(err, &doubt) {
			c.doubt = err
			break
		}
		if err != nil {
			return err
		}
		there, err := c.graph(ctx, r, depth+1)
		if there.Digest != "" && there.subject != d.Digest {
			err = errors.Join(err, fmt.Errorf("registry: %w: its subject is not what lists it", ErrMalformed))
		} else if there.Digest != "" {
			// As the manifest says, not as the source lists it: other clients choose by artifact type.
			list = append(list, there.Descriptor)
		}
		if err != nil {
			if err = c.leave(err, r, d); err != nil {
				return err
			}
		}
	}
	// The destination's own listing: a copied fallback index would overwrite what others attached there.
	_, err := c.dst.list(ctx, d, list)
	return err
}

// leave notes an attachment that is damaged or not there. It returns errors that are not the attachment's alone.
func (c *copier) leave(err error, d, subject Descriptor) error {
	if errors.Is(err, errTooMany) {
		return err
	}
	for _, kind := range []error{ErrNotFound, ErrDigest, ErrMalformed, ErrLimit} {
		if errors.Is(err, kind) {
			c.left = append(c.left, fmt.Errorf("registry: copy %s, attached to %s: %w", d.Digest, subject.Digest, err))
			return nil
		}
	}
	return err
}

// cosign copies what hangs on a manifest by cosign's tags.
func (c *copier) cosign(ctx context.Context, d Descriptor, depth int) error {
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		for there, err := range c.src.underCosignTags(ctx, d, suffix) {
			if err != nil {
				return err
			}
			if _, err := c.graph(ctx, there, depth+1); err != nil {
				if err = c.leave(err, there, d); err != nil {
					return err
				}
				continue
			}
			if err := c.tagLayers(ctx, there, d, fallbackTag(d.Digest)+suffix); err != nil {
				return err
			}
		}
	}
	return nil
}

// tagLayers tags a manifest in the destination, or adds its layers to those of the manifest that has the tag there.
func (c *copier) tagLayers(ctx context.Context, d, subject Descriptor, tag string) error {
	there, err := c.dst.backend.Resolve(ctx, tag)
	if errors.Is(err, ErrNotFound) || err == nil && there.Digest == subject.Digest {
		return c.dst.Tag(ctx, d, tag)
	}
	if err != nil || there.Digest == d.Digest {
		return err
	}
	m, err := c.src.Manifest(ctx, d)
	if err != nil {
		return err
	}
	return c.dst.settle(ctx, tag,
		func(ctx context.Context) (tagged, error) { return c.dst.readTagAbout(ctx, tag, subject) },
		func(data []byte) ([]byte, error) { return c.dst.addLayers(ctx, data, m.Layers) })
}

func (c *copier) blob(ctx context.Context, d Descriptor) error {
	if c.blobs[d.Digest] {
		return nil
	}
	if err := valid(d); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := c.sendBlob(ctx, d); err != nil {
		return err
	}
	c.blobs[d.Digest] = true
	c.arrived(d)
	return nil
}

func (c *copier) sendBlob(ctx context.Context, d Descriptor) error {
	if d.Digest == ocispec.DescriptorEmptyJSON.Digest {
		return c.dst.pushConfig(ctx)
	}
	if e, ok := c.dst.backend.(exister); ok {
		if there, err := e.Exists(ctx, d); there || err != nil {
			return err
		}
	}
	body, err := c.src.Fetch(ctx, d)
	if errors.Is(err, ErrNotFound) && len(d.URLs) > 0 {
		return nil // a layer that is not to be distributed stays where it is
	}
	if err != nil {
		return err
	}
	defer body.Close()
	return c.dst.Push(ctx, d, body)
}
