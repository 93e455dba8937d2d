package sbom

import (
	"crypto/sha1" // of external documents, which SPDX 2 asks for
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
)

// MergeMode says how a document is made of others.
type MergeMode uint8

const (
	// Flat tells a component once that several documents have: one with the same canonical package URL, or without one
	// the same group, name, version and class, unless hashes say that it is not the same. Of a file of SPDX the hashes
	// have to be the same too, and of what has no name everything.
	Flat MergeMode = iota
	// Hierarchical keeps every document's components to themselves, below what that document is about.
	Hierarchical
	// Linked refers to the documents by their serial number or namespace and their digest: BOM-Link in CycloneDX (1.5
	// and later take it as a reference), external document references in SPDX 2 and an import in SPDX 3.
	Linked
)

// MergeOptions say what a merged document is about.
type MergeOptions struct {
	Mode MergeMode
	// Format of the result. Zero means that of the first document. The others are converted; see MergeReport.
	Format Format
	// Name and Version of what the result is about, an application that depends on what the documents are about (in
	// SPDX: contains it). An empty Name means that of the first thing that the first document is about.
	Name, Version string
	// Created is the time that the document says it was made. Zero means the latest that the documents say.
	Created time.Time
	// DropSignatures takes signed documents, whose signatures the result does not have. Linked needs no such leave.
	DropSignatures bool
}

// A MergeReport says what became of the documents.
type MergeReport struct {
	// Conversions are the reports on those that had another format, nil for the others.
	Conversions []*Report
	// Same is how many components were told by an earlier document already.
	Same int
	// Conflicts are what documents say differently, and what no place is left for.
	Conflicts []Conflict
}

// A Conflict is something that one document says and the result does not, or not as the same thing.
type Conflict struct {
	Document int    // that it is from
	Ref      Ref    // of that document, after its conversion; None for what it says of itself
	Field    string // a member of the component or, with dots, of the document: "licenses", "metadata.supplier"
	Kept     string // what the result says, written as in FieldChange
	Dropped  string // what this document says; of hashes, the component is there with them beside the other one
}

// ErrNoID means that a document cannot be linked to: it has no serial number and no namespace.
var ErrNoID = errors.New("the document has no serial number or namespace")

// Merge makes one document of several. The result is the same for the same documents in the same order, but its parts may
// be known by other IDs where documents use one ID for different things.
//
// The names, times, versions and serial numbers or namespaces of the documents are not in the result; their authors and
// tools are. In the report is what else could not be kept.
//
// Errors wrap [ErrVersion], [ErrSigned], [ErrNoID], or are those of [Convert].
func Merge(docs []*Document, o *MergeOptions) (*Document, *MergeReport, error) {
	if o == nil {
		o = &MergeOptions{}
	}
	if len(docs) == 0 {
		return nil, nil, errors.New("sbom: there is nothing to merge")
	}
	m := merger{opts: o, format: o.Format, report: &MergeReport{Conversions: make([]*Report, len(docs))}, ids: names{}, seen: map[string]*node{}, lines: map[string]bool{}, contained: map[string]bool{}, inside: map[*node]*node{}}
	if m.format == (Format{}) {
		m.format = docs[0].format
	}
	if !slices.Contains(targets, m.format) {
		return nil, nil, fmt.Errorf("sbom: %w: %v cannot be written", ErrVersion, m.format)
	}
	if err := m.begin(docs); err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	for i, d := range docs {
		var err error
		if o.Mode == Linked {
			err = m.link(i, d)
		} else {
			err = m.add(i, d)
		}
		if err != nil {
			return nil, m.report, fmt.Errorf("sbom: document %d: %w", i, err)
		}
	}
	m.end()
	out, err := parseJSON(m.out.render())
	return out, m.report, err
}

type merger struct {
	opts      *MergeOptions
	format    Format
	report    *MergeReport
	out       *node
	about     *node  // what the result is about
	root      string // its ID
	parts     []string
	ids       names
	seen      map[string]*node // components by what they are, in Flat
	lines     map[string]bool  // of units
	contained map[string]bool  // SPDX 3: what the result is said to contain
	doc       int              // at work on
	refs      map[*node]Ref    // its components
	inside    map[*node]*node  // CycloneDX: what components of the result are nested in
}

