package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/sbom"
)

// A Component names packages: all versions of one, or those in a range.
type Component struct {
	// PURL is a package URL (ECMA-427), such as "pkg:npm/lodash" or "pkg:deb/debian/openssl". With a version, that version is
	// meant and no other. "*" for the name means every package of the namespace and of those below it: "pkg:npm/@acme/*",
	// "pkg:golang/github.com/acme/*", "pkg:npm/*". Qualifiers are not compared, but for those that tell packages of one name
	// and version apart ([sbom.PURL.MatchKey]).
	PURL string
	// Versions is a range in VERS (VERS 1.1), such as "vers:npm/>=4.0.0|<4.17.21"; empty means all versions. Its type is that
	// of the package URL.
	Versions string
	// Reason is what people read when the rule refuses a component; it may be empty.
	Reason string
}

// String is the text that ParseComponent reads.
func (c Component) String() string {
	s := c.PURL
	if c.Versions != "" {
		s += " in " + c.Versions
	}
	return oneline.Of(s)
}

// ParseComponent reads a Component of one line: a package URL and, after a blank, a range in VERS.
//
//	rules.ParseComponent("pkg:npm/lodash vers:npm/<4.17.21")
//
// The error says what is wrong with either.
func ParseComponent(text string) (Component, error) {
	var c Component
	fields := strings.Fields(text)
	if len(fields) == 0 || len(fields) > 2 {
		return c, fmt.Errorf("rules: %.80q is not a package URL with, after a blank, a range such as vers:npm/<4.17.21", text)
	}
	c.PURL = fields[0]
	if len(fields) == 2 {
		c.Versions = fields[1]
	}
	if _, err := c.compile(); err != nil {
		return Component{}, fmt.Errorf("rules: %w", err)
	}
	return c, nil
}

// Validate returns an error for a package URL or range that is none, or if they are not of one type.
func (c Component) Validate() error {
	_, err := c.compile()
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

// A pattern is a Component, compiled.
type pattern struct {
	Component
	kind       string // type of the package URL, lower case
	ecosystem  string // whose order its versions have; "" if none is known
	key        string // what a component's key has to be, or, with any, to begin with
	any        bool
	anywhere   bool   // in any distribution: key is the name alone
	name       string // for components that have no package URL
	qualifiers map[string]string
	version    string // one version; "" means those of versions
	versions   *versions.VERS
}

// ecosystems are the ecosystems whose order versions of a type of package URL have. Names are those of package versions.
var ecosystems = map[string]string{
	"npm": "npm", "pypi": "PyPI", "golang": "Go", "maven": "Maven", "cargo": "crates.io", "gem": "RubyGems", "nuget": "NuGet",
	"composer": "Packagist", "hex": "Hex", "pub": "Pub", "cran": "CRAN", "bioconductor": "Bioconductor", "hackage": "Hackage",
	"swift": "SwiftURL", "githubactions": "GitHub Actions", "bitnami": "Bitnami", "cpan": "CPAN", "julia": "Julia", "conda": "Conda",
	"deb": "Debian", "rpm": "RPM", "apk": "Alpine", "alpm": "Arch",
}

// orders are the types of VERS by the type of package URL, where they are called otherwise.
var orders = map[string][]string{
	"deb": {"debian"}, "apk": {"alpine"}, "alpm": {"arch"}, "golang": {"go"},
	"githubactions": {"semver"}, "julia": {"semver"}, "bioconductor": {"cran"},
}

func (c Component) compile() (*pattern, error) {
	text := strings.TrimSpace(c.PURL)
	if text == "" {
		return nil, errors.New("a component without package URL: name one, such as pkg:npm/lodash")
	}
	p, err := sbom.ParsePURL(text)
	if err != nil {
		return nil, trimmed{err}
	}
	out := &pattern{Component: c, kind: p.Type, ecosystem: ecosystems[p.Type], version: fullVersion(&p)}
	out.qualifiers = maps.Clone(p.Qualifiers)
	delete(out.qualifiers, "epoch")
	switch {
	case p.Name == "*":
		p.Name = "x"
		out.any, out.key = true, strings.TrimSuffix(packageKey(p), "x")
		if p.Namespace != "" {
			out.name = plainName(p.Namespace, "")
		}
	case strings.Contains(p.Namespace+p.Name, "*"):
		return nil, fmt.Errorf("%.80q: * stands for a whole name alone, as in pkg:npm/@acme/*", text)
	default:
		out.key, out.name = packageKey(p), plainName(p.Namespace, p.Name)
		if isDistribution(p.Type) && p.Namespace == "" && p.Qualifiers["distro"] == "" {
			out.anywhere, out.key = true, p.Name
		}
	}
	if out.version != "" && (c.Versions != "" || out.any) {
		return nil, fmt.Errorf("%.80q names one version: with * or a range it has none", text)
	}
	if c.Versions == "" {
		return out, nil
	}
	if out.versions, err = versions.ParseVERS(strings.TrimSpace(c.Versions)); err != nil {
		return nil, err
	}
	of, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(c.Versions), "vers:"), "/")
	if !fits(p.Type, of) {
		return nil, fmt.Errorf("%.80q is a range of %.20q, and %.80q a package of %.20q", c.Versions, of, text, p.Type)
	}
	return out, nil
}

