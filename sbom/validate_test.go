package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/syntax"
	"github.com/ladingdev/lading/sbom/internal/encoding/spdxyaml"
	"github.com/ladingdev/lading/sbom/internal/encoding/tagvalue"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
)

// brokenThough lists documents of the corpus that are expected to be read, although they break a rule of their
// specification.
var brokenThough = map[string]string{
	"cyclonedx/CycloneDX-sbom-utility/cyclonedx/1.6/specification/valid-bom-1.6.json":           "/components/1/pedigree/ancestors/0",
	"cyclonedx/CycloneDX-sbom-utility/cyclonedx/1.6/specification/valid-empty-defns-decls.json": "/declaration",
	"cyclonedx/anchore-syft/cyclonedxjson/snapshot/TestCycloneDxDirectoryEncoder.golden":        "/serialNumber",
	"cyclonedx/anchore-syft/cyclonedxjson/snapshot/TestCycloneDxImageEncoder.golden":            "/serialNumber",
	"cyclonedx/anchore-syft/cyclonedxxml/snapshot/TestCycloneDxDirectoryEncoder.golden":         "/bom/@serialNumber",
	"cyclonedx/anchore-syft/cyclonedxxml/snapshot/TestCycloneDxImageEncoder.golden":             "/bom/@serialNumber",
	"spdx/anchore-syft/bitnami/no-rel/redis/.spdx-redis.spdx":                                   "/packages/0/SPDXID",
	"spdx/anchore-syft/spdxjson/snapshot/TestSPDX22JSONRequredProperties.golden":                "/creationInfo/created",
	"spdx/anchore-syft/spdxjson/snapshot/TestSPDXJSONImageEncoder.golden":                       "/creationInfo/created",
	"spdx/spdx-tools-golang/json/spdx2_3.json":                                                  "/documentNamespace",
	"spdx/spdx-tools-golang/spdx/v2/v2_2/json/spdx-null-relationships.json":                     "/relationships/0",
	"spdx/spdx-tools-golang/spdx/v2/v2_3/json/spdx-null-relationships.json":                     "/relationships/0",
	"spdx/anchore-syft/spdxtagvalue/snapshot/TestSPDXJSONSPDXIDs.golden":                        "Created",
	"spdx/anchore-syft/spdxtagvalue/snapshot/TestSPDXRelationshipOrder.golden":                  "Created",
	"sbom-real/protobom-protobom/trivy-0.42.1_mageia-5.1.spdx.json":                             "/packages/131/primaryPackagePurpose",
}

func TestValidateCorpus(t *testing.T) {
	accepted, refused := map[string]int{}, map[string]int{}
	for f := range corpus(t) {
		group := "not read"
		r, err := validate(f.Data)
		if err == nil {
			group, err = r.Format, invalid(r)
		}
		var invalid *InvalidError
		if errors.As(err, &invalid) {
			for _, p := range invalid.Problems {
				if p.Line < 1 || p.Column < 1 || p.Advice == "" || p.Rule == "" || !strings.HasSuffix(p.Advice, ".") {
					t.Errorf("%s: incomplete problem %+v", f.Name, p)
				}
			}
		}
		if err == nil {
			accepted[group]++
		} else {
			refused[group]++
		}
		switch fail, why := strings.HasPrefix(f.Expect, "fail"), brokenThough[f.Name]; {
		case fail && err == nil:
			t.Errorf("%s is accepted, want %s", f.Name, f.Expect)
		case why != "":
			if invalid == nil || !slices.ContainsFunc(invalid.Problems, func(p Problem) bool { return p.Path == why }) {
				t.Errorf("%s: %v, want a problem at %s", f.Name, err, why)
			}
		case strings.Contains(f.Name, "identify/2.1.sbom"): // expected to be known for what it is
			if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "SPDX 2.1") {
				t.Errorf("%s: %v, want an unsupported version 2.1", f.Name, err)
			}
		case f.Expect == "pass" && err != nil:
			t.Errorf("%s is refused: %v", f.Name, err)
		}
		// What another implementation of JSON Schema found.
		if _, note, ok := strings.Cut(f.Note, "JSON schema: invalid at "); ok {
			where, keyword, _ := strings.Cut(note, ": ")
			keyword, _, _ = strings.Cut(keyword, ";")
			if invalid == nil {
				t.Errorf("%s is accepted, want %s at %s", f.Name, keyword, where)
			} else if !slices.ContainsFunc(invalid.Problems, func(p Problem) bool {
				return p.Rule == keyword || strings.HasPrefix(p.Path, strings.TrimSuffix(where, "/"))
			}) {
				t.Errorf("%s: %v, want %s at %s", f.Name, err, keyword, where)
			}
		}
	}
	groups := maps.Clone(accepted)
	maps.Copy(groups, refused)
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		t.Logf("%-24s %3d accepted %3d refused", group, accepted[group], refused[group])
	}
}

