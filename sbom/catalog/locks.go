package catalog

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"

	"github.com/ladingdev/lading/sbom"
)

// A lockfile is what a project's lockfile says: packages by the names that they have in it, and what the project needs.
type lockfile struct {
	packages map[string]*lockedPackage
	roots    []lockRoot
	// flagged says that packages tell themselves whether they are needed to run. Otherwise the way from the roots tells.
	flagged bool
}

// A lockedPackage is one version of a package.
type lockedPackage struct {
	purl            sbom.PURL
	needs, optional []string // by names in the file
	edges           []string // to what is needed for an extra or to work on it, which is asked for by another name
	dev, opt        bool     // needed to work on the project only, or only where it can be had
	url, integrity  string
	sha256          string
	root            bool   // a project of the lockfile itself
	patch           bool   // of another, which says whether it is needed
	dir             string // a directory of the project in place of a package of a registry
}

// A lockRoot is a project, or a member of one, in a directory below the lockfile's.
type lockRoot struct {
	dir                  string
	needs, dev, optional []string
}

// locks reads lockfiles of one kind. It is an extractor of ours because libraries' leave out what depends on what, what is
// optional, and where a package is from.
type locks struct {
	name  string
	parse func(data []byte) (*lockfile, error)
	// more adds what is not in the file, when everything was found.
	more func(c *collector, file *lockfile, dir string)
	file *lockfile // that Extract read last, for details
}

func (l *locks) Name() string { return l.name }

func (*locks) Version() int { return 0 }

func (*locks) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

func (*locks) FileRequired(filesystem.FileAPI) bool { return true } // by name, see projects

// Extract reads the file. Its packages are made by details.
func (l *locks) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	l.file = nil
	data, err := io.ReadAll(in.Reader)
	if err == nil {
		l.file, err = l.parse(data)
	}
	return out, err
}

func (l *locks) details(c *collector, f *found) error {
	file := l.file
	if file == nil {
		return nil
	}
	made := map[string]*component{}
	for _, id := range slices.Sorted(maps.Keys(file.packages)) {
		p := file.packages[id]
		if p.dir != "" || p.purl.Name == "" {
			continue
		}
		k, err := c.make(p.purl.String(), nameInPURL(p.purl), f.path, "")
		if err != nil {
			c.warn(f.path, fmt.Errorf("%.200q: %w", id, err))
			continue
		}
		made[id] = k
		k.distribution(p.url, integrityHashes(p.integrity))
		if p.sha256 != "" {
			k.hash(cdx.Hash{Algorithm: cdx.HashAlgoSHA256, Value: p.sha256})
		}
	}
	c.later = append(c.later, func() {
		if l.more != nil {
			l.more(c, file, path.Dir(f.path))
		}
		c.installedFrom(file, f.path, made)
		c.linkLock(file, path.Dir(f.path), made)
	})
	return nil
}

// installedFrom gives what lies in node_modules of a project the repository that the lockfile says it is from.
func (c *collector) installedFrom(file *lockfile, at string, made map[string]*component) {
	dir := path.Dir(at)
	for _, id := range slices.Sorted(maps.Keys(made)) {
		u := file.packages[id].purl
		vcs := u.Qualifiers["vcs_url"]
		if u.Type != "npm" || vcs == "" {
			continue
		}
		for _, r := range append([]lockRoot{{}}, file.roots...) {
			in := c.tree.Real(path.Join(dir, r.dir, "node_modules", nameInPURL(u)))
			n := c.nodes[in]
			if n == nil || n.component == nil || u.Version != "" && n.component.version != u.Version {
				continue
			}
			n.component = c.fromVCS(n.component, vcs, path.Join(in, "package.json"))
			if k := made[id]; k != n.component { // of which the lockfile has no version
				c.forget(k, at)
				made[id] = n.component
			}
		}
	}
}

// linkLock makes the edges of a lockfile, and says what is there to run. What is not is marked by why.
func (c *collector) linkLock(file *lockfile, dir string, made map[string]*component) {
	at := func(id string) *component {
		if p := file.packages[id]; p != nil && p.dir != "" {
			if n := c.nodes[path.Join(dir, p.dir)]; n != nil {
				return n.component
			}
		}
		return made[id]
	}
	for id, p := range file.packages {
		k := at(id)
		if k == nil {
			continue
		}
		for _, to := range slices.Concat(p.needs, p.optional, p.edges) {
			k.need(at(to))
		}
	}
	run, any, all := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, r := range file.roots {
		file.reach(run, r.needs, false)
		file.reach(any, slices.Concat(r.needs, r.optional), true)
		file.reach(all, slices.Concat(r.needs, r.optional, r.dev), true)
		if n := c.nodes[path.Join(dir, r.dir)]; n != nil && n.component != nil {
			for _, to := range slices.Concat(r.needs, r.dev, r.optional) {
				n.component.need(at(to))
			}
		}
	}
	for id, k := range made {
		p := file.packages[id]
		switch {
		case p.patch:
		case file.flagged && !p.dev && !p.opt, !file.flagged && (run[id] || !all[id]): // what nothing needs was asked for in another way
			k.present, k.asked = true, true
		case file.flagged && p.opt, !file.flagged && any[id]:
			k.lacks("optional")
		default:
			k.lacks("development")
		}
	}
}

// reach marks what is needed, step by step.
func (l *lockfile) reach(seen map[string]bool, from []string, optional bool) {
	stack := slices.Clone(from)
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		p := l.packages[id]
		if p == nil || seen[id] {
			continue
		}
		seen[id] = true
		stack = append(stack, p.needs...)
		if optional {
			stack = append(stack, p.optional...)
		}
	}
}

// lockFinder reads lockfiles of one kind, by their names. More adds what is not in the file, when everything was found.
func lockFinder(name string, parse func([]byte) (*lockfile, error), more func(*collector, *lockfile, string), names ...string) finder {
	e := &locks{name: name, parse: parse, more: more}
	return finder{Extractor: e, project: true, names: names, max: maxLock, check: bounded, details: e.details, always: true}
}

// byVersion finds packages of a lockfile by name, and by version where there are several.
type byVersion map[string]map[string]string

func (b byVersion) add(name, version, id string) {
	if b[name] == nil {
		b[name] = map[string]string{}
	}
	b[name][version] = id
	if latest := b[name][""]; id > latest { // for who names no version
		b[name][""] = id
	}
}

func (b byVersion) find(name, version string) string {
	return b[name][version]
}
