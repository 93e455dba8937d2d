package rules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/verify"
)

const (
	cyclonedx = "https://cyclonedx.org/bom"
	spdx      = "https://spdx.dev/Document"
	openvex   = "https://openvex.dev/ns/v0.2.0"
	image     = "sha256:05558f4c0f8060ad737a877e542236da0422003a6f28c24a115627328313fb11" // of the image in testdata
)

var (
	now     = time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC)
	release = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("a", 64)}
	scanner = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("b", 64)}
	other   = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("c", 64)}
)

func by(ids ...verify.Identity) rules.Evidence { return rules.Evidence{By: ids} }

// signed is an attestation about the image, as a verifier proves it.
func signed(t string, predicate string, ids ...verify.Identity) *verify.Attestation {
	a := &verify.Attestation{
		Kind: verify.Statement, Subject: verify.Descriptor{Digest: image}, PredicateType: t, Predicate: json.RawMessage(predicate),
		Evidence: verify.Descriptor{Digest: digest.FromString(t + predicate)},
	}
	for _, id := range ids {
		a.Signers = append(a.Signers, verify.Signer{Identity: id, Key: id.Key})
	}
	return a
}

// at gives an attestation a proven time.
func at(a *verify.Attestation, when time.Time) *verify.Attestation {
	for i := range a.Signers {
		a.Signers[i].SignedAt, a.Signers[i].TimeSource = when, verify.TimeLogged
	}
	return a
}

