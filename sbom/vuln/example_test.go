package vuln_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ladingdev/lading/sbom/vuln"
)

const scanned = `{"SchemaVersion":2,"Trivy":{"Version":"0.74.0"},"ArtifactName":"ghcr.io/acme/web:1.4","Results":[{"Vulnerabilities":[
{"VulnerabilityID":"CVE-2026-90010","PkgName":"ms","PkgIdentifier":{"PURL":"pkg:npm/ms@2.1.3"},"InstalledVersion":"2.1.3","FixedVersion":"2.1.4","Severity":"HIGH"},
{"VulnerabilityID":"CVE-2026-90003","PkgName":"hello","PkgIdentifier":{"PURL":"pkg:deb/debian/hello@2.10-3"},"InstalledVersion":"2.10-3","Severity":"LOW"}]}]}`

func ExampleParse() {
	report, err := vuln.Parse(strings.NewReader(scanned))
	if err != nil {
		panic(err)
	}
	report.WriteTable(os.Stdout, nil)
	// Output:
	// ghcr.io/acme/web:1.4, by trivy 0.74.0; which database was asked is not known
	// 2 findings: 0 critical, 1 high, 0 medium, 1 low, 1 fixable, 0 exploited, 2
	//   without a score
	//
	// SEVERITY  ID              COMPONENT  INSTALLED  FIXED
	// high      CVE-2026-90010  ms         2.1.3      2.1.4
	// low       CVE-2026-90003  hello      2.10-3
}

func ExampleReport_Apply() {
	report, err := vuln.Parse(strings.NewReader(scanned))
	if err != nil {
		panic(err)
	}
	statements, _, err := vuln.ParseVEX(strings.NewReader(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/vex/1",
"author":"Acme","timestamp":"2026-11-28T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2026-90003"},
"products":[{"@id":"pkg:deb/debian/hello"}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path"}]}`))
	if err != nil {
		panic(err)
	}
	for i := range statements { // package verify proved who signed the document
		statements[i].Signer = vuln.Signer{Identity: "security@acme.example", At: time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC)}
	}
	effect := report.Apply(statements...)
	fmt.Println(effect.Changed, "changed;", report.Summary())
	// Output: 1 changed; 1 finding: 0 critical, 1 high, 0 medium, 0 low, 1 fixable, 0 exploited, 1 without a score, 1 suppressed
}
