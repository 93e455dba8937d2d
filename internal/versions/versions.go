// Package versions is the order of versions in each ecosystem, as the ecosystem's own tool has it: one place for scanners,
// policies and ranges of advisories.
//
// There are four answers. [CannotTell] is said of what the tool does not take for a version, and of what it does not order, such
// as branches of Composer. Whoever asks "is it fixed?" must take it for no.
//
// Ecosystems are named as in OSV (ossf.github.io/osv-schema, "Defined ecosystems"); what stands behind a colon, as in
// "Debian:12", does not change the order. [Follows] names the tool and its version, for tools of one ecosystem, and releases of
// one tool, disagree in places.
package versions

import "strings"

// An Order is where a version is, seen from another one. The zero Order is CannotTell.
type Order uint8

const (
	CannotTell Order = iota
	Before
	Same
	After
)

func (o Order) String() string {
	return [...]string{"cannot tell", "before", "same", "after"}[min(o, After)]
}

// reversed is the answer with the versions exchanged.
func (o Order) reversed() Order {
	switch o {
	case Before:
		return After
	case After:
		return Before
	}
	return o
}

// order turns what strings.Compare and its like return into an Order.
func order(n int) Order { return Same + Order(int8(sign(n))) }

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// maxLength is the longest version that is compared, in bytes: real ones have less than a hundred.
const maxLength = 1024

// Compare says where a is, seen from b, in an ecosystem. It allocates nothing for versions of ordinary length.
func Compare(ecosystem, a, b string) Order {
	e := lookup(ecosystem)
	if e == nil || len(a) > maxLength || len(b) > maxLength {
		return CannotTell
	}
	return e.compare(a, b)
}

// Valid reports whether the ecosystem's tool takes v for a version.
func Valid(ecosystem, v string) bool { return Compare(ecosystem, v, v) == Same }

// Known reports whether the order of an ecosystem is known here.
func Known(ecosystem string) bool { return lookup(ecosystem) != nil }

// Follows names the tool, and its version, whose order is that of an ecosystem here; "" if the ecosystem is not known.
func Follows(ecosystem string) string {
	if e := lookup(ecosystem); e != nil {
		return e.tool
	}
	return ""
}

type ecosystem struct {
	tool    string
	compare func(a, b string) Order
}

func lookup(name string) *ecosystem {
	if name, _, ok := cut(name, ':'); ok {
		return ecosystems[name]
	}
	return ecosystems[name]
}

const (
	dpkg = "dpkg 1.21"
	rpm  = "rpm 4.18"
	apk  = "apk-tools 3.0"
)

// ecosystems is by OSV's names. Those whose tool is given as a specification were not run.
var ecosystems = map[string]*ecosystem{
	"npm":                          {"semver 7.8 (npm)", npm},
	"crates.io":                    {"semver 1.0 (Rust), build metadata ignored", crates},
	"Hex":                          {"Version of Elixir 1.14", hex},
	"Go":                           {"golang.org/x/mod/semver v0.43", golang},
	"Pub":                          {"the documentation of pub_semver", pub},
	"NuGet":                        {"the documentation of NuGet", nuget},
	"Bitnami":                      {"bitnami/go-version", bitnami},
	"SwiftURL":                     {"Semantic Versioning 2.0.0", crates},
	"Julia":                        {"Semantic Versioning 2.0.0", crates},
	"GitHub Actions":               {"Semantic Versioning 2.0.0", crates}, // a tag such as v4 moves, and has no place
	"Debian":                       {dpkg, debian},
	"Ubuntu":                       {dpkg, debian},
	"Echo":                         {dpkg, debian},
	"RPM":                          {rpm, rpmEVR},
	"openSUSE":                     {rpm, rpmEVR},
	"SUSE":                         {rpm, rpmEVR},
	"Red Hat":                      {rpm, rpmEVR},
	"AlmaLinux":                    {rpm, rpmEVR},
	"Rocky Linux":                  {rpm, rpmEVR},
	"openEuler":                    {rpm, rpmEVR},
	"Mageia":                       {rpm, rpmEVR},
	"Azure Linux":                  {rpm, rpmEVR},
	"Photon OS":                    {rpm, rpmEVR},
	"Amazon Linux":                 {rpm, rpmEVR},
	"Fedora":                       {rpm, rpmEVR},
	"Alpine":                       {apk, alpine},
	"Wolfi":                        {apk, alpine},
	"Chainguard":                   {apk, alpine},
	"MinimOS":                      {apk, alpine},
	"Alpaquita":                    {apk, alpine},
	"BellSoft Hardened Containers": {apk, alpine},
	"Arch":                         {"libalpm 13.0", arch},
	"Linux":                        {"linux-version of linux-base 4.12", linux},
	"PyPI":                         {"packaging 23.0", pypi},
	"RubyGems":                     {"Gem::Version of RubyGems 3.3", rubygems},
	"Maven":                        {"ComparableVersion of Maven 3.9", maven},
	"Packagist":                    {"composer/semver 3.3", packagist},
	"Conda":                        {"VersionOrder of conda", conda},
	"CPAN":                         {"version.pm 0.9929", cpan},
	"CRAN":                         {"package_version of R 4.2", cran},
	"Bioconductor":                 {"package_version of R 4.2", cran},
	"Hackage":                      {"Data.Version of GHC 9.0", hackage},
	"GHC":                          {"Data.Version of GHC 9.0", hackage},

	// General types of VERS.
	"intdot":        {"VERS 1.1", intdot},
	"lexicographic": {"VERS 1.1", lexicographic},
	"datetime":      {"VERS 1.1", datetime},
}

// semantic is the order of OSV's ranges of type SEMVER in an ecosystem that has none of its own.
const semantic = "crates.io"

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isAlpha(c byte) bool { return isLower(c) || isUpper(c) }
func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }

func lower(c byte) byte {
	if isUpper(c) {
		c += 'a' - 'A'
	}
	return c
}

// span is how many bytes at the beginning of s are in.
func span(s string, in func(byte) bool) int {
	i := 0
	for i < len(s) && in(s[i]) {
		i++
	}
	return i
}

func digits(s string) int { return span(s, isDigit) }

func allDigits(s string) bool { return s != "" && digits(s) == len(s) }

// compareNumbers compares decimal numbers of any size; none at all is zero.
func compareNumbers(a, b string) int {
	if len(a) != len(b) {
		if a, b = trimZeros(a), trimZeros(b); len(a) != len(b) {
			return sign(len(a) - len(b))
		}
	}
	return strings.Compare(a, b)
}

func trimZeros(s string) string {
	for s != "" && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// cut is strings.Cut for one byte in short text, without what that takes to begin.
func cut(s string, sep byte) (before, after string, found bool) {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// compareFold is strings.Compare of the texts in lower case, ASCII alone.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return sign(int(x) - int(y))
		}
	}
	return sign(len(a) - len(b))
}

// cutPrefixFold is strings.CutPrefix without regard to the case of ASCII. The prefix is in lower case.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || lower(s[0]) != prefix[0] || compareFold(s[:len(prefix)], prefix) != 0 {
		return s, false
	}
	return s[len(prefix):], true
}

// blanks are what tools trim: space, tab and line ends of ASCII.
const blanks = " \t\r\n\v\f"

func isBlank(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// trim takes blanks away; strings.Trim would make a set of them first, which takes longer than most comparisons.
func trim(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
