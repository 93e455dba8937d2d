package sbom

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/ladingdev/lading/sbom/internal/gobuild"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// GoBinaryOptions say how to describe a Go binary.
type GoBinaryOptions struct {
	// Format of the document: CycloneDX 1.2 to 1.7, SPDX 2.2, 2.3 or 3.0.1. Zero means CycloneDX 1.6.
	Format Format
	// Created is the time that the document says it was made. Zero means the commit time that is in the binary, if there
	// is one, else no time in CycloneDX, and 1970 in SPDX, which must have one.
	Created time.Time
	// Name of the binary, such as the path in an image. Empty means the last element of its main package's path.
	Name string
	// Hashes of the binary itself, which belong to its component, such as SHA-256. The reader is not read whole.
	Hashes []Hash
}

// ErrNotGo means that a file has no Go build information: it is no Go binary, or one without modules.
var ErrNotGo = gobuild.ErrNotGo

// GoBinary describes a Go binary from the build information inside it (debug/buildinfo): the main module, the modules
// compiled into it with what replaces them, the standard library as the toolchain that was used, what was checked out
// when it was built, and the build settings. The same binary and options give the same bytes.
//
// Build information does not say which module needs which: the document has the main module depend on all. A module's
// "h1:" checksum is of a listing of its files (golang.org/x/mod/sumdb/dirhash), not of a file that one can fetch, so it
// is not given as the component's hash but as the property "golang:h1".
//
// Errors wrap [ErrNotGo], or [ErrVersion] for a format that is not written.
func GoBinary(r io.ReaderAt, o *GoBinaryOptions) (*Document, error) {
	if o == nil {
		o = &GoBinaryOptions{}
	}
	format, err := goFormat(o.Format, o.Created)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w: %w", ErrNotGo, err)
	}
	hashes := make([]model.Hash, len(o.Hashes))
	for i, x := range o.Hashes {
		hashes[i] = model.Hash{Alg: tree.Constant(x.Algorithm), Value: tree.Constant(x.Value)}
	}
	return finishGo(gobuild.Binary(info, o.Name, hashes, o.Created), format, fmt.Sprint(o.Name, o.Hashes))
}

// GoDirOptions say how to describe the Go binaries of a directory.
type GoDirOptions struct {
	Format  Format    // as in GoBinaryOptions
	Created time.Time // zero means the latest commit time that is in a binary, if there is one
	Name    string    // of the directory, such as its path in an image; empty means "go-binaries"
}

// GoDir describes all Go binaries in a directory and those below it: what each was built from, as [GoBinary] does, with
// its SHA-256, and modules that several have as one component. Links are not followed, and what is no Go binary is left
// out. The same files and options give the same bytes.
//
//	doc, err := sbom.GoDir(ctx, os.DirFS("dist"), nil)
//
// Errors wrap [ErrNotGo] if there is no Go binary, [ErrVersion] for a format that is not written, and those of the file
// system: what cannot be read is not left out.
func GoDir(ctx context.Context, fsys fs.FS, o *GoDirOptions) (*Document, error) {
	if o == nil {
		o = &GoDirOptions{}
	}
	format, err := goFormat(o.Format, o.Created)
	if err != nil {
		return nil, err
	}
	holds := string(Contains)
	if format.Spec == CycloneDX {
		holds = string(DependsOn) // what the document is about contains the others without saying so, and out of the graph
	}
	h, err := gobuild.Dir(ctx, fsys, cmp.Or(o.Name, "go-binaries"), o.Created, holds)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	return finishGo(h, format, o.Name)
}

func goFormat(f Format, created time.Time) (Format, error) {
	if err := spec.CheckCreated(created); err != nil {
		return f, fmt.Errorf("sbom: %w", err)
	}
	if f == (Format{}) {
		return Format{CycloneDX, "1.6"}, nil
	}
	if !isWritten(f) {
		return f, fmt.Errorf("sbom: %w: %v cannot be written", ErrVersion, f)
	}
	return f, nil
}

// finishGo writes the document. What it is named follows from what is in it and more.
func finishGo(h *model.Document, format Format, more string) (*Document, error) {
	gobuild.Identify(h, more)
	out := specOf(format).Write(h)
	text, _, err := conform(out, format, madeAt(&ConvertOptions{}))
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	return parseJSON(text)
}
