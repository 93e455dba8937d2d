package document_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// Every fault of a document is told, with its line, its column and what to write instead.
func ExampleParse() {
	_, err := document.Parse([]byte(`
version: 1
name: shop
trust:
  - {name: release team, kind: keyless}
images:
  - match: [registry.example.com/shop/**]
    require:
      - signature: {by: [release team], atleast: "2"}
      - sbom: {by: [relase team]}
`))
	fmt.Println(errors.Is(err, document.ErrDocument))
	fmt.Println(err)
	// Output:
	// true
	// document: 9:41: images[0].require[0].signature: unknown field "atleast": did you mean "atLeast"?
	// 10:21: images[0].require[1].sbom.by[0]: no entry of trust is called "relase team": did you mean "release team"?
}

// A document becomes a policy when the program brings the kinds of trust that it names. The names of images choose the entry.
func ExampleDocument_Load() {
	doc, err := document.Parse([]byte(`
version: 1
name: shop
serial: 7
trust:
  - {name: release team, kind: keyless, with: {issuer: "https://issuer.example", subject: "https://ci.example/release"}}
gates:
  admission: {mode: deny}
  sweep: {mode: warn}
images:
  - match: [registry.example.com/shop/**]
    require:
      - {name: signed, signature: {by: [release team]}}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := doc.Load(&document.Options{Trust: map[string]document.TrustFunc{
		"keyless": func(t *document.Trust) (verify.Verifier, error) {
			var with struct {
				Issuer  string `yaml:"issuer,required"`
				Subject string `yaml:"subject,required"`
			}
			if err := t.Decode(&with); err != nil {
				return nil, err
			}
			return nobody{}, nil // in a program: sigstore.New, of package verify/sigstore
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	gate := &policy.Gate{Verifiers: p.Verifiers(), Policy: p, Open: func(context.Context, string) (*policy.Image, error) {
		return &policy.Image{Subject: subject, Source: source()}, nil
	}}
	for _, door := range []string{"admission", "sweep"} {
		d := gate.CheckRequest(context.Background(), "registry.example.com/shop/app:v1", &policy.Request{Gate: door})
		fmt.Println(door, d.Verdict, len(d.Warnings()), d.Document.Name, d.Document.Version)
	}
	// Output:
	// admission DENY 0 shop 7
	// sweep ALLOW 1 shop 7
}

type nobody struct{}

func (nobody) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrNotTrusted
}

// Lint finds what a document may say and is likely not meant.
func ExampleDocument_Lint() {
	doc, err := document.Parse([]byte(`
version: 1
name: shop
serial: 1
images:
  - match: ["**"]
    deny: not allowed
  - match: [registry.example.com/shop/**]
    exempt: {owner: ops, reason: a migration, expires: 2027-01-01}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range doc.Lint() {
		fmt.Println(f)
	}
	// Output:
	// 3:7: name: the policy goes on when everybody has forgotten it: give expires (never-expires)
	// 8:5: images[1]: entries above match all that this one matches, and decide: put it before them (unreachable)
}

// A document is pushed like any artifact and signed like any image. Whoever loads it takes it from the registry in one line, and never
// goes back to an older one.
func ExampleSigned() {
	ctx := context.Background()
	srv := registrytest.Start(nil)
	defer srv.Close()
	repo, err := registry.Open(srv.Host()+"/policies/shop", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		fmt.Println(err)
		return
	}
	publish := func(serial int) error {
		doc, err := document.Parse(
			fmt.Appendf(nil, "version: 1\nname: shop\nserial: %d\nimages: [{match: [\"**\"], deny: closed}]\n", serial))
		if err != nil {
			return err
		}
		artifact := doc.Artifact()
		for _, c := range artifact {
			if err := repo.Push(ctx, c, bytes.NewReader(c.Data)); err != nil {
				return err
			}
		}
		manifest := artifact[len(artifact)-1]
		manifest.Data = nil
		evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(manifest, sign.ImageSignature{}))
		if err != nil {
			return err
		}
		if _, err := repo.Attach(ctx, manifest, evidence); err != nil {
			return err
		}
		return repo.Tag(ctx, manifest, "latest")
	}

	signed := &document.Signed{
		Name: "shop", Open: gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}
	for _, serial := range []int{1, 2, 1} {
		if err := publish(serial); err != nil {
			fmt.Println(err)
			return
		}
		doc, err := signed.Load(ctx, srv.Host()+"/policies/shop:latest")
		if err != nil {
			fmt.Println(errors.Is(err, document.ErrRollback), err)
			continue
		}
		fmt.Println(doc.Name(), doc.Serial())
	}
	// Output:
	// shop 1
	// shop 2
	// true document: an older policy document than was seen before: serial 1, after 2 of "shop"
}

// The store in a directory remembers the newest version for the next process.
func ExampleDirectory() {
	serials := document.Directory("/var/lib/gate/policies")
	signed := &document.Signed{Name: "shop", Serials: serials}
	fmt.Println(signed.Serials == serials)
	// Output: true
}
