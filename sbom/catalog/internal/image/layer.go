package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Unpack applies the layers to a tree, the lowest first (OCI image specification, "Image Layer Filesystem Changeset"). A layer may be
// maxRatio times as large as compressed, beyond its first 64 MiB. Progress is told of each layer that begins, from 1, and of bytes read.
func (im *Image) Unpack(ctx context.Context, src Source, t *rootfs.Layered, maxRatio int, progress func(layer int, read int64)) error {
	for i, l := range im.Manifest.Layers {
		progress(i+1, 0)
		if strings.HasSuffix(l.MediaType, "+encrypted") {
			return fmt.Errorf("%w: layer %s is encrypted", ErrNotImage, l.Digest)
		}
		if err := im.layer(ctx, src, i, t, maxRatio, func(n int64) { progress(i+1, n) }); err != nil {
			return err
		}
	}
	return nil
}

// layer applies one layer.
func (im *Image) layer(ctx context.Context, src Source, i int, t *rootfs.Layered, maxRatio int, progress func(int64)) error {
	l := im.Manifest.Layers[i]
	if err := l.Digest.Validate(); err != nil {
		return fmt.Errorf("%w: digest %q: %w", ErrNotImage, l.Digest, err)
	}
	diffID := im.Config.RootFS.DiffIDs[i]
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
