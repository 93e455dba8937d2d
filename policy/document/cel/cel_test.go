package cel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/document/cel"
	"github.com/ladingdev/lading/verify"
)

const (
	provenanceType = "https://slsa.dev/provenance/v1"
	bomType        = "https://cyclonedx.org/bom"
	testType       = "https://in-toto.io/attestation/test-result/v0.1"
	otherType      = "https://example.com/review/v1"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func attestation(predicateType, predicate string) *verify.Attestation {
	return &verify.Attestation{
		Kind: verify.Statement, PredicateType: predicateType, Predicate: json.RawMessage(predicate), Name: "app",
		Subject: verify.Descriptor{Digest: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
		Signers: []verify.Signer{{Name: "ci", Entries: []string{"ci"},
			Identity: verify.Identity{Kind: verify.OIDCIdentity, Subject: "https://ci.example/build", Issuer: "https://issuer.example"},
			SignedAt: now.Add(-time.Hour), TimeSource: verify.TimeLogged, Claims: map[string]string{"buildTrigger": "push"}}},
	}
}

func ask(t testing.TB, source string, a *verify.Attestation) error {
	t.Helper()
	check, err := new(cel.Compiler).Compile(source, []string{a.PredicateType})
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	in := &policy.Input{Now: now, Request: &policy.Request{Namespace: "prod", Groups: []string{"dev"}}}
	return check(context.Background(), in, a)
}

const provenance = `{"buildDefinition":{"buildType":"https://ci.example/build/v1","externalParameters":{"ref":"refs/heads/main",` +
	`"steps":[1,2]},"resolvedDependencies":[{"uri":"git+https://github.com/acme/app","digest":{"gitCommit":"abc"}}]},` +
	`"runDetails":{"builder":{"id":"https://ci.example/v2"},"metadata":{"startedOn":"2026-11-28T10:00:00Z"}}}`

func TestConditions(t *testing.T) {
	bom := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"a","purl":"pkg:npm/a@1",` +
		`"licenses":[{"license":{"id":"MIT"}}]},{"name":"b","bom-ref":"x"}]}`
	for _, tt := range []struct {
		predicateType, predicate, source string
		want                             string // empty is true
	}{
		{provenanceType, provenance, `predicate.runDetails.builder.id == "https://ci.example/v2"`, ""},
		{provenanceType, provenance, `predicate.runDetails.builder.id == "https://ci.example/v1"`,
			`the condition is false: predicate.runDetails`},
		{provenanceType, provenance, `predicate.buildDefinition.externalParameters.ref == "refs/heads/main"`, ""},
		{provenanceType, provenance, `predicate.buildDefinition.externalParameters.branch == "main"`,
			"the condition failed: no such key: branch"},
		{provenanceType, provenance, `predicate.buildDefinition.externalParameters.steps == [1, 2]`, ""},
		{provenanceType, provenance, `size(predicate.buildDefinition.resolvedDependencies) > 0 && ` +
			`predicate.buildDefinition.resolvedDependencies.all(d, d.uri.startsWith("git+https://github.com/acme/"))`, ""},
		{provenanceType, provenance, `now - predicate.runDetails.metadata.startedOn < duration("3h")`, ""},
		{provenanceType, provenance, `now - predicate.runDetails.metadata.startedOn < duration("1h")`, "false"},
		{provenanceType, provenance, `has(predicate.runDetails.metadata.finishedOn)`, "false"},
		{provenanceType, provenance, `signers.exists(s, s.issuer == "https://issuer.example" && s.claims["buildTrigger"] == "push" && ` +
			`now - s.signedAt < duration("24h"))`, ""},
		{provenanceType, provenance, `request.namespace == "prod" && "dev" in request.groups && subject.digest.startsWith("sha256:") ` +
			`&& subject.name == "app"`, ""},
		{bomType, bom, `predicate.components.exists(c, c.purl.matches("^pkg:npm/a@[0-9]+$"))`, ""},
		{bomType, bom, `!predicate.components.exists(c, c.bomRef == "x")`, "false"},
		{bomType, bom, `predicate.components[0].licenses[0].license.id in ["MIT", "Apache-2.0"]`, ""},
		{bomType, `{"Components":[{"name":"a"}]}`, `size(predicate.components) == 0`, ""}, // a name in another case is another name
		{bomType, `{"components":[{"name":"a"}],"components":[]}`, `size(predicate.components) == 0`, "occurs twice"},
		{bomType, `{"components":"none"}`, `size(predicate.components) == 0`, "the predicate is no CycloneDX that can be read"},
		{bomType, `[]`, `size(predicate.components) == 0`, "the predicate is no CycloneDX that can be read"},
		{bomType, `null`, `predicate.bomFormat == "CycloneDX"`, "false"},
		{testType, `{"result":"PASSED"}`, `predicate.result == "PASSED"`, ""},
		{testType, `{"result":null}`, `predicate.result == "PASSED"`, "false"},
		{otherType, `{"approved":true,"by":["a","b"]}`, `raw.approved == true && size(raw.by) >= 2`, ""},
		{otherType, `{"aproved":true}`, `raw.approved == true`, "the condition failed: no such key: approved"},
		{otherType, `"x"`, `raw.approved == true`, "the predicate cannot be read"},
	} {
		err := ask(t, tt.source, attestation(tt.predicateType, tt.predicate))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s of %s: %v, want %q", tt.source, tt.predicate, err, tt.want)
		}
	}
}

// What is wrong with a condition is found when it is loaded, with its place and what to write instead.
func TestCompileRefuses(t *testing.T) {
	for _, tt := range []struct{ predicateType, source, want string }{
		{provenanceType, `predicate.runDetail.builder.id == "x"`, `1:10: there is no field "runDetail": did you mean "runDetails"?`},
		{provenanceType, "true &&\n  predicate.runDetails.bilder.id == 'x'", `2:23: there is no field "bilder": did you mean "builder"?`},
		{provenanceType, `predicat.runDetails.builder.id == "x"`, `1:1: there is no "predicat": did you mean "predicate"?`},
		{provenanceType, `predicate.runDetails.builder.id == 1`, `1:33: found no matching overload for '_==_'`},
		{provenanceType, `predicate.runDetails.builder.id`, `1:1: the condition is of type string, and not a boolean`},
		{provenanceType, `raw.x`, `1:1: the condition is of type dyn, and not a boolean`},
		{provenanceType, `predicate.runDetails.builder.id = "x"`, `1:33: Syntax error`},
		{provenanceType, ``, `1:1: Syntax error`},
		{otherType, `predicate.approved`, `1:1: the fields of these predicate types are not known: write raw for predicate`},
		{bomType, `predicate.components.all(c, c.purl != "")`, `1:25: all() is true of an empty list, and predicate.components may be ` +
			`empty: write size(predicate.components) > 0 && before it`},
		{bomType, `size(predicate.vulnerabilities) > 0 && predicate.components.all(c, c.purl != "")`, `all() is true of an empty list`},
		{bomType, `size(predicate.components) > 0 || predicate.components.all(c, c.purl != "")`, `all() is true of an empty list`},
		{bomType, `predicate.components.exists(c, c.purl.matches("pkg:npm/.*"))`, `is not anchored`},
		{bomType, `predicate.components.exists(c, c.purl.matches("^a|b$"))`, `is not anchored`},
		{bomType, `predicate.components.exists(c, c.purl.matches(c.name))`, `1:48: a regular expression that is not written out: write ` +
			`it as a text`},
		{bomType, `predicate.components.exists(c, c.purl.matches("^(a$"))`, `invalid`},
		{provenanceType, `predicate.buildDefinition.externalParameters.exists(k, k == "x")`,
			`1:26: a loop over a mapping, which has no order: name the keys that are meant`},
		{bomType, `predicate.components.exists(a, predicate.components.exists(b, a.name == b.name && a.version != b.version))`,
			`1:1: the condition may cost`},
		{bomType, `predicate.components.exists(a, predicate.components.exists(b, predicate.components.exists(c, a.name == b.name && ` +
			`b.name == c.name)))`, `and at most 50000000 is let in: loops in loops cost most`},
		{bomType, strings.Repeat(" ", 20_000) + "true", `1:1: the condition has more than 16384 bytes`},
		{bomType, strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200), `recursion`},
		{provenanceType, `timestamp("yesterday") < now`, `1:11: invalid timestamp`},
	} {
		check, err := new(cel.Compiler).Compile(tt.source, []string{tt.predicateType})
		var fault *document.SourceError
		if check != nil || !errors.As(err, &fault) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.100q: %v, want %q", tt.source, err, tt.want)
		}
	}
	if _, err := (&cel.Compiler{MaxCost: 1}).Compile("now > timestamp('2026-01-01T00:00:00Z')", nil); err == nil {
		t.Error("a bound of one is not held")
	}
	// Of types that have one shape, predicate has it; of those that have not, it has none.
	for _, tt := range []struct {
		types []string
		good  bool
	}{{[]string{bomType, bomType + "/v1.6"}, true}, {[]string{bomType, provenanceType}, false}, {[]string{bomType, otherType}, false},
		{nil, false}} {
		if _, err := new(cel.Compiler).Compile(`predicate.specVersion == "1.6"`, tt.types); (err == nil) != tt.good {
			t.Errorf("%v: %v", tt.types, err)
		}
	}
}

// What is over the limits that the cost was estimated by is not judged, and neither is what nobody waits for.
func TestLimits(t *testing.T) {
	many := `{"components":[` + strings.Repeat(`{"name":"a"},`, 20_000) + `{"name":"b"}]}`
	long := `{"bomFormat":"` + strings.Repeat("x", 20_000) + `"}`
	for _, predicate := range []string{many, long} {
		err := ask(t, `predicate.bomFormat != "x"`, attestation(bomType, predicate))
		if !errors.Is(err, policy.ErrIndeterminate) || !errors.Is(err, verify.ErrLimit) {
			t.Errorf("%v", err)
		}
	}
	check, err := (&cel.Compiler{MaxCost: 1 << 62}).Compile(`predicate.components.exists(a, predicate.components.exists(b, `+
		`predicate.components.exists(c, a.name + b.name == c.name)))`, []string{bomType})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	slow := attestation(bomType, `{"components":[`+strings.Repeat(`{"name":"a"},`, 19_000)+`{"name":"b"}]}`)
	if err := check(ctx, &policy.Input{Now: now}, slow); !errors.Is(err, policy.ErrIndeterminate) ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// A condition with now holds for the moment, and others as long as the evidence does.
func TestUntil(t *testing.T) {
	a := attestation(testType, `{"result":"PASSED"}`)
	for _, tt := range []struct {
		source string
		until  time.Time
	}{{`predicate.result == "PASSED"`, policy.Forever},
		{`predicate.result == "PASSED" && now > timestamp("2026-01-01T00:00:00Z")`, now.Add(1)}} {
		check, err := new(cel.Compiler).Compile(tt.source, []string{testType})
		if err != nil {
			t.Fatal(err)
		}
		rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{testType}, ByEntry: []string{"ci"}, Check: check}
		d := rule.Decide(context.Background(),
			&policy.Input{Now: now, Report: &verify.Report{Subject: a.Subject, Attestations: []*verify.Attestation{a}}})
		if d.Verdict != policy.Allow || !d.Until.Equal(tt.until) {
			t.Errorf("%s: %v until %s, want %s", tt.source, d, d.Until, tt.until)
		}
	}
}

// A decision that is replayed has what the condition came to, and no predicate; one that needs the time says that it cannot tell.
func TestReplay(t *testing.T) {
	a := attestation(testType, `{"result":"PASSED"}`)
	for source, want := range map[string]policy.Verdict{`predicate.result == "PASSED"`: policy.Allow,
		`predicate.result == "PASSED" && now > timestamp("2026-01-01T00:00:00Z")`: policy.Indeterminate} {
		check, err := new(cel.Compiler).Compile(source, []string{testType})
		if err != nil {
			t.Fatal(err)
		}
		rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{testType}, ByEntry: []string{"ci"}, Check: check}
		d, record := policy.Recorded(context.Background(), rule, &policy.Input{Name: "registry.example.com/app", Now: now,
			Report: &verify.Report{Subject: a.Subject, Attestations: []*verify.Attestation{a}}})
		if d.Verdict != policy.Allow {
			t.Fatal(d)
		}
		line, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		again := new(policy.Record)
		if err := json.Unmarshal(line, again); err != nil {
			t.Fatal(err)
		}
		if got := again.Decide(context.Background(), rule, now); got.Verdict != want {
			t.Errorf("%s: %v, want %v", source, got, want)
		}
	}
}

// In a document, the place of a fault is that in the document.
func TestInDocument(t *testing.T) {
	const text = `version: 1
