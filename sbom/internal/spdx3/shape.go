package spdx3

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// idOf and class3 are what a node of SPDX 3 is called and what it is, by either of the names that its context has.
func idOf(n *tree.Node) tree.Text {
	if t := n.Str("spdxId"); t.OK() {
		return t
	}
	return n.Str("@id")
}

func classOf(n *tree.Node) tree.Text {
	if t := n.Str("type"); t.OK() {
		return t
	}
	return n.Str("@type")
}

// Elements returns what stands at the top of a document: what is beside @graph says something too, as one more node.
func Elements(root *tree.Node) []*tree.Node {
	g := root.Get("@graph")
	if g == nil {
		return []*tree.Node{root}
	}
	beside := &tree.Node{Kind: root.Kind, Start: root.Start}
	for _, m := range root.Members {
		if m.Name != "@graph" && m.Name != "@context" {
			beside.Members = append(beside.Members, m)
		}
	}
	if beside.Members == nil {
		return tree.ListOrOne(g)
	}
	return append(slices.Clone(tree.ListOrOne(g)), beside)
}

// isElement reports whether an object that stands in a property of another one is an element.
func isElement(class string, hasID bool, property string) bool {
	return IsElementClass(class) || hasID && !IsPart(property)
}

// A shaper brings a document to the shape that its specification asks for.
type shaper struct {
	parts   map[string]*tree.Node // at the top that are no elements, by their ids
	used    map[*tree.Node]bool   // of these, what has been put where it belongs
	open    map[*tree.Node]bool   // of these, what is being put there
	said    []*tree.Node          // leaves that only hold the shape together
	top     []*tree.Node
	creates int
	left    int // how many values may still be written: parts that refer to parts could grow without end
	changed bool
}

// Shape returns a document in the one shape, and the leaves of the input that hold together only the shape that it had.
// All other leaves are the input's own. A document that has the shape is returned as it is.
func Shape(root *tree.Node) (*tree.Node, []*tree.Node, error) {
	s := &shaper{parts: map[string]*tree.Node{}, used: map[*tree.Node]bool{}, open: map[*tree.Node]bool{}, left: 1000}
	elements := Elements(s.shorten(root))
	s.changed = s.changed || len(root.Members) > 2 && root.Get("@graph") != nil
	for _, n := range elements {
		s.left += 4 * n.Count()
		if class := classOf(n).S; n.Kind == strictjson.Object && !IsElementClass(class) && class != "CreationInfo" &&
			(n.Get("spdxId") == nil || isPartClass(class)) {
			if id := idOf(n).S; id != "" && s.parts[id] == nil {
				s.parts[id] = n
			}
		}
	}
	for _, n := range elements {
		if n.Kind == strictjson.Object && s.parts[idOf(n).S] != n {
			s.top = append(s.top, s.object(n))
		}
	}
	for _, n := range elements {
		if n.Kind == strictjson.Object && s.parts[idOf(n).S] == n && !s.used[n] {
			s.top = append(s.top, n)
		}
	}
	if s.left < 0 {
		return nil, nil, fmt.Errorf("%w: hashes and identifiers that are given by reference stand in too many places", spec.ErrLimit)
	}
	if !s.changed {
		return root, nil, nil
	}
	out := tree.NewObject()
	if c := root.Get("@context"); c != nil {
		out.Set("@context", c)
	}
	out.Set("@graph", &tree.Node{Kind: strictjson.Array, Items: s.top})
	return out, s.said, nil
}

func (s *shaper) object(n *tree.Node) *tree.Node {
	out := &tree.Node{Kind: n.Kind, Start: n.Start}
	for _, m := range n.Members {
		if s.left--; s.left < 0 {
			break
		}
		if m.Name != "@context" {
			out.Set(m.Name, s.value(m.Name, m.Value))
		}
	}
	return out
}

// value returns what stands in a property of an object.
func (s *shaper) value(name string, v *tree.Node) *tree.Node {
	switch v.Kind {
	case strictjson.Array:
		if v.Items == nil {
			return v
		}
		out := &tree.Node{Kind: v.Kind, Start: v.Start, Items: make([]*tree.Node, len(v.Items))}
		for i, item := range v.Items {
			if s.left--; s.left < 0 {
				return v
			}
			out.Items[i] = s.value(name, item)
		}
		return out
	case strictjson.String:
		part := s.parts[v.Text]
		if part == nil || !IsPart(name) || s.open[part] {
			return v
		}
		s.changed, s.used[part], s.open[part] = true, true, true
		defer delete(s.open, part)
		s.said = append(s.said, tree.Compact([]*tree.Node{v, idOf(part).From})...)
		return s.object(part)
	case strictjson.Object:
		if id := idOf(v).From; id != nil && len(v.Members) == 1 { // a reference, as JSON-LD writes it without the context
			s.changed = true
			return s.value(name, id)
		}
		if class := classOf(v).S; class != "CreationInfo" && !isElement(class, v.Get("spdxId") != nil, name) {
			return s.object(v)
		}
		s.changed = true
		lifted := s.object(v)
		s.top = append(s.top, lifted)
		if id := idOf(v).From; id != nil {
			return id
		}
		s.creates++
		return lifted.Set("@id", tree.NewText("_:lading"+strconv.Itoa(s.creates)))
	}
	return v
}
