package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	"github.com/google/osv-scalibr/extractor/filesystem/os/chisel"
	"github.com/google/osv-scalibr/extractor/filesystem/os/homebrew"
	"github.com/google/osv-scalibr/extractor/filesystem/os/osrelease"
	"github.com/google/osv-scalibr/extractor/filesystem/os/portage"
	"github.com/google/osv-scalibr/extractor/filesystem/os/snap"
	"github.com/google/osv-scalibr/log"

	"github.com/ladingdev/lading/sbom"
)

// The extractors log to stderr what is no business of a program that uses this package: errors come as Warnings. A program
// that wants the log sets its own logger, which comes after this.
func init() { log.SetLogger(silence{}) }

type silence struct{}

func (silence) Errorf(string, ...any) {}
func (silence) Error(...any)          {}
func (silence) Warnf(string, ...any)  {}
func (silence) Warn(...any)           {}
func (silence) Infof(string, ...any)  {}
func (silence) Info(...any)           {}
func (silence) Debugf(string, ...any) {}
func (silence) Debug(...any)          {}

// A finder is an extractor, and what is read here of the same files beside it.
type finder struct {
	filesystem.Extractor
	programs bool     // it reads programs, whatever they are called
	project  bool     // it reads what a project would install, which counts in a directory and not in an image
	always   bool     // details count where nothing was found
	names    []string // of the files it reads, if it has them
	max      int64    // bytes of a file; what is larger is warned of
	// check refuses files that the extractor would unpack without a bound.
	check func(r io.ReaderAt) error
	// details adds what the extractor does not say to what it found. The reader is at the start of the file.
	details func(c *collector, f *found) error
}

// found is what an extractor found in a file.
type found struct {
	path string
	file fs.File
	raw  []*extractor.Package
	pkgs []*component // of raw, at the same place; nil for one that has no package URL
}

const (
	maxText    = 64 << 20 // bytes of a file that is read whole
	maxArchive = 1 << 30  // bytes of an archive, and of those inside of it that have to be in memory 256 MiB
)

func finders() ([]finder, error) {
	rpm, deb, apk, npm, jars := &rpmDB{}, &dpkgDB{}, &apkDB{}, &npmPackage{}, &javaArchive{}
	poms, manifest := &repositoryPOM{}, &rpmManifest{}
	conda, r, arch, php := &condaMeta{}, &rPackage{}, &pacmanDB{}, &composer{}
	out := []finder{{Extractor: rpm, max: maxArchive, details: rpm.details}, {Extractor: manifest, max: maxText, details: manifest.details}, {Extractor: deb, max: maxText, details: deb.details},
		{Extractor: apk, max: maxText, details: apk.details}, {Extractor: npm, max: maxText, details: npm.details}, {Extractor: arch, max: maxText, details: arch.details},
		{Extractor: jars, max: maxArchive, details: jars.details, always: true}, {Extractor: poms, max: maxText, details: poms.details, always: true}, {Extractor: conda, max: maxText, details: conda.details},
		{Extractor: php, max: maxText, details: php.details},
		{Extractor: r, max: maxText, details: r.details}, {Extractor: claimed{}, max: maxText, details: claimDetails, always: true},
		{Extractor: graalvm{}, programs: true, details: graalvmDetails, always: true}}
	python, err := newPythonPackage(&cpb.PluginConfig{})
	if err != nil {
		return nil, err
	}
	gems, err := newGemPackage(&cpb.PluginConfig{})
	if err != nil {
		return nil, err
	}
	out = append(out, finder{Extractor: python, max: maxText, details: python.details}, finder{Extractor: gems, max: maxText, details: gems.details})
	for _, f := range []struct {
		new func(*cpb.PluginConfig) (filesystem.Extractor, error)
		finder
	}{
		{portage.New, finder{max: maxText}},
		{chisel.New, finder{max: maxText, check: chiselled}},
		{gobinary.New, finder{programs: true, details: goDetails}},
		{cargoauditable.New, finder{programs: true, check: auditable, details: cargoDetails}},
		{newNpmLock, finder{max: maxText, details: npmLockDetails, always: true}},
		{snap.New, finder{max: maxText}},
		{homebrew.New, finder{max: maxText, details: brewDetails}},
		{depsjson.New, finder{max: maxText, details: dotnetDetails}},
	} {
		e, err := f.new(&cpb.PluginConfig{})
		if err != nil {
			return nil, err
		}
		f.Extractor = e
		out = append(out, f.finder)
	}
	for _, l := range lockfilesByName {
		e := &locks{name: l.name, parse: l.parse, more: l.more}
		out = append(out, finder{Extractor: e, project: true, names: l.names, max: maxLock, check: bounded, details: e.details, always: true})
	}
	for _, p := range projects {
		e, err := p.new(&cpb.PluginConfig{})
		if err != nil {
			return nil, err
		}
		out = append(out, finder{Extractor: e, project: true, names: p.names, max: p.max, check: bounded})
	}
	return out, nil
}

