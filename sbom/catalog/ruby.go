package catalog

import (
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

var gemLicense = regexp.MustCompile(`\.licenses?\s*=\s*\[?\s*((?:"[^"\n]*"|'[^'\n]*')(?:\.freeze)?(?:\s*,\s*(?:"[^"\n]*"|'[^'\n]*')(?:\.freeze)?)*)`)

var quoted = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)

// gemNeeds is what a specification says a gem needs to run or, as development, to be worked on. RubyGems before 3.5 wrote
// all of it a second time without saying which, for its own first versions.
var gemNeeds = regexp.MustCompile(`\.add_(runtime_|development_)?dependency[ (]\s*(?:%q<([^>\n]+)>|"([^"\n]+)"|'([^'\n]+)')`)

// gemRuntime returns what a specification says a gem needs to run.
func gemRuntime(spec []byte) (out []string) {
	kinds := map[string]map[string]bool{}
	for _, m := range gemNeeds.FindAllSubmatch(spec, maxNeeds) {
		name := string(m[2]) + string(m[3]) + string(m[4])
		if kinds[name] == nil {
			kinds[name] = map[string]bool{}
			out = append(out, name)
		}
		kinds[name][string(m[1])] = true
	}
	return slices.DeleteFunc(out, func(name string) bool { return kinds[name]["development_"] && !kinds[name]["runtime_"] })
}

// gemDetails reads the licences that the specification of a gem says in so many words, and what it needs: of the same
// directory, or of another, such as that of gems that come with Ruby.
func gemDetails(c *collector, f *found) error {
	data, err := io.ReadAll(io.LimitReader(f.file, maxText))
	k := f.pkgs[0]
	if err != nil || k == nil {
		return err
	}
	var all []string
	if m := gemLicense.FindSubmatch(data); m != nil {
		for _, q := range quoted.FindAllSubmatch(m[1], -1) {
			add(&all, string(q[1])+string(q[2]))
		}
		for _, l := range anyOf(all) { // one may choose (RubyGems' specification reference, licenses)
			add(&k.licenses, l)
		}
	}
	dir := path.Dir(f.path)
	if path.Base(dir) != "specifications" && path.Base(path.Dir(dir)) != "specifications" {
		return nil // a gem's source, in which it may be computed
	}
	c.byDir["gem\n"+dir+"\n"+f.raw[0].Name] = k
	c.byDir["gem\n"+f.raw[0].Name] = k
	for _, name := range gemRuntime(data) {
		c.later = append(c.later, func() {
			to := c.byDir["gem\n"+dir+"\n"+name]
			if to == nil {
				to = c.byDir["gem\n"+name]
			}
			k.need(to)
		})
	}
	return nil
}

var gemSpec = regexp.MustCompile(`^([^ ()]+)(?: \(([^)]*)\))?!?$`)

// readGemfileLock reads Gemfile.lock of Bundler: sections by source, gems four spaces in, what they need six.
func readGemfileLock(data []byte) (*lockfile, error) {
	out := &lockfile{packages: map[string]*lockedPackage{}}
	section, remote, revision := "", "", ""
	var last *lockedPackage
	root := lockRoot{dir: "."}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		m := gemSpec.FindStringSubmatch(text)
		switch {
		case text == "":
		case indent == 0:
			section, remote, revision, last = text, "", "", nil
		case indent == 2 && strings.HasPrefix(text, "remote: "):
			remote = strings.TrimPrefix(text, "remote: ")
		case indent == 2 && strings.HasPrefix(text, "revision: "):
			revision = strings.TrimPrefix(text, "revision: ")
		case section == "DEPENDENCIES" && indent == 2 && m != nil:
			root.needs = append(root.needs, m[1])
		case indent == 4 && m != nil && m[2] != "" && slices.Contains([]string{"GIT", "GEM", "PATH", "PLUGIN SOURCE"}, section):
			last = &lockedPackage{purl: gemPURL(m[1], m[2])}
			if section == "GIT" {
				last.purl = withVCS(last.purl, vcsURL(remote, revision))
			}
			id := m[1]
			if out.packages[id] != nil { // for another platform
				id += " " + m[2]
			}
			out.packages[id] = last
		case indent == 6 && last != nil && m != nil:
			last.needs = append(last.needs, m[1])
		}
	}
	if len(root.needs) > 0 {
		out.roots = []lockRoot{root}
	}
	return out, nil
}

// gemPURL writes a version with a platform behind it as the type has it: versions have no hyphen.
func gemPURL(name, version string) sbom.PURL {
	version, platform, _ := strings.Cut(version, "-")
	u := sbom.PURL{Type: "gem", Name: name, Version: version}
	if platform != "" {
		u.Qualifiers = map[string]string{"platform": platform}
	}
	return u
}
