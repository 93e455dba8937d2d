package catalog_test

import (
	"context"
	"fmt"
	"testing/fstest"
	"time"

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

// The SBOM of an image in a file, with progress.
func ExampleImage() {
	src, err := catalog.Open("image.tar")
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
	doc, report, err := catalog.Image(context.Background(), src, root, &catalog.Options{
		Progress: func(p catalog.Progress) { fmt.Printf("layer %d of %d\r", p.Layer, p.Layers) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Len(), "components", report.Packages)
}
