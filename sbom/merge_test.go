package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every two valid documents of the corpus that follow one another in a format, merged both ways: the result is valid, has
// every component and every relationship of both, and is about something that reaches what they are about.
func TestMergeCorpus(t *testing.T) {
	last := map[Format]*Document{}
	merged := map[Format]int{}
	for f := range corpus(t) {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil || d.Encoding() != JSON || !slices.Contains(targets, d.Format()) {
			continue
		}
		if _, err := Validate(d.Bytes()); err != nil {
			continue
		}
		before := last[d.Format()]
		last[d.Format()] = d
		if before == nil {
			continue
		}
		merged[d.Format()]++
		for _, mode := range []MergeMode{Flat, Hierarchical, Linked} {
			out, report, err := Merge([]*Document{before, d}, &MergeOptions{Mode: mode, Name: "both", DropSignatures: true})
			if errors.Is(err, ErrNoID) && mode == Linked && (d.ID() == "" || before.ID() == "") {
				continue
			}
			if err != nil {
				t.Errorf("%s: mode %d: %v", f.Name, mode, err)
				continue
			}
			if _, err := Validate(out.Bytes()); err != nil {
				t.Errorf("%s: mode %d: %v", f.Name, mode, err)
			}
			if len(out.Roots()) != 1 || out.Component(out.Roots()[0]).Name != "both" {
				t.Errorf("%s: mode %d is about something else", f.Name, mode)
				continue
			}
			if mode == Linked {
				continue
			}
			want := before.Len() + d.Len() + 1 - report.Same
			if got := out.Len(); got != want && (mode != Hierarchical || got > want+2) {
				t.Errorf("%s: mode %d: %d components, want %d", f.Name, mode, got, want)
			}
			reached := map[Ref]bool{}
			for r := range out.Graph(DependsOn, Contains).Reachable(out.Roots()...) {
				reached[r] = true
			}
			for i, in := range []*Document{before, d} {
				c := Diff(in, out, nil)
				if len(c.Removed) > 0 {
					t.Errorf("%s: mode %d: %d components are gone", f.Name, mode, len(c.Removed))
				}
				m := newMatcher(in, out)
				m.all()
				for _, r := range in.Roots() {
					if r != None && m.old[r] != None && !reached[m.old[r]] {
						t.Errorf("%s: mode %d: what document %d is about is not reached", f.Name, mode, i)
					}
				}
				edges := 0
				for _, e := range c.RemovedRelationships {
					if e.From != None && e.To != None {
						edges++
					}
				}
				// Components that one document tells several times, word for word, may change places.
				if edges > 0 && !repeats(in) && !repeats(out) {
					t.Errorf("%s: mode %d: %d relationships of document %d are gone", f.Name, mode, edges, i)
				}
			}
			again, _, err := Merge([]*Document{before, d}, &MergeOptions{Mode: mode, Name: "both", DropSignatures: true})
			if err != nil || !bytes.Equal(again.Bytes(), out.Bytes()) {
				t.Errorf("%s: mode %d: another time it is another document: %v", f.Name, mode, err)
			}
		}
	}
	t.Log(merged)
	if len(merged) != len(targets) {
		t.Errorf("formats: %v", merged)
	}
}

