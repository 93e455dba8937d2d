package registry

import (
	"encoding/json"
	"fmt"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// parseIndex reads an image index (OCI image specification 1.1, image-index.md) or Docker's manifest list.
func parseIndex(data []byte) (*ocispec.Index, error) {
	index := new(ocispec.Index)
	if err := parse(data, index); err != nil {
		return nil, err
	}
	if index.MediaType != "" && !isIndex(index.MediaType) {
		return nil, fmt.Errorf("registry: %w: an index of media type %.80q", ErrMalformed, index.MediaType)
	}
	return index, nil
}

// parseManifest reads an image manifest (OCI image specification 1.1, manifest.md) or Docker's.
func parseManifest(data []byte) (*ocispec.Manifest, error) {
	m := new(ocispec.Manifest)
	if err := parse(data, m); err != nil {
		return nil, err
	}
	if m.MediaType != "" && (!isManifest(m.MediaType) || isIndex(m.MediaType)) {
		return nil, fmt.Errorf("registry: %w: a manifest of media type %.80q", ErrMalformed, m.MediaType)
	}
	return m, nil
}

func parse(data []byte, v any) error {
	if err := strictjson.Check(data, strictjson.Limits{}); err != nil {
		return fmt.Errorf("registry: %w: %w", ErrMalformed, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("registry: %w: %w", ErrMalformed, err)
	}
	return nil
}

// artifactType returns the type of a manifest as the specification derives it (manifest.md, "Guidelines for Artifact
// Usage").
func artifactType(m *ocispec.Manifest) string {
	if m.ArtifactType != "" {
		return m.ArtifactType
	}
	return m.Config.MediaType
}

// fallbackTag returns the tag of the index that lists a subject's referrers where there is no API (OCI distribution
// specification 1.1, "Referrers Tag Schema").
func fallbackTag(d digest.Digest) string {
	algorithm, encoded := d.Algorithm().String(), d.Encoded()
	return algorithm[:min(32, len(algorithm))] + "-" + encoded[:min(64, len(encoded))]
}

// addToIndex returns an index with entries added where they are missing. Everything that was there stays as it is, byte
// for byte. With nothing to add it returns the same bytes.
func addToIndex(data []byte, add []Descriptor) ([]byte, error) {
	if len(data) == 0 {
		data = []byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":[]}`)
	}
	index, err := parseIndex(data)
	if err != nil {
		return nil, err
	}
	present := make(map[digest.Digest]bool)
	for _, d := range index.Manifests {
		present[d.Digest] = true
	}
	end := -1 // of the list, behind its bracket
	r := strictjson.NewReader(data, strictjson.Limits{})
	for name := range r.Object() {
		if string(name) == "manifests" && r.Kind() == strictjson.Array {
			r.Skip()
			end = r.Offset()
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrMalformed, err)
	}
	if end < 0 {
		return nil, fmt.Errorf("registry: %w: an index without a list of manifests", ErrMalformed)
	}
	out, comma := data[:end-1:end-1], len(index.Manifests) > 0
	for _, d := range add {
		if present[d.Digest] {
			continue
		}
		present[d.Digest] = true
		entry, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("registry: %w: %w", ErrInvalid, err)
		}
		if comma {
			out = append(out, ',')
		}
		out, comma = append(out, entry...), true
	}
	return append(out, data[end-1:]...), nil
}
