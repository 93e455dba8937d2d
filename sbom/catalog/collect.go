package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	javaarchive "github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagejson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/php/composerlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	"github.com/google/osv-scalibr/extractor/filesystem/os/apk"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"
	"github.com/google/osv-scalibr/extractor/filesystem/os/rpm"
	"github.com/google/osv-scalibr/extractor/filesystem/simplefileapi"
	"github.com/google/osv-scalibr/log"

	"github.com/ladingdev/lading/sbom"
)

// Extractors log what they do to a logger of the whole program. It is off unless the program sets one: what matters is
// in the Report.
func init() { log.SetLogger(quiet{}) }

type quiet struct{}

func (quiet) Errorf(string, ...any) {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Debugf(string, ...any) {}
func (quiet) Error(...any)          {}
func (quiet) Warn(...any)           {}
func (quiet) Info(...any)           {}
func (quiet) Debug(...any)          {}

// extractors make what finds packages.
func extractors() ([]filesystem.Extractor, error) {
	config := &config_go_proto.PluginConfig{}
	var list []filesystem.Extractor
	for _, make := range []func(*config_go_proto.PluginConfig) (filesystem.Extractor, error){
		dpkg.New, apk.New, rpm.New,
		gobinary.New, packagejson.New, packagelockjson.New, wheelegg.New, javaarchive.New, gemspec.New, cargoauditable.New, depsjson.New, composerlock.New,
	} {
		e, err := make(config)
		if err != nil {
			return nil, fmt.Errorf("catalog: %w", err)
		}
		list = append(list, e)
	}
	return list, nil
}

// A component is a package, wherever it was found.
type component struct {
	key      string // what it is recognized by
	purl     string
	kind     string // of CycloneDX
	name     string
	version  string
	places   []string
	licenses []string
	supplier string
	email    string
	download string            // URL
	hashes   map[string]string // of what is there, by CycloneDX's names of algorithms
	file     bool              // its first place is its file
	from     string            // the place of a package database's entry
	needs    map[*component]bool
}

// A collector gathers packages.
type collector struct {
	opts       *Options
	extractors []filesystem.Extractor
	report     *Report
	tree       tree
	components []*component
	byKey      map[string]*component
	os         map[string]string // of os-release
	osPath     string

	node   *nodePackages
	system *systemPackages
	python *pythonPackages
}

func newCollector(o *Options) (*collector, error) {
	list, err := extractors()
	if err != nil {
		return nil, err
	}
	return &collector{opts: o, extractors: list, report: &Report{Packages: map[string]int{}}, byKey: map[string]*component{},
		node: newNodePackages(), system: newSystemPackages(), python: newPythonPackages()}, nil
}

// wanted says whether the content of a file may be asked for.
func (c *collector) wanted(name string, info fs.FileInfo) bool {
	return readHere(name) || slices.ContainsFunc(c.extractors, func(e filesystem.Extractor) bool { return e.FileRequired(simplefileapi.New(name, info)) })
}

// readHere says whether a file is read for more than extractors say.
func readHere(name string) bool {
	switch {
	case name == "etc/os-release" || name == "usr/lib/os-release":
	case strings.HasPrefix(name, "usr/share/doc/") && path.Base(name) == "copyright":
	case isDpkg(name) || isApk(name):
	case strings.HasPrefix(name, "var/lib/rpm/") || strings.HasPrefix(name, "usr/lib/sysimage/rpm/") || strings.HasPrefix(name, "usr/share/rpm/"):
	case path.Base(name) == "package.json" || isLock(name) || isPython(name):
	default:
		return false
	}
	return true
}

// databases are where extractors look for package databases, which may be behind a link: /lib, where directories were merged.
var databases = []string{"lib/apk/db/installed", "var/lib/apk/db/installed", "var/lib/dpkg/status"}

// collect looks at every file once, in order.
func (c *collector) collect(ctx context.Context, t tree) error {
	c.tree = t
	c.readOS()
	seen := map[string]bool{}
	err := c.walk(ctx, ".", true, seen)
	if err != nil {
		return err
	}
	for _, name := range databases {
		if info, err := t.Stat(name); err == nil && !seen[name] && info.Mode().IsRegular() {
			if err := c.file(ctx, name, info); err != nil {
				return err
			}
		}
	}
	c.relate()
	return nil
}

func (c *collector) walk(ctx context.Context, dir string, root bool, seen map[string]bool) error {
	list, err := c.tree.ReadDir(dir)
	if err != nil {
		if root {
			return err
		}
		c.warn(dir, err)
		return nil
	}
	for _, entry := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(dir, entry.Name())
		if entry.IsDir() {
			if err := c.walk(ctx, name, false, seen); err != nil {
				return err
			}
			continue
		}
		if c.report.Files++; c.report.Files > c.opts.MaxFiles {
			return fmt.Errorf("%w: more than %d files; set MaxFiles if that is right", ErrLimit, c.opts.MaxFiles)
		}
		if c.report.Files%4096 == 0 {
			c.opts.Progress(Progress{Files: c.report.Files, Packages: len(c.components)})
		}
		if !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			c.warn(name, err)
			continue
		}
		seen[name] = true
		if err := c.file(ctx, name, info); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) warn(name string, err error) {
	c.report.Warnings = append(c.report.Warnings, Warning{name, err})
}

