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
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/spdx2"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
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
	m := merger{opts: o, format: o.Format, report: &MergeReport{Conversions: make([]*Report, len(docs))}, ids: spec.Names{},
		seen: map[string]*tree.Node{}, lines: map[string]bool{}, contained: map[string]bool{}, inside: map[*tree.Node]*tree.Node{}}
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
	out, err := parseJSON(m.out.Render())
	return out, m.report, err
}

type merger struct {
	opts      *MergeOptions
	format    Format
	report    *MergeReport
	out       *tree.Node
	about     *tree.Node // what the result is about
	root      string     // its ID
	parts     []string
	ids       spec.Names
	seen      map[string]*tree.Node     // components by what they are, in Flat
	lines     map[string]bool           // of units
	contained map[string]bool           // SPDX 3: what the result is said to contain
	doc       int                       // at work on
	refs      map[*tree.Node]Ref        // its components
	inside    map[*tree.Node]*tree.Node // CycloneDX: what components of the result are nested in
}

// begin makes a document without components.
func (m *merger) begin(docs []*Document) error {
	name, created := m.opts.Name, ""
	if err := spec.CheckCreated(m.opts.Created); err != nil {
		return err
	}
	if !m.opts.Created.IsZero() {
		created = m.opts.Created.UTC().Format(spec.TimeLayout)
	}
	digest := sha256.New()
	fmt.Fprintf(digest, "%d %v %q %q %q", m.opts.Mode, m.format, name, m.opts.Version, created)
	for _, d := range docs {
		sum := sha256.Sum256(d.source)
		digest.Write(sum[:])
		if t, ok := spec.UTC(d.found.Created); ok && m.opts.Created.IsZero() {
			created = max(created, t)
		}
	}
	if roots := docs[0].Roots(); name == "" && len(roots) > 0 {
		name = docs[0].components[roots[0]].Name
	}
	if name == "" {
		name = "merged"
	}
	h := &model.Document{Extracted: map[string]*model.Extracted{}, Now: "1970-01-01T00:00:00Z", Created: tree.Constant(created),
		Id: tree.Constant("urn:uuid:" + spec.UUID(hex.EncodeToString(digest.Sum(nil))))}
	h.Tools = []model.Party{{Kind: "Tool", Name: tree.Constant("lading")}}
	h.Elements = []*model.Element{{Id: tree.Constant("merged"), Kind: tree.Constant("application"), Name: tree.Constant(name),
		Version: tree.Constant(m.opts.Version)}}
	h.Roots = []int{0}
	m.out = write(h, m.format)
	if _, _, err := fit(m.out, m.format, madeAt(&ConvertOptions{})); err != nil {
		return err
	}
	m.out.Each(func(n *tree.Node) {
		if id := tree.Definition(n, partWords(m.format)); id != nil {
			m.ids.Unique(id.Text)
		}
		if c := n.Str("name").S; m.about == nil && c == name && (n.Str("type").S == "application" || n.Get("SPDXID") != nil &&
			n != m.out || n.Get("software_primaryPurpose") != nil) {
			m.about = n
		}
	})
	m.root = tree.Definition(m.about, partWords(m.format)).Text
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
	input, err := tree.Parse(converted.json)
	if err != nil {
		return err
	}
	if converted.signed() {
		if !m.opts.DropSignatures {
			return ErrSigned
		}
		tree.RemoveSignatures(input)
	}
	nodes := converted.nodesOf(input)
	m.refs = map[*tree.Node]Ref{}
	for ref, n := range nodes {
		m.refs[n] = Ref(ref)
	}
	same := m.recognize(converted, nodes)
	m.name(input, same)
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
		roots = m.addCycloneDX(converted, input, same, roots)
	case isSPDX2(m.format):
		m.addSPDX2(input, same, roots)
	default:
		m.addSPDX3(input, same, roots)
	}
	m.parts = append(m.parts, roots...)
	return nil
}

