package catalog

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A File is an image in a file or a directory. It is a [Source].
type File struct {
	fetch func(d ocispec.Descriptor) (io.ReadCloser, error)
	close func() error
}

// Fetch opens content of the image.
func (f *File) Fetch(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	return f.fetch(d)
}

// Close closes the file.
func (f *File) Close() error { return f.close() }

// Open opens an image that is a directory in the OCI image layout, an archive of one, or an archive that docker save
// writes; which one, it finds out. The archive may be compressed, and is unpacked to a temporary file then. The
// descriptor is of the image that is first in it. Errors wrap [ErrNotImage] and those of the file system.
func Open(name string) (*File, ocispec.Descriptor, error) {
	f, d, err := open(name)
	if err != nil {
		return nil, ocispec.Descriptor{}, fmt.Errorf("catalog: %s: %w", name, err)
	}
	return f, d, nil
}

func open(name string) (*File, ocispec.Descriptor, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	if st.IsDir() {
		f := layoutFile(func(p string) (io.ReadCloser, error) { return os.Open(filepath.Join(name, filepath.FromSlash(p))) }, func() error { return nil })
		d, err := f.index()
		return f.File, d, err
	}
	a, err := openArchive(name)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	var f *File
	var d ocispec.Descriptor
	if _, ok := a.entries["index.json"]; ok {
		l := layoutFile(a.open, a.close)
		f = l.File
		d, err = l.index()
	} else if _, ok := a.entries["manifest.json"]; ok {
		f, d, err = a.docker()
	} else {
		err = fmt.Errorf("%w: the archive has no index.json and no manifest.json", ErrNotImage)
	}
	if err != nil {
		a.close()
		return nil, ocispec.Descriptor{}, err
	}
	return f, d, nil
}

// A layout is an OCI image layout (OCI image specification, "Image Layout").
type layout struct {
	*File
	open func(path string) (io.ReadCloser, error)
}

func layoutFile(open func(string) (io.ReadCloser, error), close func() error) layout {
	return layout{&File{close: close, fetch: func(d ocispec.Descriptor) (io.ReadCloser, error) {
		if err := d.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("%w: digest %q: %w", ErrNotImage, d.Digest, err)
		}
		return open(path.Join("blobs", d.Digest.Algorithm().String(), d.Digest.Encoded()))
	}}, open}
}

func (l layout) index() (ocispec.Descriptor, error) {
	var index ocispec.Index
	if err := readJSON(l.open, "index.json", &index); err != nil {
		return ocispec.Descriptor{}, err
	}
	if len(index.Manifests) == 0 {
		return ocispec.Descriptor{}, fmt.Errorf("%w: index.json has no manifests", ErrNotImage)
	}
	return index.Manifests[0], nil
}

func readJSON(open func(string) (io.ReadCloser, error), name string, v any) error {
	r, err := open(name)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: there is no %s", ErrNotImage, name)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return err
	}
	if len(data) > maxManifest {
		return fmt.Errorf("%w: %s has more than %d bytes", ErrLimit, name, maxManifest)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNotImage, name, err)
	}
	return nil
}

// An archive is an uncompressed tar file with the places of its entries.
type archive struct {
	f       *os.File
	remove  bool // it is a temporary file
	entries map[string]entry
}

type entry struct{ off, size int64 }

func openArchive(name string) (*archive, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	a := &archive{f: f, entries: map[string]entry{}}
	plain, done, err := decompress(f)
	if err != nil {
		a.close()
		return nil, fmt.Errorf("%w: %w", ErrNotImage, err)
	}
	defer done()
	if _, ok := plain.(interface{ Buffered() int }); !ok { // it was compressed
		tmp, err := os.CreateTemp("", "lading-catalog-")
		if err != nil {
			a.close()
			return nil, err
		}
		_, err = io.Copy(tmp, io.LimitReader(plain, 64<<30))
		f.Close()
		a.f, a.remove = tmp, true
		if err != nil {
			a.close()
			return nil, fmt.Errorf("%w: %w", ErrNotImage, err)
		}
	}
	if _, err := a.f.Seek(0, io.SeekStart); err != nil {
		a.close()
		return nil, err
	}
	links := map[string]string{}
	r := &position{r: a.f}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			a.close()
			return nil, fmt.Errorf("%w: %w", ErrNotImage, err)
		}
		switch h.Typeflag {
		case tar.TypeReg:
			a.entries[clean(h.Name)] = entry{r.n, h.Size}
		case tar.TypeSymlink: // docker save shares layers so
			links[clean(h.Name)] = clean(path.Join(path.Dir(h.Name), h.Linkname))
		case tar.TypeLink:
			links[clean(h.Name)] = clean(h.Linkname)
		}
		if len(a.entries) > 100_000 {
			a.close()
			return nil, fmt.Errorf("%w: more than 100000 files in an archive of images", ErrLimit)
		}
	}
	for from, to := range links {
		if e, ok := a.entries[to]; ok {
			a.entries[from] = e
		}
	}
	return a, nil
}

