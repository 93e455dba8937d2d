package sbom

import (
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/cdx"
	"github.com/ladingdev/lading/sbom/internal/schema/iri"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// spell writes otherwise what a version of CycloneDX refuses as it stands, so that no more is lost than the word, and reports
// whether it did: the component, the reference and the licence count for more.
func (f *fitting) spell(v *tree.Node) bool {
	if f.general == nil && strings.HasPrefix(f.name, string(CycloneDX)) {
		f.general, f.licences = cdx.GeneralTypes(f.out), cdx.LicencesIn(f.out)
		f.urls = urlsIn(f.out)
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
	if f.urls[v] {
		if at := addressOf(v.Text); at != "" {
			v.Explain(tree.Changed, f.name+" has URLs; written as "+at)
			v.Text = at
			return true
		}
	}
	if f.name < "CycloneDX 1.4" && v.Kind == strictjson.String && f.general != nil {
		if line := cdx.OneLine.Replace(v.Text); line != v.Text {
			v.Text = line
			v.Explain(tree.Changed, f.name+" has texts of one line")
			return true
		}
	}
	return false
}

// shortSSH is how git writes a repository reached by SSH, with a name and a path.
var shortSSH = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([\w.+-]+@[\w.-]+):([\w.~-][^:]*)$`) })

// addressOf writes what is no URL and means one: npm has git@host:path, and others blanks. Of another text it returns nothing.
func addressOf(s string) string {
	if m := shortSSH().FindStringSubmatch(s); m != nil {
		s = "ssh://" + m[1] + "/" + m[2]
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || !iri.IsReference(u.String()) {
		return ""
	}
	return u.String()
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
