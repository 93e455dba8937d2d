package sbom

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spdxexp"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

var licenseList = sync.OnceValues(func() (*spdxexp.List, error) {
	data, err := schema.Read("cyclonedx/spdx.schema.json")
	if err != nil {
		return nil, err
	}
	return spdxexp.ParseList(data)
})

// A jsonCheck is one validation of a JSON text, which may stand for a document in another encoding.
type jsonCheck struct {
	report
	doc  *jsonschema.Document
	list *spdxexp.List
	from *origin

	// found is told of every problem with a rule, instead of the report.
	found func(n jsonschema.Node, advice string)
}

// An origin tells where the parts of a JSON text come from, when the document is in another encoding.
type origin struct {
	encoding string
	data     []byte
	offset   func(jsonOffset int) int
}

func validateJSON(data []byte, from *origin) (*report, error) {
	doc, err := jsonschema.Parse(data, strictjson.Limits{Depth: maxDepth})
	if err != nil {
		return nil, err
	}
	c := &jsonCheck{doc: doc, from: from}
	name, err := c.detect()
	if err != nil {
		return nil, err
	}
	c.format = name + " JSON"
	if from != nil {
		c.format = name + " " + from.encoding
	}
	schema, err := schema.JSON[name]()
	if err != nil {
		return nil, err
	}
	if c.list, err = licenseList(); err != nil {
		return nil, err
	}
	found, err := schema.Validate(doc, mostProblems)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		if name == "SPDX 2.2" && p.Keyword == "enum" && isHyphenatedCategory(doc.Text(p.Node)) {
			continue
		}
		c.classed(c.schemaClass(p), p.Node, p.Keyword, p.Advice)
	}
	c.rules(name)
	return &c.report, nil
}

// rules checks what no schema can say.
func (c *jsonCheck) rules(name string) {
	switch {
	case strings.HasPrefix(name, "CycloneDX"):
		c.cycloneDX()
	case strings.HasPrefix(name, "SPDX 2"):
		c.spdx2(name)
	default:
		c.spdx3()
	}
}

// isHyphenatedCategory knows the spelling of categories that the text of SPDX 2.2 has, where its JSON schema has
// underscores. The schema of 2.3 follows the text.
func isHyphenatedCategory(text []byte) bool {
	return string(text) == "PACKAGE-MANAGER" || string(text) == "PERSISTENT-ID"
}

// detect finds the specification and its version.
func (c *jsonCheck) detect() (string, error) {
	root := c.doc.Root()
	var other foreign
	for name, v := range c.doc.Members(root) {
		other.named(c.doc.String(name), c.doc.Kind(v))
		if c.doc.String(name) == "@context" {
			for _, n := range append([]jsonschema.Node{v}, c.nodes(v)...) {
				if c.doc.Kind(n) == strictjson.String {
					other.context(c.doc.String(n))
				}
			}
		}
	}
	text := func(member string) string {
		if n := c.doc.Member(root, member); n >= 0 {
			return c.doc.String(n)
		}
		return ""
	}
	name := ""
	switch {
	case text("bomFormat") == "CycloneDX":
		name = "CycloneDX " + text("specVersion")
		if v := c.doc.Member(root, "specVersion"); v >= 0 && c.doc.Kind(v) != strictjson.String {
			return "", fmt.Errorf("%w: write specVersion as a text, such as \"1.6\"", ErrVersion)
		}
	case text("spdxVersion") != "":
		name = strings.Replace(text("spdxVersion"), "SPDX-", "SPDX ", 1)
	case other.name != "":
		return "", fmt.Errorf("%w: it is %s", ErrNotSBOM, other.name)
	case c.doc.Member(root, "@context") >= 0:
		name = "SPDX 3.0.1" // what has the context of another version does not pass the schema
	default:
		return "", fmt.Errorf("%w: add \"bomFormat\", \"spdxVersion\" or \"@context\" to say what it is", ErrNotSBOM)
	}
	if schema.JSON[name] == nil {
		return "", fmt.Errorf("%w: %q", ErrVersion, name)
	}
	return name, nil
}

// classed adds a problem with the value or member name n.
func (c *jsonCheck) classed(class Class, n jsonschema.Node, rule, advice string) {
	if c.found != nil {
		c.found(n, advice)
	} else if !c.full() { // finding the place takes time
		p := c.problem(n, rule, advice)
		p.Class = class
		c.add(p)
	}
}

// schemaClass says how much a problem with a schema matters.
// otherCategories are categories of external references as the other one of SPDX 2.2 and 2.3 spells them: Zephyr writes that of
// 2.2's schema in 2.3.
var otherCategories = []string{"PACKAGE_MANAGER", "PERSISTENT_ID", "PACKAGE-MANAGER", "PERSISTENT-ID"}

