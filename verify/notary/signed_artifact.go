package notary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/intoto"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/verify"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	maxArtifact   = 64 << 20 // bytes of an artifact with its signatures
	maxSignatures = 64       // on one artifact
)

const inTotoType = "application/vnd.in-toto+json"

// documents says by the media type which predicate a document is, and what it must say of itself to be one: SPDX 3 has the
// media type of SPDX 2, and another predicate type. An in-toto statement names its own.
var documents = map[string]struct{ predicateType, member, prefix string }{
	"application/vnd.cyclonedx+json": {"https://cyclonedx.org/bom", "bomFormat", "CycloneDX"},
	"application/spdx+json":          {"https://spdx.dev/Document", "spdxVersion", "SPDX-2."},
	"application/vnd.openvex+json":   {"https://openvex.dev/ns", "@context", "https://openvex.dev/ns"},
	inTotoType:                       {},
}

// verifyArtifact proves a document that was signed as an artifact of its own, an SBOM under AWS Signer for one: an image
// index with the content of its entries inside. The first is the artifact's manifest, then come its layer, and manifest and
// envelope of each signature on it. It counts when a trusted signature is on that manifest, and that manifest's subject is
// the one asked for. No content is believed but by its digest.
func (v *Verifier) verifyArtifact(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	if len(evidence.Data) > maxArtifact {
		return nil, fmt.Errorf("%w: an artifact of %d bytes", verify.ErrLimit, len(evidence.Data))
	}
	entries, err := parseSignedArtifact(evidence.Data)
	if err != nil {
		return nil, err
	}
	artifact, err := parseManifest(entries[0])
	if err != nil {
		return nil, err
	}
	if s := artifact.Subject; s == nil || s.Digest != subject.Digest || s.MediaType != subject.MediaType || s.Size != subject.Size {
		return nil, fmt.Errorf("%w: the artifact is not attached to it", verify.ErrSubject)
	}
	predicateType, predicate, err := document(artifact, entries[1:], subject)
	if err != nil {
		return nil, err
	}

	out := &verify.Attestation{Kind: verify.Statement, PredicateType: predicateType, Predicate: predicate, Evidence: evidence}
	out.Subject = verify.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	out.Evidence.Data = nil
	if predicateType == intoto.ImageSignature {
		out.Kind = verify.ImageSignature
	}
	var refused []error
	count := 0
	for _, e := range entries[1:] {
		if e.MediaType != ocispec.MediaTypeImageManifest {
			continue
		}
		m, err := parseManifest(e)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		if m.Subject == nil || m.Subject.Digest != entries[0].Digest || len(m.Layers) != 1 {
			continue
		}
		envelope, ok := content(m.Layers[0], entries[1:])
		if !ok || envelope.MediaType != jws.MediaTypeEnvelope && envelope.MediaType != cose.MediaTypeEnvelope {
			continue
		}
		if count++; count > maxSignatures {
			return nil, fmt.Errorf("%w: more than %d signatures on one artifact", verify.ErrLimit, maxSignatures)
		}
		if ctx.Err() != nil { // each signature takes time
			return nil, fmt.Errorf("%w: %w", verify.ErrUnchecked, context.Cause(ctx))
		}
		target := verify.Descriptor{MediaType: entries[0].MediaType, Digest: entries[0].Digest, Size: entries[0].Size}
		a, err := v.verifyEnvelope(ctx, target, envelope)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		if out.Signers == nil {
			out.Annotations = a.Annotations
		}
		maps.DeleteFunc(out.Annotations, func(k, value string) bool { return a.Annotations[k] != value }) // all signers say them
		for _, s := range a.Signers {
			if !slices.ContainsFunc(out.Signers, func(o verify.Signer) bool { return o.Identity == s.Identity }) {
				out.Signers = append(out.Signers, s)
			}
		}
		out.Checks = append(out.Checks, a.Checks...)
	}
	if out.Signers == nil {
		if refused == nil {
			return nil, fmt.Errorf("%w: no signature on the artifact", verify.ErrMalformed)
		}
		return nil, errors.Join(refused...)
	}
	out.Checks = append(out.Checks, verify.Check{Name: "artifact", Status: verify.Passed,
		Reason: fmt.Sprintf("%s is signed, and attached to the subject", entries[0].Digest)})
	for _, err := range refused {
		out.Checks = append(out.Checks, verify.Check{Name: "another signature", Reason: "does not count: " + err.Error()})
	}
	return out, nil
}

