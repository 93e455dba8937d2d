package cyclonedx_test

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/cyclonedx"
)

// A program that has cyclonedx-go's types goes on with them, and comes back.
func ExampleFrom() {
	doc, err := sbom.Parse(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,
		"components":[{"type":"library","name":"a","version":"1"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	bom, losses, err := cyclonedx.To(doc)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(losses), "losses")
	(*bom.Components)[0].Version = "2"
	doc, err = cyclonedx.From(bom)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range doc.Components() {
		fmt.Println(c.Name, c.Version)
	}
	// Output:
	// 0 losses
	// a 2
}
