package jsonschema

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
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

func (v *validator) eval(s *Schema, n Node, marks *seen) (found []finding) {
	if v.work--; v.work < 0 {
		return nil
	}
	fail := func(at Node, keyword, detail string) {
		if v.quiet {
			found = refused
			return
		}
		found = append(found, finding{at, s, keyword, detail})
	}
	if s.never {
		fail(n, "false", "")
		return found
	}
	kind := v.d.Kind(n)
	if s.types != 0 && !v.isType(n, kind, s.types) {
		fail(n, "type", "")
		return found
	}
	if s.plain && kind == strictjson.String {
		if s.enum != nil && !s.enum[v.d.String(n)] {
			fail(n, "enum", "")
		}
		return v.join(found, v.text(s, n))
	}
	if s.left != nil && marks == nil && kind == strictjson.Object {
		marks = &seen{}
	}
	if s.ref != nil {
		found = v.join(found, v.eval(s.ref, n, marks))
	}
	if s.enum != nil || s.only != nil {
		if !v.isOneOf(s, n, kind) {
			fail(n, "enum", "")
		}
	}
	switch kind {
	case strictjson.Object:
		found = v.join(found, v.object(s, n, marks))
	case strictjson.Array:
		found = v.join(found, v.array(s, n))
	case strictjson.String:
		found = v.join(found, v.text(s, n))
	case strictjson.Number:
		if s.min != nil || s.max != nil {
			f, err := strconv.ParseFloat(string(v.d.Raw(n)), 64)
			if err != nil && !math.IsInf(f, 0) {
				fail(n, "type", "")
			} else if s.min != nil && f < *s.min {
				fail(n, "minimum", "")
			} else if s.max != nil && f > *s.max {
				fail(n, "maximum", "")
			}
		}
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
		fail(n, "not", "")
	}
	if s.cond != nil {
		branch, was := s.then, v.quiet
		v.quiet = false // what is marked in it counts, too, where it does not hold
		if len(v.eval(s.cond, n, marks)) > 0 {
			branch = s.orElse
		}
		v.quiet = was
		if branch != nil {
			found = v.join(found, v.eval(branch, n, marks))
		}
	}
	if s.left != nil {
		i := -1
		for name, value := range v.d.Members(n) {
			if i++; !marks.has(i) {
				marks.mark(i)
				if s.left.never {
					fail(name, "unevaluatedProperties", "")
				} else {
					found = v.join(found, v.eval(s.left, value, nil))
				}
			}
		}
	}
	return found
}

func (v *validator) isType(n Node, kind strictjson.Kind, allowed typeSet) bool {
	if allowed&kindTypes[kind&127] != 0 {
		return true
	}
	return kind == strictjson.Number && allowed&tInteger != 0 && !strings.Contains(canonicalNumber(v.d.Raw(n)), "e-")
}

