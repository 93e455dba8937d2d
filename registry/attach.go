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

// errBlobUnknown says that a manifest names a blob that the registry does not know.
var errBlobUnknown = errors.New("blob unknown")

// How often a listing is read until it shows what was attached, and how often a fallback index is written.
const (
	listingTries  = 5
	slowTries     = 9 // when the listing shows others, so that nobody would look elsewhere
	indexTries    = 40
	indexFailures = 5 // in a row that reading it may fail
	indexSeen     = 2 // times in a row that a fallback index must show what was added to it
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
	if subject.MediaType == "" || subject.Size == 0 {
		// It would be part of the manifest, and not what others know the subject by.
		return fail(nil, fmt.Errorf("%w: subject %s without media type or size: Resolve gives both", ErrInvalid, subject.Digest))
	}
	manifests := make([]Descriptor, len(content))
	bodies := make([][]byte, len(content))
	for i, c := range content {
		var err error
		if !r.findable(c) {
			return fail(nil, fmt.Errorf("%w: evidence of type %s under artifact type %.80q would not be found again: leave ArtifactType empty, or name it in Options.EvidenceTypes",
				ErrInvalid, c.MediaType, c.ArtifactType))
		}
		if manifests[i], bodies[i], err = artifact(subject, c); err != nil {
			return fail(nil, err)
		}
	}
	// The configuration goes first and alone, so that one request logs in for all.
	if len(content) > 0 {
		if err := r.pushConfig(ctx); err != nil {
			return fail(nil, err)
		}
	}
	blobs, blobCtx := errgroup.WithContext(ctx)
	blobs.SetLimit(8)
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
			err := r.pushManifest(gc, m, bodies[i])
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
	listed := slices.Clone(manifests)
	for i := range listed {
		listed[i].Data = bodies[i]
	}
	if err := r.list(ctx, subject, listed); err != nil {
		return fail(pushed, err)
	}
	return manifests, nil
}

// Repair makes the repository list manifests that are in it as referrers of the subject, where it does not: in the
// fallback tag, or, where the referrers API has lost them, by pushing them again. It takes what Attach returned, or the
// Pushed of its error.
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
	target, layer := bare(subject), bare(content)
	if content.MediaType == typeSimpleSigning {
		layer.Annotations = content.Annotations // the signature, which is read from beside the payload
	}
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: kind,
		Config:       bare(ocispec.DescriptorEmptyJSON),
		Layers:       []Descriptor{layer},
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
	if r.config.Load() {
		return nil
	}
	err := r.backend.Push(ctx, bare(ocispec.DescriptorEmptyJSON), bytes.NewReader(ocispec.DescriptorEmptyJSON.Data), "")
	if err == nil {
		r.config.Store(true)
	}
	return err
}

// pushManifest pushes a manifest whose blobs were pushed. Registries that are not consistent at once (distribution 2 on a
// disk, while others push the same blob) may not know them yet, and are asked again.
func (r *Repository) pushManifest(ctx context.Context, d Descriptor, data []byte) error {
	for try := 1; ; try++ {
		err := r.backend.Push(ctx, bare(d), bytes.NewReader(data), "")
		if err == nil || try == listingTries || !errors.Is(err, errBlobUnknown) || !sleep(ctx, jitter(try)) {
			return err
		}
	}
}

