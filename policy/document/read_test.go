package document

import (
	"errors"
	"strings"
	"testing"
)

const small = `
version: 1
name: small
trust:
  - {name: release, key: "-----BEGIN PUBLIC KEY-----"}
images:
  - match: [registry.example.com/shop/**]
    require:
      - signature: {by: [release]}
`

// Every fault is found with its line, its column and what to write instead.
func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"misspelt field", "require:", "requires:", `8:5: images[0]: unknown field "requires": did you mean "require"?`},
		{"misspelt field, other case", "version: 1", "Version: 1", `2:1: unknown field "Version": did you mean "version"?`},
		{"misspelt field, another style", "signature: {by: [release]}", "signature: {by: [release], at_least: 2}",
			`9:36: images[0].require[0].signature: unknown field "at_least": did you mean "atLeast"?`},
		{"a text for a list", "by: [release]", "by: release", `9:25: images[0].require[0].signature.by: a list is wanted here, and ` +
			`this is a text: write [release]`},
		{"a text for a number", "version: 1", `version: "1"`, `2:10: version: a whole number is wanted here, and this is a text: write ` +
			`it without quotes, 1`},
		{"a number for a text", "name: small", "name: 12", `3:7: name: a text is wanted here, and this is a number: write it in ` +
			`quotes, "12"`},
		{"nothing", "by: [release]", "by: ~", `9:25: images[0].require[0].signature.by: a list is wanted here, and this is nothing`},
		{"twice", "name: small", "name: small\nname: large", `4:1: the key "name" stands here twice`},
		{"an empty list, which would be everybody", "by: [release]", "by: []",
			`9:25: images[0].require[0].signature.by: the list is empty: leave the field out, or name what is meant`},
		{"no rules", "require:\n      - signature: {by: [release]}", "require: []",
			`8:14: images[0].require: the list is empty: leave the field out, or name what is meant`},
		{"an empty name, which is no wildcard", "by: [release]", `by: [""]`, `9:26: images[0].require[0].signature.by[0]: the text is ` +
			`empty: leave the field out, or say what is meant`},
		{"nothing is asked", "signature: {by: [release]}", "name: signed", `9:9: images[0].require[0]: nothing is asked here: write ` +
			`one of use, allOf, anyOf, atLeast, signature, attestation, summary, sbom, components, licenses, vulnerabilities, ` +
			`provenance, keyless`},
		{"two are asked", "signature: {by: [release]}", "{signature: {}, anyOf: [{signature: {}}]}",
			`9:9: images[0].require[0]: signature and anyOf exclude each other: make them entries of their own`},
		{"missing", "name: small", "description: x", `2:1: the field "name" is missing`},
		{"age zero, which means none", "by: [release]", "by: [release], maxAge: 0d",
			`9:44: images[0].require[0].signature.maxAge: "0d" is no time that anything could last: leave the field out if it is for ever`},
		{"age without unit", "by: [release]", "by: [release], maxAge: 30", `9:44: images[0].require[0].signature.maxAge: a duration ` +
			`such as 12h, 30d or 2w is wanted here, and this is a number: write it in quotes, "30"`},
		{"threshold zero", "by: [release]", "by: [release], atLeast: 0", `9:45: images[0].require[0].signature.atLeast: 0 is no whole ` +
			`number from 1 to 2147483648`},
		{"pattern with tag", "shop/**", "shop/app:v1", `7:13: images[0].match[0]: "registry.example.com/shop/app:v1" is not a pattern ` +
			`of images, HOST/REPOSITORY, such as registry.example.com/shop/**, without tag and digest`},
		{"anchor", "by: [release]", "by: &who [release]", `9:25: the anchor &who: write out what refers to it`},
		{"tag", "name: small", "name: !!str small", `3:7: the tag !!str`},
		{"mode not spelt", "images:", "gates: {admission: {indeterminate: warn}}\nimages:",
			`6:20: gates.admission: the field "mode" is missing`},
		{"mode unknown", "images:", "gates: {admission: {mode: enforce}}\nimages:",
			`6:27: gates.admission.mode: "enforce" is none of the words that there are: there are deny, warn, audit`},
		{"silence", "images:", "gates: {admission: {mode: deny, indeterminate: allow}}\nimages:",
			`6:48: gates.admission.indeterminate: "allow" is none of the words that there are: there are deny, warn`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(small, tt.old, tt.new, 1)
			if text == small {
				t.Fatal("nothing was replaced")
			}
			root, err := nodes([]byte(text))
			if err == nil {
				err = read(root, new(spec)).err()
			}
			var faults Errors
			if !errors.As(err, &faults) || !errors.Is(err, ErrDocument) {
				t.Fatalf("%v", err)
			}
			if len(faults) == 0 || faults[0].Error() != tt.want {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}
