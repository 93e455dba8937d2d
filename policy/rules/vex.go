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
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/verify"
)

// vexTypes are the predicate types of VEX documents: OpenVEX with and without a version, CSAF, and CycloneDX.
var vexTypes = []string{
	"https://openvex.dev/ns", "https://openvex.dev/ns/v0.2.0", "https://openvex.dev/ns/v0.0.1",
	"https://docs.oasis-open.org/csaf/csaf/v2.0", typeCycloneDX,
}

// VEX says whose VEX statements a rule takes. Only attestations about the image by these signers count, and what others say
// changes nothing.
type VEX struct {
	// Evidence names the signers. Types empty means OpenVEX (https://openvex.dev/ns), CSAF
	// (https://docs.oasis-open.org/csaf/csaf/v2.0) and CycloneDX. It has no Quantifier.
	Evidence
	// Components are those that the signers may speak about, as in [Component.PURL]: a vendor about its own packages. Empty means
	// all of the image.
	Components []string
	// Justifications are those that are accepted of a statement "not_affected", in the words of its format, such as
	// "vulnerable_code_not_present"; empty means any, and none at all.
	Justifications []string
}

// A vexSource is a VEX, compiled.
type vexSource struct {
	VEX
	require    policy.Require
	components *matcher // nil: all
}

func (v VEX) compile() (*vexSource, error) {
	req, err := v.beside(vexTypes)
	if err != nil {
		return nil, err
	}
	out := &vexSource{VEX: v, require: req}
	if len(v.Components) > 0 {
		var list []Component
		for _, c := range v.Components {
			list = append(list, Component{PURL: c})
		}
		m, err := newMatcher(list)
		if err != nil {
			return nil, err
		}
		out.components = m
	}
	return out, nil
}

// speaksOf reports whether the source may speak about a component.
func (v *vexSource) speaksOf(c *vuln.Component) bool {
	if v.components == nil {
		return true
	}
	purl := glance(c.PURL)
	_, is, _ := v.components.match(&purl)
	return c.PURL != "" && is == versions.In
}

// statements are those that the source's signers made about the image.
func (v *vexSource) statements(ctx context.Context, in *policy.Input) (out []vuln.Statement, lost error) {
	spoken(ctx, in, &v.require, func(a *verify.Attestation, who verify.Signer) {
		list, err := statementsOf(in, a)
		if err != nil { // it may say "affected" of what another one excludes
			lost = fmt.Errorf("VEX by %s: %w", who, err)
			return
		}
		signer := vuln.Signer{Identity: who.Identity.Subject, Issuer: who.Identity.Issuer}
		if signer.Identity == "" {
			signer.Identity = who.Identity.String()
		}
		if proven(who) {
			signer.At = who.SignedAt
		}
		for _, s := range list {
			if s.Status == vuln.StatusNotAffected && len(v.Justifications) > 0 && !slices.Contains(v.Justifications, s.Justification) {
				continue
			}
			s.Signer = signer
			out = append(out, s)
		}
	})
	return out, lost
}

// statementsOf reads a VEX document, once for all rules.
func statementsOf(in *policy.Input, a *verify.Attestation) ([]vuln.Statement, error) {
	return policy.Fact(in, a, "lading/vex/v1", func() ([]vuln.Statement, error) {
		list, _, err := vuln.ParseVEX(bytes.NewReader(a.Predicate))
		switch {
		case errors.Is(err, vuln.ErrLimit):
			return nil, fmt.Errorf("%w: %w", policy.ErrIndeterminate, err)
		case err != nil:
			return nil, unreadable("VEX document", err)
		}
		for i := range list {
			list[i].Impact, list[i].Action = "", ""
		}
		return list, nil
	})
}

// apply lets the statements of all sources speak, each source about the components that it may speak about, and returns the
// report after that. The fact itself is not changed.
func (j *findingJudge) apply(ctx context.Context, in *policy.Input, f *reportFact) (*vuln.Report, error) {
	if len(j.vex) == 0 || len(f.Findings) == 0 {
		return &vuln.Report{Findings: f.Findings}, nil
	}
	report := &vuln.Report{Subject: subjectOf(in, f.Subject), Findings: slices.Clone(f.Findings)}
	for i := range report.Findings {
		report.Findings[i].Affects = slices.Clone(report.Findings[i].Affects)
	}
	bySource := make([][]vuln.Statement, len(j.vex))
	limited := false
	for i, v := range j.vex {
		var err error
		if bySource[i], err = v.statements(ctx, in); err != nil {
			return nil, err
		}
		limited = limited || v.components != nil
	}
	if !limited {
		report.Apply(slices.Concat(bySource...)...)
		return report, nil
	}
	for _, g := range j.groups(report) {
		var list []vuln.Statement
		for n := range j.vex {
			if g.sources[n] == '1' {
				list = append(list, bySource[n]...)
			}
		}
		part := vuln.Report{Subject: report.Subject}
		for _, at := range g.places {
			one := report.Findings[at[0]]
			one.Affects = one.Affects[at[1] : at[1]+1 : at[1]+1]
			part.Findings = append(part.Findings, one)
		}
		part.Apply(list...)
	}
	return report, nil
}

// A vexGroup is the places of a report that the same sources may speak about.
type vexGroup struct {
	sources string   // '1' for each that may
	places  [][2]int // finding, and place in it
}

func (j *findingJudge) groups(report *vuln.Report) (out []*vexGroup) {
	byKey := map[string]*vexGroup{}
	for i := range report.Findings {
		for k := range report.Findings[i].Affects {
			key := make([]byte, len(j.vex))
			for n, v := range j.vex {
				key[n] = '0'
				if v.speaksOf(&report.Findings[i].Affects[k].Component) {
					key[n] = '1'
				}
			}
			g := byKey[string(key)]
			if g == nil {
				g = &vexGroup{sources: string(key)}
				byKey[g.sources] = g
				out = append(out, g)
			}
			g.places = append(g.places, [2]int{i, k})
		}
	}
	return out
}

// subjectOf is what was scanned: the image that the report's statement is about, also by the names that VEX documents have for it.
func subjectOf(in *policy.Input, said vuln.Subject) vuln.Subject {
	digest := string(in.Report.Subject.Digest)
	if said.Digest == "" {
		said.Digest = digest
	}
	repository, _, _ := strings.Cut(in.Name, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	if name := repository[strings.LastIndexByte(repository, '/')+1:]; name != "" && in.Report.Subject.Digest != "" {
		p := sbom.PURL{Type: "oci", Name: strings.ToLower(name), Version: digest}
		p.Qualifiers = map[string]string{"repository_url": repository}
		said.IDs = append(slices.Clip(said.IDs), p.String())
	}
	return said
}
