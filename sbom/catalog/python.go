package catalog

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/requirements"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/purl"
)

func pythonFinders() ([]finder, error) {
	installed, err := newPythonPackage(&cpb.PluginConfig{})
	if err != nil {
		return nil, err
	}
	pinned, err := byLibrary(requirements.New, finder{project: true, max: maxRequirements, check: bounded})
	return append(pinned, finder{Extractor: installed, max: maxText, details: installed.details},
			lockFinder("python/uvlock", readUvLock, nil, "uv.lock"), lockFinder("python/poetrylock", readPoetryLock, nil, "poetry.lock"),
			lockFinder("python/pdmlock", readPdmLock, nil, "pdm.lock"),
			lockFinder("python/pipfilelock", readPipfileLock, nil, "Pipfile.lock")),
		err
}

// pythonPackage reads the metadata of installed distributions (core metadata, PEP 566 and 639). It is an extractor of ours
// because a library's gives up a file for one long line, and takes the data of tests for installed. Archives are the library's.
type pythonPackage struct {
	filesystem.Extractor
	fields map[string]string // of what Extract found last, for details
}

func newPythonPackage(o *cpb.PluginConfig) (*pythonPackage, error) {
	e, err := wheelegg.New(o)
	return &pythonPackage{Extractor: e}, err
}

func isPythonArchive(name string) bool {
	return strings.HasSuffix(name, ".whl") || strings.HasSuffix(name, ".egg")
}

// pythonRoot is where a Python looks for packages; its library has tests beside them.
var pythonRoot = regexp.MustCompile(`^(?:.*/)?(?:site-packages|dist-packages|(?:python|pypy)\d+(?:\.\d+)?t?|Lib)/`)

// testData returns the directory of Python that a file lies in, if it lies in a directory of tests below.
func testData(name string) string {
	root := pythonRoot.FindString(name)
	for part := range strings.SplitSeq(path.Dir(name[len(root):]), "/") {
		if root != "" && (part == "test" || part == "tests") {
			return root
		}
	}
	return ""
}

// Extract finds the package of a file of metadata, or those of an archive. What a distribution is tested with is not
// installed, unless a .pth file names its directory.
func (p *pythonPackage) Extract(ctx context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	p.fields = nil
	if root := testData(in.Path); root != "" && !onPythonPath(in.FS, root, in.Path) {
		return out, nil
	}
	if isPythonArchive(in.Path) {
		return p.Extractor.Extract(ctx, in)
	}
	for s, err := range stanzas(in.Reader, false, "name", "version", "author", "author-email",
		"license", "license-expression", "classifier", "requires-dist") {
		if err != nil && !errors.Is(err, bufio.ErrTooLong) { // of a README behind the header
			return out, err
		}
		if s == nil {
			break
		}
		p.fields = s
		break // what follows is the description
	}
	name, version := firstLine(p.fields["name"]), firstLine(p.fields["version"])
	if name == "" || version == "" {
		return out, errors.New("it has no name or no version")
	}
	if strings.HasPrefix(path.Base(path.Dir(in.Path)), "~") {
		return out, errors.New("left over from an uninstall that was not finished, which pip passes over")
	}
	out.Packages = []*extractor.Package{{Name: name, Version: version, PURLType: purl.TypePyPi,
		Metadata: &ownPURL{pypiPURL(name, version)}}}
	return out, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSpace(s)
}

// onPythonPath says whether a .pth file of a Python ("site", documentation of the standard library) adds the directory of a
// distribution.
func onPythonPath(fsys fs.FS, root, metadata string) bool {
	dir := pythonDir(metadata)
	entries, _ := fs.ReadDir(fsys, strings.TrimSuffix(root, "/"))
	for _, e := range entries {
		if path.Ext(e.Name()) != ".pth" {
			continue
		}
		file, err := fsys.Open(path.Join(root, e.Name()))
		if err != nil {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(file, maxLine))
		file.Close()
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSpace(line)
			if err == nil && line != "" && (path.Join(root, line) == dir || strings.TrimPrefix(path.Clean(line), "/") == dir) {
				return true
			}
		}
	}
	return false
}

// pythonDir is the directory in which Python finds a distribution: the one that holds its *.dist-info, *.egg-info or *.egg.
func pythonDir(metadata string) string {
	dir := path.Dir(metadata)
	switch {
	case isPythonArchive(metadata) || strings.HasSuffix(metadata, ".egg-info"):
		return dir
	case path.Base(dir) == "EGG-INFO":
		return path.Dir(path.Dir(dir))
	}
	return path.Dir(dir)
}

// details reads licences and dependencies of an installed distribution.
func (p *pythonPackage) details(c *collector, f *found) error {
	if isPythonArchive(f.path) || f.pkgs[0] == nil {
		return nil // archives, not installed
	}
	k, s := f.pkgs[0], p.fields
	pythonLicense(k, s)
	k = c.direct(k, f.path)
	if k.supplier = firstLine(s["author"]); k.supplier == "" && strings.Contains(s["author-email"], "<") {
		k.supplier = supplier(firstLine(s["author-email"]))
	}
	dir := pythonDir(f.path)
	c.distInfo[path.Dir(f.path)] = k
	c.python[dir+"\n"+pythonName(f.raw[0].Name)] = k
	requires := append(pythonRequires(s["requires-dist"], f.path), c.eggRequires(f.path)...)
	c.later = append(c.later, func() {
		for _, name := range requires {
			k.need(c.python[dir+"\n"+name])
		}
	})
	return nil
}

