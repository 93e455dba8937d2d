package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// OpenLayout returns the repository in an OCI layout directory (OCI image specification 1.1, image-layout.md). What does not exist is
// made with the first content that is pushed: until then it is an empty repository. It needs no server.
//
// What oras, notation, zot, regctl, olareg, go-containerregistry, crane, skopeo and cosign (save) keep there is found. What
// is attached here is named in index.json and in the subject's fallback index, so that oras, regctl and olareg find it.
// cosign (load, verify --local-image) reads the image that was tagged last. crane pushes a layout of more than one manifest
// only with --index, and skopeo copies one image by its tag, without what is attached to it.
//
// Several processes may use one directory at the same time: the system's lock on a file index.json.lock keeps their
// changes apart, and ends with the process that holds it.
func OpenLayout(dir string) (*Repository, error) {
	b, err := Layout(dir)
	if err != nil {
		return nil, err
	}
	r := New(b, nil)
	r.name = dir
	return r, nil
}

// Layout returns the Backend of OpenLayout, for New with Options: to read cosign's tags in a directory, say.
func Layout(dir string) (Backend, error) {
	b := &layoutBackend{dir: dir, limits: Limits{}.withDefaults()}
	if _, err := b.there(); err != nil {
		return nil, fmt.Errorf("registry: layout %s: %w", dir, err)
	}
	return b, nil
}

type layoutBackend struct {
	dir    string
	limits Limits
	nodes  sync.Map // digest.Digest to *node: what was read
	made   atomic.Bool
}

func (b *layoutBackend) path(elem ...string) string {
	return filepath.Join(append([]string{b.dir}, elem...)...)
}

