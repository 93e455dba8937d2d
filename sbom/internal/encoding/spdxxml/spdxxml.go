// Package spdxxml reads the XML encoding of SPDX 2.2 and 2.3, which is the JSON form with elements for members.
package spdxxml

import (
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/transcode"
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
func Read(d *xmltree.Document, s *jsonschema.Schema) *transcode.Value {
	r := reader{d}
	return r.value(d.Root, s.View())
}

type reader struct{ *xmltree.Document }

func (r reader) value(el xmltree.Node, view jsonschema.View) *transcode.Value {
	start, end := r.Span(el)
	o := transcode.NewObject(start, end)
	for _, a := range r.Attrs(el) {
		if a.Space != xmltree.NamespaceXMLNS && o.Get("@"+a.Name) == nil {
			o.Set("@"+a.Name, transcode.NewString(a.Value, a.Start, a.End))
		}
	}
	elements := false
	for c := range r.Elements(el) {
		elements = true
		_, name := r.Name(c)
		p := view.Property(name)
		if !p.Known() && (name == "offset" || name == "lineNumber") { // numbers that the schema of 2.2 does not name
			if text := strings.TrimSpace(r.Text(c)); o.Get(name) == nil && strictjson.Check([]byte(text), strictjson.Limits{}) == nil {
				o.Set(name, transcode.NewLiteral(text, start, end))
				continue
			}
		}
		if p.Array() || o.Get(name) != nil && o.Get(name).Kind == strictjson.Array {
			o.Append(name, r.value(c, p.Items()))
			continue
		}
		v := r.value(c, p)
		if old := o.Get(name); old != nil { // twice where one is allowed: for the schema to complain about
			*old = transcode.Value{Kind: strictjson.Array, Items: []*transcode.Value{{Kind: old.Kind, Text: old.Text, Members: old.Members, Items: old.Items, Start: old.Start, End: old.End}, v}, Start: old.Start, End: v.End}
			continue
		}
		o.Set(name, v)
	}
	text := r.Text(el)
	if elements || len(o.Members) > 0 || view.Object() && strings.TrimSpace(text) == "" {
		if strings.TrimSpace(text) != "" {
			o.Append("#text", transcode.NewString(text, start, end))
		}
		return o
	}
	switch trimmed := strings.TrimSpace(text); {
	case view.Bool() && (trimmed == "true" || trimmed == "false"):
		return transcode.NewLiteral(trimmed, start, end)
	case view.Number() && strictjson.Check([]byte(trimmed), strictjson.Limits{}) == nil:
		return transcode.NewLiteral(trimmed, start, end)
	}
	return transcode.NewString(text, start, end)
}
