package document

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/nearest"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/strictyaml"
)

// limits of a document. A hundred rules are some 20 KiB.
var limits = strictyaml.Limits{Size: 1 << 20, Depth: 40}

// nodes reads YAML, or JSON, which begins with a brace.
func nodes(data []byte) (*yaml.Node, error) {
	parse := strictyaml.Parse
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		parse = strictyaml.ParseJSON
	}
	doc, err := parse(data, limits)
	if err == nil {
		return doc.Root, nil
	}
	fault := &Error{Line: 1, Column: 1, Reason: err.Error(), Err: err}
	var e *strictyaml.Error
	if errors.As(err, &e) {
		fault.Line, fault.Column, fault.Reason = e.Line, e.Column, e.Reason
		if errors.Is(e, strictyaml.ErrLimit) {
			fault.Err = ErrLimit
		}
	}
	return nil, Errors{fault}
}

// A reader fills Go values from nodes, by their shapes, and keeps every fault.
type reader struct {
	faults Errors
	refs   []reference
}

// A reference is a name that has to be somewhere else in the document.
type reference struct {
	kind, name, path string
	place            place
}

// read fills v, which points to a struct. The reader has the faults.
func read(root *yaml.Node, v any) *reader {
	r := new(reader)
	target := reflect.ValueOf(v).Elem()
	r.value(root, target, &field{shape: shapeOf(target.Type()), min: 1}, "")
	return r
}