// asks says whether a finder reads a file.
func (f *finder) asks(e *entry) bool {
	if f.names != nil && !slices.Contains(f.names, path.Base(e.path)) {
		return false
	}
	return f.FileRequired(e) && (!f.project || ofProject(e.path))
}

// A component in the making.
type component struct {
	key      string // it is known by
	id       string // package URL, or another text that is its own
	kind     cdx.ComponentType
	purl     string
	group    string
	name     string
	version  string
	supplier string
	licenses []string // as its package database writes them
	lesser   []string // licences by the word of another than itself, for want of better
	places   []place
	placed   map[place]bool
	props    []cdx.Property
	refs     []cdx.ExternalReference
	scanned  []cdx.Property // what scanners look for
	needs    map[*component]bool
	hashes   []cdx.Hash
	why      string // it is not there: "development" or "optional"
	present  bool   // it is there, and not only in a lockfile that says it may be missing
	asked    bool   // a lockfile says that it is needed to run
	renamed  *component
}

type place struct{ path, layer string }

func (c *component) need(other *component) {
	if other == nil || other == c {
		return
	}
	if c.needs == nil {
		c.needs = map[*component]bool{}
	}
	c.needs[other] = true
}

func (c *component) property(name, value string) {
	p := cdx.Property{Name: name, Value: value}
	if value != "" && !slices.Contains(c.props, p) {
		c.props = append(c.props, p)
	}
}

func (c *component) at(p place) {
	if c.placed == nil {
		c.placed = map[place]bool{}
	}
	if !c.placed[p] {
		c.placed[p] = true
		c.places = append(c.places, p)
	}
}

const maxLicenses = 1000 // of a package: what says more lists something else

