// Command protobom converts an SBOM to SPDX 2.3.
package main

import (
	"bytes"
	"io"
	"log"
	"os"

	"github.com/protobom/protobom/pkg/formats"
	"github.com/protobom/protobom/pkg/reader"
	"github.com/protobom/protobom/pkg/writer"
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
	if err := writer.New(writer.WithFormat(formats.SPDX23JSON)).WriteStream(d, os.Stdout); err != nil {
		log.Fatal(err)
	}
}
