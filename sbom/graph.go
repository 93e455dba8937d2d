package sbom

import (
	"iter"
	"slices"
)

// Graph is what depends on what in a Document, in both directions: an array of edges for each component. It is immutable
// and safe for concurrent use. Cycles are followed once; what the document does not describe is left out.
type Graph struct {
	out, in adjacency
}

// adjacency has the neighbours of component i at to[from[i]:from[i+1]].
type adjacency struct {
	from []int32
	to   []Ref
}

func (a *adjacency) of(r Ref) []Ref { return a.to[a.from[r]:a.from[r+1]] }

func newGraph(d *Document) *Graph {
	edges := d.lookups.links().edges
	edge := func(e *Relationship) bool { return e.Type == DependsOn && e.From != None && e.To != None }
	build := func(ends func(*Relationship) (from, to Ref)) adjacency {
		a := adjacency{from: make([]int32, len(d.components)+1)}
		n := 0
		for i := range edges {
			if e := &edges[i]; edge(e) {
				from, _ := ends(e)
				a.from[from+1]++
				n++
			}
		}
		for i := range d.components {
			a.from[i+1] += a.from[i]
		}
		a.to = make([]Ref, n)
		next := slices.Clone(a.from)
		for i := range edges {
			if e := &edges[i]; edge(e) {
				from, to := ends(e)
				a.to[next[from]] = to
				next[from]++
			}
		}
		return a
	}
	return &Graph{
		out: build(func(e *Relationship) (Ref, Ref) { return e.From, e.To }),
		in:  build(func(e *Relationship) (Ref, Ref) { return e.To, e.From }),
	}
}

// Dependencies yields what a component depends on, directly and through others, nearest first, each once.
func (g *Graph) Dependencies(r Ref) iter.Seq[Ref] { return g.out.reach(r) }

// Dependents yields what depends on a component, directly and through others, nearest first, each once.
func (g *Graph) Dependents(r Ref) iter.Seq[Ref] { return g.in.reach(r) }

// Direct returns what a component itself depends on, in the order of the document: a view, not to be changed.
func (g *Graph) Direct(r Ref) []Ref { return g.out.of(r) }

func (a *adjacency) reach(start Ref) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		seen := make([]uint64, (len(a.from)+63)/64)
		seen[start/64] |= 1 << (start % 64)
		queue := []Ref{start}
		for i := 0; i < len(queue); i++ {
			for _, next := range a.of(queue[i]) {
				if seen[next/64]&(1<<(next%64)) != 0 {
					continue
				}
				seen[next/64] |= 1 << (next % 64)
				if !yield(next) {
					return
				}
				queue = append(queue, next)
			}
		}
	}
}

// Path returns a shortest chain of dependencies from one component to another, both included, or nil.
func (g *Graph) Path(from, to Ref) []Ref {
	if from == to {
		return []Ref{from}
	}
	// From the far end, so that the way back is in order.
	next := make([]Ref, len(g.in.from))
	for i := range next {
		next[i] = None
	}
	queue := []Ref{to}
	for i := 0; i < len(queue); i++ {
		for _, r := range g.in.of(queue[i]) {
			if next[r] != None || r == to {
				continue
			}
			next[r] = queue[i]
			if r != from {
				queue = append(queue, r)
				continue
			}
			path := []Ref{from}
			for r != to {
				r = next[r]
				path = append(path, r)
			}
			return path
		}
	}
	return nil
}
