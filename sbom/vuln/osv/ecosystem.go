package osv

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

// release turns the name of an ecosystem into the one that a scan looks up: of a distribution with the part of the release that
// its packages share, so that "Ubuntu:Pro:22.04:LTS" and "Ubuntu:22.04:LTS" are one.
func release(ecosystem string) string {
	name, rest, ok := strings.Cut(ecosystem, ":")
	if !ok || rest == "" {
		return name
	}
	switch name {
	case "Debian", "Rocky Linux", "AlmaLinux", "Mageia":
		return name + ":" + major(rest)
	case "Ubuntu":
		return ubuntu(rest, ecosystem)
	case "Alpine":
		return name + ":v" + strings.TrimPrefix(rest, "v")
	case "Red Hat":
		// A part of a name of CPE: "enterprise_linux:9::appstream". Other products have fixes of their own.
		if of, ok := strings.CutPrefix(rest, "enterprise_linux:"); ok {
			of, _, _ = strings.Cut(of, ":")
			return name + ":" + major(of)
		}
	case "SUSE":
		// "Linux Enterprise Server 15 SP5", "Linux Enterprise Module for Basesystem 15 SP5".
		if strings.HasPrefix(rest, "Linux Enterprise ") && !strings.Contains(rest, "Micro") {
			if i := strings.IndexAny(rest, "0123456789"); i > 0 {
				of, _, _ := strings.Cut(rest[i:], "-") // LTSS
				return name + ":" + of
			}
		}
	case "Azure Linux", "Photon OS":
		return name + ":" + strings.TrimSuffix(rest, ".0")
	case "openEuler":
		return name + ":" + rest
	}
	return ecosystem
}

func major(release string) string {
	m, _, _ := strings.Cut(release, ".")
	return m
}

// ubuntu leaves out "LTS", and "Pro", whose advisories are about the packages of all: only the fix is for some. What there is
// beyond, such as FIPS, has packages of its own.
func ubuntu(rest, whole string) string {
	of := ""
	for part := range strings.SplitSeq(rest, ":") {
		switch {
		case part == "Pro", part == "LTS":
		case of == "" && strings.Trim(part, "0123456789.") == "":
			of = part
		default:
			return whole
		}
	}
	return "Ubuntu:" + of
}

// lookupKey is what a package is found by. Names that package URLs write in lower case are that here.
func lookupKey(ecosystem, name string) string {
	return ecosystem + "\x00" + normalName(ecosystem, name)
}

func normalName(ecosystem, name string) string {
	switch ecosystem {
	case "PyPI": // PEP 503
		name = strings.ToLower(name)
		if !strings.ContainsAny(name, "_.") && !strings.Contains(name, "--") {
			return name
		}
		name = strings.NewReplacer("_", "-", ".", "-").Replace(name)
		for strings.Contains(name, "--") {
			name = strings.ReplaceAll(name, "--", "-")
		}
		return name
	case "npm", "Go", "NuGet", "Packagist", "GitHub Actions", "Hex", "Pub", "SwiftURL", "Bitnami", "VSCode":
		return strings.ToLower(name)
	}
	return name
}

// A query is one name that a component's package may have in the index.
type query struct {
	ecosystem     string // as release returns it
	name, version string
}

// languages are ecosystems without releases, and what stands between a namespace and a name.
var languages = map[string]struct{ ecosystem, between string }{
	"npm": {"npm", "/"}, "pypi": {"PyPI", ""}, "golang": {"Go", "/"}, "maven": {"Maven", ":"}, "cargo": {"crates.io", ""},
	"gem": {"RubyGems", ""}, "nuget": {"NuGet", ""}, "composer": {"Packagist", "/"}, "hex": {"Hex", "/"}, "pub": {"Pub", ""},
	"conan": {"ConanCenter", ""}, "cran": {"CRAN", ""}, "bioconductor": {"Bioconductor", ""}, "hackage": {"Hackage", ""},
	"swift": {"SwiftURL", "/"}, "githubactions": {"GitHub Actions", "/"}, "bitnami": {"Bitnami", ""}, "cpan": {"CPAN", ""},
	"julia": {"Julia", ""}, "vscode-extension": {"VSCode", "/"}, "opam": {"opam", ""},
}