func (v *validator) isOneOf(s *Schema, n Node, kind strictjson.Kind) bool {
	if kind == strictjson.String {
		return s.enum[string(v.d.Text(n))]
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

// inOtherCase returns the member that a name differs from in case only.
func (s *Schema) inOtherCase(name string) string {
	var lower [64]byte
	if len(name) > len(lower) {
		return s.folded[strings.ToLower(name)]
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
	if s.lengths&(1<<min(len(name), 63)) == 0 {
		return ""
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

// choice tries alternatives. Where none fits it reports what is wrong with the one that is closest.
//
// What a failed choice says of the members of n counts as said of them: only the reasons are of interest then, and that
// the schema has not dealt with a member is none.
func (v *validator) choice(s *Schema, subs []*Schema, keyword string, n Node, kind strictjson.Kind, marks *seen) []finding {
	var best []finding
	var bestMarks seen
	bestScore, passed := math.MinInt, 0
	var fit []*Schema    // the alternatives that take it
	others := 0          // alternatives that a member speaks against
	var lacking []string // what each alternative lacks, if it is one member
	able := subs         // those that are left
	by := s.byAny
	if keyword == "oneOf" {
		by = s.byOne
	}
	if by != nil && kind == strictjson.Object {
		if m := v.d.Member(n, by.member); m >= 0 && v.d.Kind(m) == strictjson.String {
			able = by.of(v.d.String(m))
			others = len(subs) - len(able)
		}
	}
	if taken := v.alternatives(able, keyword, n, kind, marks); taken || v.quiet {
		if taken {
			return nil
		}
		return refused
	}
	for _, sub := range able {
		if v.work--; v.work < 0 {
			return nil
		}
		if kind == strictjson.Object && v.pinned(sub, n) != "" {
			others++
			continue
		}
		var own *seen
		if marks != nil {
			own = &seen{}
		}
		found := v.eval(sub, n, own)
		if len(found) == 0 {
			passed++
			if keyword == "oneOf" {
				fit = append(fit, sub)
			}
			if own != nil {
				marks.add(own)
			}
			if keyword == "anyOf" && marks == nil {
				return nil
			}
			continue
		}
		if f := found[0]; len(found) == 1 && f.node == n && f.keyword == "required" {
			lacking = append(lacking, f.detail)
		}
		if score := v.closeness(n, found); score > bestScore {
			best, bestScore, bestMarks = found, score, seen{}
			if own != nil {
				bestMarks = *own
			}
		}
	}
	if marks != nil && (passed == 0 || passed > 1 && keyword == "oneOf") {
		if best == nil || bestScore < 0 {
			i := 0
			for range v.d.Members(n) {
				marks.mark(i)
				i++
			}
		}
		marks.add(&bestMarks)
	}
	switch {
	case passed == 1, passed > 1 && keyword == "anyOf":
		return nil
	case passed > 1:
		return []finding{{n, s, "oneOf", strconv.Itoa(passed) + " alternatives that exclude each other" + alternatives(fit)}}
	case others == len(subs):
		// The member that speaks against the fewest is the one that is wrong in what is meant.
		against := map[string][]*Schema{}
		for _, sub := range subs {
			name := v.pinned(sub, n)
			against[name] = append(against[name], sub)
		}
		pin := slices.MinFunc(slices.Sorted(maps.Keys(against)), func(a, b string) int { return len(against[a]) - len(against[b]) })
		var allowed []string
		for _, sub := range against[pin] {
			allowed = append(allowed, sub.pins[pin]...)
		}
		slices.Sort(allowed)
		return []finding{{v.d.Member(n, pin), &Schema{enumList: slices.Compact(allowed)}, "enum", ""}}
	case best == nil || bestScore < 0:
		return []finding{{n, s, keyword, ""}}
	case len(lacking) == len(subs):
		return []finding{{n, s, "required", strings.Join(lacking, " or ")}}
	}
	return best
}

// alternatives reports whether as many alternatives take n as have to, and marks what they deal with.
func (v *validator) alternatives(subs []*Schema, keyword string, n Node, kind strictjson.Kind, marks *seen) bool {
	passed := 0
	for _, sub := range subs {
		if kind == strictjson.Object && v.pinned(sub, n) != "" {
			continue
		}
		var own *seen
		if marks != nil {
			own = &seen{}
		}
		if !v.takes(sub, n, own) {
			continue
		}
		if passed++; own != nil {
			marks.add(own)
		} else if keyword == "anyOf" {
			return true
		}
	}
	return passed == 1 || passed > 1 && keyword == "anyOf"
}

// pinned returns the member that shows that the object n cannot be what sub describes, the first by name, or nothing.
func (v *validator) pinned(sub *Schema, n Node) (first string) {
	for name, allowed := range sub.pins {
		m := v.d.Member(n, name)
		if m < 0 || v.d.Kind(m) != strictjson.String { // leave it to the schema
			continue
		}
		if (first == "" || name < first) && !slices.Contains(allowed, v.d.String(m)) {
			first = name
		}
	}
	return first
}

// closeness is larger the more an alternative that failed looks like what was meant, negative if not at all.
func (v *validator) closeness(n Node, found []finding) int {
	score := 1000 - min(len(found), 100)
	for _, f := range found {
		if f.node == n && (f.keyword == "type" || f.keyword == "enum" || f.keyword == "false") {
			return -1
		}
		switch f.keyword {
		case "additionalProperties", "unevaluatedProperties":
			if v.isMember(n, f.node) {
				score -= 200
			}
		case "required":
			if f.node == n {
				score -= 100
			}
		}
	}
	return score
}

func (v *validator) isMember(n, name Node) bool {
	for k := range v.d.Members(n) {
		if k == name {
			return true
		}
	}
	return false
}

// hints say in words what a pattern of the schemas says.
var hints = map[string]string{
	`^([a-fA-F0-9]{32}|[a-fA-F0-9]{40}|[a-fA-F0-9]{64}|[a-fA-F0-9]{96}|[a-fA-F0-9]{128})$`: "32, 40, 64, 96 or 128 hexadecimal digits",
	`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`:              `"urn:uuid:" and a UUID in lower case`,
	`^(?!_:).+:.+`: "an IRI, which has a scheme and is no blank node",
	`^_:.+`:        `a blank node, such as "_:x"`,
	`^[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](Z|[+-][0-9]{2}:[0-9]{2})$`: `a date and time with zone, such as "2024-05-31T17:00:00Z"`,
	`^\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$`:                                                       `a date and time in UTC, such as "2024-05-31T17:00:00Z"`,
	`^[-+a-z0-9.]+/[-+a-z0-9.]+$`:                                                                `a media type, such as "text/plain"`,
	`^[^\/]+\/[^\/]+$`:                                                                           `a media type, such as "text/plain"`,
	`^([a-z]{2})(-[A-Z]{2})?$`:                                                                   `a language, such as "en" or "en-GB"`,
	`^(.*)$`:                                                                                     "text of one line",
}

const mostNames = 12

func list(names []string) string {
	quoted := make([]string, 0, mostNames)
	for _, n := range names[:min(len(names), mostNames)] {
		quoted = append(quoted, strconv.Quote(n))
	}
	if more := len(names) - mostNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(quoted, ", "), more)
	}
	return strings.Join(quoted, ", ")
}

func (v *validator) advice(f finding) string {
	said := clip(v.d.Raw(f.node))
	s := f.schema
	switch f.keyword {
	case "type":
		return fmt.Sprintf("Write %v here instead of %v.", s.types, v.d.Kind(f.node))
	case "false":
		return "Remove this value: nothing may stand here."
	case "enum":
		if len(s.enumList) == 0 {
			return fmt.Sprintf("Replace %s by %s.", said, bytes.Join(rawList(s), []byte(" or ")))
		}
		if len(s.enumList) == 1 {
			return fmt.Sprintf("Write %q instead of %s.", s.enumList[0], said)
		}
		if near := nearest(strings.Trim(said, `"`), s.enumList); near != "" {
			return fmt.Sprintf("Replace %s, which is not in the list of allowed values, perhaps by %q.", said, near)
		}
		if len(s.enumList) > 100 {
			return fmt.Sprintf("Replace %s by one of the %d values that are allowed here.", said, len(s.enumList))
		}
		return fmt.Sprintf("Replace %s by one of %s.", said, list(s.enumList))
	case "required":
		return fmt.Sprintf("Add the member %s, which %s must have.", f.detail, s.object())
	case "additionalProperties", "unevaluatedProperties":
		names := slices.Sorted(maps.Keys(s.props))
		if near := nearest(strings.Trim(said, `"`), names); near != "" {
			return fmt.Sprintf("Remove the member %s, which %s does not have, or write %q.", said, s.object(), near)
		}
		return fmt.Sprintf("Remove the member %s, which %s does not have.", said, s.object())
	case "case":
		return fmt.Sprintf("Write the member name as %q: names differ by case.", f.detail)
	case "minimum":
		return fmt.Sprintf("Replace %s by a number that is at least %v.", said, *s.min)
	case "maximum":
		return fmt.Sprintf("Replace %s by a number that is at most %v.", said, *s.max)
	case "minItems":
		return fmt.Sprintf("Add elements until there are at least %d.", s.minItems)
	case "maxItems":
		return fmt.Sprintf("Remove elements until there are at most %d.", s.maxItems)
	case "uniqueItems":
		return fmt.Sprintf("Remove element %s, which repeats an earlier one.", f.detail)
	case "minLength":
		return fmt.Sprintf("Write at least %d characters here.", s.minLen)
	case "maxLength":
		return fmt.Sprintf("Write at most %d characters here.", s.maxLen)
	case "pattern":
		if h := hints[s.pattern.text]; h != "" {
			return fmt.Sprintf("Replace %s by %s.", said, h)
		}
		return fmt.Sprintf("Replace %s by text that matches the pattern %s.", said, s.pattern.text)
	case "format":
		return fmt.Sprintf("Replace %s by %s.", said, f.detail)
	case "not":
		if s.not.required != nil {
			return fmt.Sprintf("Remove %s: they must not stand here together, or not beside what else is said here.", list(s.not.required))
		}
		return "Change this value: it has a form that is excluded here."
	case "oneOf":
		if f.detail != "" {
			return fmt.Sprintf("Keep only one form: this value fits %s.", f.detail)
		}
		return fmt.Sprintf("Write exactly one of the allowed forms here%s.", alternatives(s.oneOf))
	case "anyOf":
		return fmt.Sprintf("Write one of the allowed forms here%s.", alternatives(s.anyOf))
	}
	return "Change this value."
}

func rawList(s *Schema) [][]byte {
	var out [][]byte
	for _, raw := range s.only {
		out = append(out, raw)
	}
	return out
}

func (s *Schema) object() string {
	if s.title != "" {
		return "the object " + strconv.Quote(s.title)
	}
	return "this object"
}

// alternatives names what it can of the forms to choose from.
func alternatives(subs []*Schema) string {
	var names []string
	for _, sub := range subs {
		for sub.ref != nil && sub.title == "" {
			sub = sub.ref
		}
		name := sub.title
		if name == "" && sub.required != nil {
			name = "with " + strings.Join(sub.required, " and ")
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names == nil {
		return ""
	}
	return " (" + strings.Join(names[:min(len(names), mostNames)], "; ") + ")"
}

// nearest finds what was probably meant: the same letters in other case, or at most two edits away.
func nearest(said string, names []string) string {
	best, distance := "", 3
	for _, name := range names {
		if strings.EqualFold(name, said) {
			return name
		}
		if d := edits(said, name, distance); d < distance && d < len(name)/2 {
			best, distance = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance, or most if it is larger.
func edits(a, b string, most int) int {
	if len(a) > 64 || len(b) > 64 || len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return min(row[len(b)], most)
}

// clip shortens what a document says for a message.
func clip(raw []byte) string {
	const most = 60
	if len(raw) <= most {
		return string(raw)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(raw[cut]) {
		cut--
	}
	return string(raw[:cut]) + "..."
}
