package spdx2

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// subset leaves out what a cut does. A package without its files has no verification code.
func subset(c *specification.Cut, root *tree.Node) {
	files := map[string]bool{} // those that had files which are not kept
	relationships := root.Get("relationships")
	if relationships != nil {
		relationships.Items = slices.DeleteFunc(relationships.Items, func(n *tree.Node) bool {
			from, to := n.Str("spdxElementId").S, n.Str("relatedSpdxElement").S
			if n.Str("relationshipType").S == "CONTAINS" && c.IDs[to] {
				files[from] = true
			}
			return c.IDs[from] || c.IDs[to]
		})
	}
	for _, name := range []string{"packages", "files", "snippets"} {
		list := root.Get(name)
		if list == nil {
			continue
		}
		list.Items = slices.DeleteFunc(list.Items, func(n *tree.Node) bool {
			return c.Gone[n] || c.IDs[n.Str("snippetFromFile").S]
		})
		for _, n := range list.Items {
			removed := c.Filter(n, "hasFiles")
			if v := n.Get("packageVerificationCode"); v != nil && (removed || files[n.Str("SPDXID").S]) {
				n.Remove("packageVerificationCode")
				n.Remove("licenseInfoFromFiles")
				n.Remove("filesAnalyzed")
				n.Set("filesAnalyzed", tree.NewLiteral("false"))
			}
		}
	}
	c.Filter(root, "documentDescribes")
}

// rename gives a document another namespace.
func rename(root *tree.Node, uuid func() string) {
	if v := root.Get("documentNamespace"); v != nil {
		v.Text = strings.TrimRight(v.Text, "#/") + "/" + uuid()
	}
}
