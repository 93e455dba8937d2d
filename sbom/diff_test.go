package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// bom makes a CycloneDX document of components and dependencies, "a b" for a that depends on b.
func bom(t testing.TB, components []string, dependencies ...string) *Document {
	t.Helper()
	var deps []string
	for _, line := range dependencies {
		f := strings.Fields(line)
		deps = append(deps, fmt.Sprintf(`{"ref":%q,"dependsOn":["%s"]}`, f[0], strings.Join(f[1:], `","`)))
	}
	d, err := Parse(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + strings.Join(components, ",") +
		`],"dependencies":[` + strings.Join(deps, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// told writes changes as a person would.
func told(old, new *Document, c *Changes) (out []string) {
	name := func(d *Document, r Ref) string {
		if r == None {
			return "?"
		}
		return d.Component(r).Name
	}
	for _, r := range c.Removed {
		out = append(out, "- "+name(old, r))
	}
	for _, r := range c.Added {
		out = append(out, "+ "+name(new, r))
	}
	for _, ch := range c.Changed {
		s := name(old, ch.Old)
		if n := name(new, ch.New); n != s {
			s += " is " + n
		}
		for _, f := range ch.Fields {
			s += fmt.Sprintf(", %s: %s -> %s", f.Field, f.Old, f.New)
		}
		out = append(out, s)
	}
	for _, e := range c.RemovedRelationships {
		out = append(out, fmt.Sprintf("- %s %s %s", name(old, e.From), e.Type, name(old, e.To)))
	}
	for _, e := range c.AddedRelationships {
		out = append(out, fmt.Sprintf("+ %s %s %s", name(new, e.From), e.Type, name(new, e.To)))
	}
	return out
}

func TestDiff(t *testing.T) {
	const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, tt := range []struct {
		name     string
		old, new *Document
		identity func(*Document, Ref) string
		want     []string
	}{
		{
			name: "nothing but IDs, order of members and elements",
			old: bom(t, []string{`{"bom-ref":"1","type":"library","name":"a","tags":["x","y"]}`,
				`{"bom-ref":"2","type":"library","name":"b"}`}, "1 2"),
			new: bom(t, []string{`{"name":"b","type":"library","bom-ref":"z"}`, `{"type":"library","name":"a","tags":["y", "x"],` +
				`"bom-ref":"y"}`}, "y z"),
		},
		{
			name: "added, removed, edges of both",
			old:  bom(t, []string{`{"bom-ref":"1","name":"a"}`, `{"bom-ref":"2","name":"b"}`}, "1 2"),
			new:  bom(t, []string{`{"bom-ref":"1","name":"a"}`, `{"bom-ref":"3","name":"c"}`}, "1 3"),
			want: []string{"- b", "+ c", "- a DEPENDS_ON b", "+ a DEPENDS_ON c"},
		},
		{
			name: "spellings of a purl, a new version",
			old:  bom(t, []string{`{"name":"a","purl":"pkg:deb/debian/a@1%3A2"}`, `{"name":"b","version":"1","purl":"pkg:npm/b@1"}`}),
			new:  bom(t, []string{`{"name":"a","purl":"pkg:deb/Debian/a@1:2"}`, `{"name":"b","version":"2","purl":"pkg:npm/b@2"}`}),
			want: []string{"a, purl: pkg:deb/debian/a@1%3A2 -> pkg:deb/Debian/a@1:2",
				"b, version: 1 -> 2, purl: pkg:npm/b@1 -> pkg:npm/b@2"},
		},
		{
			name: "two with one purl, in another order and with other IDs",
			old: bom(t, []string{`{"bom-ref":"1","name":"a","purl":"pkg:npm/a@1"}`,
				`{"bom-ref":"2","name":"a","purl":"pkg:npm/a@1","scope":"optional"}`, `{"bom-ref":"3","name":"b"}`}, "1 3"),
			new: bom(t, []string{`{"bom-ref":"x2","name":"a","purl":"pkg:npm/a@1","scope":"optional"}`,
				`{"bom-ref":"x1","name":"a","purl":"pkg:npm/a@1"}`, `{"bom-ref":"x3","name":"b"}`}, "x1 x3"),
		},
		{
			name: "as often as they are there",
			old:  bom(t, []string{`{"name":"a"}`, `{"name":"a"}`, `{"name":"a"}`, `{}`}),
			new:  bom(t, []string{`{"name":"a"}`, `{}`}),
			want: []string{"- a", "- a"},
		},
		{
			name: "two versions become two others: nobody knows which became which",
			old:  bom(t, []string{`{"name":"b","version":"1"}`, `{"name":"b","version":"2"}`}),
			new:  bom(t, []string{`{"name":"b","version":"3"}`, `{"name":"b","version":"4"}`}),
			want: []string{"- b", "- b", "+ b", "+ b"},
		},
		{
			name: "by hash, CPE, SWHID, SWID",
			old: bom(t, []string{`{"name":"a","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`,
				`{"name":"b","cpe":"cpe:2.3:a:x:b:1"}`,
				`{"name":"c","swhid":["swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"]}`,
				`{"name":"d","swid":{"tagId":"t","name":"d"}}`,
				`{"name":"e","hashes":[{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"}]}`}),
			new: bom(t, []string{`{"name":"a2","hashes":[{"alg":"SHA-256","content":"` + strings.ToUpper(sum) + `"}]}`,
				`{"name":"b2","cpe":"cpe:2.3:a:x:b:1"}`,
				`{"name":"c2","swhid":["swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"]}`,
				`{"name":"d2","swid":{"tagId":"t","name":"d"}}`,
				`{"name":"e2","hashes":[{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"}]}`}),
			want: []string{"- e", "+ e2",
				`a is a2, name: a -> a2, hashes: [{"alg":"SHA-256","content":"` + sum + `"}] -> [{"alg":"SHA-256","content":"` +
					strings.ToUpper(sum) + `"}]`,
				"b is b2, name: b -> b2", "c is c2, name: c -> c2", "d is d2, name: d -> d2"},
		},
		{
			name: "one hash of several components says nothing",
			old: bom(t, []string{`{"name":"a","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`,
				`{"name":"b","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`}),
			new:  bom(t, []string{`{"name":"c","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`}),
			want: []string{"- a", "- b", "+ c"},
		},
		{
			name: "of several, the one with the ID",
			old: bom(t, []string{`{"bom-ref":"1","name":"a","purl":"pkg:npm/a@1","scope":"required"}`,
				`{"bom-ref":"2","name":"a","purl":"pkg:npm/a@1"}`}),
			new: bom(t, []string{`{"bom-ref":"2","name":"a","purl":"pkg:npm/a@1","scope":"optional"}`,
				`{"bom-ref":"1","name":"a","purl":"pkg:npm/a@1","scope":"required"}`}),
			want: []string{"a, scope:  -> optional"},
		},
		{
			name: "what contains others, kinds of relationship, ends that are not there",
			old:  bom(t, []string{`{"bom-ref":"1","name":"a","components":[{"bom-ref":"2","name":"b"}]}`}, "1 9"),
			new:  bom(t, []string{`{"bom-ref":"1","name":"a"}`, `{"bom-ref":"2","name":"b"}`}, "1 2 9"),
			want: []string{"- a CONTAINS b", "+ a DEPENDS_ON b"},
		},
		{
			name:     "an identity of one's own",
			old:      bom(t, []string{`{"name":"a","version":"1"}`, `{"name":"b","version":"2"}`, `{"name":"c"}`}),
			new:      bom(t, []string{`{"name":"x","version":"1"}`, `{"name":"b","version":"3"}`, `{"name":"c"}`}),
			identity: func(d *Document, r Ref) string { return d.Component(r).Version },
			want:     []string{"- b", "- c", "+ b", "+ c", "a is x, name: a -> x"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Diff(tt.old, tt.new, &DiffOptions{Identity: tt.identity})
			if got := told(tt.old, tt.new, c); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if c.Empty() != (len(tt.want) == 0) {
				t.Error("Empty says something else")
			}
			back := Diff(tt.new, tt.old, &DiffOptions{Identity: tt.identity})
			if len(back.Added) != len(c.Removed) || len(back.Changed) != len(c.Changed) ||
				len(back.AddedRelationships) != len(c.RemovedRelationships) {
				t.Errorf("the other way: %v", told(tt.new, tt.old, back))
			}
		})
	}
}

// No document of the corpus differs from itself, and what Convert reports to have kept is the same in both formats.
func TestDiffCorpus(t *testing.T) {
	for f := range part(t) {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			continue
		}
		if c := Diff(d, d, nil); !c.Empty() {
			t.Errorf("%s: %q", f.Name, told(d, d, c))
		}
	}
	for f := range corpus(t, "sbom-real") {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			continue
		}
		target := Format{SPDX, "2.3"}
		if d.Format().Spec == SPDX {
			target = Format{CycloneDX, "1.6"}
		}
		out, _, err := Convert(d, target, &ConvertOptions{DropSignatures: true})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		c := Diff(d, out, nil)
		for _, ch := range c.Changed {
			for _, field := range ch.Fields {
				if field.Field == "version" || field.Field == "purl" || field.Field == "hashes" {
					t.Errorf("%s: %+v", f.Name, field)
				}
			}
		}
		t.Logf("%s: %d components, %d removed, %d added, %d changed", f.Name, d.Len(), len(c.Removed), len(c.Added), len(c.Changed))
	}
}

// Relationships are compared with what comparing all with all finds, with more kinds than one word has bits.
func TestDiffRelationships(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		doc := func() *Document {
			var b strings.Builder
			b.WriteString(`{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[`)
			for i, k := range r.Perm(6)[:5] {
				fmt.Fprintf(&b, `%s{"SPDXID":"SPDXRef-%d","name":"p%d"}`, strings.Repeat(",", min(i, 1)), k, k)
			}
			b.WriteString(`],"relationships":[`)
			for i := range 40 {
				fmt.Fprintf(&b, `%s{"spdxElementId":"SPDXRef-%d","relatedSpdxElement":"SPDXRef-%d","relationshipType":"X%d"}`,
					strings.Repeat(",", min(i, 1)), r.IntN(7), r.IntN(7), r.IntN(4)*50)
			}
			for i := range 150 {
				fmt.Fprintf(&b, `,{"spdxElementId":"SPDXRef-0","relatedSpdxElement":"SPDXRef-1","relationshipType":"X%d"}`, i)
			}
			b.WriteString(`]}`)
			d, err := Parse(strings.NewReader(b.String()))
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		old, new := doc(), doc()
		words := func(d *Document) map[string]bool {
			m := map[string]bool{}
			for e := range d.Relationships() {
				name := func(r Ref) string {
					if r == None {
						return "?"
					}
					return d.Component(r).Name
				}
				m[name(e.From)+" "+string(e.Type)+" "+name(e.To)] = true
			}
			return m
		}
		inOld, inNew := words(old), words(new)
		var want []string
		for w := range inOld {
			if !inNew[w] {
				want = append(want, "- "+w)
			}
		}
		for w := range inNew {
			if !inOld[w] {
				want = append(want, "+ "+w)
			}
		}
		var got []string
		for _, w := range told(old, new, Diff(old, new, nil)) {
			if strings.Contains(w, " X") {
				got = append(got, w)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// What documents call their parts is no difference, wherever it stands.
func TestDiffRenamed(t *testing.T) {
	documents := 0
	for f := range part(t) {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			continue
		}
		input, err := tree.Parse(d.json)
		if err != nil {
			t.Fatal(err)
		}
		to := map[string]string{}
		input.Each(func(n *tree.Node) {
			id := tree.Definition(n, specOf(d.format).Words)
			switch {
			case id == nil:
			case d.format.Spec == CycloneDX:
				to[id.Text] = "renamed-" + id.Text
			case strings.HasPrefix(id.Text, "SPDXRef-"):
				to[id.Text] = "SPDXRef-renamed-" + id.Text
			case strings.Contains(id.Text, "://"):
				to[id.Text] = "https://example.com/renamed/" + id.Text
			}
		})
		tree.Rename(input, specOf(d.format).Words, to)
		renamed, err := parseJSON(input.Render())
		if errors.Is(err, ErrVersion) {
			continue // in XML only
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		documents++
		c := Diff(d, renamed, nil)
		if !c.Empty() {
			t.Errorf("%s: %d components: %d added, %d changed, %d relationships: %+v", f.Name, d.Len(), len(c.Added), len(c.Changed),
				len(c.AddedRelationships), c.Changed)
		}
	}
	if t.Log(documents, "documents"); documents < least(500) {
		t.Errorf("%d documents", documents)
	}
}

func TestDiffSPDX3(t *testing.T) {
	doc := func(namespace, license, supplier string) *Document {
		d, err := Parse(strings.NewReader(strings.NewReplacer("NS", namespace, "LICENSE", license, "SUPPLIER", supplier).Replace(
			`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
{"type":"CreationInfo","@id":"_:NS","specVersion":"3.0.1","created":"2026-01-02T03:04:05Z","createdBy":["https://NS/o"]},
{"type":"Organization","spdxId":"https://NS/o","creationInfo":"_:NS","name":"SUPPLIER"},
{"type":"SpdxDocument","spdxId":"https://NS/d","creationInfo":"_:NS","rootElement":["https://NS/p"]},
{"type":"software_Package","spdxId":"https://NS/p","creationInfo":"_:NS","name":"p","suppliedBy":"https://NS/o"},
{"type":"simplelicensing_LicenseExpression","spdxId":"https://NS/l","creationInfo":"_:NS","simplelicensing_licenseExpression":"LICENSE"},
{"type":"Relationship","spdxId":"https://NS/r","creationInfo":"_:NS","from":"https://NS/p","relationshipType":"hasDeclaredLicense","to":["https://NS/l"]}]}`)))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tt := range []struct {
		old, new *Document
		want     []string
	}{
		{doc("a", "MIT", "S"), doc("b", "MIT", "S"), nil},
		{doc("a", "MIT", "S"), doc("a", "ISC", "S"), []string{"p, hasDeclaredLicense: MIT -> ISC"}},
		{doc("a", "MIT", "S"), doc("a", "NOASSERTION", "S"), []string{"p, hasDeclaredLicense: MIT -> NOASSERTION"}},
		{doc("a", "MIT", "S"), doc("b", "MIT", "T"), []string{"p, suppliedBy: https://a/o -> https://b/o"}},
	} {
		if got := told(tt.old, tt.new, Diff(tt.old, tt.new, nil)); !slices.Equal(got, tt.want) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// A document in another format is nearly the same: what differs is what the conversion had to leave out.
func TestDiffFormats(t *testing.T) {
	documents, components, fields := 0, 0, map[string]int{}
	for f := range part(t, "inspector/", "sbom-real/protobom", "sbom-real/interlynk", "spdx/spdx-spdx-examples/") {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			continue
		}
		for _, to := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.3"}, {SPDX, "3.0.1"}} {
			if to.Spec == d.format.Spec && isSPDX2(to) == isSPDX2(d.format) {
				continue
			}
			converted, _, err := Convert(d, to, &ConvertOptions{DropSignatures: true})
			if err != nil {
				continue // what cannot be converted is not what this is about
			}
			documents++
			components += converted.Len()
			c := Diff(d, converted, nil)
			if len(c.Added)+len(c.AddedRelationships) > 0 || len(c.Removed) != d.Len()-converted.Len() {
				t.Errorf("%s in %v: %d more and %d fewer of %d components, %d more relationships", f.Name, to, len(c.Added),
					len(c.Removed), d.Len(), len(c.AddedRelationships))
			}
			if d.format.Spec == CycloneDX && len(c.RemovedRelationships) > 0 {
				t.Errorf("%s in %v: %d fewer relationships", f.Name, to, len(c.RemovedRelationships))
			}
			for _, change := range c.Changed {
				for _, field := range change.Fields {
					fields[field.Field]++
				}
			}
			if back := Diff(converted, d, nil); len(back.Added) != len(c.Removed) || len(back.Changed) != len(c.Changed) {
				t.Errorf("%s in %v: the other way round other things differ", f.Name, to)
			}
		}
	}
	t.Log(documents, "documents,", components, "components, fields that differ:", fields)
	if documents < least(80) || fields["name"]+fields["version"]+fields["purl"] > 0 || fields["licenses"]*50 > components {
		t.Errorf("%d documents, fields %v", documents, fields)
	}
}

func TestTogether(t *testing.T) {
	for in, want := range map[string]string{
		"MIT":                         "MIT",
		"MIT AND ISC":                 "MIT|ISC",
		"(MIT and ISC)":               "MIT|ISC",
		"((MIT) AND (ISC AND Zlib))":  "MIT|ISC|Zlib",
		"(MIT OR ISC) AND (0BSD)":     "MIT OR ISC|0BSD",
		"MIT OR ISC AND Zlib":         "MIT OR ISC AND Zlib",
		"(MIT AND ISC) OR (Zlib)":     "( MIT AND ISC ) OR ( Zlib )",
		"GPL-2.0-only WITH x AND MIT": "GPL-2.0-only WITH x|MIT",
		"(MIT AND ISC":                "( MIT AND ISC",
		"MIT) AND (ISC":               "MIT ) AND ( ISC",
		"()":                          "( )",
		"AND":                         "|",
		"":                            "",
	} {
		if got := strings.Join(license.AppendConjuncts(nil, license.Tokens(in)), "|"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	deep := strings.Repeat("(", 1<<20) + "MIT" + strings.Repeat(")", 1<<20)
	if got := license.AppendConjuncts(nil, license.Tokens(deep)); len(got) != 1 {
		t.Errorf("%d parts", len(got))
	}
}

// BenchmarkDiff compares documents of which one component in a hundred has another version, in the same order and in
// reverse. Their relationships are looked up before, as for [Document.Graph].
func BenchmarkDiff(b *testing.B) {
	for _, reverse := range []bool{false, true} {
		growth(b, map[bool]string{false: "in order", true: "reversed"}[reverse], func(b *testing.B, n int) func() {
			data := synthetic(CycloneDX, n)
			old, err := parse(data)
			if err != nil {
				b.Fatal(err)
			}
			data = bytes.ReplaceAll(data, []byte(`77","version":"1.`), []byte(`77","version":"2.`))
			if reverse {
				start, end := bytes.Index(data, []byte(`"components":[`))+14, bytes.Index(data, []byte(`],"dependencies"`))
				list := bytes.Split(data[start:end], []byte(",\n"))
				slices.Reverse(list)
				data = slices.Concat(data[:start], bytes.Join(list, []byte(",\n")), data[end:])
			}
			new, err := parse(data)
			if err != nil {
				b.Fatal(err)
			}
			return func() {
				if c := Diff(old, new, nil); len(c.Changed) != n/100 || len(c.Added) > 0 {
					b.Fatalf("%d changed, %d added", len(c.Changed), len(c.Added))
				}
			}
		})
	}
}