// parseSignedArtifact returns the entries of a signed artifact, each with its content, which is what its digest says.
func parseSignedArtifact(data []byte) ([]verify.Descriptor, error) {
	var index ocispec.Index
	if err := parseOCI(data, &index); err != nil {
		return nil, err
	}
	if len(index.Manifests) == 0 || index.Manifests[0].MediaType != ocispec.MediaTypeImageManifest {
		return nil, fmt.Errorf("%w: an index that does not begin with an artifact", verify.ErrMalformed)
	}
	if len(index.Manifests) > 2*maxSignatures+16 {
		return nil, fmt.Errorf("%w: %d parts of one artifact", verify.ErrLimit, len(index.Manifests))
	}
	for _, d := range index.Manifests {
		if err := d.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("%w: digest %.80q: %w", verify.ErrMalformed, d.Digest, err)
		}
		if int64(len(d.Data)) != d.Size || d.Digest.Algorithm().FromBytes(d.Data) != d.Digest {
			return nil, fmt.Errorf("%w: the content of %s is another", verify.ErrTampered, d.Digest)
		}
	}
	return index.Manifests, nil
}

func parseManifest(d verify.Descriptor) (*ocispec.Manifest, error) {
	var m ocispec.Manifest
	if err := parseOCI(d.Data, &m); err != nil {
		return nil, err
	}
	if m.SchemaVersion != 2 || m.MediaType != "" && m.MediaType != d.MediaType {
		return nil, fmt.Errorf("%w: %s is no image manifest", verify.ErrMalformed, d.Digest)
	}
	return &m, nil
}

// parseOCI reads a manifest or an index. What is read in it is spelled exactly: a member "Subject" would be the subject for
// encoding/json, and nothing for others.
func parseOCI(data []byte, v any) error {
	r := strictjson.NewReader(data, strictjson.Limits{})
	descriptor := func() {
		for range r.Object("mediaType", "digest", "size", "data") {
		}
	}
	for name := range r.Object("schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject") {
		switch string(name) {
		case "layers", "manifests":
			for range r.Array() {
				descriptor()
			}
		case "config", "subject":
			descriptor()
		}
	}
	err := r.End()
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", verify.ErrMalformed, err)
	}
	return nil
}

// content returns the entry that a descriptor names, as the descriptor describes it.
func content(d verify.Descriptor, entries []verify.Descriptor) (verify.Descriptor, bool) {
	i := slices.IndexFunc(entries, func(e verify.Descriptor) bool { return e.Digest == d.Digest && e.Size == d.Size })
	if i < 0 {
		return d, false
	}
	return verify.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, Data: entries[i].Data}, true
}

// document returns what an artifact says of a subject: the predicate type that goes with its media type, and its one layer.
func document(m *ocispec.Manifest, entries []verify.Descriptor, subject verify.Descriptor) (string, json.RawMessage, error) {
	if len(m.Layers) != 1 {
		return "", nil, fmt.Errorf("%w: an artifact of %d layers, not one document", verify.ErrMalformed, len(m.Layers))
	}
	layer, ok := content(m.Layers[0], entries)
	if !ok {
		return "", nil, fmt.Errorf("%w: the artifact's document is not there", verify.ErrMalformed)
	}
	is, known := documents[layer.MediaType]
	if !known {
		return "", nil, fmt.Errorf("%w: a document of media type %.80q says of itself nothing that is known here", verify.ErrType,
			layer.MediaType)
	}
	if _, other := documents[m.ArtifactType]; other && m.ArtifactType != layer.MediaType {
		return "", nil, fmt.Errorf("%w: a document of media type %s in an artifact of type %s", verify.ErrType, layer.MediaType,
			m.ArtifactType)
	}
	if layer.MediaType != inTotoType {
		says := ""
		r := strictjson.NewReader(layer.Data, strictjson.Limits{})
		for name := range r.Object(is.member) {
			if string(name) == is.member && r.Kind() == strictjson.String {
				says = r.String()
			}
		}
		if err := r.End(); err != nil {
			return "", nil, fmt.Errorf("%w: the artifact's document: %w", verify.ErrMalformed, err)
		}
		if !strings.HasPrefix(says, is.prefix) {
			return "", nil, fmt.Errorf("%w: a document of media type %s whose %s is %.80q", verify.ErrType, layer.MediaType,
				is.member, says)
		}
		return is.predicateType, layer.Data, nil
	}
	st, err := intoto.Parse(layer.Data, intoto.Limits{Subjects: 1024, Digests: 16})
	if err != nil {
		return "", nil, fmt.Errorf("%w: the artifact's statement: %w", verify.ErrMalformed, err)
	}
	if st.Find(subject.Digest) == nil {
		return "", nil, fmt.Errorf("%w: the artifact's statement is about something else", verify.ErrSubject)
	}
	return st.PredicateType, st.Predicate, nil
}