// TestValidateReasons checks that a document is refused for the reason that the index of the corpus gives.
func TestValidateReasons(t *testing.T) {
	for name, want := range map[string]struct {
		kind     error
		problem  string // rule and path
		position string
	}{
		"config/test-cdx-bom-format-invalid.json":                              {kind: ErrNotSBOM},
		"config/test-base-invalid-format-key-foo.json":                         {kind: ErrNotSBOM},
		"cyclonedx/1.3/cdx-1-3-syntax-err-1.json":                              {kind: strictjson.ErrSyntax, position: "6:"},
		"cyclonedx/1.3/cdx-1-3-syntax-err-2.json":                              {kind: strictjson.ErrSyntax, position: "123:"},
		"validation/cdx-1-4-validate-err-components-format-iri-reference.json": {problem: "format /components/2/externalReferences/0/url"},
		"validation/cdx-1-4-validate-err-components-unique-items-1.json":       {problem: "uniqueItems /components/2"},
	} {
		found := false
		for f := range corpus(t, "cyclonedx/CycloneDX-sbom-utility/"+name) {
			found = true
			_, err := Validate(f.Data)
			if want.kind != nil && !errors.Is(err, want.kind) {
				t.Errorf("%s: %v, want %v", name, err, want.kind)
			}
			var broken *syntax.Error
			if want.position != "" && errors.As(err, &broken) {
				line, column := syntax.Position(f.Data, broken.Offset)
				if got := fmt.Sprintf("%d:%d", line, column); !strings.HasPrefix(got, want.position) {
					t.Errorf("%s: at %s, want %s", name, got, want.position)
				}
			}
			var invalid *InvalidError
			if want.problem != "" && (!errors.As(err, &invalid) || !slices.ContainsFunc(invalid.Problems, func(p Problem) bool {
				return strings.HasPrefix(p.Rule+" "+p.Path, want.problem)
			})) {
				t.Errorf("%s: %v, want %s", name, err, want.problem)
			}
		}
		if !found {
			t.Errorf("%s is not in the corpus", name)
		}
	}
}

const (
	goodCycloneDX = `{
  "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
  "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
  "metadata": {"timestamp": "2024-02-29T00:00:00Z", "authors": [{"email": "a@example.com"}]},
  "components": [
    {"type": "library", "name": "a", "bom-ref": "a", "licenses": [{"expression": "MIT OR (ISC AND LicenseRef-x)"}],
     "hashes": [{"alg": "SHA-1", "content": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}],
     "externalReferences": [{"type": "vcs", "url": "https://example.com/a"}]},
    {"type": "library", "name": "b", "bom-ref": "b", "licenses": [{"license": {"id": "Apache-2.0"}}]}
  ],
  "dependencies": [{"ref": "a", "dependsOn": ["b"]}, {"ref": "b"}]
}`
	goodSPDX2 = `{
  "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "n", "dataLicense": "CC0-1.0",
  "documentNamespace": "https://example.com/n",
  "creationInfo": {"created": "2024-02-29T00:00:00Z", "creators": ["Tool: t"]},
  "packages": [{"SPDXID": "SPDXRef-a", "name": "a", "downloadLocation": "NOASSERTION", "licenseDeclared": "MIT",
    "supplier": "Person: x", "checksums": [{"algorithm": "SHA1", "checksumValue": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}]}],
  "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-a"}]
}`
	goodSPDX3 = `{
  "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
  "@graph": [
    {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "2024-02-29T00:00:00Z", "createdBy": ["urn:x:p"]},
    {"type": "Person", "spdxId": "urn:x:p", "creationInfo": "_:c", "name": "p"},
    {"type": "SpdxDocument", "spdxId": "urn:x:d", "creationInfo": "_:c", "rootElement": ["urn:x:a"]},
    {"type": "software_Package", "spdxId": "urn:x:a", "creationInfo": "_:c", "name": "a"}
  ]
}`
	goodXML = `<?xml version="1.0" encoding="UTF-8"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.7" version="1" serialNumber="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79">
  <components>
    <component type="library" bom-ref="a" isExternal="true"><name>a</name><versionRange>vers:npm/*</versionRange>
      <licenses><expression>MIT OR ISC</expression></licenses>
    </component>
    <component type="library" bom-ref="b"><name>b</name></component>
  </components>
  <dependencies><dependency ref="a"><dependency ref="b"/></dependency></dependencies>
</bom>`
)

