package cdxxml

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Encoding is CycloneDX in XML. It takes all XML that no other encoding knows, to say what is wrong with it.
var Encoding = &form.Encoding{
	Name: "XML", Specification: "CycloneDX", MediaType: "application/vnd.cyclonedx+xml", Closed: true,
	Detect: (*form.Input).IsXML,
	Read:   readInput,
	Write:  write,
}

func readInput(in *form.Input) (*tree.Node, []form.Extra, error) {
	doc, err := in.XML()
	if err != nil {
		return nil, nil, err
	}
	version, err := Version(doc)
	if err != nil {
		return nil, nil, err
	}
	both, err := schema.CycloneDX(version)
	if err != nil {
		return nil, nil, err
	}
	v, extras, err := Read(doc, version, both)
	if err != nil {
		return nil, nil, err
	}
	for i := range extras {
		e := &extras[i]
		e.Signature = isXMLSignature(in.Data[e.Start:e.End])
	}
	return v, extras, nil
}

// write writes a document. The namespace says what $schema says.
func write(root *tree.Node, version string, places bool) (*form.Written, error) {
	both, err := schema.CycloneDX(version)
	if err != nil {
		return nil, err
	}
	out := &form.Written{Reread: true}
	if v := root.Get("$schema"); v != nil {
		out.Losses = append(out.Losses, tree.Unwritten{Pointer: "/$schema", Value: v, Reason: "the namespace says so"})
	}
	w := &writer{changed: map[*tree.Node]string{}}
	if places {
		w.places = map[*tree.Node][2]int{}
	}
	out.Data = append(w.document(root, version, both), '\n')
	out.Losses, out.Places = append(out.Losses, w.losses...), w.places
	return out, nil
}

// Namespace begins the names of the XML namespaces of CycloneDX, which end in a version.
const Namespace = "http://cyclonedx.org/schema/bom/"

// Version finds the version of CycloneDX that an XML document is in.
func Version(doc *xmltree.Document) (string, error) {
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
