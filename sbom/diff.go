package sbom

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

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

// A FieldChange is one thing that is said differently, empty where nothing is said. Between documents of one specification
// a field is a member of the component as the specification names it, such as "licenses", a text as it is and other
// values as JSON. Between documents of different ones it is "name", "version", "purl", "hashes" or "licenses", and the
// elements of the last two stand in order with blanks between them: licences that hold together each for itself, and one
// that is not on SPDX's list as the LicenseRef that its name makes. In SPDX 3 "hasDeclaredLicense" and
// "hasConcludedLicense" are fields too.
type FieldChange struct {
	Field, Old, New string
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
		m.by(false, o.Identity)
	} else {
		m.all()
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
	m.relationships(c)
	return c
}

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

// all matches by the rules of Diff.
func (m *matcher) all() {
	m.inPlace()
	m.by(false, func(d *Document, r Ref) string {
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
	m.by(false, withID(purl))
	m.by(false, m.withContent(purl))
	m.by(false, purl)
	match := func(d *Document, r Ref) string {
		if p, err := packageurl.Parse(d.components[r].PURL); err == nil {
			return p.MatchKey()
		}
		return ""
	}
	m.by(false, withID(match))
	m.by(false, m.withContent(match))
	m.by(false, match)
	m.by(true, strongHash)
	for _, kind := range identifierKinds {
		m.by(true, func(d *Document, r Ref) string { return d.identifier(r, kind) })
	}
	name := func(d *Document, r Ref) string {
		c := &d.components[r]
		if c.Name == "" {
			return ""
		}
		return c.Group + "\x00" + c.Name + "\x00" + c.Version + "\x00" + fileOrNot(c)
	}
	m.by(false, withID(name))
	m.by(false, m.withContent(name))
	m.by(false, name)
	if !m.alike() {
		m.by(true, func(d *Document, r Ref) string {
			c := &d.components[r]
			if c.Name == "" {
				return ""
			}
			return c.fullName() + "\x00" + c.Version
		})
	}
	m.by(true, func(d *Document, r Ref) string {
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
	m.by(false, withID(nameless))
	m.by(false, nameless)
	m.by(true, func(d *Document, r Ref) string {
		if c := &d.components[r]; c.Name == "" {
			return c.ID
		}
		return ""
	})
}

func fileOrNot(c *Component) string {
	if strings.EqualFold(c.Kind, "file") {
		return "file"
	}
	return ""
}

func withID(key func(*Document, Ref) string) func(*Document, Ref) string {
	return func(d *Document, r Ref) string {
		k := key(d, r)
		if k == "" || d.components[r].ID == "" {
			return ""
		}
		return k + "\x00" + d.components[r].ID
	}
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

// content returns what is said of a component, other than its ID.
func (d *Document) content(r Ref) string {
	n, err := tree.Parse(d.components[r].raw)
	if err != nil {
		return ""
	}
	n.Members = slices.DeleteFunc(n.Members, func(v tree.Member) bool { return !own(v.Name) })
	return n.Line(true)
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

// by matches what has no match yet and the same key, in document order, and with unique only what alone has its key.
func (m *matcher) by(unique bool, key func(*Document, Ref) string) {
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

// strongHash returns a component's hash of 256 bits or more, of several the first by the name of its algorithm.
func strongHash(d *Document, r Ref) (key string) {
	for _, h := range d.Hashes(r) {
		if len(h.Value) < 64 {
			continue
		}
		if k := h.Algorithm + ":" + strings.ToLower(h.Value); key == "" || k < key {
			key = k
		}
	}
	return key
}

// identifierKinds are the identifiers of components besides package URLs, by CycloneDX's names of their members.
var identifierKinds = []string{"swhid", "omniborId", "cpe", "swid"}

// identifier returns the first identifier of a kind.
func (d *Document) identifier(ref Ref, kind string) string {
	n, err := tree.Parse(d.components[ref].raw)
	if err != nil {
		return ""
	}
	return identifierOf(n, d.format, kind)
}

func identifierOf(n *tree.Node, f Format, kind string) string {
	if f.Spec == CycloneDX {
		v := n.Get(kind)
		switch {
		case kind == "swid":
			return v.Str("tagId").S
		case v != nil && len(v.Items) > 0:
			v = v.Items[0]
		}
		return v.Show()
	}
	words := specOf(f).Words
	for _, r := range n.List(words.Identifiers) {
		t := r.Str(words.IdentifierType).S
		if slices.Contains(spdxIdentifiers[kind], t[strings.LastIndexByte(t, '/')+1:]) {
			return r.Str(words.IdentifierValue).S
		}
	}
	return ""
}

// SPDX's names for them: 2.3, annex F, and 3.0.1, ExternalIdentifierType.
var spdxIdentifiers = map[string][]string{
	"swhid":     {"swh", "swhid"},
	"omniborId": {"gitoid"},
	"cpe":       {"cpe23Type", "cpe22Type", "cpe23", "cpe22"},
	"swid":      {"swid"},
}

// compare returns what the documents say differently of a component.
func (m *matcher) compare(o, n Ref) (fields []FieldChange) {
	old, new := m.docs[0], m.docs[1]
	a, b := &old.components[o], &new.components[n]
	if m.alike() {
		if (m.exact == nil || !m.exact[n]) && string(a.raw) != string(b.raw) {
			fields = m.compareMembers(o, n)
		}
		for _, role := range []string{"declared", "concluded"} {
			if old.found.Claims == nil {
				break
			}
			if was, is := old.licenseText(o, role), new.licenseText(n, role); was != is {
				fields = append(fields, FieldChange{map[string]string{"declared": "hasDeclaredLicense",
					"concluded": "hasConcludedLicense"}[role], was, is})
			}
		}
		return sameNames(a, b, fields)
	}
	for _, f := range []FieldChange{
		{"name", a.fullName(), b.fullName()},
		{"version", a.Version, b.Version},
		{"purl", canonical(a.PURL), canonical(b.PURL)},
		{"hashes", old.hashList(o), new.hashList(n)},
		{"licenses", old.licenseList(o), new.licenseList(n)},
	} {
		if f.Old != f.New {
			fields = append(fields, f)
		}
	}
	return sameNames(a, b, fields)
}

// fullName is the name with the group, as SPDX has it.
func (c *Component) fullName() string {
	name, _ := packageurl.JoinName(c.Group, strings.TrimPrefix(c.Name, "./"), c.PURL)
	return name
}

// sameNames leaves out changes of what only spells a name: a group that is apart or not, and all of the package URL if it
// is another program's for the same package.
func sameNames(a, b *Component, fields []FieldChange) []FieldChange {
	if len(fields) == 0 {
		return nil
	}
	name := a.fullName() == b.fullName()
	spelling := samePackage(a.PURL, b.PURL)
	return slices.DeleteFunc(fields, func(f FieldChange) bool {
		switch f.Field {
		case "name", "group":
			return name || spelling
		case "version", "purl":
			return spelling
		}
		return false
	})
}

// samePackage reports whether two package URLs are different ones of one package that comes from one place.
func samePackage(a, b string) bool {
	p, err1 := packageurl.Parse(a)
	q, err2 := packageurl.Parse(b)
	if err1 != nil || err2 != nil || p.String() == q.String() || p.MatchKey() != q.MatchKey() {
		return false
	}
	for _, where := range []string{"vcs_url", "repository_url", "download_url", "checksum"} {
		if p.Qualifiers[where] != q.Qualifiers[where] {
			return false
		}
	}
	return true
}

func (d *Document) hashList(r Ref) string {
	var list []string
	for _, h := range d.Hashes(r) {
		list = append(list, h.Algorithm+":"+strings.ToLower(h.Value))
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

func (d *Document) licenseList(r Ref) string {
	var list []string
	for _, l := range d.Licenses(r) {
		switch {
		case l.State != Value:
		case license.IsName(l.Expression):
			list = append(list, license.RefOf(l.Expression))
		case l.Expression != "":
			list = license.AppendConjuncts(list, license.Tokens(l.Expression))
		case l.Name != "":
			list = append(list, license.RefOf(l.Name))
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// licenseText returns what SPDX 3 says of a licence.
func (d *Document) licenseText(r Ref, role string) string {
	var list []string
	for _, l := range d.lookups.claims()[r] {
		if l.Role == role {
			list = append(list, [...]string{Value: l.Expression, NoAssertion: "NOASSERTION", NoValue: "NONE"}[l.State])
		}
	}
	slices.Sort(list)
	return strings.Join(list, " AND ")
}

// compareMembers compares two components of one specification. The text is known to be JSON.
func (m *matcher) compareMembers(o, n Ref) (fields []FieldChange) {
	a, b := m.docs[0].components[o].raw, m.docs[1].components[n].raw
	old, errOld := tree.Parse(a)
	new, errNew := tree.Parse(b)
	if errOld != nil || errNew != nil {
		return []FieldChange{{"", string(a), string(b)}}
	}
	values := map[string]*tree.Node{}
	for _, v := range new.Members {
		values[v.Name] = v.Value
	}
	for _, v := range old.Members {
		is := values[v.Name]
		delete(values, v.Name)
		if own(v.Name) && !v.Value.Equal(is) && !(v.Value.Empty() && is.Empty()) {
			fields = append(fields, FieldChange{v.Name, v.Value.Show(), is.Show()})
		}
	}
	for _, v := range new.Members {
		if _, added := values[v.Name]; added && own(v.Name) && !v.Value.Empty() {
			fields = append(fields, FieldChange{v.Name, "", v.Value.Show()})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	// What differs may be only what parts of the documents are known by.
	tree.Rename(old, specOf(m.docs[0].format).Words, m.renamed())
	for _, c := range []*tree.Node{old, new} {
		c.Each(func(v *tree.Node) {
			if v != c {
				v.Remove("bom-ref")
			}
		})
	}
	return slices.DeleteFunc(fields, func(f FieldChange) bool {
		switch f.Field {
		case "suppliedBy", "originatedBy":
			return m.docs[0].makers(o) == m.docs[1].makers(n)
		}
		was, is := old.Get(f.Field), new.Get(f.Field)
		return was != nil && was.Equal(is) || sameByDefault(f.Field, was, is) || sameAuthors(f.Field, old, new)
	})
}

// defaults are what members say that are not there: CycloneDX 1.7, component.scope; SPDX 2.3, clause 7.8.
var defaults = map[string]string{"scope": "required", "filesAnalyzed": "true"}

// sameByDefault reports whether one of two says what the other says by leaving it out.
func sameByDefault(field string, a, b *tree.Node) bool {
	said := cmp.Or(a, b)
	return defaults[field] != "" && (a == nil || b == nil) && said != nil && said.Text == defaults[field]
}

// sameAuthors reports whether one says of a component as a text who wrote it, as CycloneDX did before 1.6, and the other as a list.
func sameAuthors(field string, a, b *tree.Node) bool {
	if field != "author" && field != "authors" {
		return false
	}
	names := func(n *tree.Node) (text string) {
		if list := n.List("authors"); len(list) == 1 && len(list[0].Members) == 1 {
			return list[0].Str("name").S
		}
		return n.Str("author").S
	}
	return names(a) != "" && names(a) == names(b) && (a.Get("author") == nil) != (b.Get("author") == nil)
}

// renamed returns the new document's IDs of components by the old one's, where they differ.
func (m *matcher) renamed() map[string]string {
	if m.names == nil {
		m.names = map[string]string{}
		for i, ref := range m.old {
			if ref == None {
				continue
			}
			if was, is := m.docs[0].components[i].ID, m.docs[1].components[ref].ID; was != is && was != "" && is != "" {
				m.names[was] = is
			}
		}
	}
	return m.names
}

// makers returns who made or supplied a component of SPDX 3, where that stands in other elements.
func (d *Document) makers(r Ref) string {
	out := d.Details(r)
	text := fmt.Sprintf("%q", out.Authors)
	for _, p := range []*Party{out.Supplier, out.Manufacturer} {
		if p != nil {
			text += fmt.Sprintf("%q", *p)
		}
		text += ","
	}
	return text
}

// own says whether a member says something of its component: its ID names it, and what it contains are other components.
func own(member string) bool {
	switch member {
	case "bom-ref", "components", "SPDXID", "spdxId", "@id", "creationInfo":
		return false
	}
	return true
}

// relationships finds those that only one document has. Time grows with their number, however many one component has.
func (m *matcher) relationships(c *Changes) {
	old, new := m.docs[0].lookups.links().edges, m.docs[1].lookups.links().edges
	switch {
	case !m.alike():
		old, new = common(old), common(new)
	case m.docs[0].found.Claims != nil:
		old, new = withoutLicenses(old), withoutLicenses(new)
	}
	kinds := map[RelationshipType]int{}
	kind := func(t RelationshipType) int {
		k, ok := kinds[t]
		if !ok {
			k = len(kinds)
			kinds[t] = k
		}
		return k
	}
	// Both are sorted by where they start, in the new document's terms; what starts or ends at a component that only one
	// document has is in only one. What is not described has a place of its own behind the others.
	none := Ref(len(m.new))
	type end struct {
		to, kind int32
		edge     int32
	}
	bucket := func(edges []Relationship, place func(Ref) Ref) (from []int32, ends []end) {
		from = make([]int32, none+3)
		for _, e := range edges {
			if a := place(e.From); a >= 0 && place(e.To) >= 0 {
				from[a+2]++
			}
		}
		for i := range from[1:] {
			from[i+1] += from[i]
		}
		ends = make([]end, from[len(from)-1])
		for i, e := range edges {
			if a, b := place(e.From), place(e.To); a >= 0 && b >= 0 {
				ends[from[a+1]] = end{int32(b), int32(kind(e.Type)), int32(i)}
				from[a+1]++
			}
		}
		return from, ends
	}
	foundOld, foundNew := make([]bool, len(old)), make([]bool, len(new))
	fromOld, endsOld := bucket(old, func(r Ref) Ref {
		if r == None {
			return none
		}
		return m.old[r]
	})
	fromNew, endsNew := bucket(new, func(r Ref) Ref {
		switch {
		case r == None:
			return none
		case m.new[r] == None:
			return None
		}
		return r
	})
	// Of each place in turn: the kinds of relationship, as bits, that go to every other place.
	stamp, mask := make([]int32, none+1), make([]uint64, none+1)
	round := int32(0)
	find := func(have, look []end, low int32, found []bool) {
		round++
		for _, e := range have {
			if k := e.kind - low; k >= 0 && k < 64 {
				if stamp[e.to] != round {
					stamp[e.to], mask[e.to] = round, 0
				}
				mask[e.to] |= 1 << k
			}
		}
		for _, e := range look {
			if k := e.kind - low; k >= 0 && k < 64 && stamp[e.to] == round && mask[e.to]&(1<<k) != 0 {
				found[e.edge] = true
			}
		}
	}
	for low := int32(0); low < int32(len(kinds)); low += 64 {
		for i := range none + 1 {
			o, n := endsOld[fromOld[i]:fromOld[i+1]], endsNew[fromNew[i]:fromNew[i+1]]
			if len(o) > 0 && len(n) > 0 {
				find(o, n, low, foundNew)
				find(n, o, low, foundOld)
			}
		}
	}
	for i, e := range old {
		if !foundOld[i] {
			c.RemovedRelationships = append(c.RemovedRelationships, e)
		}
	}
	for i, e := range new {
		if !foundNew[i] {
			c.AddedRelationships = append(c.AddedRelationships, e)
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