// begin makes a document without components.
func (m *merger) begin(docs []*Document) error {
	name, created := m.opts.Name, ""
	if !m.opts.Created.IsZero() {
		created = m.opts.Created.UTC().Format("2006-01-02T15:04:05Z")
	}
	digest := sha256.New()
	fmt.Fprintf(digest, "%d %v %q %q %q", m.opts.Mode, m.format, name, m.opts.Version, created)
	for _, d := range docs {
		sum := sha256.Sum256(d.source)
		digest.Write(sum[:])
		if t, err := time.Parse(time.RFC3339, d.created); err == nil && m.opts.Created.IsZero() {
			created = max(created, t.UTC().Format("2006-01-02T15:04:05Z"))
		}
	}
	if roots := docs[0].Roots(); name == "" && len(roots) > 0 {
		name = docs[0].components[roots[0]].Name
	}
	if name == "" {
		name = "merged"
	}
	h := &hub{extracted: map[string]*extracted{}, now: "1970-01-01T00:00:00Z", created: said(created), id: said("urn:uuid:" + uuid(hex.EncodeToString(digest.Sum(nil))))}
	h.tools = []party{{kind: "Tool", name: said("lading")}}
	h.elements = []*element{{id: said("merged"), kind: said("application"), name: said(name), version: said(m.opts.Version)}}
	h.roots = []int{0}
	m.out = h.write(m.format)
	if _, _, err := fit(m.out, m.format, madeAt(&ConvertOptions{})); err != nil {
		return err
	}
	m.out.each(func(n *node) {
		if id := n.definition(m.format); id != nil {
			m.ids.unique(id.text)
		}
		if c := n.str("name").s; m.about == nil && c == name && (n.str("type").s == "application" || n.get("SPDXID") != nil && n != m.out || n.get("software_primaryPurpose") != nil) {
			m.about = n
		}
	})
	m.root = m.about.definition(m.format).text
	return nil
}

func (m *merger) conflict(ref Ref, field, kept, dropped string) {
	m.report.Conflicts = append(m.report.Conflicts, Conflict{m.doc, ref, field, kept, dropped})
}

// add merges one document.
func (m *merger) add(i int, d *Document) error {
	m.doc = i
	converted, report, err := Convert(d, m.format, &ConvertOptions{DropSignatures: m.opts.DropSignatures})
	if err != nil {
		return err
	}
	if d.format != m.format {
		m.report.Conversions[i] = report
	}
	tree, err := parseTree(converted.json)
	if err != nil {
		return err
	}
	if converted.signed() {
		if !m.opts.DropSignatures {
			return ErrSigned
		}
		removeSignatures(tree)
	}
	nodes := converted.nodesOf(tree)
	m.refs = map[*node]Ref{}
	for ref, n := range nodes {
		m.refs[n] = Ref(ref)
	}
	same := m.recognize(converted, nodes)
	m.name(tree, same)
	for ref, n := range nodes {
		if kept := same[n]; kept != nil {
			m.report.Same++
			m.combine(Ref(ref), kept, n)
		}
	}
	var roots []string
	for _, ref := range converted.Roots() {
		n := nodes[ref]
		if kept := same[n]; kept != nil {
			n = kept
		}
		roots = append(roots, m.idOf(n))
	}
	switch {
	case m.format.Spec == CycloneDX:
		roots = m.addCycloneDX(converted, tree, same, roots)
	case isSPDX2(m.format):
		m.addSPDX2(tree, same, roots)
	default:
		m.addSPDX3(tree, same, roots)
	}
	m.parts = append(m.parts, roots...)
	return nil
}

