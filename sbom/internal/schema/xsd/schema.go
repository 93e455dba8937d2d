// Package xsd validates XML documents against the part of XML Schema 1.0 that the schemas of CycloneDX use, reading
// the schemas themselves. A construct that it does not know stops the compilation, so that a newer schema cannot be
// taken for a weaker one.
package xsd

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/syntax"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
)

const (
	xs  = "http://www.w3.org/2001/XMLSchema"
	xsi = "http://www.w3.org/2001/XMLSchema-instance"
)

// A Schema is compiled and can be used by many goroutines.
type Schema struct {
	elements map[name]*element
}

type name struct{ space, local string }

type element struct {
	name   name
	typ    *typ
	unique bool // bom-ref attributes inside of it differ
}

// A typ is a simple type, or a complex one with simple content, or one with elements.
type typ struct {
	any     bool // anything goes
	simple  *simple
	content *particle
	mixed   bool
	attrs   map[string]*attribute
	order   []string
	anyAttr bool   // attributes that are not named
	other   bool   // only those of another namespace
	target  string // namespace of the schema
	decls   map[name]*element

	kids  []Child // what can stand inside, in the order of the schema
	place map[string]int
	text  byte // how white space in text is treated
}

type attribute struct {
	typ      *simple
	required bool
}

type particleKind uint8

const (
	sequence particleKind = iota
	choice
	single
	wildcard
)

type particle struct {
	kind     particleKind
	min, max int
	name     name
	elem     *element
	foreign  bool // wildcard: only another namespace
	target   string
	kids     []*particle
}

// A simple is a simple type: one of the built-in ones, narrowed by facets, or a union.
type simple struct {
	builtin  string
	base     *simple
	union    []*simple
	enum     map[string]bool
	list     []string
	patterns []pattern // of one derivation step: one must match
	min, max *big.Rat
	minLen   int
	maxLen   int // -1: none
}

type pattern struct {
	text string
	re   *regexp.Regexp
}

// A Loader reads a schema file by its location.
type Loader func(location string) ([]byte, error)

// Compile compiles a schema and what it imports.
func Compile(location string, load Loader) (s *Schema, err error) {
	c := &compiler{
		load: load, types: map[name]*typ{}, defs: map[name]def{}, files: map[string]bool{}, s: &Schema{elements: map[name]*element{}},
	}
	if err := c.file(location); err != nil {
		return nil, err
	}
	for _, e := range c.globals {
		if err := c.global(e); err != nil {
			return nil, err
		}
	}
	for _, e := range c.s.elements {
		e.typ.settle()
	}
	return c.s, nil
}

type compiler struct {
	load    Loader
	s       *Schema
	files   map[string]bool
	defs    map[name]def  // global types and attribute groups by name
	types   map[name]*typ // those compiled
	globals []def
}

// A def is an element of a schema document.
type def struct {
	f *file
	n xmltree.Node
}

type file struct {
	*xmltree.Document
	location string
	target   string
	prefixes map[string]string
}

func (c *compiler) file(location string) error {
	if c.files[location] {
		return nil
	}
	c.files[location] = true
	data, err := c.load(location)
	if err != nil {
		return err
	}
	doc, err := xmltree.Parse(data, xmltree.Limits{})
	if err != nil {
		return fmt.Errorf("%s: %w", location, err)
	}
	f := &file{Document: doc, location: location, prefixes: map[string]string{}}
	for _, a := range doc.Attrs(doc.Root) {
		if a.Space == xmltree.NamespaceXMLNS {
			f.prefixes[a.Name] = a.Value
		}
	}
	f.target, _ = doc.Attr(doc.Root, "targetNamespace")
	if q, _ := doc.Attr(doc.Root, "elementFormDefault"); q != "qualified" {
		return fmt.Errorf("%s: elements are not qualified", location)
	}
	for n := range doc.Elements(doc.Root) {
		d := def{f, n}
		id, _ := doc.Attr(n, "name")
		switch kind := d.kind(); kind {
		case "import":
			where, _ := doc.Attr(n, "schemaLocation")
			if err := c.file(where); err != nil {
				return err
			}
		case "simpleType", "complexType", "attributeGroup":
			c.defs[name{f.target, kind[:1] + ":" + id}] = d
		case "element":
			c.globals = append(c.globals, d)
		case "annotation":
		default:
			return d.unknown()
		}
	}
	return nil
}

// kind is the local name of an element of the schema language.
func (d def) kind() string {
	space, local := d.f.Name(d.n)
	if space != xs {
		return "{" + space + "}" + local
	}
	return local
}

