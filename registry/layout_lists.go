package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// How programs keep in a layout what is attached to an image. oras and zot name each referrer in index.json. regctl and
// go-containerregistry keep the fallback index of the OCI distribution specification under its tag there, and olareg an index
// without tag that an annotation gives its subject. cosign save names the image and the manifests of its first formats, which
// an annotation tells apart, and no other.
const (
	olaregSubject = "org.olareg.referrer.subject"
	olaregConvert = "org.olareg.referrer.convert" // of index.json, "true": olareg keeps the lists
	cosignKind    = "kind"
	cosignKinds   = "dev.cosignproject.cosign/"
)

// lists reports whether an entry of index.json is the list of a subject's referrers.
func lists(d Descriptor, subject digest.Digest) bool {
	return d.Digest != subject &&
		(tagIn(d.Annotations[ocispec.AnnotationRefName]) == fallbackTag(subject) || d.Annotations[olaregSubject] == subject.String())
}

// tagIn returns the tag in a name: crane stores the whole name where others store the tag.
func tagIn(name string) string {
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[at+1:]
	}
	return name
}

// node is what a manifest says about others. It is kept by digest, so that a manifest is read once.
type node struct {
	self     Descriptor // as the specification lists it; without subject it is zero
	subject  digest.Digest
	children []Descriptor // of an index
}

// node reads a manifest. What is no manifest says nothing.
func (b *layoutBackend) node(ctx context.Context, d Descriptor) (*node, error) {
	if n, ok := b.nodes.Load(d.Digest); ok {
		return n.(*node), nil
	}
	data, err := b.manifest(ctx, d)
	if err != nil {
		return nil, err
	}
	n := new(node)
	var m struct {
		ocispec.Manifest
		Manifests []Descriptor `json:"manifests"`
	}
	if parse(data, &m) == nil {
		if m.Subject != nil {
			n.subject, n.self = m.Subject.Digest, bare(d)
			n.self.ArtifactType, n.self.Annotations = artifactType(&m.Manifest), m.Annotations
			if n.self.MediaType == "" {
				n.self.MediaType = manifestType(data)
			}
		}
		n.children = m.Manifests
	}
	b.nodes.Store(d.Digest, n)
	return n, nil
}

