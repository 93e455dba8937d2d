package spdx2

import (
	"strings"

	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Spec is SPDX 2 (spdx.github.io/spdx-spec/v2.3).
var Spec = &specification.Specification{
	Name:     "SPDX 2",
	Versions: func() []string { return schema.Versions("SPDX 2") },
	Words:    Words,
	Index:    Index,
	Read:     func(n *tree.Node) (*model.Document, error) { return Read(n), nil },
	Write:    Write,
	Copy:     func(n *tree.Node, _, _ string) (*tree.Node, error) { return tree.Copy(n), nil },
	Fit: func(out *tree.Node, t specification.Target) []tree.Loss {
		mended := Mend(out, t.Now)
		return append(mended, Fit(out, t.Version)...)
	},
	Spell:     specification.NoSpelling,
	Rules:     Rules,
	NewOrigin: newOrigin,
	Origin:    origin,
	Merge:     merge,
	Subset:    subset,
	Rename:    rename,
}

// newOrigin makes an annotation that carries another document.
func newOrigin(out *tree.Node, _ specification.Target) (carrier *tree.Node, begin string, err error) {
	a := out.Add("annotations", tree.NewObject())
	a.Set("annotationDate", tree.NewText(out.Get("creationInfo").Str("created").S))
	a.Set("annotationType", tree.NewText("OTHER"))
	a.Set("annotator", tree.NewText("Tool: lading"))
	return a.Set("comment", tree.NewText("")), specification.OriginName + ":", nil
}

func origin(root *tree.Node) (carrier *tree.Node, text string) {
	for _, a := range root.List("annotations") {
		comment := a.Str("comment")
		if s, ok := strings.CutPrefix(comment.S, specification.OriginName+":"); ok {
			carrier, text = comment.From, s
		}
	}
	return carrier, text
}
