package sbom

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/cdx"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spdx3"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A target is the schema of a format that is converted to.
type target struct {
	t    testing.TB
	spec string
	root map[string]any
}

func targetOf(t testing.TB, spec string) *target {
	t.Helper()
	file := schemaOf[spec]
	if spec == "SPDX 2.2" {
		file = "spdx/spdx-2.2.schema.json"
	}
	data, err := schema.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	x := &target{t: t, spec: spec}
	if err := json.Unmarshal(data, &x.root); err != nil {
		t.Fatal(err)
	}
	return x
}

// members returns what the schema says of the members of an object: of CycloneDX by its definition, of SPDX 2 by where it
// stands, of SPDX 3 by its class.
func (x *target) members(object string) map[string]any {
	x.t.Helper()
	out := map[string]any{}
	switch {
	case x.spec == "SPDX 3":
		props, ok := x.root["$defs"].(map[string]any)[object+"_props"].(map[string]any)
		if !ok {
			return map[string]any{}
		}
		parts, _ := props["allOf"].([]any)
		for _, p := range append(parts, props) {
			p := p.(map[string]any)
			if ref, ok := p["$ref"].(string); ok && strings.HasSuffix(ref, "_props") {
				maps.Copy(out, x.members(strings.TrimSuffix(strings.TrimPrefix(ref, "#/$defs/"), "_props")))
			}
			if own, ok := p["properties"].(map[string]any); ok {
				maps.Copy(out, own)
			}
		}
	case x.spec == "CycloneDX":
		v := x.root
		first, rest, _ := strings.Cut(object, ".")
		if first != "" {
			v, _ = x.root["definitions"].(map[string]any)[first].(map[string]any)
		}
		return below(v, rest)
	case x.spec == "SPDX 2.2": // whose schema has the document as a member
		document, _ := x.root["properties"].(map[string]any)["Document"].(map[string]any)
		return below(document, object)
	default:
		return below(x.root, object)
	}
	return out
}

func below(v map[string]any, path string) map[string]any {
	for _, name := range strings.Split(path, ".") {
		if items, ok := v["items"].(map[string]any); ok {
			v = items
		}
		if name != "" {
			v, _ = v["properties"].(map[string]any)[name].(map[string]any)
		}
	}
	if items, ok := v["items"].(map[string]any); ok {
		v = items
	}
	own, _ := v["properties"].(map[string]any)
	return own
}

// A proof shows that a reason is true, or fails.
type proof func(t testing.TB)

// lacks proves that an object has none of some members, and is one that has members.
func lacks(spec, object string, names ...string) proof {
	return func(t testing.TB) {
		members := targetOf(t, spec).members(object)
		if len(members) == 0 {
			t.Errorf("%s has no %s", spec, object)
		}
		for _, name := range names {
			if _, ok := members[name]; ok {
				t.Errorf("%s has %s in %s", spec, name, object)
			}
		}
	}
}

// one proves that a member is no list, and is there.
func one(spec, object, name string) proof {
	return func(t testing.TB) {
		m, ok := targetOf(t, spec).members(object)[name].(map[string]any)
		if list, _ := json.Marshal(m); !ok || m["type"] == "array" || strings.HasPrefix(string(list), `{"oneOf":[{"items"`) {
			t.Errorf("%s: %s of %s is a list, or is not there: %s", spec, name, object, list)
		}
	}
}

// noWord proves that a schema has none of some names at all.
func noWord(spec string, names ...string) proof {
	return func(t testing.TB) {
		words := wordsOf(t, schemaOf[spec])
		for _, name := range names {
			if words[name] {
				t.Errorf("%s has the word %s", spec, name)
			}
		}
	}
}

// notIn proves that a closed list lacks some words and has another.
func notIn(file, list, has string, names ...string) proof {
	return func(t testing.TB) {
		words := enumOf(t, file, list)
		if !slices.Contains(words, has) {
			t.Errorf("%s: %q lacks %s", list, words, has)
		}
		for _, name := range names {
			if slices.Contains(words, name) {
				t.Errorf("%s has %s", list, name)
			}
		}
	}
}

// refused proves by the validator: a document is valid, and is not once something in it is said in another way.
func refused(valid, old, new string) proof {
	return func(t testing.TB) {
		if _, err := Validate([]byte(valid)); err != nil || !strings.Contains(valid, old) {
			t.Errorf("the document to begin with: %v", err)
		}
		if _, err := Validate([]byte(strings.Replace(valid, old, new, 1))); err == nil {
			t.Errorf("%s in place of %s is valid", new, old)
		}
	}
}

// accepted proves that a format lets something be left out.
func accepted(doc string) proof {
	return func(t testing.TB) {
		if _, err := Validate([]byte(doc)); err != nil {
			t.Error(err)
		}
	}
}

// validator marks reasons that are the words of the validator, which the output is held against.
func validator(t testing.TB) {}

// text marks reasons by a specification's text alone, which no schema can say; each has the clause beside it.
func specText(clause string) proof {
	return func(t testing.TB) {
		if len(clause) < 15 {
			t.Error("no clause")
		}
	}
}

