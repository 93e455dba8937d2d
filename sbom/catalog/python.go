package catalog

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
)

func requiresDist(p *extractor.Package) []string {
	if m, ok := p.Metadata.(*wheelegg.PythonPackageMetadata); ok {
		return m.RequiresDist
	}
	return nil
}

// pythonDetails reads licences and dependencies of an installed distribution (core metadata, PEP 566 and 639).
func pythonDetails(c *collector, f *found) error {
	if strings.HasSuffix(f.path, ".whl") || strings.HasSuffix(f.path, ".egg") {
		return nil // archives, not installed
	}
	for s, err := range stanzas(f.file, false, "author", "license", "license-expression", "classifier") {
		if errors.Is(err, bufio.ErrTooLong) { // of a README behind the header
			break
		}
		if err != nil {
			return err
		}
		k := f.pkgs[0]
		if k == nil {
			break
		}
		pythonLicense(k, s)
		k = c.direct(k, f.path)
		k.supplier = strings.TrimSpace(strings.SplitN(s["author"], "\n", 2)[0])
		dir := path.Dir(path.Dir(f.path))
		if strings.HasSuffix(f.path, ".egg-info") {
			dir = path.Dir(f.path)
		}
		c.distInfo[path.Dir(f.path)] = k
		c.python[dir+"\n"+pythonName(f.raw[0].Name)] = k
		requires := append(pythonRequires(f.raw[0]), c.eggRequires(f.path)...)
		c.later = append(c.later, func() {
			for _, name := range requires {
				k.need(c.python[dir+"\n"+name])
			}
		})
		break // what follows is the description
	}
	return nil
}

// eggRequires reads requires.txt, in which setuptools had what a distribution needs before it was in the metadata: up to the
// first section, which is for an extra or for some environments.
func (c *collector) eggRequires(metadata string) (out []string) {
	at := path.Join(path.Dir(metadata), "requires.txt")
	if !strings.HasSuffix(path.Dir(metadata), ".egg-info") || c.tree.real(at) == "" {
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

func pythonRequires(p *extractor.Package) (out []string) {
	for _, r := range requiresDist(p) {
		_, marker, _ := strings.Cut(r, ";")
		if name := distribution.FindString(strings.TrimSpace(r)); name != "" && !strings.Contains(marker, "extra") {
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
	if c.tree.real(at) == "" {
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
		return c.fromVCS(k, d.VCS.VCS+"+"+strings.TrimPrefix(d.URL, d.VCS.VCS+"+")+"@"+d.VCS.Commit, metadata)
	case d.Dir != nil:
		k.property("lading:installed-from", "directory")
		if d.Dir.Editable {
			k.property("lading:installed-from", "editable directory")
		}
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
