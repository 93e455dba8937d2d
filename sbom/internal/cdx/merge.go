package cdx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// merge is how documents are merged: into one list of components, or below one component each.
var merge = specification.Merge{
	Parts: mergeParts,
	Add: func(m *specification.Merged, input *tree.Node, roots []string) []string {
		return merging{m}.add(input, roots)
	},
	Link: func(m *specification.Merged, l *specification.Linked) { merging{m}.link(l) },
	End:  end,
}

// mergeParts lists what has IDs beside components.
func mergeParts(input *tree.Node) (lists []*tree.Node) {
	metadata := input.Get("metadata")
	for _, v := range slices.Concat(input.Members, metadata.Under(), metadata.Get("tools").Under()) {
		switch v.Name {
		case "metadata", "component", "dependencies":
		case "components":
			if v.Value != input.Get("components") {
				lists = append(lists, v.Value)
			}
		default:
			lists = append(lists, v.Value)
		}
	}
	return lists
}

type merging struct{ *specification.Merged }

func (m merging) add(input *tree.Node, roots []string) []string {
	metadata := input.Get("metadata")
	root := metadata.Get("component")
	var list []*tree.Node
	if m.Hierarchical {
		if root == nil {
			name := m.ID
			if name == "" {
				name = fmt.Sprintf("document %d", m.Doc)
			}
			root = tree.NewObject()
			root.Set("type", tree.NewText("application"))
			root.Set("name", tree.NewText(name))
			m.version(root, "")
			roots = append(roots, m.IDOf(root))
		}
		for _, c := range input.List("components") {
			root.Add("components", c)
		}
		list = []*tree.Node{root}
	} else {
		if root != nil {
			list = append(list, root)
		}
		list = m.lift(append(list, input.List("components")...), m.Same)
	}
	m.Append("components", list, nil)
	if metadata != nil {
		for _, v := range metadata.Members {
			m.metadata(v.Name, v.Value)
		}
	}
	for _, v := range input.Members {
		switch v.Name {
		case "$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components":
		case "dependencies":
			m.Append(v.Name, v.Value.Items, nil)
		default:
			m.Member(m.Out, v.Name, v.Value, "")
		}
	}
	return roots
}

// version says which one a component is: until CycloneDX 1.4 it had to be said.
func (m merging) version(c *tree.Node, v string) {
	if v != "" || m.Version < "1.4" {
		c.Set("version", tree.NewText(v))
	}
}

// lift leaves out what is there already, but not what is nested in it.
func (m merging) lift(list []*tree.Node, same map[*tree.Node]*tree.Node) (out []*tree.Node) {
	for _, n := range list {
		keep := n
		if same[n] != nil {
			keep = same[n]
		} else {
			out = append(out, n)
		}
		inner := n.List("components")
		for _, c := range inner {
			if kept := same[c]; kept != nil && m.Inside[kept] != keep {
				m.Conflict(n, "components", "", m.IDOf(kept)) // which stands in one place
			}
		}
		inner = m.lift(inner, same)
		n.Remove("components")
		for _, c := range inner {
			keep.Add("components", c)
			m.Inside[c] = keep
		}
	}
	return out
}

// metadata merges one member of CycloneDX's metadata.
func (m merging) metadata(name string, v *tree.Node) {
	to := m.Out.Get("metadata")
	switch name {
	case "timestamp", "component":
	case "tools":
		have := to.Get("tools")
		switch {
		case have.Kind == v.Kind && v.Kind == strictjson.Array:
			have.Unite(v)
		case have.Kind == strictjson.Object && v.Kind == strictjson.Array:
			// Tools were no components before 1.5.
			for _, t := range v.Items {
				if c := toolComponent(t); c.Get("name") != nil {
					have.Get("components").Unite(&tree.Node{Items: []*tree.Node{c}})
				}
			}
		default:
			for _, x := range v.Members {
				m.Member(have, x.Name, x.Value, "metadata.tools.")
			}
		}
	default:
		m.Member(to, name, v, "metadata.")
	}
}

// toolComponent is a tool as CycloneDX says it from 1.5 on.
func toolComponent(t *tree.Node) *tree.Node {
	c := tree.NewObject()
	c.Set("type", tree.NewText("application"))
	for _, name := range []string{"vendor", "name", "version", "hashes", "externalReferences"} {
		if x := t.Get(name); x != nil {
			c.Set(strings.Replace(name, "vendor", "publisher", 1), x)
		}
	}
	return c
}

// link adds a component that stands for a document.
func (m merging) link(l *specification.Linked) {
	c := tree.NewObject()
	kind := l.About.Kind
	if !l.Alike || kind == "" {
		kind = "application"
	}
	c.Set("type", tree.NewText(kind))
	c.Put("group", tree.Constant(l.About.Group))
	name := l.About.Name
	if name == "" {
		name = l.ID
	}
	c.Set("name", tree.NewText(name))
	m.version(c, l.About.Version)
	c.Put("purl", tree.Constant(l.About.PURL))
	ref := tree.NewObject()
	ref.Set("url", tree.NewText(bomLink(l)))
	ref.Set("type", tree.NewText("bom"))
	h := tree.NewObject()
	h.Set("alg", tree.NewText("SHA-256"))
	h.Set("content", tree.NewText(l.SHA256))
	if m.Version >= "1.3" {
		ref.Add("hashes", h)
	}
	c.Add("externalReferences", ref)
	m.About = append(m.About, m.IDOf(c))
	m.Out.Add("components", c)
}

// bomLink returns a URN of a CycloneDX document (cyclonedx.org/capabilities/bomlink), or the ID of another.
func bomLink(l *specification.Linked) string {
	serial, ok := strings.CutPrefix(l.ID, "urn:uuid:")
	if !l.Alike || !ok {
		return l.ID
	}
	version := "1"
	if root, err := tree.Parse(l.Text); err == nil {
		if v := root.Get("version"); v != nil && v.Text != "" {
			version = v.Text
		}
	}
	return "urn:cdx:" + serial + "/" + version
}

// end says what the result is about, and what several documents say of one component's dependencies in one place.
func end(m *specification.Merged) {
	on := tree.NewObject()
	on.Set("ref", tree.NewText(m.Root))
	for _, id := range m.About {
		on.Add("dependsOn", tree.NewText(id))
	}
	deps := m.Out.Get("dependencies")
	if deps == nil {
		deps = m.Out.Set("dependencies", tree.NewArray())
	}
	first := map[string]*tree.Node{}
	all := append([]*tree.Node{on}, deps.Items...)
	deps.Items = nil
	for _, n := range all {
		ref := n.Str("ref").S
		kept := first[ref]
		if kept == nil {
			first[ref] = n
			deps.Items = append(deps.Items, n)
			continue
		}
		for _, name := range []string{"dependsOn", "provides"} {
			if more := n.Get(name); more != nil && kept.Get(name) == nil {
				kept.Set(name, more)
			} else if more != nil {
				kept.Get(name).Items = append(kept.Get(name).Items, more.Items...)
			}
		}
	}
	for _, n := range deps.Items {
		for _, name := range []string{"dependsOn", "provides"} {
			specification.Once(n.Get(name))
		}
	}
}
