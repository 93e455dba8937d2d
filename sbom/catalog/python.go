package catalog

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pipfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/osv"
	"github.com/google/osv-scalibr/inventory"
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
		k.supplier = strings.TrimSpace(strings.SplitN(s["author"], "\n", 2)[0])
		dir := path.Dir(path.Dir(f.path))
		if strings.HasSuffix(f.path, ".egg-info") {
			dir = path.Dir(f.path)
		}
		c.distInfo[path.Dir(f.path)] = k
		c.python[dir+"\n"+pythonName(f.raw[0].Name)] = k
		requires := pythonRequires(f.raw[0])
		c.later = append(c.later, func() {
			for _, name := range requires {
				k.need(c.python[dir+"\n"+name])
			}
		})
		break // what follows is the description
	}
	return nil
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
	for class := range strings.SplitSeq(s["classifier"], "\n") {
		if l, ok := strings.CutPrefix(class, "License :: "); ok {
			l = strings.TrimPrefix(l, "OSI Approved :: ")
			if l != "OSI Approved" {
				add(&k.licenses, l)
			}
		}
	}
	// The field holds whole licence texts at times.
	if l := strings.TrimSpace(s["license"]); l != "UNKNOWN" && !strings.Contains(l, "\n") && len(l) < 200 {
		if id, ok := expression(l); ok {
			k.licenses = []string{id}
		} else if len(k.licenses) == 0 {
			add(&k.licenses, l)
		}
	}
}

// pipfileLock reads Pipfile.lock here: the extractor searches all of the file for the line of each package.
type pipfileLock struct{ filesystem.Extractor }

func newPipfileLock(o *cpb.PluginConfig) (filesystem.Extractor, error) {
	e, err := pipfilelock.New(o)
	return pipfileLock{e}, err
}

// Extract finds the packages of a lockfile.
func (pipfileLock) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	type packages map[string]struct{ Version string }
	var lock struct{ Default, Develop packages }
	if err := json.NewDecoder(in.Reader).Decode(&lock); err != nil {
		return out, err
	}
	for _, group := range []struct {
		name string
		packages
	}{{"default", lock.Default}, {"dev", lock.Develop}} {
		for _, name := range slices.Sorted(maps.Keys(group.packages)) {
			if version, ok := strings.CutPrefix(group.packages[name].Version, "=="); ok { // others are directories and repositories
				out.Packages = append(out.Packages, &extractor.Package{Name: name, Version: version, PURLType: "pypi",
					Metadata: &osv.DepGroupMetadata{DepGroupVals: []string{group.name}}})
			}
		}
	}
	return out, nil
}
