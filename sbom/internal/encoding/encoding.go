// Package encoding reads documents of other encodings than JSON into their JSON form of the same version, so that everything that
// is said about that form holds for them. Each encoding is a folder of its own.
package encoding

import (
	"bytes"

	"github.com/ladingdev/lading/internal/syntax"
	"github.com/ladingdev/lading/sbom/internal/encoding/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/encoding/spdxrdf"
	"github.com/ladingdev/lading/sbom/internal/encoding/spdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/spdxyaml"
	"github.com/ladingdev/lading/sbom/internal/encoding/tagvalue"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// All are the encodings beside JSON, in the order in which they are looked for.
var All = []*form.Encoding{spdxrdf.Encoding, spdxxml.Encoding, cdxxml.Encoding, tagvalue.Encoding, spdxyaml.Encoding}

// Of returns the encoding of a name that documents of a specification are in, or nil.
func Of(name, specification string) *form.Encoding {
	for _, e := range All {
		if e.Name == name && e.Specification == specification {
			return e
		}
	}
	return nil
}

// A Source is the JSON form of a document in another encoding.
type Source struct {
	*form.Encoding
	Text   []byte       // the JSON form
	Places *tree.Map    // from places in Text to spans of the document
	Extras []form.Extra // what the JSON form has no place for
	Signed bool         // one of them is a signature of the document or of a part of it
}

// Detect returns the encoding of a text, or nil if it is in JSON, or not in any encoding at all. It fails for XML that cannot be
// read, and for UTF-16, in which PowerShell 5 writes what is redirected to a file.
func Detect(in *form.Input) (*form.Encoding, error) {
	if form.FirstByte(in.Data) == '{' {
		return nil, nil
	}
	if bytes.HasPrefix(in.Data, []byte{0xff, 0xfe}) || bytes.HasPrefix(in.Data, []byte{0xfe, 0xff}) {
		return nil, &syntax.Error{Format: "UTF-8", Reason: "the document is in UTF-16: iconv -f UTF-16 -t UTF-8 FILE converts it",
			Err: xmltree.ErrEncoding}
	}
	if _, err := in.XML(); err != nil {
		return nil, err
	}
	for _, e := range All {
		if e.Detect(in) {
			return e, nil
		}
	}
	return nil, nil
}

// Read reads a document into its JSON form; nil if it is in JSON, or not in any encoding at all.
func Read(data []byte) (*Source, error) {
	in := &form.Input{Data: data}
	e, err := Detect(in)
	if e == nil || err != nil {
		return nil, err
	}
	s, _, err := ReadAs(e, in)
	return s, err
}

// ReadAs reads a document in an encoding, and returns the values of its JSON form too.
func ReadAs(e *form.Encoding, in *form.Input) (*Source, *tree.Node, error) {
	root, extras, err := e.Read(in)
	if err != nil {
		return nil, nil, err
	}
	s := &Source{Encoding: e, Extras: extras}
	s.Text, s.Places = root.JSON()
	for _, x := range extras {
		s.Signed = s.Signed || x.Signature
	}
	return s, root, nil
}
