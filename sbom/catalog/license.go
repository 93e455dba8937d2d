package catalog

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/ladingdev/lading/sbom/quality"
)

// spellings are names of licences that are no SPDX ids and mean one licence, in lower case: short names of Debian's
// machine-readable copyright format 1.0, trove classifiers of PyPI, and what people write.
var spellings = map[string]string{
	"expat": "MIT", "mit license": "MIT", "the mit license": "MIT", "mit/x11": "MIT", "mit/expat": "MIT",
	"apache-2": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0",
	"apache license, version 2.0": "Apache-2.0", "apache license version 2.0": "Apache-2.0",
	"the apache license, version 2.0":          "Apache-2.0",
	"the apache software license, version 2.0": "Apache-2.0", "apache software license 2.0": "Apache-2.0",
	"apache software license, version 2.0": "Apache-2.0",
	"eclipse public license - v 1.0":       "EPL-1.0", "eclipse public license 1.0": "EPL-1.0", "eclipse public license v1.0": "EPL-1.0",
	"eclipse public license - v 2.0": "EPL-2.0", "eclipse public license 2.0": "EPL-2.0",
	"eclipse public license v2.0": "EPL-2.0", "epl 2.0": "EPL-2.0",
	"eclipse distribution license - v 1.0": "BSD-3-Clause", "the bsd 3-clause license": "BSD-3-Clause", "the mit license (mit)": "MIT",
	"bsd-2": "BSD-2-Clause", "bsd-3": "BSD-3-Clause",
	"bsd 2-clause": "BSD-2-Clause", "bsd 3-clause": "BSD-3-Clause", "2-clause bsd": "BSD-2-Clause",
	"3-clause bsd": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "bsd 3-clause license": "BSD-3-Clause",
	"3-clause bsd license": "BSD-3-Clause",
	"cc0":                  "CC0-1.0", "boost-1.0": "BSL-1.0", "psf-2": "PSF-2.0", "psf": "PSF-2.0",
	"python software foundation license": "PSF-2.0",
	"isc license (iscl)":                 "ISC", "isc license": "ISC", "zlib/libpng": "Zlib", "zlib/libpng license": "Zlib",
	"perl":  "Artistic-1.0-Perl OR GPL-1.0-or-later",
	"mpl-2": "MPL-2.0", "mpl 2.0": "MPL-2.0", "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "the unlicense (unlicense)": "Unlicense",
	"gnu general public license v2 (gplv2)": "GPL-2.0-only", "gnu general public license v2 or later (gplv2+)": "GPL-2.0-or-later",
	"gnu general public license v3 (gplv3)": "GPL-3.0-only", "gnu general public license v3 or later (gplv3+)": "GPL-3.0-or-later",
	"gnu lesser general public license v2 (lgplv2)":           "LGPL-2.0-only",
	"gnu lesser general public license v2 or later (lgplv2+)": "LGPL-2.0-or-later",
	"gnu lesser general public license v3 (lgplv3)":           "LGPL-3.0-only",
	"gnu lesser general public license v3 or later (lgplv3+)": "LGPL-3.0-or-later",
	"gnu affero general public license v3":                    "AGPL-3.0-only",
	"gnu affero general public license v3 or later (agplv3+)": "AGPL-3.0-or-later",
}

// licenseURLs are pages of one licence each, as bundles of OSGi have them in place of a name.
var licenseURLs = map[string]string{
	"apache.org/licenses/license-2.0": "Apache-2.0", "opensource.org/licenses/apache-2.0": "Apache-2.0",
	"opensource.org/licenses/mit":         "MIT",
	"opensource.org/licenses/mit-license": "MIT", "opensource.org/licenses/bsd-3-clause": "BSD-3-Clause",
	"opensource.org/licenses/bsd-2-clause": "BSD-2-Clause",
	"eclipse.org/legal/epl-v10":            "EPL-1.0", "eclipse.org/legal/epl-2.0": "EPL-2.0", "eclipse.org/legal/epl-v20": "EPL-2.0",
	"eclipse.org/org/documents/edl-v10": "BSD-3-Clause", "mozilla.org/mpl/2.0": "MPL-2.0", "spdx.org/licenses/apache-2.0": "Apache-2.0",
}

// licenseURL returns the licence that a page has, or the text itself.
func licenseURL(s string) string {
	_, page, ok := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "://")
	if !ok {
		return s
	}
	page = strings.TrimSuffix(strings.TrimPrefix(page, "www."), "/")
	for _, ext := range []string{".txt", ".html", ".php"} {
		page = strings.TrimSuffix(page, ext)
	}
	return cmp.Or(licenseURLs[page], s)
}

// gnu is how Debian writes versions of GNU licences: a "+" for later ones.
var gnu = regexp.MustCompile(`(?i)^(A?GPL|LGPL|GFDL|FDL)(-NIV)?-(\d)(\.\d)?(\.0)?(\+)?$`)