const (
	spdx23File, spdx3File, cdxFile = "spdx/spdx-2.3.schema.json", "spdx/spdx-3.0.1.schema.json", "cyclonedx/bom-1.7.schema.json"

	proofSPDX2 = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"https://example.org/n",
"creationInfo":{"created":"2026-11-28T18:00:00Z","creators":["Tool: t"]},"packages":[{"SPDXID":"SPDXRef-a","name":"a","downloadLocation":"NOASSERTION",
"checksums":[{"algorithm":"SHA256","checksumValue":"5a295a5286cb11b6dbcbc447250ce399a5773b4e29f17c383bd083e7dd1b3a92"}],"originator":"Person: a","licenseDeclared":"MIT"}],
"files":[{"SPDXID":"SPDXRef-f","fileName":"f","checksums":[{"algorithm":"SHA1","checksumValue":"3a365c2d58103971a721c9ee18731d3e942e002f"}]}],
"snippets":[{"SPDXID":"SPDXRef-s","name":"s","snippetFromFile":"SPDXRef-f","ranges":[{"startPointer":{"reference":"SPDXRef-f","offset":1},"endPointer":{"reference":"SPDXRef-f","offset":2}}]}],
"externalDocumentRefs":[{"externalDocumentId":"DocumentRef-x","spdxDocument":"https://example.org/x","checksum":{"algorithm":"SHA1","checksumValue":"3a365c2d58103971a721c9ee18731d3e942e002f"}}],
"relationships":[{"spdxElementId":"SPDXRef-a","relationshipType":"DEPENDS_ON","relatedSpdxElement":"DocumentRef-x:SPDXRef-y"}]}`
	proofCDX = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"timestamp":"2026-11-28T18:00:00Z","component":{"type":"library","name":"r","bom-ref":"r"}},
"components":[{"type":"library","name":"a","bom-ref":"a","licenses":[{"expression":"MIT"}],"hashes":[{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"}]}],
"dependencies":[{"ref":"a","dependsOn":["r"]}],
"annotations":[{"subjects":["a"],"annotator":{"individual":{"name":"n"}},"timestamp":"2026-01-01T00:00:00Z","text":"t"}]}`
	proofSPDX3 = spdx3Head + `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p"},
{"type":"security_Vulnerability","spdxId":"urn:x:v","creationInfo":"_:c","name":"CVE-2024-1"},
{"type":"security_VexAffectedVulnAssessmentRelationship","spdxId":"urn:x:a","creationInfo":"_:c","relationshipType":"affects","from":"urn:x:v","to":["urn:x:p"],"security_actionStatement":"update"},
{"type":"security_CvssV3VulnAssessmentRelationship","spdxId":"urn:x:s","creationInfo":"_:c","relationshipType":"hasAssessmentFor","from":"urn:x:v","to":["urn:x:p"],
"security_score":9.8,"security_severity":"critical","security_vectorString":"CVSS:3.1/AV:N"}]}`
)

