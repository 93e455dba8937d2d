package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/internal/imagename/imageref"
)

// Descriptor names content; with Data it is content. Alias of the OCI image specification's type.
type Descriptor = ocispec.Descriptor

// Kinds of failure, for errors.Is.
var (
	ErrNotFound     = errors.New("not found")
	ErrUnauthorized = errors.New("not authorised")                // 401 and 403
	ErrUnavailable  = errors.New("registry unavailable")          // 429, 5xx and the network: try again later
	ErrUnsupported  = errors.New("not supported by the registry") // or not allowed there: to delete, to move a tag
	ErrInvalid      = errors.New("invalid name or descriptor")    // of the caller, in our eyes or the registry's
	ErrMalformed    = errors.New("malformed answer")              // of the registry
	ErrDigest       = errors.New("content does not match its descriptor")
	ErrLimit        = errors.New("over a limit")
)

// A Backend is a store of manifests and blobs: what it takes to make a Repository. Errors wrap the kinds above.
//
// Implementations are safe for concurrent use.
type Backend interface {
	// Resolve returns the descriptor of the manifest with this tag or digest.
	Resolve(ctx context.Context, reference string) (Descriptor, error)
	// Fetch opens a manifest or a blob, told apart by MediaType. The content need not be checked.
	Fetch(ctx context.Context, d Descriptor) (io.ReadCloser, error)
	// Push stores a manifest or a blob; a manifest also under tag unless that is empty. Content that is there already is
	// not an error.
	Push(ctx context.Context, d Descriptor, content io.Reader, tag string) error
	// Referrers lists the manifests whose subject is this. ErrUnsupported, before anything else, says that there is no
	// such listing, and the Repository keeps the fallback tag of the OCI distribution specification instead.
	Referrers(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error]
}

// Limits bound what is read from a registry. A zero field means its default.
type Limits struct {
	ManifestBytes int64 // of one manifest, index or listing page; default 4 MiB
	EvidenceBytes int64 // of one piece of evidence; default 32 MiB
	Referrers     int   // listed for one subject; default 16,384
	Pages         int   // of one listing, and as many times ManifestBytes of manifests looked into; default 64
	Candidates    int   // pieces of evidence for one subject; default 1,024
	TotalBytes    int64 // of all evidence for one subject; default 256 MiB
	Requests      int   // in flight to one host, of all repositories with one Cache; default 8
}

func (l Limits) withDefaults() Limits {
	if l.ManifestBytes <= 0 {
		l.ManifestBytes = 4 << 20
	}
	if l.EvidenceBytes <= 0 {
		l.EvidenceBytes = 32 << 20
	}
	if l.Referrers <= 0 {
		l.Referrers = 16384
	}
	if l.Pages <= 0 {
		l.Pages = 64
	}
	if l.Candidates <= 0 {
		l.Candidates = 1024
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = 256 << 20
	}
	if l.Requests <= 0 {
		l.Requests = 8
	}
	return l
}

// Repository is one repository of a registry, or an OCI layout directory. It is safe for concurrent use.
type Repository struct {
	backend       Backend
	name          string // as opened, without tag and digest
	reference     string // the tag or digest of the opened name
	limits        Limits
	evidenceTypes []string
	cosignTags    bool
	cache         *Cache
	log           *slog.Logger
	api           *apiMemory
	slots         slots

	config  atomic.Bool // the empty configuration was pushed
	tagged  atomic.Bool // there is a fallback tag for some subject
	carried sync.Map    // digests of subjects whose fallback tag has nothing that the referrers API lacks
}

