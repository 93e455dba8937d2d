package catalog

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/ladingdev/lading/sbom"
)

func pypiPURL(name, version string) sbom.PURL {
	return sbom.PURL{Type: "pypi", Name: pythonName(name), Version: version}
}

type uvDependency struct {
	Name, Version string
	Extra         []string
}

type uvPackage struct {
	Name, Version string
	Source        struct{ Git, URL, Editable, Virtual string }
	Dependencies  []uvDependency
	Optional      map[string][]uvDependency `toml:"optional-dependencies"`
	Dev           map[string][]uvDependency `toml:"dev-dependencies"`
	Sdist         struct{ URL, Hash string }
	Wheels        []struct{ URL, Hash string }
}

// withExtra names what a package needs for one of its extras.
func withExtra(id, extra string) string { return id + "[" + pythonName(extra) + "]" }

// readUvLock reads uv.lock, whose projects are in it as packages that lie in a directory.
func readUvLock(data []byte) (*lockfile, error) {
	var f struct{ Package []uvPackage }
	if err := toml.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out, known := &lockfile{packages: map[string]*lockedPackage{}}, byVersion{}
	id := func(p *uvPackage) string { return p.Name + " " + p.Version }
	for i := range f.Package {
		known.add(f.Package[i].Name, f.Package[i].Version, id(&f.Package[i]))
	}
	list := func(lists ...[]uvDependency) (ids []string) {
		for _, l := range lists {
			for _, d := range l {
				to := known.find(d.Name, d.Version)
				ids = append(ids, to)
				for _, extra := range d.Extra {
					ids = append(ids, withExtra(to, extra))
				}
			}
		}
		return ids
	}
	every := func(m map[string][]uvDependency) (all []uvDependency) {
		for _, group := range slices.Sorted(maps.Keys(m)) {
			all = append(all, m[group]...)
		}
		return all
	}
	for i := range f.Package {
		u := &f.Package[i]
		p := &lockedPackage{purl: pypiPURL(u.Name, u.Version), needs: list(u.Dependencies), edges: list(every(u.Optional)),
			url: u.Source.URL}
		out.packages[id(u)] = p
		for extra, needs := range u.Optional { // what is asked for by the extra is needed with it
			out.packages[withExtra(id(u), extra)] = &lockedPackage{needs: list(needs)}
		}
		if u.Source.Git != "" {
			p.purl = withVCS(p.purl, vcsURL(u.Source.Git, ""))
		}
		if u.Sdist.Hash != "" && len(u.Wheels) == 0 { // of several files none is the package's
			p.sha256, _ = strings.CutPrefix(u.Sdist.Hash, "sha256:")
		}
		if dir := u.Source.Editable + u.Source.Virtual; dir != "" {
			out.roots = append(out.roots, lockRoot{dir, append(list(u.Dependencies), id(u)), list(every(u.Dev)), list(every(u.Optional))})
			p.edges = append(p.edges, list(every(u.Dev))...)
			if u.Source.Virtual != "" { // no package, but a list of what is to be installed
				p.purl = sbom.PURL{}
			}
			p.root = true
		}
	}
	return out, nil
}

// readPoetryLock reads poetry.lock, whose packages say what they are for: since Poetry 2 in groups, before 1.5 in a category.
func readPoetryLock(data []byte) (*lockfile, error) {
	var f struct {
		Package []struct {
			Name, Version, Category string
			Optional                bool
			Groups                  []string
			Dependencies            map[string]any
			Source                  struct {
				Type, URL, Subdirectory string
				Commit                  string `toml:"resolved_reference"`
			}
		}
	}
	if err := toml.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out, known := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}, byVersion{}
	for _, e := range f.Package {
		known.add(pythonName(e.Name), e.Version, e.Name+" "+e.Version)
	}
	for _, e := range f.Package {
		p := &lockedPackage{purl: pypiPURL(e.Name, e.Version), opt: e.Optional,
			dev: e.Category == "dev" || len(e.Groups) > 0 && !slices.Contains(e.Groups, "main")}
		if e.Source.Type == "git" {
			p.purl = withVCS(p.purl, inRepository(vcsURL(e.Source.URL, e.Source.Commit), e.Source.Subdirectory))
		} else if e.Source.Type == "url" {
			p.url = e.Source.URL
		}
		for _, name := range slices.Sorted(maps.Keys(e.Dependencies)) {
			if t, ok := e.Dependencies[name].(map[string]any); ok && t["optional"] == true {
				p.optional = append(p.optional, known.find(pythonName(name), ""))
			} else {
				p.needs = append(p.needs, known.find(pythonName(name), ""))
			}
		}
		out.packages[e.Name+" "+e.Version] = p
	}
	return out, nil
}

// readPdmLock reads pdm.lock.
func readPdmLock(data []byte) (*lockfile, error) {
	var f struct {
		Package []struct {
			Name, Version, Git, Revision, Subdirectory, URL string
			Groups, Dependencies                            []string
		}
	}
	if err := toml.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out, known := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}, byVersion{}
	for _, e := range f.Package {
		known.add(pythonName(e.Name), e.Version, e.Name+" "+e.Version)
	}
	for _, e := range f.Package {
		dev := len(e.Groups) > 0 && !slices.Contains(e.Groups, "default")
		p := out.packages[e.Name+" "+e.Version]
		if p == nil {
			p = &lockedPackage{purl: pypiPURL(e.Name, e.Version), url: e.URL, dev: dev}
		}
		p.dev = p.dev && dev // a second entry is of the package with extras
		if e.Revision != "" {
			p.purl = withVCS(p.purl, inRepository(vcsURL(e.Git, e.Revision), e.Subdirectory))
		}
		for _, d := range e.Dependencies {
			name := distribution.FindString(strings.TrimSpace(d))
			if to := known.find(pythonName(name), ""); to != "" && !slices.Contains(p.needs, to) {
				p.needs = append(p.needs, to)
			}
		}
		out.packages[e.Name+" "+e.Version] = p
	}
	return out, nil
}

// readPipfileLock reads Pipfile.lock, in which nothing says what depends on what.
func readPipfileLock(data []byte) (*lockfile, error) {
	type packages map[string]struct{ Version, Git, Ref, Path, File string }
	var f struct{ Default, Develop packages }
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}
	for i, group := range []packages{f.Default, f.Develop} {
		for name, e := range group {
			p := &lockedPackage{purl: pypiPURL(name, strings.TrimLeft(e.Version, "=")), dev: i == 1, url: e.File}
			switch {
			case e.Git != "":
				p.purl = withVCS(p.purl, vcsURL(e.Git, e.Ref))
			case e.Version == "" && e.File == "":
				continue // a directory of the project
			}
			id := name
			if out.packages[id] != nil {
				id += " develop"
			}
			out.packages[id] = p
		}
	}
	return out, nil
}
