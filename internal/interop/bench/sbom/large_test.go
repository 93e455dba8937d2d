package sbom_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/ladingdev/lading/sbom"
)

// turns has each function run in turn, and reports of each the least of its times in milliseconds. Each is run once before.
func turns(b *testing.B, names []string, fs ...func()) (least []float64) {
	least = make([]float64, len(fs))
	for _, f := range fs {
		f()
	}
	for b.Loop() {
		for i, f := range fs {
			began := time.Now()
			f()
			if ms := float64(time.Since(began).Nanoseconds()) / 1e6; least[i] == 0 || ms < least[i] {
				least[i] = ms
			}
		}
	}
	for i, name := range names {
		b.ReportMetric(least[i], "ms-"+name)
	}
	return least
}

// BenchmarkWriteUnchanged writes what was read, beside a copy in memory.
func BenchmarkWriteUnchanged(b *testing.B) {
	data := document(sbom.CycloneDX, size())
	d := parsed(b, data)
	buffer, target := bytes.NewBuffer(make([]byte, 0, len(data))), make([]byte, len(data))
	least := turns(b, []string{"lading", "copy"}, func() {
		buffer.Reset()
		buffer.Write(d.Bytes())
	}, func() { copy(target, data) })
	b.ReportMetric(least[0]/least[1], "x-of-copy")
}

func parsed(b *testing.B, data []byte) *sbom.Document {
	b.Helper()
	d, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkLargeGraph asks the graph of ten times as many components, beside the same search over slices of 32-bit numbers. Those lie
// in the order of the document, and nothing is told a caller on the way.
func BenchmarkLargeGraph(b *testing.B) {
	d := parsed(b, document(sbom.CycloneDX, 10*size()))
	g := d.Graph()
	in := make([][]uint32, d.Len())
	for i := range in {
		for _, to := range g.Direct(sbom.Ref(i)) {
			in[to] = append(in[to], uint32(i))
		}
	}
	first, last := sbom.Ref(1), sbom.Ref(d.Len()-1) // the root is 0
	for len(g.Path(last, first)) == 0 {
		last--
	}
	found := 0
	turns(b, []string{"dependents", "dependents-floor", "path", "path-floor"}, func() {
		found = 0
		for range g.Dependents(first) {
			found++
		}
	}, func() {
		if n := len(search(in, uint32(first), -1)) - 1; n != found {
			b.Fatalf("%d dependents, %d by a plain search", found, n)
		}
	}, func() { g.Path(last, first) }, func() { search(in, uint32(first), int(last)) })
	b.ReportMetric(float64(found), "dependents")
}

// search is breadth first, until it has found one.
func search(edges [][]uint32, from uint32, until int) []uint32 {
	seen, queue := make([]bool, len(edges)), []uint32{from}
	seen[from] = true
	for i := 0; i < len(queue); i++ {
		for _, to := range edges[queue[i]] {
			if !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
			if int(to) == until {
				return queue
			}
		}
	}
	return queue
}

// BenchmarkLargeDiff compares documents of ten times as many components, of which each hundredth differs, beside what a comparison
// cannot leave out: the names of one document go into a map, those of the other are looked up, and the bytes of both are compared.
func BenchmarkLargeDiff(b *testing.B) {
	data := document(sbom.CycloneDX, 10*size())
	changed := bytes.ReplaceAll(data, []byte(`77","version":"1.`), []byte(`77","version":"2.`))
	start, end := bytes.Index(changed, []byte(`"components":[`))+14, bytes.Index(changed, []byte(`],"dependencies"`))
	list := bytes.SplitAfter(changed[start:end], []byte(`.git"}]},`))
	list[len(list)-1] = append(slices.Clone(list[len(list)-1]), ',')
	slices.Reverse(list)
	reversed := slices.Concat(changed[:start], bytes.TrimSuffix(bytes.Join(list, nil), []byte(",")), changed[end:])
	old, inOrder, turned := parsed(b, data), parsed(b, changed), parsed(b, reversed)
	diff := func(new *sbom.Document) func() {
		return func() {
			if c := sbom.Diff(old, new, nil); len(c.Changed) != 10*size()/100 || len(c.Added) > 0 {
				b.Fatalf("%d changed, %d added", len(c.Changed), len(c.Added))
			}
		}
	}
	floor := func(new *sbom.Document, order []sbom.Ref) func() {
		var a, z [][]byte
		a, z = bytes.Split(data[start:end], []byte(`.git"}]},`)), bytes.Split(changed[start:end], []byte(`.git"}]},`))
		return func() {
			at := make(map[string]int, old.Len())
			for ref, c := range old.Components() {
				at[c.Name] = int(ref)
			}
			same := 0
			for _, ref := range order {
				if i := at[new.Component(ref).Name] - 1; i >= 0 && bytes.Equal(a[i], z[i]) {
					same++
				}
			}
			if want := 10*size() - 10*size()/100; same != want {
				b.Fatalf("%d are the same, not %d", same, want)
			}
		}
	}
	order := make([]sbom.Ref, 0, old.Len())
	for ref := range old.Components() {
		order = append(order, ref)
	}
	back := slices.Clone(order)
	slices.Reverse(back)
	turns(b, []string{"in-order", "in-order-floor", "reversed", "reversed-floor"},
		diff(inOrder), floor(inOrder, order), diff(turned), floor(inOrder, back))
}
