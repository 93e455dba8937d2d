package quality

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema"
)

// ErrExpression means that a text is no SPDX licence expression.
var ErrExpression = errors.New("not an SPDX licence expression")

// Expression is a licence expression (SPDX 2.3, annex D; 3.0.1, annex "SPDX license expressions"). It is immutable.
type Expression struct {
	op       string // "AND", "OR", or "" for a licence
	parts    []*Expression
	license  License
	brackets bool
}

// A License is one licence of an expression.
type License struct {
	ID         string // as the SPDX licence list spells it, or LicenseRef-x, DocumentRef-y:LicenseRef-x
	OrLater    bool   // "+", which is for ids of the list
	Exception  string // behind WITH, as the list spells it, or AdditionRef-x
	Listed     bool   // on the SPDX licence list
	Deprecated bool   // on the list, to be replaced
}

// String is the licence as SPDX writes it.
func (l License) String() string {
	s := l.ID
	if l.OrLater {
		s += "+"
	}
	if l.Exception != "" {
		s += " WITH " + l.Exception
	}
	return s
}

// LicenseListVersion is the version of the SPDX licence list that ids are looked up in.
const LicenseListVersion = "3.28.0"

var licenseList = sync.OnceValues(func() (*license.List, error) {
	data, err := schema.Read("cyclonedx/spdx.schema.json")
	if err != nil {
		return nil, err
	}
	return license.ParseList(data)
})

// renamed are deprecated ids that the list has another spelling of, with the same meaning.
var renamed = map[string]string{
	"BSD-2-Clause-NetBSD":              "BSD-2-Clause",
	"GPL-2.0-with-autoconf-exception":  "GPL-2.0-only WITH Autoconf-exception-2.0",
	"GPL-2.0-with-bison-exception":     "GPL-2.0-only WITH Bison-exception-2.2",
	"GPL-2.0-with-classpath-exception": "GPL-2.0-only WITH Classpath-exception-2.0",
	"GPL-2.0-with-font-exception":      "GPL-2.0-only WITH Font-exception-2.0",
	"GPL-2.0-with-GCC-exception":       "GPL-2.0-only WITH GCC-exception-2.0",
	"GPL-3.0-with-autoconf-exception":  "GPL-3.0-only WITH Autoconf-exception-3.0",
	"GPL-3.0-with-GCC-exception":       "GPL-3.0-only WITH GCC-exception-3.1",
	"StandardML-NJ":                    "SMLNJ",
	"eCos-2.0":                         "GPL-2.0-or-later WITH eCos-exception-2.0",
	"wxWindows":                        "LGPL-2.0-or-later WITH WxWindows-exception-3.1",
}

// deprecated are the other ids of the list that it replaces; those of the GNU licences are known by their form.
var deprecated = []string{"BSD-2-Clause-FreeBSD", "bzip2-1.0.5", "Net-SNMP", "Nunit"}

// gnu says whether an id is of a GNU licence that has a form with -only and one with -or-later, and is neither.
func gnu(id string) bool {
	switch id {
	case "AGPL-1.0", "AGPL-3.0", "GFDL-1.1", "GFDL-1.2", "GFDL-1.3", "GPL-1.0", "GPL-2.0", "GPL-3.0", "LGPL-2.0", "LGPL-2.1", "LGPL-3.0":
		return true
	}
	return false
}

// Bounds of expressions.
const (
	maxLength = 1 << 16 // bytes
	maxTerms  = 1024    // of a comparison
)

// ParseExpression reads a licence expression. Ids are looked up in the SPDX licence list whatever their case; operators
// are in upper or in lower case. Errors wrap [ErrExpression] and say what to do.
func ParseExpression(s string) (*Expression, error) {
	list, err := licenseList()
	if err != nil {
		return nil, fmt.Errorf("quality: %w", err)
	}
	if len(s) > maxLength {
		return nil, fmt.Errorf("quality: %w: longer than %d bytes", ErrExpression, maxLength)
	}
	if err := license.Check(s, list, nil); err != nil {
		return nil, fmt.Errorf("quality: %w: %w", ErrExpression, err)
	}
	p := &expressionParser{tokens: license.Tokens(s), list: list}
	return p.or(), nil
}

