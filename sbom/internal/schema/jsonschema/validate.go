package jsonschema

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A Problem is one reason to refuse a document.
type Problem struct {
	Node    Node   // the value or the member name it is about
	Keyword string // of JSON Schema; "case" for a member name in other case than the schema's
	Format  string // if the keyword is "format"
	Advice  string // a sentence that says what to do
}

// ErrWork is returned for a document whose alternatives cost too much to try.
var ErrWork = errors.New("validation takes more work than a document of this size can need")

// Validate returns up to most problems, in the order of the text.
func (s *Schema) Validate(d *Document, most int) ([]Problem, error) {
	v := validator{d: d, work: 1000*d.Len() + 1_000_000, hashes: map[Node]uint64{}}
	found := v.eval(s, d.Root(), nil)
	if v.work < 0 {
		return nil, ErrWork
	}
	slices.SortStableFunc(found, func(a, b finding) int { return int(a.node - b.node) })
	var out []Problem
	for i, f := range found {
		if len(out) == most {
			break
		}
		if i > 0 && f == found[i-1] {
			continue
		}
		p := Problem{Node: f.node, Keyword: f.keyword, Advice: v.advice(f)}
		if f.keyword == "format" {
			p.Format = f.schema.format
		}
		out = append(out, p)
	}
	return out, nil
}

type validator struct {
	d      *Document
	work   int
	hashes map[Node]uint64
	quiet  bool // only whether there is a finding matters
}

// refused stands for all findings where only whether there are any matters.
var refused = make([]finding, 1)

// join puts findings together.
func (v *validator) join(found, more []finding) []finding {
	switch {
	case len(more) == 0:
		return found
	case v.quiet:
		return refused
	case found == nil:
		return more
	}
	return append(found, more...)
}

// takes reports whether s has nothing to say against n.
func (v *validator) takes(s *Schema, n Node, marks *seen) bool {
	was := v.quiet
	v.quiet = true
	found := v.eval(s, n, marks)
	v.quiet = was
	return len(found) == 0
}

// A finding becomes a Problem once it is sure that nobody takes an alternative to it.
type finding struct {
	node    Node
	schema  *Schema
	keyword string
	detail  string
}

// seen marks the members of one object that some schema has dealt with, by their places in it.
type seen struct {
	first uint64
	more  []uint64
}

func (s *seen) has(i int) bool {
	if i < 64 {
		return s.first&(1<<i) != 0
	}
	i -= 64
	return i/64 < len(s.more) && s.more[i/64]&(1<<(i%64)) != 0
}

func (s *seen) mark(i int) {
	if i < 64 {
		s.first |= 1 << i
		return
	}
	i -= 64
	for i/64 >= len(s.more) {
		s.more = append(s.more, 0)
	}
	s.more[i/64] |= 1 << (i % 64)
}

func (s *seen) add(other *seen) {
	s.first |= other.first
	for i, w := range other.more {
		if i == len(s.more) {
			s.more = append(s.more, 0)
		}
		s.more[i] |= w
	}
}

// fail adds a finding about n.
func (v *validator) fail(found []finding, s *Schema, n Node, keyword string) []finding {
	if v.quiet {
		return refused
	}
	return append(found, finding{n, s, keyword, ""})
}

// all marks every member of n.
func (s *seen) all(d *Document, n Node) {
	i := 0
	for range d.Members(n) {
		s.mark(i)
		i++
	}
}

func (v *validator) eval(s *Schema, n Node, marks *seen) (found []finding) {
	if v.work--; v.work < 0 {
		return nil
	}
	if s.never {
		return v.fail(nil, s, n, "false")
	}
	kind := v.d.Kind(n)
	if s.types != 0 && !v.isType(n, kind, s.types) {
		return v.fail(nil, s, n, "type")
	}
	if s.plain && kind == strictjson.String {
		if s.enum != nil && !s.words.slot(v.d.String(n)).known {
			found = v.fail(found, s, n, "enum")
		}
		return v.join(found, v.text(s, n))
	}
	if s.left != nil && marks == nil && kind == strictjson.Object {
		marks = &seen{}
	}
	if s.ref != nil {
		found = v.join(found, v.eval(s.ref, n, marks))
	}
	if (s.enum != nil || s.only != nil) && !v.isOneOf(s, n, kind) {
		found = v.fail(found, s, n, "enum")
	}
	switch kind {
	case strictjson.Object:
		found = v.join(found, v.object(s, n, marks))
	case strictjson.Array:
		found = v.join(found, v.array(s, n))
	case strictjson.String:
		found = v.join(found, v.text(s, n))
	case strictjson.Number:
		found = v.join(found, v.number(s, n))
	}
	for _, sub := range s.allOf {
		found = v.join(found, v.eval(sub, n, marks))
	}
	if s.anyOf != nil {
		found = v.join(found, v.choice(s, s.anyOf, "anyOf", n, kind, marks))
	}
	if s.oneOf != nil {
		found = v.join(found, v.choice(s, s.oneOf, "oneOf", n, kind, marks))
	}
	if s.not != nil && len(v.eval(s.not, n, nil)) == 0 {
		found = v.fail(found, s, n, "not")
	}
	if s.cond != nil {
		found = v.join(found, v.conditional(s, n, marks))
	}
	if s.left != nil {
		found = v.join(found, v.unevaluated(s, n, marks))
	}
	return found
}

