package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
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

// open finds an image.
func (r reach) open(ctx context.Context, name string) (*place, error) {
	if dir, ok := strings.CutPrefix(name, layoutPrefix); ok {
		if dir, _ = splitLayout(dir); !exists(filepath.Join(dir, "index.json")) {
			return nil, fmt.Errorf("%s is no OCI layout: it has no index.json", dir)
		}
	}
	repo, reference, err := r.repository(name)
	if err != nil {
		return nil, err
	}
	image, err := repo.Resolve(ctx, reference)
	if err != nil {
		return nil, err
	}
	children, err := repo.Children(ctx, image)
	if err != nil {
		return nil, err
	}
	return &place{name: name, repo: repo, image: image, children: children}, nil
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

func short(d digest.Digest) string {
	if s := d.String(); len(s) > 19 {
		return s[:19]
	}
	return d.String()
}
