package xsd

import (
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
)

const schema = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t" elementFormDefault="qualified">
  <xs:simpleType name="colour"><xs:restriction base="xs:token"><xs:enumeration value="red"/><xs:enumeration value="blue"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="id"><xs:restriction base="xs:string"><xs:pattern value="[a-z]+"/><xs:maxLength value="3"/></xs:restriction></xs:simpleType>
  <xs:complexType name="sized"><xs:simpleContent><xs:extension base="xs:decimal"><xs:attribute name="unit" type="t:colour" use="required"/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="node">
    <xs:sequence>
      <xs:element name="name" type="t:id"/>
      <xs:choice minOccurs="0"><xs:element name="size" type="t:sized"/><xs:element name="when" type="xs:dateTime"/></xs:choice>
      <xs:element name="node" type="t:node" minOccurs="0" maxOccurs="2"/>
      <xs:any namespace="##other" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence>
    <xs:attribute name="bom-ref" type="xs:string"/>
  </xs:complexType>
  <xs:element name="root"><xs:complexType><xs:complexContent/></xs:complexType></xs:element>
</xs:schema>`

func compile(t testing.TB, text string) *Schema {
	t.Helper()
	s, err := Compile("s", func(string) ([]byte, error) { return []byte(text), nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestValidate(t *testing.T) {
	if _, err := Compile("s", func(string) ([]byte, error) { return []byte(schema), nil }); err == nil ||
		!strings.Contains(err.Error(), "s:14: unknown construct complexContent") {
		t.Errorf("a construct that is not known: %v", err)
	}
	s := compile(t, strings.Replace(schema, "<xs:complexType><xs:complexContent/></xs:complexType>",
		`<xs:complexType><xs:sequence><xs:element name="node" type="t:node" maxOccurs="unbounded"/></xs:sequence></xs:complexType>`+
			`<xs:unique name="u"><xs:selector xpath=".//*"/><xs:field xpath="@bom-ref"/></xs:unique>`, 1))
	for _, tt := range []struct{ in, want string }{
		{`<node><name>a</name></node>`, ""},
		{`<node><name>a</name><size unit=" red "> 1.50 </size><node><name>b</name></node><x xmlns="urn:x"><anything/></x></node>`, ""},
		{`<node bom-ref="a"><name>a</name><when>2024-02-29T24:00:00Z</when></node><node bom-ref="b"><name>b</name></node>`, ""},
		{``, "Add <node>"},
		{`<node/>`, "Add <name>"},
		{`<node><name>a</name><name>a</name></node>`, "Remove <name>"},
		{`<node><size unit="red">1</size><name>a</name></node>`, "has <name>"},
		{`<node><name>a</name><size unit="green">1</size></node>`, `"red", "blue"`},
		{`<node><name>a</name><size>1</size></node>`, `attribute "unit"`},
		{`<node><name>a</name><size unit="red">1e3</size></node>`, "decimal"},
		{`<node><name>a</name><when>2023-02-29T00:00:00Z</when></node>`, "date and time"},
		{`<node><name>abcd</name></node>`, "at most 3"},
		{`<node><name>A</name></node>`, "pattern [a-z]+"},
		{`<node><name>a</name>text</node>`, "Remove the text"},
		{`<node><name>a<b/></name></node>`, "text only"},
		{`<node x="y"><name>a</name></node>`, `attribute "x"`},
		{`<node xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="x"><name>a</name></node>`, "xsi:type"},
		{`<node><name>a</name><Node/></node>`, "or write <node>"},
		{`<node><name>a</name><node><name>a</name></node><node><name>a</name></node><node><name>a</name></node></node>`, "Remove <node>"},
		{`<node bom-ref="a"><name>a</name></node><node bom-ref="a"><name>b</name></node>`, "another bom-ref"},
		{`<x xmlns="urn:x"/>`, `namespace "urn:x"`},
	} {
		d, err := xmltree.Parse([]byte(`<root xmlns="urn:t">`+tt.in+`</root>`), xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := s.Validate(d, 10)
		if tt.want == "" && got != nil || tt.want != "" && (len(got) == 0 || !strings.Contains(got[0].Advice, tt.want)) {
			t.Errorf("%s: %v, want %q", tt.in, got, tt.want)
		}
	}
	d, err := xmltree.Parse([]byte(`<root xmlns="urn:other"/>`), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Validate(d, 10); len(got) != 1 || !strings.Contains(got[0].Advice, `<root> in namespace "urn:t"`) {
		t.Errorf("another namespace: %v", got)
	}
}

func TestBuiltins(t *testing.T) {
	for _, tt := range []struct {
		typ       string
		good, bad []string
	}{
		{"boolean", []string{"true", "0"}, []string{"True", "yes", ""}},
		{"integer", []string{"0", "-1", "+007"}, []string{"1.0", "", "-", "+-1", "1e3"}},
		{"nonNegativeInteger", []string{"0", "-0", "5"}, []string{"-1"}},
		{"positiveInteger", []string{"1"}, []string{"0", "-1"}},
		{"decimal", []string{".5", "5.", "-0.1"}, []string{".", "1,5", "NaN"}},
		{"dateTime", []string{"2024-01-01T00:00:00", "2024-01-01T00:00:00.123+14:00", "-0044-03-15T12:00:00Z",
			"12024-01-01T00:00:00Z"}, []string{"2024-01-01", "2024-01-01T00:00:00+15:00", "2024-13-01T00:00:00Z",
			"24-01-01T00:00:00Z", "2024-01-01T00:00:00.Z", "0000-01-01T00:00:00Z"}},
		{"date", []string{"2024-02-29", "2024-02-29Z"}, []string{"2023-02-29", "2024-2-9"}},
		{"anyURI", []string{"", "a b", "http://ö.example/<x>", "../x#y", "urn:x:y"}, []string{"http://[::1", "%zz", "a#b#c", ":x"}},
	} {
		b := builtins[tt.typ]
		for _, s := range tt.good {
			if !b.valid(s) {
				t.Errorf("%q is no %s", s, tt.typ)
			}
		}
		for _, s := range tt.bad {
			if b.valid(s) {
				t.Errorf("%q is a %s", s, tt.typ)
			}
		}
	}
}
