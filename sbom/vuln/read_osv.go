package vuln

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/sbom"
)

// osvReport is the JSON of OSV-Scanner 2 (as v2.5.0 writes it).
type osvReport struct {
	Results []struct {
		Source struct {
			Path string `json:"path"`
			Type string `json:"type"`
		} `json:"source"`
		Packages []osvPackage `json:"packages"`
	} `json:"results"`
}

type osvPackage struct {
	Package struct {
		Name      string `json:"name"`
		OSName    string `json:"os_package_name"`
		Version   string `json:"version"`
		Ecosystem string `json:"ecosystem"`
		Commit    string `json:"commit"`
	} `json:"package"`
	Vulns  []osvRecord `json:"vulnerabilities"`
	Groups []struct {
		IDs      []string                   `json:"ids"`
		Aliases  []string                   `json:"aliases"`
		Max      string                     `json:"max_severity"`
		Analysis map[string]json.RawMessage `json:"experimental_analysis"`
	} `json:"groups"`
	Violations []string `json:"license_violations"`
}

// osvRecord is a record of the OSV schema (ossf.github.io/osv-schema, 1.7.5).
type osvRecord struct {
	ID        string        `json:"id"`
	Aliases   []string      `json:"aliases"`
	Upstream  []string      `json:"upstream"`
	Summary   string        `json:"summary"`
	Details   string        `json:"details"`
	Published string        `json:"published"`
	Modified  string        `json:"modified"`
	Withdrawn string        `json:"withdrawn"`
	Severity  []osvSeverity `json:"severity"`
	Refs      []struct {
		URL string `json:"url"`
	} `json:"references"`
	Affected []struct {
		Package struct {
			Name      string `json:"name"`
			Ecosystem string `json:"ecosystem"`
		} `json:"package"`
		Severity []osvSeverity `json:"severity"`
		Ranges   []struct {
			Type   string `json:"type"`
			Events []struct {
				Fixed string `json:"fixed"`
			} `json:"events"`
		} `json:"ranges"`
	} `json:"affected"`
	Specific struct {
		Severity any `json:"severity"`
		CWEs     any `json:"cwe_ids"`
	} `json:"database_specific"`
}

type osvSeverity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

