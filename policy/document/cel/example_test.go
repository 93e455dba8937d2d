package cel_test

import (
	"fmt"

	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/document/cel"
	"github.com/ladingdev/lading/verify"
)

// A misspelt field is found when the document is loaded, and not when an image is judged.
func ExampleCompiler() {
	doc, err := document.Parse([]byte(`version: 1
name: shop
trust: [{name: ci, kind: keyless}]
images:
  - match: ["**"]
    require:
      - attestation:
          types: ["https://slsa.dev/provenance/v1"]
          condition:
            cel: predicate.runDetails.bilder.id == "https://ci.example/v2"
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = doc.Load(&document.Options{
		Trust:      map[string]document.TrustFunc{"keyless": func(*document.Trust) (verify.Verifier, error) { return nobody{}, nil }},
		Conditions: new(cel.Compiler),
	})
	fmt.Println(err)
	// Output:
	// document: 10:38: images[0].require[0].attestation.condition.cel: there is no field "bilder": did you mean "builder"?
}
