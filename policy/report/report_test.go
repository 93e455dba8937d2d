package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/regress"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/report"
	"github.com/ladingdev/lading/verify"
)

var now = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)

const (
	sbomType  = "https://cyclonedx.org/bom"
	vulnsType = "https://in-toto.io/attestation/vulns/v0.2"
	slsaType  = "https://slsa.dev/provenance/v1"
)

func descriptor(text string) verify.Descriptor {
	const mediaType = "application/vnd.oci.image.manifest.v1+json"
	return verify.Descriptor{MediaType: mediaType, Digest: digest.FromString(text), Size: int64(len(text))}
}

// profile is AWS Signer's signing profile of a name.
func profile(name string) verify.Identity {
	return verify.Identity{
		Kind: verify.CertificateIdentity, Subject: "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/" + name,
		Issuer: "CN=AWS Signer Code Signing Root CA G1",
	}
}

func signedBy(name string, age time.Duration) []verify.Signer {
	return []verify.Signer{{
		Identity: profile(name), SignedAt: now.Add(-age), TimeSource: verify.TimeAuthority,
		Until: now.Add(90 * 24 * time.Hour),
	}}
}

func statement(predicateType, predicate, by string, age time.Duration) *verify.Attestation {
	return &verify.Attestation{
		Kind: verify.Statement, PredicateType: predicateType, Predicate: json.RawMessage(predicate), Signers: signedBy(by, age),
		Evidence: descriptor(predicateType + predicate + by),
	}
}

// rules is a policy as a team might have it.
func rules() policy.Policy {
	release := []policy.Signer{{Name: "release", Identities: []verify.Identity{profile("release")}}}
	return policy.All(
		policy.Require{Name: "signed", Kind: verify.ImageSignature, Signers: release},
		policy.Require{Name: "sbom", Kind: verify.Statement, PredicateTypes: []string{sbomType}, Signers: release, Quantifier: policy.Every,
			Check: contains("components", "the SBOM names no components")},
		policy.Require{Name: "scanned", Kind: verify.Statement, PredicateTypes: []string{vulnsType}, Signers: release,
			Quantifier: policy.Newest, MaxAge: 24 * time.Hour},
		policy.Any(
			policy.Require{Name: "built by CodeBuild", Kind: verify.Statement, PredicateTypes: []string{slsaType}, Signers: release,
				Check: contains("codebuild", "the builder is none of CodeBuild")},
			policy.Require{Name: "rebuilt", Kind: verify.Statement, Signers: release,
				PredicateTypes: []string{"https://acme.example/rebuild/v1"}},
		),
		policy.Named("name", policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
			d := &policy.Decision{Verdict: policy.Allow, Until: policy.Forever}
			d.Rule, d.Reason = "images of this account", "the image is of this account"
			if !strings.HasPrefix(in.Name, "111122223333.dkr.ecr.") {
				d.Verdict, d.Reason = policy.Deny, "the image is not of account 111122223333"
				d.Missing = []string{"an image from 111122223333.dkr.ecr.eu-west-1.amazonaws.com"}
			}
			return d
		})),
		policy.Soft(policy.Warn, policy.Warn, policy.Require{Name: "reviewed", Kind: verify.Statement,
			PredicateTypes: []string{"https://acme.example/review/v1"}, Signers: release}),
		policy.When(policy.Condition{Words: "in namespace test", Holds: func(in *policy.Input) (bool, error) {
			return in.Request != nil && in.Request.Namespace == "test", nil
		}}, policy.Require{Name: "test only", Kind: verify.ImageSignature}),
	)
}

func contains(word, otherwise string) func(context.Context, *policy.Input, *verify.Attestation) error {
	return func(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
		if !bytes.Contains(a.Predicate, []byte(word)) {
			return errors.New(otherwise)
		}
		return nil
	}
}

