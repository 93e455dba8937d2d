package sbom

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// JSON-LD lets a document write a class, a property or a word of a list by its IRI, in place of the name that SPDX's context
// has for it, and wrap values in @set. The specification's schema refuses that; whoever reads the document as JSON-LD sees the
// same graph.

// term3 returns the name that SPDX's context has for an IRI of a class, a property or, of three parts, a word of a list.
func term3(iri string) (name string, parts int) {
	rest, ok := strings.CutPrefix(iri, "spdx:")
	if !ok {
		if rest, ok = strings.CutPrefix(iri, spdx3Context); ok {
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

// mayBeTerm3 reports whether a text is worth a look by term3.
func mayBeTerm3(s string) bool {
	return len(s) > 5 && (s[:5] == "spdx:" || strings.HasPrefix(s, spdx3Context))
}

// shortClass3 is a class by the name that SPDX's context has for it.
func shortClass3(class string) string {
	if mayBeTerm3(class) {
		if name, parts := term3(class); parts == 2 {
			return name
		}
	}
	return class
}

// shorten writes terms below n by their names and unwraps @set, and returns n if there are none. Leaves stay those of n.
func (s *shaper) shorten(n *node) *node {
	var short *node // of an object that is written anew
	switch n.kind {
	case strictjson.Object:
		if len(n.members) == 1 && n.members[0].name == "@set" {
			s.changed = true
			return s.shorten(n.members[0].value)
		}
		for i, m := range n.members {
			name, value := shortClass3(m.name), s.shorten(m.value)
			if value.kind == strictjson.String && mayBeTerm3(value.text) {
				if word, parts := term3(value.text); parts == 3 || parts == 2 && (name == "type" || name == "@type") {
					s.changed, value.text = true, word
				}
			}
			if short == nil && (name != m.name || value != m.value) {
				short = &node{kind: n.kind, start: n.start, members: slices.Clone(n.members[:i])}
			}
			if short != nil {
				s.changed = true
				short.set(name, value)
			}
		}
	case strictjson.Array:
		for i, v := range n.items {
			value := s.shorten(v)
			if short == nil && value != v {
				short = &node{kind: n.kind, start: n.start, items: slices.Clone(n.items[:i])}
			}
			switch {
			case short == nil:
			case v.kind == strictjson.Object && value.kind == strictjson.Array: // a set in a set is one set
				short.items = append(short.items, value.items...)
			default:
				short.items = append(short.items, value)
			}
		}
	}
	if short != nil {
		return short
	}
	return n
}
