package vsa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// A Verifier is a pair that counts: who signs, for which verifier. Nobody else may sign for it.
type Verifier struct {
	// ID is the URI of the verifier, as its summaries have it.
	ID string
	// By, ByEntry and Signers are who signs for it, as policy.Require has them. At least one.
	By      []verify.Identity
	ByEntry []string
	Signers []policy.Signer
}

// Accept is the policy that allows an image because a verifier that is trusted has allowed it: there is a verification summary
// about it
//
//  1. that is signed by a signer who is paired with its verifier,
//  2. about the digest that is judged, as the image or as a platform of it (see Subjects),
//  3. of exactly one of the predicate types,
//  4. for the repository that the image is in, or one of Resources,
//  5. that says PASSED, and levels that meet Levels,
//  6. by one of Policies,
//  7. that is younger than MaxAge, by the proven time of its signature and by its own word,
//  8. that was enforced: no verifier says PASSED of a decision that only warned, or that somebody overrode, and
//  9. that is not in Revoked, nor followed by one that says FAILED: of the summaries by one verifier for the repository and the
//     policies, the newest decides, by its proven time. Where one of them has none, every one must do.
//
// The eighth is in the hands of the verifier: NewSummary keeps to it, so name verifiers of which it is known.
type Accept struct {
	// Name is what people call the rule.
	Name string
	// Verifiers are those that are trusted, each alone. Required.
	Verifiers []Verifier
	// Resources are URIs or names of repositories of which a summary counts; empty means the repository that the image is in,
	// as ResourceURI has it.
	Resources []string
	// Levels must be met: of a SLSA track that level or a higher one, a property by its name.
	Levels []string
	// Policies are the digests of the policies that count, such as "sha256:...". Empty means any policy of the verifier.
	Policies []string
	// MaxAge is the age at which a summary no longer counts; zero means that it always does.
	MaxAge time.Duration
	// Revoked are digests of evidence that does not count any more, as registries and policy.Looked have them.
	Revoked []string
	// Results accepts simple verification results (SVR v0.1 and v0.2), too. They name no repository: the name of the subject that was
	// signed says which it is, and where there is none they do not count. They have no word for FAILED.
	Results bool
}

// summary is what is read of a predicate of either type.
type summary struct {
	Verifier string     `json:"verifier"`
	Resource string     `json:"resource,omitempty"` // of an SVR none
	Policies [][]string `json:"policies,omitempty"` // the digests of each; none is an empty list
	Passed   bool       `json:"passed"`
	Levels   []string   `json:"levels"`
	Time     time.Time  `json:"time,omitzero"`
}

// Decide implements [policy.Policy].
func (a Accept) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	if err := a.valid(); err != nil {
		return &policy.Decision{RuleName: oneline.Of(a.Name), Rule: a.String(), Reason: oneline.Of(err.Error()), Cause: err}
	}
	var each []policy.Policy
	for i := range a.Verifiers {
		each = append(each, by{a, &a.Verifiers[i]})
	}
	d := *policy.Decide(ctx, policy.Any(each...), in)
	if d.Rule = a.String(); a.Name != "" {
		d.RuleName, d.Rule, d.Reason = oneline.Of(a.Name), oneline.Of(a.Name)+": "+d.Rule, oneline.Of(a.Name)+": "+d.Reason
	}
	return &d
}

// String says what is asked, in one line.
func (a Accept) String() string {
	var ids []string
	for _, v := range a.Verifiers {
		ids = append(ids, v.ID)
	}
	s := "verification summary PASSED by " + strings.Join(ids, " or ")
	if len(a.Levels) > 0 {
		s += ", " + strings.Join(a.Levels, " and ")
	}
	if a.MaxAge > 0 {
		s += fmt.Sprintf(", younger than %s", a.MaxAge)
	}
	return oneline.Of(s)
}

// Validate returns an error if the rule can never allow anything.
func (a Accept) Validate() error {
	if err := a.valid(); err != nil {
		return fmt.Errorf("vsa: %w", err)
	}
	return nil
}

