package quality

import (
	"encoding/json"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/internal/cpe"
)

// A context is what checks look at: a document and, for checks of components, one of these.
type context struct {
	doc       *sbom.Document
	about     *sbom.About
	opts      *Options
	related   map[sbom.Ref]bool       // depends on something or contains it
	artifacts map[sbom.Ref][]sbom.Ref // SPDX 3: files that a package is distributed as

	ref       sbom.Ref
	component *sbom.Component
	details   *sbom.Details
}

func newContext(doc *sbom.Document, o *Options) *context {
	c := &context{doc: doc, about: doc.About(), opts: o, related: map[sbom.Ref]bool{}, artifacts: map[sbom.Ref][]sbom.Ref{}}
	for e := range doc.Relationships() {
		switch {
		case e.From == sbom.None:
		case strings.HasSuffix(string(e.Type), "_DEPENDENCY_OF"):
			c.related[e.To] = true
		case e.Type == sbom.DependsOn || e.Type == sbom.Contains || e.Type == "DYNAMIC_LINK" || e.Type == "STATIC_LINK" ||
			e.Type == "HAS_PREREQUISITE":
			c.related[e.From] = true
		case e.Type == "DISTRIBUTION_ARTIFACT" && !c.spdx2() && e.To != sbom.None:
			c.artifacts[e.From] = append(c.artifacts[e.From], e.To)
		}
	}
	return c
}

// spdx2 says whether the document is in SPDX 2, which has no properties and a word for what nobody knows.
func (c *context) spdx2() bool {
	return c.doc.Format().Spec == sbom.SPDX && strings.HasPrefix(c.doc.Format().Version, "2")
}

// said returns a text member of an SPDX 2 package as it stands.
func (c *context) said(member string) string {
	if !c.spdx2() {
		return ""
	}
	var m map[string]json.RawMessage
	var s string
	if json.Unmarshal(c.component.Raw(), &m) == nil {
		json.Unmarshal(m[member], &s) // what is no text says nothing
	}
	return s
}

// A check looks at the document or at one component.
type check struct {
	means     string
	document  func(c *context, arg string) verdict
	component func(c *context, arg string) verdict
}

