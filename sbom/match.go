package sbom

import (
	"slices"
	"unsafe"

	"github.com/ladingdev/lading/sbom/internal/packageurl"
)

// A matcher finds the components of one document in another.
type matcher struct {
	docs     [2]*Document
	old, new []Ref             // what each component is in the other document
	next     []Ref             // of the old document: the next one with the same key
	exact    []bool            // of the new document: what is the same, letter for letter
	names    map[string]string // see renamed
}

func newMatcher(old, new *Document) *matcher {
	m := &matcher{docs: [2]*Document{old, new}, old: make([]Ref, old.Len()), new: make([]Ref, new.Len()), next: make([]Ref, old.Len())}
	for i := range m.old {
		m.old[i] = None
	}
	for i := range m.new {
		m.new[i] = None
	}
	return m
}

// alike says whether the documents are of one specification.
func (m *matcher) alike() bool {
	return specOf(m.docs[0].format) == specOf(m.docs[1].format)
}

// matchByDefaultRules matches by the rules of Diff.
func (m *matcher) matchByDefaultRules() {
	m.inPlace()
	m.pair(false, func(d *Document, r Ref) string {
		raw := d.components[r].raw
		return unsafe.String(unsafe.SliceData(raw), len(raw))
	})
	m.exact = make([]bool, len(m.new))
	for i, ref := range m.new {
		m.exact[i] = ref != None
	}
	if slices.Index(m.old, None) < 0 || slices.Index(m.new, None) < 0 {
		return
	}
	purl := func(d *Document, r Ref) string { return canonical(d.components[r].PURL) }
	m.pair(false, withID(purl))
	m.pair(false, m.withContent(purl))
	m.pair(false, purl)
	match := func(d *Document, r Ref) string {
		if p, err := packageurl.Parse(d.components[r].PURL); err == nil {
			return p.MatchKey()
		}
		return ""
	}
	m.pair(false, withID(match))
	m.pair(false, m.withContent(match))
	m.pair(false, match)
	m.pair(true, strongHash)
	for _, kind := range identifierKinds {
		m.pair(true, func(d *Document, r Ref) string { return d.identifier(r, kind) })
	}
	name := func(d *Document, r Ref) string {
		c := &d.components[r]
		if c.Name == "" {
			return ""
		}
		return c.Group + "\x00" + c.Name + "\x00" + c.Version + "\x00" + fileOrNot(c)
	}
	m.pair(false, withID(name))
	m.pair(false, m.withContent(name))
	m.pair(false, name)
	if !m.alike() {
		m.pair(true, func(d *Document, r Ref) string {
			c := &d.components[r]
			if c.Name == "" {
				return ""
			}
			return c.fullName() + "\x00" + c.Version
		})
	}
	m.pair(true, func(d *Document, r Ref) string {
		c := &d.components[r]
		if c.Name == "" {
			return ""
		}
		typ := ""
		if p, err := packageurl.Parse(c.PURL); err == nil {
			typ = p.Type + "/" + p.Namespace + "/" + p.Name
		}
		return c.Group + "\x00" + c.Name + "\x00" + typ + "\x00" + fileOrNot(c)
	})
	nameless := func(d *Document, r Ref) string {
		if d.components[r].Name == "" {
			return d.content(r)
		}
		return ""
	}
	m.pair(false, withID(nameless))
	m.pair(false, nameless)
	m.pair(true, func(d *Document, r Ref) string {
		if c := &d.components[r]; c.Name == "" {
			return c.ID
		}
		return ""
	})
}

// withContent is for keys that several components have: of these, what is the same but for its ID is matched first.
func (m *matcher) withContent(key func(*Document, Ref) string) func(*Document, Ref) string {
	times := map[string]int{}
	for i, ref := range m.old {
		if ref == None {
			times[key(m.docs[0], Ref(i))]++
		}
	}
	return func(d *Document, r Ref) string {
		k := key(d, r)
		if k == "" || times[k] < 2 {
			return ""
		}
		return k + "\x00" + d.content(r)
	}
}

// inPlace matches what is the same, letter for letter, and stands in the same place from the front or from the back: most
// of two documents that are worth comparing.
func (m *matcher) inPlace() {
	old, new := m.docs[0].components, m.docs[1].components
	for _, shift := range []int{0, len(new) - len(old)} {
		for i := max(0, -shift); i < min(len(old), len(new)-shift); i++ {
			if j := i + shift; m.old[i] == None && m.new[j] == None && string(old[i].raw) == string(new[j].raw) {
				m.old[i], m.new[j] = Ref(j), Ref(i)
			}
		}
	}
}

// pair matches components that are still unmatched and have equal keys, in document order. With unique, it skips keys that occur
// more than once on either side.
func (m *matcher) pair(unique bool, key func(*Document, Ref) string) {
	type keyed struct{ first, last, count Ref }
	var entries []keyed
	var index map[string]int32
	for i, ref := range m.old {
		if ref != None {
			continue
		}
		k := key(m.docs[0], Ref(i))
		if k == "" {
			continue
		}
		m.next[i] = None
		if index == nil {
			index = make(map[string]int32, len(m.old)-i)
			entries = make([]keyed, 0, len(m.old)-i)
		}
		if at, ok := index[k]; ok {
			e := &entries[at]
			m.next[e.last] = Ref(i)
			e.last = Ref(i)
			continue
		}
		index[k] = int32(len(entries))
		entries = append(entries, keyed{first: Ref(i), last: Ref(i)})
	}
	if len(entries) == 0 {
		return
	}
	type found struct {
		ref   Ref
		entry int32
	}
	var all []found
	for i, ref := range m.new {
		if ref != None {
			continue
		}
		if at, ok := index[key(m.docs[1], Ref(i))]; ok {
			entries[at].count++
			all = append(all, found{Ref(i), at})
		}
	}
	for _, f := range all {
		e := &entries[f.entry]
		if e.first == None || unique && (e.count > 1 || e.first != e.last) {
			continue
		}
		old := e.first
		e.first = m.next[old]
		m.old[old], m.new[f.ref] = f.ref, old
	}
}
