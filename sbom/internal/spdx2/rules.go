package spdx2

import (
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/cpe"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema/iri"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// mandatory lists what the text of SPDX 2.2 and 2.3 makes mandatory, by the member of the document that holds the
// objects. The schema of 2.2 requires nothing.
var mandatory = []struct {
	in      string
	members []string
}{
	{"", []string{"SPDXID", "spdxVersion", "name", "dataLicense", "documentNamespace", "creationInfo"}},
	{"packages", []string{"SPDXID", "name", "downloadLocation"}},
	{"files", []string{"SPDXID", "fileName", "checksums"}},
	{"snippets", []string{"SPDXID", "snippetFromFile", "ranges"}},
	{"relationships", []string{"spdxElementId", "relationshipType", "relatedSpdxElement"}},
	{"hasExtractedLicensingInfos", []string{"licenseId", "extractedText"}},
	{"externalDocumentRefs", []string{"externalDocumentId", "spdxDocument", "checksum"}},
	{"annotations", []string{"annotator", "annotationDate", "annotationType", "comment"}},
}

// checker is one pass of the rules of SPDX 2.2 and 2.3 (clauses 6 to 12).
type checker struct {
	*check.Check
	ids       map[string]bool // elements
	licenses  map[string]bool // extracted licences
	documents map[string]bool // references to other documents
}

func Rules(c *check.Check, name string) {
	s := &checker{c, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	root := c.Doc.Root()
	if name == "SPDX 2.2" {
		s.mandatory()
	} else if c.Doc.Member(root, "documentNamespace") < 0 {
		c.Say(root, "Add the member \"documentNamespace\", which a document must have.")
	}
	s.identifiers()
	if text, n := c.Text(root, "dataLicense"); n >= 0 && text != "CC0-1.0" {
		c.Say(n, "Write \"CC0-1.0\" instead of %s: the data of every SPDX document is under that licence.", spec.Quote(text))
	}
	if text, n := c.Text(root, "documentNamespace"); n >= 0 && (!iri.IsReference(text) || !iri.IsAbsolute(text) ||
		strings.Contains(text, "#")) {
		c.Tolerate(n, "Replace %s by an absolute URI without \"#\".", spec.Quote(text))
	}
	if info := c.Doc.Member(root, "creationInfo"); info >= 0 {
		s.date(info, "created")
		for n, creator := range c.Strings(c.Doc.Member(info, "creators")) {
			s.actor(n, creator, "Person", "Organization", "Tool")
		}
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for e := range c.Members(root, in) {
			s.element(e)
		}
	}
	s.annotations(root)
	for r := range c.Members(root, "relationships") {
		for _, end := range []string{"spdxElementId", "relatedSpdxElement"} {
			if text, n := c.Text(r, end); n >= 0 {
				s.reference(n, text, end == "relatedSpdxElement")
			}
		}
	}
	for n, id := range c.Strings(c.Doc.Member(root, "documentDescribes")) {
		s.reference(n, id, false)
	}
	for r := range c.Members(root, "revieweds") {
		s.date(r, "reviewDate")
	}
	for e := range c.Members(root, "externalDocumentRefs") {
		s.checksum(c.Doc.Member(e, "checksum"))
	}
}

func (s *checker) mandatory() {
	require := func(n jsonschema.Node, members []string) {
		for _, m := range members {
			if s.Doc.Kind(n) == strictjson.Object && s.Doc.Member(n, m) < 0 {
				s.Say(n, "Add the member %q, which this must have.", m)
			}
		}
	}
	root := s.Doc.Root()
	for _, rule := range mandatory {
		if rule.in == "" {
			require(root, rule.members)
			continue
		}
		for n := range s.Members(root, rule.in) {
			require(n, rule.members)
		}
	}
	if info := s.Doc.Member(root, "creationInfo"); info >= 0 {
		require(info, []string{"created", "creators"})
	}
}

// identifiers collects what can be referred to, and finds what is defined twice.
func (s *checker) identifiers() {
	root := s.Doc.Root()
	add := func(owner jsonschema.Node) {
		id, n := s.Text(owner, "SPDXID")
		switch {
		case n < 0:
		case s.ids[id]:
			s.Say(n, "Give this another SPDXID: %s is taken by an earlier element.", spec.Quote(id))
		case !spec.IsRef(id, "SPDXRef-") && spec.IsRef(strings.Map(harmless, id), "SPDXRef-"):
			s.Doubt(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		case !spec.IsRef(id, "SPDXRef-") && strings.HasPrefix(id, "SPDXRef-") && !strings.ContainsAny(id, " \t\n"):
			s.Tolerate(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		case !spec.IsRef(id, "SPDXRef-"):
			s.Say(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		}
		s.ids[id] = true
	}
	add(root)
	if id, n := s.Text(root, "SPDXID"); n >= 0 && id != spec.DocumentID {
		s.Say(n, "Write \"SPDXRef-DOCUMENT\" instead of %s: every document has that id.", spec.Quote(id))
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for e := range s.Members(root, in) {
			add(e)
		}
	}
	for e := range s.Members(root, "hasExtractedLicensingInfos") {
		if id, n := s.Text(e, "licenseId"); n >= 0 {
			if s.licenses[id] {
				s.Say(n, "Give this licence another id: %s is taken by an earlier one.", spec.Quote(id))
			}
			if !spec.IsRef(id, "LicenseRef-") {
				s.Say(n, "Replace %s by \"LicenseRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
			}
			s.licenses[id] = true
		}
	}
	for e := range s.Members(root, "externalDocumentRefs") {
		if id, n := s.Text(e, "externalDocumentId"); n >= 0 {
			if s.documents[id] {
				s.Say(n, "Give this document another id: %s is taken by an earlier one.", spec.Quote(id))
			}
			s.documents[id] = true
		}
	}
}

// harmless drops the characters that tools put into identifiers although the specification does not allow them.
func harmless(c rune) rune {
	if strings.ContainsRune("+/_@~:", c) {
		return -1
	}
	return c
}

// reference checks that an element is in this document or in one that it refers to.
func (s *checker) reference(n jsonschema.Node, id string, none bool) {
	if doc, _, ok := strings.Cut(id, ":"); ok && strings.HasPrefix(doc, "DocumentRef-") {
		if !s.documents[doc] {
			s.Say(n, "Add %s to externalDocumentRefs, or change this reference.", spec.Quote(doc))
		}
		return
	}
	if none && (id == "NONE" || id == "NOASSERTION") || s.ids[id] {
		return
	}
	s.Say(n, "Change %s to the SPDXID of an element of this document, or add that element.", spec.Quote(id))
}

func (s *checker) element(e jsonschema.Node) {
	for _, m := range []string{"licenseConcluded", "licenseDeclared"} {
		if text, n := s.Text(e, m); n >= 0 {
			s.license(n, text)
		}
	}
	for _, m := range []string{"licenseInfoFromFiles", "licenseInfoInFiles", "licenseInfoInSnippets"} {
		for n, text := range s.Strings(s.Doc.Member(e, m)) {
			s.license(n, text)
		}
	}
	for sum := range s.Members(e, "checksums") {
		s.checksum(sum)
	}
	for _, m := range []string{"supplier", "originator"} {
		if text, n := s.Text(e, m); n >= 0 && text != "NOASSERTION" {
			s.actor(n, text, "Person", "Organization")
		}
	}
	for _, m := range []string{"builtDate", "releaseDate", "validUntilDate"} {
		s.date(e, m)
	}
	for r := range s.Members(e, "externalRefs") {
		kind, _ := s.Text(r, "referenceType")
		locator, at := s.Text(r, "referenceLocator")
		switch {
		case at < 0 || s.Found != nil:
		case kind == "purl":
			s.Purl(at, locator)
		case kind == "cpe23Type" && !cpe.IsString(locator), kind == "cpe22Type" && !cpe.IsURI(locator):
			s.Doubt(at, "Replace %s by a CPE name of the version that the type says.", spec.Quote(locator))
		}
	}
	for n, id := range s.Strings(s.Doc.Member(e, "hasFiles")) {
		s.reference(n, id, false)
	}
	if text, n := s.Text(e, "snippetFromFile"); n >= 0 {
		s.reference(n, text, false)
	}
	s.annotations(e)
}

func (s *checker) annotations(owner jsonschema.Node) {
	for a := range s.Members(owner, "annotations") {
		s.date(a, "annotationDate")
		if id, n := s.Text(a, "SPDXREF"); n >= 0 { // the tag of a tag-value document
			s.Say(n, "Change %s to the SPDXID of an element of this document, or add that element.", spec.Quote(id))
		}
		if text, n := s.Text(a, "annotator"); n >= 0 {
			s.actor(n, text, "Person", "Organization", "Tool")
		}
	}
}

func (s *checker) license(n jsonschema.Node, text string) {
	if text == "NONE" || text == "NOASSERTION" {
		return
	}
	err := license.Check(text, s.List, func(ref string) {
		if doc, _, ok := strings.Cut(ref, ":"); ok {
			if !s.documents[doc] {
				s.Say(n, "Add %s to externalDocumentRefs, or change this licence.", spec.Quote(doc))
			}
		} else if !s.licenses[ref] {
			s.Doubt(n, "Add the text of %s to hasExtractedLicensingInfos.", spec.Quote(ref))
		}
	})
	if err != nil {
		s.Tolerate(n, "In the licence expression %s, %v.", spec.Quote(text), err)
	}
}

func (s *checker) checksum(sum jsonschema.Node) {
	if sum < 0 {
		return
	}
	alg, _ := s.Text(sum, "algorithm")
	if value, n := s.Text(sum, "checksumValue"); n >= 0 && !check.IsHashOf(alg, value) {
		s.Say(n, "Replace %s by the hexadecimal digits of a %s hash.", spec.Quote(value), alg)
	}
}

func (s *checker) date(owner jsonschema.Node, member string) {
	text, n := s.Text(owner, member)
	if n < 0 {
		return
	}
	if _, err := time.Parse("2006-01-02T15:04:05Z", text); err != nil || strings.ContainsAny(text, ".,") {
		class := check.Broken
		if spec.IsTime(text) {
			class = check.Tolerated
		}
		s.Classed(class, n, check.Specification,
			fmt.Sprintf("Replace %s by a date and time in UTC to the second, such as \"2024-05-31T17:00:00Z\".", spec.Quote(text)))
	}
}

func (s *checker) actor(n jsonschema.Node, text string, kinds ...string) {
	for _, k := range kinds {
		if rest, ok := strings.CutPrefix(text, k+":"); ok && strings.TrimSpace(rest) != "" {
			return
		}
	}
	s.Say(n, "Write who this is as %s: and a name, instead of %s.", strings.Join(kinds, ": or "), spec.Quote(text))
}
