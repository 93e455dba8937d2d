package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

func yarnFinders() ([]finder, error) {
	return []finder{lockFinder("javascript/yarnlock", readYarnLock, (*collector).linkYarn, "yarn.lock")}, nil
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
