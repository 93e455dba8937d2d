package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/inventory"
)

// npmLockDetails reads which package uses which, and where they are from (package-lock.json(5)).
func npmLockDetails(c *collector, f *found) error {
	lock, err := readNpmLock(f.file)
	if err == nil && path.Base(f.path) == ".package-lock.json" {
		c.npmInstalledLock(lock, path.Dir(path.Dir(f.path)))
		return nil
	}
	if err != nil || len(f.raw) == 0 {
		return nil // the extractor said so, or another lockfile counts
	}
	known := map[string]*component{}
	for i, p := range f.raw {
		if f.pkgs[i] != nil {
			vcs := ""
			if u, ok := p.Metadata.(*ownPURL); ok {
				vcs = u.Qualifiers["vcs_url"]
			}
			known[p.Name+"\n"+p.Version+"\n"+vcs] = f.pkgs[i]
		}
	}
	root := path.Dir(f.path)
	var members []string // which are linked to from the project's node_modules
	for key, m := range lock.Packages {
		if name, ok := strings.CutPrefix(key, "node_modules/"); ok && m.Link && !strings.Contains(name, "/node_modules/") {
			members = append(members, name)
		}
	}
	slices.Sort(members)
	if lock.Packages == nil { // the first kind does not have the project itself
		c.later = append(c.later, func() {
			if n := c.nodes[root]; n != nil && n.manifest != nil {
				n.needs = append(n.needs, slices.Sorted(maps.Keys(n.manifest.Dev))...)
			}
		})
	}
	for key, m := range lock.entries() {
		k := known[lockedKey(m.named(key), m)]
		c.npmLocked(f.path, key, m, k, members)
	}
	return nil
}

// npmLocked reads an entry of a lockfile: of a link, of the project itself (members are those that are linked to from its
// node_modules), of a member, or of a package, which is a component.
func (c *collector) npmLocked(at, key string, m *npmManifest, k *component, members []string) {
	root := path.Dir(at)
	dir := path.Join(root, key)
	if m.Link {
		c.later = append(c.later, func() { c.node(dir, &node{linked: path.Join(root, m.Resolved)}) })
		return
	}
	if key == "" {
		// The project itself: its package.json, which is beside, does not count what it is developed with.
		needs := slices.Concat(m.all, slices.Sorted(maps.Keys(m.Dev)), members)
		c.later = append(c.later, func() {
			if n := c.nodes[root]; n != nil {
				n.needs = append(n.needs, needs...)
			}
		})
		return
	}
	if !strings.Contains("/"+key, "/node_modules/") { // a member: what it is developed with counts as the project's does
		needs := slices.Sorted(maps.Keys(m.Dev))
		c.later = append(c.later, func() {
			if n := c.nodes[dir]; n != nil {
				n.needs = append(n.needs, needs...)
			}
		})
	}
	if k == nil {
		return
	}
	for _, l := range npmLicenses(m.License) {
		add(&k.lesser, l)
	}
	switch {
	case m.IsDev:
		k.lacks("development")
	case m.IsOptional || m.IsDevOpt:
		k.lacks("optional")
	default:
		k.present, k.asked = true, true
	}
	k.distribution(m.Resolved, integrityHashes(m.Integrity))
	vcs := m.vcs()
	c.later = append(c.later, func() {
		n := c.nodes[dir]
		if n != nil && n.component != nil && n.component != k && (k.version == "" || vcs != "" && n.component.version == k.version) {
			n.component = c.fromVCS(n.component, vcs, path.Join(dir, "package.json"))
			if k.version == "" { // which is there, with its version
				n.component.distribution(m.Resolved, nil)
				c.forget(k, at)
				k.renamed = n.component
			}
		}
		c.node(dir, &node{component: k, needs: m.all})
	})
}

// npmInstalledLock reads where what is in node_modules was fetched, as npm notes it there. What is not there any more does not
// count.
func (c *collector) npmInstalledLock(lock *npmLockfile, root string) {
	for key, m := range lock.entries() {
		dir := path.Join(root, key)
		c.later = append(c.later, func() {
			n := c.nodes[dir]
			if m.Link || n == nil || n.component == nil || n.component.version != m.Version {
				return
			}
			n.component = c.fromVCS(n.component, m.vcs(), path.Join(dir, "package.json"))
			n.component.distribution(m.Resolved, integrityHashes(m.Integrity))
		})
	}
}

// vcs returns the repository that a lockfile's package is from, in the words of the lockfile: npm writes these into package
// URLs too (npm sbom).
func (m *npmManifest) vcs() string {
	if isGit(m.Resolved) && strings.Contains(m.Resolved, "#") {
		return withoutSecrets(m.Resolved)
	}
	return ""
}

// lockedKey tells packages of one name and version apart by where they are from.
func lockedKey(name string, m *npmManifest) string { return name + "\n" + m.Version + "\n" + m.vcs() }

