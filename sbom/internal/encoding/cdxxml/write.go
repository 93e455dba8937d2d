package cdxxml

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/schema/xsd"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Write writes the XML form of a document in its JSON form, indented by two blanks.
//
// It marks in root what it kept, which nobody may have done before.
func Write(root *tree.Node, version string, s schema.Both) ([]byte, []tree.Unwritten) {
	w := &writer{changed: map[*tree.Node]string{}}
	return w.document(root, version, s), w.losses
}

func (w *writer) document(root *tree.Node, version string, s schema.Both) []byte {
	w.out = make([]byte, 0, 2*int(root.End-root.Start)+256)
	space := "http://cyclonedx.org/schema/bom/" + version
	w.out = append(w.out, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	decl := s.XML.Element(space, "bom")
	for _, name := range []string{"$schema", "bomFormat", "specVersion"} { // said by the namespace
		if v := root.Get(name); v != nil {
			v.Kept = true
		}
	}
	w.element(decl, root, s.JSON.View(), "", ` xmlns="`+space+`"`)
	w.lost(root)
	return w.out
}

type writer struct {
	out     []byte
	depth   int
	changed map[*tree.Node]string
	path    jsonpointer.Path
	losses  []tree.Unwritten
	pieces  []piece               // of the elements around, outermost first
	names   []string              // of the pieces that are written now
	places  map[*tree.Node][2]int // nil if nobody asks for them
}

// lost lists what was not written.
func (w *writer) lost(v *tree.Node) {
	if how := w.change(v); how != "" {
		w.losses = append(w.losses, tree.Unwritten{Pointer: w.path.String(), Value: v, Changed: how})
	}
	for _, m := range v.Members {
		w.path.Push(m.Name)
		w.lostPart(m.Value)
		w.path.Pop()
	}
	for i, item := range v.Items {
		w.path.PushIndex(i)
		w.lostPart(item)
		w.path.Pop()
	}
}

func (w *writer) change(v *tree.Node) string {
	if len(w.changed) == 0 {
		return ""
	}
	return w.changed[v]
}

func (w *writer) lostPart(v *tree.Node) {
	if v.Kept {
		w.lost(v)
	} else {
		w.losses = append(w.losses, tree.Unwritten{Pointer: w.path.String(), Value: v})
	}
}

func (w *writer) indent() {
	const blanks = "                                                                "
	w.out = append(w.out, '\n')
	n := 2 * w.depth
	for ; n > len(blanks); n -= len(blanks) {
		w.out = append(w.out, blanks...)
	}
	w.out = append(w.out, blanks[:n]...)
}

func (w *writer) attr(name, value string) {
	w.out = append(w.out, ' ')
	w.out = append(w.out, name...)
	w.out = append(w.out, `="`...)
	w.out = xmltree.AppendAttr(w.out, value)
	w.out = append(w.out, '"')
}

func isScalar(v *tree.Node) bool {
	return v.Kind == strictjson.String || v.Kind == strictjson.Number && !v.IsNull()
}

// element writes v as an element. The text and attributes that a caller has already are given, as is its name if the
// declaration has another.
func (w *writer) element(decl xsd.Decl, v *tree.Node, view jsonschema.View, name, declarations string) {
	v.Kept = true
	if name == "" {
		name = decl.Name()
	}
	if w.depth > 0 {
		w.indent()
	}
	start := len(w.out)
	if w.places != nil {
		defer func() { w.places[v] = [2]int{start, len(w.out)} }()
	}
	w.out = append(w.out, '<')
	w.out = append(w.out, name...)
	w.out = append(w.out, declarations...)
	text, hasText := "", false
	if v.Kind == strictjson.Object {
		for _, a := range decl.Attributes() {
			if m := memberFor(v, a, attributeName(a)); m != nil && isScalar(m) && !m.Kept {
				m.Kept = true
				w.attr(a, m.Text)
			}
		}
		if decl.Text() {
			for _, t := range textNames {
				if m := v.Get(t); m != nil && isScalar(m) && !m.Kept {
					m.Kept = true
					text, hasText = m.Text, true
					break
				}
			}
			if !hasText {
				w.changed[v] = "without a text it has an empty one in the XML form"
			}
		}
	} else if isScalar(v) {
		if !decl.Text() && !decl.Mixed() && slices.Contains(decl.Attributes(), "ref") {
			w.attr("ref", v.Text)
		} else {
			text, hasText = v.Text, true
		}
	}
	w.out = append(w.out, '>')
	if hasText {
		if written := decl.Normalise(text); written != text {
			w.changed[v] = normalised(text, written)
		}
		w.out = xmltree.AppendText(w.out, text)
		w.end(name)
		return
	}
	before := len(w.out)
	w.depth++
	switch v.Kind {
	case strictjson.Object:
		w.members(decl, v, view)
	case strictjson.Array:
		items, base := view.Items(), len(w.pieces)
		for _, item := range v.Items {
			if p := w.item(decl.Children(), item, items); p.what != nothing {
				w.pieces = append(w.pieces, p)
			}
		}
		w.write(decl, base)
	}
	w.depth--
	if len(w.out) == before {
		w.out = append(w.out[:before-1], "/>"...)
		return
	}
	w.indent()
	w.end(name)
}

// normalised says what becomes of the white space of a text.
func normalised(text, written string) string {
	what := "line breaks are blanks"
	switch tabs := strings.Contains(text, "\t"); {
	case len(written) != len(text):
		what = "white space is single blanks between words"
	case tabs && strings.ContainsAny(text, "\r\n"):
		what = "tabs and line breaks are blanks"
	case tabs:
		what = "tabs are blanks"
	}
	return what + " in the XML form"
}

func (w *writer) end(name string) {
	w.out = append(w.out, "</"...)
	w.out = append(w.out, name...)
	w.out = append(w.out, '>')
}

// memberFor returns the member with a name, or with another one if there is none and that is not empty.
func memberFor(v *tree.Node, name, other string) *tree.Node {
	m := v.Get(name)
	if m == nil && other != "" {
		m = v.Get(other)
	}
	return m
}

// A piece is an element that is going to be written.
type piece struct {
	what  what
	child *xsd.Child
	value *tree.Node      // what becomes the element
	view  jsonschema.View // of the value
	in    *tree.Node      // the object or the array that it is a member or an element of, where that counts
	list  *tree.Node      // the array that it is an element of, which is marked with it
}

// The ways to write a piece.
type what uint8

const (
	nothing     what = iota
	plain            // the element is the value
	listOfOne        // the same, and the value was no list
	wrapped          // the element is the member that value is, of the object in
	flowing          // of a data flow, whose attribute stands beside it
	attribution      // who asserts
)

func (w *writer) piece(p *piece) {
	if p.list != nil {
		p.list.Kept = true
	}
	switch p.what {
	case listOfOne:
		w.changed[p.value] = "it is a list of one in the XML form"
		w.element(p.child.Decl, p.value, p.view, "", "")
	case wrapped:
		p.in.Kept = true
		inner, view := p.value, p.view
		if p.child.Text() {
			inner = wrapText(p.in, p.value)
		} else {
			view = view.Property(p.child.Name())
		}
		w.element(p.child.Decl, inner, view, "", "")
		if w.places != nil {
			w.places[p.in] = w.places[inner]
		}
	case flowing:
		o := tree.ObjectAt(p.value.Span())
		o.Set("content", p.value)
		if flow := p.in.Get("flow"); flow != nil && isScalar(flow) {
			o.Set("flow", flow)
		}
		w.element(p.child.Decl, o, p.view, "", "")
	case attribution:
		w.asserter(p.child.Decl, p.value, p.view)
	default:
		w.element(p.child.Decl, p.value, p.view, "", "")
	}
}

// write writes the pieces from base on in order, but for those that may not stand together: these stay unused.
func (w *writer) write(decl xsd.Decl, base int) {
	ps := w.fit(decl, w.pieces[base:len(w.pieces):len(w.pieces)])
	for i := range ps {
		w.piece(&ps[i])
	}
	w.pieces = w.pieces[:base]
}

// fit leaves out pieces that may not stand together, or moves one of them.
func (w *writer) fit(decl xsd.Decl, ps []piece) []piece {
	names := w.names[:0]
	for i := range ps {
		names = append(names, ps[i].child.Name())
	}
	w.names = names
	for tries := 0; ; tries++ {
		bad := decl.Misfit(names)
		if bad < 0 {
			return ps
		}
		if from, to := move(decl, names); from >= 0 {
			p := ps[from]
			return slices.Insert(slices.Delete(ps, from, from+1), to, p)
		}
		if tries == 1000 { // nothing that anybody meant
			return ps[:bad]
		}
		names = slices.Delete(names, bad, bad+1)
		ps = slices.Delete(ps, bad, bad+1)
	}
}

// move finds an element that only stands in the wrong place, as one name can be in several of the forms to choose from:
// where it is and where it belongs, or -1.
func move(decl xsd.Decl, names []string) (from, to int) {
	const most = 12 // of few that belong together
	for from := range names {
		for to := range names {
			if len(names) > most {
				return -1, -1
			}
			moved := slices.Clone(names)
			moved = slices.Insert(slices.Delete(moved, from, from+1), to, names[from])
			if from != to && decl.Misfit(moved) < 0 {
				return from, to
			}
		}
	}
	return -1, -1
}

func (w *writer) members(decl xsd.Decl, v *tree.Node, view jsonschema.View) {
	base := len(w.pieces)
	kids := decl.Children()
	for i := range kids {
		child := &kids[i]
		m := memberFor(v, child.Name(), elementName(child.Name()))
		if m == nil || m.Kept || m.IsNull() {
			continue
		}
		p := view.Property(nameOf(v, m))
		switch {
		case child.Name() == "classification" && decl.Name() == "dataflow" && m.Kind == strictjson.String:
			w.pieces = append(w.pieces, piece{what: flowing, child: child, value: m, in: v})
		case child.Name() == "asserter":
			w.pieces = append(w.pieces, piece{what: attribution, child: child, value: m, view: p})
		case m.Kind == strictjson.Array && (child.Repeats && !isList(child.Decl, p.Items()) || isOne(child.Decl)):
			for _, item := range m.Items {
				if one := w.item(kids[i:i+1], item, p.Items()); one.what != nothing {
					one.list = m
					w.pieces = append(w.pieces, one)
				}
			}
		case m.Kind == strictjson.Object && child.Repeats && p.Array():
			w.pieces = append(w.pieces, piece{what: listOfOne, child: child, value: m, view: p})
		default:
			w.pieces = append(w.pieces, piece{what: plain, child: child, value: m, view: p})
		}
	}
	w.write(decl, base)
}

func nameOf(v, m *tree.Node) string {
	for _, member := range v.Members {
		if member.Value == m {
			return member.Name
		}
	}
	return ""
}

// item makes an element of an array the element that it is, or that its members say it is.
func (w *writer) item(kids []xsd.Child, item *tree.Node, items jsonschema.View) piece {
	if item.Kind == strictjson.Object {
		for i := range kids {
			c := &kids[i]
			m := item.Get(c.Name())
			if m == nil || !items.Property(c.Name()).Known() || !wraps(c.Name(), c.Decl, items) {
				continue
			}
			if c.Text() && !fits(c.Decl, item, m) {
				continue
			}
			return piece{what: wrapped, child: c, value: m, view: items, in: item}
		}
	}
	if len(kids) == 0 || item.IsNull() {
		return piece{}
	}
	return piece{what: plain, child: &kids[roomiest(kids, item)], value: item, view: items}
}

// roomiest returns the element that has a place for most of the members.
func roomiest(kids []xsd.Child, item *tree.Node) int {
	if len(kids) == 1 {
		return 0
	}
	best, most := 0, -1
	for i, c := range kids {
		score := 0
		if isScalar(item) {
			switch attrs := c.Attributes(); {
			case c.Text() && len(attrs) == 0:
				score = 2
			case slices.Contains(attrs, "ref"):
				score = 1
			}
		}
		for _, m := range item.Members {
			if has(c.Decl, m.Name) {
				score++
			}
		}
		if score > most {
			best, most = i, score
		}
	}
	return best
}

// fits reports whether the other members of item can be attributes beside the text m.
func fits(decl xsd.Decl, item, m *tree.Node) bool {
	for _, other := range item.Members {
		if other.Value != m && !has(decl, other.Name) {
			return false
		}
	}
	return true
}

// wrapText is the object whose text is the member m of item and whose attributes are its other members.
func wrapText(item, m *tree.Node) *tree.Node {
	m.Kept = true
	o := tree.ObjectAt(item.Span())
	o.Set("content", tree.TextLike(m.Text, m))
	for _, other := range item.Members {
		if other.Value != m {
			o.Members = append(o.Members, other)
		}
	}
	return o
}

func has(decl xsd.Decl, member string) bool {
	if member == "flow" && decl.Name() == "dataflow" { // of the classification inside
		return true
	}
	for _, a := range decl.Attributes() {
		if a == member || attributeName(a) == member {
			return true
		}
	}
	for _, c := range decl.Children() {
		if c.Name() == member || elementName(c.Name()) == member {
			return true
		}
	}
	return decl.Text() && slices.Contains(textNames, member)
}

// asserter writes what the JSON form tells apart by its shape.
func (w *writer) asserter(decl xsd.Decl, v *tree.Node, view jsonschema.View) {
	kind := "ref"
	if v.Kind == strictjson.Object {
		kind = "organization"
		if v.Get("phone") != nil || v.Get("email") != nil {
			kind = "individual"
		}
	}
	child, ok := decl.Child(kind)
	if !ok {
		return
	}
	w.indent()
	w.out = append(w.out, "<asserter>"...)
	w.depth++
	w.element(child.Decl, v, view, "", "")
	w.depth--
	w.indent()
	w.end("asserter")
}