// reasonProofs has every reason that a report of Convert can give, with its proof from the schema of the format that cannot
// say it. "*" stands for what is said of one document only.
var reasonProofs = map[string][]proof{
	// what the output must have
	"CycloneDX wants a type; library where the input gives none": {refused(proofCDX, `"type":"library","name":"a"`, `"name":"a"`)},
	"SPDX wants a creator; the input names none": {refused(proofSPDX2, `"creators":["Tool: t"]`, `"comment":""`),
		refused(proofSPDX3, `,"createdBy":["urn:x:org"]`, ``)},
	"SPDX wants a name": {refused(proofSPDX2, `"name":"n",`, ``)},
	"SPDX wants a time of creation; the input gives none": {refused(proofSPDX2, `"created":"2026-11-28T18:00:00Z",`, ``),
		refused(proofSPDX3, `"created":"2026-01-02T03:04:05Z",`, ``)},
	"SPDX wants a namespace; made from the input's bytes": {refused(proofSPDX2, `"documentNamespace":"https://example.org/n",`, ``)},
	"SPDX wants ids that are IRIs; made from the input's bytes": {refused(proofSPDX3, `"spdxId":"urn:x:p"`,
		`"spdxId":"p"`)},
	"the id of the input is no URI; made from it": {refused(proofSPDX2, `"https://example.org/n"`,
		`"n"`), refused(proofSPDX3, `"spdxId":"urn:x:doc"`, `"spdxId":"doc"`)},
	"SPDX wants a severity; none where the input gives none that it knows": {refused(proofSPDX3,
		`"security_severity":"critical",`, ``)},
	"SPDX wants to know what to do about what is affected; the input does not " +
		"say": {refused(proofSPDX3, `,"security_actionStatement":"update"`, ``)},
	"SPDX wants a download location and asks whether files were analysed; NOASSERTION and false where the input says nothing": {
		refused(proofSPDX2, `,"downloadLocation":"NOASSERTION"`, ``)},
	"SPDX 2.2 wants licences and copyright texts; NOASSERTION where the input gives none": {one("SPDX 2.2", "packages", "copyrightText"),
		specText("SPDX 2.2, clauses 3.13, 3.15 and 3.17: mandatory, one; its JSON schema leaves the licences out")},
	"CycloneDX * wants a version; an empty one where the input gives none": {
		refused(`{"bomFormat":"CycloneDX","specVersion":"1.3","version":1,"components":[{"type":"library","name":"a","version":""}]}`,
			`,"version":""}`, `}`)},

	// what the validator says of the output
	"* does not have * here":                       {validator},
	"* has no such type; written as *":             {validator},
	"* knows no such licence; written as its name": {validator},
	"* has URLs; written as *":                     {validator},
	"* has texts of one line":                      {validator},
	"*: *":                                         {validator},
	"no URI that a reference could begin with":     {refused(proofSPDX3, `"urn:x:doc"`, `"#x"`)},

	// what an encoding of CycloneDX says otherwise: by TestEncodeNoPlace
	"the * form has no place for it":    {noWord("CycloneDX", "SignedInfo", "Signature"), lacks("CycloneDX", "", "xmlns")},
	"the JSON form has no place for it": {lacks("CycloneDX", "", "xmlns", "Signature")},
	"the * form says it otherwise":      {lacks("CycloneDX", "", "xmlns")},
	"the namespace says so":             {specText("CycloneDX 1.7, XML: xmlns has the version, as $schema does in JSON")},

	// words that the format has no other for
	noPlace:        {func(t testing.TB) {}}, // by TestNoPlace
	notCarried:     {func(t testing.TB) {}}, // by TestNoPlace
	tree.EmptyList: {accepted(proofCDX), accepted(proofSPDX2)},
	model.NoSuchRelation: {lacks("CycloneDX", "dependency", "relationshipType", "type"), func(t testing.TB) { // of SPDX 3 to SPDX 2
		two := enumOf(t, spdx23File, "relationshipType")
		for _, kind := range enumOf(t, spdx3File, "prop_Relationship_relationshipType") {
			if name, _ := model.FromSPDX3(kind, ""); model.ToSPDX3[name].Three == "" && slices.Contains(two, string(name)) {
				t.Errorf("SPDX 2 has %s", name)
			}
		}
	}},
	model.NoSuchScope: {noWord("SPDX 2", "scope", "excluded", "EXCLUDED"), func(t testing.TB) {
		for _, scope := range enumOf(t, spdx3File, "prop_LifecycleScopedRelationship_scope") {
			if slices.Contains([]string{"excluded", "optional"}, scope) {
				t.Errorf("SPDX 3 has %s", scope)
			}
		}
	}},
	model.NotDescribed: {refused(proofSPDX2, `DocumentRef-x:SPDXRef-y`, `SPDXRef-gone`), lacks("CycloneDX", "dependency", "url", "uri")},
	"SPDX 2.2 does not have it": {func(t testing.TB) {
		for _, in := range []string{"packages", "files", "snippets"} {
			for _, name := range []string{"primaryPackagePurpose", "releaseDate", "builtDate", "validUntilDate"} {
				if _, ok := targetOf(t, "SPDX 2.2").members(in)[name]; ok {
					t.Errorf("SPDX 2.2 has %s in %s", name, in)
				}
			}
		}
	}},
	"the schema of SPDX 2.2 has no such category; written as OTHER": {notIn("spdx/spdx-2.2.schema.json", "referenceCategory", "OTHER",
		"PERSISTENT-ID", "PERSISTENT_ID")},
	"CycloneDX has no such hash algorithm": {notIn(cdxFile, "hash-alg", "MD5", "MD2", "MD4", "MD6",
		"SHA-224", "ADLER32", "falcon", "crystalsKyber", "crystalsDilithium", "other")},
	"SPDX has no such hash algorithm": {notIn(spdx23File, "algorithm", "SHA256", "Streebog-256",
		"STREEBOG256", "Streebog-512", "STREEBOG512")},
	"SPDX has no such hash algorithm; written as other, and the name as a comment": {
		notIn(spdx3File, "prop_Hash_algorithm", "other", "streebog256", "streebog512", "streebog_256", "streebog_512")},
	"CycloneDX has no such type of reference; written as other": {func(t testing.TB) {
		list, _ := targetOf(t, "CycloneDX").members("externalReference")["type"].(map[string]any)["enum"].([]any)
		for _, w := range list {
			if !slices.Contains(model.CycloneDXReferences, w.(string)) {
				t.Errorf("%v is not known", w)
			}
		}
		for _, kind := range enumOf(t, spdx3File, "prop_ExternalRef_externalRefType") {
			for _, w := range list {
				if name := model.FromSPDX3Reference[kind]; camelCase(w.(string)) == kind && name != w {
					t.Errorf("CycloneDX has %s for %s", w, kind)
				}
			}
		}
	}},
	"SPDX has no such type of reference; written as other": {func(t testing.TB) {
		words := enumOf(t, spdx3File, "prop_ExternalRef_externalRefType")
		for _, kind := range model.CycloneDXReferences {
			if camel := camelCase(kind); slices.Contains(words, camel) && model.SPDX3References[kind] == "" {
				t.Errorf("SPDX 3 has %s", camel)
			}
		}
	}},
	"CycloneDX has no such type; written as library": {func(t testing.TB) {
		words := enumOf(t, spdx3File, "prop_software_SoftwareArtifact_software_primaryPurpose")
		for _, kind := range words {
			if name := spdx3.KindOf(kind); slices.Contains(cdx.ComponentTypes, kind) && name != kind {
				t.Errorf("CycloneDX has %s", kind)
			}
		}
	}},
	"SPDX has no such purpose; written as OTHER": {notIn(spdx23File, "primaryPackagePurpose", "OTHER", "PLATFORM", "DEVICE_DRIVER",
		"DEVICE-DRIVER",
		"MACHINE_LEARNING_MODEL", "MACHINE-LEARNING-MODEL", "MODEL", "DATA", "CRYPTOGRAPHIC_ASSET", "CRYPTOGRAPHIC-ASSET")},
	"SPDX has no such purpose; written as other": {notIn(spdx3File, "prop_software_SoftwareArtifact_software_primaryPurpose", "other",
		"cryptographicAsset", "cryptographic-asset")},
	"SPDX has words of its own for " +
		"justifications": {notIn(spdx3File, "prop_security_VexNotAffectedVulnAssessmentRelationship_security_justificationType",
		"vulnerableCodeNotPresent", "codeNotPresent", "code_not_present", "protectedByCompiler")},
	"CycloneDX has words of its own for justifications": {notIn(cdxFile, "impactAnalysisJustification", "code_not_present",
		"vulnerableCodeNotPresent", "componentNotPresent")},
	"SPDX 3 has no such severity": {notIn(spdx3File, "prop_security_CvssV3VulnAssessmentRelationship_security_severity", "critical",
		"info", "unknown")},
	"SPDX 3 has no severity for CVSS 2": {lacks("SPDX 3", "security_CvssV2VulnAssessmentRelationship",
		"security_severity")},
	"SPDX 3 has no ratings by this method": {noWord("SPDX 3", "OWASP", "owasp", "security_OwaspVulnAssessmentRelationship",
		"security_OtherVulnAssessmentRelationship")},
	"SPDX 3 has SSVC by its decision, which CycloneDX does not say": {
		lacks("SPDX 3", "security_SsvcVulnAssessmentRelationship", "security_vectorString", "security_score"),
		lacks("CycloneDX", "rating", "decision", "decisionType")},
	"SPDX 3 wants a score and a vector": {refused(proofSPDX3, `"security_score":9.8,`, ``),
		refused(proofSPDX3, `,"security_vectorString":"CVSS:3.1/AV:N"`, ``)},
	"SPDX says it of what is affected, and nothing here is": {refused(proofSPDX3, `"to":["urn:x:p"],"security_actionStatement"`,
		`"to":[],"security_actionStatement"`),
		lacks("SPDX 3", "security_Vulnerability", "security_score", "security_severity", "security_statusNotes")},
	"SPDX 3 has one class for CVSS 3.0 and 3.1, and the vector says " +
		"which": {noWord("SPDX 3", "security_CvssV31VulnAssessmentRelationship", "security_CvssV30VulnAssessmentRelationship")},
	"SPDX 3 has one word for this state and *": {noWord("SPDX 3", "falsePositive", "false_positive",
		"resolvedWithPedigree", "resolved_with_pedigree")},
	"SPDX 3 has one word for this type and *": {notIn(spdx3File, "prop_Relationship_relationshipType",
		"patchedBy", "patchApplied", "patchFor", "generatedFrom")},
	"SPDX 2 refers to advisories and says nothing of vulnerabilities itself": {noWord("SPDX 2", "vulnerabilities", "vulnerability",
		"VULNERABILITY", "AFFECTS")},

	// members that are not there
	"a dependency of CycloneDX has no comment": {lacks("CycloneDX", "dependency", "comment",
		"properties", "description")},
	"an identifier of CycloneDX has no comment": {one("CycloneDX", "component", "purl"),
		one("CycloneDX", "component", "cpe"), lacks("CycloneDX", "swid", "comment")},
	"CycloneDX does not tell annotations apart by type": {lacks("CycloneDX", "annotations", "type",
		"annotationType", "kind")},
	"CycloneDX annotates what has a bom-ref, and the document has none": {refused(proofCDX, `"subjects":["a"],`, ``),
		lacks("CycloneDX", "", "bom-ref")},
	"CycloneDX does not say on what occasion one needs another; written as dependsOn": {lacks("CycloneDX", "dependency", "scope",
		"type", "lifecycle")},
	"CycloneDX has one URL of a licence": {one("CycloneDX", "license", "url")},
	"CycloneDX has the text of a licence in an expression, and no comment on it": {noWord("CycloneDX", "licenseComment",
		"licenseComments"), lacks("CycloneDX", "attachment", "comment")},
	"CycloneDX has the text of a licence in an expression, not its name": {func(t testing.TB) {
		data, _ := schema.Read(cdxFile)
		at := strings.Index(string(data), `"expressionDetails"`)
		if part := string(data)[at : at+2500]; !strings.Contains(part, `"licenseIdentifier"`) || strings.Contains(part, `"name":`) {
			t.Error("expressionDetails have names")
		}
	}},
	"CycloneDX is about one component, and this is about several": {one("CycloneDX", "metadata", "component")},
	"CycloneDX refers to the document, not to a part of it":       {lacks("CycloneDX", "externalReference", "ref", "bom-ref", "element")},
	"CycloneDX has the URI of the document, not how ids begin":    {noWord("CycloneDX", "namespace", "namespaceMap", "prefix")},
	"CycloneDX has the group apart": {func(t testing.TB) {
		if _, ok := targetOf(t, "CycloneDX").members("component")["group"]; !ok {
			t.Error("no group")
		}
	}},
	"CycloneDX has a place for * only here, not *": {lacks("CycloneDX",
		"organizationalContact", "contact", "url"), lacks("CycloneDX", "organizationalEntity", "email", "phone")},
	"in CycloneDX a component at the top is part of what the document is about, or needed by it": {lacks("CycloneDX", "component",
		"contains", "containedBy")},
	"nesting in CycloneDX is a tree of what the document describes": {lacks("CycloneDX", "component",
		"contains", "assemblies", "partOf")},
	"written by the licence's name": {
		refused(strings.Replace(proofCDX, `"expression":"MIT"`, `"license":{"name":"Ours"}`, 1), `"name":"Ours"`,
			`"id":"LicenseRef-ours"`)},
	"this version has one licence expression, or a list without any": {
		refused(proofCDX, `[{"expression":"MIT"}]`, `[{"expression":"MIT"},{"license":{"id":"MIT"}}]`)},
	"this version has room for one " +
		"only": {refused(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"type":"library","name":"a",`+
		`"evidence":{"identity":{"field":"purl"}}}]}`,
		`{"field":"purl"}`, `[{"field":"purl"},{"field":"cpe"}]`)},
	"SPDX 2 says that more is not known, and not that all is": {noWord("SPDX 2", "complete", "completeness"),
		accepted(strings.Replace(proofSPDX2, `DocumentRef-x:SPDXRef-y`, `NOASSERTION`, 1))},
	"SPDX 2 says that more is not known, and not that it is missing": {noWord("SPDX 2", "incomplete", "completeness"),
		accepted(strings.Replace(proofSPDX2, `DocumentRef-x:SPDXRef-y`, `NOASSERTION`, 1))},
	"SPDX 3 has the energy of training, fine-tuning and inference": {lacks("SPDX 3", "ai_EnergyConsumption",
		"ai_validationEnergyConsumption", "ai_designEnergyConsumption",
		"ai_otherEnergyConsumption")},
	"SPDX 3 has one list of what type a model is of": {lacks("SPDX 3", "ai_AIPackage", "ai_approach",
		"ai_architecture", "ai_architectureFamily")},
	"SPDX 3 has one text of it": {one("SPDX 3", "ai_AIPackage", "ai_limitation"),
		one("SPDX 3", "ai_AIPackage", "ai_informationAboutApplication")},
	"SPDX 3 has words of its own for energy": {notIn(spdx3File, "prop_ai_EnergyConsumptionDescription_ai_energyUnit", "kilowattHour",
		"kWh"),
		lacks("SPDX 3", "ai_EnergyConsumption", "training", "fine-tuning", "inference")},
	"SPDX 3 has a member of its own for it": {lacks("SPDX 3", "ai_AIPackage", "lading:spdx:ai_domain")},
	"CycloneDX has one approach, one family and one architecture of a model": {one("CycloneDX", "modelCard.modelParameters.approach",
		"type"),
		one("CycloneDX", "modelCard.modelParameters", "architectureFamily"), one("CycloneDX", "modelCard.modelParameters",
			"modelArchitecture")},
	"CycloneDX has energy in kWh": {notIn(cdxFile, "unit", "kWh", "MJ", "megajoule", "kilowattHour")},
	"CycloneDX wants the providers of energy; none where the input names none": {refused(
		`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"machine-learning-model","name":"m","modelCard":{"considerations":{"environmentalConsiderations":{
"energyConsumptions":[{"activity":"training","energyProviders":[],"activityEnergyCost":{"value":1,"unit":"kWh"}}]}}}}]}`, `"energyProviders":[],`, ``)},
	"an annotation says it": {lacks("SPDX 2", "packages", "properties",
		"property"), lacks("SPDX 2", "", "properties", "property")},
	"CycloneDX has the numbers of weaknesses": {specText("CycloneDX 1.7, cwe: an integer, at least 1"),
		lacks("CycloneDX", "vulnerability", "weaknesses", "cwe")},
	"the other format has files, and no directories": {noWord("SPDX 2", "directory", "DIRECTORY",
		"fileKind"), noWord("CycloneDX", "fileKind")},
	"SPDX has media types of files only": {lacks("SPDX 3", "software_Package",
		"contentType"), lacks("SPDX 2", "packages", "fileTypes", "contentType")},
	"the other format says of which file a part is once, and here it is another one": {one("SPDX 3", "software_Snippet",
		"software_snippetFromFile"), lacks("SPDX 3", "PositiveIntegerRange", "reference", "file")},
	"SPDX 2 has kinds of files": {lacks("SPDX 2", "files", "contentType",
		"mediaType", "mimeType")},
	"SPDX 2 has references and identifiers of packages, and none of files": {lacks("SPDX 2", "files", "externalRefs",
		"homepage", "downloadLocation")},
	"SPDX 2 has one text about a file": {lacks("SPDX 2", "files", "description", "summary")},
	"the other format has one text about a relationship": {lacks("SPDX 2", "relationships", "description",
		"summary"), lacks("CycloneDX", "dependency", "description", "comment")},
	"SPDX has hashes of a package, and none of a reference": {lacks("SPDX 2", "packages.externalRefs",
		"checksums", "hashes"), lacks("SPDX 3", "ExternalRef", "verifiedUsing", "hashes")},
	model.OfNothing: {lacks("SPDX 3", "software_Package", "completeness", "aggregate"),
		lacks("SPDX 3", "SpdxDocument", "completeness", "aggregate"), noWord("SPDX 2", "aggregate", "completeness")},
	"SPDX says that more is missing, not of whose parts": {notIn(spdx3File, "prop_Relationship_completeness",
		"incomplete", "incomplete_first_party_only", "incompleteFirstParty")},
	"SPDX 2 has a word of its own where nothing is there": {accepted(strings.Replace(proofSPDX2, `DocumentRef-x:SPDXRef-y`, `NONE`, 1))},
	"SPDX has a word of its own for what is not known": {notIn(spdx3File, "prop_Relationship_completeness",
		"noAssertion", "unknown"), accepted(strings.Replace(proofSPDX2, `DocumentRef-x:SPDXRef-y`, `NOASSERTION`, 1))},
	"CycloneDX has a word of its own for what is not known": {notIn(cdxFile, "aggregateType", "unknown",
		"noAssertion", "NOASSERTION")},
	"the other format says of parts and dependencies only whether they are all": {lacks("CycloneDX", "compositions", "licenses",
		"relationships"), noWord("SPDX 2", "completeness")},
	model.ClaimsLess: {
		lacks("CycloneDX", "dependency", "aggregate", "completeness"), noWord("SPDX 2", "completeness")},
	"SPDX 2 has no hashes of parts of files":        {lacks("SPDX 2", "snippets", "checksums")},
	"SPDX 2 has one checksum of the other document": {one("SPDX 2", "externalDocumentRefs", "checksum")},
	"SPDX 2 wants a checksum of the other document": {refused(proofSPDX2,
		`,"checksum":{"algorithm":"SHA1","checksumValue":"3a365c2d58103971a721c9ee18731d3e942e002f"}}]`, `}]`)},
	"SPDX 2 has one originator":                             {one("SPDX 2", "packages", "originator")},
	"SPDX 2 has the URI of the document, not how ids begin": {noWord("SPDX 2", "namespaceMap", "prefix")},
	"SPDX 2 has the URI of the other document, not where it is": {lacks("SPDX 2", "externalDocumentRefs",
		"locationHint", "url", "location")},
	"SPDX 2 names what is in another document by its URI, \"#\" and an id": {refused(proofSPDX2, `DocumentRef-x:SPDXRef-y`,
		`https://example.org/x/y`)},
	"SPDX 2 refers to the document, and nothing here refers to this element of it": {lacks("SPDX 2", "externalDocumentRefs",
		"element", "elements", "SPDXID")},
	"SPDX 2 has parts of files that the document describes with a SHA-1 hash, by their " +
		"ranges": {refused(proofSPDX2, `"ranges":[{"startPointer":{"reference":"SPDXRef-f","offset":1},`+
		`"endPointer":{"reference":"SPDXRef-f",`+
		`"offset":2}}]`, `"ranges":[]`),
		refused(proofSPDX2, `"snippetFromFile":"SPDXRef-f",`, ``),
		specText("SPDX 2.3, clause 8.4: a SHA1 checksum of every file is mandatory")},
	"SPDX 3 has parts of files that the document describes, by their " +
		"ranges": {specText("SPDX 3.0.1, Software, Snippet: snippetFromFile has a file, and a range says which part")},
	"SPDX 2 has versions of two numbers": {specText("SPDX 2.3, clause 6.7: the version as M.N")},
	"SPDX 3 has versions of three numbers": {refused(strings.Replace(proofSPDX3, `/AV:N"}]}`,
		`/AV:N"},{"type":"simplelicensing_LicenseExpression","spdxId":"urn:x:l","creationInfo":"_:c",`+
			`"simplelicensing_licenseExpression":"MIT","simplelicensing_licenseListVersion":"3.25.0"}]}`, 1), `3.25.0`, `3.25`)},
	"SPDX 3 has notices and attributions in one list": {lacks("SPDX 3", "software_File",
		"software_noticeText", "noticeText", "software_notice")},
	"SPDX 3 says so by leaving it out": {one("SPDX 3", "software_Package",
		"software_downloadLocation"), accepted(proofSPDX3)},
	"SPDX asks whether a licence is declared or concluded; written as declared": {lacks("SPDX 2", "packages", "license", "licenses"),
		notIn(spdx3File, "prop_Relationship_relationshipType", "hasDeclaredLicense", "hasLicense")},
	"SPDX does not know publishers; written as originator": {lacks("SPDX 2", "packages", "publisher"),
		lacks("SPDX 3", "software_Package", "publishedBy", "publisher")},
	"SPDX does not tell evidence of a copyright from the claim": {noWord("SPDX 2", "copyright", "evidence"),
		one("SPDX 3", "software_Package", "software_copyrightText")},
	"SPDX gives times in UTC, to the second": {refused(proofSPDX2, `18:00:00Z`, `18:00:00.5Z`),
		refused(proofSPDX3, `03:04:05Z`, `03:04:05.5Z`), refused(proofSPDX2, `18:00:00Z`, `18:00:00+01:00`)},
	"SPDX has licences as text, not encoded": {lacks("SPDX 2", "hasExtractedLicensingInfos",
		"encoding", "contentType"), lacks("SPDX 3", "simplelicensing_SimpleLicensingText", "encoding", "contentType")},
	"SPDX has one text of a licence": {one("SPDX 2", "hasExtractedLicensingInfos",
		"extractedText"), one("SPDX 3", "simplelicensing_SimpleLicensingText", "simplelicensing_licenseText")},
	"SPDX has the texts of licences that its list does not " +
		"have": {refused(strings.Replace(proofSPDX2, `"files"`, `"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-a",`+
		`"extractedText":"t"}],"files"`, 1), `LicenseRef-a`, `MIT`)},
	"SPDX says it by leaving it out: it is the default": {specText("CycloneDX 1.7, component.scope: required is the default"),
		accepted(proofSPDX2)},
	"SPDX says it of a dependency, and nothing here depends on this": {lacks("SPDX 2", "packages", "scope", "optional"),
		lacks("SPDX 3", "software_Package", "scope", "optional", "software_scope")},
	"SPDX says of files which licences are in them, and of packages whose files were analysed": {
		specText("SPDX 2.3, clause 7.14.1: omitted if filesAnalyzed is false"), notIn(spdx3File, "prop_Relationship_relationshipType",
			"hasDeclaredLicense", "hasFoundLicense", "hasLicenseInfo")},
	"SPDX writes hashes in lower case": {specText("SPDX 2.3, clauses 7.10 and 8.4: lower case hexadecimal digits")},
	"SPDX's locators have no blanks":   {specText("SPDX 2.3, clause 7.21.1: a unique string with no spaces")},
	"every document of SPDX 2 says * here": {refused(proofSPDX2, `"CC0-1.0"`, `"MIT"`),
		refused(proofSPDX2, `"SPDXRef-DOCUMENT"`, `"SPDXRef-x"`)},
	"the other format has one expression as text": {one("SPDX 2", "packages", "licenseDeclared"),
		noWord("CycloneDX", "ConjunctiveLicenseSet", "member", "DisjunctiveLicenseSet")},
	"the other format does not say which artifact stands for another document": {lacks("SPDX 2", "externalDocumentRefs",
		"definingArtifact", "artifact"),
		lacks("CycloneDX", "externalReference", "definingArtifact", "component", "ref")},
	"the document is somewhere else too": {one("SPDX 3", "ExternalMap", "locationHint")},
	"said of the other document once, not of each element of it": {lacks("SPDX 2", "relationships", "checksum",
		"checksums"), lacks("CycloneDX", "dependency", "hashes")},
	"the version of the licence list is said once of a document": {one("SPDX 2", "creationInfo", "licenseListVersion"),
		lacks("CycloneDX", "license", "licenseListVersion")},
	"who made a part of the document and when is said of the whole only": {lacks("SPDX 2", "packages", "creationInfo",
		"created"), lacks("CycloneDX", "component", "timestamp", "created")},
	"an expression names the licences of SPDX's list, and does not repeat what the list says": {
		refused(strings.Replace(proofSPDX2, `"files"`, `"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-a",`+
			`"extractedText":"t"}],"files"`, 1), `LicenseRef-a`, `MIT`)},
	"a licence has one name in all expressions": {one("SPDX 2", "hasExtractedLicensingInfos", "licenseId")},
	"a licence is known by the name that expressions have for it": {noWord("SPDX 2", "customIdToUri"),
		noWord("CycloneDX", "customIdToUri"), one("SPDX 2", "hasExtractedLicensingInfos", "licenseId")},
	"SPDX 2 says it by where an element stands": {lacks("SPDX 2", "", "element", "elements")},
	"SPDX 3 has no SBOMs of this phase": {notIn(spdx3File, "prop_software_Sbom_software_sbomType", "build",
		"discovery", "decommission")},
	"SPDX 3 has words of its own for phases": {notIn(spdx3File, "prop_software_Sbom_software_sbomType", "source",
		"pre-build", "preBuild", "post-build", "postBuild", "operations")},
	"CycloneDX has words of its own for phases": {notIn(cdxFile, "phase", "pre-build", "source", "analyzed",
		"deployed", "runtime")},
	cdx.NoPedigree: {lacks("SPDX 2", "packages", "pedigree", "ancestors", "commits", "patches"),
		lacks("SPDX 3", "software_Package", "pedigree", "ancestors", "patches"),
		notIn(spdx3File, "prop_Relationship_relationshipType", "ancestorOf", "hasPedigree")},
	model.OnlyAbbreviates: {noWord("SPDX 2", "namespaceMap"), noWord("CycloneDX", "namespaceMap")},
	model.OwnSchema: {noWord("SPDX 3", "$schema"),
		specText("JSON Schema 2020-12, section 8.1.1: $schema names the schema of the document it stands in")},
	"a signature does not hold for another document": {
		specText("JSON Signature Format, section 6: it is computed over the document's canonical form")},
	"nobody that is said to have made or supplied anything that is carried over": {lacks("SPDX 2", "", "agents", "persons",
		"organizations"), lacks("CycloneDX", "", "parties", "organizations", "persons")},

	// what is wrong with the input: its own format refuses it
	"no absolute URI without a fragment; kept by what is made of it": {refused(proofSPDX2, `"https://example.org/n"`,
		`"https://example.org/n#x"`), refused(proofSPDX2, `"https://example.org/n"`,
		`"n"`)},
	"no date and time of RFC 3339": {refused(proofSPDX2, `"2026-11-28T18:00:00Z"`, `"yesterday"`),
		refused(proofCDX, `"2026-11-28T18:00:00Z"`, `"yesterday"`)},
	"no object, which creation information is": {refused(proofSPDX2, `{"created":"2026-11-28T18:00:00Z","creators":["Tool: t"]}`, `"t"`)},
	"no text":                {refused(proofSPDX2, `"name":"n"`, `"name":5`)},
	"no text, which ids are": {refused(proofSPDX2, `"SPDXID":"SPDXRef-a"`, `"SPDXID":5`)},
	"nobody is named": {specText("SPDX 2.3, clause 7.5: NOASSERTION in place of a supplier"),
		accepted(strings.Replace(proofSPDX2, `"Person: a"`, `"NOASSERTION"`, 1))},
	"nobody: a creator is a Person, an Organization or a Tool with a name": {refused(proofSPDX2, `"Tool: t"`, `"t"`)},
	"no licence of a component refers to it": {lacks("CycloneDX", "", "licenses",
		"hasExtractedLicensingInfos")},
	"written as *": {refused(proofSPDX2, `"SPDXID":"SPDXRef-a"`,
		`"SPDXID":"a/b"`), refused(proofSPDX3, `"spdxId":"urn:x:p"`, `"spdxId":"a b"`)},
}

