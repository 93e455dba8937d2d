package quality_test

import "github.com/ladingdev/lading/sbom/quality"

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
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/absentMetadataAuthor.cdx16.json":                            {"creator": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/brokenSourceComponentDependencies.cdx16.json":               {"dependencies": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/brokenTargetComponentDependencies.cdx16.json":               {"dependencies": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidComponentAuthorEmail.cdx16.json":                     {"component-creator": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidComponentHashMD5.cdx16.json":                         {"deployable-hash": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidComponentLicenseExpression.cdx16.json":               {"distribution-licence": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidComponentManufacturerEmail.cdx16.json":               {"component-creator": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidComponentSecurityTxtURL.cdx16.json":                  {"security-txt": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidComponentSourceCodeURL.cdx16.json":                   {"source": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidComponentSourceHash.cdx16.json":                      {"source-hash": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidMetadataManufacturerURL.cdx16.json":                  {"creator": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/invalidMetadataTimestamp.cdx16.json":                        {"timestamp": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/missingComponentBsiArchive.cdx16.json":                      {"archive": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/missingComponentManufacturerEmailAndURL.cdx16.json":         {"component-creator": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/missingComponentName.cdx16.json":                            {"name": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/missingComponentSourceHash.cdx16.json":                      {"source-hash": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/missingComponentSupplierEmailAndURL.cdx16.json":             {"component-creator": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/missingDependencyInfo.cdx16.json":                           {"dependencies": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/missingMetadataAuthorEmail.cdx16.json":                      {"creator": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/missingSerialNumber.cdx16.json":                             {"sbom-uri": quality.NotApplicable},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/noVulnerabilities.cdx16.json":                               {"no-vulnerabilities": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/orphanComponentDependencies.cdx16.json":                     {"dependencies": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/partialComponentDeployableHash.cdx16.json":                  {"deployable-hash": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentAuthorEmail.cdx16.json":                       {"component-creator": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentBsiEffectiveLicense.cdx16.json":               {"effective-licence": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentBsiExecutable.cdx16.json":                     {"executable": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentBsiFilename.cdx16.json":                       {"filename": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentCPE.cdx16.json":                               {"identifier": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentExtRefDistributionHashMD5.cdx16.json":         {"deployable-hash": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentExtRefDistributionHashSHA512.cdx16.json":      {"deployable-hash": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentExtRefDistributionIntakeHashEmpty.cdx16.json": {"deployable-hash": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentHashSHA256.cdx16.json":                        {"deployable-hash": quality.Fail},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentLicenseConcluded.cdx16.json":                  {"distribution-licence": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentLicenseCustomRef.cdx16.json":                  {"distribution-licence": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentLicenseDeclared.cdx16.json":                   {"original-licence": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentLicenseExp.cdx16.json":                        {"distribution-licence": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentSWID.cdx16.json":                              {"identifier": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentSecurityTxtURL.cdx16.json":                    {"security-txt": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentSourceCodeURL.cdx16.json":                     {"source": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentSourceHash.cdx16.json":                        {"source-hash": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentSupplierEmail.cdx16.json":                     {"component-creator": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentSupplierEmailAndURL.cdx16.json":               {"component-creator": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validComponentVersion.cdx16.json":                           {"version": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validMetadataSupplierEmailAndURL.cdx16.json":                {"creator": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validMetadataTimestamp.cdx16.json":                          {"timestamp": quality.Pass},
	"cyclonedx/interlynk-io-sbomqs/bsi/cdx/validSerialNumber.cdx16.json":                               {"sbom-uri": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx/absentComponentDeployableHash.spdx23.json":                      {"deployable-hash": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx/brokenSourceComponentDependencies.spdx23.json":                  {"dependencies": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx/invalidComponentHashMD5.spdx23.json":                            {"deployable-hash": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx/invalidComponentLicenseNoAssertion.spdx23.json":                 {"distribution-licence": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx/missingComponentDownloadURL.spdx23.json":                        {"download": quality.NotApplicable},
	"spdx/interlynk-io-sbomqs/bsi/spdx/missingComponentHash.spdx23.json":                               {"deployable-hash": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx/missingDocumentNamespace.spdx23.json":                           {"sbom-uri": quality.NotApplicable},
	"spdx/interlynk-io-sbomqs/bsi/spdx/missingMetadataCreator.spdx23.json":                             {"creator": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx/noneComponentLicense.spdx23.json":                               {"distribution-licence": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx/validComponentDependencies.spdx23.json":                         {"dependencies": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx/validComponentHashSHA256.spdx23.json":                           {"deployable-hash": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx/validComponentLicenseConcluded.spdx23.json":                     {"distribution-licence": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx/validComponentLicenseDeclared.spdx23.json":                      {"original-licence": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx/validComponentLicenseExpression.spdx23.json":                    {"distribution-licence": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx/validComponentSourceCodeURL.spdx23.json":                        {"source": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx/validComponentSourceHash.spdx23.json":                           {"source-hash": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx/validComponentVersion.spdx23.json":                              {"version": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-complete-all-fields.json": {"creator": quality.Pass,
		"timestamp": quality.Pass, "component-creator": quality.Pass, "name": quality.Pass, "version": quality.Pass,
		"filename": quality.Pass, "dependencies": quality.Pass, "completeness": quality.Pass, "distribution-licence": quality.Pass,
		"deployable-hash": quality.Pass, "executable": quality.Pass, "archive": quality.Pass, "structured": quality.Pass,
		"source": quality.Pass, "download": quality.Pass, "identifier": quality.Pass, "original-licence": quality.Pass,
		"effective-licence": quality.Pass, "source-hash": quality.Pass, "security-txt": quality.Pass, "no-vulnerabilities": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-complete-alt-patterns.json": {"creator": quality.Pass,
		"component-creator": quality.Pass, "filename": quality.Pass, "deployable-hash": quality.Pass, "distribution-licence": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-doc-missing-creator.json":                  {"creator": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-doc-missing-timestamp.json":                {"timestamp": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-two-comps-one-with-concluded-license.json": {"distribution-licence": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-two-comps-one-with-download-url.json":      {"download": quality.Pass},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-two-comps-one-with-effective-license.json": {"effective-licence": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-two-comps-one-with-security-txt-url.json":  {"security-txt": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-two-comps-one-with-source-code-hash.json":  {"source-hash": quality.Fail},
	"spdx/interlynk-io-sbomqs/bsi/spdx3/v2.1.0-two-comps-one-with-source-code-url.json":   {"source": quality.Pass},
}