// recognize finds the components that an earlier document has.
func (m *merger) recognize(d *Document, nodes []*tree.Node) map[*tree.Node]*tree.Node {
	same := map[*tree.Node]*tree.Node{}
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
	switch p, err := packageurl.Parse(c.PURL); {
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
func contradiction(f Format, a, b *tree.Node) (field, kept, dropped string) {
	list, alg, value := "hashes", "alg", "content"
	if f.Spec == SPDX {
		list, alg, value = "checksums", "algorithm", "checksumValue"
		if !isSPDX2(f) {
			list, value = "verifiedUsing", "hashValue"
		}
	}
	hashes := func(n *tree.Node) map[string][]string {
		m := map[string][]string{}
		for _, h := range n.List(list) {
			if v := h.Str(value).S; v != "" {
				m[h.Str(alg).S] = append(m[h.Str(alg).S], strings.ToLower(v))
			}
		}
		return m
	}
	first, second := hashes(a), hashes(b)
	for _, name := range slices.Sorted(maps.Keys(first)) {
		values := first[name]
		others, both := second[name]
		if both && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(others, v) }) {
			return list, a.Get(list).Show(), b.Get(list).Show()
		}
	}
	return "", "", ""
}

// name gives the parts of a document IDs that no other part of the result has, and those that are the same the one of
// what they are the same as.
func (m *merger) name(input *tree.Node, same map[*tree.Node]*tree.Node) {
	known := map[string]string{} // IDs of what the result has, with those that it has them by
	input.Each(func(n *tree.Node) {
		kept := same[n]
		if kept == nil {
			return
		}
		if id := tree.Definition(n, partWords(m.format)); id != nil {
			known[id.Text] = m.idOf(kept)
		}
		for _, v := range n.Members {
			var parts []string
			if own(v.Name) {
				m.defined(v.Value, func(id string) { parts = append(parts, id) })
			}
			if parts == nil || !kept.Get(v.Name).Equal(v.Value) {
				continue
			}
			for _, id := range parts {
				known[id] = id
			}
		}
	})
	var ids []string
	m.defined(input, func(id string) { ids = append(ids, id) })
	units := m.units(input, same)
	again := m.repeated(units, ids, known)

	to := map[string]string{}
	for _, id := range ids {
		if _, twice := to[id]; twice {
			continue // and not to be told apart
		}
		if name, ok := known[id]; ok {
			to[id] = name
		} else {
			to[id] = m.ids.Unique(id)
		}
	}
	for from, name := range to {
		if from == name {
			delete(to, from)
		}
	}
	tree.Rename(input, partWords(m.format), to)
	for i, u := range units {
		if again[i] {
			same[u] = u
		} else {
			m.lines[m.line(u)] = true
		}
	}
}

func (m *merger) defined(n *tree.Node, visit func(id string)) {
	n.Each(func(n *tree.Node) {
		if id := tree.Definition(n, partWords(m.format)); id != nil {
			visit(id.Text)
		}
	})
}

