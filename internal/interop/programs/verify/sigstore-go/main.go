// Command sigstore-go verifies a Sigstore bundle about an image, named by its digest, with a key.
package main

import (
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

func main() {
	pem, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	key, err := cryptoutils.UnmarshalPEMToPublicKey(pem)
	if err != nil {
		log.Fatal(err)
	}
	by, err := signature.LoadDefaultVerifier(key)
	if err != nil {
		log.Fatal(err)
	}
	material := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(by, time.Time{}, time.Time{}), nil
	})
	v, err := verify.NewVerifier(material, verify.WithNoObserverTimestamps())
	if err != nil {
		log.Fatal(err)
	}
	b, err := bundle.LoadJSONFromPath("/dev/stdin")
	if err != nil {
		log.Fatal(err)
	}
	sum, err := hex.DecodeString(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	result, err := v.Verify(b, verify.NewPolicy(verify.WithArtifactDigest("sha256", sum), verify.WithKey()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Statement.GetPredicateType())
}
