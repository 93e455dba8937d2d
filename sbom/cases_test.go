package sbom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spdx3"
)

func readCase(t testing.TB, name string) *Document {
	t.Helper()
	data, err := os.ReadFile("testdata/cases/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(data))
}

func mustParse(t testing.TB, data string) *Document {
	t.Helper()
	d, err := Parse(strings.NewReader(data))
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, data)
	}
	return d
}

// mustConvert converts a document into a valid one.
func mustConvert(t testing.TB, d *Document, target Format) (*Document, *Report) {
	t.Helper()
	out, r, err := Convert(d, target, nil)
	if err != nil {
		t.Fatalf("%v to %v: %v", d.Format(), target, err)
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Fatalf("%v to %v: %v\n%s", d.Format(), target, err, out.Bytes())
	}
	return out, r
}

// edgesOf lists what a document relates, by names.
func edgesOf(d *Document) (out []string) {
	for e := range d.Relationships() {
		if e.From != None && e.To != None {
			out = append(out, fmt.Sprintf("%s %s %s", d.Component(e.From).Name, e.Type, d.Component(e.To).Name))
		}
	}
	slices.Sort(out)
	return out
}

const spdx3Head = `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1","created":"2026-01-02T03:04:05Z","createdBy":["urn:x:org"]},
{"type":"Organization","spdxId":"urn:x:org","creationInfo":"_:c","name":"Org"},
{"type":"SpdxDocument","spdxId":"urn:x:doc","creationInfo":"_:c","rootElement":["urn:x:p"]},
`

// TestSPDX3Nested checks that no place of the schema that takes an element hides a package: Validate refuses it, and the
// package is read.
func TestSPDX3Nested(t *testing.T) {
	q := `{"type":"software_Package","spdxId":"urn:x:q","creationInfo":"_:c","name":"q","software_packageUrl":"pkg:npm/q@1"}`
	p := `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p"}`
	file := `{"type":"software_File","spdxId":"urn:x:q","creationInfo":"_:c","name":"q"}`
	relation := `{"type":"Relationship","spdxId":"urn:x:r","creationInfo":"_:c","relationshipType":"dependsOn",`
	for name, in := range map[string]string{
		"to":   spdx3Head + p + `,` + relation + `"from":"urn:x:p","to":[` + q + `]}]}`,
		"from": spdx3Head + p + `,` + relation + `"from":` + q + `,"to":["urn:x:p"]}]}`,
		"both, in a chain": spdx3Head + relation + `"from":` + p + `,"to":[` + relation[:len(relation)-1] +
			`,"spdxId":"urn:x:r2","from":"urn:x:p","to":[` + q + `]}]}]}`,
		"element": spdx3Head + p + `,{"type":"software_Sbom","spdxId":"urn:x:s","creationInfo":"_:c",` +
			`"rootElement":["urn:x:p"],"element":["urn:x:p",` + q + `]}]}`,
		"rootElement": spdx3Head + p + `,{"type":"Bundle","spdxId":"urn:x:s","creationInfo":"_:c","rootElement":[` + q + `]}]}`,
		"subject": spdx3Head + p + `,{"type":"Annotation","spdxId":"urn:x:a","creationInfo":"_:c",` +
			`"annotationType":"other","statement":"s","subject":` + q + `}]}`,
		"assessed element": spdx3Head + p + `,{"type":"security_VexFixedVulnAssessmentRelationship","spdxId":"urn:x:a",` +
			`"creationInfo":"_:c","relationshipType":"fixedIn","from":"urn:x:p","to":["urn:x:p"],"security_assessedElement":` + q + `}]}`,
		"snippet's file": spdx3Head + p + `,{"type":"software_Snippet","spdxId":"urn:x:s","creationInfo":"_:c","name":"s",` +
			`"software_snippetFromFile":` + file + `}]}`,
		"defining artifact": strings.Replace(spdx3Head, `"rootElement"`,
			`"import":[{"type":"ExternalMap","externalSpdxId":"urn:y:1","definingArtifact":`+q+`}],"rootElement"`, 1) +
			p + `]}`,
		"no @graph": `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","type":"SpdxDocument","spdxId":"urn:x:doc",
			"creationInfo":{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1","created":"2026-01-02T03:04:05Z","createdBy":[
			{"type":"Organization","spdxId":"urn:x:org","creationInfo":"_:c","name":"Org"}]},"rootElement":[` + p + `],"element":[` + q + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.Replace(in, `"spdxId":"urn:x:r","creationInfo":"_:c","relationshipType":"dependsOn","spdxId":"urn:x:r2"`,
				`"spdxId":"urn:x:r2","creationInfo":"_:c","relationshipType":"dependsOn"`, 1)
			_, err := Validate([]byte(in))
			if err == nil || !strings.Contains(err.Error(), "Move this element") {
				t.Errorf("Validate: %v", err)
			}
			d := mustParse(t, in)
			ref, ok := d.ByID("urn:x:q")
			if !ok || d.Component(ref).Name != "q" {
				t.Fatalf("q is not there: %v", slices.Collect(d.Relationships()))
			}
			if name == "to" || name == "from" || strings.HasPrefix(name, "both") {
				if got := edgesOf(d); len(got) != 1 || !strings.Contains(got[0], "q") || !strings.Contains(got[0], "p") {
					t.Errorf("%q", got)
				}
			}
			for _, target := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.3"}} {
				out, r := mustConvert(t, d, target)
				if !bytes.Contains(out.Bytes(), []byte(`"name": "q"`)) {
					t.Errorf("%v has no q", target)
				}
				if silent := differ(t, []byte(in), out.Bytes(), r); len(silent) > 0 {
					t.Errorf("%v: silent: %q", target, silent)
				}
			}
		})
	}
}

