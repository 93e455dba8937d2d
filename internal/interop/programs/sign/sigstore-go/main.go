// Command sigstore-go signs a statement with a key, as a Sigstore bundle.
package main

import (
	"io"
	"log"
	"os"

	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"
)

func main() {
	statement, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	key, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		log.Fatal(err)
	}
	b, err := sign.Bundle(&sign.DSSEData{Data: statement, PayloadType: "application/vnd.in-toto+json"}, key, sign.BundleOptions{})
	if err != nil {
		log.Fatal(err)
	}
	data, err := protojson.Marshal(b)
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(data)
}
