package catalog

import (
	"context"
	"path"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"

	"github.com/ladingdev/lading/sbom"
)

func rFinders() ([]finder, error) {
	description := &rPackage{}
	return []finder{{Extractor: description, max: maxText, details: description.details}}, nil
}

// rPackage reads DESCRIPTION of installed packages of R ("Writing R Extensions", The DESCRIPTION file), which R marks by a
// field Built.
type rPackage struct{ fields map[string]string }

func (*rPackage) Name() string                       { return "r/description" }
func (*rPackage) Version() int                       { return 0 }
func (*rPackage) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says what the file is called.
func (*rPackage) FileRequired(api filesystem.FileAPI) bool {
	return path.Base(api.Path()) == "DESCRIPTION"
}

// Extract finds the package.
func (r *rPackage) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	for s, err := range stanzas(in.Reader, true, "Package", "Version", "License", "Depends", "Imports", "LinkingTo", "Built",
		"RemoteType", "RemoteUsername", "RemoteRepo", "RemoteSha") {
		if err != nil {
			return out, err
		}
		if s["Package"] == "" || s["Version"] == "" || s["Built"] == "" {
			return out, nil // another file of that name, or a source
		}
		r.fields = s
		u := sbom.PURL{Type: "cran", Name: s["Package"], Version: s["Version"]}
		if s["RemoteType"] == "github" && s["RemoteSha"] != "" {
			u = withVCS(u, "git+https://github.com/"+s["RemoteUsername"]+"/"+s["RemoteRepo"]+"@"+s["RemoteSha"])
		}
		out.Packages = []*extractor.Package{{Name: u.Name, Version: u.Version, PURLType: "cran", Metadata: &ownPURL{u}}}
		return out, nil
	}
	return out, nil
}

// details reads the licence and what it depends on, in the same library or another.
func (r *rPackage) details(c *collector, f *found) error {
	k := f.pkgs[0]
	if k == nil {
		return nil
	}
	for one := range strings.SplitSeq(r.fields["License"], " + file ") { // a file beside says who holds it
		add(&k.licenses, rLicense(one))
		break
	}
	library := path.Dir(path.Dir(f.path))
	c.byDir["R\n"+library+"\n"+f.raw[0].Name] = k
	c.byDir["R\n"+f.raw[0].Name] = k
	for _, list := range []string{"Depends", "Imports", "LinkingTo"} {
		for _, any := range dpkgNames(strings.ReplaceAll(r.fields[list], "\n", " ")) {
			c.later = append(c.later, func() {
				to := c.byDir["R\n"+library+"\n"+any[0]]
				if to == nil {
					to = c.byDir["R\n"+any[0]]
				}
				k.need(to)
			})
		}
	}
	return nil
}

// rLicense writes a licence of R's list, of which "|" separates what one may choose from, as an expression.
func rLicense(s string) string {
	var any []string
	for one := range strings.SplitSeq(s, "|") {
		one = strings.TrimSpace(one)
		name, version, ok := strings.Cut(strings.TrimSuffix(one, ")"), " (>= ")
		if ok {
			one = name + "-" + version + "+"
		}
		any = append(any, debianName(one))
	}
	if len(any) == 1 {
		return any[0]
	}
	return strings.Join(anyOf(any), " | ")
}
