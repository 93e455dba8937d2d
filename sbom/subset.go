package sbom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
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
	tree, err := parseTree(d.json)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	s := subset{format: d.format, gone: map[*node]bool{}, ids: map[string]bool{}}
	for i, n := range d.nodesOf(tree) {
		if n == nil || kept[i] {
			continue
		}
		s.gone[n] = true
		n.each(func(n *node) {
			if id := n.definition(d.format); id != nil && n.get("name") == nil && d.format.Spec == CycloneDX {
				s.ids[id.text] = true // parts of the component that are none themselves
			}
		})
		if id := d.components[i].ID; id != "" {
			s.ids[id] = true
		}
	}
	for i := range d.components { // an ID that is there twice
		if kept[i] {
			delete(s.ids, d.components[i].ID)
		}
	}
	switch {
	case d.format.Spec == CycloneDX:
		s.cyclonedx(tree)
	case isSPDX2(d.format):
		s.spdx2(tree)
	default:
		s.spdx3(tree)
	}
	s.identify(tree)
	out, err := parseJSON(tree.render())
	return out, err
}

type subset struct {
	format Format
	gone   map[*node]bool  // components that are not kept
	ids    map[string]bool // what they and their parts are referred to by
}

// refersToGone says whether n is a reference to what is not kept.
func (s *subset) refersToGone(n *node) bool { return n.kind == strictjson.String && s.ids[n.text] }

// filter removes the references in a list to what is not kept, and says whether there were any.
func (s *subset) filter(n *node, name string) (removed bool) {
	list := n.get(name)
	if list == nil || list.kind != strictjson.Array {
		return false
	}
	before := len(list.items)
	list.items = slices.DeleteFunc(list.items, s.refersToGone)
	if len(list.items) == 0 && before > 0 {
		n.remove(name)
	}
	return len(list.items) < before
}

func (s *subset) cyclonedx(root *node) {
	s.lift(root)
	s.lift(root.get("metadata").get("component"))
	if list := root.get("dependencies"); list != nil {
		list.items = slices.DeleteFunc(list.items, func(n *node) bool {
			removed := s.filter(n, "dependsOn")
			removed = s.filter(n, "provides") || removed
			// An element without any says that there are none.
			return s.ids[n.str("ref").s] || removed && n.get("dependsOn") == nil && n.get("provides") == nil
		})
	}
	for _, n := range root.list("compositions") {
		assemblies, dependencies, vulnerabilities := s.filter(n, "assemblies"), s.filter(n, "dependencies"), s.filter(n, "vulnerabilities")
		if a := n.get("aggregate"); a != nil && a.text == "complete" && (assemblies || dependencies || vulnerabilities) {
			a.text = "incomplete"
		}
	}
	s.affected(root, "vulnerabilities", "affects", func(a *node) bool { return s.ids[a.str("ref").s] })
	s.affected(root, "annotations", "subjects", s.refersToGone)
}

// affected removes what a list of things is about, and those that are about nothing any more.
func (s *subset) affected(root *node, name, about string, gone func(*node) bool) {
	list := root.get(name)
	if list == nil {
		return
	}
	list.items = slices.DeleteFunc(list.items, func(n *node) bool {
		objects := n.get(about)
		if objects == nil || len(objects.items) == 0 {
			return false
		}
		objects.items = slices.DeleteFunc(objects.items, gone)
		return len(objects.items) == 0
	})
	if len(list.items) == 0 {
		root.remove(name)
	}
}

// lift removes components from a list and puts what they contain in their place.
func (s *subset) lift(parent *node) {
	list := parent.get("components")
	if list == nil {
		return
	}
	var out []*node
	for _, n := range list.items {
		s.lift(n)
		if s.gone[n] {
			out = append(out, n.list("components")...)
		} else {
			out = append(out, n)
		}
	}
	list.items = out
}

func (s *subset) spdx2(root *node) {
	files := map[string]bool{} // those that had files which are not kept
	relationships := root.get("relationships")
	if relationships != nil {
		relationships.items = slices.DeleteFunc(relationships.items, func(n *node) bool {
			from, to := n.str("spdxElementId").s, n.str("relatedSpdxElement").s
			if n.str("relationshipType").s == "CONTAINS" && s.ids[to] {
				files[from] = true
			}
			return s.ids[from] || s.ids[to]
		})
	}
	for _, name := range []string{"packages", "files", "snippets"} {
		list := root.get(name)
		if list == nil {
			continue
		}
		list.items = slices.DeleteFunc(list.items, func(n *node) bool {
			return s.gone[n] || s.ids[n.str("snippetFromFile").s]
		})
		for _, n := range list.items {
			removed := s.filter(n, "hasFiles")
			if v := n.get("packageVerificationCode"); v != nil && (removed || files[n.str("SPDXID").s]) {
				n.remove("packageVerificationCode")
				n.remove("licenseInfoFromFiles")
				n.remove("filesAnalyzed")
				n.set("filesAnalyzed", newLiteral("false"))
			}
		}
	}
	s.filter(root, "documentDescribes")
}

func (s *subset) spdx3(root *node) {
	graph := root.get("@graph")
	if graph == nil || graph.kind != strictjson.Array {
		return
	}
	// What is said of something that goes, goes too, and so does what is said of that: a relationship without one that it
	// is from, or without any that it is to.
	about, left := map[string][]*node{}, map[*node]int{}
	for _, n := range graph.items {
		for _, name := range []string{"from", "subject", "software_snippetFromFile"} {
			if v := n.str(name); v.ok() {
				about[v.s] = append(about[v.s], n)
			}
		}
		to := listOrOne(n.get("to"))
		left[n] = len(to)
		for _, v := range to {
			about[v.text] = append(about[v.text], n)
		}
	}
	var queue []string
	for id := range s.ids {
		queue = append(queue, id)
	}
	for i := 0; i < len(queue); i++ {
		for _, n := range about[queue[i]] {
			if left[n]--; s.gone[n] || left[n] > 0 && n.str("from").s != queue[i] && n.str("subject").s != queue[i] {
				continue
			}
			s.gone[n] = true
			if id := n.definition(s.format); id != nil && !s.ids[id.text] {
				s.ids[id.text] = true
				queue = append(queue, id.text)
			}
		}
	}
	graph.items = slices.DeleteFunc(graph.items, func(n *node) bool { return s.gone[n] })
	for _, n := range graph.items {
		if c := n.get("completeness"); s.filter(n, "to") && c != nil && c.text == "complete" {
			c.text = "incomplete"
		}
		for _, name := range []string{"element", "rootElement"} {
			if v := n.get(name); v != nil && s.refersToGone(v) {
				n.remove(name)
			} else {
				s.filter(n, name)
			}
		}
	}
}

// identify gives another document another name.
func (s *subset) identify(root *node) {
	name := func() string { return uuid(string(root.render())) }
	switch {
	case s.format.Spec == CycloneDX:
		if v := root.get("serialNumber"); v != nil {
			v.text = "urn:uuid:" + name()
		}
	case isSPDX2(s.format):
		if v := root.get("documentNamespace"); v != nil {
			v.text = strings.TrimRight(v.text, "#/") + "/" + name()
		}
	default:
		for _, n := range listOrOne(root.get("@graph")) {
			if id := n.definition(s.format); id != nil && n.str("type").s == "SpdxDocument" {
				root.rename(s.format, map[string]string{id.text: strings.TrimRight(id.text, "#/") + "/" + name()})
			}
		}
	}
}
