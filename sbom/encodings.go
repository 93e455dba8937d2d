package sbom

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/spdxrdf"
	"github.com/ladingdev/lading/sbom/internal/spdxxml"
	"github.com/ladingdev/lading/sbom/internal/spdxyaml"
	"github.com/ladingdev/lading/sbom/internal/tagvalue"
	"github.com/ladingdev/lading/sbom/internal/transcode"
	"github.com/ladingdev/lading/sbom/internal/xmltree"
)

// A form is the JSON form of a document in another encoding.
type form struct {
	encoding string         // "XML", "tag-value", "YAML" or "RDF"
	text     []byte         // the JSON form
	places   *transcode.Map // from places in text to spans of the document
	extras   []extra        // what the JSON form has no place for
	signed   bool           // one of them is a signature of the document or of a part of it
}

// An extra is a part of a document that its JSON form has no place for.
type extra struct {
	path       string // of the element or attribute
	start, end int
}

// closed reports whether the JSON form and the extras together are all that the document says.
func (f *form) closed() bool { return f.encoding == "XML" || f.encoding == "tag-value" }

// firstByte returns what a text begins with behind a byte order mark and white space, or zero.
func firstByte(data []byte) byte {
	if data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n"); len(data) > 0 {
		return data[0]
	}
	return 0
}

// jsonForm reads a document into its JSON form; nil if it is in JSON, or not in any encoding at all.
func jsonForm(data []byte) (*form, error) {
	switch {
	case firstByte(data) == '{':
		return nil, nil
	case firstByte(data) == '<', bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		f, _, err := xmlForm(data)
		return f, err
	case tagvalue.Detect(data):
		v, err := tagvalue.Read(data)
		if err != nil {
			return nil, err
		}
		return newForm("tag-value", v), nil
	case spdxyaml.Detect(data):
		v, err := spdxyaml.Read(data)
		if err != nil {
			return nil, err
		}
		return newForm("YAML", v), nil
	}
	return nil, nil
}

func newForm(encoding string, v *transcode.Value) *form {
	f := &form{encoding: encoding}
	f.text, f.places = v.JSON()
	return f
}

// xmlForm reads a document in XML, and returns the values of its JSON form too.
func xmlForm(data []byte) (*form, *transcode.Value, error) {
	doc, err := xmltree.Parse(data, xmltree.Limits{Depth: maxDepth})
	if err != nil {
		return nil, nil, err
	}
	switch {
	case spdxrdf.Detect(doc):
		v, extras, err := spdxrdf.Read(doc)
		if err != nil {
			return nil, nil, err
		}
		f := newForm("RDF", v)
		for _, e := range extras {
			f.extras = append(f.extras, extra{e.Path, e.Start, e.End})
		}
		return f, v, nil
	case spdxxml.Detect(doc):
		name := strings.Replace(spdxxml.Version(doc), "SPDX-", "SPDX ", 1)
		if !strings.HasPrefix(name, "SPDX 2") || jsonSchemas[name] == nil {
			return nil, nil, fmt.Errorf("%w: %s", ErrVersion, quote(name))
		}
		schema, err := jsonSchemas[name]()
		if err != nil {
			return nil, nil, err
		}
		v := spdxxml.Read(doc, schema)
		return newForm("XML", v), v, nil
	}
	version, err := cycloneDXVersion(doc)
	if err != nil {
		return nil, nil, err
	}
	schemas, err := cycloneDXForms(version)
	if err != nil {
		return nil, nil, err
	}
	v, extras, err := cdxxml.Read(doc, version, schemas)
	if err != nil {
		return nil, nil, err
	}
	f := newForm("XML", v)
	for _, e := range extras {
		f.signed = f.signed || isXMLSignature(data[e.Start:e.End])
		f.extras = append(f.extras, extra{e.Path, e.Start, e.End})
	}
	return f, v, nil
}

// cycloneDXVersion finds the version of CycloneDX that an XML document is in.
func cycloneDXVersion(doc *xmltree.Document) (string, error) {
	space, local := doc.Name(doc.Root)
	version, ok := strings.CutPrefix(space, cycloneDXNamespace)
	switch {
	case !ok || local != "bom":
		return "", fmt.Errorf("%w: the document element is <%s> in namespace %s", ErrNotSBOM, local, quote(space))
	case xmlSchemas[version] == nil:
		return "", fmt.Errorf("%w: CycloneDX %s", ErrVersion, quote(version))
	}
	return version, nil
}

// cycloneDXForms returns the schemas of a version in both encodings. Versions 1.0 and 1.1 have no JSON form and take
// that of 1.2, which has all that they have.
func cycloneDXForms(version string) (s cdxxml.Schemas, err error) {
	if s.XML, err = xmlSchemas[version](); err != nil {
		return s, err
	}
	if version == "1.0" || version == "1.1" {
		version = "1.2"
	}
	s.JSON, err = jsonSchemas["CycloneDX "+version]()
	return s, err
}
