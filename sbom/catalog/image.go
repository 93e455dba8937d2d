package catalog

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// image is an image's manifest and configuration.
type image struct {
	descriptor ocispec.Descriptor
	name       string
	manifest   ocispec.Manifest
	archive    bool // of docker save: it has no manifest
	config     ocispec.Image
}

const maxManifest = 8 << 20 // bytes of a manifest, index or configuration

// What Docker and containerd have beside OCI.
const (
	containerdName = "io.containerd.image.name"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// fetch reads a small blob and checks it.
func fetch(ctx context.Context, src Source, d ocispec.Descriptor) ([]byte, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("%w: digest %q: %w", ErrNotImage, d.Digest, err)
	}
	if d.Size > maxManifest {
		return nil, fmt.Errorf("%w: %s has %d bytes, more than %d", ErrLimit, d.Digest, d.Size, maxManifest)
	}
	r, err := src.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Digest, err)
	}
	if int64(len(data)) < d.Size {
		return nil, fmt.Errorf("%w: %s", ErrTruncated, d.Digest)
	}
	if int64(len(data)) != d.Size || d.Digest.Algorithm().FromBytes(data) != d.Digest {
		return nil, fmt.Errorf("%w: %s", ErrDigest, d.Digest)
	}
	return data, nil
}

// readImage reads an image's manifest, by way of an index if root is one, and its configuration.
func readImage(ctx context.Context, src Source, root ocispec.Descriptor, o *Options) (*image, error) {
	im := &image{descriptor: root, name: orElse(root.Annotations[containerdName], root.Annotations[ocispec.AnnotationRefName])}
	if l, ok := src.(*Local); ok && l.manifests[root.Digest] != nil {
		im.manifest, im.archive = *l.manifests[root.Digest], true
		return im, im.configure(ctx, src)
	}
	for range 4 { // an index may hold an index
		data, err := fetch(ctx, src, im.descriptor)
		if err != nil {
			return nil, err
		}
		var kind members
		if err := json.Unmarshal(data, &kind); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrNotImage, im.descriptor.Digest, err)
		}
		mediaType := orElse(kind.MediaType, im.descriptor.MediaType)
		if mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList || mediaType == "" && kind.Manifests != nil {
			next, err := choose(ctx, src, kind.Manifests, o.Platform)
			if err != nil {
				return nil, err
			}
			im.descriptor = next
			continue
		}
		if what := kind.artifact(); what != "" && kind.Subject == nil {
			return nil, fmt.Errorf("%w: %s is %s", ErrNotImage, im.descriptor.Digest, what)
		}
		if mediaType != ocispec.MediaTypeImageManifest && mediaType != dockerManifest && !(mediaType == "" && kind.Layers != nil) {
			return nil, fmt.Errorf("%w: %s is of type %q", ErrNotImage, im.descriptor.Digest, mediaType)
		}
		if err := json.Unmarshal(data, &im.manifest); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrNotImage, im.descriptor.Digest, err)
		}
		return im, im.configure(ctx, src)
	}
	return nil, fmt.Errorf("%w: indexes in indexes", ErrNotImage)
}

// configure reads the configuration.
func (im *image) configure(ctx context.Context, src Source) error {
	config, err := fetch(ctx, src, im.manifest.Config)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(config, &im.config); err != nil {
		return fmt.Errorf("%w: configuration: %w", ErrNotImage, err)
	}
	if n := len(im.config.RootFS.DiffIDs); n != len(im.manifest.Layers) {
		return fmt.Errorf("%w: %d layers, and a configuration that knows %d", ErrNotImage, len(im.manifest.Layers), n)
	}
	return nil
}

// unpack applies the layers, the lowest first (OCI image specification, "Image Layer Filesystem Changeset").
func (im *image) unpack(ctx context.Context, src Source, c *collector) (*rootfs.Layered, error) {
	o := c.o
	t, err := rootfs.NewLayered(c.wanted, c.warn, o.MaxBytes, o.MaxFiles)
	if err != nil {
		return nil, err
	}
	p := Progress{Layers: len(im.manifest.Layers)}
	for _, l := range im.manifest.Layers {
		p.Total += l.Size
	}
	for i, l := range im.manifest.Layers {
		p.Layer = i + 1
		o.Progress(p)
		if strings.HasSuffix(l.MediaType, "+encrypted") {
			err = fmt.Errorf("%w: layer %s is encrypted", ErrNotImage, l.Digest)
		} else {
			err = im.layer(ctx, src, i, t, o.MaxRatio, func(n int64) {
				p.Bytes += n
				p.Files = t.Files()
				o.Progress(p)
			})
		}
		if err != nil {
			t.Close()
			return nil, err
		}
	}
	return t, nil
}