// judge makes a decision as a gate does.
func judge(name string, r *verify.Report) *policy.Decision {
	r.Subject = descriptor(name)
	d := *policy.Decide(context.Background(), rules(), &policy.Input{Name: name, Report: r, Now: now})
	d.Name, d.Subject, d.Time = name, r.Subject, now
	d.Document = &policy.Document{Name: "production", Version: "7", Digest: "sha256:" + strings.Repeat("5e", 32)}
	return &d
}

func good() []*verify.Attestation {
	return []*verify.Attestation{
		{Kind: verify.ImageSignature, Signers: signedBy("release", time.Hour), Evidence: descriptor("signature")},
		statement(sbomType, `{"components":[1]}`, "release", time.Hour),
		statement(vulnsType, `{}`, "release", time.Hour),
		statement(slsaType, `{"builder":"codebuild"}`, "release", time.Hour),
	}
}

const ecr = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:v1"

// decisions are those of the golden files.
func decisions() map[string]*policy.Decision {
	denied := judge("docker.io/library/nginx:latest", &verify.Report{Attestations: []*verify.Attestation{
		{Kind: verify.ImageSignature, Signers: signedBy("staging", time.Hour), Evidence: descriptor("signature")},
		statement(sbomType, `{"components":[1]}`, "release", time.Hour),
		statement(sbomType, `{}`, "release", time.Hour),
		statement(vulnsType, `{}`, "release", 30*24*time.Hour),
		statement(slsaType, `{"builder":"a laptop"}`, "release", time.Hour),
	}})
	denied.Request = &policy.Request{
		Gate: "eks", Operation: "CREATE", User: "deployer",
		Namespace: "shop", Kind: "Deployment", Workload: "web",
	}
	return map[string]*policy.Decision{
		"allow": judge(ecr, &verify.Report{Attestations: good()}),
		"deny":  denied,
		"indeterminate": judge(ecr, &verify.Report{Attestations: good(), Incomplete: []error{
			errors.New("reading the referrers: GET https://" + ecr + ": 503 Service Unavailable"),
		}}),
	}
}

func options() *report.Options {
	return &report.Options{Title: "Images of the shop", Ask: func(rule *policy.Decision) string {
		return map[string]string{"signed": "#release", "sbom": "#release", "scanned": "security@acme.example",
			"name": "#platform"}[rule.RuleName]
	}}
}

var extensions = map[string]string{"text": "txt", "markdown": "md", "html": "html", "sarif": "sarif", "json": "json", "junit": "xml"}

// Every rendering of three decisions, alone and together, is as it was looked at.
func TestGolden(t *testing.T) {
	for format, ext := range extensions {
		for which, d := range decisions() {
			t.Run(format+"/"+which, func(t *testing.T) { golden(t, which+"."+ext, format, options(), d) })
		}
		all := decisions()
		t.Run(format+"/all", func(t *testing.T) {
			golden(t, "all."+ext, format, nil, all["allow"], all["deny"], all["indeterminate"])
		})
	}
	t.Run("color", func(t *testing.T) {
		golden(t, "color.txt", "text", &report.Options{Color: true}, decisions()["deny"])
	})
}

func golden(t *testing.T, file, format string, o *report.Options, ds ...*policy.Decision) {
	t.Helper()
	var got bytes.Buffer
	if err := report.Write(&got, format, o, ds...); err != nil {
		t.Fatal(err)
	}
	regress.File(t, filepath.Join("testdata", file), got.String())
	isClean(t, got.String(), o != nil && o.Color)
}

// isClean fails if a text could write to a terminal what it should not.
func isClean(t *testing.T, text string, color bool) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("it is no UTF-8")
	}
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) && (r != '\x1b' || !color) {
			t.Errorf("it has a control character %U", r)
		}
	}
}

