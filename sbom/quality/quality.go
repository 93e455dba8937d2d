// Package quality judges SBOMs by what published profiles ask of them, rule by rule, and reads licence expressions.
//
//	report := quality.Check(doc, quality.CISA2026, nil)
//	fmt.Print(report)
//	if !report.Conforms() { ... }
//
// A [Profile] is data: a list of rules, each with the clause that it is from and the name of a check. Programs write
// their own from the same checks; see [Checks]. A report says of every rule whether it holds and for which components it
// does not. The score comes after that and stands for nothing else: one missing field that a profile asks for is enough
// not to conform.
package quality

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

// A Level says how much a rule counts.
type Level uint8

const (
	Required    Level = iota // the profile is not met without
	Conditional              // required where there is something to say; what is not there is not judged
	Recommended              // not required
)

// String is the level in words.
func (l Level) String() string { return [...]string{"required", "if it exists", "recommended"}[l] }

// A Rule is one thing that a profile asks for.
type Rule struct {
	ID     string // short, unique in the profile
	Clause string // of the profile's document
	Title  string
	Check  string // one of Checks
	Arg    string // for checks that take one
	Level  Level

	// Unknown says that it is enough if the document says that nobody knows, as with NOASSERTION.
	Unknown bool

	// Note says what a reader should know of the rule, such as that its wording could not be checked.
	Note string
}

// A Profile is a list of rules that somebody published.
type Profile struct {
	Name    string // short, such as "ntia-2021"
	Title   string
	Version string
	Source  string // URL
	Note    string
	Rules   []Rule
}

// Status is how a rule came out.
type Status uint8

const (
	Fail          Status = iota // for the document, or for one component at least
	Pass                        // for every component, or for the document
	NotApplicable               // there was nothing to judge
)

// String is "fail", "pass" or "n/a".
func (s Status) String() string { return [...]string{"fail", "pass", "n/a"}[s] }

// A Result is how one rule came out.
type Result struct {
	Rule    Rule
	Status  Status
	Checked int        // components that were judged; 0 for a rule on the document
	Failing []sbom.Ref // components for which the rule does not hold, in document order
	Unknown int        // components of which the document says that nobody knows
	Reason  string     // why it fails, of components for the first, and what to do
}

// Report is how a document came out by a profile.
type Report struct {
	Profile    *Profile
	Format     sbom.Format
	Components int // that were judged
	Results    []Result

	doc *sbom.Document
}

// Options of [Check].
type Options struct {
	// AuthorSignature says that a signature beside the document was verified to be of its author. A signature inside
	// counts as said, as nobody verifies it here.
	AuthorSignature bool
	// Files judges files and snippets as components too, not only what they are part of. Those that the document is about
	// are judged in any case.
	Files bool
}

// Conforms says whether no rule fails that is required, or required where there is something to say.
func (r *Report) Conforms() bool {
	return !slices.ContainsFunc(r.Results, func(x Result) bool { return x.Status == Fail && x.Rule.Level != Recommended })
}

// Score is how much of what the profile asks for is there, in percent: the mean, over the rules that are not merely
// recommended and that there was something to judge for, of the share of components that they hold for.
func (r *Report) Score() float64 {
	sum, n := 0.0, 0
	for _, x := range r.Results {
		if x.Status == NotApplicable || x.Rule.Level == Recommended {
			continue
		}
		n++
		switch {
		case x.Status == Pass:
			sum++
		case x.Checked > 0:
			sum += 1 - float64(len(x.Failing))/float64(x.Checked)
		}
	}
	if n == 0 {
		return 0
	}
	return 100 * sum / float64(n)
}