// IgnoresRequest reports that it is the same whoever asks.
func (a Accept) IgnoresRequest() bool { return true }

func (a Accept) valid() error {
	if len(a.Verifiers) == 0 {
		return errors.New("no verifier is trusted: name one, and who signs for it")
	}
	for _, v := range a.Verifiers {
		if !absolute(v.ID) {
			return fmt.Errorf("verifier %.200q is no URI", v.ID)
		}
		if len(v.By)+len(v.ByEntry)+len(v.Signers) == 0 {
			return fmt.Errorf("nobody signs for verifier %s: name who does", v.ID)
		}
		if err := (by{a, &v}).require(policy.Every).Validate(); err != nil {
			return fmt.Errorf("verifier %s: %w", v.ID, err)
		}
	}
	for _, p := range slices.Concat(a.Policies, a.Revoked) {
		if err := digest.Digest(p).Validate(); err != nil {
			return fmt.Errorf("%.200q is no digest, such as sha256: and 64 digits: %w", p, err)
		}
	}
	for _, l := range a.Levels {
		if _, _, ok := parseLevel(l); l == "" || l == Failed || strings.HasPrefix(l, "SLSA_") && !ok {
			return fmt.Errorf("%.80q is no level, such as SLSA_BUILD_LEVEL_2, and no property", l)
		}
	}
	if slices.Contains(a.Resources, "") {
		return errors.New("a resource without name")
	}
	return nil
}

// by is Accept of one verifier.
type by struct {
	Accept
	verifier *Verifier
}

func (b by) require(q policy.Quantifier) policy.Require {
	types := []string{SummaryType}
	if b.Results {
		types = append(types, ResultType, ResultTypeV1)
	}
	return policy.Require{
		Kind: verify.Statement, PredicateTypes: types, By: b.verifier.By, ByEntry: b.verifier.ByEntry, Signers: b.verifier.Signers,
		Quantifier: q, MaxAge: b.MaxAge, Check: b.check,
	}
}

// Decide asks for the newest summary that is for this image and these policies, or every one where it cannot be told which it is.
func (b by) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	if in == nil || in.Report == nil {
		return b.require(policy.Every).Decide(ctx, in)
	}
	report := *in.Report
	report.Attestations = nil
	var aside []policy.Looked
	req := b.require(policy.Newest)
	for _, a := range in.Report.Attestations {
		if a == nil || a.Kind != verify.Statement || !slices.Contains(req.PredicateTypes, a.PredicateType) {
			continue
		}
		if why := b.meant(in, a); why != "" {
			aside = append(aside, policy.Looked{Evidence: a.Evidence, PredicateType: a.PredicateType, Why: oneline.Of(why)})
			continue
		}
		report.Attestations = append(report.Attestations, a)
		if slices.ContainsFunc(a.Signers,
			func(s verify.Signer) bool { return s.TimeSource < verify.TimeAuthority || s.SignedAt.IsZero() }) {
			req.Quantifier = policy.Every
		}
	}
	c := *in
	c.Report = &report
	d := req.Decide(ctx, &c)
	if d.Looked = append(d.Looked, aside...); d.Verdict != policy.Allow && len(aside) > 0 {
		d.Reason = strings.TrimSuffix(d.Reason, ": nothing is attached to "+string(report.Subject.Digest))
		d.Reason += "; not counted: " + aside[0].Why
		if n := len(aside) - 1; n > 0 {
			d.Reason += fmt.Sprintf(" (and %d more)", n)
		}
	}
	if d.Verdict == policy.Deny {
		d.Missing = []string{"a " + b.String()}
	}
	return d
}

func (b by) Validate() error { return b.Accept.Validate() }

