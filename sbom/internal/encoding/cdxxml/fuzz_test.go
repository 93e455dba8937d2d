package cdxxml_test

import (
	"testing"

	"github.com/ladingdev/lading/sbom/internal/encoding/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

const head = `<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">`

// FuzzRead reads any XML as a BOM: the JSON form is strict JSON, every part of it and of what it has no place for lies in the
// document, and what is written of it can be read again.
func FuzzRead(f *testing.F) {
	for _, s := range []string{head + `<components><component type="library" bom-ref="a"><name>a</name><licenses><license><id>` +
		`MIT</id></license><expression>ISC</expression></licenses>` +
		`<hashes><hash alg="MD5">d41d8cd98f00b204e9800998ecf8427e</hash></hashes><x:y xmlns:x="urn:x">z</x:y></component>` +
		`</components></bom>`,
		head + `<dependencies><dependency ref="a"><dependency ref="b"/></dependency></dependencies></bom>`,
		head + `<services><service><name>s</name><data><dataflow name="d"><classification flow="inbound">PII</classification>` +
			`</dataflow></data></service></services></bom>`,
		head + `<annotations><annotation><subjects><subject ref="a"/></subjects><annotator><individual><name>n</name></individual>` +
			`</annotator><text>t</text></annotation></annotations></bom>`} {
		f.Add([]byte(s))
	}
	both, err := schema.CycloneDX("1.6")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := xmltree.Parse(data, xmltree.Limits{})
		if err != nil {
			return
		}
		v, extras, err := cdxxml.Read(doc, "1.6", both)
		if err != nil {
			return
		}
		for _, e := range extras {
			if e.Start < 0 || e.Start > e.End || e.End > len(data) {
				t.Fatalf("%+v", e)
			}
		}
		text, places := v.JSON()
		again, err := tree.Parse(text)
		if err != nil {
			return // one name twice, which Parse refuses
		}
		if start, end := places.Source(0); start < 0 || start > end || end > len(data) {
			t.Fatalf("%d to %d", start, end)
		}
		out, _ := cdxxml.Write(again, "1.6", both)
		written, err := xmltree.Parse(out, xmltree.Limits{Depth: 1000})
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if _, _, err := cdxxml.Read(written, "1.6", both); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	})
}
