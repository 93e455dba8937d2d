package quality_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/quality"
)

// corpus is that of package sbom: see its testdata/README.md for sources and licences.
var corpus = sync.OnceValues(func() (map[string][]byte, error) {
	f, err := os.Open("../testdata/corpus.tar.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[h.Name], err = io.ReadAll(tr); err != nil {
			return nil, err
		}
	}
})

// read reads a document of the corpus. Some of SPDX 3 have property names that 3.0.1 does not have: they get its names.
func read(t testing.TB, name string) *sbom.Document {
	t.Helper()
	files, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, strings.NewReplacer(`"externalIdentifiers"`, `"externalIdentifier"`, `"licenseExpression"`,
		`"simplelicensing_licenseExpression"`,
		`"sbomType"`, `"software_sbomType"`).Replace(string(files[name])))
}

func parse(t testing.TB, doc string) *sbom.Document {
	t.Helper()
	d, err := sbom.Parse(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// outcome returns rules with how they came out.
func outcome(r *quality.Report) map[string]quality.Status {
	m := map[string]quality.Status{}
	for _, x := range r.Results {
		m[x.Rule.ID] = x.Status
	}
	return m
}

func failing(r *quality.Report) (ids []string) {
	for _, x := range r.Results {
		if x.Status == quality.Fail && x.Rule.Level != quality.Recommended {
			ids = append(ids, x.Rule.ID)
		}
	}
	return ids
}

// A document that has everything, in each format; then one thing after the other is taken away.
var complete = map[string]string{
	"CycloneDX": `{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,"metadata":{"timestamp":"2026-01-02T03:04:05Z",
"lifecycles":[{"phase":"build"}],"authors":[{"name":"A","email":"a@example.com"}],"tools":{"components":[{"type":"application","name":"t","version":"1"}]},"component":{"type":"application","bom-ref":"r",ROOT}},
"components":[],"dependencies":[{"ref":"r","dependsOn":[]}],"compositions":[{"aggregate":"complete","dependencies":["r"]}]}`,
	"SPDX": `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"https://example.com/n",
"creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Organization: A (a@example.com)","Tool: t-1"],"comment":"CISA SBOM Type: Build"},"documentDescribes":["SPDXRef-r"],
"packages":[{"SPDXID":"SPDXRef-r","name":"app","versionInfo":"1","downloadLocation":"https://example.com/app","supplier":"Organization: S","copyrightText":"(c) S","licenseConcluded":"MIT",
"licenseDeclared":"MIT","checksums":[{"algorithm":"SHA256","checksumValue":"` + strings.Repeat("ab", 32) + `"}],
"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:generic/app@1"}]}],
"relationships":[{"spdxElementId":"SPDXRef-r","relationshipType":"DEPENDS_ON","relatedSpdxElement":"NONE"}]}`,
	"SPDX 3": `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1","created":"2026-01-02T03:04:05Z","createdBy":["https://x/a"],"createdUsing":["https://x/t"]},
{"type":"Organization","spdxId":"https://x/a","creationInfo":"_:c","name":"A","externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"email","identifier":"a@example.com"}]},
{"type":"Tool","spdxId":"https://x/t","creationInfo":"_:c","name":"t-1"},
{"type":"SpdxDocument","spdxId":"https://x/d","creationInfo":"_:c","rootElement":["https://x/s"]},
{"type":"software_Sbom","spdxId":"https://x/s","creationInfo":"_:c","rootElement":["https://x/r"],"software_sbomType":["build"]},
{"type":"software_Package","spdxId":"https://x/r","creationInfo":"_:c","name":"app","software_packageVersion":"1","suppliedBy":"https://x/a","software_copyrightText":"(c) S",
"software_primaryPurpose":"application","software_additionalPurpose":["executable"],"software_downloadLocation":"https://example.com/app",
"externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"packageUrl","identifier":"pkg:generic/app@1"}]},
{"type":"software_File","spdxId":"https://x/f","creationInfo":"_:c","name":"app","software_primaryPurpose":"executable","verifiedUsing":[{"type":"Hash","algorithm":"sha512","hashValue":"` + strings.Repeat("ab", 64) + `"}]},
{"type":"simplelicensing_LicenseExpression","spdxId":"https://x/l","creationInfo":"_:c","simplelicensing_licenseExpression":"MIT"},
{"type":"Relationship","spdxId":"https://x/1","creationInfo":"_:c","from":"https://x/r","relationshipType":"hasConcludedLicense","to":["https://x/l"],"completeness":"complete"},
{"type":"Relationship","spdxId":"https://x/2","creationInfo":"_:c","from":"https://x/r","relationshipType":"hasDistributionArtifact","to":["https://x/f"]},
{"type":"Relationship","spdxId":"https://x/3","creationInfo":"_:c","from":"https://x/r","relationshipType":"dependsOn","to":["https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"],"completeness":"complete"}]}`,
}

const root = `"name":"app","version":"1","purl":"pkg:generic/app@1","supplier":{"name":"S","url":["https://example.com"]},"hashes":[{"alg":"SHA-256","content":"%s"}],
"licenses":[{"expression":"MIT OR Apache-2.0","acknowledgement":"concluded"}],"copyright":"(c) S",
"externalReferences":[{"type":"distribution","url":"https://example.com/app","hashes":[{"alg":"SHA-512","content":"%s"}]}],
"properties":[{"name":"bsi:component:filename","value":"app"},{"name":"bsi:component:executable","value":"executable"},{"name":"bsi:component:archive","value":"no archive"},{"name":"bsi:component:structured","value":"unstructured"}]`

func document(spec string) string {
	return strings.Replace(complete[spec], "ROOT", fmt.Sprintf(root, strings.Repeat("ab", 32), strings.Repeat("ab", 64)), 1)
}

func TestRules(t *testing.T) {
	signed := &quality.Options{AuthorSignature: true}
	for _, tt := range []struct {
		spec    string
		profile *quality.Profile
	}{
		{"CycloneDX", quality.NTIA2021}, {"CycloneDX", quality.CISA2026}, {"CycloneDX", quality.BSI21},
		{"SPDX", quality.NTIA2021}, {"SPDX", quality.CISA2026}, {"SPDX", quality.Telco11},
		{"SPDX 3", quality.NTIA2021}, {"SPDX 3", quality.CISA2026}, {"SPDX 3", quality.BSI21},
	} {
		r := quality.Check(parse(t, document(tt.spec)), tt.profile, signed)
		if !r.Conforms() || r.Score() != 100 {
			t.Errorf("%s by %s:\n%s", tt.spec, tt.profile.Name, r)
		}
	}
	for _, tt := range []struct {
		spec     string
		old, new string
		profile  *quality.Profile
		want     string // rules that fail
	}{
		{"CycloneDX", `"supplier":{"name":"S","url":["https://example.com"]},`, ``, quality.NTIA2021, "supplier"},
		{"CycloneDX", `"supplier":{"name":"S","url":["https://example.com"]},`, ``, quality.BSI21, "component-creator"},
		{"CycloneDX", `"url":["https://example.com"]`, `"url":["example"]`, quality.BSI21, "component-creator"},
		{"CycloneDX", `,"url":["https://example.com"]`, ``, quality.CISA2026, ""},
		{"CycloneDX", `"version":"1","purl":"pkg:generic/app@1",`, ``, quality.NTIA2021, "version identifier"},
		{"CycloneDX", `pkg:generic/app@1`, `generic/app`, quality.NTIA2021, "identifier"},
		{"CycloneDX", `pkg:generic/app@1`, `generic/app`, quality.BSI21, "identifier"},
		{"CycloneDX", `"purl":"pkg:generic/app@1",`, ``, quality.BSI21, ""},
		{"CycloneDX", `"name":"app"`, `"name":" "`, quality.NTIA2021, "name"},
		{"CycloneDX", `"authors":[{"name":"A","email":"a@example.com"}],`, ``, quality.NTIA2021, "author"},
		{"CycloneDX", `"email":"a@example.com"`, `"email":"nobody"`, quality.BSI21, "creator"},
		{"CycloneDX", `2026-01-02T03:04:05Z`, `2 January 2026`, quality.NTIA2021, "timestamp"},
		{"CycloneDX", `"compositions":[{"aggregate":"complete","dependencies":["r"]}]`, `"compositions":[]`, quality.BSI21, "completeness"},
		{"CycloneDX", `"lifecycles":[{"phase":"build"}],`, ``, quality.CISA2026, "generation-context"},
		{"CycloneDX", `"name":"t","version":"1"`, `"name":"t-2000"`, quality.CISA2026, "tool-version"},
		{"CycloneDX", `"version":1,`, ``, quality.CISA2026, "document-version"},
		{"CycloneDX", `"hashes":[{"alg":"SHA-256","content":"` + strings.Repeat("ab", 32) + `"}],`, ``, quality.CISA2026,
			"hash-algorithm hash-value"},
		{"CycloneDX", `"SHA-512"`, `"SHA3-512"`, quality.BSI21, "deployable-hash"},
		{"CycloneDX", `MIT OR Apache-2.0`, `MIT or later`, quality.BSI21, "distribution-licence"},
		{"CycloneDX", `"concluded"`, `"declared"`, quality.BSI21, "distribution-licence"},
		{"CycloneDX", `"value":"executable"`, `"value":"non-executable"`, quality.BSI21, ""},
		{"CycloneDX", `"value":"executable"`, `"value":"true"`, quality.BSI21, "executable"},
		{"CycloneDX", `{"name":"bsi:component:archive","value":"no archive"},`, ``, quality.BSI21, "archive"},
		{"CycloneDX", `bsi:component:structured`, `structured`, quality.BSI21, "structured"},
		{"CycloneDX", `bsi:component:filename`, `filename`, quality.BSI21, "filename"},
		{"CycloneDX", `"specVersion":"1.6"`, `"specVersion":"1.5"`, quality.BSI21, "format"},
		{"CycloneDX", `"components":[]`, `"components":[],"vulnerabilities":[{"id":"CVE-1"}]`, quality.BSI21, "no-vulnerabilities"},
		{"CycloneDX", `"url":"https://example.com/app"`, `"url":"app"`, quality.BSI21, "download"},
		{"CycloneDX", `"components":[],"dependencies":[{"ref":"r","dependsOn":[]}],"compositions":[{"aggregate":"complete",` +
			`"dependencies":["r"]}]`,
			`"components":[{"type":"file","name":"f"}]`, quality.NTIA2021, "dependencies"},
		{"CycloneDX", `"components":[]`, `"components":[]`, quality.Telco11, "format data-license document-name creator-organization " +
			"license-declared"},
		{"SPDX", `"supplier":"Organization: S"`, `"supplier":"NOASSERTION"`, quality.NTIA2021, "supplier"},
		{"SPDX", `"supplier":"Organization: S"`, `"supplier":"NOASSERTION"`, quality.CISA2026, ""},
		{"SPDX", `"supplier":"Organization: S",`, ``, quality.CISA2026, "producer"},
		{"SPDX", `"supplier":"Organization: S",`, ``, quality.Telco11, "supplier"},
		{"SPDX", `"licenseConcluded":"MIT"`, `"licenseConcluded":"NOASSERTION"`, quality.Telco11, ""},
		{"SPDX", `"licenseConcluded":"MIT"`, `"licenseConcluded":"Mine"`, quality.Telco11, "license-concluded"},
		{"SPDX", `CISA SBOM Type: Build`, `made on a Monday`, quality.Telco11, "creator-comment"},
		{"SPDX", `"Organization: A (a@example.com)",`, `"Person: A",`, quality.Telco11, "creator-organization"},
		{"SPDX", `"Organization: A (a@example.com)",`, ``, quality.NTIA2021, "author"},
		{"SPDX", `Tool: t-1`, `Tool: t`, quality.Telco11, "creator-tool-version"},
		{"SPDX", `"documentDescribes":["SPDXRef-r"],`, ``, quality.Telco11, "relationships"},
		{"SPDX", `"relationshipType":"DEPENDS_ON"`, `"relationshipType":"OTHER"`, quality.Telco11, ""},
		{"SPDX", `"relatedSpdxElement":"NONE"`, `"relatedSpdxElement":"NOASSERTION"`, quality.NTIA2021, ""},
		{"SPDX", `"checksums":[{"algorithm":"SHA256","checksumValue":"` + strings.Repeat("ab", 32) + `"}],`, ``, quality.Telco11, ""},
		{"SPDX", `"copyrightText":"(c) S",`, ``, quality.Telco11, "copyright"},
		{"SPDX", `"https://example.com/app"`, `"NONE"`, quality.Telco11, ""},
		{"SPDX", `"spdxVersion":"SPDX-2.3"`, `"spdxVersion":"SPDX-2.2"`, quality.Telco11, ""},
		{"SPDX", `"name":"n",`, ``, quality.Telco11, "document-name"},
		{"SPDX", `"dataLicense":"CC0-1.0",`, ``, quality.Telco11, "data-license"},
		{"SPDX", `"documentNamespace":"https://example.com/n",`, ``, quality.Telco11, "namespace"},
		{"SPDX", `"documentNamespace":"https://example.com/n",`, ``, quality.CISA2026, "document-version"},
		{"SPDX", `,"Tool: t-1"`, ``, quality.Telco11, "creator-tool creator-tool-version"},
		{"SPDX", `"created":"2026-01-02T03:04:05Z",`, ``, quality.Telco11, "created"},
		{"SPDX", `"versionInfo":"1",`, ``, quality.Telco11, "version"},
		{"SPDX", `"downloadLocation":"https://example.com/app",`, ``, quality.Telco11, "download"},
		{"SPDX", `"licenseDeclared":"MIT",`, ``, quality.Telco11, "license-declared"},
		{"SPDX", `"licenseDeclared":"MIT"`, `"licenseDeclared":"MIT AND Mine"`, quality.Telco11, "license-declared"},
		{"SPDX", `"relatedSpdxElement":"NONE"`, `"relatedSpdxElement":"NOASSERTION"`, quality.CISA2026, ""},
		{"SPDX", `pkg:generic/app@1`, `pkg:pypi/a/b@1`, quality.NTIA2021, "identifier"},
		{"SPDX", `"referenceType":"purl","referenceLocator":"pkg:generic/app@1"`,
			`"referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:s:app:1:*:*:*:*:*:*:*"`, quality.NTIA2021, ""},
		{"SPDX", `"referenceType":"purl","referenceLocator":"pkg:generic/app@1"`,
			`"referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:s:app:1"`, quality.NTIA2021, "identifier"},
		{"SPDX", `"referenceType":"purl","referenceLocator":"pkg:generic/app@1"`,
			`"referenceType":"cpe22Type","referenceLocator":"cpe:/a:s:app:1"`, quality.NTIA2021, ""},
		{"SPDX 3", `"createdBy":["https://x/a"],`, ``, quality.BSI21, "creator"},
		{"SPDX 3", `"createdBy":["https://x/a"],`, ``, quality.CISA2026, "author"},
		{"SPDX 3", `"identifier":"a@example.com"`, `"identifier":"nobody"`, quality.BSI21, "creator component-creator"},
		{"SPDX 3", `"created":"2026-01-02T03:04:05Z",`, ``, quality.BSI21, "timestamp"},
		{"SPDX 3", `,"createdUsing":["https://x/t"]`, ``, quality.CISA2026, "tool tool-version"},
		{"SPDX 3", `"name":"t-1"`, `"name":"t"`, quality.CISA2026, "tool-version"},
		{"SPDX 3", `,"software_sbomType":["build"]`, ``, quality.CISA2026, "generation-context"},
		{"SPDX 3", `"suppliedBy":"https://x/a",`, ``, quality.BSI21, "component-creator"},
		{"SPDX 3", `"software_packageVersion":"1",`, ``, quality.BSI21, "version"},
		{"SPDX 3", `"name":"app","software_packageVersion"`, `"software_packageVersion"`, quality.BSI21, "name"},
		{"SPDX 3", `"software_primaryPurpose":"application","software_additionalPurpose":["executable"],`, ``, quality.BSI21,
			"executable archive structured"},
		{"SPDX 3", `"relationshipType":"hasDistributionArtifact"`, `"relationshipType":"other"`, quality.BSI21, "filename deployable-hash"},
		{"SPDX 3", `"algorithm":"sha512"`, `"algorithm":"sha3_512"`, quality.BSI21, "deployable-hash"},
		{"SPDX 3", `"relationshipType":"hasConcludedLicense"`, `"relationshipType":"hasDeclaredLicense"`, quality.BSI21,
			"distribution-licence"},
		{"SPDX 3", `licenseExpression":"MIT"`, `licenseExpression":"NOASSERTION"`, quality.BSI21, "distribution-licence"},
		{"SPDX 3", `licenseExpression":"MIT"`, `licenseExpression":"NOASSERTION"`, quality.CISA2026, ""},
		{"SPDX 3", `"to":["https://x/l"]`, `"to":["https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoneLicense"]`, quality.BSI21, ""},
		{"SPDX 3", `"to":["https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"],"completeness":"complete"`,
			`"to":["https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"]`, quality.BSI21, "completeness"},
		{"SPDX 3", `packageUrl`, `gitoid`, quality.NTIA2021, ""},
		{"SPDX 3", `3.0.1/spdx-context`, `3.0.0/spdx-context`, quality.BSI21, "format"},
		{"SPDX 3", `{"type":"simplelicensing_LicenseExpression"`, `{"type":"security_Vulnerability","spdxId":"https://x/v",` +
			`"creationInfo":"_:c"},{"type":"simplelicensing_LicenseExpression"`, quality.BSI21, "no-vulnerabilities"},
	} {
		whole := document(tt.spec)
		if !strings.Contains(whole, tt.old) {
			t.Fatalf("%s has no %s", tt.spec, tt.old)
		}
		r := quality.Check(parse(t, strings.Replace(whole, tt.old, tt.new, 1)), tt.profile, signed)
		if got := strings.Join(failing(r), " "); got != tt.want {
			t.Errorf("%s by %s, with %s for %s: %q fail, want %q\n%s", tt.spec, tt.profile.Name, tt.new, tt.old, got, tt.want, r)
		}
		if r.Conforms() != (tt.want == "") || (tt.want == "") != (r.Score() == 100) {
			t.Errorf("%s: conforms: %v, score %v", tt.old, r.Conforms(), r.Score())
		}
	}
	if got := failing(quality.Check(parse(t, document("CycloneDX")), quality.CISA2026, nil)); !slices.Equal(got,
		[]string{"author-signature"}) {
		t.Errorf("unsigned: %q", got)
	}
}

// Every check is used and every rule's check exists; a rule of one's own with a wrong name does not pass.
func TestProfiles(t *testing.T) {
	used := map[string]bool{}
	for _, p := range quality.Profiles() {
		ids := map[string]bool{}
		for _, rule := range p.Rules {
			used[rule.Check] = true
			if quality.Checks()[rule.Check] == "" || ids[rule.ID] || rule.Clause == "" || rule.Title == "" {
				t.Errorf("%s: %+v", p.Name, rule)
			}
			ids[rule.ID] = true
		}
		if quality.ProfileByName(p.Name) != p {
			t.Errorf("%s is not found", p.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(quality.Checks())) {
		if !used[name] && name != "primary" && name != "hash" && name != "license-expression" {
			t.Errorf("no profile uses %s", name)
		}
	}
	r := quality.Check(parse(t, document("SPDX")),
		&quality.Profile{Title: "mine", Rules: []quality.Rule{{ID: "x", Title: "x", Check: "colour"}}}, nil)
	if r.Conforms() || !strings.Contains(r.String(), `there is no check "colour"`) {
		t.Error(r)
	}
	if quality.ProfileByName("none") != nil {
		t.Error("a profile that is not there")
	}
}

// The fixtures of sbomqs that say in their index how it judged them by NTIA's elements: how many of seven are met. Where
// we count otherwise, the reason is here.
func TestNTIAFixtures(t *testing.T) {
	files, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	met := regexp.MustCompile(`sbomqs NTIA minimum elements profile: (\d) of 7 required elements met`)
	differ := ntiaDifferences
	n := 0
	for _, row := range strings.Split(string(files["INDEX.tsv"]), "\n") {
		m := met.FindStringSubmatch(row)
		if m == nil {
			continue
		}
		n++
		name, _, _ := strings.Cut(row, "\t")
		want, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		r := quality.Check(read(t, name), quality.NTIA2021, nil)
		got := 7 - len(failing(r))
		t.Logf("%-60s sbomqs %d, lading %d, fails: %s", name, want, got, strings.Join(failing(r), " "))
		if explained := differ[name]; got != want && explained != got {
			t.Errorf("%s: %d elements are met, sbomqs counts %d\n%s", name, got, want, r)
		}
	}
	if n < 8 {
		t.Errorf("%d fixtures", n)
	}
}

// BSI's rules on sbomqs's fixtures, whose names say which field is in which state. Where a rule comes out otherwise, the
// reason is in bsiDifferences.
func TestBSIFixtures(t *testing.T) {
	agreed, differ := 0, 0
	for _, name := range slices.Sorted(maps.Keys(bsiFixtures)) {
		r := quality.Check(read(t, name), quality.BSI21, nil)
		got := outcome(r)
		_, short, _ := strings.Cut(name, "/bsi/")
		for rule, want := range bsiFixtures[name] {
			why := bsiDifferences[short+" "+rule]
			switch {
			case got[rule] == want && why == "":
				agreed++
			case got[rule] != want && why != "":
				differ++
				t.Logf("%s: %s: %v, not %v: %s", short, rule, got[rule], want, why)
			default:
				t.Errorf("%s: %s is %v, the name says %v\n%s", name, rule, got[rule], want, r)
			}
		}
	}
	if t.Logf("%d as the name says, %d otherwise", agreed, differ); differ != len(bsiDifferences) {
		t.Errorf("%d differences, %d have a reason", differ, len(bsiDifferences))
	}
}

func TestCorpus(t *testing.T) {
	files, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, data := range files {
		d, err := sbom.Parse(bytes.NewReader(data))
		if err != nil {
			continue
		}
		n++
		for _, p := range quality.Profiles() {
			r := quality.Check(d, p, nil)
			if s := r.Score(); s < 0 || s > 100 || r.Conforms() && s < 100 {
				t.Errorf("%s by %s: score %v", name, p.Name, s)
			}
			for _, line := range strings.Split(r.String(), "\n") {
				if len([]rune(line)) > 120 {
					t.Errorf("%s: a line of %d: %s", name, len(line), line)
				}
			}
			for _, x := range r.Results {
				if x.Status == quality.Fail && x.Reason == "" {
					t.Errorf("%s: %s fails for no reason", name, x.Rule.ID)
				}
			}
		}
	}
	if n < 500 {
		t.Errorf("%d documents", n)
	}
}

// BenchmarkCheck prints the exponent of the time over the number of components: 1 is linear.
func BenchmarkCheck(b *testing.B) {
	for _, p := range quality.Profiles() {
		b.Run(p.Name, func(b *testing.B) {
			sizes := []int{1_000, 10_000, 100_000}
			times := make([]float64, len(sizes))
			for i, n := range sizes {
				var s strings.Builder
				s.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"application",` +
					`"bom-ref":"r","name":"r"}},"components":[`)
				for k := range n {
					fmt.Fprintf(&s, `%s{"type":"library","bom-ref":"%d","name":"n%d","version":"1","purl":"pkg:npm/n%d@1",`+
						`"licenses":[{"license":{"id":"MIT"}}],"supplier":{"name":"S"},"hashes":[{"alg":"SHA-256","content":"ab"}]}`,
						strings.Repeat(",", min(k, 1)), k, k, k)
				}
				s.WriteString(`],"dependencies":[{"ref":"r","dependsOn":["0"]}]}`)
				d := parse(b, s.String())
				times[i] = math.Inf(1)
				for range max(3, b.N) {
					start := time.Now()
					quality.Check(d, p, nil)
					times[i] = min(times[i], time.Since(start).Seconds())
				}
				b.ReportMetric(times[i]*1e3, fmt.Sprintf("ms_%dk", n/1000))
			}
			b.ReportMetric(math.Log10(times[2]/times[0])/2, "exponent")
		})
	}
}
