package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/quality"
	"github.com/ladingdev/lading/verify"
)

// Licenses forbids licences: those of Deny, and, if Allow is not empty, all others than those of Allow.
//
// It judges the SBOMs that [SBOM] lists, every one of them, or the newest. Expressions are evaluated (SPDX 2.3, annex D): of
// what stands with OR, one that may be taken is enough; all of what stands with AND must be. Every licence that the SBOM gives
// for a component must do, declared or concluded, unless Role says which counts.
//
// A licence of Allow that may be taken in a later version allows the later versions, as [quality.Allow] says. One of Deny denies
// the licence also "or later", if that begins with it, and with any exception behind WITH, if Deny names none.
//
// A component without a licence is refused, and so is a licence that is not on the SPDX licence list: see AllowUnlicensed,
// AllowNames and AllowUnrecognized. Files, the operating system's name and the image itself are judged only if they have a
// licence.
type Licenses struct {
	Name string // what people call the rule
	Evidence
	Deny  []string // each an SPDX licence, such as "GPL-3.0-only", "GPL-2.0-only WITH Classpath-exception-2.0" or "LicenseRef-x"
	Allow []string // in the same way
	// AllowNames are names of licences that pass though they are no SPDX licences, exactly as the SBOM writes them.
	AllowNames []string
	// Role is which claims count: "declared" or "concluded"; empty means all. In CycloneDX a claim without a role is both.
	Role string
	// AllowUnlicensed lets components pass of which the SBOM gives no licence, or says that nobody knows it.
	AllowUnlicensed bool
	// AllowUnrecognized lets licences pass that are no SPDX expression, such as a name or the digest of a text.
	AllowUnrecognized bool
	// Exceptions let components or licences pass, as do those that ExceptionsBy signed.
	Exceptions   []Exception
	ExceptionsBy Evidence

	prepared
}

// Decide implements [policy.Policy].
func (r *Licenses) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	return r.get(r.rule).decide(ctx, in)
}

// Validate returns an error if the rule asks for nothing, or names what is no SPDX licence.
func (r *Licenses) Validate() error { return r.get(r.rule).err }

// IgnoresRequest reports that it is the same whoever asks.
func (r *Licenses) IgnoresRequest() bool { return true }

// String says what is asked, in one line.
func (r *Licenses) String() string { return r.get(r.rule).text }

func (r *Licenses) rule() *rule {
	out := &rule{Evidence: r.Evidence, name: r.Name, noun: "SBOM", types: sbomTypes, usual: policy.Every, forbids: true, meant: isSBOM}
	j := &licenseJudge{role: r.Role, names: r.AllowNames, unlicensed: r.AllowUnlicensed, unrecognized: r.AllowUnrecognized}
	out.err = j.compile(r)
	switch {
	case len(r.Allow) == 0:
		out.what = "no licence of " + some(r.Deny)
	case len(r.Deny) == 0:
		out.what = "no licences but " + some(r.Allow)
	default:
		out.what = "no licences but " + some(r.Allow) + ", and none of " + some(r.Deny)
	}
	out.check = func(_ context.Context, in *policy.Input, a *verify.Attestation, x *excuses) error {
		sets, err := licensesOf(in, a)
		if err != nil {
			return err
		}
		return x.judge(in, j.violations(sets, expressionsOf(in, a, sets)), func(int) string { return "licences refused" })
	}
	out.except(r.Exceptions, r.ExceptionsBy)
	return out
}

// A licenseJudge is Licenses, compiled.
type licenseJudge struct {
	role                     string
	names                    []string
	unlicensed, unrecognized bool
	allow                    func(quality.License) bool // nil: whatever is not denied
	deny                     []deniedLicense
}

type deniedLicense struct {
	is     func(quality.License) bool
	exempt bool // it names an exception, and does not deny the licence without
}