name: x
trust: [{name: ci, kind: any}]
images:
  - match: ["**"]
    require:
      - attestation:
          types: ["%s"]
          condition:
            cel: %s
`
	for _, tt := range []struct{ predicateType, source, want string }{
		{provenanceType, "|\n              true &&\n                predicate.runDetails.bilder.id == 'x'",
			`12:37: images[0].require[0].attestation.condition.cel: there is no field "bilder": did you mean "builder"?`},
		{provenanceType, "predicate.runDetails.bilder.id == 'x'", `10:38: images[0].require[0].attestation.condition.cel: there is no ` +
			`field "bilder"`},
		{provenanceType, `"predicate.runDetails.bilder.id == 'x'"`, `10:39: images[0].require[0].attestation.condition.cel: there is ` +
			`no field "bilder"`},
		{provenanceType, "[x]", `10:18: images[0].require[0].attestation.condition.cel: an expression is wanted here`},
	} {
		doc, err := document.Parse([]byte(fmt.Sprintf(text, tt.predicateType, tt.source)))
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]document.TrustFunc{"any": func(*document.Trust) (verify.Verifier, error) { return new(nobody), nil }}
		_, err = doc.Load(&document.Options{Trust: kinds, Conditions: new(cel.Compiler)})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.source, err, tt.want)
		}
	}
}

type nobody struct{}

func (nobody) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrFormat
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`predicate.components.exists(c, c.purl.matches("^a$"))`, `size(signers) > 0 && signers.all(s, s.name in ` +
		`["a"])`, `raw.a[0].b == 1`, `now - timestamp("2026-01-01T00:00:00Z") < duration("1h")`,
		`request.namespace == subject.name ? true : false`, `{"a": 1}.exists(k, k == "a")`, `"%d".format([1]) == "1"`,
		`[1,2].map(x, x * 2).exists(y, y == 4)`} {
		f.Add(s, `{"components":[{"name":"a"}]}`)
	}
	compiler := &cel.Compiler{MaxCost: 100_000}
	f.Fuzz(func(t *testing.T, source, predicate string) {
		check, err := compiler.Compile(source, []string{bomType})
		if err != nil {
			var fault *document.SourceError
			if !errors.As(err, &fault) || fault.Line < 1 || fault.Column < 1 {
				t.Errorf("%q: %v", source, err)
			}
			return
		}
		a := attestation(bomType, predicate)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		one, two := check(ctx, &policy.Input{Now: now}, a), check(ctx, &policy.Input{Now: now}, a)
		if (one == nil) != (two == nil) {
			t.Errorf("%q of %q: %v, then %v", source, predicate, one, two)
		}
	})
}
