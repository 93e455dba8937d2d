package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
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

// Error says what was attached, what was not, and why.
func (e *AttachError) Error() string {
	return fmt.Sprintf("registry: attach to %s (%d manifests pushed): %v", e.Subject.Digest, len(e.Pushed), e.Err)
}

// Unwrap is why.
func (e *AttachError) Unwrap() error { return e.Err }

// How often a listing is read until it shows what was attached, and how often a fallback index is written.
const (
	listingTries  = 5                // where nothing says that there is a list, before the fallback tag is written
	lagPatience   = 12 * time.Second // that a listing, or a tag, may lag behind what was written
	longestPause  = time.Second      // between two looks
	indexTries    = 40
	indexFailures = 5 // in a row that reading it may fail
	indexSeen     = 2 // times in a row that a fallback index must show what was added to it
	ownSubject    = 3 // times in a row that a fallback tag may answer with its own subject, after it was written
)

// Attach stores each content, a Descriptor with Data, as a referrer of the subject: an artifact manifest with one layer
// and the content's ArtifactType and Annotations (OCI image specification 1.1, manifest.md). It returns the manifests'
// descriptors in the order of content, and only when the repository has them and lists them: by the referrers API, or in
// the fallback tag where that API does not exist or does not show them.
//
// The fallback tag has no lock. Attach merges with what others write, reads back, and repeats until its entries stay;
// a writer that pauses for longer than that between reading and writing can still remove them, which Repair mends.
// Where the API is new and does not list what the tag names, Attach pushes that again, because readers that get a list
// look no further.
//
// What could not be read again with the same Limits is refused with ErrLimit before anything is pushed. Evidence piles
// up: each signature differs, so each run of a pipeline adds to it, and past Limits.Candidates no gate reads all of it.
// From three quarters of that Attach warns in Options.Log; past it Attach returns the manifests, which are attached,
// with an error that wraps ErrLimit. [Repository.Replace] and [Repository.Prune] make room.
//
// Errors are *AttachError. Attaching the same content again is harmless.
func (r *Repository) Attach(ctx context.Context, subject Descriptor, content ...Descriptor) ([]Descriptor, error) {
	fail := func(pushed []Descriptor, err error) ([]Descriptor, error) {
		return nil, &AttachError{Subject: bare(subject), Pushed: pushed, Err: err}
	}
	manifests, bodies, err := r.artifacts(subject, content)
	if err != nil || len(content) == 0 {
		if err != nil {
			return fail(nil, err)
		}
		return manifests, nil
	}
	// The configuration goes first and alone, so that one request logs in for all.
	if err := r.pushConfig(ctx); err != nil {
		return fail(nil, err)
	}
	err = r.each(ctx, len(content), func(ctx context.Context, i int) error {
		return r.backend.Push(ctx, bare(content[i]), bytes.NewReader(content[i].Data), "")
	})
	if err != nil {
		return fail(nil, err)
	}
	done := make([]bool, len(content))
	err = r.each(ctx, len(content), func(ctx context.Context, i int) error {
		err := r.pushManifest(ctx, manifests[i], bodies[i])
		done[i] = err == nil
		return err
	})
	var pushed []Descriptor
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
	count, err := r.list(ctx, subject, listed)
	if err != nil {
		return fail(pushed, err)
	}
	// The list, and the manifest, may name what the registry does not have.
	if err := r.each(ctx, len(listed), func(ctx context.Context, i int) error { return r.prove(ctx, listed[i], content[i]) }); err != nil {
		return fail(nil, err)
	}
	if err := r.crowded(ctx, subject, count); err != nil {
		return manifests, &AttachError{Subject: bare(subject), Pushed: pushed, Err: err}
	}
	return manifests, nil
}

// each calls f for each of n, some at the same time, and returns the first error.
func (r *Repository) each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.limits.Requests)
	for i := range n {
		g.Go(func() error { return f(ctx, i) })
	}
	return g.Wait()
}