func fits(purlType, versType string) bool {
	if purlType == versType || versType == "all" || versType == "none" {
		return true
	}
	for _, o := range orders[purlType] {
		if o == versType {
			return true
		}
	}
	// A type without an order of its own takes one of the general ones.
	general := versType == "semver" || versType == "intdot" || versType == "lexicographic" || versType == "datetime"
	return general && ecosystems[purlType] == ""
}

// packageKey is what a package is known by, whatever its version, its architecture and what else stands in qualifiers.
func packageKey(p sbom.PURL) string {
	p.Version = ""
	if distro := p.Qualifiers["distro"]; distro != "" && isDistribution(p.Type) && p.Namespace == "" {
		p.Qualifiers = map[string]string{"distro": distro}
	} else {
		p.Qualifiers = nil
	}
	if p.Type == "pypi" { // PEP 503
		p.Name = pypiName(p.Name)
	}
	return p.MatchKey()
}

func isDistribution(kind string) bool {
	return kind == "deb" || kind == "rpm" || kind == "apk" || kind == "alpm"
}

func pypiName(name string) string {
	if strings.ContainsAny(name, "_.") {
		name = strings.NewReplacer("_", "-", ".", "-").Replace(name)
	}
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	return name
}

func plainName(namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return strings.ToLower(name)
}

// fullVersion is the version with the epoch, which some write as a qualifier, and without what says that there is none.
func fullVersion(p *sbom.PURL) string {
	v := p.Version
	if p.Type == "golang" {
		if v == "(devel)" {
			return ""
		}
		return strings.TrimPrefix(v, "go") // of the standard library
	}
	if epoch := p.Qualifiers["epoch"]; v != "" && epoch != "" && epoch != "0" && !strings.Contains(v, ":") {
		v = epoch + ":" + v
	}
	return v
}

// A matcher finds the patterns that may be about a component, however many there are.
type matcher struct {
	kinds    map[string]*kindPatterns // by type
	patterns []*pattern
}

// kindPatterns are those of one type.
type kindPatterns struct {
	byName map[string][]*pattern // by the last part of the name; see lookupName
	wild   []*pattern            // of whole namespaces
}

func newMatcher(list []Component) (*matcher, error) {
	m := &matcher{kinds: map[string]*kindPatterns{}}
	for i := range list {
		p, err := list[i].compile()
		if err != nil {
			return nil, err
		}
		m.patterns = append(m.patterns, p)
		k := m.kinds[p.kind]
		if k == nil {
			k = &kindPatterns{byName: map[string][]*pattern{}}
			m.kinds[p.kind] = k
		}
		if p.any {
			k.wild = append(k.wild, p)
			continue
		}
		name := lookupName(p.kind, p.name[strings.LastIndexByte(p.name, '/')+1:])
		k.byName[name] = append(k.byName[name], p)
	}
	return m, nil
}

func lookupName(kind, name string) string {
	name = strings.ToLower(name)
	switch {
	case kind == "pypi":
		name = pypiName(name)
	case kind == "golang" && name == "std":
		name = "stdlib"
	}
	return name
}

// match returns the first pattern that means a component, with In, or that may mean it, with Unknown and the reason. Without one
// it returns Out.
func (m *matcher) match(c *glanced) (*pattern, versions.Membership, string) {
	if len(m.patterns) == 0 {
		return nil, versions.Out, ""
	}
	if c.path == "" {
		return m.among(m.patterns, c.text)
	}
	k := m.kinds[c.kind]
	if k == nil {
		return nil, versions.Out, ""
	}
	list := k.byName[c.name]
	for _, p := range k.wild {
		if p.mayHave(c.path) {
			list = append(slices.Clip(list), p)
		}
	}
	if len(list) == 0 {
		return nil, versions.Out, ""
	}
	return m.among(list, c.text)
}

// mayHave reports whether a pattern for a whole namespace may have a package: what is written in an unusual way it may.
func (p *pattern) mayHave(path string) bool {
	prefix := p.key[len("pkg:"):]
	if isDistribution(p.kind) || strings.ContainsAny(prefix+path, "%@") {
		return true
	}
	return len(path) >= len(prefix) && strings.EqualFold(path[:len(prefix)], prefix)
}

