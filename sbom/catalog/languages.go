package catalog

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/base64"
	"encoding/hex"
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

	cdx "github.com/CycloneDX/cyclonedx-go"
	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/php/composerlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/inventory"
	"github.com/klauspost/compress/zstd"
	rustaudit "github.com/rust-secure-code/go-rustaudit"
)

func requiresDist(p *extractor.Package) []string {
	if m, ok := p.Metadata.(*wheelegg.PythonPackageMetadata); ok {
		return m.RequiresDist
	}
	return nil
}

// goPURL writes the package URL of a module as lading's sbom does. Module paths keep their case, as the module proxy tells
// modules apart by it.
func goPURL(module, version string) string {
	parts := strings.Split(module, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), ":", "%3A")
	}
	s := "pkg:golang/" + strings.Join(parts, "/")
	if version != "" && version != "(devel)" && version != "v(devel)" {
		s += "@" + strings.ReplaceAll(url.QueryEscape(version), "%3A", ":")
	}
	return s
}

// goDetails makes the program a component that depends on its modules. The build information does not say which module
// needs which.
func goDetails(c *collector, f *found) error {
	info, err := buildinfo.Read(f.file.(io.ReaderAt))
	if err != nil {
		return nil // the extractor found nothing either
	}
	module, version := cmp.Or(info.Main.Path, info.Path, path.Base(f.path)), info.Main.Version
	var main *component
	for i, p := range f.raw {
		if k := f.pkgs[i]; k != nil && p.Name == info.Main.Path && k.kind != cdx.ComponentTypeApplication {
			c.forget(k, f.path) // as a module; it is the program
		}
	}
	if main, err = c.make(goPURL(module, version), module, f.path, f.path); err != nil {
		return err
	}
	main.present = true
	if info.Path != module {
		main.property("golang:package", info.Path)
	}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs") || s.Key == "GOOS" || s.Key == "GOARCH" || s.Key == "CGO_ENABLED" {
			main.property("golang:build:"+s.Key, s.Value)
		}
	}
	sums := map[string]string{}
	for _, m := range info.Deps {
		from := m
		for m.Replace != nil && m.Replace.Path != "" {
			m = m.Replace
		}
		sums[m.Path] = m.Sum
		if from != m {
			sums[m.Path+"\n"] = strings.TrimSuffix(from.Path+"@"+from.Version, "@")
		}
	}
	for i, p := range f.raw {
		k := f.pkgs[i]
		if k == nil || p.Name == info.Main.Path {
			continue
		}
		main.need(k)
		k.property("golang:h1", sums[p.Name])
		k.property("golang:replaces", sums[p.Name+"\n"])
		if p.Name == "go" {
			add(&k.licenses, "BSD-3-Clause")
		}
	}
	return nil
}

// forget takes a place from a component, and the component if it was the only one.
func (c *collector) forget(k *component, at string) {
	k.places = slices.DeleteFunc(k.places, func(p place) bool { return p.path == at })
	if len(k.places) == 0 {
		delete(c.all, k.key)
	}
}

// cargoDetails reads which crate needs which (cargo-auditable).
func cargoDetails(c *collector, f *found) error {
	info, err := rustaudit.GetDependencyInfo(f.file.(io.ReaderAt))
	if err != nil {
		return nil // the extractor said so
	}
	known := map[string]*component{}
	for i, p := range f.raw {
		known[p.Name+"\n"+p.Version] = f.pkgs[i]
	}
	for _, p := range info.Packages {
		k := known[p.Name+"\n"+p.Version]
		if k == nil || p.Kind != rustaudit.Runtime {
			continue
		}
		if p.Root {
			k.kind = cdx.ComponentTypeApplication
		}
		for _, d := range p.Dependencies {
			if d < uint(len(info.Packages)) {
				other := info.Packages[d]
				k.need(known[other.Name+"\n"+other.Version])
			}
		}
	}
	return nil
}

// A node is a directory that Node finds a package in.
type node struct {
	component *component
	needs     []string
	linked    string // another directory that it is
}

type ranges map[string]any

