package catalog

import (
	"bufio"
	"bytes"
	"net/mail"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem/os/apk"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"

	apkmeta "github.com/google/osv-scalibr/extractor/filesystem/os/apk/metadata"
	dpkgmeta "github.com/google/osv-scalibr/extractor/filesystem/os/dpkg/metadata"
	rpmmeta "github.com/google/osv-scalibr/extractor/filesystem/os/rpm/metadata"
)

// What databases of the operating system's packages say beyond what extractors take from them.

func isDpkg(name string) bool {
	return name == "var/lib/dpkg/status" || path.Dir(name) == "var/lib/dpkg/status.d" && path.Ext(name) != ".md5sums"
}

func isApk(name string) bool {
	return name == "lib/apk/db/installed" || name == "var/lib/apk/db/installed"
}

type systemPackages struct {
	files    map[string]bool
	stanzas  []stanza
	packages map[string][]*component // by name
}

type stanza struct {
	dpkg     bool
	name     string
	version  string
	provides []string
	needs    [][]string // each one of several
	license  string
}

func newSystemPackages() *systemPackages {
	return &systemPackages{files: map[string]bool{}, packages: map[string][]*component{}}
}

// describe takes what an extractor says of a package besides its name.
func (c *collector) describe(x *component, p *extractor.Package, place string) {
	maintainer, binary := "", ""
	switch m := p.Metadata.(type) {
	case *dpkgmeta.Metadata:
		maintainer, binary = m.Maintainer, m.PackageName
	case *apkmeta.Metadata:
		maintainer, binary = m.Maintainer, m.PackageName
	case *rpmmeta.Metadata:
		maintainer, binary = m.Vendor, m.PackageName
	}
	if binary != "" && (slices.Contains(p.Plugins, dpkg.Name) || isDpkg(place) || slices.Contains(p.Plugins, apk.Name) || isApk(place)) {
		if list := c.system.packages[binary]; !slices.Contains(list, x) {
			c.system.packages[binary] = append(list, x)
		}
		x.from = place
	}
	if maintainer != "" && x.supplier == "" {
		x.supplier = maintainer
		if a, err := mail.ParseAddress(maintainer); err == nil {
			x.supplier, x.email = orElse(a.Name, a.Address), a.Address
		}
	}
}

// read reads a database: stanzas of fields (deb-control(5), apk-installed(5)).
func (s *systemPackages) read(name string, data []byte, c *collector) {
	if s.files[name] {
		return
	}
	s.files[name] = true
	var one stanza
	var field string
	end := func() {
		if one.name != "" {
			s.stanzas = append(s.stanzas, one)
		}
		one, field = stanza{dpkg: isDpkg(name)}, ""
	}
	end()
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxFile)
	for lines.Scan() {
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			end()
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if field == "Depends" || field == "Pre-Depends" || field == "Provides" {
				one.field(field, strings.TrimSpace(line))
			}
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		field = key
		one.field(key, strings.TrimSpace(value))
	}
	end()
	if err := lines.Err(); err != nil {
		c.warn(name, err)
	}
}

func (s *stanza) field(key, value string) {
	switch {
	case !s.dpkg:
		switch key {
		case "P":
			s.name = value
		case "V":
			s.version = value
		case "L":
			s.license = value
		case "D":
			for _, n := range strings.Fields(value) {
				if !strings.HasPrefix(n, "!") {
					s.needs = append(s.needs, []string{bare(n)})
				}
			}
		case "p":
			for _, n := range strings.Fields(value) {
				s.provides = append(s.provides, bare(n))
			}
		}
	case key == "Package":
		s.name = value
	case key == "Version":
		s.version = value
	case key == "Provides":
		for n := range strings.SplitSeq(value, ",") {
			if n = bare(n); n != "" {
				s.provides = append(s.provides, n)
			}
		}
	case key == "Depends" || key == "Pre-Depends":
		for group := range strings.SplitSeq(value, ",") {
			var any []string
			for n := range strings.SplitSeq(group, "|") {
				if n = bare(n); n != "" {
					any = append(any, n)
				}
			}
			if any != nil {
				s.needs = append(s.needs, any)
			}
		}
	}
}

