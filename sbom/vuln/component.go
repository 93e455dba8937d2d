package vuln

import (
	"strings"

	"github.com/ladingdev/lading/sbom"
)

// component makes a Component of a package URL, or of a name and version, whichever the document gives.
func component(purl, name, version string) Component {
	c := Component{Name: name, Version: version, PURL: purl}
	if purl == "" || name != "" && version != "" {
		return c
	}
	p, err := sbom.ParsePURL(purl)
	if err != nil {
		if name == "" {
			c.Name = purl
		}
		return c
	}
	if name == "" {
		c.Name = p.Name
		if p.Namespace != "" && p.Type != "deb" && p.Type != "rpm" && p.Type != "apk" {
			c.Name = p.Namespace + "/" + p.Name
		}
	}
	if version == "" {
		c.Version = p.Version
	}
	return c
}

// shown is the name and version in tables: those of the package URL, because scanners write names, and versions of Go and with
// epochs, in ways of their own.
func (c *Component) shown() (name, version string) {
	p, err := sbom.ParsePURL(c.PURL)
	if err != nil || p.Version == "" {
		return c.Name, c.Version
	}
	of := component(c.PURL, "", "")
	if p.Type == "deb" || p.Type == "rpm" {
		return of.Name, versionOf(p)
	}
	return of.Name, of.Version
}

// key is the same for one package, however its package URL is written, or, without one, for one name; with or without its version.
func (c *Component) key(version bool) string {
	if c.PURL != "" {
		p, err := sbom.ParsePURL(c.PURL)
		if err == nil {
			if !version {
				p.Version = ""
				delete(p.Qualifiers, "epoch")
			}
			return p.MatchKey()
		}
		return c.PURL
	}
	if !version {
		return strings.ToLower(c.Name)
	}
	return strings.ToLower(c.Name) + "@" + c.Version
}

// Locate finds the components of the Report in the SBOM that was scanned, by package URL, or by name and version without one, and
// fills Refs and ID. Subject.SBOM
// and Subject.SBOMID become those of doc.
func (r *Report) Locate(doc *sbom.Document) {
	r.Subject.SBOM, r.Subject.SBOMID = digestOf(doc.Bytes()), doc.ID()
	locate := func(c *Component) {
		c.Refs = nil
		if c.PURL != "" {
			for ref := range doc.ByPURL(c.PURL) {
				c.Refs = append(c.Refs, ref)
			}
			if p, err := sbom.ParsePURL(c.PURL); err == nil && len(c.Refs) == 0 {
				for ref := range doc.Match(p) {
					c.Refs = append(c.Refs, ref)
				}
			}
		} else if c.Name != "" { // ids are the scanner's: Amazon Inspector numbers components anew
			for ref, have := range doc.Components() {
				if have.PURL == "" && have.Name == c.Name && have.Version == c.Version {
					c.Refs = append(c.Refs, ref)
				}
			}
		}
		if len(c.Refs) > 0 {
			c.ID = doc.Component(c.Refs[0]).ID
		}
	}
	for _, a := range r.Places() {
		locate(&a.Component)
	}
	for i := range r.Skipped {
		locate(&r.Skipped[i].Component)
	}
}