// TestSPDX3Elements holds the lists of classes and properties against the schema.
func TestSPDX3Elements(t *testing.T) {
	data, err := schema.Read("spdx/spdx-3.0.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	var any struct {
		AnyOf []struct {
			AnyOf []struct {
				Ref string `json:"$ref"`
			}
		}
	}
	if err := json.Unmarshal(schema.Defs["Element_derived"], &any); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, a := range any.AnyOf[0].AnyOf {
		want[strings.TrimPrefix(a.Ref, "#/$defs/")] = true
	}
	if len(want) < 30 {
		t.Fatalf("%d classes of elements", len(want))
	}
	for name := range schema.Defs {
		if spdx3.IsElementClass(name) != want[name] {
			t.Errorf("%s: an element by the schema: %v", name, want[name])
		}
	}
	// Of a property whose values are objects: all of them are elements, or none is.
	for name, raw := range schema.Defs {
		var ref struct {
			Ref string `json:"$ref"`
		}
		if !strings.HasPrefix(name, "prop_") || json.Unmarshal(raw, &ref) != nil || !strings.HasSuffix(ref.Ref, "_derived") {
			continue
		}
		values := string(schema.Defs[strings.TrimPrefix(ref.Ref, "#/$defs/")])
		elements := false
		for e := range want {
			elements = elements || strings.Contains(values, `"#/$defs/`+e+`"`)
		}
		parts := false
		for rest, more := strings.TrimSuffix(name, "_"), true; more && !parts; parts = spdx3.IsPart(rest) {
			_, rest, more = strings.Cut(rest, "_")
		}
		if creation := strings.HasSuffix(name, "_creationInfo"); elements == parts && !creation {
			t.Errorf("%s: values are elements: %v, listed as part: %v", name, elements, parts)
		}
	}
}

// TestSPDX3Inline checks that creation information inside of the elements is the document's.
func TestSPDX3Inline(t *testing.T) {
	d := readCase(t, "inline-creation.spdx3.json")
	if _, err := Validate(d.Bytes()); err != nil {
		t.Error(err)
	}
	if a := d.About(); d.Created() != "2026-01-02T03:04:05Z" || len(a.Authors) != 1 || a.Authors[0].Name != "Org" {
		t.Errorf("%q, %+v", d.Created(), a)
	}
	for _, target := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.3"}, {SPDX, "2.2"}} {
		out, r := mustConvert(t, d, target)
		if a := out.About(); out.Created() != "2026-01-02T03:04:05Z" || len(a.Authors) != 1 || a.Authors[0].Name != "Org" {
			t.Errorf("%v: %q, %+v", target, out.Created(), a)
		}
		for _, l := range r.Losses {
			if strings.Contains(l.Reason, "gives none") && strings.Contains(l.Path, "creat") {
				t.Errorf("%v: %v", target, l)
			}
		}
		if silent := differ(t, d.Bytes(), out.Bytes(), r); len(silent) > 0 {
			t.Errorf("%v: silent: %q", target, silent)
		}
	}
}

// TestSPDX3ByReference checks that hashes and identifiers that stand at the top of the graph belong to what refers to them.
func TestSPDX3ByReference(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	in := spdx3Head + `{"type":"Hash","@id":"_:h","algorithm":"sha256","hashValue":"` + sum + `"},
		{"type":"ExternalIdentifier","@id":"_:e","externalIdentifierType":"packageUrl","identifier":"pkg:npm/p@1"},
		{"type":"ExternalRef","@id":"_:x","externalRefType":"vcs","locator":["https://example.org/p"]},
		{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p","verifiedUsing":["_:h"],"externalIdentifier":["_:e"],"externalRef":["_:x"]},
		{"type":"software_File","spdxId":"urn:x:f","creationInfo":"_:c","name":"f","verifiedUsing":["_:h"]}]}`
	if _, err := Validate([]byte(in)); err != nil {
		t.Error(err)
	}
	d := mustParse(t, in)
	p, _ := d.ByID("urn:x:p")
	f, _ := d.ByID("urn:x:f")
	if c := d.Component(p); c.PURL != "pkg:npm/p@1" || len(d.Hashes(p)) != 1 || len(d.Hashes(f)) != 1 || len(d.Details(p).References) != 1 {
		t.Errorf("%+v %v %v %+v", c, d.Hashes(p), d.Hashes(f), d.Details(p))
	}
	for _, target := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.3"}} {
		out, r := mustConvert(t, d, target)
		for _, want := range []string{sum, "pkg:npm/p@1", "https://example.org/p"} {
			if !bytes.Contains(out.Bytes(), []byte(want)) {
				t.Errorf("%v has no %s", target, want)
			}
		}
		if silent := differ(t, []byte(in), out.Bytes(), r); len(silent) > 0 {
			t.Errorf("%v: silent: %q", target, silent)
		}
	}
	// References among parts that grow without end are refused.
	big := strings.Repeat(`"_:h",`, 30_000)
	bomb := spdx3Head + `{"type":"Hash","@id":"_:h","algorithm":"sha256","hashValue":"` + sum + `","comment":"c","externalIdentifier":[` + strings.TrimSuffix(strings.Repeat(`"x",`, 30_000), ",") + `]},
		{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p","verifiedUsing":[` + strings.TrimSuffix(big, ",") + `]}]}`
	if _, err := Parse(strings.NewReader(bomb)); !errors.Is(err, ErrLimit) {
		t.Error("a document that grows a thousandfold is read")
	}
}

// TestRelations holds the types of relationship against both schemas, and brings each to SPDX 3 and back.
func TestRelations(t *testing.T) {
	two, three := enumOf(t, "spdx/spdx-2.3.schema.json", "relationshipType"), enumOf(t, "spdx/spdx-3.0.1.schema.json",
		"prop_Relationship_relationshipType")
	scopes := map[string]bool{"": true, "build": true, "development": true, "runtime": true, "test": true}
	for _, r := range model.Relations3 {
		if !slices.Contains(two, string(r.Two)) || !slices.Contains(three, r.Three) || !scopes[r.Scope] {
			t.Errorf("%+v: not in the schemas", r)
		}
	}
	for _, kind := range two {
		if _, ok := model.ToSPDX3[model.Relation(kind)]; !ok && model.Reversed[kind] == "" {
			t.Errorf("%s has no word in SPDX 3", kind)
		}
		in := fmt.Sprintf(`{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"https://example.org/n",
			"creationInfo":{"created":"2026-11-28T18:00:00Z","creators":["Tool: t"]},"packages":[
			{"SPDXID":"SPDXRef-a","name":"a","downloadLocation":"NOASSERTION"},{"SPDXID":"SPDXRef-b","name":"b","downloadLocation":"NOASSERTION"}],
			"relationships":[{"spdxElementId":"SPDXRef-b","relationshipType":%q,"relatedSpdxElement":"SPDXRef-a","comment":"said why"}]}`, kind)
		d := mustParse(t, in)
		out, r := mustConvert(t, d, Format{SPDX, "3.0.1"})
		for _, l := range r.Losses {
			if strings.HasPrefix(l.Path, "/relationships") && (l.Kind == Dropped || kind != "PATCH_APPLIED" && kind != "GENERATED_FROM") {
				t.Errorf("%s: %v", kind, l)
			}
		}
		back, _ := mustConvert(t, out, Format{SPDX, "2.3"})
		if !bytes.Contains(back.Bytes(), []byte("said why")) {
			t.Errorf("%s: the comment is lost", kind)
		}
		want := edgesOf(d)
		switch kind {
		case "GENERATED_FROM":
			want = []string{"a GENERATES b"}
		case "PATCH_APPLIED":
			want = []string{"b PATCH_FOR a"}
		}
		if got, in3 := edgesOf(back), edgesOf(out); !slices.Equal(got, want) || !slices.Equal(in3, want) {
			t.Errorf("%s: %q by way of %q, want %q", kind, got, in3, want)
		}
	}
}