// err returns the faults in the order of the document.
func (r *reader) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	sort.SliceStable(r.faults, func(i, j int) bool {
		a, b := r.faults[i], r.faults[j]
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	if n := len(r.faults); n > maxErrors {
		r.faults = append(r.faults[:maxErrors:maxErrors], &Error{Line: r.faults[maxErrors].Line, Column: r.faults[maxErrors].Column,
			Reason: fmt.Sprintf("%d more faults", n-maxErrors)})
	}
	return r.faults
}

func (r *reader) fault(at place, path, suggestion, formatted string, args ...any) {
	const longest = 300
	if len(path) > longest {
		path = path[:longest] + "..."
	}
	if len(r.faults) <= 10*maxErrors {
		r.faults = append(r.faults,
			&Error{Line: max(at.Line, 1), Column: max(at.Column, 1), Path: path, Reason: fmt.Sprintf(formatted, args...),
				Suggestion: suggestion})
	}
}

func at(n *yaml.Node) place { return place{n.Line, n.Column} }

func (r *reader) value(n *yaml.Node, v reflect.Value, f *field, path string) {
	if v.Kind() == reflect.Pointer && v.Type().Elem() != nodeType {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	kind := strictyaml.KindOf(n)
	if want := f.shape.wants(); want != kind && !(want == strictjson.True && kind == strictjson.False) && f.shape.kind != anyShape {
		r.mismatch(n, f, path)
		return
	}
	switch f.shape.kind {
	case objectShape:
		if f.some && len(n.Content) == 0 {
			r.fault(at(n), path, "leave the field out", "the mapping is empty")
			return
		}
		r.object(n, v, f.shape, path)
	case listShape:
		r.list(n, v, f, path)
	case namesShape:
		r.names(n, v, f, path)
	case textShape:
		if r.text(n, f, path) {
			v.SetString(n.Value)
		}
	case booleanShape:
		v.SetBool(kind == strictjson.True)
	case integerShape, numberShape:
		r.number(n, v, f, path)
	case durationShape:
		if d, err := parseDuration(n.Value); err != nil {
			r.fault(at(n), path, "", "%v", err)
		} else {
			v.SetInt(int64(d))
		}
	case timeShape:
		if t, err := parseTime(n.Value); err != nil {
			r.fault(at(n), path, "", "%v", err)
		} else {
			v.Set(reflect.ValueOf(t))
		}
	case anyShape:
		v.Set(reflect.ValueOf(n))
	}
}

// wants is the kind of value that a shape is read from.
func (s *shape) wants() strictjson.Kind {
	switch s.kind {
	case objectShape, namesShape:
		return strictjson.Object
	case listShape:
		return strictjson.Array
	case integerShape, numberShape:
		return strictjson.Number
	case booleanShape:
		return strictjson.True
	}
	return strictjson.String
}

// words says what a shape is, to people who write YAML.
func (s *shape) words() string {
	switch s.kind {
	case objectShape, namesShape:
		return "a mapping"
	case listShape:
		return "a list"
	case integerShape:
		return "a whole number"
	case numberShape:
		return "a number"
	case booleanShape:
		return "true or false"
	case durationShape:
		return durationFormat.words
	case timeShape:
		return timeFormat.words
	}
	return "a text"
}

var kindWords = map[strictjson.Kind]string{
	strictjson.Object: "a mapping", strictjson.Array: "a list", strictjson.Number: "a number",
	strictjson.True: "true", strictjson.False: "false",
	strictjson.Null: "nothing", strictjson.String: "a text",
}

func (r *reader) mismatch(n *yaml.Node, f *field, path string) {
	kind, suggestion := strictyaml.KindOf(n), ""
	value := n.Value
	if len(value) > 60 {
		value = value[:60]
	}
	switch {
	case f.shape.kind == listShape && n.Kind == yaml.ScalarNode && kind != strictjson.Null:
		suggestion = fmt.Sprintf("write [%s]", value)
	case f.shape.wants() == strictjson.String && n.Kind == yaml.ScalarNode && kind != strictjson.Null:
		suggestion = fmt.Sprintf("write it in quotes, %q", value)
	case kind == strictjson.String && f.shape.kind != objectShape && f.shape.kind != namesShape:
		if plain := (&yaml.Node{Kind: yaml.ScalarNode, Value: value}); strictyaml.KindOf(plain) == f.shape.wants() {
			suggestion = "write it without quotes, " + value
		}
	case kind == strictjson.Array && len(n.Content) == 1:
		suggestion = "write the one value without the list"
	}
	r.fault(at(n), path, suggestion, "%s is wanted here, and this is %s", f.shape.words(), kindWords[kind])
}

func (r *reader) object(n *yaml.Node, v reflect.Value, s *shape, path string) {
	var ones []string
	seen, unknown := 0, false
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		f := s.byName[k.Value]
		if f == nil {
			r.fault(at(k), path, nearest.Suggest(k.Value, s.names()), "unknown field %.60q", k.Value)
			unknown = true
			continue
		}
		for _, one := range s.oneOf {
			if one == f.name {
				ones = append(ones, one)
			}
		}
		if f.required {
			seen++
		}
		r.value(n.Content[i+1], v.FieldByIndex(f.index), f, join(path, f.name))
	}
	if unknown { // which is likely what is missing
		return
	}
	if len(s.oneOf) > 0 && len(ones) != 1 {
		if len(ones) == 0 {
			r.fault(at(n), path, "write one of "+strings.Join(s.oneOf, ", "), "nothing is asked here")
		} else {
			others, last := strings.Join(ones[:len(ones)-1], ", "), ones[len(ones)-1]
			r.fault(at(n), path, "make them entries of their own", "%s and %s exclude each other", others, last)
		}
	}
	for _, f := range s.fields {
		if f.required && seen < s.required() && !has(n, f.name) {
			r.fault(at(n), path, "", "the field %q is missing", f.name)
		}
	}
}

// locate returns where a part of the document stands, or what it would be in.
func locate(n *yaml.Node, path string) place {
	for path != "" {
		var next *yaml.Node
		if path[0] == '[' {
			digits, rest, _ := strings.Cut(path[1:], "]")
			if i, err := strconv.Atoi(digits); err == nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
				next = n.Content[i]
			}
			path = rest
		} else {
			path = strings.TrimPrefix(path, ".")
			length := 0
			for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
				k := n.Content[i].Value
				if rest, ok := strings.CutPrefix(path, k); ok && len(k) > length && (rest == "" || rest[0] == '.' || rest[0] == '[') {
					next, length = n.Content[i+1], len(k)
				}
			}
			path = path[length:]
		}
		if next == nil {
			break
		}
		n = next
	}
	return at(n)
}

