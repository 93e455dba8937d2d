package cdx

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/internal/syntax"
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/encoding/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema/xsd"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// RulesXML holds a document in XML against its schema and the rules that no schema can say.
func RulesXML(doc *xmltree.Document, version string, schema *xsd.Schema, list *license.List) *check.Report {
	c := &xmlCheck{Report: check.Report{Format: "CycloneDX " + version + " XML"}, doc: doc, space: cdxxml.Namespace + version, list: list}
	for _, p := range schema.Validate(doc, check.MostProblems) {
		c.Add(c.problem(p.Node, p.Attr, p.Offset, "schema", p.Advice))
	}
	c.rules()
	return &c.Report
}

type xmlCheck struct {
	check.Report
	doc   *xmltree.Document
	space string
	list  *license.List
}

func (c *xmlCheck) problem(n xmltree.Node, attr string, offset int, rule, advice string) check.Problem {
	if c.doc.Kind(n) != xmltree.Element {
		n = c.doc.Parent(n)
	}
	where := c.doc.Path(n)
	if attr != "" {
		where += "/@" + attr
	}
	line, column := syntax.Position(c.doc.Data, offset)
	return check.Problem{Path: where, Line: line, Column: column, Rule: rule, Advice: advice}
}

func (c *xmlCheck) say(n xmltree.Node, format string, args ...any) {
	if c.Full() {
		return
	}
	start, _ := c.doc.Span(n)
	c.Add(c.problem(n, "", start, check.Specification, fmt.Sprintf(format, args...)))
}

// doubt adds a warning about an attribute of n, or about n.
func (c *xmlCheck) doubt(n xmltree.Node, attr, format string, args ...any) {
	if len(c.Warnings) < check.MostProblems {
		start, _ := c.doc.Span(n)
		c.Warn(c.problem(n, attr, start, check.Specification, fmt.Sprintf(format, args...)))
	}
}

// is reports whether n is an element of the specification with a name.
func (c *xmlCheck) is(n xmltree.Node, want string) bool {
	if n == xmltree.None || c.doc.Kind(n) != xmltree.Element {
		return false
	}
	space, local := c.doc.Name(n)
	return space == c.space && local == want
}

// child returns the first element directly inside of n with a name, or None.
func (c *xmlCheck) child(n xmltree.Node, name string) xmltree.Node {
	for k := range c.doc.Elements(n) {
		if c.is(k, name) {
			return k
		}
	}
	return xmltree.None
}

// inDependencies reports whether n is a dependency in the list at the top of the document.
func (c *xmlCheck) inDependencies(n xmltree.Node) bool {
	if !c.is(n, "dependency") && !c.is(n, "provides") {
		return false
	}
	up := c.doc.Parent(n)
	if c.is(up, "dependency") {
		up = c.doc.Parent(up)
	}
	return c.is(up, "dependencies") && c.doc.Parent(up) == c.doc.Root
}

// refersOutside reports whether n refers to something from what vulnerabilities affect, compositions and annotations.
func (c *xmlCheck) refersOutside(n xmltree.Node) bool {
	up := c.doc.Parent(n)
	if !c.is(up, "target") && !c.is(up, "assemblies") && !c.is(up, "dependencies") && !c.is(up, "vulnerabilities") &&
		!c.is(up, "subjects") {
		return false
	}
	over := c.doc.Parent(up)
	switch {
	case c.is(n, "ref"):
		return c.is(up, "target") && c.is(over, "affects")
	case c.is(n, "subject"):
		return c.is(up, "subjects") && c.is(over, "annotation")
	}
	return c.is(over, "composition")
}

// referenceOf returns what n refers to, and the attribute that says so, if it is one.
func (c *xmlCheck) referenceOf(n xmltree.Node) (ref, attr string) {
	if ref, ok := c.doc.Attr(n, "ref"); ok {
		return ref, "ref"
	}
	return strings.TrimSpace(c.doc.Text(n)), ""
}

