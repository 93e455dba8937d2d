package document

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/policy/vsa"
	"github.com/ladingdev/lading/verify"
)

// Conditions compiles conditions on attestations. Package policy/document/cel has one.
type Conditions interface {
	// Compile returns what tells of an attestation, which has one of the predicate types, whether it will do: nil, or why not. An
	// error of Compile that is a [SourceError] says where in the source it is.
	Compile(source string, predicateTypes []string) (func(ctx context.Context, in *policy.Input, a *verify.Attestation) error, error)
}

// A SourceError is a fault in the source of a condition.
type SourceError struct {
	Line, Column int // in the source, counted from one; in characters
	Reason       string
	Suggestion   string // may be empty
}

// Error says which source failed, and how.
func (e *SourceError) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Reason)
	if e.Suggestion != "" {
		s += ": " + e.Suggestion
	}
	return s
}

// evidence compiles a rule that asks for evidence. It returns nothing{} for one with a fault.
func (l *loader) evidence(s *ruleSpec, path string) policy.Policy {
	switch {
	case s.Signature != nil:
		return l.signature(s, s.Signature, path+".signature")
	case s.Attestation != nil:
		return l.attestation(s, s.Attestation, path+".attestation")
	case s.Summary != nil:
		return l.summary(s, s.Summary, path+".summary")
	}
	return l.ready(s, path)
}

func (l *loader) signature(s *ruleSpec, sig *signatureSpec, path string) policy.Policy {
	p := policy.Require{Name: s.Name, Kind: verify.ImageSignature, Signers: l.by(sig.By), AtLeast: sig.AtLeast, MaxAge: sig.MaxAge}
	return l.require(p, path, sig.By)
}

func (l *loader) attestation(s *ruleSpec, a *attestationSpec, path string) policy.Policy {
	p := policy.Require{Name: s.Name, Kind: verify.Statement, PredicateTypes: a.Types, Signers: l.by(a.By), AtLeast: a.AtLeast,
		Quantifier: quantifiers[a.Quantifier], MaxAge: a.MaxAge, Time: a.Time}
	if a.Condition != nil {
		p.Check = l.condition(a.Condition, path+".condition", a.Types)
		if a.Condition.Forbids && p.Quantifier == policy.Some {
			l.fault(path+".condition", "say quantifier: every", "a condition that forbids: one more attestation would satisfy it")
		}
	}
	return l.require(p, path, a.By)
}

func (l *loader) summary(s *ruleSpec, sum *summarySpec, path string) policy.Policy {
	p := vsa.Accept{Name: s.Name, Resources: sum.Resources, Levels: sum.Levels, Policies: sum.Policies,
		MaxAge: sum.MaxAge, Revoked: sum.Revoked, Results: sum.Results}
	for i, v := range sum.Verifiers {
		p.Verifiers = append(p.Verifiers, vsa.Verifier{ID: v.ID, Signers: l.by(v.By)})
		if sum.MaxAge > 0 && l.onlyKeys(v.By) {
			l.fault(fmt.Sprintf("%s.verifiers[%d]", path, i), "trust an entry whose signatures have a proven time",
				"maxAge: signatures by keys have no proven time, so this is never met")
		}
	}
	l.validate(path, p)
	return p
}

var quantifiers = map[string]policy.Quantifier{"some": policy.Some, "every": policy.Every, "newest": policy.Newest}

// require checks what a requirement and trust come to together.
func (l *loader) require(p policy.Require, path string, by []string) policy.Policy {
	switch {
	case len(l.spec.Trust) == 0:
		l.fault(path, "", "trust names nobody, so this is never met")
	case len(p.Signers) == 0: // whom trust has a fault about, or Parse
	case p.MaxAge > 0 && p.Time == "" && l.onlyKeys(by):
		l.fault(path, "say in time where the predicate has one, or trust an entry whose signatures have a proven time",
			"maxAge: signatures by keys have no proven time, so this is never met")
	case p.Quantifier == policy.Newest && p.Time == "" && l.onlyKeys(by):
		l.fault(path, "say in time where the predicate has one, or quantifier: every",
			"newest: signatures by keys have no proven time, so this is never met")
	default:
		l.validate(path, p)
	}
	return p
}

// condition compiles a condition. Where it has a fault, the place in the document is told.
func (l *loader) condition(s *conditionSpec, path string, types []string) func(context.Context, *policy.Input, *verify.Attestation) error {
	fails := func(context.Context, *policy.Input, *verify.Attestation) error {
		return fmt.Errorf("%w: %w", policy.ErrIndeterminate, errFault)
	}
	source := s.CEL.Value
	switch {
	case l.opts.Unbound:
		return fails
	case s.CEL.Kind != yaml.ScalarNode || strings.TrimSpace(source) == "":
		l.fault(path+".cel", "", "an expression is wanted here")
		return fails
	case l.opts.Conditions == nil:
		l.fault(path+".cel", "fill Options.Conditions, such as with package policy/document/cel",
			"this program brings no language for conditions")
		return fails
	}
	check, err := l.opts.Conditions.Compile(source, slices.Clone(types))
	if err != nil || check == nil {
		fault := &Error{Reason: "there is no condition", Err: err}
		var inside *SourceError
		if errors.As(err, &inside) {
			p := l.within(s.CEL, inside)
			fault.Line, fault.Column, fault.Reason, fault.Suggestion = p.Line, p.Column, inside.Reason, inside.Suggestion
		} else if err != nil {
			fault.Reason = trimmed(err)
		}
		l.fail(path+".cel", fault)
		return fails
	}
	if s.Message == "" {
		return check
	}
	return func(ctx context.Context, in *policy.Input, a *verify.Attestation) error {
		err := check(ctx, in, a)
		if err != nil && !errors.Is(err, policy.ErrIndeterminate) {
			return fmt.Errorf("%s (%w)", s.Message, err)
		}
		return err
	}
}

