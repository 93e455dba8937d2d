package sbom

import (
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/schema/iri"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spdxexp"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// spdx2Mandatory lists what the text of SPDX 2.2 and 2.3 makes mandatory, by the member of the document that holds the
// objects. The schema of 2.2 requires nothing.
var spdx2Mandatory = []struct {
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

// spdx2 is one pass of the rules of SPDX 2.2 and 2.3 (clauses 6 to 12).
type spdx2 struct {
	*jsonCheck
	ids       map[string]bool // elements
	licenses  map[string]bool // extracted licences
	documents map[string]bool // references to other documents
}

func (c *jsonCheck) spdx2(name string) {
	s := &spdx2{c, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	root := c.doc.Root()
	if name == "SPDX 2.2" {
		s.mandatory()
	} else if c.doc.Member(root, "documentNamespace") < 0 {
		c.say(root, "Add the member \"documentNamespace\", which a document must have.")
	}
	s.identifiers()
	if text, n := c.text(root, "dataLicense"); n >= 0 && text != "CC0-1.0" {
		c.say(n, "Write \"CC0-1.0\" instead of %s: the data of every SPDX document is under that licence.", spec.Quote(text))
	}
	if text, n := c.text(root, "documentNamespace"); n >= 0 && (!iri.IsReference(text) || !iri.IsAbsolute(text) ||
		strings.Contains(text, "#")) {
		c.tolerate(n, "Replace %s by an absolute URI without \"#\".", spec.Quote(text))
	}
	if info := c.doc.Member(root, "creationInfo"); info >= 0 {
		s.date(info, "created")
		for n, creator := range c.strings(c.doc.Member(info, "creators")) {
			s.actor(n, creator, "Person", "Organization", "Tool")
		}
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for e := range c.members(root, in) {
			s.element(e)
		}
	}
	s.annotations(root)
	for r := range c.members(root, "relationships") {
		for _, end := range []string{"spdxElementId", "relatedSpdxElement"} {
			if text, n := c.text(r, end); n >= 0 {
				s.reference(n, text, end == "relatedSpdxElement")
			}
		}
	}
	for n, id := range c.strings(c.doc.Member(root, "documentDescribes")) {
		s.reference(n, id, false)
	}
	for r := range c.members(root, "revieweds") {
		s.date(r, "reviewDate")
	}
	for e := range c.members(root, "externalDocumentRefs") {
		s.checksum(c.doc.Member(e, "checksum"))
	}
}

func (s *spdx2) mandatory() {
	require := func(n jsonschema.Node, members []string) {
		for _, m := range members {
			if s.doc.Kind(n) == strictjson.Object && s.doc.Member(n, m) < 0 {
				s.say(n, "Add the member %q, which this must have.", m)
			}
		}
	}
	root := s.doc.Root()
	for _, rule := range spdx2Mandatory {
		if rule.in == "" {
			require(root, rule.members)
			continue
		}
		for n := range s.members(root, rule.in) {
			require(n, rule.members)
		}
	}
	if info := s.doc.Member(root, "creationInfo"); info >= 0 {
		require(info, []string{"created", "creators"})
	}
}

// identifiers collects what can be referred to, and finds what is defined twice.
func (s *spdx2) identifiers() {
	root := s.doc.Root()
	add := func(owner jsonschema.Node) {
		id, n := s.text(owner, "SPDXID")
		switch {
		case n < 0:
		case s.ids[id]:
			s.say(n, "Give this another SPDXID: %s is taken by an earlier element.", spec.Quote(id))
		case !isSPDXRef(id, "SPDXRef-") && isSPDXRef(strings.Map(harmless, id), "SPDXRef-"):
			s.doubt(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		case !isSPDXRef(id, "SPDXRef-") && strings.HasPrefix(id, "SPDXRef-") && !strings.ContainsAny(id, " \t\n"):
			s.tolerate(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		case !isSPDXRef(id, "SPDXRef-"):
			s.say(n, "Replace %s by \"SPDXRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
		}
		s.ids[id] = true
	}
	add(root)
	if id, n := s.text(root, "SPDXID"); n >= 0 && id != "SPDXRef-DOCUMENT" {
		s.say(n, "Write \"SPDXRef-DOCUMENT\" instead of %s: every document has that id.", spec.Quote(id))
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for e := range s.members(root, in) {
			add(e)
		}
	}
	for e := range s.members(root, "hasExtractedLicensingInfos") {
		if id, n := s.text(e, "licenseId"); n >= 0 {
			if s.licenses[id] {
				s.say(n, "Give this licence another id: %s is taken by an earlier one.", spec.Quote(id))
			}
			if !isSPDXRef(id, "LicenseRef-") {
				s.say(n, "Replace %s by \"LicenseRef-\" and letters, digits, \".\" and \"-\".", spec.Quote(id))
			}
			s.licenses[id] = true
		}
	}
	for e := range s.members(root, "externalDocumentRefs") {
		if id, n := s.text(e, "externalDocumentId"); n >= 0 {
			if s.documents[id] {
				s.say(n, "Give this document another id: %s is taken by an earlier one.", spec.Quote(id))
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

func isSPDXRef(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	return ok && rest != "" && strings.IndexFunc(rest, func(c rune) bool {
		return !(c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80 || c >= '0' && c <= '9' || c == '.' || c == '-')
	}) < 0
}

// reference checks that an element is in this document or in one that it refers to.
func (s *spdx2) reference(n jsonschema.Node, id string, none bool) {
	if doc, _, ok := strings.Cut(id, ":"); ok && strings.HasPrefix(doc, "DocumentRef-") {
		if !s.documents[doc] {
			s.say(n, "Add %s to externalDocumentRefs, or change this reference.", spec.Quote(doc))
		}
		return
	}
	if none && (id == "NONE" || id == "NOASSERTION") || s.ids[id] {
		return
	}
	s.say(n, "Change %s to the SPDXID of an element of this document, or add that element.", spec.Quote(id))
}

func (s *spdx2) element(e jsonschema.Node) {
	for _, m := range []string{"licenseConcluded", "licenseDeclared"} {
		if text, n := s.text(e, m); n >= 0 {
			s.license(n, text)
		}
	}
	for _, m := range []string{"licenseInfoFromFiles", "licenseInfoInFiles", "licenseInfoInSnippets"} {
		for n, text := range s.strings(s.doc.Member(e, m)) {
			s.license(n, text)
		}
	}
	for sum := range s.members(e, "checksums") {
		s.checksum(sum)
	}
	for _, m := range []string{"supplier", "originator"} {
		if text, n := s.text(e, m); n >= 0 && text != "NOASSERTION" {
			s.actor(n, text, "Person", "Organization")
		}
	}
	for _, m := range []string{"builtDate", "releaseDate", "validUntilDate"} {
		s.date(e, m)
	}
	for r := range s.members(e, "externalRefs") {
		kind, _ := s.text(r, "referenceType")
		locator, at := s.text(r, "referenceLocator")
		switch {
		case at < 0 || s.found != nil:
		case kind == "purl":
			s.purl(at, locator)
		case kind == "cpe23Type" && !cpeString.MatchString(locator), kind == "cpe22Type" && !cpeURI.MatchString(locator):
			s.doubt(at, "Replace %s by a CPE name of the version that the type says.", spec.Quote(locator))
		}
	}
	for n, id := range s.strings(s.doc.Member(e, "hasFiles")) {
		s.reference(n, id, false)
	}
	if text, n := s.text(e, "snippetFromFile"); n >= 0 {
		s.reference(n, text, false)
	}
	s.annotations(e)
}

func (s *spdx2) annotations(owner jsonschema.Node) {
	for a := range s.members(owner, "annotations") {
		s.date(a, "annotationDate")
		if id, n := s.text(a, "SPDXREF"); n >= 0 { // the tag of a tag-value document
			s.say(n, "Change %s to the SPDXID of an element of this document, or add that element.", spec.Quote(id))
		}
		if text, n := s.text(a, "annotator"); n >= 0 {
			s.actor(n, text, "Person", "Organization", "Tool")
		}
	}
}

func (s *spdx2) license(n jsonschema.Node, text string) {
	if text == "NONE" || text == "NOASSERTION" {
		return
	}
	err := spdxexp.Check(text, s.list, func(ref string) {
		if doc, _, ok := strings.Cut(ref, ":"); ok {
			if !s.documents[doc] {
				s.say(n, "Add %s to externalDocumentRefs, or change this licence.", spec.Quote(doc))
			}
		} else if !s.licenses[ref] {
			s.doubt(n, "Add the text of %s to hasExtractedLicensingInfos.", spec.Quote(ref))
		}
	})
	if err != nil {
		s.tolerate(n, "In the licence expression %s, %v.", spec.Quote(text), err)
	}
}

func (s *spdx2) checksum(sum jsonschema.Node) {
	if sum < 0 {
		return
	}
	alg, _ := s.text(sum, "algorithm")
	if value, n := s.text(sum, "checksumValue"); n >= 0 && !isHashOf(alg, value) {
		s.say(n, "Replace %s by the hexadecimal digits of a %s hash.", spec.Quote(value), alg)
	}
}

func (s *spdx2) date(owner jsonschema.Node, member string) {
	text, n := s.text(owner, member)
	if n < 0 {
		return
	}
	if _, err := time.Parse("2006-01-02T15:04:05Z", text); err != nil || strings.ContainsAny(text, ".,") {
		class := Broken
		if isTime(text) {
			class = Tolerated
		}
		s.classed(class, n, specification,
			fmt.Sprintf("Replace %s by a date and time in UTC to the second, such as \"2024-05-31T17:00:00Z\".", spec.Quote(text)))
	}
}

func (s *spdx2) actor(n jsonschema.Node, text string, kinds ...string) {
	for _, k := range kinds {
		if rest, ok := strings.CutPrefix(text, k+":"); ok && strings.TrimSpace(rest) != "" {
			return
		}
	}
	s.say(n, "Write who this is as %s: and a name, instead of %s.", strings.Join(kinds, ": or "), spec.Quote(text))
}

// spdx3References are the properties that hold the ids of elements.
var spdx3References = map[string]bool{
	"from": true, "to": true, "element": true, "rootElement": true, "createdBy": true, "createdUsing": true,
	"suppliedBy": true, "originatedBy": true, "subject": true, "creationInfo": true, "reviewedBy": true,
	"software_snippetFromFile": true, "dataLicense": true, "security_assessedElement": true, "definingArtifact": true,
	"expandedlicensing_member": true, "expandedlicensing_subjectLicense": true, "expandedlicensing_subjectExtendableLicense": true,
	"expandedlicensing_subjectAddition": true,
}

// spdx3Times are the properties whose text is a time, of which the schema sees the shape only.
var spdx3Times = map[string]bool{
	"created": true, "builtTime": true, "releaseTime": true, "validUntilTime": true, "startTime": true, "endTime": true,
	"build_buildStartTime": true, "build_buildEndTime": true, "security_publishedTime": true, "security_modifiedTime": true,
	"security_withdrawnTime": true, "security_actionStatementTime": true, "security_impactStatementTime": true,
}

func (c *jsonCheck) spdx3() {
	ids := map[string]bool{}
	c.objects(c.doc.Root(), "", func(n jsonschema.Node, key string) {
		if class, _ := c.text(n, "type"); n != c.doc.Root() && key != "@graph" && isElement3(shortClass3(class),
			c.doc.Member(n, "spdxId") >= 0, key) {
			// SPDX 3.0.1, JSON-LD serialization: "Inlining or embedding of Element nodes into other nodes is not allowed".
			c.say(n, "Move this element to the top of @graph and write its spdxId here: an element does not stand inside of another one.")
		}
		for _, m := range []string{"spdxId", "@id"} {
			if id, at := c.text(n, m); at >= 0 {
				if ids[id] { // which JSON-LD reads as two parts of one element
					c.doubt(at, "Give this another id, or merge it with the earlier %s.", spec.Quote(id))
				}
				ids[id] = true
			}
		}
		if id, at := c.text(n, "externalSpdxId"); at >= 0 {
			ids[id] = true
		}
	})
	c.walk(c.doc.Root(), "", func(n jsonschema.Node, key string) {
		if c.doc.Kind(n) != strictjson.String {
			return
		}
		text := c.doc.String(n)
		switch {
		case spdx3References[key] && !ids[text]:
			if strings.HasPrefix(text, "_:") {
				c.say(n, "Change %s to the @id of something in this document, or add it.", spec.Quote(text))
			} else if !isIndividual(text) {
				c.doubt(n, "Add the element %s, or say in an ExternalMap where it is.", spec.Quote(text))
			}
		case isPart3(key) && strings.HasPrefix(text, "_:") && !ids[text]:
			c.doubt(n, "Change %s to the @id of something in this document, or write it out here.", spec.Quote(text))
		case key == "software_packageUrl" && c.found == nil:
			c.purl(n, text)
		case spdx3Times[key]:
			if _, err := time.Parse(time.RFC3339, text); err != nil {
				c.say(n, "Replace %s by a date and time that exist, such as \"2024-05-31T17:00:00Z\".", spec.Quote(text))
			}
		case key == "simplelicensing_licenseExpression" && text != "NONE" && text != "NOASSERTION":
			if err := spdxexp.Check(text, c.list, nil); err != nil {
				c.tolerate(n, "In the licence expression %s, %v.", spec.Quote(text), err)
			}
		case key == "specVersion" && !strings.HasPrefix(text, "3.0."):
			c.say(n, "Write \"3.0.1\" instead of %s, the version that the @context has.", spec.Quote(text))
		}
	})
}

// isIndividual knows what SPDX itself defines: NoAssertionElement, NoneElement, and the licences of its list.
func isIndividual(id string) bool {
	return strings.HasPrefix(id, "https://spdx.org/") || strings.HasPrefix(id, "http://spdx.org/") || id == "NoAssertionElement" ||
		id == "NoneElement" || id == "SpdxOrganization"
}
