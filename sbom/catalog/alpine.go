package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	apkmeta "github.com/google/osv-scalibr/extractor/filesystem/os/apk/metadata"
	"github.com/google/osv-scalibr/extractor/filesystem/os/osrelease"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
	"github.com/google/osv-scalibr/purl"
)

func alpineFinders() ([]finder, error) {
	db := &apkDB{}
	return []finder{{Extractor: db, max: maxText, details: db.details}}, nil
}

// apkDB reads the database of apk (apk-installed-db(5)). It is an extractor of ours because a library's ends without any
// package at a line that is longer than 64 KiB or has no colon.
type apkDB struct {
	stanzas map[*extractor.Package]map[string]string // of what Extract found last, for details
}

func (*apkDB) Name() string                       { return "os/apk" }
func (*apkDB) Version() int                       { return 0 }
func (*apkDB) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says where apk has its database: apk 3 in /usr/lib where /lib is a link there.
func (*apkDB) FileRequired(api filesystem.FileAPI) bool {
	return slices.Contains([]string{"lib/apk/db/installed", "usr/lib/apk/db/installed", "var/lib/apk/db/installed"}, api.Path())
}

// Extract finds the packages. All that stand in the database have their files on disk.
func (db *apkDB) Extract(ctx context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	db.stanzas = map[*extractor.Package]map[string]string{}
	release, _ := osrelease.GetOSRelease(in.FS)
	var damaged []error
	for s, err := range stanzas(in.Reader, true, "P", "V", "A", "L", "U", "m", "o", "p", "D", "f") {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return out, errors.Join(append(damaged, err)...)
		}
		name, version := s["P"], s["V"]
		if name == "" || version == "" {
			if name+version != "" {
				if damaged = append(damaged, fmt.Errorf("package %.100q has no name or no version", name+" "+version)); len(damaged) ==
					maxDamaged {
					return out, errors.Join(append(damaged, errors.New("and so on"))...)
				}
			}
			continue
		}
		p := &extractor.Package{Name: name, Version: version, PURLType: purl.TypeApk, Metadata: &apkmeta.Metadata{
			PackageName: name, OriginName: s["o"], Architecture: s["A"], OSID: release["ID"], OSVersionID: release["VERSION_ID"],
		}}
		db.stanzas[p] = s
		out.Packages = append(out.Packages, p)
	}
	return out, errors.Join(damaged...)
}

// details reads what packages depend on (apk-package(5)): names, and "so:", "cmd:", "pc:" that others provide.
func (db *apkDB) details(c *collector, f *found) error {
	for i, p := range f.raw {
		k, s := f.pkgs[i], db.stanzas[p]
		if k == nil || s == nil {
			continue
		}
		k.supplier = supplier(s["m"])
		add(&k.licenses, s["L"])
		k.property("lading:homepage", s["U"])
		if s["f"] != "" { // files, scripts or attributes that could not be written
			k.property("lading:state", "broken:"+s["f"])
		}
		k.scanned = trivySource(cmp.Or(s["o"], p.Name), p.Version, "")
		provides, any := []string{p.Name}, [][]string{}
		for _, p := range strings.Fields(s["p"]) {
			provides = append(provides, apkName(p))
		}
		for _, d := range strings.Fields(s["D"]) {
			if d[0] != '!' { // that is what it cannot stand beside
				any = append(any, []string{apkName(d)})
			}
		}
		c.apks.add(k, "", provides, any)
	}
	return nil
}

func apkName(s string) string {
	if i := strings.IndexAny(s, "<>=~"); i > 0 {
		s = s[:i]
	}
	name, _, _ := strings.Cut(s, "@") // a repository's tag
	return name
}