// TestValidateRules breaks one rule at a time in a document that is right.
func TestValidateRules(t *testing.T) {
	for _, tt := range []struct{ good, from, to, where, advice string }{
		{goodCycloneDX, ``, ``, "", ""},
		{goodSPDX2, ``, ``, "", ""},
		{goodSPDX3, ``, ``, "", ""},
		{goodXML, ``, ``, "", ""},
		{goodCycloneDX, `"bom-ref": "b"`, `"bom-ref": "a"`, "9:49: /components/1/bom-ref", "another bom-ref"},
		{goodCycloneDX, `OR (ISC`, `OR ISC`, "6:82: /components/0/licenses/0/expression", "AND or OR"},
		{goodCycloneDX, `"MIT OR (ISC AND LicenseRef-x)"`, `"MIT OR Unknown-1"`, "6:82: /components/0/licenses/0/expression", "Unknown-1"},
		{goodCycloneDX, `"alg": "SHA-1"`, `"alg": "SHA-256"`, "/components/0/hashes/0/content", "SHA-256"},
		{goodCycloneDX, `02-29`, `02-30`, "/metadata/timestamp", "date and time"},
		{goodCycloneDX, `a@example.com`, `a.example.com`, "/metadata/authors/0/email", "e-mail"},
		{goodCycloneDX, `https://example.com/a`, `https://example.com/ a`, "/components/0/externalReferences/0/url", "URL"},
		{goodCycloneDX, `"version": 1`, `"version": 0`, "/version", "at least 1"},
		{goodCycloneDX, `"version": 1`, `"version": 1.5`, "/version", "an integer"},
		{goodCycloneDX, `3e671687`, `3E671687`, "/serialNumber", "lower case"},
		{goodCycloneDX, `"Apache-2.0"`, `"apache-2.0"`, "/components/1/licenses/0/license/id", `"Apache-2.0"`},
		{goodCycloneDX, `"components"`, `"Components"`, "5:3: /Components", `"components"`},
		{goodCycloneDX, `{"type": "library", "name": "b",`, `null, {"type": "library", "name": "b",`, "/components/1", "instead of null"},
		{goodSPDX2, `SPDXRef-DOCUMENT", "name`, `SPDXRef-doc", "name`, "/SPDXID", "SPDXRef-DOCUMENT"},
		{goodSPDX2, `"SPDXID": "SPDXRef-a"`, `"SPDXID": "SPDXRef-DOCUMENT"`, "/packages/0/SPDXID", "another SPDXID"},
		{goodSPDX2, `"relatedSpdxElement": "SPDXRef-a"`, `"relatedSpdxElement": "SPDXRef-b"`, "/relationships/0/relatedSpdxElement",
			"SPDXRef-b"},
		{goodSPDX2, `"relatedSpdxElement": "SPDXRef-a"`, `"relatedSpdxElement": "DocumentRef-x:SPDXRef-a"`,
			"/relationships/0/relatedSpdxElement", "externalDocumentRefs"},
		{goodSPDX2, `"MIT"`, `"MIT+ISC"`, "/packages/0/licenseDeclared", "MIT+ISC"},
		{goodSPDX2, `02-29T`, `02-30T`, "/creationInfo/created", "date and time"},
		{goodSPDX2, `Tool: t`, `t`, "/creationInfo/creators/0", "Tool"},
		{goodSPDX2, `CC0-1.0`, `MIT`, "/dataLicense", "CC0-1.0"},
		{goodSPDX2, `Person: x`, `x`, "/packages/0/supplier", "Person"},
		{goodSPDX2, `https://example.com/n`, `n`, "/documentNamespace", "absolute URI"},
		{goodSPDX2, `SPDXRef-a"`, `SPDXRef-ä"`, "/packages/0/SPDXID", "letters"},
		{goodSPDX2, `"downloadLocation": "NOASSERTION", `, ``, "/packages/0", "downloadLocation"},
		{goodSPDX3, `"_:c", "name": "a"`, `"_:d", "name": "a"`, "/@graph/3/creationInfo", "_:d"},
		{goodSPDX3, `02-29`, `02-31`, "/@graph/0/created", "that exist"},
		{goodSPDX3, `"specVersion": "3.0.1"`, `"specVersion": "3.1.0"`, "/@graph/0/specVersion", "3.0.1"},
		{goodSPDX3, `software_Package`, `software_package`, "/@graph/3/type", "software_Package"},
		{goodSPDX3, `"name": "a"`, `"Name": "a"`, "/@graph/3/Name", `"name"`},
		{goodXML, `isExternal="true"`, ``, "/bom/components/component[1]/versionRange", "isExternal"},
		{goodXML, `bom-ref="b"`, `bom-ref="a"`, "/bom/components/component[2]/@bom-ref", "another bom-ref"},
		{goodXML, `MIT OR`, `MIT OR OR`, "/bom/components/component[1]/licenses/expression", "OR"},
		{goodXML, `version="1" `, `version="0" `, "/bom", "1 or more"},
		{goodXML, `<name>b</name>`, `<name>b</name><scope>needed</scope>`, "/bom/components/component[2]/scope", "required"},
		{goodXML, `<name>b</name>`, `<name>b</name><cpe>b</cpe>`, "/bom/components/component[2]/cpe", "a CPE name"},
		{goodXML, `<name>b</name>`, `<Name>b</Name>`, "/bom/components/component[2]/Name", "<name>"},
	} {
		data := []byte(strings.Replace(tt.good, tt.from, tt.to, 1))
		if tt.from != "" && bytes.Equal(data, []byte(tt.good)) {
			t.Fatalf("%q is not in the document", tt.from)
		}
		warnings, err := Validate(data)
		if tt.where == "" {
			if err != nil || warnings != nil {
				t.Errorf("%.60s: %v %v", tt.good, err, warnings)
			}
			continue
		}
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s instead of %s: %v", tt.to, tt.from, err)
			continue
		}
		if !slices.ContainsFunc(invalid.Problems, func(p Problem) bool {
			return strings.Contains(p.String(), tt.where+": ") && strings.Contains(p.Advice, tt.advice)
		}) {
			t.Errorf("%s instead of %s: %v, want %s: %s", tt.to, tt.from, err, tt.where, tt.advice)
		}
	}
}

