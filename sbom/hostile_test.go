package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/sbom/internal/tree"
)

// synthetic writes a document of n components of the usual size, each depending on up to five that come before it.
func synthetic(spec Spec, n int) []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(1, uint64(n)))
	if spec == CycloneDX {
		b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",` +
			`"version":1,` +
			`"metadata":{"timestamp":"2026-01-02T03:04:05Z"},"components":[`)
	} else {
		b.WriteString(`{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"s",` +
			`"documentNamespace":"https://example.com/s",` +
			`"creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Tool: t"]},"packages":[`)
	}
	for i := range n {
		if i > 0 {
			b.WriteString(",\n")
		}
		sum := fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
		if spec == CycloneDX {
			fmt.Fprintf(&b, `{"type":"library","name":"package-%d","version":"1.%d.0","bom-ref":"pkg:npm/package-%d@1.%d.0",`+
				`"purl":"pkg:npm/package-%d@1.%d.0",`+
				`"description":"The package with the number %d, which is described at a length that is usual for such packages and `+
				`says little.",`+
				`"hashes":[{"alg":"SHA-256","content":"%s"}],"licenses":[{"license":{"id":"MIT"}}],"author":"Somebody `+
				`<some.body@example.com>",`+
				`"externalReferences":[{"type":"website","url":"https://example.com/package-%d"},{"type":"vcs",`+
				`"url":"git+https://example.com/package-%d.git"}]}`,
				i, i%7, i, i%7, i, i%7, i, sum, i, i)
		} else {
			fmt.Fprintf(&b, `{"SPDXID":"SPDXRef-%d","name":"package-%d","versionInfo":"1.%d.0",`+
				`"downloadLocation":"https://example.com/package-%d.tgz","filesAnalyzed":false,`+
				`"description":"The package with the number %d, which is described at a length that is usual for such packages and `+
				`says little.",`+
				`"checksums":[{"algorithm":"SHA256","checksumValue":"%s"}],"licenseConcluded":"NOASSERTION","licenseDeclared":"MIT",`+
				`"copyrightText":"NOASSERTION",`+
				`"supplier":"Organization: Example (mail@example.com)","homepage":"https://example.com/package-%d",`+
				`"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl",`+
				`"referenceLocator":"pkg:npm/package-%d@1.%d.0"}]}`,
				i, i, i%7, i, i, sum, i, i, i%7)
		}
	}
	if spec == CycloneDX {
		b.WriteString(`],"dependencies":[`)
	} else {
		b.WriteString(`],"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES",` +
			`"relatedSpdxElement":"SPDXRef-0"}`)
	}
	for i := range n {
		to := map[int]bool{}
		for range r.IntN(6) {
			if i > 0 {
				to[r.IntN(i)] = true
			}
		}
		if spec == CycloneDX {
			if i > 0 {
				b.WriteString(",\n")
			}
			fmt.Fprintf(&b, `{"ref":"pkg:npm/package-%d@1.%d.0","dependsOn":[`, i, i%7)
			first := true
			for k := range to {
				if !first {
					b.WriteByte(',')
				}
				first = false
				fmt.Fprintf(&b, `"pkg:npm/package-%d@1.%d.0"`, k, k%7)
			}
			b.WriteString("]}")
			continue
		}
		for k := range to {
			fmt.Fprintf(&b, ",\n"+`{"spdxElementId":"SPDXRef-%d","relationshipType":"DEPENDS_ON","relatedSpdxElement":"SPDXRef-%d"}`, i, k)
		}
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

// blanks is white space without end.
type blankReader struct{ left int64 }

func (b *blankReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), b.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	b.left -= n
	return int(n), nil
}

