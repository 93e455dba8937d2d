package catalog

import (
	"cmp"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/sbom"
)

func swiftFinders() ([]finder, error) {
	return []finder{
		lockFinder("swift/podfilelock", readPodLock, nil, "Podfile.lock"),
		lockFinder("swift/packageresolved", readSwiftLock, nil, "Package.resolved"),
	}, nil
}

// readPodLock reads Podfile.lock. A pod's parts, which are behind a slash, are one package with it.
func readPodLock(data []byte) (*lockfile, error) {
	docs, err := parseYAML(data)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	pod := func(s string) (name, version string) {
		name, version, _ = strings.Cut(s, " (")
		name, _, _ = strings.Cut(strings.TrimSpace(name), "/")
		return name, strings.TrimSuffix(version, ")")
	}
	add := func(s string) *lockedPackage {
		name, version := pod(s)
		p := out.packages[name]
		if p == nil {
			p = &lockedPackage{purl: sbom.PURL{Type: "cocoapods", Name: name, Version: version}}
			out.packages[name] = p
		}
		return p
	}
	sections := maps.Collect(pairs(docs[0]))
	for _, n := range cmp.Or(sections["PODS"], new(yaml.Node)).Content {
		if n.Kind == yaml.ScalarNode {
			add(n.Value)
		}
		for s, needs := range pairs(n) {
			p := add(s)
			for _, to := range needs.Content {
				if name, _ := pod(to.Value); name != p.purl.Name && !slices.Contains(p.needs, name) {
					p.needs = append(p.needs, name)
				}
			}
		}
	}
	for name, n := range pairs(sections["CHECKOUT OPTIONS"]) {
		name, _ := pod(name)
		var from struct {
			Git    string `yaml:":git"`
			Commit string `yaml:":commit"`
		}
		if p := out.packages[name]; p != nil && n.Decode(&from) == nil && from.Git != "" {
			p.purl = withVCS(p.purl, vcsURL(from.Git, from.Commit))
		}
	}
	return out, nil
}

// readSwiftLock reads Package.resolved of formats 1 to 3. A package is named by its repository, and has no version where a
// branch or a commit was asked for.
func readSwiftLock(data []byte) (*lockfile, error) {
	type pin struct {
		Identity, Location string
		URL                string `json:"repositoryURL"` // of the first format
		State              struct{ Version, Revision string }
	}
	var f struct {
		Pins   []pin
		Object struct{ Pins []pin } // of the first format
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	for _, e := range append(f.Pins, f.Object.Pins...) {
		repository := cmp.Or(e.Location, e.URL)
		at := strings.TrimSuffix(strings.TrimSuffix(repository, "/"), ".git")
		if _, rest, ok := strings.Cut(at, "://"); ok {
			at = rest
		} else {
			at = strings.Replace(at, ":", "/", 1) // git@host:path
		}
		at = at[strings.IndexByte(at[:max(strings.IndexByte(at, '/'), 0)], '@')+1:]
		if repository == "" { // of a registry: a scope, a dot and a name
			at = strings.Replace(e.Identity, ".", "/", 1)
		}
		p := &lockedPackage{purl: sbom.PURL{Type: "swift", Namespace: path.Dir(at), Name: path.Base(at), Version: e.State.Version}}
		if p.purl.Version == "" {
			p.purl = withVCS(p.purl, vcsURL(repository, e.State.Revision))
		}
		if p.purl.Namespace == "." || p.purl.Namespace == "/" {
			p.purl.Namespace = ""
		}
		out.packages[cmp.Or(e.Identity, at)+" "+at] = p
	}
	return out, nil
}
