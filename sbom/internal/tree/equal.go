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
	return n.identical(m) || n.Line(true) == m.Line(true)
}

// identical compares values in the order that they are in, which is that of most.
func (n *Node) identical(m *Node) bool {
	if n.Kind != m.Kind || n.Text != m.Text || len(n.Members) != len(m.Members) || len(n.Items) != len(m.Items) {
		return false
	}
	for i := range n.Members {
		if n.Members[i].Name != m.Members[i].Name || !n.Members[i].Value.identical(m.Members[i].Value) {
			return false
		}
	}
	for i := range n.Items {
		if !n.Items[i].identical(m.Items[i]) {
			return false
		}
	}
	return true
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
