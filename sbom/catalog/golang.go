package catalog

import (
	"cmp"
	"debug/buildinfo"
	"io"
	"path"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gomod"
)

func goFinders() ([]finder, error) {
	programs, err := byLibrary(gobinary.New, finder{programs: true, details: goDetails})
	if err != nil {
		return nil, err
	}
	project, err := byLibrary(gomod.New, finder{project: true, names: []string{"go.mod"}, max: maxLock, check: bounded})
	return append(programs, project...), err
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