// TestValidateOneReason checks that one mistake is one problem, in schemas too that count what nobody dealt with.
func TestValidateOneReason(t *testing.T) {
	related := strings.Replace(goodSPDX3, `"name": "a"}`, `"name": "a"},
    {"type": "Relationship", "spdxId": "urn:x:r", "creationInfo": "_:c", "from": "urn:x:a", "relationshipType": "dependsOn", "to": ["urn:x:a"]}`, 1)
	for _, tt := range []struct{ from, to, want string }{
		{`"name": "a"`, `"name": 5`, "type /@graph/3/name"},
		{`"name": "a"`, `"name": "a", "x": 1`, "unevaluatedProperties /@graph/3/x"},
		{`"software_Package"`, `"software_Pakage"`, "enum /@graph/3/type"},
		{`"dependsOn"`, `"dependOn"`, "enum /@graph/4/relationshipType"},
	} {
		_, err := Validate([]byte(strings.Replace(related, tt.from, tt.to, 1)))
		var invalid *InvalidError
		if !errors.As(err, &invalid) || len(invalid.Problems) != 1 || invalid.Problems[0].Rule+" "+invalid.Problems[0].Path != tt.want {
			t.Errorf("%s instead of %s: %v, want %s alone", tt.to, tt.from, err, tt.want)
		}
	}
}

