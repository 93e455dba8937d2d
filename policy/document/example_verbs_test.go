package document_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

const shop = `
version: 1
name: shop
serial: 1
expires: 2036-01-01
trust:
  - {name: release team, kind: file, with: {path: release.pub}}
images:
  - match: [registry.example.com/shop/**]
    require:
      - {name: signed, signature: {by: [release team]}}
`

// A policy has tests of its own, without a registry and without keys: who said what, and what must come of it. A rule by which no test
// fails is not tested.
func ExampleTests_Run() {
	doc, err := document.Parse([]byte(shop))
	if err != nil {
		fmt.Println(err)
		return
	}
	tests, err := document.ParseTests([]byte(`
version: 1
policy: shop.yaml
now: 2026-11-28T12:00:00Z
tests:
  - {name: signed, image: "registry.example.com/shop/app:v1", evidence: [{by: [release team]}], expect: {verdict: allow}}
  - {name: not signed, image: "registry.example.com/shop/app:v1", expect: {verdict: deny, culprits: [signed]}}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	results, coverage, err := tests.Run(context.Background(), doc, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range results {
		fmt.Println(r.Name, r.Decision.Verdict, r.Err)
	}
	for _, c := range coverage {
		fmt.Println(c.Rule, "decided", c.Decisive, "time")
	}
	// Output:
	// signed ALLOW <nil>
	// not signed DENY <nil>
	// signed decided 1 time
}

// The digest says which policy decided, whatever its layout.
func ExampleDocument_Digest() {
	var digests []string
	for _, text := range []string{shop, "# of the platform team\n" + shop} {
		doc, err := document.Parse([]byte(text))
		if err != nil {
			fmt.Println(err)
			return
		}
		digests = append(digests, doc.Digest())
	}
	fmt.Println(len(digests[0]), digests[0] == digests[1])
	// Output: 71 true
}

// Editors complete and check a document by its schema.
func ExampleSchema() {
	var schema struct {
		Schema string `json:"$schema"`
	}
	err := json.NewDecoder(bytes.NewReader(document.Schema())).Decode(&schema)
	fmt.Println(schema.Schema, err)
	// Output: https://json-schema.org/draft/2020-12/schema <nil>
}

// A policy is asked like any other: the first entry that the image's name matches decides.
func ExamplePolicy_Decide() {
	doc, err := document.Parse([]byte(shop))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := doc.Load(&document.Options{Trust: map[string]document.TrustFunc{
		"file": func(*document.Trust) (verify.Verifier, error) { return nobody{}, nil }, // kinds.File, of package policy/document/kinds
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	in := &policy.Input{Name: "registry.example.com/other/app:v1", Report: new(verify.Report),
		Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	d := p.Decide(context.Background(), in)
	fmt.Println(d.Verdict, d.Missing)
	// Output: DENY [an entry of images that matches registry.example.com/other/app]
}

// A document and its signature come as files, too.
func ExampleSigned_Read() {
	ctx := context.Background()
	doc, err := document.Parse([]byte(shop))
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		fmt.Println(err)
		return
	}
	artifact := doc.Artifact()
	manifest := artifact[len(artifact)-1]
	manifest.Data = nil
	signature, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(manifest, sign.ImageSignature{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	signed := &document.Signed{
		Name:      "shop",
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}
	for _, text := range []string{shop, shop + "  - {match: [\"**\"], deny: closed}\n"} {
		got, err := signed.Read(ctx, []byte(text), signature)
		fmt.Println(got != nil, err == nil)
	}
	// Output:
	// true true
	// false false
}