// maxFile bounds what is read into memory of one file; binaries and archives are read in pieces.
const maxFile = 256 << 20

// read reads a small file, or warns.
func (c *collector) read(name string) ([]byte, bool) {
	f, err := c.tree.Open(name)
	if err != nil {
		c.warn(name, err)
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%w: more than %d bytes", ErrLimit, maxFile)
	}
	if err != nil {
		c.warn(name, err)
		return nil, false
	}
	return data, true
}

// file gives a file to those who want it.
func (c *collector) file(ctx context.Context, name string, info fs.FileInfo) error {
	api := simplefileapi.New(name, info)
	for _, e := range c.extractors {
		if !e.FileRequired(api) {
			continue
		}
		found, err := c.extract(ctx, e, name, info)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			c.warn(name, fmt.Errorf("%s: %w", e.Name(), err))
		}
		var of []*component
		for _, p := range found {
			if x := c.add(p, name); x != nil {
				of = append(of, x)
			}
		}
		if e.Name() == gobinary.Name {
			c.goBinary(name, of)
		}
	}
	switch {
	case isDpkg(name), isApk(name):
		if data, ok := c.read(name); ok {
			c.system.read(name, data, c)
		}
	case path.Base(name) == "package.json", isLock(name):
		if data, ok := c.read(name); ok {
			c.node.read(name, data, c)
		}
	case isPython(name):
		if data, ok := c.read(name); ok {
			c.python.read(name, data)
		}
	}
	return nil
}

func (c *collector) extract(ctx context.Context, e filesystem.Extractor, name string, info fs.FileInfo) ([]*extractor.Package, error) {
	f, err := c.tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	inv, err := e.Extract(ctx, &filesystem.ScanInput{FS: released{c.tree}, Path: name, Info: info, Reader: f})
	return inv.Packages, err
}

// released shows extractors the one os-release that they know, which may be at the other place or a link that leads out.
type released struct{ tree }

func (r released) Open(name string) (fs.File, error) {
	f, err := r.tree.Open(name)
	if err != nil && name == "etc/os-release" {
		return r.tree.Open("usr/lib/os-release")
	}
	return f, err
}

// Stat has a directory etc where there is only /usr, as in images that are made from packages.
func (r released) Stat(name string) (fs.FileInfo, error) {
	st, err := r.tree.Stat(name)
	if err != nil && name == "etc" {
		return r.tree.Stat("usr/lib")
	}
	return st, err
}

// add enters what an extractor found: as a new component, or as a place of one that is known.
func (c *collector) add(p *extractor.Package, place string) *component {
	if p.Name == "" {
		return nil
	}
	purl, key := "", p.PURLType+"\x00"+p.Name+"\x00"+p.Version
	if u := p.PURL(); u != nil {
		if parsed, err := sbom.ParsePURL(u.String()); err == nil {
			delete(parsed.Qualifiers, "source") // whose repository a lock file names is not what a package is
			purl, key = parsed.String(), parsed.MatchKey()
		} else {
			c.warn(place, err)
		}
	}
	x := c.byKey[key]
	if x == nil {
		x = &component{key: key, purl: purl, kind: "library", name: p.Name, version: p.Version, needs: map[*component]bool{}, hashes: map[string]string{}}
		c.byKey[key] = x
		c.components = append(c.components, x)
	}
	if !slices.Contains(x.places, place) {
		x.places = append(x.places, place)
	}
	for _, l := range p.Licenses {
		x.license(l)
	}
	c.describe(x, p, place)
	return x
}

func (x *component) license(l string) {
	if l = strings.TrimSpace(l); l != "" && !slices.Contains(x.licenses, l) && len(l) < 1000 {
		x.licenses = append(x.licenses, l)
	}
}

// goBinary makes a binary a component that needs its modules.
func (c *collector) goBinary(name string, modules []*component) {
	if len(modules) == 0 {
		return
	}
	x := &component{key: "file\x00" + name, kind: "application", name: name, places: []string{name}, file: true, needs: map[*component]bool{}, hashes: map[string]string{}}
	for _, m := range modules {
		x.needs[m] = true
	}
	c.components = append(c.components, x)
	c.byKey[x.key] = x
}

// relate finds what depends on what, when all is known.
func (c *collector) relate() {
	c.system.relate(c)
	c.node.relate(c)
	c.python.relate(c)
	slices.SortStableFunc(c.components, func(a, b *component) int {
		return cmp.Or(strings.Compare(a.purl, b.purl), strings.Compare(a.name, b.name), strings.Compare(a.version, b.version), strings.Compare(a.key, b.key))
	})
	for _, x := range c.components {
		slices.Sort(x.places)
		slices.Sort(x.licenses)
	}
}

// readOS reads os-release(5).
func (c *collector) readOS() {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if _, err := c.tree.Stat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		data, ok := c.read(name)
		if !ok {
			continue
		}
		c.os, c.osPath = map[string]string{}, name
		for line := range strings.Lines(string(data)) {
			k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
			if ok && !strings.HasPrefix(k, "#") {
				c.os[k] = strings.Trim(v, `"'`)
			}
		}
		return
	}
}
