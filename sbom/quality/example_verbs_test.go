package quality_test

import (
	"fmt"

	"github.com/ladingdev/lading/sbom/quality"
)

// A profile of one's own names checks, which this lists.
func ExampleChecks() {
	checks := quality.Checks()
	for _, r := range quality.NTIA2021.Rules {
		if checks[r.Check] == "" {
			fmt.Println("nothing checks", r.Title)
		}
	}
	fmt.Println(len(checks) > len(quality.NTIA2021.Rules))
	// Output: true
}
