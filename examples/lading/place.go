package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom/catalog"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// reach is how registries are reached.
type reach struct{ plainHTTP bool }

const layoutPrefix = "layout:"

// place is an image, and where it is.
type place struct {
	name     string // as it was given
	repo     *registry.Repository
	image    registry.Descriptor
	children []registry.Descriptor // of an index: the images of its platforms
}

func (r reach) options() (*registry.Options, error) {
	login, err := registry.DockerCredentials()
	if err != nil {
		return nil, err
	}
	return &registry.Options{PlainHTTP: r.plainHTTP, Credential: login, CosignTags: true, Cache: new(registry.Cache)}, nil
}

// repository opens the repository of a name, and returns the reference in it.
func (r reach) repository(name string) (*registry.Repository, string, error) {
	if rest, ok := strings.CutPrefix(name, layoutPrefix); ok {
		dir, reference := splitLayout(rest)
		backend, err := registry.Layout(dir)
		if errors.Is(err, registry.ErrInvalid) {
			return nil, "", misuse("%s is a file: a layout is a directory", dir)
		}
		if err != nil {
			return nil, "", err
		}
		return registry.New(backend, &registry.Options{CosignTags: true}), reference, nil
	}
	opts, err := r.options()
	if err != nil {
		return nil, "", err
	}
	repo, err := registry.Open(name, opts)
	return repo, "", err
}

// meant returns an error if nothing can have this name.
func (r reach) meant(name string) error {
	if dir, ok := strings.CutPrefix(name, layoutPrefix); ok {
		if dir, _ = splitLayout(dir); !exists(filepath.Join(dir, "index.json")) {
			return misuse("%s is no OCI layout: it has no index.json", dir)
		}
		return nil
	}
	_, err := gate.ParseReference(name, r.plainHTTP)
	if err == nil {
		return nil
	}
	switch st, statErr := os.Stat(name); {
	case exists(filepath.Join(name, "index.json")):
		return misuse("%s is a directory: as an OCI layout it is named layout:%s", name, name)
	case statErr == nil && st.IsDir():
		return misuse("%s is a directory, and no OCI layout: it has no index.json", name)
	case statErr == nil:
		return misuse("%s is a file: here it takes an image, NAME:TAG or layout:DIR", name)
	case isPath(name):
		return misuse("%s: no such file or directory", name)
	}
	return misuse("%v", err)
}

// isPath tells what is written as a file or a directory.
func isPath(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~") ||
		strings.HasSuffix(name, "/") || strings.Contains(name, `\`)
}

// A placeError is of an image that could not be found, and what it takes to find it.
type placeError struct {
	err   error
	takes string
}

func (e *placeError) Error() string { return e.err.Error() }
func (e *placeError) Unwrap() error { return e.err }

// lost adds to an error of a registry what it takes, where the error does not say it itself.
func lost(name string, err error) error {
	switch {
	case errors.Is(err, registry.ErrNotFound) && exists(name):
		return &placeError{err, "layout: before the name, if the directory here is meant"}
	case errors.Is(err, registry.ErrNotFound):
		return &placeError{err, "an image of that name: mend the name, or push it"}
	case errors.Is(err, registry.ErrUnauthorized):
		return &placeError{err, "a login that may read it (docker login), or another name: some registries do not tell what is not there"}
	case errors.Is(err, registry.ErrUnavailable):
		return &placeError{err, "a registry that answers: look at the host in the name, and ask again"}
	}
	return err
}

// splitLayout takes DIR, DIR:TAG and DIR@DIGEST apart. A directory may have a colon in its name: what is there wins.
func splitLayout(text string) (dir, reference string) {
	if _, err := os.Stat(text); err == nil {
		return text, ""
	}
	if before, after, ok := strings.Cut(text, "@"); ok {
		return before, after
	}
	if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(filepath.ToSlash(text), '/') {
		return text[:i], text[i+1:]
	}
	return text, ""
}

// tagOf is the tag in a name, or empty.
func tagOf(name string) string {
	if rest, ok := strings.CutPrefix(name, layoutPrefix); ok {
		_, reference := splitLayout(rest)
		if digest.Digest(reference).Validate() == nil {
			return ""
		}
		return reference
	}
	ref, err := gate.ParseReference(name, false)
	if err != nil {
		return ""
	}
	return ref.Tag
}

// open finds an image.
func (r reach) open(ctx context.Context, name string) (*place, error) {
	if err := r.meant(name); err != nil {
		return nil, err
	}
	repo, reference, err := r.repository(name)
	if err != nil {
		return nil, err
	}
	image, err := repo.Resolve(ctx, reference)
	if dir, ok := strings.CutPrefix(name, layoutPrefix); ok && errors.Is(err, registry.ErrNotFound) {
		image, err = inLayout(ctx, repo, dir)
	}
	if err != nil {
		return nil, lost(name, err)
	}
	children, err := repo.Children(ctx, image)
	if err != nil {
		return nil, lost(name, err)
	}
	return &place{name: name, repo: repo, image: image, children: children}, nil
}

// inLayout finds an image that is not under the tag that was given, or under none: the only one that the layout has. The error of
// several lists them.
func inLayout(ctx context.Context, repo *registry.Repository, name string) (registry.Descriptor, error) {
	dir, reference := splitLayout(name)
	src, err := catalog.Open(dir)
	if err != nil {
		return registry.Descriptor{}, err
	}
	defer src.Close()
	image, err := src.Find(reference, ocispec.Platform{})
	if err != nil {
		return image, err
	}
	return repo.Resolve(ctx, image.Digest.String())
}

// subjects are the image and, with each, the images of its platforms.
func (p *place) subjects(each bool) []registry.Descriptor {
	if each {
		return append([]registry.Descriptor{p.image}, p.children...)
	}
	return []registry.Descriptor{p.image}
}

// called is the name of the image for people who run it, where it has one: NAME:TAG.
func (p *place) called() string {
	if strings.HasPrefix(p.name, layoutPrefix) {
		return ""
	}
	ref, err := gate.ParseReference(p.name, false)
	if err != nil {
		return ""
	}
	ref.Digest = ""
	return ref.String()
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func platformOf(d registry.Descriptor) string {
	if d.Platform == nil {
		return ""
	}
	out := d.Platform.OS + "/" + d.Platform.Architecture
	if d.Platform.Variant != "" {
		out += "/" + d.Platform.Variant
	}
	return out
}

func parsePlatform(text string) (p ocispec.Platform, err error) {
	if text == "" {
		return p, nil
	}
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return p, misuse("--platform %s: want OS/ARCHITECTURE[/VARIANT], such as linux/arm64", text)
	}
	p.OS, p.Architecture = parts[0], parts[1]
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}
