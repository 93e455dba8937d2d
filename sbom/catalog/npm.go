package catalog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
	"github.com/google/osv-scalibr/purl"

	"github.com/ladingdev/lading/sbom"
)

func npmFinders() ([]finder, error) {
	manifest := &npmPackage{}
	out, err := byLibrary(newNpmLock, finder{max: maxText, details: npmLockDetails, always: true})
	return append([]finder{{Extractor: manifest, max: maxText, details: manifest.details}}, out...), err
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
			list = slices.DeleteFunc(list, func(e json.RawMessage) bool { return bytes.HasPrefix(bytes.TrimSpace(e), []byte("[")) })
			for _, l := range npmLicenses(list...) {
				add(&out, l)
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

func (*npmPackage) Name() string { return "javascript/packagejson" }

func (*npmPackage) Version() int { return 0 }

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

func (c *collector) findNode(at string) *node {
	n := c.nodes[at]
	if n == nil {
		n = c.nodes[c.tree.Real(at)] // pnpm and workspaces link there
	}
	if n != nil && n.linked != "" {
		n = c.nodes[n.linked]
	}
	return n
}

func npmPURL(name, version string) sbom.PURL {
	u := sbom.PURL{Type: "npm", Name: name, Version: version}
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		u.Namespace, u.Name = name[:i], name[i+1:]
	}
	return u
}