// inGraphExtension reports whether n is a dependency of the extension that CycloneDX 1.1 had for them.
func (c *xmlCheck) inGraphExtension(n xmltree.Node) bool {
	if c.doc.Kind(n) != xmltree.Element {
		return false
	}
	space, local := c.doc.Name(n)
	return space == "http://cyclonedx.org/schema/ext/dependency-graph/1.0" && local == "dependency"
}

// rules checks what the specification says in the descriptions of its schemas.
func (c *xmlCheck) rules() {
	refs := map[string]bool{}
	for n := range c.doc.All(c.doc.Root) {
		if c.doc.Kind(n) == xmltree.Element {
			if ref, ok := c.doc.Attr(n, "bom-ref"); ok {
				refs[ref] = true
			}
		}
	}
	seen := map[string]bool{}
	for n := range c.doc.All(c.doc.Root) {
		parent := c.doc.Parent(n)
		if space, local := c.doc.Name(n); c.doc.Kind(n) == xmltree.Element && space != c.space && strings.HasPrefix(space,
			cdxxml.Namespace) {
			c.say(n, "Write <%s> in the document's namespace %s: what is in that of another version is seen by some readers only.",
				local, c.space)
		}
		switch {
		case c.is(n, "expression") && c.is(parent, "licenses"):
			expr := strings.TrimSpace(c.doc.Text(n))
			if err := license.Check(expr, c.list, nil); err != nil {
				c.say(n, "In the licence expression %s, %v.", spec.Quote(expr), err)
			}
		case c.is(n, "hash"):
			alg, _ := c.doc.Attr(n, "alg")
			if content := strings.TrimSpace(c.doc.Text(n)); !check.IsHashOf(alg, content) {
				c.say(n, "Replace %s by the hexadecimal digits of a %s hash.", spec.Quote(content), alg)
			}
		case c.is(n, "purl") && c.is(parent, "component"):
			if advice := check.DoubtfulPURL(strings.TrimSpace(c.doc.Text(n))); advice != "" {
				c.doubt(n, "", "%s", advice)
			}
		case c.refersOutside(n):
			ref, attr := c.referenceOf(n)
			if !refs[ref] && !strings.HasPrefix(ref, "urn:cdx:") {
				c.doubt(n, attr, "Change %s to the bom-ref of something in this document, or remove it.", spec.Quote(ref))
			}
		case c.inDependencies(n):
			ref, _ := c.doc.Attr(n, "ref")
			if !refs[ref] {
				c.doubt(n, "ref", "Change %s to the bom-ref of something in this document, or remove it.", spec.Quote(ref))
			}
			if c.is(parent, "dependencies") {
				if seen[ref] {
					c.doubt(n, "ref", "Merge this with the earlier dependencies of %s.", spec.Quote(ref))
				}
				seen[ref] = true
			}
		case c.is(n, "versionRange") && c.is(parent, "component"):
			if v, _ := c.doc.Attr(parent, "isExternal"); v != "true" && v != "1" {
				c.say(n, "Remove <versionRange>, or set isExternal=\"true\" on its component: only external components have a range.")
			}
			if c.child(parent, "version") != xmltree.None {
				c.say(n, "Remove <version> or <versionRange>: a component has at most one of them.")
			}
		case c.inGraphExtension(n):
			if _, ok := c.doc.Attr(n, "ref"); !ok {
				c.say(n, "Add the attribute \"ref\", which a dependency must have.")
			}
		case c.is(n, "citation"):
			if c.child(n, "attributedTo") == xmltree.None && c.child(n, "process") == xmltree.None {
				c.say(n, "Add <attributedTo> or <process>: a citation says by whom or by what process.")
			}
		}
	}
	if v, ok := c.doc.Attr(c.doc.Root, "version"); ok && (strings.HasPrefix(v, "-") || strings.Trim(v, "+0 ") == "") {
		c.say(c.doc.Root, "Make the version of the BOM 1 or more.")
	}
}
