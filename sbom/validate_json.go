package sbom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

func validateJSON(data []byte, from *check.Origin) (*check.Report, error) {
	doc, err := jsonschema.Parse(data, strictjson.Limits{Depth: maxDepth})
	if err != nil {
		return nil, err
	}
	c := &check.Check{Doc: doc, From: from}
	name, err := detect(c)
	if err != nil {
		return nil, err
	}
	c.Format = name + " JSON"
	if from != nil {
		c.Format = name + " " + from.Encoding
	}
	schema, err := schema.JSON(name)
	if err != nil {
		return nil, err
	}
	if c.List, err = license.TheList(); err != nil {
		return nil, err
	}
	found, err := schema.Validate(doc, check.MostProblems)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		if name == "SPDX 2.2" && p.Keyword == "enum" && isHyphenatedCategory(doc.Text(p.Node)) {
			continue
		}
		c.Classed(schemaClass(c, p), p.Node, p.Keyword, p.Advice)
	}
	for _, s := range specifications {
		if strings.HasPrefix(name, s.Name) {
			s.Rules(c, name)
		}
	}
	return &c.Report, nil
}

// isHyphenatedCategory knows the spelling of categories that the text of SPDX 2.2 has, where its JSON schema has
// underscores. The schema of 2.3 follows the text.
func isHyphenatedCategory(text []byte) bool {
	return string(text) == "PACKAGE-MANAGER" || string(text) == "PERSISTENT-ID"
}

// detect finds the specification and its version.
func detect(c *check.Check) (string, error) {
	root := c.Doc.Root()
	var other foreign
	for name, v := range c.Doc.Members(root) {
		other.named(c.Doc.String(name), c.Doc.Kind(v))
		if c.Doc.String(name) == "@context" {
			for _, n := range append([]jsonschema.Node{v}, c.Nodes(v)...) {
				if c.Doc.Kind(n) == strictjson.String {
					other.context(c.Doc.String(n))
				}
			}
		}
	}
	text := func(member string) string {
		if n := c.Doc.Member(root, member); n >= 0 {
			return c.Doc.String(n)
		}
		return ""
	}
	name := ""
	switch {
	case text("bomFormat") == "CycloneDX":
		name = "CycloneDX " + text("specVersion")
		if v := c.Doc.Member(root, "specVersion"); v >= 0 && c.Doc.Kind(v) != strictjson.String {
			return "", fmt.Errorf("%w: write specVersion as a text, such as \"1.6\"", ErrVersion)
		}
	case text("spdxVersion") != "":
		name = strings.Replace(text("spdxVersion"), "SPDX-", "SPDX ", 1)
	case other.name != "":
		return "", fmt.Errorf("%w: it is %s", ErrNotSBOM, other.name)
	case c.Doc.Member(root, "@context") >= 0:
		name = "SPDX 3.0.1" // what has the context of another version does not pass the schema
	default:
		return "", fmt.Errorf("%w: add \"bomFormat\", \"spdxVersion\" or \"@context\" to say what it is", ErrNotSBOM)
	}
	if !schema.HasJSON(name) {
		return "", fmt.Errorf("%w: %q", ErrVersion, name)
	}
	return name, nil
}

// schemaClass says how much a problem with a schema matters.
// otherCategories are categories of external references as the other one of SPDX 2.2 and 2.3 spells them: Zephyr writes that of
// 2.2's schema in 2.3.
var otherCategories = []string{"PACKAGE_MANAGER", "PERSISTENT_ID", "PACKAGE-MANAGER", "PERSISTENT-ID"}

func schemaClass(c *check.Check, p jsonschema.Problem) check.Class {
	switch {
	case p.Format == "iri-reference" || p.Format == "uri" || p.Format == "uri-reference" || p.Format == "iri" || p.Format == "email" ||
		p.Format == "idn-email":
		return check.Tolerated
	case p.Keyword == "enum" && string(c.Doc.Text(p.Node)) == "OPERATING-SYSTEM": // as the text of SPDX 2.3 has it (7.24), and 2.3.1
		return check.Tolerated
	case p.Keyword == "enum" && slices.Contains(otherCategories, string(c.Doc.Text(p.Node))):
		return check.Tolerated
	case p.Keyword == "pattern" && c.Doc.Kind(p.Node) == strictjson.String && spec.IsTime(string(c.Doc.Text(p.Node))):
		return check.Tolerated
	case p.Keyword == "additionalProperties" && string(c.Doc.Text(p.Node)) == "authors" && people(c, p.Node+1):
		return check.Tolerated
	}
	return check.Broken
}

// people reports whether a value is a list of people with names, in a document of CycloneDX: pnpm writes the authors of components,
// which 1.6 has, in 1.5 too.
func people(c *check.Check, list jsonschema.Node) bool {
	if c.Doc.Kind(list) != strictjson.Array || c.Doc.Member(c.Doc.Root(), "bomFormat") < 0 {
		return false
	}
	for _, n := range c.Doc.Elements(list) {
		if c.Doc.Kind(n) != strictjson.Object {
			return false
		}
		if _, at := c.Text(n, "name"); at < 0 {
			return false
		}
	}
	return true
}