// there reports whether there is a layout, of a version that is known.
func (b *layoutBackend) there() (bool, error) {
	if b.made.Load() {
		return true, nil
	}
	data, err := os.ReadFile(b.path(ocispec.ImageLayoutFile))
	if err != nil {
		if info, err := os.Stat(b.dir); err == nil && !info.IsDir() {
			return false, fmt.Errorf("%w: it is a file, and a layout is a directory", ErrInvalid)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, fileError(err)
	}
	var layout ocispec.ImageLayout
	if err := parse(data, &layout); err != nil {
		return false, err
	}
	if layout.Version != ocispec.ImageLayoutVersion {
		return false, fmt.Errorf("%w: version %.20q of the layout", ErrUnsupported, layout.Version)
	}
	b.made.Store(true)
	return true, nil
}

// make makes the layout if there is none.
func (b *layoutBackend) make(ctx context.Context) error {
	if there, err := b.there(); there || err != nil {
		return err
	}
	if err := os.MkdirAll(b.path(ocispec.ImageBlobsDir), 0o777); err != nil {
		return fileError(err)
	}
	// The index first: once the marker is there, a layout without an index is a damaged one.
	if err := b.initIndex(ctx); err != nil {
		return fileError(err)
	}
	marker := b.path(ocispec.ImageLayoutFile)
	return fileError(writeFile(marker, fmt.Appendf(nil, `{"imageLayoutVersion":%q}`, ocispec.ImageLayoutVersion)))
}

// initIndex writes an index of nothing, unless another process has one by now.
func (b *layoutBackend) initIndex(ctx context.Context) error {
	unlock, err := b.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	name := b.path(ocispec.ImageIndexFile)
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writeFile(name, []byte(emptyIndex))
}

func (b *layoutBackend) blob(d digest.Digest) string {
	return b.path(ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

func (b *layoutBackend) index() (*ocispec.Index, error) {
	f, err := os.Open(b.path(ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		if there, err := b.there(); !there && err == nil {
			return parseIndex([]byte(emptyIndex))
		}
		// Without it nothing can be told from nothing there (OCI image specification 1.1, image-layout.md: it must exist).
		return nil, fmt.Errorf("registry: %w: a layout without index: %w", ErrMalformed, err)
	}
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, b.limits.ManifestBytes+1))
	if err != nil {
		return nil, fileError(err)
	}
	if int64(len(data)) > b.limits.ManifestBytes {
		return nil, fmt.Errorf("registry: %w: %s has more than %d bytes", ErrLimit, f.Name(), b.limits.ManifestBytes)
	}
	return parseIndex(data)
}

func (b *layoutBackend) Resolve(ctx context.Context, reference string) (Descriptor, error) {
	if err := ended(ctx); err != nil {
		return Descriptor{}, err
	}
	index, err := b.index()
	if err != nil {
		return Descriptor{}, err
	}
	if d, ok, err := find(index, reference); ok || err != nil {
		return bare(d), err
	}
	if d := digest.Digest(reference); d.Validate() == nil {
		return b.unlisted(ctx, d)
	}
	if there, err := b.there(); !there && err == nil {
		return Descriptor{}, fmt.Errorf("registry: %w: %s: there is no layout in %s", ErrNotFound, reference, b.dir)
	}
	return Descriptor{}, fmt.Errorf("registry: %w: %s in %s", ErrNotFound, reference, b.dir)
}

// find returns the entry of a digest, of a tag, or of the name that a program stored. The newest counts, as a tag that moved
// may have left its old entry.
func find(index *ocispec.Index, reference string) (Descriptor, bool, error) {
	for _, d := range slices.Backward(index.Manifests) {
		if d.Digest.String() == reference || d.Annotations[ocispec.AnnotationRefName] == reference {
			return d, true, nil
		}
	}
	// crane stores whole names, and containerd has an annotation of its own for them.
	var found Descriptor
	for _, d := range index.Manifests {
		name, full := d.Annotations[ocispec.AnnotationRefName], d.Annotations["io.containerd.image.name"]
		if full != reference && (name == "" || tagIn(name) != reference) && (full == "" || tagIn(full) != reference) {
			continue
		}
		if found.Digest != "" && found.Digest != d.Digest {
			return Descriptor{}, false, fmt.Errorf("registry: %w: several images are called %.200q: give the whole name, or the digest",
				ErrInvalid, reference)
		}
		found = d
	}
	if found.Digest == "" {
		found = savedUnder(index, reference)
	}
	return found, found.Digest != "", nil
}

// unlisted resolves a manifest that index.json does not name: most programs write only an index there, and not the
// manifests that it names.
func (b *layoutBackend) unlisted(ctx context.Context, want digest.Digest) (Descriptor, error) {
	f, err := b.Fetch(ctx, Descriptor{Digest: want})
	if err != nil {
		return Descriptor{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, b.limits.ManifestBytes+1))
	if err != nil {
		return Descriptor{}, fileError(err)
	}
	mediaType := manifestType(data)
	if int64(len(data)) > b.limits.ManifestBytes || mediaType == "" || want.Algorithm().FromBytes(data) != want {
		return Descriptor{}, fmt.Errorf("registry: %w: manifest %s in %s", ErrNotFound, want, b.dir)
	}
	return Descriptor{MediaType: mediaType, Digest: want, Size: int64(len(data))}, nil
}

func (b *layoutBackend) Fetch(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	f, err := os.Open(b.blob(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("registry: %w: %s in %s", ErrNotFound, d.Digest, b.dir)
	}
	if err != nil {
		return nil, fileError(err)
	}
	return fileBody{f}, nil
}

func (b *layoutBackend) Push(ctx context.Context, d Descriptor, content io.Reader, tag string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if err := b.pushBlob(ctx, d, content); err != nil {
		return err
	}
	if !isManifest(d.MediaType) {
		return nil
	}
	n, err := b.node(ctx, d)
	if err != nil {
		return err
	}
	var old []Descriptor // lists
	err = b.change(ctx, func(index *ocispec.Index) (err error) {
		if n.subject.Validate() == nil && n.subject != d.Digest {
			// For those who read no other list.
			old, err = b.editLists(ctx, index, n.subject, true, func(list []byte) ([]byte, error) {
				changed, _, err := addToIndex(list, []Descriptor{n.self}, func(string) bool { return false })
				return changed, err
			})
		}
		enter(index, d, tag)
		return err
	})
	if err == nil {
		b.drop(old)
	}
	return err
}

// enter names a manifest in index.json, under a tag unless that is empty.
func enter(index *ocispec.Index, d Descriptor, tag string) {
	entry := bare(d)
	if tag != "" {
		entry.Annotations = map[string]string{ocispec.AnnotationRefName: tag}
		index.Manifests = untag(index.Manifests, tag, d.Digest)
	} else if slices.ContainsFunc(index.Manifests, func(old Descriptor) bool { return old.Digest == d.Digest }) {
		return
	}
	index.Manifests = append(index.Manifests, entry)
	markForCosign(index)
}

// untag takes a tag from whatever has it, and drops entries without tag of the manifest that is to have it. What loses
// its last tag stays, so that its digest still resolves, but for lists of attachments that another took the place of.
func untag(entries []Descriptor, tag string, next digest.Digest) []Descriptor {
	count := make(map[digest.Digest]int)
	for _, d := range entries {
		count[d.Digest]++
	}
	out := entries[:0]
	for _, d := range entries {
		if d.Annotations[ocispec.AnnotationRefName] == tag {
			delete(d.Annotations, ocispec.AnnotationRefName)
			if d.Digest == next || count[d.Digest] > 1 || isDigestTag(tag) {
				count[d.Digest]--
				continue
			}
		} else if d.Digest == next && d.Annotations[ocispec.AnnotationRefName] == "" {
			continue
		}
		out = append(out, d)
	}
	return out
}

// Exists reports whether content is there, undamaged.
func (b *layoutBackend) Exists(_ context.Context, d Descriptor) (bool, error) {
	f, err := os.Open(b.blob(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fileError(err)
	}
	_, err = io.Copy(io.Discard, check(f, d))
	f.Close()
	return err == nil, nil
}

func (b *layoutBackend) pushBlob(ctx context.Context, d Descriptor, content io.Reader) error {
	if err := b.make(ctx); err != nil {
		return fmt.Errorf("registry: layout %s: %w", b.dir, err)
	}
	name := b.blob(d.Digest)
	if there, err := b.Exists(ctx, d); there || err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fileError(err)
	}
	if err := copyFile(name, check(io.NopCloser(content), d)); err != nil { // it is there before the index names it
		return fmt.Errorf("registry: push %s: %w", d.Digest, fileError(err))
	}
	return nil
}

// Delete removes a manifest and leaves its blobs, which others may share.
func (b *layoutBackend) Delete(ctx context.Context, d Descriptor) error {
	if _, err := os.Stat(b.dir); errors.Is(err, fs.ErrNotExist) {
		return nil // and none is made for it
	}
	var old []Descriptor // lists
	err := b.change(ctx, func(index *ocispec.Index) (err error) {
		index.Manifests = slices.DeleteFunc(index.Manifests, func(old Descriptor) bool { return old.Digest == d.Digest })
		if n, err := b.node(ctx, d); err == nil && n.subject != "" {
			old, err = b.editLists(ctx, index, n.subject, false,
				func(list []byte) ([]byte, error) { return removeFromIndex(list, d.Digest) })
			return err
		}
		return nil // it is gone, or damaged, and whatever lists it leads nowhere
	})
	if err != nil {
		return err
	}
	b.drop(old)
	b.nodes.Delete(d.Digest)
	if err := os.Remove(b.blob(d.Digest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileError(err)
	}
	return nil
}

func (b *layoutBackend) manifest(ctx context.Context, d Descriptor) ([]byte, error) {
	if err := valid(d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if d.Size > b.limits.ManifestBytes {
		return nil, fmt.Errorf("registry: %w: manifest %s has %d bytes, at most %d are read", ErrLimit, d.Digest, d.Size,
			b.limits.ManifestBytes)
	}
	f, err := b.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(check(f, d))
}

// deleted reports whether the index does not name a manifest any more.
func (b *layoutBackend) deleted(d digest.Digest) bool {
	index, err := b.index()
	return err == nil && !slices.ContainsFunc(index.Manifests, func(e Descriptor) bool { return e.Digest == d })
}

// change rewrites index.json under the lock.
func (b *layoutBackend) change(ctx context.Context, edit func(*ocispec.Index) error) error {
	if err := b.make(ctx); err != nil {
		return fmt.Errorf("registry: layout %s: %w", b.dir, err)
	}
	unlock, err := b.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	index, err := b.index()
	if err != nil {
		return err
	}
	if err := b.adopt(ctx, index); err != nil {
		return err
	}
	if err := edit(index); err != nil {
		return err
	}
	if index.Manifests == nil {
		index.Manifests = []Descriptor{}
	}
	data, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	if int64(len(data)) > b.limits.ManifestBytes { // nobody would read it again
		return fmt.Errorf("registry: %w: %s would have more than %d bytes", ErrLimit, b.path(ocispec.ImageIndexFile),
			b.limits.ManifestBytes)
	}
	if err := writeFile(b.path(ocispec.ImageIndexFile), data); err != nil {
		return fileError(err)
	}
	return nil
}

// lock takes the layout's lock. The file stays: to remove it would let two in.
func (b *layoutBackend) lock(ctx context.Context) (unlock func(), err error) {
	name := b.path(ocispec.ImageIndexFile + ".lock")
	for try := 1; ; try++ {
		unlock, err := lockFile(name)
		if err == nil {
			return unlock, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, fmt.Errorf("registry: lock %s: %w", b.dir, fileError(err))
		}
		if !sleep(ctx, jitter(try)) {
			return nil, fmt.Errorf("registry: layout %s is locked by another process: %w: %w", b.dir, ErrUnavailable, context.Cause(ctx))
		}
	}
}
