package sbom

import (
	"iter"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// reader reads one component's text, which was checked when the document was read.
func (d *Document) reader(ref Ref) *strictjson.Reader {
	return strictjson.NewReader(d.components[ref].raw, index.Limits)
}

// ids are the components by their IDs: of two with the same, the first counts.
func (d *Document) ids() map[string]Ref {
	return remember(&d.memos.ids, func() map[string]Ref {
		m := make(map[string]Ref, len(d.components))
		for i := range d.components {
			if id := d.components[i].ID; id != "" {
				if _, ok := m[id]; !ok {
					m[id] = Ref(i)
				}
			}
		}
		return m
	})
}

// links are the relationships with their ends found.
func (d *Document) links() *links {
	return remember(&d.memos.links, func() *links {
		l := &links{ids: d.ids(), edges: make([]Relationship, len(d.found.Nested))}
		for i, n := range d.found.Nested {
			l.edges[i] = Relationship{Ref(n[0]), Ref(n[1]), Contains}
		}
		d.found.Link(l)
		return l
	})
}

// by groups the components by a key, those without one left out.
func (d *Document) by(m *memo, key func(*Component) string) map[string][]Ref {
	return remember(m, func() map[string][]Ref {
		out := make(map[string][]Ref, len(d.components))
		for i := range d.components {
			if k := key(&d.components[i]); k != "" {
				out[k] = append(out[k], Ref(i))
			}
		}
		return out
	})
}

// links are a document's relationships with their ends found.
type links struct {
	ids   map[string]Ref
	edges []Relationship
	roots []Ref
	known map[Ref]bool // roots
}

// Ref returns the component with an ID, or None.
func (l *links) Ref(id string) index.Ref {
	if ref, ok := l.ids[id]; ok {
		return index.Ref(ref)
	}
	return index.None
}

func (l *links) Add(from, to index.Ref, t model.Relation) {
	l.edges = append(l.edges, Relationship{Ref(from), Ref(to), RelationshipType(t)})
}

// Root adds a root, once.
func (l *links) Root(at index.Ref) {
	ref := Ref(at)
	if ref == None || l.known[ref] {
		return
	}
	if l.known == nil {
		l.known = map[Ref]bool{}
	}
	l.known[ref] = true
	l.roots = append(l.roots, ref)
}

// ByPURL yields the components with a package URL, in any spelling, in document order. A string that is
// not a package URL is compared as it is.
func (d *Document) ByPURL(purl string) iter.Seq[Ref] {
	return refs(d.by(&d.memos.purls, func(c *Component) string {
		if c.PURL == "" {
			return ""
		}
		return canonical(c.PURL)
	})[canonical(purl)])
}

// Match yields the components that are the package that a package URL names, by [PURL.MatchKey], in document order:
// what another program calls by another name too.
func (d *Document) Match(p PURL) iter.Seq[Ref] {
	return refs(d.by(&d.memos.matches, func(c *Component) string {
		if p, err := packageurl.Parse(c.PURL); err == nil {
			return p.MatchKey()
		}
		return ""
	})[p.MatchKey()])
}

// canonical returns the canonical form of a package URL, or a text as it is that is none.
func canonical(s string) string {
	if p, err := packageurl.Parse(s); err == nil {
		return p.String()
	}
	return s
}

func refs(list []Ref) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for _, r := range list {
			if !yield(r) {
				return
			}
		}
	}
}

// Roots returns what the document is about: CycloneDX's metadata.component, or what SPDX's document describes.
func (d *Document) Roots() []Ref {
	if d.format.Spec == CycloneDX {
		if d.found.Root == index.None {
			return nil
		}
		return []Ref{Ref(d.found.Root)}
	}
	return d.links().roots
}

// Relationships yields every relationship, in the order of the document, those of nesting first.
func (d *Document) Relationships() iter.Seq[Relationship] {
	return func(yield func(Relationship) bool) {
		for _, e := range d.links().edges {
			if !yield(e) {
				return
			}
		}
	}
}

// ByID returns the component with an ID.
func (d *Document) ByID(id string) (Ref, bool) {
	ref, ok := d.ids()[id]
	if !ok {
		return None, false
	}
	return ref, true
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
