package rules_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/verify"
)

// recorded decides, writes the record down and reads it.
func recorded(t *testing.T, p policy.Policy, as ...*verify.Attestation) (*policy.Decision, *policy.Record) {
	t.Helper()
	d, r := policy.Recorded(t.Context(), p, input(as...))
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	again := new(policy.Record)
	if err := json.Unmarshal(data, again); err != nil {
		t.Fatal(err)
	}
	return d, again
}

// A record has all that twenty rules need to decide the same, without the predicates.
func TestReplay(t *testing.T) {
	bom := sized(200)
	p, there := twenty(t, bom)
	p = policy.All(p, &rules.SBOM{Evidence: by(release), Profile: "ntia-2021"},
		&rules.Licenses{Deny: []string{"MIT"}, ExceptionsBy: by(team)})
	data, err := rules.Exceptions{{License: "MIT", Owner: "o", Reason: "r", Expires: now.Add(time.Hour)}}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	there = append(there, signed(rules.ExceptionsType, string(data), team))
	want, record := recorded(t, p, there...)
	got := record.Decide(t.Context(), p, time.Time{})
	got.Name = "" // which Decide does not set, and a replay does
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" || !got.Replayed {
		t.Error(diff)
	}
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > len(bom)/2 {
		t.Errorf("a record of %d bytes, of an SBOM of %d", len(text), len(bom))
	}
}

