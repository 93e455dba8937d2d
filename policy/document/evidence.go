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
	}
	return l.ready(s, path)
}

func (l *loader) signature(s *ruleSpec, sig *signatureSpec, path string) policy.Policy {
	p := policy.Require{Name: s.Name, Kind: verify.ImageSignature, Signers: l.by(sig.By), AtLeast: sig.AtLeast, MaxAge: sig.MaxAge}
	return l.require(p, sig.place, path, sig.By)
}

func (l *loader) attestation(s *ruleSpec, a *attestationSpec, path string) policy.Policy {
	p := policy.Require{Name: s.Name, Kind: verify.Statement, PredicateTypes: a.Types, Signers: l.by(a.By), AtLeast: a.AtLeast,
		Quantifier: quantifiers[a.Quantifier], MaxAge: a.MaxAge, Time: a.Time}
	if a.Condition != nil {
		p.Check = l.condition(a.Condition, path+".condition", a.Types)
		if a.Condition.Forbids && p.Quantifier == policy.Some {
			l.r.fault(a.Condition.place, path+".condition", "say quantifier: every", "a condition that forbids: one more attestation would satisfy it")
		}
	}
	return l.require(p, a.place, path, a.By)
}

var quantifiers = map[string]policy.Quantifier{"some": policy.Some, "every": policy.Every, "newest": policy.Newest}

// require checks what a requirement and trust come to together.
func (l *loader) require(p policy.Require, at place, path string, by []string) policy.Policy {
	switch {
	case len(l.spec.Trust) == 0:
		l.r.fault(at, path, "", "trust names nobody, so this is never met")
	case len(p.Signers) == 0: // whom trust has a fault about, or Parse
	case p.MaxAge > 0 && p.Time == "" && l.onlyKeys(by):
		l.r.fault(at, path, "say in time where the predicate has one, or trust an entry whose signatures have a proven time",
			"maxAge: signatures by keys have no proven time, so this is never met")
	case p.Quantifier == policy.Newest && p.Time == "" && l.onlyKeys(by):
		l.r.fault(at, path, "say in time where the predicate has one, or quantifier: every",
			"newest: signatures by keys have no proven time, so this is never met")
	default:
		l.validate(at, path, p)
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
		l.r.fault(at(s.CEL), path+".cel", "", "an expression is wanted here")
		return fails
	case l.opts.Conditions == nil:
		l.r.fault(at(s.CEL), path+".cel", "fill Options.Conditions, such as with package policy/document/cel", "this program brings no language for conditions")
		return fails
	}
	check, err := l.opts.Conditions.Compile(source, slices.Clone(types))
	if err != nil || check == nil {
		place, reason, suggestion := at(s.CEL), "there is no condition", ""
		var inside *SourceError
		if errors.As(err, &inside) {
			place, reason, suggestion = within(s.CEL, inside), inside.Reason, inside.Suggestion
		} else if err != nil {
			reason = trimmed(err)
		}
		l.r.faults = append(l.r.faults, &Error{Line: place.Line, Column: place.Column, Path: path + ".cel", Reason: reason, Suggestion: suggestion, Err: err})
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
func within(n *yaml.Node, e *SourceError) place {
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		return place{n.Line + e.Line, e.Column + indentOf(n)}
	case e.Line > 1 || n.Style&yaml.FoldedStyle != 0:
		return at(n)
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return place{n.Line, n.Column + e.Column}
	}
	return place{n.Line, n.Column + e.Column - 1}
}

// ready compiles a rule of package policy/rules.
func (l *loader) ready(s *ruleSpec, path string) policy.Policy {
	v := reflect.ValueOf(s).Elem()
	for _, f := range shapeOf(v.Type()).fields {
		target := v.FieldByIndex(f.index)
		if !f.isReady() || target.IsNil() {
			continue
		}
		_ = target
	}
	return nothing{}
}

func (f *field) isReady() bool { return false }

func indentOf(*yaml.Node) int { return 0 }
