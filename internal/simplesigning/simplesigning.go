// Package simplesigning reads and writes the payload of cosign's first signature format
// (github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md), which took it from Red Hat's simple signing.
package simplesigning

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// MediaType is that of the payload as a layer. Its signature is the layer's annotation [SignatureAnnotation], base64.
const (
	MediaType           = "application/vnd.dev.cosign.simplesigning.v1+json"
	SignatureAnnotation = "dev.cosignproject.cosign/signature"
)

// Type is what critical.type says in an image signature.
const Type = "cosign container image signature"

// MaxBytes is the size of the largest payload that is read.
const MaxBytes = 64 << 10

// IsPayload reports whether a reader, be it one that overlooks much, may take a file for a payload, so that its signature is
// an image's. It looks for the digest alone, in any of several members of one name, in any case, whatever else is there.
func IsPayload(head []byte) bool {
	lower := bytes.ToLower(head)
	if !bytes.Contains(lower, []byte("critical")) && !bytes.Contains(lower, []byte(`\u`)) { // the usual file, and quickly told
		return false
	}
	return hasText(head, "critical", "image", "docker-manifest-digest")
}

// hasText reports whether a JSON object begins data in which there is, below members of these names, text that is not empty.
func hasText(data []byte, path ...string) bool {
	if len(path) == 0 {
		var text string
		return json.Unmarshal(data, &text) == nil && text != ""
	}
	for name, value := range Members(data) {
		if strings.EqualFold(name, path[0]) && hasText(value, path[1:]...) {
			return true
		}
	}
	return false
}

// Members yields the members of a JSON object that begins data, up to what cannot be read, as a reader sees them that overlooks much.
func Members(data []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		d := json.NewDecoder(bytes.NewReader(data))
		if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
			return
		}
		for d.More() {
			name, err := d.Token()
			var value json.RawMessage
			if err != nil || d.Decode(&value) != nil || !yield(name.(string), value) {
				return
			}
		}
	}
}

// Payload is what is signed.
type Payload struct {
	Reference string            // critical.identity.docker-reference: where it was signed, not where it may be
	Digest    string            // critical.image.docker-manifest-digest
	Optional  map[string]string // the signer's annotations, those with string values
}

// Why a payload is refused.
var (
	ErrMissing = errors.New("required member is missing")
	ErrType    = errors.New("not an image signature")
)

// Append appends the payload as JSON. It fails if text is not valid UTF-8.
func (p *Payload) Append(dst []byte) ([]byte, error) {
	w := strictjson.Writer{Data: dst}
	w.Raw(`{"critical":{"identity":{"docker-reference":`)
	w.Text(p.Reference)
	w.Raw(`},"image":{"docker-manifest-digest":`)
	w.Text(p.Digest)
	w.Raw(`},"type":"` + Type + `"},"optional":`)
	if len(p.Optional) == 0 {
		w.Raw("null")
	} else {
		w.Texts(p.Optional)
	}
	w.Raw("}")
	if w.Err != nil {
		return nil, fmt.Errorf("simple signing payload: %w", w.Err)
	}
	return w.Data, nil
}

// Parse reads a payload.
func Parse(data []byte) (*Payload, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	var (
		p    Payload
		kind string
	)
	for name := range r.Object("critical", "optional") {
		switch string(name) {
		case "critical":
			for name := range r.Object("identity", "image", "type") {
				switch string(name) {
				case "identity":
					p.Reference = member(r, "docker-reference")
				case "image":
					p.Digest = member(r, "docker-manifest-digest")
				case "type":
					kind = r.String()
				}
			}
		case "optional":
			if r.Null() {
				break
			}
			for key := range r.Object() {
				if r.Kind() != strictjson.String {
					continue
				}
				if p.Optional == nil {
					p.Optional = make(map[string]string)
				}
				p.Optional[string(key)] = r.String()
			}
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("simple signing payload: %w", err)
	}
	switch {
	case kind != Type:
		return nil, fmt.Errorf("simple signing payload: %w: critical.type is %.80q", ErrType, kind)
	case p.Digest == "":
		return nil, fmt.Errorf("simple signing payload: %w: docker-manifest-digest", ErrMissing)
	}
	return &p, nil
}

// member reads an object for one member with a string.
func member(r *strictjson.Reader, known string) (value string) {
	for name := range r.Object(known) {
		if string(name) == known {
			value = r.String()
		}
	}
	return value
}
