package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/os/chisel"
	dpkgmeta "github.com/google/osv-scalibr/extractor/filesystem/os/dpkg/metadata"
	"github.com/google/osv-scalibr/extractor/filesystem/os/osrelease"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
	"github.com/google/osv-scalibr/purl"
	"github.com/klauspost/compress/zstd"

	"github.com/ladingdev/lading/sbom"
)

func debianFinders() ([]finder, error) {
	db := &dpkgDB{}
	out, err := byLibrary(chisel.New, finder{max: maxText, check: chiselled})
	return append(out, finder{Extractor: db, max: maxText, details: db.details}), err
}

// chiselled refuses a list of what a chiselled Ubuntu has that unpacks to more than any does: it is read as a whole.
func chiselled(r io.ReaderAt) error {
	z, err := zstd.NewReader(io.NewSectionReader(r, 0, maxText), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxText))
	if err != nil {
		return err
	}
	defer z.Close()
	if n, _ := io.CopyN(io.Discard, z, maxText+1); n > maxText {
		return fmt.Errorf("%w: it unpacks to more than %d bytes", ErrLimit, maxText)
	}
	return nil // that it is damaged, the extractor says
}

// dpkgNames reads a list of packages such as "libc6 (>= 2.36), default-mta | mail-transport-agent:any".
func dpkgNames(list string) (out [][]string) {
	for group := range strings.SplitSeq(list, ",") {
		var any []string
		for one := range strings.SplitSeq(group, "|") {
			name := strings.TrimSpace(one)
			if i := strings.IndexAny(name, " (:["); i >= 0 {
				name = name[:i]
			}
			if name != "" {
				any = append(any, name)
			}
		}
		if any != nil {
			out = append(out, any)
		}
	}
	return out
}

// dpkgDB reads the lists of what dpkg and opkg installed (dpkg(1), "Package states"; deb-control(5)). It is an extractor of
// ours because a library's passes over every package that is not fully configured, though its files are there, and ends at
// the first stanza that it does not understand.
type dpkgDB struct {
	stanzas map[*extractor.Package]map[string]string // of what Extract found last, for details
}

func (*dpkgDB) Name() string { return "os/dpkg" }

func (*dpkgDB) Version() int { return 0 }

func (*dpkgDB) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

const (
	dpkgList = "var/lib/dpkg/status"
	// Images without dpkg have a file for each package, which is installed without saying so.
	dpkgListDir = "var/lib/dpkg/status.d/"
)

// isOpkg says whether a file is opkg's list: OpenWrt has it in /usr/lib, Yocto in /var/lib, Entware in /opt/lib.
func isOpkg(name string) bool { return strings.HasSuffix("/"+name, "/lib/opkg/status") }

// FileRequired says where dpkg and opkg have their lists.
func (*dpkgDB) FileRequired(api filesystem.FileAPI) bool {
	name := api.Path()
	return name == dpkgList || isOpkg(name) || strings.HasPrefix(name, dpkgListDir) && !strings.HasSuffix(name, ".md5sums")
}

// Extract finds all packages with files on disk: those in every state but not-installed and config-files.
func (db *dpkgDB) Extract(ctx context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	db.stanzas = map[*extractor.Package]map[string]string{}
	release, _ := osrelease.GetOSRelease(in.FS)
	purlType := purl.TypeDebian
	if isOpkg(in.Path) {
		purlType = purl.TypeOpkg
	}
	var damaged []error
	for s, err := range stanzas(in.Reader, false, "package", "version", "architecture", "status", "source", "maintainer", "homepage",
		"provides", "pre-depends", "depends", anyBuiltUsing) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return out, errors.Join(append(damaged, err)...)
		}
		name, version := s["package"], s["version"]
		if name == "" || !dpkgHasFiles(s["status"]) {
			continue
		}
		if version == "" || s["status"] == "" && !strings.HasPrefix(in.Path, dpkgListDir) {
			if damaged = append(damaged, fmt.Errorf("package %.100q has no version or no status", name)); len(damaged) == maxDamaged {
				return out, errors.Join(append(damaged, errors.New("and so on"))...)
			}
			if version == "" {
				continue
			}
		}
		source, sourceVersion, _ := strings.Cut(s["source"], " (")
		p := &extractor.Package{Name: name, Version: version, PURLType: purlType, Metadata: &dpkgmeta.Metadata{
			PackageName: name, PackageVersion: version, Architecture: s["architecture"], SourceName: strings.TrimSpace(source),
			SourceVersion: strings.TrimRight(sourceVersion, ") "), Status: s["status"],
			OSID: release["ID"], OSVersionCodename: release["VERSION_CODENAME"], OSVersionID: release["VERSION_ID"],
		}}
		db.stanzas[p] = s
		out.Packages = append(out.Packages, p)
	}
	return out, errors.Join(damaged...)
}

// dpkgHasFiles says whether a package in this status may have files on disk. The third word is its state; one that nobody
// knows counts.
func dpkgHasFiles(status string) bool {
	words := strings.Fields(status)
	return len(words) == 0 || !slices.Contains([]string{"not-installed", "config-files"}, words[len(words)-1])
}

