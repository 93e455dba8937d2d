package image

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/internal/imagename"
)

// Find returns the image that a reference names: a tag, a name, or a digest; an empty one stands for the only image or, among several,
// for the only one that has a name. A platform that is not zero takes the image for it, from an index or among several.
func (l *Local) Find(ctx context.Context, reference string, platform ocispec.Platform) (ocispec.Descriptor, error) {
	found := l.Images
	switch want := digest.Digest(reference[strings.LastIndexByte(reference, '@')+1:]); {
	case want.Validate() == nil:
		d, err := l.byDigest(ctx, want)
		if err != nil {
			return d, err
		}
		found = []ocispec.Descriptor{d}
	case reference != "":
		found = named(l.Images, reference)
	default:
		if names := slices.DeleteFunc(slices.Clone(found), func(d ocispec.Descriptor) bool { return nameOf(d) == "" }); len(names) > 0 {
			found = names
		}
	}
	if len(found) == 0 {
		return ocispec.Descriptor{}, fmt.Errorf("%w: %.200q: there is %s", ErrNotFound, reference, list(l.Images))
	}
	if platform.OS != "" || platform.Architecture != "" {
		return l.forPlatform(ctx, found, platform)
	}
	for _, d := range found[1:] {
		if d.Digest != found[0].Digest {
			return ocispec.Descriptor{}, fmt.Errorf("%w: there is %s", ErrAmbiguous, list(found))
		}
	}
	return found[0], nil
}

// forPlatform takes the image for a platform among some of the layout. Of an index it takes the member.
func (l *Local) forPlatform(ctx context.Context, images []ocispec.Descriptor, p ocispec.Platform) (ocispec.Descriptor, error) {
	var members []ocispec.Descriptor
	for _, d := range images {
		if l.manifests[d.Digest] != nil { // of docker save
			platform, err := platformOf(ctx, l, d)
			if err != nil {
				return d, err
			}
			d.Platform = platform
			members = append(members, d)
			continue
		}
		m, err := readMembers(ctx, l, d)
		if err != nil {
			return d, err
		}
		if m.Manifests != nil {
			members = append(members, m.Manifests...)
		} else {
			members = append(members, d)
		}
	}
	d, err := choose(ctx, l, members, p)
	if err == nil && d.Platform == nil { // the only one, which nobody asked
		if _, err := describe(ctx, l, &d, p); err != nil {
			return d, err
		}
	}
	if err == nil && d.Platform != nil && !suits(*d.Platform, p) {
		return d, fmt.Errorf("%w %s: there is one for %s", ErrPlatform, path.Join(p.OS, p.Architecture, p.Variant),
			path.Join(d.Platform.OS, d.Platform.Architecture, d.Platform.Variant))
	}
	return d, err
}

// list tells images apart for an error message.
func list(images []ocispec.Descriptor) string {
	const most = 8
	var names []string
	for _, d := range images {
		if len(names) == most {
			names = append(names, fmt.Sprintf("and %d more", len(images)-most))
			break
		}
		names = append(names, cmp.Or(nameOf(d), string(d.Digest)))
	}
	return strings.Join(names, ", ")
}

// nameOf returns the name that an image is stored under: containerd's is the whole name, where the other is the tag.
func nameOf(d ocispec.Descriptor) string {
	return cmp.Or(d.Annotations[containerdName], d.Annotations[ocispec.AnnotationRefName])
}

// named returns the images with a name: exactly this one or, if there is none, those that it is short for.
func named(images []ocispec.Descriptor, reference string) []ocispec.Descriptor {
	for _, match := range []func(name string) bool{
		func(name string) bool { return name == reference },
		func(name string) bool { return imagename.Normal(name, false) == imagename.Normal(reference, false) },
		func(name string) bool { return tagOf(name) == reference },
	} {
		found := slices.DeleteFunc(slices.Clone(images), func(d ocispec.Descriptor) bool {
			return !slices.ContainsFunc([]string{d.Annotations[ocispec.AnnotationRefName], d.Annotations[containerdName]},
				func(name string) bool {
					return name != "" && match(name)
				})
		})
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func tagOf(name string) string {
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[at+1:]
	}
	return name
}

// byDigest returns the descriptor of an image that is listed, or that is in the layout all the same.
func (l *Local) byDigest(ctx context.Context, want digest.Digest) (ocispec.Descriptor, error) {
	for _, d := range l.Images {
		if d.Digest == want {
			return d, nil
		}
	}
	r, size, err := l.read(path.Join(ocispec.ImageBlobsDir, want.Algorithm().String(), want.Encoded()))
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("%w: %s: %w", ErrNotFound, want, err)
	}
	r.Close()
	d := ocispec.Descriptor{Digest: want, Size: size}
	m, err := readMembers(ctx, l, d)
	if err != nil {
		return d, err
	}
	if d.MediaType = m.MediaType; d.MediaType == "" {
		d.MediaType = ocispec.MediaTypeImageManifest
		if m.Manifests != nil {
			d.MediaType = ocispec.MediaTypeImageIndex
		}
	}
	if what := m.artifact(); what != "" {
		return d, fmt.Errorf("%w: %s is %s", ErrNotImage, want, what)
	}
	return d, nil
}

