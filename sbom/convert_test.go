package sbom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// heavy is set by the checks before a change lands, which take their time. It is asked in tests, where go test sees that a
// result depends on it, and not as the package starts.
func heavy() bool { return os.Getenv("LADING_HEAVY") != "" }

// leafTexts returns the strings, numbers and literals of a document as an independent reader sees them, by where
// each stands.
func leafTexts(t testing.TB, data []byte) map[string]string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, v := range v {
				walk(path+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), v)
			}
			if len(v) > 0 {
				return
			}
		case []any:
			for i, v := range v {
				walk(path+"/"+strconv.Itoa(i), v)
			}
			if len(v) > 0 {
				return
			}
		}
		out[path] = fmt.Sprint(v)
	}
	walk("", v)
	return out
}

// normal makes texts comparable that the specifications spell in their own ways: names of hash algorithms, types,
// purposes and relationships, and hexadecimal digits.
func normal(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "", ":", "").Replace(strings.ToLower(s))
}

// spelled are the members whose texts the form of the output replaces, by the last name of the path: words of a closed
// list, and identifiers that are made anew and checked by the graph instead.
var spelled = []string{"bomFormat", "specVersion", "spdxVersion", "$schema", "@context", "type", "@type", "creationInfo", "@id", "SPDXID",
	"spdxElementId", "relatedSpdxElement", "relationshipType", "bom-ref", "ref", "referenceType", "referenceCategory", "from", "spdxId",
	"externalIdentifierType", "primaryPackagePurpose", "software_primaryPurpose", "algorithm", "alg", "acknowledgement", "version",
	"dependsOn", "method", "state", "externalRefType"}

var spelledLists = []string{"dependsOn", "documentDescribes", "hasFiles", "to", "rootElement", "createdBy", "createdUsing",
	"originatedBy", "subjects"}

// differ returns the leaves of the input that are neither in the output nor in the report.
func differ(t testing.TB, in, out []byte, r *Report) (silent []string) {
	t.Helper()
	var text strings.Builder
	for _, v := range leafTexts(t, out) {
		text.WriteString(normal(v))
		text.WriteByte('\n')
	}
	output := text.String()
	known := map[string]bool{}
	for line := range strings.SplitSeq(output, "\n") {
		known[line] = true
	}
	listed := map[string]bool{}
	for _, l := range r.Losses {
		if l.Kind != Added {
			listed[l.Path] = true
		}
	}
	for path, v := range leafTexts(t, in) {
		covered := listed[path]
		for p := path; !covered && p != ""; {
			p = p[:strings.LastIndexByte(p, '/')]
			covered = listed[p]
		}
		if covered || known[normal(v)] {
			continue
		}
		parts := strings.Split(path, "/")
		last := parts[len(parts)-1]
		if slices.Contains(spelled, last) || len(parts) > 1 && slices.Contains(spelledLists, parts[len(parts)-2]) ||
			slices.Contains([]string{"suppliedBy", "originatedBy"}, last) {
			continue
		}
		if strings.Contains(output, normal(v)) { // inside a longer text, such as of an expression or of a creator
			continue
		}
		if words := strings.Split(normal(strings.TrimSuffix(v, ")")), "("); len(words) == 2 && strings.Contains(output,
			strings.TrimPrefix(strings.TrimPrefix(words[0], "person"), "organization")) && strings.Contains(output, words[1]) {
			continue
		}
		if kind, rest, ok := strings.Cut(v, ": "); ok && slices.Contains([]string{"Tool", "Person", "Organization"}, kind) &&
			strings.Contains(output, normal(rest)) {
			continue
		}
		silent = append(silent, path+" = "+v)
	}
	slices.Sort(silent)
	return silent
}

