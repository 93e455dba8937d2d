package jsonschema

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A choice is what became of alternatives of which too few or too many take a value.
type choice struct {
	fit     []*Schema // those that take it
	others  int       // how many a member speaks against
	lacking []string  // what each of the rest lacks, if it is one member

	best  []finding // of the one that is closest
	marks seen
	score int
}

// choice tries alternatives. Where none fits it reports what is wrong with the one that is closest.
//
// What a failed choice says of the members of n counts as said of them: only the reasons are of interest then, and that
// the schema has not dealt with a member is none.
func (v *validator) choice(s *Schema, subs []*Schema, keyword string, n Node, kind strictjson.Kind, marks *seen) []finding {
	able := v.able(s, subs, keyword, n, kind)
	if v.alternatives(able, keyword, n, kind, marks) {
		return nil
	}
	if v.quiet {
		return refused
	}
	c := choice{others: len(subs) - len(able), score: math.MinInt}
	for _, sub := range able {
		if v.work--; v.work < 0 {
			return nil
		}
		if kind == strictjson.Object && v.pinned(sub, n) != "" {
			c.others++
			continue
		}
		v.try(&c, sub, n, marks != nil)
	}
	if marks != nil {
		if c.score < 0 {
			marks.all(v.d, n)
		}
		marks.add(&c.marks)
	}
	switch {
	case len(c.fit) > 0:
		return []finding{{n, s, "oneOf", strconv.Itoa(len(c.fit)) + " alternatives that exclude each other" + alternatives(c.fit)}}
	case c.others == len(subs):
		return v.contradicted(subs, n)
	case c.score < 0:
		return []finding{{n, s, keyword, ""}}
	case len(c.lacking) == len(subs):
		return []finding{{n, s, "required", strings.Join(c.lacking, " or ")}}
	}
	return c.best
}

// able returns the alternatives that are left when a member says by its value which ones are meant.
func (v *validator) able(s *Schema, subs []*Schema, keyword string, n Node, kind strictjson.Kind) []*Schema {
	by := s.byAny
	if keyword == "oneOf" {
		by = s.byOne
	}
	if by == nil || kind != strictjson.Object {
		return subs
	}
	m := v.d.Member(n, by.member)
	if m < 0 || v.d.Kind(m) != strictjson.String {
		return subs
	}
	return by.of(v.d.String(m))
}

// try notes in c what an alternative says of n.
func (v *validator) try(c *choice, sub *Schema, n Node, marked bool) {
	var own *seen
	if marked {
		own = &seen{}
	}
	found := v.eval(sub, n, own)
	if len(found) == 0 {
		c.fit = append(c.fit, sub)
		return
	}
	if f := found[0]; len(found) == 1 && f.node == n && f.keyword == "required" {
		c.lacking = append(c.lacking, f.detail)
	}
	if score := v.closeness(n, found); score > c.score {
		c.best, c.score, c.marks = found, score, seen{}
		if own != nil {
			c.marks = *own
		}
	}
}

// contradicted is about an object in which a member speaks against each alternative: the one that speaks against the fewest is the one
// that is wrong in what is meant.
func (v *validator) contradicted(subs []*Schema, n Node) []finding {
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
	for i := range sub.fixed {
		m := v.d.Member(n, sub.fixed[i].name)
		if m < 0 || v.d.Kind(m) != strictjson.String { // leave it to the schema
			continue
		}
		if !slices.Contains(sub.fixed[i].values, v.d.String(m)) {
			return sub.fixed[i].name
		}
	}
	return ""
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
