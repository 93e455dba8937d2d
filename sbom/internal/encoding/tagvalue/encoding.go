package tagvalue

import (
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Encoding is SPDX 2 as tags with values.
var Encoding = &form.Encoding{
	Name: "tag-value", Specification: "SPDX 2", MediaType: "text/spdx", Closed: true,
	Detect: func(in *form.Input) bool { return Detect(in.Data) },
	Read: func(in *form.Input) (*tree.Node, []form.Extra, error) {
		v, err := Read(in.Data)
		return v, nil, err
	},
	Write: func(root *tree.Node, _ string, _ bool) (*form.Written, error) {
		data, losses := Write(root)
		return &form.Written{Data: data, Losses: losses}, nil
	},
	Line: Line,
}
