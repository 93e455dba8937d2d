package sbom

import (
	"github.com/ladingdev/lading/sbom/internal/cdx"
	"github.com/ladingdev/lading/sbom/internal/spdx2"
	"github.com/ladingdev/lading/sbom/internal/spdx3"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// partWords are the members that name parts of documents of a format.
func partWords(f Format) *tree.Words {
	switch {
	case f.Spec == CycloneDX:
		return cdx.Words
	case isSPDX2(f):
		return spdx2.Words
	}
	return spdx3.Words
}

// nodesOf returns the tree's nodes of the document's components.
func (d *Document) nodesOf(input *tree.Node) []*tree.Node {
	at := make(map[int]Ref, len(d.components))
	for i := range d.components {
		at[cap(d.json)-cap(d.components[i].raw)] = Ref(i)
	}
	nodes := make([]*tree.Node, len(d.components))
	input.Each(func(n *tree.Node) {
		if ref, ok := at[int(n.Start)]; ok {
			nodes[ref] = n
		}
	})
	return nodes
}
