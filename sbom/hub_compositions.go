package sbom

import (
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A composition says whether what is said of an element's parts or dependencies is all: CycloneDX in compositions, SPDX 3 by the
// completeness of relationships, SPDX 2 by a relationship to NOASSERTION.
type composition struct {
	of     int
	kind   relation     // contains or dependsOn
	word   string       // complete, incomplete or unknown
	leaves []*tree.Node // that say so, the word first
	ref    *tree.Node   // of these, CycloneDX's that says of what
}

// aggregates are CycloneDX's words (1.7, aggregateType) that SPDX has, as CycloneDX's general ones.
var aggregates = map[string]string{"complete": "complete", "incomplete": "incomplete", "incomplete_first_party_only": "incomplete",
	"incomplete_first_party_proprietary_only": "incomplete", "incomplete_first_party_opensource_only": "incomplete",
	"incomplete_third_party_only": "incomplete", "incomplete_third_party_proprietary_only": "incomplete",
	"incomplete_third_party_opensource_only": "incomplete", "unknown": "unknown"}

// completeness3 are SPDX 3's words (Core, RelationshipCompleteness) by CycloneDX's.
var completeness3 = map[string]string{"complete": "complete", "incomplete": "incomplete", "unknown": "noAssertion"}

// ofNothing is why a composition of CycloneDX is lost that names nothing that SPDX could say it of.
const ofNothing = "SPDX says of relationships whether they are all, and this is said of none"

// cycloneDXCompositions reads what CycloneDX says of completeness.
func (h *hub) cycloneDXCompositions(root *tree.Node) {
	for _, n := range root.List("compositions") {
		said := n.Str("aggregate")
		word := aggregates[said.S]
		named := false
		for _, member := range []string{"assemblies", "dependencies"} {
			kind := map[string]relation{"assemblies": contains, "dependencies": dependsOn}[member]
			for _, ref := range n.List(member) {
				of := h.find(ref.Text)
				switch {
				case ref.Kind != strictjson.String || word == "":
				case of < 0:
					ref.ExplainSelf(tree.Dropped, notDescribed)
				default:
					h.compose(composition{of, kind, word, []*tree.Node{said.From, ref}, ref})
					named = true
				}
			}
		}
		switch {
		case said.S == "not_specified":
			said.From.ExplainSelf(tree.Dropped, "SPDX says it by leaving it out: it is the default")
		case !named:
			said.From.ExplainSelf(tree.Dropped, ofNothing)
		case word != said.S:
			said.From.ExplainSelf(tree.Changed, "SPDX says that more is missing, not of whose parts")
		}
	}
}

// about returns the element that an edge says something of the parts or dependencies of, and of which of both.
func (e *edge) about() (of int, kind relation) {
	if e.kind == string(contains) {
		return e.from, contains
	}
	switch needs, turned := needing(relation(e.kind)); {
	case needs && turned:
		return e.to, dependsOn
	case needs:
		return e.from, dependsOn
	}
	return -1, ""
}

// relateCompositions says compositions by edges: nothing is there, or it is not said what. What is complete is so in SPDX 3 by the
// relationships that there are, and SPDX 2 has no word for it.
func (h *hub) relateCompositions(three bool, ids []string) {
	known := make([]bool, len(h.compositions)) // whether something is said to be there
	h.edges = slices.DeleteFunc(h.edges, func(e edge) bool {
		c := h.completenessOf(&e)
		switch {
		case c == nil:
			return false
		case e.toText.S != "NONE" && e.toText.S != "NOASSERTION":
			known[h.composed[compositionKey{c.of, c.kind}]] = true
			return false
		}
		c.leaves = append(c.leaves, tree.Compact(append([]*tree.Node{e.fromText.From, e.toText.From, e.scope}, e.also...))...)
		return true
	})
	for k := range h.compositions {
		c := &h.compositions[k]
		c.spelled(ids)
		end := "NOASSERTION"
		switch {
		case c.word == "complete" && known[k]:
			if !three {
				c.explain("SPDX 2 says that more is not known, and not that all is")
			}
			continue
		case c.word == "complete" && c.kind == contains && slices.Contains(h.roots, c.of): // whose parts stand at the top of a document
			c.explain(ofNothing)
			continue
		case c.word == "complete":
			if end = "NONE"; !three {
				c.leaves[0].ExplainSelf(tree.Changed, "SPDX 2 has a word of its own where nothing is there")
			}
		case three && known[k]:
			continue
		case c.word == "incomplete" && !three:
			c.leaves[0].ExplainSelf(tree.Changed, "SPDX 2 says that more is not known, and not that it is missing")
		}
		h.edges = append(h.edges, edge{from: c.of, to: -1, kind: string(c.kind), toText: tree.Constant(end), also: c.leaves})
	}
}

// spelled explains what SPDX writes by other words.
func (c *composition) spelled(ids []string) {
	if c.ref != nil && c.ref.Text != ids[c.of] {
		c.ref.ExplainSelf(tree.Changed, "written as "+ids[c.of])
	}
	if c.word == "unknown" {
		c.leaves[0].ExplainSelf(tree.Changed, "SPDX has a word of its own for what is not known")
	}
}

func (c *composition) explain(reason string) {
	for _, n := range c.leaves {
		n.ExplainSelf(tree.Dropped, reason)
	}
}

// completenessOf returns what is said of the relationships of an edge, or nil.
func (h *hub) completenessOf(e *edge) *composition {
	of, kind := e.about()
	if k, ok := h.composed[compositionKey{of, kind}]; ok {
		return &h.compositions[k]
	}
	return nil
}

// compose notes what is said of completeness, once for each element and kind of relationship: what is said again claims less or the
// same, or is not kept.
func (h *hub) compose(c composition) {
	key := compositionKey{c.of, c.kind}
	if k, ok := h.composed[key]; ok {
		was := &h.compositions[k]
		if was.word == c.word {
			was.leaves = append(was.leaves, c.leaves...)
			return
		}
		if slices.Index(leastWords, c.word) < slices.Index(leastWords, was.word) {
			c, *was = *was, c
		}
		c.explain(claimsLess)
		return
	}
	if h.composed == nil {
		h.composed = map[compositionKey]int{}
	}
	h.composed[key] = len(h.compositions)
	h.compositions = append(h.compositions, c)
}

type compositionKey struct {
	of   int
	kind relation
}

// leastWords are the words of compositions, what claims least first; the empty one is that nothing is said.
var leastWords = []string{"incomplete", "unknown", "", "complete"}

const claimsLess = "it is said again of the same element whether its parts or dependencies are all, and the other claims less"

// notKnown makes a relationship to NOASSERTION, of the leaves, a composition.
func (h *hub) notKnown(e *edge, leaves []*tree.Node) {
	if c := h.completenessOf(e); c != nil {
		c.leaves = append(c.leaves, tree.Compact(leaves)...)
		return
	}
	of, kind := e.about()
	h.compose(composition{of: of, kind: kind, word: "unknown", leaves: tree.Compact(leaves)})
}

// completeness reads what a relationship of SPDX 3 says of being all; it is settled when all are read.
func (r *reader3) completeness(n *tree.Node, e *edge) {
	of, kind := e.about()
	word := n.Str("completeness")
	if of < 0 {
		word.From.ExplainSelf(tree.Dropped, "the other format says of parts and dependencies only whether they are all")
		return
	}
	c := composition{of: of, kind: kind, word: word.S, leaves: tree.Compact([]*tree.Node{word.From})}
	if c.word == "noAssertion" || c.word == "" && e.toText.S == "NOASSERTION" {
		c.word = "unknown"
	}
	r.compose(c)
}

// settleCompositions forgets what was noted of relationships that say nothing.
func (r *reader3) settleCompositions() {
	var out []composition
	r.composed = nil
	for _, c := range r.compositions {
		if c.word != "" && len(c.leaves) > 0 {
			out = append(out, c)
		}
	}
	r.compositions = nil
	for _, c := range out {
		r.compose(c)
	}
}

// writeCycloneDXCompositions writes what is known of completeness, one composition for each word.
func (h *hub) writeCycloneDXCompositions(root *tree.Node) {
	h.compositions = slices.DeleteFunc(h.compositions, func(c composition) bool {
		if h.elements[c.of].id.OK() {
			return false
		}
		for _, n := range c.leaves {
			n.ExplainSelf(tree.Dropped, notDescribed)
		}
		return true
	})
	for _, word := range []string{"complete", "incomplete", "unknown"} {
		var o *tree.Node
		seen := map[string]map[string]bool{"assemblies": {}, "dependencies": {}}
		for _, c := range h.compositions {
			if c.word != word {
				continue
			}
			if word == "unknown" {
				for _, n := range c.leaves {
					if n.Text == "noAssertion" || n.Text == "NOASSERTION" || n.Text == noAssertionElement {
						n.ExplainSelf(tree.Changed, "CycloneDX has a word of its own for what is not known")
					}
				}
			}
			if o == nil {
				o = root.Add("compositions", tree.NewObject())
				o.Set("aggregate", tree.NewText(word))
			}
			aggregate := o.Members[0].Value
			aggregate.From = append(aggregate.From, c.leaves...)
			member := "dependencies"
			if c.kind == contains {
				member = "assemblies"
			}
			if ref := h.elements[c.of].id.S; !seen[member][ref] {
				seen[member][ref] = true
				o.Add(member, tree.NewText(ref))
			}
		}
	}
}
