// Package packageurl reads package URLs (ECMA-427), writes them in one form, and knows which of them are of one
// package.
package packageurl

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A URL is a package URL, taken apart and decoded (ECMA-427).
type URL struct {
	Type       string            // lower case, such as "deb"
	Namespace  string            // segments with "/" between them, or empty
	Name       string            // not empty
	Version    string            // or empty
	Qualifiers map[string]string // keys in lower case, no value empty
	Subpath    string            // or empty
}

// purlTypes says which parts of package URLs a type does not tell apart by case, and what it asks of the namespace, by
// purl-spec's definitions of types. A type that is not listed has no rules of its own. Go modules are told apart by case, but
// their package URLs are not. A namespace that a definition requires is not asked for where packages have none: modules
// such as golang.org's "stdlib", artifacts without a group, and packages of systems that nobody named.
var purlTypes = map[string]struct {
	lowerNamespace, lowerName, lowerVersion bool
	namespace                               need
}{
	"alpm":             {lowerNamespace: true, lowerName: true},
	"apk":              {lowerNamespace: true, lowerName: true},
	"bazel":            {namespace: prohibited},
	"bitbucket":        {lowerNamespace: true, lowerName: true, namespace: required},
	"brew":             {lowerNamespace: true, lowerName: true},
	"bitnami":          {lowerName: true, namespace: prohibited},
	"cargo":            {namespace: prohibited},
	"chrome-extension": {lowerName: true, namespace: prohibited},
	"cocoapods":        {namespace: prohibited},
	"composer":         {lowerNamespace: true, lowerName: true, namespace: required},
	"conda":            {namespace: prohibited},
	"cpan":             {},
	"cran":             {namespace: prohibited},
	"deb":              {lowerNamespace: true, lowerName: true},
	"gem":              {namespace: prohibited},
	"git":              {namespace: required},
	"github":           {lowerNamespace: true, lowerName: true, namespace: required},
	"golang":           {lowerNamespace: true, lowerName: true},
	"hackage":          {namespace: prohibited},
	"hex":              {lowerNamespace: true, lowerName: true},
	"huggingface":      {lowerVersion: true},
	"julia":            {namespace: prohibited},
	"luarocks":         {lowerNamespace: true, lowerName: true},
	"mlflow":           {namespace: prohibited},
	"npm":              {lowerNamespace: true, lowerName: true},
	"nuget":            {namespace: prohibited},
	"oci":              {lowerName: true, lowerVersion: true, namespace: prohibited},
	"opam":             {namespace: prohibited},
	"otp":              {lowerName: true, namespace: prohibited},
	"pub":              {lowerName: true, namespace: prohibited},
	"pypi":             {lowerName: true, lowerVersion: true, namespace: prohibited},
	"qpkg":             {lowerNamespace: true, namespace: required},
	"rpm":              {lowerNamespace: true},
	"swift":            {namespace: required},
	"vcpkg":            {namespace: prohibited},
	"vscode-extension": {lowerNamespace: true, lowerName: true, lowerVersion: true, namespace: required},
	"yocto":            {lowerNamespace: true},
}

type need uint8

const (
	optional need = iota
	required
	prohibited
)

func Parse(s string) (p URL, err error) {
	if !utf8.ValidString(s) {
		return p, errors.New("it is not UTF-8")
	}
	if len(s) < 4 || !strings.EqualFold(s[:4], "pkg:") {
		return p, errors.New(`it does not begin with "pkg:"`)
	}
	rest := s[4:]
	if i := strings.LastIndexByte(rest, '#'); i >= 0 {
		if p.Subpath, err = segments(rest[i+1:], true); err != nil {
			return p, err
		}
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '?'); i >= 0 {
		if p.Qualifiers, err = qualifiers(rest[i+1:]); err != nil {
			return p, err
		}
		rest = rest[:i]
	}
	var ok bool
	p.Type, rest, ok = strings.Cut(strings.TrimLeft(rest, "/"), "/")
	if !ok || !IsKey(p.Type, ".-") {
		return p, errors.New("it has no type that is a letter and letters, digits, '.' and '-'")
	}
	p.Type = strings.ToLower(p.Type)
	rest = strings.Trim(rest, "/")
	// An "@" in front of a segment that is not the last is one of its letters: npm's scopes, when nobody encoded them.
	if i := strings.LastIndexByte(rest, '@'); i >= 0 && (i > 0 && rest[i-1] != '/' || strings.IndexByte(rest[i:], '/') < 0) {
		if p.Version, err = unescape(rest[i+1:]); err != nil {
			return p, err
		}
		if rest = rest[:i]; strings.HasSuffix(rest, "/") {
			return p, errors.New("it has no name in front of its version")
		}
	}
	i := strings.LastIndexByte(rest, '/')
	if p.Type == "git" { // the host, and the path there
		i = strings.IndexByte(rest, '/')
		if p.Name, err = segments(rest[i+1:], false); err != nil {
			return p, err
		}
	} else if p.Name, err = unescape(rest[i+1:]); err != nil {
		return p, err
	}
	if p.Namespace, err = segments(rest[:max(i, 0)], false); err != nil {
		return p, err
	}
	if p.Name == "" {
		return p, errors.New("it has no name")
	}
	return p, p.normalize()
}

