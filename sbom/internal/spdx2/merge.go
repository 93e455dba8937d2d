package spdx2

import (
	"crypto/sha1" // of external documents, which SPDX 2 asks for
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// merge is how documents are merged: what the result is about contains what each is about.
var merge = specification.Merge{
	Parts: func(input *tree.Node) []*tree.Node {
		return tree.Compact([]*tree.Node{input.Get("hasExtractedLicensingInfos"), input.Get("externalDocumentRefs"), input.Get("snippets")})
	},
	Add:  add,
	Link: link,
	End:  func(m *specification.Merged) { specification.Once(m.Out.Get("relationships")) },
}

func add(m *specification.Merged, input *tree.Node, roots []string) []string {
	for _, v := range input.Members {
		switch v.Name {
		case "spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "documentDescribes":
		case "creationInfo":
			if c := v.Value.Get("creators"); c != nil {
				m.Out.Get("creationInfo").Get("creators").Unite(c)
			}
			for _, x := range v.Value.Members {
				if x.Name == "licenseListVersion" {
					m.Member(m.Out.Get("creationInfo"), x.Name, x.Value, "creationInfo.")
				} else if x.Name != "creators" && x.Name != "created" {
					m.Conflict(nil, "creationInfo."+x.Name, "", x.Value.Show())
				}
			}
		case "packages", "files", "snippets", "hasExtractedLicensingInfos", "externalDocumentRefs":
			m.Append(v.Name, v.Value.Items, m.Same)
		case "relationships":
			m.Append(v.Name, slices.DeleteFunc(v.Value.Items, func(n *tree.Node) bool {
				about := n.Str("spdxElementId").S == spec.DocumentID && n.Str("relationshipType").S == string(model.Describes) ||
					n.Str("relatedSpdxElement").S == spec.DocumentID && n.Str("relationshipType").S == "DESCRIBED_BY"
				if c := n.Get("comment"); about && c != nil {
					m.Conflict(nil, "relationships.comment", "", c.Show())
				}
				return about
			}), nil)
		default:
			m.Member(m.Out, v.Name, v.Value, "")
		}
	}
	for _, id := range roots {
		Relate(m.Out, m.Root, nil, string(model.Contains), nil, id, nil)
	}
	return roots
}

// link refers to a document, and to what it is about.
func link(m *specification.Merged, l *specification.Linked) {
	id := fmt.Sprintf("DocumentRef-%d", m.Doc+1)
	old := sha1.Sum(l.Source)
	ref := tree.NewObject()
	ref.Set("externalDocumentId", tree.NewText(id))
	ref.Set("spdxDocument", tree.NewText(l.ID))
	sum := ref.Set("checksum", tree.NewObject())
	sum.Set("algorithm", tree.NewText("SHA1"))
	sum.Set("checksumValue", tree.NewText(hex.EncodeToString(old[:])))
	m.Out.Add("externalDocumentRefs", ref)
	element := spec.DocumentID
	if l.Alike && l.About.ID != "" {
		element = l.About.ID
	}
	Relate(m.Out, m.Root, nil, string(model.Contains), nil, id+":"+element, nil)
}