// TestConvert brings every real and valid document to every other specification: the output is valid, nothing is lost
// in silence, and what was carried comes back.
func TestConvert(t *testing.T) {
	from := []string{"sbom-real/", "inspector/", "spdx/", "cyclonedx/CycloneDX-specification/"}
	to := []Format{{CycloneDX, "1.5"}, {CycloneDX, "1.6"}, {SPDX, "2.3"}, {SPDX, "3.0.1"}}
	if heavy() {
		to = targets()
	}
	count, losses := map[string]int{}, 0
	n, down := 0, 0
	for f := range corpus(t, from...) {
		if _, err := Validate(f.Data); err != nil {
			continue
		}
		if n++; !heavy() && len(f.Data) > 200_000 && !strings.HasPrefix(f.Name, "inspector/") {
			continue
		}
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			t.Fatal(err)
		}
		for i, target := range to {
			if target == d.Format() || !heavy() && (n+i)%12 != 0 && !(d.Format().Version > "1.5" && target.Version == "1.5" && n%3 == 0) {
				continue
			}
			o := &ConvertOptions{}
			out, r, err := Convert(d, target, o)
			if errors.Is(err, ErrSigned) {
				count["signed"]++
				o.DropSignatures = true
				out, r, err = Convert(d, target, o)
			}
			if err != nil {
				t.Errorf("%s to %v: %v", f.Name, target, err)
				continue
			}
			if _, err := Validate(out.Bytes()); err != nil {
				t.Errorf("%s to %v: %v", f.Name, target, err)
			}
			if silent := differ(t, d.json, out.Bytes(), r); len(silent) > 0 {
				t.Errorf("%s to %v: %d silent losses: %.300q", f.Name, target, len(silent), silent[:min(5, len(silent))])
			}
			if missing, listed := missingEdges(d, out), listedEdges(r); missing > listed {
				t.Errorf("%s to %v: %d dependencies missing, %d listed", f.Name, target, missing, listed)
			}
			count[d.Format().String()+" to "+target.String()]++
			losses += len(r.Losses)
			if d.Format().Spec == CycloneDX && d.Format().Version > "1.5" && target.Version == "1.5" {
				down++
			}
			if target.Version == "1.2" || !slices.Contains(targets(), d.Format()) {
				continue
			}
			o.Embed = true
			out, r, err = Convert(d, target, o)
			if err != nil || !r.Embedded {
				t.Errorf("%s to %v, embedded: %v", f.Name, target, err)
				continue
			}
			back, r, err := Convert(out, d.Format(), nil)
			if err != nil || !r.Restored || !bytes.Equal(back.Bytes(), f.Data) {
				t.Errorf("%s to %v and back: %v", f.Name, target, err)
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d %s", count[k], k)
	}
	t.Log(losses, "losses reported")
	if down < 5 || heavy() && down < 10 {
		t.Errorf("%d documents of later versions brought down to CycloneDX 1.5", down)
	}
}

// missingEdges counts the dependencies between named components that a document does not have any more.
func missingEdges(was, is *Document) int {
	edges := func(d *Document) map[string]int {
		out := map[string]int{}
		for e := range d.Relationships() {
			if e = e.plain(); e.Type == DependsOn && e.From != None && e.To != None {
				from, to := d.Component(e.From), d.Component(e.To)
				out[named(from)+" "+named(to)] = 1
			}
		}
		return out
	}
	missing, have := 0, edges(is)
	for e := range edges(was) {
		if have[e] == 0 {
			missing++
		}
	}
	return missing
}

// named is a component by what every format says of it: SPDX has the group in the name.
func named(c *Component) string {
	name := c.Name
	if c.Group != "" {
		name = c.Group + "/" + name
	}
	return strings.ReplaceAll(name, ":", "/") + "@" + c.Version
}

// listedEdges counts the losses that can be of a dependency.
func listedEdges(r *Report) (n int) {
	for _, l := range r.Losses {
		if strings.HasPrefix(l.Path, "/dependencies") || strings.HasPrefix(l.Path, "/relationships") ||
			strings.HasPrefix(l.Path, "/@graph") {
			n++
		}
	}
	return n
}

// TestDiffer checks that the differ of these tests sees what is missing.
func TestDiffer(t *testing.T) {
	in := []byte(`{"components":[{"name":"a","version":"1"},{"name":"b"}]}`)
	out := []byte(`{"packages":[{"name":"a"}]}`)
	got := differ(t, in, out, &Report{})
	if len(got) != 1 || got[0] != "/components/1/name = b" {
		t.Errorf("%q", got)
	}
	if got := differ(t, in, out, &Report{Losses: []Loss{{Path: "/components/1", Kind: Dropped}}}); got != nil {
		t.Errorf("%q", got)
	}
}

func TestConvertRefuses(t *testing.T) {
	signed := `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a",` +
		`"signature":{"algorithm":"ES256","value":"AA"}}]}`
	for _, tt := range []struct {
		in     string
		target Format
		o      *ConvertOptions
		want   error
	}{
		{signed, Format{CycloneDX, "1.4"}, nil, ErrSigned},
		{signed, Format{SPDX, "2.3"}, nil, ErrSigned},
		{signed, Format{CycloneDX, "1.4"}, &ConvertOptions{DropSignatures: true, Strict: true}, ErrLoss},
		{signed, Format{CycloneDX, "1.1"}, nil, ErrVersion},
		{signed, Format{}, nil, ErrVersion},
		{`{"bomFormat":"CycloneDX","specVersion":"1.3"}`, Format{CycloneDX, "1.2"}, &ConvertOptions{Embed: true}, ErrLoss},
	} {
		d, err := Parse(strings.NewReader(tt.in))
		if err != nil {
			t.Fatal(err)
		}
		if out, _, err := Convert(d, tt.target, tt.o); !errors.Is(err, tt.want) || out != nil {
			t.Errorf("%s to %v: %v, want %v", tt.in, tt.target, err, tt.want)
		}
	}
	d, err := Parse(strings.NewReader(signed))
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := Convert(d, Format{SPDX, "2.3"}, &ConvertOptions{DropSignatures: true})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Losses, func(l Loss) bool { return l.Path == "/components/0/signature" && l.Kind == Dropped }) {
		t.Errorf("the signature is not listed: %v", r.Losses)
	}
}

