// Command cyclonedx-go counts the components of a CycloneDX document.
package main

import (
	"fmt"
	"log"
	"os"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(os.Stdin, cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		log.Fatal(err)
	}
	if bom.Components != nil {
		fmt.Println(bom.SpecVersion, len(*bom.Components))
	}
}
