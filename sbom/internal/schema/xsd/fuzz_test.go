package xsd_test

import (
	"testing"

	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema"
)

// FuzzValidate holds any XML against a schema: no more problems than asked for, each with advice and a place in the document.
func FuzzValidate(f *testing.F) {
	const head = `<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">`
	for _, s := range []string{head + `<components><component type="library" bom-ref="a"><name>a</name></component><component/>` +
		`</components></bom>`,
		head + `<components/><metadata><timestamp>now</timestamp></metadata></bom>`, `<bom/>`, head + `text<x:y xmlns:x="urn:x"/></bom>`} {
		f.Add([]byte(s))
	}
	s, err := schema.XML("1.6")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := xmltree.Parse(data, xmltree.Limits{})
		if err != nil {
			return
		}
		problems := s.Validate(doc, 10)
		if len(problems) > 10 {
			t.Fatalf("%d problems", len(problems))
		}
		for _, p := range problems {
			if p.Advice == "" || p.Offset < 0 || p.Offset > len(data) {
				t.Fatalf("%+v", p)
			}
		}
	})
}
