package document

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// Media types of documents in registries: of the manifest's artifactType, and of its one layer.
const (
	ArtifactType  = "application/vnd.lading.policy.v1"
	MediaTypeJSON = "application/vnd.lading.policy.v1+json"
	MediaTypeYAML = "application/vnd.lading.policy.v1+yaml"
)

// Artifact returns the document as an artifact of a registry (OCI image specification 1.1, manifest.md): its configuration, its
// layer, which is the canonical form, and last its manifest, each with Data, to be pushed in this order. Its manifest is what is
// signed, as an image is: by package sign, cosign, notation, AWS Signer. It depends on nothing but the canonical form.
func (d *Document) Artifact() []verify.Descriptor {
	layer := content(MediaTypeJSON, append([]byte(nil), d.json...))
	config := ocispec.DescriptorEmptyJSON
	bare := func(d verify.Descriptor) verify.Descriptor { d.Data = nil; return d }
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: ArtifactType, Config: bare(config),
		Layers: []verify.Descriptor{bare(layer)}}
	m.SchemaVersion = 2
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // texts and numbers
	}
	manifest := content(ocispec.MediaTypeImageManifest, data)
	manifest.ArtifactType = ArtifactType
	return []verify.Descriptor{config, layer, manifest}
}

func content(mediaType string, data []byte) verify.Descriptor {
	return verify.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
}

// Signed gives out documents that those who must signed. It is safe for concurrent use once its fields are set.
//
//	signed := &document.Signed{
//		Name: "shop", Open: gate.Open(nil), Serials: document.Directory("/var/lib/gate/policies"),
//		Verifiers: verifiers, Policy: policy.Require{Kind: verify.ImageSignature, AtLeast: 2},
//	}
//	doc, err := signed.Load(ctx, "registry.example.com/policies/shop:latest")
type Signed struct {
	// Name is the document's name: another document, signed by the same people, is not this one. Always needed.
	Name string
	// Open finds the artifact of a reference, by tag or by digest, and its signatures. The Image's Source has to have a method Fetch, as
	// registry.Repository has; policy/gate.Open is such a function.
	Open func(ctx context.Context, reference string) (*policy.Image, error)
	// Verifiers and Policy say who must have signed: the artifact is judged as an image is. Only a full Allow will do.
	Verifiers []verify.Verifier
	Policy    policy.Policy
	// Serials remembers the newest version that was seen, so that an older one is refused after a restart, too. Nil remembers it as
	// long as this Signed lives.
	Serials Serials
	// Now tells the time that signatures and expires are held against; nil means time.Now.
	Now func() time.Time

	mu   sync.Mutex
	seen Version
}

// A Version of a document.
type Version struct {
	Serial int    `json:"serial"`
	Digest string `json:"digest"` // of the canonical form
}

// Serials remembers the newest version of each document. [Directory] is one.
type Serials interface {
	// Newest returns the version that was remembered last under a name, and the zero Version if none was.
	Newest(ctx context.Context, name string) (Version, error)
	// Remember keeps a version: when it returns, a new process finds it.
	Remember(ctx context.Context, name string, v Version) error
}

// Load fetches, verifies and reads the document that a reference names. Errors are those of Open and Serials, [ErrDocument] and
// [ErrLimit] of what is no document, [ErrUnsigned] with the decision's own error, [ErrExpired], and [ErrRollback] of a serial that is
// lower than one that was seen, or the same with another content. On an error, a program goes on with the document that it has.
func (s *Signed) Load(ctx context.Context, reference string) (*Document, error) {
	if s.Open == nil {
		return nil, errors.New("document: Signed has no Open")
	}
	image, err := s.Open(ctx, reference)
	switch {
	case err != nil:
		return nil, fmt.Errorf("document: %s: %w", oneline.Of(reference), err)
	case image == nil:
		return nil, fmt.Errorf("document: %s: Open returned nothing", oneline.Of(reference))
	}
	store, ok := image.Source.(fetcher)
	if !ok {
		return nil, fmt.Errorf("document: the Source of Open, a %T, has no method Fetch: use policy/gate.Open", image.Source)
	}
	// Who signed is asked first: what strangers wrote is not even parsed.
	if err := s.signed(ctx, reference, image); err != nil {
		return nil, err
	}
	data, err := fetchDocument(ctx, store, image.Subject)
	if err != nil {
		return nil, fmt.Errorf("document: %s: %w", oneline.Of(reference), err)
	}
	doc, err := Parse(data)
	if err != nil {
		return nil, err
	}
	doc.about.URI = oneline.Of(reference)
	return s.accept(ctx, doc)
}

// Read verifies and reads a document that is at hand, YAML or JSON, with signatures of its [Document.Artifact], each as it was made or
// is attached. It gives out what Load would.
func (s *Signed) Read(ctx context.Context, data []byte, signatures ...verify.Descriptor) (*Document, error) {
	doc, err := Parse(data)
	if err != nil {
		return nil, err
	}
	artifact := doc.Artifact()
	manifest := artifact[len(artifact)-1]
	manifest.Data = nil
	source := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for _, c := range signatures {
				if !yield(c, nil) {
					return
				}
			}
		}
	})
	if err := s.signed(ctx, s.Name, &policy.Image{Subject: manifest, Source: source}); err != nil {
		return nil, err
	}
	return s.accept(ctx, doc)
}

