package spdxrdf

import (
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Encoding is SPDX 2 as RDF in XML. It is only read.
var Encoding = &form.Encoding{
	Name: "RDF", Specification: "SPDX 2", MediaType: "application/spdx+xml",
	Detect: func(in *form.Input) bool {
		doc, err := in.XML()
		return err == nil && doc != nil && Detect(doc)
	},
	Read: func(in *form.Input) (*tree.Node, []form.Extra, error) {
		doc, err := in.XML()
		if err != nil {
			return nil, nil, err
		}
		return Read(doc)
	},
}
