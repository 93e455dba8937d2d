package document_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/policy/vsa"
	"github.com/ladingdev/lading/sign"
)

// ruled is a document with one rule, in a form that fits one line.
func ruled(alice *person, more, rule string) string {
	return fmt.Sprintf("version: 1\nname: x\ntrust: [{name: alice, key: %s}]\n%simages:\n  - match: [\"**\"]\n    require:\n      - %s\n",
		alice.yaml(), more, rule)
}

// Each rule of package policy/rules is written with all of its fields, and what the package refuses has its place in the document.
func TestReadyRules(t *testing.T) {
	alice := newPerson(t)
	const exception = `exceptions: [{finding: CVE-2024-2961, component: "pkg:deb/debian/libc6 vers:debian/<2.36-9", owner: ops, ` +
		`reason: not reachable, expires: 2027-01-01}], exceptionsBy: {by: [alice], atLeast: 1}`
	for _, tt := range []struct{ rule, want string }{
		{`sbom: {by: [alice], types: ["https://cyclonedx.org/bom"], components: 3, profile: ntia-2021, maxDocumentAge: 30d, anyDigest: ` +
			`true, quantifier: newest, time: /metadata/timestamp, maxAge: 30d, atLeast: 1}`, ""},
		{`components: {deny: [{purl: "pkg:npm/event-stream", versions: "vers:npm/3.3.6", reason: malware}], allow: [{purl: ` +
			`"pkg:npm/*"}], ` + exception + `}`, ""},
		{`licenses: {deny: [AGPL-3.0-only], allow: [MIT], allowNames: [ours], role: declared, allowUnlicensed: true, ` +
			`allowUnrecognized: true, ` + exception + `}`, ""},
		{`vulnerabilities: {severity: high, source: NVD, allowUnscored: true, exploited: true, epss: 0.5, onlyFixable: true, grace: ` +
			`14d, kinds: [vulnerability], maxScanAge: 7d, maxDatabaseAge: 2d, ecosystems: [Debian], allowSkipped: true, anyDigest: ` +
			`true, vex: [{by: [alice], components: ["pkg:deb/debian/openssl"], justifications: [vulnerable_code_not_present]}], ` +
			exception + `}`, ""},
		{`provenance: {builders: [{id: "https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v*", level: 3}], level: 3, ` +
			`buildTypes: ["https://example.com/build/v1"], sources: ["https://github.com/acme/app"], refs: [refs/heads/main], ` +
			`parameters: [{name: /workflow/path, values: [release.yml]}], anyParameters: false}`, ""},
		{`keyless: {issuer: "https://token.actions.githubusercontent.com", subject: "https://github.com/acme/*/build", repository: ` +
			`"https://github.com/acme/app", workflow: "https://github.com/acme/app/.github/workflows/x.yml@refs/heads/main", refs: ` +
			`[refs/heads/main], triggers: [push], claims: [{name: runnerEnvironment, values: [github-hosted]}]}`, ""},

		{`summary: {verifiers: [{id: "https://acme.example/gates/pipeline/v1", by: [alice]}], resources: ` +
			`["oci://registry.example.com/shop/app"], levels: [SLSA_BUILD_LEVEL_2], policies: ` +
			`["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"], revoked: ` +
			`["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"], results: true}`, ""},

		{`summary: {verifiers: [{id: "https://acme.example/gates/pipeline/v1"}]}`,
			`7:31: images[0].require[0].summary.verifiers[0]: the field "by" is missing`},
		{`summary: {verifiers: [{id: "https://acme.example/gates/pipeline/v1", by: [alice]}], maxAge: 1d}`,
			`maxAge: signatures by keys have no proven time`},
		{`summary: {verifiers: [{id: "https://acme.example/gates/pipeline/v1", by: [alice]}], levels: [SLSA_BUILD_LEVEL_X]}`,
			`images[0].require[0].summary: `},
		{`sbom: {profil: ntia-2021}`, `7:16: images[0].require[0].sbom: unknown field "profil": did you mean "profile"?`},
		{`sbom: {profile: ntia-2020}`, `ntia-2021`},
		{`sbom: {components: "3"}`, `7:28: images[0].require[0].sbom.components: a whole number is wanted here, and this is a text: ` +
			`write it without quotes, 3`},
		{`components: {deny: [{purl: npm/lodash}]}`, `7:21: images[0].require[0].components: `},
		{`components: {deny: [{purl: "pkg:npm/lodash", versions: "vers:maven/<1"}]}`, `is a range of "maven"`},
		{`components: {by: [alice]}`, `the rule names no components`},
		{`licenses: {deny: [AGPL-3]}`, `AGPL-3`},
		{`licenses: {deny: [AGPL-3.0-only], quantifier: some}`, `"some"`},
		{`vulnerabilities: {severity: criticl}`, `"criticl" is none of the words that there are: did you mean "critical"?`},
		{`vulnerabilities: {}`, `images[0].require[0].vulnerabilities: `},
		{`vulnerabilities: {severity: high, vex: [{components: ["pkg:npm/x"]}]}`,
			`images[0].require[0].vulnerabilities.vex[0]: this is about the word of others, and does not say whose counts: say by`},
		{`vulnerabilities: {severity: high, exceptionsBy: {atLeast: 2}}`, `this is about the word of others, and does not say whose ` +
			`counts: say by`},
		{`vulnerabilities: {severity: high, exceptions: [{finding: CVE-2024-2961, owner: ops, reason: x}]}`,
			`images[0].require[0].vulnerabilities.exceptions[0]: the field "expires" is missing`},
		{`vulnerabilities: {severity: high, maxAge: 1d}`, `maxAge: signatures by keys have no proven time, so this is never met`},
		{`provenance: {}`, `images[0].require[0].provenance: `},
		{`provenance: {level: 4}`, `level`},
		{`keyless: {subject: x}`, `the field "issuer" is missing`},
		{`name: a rule, sbom: {by: [alise]}`, ``},
		{`{name: a rule, sbom: {by: [alise]}}`, `images[0].require[0].sbom.by[0]: no entry of trust is called "alise": did you ` +
			`mean "alice"?`},
	} {
		doc, err := document.Parse([]byte(ruled(alice, "", tt.rule)))
		if err == nil {
			_, err = doc.Load(nil)
		}
		if strings.HasPrefix(tt.rule, "name:") { // no YAML
			tt.want = "7:"
		}
		if tt.want == "" && err != nil || tt.want != "" &&
			(err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, document.ErrDocument)) {
			t.Errorf("%s: %v, want %s", tt.rule, err, tt.want)
		}
	}
}