// The deny of the golden files has five reasons, so that they show what they should.
func TestGoldenDecisions(t *testing.T) {
	all := decisions()
	for which, want := range map[string]policy.Verdict{"allow": policy.Allow, "deny": policy.Deny, "indeterminate": policy.Indeterminate} {
		if got := all[which].Verdict; got != want {
			t.Errorf("%s is %v: %+v", which, got, all[which])
		}
	}
	if d := all["deny"]; len(d.Parts) != 7 || len(d.Warnings()) != 1 {
		t.Errorf("%+v", d)
	}
	denied := 0
	for _, part := range all["deny"].Parts {
		if part.Verdict == policy.Deny {
			denied++
		}
	}
	if denied != 5 {
		t.Errorf("%d of 5 reasons", denied)
	}
}

// Text fits 80 columns, whatever the names are.
func TestTextWidth(t *testing.T) {
	long := strings.Repeat("very-long-", 40)
	wide := strings.Repeat("漢字", 100)
	for _, s := range []string{long, wide, strings.Repeat("e\u0301", 200), strings.Repeat("word ", 100)} {
		var b bytes.Buffer
		deep := &policy.Decision{Verdict: policy.Deny, Rule: s, Reason: s}
		for range 60 {
			deep = &policy.Decision{Verdict: policy.Deny, Rule: s, Reason: s, Parts: []*policy.Decision{deep, {Verdict: policy.Allow}}}
			deep.Missing = []string{s}
		}
		deep.Name = s
		if err := report.Text(&b, options(), deep); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := columnsOf(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

// columnsOf counts as terminals do, for the characters of the tests.
func columnsOf(s string) (n int) {
	for _, r := range s {
		switch {
		case r == '漢' || r == '字':
			n += 2
		case r != '\u0301':
			n++
		}
	}
	return n
}

// What is not Allow is a failure in every format, whatever the parts of a decision say, and nothing is not good.
func TestFailClosed(t *testing.T) {
	odd := map[string]*policy.Decision{
		"nil":                         nil,
		"zero":                        {},
		"without parts":               {Verdict: policy.Deny},
		"of parts that say otherwise": {Verdict: policy.Deny, Parts: []*policy.Decision{{Verdict: policy.Allow}, nil}},
		"indeterminate over deny":     {Parts: []*policy.Decision{{Verdict: policy.Deny}}},
		"skipped":                     {Skipped: true},
		"of an unknown verdict":       {Verdict: 77},
	}
	for what, d := range odd {
		t.Run(what, func(t *testing.T) {
			var b bytes.Buffer
			if err := report.JUnit(&b, nil, d); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), "<failure") && !strings.Contains(b.String(), "<error") {
				t.Errorf("JUnit has no failure:\n%s", &b)
			}
			b.Reset()
			if err := report.SARIF(&b, nil, d); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), `"level": "error",`) {
				t.Errorf("SARIF has no error:\n%s", &b)
			}
			for _, format := range []string{"text", "markdown", "html", "json"} {
				b.Reset()
				if err := report.Write(&b, format, nil, d); err != nil {
					t.Fatal(err)
				}
				if text := b.String(); !strings.Contains(text, "DENY") && !strings.Contains(text, "INDETERMINATE") {
					t.Errorf("%s:\n%s", format, text)
				}
			}
		})
	}
	for format := range extensions {
		if err := report.Write(io.Discard, format, nil); !errors.Is(err, report.ErrNothing) {
			t.Errorf("%s of nothing: %v", format, err)
		}
	}
	err := report.Write(io.Discard, "pdf", nil, decisions()["allow"])
	if err == nil || !strings.Contains(err.Error(), "use one of text, markdown") {
		t.Errorf("an unknown format: %v", err)
	}
}

