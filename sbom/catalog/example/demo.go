package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"os"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

// demo pushes an image to a registry of its own: two packages of Debian, three of npm, and this program.
func demo(ctx context.Context) (name string, done func(), err error) {
	exe, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		return "", nil, err
	}
	server := registrytest.Start(nil)
	name = server.Host() + "/demo/app:v1"
	if err := push(ctx, name, []map[string]string{
		{
			"etc/os-release": "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
			"var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n" +
				"Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>\nVersion: 2.36-9\n\n" +
				"Package: ca-certificates\nStatus: install ok installed\nArchitecture: all\nMaintainer: Julien Cristau " +
				"<jcristau@debian.org>\nVersion: 20230311\nDepends: libc6\n",
		},
		{
			"srv/package.json": `{"name":"shop","version":"1.0.0","license":"Apache-2.0",` +
				`"dependencies":{"left":"1","right":"2"}}`,
			"srv/node_modules/left/package.json":        `{"name":"left","version":"1.4.0","license":"MIT","dependencies":{"right":"2"}}`,
			"srv/node_modules/right/package.json":       `{"name":"right","version":"2.0.1","license":"ISC"}`,
			"usr/bin/example":                           string(program),
			"srv/node_modules/left/.wh.something-older": "",
		},
	}); err != nil {
		server.Close()
		return "", nil, err
	}
	return name, server.Close, nil
}

func push(ctx context.Context, name string, layers []map[string]string) error {
	repo, err := registry.Open(name, nil)
	if err != nil {
		return err
	}
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, RootFS: ocispec.RootFS{Type: "layers"}}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest}
	m.SchemaVersion = 2
	add := func(mediaType string, data []byte) (ocispec.Descriptor, error) {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		return d, repo.Push(ctx, d, bytes.NewReader(data))
	}
	for _, files := range layers {
		plain, packed, err := pack(files)
		if err != nil {
			return err
		}
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.FromBytes(plain))
		d, err := add(ocispec.MediaTypeImageLayerGzip, packed)
		if err != nil {
			return err
		}
		m.Layers = append(m.Layers, d)
	}
	data, err := json.Marshal(config)
	if err != nil {
		return err
	}
	if m.Config, err = add(ocispec.MediaTypeImageConfig, data); err != nil {
		return err
	}
	if data, err = json.Marshal(m); err != nil {
		return err
	}
	d, err := add(m.MediaType, data)
	if err != nil {
		return err
	}
	return repo.Tag(ctx, d, "v1")
}

// pack makes a layer: its archive, and that compressed.
func pack(files map[string]string) (plain, packed []byte, err error) {
	var b, z bytes.Buffer
	w := tar.NewWriter(&b)
	for name, body := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(body))}); err != nil {
			return nil, nil, err
		}
		if _, err := w.Write([]byte(body)); err != nil {
			return nil, nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, nil, err
	}
	zw, err := gzip.NewWriterLevel(&z, gzip.BestSpeed)
	if err != nil {
		return nil, nil, err
	}
	if _, err := zw.Write(b.Bytes()); err != nil {
		return nil, nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, nil, err
	}
	return b.Bytes(), z.Bytes(), nil
}
