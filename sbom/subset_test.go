package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Of every document of the corpus, what a random part of it says is what the whole says of that part, and a document that
// was valid stays so.
func TestSubsetCorpus(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	done := 0
	for f := range part(t) {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil || d.Len() == 0 {
			continue
		}
		var keep []Ref
		for i := range Ref(d.Len()) {
			if r.IntN(3) > 0 {
				keep = append(keep, i)
			}
		}
		out, err := d.Subset(keep...)
		if errors.Is(err, ErrSigned) || errors.Is(err, ErrVersion) && d.Format().Version < "1.2" {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		done++
		want := map[Ref]bool{}
		for _, ref := range slices.Concat(keep, d.Roots()) {
			if ref != None {
				want[ref] = true
			}
		}
		if out.Len() != len(want) {
			t.Errorf("%s: %d components, want %d", f.Name, out.Len(), len(want))
			continue
		}
		c := Diff(d, out, nil)
		if len(c.Added) > 0 {
			t.Errorf("%s: new components", f.Name)
		}
		for _, ch := range c.Changed {
			for _, field := range ch.Fields {
				switch field.Field {
				case "packageVerificationCode", "licenseInfoFromFiles", "filesAnalyzed", "hasFiles":
				default:
					t.Errorf("%s: %+v", f.Name, field)
				}
			}
		}
		kept := 0
		for e := range d.Relationships() {
			if want[e.From] && want[e.To] {
				kept++
			}
		}
		got := 0
		for e := range out.Relationships() {
			if e.From != None && e.To != None {
				got++
			}
		}
		// What was nested in a component that goes comes up, and then it may be in another.
		if got < kept && !bytes.Contains(f.Data, []byte(`"annotations"`)) {
			t.Errorf("%s: %d relationships, want %d", f.Name, got, kept)
		}
		if out.ID() != "" && out != d && len(want) < d.Len() && out.ID() == d.ID() {
			t.Errorf("%s: the subset has the document's own ID", f.Name)
		}
		if _, err := Validate(d.Bytes()); err == nil && d.Encoding() == JSON {
			if _, err := Validate(out.Bytes()); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
	if done < least(300) {
		t.Errorf("only %d documents", done)
	}
}

func TestSubset(t *testing.T) {
	d, err := Parse(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,
"metadata":{"component":{"type":"application","bom-ref":"app","name":"app"}},
"components":[{"type":"library","bom-ref":"a","name":"a","components":[{"type":"library","bom-ref":"b","name":"b"}]},{"type":"library","bom-ref":"c","name":"c"}],
"dependencies":[{"ref":"app","dependsOn":["a","c"]},{"ref":"a","dependsOn":["b"]},{"ref":"c","dependsOn":["a"]}],
"compositions":[{"aggregate":"complete","dependencies":["app","a"]},{"aggregate":"complete","assemblies":["c"]}],
"vulnerabilities":[{"id":"CVE-1","affects":[{"ref":"a"}]},{"id":"CVE-2","affects":[{"ref":"a"},{"ref":"b"}]},{"id":"CVE-3"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := d.ByID("b")
	c, _ := d.ByID("c")
	out, err := d.Subset(b, c)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(out.Bytes())), "")
	for _, want := range []string{
		`"components":[{"type":"library","bom-ref":"b","name":"b"},{"type":"library","bom-ref":"c","name":"c"}]`,
		`"dependencies":[{"ref":"app","dependsOn":["c"]}]`,
		`"compositions":[{"aggregate":"incomplete","dependencies":["app"]},{"aggregate":"complete","assemblies":["c"]}]`,
		`"vulnerabilities":[{"id":"CVE-2","affects":[{"ref":"b"}]},{"id":"CVE-3"}]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Error(err)
	}
	again, err := d.Subset(c, b)
	if err != nil || !bytes.Equal(again.Bytes(), out.Bytes()) {
		t.Errorf("another time it is another document: %v", err)
	}
	if all, err := d.Subset(0, 1, 2, 3); err != nil || all != d {
		t.Errorf("all of it: %v", err)
	}
	signed, err := Parse(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a"}],` +
		`"signature":{"algorithm":"ES256","value":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signed.Subset(); !errors.Is(err, ErrSigned) {
		t.Errorf("signed: %v", err)
	}
}

// Statements on statements go with what they are about, however long the chain, and a list that is no longer complete does
// not say so.
func TestSubsetSPDX3(t *testing.T) {
	const n = 50_000
	var b strings.Builder
	b.WriteString(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1","created":"2026-01-02T03:04:05Z","createdBy":["https://x/o"]},
{"type":"Organization","spdxId":"https://x/o","creationInfo":"_:c","name":"O"},
{"type":"SpdxDocument","spdxId":"https://x/d","creationInfo":"_:c","rootElement":["https://x/p"]},
{"type":"software_Package","spdxId":"https://x/p","creationInfo":"_:c","name":"p"},
{"type":"software_Package","spdxId":"https://x/q","creationInfo":"_:c","name":"q"},
{"type":"software_Package","spdxId":"https://x/r","creationInfo":"_:c","name":"r"},
{"type":"Relationship","spdxId":"https://x/e","creationInfo":"_:c","from":"https://x/p","relationshipType":"dependsOn","to":["https://x/q","https://x/r"],"completeness":"complete"},
{"type":"Relationship","spdxId":"https://x/f","creationInfo":"_:c","from":"https://x/p","relationshipType":"contains","to":["https://x/r"]},
{"type":"Relationship","spdxId":"https://x/0","creationInfo":"_:c","from":"https://x/r","relationshipType":"contains","to":["https://x/q"]}`)
	for i := n; i > 0; i-- {
		fmt.Fprintf(&b, `,{"type":"Annotation","spdxId":"https://x/%d","creationInfo":"_:c","annotationType":"other",`+
			`"subject":"https://x/%d","statement":"s"}`, i, i-1)
	}
	b.WriteString(`]}`)
	d, err := Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	q, _ := d.ByID("https://x/q")
	out, err := d.Subset(q)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(out.Bytes())), "")
	if !strings.Contains(text, `"to":["https://x/q"],"completeness":"incomplete"`) || strings.Contains(text, "Annotation") ||
		strings.Contains(text, `"https://x/r"`) || strings.Contains(text, `"https://x/f"`) {
		t.Errorf("%.2000s", text)
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Error(err)
	}
}
