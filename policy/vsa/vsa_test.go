package vsa_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/vsa"
	"github.com/ladingdev/lading/verify"
)

var (
	now     = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	subject = verify.Descriptor{MediaType: "application/vnd.oci.image.index.v1+json", Digest: digest.FromString("index"), Size: 5}
	child   = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("arm64"), Size: 4}
	alice   = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("a", 64)}
	bob     = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("b", 64)}
)

const (
	gateID       = "https://acme.example/gates/pipeline/v1"
	policyDigest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// signed is an attestation by somebody, at a time that a log proves.
func signed(by verify.Identity, at time.Time, predicateType, predicate string) *verify.Attestation {
	return &verify.Attestation{Kind: verify.Statement, Subject: subject, PredicateType: predicateType, Predicate: []byte(predicate),
		Evidence: verify.Descriptor{Digest: digest.FromString(predicate + at.String())},
		Signers:  []verify.Signer{{Identity: by, SignedAt: at, TimeSource: verify.TimeLogged}}}
}

func rule(name string, p policy.Policy) policy.Policy { return policy.Named(name, p) }

func says(v policy.Verdict) policy.Policy {
	return policy.Func(func(context.Context, *policy.Input) *policy.Decision {
		return &policy.Decision{Verdict: v, Rule: "it is so", Reason: "it is said", Until: policy.Forever}
	})
}

// documented is what package policy/document does to the decision of a document.
func documented(p policy.Policy) policy.Policy {
	return policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
		d := *policy.Decide(ctx, p, in)
		d.Document = &policy.Document{URI: "https://acme.example/policy.yaml", Digest: policyDigest}
		return &d
	})
}

// decided is the decision of a gate.
func decided(t *testing.T, p policy.Policy, as ...*verify.Attestation) *policy.Decision {
	t.Helper()
	gate := &policy.Gate{Policy: p, Now: func() time.Time { return now },
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Children: []verify.Descriptor{child}, Source: source(as)}, nil
		},
		Verifiers: []verify.Verifier{&handsOut{as}}}
	return gate.Check(t.Context(), "ghcr.io/acme/app:v1")
}

