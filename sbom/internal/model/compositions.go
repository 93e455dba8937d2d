package model

import (
	"slices"

	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A Composition says whether what is said of an element's parts or dependencies is all: CycloneDX in compositions, SPDX 3 by the
// completeness of relationships, SPDX 2 by a relationship to NOASSERTION.
type Composition struct {
	Of     int
	Kind   Relation     // contains or dependsOn
	Word   string       // complete, incomplete or unknown
	Leaves []*tree.Node // that say so, the word first
	Ref    *tree.Node   // of these, CycloneDX's that says of what
}

// OfNothing is why a composition of CycloneDX is lost that names nothing that SPDX could say it of.
const OfNothing = "SPDX says of relationships whether they are all, and this is said of none"

// About returns the element that an edge says something of the parts or dependencies of, and of which of both.
func (e *Edge) About() (of int, kind Relation) {
	if e.Kind == string(Contains) {
		return e.From, Contains
	}
	switch needs, turned := Needing(Relation(e.Kind)); {
	case needs && turned:
		return e.To, DependsOn
	case needs:
		return e.From, DependsOn
	}
	return -1, ""
}

// RelateCompositions says compositions by edges: nothing is there, or it is not said what. What is complete is so in SPDX 3 by the
// relationships that there are, and SPDX 2 has no word for it.
func (h *Document) RelateCompositions(three bool, ids []string) {
	known := make([]bool, len(h.Compositions)) // whether something is said to be there
	h.Edges = slices.DeleteFunc(h.Edges, func(e Edge) bool {
		c := h.CompletenessOf(&e)
		switch {
		case c == nil:
			return false
		case e.ToText.S != "NONE" && e.ToText.S != "NOASSERTION":
			known[h.Composed[compositionKey{c.Of, c.Kind}]] = true
			return false
		}
		c.Leaves = append(c.Leaves, tree.Compact(append([]*tree.Node{e.FromText.From, e.ToText.From, e.Scope}, e.Also...))...)
		return true
	})
	for k := range h.Compositions {
		c := &h.Compositions[k]
		c.spelled(ids)
		end := "NOASSERTION"
		switch {
		case c.Word == "complete" && known[k]:
			if !three {
				c.explain("SPDX 2 says that more is not known, and not that all is")
			}
			continue
		case c.Word == "complete" && c.Kind == Contains && slices.Contains(h.Roots, c.Of): // whose parts stand at the top of a document
			c.explain(OfNothing)
			continue
		case c.Word == "complete":
			if end = "NONE"; !three {
				c.Leaves[0].ExplainSelf(tree.Changed, "SPDX 2 has a word of its own where nothing is there")
			}
		case three && known[k]:
			continue
		case c.Word == "incomplete" && !three:
			c.Leaves[0].ExplainSelf(tree.Changed, "SPDX 2 says that more is not known, and not that it is missing")
		}
		h.Edges = append(h.Edges, Edge{From: c.Of, To: -1, Kind: string(c.Kind), ToText: tree.Constant(end), Also: c.Leaves})
	}
}

// spelled explains what SPDX writes by other words.
func (c *Composition) spelled(ids []string) {
	if c.Ref != nil && c.Ref.Text != ids[c.Of] {
		c.Ref.ExplainSelf(tree.Changed, "written as "+ids[c.Of])
	}
	if c.Word == "unknown" {
		c.Leaves[0].ExplainSelf(tree.Changed, "SPDX has a word of its own for what is not known")
	}
}

func (c *Composition) explain(reason string) {
	for _, n := range c.Leaves {
		n.ExplainSelf(tree.Dropped, reason)
	}
}

// CompletenessOf returns what is said of the relationships of an edge, or nil.
func (h *Document) CompletenessOf(e *Edge) *Composition {
	of, kind := e.About()
	if k, ok := h.Composed[compositionKey{of, kind}]; ok {
		return &h.Compositions[k]
	}
	return nil
}

// Compose notes what is said of completeness, once for each element and kind of relationship: what is said again claims less or the
// same, or is not kept.
func (h *Document) Compose(c Composition) {
	key := compositionKey{c.Of, c.Kind}
	if k, ok := h.Composed[key]; ok {
		was := &h.Compositions[k]
		if was.Word == c.Word {
			was.Leaves = append(was.Leaves, c.Leaves...)
			return
		}
		if slices.Index(leastWords, c.Word) < slices.Index(leastWords, was.Word) {
			c, *was = *was, c
		}
		c.explain(ClaimsLess)
		return
	}
	if h.Composed == nil {
		h.Composed = map[compositionKey]int{}
	}
	h.Composed[key] = len(h.Compositions)
	h.Compositions = append(h.Compositions, c)
}

type compositionKey struct {
	of   int
	kind Relation
}

// leastWords are the words of compositions, what claims least first; the empty one is that nothing is said.
var leastWords = []string{"incomplete", "unknown", "", "complete"}

const ClaimsLess = "it is said again of the same element whether its parts or dependencies are all, and the other claims less"

// NotKnown makes a relationship to NOASSERTION, of the leaves, a composition.
func (h *Document) NotKnown(e *Edge, leaves []*tree.Node) {
	if c := h.CompletenessOf(e); c != nil {
		c.Leaves = append(c.Leaves, tree.Compact(leaves)...)
		return
	}
	of, kind := e.About()
	h.Compose(Composition{Of: of, Kind: kind, Word: "unknown", Leaves: tree.Compact(leaves)})
}
