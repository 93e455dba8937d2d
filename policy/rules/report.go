package rules

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/verify"
)

// A reportFact is what rules read of a vulnerability report: what it says of the scan, and its findings without texts for people
// and without anything that VEX changed.
type reportFact struct {
	Subject    vuln.Subject    `json:"subject,omitzero"`
	Databases  []vuln.Database `json:"databases,omitempty"`
	Finished   time.Time       `json:"finished,omitzero"`
	Components int             `json:"components,omitempty"`
	Skipped    []skippedFact   `json:"skipped,omitempty"`
	Findings   []vuln.Finding  `json:"findings,omitempty"`
}

type skippedFact struct {
	Component string `json:"component,omitempty"`
	Reason    string `json:"reason"`
}

// reportOf reads a report, once for all rules.
func reportOf(in *policy.Input, a *verify.Attestation) (reportFact, error) {
	return policy.Fact(in, a, "lading/vulnerabilities/v1", func() (reportFact, error) {
		report, err := vuln.ParsePredicate(a.PredicateType, a.Predicate)
		if errors.Is(err, vuln.ErrLimit) {
			return reportFact{}, fmt.Errorf("%w: %w", policy.ErrIndeterminate, err)
		}
		if err != nil {
			return reportFact{}, unreadable("vulnerability report", err)
		}
		f := reportFact{
			Subject: report.Subject, Databases: report.Databases, Finished: report.Finished, Components: report.Components,
		}
		for _, s := range report.Skipped {
			name := strings.Trim(s.Component.Name+"@"+s.Component.Version, "@")
			f.Skipped = append(f.Skipped, skippedFact{cmp.Or(s.Component.PURL, name), s.Reason})
		}
		for i := range report.Findings {
			f.Findings = append(f.Findings, plain(&report.Findings[i]))
		}
		return f, nil
	})
}

// plain is a finding as it is judged. What VEX said in the report is left out: it was proven to nobody here.
func plain(f *vuln.Finding) vuln.Finding {
	out := vuln.Finding{
		ID: f.ID, Aliases: f.Aliases, Kind: f.Kind, Severity: f.Severity, EPSS: f.EPSS, Exploit: f.Exploit,
		Published: f.Published, Withdrawn: f.Withdrawn,
	}
	for _, r := range f.Ratings {
		out.Ratings = append(out.Ratings, vuln.Rating{Source: r.Source, Severity: r.Severity})
	}
	for _, a := range f.Affects {
		a.VEX = nil
		a.Component.Refs, a.Component.Paths = nil, nil
		if a.Status != "" && !a.Suppressed() {
			a.Status = ""
		}
		out.Affects = append(out.Affects, a)
	}
	if len(out.Affects) == 0 {
		out.Affects = []vuln.Affected{{}}
	}
	return out
}

// isReport tells reports in CycloneDX from SBOMs, which have the same type and say nothing of vulnerabilities.
func isReport(in *policy.Input, a *verify.Attestation) bool {
	if a.PredicateType != typeCycloneDX && !strings.HasPrefix(a.PredicateType, typeCycloneDX+"/") {
		return true
	}
	f, err := reportOf(in, a)
	return err != nil || len(f.Findings) > 0 || len(f.Databases) > 0
}
