package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

// Platforms says which images of an index are judged. What BuildKit puts beside them is no platform.
type Platforms uint8

const (
	// PlatformsIndex judges the digest that is named, by the evidence about it. An image of an index that was judged is also
	// allowed if the index is, because it is what runs where a node reports, or a pod names, the one platform.
	PlatformsIndex Platforms = iota
	// PlatformsEach judges each image of the index by its own evidence, and all must be allowed. Evidence about the index alone
	// counts for none.
	PlatformsEach
	// PlatformsListed judges those of Options.Listed, and what has no platform: the others never run where the door is.
	PlatformsListed
)

// String is the word that documents use.
func (p Platforms) String() string {
	switch p {
	case PlatformsIndex:
		return "index"
	case PlatformsEach:
		return "each"
	case PlatformsListed:
		return "listed"
	}
	return "unknown"
}

const (
	maxChildren = 64 // of an index and those in it; the largest official images have about 16
	maxIndexes  = 8  // in an index
	atOnce      = 4  // children judged at the same time
)

func parsePlatform(text string) (p ocispec.Platform, err error) {
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return p, fmt.Errorf("gate: platform %q is not OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT", text)
	}
	p.OS, p.Architecture = parts[0], parts[1]
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// listed reports whether an image may run where the door is.
func (c *Checker) listed(d verify.Descriptor) bool {
	if c.opts.Platforms != PlatformsListed || d.Platform == nil || d.Platform.OS == "" {
		return true
	}
	return slices.ContainsFunc(c.opts.Listed, func(text string) bool {
		p, err := parsePlatform(text)
		return err != nil || p.OS == d.Platform.OS && p.Architecture == d.Platform.Architecture &&
			(p.Variant == "" || d.Platform.Variant == "" || p.Variant == d.Platform.Variant)
	})
}

// judge decides on an image, or on an index as the options say.
func (e *evaluation) judge(ctx context.Context, image *policy.Image) *outcome {
	if e.c.opts.Platforms == PlatformsIndex {
		return e.byIndex(ctx, image)
	}
	children, err := e.children(ctx, image)
	if err != nil {
		reason := "the platforms of the image could not be looked up: " + line(err)
		return &outcome{decision: refused(policy.Indeterminate, "each platform is allowed", reason, err), outage: isOutage(err)}
	}
	if len(children) == 0 {
		return e.one(ctx, e.ref.Pinned(), image, e.progress)
	}
	children = slices.DeleteFunc(children, func(d verify.Descriptor) bool { return !e.c.listed(d) })
	judged := make(map[digest.Digest]bool)
	children = slices.DeleteFunc(children, func(d verify.Descriptor) bool {
		twice := judged[d.Digest]
		judged[d.Digest] = true
		return twice
	})
	if len(children) == 0 {
		reason := "the image is for none of the platforms " + strings.Join(e.c.opts.Listed, ", ")
		return &outcome{decision: refused(policy.Deny, "the image is for a listed platform", reason, registry.ErrNotFound)}
	}
	return e.each(ctx, image, children)
}

// each judges all children, and allows if all are.
func (e *evaluation) each(ctx context.Context, image *policy.Image, children []verify.Descriptor) *outcome {
	outcomes := make([]*outcome, len(children))
	turns := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i, child := range children {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			name := e.ref.Repository + "@" + string(child.Digest)
			subject := verify.Descriptor{MediaType: child.MediaType, Digest: child.Digest, Size: child.Size}
			outcomes[i] = e.one(ctx, name, &policy.Image{Subject: subject, Source: image.Source}, new(progress))
		})
	}
	wait.Wait()
	all := &outcome{decision: &policy.Decision{
		Verdict: policy.Allow, Rule: fmt.Sprintf("each of %d platforms is allowed", len(children)), Until: policy.Forever,
		Time: e.rules.now(),
	}}
	var denied, unknown []string
	outages := 0
	for i, o := range outcomes {
		d := o.decision
		all.children = append(all.children, Child{children[i], d})
		all.decision.Parts = append(all.decision.Parts, d)
		all.decision.Evidence = append(all.decision.Evidence, d.Evidence...)
		all.read, all.known = all.read+o.read, all.known+o.known
		if d.Until.Before(all.decision.Until) {
			all.decision.Until = d.Until
		}
		if d.Time.Before(all.decision.Time) {
			all.decision.Time = d.Time
		}
		reason := platformName(children[i]) + ": " + d.Reason
		all.incomplete = all.incomplete || o.incomplete
		switch d.Verdict {
		case policy.Allow:
		case policy.Deny:
			denied = append(denied, reason)
		default:
			unknown = append(unknown, reason)
			if o.outage {
				outages++
			}
		}
	}
	d := all.decision
	switch {
	case len(denied) > 0:
		d.Verdict, d.Reason, d.Evidence = policy.Deny, strings.Join(denied, "; "), nil
	case len(unknown) > 0:
		d.Verdict, d.Reason, d.Evidence, d.Until = policy.Indeterminate, strings.Join(unknown, "; "), nil, outcomes[0].decision.Until
		all.outage = outages == len(unknown)
	default:
		d.Reason = fmt.Sprintf("all %d platforms are allowed: %s", len(children), outcomes[0].decision.Reason)
	}
	return all
}

