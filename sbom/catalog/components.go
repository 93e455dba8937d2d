package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor"

	"github.com/ladingdev/lading/sbom"
)

// ownPURL is a package URL that an extractor of ours made.
type ownPURL struct{ sbom.PURL }

func (*ownPURL) IsProtoable() {}

// goPURL writes the package URL of a module as lading's sbom does. Module paths keep their case, as the module proxy tells
// modules apart by it.
func goPURL(module, version string) string {
	parts := strings.Split(module, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), ":", "%3A")
	}
	s := "pkg:golang/" + strings.Join(parts, "/")
	if version != "" && version != "(devel)" && version != "v(devel)" {
		s += "@" + strings.ReplaceAll(url.QueryEscape(version), "%3A", ":")
	}
	return s
}

// javaMetadata are the licences that a package's pom.xml names, and which of its archives it is.
type javaMetadata struct {
	licenses   []string
	classifier string
}

func (*javaMetadata) IsProtoable() {}

func nameInPURL(u sbom.PURL) string {
	if u.Namespace == "" || !slices.Contains([]string{"npm", "maven", "composer", "golang"}, u.Type) {
		return u.Name
	}
	if u.Type == "maven" {
		return u.Namespace + ":" + u.Name
	}
	return u.Namespace + "/" + u.Name
}

// component returns the component that a package is: the same for packages that are found in several ways or places.
func (c *collector) component(p *extractor.Package, at string) (*component, error) {
	purl, name, err := c.purl(p)
	if err != nil {
		return nil, err
	}
	return c.make(purl, name, at, "")
}

// make makes the component of a package URL, or finds it. A program is its own component at every place.
func (c *collector) make(purl, name, at, program string) (*component, error) {
	parsed, err := sbom.ParsePURL(purl)
	if err != nil {
		return nil, err
	}
	key := parsed.MatchKey()
	if vcs := parsed.Qualifiers["vcs_url"]; vcs != "" { // which is not a registry's of the same name and version
		key += "\n" + vcs
	}
	if program != "" {
		key += "\n" + program
	}
	k := c.all[key]
	if k == nil {
		k = &component{key: key, id: purl, kind: cdx.ComponentTypeLibrary, purl: purl, name: name, version: parsed.Version}
		switch parsed.Type {
		case "npm", "maven", "composer":
			if i := strings.LastIndexAny(name, "/:"); i > 0 {
				k.group, k.name = name[:i], name[i+1:]
			}
		}
		if program != "" {
			k.id, k.kind = purl+"#"+program, cdx.ComponentTypeApplication
		}
		k.id = strings.ToValidUTF8(k.id, "\ufffd") // as it will be written: two may become one
		c.all[key] = k
	}
	for file := range strings.SplitSeq(at, "\n") {
		k.at(place{file, c.tree.LayerOf(file)})
	}
	return k, nil
}

// purl writes a package's URL as its type is defined, and its name.
func (c *collector) purl(p *extractor.Package) (purl, name string, err error) {
	if p.PURLType == "golang" {
		path, version := p.Name, p.Version
		if path == "go" { // the toolchain, whose library is in the program
			path = "stdlib"
		} else if version != "" && version[0] >= '0' && version[0] <= '9' {
			version = "v" + version
		}
		return goPURL(path, version), path, nil
	}
	switch own := p.Metadata.(type) {
	case *ownPURL:
		return own.String(), p.Name, nil
	case *javaMetadata:
		group, artifact, _ := strings.Cut(p.Name, ":")
		u := sbom.PURL{Type: "maven", Namespace: group, Name: artifact, Version: p.Version}
		if own.classifier != "" {
			u.Qualifiers = map[string]string{"classifier": own.classifier}
		}
		return u.String(), p.Name, nil
	}
	u := p.PURL()
	if u == nil {
		return "", "", errors.New("it has no package URL")
	}
	parsed, err := sbom.ParsePURL(u.String())
	if err != nil {
		return "", "", err
	}
	if q := parsed.Qualifiers; q != nil {
		// As the definitions of the types have it, and those who look for vulnerabilities read it.
		if q["distro"] != "" && c.os["ID"] != "" {
			q["distro"] = c.os["ID"] + "-" + cmp.Or(c.os["VERSION_ID"], c.os["VERSION_CODENAME"], q["distro"])
		}
		upstream := cmp.Or(q["source"], q["origin"], q["sourcerpm"])
		if v := q["sourceversion"]; v != "" {
			upstream += "@" + v
		}
		for _, k := range []string{"source", "sourceversion", "origin", "sourcerpm", "packagedependencies"} {
			delete(q, k)
		}
		if upstream != "" && upstream != parsed.Name && parsed.Type != "npm" { // of which the source is whether there was a lockfile
			q["upstream"] = upstream
		}
	}
	return parsed.String(), p.Name, nil
}

// components returns what was found in the order of IDs, which are unique.
func (c *collector) components() []*component {
	keys := slices.Sorted(maps.Keys(c.all))
	out := make([]*component, 0, len(keys))
	for _, k := range keys {
		out = append(out, c.all[k])
	}
	slices.SortStableFunc(out, func(a, b *component) int { return strings.Compare(a.id, b.id) })
	used := map[string]bool{}
	for _, k := range out {
		id := k.id
		for n := 2; used[k.id]; n++ {
			k.id = fmt.Sprintf("%s#%d", id, n)
		}
		used[k.id] = true
	}
	return out
}

// rename makes what was found at a place another component: there is better word of what it is. If nothing was found there
// (nil), it is a new one.
func (c *collector) rename(k *component, u sbom.PURL, at string) *component {
	out, err := c.make(u.String(), nameInPURL(u), at, "")
	if err != nil || out == k {
		return k
	}
	if k == nil {
		out.present = true
		return out
	}
	out.kind, out.supplier, out.present, out.licenses, out.lesser = k.kind, k.supplier, k.present || out.present, k.licenses, k.lesser
	out.asked, out.why = k.asked || out.asked, cmp.Or(out.why, k.why)
	for to := range k.needs {
		out.need(to)
	}
	if c.forget(k, at); len(k.places) == 0 {
		k.renamed = out
	}
	return out
}

// forget takes a place from a component, and the component if it was the only one.
func (c *collector) forget(k *component, at string) {
	k.places = slices.DeleteFunc(k.places, func(p place) bool { return p.path == at })
	if len(k.places) == 0 {
		delete(c.all, k.key)
	}
}
