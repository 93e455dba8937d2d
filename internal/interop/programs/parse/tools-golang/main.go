// Command tools-golang counts the packages of an SPDX document.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/spdx/tools-golang/json"
)

func main() {
	d, err := json.Read(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.SPDXVersion, len(d.Packages))
}
