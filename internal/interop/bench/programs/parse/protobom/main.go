// Command protobom counts the nodes of an SBOM.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/protobom/protobom/pkg/reader"
)

func main() {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	d, err := reader.New().ParseStream(bytes.NewReader(data))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(d.GetNodeList().GetNodes()))
}
