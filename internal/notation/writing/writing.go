// Package writing writes what a Notary Project signature has: its payload, and the annotations of its manifest. Verifiers do without.
package writing

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/internal/strictjson"
)

// What the manifest of a signature has (specs/signature-specification.md, "Signature Manifest"): its artifact type, and the
// annotation that lists the certificates.
const (
	ArtifactType          = "application/vnd.cncf.notary.signature"
	ThumbprintsAnnotation = "io.cncf.notary.x509chain.thumbprint#S256"
)

// Thumbprints is the value of ThumbprintsAnnotation: SHA-256 of each certificate, as a JSON array.
func Thumbprints(chain []*x509.Certificate) string {
	var list []string
	for _, c := range chain {
		list = append(list, fmt.Sprintf(`"%x"`, sha256.Sum256(c.Raw)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

const reserved = "io.cncf.notary"

// AppendPayload appends a payload as JSON. It fails if a member is missing, if annotations have reserved names, and if text is not
// valid UTF-8.
func AppendPayload(dst []byte, p *notation.Payload) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	for key := range p.Annotations {
		if strings.HasPrefix(key, reserved) {
			return nil, fmt.Errorf("annotations that begin with %s are reserved", reserved)
		}
	}
	w := strictjson.Writer{Data: dst}
	w.Raw(`{"targetArtifact":{"mediaType":`)
	w.Text(p.MediaType)
	w.Raw(`,"digest":`)
	w.Text(string(p.Digest))
	w.Data = strconv.AppendInt(append(w.Data, `,"size":`...), p.Size, 10)
	if p.ArtifactType != "" {
		w.Raw(`,"artifactType":`)
		w.Text(p.ArtifactType)
	}
	if len(p.Annotations) > 0 {
		w.Raw(`,"annotations":`)
		w.Texts(p.Annotations)
	}
	w.Raw("}}")
	return w.Data, w.Err
}
