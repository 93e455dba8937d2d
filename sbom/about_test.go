package sbom

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The same facts, said in three specifications.
func TestAbout(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for _, tt := range []struct{ name, doc string }{
		{"CycloneDX", `{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"lifecycles":[{"phase":"build"}],"authors":[{"name":"A","email":"a@example.com"}],
"tools":{"components":[{"type":"application","name":"t","version":"1"}]},"licenses":[{"license":{"id":"CC0-1.0"}}],"component":{"type":"application","bom-ref":"r","name":"app"}},
"components":[{"type":"library","bom-ref":"c","name":"c","purl":"pkg:npm/c@1","cpe":"cpe:2.3:a:c:c:1:*:*:*:*:*:*:*","swhid":["swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"],
"supplier":{"name":"S","contact":[{"email":"s@example.com"}]},"copyright":"(c) C","hashes":[{"alg":"SHA-256","content":"` + sum + `"}],
"licenses":[{"expression":"MIT","acknowledgement":"declared"}]}],"compositions":[{"aggregate":"complete","dependencies":["r"]}]}`},
		{"SPDX 2", `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"https://example.com/n",
"creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Person: A (a@example.com)","Tool: t-1"],"comment":"build"},"documentDescribes":["SPDXRef-r"],
"packages":[{"SPDXID":"SPDXRef-r","name":"app","downloadLocation":"NONE"},{"SPDXID":"SPDXRef-c","name":"c","downloadLocation":"NOASSERTION","supplier":"Organization: S (s@example.com)",
"copyrightText":"(c) C","licenseDeclared":"MIT","licenseConcluded":"NOASSERTION","checksums":[{"algorithm":"SHA256","checksumValue":"` + sum + `"}],
"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/c@1"},{"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:c:c:1:*:*:*:*:*:*:*"},
{"referenceCategory":"PERSISTENT-ID","referenceType":"swh","referenceLocator":"swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"}]}],
"relationships":[{"spdxElementId":"SPDXRef-r","relationshipType":"DEPENDS_ON","relatedSpdxElement":"NONE"}]}`},
		{"SPDX 3", `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
{"type":"CreationInfo","@id":"_:c","created":"2026-01-02T03:04:05Z","createdBy":["a"],"createdUsing":["t"]},
{"type":"Person","spdxId":"a","name":"A","externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"email","identifier":"a@example.com"}]},
{"type":"Tool","spdxId":"t","name":"t"},{"type":"Organization","spdxId":"s","name":"S","externalIdentifier":[{"externalIdentifierType":"email","identifier":"s@example.com"}]},
{"type":"SpdxDocument","spdxId":"d","dataLicense":"CC0-1.0","rootElement":["r"]},{"type":"software_Sbom","spdxId":"b","software_sbomType":["build"],"rootElement":["r"]},
{"type":"software_Package","spdxId":"r","name":"app"},
{"type":"software_Package","spdxId":"c","name":"c","software_packageUrl":"pkg:npm/c@1","software_copyrightText":"(c) C","suppliedBy":"s",
"externalIdentifier":[{"externalIdentifierType":"cpe23","identifier":"cpe:2.3:a:c:c:1:*:*:*:*:*:*:*"},{"externalIdentifierType":"swhid","identifier":"swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"}],
"verifiedUsing":[{"type":"Hash","algorithm":"sha256","hashValue":"` + sum + `"}]},
{"type":"simplelicensing_LicenseExpression","spdxId":"l","simplelicensing_licenseExpression":"MIT"},
{"type":"Relationship","spdxId":"x","from":"c","relationshipType":"hasDeclaredLicense","to":["l"]},
{"type":"Relationship","spdxId":"y","from":"r","relationshipType":"dependsOn","to":["c"],"completeness":"complete"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse(strings.NewReader(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			a := d.About()
			if len(a.Authors) != 1 || a.Authors[0].Name != "A" || a.Authors[0].Email != "a@example.com" {
				t.Errorf("authors %+v", a.Authors)
			}
			if len(a.Tools) != 1 || !strings.HasPrefix(a.Tools[0].Name, "t") || a.DataLicense != "CC0-1.0" {
				t.Errorf("tools %+v, data licence %q", a.Tools, a.DataLicense)
			}
			if got := append(a.Lifecycles, a.Comment); got[0] != "build" {
				t.Errorf("lifecycles %q", got)
			}
			if a.Completeness[d.Roots()[0]] != "complete" {
				t.Errorf("completeness %v", a.Completeness)
			}
			var c Ref
			for r := range d.ByPURL("pkg:npm/C@1") {
				c = r
			}
			got := d.Details(c)
			want := &Details{
				Supplier: &Party{Kind: "Organization", Name: "S", Email: "s@example.com"}, PURLs: []string{"pkg:npm/c@1"},
				CPEs:        []string{"cpe:2.3:a:c:c:1:*:*:*:*:*:*:*"},
				Identifiers: []Identifier{{"swhid", "swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"}},
				Hashes:      []Hash{{"SHA-256", sum}}, Copyright: "(c) C",
			}
			licenses := d.Licenses(c)
			if !slices.Contains(licenses, LicenseClaim{Role: "declared", State: Value, Expression: "MIT"}) {
				t.Errorf("licences %+v", licenses)
			}
			got.Licenses, got.References, got.Download = nil, nil, ""
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v\nwant %+v", got, want)
			}
			p, err := ParsePURL("pkg:npm/c@1?vcs_url=x")
			if err != nil {
				t.Fatal(err)
			}
			for r := range d.Match(p) {
				c = None - r // found
			}
			if c >= 0 {
				t.Error("no match")
			}
		})
	}
}

func TestAboutCorpus(t *testing.T) {
	suppliers, authors, tools := 0, 0, 0
	for f := range part(t) {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			continue
		}
		a := d.About()
		authors, tools = authors+len(a.Authors), tools+len(a.Tools)
		for r := range d.Components() {
			x := d.Details(r)
			if x.Supplier != nil {
				suppliers++
			}
			if len(x.Licenses) != len(d.Licenses(r)) || len(x.Hashes) != len(d.Hashes(r)) {
				t.Errorf("%s: component %d: %d licences, %d hashes; want %d, %d", f.Name, r, len(x.Licenses), len(x.Hashes),
					len(d.Licenses(r)), len(d.Hashes(r)))
			}
			if p := d.Component(r).PURL; p != "" && len(x.PURLs) == 0 {
				t.Errorf("%s: component %d: %s is gone", f.Name, r, p)
			}
		}
	}
	t.Log(suppliers, "suppliers,", authors, "authors,", tools, "tools")
	if suppliers < least(100) || authors < least(100) || tools < least(150) {
		t.Errorf("%d suppliers, %d authors, %d tools", suppliers, authors, tools)
	}
}

// What is looked up at first use is looked up by many at once.
func TestConcurrentLookups(t *testing.T) {
	for name, d := range valid(t) {
		if d.Len() == 0 || d.Len() > 50 {
			continue
		}
		var done sync.WaitGroup
		for range 4 {
			done.Go(func() {
				first := d.Component(0)
				d.About()
				d.Details(0)
				d.Licenses(0)
				d.Roots()
				for range d.ByPURL(first.PURL) {
				}
				if p, err := ParsePURL(first.PURL); err == nil {
					for range d.Match(p) {
					}
				}
				for range d.ByHash(Hash{"SHA-256", "00"}) {
				}
				for range d.Graph().Reachable(0) {
				}
				if c := Diff(d, d, nil); !c.Empty() {
					t.Errorf("%s: %+v", name, c)
				}
			})
		}
		done.Wait()
	}
}

// TestAboutSPDX3 asks a document that is one object, and whose SBOM says when it was made, once.
func TestAboutSPDX3(t *testing.T) {
	d := mustParse(t, `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
		{"type":"CreationInfo","@id":"_:c","created":"2026-01-02T03:04:05Z","createdBy":["urn:x:o"],"specVersion":"3.0.1"},
		{"type":"Organization","spdxId":"urn:x:o","creationInfo":"_:c","name":"O"},
		{"type":"SpdxDocument","spdxId":"urn:x:d","creationInfo":"_:c","rootElement":["urn:x:s"]},
		{"type":"software_Sbom","spdxId":"urn:x:s","creationInfo":"_:c","software_sbomType":["build","analyzed"],"rootElement":["urn:x:p"]},
		{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p","externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"cpe23",
			"identifier":"cpe:2.3:*:*:p:1.3.1:*:*:*:*:*:*:*"}]}]}`)
	if got := d.About().Lifecycles; strings.Join(got, " ") != "build post-build" {
		t.Errorf("%q", got)
	}
	out, report := mustConvert(t, d, Format{SPDX, "2.3"})
	for _, l := range report.Losses {
		if strings.Contains(l.Path, "externalIdentifier") {
			t.Errorf("%v, in\n%s", l, out.Bytes())
		}
	}
}