// An expressionParser reads what is known to be well formed.
type expressionParser struct {
	tokens []string
	list   *license.List
}

func (p *expressionParser) take(want string) bool {
	if len(p.tokens) > 0 && strings.EqualFold(p.tokens[0], want) {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *expressionParser) or() *Expression  { return p.joined("OR", p.and) }
func (p *expressionParser) and() *Expression { return p.joined("AND", p.term) }

func (p *expressionParser) joined(op string, part func() *Expression) *Expression {
	parts := []*Expression{part()}
	for p.take(op) {
		parts = append(parts, part())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &Expression{op: op, parts: parts}
}

func (p *expressionParser) term() *Expression {
	if p.take("(") {
		e := *p.or()
		p.take(")")
		e.brackets = true
		return &e
	}
	id := p.tokens[0]
	p.tokens = p.tokens[1:]
	l := License{ID: id}
	if !strings.Contains(id, "Ref-") {
		l.Listed = true
		if spelled, ok := p.list.Licenses[strings.ToLower(id)]; ok {
			l.ID = spelled
		} else {
			l.ID, l.OrLater = p.list.Licenses[strings.ToLower(strings.TrimSuffix(id, "+"))], true
		}
		if base, plus := strings.CutSuffix(l.ID, "+"); plus { // an id of its own, of the GNU licences
			l.ID, l.OrLater = base, true
		}
		_, other := renamed[l.ID]
		l.Deprecated = other || gnu(l.ID) || slices.Contains(deprecated, l.ID)
	}
	if p.take("WITH") {
		l.Exception = p.tokens[0]
		if spelled, ok := p.list.Exceptions[strings.ToLower(l.Exception)]; ok {
			l.Exception = spelled
		}
		p.tokens = p.tokens[1:]
	}
	return &Expression{license: l}
}

// String writes the expression with the ids as the list spells them and operators in upper case.
func (e *Expression) String() string {
	s := e.license.String()
	if e.op != "" {
		parts := make([]string, len(e.parts))
		for i, p := range e.parts {
			parts[i] = p.String()
		}
		s = strings.Join(parts, " "+e.op+" ")
	}
	if e.brackets && e.op != "" {
		return "(" + s + ")"
	}
	return s
}

// Licenses returns the licences that the expression names, in its order.
func (e *Expression) Licenses() []License {
	if e.op == "" {
		return []License{e.license}
	}
	var out []License
	for _, p := range e.parts {
		out = append(out, p.Licenses()...)
	}
	return out
}

// Satisfied says whether a licensee can keep to the expression with licences that are allowed: all that stand with AND,
// one of those with OR.
func (e *Expression) Satisfied(allowed func(License) bool) bool {
	switch e.op {
	case "AND":
		return !slices.ContainsFunc(e.parts, func(p *Expression) bool { return !p.Satisfied(allowed) })
	case "OR":
		return slices.ContainsFunc(e.parts, func(p *Expression) bool { return p.Satisfied(allowed) })
	}
	return allowed(e.license)
}

// Allow returns a function for [Expression.Satisfied] that allows licences, given as expressions of one licence each. One
// that may be taken in a later version is allowed where a later version is, and one that is allowed with later versions is
// allowed in each of them. A licence with an exception has to be named with it. Errors wrap [ErrExpression].
func Allow(licenses ...string) (func(License) bool, error) {
	var list []License
	for _, s := range licenses {
		e, err := ParseExpression(s)
		if err != nil {
			return nil, err
		}
		if e.op != "" {
			return nil, fmt.Errorf("quality: %w: %q is more than one licence", ErrExpression, s)
		}
		list = append(list, e.license.current())
	}
	return func(l License) bool {
		l = l.current()
		return slices.ContainsFunc(list, func(a License) bool { return a == l || l.laterIs(a) || a.laterIs(l) })
	}, nil
}

// current spells a licence without deprecated ids, and references in lower case, which is not told apart in them.
func (l License) current() License {
	l.Listed, l.Deprecated = false, false
	if strings.Contains(l.ID, "Ref-") {
		l.ID = strings.ToLower(l.ID)
	}
	if strings.Contains(l.Exception, "Ref-") {
		l.Exception = strings.ToLower(l.Exception)
	}
	switch base := strings.TrimSuffix(strings.TrimSuffix(l.ID, "-only"), "-or-later"); {
	case l.OrLater && gnu(base):
		l.ID, l.OrLater = base+"-or-later", false
	case gnu(l.ID):
		l.ID += "-only"
	case renamed[l.ID] != "" && l.Exception == "":
		l.ID, l.Exception, _ = strings.Cut(renamed[l.ID], " WITH ")
	}
	return l
}

// laterIs says whether l may be taken as a, a later version of it.
func (l License) laterIs(a License) bool {
	family, version, later := l.version()
	other, at, _ := a.version()
	return later && family != "" && family == other && l.Exception == a.Exception && slices.Compare(version, at) <= 0
}

// version takes an id such as GPL-2.0-or-later apart.
func (l License) version() (family string, version []int, orLater bool) {
	id, gnuLater := strings.CutSuffix(l.ID, "-or-later")
	id = strings.TrimSuffix(id, "-only")
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return "", nil, false
	}
	for _, s := range strings.Split(id[i+1:], ".") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return "", nil, false
		}
		version = append(version, n)
	}
	return id[:i], version, gnuLater || l.OrLater
}

