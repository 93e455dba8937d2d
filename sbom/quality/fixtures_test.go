package quality_test

import "github.com/ladingdev/lading/sbom/quality"

// Folders of the corpus.
const (
	bsiCDX   = "cyclonedx/interlynk-io-sbomqs/bsi/cdx/"
	bsiSPDX  = "spdx/interlynk-io-sbomqs/bsi/spdx/"
	bsiSPDX3 = "spdx/interlynk-io-sbomqs/bsi/spdx3/"
)

// ntiaDifferences are how many elements we count as met where sbomqs counts otherwise. A tool is not an author: the element
// is the name of the entity that creates the data, and these documents name a tool only.
var ntiaDifferences = map[string]int{
	"cyclonedx/interlynk-io-sbomqs/fixtures/cdx-no-timestamp.json": 2,
	"cyclonedx/interlynk-io-sbomqs/fixtures/cdx-no-version.json":   2,
	"spdx/interlynk-io-sbomqs/fixtures/spdx-no-timestamp.json":     2,
}

// bsiDifferences are why a rule comes out otherwise than the name of a fixture says.
var bsiDifferences = map[string]string{
	"spdx3/v2.1.0-complete-all-fields.json filename": "one of its three components has no file; the clause asks for " +
		"the name of each",
	"spdx3/v2.1.0-complete-all-fields.json deployable-hash": "of its three components one has no file and one a SHA-512 of " +
		"172 digits",
	"spdx3/v2.1.0-complete-all-fields.json effective-licence": "said in the comment of a relationship of type other, which is " +
		"not looked at",
	"spdx3/v2.1.0-complete-all-fields.json source-hash": "said of a software_SoftwareArtifact, a class that SPDX 3.0.1 " +
		"makes no elements of",
	"spdx3/v2.1.0-complete-all-fields.json completeness": "of one of its three components it says only that what it says " +
		"of its licences is complete",
	"spdx3/v2.1.0-complete-alt-patterns.json filename": "one of its three components has no file",
	"spdx3/v2.1.0-complete-alt-patterns.json deployable-hash": "of its three components one has no file and one a SHA-512 of " +
		"172 digits",
	"cdx/validComponentBsiExecutable.cdx16.json executable": "it has the value \"true\"; the words of BSI's taxonomy " +
		"are \"executable\" and \"non-executable\"",
	"cdx/validMetadataSupplierEmailAndURL.cdx16.json creator": "metadata.supplier is who supplied what the document is about, " +
		"not who made the document (CycloneDX 1.6)",
	"cdx/validComponentLicenseExp.cdx16.json distribution-licence": "it does not say whether the licence is concluded, which " +
		"distribution licences are",
	"spdx/validComponentSourceHash.spdx23.json source-hash": "a verification code of a package covers the package's files, " +
		"which need not be source code",
	"spdx/brokenSourceComponentDependencies.spdx23.json dependencies": "the primary component has its dependencies; that others lead " +
		"nowhere is not asked",
	"cdx/brokenSourceComponentDependencies.cdx16.json dependencies": "the primary component has its dependencies; that others lead " +
		"nowhere is not asked",
	"cdx/brokenTargetComponentDependencies.cdx16.json dependencies": "the primary component has its dependencies; that others lead " +
		"nowhere is not asked",
	"cdx/orphanComponentDependencies.cdx16.json dependencies": "the primary component has its dependencies; a component that nothing " +
		"depends on is not against it",
}

