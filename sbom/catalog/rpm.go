package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/os/osrelease"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
	_ "modernc.org/sqlite" // newer databases are SQLite's

	"github.com/ladingdev/lading/sbom"
)

func rpmFinders() ([]finder, error) {
	db, manifest := &rpmDB{}, &rpmManifest{}
	return []finder{{Extractor: db, max: maxArchive, details: db.details}, {Extractor: manifest, max: maxText, details: manifest.details}},
		nil
}

// rpmDB reads databases of rpm, of the three kinds that there are. It is an extractor of ours because the databases of
// strangers' images are read in the same process: what is damaged is an error here, however it is damaged.
type rpmDB struct {
	headers map[*extractor.Package]*rpmHeader // of what Extract found last, for details
}

func (*rpmDB) Name() string { return "os/rpm" }

func (*rpmDB) Version() int { return 0 }

func (*rpmDB) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

const (
	rpmSQLite = "rpmdb.sqlite"
	maxQuery  = 5 * time.Minute // of a database in which pages may go round
)

// FileRequired says where rpm has its databases.
func (*rpmDB) FileRequired(api filesystem.FileAPI) bool {
	dir, name := path.Split(api.Path())
	return (dir == "var/lib/rpm/" || dir == "usr/lib/sysimage/rpm/" || dir == "usr/share/rpm/") &&
		(name == rpmSQLite || name == "Packages.db" || name == "Packages")
}

// rpmHeader is what a package's header says of it that counts here.
type rpmHeader struct {
	name, version, release, arch string
	epoch                        int
	source, vendor, license, url string
	module                       string // name:stream:version:context, of Red Hat's and its like
	provides, requires           []string
}

// Extract finds the packages.
func (db *rpmDB) Extract(ctx context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	r, ok := in.Reader.(io.ReaderAt)
	if !ok {
		return out, errors.ErrUnsupported
	}
	db.headers = map[*extractor.Package]*rpmHeader{}
	release, _ := osrelease.GetOSRelease(in.FS)
	var damaged []error
	add := func(blob []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := readRPMHeader(blob)
		if err != nil {
			if damaged = append(damaged, err); len(damaged) < 10 { // the others may be whole
				return nil
			}
			return fmt.Errorf("%w: and so on", errRPM)
		}
		p := &extractor.Package{Name: h.name, Version: h.version + "-" + h.release, PURLType: "rpm", Metadata: &ownPURL{h.purl(release)}}
		db.headers[p] = h
		out.Packages = append(out.Packages, p)
		return nil
	}
	switch size := in.Info.Size(); path.Base(in.Path) {
	case rpmSQLite:
		err = readSQLite(ctx, r, size, add)
		if wal, serr := in.FS.Stat(in.Path + "-wal"); err == nil && serr == nil && wal.Size() > 0 {
			err = fmt.Errorf("%d bytes in %s-wal are not read", wal.Size(), rpmSQLite)
		}
	case "Packages.db":
		err = readNDB(r, size, add)
	default:
		err = readBDB(r, size, add)
	}
	return out, errors.Join(append(damaged, err)...)
}

// rpmNamespaces are vendors by ID of os-release(5), where that is not their name in package URLs.
var rpmNamespaces = map[string]string{"rhel": "redhat", "sles": "suse", "sled": "suse", "mariner": "azurelinux"}

// purl writes the package URL. The module that a package is of is rpmmod, as syft and Grype have it.
func (h *rpmHeader) purl(release map[string]string) sbom.PURL {
	id := release["ID"]
	u := sbom.PURL{Type: "rpm", Namespace: cmp.Or(rpmNamespaces[id], id),
		Name: h.name, Version: h.version + "-" + h.release, Qualifiers: map[string]string{}}
	if strings.HasPrefix(id, "opensuse-") {
		u.Namespace = "opensuse"
	}
	epoch := ""
	if h.epoch > 0 {
		epoch = strconv.Itoa(h.epoch)
	}
	distro := ""
	if version := cmp.Or(release["VERSION_ID"], release["BUILD_ID"]); id != "" && version != "" {
		distro = id + "-" + version
	}
	for key, value := range map[string]string{"arch": h.arch, "distro": distro, "epoch": epoch, "rpmmod": h.module, "upstream": h.source} {
		if value != "" && value != "(none)" {
			u.Qualifiers[key] = value
		}
	}
	return u
}

// details reads what packages ask for, which others or their files provide.
func (db *rpmDB) details(c *collector, f *found) error {
	for i, p := range f.raw {
		k, h := f.pkgs[i], db.headers[p]
		if k == nil || h == nil {
			continue
		}
		add(&k.licenses, h.license)
		k.supplier = h.vendor
		k.property("lading:homepage", h.url)
		if name, version, release, ok := sourceRPM(h.source); ok {
			k.scanned = trivySource(name, version, release)
		}
		if path.Base(f.path) != rpmManifestName { // which does not say of modules
			k.scanned = append(k.scanned, grypeModule(h.module)...)
		}
		if h.module != "" {
			k.scanned = append(k.scanned, cdx.Property{Name: trivyPrefix + "Modularitylabel", Value: h.module})
		}
		var any [][]string
		for _, r := range h.requires {
			if names := rpmNames(r); names != nil {
				any = append(any, names)
			}
		}
		c.rpms.add(k, h.arch, append(h.provides, h.name), any)
	}
	return nil
}

// sourceRPM takes the name of a source package apart: name-version-release.src.rpm.
func sourceRPM(s string) (name, version, release string, ok bool) {
	s, ok = strings.CutSuffix(strings.TrimSuffix(s, ".rpm"), ".src")
	if !ok {
		s, ok = strings.CutSuffix(s, ".nosrc")
	}
	r := strings.LastIndexByte(s, '-')
	if !ok || r < 0 {
		return "", "", "", false
	}
	v := strings.LastIndexByte(s[:r], '-')
	if v <= 0 {
		return "", "", "", false
	}
	return s[:v], s[v+1 : r], s[r+1:], true
}

// rpmNames returns what will do for a requirement, which is a name or, in brackets, several (rpm-boolean-dependencies). What
// rpm itself provides is nothing.
func rpmNames(s string) (out []string) {
	if !strings.HasPrefix(s, "(") {
		if strings.HasPrefix(s, "rpmlib(") {
			return nil
		}
		return []string{s}
	}
	for one := range strings.SplitSeq(s, " or ") {
		if name, _, _ := strings.Cut(strings.TrimLeft(one, "( "), " "); strings.TrimRight(name, ")") != "" {
			out = append(out, strings.TrimRight(name, ")"))
		}
	}
	return out
}