// position knows how much was read. It can seek, so that a tar reader skips what nobody reads.
type position struct {
	r *os.File
	n int64
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.n += int64(n)
	return n, err
}

func (p *position) Seek(off int64, whence int) (int64, error) {
	n, err := p.r.Seek(off, whence)
	p.n = n
	return n, err
}

func (a *archive) close() error {
	err := a.f.Close()
	if a.remove {
		err = errors.Join(err, os.Remove(a.f.Name()))
	}
	return err
}

func (a *archive) open(name string) (io.ReadCloser, error) {
	e, ok := a.entries[clean(name)]
	if !ok {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	return io.NopCloser(io.NewSectionReader(a.f, e.off, e.size)), nil
}

// docker reads what docker save wrote before there was an OCI layout in it. It has no manifest of OCI's kind: one is made,
// in which a layer's digest is that of its plain archive, as the configuration says.
func (a *archive) docker() (*File, ocispec.Descriptor, error) {
	var list []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	none := ocispec.Descriptor{}
	if err := readJSON(a.open, "manifest.json", &list); err != nil {
		return nil, none, err
	}
	if len(list) == 0 {
		return nil, none, fmt.Errorf("%w: manifest.json has no images", ErrNotImage)
	}
	im := list[0]
	r, err := a.open(im.Config)
	if err != nil {
		return nil, none, fmt.Errorf("%w: %w", ErrNotImage, err)
	}
	config, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, none, err
	}
	var parsed ocispec.Image
	if err := json.Unmarshal(config, &parsed); err != nil {
		return nil, none, fmt.Errorf("%w: %s: %w", ErrNotImage, im.Config, err)
	}
	if len(parsed.RootFS.DiffIDs) != len(im.Layers) {
		return nil, none, fmt.Errorf("%w: %d layers, and a configuration that knows %d", ErrNotImage, len(im.Layers), len(parsed.RootFS.DiffIDs))
	}
	blobs := map[digest.Digest]func() (io.ReadCloser, error){}
	memory := func(mediaType string, data []byte) ocispec.Descriptor {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		blobs[d.Digest] = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		return d
	}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: memory(ocispec.MediaTypeImageConfig, config)}
	m.SchemaVersion = 2
	for i, name := range im.Layers {
		e, ok := a.entries[clean(name)]
		if !ok {
			return nil, none, fmt.Errorf("%w: there is no %s", ErrNotImage, name)
		}
		d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: parsed.RootFS.DiffIDs[i], Size: e.size}
		if strings.HasSuffix(name, ".gz") || !plainTar(a, e) {
			// Its digest as it stands is not in the archive.
			d.MediaType = ocispec.MediaTypeImageLayerGzip
			if d.Digest, err = digest.FromReader(io.NewSectionReader(a.f, e.off, e.size)); err != nil {
				return nil, none, err
			}
		}
		blobs[d.Digest] = func() (io.ReadCloser, error) { return a.open(name) }
		m.Layers = append(m.Layers, d)
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return nil, none, err
	}
	d := memory(m.MediaType, manifest)
	if len(im.RepoTags) > 0 {
		d.Annotations = map[string]string{ocispec.AnnotationRefName: im.RepoTags[0]}
	}
	return &File{close: a.close, fetch: func(d ocispec.Descriptor) (io.ReadCloser, error) {
		if open := blobs[d.Digest]; open != nil {
			return open()
		}
		return nil, fmt.Errorf("%w: there is no %s", ErrNotImage, d.Digest)
	}}, d, nil
}

// plainTar says whether an entry is not compressed.
func plainTar(a *archive, e entry) bool {
	magic := make([]byte, 4)
	if _, err := a.f.ReadAt(magic, e.off); err != nil {
		return true
	}
	return !bytes.HasPrefix(magic, []byte{0x1f, 0x8b}) && !bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd})
}