func (j *licenseJudge) compile(r *Licenses) error {
	switch {
	case len(r.Deny)+len(r.Allow) == 0:
		return errors.New("the rule names no licences: give Deny or Allow")
	case r.Role != "" && r.Role != "declared" && r.Role != "concluded":
		return fmt.Errorf(`role %.40q: there are "declared" and "concluded"`, r.Role)
	}
	for _, text := range r.Deny {
		is, err := quality.Allow(text)
		if err != nil {
			return fmt.Errorf("denied licences: %w", err)
		}
		e, err := quality.ParseExpression(text)
		if err != nil {
			return fmt.Errorf("denied licences: %w", err)
		}
		j.deny = append(j.deny, deniedLicense{is, e.Licenses()[0].Exception != ""})
	}
	if len(r.Allow) > 0 {
		allow, err := quality.Allow(r.Allow...)
		if err != nil {
			return fmt.Errorf("allowed licences: %w", err)
		}
		j.allow = allow
	}
	return nil
}

// permits reports whether a licence may be taken.
func (j *licenseJudge) permits(l quality.License) bool {
	for _, d := range j.deny {
		if d.is(first(l)) {
			return false
		}
		if plain := l; !d.exempt {
			plain.Exception = ""
			if d.is(first(plain)) {
				return false
			}
		}
	}
	switch {
	case j.allow != nil && j.allow(l):
		return true
	case !l.Listed:
		return j.unrecognized || slices.Contains(j.names, l.String())
	}
	return j.allow == nil
}

// first is the version that a licence "or later" begins with.
func first(l quality.License) quality.License {
	l.OrLater = false
	if base, ok := strings.CutSuffix(l.ID, "-or-later"); ok {
		l.ID = base + "-only"
	}
	return l
}

// refused is one licence of a set of components that will not do.
type refused struct{ license, why string }

// judge returns what will not do of the claims that components have.
func (j *licenseJudge) judge(s *licenseSet, of map[string]*quality.Expression) []refused {
	var out []refused
	known := false
	for _, c := range s.Claims {
		if j.role != "" && c.Role != "" && c.Role != j.role {
			continue
		}
		known = true
		if why := j.judgeClaim(c, of[c.Expression]); why != "" && !slices.Contains(out, refused{c.text(), why}) {
			out = append(out, refused{c.text(), why})
		}
	}
	if !known && s.Part && !j.unlicensed {
		return []refused{{"", "no licence is given"}}
	}
	return out
}

// violations are all that will not do.
func (j *licenseJudge) violations(sets []licenseSet, of map[string]*quality.Expression) (all []Violation) {
	for i := range sets {
		for _, license := range j.judge(&sets[i], of) {
			all = append(all, license.violations(&sets[i])...)
		}
	}
	return all
}

// judgeClaim says why a licence will not do, or nothing.
func (j *licenseJudge) judgeClaim(c licenseClaim, e *quality.Expression) string {
	switch {
	case e != nil && e.Satisfied(j.permits):
		return ""
	case e != nil && j.allow == nil && e.Satisfied(func(l quality.License) bool { return !l.Listed || j.permits(l) }):
		return "no SPDX licence" // a reference is all that is wrong
	case e != nil && j.allow == nil:
		return "denied"
	case e != nil:
		return "not allowed"
	case slices.Contains(j.names, c.text()) || j.unrecognized:
		return ""
	}
	return "no SPDX licence"
}

// violations names the components of a set for one of its licences.
func (l refused) violations(s *licenseSet) []Violation {
	what := "no licence"
	if l.license != "" {
		what = fmt.Sprintf("%s (%s)", l.license, l.why)
	}
	var out []Violation
	for _, c := range s.Components {
		out = append(out, Violation{Component: c, License: l.license, Reason: what + " of " + c})
	}
	if more := s.Count - len(out); more > 0 {
		out = append(out, Violation{License: l.license, Reason: fmt.Sprintf("%s of %d more components", what, more)})
	}
	return out
}

// A licenseSet is what components say of their licence that say the same.
type licenseSet struct {
	Claims     []licenseClaim `json:"claims,omitempty"` // those with a value
	Part       bool           `json:"part,omitempty"`   // they should have one
	Count      int            `json:"count"`
	Components []string       `json:"components"` // the first of them, by package URL, or name and version
}

