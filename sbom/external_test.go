package sbom

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/tree"
)

// TestExternals brings references to other documents from every format to every other and back: what goes to an element
// there still does, and no part of what is said of the other document is lost without a word.
func TestExternals(t *testing.T) {
	const sum = `"verifiedUsing":[{"type":"Hash","algorithm":"sha1","hashValue":"3a365c2d58103971a721c9ee18731d3e942e002f"}]`
	doc := func(document, relations string) string {
		return strings.Replace(spdx3Head, `"rootElement"`, document+`"rootElement"`, 1) +
			`{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p"}` + relations + `]}`
	}
	edge := func(to string) string {
		return `,{"type":"Relationship","spdxId":"urn:x:r","creationInfo":"_:c","relationshipType":"dependsOn","from":"urn:x:p",` +
			`"to":["` + to + `"]}`
	}
	imported := func(maps ...string) string { return `"import":[` + strings.Join(maps, ",") + `],` }
	one := func(id, rest string) string {
		return `{"type":"ExternalMap","externalSpdxId":"` + id + `"` + rest + `}`
	}
	const n = `"namespaceMap":[{"type":"NamespaceMap","prefix":"DocumentRef-other","namespace":"https://example.org/other#"}],`
	const short = `"namespaceMap":[{"type":"NamespaceMap","prefix":"ex","namespace":"https://example.org/mine/"}],`
	const a, b = "https://example.org/other#SPDXRef-a", "https://example.org/other#SPDXRef-b"
	for _, tt := range []struct {
		name, in string
		to       string // where the edge goes in SPDX 2.3, and back in SPDX 3
		back     string
	}{
		{"used", doc(imported(one(a, ","+sum)), edge(a)), "DocumentRef-1:SPDXRef-a", a},
		{"used, with a prefix", doc(imported(one(a, ","+sum))+n, edge(a)), "DocumentRef-other:SPDXRef-a", a},
		{"not used", doc(imported(one(a, ","+sum))+n, ""), "", ""},
		{"two elements, hashes said twice", doc(imported(one(a, ","+sum), one(b, ","+sum))+n, edge(b)), "DocumentRef-other:SPDXRef-b", b},
		{"an id of another kind", doc(imported(one("https://example.org/other#a", ","+sum)), edge("https://example.org/other#a")),
			"DocumentRef-1:SPDXRef-a", "https://example.org/other#a"},
		{"where it is", doc(imported(one(a, `,"locationHint":"https://example.org/other.json",`+sum)), edge(a)),
			"DocumentRef-1:SPDXRef-a", a},
		{"where it is, at its URI", doc(imported(one(a, `,"locationHint":"https://example.org/other",`+sum)), edge(a)),
			"DocumentRef-1:SPDXRef-a", a},
		{"in two places", doc(imported(one(a, `,"locationHint":"https://example.org/1",`+sum),
			one(b, `,"locationHint":"https://example.org/2"`)), edge(a)), "DocumentRef-1:SPDXRef-a", a},
		{"the document", doc(imported(one("https://example.org/other", ","+sum))+n, edge("https://example.org/other")),
			"DocumentRef-other:SPDXRef-DOCUMENT", "https://example.org/other"},
		{"no fragment", doc(imported(one("https://example.org/recipe/1", ","+sum)), edge("https://example.org/recipe/1")), "",
			"https://example.org/recipe/1"},
		{"no hash", doc(imported(one(a, "")), edge(a)), "", a},
		{"one hash that SPDX 2 has not", doc(imported(one(a, ","+strings.Replace(sum, `"sha1"`, `"falcon"`, 1))), edge(a)), "", a},
		{"two hashes",
			doc(imported(one(a, ","+strings.Replace(sum, `]`, `,{"type":"Hash","algorithm":"md5",`+
				`"hashValue":"d41d8cd98f00b204e9800998ecf8427e"}]`, 1))), edge(a)), "DocumentRef-1:SPDXRef-a", a},
		{"an artifact that stands for it", doc(imported(one(a, `,"definingArtifact":"urn:x:p",`+sum)), edge(a)),
			"DocumentRef-1:SPDXRef-a", a},
		{"a prefix only", doc(short, ""), "", ""},
		{"a prefix that is taken by number", doc(imported(one("https://example.org/3#SPDXRef-a", ","+sum), one(a, ","+sum))+
			strings.Replace(n, "DocumentRef-other", "DocumentRef-1", 1), edge(a)), "DocumentRef-2:SPDXRef-a", a},
		{"one object and no list",
			doc(strings.NewReplacer(`[{"type":"ExternalMap"`, `{"type":"ExternalMap"`, `}],`, `},`).Replace(imported(one(a, ""))), edge(a)),
			"", a},
	} {
		for _, version := range []string{"3.0.1", "3.0.0"} {
			in := strings.ReplaceAll(tt.in, "3.0.1", version)
			d := mustParse(t, in)
			if _, err := Validate([]byte(in)); err != nil && version == "3.0.1" && tt.name != "one object and no list" {
				t.Errorf("%s: %v", tt.name, err)
			}
			for _, target := range targets() {
				if target == d.Format() {
					continue
				}
				out, r := mustConvert(t, d, target)
				if silent := differ(t, []byte(in), out.Bytes(), r); len(silent) > 0 {
					t.Errorf("%s to %v: silent: %q", tt.name, target, silent)
				}
				for _, l := range r.Losses {
					if l.Reason == notCarried || l.Reason == noPlace && strings.Contains(l.Path, "/import") {
						t.Errorf("%s to %v: %v", tt.name, target, l)
					}
				}
				if target.Version == "2.3" && tt.to != "" &&
					!bytes.Contains(out.Bytes(), []byte(fmt.Sprintf("%q: %q", "relatedSpdxElement", tt.to))) {
					t.Errorf("%s: no %s in %s", tt.name, tt.to, out.Bytes())
				}
				again, back := out, tt.back
				if target.Version == "2.3" { // which has ids of one kind
					back = strings.Replace(back, "#a", "#SPDXRef-a", 1)
				}
				if target.Version == "2.3" && tt.to != "" {
					again, _ = mustConvert(t, out, Format{SPDX, "3.0.1"})
				}
				if (target.Version == "2.3" && tt.to != "" || target.Version == "3.0.1") && !hasEdge3(t, again, back) {
					t.Errorf("%s by way of %v: no edge to %s in\n%s", tt.name, target, tt.back, again.Bytes())
				}
				if target.Spec == CycloneDX && target.Version > "1.3" && strings.Contains(in, "ExternalMap") &&
					!bytes.Contains(out.Bytes(), []byte(`"type": "bom"`)) {
					t.Errorf("%s to %v: no reference to the other document\n%s", tt.name, target, out.Bytes())
				}
			}
		}
	}
}

// hasEdge3 reports whether a relationship of an SPDX 3 document goes to an id, and an ExternalMap has it; true of no id.
func hasEdge3(t testing.TB, d *Document, id string) bool {
	t.Helper()
	root, err := tree.Parse(d.text())
	if err != nil {
		t.Fatal(err)
	}
	related, mapped := id == "", id == ""
	for _, n := range root.List("@graph") {
		related = related || slices.ContainsFunc(n.List("to"), func(v *tree.Node) bool { return v.Text == id })
		mapped = mapped || slices.ContainsFunc(n.List("import"), func(v *tree.Node) bool { return v.Str("externalSpdxId").S == id })
	}
	return related && mapped
}
