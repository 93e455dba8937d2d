package spdxrdf

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
)

const open = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" ` +
	`xmlns:s="http://spdx.org/rdf/terms#" xmlns:x="urn:x">`

func read(t testing.TB, body string) (string, []form.Extra, error) {
	t.Helper()
	d, err := xmltree.Parse([]byte(open+body+`</rdf:RDF>`), xmltree.Limits{Depth: 1000})
	if err != nil {
		t.Fatal(err)
	}
	v, extras, err := Read(d)
	if err != nil {
		return "", nil, err
	}
	text, _ := v.JSON()
	return string(text), extras, nil
}

func TestRead(t *testing.T) {
	got, extras, err := read(t, `
<s:SpdxDocument rdf:about="urn:d#SPDXRef-DOCUMENT" s:name="n">
  <s:specVersion>SPDX-2.3</s:specVersion>
  <s:dataLicense rdf:resource="http://spdx.org/licenses/CC0-1.0"/>
  <s:creationInfo rdf:parseType="Resource"><s:creator>Tool: t</s:creator><s:created>2024-01-01T00:00:00Z</s:created></s:creationInfo>
  <s:externalDocumentRef><s:ExternalDocumentRef><s:externalDocumentId>DocumentRef-o</s:externalDocumentId><s:spdxDocument rdf:resource="urn:o"/></s:ExternalDocumentRef></s:externalDocumentRef>
  <s:relationship><s:Relationship><s:relationshipType rdf:resource="http://spdx.org/rdf/terms#relationshipType_dynamicLink"/><s:relatedSpdxElement rdf:resource="urn:o#SPDXRef-z"/><rdfs:comment>c</rdfs:comment></s:Relationship></s:relationship>
  <x:own>extra</x:own>
</s:SpdxDocument>
<rdf:Description rdf:about="urn:d#SPDXRef-p"><rdf:type rdf:resource="http://spdx.org/rdf/terms#Package"/><s:name>p</s:name>
  <s:licenseDeclared><s:DisjunctiveLicenseSet><s:member rdf:resource="http://spdx.org/licenses/MIT"/><s:member><s:ConjunctiveLicenseSet><s:member rdf:resource="http://spdx.org/licenses/ISC"/><s:member><s:ExtractedLicensingInfo rdf:about="urn:d#LicenseRef-1"><s:licenseId>LicenseRef-1</s:licenseId></s:ExtractedLicensingInfo></s:member></s:ConjunctiveLicenseSet></s:member></s:DisjunctiveLicenseSet></s:licenseDeclared>
  <s:licenseConcluded rdf:resource="http://spdx.org/rdf/terms#noassertion"/><s:downloadLocation rdf:resource="http://spdx.org/rdf/terms#none"/>
  <s:checksum rdf:nodeID="c"/><s:name>twice</s:name>
</rdf:Description>
<s:Checksum rdf:nodeID="c"><s:algorithm rdf:resource="http://spdx.org/rdf/terms#checksumAlgorithm_sha256"/><s:checksumValue>00</s:checksumValue></s:Checksum>`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"SPDXID":"SPDXRef-DOCUMENT","documentNamespace":"urn:d",` +
		`"externalDocumentRefs":[{"externalDocumentId":"DocumentRef-o","spdxDocument":"urn:o"}],` +
		`"spdxVersion":"SPDX-2.3","name":"n","dataLicense":"CC0-1.0","creationInfo":{"created":"2024-01-01T00:00:00Z",` +
		`"creators":["Tool: t"]},` +
		`"packages":[{"SPDXID":"SPDXRef-p","downloadLocation":"NONE","checksums":[{"algorithm":"SHA256","checksumValue":"00"}],` +
		`"licenseDeclared":"MIT OR (ISC AND LicenseRef-1)","licenseConcluded":"NOASSERTION","name":"p"}],` +
		`"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-1"}],` +
		`"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DYNAMIC_LINK",` +
		`"relatedSpdxElement":"DocumentRef-o:SPDXRef-z","comment":"c"}]}`
	if got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	if len(extras) != 2 || extras[0].Path != "/RDF/SpdxDocument/own" || extras[1].Path != "/RDF/Description/name[2]" {
		t.Errorf("extras %v, want the element of another namespace and the second name", extras)
	}
}

func TestReadRefuses(t *testing.T) {
	const doc = `<s:SpdxDocument rdf:about="urn:d#SPDXRef-DOCUMENT"/>`
	for _, body := range []string{
		``, `<s:Package/>`, doc + strings.Replace(doc, "urn:d", "urn:e", 1), doc + `<s:Package><s:name rdf:parseType="Collection"/>` +
			`</s:Package>`,
		doc + `<s:Package><s:name rdf:bagID="x"/></s:Package>`, doc + `<s:Package><s:name><s:File/><s:File/></s:name></s:Package>`,
	} {
		if got, _, err := read(t, body); !errors.Is(err, ErrRDF) {
			t.Errorf("%s: %s %v, want %v", body, got, err, ErrRDF)
		}
	}
}

// TestWork checks that licences inside of each other, which as an expression would be larger than anything, end.
func TestWork(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<s:SpdxDocument rdf:about="urn:d#SPDXRef-DOCUMENT"><s:dataLicense rdf:nodeID="n0"/></s:SpdxDocument>`)
	for i := range 60 {
		fmt.Fprintf(&b, `<s:ConjunctiveLicenseSet rdf:nodeID="n%d"><s:member rdf:nodeID="n%d"/><s:member rdf:nodeID="n%[2]d"/>`+
			`</s:ConjunctiveLicenseSet>`, i, i+1)
	}
	if _, _, err := read(t, b.String()); !errors.Is(err, xmltree.ErrLimit) {
		t.Errorf("%v, want %v", err, xmltree.ErrLimit)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`<s:SpdxDocument rdf:about="urn:d#SPDXRef-DOCUMENT"><s:name>n</s:name><s:relationship><s:Relationship/></s:relationship>` +
		`</s:SpdxDocument>`)
	f.Add(`<s:SpdxDocument rdf:about="urn:d#SPDXRef-DOCUMENT"><s:dataLicense rdf:nodeID="a"/></s:SpdxDocument><s:OrLaterOperator ` +
		`rdf:nodeID="a"><s:member rdf:nodeID="a"/></s:OrLaterOperator>`)
	f.Add(`<s:SpdxDocument/><s:Snippet><s:range><s:StartEndPointer><s:startPointer><s:P><s:offset>1</s:offset></s:P>` +
		`</s:startPointer></s:StartEndPointer></s:range></s:Snippet>`)
	f.Fuzz(func(t *testing.T, body string) {
		d, err := xmltree.Parse([]byte(open+body+`</rdf:RDF>`), xmltree.Limits{})
		if err != nil {
			return
		}
		v, _, err := Read(d)
		if err != nil {
			return
		}
		text, _ := v.JSON()
		if err := strictjson.Check(text, strictjson.Limits{}); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	})
}

