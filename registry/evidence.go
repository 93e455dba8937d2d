package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Artifact types of manifests that are known to be something else than evidence: indexes of layers, charts, policies and
// documents that cosign attached unsigned. Any other may hold evidence, because the type that is listed says little: some
// registries list the configuration's type always, clients that name no artifact type leave their own default there, and
// whoever attaches may choose any.
var otherArtifacts = []string{
	"application/vnd.amazon.soci.index.v1+json",
	"application/vnd.amazon.soci.index.v2+json",
	"application/vnd.cncf.helm.config.v1+json",
	"application/vnd.dev.cosign.artifact.sbom.v1+json",
	"application/vnd.wasm.config.v1+json",
}

// mayHold reports whether a manifest that is listed with that artifact type is looked into for evidence.
func (r *Repository) mayHold(artifactType string) bool {
	return !slices.Contains(otherArtifacts, artifactType) || slices.Contains(r.evidenceTypes, artifactType)
}

// findable reports whether Evidence will look at content once it is attached, if it is evidence.
func (r *Repository) findable(content Descriptor) bool {
	return content.ArtifactType == "" || !slices.Contains(r.evidenceTypes, content.MediaType) || r.mayHold(content.ArtifactType)
}

// Referrers lists the manifests whose subject is this, each once: those of the referrers API, and those of the fallback
// tag where the API does not exist or lists nothing. What the list says of a manifest is a hint; the manifest decides.
// With Options.CosignTags come, after those, the manifests under cosign's tags.
// An error ends the iteration, and then not all came.
func (r *Repository) Referrers(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	if !r.cosignTags {
		return r.listed(ctx, subject)
	}
	return func(yield func(Descriptor, error) bool) {
		seen := make(map[digest.Digest]bool)
		for _, list := range []iter.Seq2[Descriptor, error]{r.listed(ctx, subject),
			r.underCosignTags(ctx, subject, ".sig", ".att", ".sbom")} {
			for d, err := range list {
				if err == nil && seen[d.Digest] {
					continue
				}
				seen[d.Digest] = true
				if !yield(d, err) || err != nil {
					return
				}
			}
		}
	}
}

// underCosignTags lists the manifests under tags made of the subject's digest and a suffix. Nothing binds them to it.
func (r *Repository) underCosignTags(ctx context.Context, subject Descriptor, suffixes ...string) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		if err := valid(subject); err != nil {
			yield(Descriptor{}, err)
			return
		}
		for _, suffix := range suffixes {
			d, err := r.Resolve(ctx, fallbackTag(subject.Digest)+suffix)
			if errors.Is(err, ErrNotFound) || err == nil && d.Digest == subject.Digest {
				continue // some registries resolve any such tag to the digest that it begins with
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// listed lists the referrers of a subject, from the cache if that remembers them.
func (r *Repository) listed(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	if !r.cache.remembersListings(r.name) {
		return r.listedNow(ctx, subject, false)
	}
	return func(yield func(Descriptor, error) bool) {
		entries, err := r.cache.listing(ctx, r.name, subject.Digest, func() (entries []Descriptor, err error) {
			for d, err := range r.listedNow(ctx, subject, false) {
				if err != nil {
					return nil, err
				}
				entries = append(entries, d)
			}
			return entries, nil
		})
		if err != nil {
			yield(Descriptor{}, err)
			return
		}
		for _, d := range entries {
			d.Annotations = maps.Clone(d.Annotations) // the cache keeps its own
			if !yield(d, nil) {
				return
			}
		}
	}
}

// listedSurely is listed for who would lose what is not listed: an answer that only some registries mean as "no API"
// is a *doubtError if there is no fallback tag either.
func (r *Repository) listedSurely(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	return r.listedNow(ctx, subject, true)
}

// listedNow lists the referrers of a subject.
func (r *Repository) listedNow(ctx context.Context, subject Descriptor, surely bool) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		if err := valid(subject); err != nil {
			yield(Descriptor{}, err)
			return
		}
		l := listing{r: r, subject: subject, yield: yield, seen: make(map[digest.Digest]bool)}
		// A registry that is known to have no API is asked for the tag first. It may have started one since, so that only
		// what is there counts.
		tagFirst := r.api.lacksAPI()
		if tagFirst && (!l.byTag(ctx) || len(l.seen) > 0) {
			return
		}
		var absent error
		for d, err := range r.byAPI(ctx, subject) {
			if errors.Is(err, ErrUnsupported) {
				absent = err
				break
			}
			if err != nil {
				yield(Descriptor{}, err)
				return
			}
			if !l.next(d) {
				return
			}
		}
		if len(l.seen) > 0 || !tagFirst && (!l.byTag(ctx) || len(l.seen) > 0) || absent == nil {
			return
		}
		// Neither a list nor a tag: nothing there, if the registry's word can be taken for it.
		clear := (*noAPIError)(nil)
		if surely && errors.As(absent, &clear) && !clear.clear {
			yield(Descriptor{}, &doubtError{r.name, subject.Digest, absent})
			return
		}
		if b, ok := r.backend.(answerer); ok {
			if err := b.answers(ctx, subject); err != nil {
				yield(Descriptor{}, err)
			}
		}
	}
}

