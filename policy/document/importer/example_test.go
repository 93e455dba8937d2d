package importer_test

import (
	"fmt"

	"github.com/ladingdev/lading/policy/document/importer"
)

// What can be said becomes a document; what cannot is listed with its place.
func ExampleClusterImagePolicy() {
	result, err := importer.ClusterImagePolicy([]byte(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: shop
spec:
  images:
    - glob: registry.example.com/shop/**
  authorities:
    - name: ci
      keyless:
        identities:
          - issuer: https://issuer.example
            subject: https://ci.example/release
  match:
    - resource: pods
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", result.Document)
	for _, l := range result.Left {
		fmt.Println(l)
	}
	// Output:
	// version: 1
	// name: shop
	// serial: 1
	// trust:
	//   - name: ci
	//     kind: keyless
	//     with:
	//       issuer: https://issuer.example
	//       subject: https://ci.example/release
	// gates:
	//   default:
	//     mode: deny
	// images:
	//   - name: shop
	//     match: [registry.example.com/shop/**]
	//     require:
	//       - signature:
	//           by: [ci]
	//
	// 15:5: spec.match: it is for some resources alone: here it is for all that have these images
}
