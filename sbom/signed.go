package sbom

import (
	"bytes"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
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
	return tree.HasSignature(strictjson.NewReader(d.json, strictjson.Limits{Depth: maxDepth}))
}
