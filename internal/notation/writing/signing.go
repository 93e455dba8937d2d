// Package manifest knows what signers put into the manifest of a Notary Project signature.
package manifest

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"strings"
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
