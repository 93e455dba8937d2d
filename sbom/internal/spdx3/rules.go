package spdx3

import (
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// refers knows the properties that hold the ids of elements.
func refers(property string) bool {
	switch property {
	case "from", "to", "element", "rootElement", "createdBy", "createdUsing", "suppliedBy", "originatedBy", "subject", "creationInfo",
		"reviewedBy", "software_snippetFromFile", "dataLicense", "security_assessedElement", "definingArtifact",
		"expandedlicensing_member", "expandedlicensing_subjectLicense", "expandedlicensing_subjectExtendableLicense",
		"expandedlicensing_subjectAddition":
		return true
	}
	return false
}

// isTime knows the properties whose text is a time, of which the schema sees the shape only.
func isTime(property string) bool {
	switch property {
	case "created", "builtTime", "releaseTime", "validUntilTime", "startTime", "endTime", "build_buildStartTime", "build_buildEndTime",
		"security_publishedTime", "security_modifiedTime", "security_withdrawnTime", "security_actionStatementTime",
		"security_impactStatementTime":
		return true
	}
	return false
}

var identities = []string{"spdxId", "@id", "externalSpdxId"}

func Rules(c *check.Check) {
	ids := map[string]bool{}
	c.Objects(c.Doc.Root(), "", func(n jsonschema.Node, key string) {
		var some [3]jsonschema.Node
		found := c.Find(n, identities, some[:0])
		if n != c.Doc.Root() && key != "@graph" {
			if class, _ := c.Text(n, "type"); isElement(shortClass(class), found[0] >= 0, key) {
				// SPDX 3.0.1, JSON-LD serialization: "Inlining or embedding of Element nodes into other nodes is not allowed".
				c.Fail(n, "Move this element to the top of @graph and write its spdxId here: an element does not stand inside of "+
					"another one.")
			}
		}
		for i, at := range found {
			if at < 0 || c.Doc.Kind(at) != strictjson.String {
				continue
			}
			id := c.Doc.String(at)
			if ids[id] && identities[i] != "externalSpdxId" { // which JSON-LD reads as two parts of one element
				c.Doubt(at, "Give this another id, or merge it with the earlier %s.", spec.Quote(id))
			}
			ids[id] = true
		}
	})
	c.Walk(c.Doc.Root(), "", func(n jsonschema.Node, key string) {
		if c.Doc.Kind(n) != strictjson.String {
			return
		}
		text := c.Doc.String(n)
		switch {
		case refers(key) && !ids[text]:
			if strings.HasPrefix(text, "_:") {
				c.Fail(n, "Change %s to the @id of something in this document, or add it.", spec.Quote(text))
			} else if !isIndividual(text) {
				c.Doubt(n, "Add the element %s, or say in an ExternalMap where it is.", spec.Quote(text))
			}
		case IsPart(key) && strings.HasPrefix(text, "_:") && !ids[text]:
			c.Doubt(n, "Change %s to the @id of something in this document, or write it out here.", spec.Quote(text))
		case key == "software_packageUrl" && c.Found == nil:
			c.PURL(n, text)
		case isTime(key):
			if _, err := time.Parse(time.RFC3339, text); err != nil {
				c.Fail(n, "Replace %s by a date and time that exist, such as \"2024-05-31T17:00:00Z\".", spec.Quote(text))
			}
		case key == "simplelicensing_licenseExpression" && text != "NONE" && text != "NOASSERTION":
			if err := license.Check(text, c.List, nil); err != nil {
				c.Tolerate(n, "In the licence expression %s, %v.", spec.Quote(text), err)
			}
		case key == "specVersion" && !strings.HasPrefix(text, "3.0."):
			c.Fail(n, "Write \"3.0.1\" instead of %s, the version that the @context has.", spec.Quote(text))
		}
	})
}

// isIndividual knows what SPDX itself defines: NoAssertionElement, NoneElement, and the licences of its list.
func isIndividual(id string) bool {
	return strings.HasPrefix(id, "https://spdx.org/") || strings.HasPrefix(id, "http://spdx.org/") || id == "NoAssertionElement" ||
		id == "NoneElement" || id == "SpdxOrganization"
}
