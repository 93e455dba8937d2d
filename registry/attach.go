package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// An AttachError says how far Attach came.
type AttachError struct {
	Subject Descriptor
	Pushed  []Descriptor // manifests that are in the repository, though perhaps not listed: give them to Repair
	Err     error
}

func (e *AttachError) Error() string {
	return fmt.Sprintf("registry: attach to %s (%d manifests pushed): %v", e.Subject.Digest, len(e.Pushed), e.Err)
}
func (e *AttachError) Unwrap() error { return e.Err }

// ErrContended says that other writers kept replacing the index of referrers. Only that step is left to do: Repair.
var ErrContended = errors.New("index of referrers stays contended")

// How often a listing is read until it shows what was attached, and how often a fallback index is written.
const (
	listingTries = 5
	indexTries   = 40
	indexSeen    = 2 // times in a row that a fallback index must show what was added to it
)

// Attach stores each content, a Descriptor with Data, as a referrer of the subject: an artifact manifest with one layer
// and the content's ArtifactType and Annotations (OCI image specification 1.1, manifest.md). It returns the manifests'
// descriptors in the order of content, and only when the repository lists them: by the referrers API, or in the
// fallback tag where that API does not exist or does not show them.
//
// The fallback tag has no lock. Attach merges with what others write, reads back, and repeats until its entries stay;
// a writer that pauses for longer than that between reading and writing can still remove them, which Repair mends.
//
// Errors are *AttachError. Attaching the same content again is harmless.
func (r *Repository) Attach(ctx context.Context, subject Descriptor, content ...Descriptor) ([]Descriptor, error) {
	fail := func(pushed []Descriptor, err error) ([]Descriptor, error) {
		return nil, &AttachError{Subject: bare(subject), Pushed: pushed, Err: err}
	}
	if err := valid(subject); err != nil {
		return fail(nil, err)
	}
	manifests := make([]Descriptor, len(content))
	bodies := make([][]byte, len(content))
	for i, c := range content {
		var err error
		if manifests[i], bodies[i], err = artifact(subject, c); err != nil {
			return fail(nil, err)
		}
	}
	blobs, blobCtx := errgroup.WithContext(ctx)
	blobs.SetLimit(8)
	if len(content) > 0 {
		blobs.Go(func() error { return r.pushConfig(blobCtx) })
	}
	for _, c := range content {
		blobs.Go(func() error { return r.backend.Push(blobCtx, bare(c), bytes.NewReader(c.Data), "") })
	}
	if err := blobs.Wait(); err != nil {
		return fail(nil, err)
	}
	var (
		pushed []Descriptor
		done   = make([]bool, len(content))
		g, gc  = errgroup.WithContext(ctx)
	)
	g.SetLimit(8)
	for i, m := range manifests {
		g.Go(func() error {
			err := r.backend.Push(gc, bare(m), bytes.NewReader(bodies[i]), "")
			done[i] = err == nil
			return err
		})
	}
	err := g.Wait()
	for i, m := range manifests {
		if done[i] {
			pushed = append(pushed, m)
		}
	}
	if err != nil {
		return fail(pushed, err)
	}
	if err := r.list(ctx, subject, manifests); err != nil {
		return fail(pushed, err)
	}
	return manifests, nil
}

// Repair makes the repository list manifests that are in it as referrers of the subject, where it does not. It takes
// what Attach returned, or the Pushed of its error.
func (r *Repository) Repair(ctx context.Context, subject Descriptor, manifests ...Descriptor) error {
	if err := valid(subject); err != nil {
		return err
	}
	return r.list(ctx, subject, manifests)
}

// artifact returns the manifest that carries content to a subject, as cosign v3 lays it out.
func artifact(subject, content Descriptor) (Descriptor, []byte, error) {
	if len(content.Data) == 0 {
		return Descriptor{}, nil, fmt.Errorf("%w: content without data", ErrInvalid)
	}
	if content.MediaType == "" {
		return Descriptor{}, nil, fmt.Errorf("%w: content without media type", ErrInvalid)
	}
	if err := valid(content); err != nil {
		return Descriptor{}, nil, err
	}
	if content.Size != int64(len(content.Data)) || content.Digest.Algorithm().FromBytes(content.Data) != content.Digest {
		return Descriptor{}, nil, fmt.Errorf("%w: of %s, to be attached", ErrDigest, content.Digest)
	}
	kind := content.ArtifactType
	if kind == "" {
		kind = content.MediaType
	}
	target := bare(subject)
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: kind,
		Config:       bare(ocispec.DescriptorEmptyJSON),
		Layers:       []Descriptor{bare(content)},
		Subject:      &target,
		Annotations:  content.Annotations,
	}
	data, err := json.Marshal(m)
	if err != nil {
		return Descriptor{}, nil, err
	}
	return Descriptor{
		MediaType: m.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data)),
		ArtifactType: kind, Annotations: maps.Clone(content.Annotations),
	}, data, nil
}

