package sbom

import (
	"strings"

	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A snippet is a part of a file: SPDX 2.3, clause 9; SPDX 3.0.1, Software, Snippet. CycloneDX has no class of its own for it.
type snippet struct {
	file         tree.Text // id
	at           int       // the element of that id, or -1
	bytes, lines [2]tree.Text
	from         []*tree.Node // leaves that repeat what the others say
	written      bool         // as a snippet
}

func (h *hub) spdx2Snippet(n *tree.Node) *element {
	e := &element{id: n.Str("SPDXID"), name: n.Str("name"), file: true, kind: tree.Constant("file"), copyright: n.Str("copyrightText"),
		comment: n.Str("comment"), licenseComment: n.Str("licenseComments"), attributions: tree.Texts(n, "attributionTexts")}
	e.spdx2Licenses(n, "licenseInfoInSnippets")
	e.snippet = &snippet{file: n.Str("snippetFromFile"), at: -1}
	for _, r := range n.List("ranges") {
		start, end := r.Get("startPointer"), r.Get("endPointer")
		for _, ref := range []tree.Text{start.Str("reference"), end.Str("reference")} {
			if ref.S == e.snippet.file.S {
				e.snippet.from = append(e.snippet.from, tree.Compact([]*tree.Node{ref.From})...)
			} else {
				ref.From.ExplainSelf(tree.Dropped, "the other format says of which file a part is once, and here it is another one")
			}
		}
		for member, to := range map[string]*[2]tree.Text{"offset": &e.snippet.bytes, "lineNumber": &e.snippet.lines} {
			if a, b := start.Number(member), end.Number(member); a.OK() && b.OK() && !to[0].OK() {
				*to = [2]tree.Text{a, b}
			}
		}
	}
	return e
}

func (r *reader3) snippetOf(n *tree.Node) *snippet {
	s := &snippet{file: n.Str("software_snippetFromFile"), at: -1}
	for member, to := range map[string]*[2]tree.Text{"software_byteRange": &s.bytes, "software_lineRange": &s.lines} {
		if x := n.Get(member); x.Number("beginIntegerRange").OK() && x.Number("endIntegerRange").OK() {
			*to = [2]tree.Text{x.Number("beginIntegerRange"), x.Number("endIntegerRange")}
			s.from = append(s.from, tree.Compact([]*tree.Node{class3(x).From})...)
		}
	}
	return s
}

// findFiles finds the files that snippets are parts of.
func (h *hub) findFiles() {
	for _, e := range h.elements {
		if e.snippet != nil {
			e.snippet.at = h.find(e.snippet.file.S)
		}
	}
}

// writable reports whether a format that has snippets can say where this one is; isFile reports whether it has an element as
// a file.
func (s *snippet) writable(isFile func(int) bool) bool {
	return s != nil && s.at >= 0 && isFile(s.at) && (s.bytes[0].OK() || s.lines[0].OK())
}

// explain says why a snippet is written as a file.
func (s *snippet) explain(reason string) {
	for _, n := range append(s.from, s.file.From, s.bytes[0].From, s.bytes[1].From, s.lines[0].From, s.lines[1].From) {
		n.ExplainSelf(tree.Dropped, reason)
	}
}

// spdx2Out writes where a snippet is.
func (s *snippet) spdx2Out(n *tree.Node, file string) {
	ref := n.Set("snippetFromFile", tree.NewText(file, append(s.from, s.file.From)...))
	for _, r := range []struct {
		member string
		of     [2]tree.Text
	}{{"offset", s.bytes}, {"lineNumber", s.lines}} {
		if !r.of[0].OK() {
			continue
		}
		o := n.Add("ranges", tree.NewObject())
		for i, name := range []string{"startPointer", "endPointer"} {
			p := o.Set(name, tree.NewObject())
			p.Set("reference", tree.NewText(ref.Text))
			p.Set(r.member, tree.LiteralOf(r.of[i]))
		}
	}
}

func (s *snippet) spdx3Out(o *tree.Node, file string) {
	o.Set("software_snippetFromFile", tree.NewText(file, append(s.from, s.file.From)...))
	for _, r := range []struct {
		member string
		of     [2]tree.Text
	}{{"software_byteRange", s.bytes}, {"software_lineRange", s.lines}} {
		if r.of[0].OK() {
			x := o.Set(r.member, tree.NewObject())
			x.Set("type", tree.NewText("PositiveIntegerRange"))
			x.Set("beginIntegerRange", tree.LiteralOf(r.of[0]))
			x.Set("endIntegerRange", tree.LiteralOf(r.of[1]))
		}
	}
}

const (
	propertyBytes = "lading:spdx:snippetByteRange"
	propertyLines = "lading:spdx:snippetLineRange"
	propertyFile  = "lading:spdx:snippetFromFile"
)

// cycloneDXOut writes where a snippet is as properties, as SPDX 2's tag-value form has it: "310:420".
func (s *snippet) cycloneDXOut(o *tree.Node) {
	put := func(name, value string, from ...*tree.Node) {
		x := o.Add("properties", tree.NewObject())
		x.Set("name", tree.NewText(name))
		x.Set("value", tree.NewText(value, from...))
	}
	put(propertyFile, s.file.S, append(s.from, s.file.From)...)
	for i, of := range [][2]tree.Text{s.bytes, s.lines} {
		if of[0].OK() {
			put([]string{propertyBytes, propertyLines}[i], of[0].S+":"+of[1].S, of[0].From, of[1].From)
		}
	}
}

// snippetProperty reads one of these properties back, and reports whether it was one.
func (e *element) snippetProperty(name string, value tree.Text) bool {
	a, b, _ := strings.Cut(value.S, ":")
	if name != propertyFile && (name != propertyBytes && name != propertyLines || !isDigits(a) || !isDigits(b)) {
		return false
	}
	if e.snippet == nil {
		e.snippet, e.file = &snippet{at: -1}, true
	}
	switch of := [2]tree.Text{{S: a, From: value.From}, {S: b, From: value.From}}; name {
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
