// Package catalog makes SBOMs of container images and directories: the packages of the operating system and of programming
// languages that are installed in them.
//
//	src, err := catalog.Open("image.tar") // an OCI layout, an archive of one, or what docker save writes
//	defer src.Close()
//	root, err := src.Find("v1", ocispec.Platform{}) // by tag, name or digest; "" for the only image
//	doc, report, err := catalog.Image(ctx, src, root, nil)
//
// An image in a registry is one too: a [Source] is what fetches by descriptor, and lading's registry.Repository does.
//
//	repo, err := registry.Open("registry.example/app", nil)
//	root, err := repo.Resolve(ctx, "v1")
//	doc, report, err := catalog.Image(ctx, repo, root, nil)
//
// [Dir] is for what is unpacked already: a root file system, a project, a folder of programs.
//
// Packages are found by readers of this package and, where nothing is to be added, by extractors of osv-scalibr. A package
// that is found in several ways or places is one component, with all its places; components have IDs that follow from what
// they are; what depends on what, as the package databases say; licences; layers. The same image and options give the same
// bytes. Nothing is looked up elsewhere.
//
// # What is found
//
//	                       packages  dependencies                   licences
//	Debian's dpkg          yes       Depends, Pre-Depends           copyright files
//	opkg                   yes       Depends                        no
//	Alpine's apk           yes       D: and p:                      L:
//	rpm                    yes       Requires                       License
//	Arch Linux's pacman    yes       DEPENDS                        LICENSE
//	Gentoo's portage       yes       no                             no
//	chiselled Ubuntu       yes       no                             no
//	snap                   yes       no                             no
//	Homebrew               yes       receipts                       formulas
//	Go programs            yes       of the program on its modules  no
//	npm                    yes       as Node resolves them          package.json, lockfile
//	Python                 yes       Requires-Dist, requires.txt    METADATA
//	conda                  yes       depends                        yes
//	R                      yes       Depends, Imports, LinkingTo    DESCRIPTION
//	Java archives          yes       of one on those in it          pom.xml, in it or beside it
//	Ruby gems              yes       gemspec                        gemspec
//	Rust (cargo auditable) yes       yes                            no
//	.NET (deps.json)       yes       yes                            no
//	Composer               yes       require                        yes
//
// A package of dpkg or opkg counts in every state but not-installed and config-files: its files are there. A state other
// than installed is the property lading:state. Sources that a package of Debian names as linked in (Built-Using,
// Static-Built-Using, X-Cargo-Built-Using) are components with arch=source that it needs, and lading:linked.
//
// A lockfile lists what may never have been installed, such as what another platform needs: it is listed all the same,
// and as optional if nothing of it is there and the lockfile says that it is optional or to work on the project only; the
// property lading:scope says which, also of what is there. What is from a repository has it as vcs_url in its package URL, and
// is another component than a registry's of the same name and version. Names and passwords in addresses are left out.
//
// In a directory that is a project, and not in an image, which has what was installed, these are read too, with dependencies
// yarn.lock, pnpm-lock.yaml, bun.lock, uv.lock, poetry.lock, pdm.lock, Cargo.lock, Gemfile.lock, packages.lock.json,
// mix.lock, Podfile.lock and conan.lock of Conan 1; without, as these files do not have them, Pipfile.lock, what
// requirements.txt pins, go.mod, gradle.lockfile, pubspec.lock, Package.resolved and conan.lock of Conan 2. A lockfile that
// lies in an installed package is of no project here.
//
// SBOMs that are in an image about something in it are joined, and said to be their word by the property lading:said-by: of
// Bitnami, Wolfi and Chainguard, Python's wheels (PEP 770), Spring Boot, GraalVM, .NET's sbom-tool, Homebrew and Cloud Native
// Buildpacks. Others are named in the Report and not read: see [Claim].
//
// What an installed package is tested with is not installed: package.json, metadata of Python and gems that lie in its
// directories of tests.
//
// Not read: programs that say nothing of what they are made of, such as those of C and most of Rust; files that no package
// manager installed; archives to be installed (deb, rpm, gem, nupkg, snap), but for those of Java and Python; the version of a
// runtime that lies there without its package manager. Which package of the system a package of a language came with is
// not said.
//
// # What scanners find
//
// Trivy finds on these documents what it finds itself, in CycloneDX and in SPDX: a source package is upstream in its package
// URL, as Grype reads it, and for Trivy in properties or annotations of its name. OSV-Scanner reads names without group or
// namespace, and no source packages, of any SBOM: it misses scoped packages of npm, and Maven's. Dependency-Track and
// Amazon Inspector read CycloneDX alone.
//
// # What is strict
//
// Images are from strangers. Content is checked against its digests while it is read; size, number of files and
// compression are bounded; links stay inside; devices are not opened. What is damaged is an error or, for a single
// package, a [Warning]: nothing is left out in silence.
//
// The extractors write to a log of their own, which importing this package silences; SetLogger of osv-scalibr's package log
// brings it back.
//
// It is a module of its own, because its extractors bring many others.
package catalog

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog/internal/image"
	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// A Source fetches what an image is made of. The reader need not check the content: that is done here.
type Source interface {
	Fetch(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)
}

// Dir describes what is installed in a directory, such as the root of a file system, or lies in it. Links are followed
// as if the directory were the root, devices are not opened.
//
//	doc, report, err := catalog.Dir(ctx, os.DirFS("/srv/app"), nil)
//
// Errors wrap [ErrLimit], [sbom.ErrVersion] for a format that is not written, those of ctx and of the directory itself;
// what cannot be read further in is in the Report.
func Dir(ctx context.Context, fsys fs.FS, o *Options) (*sbom.Document, *Report, error) {
	c, err := newCollector(o)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	if err := c.collect(ctx, rootfs.NewDir(fsys)); err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	return c.document(nil)
}

// Image describes what is installed in an image: root is its manifest, or an index that has one for the platform. All
// content is checked against its digest and size, and layers against the configuration. Of the layers only what is read
// for packages is kept, in a temporary file.
//
// Errors wrap [ErrNotImage], [ErrDigest], [ErrTruncated], [ErrLimit], [ErrPlatform], [sbom.ErrVersion], those of ctx and
// of the Source. What cannot be read of a single package is in the Report.
func Image(ctx context.Context, src Source, root ocispec.Descriptor, o *Options) (*sbom.Document, *Report, error) {
	c, err := newCollector(o)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	from := image.Source(src)
	if l, ok := src.(*Local); ok {
		from = &l.local
	}
	im, err := image.Read(ctx, from, root, c.o.Platform)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	t, err := c.unpack(ctx, from, im)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	defer t.Close()
	if err := c.collect(ctx, t); err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	return c.document(im)
}

// unpack makes a file system of the layers.
func (c *collector) unpack(ctx context.Context, src image.Source, im *image.Image) (*rootfs.Layered, error) {
	t, err := rootfs.NewLayered(c.wanted, c.warn, c.o.MaxBytes, c.o.MaxFiles)
	if err != nil {
		return nil, err
	}
	p := Progress{Layers: len(im.Manifest.Layers)}
	for _, l := range im.Manifest.Layers {
		p.Total += l.Size
	}
	err = im.Unpack(ctx, src, t, c.o.MaxRatio, func(layer int, read int64) {
		p.Layer, p.Files = layer, t.Files()
		p.Bytes += read
		c.o.Progress(p)
	})
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}
