package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/php/composerlock"
	"github.com/google/osv-scalibr/inventory"
)

type composerLock struct{ filesystem.Extractor }

func newComposerLock(o *cpb.PluginConfig) (filesystem.Extractor, error) {
	e, err := composerlock.New(o)
	return composerLock{e}, err
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
