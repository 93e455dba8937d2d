package cyclonedx_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/cyclonedx"
)

func parse(t *testing.T, s string) *sbom.Document {
	t.Helper()
	d, err := sbom.Parse(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTo(t *testing.T) {
	d := parse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[
		{"type":"library","name":"a","version":"1","x-own":true,"modelCard":{"properties":[{"name":"p","value":"v"}]}}],
		"signature":{"algorithm":"ES256","value":"AA"}}`)
	bom, losses, err := cyclonedx.To(d)
	if err != nil {
		t.Fatal(err)
	}
	if c := *bom.Components; len(c) != 1 || c[0].Name != "a" {
		t.Errorf("%+v", c)
	}
	var got []string
	for _, l := range losses {
		got = append(got, string(l.Kind)+" "+l.Path)
	}
	text := strings.Join(got, "\n")
	for _, want := range []string{"dropped /components/0/x-own", "dropped /components/0/modelCard/properties", "/signature"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestToRefuses(t *testing.T) {
	spdx := parse(t, `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT"}`)
	if _, _, err := cyclonedx.To(spdx); !errors.Is(err, sbom.ErrVersion) {
		t.Errorf("%v, want ErrVersion", err)
	}
	xml := parse(t, `<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"/>`)
	if _, _, err := cyclonedx.To(xml); !errors.Is(err, sbom.ErrNotJSON) {
		t.Errorf("%v, want ErrNotJSON", err)
	}
}

func TestFromRefuses(t *testing.T) {
	if _, err := cyclonedx.From(nil); err == nil {
		t.Error("no BOM is taken for one")
	}
	for _, signed := range []string{
		`"signature":{"algorithm":"ES256","value":"AA"}`,
		`"components":[{"type":"library","name":"a","components":[{"type":"library","name":"b","signature":{"algorithm":"ES256",` +
			`"value":"AA"}}]}]`,
	} {
		bom, _, err := cyclonedx.To(parse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6",`+signed+`}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cyclonedx.From(bom); !errors.Is(err, sbom.ErrSigned) {
			t.Errorf("%s: %v, want ErrSigned", signed, err)
		}
	}
	bom, _, err := cyclonedx.To(
		parse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","signature":{"signers":[{"algorithm":"ES256","value":"AA"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cyclonedx.From(bom); err != nil {
		t.Error(err)
	}
}

func TestRoundTrip(t *testing.T) {
	bom := cdx.NewBOM()
	bom.Components = &[]cdx.Component{{BOMRef: "a", Type: cdx.ComponentTypeLibrary, Name: "a", Version: "<1>"}}
	bom.Dependencies = &[]cdx.Dependency{{Ref: "a", Dependencies: &[]string{}}}
	d, err := cyclonedx.From(bom)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sbom.Validate(d.Bytes()); err != nil {
		t.Error(err)
	}
	back, losses, err := cyclonedx.To(d)
	if err != nil || len(losses) > 0 || (*back.Components)[0].Version != "<1>" {
		t.Errorf("%v %v %+v", err, losses, back)
	}
}

func Example() {
	d, err := sbom.Parse(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
		{"type":"library","name":"a","version":"1"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	bom, losses, err := cyclonedx.To(d)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println((*bom.Components)[0].Name, losses)
	// Output: a []
}
