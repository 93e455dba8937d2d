package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/jsonc"
	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/sbom"
)

func npmPURL(name, version string) sbom.PURL {
	u := sbom.PURL{Type: "npm", Name: name, Version: version}
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		u.Namespace, u.Name = name[:i], name[i+1:]
	}
	return u
}

// pnpmPackage is an entry of packages or, since lockfile 9, of snapshots.
type pnpmPackage struct {
	Name, Version string
	Dev, Optional bool
	Dependencies  map[string]string
	OptionalDeps  map[string]string `yaml:"optionalDependencies"`
	Resolution    struct{ Integrity, Tarball, Commit, Repo, Directory, Path string }
}

type pnpmImporter struct {
	Dependencies map[string]pnpmRef
	Dev          map[string]pnpmRef `yaml:"devDependencies"`
	Optional     map[string]pnpmRef `yaml:"optionalDependencies"`
}

// pnpmRef is a version, since lockfile 6 with what was asked for.
type pnpmRef string

func (r *pnpmRef) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*r = pnpmRef(n.Value)
		return nil
	}
	var full struct{ Version string }
	err := n.Decode(&full)
	*r = pnpmRef(full.Version)
	return err
}

type pnpmFile struct {
	importer  pnpmImporter // of a project without members, before lockfile 9
	importers map[string]pnpmImporter
	packages  map[string]pnpmPackage // by name and version
	snapshots map[string]pnpmPackage // by these and the peers that they were installed beside
}

// decodeEach decodes the values of a mapping one by one: to decode it as a whole compares each key with each other.
func decodeEach[T any](n *yaml.Node) (map[string]T, error) {
	out := map[string]T{}
	for key, value := range pairs(n) {
		var v T
		if err := value.Decode(&v); err != nil {
			return nil, fmt.Errorf("%.200q: %w", key, err)
		}
		out[key] = v
	}
	return out, nil
}

// pairs yields what is in a mapping.
func pairs(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// parseYAML reads the documents of a file, none of whose mappings is longer than any lockfile's.
func parseYAML(data []byte) (out []*yaml.Node, err error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		if err := d.Decode(&n); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, err
		}
		if err := boundKeys(&n, 0); err != nil {
			return out, err
		}
		if len(n.Content) > 0 {
			out = append(out, n.Content[0])
		}
	}
}

