package sbom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/encoding/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/encoding/tagvalue"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

func xmlToJSON(t *testing.T, data []byte) (text []byte, version string, extras []form.Extra) {
	t.Helper()
	d, err := xmltree.Parse(data, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	space, _ := d.Name(d.Root)
	version = strings.TrimPrefix(space, cdxxml.Namespace)
	v, extras, err := cdxxml.Read(d, version, cycloneDXSchemas(t, version))
	if err != nil {
		t.Fatal(err)
	}
	text, _ = v.JSON()
	return text, version, extras
}

func cycloneDXSchemas(t *testing.T, version string) schema.Both {
	t.Helper()
	s, err := schema.CycloneDX(version)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestXMLToJSON checks that each valid XML document is a valid JSON document with the same content: what the project
// publishes as the same example in JSON, where the two are the same.
func TestXMLToJSON(t *testing.T) {
	twins := map[string][]byte{}
	for f := range corpus(t, "cyclonedx/CycloneDX-specification/") {
		twins[f.Name] = f.Data
	}
	same, read := 0, 0
	for f := range corpus(t, "cyclonedx/") {
		r, err := validate(f.Data)
		if err != nil || invalid(r) != nil || !strings.HasSuffix(r.Format, " XML") || strings.Contains(r.Format, " 1.0 ") ||
			strings.Contains(r.Format, " 1.1 ") {
			continue
		}
		read++
		text, _, extras := xmlToJSON(t, f.Data)
		back, err := validateJSON(text, nil)
		if err == nil {
			err = invalid(back)
		}
		if err != nil {
			t.Errorf("%s: JSON form: %v", f.Name, err)
		}
		for _, e := range extras {
			// The one example with things of its own says so by its name.
			if !strings.Contains(f.Name, "valid-random-attributes") && !bytes.Contains(f.Data[e.Start:e.End], []byte(":")) {
				t.Errorf("%s: %s has no place in JSON: %s", f.Name, e.Path, f.Data[e.Start:e.End])
			}
		}
		if twin, ok := twins[strings.TrimSuffix(f.Name, ".xml")+".json"]; ok && cmp.Equal(plain(t, text), plain(t, twin)) {
			same++
		}
	}
	t.Logf("%d documents, %d equal to their twin in JSON", read, same)
	if read < 116 || same < 75 {
		t.Errorf("%d documents, %d equal to their twin in JSON, want 116 and 75 or more", read, same)
	}
}

// plain decodes a CycloneDX document without what only its JSON form says.
func plain(t *testing.T, data []byte) any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	delete(v, "$schema")
	return v
}

// TestJSONToXML writes each valid JSON document as XML, which must be valid, and reads it back: nothing is missing but
// what the writer says is.
func TestJSONToXML(t *testing.T) {
	written, whole := 0, 0
	for f := range part(t, "cyclonedx/", "sbom-real/", "inspector/") {
		r, err := validate(f.Data)
		if err != nil || invalid(r) != nil || !strings.HasPrefix(r.Format, "CycloneDX") || !strings.HasSuffix(r.Format, " JSON") {
			continue
		}
		version := strings.Fields(r.Format)[1]
		v, err := tree.Parse(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		out, lost := cdxxml.Write(v, version, cycloneDXSchemas(t, version))
		// A bom-ref that occurs twice is an error in the one schema and none in the other.
		if x, err := validate(out); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		} else if err := invalid(x); err != nil && !strings.HasSuffix(f.Name, "1.5/valid-formulation-1.5.json") {
			t.Errorf("%s: %v", f.Name, err)
		}
		back, _, extras := xmlToJSON(t, out)
		if extras != nil {
			t.Errorf("%s: %v written and not read", f.Name, extras)
		}
		want, got := plain(t, f.Data), plain(t, back)
		slices.Reverse(lost)
		for _, l := range lost {
			want = without(want, strings.Split(l.Pointer, "/")[1:])
			if l.Changed != "" {
				got = without(got, strings.Split(l.Pointer, "/")[1:])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-JSON +XML)\n%s", f.Name, diff)
		}
		written++
		if len(lost) == 0 {
			whole++
		}
	}
	t.Logf("%d documents, %d whole", written, whole)
	if written < least(205) || whole < least(193) {
		t.Errorf("%d documents, %d whole, want %d and %d or more", written, whole, least(205), least(193))
	}
}

// without removes the value at a pointer.
func without(v any, pointer []string) any {
	key := strings.NewReplacer("~1", "/", "~0", "~").Replace(pointer[0])
	switch v := v.(type) {
	case map[string]any:
		if len(pointer) == 1 {
			delete(v, key)
		} else {
			v[key] = without(v[key], pointer[1:])
		}
	case []any:
		var i int
		fmt.Sscan(key, &i)
		if len(pointer) == 1 {
			return slices.Delete(v, i, i+1)
		}
		v[i] = without(v[i], pointer[1:])
	}
	return v
}

// TestXMLShapes takes what has other shapes in the two forms through both, and checks that each difference is listed.
func TestXMLShapes(t *testing.T) {
	for _, tt := range []struct {
		version, component string
		want               string // what comes back, if it is not the same
		lost               string
	}{
		{"1.5", `"data":[{"type":"dataset","name":"n","classification":"c"}]`, "", ""},
		{"1.5", `"data":[{"type":"dataset"},{"type":"other"}]`, `"data":[{"type":"dataset"}]`, "dropped /components/0/data/1"},
		{"1.6", `"data":[{"type":"dataset","name":"n"},{"type":"other"}]`, "", ""},
		{"1.6", `"properties":[{"name":"a","value":""},{"name":"b"}]`, `"properties":[{"name":"a","value":""},{"name":"b","value":""}]`,
			"changed /components/0/properties/1"},
		{"1.6", `"evidence":{"identity":{"field":"purl"}}`, `"evidence":{"identity":[{"field":"purl"}]}`,
			"changed /components/0/evidence/identity"},
		{"1.4", `"group":"a\nb"`, `"group":"a b"`, "changed /components/0/group"},
		{"1.7", `"cryptoProperties":{"assetType":"protocol","protocolProperties":{"ikev2TransformTypes":{"prf":[{}]}}}`,
			`"cryptoProperties":{"assetType":"protocol","protocolProperties":{"ikev2TransformTypes":{"prf":[""]}}}`,
			"changed /components/0/cryptoProperties/protocolProperties/ikev2TransformTypes/prf/0"},
	} {
		document := func(component string) string {
			return `{"bomFormat":"CycloneDX","specVersion":"` + tt.version + `","version":1,"components":[{"type":"data","name":"x",` +
				component + `}]}`
		}
		d, err := Parse(strings.NewReader(document(tt.component)))
		if err != nil {
			t.Fatal(err)
		}
		x, r, err := Encode(d, XML, nil)
		if err != nil {
			t.Fatal(err)
		}
		var lost []string
		for _, l := range r.Losses {
			lost = append(lost, string(l.Kind)+" "+l.Path)
		}
		if got := strings.Join(lost, ", "); got != tt.lost {
			t.Errorf("%s: %s, want %s", tt.component, got, tt.lost)
		}
		back, _, err := Encode(x, JSON, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := tt.want
		if want == "" {
			want = tt.component
		}
		if diff := cmp.Diff(plain(t, []byte(document(want))), plain(t, back.Bytes())); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.component, diff)
		}
	}
}

