package spdxxml_test

import (
	"testing"

	"github.com/ladingdev/lading/sbom/internal/encoding/spdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema"
)

// FuzzRead reads any XML as a document of SPDX 2: places of its JSON form are in it.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`<Document><spdxVersion>SPDX-2.3</spdxVersion><SPDXID>SPDXRef-DOCUMENT</SPDXID><name>n</name><packages><name>` +
		`p</name><filesAnalyzed>false</filesAnalyzed>` +
		`<checksums><algorithm>SHA1</algorithm></checksums></packages><packages x="y"/></Document>`))
	f.Add([]byte(`<Document><Document><a/>text</Document></Document>`))
	s, err := schema.JSON("SPDX 2.3")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := xmltree.Parse(data, xmltree.Limits{})
		if err != nil {
			return
		}
		text, places := spdxxml.Read(doc, s).JSON()
		for i := range text {
			if start, end := places.Source(i); start < 0 || start > end || end > len(data) {
				t.Fatalf("byte %d of %s is at %d to %d", i, text, start, end)
			}
		}
	})
}
