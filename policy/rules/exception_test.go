package rules_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/verify"
)

func excepted(change func(*rules.Exception)) rules.Exception {
	e := rules.Exception{Finding: "CVE-1", Owner: "security@acme.example", Reason: "not reachable", Expires: now.Add(24 * time.Hour)}
	change(&e)
	return e
}

func TestExceptions(t *testing.T) {
	aliased := finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")
	aliased.Aliases = []string{"GHSA-x"}
	scan := attested(t, report(aliased), scanner)
	two := attested(t, report(aliased, finding("CVE-2", vuln.Critical, "pkg:npm/b@1", "2")), scanner)
	for name, tt := range map[string]struct {
		e    rules.Exception
		scan *verify.Attestation
		want policy.Verdict
	}{
		"of the finding":     {excepted(func(*rules.Exception) {}), scan, policy.Allow},
		"of its alias":       {excepted(func(e *rules.Exception) { e.Finding = "ghsa-x" }), scan, policy.Allow},
		"of another finding": {excepted(func(e *rules.Exception) { e.Finding = "CVE-3" }), scan, policy.Deny},
		"one of two":         {excepted(func(*rules.Exception) {}), two, policy.Deny},
		"in the component":   {excepted(func(e *rules.Exception) { e.Component = "pkg:npm/a" }), scan, policy.Allow},
		// "1" is no version of npm's
		"in its version":       {excepted(func(e *rules.Exception) { e.Component = "pkg:npm/a vers:npm/<2.0.0" }), scan, policy.Deny},
		"in another component": {excepted(func(e *rules.Exception) { e.Component = "pkg:npm/b" }), scan, policy.Deny},
		"the component alone":  {excepted(func(e *rules.Exception) { e.Finding, e.Component = "", "pkg:npm/a" }), scan, policy.Allow},
		"of this image":        {excepted(func(e *rules.Exception) { e.Digest = image }), scan, policy.Allow},
		"of another image": {excepted(func(e *rules.Exception) { e.Digest = "sha256:" + strings.Repeat("1", 64) }), scan,
			policy.Deny},
		"of the image alone":       {excepted(func(e *rules.Exception) { e.Finding, e.Digest = "", image }), two, policy.Allow},
		"ended":                    {excepted(func(e *rules.Exception) { e.Expires = now }), scan, policy.Deny},
		"for this rule":            {excepted(func(e *rules.Exception) { e.Rule = "no criticals" }), scan, policy.Allow},
		"for another rule":         {excepted(func(e *rules.Exception) { e.Rule = "licences" }), scan, policy.Deny},
		"of a licence, not of one": {excepted(func(e *rules.Exception) { e.License = "MIT" }), scan, policy.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			inline := &rules.Vulnerabilities{Name: "no criticals", Severity: "critical", Exceptions: []rules.Exception{tt.e}}
			d := decide(t, inline, tt.scan)
			expect(t, d, tt.want)
			if d.Verdict == policy.Allow {
				expect(t, d, policy.Allow, "by 1 exception", tt.e.Owner, tt.e.Reason, "2026-11-29")
				if !d.Until.Equal(tt.e.Expires) {
					t.Errorf("until %s", d.Until)
				}
			}
			data, err := rules.Exceptions{tt.e}.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			by := &rules.Vulnerabilities{Name: "no criticals", Severity: "critical", ExceptionsBy: by(team)}
			expect(t, decide(t, by, tt.scan, signed(rules.ExceptionsType, string(data), other)), policy.Deny)
			d = decide(t, by, tt.scan, signed(rules.ExceptionsType, string(data), team))
			expect(t, d, tt.want)
			if d.Verdict == policy.Allow {
				expect(t, d, policy.Allow, "signed by "+team.Subject)
			}
		})
	}
}

// An exception of a component or licence, in each of the rules that forbid.
func TestExceptionsOfComponents(t *testing.T) {
	end := now.Add(time.Hour)
	doc := signed(cyclonedx, licensed(expression("GPL-2.0-only"), expression("MIT")), release)
	of := func(component, license string) []rules.Exception {
		return []rules.Exception{{Component: component, License: license, Owner: "o", Reason: "r", Expires: end}}
	}
	gpl := []string{"GPL-2.0-only"}
	expect(t, decide(t, &rules.Licenses{Deny: gpl}, doc), policy.Deny)
	expect(t, decide(t, &rules.Licenses{Deny: gpl, Exceptions: of("pkg:npm/c0", "")}, doc), policy.Allow)
	expect(t, decide(t, &rules.Licenses{Deny: gpl, Exceptions: of("pkg:npm/c0", "GPL-2.0")}, doc), policy.Allow)
	expect(t, decide(t, &rules.Licenses{Deny: gpl, Exceptions: of("pkg:npm/c1", "GPL-2.0")}, doc), policy.Deny)
	expect(t, decide(t, &rules.Licenses{Deny: gpl, Exceptions: of("", "MIT")}, doc), policy.Deny)
	npm := []rules.Component{{PURL: "pkg:npm/*"}}
	expect(t, decide(t, &rules.Components{Deny: npm, Exceptions: of("pkg:npm/c0", "")}, doc), policy.Deny, "1 component")
	expect(t, decide(t, &rules.Components{Deny: npm, Exceptions: append(of("pkg:npm/c0", ""), of("pkg:npm/c1@1", "")...)}, doc),
		policy.Allow, "by 2 exceptions")
	// More components than are recorded of one licence are not all excepted one by one.
	many := make([]string, 40)
	var list []rules.Exception
	for i := range many {
		many[i] = expression("GPL-2.0-only")
		list = append(list, of(fmt.Sprintf("pkg:npm/c%d", i), "")...)
	}
	expect(t, decide(t, &rules.Licenses{Deny: gpl, Exceptions: list}, signed(cyclonedx, licensed(many...), release)), policy.Deny,
		"8 more components")
}