// enumOf returns the words of a closed list that a schema has, by the name of the property or definition.
func enumOf(t testing.TB, file, name string) []string {
	t.Helper()
	data, err := schema.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if p, ok := v[name].(map[string]any); ok {
				if list, ok := p["enum"].([]any); ok {
					for _, w := range list {
						found = append(found, fmt.Sprint(w))
					}
				}
			}
			for _, c := range v {
				walk(c)
			}
		case []any:
			for _, c := range v {
				walk(c)
			}
		}
	}
	var root any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	walk(root)
	if len(found) == 0 {
		t.Fatalf("%s: no list %s", file, name)
	}
	return found
}

// TestTypedEdges brings dependencies with an occasion to where they have one word less.
func TestTypedEdges(t *testing.T) {
	d := readCase(t, "typed-edges.spdx.json")
	for _, target := range []Format{{CycloneDX, "1.6"}, {CycloneDX, "1.4"}, {SPDX, "3.0.1"}, {SPDX, "2.2"}} {
		out, _ := mustConvert(t, d, target)
		if n := len(slices.Collect(out.Graph().Reachable(out.Roots()...))); n != 4 {
			t.Errorf("%v: %d components are reached of 4", target, n)
		}
		if target.Spec != CycloneDX {
			continue
		}
		for _, c := range out.Components() {
			if optional := bytes.Contains(c.Raw(), []byte(`"scope": "optional"`)); optional != (c.Name == "opt") {
				t.Errorf("%v: %s is optional: %v", target, c.Name, optional)
			}
		}
		back, r := mustConvert(t, out, Format{SPDX, "2.3"})
		want := []string{"app DEPENDS_ON dev", "app DEPENDS_ON peer", "opt OPTIONAL_DEPENDENCY_OF app"}
		if got := edgesOf(back); !slices.Equal(got, want) {
			t.Errorf("%v and back: %q, %v", target, got, r.Losses)
		}
	}
	if n := len(slices.Collect(d.Graph().Reachable(d.Roots()...))); n != 4 {
		t.Errorf("%d components are reached of 4", n)
	}
	if c := Diff(d, first(mustConvert(t, d, Format{SPDX, "3.0.1"})), nil); !c.Empty() {
		t.Errorf("in SPDX 3 there are changes: %+v", c)
	}
}

func first[A, B any](a A, _ B) A { return a }

// TestGroup checks that names in SPDX are those of the ecosystem, and that they come back.
func TestGroup(t *testing.T) {
	d := readCase(t, "group.cdx.json")
	for _, target := range []Format{{SPDX, "2.3"}, {SPDX, "3.0.1"}} {
		out, r := mustConvert(t, d, target)
		var got []string
		for _, c := range out.Components() {
			got = append(got, c.Name)
		}
		if want := []string{"app", "@angular/core", "@babel/core", "org.apache.logging.log4j:log4j-core"}; !slices.Equal(got, want) {
			t.Errorf("%v: %q", target, got)
		}
		for _, l := range r.Losses {
			if strings.HasSuffix(l.Path, "/group") {
				t.Errorf("%v: %v", target, l)
			}
		}
		back, _ := mustConvert(t, out, Format{CycloneDX, "1.6"})
		if c := Diff(d, back, nil); slices.ContainsFunc(c.Changed, func(c Change) bool {
			return slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Field == "group" || f.Field == "name" })
		}) {
			t.Errorf("%v and back: %+v", target, c.Changed)
		}
		if c := Diff(d, out, nil); len(c.Added)+len(c.Removed)+len(c.Changed) > 0 {
			t.Errorf("%v: %+v", target, c)
		}
	}
}