func platformName(d verify.Descriptor) string {
	if d.Platform == nil || d.Platform.OS == "" {
		return string(d.Digest)
	}
	name := d.Platform.OS + "/" + d.Platform.Architecture
	if d.Platform.Variant != "" {
		name += "/" + d.Platform.Variant
	}
	return Quote(name)[1:len(Quote(name))-1] + " (" + string(d.Digest) + ")"
}

// byIndex judges the digest that is named, and if that is not allowed, the index that it is known to be of.
func (e *evaluation) byIndex(ctx context.Context, image *policy.Image) *outcome {
	o := e.one(ctx, e.ref.Pinned(), image, e.progress)
	if isIndex(image.Subject) {
		e.remember(image, o.decision.Verdict == policy.Allow)
		return o
	}
	parent, ok := e.c.indexes.get(e.ref.Pinned())
	if o.decision.Verdict == policy.Allow || !ok {
		return o
	}
	index, err := e.rules.Gate.Open(ctx, parent)
	if err != nil || index == nil || e.ref.Repository+"@"+string(index.Subject.Digest) != parent {
		return o
	}
	above := e.one(ctx, parent, index, new(progress))
	if above.decision.Verdict != policy.Allow {
		return o
	}
	d := *above.decision
	d.Reason = fmt.Sprintf("the index %s that it is of is allowed: %s", index.Subject.Digest, d.Reason)
	d.Parts = []*policy.Decision{o.decision, above.decision}
	above.decision = &d
	return above
}

// remember notes the images of an index. It is what makes them findable, and decides nothing: an index that is not allowed is noted where
// no other is, since it may be later, and never in the place of another, which may be allowed.
func (e *evaluation) remember(image *policy.Image, allowed bool) {
	if e.question.DryRun {
		return
	}
	for _, child := range image.Children {
		name := e.ref.Repository + "@" + string(child.Digest)
		if _, known := e.c.indexes.get(name); allowed || !known {
			e.c.indexes.put(name, e.ref.Pinned(), 1)
		}
	}
}

func isIndex(d verify.Descriptor) bool {
	return d.MediaType == ocispec.MediaTypeImageIndex || d.MediaType == "application/vnd.docker.distribution.manifest.list.v2+json"
}

func isManifest(d verify.Descriptor) bool {
	return d.MediaType == ocispec.MediaTypeImageManifest || d.MediaType == "application/vnd.docker.distribution.manifest.v2+json"
}

// children returns the images of an index. Its content says whether it is one.
func (e *evaluation) children(ctx context.Context, image *policy.Image) ([]verify.Descriptor, error) {
	read := e.c.opts.Children
	if read == nil {
		source, ok := image.Source.(interface {
			Children(ctx context.Context, index verify.Descriptor) ([]verify.Descriptor, error)
		})
		if !ok {
			if isIndex(image.Subject) {
				return nil, errors.New("the image's source cannot tell its platforms")
			}
			return nil, nil
		}
		read = source.Children
	}
	return imagesOf(ctx, image.Subject, read)
}

// imagesOf returns the images of an index and of the indexes in it.
func imagesOf(
	ctx context.Context, subject verify.Descriptor, read func(context.Context, verify.Descriptor) ([]verify.Descriptor, error),
) ([]verify.Descriptor, error) {
	var images []verify.Descriptor // one may be there for several platforms
	indexes := []verify.Descriptor{subject}
	seen := map[digest.Digest]bool{subject.Digest: true} // indexes
	for n := 0; n < len(indexes); n++ {
		if n > maxIndexes {
			return nil, fmt.Errorf("%w: more than %d indexes in one", registry.ErrLimit, maxIndexes)
		}
		children, err := read(ctx, indexes[n])
		if err != nil {
			return nil, err
		}
		for _, child := range children {
			if err := child.Digest.Validate(); err != nil {
				return nil, fmt.Errorf("%w: an image of the index has digest %.160q", registry.ErrMalformed, child.Digest)
			}
			switch {
			case !isIndex(child):
				images = append(images, child)
			case !seen[child.Digest]:
				seen[child.Digest] = true
				indexes = append(indexes, child)
			}
			if len(images) > maxChildren {
				return nil, fmt.Errorf("%w: more than %d images in the index", registry.ErrLimit, maxChildren)
			}
		}
	}
	if isIndex(subject) && len(images) == 0 {
		return nil, fmt.Errorf("%w: the index names no image", registry.ErrMalformed)
	}
	return images, nil
}
