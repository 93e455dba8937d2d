package catalog

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

func conanFinders() ([]finder, error) {
	return []finder{lockFinder("cpp/conanlock", readConanLock, nil, "conan.lock")}, nil
}

// readConanLock reads conan.lock: of Conan 2 lists, of Conan 1 a graph.
func readConanLock(data []byte) (*lockfile, error) {
	type node struct {
		Ref, Pref, Path, Context string
		Requires                 []string
		BuildRequires            []string `json:"build_requires"`
	}
	var f struct {
		Graph         struct{ Nodes map[string]node } `json:"graph_lock"`
		Requires      []string
		BuildRequires []string `json:"build_requires"`
		Python        []string `json:"python_requires"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}
	for i, list := range [][]string{f.Requires, f.BuildRequires, f.Python} {
		for _, ref := range list {
			p := &lockedPackage{purl: conanPURL(ref), dev: i > 0}
			if old := out.packages[ref]; old == nil || old.dev {
				out.packages[ref] = p
			}
		}
	}
	for id, n := range f.Graph.Nodes {
		ref := cmp.Or(n.Pref, n.Ref) // the first before Conan 1.28
		p := &lockedPackage{dev: n.Context == "build", needs: n.Requires, optional: n.BuildRequires}
		if n.Path == "" { // the project itself
			p.purl = conanPURL(ref)
		}
		out.packages[id] = p
	}
	return out, nil
}

// conanPURL reads name/version@user/channel#revision:package#revision%time, of which only the first two are always there.
func conanPURL(ref string) sbom.PURL {
	ref, _, _ = strings.Cut(ref, "%")
	ref, _, _ = strings.Cut(ref, ":")
	ref, _, _ = strings.Cut(ref, "#")
	ref, at, _ := strings.Cut(ref, "@")
	name, version, ok := strings.Cut(ref, "/")
	if !ok {
		return sbom.PURL{} // a project without a name
	}
	u := sbom.PURL{Type: "conan", Name: name, Version: version}
	if user, channel, _ := strings.Cut(at, "/"); user != "" && user != "_" {
		u.Qualifiers = map[string]string{"user": user}
		if channel != "" && channel != "_" {
			u.Qualifiers["channel"] = channel
		}
	}
	return u
}
