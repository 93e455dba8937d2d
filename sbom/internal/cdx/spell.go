package cdx

import (
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/schema/iri"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A speller writes otherwise what a version refuses as it stands, so that no more is lost than the word: the component, the
// reference and the licence count for more.
type speller struct {
	t        specification.Target
	general  map[*tree.Node]string     // see generalTypes
	licences map[*tree.Node]*tree.Node // see licencesIn
	urls     map[*tree.Node]bool       // see urlsIn
}

func spell(out *tree.Node, t specification.Target) func(*tree.Node) bool {
	return (&speller{t, generalTypes(out), licencesIn(out), urlsIn(out)}).spell
}

func (s *speller) spell(v *tree.Node) bool {
	if word := s.general[v]; word != "" && v.Text != word {
		v.Explain(tree.Changed, s.t.Format+" has no such type; written as "+word)
		v.Text = word
		return true
	}
	if holder := s.licences[v]; holder != nil && holder.Get("name") == nil {
		delete(s.licences, v)
		if holder.Get("license") == nil && holder.Remove("expression") != nil {
			name := holder.Members
			holder.Members = nil
			holder = holder.Set("license", tree.NewObject())
			holder.Members = name
		} else if holder.Remove("id") == nil {
			return false
		}
		holder.Set("name", v)
		v.Explain(tree.Changed, s.t.Format+" knows no such licence; written as its name")
		return true
	}
	if s.urls[v] {
		if at, ok := iri.Address(v.Text); ok && at != v.Text {
			v.Explain(tree.Changed, s.t.Format+" has URLs; written as "+at)
			v.Text = at
			return true
		}
	}
	if s.t.Version < "1.4" && v.Kind == strictjson.String {
		if line := oneLine.Replace(v.Text); line != v.Text {
			v.Text = line
			v.Explain(tree.Changed, s.t.Format+" has texts of one line")
			return true
		}
	}
	return false
}

// urlsIn returns the addresses that external references of a document of CycloneDX have.
func urlsIn(root *tree.Node) map[*tree.Node]bool {
	out := map[*tree.Node]bool{}
	root.Each(func(n *tree.Node) {
		for _, r := range n.List("externalReferences") {
			if v := r.Get("url"); v != nil {
				out[v] = true
			}
		}
	})
	return out
}