func readOSVScanner(b *builder, data []byte) error {
	var in osvReport
	if err := decode(data, &in); err != nil {
		return err
	}
	b.report.Tool = Tool{Name: "osv-scanner", URI: "https://github.com/google/osv-scanner"}
	b.note("the report does not say which version of the scanner made it, when, and which database was asked")
	for _, result := range in.Results {
		for i := range result.Packages {
			p := &result.Packages[i]
			b.report.Components++
			if err := b.osvPackage(p, result.Source.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) osvPackage(p *osvPackage, path string) error {
	aliases := map[string][]string{}
	listed := map[string]bool{}
	for i := range p.Vulns {
		listed[p.Vulns[i].ID] = true
	}
	for _, g := range p.Groups {
		if len(g.IDs)+len(g.Aliases) > 1000 {
			return fmt.Errorf("%w: a group of %d ids", ErrLimit, len(g.IDs)+len(g.Aliases))
		}
		group := slices.Clip(union(union(nil, g.IDs), g.Aliases))
		for _, id := range g.IDs {
			aliases[id] = group
			if !listed[id] {
				b.note("%s: the report groups it and does not describe it", id)
				p.Vulns = append(p.Vulns, osvRecord{ID: id})
				listed[id] = true
			}
		}
		for id, raw := range g.Analysis {
			var called struct {
				Called *bool `json:"called"`
			}
			if json.Unmarshal(raw, &called) == nil && called.Called != nil && !*called.Called {
				b.note("%s: the scanner's call analysis found that the code is not called", id)
			}
		}
	}
	if len(p.Violations) > 0 {
		b.note("%s: findings about licences are not read: see package sbom/quality", p.Package.Name)
	}
	c := Component{Name: nameOr(p.Package.OSName, p.Package.Name), Version: nameOr(p.Package.Version, p.Package.Commit),
		Ecosystem: p.Package.Ecosystem, Paths: union(nil, []string{path})}
	c.PURL = purlOf(c.Ecosystem, c.Name, p.Package.Version)
	for i := range p.Vulns {
		v := &p.Vulns[i]
		f, err := b.finding(Vulnerability, v.ID)
		if err != nil {
			return err
		}
		f.Aliases = union(union(f.Aliases, v.Aliases), aliases[v.ID])
		fixed := b.osvRecord(f, v, p.Package.Name, p.Package.Ecosystem, p.Package.Version)
		place := Affected{Component: c, Fixed: fixed}
		if len(fixed) > 0 {
			place.Fix = Fixable
		}
		b.affect(f, place)
	}
	return nil
}

// osvRecord reads what a record says of a vulnerability, and returns the versions of a package that fix it.
func (b *builder) osvRecord(f *Finding, v *osvRecord, name, ecosystem, installed string) (fixed []string) {
	f.Title, f.Description = v.Summary, v.Details
	f.Published, f.Modified, f.Withdrawn = b.time(v.ID, v.Published), b.time(v.ID, v.Modified), b.time(v.ID, v.Withdrawn)
	f.Source = Source{Name: "OSV", URL: "https://osv.dev/" + v.ID}
	var urls []string
	for _, r := range v.Refs {
		urls = append(urls, r.URL)
	}
	f.References = union(f.References, urls)
	severities := v.Severity
	for _, a := range v.Affected {
		if a.Package.Name != name || !sameEcosystem(a.Package.Ecosystem, ecosystem) {
			continue
		}
		severities = append(severities, a.Severity...)
		for _, r := range a.Ranges {
			for _, e := range r.Events {
				if e.Fixed == "" || r.Type == "GIT" {
					continue
				}
				if o := versions.Compare(ecosystem, installed, e.Fixed); o == versions.Before || o == versions.CannotTell {
					fixed = union(fixed, []string{e.Fixed})
				}
			}
		}
	}
	for _, s := range severities {
		if strings.HasPrefix(s.Type, "CVSS_") {
			b.rating(f, Rating{Source: "OSV", Vector: s.Score})
			continue
		}
		b.rating(f, Rating{Source: s.Type, Severity: b.severity(v.ID, s.Score), Method: "other"})
	}
	if word, ok := v.Specific.Severity.(string); ok { // GitHub's: LOW, MODERATE, HIGH, CRITICAL
		if s, known := ParseSeverity(word); known {
			b.rating(f, Rating{Source: "GitHub", Severity: s})
		}
	}
	return fixed
}

func sameEcosystem(a, b string) bool {
	if a == b {
		return true
	}
	a, _, _ = strings.Cut(a, ":")
	base, release, _ := strings.Cut(b, ":")
	return a == base && release == ""
}

var purlTypes = map[string][2]string{ // of OSV's ecosystems; type and namespace
	"npm": {"npm"}, "Go": {"golang"}, "PyPI": {"pypi"}, "Maven": {"maven"}, "crates.io": {"cargo"}, "NuGet": {"nuget"},
	"RubyGems": {"gem"}, "Packagist": {"composer"}, "Hex": {"hex"}, "Pub": {"pub"}, "CRAN": {"cran"}, "Hackage": {"hackage"},
	"SwiftURL": {"swift"}, "Debian": {"deb", "debian"}, "Ubuntu": {"deb", "ubuntu"}, "Alpine": {"apk", "alpine"},
	"Wolfi": {"apk", "wolfi"}, "Chainguard": {"apk", "chainguard"}, "Red Hat": {"rpm", "redhat"}, "Rocky Linux": {"rpm", "rocky-linux"},
	"AlmaLinux": {"rpm", "almalinux"}, "SUSE": {"rpm", "suse"}, "openSUSE": {"rpm", "opensuse"},
}

// purlOf makes the package URL of a package of one of OSV's ecosystems; "" if there is none for it.
func purlOf(ecosystem, name, version string) string {
	base, _, _ := strings.Cut(ecosystem, ":")
	t, ok := purlTypes[base]
	if !ok || name == "" {
		return ""
	}
	p := sbom.PURL{Type: t[0], Namespace: t[1], Name: name, Version: version}
	separator := "/"
	if base == "Maven" {
		separator = ":"
	}
	if i := strings.LastIndex(name, separator); i > 0 && p.Namespace == "" {
		p.Namespace, p.Name = name[:i], name[i+1:]
	}
	if base == "Go" && version != "" && !strings.HasPrefix(version, "v") {
		p.Version = "v" + version
	}
	if parsed, err := sbom.ParsePURL(p.String()); err == nil {
		return parsed.String()
	}
	return ""
}
