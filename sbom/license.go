package sbom

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
)

// A State says what a document asserts where it gives no value.
type State uint8

// The states. Absent says nothing at all; the others are assertions (SPDX 2.3, clause 7.13 and others).
const (
	Absent      State = iota
	Value             // there is a value
	NoAssertion       // NOASSERTION: nobody looked, or nobody says
	NoValue           // NONE: somebody looked, and there is none
)

func stateOf(s string) State {
	switch s {
	case "NOASSERTION":
		return NoAssertion
	case "NONE":
		return NoValue
	}
	return Value
}

// A LicenseClaim is one statement about a component's licence.
type LicenseClaim struct {
	Role       string // "declared", "concluded", or "" where CycloneDX does not say
	State      State  // Value, NoAssertion or NoValue
	Expression string // an SPDX licence expression, of one id too
	Name       string // of a licence that has no id
	URL        string
}

// Licenses returns what the document says of a component's licence, in its order. They are read from the document at
// each call.
func (d *Document) Licenses(ref Ref) (out []LicenseClaim) {
	if d.format.Spec == SPDX && !isSPDX2(d.format) {
		return slices.Clone(d.claims()[ref])
	}
	r := d.reader(ref)
	for name := range r.Object() {
		switch {
		case d.format.Spec == SPDX && r.Kind() == strictjson.String && (string(name) == "licenseConcluded" ||
			string(name) == "licenseDeclared"):
			out = append(out, spdxClaim(strings.ToLower(string(name[len("license"):])), index.View(r)))
		case d.format.Spec == CycloneDX && string(name) == "licenses" && r.Kind() == strictjson.Array:
			for range r.Array() {
				if r.Kind() == strictjson.Object {
					c := LicenseClaim{State: Value}
					c.read(r)
					out = append(out, c)
				}
			}
		}
	}
	return out
}

func spdxClaim(role, expression string) LicenseClaim {
	c := LicenseClaim{Role: role, Expression: expression, State: stateOf(expression)}
	if c.State != Value {
		c.Expression = ""
	}
	return c
}

func (c *LicenseClaim) read(r *strictjson.Reader) {
	for name := range r.Object() {
		switch kind := r.Kind(); {
		case string(name) == "license" && kind == strictjson.Object:
			c.read(r)
		case kind != strictjson.String:
		case string(name) == "expression" || string(name) == "id":
			c.Expression = index.View(r)
		case string(name) == "name":
			c.Name = index.View(r)
		case string(name) == "url":
			c.URL = index.View(r)
		case string(name) == "acknowledgement":
			c.Role = index.View(r)
		}
	}
}

// claims are the licences of components of SPDX 3, where they are relationships.
func (d *Document) claims() map[Ref][]LicenseClaim {
	return remember(&d.memos.claims, func() map[Ref][]LicenseClaim {
		m := map[Ref][]LicenseClaim{}
		d.found.Claims(func(from, role, expression string) {
			if ref, ok := d.ByID(from); ok {
				m[ref] = append(m[ref], spdxClaim(role, expression))
			}
		})
		return m
	})
}
