package quality_test

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/quality"
)

func ExampleCheck() {
	doc, err := sbom.Parse(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6",
		"metadata": {"timestamp": "2026-01-02T03:04:05Z", "authors": [{"name": "A. Writer"}],
			"component": {"type": "application", "bom-ref": "app", "name": "app", "version": "2.0", "purl": "pkg:generic/app@2.0", "supplier": {"name": "Example"}}},
		"components": [{"type": "library", "bom-ref": "a", "name": "a", "version": "1.0", "purl": "pkg:npm/a@1.0"}],
		"dependencies": [{"ref": "app", "dependsOn": ["a"]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(quality.Check(doc, quality.NTIA2021, nil))
	// Output:
	// NTIA Minimum Elements 2021-07-12: CycloneDX 1.6 with 2 components does not conform
	// FAIL supplier name (1 of 2): a: say who supplied it
	// ok   component name (2 of 2)
	// ok   component version (2 of 2)
	// ok   other unique identifiers (2 of 2)
	// ok   dependency relationship
	// ok   author of SBOM data
	// ok   timestamp
	// score 93
}

func ExampleParseExpression() {
	e, err := quality.ParseExpression("mit or (GPL-2.0+ with Classpath-exception-2.0)")
	if err != nil {
		fmt.Println(err)
		return
	}
	allowed, err := quality.Allow("MIT", "Apache-2.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e, e.Satisfied(allowed))
	// Output: MIT OR GPL-2.0+ WITH Classpath-exception-2.0 true
}
