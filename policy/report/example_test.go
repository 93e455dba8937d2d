package report_test

import (
	"fmt"
	"os"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/report"
	"github.com/ladingdev/lading/verify"
)

// A gate's decision, as a person reads it.
func ExampleText() {
	decision := &policy.Decision{ // as policy.Gate.Check returns it
		Verdict: policy.Deny,
		Name:    "registry.example/acme/app:v1",
		Subject: verify.Descriptor{Digest: digest.FromString("app")},
		Rule:    "all of 2 rules", Until: policy.Forever,
		Missing: []string{`an attestation of type https://cyclonedx.org/bom by "release"`},
		Parts: []*policy.Decision{
			{Verdict: policy.Allow, RuleName: "signed", Rule: "signed: image signature", Reason: `signed: image signature by "release"`},
			{Verdict: policy.Deny, RuleName: "sbom", Rule: "sbom: attestation of type https://cyclonedx.org/bom",
				Reason: "sbom: no attestation of type https://cyclonedx.org/bom: there is only an image signature"},
		},
	}
	contacts := map[string]string{"sbom": "#build-team"}
	o := &report.Options{Ask: func(rule *policy.Decision) string { return contacts[rule.RuleName] }}
	if err := report.Text(os.Stdout, o, decision); err != nil {
		fmt.Println(err)
	}
	// Output:
	// DENY  registry.example/acme/app:v1
	//   sha256:a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333
	//   holds  until the evidence or the policy changes
	//
	// ✗ all of 2 rules
	// ├─ ✓ signed: image signature by "release"
	// └─ ✗ sbom: attestation of type https://cyclonedx.org/bom
	//
	// Why
	//   ✗ sbom: no attestation of type https://cyclonedx.org/bom: there is only an
	//     image signature
	//
	// To be allowed, it takes
	//   - an attestation of type https://cyclonedx.org/bom by "release"
	//
	// Ask
	//   - #build-team
}

// A flag of a command line says in which format.
func ExampleWrite() {
	format := "pdf"
	err := report.Write(os.Stdout, format, nil, &policy.Decision{Verdict: policy.Allow})
	fmt.Println(err)
	// Output:
	// report: unknown format "pdf": use one of text, markdown, html, sarif, json, junit
}
