// Command sigstore-go verifies a keyless bundle about an image, named by its digest, over a trusted root.
package main

import (
	"encoding/hex"
	"fmt"
	"log"
	"os"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

func main() {
	trusted, err := root.NewTrustedRootFromPath(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	v, err := verify.NewVerifier(trusted, verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1),
		verify.WithObserverTimestamps(1))
	if err != nil {
		log.Fatal(err)
	}
	who, err := verify.NewShortCertificateIdentity("https://token.actions.githubusercontent.com", "", "",
		`^https://github\.com/acme/app/\.github/workflows/release\.yml@refs/tags/v[^/]*$`)
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
	result, err := v.Verify(b, verify.NewPolicy(verify.WithArtifactDigest("sha256", sum), verify.WithCertificateIdentity(who)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Statement.GetPredicateType())
}