// npmManifest is what package.json and the entries of lockfiles say alike.
type npmManifest struct {
	Name         string
	Version      string
	License      json.RawMessage
	Licenses     json.RawMessage
	Dependencies json.RawMessage // names, or in the first kind of lockfile packages
	Optional     ranges          `json:"optionalDependencies"`
	Peer         ranges          `json:"peerDependencies"`
	Dev          ranges          `json:"devDependencies"`
	Requires     json.RawMessage
	Resolved     string
	Integrity    string
	Link         bool
	IsDev        bool     `json:"dev"`
	IsOptional   bool     `json:"optional"`
	IsDevOpt     bool     `json:"devOptional"`
	all          []string // that it needs
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
			for _, e := range list {
				if !bytes.HasPrefix(bytes.TrimSpace(e), []byte("[")) {
					for _, l := range npmLicenses(e) {
						add(&out, l)
					}
				}
			}
			if len(out) > 1 { // "an array of licenses that you may choose from"
				out = []string{"(" + strings.Join(out, " OR ") + ")"}
			}
		}
	}
	return out
}

func npmDetails(c *collector, f *found) error {
	var m npmManifest
	// Fields of strange types are as good as missing: the extractor found the package.
	_ = json.NewDecoder(f.file).Decode(&m)
	k := f.pkgs[0]
	if k == nil {
		return nil
	}
	for _, l := range npmLicenses(m.License, m.Licenses) {
		add(&k.licenses, l)
	}
	dir := path.Dir(f.path)
	c.nodes[dir] = &node{component: k, needs: m.needs()}
	if !strings.Contains("/"+dir+"/", "/node_modules/") {
		k.kind = cdx.ComponentTypeApplication // a project, not what it uses
	}
	return nil
}

// npmLockDetails reads which package uses which, and where they are from (package-lock.json(5)).
func npmLockDetails(c *collector, f *found) error {
	lock, err := readNpmLock(f.file)
	if err != nil || len(f.raw) == 0 {
		return nil // the extractor said so, or another lockfile counts
	}
	known := map[string]*component{}
	for i, p := range f.raw {
		if f.pkgs[i] != nil {
			known[p.Name+"\n"+p.Version] = f.pkgs[i]
		}
	}
	root := path.Dir(f.path)
	for key, m := range lock.entries() {
		dir := path.Join(root, key)
		if m.Link {
			c.later = append(c.later, func() { c.node(dir, &node{linked: path.Join(root, m.Resolved)}) })
			continue
		}
		if key == "" {
			// The project itself: its package.json, which is beside, does not count what it is developed with.
			needs := slices.Concat(m.all, slices.Sorted(maps.Keys(m.Dev)))
			c.later = append(c.later, func() {
				if n := c.nodes[root]; n != nil {
					n.needs = append(n.needs, needs...)
				}
			})
			continue
		}
		k := known[m.named(key)+"\n"+m.Version]
		if k == nil {
			continue
		}
		for _, l := range npmLicenses(m.License) {
			add(&k.lesser, l)
		}
		if !m.IsDev && !m.IsOptional && !m.IsDevOpt {
			k.present = true
		}
		if strings.HasPrefix(m.Resolved, "https://") {
			ref := cdx.ExternalReference{Type: cdx.ERTypeDistribution, URL: m.Resolved}
			if sum, ok := strings.CutPrefix(m.Integrity, "sha512-"); ok {
				if raw, err := base64.StdEncoding.DecodeString(sum); err == nil && len(raw) == 64 {
					ref.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA512, Value: hex.EncodeToString(raw)}}
				}
			}
			if len(k.refs) < 10 && !slices.ContainsFunc(k.refs, func(r cdx.ExternalReference) bool { return r.URL == ref.URL }) {
				k.refs = append(k.refs, ref)
			}
		}
		c.later = append(c.later, func() { c.node(dir, &node{component: k, needs: m.all}) })
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

const maxNeeds = 20_000 // of a package of npm

func (c *collector) findNode(at string) *node {
	n := c.nodes[at]
	if n == nil {
		n = c.nodes[c.tree.real(at)] // pnpm and workspaces link there
	}
	if n != nil && n.linked != "" {
		n = c.nodes[n.linked]
	}
	return n
}

// Lockfiles are read here. The extractors search all of the file for the line of each package, which takes minutes for a
// large one, and know no cancellation.

type npmLock struct{ filesystem.Extractor }

