package catalog

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An entry of a layer's archive: a file, or with a type something else.
type item struct {
	name, body string
	typ        byte
	link       string
	mode       int64
}

func tarOf(t testing.TB, items []item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, it := range items {
		h := &tar.Header{Name: it.name, Typeflag: it.typ, Linkname: it.link, Mode: it.mode, ModTime: time.Unix(0, 0)}
		if h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(it.body))
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, it.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll(data, nil)
}

// A built image, as an OCI layout and an archive that docker save could have written.
type built struct {
	blobs  map[digest.Digest][]byte
	root   ocispec.Descriptor
	layers [][]byte // plain
	config []byte
}

func (b *built) add(mediaType string, data []byte) ocispec.Descriptor {
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	b.blobs[d.Digest] = data
	return d
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// build makes an image of layers, compressed in turn by gzip, by zstd and not at all.
func build(t testing.TB, layers ...[]item) *built {
	t.Helper()
	b := &built{blobs: map[digest.Digest][]byte{}}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	config := ocispec.Image{Created: &at, Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		RootFS: ocispec.RootFS{Type: "layers"}}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest}
	m.SchemaVersion = 2
	for i, items := range layers {
		plain := tarOf(t, items)
		b.layers = append(b.layers, plain)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.FromBytes(plain))
		switch i % 3 {
		case 0:
			m.Layers = append(m.Layers, b.add(ocispec.MediaTypeImageLayerGzip, gzipped(t, plain)))
		case 1:
			m.Layers = append(m.Layers, b.add(ocispec.MediaTypeImageLayerZstd, zstded(t, plain)))
		default:
			m.Layers = append(m.Layers, b.add(ocispec.MediaTypeImageLayer, plain))
		}
	}
	b.config = marshal(t, config)
	m.Config = b.add(ocispec.MediaTypeImageConfig, b.config)
	b.root = b.add(m.MediaType, marshal(t, m))
	return b
}

// index puts the image into an index beside what is attached to it and an image for another platform.
func (b *built) index(t testing.TB) ocispec.Descriptor {
	t.Helper()
	image := b.root
	image.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	other := image
	other.Digest, other.Platform = digest.FromString("other"), &ocispec.Platform{OS: "linux", Architecture: "riscv64"}
	attached := image
	attached.Digest, attached.Platform = digest.FromString("attached"), &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	x := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{other, attached, image}}
	x.SchemaVersion = 2
	return b.add(x.MediaType, marshal(t, x))
}

// layout writes the image as an OCI layout and returns its directory and the items of an archive of it.
func (b *built) layout(t testing.TB, root ocispec.Descriptor) (string, []item) {
	t.Helper()
	dir := t.TempDir()
	x := ocispec.Index{Manifests: []ocispec.Descriptor{root}}
	x.SchemaVersion = 2
	items := []item{{name: "oci-layout", body: `{"imageLayoutVersion":"1.0.0"}`}, {name: "index.json", body: string(marshal(t, x))}}
	for d, data := range b.blobs {
		items = append(items, item{name: "blobs/sha256/" + d.Encoded(), body: string(data)})
	}
	for _, it := range items {
		name := filepath.Join(dir, filepath.FromSlash(it.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(it.body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, items
}

// docker returns the items of an archive as docker save wrote it before there was an OCI layout in it.
func (b *built) docker(t testing.TB) []item {
	t.Helper()
	config := digest.FromBytes(b.config).Encoded() + ".json"
	items := []item{{name: config, body: string(b.config)}}
	var names []string
	for i, l := range b.layers {
		name := string(rune('a'+i)) + "/layer.tar"
		names = append(names, name)
		if i > 0 && bytes.Equal(l, b.layers[i-1]) {
			items = append(items, item{name: name, typ: tar.TypeSymlink, link: "../" + names[i-1]})
			continue
		}
		items = append(items, item{name: name, body: string(l)})
	}
	manifest := []map[string]any{{"Config": config, "RepoTags": []string{"example/app:v1"}, "Layers": names}}
	return append(items, item{name: "manifest.json", body: string(marshal(t, manifest))})
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func unmarshal(t testing.TB, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}
