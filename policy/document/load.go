package document

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/nearest"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/verify"
)

// Options are what a program brings to a document.
type Options struct {
	// Trust makes the verifiers of entries of trust that are no keys, by their kind.
	Trust map[string]TrustFunc
	// Conditions compiles conditions, such as package policy/document/cel does; nil refuses documents with conditions.
	Conditions Conditions
	// Unbound loads a document without its kinds of trust and its conditions, to look at it: what it decides is Indeterminate.
	Unbound bool
	// Now tells the time that keys are held against; nil means time.Now.
	Now func() time.Time
}

// A loader turns a document into a policy, and keeps every fault.
type loader struct {
	doc     *Document
	spec    *spec
	opts    Options
	r       *reader
	signers map[string]*policy.Signer
	keys    map[verify.Identity]string
	entries []entry
	sets    map[string]*ruleSetSpec
	using   []string // sets that are being compiled, outermost first
	count   int

	exceptions []rules.Exception // of the document
}

// maxRules bounds what the sets of a document come to where they use each other, maxGates for how many doors that is made.
const (
	maxRules = 5_000
	maxGates = 32
)

// Load turns the document into a policy. What cannot be said in it, and what could never be met, is an error, [Errors]: a condition
// that does not compile, a rule that a package refuses, an unknown kind of trust.
func (d *Document) Load(o *Options) (*Policy, error) {
	l := &loader{doc: d, spec: d.spec, r: new(reader), signers: map[string]*policy.Signer{}, keys: map[verify.Identity]string{},
		sets: map[string]*ruleSetSpec{}}
	if o != nil {
		l.opts = *o
	}
	for i := range d.spec.Rules {
		l.sets[d.spec.Rules[i].Name] = &d.spec.Rules[i]
	}
	if gates := d.spec.gateNames(); len(gates) > maxGates {
		l.fault("gates", "", "%d doors, and at most %d may have settings of their own", len(gates), maxGates)
		return nil, l.r.err()
	}
	l.trust()
	l.documentExceptions()
	p := &Policy{doc: d, unbound: l.opts.Unbound, trusted: &trusted{l.entries}, gates: d.spec.gateNames()}
	for i := range d.spec.Injected {
		p.injected = append(p.injected, newInjected(&d.spec.Injected[i]))
	}
	for i := range d.spec.Images {
		p.images = append(p.images, l.image(&d.spec.Images[i], fmt.Sprintf("images[%d]", i), p.gates))
	}
	if err := l.r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// image compiles an entry, for each door that is named anywhere: what a refusal does is part of the policy.
func (l *loader) image(s *imageSpec, path string, gates []string) *image {
	m := &image{name: s.Name, byGate: map[string]policy.Policy{}}
	for _, text := range s.Match {
		p, err := parsePattern(text)
		if err != nil { // which Parse would have refused
			l.fault(path+".match", "", "%v", err)
			continue
		}
		m.patterns = append(m.patterns, p)
	}
	if m.name == "" {
		m.name = strings.Join(s.Match, ", ")
	}
	var compiled []*compiled
	for i := range s.Require {
		compiled = append(compiled, l.rule(&s.Require[i], fmt.Sprintf("%s.require[%d]", path, i), true))
	}
	for _, g := range gates {
		base := effectAt(g, s.Gates, effectAt(g, l.spec.Gates, effect{}))
		var p policy.Policy
		switch {
		case s.Deny != "":
			p = base.soften(deny("images "+m.name, s.Deny))
		case s.Exempt != nil:
			p = base.soften(exempt{s.Exempt})
		default:
			parts := make([]policy.Policy, 0, len(compiled))
			for _, c := range compiled {
				parts = append(parts, c.at(g, base))
			}
			p = l.breakGlass(policy.All(parts...))
		}
		m.byGate[g] = p
	}
	return m
}

// documentExceptions checks the exceptions that are for all rules.
func (l *loader) documentExceptions() {
	var names []string
	l.spec.eachRule(func(r *ruleSpec, _ string) {
		if r.Name != "" {
			names = append(names, r.Name)
		}
	})
	for i, e := range l.spec.Exceptions {
		path := fmt.Sprintf("exceptions[%d]", i)
		if err := e.Validate(); err != nil {
			l.fault(path, "", "%s", trimmed(err))
		}
		if e.Rule != "" && !slices.Contains(names, e.Rule) {
			l.fault(path+".rule", nearest.Suggest(e.Rule, names), "no rule is called %.80q", e.Rule)
		}
	}
	l.exceptions = l.spec.Exceptions
	if b := l.spec.BreakGlass; b != nil {
		if b.MaxAge > 0 && l.onlyKeys(b.By) {
			l.fault("breakGlass", "", "maxAge: signatures by keys have no proven time, so nobody could")
		}
		if len(b.By) < b.AtLeast {
			l.fault("breakGlass", "", "it asks for %d signers and names %d", b.AtLeast, len(b.By))
		}
	}
}

// A compiled is a rule, whose effect at a door is not yet said.
type compiled struct {
	policy policy.Policy // with name and condition; nil if parts are
	parts  []*compiled   // of allOf and use, each with an effect of its own
	wrap   func(policy.Policy) policy.Policy
	gates  []gateSpec
}

// at returns the policy of a door.
func (c *compiled) at(gate string, base effect) policy.Policy {
	own := effectAt(gate, c.gates, base)
	if c.parts == nil {
		return own.soften(c.policy)
	}
	parts := make([]policy.Policy, len(c.parts))
	for i, p := range c.parts {
		parts[i] = p.at(gate, own)
	}
	return c.wrap(policy.All(parts...))
}

// rule compiles one rule. Only where all have to be met may a rule have gates of its own.
func (l *loader) rule(s *ruleSpec, path string, own bool) *compiled {
	out := &compiled{gates: s.Gates, wrap: s.wrap(true)}
	if l.count++; l.count > maxRules {
		if l.count == maxRules+1 {
			l.fault(path, "", "more than %d rules, those that are used several times counted each time", maxRules)
		}
		return out.asking(nothing{})
	}
	if s.Gates != nil && !own {
		l.fault(path+".gates", "give them to the rule around it", "rules below anyOf and atLeast decide together")
	}
	switch {
	case s.Use != "":
		out.parts = l.use(s, path, own)
	case s.AllOf != nil:
		for i := range s.AllOf {
			out.parts = append(out.parts, l.rule(&s.AllOf[i], fmt.Sprintf("%s.allOf[%d]", path, i), own))
		}
	case s.AnyOf != nil:
		return out.asking(policy.Any(l.together(s.AnyOf, path+".anyOf")...))
	case s.AtLeast != nil:
		p := policy.AtLeast(s.AtLeast.N, l.together(s.AtLeast.Of, path+".atLeast.of")...)
		l.validate(path+".atLeast", p)
		return out.asking(p)
	default:
		out.wrap = s.wrap(false) // these say their names themselves
		return out.asking(l.evidence(s, path))
	}
	if out.parts == nil {
		return out.asking(nothing{})
	}
	return out
}

// wrap returns what gives a policy the rule's name and its condition.
func (s *ruleSpec) wrap(name bool) func(policy.Policy) policy.Policy {
	return func(p policy.Policy) policy.Policy {
		if name && s.Name != "" {
			p = policy.Named(s.Name, p)
		}
		if s.When != nil {
			p = policy.When(s.When.condition(), p)
		}
		return p
	}
}

func (c *compiled) asking(p policy.Policy) *compiled {
	c.policy = c.wrap(p)
	return c
}

// together compiles rules below anyOf and atLeast.
func (l *loader) together(rules []ruleSpec, path string) []policy.Policy {
	parts := make([]policy.Policy, len(rules))
	for i := range rules {
		c := l.rule(&rules[i], fmt.Sprintf("%s[%d]", path, i), false)
		parts[i] = c.at("", effect{})
	}
	return parts
}

// use compiles the rules of a set.
func (l *loader) use(s *ruleSpec, path string, own bool) (parts []*compiled) {
	set := l.sets[s.Use]
	switch {
	case set == nil: // which Parse refused
		return nil
	case slices.Contains(l.using, s.Use):
		l.fault(path+".use", "", "the set %q uses itself: %s", s.Use, strings.Join(append(l.using, s.Use), " uses "))
		return nil
	}
	l.using = append(l.using, s.Use)
	defer func() { l.using = l.using[:len(l.using)-1] }()
	for i := range set.Rules {
		parts = append(parts, l.rule(&set.Rules[i], fmt.Sprintf("rules.%s.require[%d]", s.Use, i), own))
	}
	return parts
}

// fault adds a fault of what stands at a path of the document.
func (l *loader) fault(path, suggestion, format string, args ...any) {
	l.fail(path, &Error{Reason: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

// fail adds a fault, once: a set that is used twice has it twice.
func (l *loader) fail(path string, e *Error) {
	e.Path = path
	if p := locate(l.doc.root, path); e.Line == 0 {
		e.Line, e.Column = max(p.Line, 1), max(p.Column, 1)
	}
	same := func(known *Error) bool { return known.Path == path && known.Reason == e.Reason }
	if len(l.r.faults) < 10*maxErrors && !slices.ContainsFunc(l.r.faults, same) {
		l.r.faults = append(l.r.faults, e)
	}
}

// validate adds what a policy says of itself.
func (l *loader) validate(path string, p policy.Policy) {
	if err := policy.Validate(p); err != nil {
		l.fail(path, &Error{Reason: trimmed(err), Err: err})
	}
}

// by returns the signers that a rule names, or all of trust.
func (l *loader) by(names []string) (signers []policy.Signer) {
	if names == nil {
		for _, t := range l.spec.Trust {
			names = append(names, t.Name)
		}
	}
	for _, name := range names {
		if s := l.signers[name]; s != nil {
			signers = append(signers, *s)
		}
	}
	return signers
}

// onlyKeys reports whether all of the signers that a rule names are keys, which prove no time.
func (l *loader) onlyKeys(names []string) bool {
	for i := range l.spec.Trust {
		t := &l.spec.Trust[i]
		if (names == nil || slices.Contains(names, t.Name)) && t.Key == "" {
			return false
		}
	}
	return len(l.spec.Trust) > 0
}

func trimmed(err error) string {
	s := err.Error()
	for _, prefix := range []string{"document: ", "policy: ", "rules: ", "verify: ", "notary: ", "sigstore: "} {
		s = strings.TrimPrefix(s, prefix)
	}
	return s
}

func mapKeys[V any](m map[string]V) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// nothing stands where a rule has a fault; no policy with one is ever returned.
type nothing struct{}

var errFault = errors.New("the rule has a fault")
