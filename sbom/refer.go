package sbom

import (
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Where documents name their parts and refer to them, for what puts documents together and takes them apart.

// definition returns what an object is referred to by, and the member that says so.
func definition(n *tree.Node, f Format) (id *tree.Node) {
	for _, name := range definitions(f) {
		if v := n.Get(name); v != nil && v.Kind == strictjson.String && v.Text != "" && (v.Text != spec.DocumentID || !isSPDX2(f)) {
			return v
		}
	}
	return nil
}

func definitions(f Format) []string {
	switch {
	case f.Spec == CycloneDX:
		return []string{"bom-ref"}
	case isSPDX2(f):
		return []string{"SPDXID", "licenseId", "externalDocumentId"}
	}
	return []string{"spdxId", "@id"}
}

// cyclonedxReferences are the members of CycloneDX, 1.2 to 1.7, whose texts refer to others; those that end in "Ref" do
// too. Texts of members with these names that are no references are none of the names that are looked for.
var cyclonedxReferences = spec.Set("bom-ref", "ref", "dependsOn", "provides", "assemblies", "dependencies", "vulnerabilities", "subjects",
	"tools",
	"assessor", "target", "requirement", "claims", "counterClaims", "evidence", "counterEvidence", "mitigationStrategies",
	"requirements", "cryptoRefArray")

// spdx2References are the members of SPDX 2 that do (2.3, the JSON schema), and those that hold licence expressions.
var (
	spdx2References = spec.Set("SPDXID", "licenseId", "externalDocumentId", "spdxElementId", "relatedSpdxElement", "documentDescribes",
		"hasFiles", "snippetFromFile",
		"reference", "fileDependencies")
	spdx2Expressions = spec.Set("licenseConcluded", "licenseDeclared", "licenseInfoFromFiles", "licenseInfoInFiles",
		"licenseInfoInSnippets")
)

// spdx3Texts are the members of SPDX 3 whose texts are for people. All others may be references.
var spdx3Texts = spec.Set("name", "summary", "description", "comment", "type")

// refer visits every text below n that names a part of the document: references and definitions.
func refer(n *tree.Node, f Format, visit func(*tree.Node)) { referAs(n, f, "", visit) }

func referAs(n *tree.Node, f Format, name string, visit func(*tree.Node)) {
	switch n.Kind {
	case strictjson.Object:
		for _, m := range n.Members {
			referAs(m.Value, f, m.Name, visit)
		}
	case strictjson.Array:
		for _, v := range n.Items {
			referAs(v, f, name, visit)
		}
	case strictjson.String:
		if refers(f, name) {
			visit(n)
		}
	}
}

func refers(f Format, name string) bool {
	switch {
	case f.Spec == CycloneDX:
		return cyclonedxReferences[name] || strings.HasSuffix(name, "Ref")
	case isSPDX2(f):
		return spdx2References[name] || spdx2Expressions[name]
	}
	return !spdx3Texts[name]
}

// rename gives parts of a document other names.
func rename(n *tree.Node, f Format, to map[string]string) {
	if len(to) == 0 {
		return
	}
	refer(n, f, func(v *tree.Node) {
		if name, ok := to[v.Text]; ok {
			v.Text = name
		} else if isSPDX2(f) {
			v.Text = renameTokens(v.Text, to)
		}
	})
}

// renameTokens renames what a licence expression refers to, and the document in "DocumentRef-a:SPDXRef-b".
func renameTokens(s string, to map[string]string) string {
	if !strings.Contains(s, "Ref-") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && packageurl.IsKey("a"+s[end:end+1], ".-") {
			end++
		}
		if end == i {
			b.WriteByte(s[i])
			i++
			continue
		}
		token := s[i:end]
		if name, ok := to[token]; ok && (i == 0 || s[i-1] != ':') {
			token = name
		}
		b.WriteString(token)
		i = end
	}
	return b.String()
}

// nodesOf returns the tree's nodes of the document's components.
func (d *Document) nodesOf(input *tree.Node) []*tree.Node {
	at := make(map[int]Ref, len(d.components))
	for i := range d.components {
		at[cap(d.json)-cap(d.components[i].raw)] = Ref(i)
	}
	nodes := make([]*tree.Node, len(d.components))
	input.Each(func(n *tree.Node) {
		if ref, ok := at[int(n.Start)]; ok {
			nodes[ref] = n
		}
	})
	return nodes
}