// What cannot be written is an error in every format.
func TestWriteError(t *testing.T) {
	for format := range extensions {
		if err := report.Write(broken{}, format, nil, decisions()["deny"]); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

var errBroken = errors.New("the disk is full")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

// A replayed decision says so in every format.
func TestReplayed(t *testing.T) {
	d := decisions()["allow"]
	d.Replayed = true
	for format := range extensions {
		var b bytes.Buffer
		if err := report.Write(&b, format, nil, d); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "replayed") {
			t.Errorf("%s does not say that it is replayed:\n%s", format, &b)
		}
	}
}

// sarifLog is what the tests read.
type sarifLog struct {
	Runs []struct {
		Tool struct {
			Driver struct{ Rules []struct{ ID string } }
		}
		Results []struct {
			RuleID    string
			RuleIndex int
			Locations []struct {
				PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
			}
			PartialFingerprints map[string]string
		}
	}
}

func readSARIF(t *testing.T, ds ...*policy.Decision) sarifLog {
	t.Helper()
	var b bytes.Buffer
	if err := report.SARIF(&b, nil, ds...); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	return log
}

// Fingerprints keep results of one report apart, and find those of the next build again.
func TestFingerprints(t *testing.T) {
	deny := func() *policy.Decision { return decisions()["deny"] }
	other := deny()
	other.Name = "docker.io/library/nginx:stable"
	log := readSARIF(t, deny(), other, deny())
	seen := make(map[string]bool)
	for _, r := range log.Runs[0].Results {
		key := r.RuleID + r.PartialFingerprints["primaryLocationLineHash"]
		if seen[key] {
			t.Errorf("two results are one: %s", key)
		}
		seen[key] = true
		if id := log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID; id != r.RuleID {
			t.Errorf("rule %s has the index of %s", r.RuleID, id)
		}
	}
	if len(seen) < 15 {
		t.Errorf("%d results", len(seen))
	}
	again := deny()
	again.Subject, again.Time = descriptor("the next build"), now.Add(time.Hour)
	first, second := readSARIF(t, deny()), readSARIF(t, again)
	for i, r := range first.Runs[0].Results {
		if diff := cmp.Diff(r.PartialFingerprints, second.Runs[0].Results[i].PartialFingerprints); diff != "" {
			t.Error(diff)
		}
	}
}

// GitHub takes relative URIs alone as locations, and what looks like a scheme is none.
func TestLocations(t *testing.T) {
	for name, want := range map[string]string{
		"ghcr.io/acme/app:v1":                   "ghcr.io/acme/app:v1",
		"localhost:5000/app:v1":                 "localhost%3A5000/app:v1",
		"app:v1":                                "app%3Av1",
		"file:///etc/passwd":                    "file%3A///etc/passwd",
		"//evil.example/x":                      "evil.example/x",
		"a b%\u202e<\"?#/../c":                  "a%20b%25%20%3C%22%3F%23/../c",
		"app@" + string(descriptor("x").Digest): "app@" + strings.Replace(string(descriptor("x").Digest), ":", "%3A", 1),
		"[::1]:5000/app":                        "%5B%3A%3A1%5D%3A5000/app",
	} {
		log := readSARIF(t, &policy.Decision{Name: name})
		if got := log.Runs[0].Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI; got != want {
			t.Errorf("%q is at %q, want %q", name, got, want)
		}
	}
}

// More results than GitHub takes are an error, and not less.
func TestSARIFLimit(t *testing.T) {
	d := &policy.Decision{Verdict: policy.Deny}
	for i := range 25_001 {
		d.Parts = append(d.Parts, &policy.Decision{Verdict: policy.Deny, Rule: fmt.Sprint("rule ", i)})
	}
	if err := report.SARIF(io.Discard, nil, d); !errors.Is(err, report.ErrTooMany) {
		t.Errorf("error %v", err)
	}
}

// What strangers wrote is no command for a CI server that reads its own log: "::" at the beginning of a line, "##" anywhere.
func TestLogCommands(t *testing.T) {
	for pad := range 90 {
		for _, command := range []string{
			"::stop-commands::x", "##[error]x", "###[add-path]/x", "##vso[task.complete result=Succeeded;]x", "##teamcity[x]",
		} {
			s := strings.Repeat("a", pad) + command
			d := &policy.Decision{Verdict: policy.Deny, Name: s, Rule: s, Reason: strings.Repeat("b ", pad) + command, Missing: []string{s}}
			var b bytes.Buffer
			if err := report.Text(&b, nil, d); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##") || columnsOf(line) > 81 {
					t.Fatalf("a command: %s", line)
				}
			}
		}
	}
}