// members are those of a manifest and of an index.
type members struct {
	MediaType    string               `json:"mediaType"`
	ArtifactType string               `json:"artifactType"`
	Manifests    []ocispec.Descriptor `json:"manifests"`
	Config       *ocispec.Descriptor  `json:"config"`
	Layers       []ocispec.Descriptor `json:"layers"`
	Subject      *ocispec.Descriptor  `json:"subject"`
}

func readMembers(ctx context.Context, src Source, d ocispec.Descriptor) (*members, error) {
	data, err := fetch(ctx, src, d)
	if err != nil {
		return nil, err
	}
	m := new(members)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNotImage, d.Digest, err)
	}
	return m, nil
}

// artifact says what a manifest is that is no image, and "" of an image or an index. An image has an image's
// configuration and, unless it is empty, layers that are file systems, and is not attached to another: cosign's first
// format and BuildKit's attestations have the configuration and other layers. What an index says about the type of its
// entry is no help: some tools write one for plain images.
func (m *members) artifact() string {
	switch {
	case m.Subject != nil:
		return fmt.Sprintf("attached to %s", m.Subject.Digest)
	case m.Config == nil:
		return ""
	case !slices.Contains(configTypes, m.Config.MediaType):
		return fmt.Sprintf("an artifact of type %.80q", cmp.Or(m.ArtifactType, m.Config.MediaType))
	case len(m.Layers) == 0 && m.ArtifactType != "" && m.ArtifactType != m.Config.MediaType:
		return fmt.Sprintf("an artifact of type %.80q", m.ArtifactType)
	case len(m.Layers) > 0 && !slices.ContainsFunc(m.Layers, isLayer):
		return fmt.Sprintf("an artifact with layers of type %.80q", m.Layers[0].MediaType)
	}
	return ""
}

// Media types of configurations of images. The last two are of old registries and tools.
var configTypes = []string{
	ocispec.MediaTypeImageConfig, "application/vnd.docker.container.image.v1+json", "application/octet-stream", "",
}

// isLayer reports whether a layer may be a file system: all types of OCI's and Docker's, encrypted ones too, and those
// that say nothing.
func isLayer(d ocispec.Descriptor) bool {
	t := d.MediaType
	return t == "" || t == "application/octet-stream" || strings.HasPrefix(t, "application/vnd.oci.image.layer.") ||
		strings.HasPrefix(t, "application/vnd.docker.image.rootfs.") || strings.Contains(t, "tar")
}

// A selection tells images from artifacts among the entries of a layout, and reads each manifest once.
type selection struct {
	l        *Local
	children map[digest.Digest]bool // named by an index that is an image
	known    map[digest.Digest]bool // whether it is an image
}

// images returns those entries that are images: no signatures, SBOMs, lists of referrers, and no parts of an index that is
// there as a whole, unless they have a name of their own. A manifest that cannot be read is one; to take it is an error then.
func (l *Local) selectImages(entries []ocispec.Descriptor) []ocispec.Descriptor {
	s := selection{l, map[digest.Digest]bool{}, map[digest.Digest]bool{}}
	images := slices.DeleteFunc(slices.Clone(entries), func(d ocispec.Descriptor) bool { return !s.image(d, 0) })
	return slices.DeleteFunc(images, func(d ocispec.Descriptor) bool { return nameOf(d) == "" && s.children[d.Digest] })
}

const maxNested = 4 // indexes in indexes

