package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/verify"
)

// saying is a statement of alice's with a proven time.
func saying(t *testing.T, predicateType string, predicate any) *verify.Attestation {
	t.Helper()
	data, err := json.Marshal(predicate)
	if err != nil {
		t.Fatal(err)
	}
	a := statement(predicateType, now)
	a.Predicate, a.Evidence = data, verify.Descriptor{Digest: digest.FromBytes(data)}
	return a
}

// An ending is something that allows until a moment.
type ending struct {
	policy   policy.Policy
	evidence []*verify.Attestation
	name     string        // of the image; empty will do
	after    time.Duration // from now to the end
}

func endings(t *testing.T) map[string]ending {
	const end = 3 * time.Hour
	by := rules.Evidence{By: []verify.Identity{alice}}
	found := func(change func(*vuln.Report)) *verify.Attestation {
		r := &vuln.Report{
			Tool: vuln.Tool{Name: "scanner", Version: "1"}, Databases: []vuln.Database{{Name: "db", Updated: now}}, Finished: now,
			Components: 1,
			Findings: []vuln.Finding{{ID: "CVE-2026-1", Severity: vuln.Critical, Published: now.Add(-time.Hour),
				Affects: []vuln.Affected{{Component: vuln.Component{PURL: "pkg:npm/a@1"}, Fixed: []string{"2"}}}}},
		}
		change(r)
		return saying(t, vuln.TypeVulnsV02, r)
	}
	critical, none := found(func(*vuln.Report) {}), found(func(r *vuln.Report) { r.Findings = nil })
	exception := rules.Exception{Finding: "CVE-2026-1", Owner: "ops", Reason: "not reachable", Expires: now.Add(end)}
	doc, err := document.Parse([]byte("version: 1\nname: x\nexpires: " + now.Add(end).Format(time.RFC3339) +
		"\ntrust: [{name: team, kind: k}]\nimages: [{name: i, match: ['registry.example.com/**'], require: [{name: signed, signature: " +
		"{by: [team]}}]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	never := func(*document.Trust) (verify.Verifier, error) {
		return verifierFunc(nil), nil
	}
	loaded, err := doc.Load(&document.Options{Trust: map[string]document.TrustFunc{"k": never}})
	if err != nil {
		t.Fatal(err)
	}
	team := signature(alice)
	team.Signers[0].Entries = []string{"team"}
	image := policy.Require{Kind: verify.ImageSignature}
	named := func(s policy.Signer) policy.Policy {
		s.Name, s.Identities = "alice", []verify.Identity{alice}
		return policy.Require{Kind: verify.ImageSignature, Signers: []policy.Signer{s}}
	}
	return map[string]ending{
		"an exception of the rule": {&rules.Vulnerabilities{Evidence: by, Severity: "high", Exceptions: []rules.Exception{exception}},
			[]*verify.Attestation{critical}, "", end},
		"a signed exception": {&rules.Vulnerabilities{Evidence: by, Severity: "high", ExceptionsBy: by},
			[]*verify.Attestation{critical, saying(t, rules.ExceptionsType, rules.Exceptions{exception})}, "", end},
		"broken glass": {rules.BreakGlass{Policy: image, Evidence: by},
			[]*verify.Attestation{saying(t, rules.BreakGlassType, &rules.Glass{Owner: "ops", Reason: "incident", Expires: now.Add(end)})},
			"", end},
		"the grace of a finding": {&rules.Vulnerabilities{Evidence: by, Severity: "high", Grace: end + time.Hour},
			[]*verify.Attestation{critical}, "", end},
		"the age of a scan": {&rules.Vulnerabilities{Evidence: by, Severity: "high", MaxScanAge: end},
			[]*verify.Attestation{none}, "", end},
		"the age of a database": {&rules.Vulnerabilities{Evidence: by, Severity: "high", MaxDatabaseAge: end},
			[]*verify.Attestation{none}, "", end},
		"the age of a signature": {policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, MaxAge: end},
			[]*verify.Attestation{saying(t, sbomType, 1)}, "", end},
		"a signer of the policy": {named(policy.Signer{Until: now.Add(end)}), []*verify.Attestation{signature(alice)}, "", end},
		"a key that will have leaked": {named(policy.Signer{CompromisedSince: now.Add(end)}),
			[]*verify.Attestation{signature(alice)}, "", end},
		"the policy document": {loaded, []*verify.Attestation{team}, "registry.example.com/app", end},
	}
}

// Whatever allows until a moment does so right before it and not from it on: asked anew, and replayed from a record. The decision says
// when that is, and a comparison of then and now says who would be refused.
func TestEnds(t *testing.T) {
	for what, e := range endings(t) {
		t.Run(what, func(t *testing.T) {
			in := &policy.Input{Name: e.name, Report: report(e.evidence...), Now: now}
			d, record := policy.Recorded(t.Context(), e.policy, in)
			end := now.Add(e.after)
			if d.Verdict != policy.Allow || !d.Until.Equal(end) {
				t.Fatalf("%v until %s, want %s", d, d.Until, end)
			}
			data, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			kept := new(policy.Record)
			if err := json.Unmarshal(data, kept); err != nil {
				t.Fatal(err)
			}
			for _, at := range []time.Time{now, end.Add(-time.Nanosecond), end, end.Add(time.Hour)} {
				asked := *in
				asked.Now = at
				anew, replayed := policy.Decide(t.Context(), e.policy, &asked), kept.Decide(t.Context(), e.policy, at)
				if want := at.Before(end); (anew.Verdict == policy.Allow) != want || replayed.Verdict != anew.Verdict ||
					d.Holds(at) != (want && d.Until.After(at)) {
					t.Errorf("at %s: anew %v, replayed %v", at, anew, replayed)
				}
				if !replayed.Replayed || !errors.Is(replayed.Err(), policy.ErrIndeterminate) &&
					!errors.Is(replayed.Err(), policy.ErrDenied) {
					t.Errorf("at %s a replayed decision opens a door: %v", at, replayed.Err())
				}
			}
			one := func(yield func(*policy.Record, error) bool) { yield(kept, nil) }
			var changes []string
			for c, err := range policy.Diff(t.Context(), nil, e.policy, iter.Seq2[*policy.Record, error](one), end) {
				if err != nil {
					t.Fatal(err)
				}
				changes = append(changes, fmt.Sprint(c.New))
			}
			if len(changes) != 1 || strings.HasPrefix(changes[0], "ALLOW") {
				t.Errorf("what would be refused at the end: %v", changes)
			}
		})
	}
}
