package sbom

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// graphOf makes a document of n components with these dependencies.
func graphOf(t testing.TB, n int, edges [][2]int) *Graph {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`)
	for i := range n {
		fmt.Fprintf(&b, `%s{"type":"library","name":"c","bom-ref":"%d"}`, strings.Repeat(",", min(i, 1)), i)
	}
	b.WriteString(`],"dependencies":[`)
	to := make(map[int][]string)
	for _, e := range edges {
		to[e[0]] = append(to[e[0]], fmt.Sprintf(`"%d"`, e[1]))
	}
	for i := range n {
		fmt.Fprintf(&b, `%s{"ref":"%d","dependsOn":[%s]}`, strings.Repeat(",", min(i, 1)), i, strings.Join(to[i], ","))
	}
	b.WriteString(`]}`)
	d, err := Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return d.Graph()
}

// allPaths is what Paths must yield, by trying everything.
func allPaths(g *Graph, path []Ref, to Ref) (out [][]Ref) {
	last := path[len(path)-1]
	if last == to {
		return [][]Ref{slices.Clone(path)}
	}
	for _, next := range g.Direct(last) {
		if !slices.Contains(path, next) {
			out = append(out, allPaths(g, append(slices.Clone(path), next), to)...)
		}
	}
	return out
}

// Graphs are compared with what trying everything finds: paths, cycles, what can be reached.
func TestGraphAgainstTryingEverything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 1 + r.IntN(7)
		seen := make(map[[2]int]bool)
		var edges [][2]int
		for range r.IntN(2 * n) {
			if e := [2]int{r.IntN(n), r.IntN(n)}; !seen[e] {
				seen[e] = true
				edges = append(edges, e)
			}
		}
		g := graphOf(t, n, edges)
		reach := func(a, b Ref) bool { return a == b || slices.Contains(slices.Collect(g.Dependencies(a)), b) }
		var cycles [][]Ref
		for a := range Ref(n) {
			var group []Ref
			for b := range Ref(n) {
				if reach(a, b) && reach(b, a) {
					group = append(group, b)
				}
				want := allPaths(g, []Ref{a}, b)
				got := slices.Collect(g.Paths(a, b, 1000))
				if len(got) != len(want) {
					t.Fatalf("%v: %d paths from %d to %d, want %d", edges, len(got), a, b, len(want))
				}
				for i, p := range got {
					if i > 0 && len(got[i-1]) > len(p) {
						t.Errorf("%v: a longer path comes first", edges)
					}
					if !slices.ContainsFunc(want, func(w []Ref) bool { return slices.Equal(w, p) }) {
						t.Errorf("%v: %v is no path", edges, p)
					}
				}
				if p := g.Path(a, b); len(want) > 0 && len(p) != len(got[0]) || len(want) == 0 && p != nil {
					t.Errorf("%v: Path gives %v, Paths %v", edges, p, got)
				}
			}
			if group[0] == a && (len(group) > 1 || slices.Contains(g.Direct(a), a)) {
				cycles = append(cycles, group)
			}
		}
		if got := g.Cycles(); !slices.EqualFunc(got, cycles, slices.Equal) {
			t.Errorf("%v: cycles %v, want %v", edges, got, cycles)
		}
	}
}

// Very many paths, a chain of 100,000, a cycle as long: no recursion, and no more than was asked for.
func TestGraphBounds(t *testing.T) {
	const n = 100_000
	var ladder, ring [][2]int
	for i := range 200 {
		ladder = append(ladder, [2]int{2 * i, 2*i + 1}, [2]int{2 * i, 2*i + 2}, [2]int{2*i + 1, 2*i + 2})
	}
	start := time.Now()
	if got := len(slices.Collect(graphOf(t, 401, ladder).Paths(0, 400, 50))); got != 50 {
		t.Errorf("%d of 2^200 paths, want 50", got)
	}
	for i := range n {
		ring = append(ring, [2]int{i, (i + 1) % n})
	}
	g := graphOf(t, n, ring)
	if cycles := g.Cycles(); len(cycles) != 1 || len(cycles[0]) != n {
		t.Errorf("%d cycles", len(cycles))
	}
	if p := g.Path(0, n-1); len(p) != n {
		t.Errorf("a path of %d", len(p))
	}
	if got := len(slices.Collect(g.Reachable(5, None, 5))); got != n {
		t.Errorf("%d can be reached", got)
	}
	if got := slices.Collect(g.Paths(None, 0, 1)); got != nil || g.Path(None, 1) != nil || len(g.Direct(None)) != 0 {
		t.Error("None leads somewhere")
	}
	t.Log(time.Since(start))
}

// growth measures what prepare returns on documents of 1,000, 10,000 and 100,000 components, and prints the exponent of the
// time over their number: 1 is linear.
func growth(b *testing.B, name string, prepare func(b *testing.B, n int) (run func())) {
	b.Run(name, func(b *testing.B) {
		sizes := []int{1_000, 10_000, 100_000}
		times := make([]float64, len(sizes))
		for i, n := range sizes {
			run := prepare(b, n)
			times[i] = math.Inf(1)
			for range max(3, b.N) {
				start := time.Now()
				run()
				times[i] = min(times[i], time.Since(start).Seconds())
			}
			b.ReportMetric(times[i]*1e3, fmt.Sprintf("ms_%dk", n/1000))
		}
		b.ReportMetric(math.Log10(times[2]/times[0])/2, "exponent")
	})
}

func BenchmarkGraph(b *testing.B) {
	read := func(b *testing.B, n int) *Document {
		d, err := parse(synthetic(CycloneDX, n))
		if err != nil {
			b.Fatal(err)
		}
		d.Graph()
		return d
	}
	growth(b, "build", func(b *testing.B, n int) func() {
		d := read(b, n)
		return func() { newGraph(d, nil) }
	})
	growth(b, "dependents", func(b *testing.B, n int) func() {
		g := read(b, n).Graph()
		return func() {
			for range g.Dependents(0) {
			}
		}
	})
	growth(b, "path", func(b *testing.B, n int) func() {
		g := read(b, n).Graph()
		return func() { g.Path(Ref(n-1), 0) }
	})
	growth(b, "ten paths", func(b *testing.B, n int) func() {
		g := read(b, n).Graph()
		return func() {
			for range g.Paths(Ref(n-1), 0, 10) {
			}
		}
	})
	growth(b, "cycles", func(b *testing.B, n int) func() {
		g := read(b, n).Graph()
		return func() { g.Cycles() }
	})
	growth(b, "subset", func(b *testing.B, n int) func() {
		d := read(b, n)
		half := slices.Collect(d.Graph().Reachable(Ref(n/2), Ref(n/2+1)))
		return func() {
			if _, err := d.Subset(half...); err != nil {
				b.Fatal(err)
			}
		}
	})
	growth(b, "merge", func(b *testing.B, n int) func() {
		d := read(b, n)
		return func() {
			if _, r, err := Merge([]*Document{d, d}, nil); err != nil || r.Same != n {
				b.Fatal(r.Same, err)
			}
		}
	})
}