// conditional is what "then" or "else" says, by whether "if" holds.
func (v *validator) conditional(s *Schema, n Node, marks *seen) []finding {
	branch, was := s.then, v.quiet
	v.quiet = false // what is marked in it counts, too, where it does not hold
	if len(v.eval(s.cond, n, marks)) > 0 {
		branch = s.orElse
	}
	v.quiet = was
	if branch == nil {
		return nil
	}
	return v.eval(branch, n, marks)
}

// unevaluated judges the members that no other part of the schema has dealt with.
func (v *validator) unevaluated(s *Schema, n Node, marks *seen) (found []finding) {
	i := -1
	for name, value := range v.d.Members(n) {
		if i++; marks.has(i) {
			continue
		}
		marks.mark(i)
		if s.left.never {
			found = v.fail(found, s, name, "unevaluatedProperties")
		} else {
			found = v.join(found, v.eval(s.left, value, nil))
		}
	}
	return found
}

func (v *validator) number(s *Schema, n Node) []finding {
	if s.min == nil && s.max == nil {
		return nil
	}
	f, err := strconv.ParseFloat(string(v.d.Raw(n)), 64)
	switch {
	case err != nil && !math.IsInf(f, 0):
		return v.fail(nil, s, n, "type")
	case s.min != nil && f < *s.min:
		return v.fail(nil, s, n, "minimum")
	case s.max != nil && f > *s.max:
		return v.fail(nil, s, n, "maximum")
	}
	return nil
}

func (v *validator) isType(n Node, kind strictjson.Kind, allowed typeSet) bool {
	if allowed&kindTypes[kind&127] != 0 {
		return true
	}
	return kind == strictjson.Number && allowed&tInteger != 0 && !strings.Contains(canonicalNumber(v.d.Raw(n)), "e-")
}

func (v *validator) isOneOf(s *Schema, n Node, kind strictjson.Kind) bool {
	if kind == strictjson.String {
		return s.enum != nil && s.words.slot(v.d.String(n)).known
	}
	for _, raw := range s.only {
		if d, err := Parse(raw, strictjson.Limits{}); err == nil && sameValue(v.d, n, d, d.Root()) {
			return true
		}
	}
	return false
}

// sameValue compares a value with one of another document; the schemas have only small ones.
func sameValue(a *Document, n Node, b *Document, m Node) bool {
	both := slices.Concat([]byte{'['}, a.Raw(n), []byte{','}, b.Raw(m), []byte{']'})
	d, err := Parse(both, strictjson.Limits{})
	return err == nil && d.equal(1, d.next(1))
}

func (v *validator) object(s *Schema, n Node, marks *seen) (found []finding) {
	missing := len(s.required)
	if missing == 0 && len(s.props) == 0 && s.others == nil {
		return nil
	}
	i := -1
	for name, value := range v.d.Members(n) {
		i++
		text := v.d.String(name)
		slot := s.names.slot(text)
		if slot.required {
			missing--
		}
		if slot.schema != nil {
			if marks != nil {
				marks.mark(i)
			}
			found = v.join(found, v.eval(slot.schema, value, nil))
			continue
		}
		if right := s.inOtherCase(text); right != "" {
			found = append(found, finding{name, s, "case", right})
			if marks != nil {
				marks.mark(i)
			}
			continue
		}
		if s.others != nil {
			if marks != nil {
				marks.mark(i)
			}
			if s.others.never {
				found = append(found, finding{name, s, "additionalProperties", ""})
			} else {
				found = v.join(found, v.eval(s.others, value, nil))
			}
		}
	}
	if missing > 0 {
		for _, r := range s.required {
			if v.d.Member(n, r) < 0 {
				found = append(found, finding{n, s, "required", strconv.Quote(r)})
			}
		}
	}
	return found
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// inOtherCase returns the member that a name differs from in case only.
func (s *Schema) inOtherCase(name string) string {
	var lower [64]byte
	switch {
	case len(name) > len(lower):
		return s.folded[strings.ToLower(name)]
	case s.lengths&(1<<min(len(name), 63)) == 0 && isASCII(name):
		return ""
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= utf8.RuneSelf:
			return s.folded[strings.ToLower(name)]
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return s.folded[string(lower[:len(name)])]
}

func (v *validator) array(s *Schema, n Node) (found []finding) {
	count := 0
	for i, item := range v.d.Elements(n) {
		count++
		switch {
		case i < len(s.tuple):
			found = v.join(found, v.eval(s.tuple[i], item, nil))
		case s.item != nil:
			found = v.join(found, v.eval(s.item, item, nil))
		}
	}
	if count < s.minItems {
		found = append(found, finding{n, s, "minItems", ""})
	}
	if s.maxItems >= 0 && count > s.maxItems {
		found = append(found, finding{n, s, "maxItems", ""})
	}
	if s.unique && count > 1 {
		found = v.join(found, v.repeated(s, n, count))
	}
	return found
}

func (v *validator) text(s *Schema, n Node) (found []finding) {
	if s.pattern == nil && s.format == "" && s.minLen == 0 && s.maxLen < 0 {
		return nil
	}
	text := v.d.String(n)
	if s.pattern != nil && !s.pattern.match(text) {
		if v.quiet {
			return refused
		}
		found = append(found, finding{n, s, "pattern", ""})
	}
	if f, ok := formats[s.format]; ok && !f.valid(text) {
		found = append(found, finding{n, s, "format", f.what})
	}
	if s.minLen > 0 || s.maxLen >= 0 {
		length := utf8.RuneCountInString(text)
		if length < s.minLen {
			found = append(found, finding{n, s, "minLength", ""})
		}
		if s.maxLen >= 0 && length > s.maxLen {
			found = append(found, finding{n, s, "maxLength", ""})
		}
	}
	return found
}
