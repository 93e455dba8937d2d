package check

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/syntax"
	"github.com/ladingdev/lading/sbom/internal/cpe"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// A Check is one validation of a JSON text, which may stand for a document in another encoding.
type Check struct {
	Report
	Doc  *jsonschema.Document
	List *license.List
	From *Origin

	// Found is told of every problem with a rule, instead of the report.
	Found func(n jsonschema.Node, advice string)
}

// An Origin tells where the parts of a JSON text come from, when the document is in another encoding.
type Origin struct {
	Encoding string
	Data     []byte
	Offset   func(jsonOffset int) int
}

// Classed adds a problem with the value or member name n.
func (c *Check) Classed(class Class, n jsonschema.Node, rule, advice string) {
	if c.Found != nil {
		c.Found(n, advice)
	} else if !c.Full() { // finding the place takes time
		p := c.problemAt(n, rule, advice)
		p.Class = class
		c.Add(p)
	}
}

func (c *Check) problemAt(n jsonschema.Node, rule, advice string) Problem {
	data, offset := c.Doc.Data, c.Doc.Offset(n)
	if c.From != nil {
		data, offset = c.From.Data, c.From.Offset(offset)
	}
	line, column := syntax.Position(data, offset)
	where := c.Doc.Pointer(n)
	if c.From != nil && c.From.Encoding == "tag-value" {
		tag, _, _ := bytes.Cut(data[offset:min(offset+100, len(data))], []byte{':'})
		where = string(tag)
	}
	return Problem{Path: where, Line: line, Column: column, Rule: rule, Advice: advice}
}

const Specification = "specification"

func (c *Check) Doubt(n jsonschema.Node, format string, args ...any) {
	if c.Found == nil && len(c.Warnings) < MostProblems {
		c.Warn(c.problemAt(n, Specification, fmt.Sprintf(format, args...)))
	}
}

func (c *Check) Fail(n jsonschema.Node, format string, args ...any) {
	c.Classed(Broken, n, Specification, fmt.Sprintf(format, args...))
}

// Tolerate adds a problem that readers take.
func (c *Check) Tolerate(n jsonschema.Node, format string, args ...any) {
	c.Classed(Tolerated, n, Specification, fmt.Sprintf(format, args...))
}

func (c *Check) Nodes(n jsonschema.Node) (out []jsonschema.Node) {
	for _, v := range c.Doc.Elements(n) {
		out = append(out, v)
	}
	return out
}

// Strings yields the strings of an array.
func (c *Check) Strings(n jsonschema.Node) func(func(jsonschema.Node, string) bool) {
	return func(yield func(jsonschema.Node, string) bool) {
		if n < 0 {
			return
		}
		for _, v := range c.Doc.Elements(n) {
			if c.Doc.Kind(v) == strictjson.String && !yield(v, c.Doc.String(v)) {
				return
			}
		}
	}
}

// Members yields the elements of an array that is a member of n.
func (c *Check) Members(n jsonschema.Node, name string) func(func(jsonschema.Node) bool) {
	return func(yield func(jsonschema.Node) bool) {
		a := c.Doc.Member(n, name)
		if a < 0 {
			return
		}
		for _, v := range c.Doc.Elements(a) {
			if !yield(v) {
				return
			}
		}
	}
}

// Text returns a string member of n and its node, which is negative if there is none.
func (c *Check) Text(n jsonschema.Node, name string) (string, jsonschema.Node) {
	v := c.Doc.Member(n, name)
	if v < 0 || c.Doc.Kind(v) != strictjson.String {
		return "", -1
	}
	return c.Doc.String(v), v
}

// Find appends the values of members of n in the order of names, negative for what is not there, in one pass over n.
func (c *Check) Find(n jsonschema.Node, names []string, out []jsonschema.Node) []jsonschema.Node {
	for range names {
		out = append(out, -1)
	}
	for k, v := range c.Doc.Members(n) {
		if i := slices.Index(names, c.Doc.String(k)); i >= 0 {
			out[len(out)-len(names)+i] = v
		}
	}
	return out
}

// Walk visits every value with the name of the member that holds it, or that holds the array it is in.
func (c *Check) Walk(n jsonschema.Node, key string, visit func(n jsonschema.Node, key string)) {
	visit(n, key)
	for k, v := range c.Doc.Members(n) {
		c.Walk(v, c.Doc.String(k), visit)
	}
	for _, v := range c.Doc.Elements(n) {
		c.Walk(v, key, visit)
	}
}

// PURL and CPE warn of identifiers that no scanner finds (the descriptions of component.purl and component.cpe in
// CycloneDX; SPDX 2.3, annex F).
func (c *Check) PURL(at jsonschema.Node, purl string) {
	if advice := DoubtfulPURL(purl); advice != "" {
		c.Doubt(at, "%s", advice)
	}
}

func (c *Check) CPE(at jsonschema.Node, name string) {
	if !cpe.IsName(name) {
		c.Doubt(at, "Replace %s by a CPE name, such as \"cpe:2.3:a:vendor:product:1.0:*:*:*:*:*:*:*\".", spec.Quote(name))
	}
}

// Inside reports whether n is part of outer, which may be negative for none.
func (c *Check) Inside(n, outer jsonschema.Node) bool {
	return outer >= 0 && c.Doc.Offset(n) >= c.Doc.Offset(outer) && c.Doc.Offset(n) < c.Doc.Offset(outer)+len(c.Doc.Raw(outer))
}

// hashLengths are the hexadecimal digits of the algorithms that have one length, by name without punctuation.
var hashLengths = map[string]int{
	"MD2": 32, "MD4": 32, "MD5": 32, "SHA1": 40, "SHA224": 56, "SHA256": 64, "SHA384": 96, "SHA512": 128,
	"SHA3224": 56, "SHA3256": 64, "SHA3384": 96, "SHA3512": 128, "BLAKE2B256": 64, "BLAKE2B384": 96, "BLAKE2B512": 128,
	"STREEBOG256": 64, "STREEBOG512": 128, "ADLER32": 8,
}

// IsHashOf reports whether value can be a hash made with an algorithm.
func IsHashOf(algorithm, value string) bool {
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
	return n == 0 || len(value) == n && isHex(value)
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// Objects visits n and what is below it, where it is an object: with the name of the member that holds it, or its list.
func (c *Check) Objects(n jsonschema.Node, key string, visit func(n jsonschema.Node, key string)) {
	switch c.Doc.Kind(n) {
	case strictjson.Object:
		visit(n, key)
		for k, v := range c.Doc.Members(n) {
			if kind := c.Doc.Kind(v); kind == strictjson.Object || kind == strictjson.Array {
				c.Objects(v, c.Doc.String(k), visit)
			}
		}
	case strictjson.Array:
		for _, v := range c.Doc.Elements(n) {
			c.Objects(v, key, visit)
		}
	}
}