// bare takes the name of a package, without version, architecture and the like.
func bare(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, " (<>=~[\t"); i >= 0 {
		s = s[:i]
	}
	if name, qualifier, ok := strings.Cut(s, ":"); ok && (qualifier == "any" || qualifier == "native" || qualifier == "all" || strings.ContainsAny(qualifier, "0123456789")) {
		if !slices.Contains([]string{"so", "cmd", "pc", "py3"}, name) { // of apk, which these are names in
			s = name
		}
	}
	return s
}

// relate enters dependencies and licences.
func (s *systemPackages) relate(c *collector) {
	providers := map[string][]*component{}
	of := func(one *stanza) []*component {
		list := s.packages[one.name]
		if len(list) < 2 {
			return list
		}
		return slices.DeleteFunc(slices.Clone(list), func(x *component) bool { return x.version != one.version })
	}
	for i := range s.stanzas {
		for _, x := range of(&s.stanzas[i]) {
			for _, name := range s.stanzas[i].provides {
				providers[name] = append(providers[name], x)
			}
		}
	}
	for i := range s.stanzas {
		one := &s.stanzas[i]
		for _, x := range of(one) {
			for _, any := range one.needs {
				// Of what may be one of several, those that are there.
				for _, name := range any {
					list := s.packages[name]
					if len(list) == 0 {
						list = providers[name]
					}
					for _, y := range list {
						if y != x {
							x.needs[y] = true
						}
					}
				}
			}
			if one.dpkg {
				c.copyright(x, one.name)
			} else {
				x.license(one.license)
			}
		}
	}
}

// copyright reads the licences of a Debian package, if its copyright file is machine-readable
// (debian.org/doc/packaging-manuals/copyright-format/1.0).
func (c *collector) copyright(x *component, name string) {
	file := path.Join("usr/share/doc", name, "copyright")
	if st, err := c.tree.Stat(file); err != nil || !st.Mode().IsRegular() || st.Size() > 4<<20 {
		return // minimal images are without
	}
	data, ok := c.read(file)
	if !ok || !bytes.Contains(data[:min(len(data), 4096)], []byte("copyright-format")) {
		return
	}
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(line, "License:"); ok {
			for part := range strings.SplitSeq(splitLicenses.ReplaceAllString(strings.TrimSpace(text), ","), ",") {
				x.license(spdxOf(strings.TrimSpace(part)))
			}
		}
	}
}

// A line names several with "and", "or" and commas. Which of them a whole package is under it does not say.
var splitLicenses = regexp.MustCompile(`(?i)\s+(?:and|or|and/or)\s+`)

// debianNames are short names of Debian's format for licences of the SPDX list that it spells otherwise.
var debianNames = map[string]string{
	"expat": "MIT", "gpl-1+": "GPL-1.0-or-later", "gpl-2": "GPL-2.0-only", "gpl-2+": "GPL-2.0-or-later", "gpl-2.0": "GPL-2.0-only", "gpl-2.0+": "GPL-2.0-or-later",
	"gpl-3": "GPL-3.0-only", "gpl-3+": "GPL-3.0-or-later", "gpl-3.0+": "GPL-3.0-or-later", "lgpl-2": "LGPL-2.0-only", "lgpl-2+": "LGPL-2.0-or-later",
	"lgpl-2.0+": "LGPL-2.0-or-later", "lgpl-2.1": "LGPL-2.1-only", "lgpl-2.1+": "LGPL-2.1-or-later", "lgpl-3": "LGPL-3.0-only", "lgpl-3+": "LGPL-3.0-or-later",
	"lgpl-3.0+": "LGPL-3.0-or-later", "agpl-3": "AGPL-3.0-only", "agpl-3+": "AGPL-3.0-or-later", "gfdl-1.2+": "GFDL-1.2-or-later", "gfdl-1.3": "GFDL-1.3-only",
	"gfdl-1.3+": "GFDL-1.3-or-later", "apache-2": "Apache-2.0", "artistic": "Artistic-1.0-Perl", "bsd-2-clauses": "BSD-2-Clause", "bsd-3-clauses": "BSD-3-Clause",
	"mpl-2": "MPL-2.0", "psf-2": "PSF-2.0", "cc0": "CC0-1.0", "cc0-1": "CC0-1.0", "zlib/libpng": "Zlib",
}

func spdxOf(name string) string {
	if id := debianNames[strings.ToLower(name)]; id != "" {
		return id
	}
	return name
}