// recognize finds the components that an earlier document has.
func (m *merger) recognize(d *Document, nodes []*node) map[*node]*node {
	same := map[*node]*node{}
	if m.opts.Mode != Flat {
		return same
	}
	times := map[string]int{}
	for i, n := range nodes {
		key := identity(d, Ref(i))
		if n == nil || key == "" {
			continue
		}
		// A document that tells a component twice has a reason: it is in two places.
		times[key]++
		key = fmt.Sprintf("%s\x00%d", key, times[key])
		kept := m.seen[key]
		if kept == nil {
			m.seen[key] = n
			continue
		}
		if name, a, b := contradiction(m.format, kept, n); name != "" {
			m.conflict(Ref(i), name, a, b)
			continue
		}
		same[n] = kept
	}
	return same
}

// identity is what a component is recognized by.
func identity(d *Document, r Ref) string {
	c := &d.components[r]
	switch p, err := parsePURL(c.PURL); {
	case err == nil && p.Version == "":
		return p.String() + "\x00" + c.Version
	case err == nil:
		return p.String()
	case c.Name == "":
		return "\x00" + d.content(r) // the same if all of it is
	case c.Kind == "file":
		return "\x00" + c.Name + "\x00" + d.hashList(r)
	}
	return c.Group + "\x00" + c.Name + "\x00" + c.Version + "\x00" + c.Kind
}

// contradiction finds an algorithm of which two components have no hash in common.
func contradiction(f Format, a, b *node) (field, kept, dropped string) {
	list, alg, value := "hashes", "alg", "content"
	if f.Spec == SPDX {
		list, alg, value = "checksums", "algorithm", "checksumValue"
		if !isSPDX2(f) {
			list, value = "verifiedUsing", "hashValue"
		}
	}
	hashes := func(n *node) map[string][]string {
		m := map[string][]string{}
		for _, h := range n.list(list) {
			if v := h.str(value).s; v != "" {
				m[h.str(alg).s] = append(m[h.str(alg).s], strings.ToLower(v))
			}
		}
		return m
	}
	first, second := hashes(a), hashes(b)
	for _, name := range slices.Sorted(maps.Keys(first)) {
		values := first[name]
		others, both := second[name]
		if both && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(others, v) }) {
			return list, a.get(list).show(), b.get(list).show()
		}
	}
	return "", "", ""
}

// name gives the parts of a document IDs that no other part of the result has, and those that are the same the one of
// what they are the same as.
func (m *merger) name(tree *node, same map[*node]*node) {
	known := map[string]string{} // IDs of what the result has, with those that it has them by
	tree.each(func(n *node) {
		kept := same[n]
		if kept == nil {
			return
		}
		if id := n.definition(m.format); id != nil {
			known[id.text] = m.idOf(kept)
		}
		for _, v := range n.members {
			var parts []string
			if own(v.name) {
				m.defined(v.value, func(id string) { parts = append(parts, id) })
			}
			if parts == nil || !kept.get(v.name).equal(v.value) {
				continue
			}
			for _, id := range parts {
				known[id] = id
			}
		}
	})
	var ids []string
	m.defined(tree, func(id string) { ids = append(ids, id) })
	units := m.units(tree, same)
	again := m.repeated(units, ids, known)

	to := map[string]string{}
	for _, id := range ids {
		if _, twice := to[id]; twice {
			continue // and not to be told apart
		}
		if name, ok := known[id]; ok {
			to[id] = name
		} else {
			to[id] = m.ids.unique(id)
		}
	}
	for from, name := range to {
		if from == name {
			delete(to, from)
		}
	}
	tree.rename(m.format, to)
	for i, u := range units {
		if again[i] {
			same[u] = u
		} else {
			m.lines[m.line(u)] = true
		}
	}
}

func (m *merger) defined(n *node, visit func(id string)) {
	n.each(func(n *node) {
		if id := n.definition(m.format); id != nil {
			visit(id.text)
		}
	})
}

