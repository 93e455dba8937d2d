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
// Cosign's tags .sig, .att and .sbom are copied where they exist, and replace those of the destination, as any tag does.
//
// Content goes first and what refers to it after, so that a copy that breaks off leaves nothing dangling, and content
// that is there already is not sent again.
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
	c := &copier{dst: dst, src: src, done: make(map[digest.Digest]bool), progress: opts.Progress}
	if err := c.graph(ctx, root, 0); err != nil {
		return Descriptor{}, err
	}
	if digest.Digest(reference).Validate() != nil {
		if err := dst.Tag(ctx, root, reference); err != nil {
			return Descriptor{}, err
		}
	}
	return root, nil
}

// CopyOptions change how Copy works. The zero value copies in silence.
type CopyOptions struct {
	// Progress is called when a manifest or blob has arrived, with how many there were until then and their bytes. Calls
	// do not overlap. What was there already counts like the rest.
	Progress func(d Descriptor, count int, bytes int64)
}

type copier struct {
	dst, src *Repository
	done     map[digest.Digest]bool
	progress func(d Descriptor, count int, bytes int64)
	count    int
	bytes    int64
}

func (c *copier) arrived(d Descriptor) {
	c.count++
	c.bytes += d.Size
	if c.progress != nil {
		c.progress(bare(d), c.count, c.bytes)
	}
}

// deepest is how far Copy follows children of children and referrers of referrers.
const deepest = 16

// graph copies a manifest, what it names, and what refers to it.
func (c *copier) graph(ctx context.Context, d Descriptor, depth int) error {
	if c.done[d.Digest] {
		return nil
	}
	if depth > deepest {
		return fmt.Errorf("registry: %w: manifests nested deeper than %d", ErrLimit, deepest)
	}
	c.done[d.Digest] = true
	data, err := c.src.fetchAll(ctx, d, c.src.limits.ManifestBytes)
	if err != nil {
		return err
	}
	if isIndex(d.MediaType) {
		index, err := parseIndex(data)
		if err != nil {
			return err
		}
		for _, child := range index.Manifests {
			if isManifest(child.MediaType) {
				err = c.graph(ctx, child, depth+1)
			} else {
				err = c.blob(ctx, child)
			}
			if err != nil {
				return err
			}
		}
	} else {
		m, err := parseManifest(data)
		if err != nil {
			return err
		}
		for _, blob := range append([]Descriptor{m.Config}, m.Layers...) {
			if err := c.blob(ctx, blob); err != nil {
				return err
			}
		}
	}
	if err := c.dst.Push(ctx, d, bytes.NewReader(data)); err != nil {
		return err
	}
	c.arrived(d)
	if err := c.cosign(ctx, d, depth); err != nil {
		return err
	}
	var referrers []Descriptor
	for r, err := range c.src.Referrers(ctx, d) {
		if err != nil {
			return err
		}
		referrers = append(referrers, r)
		if err := c.graph(ctx, r, depth+1); err != nil {
			return err
		}
	}
	// The destination's own listing: a copied fallback index would overwrite what others attached there.
	return c.dst.list(ctx, d, referrers)
}

// cosign copies what hangs on a manifest by cosign's tags.
func (c *copier) cosign(ctx context.Context, d Descriptor, depth int) error {
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		tag := fallbackTag(d.Digest) + suffix
		there, err := c.src.backend.Resolve(ctx, tag)
		if errors.Is(err, ErrNotFound) || err == nil && there.Digest == d.Digest {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.graph(ctx, there, depth+1); err != nil {
			return err
		}
		if err := c.dst.Tag(ctx, there, tag); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) blob(ctx context.Context, d Descriptor) error {
	if c.done[d.Digest] {
		return nil
	}
	c.done[d.Digest] = true
	if d.Digest == ocispec.DescriptorEmptyJSON.Digest {
		if err := c.dst.pushConfig(ctx); err != nil {
			return err
		}
		c.arrived(d)
		return nil
	}
	body, err := c.src.Fetch(ctx, d)
	if errors.Is(err, ErrNotFound) && len(d.URLs) > 0 {
		return nil // a layer that is not to be distributed stays where it is
	}
	if err != nil {
		return err
	}
	defer body.Close()
	if err := c.dst.Push(ctx, d, body); err != nil {
		return err
	}
	c.arrived(d)
	return nil
}
