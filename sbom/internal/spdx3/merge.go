package spdx3

import (
	"strings"

	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// merge is how documents are merged: into one graph, whose root contains what each is about.
var merge = specification.Merge{
	Parts: func(input *tree.Node) []*tree.Node { return tree.Compact([]*tree.Node{input.Get("@graph")}) },
	Add: func(m *specification.Merged, input *tree.Node, roots []string) []string {
		return merging{m}.add(input, roots)
	},
	Link: func(m *specification.Merged, l *specification.Linked) { merging{m}.link(l) },
	End:  func(*specification.Merged) {},
}

type merging struct{ *specification.Merged }

func (m merging) add(input *tree.Node, roots []string) []string {
	graph := m.Out.Get("@graph")
	all := tree.ListOrOne(input.Get("@graph"))
	documents := map[string]bool{}
	for _, n := range all {
		if n.Str("type").S == "SpdxDocument" {
			m.spdxDocument(n)
			if id := tree.Definition(n, Words); id != nil {
				documents[id.Text] = true
			}
		}
	}
	for _, n := range all {
		switch {
		case m.Same[n] != nil || n.Str("type").S == "SpdxDocument":
		case n.Str("relationshipType").S == "describes" && documents[n.Str("from").S]:
			if c := n.Get("comment"); c != nil {
				m.Conflict(nil, "describes.comment", "", c.Show())
			}
		default:
			graph.Items = append(graph.Items, n)
		}
	}
	m.contain(roots)
	return roots
}

// spdxDocument merges what SPDX 3 says of a document as an element.
func (m merging) spdxDocument(from *tree.Node) {
	to := m.document()
	for _, v := range from.Members {
		switch v.Name {
		case "type", "spdxId", "@id", "name", "creationInfo", "rootElement", "element":
		case "import", "namespaceMap", "profileConformance":
			have := to.Get(v.Name)
			if have == nil {
				have = to.Set(v.Name, tree.NewArray())
			}
			have.Unite(&tree.Node{Items: tree.ListOrOne(v.Value)})
		default:
			m.Member(to, v.Name, v.Value, "SpdxDocument.")
		}
	}
}

// document returns the result's element for itself.
func (m merging) document() *tree.Node {
	for _, n := range m.Out.List("@graph") {
		if n.Str("type").S == "SpdxDocument" {
			return n
		}
	}
	return nil
}

// contain says in SPDX 3 that the result is about something that contains parts.
func (m merging) contain(parts []string) {
	for _, id := range parts {
		if m.Contained[id] {
			continue
		}
		m.Contained[id] = true
		document, _, _ := strings.Cut(m.Root, "#")
		n := tree.NewObject()
		n.Set("type", tree.NewText("Relationship"))
		n.Set("spdxId", tree.NewText(m.IDs.Unique(document+"#SPDXRef-contains")))
		n.Set("creationInfo", tree.NewText("_:creationinfo"))
		n.Set("from", tree.NewText(m.Root))
		n.Set("relationshipType", tree.NewText("contains"))
		n.Set("to", tree.NewArray()).Items = []*tree.Node{tree.NewText(id)}
		m.Out.Add("@graph", n)
	}
}

// link imports an element of a document: what that is about, or the document.
func (m merging) link(l *specification.Linked) {
	element := l.ID
	if l.Alike && l.About.ID != "" {
		element = l.About.ID
	}
	ref := tree.NewObject()
	ref.Set("type", tree.NewText("ExternalMap"))
	ref.Set("externalSpdxId", tree.NewText(element))
	h := tree.NewObject()
	h.Set("type", tree.NewText("Hash"))
	h.Set("algorithm", tree.NewText("sha256"))
	h.Set("hashValue", tree.NewText(l.SHA256))
	ref.Add("verifiedUsing", h)
	m.document().Add("import", ref)
	m.contain([]string{element})
}
