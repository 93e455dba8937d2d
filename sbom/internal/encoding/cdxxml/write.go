package cdxxml

import (
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/schema/xsd"
	"github.com/ladingdev/lading/sbom/internal/transcode"
)

// A Lost is a part of a JSON document that the XML form has no place for.
type Lost struct {
	Pointer string // RFC 6901
	Value   *transcode.Value
	Changed string // it is there and not as it was: how
}

// Write writes the XML form of a document in its JSON form, indented by two blanks.
//
// It marks in root what it used, which nobody may have done before.
func Write(root *transcode.Value, version string, s schema.Both) ([]byte, []Lost) {
	w := &writer{changed: map[*transcode.Value]string{}}
	return w.write(root, version, s), w.losses
}

// WritePlaces is [Write], and tells for each value that became an element where that begins and ends.
func WritePlaces(root *transcode.Value, version string, s schema.Both) ([]byte, []Lost, map[*transcode.Value][2]int) {
	w := &writer{changed: map[*transcode.Value]string{}, places: map[*transcode.Value][2]int{}}
	return w.write(root, version, s), w.losses, w.places
}

func (w *writer) write(root *transcode.Value, version string, s schema.Both) []byte {
	w.out = make([]byte, 0, 2*(root.End-root.Start)+256)
	space := "http://cyclonedx.org/schema/bom/" + version
	w.out = append(w.out, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	decl := s.XML.Element(space, "bom")
	for _, name := range []string{"$schema", "bomFormat", "specVersion"} { // said by the namespace
		if v := root.Get(name); v != nil {
			v.Used = true
		}
	}
	w.element(decl, root, s.JSON.View(), "", ` xmlns="`+space+`"`)
	w.lost(root)
	return w.out
}

type writer struct {
	out     []byte
	depth   int
	changed map[*transcode.Value]string
	path    jsonpointer.Path
	losses  []Lost
	places  map[*transcode.Value][2]int // nil if nobody asks for them
}

// lost lists what was not written.
func (w *writer) lost(v *transcode.Value) {
	if how := w.changed[v]; how != "" {
		w.losses = append(w.losses, Lost{w.path.String(), v, how})
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

func (w *writer) lostPart(v *transcode.Value) {
	if v.Used {
		w.lost(v)
	} else {
		w.losses = append(w.losses, Lost{w.path.String(), v, ""})
	}
}

func (w *writer) indent() {
	w.out = append(w.out, '\n')
	for range w.depth {
		w.out = append(w.out, "  "...)
	}
}

func (w *writer) attr(name, value string) {
	w.out = append(w.out, ' ')
	w.out = append(w.out, name...)
	w.out = append(w.out, `="`...)
	w.out = xmltree.AppendAttr(w.out, value)
	w.out = append(w.out, '"')
}

func isScalar(v *transcode.Value) bool {
	return v.Kind == strictjson.String || v.Kind == strictjson.Number && !v.IsNull()
}

// element writes v as an element. The text and attributes that a caller has already are given, as is its name if the
// declaration has another.
func (w *writer) element(decl xsd.Decl, v *transcode.Value, view jsonschema.View, name, declarations string) {
	v.Used = true
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
			if m := memberFor(v, a, attributeNames[a]); m != nil && isScalar(m) && !m.Used {
				m.Used = true
				w.attr(a, m.Text)
			}
		}
		if decl.Text() {
			for _, t := range textNames {
				if m := v.Get(t); m != nil && isScalar(m) && !m.Used {
					m.Used = true
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
		if decl.Normalise(text) != text {
			w.changed[v] = "line breaks are blanks in the XML form"
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
		items := view.Items()
		var ps []piece
		for _, item := range v.Items {
			if p := w.item(decl.Children(), item, items); p.write != nil {
				ps = append(ps, p)
			}
		}
		w.pieces(decl, ps)
	}
	w.depth--
	if len(w.out) == before {
		w.out = append(w.out[:before-1], "/>"...)
		return
	}
	w.indent()
	w.end(name)
}

func (w *writer) end(name string) {
	w.out = append(w.out, "</"...)
	w.out = append(w.out, name...)
	w.out = append(w.out, '>')
}

// memberFor returns the member with the first of the names that there is.
func memberFor(v *transcode.Value, names ...string) *transcode.Value {
	for _, n := range names {
		if m := v.Get(n); n != "" && m != nil {
			return m
		}
	}
	return nil
}

// A piece is an element that is going to be written.
type piece struct {
	name  string
	write func()
}

// pieces writes elements in order, but for those that may not stand together: these stay unused.
func (w *writer) pieces(decl xsd.Decl, ps []piece) {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.name
	}
	for tries := 0; ; tries++ {
		bad := decl.Misfit(names)
		if bad < 0 {
			break
		}
		if from, to := move(decl, names); from >= 0 {
			p := ps[from]
			ps = slices.Insert(slices.Delete(ps, from, from+1), to, p)
			break
		}
		if tries == 1000 { // nothing that anybody meant
			ps = ps[:bad]
			break
		}
		names = slices.Delete(names, bad, bad+1)
		ps = slices.Delete(ps, bad, bad+1)
	}
	for _, p := range ps {
		p.write()
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

func (w *writer) members(decl xsd.Decl, v *transcode.Value, view jsonschema.View) {
	var ps []piece
	for _, child := range decl.Children() {
		m := v.Get(child.Name())
		if m == nil {
			m = memberFor(v, elementNames[child.Name()]...)
		}
		if m == nil || m.Used || m.IsNull() {
			continue
		}
		p := view.Property(nameOf(v, m))
		switch {
		case child.Name() == "classification" && decl.Name() == "dataflow" && m.Kind == strictjson.String:
			ps = append(ps, piece{child.Name(), func() {
				o := transcode.NewObject(m.Start, m.End)
				o.Set("content", m)
				if flow := v.Get("flow"); flow != nil && isScalar(flow) {
					o.Set("flow", flow)
				}
				w.element(child.Decl, o, view, "", "")
			}})
		case child.Name() == "asserter":
			ps = append(ps, piece{child.Name(), func() { w.asserter(child.Decl, m, p) }})
		case m.Kind == strictjson.Array && (child.Repeats && !isList(child.Decl, p.Items()) || isOne(child.Decl)):
			for _, item := range m.Items {
				one := w.item([]xsd.Child{child}, item, p.Items())
				if one.write == nil {
					continue
				}
				ps = append(ps, piece{one.name, func() {
					m.Used = true
					one.write()
				}})
			}
		default:
			ps = append(ps, piece{child.Name(), func() {
				if m.Kind == strictjson.Object && child.Repeats && p.Array() {
					w.changed[m] = "it is a list of one in the XML form"
				}
				w.element(child.Decl, m, p, "", "")
			}})
		}
	}
	w.pieces(decl, ps)
}

func nameOf(v, m *transcode.Value) string {
	for _, member := range v.Members {
		if member.Value == m {
			return member.Name
		}
	}
	return ""
}

// item makes an element of an array the element that it is, or that its members say it is.
func (w *writer) item(kids []xsd.Child, item *transcode.Value, items jsonschema.View) piece {
	if item.Kind == strictjson.Object {
		for _, c := range kids {
			m := item.Get(c.Name())
			if m == nil || !items.Property(c.Name()).Known() || !wraps(c.Name(), c.Decl, items) {
				continue
			}
			if c.Text() && !fits(c.Decl, item, m) {
				continue
			}
			return piece{c.Name(), func() {
				item.Used = true
				inner := m
				if c.Text() {
					inner = wrapText(w, item, m)
					w.element(c.Decl, inner, items, "", "")
				} else {
					w.element(c.Decl, m, items.Property(c.Name()), "", "")
				}
				if w.places != nil {
					w.places[item] = w.places[inner]
				}
			}}
		}
	}
	// Otherwise the element that has a place for most of the members.
	best, most := -1, -1
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
	if best < 0 || item.IsNull() {
		return piece{}
	}
	return piece{kids[best].Name(), func() { w.element(kids[best].Decl, item, items, "", "") }}
}

// fits reports whether the other members of item can be attributes beside the text m.
func fits(decl xsd.Decl, item, m *transcode.Value) bool {
	for _, other := range item.Members {
		if other.Value != m && !has(decl, other.Name) {
			return false
		}
	}
	return true
}

// wrapText is the object whose text is the member m of item and whose attributes are its other members.
func wrapText(w *writer, item, m *transcode.Value) *transcode.Value {
	m.Used = true
	o := transcode.NewObject(item.Start, item.End)
	o.Set("content", transcode.NewString(m.Text, m.Start, m.End))
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
		if a == member || attributeNames[a] == member {
			return true
		}
	}
	for _, c := range decl.Children() {
		if c.Name() == member || slices.Contains(elementNames[c.Name()], member) {
			return true
		}
	}
	return decl.Text() && slices.Contains(textNames, member)
}

// asserter writes what the JSON form tells apart by its shape.
func (w *writer) asserter(decl xsd.Decl, v *transcode.Value, view jsonschema.View) {
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