func TestHostile(t *testing.T) {
	const head, spdxHead = `{"bomFormat":"CycloneDX","specVersion":"1.6",`, `{"spdxVersion":"SPDX-2.3",`
	components, edges, space := 2_000, 20_000, 1<<20
	if heavy() {
		components, edges, space = 100_000, 1_000_000, 1<<30
	}
	cycle := head + `"components":[{"bom-ref":"a","name":"a"},{"bom-ref":"a","name":"again"}],"dependencies":[{"ref":"a",` +
		`"dependsOn":["a","a","b"]},{"ref":"b","dependsOn":["a"]}]}`
	d, err := Parse(strings.NewReader(cycle))
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(d.Graph().Dependencies(0)); got != nil {
		t.Errorf("of a component that depends on itself: %v", got)
	}
	if n := len(slices.Collect(d.Relationships())); n != 4 {
		t.Errorf("%d relationships, want all 4, those that lead nowhere too", n)
	}

	var b strings.Builder
	b.WriteString(head + `"components":[`)
	for i := range components {
		fmt.Fprintf(&b, `{"bom-ref":"%d","name":"%d"},`, i, i)
	}
	b.WriteString(`{"name":"last"}],"dependencies":[`)
	for i := range edges / 10 {
		fmt.Fprintf(&b, `{"ref":"%d","dependsOn":[`, i%components)
		for k := range 10 {
			fmt.Fprintf(&b, `"%d",`, (i*7+k*13)%components)
		}
		b.WriteString(`"x"]},`)
	}
	b.WriteString(`{"ref":"x"}]}`)
	start := time.Now()
	if d, err = Parse(strings.NewReader(b.String())); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range d.Graph().Dependents(0) {
		n++
	}
	t.Logf("%d components, %d relationships, %d dependents of one: %v", d.Len(), len(d.links().edges), n, time.Since(start))

	for name, in := range map[string]string{
		"components": head + `"components":` + strings.Repeat(`[{"name":"a","components":`, 5000) + `[]` +
			strings.Repeat(`}]`, 5000) + `}`,
		"unknown":      head + `"x":` + strings.Repeat(`{"x":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`,
		"unclosed":     spdxHead + `"packages":[{"a":` + strings.Repeat(`[`, 1_000_000),
		"several":      `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld",` + head[1:] + `"components":[{"name":"a"}]}`,
		"two marks":    "\ufeff\ufeff" + head + `"version":1}`,
		"utf-16":       "{\x00\"\x00b\x00",
		"half":         head + `"components":[{"name":"\ud800"}]}`,
		"invalid utf8": head + `"components":[{"name":"` + "\xff" + `"}]}`,
		"case":         head + `"components":[{"Name":"a"}]}`,
		"twice":        spdxHead + `"packages":[],"packages":[]}`,
	} {
		if _, err := Parse(strings.NewReader(in)); err == nil {
			t.Errorf("%s: read", name)
		}
	}

	// Components without ids, all of one name, with hashes that no format takes.
	start = time.Now()
	b.Reset()
	b.WriteString(head + `"components":[`)
	for i := range components {
		fmt.Fprintf(&b, `{"type":"library","name":"a","description":"%d","hashes":[{"alg":"x","content":"y"}]},`, i)
	}
	d, err = Parse(strings.NewReader(b.String() + `{"type":"library","name":"b"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []Format{{CycloneDX, "1.5"}, {SPDX, "2.3"}, {SPDX, "3.0.1"}} {
		out, _, err := Convert(d, target, nil)
		if err != nil {
			t.Error(err)
		} else if out.Len() != d.Len() {
			t.Errorf("%d components of %d", out.Len(), d.Len())
		}
	}
	t.Logf("%d components of one name converted: %v", d.Len(), time.Since(start))

	// Containment that becomes deeper from below, and more that breaks a rule than is ever listed.
	components = min(components, 10_000)
	b.Reset()
	b.WriteString(spdxHead + `"SPDXID":"SPDXRef-DOCUMENT","name":"n","dataLicense":"CC0-1.0","documentNamespace":"https://example.com/n",` +
		`"creationInfo":{"created":"2024-02-29T00:00:00Z","creators":["Tool: t"]},"packages":[`)
	for i := range components {
		fmt.Fprintf(&b, `{"SPDXID":"SPDXRef-%d","name":"a","downloadLocation":"NONE","licenseDeclared":"No licence %d"},`, i, i)
	}
	b.WriteString(`{"SPDXID":"SPDXRef-last","name":"b","downloadLocation":"NONE"}],` +
		`"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"OTHER","relatedSpdxElement":"NONE"}`)
	for i := components - 1; i > 0; i-- {
		fmt.Fprintf(&b, `,{"spdxElementId":"SPDXRef-%d","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-%d"}`, i-1, i)
	}
	d, err = Parse(strings.NewReader(b.String() + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.2"}, {SPDX, "3.0.1"}} {
		if out, _, err := Convert(d, target, nil); err != nil {
			t.Errorf("to %v: %v", target, err)
		} else if _, err := Validate(out.Bytes()); err != nil || out.Len() != d.Len() {
			t.Errorf("to %v: %d components of %d, %v", target, out.Len(), d.Len(), err)
		}
	}

	start = time.Now()
	_, err = Parse(io.MultiReader(strings.NewReader(head), &blankReader{int64(space)}, strings.NewReader(`"version":1}`)))
	if want := space == 1<<30; errors.Is(err, ErrLimit) != want {
		t.Errorf("%d bytes of white space: %v", space, err)
	}
	t.Logf("%d bytes of white space: %v", space, time.Since(start))
}

// TestNull puts null in the place of every value of a document in turn: it is refused or read, never a panic.
func TestNull(t *testing.T) {
	for f := range corpus(t, "spdx/", "sbom-real/", "inspector/", "cyclonedx/") {
		if len(f.Data) > 20_000 {
			continue
		}
		root, err := tree.Parse(f.Data)
		if err != nil {
			continue
		}
		var nodes []*tree.Node
		var collect func(n *tree.Node)
		collect = func(n *tree.Node) {
			nodes = append(nodes, n)
			for _, m := range n.Members {
				collect(m.Value)
			}
			for _, v := range n.Items {
				collect(v)
			}
		}
		collect(root)
		step := 1 + len(nodes)/8
		if heavy() {
			step = 1
		}
		for i := 1; i < len(nodes); i += step {
			was := *nodes[i]
			*nodes[i] = tree.Node{Kind: '0', Text: "null"}
			data := root.Render()
			*nodes[i] = was
			d, err := parse(data)
			if err != nil {
				continue
			}
			for r := range d.Components() {
				d.Hashes(r)
				d.Licenses(r)
			}
			target := Format{SPDX, "2.3"}
			if d.Format().Spec == SPDX {
				target = Format{CycloneDX, "1.6"}
			}
			if out, _, err := Convert(d, target, &ConvertOptions{DropSignatures: true}); err == nil && i%3 == 0 {
				if _, err := Validate(out.Bytes()); err != nil {
					t.Errorf("%s with a null: %v", f.Name, err)
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(graphDocument))
	f.Add([]byte(`{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-a","hasFiles":["b"],"externalRefs":[{"referenceType":"purl",` +
		`"referenceLocator":"p"}]}],"relationships":[{"spdxElementId":"a","relatedSpdxElement":"b","relationshipType":"CONTAINED_BY"}]}`))
	f.Add([]byte(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"Relationship","from":"a","to":["b"],` +
		`"relationshipType":"dependsOn"},{"type":"software_Package","spdxId":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parse(bytes.Clone(data))
		if err != nil {
			return
		}
		if !bytes.Equal(d.Bytes(), data) {
			t.Fatal("other bytes")
		}
		for r, c := range d.Components() {
			d.Hashes(r)
			d.Licenses(r)
			if len(c.Raw()) == 0 {
				t.Fatal("a component without text")
			}
		}
		for e := range d.Relationships() {
			if int(e.From) >= d.Len() || int(e.To) >= d.Len() {
				t.Fatal("a relationship with what is not there")
			}
		}
		for _, target := range []Format{{SPDX, "2.3"}, {CycloneDX, "1.5"}, {SPDX, "3.0.1"}} {
			out, r, err := Convert(d, target, &ConvertOptions{DropSignatures: true})
			if err != nil || d.Format() == target || r.Restored {
				continue
			}
			if _, err := Validate(out.Bytes()); err != nil {
				t.Fatalf("to %v: %v", target, err)
			}
			if r.Represented > r.Values {
				t.Fatalf("%d of %d values", r.Represented, r.Values)
			}
		}
	})
}

// BenchmarkGrowth prints the exponent of the time that reading takes over the number of components: 1 is linear.
func BenchmarkGrowth(b *testing.B) {
	for _, spec := range []Spec{CycloneDX, SPDX} {
		b.Run(string(spec), func(b *testing.B) {
			sizes := []int{1_000, 10_000, 100_000}
			times := make([]float64, len(sizes))
			for i, n := range sizes {
				data := synthetic(spec, n)
				best := math.Inf(1)
				for range max(3, b.N) {
					start := time.Now()
					if _, err := parse(data); err != nil {
						b.Fatal(err)
					}
					best = min(best, time.Since(start).Seconds())
				}
				times[i] = best
				b.ReportMetric(float64(len(data))/best/1e6, fmt.Sprintf("MB/s_%dk", n/1000))
			}
			b.ReportMetric(math.Log10(times[2]/times[0])/2, "exponent")
		})
	}
}

// BenchmarkParse reads a document of 100,000 components that is in memory.
func BenchmarkParse(b *testing.B) {
	for _, spec := range []Spec{CycloneDX, SPDX} {
		b.Run(string(spec), func(b *testing.B) {
			data := synthetic(spec, 100_000)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMemory prints the live memory of a document over the size of its file.
func BenchmarkMemory(b *testing.B) {
	for _, spec := range []Spec{CycloneDX, SPDX} {
		b.Run(string(spec), func(b *testing.B) {
			data := synthetic(spec, 100_000)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			d, err := Parse(bytes.NewReader(data))
			if err != nil {
				b.Fatal(err)
			}
			d.Graph() // and everything that it needs
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/float64(len(data)), "live/file")
			runtime.KeepAlive(d)
			runtime.KeepAlive(data)
		})
	}
}
