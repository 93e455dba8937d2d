package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"io"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
)

// pushImage packs a Go program into an OCI image of one layer and pushes it, under the tag if there is one. The same
// program gives the same image.
func pushImage(ctx context.Context, repo *registry.Repository, tag string, program []byte) (ocispec.Descriptor, error) {
	var none ocispec.Descriptor
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return none, err
	}
	var platform ocispec.Platform
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS":
			platform.OS = s.Value
		case "GOARCH":
			platform.Architecture = s.Value
		}
	}
	layer, diffID, err := packLayer("app", program)
	if err != nil {
		return none, err
	}
	config, err := json.Marshal(ocispec.Image{
		Platform: platform,
		Config:   ocispec.ImageConfig{Entrypoint: []string{"/app"}},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{diffID}},
	})
	if err != nil {
		return none, err
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    describe(ocispec.MediaTypeImageConfig, config),
		Layers:    []ocispec.Descriptor{describe(ocispec.MediaTypeImageLayerGzip, layer)},
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return none, err
	}
	image := describe(ocispec.MediaTypeImageManifest, manifest)
	for _, part := range []struct {
		desc ocispec.Descriptor
		data []byte
	}{{m.Layers[0], layer}, {m.Config, config}, {image, manifest}} {
		if err := repo.Push(ctx, part.desc, bytes.NewReader(part.data)); err != nil {
			return none, err
		}
	}
	if tag == "" {
		return image, nil
	}
	return image, repo.Tag(ctx, image, tag)
}

func describe(mediaType string, data []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
}

// packLayer returns a file as a gzipped tar, and the digest of the tar.
func packLayer(name string, data []byte) (layer []byte, diffID digest.Digest, err error) {
	var buf bytes.Buffer
	sum := sha256.New()
	zip, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		return nil, "", err
	}
	w := tar.NewWriter(io.MultiWriter(zip, sum))
	h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(data)), ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	if err := w.WriteHeader(h); err != nil {
		return nil, "", err
	}
	if _, err := w.Write(data); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	if err := zip.Close(); err != nil {
		return nil, "", err
	}
	return buf.Bytes(), digest.NewDigest(digest.SHA256, sum), nil
}
