package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// cosignSuffix is what cosign's tag of a media type ends with (github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md and
// specs/ATTESTATION_SPEC.md).
var cosignSuffix = map[string]string{typeSimpleSigning: ".sig", typeDSSE: ".att"}

// AttachCosign stores each content, a Descriptor with Data, where cosign looked before there were referrers: as a layer
// of the manifest under the subject's tag .sig, for simple signing payloads, or .att, for DSSE envelopes. Annotations go
// to the layer. Layers of others stay as they are; it merges, reads back and repeats as Attach does.
//
// The tag is no index of referrers, so nothing in the registry binds it to the subject: only what was signed does.
func (r *Repository) AttachCosign(ctx context.Context, subject Descriptor, content ...Descriptor) error {
	if err := valid(subject); err != nil {
		return err
	}
	bySuffix := make(map[string][]Descriptor)
	for _, c := range content {
		suffix, ok := cosignSuffix[c.MediaType]
		if !ok {
			return fmt.Errorf("registry: %w: content of type %.80q has no place under cosign's tags", ErrInvalid, c.MediaType)
		}
		err := r.readable(c)
		if err == nil {
			_, _, err = artifact(subject, c) // the same content that Attach refuses
		}
		if err != nil {
			return fmt.Errorf("registry: %w", err)
		}
		bySuffix[suffix] = append(bySuffix[suffix], c)
	}
	for suffix, layers := range bySuffix {
		for _, c := range layers {
			if err := r.backend.Push(ctx, bare(c), bytes.NewReader(c.Data), ""); err != nil {
				return err
			}
		}
		tag := fallbackTag(subject.Digest) + suffix
		err := r.settle(ctx, tag,
			func(ctx context.Context) (tagged, error) { return r.readTagAbout(ctx, tag, subject) },
			func(data []byte) ([]byte, error) { return r.addLayers(ctx, data, layers) })
		if err != nil {
			return err
		}
	}
	return nil
}

// addLayers returns a manifest of cosign's with layers added where they are missing, after it pushed the configuration
// that belongs to it: cosign's, like any image's, lists the layers' digests.
func (r *Repository) addLayers(ctx context.Context, data []byte, add []Descriptor) ([]byte, error) {
	if data == nil {
		data = fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{},"layers":[]}`, ocispec.MediaTypeImageManifest)
	}
	m, err := parseManifest(data)
	if err != nil {
		return nil, err
	}
	var (
		entries [][]byte
		digests []digest.Digest
	)
	for _, l := range m.Layers {
		digests = append(digests, l.Digest)
	}
next:
	for _, c := range add {
		entry := bare(c)
		entry.Annotations = c.Annotations
		for _, l := range m.Layers {
			// cosign's signature is an annotation, and so are its certificate and its log entry: layers of one digest are
			// the same only with the same annotations.
			if l.Digest == c.Digest && maps.Equal(l.Annotations, c.Annotations) {
				continue next
			}
		}
		text, err := json.Marshal(entry)
		if err != nil {
			return nil, fmt.Errorf("registry: %w: %w", ErrInvalid, err)
		}
		entries, digests = append(entries, text), append(digests, c.Digest)
		m.Layers = append(m.Layers, entry)
	}
	if len(entries) == 0 {
		return data, nil
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "", "os": "", "config": struct{}{},
		"rootfs": ocispec.RootFS{Type: "layers", DiffIDs: digests}, // nothing is compressed
	})
	if err != nil {
		return nil, err
	}
	d := Descriptor{MediaType: cmp.Or(m.Config.MediaType, ocispec.MediaTypeImageConfig), Digest: digest.FromBytes(config),
		Size: int64(len(config))}
	if err := r.backend.Push(ctx, d, bytes.NewReader(config), ""); err != nil {
		return nil, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if data, err = editList(data, "layers", nil, entries...); err != nil {
		return nil, err
	}
	return replaceMember(data, "config", text)
}
