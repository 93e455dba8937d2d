// Package notation reads the payload of Notary Project signatures, and checks their certificate
// chains (github.com/notaryproject/specifications, specs/signature-specification.md, "Payload" and "Certificate Requirements").
package notation

import (
	"errors"
	"fmt"
	"maps"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/opencontainers/go-digest"
)

// PayloadType is the content type of payloads.
const PayloadType = "application/vnd.cncf.notary.payload.v1+json"

// Payload is what is signed: targetArtifact.
type Payload struct {
	MediaType    string
	Digest       digest.Digest
	Size         int64
	ArtifactType string            // optional; nothing depends on it
	Annotations  map[string]string // what notation calls user metadata
}

// Check says what a payload lacks.
func (p *Payload) Check() error {
	switch {
	case p.MediaType == "":
		return errors.New("no media type")
	case p.Size <= 0:
		return fmt.Errorf("a size of %d bytes", p.Size)
	}
	return p.Digest.Validate()
}

// Equal tells whether two payloads say the same.
func (p *Payload) Equal(q *Payload) bool {
	return p.MediaType == q.MediaType && p.Digest == q.Digest && p.Size == q.Size &&
		p.ArtifactType == q.ArtifactType && maps.Equal(p.Annotations, q.Annotations)
}

// Parse reads a payload. Members that are not known are errors: what they say would be signed and not read.
func Parse(data []byte) (*Payload, error) {
	var p Payload
	r := strictjson.NewReader(data, strictjson.Limits{})
	for name := range r.Object("targetArtifact") {
		if string(name) != "targetArtifact" {
			r.Fail(fmt.Errorf("unknown member %q", name))
			continue
		}
		for name := range r.Object("mediaType", "digest", "size", "artifactType", "annotations") {
			switch string(name) {
			case "mediaType":
				p.MediaType = r.String()
			case "digest":
				p.Digest = digest.Digest(r.String())
			case "size":
				p.Size = r.Int64()
			case "artifactType":
				p.ArtifactType = r.String()
			case "annotations":
				p.Annotations = map[string]string{}
				for key := range r.Object() {
					k := string(key) // the view ends with the next one
					p.Annotations[k] = r.String()
				}
			default:
				r.Fail(fmt.Errorf("unknown member %q", name))
			}
		}
	}
	err := r.End()
	if err == nil {
		err = p.Check()
	}
	if err != nil {
		return nil, err
	}
	return &p, nil
}
