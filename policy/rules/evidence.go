package rules

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// Words of [Evidence.Quantifier].
const (
	Some   = "some"   // one of the attestations is enough
	Every  = "every"  // all of them, and at least one
	Newest = "newest" // the one that was made last
)

// Evidence says which attestations count, and whose. The zero Evidence of a rule means the rule's own predicate types, by any
// signer whom the verifiers trust. The fields are those of [policy.Require].
type Evidence struct {
	// Types are predicate types, each an absolute URI; empty means those that the rule's comment lists.
	Types []string
	// By, ByEntry and Signers are whose attestations count: identities, names of entries of the verifiers' trust lists, and signers
	// of the policy, each for as long as it says. All empty means everybody whom the verifiers trust.
	By      []verify.Identity
	ByEntry []string
	Signers []policy.Signer
	// AtLeast is how many distinct signers it takes; zero means one.
	AtLeast int
	// Quantifier is Some, Every or Newest; empty means what the rule's comment says. Rules that forbid refuse Some: one more
	// attestation, empty, would satisfy them.
	Quantifier string
	// MaxAge is the age of a signature, by its proven time, or of the time at Time; zero means any age.
	MaxAge time.Duration
	// Time is a JSON pointer to an RFC 3339 time in the predicate; empty means the proven time of signing. It is the signer's
	// word, so signers must be named.
	Time string
}

// named reports whether it says whose attestations count.
func (e *Evidence) named() bool { return len(e.By)+len(e.ByEntry)+len(e.Signers) > 0 }

// require returns the requirement that it comes to.
func (e *Evidence) require(types []string, quantifier policy.Quantifier) policy.Require {
	req := policy.Require{
		Kind: verify.Statement, PredicateTypes: e.Types, By: e.By, ByEntry: e.ByEntry, Signers: e.Signers, AtLeast: e.AtLeast,
		Quantifier: quantifier, MaxAge: e.MaxAge, Time: e.Time,
	}
	if len(e.Types) == 0 {
		req.PredicateTypes = types
	}
	return req
}

// beside returns the requirement for attestations that a rule takes beside those that it judges: nobody's word counts there who
// is not named, and each is judged by itself.
func (e *Evidence) beside(types []string) (policy.Require, error) {
	req := e.require(types, policy.Some)
	switch {
	case !e.named():
		return req, errors.New("signers must be named, whose word counts")
	case e.Quantifier != "":
		return req, errors.New("a quantifier, where each attestation counts by itself")
	}
	if err := req.Validate(); err != nil {
		return req, trimmed{err}
	}
	return req, nil
}

// spoken calls f with the attestations about the image that meet a requirement, each with one of the signers who count.
func spoken(ctx context.Context, in *policy.Input, req *policy.Require, f func(*verify.Attestation, verify.Signer)) {
	for _, a := range in.Report.Attestations {
		if a == nil || a.Kind != verify.Statement || !slices.Contains(req.PredicateTypes, a.PredicateType) {
			continue
		}
		one := *in // which notes until when it holds where in does
		one.Report = &verify.Report{Subject: in.Report.Subject, Attestations: []*verify.Attestation{a}}
		d := req.Decide(ctx, &one)
		if d.Verdict != policy.Allow || len(d.Looked) != 1 {
			continue
		}
		if i := slices.IndexFunc(d.Looked[0].Signers, func(s policy.LookedSigner) bool { return s.Counts }); i >= 0 {
			f(a, d.Looked[0].Signers[i].Signer)
		}
	}
}

// A rule is what all rules share: which attestations are judged, and how one of them is.
type rule struct {
	Evidence
	name    string            // what people call it
	what    string            // what is asked, in one line
	noun    string            // of one attestation, such as "SBOM"
	kind    verify.Kind       // zero means a statement
	types   []string          // predicate types, unless Evidence says others
	usual   policy.Quantifier // unless Evidence says another
	forbids bool
	// meant tells an attestation of the type that the rule is not about; nil means that all are meant. What cannot be read is.
	meant func(in *policy.Input, a *verify.Attestation) bool
	// counts tells signers who are as if they were not there; nil means that all count.
	counts func(verify.Signer) bool
	check  func(ctx context.Context, in *policy.Input, a *verify.Attestation, x *excuses) error
	// Of rules that take exceptions.
	exceptions   []*excuse
	exceptionsBy *policy.Require // nil: nobody signs any
	err          error           // what is wrong with the rule

	require policy.Require // what it comes to, without its check
	text    string         // what is asked, with the name that people call the rule by
}

// except makes a rule take exceptions.
func (r *rule) except(list []Exception, by Evidence) {
	for i, e := range list {
		c, err := e.compile()
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("exception %d: %w", i+1, err)
		}
		r.exceptions = append(r.exceptions, c)
	}
	if reflect.ValueOf(by).IsZero() {
		return
	}
	req, err := by.beside([]string{ExceptionsType})
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("signed exceptions: %w", err)
	}
	r.exceptionsBy = &req
}

// ready works out what does not change: the requirement, without its check, what is wrong with the rule, and what it says.
func (r *rule) ready() {
	r.text = r.what
	if by := r.who(); by != "" {
		r.text += ", by " + by
	}
	if r.Quantifier != "" {
		r.text += ", " + oneline.Of(r.Quantifier)
	}
	if r.MaxAge > 0 {
		r.text += ", younger than " + r.MaxAge.String()
	}
	if r.name = oneline.Of(r.name); r.name != "" {
		r.text = r.name + ": " + r.text
	}
	var err error
	r.require, err = r.requirement()
	switch {
	case r.err != nil:
	case err != nil:
		r.err = err
	default:
		if err := r.require.Validate(); err != nil {
			r.err = trimmed{err}
		}
	}
	if r.err != nil {
		r.err = fmt.Errorf("rules: %s: %w", r.text, r.err)
	}
}

