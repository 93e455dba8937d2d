// Package sbomgen makes SBOMs for tests and benchmarks, shaped like those of applications: components inside of others, several
// licences, hashes, references and properties each, and some dependencies. The same numbers give the same bytes.
package sbomgen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// A generator writes one document.
type generator struct {
	bytes.Buffer
	*rand.Rand
	n int
}

func newGenerator(n int, seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 2)), n: n}
}

func (g *generator) printf(format string, args ...any) { fmt.Fprintf(&g.Buffer, format, args...) }

func (g *generator) digits(n int) string {
	b := make([]byte, 0, n)
	for len(b) < n {
		b = fmt.Appendf(b, "%016x", g.Uint64())
	}
	return string(b[:n])
}

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// to calls f with what component i depends on, each once.
func (g *generator) to(i int, f func(first bool, to int)) {
	seen := map[int]bool{}
	for k := range min(i, i%6) {
		if to := (i*7 + k*13) % i; !seen[to] {
			seen[to] = true
			f(len(seen) == 1, to)
		}
	}
}

func name(i int) string    { return "package-" + strconv.Itoa(i) }
func version(i int) string { return fmt.Sprintf("%d.%d.%d", i%5, i%7, i%11) }
func purl(i int) string    { return "pkg:npm/%40scope/" + name(i) + "@" + version(i) }

const description = "The package with the number %d, which \\\"somebody\\\" described at a length that is usual for such packages."

// CycloneDX returns a document with n components in a version from 1.2 on. Of ten components, one holds two others.
func CycloneDX(version string, n int, seed uint64) []byte {
	g := newGenerator(n, seed)
	g.printf(`{"bomFormat":"CycloneDX","specVersion":"%s","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a6%04x","version":1,`,
		version, seed&0xffff)
	g.printf(`"metadata":{"timestamp":"2026-01-02T03:04:05Z","tools":[{"vendor":"Example","name":"maker","version":"1.2.3"}],` +
		`"authors":[{"name":"Some Body","email":"some.body@example.com"}],` +
		`"component":{"type":"application","bom-ref":"root","name":"root","version":"1.0.0"}},"components":[`)
	for i := 0; i < n; {
		if i > 0 {
			g.WriteByte(',')
		}
		i = g.cycloneDX(version, i)
	}
	g.WriteString(`],"dependencies":[{"ref":"root","dependsOn":["` + purl(0) + `"]}`)
	for i := range n {
		g.printf(`,{"ref":"%s","dependsOn":[`, purl(i))
		g.to(i, func(first bool, to int) {
			if !first {
				g.WriteByte(',')
			}
			g.printf(`"%s"`, purl(to))
		})
		g.WriteString("]}")
	}
	g.WriteString("]}\n")
	return g.Bytes()
}

// cycloneDX writes component i and those in it, and returns the number of the next one.
func (g *generator) cycloneDX(v string, i int) int {
	g.printf(`{"type":"library","bom-ref":"%s","author":"Somebody <some.body@example.com>","publisher":"Example Inc.","group":"@scope",`+
		`"name":"%s","version":"%s",`,
		purl(i), name(i), version(i))
	g.printf(`"description":"`+description+`","scope":"%s",`, i, g.pick("required", "optional"))
	g.printf(`"hashes":[{"alg":"SHA-1","content":"%s"},{"alg":"SHA-256","content":"%s"}],`, g.digits(40), g.digits(64))
	switch i % 4 {
	case 0:
		g.WriteString(`"licenses":[{"license":{"id":"MIT"}},{"license":{"id":"Apache-2.0"}}],`)
	case 1:
		g.WriteString(`"licenses":[{"expression":"(MIT OR Apache-2.0) AND BSD-3-Clause"}],`)
	case 2:
		g.printf(`"licenses":[{"license":{"name":"The licence of Example %d","url":"https://example.com/license/%d"}},`+
			`{"license":{"id":"ISC"}}],`, i%9, i%9)
	default:
		g.WriteString(`"licenses":[{"license":{"id":"MIT"}}],`)
	}
	g.printf(`"copyright":"Copyright 20%02d Example","cpe":"cpe:2.3:a:example:%s:%s:*:*:*:*:*:*:*","purl":"%s",`, i%30, name(i),
		version(i), purl(i))
	g.printf(`"externalReferences":[{"type":"website","url":"https://example.com/%s"},{"type":"vcs","url":"https://example.com/%s.git"},`+
		`{"type":"distribution","url":"https://example.com/%s.tgz"}]`, name(i), name(i), name(i))
	if v >= "1.3" {
		g.printf(`,"properties":[{"name":"example:path","value":"node_modules/%s/package.json"},{"name":"example:layer",`+
			`"value":"sha256:%s"}]`, name(i), g.digits(64))
	}
	next := i + 1
	if i%10 == 3 {
		g.WriteString(`,"components":[`)
		for k := range 2 {
			if next < g.n {
				if k > 0 {
					g.WriteByte(',')
				}
				next = g.cycloneDX(v, next)
			}
		}
		g.WriteByte(']')
	}
	g.WriteByte('}')
	return next
}

