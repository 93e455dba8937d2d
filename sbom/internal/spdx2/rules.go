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
	fine      map[string]bool // licence expressions that nothing is to be said of, as most are used many times
	time      string          // the last one that was right, for the same reason
}

func Rules(c *check.Check, name string) {
	s := &checker{Check: c, ids: map[string]bool{}, licenses: map[string]bool{}, documents: map[string]bool{}, fine: map[string]bool{}}
	root := c.Doc.Root()
	if name == "SPDX 2.2" {
		s.mandatory()
	} else if c.Doc.Member(root, "documentNamespace") < 0 {
		c.Fail(root, "Add the member \"documentNamespace\", which a document must have.")
	}
	s.identifiers()
	if text, n := c.Text(root, "dataLicense"); n >= 0 && text != "CC0-1.0" {
		c.Fail(n, "Write \"CC0-1.0\" instead of %s: the data of every SPDX document is under that licence.", spec.Quote(text))
	}
	if text, n := c.Text(root, "documentNamespace"); n >= 0 && (!iri.IsReference(text) || !iri.IsAbsolute(text) ||
		strings.Contains(text, "#")) {
		c.Tolerate(n, "Replace %s by an absolute URI without \"#\".", spec.Quote(text))
	}
	if info := c.Doc.Member(root, "creationInfo"); info >= 0 {
		s.date(c.Doc.Member(info, "created"))
		for n, creator := range c.Strings(c.Doc.Member(info, "creators")) {
			s.actor(n, creator, "Person", "Organization", "Tool")
		}
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for e := range c.Members(root, in) {
			s.element(e)
		}
	}
	s.annotations(c.Doc.Member(root, "annotations"))
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
		s.date(c.Doc.Member(r, "reviewDate"))
	}
	for e := range c.Members(root, "externalDocumentRefs") {
		s.checksum(c.Doc.Member(e, "checksum"))
	}
}