func (d def) unknown() error {
	line, _ := syntax.Position(d.f.Data, first(d.f.Span(d.n)))
	return fmt.Errorf("%s:%d: unknown construct %s", d.f.location, line, d.kind())
}

func first(a, _ int) int { return a }

func (d def) attr(key string) string {
	v, _ := d.f.Attr(d.n, key)
	return v
}

// kids yields the constructs inside of d.
func (d def) kids(yield func(string, def) bool) {
	for n := range d.f.Elements(d.n) {
		k := def{d.f, n}
		if kind := k.kind(); kind != "annotation" && !yield(kind, k) {
			return
		}
	}
}

func (d def) qname(q string) name {
	prefix, local, ok := strings.Cut(q, ":")
	if !ok {
		prefix, local = "", q
	}
	return name{d.f.prefixes[prefix], local}
}

func (c *compiler) global(d def) error {
	e, err := c.element(d)
	if err == nil {
		c.s.elements[e.name] = e
	}
	return err
}

func (c *compiler) element(d def) (*element, error) {
	e := &element{name: name{d.f.target, d.attr("name")}}
	if e.name.local == "" || d.attr("nillable") != "" || d.attr("substitutionGroup") != "" || d.attr("fixed") != "" {
		return nil, d.unknown()
	}
	var err error
	if q := d.attr("type"); q != "" {
		if e.typ, err = c.named(d, q); err != nil {
			return nil, err
		}
	}
	for kind, k := range d.kids {
		switch kind {
		case "complexType":
			e.typ, err = c.complex(&typ{}, k)
		case "simpleType":
			var s *simple
			s, err = c.simple(k)
			e.typ = &typ{simple: s}
		case "unique":
			err = bomRefs(k)
			e.unique = true
		default:
			err = k.unknown()
		}
		if err != nil {
			return nil, err
		}
	}
	if e.typ == nil {
		e.typ = &typ{any: true}
	}
	return e, nil
}

// bomRefs checks that a constraint is the one that the schemas have.
func bomRefs(d def) error {
	var got []string
	for kind, k := range d.kids {
		got = append(got, kind+" "+k.attr("xpath"))
	}
	if strings.Join(got, "; ") != "selector .//*; field @bom-ref" {
		return d.unknown()
	}
	return nil
}

// named returns the type with a qualified name.
func (c *compiler) named(d def, q string) (*typ, error) {
	id := d.qname(q)
	if id.space == xs {
		if id.local == "anyType" {
			return &typ{any: true}, nil
		}
		if builtins[id.local] == nil {
			return nil, fmt.Errorf("%s: unknown type %s", d.f.location, q)
		}
		return &typ{simple: &simple{builtin: id.local, maxLen: -1}}, nil
	}
	if t := c.types[id]; t != nil {
		return t, nil
	}
	if k, ok := c.defs[name{id.space, "s:" + id.local}]; ok {
		s, err := c.simple(k)
		c.types[id] = &typ{simple: s}
		return c.types[id], err
	}
	k, ok := c.defs[name{id.space, "c:" + id.local}]
	if !ok {
		return nil, fmt.Errorf("%s: unknown type %s", d.f.location, q)
	}
	t := &typ{} // known before it is complete, for types that contain themselves
	c.types[id] = t
	return c.complex(t, k)
}

func (c *compiler) namedSimple(d def, q string) (*simple, error) {
	t, err := c.named(d, q)
	if err != nil {
		return nil, err
	}
	if t.simple == nil || t.attrs != nil {
		return nil, d.unknown()
	}
	return t.simple, nil
}