func boundKeys(n *yaml.Node, depth int) error {
	if n.Kind == yaml.AliasNode {
		return fmt.Errorf("%w: an alias, which no tool writes into a lockfile", ErrLimit)
	}
	if n.Kind == yaml.MappingNode && (len(n.Content)/2 > maxKeys || depth > 2 && len(n.Content)/2 > maxNeeds) {
		return fmt.Errorf("%w: a mapping of %d keys", ErrLimit, len(n.Content)/2)
	}
	for _, c := range n.Content {
		if err := boundKeys(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (f *pnpmFile) read(doc *yaml.Node) (err error) {
	version := ""
	for key, value := range pairs(doc) {
		var to map[string]pnpmRef
		switch key {
		case "lockfileVersion":
			version = value.Value
		case "importers":
			f.importers, err = decodeEach[pnpmImporter](value)
		case "packages":
			f.packages, err = decodeEach[pnpmPackage](value)
		case "snapshots":
			f.snapshots, err = decodeEach[pnpmPackage](value)
		case "dependencies", "devDependencies", "optionalDependencies":
			to, err = decodeEach[pnpmRef](value)
			switch key {
			case "dependencies":
				f.importer.Dependencies = to
			case "devDependencies":
				f.importer.Dev = to
			default:
				f.importer.Optional = to
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if version == "" {
		return errors.New("it is no lockfile of pnpm")
	}
	return nil
}

// readPnpmLock reads pnpm-lock.yaml of lockfile 5 to 9 (pnpm's spec repository, lockfile).
func readPnpmLock(data []byte) (*lockfile, error) {
	out := &lockfile{packages: map[string]*lockedPackage{}}
	docs, err := parseYAML(data)
	if err != nil || len(docs) == 0 {
		return out, err
	}
	var f pnpmFile
	if err := f.read(docs[len(docs)-1]); err != nil { // the first of several is of pnpm itself
		return nil, err
	}
	entries := f.snapshots
	if entries == nil {
		entries = f.packages
	}
	names := map[string]string{} // by which packages are asked for
	resolve := func(name, ref string) string {
		for _, id := range []string{ref, name + "@" + ref, "/" + name + "@" + ref, "/" + name + "/" + ref} {
			if _, ok := entries[id]; ok {
				if names[id] == "" || name < names[id] {
					names[id] = name
				}
				return id
			}
		}
		if dir, ok := strings.CutPrefix(ref, "link:"); ok { // from the importer, see below
			return "link:" + dir
		}
		return ""
	}
	list := func(deps map[string]string) (ids []string) {
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			ids = append(ids, resolve(name, deps[name]))
		}
		return ids
	}
	for id, e := range entries {
		p := &lockedPackage{needs: list(e.Dependencies), optional: list(e.OptionalDeps), dev: e.Dev, opt: e.Optional}
		out.packages[id] = p
		out.flagged = out.flagged || f.snapshots == nil && e.Dev
	}
	if f.importers == nil {
		f.importers = map[string]pnpmImporter{".": f.importer}
	}
	for _, dir := range slices.Sorted(maps.Keys(f.importers)) {
		refs := func(deps map[string]pnpmRef) (ids []string) {
			for _, name := range slices.Sorted(maps.Keys(deps)) {
				id := resolve(name, string(deps[name]))
				if to, ok := strings.CutPrefix(id, "link:"); ok {
					id = "link:" + path.Join(dir, to)
					out.packages[id] = &lockedPackage{dir: path.Join(dir, to)}
				}
				ids = append(ids, id)
			}
			return ids
		}
		i := f.importers[dir]
		out.roots = append(out.roots, lockRoot{dir, refs(i.Dependencies), refs(i.Dev), refs(i.Optional)})
	}
	for id, e := range entries {
		if f.snapshots != nil {
			bare, _, _ := strings.Cut(id, "(")
			e = f.packages[bare]
		}
		if e.Name == "" && strings.Count(id, "@") == 0 && (e.Resolution.Commit != "" || e.Resolution.Tarball != "") {
			e.Name = names[id] // before lockfile 9 the path of such a package is where it is from
		}
		out.packages[id].fromPnpm(id, e)
	}
	return out, nil
}

// pnpmPath is a package in the words of lockfiles 5 to 9: /name/version_peers, /name@version(peers), name@version.
var pnpmPath = regexp.MustCompile(`^(?:[\w.-]+\.[\w.-]+/|/)?((?:@[^/@]+/)?[^/@]+)[@/]([^(_]*)`)

func (p *lockedPackage) fromPnpm(id string, e pnpmPackage) {
	name, version := e.Name, e.Version
	if m := pnpmPath.FindStringSubmatch(id); m != nil {
		if name == "" {
			name = m[1]
		}
		if version == "" {
			version = m[2]
		}
	}
	p.url, p.integrity = e.Resolution.Tarball, e.Resolution.Integrity
	vcs := ""
	switch {
	case e.Resolution.Directory != "":
		p.dir = path.Clean(e.Resolution.Directory)
		return
	case e.Resolution.Commit != "":
		vcs = vcsURL(e.Resolution.Repo, e.Resolution.Commit)
		if e.Version == "" {
			version = ""
		}
	case isGit(e.Resolution.Tarball):
		vcs = vcsURL(e.Resolution.Tarball, "")
		if e.Version == "" {
			version = ""
		}
	}
	vcs = inRepository(vcs, e.Resolution.Path)
	if strings.Contains(version, ":") { // where it is from, and no version
		version = ""
	}
	p.purl = withVCS(npmPURL(name, version), vcs)
}

// readYarnLock reads yarn.lock: of yarn 1 in a form of its own, later in YAML. What members ask for is in their
// package.json, see linkYarn.
func readYarnLock(data []byte) (*lockfile, error) {
	if bytes.Contains(data[:min(len(data), 4<<10)], []byte("\n__metadata:")) || bytes.HasPrefix(data, []byte("__metadata:")) {
		return readYarnBerry(data)
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	wants := map[*lockedPackage][2]map[string]string{}
	var p *lockedPackage
	var list map[string]string
	ids := map[*lockedPackage][]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n \t")
		text := strings.TrimSpace(line)
		switch indent := len(line) - len(text); {
		case text == "" || text[0] == '#':
		case indent == 0 && strings.HasSuffix(text, ":"):
			p, list = &lockedPackage{}, nil
			wants[p] = [2]map[string]string{{}, {}}
			for id := range strings.SplitSeq(strings.TrimSuffix(text, ":"), ",") {
				ids[p] = append(ids[p], strings.Trim(strings.TrimSpace(id), `"`))
			}
			for _, id := range ids[p] {
				out.packages[id] = p
			}
			p.purl = npmPURL(yarnName(ids[p][0]), "")
		case p == nil:
			return nil, fmt.Errorf("it is no lockfile of yarn: %.80q", text)
		case indent == 2:
			name, value, _ := strings.Cut(text, " ")
			value = strings.Trim(value, `"`)
			switch name {
			case "version":
				p.purl.Version = value
			case "resolved":
				p.fromYarn(value)
			case "integrity":
				p.integrity = value
			case "dependencies:":
				list = wants[p][0]
			case "optionalDependencies:":
				list = wants[p][1]
			default:
				list = nil
			}
		case indent > 2 && list != nil:
			name, value, _ := strings.Cut(text, " ")
			list[strings.Trim(name, `"`)] = strings.Trim(value, `"`)
		}
	}
	for p, w := range wants {
		for i, to := range []*[]string{&p.needs, &p.optional} {
			for _, name := range slices.Sorted(maps.Keys(w[i])) {
				*to = append(*to, name+"@"+w[i][name])
			}
		}
	}
	return out, nil
}

// cutName takes the name, which may begin with a scope, from what is behind it.
func cutName(id string) (name, rest string) {
	if id == "" {
		return "", ""
	}
	at := strings.IndexByte(id[1:], '@') + 1
	if at == 0 {
		return id, ""
	}
	return id[:at], id[at+1:]
}

// yarnName returns the name that is in the registry: of "alias@npm:name@range" the second.
func yarnName(id string) string {
	name, rest := cutName(id)
	if rest, ok := strings.CutPrefix(rest, "npm:"); ok {
		if i := strings.LastIndexByte(rest, '@'); i > 0 {
			return rest[:i]
		}
	}
	return name
}

// fromYarn reads where yarn 1 fetched a package.
func (p *lockedPackage) fromYarn(resolved string) {
	if isGit(resolved) {
		p.purl = withVCS(p.purl, vcsURL(resolved, ""))
		return
	}
	p.url, _, _ = strings.Cut(resolved, "#")
	if strings.HasPrefix(resolved, "file:") {
		p.url = ""
	}
}

type yarnBerryPackage struct {
	Version, Resolution string
	Dependencies        map[string]string
	Meta                map[string]struct{ Optional bool } `yaml:"dependenciesMeta"`
}

// readYarnBerry reads yarn.lock of yarn 2 and later. A member is in it with all that it asks for, be it to run or to work on.
func readYarnBerry(data []byte) (*lockfile, error) {
	docs, err := parseYAML(data)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	for key, n := range pairs(docs[0]) {
		if key == "__metadata" {
			continue
		}
		var e yarnBerryPackage
		if err := n.Decode(&e); err != nil {
			return nil, fmt.Errorf("%.200q: %w", key, err)
		}
		p := &lockedPackage{}
		for _, name := range slices.Sorted(maps.Keys(e.Dependencies)) {
			id := name + "@" + e.Dependencies[name]
			if !strings.Contains(e.Dependencies[name], ":") {
				id = name + "@npm:" + e.Dependencies[name]
			}
			if e.Meta[name].Optional {
				p.optional = append(p.optional, id)
			} else {
				p.needs = append(p.needs, id)
			}
		}
		dir, member := p.fromBerry(&e)
		if member {
			out.roots = append(out.roots, lockRoot{dir: dir, needs: p.needs, optional: p.optional})
		}
		for id := range strings.SplitSeq(key, ", ") {
			id, _, _ = strings.Cut(id, "::") // behind it is who asks for a directory
			out.packages[id] = p
		}
	}
	slices.SortFunc(out.roots, func(a, b lockRoot) int { return strings.Compare(a.dir, b.dir) })
	return out, nil
}

// fromBerry reads a resolution: a name, a protocol, and what that knows the package by. Of a member it returns the
// directory.
func (p *lockedPackage) fromBerry(e *yarnBerryPackage) (dir string, member bool) {
	name, ref := cutName(e.Resolution)
	if ref, ok := strings.CutPrefix(ref, "patch:"); ok && !p.patch { // of another, which stands behind
		ref, _, _ = strings.Cut(ref, "#")
		if inner, err := url.PathUnescape(ref); err == nil {
			p.patch = true
			return p.fromBerry(&yarnBerryPackage{Version: e.Version, Resolution: inner})
		}
	}
	protocol, rest, _ := strings.Cut(ref, ":")
	rest, _, _ = strings.Cut(rest, "::")
	switch {
	case protocol == "workspace":
		p.dir = path.Clean(rest)
		return p.dir, true
	case protocol == "file" || protocol == "portal" || protocol == "link":
		rest, _, _ = strings.Cut(rest, "#")
		p.dir = path.Clean(rest)
	case isGit(ref):
		p.purl = withVCS(npmPURL(name, e.Version), vcsURL(ref, ""))
	case protocol == "http" || protocol == "https":
		p.purl, p.url = npmPURL(name, e.Version), ref
	default:
		p.purl = npmPURL(name, e.Version)
	}
	return "", false
}

// linkYarn adds what package.json says and yarn.lock does not: of yarn 1 what the project and its members need, of later ones
// what of it is to work on them only.
func (c *collector) linkYarn(file *lockfile, dir string) {
	berry := map[string]*lockRoot{}
	for i := range file.roots {
		berry[file.roots[i].dir] = &file.roots[i]
	}
	for _, at := range slices.Sorted(maps.Keys(c.nodes)) {
		n := c.nodes[at]
		rel, ok := strings.CutPrefix(at+"/", dir+"/")
		if dir == "." {
			rel, ok = at, true
		}
		if n.manifest == nil || !ok || strings.Contains("/"+rel+"/", "/node_modules/") {
			continue
		}
		rel = path.Clean(rel)
		m := n.manifest
		if r := berry[rel]; r != nil {
			isDev := func(id string) bool {
				name, _ := cutName(id)
				_, dev := m.Dev[name]
				return dev && !slices.Contains(m.needs(), name)
			}
			for _, id := range r.needs {
				if isDev(id) {
					r.dev = append(r.dev, id)
				}
			}
			r.needs = slices.DeleteFunc(slices.Clone(r.needs), isDev)
			continue
		}
		if len(berry) > 0 {
			continue
		}
		var direct ranges
		_ = json.Unmarshal(m.Dependencies, &direct)
		ids := func(r ranges) (out []string) {
			for _, name := range slices.Sorted(maps.Keys(r)) {
				if s, ok := r[name].(string); ok {
					out = append(out, name+"@"+s)
				}
			}
			return out
		}
		maps.DeleteFunc(direct, func(name string, _ any) bool { return m.Optional[name] != nil })
		file.roots = append(file.roots, lockRoot{rel, ids(direct), ids(m.Dev), ids(m.Optional)})
	}
	if len(berry) > 0 {
		return
	}
	c.linkMembers(file, dir)
	for id, p := range file.packages { // a directory has no version of a registry
		if i := strings.Index(id, "@file:"); i > 0 && p.url == "" {
			p.dir = path.Clean(id[i+len("@file:"):])
		}
	}
}

// linkMembers makes the edges from project to project, which yarn 1 does not write down: what has the name of a member, and
// is not in the lockfile, is that member.
func (c *collector) linkMembers(file *lockfile, dir string) {
	members := map[string]*node{}
	for _, r := range file.roots {
		if n := c.nodes[path.Join(dir, r.dir)]; n != nil && n.manifest != nil {
			members[n.manifest.Name] = n
		}
	}
	for _, from := range members {
		m := from.manifest
		var direct ranges
		_ = json.Unmarshal(m.Dependencies, &direct)
		for _, list := range []ranges{direct, m.Optional, m.Dev} {
			for name, version := range list {
				if to := members[name]; to != nil && file.packages[fmt.Sprint(name, "@", version)] == nil {
					from.component.need(to.component)
				}
			}
		}
	}
}

type bunRoot struct {
	Dependencies ranges
	Dev          ranges `json:"devDependencies"`
	Optional     ranges `json:"optionalDependencies"`
	Peer         ranges `json:"peerDependencies"`
}

// readBunLock reads bun.lock: packages by where they are below one another, each with its id, and behind it in an object
// what it needs.
func readBunLock(data []byte) (*lockfile, error) {
	var f struct {
		Workspaces map[string]bunRoot
		Packages   map[string][]json.RawMessage
	}
	if err := json.Unmarshal(jsonc.ToJSON(data), &f); err != nil {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	resolve := func(at, name string) string {
		for {
			if id := path.Join(at, name); f.Packages[id] != nil {
				return id
			}
			if at == "" || at == "." {
				return ""
			}
			at = path.Dir(at)
		}
	}
	list := func(at string, lists ...ranges) (ids []string) {
		for _, l := range lists {
			for _, name := range slices.Sorted(maps.Keys(l)) {
				if id := resolve(at, name); id != "" {
					ids = append(ids, id)
				}
			}
		}
		return ids
	}
	for key, tuple := range f.Packages {
		if len(key) > maxPath {
			return out, fmt.Errorf("%w: a name of more than %d bytes", ErrLimit, maxPath)
		}
		p, id := &lockedPackage{}, ""
		for i, raw := range tuple {
			var s string
			var deps bunRoot
			switch {
			case i == 0:
				_ = json.Unmarshal(raw, &id)
			case json.Unmarshal(raw, &s) == nil:
				if strings.HasPrefix(s, "sha") {
					p.integrity = s
				}
			case json.Unmarshal(raw, &deps) == nil:
				p.needs, p.optional = list(key, deps.Dependencies, deps.Peer), list(key, deps.Optional)
			}
		}
		i := strings.LastIndexByte(id, '@')
		if j := strings.IndexByte(id[min(1, len(id)):], '@') + 1; j > 0 && strings.ContainsAny(id[j:], ":/#") {
			i = j
		}
		if i <= 0 {
			continue
		}
		out.packages[key] = p
		switch name, ref := id[:i], id[i+1:]; {
		case strings.HasPrefix(ref, "workspace:"), strings.HasPrefix(ref, "file:"), strings.HasPrefix(ref, "link:"):
			p.dir = path.Clean(ref[strings.IndexByte(ref, ':')+1:])
		case isGit(ref):
			p.purl = withVCS(npmPURL(name, ""), vcsURL(ref, ""))
		case strings.ContainsAny(ref, ":/#"):
			p.purl, p.url = npmPURL(name, ""), ref
		default:
			p.purl = npmPURL(name, ref)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(f.Workspaces)) {
		w := f.Workspaces[dir]
		out.roots = append(out.roots, lockRoot{path.Clean(dir), list("", w.Dependencies, w.Peer), list("", w.Dev), list("", w.Optional)})
	}
	return out, nil
}
