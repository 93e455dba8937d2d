package sbom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
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
	input, err := tree.Parse(d.json)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	s := subset{format: d.format, gone: map[*tree.Node]bool{}, ids: map[string]bool{}}
	for i, n := range d.nodesOf(input) {
		if n == nil || kept[i] {
			continue
		}
		s.gone[n] = true
		n.Each(func(n *tree.Node) {
			if id := tree.Definition(n, partWords(d.format)); id != nil && n.Get("name") == nil && d.format.Spec == CycloneDX {
				s.ids[id.Text] = true // parts of the component that are none themselves
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
		s.cyclonedx(input)
	case isSPDX2(d.format):
		s.spdx2(input)
	default:
		s.spdx3(input)
	}
	s.identify(input)
	out, err := parseJSON(input.Render())
	return out, err
}

type subset struct {
	format Format
	gone   map[*tree.Node]bool // components that are not kept
	ids    map[string]bool     // what they and their parts are referred to by
}

// refersToGone says whether n is a reference to what is not kept.
func (s *subset) refersToGone(n *tree.Node) bool { return n.Kind == strictjson.String && s.ids[n.Text] }

// filter removes the references in a list to what is not kept, and says whether there were any.
func (s *subset) filter(n *tree.Node, name string) (removed bool) {
	list := n.Get(name)
	if list == nil || list.Kind != strictjson.Array {
		return false
	}
	before := len(list.Items)
	list.Items = slices.DeleteFunc(list.Items, s.refersToGone)
	if len(list.Items) == 0 && before > 0 {
		n.Remove(name)
	}
	return len(list.Items) < before
}

func (s *subset) cyclonedx(root *tree.Node) {
	s.lift(root)
	s.lift(root.Get("metadata").Get("component"))
	if list := root.Get("dependencies"); list != nil {
		list.Items = slices.DeleteFunc(list.Items, func(n *tree.Node) bool {
			removed := s.filter(n, "dependsOn")
			removed = s.filter(n, "provides") || removed
			// An element without any says that there are none.
			return s.ids[n.Str("ref").S] || removed && n.Get("dependsOn") == nil && n.Get("provides") == nil
		})
	}
	for _, n := range root.List("compositions") {
		assemblies, dependencies, vulnerabilities := s.filter(n, "assemblies"), s.filter(n, "dependencies"), s.filter(n, "vulnerabilities")
		if a := n.Get("aggregate"); a != nil && a.Text == "complete" && (assemblies || dependencies || vulnerabilities) {
			a.Text = "incomplete"
		}
	}
	s.affected(root, "vulnerabilities", "affects", func(a *tree.Node) bool { return s.ids[a.Str("ref").S] })
	s.affected(root, "annotations", "subjects", s.refersToGone)
}

// affected removes what a list of things is about, and those that are about nothing any more.
func (s *subset) affected(root *tree.Node, name, about string, gone func(*tree.Node) bool) {
	list := root.Get(name)
	if list == nil {
		return
	}
	list.Items = slices.DeleteFunc(list.Items, func(n *tree.Node) bool {
		objects := n.Get(about)
		if objects == nil || len(objects.Items) == 0 {
			return false
		}
		objects.Items = slices.DeleteFunc(objects.Items, gone)
		return len(objects.Items) == 0
	})
	if len(list.Items) == 0 {
		root.Remove(name)
	}
}

// lift removes components from a list and puts what they contain in their place.
func (s *subset) lift(parent *tree.Node) {
	list := parent.Get("components")
	if list == nil {
		return
	}
	var out []*tree.Node
	for _, n := range list.Items {
		s.lift(n)
		if s.gone[n] {
			out = append(out, n.List("components")...)
		} else {
			out = append(out, n)
		}
	}
	list.Items = out
}

func (s *subset) spdx2(root *tree.Node) {
	files := map[string]bool{} // those that had files which are not kept
	relationships := root.Get("relationships")
	if relationships != nil {
		relationships.Items = slices.DeleteFunc(relationships.Items, func(n *tree.Node) bool {
			from, to := n.Str("spdxElementId").S, n.Str("relatedSpdxElement").S
			if n.Str("relationshipType").S == "CONTAINS" && s.ids[to] {
				files[from] = true
			}
			return s.ids[from] || s.ids[to]
		})
	}
	for _, name := range []string{"packages", "files", "snippets"} {
		list := root.Get(name)
		if list == nil {
			continue
		}
		list.Items = slices.DeleteFunc(list.Items, func(n *tree.Node) bool {
			return s.gone[n] || s.ids[n.Str("snippetFromFile").S]
		})
		for _, n := range list.Items {
			removed := s.filter(n, "hasFiles")
			if v := n.Get("packageVerificationCode"); v != nil && (removed || files[n.Str("SPDXID").S]) {
				n.Remove("packageVerificationCode")
				n.Remove("licenseInfoFromFiles")
				n.Remove("filesAnalyzed")
				n.Set("filesAnalyzed", tree.NewLiteral("false"))
			}
		}
	}
	s.filter(root, "documentDescribes")
}

func (s *subset) spdx3(root *tree.Node) {
	graph := root.Get("@graph")
	if graph == nil || graph.Kind != strictjson.Array {
		return
	}
	// What is said of something that goes, goes too, and so does what is said of that: a relationship without one that it
	// is from, or without any that it is to.
	about, left := map[string][]*tree.Node{}, map[*tree.Node]int{}
	for _, n := range graph.Items {
		for _, name := range []string{"from", "subject", "software_snippetFromFile"} {
			if v := n.Str(name); v.OK() {
				about[v.S] = append(about[v.S], n)
			}
		}
		to := tree.ListOrOne(n.Get("to"))
		left[n] = len(to)
		for _, v := range to {
			about[v.Text] = append(about[v.Text], n)
		}
	}
	var queue []string
	for id := range s.ids {
		queue = append(queue, id)
	}
	for i := 0; i < len(queue); i++ {
		for _, n := range about[queue[i]] {
			if left[n]--; s.gone[n] || left[n] > 0 && n.Str("from").S != queue[i] && n.Str("subject").S != queue[i] {
				continue
			}
			s.gone[n] = true
			if id := tree.Definition(n, partWords(s.format)); id != nil && !s.ids[id.Text] {
				s.ids[id.Text] = true
				queue = append(queue, id.Text)
			}
		}
	}
	graph.Items = slices.DeleteFunc(graph.Items, func(n *tree.Node) bool { return s.gone[n] })
	for _, n := range graph.Items {
		if c := n.Get("completeness"); s.filter(n, "to") && c != nil && c.Text == "complete" {
			c.Text = "incomplete"
		}
		for _, name := range []string{"element", "rootElement"} {
			if v := n.Get(name); v != nil && s.refersToGone(v) {
				n.Remove(name)
			} else {
				s.filter(n, name)
			}
		}
	}
}

// identify gives another document another name.
func (s *subset) identify(root *tree.Node) {
	name := func() string { return spec.UUID(string(root.Render())) }
	switch {
	case s.format.Spec == CycloneDX:
		if v := root.Get("serialNumber"); v != nil {
			v.Text = "urn:uuid:" + name()
		}
	case isSPDX2(s.format):
		if v := root.Get("documentNamespace"); v != nil {
			v.Text = strings.TrimRight(v.Text, "#/") + "/" + name()
		}
	default:
		for _, n := range tree.ListOrOne(root.Get("@graph")) {
			if id := tree.Definition(n, partWords(s.format)); id != nil && n.Str("type").S == "SpdxDocument" {
				tree.Rename(root, partWords(s.format), map[string]string{id.Text: strings.TrimRight(id.Text, "#/") + "/" + name()})
			}
		}
	}
}
