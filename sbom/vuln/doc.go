// Package vuln is what scanners find in an SBOM or an image: one Report for all of them, to be signed, judged and read.
//
// # What most people call
//
// [Parse] reads the output of a scanner; which one, it finds out. A [Scanner], such as those of sbom/vuln/inspector and
// sbom/vuln/osv, makes a Report of an SBOM. [Report.Apply] lets VEX statements speak, which [ParseVEX] reads.
//
//	report, err := vuln.Parse(file)
//	report.Apply(statements...)
//	report.WriteTable(os.Stdout, nil)
//
// A Report is a predicate of type https://in-toto.io/attestation/vulns/v0.2: give it to package sign. [Report.CosignVuln],
// [Report.VulnsV01] and [Report.VDR] are the same Report as other predicates. [Parse] reads all of them back.
//
// # Formats
//
//	Amazon Inspector    INSPECTOR, CYCLONE_DX_1_5, with or without the "sbom" around it; INSPECTOR_ALT, whose
//	                    form AWS has not published, as far as it has the members of INSPECTOR
//	                    also ListFindings of Amazon Inspector, of one image, in ECR or in Azure's ACR
//	CycloneDX           JSON or XML with vulnerabilities, 1.4 to 1.7
//	Grype, Trivy        their JSON, with what was suppressed
//	OSV-Scanner         JSON of version 2
//	govulncheck         -json, and OpenVEX
//	SARIF 2.1.0         best effort: components are often missing, and Report.Notes says so
//	predicates          in-toto vulns v0.1 and v0.2, cosign vuln/v1
//
// # What a Report is careful about
//
// A report without findings is no proof of a scan: Databases says what was asked and how old it was, Skipped which components
// were not assessed. Where a scanner cannot tell whether a component is affected, the finding stays and Affected.Doubt says why;
// rules ask [Affected.State], whose answers are found, cannot tell, and excluded by a proven statement. A severity that nobody
// gave is [Unknown], never low: since April 2026 most new CVEs have no score of NVD. Nothing that a reader cannot place is
// dropped: Notes says what it was.
//
// # What it is not for
//
// It does not decide: that is for packages policy and policy/rules. It does not verify who signed a report or a VEX document:
// package verify does, and the caller hands the signer over.
package vuln
