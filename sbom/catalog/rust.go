package catalog

import (
	"compress/zlib"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/BurntSushi/toml"
	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	rustaudit "github.com/rust-secure-code/go-rustaudit"

	"github.com/ladingdev/lading/sbom"
)

func rustFinders() ([]finder, error) {
	programs, err := byLibrary(cargoauditable.New, finder{programs: true, check: auditable, details: cargoDetails})
	return append(programs, lockFinder("rust/cargolock", readCargoLock, nil, "Cargo.lock")), err
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
		if source := p.Source; source != "" && source != "crates.io" && !p.Root {
			k.property("lading:source", source) // git, local or another registry: which, the data do not say
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

// readCargoLock reads Cargo.lock. Nothing in it says what is to work on a project only.
func readCargoLock(data []byte) (*lockfile, error) {
	type pkg struct {
		Name, Version, Source, Checksum string
		Dependencies                    []string
	}
	var f struct{ Package []pkg }
	if err := toml.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out, known := &lockfile{packages: map[string]*lockedPackage{}}, byVersion{}
	id := func(p pkg) string { return strings.TrimSpace(p.Name + " " + p.Version + " " + p.Source) }
	exact := map[string]bool{}
	for _, p := range f.Package {
		known.add(p.Name, p.Version, id(p))
		exact[id(p)] = true
	}
	for _, p := range f.Package {
		l := &lockedPackage{purl: sbom.PURL{Type: "cargo", Name: p.Name, Version: p.Version}, sha256: p.Checksum}
		if source, ok := strings.CutPrefix(p.Source, "git+"); ok {
			l.purl = withVCS(l.purl, vcsURL(source, ""))
		}
		for _, d := range p.Dependencies { // name, name version, or name version (source)
			words := strings.SplitN(d, " ", 3)
			version := ""
			if len(words) > 1 {
				version = words[1]
			}
			to := known.find(words[0], version)
			if len(words) == 3 {
				if whole := words[0] + " " + version + " " + strings.Trim(words[2], "()"); exact[whole] {
					to = whole
				}
			}
			l.needs = append(l.needs, to)
		}
		out.packages[id(p)] = l
	}
	return out, nil
}
