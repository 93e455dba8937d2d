package jsonschema

import "slices"

// names are the members that a schema has a word for, found without hashing all of a name.
type names struct {
	slots []nameSlot // a power of two, at least half of them free
}

type nameSlot struct {
	name     string // empty: free, or the empty name
	known    bool
	required bool
	schema   *Schema // nil if there is only the requirement
}

func newNames(props map[string]*Schema, required []string) names {
	size := 4
	for size < 2*(len(props)+len(required)) {
		size *= 2
	}
	n := names{make([]nameSlot, size)}
	for _, name := range required {
		*n.slot(name) = nameSlot{name, true, true, nil}
	}
	for name, s := range props {
		*n.slot(name) = nameSlot{name, true, slices.Contains(required, name), s.target()}
	}
	return n
}

// slot returns the slot of a name, or the free one that it would have.
func (n names) slot(name string) *nameSlot {
	at := uint32(len(name))
	if len(name) > 0 {
		at += uint32(name[0])*7 + uint32(name[len(name)-1])*31 + uint32(name[len(name)/2])*131
	}
	for ; ; at++ {
		s := &n.slots[at&uint32(len(n.slots)-1)]
		if !s.known || s.name == name {
			return s
		}
	}
}
