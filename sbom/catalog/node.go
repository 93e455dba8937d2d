package catalog

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

func isLock(name string) bool {
	base := path.Base(name)
	return base == "package-lock.json" || base == "npm-shrinkwrap.json" || base == ".package-lock.json"
}

// nodePackages are the directories that hold packages of npm, on the disk or by what a lock file says.
type nodePackages struct {
	dirs map[string]*nodePackage
}

type nodePackage struct {
	name, version string
	needs         []string
	licenses      []string
	url           string
	integrity     string
}

func newNodePackages() *nodePackages { return &nodePackages{map[string]*nodePackage{}} }

// npmJSON is a package.json, and an entry of "packages" in a lock file (docs.npmjs.com, package-lock.json).
type npmJSON struct {
	Name                 string          `json:"name"`
	Version              string          `json:"version"`
	License              json.RawMessage `json:"license"`
	Licenses             json.RawMessage `json:"licenses"`
	Dependencies         json.RawMessage `json:"dependencies"`
	OptionalDependencies json.RawMessage `json:"optionalDependencies"`
	PeerDependencies     json.RawMessage `json:"peerDependencies"`
	Resolved             string          `json:"resolved"`
	Integrity            string          `json:"integrity"`
}

func (n *nodePackages) read(name string, data []byte, c *collector) {
	dir := path.Dir(name)
	if path.Base(name) == "package.json" {
		var p npmJSON
		if json.Unmarshal(data, &p) == nil { // what is broken, the extractor says
			n.enter(dir, &p)
		}
		return
	}
	var lock struct {
		Packages map[string]npmJSON `json:"packages"`
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		if path.Base(name) == ".package-lock.json" { // no extractor reads it
			c.warn(name, err)
		}
		return
	}
	if path.Base(name) == ".package-lock.json" {
		dir = path.Dir(dir) // it is in node_modules
	}
	for _, at := range slices.Sorted(maps.Keys(lock.Packages)) {
		p := lock.Packages[at]
		if p.Name == "" {
			if i := strings.LastIndex(at, "node_modules/"); i >= 0 {
				p.Name = at[i+len("node_modules/"):]
			}
		}
		n.enter(path.Join(dir, at), &p)
	}
}

func (n *nodePackages) enter(dir string, p *npmJSON) {
	x := n.dirs[dir]
	if x == nil {
		x = &nodePackage{}
		n.dirs[dir] = x
	}
	x.name, x.version = orElse(x.name, p.Name), orElse(x.version, p.Version)
	x.url, x.integrity = orElse(x.url, p.Resolved), orElse(x.integrity, p.Integrity)
	for _, list := range []json.RawMessage{p.Dependencies, p.OptionalDependencies, p.PeerDependencies} {
		var m map[string]json.RawMessage
		if json.Unmarshal(list, &m) == nil {
			for _, need := range slices.Sorted(maps.Keys(m)) {
				if !slices.Contains(x.needs, need) {
					x.needs = append(x.needs, need)
				}
			}
		}
	}
	// A text; before that, an object with a type, or a list of these.
	var text string
	type typed struct{ Type string }
	var one typed
	var list []typed
	switch {
	case json.Unmarshal(p.License, &text) == nil:
		x.licenses = append(x.licenses, text)
	case json.Unmarshal(p.License, &one) == nil:
		x.licenses = append(x.licenses, one.Type)
	case json.Unmarshal(p.Licenses, &list) == nil:
		for _, l := range list {
			x.licenses = append(x.licenses, l.Type)
		}
	}
}

// relate enters what the packages say of each other: a name is looked for as Node.js does, in the node_modules of the
// package's own directory and of those above.
func (n *nodePackages) relate(c *collector) {
	of := map[*nodePackage]*component{}
	for dir, p := range n.dirs {
		if p.name == "" || p.version == "" {
			continue
		}
		u := sbom.PURL{Type: "npm", Name: p.name, Version: p.version}
		if i := strings.LastIndexByte(p.name, '/'); i >= 0 {
			u.Namespace, u.Name = p.name[:i], p.name[i+1:]
		}
		parsed, err := sbom.ParsePURL(u.String())
		if err != nil {
			c.warn(dir, err)
			continue
		}
		of[p] = c.byKey[parsed.MatchKey()]
	}
	for _, dir := range slices.Sorted(maps.Keys(n.dirs)) {
		p := n.dirs[dir]
		x := of[p]
		if x == nil {
			continue
		}
		for _, l := range p.licenses {
			if !strings.HasPrefix(l, "SEE LICENSE") && l != "UNLICENSED" {
				x.license(l)
			}
		}
		if strings.HasPrefix(p.url, "https://") {
			x.download = orElse(x.download, p.url)
			if algorithm, value, err := integrity(p.integrity); err == nil {
				x.hashes[algorithm] = value
			}
		}
		for _, need := range p.needs {
			for at := dir; ; at = path.Dir(at) {
				if path.Base(at) != "node_modules" {
					if q := n.dirs[path.Join(at, "node_modules", need)]; q != nil {
						if y := of[q]; y != nil && y != x {
							x.needs[y] = true
						}
						break
					}
				}
				if at == "." || at == "/" {
					break
				}
			}
		}
	}
}

// integrity reads Subresource Integrity metadata (w3.org/TR/SRI): the strongest hash of what was downloaded.
func integrity(s string) (algorithm, value string, err error) {
	for _, a := range []struct{ theirs, ours string }{{"sha512-", "SHA-512"}, {"sha384-", "SHA-384"}, {"sha256-", "SHA-256"}, {"sha1-", "SHA-1"}} {
		for _, part := range strings.Fields(s) {
			if b64, ok := strings.CutPrefix(part, a.theirs); ok {
				b64, _, _ = strings.Cut(b64, "?")
				sum, err := base64.StdEncoding.DecodeString(b64)
				if err == nil && len(sum) >= 20 {
					return a.ours, hex.EncodeToString(sum), nil
				}
			}
		}
	}
	return "", "", errors.New("no hash")
}