// Of two exceptions for one thing, the decision holds as long as the later.
func TestExceptionsUntil(t *testing.T) {
	scan := attested(t, report(finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")), scanner)
	later := excepted(func(e *rules.Exception) { e.Expires = now.Add(48 * time.Hour) })
	r := &rules.Vulnerabilities{Severity: "critical", Exceptions: []rules.Exception{excepted(func(*rules.Exception) {}), later}}
	if d := decide(t, r, scan); d.Verdict != policy.Allow || !d.Until.Equal(later.Expires) {
		t.Errorf("%s until %s", d, d.Until)
	}
}

func TestExceptionsPredicate(t *testing.T) {
	want := rules.Exceptions{excepted(func(e *rules.Exception) { e.Component, e.Reason = "pkg:npm/a vers:npm/<2.0.0", "a <b> & c" })}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rules.ParseExceptions(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, text := range map[string]string{
		"unknown member": `{"exceptions":[{"finding":"CVE-1","owner":"o","reason":"r","expires":"2026-12-01T00:00:00Z","expiry":"x"}]}`,
		"twice":          `{"exceptions":[{"finding":"CVE-1","owner":"o","reason":"r","expires":"2026-12-01T00:00:00Z","finding":"x"}]}`,
		"other case":     `{"exceptions":[{"Finding":"CVE-1","owner":"o","reason":"r","expires":"2026-12-01T00:00:00Z"}]}`,
		"bound to none":  `{"exceptions":[{"owner":"o","reason":"r","expires":"2026-12-01T00:00:00Z"}]}`,
		"no owner":       `{"exceptions":[{"finding":"CVE-1","reason":"r","expires":"2026-12-01T00:00:00Z"}]}`,
		"no end":         `{"exceptions":[{"finding":"CVE-1","owner":"o","reason":"r"}]}`,
		"a short digest": `{"exceptions":[{"digest":"sha256:11","owner":"o","reason":"r","expires":"2026-12-01T00:00:00Z"}]}`,
		"a bad range": `{"exceptions":[{"component":"pkg:npm/a vers:pypi/<1","owner":"o","reason":"r",` +
			`"expires":"2026-12-01T00:00:00Z"}]}`,
		"empty":       `{"exceptions":[]}`,
		"null":        `null`,
		"more behind": `{"exceptions":[{"finding":"CVE-1","owner":"o","reason":"r","expires":"2026-12-01T00:00:00Z"}]} {}`,
	} {
		if list, err := rules.ParseExceptions([]byte(text)); err == nil {
			t.Errorf("%s: read as %v", name, list)
		}
	}
	if _, err := (rules.Exceptions{{Owner: "o"}}).MarshalJSON(); err == nil {
		t.Error("an exception that is bound to nothing can be signed")
	}
}

func TestBreakGlass(t *testing.T) {
	glass := func(end time.Time, ids ...verify.Identity) *verify.Attestation {
		data, err := json.Marshal(&rules.Glass{Owner: "oncall@acme.example", Reason: "incident 7", Expires: end})
		if err != nil {
			t.Fatal(err)
		}
		return signed(rules.BreakGlassType, string(data), ids...)
	}
	end := now.Add(time.Hour)
	one := rules.BreakGlass{Policy: &rules.SBOM{}, Evidence: by(team, vendor)}
	two := one
	two.AtLeast = 2
	good := signed(cyclonedx, bom("pkg:npm/a@1"), release)
	d := decide(t, one, glass(end, team))
	expect(t, d, policy.Allow, "BREAK-GLASS", "oncall@acme.example", "incident 7", "no SBOM", team.Subject, "2026-11-28T21:00:00Z")
	if len(d.Warnings()) == 0 || !d.Until.Equal(end) || d.Parts[0].Verdict != policy.Deny {
		t.Errorf("%+v until %s, warnings %v", d, d.Until, d.Warnings())
	}
	if all := decide(t, policy.All(policy.Require{Kind: verify.Statement, PredicateTypes: []string{rules.BreakGlassType}}, one),
		glass(end, team)); len(all.Warnings()) == 0 {
		t.Errorf("%+v", all)
	}
	expect(t, decide(t, one, glass(end, other)), policy.Deny)
	expect(t, decide(t, one, glass(now, team)), policy.Deny)
	expect(t, decide(t, two, glass(end, team)), policy.Deny)
	expect(t, decide(t, two, glass(end, team), glass(end, vendor)), policy.Allow, "BREAK-GLASS")
	if d := decide(t, one, good, glass(end, team)); d.Verdict != policy.Allow || len(d.Warnings()) > 0 {
		t.Errorf("%+v", d)
	}
	// Nobody may who is not named.
	for _, b := range []rules.BreakGlass{{Policy: &rules.SBOM{}}, {Evidence: by(team)}} {
		if b.Validate() == nil {
			t.Errorf("%v is valid", b)
		}
	}
	if d := decide(t, rules.BreakGlass{Policy: &rules.SBOM{}}, glass(end, team)); d.Verdict == policy.Allow {
		t.Errorf("%+v", d)
	}
	if _, err := json.Marshal(&rules.Glass{Owner: "o", Reason: "r"}); err == nil {
		t.Error("break-glass without an end can be signed")
	}
	if _, err := rules.ParseGlass([]byte(`{"owner":"o","reason":"r","expires":"2026-12-01T00:00:00Z","Owner":"x"}`)); err == nil {
		t.Error("an unknown member is read")
	}
}
