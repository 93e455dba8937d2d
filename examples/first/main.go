// Command first says whether an image carries a signature by the key in cosign.pub.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/verify"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: first IMAGE, with the trusted key in cosign.pub")
	}
	pem, err := os.ReadFile("cosign.pub")
	if err != nil {
		log.Fatal(err)
	}
	key, err := verify.ParseTrustedKey(pem)
	if err != nil {
		log.Fatal(err)
	}
	g := &policy.Gate{
		Open:      gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{key}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}
	decision := g.Check(context.Background(), os.Args[1])
	fmt.Println(decision.Verdict, decision.Reason)
	if decision.Verdict != policy.Allow {
		os.Exit(1)
	}
}
