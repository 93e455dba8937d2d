package sbom_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

func ExampleValidate() {
	warnings, err := sbom.Validate([]byte(`{
  "bomFormat": "CycloneDX",
  "specVersion": "1.6",
  "components": [
    {"type": "libary", "name": "a", "bom-ref": "a"},
    {"type": "file", "Name": "b"}
  ],
  "dependencies": [{"ref": "a", "dependsOn": ["c"]}]
}`))
	var invalid *sbom.InvalidError
	if errors.As(err, &invalid) {
		for _, p := range invalid.Problems {
			fmt.Println(p)
		}
	}
	for _, p := range warnings {
		fmt.Println("warning:", p)
	}
	// Output:
	// 5:14: /components/0/type: Replace "libary", which is not in the list of allowed values, perhaps by "library".
	// 6:5: /components/1: Add the member "name", which the object "Component" must have.
	// 6:22: /components/1/Name: Write the member name as "name": names differ by case.
	// warning: 8:47: /dependencies/0/dependsOn/0: Change "c" to the bom-ref of something in this document, or remove it.
}

func ExampleEncode() {
	doc, err := sbom.Parse(strings.NewReader("SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\nPackageName: a\nSPDXID: SPDXRef-a\n"))
	if err != nil {
		panic(err)
	}
	json, report, err := sbom.Encode(doc, sbom.JSON, nil)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n%v", json.Bytes(), report.Lossless())
	// Output:
	// {"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[{"name":"a","SPDXID":"SPDXRef-a"}]}
	// true
}