// list returns when the repository lists all of manifests, which may have their Data, as referrers of subject.
func (r *Repository) list(ctx context.Context, subject Descriptor, manifests []Descriptor) error {
	if len(manifests) == 0 {
		return nil
	}
	defer r.cache.forget(listingKey(r.name, subject.Digest))
	listed := 0
	var missing []Descriptor
	for try := 0; try < listingTries || listed > 0 && try < slowTries; try++ {
		if try > 0 && !sleep(ctx, jitter(try)<<max(0, try-listingTries)) {
			return ended(ctx)
		}
		if try >= listingTries-1 {
			// The registry may have lost them from its own list, in a race with the others.
			for _, m := range missing {
				if err := r.pushAgain(ctx, m); err != nil {
					return err
				}
			}
		}
		listed, missing = 0, slices.Clone(manifests)
		for d, err := range r.backend.Referrers(ctx, bare(subject)) {
			if errors.Is(err, ErrUnsupported) {
				return r.listByTag(ctx, subject, manifests)
			}
			if err != nil {
				return err
			}
			listed++
			missing = slices.DeleteFunc(missing, func(m Descriptor) bool { return m.Digest == d.Digest })
			if len(missing) == 0 {
				return nil
			}
		}
	}
	if listed > 0 {
		// Whoever gets a list looks no further, so the fallback tag would not help.
		return fmt.Errorf("registry: %w: the referrers API lists %d others on %s, and not what was attached: Repair tries it again",
			ErrUnavailable, listed, subject.Digest)
	}
	// There is an API, and it does not show what was pushed: it may be one that always answers with an empty list.
	return r.listByTag(ctx, subject, manifests)
}

// pushAgain pushes a manifest that was pushed.
func (r *Repository) pushAgain(ctx context.Context, d Descriptor) error {
	data, err := r.fetchAll(ctx, d, r.limits.ManifestBytes)
	if err != nil {
		return err
	}
	return r.backend.Push(ctx, bare(d), bytes.NewReader(data), "")
}

func jitter(try int) time.Duration {
	return 5*time.Millisecond + rand.N(5*time.Millisecond<<min(try, 5))
}

// A tagged manifest, as it was read.
type tagged struct {
	desc Descriptor
	data []byte // nil if there is nothing to keep
	etag string
}

// A tagReader is a Backend that reads what a tag points to in one go, and can replace it on condition that it still
// does (RFC 9110, section 13.1.1). Others are asked twice, and take what comes.
type tagReader interface {
	readTag(ctx context.Context, tag string) (tagged, error)
	// pushIf is Push under a tag that still points to old; ErrContended says that it did not.
	pushIf(ctx context.Context, d Descriptor, content []byte, tag string, old tagged) error
}

// readTag returns the manifest under a tag. Data of a tag that is not there, or was replaced in between, is nil.
func (r *Repository) readTag(ctx context.Context, tag string) (tagged, error) {
	if b, ok := r.backend.(tagReader); ok {
		return b.readTag(ctx, tag)
	}
	d, err := r.backend.Resolve(ctx, tag)
	if err == nil {
		var data []byte
		if data, err = r.fetchAll(ctx, d, r.limits.ManifestBytes); err == nil {
			return tagged{desc: d, data: data}, nil
		}
	}
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return tagged{}, err
}

// settle changes what a tag points to, among others who do the same, and returns when a change is no longer needed
// twice in a row. The change is nil bytes for nothing there.
func (r *Repository) settle(ctx context.Context, tag string, read func(context.Context) (tagged, error), change func([]byte) ([]byte, error)) error {
	defer r.cache.forget(manifestKey(r.name, tag))
	var (
		seen    int
		failed  int // reads in a row
		unknown int // writes
		need    = indexSeen
		written []byte
		there   bool          // there was something under the tag
		slowest time.Duration // of the requests so far
		refused error         // by the registry, of the last write
	)
	for try := range indexTries {
		if try > 0 {
			// Whoever read before we wrote has to have written before we look again, so a slow registry takes longer.
			if !sleep(ctx, jitter(try)+slowest+rand.N(2*slowest+1)) {
				return fmt.Errorf("registry: %w: %s: %w", ErrContended, tag, context.Cause(ctx))
			}
		}
		start := time.Now()
		current, err := read(ctx)
		slowest = max(slowest, time.Since(start))
		// While another writes the tag, distribution 2 on a disk answers 500, or that there is nothing.
		if (errors.Is(err, ErrUnavailable) || err == nil && current.data == nil && there) && failed < indexFailures && ctx.Err() == nil {
			failed++
			need = indexSeen + 1
			continue
		}
		if err != nil {
			return err
		}
		failed, there = 0, there || current.data != nil
		if written != nil && !bytes.Equal(written, current.data) {
			need = indexSeen + 1 // others are at it
		}
		changed, err := change(current.data)
		if err != nil {
			return err
		}
		if bytes.Equal(changed, current.data) {
			if seen++; seen == need || try == 0 && current.data == nil {
				return nil
			}
			continue
		}
		seen = 0
		if int64(len(changed)) > r.limits.ManifestBytes {
			return fmt.Errorf("registry: %w: %s would have more than %d bytes", ErrLimit, tag, r.limits.ManifestBytes)
		}
		d := Descriptor{MediaType: manifestType(changed), Digest: digest.FromBytes(changed), Size: int64(len(changed))}
		start = time.Now()
		if b, ok := r.backend.(tagReader); ok {
			err = b.pushIf(ctx, d, changed, tag, current)
		} else {
			err = r.backend.Push(ctx, d, bytes.NewReader(changed), tag)
		}
		slowest = max(slowest, time.Since(start))
		switch {
		case err == nil:
			there, written = true, changed
		case errors.Is(err, errBlobUnknown) && unknown < indexFailures:
			unknown++ // as in pushManifest
		case !errors.Is(err, ErrContended):
			return err
		}
		refused = err
	}
	err := fmt.Errorf("registry: %w: %s, after %d tries", ErrContended, tag, indexTries)
	if refused != nil {
		err = fmt.Errorf("%w: %w", err, refused) // not every 412 comes of others: a tag may be immutable
	}
	return err
}