// signed asks whether those who must signed.
func (s *Signed) signed(ctx context.Context, reference string, image *policy.Image) error {
	if s.Policy == nil || len(s.Verifiers) == 0 {
		return fmt.Errorf("document: %w: Signed names nobody, in Verifiers and Policy", ErrUnsigned)
	}
	gate := &policy.Gate{
		Open:      func(context.Context, string) (*policy.Image, error) { return image, nil },
		Verifiers: s.Verifiers, Policy: s.Policy, Now: s.Now,
	}
	d := gate.Check(ctx, reference)
	if err := d.Err(); err != nil {
		return fmt.Errorf("document: %w: %w", ErrUnsigned, err)
	}
	if w := d.Warnings(); len(w) > 0 {
		return fmt.Errorf("document: %w: only a warning stands for it: %s", ErrUnsigned, oneline.Of(w[0].Reason))
	}
	return nil
}

// accept compares a document that is signed with what was seen before.
func (s *Signed) accept(ctx context.Context, doc *Document) (*Document, error) {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	switch {
	case s.Name == "" || doc.Name() != s.Name:
		return nil, fmt.Errorf("document: %w: it is %q, and %q is asked for", ErrUnsigned, doc.Name(), s.Name)
	case doc.Serial() == 0:
		return nil, fmt.Errorf("document: %w: it has no serial, so an older one could not be told from it", ErrRollback)
	case !doc.Expires().IsZero() && !now().Before(doc.Expires()):
		return nil, fmt.Errorf("document: %q: %w at %s", doc.Name(), ErrExpired, stamp(doc.Expires()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	if s.Serials != nil {
		stored, err := s.Serials.Newest(ctx, s.Name)
		if err != nil {
			return nil, fmt.Errorf("document: the newest version that was seen is not known: %w", err)
		}
		if stored.Serial >= seen.Serial {
			seen = stored
		}
	}
	v := Version{doc.Serial(), doc.Digest()}
	switch {
	case v.Serial < seen.Serial:
		return nil, fmt.Errorf("document: %w: serial %d, after %d of %q", ErrRollback, v.Serial, seen.Serial, doc.Name())
	case v.Serial == seen.Serial && v.Digest != seen.Digest:
		return nil, fmt.Errorf("document: %w: two documents %q have the serial %d", ErrRollback, doc.Name(), v.Serial)
	case v != seen && s.Serials != nil:
		if err := s.Serials.Remember(ctx, s.Name, v); err != nil {
			return nil, fmt.Errorf("document: the version could not be remembered: %w", err)
		}
	}
	s.seen = v
	return doc, nil
}

type fetcher interface {
	Fetch(ctx context.Context, d verify.Descriptor) (io.ReadCloser, error)
}

// maxManifest is more than the manifest of a document ever has.
const maxManifest = 64 << 10

// fetchDocument reads the one layer of an artifact whose digest is known.
func fetchDocument(ctx context.Context, from fetcher, subject verify.Descriptor) ([]byte, error) {
	data, err := fetch(ctx, from, subject, maxManifest)
	if err != nil {
		return nil, err
	}
	if err := strictjson.Check(data, strictjson.Limits{}); err != nil {
		return nil, fmt.Errorf("%w: its manifest: %w", ErrDocument, err)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: its manifest: %w", ErrDocument, err)
	}
	switch {
	case m.ArtifactType != ArtifactType:
		return nil, fmt.Errorf("%w: an artifact of type %.80q, not %s", ErrDocument, m.ArtifactType, ArtifactType)
	case len(m.Layers) != 1:
		return nil, fmt.Errorf("%w: an artifact of %d layers, not one", ErrDocument, len(m.Layers))
	case m.Layers[0].MediaType != MediaTypeJSON && m.Layers[0].MediaType != MediaTypeYAML:
		return nil, fmt.Errorf("%w: a layer of type %.80q, not %s or %s", ErrDocument, m.Layers[0].MediaType, MediaTypeJSON, MediaTypeYAML)
	}
	return fetch(ctx, from, m.Layers[0], int64(limits.Size))
}

// fetch reads content and makes sure that it is what its digest says.
func fetch(ctx context.Context, from fetcher, d verify.Descriptor, most int64) ([]byte, error) {
	if d.Size > most || d.Size < 0 {
		return nil, fmt.Errorf("%w: %w: %d bytes", ErrDocument, ErrLimit, d.Size)
	}
	if err := d.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	rc, err := from.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%w: %w: more than %d bytes", ErrDocument, ErrLimit, most)
	case d.Digest.Algorithm().FromBytes(data) != d.Digest:
		return nil, fmt.Errorf("%w: it is not what its digest %s says", ErrDocument, d.Digest)
	}
	return data, nil
}