// Equal says whether two expressions ask for the same, whatever the order, the brackets and the case of ids: whether the
// same sets of licences satisfy them. Deprecated ids are the same as what replaces them with the same meaning, "GPL-2.0+" as
// "GPL-2.0-or-later". Expressions that are too large to work out are equal only if they are alike but for order.
func (e *Expression) Equal(other *Expression) bool {
	a, aok := e.terms()
	b, bok := other.terms()
	if !aok || !bok {
		return e.key() == other.key()
	}
	return slices.EqualFunc(a, b, slices.Equal)
}

// terms returns the smallest sets of licences that satisfy an expression. There is one way to write them.
func (e *Expression) terms() ([][]string, bool) {
	if e.op == "" {
		return [][]string{{e.license.current().String()}}, true
	}
	var out [][]string
	for i, p := range e.parts {
		t, ok := p.terms()
		if !ok || len(out)+len(t) > maxTerms || e.op == "AND" && len(out)*len(t) > maxTerms {
			return nil, false
		}
		switch {
		case i == 0 || e.op == "OR":
			out = append(out, t...)
		default:
			var both [][]string
			for _, a := range out {
				for _, b := range t {
					s := slices.Concat(a, b)
					slices.Sort(s)
					both = append(both, slices.Compact(s))
				}
			}
			out = both
		}
		out = smallest(out)
	}
	return out, true
}

// smallest leaves out sets that contain another one.
func smallest(sets [][]string) (out [][]string) {
	slices.SortFunc(sets, func(a, b []string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return slices.Compare(a, b)
	})
	for _, s := range sets {
		if !slices.ContainsFunc(out, func(o []string) bool {
			return !slices.ContainsFunc(o, func(l string) bool { _, ok := slices.BinarySearch(s, l); return !ok })
		}) {
			out = append(out, s)
		}
	}
	return out
}

// key writes an expression with its parts in order.
func (e *Expression) key() string {
	if e.op == "" {
		return e.license.current().String()
	}
	var parts []string
	var add func(*Expression)
	add = func(p *Expression) {
		if p.op != e.op {
			parts = append(parts, p.key())
			return
		}
		for _, q := range p.parts {
			add(q)
		}
	}
	add(e)
	slices.Sort(parts)
	return "(" + strings.Join(slices.Compact(parts), " "+e.op+" ") + ")"
}