func (r *Repository) pushConfig(ctx context.Context) error {
	if _, ok := r.config.Load(struct{}{}); ok {
		return nil
	}
	err := r.backend.Push(ctx, bare(ocispec.DescriptorEmptyJSON), bytes.NewReader(ocispec.DescriptorEmptyJSON.Data), "")
	if err == nil {
		r.config.Store(struct{}{}, nil)
	}
	return err
}

// list returns when the repository lists all of manifests as referrers of subject.
func (r *Repository) list(ctx context.Context, subject Descriptor, manifests []Descriptor) error {
	if len(manifests) == 0 {
		return nil
	}
	for try := range listingTries {
		if try > 0 && !sleep(ctx, jitter(try)) {
			return context.Cause(ctx)
		}
		missing := slices.Clone(manifests)
		for d, err := range r.backend.Referrers(ctx, bare(subject)) {
			if errors.Is(err, ErrUnsupported) {
				return r.listByTag(ctx, subject, manifests)
			}
			if err != nil {
				return err
			}
			missing = slices.DeleteFunc(missing, func(m Descriptor) bool { return m.Digest == d.Digest })
		}
		if len(missing) == 0 {
			return nil
		}
	}
	// There is an API, and it does not show what was pushed: it may be one that always answers with an empty list.
	return r.listByTag(ctx, subject, manifests)
}

func jitter(try int) time.Duration {
	return 5*time.Millisecond + rand.N(5*time.Millisecond<<min(try, 5))
}

// A conditionalPusher can replace a tag only if it still points to what was read (RFC 9110, section 13.1.1).
type conditionalPusher interface {
	// pushIf is Push on condition that tag still points to old; ErrContended says that it did not.
	pushIf(ctx context.Context, d Descriptor, content []byte, tag string, old Descriptor) error
}

// listByTag adds manifests to the fallback index and returns when they stay there.
func (r *Repository) listByTag(ctx context.Context, subject Descriptor, manifests []Descriptor) error {
	tag := fallbackTag(subject.Digest)
	seen := 0
	for try := range indexTries {
		if try > 0 && !sleep(ctx, jitter(try)) {
			return context.Cause(ctx)
		}
		current, data, err := r.fallbackIndex(ctx, subject)
		if err != nil {
			return err
		}
		merged, err := addToIndex(data, manifests)
		if err != nil {
			return err
		}
		if bytes.Equal(merged, data) {
			if seen++; seen == indexSeen {
				return nil
			}
			continue
		}
		seen = 0
		if int64(len(merged)) > r.limits.ManifestBytes {
			return fmt.Errorf("registry: %w: the index of referrers would have more than %d bytes", ErrLimit, r.limits.ManifestBytes)
		}
		d := Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromBytes(merged), Size: int64(len(merged))}
		if c, ok := r.backend.(conditionalPusher); ok {
			err = c.pushIf(ctx, d, merged, tag, current)
		} else {
			err = r.backend.Push(ctx, d, bytes.NewReader(merged), tag)
		}
		if err != nil && !errors.Is(err, ErrContended) {
			return err
		}
	}
	return fmt.Errorf("registry: %w: %s, after %d tries", ErrContended, tag, indexTries)
}

// fallbackIndex returns the fallback index of a subject, nil bytes if there is none.
func (r *Repository) fallbackIndex(ctx context.Context, subject Descriptor) (Descriptor, []byte, error) {
	d, err := r.backend.Resolve(ctx, fallbackTag(subject.Digest))
	if errors.Is(err, ErrNotFound) {
		return Descriptor{}, nil, nil
	}
	if err != nil {
		return Descriptor{}, nil, err
	}
	if d.MediaType != ocispec.MediaTypeImageIndex || d.Digest == subject.Digest {
		return Descriptor{}, nil, nil // some registries resolve the tag to the subject itself
	}
	data, err := r.fetchAll(ctx, d, r.limits.ManifestBytes)
	if errors.Is(err, ErrNotFound) {
		return Descriptor{}, nil, nil // replaced in between
	}
	return d, data, err
}