// distributions are OSV's names, by namespaces and other names of package URLs and of the file os-release.
var distributions = map[string]string{
	"debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "wolfi": "Wolfi", "chainguard": "Chainguard", "minimos": "MinimOS",
	"echo": "Echo", "alpaquita": "Alpaquita", "bellsoft-hardened-containers": "BellSoft Hardened Containers",
	"redhat": "Red Hat", "rhel": "Red Hat", "rocky": "Rocky Linux", "rockylinux": "Rocky Linux", "rocky-linux": "Rocky Linux",
	"almalinux": "AlmaLinux", "alma": "AlmaLinux", "suse": "SUSE", "sles": "SUSE", "sled": "SUSE", "opensuse": "openSUSE",
	"opensuse-leap": "openSUSE", "opensuse-tumbleweed": "openSUSE", "opensuse.leap": "openSUSE", "opensuse.tumbleweed": "openSUSE",
	"openeuler": "openEuler", "mageia": "Mageia", "photon": "Photon OS", "azurelinux": "Azure Linux", "azure-linux": "Azure Linux",
	"mariner": "Azure Linux", "cbl-mariner": "Azure Linux",
}

// rolling distributions have no releases.
var rolling = map[string]bool{"Wolfi": true, "Chainguard": true, "MinimOS": true, "Echo": true}

// codenames of releases that a package URL may have in their place.
var codenames = map[string]string{
	"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15",
	"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "lunar": "23.04", "mantic": "23.10",
	"noble": "24.04", "oracular": "24.10", "plucky": "25.04", "questing": "25.10",
}

// queries says what a package URL is to be looked up as, or why it cannot be. The distribution of a document is for package
// URLs that do not say theirs.
func queries(p *sbom.PURL, of distribution) (out []query, why string) {
	switch p.Type {
	case "deb", "apk", "rpm":
		return distributionQueries(p, of)
	case "github":
		return nil, "OSV has no packages of pkg:github: records about repositories are by commit"
	}
	lang, ok := languages[p.Type]
	if !ok {
		return nil, "OSV has no ecosystem for pkg:" + p.Type
	}
	q := query{lang.ecosystem, p.Name, p.Version}
	if p.Namespace != "" && lang.between != "" {
		q.name = p.Namespace + lang.between + p.Name
	}
	switch p.Type {
	case "golang":
		if p.Subpath != "" {
			out = append(out, query{q.ecosystem, normalName("Go", q.name+"/"+p.Subpath), strings.TrimPrefix(p.Version, "v")})
		}
		if q.name == "std" {
			q.name = "stdlib"
		}
		q.version = strings.TrimPrefix(strings.TrimPrefix(q.version, "go"), "v")
		if q.version == "(devel)" {
			q.version = ""
		}
	case "githubactions":
		q.version = strings.TrimPrefix(q.version, "v")
	}
	if q.version == "" {
		return nil, "it has no version"
	}
	q.name = normalName(q.ecosystem, q.name)
	return append(out, q), ""
}

// A distribution is what a document, or a package URL, says of the system that packages are of.
type distribution struct {
	id      string // as in os-release
	release string
}

// newDistribution reads "debian-12.5", "opensuse-leap-15.5", "bookworm" or "12".
func newDistribution(text string) distribution {
	text = strings.ToLower(text)
	for i := range max(len(text)-1, 0) {
		if digits := strings.TrimPrefix(text[i+1:], "v"); text[i] == '-' && digits != "" && digits[0] >= '0' && digits[0] <= '9' {
			return distribution{text[:i], text[i+1:]}
		}
	}
	if _, ok := codenames[text]; ok || strings.Trim(text, "0123456789.v") == "" {
		return distribution{"", text}
	}
	if id, name, ok := strings.Cut(text, "-"); ok && codenames[name] != "" {
		return distribution{id, name}
	}
	if i := strings.IndexAny(text, "0123456789"); i > 0 && strings.Trim(text[:i], "abcdefghijklmnopqrstuvwxyz") == "" {
		return distribution{text[:i], text[i:]} // "el9"
	}
	return distribution{text, ""}
}

