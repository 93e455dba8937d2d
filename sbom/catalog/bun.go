package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tidwall/jsonc"

	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

func bunFinders() ([]finder, error) {
	return []finder{lockFinder("javascript/bunlock", readBunLock, nil, "bun.lock")}, nil
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
		if len(key) > rootfs.MaxPath {
			return out, fmt.Errorf("%w: a name of more than %d bytes", ErrLimit, rootfs.MaxPath)
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