// layer applies one layer.
func (im *image) layer(ctx context.Context, src Source, i int, t *rootfs.Layered, maxRatio int, progress func(int64)) error {
	l := im.manifest.Layers[i]
	if err := l.Digest.Validate(); err != nil {
		return fmt.Errorf("%w: digest %q: %w", ErrNotImage, l.Digest, err)
	}
	diffID := im.config.RootFS.DiffIDs[i]
	if err := diffID.Validate(); err != nil {
		return fmt.Errorf("%w: diff id %q: %w", ErrNotImage, diffID, err)
	}
	r, err := src.Fetch(ctx, l)
	if err != nil {
		return err
	}
	defer r.Close()
	blob := &meter{ctx: ctx, r: r, verifier: l.Digest.Verifier(), report: progress, max: l.Size}
	plain, done, err := decompress(blob)
	if err != nil {
		return layerError(l, blob, err)
	}
	defer done()
	// What a decompressor makes of little is bounded: a layer that grows a thousandfold is no layer.
	out := &meter{ctx: ctx, r: plain, verifier: diffID.Verifier(), limit: t.Count}
	out.ratio = func() error {
		if out.n > 64<<20 && out.n/int64(maxRatio) > blob.n {
			return fmt.Errorf("%w: %d bytes of a layer unpack to more than %d; set MaxRatio if that is right", ErrLimit, blob.n, out.n)
		}
		return nil
	}
	err = t.Apply(i, l.Digest.String(), tar.NewReader(out))
	// The digests are of everything, what is behind the end of the archive too.
	for _, m := range []*meter{out, blob} {
		if err == nil {
			_, err = io.Copy(io.Discard, m)
		}
	}
	if err != nil {
		return layerError(l, blob, err)
	}
	if blob.n < l.Size {
		return fmt.Errorf("%w: layer %s after %d of %d bytes", ErrTruncated, l.Digest, blob.n, l.Size)
	}
	if !blob.verifier.Verified() || blob.n != l.Size && l.Size > 0 {
		return fmt.Errorf("%w: layer %s", ErrDigest, l.Digest)
	}
	if !out.verifier.Verified() {
		return fmt.Errorf("%w: layer %s unpacks to something else than %s", ErrDigest, l.Digest, diffID)
	}
	return nil
}

// layerError says what kind of failure ended the reading of a layer.
func layerError(l ocispec.Descriptor, blob *meter, err error) error {
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("%w: layer %s: %w", ErrLimit, l.Digest, err)
	case errors.Is(blob.err, io.ErrUnexpectedEOF), blob.ended && (blob.n < l.Size || errors.Is(err, io.ErrUnexpectedEOF)):
		return fmt.Errorf("%w: layer %s after %d of %d bytes: %w", ErrTruncated, l.Digest, blob.n, l.Size, err)
	case blob.err == nil && malformed(err):
		return fmt.Errorf("%w: layer %s: %w", ErrNotImage, l.Digest, err)
	}
	return fmt.Errorf("layer %s: %w", l.Digest, err)
}

// malformed says whether an error is of what reads archives and compression, whose errors do not all have a name, and not
// of a disk, a limit or a context.
func malformed(err error) bool {
	var disk *fs.PathError
	return !errors.As(err, &disk) && !errors.Is(err, ErrLimit) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// A meter counts, checks and bounds what goes through it.
type meter struct {
	ctx      context.Context
	r        io.Reader
	verifier digest.Verifier
	n, max   int64
	limit    func(int64) error
	ratio    func() error
	report   func(int64)
	since    int64
	ended    bool
	err      error // of the reader or ctx, or that there is too much
}

func (m *meter) Read(p []byte) (int, error) {
	if m.err = m.ctx.Err(); m.err != nil {
		return 0, m.err
	}
	n, err := m.r.Read(p)
	if err != io.EOF {
		m.err = err
	}
	m.n += int64(n)
	m.ended = m.ended || err == io.EOF
	m.verifier.Write(p[:n])
	if m.max > 0 && m.n > m.max {
		m.err = fmt.Errorf("%w: more than the %d bytes that the manifest says", ErrDigest, m.max)
		return n, m.err
	}
	if m.limit != nil {
		if err := m.limit(int64(n)); err != nil {
			return n, err
		}
		if err := m.ratio(); err != nil {
			return n, err
		}
	}
	if m.report != nil {
		if m.since += int64(n); m.since >= 1<<20 || err != nil {
			m.report(m.since)
			m.since = 0
		}
	}
	return n, err
}

var gzipMagic, zstdMagic = []byte{0x1f, 0x8b}, []byte{0x28, 0xb5, 0x2f, 0xfd}

func compressed(magic []byte) bool {
	return bytes.HasPrefix(magic, gzipMagic) || bytes.HasPrefix(magic, zstdMagic)
}

// decompress tells the compression by how the content begins: media types of old images do not say.
func decompress(r io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { z.Close() }, nil
	case bytes.HasPrefix(magic, zstdMagic):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}
