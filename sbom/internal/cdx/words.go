// Package cdx knows CycloneDX: what its members are called (words.go), how a document is read into the model (read.go)
// and written from it (write.go), what differs between its versions (fit.go), and the rules that no schema says
// (rules.go, rules_xml.go).
package cdx

import (
	"strings"

	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Words are the members that name parts of documents.
var Words = &tree.Words{IDs: []string{"bom-ref"}, Hashes: "hashes", HashAlgorithm: "alg", HashValue: "content",
	Refers: func(name string) bool { return references[name] || strings.HasSuffix(name, "Ref") }}

// references are the members of CycloneDX, 1.2 to 1.7, whose texts refer to others; those that end in "Ref" do
// too. Texts of members with these names that are no references are none of the names that are looked for.
var references = spec.Set("bom-ref", "ref", "dependsOn", "provides", "assemblies", "dependencies", "vulnerabilities", "subjects",
	"tools",
	"assessor", "target", "requirement", "claims", "counterClaims", "evidence", "counterEvidence", "mitigationStrategies",
	"requirements", "cryptoRefArray")

// aggregates are CycloneDX's words (1.7, aggregateType) that SPDX has, as CycloneDX's general ones.
var aggregates = map[string]string{"complete": "complete", "incomplete": "incomplete", "incomplete_first_party_only": "incomplete",
	"incomplete_first_party_proprietary_only": "incomplete", "incomplete_first_party_opensource_only": "incomplete",
	"incomplete_third_party_only": "incomplete", "incomplete_third_party_proprietary_only": "incomplete",
	"incomplete_third_party_opensource_only": "incomplete", "unknown": "unknown"}

// kinds are CycloneDX's types by SPDX 2's purposes.
var kinds = map[string]string{
	"APPLICATION": "application", "FRAMEWORK": "framework", "LIBRARY": "library", "CONTAINER": "container",
	"OPERATING-SYSTEM": "operating-system", "OPERATING_SYSTEM": "operating-system", "DEVICE": "device",
	"FIRMWARE": "firmware", "FILE": "file",
}

// ComponentTypes are those of components that CycloneDX 1.6 has.
var ComponentTypes = []string{"application", "framework", "library", "container", "platform", "operating-system", "device",
	"device-driver", "firmware", "file", "machine-learning-model", "data", "cryptographic-asset"}