// artifacts returns the manifests that carry contents to a subject, once all of it may be attached.
func (r *Repository) artifacts(subject Descriptor, content []Descriptor) ([]Descriptor, [][]byte, error) {
	if err := valid(subject); err != nil {
		return nil, nil, err
	}
	if subject.MediaType == "" || subject.Size == 0 {
		// It would be part of the manifest, and not what others know the subject by.
		return nil, nil, fmt.Errorf("%w: subject %s without media type or size: Resolve gives both", ErrInvalid, subject.Digest)
	}
	manifests := make([]Descriptor, len(content))
	bodies := make([][]byte, len(content))
	for i, c := range content {
		if !r.findable(c) {
			return nil, nil, fmt.Errorf("%w: evidence of type %s under artifact type %.80q would not be found again: "+
				"leave ArtifactType empty, or name it in Options.EvidenceTypes",
				ErrInvalid, c.MediaType, c.ArtifactType)
		}
		if err := r.readable(c); err != nil {
			return nil, nil, err
		}
		var err error
		if manifests[i], bodies[i], err = artifact(subject, c); err != nil {
			return nil, nil, err
		}
		if manifests[i].Size > r.limits.ManifestBytes {
			return nil, nil, fmt.Errorf("%w: the manifest of %s has %d bytes, at most %d are read", ErrLimit, c.Digest, manifests[i].Size,
				r.limits.ManifestBytes)
		}
	}
	return manifests, bodies, nil
}

// readable returns an error if content is too large to be read again.
func (r *Repository) readable(content Descriptor) error {
	if content.Size > r.limits.EvidenceBytes {
		return fmt.Errorf("%w: content %s has %d bytes, and whoever reads with the same Limits reads at most %d: "+
			"raise EvidenceBytes for writers and readers, and verify's Limits",
			ErrLimit, content.Digest, content.Size, r.limits.EvidenceBytes)
	}
	return nil
}

// prove returns nil if the repository has a manifest that it acknowledged and lists, and its content, unless that is in
// the manifest too.
func (r *Repository) prove(ctx context.Context, m, content Descriptor) error {
	err := r.proven(ctx, "manifest "+m.Digest.String(), func() error {
		there, err := r.backend.Resolve(ctx, m.Digest.String())
		if err == nil && (there.Digest != m.Digest || there.Size != m.Size) {
			err = fmt.Errorf("registry: %w: %s is %s with %d bytes in the repository", ErrDigest, m.Digest, there.Digest, there.Size)
		}
		return err
	}, func() error { return r.pushAgain(ctx, m) })
	if err != nil || content.Size <= maxEmbedded {
		return err
	}
	return r.proven(ctx, "content "+content.Digest.String(), func() error {
		if e, ok := r.backend.(exister); ok {
			if there, err := e.Exists(ctx, bare(content)); there || err != nil {
				return err
			}
		}
		body, err := r.backend.Fetch(ctx, bare(content)) // not every registry has HEAD for blobs
		if err == nil {
			body.Close()
		}
		return err
	}, func() error { return r.backend.Push(ctx, bare(content), bytes.NewReader(content.Data), "") })
}

// proven returns nil when look finds what was acknowledged. Registries that are not consistent at once are asked again, and
// given it again.
func (r *Repository) proven(ctx context.Context, what string, look, again func() error) error {
	start := time.Now()
	for try := 1; ; try++ {
		err := look()
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("registry: %w: %s was acknowledged and is not there", ErrUnavailable, what)
		} else if !errors.Is(err, ErrDigest) {
			return err
		}
		if time.Since(start) > lagPatience/4 || !sleep(ctx, pause(try)) {
			return err
		}
		if try == listingTries {
			if err := again(); err != nil {
				return err
			}
		}
	}
}

// A crowdedError says that what was attached is one piece too many.
type crowdedError struct {
	subject     digest.Digest
	count, most int
}

const makeRoom = "replace or prune what is outdated, or raise Limits.Candidates of all who read it"

