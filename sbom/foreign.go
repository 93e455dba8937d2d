package sbom

import (
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A foreign is what a JSON document is that is no SBOM, as far as its members tell.
type foreign struct{ name string }

// foreignMembers are members at the top of documents that are handed over in place of an SBOM, or around it.
var foreignMembers = map[string]string{
	"sbom":          "GitHub's answer around an SBOM: take what stands in its member \"sbom\"",
	"predicateType": "an in-toto statement: verify it and take its predicate",
	"payloadType":   "a signed envelope: verify it and take the predicate of what it holds",
	"mediaType":     "a Sigstore bundle or a manifest: verify it or fetch what it names",
	"artifacts":     "an SBOM in syft's own format: write it with syft's -o cyclonedx-json or -o spdx-json",
	"detector":      "GitHub's snapshot of dependencies, which is no SBOM",
	"Results":       "Trivy's report: write it with its --format cyclonedx or spdx-json",
}

// member looks at a member that CycloneDX does not have, and reports whether the document is known by it.
func (f *foreign) member(r *strictjson.Reader, name []byte) bool {
	if foreignMembers[string(name)] == "" {
		return false
	}
	f.named(string(name), r.Kind())
	return true
}

func (f *foreign) named(name string, kind strictjson.Kind) {
	if text := foreignMembers[name]; text != "" && f.name == "" && (name != "sbom" || kind == strictjson.Object) {
		f.name = text
	}
}

// context looks at what a JSON-LD document says it is.
func (f *foreign) context(c string) {
	if strings.HasPrefix(c, "https://openvex.dev/ns") {
		f.name = "an OpenVEX document, which says what vulnerabilities affect and lists no components"
	}
}