func repeats(d *Document) bool {
	seen := map[string]bool{}
	for i := range d.components {
		key := identity(d, Ref(i))
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}

func TestMerge(t *testing.T) {
	read := func(s string) *Document {
		d, err := Parse(strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := read(`{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":2,
"metadata":{"timestamp":"2026-01-02T03:04:05Z","supplier":{"name":"S"},"tools":[{"vendor":"v","name":"t","version":"1"}],"component":{"type":"application","bom-ref":"app","name":"one","version":"1"}},
"components":[{"type":"library","bom-ref":"a","name":"a","purl":"pkg:npm/a@1","licenses":[{"license":{"id":"MIT"}}],"hashes":[{"alg":"SHA-1","content":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}]},
 {"type":"library","bom-ref":"x","name":"x","purl":"pkg:npm/x@1","hashes":[{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"}]}],
"dependencies":[{"ref":"app","dependsOn":["a"]}]}`)
	second := read(`{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:4e671687-395b-41f5-a30f-a58921a69b79","version":1,
"metadata":{"timestamp":"2026-02-02T03:04:05+01:00","component":{"type":"application","bom-ref":"app","name":"two"}},
"components":[{"type":"library","bom-ref":"z","name":"a","purl":"pkg:npm/A@1","description":"d","licenses":[{"license":{"id":"ISC"}}],"hashes":[{"alg":"SHA-256","content":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],
  "components":[{"type":"library","bom-ref":"a","name":"inner"}]},
 {"type":"library","bom-ref":"x","name":"x","purl":"pkg:npm/x@1","hashes":[{"alg":"MD5","content":"e41d8cd98f00b204e9800998ecf8427e"}]}],
"dependencies":[{"ref":"app","dependsOn":["z","x"]},{"ref":"z","dependsOn":["a"]}],
"vulnerabilities":[{"id":"CVE-1","affects":[{"ref":"z"},{"ref":"x"}]}]}`)

	out, report, err := Merge([]*Document{first, second}, &MergeOptions{Name: "suite", Version: "3"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Error(err)
	}
	names := func(d *Document) (s []string) {
		for _, c := range d.Components() {
			s = append(s, c.Name+" "+c.ID)
		}
		return s
	}
	if got, want := names(out), []string{"suite merged", "one app", "a a", "inner a-2", "x x", "two app-2", "x x-2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if out.Created() != "2026-02-02T02:04:05Z" || report.Same != 1 {
		t.Errorf("%s, %d the same", out.Created(), report.Same)
	}
	var conflicts []string
	for _, c := range report.Conflicts {
		conflicts = append(conflicts, fmt.Sprintf("%d %s: %s, not %s", c.Document, c.Field, c.Kept, c.Dropped))
	}
	if want := []string{
		`0 metadata.supplier: , not {"name":"S"}`,
		`1 hashes: [{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"}], not [{"alg":"MD5","content":"e41d8cd98f00b204e9800998ecf8427e"}]`,
		`1 purl: pkg:npm/a@1, not pkg:npm/A@1`,
		`1 licenses: [{"license":{"id":"MIT"}}], not [{"license":{"id":"ISC"}}]`,
	}; !slices.Equal(conflicts, want) {
		t.Errorf("conflicts\n%s", strings.Join(conflicts, "\n"))
	}
	text := strings.Join(strings.Fields(string(out.Bytes())), "")
	for _, want := range []string{
		`"publisher":"v","name":"t"`, `"description":"d"`, `"alg":"SHA-1"`, `"alg":"SHA-256"`,
		`"affects":[{"ref":"a"},{"ref":"x-2"}]`,
		`{"ref":"merged","dependsOn":["app","app-2"]},{"ref":"app","dependsOn":["a"]},{"ref":"app-2","dependsOn":["a","x-2"]},{"ref":"a","dependsOn":["a-2"]}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, out.Bytes())
		}
	}

	out, report, err = Merge([]*Document{first, second}, &MergeOptions{Mode: Hierarchical, Created: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(out), []string{"one merged", "one app", "a a", "x x", "two app-2", "a z", "inner a-2", "x x-2"}; !slices.Equal(got, want) || report.Same != 0 || out.Created() != "2026-03-01T00:00:00Z" {
		t.Errorf("%q, want %q", got, want)
	}

	out, _, err = Merge([]*Document{first, second}, &MergeOptions{Mode: Linked})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out.Bytes(), []byte(`"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/2"`)) || out.Len() != 3 {
		t.Errorf("linked:\n%s", out.Bytes())
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Error(err)
	}

	for _, target := range []Format{{SPDX, "2.3"}, {SPDX, "3.0.1"}, {CycloneDX, "1.4"}} {
		for _, mode := range []MergeMode{Flat, Hierarchical, Linked} {
			out, report, err := Merge([]*Document{first, second}, &MergeOptions{Mode: mode, Format: target})
			if err != nil {
				t.Errorf("%v: %v", target, err)
				continue
			}
			if _, err := Validate(out.Bytes()); err != nil {
				t.Errorf("%v, mode %d: %v", target, mode, err)
			}
			if mode != Linked && (report.Conversions[0] == nil || report.Conversions[0].To != target) {
				t.Errorf("%v: no report", target)
			}
		}
	}

	signed := read(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a"}],"signature":{"algorithm":"ES256","value":"x"}}`)
	for _, tt := range []struct {
		docs []*Document
		o    *MergeOptions
		want error
	}{
		{[]*Document{first, signed}, nil, ErrSigned},
		{[]*Document{first, signed}, &MergeOptions{Mode: Linked}, ErrNoID},
		{[]*Document{first}, &MergeOptions{Format: Format{SPDX, "1.0"}}, ErrVersion},
	} {
		if _, _, err := Merge(tt.docs, tt.o); !errors.Is(err, tt.want) {
			t.Errorf("%v, want %v", err, tt.want)
		}
	}
	if _, _, err := Merge(nil, nil); err == nil {
		t.Error("nothing was merged")
	}
}

// Licence texts and links of SPDX documents that use one name for different things.
func TestMergeSPDX(t *testing.T) {
	doc := func(namespace, license, text string) *Document {
		d, err := Parse(strings.NewReader(`{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"` + namespace + `",
"creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Person: ` + license + `"]},"documentDescribes":["SPDXRef-a"],
"externalDocumentRefs":[{"externalDocumentId":"DocumentRef-x","spdxDocument":"` + namespace + `/x","checksum":{"algorithm":"SHA1","checksumValue":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}}],
"packages":[{"SPDXID":"SPDXRef-a","name":"` + license + `","downloadLocation":"NOASSERTION","filesAnalyzed":false,"licenseDeclared":"(LicenseRef-1 OR MIT) AND LicenseRef-2"}],
"relationships":[{"spdxElementId":"SPDXRef-a","relationshipType":"DEPENDS_ON","relatedSpdxElement":"DocumentRef-x:SPDXRef-q"}],
"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-1","extractedText":"` + text + `"},{"licenseId":"LicenseRef-2","extractedText":"the same"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	out, report, err := Merge([]*Document{doc("https://example.com/1", "one", "first"), doc("https://example.com/2", "two", "second")}, &MergeOptions{Name: "both"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Errorf("%v in\n%s", err, out.Bytes())
	}
	text := string(out.Bytes())
	for want, times := range map[string]int{
		`"(LicenseRef-1 OR MIT) AND LicenseRef-2"`: 1, `"(LicenseRef-1-2 OR MIT) AND LicenseRef-2"`: 1, `"the same"`: 1,
		`"DocumentRef-x:SPDXRef-q"`: 1, `"DocumentRef-x-2:SPDXRef-q"`: 1, `"licenseId": "LicenseRef-1-2"`: 1, `"externalDocumentId": "DocumentRef-x-2"`: 1,
		`"Person: one"`: 1, `"Person: two"`: 1, `"relationshipType": "CONTAINS"`: 2,
	} {
		if got := strings.Count(text, want); got != times {
			t.Errorf("%s is there %d times in\n%s", want, got, text)
		}
	}
	if len(report.Conflicts) > 0 {
		t.Errorf("%+v", report.Conflicts)
	}
}

func FuzzMerge(f *testing.F) {
	f.Add(synthetic(CycloneDX, 4), synthetic(CycloneDX, 5), uint8(0))
	f.Add(synthetic(SPDX, 3), synthetic(CycloneDX, 3), uint8(1))
	f.Add([]byte(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"software_Package","spdxId":"a"}]}`), synthetic(SPDX, 2), uint8(2))
	f.Fuzz(func(t *testing.T, a, b []byte, mode uint8) {
		first, err := Parse(bytes.NewReader(a))
		if err != nil {
			return
		}
		second, err := Parse(bytes.NewReader(b))
		if err != nil {
			return
		}
		if c := Diff(first, second, nil); len(c.Added)-len(c.Removed) != second.Len()-first.Len() {
			t.Fatalf("%d added, %d removed of %d and %d", len(c.Added), len(c.Removed), first.Len(), second.Len())
		}
		if c := Diff(first, first, nil); !c.Empty() {
			t.Fatal("a document differs from itself")
		}
		if out, err := first.Subset(); err == nil && out.Len() > first.Len() {
			t.Fatal("a subset is larger")
		}
		out, report, err := Merge([]*Document{first, second}, &MergeOptions{Mode: MergeMode(mode % 3), DropSignatures: true})
		if err != nil || mode%3 == 2 {
			return
		}
		if first.format == second.format && out.Len() < first.Len()+second.Len()-report.Same {
			t.Fatalf("%d components of %d and %d, %d the same", out.Len(), first.Len(), second.Len(), report.Same)
		}
	})
}
