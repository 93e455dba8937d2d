package jsonschema

import "slices"

// A View is what a schema says about the shape of a value, alternatives put together. The zero View says nothing. Views
// that come from one another remember what they were asked, and are for one goroutine.
type View struct{ *view }

type view struct {
	parts []*Schema
	kinds typeSet // what the value can be, as types or as what else is said of it
	items *View
	props map[string]View
}

func newView(parts []*Schema) View {
	v := &view{parts: parts}
	for _, s := range parts {
		v.kinds |= s.types
		if s.props != nil {
			v.kinds |= tObject
		}
		if s.enumList != nil {
			v.kinds |= tString
		}
	}
	return View{v}
}

// View returns the shape that s describes.
func (s *Schema) View() View { return newView(flatten(nil, s)) }

func flatten(parts []*Schema, s *Schema) []*Schema {
	if s == nil || s.never || slices.Contains(parts, s) {
		return parts
	}
	parts = append(parts, s)
	parts = flatten(parts, s.ref)
	for _, subs := range [][]*Schema{s.allOf, s.anyOf, s.oneOf} {
		for _, sub := range subs {
			parts = flatten(parts, sub)
		}
	}
	return parts
}

// Known reports whether the schema says anything.
func (v View) Known() bool { return v.view != nil && len(v.parts) > 0 }

func (v View) has(t typeSet) bool {
	return v.view != nil && v.kinds&t != 0
}

// Array reports whether the value can be an array.
func (v View) Array() bool { return v.has(tArray) }

// Object reports whether the value can be an object.
func (v View) Object() bool { return v.has(tObject) }

// Text reports whether the value can be a string.
func (v View) Text() bool { return v.has(tString) }

// Number reports whether the value can be a number.
func (v View) Number() bool { return v.has(tNumber | tInteger) }

// Bool reports whether the value can be true or false.
func (v View) Bool() bool { return v.has(tBool) }

// Items returns the shape of the elements of an array.
func (v View) Items() View {
	if !v.Known() {
		return View{}
	}
	if v.items == nil {
		var parts []*Schema
		for _, s := range v.parts {
			parts = flatten(parts, s.items)
			for _, t := range s.tuple {
				parts = flatten(parts, t)
			}
		}
		items := newView(parts)
		v.items = &items
	}
	return *v.items
}

// Property returns the shape of a member of an object.
func (v View) Property(name string) View {
	if !v.Known() {
		return View{}
	}
	p, ok := v.props[name]
	if !ok {
		var parts []*Schema
		for _, s := range v.parts {
			parts = flatten(parts, s.props[name])
		}
		if parts == nil { // names of a document are not worth remembering
			return View{}
		}
		if v.props == nil {
			v.props = map[string]View{}
		}
		p = newView(parts)
		v.props[name] = p
	}
	return p
}

// Properties returns the names of the members that an object can have, sorted.
func (v View) Properties() []string {
	if !v.Known() {
		return nil
	}
	var names []string
	for _, s := range v.parts {
		for name := range s.props {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