func TestPredicates(t *testing.T) {
	image := policy.Require{Kind: verify.ImageSignature}
	sig := &verify.Attestation{Kind: verify.ImageSignature, Subject: subject,
		Evidence: verify.Descriptor{Digest: digest.FromString("signature")},
		Signers:  []verify.Signer{{Identity: alice}}}
	o := &vsa.Options{Verifier: gateID, Versions: map[string]string{"lading": "v0.1.0"}, Properties: map[string][]string{
		"provenance": {"SLSA_BUILD_LEVEL_3", "SLSA_SOURCE_LEVEL_1"}, "older provenance": {"SLSA_BUILD_LEVEL_2"},
		"scanned": {"ACME_SCANNED_1"}, "sbom": {"ACME_SBOM"}}}
	glass := policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
		inner := policy.Decide(ctx, says(policy.Deny), in)
		return &policy.Decision{Verdict: policy.Allow, Rule: "somebody may override", Reason: "they did", Until: policy.Forever,
			Parts: []*policy.Decision{inner}}
	})
	warns := rule("scanned", policy.Soft(policy.Warn, policy.Warn, says(policy.Deny)))
	type want struct {
		summary, test string
		levels        []string
		properties    string
		passed        string
		err           error
	}
	for name, tt := range map[string]struct {
		p policy.Policy
		want
	}{
		"full": {policy.All(image, rule("provenance", says(policy.Allow)), rule("older provenance", says(policy.Allow)),
			rule("sbom", says(policy.Allow))),
			want{vsa.Passed, vsa.Passed, []string{"ACME_SBOM", "SLSA_BUILD_LEVEL_3", "SLSA_SOURCE_LEVEL_1"},
				"ACME_SBOM SLSA_BUILD_LEVEL_3 SLSA_SOURCE_LEVEL_1", "older provenance provenance sbom", nil}},
		"full, of nothing that is asked for": {image, want{vsa.Passed, vsa.Passed, []string{"SLSA_BUILD_LEVEL_UNEVALUATED"}, "", "", nil}},
		"one of any": {policy.Any(rule("provenance", says(policy.Deny)), rule("sbom", says(policy.Allow))),
			want{vsa.Passed, vsa.Passed, []string{"ACME_SBOM"}, "ACME_SBOM", "sbom", nil}},
		"denied": {policy.All(image, rule("provenance", says(policy.Allow)), rule("sbom", says(policy.Deny))),
			want{vsa.Failed, vsa.Failed, []string{vsa.Failed}, "none", "provenance", nil}},
		"warned": {policy.All(image, warns, rule("sbom", says(policy.Allow))),
			want{"", vsa.Warned, nil, "ACME_SBOM", "sbom", vsa.ErrNotFull}},
		"override": {policy.All(image, rule("over", glass), rule("sbom", says(policy.Allow))),
			want{"", vsa.Warned, nil, "ACME_SBOM", "sbom", vsa.ErrNotFull}},
		"undecided": {policy.All(image, says(policy.Indeterminate)), want{"", "", nil, "none", "", vsa.ErrUndecided}},
		"no policy": {nil, want{"", "", nil, "none", "", vsa.ErrUndecided}},
	} {
		d := decided(t, documented(tt.p), sig)
		s, err := vsa.NewSummary(d, o)
		switch {
		case tt.err != nil:
			if !errors.Is(err, tt.err) {
				t.Errorf("%s: %v, want %v", name, err, tt.err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			back, err := vsa.ParseSummary(text)
			if err != nil {
				t.Errorf("%s: %v: %s", name, err, text)
			} else if diff := cmp.Diff(s, back); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if s.Result != tt.summary || !cmp.Equal(s.Levels, tt.levels) || !s.Time.Equal(now) ||
				s.ResourceURI != "oci://ghcr.io/acme/app" ||
				s.Policy.Digest["sha256"] != strings.TrimPrefix(policyDigest, "sha256:") {
				t.Errorf("%s: %s", name, text)
			}
			for _, p := range []string{"full", "denied"} {
				if p == name && (len(s.InputAttestations) != 1 ||
					s.InputAttestations[0].Digest["sha256"] != sig.Evidence.Digest.Encoded()) {
					t.Errorf("%s: %v", name, s.InputAttestations)
				}
			}
		}
		if r, err := vsa.NewResult(d, o); (err != nil) != (tt.properties == "none") {
			t.Errorf("%s: %v, %v", name, r, err)
		} else if err == nil {
			text, _ := json.Marshal(r)
			back, err := vsa.ParseResult(r.PredicateType(), text)
			if diff := cmp.Diff(r, back); err != nil || diff != "" || strings.Join(r.Properties, " ") != tt.properties {
				t.Errorf("%s: %v %s %s", name, err, diff, text)
			}
		}
		if r, err := vsa.NewTest(d, o); (err != nil) != (tt.test == "") {
			t.Errorf("%s: %v, %v", name, r, err)
		} else if err == nil && (r.Result != tt.test || strings.Join(r.Passed, " ") != tt.passed ||
			(len(r.Warned) > 0) != (tt.test == vsa.Warned)) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if diff := cmp.Diff([]verify.Descriptor{subject, child}, vsa.Subjects(decided(t, image, sig))); diff != "" {
		t.Error(diff)
	}
}

// What opens no door makes no summary, and what is told wrongly neither.
func TestNoPredicate(t *testing.T) {
	good := decided(t, documented(says(policy.Allow)))
	o := func() *vsa.Options { return &vsa.Options{Verifier: gateID} }
	if _, err := vsa.NewSummary(good, o()); err != nil {
		t.Fatal(err)
	}
	_, record := policy.Recorded(t.Context(), documented(says(policy.Allow)),
		&policy.Input{Name: "ghcr.io/acme/app:v1", Now: now, Report: &verify.Report{Subject: subject}})
	with := func(edit func(*policy.Decision)) *policy.Decision { c := *good; edit(&c); return &c }
	for name, tt := range map[string]struct {
		d *policy.Decision
		o *vsa.Options
	}{
		"replayed":    {record.Decide(t.Context(), documented(says(policy.Allow)), time.Time{}), o()},
		"nothing":     {nil, o()},
		"a dry run":   {with(func(d *policy.Decision) { d.Request = &policy.Request{DryRun: true} }), o()},
		"of no image": {with(func(d *policy.Decision) { d.Subject = verify.Descriptor{} }), o()},
		"of no time":  {with(func(d *policy.Decision) { d.Time = time.Time{} }), o()},
		"no options":  {good, nil},
		"no verifier": {good, &vsa.Options{}},
		"no URI":      {good, &vsa.Options{Verifier: "acme"}},
		"no policy":   {with(func(d *policy.Decision) { d.Document = nil }), o()},
		"a policy":    {good, &vsa.Options{Verifier: gateID, Policy: "policy.yaml"}},
		"a level of SLSA's": {decided(t, documented(rule("r", says(policy.Allow)))),
			&vsa.Options{Verifier: gateID, Properties: map[string][]string{"r": {"SLSA_BEST"}}}},
		"FAILED that passed": {decided(t, documented(rule("r", says(policy.Allow)))),
			&vsa.Options{Verifier: gateID, Properties: map[string][]string{"r": {"FAILED"}}}},
	} {
		if s, err := vsa.NewSummary(tt.d, tt.o); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestResourceURI(t *testing.T) {
	for name, want := range map[string]string{
		"ghcr.io/acme/app:v1":                                     "oci://ghcr.io/acme/app",
		"GHCR.io/acme/app@" + subject.Digest.String():             "oci://ghcr.io/acme/app",
		"ghcr.io:443/acme/app:v1@" + subject.Digest.String():      "oci://ghcr.io/acme/app",
		"localhost:5000/app":                                      "oci://localhost:5000/app",
		"alpine":                                                  "oci://" + repositoryOf("docker.io/library/alpine"),
		"pkg:oci/app@sha256%3Aaa?repository_url=ghcr.io/acme/app": "oci://ghcr.io/acme/app",
		"docker://ghcr.io/acme/app:v2":                            "oci://ghcr.io/acme/app",
	} {
		if got := vsa.ResourceURI(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func repositoryOf(name string) string { return strings.TrimPrefix(vsa.ResourceURI(name), "oci://") }

// A summary that a large producer publishes is read.
func TestGoogleSummary(t *testing.T) {
	var envelope struct{ Payload string }
	data, err := os.ReadFile("testdata/gke-gce-pre.bcid-vsa.jsonl")
	if err == nil {
		err = json.Unmarshal(data, &envelope)
	}
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
	if err != nil {
		t.Fatal(err)
	}
	var statement struct{ Predicate json.RawMessage }
	if err := json.Unmarshal(payload, &statement); err != nil {
		t.Fatal(err)
	}
	s, err := vsa.ParseSummary(statement.Predicate)
	if err != nil || s.Result != vsa.Passed || s.Levels[1] != "SLSA_BUILD_LEVEL_2" || s.Time.Year() != 2024 {
		t.Fatalf("%+v, %v", s, err)
	}
	const id, resource = "https://bcid.corp.google.com/verifier/bcid_package_enforcer/v0.1",
		"gce_image://gke-node-images:gke-12615-gke1418000-cos-101-17162-463-29-c-cgpv1-pre"
	a := vsa.Accept{Verifiers: []vsa.Verifier{{ID: id, By: []verify.Identity{alice}}}, Resources: []string{resource},
		Levels: []string{"BCID_L1", "SLSA_BUILD_LEVEL_1"}}
	if d := policy.Decide(t.Context(), a, input(signed(alice, now, vsa.SummaryType, string(statement.Predicate)))); d.Verdict !=
		policy.Allow {
		t.Error(d)
	}
	a.Levels = []string{"SLSA_BUILD_LEVEL_3"}
	if d := policy.Decide(t.Context(), a, input(signed(alice, now, vsa.SummaryType, string(statement.Predicate)))); d.Verdict !=
		policy.Deny {
		t.Error(d)
	}
}

func input(as ...*verify.Attestation) *policy.Input {
	return &policy.Input{Name: "ghcr.io/acme/app:v1", Now: now, Report: &verify.Report{Subject: subject, Attestations: as}}
}

// The nine checks, each by what is wrong with one thing.
func TestAccept(t *testing.T) {
	const I, D, A = policy.Indeterminate, policy.Deny, policy.Allow
	ago := func(h int) time.Time { return now.Add(-time.Duration(h) * time.Hour) }
	edit := func(pairs ...string) string {
		return strings.NewReplacer(pairs...).Replace(`{"verifier":{"id":"` + gateID + `"},"timeVerified":"2026-11-24T11:00:00Z",` +
			`"resourceUri":"oci://ghcr.io/acme/app",` +
			`"policy":{"uri":"https://acme.example/policy.yaml","digest":{"sha256":"` +
			strings.TrimPrefix(policyDigest, "sha256:") + `"}},` +
			`"verificationResult":"PASSED","verifiedLevels":["SLSA_BUILD_LEVEL_3","ACME_SBOM"],"later":{"member":1}}`)
	}
	failed := edit(`"PASSED"`, `"FAILED"`, `["SLSA_BUILD_LEVEL_3","ACME_SBOM"]`, `["FAILED"]`)
	at := func(h int, predicate string) *verify.Attestation {
		return signed(alice, ago(h), vsa.SummaryType, predicate)
	}
	good := at(1, edit())
	unproven := func(a *verify.Attestation) *verify.Attestation {
		a.Signers[0].TimeSource = verify.TimeClaimed
		return a
	}
	rule := vsa.Accept{
		Verifiers: []vsa.Verifier{{ID: gateID, By: []verify.Identity{alice}}, {ID: "https://other.example", By: []verify.Identity{bob}}},
		Levels:    []string{"SLSA_BUILD_LEVEL_2", "ACME_SBOM"}, Policies: []string{policyDigest}, MaxAge: 24 * time.Hour,
	}
	ageless, promoted, revoked, svr := rule, rule, rule, rule
	ageless.MaxAge = 0
	promoted.Resources = []string{"staging.example/acme/app", "oci://ghcr.io/acme/app"}
	revoked.Revoked = []string{good.Evidence.Digest.String()}
	svr.Results = true
	named := func(a *verify.Attestation, name string) *verify.Attestation { a.Name = name; return a }
	result := `{"verifier":{"id":"` + gateID + `","policies":[{"digest":{"sha256":"` + strings.TrimPrefix(policyDigest, "sha256:") +
		`"}}]},"timeCreated":"2026-11-24T11:00:00Z","properties":["SLSA_BUILD_LEVEL_2","ACME_SBOM"]}`
	unbound := strings.Replace(result, `,"policies":[{"digest":{"sha256":"`+strings.TrimPrefix(policyDigest, "sha256:")+`"}}]`, "", 1)
	two := append([]*verify.Attestation{at(3, failed)}, good)
	for name, tt := range map[string]struct {
		rule  vsa.Accept
		there []*verify.Attestation
		want  policy.Verdict
		why   string
	}{
		"good":                  {rule, []*verify.Attestation{good}, A, ""},
		"nothing":               {rule, nil, D, ""},
		"1 another signer":      {rule, []*verify.Attestation{signed(bob, ago(1), vsa.SummaryType, edit())}, D, "not asked for"},
		"1 a signer of another": {rule, []*verify.Attestation{at(1, edit(gateID, "https://other.example"))}, D, "not asked for"},
		"1 the other pair": {rule,
			[]*verify.Attestation{signed(bob, ago(1), vsa.SummaryType, edit(gateID, "https://other.example"))}, A, ""},
		"3 another type": {rule,
			[]*verify.Attestation{signed(alice, ago(1), "https://slsa.dev/verification_summary/v0.2", edit())}, D, ""},
		"4 another repository": {rule, []*verify.Attestation{at(1, edit("acme/app", "evil/app"))}, D,
			"another resource, oci://ghcr.io/evil/app"},
		"4 a longer one": {rule, []*verify.Attestation{at(1, edit("acme/app", "acme/app2"))}, D, "another resource"},
		"4 another host": {rule, []*verify.Attestation{at(1, edit("ghcr.io", "ghcr.io.evil.example"))}, D, "another resource"},
		"4 in another spelling": {rule,
			[]*verify.Attestation{at(1, edit("oci://ghcr.io/acme/app", "docker://GHCR.io:443/acme/app:v7"))}, A, ""},
		"4 promoted":       {promoted, []*verify.Attestation{at(1, edit("ghcr.io", "staging.example"))}, A, ""},
		"4 not promoted":   {promoted, []*verify.Attestation{at(1, edit("ghcr.io", "dev.example"))}, D, "another resource"},
		"5 failed":         {rule, []*verify.Attestation{at(1, failed)}, D, "it says FAILED"},
		"5 another result": {rule, []*verify.Attestation{at(1, edit(`"PASSED"`, `"passed"`))}, D, "not PASSED or FAILED"},
		"5 passed and failed": {rule, []*verify.Attestation{at(1, edit(`"ACME_SBOM"`, `"FAILED"`))}, D,
			"verifiedLevels say FAILED"},
		"5 a lower level":    {rule, []*verify.Attestation{at(1, edit("LEVEL_3", "LEVEL_1"))}, D, "and not SLSA_BUILD_LEVEL_2"},
		"5 another track":    {rule, []*verify.Attestation{at(1, edit("BUILD", "SOURCE"))}, D, "and not SLSA_BUILD_LEVEL_2"},
		"5 a level in words": {rule, []*verify.Attestation{at(1, edit("LEVEL_3", "LEVEL_3x"))}, D, "and not SLSA_BUILD_LEVEL_2"},
		"5 unevaluated": {rule, []*verify.Attestation{at(1, edit("LEVEL_3", "LEVEL_UNEVALUATED"))}, D,
			"and not SLSA_BUILD_LEVEL_2"},
		"5 a property less": {rule, []*verify.Attestation{at(1, edit(`,"ACME_SBOM"`, ""))}, D, "and not ACME_SBOM"},
		"5 two levels": {rule, []*verify.Attestation{at(1, edit(`"ACME_SBOM"`, `"ACME_SBOM","SLSA_BUILD_LEVEL_0"`))}, D,
			"two levels"},
		"6 another policy":          {rule, []*verify.Attestation{at(1, edit("bbbb", "cccc"))}, D, "another policy"},
		"6 a policy without digest": {rule, []*verify.Attestation{at(1, edit(`"digest"`, `"digests"`))}, D, "another policy"},
		"7 too old": {rule, []*verify.Attestation{at(25, edit("2026-11-24T11", "2026-11-23T11"))}, D,
			"longer than 24h0m0s ago"},
		"7 signed anew": {rule, []*verify.Attestation{at(1, edit("2026-11-24T11", "2026-11-22T11"))}, D,
			"longer than 24h0m0s ago"},
		"7 of an old signature":       {rule, []*verify.Attestation{at(25, edit())}, D, "longer than 24h0m0s ago"},
		"7 of tomorrow":               {rule, []*verify.Attestation{at(1, edit("2026-11-24T11", "2026-11-25T11"))}, D, "in the future"},
		"7 nobody proves when":        {rule, []*verify.Attestation{unproven(at(1, edit()))}, D, "own word alone"},
		"7 which does not matter":     {ageless, []*verify.Attestation{unproven(at(1, edit()))}, A, ""},
		"7 without its own":           {rule, []*verify.Attestation{at(1, edit(`"timeVerified":"2026-11-24T11:00:00Z",`, ""))}, A, ""},
		"9 revoked":                   {revoked, []*verify.Attestation{good}, D, "revoked"},
		"9 failed later":              {rule, []*verify.Attestation{at(2, edit()), at(1, failed)}, D, "it says FAILED"},
		"9 failed before":             {rule, two, A, ""},
		"9 failed, nobody knows when": {ageless, []*verify.Attestation{at(1, edit()), unproven(at(2, failed))}, D, "it says FAILED"},
		"9 failed elsewhere": {rule,
			[]*verify.Attestation{at(2, edit()), at(1, strings.Replace(failed, "acme/app", "acme/other", 1))}, A, ""},
		"9 failed by another policy": {rule,
			[]*verify.Attestation{at(2, edit()), at(1, strings.ReplaceAll(failed, "bbbb", "cccc"))}, A, ""},
		"9 failed by some policy": {rule,
			[]*verify.Attestation{at(2, edit()), at(1, strings.Replace(failed, `"digest"`, `"digests"`, 1))}, D, "it says FAILED"},
		"9 failed, says a stranger": {rule, []*verify.Attestation{at(2, edit()), signed(bob, ago(1), vsa.SummaryType, failed)}, A, ""},
		"cannot be read":            {rule, []*verify.Attestation{at(1, "{")}, D, "verification summary"},
		"one cannot be read":        {rule, []*verify.Attestation{at(2, edit()), at(1, `{"verifier":1}`)}, D, "verification summary"},
		"a member twice": {rule, []*verify.Attestation{at(1, edit(`"PASSED"`, `"FAILED","verificationResult":"PASSED"`))},
			D, "twice"},

		"a result": {svr,
			[]*verify.Attestation{named(signed(alice, ago(1), vsa.ResultType, result), "oci://ghcr.io/acme/app")}, A, ""},
		"a result, not asked for": {rule,
			[]*verify.Attestation{named(signed(alice, ago(1), vsa.ResultType, result), "oci://ghcr.io/acme/app")}, D, ""},
		"a result for elsewhere": {svr,
			[]*verify.Attestation{named(signed(alice, ago(1), vsa.ResultType, result), "oci://ghcr.io/evil/app")}, D, "another resource"},
		"a result for nowhere": {svr, []*verify.Attestation{signed(alice, ago(1), vsa.ResultType, result)}, D, "another resource"},
		"a result of no policies": {svr, []*verify.Attestation{named(signed(alice, ago(1), vsa.ResultType, unbound), "ghcr.io/acme/app")},
			D, "policies"},
		"an older result": {svr,
			[]*verify.Attestation{named(signed(alice, ago(1), vsa.ResultTypeV1, result), "ghcr.io/acme/app")}, A, ""},
		"an older, of no policies": {svr,
			[]*verify.Attestation{named(signed(alice, ago(1), vsa.ResultTypeV1, unbound), "ghcr.io/acme/app")}, D, "another policy"},
		"no verifiers": {vsa.Accept{}, []*verify.Attestation{good}, I, "no verifier"},
	} {
		d := policy.Decide(t.Context(), tt.rule, input(tt.there...))
		if d.Verdict != tt.want || !strings.Contains(d.Reason, tt.why) {
			t.Errorf("%s: %v", name, d)
		}
		_, record := policy.Recorded(t.Context(), tt.rule, input(tt.there...))
		if e := record.Decide(t.Context(), tt.rule, time.Time{}); e.Verdict != d.Verdict || e.Reason != d.Reason {
			t.Errorf("%s: %v, replayed %v", name, d, e)
		}
	}
	d := policy.Decide(t.Context(), rule, input(good))
	if want := now.Add(23 * time.Hour); !d.Until.Equal(want) {
		t.Errorf("until %v, want %v", d.Until, want)
	}
	// One that cannot be read is not passed over.
	in := input(good)
	in.Report.Incomplete = []error{errors.New("registry answers 500")}
	if d := policy.Decide(t.Context(), rule, in); d.Verdict != I {
		t.Error(d)
	}
}

func TestAcceptValidate(t *testing.T) {
	good := vsa.Accept{Verifiers: []vsa.Verifier{{ID: gateID, By: []verify.Identity{alice}}}}
	if err := policy.Validate(good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*vsa.Accept){
		"no verifiers":      func(a *vsa.Accept) { a.Verifiers = nil },
		"no URI":            func(a *vsa.Accept) { a.Verifiers = []vsa.Verifier{{ID: "gate", By: []verify.Identity{alice}}} },
		"nobody signs":      func(a *vsa.Accept) { a.Verifiers = []vsa.Verifier{{ID: gateID}} },
		"no identity":       func(a *vsa.Accept) { a.Verifiers = []vsa.Verifier{{ID: gateID, By: []verify.Identity{{}}}} },
		"a policy":          func(a *vsa.Accept) { a.Policies = []string{"policy.yaml"} },
		"a revoked one":     func(a *vsa.Accept) { a.Revoked = []string{"sha256:aa"} },
		"a level":           func(a *vsa.Accept) { a.Levels = []string{"SLSA_3"} },
		"FAILED":            func(a *vsa.Accept) { a.Levels = []string{"FAILED"} },
		"a negative age":    func(a *vsa.Accept) { a.MaxAge = -1 },
		"an empty resource": func(a *vsa.Accept) { a.Resources = []string{""} },
	} {
		a := good
		edit(&a)
		if err := policy.Validate(a); err == nil {
			t.Errorf("%s is valid", name)
		}
		if d := policy.Decide(t.Context(), a, input()); d.Verdict != policy.Indeterminate {
			t.Errorf("%s: %v", name, d)
		}
	}
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte(`{"verifier":{"id":"https://a.example","version":{"a":"1"}},"timeVerified":"2026-11-24T11:00:00Z","resourceUri":"r",` +
		`"policy":{"uri":"u","digest":{"sha256":"AA"}},` +
		`"inputAttestations":[{"uri":"x"}],"verificationResult":"PASSED","verifiedLevels":["SLSA_BUILD_LEVEL_3"]}`))
	f.Add([]byte(`{"verifier":{"id":"https://a.example","policies":[]},"timeCreated":"2026-11-24T11:00:00Z","properties":["A"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := vsa.ParseSummary(data); err == nil {
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			back, err := vsa.ParseSummary(text)
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if again, _ := json.Marshal(back); string(again) != string(text) {
				t.Fatalf("%s\n%s", text, again)
			}
		}
		if r, err := vsa.ParseResult(vsa.ResultType, data); err == nil {
			text, _ := json.Marshal(r)
			if _, err := vsa.ParseResult(vsa.ResultType, text); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
		}
		a := signed(alice, now, vsa.SummaryType, string(data))
		policy.Decide(t.Context(), vsa.Accept{Verifiers: []vsa.Verifier{{ID: gateID, By: []verify.Identity{alice}}}}, input(a))
	})
}
