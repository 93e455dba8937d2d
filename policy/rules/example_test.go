package rules_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/verify"
)

// A policy of ready rules, asked about an image whose SBOM was verified. A Gate asks it in the same way.
func Example() {
	sbom := verify.Attestation{
		Kind: verify.Statement, PredicateType: "https://cyclonedx.org/bom", Signers: []verify.Signer{{
			Entries: []string{"release"}, Name: "release team",
			Identity: verify.Identity{Kind: verify.CertificateIdentity, Subject: "CN=release"},
		}},
		Predicate: []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
			{"type":"library","name":"left-pad","version":"1.3.0","purl":"pkg:npm/left-pad@1.3.0","licenses":[{"license":{"id":"WTFPL"}}]},
			{"type":"library","name":"ms","version":"2.1.3","purl":"pkg:npm/ms@2.1.3","licenses":[{"expression":"MIT OR AGPL-3.0-only"}]}]}`),
	}
	release := rules.Evidence{ByEntry: []string{"release"}}
	p := policy.All(
		&rules.SBOM{Name: "SBOM", Evidence: release},
		&rules.Licenses{Name: "licences", Evidence: release, Deny: []string{"AGPL-3.0-only", "AGPL-3.0-or-later"}},
		&rules.Components{Name: "components", Evidence: release, Deny: []rules.Component{
			{PURL: "pkg:npm/left-pad", Versions: "vers:npm/<2.0.0", Reason: "use padStart"},
		}},
	)
	if err := policy.Validate(p); err != nil {
		fmt.Println(err)
		return
	}
	d := policy.Decide(context.Background(), p, &policy.Input{
		Now: time.Now(), Report: &verify.Report{Attestations: []*verify.Attestation{&sbom}},
	})
	for _, rule := range d.Parts {
		fmt.Println(rule.Verdict, rule.Reason)
	}
	// Output:
	// ALLOW SBOM: SBOM by release team (CN=release)
	// ALLOW licences: SBOM by release team (CN=release)
	// DENY components: SBOM: 1 of 1 will not do: 1 component refused: pkg:npm/left-pad@1.3.0 is denied by pkg:npm/left-pad in vers:npm/<2.0.0, use padStart
}

// No critical vulnerability that can be mended, but for what VEX of the security team says, and an exception until a day.
func ExampleVulnerabilities() {
	r := &rules.Vulnerabilities{
		Name: "no fixable criticals", Evidence: rules.Evidence{ByEntry: []string{"scanner"}},
		Severity: "critical", OnlyFixable: true, MaxDatabaseAge: 48 * time.Hour, Ecosystems: []string{"Debian", "npm"},
		VEX: []rules.VEX{{Evidence: rules.Evidence{ByEntry: []string{"security"}}}},
		Exceptions: []rules.Exception{{
			Finding: "CVE-2026-1", Component: "pkg:npm/ms", Owner: "ops@acme.example", Reason: "not reachable",
			Expires: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC),
		}},
	}
	fmt.Println(policy.Validate(r))
	fmt.Println(r)
	// Output:
	// <nil>
	// no fixable criticals: no fixable vulnerability that is critical or worse, after VEX, by databases younger than 48h0m0s, by "scanner"
}

// What an SBOM says it is about, and how much is in it, as the rule on SBOMs sees it: before it is signed.
func ExampleNamedImages() {
	doc, err := sbom.Parse(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {
		"type": "container", "name": "app", "version": "sha256:` + strings.Repeat("7", 64) + `"}},
		"components": [{"type": "library", "name": "zlib"}, {"type": "operating-system", "name": "debian"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(rules.NamedImages(doc)), "image,", rules.CountComponents(doc), "component")
	// Output: 1 image, 1 component
}

// An exception is signed and attached to the image that it is about, like any other evidence.
func ExampleExceptions() {
	list := rules.Exceptions{{
		Finding: "CVE-2026-1", Owner: "ops@acme.example", Reason: "not reachable", Expires: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC),
	}}
	predicate, err := list.MarshalJSON() // what sign.Statement does with its Predicate
	fmt.Println(string(predicate), err)
	// Output:
	// {"exceptions":[{"finding":"CVE-2026-1","owner":"ops@acme.example","reason":"not reachable","expires":"2026-12-24T00:00:00Z"}]} <nil>
}