func (c *jsonCheck) schemaClass(p jsonschema.Problem) Class {
	switch {
	case p.Format == "iri-reference" || p.Format == "uri" || p.Format == "uri-reference" || p.Format == "iri" || p.Format == "email" ||
		p.Format == "idn-email":
		return Tolerated
	case p.Keyword == "enum" && string(c.doc.Text(p.Node)) == "OPERATING-SYSTEM": // as the text of SPDX 2.3 has it (7.24), and 2.3.1
		return Tolerated
	case p.Keyword == "enum" && slices.Contains(otherCategories, string(c.doc.Text(p.Node))):
		return Tolerated
	case p.Keyword == "pattern" && c.doc.Kind(p.Node) == strictjson.String && isTime(string(c.doc.Text(p.Node))):
		return Tolerated
	case p.Keyword == "additionalProperties" && string(c.doc.Text(p.Node)) == "authors" && c.people(p.Node+1):
		return Tolerated
	}
	return Broken
}

// people reports whether a value is a list of people with names, in a document of CycloneDX: pnpm writes the authors of components,
// which 1.6 has, in 1.5 too.
func (c *jsonCheck) people(list jsonschema.Node) bool {
	if c.doc.Kind(list) != strictjson.Array || c.doc.Member(c.doc.Root(), "bomFormat") < 0 {
		return false
	}
	for _, n := range c.doc.Elements(list) {
		if c.doc.Kind(n) != strictjson.Object {
			return false
		}
		if _, at := c.text(n, "name"); at < 0 {
			return false
		}
	}
	return true
}

// isTime reports whether a text is a time of RFC 3339, which has more forms than SPDX takes.
func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

func (c *jsonCheck) problem(n jsonschema.Node, rule, advice string) Problem {
	data, offset := c.doc.Data, c.doc.Offset(n)
	if c.from != nil {
		data, offset = c.from.data, c.from.offset(offset)
	}
	line, column := strictjson.Position(data, offset)
	where := c.doc.Pointer(n)
	if c.from != nil && c.from.encoding == "tag-value" {
		tag, _, _ := bytes.Cut(data[offset:min(offset+100, len(data))], []byte{':'})
		where = string(tag)
	}
	return Problem{Path: where, Line: line, Column: column, Rule: rule, Advice: advice}
}

const specification = "specification"

func (c *jsonCheck) doubt(n jsonschema.Node, format string, args ...any) {
	if c.found == nil && len(c.warnings) < mostProblems {
		c.warn(c.problem(n, specification, fmt.Sprintf(format, args...)))
	}
}

func (c *jsonCheck) say(n jsonschema.Node, format string, args ...any) {
	c.classed(Broken, n, specification, fmt.Sprintf(format, args...))
}

// tolerate adds a problem that readers take.
func (c *jsonCheck) tolerate(n jsonschema.Node, format string, args ...any) {
	c.classed(Tolerated, n, specification, fmt.Sprintf(format, args...))
}

func (c *jsonCheck) nodes(n jsonschema.Node) (out []jsonschema.Node) {
	for _, v := range c.doc.Elements(n) {
		out = append(out, v)
	}
	return out
}

// strings yields the strings of an array.
func (c *jsonCheck) strings(n jsonschema.Node) func(func(jsonschema.Node, string) bool) {
	return func(yield func(jsonschema.Node, string) bool) {
		if n < 0 {
			return
		}
		for _, v := range c.doc.Elements(n) {
			if c.doc.Kind(v) == strictjson.String && !yield(v, c.doc.String(v)) {
				return
			}
		}
	}
}

// list yields the elements of an array that is a member of n.
func (c *jsonCheck) members(n jsonschema.Node, name string) func(func(jsonschema.Node) bool) {
	return func(yield func(jsonschema.Node) bool) {
		a := c.doc.Member(n, name)
		if a < 0 {
			return
		}
		for _, v := range c.doc.Elements(a) {
			if !yield(v) {
				return
			}
		}
	}
}

// text returns a string member of n and its node, which is negative if there is none.
func (c *jsonCheck) text(n jsonschema.Node, name string) (string, jsonschema.Node) {
	v := c.doc.Member(n, name)
	if v < 0 || c.doc.Kind(v) != strictjson.String {
		return "", -1
	}
	return c.doc.String(v), v
}

// walk visits every value with the name of the member that holds it, or that holds the array it is in.
func (c *jsonCheck) walk(n jsonschema.Node, key string, visit func(n jsonschema.Node, key string)) {
	visit(n, key)
	for k, v := range c.doc.Members(n) {
		c.walk(v, c.doc.String(k), visit)
	}
	for _, v := range c.doc.Elements(n) {
		c.walk(v, key, visit)
	}
}