// TestDiffSpelling compares what different programs write of one package.
func TestDiffSpelling(t *testing.T) {
	cdx := func(component string) *Document {
		return mustParse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library",`+component+`}]}`)
	}
	spdx := func(pkg string) *Document {
		return mustParse(t, `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"https://example.org/n",
"creationInfo":{"created":"2026-11-28T18:00:00Z","creators":["Tool: t"]},"packages":[{"SPDXID":"SPDXRef-a","downloadLocation":"NOASSERTION",`+pkg+`}]}`)
	}
	for _, tt := range []struct {
		old, new *Document
		want     int // changes
	}{
		{readCase(t, "plain.cdx.json"), readCase(t, "escaped.cdx.json"), 0},
		{readCase(t, "std.cdx.json"), readCase(t, "stdlib.cdx.json"), 0},
		{cdx(`"name":"bash","version":"5.2-1","purl":"pkg:rpm/amzn/bash@5.2-1?epoch=1"`),
			cdx(`"name":"bash","version":"1:5.2-1","purl":"pkg:rpm/amazon/bash@1:5.2-1"`), 0},
		{cdx(`"name":"a","group":"","properties":[],"externalReferences":[]`), cdx(`"name":"a"`), 0},
		{cdx(`"name":"a"`), cdx(`"name":"a","licenses":[],"description":""`), 0},
		{cdx(`"name":"core","group":"@b","purl":"pkg:npm/%40b/core@1"`), cdx(`"name":"@b/core","purl":"pkg:npm/%40b/core@1"`), 0},
		{cdx(`"name":"a","version":"1","purl":"pkg:npm/a@1"`),
			cdx(`"name":"a","version":"1","purl":"pkg:npm/a@1?vcs_url=git%2Bhttps:%2F%2Fexample.org%2Fa"`), 1},
		{cdx(`"name":"a","version":"1","purl":"pkg:npm/a@1"`), cdx(`"name":"a","version":"2","purl":"pkg:npm/a@2"`), 1},
		{cdx(`"name":"a","group":"x"`), cdx(`"name":"a"`), 2},
		{cdx(`"name":"a","description":"x"`), cdx(`"name":"a","description":""`), 1},
		{cdx(`"name":"a","scope":"required"`), cdx(`"name":"a"`), 0},
		{cdx(`"name":"a"`), cdx(`"name":"a","scope":"optional"`), 1},
		{cdx(`"name":"a","scope":"required"`), cdx(`"name":"a","scope":"excluded"`), 1},
		{cdx(`"name":"a","author":"b"`), cdx(`"name":"a","authors":[{"name":"b"}]`), 0},
		{cdx(`"name":"a","authors":[{"name":"b"}]`), cdx(`"name":"a","authors":[{"name":"c"}]`), 1},
		{cdx(`"name":"a","author":"b"`), cdx(`"name":"a","authors":[{"name":"b","email":"b@example.org"}]`), 1},
		{cdx(`"name":"a","author":"b"`), cdx(`"name":"a"`), 1},
		{cdx(`"name":"a","licenses":[{"license":{"name":"SEE LICENSE IN LICENSE.txt"}}]`),
			spdx(`"name":"a","licenseDeclared":"SEE LICENSE IN LICENSE.txt"`), 0},
		{cdx(`"name":"a","licenses":[{"license":{"id":"MIT"}}]`), spdx(`"name":"a","licenseDeclared":"SEE LICENSE IN LICENSE.txt"`), 1},
	} {
		c := Diff(tt.old, tt.new, nil)
		if n := len(c.Added) + len(c.Removed) + len(c.Changed); n != tt.want {
			t.Errorf("%s\n%s\n%+v", tt.old.Bytes(), tt.new.Bytes(), c)
		}
	}
}

// TestXMLTwice checks that what may stand once and stands twice is refused in XML as it is in JSON.
func TestXMLTwice(t *testing.T) {
	for _, in := range []string{
		`<components/><components><component type="library"><name>a</name></component></components>`,
		`<components><component type="library"><name>a</name><name>b</name></component></components>`,
		`<components><component type="library"><name>a</name><purl>pkg:npm/a@1</purl><purl>pkg:npm/b@1</purl></component></components>`,
		`<x:components xmlns:x="http://cyclonedx.org/schema/bom/1.5"><x:component type="library"><x:name>a</x:name></x:component>` +
			`</x:components>`,
		`<components><component type="library"><name>a</name><components xmlns="http://cyclonedx.org/schema/bom/1.4"/></component>` +
			`</components>`,
		`<metadata/><metadata><component type="library"><name>a</name></component></metadata>`,
		`<dependencies><dependency ref="a"/></dependencies><dependencies/>`,
	} {
		in = `<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">` + in + `</bom>`
		if d, err := Parse(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), "twice") &&
			!strings.Contains(err.Error(), "another version") {
			t.Errorf("%s: %v, %v", in, d, err)
		}
		if _, err := Validate([]byte(in)); err == nil {
			t.Errorf("%s is valid", in)
		}
	}
}

// TestDataflow brings what is said of a service's data from XML to JSON and back.
func TestDataflow(t *testing.T) {
	d := readCase(t, "dataflow.cdx.xml")
	out, r, err := Encode(d, JSON, nil)
	if err != nil || len(r.Losses) > 0 {
		t.Fatal(err, r)
	}
	for _, want := range []string{`"flow":"inbound"`, `"name":"n"`, `"description":"d"`, `"classification":"PII"`} {
		if !bytes.Contains(out.Bytes(), []byte(want)) {
			t.Errorf("no %s in %s", want, out.Bytes())
		}
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Error(err)
	}
	back, r, err := Encode(out, XML, nil)
	if err != nil || len(r.Losses) > 0 {
		t.Fatal(err, r.Losses)
	}
	if _, err := Validate(back.Bytes()); err != nil || !bytes.Contains(back.Bytes(), []byte(`<dataflow name="n" description="d">`)) {
		t.Errorf("%v\n%s", err, back.Bytes())
	}
}