// camelCase writes issue-tracker as issueTracker.
func camelCase(s string) string {
	parts := strings.Split(s, "-")
	for i := 1; i < len(parts); i++ {
		parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
	}
	return strings.Join(parts, "")
}

// reasonsInSource returns the reasons that this package's source gives, "*" for what it puts together.
func reasonsInSource(t testing.TB) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	inside, err := filepath.Glob("internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, append(inside, "internal/encoding/cdxxml/encoding.go")...)
	var trees []*ast.File
	consts := map[string]string{}
	set := token.NewFileSet()
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || f == "internal/tree/difference.go" {
			continue
		}
		tree, err := parser.ParseFile(set, f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree)
		for _, d := range tree.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, s := range g.Specs {
					if v := s.(*ast.ValueSpec); len(v.Values) == 1 {
						consts[v.Names[0].Name] = textOf(v.Values[0], nil)
					}
				}
			}
		}
	}
	out := map[string]bool{}
	note := func(e ast.Expr) {
		if s := textOf(e, consts); s != "*" {
			out[s] = true
		}
	}
	for _, tree := range trees {
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name := nameOf(n.Fun)
				switch {
				case slices.Contains([]string{"explainself", "explainanew", "explain", "explainmembers", "explainparties",
					"explainreferences", "madeid"}, strings.ToLower(name)):
					note(n.Args[len(n.Args)-1])
				case strings.EqualFold(name, "add") && len(n.Args) == 2 && strings.Contains(textOf(n.Args[1], consts), " "):
					note(n.Args[1])
				}
			case *ast.CompositeLit: // loss{path, kind, reason}
				if name := nameOf(n.Type); name == "Loss" || name == "Note" || n.Type == nil && len(n.Elts) == 3 &&
					strings.HasPrefix(textOf(n.Elts[0], nil), "/") {
					note(n.Elts[len(n.Elts)-1])
				}
			case *ast.KeyValueExpr:
				if id, ok := n.Key.(*ast.Ident); ok && id.Name == "Reason" {
					note(n.Value)
				}
			case *ast.AssignStmt: // why = "...", reason = "..."
				for i, left := range n.Lhs {
					if id, ok := left.(*ast.Ident); ok && (id.Name == "why" || id.Name == "reason") && len(n.Rhs) == len(n.Lhs) {
						note(n.Rhs[i])
					}
				}
			case *ast.FuncDecl:
				if slices.Contains([]string{"noPlace2", "whyLost", "walk", "leaf"}, n.Name.Name) {
					ast.Inspect(n, func(n ast.Node) bool {
						if r, ok := n.(*ast.ReturnStmt); ok {
							note(r.Results[len(r.Results)-1])
						}
						return true
					})
				}
			}
			return true
		})
	}
	delete(out, "")
	return out
}

