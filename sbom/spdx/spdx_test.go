package spdx_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/spdx"
)

const document = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"d",
	"documentNamespace":"https://example.com/d","creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Tool: t"]},
	"packages":[{"SPDXID":"SPDXRef-a","name":"a","downloadLocation":"NOASSERTION","filesAnalyzed":false,
		"externalRefs":[{"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/a@1"}]}],
	"documentDescribes":["SPDXRef-a"]}`

func parse(t *testing.T, s string) *sbom.Document {
	t.Helper()
	d, err := sbom.Parse(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTo(t *testing.T) {
	doc, losses, err := spdx.To(parse(t, document))
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Packages) != 1 || doc.Packages[0].PackageName != "a" {
		t.Errorf("%+v", doc.Packages)
	}
	text := fmt.Sprint(losses)
	if !strings.Contains(text, "/documentDescribes") || !strings.Contains(text, "/packages/0/externalRefs/0/referenceCategory") {
		t.Errorf("what the library restructures is not reported: %v", text)
	}
	d, err := spdx.From(doc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sbom.Validate(d.Bytes()); err != nil {
		t.Error(err)
	}
	if len(d.Roots()) != 1 || d.Component(d.Roots()[0]).PURL != "pkg:npm/a@1" {
		t.Errorf("%s", d.Bytes())
	}
}

func TestToRefuses(t *testing.T) {
	null := strings.Replace(document, `"packages":[`, `"relationships":[{"spdxElementId":"SPDXRef-a"}],"packages":[`, 1)
	if _, _, err := spdx.To(parse(t, null)); !errors.Is(err, spdx.ErrRefused) {
		t.Errorf("half a relationship: %v, want ErrRefused", err)
	}
	cdx := parse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6"}`)
	if _, _, err := spdx.To(cdx); !errors.Is(err, sbom.ErrVersion) {
		t.Errorf("%v, want ErrVersion", err)
	}
	if _, err := spdx.From(nil); !errors.Is(err, spdx.ErrRefused) {
		t.Errorf("%v, want ErrRefused", err)
	}
}

func Example() {
	d, err := sbom.Parse(strings.NewReader(document))
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, _, err := spdx.To(d)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Packages[0].PackageName)
	// Output: a
}
