// Package spdx2 knows SPDX 2.2 and 2.3: what members are called (words.go), how a document is read into the model
// (read.go) and written from it (write.go), what differs between the versions and is mended (fit.go), and the rules
// that no schema says (rules.go).
package spdx2

import (
	"strings"

	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Words are the members that name parts of documents.
var Words = &tree.Words{IDs: []string{"SPDXID", "licenseId", "externalDocumentId"}, Document: spec.DocumentID, Expressions: true,
	Hashes: "checksums", HashAlgorithm: "algorithm", HashValue: "checksumValue",
	Identifiers: "externalRefs", IdentifierType: "referenceType", IdentifierValue: "referenceLocator",
	Refers: func(name string) bool { return references[name] || expressions[name] }}

// references are the members of SPDX 2 that do (2.3, the JSON schema), and those that hold licence expressions.
var (
	references = spec.Set("SPDXID", "licenseId", "externalDocumentId", "spdxElementId", "relatedSpdxElement", "documentDescribes",
		"hasFiles", "snippetFromFile",
		"reference", "fileDependencies")
	expressions = spec.Set("licenseConcluded", "licenseDeclared", "licenseInfoFromFiles", "licenseInfoInFiles",
		"licenseInfoInSnippets")
)

// identifiers are the types of external references (2.3, annex F) that SPDX 3 and CycloneDX have as identifiers, and
// SPDX 3's own types, as a conversion writes them.
var identifiers = map[string]string{"swh": "swhid", "gitoid": "gitoid", "swid": "swid", "cve": "cve", "email": "email",
	"securityOther": "securityOther", "urlScheme": "urlScheme"}

// lastPart returns what a reference type is called that may be a URI.
func lastPart(kind string) string { return kind[strings.LastIndexByte(kind, '/')+1:] }

// hashName writes SPDX 2's names of hash algorithms as CycloneDX does.
func hashName(alg string) string {
	if strings.HasPrefix(alg, "SHA") && len(alg) <= 6 {
		return "SHA-" + alg[3:]
	}
	return alg
}

// propertiesTool is the annotator of what is a property in CycloneDX, as "name: value": the form in which Trivy writes and reads its own.
const propertiesTool = "lading-cyclonedx-properties"

// purposes are SPDX 2.3's words for CycloneDX's types.
var purposes = map[string]string{
	"application": "APPLICATION", "framework": "FRAMEWORK", "library": "LIBRARY", "container": "CONTAINER",
	"operating-system": "OPERATING_SYSTEM", "device": "DEVICE", "firmware": "FIRMWARE", "file": "FILE",
}

// mediaKinds are SPDX 2's types of files that are the first parts of media types (2.3, clause 8.3).
var mediaKinds = []string{"APPLICATION", "AUDIO", "IMAGE", "TEXT", "VIDEO"}
