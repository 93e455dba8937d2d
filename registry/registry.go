package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/imagename/imageref"
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

// A tagged manifest, as it was read.
type tagged struct {
	desc Descriptor
	data []byte // nil if there is nothing to keep
	etag string
	own  bool // there is the subject itself, which counts as nothing
}

// A tagReader is a Backend that reads what a tag points to in one go, and can replace it on condition that it still
// does (RFC 9110, section 13.1.1). Others are asked twice, and take what comes.
type tagReader interface {
	readTag(ctx context.Context, tag string) (tagged, error)
	// pushIf is Push under a tag that still points to old; ErrContended says that it did not.
	pushIf(ctx context.Context, d Descriptor, content []byte, tag string, old tagged) error
	// hasTag reports whether the list of tags has a tag, whatever reading it says.
	hasTag(ctx context.Context, tag string) bool
}

// How far Copy follows children of children and referrers of referrers, and how many manifests it looks at: that many
// times Limits.Referrers of the source.
const (
	deepest    = 16
	widestCopy = 64
)

// Options says how a registry is reached and how much is read from it. The zero value is anonymous and careful.
type Options struct {
	// Transport sends requests; nil means http.DefaultTransport. Retries come on top of it.
	Transport http.RoundTripper
	// Timeout is how long a registry may neither take nor send a byte before a request ends with ErrUnavailable; zero means
	// 30 seconds. Requests that write get ten times as long, and so does Credential. How long a call takes in all, its
	// context says.
	Timeout time.Duration
	// Credential returns what to log in to a host with; nil means anonymous. See [DockerCredentials]. It is asked again
	// when the host turned down what it gave, and [Rejected] then tells it so.
	Credential func(ctx context.Context, host string) (Credential, error)
	// PlainHTTP talks to hosts without TLS. Loopback hosts are talked to so in any case.
	PlainHTTP bool
	// Limits bound what is read; zero means the defaults.
	Limits Limits
	// EvidenceTypes are the layer media types that Evidence yields; nil means EvidenceTypes().
	EvidenceTypes []string
	// Cache keeps what was read; nil means none.
	Cache *Cache
	// Log gets warnings, such as that the evidence about a subject comes near its limit; nil means silence.
	Log *slog.Logger
	// CosignTags makes Evidence look at cosign's tags .sig and .att too, and Referrers at those and .sbom, which costs a
	// request each.
	CosignTags bool
}

// A Credential logs in to a host. Its zero value is nobody.
type Credential struct {
	Username, Password string
	RefreshToken       string // an OAuth 2 refresh token, or Docker's identity token, instead of a password
	AccessToken        string // a registry token, used as it is
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
	l.ManifestBytes = cmp.Or(max(l.ManifestBytes, 0), 4<<20)
	l.EvidenceBytes = cmp.Or(max(l.EvidenceBytes, 0), 32<<20)
	l.Referrers = cmp.Or(max(l.Referrers, 0), 16384)
	l.Pages = cmp.Or(max(l.Pages, 0), 64)
	l.Candidates = cmp.Or(max(l.Candidates, 0), 1024)
	l.TotalBytes = cmp.Or(max(l.TotalBytes, 0), 256<<20)
	l.Requests = cmp.Or(max(l.Requests, 0), 8)
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

// New returns a Repository over a store of the caller's. Of o, what concerns the network does not matter.
func New(b Backend, o *Options) *Repository {
	if o == nil {
		o = new(Options)
	}
	types := o.EvidenceTypes
	if types == nil {
		types = EvidenceTypes()
	}
	r := &Repository{
		backend: b, limits: o.Limits.withDefaults(), evidenceTypes: types, cosignTags: o.CosignTags, cache: o.Cache,
		log: o.Log, api: &apiMemory{cache: new(Cache)},
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

// Forget drops what was learned about the repository: that it has the referrers API or has none, for which subjects it has
// a fallback tag, listings and tags. It is for a registry that lost the API, because it was moved or set back to an older
// version, or whose fallback tags somebody deleted: until then that is an error. The Cache, if there is one, forgets with
// it.
func (r *Repository) Forget() {
	r.api.cache.Forget(r.name)
	r.carried.Clear()
}
