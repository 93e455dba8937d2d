package sbom

// DiffOptions say how components of two documents are recognized.
type DiffOptions struct {
	// Identity of a component: what is equal in both documents is one component, and what has none is nowhere else. Nil
	// means the rules of [Diff].
	Identity func(*Document, Ref) string
}

// Changes are what is different in a new document. The order is that of the documents.
type Changes struct {
	Added   []Ref    // components of the new document that the old one does not have
	Removed []Ref    // components of the old document that the new one does not have
	Changed []Change // what both have and say different things of

	AddedRelationships   []Relationship // of the new document
	RemovedRelationships []Relationship // of the old document
}

// Empty says whether there is no change.
func (c *Changes) Empty() bool {
	return len(c.Added)+len(c.Removed)+len(c.Changed)+len(c.AddedRelationships)+len(c.RemovedRelationships) == 0
}

// A Change is one component of which two documents say different things.
type Change struct {
	Old, New Ref // of their documents
	Fields   []FieldChange
}

// Diff compares two documents, of any formats. It says nothing of what they say about themselves, such as when they were
// made.
//
// A component is the same one if, the first of these that finds it: everything that is said of it is the same; the
// canonical package URL; [PURL.MatchKey]; a hash of 256 bits or more, a SWHID or gitoid, a CPE name, or the tag id of a SWID tag that no
// other component of its document has; group, name and version; the name alone, if only one component on each side is
// left with it: then its version changed. IDs do not count, as most programs make new ones each time, but decide between
// several that could be meant, and about what has no name. The order of members and elements, the IDs themselves, empty
// texts and lists, and another spelling of one package's name and version are no change.
//
// Between documents of different specifications, of which SPDX 2 and SPDX 3 are two, a group is part of the name, and
// relationships are only those that all of them know, between components that are described: DependsOn, with or without
// its occasion, and Contains.
func Diff(old, new *Document, o *DiffOptions) *Changes {
	m := newMatcher(old, new)
	if o != nil && o.Identity != nil {
		m.pair(false, o.Identity)
	} else {
		m.matchByDefaultRules()
	}
	c := &Changes{}
	for i, ref := range m.old {
		if ref == None {
			c.Removed = append(c.Removed, Ref(i))
		}
	}
	for i, ref := range m.new {
		if ref == None {
			c.Added = append(c.Added, Ref(i))
			continue
		}
		if fields := m.compare(ref, Ref(i)); len(fields) > 0 {
			c.Changed = append(c.Changed, Change{ref, Ref(i), fields})
		}
	}
	c.AddedRelationships, c.RemovedRelationships = m.relationships()
	return c
}