var checks = map[string]check{
	"format": {means: `the format is one of Arg: "CycloneDX>=1.6 SPDX>=2.2..2.3"`, document: checkFormat},
	"encoding": {means: "the encoding is one of Arg: \"JSON XML\"", document: func(c *context, arg string) verdict {
		return want(slices.Contains(strings.Fields(arg), string(c.doc.Encoding())), "write it as "+strings.ReplaceAll(arg, " ", " or "))
	}},
	"author": {means: "a person or an organization made the document", document: func(c *context, _ string) verdict {
		return want(len(c.authors()) > 0, "name the person or organization that made the SBOM")
	}},
	"author-contact": {means: "there is a mail address or a URL of who made the document", document: func(c *context, _ string) verdict {
		list := c.authors()
		for i := range list {
			if contact(&list[i]).ok {
				return good
			}
		}
		if len(list) == 0 {
			return absent("name who made the SBOM, with a mail address or a URL")
		}
		return bad("give a mail address or a URL of who made the SBOM")
	}},
	"author-organization": {means: "an organization made the document", document: func(c *context, _ string) verdict {
		return want(slices.ContainsFunc(c.authors(), func(p sbom.Party) bool { return p.Kind == "Organization" && p.Name != "" }),
			"name the organization that made the SBOM")
	}},
	"author-signature": {means: "there is a signature of who made the document", document: func(c *context, _ string) verdict {
		return want(c.opts.AuthorSignature || c.about.Signed, "sign the SBOM, beside it or inside")
	}},
	"timestamp": {means: "there is a time of creation by RFC 3339", document: func(c *context, _ string) verdict {
		if c.doc.Created() == "" {
			return absent("say when the SBOM was made")
		}
		if _, err := time.Parse(time.RFC3339, c.doc.Created()); err != nil {
			return bad("write the time as RFC 3339, such as 2026-01-02T03:04:05Z")
		}
		return good
	}},
	"tool": {means: "a tool that made the document is named", document: func(c *context, _ string) verdict {
		return want(slices.ContainsFunc(c.about.Tools, func(p sbom.Party) bool { return p.Name != "" }), "name the tool that made the SBOM")
	}},
	"tool-version": {means: "every tool has a version", document: checkToolVersion},
	"document-version": {means: "the document has a version and a name of its own: serial number and version in CycloneDX, a namespace " +
		"in SPDX", document: func(c *context, _ string) verdict {
		if c.doc.ID() == "" {
			return absent("give the SBOM a serial number or namespace")
		}
		return want(c.about.Version != "" || c.doc.Format().Spec == sbom.SPDX, "say which version of the SBOM it is")
	}},
	"document-id": {means: "the document has a serial number or namespace", document: func(c *context, _ string) verdict {
		return want(c.doc.ID() != "", "give the SBOM a serial number or namespace")
	}},
	"document-name": {means: "the document has a name", document: func(c *context, _ string) verdict {
		return want(c.doc.Name() != "", "give the SBOM a name")
	}},
	"data-license": {means: "there is a licence for the document", document: func(c *context, _ string) verdict {
		return want(c.about.DataLicense != "", "say under which licence the SBOM is")
	}},
	"generation-context": {means: "the document says at which stage of the software's life it was made", document: checkGeneration},
	"primary": {means: "the document says what it is about", document: func(c *context, _ string) verdict {
		return want(len(c.doc.Roots()) > 0, "say which component the SBOM is about")
	}},
	"dependencies": {means: "what the document is about depends on something, or nothing, and it says so",
		document: func(c *context, _ string) verdict {
			roots := c.doc.Roots()
			if len(roots) == 0 {
				return absent("say which component the SBOM is about, and what it depends on")
			}
			for _, r := range roots {
				if !c.related[r] && c.about.Completeness[r] == "" && c.doc.Len() > 1 {
					return absent("say what " + clip(c.doc.Component(r).Name, 40) + " depends on")
				}
			}
			return good
		}},
	"completeness": {means: "the document says whether it names all that it is about depends on",
		document: func(c *context, _ string) verdict {
			for _, r := range c.doc.Roots() {
				if v := c.about.Completeness[r]; v == "" {
					return absent("say whether the dependencies of " + clip(c.doc.Component(r).Name, 40) + " are complete")
				}
			}
			return want(len(c.doc.Roots()) > 0, "say which component the SBOM is about")
		}},
	"no-vulnerabilities": {means: "the document lists no vulnerabilities", document: func(c *context, _ string) verdict {
		if c.about.Vulnerabilities > 0 {
			return bad("put vulnerabilities into a document of their own, such as CSAF or VEX")
		}
		return good
	}},
	"describes": {means: "the document describes something that contains or depends on others",
		document: func(c *context, _ string) verdict {
			return want(len(c.doc.Roots()) > 0 && len(c.related) > 0 || c.doc.Len() == 1 && len(c.doc.Roots()) == 1,
				"relate the document and its packages with DESCRIBES and CONTAINS or DEPENDS_ON")
		}},

	"name": {means: "the component has a name", component: func(c *context, _ string) verdict {
		return want(strings.TrimSpace(c.component.Name) != "", "name the component")
	}},
	"version": {means: "the component has a version", component: func(c *context, _ string) verdict {
		switch v := strings.TrimSpace(c.component.Version); {
		case v == "NOASSERTION" || v == "unknown" || v == "UNKNOWN":
			return unknown("say which version it is")
		default:
			return want(v != "", "say which version it is")
		}
	}},
	"id": {means: "the component has an ID in the document", component: func(c *context, _ string) verdict {
		return want(c.component.ID != "", "give it an ID")
	}},
	"producer": {means: "who made or supplied the component is named", component: checkProducer},
	"producer-contact": {means: "there is a mail address or a URL of who made or supplied the component",
		component: func(c *context, _ string) verdict {
			list := c.producers()
			for i := range list {
				if contact(&list[i]).ok {
					return good
				}
			}
			if len(list) > 0 {
				return bad("give a mail address or a URL of " + clip(list[0].Name, 40))
			}
			return checkProducer(c, "")
		}},
	"identifier": {means: "the component has a package URL, CPE, SWID, SWHID or gitoid", component: checkIdentifier},
	"purl": {means: "the component has a package URL", component: func(c *context, _ string) verdict {
		if len(c.details.PURLs) == 0 {
			return absent("give it a package URL")
		}
		if _, err := sbom.ParsePURL(c.details.PURLs[0]); err != nil {
			return bad("write the package URL as purl-spec says")
		}
		return good
	}},
	"hash": {means: "there is a hash of the component's content", component: func(c *context, _ string) verdict {
		v := absent("give a hash of its content, with its algorithm")
		for _, h := range c.hashes() {
			if wellFormed(h) {
				return good
			}
			v = bad("write its " + clip(h.Algorithm, 20) + " as hexadecimal digits of its length")
		}
		return v
	}},
	"hash-or-code": {means: "there is a hash or, in SPDX 2, a verification code of the component's content",
		component: func(c *context, _ string) verdict {
			return want(len(c.hashes()) > 0 || c.spdx2() && strings.Contains(string(c.component.Raw()), `"packageVerificationCode"`),
				"give a checksum or a verification code")
		}},
	"deployable-hash": {means: "there is a SHA-512 of the component as it is deployed", component: checkDeployableHash},
	"filename": {means: "the component has a file name", component: func(c *context, _ string) verdict {
		if c.property("filename") != "" || c.details.FileName != "" || c.component.Kind == "file" && c.component.Name != "" {
			return good
		}
		for _, f := range c.artifacts[c.ref] {
			if c.doc.Component(f).Name != "" {
				return good
			}
		}
		return absent("give the name of its file, in CycloneDX as the property bsi:component:filename")
	}},
	"executable": {means: "the document says whether the component is executable",
		component: flag("executable", "executable", "non-executable")},
	"archive": {means: "the document says whether the component is an archive", component: flag("archive", "archive", "no archive")},
	"structured": {means: "the document says whether the component is structured",
		component: flag("structured", "structured", "unstructured")},
	"license": {means: "there is a licence of the component, by an SPDX expression or a name",
		component: func(c *context, _ string) verdict {
			return checkLicense(c, "", false)
		}},
	"license-concluded": {means: "there is a concluded licence, by an SPDX expression", component: func(c *context, _ string) verdict {
		return checkLicense(c, "concluded", true)
	}},
	"license-declared": {means: "there is a declared licence, by an SPDX expression", component: func(c *context, _ string) verdict {
		return checkLicense(c, "declared", true)
	}},
	"license-expression": {means: "there is a licence, by an SPDX expression", component: func(c *context, _ string) verdict {
		return checkLicense(c, "", true)
	}},
	"license-effective": {means: "the document says which licence the component is used under",
		component: func(c *context, _ string) verdict {
			s := c.property("effectiveLicence")
			if s == "" {
				s = c.property("effectiveLicense")
			}
			if s == "" {
				return absent("say which licence it is used under, in CycloneDX as the property bsi:component:effectiveLicence")
			}
			if _, err := ParseExpression(s); err != nil {
				return bad("write the licence as an SPDX expression")
			}
			return good
		}},
	"copyright": {means: "there is a copyright text", component: func(c *context, _ string) verdict {
		switch c.details.Copyright {
		case "NOASSERTION":
			return unknown("say who has the copyright")
		case "NONE":
			return good
		}
		return want(c.details.Copyright != "", "say who has the copyright")
	}},
	"download": {means: "there is a place to download the component from", component: func(c *context, _ string) verdict {
		for _, r := range c.details.References {
			if r.Type == "distribution" || r.Type == "distribution-intake" || r.Type == "binaryArtifact" {
				return validURL(r.URL)
			}
		}
		switch c.details.Download {
		case "NOASSERTION":
			return unknown("say where it can be downloaded")
		case "NONE":
			return good
		case "":
			return absent("say where it can be downloaded")
		}
		return validURL(c.details.Download)
	}},
	"source": {means: "there is a place to get the component's source code from", component: func(c *context, _ string) verdict {
		for _, r := range c.details.References {
			if sourceReference(r.Type) {
				return validURL(r.URL)
			}
		}
		if s := c.details.SourceInfo; validURL(s).ok {
			return good
		}
		return absent("say where its source code is, in CycloneDX as a reference of type source-distribution")
	}},
	"source-hash": {means: "there is a hash of the component's source code, of 256 bits or more",
		component: func(c *context, _ string) verdict {
			v := absent("give a hash of its source code")
			for _, r := range c.details.References {
				for _, h := range r.Hashes {
					switch {
					case !sourceReference(r.Type):
					case wellFormed(h) && len(h.Value) >= 64:
						return good
					case wellFormed(h):
						v = bad("give a hash of its source code of 256 bits or more")
					default:
						v = bad("write the " + clip(h.Algorithm, 20) + " of its source code as hexadecimal digits of its length")
					}
				}
			}
			return v
		}},
	"security-txt": {means: "there is the URL of a security.txt", component: func(c *context, _ string) verdict {
		for _, r := range c.details.References {
			if r.Type == "rfc-9116" || r.Type == "securityOther" {
				return validURL(r.URL)
			}
		}
		return absent("give the URL of its maker's security.txt")
	}},
	"component-dependencies": {means: "the document says what the component depends on, and whether that is all",
		component: func(c *context, _ string) verdict {
			if c.about.Completeness[c.ref] == "" {
				return absent("say whether its dependencies are complete")
			}
			return good
		}},
}