type licenseClaim struct {
	Role       string `json:"role,omitempty"`
	Expression string `json:"expression,omitempty"`
	Name       string `json:"name,omitempty"`
}

func (c licenseClaim) text() string {
	if c.Expression != "" {
		return c.Expression
	}
	return c.Name
}

// maxExamples is how many components of a set are recorded: more than people read, and as many as have exceptions of their own.
const maxExamples = 32

// licensesOf returns the distinct claims of an SBOM. It asks the document once for each component.
func licensesOf(in *policy.Input, a *verify.Attestation) ([]licenseSet, error) {
	return policy.Fact(in, a, "lading/sbom.licenses/v1", func() ([]licenseSet, error) {
		doc, err := document(in, a)
		if err != nil {
			return nil, err
		}
		return collectLicenses(doc, doc.Licenses), nil
	})
}

// expressionsOf reads the expressions of an SBOM once for all rules. What is none is not among them.
func expressionsOf(in *policy.Input, a *verify.Attestation, sets []licenseSet) map[string]*quality.Expression {
	read := func() (map[string]*quality.Expression, error) { return parseExpressions(sets), nil }
	of, err := policy.Value(in, a, "lading/sbom.expressions/v1", read)
	if err != nil { // in a replay there are facts alone
		of, _ = read()
	}
	return of
}

func parseExpressions(sets []licenseSet) map[string]*quality.Expression {
	of := map[string]*quality.Expression{}
	for i := range sets {
		for _, c := range sets[i].Claims {
			if _, ok := of[c.Expression]; ok {
				continue
			}
			e, err := quality.ParseExpression(c.Expression)
			if err != nil {
				e = nil
			}
			of[c.Expression] = e
		}
	}
	return of
}

func collectLicenses(doc *sbom.Document, licenses func(sbom.Ref) []sbom.LicenseClaim) []licenseSet {
	g := &licenseGroups{byText: map[string][]int{}}
	roots := doc.Roots()
	for ref, c := range doc.Components() {
		claims := licenses(ref)
		part := isPart(c) && !slices.Contains(roots, ref)
		if len(claims) == 0 && !part {
			continue
		}
		set := g.of(claims, part)
		set.Count++
		if len(set.Components) < maxExamples {
			name := c.PURL
			if name == "" {
				name = nameOf(c)
			}
			set.Components = append(set.Components, name)
		}
	}
	out := make([]licenseSet, 0, len(g.sets))
	for _, s := range g.sets {
		if s.Part || len(s.Claims) > 0 {
			out = append(out, s.licenseSet)
		}
	}
	return out
}

// licenseGroups finds components of the same claims.
type licenseGroups struct {
	sets   []*licenseGroup
	byText map[string][]int // by what the first claim says
	last   *licenseGroup    // of the component before: those of one package manager stand together
}

type licenseGroup struct {
	licenseSet
	claims []sbom.LicenseClaim // as the document gives them
}

func (g *licenseGroups) of(claims []sbom.LicenseClaim, part bool) *licenseSet {
	if g.last != nil && g.last.is(claims, part) {
		return &g.last.licenseSet
	}
	text := ""
	if len(claims) > 0 {
		text = claims[0].Expression
		if text == "" {
			text = claims[0].Name
		}
	}
	for _, i := range g.byText[text] {
		if g.last = g.sets[i]; g.last.is(claims, part) {
			return &g.last.licenseSet
		}
	}
	g.last = &licenseGroup{claims: slices.Clone(claims), licenseSet: licenseSet{Part: part}}
	for _, c := range claims {
		if c.State != sbom.Value || c.Expression == "" && c.Name == "" {
			continue
		}
		if claim := (licenseClaim{c.Role, c.Expression, c.Name}); !slices.Contains(g.last.Claims, claim) {
			g.last.Claims = append(g.last.Claims, claim)
		}
	}
	g.byText[text] = append(g.byText[text], len(g.sets))
	g.sets = append(g.sets, g.last)
	return &g.last.licenseSet
}

func (s *licenseGroup) is(claims []sbom.LicenseClaim, part bool) bool {
	return s.Part == part && slices.Equal(s.claims, claims)
}