func (c *compiler) complex(t *typ, d def) (*typ, error) {
	t.target, t.mixed = d.f.target, d.attr("mixed") == "true"
	t.attrs, t.decls = map[string]*attribute{}, map[name]*element{}
	for kind, k := range d.kids {
		var err error
		switch kind {
		case "sequence", "choice":
			t.content, err = c.particle(t, k)
		case "simpleContent":
			err = c.simpleContent(t, k)
		default:
			err = c.attribute(t, kind, k)
		}
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// simpleContent makes t a text with attributes: those of the type that it extends, and more.
func (c *compiler) simpleContent(t *typ, d def) error {
	for kind, ext := range d.kids {
		if kind != "extension" {
			return ext.unknown()
		}
		base, err := c.named(ext, ext.attr("base"))
		if err != nil {
			return err
		}
		if base.simple == nil {
			return ext.unknown()
		}
		t.simple = base.simple
		t.anyAttr, t.other = base.anyAttr, base.other
		for _, id := range base.order {
			t.attrs[id] = base.attrs[id]
			t.order = append(t.order, id)
		}
		for kind, k := range ext.kids {
			if err := c.attribute(t, kind, k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *compiler) attribute(t *typ, kind string, d def) error {
	switch kind {
	case "attribute":
		a := &attribute{required: d.attr("use") == "required"}
		id := d.attr("name")
		if id == "" || d.attr("use") == "prohibited" || d.attr("fixed") != "" || d.attr("form") != "" {
			return d.unknown()
		}
		var err error
		if q := d.attr("type"); q != "" {
			if a.typ, err = c.namedSimple(d, q); err != nil {
				return err
			}
		}
		for kind, k := range d.kids {
			if kind != "simpleType" {
				return k.unknown()
			}
			if a.typ, err = c.simple(k); err != nil {
				return err
			}
		}
		if a.typ == nil {
			a.typ = &simple{builtin: "string", maxLen: -1}
		}
		t.attrs[id] = a
		t.order = append(t.order, id)
	case "attributeGroup":
		id := d.qname(d.attr("ref"))
		group, ok := c.defs[name{id.space, "a:" + id.local}]
		if !ok {
			return d.unknown()
		}
		for kind, k := range group.kids {
			if err := c.attribute(t, kind, k); err != nil {
				return err
			}
		}
	case "anyAttribute":
		switch d.attr("namespace") {
		case "##any", "":
		case "##other":
			t.other = true
		default:
			return d.unknown()
		}
		if d.attr("processContents") != "lax" && d.attr("processContents") != "skip" {
			return d.unknown()
		}
		t.anyAttr = true
	default:
		return d.unknown()
	}
	return nil
}

func (c *compiler) particle(t *typ, d def) (*particle, error) {
	p := &particle{min: 1, max: 1, target: d.f.target}
	if v := d.attr("minOccurs"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, d.unknown()
		}
		p.min = n
	}
	if v := d.attr("maxOccurs"); v == "unbounded" {
		p.max = math.MaxInt
	} else if v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, d.unknown()
		}
		p.max = n
	}
	switch kind := d.kind(); kind {
	case "sequence", "choice":
		if kind == "choice" {
			p.kind = choice
		}
		for _, k := range d.kids {
			sub, err := c.particle(t, k)
			if err != nil {
				return nil, err
			}
			p.kids = append(p.kids, sub)
		}
	case "element":
		e, err := c.element(d)
		if err != nil {
			return nil, err
		}
		p.kind, p.name, p.elem = single, e.name, e
		if t.decls[e.name] == nil {
			t.decls[e.name] = e
		}
	case "any":
		p.kind = wildcard
		switch d.attr("namespace") {
		case "##any", "":
		case "##other":
			p.foreign = true
		default:
			return nil, d.unknown()
		}
		if d.attr("processContents") != "lax" {
			return nil, d.unknown()
		}
	default:
		return nil, d.unknown()
	}
	return p, nil
}

func (c *compiler) simple(d def) (*simple, error) {
	s := &simple{maxLen: -1}
	for kind, k := range d.kids {
		var err error
		switch kind {
		case "restriction":
			err = c.restriction(s, k)
		case "union":
			for q := range strings.FieldsSeq(k.attr("memberTypes")) {
				var member *simple
				if member, err = c.namedSimple(k, q); err != nil {
					return nil, err
				}
				s.union = append(s.union, member)
			}
			for kind, k := range k.kids {
				if kind != "simpleType" {
					return nil, k.unknown()
				}
				var member *simple
				if member, err = c.simple(k); err != nil {
					return nil, err
				}
				s.union = append(s.union, member)
			}
		default:
			err = k.unknown()
		}
		if err != nil {
			return nil, err
		}
	}
	if s.base == nil && s.union == nil {
		return nil, d.unknown()
	}
	return s, nil
}

func (c *compiler) restriction(s *simple, d def) (err error) {
	if q := d.attr("base"); q != "" {
		if s.base, err = c.namedSimple(d, q); err != nil {
			return err
		}
	}
	for kind, k := range d.kids {
		value := k.attr("value")
		switch kind {
		case "simpleType":
			if s.base, err = c.simple(k); err != nil {
				return err
			}
		case "enumeration":
			if s.enum == nil {
				s.enum = map[string]bool{}
			}
			s.enum[value] = true
			s.list = append(s.list, value)
		case "pattern":
			re, err := regexp.Compile("^(?:" + value + ")$")
			if err != nil {
				return err
			}
			s.patterns = append(s.patterns, pattern{value, re})
		case "minInclusive":
			s.min, _ = new(big.Rat).SetString(value)
		case "maxInclusive":
			s.max, _ = new(big.Rat).SetString(value)
		case "minLength":
			s.minLen, err = strconv.Atoi(value)
		case "maxLength":
			s.maxLen, err = strconv.Atoi(value)
		default:
			err = k.unknown()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