func newNpmLock(o *cpb.PluginConfig) (filesystem.Extractor, error) {
	e, err := packagelockjson.New(o)
	return npmLock{e}, err
}

type composerLock struct{ filesystem.Extractor }

func newComposerLock(o *cpb.PluginConfig) (filesystem.Extractor, error) {
	e, err := composerlock.New(o)
	return composerLock{e}, err
}

// npmLockfile is a package-lock.json or npm-shrinkwrap.json: of npm 7 and later with packages by directory, before that
// with dependencies in each other.
type npmLockfile struct {
	Packages     map[string]npmManifest
	Dependencies map[string]npmManifest
}

// entries yields the packages by directory, in order.
func (l *npmLockfile) entries() iter.Seq2[string, *npmManifest] {
	return func(yield func(string, *npmManifest) bool) {
		for _, key := range slices.Sorted(maps.Keys(l.Packages)) {
			m := l.Packages[key]
			m.all = m.needs()
			if !yield(key, &m) {
				return
			}
		}
		if l.Packages != nil {
			return
		}
		var old func(at string, list map[string]npmManifest) bool
		old = func(at string, list map[string]npmManifest) bool {
			for _, name := range slices.Sorted(maps.Keys(list)) {
				m := list[name]
				key := path.Join(at, "node_modules", name)
				if alias, ok := strings.CutPrefix(m.Version, "npm:"); ok {
					if i := strings.LastIndexByte(alias, '@'); i > 0 {
						m.Name, m.Version = alias[:i], alias[i+1:]
					}
				}
				var requires ranges
				_ = json.Unmarshal(m.Requires, &requires)
				m.all = slices.Sorted(maps.Keys(requires))
				if !yield(key, &m) {
					return false
				}
				var inner map[string]npmManifest
				if json.Unmarshal(m.Dependencies, &inner) == nil && strings.Count(key, "/") < maxDepth && !old(key, inner) {
					return false
				}
			}
			return true
		}
		old("", l.Dependencies)
	}
}

// named returns a package's name, which is that of its directory unless it says otherwise.
func (m *npmManifest) named(key string) string {
	if m.Name != "" {
		return m.Name
	}
	if i := strings.LastIndex("/"+key, "/node_modules/"); i >= 0 {
		return key[i+len("node_modules/"):]
	}
	return path.Base(key)
}

func readNpmLock(r io.Reader) (*npmLockfile, error) {
	var l npmLockfile
	var strange *json.UnmarshalTypeError // of a single field
	if err := json.NewDecoder(r).Decode(&l); err != nil && (!errors.As(err, &strange) || l.Packages == nil && l.Dependencies == nil) {
		return nil, err
	}
	return &l, nil
}

// Extract finds the packages of a lockfile.
func (npmLock) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	if path.Base(in.Path) == "package-lock.json" { // which npm passes over if there is the other
		if _, err := in.FS.Stat(path.Join(path.Dir(in.Path), "npm-shrinkwrap.json")); err == nil {
			return out, nil
		}
	}
	l, err := readNpmLock(in.Reader)
	if err != nil {
		return out, err
	}
	for key, m := range l.entries() {
		if name := m.named(key); key != "" && !m.Link && name != "" && m.Version != "" {
			out.Packages = append(out.Packages, &extractor.Package{Name: name, Version: m.Version, PURLType: "npm"})
		}
	}
	return out, nil
}

type composerPackage struct {
	Name, Version string
	License       []string
	Require       map[string]string
}

type composerLockfile struct {
	Packages []composerPackage
	Dev      []composerPackage `json:"packages-dev"`
}

// Extract finds the packages of a lockfile.
func (composerLock) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	var l composerLockfile
	if err := json.NewDecoder(in.Reader).Decode(&l); err != nil {
		return out, err
	}
	for _, p := range slices.Concat(l.Packages, l.Dev) {
		if p.Name != "" {
			out.Packages = append(out.Packages, &extractor.Package{Name: p.Name, Version: p.Version, PURLType: "composer"})
		}
	}
	return out, nil
}