func file(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func input(as ...*verify.Attestation) *policy.Input {
	return &policy.Input{
		Name: "registry.example.com/shop/web:1.4.2", Now: now,
		Report: &verify.Report{Subject: verify.Descriptor{Digest: image}, Attestations: as},
	}
}

func decide(t testing.TB, p policy.Policy, as ...*verify.Attestation) *policy.Decision {
	t.Helper()
	return policy.Decide(t.Context(), p, input(as...))
}

// expect checks a verdict, and that the reason has some words.
func expect(t testing.TB, d *policy.Decision, want policy.Verdict, words ...string) {
	t.Helper()
	if d.Verdict != want {
		t.Errorf("%s, want %s", d, want)
	}
	for _, w := range words {
		if !strings.Contains(d.Reason, w) {
			t.Errorf("reason %q does not say %q", d.Reason, w)
		}
	}
	if want == policy.Deny && len(d.Missing) == 0 {
		t.Errorf("%s: nothing is said to be missing", d)
	}
	if strings.Contains(d.Reason, " or https://") {
		t.Errorf("reason %q lists predicate types", d.Reason)
	}
}

// bom is a CycloneDX document with components of these package URLs.
func bom(purls ...string) string {
	var parts []string
	for i, p := range purls {
		parts = append(parts, fmt.Sprintf(`{"type":"library","bom-ref":"c%d","name":"c%d","purl":%q,`+
			`"licenses":[{"license":{"id":"MIT"}}]}`, i, i, p))
	}
	return `{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"timestamp":"2026-11-28T12:00:00Z",` +
		`"component":{"type":"container","bom-ref":"r","name":"web"}},` +
		`"components":[` + strings.Join(parts, ",") + `]}`
}

// licensed is a CycloneDX document with one component for each member "licenses", which may be empty.
func licensed(licenses ...string) string {
	var parts []string
	for i, l := range licenses {
		if l != "" {
			l = `,"licenses":` + l
		}
		parts = append(parts, fmt.Sprintf(`{"type":"library","bom-ref":"c%d","name":"c%d","version":"1","purl":"pkg:npm/c%d@1"%s}`,
			i, i, i, l))
	}
	return `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + strings.Join(parts, ",") + `]}`
}

func expression(e string) string { return fmt.Sprintf(`[{"expression":%q}]`, e) }

func TestSBOM(t *testing.T) {
	other256 := strings.Repeat("1", 64)
	about := func(purl string) string {
		return strings.Replace(bom("pkg:npm/a@1"), `"name":"web"`, `"name":"web","purl":"pkg:oci/web@sha256%3A`+purl+`"`, 1)
	}
	empty := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}`
	vex := `{"bomFormat":"CycloneDX","specVersion":"1.6","vulnerabilities":[{"id":"CVE-1","analysis":{"state":"not_affected"},` +
		`"affects":[{"ref":"x"}]}]}`
	for name, tt := range map[string]struct {
		p     policy.Policy
		there []*verify.Attestation
		want  policy.Verdict
		words string
	}{
		"syft, CycloneDX": {&rules.SBOM{Evidence: by(release)},
			[]*verify.Attestation{signed(cyclonedx, file(t, "syft.cdx.json"), release)}, policy.Allow, "SBOM by key"},
		"syft, SPDX of the digest": {&rules.SBOM{Evidence: by(release)},
			[]*verify.Attestation{signed(spdx, file(t, "syft.spdx.json"), release)}, policy.Allow, ""},
		"syft, SPDX tag-value as cosign attests it": {
			&rules.SBOM{Evidence: by(release)},
			[]*verify.Attestation{signed(spdx, text(t, file(t, "syft.spdx")), release)}, policy.Allow, "",
		},
		"none": {&rules.SBOM{}, nil, policy.Deny, "no SBOM"},
		"by somebody else": {&rules.SBOM{Evidence: by(release)}, []*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1"), other)},
			policy.Deny, "no SBOM that will do"},
		"empty": {&rules.SBOM{}, []*verify.Attestation{signed(cyclonedx, empty, release)}, policy.Deny, "0 components"},
		"empty beside": {&rules.SBOM{}, []*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1"), release),
			signed(cyclonedx, empty, release)}, policy.Deny, "0 components"},
		"empty, some": {&rules.SBOM{Evidence: rules.Evidence{Quantifier: rules.Some}},
			[]*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1"), release), signed(cyclonedx, empty, release)}, policy.Allow, ""},
		"too few": {&rules.SBOM{Components: 3},
			[]*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1", "pkg:npm/b@1"), release)}, policy.Deny, "2 components, and 3"},
		"VEX beside": {&rules.SBOM{},
			[]*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1"), release), signed(cyclonedx, vex, release)}, policy.Allow, ""},
		"VEX alone": {&rules.SBOM{}, []*verify.Attestation{signed(cyclonedx, vex, release)}, policy.Deny, "it is no SBOM"},
		"no JSON of its own": {&rules.SBOM{}, []*verify.Attestation{signed(cyclonedx, `{"a":1}`, release)}, policy.Deny,
			"no SBOM that can be read"},
		"null": {&rules.SBOM{}, []*verify.Attestation{signed(cyclonedx, `null`, release)}, policy.Deny,
			"no SBOM that can be read"},
		"of this image": {&rules.SBOM{}, []*verify.Attestation{signed(cyclonedx, about(image[7:]), release)}, policy.Allow, ""},
		"of another image": {&rules.SBOM{}, []*verify.Attestation{signed(cyclonedx, about(other256), release)}, policy.Deny,
			"is about sha256:1111"},
		"of any image": {&rules.SBOM{AnyDigest: true}, []*verify.Attestation{signed(cyclonedx, about(other256), release)},
			policy.Allow, ""},
		"profile not met": {&rules.SBOM{Profile: "ntia-2021"}, []*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1"), release)},
			policy.Deny, "does not conform to ntia-2021"},
		"age": {&rules.SBOM{Evidence: by(release), MaxDocumentAge: 9 * time.Hour},
			[]*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1"), release)}, policy.Allow, ""},
		"too old": {&rules.SBOM{Evidence: by(release), MaxDocumentAge: 8 * time.Hour},
			[]*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1"), release)}, policy.Deny, "longer ago than 8h"},
		"from the future": {&rules.SBOM{Evidence: by(release), MaxDocumentAge: 8 * time.Hour},
			[]*verify.Attestation{signed(cyclonedx, strings.Replace(bom("pkg:npm/a@1"), "2026-11-28", "2027-11-28", 1), release)},
			policy.Deny, "in the future"},
		"without a date": {&rules.SBOM{Evidence: by(release), MaxDocumentAge: 8 * time.Hour},
			[]*verify.Attestation{signed(cyclonedx, licensed(""), release)}, policy.Deny, "does not say when"},
		"unknown profile": {&rules.SBOM{Profile: "ntia"}, []*verify.Attestation{signed(cyclonedx, bom("pkg:npm/a@1"), release)},
			policy.Indeterminate, "ntia-2021"},
		"other type": {&rules.SBOM{}, []*verify.Attestation{signed("https://example.com/x", bom("pkg:npm/a@1"), release)},
			policy.Deny, "no SBOM"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, decide(t, tt.p, tt.there...), tt.want, tt.words) })
	}
}

func text(t testing.TB, s string) string {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// An SBOM about one platform of an index is about the index that is judged.
func TestSBOMOfChild(t *testing.T) {
	child := "sha256:" + strings.Repeat("2", 64)
	in := input(signed(cyclonedx, strings.Replace(bom("pkg:npm/a@1"), `"name":"web"`, `"name":"web","version":"`+child+`"`, 1), release))
	expect(t, policy.Decide(t.Context(), &rules.SBOM{}, in), policy.Deny)
	in.Children = []verify.Descriptor{{Digest: digest.Digest(child)}}
	expect(t, policy.Decide(t.Context(), &rules.SBOM{}, in), policy.Allow)
}

func TestComponents(t *testing.T) {
	deny := func(list ...string) *rules.Components {
		r := &rules.Components{}
		for _, text := range list {
			c, err := rules.ParseComponent(text)
			if err != nil {
				t.Fatal(err)
			}
			r.Deny = append(r.Deny, c)
		}
		return r
	}
	allow := func(list ...string) *rules.Components { return &rules.Components{Allow: deny(list...).Deny} }
	const A, D = policy.Allow, policy.Deny
	for _, tt := range []struct {
		p    policy.Policy
		purl string
		want policy.Verdict
	}{
		{deny("pkg:npm/left-pad"), "pkg:npm/left-pad@1.3.0", D},
		{deny("pkg:npm/left-pad"), "pkg:npm/right-pad@1.3.0", A},
		{deny("pkg:npm/left-pad"), "pkg:NPM/Left-Pad@1.3.0", D},
		{deny("pkg:npm/left-pad"), "pkg:pypi/left-pad@1.3.0", A},
		{deny("pkg:npm/left-pad"), "pkg://npm/left-pad@1.3.0", D},
		{deny("pkg:npm/left-pad"), "pkg:npm/left%2Dpad@1.3.0", D},
		{deny("pkg:npm/%40acme/x"), "pkg:npm/@acme/x@1", D},
		{deny("pkg:npm/@acme/x"), "pkg:npm/%40acme%2Fx@1", D},
		{deny("pkg:npm/@acme/*"), "pkg:npm/%40acme/y@1", D},
		{deny("pkg:npm/@acme/*"), "pkg:npm/%40acmeevil/y@1", A},
		{deny("pkg:npm/*"), "pkg:npm/%40acme/y@1", D},
		{deny("pkg:npm/*"), "pkg:pypi/y@1", A},
		{deny("pkg:golang/github.com/acme/*"), "pkg:golang/github.com/acme/deep/er@v1.0.0", D},
		{deny("pkg:golang/github.com/acme/x"), "pkg:golang/github.com/acme/x@v1.0.0#cmd/tool", D},
		{deny("pkg:golang/stdlib vers:golang/<1.22.0"), "pkg:golang/std@go1.21.0", D},
		{deny("pkg:pypi/zope.interface"), "pkg:pypi/zope_interface@6.0", D},
		{deny("pkg:npm/lodash vers:npm/<4.17.21"), "pkg:npm/lodash@4.17.20", D},
		{deny("pkg:npm/lodash vers:npm/<4.17.21"), "pkg:npm/lodash@4.17.21", A},
		// it has no version
		{deny("pkg:npm/lodash vers:npm/<4.17.21"), "pkg:npm/lodash", D},
		// it has no place in the order
		{deny("pkg:npm/lodash vers:npm/<4.17.21"), "pkg:npm/lodash@latest", D},
		// one version
		{deny("pkg:npm/lodash@4.17.20"), "pkg:npm/lodash@4.17.20", D},
		//
		{deny("pkg:npm/lodash@4.17.20"), "pkg:npm/lodash@4.17.21", A},
		// an epoch of its own
		{deny("pkg:deb/debian/zlib1g vers:deb/<1:1.2.14"), "pkg:deb/debian/zlib1g@1.2.13?epoch=1", D},
		//
		{deny("pkg:deb/debian/zlib1g vers:deb/<1:1.2.14"), "pkg:deb/debian/zlib1g@1%3A1.2.14", A},
		// the namespace elsewhere
		{deny("pkg:deb/debian/openssl"), "pkg:deb/openssl@3.0?distro=debian-12", D},
		// cannot tell
		{deny("pkg:deb/debian/openssl"), "pkg:deb/openssl@3.0", D},
		{deny("pkg:deb/debian/openssl"), "pkg:deb/ubuntu/openssl@3.0", A}, //
		{deny("pkg:deb/openssl"), "pkg:deb/ubuntu/openssl@3.0", D},        // any distribution
		//
		{deny("pkg:maven/org.apache.logging.log4j/log4j-core vers:maven/<2.17.1"),
			"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=war&classifier=x", D},
		{deny("pkg:npm/left-pad"), "not a purl", D},                   // cannot be read
		{deny("pkg:github/acme/x"), "pkg:github/acme/x@feature/a", D}, // a version with a slash
		{allow("pkg:npm/left-pad"), "pkg:npm/left-pad@1.3.0", A},
		{allow("pkg:npm/left-pad"), "pkg:npm/right-pad@1.3.0", D},
		{allow("pkg:npm/left-pad vers:npm/>=1.0.0"), "pkg:npm/left-pad", D}, // cannot tell
		{allow("pkg:npm/left-pad"), "not a purl", D},
		{&rules.Components{Allow: allow("pkg:npm/*").Allow, Deny: deny("pkg:npm/left-pad").Deny}, "pkg:npm/left-pad@1", D},
	} {
		d := decide(t, tt.p, signed(cyclonedx, bom("pkg:cargo/a1@1", tt.purl), release))
		if r := tt.p.(*rules.Components); len(r.Allow) > 0 {
			d = decide(t, tt.p, signed(cyclonedx, bom(tt.purl), release))
		}
		if d.Verdict != tt.want {
			t.Errorf("%s on %s: %s", tt.p, tt.purl, d)
		}
	}
}

// What an SBOM has no package URL for is refused if its name may be that of a denied package.
func TestComponentsWithoutPURL(t *testing.T) {
	c := func(name string) *verify.Attestation {
		return signed(cyclonedx, `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"`+name+
			`","version":"1"}]}`, release)
	}
	deny := &rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/left-pad", Reason: "nobody keeps it"}}}
	expect(t, decide(t, deny, c("left-pad")), policy.Deny, "it has no package URL")
	expect(t, decide(t, deny, c("other")), policy.Allow)
	scoped := &rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/@acme/x"}}}
	expect(t, decide(t, scoped, c("@acme/x")), policy.Deny, "it has no package URL")
	expect(t, decide(t, scoped, c("@acme/y")), policy.Allow)
	all := &rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/@acme/*"}}}
	expect(t, decide(t, all, c("@acme/y")), policy.Deny, "it has no package URL")
	expect(t, decide(t, all, c("@acmeevil/y")), policy.Allow)
	expect(t, decide(t, &rules.Components{Allow: deny.Deny}, c("left-pad")), policy.Deny, "it has no package URL")
	expect(t, decide(t, deny, signed(cyclonedx, bom("pkg:npm/left-pad@1"), release)), policy.Deny, "nobody keeps it")
}

// The second package URL of an SPDX package counts like the first, however it is written.
func TestSecondPURL(t *testing.T) {
	for _, second := range []string{"pkg:npm/left-pad@1", "PKG:npm/left-pad@1", "Pkg:npm/left-pad@1", `\u0070kg:npm/left-pad@1`} {
		doc := `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","packages":[{"name":"a","SPDXID":"SPDXRef-a",` +
			`"externalRefs":[` +
			`{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/a@1"},` +
			`{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"` + second + `"}]}]}`
		expect(t, decide(t, &rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/left-pad"}}}, signed(spdx, doc, release)),
			policy.Deny, "left-pad")
	}
}

func TestLicenses(t *testing.T) {
	gpl := []string{"GPL-2.0-only", "GPL-3.0-or-later"}
	const A, D = policy.Allow, policy.Deny
	for _, tt := range []struct {
		r        *rules.Licenses
		licenses string
		want     policy.Verdict
	}{
		{&rules.Licenses{Deny: gpl}, expression("MIT"), A},
		{&rules.Licenses{Deny: gpl}, expression("GPL-2.0-only"), D},
		{&rules.Licenses{Deny: gpl}, expression("GPL-2.0"), D},                                   // deprecated, the same
		{&rules.Licenses{Deny: gpl}, expression("MIT OR GPL-2.0-only"), A},                       // a choice is a choice
		{&rules.Licenses{Deny: gpl}, expression("MIT AND GPL-2.0-only"), D},                      //
		{&rules.Licenses{Deny: gpl}, expression("(MIT OR GPL-2.0-only) AND GPL-3.0-only"), D},    //
		{&rules.Licenses{Deny: gpl}, expression("GPL-2.0-or-later"), D},                          // it begins with it
		{&rules.Licenses{Deny: gpl}, expression("GPL-3.0-only"), D},                              // or later
		{&rules.Licenses{Deny: gpl}, expression("GPL-2.0-only WITH Classpath-exception-2.0"), D}, // names none
		{&rules.Licenses{Deny: []string{"GPL-2.0-only WITH Classpath-exception-2.0"}}, expression("GPL-2.0-only"), A},
		{&rules.Licenses{Deny: []string{"GPL-3.0-only"}}, expression("GPL-2.0-or-later"), A}, // version 2 may be taken
		{&rules.Licenses{Deny: gpl}, `[{"license":{"id":"MIT"}},{"license":{"id":"GPL-2.0-only"}}]`, D},
		{&rules.Licenses{Deny: gpl}, "", D}, // none is said
		{&rules.Licenses{Deny: gpl, AllowUnlicensed: true}, "", A},
		{&rules.Licenses{Deny: gpl}, `[]`, D},
		{&rules.Licenses{Deny: gpl}, `[{"license":{"name":"GPL version 2"}}]`, D}, // nobody knows what that is
		{&rules.Licenses{Deny: gpl, AllowUnrecognized: true}, `[{"license":{"name":"GPL version 2"}}]`, A},
		{&rules.Licenses{Deny: gpl, AllowNames: []string{"Acme licence"}}, `[{"license":{"name":"Acme licence"}}]`, A},
		{&rules.Licenses{Deny: gpl}, expression("LicenseRef-acme"), D},
		{&rules.Licenses{Deny: gpl}, expression("MIT OR LicenseRef-acme"), A},
		{&rules.Licenses{Deny: gpl, AllowNames: []string{"LicenseRef-acme"}}, expression("LicenseRef-acme"), A},
		{&rules.Licenses{Deny: append(gpl, "LicenseRef-acme"), AllowUnrecognized: true}, expression("LicenseRef-Acme"), D},
		{&rules.Licenses{Deny: gpl}, expression("MIT AND (("), D},
		{&rules.Licenses{Allow: []string{"MIT", "Apache-2.0"}}, expression("MIT AND Apache-2.0"), A},
		{&rules.Licenses{Allow: []string{"MIT"}}, expression("MIT AND Apache-2.0"), D},
		{&rules.Licenses{Allow: []string{"MIT"}}, expression("MIT OR Apache-2.0"), A},
		{&rules.Licenses{Allow: []string{"MIT", "GPL-2.0-only"}, Deny: gpl}, expression("GPL-2.0-only"), D},
		{&rules.Licenses{Allow: []string{"LicenseRef-acme"}}, expression("LicenseRef-acme"), A},
		{&rules.Licenses{Allow: []string{"MIT"}}, "", D},
	} {
		d := decide(t, tt.r, signed(cyclonedx, licensed(tt.licenses), release))
		if d.Verdict != tt.want {
			t.Errorf("%s on %s: %s", tt.r, tt.licenses, d)
		}
	}
}

// Which claims count of SPDX documents, that have two.
func TestLicenseRoles(t *testing.T) {
	doc := func(declared, concluded string) *verify.Attestation {
		return signed(spdx, fmt.Sprintf(`{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","packages":[{"name":"a",`+
			`"SPDXID":"SPDXRef-a","licenseDeclared":%q,"licenseConcluded":%q}]}`,
			declared, concluded), release)
	}
	deny := rules.Licenses{Deny: []string{"GPL-2.0-only"}}
	expect(t, decide(t, &deny, doc("GPL-2.0-only", "MIT")), policy.Deny)
	expect(t, decide(t, &deny, doc("MIT", "NOASSERTION")), policy.Allow)
	expect(t, decide(t, &deny, doc("NOASSERTION", "NONE")), policy.Deny, "no licence")
	concluded := rules.Licenses{Deny: []string{"GPL-2.0-only"}, Role: "concluded"}
	expect(t, decide(t, &concluded, doc("GPL-2.0-only", "MIT")), policy.Allow)
	expect(t, decide(t, &concluded, doc("MIT", "NOASSERTION")), policy.Deny, "no licence")
}

// The rule says each licence once, with the first components of it.
func TestLicensesOfSyft(t *testing.T) {
	r := &rules.Licenses{Name: "licences", Evidence: by(release), Deny: []string{"WTFPL"}, AllowUnlicensed: true, AllowUnrecognized: true}
	for _, doc := range []*verify.Attestation{signed(cyclonedx, file(t, "syft.cdx.json"), release),
		signed(spdx, file(t, "syft.spdx.json"), release)} {
		d := decide(t, r, doc)
		expect(t, d, policy.Deny, "licences: ", "WTFPL (denied) of pkg:npm/left-pad@1.3.0")
		v, ok := errors.AsType[*rules.ViolationError](d.Cause)
		if !ok || len(v.Violations) == 0 || v.Violations[0].License != "WTFPL" {
			t.Errorf("cause %#v", d.Cause)
		}
	}
}

// A report is what the tests judge: one finding for each of these.
func report(findings ...vuln.Finding) *vuln.Report {
	return &vuln.Report{
		Tool: vuln.Tool{Name: "scanner", Version: "1"}, Databases: []vuln.Database{{Name: "db", Updated: now.Add(-24 * time.Hour)}},
		Finished: now.Add(-time.Hour), Components: 10, Findings: findings,
	}
}

func finding(id string, s vuln.Severity, purl string, fixed ...string) vuln.Finding {
	return vuln.Finding{ID: id, Severity: s, Affects: []vuln.Affected{{Component: vuln.Component{PURL: purl}, Fixed: fixed}}}
}

func attested(t testing.TB, r *vuln.Report, ids ...verify.Identity) *verify.Attestation {
	t.Helper()
	data, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return signed(vuln.TypeVulnsV02, string(data), ids...)
}

func TestVulnerabilities(t *testing.T) {
	const A, D = policy.Allow, policy.Deny
	critical := finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")
	unfixed := finding("CVE-1", vuln.Critical, "pkg:npm/a@1")
	medium := finding("CVE-2", vuln.Medium, "pkg:npm/a@1", "2")
	unscored := finding("CVE-3", vuln.Unknown, "pkg:npm/a@1", "2")
	rated := medium
	rated.Ratings = []vuln.Rating{{Source: "NVD", Severity: vuln.Critical}, {Source: "Debian", Severity: vuln.Low}}
	known := medium
	known.Exploit.Known = true
	likely := medium
	likely.EPSS = &vuln.EPSS{Probability: 0.5}
	fresh := critical
	fresh.Published = now.Add(-24 * time.Hour)
	old := critical
	old.Published = now.Add(-240 * time.Hour)
	freshKnown := fresh
	freshKnown.Exploit.Known = true
	withdrawn := critical
	withdrawn.Withdrawn = now.Add(-time.Hour)
	doubt := critical
	doubt.Affects = []vuln.Affected{{Component: vuln.Component{PURL: "pkg:npm/a@x"}, Fixed: []string{"2"}, Doubt: "x is no version"}}
	secret := vuln.Finding{ID: "aws-key", Kind: vuln.Secret, Severity: vuln.Critical, Affects: []vuln.Affected{{File: "/app/.env"}}}
	nowhere := vuln.Finding{ID: "CVE-9", Severity: vuln.Critical}
	with := func(change func(*vuln.Report), f ...vuln.Finding) *vuln.Report {
		r := report(f...)
		change(r)
		return r
	}
	type V = rules.Vulnerabilities
	for name, tt := range map[string]struct {
		r      *V
		report *vuln.Report
		want   policy.Verdict
		words  string
	}{
		"none found":          {&V{Severity: "high"}, report(), A, "vulnerability report by"},
		"critical":            {&V{Severity: "high"}, report(critical), D, "CVE-1 (critical) in pkg:npm/a@1, fixed in 2"},
		"below":               {&V{Severity: "high"}, report(medium), A, ""},
		"at":                  {&V{Severity: "medium"}, report(medium), D, ""},
		"highest of all":      {&V{Severity: "high"}, report(rated), D, ""},
		"by Debian":           {&V{Severity: "high", Source: "debian"}, report(rated), A, ""},
		"by nobody":           {&V{Severity: "high", Source: "GitHub"}, report(rated), D, "no severity"},
		"unscored":            {&V{Severity: "critical"}, report(unscored), D, "CVE-3 (no severity)"},
		"unscored, allowed":   {&V{Severity: "critical", AllowUnscored: true}, report(unscored), A, ""},
		"fixable":             {&V{Severity: "high", OnlyFixable: true}, report(critical), D, ""},
		"not fixable":         {&V{Severity: "high", OnlyFixable: true}, report(unfixed), A, ""},
		"exploited":           {&V{Exploited: true}, report(known), D, "known to be exploited"},
		"not exploited":       {&V{Exploited: true}, report(critical), A, ""},
		"EPSS":                {&V{EPSS: 0.4}, report(likely), D, "EPSS 0.5"},
		"low EPSS":            {&V{EPSS: 0.6}, report(likely), A, ""},
		"no EPSS":             {&V{EPSS: 0.6}, report(medium), D, "no EPSS"},
		"fresh":               {&V{Severity: "high", Grace: 72 * time.Hour}, report(fresh), A, ""},
		"not fresh any more":  {&V{Severity: "high", Grace: 72 * time.Hour}, report(old), D, ""},
		"fresh and exploited": {&V{Severity: "high", Exploited: true, Grace: 72 * time.Hour}, report(freshKnown), D, ""},
		"no date, no grace":   {&V{Severity: "high", Grace: 72 * time.Hour}, report(critical), D, ""},
		"withdrawn":           {&V{Severity: "high"}, report(withdrawn), A, ""},
		"in doubt":            {&V{Severity: "high"}, report(doubt), D, "cannot tell: x is no version"},
		"a secret":            {&V{Severity: "high"}, report(secret), A, ""},
		"secrets too":         {&V{Severity: "high", Kinds: []string{"vulnerability", "secret"}}, report(secret), D, "/app/.env"},
		"without a place":     {&V{Severity: "high"}, report(nowhere), D, "CVE-9"},
		"no proof of a scan": {&V{Severity: "high"}, with(func(r *vuln.Report) { r.Databases, r.Components = nil, 0 }), D,
			"no proof of a scan"},
		"skipped": {&V{Severity: "high"}, with(func(r *vuln.Report) { r.Skipped = []vuln.Skipped{{Reason: "no database"}} }),
			D, "was not assessed"},
		"skipped, allowed": {&V{Severity: "high", AllowSkipped: true},
			with(func(r *vuln.Report) { r.Skipped = []vuln.Skipped{{Reason: "no database"}} }), A, ""},
		"of another image": {&V{Severity: "high"},
			with(func(r *vuln.Report) { r.Subject.Digest = "sha256:" + strings.Repeat("1", 64) }), D, "is about sha256:1111"},
		"database": {&V{Evidence: by(scanner), Severity: "high", MaxDatabaseAge: 48 * time.Hour}, report(), A, ""},
		"old database": {&V{Evidence: by(scanner), Severity: "high", MaxDatabaseAge: 12 * time.Hour}, report(), D,
			"longer ago than 12h"},
		"database without age": {&V{Evidence: by(scanner), Severity: "high", MaxDatabaseAge: 12 * time.Hour},
			with(func(r *vuln.Report) { r.Databases[0].Updated = time.Time{} }), D, "how old db was"},
		"no database": {&V{Evidence: by(scanner), Severity: "high", MaxDatabaseAge: 12 * time.Hour},
			with(func(r *vuln.Report) { r.Databases = nil }), D, "which databases"},
		"ecosystem": {&V{Severity: "high", Ecosystems: []string{"Debian"}},
			with(func(r *vuln.Report) { r.Databases[0].Ecosystem = "Debian:12" }), A, ""},
		"ecosystem that was not": {&V{Severity: "high", Ecosystems: []string{"Debian", "npm"}},
			with(func(r *vuln.Report) { r.Databases[0].Ecosystem = "Debian:12" }), D, "asked for npm"},
		"old scan": {&V{Evidence: by(scanner), Severity: "high", MaxScanAge: 30 * time.Minute}, report(), D, "the scan ended"},
		"scan without date": {&V{Evidence: by(scanner), Severity: "high", MaxScanAge: 30 * time.Minute},
			with(func(r *vuln.Report) { r.Finished = time.Time{} }), D, "does not say when"},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, decide(t, tt.r, attested(t, tt.report, scanner)), tt.want, tt.words)
		})
	}
	expect(t, decide(t, &V{Severity: "high"}), D, "no vulnerability report")
	// an empty one beside
	expect(t, decide(t, &V{Severity: "high"}, attested(t, report(), scanner), attested(t, report(critical), scanner)), D)
	expect(t, decide(t, &V{Severity: "high"}, signed(vuln.TypeVulnsV02, `{"scanner":{}}`, scanner)), D,
		"no vulnerability report that can be read")
}

// Until tells when grace, ages of databases and signatures end.
func TestVulnerabilitiesUntil(t *testing.T) {
	fresh := finding("CVE-1", vuln.Critical, "pkg:npm/a@1", "2")
	fresh.Published = now.Add(-24 * time.Hour)
	r := &rules.Vulnerabilities{Evidence: by(scanner), Severity: "high", Grace: 72 * time.Hour, MaxDatabaseAge: 96 * time.Hour}
	d := decide(t, r, attested(t, report(fresh), scanner))
	if want := now.Add(48 * time.Hour); d.Verdict != policy.Allow || !d.Until.Equal(want) {
		t.Errorf("%s until %s, want %s", d, d.Until, want)
	}
	d = decide(t, r, attested(t, report(), scanner))
	if want := now.Add(72 * time.Hour); !d.Until.Equal(want) {
		t.Errorf("%s until %s, want %s", d, d.Until, want)
	}
}

func TestTrivyReport(t *testing.T) {
	a := signed(vuln.TypeCosignVuln, file(t, "trivy.cosign-vuln.json"), scanner)
	expect(t, decide(t, &rules.Vulnerabilities{Severity: "high"}, a), policy.Deny, "CVE-2026-90003 (high) in pkg:deb/debian/hello@2.10-3")
	cdx := signed(cyclonedx, file(t, "trivy-report.cdx.json"), scanner)
	r := rules.Vulnerabilities{Evidence: rules.Evidence{Types: []string{cyclonedx}}, Severity: "high"}
	expect(t, decide(t, &r, cdx), policy.Deny, "CVE-2026-90003")
	expect(t, decide(t, &r, signed(cyclonedx, file(t, "trivy.cdx.json"), scanner)), policy.Deny, "it is no vulnerability report")
}

// The rules say the same of an SBOM in whatever format it is.
func TestFormats(t *testing.T) {
	doc, err := sbom.Parse(strings.NewReader(file(t, "syft.cdx.json")))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []sbom.Format{
		{Spec: sbom.CycloneDX, Version: "1.4"}, {Spec: sbom.CycloneDX, Version: "1.7"}, {Spec: sbom.SPDX, Version: "2.2"},
		{Spec: sbom.SPDX, Version: "2.3"},
		{Spec: sbom.SPDX, Version: "3.0.1"},
	} {
		t.Run(f.String(), func(t *testing.T) {
			converted, _, err := sbom.Convert(doc, f, nil)
			if err != nil {
				t.Fatal(err)
			}
			a := signed(converted.PredicateType(), string(converted.Bytes()), release)
			expect(t, decide(t, &rules.SBOM{Components: 5}, a), policy.Allow)
			expect(t, decide(t, &rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/left-pad"}}}, a), policy.Deny,
				"pkg:npm/left-pad@1.3.0")
			expect(t, decide(t, &rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/left-pad", Versions: "vers:npm/<1.0.0"}}}, a),
				policy.Allow)
			wtfpl := &rules.Licenses{Deny: []string{"WTFPL"}, AllowUnlicensed: true, AllowUnrecognized: true}
			expect(t, decide(t, wtfpl, a), policy.Deny, "WTFPL (denied) of pkg:npm/left-pad@1.3.0")
			agpl := &rules.Licenses{Deny: []string{"AGPL-3.0-only"}, AllowUnlicensed: true, AllowUnrecognized: true}
			expect(t, decide(t, agpl, a), policy.Allow)
		})
	}
}
