package catalog_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom/catalog"
)

// The SBOM of a directory: here the root of a small Alpine system.
func ExampleDir() {
	root := fstest.MapFS{ // usually os.DirFS
		"etc/os-release": {Data: []byte("ID=alpine\nVERSION_ID=3.22.0\n")},
		"lib/apk/db/installed": {Data: []byte(
			"P:musl\nV:1.2.5-r10\nA:x86_64\nL:MIT\np:so:libc.musl-x86_64.so.1=1\n\n" +
				"P:busybox\nV:1.37.0-r18\nA:x86_64\nL:GPL-2.0-only\nD:so:libc.musl-x86_64.so.1\n\n")},
	}
	doc, report, err := catalog.Dir(context.Background(), root, &catalog.Options{Name: "rootfs", Created: time.Unix(0, 0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for r, c := range doc.Components() {
		for _, l := range doc.Licenses(r) {
			fmt.Println(c.Name, c.Version, l.Expression)
		}
	}
	fmt.Println(report.Edges, "dependency,", len(report.Warnings), "warnings")
	// Output:
	// busybox 1.37.0-r18 GPL-2.0-only
	// musl 1.2.5-r10 MIT
	// 1 dependency, 0 warnings
}

// The SBOM of an image in a layout directory, an archive of one or of docker save, with progress. Images in registries come from
// registry.Open of the root module, in the same way.
func ExampleImage() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "layout")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := writeLayout(dir, "lib/apk/db/installed", "P:musl\nV:1.2.5-r10\nA:x86_64\nL:MIT\n\n"); err != nil {
		fmt.Println(err)
		return
	}
	src, err := catalog.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close()
	root, err := src.Find("", ocispec.Platform{}) // the only image; or a tag, a name or a digest
	if err != nil {
		fmt.Println(err)
		return
	}
	manifest, err := src.Fetch(ctx, root) // whatever is in it, by its descriptor
	if err != nil {
		fmt.Println(err)
		return
	}
	defer manifest.Close()
	doc, report, err := catalog.Image(ctx, src, root, &catalog.Options{
		Created: time.Unix(0, 0), Progress: func(p catalog.Progress) {}, // p.Layer of p.Layers, p.Bytes of p.Total
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Len() > 1, report.Packages)
	// Output: true map[apk:1]
}

// writeLayout makes an OCI layout of an image of one file.
func writeLayout(dir, name, content string) error {
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return err
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	if _, err := io.WriteString(w, content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	put := func(mediaType string, data []byte) ocispec.Descriptor {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if e := os.WriteFile(filepath.Join(blobs, d.Digest.Encoded()), data, 0o644); e != nil {
			panic(e)
		}
		return d
	}
	l := put(ocispec.MediaTypeImageLayer, layer.Bytes())
	config := put(ocispec.MediaTypeImageConfig,
		fmt.Appendf(nil, `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[%q]}}`, l.Digest))
	const entry = `{"mediaType":%q,"digest":%q,"size":%d}`
	image := put(ocispec.MediaTypeImageManifest,
		fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":`+entry+`,"layers":[`+entry+`]}`,
			ocispec.MediaTypeImageManifest, config.MediaType, config.Digest, config.Size, l.MediaType, l.Digest, l.Size))
	index := fmt.Appendf(nil, `{"schemaVersion":2,"manifests":[`+entry+`]}`, image.MediaType, image.Digest, image.Size)
	if err := os.WriteFile(filepath.Join(dir, "index.json"), index, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644)
}