func (e *crowdedError) Error() string {
	return fmt.Sprintf("%v: attached, but %d referrers of %s may hold evidence and at most %d pieces are read: %s", ErrLimit, e.count,
		e.subject, e.most, makeRoom)
}
func (e *crowdedError) Unwrap() error { return ErrLimit }

// crowded warns of a number of referrers near the limit of what is read, and returns an error if it is over that.
func (r *Repository) crowded(ctx context.Context, subject Descriptor, count int) error {
	most := r.limits.Candidates
	switch {
	case count > most:
		return &crowdedError{subject.Digest, count, most}
	case count > most/4*3:
		r.log.WarnContext(ctx, "evidence comes near the limit of what is read", "subject", subject.Digest, "referrers", count,
			"limit", most,
			"advice", makeRoom)
	}
	return nil
}

// Repair makes the repository list manifests that are in it as referrers of the subject, where it does not: in the
// fallback tag, or, where the referrers API has lost them, by pushing them again. It takes what Attach returned, or the
// Pushed of its error.
func (r *Repository) Repair(ctx context.Context, subject Descriptor, manifests ...Descriptor) error {
	if err := valid(subject); err != nil {
		return err
	}
	_, err := r.list(ctx, subject, manifests)
	return err
}

// maxEmbedded is the size of content that is in the manifest too, in the layer's "data" (OCI image specification 1.1,
// descriptor.md), so that whoever reads that needs one request instead of two. Others fetch the layer as ever.
const maxEmbedded = 16 << 10

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
	if content.Size <= maxEmbedded {
		layer.Data = content.Data
	}
	if content.MediaType == typeSimpleSigning {
		layer.Annotations = content.Annotations // the signature, which is read from beside the payload
	}
	config := bare(ocispec.DescriptorEmptyJSON)
	if kind == typeNotary {
		config.MediaType = kind
	}
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: kind,
		Config:       config,
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

// list returns when the repository lists all of manifests, which may have their Data, as referrers of subject, and how
// many referrers that may hold evidence it lists then.
func (r *Repository) list(ctx context.Context, subject Descriptor, manifests []Descriptor) (int, error) {
	if len(manifests) == 0 {
		return 0, nil
	}
	defer r.cache.forget(listingKey(r.name, subject.Digest))
	if r.api.lacksAPI() { // and the answers to the pushes did not say otherwise
		return r.listByTag(ctx, subject, manifests)
	}
	listed, err := r.awaitListing(ctx, subject, manifests)
	if errors.Is(err, ErrUnsupported) {
		return r.listByTag(ctx, subject, manifests)
	}
	if err != nil {
		return 0, err
	}
	if err := r.carryOver(ctx, subject, listed); err != nil {
		return 0, err
	}
	count := 0
	for _, d := range listed {
		if r.mayHold(d.ArtifactType) {
			count++
		}
	}
	return count, nil
}

// awaitListing returns what the referrers API lists, when all of manifests is in it. ErrUnsupported says that there is no
// API, or one that seems to list nothing ever.
func (r *Repository) awaitListing(ctx context.Context, subject Descriptor, manifests []Descriptor) (map[digest.Digest]Descriptor, error) {
	start := time.Now()
	for try := 1; ; try++ {
		listed := make(map[digest.Digest]Descriptor)
		for d, err := range r.byAPI(ctx, subject) {
			if err != nil {
				return nil, err
			}
			if len(listed) > r.limits.Referrers {
				return nil, fmt.Errorf("registry: %w: more than %d referrers of %s", ErrLimit, r.limits.Referrers, subject.Digest)
			}
			listed[d.Digest] = Descriptor{ArtifactType: d.ArtifactType}
		}
		known, confirmed := r.api.hasAPI()
		confirmed = confirmed && known.Lists
		missing := slices.DeleteFunc(slices.Clone(manifests), func(m Descriptor) bool { _, ok := listed[m.Digest]; return ok })
		switch {
		case len(missing) == 0:
			return listed, nil
		case try == listingTries && len(listed) == 0 && !confirmed:
			// There is an API, and it does not show what was pushed: it may be one that always answers with an empty list.
			return nil, fmt.Errorf("registry: %w: the referrers API lists nothing", ErrUnsupported)
		case time.Since(start) > lagPatience:
			// Whoever gets a list looks no further, so the fallback tag would not help.
			return nil, fmt.Errorf("registry: %w: the referrers API lists %d others on %s, "+
				"and %d of what was attached are not among them: Repair tries it again",
				ErrUnavailable, len(listed), subject.Digest, len(missing))
		}
		if !sleep(ctx, pause(try)) {
			return nil, ended(ctx)
		}
		if try%listingTries == listingTries-1 {
			// The registry may have lost them from its own list, in a race with the others.
			for _, m := range missing {
				if err := r.pushAgain(ctx, m); err != nil {
					return nil, err
				}
			}
		}
	}
}

