package sbom

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A FieldChange is one thing that is said differently, empty where nothing is said. Between documents of one specification
// a field is a member of the component as the specification names it, such as "licenses", a text as it is and other
// values as JSON. Between documents of different ones it is "name", "version", "purl", "hashes" or "licenses". Hashes and
// licences are sorted and joined by spaces: a conjunction of licences is split at AND, and a licence that is not on the SPDX
// list is written as a LicenseRef made of its name. In SPDX 3 "hasDeclaredLicense" and "hasConcludedLicense" are fields too.
type FieldChange struct {
	Field, Old, New string
}

// compare returns what the documents say differently of a component.
func (m *matcher) compare(o, n Ref) (fields []FieldChange) {
	old, new := m.docs[0], m.docs[1]
	a, b := &old.components[o], &new.components[n]
	if m.alike() {
		if (m.exact == nil || !m.exact[n]) && string(a.raw) != string(b.raw) {
			fields = m.compareMembers(o, n)
		}
		for _, role := range []string{"declared", "concluded"} {
			if old.found.Claims == nil {
				break
			}
			if was, is := old.licenseText(o, role), new.licenseText(n, role); was != is {
				fields = append(fields, FieldChange{map[string]string{"declared": "hasDeclaredLicense",
					"concluded": "hasConcludedLicense"}[role], was, is})
			}
		}
		return sameNames(a, b, fields)
	}
	for _, f := range []FieldChange{
		{"name", a.fullName(), b.fullName()},
		{"version", a.Version, b.Version},
		{"purl", canonical(a.PURL), canonical(b.PURL)},
		{"hashes", old.hashList(o), new.hashList(n)},
		{"licenses", old.licenseList(o), new.licenseList(n)},
	} {
		if f.Old != f.New {
			fields = append(fields, f)
		}
	}
	return sameNames(a, b, fields)
}

// sameNames leaves out changes of what only spells a name: a group that is apart or not, and all of the package URL if it
// is another program's for the same package.
func sameNames(a, b *Component, fields []FieldChange) []FieldChange {
	if len(fields) == 0 {
		return nil
	}
	name := a.fullName() == b.fullName()
	spelling := samePackage(a.PURL, b.PURL)
	return slices.DeleteFunc(fields, func(f FieldChange) bool {
		switch f.Field {
		case "name", "group":
			return name || spelling
		case "version", "purl":
			return spelling
		}
		return false
	})
}

// samePackage reports whether two package URLs are different ones of one package that comes from one place.
func samePackage(a, b string) bool {
	p, err1 := packageurl.Parse(a)
	q, err2 := packageurl.Parse(b)
	if err1 != nil || err2 != nil || p.String() == q.String() || p.MatchKey() != q.MatchKey() {
		return false
	}
	for _, where := range []string{"vcs_url", "repository_url", "download_url", "checksum"} {
		if p.Qualifiers[where] != q.Qualifiers[where] {
			return false
		}
	}
	return true
}

func (d *Document) licenseList(r Ref) string {
	var list []string
	for _, l := range d.Licenses(r) {
		switch {
		case l.State != Value:
		case license.IsName(l.Expression):
			list = append(list, license.RefOf(l.Expression))
		case l.Expression != "":
			list = license.AppendConjuncts(list, license.Tokens(l.Expression))
		case l.Name != "":
			list = append(list, license.RefOf(l.Name))
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// licenseText returns what SPDX 3 says of a licence.
func (d *Document) licenseText(r Ref, role string) string {
	var list []string
	for _, l := range d.claims()[r] {
		if l.Role == role {
			list = append(list, [...]string{Value: l.Expression, NoAssertion: "NOASSERTION", NoValue: "NONE"}[l.State])
		}
	}
	slices.Sort(list)
	return strings.Join(list, " AND ")
}

// compareMembers compares two components of one specification. The text is known to be JSON.
func (m *matcher) compareMembers(o, n Ref) (fields []FieldChange) {
	a, b := m.docs[0].components[o].raw, m.docs[1].components[n].raw
	old, errOld := tree.Parse(a)
	new, errNew := tree.Parse(b)
	if errOld != nil || errNew != nil {
		return []FieldChange{{"", string(a), string(b)}}
	}
	values := map[string]*tree.Node{}
	for _, v := range new.Members {
		values[v.Name] = v.Value
	}
	for _, v := range old.Members {
		is := values[v.Name]
		delete(values, v.Name)
		if describesComponent(v.Name) && !v.Value.Equal(is) && !(v.Value.Empty() && is.Empty()) {
			fields = append(fields, FieldChange{v.Name, v.Value.Show(), is.Show()})
		}
	}
	for _, v := range new.Members {
		if _, added := values[v.Name]; added && describesComponent(v.Name) && !v.Value.Empty() {
			fields = append(fields, FieldChange{v.Name, "", v.Value.Show()})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	// What differs may be only what parts of the documents are known by.
	tree.Rename(old, specOf(m.docs[0].format).Words, m.renamed())
	for _, c := range []*tree.Node{old, new} {
		c.Each(func(v *tree.Node) {
			if v != c {
				v.Remove("bom-ref")
			}
		})
	}
	return slices.DeleteFunc(fields, func(f FieldChange) bool {
		switch f.Field {
		case "suppliedBy", "originatedBy":
			return m.docs[0].makers(o) == m.docs[1].makers(n)
		}
		was, is := old.Get(f.Field), new.Get(f.Field)
		return was != nil && was.Equal(is) || sameByDefault(f.Field, was, is) || sameAuthors(f.Field, old, new)
	})
}

// defaults are what members say that are not there: CycloneDX 1.7, component.scope; SPDX 2.3, clause 7.8.
var defaults = map[string]string{"scope": "required", "filesAnalyzed": "true"}

// sameByDefault reports whether one of two says what the other says by leaving it out.
func sameByDefault(field string, a, b *tree.Node) bool {
	said := cmp.Or(a, b)
	return defaults[field] != "" && (a == nil || b == nil) && said != nil && said.Text == defaults[field]
}

// sameAuthors reports whether one says of a component as a text who wrote it, as CycloneDX did before 1.6, and the other as a list.
func sameAuthors(field string, a, b *tree.Node) bool {
	if field != "author" && field != "authors" {
		return false
	}
	names := func(n *tree.Node) (text string) {
		if list := n.List("authors"); len(list) == 1 && len(list[0].Members) == 1 {
			return list[0].Str("name").S
		}
		return n.Str("author").S
	}
	return names(a) != "" && names(a) == names(b) && (a.Get("author") == nil) != (b.Get("author") == nil)
}

// renamed returns the new document's IDs of components by the old one's, where they differ.
func (m *matcher) renamed() map[string]string {
	if m.names == nil {
		m.names = map[string]string{}
		for i, ref := range m.old {
			if ref == None {
				continue
			}
			if was, is := m.docs[0].components[i].ID, m.docs[1].components[ref].ID; was != is && was != "" && is != "" {
				m.names[was] = is
			}
		}
	}
	return m.names
}

// makers returns who made or supplied a component of SPDX 3, where that stands in other elements.
func (d *Document) makers(r Ref) string {
	out := d.Details(r)
	text := fmt.Sprintf("%q", out.Authors)
	for _, p := range []*Party{out.Supplier, out.Manufacturer} {
		if p != nil {
			text += fmt.Sprintf("%q", *p)
		}
		text += ","
	}
	return text
}