// Referrers lists the manifests about a subject that index.json leads to: named there, in an index there, or in a list of
// the subject's referrers. A directory has no other listing, so each manifest is read, once. In what cosign saved, which
// leads to none of its bundles, every blob is looked at.
func (b *layoutBackend) Referrers(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		var (
			found []Descriptor
			err   = errMoved
		)
		for try := 0; try < listingTries && errors.Is(err, errMoved); try++ {
			found, err = b.referrers(ctx, subject.Digest)
		}
		if err != nil {
			yield(Descriptor{}, err)
			return
		}
		for _, d := range found {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// errMoved says that index.json changed while what it leads to was read.
var errMoved = fmt.Errorf("registry: %w: index.json keeps changing", ErrUnavailable)

const deepestLayout = 8 // indexes in indexes

func (b *layoutBackend) referrers(ctx context.Context, subject digest.Digest) (found []Descriptor, err error) {
	index, err := b.index()
	if err != nil {
		return nil, err
	}
	entries := index.Manifests
	if savedByCosign(index) {
		unnamed, err := b.unnamed(ctx)
		if err != nil {
			return nil, err
		}
		entries = slices.Concat(entries, unnamed)
	}
	seen := make(map[digest.Digest]bool)
	var walk func(d Descriptor, depth int) error
	walk = func(d Descriptor, depth int) error {
		if seen[d.Digest] || d.MediaType != "" && !isManifest(d.MediaType) {
			return nil // it has no subject, which Docker's manifests may have: go-containerregistry makes them by default
		}
		seen[d.Digest] = true
		if len(seen) > widestCopy*b.limits.Referrers {
			return fmt.Errorf("registry: %w: more than %d manifests in %s", ErrLimit, widestCopy*b.limits.Referrers, b.dir)
		}
		if err := ended(ctx); err != nil {
			return err
		}
		n, err := b.node(ctx, d)
		switch {
		case errors.Is(err, ErrNotFound) && depth > 0:
			return nil // an index may name platforms that are not here
		case errors.Is(err, ErrNotFound) && b.deleted(d.Digest):
			return errMoved
		case err != nil: // it may be a referrer of this subject
			return err
		}
		if n.subject == subject {
			found = append(found, n.self)
		}
		if depth == 0 && lists(d, subject) {
			if n.children == nil { // it is no list, and then nobody knows what it would say
				if _, err := b.readList(ctx, d); err != nil {
					return err
				}
			}
			found = append(found, n.children...)
		}
		if depth < deepestLayout {
			for _, child := range n.children {
				if err := walk(child, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, d := range entries {
		if err := walk(d, 0); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// savedByCosign reports whether index.json is cosign's: its image has no tag.
func savedByCosign(index *ocispec.Index) bool {
	return slices.ContainsFunc(index.Manifests, func(d Descriptor) bool {
		return strings.HasPrefix(d.Annotations[cosignKind], cosignKinds) && d.Annotations[ocispec.AnnotationRefName] == ""
	})
}

// savedImage returns the image that cosign saved, zero if there is none.
func savedImage(index *ocispec.Index) Descriptor {
	for _, d := range index.Manifests {
		if kind := d.Annotations[cosignKind]; (kind == cosignKinds+"image" || kind == cosignKinds+"imageIndex") &&
			d.Digest.Validate() == nil {
			return d
		}
	}
	return Descriptor{}
}

// savedUnder returns what cosign saved of one of its tags: it is kept without tag, beside its image.
func savedUnder(index *ocispec.Index, tag string) Descriptor {
	image := savedImage(index)
	for kind, suffix := range map[string]string{"sigs": ".sig", "atts": ".att"} {
		if image.Digest == "" || tag != fallbackTag(image.Digest)+suffix {
			continue
		}
		for _, d := range index.Manifests {
			if d.Annotations[cosignKind] == cosignKinds+kind {
				return d
			}
		}
	}
	return Descriptor{}
}

// unnamed returns the manifests with a subject among all blobs.
func (b *layoutBackend) unnamed(ctx context.Context) (found []Descriptor, err error) {
	root := b.path(ocispec.ImageBlobsDir)
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if file == root && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = ended(ctx)
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		d := Descriptor{Digest: digest.NewDigestFromEncoded(digest.Algorithm(filepath.Base(filepath.Dir(file))), entry.Name())}
		info, err := entry.Info()
		if err != nil || d.Digest.Validate() != nil || info.Size() > b.limits.ManifestBytes || !looksLikeJSON(file) {
			return nil // gone, no blob, or no manifest
		}
		d.Size = info.Size()
		n, err := b.node(ctx, d)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err == nil && n.subject != "" && isManifest(n.self.MediaType) {
			found = append(found, n.self)
		}
		return err
	})
	return found, err
}

func looksLikeJSON(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, 16)
	n, _ := f.Read(start)
	return bytes.HasPrefix(bytes.TrimLeft(start[:n], " \t\r\n"), []byte("{"))
}

// readList returns the bytes of a list of referrers.
func (b *layoutBackend) readList(ctx context.Context, d Descriptor) ([]byte, error) {
	data, err := b.manifest(ctx, d)
	if err == nil {
		_, err = parseIndex(data)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: list of referrers %s in %s: %w", d.Digest, b.dir, err)
	}
	return data, nil
}

// editLists changes every list of a subject's referrers that index.json has, and makes one if there is none and make is
// set. It returns the lists that it replaced.
func (b *layoutBackend) editLists(ctx context.Context, index *ocispec.Index, subject digest.Digest, make bool,
	edit func([]byte) ([]byte, error)) (old []Descriptor, err error) {
	any := false
	for i, d := range index.Manifests {
		if !lists(d, subject) {
			continue
		}
		any = true
		data, err := b.readList(ctx, d)
		if err != nil {
			return nil, err
		}
		changed, err := edit(data)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(data, changed) {
			continue
		}
		next, err := b.pushList(ctx, changed)
		if err != nil {
			return nil, err
		}
		old = append(old, d)
		index.Manifests[i].Digest, index.Manifests[i].Size = next.Digest, next.Size
	}
	if any || !make {
		return old, nil
	}
	data, err := edit(nil)
	if err != nil {
		return nil, err
	}
	d, err := b.pushList(ctx, data)
	if err != nil {
		return nil, err
	}
	d.Annotations = map[string]string{ocispec.AnnotationRefName: fallbackTag(subject)}
	if index.Annotations[olaregConvert] == "true" {
		d.Annotations = map[string]string{olaregSubject: subject.String()}
	}
	index.Manifests = append(index.Manifests, d)
	return nil, nil
}

func (b *layoutBackend) pushList(ctx context.Context, data []byte) (Descriptor, error) {
	if int64(len(data)) > b.limits.ManifestBytes {
		return Descriptor{}, fmt.Errorf("registry: %w: a list of referrers would have more than %d bytes", ErrLimit, b.limits.ManifestBytes)
	}
	d := Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromBytes(data), Size: int64(len(data))}
	return d, b.pushBlob(ctx, d, bytes.NewReader(data))
}

// drop removes lists that were replaced. Whoever was about to read one finds that index.json names another.
func (b *layoutBackend) drop(old []Descriptor) {
	index, err := b.index()
	for _, d := range old {
		if err == nil && !slices.ContainsFunc(index.Manifests, func(e Descriptor) bool { return e.Digest == d.Digest }) {
			_ = os.Remove(b.blob(d.Digest)) // what stays is in nobody's way
		}
	}
}

// adopt names in index.json what cosign saved without, and tags the manifests of its first formats, so that it does not
// matter any more who saved it.
func (b *layoutBackend) adopt(ctx context.Context, index *ocispec.Index) error {
	if !savedByCosign(index) {
		return nil
	}
	if image := savedImage(index); image.Digest != "" {
		for kind, suffix := range map[string]string{"sigs": ".sig", "atts": ".att"} {
			for _, d := range index.Manifests {
				if d.Annotations[cosignKind] == cosignKinds+kind && d.Annotations[ocispec.AnnotationRefName] == "" {
					d.Annotations[ocispec.AnnotationRefName] = fallbackTag(image.Digest) + suffix
				}
			}
		}
	}
	unnamed, err := b.unnamed(ctx)
	for _, d := range unnamed {
		if !slices.ContainsFunc(index.Manifests, func(e Descriptor) bool { return e.Digest == d.Digest }) {
			index.Manifests = append(index.Manifests, bare(d))
		}
	}
	return err
}

// markForCosign tells cosign, which knows one image in a layout, that the one tagged last is it, and which manifests hold its
// signatures. What cosign saved is left as it is.
func markForCosign(index *ocispec.Index) {
	if savedByCosign(index) {
		return
	}
	var image digest.Digest
	for _, d := range slices.Backward(index.Manifests) {
		name := tagIn(d.Annotations[ocispec.AnnotationRefName])
		if name != "" && !isDigestTag(name) && d.Digest.Validate() == nil {
			image = d.Digest
			break
		}
	}
	var tags string
	if image != "" {
		tags = fallbackTag(image)
	}
	for i, d := range index.Manifests {
		tag := d.Annotations[ocispec.AnnotationRefName]
		kind := ""
		switch {
		case tag == "":
		case d.Digest == image && isIndex(d.MediaType):
			kind = cosignKinds + "imageIndex"
		case d.Digest == image:
			kind = cosignKinds + "image"
		case tagIn(tag) == tags+".sig":
			kind = cosignKinds + "sigs"
		case tagIn(tag) == tags+".att":
			kind = cosignKinds + "atts"
		}
		switch {
		case kind != "":
			index.Manifests[i].Annotations[cosignKind] = kind
		case strings.HasPrefix(d.Annotations[cosignKind], cosignKinds):
			delete(index.Manifests[i].Annotations, cosignKind)
		}
	}
}

// isDigestTag reports whether a tag belongs to what is attached to an image: the fallback tag, or one of cosign's.
func isDigestTag(tag string) bool {
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		tag = strings.TrimSuffix(tag, suffix)
	}
	algorithm, encoded, ok := strings.Cut(tag, "-")
	return ok && (algorithm == "sha256" || algorithm == "sha512") && len(encoded) == 64 && strings.Trim(encoded, "0123456789abcdef") == ""
}
