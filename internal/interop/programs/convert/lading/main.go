// Command lading converts an SBOM to SPDX 2.3 and says what was lost.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/ladingdev/lading/sbom"
)

func main() {
	d, err := sbom.Parse(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	out, report, err := sbom.Convert(d, sbom.Format{Spec: sbom.SPDX, Version: "2.3"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(out.Bytes())
	fmt.Fprintln(os.Stderr, report.Represented, "of", report.Values)
}
