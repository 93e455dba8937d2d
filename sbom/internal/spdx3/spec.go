package spdx3

import (
	"strings"

	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Spec is SPDX 3 (spdx.github.io/spdx-spec/v3.0.1). 3.0.0 is read too, and not written.
var Spec = &specification.Specification{
	Name:      "SPDX 3",
	Versions:  func() []string { return schema.Versions("SPDX 3") },
	Words:     Words,
	Index:     Index,
	Read:      Read,
	Write:     Write,
	Copy:      Newer,
	Fit:       func(*tree.Node, specification.Target) []tree.Loss { return nil },
	Spell:     specification.NoSpelling,
	Rules:     func(c *check.Check, _ string) { Rules(c) },
	NewOrigin: newOrigin,
	Origin:    origin,
	Merge:     merge,
	Subset:    subset,
	Rename:    rename,
}

// newOrigin makes an annotation of the document that carries another one.
func newOrigin(out *tree.Node, _ specification.Target) (carrier *tree.Node, begin string, err error) {
	var about, info string
	for _, e := range out.List("@graph") {
		if e.Str("type").S == "SpdxDocument" {
			about, info = e.Str("spdxId").S, e.Str("creationInfo").S
		}
	}
	a := out.Add("@graph", tree.NewObject())
	a.Set("type", tree.NewText("Annotation"))
	a.Set("spdxId", tree.NewText(about+"/origin"))
	a.Set("creationInfo", tree.NewText(info))
	a.Set("annotationType", tree.NewText("other"))
	a.Set("subject", tree.NewText(about))
	return a.Set("statement", tree.NewText("")), specification.OriginName + ":", nil
}

func origin(root *tree.Node) (carrier *tree.Node, text string) {
	for _, a := range root.List("@graph") {
		statement := a.Str("statement")
		if s, ok := strings.CutPrefix(statement.S, specification.OriginName+":"); ok {
			carrier, text = statement.From, s
		}
	}
	return carrier, text
}