// auditable refuses programs whose audit data unpacks to more than any has. What has none, or is WebAssembly, of which that
// cannot be told beforehand, is not for the extractor.
func auditable(r io.ReaderAt) error {
	const most = 16 << 20
	var size uint64
	var section io.Reader
	if f, err := elf.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil && s.Flags&elf.SHF_COMPRESSED == 0 {
			size, section = s.FileSize, io.NewSectionReader(r, int64(s.Offset), int64(s.FileSize))
		} else if s != nil {
			return fmt.Errorf("%w: its audit data is compressed twice", ErrLimit)
		}
	} else if f, err := pe.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil {
			size, section = uint64(s.Size), s.Open()
		}
	} else if f, err := macho.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil {
			size, section = s.Size, s.Open()
		}
	}
	if section == nil {
		return errors.ErrUnsupported // most programs
	}
	if size > most {
		return fmt.Errorf("%w: %d bytes of audit data", ErrLimit, size)
	}
	z, err := zlib.NewReader(section)
	if err != nil {
		return nil // the extractor says so
	}
	if n, _ := io.CopyN(io.Discard, z, most+1); n > most {
		return fmt.Errorf("%w: more than %d bytes of audit data", ErrLimit, most)
	}
	return nil
}

// chiselled refuses a list of what a chiselled Ubuntu has that unpacks to more than any does: it is read as a whole.
func chiselled(r io.ReaderAt) error {
	z, err := zstd.NewReader(io.NewSectionReader(r, 0, maxText), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxText))
	if err != nil {
		return err
	}
	defer z.Close()
	if n, _ := io.CopyN(io.Discard, z, maxText+1); n > maxText {
		return fmt.Errorf("%w: it unpacks to more than %d bytes", ErrLimit, maxText)
	}
	return nil // that it is damaged, the extractor says
}

var gemLicense = regexp.MustCompile(`\.licenses?\s*=\s*\[?\s*((?:"[^"\n]*"|'[^'\n]*')(?:\.freeze)?(?:\s*,\s*(?:"[^"\n]*"|'[^'\n]*')(?:\.freeze)?)*)`)
var quoted = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)

// gemDetails reads the licences that the specification of a gem says in so many words.
func gemDetails(_ *collector, f *found) error {
	data, err := io.ReadAll(io.LimitReader(f.file, maxText))
	if err != nil || f.pkgs[0] == nil {
		return err
	}
	if m := gemLicense.FindSubmatch(data); m != nil {
		for _, q := range quoted.FindAllSubmatch(m[1], -1) {
			add(&f.pkgs[0].licenses, string(q[1])+string(q[2]))
		}
	}
	return nil
}

// dotnetDetails reads which library needs which, of every target.
func dotnetDetails(_ *collector, f *found) error {
	var deps struct {
		Targets map[string]map[string]struct{ Dependencies map[string]string }
	}
	if err := json.NewDecoder(f.file).Decode(&deps); err != nil {
		return err
	}
	known := map[string]*component{}
	for i, p := range f.raw {
		known[p.Name+"/"+p.Version] = f.pkgs[i]
		if m, ok := p.Metadata.(*depsjson.Metadata); ok && m.Type == "project" && f.pkgs[i] != nil {
			f.pkgs[i].kind = cdx.ComponentTypeApplication
		}
	}
	for _, target := range deps.Targets {
		for from, lib := range target {
			if k := known[from]; k != nil {
				for name, version := range lib.Dependencies {
					k.need(known[name+"/"+version])
				}
			}
		}
	}
	return nil
}

// composerDetails reads licences and which package needs which.
func composerDetails(_ *collector, f *found) error {
	var lock composerLockfile
	if err := json.NewDecoder(f.file).Decode(&lock); err != nil {
		return err
	}
	known := map[string]*component{}
	for i, p := range f.raw {
		known[p.Name] = f.pkgs[i]
	}
	for i, p := range append(slices.Clone(lock.Packages), lock.Dev...) {
		k := known[p.Name]
		if k == nil {
			continue
		}
		if i < len(lock.Packages) {
			k.present = true
		}
		if len(p.License) > 1 { // of several, one may choose
			p.License = []string{"(" + strings.Join(p.License, " OR ") + ")"}
		}
		for _, l := range p.License {
			add(&k.licenses, l)
		}
		for name := range p.Require {
			k.need(known[name])
		}
	}
	return nil
}
