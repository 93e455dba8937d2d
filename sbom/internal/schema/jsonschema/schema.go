// Package jsonschema validates JSON texts against the part of JSON Schema, drafts 7 and 2020-12, that the schemas of
// CycloneDX and SPDX use. Formats are asserted. A keyword that it does not know stops the compilation, so that a newer
// schema cannot be taken for a weaker one.
//
// It works on the text, not on decoded values: a problem knows the place of the value or the member name it is about.
package jsonschema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
)

// A Schema is compiled and can be used by many goroutines.
type Schema struct {
	title    string
	ref      *Schema
	never    bool
	types    typeSet // zero: any
	enum     map[string]bool
	enumList []string // the strings of enum and const, in order
	only     []json.RawMessage
	required []string
	props    map[string]*Schema
	folded   map[string]string // lower case to the name in props
	lengths  uint64            // of those names, as bits
	others   *Schema           // additionalProperties
	left     *Schema           // unevaluatedProperties
	tuple    []*Schema
	items    *Schema
	allOf    []*Schema
	anyOf    []*Schema
	oneOf    []*Schema
	not      *Schema
	cond     *Schema
	then     *Schema
	orElse   *Schema
	pattern  *pattern
	minLen   int
	maxLen   int // -1: none
	minItems int
	maxItems int // -1: none
	min, max *float64
	unique   bool
	format   string

	// pins tells alternatives apart without trying them: the strings that a member can have.
	pins         map[string][]string
	byAny, byOne *dispatch // of anyOf and oneOf, or nil

	// What is made of the rest, for speed.
	names names   // of props and required
	words names   // of enum
	fixed []fixed // the pins, by name
	item  *Schema // what items refers to
	plain bool    // no other schema says anything of the same value
}

// A fixed member is one that has one of some strings.
type fixed struct {
	name   string
	values []string
}

// target is the schema that s is if it is nothing but a reference, or s.
func (s *Schema) target() *Schema {
	for range 8 { // references can go in circles
		if s == nil || s.ref == nil || !s.onlyRefers() {
			break
		}
		s = s.ref
	}
	return s
}

// onlyRefers reports whether s has no word but a reference and a title.
func (s *Schema) onlyRefers() bool {
	none := s.only == nil && s.required == nil && s.others == nil && s.left == nil && s.tuple == nil && s.items == nil && s.not == nil
	return none && s.types == 0 && s.enum == nil && s.props == nil && s.allOf == nil && s.anyOf == nil && s.oneOf == nil && s.cond == nil &&
		s.pattern == nil && s.minLen == 0 && s.maxLen < 0 && s.minItems == 0 && s.maxItems < 0 && s.min == nil && s.max == nil &&
		!s.unique && s.format == ""
}

func (s *Schema) prepare() {
	s.byAny, s.byOne = newDispatch(s.anyOf), newDispatch(s.oneOf)
	s.names, s.item = newNames(s.props, s.required), s.items.target()
	if s.enum != nil {
		s.words = newNames(nil, s.enumList)
	}
	for _, name := range slices.Sorted(maps.Keys(s.pins)) {
		s.fixed = append(s.fixed, fixed{name, s.pins[name]})
	}
	s.plain = s.ref == nil && s.left == nil && s.allOf == nil && s.anyOf == nil && s.oneOf == nil && s.not == nil && s.cond == nil &&
		!s.never
}

// A dispatch finds the alternatives that the string in one member of an object does not speak against.
type dispatch struct {
	member  string
	byValue map[string][]*Schema // in order
	rest    []*Schema            // for other strings
}

// newDispatch looks for the member that tells most of the alternatives apart; few of them need none.
func newDispatch(subs []*Schema) *dispatch {
	count := map[string]int{}
	best := ""
	for _, sub := range subs {
		for name := range sub.pins {
			count[name]++
			if c := count[name]; best == "" || c > count[best] || c == count[best] && name < best {
				best = name
			}
		}
	}
	if count[best] < 3 {
		return nil
	}
	d := &dispatch{member: best, byValue: map[string][]*Schema{}}
	for _, sub := range subs {
		for _, value := range sub.pins[best] {
			d.byValue[value] = nil
		}
	}
	for _, sub := range subs {
		pinned := sub.pins[best] != nil
		for value, list := range d.byValue {
			if !pinned || slices.Contains(sub.pins[best], value) {
				d.byValue[value] = append(list, sub)
			}
		}
		if !pinned {
			d.rest = append(d.rest, sub)
		}
	}
	return d
}