// details reads what packages depend on, what is linked into them, their licences, and which layer installed them.
func (db *dpkgDB) details(c *collector, f *found) error {
	for i, p := range f.raw {
		k, s := f.pkgs[i], db.stanzas[p]
		if k == nil || s == nil {
			continue
		}
		m := p.Metadata.(*dpkgmeta.Metadata)
		name, arch := m.PackageName, m.Architecture
		k.supplier = supplier(s["maintainer"])
		k.property("lading:homepage", s["homepage"])
		if words := strings.Fields(s["status"]); len(words) > 0 {
			if state := words[len(words)-1]; state != "installed" {
				k.property("lading:state", state)
			}
			if len(words) == 3 && words[1] != "ok" {
				k.property("lading:state:error", words[1]) // reinstreq
			}
		}
		c.sourceOf(k, m.SourceName, m.SourceVersion)
		provides := []string{name}
		for _, p := range dpkgNames(s["provides"]) {
			provides = append(provides, p...)
		}
		c.debs.add(k, arch, provides, append(dpkgNames(s["pre-depends"]), dpkgNames(s["depends"])...))
		c.linkedIn(k, f.path, s[anyBuiltUsing])
		if path.Base(f.path) == "status" {
			c.layerOfDeb(k, f.path, name, name+":"+arch)
		}
		if !strings.ContainsAny(name, "/\x00") && !isOpkg(f.path) {
			c.copyright(k, name)
		}
	}
	return nil
}

// layerOfDeb says which layer installed a package. The database at a path is written anew by each layer that installs
// anything; a package's list of files, which has one of the names, is not.
func (c *collector) layerOfDeb(k *component, database string, lists ...string) {
	for _, list := range lists {
		layer := c.tree.LayerOf(path.Dir(database) + "/info/" + list + ".list")
		if layer == "" {
			continue
		}
		for i := range k.places {
			if k.places[i].path == database {
				k.places[i].layer = layer
			}
		}
	}
}

// anyBuiltUsing is the end of the names of all fields that name sources whose code was put into a package: Built-Using and
// Static-Built-Using (deb-control(5)), X-Cargo-Built-Using and its like of other languages.
const anyBuiltUsing = "*built-using"

// exactly is a relation such as "golang-1.19 (= 1.19.8-2)".
var exactly = regexp.MustCompile(`^([a-z0-9][a-z0-9+.-]*) *(?:\( *= *([^ )]+) *\))?$`)

// linkedIn makes the sources that were linked into a package components that it needs.
func (c *collector) linkedIn(k *component, at, list string) {
	of, err := sbom.ParsePURL(k.purl)
	if err != nil || list == "" {
		return
	}
	for one := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '\n' }) {
		m := exactly.FindStringSubmatch(strings.TrimSpace(one))
		if m == nil {
			if strings.TrimSpace(one) != "" {
				c.warn(at, fmt.Errorf("%s: not a source package: %.100q", k.name, strings.TrimSpace(one)))
			}
			continue
		}
		u := sbom.PURL{Type: of.Type, Namespace: of.Namespace, Name: m[1], Version: m[2], Qualifiers: map[string]string{"arch": "source"}}
		if distro := of.Qualifiers["distro"]; distro != "" {
			u.Qualifiers["distro"] = distro
		}
		source, err := c.make(u.String(), m[1], at, "")
		if err != nil {
			c.warn(at, fmt.Errorf("%s: %w", k.name, err))
			continue
		}
		source.present = true
		source.property("lading:linked", "statically") // its code is in other packages; it has no files of its own
		c.sourceOf(source, m[1], m[2])
		k.need(source)
	}
}

// sourceOf notes the source of a package, which is itself if it does not say so.
func (c *collector) sourceOf(k *component, name, version string) {
	u, err := sbom.ParsePURL(k.purl)
	if err != nil {
		return
	}
	k.scanned = trivySource(cmp.Or(name, k.name), cmp.Or(version, u.Version), "")
}

func isCopyright(name string) bool {
	dir, ok := strings.CutPrefix(name, "usr/share/doc/")
	if !ok {
		return false
	}
	dir, ok = strings.CutSuffix(dir, "/copyright")
	return ok && !strings.Contains(dir, "/")
}

// copyright reads the licences of a Debian package, if its copyright file is there: slim images do without.
func (c *collector) copyright(k *component, name string) {
	at := "usr/share/doc/" + name + "/copyright"
	if c.tree.Real(at) == "" {
		return
	}
	file, err := c.tree.Open(at)
	if err != nil {
		c.warn(at, err)
		return
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxText+1))
	if err == nil && len(data) > maxText {
		err = fmt.Errorf("%w: more than %d bytes", ErrLimit, maxText)
	}
	if err != nil {
		c.warn(at, err)
		return
	}
	for _, l := range debianLicenses(string(data)) {
		add(&k.licenses, l)
	}
}
