package sbom

import (
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A snippet is a part of a file: SPDX 2.3, clause 9; SPDX 3.0.1, Software, Snippet. CycloneDX has no class of its own for it.
type snippet struct {
	file         text // id
	at           int  // the element of that id, or -1
	bytes, lines [2]text
	from         []*node // leaves that repeat what the others say
	written      bool    // as a snippet
}

// number returns a member that is a number.
func (n *node) number(name string) text {
	if v := n.get(name); v != nil && v.kind == strictjson.Number && v.leaf() {
		return text{v.text, v}
	}
	return text{}
}

func (h *hub) spdx2Snippet(n *node) *element {
	e := &element{id: n.str("SPDXID"), name: n.str("name"), file: true, kind: said("file"), copyright: n.str("copyrightText"),
		comment: n.str("comment"), licenseComment: n.str("licenseComments"), attributions: texts2(n, "attributionTexts")}
	e.spdx2Licenses(n, "licenseInfoInSnippets")
	e.snippet = &snippet{file: n.str("snippetFromFile"), at: -1}
	for _, r := range n.list("ranges") {
		start, end := r.get("startPointer"), r.get("endPointer")
		e.snippet.from = append(e.snippet.from, compactNodes([]*node{start.str("reference").src, end.str("reference").src})...)
		for member, to := range map[string]*[2]text{"offset": &e.snippet.bytes, "lineNumber": &e.snippet.lines} {
			if a, b := start.number(member), end.number(member); a.ok() && b.ok() && !to[0].ok() {
				*to = [2]text{a, b}
			}
		}
	}
	return e
}

func (r *reader3) snippetOf(n *node) *snippet {
	s := &snippet{file: n.str("software_snippetFromFile"), at: -1}
	for member, to := range map[string]*[2]text{"software_byteRange": &s.bytes, "software_lineRange": &s.lines} {
		if x := n.get(member); x.number("beginIntegerRange").ok() && x.number("endIntegerRange").ok() {
			*to = [2]text{x.number("beginIntegerRange"), x.number("endIntegerRange")}
			s.from = append(s.from, compactNodes([]*node{class3(x).src})...)
		}
	}
	return s
}

// findFiles finds the files that snippets are parts of.
func (h *hub) findFiles() {
	for _, e := range h.elements {
		if e.snippet != nil {
			e.snippet.at = h.find(e.snippet.file.s)
		}
	}
}

// writable reports whether a format that has snippets can say where this one is; isFile reports whether it has an element as
// a file.
func (s *snippet) writable(isFile func(int) bool) bool {
	return s != nil && s.at >= 0 && isFile(s.at) && (s.bytes[0].ok() || s.lines[0].ok())
}

// explain says why a snippet is written as a file.
func (s *snippet) explain(reason string) {
	for _, n := range append(s.from, s.file.src, s.bytes[0].src, s.bytes[1].src, s.lines[0].src, s.lines[1].src) {
		n.explainSelf(Dropped, reason)
	}
}

func literal(t text) *node {
	v := newLiteral(t.s)
	v.from = compactNodes([]*node{t.src})
	return v
}

// spdx2Out writes where a snippet is.
func (s *snippet) spdx2Out(n *node, file string) {
	ref := n.set("snippetFromFile", newText(file, append(s.from, s.file.src)...))
	for _, r := range []struct {
		member string
		of     [2]text
	}{{"offset", s.bytes}, {"lineNumber", s.lines}} {
		if !r.of[0].ok() {
			continue
		}
		o := n.add("ranges", newObject())
		for i, name := range []string{"startPointer", "endPointer"} {
			p := o.set(name, newObject())
			p.set("reference", newText(ref.text))
			p.set(r.member, literal(r.of[i]))
		}
	}
}

func (s *snippet) spdx3Out(o *node, file string) {
	o.set("software_snippetFromFile", newText(file, append(s.from, s.file.src)...))
	for _, r := range []struct {
		member string
		of     [2]text
	}{{"software_byteRange", s.bytes}, {"software_lineRange", s.lines}} {
		if r.of[0].ok() {
			x := o.set(r.member, newObject())
			x.set("type", newText("PositiveIntegerRange"))
			x.set("beginIntegerRange", literal(r.of[0]))
			x.set("endIntegerRange", literal(r.of[1]))
		}
	}
}

const (
	propertyBytes = "lading:spdx:snippetByteRange"
	propertyLines = "lading:spdx:snippetLineRange"
	propertyFile  = "lading:spdx:snippetFromFile"
)

// cycloneDXOut writes where a snippet is as properties, as SPDX 2's tag-value form has it: "310:420".
func (s *snippet) cycloneDXOut(o *node) {
	put := func(name, value string, from ...*node) {
		x := o.add("properties", newObject())
		x.set("name", newText(name))
		x.set("value", newText(value, from...))
	}
	put(propertyFile, s.file.s, append(s.from, s.file.src)...)
	for i, of := range [][2]text{s.bytes, s.lines} {
		if of[0].ok() {
			put([]string{propertyBytes, propertyLines}[i], of[0].s+":"+of[1].s, of[0].src, of[1].src)
		}
	}
}

// snippetProperty reads one of these properties back, and reports whether it was one.
func (e *element) snippetProperty(name string, value text) bool {
	a, b, _ := strings.Cut(value.s, ":")
	if name != propertyFile && (name != propertyBytes && name != propertyLines || !isDigits(a) || !isDigits(b)) {
		return false
	}
	if e.snippet == nil {
		e.snippet, e.file = &snippet{at: -1}, true
	}
	switch of := [2]text{{a, value.src}, {b, value.src}}; name {
	case propertyFile:
		e.snippet.file = value
	case propertyBytes:
		e.snippet.bytes = of
	default:
		e.snippet.lines = of
	}
	return true
}

func isDigits(s string) bool {
	return s != "" && len(s) < 19 && strings.Trim(s, "0123456789") == "" && (s[0] != '0' || s == "0")
}
