// Package encoding reads documents of other encodings than JSON into their JSON form of the same version, so that everything that
// is said about that form holds for them. Each encoding is a folder of its own.
package encoding

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/encoding/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/spdxrdf"
	"github.com/ladingdev/lading/sbom/internal/encoding/spdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/spdxyaml"
	"github.com/ladingdev/lading/sbom/internal/encoding/tagvalue"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A Source is the JSON form of a document in another encoding.
type Source struct {
	Encoding string    // "XML", "tag-value", "YAML" or "RDF"
	Text     []byte    // the JSON form
	Places   *tree.Map // from places in Text to spans of the document
	Extras   []Extra   // what the JSON form has no place for
	Signed   bool      // one of them is a signature of the document or of a part of it
}

// An Extra is a part of a document that its JSON form has no place for.
type Extra struct {
	Path       string // of the element or attribute
	Start, End int
}

// Closed reports whether the JSON form and the extras together are all that the document says.
func (s *Source) Closed() bool { return s.Encoding == "XML" || s.Encoding == "tag-value" }

// FirstByte returns what a text begins with behind a byte order mark and white space, or zero.
func FirstByte(data []byte) byte {
	if data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n"); len(data) > 0 {
		return data[0]
	}
	return 0
}

// Read reads a document into its JSON form; nil if it is in JSON, or not in any encoding at all.
func Read(data []byte) (*Source, error) {
	switch {
	case FirstByte(data) == '{':
		return nil, nil
	case FirstByte(data) == '<', bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		s, _, err := ReadXML(data)
		return s, err
	case tagvalue.Detect(data):
		v, err := tagvalue.Read(data)
		if err != nil {
			return nil, err
		}
		return newSource("tag-value", v), nil
	case spdxyaml.Detect(data):
		v, err := spdxyaml.Read(data)
		if err != nil {
			return nil, err
		}
		return newSource("YAML", v), nil
	}
	return nil, nil
}

func newSource(encoding string, v *tree.Node) *Source {
	s := &Source{Encoding: encoding}
	s.Text, s.Places = v.JSON()
	return s
}

// ReadXML reads a document in XML, of CycloneDX or SPDX, and returns the values of its JSON form too.
func ReadXML(data []byte) (*Source, *tree.Node, error) {
	doc, err := xmltree.Parse(data, xmltree.Limits{Depth: spec.MaxDepth})
	if err != nil {
		return nil, nil, err
	}
	if IsSPDX(doc) {
		return readSPDX(doc)
	}
	version, err := CycloneDXVersion(doc)
	if err != nil {
		return nil, nil, err
	}
	both, err := schema.CycloneDX(version)
	if err != nil {
		return nil, nil, err
	}
	v, extras, err := cdxxml.Read(doc, version, both)
	if err != nil {
		return nil, nil, err
	}
	s := newSource("XML", v)
	for _, e := range extras {
		s.Signed = s.Signed || isXMLSignature(data[e.Start:e.End])
		s.Extras = append(s.Extras, Extra{e.Path, e.Start, e.End})
	}
	return s, v, nil
}

// IsSPDX reports whether an XML document is one of SPDX 2, as RDF or not.
func IsSPDX(doc *xmltree.Document) bool { return spdxrdf.Detect(doc) || spdxxml.Detect(doc) }

func readSPDX(doc *xmltree.Document) (*Source, *tree.Node, error) {
	if spdxrdf.Detect(doc) {
		v, extras, err := spdxrdf.Read(doc)
		if err != nil {
			return nil, nil, err
		}
		s := newSource("RDF", v)
		for _, e := range extras {
			s.Extras = append(s.Extras, Extra{e.Path, e.Start, e.End})
		}
		return s, v, nil
	}
	name := strings.Replace(spdxxml.Version(doc), "SPDX-", "SPDX ", 1)
	if !strings.HasPrefix(name, "SPDX 2") || !schema.HasJSON(name) {
		return nil, nil, fmt.Errorf("%w: %s", spec.ErrVersion, spec.Quote(name))
	}
	compiled, err := schema.JSON(name)
	if err != nil {
		return nil, nil, err
	}
	v := spdxxml.Read(doc, compiled)
	return newSource("XML", v), v, nil
}

// Namespace begins the names of the XML namespaces of CycloneDX, which end in a version.
const Namespace = "http://cyclonedx.org/schema/bom/"

// CycloneDXVersion finds the version of CycloneDX that an XML document is in.
func CycloneDXVersion(doc *xmltree.Document) (string, error) {
	space, local := doc.Name(doc.Root)
	version, ok := strings.CutPrefix(space, Namespace)
	switch {
	case !ok || local != "bom":
		return "", fmt.Errorf("%w: the document element is <%s> in namespace %s", spec.ErrNotSBOM, local, spec.Quote(space))
	case !schema.HasXML(version):
		return "", fmt.Errorf("%w: CycloneDX %s", spec.ErrVersion, spec.Quote(version))
	}
	return version, nil
}

// isXMLSignature knows an element of XML Signature by what it begins with.
func isXMLSignature(d []byte) bool {
	name, _, _ := strings.Cut(string(d[:min(len(d), 60)]), ">")
	name, _, _ = strings.Cut(name, " ")
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i:]
	}
	return strings.Trim(name, "<:/\r\n\t") == "Signature"
}