// read returns what an attestation says.
func read(in *policy.Input, a *verify.Attestation) (summary, error) {
	return policy.Fact(in, a, "lading/verification-summary/v1", func() (summary, error) {
		if a.PredicateType != SummaryType {
			r, err := ParseResult(a.PredicateType, a.Predicate)
			if err != nil {
				return summary{}, err
			}
			s := summary{Verifier: r.Verifier, Passed: true, Levels: r.Properties, Time: r.Time}
			s.policies(r.Policies...)
			return s, nil
		}
		r, err := ParseSummary(a.Predicate)
		if err != nil {
			return summary{}, err
		}
		s := summary{Verifier: r.Verifier, Resource: r.ResourceURI, Passed: r.Result == Passed, Levels: r.Levels, Time: r.Time}
		s.policies(r.Policy)
		return s, nil
	})
}

func (s *summary) policies(list ...Resource) {
	for _, p := range list {
		digests := []string{}
		for _, algorithm := range []string{"sha256", "sha384", "sha512"} {
			if encoded := p.Digest[algorithm]; encoded != "" {
				digests = append(digests, algorithm+":"+encoded)
			}
		}
		s.Policies = append(s.Policies, digests)
	}
}

// unnamed reports whether a policy has no digest.
func (s *summary) unnamed() bool {
	return slices.ContainsFunc(s.Policies, func(digests []string) bool { return len(digests) == 0 })
}

// judgedBy reports whether all policies are among those that count.
func (s *summary) judgedBy(accepted []string) bool {
	for _, digests := range s.Policies {
		if !slices.ContainsFunc(digests, func(d string) bool { return slices.Contains(accepted, d) }) {
			return false
		}
	}
	return len(s.Policies) > 0
}

// meant says why a summary is not about this verifier, image and policy, so that it neither helps nor harms. One that nobody can
// read might be.
func (b by) meant(in *policy.Input, a *verify.Attestation) string {
	if slices.Contains(b.Revoked, string(a.Evidence.Digest)) {
		return "the summary is revoked"
	}
	s, err := read(in, a)
	if err != nil {
		return ""
	}
	resource := s.Resource
	if a.PredicateType != SummaryType {
		resource = a.Name
	}
	switch {
	case s.Verifier != b.verifier.ID:
		return "it is by another verifier, " + s.Verifier
	case !b.here(in, resource):
		return "it is for another resource, " + resource
	// A FAILED that does not say by which policy may be by one of these.
	case len(b.Policies) > 0 && !s.judgedBy(b.Policies) && (s.Passed || !s.unnamed()):
		return fmt.Sprintf("it is by another policy, %v", s.Policies)
	}
	return ""
}

// here reports whether a summary for a resource is for the image, or for one of Resources.
func (b by) here(in *policy.Input, resource string) bool {
	if resource == "" {
		return false
	}
	if len(b.Resources) == 0 {
		return in.Name != "" && repository(resource) == repository(in.Name)
	}
	return slices.ContainsFunc(b.Resources, func(r string) bool { return r == resource || repository(r) == repository(resource) })
}

// check makes the checks of what a summary says.
func (b by) check(_ context.Context, in *policy.Input, a *verify.Attestation) error {
	s, err := read(in, a)
	switch {
	case err != nil:
		return err
	case !s.Passed:
		return errors.New("it says FAILED")
	}
	for _, want := range b.Levels {
		if !s.meets(want) {
			return fmt.Errorf("it says %s, and not %s", strings.Join(s.Levels, ", "), want)
		}
	}
	const clockSkew = 5 * time.Minute
	switch {
	case s.Time.IsZero() || b.MaxAge == 0:
	case in.Before(s.Time.Add(-clockSkew)):
		return fmt.Errorf("it says that it was made in the future, at %s", s.Time.Format(time.RFC3339))
	case !in.Before(s.Time.Add(b.MaxAge)):
		return fmt.Errorf("it says that it was made at %s, longer than %s ago", s.Time.Format(time.RFC3339), b.MaxAge)
	}
	return nil
}

// meets reports whether a level of the track, or a property, is at least the one that is wanted.
func (s *summary) meets(want string) bool {
	track, level, isLevel := parseLevel(want)
	return slices.ContainsFunc(s.Levels, func(l string) bool {
		t, n, ok := parseLevel(l)
		return l == want || ok && isLevel && level >= 0 && t == track && n >= level
	})
}
