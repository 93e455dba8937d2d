package sbom

import (
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// spell writes otherwise what a version of CycloneDX refuses as it stands, so that no more is lost than the word, and reports
// whether it did: the component, the reference and the licence count for more.
func (f *fitting) spell(v *tree.Node) bool {
	if f.general == nil && strings.HasPrefix(f.name, string(CycloneDX)) {
		f.general, f.licences = generalTypes(f.out), licencesIn(f.out)
	}
	if word := f.general[v]; word != "" && v.Text != word {
		v.Explain(tree.Changed, f.name+" has no such type; written as "+word)
		v.Text = word
		return true
	}
	if holder := f.licences[v]; holder != nil && holder.Get("name") == nil {
		delete(f.licences, v)
		if holder.Get("license") == nil && holder.Remove("expression") != nil {
			name := holder.Members
			holder.Members = nil
			holder = holder.Set("license", tree.NewObject())
			holder.Members = name
		} else if holder.Remove("id") == nil {
			return false
		}
		holder.Set("name", v)
		v.Explain(tree.Changed, f.name+" knows no such licence; written as its name")
		return true
	}
	if f.name < "CycloneDX 1.4" && v.Kind == strictjson.String && f.general != nil {
		if line := oneLine.Replace(v.Text); line != v.Text {
			v.Text = line
			v.Explain(tree.Changed, f.name+" has texts of one line")
			return true
		}
	}
	return false
}

// oneLine writes the ends of lines that a pattern knows as blanks.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\u2028", " ", "\u2029", " ")

// licencesIn returns the ids and expressions of licences in a document of CycloneDX, and the objects that they stand in.
func licencesIn(root *tree.Node) map[*tree.Node]*tree.Node {
	out := map[*tree.Node]*tree.Node{}
	root.Each(func(n *tree.Node) {
		for _, l := range n.List("licenses") {
			if v := l.Get("expression"); v != nil {
				out[v] = l
			}
			if v := l.Get("license").Get("id"); v != nil {
				out[v] = l.Get("license")
			}
		}
	})
	return out
}

// isExpression reports whether a text is a licence expression of SPDX (2.3, annex D), NONE or NOASSERTION.
func isExpression(s string) bool {
	list, err := license.TheList()
	return err != nil || s == "NONE" || s == "NOASSERTION" || license.Check(s, list, nil) == nil
}
