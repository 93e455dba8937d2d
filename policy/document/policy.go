package document

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// A Policy is a document that decides. It is safe for concurrent use.
type Policy struct {
	doc      *Document
	unbound  bool
	trusted  *trusted
	gates    []string // that are named, and defaultGate
	injected []*injected
	images   []*image
}

// defaultGate is the name of the settings for doors that have none of their own.
const defaultGate = "default"

// image is an entry of images.
type image struct {
	name     string
	patterns []*pattern
	byGate   map[string]policy.Policy
}

// Document returns the document that the policy was made of.
func (p *Policy) Document() *Document { return p.doc }

// Verifiers returns the verifiers of the document's trust, for [policy.Gate]. Signers whom they prove carry the name of the entry.
func (p *Policy) Verifiers() []verify.Verifier { return []verify.Verifier{p.trusted} }

// At returns the policy for one door, for programs that ask without a [policy.Request]. A request that names a gate goes before.
func (p *Policy) At(gate string) policy.Policy { return atGate{p, gate} }

type atGate struct {
	p    *Policy
	gate string
}

func (a atGate) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	return a.p.decide(ctx, in, a.gate)
}
func (a atGate) IgnoresRequest() bool { return a.p.IgnoresRequest() }
func (a atGate) Validate() error      { return a.p.Validate() }

// Decide implements [policy.Policy]: the first entry that the image's name matches decides. Without such an entry the answer is
// Deny, and after the document's expires it is Indeterminate, each with the effect that gates give it.
func (p *Policy) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	return p.decide(ctx, in, "")
}

func (p *Policy) decide(ctx context.Context, in *policy.Input, gate string) *policy.Decision {
	switch {
	case in == nil:
	case in.Request != nil && in.Request.Gate != "":
		gate = in.Request.Gate
	case gate != "": // a program that asks at a door says so to all rules
		c, r := *in, policy.Request{}
		if in.Request != nil {
			r = *in.Request
		}
		r.Gate, c.Request, in = gate, &r, &c
	}
	if !slices.Contains(p.gates, gate) {
		gate = defaultGate
	}
	d := *policy.Decide(ctx, p.choose(in, gate), in) // a copy: a policy may return a shared decision
	d.Document = p.doc.identity()
	return &d
}

// IgnoresRequest reports whether no decision depends on who asks, so that it may be kept for all: no door has settings of its own, no
// rule a when, and no attestation a condition.
func (p *Policy) IgnoresRequest() bool {
	ignores := len(p.gates) == 1
	p.doc.spec.eachRule(func(r *ruleSpec, _ string) {
		ignores = ignores && r.When == nil && (r.Attestation == nil || r.Attestation.Condition == nil)
	})
	return ignores
}

// Validate returns an error if the policy can never allow anything.
func (p *Policy) Validate() error {
	if p.unbound {
		return errors.New("document: the policy was loaded without its kinds of trust, and allows nothing")
	}
	for _, m := range p.images {
		if err := policy.Validate(m.byGate[defaultGate]); err != nil {
			return fmt.Errorf("document: images %s: %w", m.name, err)
		}
	}
	return nil
}

// choose returns the policy that decides on an image.
func (p *Policy) choose(in *policy.Input, gate string) policy.Policy {
	base := effectAt(gate, p.doc.spec.Gates, effect{})
	switch {
	case in == nil:
		return nothing{}
	case p.unbound:
		return unknown("the policy document is bound", "it was loaded without its kinds of trust and conditions", nil)
	}
	end := p.doc.spec.Expires
	if !end.IsZero() && !in.Before(end) {
		return base.soften(unknown("the policy holds", fmt.Sprintf("the policy %q expired at %s", p.doc.Name(), stamp(end)), ErrExpired))
	}
	repo, err := parseRepository(in.Name)
	if err != nil {
		return base.soften(deny("the image has a name", fmt.Sprintf("%.120q is no name of an image: %v", oneline.Of(in.Name), err)))
	}
	for _, i := range p.injected {
		if i.match(repo) {
			return i.policy(repo)
		}
	}
	for _, m := range p.images {
		if slices.ContainsFunc(m.patterns, func(q *pattern) bool { return q.match(repo) }) {
			return m.byGate[gate]
		}
	}
	reason := fmt.Sprintf("no entry of images in %q matches %s", p.doc.Name(), repo.text)
	missing := "an entry of images that matches " + repo.text
	return base.soften(fixed{verdict: policy.Deny, rule: "the policy has an entry for the image", reason: reason, missing: missing})
}

// fixed is a policy that says the same whatever the evidence is, for all time unless something else is compared with it.
type fixed struct {
	verdict      policy.Verdict
	rule, reason string
	missing      string // what it takes to be allowed, where that can be told
	cause        error
}