func (s *selection) image(d ocispec.Descriptor, depth int) bool {
	if is, ok := s.known[d.Digest]; ok {
		return is
	}
	s.known[d.Digest] = true // in a circle, which no digests make
	s.known[d.Digest] = s.judge(d, depth)
	return s.known[d.Digest]
}

func (s *selection) judge(d ocispec.Descriptor, depth int) bool {
	m, err := readMembers(context.Background(), s.l, d)
	if err != nil || depth == maxNested {
		return !digestTag(d.Annotations[ocispec.AnnotationRefName])
	}
	if m.artifact() != "" {
		return false
	}
	if m.Manifests == nil {
		return m.Config != nil || m.MediaType != ocispec.MediaTypeImageIndex && m.MediaType != dockerList
	}
	// A list of referrers is an index of artifacts.
	any := false
	for _, child := range m.Manifests {
		if s.image(child, depth+1) {
			any = true
		}
	}
	if any && !digestTag(d.Annotations[ocispec.AnnotationRefName]) {
		for _, child := range m.Manifests {
			s.children[child.Digest] = true
		}
		return true
	}
	return false
}

// digestTag reports whether a tag is one that lists or holds what is attached to another: the fallback tag of the OCI
// distribution specification, or cosign's.
func digestTag(tag string) bool {
	tag = tagOf(tag)
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		tag = strings.TrimSuffix(tag, suffix)
	}
	algorithm, encoded, ok := strings.Cut(tag, "-")
	return ok && (algorithm == "sha256" || algorithm == "sha512") && len(encoded) >= 64 && strings.Trim(encoded, "0123456789abcdef") == ""
}

// choose takes the image for a platform from an index or among several; the only one there is for any. What is attached to
// images there is none, whether its platform says so, as BuildKit's, or its content. A manifest that the index gives no
// platform has it in its configuration, which is read only if no other fits.
func choose(ctx context.Context, src Source, entries []ocispec.Descriptor, p ocispec.Platform) (ocispec.Descriptor, error) {
	entries = slices.DeleteFunc(slices.Clone(entries), func(d ocispec.Descriptor) bool {
		return d.Platform != nil && d.Platform.OS == "unknown"
	})
	if len(entries) == 1 {
		return entries[0], nil
	}
	for _, d := range entries {
		if d.Platform != nil && suits(*d.Platform, p) {
			return d, nil
		}
	}
	var images []ocispec.Descriptor
	for _, d := range entries {
		is, err := describe(ctx, src, &d, p)
		if err != nil {
			return d, err
		}
		if is {
			images = append(images, d)
		}
	}
	if len(images) == 1 {
		return images[0], nil
	}
	var have []string
	for _, d := range images {
		if d.Platform == nil {
			continue
		}
		if suits(*d.Platform, p) {
			return d, nil
		}
		have = append(have, path.Join(d.Platform.OS, d.Platform.Architecture, d.Platform.Variant))
	}
	return ocispec.Descriptor{}, fmt.Errorf("%w %s: there is one for %s", ErrPlatform,
		path.Join(p.OS, p.Architecture, p.Variant), cmp.Or(strings.Join(have, ", "), "none"))
}

// describe fills in the platform of an image that comes without: the one that its configuration says or, of an index, the
// one that is asked for if it is in there. It reports whether it is an image.
func describe(ctx context.Context, src Source, d *ocispec.Descriptor, p ocispec.Platform) (bool, error) {
	if d.Platform != nil {
		return true, nil
	}
	m, err := readMembers(ctx, src, *d)
	if err != nil || m.artifact() != "" {
		return false, err
	}
	if m.Manifests != nil {
		inner, err := choose(ctx, src, m.Manifests, p)
		if errors.Is(err, ErrPlatform) {
			return true, nil
		}
		d.Platform = inner.Platform
		return err == nil, err
	}
	if m.Config == nil {
		return true, nil
	}
	d.Platform, err = platformOf(ctx, src, *m.Config)
	return true, err
}

func suits(has, want ocispec.Platform) bool {
	return (want.OS == "" || has.OS == want.OS) && (want.Architecture == "" || has.Architecture == want.Architecture) &&
		(want.Variant == "" || has.Variant == want.Variant)
}

func platformOf(ctx context.Context, src Source, config ocispec.Descriptor) (*ocispec.Platform, error) {
	data, err := fetch(ctx, src, config)
	if err != nil {
		return nil, err
	}
	var p ocispec.Platform
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", ErrNotImage, err)
	}
	return &p, nil
}
