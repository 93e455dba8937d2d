package sbom

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestEditXML(t *testing.T) {
	const doc = `<?xml version="1.0"?>
<!-- ours -->
<bom xmlns="http://cyclonedx.org/schema/bom/1.6" xmlns:x="urn:x" version="1">
	<components>
		<!-- first -->
		<component type="library" bom-ref="a"><name>a</name><version >1</version></component>
		<component type="library" bom-ref="b" x:own="yes">
			<name>b</name>
			<licenses><license><id>MIT</id></license></licenses>
		</component>
	</components>
</bom>
`
	for _, tt := range []struct {
		edits    []Edit
		from, to string // the only change of the text
		err      error
	}{
		{edits: []Edit{{Path: "/components/0/version", Value: []byte(`"2 & 3"`)}}, from: "<version >1</version>",
			to: "<version>2 &amp; 3</version>"},
		{edits: []Edit{{Path: "/components/0/version"}}, from: "<version >1</version>", to: ""},
		{edits: []Edit{{Path: "/components/1/licenses/0/license/id", Value: []byte(`"ISC"`)}}, from: "<id>MIT</id>", to: "<id>ISC</id>"},
		{edits: []Edit{{Path: "/components/0"}}, from: "\n\t\t<component type=\"library\" bom-ref=\"a\"><name>a</name><version " +
			">1</version></component>", to: ""},
		{edits: []Edit{{Path: "/components/-", Value: []byte(`{"type": "file", "name": "c"}`)}},
			from: "</license></licenses>\n\t\t</component>",
			to:   "</license></licenses>\n\t\t</component>\n\t\t<component type=\"file\">\n      <name>c</name>\n    </component>"},
		{edits: []Edit{{Path: "/components/0", Insert: true, Value: []byte(`{"type": "file", "name": "c"}`)}},
			from: "<component type=\"library\" bom-ref=\"a\">",
			to:   "<component type=\"file\">\n      <name>c</name>\n    </component>\n\t\t<component type=\"library\" bom-ref=\"a\">"},
		{edits: []Edit{{Path: "/components/0/bom-ref", Value: []byte(`"z"`)}},
			from: `<component type="library" bom-ref="a"><name>a</name><version >1</version></component>`,
			to:   "<component type=\"library\" bom-ref=\"z\">\n      <name>a</name>\n      <version>1</version>\n    </component>"},
		{edits: []Edit{{Path: "/version", Value: []byte(`2`)}}, err: ErrEncoding},
		{edits: []Edit{{Path: "/components/0/nothing", Value: []byte(`2`)}}, err: ErrEncoding},
		{edits: []Edit{{Path: "/components/7", Value: []byte(`{}`)}}, err: ErrPath},
	} {
		d, err := Parse(strings.NewReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Edit(tt.edits...)
		if tt.err != nil {
			if !errors.Is(err, tt.err) {
				t.Errorf("%s: %v, want %v", tt.edits[0].Path, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.edits[0].Path, err)
			continue
		}
		if want := strings.Replace(doc, tt.from, tt.to, 1); string(got.Bytes()) != want {
			t.Errorf("%s:\n%s, want\n%s", tt.edits[0].Path, got.Bytes(), want)
		}
	}
}

func TestEditTagValue(t *testing.T) {
	const doc = "# ours\nSPDXVersion: SPDX-2.3\r\nDocumentName:  n\n\nPackageName: p\nSPDXID: SPDXRef-p\n" +
		"PackageComment: <text>x\ny</text>\n"
	for _, tt := range []struct {
		edit     Edit
		from, to string
		err      error
	}{
		{edit: Edit{Path: "/name", Value: []byte(`"m\nm"`)}, from: "DocumentName:  n", to: "DocumentName: <text>m\nm</text>"},
		{edit: Edit{Path: "/packages/0/comment"}, from: "PackageComment: <text>x\ny</text>\n", to: ""},
		{edit: Edit{Path: "/packages/0/comment", Value: []byte(`"z"`)}, from: "<text>x\ny</text>", to: "z"},
		{edit: Edit{Path: "/packages/-", Value: []byte(`{"name": "q", "SPDXID": "SPDXRef-q"}`)}, from: "y</text>\n",
			to: "y</text>\n\nPackageName: q\nSPDXID: SPDXRef-q\n"},
		{edit: Edit{Path: "/packages/0/comment", Value: []byte(`"</text>"`)}, err: ErrEncoding},
		{edit: Edit{Path: "/packages/0/supplier", Value: []byte(`"Person: x"`)}, err: ErrEncoding},
		{edit: Edit{Path: "/packages/0/name"}, err: ErrEncoding},
		{edit: Edit{Path: "/packages/3/name"}, err: ErrPath},
	} {
		d, err := Parse(strings.NewReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Edit(tt.edit)
		if tt.err != nil {
			// A line that leaves the rest without its head is refused by the reader.
			if err == nil || !errors.Is(err, tt.err) && !strings.HasSuffix(tt.edit.Path, "/name") {
				t.Errorf("%s: %v, want %v", tt.edit.Path, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.edit.Path, err)
			continue
		}
		if want := strings.Replace(doc, tt.from, tt.to, 1); string(got.Bytes()) != want {
			t.Errorf("%s:\n%s, want\n%s", tt.edit.Path, got.Bytes(), want)
		}
	}
}

// TestEditCorpus edits the name of the first component or package of documents in XML and tag-value: nothing in front of and
// nothing behind it changes.
func TestEditCorpus(t *testing.T) {
	edited := 0
	for f := range corpus(t, "cyclonedx/CycloneDX-specification/1.6/", "cyclonedx/CycloneDX-specification/1.3/",
		"spdx/spdx-spdx-examples/software/example4") {
		if _, err := Validate(f.Data); err != nil || f.Data[0] == '{' {
			continue
		}
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			t.Fatal(err)
		}
		path := "/components/0/name"
		if d.Encoding() == TagValue {
			path = "/packages/0/name"
		}
		got, err := d.Edit(Edit{Path: path, Value: []byte(`"another"`)})
		if errors.Is(err, ErrPath) {
			continue // there is none
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		at := bytes.Index(got.Bytes(), []byte("another"))
		rest := got.Bytes()[at+len("another"):]
		if at < 0 || !bytes.HasPrefix(f.Data, got.Bytes()[:at]) || !bytes.HasSuffix(f.Data, rest) || len(f.Data)-at-len(rest) > 60 {
			t.Errorf("%s: more than the name changed", f.Name)
		}
		edited++
	}
	if edited < 31 {
		t.Errorf("%d documents edited, want 31 or more", edited)
	}
}
