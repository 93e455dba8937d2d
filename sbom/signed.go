package sbom

import (
	"bytes"

	"github.com/ladingdev/lading/internal/strictjson"
)

// signed reports whether there is a signature inside of the document, of all of it or of a part: JSF in JSON (CycloneDX
// since 1.4, member signature), XML Signature in XML. It is what every verb and About go by.
func (d *Document) signed() bool {
	if d.form != nil && d.form.Signed {
		return true
	}
	if !bytes.Contains(d.json, []byte(`"signature"`)) && !bytes.Contains(d.json, []byte(`\u`)) {
		return false
	}
	return hasSignature(strictjson.NewReader(d.json, strictjson.Limits{Depth: maxDepth}))
}

func hasSignature(r *strictjson.Reader) (found bool) {
	switch r.Kind() {
	case strictjson.Object:
		for name := range r.Object() {
			if string(name) == "signature" && r.Kind() == strictjson.Object {
				found = true
			} else {
				found = hasSignature(r) || found
			}
		}
	case strictjson.Array:
		for range r.Array() {
			found = hasSignature(r) || found
		}
	}
	return found
}
