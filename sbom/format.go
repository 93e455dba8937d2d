package sbom

// A Spec is a specification of SBOMs.
type Spec string

// The specifications.
const (
	CycloneDX Spec = "CycloneDX"
	SPDX      Spec = "SPDX"
)

// A Format is a specification and its version, such as CycloneDX 1.6. Documents in other encodings than JSON have the
// Format of their content.
type Format struct {
	Spec    Spec
	Version string // such as "1.6" or "2.3"
}

// String is the name and version, such as "CycloneDX 1.6".
func (f Format) String() string { return string(f.Spec) + " " + f.Version }

// An Encoding is what the bytes of a document are written in.
type Encoding string

// The encodings.
const (
	JSON     Encoding = "JSON"      // JSON-LD in SPDX 3
	XML      Encoding = "XML"       // of CycloneDX
	TagValue Encoding = "tag-value" // of SPDX 2
	YAML     Encoding = "YAML"      // of SPDX 2; its comments and spelling are not accounted for
	RDF      Encoding = "RDF"       // of SPDX 2 in XML; the same holds
)