// TestValidateWarnings checks what is doubtful and still accepted.
func TestValidateWarnings(t *testing.T) {
	for _, tt := range []struct{ good, from, to, where string }{
		{goodCycloneDX, `["b"]`, `["c"]`, "/dependencies/0/dependsOn/0"},
		{goodCycloneDX, `{"ref": "b"}`, `{"ref": "a"}`, "/dependencies/1/ref"},
		{goodXML, `<dependency ref="b"/>`, `<dependency ref="c"/>`, "/bom/dependencies/dependency/dependency/@ref"},
		{goodSPDX2, `"MIT"`, `"LicenseRef-x"`, "/packages/0/licenseDeclared"},
		{goodSPDX3, `["urn:x:a"]`, `["urn:x:b"]`, "/@graph/2/rootElement/0"},
	} {
		warnings, err := Validate([]byte(strings.Replace(tt.good, tt.from, tt.to, 1)))
		if err != nil || len(warnings) != 1 || warnings[0].Path != tt.where {
			t.Errorf("%s instead of %s: %v %v, want a warning at %s", tt.to, tt.from, warnings, err, tt.where)
		}
	}
}

// TestValidateUnreadable checks that a text that cannot be read is a problem with a place like any other.
func TestValidateUnreadable(t *testing.T) {
	for _, tt := range []struct {
		data, want string
		kind       error
	}{
		{"{\n \"bomFormat\": }", "JSON 2:15", strictjson.ErrSyntax},
		{"\ufeff{\n \"bomFormat\": }", "JSON 2:15", strictjson.ErrSyntax},
		{"\xff\xfe{\x00\"\x00a\x00\"\x00:\x001\x00}\x00", "UTF-8 1:1", xmltree.ErrEncoding},
		{"\xfe\xff\x00S\x00P\x00D\x00X", "UTF-8 1:1", xmltree.ErrEncoding},
		{"<bom\n><!DOCTYPE x></bom>", "XML 2:2", xmltree.ErrDoctype},
		{"SPDXVersion: SPDX-2.3\nNothing: x\n", "tag-value 2:1", tagvalue.ErrTag},
		{"spdxVersion: SPDX-2.3\nspdxVersion: x\n", "YAML 2:1", spdxyaml.ErrSyntax},
	} {
		_, err := Validate([]byte(tt.data))
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid) || !errors.Is(err, tt.kind) {
			t.Errorf("%q: %v, want %v", tt.data, err, tt.kind)
			continue
		}
		p := invalid.Problems[0]
		if got := fmt.Sprintf("%s %d:%d", invalid.Format, p.Line, p.Column); got != tt.want || !strings.HasSuffix(p.Advice, ".") {
			t.Errorf("%q: %s %s, want %s", tt.data, got, p.Advice, tt.want)
		}
	}
}

func TestValidateForeign(t *testing.T) {
	for _, tt := range []struct {
		data string
		want error
	}{
		{"", ErrNotSBOM}, {"{}", ErrNotSBOM}, {"<a/>", ErrNotSBOM}, {"hello", ErrNotSBOM},
		{`{"bomFormat": "CycloneDX", "specVersion": "9.9"}`, ErrVersion},
		{`{"spdxVersion": "SPDX-2.9"}`, ErrVersion},
		{`<bom xmlns="http://cyclonedx.org/schema/bom/1.9"/>`, ErrVersion},
		{`{"bomFormat": "CycloneDX", "bomFormat": "CycloneDX"}`, strictjson.ErrDuplicate},
	} {
		if _, err := Validate([]byte(tt.data)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.data, err, tt.want)
		}
	}
}