// of returns the alternatives that can be meant by a string in the member.
func (d *dispatch) of(value string) []*Schema {
	if list, ok := d.byValue[value]; ok {
		return list
	}
	return d.rest
}

type typeSet uint8

const (
	tObject typeSet = 1 << iota
	tArray
	tString
	tNumber
	tInteger
	tBool
	tNull
)

var typeNames = map[string]typeSet{
	"object": tObject, "array": tArray, "string": tString, "number": tNumber, "integer": tInteger, "boolean": tBool, "null": tNull,
}

func (t typeSet) String() string {
	var names []string
	for _, k := range []string{"object", "array", "string", "number", "integer", "boolean", "null"} {
		if t&typeNames[k] != 0 {
			article := "a "
			switch k {
			case "object", "array", "integer":
				article = "an "
			case "null":
				article = ""
			}
			names = append(names, article+k)
		}
	}
	return strings.Join(names, " or ")
}

var kindTypes = [128]typeSet{strictjson.Object: tObject, strictjson.Array: tArray, strictjson.String: tString, strictjson.Number: tNumber,
	strictjson.Null: tNull, strictjson.True: tBool, strictjson.False: tBool}

// A Loader reads a schema by the file name that a reference uses.
type Loader func(name string) ([]byte, error)

// Options change what a schema says.
type Options struct {
	// Closed refuses members that an object schema does not name, where the schema leaves that open. It is what the
	// strict variants of the CycloneDX 1.2 and 1.3 schemas do.
	Closed bool
}

// Compile compiles the schema in a file, or the part of it that the fragment behind a "#" points to.
func Compile(name string, load Loader, o Options) (*Schema, error) {
	c := &compiler{load: load, o: o, files: map[string]any{}, done: map[string]*Schema{}}
	file, fragment, _ := strings.Cut(name, "#")
	s, err := c.at(file, fragment)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	for _, s := range c.done {
		s.pin(0)
	}
	for _, s := range c.done {
		s.prepare()
	}
	return s, nil
}

type compiler struct {
	load  Loader
	o     Options
	files map[string]any
	done  map[string]*Schema
}

