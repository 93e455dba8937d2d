package policy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	documents "github.com/ladingdev/lading/policy/document"
)

// rich is a document with every field that a document may have.
const rich = `
version: 1
name: rich
serial: 3
expires: 2027-01-01T00:00:00Z
description: all that there is
trust:
  - {name: a, key: "-----BEGIN PUBLIC KEY-----", schemes: [ECDSA-SHA256], formats: [bundle, dsse], from: 2026-01-01, until: 2027-01-01, compromisedSince: 2026-12-01}
  - {name: b, kind: keyless, with: {issuer: "https://i.example", list: [1, true, null]}}
gates:
  admission: {mode: deny, indeterminate: deny}
rules:
  base: {require: [{signature: {by: [a], atLeast: 1, maxAge: 30d}}]}
exceptions: [{rule: no malware, digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", finding: CVE-2024-2961, component: pkg:npm/x, license: MIT, owner: o, reason: r, expires: 2027-01-01}]
breakGlass: {by: [a], atLeast: 1, maxAge: 1d}
injected: [{name: aws, accounts: ["123456789012"], regions: [eu-central-1], repositories: [aws-guardduty-agent-fargate]}]
images:
  - {name: denied, match: [registry.example.com/old/**], deny: too old}
  - {match: [registry.example.com/new], exempt: {owner: o, reason: r, expires: 2027-01-01}, gates: {admission: {mode: warn}}}
  - match: ["*.example.com/**", "**"]
    require:
      - {use: base, name: base, gates: {admission: {mode: audit}}}
      - when: {gates: [admission], operations: [CREATE], users: [u], groups: [g], clusters: [c], namespaces: [n], kinds: [Pod], workloads: [w], accounts: ["123456789012"], regions: [eu-central-1]}
        allOf: [{signature: {}}]
      - {anyOf: [{signature: {}}, {atLeast: {n: 1, of: [{signature: {}}]}}]}
      - attestation: {types: ["https://example.com/x"], by: [a], atLeast: 1, quantifier: every, maxAge: 2w, time: /a/b, condition: {cel: "true", forbids: true, message: no}}
      - summary: {verifiers: [{id: "https://v.example", by: [a]}], resources: [r], levels: [l], policies: ["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"], maxAge: 1d, results: true}
      - sbom: {types: ["https://cyclonedx.org/bom"], by: [a], components: 3, profile: ntia-2021, maxDocumentAge: 1d12h, anyDigest: false, quantifier: newest}
      - {name: no malware, components: {deny: [{purl: pkg:npm/x, versions: "vers:npm/<1", reason: r}], allow: [{purl: "pkg:npm/*"}], exceptionsBy: {by: [b]}}}
      - licenses: {deny: [MIT], allowNames: [n], role: declared, allowUnlicensed: true}
      - vulnerabilities: {severity: high, epss: 0.5, kinds: [secret], vex: [{by: [a], justifications: [j]}]}
      - provenance: {builders: [{id: x, level: 3}], level: 3, parameters: [{name: /a, values: [v]}]}
      - keyless: {issuer: "https://i.example", claims: [{name: runnerEnvironment, values: [github-hosted]}]}
`

// Reasons that only the reader can have: what is elsewhere in the document, and what a pattern of JSON Schema does not tell.
var readersOnly = regexp.MustCompile(`no entry of trust is called|no set of rules is called|stands in this list twice|no time that ` +
	`anything could last|` +
	`is not a (duration|time)|^[^:]*:[^:]*: images\[\d+\]\.match\[\d+\]: "|this program reads version 1|the key ".*" stands here ` +
	`twice|is not ".*" a pattern`)