// normalize brings the parts to their type's form.
func (p *URL) normalize() error {
	t := purlTypes[p.Type]
	switch {
	case t.namespace == required && p.Namespace == "":
		return fmt.Errorf("type %s needs a namespace", p.Type)
	case t.namespace == prohibited && p.Namespace != "":
		return fmt.Errorf("type %s has no namespace", p.Type)
	case p.Type == "chrome-extension" && (len(p.Name) != 32 || strings.Trim(strings.ToLower(p.Name), "abcdefghijklmnop") != ""):
		return errors.New("the name of a Chrome extension is 32 letters from a to p")
	case p.Type == "chrome-extension" && p.Version != "" && !isChromeVersion(p.Version):
		return errors.New("the version of a Chrome extension is one to four numbers with dots between them")
	case p.Type == "cpan" && strings.Contains(p.Name, "::"):
		return errors.New("the name is of a module, not of a distribution")
	case p.Type == "cocoapods" && (strings.HasPrefix(p.Name, ".") || strings.Contains(p.Name, "+") || strings.ContainsFunc(p.Name,
		unicode.IsSpace)):
		return errors.New("a pod's name has no blanks and no '+' and does not begin with a '.'")
	case p.Type == "julia" && p.Qualifiers["uuid"] == "":
		return errors.New("type julia needs a uuid")
	case p.Type == "swid" && p.Qualifiers["tag_id"] == "":
		return errors.New("type swid needs a tag_id")
	}
	if t.lowerNamespace {
		p.Namespace = strings.ToLower(p.Namespace)
	}
	if t.lowerName || p.Type == "mlflow" && strings.Contains(p.Qualifiers["repository_url"], "databricks") {
		p.Name = strings.ToLower(p.Name)
	}
	if t.lowerVersion {
		p.Version = strings.ToLower(p.Version)
	}
	switch p.Type {
	case "git":
		if host := strings.ToLower(p.Namespace); host == "github" || host == "github.com" { // which has no two that differ by case
			p.Namespace, p.Name = host, strings.ToLower(p.Name)
		}
	case "cpan":
		p.Namespace = strings.ToUpper(p.Namespace)
	case "pub":
		p.Name = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, p.Name)
	case "swid":
		if id := p.Qualifiers["tag_id"]; isGUID(id) {
			p.Qualifiers["tag_id"] = strings.ToLower(id)
		}
	case "pypi":
		// PEP 503, "Normalized Names".
		p.Name = strings.Join(strings.FieldsFunc("x"+p.Name+"x", func(r rune) bool { return r == '-' || r == '_' || r == '.' }), "-")
		p.Name = p.Name[1 : len(p.Name)-1]
	}
	return nil
}

func isChromeVersion(s string) bool {
	parts := strings.Split(s, ".")
	return len(parts) <= 4 && !slices.ContainsFunc(parts, func(p string) bool { return p == "" || strings.Trim(p, "0123456789") != "" })
}

// isGUID says whether s is hexadecimal digits in groups of 8, 4, 4, 4 and 12.
func isGUID(s string) bool {
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && hexValue(s[i]) < 0 {
			return false
		}
	}
	return len(s) == 36
}

