package sbom

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compositionsOf returns the words of a CycloneDX document by what they are said of.
func compositionsOf(t testing.TB, d *Document) map[string]string {
	t.Helper()
	var v struct {
		Compositions []struct {
			Aggregate                string
			Assemblies, Dependencies []string
		}
	}
	if err := json.Unmarshal(d.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range v.Compositions {
		for _, ref := range c.Assemblies {
			out["parts of "+ref] = c.Aggregate
		}
		for _, ref := range c.Dependencies {
			out["dependencies of "+ref] = c.Aggregate
		}
	}
	return out
}

const composed = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"timestamp":"2026-11-28T18:00:00Z","component":{"type":"application","name":"r","bom-ref":"r"}},
"components":[{"type":"library","name":"a","bom-ref":"a","components":[{"type":"library","name":"a1","bom-ref":"a1"}]},{"type":"library","name":"b","bom-ref":"b"},
{"type":"library","name":"c","bom-ref":"c","scope":"optional"},{"type":"library","name":"d","bom-ref":"d"}],
"dependencies":[{"ref":"r","dependsOn":["a","b","c"]},{"ref":"a","dependsOn":[]},{"ref":"b"},{"ref":"d"}],
"compositions":[{"aggregate":"complete","dependencies":["r","a"],"assemblies":["a"]},{"aggregate":"unknown","dependencies":["b"]},
{"aggregate":"incomplete_third_party_only","dependencies":["d"]},{"aggregate":"complete","assemblies":["r"]}]}`

// TestCompositions takes what a document says of its own completeness to the other specifications and back: what is complete is one
// relationship to all, and what is not known is never called complete.
func TestCompositions(t *testing.T) {
	want := map[string]string{"dependencies of r": "complete", "dependencies of a": "complete", "parts of a": "complete",
		"dependencies of b": "unknown",
		"dependencies of d": "incomplete"}
	d := mustParse(t, composed)
	three, r := mustConvert(t, d, Format{SPDX, "3.0.1"})
	if silent := differ(t, d.text(), three.Bytes(), r); len(silent) > 0 {
		t.Errorf("silent: %q", silent)
	}
	back, _ := mustConvert(t, three, Format{CycloneDX, "1.6"})
	var got []string
	words := map[string]string{}
	short := func(ref string) string { return ref[strings.LastIndexByte(ref, '-')+1:] }
	for of, word := range compositionsOf(t, back) {
		what, ref, _ := strings.Cut(of, " of ")
		words[what+" of "+short(ref)] = word
		got = append(got, of)
	}
	if diff := cmp.Diff(want, words); diff != "" {
		t.Errorf("by SPDX 3 (%q):\n%s", got, diff)
	}
	var graph struct {
		Graph []struct {
			Type, RelationshipType, Completeness, From string
			To                                         []string
		} `json:"@graph"`
	}
	if err := json.Unmarshal(three.Bytes(), &graph); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, e := range graph.Graph {
		if e.Completeness != "" {
			found[e.RelationshipType+" "+e.Completeness] += len(e.To)
		}
		if e.Completeness == "" && (e.RelationshipType == "dependsOn" || e.RelationshipType == "contains") {
			t.Errorf("%s of %s without completeness", e.RelationshipType, e.From)
		}
	}
	if diff := cmp.Diff(map[string]int{"dependsOn complete": 3, "hasOptionalDependency complete": 1, "contains complete": 1,
		"dependsOn noAssertion": 1, "dependsOn incomplete": 1}, found); diff != "" {
		t.Error(diff)
	}

	two, r := mustConvert(t, d, Format{SPDX, "2.3"})
	if silent := differ(t, d.text(), two.Bytes(), r); len(silent) > 0 {
		t.Errorf("silent: %q", silent)
	}
	for ref, end := range map[string]string{"SPDXRef-a": "NONE", "SPDXRef-b": "NOASSERTION", "SPDXRef-d": "NOASSERTION"} {
		if s := string(two.Bytes()); !strings.Contains(strings.Join(strings.Fields(s), ""),
			`{"spdxElementId":"`+ref+`","relationshipType":"DEPENDS_ON","relatedSpdxElement":"`+end+`"}`) {
			t.Errorf("%s does not depend on %s", ref, end)
		}
	}
	back, _ = mustConvert(t, two, Format{CycloneDX, "1.6"})
	if diff := cmp.Diff(map[string]string{"dependencies of SPDXRef-b": "unknown", "dependencies of SPDXRef-d": "unknown"},
		compositionsOf(t, back)); diff != "" {
		t.Errorf("by SPDX 2:\n%s", diff)
	}
}

// TestCompositionsLeast: of several relationships the one that claims least counts, as completeness of one is not that of all.
func TestCompositionsLeast(t *testing.T) {
	for _, tt := range []struct {
		name, relations, want string
	}{
		{"all complete", `"to":["urn:x:a"],"completeness":"complete"}|"to":["urn:x:b"],"completeness":"complete"}`, "complete"},
		{"one says nothing", `"to":["urn:x:a"],"completeness":"complete"}|"to":["urn:x:b"]}`, ""},
		{"one incomplete", `"to":["urn:x:a"],"completeness":"complete"}|"to":["urn:x:b"],"completeness":"incomplete"}`, "incomplete"},
		{"one not known", `"to":["urn:x:a"],"completeness":"noAssertion"}|"to":["urn:x:b"]}`, "unknown"},
		{"to nobody knows what", `"to":["urn:x:a"]}|"to":["https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement"]}`, "unknown"},
		{"nothing said", `"to":["urn:x:a"]}|"to":["urn:x:b"]}`, ""},
	} {
		in := spdx3Head + `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p"},{"type":"software_Package","spdxId":"urn:x:a","creationInfo":"_:c","name":"a"},
{"type":"software_Package","spdxId":"urn:x:b","creationInfo":"_:c","name":"b"}`
		for i, rest := range strings.Split(tt.relations, "|") {
			in += `,{"type":"Relationship","spdxId":"urn:x:r` + string(rune('0'+i)) + `","creationInfo":"_:c",` +
				`"relationshipType":"dependsOn","from":"urn:x:p",` + rest
		}
		out, _ := mustConvert(t, mustParse(t, in+"]}"), Format{CycloneDX, "1.6"})
		want := map[string]string{}
		if tt.want != "" {
			want["dependencies of urn:x:p"] = tt.want
		}
		if got := compositionsOf(t, out); !maps.Equal(got, want) {
			t.Errorf("%s: %v", tt.name, got)
		}
		about := mustParse(t, in+"]}").About().Completeness[0]
		if about == "noAssertion" {
			about = "unknown"
		}
		if about != tt.want && tt.name != "to nobody knows what" { // which is a relationship, and no word
			t.Errorf("%s: About says %q", tt.name, about)
		}
	}
}