// listByTag adds manifests to the fallback index and returns when they stay there.
func (r *Repository) listByTag(ctx context.Context, subject Descriptor, manifests []Descriptor) error {
	return r.settle(ctx, fallbackTag(subject.Digest),
		func(ctx context.Context) (tagged, error) { return r.fallbackIndex(ctx, subject) },
		func(data []byte) ([]byte, error) { return addToIndex(data, manifests) })
}

// readTagAbout is readTag for a tag made of a subject's digest. Some registries resolve such tags to the subject itself,
// which then counts as nothing.
func (r *Repository) readTagAbout(ctx context.Context, tag string, subject Descriptor) (tagged, error) {
	t, err := r.readTag(ctx, tag)
	if err == nil && t.data != nil && subject.Digest.Algorithm().FromBytes(t.data) == subject.Digest {
		t.data = nil
	}
	return t, err
}

// fallbackIndex returns the fallback index of a subject, without data if there is none.
func (r *Repository) fallbackIndex(ctx context.Context, subject Descriptor) (tagged, error) {
	t, err := r.readTagAbout(ctx, fallbackTag(subject.Digest), subject)
	if err != nil || t.data == nil {
		return t, err
	}
	// Whatever else is there is neither nothing nor ours to replace. The content decides: not all registries say its type.
	if _, err := parseIndex(t.data); err != nil {
		return tagged{}, fmt.Errorf("registry: tag %s: %w", fallbackTag(subject.Digest), err)
	}
	return t, nil
}

// A deleter is a Backend that can delete manifests.
type deleter interface {
	Delete(ctx context.Context, d Descriptor) error
}

// Delete removes an attachment of the subject: first from the list of referrers, so that a crash in between leaves
// nothing that leads nowhere, then the manifest. Many registries refuse to delete, with ErrUnsupported or
// ErrUnauthorized; then the attachment is still listed where the registry keeps the list itself. What is not there
// any more is not an error.
func (r *Repository) Delete(ctx context.Context, subject, manifest Descriptor) error {
	if err := errors.Join(valid(subject), valid(manifest)); err != nil {
		return err
	}
	b, ok := r.backend.(deleter)
	if !ok {
		return fmt.Errorf("registry: %w: deleting", ErrUnsupported)
	}
	err := r.settle(ctx, fallbackTag(subject.Digest),
		func(ctx context.Context) (tagged, error) { return r.fallbackIndex(ctx, subject) },
		func(data []byte) ([]byte, error) { return removeFromIndex(data, manifest.Digest) })
	if err != nil {
		return err
	}
	defer r.cache.forget(listingKey(r.name, subject.Digest))
	defer r.cache.forget(manifestKey(r.name, manifest.Digest.String()))
	if err := b.Delete(ctx, bare(manifest)); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}
