package catalog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	apkmeta "github.com/google/osv-scalibr/extractor/filesystem/os/apk/metadata"
	dpkgmeta "github.com/google/osv-scalibr/extractor/filesystem/os/dpkg/metadata"
)

const maxLine = 1 << 20 // bytes of a line in a package database

// stanzas reads what dpkg, apk and Python keep alike: fields with a colon behind the name, further lines of a value
// indented, an empty line behind each stanza. Of each it yields the fields that are asked for, by lower-case names unless
// exact; values of a field that is there several times have a newline between them. An error ends it.
func stanzas(r io.Reader, exact bool, names ...string) iter.Seq2[map[string]string, error] {
	return func(yield func(map[string]string, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 0, 64<<10), maxLine)
		fields, last, any := map[string]string{}, "", false
		for s.Scan() {
			line := bytes.TrimSuffix(s.Bytes(), []byte("\r"))
			switch {
			case len(bytes.TrimSpace(line)) == 0:
				if any && !yield(fields, nil) {
					return
				}
				if last = ""; len(fields) > 0 {
					fields = map[string]string{}
				}
				any = false
			case line[0] == ' ' || line[0] == '\t':
				if last != "" {
					fields[last] += "\n" + string(bytes.TrimSpace(line))
				}
			default:
				name, value, ok := bytes.Cut(line, []byte(":"))
				if last = ""; !ok {
					continue
				}
				any = true
				for _, n := range names {
					if string(name) == n || !exact && len(name) == len(n) && strings.EqualFold(string(name), n) {
						last = n
					}
				}
				if last == "" {
					continue
				}
				text := string(bytes.TrimSpace(value))
				if before, twice := fields[last]; twice {
					text = before + "\n" + text
				}
				fields[last] = text
			}
		}
		if any && !yield(fields, nil) {
			return
		}
		if err := s.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// installed are the packages of an operating system, and what they ask for.
type installed struct {
	packages []asking
	provides map[string][]*component // by name, of a package or of what it provides
}

type asking struct {
	*component
	arch string
	own  []string   // what it provides itself
	any  [][]string // of each, one is enough
}

func (in *installed) add(k *component, arch string, provides []string, any [][]string) {
	if in.provides == nil {
		in.provides = map[string][]*component{}
	}
	in.packages = append(in.packages, asking{k, arch, provides, any})
	for _, p := range provides {
		for _, p := range []string{p, p + "\n" + arch} {
			if l := in.provides[p]; len(l) == 0 || l[len(l)-1] != k {
				in.provides[p] = append(l, k)
			}
		}
	}
}

// link makes the edges: to the first alternative that is there, of the own architecture if it is there twice.
func (in *installed) link() {
	for _, p := range in.packages {
		own := map[string]bool{}
		for _, name := range p.own {
			own[name] = true
		}
		for _, any := range p.any {
			for _, name := range any {
				list := in.provides[name+"\n"+p.arch]
				if len(list) == 0 {
					list = in.provides[name]
				}
				if len(list) == 0 {
					continue
				}
				if !own[name] {
					p.need(list[0])
				}
				break
			}
		}
	}
}

// dpkgNames reads a list of packages such as "libc6 (>= 2.36), default-mta | mail-transport-agent:any".
func dpkgNames(list string) (out [][]string) {
	for group := range strings.SplitSeq(list, ",") {
		var any []string
		for one := range strings.SplitSeq(group, "|") {
			name := strings.TrimSpace(one)
			if i := strings.IndexAny(name, " (:["); i >= 0 {
				name = name[:i]
			}
			if name != "" {
				any = append(any, name)
			}
		}
		if any != nil {
			out = append(out, any)
		}
	}
	return out
}

var maintainer = regexp.MustCompile(`^\s*"?([^<"]*?)"?\s*<`)

func supplier(s string) string {
	if m := maintainer.FindStringSubmatch(s); m != nil && m[1] != "" {
		return m[1]
	}
	return strings.TrimSpace(s)
}

// dpkgDetails reads what packages depend on (deb-control(5)), their licences, and which layer installed them.
func dpkgDetails(c *collector, f *found) error {
	known := map[string]*component{}
	key := func(name, version, arch string) string { return name + "\n" + version + "\n" + arch }
	for i, p := range f.raw {
		if m, ok := p.Metadata.(*dpkgmeta.Metadata); ok && f.pkgs[i] != nil {
			known[key(m.PackageName, m.PackageVersion, m.Architecture)] = f.pkgs[i]
		}
	}
	for s, err := range stanzas(f.file, false, "package", "version", "architecture", "status", "maintainer", "homepage", "provides", "pre-depends", "depends") {
		if err != nil {
			return err
		}
		name, arch := s["package"], s["architecture"]
		k := known[key(name, s["version"], arch)]
		if k == nil {
			// Removed packages stay in the list with another status.
			if status := strings.Fields(s["status"]); name != "" && (len(status) == 0 && path.Base(f.path) == "status" || len(status) == 3 && status[2] == "installed") {
				c.warn(f.path, fmt.Errorf("package %.100q has no version or no status", name))
			}
			continue
		}
		k.supplier = supplier(s["maintainer"])
		k.property("lading:homepage", s["homepage"])
		provides := []string{name}
		for _, p := range dpkgNames(s["provides"]) {
			provides = append(provides, p...)
		}
		c.debs.add(k, arch, provides, append(dpkgNames(s["pre-depends"]), dpkgNames(s["depends"])...))
		// The database is written anew by each layer that installs anything; a package's list of files is not.
		for _, list := range []string{name, name + ":" + arch} {
			if layer := c.tree.layerOf("var/lib/dpkg/info/" + list + ".list"); layer != "" && path.Base(f.path) == "status" {
				for i := range k.places {
					if k.places[i].path == f.path {
						k.places[i].layer = layer
					}
				}
			}
		}
		if !strings.ContainsAny(name, "/\x00") {
			c.copyright(k, name)
		}
	}
	return nil
}

func isCopyright(name string) bool {
	dir, ok := strings.CutPrefix(name, "usr/share/doc/")
	if !ok {
		return false
	}
	dir, ok = strings.CutSuffix(dir, "/copyright")
	return ok && !strings.Contains(dir, "/")
}

// copyright reads the licences of a Debian package, if its copyright file is there: slim images do without.
func (c *collector) copyright(k *component, name string) {
	at := "usr/share/doc/" + name + "/copyright"
	if c.tree.real(at) == "" {
		return
	}
	file, err := c.tree.Open(at)
	if err != nil {
		c.warn(at, err)
		return
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxText+1))
	if err == nil && len(data) > maxText {
		err = fmt.Errorf("%w: more than %d bytes", ErrLimit, maxText)
	}
	if err != nil {
		c.warn(at, err)
		return
	}
	for _, l := range debianLicenses(string(data)) {
		add(&k.licenses, l)
	}
}

