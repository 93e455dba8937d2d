package xsd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
)

// A Problem is one reason to refuse a document.
type Problem struct {
	Node   xmltree.Node // the element it is about
	Attr   string       // the attribute, or empty
	Offset int
	Advice string // a sentence that says what to do
}

// Validate returns up to most problems, in the order of the text.
func (s *Schema) Validate(d *xmltree.Document, most int) []Problem {
	v := &validator{s: s, d: d, most: most}
	space, local := d.Name(d.Root)
	e := s.elements[name{space, local}]
	if e == nil {
		var names []string
		for n := range s.elements {
			names = append(names, fmt.Sprintf("<%s> in namespace %q", n.local, n.space))
		}
		slices.Sort(names)
		v.add(d.Root, "", fmt.Sprintf("Make the document element %s instead of <%s> in namespace %q.",
			strings.Join(names, " or "), local, space))
		return v.problems
	}
	v.element(e, d.Root)
	slices.SortStableFunc(v.problems, func(a, b Problem) int { return a.Offset - b.Offset })
	if len(v.problems) > most {
		v.problems = v.problems[:most]
	}
	return v.problems
}

type validator struct {
	s        *Schema
	d        *xmltree.Document
	most     int
	problems []Problem
}

func (v *validator) add(n xmltree.Node, attr, advice string) {
	start, _ := v.d.Span(n)
	if attr != "" {
		for _, a := range v.d.Attrs(n) {
			if a.Name == attr {
				start = a.Start
			}
		}
	}
	v.problems = append(v.problems, Problem{n, attr, start, advice})
}

func (v *validator) element(e *element, n xmltree.Node) {
	if len(v.problems) > 10*v.most+100 { // enough to tell
		return
	}
	if e.unique {
		v.bomRefs(n)
	}
	t := e.typ
	if t.any {
		v.lax(n)
		return
	}
	v.attributes(t, n)
	switch {
	case t.simple != nil:
		for c := range v.d.Elements(n) {
			_, local := v.d.Name(c)
			v.add(c, "", fmt.Sprintf("Remove <%s>: <%s> holds text only.", local, e.name.local))
			return
		}
		if text := v.d.Text(n); true {
			if want := t.simple.check(text); want != "" {
				v.add(n, "", fmt.Sprintf("Replace %s in <%s> by %s.", clip(text), e.name.local, want))
			}
		}
	default:
		v.content(e, t, n)
	}
}

// bomRefs checks that the bom-ref attributes inside of n differ.
func (v *validator) bomRefs(n xmltree.Node) {
	seen := map[string]bool{}
	for c := range v.d.All(n) {
		if v.d.Kind(c) != xmltree.Element || c == n {
			continue
		}
		if ref, ok := v.d.Attr(c, "bom-ref"); ok {
			if seen[ref] {
				v.add(c, "bom-ref", fmt.Sprintf("Give this element another bom-ref: %s is taken by an earlier one.", clip(ref)))
			}
			seen[ref] = true
		}
	}
}

func (v *validator) attributes(t *typ, n xmltree.Node) {
	_, local := v.d.Name(n)
	attrs := v.d.Attrs(n)
	for _, a := range attrs {
		switch {
		case a.Space == xmltree.NamespaceXMLNS:
		case a.Space == xsi && (a.Name == "schemaLocation" || a.Name == "noNamespaceSchemaLocation"):
		case a.Space == xsi:
			v.add(n, a.Name, fmt.Sprintf("Remove the attribute xsi:%s: the schema gives each element its type.", a.Name))
		case a.Space == "" && t.attrs[a.Name] != nil:
			if want := t.attrs[a.Name].typ.check(a.Value); want != "" {
				v.add(n, a.Name, fmt.Sprintf("Replace %s in the attribute %q by %s.", clip(a.Value), a.Name, want))
			}
		case !t.anyAttr || t.other && (a.Space == "" || a.Space == t.target):
			v.add(n, a.Name, fmt.Sprintf("Remove the attribute %q, which <%s> does not have.", a.Name, local))
		case a.Space == "":
			for _, known := range t.order {
				if strings.EqualFold(known, a.Name) {
					v.add(n, a.Name, fmt.Sprintf("Write the attribute name as %q: names differ by case.", known))
				}
			}
		}
	}
	for _, id := range t.order {
		if t.attrs[id].required {
			if _, ok := v.d.Attr(n, id); !ok {
				v.add(n, "", fmt.Sprintf("Add the attribute %q, which <%s> must have.", id, local))
			}
		}
	}
}