// qualifiers reads key=value&key=value. One with an empty value is none.
func qualifiers(s string) (map[string]string, error) {
	m := map[string]string{}
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if !IsKey(key, ".-_") {
			return nil, fmt.Errorf("%.50q is no name of a qualifier", key)
		}
		key = strings.ToLower(key)
		value, err := unescape(value)
		if err != nil {
			return nil, err
		}
		if value == "" {
			continue
		}
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("the qualifier %s is there twice", key)
		}
		m[key] = value
	}
	if len(m) == 0 {
		return nil, nil
	}
	return m, nil
}

// IsKey says whether s is a letter and letters, digits and some more characters.
func IsKey(s, more string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || (s[i] < '0' || s[i] > '9') && strings.IndexByte(more, s[i]) < 0) {
			return false
		}
	}
	return s != ""
}

// segments decodes what stands between slashes. No segment can hold one.
func segments(s string, isPath bool) (string, error) {
	if s == "" {
		return "", nil
	}
	var out []string
	for part := range strings.SplitSeq(s, "/") {
		part, err := unescape(part)
		if err != nil {
			return "", err
		}
		if strings.Contains(part, "/") {
			return "", errors.New("a segment has an encoded '/'")
		}
		if part == "" || isPath && (part == "." || part == "..") {
			continue
		}
		out = append(out, part)
	}
	return strings.Join(out, "/"), nil
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) || hexValue(s[i+1]) < 0 || hexValue(s[i+2]) < 0 {
			return "", errors.New("a '%' is not followed by two hexadecimal digits")
		}
		out = append(out, byte(hexValue(s[i+1])<<4|hexValue(s[i+2])))
		i += 2
	}
	if !utf8.Valid(out) {
		return "", errors.New("decoded, it is not UTF-8")
	}
	return string(out), nil
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// appendEscaped encodes all but letters, digits, ".", "-", "_", "~" and ":" (ECMA-427, section 5.4).
func appendEscaped(b []byte, s, also string) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', strings.IndexByte(".-_~:", c) >= 0, strings.IndexByte(also, c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return b
}

// String returns the canonical form: what two of them are compared by. Without a type or a name there is none: then it is empty.
func (p URL) String() string {
	if p.Type == "" || p.Name == "" {
		return ""
	}
	b := append(append(make([]byte, 0, 64), "pkg:"...), p.Type...)
	b = append(b, '/')
	if p.Namespace != "" {
		b = append(appendEscaped(b, p.Namespace, "/"), '/')
	}
	inName := ""
	if p.Type == "git" {
		inName = "/"
	}
	b = appendEscaped(b, p.Name, inName)
	if p.Version != "" {
		b = appendEscaped(append(b, '@'), p.Version, "")
	}
	for i, key := range slices.Sorted(maps.Keys(p.Qualifiers)) {
		b = append(b, "?&"[min(i, 1)])
		b = append(append(b, key...), '=')
		b = appendEscaped(b, p.Qualifiers[key], "")
	}
	if p.Subpath != "" {
		b = appendEscaped(append(b, '#'), p.Subpath, "/")
	}
	return string(b)
}