// nameOf is the name of a function or a type, without its package.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func textOf(e ast.Expr, consts map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return s
		}
	case *ast.Ident:
		if s := consts[e.Name]; s != "" {
			return s
		}
	case *ast.SelectorExpr: // a constant of another package
		if x, ok := e.X.(*ast.Ident); ok && len(x.Name) > 1 {
			return textOf(e.Sel, consts)
		}
	case *ast.BinaryExpr:
		return strings.ReplaceAll(textOf(e.X, consts)+textOf(e.Y, consts), "**", "*")
	case *ast.KeyValueExpr:
		return textOf(e.Value, consts)
	}
	return "*"
}

// proofOf finds the row of a reason.
func proofOf(reason string) string {
	if _, ok := reasonProofs[reason]; ok {
		return reason
	}
	best := ""
	for row := range reasonProofs {
		if strings.Contains(row, "*") && len(row) > len(best) {
			pattern := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(row), `\*`, ".*") + "$"
			if regexp.MustCompile(pattern).MatchString(reason) {
				best = row
			}
		}
	}
	return best
}

// TestReasons proves every reason that a report can give, and that the table has all of them and no other.
func TestReasons(t *testing.T) {
	source := reasonsInSource(t)
	if len(source) < 80 {
		t.Errorf("%d reasons in the source", len(source))
	}
	used := map[string]bool{}
	for _, reason := range slices.Sorted(maps.Keys(source)) {
		row := proofOf(reason)
		if row == "" {
			t.Errorf("no proof of %q", reason)
		}
		used[row] = true
	}
	for _, row := range slices.Sorted(maps.Keys(reasonProofs)) {
		if !used[row] {
			t.Errorf("nothing says %q", row)
		}
		for i, p := range reasonProofs[row] {
			t.Run(fmt.Sprint(row, " ", i), func(t *testing.T) { p(t) })
		}
	}
}