// TestReadSpelling reads what each version of the JSON form spells in its own way, and operators inside of each other.
func TestReadSpelling(t *testing.T) {
	for version, want := range map[string]string{"SPDX-2.2": "PACKAGE_MANAGER", "SPDX-2.3": "PACKAGE-MANAGER"} {
		got, extras, err := read(t, `<s:SpdxDocument rdf:about="urn:d#SPDXRef-DOCUMENT"><s:specVersion>`+version+`</s:specVersion></s:SpdxDocument>
<s:Package rdf:about="urn:d#SPDXRef-p"><s:name>p</s:name>
  <s:externalRef><s:ExternalRef><s:referenceCategory rdf:resource="http://spdx.org/rdf/terms#referenceCategory_packageManager"/></s:ExternalRef></s:externalRef>
  <s:externalRef><s:ExternalRef><s:referenceCategory rdf:resource="http://spdx.org/rdf/terms#referenceCategory_persistentId"/></s:ExternalRef></s:externalRef>
  <s:licenseConcluded><s:WithExceptionOperator><s:member><s:OrLaterOperator><s:member rdf:resource="http://spdx.org/licenses/GPL-2.0"/></s:OrLaterOperator></s:member><s:licenseException rdf:resource="http://spdx.org/licenses/Classpath-exception-2.0"/></s:WithExceptionOperator></s:licenseConcluded>
</s:Package>`)
		if err != nil || extras != nil {
			t.Fatal(extras, err)
		}
		for _, want := range []string{`"` + want + `"`, `"PERSISTENT-ID"`, `"GPL-2.0+ WITH Classpath-exception-2.0"`} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s in %s", version, want, got)
			}
		}
	}
}
