package sbom_test

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

const document = `{
  "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
  "metadata": {"component": {"type": "application", "bom-ref": "app", "name": "app", "version": "2.0"}},
  "components": [
    {"type": "library", "bom-ref": "a", "name": "a", "version": "1.0", "purl": "pkg:npm/a@1.0"},
    {"type": "library", "bom-ref": "b", "name": "b", "version": "1.1", "purl": "pkg:npm/b@1.1"}
  ],
  "dependencies": [{"ref": "app", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": ["b"]}]
}
`

func ExampleParse() {
	doc, err := sbom.Parse(strings.NewReader(document))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Format())
	for _, c := range doc.Components() {
		fmt.Println(c.Kind, c.Name, c.Version)
	}
	// Output:
	// CycloneDX 1.6
	// application app 2.0
	// library a 1.0
	// library b 1.1
}

func ExampleDocument_Graph() {
	doc, err := sbom.Parse(strings.NewReader(document))
	if err != nil {
		fmt.Println(err)
		return
	}
	for b := range doc.ByPURL("pkg:npm/b@1.1") {
		for _, ref := range doc.Graph().Path(doc.Roots()[0], b) {
			fmt.Println(doc.Component(ref).Name)
		}
	}
	// Output:
	// app
	// a
	// b
}

func ExampleConvert() {
	doc, err := sbom.Parse(strings.NewReader(document))
	if err != nil {
		fmt.Println(err)
		return
	}
	out, report, err := sbom.Convert(doc, sbom.Format{Spec: sbom.SPDX, Version: "2.3"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.Format(), out.Len(), "components")
	for _, loss := range report.Losses {
		fmt.Println(loss.Kind, loss.Path)
	}
	// Output:
	// SPDX 2.3 3 components
	// dropped /version
	// added /name
	// added /documentNamespace
	// added /creationInfo/created
	// added /creationInfo/creators
}

func ExampleDocument_Edit() {
	doc, err := sbom.Parse(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, err = doc.Edit(sbom.Edit{Path: "/version", Value: []byte("2")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", doc.Bytes())
	// Output: {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 2}
}

func ExampleGoBinary() {
	_, err := sbom.GoBinary(strings.NewReader("not a binary"), nil)
	fmt.Println(err != nil)
	// Output: true
}
