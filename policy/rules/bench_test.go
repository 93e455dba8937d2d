package rules_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/quality"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

// sized is an SBOM of n components, with what scanners write of each.
func sized(n int) string {
	licenses := []string{"MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "MIT OR Apache-2.0", "LGPL-2.1-or-later", "MPL-2.0", "Zlib", "0BSD",
		"Unlicense"}
	kinds := []string{"npm/%s", "pypi/%s", "deb/debian/%s", "golang/github.com/acme/%s", "maven/org.acme/%s"}
	var b strings.Builder
	b.WriteString(`{"$schema":"http://cyclonedx.org/schema/bom-1.6.schema.json","bomFormat":"CycloneDX","specVersion":"1.6",` +
		`"serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,"metadata":{"timestamp":"2026-11-28T12:00:00Z",` +
		`"tools":{"components":[{"type":"application","name":"scanner","version":"1.0.0"}]},"component":{"bom-ref":"root",` +
		`"type":"container","name":"web"}},"components":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		name := fmt.Sprintf("package-%d", i)
		purl := "pkg:" + fmt.Sprintf(kinds[i%len(kinds)], name) + fmt.Sprintf("@1.%d.%d", i%17, i%5)
		fmt.Fprintf(&b, `{"bom-ref":"%s?package-id=%016x","type":"library","name":%q,"version":"1.%d.%d","licenses":[{"expression":%q}],`+
			`"cpe":"cpe:2.3:a:acme:%s:1.0.0:*:*:*:*:*:*:*","purl":%q,"hashes":[{"alg":"SHA-256","content":"%064x"}],"properties":[`+
			`{"name":"syft:package:foundBy","value":"javascript-package-cataloger"},{"name":"syft:package:language","value":"javascript"},`+
			`{"name":"syft:location:0:layerID","value":"sha256:%064x"},{"name":"syft:location:0:path",`+
			`"value":"/app/node_modules/%s/package.json"}]}`,
			purl, i, name, i%17, i%5, licenses[i*7%len(licenses)], name, purl, i, i%4, name)
	}
	b.WriteString(`]}`)
	return b.String()
}

// twenty rules over ten attestations, of which one is an SBOM.
func twenty(t testing.TB, bom string) (policy.Policy, []*verify.Attestation) {
	var findings []vuln.Finding
	for i := range 20 {
		f := finding(fmt.Sprintf("CVE-2026-%d", i), vuln.Medium, fmt.Sprintf("pkg:npm/package-%d@1.0.0", i*5), "2.0.0")
		f.Published = now.Add(-time.Hour * 24)
		findings = append(findings, f)
	}
	scan := attested(t, report(findings...), scanner)
	there := []*verify.Attestation{
		signed(cyclonedx, bom, release), scan, attested(t, report(), scanner),
		signed(vuln.TypeCosignVuln, strings.Replace(file(t, "trivy.cosign-vuln.json"), `"HIGH"`, `"LOW"`, -1), scanner),
		signed(openvex, vexOf("CVE-2026-1", "pkg:npm/package-5@1.0.0", "not_affected", notThere), team),
		signed(openvex, vexOf("CVE-2026-2", "pkg:npm/package-10@1.0.0", "not_affected", notThere), vendor),
		signed(provenance.Type, github, release), signed(provenance.TypeV02, slsa02, release),
		signed("https://in-toto.io/attestation/test-result/v0.1", `{"result":"PASSED","configuration":[{"name":"x"}]}`, release),
		{Kind: verify.ImageSignature, Subject: verify.Descriptor{Digest: image}, Signers: []verify.Signer{{Identity: release}}},
	}
	denied := []rules.Component{
		{PURL: "pkg:npm/event-stream", Versions: "vers:npm/3.3.6"}, {PURL: "pkg:npm/left-pad"},
		{PURL: "pkg:pypi/package-1", Versions: "vers:pypi/>=9"},
		{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core", Versions: "vers:maven/<2.17.1"}, {PURL: "pkg:golang/github.com/evil/*"},
	}
	sources := []string{"https://github.com/acme/app"}
	return policy.All(
		policy.Require{Kind: verify.ImageSignature}, policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{release}},
		&rules.SBOM{Evidence: by(release)}, &rules.SBOM{Evidence: by(release), Components: 100},
		&rules.SBOM{Evidence: by(release), MaxDocumentAge: 48 * time.Hour},
		&rules.Licenses{Evidence: by(release), Deny: []string{"AGPL-3.0-only", "GPL-3.0-or-later"}},
		&rules.Licenses{Evidence: by(release), Deny: []string{"SSPL-1.0"}},
		&rules.Licenses{Evidence: by(release),
			Allow: []string{"MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "LGPL-2.1-or-later", "MPL-2.0", "Zlib", "0BSD", "Unlicense"}},
		&rules.Components{Evidence: by(release), Deny: denied[:1]}, &rules.Components{Evidence: by(release), Deny: denied[1:]},
		&rules.Components{Evidence: by(release), Deny: denied},
		&rules.Vulnerabilities{Evidence: by(scanner), Severity: "critical"},
		&rules.Vulnerabilities{Evidence: by(scanner), Severity: "high", OnlyFixable: true},
		&rules.Vulnerabilities{Evidence: by(scanner), Severity: "medium", Grace: 72 * time.Hour, VEX: []rules.VEX{{Evidence: by(team)}}},
		&rules.Vulnerabilities{Evidence: by(scanner), Exploited: true},
		&rules.Vulnerabilities{Evidence: by(scanner), Severity: "high", MaxDatabaseAge: 48 * time.Hour},
		&rules.Provenance{Evidence: by(release), Sources: sources, AnyParameters: true},
		&rules.Provenance{Evidence: by(release), Sources: sources, Refs: []string{"refs/heads/main"}, AnyParameters: true},
		&rules.Provenance{Evidence: by(release), Builders: []rules.Builder{{ID: slsa3, Level: 3}}, Level: 3},
		policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://in-toto.io/attestation/test-result/v0.1"}},
	), there
}

// Every predicate is parsed once, whatever reads it: after the first rule of each kind, all predicates are taken away, and the twenty
// rules decide as they do with them.
func TestEveryPredicateOnce(t *testing.T) {
	bom := sized(200)
	p, there := twenty(t, bom)
	want := policy.Decide(t.Context(), p, input(there...))
	_, again := twenty(t, bom)
	taken := policy.Func(func(context.Context, *policy.Input) *policy.Decision {
		for _, a := range again {
			a.Predicate = nil
		}
		return &policy.Decision{Verdict: policy.Allow, Until: policy.Forever}
	})
	first := policy.All(
		&rules.SBOM{}, &rules.Vulnerabilities{Severity: "critical", VEX: []rules.VEX{{Evidence: by(team)}}},
		&rules.Provenance{Sources: []string{"https://github.com/other/app"}, AnyParameters: true}, taken, p,
	)
	d := policy.Decide(t.Context(), first, input(again...))
	got := d.Parts[len(d.Parts)-1]
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" || want.Verdict != policy.Deny {
		t.Errorf("%s", diff)
	}
}

func tokens(b testing.TB, data []byte) {
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := dec.Token(); err == io.EOF {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

// ratio runs two functions in turn and reports how long the quickest runs of the first take, seen from those of the second.
func ratio(b *testing.B, judged, floor func()) {
	best := [2]time.Duration{time.Hour, time.Hour}
	for b.Loop() {
		for i, f := range []func(){judged, floor} {
			start := time.Now()
			f()
			best[i] = min(best[i], time.Since(start))
		}
	}
	b.ReportMetric(float64(best[0])/float64(best[1]), "times-floor")
	b.ReportMetric(float64(best[0].Microseconds()), "µs")
	b.ReportMetric(float64((best[0] - best[1]).Microseconds()), "µs-beside")
}

// From bytes to a verdict: 20 rules over 10 attestations, one of them an SBOM of 1,000 components. The floor is to parse the
// SBOM, to ask for each component's licences, and to read the tokens of the others.
func BenchmarkTwentyRules(b *testing.B) {
	bom := sized(1000)
	p, there := twenty(b, bom)
	ratio(b, func() {
		if d := policy.Decide(context.Background(), p, input(there...)); d.Verdict == policy.Indeterminate {
			b.Fatal(d)
		}
	}, func() {
		doc, err := sbom.Parse(strings.NewReader(bom))
		if err != nil {
			b.Fatal(err)
		}
		for ref := range doc.Components() {
			doc.Licenses(ref)
		}
		for _, a := range there[1:] {
			if a.Predicate != nil {
				tokens(b, a.Predicate)
			}
		}
	})
}

// The profile rule beside quality.Check and what parses the document.
func BenchmarkProfile(b *testing.B) {
	bom := sized(1000)
	r := &rules.SBOM{Profile: "ntia-2021"}
	a := signed(cyclonedx, bom, release)
	ratio(b, func() {
		if d := policy.Decide(context.Background(), r, input(a)); d.Verdict == policy.Indeterminate {
			b.Fatal(d)
		}
	}, func() {
		doc, err := sbom.Parse(strings.NewReader(bom))
		if err != nil {
			b.Fatal(err)
		}
		quality.Check(doc, quality.NTIA2021, nil)
	})
}

// The licence rule over 100,000 components beside its calls of Licenses.
func BenchmarkLicenses(b *testing.B) {
	bom := sized(100_000)
	r := &rules.Licenses{Deny: []string{"AGPL-3.0-only", "GPL-3.0-or-later"}}
	a := signed(cyclonedx, bom, release)
	var once sync.Once
	ratio(b, func() {
		if d := policy.Decide(context.Background(), r, input(a)); d.Verdict != policy.Allow {
			b.Fatal(d)
		}
	}, func() {
		doc, err := sbom.Parse(strings.NewReader(bom))
		if err != nil {
			b.Fatal(err)
		}
		for ref := range doc.Components() {
			doc.Licenses(ref)
		}
		once.Do(func() { b.ReportMetric(float64(doc.Len()), "components") })
	})
}