// Every rule of package policy/rules has its place in documents: a field that is added there is one here.
func TestNoFieldIsForgotten(t *testing.T) {
	schema := map[string]any{}
	if err := json.Unmarshal(document.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, rule := range []any{&rules.SBOM{}, &rules.Components{}, &rules.Licenses{}, &rules.Vulnerabilities{}, &rules.Provenance{},
		&rules.Keyless{}} {
		typ := reflect.TypeOf(rule)
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		var def map[string]any
		for name, d := range schema["$defs"].(map[string]any) {
			if strings.EqualFold(name, typ.Name()) {
				def = d.(map[string]any)["properties"].(map[string]any)
			}
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			found := f.Name == "Name" || f.Anonymous || !f.IsExported()
			for name := range def {
				found = found || strings.EqualFold(name, f.Name)
			}
			if !found {
				t.Errorf("%s.%s is in no document", typ.Name(), f.Name)
			}
		}
	}
}

// A gate believes the summary of one before it, by the signer who is paired with it.
func TestSummary(t *testing.T) {
	alice, bob := newPerson(t), newPerson(t)
	text := trapped(alice, bob, `name: pipeline
        summary: {verifiers: [{id: "https://acme.example/gates/pipeline/v1", by: [alice]}], levels: [SLSA_BUILD_LEVEL_2]}`)
	p := load(t, text)
	summary := &vsa.Summary{Verifier: "https://acme.example/gates/pipeline/v1", Time: now, ResourceURI: vsa.ResourceURI(app),
		Policy: vsa.Resource{URI: "https://acme.example/policy"},
		Result: vsa.Passed, Levels: []string{"SLSA_BUILD_LEVEL_3"}}
	for _, tt := range []struct {
		by   *person
		want policy.Verdict
	}{{alice, policy.Allow}, {bob, policy.Deny}} {
		if d := check(p, "", app, now, tt.by.sign(t, summary)); d.Verdict != tt.want || !strings.Contains(d.Reason, "pipeline") {
			t.Errorf("%v", d)
		}
	}
}

// A rule that is added to package policy/rules is one of documents, or a test says so.
func TestNoRuleIsForgotten(t *testing.T) {
	files, err := filepath.Glob("../rules/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	method := regexp.MustCompile(`(?m)^func \(\w+ \*?([A-Z]\w*)\) Decide\(`)
	found := 0
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range method.FindAllStringSubmatch(string(data), -1) {
			found++
			if m[1] != "BreakGlass" && !strings.Contains(string(document.Schema()), fmt.Sprintf("%q: {", strings.ToLower(m[1]))) {
				t.Errorf("%s of %s is in no document", m[1], f)
			}
		}
	}
	if found < 7 {
		t.Errorf("only %d rules were found", found)
	}
}

// A rule of package policy/rules judges by the signers of trust, under its own name, with the document's exceptions, and a break-glass
// statement opens it with a warning.
func TestReadyRulesDecide(t *testing.T) {
	alice, bob := newPerson(t), newPerson(t)
	bom := predicate{"https://cyclonedx.org/bom",
		map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []any{
			map[string]any{"type": "library", "name": "event-stream", "version": "3.3.6", "purl": "pkg:npm/event-stream@3.3.6",
				"bom-ref": "a"}}}}
	const rule = `{name: no malware, components: {by: [alice], deny: [{purl: "pkg:npm/event-stream"}]}}`
	exception := func(name, day string) string {
		return fmt.Sprintf("exceptions: [{rule: %s, component: pkg:npm/event-stream, owner: ops, reason: being replaced, expires: "+
			"%s}]\n", name, day)
	}
	glass := &rules.Glass{Owner: "on call", Reason: "outage 12", Expires: now.Add(time.Hour)}
	for _, tt := range []struct {
		name, more string
		by         *person
		extra      []sign.Predicate
		at         time.Time
		want       policy.Verdict
		warnings   int
		reason     string
	}{
		{"refused", "", alice, nil, now, policy.Deny, 0, "no malware: "},
		{"by another", "", bob, nil, now, policy.Deny, 0, "no malware: "},
		{"excepted", exception("no malware", "2026-12-01"), alice, nil, now, policy.Allow, 0, ""},
		{"excepted no longer", exception("no malware", "2026-12-01"), alice, nil, now.AddDate(0, 0, 5), policy.Deny, 0, "no malware: "},
		{"break-glass", "breakGlass: {by: [bob]}\n", alice, []sign.Predicate{glass}, now, policy.Allow, 1, "outage 12"},
		{"break-glass is over", "breakGlass: {by: [bob]}\n", alice, []sign.Predicate{glass}, now.Add(2 * time.Hour), policy.Deny, 0,
			"no malware: "},
		{"break-glass by whom nobody named", "breakGlass: {by: [alice]}\n", alice, []sign.Predicate{glass}, now, policy.Deny, 0,
			"no malware: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := ruled(alice, tt.more, rule)
			text = strings.Replace(text, "trust: [", fmt.Sprintf("trust: [{name: bob, key: %s}, ", bob.yaml()), 1)
			p := load(t, text)
			evidence := source(tt.by.sign(t, bom))
			for _, e := range tt.extra {
				evidence = source(tt.by.sign(t, bom), bob.sign(t, e))
			}
			gate := &policy.Gate{Verifiers: p.Verifiers(), Policy: p, Now: func() time.Time { return tt.at },
				Open: func(context.Context, string) (*policy.Image, error) {
					return &policy.Image{Subject: subject, Source: evidence}, nil
				}}
			d := gate.Check(context.Background(), app)
			if d.Verdict != tt.want || len(d.Warnings()) != tt.warnings || !strings.Contains(d.Reason+fmt.Sprintf("%+v", d), tt.reason) {
				t.Errorf("%+v, %d warnings", d, len(d.Warnings()))
			}
		})
	}
	_, err := parse(t, ruled(alice, exception("no malwear", "2026-12-01"), rule)).Load(nil)
	if err == nil || !strings.Contains(err.Error(), `exceptions[0].rule: no rule is called "no malwear": did you mean "no malware"?`) {
		t.Errorf("%v", err)
	}
}
