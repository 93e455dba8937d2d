package image

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// Local is a file or directory with images in it: a [Source]. Without having been opened it has none.
type Local struct {
	Images []ocispec.Descriptor // at least one, in the order of the file; no artifacts, and no members of an index that is here

	root      *os.Root // of a layout directory
	file      *os.File // of an archive
	temporary bool     // which was compressed
	entries   map[string]section
	paths     map[digest.Digest]string // of what has no name by its digest
	inline    map[digest.Digest][]byte
	manifests map[digest.Digest]*ocispec.Manifest // what docker save has instead, by the digest of the configuration
}

type section struct {
	at, size int64
	link     string
}

const maxEntries = 100_000 // of an archive of images: blobs, not files of layers

// Open opens an OCI layout directory, a tar archive of one, or an archive of docker save.
func (l *Local) Open(name string) error {
	*l = Local{paths: map[digest.Digest]string{}, inline: map[digest.Digest][]byte{}, manifests: map[digest.Digest]*ocispec.Manifest{}}
	err := l.open(name)
	if err != nil {
		l.Close()
	}
	return err
}

// Close closes the file. Nothing can be fetched any more.
func (l *Local) Close() error {
	if l.root != nil {
		return l.root.Close()
	}
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	if l.temporary {
		_ = os.Remove(l.file.Name()) // it is gone already where that is possible while it is open
	}
	return err
}

func (l *Local) open(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if l.root, err = os.OpenRoot(name); err != nil {
			return err
		}
		if _, err := l.root.Stat(ocispec.ImageIndexFile); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s has no %s", ErrNotImage, name, ocispec.ImageIndexFile)
		}
		return l.layout()
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is neither a file nor a directory", ErrNotImage, name)
	}
	if l.file, err = os.Open(name); err != nil {
		return err
	}
	if err := l.unpack(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := l.index(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, ok := l.entries[ocispec.ImageIndexFile]; ok { // docker save writes both, and this one has the digests
		return l.layout()
	}
	if _, ok := l.entries["manifest.json"]; ok {
		return l.docker()
	}
	return fmt.Errorf("%w: %s has neither %s nor manifest.json", ErrNotImage, name, ocispec.ImageIndexFile)
}

const maxUnpacked = 64 << 30 // bytes of an archive that is compressed as a whole

// MaxRatio is how much larger than compressed a layer, or an archive that is compressed as a whole, may be beyond 64 MiB.
const MaxRatio = 1000

// unpack replaces a compressed archive by a temporary file.
func (l *Local) unpack() error {
	magic := make([]byte, 4)
	n, err := l.file.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !compressed(magic[:n]) {
		return nil
	}
	plain, done, err := decompress(l.file)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotImage, err)
	}
	defer done()
	to, err := os.CreateTemp("", "lading-catalog-")
	if err != nil {
		return err
	}
	_ = os.Remove(to.Name())
	packed := l.file
	defer packed.Close()
	l.file, l.temporary = to, true
	grown := func() error {
		at, err := packed.Seek(0, io.SeekCurrent) // what was read ahead counts
		if written, werr := to.Seek(0, io.SeekCurrent); err == nil && werr == nil && written > 64<<20 && written/MaxRatio > at {
			err = fmt.Errorf("%w: %d bytes unpack to more than %d; unpack it first if that is right", ErrLimit, at, written)
		}
		return err
	}
	switch n, err := io.Copy(writer{to, grown}, io.LimitReader(plain, maxUnpacked+1)); {
	case n > maxUnpacked:
		return fmt.Errorf("%w: more than %d bytes; unpack it first", ErrLimit, int64(maxUnpacked))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	case err != nil && malformed(err):
		return fmt.Errorf("%w: %w", ErrNotImage, err)
	case err != nil:
		return err
	}
	_, err = to.Seek(0, io.SeekStart)
	return err
}

// A writer checks before it writes.
type writer struct {
	io.Writer
	check func() error
}

func (w writer) Write(p []byte) (int, error) {
	if err := w.check(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// index notes where in the archive everything is.
func (l *Local) index() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	l.entries = map[string]section{}
	r := tar.NewReader(l.file)
	for n := 0; ; n++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				return fmt.Errorf("%w: it is empty", ErrNotImage)
			}
			return nil
		}
		if n > maxEntries {
			return fmt.Errorf("%w: more than %d entries", ErrLimit, maxEntries)
		}
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF) && n > 0:
			return ErrTruncated
		case err != nil:
			return fmt.Errorf("%w: %w", ErrNotImage, err)
		}
		name := rootfs.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := l.file.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			if at+h.Size > size {
				return fmt.Errorf("%w in %.200q", ErrTruncated, name)
			}
			l.entries[name] = section{at: at, size: h.Size}
		case tar.TypeSymlink: // docker save tells a layer once that several images have
			l.entries[name] = section{link: rootfs.Clean(path.Join(path.Dir(name), h.Linkname))}
		case tar.TypeLink:
			l.entries[name] = section{link: rootfs.Clean(h.Linkname)}
		}
	}
}

// read opens a file of the layout or archive. Size says how long it is.
func (l *Local) read(name string) (r io.ReadCloser, size int64, err error) {
	if l.root != nil {
		f, err := l.root.Open(name)
		if err != nil {
			return nil, 0, err
		}
		info, err := f.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%w: %s is not a file", ErrNotImage, name)
		}
		if err != nil {
			f.Close()
			return nil, 0, err
		}
		return f, info.Size(), nil
	}
	name = rootfs.Clean(name)
	for range rootfs.MaxLinks {
		e, ok := l.entries[name]
		if !ok {
			break
		}
		if e.link == "" {
			return io.NopCloser(io.NewSectionReader(l.file, e.at, e.size)), e.size, nil
		}
		name = e.link
	}
	return nil, 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// small reads a manifest or the like.
