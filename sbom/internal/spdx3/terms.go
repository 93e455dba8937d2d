package spdx3

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// JSON-LD lets a document write a class, a property or a word of a list by its IRI, in place of the name that SPDX's context
// has for it, and wrap values in @set. The specification's schema refuses that; whoever reads the document as JSON-LD sees the
// same graph.

// Term returns the name that SPDX's context has for an IRI of a class, a property or, of three parts, a word of a list.
func Term(iri string) (name string, parts int) {
	rest, ok := strings.CutPrefix(iri, "spdx:")
	if !ok {
		if rest, ok = strings.CutPrefix(iri, ContextBase); ok {
			_, rest, ok = strings.Cut(rest, "/terms/")
		}
	}
	path := strings.Split(rest, "/")
	if !ok || len(path) < 2 || len(path) > 3 || slices.Contains(path, "") {
		return "", 0
	}
	switch {
	case len(path) == 3:
		return path[2], 3
	case path[0] == "Core":
		return path[1], 2
	}
	return strings.ToLower(path[0]) + "_" + path[1], 2
}

// MayBeTerm reports whether a text is worth a look by term3.
func MayBeTerm(s string) bool {
	return len(s) > 5 && (s[:5] == "spdx:" || strings.HasPrefix(s, ContextBase))
}

// shortClass is a class by the name that SPDX's context has for it.
func shortClass(class string) string {
	if MayBeTerm(class) {
		if name, parts := Term(class); parts == 2 {
			return name
		}
	}
	return class
}

// shorten writes terms below n by their names and unwraps @set, and returns n if there are none. Leaves stay those of n.
func (s *shaper) shorten(n *tree.Node) *tree.Node {
	var short *tree.Node // of an object that is written anew
	switch n.Kind {
	case strictjson.Object:
		if len(n.Members) == 1 && n.Members[0].Name == "@set" {
			s.changed = true
			return s.shorten(n.Members[0].Value)
		}
		for i, m := range n.Members {
			name, value := shortClass(m.Name), s.shorten(m.Value)
			if value.Kind == strictjson.String && MayBeTerm(value.Text) {
				if word, parts := Term(value.Text); parts == 3 || parts == 2 && (name == "type" || name == "@type") {
					s.changed, value.Text = true, word
				}
			}
			if short == nil && (name != m.Name || value != m.Value) {
				short = &tree.Node{Kind: n.Kind, Start: n.Start, Members: slices.Clone(n.Members[:i])}
			}
			if short != nil {
				s.changed = true
				short.Set(name, value)
			}
		}
	case strictjson.Array:
		for i, v := range n.Items {
			value := s.shorten(v)
			if short == nil && value != v {
				short = &tree.Node{Kind: n.Kind, Start: n.Start, Items: slices.Clone(n.Items[:i])}
			}
			switch {
			case short == nil:
			case v.Kind == strictjson.Object && value.Kind == strictjson.Array: // a set in a set is one set
				short.Items = append(short.Items, value.Items...)
			default:
				short.Items = append(short.Items, value)
			}
		}
	}
	if short != nil {
		return short
	}
	return n
}
