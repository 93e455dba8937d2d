package spdxyaml

import (
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Encoding is SPDX 2 in YAML. It is only read.
var Encoding = &form.Encoding{
	Name: "YAML", Specification: "SPDX 2", MediaType: "application/spdx+yaml",
	Detect: func(in *form.Input) bool { return Detect(in.Data) },
	Read: func(in *form.Input) (*tree.Node, []form.Extra, error) {
		v, err := Read(in.Data)
		return v, nil, err
	},
}
