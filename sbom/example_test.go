package sbom_test

import (
	"fmt"
	"os"
	"runtime"
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
	// added /packages
}

// The report of a conversion as people read it: what matters most comes first.
func ExampleReport() {
	doc, err := sbom.Parse(strings.NewReader(`{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"shop",
		"documentNamespace":"https://example.org/shop-1","creationInfo":{"created":"2026-11-28T18:00:00Z","creators":["Tool: npm-11.19.1"]},"packages":[
		{"SPDXID":"SPDXRef-shop","name":"shop","downloadLocation":"NOASSERTION","filesAnalyzed":false},
		{"SPDXID":"SPDXRef-semver","name":"semver","downloadLocation":"NOASSERTION","filesAnalyzed":false},
		{"SPDXID":"SPDXRef-fork","name":"fork","downloadLocation":"NOASSERTION","filesAnalyzed":false}],"relationships":[
		{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-shop"},
		{"spdxElementId":"SPDXRef-fork","relationshipType":"VARIANT_OF","relatedSpdxElement":"SPDXRef-semver"},
		{"spdxElementId":"SPDXRef-semver","relationshipType":"DEV_DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-shop"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, report, err := sbom.Convert(doc, sbom.Format{Spec: sbom.CycloneDX, Version: "1.6"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for sentence := range strings.SplitSeq(strings.TrimSuffix(report.String(), "."), ". ") {
		fmt.Println(sentence + ".")
	}
	// Output:
	// SPDX 2.3 to CycloneDX 1.6: 22 of 28 values are in the output.
	// Dropped 4: /relationships/1 (the other format has no relationship of this type); 3 at /packages/*/filesAnalyzed (the other format has no place for it).
	// Changed 1: /relationships/2/relationshipType (CycloneDX does not say on what occasion one needs another; written as dependsOn).
	// Added 1: /components (CycloneDX wants a type; library where the input gives none).
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
	exe, err := os.Executable() // a Go binary: this program
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := os.Open(exe)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	doc, err := sbom.GoBinary(f, &sbom.GoBinaryOptions{Format: sbom.Format{Spec: sbom.SPDX, Version: "2.3"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Format(), doc.Component(doc.Roots()[0]).Name)
	for _, c := range doc.Components() {
		if c.Name == "stdlib" {
			fmt.Println(c.Version == strings.TrimPrefix(runtime.Version(), "go"))
		}
	}
	// Output:
	// SPDX 2.3 github.com/ladingdev/lading
	// true
}

func ExampleDiff() {
	before, err := sbom.Parse(strings.NewReader(document))
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := sbom.Parse(strings.NewReader(strings.NewReplacer("b@1.1", "b@1.2", `"1.1"`, `"1.2"`).Replace(document)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range sbom.Diff(before, after, nil).Changed {
		for _, f := range c.Fields {
			fmt.Println(after.Component(c.New).Name, f.Field, f.Old, f.New)
		}
	}
	// Output:
	// b version 1.1 1.2
	// b purl pkg:npm/b@1.1 pkg:npm/b@1.2
}

func ExampleMerge() {
	doc, err := sbom.Parse(strings.NewReader(document))
	if err != nil {
		fmt.Println(err)
		return
	}
	other, err := sbom.Parse(strings.NewReader(strings.ReplaceAll(document, "app", "worker")))
	if err != nil {
		fmt.Println(err)
		return
	}
	out, report, err := sbom.Merge([]*sbom.Document{doc, other}, &sbom.MergeOptions{Name: "system"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for ref, c := range out.Components() {
		fmt.Println(c.Name, len(out.Graph().Direct(ref)))
	}
	fmt.Println(report.Same, "in both")
	// Output:
	// system 2
	// app 1
	// a 1
	// b 0
	// worker 1
	// 2 in both
}

func ExamplePURL_MatchKey() {
	for _, s := range []string{"pkg:deb/debian/attr@1%3A2.5.1?arch=amd64&distro=debian-12",
		"pkg:deb/debian/attr@2.5.1?arch=amd64&distro=bookworm&epoch=1"} {
		p, err := sbom.ParsePURL(s)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.MatchKey())
	}
	// Output:
	// pkg:deb/debian/attr@1:2.5.1?arch=amd64
	// pkg:deb/debian/attr@1:2.5.1?arch=amd64
}
