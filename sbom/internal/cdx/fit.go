package cdx

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Fit turns what two versions of CycloneDX say in different shapes. Nothing happens to what fits.
func Fit(root *tree.Node, version string) (added []tree.Loss) {
	root.Get("specVersion").Text = version
	if s := root.Get("$schema"); s != nil {
		s.Text = "http://cyclonedx.org/schema/bom-" + version + ".schema.json"
	}
	root.Each(func(n *tree.Node) {
		if version < "1.6" {
			// One author as text, before there were lists of them.
			if a := n.Get("authors"); a != nil && n.Get("type") != nil && n.Get("name") != nil && n.Get("author") == nil {
				if len(a.Items) > 0 && a.Items[0].Get("name") != nil {
					name := a.Items[0].Remove("name")
					n.Set("author", name)
				}
			}
			// Identity was one object before it was a list.
			if e := n.Get("evidence"); e != nil {
				if id := e.Get("identity"); id != nil && id.Kind == strictjson.Array && len(id.Items) > 0 {
					e.Remove("identity").Items[0].Detach(id.Items[1:])
					e.Set("identity", id.Items[0])
				}
			}
		}
	})
	if version < "1.5" && root.Get("version") == nil {
		root.Set("version", tree.NewLiteral("1")) // the default of those that need none
	}
	m := root.Get("metadata")
	if version < "1.6" {
		if x := m.Get("manufacturer"); x != nil && m.Get("manufacture") == nil {
			m.Remove("manufacturer")
			m.Set("manufacture", x)
		}
	}
	if tools := m.Get("tools"); version < "1.5" && tools != nil && tools.Kind == strictjson.Object {
		m.Remove("tools")
		list := tree.NewArray()
		for _, t := range tools.List("components") {
			o := tree.NewObject()
			for _, name := range []string{"name", "version", "hashes"} {
				if v := t.Get(name); v != nil {
					o.Set(name, v)
				}
			}
			if v := t.Get("publisher"); v != nil {
				o.Set("vendor", v)
			} else if v := t.Get("supplier"); v != nil && v.Get("name") != nil {
				o.Set("vendor", v.Get("name"))
			}
			list.Items = append(list.Items, o)
		}
		for _, t := range tools.List("services") {
			o := tree.NewObject()
			for _, name := range []string{"name", "version"} {
				if v := t.Get(name); v != nil {
					o.Set(name, v)
				}
			}
			list.Items = append(list.Items, o)
		}
		if len(list.Items) > 0 {
			m.Set("tools", list)
		}
	}
	if version < "1.7" {
		root.Each(func(n *tree.Node) { unmixLicenses(n) })
	}
	if version < "1.4" {
		// Components had to have a version.
		for _, list := range []*tree.Node{root.Get("metadata").Get("component"), root.Get("components")} {
			list.Each(func(n *tree.Node) {
				if n.Get("type") != nil && n.Get("name") != nil && n.Get("version") == nil {
					n.Set("version", tree.NewText(""))
					added = []tree.Loss{{Path: "/components", Kind: tree.Added, Reason: "CycloneDX " + version +
						" wants a version; an empty one where the input gives none"}}
				}
			})
		}
	}
	return added
}

// unmixLicenses leaves one expression, or single licences: older versions do not mix them.
func unmixLicenses(n *tree.Node) {
	list := n.Get("licenses")
	if list == nil || len(list.Items) < 2 {
		return
	}
	i := slices.IndexFunc(list.Items, func(l *tree.Node) bool { return l.Get("expression") != nil })
	if i < 0 {
		return
	}
	var keep []*tree.Node
	for _, l := range list.Items {
		if l.Get("expression") == nil {
			keep = append(keep, l)
		}
	}
	if keep == nil {
		keep = list.Items[i : i+1 : i+1]
	}
	for _, l := range list.Items {
		if !slices.Contains(keep, l) {
			l.Explain(tree.Dropped, "this version has one licence expression, or a list without any")
		}
	}
	list.Items = keep
}

// generalTypes returns what to write for types of components and external references of CycloneDX that a version does not
// have: the component and the reference count for more than their types.
func generalTypes(root *tree.Node) map[*tree.Node]string {
	out := map[*tree.Node]string{}
	root.Each(func(n *tree.Node) {
		for _, m := range n.Members {
			word := "library"
			switch m.Name {
			case "externalReferences":
				word = "other"
			case "component", "components", "ancestors", "descendants", "variants":
			default:
				continue
			}
			for _, o := range append([]*tree.Node{m.Value}, m.Value.Items...) {
				if t := o.Get("type"); t != nil {
					out[t] = word
				}
			}
		}
	})
	return out
}

// prune removes members that the schema has no word for. Of an object that it has no word in at all, it may not speak.
func prune(n *tree.Node, v jsonschema.View, format string) {
	if slices.ContainsFunc(n.Members, func(m tree.Member) bool { return v.Property(m.Name).Known() }) {
		n.Members = slices.DeleteFunc(n.Members, func(m tree.Member) bool {
			if v.Property(m.Name).Known() {
				return false
			}
			m.Value.Explain(tree.Dropped, format+" does not have "+m.Name+" here")
			return true
		})
		for _, m := range n.Members { // afterwards: of a text that stands in two places, the outer one's reason counts
			if !m.Value.IsLeaf() {
				prune(m.Value, v.Property(m.Name), format)
			}
		}
	}
	if len(n.Items) > 0 {
		items := v.Items()
		for _, i := range n.Items {
			if !i.IsLeaf() {
				prune(i, items, format)
			}
		}
	}
}

// oneLine writes the ends of lines that a pattern knows as blanks.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\u2028", " ", "\u2029", " ")

// licencesIn returns the ids and expressions of licences in a document of CycloneDX, and the objects that they stand in.
func licencesIn(root *tree.Node) map[*tree.Node]*tree.Node {
	out := map[*tree.Node]*tree.Node{}
	root.Each(func(n *tree.Node) {
		for _, l := range n.List("licenses") {
			if v := l.Get("expression"); v != nil {
				out[v] = l
			}
			if v := l.Get("license").Get("id"); v != nil {
				out[v] = l.Get("license")
			}
		}
	})
	return out
}
