package spdxxml

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Encoding is SPDX 2 in XML. It is only read.
var Encoding = &form.Encoding{
	Name: "XML", Specification: "SPDX 2", MediaType: "application/spdx+json", Closed: true,
	Detect: func(in *form.Input) bool {
		doc, err := in.XML()
		return err == nil && doc != nil && Detect(doc)
	},
	Read: readInput,
}

func readInput(in *form.Input) (*tree.Node, []form.Extra, error) {
	doc, err := in.XML()
	if err != nil {
		return nil, nil, err
	}
	name := strings.Replace(Version(doc), "SPDX-", "SPDX ", 1)
	if !strings.HasPrefix(name, "SPDX 2") || !schema.HasJSON(name) {
		return nil, nil, fmt.Errorf("%w: %s", spec.ErrVersion, spec.Quote(name))
	}
	compiled, err := schema.JSON(name)
	if err != nil {
		return nil, nil, err
	}
	return Read(doc, compiled), nil, nil
}