func (c *compiler) at(file, fragment string) (*Schema, error) {
	key := file + "#" + fragment
	if s := c.done[key]; s != nil {
		return s, nil
	}
	doc, ok := c.files[file]
	if !ok {
		data, err := c.load(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		c.files[file] = doc
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(fragment, "/"), "/") {
		if part == "" {
			continue
		}
		part = jsonpointer.Unescape(part)
		m, _ := doc.(map[string]any)
		if doc, ok = m[part]; !ok {
			return nil, fmt.Errorf("%s has no %s", file, fragment)
		}
	}
	return c.schema(key, file, doc)
}

func (c *compiler) schema(key, file string, doc any) (*Schema, error) {
	s := &Schema{maxLen: -1, maxItems: -1}
	c.done[key] = s
	if b, ok := doc.(bool); ok {
		s.never = !b
		return s, nil
	}
	m, ok := doc.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is not a schema", key)
	}
	root, _ := c.files[file].(map[string]any)
	dialect, _ := root["$schema"].(string)
	if ref, ok := m["$ref"].(string); ok {
		target, fragment, _ := strings.Cut(ref, "#")
		if target == "" {
			target = file
		}
		var err error
		if s.ref, err = c.at(target, fragment); err != nil {
			return nil, err
		}
		if strings.Contains(dialect, "draft-07") { // where a reference hides what stands beside it, but for what people read
			s.title, _ = m["title"].(string)
			return s, nil
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if err := c.keyword(s, key, file, k, m); err != nil {
			return nil, err
		}
	}
	if c.o.Closed && s.props != nil && s.others == nil && s.left == nil {
		s.others = &Schema{never: true, maxLen: -1, maxItems: -1}
		if key == file+"#" {
			s.props["$schema"] = &Schema{types: tString, maxLen: -1, maxItems: -1}
		}
	}
	s.folded = make(map[string]string, len(s.props))
	for name := range s.props {
		s.folded[strings.ToLower(name)] = name
		s.lengths |= 1 << min(len(name), 63)
	}
	return s, nil
}

func (c *compiler) keyword(s *Schema, key, file, k string, siblings map[string]any) error {
	v := siblings[k]
	list, isList := v.([]any)
	if _, ok := siblings["items"].([]any); k == "additionalItems" && !ok { // beside a single schema for all items it says nothing
		return nil
	}
	if to := s.schemas(k); to != nil && isList {
		for i, v := range list {
			sub, err := c.schema(fmt.Sprintf("%s/%s/%d", key, k, i), file, v)
			if err != nil {
				return err
			}
			*to = append(*to, sub)
		}
		return nil
	}
	if to := s.schema(k); to != nil {
		sub, err := c.schema(key+"/"+k, file, v)
		*to = sub
		return err
	}
	switch k {
	case "$schema", "$id", "$comment", "$ref", "description", "default", "examples", "meta:enum", "deprecated", "definitions", "$defs":
		return nil
	case "properties":
		return c.properties(s, key, file, v.(map[string]any))
	}
	return s.assertion(key, k, v)
}

// schema is where the schema goes that is the value of a keyword; nil if it has none.
func (s *Schema) schema(keyword string) **Schema {
	switch keyword {
	case "additionalProperties":
		return &s.others
	case "unevaluatedProperties":
		return &s.left
	case "items", "additionalItems":
		return &s.items
	case "not":
		return &s.not
	case "if":
		return &s.cond
	case "then":
		return &s.then
	case "else":
		return &s.orElse
	}
	return nil
}

// schemas is where the schemas go that are the value of a keyword; nil if it has none.
func (s *Schema) schemas(keyword string) *[]*Schema {
	switch keyword {
	case "items":
		return &s.tuple
	case "allOf":
		return &s.allOf
	case "anyOf":
		return &s.anyOf
	case "oneOf":
		return &s.oneOf
	}
	return nil
}

func (c *compiler) properties(s *Schema, key, file string, members map[string]any) error {
	s.props = map[string]*Schema{}
	for _, name := range slices.Sorted(maps.Keys(members)) { // in one order, so that the same document gives the same problems
		sub, err := c.schema(key+"/properties/"+name, file, members[name])
		if err != nil {
			return err
		}
		s.props[name] = sub
	}
	return nil
}

// assertion reads a keyword whose value is no schema.
func (s *Schema) assertion(key, k string, v any) (err error) {
	number := func() *float64 { f := v.(float64); return &f }
	switch k {
	case "title":
		s.title, _ = v.(string)
	case "type":
		for _, n := range listOf(v) {
			t := typeNames[n.(string)]
			if t == 0 {
				return fmt.Errorf("%s: type %q", key, n)
			}
			s.types |= t
		}
	case "enum":
		return s.values(listOf(v))
	case "const":
		return s.values([]any{v})
	case "required":
		for _, v := range v.([]any) {
			s.required = append(s.required, v.(string))
		}
	case "pattern":
		if s.pattern, err = compilePattern(v.(string)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	case "minLength":
		s.minLen = int(v.(float64))
	case "maxLength":
		s.maxLen = int(v.(float64))
	case "minItems":
		s.minItems = int(v.(float64))
	case "maxItems":
		s.maxItems = int(v.(float64))
	case "minimum":
		s.min = number()
	case "maximum":
		s.max = number()
	case "uniqueItems":
		s.unique = v.(bool)
	case "format":
		s.format = v.(string)
	default:
		return fmt.Errorf("%s: unknown keyword %q", key, k)
	}
	return nil
}

// listOf is v, or the only element of a list if v is none.
func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// values allows some values and no others.
func (s *Schema) values(list []any) error {
	s.enum = map[string]bool{}
	for _, v := range list {
		if str, ok := v.(string); ok {
			s.enum[str] = true
			s.enumList = append(s.enumList, str)
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		s.only = append(s.only, raw)
	}
	return nil
}

// pin collects the members whose values are fixed, through references and conjunctions. Depth ends recursion.
func (s *Schema) pin(depth int) map[string][]string {
	if s == nil || depth > 8 {
		return nil
	}
	if s.pins != nil {
		return s.pins
	}
	pins := map[string][]string{}
	add := func(more map[string][]string) {
		for k, v := range more {
			if pins[k] == nil {
				pins[k] = v
			}
		}
	}
	for name, p := range s.props {
		if v := p.strings(0); v != nil {
			pins[name] = v
		}
	}
	add(s.ref.pin(depth + 1))
	for _, sub := range s.allOf {
		add(sub.pin(depth + 1))
	}
	s.pins = pins
	return pins
}

// strings returns the only strings that s allows, or nil if it is not as simple as that.
func (s *Schema) strings(depth int) []string {
	if s == nil || depth > 4 {
		return nil
	}
	if s.enumList != nil && s.only == nil {
		return s.enumList
	}
	if len(s.oneOf) == 1 {
		return s.oneOf[0].strings(depth + 1)
	}
	return s.ref.strings(depth + 1)
}
