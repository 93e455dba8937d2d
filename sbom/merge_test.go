package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Every two valid documents of the corpus that follow one another in a format, merged both ways: the result is valid, has
// every component and every relationship of both, and is about something that reaches what they are about.
func TestMergeCorpus(t *testing.T) {
	last := map[Format]*Document{}
	merged := map[Format]int{}
	for f := range part(t) {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil || d.Encoding() != JSON || !slices.Contains(targets(), d.Format()) {
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
				m.matchByDefaultRules()
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
	if len(merged) != len(targets()) {
		t.Errorf("formats: %v", merged)
	}
}

// valid yields the documents of the corpus that keep to a specification that can be written.
func valid(t *testing.T) iter.Seq2[string, *Document] {
	return func(yield func(string, *Document) bool) {
		for f := range part(t) {
			d, err := Parse(bytes.NewReader(f.Data))
			if err != nil || !slices.Contains(targets(), d.Format()) {
				continue
			}
			if _, err := Validate(d.Bytes()); err == nil && !yield(f.Name, d) {
				return
			}
		}
	}
}

// A document twice is that document once.
func TestMergeSelf(t *testing.T) {
	documents := 0
	for name, d := range valid(t) {
		var size [2]map[string]int
		var conflicts [2]int
		for i := range 2 {
			docs := []*Document{d, d}[:i+1]
			out, report, err := Merge(docs, &MergeOptions{Name: "same", DropSignatures: true})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := Validate(out.Bytes()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			input, err := tree.Parse(out.json)
			if err != nil {
				t.Fatal(err)
			}
			size[i] = map[string]int{}
			input.Each(func(n *tree.Node) {
				if n.Str("type").S == "CreationInfo" {
					return // a blank node may have another name
				}
				for _, v := range n.Members {
					size[i][v.Name]++
				}
			})
			for _, c := range report.Conflicts {
				if c.Document == i {
					conflicts[i]++
				}
			}
		}
		for member := range size[1] {
			if info := member == "created" || member == "createdBy" || member == "createdUsing" || member == "specVersion" ||
				member == "@id"; !info && size[0][member] != size[1][member] {
				t.Errorf("%s: %s is there %d times, then %d times", name, member, size[0][member], size[1][member])
			}
		}
		if conflicts[1] > conflicts[0] {
			t.Errorf("%s: it disagrees with itself", name)
		}
		documents++
	}
	if t.Log(documents, "documents"); documents < least(300) {
		t.Errorf("%d documents", documents)
	}
}

// Every text of every document is in the result or in the report, but for what the documents are called.
func TestMergeLosesNothing(t *testing.T) {
	last := map[Format]*Document{}
	for name, d := range valid(t) {
		before := last[d.Format()]
		last[d.Format()] = d
		if before == nil {
			continue
		}
		for _, mode := range []MergeMode{Flat, Hierarchical} {
			out, report, err := Merge([]*Document{before, d}, &MergeOptions{Mode: mode, Name: "both", DropSignatures: true})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			have := map[string]bool{}
			texts := func(n *tree.Node, visit func(member, text string)) {
				n.Each(func(n *tree.Node) {
					for _, v := range n.Members {
						for _, x := range append([]*tree.Node{v.Value}, v.Value.Items...) {
							if x.IsLeaf() && x.Text != "" {
								visit(v.Name, x.Text)
							}
						}
					}
				})
			}
			input := func(d *Document) *tree.Node {
				n, err := tree.Parse(d.json)
				if err != nil {
					t.Fatal(err)
				}
				tree.RemoveSignatures(n)
				return n
			}
			texts(input(out), func(_, text string) { have[text] = true })
			dropped := ""
			for _, c := range report.Conflicts {
				dropped += c.Dropped + "\n"
			}
			for _, in := range []*Document{before, d} {
				n := input(in)
				ids := map[string]bool{}
				n.Each(func(n *tree.Node) {
					if id := tree.Definition(n, specOf(in.format).Words); id != nil {
						ids[id.Text] = true // they may be others
					}
				})
				texts(n, func(member, text string) {
					switch member {
					case "$schema", "serialNumber", "timestamp", "created", "documentNamespace":
						return
					}
					quoted := string(strictjson.AppendString(nil, text))
					if !have[text] && !ids[text] && text != in.Name() && !strings.Contains(text, "LicenseRef-") && text != "describes" &&
						!strings.Contains(dropped, text) && !strings.Contains(dropped, quoted[1:len(quoted)-1]) {
						t.Errorf("%s: mode %d: %s %.100q is neither in the result nor in the report", name, mode, member, text)
					}
				})
			}
		}
	}
}

// Components that are told apart, or not; what stands in two places.
func TestMergeSame(t *testing.T) {
	hash := func(alg string, digit ...string) string {
		var list []string
		for _, d := range digit {
			list = append(list, `{"alg":"`+alg+`","content":"`+strings.Repeat(d, 64)+`"}`)
		}
		return `"hashes":[` + strings.Join(list, ",") + `]`
	}
	for _, tt := range []struct {
		name          string
		first, second string
		components    int // without the one that the result is about
		conflicts     string
	}{
		{"one hash of two in common", `{"type":"library","name":"a",` + hash("SHA-256", "a", "b") + `}`,
			`{"type":"library","name":"a",` + hash("SHA-256", "b", "c") + `}`, 1, ""},
		{"none in common", `{"type":"library","name":"a",` + hash("SHA-256", "a") + `}`, `{"type":"library","name":"a",` +
			hash("SHA-256", "b") + `}`, 2, "hashes"},
		{"a purl without a version", `{"type":"library","name":"a","version":"1","purl":"pkg:npm/a"}`,
			`{"type":"library","name":"a","version":"2","purl":"pkg:npm/a"}`, 2, ""},
		{"nothing but a type", `{"type":"library","name":""}`, `{"type":"library","name":""}`, 1, ""},
		{"contained here, not there", `{"type":"library","bom-ref":"a","name":"a"},{"type":"library","bom-ref":"b","name":"b"}`,
			`{"type":"library","bom-ref":"a","name":"a","components":[{"type":"library","bom-ref":"b","name":"b"}]}`, 2, "components"},
		{"contained in both", `{"type":"library","name":"a","components":[{"type":"library","name":"b"}]}`,
			`{"type":"library","name":"a","components":[{"type":"library","name":"b"}]}`, 2, ""},
	} {
		var docs []*Document
		for _, s := range []string{tt.first, tt.second} {
			d, err := Parse(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + s + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, d)
		}
		out, report, err := Merge(docs, &MergeOptions{Name: "both"})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var conflicts []string
		for _, c := range report.Conflicts {
			conflicts = append(conflicts, c.Field)
		}
		if got := strings.Join(conflicts, " "); out.Len()-1 != tt.components || got != tt.conflicts {
			t.Errorf("%s: %d components, want %d; conflicts %q, want %q", tt.name, out.Len()-1, tt.components, got, tt.conflicts)
		}
	}
}

// An element that two documents write the same is another one where what it refers to is another one.
func TestMergeSPDX3Elements(t *testing.T) {
	doc := func(version string) *Document {
		d, err := Parse(strings.NewReader(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1","created":"2026-01-02T03:04:05Z","createdBy":["https://x/o"]},
{"type":"Organization","spdxId":"https://x/o","creationInfo":"_:c","name":"O"},
{"type":"SpdxDocument","spdxId":"https://x/d","creationInfo":"_:c","rootElement":["https://x/p"],"import":[{"type":"ExternalMap","externalSpdxId":"https://y/` + version + `"}]},
{"type":"software_Package","spdxId":"https://x/p","creationInfo":"_:c","name":"p","software_packageVersion":"` + version + `"},
{"type":"software_Package","spdxId":"https://x/q","creationInfo":"_:c","name":"q"},
{"type":"Relationship","spdxId":"https://x/r","creationInfo":"_:c","from":"https://x/p","relationshipType":"dependsOn","to":["https://x/q"]},
{"type":"Annotation","spdxId":"https://x/a","creationInfo":"_:c","annotationType":"other","subject":"https://x/r","statement":"s"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	out, _, err := Merge([]*Document{doc("1"), doc("2"), doc("1")}, &MergeOptions{Name: "both"})
	if err != nil {
		t.Fatal(err)
	}
	text := string(out.Bytes())
	for want, times := range map[string]int{
		`"Organization"`: 1, `"relationshipType": "dependsOn"`: 2, `"Annotation"`: 2, `"name": "p"`: 2, `"name": "q"`: 1,
		`"externalSpdxId"`: 2,
		`"https://x/r-2"`:  2, `"https://x/p-2"`: 3, `"relationshipType": "contains"`: 2, `"CreationInfo"`: 2,
	} {
		if got := strings.Count(text, want); got != times {
			t.Errorf("%s is there %d times, want %d, in\n%s", want, got, times, text)
		}
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
	if got, want := names(out), []string{"suite merged", "one app", "a a", "inner a-2", "x x", "two app-2",
		"x x-2"}; !slices.Equal(got, want) {
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
		`1 hashes: [{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"}], not [{"alg":"MD5",` +
			`"content":"e41d8cd98f00b204e9800998ecf8427e"}]`,
		`1 purl: pkg:npm/a@1, not pkg:npm/A@1`,
		`1 licenses: [{"license":{"id":"MIT"}}], not [{"license":{"id":"ISC"}}]`,
	}; !slices.Equal(conflicts, want) {
		t.Errorf("conflicts\n%s", strings.Join(conflicts, "\n"))
	}
	text := strings.Join(strings.Fields(string(out.Bytes())), "")
	for _, want := range []string{
		`"publisher":"v","name":"t"`, `"description":"d"`, `"alg":"SHA-1"`, `"alg":"SHA-256"`,
		`"affects":[{"ref":"a"},{"ref":"x-2"}]`,
		`{"ref":"merged","dependsOn":["app","app-2"]},{"ref":"app","dependsOn":["a"]},{"ref":"app-2","dependsOn":["a","x-2"]},` +
			`{"ref":"a","dependsOn":["a-2"]}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, out.Bytes())
		}
	}

	out, report, err = Merge([]*Document{first, second},
		&MergeOptions{Mode: Hierarchical, Created: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(out), []string{"one merged", "one app", "a a", "x x", "two app-2", "a z", "inner a-2",
		"x x-2"}; !slices.Equal(got, want) || report.Same != 0 || out.Created() != "2026-03-01T00:00:00Z" {
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

	signed := read(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a"}],` +
		`"signature":{"algorithm":"ES256","value":"x"}}`)
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
	out, report, err := Merge([]*Document{doc("https://example.com/1", "one", "first"),
		doc("https://example.com/2", "two", "second")}, &MergeOptions{Name: "both"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Errorf("%v in\n%s", err, out.Bytes())
	}
	text := string(out.Bytes())
	for want, times := range map[string]int{
		`"(LicenseRef-1 OR MIT) AND LicenseRef-2"`: 1, `"(LicenseRef-1-2 OR MIT) AND LicenseRef-2"`: 1, `"the same"`: 1,
		`"DocumentRef-x:SPDXRef-q"`: 1, `"DocumentRef-x-2:SPDXRef-q"`: 1, `"licenseId": "LicenseRef-1-2"`: 1,
		`"externalDocumentId": "DocumentRef-x-2"`: 1,
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
	f.Add([]byte(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"software_Package","spdxId":"a"}]}`),
		synthetic(SPDX, 2), uint8(2))
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
