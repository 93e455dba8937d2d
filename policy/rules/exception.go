package rules

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sbom/quality"
	"github.com/ladingdev/lading/verify"
)

// Predicate types of this package.
const (
	ExceptionsType = "https://github.com/ladingdev/lading/policy/rules/exceptions/v1"
	BreakGlassType = "https://github.com/ladingdev/lading/policy/rules/break-glass/v1"
)

// An Exception lets pass, until a day, what a rule refuses. It is bound to what Digest, Finding, Component and License say, all
// that are set; one of them is. Owner, Reason and Expires are never empty.
type Exception struct {
	Rule      string    `json:"rule,omitempty"`      // the name of the rule that it is for; empty: any that takes it
	Digest    string    `json:"digest,omitempty"`    // of the image, "sha256:..."
	Finding   string    `json:"finding,omitempty"`   // id or alias of a vulnerability, such as "CVE-2024-2961"
	Component string    `json:"component,omitempty"` // as in [Component], with a range after a blank: "pkg:npm/lodash vers:npm/<4.17.21"
	License   string    `json:"license,omitempty"`   // as the SBOM has it, or the same SPDX expression
	Owner     string    `json:"owner"`               // whom people ask
	Reason    string    `json:"reason"`
	Expires   time.Time `json:"expires"` // the first moment at which it does not hold
}

