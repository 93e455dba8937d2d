package registry

import (
	"bytes"
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
	if index.Manifests == nil && !namesManifests(data) {
		return nil, fmt.Errorf("registry: %w: an index without manifests", ErrMalformed)
	}
	return index, nil
}

// manifestType returns the media type of a manifest by its content, which is what runtimes go by: the type that it says
// or, without one, what its members are of. It returns "" for what is no manifest.
func manifestType(data []byte) string {
	var m struct {
		SchemaVersion int    `json:"schemaVersion"`
		MediaType     string `json:"mediaType"`
	}
	switch {
	case json.Unmarshal(data, &m) != nil:
		return ""
	case m.MediaType != "":
		if isManifest(m.MediaType) {
			return m.MediaType
		}
		return ""
	case namesManifests(data):
		return ocispec.MediaTypeImageIndex
	case m.SchemaVersion == 2:
		return ocispec.MediaTypeImageManifest
	}
	return ""
}

// versioned reports whether content is a manifest of any kind, also of Docker's first schema.
func versioned(data []byte) bool {
	var m struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	return manifestType(data) != "" || json.Unmarshal(data, &m) == nil && m.SchemaVersion == 1
}

// indexed reports whether content is an index.
func indexed(data []byte) bool { return isIndex(manifestType(data)) }

// namesManifests reports whether a list of manifests is there, be it null, as some write an empty one. What has none is no
// index, and must not pass for an empty one.
func namesManifests(data []byte) bool {
	var members struct{ Manifests json.RawMessage }
	return json.Unmarshal(data, &members) == nil && members.Manifests != nil
}

// parseManifest reads an image manifest (OCI image specification 1.1, manifest.md) or Docker's.
func parseManifest(data []byte) (*ocispec.Manifest, error) {
	m := new(ocispec.Manifest)
	if err := parse(data, m); err != nil {
		return nil, err
	}
	if m.SchemaVersion != 2 {
		return nil, fmt.Errorf("registry: %w: a manifest of schema version %d", ErrMalformed, m.SchemaVersion)
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

// editList returns a JSON object with elements of one of its lists dropped or added, and everything else as it is, byte
// for byte. It returns the same bytes if there is nothing to do. A list that is null, as some programs write an empty
// one, becomes one when something is added.
func editList(object []byte, list string, drop func(i int) bool, add ...[]byte) ([]byte, error) {
	var (
		start, end int // of the list, with its brackets
		elements   [][]byte
		dropped    bool
		null       bool
	)
	r := strictjson.NewReader(object, strictjson.Limits{})
	for name := range r.Object() {
		if string(name) != list {
			continue
		}
		switch r.Kind() {
		case strictjson.Array:
			start = r.Offset()
		case strictjson.Null:
			start = r.Offset()
			r.Skip()
			end, null = r.Offset(), true
			continue
		}
		for i := range r.Array() {
			element := r.Raw()
			if drop != nil && drop(i) {
				dropped = true
				continue
			}
			elements = append(elements, element)
		}
		end = r.Offset()
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrMalformed, err)
	}
	switch {
	case end == 0:
		return nil, fmt.Errorf("registry: %w: no list %q", ErrMalformed, list)
	case !dropped && len(add) == 0:
		return object, nil
	case null:
		out := append([]byte(nil), object[:start]...)
		out = append(append(append(out, '['), bytes.Join(add, []byte{','})...), ']')
		return append(out, object[end:]...), nil
	case !dropped: // so that even the white space stays
		out := append([]byte(nil), object[:end-1]...)
		if len(elements) > 0 {
			out = append(out, ',')
		}
		out = append(out, bytes.Join(add, []byte{','})...)
		return append(out, object[end-1:]...), nil
	}
	out := append([]byte(nil), object[:start+1]...)
	out = append(out, bytes.Join(append(elements, add...), []byte{','})...)
	return append(out, object[end-1:]...), nil
}

const emptyIndex = `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":[]}`

// addToIndex returns an index with entries added where they are missing, and how many entries it has then of artifact
// types that count.
func addToIndex(data []byte, add []Descriptor, counts func(artifactType string) bool) ([]byte, int, error) {
	if len(data) == 0 {
		data = []byte(emptyIndex)
	}
	index, err := parseIndex(data)
	if err != nil {
		return nil, 0, err
	}
	present := make(map[digest.Digest]bool)
	n := 0
	enter := func(d Descriptor) {
		if present[d.Digest] = true; counts(d.ArtifactType) {
			n++
		}
	}
	for _, d := range index.Manifests {
		enter(d)
	}
	var entries [][]byte
	for _, d := range add {
		if present[d.Digest] {
			continue
		}
		enter(d)
		d.Data = nil // an entry names a manifest
		entry, err := json.Marshal(d)
		if err != nil {
			return nil, 0, fmt.Errorf("registry: %w: %w", ErrInvalid, err)
		}
		entries = append(entries, entry)
	}
	out, err := editList(data, "manifests", nil, entries...)
	return out, n, err
}

// removeFromIndex returns an index without the entries of a manifest.
func removeFromIndex(data []byte, manifest digest.Digest) ([]byte, error) {
	if len(data) == 0 {
		return nil, nil
	}
	index, err := parseIndex(data)
	if err != nil {
		return nil, err
	}
	return editList(data, "manifests", func(i int) bool { return index.Manifests[i].Digest == manifest })
}

// replaceMember returns a JSON object with the value of a member replaced, and everything else as it is.
func replaceMember(object []byte, member string, value []byte) ([]byte, error) {
	start, end := 0, 0
	r := strictjson.NewReader(object, strictjson.Limits{})
	for name := range r.Object() {
		if string(name) == member {
			r.Kind() // moves to the value
			start = r.Offset()
			r.Skip()
			end = r.Offset()
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrMalformed, err)
	}
	if end == 0 {
		return nil, fmt.Errorf("registry: %w: no member %q", ErrMalformed, member)
	}
	out := append([]byte(nil), object[:start]...)
	out = append(out, value...)
	return append(out, object[end:]...), nil
}
