package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
)

// yours is the honest part of the tour, for an image in the user's own registry.
func yours(ctx context.Context, p *printer, name, keyFile, out string) error {
	p.title("Lading: a bill of lading for " + name)
	key, err := loadKey(p, keyFile)
	if err != nil {
		return err
	}
	login, err := registry.DockerCredentials()
	if err != nil {
		return err
	}
	b := &bill{p: p, key: key, options: &registry.Options{Credential: login}}
	if b.repo, err = registry.Open(name, b.options); err != nil {
		return err
	}
	p.step("Image", "the Go binaries in its layers")
	if b.image, err = b.repo.Resolve(ctx, ""); err != nil {
		return err
	}
	p.line("digest", "%s", b.image.Digest)
	if b.files, err = goBinaries(ctx, p, b.repo, b.image); err != nil {
		return err
	}
	if len(b.files) == 0 {
		return errors.New("no Go binaries found in the image, and the quick start knows no other kind; nothing was signed")
	}
	gate, err := b.write(ctx)
	if err != nil {
		return err
	}
	if err := b.pass(ctx, gate, fmt.Sprintf("%s@%s", b.repo.Name(), b.image.Digest)); err != nil {
		return err
	}
	if out != "" {
		return keep(ctx, p, b.repo, b.image.Digest.String(), out)
	}
	return nil
}

// loadKey reads the private key, or makes one.
func loadKey(p *printer, name string) (*sign.LocalKey, error) {
	data, err := os.ReadFile(name)
	if err == nil {
		key, err := sign.ParseKey(data, []byte(os.Getenv("COSIGN_PASSWORD")))
		if errors.Is(err, sign.ErrPassphrase) {
			return nil, fmt.Errorf("%s: %w: put it into COSIGN_PASSWORD", name, err)
		}
		return key, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		return nil, err
	}
	private, err := key.MarshalPEM()
	if err != nil {
		return nil, err
	}
	public, err := sign.MarshalPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, private, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(name+".pub", public, 0o644); err != nil {
		return nil, err
	}
	p.line("key", "made %s (keep it secret: it is not encrypted) and %s.pub", name, name)
	return key, nil
}

// What is looked at, so that an image cannot fill the memory.
const (
	maxBinary = 256 << 20 // bytes of one file
	maxFound  = 1 << 30   // bytes of all Go binaries together
	maxLayer  = 16 << 30  // bytes of one unpacked layer
)

// goBinaries returns the Go programs in the layers of an image, or of every platform of an index. A file that a later
// layer replaces or removes does not count.
func goBinaries(ctx context.Context, p *printer, repo *registry.Repository, image ocispec.Descriptor) (map[string][]byte, error) {
	platforms, err := repo.Children(ctx, image)
	if err != nil {
		return nil, err
	}
	found := make(map[string][]byte)
	if platforms == nil {
		return found, layers(ctx, p, repo, image, "", found)
	}
	for _, child := range platforms {
		prefix := child.Digest.Encoded()[:12]
		if pl := child.Platform; pl != nil {
			prefix = path.Join(pl.OS, pl.Architecture, pl.Variant)
		}
		if err := layers(ctx, p, repo, child, prefix, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func layers(ctx context.Context, p *printer, repo *registry.Repository, image ocispec.Descriptor, prefix string, found map[string][]byte) error {
	m, err := repo.Manifest(ctx, image)
	if err != nil {
		return err
	}
	for i, layer := range m.Layers {
		p.line("reading", "layer %d of %d, %s", i+1, len(m.Layers), size(layer.Size))
		if err := readLayer(ctx, p, repo, layer, prefix, found); err != nil {
			return fmt.Errorf("layer %s: %w", layer.Digest, err)
		}
	}
	return nil
}

// remove drops a file, or all files below a directory.
func remove(found map[string][]byte, name string) {
	maps.DeleteFunc(found, func(f string, _ []byte) bool { return f == name || strings.HasPrefix(f, name+"/") })
}

func readLayer(ctx context.Context, p *printer, repo *registry.Repository, layer ocispec.Descriptor, prefix string, found map[string][]byte) error {
	body, err := repo.Fetch(ctx, layer)
	if err != nil {
		return err
	}
	defer body.Close()
	compressed := bufio.NewReader(body)
	var stream io.Reader = compressed
	switch magic, _ := compressed.Peek(4); {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if stream, err = gzip.NewReader(compressed); err != nil {
			return err
		}
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return errors.New("compressed with zstd, which the quick start does not read")
	}
	limited := &io.LimitedReader{R: stream, N: maxLayer}
	total := 0
	for _, data := range found {
		total += len(data)
	}
	for files := tar.NewReader(limited); ; {
		h, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		name := path.Join(prefix, path.Clean("/" + h.Name)[1:])
		// Whiteouts of the OCI image specification, layer.md. Opaque ones are about earlier layers, and come first here as
		// every known builder writes them.
		if dir, base := path.Split(name); base == ".wh..wh..opq" {
			remove(found, path.Clean(dir))
			continue
		} else if hidden, ok := strings.CutPrefix(base, ".wh."); ok {
			remove(found, path.Join(dir, hidden))
			continue
		}
		if h.Typeflag != tar.TypeDir {
			remove(found, name)
		}
		if h.Typeflag != tar.TypeReg || h.Mode&0o111 == 0 {
			continue
		}
		if h.Size > maxBinary || total+int(h.Size) > maxFound {
			p.line("LEFT OUT", "%s: %s is more than the quick start reads", name, size(h.Size))
			continue
		}
		head := make([]byte, min(4, h.Size))
		if _, err := io.ReadFull(files, head); err != nil {
			return err
		}
		if string(head) != "\x7fELF" {
			continue
		}
		data := bytes.NewBuffer(head)
		if _, err := io.Copy(data, files); err != nil {
			return err
		}
		if _, err := buildinfo.Read(bytes.NewReader(data.Bytes())); err != nil {
			p.line("left out", "%s: not a Go program", name)
			continue
		}
		found[name] = data.Bytes()
		total += data.Len()
	}
	// To the end, so that the digest of the whole layer is checked.
	if _, err := io.Copy(io.Discard, limited); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, compressed)
	return err
}