// Validate returns an error for an exception that is bound to nothing, or lacks an owner, a reason or an end.
func (e Exception) Validate() error {
	if _, err := e.compile(); err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

// String says what is excepted, by whom and until when, in one line.
func (e Exception) String() string {
	var of []string
	for _, s := range []string{e.Finding, e.Component, e.License, e.Digest} {
		if s != "" {
			of = append(of, s)
		}
	}
	return oneline.Of(fmt.Sprintf("%s until %s (%s: %s)", strings.Join(of, " in "), stamp(e.Expires), e.Owner, e.Reason))
}

// Exceptions are a predicate of type [ExceptionsType], to be signed and attached to the image that they are about.
type Exceptions []Exception

// PredicateType returns [ExceptionsType].
func (Exceptions) PredicateType() string { return ExceptionsType }

// MarshalJSON writes the predicate. It fails for exceptions that [Exception.Validate] refuses, so that they are not signed.
func (list Exceptions) MarshalJSON() ([]byte, error) {
	for i, e := range list {
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("rules: exception %d: %w", i+1, trimmed{err})
		}
	}
	if len(list) == 0 {
		return nil, errors.New("rules: no exceptions")
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(map[string][]Exception{"exceptions": list})
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// ParseExceptions reads a predicate of type [ExceptionsType], strictly: a member that is not known, or stands twice, is an error,
// and so is an exception that [Exception.Validate] refuses.
func ParseExceptions(predicate []byte) (Exceptions, error) {
	var list Exceptions
	r := strictjson.NewReader(predicate, strictjson.Limits{})
	for top := r.Fields("exceptions"); top.Next(); {
		for range r.Array() {
			var e Exception
			for f := r.Fields("rule", "digest", "finding", "component", "license", "owner", "reason", "expires"); f.Next(); {
				e.read(r, f.Name)
			}
			list = append(list, e)
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("rules: exceptions: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("rules: exceptions: the list is empty")
	}
	for i, e := range list {
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("rules: exception %d: %w", i+1, trimmed{err})
		}
	}
	return list, nil
}

func (e *Exception) read(r *strictjson.Reader, name string) {
	switch name {
	case "rule":
		e.Rule = r.String()
	case "digest":
		e.Digest = r.String()
	case "finding":
		e.Finding = r.String()
	case "component":
		e.Component = r.String()
	case "license":
		e.License = r.String()
	case "owner":
		e.Owner = r.String()
	case "reason":
		e.Reason = r.String()
	case "expires":
		e.Expires = readTime(r)
	}
}

// readTime reads a time in RFC 3339.
func readTime(r *strictjson.Reader) time.Time {
	t, err := time.Parse(time.RFC3339, r.String())
	if err != nil && r.Err() == nil {
		r.Fail(err)
	}
	return t
}

// An excuse is an Exception, compiled.
type excuse struct {
	Exception
	by        string // who signed it; empty: the policy itself
	component *pattern
}

func (e Exception) compile() (*excuse, error) {
	out := &excuse{Exception: e}
	if e.Component != "" {
		c, err := ParseComponent(e.Component)
		if err != nil {
			return nil, trimmed{err}
		}
		if out.component, err = c.compile(); err != nil {
			return nil, err
		}
	}
	switch {
	case strings.TrimSpace(e.Digest+e.Finding+e.Component+e.License) == "":
		return nil, errors.New("an exception that is bound to nothing: give a digest, a finding, a component or a license")
	case e.Digest != "" && !isDigest(e.Digest):
		return nil, fmt.Errorf("an exception for digest %.80q, which is none of an image: sha256: and 64 digits of "+
			"lower-case hex", e.Digest)
	case strings.TrimSpace(e.Owner) == "" || strings.TrimSpace(e.Reason) == "":
		return nil, errors.New("an exception has an owner and a reason")
	case e.Expires.IsZero():
		return nil, errors.New("an exception has an end: give expires")
	}
	return out, nil
}

// A Violation is one thing that a rule refuses: a component, a finding in one, or a licence of one.
type Violation struct {
	Finding   string `json:"finding,omitempty"`
	Component string `json:"component,omitempty"` // package URL, or name and version
	License   string `json:"license,omitempty"`
	Reason    string `json:"reason"`

	aliases []string // of Finding
}

// String is the reason.
func (v Violation) String() string { return v.Reason }

// A ViolationError is why an attestation is refused: for errors.As on the cause of a decision.
type ViolationError struct {
	What       string      // such as "2 components are denied"
	Violations []Violation // at least one
}

// Error names the first three.
func (e *ViolationError) Error() string {
	var all []string
	for _, v := range e.Violations {
		all = append(all, v.Reason)
	}
	return e.What + ": " + some(all)
}

// proven reports whether somebody else than the signer says when it was signed.
func proven(s verify.Signer) bool {
	return s.TimeSource >= verify.TimeAuthority && s.TimeSource <= verify.TimeLogged && !s.SignedAt.IsZero()
}

// excuses are the exceptions that one decision may rest on.
type excuses struct {
	rule   string
	inline []*excuse
	signed *policy.Require
	ctx    context.Context // of the decision that they live for

	once sync.Once
	list []*excuse
	used []*excuse
	over []string // exceptions that have ended
	bad  []string // signed exceptions that cannot be read
	lost error    // one that could not be looked at
}

// load collects the exceptions, at the first violation.
func (x *excuses) load(in *policy.Input) {
	x.list = slices.Clone(x.inline)
	defer func() { // of two for one thing, the decision holds as long as the later one does
		slices.SortStableFunc(x.list, func(a, b *excuse) int { return b.Expires.Compare(a.Expires) })
	}()
	if x.signed == nil {
		return
	}
	spoken(x.ctx, in, x.signed, func(a *verify.Attestation, who verify.Signer) {
		all, err := policy.Fact(in, a, "lading/exceptions/v1", func() ([]Exception, error) { return ParseExceptions(a.Predicate) })
		switch {
		case errors.Is(err, policy.ErrIndeterminate):
			x.lost = err
		case err != nil:
			x.bad = append(x.bad, oneline.Error(trimmed{err}))
		}
		for _, e := range all {
			if c, err := e.compile(); err == nil {
				c.by = who.String()
				x.list = append(x.list, c)
			}
		}
	})
}

// excepted reports whether an exception lets something pass.
func (x *excuses) excepted(in *policy.Input, v Violation) bool {
	x.once.Do(func() { x.load(in) })
	for _, e := range x.list {
		switch {
		case e.Rule != "" && e.Rule != x.rule || !e.covers(in, v):
		case in.Before(e.Expires):
			if !slices.Contains(x.used, e) {
				x.used = append(x.used, e)
			}
			return true
		default:
			x.over = append(x.over, e.String())
		}
	}
	return false
}

func (e *excuse) covers(in *policy.Input, v Violation) bool {
	if e.Digest != "" && !isImage(in, e.Digest) {
		return false
	}
	if e.Finding != "" && !strings.EqualFold(e.Finding, v.Finding) &&
		!slices.ContainsFunc(v.aliases, func(a string) bool { return strings.EqualFold(a, e.Finding) }) {
		return false
	}
	if e.component != nil {
		m := matcher{patterns: []*pattern{e.component}}
		if _, is, _ := m.all(v.Component); is != versions.In {
			return false
		}
	}
	return e.License == "" || sameLicense(e.License, v.License)
}

func sameLicense(a, b string) bool {
	if a == b {
		return true
	}
	x, err := quality.ParseExpression(a)
	y, err2 := quality.ParseExpression(b)
	return err == nil && err2 == nil && x.Equal(y)
}

// judge drops the violations that exceptions let pass, and returns an error that says what of the others.
func (x *excuses) judge(in *policy.Input, all []Violation, what func(n int) string) error {
	all = slices.DeleteFunc(all, func(v Violation) bool { return x.excepted(in, v) })
	switch {
	case len(all) == 0:
		return nil
	case x.lost != nil:
		return fmt.Errorf("an exception could not be looked at: %w", x.lost)
	}
	return &ViolationError{What: what(len(all)), Violations: all}
}

// say adds to a decision the exceptions that it rests on.
func (x *excuses) say(d *policy.Decision) {
	if len(x.used) > 0 {
		var all []string
		for _, e := range x.used {
			s := e.String()
			if e.by != "" {
				s += " signed by " + oneline.Of(e.by)
			}
			all = append(all, s)
		}
		d.Reason += fmt.Sprintf("; by %s: %s", count(len(all), "exception"), strings.Join(all, ", "))
	}
	if len(x.over) > 0 && d.Verdict != policy.Allow {
		d.Reason += "; exceptions that ended: " + some(x.over)
	}
	if len(x.bad) > 0 && d.Verdict != policy.Allow {
		d.Reason += "; not read as exceptions: " + some(x.bad)
	}
}
