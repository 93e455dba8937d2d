package cdx

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// Rules checks what the specification says in the descriptions of its schemas.
func Rules(c *check.Check) {
	first := map[string]jsonschema.Node{} // what has a bom-ref
	// The specification's own valid documents repeat a bom-ref in there.
	formulation := c.Doc.Member(c.Doc.Root(), "formulation")
	c.Objects(c.Doc.Root(), "", func(n jsonschema.Node, key string) {
		if key == "hashes" {
			alg, _ := c.Text(n, "alg")
			if content, at := c.Text(n, "content"); at >= 0 && !check.IsHashOf(alg, content) {
				c.Fail(at, "Replace %s by the hexadecimal digits of a %s hash.", spec.Quote(content), alg)
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
			c.Fail(v, "Make the version of the BOM 1 or more.")
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
	c.Objects(root, "", func(n jsonschema.Node, key string) {
		switch key {
		case "components", "component", "ancestors", "descendants", "variants":
			if purl, at := c.Text(n, "purl"); at >= 0 {
				c.PURL(at, purl)
			}
			if cpe, at := c.Text(n, "cpe"); at >= 0 {
				c.CPE(at, cpe)
			}
		}
	})
}