func add(list *[]string, s string) {
	if s = strings.TrimSpace(s); s != "" && len(*list) < maxLicenses && !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

type collector struct {
	o       *Options
	finders []finder
	tree    tree
	report  *Report
	bytes   int64 // that were read of a directory
	os      map[string]string
	all     map[string]*component // by match key and, for programs, path
	debs    installed
	apks    installed
	arch    installed
	rpms    installed
	nodes   map[string]*node
	modules map[string]bool       // directories with one of the name node_modules in them
	python  map[string]*component // by the directory and the normal form of the name
	byDir   map[string]*component // of other package managers, by directory and name
	byName  map[string]*component // of operating systems, by type and name
	later   []func()              // what needs everything to have been found
	claims  []func()              // documents to join, when nothing else is found any more

	checkouts map[string]checkout   // of gems, by commit and name
	distInfo  map[string]*component // by the directory *.dist-info
	jars      map[string]*component // by path, of archives that do not say what they are; nil if nothing does
	nodePaths []string              // where Debian's Node looks for packages
}

func newCollector(o *Options) (*collector, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	fs, err := finders()
	if err != nil {
		return nil, err
	}
	return &collector{o: o, finders: fs, report: &Report{Packages: map[string]int{}}, all: map[string]*component{},
		nodes: map[string]*node{}, modules: map[string]bool{}, python: map[string]*component{},
		byDir: map[string]*component{}, checkouts: map[string]checkout{}, distInfo: map[string]*component{}, jars: map[string]*component{}}, nil
}

func (c *collector) warn(path string, err error) {
	c.report.Warnings = append(c.report.Warnings, Warning{path, err})
}

// entry is what extractors are asked about: a file, whose attributes are read when one wants them, and which is not long
// for any, because extractors pass over long ones in silence.
type entry struct {
	path string
	from fs.DirEntry
	info fs.FileInfo
	err  error
}

func (e *entry) Path() string { return e.path }

func (e *entry) Stat() (fs.FileInfo, error) {
	if e.info == nil && e.err == nil {
		e.info, e.err = e.from.Info()
	}
	return sizeless{e.info}, e.err
}

type sizeless struct{ fs.FileInfo }

func (sizeless) Size() int64 { return 0 }

func (c *collector) wanted(path string, info fs.FileInfo) (w want) {
	api := &entry{path: path, info: info}
	for i := range c.finders {
		f := &c.finders[i]
		if !f.project && (!f.programs || w == nothing) && f.asks(api) {
			if !f.programs {
				return content
			}
			w = program
		}
	}
	if isCopyright(path) || isFormula(path) || isPythonBeside(path) || path == "etc/os-release" || path == "usr/lib/os-release" {
		return content
	}
	return w
}

// isProgram says whether a file begins like what a compiler makes: ELF, PE, Mach-O, XCOFF, WebAssembly.
func isProgram(start []byte) bool {
	for _, m := range []string{"\x7fELF", "MZ", "\xfe\xed\xfa", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe", "\x01\xdf", "\x01\xf7", "\x00asm"} {
		if strings.HasPrefix(string(start), m) {
			return true
		}
	}
	return false
}

// collect finds everything in a tree.
func (c *collector) collect(ctx context.Context, t tree) error {
	c.tree = t
	c.os, _ = osrelease.GetOSRelease(system{t}) // what is no distribution has none
	dir, _ := t.(*dirTree)
	var walk func(at string) error
	walk = func(at string) error {
		entries, err := t.ReadDir(at)
		if err != nil {
			if at == "." {
				return err
			}
			c.warn(at, err)
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			name := path.Join(at, e.Name())
			if c.report.Files++; dir != nil && c.report.Files > c.o.MaxFiles {
				return fmt.Errorf("%w: more than %d files; set MaxFiles if that is right", ErrLimit, c.o.MaxFiles)
			}
			if c.report.Files%1000 == 0 && dir != nil {
				c.o.Progress(Progress{Files: c.report.Files, Packages: len(c.all)})
			}
			switch {
			case e.IsDir():
				if dir != nil {
					dir.dirs[name] = true
				}
				switch {
				case e.Name() == "node_modules":
					c.modules[at] = true
				case e.Name() == "nodejs" && debianNode.MatchString(name+"/"):
					c.nodePaths = append(c.nodePaths, name)
				}
				if strings.Count(name, "/") > maxDepth {
					c.warn(name, fmt.Errorf("%w: more than %d directories deep", ErrLimit, maxDepth))
				} else if err := walk(name); err != nil {
					return err
				}
			case e.Type().IsRegular():
				if err := c.visit(ctx, name, e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk("."); err != nil {
		return err
	}
	for _, f := range c.later {
		if err := ctx.Err(); err != nil {
			return err
		}
		f()
	}
	for _, f := range c.claims {
		f()
	}
	c.debs.link()
	c.apks.link()
	c.arch.link()
	c.rpms.link()
	if err := c.linkNodes(ctx); err != nil {
		return err
	}
	c.o.Progress(Progress{Files: c.report.Files, Packages: len(c.all)})
	return nil
}

const maxDepth = 2000

// visit gives a file to the extractors that ask for it.
func (c *collector) visit(ctx context.Context, name string, from fs.DirEntry) error {
	e := &entry{path: name, from: from}
	var file fs.File
	tested, isCode := false, false
	_, dir := c.tree.(*dirTree)
	for i := range c.finders {
		f := &c.finders[i]
		if f.programs && tested && !isCode || f.project && !dir || !f.asks(e) {
			continue
		}
		if f.programs && !tested {
			if tested, isCode = true, isProgram(c.tree.magic(name)); !isCode {
				continue
			}
		}
		if _, err := e.Stat(); err != nil {
			break
		}
		if f.max > 0 && e.info.Size() > f.max {
			c.warn(name, fmt.Errorf("%w: %d bytes, more than %d", ErrLimit, e.info.Size(), f.max))
			continue
		}
		if dir && !f.programs {
			if c.bytes += e.info.Size(); c.bytes > c.o.MaxBytes {
				return fmt.Errorf("%w: files of more than %d bytes; set MaxBytes if that is right", ErrLimit, c.o.MaxBytes)
			}
		}
		var err error
		if file == nil {
			if file, err = c.tree.openFound(name); err != nil {
				c.warn(name, err)
				return nil
			}
			defer file.Close()
		} else if _, err = file.(io.Seeker).Seek(0, io.SeekStart); err != nil {
			c.warn(name, err)
			return nil
		}
		if err := c.extract(ctx, f, name, file, e.info); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c.warn(name, fmt.Errorf("%s: %w", f.Name(), err))
		}
	}
	if e.err != nil {
		c.warn(name, e.err)
	}
	return nil
}

// system is a tree as extractors see it when they ask what system it is of: it has a directory etc, without which they do
// not look for os-release in /usr, where images that are made from packages may have all there is, and its os-release has
// no quotes but whole double ones.
type system struct{ tree }

func (t system) Stat(name string) (fs.FileInfo, error) {
	info, err := t.tree.Stat(name)
	if err != nil && name == "etc" {
		return t.tree.Stat("usr/lib")
	}
	return info, err
}

func (t system) Open(name string) (fs.File, error) {
	file, err := t.tree.Open(name)
	if err != nil || name != "etc/os-release" && name != "usr/lib/os-release" {
		return file, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxText))
	if err != nil {
		file.Close()
		return nil, err
	}
	return rewritten{file, strings.NewReader(osRelease(string(data)))}, nil
}

type rewritten struct {
	fs.File
	r io.Reader
}

func (f rewritten) Read(p []byte) (int, error) { return f.r.Read(p) }

// osRelease writes the assignments of os-release(5), whose values are quoted as a shell's, in one way.
func osRelease(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		var plain strings.Builder
		quote := rune(0)
		escaped := false
		for _, r := range value {
			switch {
			case escaped:
				plain.WriteRune(r)
				escaped = false
			case r == '\\' && quote != '\'':
				escaped = true
			case r == quote:
				quote = 0
			case quote == 0 && (r == '"' || r == '\''):
				quote = r
			default:
				plain.WriteRune(r)
			}
		}
		fmt.Fprintf(&out, "%s=\"%s\"\n", name, plain.String())
	}
	return out.String()
}

// extract runs one extractor on one file. What it found before an error counts.
func (c *collector) extract(ctx context.Context, f *finder, name string, file fs.File, info fs.FileInfo) (err error) {
	defer func() {
		if p := recover(); p != nil { // of an extractor, on a file that it did not expect
			err = errors.Join(err, fmt.Errorf("panic: %v", p))
		}
	}()
	if f.check != nil {
		if err := f.check(file.(io.ReaderAt)); errors.Is(err, errors.ErrUnsupported) {
			return nil
		} else if err != nil {
			return err
		}
	}
	inv, err := f.Extract(ctx, &filesystem.ScanInput{FS: system{c.tree}, Path: name, Info: info, Reader: file})
	if f.project {
		inv.Packages = slices.DeleteFunc(inv.Packages, func(p *extractor.Package) bool { return !pinned(p) })
	}
	// Some come out of maps.
	slices.SortFunc(inv.Packages, func(a, b *extractor.Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	found := &found{path: name, file: file, raw: inv.Packages}
	lock := f.Name() == packagelockjson.Name || f.Name() == (*composer)(nil).Name() // whose details say what is needed
	for _, p := range inv.Packages {
		k, kerr := c.component(p, name)
		if kerr != nil {
			err = errors.Join(err, fmt.Errorf("%s %s: %w", p.Name, p.Version, kerr))
		}
		switch {
		case k == nil || lock:
		default:
			k.present = true
		}
		found.pkgs = append(found.pkgs, k)
	}
	if f.details == nil || len(inv.Packages) == 0 && !f.always {
		return err
	}
	if _, serr := file.(io.Seeker).Seek(0, io.SeekStart); serr != nil {
		return errors.Join(err, serr)
	}
	return errors.Join(err, f.details(c, found))
}

// component returns the component that a package is: the same for packages that are found in several ways or places.
func (c *collector) component(p *extractor.Package, at string) (*component, error) {
	purl, name, err := c.purl(p)
	if err != nil {
		return nil, err
	}
	return c.make(purl, name, at, "")
}

// make makes the component of a package URL, or finds it. A program is its own component at every place.
func (c *collector) make(purl, name, at, program string) (*component, error) {
	parsed, err := sbom.ParsePURL(purl)
	if err != nil {
		return nil, err
	}
	key := parsed.MatchKey()
	if vcs := parsed.Qualifiers["vcs_url"]; vcs != "" { // which is not a registry's of the same name and version
		key += "\n" + vcs
	}
	if program != "" {
		key += "\n" + program
	}
	k := c.all[key]
	if k == nil {
		k = &component{key: key, id: purl, kind: cdx.ComponentTypeLibrary, purl: purl, name: name, version: parsed.Version}
		switch parsed.Type {
		case "npm", "maven", "composer":
			if i := strings.LastIndexAny(name, "/:"); i > 0 {
				k.group, k.name = name[:i], name[i+1:]
			}
		}
		if program != "" {
			k.id, k.kind = purl+"#"+program, cdx.ComponentTypeApplication
		}
		c.all[key] = k
	}
	for file := range strings.SplitSeq(at, "\n") {
		k.at(place{file, c.tree.layerOf(file)})
	}
	return k, nil
}

// purl writes a package's URL as its type is defined, and its name.
func (c *collector) purl(p *extractor.Package) (purl, name string, err error) {
	if p.PURLType == "golang" {
		path, version := p.Name, p.Version
		if path == "go" { // the toolchain, whose library is in the program
			path = "stdlib"
		} else if version != "" && version[0] >= '0' && version[0] <= '9' {
			version = "v" + version
		}
		return goPURL(path, version), path, nil
	}
	switch own := p.Metadata.(type) {
	case *ownPURL:
		return own.String(), p.Name, nil
	case *javaMetadata:
		group, artifact, _ := strings.Cut(p.Name, ":")
		u := sbom.PURL{Type: "maven", Namespace: group, Name: artifact, Version: p.Version}
		if own.classifier != "" {
			u.Qualifiers = map[string]string{"classifier": own.classifier}
		}
		return u.String(), p.Name, nil
	}
	u := p.PURL()
	if u == nil {
		return "", "", errors.New("it has no package URL")
	}
	parsed, err := sbom.ParsePURL(u.String())
	if err != nil {
		return "", "", err
	}
	if q := parsed.Qualifiers; q != nil {
		// As the definitions of the types have it, and those who look for vulnerabilities read it.
		if q["distro"] != "" && c.os["ID"] != "" {
			q["distro"] = c.os["ID"] + "-" + cmp.Or(c.os["VERSION_ID"], c.os["VERSION_CODENAME"], q["distro"])
		}
		upstream := cmp.Or(q["source"], q["origin"], q["sourcerpm"])
		if v := q["sourceversion"]; v != "" {
			upstream += "@" + v
		}
		for _, k := range []string{"source", "sourceversion", "origin", "sourcerpm", "packagedependencies"} {
			delete(q, k)
		}
		if upstream != "" && upstream != parsed.Name && parsed.Type != "npm" { // of which the source is whether there was a lockfile
			q["upstream"] = upstream
		}
	}
	return parsed.String(), p.Name, nil
}

// components returns what was found in the order of IDs, which are unique.
func (c *collector) components() []*component {
	keys := slices.Sorted(maps.Keys(c.all))
	out := make([]*component, 0, len(keys))
	for _, k := range keys {
		out = append(out, c.all[k])
	}
	slices.SortStableFunc(out, func(a, b *component) int { return strings.Compare(a.id, b.id) })
	used := map[string]bool{}
	for _, k := range out {
		id := k.id
		for n := 2; used[k.id]; n++ {
			k.id = fmt.Sprintf("%s#%d", id, n)
		}
		used[k.id] = true
	}
	return out
}
