package policy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/quality"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const (
	sbomType   = "https://cyclonedx.org/bom"
	slsaType   = "https://slsa.dev/provenance/v1"
	reviewType = "https://example.com/review/v1"
	components = 1000
)

var (
	release = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("a", 64)}
	audit   = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("b", 64)}
	image   = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json",
		Digest: "sha256:" + "05558f4c0f8060ad737a877e542236da0422003a6f28c24a115627328313fb11"}
)

// document is a CycloneDX document of 1,000 components as scanners write them.
func document() []byte {
	licenses := []string{"MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "MPL-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0",
		"MIT OR Apache-2.0", "LGPL-2.1-only"}
	var parts []string
	for i := range components {
		parts = append(parts, fmt.Sprintf(`{"type":"library","bom-ref":"pkg:npm/c%d@1.%d.0","supplier":{"name":"Acme"},"name":"c%d",`+
			`"version":"1.%d.0","purl":"pkg:npm/c%d@1.%d.0",`+
			`"hashes":[{"alg":"SHA-256","content":"%064x"}],"licenses":[{"expression":%q}],"properties":[{"name":"syft:package:type",`+
			`"value":"npm"},{"name":"syft:location:0:path","value":"/app/node_modules/c%d/package.json"}]}`,
			i, i%10, i, i%10, i, i%10, i, licenses[i%len(licenses)], i))
	}
	return fmt.Appendf(nil, `{"bomFormat":"CycloneDX","specVersion":"1.6",`+
		`"serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,"metadata":{"timestamp":"2026-11-28T11:00:00Z",`+
		`"authors":[{"name":"Acme"}],"component":{"type":"container","bom-ref":"root","supplier":{"name":"Acme"},"name":"web",`+
		`"version":"1","purl":"pkg:generic/web@1"}},"components":[%s],"dependencies":[{"ref":"root","dependsOn":["pkg:npm/c0@1.0.0"]}]}`,
		strings.Join(parts, ","))
}

// scan is a report of n findings.
func scan(n int) *vuln.Report {
	r := &vuln.Report{
		Tool: vuln.Tool{Name: "scanner", Version: "1"}, Databases: []vuln.Database{{Name: "db", Updated: now.Add(-2 * time.Hour)}},
		Finished: now.Add(-time.Hour), Components: components,
	}
	for i := range n {
		r.Findings = append(r.Findings, vuln.Finding{ID: fmt.Sprintf("CVE-2026-%04d", i), Severity: vuln.Medium,
			Affects: []vuln.Affected{{Component: vuln.Component{PURL: fmt.Sprintf("pkg:npm/c%d@1.%d.0", i, i%10)}, Fixed: []string{"2"}}}})
	}
	return r
}

const provenanceText = `{"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1",` +
	`"externalParameters":{"workflow":{"ref":"refs/heads/main",` +
	`"repository":"https://github.com/acme/app","path":".github/workflows/release.yml"}},` +
	`"resolvedDependencies":[{"uri":"git+https://github.com/acme/app@refs/heads/main",` +
	`"digest":{"gitCommit":"b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"}}]},"runDetails":{"builder":{"id":"https://github.com/actions/` +
	`runner/github-hosted"},"metadata":{"invocationId":"1"}}}`

// attestations are ten: a signature, an SBOM, a scan, provenance, and six of the team's own.
func attestations(tb testing.TB, findings int) []*verify.Attestation {
	p := scan(findings)
	vulns, err := p.MarshalJSON()
	if err != nil {
		tb.Fatal(err)
	}
	all := []*verify.Attestation{
		{Kind: verify.ImageSignature},
		{PredicateType: sbomType, Predicate: document()},
		{PredicateType: p.PredicateType(), Predicate: vulns},
		{PredicateType: slsaType, Predicate: []byte(provenanceText)},
	}
	for i := range 6 {
		all = append(all, &verify.Attestation{PredicateType: fmt.Sprint(reviewType, i),
			Predicate: fmt.Appendf(nil, `{"reviewer":"alice","approved":true,"tickets":["T-%d"],"at":"2026-11-28T10:00:00Z"}`, i)})
	}
	for i, a := range all {
		if a.PredicateType != "" {
			a.Kind = verify.Statement
		}
		a.Subject = image
		a.Evidence = verify.Descriptor{Digest: image.Digest, Size: int64(i)}
		a.Signers = []verify.Signer{{Identity: release, Key: release.Key, SignedAt: now.Add(-time.Hour), TimeSource: verify.TimeStamped}}
	}
	all[0].Signers = append(all[0].Signers,
		verify.Signer{Identity: audit, Key: audit.Key, SignedAt: now.Add(-time.Hour), TimeSource: verify.TimeStamped})
	return all
}