// bsiFixtures say how the rule comes out that the name of a fixture is about.
var bsiFixtures = map[string]map[string]quality.Status{
	bsiCDX + "absentMetadataAuthor.cdx16.json":                            {"creator": quality.Fail},
	bsiCDX + "brokenSourceComponentDependencies.cdx16.json":               {"dependencies": quality.Fail},
	bsiCDX + "brokenTargetComponentDependencies.cdx16.json":               {"dependencies": quality.Fail},
	bsiCDX + "invalidComponentAuthorEmail.cdx16.json":                     {"component-creator": quality.Fail},
	bsiCDX + "invalidComponentHashMD5.cdx16.json":                         {"deployable-hash": quality.Fail},
	bsiCDX + "invalidComponentLicenseExpression.cdx16.json":               {"distribution-licence": quality.Fail},
	bsiCDX + "invalidComponentManufacturerEmail.cdx16.json":               {"component-creator": quality.Fail},
	bsiCDX + "invalidComponentSecurityTxtURL.cdx16.json":                  {"security-txt": quality.Fail},
	bsiCDX + "invalidComponentSourceCodeURL.cdx16.json":                   {"source": quality.Fail},
	bsiCDX + "invalidComponentSourceHash.cdx16.json":                      {"source-hash": quality.Fail},
	bsiCDX + "invalidMetadataManufacturerURL.cdx16.json":                  {"creator": quality.Fail},
	bsiCDX + "invalidMetadataTimestamp.cdx16.json":                        {"timestamp": quality.Fail},
	bsiCDX + "missingComponentBsiArchive.cdx16.json":                      {"archive": quality.Fail},
	bsiCDX + "missingComponentManufacturerEmailAndURL.cdx16.json":         {"component-creator": quality.Fail},
	bsiCDX + "missingComponentName.cdx16.json":                            {"name": quality.Fail},
	bsiCDX + "missingComponentSourceHash.cdx16.json":                      {"source-hash": quality.Fail},
	bsiCDX + "missingComponentSupplierEmailAndURL.cdx16.json":             {"component-creator": quality.Fail},
	bsiCDX + "missingDependencyInfo.cdx16.json":                           {"dependencies": quality.Fail},
	bsiCDX + "missingMetadataAuthorEmail.cdx16.json":                      {"creator": quality.Fail},
	bsiCDX + "missingSerialNumber.cdx16.json":                             {"sbom-uri": quality.NotApplicable},
	bsiCDX + "noVulnerabilities.cdx16.json":                               {"no-vulnerabilities": quality.Pass},
	bsiCDX + "orphanComponentDependencies.cdx16.json":                     {"dependencies": quality.Fail},
	bsiCDX + "partialComponentDeployableHash.cdx16.json":                  {"deployable-hash": quality.Fail},
	bsiCDX + "validComponentAuthorEmail.cdx16.json":                       {"component-creator": quality.Pass},
	bsiCDX + "validComponentBsiEffectiveLicense.cdx16.json":               {"effective-licence": quality.Pass},
	bsiCDX + "validComponentBsiExecutable.cdx16.json":                     {"executable": quality.Pass},
	bsiCDX + "validComponentBsiFilename.cdx16.json":                       {"filename": quality.Pass},
	bsiCDX + "validComponentCPE.cdx16.json":                               {"identifier": quality.Pass},
	bsiCDX + "validComponentExtRefDistributionHashMD5.cdx16.json":         {"deployable-hash": quality.Fail},
	bsiCDX + "validComponentExtRefDistributionHashSHA512.cdx16.json":      {"deployable-hash": quality.Pass},
	bsiCDX + "validComponentExtRefDistributionIntakeHashEmpty.cdx16.json": {"deployable-hash": quality.Fail},
	bsiCDX + "validComponentHashSHA256.cdx16.json":                        {"deployable-hash": quality.Fail},
	bsiCDX + "validComponentLicenseConcluded.cdx16.json":                  {"distribution-licence": quality.Pass},
	bsiCDX + "validComponentLicenseCustomRef.cdx16.json":                  {"distribution-licence": quality.Pass},
	bsiCDX + "validComponentLicenseDeclared.cdx16.json":                   {"original-licence": quality.Pass},
	bsiCDX + "validComponentLicenseExp.cdx16.json":                        {"distribution-licence": quality.Pass},
	bsiCDX + "validComponentSWID.cdx16.json":                              {"identifier": quality.Pass},
	bsiCDX + "validComponentSecurityTxtURL.cdx16.json":                    {"security-txt": quality.Pass},
	bsiCDX + "validComponentSourceCodeURL.cdx16.json":                     {"source": quality.Pass},
	bsiCDX + "validComponentSourceHash.cdx16.json":                        {"source-hash": quality.Pass},
	bsiCDX + "validComponentSupplierEmail.cdx16.json":                     {"component-creator": quality.Pass},
	bsiCDX + "validComponentSupplierEmailAndURL.cdx16.json":               {"component-creator": quality.Pass},
	bsiCDX + "validComponentVersion.cdx16.json":                           {"version": quality.Pass},
	bsiCDX + "validMetadataSupplierEmailAndURL.cdx16.json":                {"creator": quality.Pass},
	bsiCDX + "validMetadataTimestamp.cdx16.json":                          {"timestamp": quality.Pass},
	bsiCDX + "validSerialNumber.cdx16.json":                               {"sbom-uri": quality.Pass},
	bsiSPDX + "absentComponentDeployableHash.spdx23.json":                 {"deployable-hash": quality.Fail},
	bsiSPDX + "brokenSourceComponentDependencies.spdx23.json":             {"dependencies": quality.Fail},
	bsiSPDX + "invalidComponentHashMD5.spdx23.json":                       {"deployable-hash": quality.Fail},
	bsiSPDX + "invalidComponentLicenseNoAssertion.spdx23.json":            {"distribution-licence": quality.Fail},
	bsiSPDX + "missingComponentDownloadURL.spdx23.json":                   {"download": quality.NotApplicable},
	bsiSPDX + "missingComponentHash.spdx23.json":                          {"deployable-hash": quality.Fail},
	bsiSPDX + "missingDocumentNamespace.spdx23.json":                      {"sbom-uri": quality.NotApplicable},
	bsiSPDX + "missingMetadataCreator.spdx23.json":                        {"creator": quality.Fail},
	bsiSPDX + "noneComponentLicense.spdx23.json":                          {"distribution-licence": quality.Pass},
	bsiSPDX + "validComponentDependencies.spdx23.json":                    {"dependencies": quality.Pass},
	bsiSPDX + "validComponentHashSHA256.spdx23.json":                      {"deployable-hash": quality.Fail},
	bsiSPDX + "validComponentLicenseConcluded.spdx23.json":                {"distribution-licence": quality.Pass},
	bsiSPDX + "validComponentLicenseDeclared.spdx23.json":                 {"original-licence": quality.Pass},
	bsiSPDX + "validComponentLicenseExpression.spdx23.json":               {"distribution-licence": quality.Pass},
	bsiSPDX + "validComponentSourceCodeURL.spdx23.json":                   {"source": quality.Pass},
	bsiSPDX + "validComponentSourceHash.spdx23.json":                      {"source-hash": quality.Pass},
	bsiSPDX + "validComponentVersion.spdx23.json":                         {"version": quality.Pass},
	bsiSPDX3 + "v2.1.0-complete-all-fields.json": {"creator": quality.Pass,
		"timestamp": quality.Pass, "component-creator": quality.Pass, "name": quality.Pass, "version": quality.Pass,
		"filename": quality.Pass, "dependencies": quality.Pass, "completeness": quality.Pass, "distribution-licence": quality.Pass,
		"deployable-hash": quality.Pass, "executable": quality.Pass, "archive": quality.Pass, "structured": quality.Pass,
		"source": quality.Pass, "download": quality.Pass, "identifier": quality.Pass, "original-licence": quality.Pass,
		"effective-licence": quality.Pass, "source-hash": quality.Pass, "security-txt": quality.Pass, "no-vulnerabilities": quality.Pass},
	bsiSPDX3 + "v2.1.0-complete-alt-patterns.json": {"creator": quality.Pass,
		"component-creator": quality.Pass, "filename": quality.Pass, "deployable-hash": quality.Pass, "distribution-licence": quality.Pass},
	bsiSPDX3 + "v2.1.0-doc-missing-creator.json":                  {"creator": quality.Fail},
	bsiSPDX3 + "v2.1.0-doc-missing-timestamp.json":                {"timestamp": quality.Fail},
	bsiSPDX3 + "v2.1.0-two-comps-one-with-concluded-license.json": {"distribution-licence": quality.Fail},
	bsiSPDX3 + "v2.1.0-two-comps-one-with-download-url.json":      {"download": quality.Pass},
	bsiSPDX3 + "v2.1.0-two-comps-one-with-effective-license.json": {"effective-licence": quality.Fail},
	bsiSPDX3 + "v2.1.0-two-comps-one-with-security-txt-url.json":  {"security-txt": quality.Fail},
	bsiSPDX3 + "v2.1.0-two-comps-one-with-source-code-hash.json":  {"source-hash": quality.Fail},
	bsiSPDX3 + "v2.1.0-two-comps-one-with-source-code-url.json":   {"source": quality.Pass},
}