// Lockfiles are read here. The extractors search all of the file for the line of each package, which takes minutes for a
// large one, and know no cancellation.

type npmLock struct{ filesystem.Extractor }

// notProjects are directories of what was installed: a lockfile below was there when it was packed, and is of nobody's
// project here.
var notProjects = []string{"node_modules", "site-packages", "dist-packages", "gems", "pkg/mod", ".cargo/registry"}

// FileRequired says what the files are called. One lies in node_modules itself, where npm notes what it installed.
func (npmLock) FileRequired(api filesystem.FileAPI) bool {
	dir, base := path.Split("/" + api.Path())
	if base == ".package-lock.json" {
		return path.Base(dir) == "node_modules"
	}
	return (base == "package-lock.json" || base == "npm-shrinkwrap.json") &&
		!slices.ContainsFunc(notProjects, func(k string) bool { return strings.Contains(dir, "/"+k+"/") })
}

func newNpmLock(o *cpb.PluginConfig) (filesystem.Extractor, error) {
	e, err := packagelockjson.New(o)
	return npmLock{e}, err
}

// npmLockfile is a package-lock.json or npm-shrinkwrap.json: of npm 7 and later with packages by directory, before that
// with dependencies in each other.
type npmLockfile struct {
	Packages     map[string]npmManifest
	Dependencies map[string]npmManifest
}

// entries yields the packages by directory, in order.
func (l *npmLockfile) entries() iter.Seq2[string, *npmManifest] {
	return func(yield func(string, *npmManifest) bool) {
		for _, key := range slices.Sorted(maps.Keys(l.Packages)) {
			m := l.Packages[key]
			m.all = m.needs()
			if !yield(key, &m) {
				return
			}
		}
		if l.Packages != nil {
			return
		}
		var old func(at string, list map[string]npmManifest) bool
		old = func(at string, list map[string]npmManifest) bool {
			for _, name := range slices.Sorted(maps.Keys(list)) {
				m := list[name]
				key := path.Join(at, "node_modules", name)
				m.fromVersion()
				var requires ranges
				_ = json.Unmarshal(m.Requires, &requires)
				m.all = slices.Sorted(maps.Keys(requires))
				if !yield(key, &m) {
					return false
				}
				var inner map[string]npmManifest
				if json.Unmarshal(m.Dependencies, &inner) == nil && strings.Count(key, "/") < maxDepth && !old(key, inner) {
					return false
				}
			}
			return true
		}
		old("", l.Dependencies)
	}
}

// fromVersion takes apart what the first kind of lockfile has as a version: of an alias the name too, of what is from no
// registry where it is from, in place of a version (npm 6, "package-lock.json", version).
func (m *npmManifest) fromVersion() {
	if alias, ok := strings.CutPrefix(m.Version, "npm:"); ok {
		if i := strings.LastIndexByte(alias, '@'); i > 0 {
			m.Name, m.Version = alias[:i], alias[i+1:]
		}
		return
	}
	file, local := strings.CutPrefix(m.Version, "file:")
	switch {
	case local && !isTarball(file):
		m.Link, m.Resolved, m.Version = true, file, ""
	case strings.Contains(m.Version, ":"):
		m.Resolved, m.Version = m.Version, ""
	}
}

func isTarball(name string) bool {
	return strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tar")
}

// named returns a package's name, which is that of its directory unless it says otherwise.
func (m *npmManifest) named(key string) string {
	if m.Name != "" {
		return m.Name
	}
	if i := strings.LastIndex("/"+key, "/node_modules/"); i >= 0 {
		return key[i+len("node_modules/"):]
	}
	return path.Base(key)
}

func readNpmLock(r io.Reader) (*npmLockfile, error) {
	var l npmLockfile
	var strange *json.UnmarshalTypeError // of a single field
	if err := json.NewDecoder(r).Decode(&l); err != nil && (!errors.As(err, &strange) || l.Packages == nil && l.Dependencies == nil) {
		return nil, err
	}
	return &l, nil
}

// Extract finds the packages of a lockfile.
func (npmLock) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	if path.Base(in.Path) == ".package-lock.json" {
		return out, nil // of what is there, see npmInstalledLock
	}
	if path.Base(in.Path) == "package-lock.json" { // which npm passes over if there is the other
		if _, err := in.FS.Stat(path.Join(path.Dir(in.Path), "npm-shrinkwrap.json")); err == nil {
			return out, nil
		}
	}
	l, err := readNpmLock(in.Reader)
	if err != nil {
		return out, err
	}
	for key, m := range l.entries() {
		if name := m.named(key); key != "" && !m.Link && name != "" && (m.Version != "" || m.Resolved != "") {
			p := &extractor.Package{Name: name, Version: m.Version, PURLType: "npm"}
			if vcs := m.vcs(); vcs != "" {
				p.Metadata = &ownPURL{withVCS(npmPURL(name, m.Version), vcs)}
			}
			out.Packages = append(out.Packages, p)
		}
	}
	return out, nil
}
