package document

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// A shape is what a value of a document may look like. The reader and the JSON Schema are both made from it, and it is made from
// the Go types that the reader fills, so that the three agree.
type shape struct {
	kind   shapeKind
	typ    reflect.Type // that is filled
	fields []*field     // of an object, in order
	byName map[string]*field
	oneOf  []string // of an object: exactly one of these members is there
	elem   *shape   // of a list or of a mapping of names
	key    int      // of a mapping of names: the field of the element that the name goes to
}

type shapeKind uint8

const (
	objectShape shapeKind = iota
	listShape
	namesShape // a mapping of names that the author chooses
	textShape
	integerShape
	numberShape
	booleanShape
	durationShape
	timeShape
	anyShape
)

// A field is a member of an object.
type field struct {
	name     string
	help     string
	index    []int
	shape    *shape
	required bool
	enum     []string
	format   string // a key of formats; empty means any text
	ref      string // what kind of thing of the document the text names: "trust", "rules"
	min      int    // of an integer
	some     bool   // of an object: at least one member
}

// A place is where something stands in the document.
type place struct{ Line, Column int }

var (
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	nodeType     = reflect.TypeFor[yaml.Node]()
)

// shapes are made once for each type.
var shapes sync.Map // of *shape by reflect.Type

// shapeOf returns the shape of a type. It panics for types that a document cannot have, which a test would see.
func shapeOf(t reflect.Type) *shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{typ: t}
	if t.Kind() == reflect.Struct {
		shapes.Store(t, s) // before its fields, among which it may be
	}
	switch {
	case t == durationType:
		s.kind = durationShape
	case t == timeType:
		s.kind = timeShape
	case t == nodeType:
		s.kind = anyShape
	case t.Kind() == reflect.Struct:
		s.kind, s.byName = objectShape, make(map[string]*field)
		s.addFields(t, nil)
	case t.Kind() == reflect.Slice:
		s.kind, s.elem = listShape, shapeOf(t.Elem())
	case t.Kind() == reflect.String:
		s.kind = textShape
	case t.Kind() == reflect.Int:
		s.kind = integerShape
	case t.Kind() == reflect.Float64:
		s.kind = numberShape
	case t.Kind() == reflect.Bool:
		s.kind = booleanShape
	default:
		panic("document: a field of type " + t.String())
	}
	return s
}

func (s *shape) addFields(t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(index[:len(index):len(index)], i)
		tag := f.Tag.Get("yaml")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case name == "-", tag == "" && !f.IsExported(), hidden(t, f.Name):
			continue
		case f.Anonymous:
			s.addFields(f.Type, at)
			continue
		}
		s.add(t, f, at, name, options)
	}
}

func (s *shape) add(t reflect.Type, f reflect.StructField, at []int, name, options string) {
	known := ruleField(t, f.Name)
	fd := &field{name: name, index: at, shape: shapeOf(f.Type), help: helps[t.Name()+"."+f.Name],
		format: f.Tag.Get("format"), ref: f.Tag.Get("ref"), min: 1}
	if fd.name == "" {
		fd.name = known.name
	}
	if fd.name == "" {
		fd.name = lowerFirst(f.Name)
	}
	if known.help != "" {
		fd.help, fd.ref, fd.format = known.help, known.ref, known.format
	}
	fd.enum = known.enum
	if e := f.Tag.Get("enum"); e != "" {
		fd.enum = strings.Split(e, "|")
		if e == "schemes" {
			fd.enum = slices.Sorted(maps.Keys(schemes))
		}
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "required":
			fd.required = true
		case "one":
			s.oneOf = append(s.oneOf, fd.name)
		case "some":
			fd.some = true
		case "zero":
			fd.min = 0
		case "names":
			fd.shape = namesOf(f.Type)
		}
	}
	fd.required = fd.required || known.required
	s.fields = append(s.fields, fd)
	s.byName[fd.name] = fd
}

// namesOf is the shape of a list of structs that is written as a mapping: the key is the field of tag "-,key".
func namesOf(t reflect.Type) *shape {
	elem := t.Elem()
	for i := range elem.NumField() {
		if elem.Field(i).Tag.Get("yaml") == "-,key" {
			return &shape{kind: namesShape, typ: t, elem: shapeOf(elem), key: i}
		}
	}
	panic("document: " + elem.String() + " has no field for its key")
}

// lowerFirst makes the name of a member of that of a Go field: "MaxAge" is "maxAge", "PURL" is "purl", "SBOMTypes" is "sbomTypes".
func lowerFirst(name string) string {
	r := []rune(name)
	for i := range r {
		if i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) || !unicode.IsUpper(r[i]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}

// A format is a rule for a text, for the reader and for editors.
type format struct {
	pattern string // of ECMA 262 and of Go alike
	words   string // what it is, with an example
	check   func(string) error
	compile func() *regexp.Regexp
}

var formats = map[string]*format{
	"name": {pattern: `^[A-Za-z0-9]([A-Za-z0-9 ._/@+-]{0,126}[A-Za-z0-9])?$`,
		words: "a name of at most 128 letters, digits and blanks, such as \"release team\""},
	"kind":    {pattern: `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`, words: "a word such as aws-signer"},
	"digest":  {pattern: `^sha256:[0-9a-f]{64}$|^sha512:[0-9a-f]{128}$`, words: "a digest such as sha256: and 64 digits in lower case"},
	"account": {pattern: `^[0-9]{12}$`, words: "the number of an AWS account, 12 digits in quotes"},
	"region":  {pattern: `^[a-z]{2,}(-[a-z]+)+-[0-9]+$`, words: "an AWS region such as eu-central-1"},
	"uri":     {pattern: `^[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+$`, words: "an absolute URI such as https://cyclonedx.org/bom"},
	"pointer": {pattern: `^(/([^~/]|~[01])*)+$`, words: "a JSON pointer such as /metadata/timestamp"},
	"image":   {pattern: imagePattern, words: imageWords, check: checkPattern},
	"repopath": {pattern: `^(\*\*|[a-z0-9*._-]+)(/(\*\*|[a-z0-9*._-]+))*$`,
		words: "a repository without its host, such as aws-guardduty-agent-fargate", check: checkPath},
	"publickey": {pattern: `-----BEGIN `, words: "a public key in PEM"},
}

func init() {
	for _, f := range formats {
		f.compile = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(f.pattern) })
	}
}

// Durations and times, as they are written.
var (
	durationFormat = &format{pattern: `^([0-9]{1,6}(w|d|h|m|s))+$`, words: "a duration such as 12h, 30d or 2w"}
	timeFormat     = &format{pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2}))?$`,
		words: "a time such as 2027-01-31T12:00:00Z, or a day, which begins at 00:00 UTC"}
)
