// Command lading counts the components of an SBOM.
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
	fmt.Println(d.Format(), d.Len())
}
