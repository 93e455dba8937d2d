package rules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/verify"
)

// Components forbids components: those of Deny, and, if Allow is not empty, all others than those of Allow.
//
// It judges the SBOMs that [SBOM] lists, every one of them, or the newest. What cannot be told is refused: a version that is
// missing or has no place in the ecosystem's order, a package URL that cannot be read, a distribution's package that does not
// say of which. A component without a package URL is refused if its name is that of a package of Deny, and always with Allow.
// Files, the operating system's name and the image itself are not judged. An SBOM without components forbids nothing: ask for
// some with [SBOM].
type Components struct {
	Name string // what people call the rule
	Evidence
	Deny  []Component
	Allow []Component
	// Exceptions let components pass, as do those that ExceptionsBy signed.
	Exceptions   []Exception
	ExceptionsBy Evidence

	prepared
}

// Decide implements [policy.Policy].
func (r *Components) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	return r.get(r.rule).decide(ctx, in)
}

// Validate returns an error if the rule asks for nothing, or names what is no package URL or no range.
func (r *Components) Validate() error { return r.get(r.rule).err }

// IgnoresRequest reports that it is the same whoever asks.
func (r *Components) IgnoresRequest() bool { return true }

// String says what is asked, in one line.
func (r *Components) String() string { return r.get(r.rule).text }

func (r *Components) rule() *rule {
	out := &rule{Evidence: r.Evidence, name: r.Name, noun: "SBOM", types: sbomTypes, usual: policy.Every, forbids: true, meant: isSBOM}
	deny, err := newMatcher(r.Deny)
	allow, err2 := newMatcher(r.Allow)
	switch {
	case len(r.Deny)+len(r.Allow) == 0:
		out.err = errors.New("the rule names no components: give Deny or Allow")
	case err != nil:
		out.err = fmt.Errorf("denied components: %w", err)
	case err2 != nil:
		out.err = fmt.Errorf("allowed components: %w", err2)
	}
	switch {
	case len(r.Allow) == 0:
		out.what = "no component of " + list(r.Deny)
	case len(r.Deny) == 0:
		out.what = "no components but " + list(r.Allow)
	default:
		out.what = "no components but " + list(r.Allow) + ", and none of " + list(r.Deny)
	}
	j := &componentJudge{deny, allow}
	out.check = func(_ context.Context, in *policy.Input, a *verify.Attestation, x *excuses) error {
		parts, err := partsOf(in, a)
		if err != nil {
			return err
		}
		var all []Violation
		for _, p := range glancesOf(in, a, parts.PURLs) {
			if why := j.judge(&p); why != "" {
				all = append(all, Violation{Component: p.text, Reason: p.text + " " + why})
			}
		}
		for _, name := range parts.Unidentified {
			if why := j.judgeName(name); why != "" {
				all = append(all, Violation{Component: name, Reason: name + " " + why})
			}
		}
		return x.judge(in, all, func(n int) string { return count(n, "component") + " refused" })
	}
	out.except(r.Exceptions, r.ExceptionsBy)
	return out
}

// list names the first of what a rule lists.
func list[T fmt.Stringer](of []T) string {
	var all []string
	for _, v := range of {
		all = append(all, v.String())
	}
	return some(all)
}

type componentJudge struct{ deny, allow *matcher }

// judge says why a component is refused, or nothing.
func (j *componentJudge) judge(purl *glanced) string {
	switch p, is, why := j.deny.match(purl); {
	case is == versions.In:
		return "is denied" + because(p)
	case is == versions.Unknown && p == nil:
		return "may be denied: " + why
	case is == versions.Unknown:
		return fmt.Sprintf("may be denied by %s: %s%s", p, why, because(p))
	}
	if len(j.allow.patterns) == 0 {
		return ""
	}
	switch p, is, why := j.allow.match(purl); {
	case is == versions.In:
		return ""
	case is == versions.Unknown && p != nil:
		return fmt.Sprintf("is not allowed: by %s it cannot be told: %s", p, why)
	case is == versions.Unknown:
		return "is not allowed: " + why
	}
	return "is not allowed"
}

// judgeName does so of a component that has no package URL.
func (j *componentJudge) judgeName(name string) string {
	if i := slices.IndexFunc(j.deny.patterns, func(p *pattern) bool { return p.about(name) }); i >= 0 {
		return fmt.Sprintf("may be denied by %s: it has no package URL", j.deny.patterns[i])
	}
	if len(j.allow.patterns) > 0 {
		return "is not allowed: it has no package URL"
	}
	return ""
}

func because(p *pattern) string {
	if p.Reason == "" {
		return " by " + p.String()
	}
	return " by " + p.String() + ", " + p.Reason
}

// A partsFact is what an SBOM lists: each package URL once, and the names of components that have none.
type partsFact struct {
	PURLs        []string `json:"purls,omitempty"`
	Unidentified []string `json:"unidentified,omitempty"` // name@version
}

func partsOf(in *policy.Input, a *verify.Attestation) (partsFact, error) {
	return policy.Fact(in, a, "lading/sbom.purls/v1", func() (partsFact, error) {
		var f partsFact
		doc, err := document(in, a)
		if err != nil {
			return f, err
		}
		roots := doc.Roots()
		seen := make(map[string]bool, doc.Len())
		add := func(to *[]string, text string) {
			if !seen[text] {
				seen[text] = true
				*to = append(*to, text)
			}
		}
		spdx := doc.Format().Spec == sbom.SPDX
		for ref, c := range doc.Components() {
			switch {
			case c.PURL == "" && (!isPart(c) || slices.Contains(roots, ref)):
			case c.PURL == "":
				add(&f.Unidentified, nameOf(c))
			case spdx && mayHaveMore(doc, c):
				for _, purl := range doc.Details(ref).PURLs {
					add(&f.PURLs, purl)
				}
			default:
				add(&f.PURLs, c.PURL)
			}
		}
		return f, nil
	})
}

// mayHaveMore reports whether a package of SPDX may have several package URLs, of which a Component has the first.
func mayHaveMore(doc *sbom.Document, c *sbom.Component) bool {
	if !strings.HasPrefix(doc.Format().Version, "2") {
		return true // they may stand elsewhere
	}
	raw, n := c.Raw(), 0
	for i, b := range raw {
		if b == ':' && i >= 3 && bytes.EqualFold(raw[i-3:i], []byte("pkg")) {
			n++
		}
	}
	return n != 1 || bytes.IndexByte(raw, '\\') >= 0
}

// glancesOf looks at package URLs once for all rules, as far as most of them need it.
func glancesOf(in *policy.Input, a *verify.Attestation, purls []string) []glanced {
	read := func() ([]glanced, error) {
		out := make([]glanced, len(purls))
		for i, text := range purls {
			out[i] = glance(text)
		}
		return out, nil
	}
	out, err := policy.Value(in, a, "lading/sbom.purls/v1", read)
	if err != nil { // in a replay there are facts alone
		out, _ = read()
	}
	return out
}

func nameOf(c *sbom.Component) string {
	name := c.Name
	if c.Group != "" {
		name = c.Group + "/" + name
	}
	if name == "" {
		name = c.ID
	}
	if c.Version != "" {
		name += "@" + c.Version
	}
	return strings.TrimSpace(name)
}