// A doubtError says that it is not known whether there are referrers. Once the repository shows a fallback tag for any
// subject, whoever writes there has found that there is no API, and all doubts are gone.
type doubtError struct {
	repository string
	subject    digest.Digest
	err        error
}

func (e *doubtError) Error() string {
	return fmt.Sprintf("registry: whether anything refers to %s in %s is not known, as there is no fallback tag: %v", e.subject,
		e.repository, e.err)
}
func (e *doubtError) Unwrap() error { return e.err }

// An answerer is a Backend whose "not found" may be an answer to everything. It returns nil if it is not.
type answerer interface {
	answers(ctx context.Context, subject Descriptor) error
}

// listing yields the referrers of a subject, each once. Its methods report whether to go on.
type listing struct {
	r       *Repository
	subject Descriptor
	yield   func(Descriptor, error) bool
	seen    map[digest.Digest]bool
}

func (l *listing) next(d Descriptor) bool {
	if l.seen[d.Digest] {
		return true
	}
	if len(l.seen) == l.r.limits.Referrers {
		l.yield(Descriptor{}, fmt.Errorf("registry: %w: more than %d referrers of %s", ErrLimit, l.r.limits.Referrers, l.subject.Digest))
		return false
	}
	l.seen[d.Digest] = true
	return l.yield(d, nil)
}

// byTag yields what the fallback tag names.
func (l *listing) byTag(ctx context.Context) bool {
	t, err := l.r.fallbackIndex(ctx, l.subject)
	if err == nil && t.data == nil {
		return true
	}
	var index *ocispec.Index
	if err == nil {
		index, err = parseIndex(t.data)
	}
	if err != nil {
		l.yield(Descriptor{}, err)
		return false
	}
	for _, d := range index.Manifests {
		if !l.next(d) {
			return false
		}
	}
	return true
}

// Evidence yields the candidates about a subject, unverified: one per layer of a referrer whose media type is an
// evidence type. MediaType, Digest, Size, Data and Annotations are the layer's, ArtifactType is the manifest's. Data is
// what the digest says. The manifest's subject is the one asked for; under cosign's tags, which have none, only the
// signed payload can tell. What the list says a referrer is does not decide: all are looked into but those whose type
// is known to be something else, such as an index of layers.
//
// A document that Notary Project signed as an artifact (an SBOM under AWS Signer) comes as one candidate of media type
// application/vnd.oci.image.index.v1+json: an index with the content of its entries inside, the artifact's manifest
// first, then its layers, then manifest and envelope of each signature on it.
//
// The newest come first, by the annotation org.opencontainers.image.created, which is a hint; what has none comes last,
// in the order of the list. Limits.Requests of them are fetched at the same time, and not much more than one of the
// largest is held in memory beside the one that was yielded.
//
// An error beside a Descriptor concerns that candidate. An error beside a zero Descriptor ends the iteration: not all
// came. It wraps ErrLimit where the limits ended before the list. Nothing there is no error.
func (r *Repository) Evidence(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	return r.evidence(ctx, subject, nil)
}

func (r *Repository) readsNotary() bool {
	return slices.Contains(r.evidenceTypes, typeJWS) || slices.Contains(r.evidenceTypes, typeCOSE)
}

