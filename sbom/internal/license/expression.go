// Package license has SPDX licence expressions (SPDX 2.3, annex D), the list of licences, and names for those that are not on it.
package license

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A List is the SPDX licence list: ids and exceptions by their lower-case form.
type List struct {
	Licenses   map[string]string
	Exceptions map[string]string
}

// ParseList reads the list out of CycloneDX's spdx.schema.json, where the exceptions stand sorted behind the licences.
func ParseList(schema []byte) (*List, error) {
	var s struct {
		Enum []string `json:"enum"`
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		return nil, fmt.Errorf("licence list: %w", err)
	}
	l := &List{map[string]string{}, map[string]string{}}
	into, last := l.Licenses, ""
	for _, id := range s.Enum {
		key := strings.ToLower(id)
		if key < last {
			into = l.Exceptions
		}
		last = key
		into[key] = id
	}
	if len(l.Licenses) < 600 || len(l.Exceptions) < 60 {
		return nil, errors.New("licence list: not in the expected order")
	}
	return l, nil
}

var parentheses = strings.NewReplacer("(", " ( ", ")", " ) ")

// Tokens takes an expression apart: ids, operators and parentheses, whether they make an expression or not.
func Tokens(expr string) []string { return strings.Fields(parentheses.Replace(expr)) }

// maxDepth bounds nested parentheses.
const maxDepth = 100

// Check reports what is wrong with an expression, in a clause that says what to do. References to licences that are
// no listed ones, such as LicenseRef-x and DocumentRef-y:LicenseRef-x, are given to ref.
func Check(expr string, l *List, ref func(string)) error {
	p := &parser{rest: expr, list: l, ref: ref}
	p.next()
	if p.token == "" {
		return errors.New("write a licence expression, not an empty text")
	}
	if err := p.or(0); err != nil {
		return err
	}
	if p.token != "" {
		return fmt.Errorf("put AND or OR in front of %q", clip(p.token))
	}
	return nil
}

type parser struct {
	rest, token string
	list        *List
	ref         func(string)
}

func (p *parser) next() {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	n := strings.IndexAny(p.rest, "() \t\r\n")
	switch {
	case p.rest == "":
		n = 0
	case n == 0:
		n = 1
	case n < 0:
		n = len(p.rest)
	}
	p.token, p.rest = p.rest[:n], p.rest[n:]
}

func operator(s string) string {
	switch s {
	case "AND", "and":
		return "AND"
	case "OR", "or":
		return "OR"
	case "WITH", "with":
		return "WITH"
	}
	return ""
}

func (p *parser) or(depth int) error {
	for {
		if err := p.and(depth); err != nil {
			return err
		}
		if operator(p.token) != "OR" {
			return nil
		}
		p.next()
	}
}

func (p *parser) and(depth int) error {
	for {
		if err := p.term(depth); err != nil {
			return err
		}
		if operator(p.token) != "AND" {
			return nil
		}
		p.next()
	}
}

func (p *parser) term(depth int) error {
	if depth > maxDepth {
		return errors.New("write fewer parentheses inside of each other")
	}
	id := p.token
	switch {
	case id == "":
		return errors.New("put a licence id at the end")
	case id == "(":
		p.next()
		if err := p.or(depth + 1); err != nil {
			return err
		}
		if p.token != ")" {
			return errors.New("close the parenthesis")
		}
		p.next()
		return nil
	case id == ")" || operator(id) != "":
		return fmt.Errorf("put a licence id in front of %q", id)
	}
	if err := p.license(id); err != nil {
		return err
	}
	p.next()
	if operator(p.token) != "WITH" {
		return nil
	}
	p.next()
	if p.list.Exceptions[strings.ToLower(p.token)] == "" && !isRef(p.token, "AdditionRef-") {
		return fmt.Errorf("replace %q by a licence exception of the SPDX licence list, or by an AdditionRef", clip(p.token))
	}
	p.next()
	return nil
}

func (p *parser) license(id string) error {
	if isRef(id, "LicenseRef-") {
		if p.ref != nil {
			p.ref(id)
		}
		return nil
	}
	key := strings.ToLower(id)
	if base := strings.TrimSuffix(key, "+"); p.list.Licenses[key] == "" && (p.list.Licenses[base] == "" || strings.HasSuffix(base, "+")) {
		return fmt.Errorf("replace %q by a licence id of the SPDX licence list, or by a LicenseRef", clip(id))
	}
	return nil
}

// isRef reports whether s is a reference of a kind, here or in another document.
func isRef(s, kind string) bool {
	if name, ok := strings.CutPrefix(s, "DocumentRef-"); ok {
		doc, rest, _ := strings.Cut(name, ":")
		if !isID(doc) {
			return false
		}
		s = rest
	}
	name, ok := strings.CutPrefix(s, kind)
	return ok && isID(name)
}

// isID reports whether s is an idstring: letters, digits, dots and hyphens.
func isID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '.', c == '-':
		default:
			return false
		}
	}
	return s != ""
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "..."
	}
	return s
}
