package rules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/verify"
)

// reportTypes are the predicate types of vulnerability reports. CycloneDX has SBOMs under the same type, so it is asked for by
// name.
var reportTypes = []string{vuln.TypeVulnsV02, vuln.TypeVulnsV01, vuln.TypeCosignVuln}

const typeCycloneDX = "https://cyclonedx.org/bom"

// Vulnerabilities forbids vulnerabilities in the reports of scanners.
//
// It judges in-toto vulns v0.1 and v0.2 and cosign's vuln, every report or the newest. With the type https://cyclonedx.org/bom in
// Types, documents of that type that list vulnerabilities are reports as well. At least one of Severity, Exploited and EPSS says
// what is forbidden; a finding that any of them forbids is refused, unless OnlyFixable, Grace, VEX or an exception lets it pass.
//
// A report without findings that says neither which databases were asked nor how many components there were proves no scan, and
// is refused. So is a finding of which the scanner cannot tell whether it is there. What the scanner itself left out as
// suppressed counts, because its ignore rules are nobody's statement: only VEX of the signers that this rule names changes that.
type Vulnerabilities struct {
	Name string // what people call the rule
	Evidence
	// Severity is the least that is refused: "critical", "high", "medium", "low" or "info"; empty means that severity does not matter.
	Severity string
	// Source is whose rating counts, such as "NVD" or "Debian", whatever its case; empty means the highest of all, and of the
	// scanner's own word. A finding that the source did not rate is of unknown severity.
	Source string
	// AllowUnscored lets pass what has no severity where Severity asks for one, and no probability where EPSS does.
	AllowUnscored bool
	// Exploited refuses what is in a catalogue of exploited vulnerabilities, such as CISA's KEV, whatever its severity.
	Exploited bool
	// EPSS is the least probability of exploitation, from 0 to 1 (first.org/epss), that is refused; zero means that it does not matter.
	EPSS float64
	// OnlyFixable refuses only what a version fixes. A finding of which nobody says whether there is a fix passes.
	OnlyFixable bool
	// Grace is how long a finding passes from its publication on; without a time of publication it does not. Zero means not at all.
	// What is exploited has none.
	Grace time.Duration
	// Kinds are what is judged: "vulnerability", "secret" and "configuration"; empty means vulnerabilities.
	Kinds []string

	// MaxScanAge is the age by the report's own word of when the scan ended; MaxDatabaseAge that of every database that was asked.
	// Zero means any. Both are the signer's word: signers must be named.
	MaxScanAge     time.Duration
	MaxDatabaseAge time.Duration
	// Ecosystems are those that a database must have been asked for, by OSV's names such as "Debian" and "npm"; a database that
	// names none covers all.
	Ecosystems []string
	// AllowSkipped lets components pass that the scanner could not assess.
	AllowSkipped bool
	// AnyDigest lets the report name another image than the one that is judged; see [SBOM].
	AnyDigest bool

	// VEX are whose statements about exploitability count. Without any, none do.
	VEX []VEX
	// Exceptions let findings pass, as do those that ExceptionsBy signed.
	Exceptions   []Exception
	ExceptionsBy Evidence

	prepared
}

// Decide implements [policy.Policy].
func (r *Vulnerabilities) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	return r.get(r.rule).decide(ctx, in)
}

// Validate returns an error if the rule forbids nothing, or asks for what there is not.
func (r *Vulnerabilities) Validate() error { return r.get(r.rule).err }

// IgnoresRequest reports that it is the same whoever asks.
func (r *Vulnerabilities) IgnoresRequest() bool { return true }

// String says what is asked, in one line.
func (r *Vulnerabilities) String() string { return r.get(r.rule).text }

func (r *Vulnerabilities) rule() *rule {
	out := &rule{
		Evidence: r.Evidence, name: r.Name, what: r.what(), noun: "vulnerability report", types: reportTypes, usual: policy.Every,
		forbids: true,
		meant:   isReport,
	}
	j := &findingJudge{Vulnerabilities: r}
	out.err = j.compile()
	out.check = j.check
	out.except(r.Exceptions, r.ExceptionsBy)
	return out
}