// budget yields what is about a subject as far as the limits allow, and then an error. Its methods report whether to go
// on.
type budget struct {
	r                   *Repository
	subject             Descriptor
	yield               func(Descriptor, error) bool
	count               int
	evidence, manifests int64 // bytes read
}

func (b *budget) next(d Descriptor, err error) bool {
	if b.count++; b.count > b.r.limits.Candidates {
		b.yield(Descriptor{}, fmt.Errorf("registry: %w: more than %d pieces of evidence about %s", ErrLimit, b.r.limits.Candidates,
			b.subject.Digest))
		return false
	}
	return b.spend(&b.evidence, int64(len(d.Data)), b.r.limits.TotalBytes) && b.yield(d, err)
}

func (b *budget) spend(spent *int64, n, most int64) bool {
	if *spent += max(0, n); *spent > most {
		b.yield(Descriptor{}, fmt.Errorf("registry: %w: more than %d bytes of evidence about %s", ErrLimit, most, b.subject.Digest))
		return false
	}
	return true
}

// evidenceIn yields the evidence in one manifest. It calls hold before it reads so many bytes.
func (r *Repository) evidenceIn(ctx context.Context, subject, d Descriptor, needSubject bool,
	hold func(int64) bool) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		if !hold(min(max(d.Size, 0), r.limits.ManifestBytes)) {
			return
		}
		data, err := r.fetchListed(ctx, d, r.limits.ManifestBytes)
		if err != nil {
			yield(bare(d), err)
			return
		}
		if indexed(data) {
			return // it has no layers, so it holds nothing
		}
		m, err := parseManifest(data)
		if err != nil {
			yield(bare(d), err)
			return
		}
		if needSubject && (m.Subject == nil || m.Subject.Digest != subject.Digest) {
			// Listed by mistake, or by somebody who hopes that nobody looks.
			return
		}
		if needSubject && r.readsNotary() && slices.Contains(signedArtifacts, artifactType(m)) {
			d.Data = data
			for candidate, err := range r.signedArtifact(ctx, d, m, hold) {
				if !yield(candidate, err) {
					return
				}
			}
		}
		r.layers(ctx, m, r.evidenceTypes, hold, yield)
	}
}

// layers yields the layers of some types, with their content.
func (r *Repository) layers(ctx context.Context, m *ocispec.Manifest, types []string, hold func(int64) bool,
	yield func(Descriptor, error) bool) bool {
	for _, layer := range m.Layers {
		if !slices.Contains(types, layer.MediaType) {
			continue
		}
		if !hold(min(max(layer.Size, 0), r.limits.EvidenceBytes)) {
			return false
		}
		candidate := bare(layer)
		candidate.ArtifactType, candidate.Annotations = artifactType(m), layer.Annotations
		data, err := r.fetchListed(ctx, layer, r.limits.EvidenceBytes)
		if err == nil && r.cache != nil {
			data = bytes.Clone(data) // the cache keeps its own
		}
		candidate.Data = data
		if !yield(candidate, err) {
			return false
		}
	}
	return true
}

// fetchListed is fetchAll for a descriptor that the registry gave.
func (r *Repository) fetchListed(ctx context.Context, d Descriptor, limit int64) ([]byte, error) {
	if err := valid(d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return r.fetchAll(ctx, d, limit)
}

// Manifest returns the content of an image manifest, so that its layers can be read.
func (r *Repository) Manifest(ctx context.Context, d Descriptor) (*ocispec.Manifest, error) {
	data, err := r.fetchAll(ctx, d, r.limits.ManifestBytes)
	if err != nil {
		return nil, err
	}
	return parseManifest(data)
}

// forgotten is the error of a registry that answered with lists before and now as if it had none.
func (r *Repository) forgotten(subject Descriptor, known apiState, cause error) error {
	answer := "with ErrUnsupported"
	var absent *noAPIError
	if errors.As(cause, &absent) {
		answer = absent.answer
	}
	return fmt.Errorf("registry: %w: list referrers of %s in %s: the referrers API answers %s, and was there at %s; "+
		"if the registry has lost it for good, Forget",
		ErrUnavailable, subject.Digest, r.name, answer, known.Seen.UTC().Format(time.RFC3339))
}
