package sbom

import (
	"github.com/ladingdev/lading/sbom/internal/tree"
)

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