// objects is walk for those that are objects.
func (c *jsonCheck) objects(n jsonschema.Node, key string, visit func(n jsonschema.Node, key string)) {
	switch c.doc.Kind(n) {
	case strictjson.Object:
		visit(n, key)
		for k, v := range c.doc.Members(n) {
			if kind := c.doc.Kind(v); kind == strictjson.Object || kind == strictjson.Array {
				c.objects(v, c.doc.String(k), visit)
			}
		}
	case strictjson.Array:
		for _, v := range c.doc.Elements(n) {
			c.objects(v, key, visit)
		}
	}
}

// cycloneDX checks what the specification says in the descriptions of its schemas.
func (c *jsonCheck) cycloneDX() {
	first := map[string]jsonschema.Node{} // what has a bom-ref
	// The specification's own valid documents repeat a bom-ref in there.
	formulation := c.doc.Member(c.doc.Root(), "formulation")
	c.objects(c.doc.Root(), "", func(n jsonschema.Node, key string) {
		if key == "hashes" {
			alg, _ := c.text(n, "alg")
			if content, at := c.text(n, "content"); at >= 0 && !isHashOf(alg, content) {
				c.say(at, "Replace %s by the hexadecimal digits of a %s hash.", spec.Quote(content), alg)
			}
		}
		if key != "signature" {
			if ref, at := c.text(n, "bom-ref"); at >= 0 {
				earlier, taken := first[ref]
				if taken && !c.inside(n, formulation) {
					class := Broken
					if key == "compositions" || c.sameThing(earlier, n) { // nothing refers to a composition
						class = Tolerated
					}
					c.classed(class, at, specification, fmt.Sprintf("Give this another bom-ref: %s is taken by an earlier one.",
						spec.Quote(ref)))
				}
				if !taken {
					first[ref] = n
				}
			}
		}
		if key == "licenses" {
			if expr, at := c.text(n, "expression"); at >= 0 {
				if err := spdxexp.Check(expr, c.list, nil); err != nil {
					c.tolerate(at, "In the licence expression %s, %v.", spec.Quote(expr), err)
				}
			}
		}
	})
	dangling := func(at jsonschema.Node, ref string) {
		if _, ok := first[ref]; !ok {
			c.doubt(at, "Change %s to the bom-ref of something in this document, or remove it.", spec.Quote(ref))
		}
	}
	seen := map[string]bool{}
	for dep := range c.members(c.doc.Root(), "dependencies") {
		if ref, at := c.text(dep, "ref"); at >= 0 {
			dangling(at, ref)
			if seen[ref] {
				c.doubt(at, "Merge this with the earlier dependencies of %s.", spec.Quote(ref))
			}
			seen[ref] = true
		}
		for _, list := range []string{"dependsOn", "provides"} {
			for at, ref := range c.strings(c.doc.Member(dep, list)) {
				dangling(at, ref)
			}
		}
	}
	c.doubts(first)
	if v := c.doc.Member(c.doc.Root(), "version"); v >= 0 && c.doc.Kind(v) == strictjson.Number {
		if raw := c.doc.Raw(v); raw[0] == '-' || string(raw) == "0" {
			c.say(v, "Make the version of the BOM 1 or more.")
		}
	}
}

// sameThing reports whether two objects say that they are of one name, version and package URL.
func (c *jsonCheck) sameThing(a, b jsonschema.Node) bool {
	for _, member := range []string{"name", "version", "group", "purl"} {
		was, _ := c.text(a, member)
		is, _ := c.text(b, member)
		if was != is || member == "name" && was == "" {
			return false
		}
	}
	return true
}

// doubts warns of references outside of dependencies that lead nowhere, and of identifiers that are none.
func (c *jsonCheck) doubts(refs map[string]jsonschema.Node) {
	if c.found != nil {
		return
	}
	dangling := func(at jsonschema.Node, ref string) {
		if _, ok := refs[ref]; !ok && !strings.HasPrefix(ref, "urn:cdx:") {
			c.doubt(at, "Change %s to the bom-ref of something in this document, or remove it.", spec.Quote(ref))
		}
	}
	root := c.doc.Root()
	for v := range c.members(root, "vulnerabilities") {
		for a := range c.members(v, "affects") {
			if ref, at := c.text(a, "ref"); at >= 0 {
				dangling(at, ref)
			}
		}
	}
	for _, at := range [][]string{{"compositions", "assemblies", "dependencies", "vulnerabilities"}, {"annotations", "subjects"}} {
		for v := range c.members(root, at[0]) {
			for _, list := range at[1:] {
				for at, ref := range c.strings(c.doc.Member(v, list)) {
					dangling(at, ref)
				}
			}
		}
	}
	c.objects(root, "", func(n jsonschema.Node, key string) {
		switch key {
		case "components", "component", "ancestors", "descendants", "variants":
			if purl, at := c.text(n, "purl"); at >= 0 {
				c.purl(at, purl)
			}
			if cpe, at := c.text(n, "cpe"); at >= 0 {
				c.cpe(at, cpe)
			}
		}
	})
}

