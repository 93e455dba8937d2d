package catalog

import (
	"fmt"
	"runtime"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog/internal/image"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// Kinds of failure, for errors.Is.
var (
	ErrNotImage  = image.ErrNotImage  // of a form that is known
	ErrDigest    = image.ErrDigest    // content has another one than the image says
	ErrTruncated = image.ErrTruncated // content is cut short
	ErrLimit     = image.ErrLimit     // of size, number of files, or compression
	ErrPlatform  = image.ErrPlatform  // an index has no image for it
	ErrNotFound  = image.ErrNotFound  // no image has that name
	ErrAmbiguous = image.ErrAmbiguous // several images: name one by its tag or digest
)

// Options of [Dir] and [Image]. The zero value is ready for use.
type Options struct {
	// Format of the document: CycloneDX 1.2 to 1.7, SPDX 2.2, 2.3 or 3.0.1. Zero means CycloneDX 1.6, which holds all.
	Format sbom.Format
	// Created is the time that the document says it was made. Zero means no time in CycloneDX, and 1970 in SPDX, which
	// must have one.
	Created time.Time
	// Name and Version of what the document is about. Empty means the name that the image was stored under, if it has
	// one, and its digest.
	Name, Version string
	// Platform of the image to take from an index, such as linux/arm64. Zero means linux and the architecture of this
	// program.
	Platform ocispec.Platform
	// MaxBytes and MaxFiles bound what layers hold, unpacked, and what is read of a directory. MaxRatio bounds how much
	// larger than compressed a layer is, beyond its first 64 MiB. Zero means 32 GiB, 2 million, and 1,000.
	MaxBytes           int64
	MaxFiles, MaxRatio int
	// Progress is called now and then, from one goroutine.
	Progress func(Progress)
}

// Progress says how far the work is.
type Progress struct {
	Layer, Layers int   // of an image, from 1
	Bytes, Total  int64 // of layers as they are stored, that were read; Total is 0 for a directory
	Files         int   // that were seen
	Packages      int   // that were found
}

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
		c.MaxFiles = 2_000_000
	}
	if c.MaxRatio == 0 {
		c.MaxRatio = image.MaxRatio
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	if err := spec.CheckCreated(c.Created); err != nil {
		return nil, err
	}
	if c.MaxBytes < 0 || c.MaxFiles < 0 || c.MaxRatio < 0 {
		return nil, fmt.Errorf("catalog: %w: a limit is negative", ErrLimit)
	}
	return &c, nil
}
