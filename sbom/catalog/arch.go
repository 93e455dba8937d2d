package catalog

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/os/osrelease"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"

	"github.com/ladingdev/lading/sbom"
)

func archFinders() ([]finder, error) {
	db := &pacmanDB{}
	return []finder{{Extractor: db, max: maxText, details: db.details}}, nil
}

// pacmanDB reads the local database of pacman(8): a file for each package, with sections of a name between percent signs, a
// value on each line, and an empty line. It is an extractor of ours because a library's gives up a package with a line of
// more than 64 KiB. All packages there have their files on disk.
type pacmanDB struct {
	sections map[string][]string // of what Extract found last, for details
}

func (*pacmanDB) Name() string                       { return "os/pacman" }
func (*pacmanDB) Version() int                       { return 0 }
func (*pacmanDB) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says where pacman has its database.
func (*pacmanDB) FileRequired(api filesystem.FileAPI) bool {
	return strings.HasPrefix(api.Path(), "var/lib/pacman/local/") && path.Base(api.Path()) == "desc"
}

// Extract finds the package.
func (db *pacmanDB) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	if db.sections, err = readPacman(in.Reader); err != nil {
		return out, err
	}
	one := func(name string) string { return strings.Join(db.sections[name][:min(1, len(db.sections[name]))], "") }
	name, version := one("%NAME%"), one("%VERSION%")
	if name == "" || version == "" {
		return out, errors.New("it has no name or no version")
	}
	release, _ := osrelease.GetOSRelease(in.FS)
	u := sbom.PURL{Type: "alpm", Namespace: cmp.Or(release["ID"], "arch"), Name: name, Version: version, Qualifiers: map[string]string{}}
	if arch := one("%ARCH%"); arch != "" {
		u.Qualifiers["arch"] = arch
	}
	if base := one("%BASE%"); base != "" && base != name {
		u.Qualifiers["upstream"] = base
	}
	if id := release["ID"]; id != "" {
		u.Qualifiers["distro"] = strings.TrimSuffix(id+"-"+cmp.Or(release["VERSION_ID"], release["BUILD_ID"]), "-")
	}
	out.Packages = []*extractor.Package{{Name: name, Version: version, PURLType: "alpm", Metadata: &ownPURL{u}}}
	return out, nil
}

func readPacman(r io.Reader) (map[string][]string, error) {
	out, section := map[string][]string{}, ""
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4<<10), maxLine)
	for s.Scan() {
		switch line := strings.TrimSpace(s.Text()); {
		case len(line) > 2 && line[0] == '%' && line[len(line)-1] == '%':
			section = line
		case line == "":
			section = ""
		case section != "":
			out[section] = append(out[section], line)
		}
	}
	return out, s.Err()
}

// details reads what a package depends on and provides, and its licences.
func (db *pacmanDB) details(c *collector, f *found) error {
	k := f.pkgs[0]
	if k == nil {
		return nil
	}
	provides, any := []string{f.raw[0].Name}, [][]string{}
	for _, l := range db.sections["%LICENSE%"] {
		add(&k.licenses, l)
	}
	for _, u := range db.sections["%URL%"] {
		k.property("lading:homepage", u)
	}
	for _, p := range db.sections["%PACKAGER%"] {
		k.supplier = supplier(p)
	}
	for _, p := range db.sections["%PROVIDES%"] {
		provides = append(provides, apkName(p))
	}
	for _, d := range db.sections["%DEPENDS%"] {
		any = append(any, []string{apkName(d)})
	}
	c.arch.add(k, "", provides, any)
	return nil
}