func checkFormat(c *context, arg string) verdict {
	for _, f := range strings.Fields(arg) {
		spec, least, _ := strings.Cut(f, ">=")
		if string(c.doc.Format().Spec) != spec {
			continue
		}
		least, most, bounded := strings.Cut(least, "..")
		if v := c.doc.Format().Version; v >= least && (!bounded || v <= most) { // versions of the two have one digit each
			return good
		}
	}
	var list []string
	for _, f := range strings.Fields(arg) {
		if strings.Contains(f, "..") {
			list = append(list, strings.NewReplacer(">=", " ", "..", " to ").Replace(f))
		} else {
			list = append(list, strings.Replace(f, ">=", " ", 1)+" or later")
		}
	}
	return bad("convert it to " + strings.Join(list, ", or "))
}

// authors are those who made the document, other than tools.
func (c *context) authors() []sbom.Party {
	return slices.DeleteFunc(slices.Clone(c.about.Authors), func(p sbom.Party) bool { return p.Name == "" && p.Email == "" && p.URL == "" })
}

func checkToolVersion(c *context, _ string) verdict {
	if len(c.about.Tools) == 0 {
		return absent("name the tool that made the SBOM, with its version")
	}
	for _, t := range c.about.Tools {
		name := strings.TrimRight(t.Name, " ")
		digit := strings.LastIndexAny(name, "0123456789") > strings.LastIndexAny(name, "- :@") && strings.ContainsAny(name, "- :@")
		if t.Version == "" && !(c.doc.Format().Spec == sbom.SPDX && digit) {
			return absent("say which version of " + clip(name, 40) + " made the SBOM")
		}
	}
	return good
}

