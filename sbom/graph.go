package sbom

import (
	"container/heap"
	"iter"
	"slices"

	"github.com/ladingdev/lading/sbom/internal/model"
)

// Graph is what depends on what in a Document, in both directions: an array of edges for each component. It is immutable
// and safe for concurrent use. Cycles are followed once; what the document does not describe is left out. A Ref must be
// of the graph's Document; of None nothing is said.
type Graph struct {
	out, in adjacency
}

// adjacency has the neighbours of component i at to[from[i]:from[i+1]].
type adjacency struct {
	from []int32
	to   []Ref
}

// of returns the neighbours of r, and none of None.
func (a *adjacency) of(r Ref) []Ref {
	if r < 0 {
		return nil
	}
	return a.to[a.from[r]:a.from[r+1]]
}

func newGraph(d *Document, types []RelationshipType) *Graph {
	var edges []Relationship
	for _, e := range d.links().edges {
		if len(types) > 0 && !slices.Contains(types, e.Type) {
			continue
		}
		if e = e.plain(); len(types) == 0 && e.Type != DependsOn {
			continue
		}
		if e.From != None && e.To != None {
			edges = append(edges, e)
		}
	}
	build := func(ends func(*Relationship) (from, to Ref)) adjacency {
		a := adjacency{from: make([]int32, len(d.components)+1), to: make([]Ref, len(edges))}
		for i := range edges {
			from, _ := ends(&edges[i])
			a.from[from+1]++
		}
		for i := range d.components {
			a.from[i+1] += a.from[i]
		}
		next := slices.Clone(a.from)
		for i := range edges {
			from, to := ends(&edges[i])
			a.to[next[from]] = to
			next[from]++
		}
		return a
	}
	return &Graph{
		out: build(func(e *Relationship) (Ref, Ref) { return e.From, e.To }),
		in:  build(func(e *Relationship) (Ref, Ref) { return e.To, e.From }),
	}
}

// Dependencies yields what a component depends on, directly and through others, nearest first, each once.
func (g *Graph) Dependencies(r Ref) iter.Seq[Ref] { return g.out.reach([]Ref{r}, false) }

// Dependents yields what depends on a component, directly and through others, nearest first, each once.
func (g *Graph) Dependents(r Ref) iter.Seq[Ref] { return g.in.reach([]Ref{r}, false) }

// Reachable yields the given components and all that they depend on, directly and through others, nearest first, each
// once. What it does not yield of a document whose roots it is given, nothing there needs.
func (g *Graph) Reachable(from ...Ref) iter.Seq[Ref] { return g.out.reach(from, true) }

// Direct returns what a component itself depends on, in the order of the document: a view, not to be changed.
func (g *Graph) Direct(r Ref) []Ref { return g.out.of(r) }

func (a *adjacency) reach(start []Ref, included bool) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		seen := make([]uint64, (len(a.from)+63)/64)
		queue := make([]Ref, 0, 64)
		for _, r := range start {
			if r < 0 || seen[r/64]&(1<<(r%64)) != 0 {
				continue
			}
			seen[r/64] |= 1 << (r % 64)
			queue = append(queue, r)
			if included && !yield(r) {
				return
			}
		}
		from, to := a.from, a.to
		for i := 0; i < len(queue); i++ {
			r := queue[i]
			for _, next := range to[from[r]:from[r+1]] {
				word, bit := uint32(next)/64, uint64(1)<<(uint32(next)%64)
				if seen[word]&bit != 0 {
					continue
				}
				seen[word] |= bit
				queue = append(queue, next)
				if !yield(next) {
					return
				}
			}
		}
	}
}

// Path returns a shortest chain of dependencies from one component to another, both included, or nil.
func (g *Graph) Path(from, to Ref) []Ref {
	if from < 0 || to < 0 {
		return nil
	}
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

// Paths yields the chains of dependencies from one component to another, both included, without loops: the shortest
// first, and no more than limit. There may be very many; each takes time in proportion to the document times its own
// length at most, whatever the document.
func (g *Graph) Paths(from, to Ref, limit int) iter.Seq[[]Ref] {
	return func(yield func([]Ref) bool) {
		if from < 0 || to < 0 {
			return
		}
		s := newPathSearch(g, to)
		// All paths are divided into sets: those that begin with some components and do not go on to some others. The set
		// with the shortest path is divided again at each component of that path (Lawler's form of Yen's algorithm).
		queue := pathSets{}
		push := func(p pathSet) {
			if p.length = s.bound(&p); p.length >= 0 {
				heap.Push(&queue, p)
			}
		}
		push(pathSet{start: []Ref{from}})
		for limit > 0 && len(queue) > 0 {
			set := heap.Pop(&queue).(pathSet)
			if set.path == nil {
				// So far its length was a lower bound.
				if set.path = s.shortest(&set); set.path != nil {
					set.length = len(set.path)
					heap.Push(&queue, set)
				}
				continue
			}
			if limit--; !yield(slices.Clone(set.path)) {
				return
			}
			for i := len(set.start); i < len(set.path); i++ {
				not := []Ref{set.path[i]}
				if i == len(set.start) {
					not = append(not, set.not...)
				}
				push(pathSet{start: set.path[:i], not: not})
			}
		}
	}
}

// A pathSet is all paths that begin with start and do not go on to one of not; the shortest of these when it is known.
type pathSet struct {
	start, not []Ref
	path       []Ref
	length     int
}

// pathSets is a heap, the set with the shortest path on top; of equal length, the one that is first in the document.
type pathSets []pathSet

func (q pathSets) Len() int { return len(q) }

func (q pathSets) Less(i, j int) bool {
	if q[i].length != q[j].length {
		return q[i].length < q[j].length
	}
	if known := q[i].path != nil; known != (q[j].path != nil) {
		return !known // what is a bound may be a path that comes first
	}
	if q[i].path == nil {
		return slices.Compare(q[i].start, q[j].start) < 0
	}
	return slices.Compare(q[i].path, q[j].path) < 0
}

func (q pathSets) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *pathSets) Push(x any) { *q = append(*q, x.(pathSet)) }

