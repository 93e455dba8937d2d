package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// OpenLayout returns the repository in an OCI layout directory (OCI image specification 1.1, image-layout.md), which is
// made if it does not exist. It needs no server: oras, crane and cosign read the same directory.
//
// Several processes may use one directory at the same time; a lock file, index.json.lock, keeps their changes apart.
func OpenLayout(dir string) (*Repository, error) {
	b := &layoutBackend{dir: dir, limits: Limits{}.withDefaults()}
	if err := b.init(); err != nil {
		return nil, fmt.Errorf("registry: layout %s: %w", dir, err)
	}
	r := New(b, nil)
	r.name = dir
	return r, nil
}

type layoutBackend struct {
	dir    string
	limits Limits
}

func (b *layoutBackend) path(elem ...string) string {
	return filepath.Join(append([]string{b.dir}, elem...)...)
}

func (b *layoutBackend) init() error {
	if err := os.MkdirAll(b.path(ocispec.ImageBlobsDir), 0o777); err != nil {
		return err
	}
	marker := b.path(ocispec.ImageLayoutFile)
	data, err := os.ReadFile(marker)
	if errors.Is(err, fs.ErrNotExist) {
		return writeFile(marker, fmt.Appendf(nil, `{"imageLayoutVersion":%q}`, ocispec.ImageLayoutVersion))
	}
	if err != nil {
		return err
	}
	var layout ocispec.ImageLayout
	if err := parse(data, &layout); err != nil {
		return err
	}
	if layout.Version != ocispec.ImageLayoutVersion {
		return fmt.Errorf("%w: version %.20q of the layout", ErrUnsupported, layout.Version)
	}
	return nil
}

// writeFile replaces a file at once: a reader, or whoever comes after a crash, sees the old bytes or the new.
func writeFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