// String is the report for people: a line for each rule, at most 100 characters wide.
func (r *Report) String() string {
	var b strings.Builder
	verdict := "does not conform"
	if r.Conforms() {
		verdict = "conforms"
	}
	fmt.Fprintf(&b, "%s %s: %v with %d components %s\n", r.Profile.Title, r.Profile.Version, r.Format, r.Components, verdict)
	for _, x := range r.Results {
		mark := map[Status]string{Pass: "ok  ", Fail: "FAIL", NotApplicable: "-   "}[x.Status]
		if x.Status == Fail && x.Rule.Level == Recommended {
			mark = "note"
		}
		line := fmt.Sprintf("%s %s", mark, x.Rule.Title)
		if x.Checked > 0 {
			line += fmt.Sprintf(" (%d of %d)", x.Checked-len(x.Failing), x.Checked)
		}
		if x.Status == Fail {
			line += ": " + x.Reason
		}
		fmt.Fprintln(&b, clip(line, 100))
	}
	fmt.Fprintf(&b, "score %.0f\n", r.Score())
	return b.String()
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-3]) + "..."
	}
	return s
}

// count adds what a check says of the component of c.
func (x *Result) count(c *context, v verdict) {
	if v.unknown {
		x.Unknown++
	}
	switch v.status(x.Rule) {
	case Pass:
		x.Checked++
		if x.Status == NotApplicable {
			x.Status = Pass
		}
	case Fail:
		x.Checked++
		x.Status = Fail
		x.Failing = append(x.Failing, c.ref)
		if x.Reason == "" {
			x.Reason = clip(cmp.Or(c.component.Name, c.component.ID), 40) + ": " + v.advice
		}
	}
}

// Check judges a document by a profile. It reads each component once, in time that grows with the document. A rule whose
// check is not one of [Checks] fails and says so.
func Check(doc *sbom.Document, p *Profile, o *Options) *Report {
	if o == nil {
		o = &Options{}
	}
	r := &Report{Profile: p, Format: doc.Format(), Results: make([]Result, len(p.Rules)), doc: doc}
	c := newContext(doc, o)
	for i, rule := range p.Rules {
		x := &r.Results[i]
		x.Rule, x.Status = rule, NotApplicable
		found, ok := checks[rule.Check]
		switch {
		case !ok:
			x.Status, x.Reason = Fail, fmt.Sprintf("there is no check %q", rule.Check)
		case found.document != nil:
			v := found.document(c, rule.Arg)
			x.Status, x.Reason = v.status(rule), v.advice
		}
	}
	roots := map[sbom.Ref]bool{}
	for _, ref := range doc.Roots() {
		roots[ref] = true
	}
	for ref, component := range doc.Components() {
		if !o.Files && (component.Kind == "file" || component.Kind == "snippet") && !roots[ref] {
			continue
		}
		r.Components++
		c.ref, c.component, c.details = ref, component, doc.Details(ref)
		for i, rule := range p.Rules {
			if found := checks[rule.Check]; found.component != nil {
				r.Results[i].count(c, found.component(c, rule.Arg))
			}
		}
	}
	return r
}

// Checks returns the names of the checks that rules name, with what each looks for.
func Checks() map[string]string {
	out := map[string]string{}
	for name, c := range checks {
		out[name] = c.means
	}
	return out
}

// ProfileByName returns a profile of this package, or nil.
func ProfileByName(name string) *Profile {
	for _, p := range Profiles() {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Profiles returns the profiles of this package.
func Profiles() []*Profile { return []*Profile{NTIA2021, CISA2026, BSI21, Telco11} }

// A verdict is what a check finds.
type verdict struct {
	ok, absent, unknown bool
	advice              string
}

var good = verdict{ok: true}

// bad is said of what is there and is not as it should be, absent of what is not there, unknown of what the document
// says nobody knows.
func bad(advice string) verdict     { return verdict{advice: advice} }
func absent(advice string) verdict  { return verdict{absent: true, advice: advice} }
func unknown(advice string) verdict { return verdict{unknown: true, advice: advice} }

func want(ok bool, advice string) verdict {
	if ok {
		return good
	}
	return absent(advice)
}

func (v verdict) status(r Rule) Status {
	switch {
	case v.ok, v.unknown && r.Unknown:
		return Pass
	case (v.absent || v.unknown) && r.Level == Conditional:
		return NotApplicable
	}
	return Fail
}
