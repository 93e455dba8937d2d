package tree

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// Empty reports whether a value says nothing: programs write "group": "" and "properties": [] where others write nothing.
func (n *Node) Empty() bool {
	return n == nil || n.IsLeaf() && (n.Kind != strictjson.String || n.Text == "") && n.Kind != strictjson.Number
}

// Equal compares values without regard to the order of members and elements.
func (n *Node) Equal(m *Node) bool {
	if n == nil || m == nil || n.Kind != m.Kind || n.IsLeaf() && m.IsLeaf() {
		return n == m || n != nil && m != nil && n.Kind == m.Kind && n.Text == m.Text
	}
	return n.Same(m) || n.Line(true) == m.Line(true)
}

// Same compares values without regard to the order of members: what JSON calls equal.
func (n *Node) Same(m *Node) bool {
	if n.Kind != m.Kind || n.Text != m.Text || len(n.Members) != len(m.Members) || len(n.Items) != len(m.Items) {
		return false
	}
	get := m.getter()
	for i := range n.Members {
		if w := get(i, n.Members[i].Name); w == nil || !n.Members[i].Value.Same(w) {
			return false
		}
	}
	for i := range n.Items {
		if !n.Items[i].Same(m.Items[i]) {
			return false
		}
	}
	return true
}

// getter returns a function that finds a member, first at the place where another object has it. It takes no longer if there
// are many.
func (n *Node) getter() func(i int, name string) *Node {
	const many = 32
	var all map[string]*Node
	return func(i int, name string) *Node {
		switch {
		case i < len(n.Members) && n.Members[i].Name == name:
			return n.Members[i].Value
		case len(n.Members) <= many:
			return n.Get(name)
		case all == nil:
			all = make(map[string]*Node, len(n.Members))
			for _, m := range n.Members {
				all[m.Name] = m.Value
			}
		}
		return all[name]
	}
}

// Show writes a value for people: a text as it is, the rest as JSON on one line.
func (n *Node) Show() string {
	switch {
	case n == nil:
		return ""
	case n.Kind == strictjson.String:
		return n.Text
	}
	return n.Line(false)
}

// Line writes a value on one line, with sort set its members and elements in the order of their text.
func (n *Node) Line(sort bool) string {
	var parts []string
	switch n.Kind {
	case strictjson.Object:
		for _, m := range n.Members {
			parts = append(parts, string(strictjson.AppendString(nil, m.Name))+":"+m.Value.Line(sort))
		}
		if sort {
			slices.Sort(parts)
		}
		return "{" + strings.Join(parts, ",") + "}"
	case strictjson.Array:
		for _, v := range n.Items {
			parts = append(parts, v.Line(sort))
		}
		if sort {
			slices.Sort(parts)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return string(n.Append(nil, 0))
}

// Unite adds to a list the elements of another that it does not have.
func (n *Node) Unite(more *Node) {
	have := map[string]bool{}
	for _, v := range n.Items {
		have[v.Line(true)] = true
	}
	for _, v := range more.Items {
		if line := v.Line(true); !have[line] {
			have[line] = true
			n.Items = append(n.Items, v)
		}
	}
}