func (b *layoutBackend) blob(d digest.Digest) string {
	return b.path(ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

func (b *layoutBackend) index() (*ocispec.Index, error) {
	f, err := os.Open(b.path(ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return &ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, b.limits.ManifestBytes+1))
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	if int64(len(data)) > b.limits.ManifestBytes {
		return nil, fmt.Errorf("registry: %w: %s has more than %d bytes", ErrLimit, f.Name(), b.limits.ManifestBytes)
	}
	return parseIndex(data)
}

func (b *layoutBackend) Resolve(_ context.Context, reference string) (Descriptor, error) {
	index, err := b.index()
	if err != nil {
		return Descriptor{}, err
	}
	// The newest entry of a name counts, as a tag that moved may have left its old entry.
	for _, d := range slices.Backward(index.Manifests) {
		if d.Digest.String() == reference || d.Annotations[ocispec.AnnotationRefName] == reference {
			return bare(d), nil
		}
	}
	return Descriptor{}, fmt.Errorf("registry: %w: %s in %s", ErrNotFound, reference, b.dir)
}

func (b *layoutBackend) Fetch(_ context.Context, d Descriptor) (io.ReadCloser, error) {
	f, err := os.Open(b.blob(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("registry: %w: %s in %s", ErrNotFound, d.Digest, b.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return f, nil
}

func (b *layoutBackend) Push(ctx context.Context, d Descriptor, content io.Reader, tag string) error {
	if err := b.pushBlob(d, content); err != nil {
		return err
	}
	if !isManifest(d.MediaType) {
		return nil
	}
	return b.change(ctx, func(index *ocispec.Index) {
		entry := bare(d)
		if tag != "" {
			entry.Annotations = map[string]string{ocispec.AnnotationRefName: tag}
			index.Manifests = slices.DeleteFunc(index.Manifests, func(old Descriptor) bool {
				return old.Annotations[ocispec.AnnotationRefName] == tag || old.Digest == d.Digest && old.Annotations[ocispec.AnnotationRefName] == ""
			})
		} else if slices.ContainsFunc(index.Manifests, func(old Descriptor) bool { return old.Digest == d.Digest }) {
			return
		}
		index.Manifests = append(index.Manifests, entry)
	})
}

func (b *layoutBackend) pushBlob(d Descriptor, content io.Reader) error {
	name := b.blob(d.Digest)
	if info, err := os.Stat(name); err == nil && info.Size() == d.Size {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	defer os.Remove(f.Name())
	checked := &checkedReader{body: io.NopCloser(content), left: d.Size, verifier: d.Digest.Verifier(), d: d}
	_, err = io.Copy(f, checked)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("registry: push %s: %w", d.Digest, err)
	}
	return nil
}

// Delete removes a manifest and leaves its blobs, which others may share.
func (b *layoutBackend) Delete(ctx context.Context, d Descriptor) error {
	err := b.change(ctx, func(index *ocispec.Index) {
		index.Manifests = slices.DeleteFunc(index.Manifests, func(old Descriptor) bool { return old.Digest == d.Digest })
	})
	if err != nil {
		return err
	}
	if err := os.Remove(b.blob(d.Digest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("registry: %w", err)
	}
	return nil
}

// Referrers reads every manifest of the layout: a directory has no other listing.
func (b *layoutBackend) Referrers(ctx context.Context, subject Descriptor) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		index, err := b.index()
		if err != nil {
			yield(Descriptor{}, err)
			return
		}
		for _, d := range index.Manifests {
			if ctx.Err() != nil {
				yield(Descriptor{}, context.Cause(ctx))
				return
			}
			if d.MediaType != ocispec.MediaTypeImageManifest && d.MediaType != ocispec.MediaTypeImageIndex || d.Size > b.limits.ManifestBytes {
				continue
			}
			data, err := os.ReadFile(b.blob(d.Digest))
			if err != nil {
				yield(Descriptor{}, fmt.Errorf("registry: %w", err))
				return
			}
			m := new(ocispec.Manifest) // an index too: what counts here has the same names in both
			if err := parse(data, m); err != nil || m.Subject == nil || m.Subject.Digest != subject.Digest {
				continue
			}
			d = bare(d)
			d.ArtifactType, d.Annotations = artifactType(m), m.Annotations
			if !yield(d, nil) {
				return
			}
		}
	}
}

// change rewrites index.json under the lock.
func (b *layoutBackend) change(ctx context.Context, edit func(*ocispec.Index)) error {
	unlock, err := b.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	index, err := b.index()
	if err != nil {
		return err
	}
	edit(index)
	if index.Manifests == nil {
		index.Manifests = []Descriptor{}
	}
	data, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	if err := writeFile(b.path(ocispec.ImageIndexFile), data); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	return nil
}

// staleLock is the age at which a lock is taken for that of a process that died: it is held for milliseconds.
const staleLock = 10 * time.Second

// lock takes the layout's lock: a file that only one can create, on every system.
func (b *layoutBackend) lock(ctx context.Context) (unlock func(), err error) {
	name := b.path(ocispec.ImageIndexFile + ".lock")
	mine := fmt.Appendf(nil, "%d %d", os.Getpid(), time.Now().UnixNano())
	for try := 1; ; try++ {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			_, _ = f.Write(mine)
			f.Close()
			return func() {
				if held, err := os.ReadFile(name); err == nil && bytes.Equal(held, mine) {
					os.Remove(name)
				}
			}, nil
		}
		// Windows says that access is denied while a file that was removed is still open.
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("registry: lock %s: %w", b.dir, err)
		}
		info, statErr := os.Stat(name)
		switch {
		case statErr == nil && time.Since(info.ModTime()) > staleLock:
			os.Remove(name)
		case errors.Is(err, fs.ErrPermission) && errors.Is(statErr, fs.ErrNotExist) && try > 100:
			return nil, fmt.Errorf("registry: lock %s: %w", b.dir, err)
		}
		if !sleep(ctx, jitter(try)) {
			return nil, fmt.Errorf("registry: lock %s, held by %s: %w: %w", b.dir, name, ErrUnavailable, context.Cause(ctx))
		}
	}
}