// Words for the stages of software: CycloneDX's phases, CISA's types of SBOM, those of its minimum elements, SPDX 3's.
var stages = []string{"design", "source", "build", "analyzed", "deployed", "runtime", "pre-build", "post-build", "operations", "discovery",
	"decommission"}

func checkGeneration(c *context, arg string) verdict {
	for _, l := range c.about.Lifecycles {
		if l != "" {
			return good
		}
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(c.about.Comment),
		func(r rune) bool { return !(r >= 'a' && r <= 'z' || r == '-') }) {
		if slices.Contains(stages, word) {
			return good
		}
	}
	return absent("say at which stage the SBOM was made: in CycloneDX as a lifecycle, in SPDX 2 in the comment of the creation")
}

// producers are those who made or supplied the component.
func (c *context) producers() (list []sbom.Party) {
	for _, p := range []*sbom.Party{c.details.Supplier, c.details.Manufacturer} {
		if p != nil && (p.Name != "" || p.Email != "" || p.URL != "") {
			list = append(list, *p)
		}
	}
	for _, p := range c.details.Authors {
		if p.Name != "" || p.Email != "" {
			list = append(list, p)
		}
	}
	return list
}

func checkProducer(c *context, arg string) verdict {
	if arg == "supplier" {
		if p := c.details.Supplier; p != nil && p.Name != "" {
			return good
		}
	} else if len(c.producers()) > 0 {
		return good
	}
	if c.said("supplier") == "NOASSERTION" || arg == "" && c.said("originator") == "NOASSERTION" {
		return unknown("say who supplied it")
	}
	return absent("say who supplied it")
}

// contact says whether there is a mail address or a URL that looks like one.
func contact(p *sbom.Party) verdict {
	if p.Email != "" {
		if a, err := mail.ParseAddress(p.Email); err == nil && a.Address == p.Email {
			return good
		}
	}
	if p.URL != "" && validURL(p.URL).ok {
		return good
	}
	return absent("")
}

func validURL(s string) verdict {
	s = strings.TrimPrefix(s, "git+")
	if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" {
		return bad("write " + clip(s, 40) + " as a URL")
	}
	return good
}