func (r *Vulnerabilities) what() string {
	var of []string
	if r.Severity != "" {
		of = append(of, oneline.Of(r.Severity)+" or worse")
	}
	if r.Exploited {
		of = append(of, "known to be exploited")
	}
	if r.EPSS > 0 {
		of = append(of, fmt.Sprintf("EPSS %.4g or more", r.EPSS))
	}
	what := "no vulnerability that is "
	if r.OnlyFixable {
		what = "no fixable vulnerability that is "
	}
	what += strings.Join(of, " or ")
	if len(r.VEX) > 0 {
		what += ", after VEX"
	}
	if r.MaxDatabaseAge > 0 {
		what += fmt.Sprintf(", by databases younger than %s", r.MaxDatabaseAge)
	}
	if r.MaxScanAge > 0 {
		what += fmt.Sprintf(", scanned less than %s ago", r.MaxScanAge)
	}
	return what
}

// A findingJudge is Vulnerabilities, compiled.
type findingJudge struct {
	*Vulnerabilities
	least vuln.Severity // Unknown: severity does not matter
	kinds []vuln.Kind
	vex   []*vexSource
}

var kindWords = map[string]vuln.Kind{"vulnerability": vuln.Vulnerability, "secret": vuln.Secret, "configuration": vuln.Configuration}

func (j *findingJudge) compile() error {
	if j.Severity != "" {
		var ok bool
		if j.least, ok = vuln.ParseSeverity(j.Severity); !ok || j.least <= vuln.None {
			return fmt.Errorf(`severity %.40q: there are "critical", "high", "medium", "low" and "info"`, j.Severity)
		}
	}
	j.kinds = []vuln.Kind{vuln.Vulnerability}
	if len(j.Kinds) > 0 {
		j.kinds = nil
	}
	for _, word := range j.Kinds {
		kind, ok := kindWords[word]
		if !ok {
			return fmt.Errorf(`kind %.40q: there are "vulnerability", "secret" and "configuration"`, word)
		}
		j.kinds = append(j.kinds, kind)
	}
	for i := range j.VEX {
		v, err := j.VEX[i].compile()
		if err != nil {
			return fmt.Errorf("VEX %d: %w", i+1, err)
		}
		j.vex = append(j.vex, v)
	}
	switch {
	case j.least == vuln.Unknown && !j.Exploited && j.EPSS == 0:
		return errors.New("the rule forbids nothing: give Severity, Exploited or EPSS")
	case j.EPSS < 0 || j.EPSS > 1:
		return fmt.Errorf("EPSS %v: it is a probability from 0 to 1", j.EPSS)
	case j.Grace < 0 || j.MaxScanAge < 0 || j.MaxDatabaseAge < 0:
		return errors.New("a negative age")
	case (j.MaxScanAge > 0 || j.MaxDatabaseAge > 0) && !j.named():
		return errors.New("the age of a scan and of its databases is the signer's word: name the signers who are believed")
	case slices.Contains(j.Ecosystems, ""):
		return errors.New("an ecosystem without name")
	case j.Source != "" && j.least == vuln.Unknown:
		return errors.New("a source of ratings without Severity")
	}
	return nil
}

func (j *findingJudge) check(ctx context.Context, in *policy.Input, a *verify.Attestation, x *excuses) error {
	report, err := reportOf(in, a)
	if err != nil {
		return err
	}
	if err := j.scan(in, &report); err != nil {
		return err
	}
	var all []Violation
	if !j.AllowSkipped {
		for _, s := range report.Skipped {
			all = append(all, Violation{Component: s.Component, Reason: strings.TrimSpace(s.Component + " was not assessed: " + s.Reason)})
		}
	}
	applied, err := j.apply(ctx, in, &report)
	if err != nil {
		return err
	}
	for i := range applied.Findings {
		f := &applied.Findings[i]
		if !slices.Contains(j.kinds, f.Kind) || !f.Withdrawn.IsZero() && !in.Before(f.Withdrawn) {
			continue
		}
		why, passes := j.refuses(f)
		if why == "" {
			continue
		}
		for k := range f.Affects {
			if v, ok := j.place(in, f, &f.Affects[k], why, passes); ok {
				all = append(all, v)
			}
		}
	}
	return x.judge(in, all, func(n int) string { return count(n, "finding") + " refused" })
}