// New returns a Repository over a store of the caller's. Of opts, what concerns the network does not matter.
func New(b Backend, opts *Options) *Repository {
	if opts == nil {
		opts = new(Options)
	}
	types := opts.EvidenceTypes
	if types == nil {
		types = EvidenceTypes()
	}
	r := &Repository{
		backend: b, limits: opts.Limits.withDefaults(), evidenceTypes: types, cosignTags: opts.CosignTags, cache: opts.Cache,
		log: opts.Log, api: &apiMemory{cache: new(Cache)},
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.slots = make(slots, r.limits.Requests)
	return r
}

// Name returns the name of the repository as it was opened, without tag and digest.
func (r *Repository) Name() string { return r.name }

// Resolve returns the descriptor of a manifest. The reference is a tag or a digest; an empty one stands for the tag or
// digest of the name that was opened, or "latest" if that had none.
func (r *Repository) Resolve(ctx context.Context, reference string) (Descriptor, error) {
	if reference == "" {
		reference = r.reference
	}
	if reference == "" {
		reference = "latest"
	}
	return r.cache.resolve(ctx, r.name, reference, func() (Descriptor, error) {
		d, err := r.backend.Resolve(ctx, reference)
		if err != nil {
			return Descriptor{}, err
		}
		if err := d.Digest.Validate(); err != nil {
			return Descriptor{}, fmt.Errorf("registry: %w: digest of %s: %w", ErrMalformed, reference, err)
		}
		if want := digest.Digest(reference); want.Validate() == nil && want != d.Digest {
			return Descriptor{}, fmt.Errorf("registry: %w: asked for %s, got %s", ErrDigest, want, d.Digest)
		}
		return bare(d), nil
	})
}

// Fetch opens content. The stream fails with [ErrDigest] where it ends if the bytes are not those of the descriptor,
// so nothing may be believed before io.EOF.
func (r *Repository) Fetch(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	if err := valid(d); err != nil {
		return nil, err
	}
	body, err := r.backend.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	return check(body, d), nil
}

func check(body io.ReadCloser, d Descriptor) *checkedReader {
	return &checkedReader{body: body, left: d.Size, verifier: d.Digest.Verifier(), d: d}
}

// checkedReader lets through exactly the bytes of a descriptor.
type checkedReader struct {
	body     io.ReadCloser
	left     int64
	verifier digest.Verifier
	d        Descriptor
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.left -= int64(n)
	_, _ = c.verifier.Write(p[:n]) // a hash takes everything
	switch {
	case c.left < 0:
		return 0, fmt.Errorf("registry: %w: %s is longer than %d bytes", ErrDigest, c.d.Digest, c.d.Size)
	case c.left == 0 && !c.verifier.Verified():
		// Its last bytes are held back: whoever stores it by its length must not have it whole.
		return 0, fmt.Errorf("registry: %w: %s", ErrDigest, c.d.Digest)
	case err != io.EOF:
		return n, err
	case c.left > 0:
		return n, fmt.Errorf("registry: %w: %s ends %d bytes early", ErrDigest, c.d.Digest, c.left)
	}
	return n, io.EOF
}

func (c *checkedReader) Close() error { return c.body.Close() }

// fetchAll returns content of at most limit bytes, checked against its descriptor. Content inside the descriptor is
// taken from there.
func (r *Repository) fetchAll(ctx context.Context, d Descriptor, limit int64) ([]byte, error) {
	if err := valid(d); err != nil {
		return nil, err
	}
	if d.Size > limit {
		return nil, fmt.Errorf("registry: %w: %s has %d bytes, at most %d are read", ErrLimit, d.Digest, d.Size, limit)
	}
	if len(d.Data) > 0 {
		if int64(len(d.Data)) != d.Size || d.Digest.Algorithm().FromBytes(d.Data) != d.Digest {
			return nil, fmt.Errorf("registry: %w: data inside the descriptor of %s", ErrDigest, d.Digest)
		}
		return d.Data, nil
	}
	data, err := r.cache.fetch(ctx, d, func() ([]byte, error) { return r.readAll(ctx, d) })
	if err == nil && int64(len(data)) != d.Size {
		return nil, fmt.Errorf("registry: %w: %s has %d bytes, not %d", ErrDigest, d.Digest, len(data), d.Size)
	}
	return data, err
}

// readAll reads content as a whole, and again if the connection breaks or the bytes are damaged on the way.
func (r *Repository) readAll(ctx context.Context, d Descriptor) ([]byte, error) {
	for try := 1; ; try++ {
		data, err := r.readOnce(ctx, d)
		if err == nil || try == maxReads || !(errors.Is(err, ErrDigest) || errors.Is(err, errBroken)) || !sleep(ctx, jitter(try)) {
			return data, err
		}
	}
}

func (r *Repository) readOnce(ctx context.Context, d Descriptor) ([]byte, error) {
	release, err := r.slots.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	body, err := r.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data := bytes.NewBuffer(make([]byte, 0, min(d.Size, 1<<20)+bytes.MinRead))
	if _, err := data.ReadFrom(body); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}

// Push stores a manifest or a blob whose bytes must be those of the descriptor.
func (r *Repository) Push(ctx context.Context, d Descriptor, content io.Reader) error {
	if err := valid(d); err != nil {
		return err
	}
	return r.backend.Push(ctx, bare(d), content, "")
}

// Tag points a tag at a manifest that is in the repository.
func (r *Repository) Tag(ctx context.Context, d Descriptor, tag string) error {
	data, err := r.fetchAll(ctx, d, r.limits.ManifestBytes)
	if err != nil {
		return err
	}
	if !imageref.IsTag(tag) {
		return fmt.Errorf("registry: %w: tag %q", ErrInvalid, tag)
	}
	defer r.cache.forget(manifestKey(r.name, tag)) // whether or not the answer came
	err = r.backend.Push(ctx, bare(d), bytes.NewReader(data), tag)
	if err == nil {
		return nil
	}
	// Registries with immutable tags refuse a tag that is right already, each with a status of its own.
	if there, e := r.backend.Resolve(ctx, tag); e == nil && there.Digest == d.Digest {
		return nil
	}
	return err
}

// bare drops what a descriptor says beyond what it names.
func bare(d Descriptor) Descriptor {
	return Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}

func valid(d Descriptor) error {
	if err := d.Digest.Validate(); err != nil {
		return fmt.Errorf("registry: %w: digest %q: %w", ErrInvalid, d.Digest, err)
	}
	if d.Size < 0 {
		return fmt.Errorf("registry: %w: %s has a size of %d", ErrInvalid, d.Digest, d.Size)
	}
	return nil
}

// Docker's media types, which are subjects like any other.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

func isManifest(mediaType string) bool {
	return isIndex(mediaType) || mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}
