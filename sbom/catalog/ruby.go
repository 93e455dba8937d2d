package catalog

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemspec"
	"github.com/google/osv-scalibr/inventory"

	"github.com/ladingdev/lading/sbom"
)

func rubyFinders() ([]finder, error) {
	gems, err := newGemPackage(&cpb.PluginConfig{})
	return []finder{{Extractor: gems, max: maxText, details: gems.details},
		lockFinder("ruby/gemfilelock", readGemfileLock, (*collector).linkBundler, "Gemfile.lock", "gems.locked")}, err
}

var gemLicense = regexp.MustCompile(`\.licenses?\s*=\s*\[?\s*((?:"[^"\n]*"|'[^'\n]*')(?:\.freeze)?` +
	`(?:\s*,\s*(?:"[^"\n]*"|'[^'\n]*')(?:\.freeze)?)*)`)

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

// gemPackage reads specifications of gems. It is a library's extractor but for what lies in installed gems, whose
// specification is elsewhere, and platforms.
type gemPackage struct {
	filesystem.Extractor
	text     []byte // of what Extract found last, for details
	checkout string // of Bundler's that it lies in
}

func newGemPackage(o *cpb.PluginConfig) (*gemPackage, error) {
	e, err := gemspec.New(o)
	return &gemPackage{Extractor: e}, err
}

var (
	gemPlatform = regexp.MustCompile(`(?m)^\s*\w+\.platform\s*=\s*(?:"([^"\n]+)"|'([^'\n]+)')`)
	commitInDir = regexp.MustCompile(`-([0-9a-f]{7,40})$`)
)

// inGem says whether a specification lies in an installed gem and is not its own: RubyGems has those in directories of
// their own, Bundler looks two directories deep into a repository ("bundle-install", git), whose directory it returns.
func inGem(fsys fs.FS, name string) (checkout string, inside bool) {
	parts := strings.Split(name, "/")
	for i, part := range parts[:max(len(parts)-2, 0)] {
		if part != "gems" {
			continue
		}
		if i > 0 && parts[i-1] == "bundler" {
			checkout, inside = parts[i+1], inside || len(parts)-i-2 > 3
		} else if _, err := fs.Stat(fsys, path.Join(path.Join(parts[:i]...), "specifications")); err == nil {
			inside = true
		}
	}
	return checkout, inside
}

// Extract finds the package.
func (g *gemPackage) Extract(ctx context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	inside := false
	if g.checkout, inside = inGem(in.FS, in.Path); inside {
		return out, nil
	}
	if g.text, err = io.ReadAll(io.LimitReader(in.Reader, maxText)); err != nil {
		return out, err
	}
	again := *in
	again.Reader = bytes.NewReader(g.text)
	if out, err = g.Extractor.Extract(ctx, &again); err != nil || !ofRubyGems(in.Path) {
		return out, err
	}
	if m := gemPlatform.FindSubmatch(g.text); m != nil {
		if platform := string(m[1]) + string(m[2]); platform != "ruby" {
			for _, p := range out.Packages {
				p.Metadata = &ownPURL{gemPURL(p.Name, p.Version+"-"+platform)}
			}
		}
	}
	return out, nil
}

// ofRubyGems says whether RubyGems wrote a specification: all is said in it in so many words.
func ofRubyGems(name string) bool {
	dir := path.Dir(name)
	return path.Base(dir) == "specifications" || path.Base(path.Dir(dir)) == "specifications"
}

// details reads the licences that the specification of a gem says in so many words, and what it needs: of the same
// directory, or of another, such as that of gems that come with Ruby.
func (g *gemPackage) details(c *collector, f *found) error {
	k := f.pkgs[0]
	if k == nil {
		return nil
	}
	data := g.text
	var all []string
	if m := gemLicense.FindSubmatch(data); m != nil {
		for _, q := range quoted.FindAllSubmatch(m[1], -1) {
			add(&all, string(q[1])+string(q[2]))
		}
		for _, l := range anyOf(all) { // one may choose (RubyGems' specification reference, licenses)
			add(&k.licenses, l)
		}
	}
	if m := commitInDir.FindStringSubmatch(g.checkout); m != nil {
		c.checkouts[m[1]+"\n"+f.raw[0].Name] = checkout{k, f.path}
	}
	dir := path.Dir(f.path)
	if !ofRubyGems(f.path) {
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

// linkBundler gives gems that Bundler checked out the repository that the lockfile says they are from.
func (c *collector) linkBundler(file *lockfile, _ string) {
	for _, id := range slices.Sorted(maps.Keys(file.packages)) {
		u := file.packages[id].purl
		vcs := u.Qualifiers["vcs_url"]
		commit := vcs[strings.LastIndexByte(vcs, '@')+1:]
		if commit = commit[:min(len(commit), 12)]; commit == "" { // as many as Bundler writes
			continue
		}
		if k, ok := c.checkouts[commit+"\n"+u.Name]; ok && k.version == u.Version {
			c.fromVCS(k.component, vcs, k.at)
		}
	}
}

var gemSpec = regexp.MustCompile(`^([^ ()]+)(?: \(([^)]*)\))?!?$`)

// readGemfileLock reads Gemfile.lock of Bundler: sections by source, gems four spaces in, what they need six.
func readGemfileLock(data []byte) (*lockfile, error) {
	out := &lockfile{packages: map[string]*lockedPackage{}}
	section, remote, revision := "", "", ""
	var last *lockedPackage
	others := map[string][]string{} // of a gem for several platforms, of which one is installed
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
			if out.packages[id] != nil {
				id += " " + m[2]
				others[m[1]] = append(others[m[1]], id)
			}
			out.packages[id] = last
		case indent == 6 && last != nil && m != nil:
			last.needs = append(last.needs, m[1])
		case section == "CHECKSUMS" && indent == 2:
			out.gemChecksum(text)
		}
	}
	for _, p := range out.packages {
		for _, name := range p.needs {
			p.optional = append(p.optional, others[name]...)
		}
	}
	for _, name := range root.needs {
		root.optional = append(root.optional, others[name]...)
	}
	if len(root.needs) > 0 {
		out.roots = []lockRoot{root}
	}
	return out, nil
}

// gemChecksum reads "name (version) sha256=digest", of several digests the one that is known.
func (l *lockfile) gemChecksum(line string) {
	spec, sums, ok := strings.Cut(line, ") ")
	name, version, ok2 := strings.Cut(spec, " (")
	if !ok || !ok2 {
		return
	}
	for _, id := range []string{name + " " + version, name} {
		p := l.packages[id]
		if p == nil || p.purl.String() != gemPURL(name, version).String() {
			continue
		}
		for sum := range strings.SplitSeq(sums, ",") {
			if value, ok := strings.CutPrefix(sum, "sha256="); ok && len(value) == 64 {
				p.sha256 = value
			}
		}
	}
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
