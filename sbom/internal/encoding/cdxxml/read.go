// Package cdxxml reads and writes the XML encoding of CycloneDX.
//
// A document is read into the JSON form of the same version, so that everything that is said about that form holds
// here. The published schemas of both encodings are the guide, with a short list of what differs in more than shape.
// What the JSON form has no place for, such as elements of other namespaces, is listed and not dropped.
package cdxxml

import (
	"cmp"
	"strings"

	"github.com/ladingdev/lading/internal/syntax"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/schema/xsd"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Read turns the document, whose document element is a bom, into its JSON form.
//
// An element that may stand once in its parent and stands there twice is an error, as a member of an object is in JSON: two
// readers could take either, and so is one of another version of CycloneDX. The error is an [*syntax.Error].
func Read(d *xmltree.Document, version string, s schema.Both) (*tree.Node, []form.Extra, error) {
	r := &reader{Document: d}
	space, local := d.Name(d.Root)
	r.space = space
	start, end := d.Span(d.Root)
	root := tree.ObjectAt(start, end)
	root.Set("bomFormat", tree.TextAt("CycloneDX", start, start))
	root.Set("specVersion", tree.TextAt(version, start, start))
	r.object(root, d.Root, s.XML.Element(space, local), s.JSON.View())
	if root.Get("version") == nil && s.JSON.View().Property("version").Known() {
		root.Set("version", tree.LiteralAt("1", start, start)) // the default of the schema
	}
	if r.ambiguous != nil {
		return nil, nil, r.ambiguous
	}
	return root, r.extras, nil
}

type reader struct {
	*xmltree.Document
	tree.Maker
	space  string
	extras []form.Extra
	// ambiguous is the first place that two readers can read in two ways.
	ambiguous *syntax.Error
}

func (r *reader) extra(n xmltree.Node, suffix string, start, end int) {
	r.extras = append(r.extras, form.Extra{Path: r.Path(n) + suffix, Start: start, End: end})
}

// own reports whether n is an element of the specification and returns its name.
func (r *reader) own(n xmltree.Node) (string, bool) {
	space, local := r.Name(n)
	return local, space == r.space
}

// elements yields the elements of the specification inside of n, and lists all others.
func (r *reader) elements(n xmltree.Node) func(func(string, xmltree.Node) bool) {
	return func(yield func(string, xmltree.Node) bool) {
		for c := range r.Elements(n) {
			local, ok := r.own(c)
			if !ok {
				start, end := r.Span(c)
				r.extra(c, "", start, end)
				if space, _ := r.Name(c); strings.HasPrefix(space, versions) && r.ambiguous == nil { // a reader of that version sees it
					r.ambiguous = xmltree.Refuse(start, xmltree.ErrSyntax, "<%s> in the namespace of another version of CycloneDX", local)
				}
			} else if !yield(local, c) {
				return
			}
		}
	}
}

// versions begins the namespaces of the versions of CycloneDX.
const versions = "http://cyclonedx.org/schema/bom/"

const schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

// attributes yields the attributes without namespace, and lists all others but what says where a schema is.
func (r *reader) attributes(n xmltree.Node) func(func(xmltree.Attr) bool) {
	return func(yield func(xmltree.Attr) bool) {
		for _, a := range r.Attrs(n) {
			if a.Space == xmltree.NamespaceXMLNS || a.Space == schemaInstance && a.Name == "schemaLocation" {
				continue
			}
			if a.Space != "" {
				r.extra(n, "/@"+a.Name, a.Start, a.End)
			} else if !yield(a) {
				return
			}
		}
	}
}

// value turns the element n into the value that view describes.
func (r *reader) value(n xmltree.Node, decl xsd.Decl, view jsonschema.View) *tree.Node {
	start, end := r.Span(n)
	asObject := view.Object()
	if asObject && view.Array() {
		asObject = r.namesMembers(n, view)
	}
	if asObject && view.Text() && !decl.Known() {
		asObject = false
	}
	if asObject && view.Text() && r.onlyText(n) {
		asObject = false
	}
	switch {
	case asObject:
		o := r.New(strictjson.Object, "", start, end)
		r.object(o, n, decl, view)
		return o
	case view.Array():
		a := r.New(strictjson.Array, "", start, end)
		items := view.Items()
		r.list(a, n, decl, items)
		return a
	}
	return r.scalar(n, decl, view)
}

// list appends what is inside of n to an array.
func (r *reader) list(a *tree.Node, n xmltree.Node, decl xsd.Decl, items jsonschema.View) {
	for at := range r.attributes(n) {
		r.extra(n, "/@"+at.Name, at.Start, at.End)
	}
	if a.Items == nil {
		a.Items = r.Items(r.count(n))
	}
	for local, c := range r.elements(n) {
		child, _ := decl.Child(local)
		a.Items = append(a.Items, r.item(local, c, child.Decl, items))
	}
}

// count is how many elements are directly inside of n.
func (r *reader) count(n xmltree.Node) (count int) {
	for range r.Elements(n) {
		count++
	}
	return count
}

// isList reports whether an element holds elements of an array, rather than being one.
func isList(decl xsd.Decl, items jsonschema.View) bool {
	kids := decl.Children()
	for _, c := range kids {
		if items.Property(c.Name()).Known() {
			return false
		}
	}
	return len(kids) > 0 && len(decl.Attributes()) == 0
}

// isOne reports whether an element that occurs once is an element of an array, as the data of a component are in 1.5.
func isOne(decl xsd.Decl) bool {
	_, ok := decl.Child("type")
	return decl.Name() == "data" && ok
}

// namesMembers reports whether the elements inside of n are members of what view describes.
func (r *reader) namesMembers(n xmltree.Node, view jsonschema.View) bool {
	for local := range r.elements(n) {
		return view.Property(local).Known()
	}
	return false
}

func (r *reader) onlyText(n xmltree.Node) bool {
	for range r.Elements(n) {
		return false
	}
	for _, a := range r.Attrs(n) {
		if a.Space == "" {
			return false
		}
	}
	return true
}

// item turns an element of a list into an element of an array. Where the name of the element says what the element of
// the array is about, as in lists of licences, it becomes a member.
func (r *reader) item(local string, n xmltree.Node, decl xsd.Decl, items jsonschema.View) *tree.Node {
	start, end := r.Span(n)
	if items.Object() && items.Property(local).Known() && decl.Known() && wraps(local, decl, items) {
		o := r.New(strictjson.Object, "", start, end)
		o.Members = r.Members(1 + len(r.Attrs(n)))
		if decl.Text() {
			o.Set(local, r.text(n, decl, items.Property(local)))
			r.attributesInto(o, n, items)
			return o
		}
		o.Set(local, r.value(n, decl, items.Property(local)))
		return o
	}
	return r.value(n, decl, items)
}

// wraps reports whether the element is a member of the object rather than the object itself: then none of what is in
// it is.
func wraps(local string, decl xsd.Decl, items jsonschema.View) bool {
	if decl.Text() {
		return !items.Text()
	}
	for _, c := range decl.Children() {
		if c.Name() != local && !items.Property(c.Name()).Known() {
			return true
		}
	}
	return false
}

func (r *reader) attributesInto(o *tree.Node, n xmltree.Node, view jsonschema.View) {
	for a := range r.attributes(n) {
		name := cmp.Or(attributeName(a.Name), a.Name)
		p := view.Property(name)
		if !p.Known() || o.Get(name) != nil {
			r.extra(n, "/@"+a.Name, a.Start, a.End)
			continue
		}
		o.Set(name, r.literal(a.Value, p, a.Start, a.End))
	}
}

// attributeName is the member that an attribute of another name becomes, or empty.
func attributeName(name string) string {
	switch name {
	case "content-type":
		return "contentType"
	case "license-identifier":
		return "licenseIdentifier"
	}
	return ""
}

// object fills o with the attributes, elements and text of n.
func (r *reader) object(o *tree.Node, n xmltree.Node, decl xsd.Decl, view jsonschema.View) {
	if o.Members == nil {
		o.Members = r.Members(len(r.Attrs(n)) + r.count(n) + 1) // 1: for a text
	}
	r.attributesInto(o, n, view)
	seen := make([]bool, len(decl.Children()))
	for local, c := range r.elements(n) {
		child, ok := decl.Child(local)
		start, end := r.Span(c)
		if ok && !child.Repeats && seen[child.Place] && r.ambiguous == nil {
			r.ambiguous = xmltree.Refuse(start, xmltree.ErrSyntax, "<%s> stands here twice", local)
		}
		if ok {
			seen[child.Place] = true
		}
		if !ok {
			r.extra(c, "", start, end)
			continue
		}
		if r.special(o, n, local, c, child.Decl, view) {
			continue
		}
		name := local
		p := view.Property(name)
		if !p.Known() {
			if other := elementName(local); other != "" {
				if p = view.Property(other); p.Known() {
					name = other
				}
			}
		}
		switch {
		case !p.Known():
			r.extra(c, "", start, end)
		case child.Repeats && p.Array() && isList(child.Decl, p.Items()):
			a := o.Get(name)
			if a == nil {
				a = o.Set(name, r.New(strictjson.Array, "", start, end))
			}
			r.list(a, c, child.Decl, p.Items())
		case (child.Repeats || isOne(child.Decl)) && p.Array():
			o.AddAt(name, r.item(local, c, child.Decl, p.Items()))
		case o.Get(name) != nil:
			r.extra(c, "", start, end)
		default:
			o.Set(name, r.value(c, child.Decl, p))
		}
	}
	if !decl.Text() && !decl.Mixed() {
		return
	}
	text := decl.Normalise(r.Text(n))
	if decl.Mixed() && strings.TrimSpace(text) == "" {
		return
	}
	for _, name := range textNames {
		if p := view.Property(name); p.Known() && o.Get(name) == nil {
			start, end := r.Inner(n)
			o.Set(name, r.literal(text, p, start, end))
			return
		}
	}
	if text != "" {
		start, end := r.Inner(n)
		r.extra(n, "/text()", start, end)
	}
}

// elementName is the member that an element of another name becomes, or empty.
func elementName(name string) string {
	switch name {
	case "dependency":
		return "dependsOn"
	case "responses":
		return "response"
	case "details":
		return "expressionDetails"
	case "cryptoRef":
		return "cryptoRefArray"
	}
	return ""
}

// textNames are the members that can hold the text of an element that becomes an object.
var textNames = []string{"content", "value", "classification", "expression", "name", "ref"}

// special deals with what differs in more than shape, and reports whether it did.
func (r *reader) special(o *tree.Node, n xmltree.Node, local string, c xmltree.Node, decl xsd.Decl, view jsonschema.View) bool {
	if own, _ := r.own(n); local == "classification" && own == "dataflow" && o.Get(local) == nil && view.Property("flow").Known() {
		// Which way the data flow is said of the classification in XML, and beside it in JSON.
		for a := range r.attributes(c) {
			if a.Name == "flow" && o.Get("flow") == nil {
				o.Set("flow", r.New(strictjson.String, a.Value, a.Start, a.End))
			} else {
				r.extra(c, "/@"+a.Name, a.Start, a.End)
			}
		}
		o.Set(local, r.text(c, decl, view.Property(local)))
		return true
	}
	if local != "asserter" {
		return false
	}
	p := view.Property(local)
	for kind, who := range r.elements(c) { // exactly one: what the JSON form tells apart by its shape
		child, _ := decl.Child(kind)
		switch start, end := r.Span(who); {
		case o.Get(local) != nil:
			r.extra(who, "", start, end)
		case kind == "ref":
			o.Set(local, r.text(who, child.Decl, p))
		default:
			r.object(o.Set(local, r.New(strictjson.Object, "", start, end)), who, child.Decl, p)
		}
	}
	return true
}

// scalar turns an element into a string, a number or a boolean; an empty one with a reference is the reference.
func (r *reader) scalar(n xmltree.Node, decl xsd.Decl, view jsonschema.View) *tree.Node {
	if !decl.Text() {
		if ref, ok := r.Attr(n, "ref"); ok {
			for a := range r.attributes(n) {
				if a.Name != "ref" {
					r.extra(n, "/@"+a.Name, a.Start, a.End)
				}
			}
			for _, c := range r.elements(n) {
				start, end := r.Span(c)
				r.extra(c, "", start, end)
			}
			start, end := r.Span(n)
			return r.literal(ref, view, start, end)
		}
	}
	for a := range r.attributes(n) {
		r.extra(n, "/@"+a.Name, a.Start, a.End)
	}
	return r.text(n, decl, view)
}

func (r *reader) text(n xmltree.Node, decl xsd.Decl, view jsonschema.View) *tree.Node {
	for _, c := range r.elements(n) {
		start, end := r.Span(c)
		r.extra(c, "", start, end)
	}
	start, end := r.Span(n)
	return r.literal(decl.Normalise(r.Text(n)), view, start, end)
}

// literal writes a text as the kind of value that view describes.
func (r *reader) literal(text string, view jsonschema.View, start, end int) *tree.Node {
	trimmed := strings.Trim(text, " \t\r\n")
	if view.Bool() {
		switch trimmed {
		case "true", "1":
			return r.New(strictjson.Number, "true", start, end)
		case "false", "0":
			return r.New(strictjson.Number, "false", start, end)
		}
	}
	if view.Number() && !view.Text() {
		number := strings.TrimPrefix(trimmed, "+")
		sign := ""
		if rest, ok := strings.CutPrefix(number, "-"); ok {
			sign, number = "-", rest
		}
		whole, fraction, _ := strings.Cut(number, ".")
		whole = strings.TrimLeft(whole, "0")
		if whole == "" {
			whole = "0"
		}
		number = sign + whole
		if fraction != "" {
			number += "." + fraction
		}
		if strictjson.Check([]byte(number), strictjson.Limits{}) == nil {
			return r.New(strictjson.Number, number, start, end)
		}
	}
	return r.New(strictjson.String, text, start, end)
}
