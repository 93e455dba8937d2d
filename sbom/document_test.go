package sbom

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestCorpus reads every document that is valid, and writes it to the letter.
func TestCorpus(t *testing.T) {
	count, refused := map[string]int{}, 0
	for f := range corpus(t) {
		r, err := validate(f.Data)
		valid := err == nil && invalid(r) == nil
		d, err := Parse(bytes.NewReader(f.Data))
		switch {
		case valid && err != nil:
			t.Errorf("%s: valid, and refused: %v", f.Name, err)
		case err != nil:
			refused++
		case !bytes.Equal(d.Bytes(), f.Data):
			t.Errorf("%s: other bytes", f.Name)
		case valid:
			count[d.Format().String()+" "+string(d.Encoding())]++
			if b, err := d.MarshalJSON(); (d.Encoding() == JSON) != (err == nil && bytes.Equal(b, f.Data)) || err != nil &&
				!errors.Is(err, ErrNotJSON) {
				t.Errorf("%s: MarshalJSON: %v", f.Name, err)
			}
		}
	}
	t.Log(count, "refused by Parse:", refused)
	for format, least := range map[string]int{
		"CycloneDX 1.2 JSON": 16, "CycloneDX 1.3 JSON": 18, "CycloneDX 1.4 JSON": 31, "CycloneDX 1.5 JSON": 40, "CycloneDX 1.6 JSON": 68,
		"CycloneDX 1.7 JSON": 32, "SPDX 2.2 JSON": 16, "SPDX 2.3 JSON": 23, "SPDX 3.0.1 JSON": 15, "SPDX 2.2 tag-value": 12,
	} {
		if count[format] < least {
			t.Errorf("%d documents of %s, want %d", count[format], format, least)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want error
	}{
		{``, ErrNotSBOM},
		{`{}`, ErrNotSBOM},
		{`[]`, nil},
		{`{"bomFormat":"CycloneDX"}`, ErrNotSBOM},
		{`{"bomFormat":"CycloneDX","specVersion":"1.9"}`, ErrVersion},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","spdxVersion":"SPDX-2.3"}`, ErrNotSBOM},
		{`{"spdxVersion":"SPDX-2.1"}`, ErrVersion},
		{`{"@context":"https://spdx.org/rdf/4.0.0/spdx-context.jsonld"}`, ErrVersion},
		{`{"bomFormat":"CycloneDX","bomFormat":"CycloneDX","specVersion":"1.6"}`, nil},
		{`{"bomFormat":"CycloneDX","SpecVersion":"1.6"}`, nil},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","components":` + `[],"x":` + strings.Repeat(`[`, 100_000), ErrLimit},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","components":` + strings.Repeat(`[{"components":`, 100_000), ErrLimit},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6"} x`, nil},
	} {
		_, err := Parse(strings.NewReader(tt.in))
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%.80s: %v, want %v", tt.in, err, tt.want)
		}
	}
}

// TestParseForms reads documents whose first lines look like another format's.
func TestParseForms(t *testing.T) {
	for _, tt := range []struct {
		in       string
		encoding Encoding
		name     string
	}{
		{"SPDXID: \"SPDXRef-DOCUMENT\"\nspdxVersion: SPDX-2.3\npackages:\n- name: a\n  SPDXID: SPDXRef-a\n", YAML, "a"},
		{"SPDXID: SPDXRef-DOCUMENT\nSPDXVersion: SPDX-2.3\nPackageName: a\nSPDXID: SPDXRef-a\n", TagValue, "a"},
		{`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","type":"software_Package","spdxId":"urn:x:a","name":"a",` +
			`"creationInfo":"_:c"}`, JSON, "a"},
	} {
		d, err := Parse(strings.NewReader(tt.in))
		if err != nil || d.Encoding() != tt.encoding || d.Len() != 1 || d.Component(0).Name != tt.name {
			t.Errorf("%s: %v, want %s in %s", tt.in, err, tt.name, tt.encoding)
		}
	}
}

// A document of SPDX 3 may have any number of relationships: they are kept in pieces, of which there are many then.
func TestParseManyRelationships(t *testing.T) {
	const n = 260_000
	var b bytes.Buffer
	b.WriteString(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"SpdxDocument","spdxId":"urn:d",` +
		`"rootElement":["urn:p"]},` +
		`{"type":"software_Package","spdxId":"urn:p","name":"p"}`)
	for range n {
		b.WriteString(`,{"type":"Relationship","from":"urn:p","relationshipType":"dependsOn","to":["urn:p"]}`)
	}
	b.WriteString("]}")
	d, err := Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for range d.Relationships() {
		got++
	}
	if got != n {
		t.Errorf("%d relationships, want %d", got, n)
	}
}
