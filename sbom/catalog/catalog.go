// Package catalog makes SBOMs of container images and directories: the packages of the operating system and of programming
// languages that are installed in them.
//
//	src, root, err := catalog.Open("image.tar") // an OCI layout, an OCI archive, or what docker save writes
//	doc, report, err := catalog.Image(ctx, src, root, nil)
//
// An image in a registry is one too: a [Source] is what fetches by descriptor, and lading's registry.Repository does.
//
//	repo, err := registry.Open("registry.example/app", nil)
//	root, err := repo.Resolve(ctx, "v1")
//	doc, report, err := catalog.Image(ctx, repo, root, nil)
//
// Packages are found by extractors of osv-scalibr. What is added here: a package that is found in several ways or places
// is one component, with all its places; components have IDs that follow from what they are; what depends on what, as the
// package databases say; licences; layers. The same image and options give the same bytes. Nothing is looked up elsewhere.
//
// It is a module of its own, because its extractors bring many others.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom"
)

// Kinds of failure, for errors.Is.
var (
	ErrNotImage = errors.New("not an image")               // of a form that is known
	ErrDigest   = errors.New("content has another digest") // than the image says
	ErrLimit    = errors.New("over a limit")               // of size, number of files, or compression
	ErrPlatform = errors.New("no image for the platform")  // in an index
)

// A Source fetches what an image is made of. The reader need not check the content: that is done here.
type Source interface {
	Fetch(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)
}

// Options of [Dir] and [Image]. The zero value is ready for use.
type Options struct {
	// Format of the document: CycloneDX 1.2 to 1.7, SPDX 2.2, 2.3 or 3.0.1. Zero means CycloneDX 1.6.
	Format sbom.Format
	// Created is the time that the document says it was made. Zero means when the image says that it was, if it does.
	Created time.Time
	// Name and Version of what the document is about. Empty means the name that the image was stored under, if it has
	// one, and its digest.
	Name, Version string
	// Platform of the image to take from an index, such as linux/arm64. Zero means linux and the architecture of this
	// program.
	Platform ocispec.Platform
	// MaxBytes and MaxFiles bound what layers or a directory hold, unpacked. Zero means 32 GiB and 5 million.
	MaxBytes int64
	MaxFiles int
	// Progress is called now and then, from one goroutine.
	Progress func(Progress)
}

// Progress says how far the work is.
type Progress struct {
	Layer, Layers int   // of an image, from 1
	Bytes, Total  int64 // of compressed layers that were read; Total is 0 for a directory
	Files         int   // that were seen
	Packages      int   // that were found
}

// A Report says what came of the work.
type Report struct {
	Image    ocispec.Descriptor // the manifest that was taken
	Files    int                // that were seen
	Packages map[string]int     // components by type of package URL, such as "deb"
	Licensed int                // components with a licence
	Edges    int                // dependencies between components
	// Warnings are what could not be read: files with their reasons. The document lacks what they might say.
	Warnings []Warning
}

// A Warning is something that the document does not hold.
type Warning struct {
	Path string
	Err  error
}

func (w Warning) String() string { return fmt.Sprintf("%s: %v", w.Path, w.Err) }

func (o *Options) withDefaults() (*Options, error) {
	c := Options{}
	if o != nil {
		c = *o
	}
	if c.Format == (sbom.Format{}) {
		c.Format = sbom.Format{Spec: sbom.CycloneDX, Version: "1.6"}
	}
	if c.Platform.OS == "" {
		c.Platform.OS = "linux"
	}
	if c.Platform.Architecture == "" {
		c.Platform.Architecture = runtime.GOARCH
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 32 << 30
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = 5_000_000
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	if c.MaxBytes < 0 || c.MaxFiles < 0 {
		return nil, fmt.Errorf("catalog: %w: a limit is negative", ErrLimit)
	}
	return &c, nil
}

// Dir describes what is installed in a directory, such as the root of a file system. Links are not followed out of it,
// devices are not opened. Errors wrap [ErrLimit], those of ctx and of the file system's root; what cannot be read further
// in is in the Report.
func Dir(ctx context.Context, fsys fs.FS, o *Options) (*sbom.Document, *Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, nil, err
	}
	c, err := newCollector(o)
	if err != nil {
		return nil, nil, err
	}
	if err := c.collect(ctx, newDirTree(fsys)); err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	return c.document(about{name: orElse(o.Name, "directory"), version: o.Version, kind: "application"})
}

// Image describes what is installed in an image: root is its manifest, or an index that has one for the platform. All
// content is checked against its digest and size, and layers against the configuration. Layers are unpacked to a
// temporary file, of which only what extractors read is kept.
//
// Errors wrap [ErrNotImage], [ErrDigest], [ErrLimit], [ErrPlatform], those of ctx and of the Source. What cannot be read
// of a single package is in the Report.
func Image(ctx context.Context, src Source, root ocispec.Descriptor, o *Options) (*sbom.Document, *Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, nil, err
	}
	c, err := newCollector(o)
	if err != nil {
		return nil, nil, err
	}
	im, err := readImage(ctx, src, root, o)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	t, err := im.unpack(ctx, src, o, c)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	defer t.close()
	if err := c.collect(ctx, t); err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	c.report.Image = im.descriptor
	name := orElse(o.Name, im.name)
	return c.document(about{name: orElse(name, "image"), version: orElse(o.Version, im.descriptor.Digest.String()), kind: "container", image: im})
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