func (l *Local) small(name string) ([]byte, error) {
	r, size, err := l.read(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if size > maxManifest {
		return nil, fmt.Errorf("%w: %s has %d bytes, more than %d", ErrLimit, name, size, maxManifest)
	}
	return io.ReadAll(io.LimitReader(r, maxManifest))
}

func (l *Local) layout() error {
	data, err := l.small(ocispec.ImageIndexFile)
	if err != nil {
		return err
	}
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNotImage, ocispec.ImageIndexFile, err)
	}
	if len(index.Manifests) == 0 {
		return fmt.Errorf("%w: %s lists none", ErrNotImage, ocispec.ImageIndexFile)
	}
	l.Images = l.selectImages(index.Manifests)
	if len(l.Images) == 0 {
		return fmt.Errorf("%w: %s lists artifacts alone, such as signatures", ErrNotImage, ocispec.ImageIndexFile)
	}
	return l.joinPlatforms()
}

// joinPlatforms makes several images without names one image for several platforms, if they are for different ones: the
// layout is its index.
func (l *Local) joinPlatforms() error {
	seen := make(map[string]bool)
	for _, d := range l.Images {
		if nameOf(d) != "" {
			return nil
		}
		if d.Platform == nil {
			if _, err := describe(context.Background(), l, &d, ocispec.Platform{}); err != nil || d.Platform == nil {
				return nil // to take it is an error then
			}
		}
		p := path.Join(d.Platform.OS, d.Platform.Architecture, d.Platform.Variant)
		if seen[p] {
			return nil
		}
		seen[p] = true
	}
	if len(l.Images) == 1 {
		return nil
	}
	data, err := json.Marshal(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: l.Images})
	if err != nil {
		return err
	}
	d := digest.FromBytes(data)
	l.inline[d] = data
	l.Images = []ocispec.Descriptor{{MediaType: ocispec.MediaTypeImageIndex, Digest: d, Size: int64(len(data))}}
	return nil
}

// docker reads manifest.json, which docker save wrote alone before version 25, and podman and others still do.
func (l *Local) docker() error {
	data, err := l.small("manifest.json")
	if err != nil {
		return err
	}
	var list []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("%w: manifest.json: %w", ErrNotImage, err)
	}
	for _, m := range list {
		config, err := l.small(m.Config)
		if err != nil {
			return fmt.Errorf("%w: configuration: %w", ErrNotImage, err)
		}
		var c ocispec.Image
		if err := json.Unmarshal(config, &c); err != nil {
			return fmt.Errorf("%w: configuration: %w", ErrNotImage, err)
		}
		if len(c.RootFS.DiffIDs) != len(m.Layers) {
			return fmt.Errorf("%w: %d layers, and a configuration that knows %d", ErrNotImage, len(m.Layers), len(c.RootFS.DiffIDs))
		}
		d := ocispec.Descriptor{MediaType: "application/vnd.docker.container.image.v1+json",
			Digest: digest.FromBytes(config), Size: int64(len(config))}
		l.inline[d.Digest] = config
		manifest := &ocispec.Manifest{Config: d}
		for i, name := range m.Layers {
			layer, err := l.dockerLayer(name, c.RootFS.DiffIDs[i])
			if err != nil {
				return err
			}
			manifest.Layers = append(manifest.Layers, layer)
		}
		l.manifests[d.Digest] = manifest
		if len(m.RepoTags) > 0 {
			d.Annotations = map[string]string{ocispec.AnnotationRefName: m.RepoTags[0]}
		}
		l.Images = append(l.Images, d)
	}
	if len(l.Images) == 0 {
		return fmt.Errorf("%w: manifest.json lists none", ErrNotImage)
	}
	return nil
}

// dockerLayer describes a layer. Its digest is that of the uncompressed layer (the diff ID), which differs from the blob's only if
// that is compressed.
func (l *Local) dockerLayer(name string, diffID digest.Digest) (d ocispec.Descriptor, err error) {
	r, size, err := l.read(name)
	if err != nil {
		return d, fmt.Errorf("%w: layer: %w", ErrNotImage, err)
	}
	defer r.Close()
	d = ocispec.Descriptor{Digest: diffID, Size: size}
	magic := make([]byte, 4)
	n, _ := io.ReadFull(r, magic)
	if compressed(magic[:n]) {
		h := digest.Canonical.Hash()
		h.Write(magic[:n])
		if _, err := io.Copy(h, r); err != nil {
			return d, err
		}
		d.Digest = digest.NewDigest(digest.Canonical, h)
	}
	l.paths[d.Digest] = name
	return d, nil
}

// Fetch opens content. It is not checked.
func (l *Local) Fetch(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if data, ok := l.inline[d.Digest]; ok {
		return io.NopCloser(strings.NewReader(string(data))), nil
	}
	name, ok := l.paths[d.Digest]
	if !ok {
		if err := d.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("%w: digest %q: %w", ErrNotImage, d.Digest, err)
		}
		name = path.Join(ocispec.ImageBlobsDir, d.Digest.Algorithm().String(), d.Digest.Encoded())
	}
	r, _, err := l.read(name)
	return r, err
}
