package catalog

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func pnpmFinders() ([]finder, error) {
	return []finder{lockFinder("javascript/pnpmlock", readPnpmLock, nil, "pnpm-lock.yaml")}, nil
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
