package cdx

import (
	"fmt"

	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Spec is CycloneDX (cyclonedx.org/specification). JSON came with 1.2.
var Spec = &specification.Specification{
	Name:     "CycloneDX",
	Versions: func() []string { return schema.Versions("CycloneDX") },
	Words:    Words,
	Nested:   true,
	Index:    Index,
	Read:     func(n *tree.Node) (*model.Document, error) { return Read(n), nil },
	Write:    Write,
	Copy:     func(n *tree.Node, _, _ string) (*tree.Node, error) { return tree.Copy(n), nil },
	Fit: func(out *tree.Node, t specification.Target) []tree.Loss {
		added := Fit(out, t.Version)
		prune(out, t.View, t.Format)
		return added
	},
	Spell:     spell,
	Rules:     func(c *check.Check, _ string) { Rules(c) },
	NewOrigin: newOrigin,
	Origin:    origin,
	Merge:     merge,
	Subset:    subset,
	Rename:    rename,
}

// newOrigin makes a property that carries another document.
func newOrigin(out *tree.Node, t specification.Target) (carrier *tree.Node, begin string, err error) {
	if t.Version == "1.2" {
		return nil, "", fmt.Errorf("%w: CycloneDX 1.2 has no place to carry the input", spec.ErrLoss)
	}
	m := out.Get("metadata")
	if m == nil {
		m = out.Set("metadata", tree.NewObject())
	}
	p := m.Add("properties", tree.NewObject())
	p.Set("name", tree.NewText(specification.OriginName))
	return p.Set("value", tree.NewText("")), "", nil
}

func origin(root *tree.Node) (carrier *tree.Node, text string) {
	for _, p := range root.Get("metadata").List("properties") {
		if v := p.Str("value"); p.Str("name").S == specification.OriginName && v.OK() {
			carrier, text = v.From, v.S
		}
	}
	return carrier, text
}
