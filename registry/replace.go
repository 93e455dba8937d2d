package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PruneOptions change how Prune works. The zero value removes.
type PruneOptions struct {
	// DryRun looks for what would be removed and leaves it.
	DryRun bool
}

// Replace attaches content to the subject as Attach does, and then removes old: the new comes first, so that whoever reads
// in between sees both. It returns the manifest of the content, also beside an error: then the content is attached, and
// some of the old is there still.
//
// Old is evidence as Evidence yields it, or manifests as Attach returns them. Nothing that is stored says that one piece
// of evidence replaces another, so the caller says it: SupersededBy of package verify's Report, made before content is
// attached, lists what the same proven signer said of the same subject. What is not there any more is no error.
func (r *Repository) Replace(ctx context.Context, subject, content Descriptor, old ...Descriptor) (Descriptor, error) {
	attached, err := r.Attach(ctx, subject, content)
	var crowded *crowdedError
	if err != nil && !(errors.As(err, &crowded) && len(attached) == 1) {
		return Descriptor{}, err
	}
	old = slices.DeleteFunc(slices.Clone(old), func(d Descriptor) bool {
		return d.Digest == content.Digest || d.Digest == attached[0].Digest
	})
	removed, e := r.Prune(ctx, subject, nil, old...)
	if crowded != nil && crowded.count-len(removed) <= r.limits.Candidates {
		err = nil
	}
	return attached[0], errors.Join(err, e)
}

// Prune removes old evidence about the subject, as Delete does one manifest after the other, and returns the manifests
// that it removed or, in a dry run, would remove. Old is as for Replace; Superseded of package verify's Report lists what
// the same proven signer has said anew. A manifest that holds other evidence beside is left, with an error that wraps
// ErrInvalid, and so are those that the registry refuses to delete. Evidence under cosign's tags is left, which is an error
// with Options.CosignTags.
func (r *Repository) Prune(ctx context.Context, subject Descriptor, o *PruneOptions, old ...Descriptor) ([]Descriptor, error) {
	if o == nil {
		o = new(PruneOptions)
	}
	if len(old) == 0 {
		return nil, nil
	}
	if err := valid(subject); err != nil {
		return nil, err
	}
	wanted := make(map[digest.Digest]bool)
	documents := false // among them, signed as Notary Project's artifacts
	for _, d := range old {
		if err := valid(d); err != nil {
			return nil, err
		}
		wanted[d.Digest] = true
		documents = documents || d.MediaType == ocispec.MediaTypeImageIndex
	}
	var (
		removed []Descriptor
		errs    []error
	)
	entries, err := r.entriesOf(ctx, subject)
	if err != nil {
		return nil, err
	}
	for _, d := range entries {
		holds, err := r.holdsAlone(ctx, subject, d, wanted, documents)
		if err == nil && holds && !o.DryRun {
			err = r.deleteWhole(ctx, subject, d, documents)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("registry: prune %s: %w", d.Digest, err))
		} else if holds {
			removed = append(removed, d)
		}
	}
	return removed, errors.Join(append(errs, r.underTags(ctx, subject, wanted))...)
}

// underTags is an error if some of what is wanted is under cosign's tags: whoever reads those would think that it is removed.
func (r *Repository) underTags(ctx context.Context, subject Descriptor, wanted map[digest.Digest]bool) error {
	if !r.cosignTags {
		return nil
	}
	var errs []error
	for d, err := range r.underCosignTags(ctx, subject, ".sig", ".att") {
		var m *ocispec.Manifest
		if err == nil {
			m, err = r.Manifest(ctx, d)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("registry: prune under cosign's tags: %w", err))
			continue
		}
		for _, l := range m.Layers {
			if wanted[l.Digest] {
				errs = append(errs,
					fmt.Errorf("registry: prune %s: %w: it is under a tag of cosign's, with signatures of others: cosign clean "+
						"removes them all",
						l.Digest, ErrUnsupported))
			}
		}
	}
	return errors.Join(errs...)
}

// entriesOf is all of listedNow, or an error: what is cached may be gone.
func (r *Repository) entriesOf(ctx context.Context, subject Descriptor) (entries []Descriptor, err error) {
	for d, err := range r.listedNow(ctx, subject, false) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, d)
	}
	return entries, nil
}

// holdsAlone reports whether a referrer is wanted, or all evidence that it holds is, and it is really about the subject.
func (r *Repository) holdsAlone(ctx context.Context, subject, d Descriptor, wanted map[digest.Digest]bool, documents bool) (bool, error) {
	if !wanted[d.Digest] && !r.mayHold(d.ArtifactType) {
		return false, nil
	}
	data, err := r.fetchListed(ctx, d, r.limits.ManifestBytes)
	switch {
	case wanted[d.Digest] && errors.Is(err, ErrNotFound):
		return true, nil // somebody else has just deleted it, and it may be listed still
	case err != nil && wanted[d.Digest]:
		return false, err
	case err != nil || indexed(data):
		return false, nil // a broken entry of others hides nothing that was read
	}
	m, err := parseManifest(data)
	switch {
	case err != nil || m.Subject == nil || m.Subject.Digest != subject.Digest:
		if wanted[d.Digest] {
			return false, fmt.Errorf("%w: it is not about %s", ErrInvalid, subject.Digest)
		}
		return false, nil
	case wanted[d.Digest]:
		return true, nil
	}
	if documents && r.readsNotary() && slices.Contains(signedArtifacts, artifactType(m)) {
		d.Data = data
		for candidate, err := range r.signedArtifact(ctx, d, m, unbounded) {
			if err == nil && wanted[candidate.Digest] {
				return true, nil
			}
		}
	}
	some, all := false, true
	for _, l := range m.Layers {
		some = some || wanted[l.Digest]
		all = all && (wanted[l.Digest] || !slices.Contains(r.evidenceTypes, l.MediaType))
	}
	if some && !all {
		return false, fmt.Errorf("%w: it holds other evidence beside", ErrInvalid)
	}
	return some, nil
}

// deleteWhole deletes a referrer and, of a document that is signed as an artifact, the signatures on it.
func (r *Repository) deleteWhole(ctx context.Context, subject, d Descriptor, documents bool) error {
	if documents && slices.Contains(signedArtifacts, d.ArtifactType) {
		signatures, err := r.entriesOf(ctx, bare(d))
		if err != nil {
			return err
		}
		// The document goes first: what hangs on it is found no more, and a document without signatures would be a claim.
		if err := r.Delete(ctx, subject, d); err != nil {
			return err
		}
		for _, s := range signatures {
			if err := r.Delete(ctx, d, s); err != nil {
				return err
			}
		}
		return nil
	}
	return r.Delete(ctx, subject, d)
}
