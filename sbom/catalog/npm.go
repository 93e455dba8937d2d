package catalog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
	"github.com/google/osv-scalibr/purl"
)

// A node is a directory that Node finds a package in.
type node struct {
	component *component
	needs     []string
	linked    string       // another directory that it is
	manifest  *npmManifest // of a project
}

type ranges map[string]any

// npmManifest is what package.json and the entries of lockfiles say alike.
type npmManifest struct {
	Name         string
	Version      string
	License      json.RawMessage
	Licenses     json.RawMessage
	Dependencies json.RawMessage // names, or in the first kind of lockfile packages
	Optional     ranges          `json:"optionalDependencies"`
	Peer         ranges          `json:"peerDependencies"`
	Dev          ranges          `json:"devDependencies"`
	Requires     json.RawMessage
	Resolved     string
	Integrity    string
	Link         bool
	IsDev        bool `json:"dev"`
	IsOptional   bool `json:"optional"`
	IsDevOpt     bool `json:"devOptional"`
	Engines      json.RawMessage
	Contributes  json.RawMessage // of an extension of Visual Studio Code
	Unity        json.RawMessage // of a package of Unity
	all          []string        // that it needs
}

func (m *npmManifest) needs() []string {
	all := ranges{}
	if json.Unmarshal(m.Dependencies, &all) != nil {
		all = ranges{} // of another type
	}
	maps.Copy(all, m.Optional)
	maps.Copy(all, m.Peer)
	return slices.Sorted(maps.Keys(all))
}

// npmLicenses reads "license" and, of old packages, "licenses": texts or objects with a type.
func npmLicenses(values ...json.RawMessage) (out []string) {
	type typed struct{ Type string }
	for _, v := range values {
		var s string
		var o typed
		var list []json.RawMessage
		switch {
		case len(v) == 0:
		case json.Unmarshal(v, &s) == nil:
			add(&out, s)
		case json.Unmarshal(v, &o) == nil:
			add(&out, o.Type)
		case json.Unmarshal(v, &list) == nil && len(list) < 20:
			for _, e := range list {
				if !bytes.HasPrefix(bytes.TrimSpace(e), []byte("[")) {
					for _, l := range npmLicenses(e) {
						add(&out, l)
					}
				}
			}
			if len(out) > 1 { // "an array of licenses that you may choose from"
				out = []string{"(" + strings.Join(out, " OR ") + ")"}
			}
		}
	}
	return out
}

// npmPackage reads package.json (package.json(5)). It is an extractor of ours because a library's refuses the whole file for
// people, dependencies or the like that have another form than it knows, which npm installs all the same.
type npmPackage struct {
	manifest npmManifest // of what Extract found last, for details
}

func (*npmPackage) Name() string                       { return "javascript/packagejson" }
func (*npmPackage) Version() int                       { return 0 }
func (*npmPackage) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says what the file is called.
func (*npmPackage) FileRequired(api filesystem.FileAPI) bool {
	return path.Base(api.Path()) == "package.json"
}

// Extract finds the package.
func (n *npmPackage) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	data, err := io.ReadAll(in.Reader)
	if err != nil {
		return out, err
	}
	dir := path.Dir(in.Path)
	installed := npmInstalled(dir)
	n.manifest, err = readNpmManifest(data)
	if err != nil {
		if installed == "" && inModules(dir) != "" {
			return out, nil // a file that a package is tested with
		}
		return out, err
	}
	m := &n.manifest
	if installed == "" && (m.Name == "" || m.Version == "" || m.ofEditor()) {
		return out, nil // no package, but what tells Node how to read a directory, or an editor's extension
	}
	if m.Name == "" {
		m.Name = installed
	}
	out.Packages = []*extractor.Package{{Name: m.Name, Version: m.Version, PURLType: purl.TypeNPM}}
	return out, nil
}

// ofEditor says whether it is an extension of Visual Studio Code or a package of Unity, which have a file of that name too.
func (m *npmManifest) ofEditor() bool {
	var engines map[string]json.RawMessage
	_ = json.Unmarshal(m.Engines, &engines) // of another type it is none
	return m.Contributes != nil || m.Unity != nil || engines["vscode"] != nil
}

// readNpmManifest reads package.json field by field: one of a strange type is as good as missing.
func readNpmManifest(data []byte) (m npmManifest, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &fields); err != nil {
		return m, err
	}
	for name, to := range map[string]any{"name": &m.Name, "version": &m.Version, "license": &m.License, "licenses": &m.Licenses,
		"dependencies": &m.Dependencies, "optionalDependencies": &m.Optional, "peerDependencies": &m.Peer, "devDependencies": &m.Dev,
		"engines": &m.Engines, "contributes": &m.Contributes, "unity": &m.Unity} {
		if v := fields[name]; v != nil && string(v) != "null" {
			_ = json.Unmarshal(v, to)
		}
	}
	m.Name, m.Version = strings.TrimSpace(m.Name), strings.TrimSpace(m.Version)
	return m, nil
}