// units are the parts of a document, other than components that are in the result, that have IDs and are taken as a whole
// or not at all: what is letter for letter the same, and refers to the same, is the same.
func (m *merger) units(tree *node, same map[*node]*node) (out []*node) {
	var lists []*node
	switch {
	case m.format.Spec == CycloneDX:
		metadata := tree.get("metadata")
		for _, v := range slices.Concat(tree.members, metadata.under(), metadata.get("tools").under()) {
			switch v.name {
			case "metadata", "component", "dependencies":
			case "components":
				if v.value != tree.get("components") {
					lists = append(lists, v.value)
				}
			default:
				lists = append(lists, v.value)
			}
		}
	case isSPDX2(m.format):
		lists = compactNodes([]*node{tree.get("hasExtractedLicensingInfos"), tree.get("externalDocumentRefs"), tree.get("snippets")})
	default:
		lists = compactNodes([]*node{tree.get("@graph")})
	}
	for _, list := range lists {
		for _, n := range listOrOne(list) {
			has := false
			m.defined(n, func(string) { has = true })
			if has && same[n] == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// under returns the members of an object, or none.
func (n *node) under() []member {
	if n == nil {
		return nil
	}
	return n.members
}

// line writes a unit down to be compared. When SPDX 3 says that an element was made is left out.
func (m *merger) line(n *node) string {
	if info := n.get("creationInfo"); info != nil {
		n = &node{kind: n.kind, members: slices.DeleteFunc(slices.Clone(n.members), func(v member) bool { return v.name == "creationInfo" })}
	}
	return n.line(true)
}

// repeated finds the units that the result has, and adds their IDs to those that are known of the document's. One that
// refers to something that gets another ID is another one, and so on.
func (m *merger) repeated(units []*node, ids []string, known map[string]string) []bool {
	again, unit := make([]bool, len(units)), map[string]int{}
	users := map[string][]int{}
	for i, u := range units {
		if !m.lines[m.line(u)] {
			continue
		}
		again[i] = true
		m.defined(u, func(id string) {
			if known[id] == "" {
				known[id], unit[id] = id, i
			}
		})
		for _, v := range u.members {
			if v.name != "creationInfo" {
				v.value.referAs(m.format, v.name, func(r *node) { users[r.text] = append(users[r.text], i) })
			}
		}
	}
	var other []string
	for _, id := range ids {
		if known[id] != id {
			other = append(other, id)
		}
	}
	for len(other) > 0 {
		id := other[len(other)-1]
		other = other[:len(other)-1]
		for _, i := range users[id] {
			if !again[i] {
				continue
			}
			again[i] = false
			m.defined(units[i], func(id string) {
				if at, ok := unit[id]; ok && at == i {
					delete(known, id)
					other = append(other, id)
				}
			})
		}
	}
	return again
}

// idOf returns a component's ID, and gives it one if it has none.
func (m *merger) idOf(n *node) string {
	if n == nil {
		return ""
	}
	if id := n.definition(m.format); id != nil {
		return id.text
	}
	id := n.str("purl").s
	if id == "" {
		id = n.str("name").s
	}
	id = m.ids.unique(id)
	if v := n.get("bom-ref"); v != nil {
		v.text = id
	} else {
		n.set(definitions(m.format)[0], newText(id))
	}
	return id
}

// together are the members of components whose elements stand for themselves.
var together = set("hashes", "externalReferences", "properties", "tags", "checksums", "externalRefs", "attributionTexts", "annotations",
	"verifiedUsing", "externalIdentifier", "externalRef", "hasFiles", "components", "services")

// combine adds to a component what another document says of it.
func (m *merger) combine(ref Ref, kept, n *node) {
	for _, v := range n.members {
		have := kept.get(v.name)
		switch {
		case !own(v.name):
		case have == nil || have.text == "NOASSERTION":
			kept.remove(v.name)
			kept.set(v.name, v.value)
		case v.value.text == "NOASSERTION" || have.equal(v.value):
		case together[v.name]:
			have.unite(v.value)
		default:
			m.conflict(ref, v.name, have.show(), v.value.show())
		}
	}
}

// unite adds to a list the elements of another that it does not have.
func (n *node) unite(more *node) {
	have := map[string]bool{}
	for _, v := range n.items {
		have[v.line(true)] = true
	}
	for _, v := range more.items {
		if line := v.line(true); !have[line] {
			have[line] = true
			n.items = append(n.items, v)
		}
	}
}

// append adds the elements of a list of the document to the same list of the result, as often as they are there.
func (m *merger) append(name string, list []*node, same map[*node]*node) {
	if len(list) == 0 {
		return
	}
	a := m.out.get(name)
	if a == nil {
		a = m.out.set(name, newArray())
	}
	for _, v := range list {
		if same[v] == nil {
			a.items = append(a.items, v)
		}
	}
}

func (m *merger) addCycloneDX(d *Document, tree *node, same map[*node]*node, roots []string) []string {
	metadata := tree.get("metadata")
	root := metadata.get("component")
	var list []*node
	if m.opts.Mode == Hierarchical {
		if root == nil {
			name := d.id
			if name == "" {
				name = fmt.Sprintf("document %d", m.doc)
			}
			root = newObject()
			root.set("type", newText("application"))
			root.set("name", newText(name))
			m.version(root, "")
			roots = append(roots, m.idOf(root))
		}
		for _, c := range tree.list("components") {
			root.add("components", c)
		}
		list = []*node{root}
	} else {
		if root != nil {
			list = append(list, root)
		}
		list = m.lift(append(list, tree.list("components")...), same)
	}
	m.append("components", list, nil)
	if metadata != nil {
		for _, v := range metadata.members {
			m.metadata(v.name, v.value)
		}
	}
	for _, v := range tree.members {
		switch v.name {
		case "$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components":
		case "dependencies":
			m.append(v.name, v.value.items, nil)
		default:
			m.document(m.out, v.name, v.value, "")
		}
	}
	return roots
}

// version says which one a component is: until CycloneDX 1.4 it had to be said.
func (m *merger) version(c *node, v string) {
	if v != "" || m.format.Version < "1.4" {
		c.set("version", newText(v))
	}
}

// lift leaves out what is there already, but not what is nested in it.
func (m *merger) lift(list []*node, same map[*node]*node) (out []*node) {
	for _, n := range list {
		keep := n
		if same[n] != nil {
			keep = same[n]
		} else {
			out = append(out, n)
		}
		inner := n.list("components")
		for _, c := range inner {
			if kept := same[c]; kept != nil && m.inside[kept] != keep {
				m.conflict(m.refs[n], "components", "", m.idOf(kept)) // which stands in one place
			}
		}
		inner = m.lift(inner, same)
		n.remove("components")
		for _, c := range inner {
			keep.add("components", c)
			m.inside[c] = keep
		}
	}
	return out
}

// metadata merges one member of CycloneDX's metadata.
func (m *merger) metadata(name string, v *node) {
	to := m.out.get("metadata")
	switch name {
	case "timestamp", "component":
	case "tools":
		have := to.get("tools")
		switch {
		case have.kind == v.kind && v.kind == strictjson.Array:
			have.unite(v)
		case have.kind == strictjson.Object && v.kind == strictjson.Array:
			// Tools were no components before 1.5.
			for _, t := range v.items {
				c := newObject()
				c.set("type", newText("application"))
				for _, name := range []string{"vendor", "name", "version", "hashes", "externalReferences"} {
					if x := t.get(name); x != nil {
						c.set(strings.Replace(name, "vendor", "publisher", 1), x)
					}
				}
				if c.get("name") != nil {
					have.get("components").unite(&node{items: []*node{c}})
				}
			}
		default:
			for _, x := range v.members {
				m.document(have, x.name, x.value, "metadata.tools.")
			}
		}
	default:
		m.document(to, name, v, "metadata.")
	}
}

// document merges a member that documents have once.
func (m *merger) document(to *node, name string, v *node, where string) {
	have := to.get(name)
	switch {
	case have == nil && (v.kind == strictjson.Array || where == "" || m.doc == 0 && where != "metadata."):
		to.set(name, v)
	case have == nil:
		// Who supplied or made one of several is not who supplied or made all of them.
		m.conflict(None, where+name, "", v.show())
	case have.kind == strictjson.Array && v.kind == strictjson.Array && where+name != "metadata.licenses":
		have.unite(v)
	case !have.equal(v):
		m.conflict(None, where+name, have.show(), v.show())
	}
}

func (m *merger) addSPDX2(tree *node, same map[*node]*node, roots []string) {
	for _, v := range tree.members {
		switch v.name {
		case "spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "documentDescribes":
		case "creationInfo":
			if c := v.value.get("creators"); c != nil {
				m.out.get("creationInfo").get("creators").unite(c)
			}
			for _, x := range v.value.members {
				if x.name == "licenseListVersion" {
					m.document(m.out.get("creationInfo"), x.name, x.value, "creationInfo.")
				} else if x.name != "creators" && x.name != "created" {
					m.conflict(None, "creationInfo."+x.name, "", x.value.show())
				}
			}
		case "packages", "files", "snippets", "hasExtractedLicensingInfos", "externalDocumentRefs":
			m.append(v.name, v.value.items, same)
		case "relationships":
			m.append(v.name, slices.DeleteFunc(v.value.items, func(n *node) bool {
				about := n.str("spdxElementId").s == documentID && n.str("relationshipType").s == string(describes) ||
					n.str("relatedSpdxElement").s == documentID && n.str("relationshipType").s == "DESCRIBED_BY"
				if c := n.get("comment"); about && c != nil {
					m.conflict(None, "relationships.comment", "", c.show())
				}
				return about
			}), nil)
		default:
			m.document(m.out, v.name, v.value, "")
		}
	}
	for _, id := range roots {
		relate(m.out, m.root, nil, string(Contains), nil, id, nil)
	}
}

func (m *merger) addSPDX3(tree *node, same map[*node]*node, roots []string) {
	graph := m.out.get("@graph")
	all := listOrOne(tree.get("@graph"))
	documents := map[string]bool{}
	for _, n := range all {
		if n.str("type").s == "SpdxDocument" {
			m.spdxDocument(n)
			if id := n.definition(m.format); id != nil {
				documents[id.text] = true
			}
		}
	}
	for _, n := range all {
		switch {
		case same[n] != nil || n.str("type").s == "SpdxDocument":
		case n.str("relationshipType").s == "describes" && documents[n.str("from").s]:
			if c := n.get("comment"); c != nil {
				m.conflict(None, "describes.comment", "", c.show())
			}
		default:
			graph.items = append(graph.items, n)
		}
	}
	m.contain(roots)
}

// spdxDocument merges what SPDX 3 says of a document as an element.
func (m *merger) spdxDocument(from *node) {
	to := m.document3()
	for _, v := range from.members {
		switch v.name {
		case "type", "spdxId", "@id", "name", "creationInfo", "rootElement", "element":
		case "import", "namespaceMap", "profileConformance":
			have := to.get(v.name)
			if have == nil {
				have = to.set(v.name, newArray())
			}
			have.unite(&node{items: listOrOne(v.value)})
		default:
			m.document(to, v.name, v.value, "SpdxDocument.")
		}
	}
}

// document3 returns the result's element for itself.
func (m *merger) document3() *node {
	for _, n := range m.out.list("@graph") {
		if n.str("type").s == "SpdxDocument" {
			return n
		}
	}
	return nil
}

// contain says in SPDX 3 that the result is about something that contains parts.
func (m *merger) contain(parts []string) {
	for _, id := range parts {
		if m.contained[id] {
			continue
		}
		m.contained[id] = true
		document, _, _ := strings.Cut(m.root, "#")
		n := newObject()
		n.set("type", newText("Relationship"))
		n.set("spdxId", newText(m.ids.unique(document+"#SPDXRef-contains")))
		n.set("creationInfo", newText("_:creationinfo"))
		n.set("from", newText(m.root))
		n.set("relationshipType", newText("contains"))
		n.set("to", newArray()).items = []*node{newText(id)}
		m.out.add("@graph", n)
	}
}

// end says what the result is about.
func (m *merger) end() {
	if m.format.Spec != CycloneDX {
		if isSPDX2(m.format) {
			m.once("relationships")
		}
		return
	}
	on := newObject()
	on.set("ref", newText(m.root))
	for _, id := range m.parts {
		on.add("dependsOn", newText(id))
	}
	deps := m.out.get("dependencies")
	if deps == nil {
		deps = m.out.set("dependencies", newArray())
	}
	// What several documents say of one component's dependencies is said in one place.
	first := map[string]*node{}
	all := append([]*node{on}, deps.items...)
	deps.items = nil
	for _, n := range all {
		ref := n.str("ref").s
		kept := first[ref]
		if kept == nil {
			first[ref] = n
			deps.items = append(deps.items, n)
			kept = n
		} else {
			for _, name := range []string{"dependsOn", "provides"} {
				if more := n.get(name); more != nil && kept.get(name) == nil {
					kept.set(name, more)
				} else if more != nil {
					kept.get(name).items = append(kept.get(name).items, more.items...)
				}
			}
		}
	}
	for _, n := range deps.items {
		for _, name := range []string{"dependsOn", "provides"} {
			if list := n.get(name); list != nil {
				items := list.items
				list.items = nil
				list.unite(&node{items: items})
			}
		}
	}
}

// once leaves out elements of a list that are there already.
func (m *merger) once(name string) {
	if list := m.out.get(name); list != nil {
		items := list.items
		list.items = nil
		list.unite(&node{items: items})
	}
}

// link refers to a document.
func (m *merger) link(i int, d *Document) error {
	m.doc = i
	if d.id == "" {
		return ErrNoID
	}
	var about Component
	if roots := d.Roots(); len(roots) > 0 {
		about = d.components[roots[0]]
	}
	sum := sha256.Sum256(d.source)
	digest := hex.EncodeToString(sum[:])
	switch {
	case m.format.Spec == CycloneDX:
		c := newObject()
		kind := about.Kind
		if d.format.Spec != CycloneDX || kind == "" {
			kind = "application"
		}
		c.set("type", newText(kind))
		c.put("group", said(about.Group))
		name := about.Name
		if name == "" {
			name = d.id
		}
		c.set("name", newText(name))
		m.version(c, about.Version)
		c.put("purl", said(about.PURL))
		ref := newObject()
		ref.set("url", newText(bomLink(d)))
		ref.set("type", newText("bom"))
		h := newObject()
		h.set("alg", newText("SHA-256"))
		h.set("content", newText(digest))
		if m.format.Version >= "1.3" {
			ref.add("hashes", h)
		}
		c.add("externalReferences", ref)
		m.parts = append(m.parts, m.idOf(c))
		m.out.add("components", c)
	case isSPDX2(m.format):
		id := fmt.Sprintf("DocumentRef-%d", i+1)
		old := sha1.Sum(d.source)
		ref := newObject()
		ref.set("externalDocumentId", newText(id))
		ref.set("spdxDocument", newText(d.id))
		sum := ref.set("checksum", newObject())
		sum.set("algorithm", newText("SHA1"))
		sum.set("checksumValue", newText(hex.EncodeToString(old[:])))
		m.out.add("externalDocumentRefs", ref)
		element := documentID
		if isSPDX2(d.format) && about.ID != "" {
			element = about.ID
		}
		relate(m.out, m.root, nil, string(Contains), nil, id+":"+element, nil)
	default:
		element := d.id
		if d.format.Spec == SPDX && !isSPDX2(d.format) && about.ID != "" {
			element = about.ID
		}
		ref := newObject()
		ref.set("type", newText("ExternalMap"))
		ref.set("externalSpdxId", newText(element))
		h := newObject()
		h.set("type", newText("Hash"))
		h.set("algorithm", newText("sha256"))
		h.set("hashValue", newText(digest))
		ref.add("verifiedUsing", h)
		m.document3().add("import", ref)
		m.contain([]string{element})
	}
	return nil
}

// bomLink returns a URN of a CycloneDX document (cyclonedx.org/capabilities/bomlink), or the ID of another.
func bomLink(d *Document) string {
	serial, ok := strings.CutPrefix(d.id, "urn:uuid:")
	if d.format.Spec != CycloneDX || !ok {
		return d.id
	}
	version := "1"
	if tree, err := parseTree(d.json); err == nil {
		if v := tree.get("version"); v != nil && v.text != "" {
			version = v.text
		}
	}
	return "urn:cdx:" + serial + "/" + version
}
