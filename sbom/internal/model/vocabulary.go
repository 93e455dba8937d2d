package model

import (
	"maps"
	"slices"
)

const NotDescribed = "the other format relates only what the document describes"

const OwnSchema = "it names the schema of the format that the document was in"

// CycloneDXHashes are those that CycloneDX 1.7 has.
var CycloneDXHashes = []string{"MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512",
	"BLAKE2b-256", "BLAKE2b-384", "BLAKE2b-512", "BLAKE3", "Streebog-256", "Streebog-512"}

var CycloneDXReferences = []string{"vcs", "issue-tracker", "website", "advisories", "bom", "mailing-list", "social", "chat",
	"documentation", "support", "source-distribution", "distribution", "distribution-intake", "license", "build-meta",
	"build-system", "release-notes", "security-contact", "model-card", "log", "configuration", "evidence", "formulation",
	"attestation", "threat-model", "adversary-model", "risk-assessment", "vulnerability-assertion", "exploitability-statement",
	"pentest-report", "static-analysis-report", "dynamic-analysis-report", "runtime-analysis-report", "component-analysis-report",
	"maturity-report", "certification-report", "codified-infrastructure", "quality-metrics", "poam", "electronic-signature",
	"digital-signature", "rfc-9116", "patent", "patent-family", "patent-assertion", "citation", "other"}

// SPDX2Dates and spdx3DateNames are when a package was built, released, and until when it is supported.
var (
	SPDX2Dates = [3]string{"builtDate", "releaseDate", "validUntilDate"}
	SPDX3Dates = [3]string{"builtTime", "releaseTime", "validUntilTime"}
)

const NoSuchRelation = "the other format has no relationship of this type"

var SPDX2Hashes = map[string]string{
	"MD2": "MD2", "MD4": "MD4", "MD5": "MD5", "MD6": "MD6", "SHA-1": "SHA1", "SHA-224": "SHA224", "SHA-256": "SHA256", "SHA-384": "SHA384",
	"SHA-512": "SHA512", "SHA3-256": "SHA3-256", "SHA3-384": "SHA3-384", "SHA3-512": "SHA3-512", "BLAKE2b-256": "BLAKE2b-256",
	"BLAKE2b-384": "BLAKE2b-384", "BLAKE2b-512": "BLAKE2b-512", "BLAKE3": "BLAKE3", "ADLER32": "ADLER32",
}

// SPDX3Hashes are SPDX 3's names of hash algorithms.
var SPDX3Hashes = map[string]string{
	"MD2": "md2", "MD4": "md4", "MD5": "md5", "MD6": "md6", "SHA-1": "sha1", "SHA-224": "sha224", "SHA-256": "sha256",
	"SHA-384": "sha384", "SHA-512": "sha512", "SHA3-256": "sha3_256", "SHA3-384": "sha3_384", "SHA3-512": "sha3_512",
	"BLAKE2b-256": "blake2b256", "BLAKE2b-384": "blake2b384", "BLAKE2b-512": "blake2b512", "BLAKE3": "blake3", "ADLER32": "adler32",
}

const NoSuchScope = "the other format has no word for relationships of this scope"

const (
	NoneElement        = "https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"
	NoAssertionElement = "https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement"
)

// SPDX3References are SPDX 3's types of external references by CycloneDX's.
var SPDX3References = map[string]string{
	"vcs": "vcs", "issue-tracker": "issueTracker", "website": "altWebPage", "advisories": "securityAdvisory", "mailing-list": "mailingList",
	"social": "socialMedia", "chat": "chat", "documentation": "documentation", "support": "support", "distribution": "altDownloadLocation",
	"source-distribution": "sourceArtifact", "license": "license", "build-meta": "buildMeta", "build-system": "buildSystem",
	"release-notes": "releaseNotes", "security-contact": "securityOther", "risk-assessment": "riskAssessment",
	"vulnerability-assertion": "vulnerabilityDisclosureReport", "exploitability-statement": "vulnerabilityExploitabilityAssessment",
	"pentest-report": "securityPenTestReport", "static-analysis-report": "staticAnalysisReport",
	"dynamic-analysis-report": "dynamicAnalysisReport",
	"runtime-analysis-report": "runtimeAnalysisReport", "component-analysis-report": "componentAnalysisReport",
	"certification-report": "certificationReport", "quality-metrics": "qualityAssessmentReport", "other": "other",
	"advisory": "securityAdvisory", "fix": "securityFix", "url": "securityOther", "maven-central": "mavenCentral", "npm": "npm",
	"nuget": "nuget", "bower": "bower", "threat-model": "securityThreatModel", "adversary-model": "securityAdversaryModel",
}

// FromSPDX3Reference are CycloneDX's types of external references by SPDX 3's, and SPDX 3's own where CycloneDX has none.
var FromSPDX3Reference = func() map[string]string {
	m := map[string]string{}
	for _, own := range []string{"binaryArtifact", "cwe", "eolNotice", "exportControlAssessment", "funding", "metrics", "privacyAssessment",
		"productMetadata", "purchaseOrder", "releaseHistory", "secureSoftwareAttestation", "securityAdversaryModel", "securityPolicy",
		"securityThreatModel", "securityFix", "mavenCentral", "npm", "nuget", "bower"} {
		m[own] = own
	}
	for _, name := range slices.Sorted(maps.Keys(SPDX3References)) {
		if three := SPDX3References[name]; m[three] == "" && slices.Contains(CycloneDXReferences, name) {
			m[three] = name
		}
	}
	m["securityAdvisory"], m["securityAdversaryModel"], m["securityThreatModel"] = "advisories", "adversary-model", "threat-model"
	return m
}()