// apkDetails reads what packages depend on (apk-package(5)): names, and "so:", "cmd:", "pc:" that others provide.
func apkDetails(c *collector, f *found) error {
	known := map[string]*component{}
	for i, p := range f.raw {
		if m, ok := p.Metadata.(*apkmeta.Metadata); ok && f.pkgs[i] != nil {
			known[m.PackageName+"\n"+p.Version] = f.pkgs[i]
			f.pkgs[i].supplier = supplier(m.Maintainer)
			for _, l := range p.Licenses {
				add(&f.pkgs[i].licenses, l)
			}
		}
	}
	for s, err := range stanzas(f.file, true, "P", "V", "U", "p", "D") {
		if err != nil {
			return err
		}
		k := known[s["P"]+"\n"+s["V"]]
		if k == nil {
			if s["P"] != "" || s["V"] != "" {
				c.warn(f.path, fmt.Errorf("package %.100q has no name or no version", s["P"]+" "+s["V"]))
			}
			continue
		}
		k.property("lading:homepage", s["U"])
		provides, any := []string{s["P"]}, [][]string{}
		for _, p := range strings.Fields(s["p"]) {
			provides = append(provides, apkName(p))
		}
		for _, d := range strings.Fields(s["D"]) {
			if d[0] != '!' { // that is what it cannot stand beside
				any = append(any, []string{apkName(d)})
			}
		}
		c.apks.add(k, "", provides, any)
	}
	return nil
}

func apkName(s string) string {
	if i := strings.IndexAny(s, "<>=~"); i > 0 {
		s = s[:i]
	}
	name, _, _ := strings.Cut(s, "@") // a repository's tag
	return name
}

// pacmanDetails reads what a package of Arch Linux depends on and provides, and its licences: sections of a name between
// percent signs, a value on each line, and an empty line (the local database of pacman(8)).
func pacmanDetails(c *collector, f *found) error {
	k := f.pkgs[0]
	if k == nil {
		return nil
	}
	s := bufio.NewScanner(f.file)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	section, provides, any := "", []string{f.raw[0].Name}, [][]string{}
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if len(line) > 2 && line[0] == '%' && line[len(line)-1] == '%' {
			section = line
			continue
		}
		switch name := apkName(line); {
		case name == "":
			section = ""
		case section == "%LICENSE%":
			add(&k.licenses, line)
		case section == "%URL%":
			k.property("lading:homepage", line)
		case section == "%PACKAGER%":
			k.supplier = supplier(line)
		case section == "%PROVIDES%":
			provides = append(provides, name)
		case section == "%DEPENDS%":
			any = append(any, []string{name})
		}
	}
	c.arch.add(k, "", provides, any)
	return s.Err()
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
