// Package spdx3 knows SPDX 3.0: what classes and members are called (words.go), the one shape that documents are
// brought to (shape.go, terms.go), how one is read into the model (read.go, licenses.go, security.go) and written from
// it (write.go), what differs between the versions (fit.go), and the rules that no schema says (rules.go).
package spdx3

import (
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Words are the members that name parts of documents.
var Words = &tree.Words{IDs: []string{"spdxId", "@id"}, Hashes: "verifiedUsing", HashAlgorithm: "algorithm", HashValue: "hashValue",
	Identifiers: "externalIdentifier", IdentifierType: "externalIdentifierType", IdentifierValue: "identifier",
	Refers: func(name string) bool { return !texts[name] }}

// texts are the members of SPDX 3 whose texts are for people. All others may be references.
var texts = spec.Set("name", "summary", "description", "comment", "type")

// completenessWords are SPDX 3's words (Core, RelationshipCompleteness) by CycloneDX's.
var completenessWords = map[string]string{"complete": "complete", "incomplete": "incomplete", "unknown": "noAssertion"}

// approaches are CycloneDX's kinds of learning.
var approaches = []string{"supervised", "unsupervised", "reinforcement-learning", "semi-supervised", "self-supervised"}

const propertySPDX = "lading:spdx:"

// ownMembers are the members of AI and dataset packages that only SPDX 3 has, and whether they are lists: of texts, of words,
// of numbers, or of keys and values.
var ownMembers = map[string]bool{"ai_autonomyType": false, "ai_domain": true, "ai_hyperparameter": true,
	"ai_informationAboutTraining": false,
	"ai_metricDecisionThreshold":  true, "ai_modelDataPreprocessing": true, "ai_modelExplainability": true,
	"ai_safetyRiskAssessment": false,
	"ai_standardCompliance":   true, "ai_useSensitivePersonalInformation": false, "dataset_anonymizationMethodUsed": true,
	"dataset_confidentialityLevel": false, "dataset_dataCollectionProcess": false, "dataset_dataPreprocessing": true,
	"dataset_datasetAvailability": false, "dataset_datasetNoise": false, "dataset_datasetSize": false, "dataset_datasetType": true,
	"dataset_datasetUpdateMechanism": false, "dataset_hasSensitivePersonalInformation": false, "dataset_intendedUse": false,
	"dataset_knownBias": true, "dataset_sensor": true}

// onlyHashes are those that no other specification has.
var onlyHashes = []string{"crystalsDilithium", "crystalsKyber", "falcon", "other"}

// purposes are SPDX 3's words for CycloneDX's types, where they differ.
var purposes = map[string]string{
	"operating-system": "operatingSystem", "device-driver": "deviceDriver", "machine-learning-model": "model",
	"cryptographic-asset": "other", "OPERATING-SYSTEM": "operatingSystem", "OPERATING_SYSTEM": "operatingSystem",
}

// hashNames are CycloneDX's names of hash algorithms by SPDX 3's.
var hashNames = func() map[string]string {
	m := map[string]string{}
	for name, three := range model.SPDX3Hashes {
		m[three] = name
	}
	return m
}()

func KindOf(purpose string) string {
	switch purpose {
	case "operatingSystem":
		return "operating-system"
	case "deviceDriver":
		return "device-driver"
	case "model":
		return "machine-learning-model"
	}
	return purpose
}

// sbomTypes are SPDX 3's types of SBOMs (Software, SbomType) by CycloneDX's phases: of those that become the same, the first is
// the way back. Both go by when the SBOM is made.
var sbomTypes = []struct{ phase, sbomType string }{{"design", "design"}, {"pre-build", "source"}, {"build", "build"},
	{"post-build", "analyzed"}, {"operations", "deployed"}, {"operations", "runtime"}}

// ContextBase is how the URL of a context begins; the version follows.
const ContextBase = "https://spdx.org/rdf/"

// SPDX 3 is a graph, and JSON-LD writes one graph in many shapes. The specification's page on JSON-LD asks for one of
// them: elements stand at the top of @graph and are referred to by their ids, and what is no element stands where it
// belongs. Its schema takes more, and so do the writers that are generated from the model: elements inside of others,
// creation information in each element, hashes and identifiers by reference.

// IsElementClass knows the classes of elements (SPDX 3.0.1, the JSON schema, Element_derived). It is a switch because it is asked
// of every object, and a map would take a tenth of the time of reading.
func IsElementClass(class string) bool {
	switch class {
	case "ai_AIPackage", "build_Build", "Agent", "Annotation", "Bom", "Bundle", "IndividualElement", "LifecycleScopedRelationship",
		"Organization", "Person", "Relationship", "SoftwareAgent", "SpdxDocument", "Tool", "dataset_DatasetPackage",
		"expandedlicensing_ConjunctiveLicenseSet",
		"expandedlicensing_CustomLicense", "expandedlicensing_CustomLicenseAddition", "expandedlicensing_DisjunctiveLicenseSet",
		"expandedlicensing_IndividualLicensingInfo", "expandedlicensing_ListedLicense", "expandedlicensing_ListedLicenseException",
		"expandedlicensing_OrLaterOperator", "expandedlicensing_WithAdditionOperator", "security_CvssV2VulnAssessmentRelationship",
		"security_CvssV3VulnAssessmentRelationship", "security_CvssV4VulnAssessmentRelationship", "security_EpssVulnAssessmentRelationship",
		"security_ExploitCatalogVulnAssessmentRelationship", "security_SsvcVulnAssessmentRelationship",
		"security_VexAffectedVulnAssessmentRelationship",
		"security_VexFixedVulnAssessmentRelationship", "security_VexNotAffectedVulnAssessmentRelationship",
		"security_VexUnderInvestigationVulnAssessmentRelationship", "security_Vulnerability", "simplelicensing_LicenseExpression",
		"simplelicensing_SimpleLicensingText", "software_File", "software_Package", "software_Sbom", "software_Snippet":
		return true
	}
	return false
}

// isPartClass knows the classes of what stands in these properties: some writers give it an id as elements have.
func isPartClass(class string) bool {
	switch class {
	case "Hash", "PackageVerificationCode", "ExternalIdentifier", "ExternalRef", "ExternalMap", "NamespaceMap", "PositiveIntegerRange",
		"DictionaryEntry",
		"ai_EnergyConsumption", "ai_EnergyConsumptionDescription", "software_ContentIdentifier", "extension_CdxPropertiesExtension",
		"extension_CdxPropertyEntry":
		return true
	}
	return false
}

// IsPart knows the properties whose values are no elements and belong to the element that they stand in.
func IsPart(property string) bool {
	switch property {
	case "verifiedUsing", "externalIdentifier", "externalRef", "import", "namespaceMap", "extension", "software_contentIdentifier",
		"build_configSourceDigest", "build_environment", "build_parameter", "simplelicensing_customIdToUri", "extension_cdxProperty",
		"software_byteRange", "software_lineRange", "ai_energyConsumption", "ai_finetuningEnergyConsumption",
		"ai_inferenceEnergyConsumption",
		"ai_trainingEnergyConsumption", "ai_hyperparameter", "ai_metric", "ai_metricDecisionThreshold", "dataset_sensor":
		return true
	}
	return false
}
