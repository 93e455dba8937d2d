package catalog

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

func isPython(name string) bool {
	base, dir := path.Base(name), path.Base(path.Dir(name))
	return base == "METADATA" && strings.HasSuffix(dir, ".dist-info") || base == "PKG-INFO" && (strings.HasSuffix(dir, ".egg-info") || dir == "EGG-INFO")
}

// pythonPackages are what the metadata of Python packages says (packaging.python.org, "Core metadata specifications").
type pythonPackages struct {
	dirs map[string][]*pythonPackage // by directory of installation
}

type pythonPackage struct {
	place    string
	name     string // normalized
	needs    []string
	licenses []string
}

func newPythonPackages() *pythonPackages { return &pythonPackages{map[string][]*pythonPackage{}} }

var (
	requirement = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*`)
	separators  = regexp.MustCompile(`[-_.]+`)
)

func normal(name string) string { return strings.ToLower(separators.ReplaceAllString(name, "-")) }

func (p *pythonPackages) read(name string, data []byte) {
	x := &pythonPackage{place: name}
	old := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break // the description follows
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		value = strings.TrimSpace(value)
		switch key {
		case "Name":
			x.name = normal(value)
		case "License-Expression":
			x.licenses = append(x.licenses, value)
		case "License":
			old = value
		case "Requires-Dist":
			if need := requirement.FindString(value); need != "" && !strings.Contains(value, "extra ==") {
				x.needs = append(x.needs, normal(need))
			}
		}
	}
	if len(x.licenses) == 0 && old != "" && old != "UNKNOWN" && len(old) < 60 { // longer ones are the licence's text
		x.licenses = append(x.licenses, old)
	}
	dir := path.Dir(path.Dir(name))
	p.dirs[dir] = append(p.dirs[dir], x)
}

func (p *pythonPackages) relate(c *collector) {
	at := map[string]*component{}
	for _, x := range c.components {
		for _, place := range x.places {
			if isPython(place) {
				at[place] = x
			}
		}
	}
	for _, list := range p.dirs {
		byName := map[string]*component{}
		for _, q := range list {
			byName[q.name] = at[q.place]
		}
		for _, q := range list {
			x := at[q.place]
			if x == nil {
				continue
			}
			for _, l := range q.licenses {
				x.license(l)
			}
			slices.Sort(q.needs)
			for _, need := range q.needs {
				if y := byName[need]; y != nil && y != x {
					x.needs[y] = true
				}
			}
		}
	}
}