// TestEmbedEdited checks that a document that carries another one is converted, not replaced by that, once it says
// something else.
func TestEmbedEdited(t *testing.T) {
	d, err := Parse(strings.NewReader(goodXML))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.3"}, {SPDX, "3.0.1"}} {
		out, _, err := Convert(d, target, &ConvertOptions{Embed: true})
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, out.Bytes()); err != nil {
			t.Fatal(err)
		}
		same, err := Parse(&compact)
		if err != nil {
			t.Fatal(err)
		}
		back, r, err := Convert(same, d.Format(), nil)
		if err != nil || !r.Restored || string(back.Bytes()) != goodXML || back.Encoding() != XML {
			t.Errorf("%v with other white space is not restored: %v", target, err)
		}
		edited, err := Parse(bytes.NewReader(bytes.Replace(out.Bytes(), []byte(`"name": "b"`), []byte(`"name": "c"`), 1)))
		if err != nil {
			t.Fatal(err)
		}
		back, r, err = Convert(edited, d.Format(), nil)
		if err != nil || r.Restored || !bytes.Contains(back.Bytes(), []byte(`"name": "c"`)) {
			t.Errorf("%v: the edit is lost: %v", target, err)
		}
	}
}

// TestConvertAwkward converts what is valid and has no place as it stands: nameless tools and people, categories that
// the schema of SPDX 2.2 does not have.
func TestConvertAwkward(t *testing.T) {
	for _, tt := range []struct {
		in     string
		target Format
		want   string
	}{
		{`{"bomFormat":"CycloneDX","specVersion":"1.4","version":1,"metadata":{"tools":[{"vendor":"v"}],"authors":[{"phone":"1"},` +
			`{"name":" "}]}}`, Format{SPDX, "2.3"}, `"Tool: lading"`},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"file","name":"a","components":[{"type":"file",` +
			`"name":"b"}]}]}`, Format{CycloneDX, "1.3"}, `"name": "b"`},
		{`{"bomFormat":"CycloneDX","specVersion":"1.4","version":1,"components":[{"type":"file","name":"a","purl":"pkg:npm/a@1"}]}`,
			Format{SPDX, "2.2"}, `"PACKAGE_MANAGER"`},
		{strings.NewReplacer("SPDX-2.3", "SPDX-2.2", `"supplier": "Person: x"`,
			`"externalRefs": [{"referenceCategory": "PACKAGE_MANAGER", "referenceType": "purl", "referenceLocator": `+
				`"pkg:npm/a@1"}]`).Replace(goodSPDX2), Format{SPDX, "2.3"}, `"PACKAGE-MANAGER"`},
		{strings.Replace(goodSPDX2, `"MIT"`, `"LGPLv2+ AND (MIT"`, 1), Format{CycloneDX, "1.6"}, `"name": "LGPLv2+ AND (MIT"`},
		{strings.Replace(goodSPDX2, `"MIT"`, `"MIT OR ISC", "licenseConcluded": "GPLv2+"`, 1), Format{CycloneDX, "1.6"},
			`"expression": "MIT OR ISC"`},
		{strings.Replace(goodSPDX3, `"name": "a"`, `"name": "archive-of-it", "software_primaryPurpose": "archive"`, 1),
			Format{CycloneDX, "1.6"}, `"name": "archive-of-it"`},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"cryptographic-asset","name":"keystore"}]}`,
			Format{CycloneDX, "1.4"}, `"name": "keystore"`},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"data","name":"d",` +
			`"externalReferences":[{"type":"rfc-9116","url":"https://example.org/security.txt"}]}]}`, Format{CycloneDX, "1.4"},
			`"url": "https://example.org/security.txt"`},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"platform","name":"runtime"}]}`,
			Format{CycloneDX, "1.2"}, `"name": "runtime"`},
		{strings.Replace(goodSPDX2, `"supplier": "Person: x"`, `"externalRefs": [{"referenceCategory": "PERSISTENT-ID", `+
			`"referenceType": "swh", "referenceLocator": "swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2"}]`, 1),
			Format{SPDX, "2.2"}, `"OTHER"`},
	} {
		d, err := Parse(strings.NewReader(tt.in))
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := Convert(d, tt.target, nil)
		if err != nil || !bytes.Contains(out.Bytes(), []byte(tt.want)) {
			t.Errorf("%s to %v: %v, want %s", tt.in, tt.target, err, tt.want)
			continue
		}
		if _, err := Validate(out.Bytes()); err != nil {
			t.Errorf("%s to %v: %v", tt.in, tt.target, err)
		}
	}
}