// MatchKey returns a text that is the same for one package whoever wrote its package URL, as the type of package sbom says.
func (p URL) MatchKey() string {
	q := p.Qualifiers
	p.Qualifiers = nil
	keep := func(key, value string) {
		if value != "" {
			if p.Qualifiers == nil {
				p.Qualifiers = map[string]string{}
			}
			p.Qualifiers[key] = value
		}
	}
	arch := strings.ToLower(q["arch"])
	keep("arch", cmp.Or(architectures[arch], arch))
	for _, key := range []string{"classifier", "platform", "uuid", "tag_id"} {
		keep(key, q[key])
	}
	if i := strings.LastIndexByte(p.Name, '/'); i >= 0 && (p.Type == "golang" || p.Type == "npm") {
		p.Namespace, p.Name = join(p.Namespace, p.Name[:i]), p.Name[i+1:]
	}
	switch p.Type {
	case "golang":
		if p.Subpath != "" {
			p.Namespace, p.Name = join(p.Namespace, p.Name), strings.ToLower(p.Subpath)
			if i := strings.LastIndexByte(p.Name, '/'); i >= 0 {
				p.Namespace, p.Name = join(p.Namespace, p.Name[:i]), p.Name[i+1:]
			}
			p.Subpath = ""
		}
		p.Version = strings.TrimSuffix(strings.TrimPrefix(p.Version, "v"), "+incompatible")
		if p.Namespace == "" && (p.Name == "stdlib" || p.Name == "std") {
			p.Name, p.Version = "stdlib", strings.TrimPrefix(p.Version, "go")
		}
		if p.Version == "(devel)" {
			p.Version = ""
		}
	case "maven":
		if t := q["type"]; t != "jar" {
			keep("type", t)
		}
	case "conan":
		keep("user", q["user"])
		keep("channel", q["channel"])
	case "gem":
		if q["platform"] == "ruby" {
			delete(p.Qualifiers, "platform")
		}
	case "vscode-extension":
		if q["platform"] == "universal" {
			delete(p.Qualifiers, "platform")
		}
	case "nuget":
		p.Name, p.Version = strings.ToLower(p.Name), strings.ToLower(p.Version)
	case "deb", "rpm", "apk", "alpm":
		if p.Namespace == "" {
			p.Namespace = strings.ToLower(q["distro"])
			if i := strings.LastIndexByte(p.Namespace, '-'); i >= 0 {
				p.Namespace = p.Namespace[:i]
			}
			if strings.Trim(p.Namespace, "0123456789.") == "" {
				p.Namespace = "" // a release of nobody knows what
			}
		}
		p.Namespace = cmp.Or(distributions[p.Namespace], p.Namespace)
		if epoch := q["epoch"]; epoch != "" && !strings.Contains(p.Version, ":") {
			p.Version = epoch + ":" + p.Version
		}
		p.Version = strings.TrimPrefix(p.Version, "0:")
	}
	if p.Qualifiers["arch"] == "any" {
		delete(p.Qualifiers, "arch")
	}
	return p.String()
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "/" + b
}

// architectures by other names than Go has for them.
var architectures = map[string]string{
	"all": "any", "noarch": "any", "any": "any",
	"src":    "source",
	"x86_64": "amd64", "x64": "amd64", "x86-64": "amd64",
	"aarch64": "arm64", "arm64v8": "arm64",
	"i386": "386", "i486": "386", "i586": "386", "i686": "386", "x86": "386",
	"armhf": "arm", "armv7l": "arm", "armv7hl": "arm", "armv7": "arm",
	"ppc64el": "ppc64le",
}

// distributions by other names than the namespaces of package URLs that are usual for them.
var distributions = map[string]string{
	"wheezy": "debian", "jessie": "debian", "stretch": "debian", "buster": "debian", "bullseye": "debian", "bookworm": "debian",
	"trixie": "debian", "forky": "debian", "duke": "debian", "sid": "debian",
	"trusty": "ubuntu", "xenial": "ubuntu", "bionic": "ubuntu", "focal": "ubuntu", "jammy": "ubuntu", "lunar": "ubuntu",
	"mantic": "ubuntu", "noble": "ubuntu", "oracular": "ubuntu", "plucky": "ubuntu", "questing": "ubuntu",
	"rhel": "redhat", "redhatenterpriselinux": "redhat",
	"amzn": "amazon", "amazonlinux": "amazon",
	"ol": "oracle", "oraclelinux": "oracle",
	"alma": "almalinux", "rockylinux": "rocky",
	"opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse", "opensuse.leap": "opensuse", "opensuse.tumbleweed": "opensuse",
	"sles": "suse", "sled": "suse",
	"cbl-mariner": "mariner", "archlinux": "arch",
}

// JoinName joins a group and a name, and reports whether the group is in the result.
func JoinName(group, name, purl string) (string, bool) {
	if group == "" {
		return name, true
	}
	kind := typeOf(purl)
	switch kind {
	case "deb", "rpm", "apk", "alpm", "opkg", "qpkg", "yocto", "bitnami", "maven":
		if _, err := Parse(purl); err != nil {
			kind = ""
		}
	default:
		kind = ""
	}
	switch kind {
	case "":
		return group + "/" + name, true
	case "maven":
		return group + ":" + name, true
	}
	return name, false
}

// typeOf is the type of a text, if that is a package URL.
func typeOf(purl string) string {
	if len(purl) < 4 || !strings.EqualFold(purl[:4], "pkg:") {
		return ""
	}
	kind, _, _ := strings.Cut(strings.TrimLeft(purl[4:], "/"), "/")
	return strings.ToLower(kind)
}