func checkIdentifier(c *context, _ string) verdict {
	for _, s := range c.details.PURLs {
		if _, err := sbom.ParsePURL(s); err == nil {
			return good
		}
	}
	for _, s := range c.details.CPEs {
		if cpe.IsName(s) {
			return good
		}
	}
	for _, id := range c.details.Identifiers {
		if id.Value != "" {
			return good
		}
	}
	if len(c.details.PURLs)+len(c.details.CPEs) > 0 {
		return bad("write its package URL or CPE as their specifications say")
	}
	return absent("give it a package URL or a CPE")
}

// hashes are those of the component and, in SPDX 3, of the files it is distributed as.
func (c *context) hashes() []sbom.Hash {
	list := c.details.Hashes
	for _, f := range c.artifacts[c.ref] {
		list = append(list, c.doc.Hashes(f)...)
	}
	return list
}

// digits are how many hexadecimal digits hashes have, by what names of algorithms end in.
var digits = []struct {
	suffix string
	n      int
}{{"MD5", 32}, {"SHA-1", 40}, {"224", 56}, {"256", 64}, {"384", 96}, {"512", 128}}

// wellFormed says whether a hash has an algorithm, and digits as many as that makes.
func wellFormed(h sbom.Hash) bool {
	for _, d := range digits {
		if strings.HasSuffix(h.Algorithm, d.suffix) && len(h.Value) != d.n {
			return false
		}
	}
	return h.Algorithm != "" && h.Value != "" && strings.Trim(h.Value, "0123456789abcdefABCDEF") == ""
}

func checkDeployableHash(c *context, _ string) verdict {
	list := c.hashes()
	if c.doc.Format().Spec == sbom.CycloneDX {
		list = nil
		for _, r := range c.details.References {
			if r.Type == "distribution" || r.Type == "distribution-intake" {
				list = append(list, r.Hashes...)
			}
		}
	}
	for _, h := range list {
		if strings.ReplaceAll(h.Algorithm, "-", "") == "SHA512" && wellFormed(h) {
			return good
		}
	}
	return absent("give the SHA-512 of its file, in CycloneDX on a reference of type distribution")
}

// property returns a property of BSI's taxonomy for CycloneDX.
func (c *context) property(name string) string {
	for _, p := range c.details.Properties {
		if p.Name == "bsi:component:"+name {
			return p.Value
		}
	}
	return ""
}

// flag checks that one of two words is said; which one does not matter.
func flag(name, yes, no string) func(*context, string) verdict {
	return func(c *context, _ string) verdict {
		if len(c.details.Purposes) > 0 {
			return good // SPDX 3 lists all that hold
		}
		v := c.property(name)
		switch {
		case v == "":
			return absent("say so with the property bsi:component:" + name)
		case v == yes || v == no:
			return good
		}
		return bad(`give the property bsi:component:` + name + ` the value "` + yes + `" or "` + no + `"`)
	}
}

func checkLicense(c *context, role string, expression bool) verdict {
	v := absent("say under which licence it is")
	if role != "" {
		v = absent("say which licence is " + role)
	}
	for _, l := range c.details.Licenses {
		if role != "" && l.Role != role {
			continue
		}
		switch l.State {
		case sbom.NoAssertion:
			if v.absent {
				v = unknown(v.advice)
			}
			continue
		case sbom.NoValue:
			return good // somebody looked, and there is none
		}
		if !expression && l.Name != "" {
			return good
		}
		if _, err := ParseExpression(l.Expression); err == nil {
			return good
		}
		if !v.ok {
			v = bad("write " + clip(l.Expression+l.Name, 40) + " as an SPDX licence expression")
		}
	}
	return v
}

func sourceReference(t string) bool {
	return t == "source-distribution" || t == "vcs" || t == "sourceArtifact"
}

func init() {
	checks["unknown-marked"] = check{means: "what the document does not say of a component it says nobody knows", component: checkMarked}
}

// checkMarked wants what is not said to be said to be unknown. CycloneDX has no word for it that is agreed on.
func checkMarked(c *context, _ string) verdict {
	var silent []string
	for _, name := range []string{"version", "producer", "identifier", "license", "hash"} {
		if v := checks[name].component(c, ""); v.absent {
			silent = append(silent, name)
		}
	}
	if len(silent) == 0 {
		return good
	}
	return absent("say that nobody knows, or who does: " + strings.Join(silent, ", "))
}
