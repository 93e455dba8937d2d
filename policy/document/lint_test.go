package document_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy/document"
)

const clean = `
version: 1
name: clean
serial: 1
expires: 2027-01-01
trust:
  - {name: ci, kind: keyless, with: {issuer: "https://issuer.example", subject: "https://ci.example/build"}}
  - {name: scanner, kind: keyless, with: {issuer: "https://issuer.example", subject: "https://ci.example/scan"}}
gates:
  admission: {mode: deny}
rules:
  base:
    require:
      - {signature: {by: [ci]}}
images:
  - match: [registry.example.com/a/**]
    require:
      - use: base
      - {sbom: {by: [ci]}}
      - {licenses: {by: [ci], deny: [AGPL-3.0-only]}}
      - provenance: {by: [ci], sources: ["https://github.com/acme/app"]}
      - keyless: {by: [ci], issuer: "https://issuer.example", repository: "https://github.com/acme/*"}
      - attestation: {by: [scanner], types: ["https://example.com/x"], quantifier: every, condition: {cel: "!predicate.bad"}}
  - match: [registry.example.com/**]
    deny: not here
`

// A clean document has no finding, and each way to spoil it has the one that says so, where it is.
func TestLint(t *testing.T) {
	if got := parse(t, clean).Lint(); len(got) > 0 {
		t.Errorf("the clean document: %v", got)
	}
	for _, tt := range []struct{ old, new, code, at string }{
		{"serial: 1\n", "", "no-serial", "name"},
		{"expires: 2027-01-01\n", "", "never-expires", "name"},
		{"admission:", "default: {mode: audit}\n  admission:", "never-refuses", "gates.default"},
		{"- use: base\n", "- {name: x, sbom: {by: [ci]}}\n", "unreachable", "rules.base"},
		{"[registry.example.com/a/**]", "[registry.example.com/**]", "unreachable", "images[1]"},
		{"[registry.example.com/a/**]", "[registry.example.com/a/**, registry.example.com/a/b]", "shadowed", "images[0].match[1]"},
		{"[registry.example.com/**]\n", "[registry.example.com/**, registry.example.com/a/b]\n", "shadowed", "images[1].match[1]"},
		{"registry.example.com/a/**", "\"*.example.com/a/**\"", "wildcard-host", "images[0].match[0]"},
		{"    deny: not here", "    exempt: {owner: a, reason: b, expires: 2027-01-01}\n  - match: [\"**\"]\n    exempt: {owner: a, " +
			"reason: b, expires: 2027-01-01}", "vacuous", "images[2].exempt"},
		{"sbom: {by: [ci]}", "signature: {by: [scanner]}", "vacuous", "images[0].require[2]"},
		{"sources: [\"https://github.com/acme/app\"]", "sources: [\"*\"]", "unanchored", "images[0].require[3].provenance.sources"},
		{"sources: [\"https://github.com/acme/app\"]", "sources: [\"https://*/acme/app\"]", "unanchored",
			"images[0].require[3].provenance.sources"},
		{", sources: [\"https://github.com/acme/app\"]", ", anyParameters: true", "vacuous", "images[0].require[3].provenance"},
		{", repository: \"https://github.com/acme/*\"", "", "vacuous", "images[0].require[4].keyless"},
		{"quantifier: every, ", "", "some-forbids", "images[0].require[5].attestation.condition"},
		{"!predicate.bad", "raw.good", "untyped", "images[0].require[5].attestation.condition.cel"},
		{"by: [scanner], ", "", "any-signer", "images[0].require[5]"},
		{"by: [scanner], ", "by: [ci], ", "unreachable", "trust[1]"},
		{"kind: keyless, with: {issuer", "kind: keyless, with: {root: \"https://tuf.example/root.json\", issuer", "unpinned-remote",
			"trust[0].with.root"},
		{"- use: base\n", "- {use: base, gates: {admision: {mode: warn}}}\n", "unknown-gate", "images[0].require[0].gates.admision"},
		{"- use: base\n", "- {use: base, when: {gates: [admision]}}\n", "unknown-gate", "images[0].require[0].when.gates[0]"},
	} {
		text := strings.Replace(clean, tt.old, tt.new, 1)
		if text == clean {
			t.Errorf("%s: nothing was replaced", tt.old)
			continue
		}
		got := parse(t, text).Lint()
		if !slices.ContainsFunc(got, func(f document.Finding) bool { return f.Code == tt.code && f.Path == tt.at }) {
			t.Errorf("%q for %q: %v, want %s at %s", tt.new, tt.old, got, tt.code, tt.at)
		}
		for _, f := range got {
			if f.Line < 1 || f.Column < 1 || f.Message == "" {
				t.Errorf("%+v", f)
			}
		}
	}
}