// purl and cpe warn of identifiers that no scanner finds (the descriptions of component.purl and component.cpe in
// CycloneDX; SPDX 2.3, annex F).
func (c *jsonCheck) purl(at jsonschema.Node, purl string) {
	if advice := doubtfulPURL(purl); advice != "" {
		c.doubt(at, "%s", advice)
	}
}

func (c *jsonCheck) cpe(at jsonschema.Node, cpe string) {
	if !isCPE(cpe) {
		c.doubt(at, "Replace %s by a CPE name, such as \"cpe:2.3:a:vendor:product:1.0:*:*:*:*:*:*:*\".", spec.Quote(cpe))
	}
}

func doubtfulPURL(purl string) string {
	if _, err := parsePURL(purl); err != nil {
		return fmt.Sprintf("Replace %s by a package URL: %v.", spec.Quote(purl), err)
	}
	return ""
}

// The forms of CPE names that both specifications give: 2.2 as a URI, 2.3 as a formatted string (NIST IR 7695).
var cpeURI, cpeString = func() (*regexp.Regexp, *regexp.Regexp) {
	const special = `[\\*?!"#$%&'()+,/:;<=>@\[\]^` + "`" + `{|}~]`
	const value = `(\?*|\*?)([a-zA-Z0-9\-._]|\\` + special + `|\\-|\\\.)+(\?*|\*?)|[*\-]`
	const language = `[a-zA-Z]{2,3}(-([a-zA-Z]{2}|[0-9]{3}))?|[*\-]`
	return regexp.MustCompile(`^[cC][pP][eE]:/[aAhHoO]?(:[A-Za-z0-9._\-~%]*){0,6}$`),
		regexp.MustCompile(`^cpe:2\.3:[aho*\-](:(` + value + `)){5}:(` + language + `)(:(` + value + `)){4}$`)
}()

func isCPE(s string) bool { return isPlainCPE(s) || cpeString.MatchString(s) || cpeURI.MatchString(s) }

// isPlainCPE knows most formatted strings without a regular expression: those without quoting and without a language.
func isPlainCPE(s string) bool {
	rest, ok := strings.CutPrefix(s, "cpe:2.3:")
	if !ok {
		return false
	}
	for i := range 11 {
		value, tail, more := strings.Cut(rest, ":")
		switch plain := value == "*" || value == "-"; {
		case more != (i < 10), i == 0 && !plain && value != "a" && value != "h" && value != "o", i == 6 && !plain:
			return false
		case value == "" || !plain && !isWord(value):
			return false
		}
		rest = tail
	}
	return true
}

// isWord reports whether s has only letters and digits of ASCII, dots, hyphens and underscores.
func isWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// inside reports whether n is part of outer, which may be negative for none.
func (c *jsonCheck) inside(n, outer jsonschema.Node) bool {
	return outer >= 0 && c.doc.Offset(n) >= c.doc.Offset(outer) && c.doc.Offset(n) < c.doc.Offset(outer)+len(c.doc.Raw(outer))
}

// hashLengths are the hexadecimal digits of the algorithms that have one length, by name without punctuation.
var hashLengths = map[string]int{
	"MD2": 32, "MD4": 32, "MD5": 32, "SHA1": 40, "SHA224": 56, "SHA256": 64, "SHA384": 96, "SHA512": 128,
	"SHA3224": 56, "SHA3256": 64, "SHA3384": 96, "SHA3512": 128, "BLAKE2B256": 64, "BLAKE2B384": 96, "BLAKE2B512": 128,
	"STREEBOG256": 64, "STREEBOG512": 128, "ADLER32": 8,
}

// isHashOf reports whether value can be a hash made with an algorithm.
func isHashOf(algorithm, value string) bool {
	key := make([]byte, 0, 16)
	for _, c := range []byte(algorithm) {
		switch {
		case c >= 'a' && c <= 'z':
			key = append(key, c-'a'+'A')
		case c != '-' && c != '_':
			key = append(key, c)
		}
	}
	n := hashLengths[string(key)]
	return n == 0 || len(value) == n && strings.Trim(value, "0123456789abcdefABCDEF") == ""
}
