package catalog

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"

	"github.com/ladingdev/lading/sbom"
)

func dotnetFinders() ([]finder, error) {
	deps, err := byLibrary(depsjson.New, finder{max: maxText, details: dotnetDetails})
	return append(deps, lockFinder("dotnet/packageslockjson", readNuGetLock, nil, "packages.lock.json")), err
}

// dotnetDetails reads which library needs which, of every target.
func dotnetDetails(_ *collector, f *found) error {
	var deps struct {
		Targets   map[string]map[string]struct{ Dependencies map[string]string }
		Libraries map[string]struct{ SHA512 string }
	}
	if err := json.NewDecoder(f.file).Decode(&deps); err != nil {
		return err
	}
	known := map[string]*component{}
	for i, p := range f.raw {
		known[p.Name+"/"+p.Version] = f.pkgs[i]
		if k := f.pkgs[i]; k != nil { // of the package as it was fetched
			for _, h := range integrityHashes(deps.Libraries[p.Name+"/"+p.Version].SHA512) {
				k.hash(h)
			}
		}
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

// readNuGetLock reads packages.lock.json ("PackageReference in project files", Locking dependencies): packages by target, of
// which one for a runtime has only what differs from the target itself.
func readNuGetLock(data []byte) (*lockfile, error) {
	var f struct {
		Dependencies map[string]map[string]struct {
			Type, Resolved, ContentHash string
			Dependencies                map[string]string
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	id := func(target, name string) string { return target + " " + strings.ToLower(name) }
	for target, list := range f.Dependencies {
		for name, e := range list {
			p := &lockedPackage{root: e.Type == "Project"}
			if e.Resolved != "" { // a project of one's own has no version
				p.purl = sbom.PURL{Type: "nuget", Name: name, Version: e.Resolved}
			}
			if e.ContentHash != "" {
				p.integrity = "sha512-" + e.ContentHash
			}
			for _, to := range slices.Sorted(maps.Keys(e.Dependencies)) {
				framework, _, _ := strings.Cut(target, "/")
				if _, own := list[to]; own {
					framework = target
				}
				p.needs = append(p.needs, id(framework, to))
			}
			out.packages[id(target, name)] = p
		}
	}
	return out, nil
}