// units are the parts of a document, other than components that are in the result, that have IDs and are taken as a whole
// or not at all: what is letter for letter the same, and refers to the same, is the same.
func (m *merger) units(input *tree.Node, same map[*tree.Node]*tree.Node) (out []*tree.Node) {
	var lists []*tree.Node
	switch {
	case m.format.Spec == CycloneDX:
		metadata := input.Get("metadata")
		for _, v := range slices.Concat(input.Members, metadata.Under(), metadata.Get("tools").Under()) {
			switch v.Name {
			case "metadata", "component", "dependencies":
			case "components":
				if v.Value != input.Get("components") {
					lists = append(lists, v.Value)
				}
			default:
				lists = append(lists, v.Value)
			}
		}
	case isSPDX2(m.format):
		lists = tree.Compact([]*tree.Node{input.Get("hasExtractedLicensingInfos"), input.Get("externalDocumentRefs"),
			input.Get("snippets")})
	default:
		lists = tree.Compact([]*tree.Node{input.Get("@graph")})
	}
	for _, list := range lists {
		for _, n := range tree.ListOrOne(list) {
			has := false
			m.defined(n, func(string) { has = true })
			if has && same[n] == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// line writes a unit down to be compared. When SPDX 3 says that an element was made is left out.
func (m *merger) line(n *tree.Node) string {
	if info := n.Get("creationInfo"); info != nil {
		n = &tree.Node{Kind: n.Kind, Members: slices.DeleteFunc(slices.Clone(n.Members),
			func(v tree.Member) bool { return v.Name == "creationInfo" })}
	}
	return n.Line(true)
}

// repeated finds the units that the result has, and adds their IDs to those that are known of the document's. One that
// refers to something that gets another ID is another one, and so on.
func (m *merger) repeated(units []*tree.Node, ids []string, known map[string]string) []bool {
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
		for _, v := range u.Members {
			if v.Name != "creationInfo" {
				tree.ReferAs(v.Value, partWords(m.format), v.Name, func(r *tree.Node) { users[r.Text] = append(users[r.Text], i) })
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
func (m *merger) idOf(n *tree.Node) string {
	if n == nil {
		return ""
	}
	if id := tree.Definition(n, partWords(m.format)); id != nil {
		return id.Text
	}
	id := n.Str("purl").S
	if id == "" {
		id = n.Str("name").S
	}
	id = m.ids.Unique(id)
	if v := n.Get("bom-ref"); v != nil {
		v.Text = id
	} else {
		n.Set(partWords(m.format).IDs[0], tree.NewText(id))
	}
	return id
}

// together are the members of components whose elements stand for themselves.
var together = spec.Set("hashes", "externalReferences", "properties", "tags", "checksums", "externalRefs", "attributionTexts",
	"annotations",
	"verifiedUsing", "externalIdentifier", "externalRef", "hasFiles", "components", "services")

// combine adds to a component what another document says of it.
func (m *merger) combine(ref Ref, kept, n *tree.Node) {
	for _, v := range n.Members {
		have := kept.Get(v.Name)
		switch {
		case !own(v.Name):
		case have == nil || have.Text == "NOASSERTION":
			kept.Remove(v.Name)
			kept.Set(v.Name, v.Value)
		case v.Value.Text == "NOASSERTION" || have.Equal(v.Value):
		case together[v.Name]:
			have.Unite(v.Value)
		default:
			m.conflict(ref, v.Name, have.Show(), v.Value.Show())
		}
	}
}

// append adds the elements of a list of the document to the same list of the result, as often as they are there.
func (m *merger) append(name string, list []*tree.Node, same map[*tree.Node]*tree.Node) {
	if len(list) == 0 {
		return
	}
	a := m.out.Get(name)
	if a == nil {
		a = m.out.Set(name, tree.NewArray())
	}
	for _, v := range list {
		if same[v] == nil {
			a.Items = append(a.Items, v)
		}
	}
}

func (m *merger) addCycloneDX(d *Document, input *tree.Node, same map[*tree.Node]*tree.Node, roots []string) []string {
	metadata := input.Get("metadata")
	root := metadata.Get("component")
	var list []*tree.Node
	if m.opts.Mode == Hierarchical {
		if root == nil {
			name := d.found.ID
			if name == "" {
				name = fmt.Sprintf("document %d", m.doc)
			}
			root = tree.NewObject()
			root.Set("type", tree.NewText("application"))
			root.Set("name", tree.NewText(name))
			m.version(root, "")
			roots = append(roots, m.idOf(root))
		}
		for _, c := range input.List("components") {
			root.Add("components", c)
		}
		list = []*tree.Node{root}
	} else {
		if root != nil {
			list = append(list, root)
		}
		list = m.lift(append(list, input.List("components")...), same)
	}
	m.append("components", list, nil)
	if metadata != nil {
		for _, v := range metadata.Members {
			m.metadata(v.Name, v.Value)
		}
	}
	for _, v := range input.Members {
		switch v.Name {
		case "$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components":
		case "dependencies":
			m.append(v.Name, v.Value.Items, nil)
		default:
			m.document(m.out, v.Name, v.Value, "")
		}
	}
	return roots
}

// version says which one a component is: until CycloneDX 1.4 it had to be said.
func (m *merger) version(c *tree.Node, v string) {
	if v != "" || m.format.Version < "1.4" {
		c.Set("version", tree.NewText(v))
	}
}

// lift leaves out what is there already, but not what is nested in it.
func (m *merger) lift(list []*tree.Node, same map[*tree.Node]*tree.Node) (out []*tree.Node) {
	for _, n := range list {
		keep := n
		if same[n] != nil {
			keep = same[n]
		} else {
			out = append(out, n)
		}
		inner := n.List("components")
		for _, c := range inner {
			if kept := same[c]; kept != nil && m.inside[kept] != keep {
				m.conflict(m.refs[n], "components", "", m.idOf(kept)) // which stands in one place
			}
		}
		inner = m.lift(inner, same)
		n.Remove("components")
		for _, c := range inner {
			keep.Add("components", c)
			m.inside[c] = keep
		}
	}
	return out
}

// metadata merges one member of CycloneDX's metadata.
func (m *merger) metadata(name string, v *tree.Node) {
	to := m.out.Get("metadata")
	switch name {
	case "timestamp", "component":
	case "tools":
		have := to.Get("tools")
		switch {
		case have.Kind == v.Kind && v.Kind == strictjson.Array:
			have.Unite(v)
		case have.Kind == strictjson.Object && v.Kind == strictjson.Array:
			// Tools were no components before 1.5.
			for _, t := range v.Items {
				c := tree.NewObject()
				c.Set("type", tree.NewText("application"))
				for _, name := range []string{"vendor", "name", "version", "hashes", "externalReferences"} {
					if x := t.Get(name); x != nil {
						c.Set(strings.Replace(name, "vendor", "publisher", 1), x)
					}
				}
				if c.Get("name") != nil {
					have.Get("components").Unite(&tree.Node{Items: []*tree.Node{c}})
				}
			}
		default:
			for _, x := range v.Members {
				m.document(have, x.Name, x.Value, "metadata.tools.")
			}
		}
	default:
		m.document(to, name, v, "metadata.")
	}
}

// document merges a member that documents have once.
func (m *merger) document(to *tree.Node, name string, v *tree.Node, where string) {
	have := to.Get(name)
	switch {
	case have == nil && (v.Kind == strictjson.Array || where == "" || m.doc == 0 && where != "metadata."):
		to.Set(name, v)
	case have == nil:
		// Who supplied or made one of several is not who supplied or made all of them.
		m.conflict(None, where+name, "", v.Show())
	case have.Kind == strictjson.Array && v.Kind == strictjson.Array && where+name != "metadata.licenses":
		have.Unite(v)
	case !have.Equal(v):
		m.conflict(None, where+name, have.Show(), v.Show())
	}
}

func (m *merger) addSPDX2(input *tree.Node, same map[*tree.Node]*tree.Node, roots []string) {
	for _, v := range input.Members {
		switch v.Name {
		case "spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "documentDescribes":
		case "creationInfo":
			if c := v.Value.Get("creators"); c != nil {
				m.out.Get("creationInfo").Get("creators").Unite(c)
			}
			for _, x := range v.Value.Members {
				if x.Name == "licenseListVersion" {
					m.document(m.out.Get("creationInfo"), x.Name, x.Value, "creationInfo.")
				} else if x.Name != "creators" && x.Name != "created" {
					m.conflict(None, "creationInfo."+x.Name, "", x.Value.Show())
				}
			}
		case "packages", "files", "snippets", "hasExtractedLicensingInfos", "externalDocumentRefs":
			m.append(v.Name, v.Value.Items, same)
		case "relationships":
			m.append(v.Name, slices.DeleteFunc(v.Value.Items, func(n *tree.Node) bool {
				about := n.Str("spdxElementId").S == spec.DocumentID && n.Str("relationshipType").S == string(model.Describes) ||
					n.Str("relatedSpdxElement").S == spec.DocumentID && n.Str("relationshipType").S == "DESCRIBED_BY"
				if c := n.Get("comment"); about && c != nil {
					m.conflict(None, "relationships.comment", "", c.Show())
				}
				return about
			}), nil)
		default:
			m.document(m.out, v.Name, v.Value, "")
		}
	}
	for _, id := range roots {
		spdx2.Relate(m.out, m.root, nil, string(model.Contains), nil, id, nil)
	}
}

func (m *merger) addSPDX3(input *tree.Node, same map[*tree.Node]*tree.Node, roots []string) {
	graph := m.out.Get("@graph")
	all := tree.ListOrOne(input.Get("@graph"))
	documents := map[string]bool{}
	for _, n := range all {
		if n.Str("type").S == "SpdxDocument" {
			m.spdxDocument(n)
			if id := tree.Definition(n, partWords(m.format)); id != nil {
				documents[id.Text] = true
			}
		}
	}
	for _, n := range all {
		switch {
		case same[n] != nil || n.Str("type").S == "SpdxDocument":
		case n.Str("relationshipType").S == "describes" && documents[n.Str("from").S]:
			if c := n.Get("comment"); c != nil {
				m.conflict(None, "describes.comment", "", c.Show())
			}
		default:
			graph.Items = append(graph.Items, n)
		}
	}
	m.contain(roots)
}

// spdxDocument merges what SPDX 3 says of a document as an element.
func (m *merger) spdxDocument(from *tree.Node) {
	to := m.document3()
	for _, v := range from.Members {
		switch v.Name {
		case "type", "spdxId", "@id", "name", "creationInfo", "rootElement", "element":
		case "import", "namespaceMap", "profileConformance":
			have := to.Get(v.Name)
			if have == nil {
				have = to.Set(v.Name, tree.NewArray())
			}
			have.Unite(&tree.Node{Items: tree.ListOrOne(v.Value)})
		default:
			m.document(to, v.Name, v.Value, "SpdxDocument.")
		}
	}
}

// document3 returns the result's element for itself.
func (m *merger) document3() *tree.Node {
	for _, n := range m.out.List("@graph") {
		if n.Str("type").S == "SpdxDocument" {
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
		n := tree.NewObject()
		n.Set("type", tree.NewText("Relationship"))
		n.Set("spdxId", tree.NewText(m.ids.Unique(document+"#SPDXRef-contains")))
		n.Set("creationInfo", tree.NewText("_:creationinfo"))
		n.Set("from", tree.NewText(m.root))
		n.Set("relationshipType", tree.NewText("contains"))
		n.Set("to", tree.NewArray()).Items = []*tree.Node{tree.NewText(id)}
		m.out.Add("@graph", n)
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
	on := tree.NewObject()
	on.Set("ref", tree.NewText(m.root))
	for _, id := range m.parts {
		on.Add("dependsOn", tree.NewText(id))
	}
	deps := m.out.Get("dependencies")
	if deps == nil {
		deps = m.out.Set("dependencies", tree.NewArray())
	}
	// What several documents say of one component's dependencies is said in one place.
	first := map[string]*tree.Node{}
	all := append([]*tree.Node{on}, deps.Items...)
	deps.Items = nil
	for _, n := range all {
		ref := n.Str("ref").S
		kept := first[ref]
		if kept == nil {
			first[ref] = n
			deps.Items = append(deps.Items, n)
			kept = n
		} else {
			for _, name := range []string{"dependsOn", "provides"} {
				if more := n.Get(name); more != nil && kept.Get(name) == nil {
					kept.Set(name, more)
				} else if more != nil {
					kept.Get(name).Items = append(kept.Get(name).Items, more.Items...)
				}
			}
		}
	}
	for _, n := range deps.Items {
		for _, name := range []string{"dependsOn", "provides"} {
			if list := n.Get(name); list != nil {
				items := list.Items
				list.Items = nil
				list.Unite(&tree.Node{Items: items})
			}
		}
	}
}

// once leaves out elements of a list that are there already.
func (m *merger) once(name string) {
	if list := m.out.Get(name); list != nil {
		items := list.Items
		list.Items = nil
		list.Unite(&tree.Node{Items: items})
	}
}

// link refers to a document.
func (m *merger) link(i int, d *Document) error {
	m.doc = i
	if d.found.ID == "" {
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
		c := tree.NewObject()
		kind := about.Kind
		if d.format.Spec != CycloneDX || kind == "" {
			kind = "application"
		}
		c.Set("type", tree.NewText(kind))
		c.Put("group", tree.Constant(about.Group))
		name := about.Name
		if name == "" {
			name = d.found.ID
		}
		c.Set("name", tree.NewText(name))
		m.version(c, about.Version)
		c.Put("purl", tree.Constant(about.PURL))
		ref := tree.NewObject()
		ref.Set("url", tree.NewText(bomLink(d)))
		ref.Set("type", tree.NewText("bom"))
		h := tree.NewObject()
		h.Set("alg", tree.NewText("SHA-256"))
		h.Set("content", tree.NewText(digest))
		if m.format.Version >= "1.3" {
			ref.Add("hashes", h)
		}
		c.Add("externalReferences", ref)
		m.parts = append(m.parts, m.idOf(c))
		m.out.Add("components", c)
	case isSPDX2(m.format):
		id := fmt.Sprintf("DocumentRef-%d", i+1)
		old := sha1.Sum(d.source)
		ref := tree.NewObject()
		ref.Set("externalDocumentId", tree.NewText(id))
		ref.Set("spdxDocument", tree.NewText(d.found.ID))
		sum := ref.Set("checksum", tree.NewObject())
		sum.Set("algorithm", tree.NewText("SHA1"))
		sum.Set("checksumValue", tree.NewText(hex.EncodeToString(old[:])))
		m.out.Add("externalDocumentRefs", ref)
		element := spec.DocumentID
		if isSPDX2(d.format) && about.ID != "" {
			element = about.ID
		}
		spdx2.Relate(m.out, m.root, nil, string(model.Contains), nil, id+":"+element, nil)
	default:
		element := d.found.ID
		if d.format.Spec == SPDX && !isSPDX2(d.format) && about.ID != "" {
			element = about.ID
		}
		ref := tree.NewObject()
		ref.Set("type", tree.NewText("ExternalMap"))
		ref.Set("externalSpdxId", tree.NewText(element))
		h := tree.NewObject()
		h.Set("type", tree.NewText("Hash"))
		h.Set("algorithm", tree.NewText("sha256"))
		h.Set("hashValue", tree.NewText(digest))
		ref.Add("verifiedUsing", h)
		m.document3().Add("import", ref)
		m.contain([]string{element})
	}
	return nil
}

// bomLink returns a URN of a CycloneDX document (cyclonedx.org/capabilities/bomlink), or the ID of another.
func bomLink(d *Document) string {
	serial, ok := strings.CutPrefix(d.found.ID, "urn:uuid:")
	if d.format.Spec != CycloneDX || !ok {
		return d.found.ID
	}
	version := "1"
	if tree, err := tree.Parse(d.json); err == nil {
		if v := tree.Get("version"); v != nil && v.Text != "" {
			version = v.Text
		}
	}
	return "urn:cdx:" + serial + "/" + version
}
