package vuln_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
)

// A function is a scanner. Its report is signed as one of the types that others read.
func ExampleScannerFunc() {
	var scanner vuln.Scanner = vuln.ScannerFunc(func(context.Context, *sbom.Document) (*vuln.Report, error) {
		return vuln.Parse(strings.NewReader(scanned)) // a service of your own
	})
	doc, err := sbom.Parse(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6"}`))
	if err != nil {
		panic(err)
	}
	report, err := scanner.Scan(context.Background(), doc)
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Findings[0].Affects[0].State() == vuln.Found)
	fmt.Println(report.PredicateType())
	for _, as := range []func() (*vuln.Predicate, error){report.VulnsV01, report.CosignVuln, report.VDR} {
		p, err := as()
		if err != nil {
			panic(err)
		}
		fmt.Println(p.PredicateType())
	}
	// Output:
	// true
	// https://in-toto.io/attestation/vulns/v0.2
	// https://in-toto.io/attestation/vulns/v0.1
	// https://cosign.sigstore.dev/attestation/vuln/v1
	// https://cyclonedx.org/bom
}