// isPythonBeside says whether a file is read beside the metadata.
func isPythonBeside(name string) bool {
	return strings.HasSuffix(name, ".egg-info/requires.txt") || strings.HasSuffix(name, "/EGG-INFO/requires.txt") ||
		strings.HasSuffix(name, ".dist-info/direct_url.json") || path.Ext(name) == ".pth" && pythonRoot.MatchString(name)
}

// eggRequires reads requires.txt, in which setuptools had what a distribution needs before it was in the metadata: up to the
// first section, which is for an extra or for some environments.
func (c *collector) eggRequires(metadata string) (out []string) {
	at := path.Join(path.Dir(metadata), "requires.txt")
	if dir := path.Dir(metadata); !strings.HasSuffix(dir, ".egg-info") && path.Base(dir) != "EGG-INFO" || c.tree.Real(at) == "" {
		return nil
	}
	file, err := c.tree.Open(at)
	if err != nil {
		c.warn(at, err)
		return nil
	}
	defer file.Close()
	s := bufio.NewScanner(io.LimitReader(file, maxText))
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if strings.HasPrefix(line, "[") {
			break
		}
		if name := distribution.FindString(line); name != "" {
			out = append(out, pythonName(name))
		}
	}
	if err := s.Err(); err != nil {
		c.warn(at, err)
	}
	return out
}

var distribution = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*`)

// pythonRequires reads what a distribution needs, without extras.
func pythonRequires(list, at string) (out []string) {
	env := markerEnvironment(at)
	for r := range strings.SplitSeq(list, "\n") {
		sign := ";"
		if strings.Contains(r, "@") {
			sign = " ;" // a URL may have one in it
		}
		r, marker, _ := strings.Cut(r, sign)
		if name := distribution.FindString(strings.TrimSpace(r)); name != "" && markerHolds(marker, env) {
			out = append(out, pythonName(name))
		}
	}
	return out
}

// pythonName is the normal form of a distribution's name (PEP 503).
func pythonName(s string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '_' || r == '.' }), "-"))
}

func pythonLicense(k *component, s map[string]string) {
	if e := s["license-expression"]; e != "" {
		add(&k.licenses, e)
		return
	}
	var classes []string
	known := false
	for class := range strings.SplitSeq(s["classifier"], "\n") {
		if l, ok := strings.CutPrefix(class, "License :: "); ok {
			l = strings.TrimPrefix(l, "OSI Approved :: ")
			if l != "OSI Approved" {
				_, exact := expression(l)
				known = known || exact
				add(&classes, l)
			}
		}
	}
	// The field holds whole licence texts at times. Where it is short, and no class is one licence, it may be the surer: "LGPL
	// v3" beside a class for all versions.
	l := strings.TrimSpace(s["license"])
	if l == "UNKNOWN" || strings.Contains(l, "\n") || len(l) >= 200 {
		l = ""
	}
	if id, ok := expression(l); ok && l != "" {
		classes = []string{id}
	} else if l != "" && (len(classes) == 0 || !known && strings.ContainsAny(l, "0123456789")) {
		classes = []string{l}
	}
	for _, l := range classes {
		add(&k.licenses, l)
	}
}

// direct reads where a distribution was installed from, if that was no index, and returns the component that it is then.
func (c *collector) direct(k *component, metadata string) *component {
	at := path.Join(path.Dir(metadata), "direct_url.json")
	if c.tree.Real(at) == "" {
		return k
	}
	file, err := c.tree.Open(at)
	if err != nil {
		c.warn(at, err)
		return k
	}
	defer file.Close()
	var d directURL
	if err := json.NewDecoder(io.LimitReader(file, maxText)).Decode(&d); err != nil {
		c.warn(at, err)
		return k
	}
	switch {
	case d.VCS != nil && d.VCS.Commit != "":
		vcs := d.VCS.VCS + "+" + strings.TrimPrefix(d.URL, d.VCS.VCS+"+") + "@" + d.VCS.Commit
		return c.fromVCS(k, inRepository(vcs, d.Subdirectory), metadata)
	case d.Dir != nil && d.Dir.Editable:
		k.property("lading:installed-from", "editable directory")
	case d.Dir != nil:
		k.property("lading:installed-from", "directory")
	case d.Archive != nil:
		var hashes []cdx.Hash
		sum := d.Archive.Hashes["sha256"]
		if sum == "" {
			sum, _ = strings.CutPrefix(d.Archive.Hash, "sha256=")
		}
		if sum != "" {
			hashes = append(hashes, cdx.Hash{Algorithm: cdx.HashAlgoSHA256, Value: sum})
		}
		k.distribution(d.URL, hashes)
	}
	return k
}

// directURL is direct_url.json (PEP 610): where a distribution was installed from, if that is no index.
type directURL struct {
	URL          string
	Subdirectory string
	VCS          *struct {
		VCS    string
		Commit string `json:"commit_id"`
	} `json:"vcs_info"`
	Archive *struct {
		Hash   string
		Hashes map[string]string
	} `json:"archive_info"`
	Dir *struct{ Editable bool } `json:"dir_info"`
}
