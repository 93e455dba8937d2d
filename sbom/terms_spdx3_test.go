package sbom

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spdx3"
)

// TestSPDX3Terms checks that nothing is hidden by the spellings that JSON-LD has for one graph: what Validate refuses is
// either read as readers of JSON-LD read it, or refused by Parse too.
func TestSPDX3Terms(t *testing.T) {
	const q = `{"type":"software_Package","spdxId":"urn:x:q","creationInfo":"_:c","name":"q","software_packageUrl":"pkg:npm/q@1"}`
	const p = `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p"}`
	const relation = `{"type":"Relationship","spdxId":"urn:x:r","creationInfo":"_:c","relationshipType":"dependsOn",` +
		`"from":"urn:x:p","to":["urn:x:q"]}`
	good := spdx3Head + p + "," + q + "," + relation + "]}"
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatal(old)
		}
		return strings.Replace(good, old, new, 1)
	}
	const terms = "https://spdx.org/rdf/3.0.1/terms/"
	for name, in := range map[string]string{
		"class": swap(`"software_Package","spdxId":"urn:x:q"`, `"`+terms+`Software/Package","spdxId":"urn:x:q"`),
		"class of 3.0.0": swap(`"software_Package","spdxId":"urn:x:q"`, `"https://spdx.org/rdf/3.0.0/terms/Software/Package",`+
			`"spdxId":"urn:x:q"`),
		"compact class":    swap(`"software_Package","spdxId":"urn:x:q"`, `"spdx:Software/Package","spdxId":"urn:x:q"`),
		"@type":            swap(`"type":"software_Package","spdxId":"urn:x:q"`, `"@type":"`+terms+`Software/Package","@id":"urn:x:q"`),
		"property":         swap(`"software_packageUrl"`, `"`+terms+`Software/packageUrl"`),
		"name":             swap(`"name":"q"`, `"`+terms+`Core/name":"q"`),
		"to":               swap(`"to":["urn:x:q"]`, `"`+terms+`Core/to":["urn:x:q"]`),
		"relationship":     swap(`"type":"Relationship"`, `"type":"`+terms+`Core/Relationship"`),
		"type of it":       swap(`"relationshipType":"dependsOn"`, `"relationshipType":"`+terms+`Core/RelationshipType/dependsOn"`),
		"document":         swap(`"type":"SpdxDocument"`, `"type":"`+terms+`Core/SpdxDocument"`),
		"a set":            swap(`"to":["urn:x:q"]`, `"to":{"@set":["urn:x:q"]}`),
		"sets":             swap(`"to":["urn:x:q"]`, `"to":[{"@set":[{"@set":[`+q+`]}]}]`),
		"beside, element":  strings.Replace(swap(","+q, ""), `"@graph"`, `"element":[`+q+`],"@graph"`, 1),
		"beside, after":    strings.TrimSuffix(swap(","+q, ""), "}") + `,"element":[` + q + `]}`,
		"beside, itself":   strings.TrimSuffix(swap(","+q, ""), "}") + "," + q[1:],
		"beside, any name": strings.TrimSuffix(swap(","+q, ""), "}") + `,"x":{"y":[` + q + `]}}`,
		"in an extension": strings.Replace(swap(","+q, ""), `"name":"p"`, `"name":"p","extension":[`+strings.Replace(q,
			"software_Package", terms+"Software/Package", 1)+`]`, 1),
		"included":           strings.Replace(swap(","+q, ""), `"name":"p"`, `"name":"p","@included":[`+q+`]`, 1),
		"a graph in a graph": strings.Replace(swap(","+q, ""), `"name":"p"`, `"name":"p","@graph":[`+q+`]`, 1),
		"identifier": strings.Replace(good, `"software_packageUrl":"pkg:npm/q@1"`,
			`"externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"`+terms+`Core/ExternalIdentifierType/pack`+
				`ageUrl","identifier":"pkg:npm/q@1"}]`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Validate([]byte(in)); err == nil {
				t.Error("valid")
			}
			d := mustParse(t, in)
			ref, ok := d.ByID("urn:x:q")
			if !ok || d.Component(ref).Name != "q" || d.Component(ref).PURL != "pkg:npm/q@1" {
				t.Fatalf("q is not there")
			}
			if got := edgesOf(d); len(got) != 1 || got[0] != "p DEPENDS_ON q" {
				t.Errorf("%q", got)
			}
			for _, target := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.3"}} {
				out, r := mustConvert(t, d, target)
				if got := edgesOf(out); len(got) != 1 || got[0] != "p DEPENDS_ON q" {
					t.Errorf("%v: %q", target, got)
				}
				if silent := differ(t, []byte(in), out.Bytes(), r); len(silent) > 0 && !strings.HasPrefix(name, "type of it") {
					t.Errorf("%v: silent: %q", target, silent)
				}
			}
		})
	}
	for name, in := range map[string]string{
		"reversed":          strings.Replace(swap(","+relation, ""), `"name":"q"`, `"name":"q","@reverse":{"to":[`+relation+`]}`, 1),
		"nested properties": swap(`"name":"q"`, `"@nest":{"name":"q"}`),
		"no reference":      swap(`"to":["urn:x:q"]`, `"to":[{"name":"q"}]`),
		"a value":           swap(`"to":["urn:x:q"]`, `"to":[{"@value":"urn:x:q"}]`),
		"a number":          swap(`"to":["urn:x:q"]`, `"to":[5]`),
		"two classes": swap(`"type":"software_Package","spdxId":"urn:x:q"`,
			`"type":["software_Package","software_File"],"spdxId":"urn:x:q"`),
		"another context": strings.Replace(swap(`"software_Package","spdxId":"urn:x:q"`, `"Pkg","spdxId":"urn:x:q"`), `"@context":`,
			`"@context":["https://example.org/context.jsonld",`, 1),
		"an own context": strings.Replace(swap(`"software_Package","spdxId":"urn:x:q"`, `"Pkg","spdxId":"urn:x:q"`), `"@context":`,
			`"@context":[{"Pkg":"`+terms+`Software/Package"},`, 1),
	} {
		in = strings.Replace(in, `context.jsonld","@graph"`, `context.jsonld"],"@graph"`,
			map[bool]int{true: 1}[strings.HasSuffix(name, " context")])
		if _, err := Validate([]byte(in)); err == nil {
			t.Errorf("%s: valid", name)
		}
		if d, err := Parse(strings.NewReader(in)); err == nil {
			t.Errorf("%s is read: %d components", name, d.Len())
		}
	}
}

// TestSPDX3TermNames holds the names that are made of IRIs against all classes and properties of the schema.
func TestSPDX3TermNames(t *testing.T) {
	data, err := schema.Read("spdx/spdx-3.0.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, profile := range []string{"Core", "Software", "Security", "SimpleLicensing", "ExpandedLicensing", "AI", "Dataset", "Build",
		"Extension"} {
		name, parts := spdx3.Term("https://spdx.org/rdf/3.0.1/terms/" + profile + "/x")
		prefix := strings.TrimSuffix(name, "x")
		if parts != 2 || prefix != "" && !bytes.Contains(data, []byte(`"`+prefix)) {
			t.Errorf("%s: %q", profile, name)
		}
	}
	for _, no := range []string{"https://spdx.org/rdf/3.0.1/terms/Core", "https://spdx.org/rdf/3.0.1/terms/a/b/c/d",
		"https://spdx.org/rdf/3.0.1/x/Core/y", "spdx:", "spdx:Core/", "urn:x:y"} {
		if name, parts := spdx3.Term(no); parts != 0 {
			t.Errorf("%s: %s", no, name)
		}
	}
}
