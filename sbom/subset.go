package sbom

import (
	"fmt"
	"slices"

	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Subset returns a document, in JSON and of the same Format, with some of the components and all that d says of them,
// and with the relationships among them. What the document is about stays in it, as does what is no component, such as
// services and licence texts. With everything to keep it is d itself.
//
//	needed := slices.Collect(d.Graph().Reachable(d.Roots()...))
//	out, err := d.Subset(needed...)
//
// A component that others were nested in leaves them in its place. A vulnerability that affects nothing that is kept goes;
// what the document said to be complete is incomplete now, and a package of SPDX 2 without its files has no verification
// code. The subset is another document and gets another serial number or namespace, which follows from its content. Refs
// of d do not hold in it.
//
// Errors wrap [ErrSigned] for a document with a signature inside, and [ErrVersion] for CycloneDX 1.0 and 1.1, which have no
// JSON form.
func (d *Document) Subset(keep ...Ref) (*Document, error) {
	kept := make([]bool, len(d.components))
	for _, ref := range slices.Concat(keep, d.Roots()) {
		if ref != None {
			kept[ref] = true
		}
	}
	if !slices.Contains(kept, false) && d.encoding == JSON {
		return d, nil
	}
	if d.signed() {
		return nil, fmt.Errorf("sbom: %w", ErrSigned)
	}
	input, err := tree.Parse(d.json)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	of := specOf(d.format)
	c := specification.Cut{Gone: map[*tree.Node]bool{}, IDs: map[string]bool{}}
	for i, n := range d.nodesOf(input) {
		if n == nil || kept[i] {
			continue
		}
		c.Gone[n] = true
		n.Each(func(n *tree.Node) {
			if id := tree.Definition(n, of.Words); id != nil && n.Get("name") == nil && of.Nested {
				c.IDs[id.Text] = true // parts of the component that are none themselves
			}
		})
		if id := d.components[i].ID; id != "" {
			c.IDs[id] = true
		}
	}
	for i := range d.components { // an ID that is there twice
		if kept[i] {
			delete(c.IDs, d.components[i].ID)
		}
	}
	of.Subset(&c, input)
	of.Rename(input, func() string { return spec.UUID(string(input.Render())) })
	out, err := parseJSON(input.Render())
	return out, err
}