// SPDX2 returns a document of SPDX 2.2 or 2.3 with n packages, and a file for every ten.
func SPDX2(version string, n int, seed uint64) []byte {
	g := newGenerator(n, seed)
	g.printf(`{"spdxVersion":"SPDX-%s","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"s",`+
		`"documentNamespace":"https://example.com/s-%d",`, version, seed)
	g.WriteString(`"creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Tool: maker-1.2.3","Organization: Example Inc. ` +
		`(mail@example.com)"],` +
		`"licenseListVersion":"3.25"},"packages":[`)
	category := "PACKAGE-MANAGER"
	if version == "2.2" {
		category = "PACKAGE_MANAGER"
	}
	for i := range n {
		if i > 0 {
			g.WriteByte(',')
		}
		g.spdx2(i, category)
	}
	g.WriteString(`],"files":[`)
	for i := 0; i < n; i += 10 {
		if i > 0 {
			g.WriteByte(',')
		}
		g.printf(`{"SPDXID":"SPDXRef-file-%d","fileName":"./%s/index.js","checksums":[{"algorithm":"SHA1","checksumValue":"%s"}],`+
			`"licenseConcluded":"NOASSERTION",`+
			`"licenseInfoInFiles":["%s"],"copyrightText":"NOASSERTION"}`, i, name(i), g.digits(40), g.pick("MIT", "NOASSERTION", "ISC"))
	}
	g.WriteString(`],"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-example","extractedText":"As you like.","name":"Example"}],` +
		`"relationships":[` +
		`{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-package-0"}`)
	for i := range n {
		g.to(i, func(_ bool, to int) {
			g.printf(`,{"spdxElementId":"SPDXRef-package-%d","relationshipType":"DEPENDS_ON","relatedSpdxElement":"SPDXRef-package-%d"}`, i,
				to)
		})
		if i%10 == 0 {
			g.printf(`,{"spdxElementId":"SPDXRef-package-%d","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-file-%d"}`, i, i)
		}
	}
	g.WriteString("]}\n")
	return g.Bytes()
}

func (g *generator) spdx2(i int, category string) {
	g.printf(`{"SPDXID":"SPDXRef-package-%d","name":"@scope/%s","versionInfo":"%s","supplier":"Organization: Example (mail@example.com)",`+
		`"originator":"Person: Some Body","downloadLocation":"https://example.com/%s.tgz","filesAnalyzed":false,`, i, name(i),
		version(i), name(i))
	g.printf(`"checksums":[{"algorithm":"SHA1","checksumValue":"%s"},{"algorithm":"SHA256","checksumValue":"%s"}],`+
		`"homepage":"https://example.com/%s",`,
		g.digits(40), g.digits(64), name(i))
	g.printf(`"licenseConcluded":"%s","licenseDeclared":"%s","copyrightText":"Copyright 20%02d Example","description":"`+description+`",`,
		g.pick("NOASSERTION", "MIT"), g.pick("MIT", "MIT AND Apache-2.0", "LicenseRef-example", "NONE"), i%30, i)
	g.printf(`"externalRefs":[{"referenceCategory":"%s","referenceType":"purl","referenceLocator":"%s"},`+
		`{"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:example:%s:%s:*:*:*:*:*:*:*"}]}`,
		category, purl(i), name(i), version(i))
}

// SPDX3 returns a document of SPDX 3.0.1 with n packages.
func SPDX3(n int, seed uint64) []byte {
	g := newGenerator(n, seed)
	base := fmt.Sprintf("https://example.com/s-%d", seed)
	g.WriteString(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[` +
		`{"type":"CreationInfo","@id":"_:creationinfo","specVersion":"3.0.1","created":"2026-01-02T03:04:05Z","createdBy":["` + base +
		`#who"],"createdUsing":["` + base + `#tool"]},` +
		`{"type":"Organization","spdxId":"` + base + `#who","creationInfo":"_:creationinfo","name":"Example Inc."},` +
		`{"type":"Tool","spdxId":"` + base + `#tool","creationInfo":"_:creationinfo","name":"maker-1.2.3"},` +
		`{"type":"simplelicensing_LicenseExpression","spdxId":"` + base + `#mit","creationInfo":"_:creationinfo",` +
		`"simplelicensing_licenseExpression":"MIT"},` +
		`{"type":"SpdxDocument","spdxId":"` + base + `","creationInfo":"_:creationinfo","name":"s","rootElement":["` + base +
		`#package-0"],` +
		`"profileConformance":["core","software","simpleLicensing"]}`)
	for i := range n {
		g.printf(`,{"type":"software_Package","spdxId":"%s#%s","creationInfo":"_:creationinfo","name":"@scope/%s",`+
			`"software_packageVersion":"%s",`+
			`"software_primaryPurpose":"%s","software_packageUrl":"%s","software_homePage":"https://example.com/%s",`+
			`"software_copyrightText":"Copyright 20%02d Example",`,
			base, name(i), name(i), version(i), g.pick("library", "application", "source"), purl(i), name(i), i%30)
		g.printf(`"description":"`+description+`","suppliedBy":"%s#who","verifiedUsing":[{"type":"Hash","algorithm":"sha1",`+
			`"hashValue":"%s"},`+
			`{"type":"Hash","algorithm":"sha256","hashValue":"%s"}],`, i, base, g.digits(40), g.digits(64))
		g.printf(`"externalRef":[{"type":"ExternalRef","externalRefType":"vcs","locator":["https://example.com/%s.git"]}]}`, name(i))
		g.printf(`,{"type":"Relationship","spdxId":"%s#licence-%d","creationInfo":"_:creationinfo","from":"%s#%s",`+
			`"relationshipType":"hasDeclaredLicense","to":["%s#mit"]}`,
			base, i, base, name(i), base)
		g.to(i, func(_ bool, to int) {
			g.printf(`,{"type":"LifecycleScopedRelationship","spdxId":"%s#edge-%d-%d","creationInfo":"_:creationinfo","from":"%s#%s",`+
				`"relationshipType":"dependsOn",`+
				`"to":["%s#%s"],"scope":"runtime"}`, base, i, to, base, name(i), base, name(to))
		})
	}
	g.WriteString("]}\n")
	return g.Bytes()
}