// scan judges what the report says of the scan itself.
func (j *findingJudge) scan(in *policy.Input, r *reportFact) error {
	switch {
	case !j.AnyDigest && r.Subject.Digest != "" && !isImage(in, r.Subject.Digest):
		return fmt.Errorf("the report says that it is about %s, and the image is %s", r.Subject.Digest, in.Report.Subject.Digest)
	case len(r.Findings) == 0 && len(r.Databases) == 0 && r.Components == 0:
		return errors.New("the report has no findings and says neither which databases were asked nor how many components there were: " +
			"it is no proof of a scan")
	case j.MaxScanAge > 0 && r.Finished.IsZero():
		return errors.New("the report does not say when the scan ended")
	}
	if j.MaxScanAge > 0 {
		if err := within(in, "the report says that the scan ended", r.Finished, j.MaxScanAge); err != nil {
			return err
		}
	}
	if j.MaxDatabaseAge > 0 {
		if len(r.Databases) == 0 {
			return errors.New("the report does not say which databases were asked, nor how old they were")
		}
		for _, db := range r.Databases {
			name := strings.TrimSpace(cmp.Or(db.Name, db.URI, "a database") + " " + db.Ecosystem)
			if db.Updated.IsZero() {
				return fmt.Errorf("the report does not say how old %s was", name)
			}
			if err := within(in, name+" was updated", db.Updated, j.MaxDatabaseAge); err != nil {
				return err
			}
		}
	}
	for _, e := range j.Ecosystems {
		if !slices.ContainsFunc(r.Databases, func(db vuln.Database) bool { return covers(db.Ecosystem, e) }) {
			return fmt.Errorf("no database was asked for %s, as far as the report says", e)
		}
	}
	return nil
}

// covers reports whether a database of one ecosystem answers for another: "Debian:12" for "Debian", and no name for all.
func covers(has, asked string) bool {
	base, _, _ := strings.Cut(has, ":")
	return has == "" || strings.EqualFold(has, asked) || strings.EqualFold(base, asked)
}

// refuses says why a finding is forbidden, whatever it is in, or nothing; and whether it is one that Grace lets pass.
func (j *findingJudge) refuses(f *vuln.Finding) (why string, mayPass bool) {
	if j.Exploited && f.Exploit.Known {
		return "known to be exploited", false
	}
	if j.EPSS > 0 {
		switch {
		case f.EPSS != nil && f.EPSS.Probability >= j.EPSS:
			return fmt.Sprintf("EPSS %.4g", f.EPSS.Probability), true
		case f.EPSS == nil && !j.AllowUnscored:
			return "no EPSS", true
		}
	}
	if j.least == vuln.Unknown {
		return "", false
	}
	switch s := j.severity(f); {
	case s >= j.least:
		return s.String(), true
	case s == vuln.Unknown && !j.AllowUnscored:
		return "no severity", true
	}
	return "", false
}

// severity is the highest that counts.
func (j *findingJudge) severity(f *vuln.Finding) vuln.Severity {
	s := vuln.Unknown
	if j.Source == "" {
		s = f.Severity
	}
	for _, r := range f.Ratings {
		if j.Source == "" || strings.EqualFold(r.Source, j.Source) {
			s = max(s, r.Severity)
		}
	}
	return s
}

// place judges a forbidden finding in one place.
func (j *findingJudge) place(in *policy.Input, f *vuln.Finding, a *vuln.Affected, why string, mayPass bool) (Violation, bool) {
	fixed := len(a.Fixed) > 0 || a.Fix == vuln.Fixable
	state := a.State()
	switch {
	case state == vuln.Excluded:
		return Violation{}, false
	case j.OnlyFixable && !fixed:
		return Violation{}, false
	case j.Grace > 0 && mayPass && !f.Published.IsZero() && !in.Before(f.Published.Add(-clockSkew)) && in.Before(f.Published.Add(j.Grace)):
		return Violation{}, false
	}
	where := cmp.Or(a.Component.PURL, strings.Trim(a.Component.Name+"@"+a.Component.Version, "@"), a.File)
	v := Violation{Finding: f.ID, Component: where, aliases: f.Aliases, Reason: fmt.Sprintf("%s (%s)", f.ID, why)}
	if where != "" {
		v.Reason += " in " + where
	}
	switch {
	case state == vuln.CannotTell:
		v.Reason += ", of which the scanner cannot tell: " + a.Doubt
	case len(a.Fixed) > 0:
		v.Reason += ", fixed in " + some(a.Fixed)
	}
	if a.Suppressed() {
		v.Reason += ", which nobody suppressed whom the policy names"
	}
	return v, true
}
