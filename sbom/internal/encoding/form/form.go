// Package form says what is asked of each encoding: to know its documents, and to read them into their JSON form and write them
// from it. Each folder beside it gives an Encoding.
package form

import (
	"bytes"

	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// An Encoding is one in which documents of a specification are written beside JSON.
type Encoding struct {
	Name          string // "XML", "tag-value", "YAML" or "RDF"
	Specification string // such as "SPDX 2"
	MediaType     string
	Closed        bool // its values and extras together are all that a document says

	// Detect reports whether a text looks like a document in the encoding. It is asked of what is no JSON.
	Detect func(*Input) bool
	// Read reads a document into the values of its JSON form, which know their places in the text, and what has no place there.
	Read func(*Input) (*tree.Node, []Extra, error)
	// Write writes a document of a version from its JSON form, and tells places if it is asked to. It is nil for what is only
	// read.
	Write func(root *tree.Node, version string, places bool) (*Written, error)
	// Line writes a value anew behind its tag, for encodings with a line for each; false if it cannot.
	Line func(tag, value string) (string, bool)
}

// An Extra is a part of a document that its JSON form has no place for.
type Extra struct {
	Path       string // of the element or attribute, such as /bom/components/component[2]/@x:note
	Start, End int
	Signature  bool // of the document or of a part of it
}

// A Written is a document as it was written.
type Written struct {
	Data   []byte
	Losses []tree.Unwritten
	Places map[*tree.Node][2]int // where the values begin and end that became elements
	Reread bool                  // it is to be read again: in shapes that no schema asks for, one member can be taken for another
}

// An Input is a text that is no JSON.
type Input struct {
	Data []byte
	doc  *xmltree.Document
	err  error
}

// IsXML reports whether the text begins like XML.
func (i *Input) IsXML() bool {
	return FirstByte(i.Data) == '<'
}

// XML parses the text, once. Of what does not begin like XML it returns nothing.
func (i *Input) XML() (*xmltree.Document, error) {
	if i.doc == nil && i.err == nil && i.IsXML() {
		i.doc, i.err = xmltree.Parse(i.Data, xmltree.Limits{Depth: spec.MaxDepth})
	}
	return i.doc, i.err
}

// FirstByte returns what a text begins with behind a byte order mark and white space, or zero.
func FirstByte(data []byte) byte {
	if data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n"); len(data) > 0 {
		return data[0]
	}
	return 0
}
