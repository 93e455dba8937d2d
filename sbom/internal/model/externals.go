package model

import "github.com/ladingdev/lading/sbom/internal/tree"

// An External is another document that this one refers to: externalDocumentRefs of SPDX 2 (clause 6.6), what ExternalMaps of
// SPDX 3 (Core, ExternalMap) say of elements in one document.
type External struct {
	ID       tree.Text // DocumentRef-..., what it is called here
	URI      tree.Text
	Location tree.Text // where it is, if that is not its URI
	Hashes   []Hash
	Elements []ForeignElement
	Also     []*tree.Node
	Again    []*tree.Node // leaves that say once more what one of its fields does
	Unnamed  bool         // ids in it do not begin with its URI and "#", which is all that SPDX 2 can say
}

// A ForeignElement is one of another document.
type ForeignElement struct {
	At   tree.Text // its id in SPDX 3
	Name string    // in SPDX 2
	Used bool      // something that is written goes to it
}

// A Namespace abbreviates ids of SPDX 3.
type Namespace struct{ Prefix, URI tree.Text }

const OnlyAbbreviates = "it abbreviates ids, which are written out"

// Element returns what a document has by SPDX 2's name of it, or nil.
func (x *External) Element(name string) *ForeignElement {
	for i := range x.Elements {
		if x.Elements[i].Name == name {
			return &x.Elements[i]
		}
	}
	return nil
}

func (x *External) SaidOnce() {
	for _, n := range x.Again {
		n.ExplainSelf(tree.Changed, "said of the other document once, not of each element of it")
	}
}

func (h *Document) ExplainNamespaces() {
	for _, n := range h.Namespaces {
		n.Prefix.From.ExplainSelf(tree.Dropped, OnlyAbbreviates)
		n.URI.From.ExplainSelf(tree.Dropped, OnlyAbbreviates)
	}
}
