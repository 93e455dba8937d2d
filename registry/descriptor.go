package registry

import (
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Descriptor names content; with Data it is content. Alias of the OCI image specification's type.
type Descriptor = ocispec.Descriptor

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