// debianNode is where Debian has packages for its Node ("Debian Javascript Policy", 6.1).
var debianNode = regexp.MustCompile(`^usr/(?:share|lib(?:/[^/]+)?)/nodejs/`)

// inModules returns a directory from the first node_modules on, or nothing.
func inModules(dir string) string {
	if i := strings.Index("/"+dir+"/", "/node_modules/"); i >= 0 {
		return dir[i:]
	}
	if at := debianNode.FindString(dir); at != "" {
		return "node_modules/" + dir[len(at):]
	}
	return ""
}

// npmInstalled returns the name that a directory has as a package that npm, pnpm or yarn installed, or nothing: each
// node_modules on the way has a package or, of pnpm, its store in it. What lies elsewhere in a package is its own affair.
func npmInstalled(dir string) (name string) {
	dir = inModules(dir)
	if dir == "" {
		return ""
	}
	for parts := strings.Split(dir, "/"); len(parts) > 0; {
		if parts[0] != "node_modules" || len(parts) < 2 {
			return ""
		}
		n := 2
		if name = parts[1]; strings.HasPrefix(name, "@") {
			if n++; len(parts) < n {
				return ""
			}
			name += "/" + parts[2]
		} else if name == ".pnpm" && len(parts) > 2 {
			n++
		} else if strings.HasPrefix(name, ".") {
			return ""
		}
		parts = parts[n:]
	}
	return name
}

func (p *npmPackage) details(c *collector, f *found) error {
	manifest := p.manifest
	k, m := f.pkgs[0], &manifest
	if k == nil {
		return nil
	}
	for _, l := range npmLicenses(m.License, m.Licenses) {
		add(&k.licenses, l)
	}
	dir := path.Dir(f.path)
	n := &node{component: k, needs: m.needs()}
	c.nodes[dir] = n
	if inModules(dir) == "" {
		n.manifest = m
		k.kind = cdx.ComponentTypeApplication // a project, not what it uses
	}
	return nil
}

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
		dir := path.Join(root, key)
		if m.Link {
			c.later = append(c.later, func() { c.node(dir, &node{linked: path.Join(root, m.Resolved)}) })
			continue
		}
		if key == "" {
			// The project itself: its package.json, which is beside, does not count what it is developed with.
			needs := slices.Concat(m.all, slices.Sorted(maps.Keys(m.Dev)), members)
			c.later = append(c.later, func() {
				if n := c.nodes[root]; n != nil {
					n.needs = append(n.needs, needs...)
				}
			})
			continue
		}
		if !strings.Contains("/"+key, "/node_modules/") { // a member: what it is developed with counts as the project's does
			needs := slices.Sorted(maps.Keys(m.Dev))
			c.later = append(c.later, func() {
				if n := c.nodes[dir]; n != nil {
					n.needs = append(n.needs, needs...)
				}
			})
		}
		k := known[lockedKey(m.named(key), m)]
		if k == nil {
			continue
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
					c.forget(k, f.path)
					k.renamed = n.component
				}
			}
			c.node(dir, &node{component: k, needs: m.all})
		})
	}
	return nil
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

// node adds what a lockfile says of a directory. What is there knows better.
func (c *collector) node(dir string, n *node) {
	if c.nodes[dir] == nil {
		c.nodes[dir] = n
	}
}

// linkNodes makes the edges as Node finds packages: in node_modules beside, and in all directories above.
func (c *collector) linkNodes(ctx context.Context) error {
	dirs := slices.Sorted(maps.Keys(c.nodes))
	for _, dir := range dirs {
		if i := strings.LastIndex("/"+dir, "/node_modules/"); i >= 0 { // of lockfiles
			c.modules[cmp.Or(dir[:max(i-1, 0)], ".")] = true
		}
	}
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := c.nodes[dir]
		if n.component == nil || len(n.needs) == 0 {
			continue
		}
		if len(n.needs) > maxNeeds {
			c.warn(dir, fmt.Errorf("%w: it depends on %d packages", ErrLimit, len(n.needs)))
			continue
		}
		var above []string
		for at := dir; ; at = path.Dir(at) {
			if c.modules[at] {
				above = append(above, path.Join(at, "node_modules"))
			}
			if at == "." || at == "/" {
				break
			}
		}
		above = append(above, c.nodePaths...)
		for _, name := range n.needs {
			for _, at := range above {
				if found := c.findNode(path.Join(at, name)); found != nil {
					n.component.need(found.component)
					break
				}
			}
		}
	}
	return nil
}

const maxNeeds = 20_000 // of a package of npm

func (c *collector) findNode(at string) *node {
	n := c.nodes[at]
	if n == nil {
		n = c.nodes[c.tree.real(at)] // pnpm and workspaces link there
	}
	if n != nil && n.linked != "" {
		n = c.nodes[n.linked]
	}
	return n
}

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
