package sbom

import "slices"

// relationships finds those that only one document has. Time grows with their number, however many one component has.
func (m *matcher) relationships() (added, removed []Relationship) {
	old, new := m.docs[0].links().edges, m.docs[1].links().edges
	switch {
	case !m.alike():
		old, new = common(old), common(new)
	case m.docs[0].found.Claims != nil:
		old, new = withoutLicenses(old), withoutLicenses(new)
	}
	// Both are sorted by where they start, in the new document's terms; what starts or ends at a component that only one
	// document has is in only one. What is not described has a place of its own behind the others.
	x := edgeMatcher{none: Ref(len(m.new)), kinds: map[RelationshipType]int32{}}
	was := x.sort(old, func(r Ref) Ref {
		if r == None {
			return x.none
		}
		return m.old[r]
	})
	is := x.sort(new, func(r Ref) Ref {
		switch {
		case r == None:
			return x.none
		case m.new[r] == None:
			return None
		}
		return r
	})
	x.match(was, is)
	for i, e := range old {
		if !was.found[i] {
			removed = append(removed, e)
		}
	}
	for i, e := range new {
		if !is.found[i] {
			added = append(added, e)
		}
	}
	return added, removed
}

// An edgeMatcher finds the relationships of one document in another. Places are components, and behind them what is not
// described.
type edgeMatcher struct {
	none  Ref
	kinds map[RelationshipType]int32
	stamp []int32 // of each place: the last round in which something went there
	mask  []uint64
	round int32
}

// sortedEdges are relationships by the place that they start at.
type sortedEdges struct {
	from  []int32 // where those of a place begin
	ends  []edgeEnd
	found []bool // by relationship: the other document has it too
}

type edgeEnd struct{ to, kind, edge int32 }

func (s *sortedEdges) of(place Ref) []edgeEnd { return s.ends[s.from[place]:s.from[place+1]] }

func (x *edgeMatcher) kind(t RelationshipType) int32 {
	k, ok := x.kinds[t]
	if !ok {
		k = int32(len(x.kinds))
		x.kinds[t] = k
	}
	return k
}

// sort sorts relationships by where they start. Those with an end that has no place are left out.
func (x *edgeMatcher) sort(edges []Relationship, place func(Ref) Ref) *sortedEdges {
	from := make([]int32, x.none+3)
	for _, e := range edges {
		if a := place(e.From); a >= 0 && place(e.To) >= 0 {
			from[a+2]++
		}
	}
	for i := range from[1:] {
		from[i+1] += from[i]
	}
	ends := make([]edgeEnd, from[len(from)-1])
	for i, e := range edges {
		if a, b := place(e.From), place(e.To); a >= 0 && b >= 0 {
			ends[from[a+1]] = edgeEnd{int32(b), x.kind(e.Type), int32(i)}
			from[a+1]++
		}
	}
	return &sortedEdges{from, ends, make([]bool, len(edges))}
}

// match finds what both have, 64 kinds of relationship at a time.
func (x *edgeMatcher) match(was, is *sortedEdges) {
	x.stamp, x.mask = make([]int32, x.none+1), make([]uint64, x.none+1)
	for low := int32(0); low < int32(len(x.kinds)); low += 64 {
		for i := range x.none + 1 {
			o, n := was.of(i), is.of(i)
			if len(o) > 0 && len(n) > 0 {
				x.find(o, n, low, is.found)
				x.find(n, o, low, was.found)
			}
		}
	}
}

// find marks what there is in look of what there is in have: the kinds, as bits, that go to every place.
func (x *edgeMatcher) find(have, look []edgeEnd, low int32, found []bool) {
	x.round++
	for _, e := range have {
		if k := e.kind - low; k >= 0 && k < 64 {
			if x.stamp[e.to] != x.round {
				x.stamp[e.to], x.mask[e.to] = x.round, 0
			}
			x.mask[e.to] |= 1 << k
		}
	}
	for _, e := range look {
		if k := e.kind - low; k >= 0 && k < 64 && x.stamp[e.to] == x.round && x.mask[e.to]&(1<<k) != 0 {
			found[e.edge] = true
		}
	}
}

// common returns the relationships between components that are described which every specification has words for.
func common(edges []Relationship) (out []Relationship) {
	for _, e := range edges {
		if e = e.plain(); e.From != None && e.To != None && (e.Type == DependsOn || e.Type == Contains) {
			out = append(out, e)
		}
	}
	return out
}

// withoutLicenses leaves out what SPDX 3 says of licences, which is compared by what they are.
func withoutLicenses(edges []Relationship) []Relationship {
	return slices.DeleteFunc(slices.Clone(edges), func(e Relationship) bool {
		return e.To == None && (e.Type == "HAS_DECLARED_LICENSE" || e.Type == "HAS_CONCLUDED_LICENSE")
	})
}