// The JSON Schema and the reader agree: each value of a document that has every field is replaced by values of every kind, left out,
// emptied, and put beside one that is not known. What the reader takes, the schema takes, and what the reader refuses, the schema
// refuses, but for reasons that no schema can have.
func TestSchemaAgreesWithReader(t *testing.T) {
	committed, err := os.ReadFile("../../../policy/document/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(committed))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(documents.SchemaID, parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(documents.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	var root any
	if err := yaml.Unmarshal([]byte(rich), &root); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(stamps(root))
	if err != nil {
		t.Fatal(err)
	}
	both, refused, checked := 0, 0, 0
	ask := func(what string, doc any) {
		checked++
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		bySchema := schema.Validate(instance)
		_, byReader := documents.Parse(data)
		switch {
		case byReader == nil && bySchema != nil:
			t.Errorf("%s: the reader takes what the schema refuses: %v", what, bySchema)
		case byReader != nil && bySchema == nil && !only(byReader):
			t.Errorf("%s: the schema takes what the reader refuses: %v", what, byReader)
		case byReader == nil:
			both++
		default:
			refused++
		}
	}
	var first any
	if err := json.Unmarshal(text, &first); err != nil {
		t.Fatal(err)
	}
	ask("the document", first)
	if both != 1 {
		t.Fatalf("the document itself is refused")
	}
	mutate(t, text, ask)
	t.Logf("%d documents: both take %d, both refuse %d", checked, both, refused)
	if checked < 1000 || refused < 500 || both < 50 {
		t.Errorf("only %d documents, %d taken, %d refused", checked, both, refused)
	}
}

// only reports whether every fault is of a kind that only the reader finds.
func only(err error) bool {
	for line := range strings.SplitSeq(strings.TrimPrefix(err.Error(), "document: "), "\n") {
		if !readersOnly.MatchString(line) {
			return false
		}
	}
	return true
}

// stamps makes texts of what yaml.v3 takes for times.
func stamps(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = stamps(v[k])
		}
	case []any:
		for i := range v {
			v[i] = stamps(v[i])
		}
	case fmt.Stringer:
		b, _ := json.Marshal(v)
		var s string
		_ = json.Unmarshal(b, &s)
		return s
	}
	return v
}

// mutate calls f for every change of every value.
func mutate(t *testing.T, text []byte, f func(what string, doc any)) {
	t.Helper()
	values := []any{nil, true, false, float64(0), float64(-1), float64(1), float64(7), 1.5, 1e300, "", " ", "x", "X y", "12", "1d", "0d",
		"2026-13-45", "**", "registry.example.com/a:b", "a\nb", []any{}, []any{"x"}, []any{"x", "x"}, []any{float64(1)},
		map[string]any{}, map[string]any{"x": "y"}}
	var paths [][]any
	var collect func(v any, path []any)
	collect = func(v any, path []any) {
		paths = append(paths, append([]any(nil), path...))
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				collect(v[k], append(path, k))
			}
		case []any:
			for i := range v {
				collect(v[i], append(path, i))
			}
		}
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	collect(doc, nil)
	for _, path := range paths {
		if len(path) == 0 {
			continue
		}
		for _, v := range values {
			f(fmt.Sprintf("%v = %v", path, v), changed(t, text, path, func(parent any, key any) {
				switch p := parent.(type) {
				case map[string]any:
					p[key.(string)] = v
				case []any:
					p[key.(int)] = v
				}
			}))
		}
		if _, ok := path[len(path)-1].(string); ok {
			f(fmt.Sprintf("%v is left out", path),
				changed(t, text, path, func(parent, key any) { delete(parent.(map[string]any), key.(string)) }))
			f(fmt.Sprintf("%v beside another", path),
				changed(t, text, path, func(parent, _ any) { parent.(map[string]any)["unheardOf"] = "x" }))
		}
	}
}

// changed returns a copy of the document in which the parent of a path is changed.
func changed(t *testing.T, text []byte, path []any, change func(parent, key any)) any {
	t.Helper()
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	at := doc
	for _, key := range path[:len(path)-1] {
		switch k := key.(type) {
		case string:
			at = at.(map[string]any)[k]
		case int:
			at = at.([]any)[k]
		}
	}
	change(at, path[len(path)-1])
	return doc
}