// TestSPDXEncodings reads the example that SPDX publishes in every encoding, and expects the same of each, but for what
// the files themselves have in other words.
func TestSPDXEncodings(t *testing.T) {
	const dir = "spdx/spdx-tools-golang/sample-docs/"
	texts := map[string]any{}
	for f := range corpus(t, dir) {
		text := f.Data
		form, err := encoding.Read(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		name := "JSON"
		if form != nil {
			name, text = form.Name, form.Text
		}
		texts[name] = plain(t, text)
	}
	if diff := cmp.Diff(texts["JSON"], texts["YAML"]); diff != "" {
		t.Errorf("(-JSON +YAML)\n%s", diff)
	}
	// The two files differ in one member of one package.
	if diff := cmp.Diff(texts["JSON"], texts["XML"], cmp.FilterPath(func(p cmp.Path) bool {
		return strings.HasSuffix(p.GoString(), `["filesAnalyzed"]`)
	}, cmp.Ignore())); diff != "" {
		t.Errorf("(-JSON +XML)\n%s", diff)
	}
	ids := func(v any) (out []string) {
		doc := v.(map[string]any)
		for _, list := range []string{"packages", "files", "snippets"} {
			for _, e := range doc[list].([]any) {
				e := e.(map[string]any)
				out = append(out, fmt.Sprint(list, e["SPDXID"], e["name"], e["fileName"], e["checksums"] != nil,
					e["licenseDeclared"] != nil, e["copyrightText"]))
			}
		}
		for _, r := range doc["relationships"].([]any) {
			r := r.(map[string]any)
			out = append(out, fmt.Sprint(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	if diff := cmp.Diff(ids(texts["JSON"]), ids(texts["tag-value"])); diff != "" {
		t.Errorf("(-JSON +tag-value)\n%s", diff)
	}
	// The RDF file is of an earlier edition of the example.
	want, got := ids(texts["JSON"]), ids(texts["RDF"])
	same := 0
	for _, line := range got {
		if slices.Contains(want, line) {
			same++
		}
	}
	if len(got) != 14 || same != 12 {
		t.Errorf("the RDF file has %d elements and relationships, %d of them in the JSON file, want 14 and 12:\n%s", len(got), same,
			cmp.Diff(want, got))
	}
}

// TestTagValueRoundTrip writes each SPDX 2 document in JSON as tag-value, which is as valid as it was, and reads it
// back: nothing is missing but what the writer says is, and what became relationships.
func TestTagValueRoundTrip(t *testing.T) {
	written, whole := 0, 0
	for f := range corpus(t, "spdx/", "sbom-real/") {
		r, err := validate(f.Data)
		if err != nil || invalid(r) != nil || !strings.HasPrefix(r.Format, "SPDX 2") || !strings.HasSuffix(r.Format, " JSON") {
			continue
		}
		v, err := tree.Parse(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		out, lost := tagvalue.Write(v)
		if r, err := validate(out); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		} else if err := invalid(r); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		form, err := encoding.Read(out)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		want, got := plain(t, f.Data), plain(t, form.Text)
		slices.Reverse(lost)
		for _, l := range lost {
			want = without(want, strings.Split(l.Pointer, "/")[1:])
			if l.Changed != "" {
				got = without(got, strings.Split(l.Pointer, "/")[1:])
			}
		}
		if diff := cmp.Diff(bag(want), bag(got)); diff != "" {
			t.Errorf("%s: (-JSON +tag-value)\n%.2000s", f.Name, diff)
		}
		written++
		if len(lost) == 0 {
			whole++
		} else {
			t.Logf("%s: %s and %d more", f.Name, lost[0].Pointer, len(lost)-1)
		}
	}
	t.Logf("%d documents, %d whole", written, whole)
}

// bag is all that an SPDX 2 document says, in no order, one line a value, with relationships for what says the same.
func bag(doc any) []string {
	d := doc.(map[string]any)
	rels, _ := d["relationships"].([]any)
	say := func(from, typ, to any) {
		rels = append(rels, map[string]any{"spdxElementId": from, "relationshipType": typ, "relatedSpdxElement": to})
	}
	list, _ := d["documentDescribes"].([]any)
	for _, id := range list {
		say(d["SPDXID"], "DESCRIBES", id)
	}
	delete(d, "documentDescribes")
	for _, name := range []string{"packages", "files", "snippets"} {
		elements, _ := d[name].([]any)
		byID := map[string]any{}
		for _, e := range elements {
			e := e.(map[string]any)
			files, _ := e["hasFiles"].([]any)
			for _, id := range files {
				say(e["SPDXID"], "CONTAINS", id)
			}
			delete(e, "hasFiles")
			byID[e["SPDXID"].(string)] = e
		}
		d[name] = byID
	}
	var out []string
	for _, r := range rels {
		r := r.(map[string]any)
		out = append(out, fmt.Sprint(r["spdxElementId"], " ", r["relationshipType"], " ", r["relatedSpdxElement"], " ", r["comment"]))
	}
	delete(d, "relationships")
	var flat func(path string, v any)
	flat = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, w := range v {
				flat(path+"/"+k, w)
			}
		case []any:
			for _, w := range v {
				text, _ := json.Marshal(w)
				out = append(out, path+"/- "+string(text))
			}
		default:
			out = append(out, fmt.Sprint(path, " ", v))
		}
	}
	flat("", doc)
	slices.Sort(out)
	return slices.Compact(out)
}

// FuzzForms reads anything in any encoding: the JSON form is JSON, its places are places of the input, and it is written
// in the other encoding and read again.
func FuzzForms(f *testing.F) {
	f.Add([]byte(goodXML))
	f.Add([]byte(`<bom xmlns="http://cyclonedx.org/schema/bom/1.7"><metadata><tools><tool><name>x</name></tool></tools></metadata>` +
		`<components><component type="a"><licenses><expression-detailed expression="MIT"><details ` +
		`license-identifier="MIT"><url>u</url></details></expression-detailed></licenses><patentAssertions><patentAssertion><asserter>` +
		`<ref>a</ref></asserter></patentAssertion></patentAssertions></component></components></bom>`))
	f.Add([]byte("<Document><spdxVersion>SPDX-2.3</spdxVersion><packages><name>n</name></packages></Document>"))
	f.Add([]byte("SPDXVersion: SPDX-2.3\nPackageName: p\nSPDXID: SPDXRef-p\n"))
	f.Add([]byte("spdxVersion: SPDX-2.3\npackages:\n- name: x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		form, err := encoding.Read(data)
		if err != nil || form == nil {
			return
		}
		d, err := jsonschema.Parse(form.Text, strictjson.Limits{Depth: maxDepth + 2})
		if err != nil {
			t.Fatalf("%s: %v", form.Text, err)
		}
		for n := range jsonschema.Node(d.Len()) {
			if start, end := form.Places.Source(d.Offset(n)); start < 0 || start > end || end > len(data) {
				t.Fatalf("%s is at %d to %d", d.Pointer(n), start, end)
			}
		}
		for _, e := range form.Extras {
			if e.Start < 0 || e.Start > e.End || e.End > len(data) {
				t.Fatalf("%+v", e)
			}
		}
		_, _ = validate(data)
		doc, err := parse(data)
		if err != nil || doc.Format().Spec != CycloneDX || doc.Encoding() != XML {
			return
		}
		v, err := tree.Parse(form.Text)
		if err != nil {
			t.Fatal(err)
		}
		schemas, err := schema.CycloneDX(doc.Format().Version)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := cdxxml.Write(v, doc.Format().Version, schemas)
		if _, err := xmltree.Parse(out, xmltree.Limits{Depth: 2 * maxDepth}); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	})
}