// byAPI lists the referrers of a subject by the referrers API, and remembers whether there is one. ErrUnsupported, before
// anything else, leads to the fallback tag; from a repository that has answered before it is a failure.
func (r *Repository) byAPI(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		some := false
		for d, err := range r.backend.Referrers(ctx, bare(subject)) {
			if errors.Is(err, ErrUnsupported) {
				if known, ok := r.api.hasAPI(); ok {
					err = r.forgotten(subject, known, err)
				} else if absent := (*noAPIError)(nil); errors.As(err, &absent) && absent.clear {
					r.api.learn(false, false)
				}
			}
			if err == nil && !some {
				r.api.learn(true, true)
				some = true
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
		if !some {
			r.api.learn(true, false)
		}
	}
}

// carryOver pushes again what the fallback tag of a subject names and the referrers API does not list: the registry
// started the API and left it behind. It looks once for each subject.
func (r *Repository) carryOver(ctx context.Context, subject Descriptor, listed map[digest.Digest]Descriptor) error {
	if _, ok := r.backend.(tagReader); !ok {
		return nil // it has one list
	}
	if _, done := r.carried.Load(subject.Digest); done {
		return nil
	}
	t, err := r.fallbackIndex(ctx, subject)
	if err != nil && !errors.Is(err, ErrMalformed) {
		return err
	}
	if err == nil && t.data != nil {
		index, err := parseIndex(t.data)
		if err != nil {
			return err
		}
		var left []Descriptor
		for _, d := range index.Manifests {
			if _, ok := listed[d.Digest]; ok {
				continue
			}
			data, err := r.fetchListed(ctx, d, r.limits.ManifestBytes)
			var m struct {
				Subject *Descriptor `json:"subject"`
			}
			if errors.Is(err, ErrNotFound) || err == nil && (json.Unmarshal(data, &m) != nil || m.Subject == nil ||
				m.Subject.Digest != subject.Digest) {
				continue // an entry that leads nowhere, or elsewhere
			}
			if err != nil {
				return fmt.Errorf("registry: %s, listed by the fallback tag alone: %w", d.Digest, err)
			}
			d.Data = data
			if err := r.pushAgain(ctx, d); err != nil {
				return err
			}
			left = append(left, d)
		}
		if len(left) > 0 {
			if _, err := r.awaitListing(ctx, subject, left); err != nil {
				return fmt.Errorf("registry: attached, but %d older referrers are listed by the fallback tag alone: %w", len(left), err)
			}
		}
	}
	r.carried.Store(subject.Digest, true)
	return nil
}

// pushAgain pushes a manifest that was pushed.
func (r *Repository) pushAgain(ctx context.Context, d Descriptor) error {
	data, err := r.fetchListed(ctx, d, r.limits.ManifestBytes)
	if err != nil {
		return err
	}
	return r.backend.Push(ctx, bare(d), bytes.NewReader(data), "")
}

// pause is jitter that grows up to longestPause, for what may take seconds.
func pause(try int) time.Duration {
	return min(jitter(try)<<max(0, try-listingTries), longestPause)
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
func (r *Repository) settle(ctx context.Context, tag string, read func(context.Context) (tagged, error),
	change func([]byte) ([]byte, error)) error {
	defer r.cache.forget(manifestKey(r.name, tag))
	s := settling{r: r, tag: tag, need: indexSeen}
	for s.writes < indexTries {
		if s.tries > 0 {
			// Whoever read before we wrote has to have written before we look again, so a slow registry takes longer.
			wait := jitter(s.tries) + s.slowest + rand.N(2*s.slowest+1)
			if s.lagging > 0 {
				// Often enough to see what others wrote, which shows no longer than until what we wrote over it does.
				wait = min(pause(s.lagging), longestPause/5)
			}
			slept := time.Now()
			if !sleep(ctx, wait) {
				return fmt.Errorf("registry: %w: %s: %w", ErrContended, tag, context.Cause(ctx))
			}
			s.took(time.Since(slept) - wait) // by which a busy machine is late
		}
		start := time.Now()
		current, err := read(ctx)
		s.took(time.Since(start))
		s.tries++
		if again, err := s.readAgain(ctx, current, err); err != nil {
			return err
		} else if again {
			continue
		}
		changed, err := change(current.data)
		if err != nil {
			return err
		}
		if bytes.Equal(changed, current.data) {
			if s.seen++; s.seen == s.need || s.tries == 1 && current.data == nil {
				return nil
			}
			continue
		}
		s.seen = 0
		err = s.write(ctx, current, changed)
		s.took(time.Since(start)) // with what change pushed
		if err != nil {
			return err
		}
	}
	err := fmt.Errorf("registry: %w: %s, after %d tries", ErrContended, tag, s.writes)
	if s.refused != nil {
		err = fmt.Errorf("%w: %w", err, s.refused) // not every 412 comes of others: a tag may be immutable
	}
	return err
}

// settling is how far settle has come.
type settling struct {
	r       *Repository
	tag     string
	tries   int
	seen    int // times in a row that nothing was to be changed
	need    int // such times
	failed  int // reads in a row
	own     int // answers in a row with the subject itself
	writes  int
	unknown int           // writes of which a blob was not known
	first   time.Time     // when the first write was made, or put off
	before  []byte        // what was there when the last write was made
	written []byte        // by it
	lagging int           // reads in a row that show what was there before it
	there   bool          // there was something under the tag
	slowest time.Duration // that it took so far from reading to having written
	refused error         // by the registry, of the last write
}

// took notes how long something took that others do as well.
func (s *settling) took(d time.Duration) { s.slowest = max(s.slowest, min(d, longestPause)) }

// readAgain reports whether what was read cannot be told from what a registry shows that is late, or busy.
func (s *settling) readAgain(ctx context.Context, current tagged, err error) (bool, error) {
	passing := errors.Is(err, ErrUnavailable) || errors.Is(err, ErrDigest) || // damaged on the way: never written back
		err == nil && current.data == nil && !current.own && s.there // distribution 2 on a disk, while another writes
	switch {
	case passing && s.failed < indexFailures && ctx.Err() == nil:
		s.failed++
		s.need = indexSeen + 1
		return true, nil
	case err != nil && ctx.Err() != nil && s.writes > 0: // in the middle of it
		return false, fmt.Errorf("registry: %w: %s: %w", ErrContended, s.tag, err)
	case err != nil:
		return false, err
	}
	s.failed = 0
	if current.own && s.written != nil {
		if s.own++; s.own == ownSubject {
			return false, fmt.Errorf("registry: %w: tag %s was written, and the registry answers with the subject itself",
				ErrUnsupported, s.tag)
		}
		return true, nil
	}
	// What was there before the last write is back, or still: some registries show what was written after seconds. To
	// write at once would repeat what is on its way, and give up before what others wrote meanwhile shows.
	if s.written != nil && bytes.Equal(current.data, s.before) && time.Since(s.first) < lagPatience {
		s.lagging++
		s.need = indexSeen + 1
		return true, nil
	}
	s.lagging = 0
	// The list of tags and the tag are seldom late together.
	if b, ok := s.r.backend.(tagReader); ok && current.data == nil && !current.own && s.written == nil && b.hasTag(ctx, s.tag) {
		if s.first.IsZero() {
			s.first = time.Now()
		}
		if time.Since(s.first) > lagPatience {
			return false, fmt.Errorf("registry: %w: the list of tags has %s, and there is nothing under it", ErrUnavailable, s.tag)
		}
		s.lagging = s.tries
		return true, nil
	}
	s.there = s.there || current.data != nil
	if s.written != nil && !bytes.Equal(s.written, current.data) {
		s.need = indexSeen + 1 // others are at it
	}
	return false, nil
}

// write replaces what was read.
func (s *settling) write(ctx context.Context, current tagged, changed []byte) error {
	if int64(len(changed)) > s.r.limits.ManifestBytes {
		return fmt.Errorf("registry: %w: %s would have more than %d bytes", ErrLimit, s.tag, s.r.limits.ManifestBytes)
	}
	d := Descriptor{MediaType: manifestType(changed), Digest: digest.FromBytes(changed), Size: int64(len(changed))}
	var err error
	if b, ok := s.r.backend.(tagReader); ok {
		err = b.pushIf(ctx, d, changed, s.tag, current)
	} else {
		err = s.r.backend.Push(ctx, d, bytes.NewReader(changed), s.tag)
	}
	s.writes++
	s.refused = err
	switch {
	case err == nil:
		s.before, s.written, s.there = current.data, changed, true
		if s.first.IsZero() {
			s.first = time.Now()
		}
	case errors.Is(err, errBlobUnknown) && s.unknown < indexFailures:
		s.unknown++ // as in pushManifest
	case !errors.Is(err, ErrContended):
		return err
	}
	return nil
}

// listByTag adds manifests to the fallback index and returns when they stay there, and how many entries that may hold
// evidence it has then.
func (r *Repository) listByTag(ctx context.Context, subject Descriptor, manifests []Descriptor) (count int, err error) {
	err = r.settle(ctx, fallbackTag(subject.Digest),
		func(ctx context.Context) (tagged, error) { return r.fallbackIndex(ctx, subject) },
		func(data []byte) ([]byte, error) {
			changed, n, err := addToIndex(data, manifests, r.mayHold)
			count = n
			return changed, err
		})
	return count, err
}

// readTagAbout is readTag for a tag made of a subject's digest. Some registries resolve such tags to the subject itself,
// which then counts as nothing.
func (r *Repository) readTagAbout(ctx context.Context, tag string, subject Descriptor) (tagged, error) {
	t, err := r.readTag(ctx, tag)
	if err == nil && t.data != nil && subject.Digest.Algorithm().FromBytes(t.data) == subject.Digest {
		t.data, t.own = nil, true
	}
	return t, err
}

// fallbackIndex returns the fallback index of a subject, without data if there is none. One that is gone, after it named
// something, is an error.
func (r *Repository) fallbackIndex(ctx context.Context, subject Descriptor) (tagged, error) {
	t, err := r.readTagAbout(ctx, fallbackTag(subject.Digest), subject)
	if err != nil {
		return t, err
	}
	if t.data == nil {
		if seen, had := r.api.hadTag(subject.Digest); had {
			return tagged{},
				fmt.Errorf("registry: %w: the fallback tag of %s in %s named some at %s, and is not there; if somebody deleted it, Forget",
					ErrUnavailable, subject.Digest, r.name, seen.UTC().Format(time.RFC3339))
		}
		return t, nil
	}
	// Whatever else is there is neither nothing nor ours to replace. The content decides: not all registries say its type.
	index, err := parseIndex(t.data)
	if err != nil {
		return tagged{}, fmt.Errorf("registry: tag %s: %w", fallbackTag(subject.Digest), err)
	}
	if len(index.Manifests) > 0 {
		r.tagged.Store(true)
		r.api.learnTag(subject.Digest)
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