// TestEncodeNoPlace checks that what an encoding of CycloneDX is said to have no place for is on the list of what it has
// none for: signatures of the other encoding, and elements of other namespaces.
func TestEncodeNoPlace(t *testing.T) {
	seen := map[string]int{}
	for f := range corpus(t, "cyclonedx/") {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil || d.Format().Version < "1.2" {
			continue
		}
		if _, err := Validate(f.Data); err != nil {
			continue
		}
		to := XML
		if d.Encoding() == XML {
			to = JSON
		}
		out, r, err := Encode(d, to, &ConvertOptions{DropSignatures: true})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		// bom-ref twice, in JSON too
		if _, err := Validate(out.Bytes()); err != nil && !strings.Contains(f.Name, "valid-formulation-1.5.json") {
			t.Errorf("%s to %s: %v", f.Name, to, err)
		}
		for _, l := range r.Losses {
			if strings.Contains(l.Reason, "no place") {
				seen[fmt.Sprintf("%s %s", to, generalPath(l.Path))]++
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		if !slices.ContainsFunc(noPlaceInEncoding, func(s string) bool { return strings.HasSuffix(k, s) }) {
			t.Errorf("%3d %s", seen[k], k)
		}
	}
}

// noPlaceInEncoding is what one encoding of CycloneDX cannot say of the other: the schemas say so.
var noPlaceInEncoding = []string{
	"/signature", "/@foo", "/@bar",
	"/dependsOn", "/data", // lists without elements
	"/licenses/*", // of one expression and others, which the choice in XML excludes
}

// TestSigned asks in every way whether a document is signed.
func TestSigned(t *testing.T) {
	d := readCase(t, "component-signature.cdx.json")
	same := map[string]error{}
	_, _, same["Convert"] = Convert(d, Format{SPDX, "2.3"}, nil)
	_, _, same["Encode"] = Encode(d, XML, nil)
	_, same["Subset"] = func() (*Document, error) {
		two := mustParse(t, strings.Replace(string(d.Bytes()), `"components":[`, `"components":[{"type":"library","name":"b"},`, 1))
		return two.Subset(0)
	}()
	for verb, err := range same {
		if !errors.Is(err, ErrSigned) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if !d.About().Signed {
		t.Error("About says it is not")
	}
	escaped := mustParse(t, strings.Replace(string(d.Bytes()), `"signature"`, `"signatur\u0065"`, 1))
	if !escaped.About().Signed {
		t.Error("About says it is not, with an escape in the name")
	}
	if mustParse(t, strings.Replace(string(d.Bytes()), `"signature":{`, `"x":{`, 1)).About().Signed {
		t.Error("About says what is not signed is")
	}
}

// TestDoubts checks the places of warnings.
func TestDoubts(t *testing.T) {
	head := `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","bom-ref":"a"%s}]%s}`
	spdx := `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"https://example.org/n",
		"creationInfo":{"created":"2026-11-28T18:00:00Z","creators":["Tool: t"]},"packages":[{"SPDXID":"SPDXRef-a","name":"a","downloadLocation":"NOASSERTION",
		"externalRefs":[{"referenceCategory":%q,"referenceType":%q,"referenceLocator":%q}]}]}`
	for _, tt := range []struct{ in, path string }{
		{string(readCase(t, "dangling.cdx.json").Bytes()), "/vulnerabilities/0/affects/0/ref"},
		{fmt.Sprintf(head, "", `,"compositions":[{"aggregate":"complete","assemblies":["a","zz"]}]`), "/compositions/0/assemblies/1"},
		{fmt.Sprintf(head, "", `,"compositions":[{"aggregate":"complete","dependencies":["zz"]}]`), "/compositions/0/dependencies/0"},
		{fmt.Sprintf(head, "", `,"annotations":[{"subjects":["zz"],"annotator":{"individual":{"name":"n"}},`+
			`"timestamp":"2026-01-01T00:00:00Z","text":"t"}]`), "/annotations/0/subjects/0"},
		{fmt.Sprintf(head, "", `,"annotations":[{"subjects":["urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#x"],`+
			`"annotator":{"individual":{"name":"n"}},"timestamp":"2026-01-01T00:00:00Z","text":"t"}]`), ""},
		{fmt.Sprintf(head, `,"purl":"npm/a@1"`, ""), "/components/0/purl"},
		{fmt.Sprintf(head, `,"purl":"pkg:npm/a@1","cpe":"cpe:2.3:a:b:c:1.0:*:*:*:*:*:*:*"`, ""), ""},
		{fmt.Sprintf(head, `,"cpe":"cpe:2.3:a:b"`, ""), "/components/0/cpe"},
		{fmt.Sprintf(head, `,"components":[{"type":"library","name":"b","purl":"x"}]`, ""), "/components/0/components/0/purl"},
		{fmt.Sprintf(spdx, "PACKAGE-MANAGER", "purl", "pkg:npm"), "/packages/0/externalRefs/0/referenceLocator"},
		{fmt.Sprintf(spdx, "SECURITY", "cpe23Type", "cpe:/a:b:c"), "/packages/0/externalRefs/0/referenceLocator"},
		{fmt.Sprintf(spdx, "SECURITY", "cpe22Type", "cpe:/a:b:c"), ""},
		{spdx3Head + `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p","software_packageUrl":"pkg:p"}]}`,
			"/@graph/3/software_packageUrl"},
		{spdx3Head + `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p","verifiedUsing":["_:none"]}]}`,
			"/@graph/3/verifiedUsing/0"},
		{spdx3Head + `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p"},` +
			`{"type":"security_Vulnerability","spdxId":"urn:x:v","creationInfo":"_:c","name":"v"},` +
			`{"type":"security_VexFixedVulnAssessmentRelationship","spdxId":"urn:x:a","creationInfo":"_:c",` +
			`"relationshipType":"fixedIn","from":"urn:x:v","to":["urn:x:p"],"security_assessedElement":"urn:x:gone"}]}`,
			"/@graph/5/security_assessedElement"},
		{`<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><components><component type="library" bom-ref="a"><name>a</name></component></components>
			<compositions><composition><aggregate>complete</aggregate><assemblies><assembly ref="a"/><assembly ref="zz"/></assemblies></composition></compositions></bom>`,
			"/bom/compositions/composition/assemblies/assembly[2]/@ref"},
		{`<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><vulnerabilities><vulnerability><id>CVE-2024-1</id><affects>` +
			`<target><ref>zz</ref></target></affects></vulnerability></vulnerabilities></bom>`,
			"/bom/vulnerabilities/vulnerability/affects/target/ref"},
		{`<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><components><component type="library"><name>a</name><purl>` +
			`npm/a</purl></component></components></bom>`,
			"/bom/components/component/purl"},
	} {
		warnings, err := Validate([]byte(tt.in))
		if err != nil || (tt.path == "") != (len(warnings) == 0) || tt.path != "" && warnings[0].Path != tt.path {
			t.Errorf("%s: %v %v, want %s", tt.in, warnings, err, tt.path)
		}
	}
}

// TestNotAnSBOM checks that what is given in place of an SBOM is named, by Parse and by Validate.
func TestNotAnSBOM(t *testing.T) {
	for in, want := range map[string]string{
		`{"sbom":{"spdxVersion":"SPDX-2.3"}}`: "GitHub",
		`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,` +
			`"statements":[]}`: "OpenVEX",
		`{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://spdx.dev/Document","predicate":{}}`: "in-toto",
		`{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[]}`:                            "envelope",
		`{"artifacts":[],"source":{},"schema":{}}`:                                                               "syft",
	} {
		_, err := Parse(strings.NewReader(in))
		if !errors.Is(err, ErrNotSBOM) || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%s): %v", in, err)
		}
		if _, err = Validate([]byte(in)); !errors.Is(err, ErrNotSBOM) || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate(%s): %v", in, err)
		}
	}
	mark := "\ufeff" + string(readCase(t, "plain.cdx.json").Bytes())
	d := mustParse(t, mark)
	if _, err := Validate([]byte(mark)); err != nil || string(d.Bytes()) != mark {
		t.Errorf("%v %q", err, d.Bytes())
	}
	if text, err := d.MarshalJSON(); err != nil || text[0] != '{' {
		t.Errorf("%v %q", err, text)
	}
	edited, err := d.Edit(Edit{Path: "/version", Value: []byte("2")})
	if err != nil || string(edited.Bytes()) != strings.Replace(mark, `"version":1,`, `"version":2,`, 1) {
		t.Errorf("%v %q", err, edited.Bytes())
	}
	mustConvert(t, d, Format{SPDX, "2.3"})
}