// denied are the licences that both ours and the peers' rules refuse.
var denied = []string{"AGPL-3.0-only", "AGPL-3.0-or-later", "SSPL-1.0", "GPL-3.0-only", "BUSL-1.1"}

// twenty are rules of each kind.
func twenty(tb testing.TB) policy.Policy {
	by := rules.Evidence{By: []verify.Identity{release}}
	young := by
	young.MaxAge = 24 * time.Hour
	list := []policy.Policy{
		policy.Require{Name: "signed", Kind: verify.ImageSignature, By: []verify.Identity{release}},
		policy.Require{Name: "signed by two", Kind: verify.ImageSignature, AtLeast: 2},
		&rules.SBOM{Name: "sbom", Evidence: by, Components: 100},
		&rules.SBOM{Name: "fresh sbom", Evidence: young},
		&rules.SBOM{Name: "document age", Evidence: by, MaxDocumentAge: 24 * time.Hour},
		&rules.Licenses{Name: "copyleft", Evidence: by, Deny: denied},
		&rules.Licenses{Name: "commons clause", Evidence: by, Deny: []string{"Elastic-2.0"}},
		&rules.Components{Name: "event-stream", Evidence: by,
			Deny: []rules.Component{{PURL: "pkg:npm/event-stream", Versions: "vers:npm/3.3.6"}}},
		&rules.Components{Name: "log4j", Evidence: by,
			Deny: []rules.Component{{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core", Versions: "vers:maven/<2.17.1"}}},
		&rules.Vulnerabilities{Name: "critical", Evidence: by, Severity: "critical"},
		&rules.Vulnerabilities{Name: "high with a fix", Evidence: by, Severity: "high", OnlyFixable: true},
		&rules.Vulnerabilities{Name: "exploited", Evidence: by, Exploited: true},
		&rules.Vulnerabilities{Name: "fresh scan", Evidence: by, Severity: "critical", MaxScanAge: 24 * time.Hour,
			MaxDatabaseAge: 24 * time.Hour},
		&rules.Provenance{Name: "source", Evidence: by, Sources: []string{"https://github.com/acme/*"}, AnyParameters: true},
		&rules.Provenance{Name: "branch", Evidence: by, Sources: []string{"https://github.com/acme/app"}, Refs: []string{"refs/heads/main"},
			AnyParameters: true},
		&rules.Provenance{Name: "builder", Evidence: by,
			Builders: []rules.Builder{{ID: "https://github.com/actions/runner/github-hosted", Level: 2}}, Level: 2, AnyParameters: true},
	}
	for i := range 4 {
		list = append(list, policy.Require{Name: fmt.Sprint("review ", i), Kind: verify.Statement,
			PredicateTypes: []string{fmt.Sprint(reviewType, i)},
			By:             []verify.Identity{release}, MaxAge: 24 * time.Hour})
	}
	if len(list) != 20 {
		tb.Fatalf("%d rules", len(list))
	}
	p := policy.All(list...)
	if err := policy.Validate(p); err != nil {
		tb.Fatal(err)
	}
	return p
}

func decide(tb testing.TB, p policy.Policy, as []*verify.Attestation) {
	d := policy.Decide(tb.Context(), p, &policy.Input{Name: "app", Now: now, Report: &verify.Report{Subject: image, Attestations: as}})
	if d.Verdict != policy.Allow {
		tb.Fatalf("%+v", d)
	}
}

// floor does what nobody who reads these predicates can leave out: it parses the SBOM, asks for each component's licences, and scans
// the tokens of the other predicates.
func floor(tb testing.TB, as []*verify.Attestation) (licensed int) {
	for _, a := range as {
		switch a.PredicateType {
		case "":
		case sbomType:
			doc, err := sbom.Parse(bytes.NewReader(a.Predicate))
			if err != nil {
				tb.Fatal(err)
			}
			for ref := range doc.Components() {
				licensed += len(doc.Licenses(ref))
			}
		default:
			for d := json.NewDecoder(bytes.NewReader(a.Predicate)); ; {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					tb.Fatal(err)
				}
			}
		}
	}
	return licensed
}

// parsed is the input of the peers, read from the predicates.
func parsed(tb testing.TB, as []*verify.Attestation) map[string]any {
	var list []any
	for _, a := range as {
		entry := map[string]any{"type": a.PredicateType, "kind": a.Kind.String(), "age": now.Sub(a.Signers[0].SignedAt).Seconds()}
		var signers []any
		for _, s := range a.Signers {
			signers = append(signers, s.Key)
		}
		entry["signers"] = signers
		if len(a.Predicate) > 0 {
			var v any
			if err := json.Unmarshal(a.Predicate, &v); err != nil {
				tb.Fatal(err)
			}
			entry["predicate"] = v
		}
		list = append(list, entry)
	}
	return map[string]any{"attestations": list, "release": release.Key, "denied": toAny(denied)}
}

func toAny(list []string) (out []any) {
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

// regoPolicy asks what twenty asks, as far as Rego can without functions of its own: licences are compared as text.
const regoPolicy = `package gate

import rego.v1

ofType(t) := [a | some a in input.attestations; a.type == t; input.release in a.signers]

sboms := ofType("https://cyclonedx.org/bom")
scans := ofType("https://in-toto.io/attestation/vulns/v0.2")
builds := ofType("https://slsa.dev/provenance/v1")

bad contains "signed" if not signed
signed if { some a in input.attestations; a.kind == "image signature"; input.release in a.signers }
bad contains "two" if not two
two if { some a in input.attestations; a.kind == "image signature"; count({s | some s in a.signers}) >= 2 }
bad contains "sbom" if count(sboms) == 0
bad contains "components" if { some a in sboms; count(a.predicate.components) < 100 }
bad contains "fresh sbom" if { some a in sboms; a.age > 86400 }
bad contains "timestamp" if { some a in sboms; not a.predicate.metadata.timestamp }
bad contains "copyleft" if { some a in sboms; some c in a.predicate.components; some l in c.licenses; l.expression in input.denied }
bad contains "commons clause" if { some a in sboms; some c in a.predicate.components; some l in c.licenses; l.expression == "Elastic-2.0" }
bad contains "event-stream" if { some a in sboms; some c in a.predicate.components; startswith(c.purl, "pkg:npm/event-stream@3.3.6") }
bad contains "log4j" if { some a in sboms; some c in a.predicate.components; startswith(c.purl, "pkg:maven/org.apache.logging.log4j/log4j-core@") }
bad contains "scan" if count(scans) == 0
bad contains "critical" if { some a in scans; contains(json.marshal(a.predicate.scanner.result), "\"severity\":\"critical\"") }
bad contains "high" if { some a in scans; contains(json.marshal(a.predicate.scanner.result), "\"severity\":\"high\"") }
bad contains "fresh scan" if { some a in scans; a.age > 86400 }
bad contains "source" if { not source }
source if { some a in builds; startswith(a.predicate.buildDefinition.externalParameters.workflow.repository, "https://github.com/acme/") }
bad contains "branch" if { not branch }
branch if { some a in builds; a.predicate.buildDefinition.externalParameters.workflow.ref == "refs/heads/main" }
bad contains "builder" if { not builder }
builder if { some a in builds; a.predicate.runDetails.builder.id == "https://github.com/actions/runner/github-hosted" }
bad contains sprintf("review %d", [i]) if { some i in numbers.range(0, 3); not reviewed(i) }
reviewed(i) if { some a in ofType(sprintf("https://example.com/review/v1%d", [i])); a.age < 86400 }

default allow := false
allow if count(bad) == 0
`

// celPolicy asks the same in twenty expressions.
var celPolicy = []string{
	`attestations.exists(a, a.kind == "image signature" && release in a.signers)`,
	`attestations.exists(a, a.kind == "image signature" && size(a.signers) >= 2)`,
	`attestations.exists(a, a.type == "https://cyclonedx.org/bom" && release in a.signers)`,
	`attestations.all(a, a.type != "https://cyclonedx.org/bom" || size(a.predicate.components) >= 100)`,
	`attestations.all(a, a.type != "https://cyclonedx.org/bom" || a.age < 86400.0)`,
	`attestations.all(a, a.type != "https://cyclonedx.org/bom" || has(a.predicate.metadata.timestamp))`,
	`attestations.all(a, a.type != "https://cyclonedx.org/bom" || a.predicate.components.all(c, !c.licenses.exists(l, l.expression ` +
		`in denied)))`,
	`attestations.all(a, a.type != "https://cyclonedx.org/bom" || a.predicate.components.all(c, !c.licenses.exists(l, l.expression == ` +
		`"Elastic-2.0")))`,
	`attestations.all(a, a.type != "https://cyclonedx.org/bom" || a.predicate.components.all(c, ` +
		`!c.purl.startsWith("pkg:npm/event-stream@3.3.6")))`,
	`attestations.all(a, a.type != "https://cyclonedx.org/bom" || a.predicate.components.all(c, ` +
		`!c.purl.startsWith("pkg:maven/org.apache.logging.log4j/log4j-core@")))`,
	`attestations.exists(a, a.type == "https://in-toto.io/attestation/vulns/v0.2" && release in a.signers)`,
	`attestations.all(a, a.type != "https://in-toto.io/attestation/vulns/v0.2" || has(a.predicate.scanner.result))`,
	`attestations.all(a, a.type != "https://in-toto.io/attestation/vulns/v0.2" || a.age < 86400.0)`,
	`attestations.exists(a, a.type == "https://slsa.dev/provenance/v1" && ` +
		`a.predicate.buildDefinition.externalParameters.workflow.repository.startsWith("https://github.com/acme/"))`,
	`attestations.exists(a, a.type == "https://slsa.dev/provenance/v1" && a.predicate.buildDefinition.externalParameters.workflow.ref ` +
		`== "refs/heads/main")`,
	`attestations.exists(a, a.type == "https://slsa.dev/provenance/v1" && a.predicate.runDetails.builder.id == ` +
		`"https://github.com/actions/runner/github-hosted")`,
	`attestations.exists(a, a.type == "https://example.com/review/v10" && release in a.signers && a.age < 86400.0)`,
	`attestations.exists(a, a.type == "https://example.com/review/v11" && release in a.signers && a.age < 86400.0)`,
	`attestations.exists(a, a.type == "https://example.com/review/v12" && release in a.signers && a.age < 86400.0)`,
	`attestations.exists(a, a.type == "https://example.com/review/v13" && release in a.signers && a.age < 86400.0)`,
}

// opa returns a function that decides with OPA, from predicate bytes.
func opa(tb testing.TB) func([]*verify.Attestation) {
	query, err := rego.New(rego.Query("data.gate.bad"), rego.Module("gate.rego", regoPolicy)).PrepareForEval(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return func(as []*verify.Attestation) {
		result, err := query.Eval(tb.Context(), rego.EvalInput(parsed(tb, as)))
		if err != nil {
			tb.Fatal(err)
		}
		if bad, ok := result[0].Expressions[0].Value.([]any); !ok || len(bad) > 0 {
			tb.Fatalf("OPA refuses: %v", result[0].Expressions[0].Value)
		}
	}
}

// bareCEL returns a function that decides with cel-go alone, from predicate bytes.
func bareCEL(tb testing.TB) func([]*verify.Attestation) {
	env, err := cel.NewEnv(cel.Variable("attestations", cel.ListType(cel.MapType(cel.StringType, cel.DynType))),
		cel.Variable("release", cel.StringType), cel.Variable("denied", cel.ListType(cel.StringType)))
	if err != nil {
		tb.Fatal(err)
	}
	var programs []cel.Program
	for _, source := range celPolicy {
		ast, issues := env.Compile(source)
		if issues.Err() != nil {
			tb.Fatal(source, issues.Err())
		}
		p, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			tb.Fatal(err)
		}
		programs = append(programs, p)
	}
	return func(as []*verify.Attestation) {
		in := parsed(tb, as)
		for i, p := range programs {
			if v, _, err := p.Eval(in); err != nil || v.Value() != true {
				tb.Fatalf("CEL refuses %s: %v %v", celPolicy[i], v, err)
			}
		}
	}
}

// fresh returns the attestations as a gate has them for each decision: nothing of them has been read yet.
func fresh(as []*verify.Attestation) []*verify.Attestation {
	out := make([]*verify.Attestation, len(as))
	for i, a := range as {
		c := *a
		out[i] = &c
	}
	return out
}

// lap is the least time of f in a few runs.
type lap struct {
	least time.Duration
	f     func()
}

// interleave runs each of the functions n times, in turn, so that what else runs on the machine is the same for all.
func interleave(n int, laps ...*lap) {
	for _, l := range laps {
		l.least = math.MaxInt64
	}
	for range n {
		for _, l := range laps {
			start := time.Now()
			l.f()
			l.least = min(l.least, time.Since(start))
		}
	}
}

// BenchmarkDecide is from predicate bytes to a verdict: 20 rules over 10 attestations, of which one is an SBOM of 1,000 components and
// one a report of some findings. The ratio to the floor is to be at most 1.25. Beside it is that to a floor which reads the report and
// the provenance as well, and those of OPA and bare cel-go, with rules that say less, to ours.
func BenchmarkDecide(b *testing.B) {
	for _, findings := range []int{5, 50} {
		b.Run(fmt.Sprintf("findings=%d", findings), func(b *testing.B) {
			as, p := attestations(b, findings), twenty(b)
			decideOPA, decideCEL := opa(b), bareCEL(b)
			ours, least := &lap{f: func() { decide(b, p, fresh(as)) }}, &lap{f: func() { floor(b, as) }}
			read := &lap{f: func() { floor(b, as[:2]); readOthers(b, as) }}
			theirs, bare := &lap{f: func() { decideOPA(as) }}, &lap{f: func() { decideCEL(as) }}
			for b.Loop() {
				interleave(1, ours, least, read, theirs, bare)
			}
			interleave(40, ours, least, read)
			floorTime, readTime, time := least.least, read.least, ours.least
			interleave(5, ours, theirs, bare)
			time = min(time, ours.least)
			b.ReportMetric(float64(time)/1e6, "ours-ms")
			b.ReportMetric(float64(time)/float64(floorTime), "of-floor")
			b.ReportMetric(float64(time)/float64(readTime), "of-reading")
			b.ReportMetric(float64(theirs.least)/float64(ours.least), "opa/ours")
			b.ReportMetric(float64(bare.least)/float64(ours.least), "cel/ours")
		})
	}
}

// readOthers reads the report and the provenance into what rules judge, and scans the rest.
func readOthers(tb testing.TB, as []*verify.Attestation) {
	for _, a := range as[2:] {
		var err error
		switch a.PredicateType {
		case vuln.TypeVulnsV02:
			_, err = vuln.ParsePredicate(a.PredicateType, a.Predicate)
		case slsaType:
			_, err = provenance.Parse(a.Predicate)
		default:
			floor(tb, []*verify.Attestation{a})
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkProfile is the rule on a profile beside quality.Check: at most 1.1 times it and parsing.
func BenchmarkProfile(b *testing.B) {
	as := attestations(b, 50)[1:2]
	p := &rules.SBOM{Evidence: rules.Evidence{By: []verify.Identity{release}}, Profile: quality.NTIA2021.Name}
	if err := policy.Validate(p); err != nil {
		b.Fatal(err)
	}
	ours := &lap{f: func() {
		d := policy.Decide(b.Context(), p, &policy.Input{Now: now, Report: &verify.Report{Subject: image, Attestations: fresh(as)}})
		if d.Verdict != policy.Allow {
			b.Fatal(d)
		}
	}}
	least := &lap{f: func() {
		doc, err := sbom.Parse(bytes.NewReader(as[0].Predicate))
		if err != nil {
			b.Fatal(err)
		}
		quality.Check(doc, quality.NTIA2021, nil)
	}}
	for b.Loop() {
		interleave(1, ours, least)
	}
	interleave(30, ours, least)
	b.ReportMetric(float64(ours.least)/float64(least.least), "of-floor")
}

// Each predicate is parsed once, however many rules ask: a second parse of the SBOM alone would be as many allocations again.
func TestParsedOnce(t *testing.T) {
	as, p := attestations(t, 50), twenty(t)
	parse := testing.AllocsPerRun(3, func() { floor(t, as) })
	all := testing.AllocsPerRun(3, func() { decide(t, p, fresh(as)) })
	t.Logf("20 rules allocate %.0f times, the floor %.0f times", all, parse)
	if all > 1.5*parse {
		t.Errorf("20 rules allocate %.0f times, reading every predicate once %.0f times", all, parse)
	}
}

// The peers decide as ours does, so that the benchmark compares the same.
func TestPeersDecide(t *testing.T) {
	as := attestations(t, 50)
	decide(t, twenty(t), as)
	opa(t)(as)
	bareCEL(t)(as)
}

// BenchmarkRules is the same without the peers and the floor, for profiles.
func BenchmarkRules(b *testing.B) {
	as, p := attestations(b, 50), twenty(b)
	for b.Loop() {
		decide(b, p, fresh(as))
	}
}

// BenchmarkFloor is the floor without the rules. On a loaded machine, compare the processor time of both.
func BenchmarkFloor(b *testing.B) {
	as := attestations(b, 50)
	for b.Loop() {
		floor(b, as)
	}
}