func distributionQueries(p *sbom.PURL, of distribution) (out []query, why string) {
	said := newDistribution(p.Qualifiers["distro"])
	if said.release == "" {
		said.release = newDistribution(p.Qualifiers["distro_version"]).release
	}
	name := cmp.Or(distributions[said.id], distributions[p.Namespace])
	if p.Namespace != "" && name == "" || said.id != "" && distributions[said.id] == "" && p.Namespace == "" {
		return nil, fmt.Sprintf("OSV has no distribution %q", cmp.Or(p.Namespace, said.id))
	}
	if name == "" {
		name = distributions[of.id]
	}
	if said.release == "" && distributions[of.id] == name {
		said.release = of.release
	}
	if name == "" {
		return nil, "it does not say of which distribution it is"
	}
	if p.Version == "" {
		return nil, "it has no version"
	}
	ecosystem := name
	if !rolling[name] {
		if ecosystem = name + releaseOf(name, said); ecosystem == name {
			return nil, "it does not say of which release of " + name + " it is"
		}
	}
	version := p.Version
	if epoch := p.Qualifiers["epoch"]; epoch != "" && epoch != "0" && !strings.Contains(version, ":") {
		version = epoch + ":" + version
	}
	source, sourceVersion := sourcePackage(p, version)
	if source != "" {
		out = append(out, query{ecosystem, source, cmp.Or(sourceVersion, version)})
	}
	// Debian and Ubuntu have records for source packages only; others for either.
	if source == "" || source != p.Name && p.Type != "deb" {
		out = append(out, query{ecosystem, p.Name, version})
	}
	return out, ""
}

// releaseOf is a colon and the release as OSV writes it.
func releaseOf(name string, d distribution) string {
	of := cmp.Or(codenames[d.release], d.release)
	if of == "" && name == "openSUSE" && strings.HasSuffix(d.id, "tumbleweed") {
		return ":Tumbleweed"
	}
	if of == "" {
		return ""
	}
	switch name {
	case "Debian", "Rocky Linux", "AlmaLinux", "Mageia", "Red Hat":
		return ":" + major(of)
	case "Alpine":
		major, minor, _ := strings.Cut(strings.TrimPrefix(of, "v"), ".")
		minor, _, _ = strings.Cut(minor, ".")
		if minor == "" {
			return ""
		}
		return ":v" + major + "." + minor
	case "SUSE":
		if major, minor, ok := strings.Cut(of, "."); ok && minor != "0" {
			return ":" + major + " SP" + minor
		}
		return ":" + major(of)
	case "openSUSE":
		if strings.HasSuffix(d.id, "tumbleweed") {
			return ":Tumbleweed"
		}
		return ":Leap " + of
	case "openEuler":
		return ":" + strings.ToUpper(of)
	case "Azure Linux", "Photon OS":
		return ":" + strings.TrimSuffix(of, ".0")
	}
	return ":" + of
}

// sourcePackage reads the qualifiers that name the package that a binary one was built from: "upstream", which may have a
// version behind an @, and for RPM is the name of a file; "source" of others.
func sourcePackage(p *sbom.PURL, version string) (name, of string) {
	name = cmp.Or(p.Qualifiers["upstream"], p.Qualifiers["source"], p.Qualifiers["origin"])
	if p.Type == "rpm" && strings.HasSuffix(name, ".rpm") {
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".rpm"), ".src")
		i := strings.LastIndexByte(name, '-')
		if i < 0 {
			return "", ""
		}
		j := strings.LastIndexByte(name[:i], '-')
		if j < 0 {
			return "", ""
		}
		name, of = name[:j], name[j+1:]
		if epoch, _, ok := strings.Cut(version, ":"); ok { // the file's name has none
			of = epoch + ":" + of
		}
		return name, of
	}
	name, of, _ = strings.Cut(name, "@")
	if of == "" {
		of = p.Qualifiers["sourceVersion"]
	}
	return name, of
}