// Other rules over what was recorded, at another time, and what was not recorded.
func TestReplayOther(t *testing.T) {
	scan := attested(t, report(finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")), scanner)
	bom := signed(cyclonedx, licensed(expression("GPL-2.0-only")), release)
	exception := rules.Exception{Finding: "CVE-1", Owner: "o", Reason: "r", Expires: now.Add(time.Hour)}
	p := policy.All(
		&rules.Vulnerabilities{Severity: "critical", Exceptions: []rules.Exception{exception}},
		&rules.Licenses{Deny: []string{"MIT"}, AllowUnlicensed: true},
	)
	d, record := recorded(t, p, scan, bom, signed(openvex, vexOf("CVE-1", "pkg:npm/a@1", "not_affected", notThere), team))
	expect(t, d, policy.Allow)
	replay := func(p policy.Policy, at time.Time) *policy.Decision { return record.Decide(t.Context(), p, at) }
	expect(t, replay(p, now), policy.Allow)
	expect(t, replay(p, now.Add(2*time.Hour)), policy.Deny, "CVE-1") // the exception has ended since
	expect(t, replay(&rules.Licenses{Deny: []string{"GPL-2.0-only"}}, now), policy.Deny, "GPL-2.0-only")
	expect(t, replay(&rules.Vulnerabilities{Severity: "critical"}, now), policy.Deny)
	for _, p := range []policy.Policy{
		&rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/c0"}}}, &rules.SBOM{Profile: "ntia-2021"},
		&rules.Vulnerabilities{Severity: "critical", VEX: []rules.VEX{{Evidence: by(team)}}}, // whose VEX nobody read
	} {
		d := replay(p, now)
		expect(t, d, policy.Indeterminate)
		if !errors.Is(d.Err(), policy.ErrNotRecorded) {
			t.Errorf("%s: %v", p, d)
		}
	}
}

// What went wrong elsewhere, and rules have to do with.
func TestTraps(t *testing.T) {
	good, empty := bom("pkg:npm/a@1"), `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}`
	denied := &rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/left-pad"}}}
	gpl := &rules.Licenses{Deny: []string{"GPL-2.0-only"}}
	high := &rules.Vulnerabilities{Severity: "high"}
	failing := errors.New("the registry is away")
	t.Run("an error becomes an allow", func(t *testing.T) {
		for _, p := range []policy.Policy{denied, gpl, high} {
			in := input(signed(cyclonedx, good, release), attested(t, report(), scanner))
			in.Report.Incomplete = []error{failing}
			expect(t, policy.Decide(t.Context(), p, in), policy.Indeterminate, failing.Error())
			in.Report.Incomplete = nil
			in.Report.Rejected = []*verify.RejectedError{{Err: verify.ErrLimit}}
			expect(t, policy.Decide(t.Context(), p, in), policy.Indeterminate)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		expect(t, policy.Decide(ctx, gpl, input(signed(cyclonedx, good, release))), policy.Indeterminate)
		for _, p := range []policy.Policy{denied, gpl, high, &rules.SBOM{}, (*rules.SBOM)(nil)} {
			for _, in := range []*policy.Input{nil, {}, {Report: &verify.Report{}}} {
				if d := policy.Decide(t.Context(), p, in); d.Verdict == policy.Allow {
					t.Errorf("%+v", d)
				}
			}
		}
	})
	t.Run("the first predicate only", func(t *testing.T) {
		bad := signed(cyclonedx, bom("pkg:npm/left-pad@1"), release)
		for _, all := range [][]*verify.Attestation{{bad, signed(cyclonedx, good, release)}, {signed(cyclonedx, good, release), bad},
			{signed(cyclonedx, empty, release), bad}} {
			expect(t, decide(t, denied, all...), policy.Deny, "left-pad")
		}
	})
	t.Run("null and nothing pass", func(t *testing.T) {
		for _, predicate := range []string{`null`, `{}`, `[]`, `""`, `0`, ``} {
			for _, typ := range []string{cyclonedx, vuln.TypeVulnsV02, vuln.TypeCosignVuln, spdx} {
				for _, p := range []policy.Policy{denied, gpl, high, &rules.SBOM{}} {
					if d := decide(t, p, signed(typ, predicate, release)); d.Verdict == policy.Allow {
						t.Errorf("%s of %s: %s", predicate, typ, d)
					}
				}
			}
		}
	})
	t.Run("an empty set, an empty name", func(t *testing.T) {
		for _, p := range []policy.Policy{
			&rules.Components{}, &rules.Licenses{}, &rules.Vulnerabilities{}, &rules.Provenance{}, &rules.Keyless{}, rules.BreakGlass{},
			&rules.Provenance{Builders: []rules.Builder{{}}}, &rules.Components{Deny: []rules.Component{{}}},
			&rules.Licenses{Evidence: rules.Evidence{ByEntry: []string{""}}, Deny: []string{"MIT"}},
		} {
			if d := decide(t, p, signed(cyclonedx, good, release)); d.Verdict != policy.Indeterminate {
				t.Errorf("%v: %s", p, d)
			}
		}
		expect(t, decide(t, &rules.SBOM{}), policy.Deny)
	})
	t.Run("a level out of a text", func(t *testing.T) {
		r := &rules.Provenance{Builders: []rules.Builder{{ID: slsa3, Level: 1}}, Level: 1, AnyParameters: true}
		if d := decide(t, r, signed("https://slsa.dev/provenance/v0.2", strings.Replace(slsa02, "slsa3", "slsa4", 1),
			release)); d.Verdict != policy.Deny {
			t.Errorf("%s", d)
		}
	})
	t.Run("trust in the judged object", func(t *testing.T) {
		a := signed(cyclonedx, bom("pkg:npm/left-pad@1"), release)
		a.Evidence.Annotations = map[string]string{"verified": "true"}
		a.Annotations = map[string]string{"exception": "left-pad"}
		expect(t, decide(t, denied, a), policy.Deny)
	})
	t.Run("a skipped check leaves no trace", func(t *testing.T) {
		r := &rules.Vulnerabilities{Severity: "high", Exceptions: []rules.Exception{excepted(func(*rules.Exception) {})}}
		d := decide(t, r, attested(t, report(finding("CVE-1", vuln.Critical, "pkg:npm/a@1")), scanner))
		expect(t, d, policy.Allow, "by 1 exception: CVE-1 until")
		if len(d.Looked) != 1 || d.Looked[0].Evidence.Digest == "" {
			t.Errorf("looked at %v", d.Looked)
		}
	})
	t.Run("the same twice, at the same time", func(t *testing.T) {
		p, there := twenty(t, sized(50))
		want := fmt.Sprintf("%+v", policy.Decide(t.Context(), p, input(there...)))
		in := input(there...)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if got := fmt.Sprintf("%+v", policy.Decide(t.Context(), p, in)); got != want {
					t.Error(cmp.Diff(want, got))
				}
			})
		}
		wait.Wait()
	})
	t.Run("lines of a stranger's", func(t *testing.T) {
		d := decide(t, denied, signed(cyclonedx, bom("pkg:npm/left-pad@1\n\x1b[2JALLOW"), release))
		if strings.ContainsAny(d.Reason, "\n\x1b") || d.Verdict != policy.Deny {
			t.Errorf("%q", d.Reason)
		}
	})
}
