package xsd

// A Decl is what a schema says about an element. The zero Decl says nothing.
type Decl struct{ e *element }

// Element returns the declaration of a document element.
func (s *Schema) Element(space, local string) Decl {
	return Decl{s.elements[name{space, local}]}
}

// Known reports whether there is a declaration.
func (d Decl) Known() bool { return d.e != nil && !d.e.typ.any }

// Name returns the local name.
func (d Decl) Name() string { return d.e.name.local }

// Text reports whether the element holds text and no elements.
func (d Decl) Text() bool { return d.Known() && d.e.typ.simple != nil }

// Mixed reports whether the element holds text between elements.
func (d Decl) Mixed() bool { return d.Known() && d.e.typ.mixed }

// Normalise treats white space in the text of the element as its type says.
func (d Decl) Normalise(text string) string {
	if !d.Text() {
		return text
	}
	return normalise(text, d.e.typ.text)
}

// Attributes returns the names of the attributes, in the order of the schema.
func (d Decl) Attributes() []string {
	if !d.Known() {
		return nil
	}
	return d.e.typ.order
}

// A Child is an element that can stand directly inside of another.
type Child struct {
	Decl
	Repeats bool // more than once
	Place   int  // among the children
}

// Children returns the elements that can stand directly inside, in the order of the schema: a view.
func (d Decl) Children() []Child {
	if !d.Known() {
		return nil
	}
	return d.e.typ.kids
}

// settle lists, once for all, what can stand inside of elements of a type and of those in them.
func (t *typ) settle() {
	if t == nil || t.place != nil {
		return
	}
	t.place = map[string]int{}
	if t.simple != nil {
		t.text = t.simple.space()
	}
	if t.content == nil {
		return
	}
	t.kids = children(nil, t.content, false)
	for i := len(t.kids) - 1; i >= 0; i-- {
		t.kids[i].Place = i
		t.place[t.kids[i].e.name.local] = i
		t.kids[i].e.typ.settle()
	}
}

func children(out []Child, p *particle, repeats bool) []Child {
	repeats = repeats || p.max > 1
	if p.kind == single {
		for i := range out {
			if out[i].e.name == p.name {
				out[i].Repeats = true
				return out
			}
		}
		return append(out, Child{Decl: Decl{p.elem}, Repeats: repeats})
	}
	for _, k := range p.kids {
		out = children(out, k, repeats)
	}
	return out
}

// Child returns an element that can stand directly inside.
func (d Decl) Child(local string) (Child, bool) {
	if !d.Known() {
		return Child{}, false
	}
	i, ok := d.e.typ.place[local]
	if !ok {
		return Child{}, false
	}
	return d.e.typ.kids[i], true
}

// Misfit returns the index of the first of some elements, by local name, that cannot stand directly inside in this
// order, or -1. It does not ask for what is missing.
func (d Decl) Misfit(locals []string) int {
	if !d.Known() || d.e.typ.content == nil {
		return min(len(locals), 1) - 1
	}
	m := matcher{locals: locals, target: d.e.typ.target}
	if end, ok := m.particle(d.e.typ.content, 0); ok && end == len(locals) {
		return -1
	}
	m.trace = true
	m.particle(d.e.typ.content, 0)
	if m.farthest >= len(locals) {
		return -1
	}
	return m.farthest
}
