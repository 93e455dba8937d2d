package sbom

import (
	"maps"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

func fileOrNot(c *Component) string {
	if strings.EqualFold(c.Kind, "file") {
		return "file"
	}
	return ""
}

func withID(key func(*Document, Ref) string) func(*Document, Ref) string {
	return func(d *Document, r Ref) string {
		k := key(d, r)
		if k == "" || d.components[r].ID == "" {
			return ""
		}
		return k + "\x00" + d.components[r].ID
	}
}

// content returns what is said of a component, other than its ID.
func (d *Document) content(r Ref) string {
	n, err := tree.Parse(d.components[r].raw)
	if err != nil {
		return ""
	}
	n.Members = slices.DeleteFunc(n.Members, func(v tree.Member) bool { return !describesComponent(v.Name) })
	return n.Line(true)
}

// strongHash returns a component's hash of 256 bits or more, of several the first by the name of its algorithm.
func strongHash(d *Document, r Ref) (key string) {
	for _, h := range d.Hashes(r) {
		if len(h.Value) < 64 {
			continue
		}
		if k := h.Algorithm + ":" + strings.ToLower(h.Value); key == "" || k < key {
			key = k
		}
	}
	return key
}

// identifierKinds are the identifiers of components besides package URLs, by CycloneDX's names of their members.
var identifierKinds = []string{"swhid", "omniborId", "cpe", "swid"}

// identifier returns the first identifier of a kind.
func (d *Document) identifier(ref Ref, kind string) string {
	n, err := tree.Parse(d.components[ref].raw)
	if err != nil {
		return ""
	}
	return identifierOf(n, d.format, kind)
}

func identifierOf(n *tree.Node, f Format, kind string) string {
	if f.Spec == CycloneDX {
		v := n.Get(kind)
		switch {
		case kind == "swid":
			return v.Str("tagId").S
		case v != nil && len(v.Items) > 0:
			v = v.Items[0]
		}
		return v.Show()
	}
	words := specOf(f).Words
	for _, r := range n.List(words.Identifiers) {
		t := r.Str(words.IdentifierType).S
		if slices.Contains(spdxIdentifiers[kind], t[strings.LastIndexByte(t, '/')+1:]) {
			return r.Str(words.IdentifierValue).S
		}
	}
	return ""
}

// SPDX's names for them: 2.3, annex F, and 3.0.1, ExternalIdentifierType.
var spdxIdentifiers = map[string][]string{
	"swhid":     {"swh", "swhid"},
	"omniborId": {"gitoid"},
	"cpe":       {"cpe23Type", "cpe22Type", "cpe23", "cpe22"},
	"swid":      {"swid"},
}

func (d *Document) hashList(r Ref) string {
	var list []string
	for _, h := range d.Hashes(r) {
		list = append(list, h.Algorithm+":"+strings.ToLower(h.Value))
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// describesComponent reports whether a member says something of its component: its ID names it, and what it contains are other
// components.
func describesComponent(member string) bool {
	switch member {
	case "bom-ref", "components", "SPDXID", "spdxId", "@id", "creationInfo":
		return false
	}
	return true
}

// identity is what a component is recognized by.
func identity(d *Document, r Ref) string {
	c := &d.components[r]
	switch p, err := packageurl.Parse(c.PURL); {
	case err == nil && p.Version == "":
		return p.String() + "\x00" + c.Version
	case err == nil:
		return p.String()
	case c.Name == "":
		return "\x00" + d.content(r) // the same if all of it is
	case c.Kind == "file":
		return "\x00" + c.Name + "\x00" + d.hashList(r)
	}
	return c.Group + "\x00" + c.Name + "\x00" + c.Version + "\x00" + c.Kind
}

// contradiction finds an algorithm of which two components have no hash in common.
func contradiction(w *tree.Words, a, b *tree.Node) (field, kept, dropped string) {
	list, alg, value := w.Hashes, w.HashAlgorithm, w.HashValue
	hashes := func(n *tree.Node) map[string][]string {
		m := map[string][]string{}
		for _, h := range n.List(list) {
			if v := h.Str(value).S; v != "" {
				m[h.Str(alg).S] = append(m[h.Str(alg).S], strings.ToLower(v))
			}
		}
		return m
	}
	first, second := hashes(a), hashes(b)
	for _, name := range slices.Sorted(maps.Keys(first)) {
		values := first[name]
		others, both := second[name]
		if both && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(others, v) }) {
			return list, a.Get(list).Show(), b.Get(list).Show()
		}
	}
	return "", "", ""
}

// fullName is the name with the group, as SPDX has it.
func (c *Component) fullName() string {
	name, _ := packageurl.JoinName(c.Group, strings.TrimPrefix(c.Name, "./"), c.PURL)
	return name
}