// within is where a place in the source of a condition is in the document. Of text that is folded, or quoted over several lines, only
// the beginning is known.
func (l *loader) within(n *yaml.Node, e *SourceError) place {
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		return place{n.Line + e.Line, e.Column + l.indent(n)}
	case e.Line > 1 || n.Style&yaml.FoldedStyle != 0:
		return at(n)
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return place{n.Line, n.Column + e.Column}
	}
	return place{n.Line, n.Column + e.Column - 1}
}

// ready compiles a rule of package policy/rules: a copy of what was read, with the rule's name, the signers of trust and the exceptions
// of the document.
func (l *loader) ready(s *ruleSpec, path string) policy.Policy {
	v := reflect.ValueOf(s).Elem()
	for _, f := range shapeOf(v.Type()).fields {
		target := v.FieldByIndex(f.index)
		if f.shape.kind != objectShape || !isRules(f.shape.typ) || target.IsNil() {
			continue
		}
		c := reflect.New(f.shape.typ)
		c.Elem().Set(target.Elem())
		c.Elem().FieldByName("Name").SetString(s.Name)
		if list := c.Elem().FieldByName("Exceptions"); list.IsValid() {
			list.Set(reflect.ValueOf(slices.Concat(l.exceptions, list.Interface().([]rules.Exception))))
		}
		own := path + "." + f.name
		l.evidenceOf(c.Elem(), own, true)
		p, ok := c.Interface().(policy.Policy)
		if !ok {
			p = c.Elem().Interface().(policy.Policy)
		}
		if e := c.Elem().FieldByName("Evidence").Interface().(rules.Evidence); e.MaxAge > 0 && e.Time == "" && l.onlyKeys(e.ByEntry) {
			l.fault(own, "say in time where the predicate has one, or trust an entry whose signatures have a proven time",
				"maxAge: signatures by keys have no proven time, so this is never met")
		}
		l.validate(own, p)
		return p
	}
	return nothing{}
}

const othersWord = "this is about the word of others, and does not say whose counts"

// evidenceOf turns the names of trust into signers, in a struct of package policy/rules and in those that are in it.
func (l *loader) evidenceOf(v reflect.Value, path string, all bool) {
	t := v.Type()
	if t == reflect.TypeFor[rules.Evidence]() {
		e := v.Addr().Interface().(*rules.Evidence)
		switch {
		case e.ByEntry == nil && !all && !v.IsZero():
			l.fault(path, "say by", othersWord)
		case len(l.spec.Trust) == 0 && all:
			l.fault(path, "", "trust names nobody, so this is never met")
		}
		if e.ByEntry != nil || all {
			e.Signers, e.ByEntry = l.by(e.ByEntry), nil
		}
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case !f.IsExported():
		case f.Type == reflect.TypeFor[rules.Evidence]():
			l.evidenceOf(v.Field(i), path, all && f.Anonymous)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct && isRules(f.Type.Elem()) &&
			hasEvidence(f.Type.Elem()):
			list := reflect.MakeSlice(f.Type, v.Field(i).Len(), v.Field(i).Len()) // a copy: others load the document, too
			reflect.Copy(list, v.Field(i))
			v.Field(i).Set(list)
			for j := range list.Len() {
				e := list.Index(j).FieldByName("Evidence").Addr().Interface().(*rules.Evidence)
				if e.ByEntry == nil {
					l.fault(fmt.Sprintf("%s.%s[%d]", path, lowerFirst(f.Name), j), "say by", othersWord)
				}
				e.Signers, e.ByEntry = l.by(e.ByEntry), nil
			}
		}
	}
}

// breakGlass puts what a refusal can be opened with around a policy.
func (l *loader) breakGlass(p policy.Policy) policy.Policy {
	b := l.spec.BreakGlass
	if b == nil {
		return p
	}
	return rules.BreakGlass{Policy: p, Evidence: rules.Evidence{Signers: l.by(b.By), AtLeast: b.AtLeast, MaxAge: b.MaxAge}}
}

// indent is by how much the lines of a literal text are indented.
func (l *loader) indent(n *yaml.Node) int {
	lines := strings.Split(string(l.doc.data), "\n")
	first, _, _ := strings.Cut(n.Value, "\n")
	if n.Line >= len(lines) {
		return 0
	}
	line := strings.TrimRight(lines[n.Line], "\r")
	return max(len(line)-len(first), 0)
}