func (f fixed) Decide(context.Context, *policy.Input) *policy.Decision {
	d := &policy.Decision{Verdict: f.verdict, Rule: oneline.Of(f.rule), Reason: oneline.Of(f.reason), Cause: f.cause}
	if f.verdict != policy.Indeterminate {
		d.Until = policy.Forever
	}
	if f.missing != "" {
		d.Missing = []string{oneline.Of(f.missing)}
	}
	return d
}

func deny(rule, reason string) policy.Policy {
	return fixed{verdict: policy.Deny, rule: rule, reason: reason}
}

func unknown(rule, reason string, cause error) policy.Policy {
	return fixed{verdict: policy.Indeterminate, rule: rule, reason: reason, cause: cause}
}

func (nothing) Decide(context.Context, *policy.Input) *policy.Decision {
	return &policy.Decision{Rule: "nothing", Reason: errFault.Error(), Cause: errFault}
}

// exempt allows until a day.
type exempt struct{ *exemptSpec }

func (e exempt) Decide(_ context.Context, in *policy.Input) *policy.Decision {
	rule := "exempt until " + stamp(e.Expires)
	reason := fmt.Sprintf("exempt until %s: %s (%s)", stamp(e.Expires), e.Reason, e.Owner)
	if !in.Before(e.Expires) {
		return &policy.Decision{Verdict: policy.Deny, Rule: rule, Until: policy.Forever,
			Reason: oneline.Of(fmt.Sprintf("the exemption ended at %s: ask %s", stamp(e.Expires), e.Owner))}
	}
	return &policy.Decision{Verdict: policy.Allow, Rule: rule, Reason: oneline.Of(reason), Until: e.Expires}
}

// injected are images that AWS adds.
type injected struct {
	name              string
	accounts, regions []string
	parts             [][]string
}

func newInjected(s *injectedSpec) *injected {
	i := &injected{name: s.Name, accounts: s.Accounts, regions: s.Regions}
	for _, r := range s.Repositories {
		i.parts = append(i.parts, strings.Split(r, "/"))
	}
	return i
}

// match looks at where an image is from, and at nothing that whoever deploys it could choose.
func (i *injected) match(r *repository) bool {
	account, region := r.account()
	if account == "" || !slices.Contains(i.accounts, account) || len(i.regions) > 0 && !slices.Contains(i.regions, region) {
		return false
	}
	return slices.ContainsFunc(i.parts, func(pattern []string) bool { return matchParts(pattern, r.parts, matchPart) })
}

func (i *injected) policy(r *repository) policy.Policy {
	account, _ := r.account()
	reason := fmt.Sprintf("it is from account %s, whose images the policy lets in as %s", account, i.name)
	return fixed{verdict: policy.Allow, rule: "injected images " + i.name, reason: reason}
}

// effect is what a refusal does.
type effect struct{ denied, indeterminate policy.Effect }

func (e effect) soften(p policy.Policy) policy.Policy {
	if e == (effect{}) {
		return p
	}
	return policy.Soft(e.denied, e.indeterminate, p)
}

// effectAt returns what a refusal does at a door, by these settings, or else as outer.
func effectAt(gate string, settings []gateSpec, outer effect) effect {
	for _, name := range []string{gate, defaultGate} {
		for i := range settings {
			if settings[i].Gate == name {
				return settings[i].effect()
			}
		}
	}
	return outer
}

func (g *gateSpec) effect() effect {
	modes := map[string]policy.Effect{"deny": policy.Enforce, "warn": policy.Warn, "audit": policy.Audit}
	e := effect{denied: modes[g.Mode], indeterminate: policy.Warn}
	if g.Indeterminate == "deny" || g.Indeterminate == "" && g.Mode == "deny" {
		e.indeterminate = policy.Enforce
	}
	return e
}

// gateNames returns the doors that are named anywhere, and defaultGate.
func (s *spec) gateNames() []string {
	names := []string{defaultGate}
	add := func(gates []gateSpec) {
		for _, g := range gates {
			if !slices.Contains(names, g.Gate) {
				names = append(names, g.Gate)
			}
		}
	}
	add(s.Gates)
	for i := range s.Images {
		add(s.Images[i].Gates)
	}
	s.eachRule(func(r *ruleSpec, _ string) { add(r.Gates) })
	return names
}

// eachRule calls f for every rule of the document, outer ones first.
func (s *spec) eachRule(f func(r *ruleSpec, path string)) {
	for i := range s.Rules {
		eachOf(s.Rules[i].Rules, "rules."+s.Rules[i].Name+".require", f)
	}
	for i := range s.Images {
		eachOf(s.Images[i].Require, "images["+strconv.Itoa(i)+"].require", f)
	}
}

func eachOf(rules []ruleSpec, path string, f func(r *ruleSpec, path string)) {
	for i := range rules {
		r, p := &rules[i], path+"["+strconv.Itoa(i)+"]"
		f(r, p)
		eachOf(r.AllOf, p+".allOf", f)
		eachOf(r.AnyOf, p+".anyOf", f)
		if r.AtLeast != nil {
			eachOf(r.AtLeast.Of, p+".atLeast.of", f)
		}
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
