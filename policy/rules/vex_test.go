package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/verify"
)

var (
	team   = verify.Identity{Kind: verify.OIDCIdentity, Subject: "security@acme.example", Issuer: "https://accounts.acme.example"}
	vendor = verify.Identity{Kind: verify.OIDCIdentity, Subject: "psirt@vendor.example", Issuer: "https://accounts.vendor.example"}
)

// vexOf is an OpenVEX document of one statement.
func vexOf(id, product, status, justification string) string {
	return fmt.Sprintf(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/%s","author":"x",`+
		`"timestamp":"2026-11-28T00:00:00Z","version":1,`+
		`"statements":[{"vulnerability":{"name":%q},"products":[{"@id":%q}],"status":%q,"justification":%q}]}`, id, id, product, status,
		justification)
}

const notThere = "vulnerable_code_not_present"

func TestVEX(t *testing.T) {
	scan := attested(t, report(finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")), scanner)
	good := vexOf("CVE-1", "pkg:npm/a@1", "not_affected", notThere)
	rule := func(vex ...rules.VEX) *rules.Vulnerabilities {
		return &rules.Vulnerabilities{Evidence: by(scanner), Severity: "high", VEX: vex}
	}
	ours := rules.VEX{Evidence: by(team)}
	hour := now.Add(-time.Hour)
	for name, tt := range map[string]struct {
		p    policy.Policy
		vex  []*verify.Attestation
		want policy.Verdict
	}{
		"of the team":     {rule(ours), []*verify.Attestation{signed(openvex, good, team)}, policy.Allow},
		"not asked for":   {rule(), []*verify.Attestation{signed(openvex, good, team)}, policy.Deny},
		"of another type": {rule(ours), []*verify.Attestation{signed("https://example.com/vex", good, team)}, policy.Deny},
		"of the scanner":  {rule(ours), []*verify.Attestation{signed(openvex, good, scanner)}, policy.Deny},
		"same name, other issuer": {rule(ours),
			[]*verify.Attestation{signed(openvex, good,
				verify.Identity{Kind: verify.OIDCIdentity, Subject: team.Subject, Issuer: vendor.Issuer})}, policy.Deny},
		"about the image": {rule(ours),
			[]*verify.Attestation{signed(openvex, vexOf("CVE-1", "pkg:oci/web@"+image, "not_affected", notThere), team)}, policy.Allow},
		"about the repository": {rule(ours),
			[]*verify.Attestation{signed(openvex,
				vexOf("CVE-1", "pkg:oci/web?repository_url=registry.example.com/shop/web", "not_affected", notThere), team)}, policy.Allow},
		"about another image": {rule(ours),
			[]*verify.Attestation{signed(openvex, vexOf("CVE-1", "pkg:oci/web@sha256:"+strings.Repeat("1", 64), "not_affected", notThere),
				team)}, policy.Deny},
		"about another component": {rule(ours),
			[]*verify.Attestation{signed(openvex, vexOf("CVE-1", "pkg:npm/b@1", "not_affected", notThere), team)}, policy.Deny},
		"about another finding": {rule(ours),
			[]*verify.Attestation{signed(openvex, vexOf("CVE-2", "pkg:npm/a@1", "not_affected", notThere), team)}, policy.Deny},
		"affected": {rule(ours),
			[]*verify.Attestation{signed(openvex, vexOf("CVE-1", "pkg:npm/a@1", "affected", ""), team)}, policy.Deny},
		"investigated": {rule(ours),
			[]*verify.Attestation{signed(openvex, vexOf("CVE-1", "pkg:npm/a@1", "under_investigation", ""), team)}, policy.Deny},
		"fixed": {rule(ours), []*verify.Attestation{signed(openvex, vexOf("CVE-1", "pkg:npm/a@1", "fixed", ""), team)},
			policy.Allow},
		"by a justification": {rule(rules.VEX{Evidence: by(team), Justifications: []string{notThere}}),
			[]*verify.Attestation{signed(openvex, good, team)}, policy.Allow},
		"by another justification": {rule(rules.VEX{Evidence: by(team), Justifications: []string{"component_not_present"}}),
			[]*verify.Attestation{signed(openvex, good, team)}, policy.Deny},
		"they disagree": {rule(ours), []*verify.Attestation{
			signed(openvex, good, team),
			signed(openvex, strings.Replace(vexOf("CVE-1", "pkg:npm/a@1", "affected", ""), "example.com/", "example.com/b", 1), team),
		}, policy.Deny},
		"the newer counts": {rule(ours), []*verify.Attestation{
			at(signed(openvex, good, team), hour),
			at(signed(openvex, strings.Replace(vexOf("CVE-1", "pkg:npm/a@1", "affected", ""), "example.com/", "example.com/b", 1), team),
				hour.Add(-time.Hour)),
		}, policy.Allow},
		"a vendor of its own": {rule(rules.VEX{Evidence: by(vendor), Components: []string{"pkg:npm/a"}}),
			[]*verify.Attestation{signed(openvex, good, vendor)}, policy.Allow},
		"a vendor of all of npm": {rule(rules.VEX{Evidence: by(vendor), Components: []string{"pkg:npm/*"}}),
			[]*verify.Attestation{signed(openvex, good, vendor)}, policy.Allow},
		"a vendor of another": {rule(rules.VEX{Evidence: by(vendor), Components: []string{"pkg:npm/b"}}),
			[]*verify.Attestation{signed(openvex, good, vendor)}, policy.Deny},
		"the vendor has no voice": {rule(ours, rules.VEX{Evidence: by(vendor), Components: []string{"pkg:npm/b"}}),
			[]*verify.Attestation{signed(openvex, good, team), signed(openvex, vexOf("CVE-1", "pkg:npm/a@1", "affected", ""), vendor)},
			policy.Allow},
		"too old": {rule(rules.VEX{Evidence: rules.Evidence{By: []verify.Identity{team}, MaxAge: time.Hour}}),
			[]*verify.Attestation{at(signed(openvex, good, team), now.Add(-2*time.Hour))}, policy.Deny},
		"young": {rule(rules.VEX{Evidence: rules.Evidence{By: []verify.Identity{team}, MaxAge: 3 * time.Hour}}),
			[]*verify.Attestation{at(signed(openvex, good, team), now.Add(-2*time.Hour))}, policy.Allow},
		"without time": {rule(rules.VEX{Evidence: rules.Evidence{By: []verify.Identity{team}, MaxAge: 3 * time.Hour}}),
			[]*verify.Attestation{signed(openvex, good, team)}, policy.Deny},
		"not to be read": {rule(ours),
			[]*verify.Attestation{signed(openvex, `{"@context":"https://openvex.dev/ns/v0.2.0","statements":3}`, team)}, policy.Deny},
	} {
		t.Run(name, func(t *testing.T) { expect(t, decide(t, tt.p, append(tt.vex, scan)...), tt.want) })
	}
}

// Ten wrong issuers change nothing, whatever they say, and not one word of the decision.
func TestTenWrongIssuers(t *testing.T) {
	r := &rules.Vulnerabilities{Evidence: by(scanner), Severity: "high", VEX: []rules.VEX{{Evidence: by(team)}}}
	scan := attested(t, report(finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")), scanner)
	ours := signed(openvex, vexOf("CVE-1", "pkg:npm/a@1", "not_affected", notThere), team)
	for _, right := range [][]*verify.Attestation{{scan}, {scan, ours}} {
		want := fmt.Sprintf("%+v", decide(t, r, right...))
		all := right
		for i := range 10 {
			wrong := verify.Identity{Kind: verify.OIDCIdentity, Subject: team.Subject, Issuer: fmt.Sprintf("https://accounts%d.example", i)}
			status := []string{"not_affected", "fixed", "affected"}[i%3]
			all = append(all, at(signed(openvex, vexOf("CVE-1", "pkg:npm/a@1", status, notThere), wrong), now.Add(-time.Minute)))
		}
		if got := fmt.Sprintf("%+v", decide(t, r, all...)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// What a report itself says of VEX was proven to nobody here: not by the scanner, nor by whoever signed the report.
func TestVEXInsideReport(t *testing.T) {
	f := finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")
	f.Affects[0].Status = vuln.StatusNotAffected
	f.Affects[0].VEX = []vuln.Applied{{Effective: true, Statement: vuln.Statement{
		Vulnerability: "CVE-1", Status: vuln.StatusNotAffected, Signer: vuln.Signer{Identity: team.Subject, Issuer: team.Issuer, At: now},
	}}}
	r := &rules.Vulnerabilities{Evidence: by(scanner), Severity: "high", VEX: []rules.VEX{{Evidence: by(team)}}}
	expect(t, decide(t, r, attested(t, report(f), scanner)), policy.Deny, "CVE-1", "nobody suppressed")
}

// A decision that rests on VEX holds as long as the signer does.
func TestVEXUntil(t *testing.T) {
	scan := attested(t, report(finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")), scanner)
	vex := signed(openvex, vexOf("CVE-1", "pkg:npm/a@1", "not_affected", notThere), team)
	vex.Signers[0].Until = now.Add(time.Hour)
	d := decide(t, &rules.Vulnerabilities{Severity: "high", VEX: []rules.VEX{{Evidence: by(team)}}}, scan, vex)
	if d.Verdict != policy.Allow || !d.Until.Equal(now.Add(time.Hour)) {
		t.Errorf("%s until %s", d, d.Until)
	}
}

// OpenVEX as it was written by hand for trivy, about a finding of trivy's report.
func TestVEXOfTrivy(t *testing.T) {
	scan := signed(vuln.TypeCosignVuln, file(t, "trivy.cosign-vuln.json"), scanner)
	r := &rules.Vulnerabilities{Evidence: by(scanner), Severity: "high", VEX: []rules.VEX{{Evidence: by(team)}}, AllowUnscored: true}
	before := decide(t, r, scan)
	expect(t, before, policy.Deny, "CVE-2026-90003")
	after := decide(t, r, scan, signed(openvex, file(t, "openvex.json"), team))
	if strings.Contains(after.Reason, "CVE-2026-90003 (high) in pkg:deb/debian/hello") {
		t.Errorf("%s", after)
	}
}
