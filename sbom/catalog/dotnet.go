package catalog

import (
	"encoding/json"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
)

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
