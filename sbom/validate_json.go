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
	schema, err := schema.JSON[name]()
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
	rules(c, name)
	return &c.Report, nil
}

// rules checks what no schema can say.
func rules(c *check.Check, name string) {
	switch {
	case strings.HasPrefix(name, "CycloneDX"):
		cycloneDXRules(c)
	case strings.HasPrefix(name, "SPDX 2"):
		spdx2Rules(c, name)
	default:
		spdx3Rules(c)
	}
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
	if schema.JSON[name] == nil {
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

// objects is walk for those that are objects.
func objects(c *check.Check, n jsonschema.Node, key string, visit func(n jsonschema.Node, key string)) {
	switch c.Doc.Kind(n) {
	case strictjson.Object:
		visit(n, key)
		for k, v := range c.Doc.Members(n) {
			if kind := c.Doc.Kind(v); kind == strictjson.Object || kind == strictjson.Array {
				objects(c, v, c.Doc.String(k), visit)
			}
		}
	case strictjson.Array:
		for _, v := range c.Doc.Elements(n) {
			objects(c, v, key, visit)
		}
	}
}

// cycloneDXRules checks what the specification says in the descriptions of its schemas.
func cycloneDXRules(c *check.Check) {
	first := map[string]jsonschema.Node{} // what has a bom-ref
	// The specification's own valid documents repeat a bom-ref in there.
	formulation := c.Doc.Member(c.Doc.Root(), "formulation")
	objects(c, c.Doc.Root(), "", func(n jsonschema.Node, key string) {
		if key == "hashes" {
			alg, _ := c.Text(n, "alg")
			if content, at := c.Text(n, "content"); at >= 0 && !check.IsHashOf(alg, content) {
				c.Say(at, "Replace %s by the hexadecimal digits of a %s hash.", spec.Quote(content), alg)
			}
		}
		if key != "signature" {
			if ref, at := c.Text(n, "bom-ref"); at >= 0 {
				earlier, taken := first[ref]
				if taken && !c.Inside(n, formulation) {
					class := check.Broken
					if key == "compositions" || sameThing(c, earlier, n) { // nothing refers to a composition
						class = check.Tolerated
					}
					c.Classed(class, at, check.Specification, fmt.Sprintf("Give this another bom-ref: %s is taken by an earlier one.",
						spec.Quote(ref)))
				}
				if !taken {
					first[ref] = n
				}
			}
		}
		if key == "licenses" {
			if expr, at := c.Text(n, "expression"); at >= 0 {
				if err := license.Check(expr, c.List, nil); err != nil {
					c.Tolerate(at, "In the licence expression %s, %v.", spec.Quote(expr), err)
				}
			}
		}
	})
	dangling := func(at jsonschema.Node, ref string) {
		if _, ok := first[ref]; !ok {
			c.Doubt(at, "Change %s to the bom-ref of something in this document, or remove it.", spec.Quote(ref))
		}
	}
	seen := map[string]bool{}
	for dep := range c.Members(c.Doc.Root(), "dependencies") {
		if ref, at := c.Text(dep, "ref"); at >= 0 {
			dangling(at, ref)
			if seen[ref] {
				c.Doubt(at, "Merge this with the earlier dependencies of %s.", spec.Quote(ref))
			}
			seen[ref] = true
		}
		for _, list := range []string{"dependsOn", "provides"} {
			for at, ref := range c.Strings(c.Doc.Member(dep, list)) {
				dangling(at, ref)
			}
		}
	}
	doubts(c, first)
	if v := c.Doc.Member(c.Doc.Root(), "version"); v >= 0 && c.Doc.Kind(v) == strictjson.Number {
		if raw := c.Doc.Raw(v); raw[0] == '-' || string(raw) == "0" {
			c.Say(v, "Make the version of the BOM 1 or more.")
		}
	}
}

// sameThing reports whether two objects say that they are of one name, version and package URL.
func sameThing(c *check.Check, a, b jsonschema.Node) bool {
	for _, member := range []string{"name", "version", "group", "purl"} {
		was, _ := c.Text(a, member)
		is, _ := c.Text(b, member)
		if was != is || member == "name" && was == "" {
			return false
		}
	}
	return true
}

// doubts warns of references outside of dependencies that lead nowhere, and of identifiers that are none.
func doubts(c *check.Check, refs map[string]jsonschema.Node) {
	if c.Found != nil {
		return
	}
	dangling := func(at jsonschema.Node, ref string) {
		if _, ok := refs[ref]; !ok && !strings.HasPrefix(ref, "urn:cdx:") {
			c.Doubt(at, "Change %s to the bom-ref of something in this document, or remove it.", spec.Quote(ref))
		}
	}
	root := c.Doc.Root()
	for v := range c.Members(root, "vulnerabilities") {
		for a := range c.Members(v, "affects") {
			if ref, at := c.Text(a, "ref"); at >= 0 {
				dangling(at, ref)
			}
		}
	}
	for _, at := range [][]string{{"compositions", "assemblies", "dependencies", "vulnerabilities"}, {"annotations", "subjects"}} {
		for v := range c.Members(root, at[0]) {
			for _, list := range at[1:] {
				for at, ref := range c.Strings(c.Doc.Member(v, list)) {
					dangling(at, ref)
				}
			}
		}
	}
	objects(c, root, "", func(n jsonschema.Node, key string) {
		switch key {
		case "components", "component", "ancestors", "descendants", "variants":
			if purl, at := c.Text(n, "purl"); at >= 0 {
				c.Purl(at, purl)
			}
			if cpe, at := c.Text(n, "cpe"); at >= 0 {
				c.Cpe(at, cpe)
			}
		}
	})
}
