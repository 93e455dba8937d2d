package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Artifact types of documents that Notary Project signs as artifacts: its signatures hold no statement, so an SBOM is
// pushed as a referrer of the image and then signed itself.
var signedArtifacts = []string{
	"application/vnd.cyclonedx+json", "application/spdx+json", typeInToto, "application/vnd.openvex+json", "application/sarif+json",
}

// signedArtifact yields an artifact, whose manifest is in d.Data and in m, and the Notary Project signatures on it as one
// candidate: an image index whose entries have their content inside. The first is the artifact's manifest; then come its
// layers, and of each signature the manifest and the envelope. All of it is checked against its digest. Without
// signature there is no candidate. A signature that cannot be had is an error of its own, and no reason to hold back the
// others.
func (r *Repository) signedArtifact(ctx context.Context, d Descriptor, m *ocispec.Manifest,
	hold func(int64) bool) iter.Seq2[Descriptor, error] {
	return func(yield func(Descriptor, error) bool) {
		var listed []Descriptor
		for s, err := range r.listed(ctx, bare(d)) {
			if err != nil {
				yield(bare(d), err)
				return
			}
			if r.mayHold(s.ArtifactType) {
				listed = append(listed, s)
			}
		}
		if listed == nil {
			return
		}
		if len(listed) > r.limits.Candidates {
			yield(bare(d), fmt.Errorf("registry: %w: more than %d signatures on %s", ErrLimit, r.limits.Candidates, d.Digest))
			return
		}
		// The parts, and the index that holds them in Base64.
		size := int64(len(listed)+1) << 16
		for _, l := range m.Layers {
			size += max(l.Size, 0)
		}
		if !hold(min(size, r.limits.EvidenceBytes) * 7 / 3) {
			return
		}
		left := r.limits.EvidenceBytes - int64(len(d.Data))
		fetch := func(d Descriptor) (Descriptor, error) {
			data, err := r.fetchListed(ctx, d, left)
			if err != nil {
				return Descriptor{}, err
			}
			left -= int64(len(data))
			d = bare(d)
			d.Data = data
			return d, nil
		}
		entries := []Descriptor{bare(d)}
		entries[0].Data = d.Data
		for _, l := range m.Layers {
			layer, err := fetch(l)
			if err != nil {
				yield(bare(d), err)
				return
			}
			entries = append(entries, layer)
		}
		unsigned := len(entries)
		for _, s := range listed {
			signature, err := signatureOn(s, d.Digest, fetch)
			if err != nil && !yield(bare(s), err) {
				return
			}
			entries = append(entries, signature...)
		}
		if len(entries) == unsigned {
			return
		}
		data, err := json.Marshal(ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, ArtifactType: artifactType(m),
			Manifests: entries,
		})
		if err != nil {
			yield(bare(d), fmt.Errorf("registry: %w", err))
			return
		}
		yield(Descriptor{
			MediaType: ocispec.MediaTypeImageIndex, ArtifactType: artifactType(m),
			Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data,
		}, nil)
	}
}

// signatureOn returns the manifest and the envelope of a signature on an artifact, nothing if it is none.
func signatureOn(s Descriptor, on digest.Digest, fetch func(Descriptor) (Descriptor, error)) ([]Descriptor, error) {
	manifest, err := fetch(s)
	if err != nil {
		return nil, err
	}
	if indexed(manifest.Data) {
		return nil, nil
	}
	m, err := parseManifest(manifest.Data)
	if err != nil {
		return nil, err
	}
	if m.Subject == nil || m.Subject.Digest != on || len(m.Layers) != 1 || !slices.Contains([]string{typeJWS, typeCOSE},
		m.Layers[0].MediaType) {
		return nil, nil
	}
	envelope, err := fetch(m.Layers[0])
	if err != nil {
		return nil, err
	}
	return []Descriptor{manifest, envelope}, nil
}