// generalPath is a path without the places in lists.
func generalPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if p != "" && strings.Trim(p, "0123456789") == "" {
			parts[i] = "*"
		}
		if at := strings.IndexByte(p, '['); at >= 0 {
			parts[i] = p[:at]
		}
	}
	return strings.Join(parts, "/")
}

// TestFolded reads a document as people write it: with comments, and folded text with more indented lines.
func TestFolded(t *testing.T) {
	d := readCase(t, "folded.spdx.yaml")
	out, _, err := Encode(d, JSON, nil)
	if err != nil || !bytes.Contains(out.Bytes(), []byte(`"comment":"one\n\n  two\n"`)) {
		t.Errorf("%v %s", err, out.Bytes())
	}
	if _, err := Validate(d.Bytes()); err != nil {
		t.Error(err)
	}
	marked := mustParse(t, "\ufeff"+string(d.Bytes()))
	if marked.Encoding() != YAML {
		t.Error(marked.Encoding())
	}
}

// TestBroken converts documents whose required members break their rules, as if they were absent, and says so.
func TestBroken(t *testing.T) {
	spdx := func(version string) string { return strings.Replace(goodSPDX2, "SPDX-2.3", "SPDX-"+version, 1) }
	replace := func(in, old, new string) string {
		if !strings.Contains(in, old) {
			t.Fatalf("no %s in %s", old, in)
		}
		return strings.Replace(in, old, new, 1)
	}
	base := mustParse(t, goodSPDX2)
	namespace, when := base.ID(), base.Created()
	inputs := map[string]string{"fraction": string(readCase(t, "fraction.spdx22.json").Bytes())}
	for _, v := range []string{"2.2", "2.3"} {
		inputs[v+" namespace"] = replace(spdx(v), namespace, "bitnami redis image")
		inputs[v+" namespace of no text"] = replace(spdx(v), `"`+namespace+`"`, "null")
		inputs[v+" time with an offset"] = replace(spdx(v), when, "2026-01-02T03:04:05+02:00")
		inputs[v+" no time"] = replace(spdx(v), when, "yesterday")
		inputs[v+" licence of the data"] = replace(spdx(v), "CC0-1.0", "MIT")
		inputs[v+" id"] = strings.ReplaceAll(spdx(v), "SPDXRef-a", "SPDXRef-Package-a-(devel)")
	}
	inputs["SPDX 3 id"] = strings.ReplaceAll(goodSPDX3, mustParse(t, goodSPDX3).ID(), "my document")
	for name, in := range inputs {
		for _, target := range targets() {
			d, err := Parse(strings.NewReader(in))
			if err != nil {
				continue
			}
			if d.Format() == target {
				continue
			}
			out, r, err := Convert(d, target, nil)
			if err != nil {
				t.Errorf("%s to %v: %v", name, target, err)
				continue
			}
			if _, err := Validate(out.Bytes()); err != nil {
				t.Errorf("%s to %v: %v", name, target, err)
			}
			if out.Len() != d.Len() || len(r.Losses) == 0 {
				t.Errorf("%s to %v: %d components of %d, %v", name, target, out.Len(), d.Len(), r.Losses)
			}
			if silent := differ(t, d.Bytes(), out.Bytes(), r); len(silent) > 0 {
				t.Errorf("%s to %v: silent: %q", name, target, silent)
			}
		}
	}
}

// TestClasses holds what is wrong with a document against how much it matters.
func TestClasses(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Class // of the worst
	}{
		{strings.Replace(goodSPDX2, mustParse(t, goodSPDX2).Created(), "2026-01-02T03:04:05.678Z", 1), Tolerated},
		{strings.Replace(goodSPDX2, mustParse(t, goodSPDX2).Created(), "yesterday", 1), Broken},
		{strings.ReplaceAll(goodSPDX2, "SPDXRef-a", "SPDXRef-a-(devel)"), Tolerated},
		{strings.ReplaceAll(goodSPDX2, "SPDXRef-a", "a b"), Broken},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a",` +
			`"externalReferences":[{"type":"vcs","url":"git@github.com:a/b c.git"}]}]}`, Tolerated},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","bom-ref":"a"},` +
			`{"type":"application","name":"a","bom-ref":"a"}]}`, Tolerated},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","bom-ref":"a"},` +
			`{"type":"library","name":"b","bom-ref":"a"}]}`, Broken},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library"}]}`, Broken},
		{`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"type":"library","name":"a",` +
			`"authors":[{"name":"b"}]}]}`, Tolerated},
		{`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"type":"library","name":"a","authors":["b"]}]}`, Broken},
		{`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"type":"library","name":"a",` +
			`"authors":[{"name":"b"}],"manufacturer":{"name":"c"}}]}`, Broken},
		{strings.Replace(goodSPDX2, `"name":`, `"authors":[{"name":"b"}],"name":`, 1), Broken},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a",` +
			`"licenses":[{"expression":"GPLv2+ AND"}]}]}`, Tolerated},
	} {
		_, err := Validate([]byte(tt.in))
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Tolerated() != (tt.want == Tolerated) {
			t.Errorf("%s: %v, want %s", tt.in, err, tt.want)
			continue
		}
		for _, p := range invalid.Problems {
			if p.Class == "" {
				t.Errorf("%v has no class", p)
			}
		}
	}
}