// TestValidateHostile checks that what is made to hurt is refused, or judged, in time.
func TestValidateHostile(t *testing.T) {
	const n = 200_000
	cdx := func(body string) string {
		return `{"bomFormat": "CycloneDX", "specVersion": "1.6", ` + body + `}`
	}
	xml := func(body string) string {
		return `<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">` + body + `</bom>`
	}
	for name, tt := range map[string]struct {
		data string
		kind error // nil: accepted
	}{
		"white space":       {strings.Replace(goodCycloneDX, ",", ","+strings.Repeat(" \n", 10<<20), 1), nil},
		"deep arrays":       {strings.Repeat("[", n), ErrNotSBOM},
		"deep in a member":  {cdx(`"components": ` + strings.Repeat("[", n)), strictjson.ErrLimit},
		"nested components": {cdx(strings.Repeat(`"components": [{"type": "file", "name": "x", `, n)), strictjson.ErrLimit},
		"deep XML":          {xml(strings.Repeat("<components><component>", n)), xmltree.ErrLimit},
		"entities":          {`<!DOCTYPE bom [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><bom>&b;</bom>`, xmltree.ErrDoctype},
		"external entity":   {`<!DOCTYPE bom SYSTEM "http://127.0.0.1/x">` + goodXML, xmltree.ErrDoctype},
		"many attributes":   {xml(`<components ` + strings.Repeat("a", n) + `=""/>`), nil},
		"equal components": {cdx(`"components": [` + strings.Repeat(`{"type": "file", "name": "x"},`, n/4) +
			`{"type": "file", "name": "y"}]`), ErrInvalid},
		"equal bom-refs": {cdx(`"components": [` + strings.Repeat(`{"type": "file", "name": "x", "bom-ref": "a"},`, n/4) +
			`{"type": "file", "name": "y"}]`), ErrInvalid},
		"unknown members":  {cdx(manyMembers(n / 4)), ErrInvalid},
		"unknown elements": {xml(strings.Repeat("<x/>", n/4)), ErrInvalid},
		"unknown licences": {cdx(`"components": [{"type": "file", "name": "x", "licenses": [` +
			strings.Repeat(`{"license": {"id": "x"}},`, n/10) + `{"expression": "MIT"}]}]`), ErrInvalid},
		"parentheses": {cdx(`"components": [{"type": "file", "name": "x", "licenses": [{"expression": "` +
			strings.Repeat("(", n) + `"}]}]`), ErrInvalid},
		"tags":          {"SPDXVersion: SPDX-2.3\n" + strings.Repeat("Creator: Tool: x\n", n), ErrInvalid},
		"relationships": {"SPDXVersion: SPDX-2.3\n" + strings.Repeat("Relationship: a b c\n", n/4), ErrInvalid},
		"YAML aliases":  {"spdxVersion: SPDX-2.3\na: &a [x, x]\nb: &b [*a, *a]\n", spdxyaml.ErrYAML},
	} {
		start := time.Now()
		_, err := Validate([]byte(tt.data))
		if tt.kind == nil && err != nil || tt.kind != nil && !errors.Is(err, tt.kind) {
			text := fmt.Sprint(err)
			t.Errorf("%s: %.300s, want %v", name, text, tt.kind)
		}
		if d := time.Since(start); d > 100*time.Millisecond {
			t.Logf("%s: %v for %d bytes", name, d, len(tt.data))
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"x%d": {}, `, i)
	}
	return b.String() + `"version": 1`
}

// TestValidateNull puts null in the place of every value, one at a time.
func TestValidateNull(t *testing.T) {
	for _, good := range []string{goodCycloneDX, goodSPDX2, goodSPDX3} {
		d, err := jsonschema.Parse([]byte(good), strictjson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for n := jsonschema.Node(1); int(n) < d.Len(); n++ {
			at := d.Offset(n)
			bad := good[:at] + "null" + good[at+len(d.Raw(n)):]
			if strictjson.Check([]byte(bad), strictjson.Limits{}) != nil {
				continue // a member name
			}
			if _, err := Validate([]byte(bad)); err == nil {
				t.Errorf("null at %s is accepted", d.Pointer(n))
			}
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		var doc strings.Builder
		doc.WriteString(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [`)
		for i := range n {
			if i > 0 {
				doc.WriteByte(',')
			}
			fmt.Fprintf(&doc, `{"type": "library", "bom-ref": "c%[1]d", "name": "c%[1]d", "version": "1.%[1]d", "purl": `+
				`"pkg:npm/c%[1]d@1.%[1]d", "licenses": [{"license": {"id": "MIT"}}], "hashes": [{"alg": "SHA-1", "content": `+
				`"da39a3ee5e6b4b0d3255bfef95601890afd80709"}]}`, i)
		}
		doc.WriteString(`]}`)
		data := []byte(doc.String())
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Validate(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzValidate(f *testing.F) {
	for _, s := range []string{goodCycloneDX, goodSPDX2, goodSPDX3, goodXML} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Validate(data)
		var invalid *InvalidError
		if errors.As(err, &invalid) && len(invalid.Problems) == 0 {
			t.Error("an invalid document without a problem")
		}
	})
}
