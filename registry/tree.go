package registry

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Tree draws what hangs on a subject, and on that, for people: one line each, with artifact type, digest and what the
// annotations claim, and below it what evidence it holds: by that digest, the content's own, verifiers and policies name it.
// Nothing of it is verified.
func (r *Repository) Tree(ctx context.Context, subject Descriptor) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", subject.Digest)
	left := r.limits.Referrers
	err := r.tree(ctx, &b, subject, "", &left)
	return b.String(), err
}

func (r *Repository) tree(ctx context.Context, b *strings.Builder, subject Descriptor, indent string, left *int) error {
	const deepest = 8 * len("   ")
	var entries []Descriptor
	for d, err := range r.Referrers(ctx, subject) {
		if err != nil {
			return err
		}
		entries = append(entries, d)
	}
	for i, d := range entries {
		if *left--; *left < 0 {
			return fmt.Errorf("registry: %w: more than %d referrers in the tree", ErrLimit, r.limits.Referrers)
		}
		branch, below := "├── ", "│   "
		if i == len(entries)-1 {
			branch, below = "└── ", "    "
		}
		kind, holds := r.held(ctx, d)
		if t := d.Annotations["dev.sigstore.bundle.predicateType"]; t != "" {
			kind += "  " + t
		}
		fmt.Fprintf(b, "%s%s%.19s  %s\n", indent, branch, printable(d.Digest.String()), printable(kind))
		for _, line := range holds {
			fmt.Fprintf(b, "%s%s%s\n", indent, below, printable(line))
		}
		if len(indent) < deepest {
			if err := r.tree(ctx, b, d, indent+below, left); err != nil {
				return err
			}
		}
	}
	return nil
}

// held is the type of a referrer, as it is listed or else as its manifest says, and a line for each piece of evidence in it. What
// cannot be read has a line that says so.
func (r *Repository) held(ctx context.Context, d Descriptor) (kind string, lines []string) {
	data, err := r.fetchListed(ctx, d, r.limits.ManifestBytes)
	if err != nil {
		return d.ArtifactType, []string{"cannot be read: " + err.Error()}
	}
	if indexed(data) {
		return cmp.Or(d.ArtifactType, "an index"), nil
	}
	m, err := parseManifest(data)
	if err != nil {
		return d.ArtifactType, []string{"cannot be read: " + err.Error()}
	}
	kind = cmp.Or(d.ArtifactType, artifactType(m))
	for _, l := range m.Layers {
		if !slices.Contains(r.evidenceTypes, l.MediaType) {
			continue
		}
		line := fmt.Sprintf("holds %.19s", l.Digest)
		if l.MediaType != kind {
			line += "  " + l.MediaType
		}
		lines = append(lines, line)
	}
	return kind, lines
}

// printable keeps what a registry says from driving the terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return '?'
		}
		return c
	}, s)
}

// Claims yields the in-toto statements (provenance, SBOM) that BuildKit put into an index about one of its platforms,
// with Data. Nobody signed them: anyone who can push can write them, so [Repository.Evidence] has none of them. Errors
// and limits are as for Evidence.
func (r *Repository) Claims(ctx context.Context, index, platform Descriptor) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		members, err := r.members(ctx, index)
		if err != nil {
			yield(Descriptor{}, err)
			return
		}
		b := budget{r: r, subject: platform, yield: yield}
		for _, d := range members {
			if !isAttestation(d) || d.Annotations["vnd.docker.reference.digest"] != platform.Digest.String() {
				continue
			}
			m, err := r.Manifest(ctx, d)
			if err != nil && !b.next(bare(d), err) || err == nil && !r.layers(ctx, m, []string{typeInToto}, unbounded, b.next) {
				return
			}
		}
	}
}

// unbounded holds what is read one after the other.
func unbounded(int64) bool { return true }

// members returns the manifests that an index names, none for an image.
func (r *Repository) members(ctx context.Context, index Descriptor) ([]Descriptor, error) {
	data, err := r.fetchAll(ctx, index, r.limits.ManifestBytes)
	if err != nil {
		return nil, err
	}
	if !indexed(data) {
		_, err := parseManifest(data)
		return nil, err
	}
	parsed, err := parseIndex(data)
	if err != nil {
		return nil, err
	}
	return parsed.Manifests, nil
}

// Children returns the manifests that an index names, in its order; none for an image. Its content decides which it is,
// not the media type of its descriptor. The attestation manifests that BuildKit puts beside the platforms are left out:
// they are unsigned claims, for [Repository.Claims]. Only what no runtime can choose counts as one, because its platform
// is unknown/unknown.
func (r *Repository) Children(ctx context.Context, index Descriptor) ([]Descriptor, error) {
	members, err := r.members(ctx, index)
	return slices.DeleteFunc(members, isAttestation), err
}

// isAttestation reports whether a member of an index is one of BuildKit's attestation manifests
// (docs.docker.com/build/metadata/attestations/attestation-storage).
func isAttestation(d Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" &&
		d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}