// all asks every pattern.
func (m *matcher) all(text string) (*pattern, versions.Membership, string) {
	return m.among(m.patterns, text)
}

func (m *matcher) among(list []*pattern, text string) (*pattern, versions.Membership, string) {
	p, err := sbom.ParsePURL(text)
	if err != nil {
		return nil, versions.Unknown, "its package URL cannot be read"
	}
	c := &identified{purl: p, key: packageKey(p), version: fullVersion(&p)}
	if p.Subpath != "" {
		p.Subpath = ""
		c.outer = packageKey(p)
	}
	var doubt *pattern
	var why string
	for _, p := range list {
		switch m, reason := p.match(c); {
		case m == versions.In:
			return p, m, ""
		case m == versions.Unknown && doubt == nil:
			doubt, why = p, reason
		}
	}
	if doubt != nil {
		return doubt, versions.Unknown, why
	}
	return nil, versions.Out, ""
}

// A glanced is a package URL, looked at quickly.
type glanced struct {
	text string
	path string // type, namespace and name as written; "" if the last part is written in an unusual way
	kind string // the type
	name string // the last part; see lookupName
}

func glance(text string) glanced {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok || strings.HasPrefix(rest, "/") || strings.IndexByte(rest, '#') >= 0 {
		return glanced{text: text}
	}
	rest, _, _ = strings.Cut(rest, "?")
	last := strings.LastIndexByte(rest, '/')
	if i := strings.LastIndexByte(rest, '@'); i > last+1 {
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i > 0 && rest[i-1] != '/' { // a version with a slash in it
		return glanced{text: text}
	}
	if last <= 0 || strings.IndexByte(rest[last:], '%') >= 0 {
		return glanced{text: text}
	}
	kind, _, _ := strings.Cut(rest, "/")
	kind = strings.ToLower(kind)
	return glanced{text, rest, kind, lookupName(kind, rest[last+1:])}
}

// identified is a component's package URL, taken apart.
type identified struct {
	purl    sbom.PURL
	key     string
	outer   string // the key without the subpath, if there is one
	version string
}

// match tells whether a component is meant: In, Out, or Unknown, if that cannot be told, with the reason.
func (p *pattern) match(c *identified) (versions.Membership, string) {
	if c.purl.Type != p.kind {
		return versions.Out, ""
	}
	unsaid := ""
	switch {
	case p.any:
		if !strings.HasPrefix(c.key, p.key) {
			return versions.Out, ""
		}
	case p.anywhere:
		if c.purl.Name != p.key {
			return versions.Out, ""
		}
	case c.key != p.key && c.outer != p.key:
		if !isDistribution(p.kind) || strings.Count(c.key, "/") > 1 || !strings.HasSuffix(p.key, c.key[strings.IndexByte(c.key, '/'):]) {
			return versions.Out, ""
		}
		unsaid = "it does not say of which distribution it is"
	}
	for key, value := range p.qualifiers {
		switch have := c.purl.Qualifiers[key]; have {
		case value:
		case "":
			unsaid = "it does not say its " + key
		default:
			return versions.Out, ""
		}
	}
	m, why := p.inRange(c.version)
	if m == versions.In && unsaid != "" {
		return versions.Unknown, unsaid
	}
	return m, why
}

func (p *pattern) inRange(v string) (versions.Membership, string) {
	switch {
	case p.version == "" && p.versions == nil:
		return versions.In, ""
	case v == "":
		return versions.Unknown, "it has no version"
	case p.versions == nil:
		return p.same(v)
	}
	m := p.versions.Contains(v)
	if m == versions.Unknown {
		return m, fmt.Sprintf("%.40q has no place in the order of %s", v, p.versions.Ecosystem)
	}
	return m, ""
}

// same compares a version with the only one that is meant.
func (p *pattern) same(v string) (versions.Membership, string) {
	switch {
	case v == p.version:
		return versions.In, ""
	case p.ecosystem == "":
		return versions.Out, "" // of a type without an order, another text is another version
	}
	switch versions.Compare(p.ecosystem, v, p.version) {
	case versions.Same:
		return versions.In, ""
	case versions.CannotTell:
		return versions.Unknown, fmt.Sprintf("%.40q and %.40q cannot be compared", v, p.version)
	}
	return versions.Out, ""
}

// about tells whether a component without a package URL may be meant, by its name alone.
func (p *pattern) about(name string) bool {
	name = strings.ToLower(name)
	if i := strings.LastIndexByte(name, '@'); i > 0 {
		name = name[:i]
	}
	if p.any {
		return p.name != "" && strings.HasPrefix(name, p.name)
	}
	last := p.name[strings.LastIndexByte(p.name, '/')+1:]
	return name != "" && (name == p.name || name == last)
}