// TestReportGroups checks that the one loss that matters is first, however many others there are.
func TestReportGroups(t *testing.T) {
	var packages, relations strings.Builder
	for i := range 500 {
		fmt.Fprintf(&packages, `,{"SPDXID":"SPDXRef-p%d","name":"p%d","downloadLocation":"NOASSERTION","filesAnalyzed":false}`, i, i)
		fmt.Fprintf(&relations, `,{"spdxElementId":"SPDXRef-p0","relationshipType":"DEPENDS_ON","relatedSpdxElement":"SPDXRef-p%d"}`, i)
	}
	d := mustParse(t, `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"https://example.org/n",
		"creationInfo":{"created":"2026-11-28T18:00:00Z","creators":["Tool: t"]},"packages":[`+packages.String()[1:]+`],
		"relationships":[{"spdxElementId":"SPDXRef-p1","relationshipType":"VARIANT_OF","relatedSpdxElement":"SPDXRef-p2"}`+relations.String()+`]}`)
	_, r := mustConvert(t, d, Format{CycloneDX, "1.6"})
	groups := r.Groups()
	if len(groups) > 6 || groups[0].Reason != model.NoSuchRelation || groups[0].Losses[0].Path != "/relationships/0" {
		t.Errorf("%d groups, first %+v", len(groups), groups[0].Where)
	}
	var none *Report
	if s := none.String(); s != "no report" {
		t.Error(s)
	}
	if s := (&Report{From: Format{CycloneDX, "1.6"}, To: Format{CycloneDX, "1.6"}}).String(); s != "CycloneDX 1.6 to CycloneDX "+
		"1.6: as it was." {
		t.Error(s)
	}
	n := 0
	for _, g := range groups {
		n += len(g.Losses)
	}
	if n != len(r.Losses) {
		t.Errorf("%d losses in groups of %d", n, len(r.Losses))
	}
	if s := r.String(); strings.Contains(s, "\n") || len(s) > 1200 || !strings.Contains(s, "500 at /packages/*/filesAnalyzed") {
		t.Errorf("%d: %s", len(s), s)
	}
}

// TestVEX brings what CycloneDX says of vulnerabilities to SPDX 3's security profile and back.
func TestVEX(t *testing.T) {
	for _, state := range []string{"exploitable", "not_affected", "in_triage", "resolved", "false_positive", "resolved_with_pedigree", ""} {
		analysis := ""
		if state != "" {
			analysis = `,"analysis":{"state":"` + state + `","justification":"code_not_reachable","detail":"looked at it"}`
			if state != "not_affected" {
				analysis = strings.Replace(analysis, `"justification":"code_not_reachable",`, "", 1)
			}
		}
		d := mustParse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","bom-ref":"a"},{"type":"library","name":"b","bom-ref":"b"}],
			"vulnerabilities":[{"id":"CVE-2024-1","source":{"url":"https://nvd.nist.gov/vuln/detail/CVE-2024-1"},"description":"bad","detail":"very","recommendation":"update",
			"published":"2024-01-02T03:04:05Z","updated":"2024-02-02T03:04:05.5Z","advisories":[{"title":"ours","url":"https://example.org/a"}],
			"ratings":[{"score":9.8,"severity":"critical","method":"CVSSv31","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},{"severity":"high","method":"OWASP"}]`+analysis+`,
			"affects":[{"ref":"a"},{"ref":"b"}]}]}`)
		out, r := mustConvert(t, d, Format{SPDX, "3.0.1"})
		if silent := differ(t, d.Bytes(), out.Bytes(), r); len(silent) > 0 {
			t.Errorf("%s: silent: %q", state, silent)
		}
		if out.About().Vulnerabilities != 1 {
			t.Errorf("%s: %d vulnerabilities", state, out.About().Vulnerabilities)
		}
		back, r := mustConvert(t, out, Format{CycloneDX, "1.6"})
		if silent := differ(t, out.Bytes(), back.Bytes(), r); len(silent) > 0 {
			t.Errorf("%s back: silent: %q", state, silent)
		}
		want := map[string]string{"false_positive": "not_affected", "resolved_with_pedigree": "resolved"}
		if s := want[state]; s != "" {
			state = s
		}
		for _, text := range []string{`"id": "CVE-2024-1"`, `"score": 9.8`, `"method": "CVSSv31"`, `"state": "` + state + `"`,
			`"https://nvd.nist.gov/vuln/detail/CVE-2024-1"`,
			`"ref": "`, `"detail": "looked at it"`} {
			if !bytes.Contains(back.Bytes(), []byte(text)) && (state != "" || !strings.Contains(text, "state") &&
				!strings.Contains(text, "looked")) {
				t.Errorf("%s: no %s in\n%s", state, text, back.Bytes())
			}
		}
		if _, affects := mustMembers(t, back.Bytes()); affects != 2 {
			t.Errorf("%s: %d affected", state, affects)
		}
	}
}

func mustMembers(t testing.TB, data []byte) (vulnerabilities, affects int) {
	t.Helper()
	var bom struct {
		Vulnerabilities []struct{ Affects []any }
	}
	if err := json.Unmarshal(data, &bom); err != nil {
		t.Fatal(err)
	}
	for _, v := range bom.Vulnerabilities {
		affects += len(v.Affects)
	}
	return len(bom.Vulnerabilities), affects
}