func (r *rule) requirement() (policy.Require, error) {
	req := r.Evidence.require(r.types, r.usual)
	req.Noun = r.noun
	if r.kind == verify.ImageSignature {
		req.Kind, req.PredicateTypes = r.kind, nil
	}
	switch r.Quantifier {
	case "":
	case Some:
		if r.forbids {
			return req, errors.New(`a rule that forbids has the quantifier "every" or "newest": with "some", one more attestation ` +
				`satisfies it`)
		}
		req.Quantifier = policy.Some
	case Every:
		req.Quantifier = policy.Every
	case Newest:
		req.Quantifier = policy.Newest
	default:
		return req, fmt.Errorf(`quantifier %.40q: there are "some", "every" and "newest"`, r.Quantifier)
	}
	return req, nil
}

// decide asks the requirement, if the rule is one that can be asked.
func (r *rule) decide(ctx context.Context, in *policy.Input) *policy.Decision {
	if r.err != nil {
		return &policy.Decision{RuleName: r.name, Rule: r.text, Reason: oneline.Error(trimmed{r.err}), Cause: r.err}
	}
	req := r.require
	var aside []policy.Looked
	if in != nil && in.Report != nil {
		in, aside = r.narrowed(in, &req)
	}
	x := &excuses{ctx: ctx, rule: r.name, inline: r.exceptions, signed: r.exceptionsBy}
	if r.check != nil {
		req.Check = func(ctx context.Context, in *policy.Input, a *verify.Attestation) error {
			return r.check(ctx, in, a, x)
		}
	}
	d := req.Decide(ctx, in)
	d.RuleName, d.Rule, d.Looked = r.name, r.text, append(d.Looked, aside...)
	if len(aside) > 0 && d.Verdict != policy.Allow {
		d.Reason = strings.TrimSuffix(d.Reason, ": nothing is attached to "+string(in.Report.Subject.Digest))
		var why []string
		for _, l := range aside {
			why = append(why, l.Why)
		}
		d.Reason += "; not counted: " + some(why)
	}
	x.say(d)
	if r.name != "" {
		d.Reason = r.name + ": " + d.Reason
	}
	return d
}

// narrowed returns the input with those attestations and signers alone that the rule is about, and, of what was asked for, the
// others and why they are not.
func (r *rule) narrowed(in *policy.Input, req *policy.Require) (*policy.Input, []policy.Looked) {
	if r.meant == nil && r.counts == nil {
		return in, nil
	}
	var aside []policy.Looked
	report := *in.Report
	report.Attestations = nil
	for _, a := range in.Report.Attestations {
		var why string
		switch {
		case a == nil || a.Kind != req.Kind || a.Kind == verify.Statement && !slices.Contains(req.PredicateTypes, a.PredicateType):
		case r.meant != nil && !r.meant(in, a):
			why = "it is no " + r.noun
		case r.counts != nil:
			a, why = r.withSigners(a)
		}
		if why == "" {
			report.Attestations = append(report.Attestations, a)
			continue
		}
		l := policy.Looked{Evidence: a.Evidence, PredicateType: a.PredicateType, Why: why}
		l.Evidence.Data = nil
		for _, s := range a.Signers {
			l.Signers = append(l.Signers, policy.LookedSigner{Signer: s})
		}
		aside = append(aside, l)
	}
	out := *in
	out.Report = &report
	return &out, aside
}

// withSigners returns an attestation with those signers alone who count, or why none does.
func (r *rule) withSigners(a *verify.Attestation) (*verify.Attestation, string) {
	keep := slices.DeleteFunc(slices.Clone(a.Signers), func(s verify.Signer) bool { return !r.counts(s) })
	switch len(keep) {
	case len(a.Signers):
		return a, ""
	case 0:
		var all []string
		for _, s := range a.Signers {
			all = append(all, "signed by "+s.String()+", not as it is asked for")
		}
		return a, oneline.Of(some(all))
	}
	c := *a
	c.Signers = keep
	return &c, ""
}

// who lists whose attestations count.
func (e *Evidence) who() string {
	var out []string
	for _, s := range e.Signers {
		out = append(out, s.Name)
	}
	for _, entry := range e.ByEntry {
		out = append(out, fmt.Sprintf("%q", entry))
	}
	for _, id := range e.By {
		out = append(out, id.String())
	}
	return oneline.Of(strings.Join(out, " or "))
}

// trimmed is an error without the prefix of its package, to stand in another one.
type trimmed struct{ error }

func (e trimmed) Error() string {
	return strings.TrimPrefix(strings.TrimPrefix(e.error.Error(), "policy: "), "rules: ")
}
func (e trimmed) Unwrap() error { return e.error }

// unreadable says of what a named signer signed that it cannot be judged: a limit is ours, and anything else the document's.
func unreadable(noun string, err error) error {
	if errors.Is(err, policy.ErrIndeterminate) {
		return err
	}
	return fmt.Errorf("it is no %s that can be read: %w", noun, err)
}

// some joins what is different, the first three of it.
func some(list []string) string {
	const most = 3
	seen := map[string]bool{}
	var shown []string
	for _, s := range list {
		if !seen[s] && len(seen) < most {
			shown = append(shown, s)
		}
		seen[s] = true
	}
	if more := len(seen) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), more)
	}
	return strings.Join(shown, ", ")
}