// BenchmarkWriteBuilt writes a document that was made, not read, next to cyclonedx-go.
func BenchmarkWriteBuilt(b *testing.B) {
	data := synthetic(CycloneDX, 10_000)
	root, err := tree.Parse(data)
	if err != nil {
		b.Fatal(err)
	}
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		b.Fatal(err)
	}
	seconds := make(map[string]float64)
	run := func(name string, write func() ([]byte, error)) {
		b.Run(name, func(b *testing.B) {
			var out []byte
			for b.Loop() {
				if out, err = write(); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(out)))
			seconds[name] = b.Elapsed().Seconds() / float64(b.N)
			if name == "lading" {
				b.ReportMetric(seconds["cyclonedx-go, indented"]/seconds[name], "times_cyclonedx-go")
				b.ReportMetric(seconds["cyclonedx-go, on one line"]/seconds[name], "times_cyclonedx-go_on_one_line")
			}
		})
	}
	for name, pretty := range map[string]bool{"cyclonedx-go, indented": true, "cyclonedx-go, on one line": false} {
		run(name, func() ([]byte, error) {
			var out bytes.Buffer
			err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(pretty).Encode(bom)
			return out.Bytes(), err
		})
	}
	run("lading", func() ([]byte, error) { return root.Render(), nil }) // indented
}

// TestInspector brings the documents of Amazon Inspector up to the latest version and down to the one that it reads.
func TestInspector(t *testing.T) {
	count := 0
	for f := range corpus(t, "inspector/") {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			continue // reports of vulnerabilities
		}
		count++
		up, r, err := Convert(d, Format{CycloneDX, "1.7"}, &ConvertOptions{Strict: true})
		if err != nil {
			t.Errorf("%s: %v %v", f.Name, err, r)
			continue
		}
		down, _, err := Convert(up, Format{CycloneDX, "1.5"}, &ConvertOptions{Strict: true})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		for _, d := range []*Document{up, down} {
			if _, err := Validate(d.Bytes()); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
		was, is := leafTexts(t, f.Data), leafTexts(t, down.Bytes())
		delete(was, "/$schema")
		delete(is, "/$schema")
		if !maps.Equal(was, is) {
			t.Errorf("%s: other content", f.Name)
		}
	}
	if count != 9 {
		t.Errorf("%d documents, want 9", count)
	}
}
