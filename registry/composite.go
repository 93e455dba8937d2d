package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Artifact types of documents that Notary Project signs as artifacts: its signatures hold no statement, so an SBOM is
// pushed as a referrer of the image and then signed itself.
var signedArtifacts = []string{
	"application/vnd.cyclonedx+json", "application/spdx+json", "application/vnd.in-toto+json", "application/vnd.openvex+json", "application/sarif+json",
}

// composite returns an artifact, whose manifest is in d.Data and in m, and the Notary Project signatures on it as one
// candidate: an image index whose entries have their content inside. The first is the artifact's manifest; then come its layers, and of each signature the
// manifest and the envelope. All of it is checked against its digest. Without signature there is no candidate, and
// Digest is empty.
func (r *Repository) composite(ctx context.Context, d Descriptor, m *ocispec.Manifest) (Descriptor, error) {
	left := r.limits.EvidenceBytes
	fetch := func(d Descriptor) (Descriptor, error) {
		data, err := r.fetchListed(ctx, d, left)
		if err != nil {
			return Descriptor{}, err
		}
		left -= int64(len(data))
		out := bare(d)
		out.Data, out.Annotations = data, d.Annotations
		return out, nil
	}
	artifact := bare(d)
	artifact.Data = d.Data
	left -= d.Size
	var signatures []Descriptor
	for s, err := range r.Referrers(ctx, bare(d)) {
		if err != nil {
			return Descriptor{}, err
		}
		if s.ArtifactType != notarySignature && s.ArtifactType != "" {
			continue
		}
		manifest, err := fetch(s)
		if err != nil {
			return Descriptor{}, err
		}
		sm, err := parseManifest(manifest.Data)
		if err != nil {
			return Descriptor{}, err
		}
		if sm.Subject == nil || sm.Subject.Digest != d.Digest || len(sm.Layers) != 1 ||
			sm.Layers[0].MediaType != typeJWS && sm.Layers[0].MediaType != typeCOSE {
			continue
		}
		envelope, err := fetch(sm.Layers[0])
		if err != nil {
			return Descriptor{}, err
		}
		manifest.Annotations = nil
		signatures = append(signatures, manifest, envelope)
	}
	if signatures == nil {
		return Descriptor{}, nil
	}
	entries := []Descriptor{artifact}
	for _, l := range m.Layers {
		layer, err := fetch(l)
		if err != nil {
			return Descriptor{}, err
		}
		entries = append(entries, layer)
	}
	data, err := json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, ArtifactType: artifactType(m),
		Manifests: slices.Concat(entries, signatures),
	})
	if err != nil {
		return Descriptor{}, fmt.Errorf("registry: %w", err)
	}
	return Descriptor{
		MediaType: ocispec.MediaTypeImageIndex, ArtifactType: artifactType(m),
		Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data,
	}, nil
}

const notarySignature = "application/vnd.cncf.notary.signature"