func has(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

func (s *shape) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

func (s *shape) required() (n int) {
	for _, f := range s.fields {
		if f.required {
			n++
		}
	}
	return n
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (r *reader) list(n *yaml.Node, v reflect.Value, f *field, path string) {
	if len(n.Content) == 0 {
		r.fault(at(n), path, "leave the field out, or name what is meant", "the list is empty")
		return
	}
	elem := *f
	elem.shape = f.shape.elem
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	seen := make(map[string]bool)
	for i, c := range n.Content {
		p := path + "[" + strconv.Itoa(i) + "]"
		r.value(c, out.Index(i), &elem, p)
		if c.Kind == yaml.ScalarNode {
			if seen[c.Value] {
				r.fault(at(c), p, "", "%.60q stands in this list twice", c.Value)
			}
			seen[c.Value] = true
		}
	}
	v.Set(out)
}

// names reads a mapping whose keys are the author's.
func (r *reader) names(n *yaml.Node, v reflect.Value, f *field, path string) {
	if len(n.Content) == 0 {
		r.fault(at(n), path, "leave the field out", "the mapping is empty")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content)/2, len(n.Content)/2)
	elem := &field{shape: f.shape.elem, min: 1}
	key := &field{shape: &shape{kind: textShape}, format: "name", enum: f.enum}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, e := n.Content[i], out.Index(i/2)
		if r.text(k, key, path) {
			e.Field(f.shape.key).SetString(k.Value)
		}
		r.value(n.Content[i+1], e, elem, join(path, k.Value))
	}
	v.Set(out)
}

// text checks a text and keeps it if it names something.
func (r *reader) text(n *yaml.Node, f *field, path string) bool {
	if strings.TrimSpace(n.Value) == "" {
		r.fault(at(n), path, "leave the field out, or say what is meant", "the text is empty")
		return false
	}
	if f.enum != nil && !contains(f.enum, n.Value) {
		r.fault(at(n), path, nearest.Suggest(n.Value, f.enum), "%.60q is none of the words that there are", n.Value)
		return false
	}
	if fm := formats[f.format]; fm != nil {
		if !fm.compile().MatchString(n.Value) {
			r.fault(at(n), path, "", "%.80q is not %s", n.Value, fm.words)
			return false
		}
		if fm.check != nil {
			if err := fm.check(n.Value); err != nil {
				r.fault(at(n), path, "", "%.80q: %v", n.Value, err)
				return false
			}
		}
	}
	if f.ref != "" {
		r.refs = append(r.refs, reference{f.ref, n.Value, path, at(n)})
	}
	return true
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func (r *reader) number(n *yaml.Node, v reflect.Value, f *field, path string) {
	if f.shape.kind == numberShape {
		x, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || x < 0 {
			r.fault(at(n), path, "", "%.40s is no number from 0 on", n.Value)
			return
		}
		v.SetFloat(x)
		return
	}
	const most = 1 << 31
	i, err := strconv.ParseInt(n.Value, 10, 64)
	// 1.0 and 1e0 are 1, as JSON Schema has it.
	if x, e := strconv.ParseFloat(n.Value, 64); err != nil && e == nil && x == math.Trunc(x) && math.Abs(x) <= most {
		i, err = int64(x), nil
	}
	switch {
	case err != nil || i < int64(f.min) || i > most:
		r.fault(at(n), path, "", "%.40s is no whole number from %d to %d", n.Value, f.min, most)
	default:
		v.SetInt(i)
	}
}

var units = map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}

// parseDuration reads what durationFormat has. Days have 24 hours. Zero is refused: what it means, nobody can be sure of.
func parseDuration(s string) (sum time.Duration, err error) {
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' {
			continue
		}
		unit, n := units[c], 0
		if n, err = strconv.Atoi(s[start:i]); err != nil || unit == 0 || i-start > 6 {
			return 0, fmt.Errorf("%.40q is not %s", s, durationFormat.words)
		}
		sum += time.Duration(n) * unit
		start = i + 1
	}
	switch {
	case start != len(s) || s == "":
		return 0, fmt.Errorf("%.40q is not %s", s, durationFormat.words)
	case sum <= 0 || sum > 100*365*24*time.Hour:
		return 0, fmt.Errorf("%.40q is no time that anything could last: leave the field out if it is for ever", s)
	}
	return sum, nil
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
	}
	if err != nil || strings.Contains(s, ",") || t.Year() < 2000 { // a comma is read by package time, and is not of RFC 3339
		return t, fmt.Errorf("%.40q is not %s", s, timeFormat.words)
	}
	return t.UTC(), nil
}