// TestSPDX3Licences reads what a package's licence is in every form that SPDX 3 has.
func TestSPDX3Licences(t *testing.T) {
	node := func(class, id, members string) string {
		return `{"type":"` + class + `","spdxId":"` + id + `","creationInfo":"_:c",` + members + `},`
	}
	package1 := `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p"}`
	const list = "https://spdx.org/licenses/"
	deep := ""
	for i := range 60 {
		deep += node("expandedlicensing_DisjunctiveLicenseSet", fmt.Sprintf("urn:x:d%d", i),
			fmt.Sprintf(`"expandedlicensing_member":["urn:x:d%d","urn:x:d%d"]`, i+1, i+1))
	}
	for _, tt := range []struct{ name, nodes, to, want string }{
		{"of the list, by reference", "", list + "MIT", "MIT"},
		{"of the list, described", node("expandedlicensing_ListedLicense", list+"MIT",
			`"name":"MIT License","simplelicensing_licenseText":"..."`), list + "MIT", "MIT"},
		{"set in a set", node("expandedlicensing_DisjunctiveLicenseSet", "urn:x:d",
			`"expandedlicensing_member":["urn:x:cj","`+list+`ISC"]`) +
			node("expandedlicensing_ConjunctiveLicenseSet", "urn:x:cj", `"expandedlicensing_member":["`+list+`MIT","urn:x:later"]`) +
			node("expandedlicensing_OrLaterOperator", "urn:x:later", `"expandedlicensing_subjectLicense":"`+list+`GPL-2.0"`),
			"urn:x:d", "(MIT AND GPL-2.0+) OR ISC"},
		{"with an exception, which comes first", node("expandedlicensing_WithAdditionOperator", "urn:x:w",
			`"expandedlicensing_subjectAddition":"`+list+`Classpath-exception-2.0","expandedlicensing_subjectExtendableLicense":"`+
				``+list+`GPL-2.0-only"`),
			"urn:x:w", "GPL-2.0-only WITH Classpath-exception-2.0"},
		{"a text", node("simplelicensing_SimpleLicensingText", "urn:x:LicenseRef-a",
			`"simplelicensing_licenseText":"do as you like"`), "urn:x:LicenseRef-a", "LicenseRef-a"},
		{"a licence of one's own", node("expandedlicensing_CustomLicense", "urn:x:ours",
			`"name":"Ours","simplelicensing_licenseText":"do as you like"`), "urn:x:ours", "LicenseRef-ours"},
		{"none", "", "https://spdx.org/rdf/3.0.1/terms/Core/NoneElement", "NONE"},
		{"nothing said", "", "https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense", "NOASSERTION"},
		{"a set that holds itself", node("expandedlicensing_DisjunctiveLicenseSet", "urn:x:d",
			`"expandedlicensing_member":["urn:x:d","`+list+`ISC"]`), "urn:x:d", ""},
		{"sets that double", deep, "urn:x:d0", ""},
	} {
		in := spdx3Head + tt.nodes + package1 + `,{"type":"Relationship","spdxId":"urn:x:r","creationInfo":"_:c",` +
			`"relationshipType":"hasDeclaredLicense","from":"urn:x:p","to":["` + tt.to + `"]}]}`
		if _, err := Validate([]byte(in)); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		d := mustParse(t, in)
		got := ""
		if l := d.Licenses(0); len(l) == 1 {
			got = map[State]string{Value: l[0].Expression, NoValue: "NONE", NoAssertion: "NOASSERTION"}[l[0].State]
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		for _, target := range []Format{{SPDX, "2.3"}, {CycloneDX, "1.7"}, {CycloneDX, "1.4"}} {
			out, r := mustConvert(t, d, target)
			if silent := differ(t, []byte(in), out.Bytes(), r); len(silent) > 0 {
				t.Errorf("%s to %v: silent: %q", tt.name, target, silent)
			}
			if target.Spec == SPDX && tt.want != "" && !bytes.Contains(out.Bytes(), []byte(`"licenseDeclared": "`+tt.want+`"`)) {
				t.Errorf("%s to %v: %s", tt.name, target, out.Bytes())
			}
			for _, l := range r.Losses {
				if tt.want != "" && l.Kind == Dropped && !strings.Contains(l.Reason, "what the list says") &&
					!strings.HasPrefix(l.Reason, "CycloneDX 1.4 does not have") {
					t.Errorf("%s to %v: %v", tt.name, target, l)
				}
			}
		}
	}
}

// TestSPDX3Forms checks forms that JSON-LD has for one statement: what the index and the conversion say of them is the same.
func TestSPDX3Forms(t *testing.T) {
	p := `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p","software_contentIdentifier":[{"type":"software_ContentIdentifier",
		"software_contentIdentifierType":"swhid","software_contentIdentifierValue":"swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"}]},
		{"type":"software_Sbom","spdxId":"urn:x:s","creationInfo":"_:c","rootElement":["urn:x:p"],"element":["urn:x:p","urn:x:q"]},`
	q := `{"type":"software_Package","spdxId":"urn:x:q","creationInfo":"_:c","name":"q"}`
	relation := `,{"type":"Relationship","spdxId":"urn:x:r","creationInfo":"_:c","relationshipType":"dependsOn",`
	for name, in := range map[string]string{
		"as asked":            p + q + relation + `"from":"urn:x:p","to":["urn:x:q"]}`,
		"one text":            p + q + relation + `"from":"urn:x:p","to":"urn:x:q"}`,
		"a list of one":       p + q + relation + `"from":["urn:x:p"],"to":["urn:x:q"]}`,
		"objects with ids":    p + q + relation + `"from":{"@id":"urn:x:p"},"to":[{"@id":"urn:x:q"}]}`,
		"an escape in a name": p + relation[1:] + `"from":"urn:x:p","to":[` + strings.Replace(q, "spdxId", `spdx\u0049d`, 1) + `]}`,
		"in an identifier": strings.Replace(p, `"name":"p",`,
			`"name":"p","externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"other","identifier":"x",`+
				`"issuingAuthority":`+q+`}],`, 1) + relation[1:] + `"from":"urn:x:p","to":["urn:x:q"]}`,
		"in an extension": strings.Replace(p, `"name":"p",`, `"name":"p","extension":[{"type":"https://example.org/x",`+
			`"https://example.org/y":[[`+q+`]]}],`, 1) + relation[1:] + `"from":"urn:x:p","to":["urn:x:q"]}`,
		"a hash at the top": `{"type":"Hash","@id":"_:h","algorithm":"sha256","hashValue":"` + strings.Repeat("ab", 32) +
			`"},` + p + q + relation + `"from":"urn:x:p","to":["urn:x:q"]}`,
		"a hash that is not there": strings.Replace(p, `"name":"p",`, `"name":"p","verifiedUsing":["_:none"],`, 1) + q + relation +
			`"from":"urn:x:p","to":["urn:x:q"]}`,
	} {
		in = strings.Replace(spdx3Head, `"rootElement":["urn:x:p"]`, `"rootElement":["urn:x:s1"]`, 1) +
			`{"type":"Bom","spdxId":"urn:x:s1","creationInfo":"_:c","rootElement":["urn:x:s"]},` + in + `]}`
		d := mustParse(t, in)
		if got := edgesOf(d); !slices.Equal(got, []string{"p DEPENDS_ON q"}) || len(d.Roots()) != 1 {
			t.Errorf("%s: %q, roots %v", name, got, d.Roots())
		}
		for _, target := range []Format{{CycloneDX, "1.7"}, {SPDX, "2.3"}} {
			out, r := mustConvert(t, d, target)
			if got := edgesOf(out); !slices.Equal(got, []string{"p DEPENDS_ON q"}) ||
				!bytes.Contains(out.Bytes(), []byte("swh:1:cnt:94a9")) {
				t.Errorf("%s to %v: %q\n%s", name, target, got, out.Bytes())
			}
			for _, l := range r.Losses {
				if l.Kind == Dropped && name != "a hash at the top" && !strings.Contains(l.Path, "externalIdentifier") &&
					!strings.Contains(l.Path, "extension") && !strings.Contains(l.Path, "verifiedUsing") {
					t.Errorf("%s to %v: %v", name, target, l)
				}
			}
		}
	}
}