func (s *checker) mandatory() {
	require := func(n jsonschema.Node, members []string) {
		for _, m := range members {
			if s.Doc.Kind(n) == strictjson.Object && s.Doc.Member(n, m) < 0 {
				s.Fail(n, "Add the member %q, which this must have.", m)
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
			s.Fail(n, "Give this another SPDXID: %s is taken by an earlier element.", spec.Quote(id))
		case !spec.IsRef(id, "SPDXRef-") && spec.IsRef(strings.Map(harmless, id), "SPDXRef-"):
			s.Doubt(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		case !spec.IsRef(id, "SPDXRef-") && strings.HasPrefix(id, "SPDXRef-") && !strings.ContainsAny(id, " \t\n"):
			s.Tolerate(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		case !spec.IsRef(id, "SPDXRef-"):
			s.Fail(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		}
		s.ids[id] = true
	}
	add(root)
	if id, n := s.Text(root, "SPDXID"); n >= 0 && id != spec.DocumentID {
		s.Fail(n, "Write \"SPDXRef-DOCUMENT\" instead of %s: every document has that id.", spec.Quote(id))
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for e := range s.Members(root, in) {
			add(e)
		}
	}
	for e := range s.Members(root, "hasExtractedLicensingInfos") {
		if id, n := s.Text(e, "licenseId"); n >= 0 {
			if s.licenses[id] {
				s.Fail(n, "Give this licence another id: %s is taken by an earlier one.", spec.Quote(id))
			}
			if !spec.IsRef(id, "LicenseRef-") {
				s.Fail(n, "Replace %s by \"LicenseRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
			}
			s.licenses[id] = true
		}
	}
	for e := range s.Members(root, "externalDocumentRefs") {
		if id, n := s.Text(e, "externalDocumentId"); n >= 0 {
			if s.documents[id] {
				s.Fail(n, "Give this document another id: %s is taken by an earlier one.", spec.Quote(id))
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
			s.Fail(n, "Add %s to externalDocumentRefs, or change this reference.", spec.Quote(doc))
		}
		return
	}
	if none && (id == "NONE" || id == "NOASSERTION") || s.ids[id] {
		return
	}
	s.Fail(n, "Change %s to the SPDXID of an element of this document, or add that element.", spec.Quote(id))
}

// elementMembers are the members of an element that rules speak of, in the order in which they are looked at.
var elementMembers = []string{"licenseConcluded", "licenseDeclared", "licenseInfoFromFiles", "licenseInfoInFiles",
	"licenseInfoInSnippets", "checksums", "supplier", "originator", "builtDate", "releaseDate", "validUntilDate", "externalRefs",
	"hasFiles", "snippetFromFile", "annotations"}

func (s *checker) element(e jsonschema.Node) {
	var found [16]jsonschema.Node
	for at, n := range s.Find(e, elementMembers, found[:0]) {
		if n < 0 {
			continue
		}
		text := ""
		if s.Doc.Kind(n) == strictjson.String {
			text = s.Doc.String(n)
		}
		switch isText, name := s.Doc.Kind(n) == strictjson.String, elementMembers[at]; name {
		case "licenseConcluded", "licenseDeclared":
			if isText {
				s.license(n, text)
			}
		case "licenseInfoFromFiles", "licenseInfoInFiles", "licenseInfoInSnippets":
			for n, text := range s.Strings(n) {
				s.license(n, text)
			}
		case "checksums":
			for _, sum := range s.Doc.Elements(n) {
				s.checksum(sum)
			}
		case "supplier", "originator":
			if isText && text != "NOASSERTION" {
				s.actor(n, text, "Person", "Organization")
			}
		case "builtDate", "releaseDate", "validUntilDate":
			s.date(n)
		case "externalRefs":
			for _, r := range s.Doc.Elements(n) {
				s.externalRef(r)
			}
		case "hasFiles":
			for n, id := range s.Strings(n) {
				s.reference(n, id, false)
			}
		case "snippetFromFile":
			if isText {
				s.reference(n, text, false)
			}
		case "annotations":
			s.annotations(n)
		}
	}
}

// externalRef doubts identifiers that are none, which a conversion leaves as they are.
func (s *checker) externalRef(r jsonschema.Node) {
	if s.Found != nil {
		return
	}
	kind, _ := s.Text(r, "referenceType")
	locator, at := s.Text(r, "referenceLocator")
	switch {
	case at < 0:
	case kind == "purl":
		s.PURL(at, locator)
	case kind == "cpe23Type" && !cpe.IsString(locator), kind == "cpe22Type" && !cpe.IsURI(locator):
		s.Doubt(at, "Replace %s by a CPE name of the version that the type says.", spec.Quote(locator))
	}
}

// annotations looks at a list of them, which may be negative for none.
func (s *checker) annotations(list jsonschema.Node) {
	if list < 0 {
		return
	}
	for _, a := range s.Doc.Elements(list) {
		s.date(s.Doc.Member(a, "annotationDate"))
		if id, n := s.Text(a, "SPDXREF"); n >= 0 { // the tag of a tag-value document
			s.Fail(n, "Change %s to the SPDXID of an element of this document, or add that element.", spec.Quote(id))
		}
		if text, n := s.Text(a, "annotator"); n >= 0 {
			s.actor(n, text, "Person", "Organization", "Tool")
		}
	}
}

func (s *checker) license(n jsonschema.Node, text string) {
	if text == "NONE" || text == "NOASSERTION" || s.fine[text] {
		return
	}
	fine := true
	err := license.Check(text, s.List, func(ref string) {
		fine = false
		if doc, _, ok := strings.Cut(ref, ":"); ok {
			if !s.documents[doc] {
				s.Fail(n, "Add %s to externalDocumentRefs, or change this licence.", spec.Quote(doc))
			}
		} else if !s.licenses[ref] {
			s.Doubt(n, "Add the text of %s to hasExtractedLicensingInfos.", spec.Quote(ref))
		}
	})
	if err != nil {
		s.Tolerate(n, "In the licence expression %s, %v.", spec.Quote(text), err)
	} else if fine {
		s.fine[text] = true
	}
}

func (s *checker) checksum(sum jsonschema.Node) {
	if sum < 0 {
		return
	}
	alg, _ := s.Text(sum, "algorithm")
	if value, n := s.Text(sum, "checksumValue"); n >= 0 && !check.IsHashOf(alg, value) {
		s.Fail(n, "Replace %s by the hexadecimal digits of a %s hash.", spec.Quote(value), alg)
	}
}

// date looks at a time, which may be negative for none.
func (s *checker) date(n jsonschema.Node) {
	if n < 0 || s.Doc.Kind(n) != strictjson.String {
		return
	}
	text := s.Doc.String(n)
	if text == s.time {
		return
	}
	if _, err := time.Parse(spec.TimeLayout, text); err == nil && !strings.ContainsAny(text, ".,") {
		s.time = text
		return
	}
	class := check.Broken
	if spec.IsTime(text) {
		class = check.Tolerated
	}
	s.Classed(class, n, check.Specification,
		fmt.Sprintf("Replace %s by a date and time in UTC to the second, such as \"2024-05-31T17:00:00Z\".", spec.Quote(text)))
}

func (s *checker) actor(n jsonschema.Node, text string, kinds ...string) {
	for _, k := range kinds {
		if rest, ok := strings.CutPrefix(text, k+":"); ok && strings.TrimSpace(rest) != "" {
			return
		}
	}
	s.Fail(n, "Write who this is as %s: and a name, instead of %s.", strings.Join(kinds, ": or "), spec.Quote(text))
}