// content checks the elements directly inside of n against the model of its type, and then each of them.
func (v *validator) content(e *element, t *typ, n xmltree.Node) {
	var kids []xmltree.Node
	for c := range v.d.Children(n) {
		switch v.d.Kind(c) {
		case xmltree.Element:
			kids = append(kids, c)
		case xmltree.Text, xmltree.CDATA:
			if text := v.d.Text(c); !t.mixed && strings.Trim(text, " \t\r\n") != "" {
				v.add(c, "", fmt.Sprintf("Remove the text %s: <%s> holds elements only.", clip(strings.TrimSpace(text)), e.name.local))
			}
		}
	}
	m := matcher{kids: make([]name, len(kids))}
	for i, c := range kids {
		m.kids[i].space, m.kids[i].local = v.d.Name(c)
	}
	end := 0
	ok := true
	if t.content != nil {
		end, ok = m.particle(t.content, 0)
	}
	if !ok || end < len(kids) {
		m.trace = true
		if t.content != nil {
			m.particle(t.content, 0)
		}
		v.misplaced(e, t, n, kids, &m)
	}
	for _, c := range kids {
		space, local := v.d.Name(c)
		if decl := t.decls[name{space, local}]; decl != nil {
			v.element(decl, c)
		} else {
			v.lax(c)
		}
	}
}

// misplaced says what stands at the place that the content model gets stuck.
func (v *validator) misplaced(e *element, t *typ, n xmltree.Node, kids []xmltree.Node, m *matcher) {
	var wanted []string
	for _, id := range m.expected {
		if q := "<" + id.local + ">"; !slices.Contains(wanted, q) {
			wanted = append(wanted, q)
		}
	}
	if more := len(wanted) - 12; more > 0 {
		wanted = append(wanted[:12], strconv.Itoa(more)+" others")
	}
	choices := strings.Join(wanted, ", ")
	if m.farthest >= len(m.kids) {
		v.add(n, "", fmt.Sprintf("Add %s, which <%s> must have.", choices, e.name.local))
		return
	}
	c := kids[m.farthest]
	space, local := v.d.Name(c)
	switch decl := t.decls[name{space, local}]; {
	case space != t.target && t.target != "":
		v.add(c, "", fmt.Sprintf("Remove <%s>, which is in namespace %q: it may not stand at this place of <%s>.",
			local, space, e.name.local))
	case decl == nil:
		advice := fmt.Sprintf("Remove <%s>, which <%s> does not have", local, e.name.local)
		for id := range t.decls {
			if strings.EqualFold(id.local, local) {
				advice += fmt.Sprintf(", or write <%s>", id.local)
			}
		}
		v.add(c, "", advice+".")
	case choices == "":
		v.add(c, "", fmt.Sprintf("Remove <%s> or move it: it may not stand at this place of <%s>.", local, e.name.local))
	default:
		v.add(c, "", fmt.Sprintf("Remove <%s> or move it: at this place <%s> has %s.", local, e.name.local, choices))
	}
}

// lax checks what the schema knows inside of an element that it does not know.
func (v *validator) lax(n xmltree.Node) {
	space, local := v.d.Name(n)
	if e := v.s.elements[name{space, local}]; e != nil {
		v.element(e, n)
		return
	}
	for c := range v.d.Elements(n) {
		v.lax(c)
	}
}

// A matcher walks a content model along the elements. The rules of XML Schema make each step unambiguous, so it takes
// the first that fits.
type matcher struct {
	kids   []name   // the elements,
	locals []string // or their local names
	target string   // and the namespace of all of these

	trace    bool // note where it gets stuck
	farthest int
	expected []name
}

// kid returns an element, and whether there is one.
func (m *matcher) kid(i int) (name, bool) {
	switch {
	case i < len(m.kids):
		return m.kids[i], true
	case i < len(m.locals):
		return name{m.target, m.locals[i]}, true
	}
	return name{}, false
}

func (m *matcher) stuck(i int, want name) {
	if !m.trace || i < m.farthest {
		return
	}
	if i > m.farthest {
		m.farthest, m.expected = i, nil
	}
	m.expected = append(m.expected, want)
}

func (m *matcher) particle(p *particle, i int) (int, bool) {
	for count := 0; count < p.max; count++ {
		j, ok := m.once(p, i)
		if !ok {
			return i, count >= p.min
		}
		if j == i { // it can be nothing, as often as it likes
			return i, true
		}
		i = j
	}
	if i > m.farthest && m.trace {
		m.farthest, m.expected = i, nil
	}
	return i, true
}

func (m *matcher) once(p *particle, i int) (int, bool) {
	switch p.kind {
	case sequence:
		for _, k := range p.kids {
			var ok bool
			if i, ok = m.particle(k, i); !ok {
				return i, false
			}
		}
		return i, true
	case choice:
		nothing := len(p.kids) == 0
		for _, k := range p.kids {
			j, ok := m.particle(k, i)
			if ok && j > i {
				return j, true
			}
			nothing = nothing || ok
		}
		return i, nothing
	case single:
		if kid, ok := m.kid(i); ok && kid == p.name {
			return i + 1, true
		}
		m.stuck(i, p.name)
	case wildcard:
		if kid, ok := m.kid(i); ok && (!p.foreign || kid.space != p.target && kid.space != "") {
			return i + 1, true
		}
	}
	return i, false
}

func clip(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return strconv.Quote(s)
}
