// Command cosign signs an image in a registry with a key, and logs nothing.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/sign"
)

func main() {
	root := &options.RootOptions{Timeout: time.Minute}
	key := options.KeyOpts{KeyRef: os.Args[1], NewBundleFormat: true, PassFunc: func(bool) ([]byte, error) { return nil, nil }}
	if err := sign.SignCmd(context.Background(), root, key, options.SignOptions{Upload: true, NewBundleFormat: true},
		os.Args[2:3]); err != nil {
		log.Fatal(err)
	}
}
