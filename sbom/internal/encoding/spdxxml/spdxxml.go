// Package spdxxml reads the XML encoding of SPDX 2.2 and 2.3, which is the JSON form with elements for members.
package spdxxml

import (
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Detect reports whether the document element is that of SPDX.
func Detect(d *xmltree.Document) bool {
	space, local := d.Name(d.Root)
	return space == "" && local == "Document"
}

// Version returns the text of spdxVersion, such as "SPDX-2.2".
func Version(d *xmltree.Document) string {
	for el := range d.Elements(d.Root) {
		if _, local := d.Name(el); local == "spdxVersion" {
			return strings.TrimSpace(d.Text(el))
		}
	}
	return ""
}

// Read turns a document into its JSON form, with the schema of that form as the guide to what is an array. Everything
// in the document is in the form, attributes as members whose names begin with "@", for the schema to complain about.
func Read(d *xmltree.Document, s *jsonschema.Schema) *tree.Node {
	r := reader{d}
	return r.value(d.Root, s.View())
}

type reader struct{ *xmltree.Document }

// members are those of an object that is read, by name: a document may have any number.
type members struct {
	*tree.Node
	byName map[string]*tree.Node
}

func (m *members) set(name string, v *tree.Node) {
	if m.byName == nil {
		m.byName = map[string]*tree.Node{}
	}
	m.byName[name] = m.Set(name, v)
}

func (m *members) add(name string, v *tree.Node) {
	a := m.byName[name]
	if a == nil {
		a = tree.ArrayAt(v.Span())
		m.set(name, a)
	}
	a.Extend(v)
}

func (r reader) value(el xmltree.Node, view jsonschema.View) *tree.Node {
	start, end := r.Span(el)
	o := members{Node: tree.ObjectAt(start, end)}
	for _, a := range r.Attrs(el) {
		if a.Space != xmltree.NamespaceXMLNS && o.byName["@"+a.Name] == nil {
			o.set("@"+a.Name, tree.TextAt(a.Value, a.Start, a.End))
		}
	}
	elements := false
	for c := range r.Elements(el) {
		elements = true
		_, name := r.Name(c)
		p := view.Property(name)
		old := o.byName[name]
		if !p.Known() && (name == "offset" || name == "lineNumber") { // numbers that the schema of 2.2 does not name
			if text := strings.TrimSpace(r.Text(c)); old == nil && strictjson.Check([]byte(text), strictjson.Limits{}) == nil {
				o.set(name, tree.LiteralAt(text, start, end))
				continue
			}
		}
		if p.Array() || old != nil && old.Kind == strictjson.Array {
			o.add(name, r.value(c, p.Items()))
			continue
		}
		v := r.value(c, p)
		if old != nil { // twice where one is allowed: for the schema to complain about
			first := *old
			*old = tree.Node{Kind: strictjson.Array, Items: []*tree.Node{&first, v}, Start: old.Start, End: v.End}
			continue
		}
		o.set(name, v)
	}
	text := r.Text(el)
	if elements || len(o.Members) > 0 || view.Object() && strings.TrimSpace(text) == "" {
		if strings.TrimSpace(text) != "" {
			o.add("#text", tree.TextAt(text, start, end))
		}
		return o.Node
	}
	switch trimmed := strings.TrimSpace(text); {
	case view.Bool() && (trimmed == "true" || trimmed == "false"):
		return tree.LiteralAt(trimmed, start, end)
	case view.Number() && strictjson.Check([]byte(trimmed), strictjson.Limits{}) == nil:
		return tree.LiteralAt(trimmed, start, end)
	}
	return tree.TextAt(text, start, end)
}