func (q *pathSets) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

// A pathSearch finds shortest paths to one component.
type pathSearch struct {
	g        *Graph
	to       Ref
	distance []int32 // of every component from to, without regard to loops; -1: none
	previous []Ref
	mark     []uint32 // the round in which a component was seen
	round    uint32
	queue    []Ref
}

func newPathSearch(g *Graph, to Ref) *pathSearch {
	n := len(g.in.from) - 1
	s := &pathSearch{g: g, to: to, distance: make([]int32, n), previous: make([]Ref, n), mark: make([]uint32, n)}
	for i := range s.distance {
		s.distance[i] = -1
	}
	s.distance[to] = 0
	s.queue = []Ref{to}
	for i := 0; i < len(s.queue); i++ {
		for _, r := range g.in.of(s.queue[i]) {
			if s.distance[r] < 0 {
				s.distance[r] = s.distance[s.queue[i]] + 1
				s.queue = append(s.queue, r)
			}
		}
	}
	return s
}

// bound returns a length that no path of the set is shorter than, or -1 if there is none.
func (s *pathSearch) bound(p *pathSet) int {
	last := p.start[len(p.start)-1]
	if last == s.to {
		if len(p.not) == 0 {
			return len(p.start)
		}
		return -1
	}
	least := int32(-1)
	for _, r := range s.g.out.of(last) {
		if d := s.distance[r]; d >= 0 && (least < 0 || d < least) && !slices.Contains(p.not, r) {
			least = d
		}
	}
	if least < 0 {
		return -1
	}
	return len(p.start) + 1 + int(least)
}

// shortest returns the shortest path of a set, or nil.
func (s *pathSearch) shortest(p *pathSet) []Ref {
	s.round++
	for _, r := range p.start {
		s.mark[r] = s.round
	}
	last := p.start[len(p.start)-1]
	if last == s.to {
		return p.start
	}
	s.queue = append(s.queue[:0], last)
	for i := 0; i < len(s.queue); i++ {
		for _, r := range s.g.out.of(s.queue[i]) {
			if s.mark[r] == s.round || s.distance[r] < 0 || i == 0 && slices.Contains(p.not, r) {
				continue
			}
			s.mark[r], s.previous[r] = s.round, s.queue[i]
			if r != s.to {
				s.queue = append(s.queue, r)
				continue
			}
			var path []Ref
			for ; r != last; r = s.previous[r] {
				path = append(path, r)
			}
			path = append(path, last)
			slices.Reverse(path)
			return append(slices.Clone(p.start[:len(p.start)-1]), path...)
		}
	}
	return nil
}

// Cycles returns the groups of components that all depend on one another, and those that depend on themselves: the
// strongly connected components of the graph that have a cycle. Each is in document order, and so are the groups by
// their first.
func (g *Graph) Cycles() (out [][]Ref) {
	// Tarjan's algorithm with a stack of its own: a chain may be as long as the document.
	n := len(g.out.from) - 1
	const done = 1<<31 - 1
	number, low, at := make([]int32, n), make([]int32, n), slices.Clone(g.out.from)
	var open, stack []Ref
	count := int32(0)
	for root := range Ref(n) {
		if number[root] != 0 {
			continue
		}
		for stack = append(stack[:0], root); len(stack) > 0; {
			r := stack[len(stack)-1]
			if number[r] == 0 {
				count++
				number[r], low[r] = count, count
				open = append(open, r)
			}
			if at[r] < g.out.from[r+1] {
				next := g.out.to[at[r]]
				at[r]++
				if number[next] == 0 {
					stack = append(stack, next)
				} else {
					low[r] = min(low[r], number[next]) // of what is done, the number is out of the way
				}
				continue
			}
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				below := stack[len(stack)-1]
				low[below] = min(low[below], low[r])
			}
			if low[r] != number[r] {
				continue
			}
			i := len(open) - 1
			for open[i] != r {
				i--
			}
			group := open[i:]
			for _, c := range group {
				number[c] = done
			}
			if len(group) > 1 || slices.Contains(g.out.of(r), r) {
				group = slices.Clone(group)
				slices.Sort(group)
				out = append(out, group)
			}
			open = open[:i]
		}
	}
	slices.SortFunc(out, func(a, b []Ref) int { return int(a[0] - b[0]) })
	return out
}

// plain returns a relationship that says what needs what as one without its occasion, such as DEV_DEPENDENCY_OF: From
// depends on To.
func (e Relationship) plain() Relationship {
	switch needs, turned := model.Needing(model.Relation(e.Type)); {
	case needs && turned:
		return Relationship{e.To, e.From, DependsOn}
	case needs:
		return Relationship{e.From, e.To, DependsOn}
	}
	return e
}

// Graph returns the document's relationships of some types, ready to be followed. With no types it is those that say
// what depends on what, [DependsOn] and SPDX's with an occasion such as DEV_DEPENDENCY_OF, and made once. The latter point
// from what depends in every Graph.
func (d *Document) Graph(types ...RelationshipType) *Graph {
	if len(types) == 0 {
		return remember(&d.memos.graph, func() *Graph { return newGraph(d, nil) })
	}
	return newGraph(d, types)
}