// debianName returns the SPDX expression for a short name of Debian's format, or the name.
func debianName(s string) string {
	if m := gnu.FindStringSubmatch(s); m != nil {
		id := strings.Replace(strings.ToUpper(m[1]), "GFDL", "FDL", 1)
		id = strings.Replace(id, "FDL", "GFDL", 1) + "-" + m[3] + cmp.Or(m[4], ".0")
		if m[2] != "" {
			id += "-no-invariants"
		}
		if m[6] != "" {
			return id + "-or-later"
		}
		return id + "-only"
	}
	return cmp.Or(spellings[strings.ToLower(s)], s)
}

// expression returns a licence as an SPDX expression, if it is one or a known spelling of one.
func expression(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 4096 {
		return "", false
	}
	e, err := quality.ParseExpression(cmp.Or(spellings[strings.ToLower(s)], s))
	if err != nil {
		return "", false
	}
	if out := e.String(); !strings.Contains(out, "LicenseRef-") { // whose text is nowhere
		return out, true
	}
	return "", false
}

var (
	machineReadable = regexp.MustCompile(`copyright-format|(?i)dep-?5`)

	operator = regexp.MustCompile(`(?i)\s+(and|or)\s+`)
	common   = regexp.MustCompile(`/usr/share/common-licenses/([A-Za-z0-9][A-Za-z0-9.+-]*)`)
)

// debianLicenses reads the licences of a copyright file: of those in the machine-readable format what stands with the
// files, as expressions where SPDX knows them all; of others the texts in /usr/share/common-licenses that they point to, by
// name, because such a file does not say whether later versions count.
func debianLicenses(text string) (out []string) {
	machine, alone := false, []string(nil)
	for s, err := range stanzas(strings.NewReader(text), false, "format", "files", "license") {
		if err != nil {
			break
		}
		if f := s["format"]; f != "" && !machine {
			machine = machineReadable.MatchString(f)
		}
		if !machine {
			break
		}
		name, _, _ := strings.Cut(s["license"], "\n")
		name = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(name), "."))
		if name == "" {
			continue
		}
		if !strings.Contains(name, ",") { // with a comma, "and" and "or" bind the other way
			var b strings.Builder
			rest := name
			for {
				at := operator.FindStringSubmatchIndex(rest)
				if at == nil {
					b.WriteString(grouped(debianName(rest)))
					break
				}
				b.WriteString(grouped(debianName(rest[:at[0]])) + " " + strings.ToUpper(rest[at[2]:at[3]]) + " ")
				rest = rest[at[1]:]
			}
			if e, ok := expression(b.String()); ok {
				name = e
			}
		}
		if s["files"] != "" || s["format"] != "" {
			add(&out, name)
		} else {
			add(&alone, name)
		}
	}
	if len(out) == 0 {
		out = alone
	}
	if machine && len(out) > 0 {
		return out
	}
	for _, m := range common.FindAllStringSubmatch(text, -1) {
		name := strings.TrimRight(m[1], ".")
		if gnu.MatchString(name) {
			add(&out, name)
		} else {
			add(&out, debianName(name))
		}
	}
	slices.Sort(out)
	return out
}

// grouped puts an expression of several licences in brackets.
func grouped(s string) string {
	if operator.MatchString(s) && !(strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")")) {
		return "(" + s + ")"
	}
	return s
}

// cdxLicenses writes a component's licences: as one expression if SPDX knows them all, for everything that is in it is under
// one of them or another; else one by one. CycloneDX has either.
func cdxLicenses(list []string) *cdx.Licenses {
	var known, names []string
	for _, l := range list {
		if e, ok := expression(l); ok {
			if strings.ContainsAny(e, "(") || strings.Contains(e, " OR ") {
				add(&known, e)
				continue
			}
			for one := range strings.SplitSeq(e, " AND ") {
				add(&known, one)
			}
		} else {
			add(&names, l)
		}
	}
	out := cdx.Licenses{}
	switch {
	case len(known) == 0 && len(names) == 0:
		return nil
	case len(names) == 0 && (len(known) > 1 || !plain(known[0])):
		slices.Sort(known)
		for i := range known {
			if len(known) > 1 {
				known[i] = grouped(known[i])
			}
		}
		declared := cdx.LicenseAcknowledgementDeclared
		return &cdx.Licenses{{Expression: strings.Join(known, " AND "), Acknowledgement: &declared}}
	}
	for _, l := range known {
		license := &cdx.License{Acknowledgement: cdx.LicenseAcknowledgementDeclared}
		if plain(l) {
			license.ID = l
		} else {
			license.Name = l
		}
		out = append(out, cdx.LicenseChoice{License: license})
	}
	for _, l := range names {
		out = append(out, cdx.LicenseChoice{License: &cdx.License{Name: l, Acknowledgement: cdx.LicenseAcknowledgementDeclared}})
	}
	return &out
}

// plain says whether an expression is the id of one licence.
func plain(s string) bool { return !strings.ContainsAny(s, " (+:") }

// anyOf joins licences of which one may choose, if SPDX knows them all; others stand side by side.
func anyOf(list []string) []string {
	if len(list) < 2 {
		return list
	}
	var out []string
	for _, l := range list {
		e, ok := expression(l)
		if !ok {
			return list
		}
		add(&out, grouped(e))
	}
	if len(out) == 1 {
		return out
	}
	return []string{"(" + strings.Join(out, " OR ") + ")"}
}
