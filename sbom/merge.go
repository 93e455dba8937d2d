package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// MergeMode says how a document is made of others.
type MergeMode uint8

const (
	// Flat lists a component once, even if several documents have it: one with the same canonical package URL, or without one
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
	// Same counts the components that an earlier document already listed.
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
	m := merger{opts: o, format: o.Format, report: &MergeReport{Conversions: make([]*Report, len(docs))},
		seen: map[string]*tree.Node{}, lines: map[string]bool{}}
	if m.format == (Format{}) {
		m.format = docs[0].format
	}
	if !isWritten(m.format) {
		return nil, nil, fmt.Errorf("sbom: %w: %v cannot be written", ErrVersion, m.format)
	}
	m.spec = specOf(m.format)
	m.Merged = specification.Merged{Words: m.spec.Words, Version: m.format.Version, Hierarchical: o.Mode == Hierarchical,
		IDs: spec.Names{}, Conflict: m.conflict, Inside: map[*tree.Node]*tree.Node{}, Contained: map[string]bool{}}
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
	m.spec.Merge.End(&m.Merged)
	out, err := parseJSON(m.Out.Render())
	return out, m.report, err
}

type merger struct {
	specification.Merged
	opts   *MergeOptions
	format Format
	spec   *specification.Specification
	report *MergeReport
	seen   map[string]*tree.Node // components by what they are, in Flat
	lines  map[string]bool       // of standalone parts
	refs   map[*tree.Node]Ref    // the components of the document at work on
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
		ID: tree.Constant("urn:uuid:" + spec.UUID(hex.EncodeToString(digest.Sum(nil))))}
	h.Tools = []model.Party{{Kind: "Tool", Name: tree.Constant("lading")}}
	h.Elements = []*model.Element{{ID: tree.Constant("merged"), Kind: tree.Constant("application"), Name: tree.Constant(name),
		Version: tree.Constant(m.opts.Version)}}
	h.Roots = []int{0}
	m.Out = m.spec.Write(h)
	if _, _, err := conform(m.Out, m.format, madeAt(&ConvertOptions{})); err != nil {
		return err
	}
	m.Out.Each(func(n *tree.Node) {
		id := tree.Definition(n, m.Words)
		if id == nil {
			return
		}
		m.IDs.Unique(id.Text)
		if c := n.Str("name").S; m.Root == "" && c == name && (n.Str("type").S == "application" || n.Get("SPDXID") != nil &&
			n != m.Out || n.Get("software_primaryPurpose") != nil) {
			m.Root = id.Text
		}
	})
	return nil
}

// conflict notes what the document at work on says of a component, or of itself, and the result does not.
func (m *merger) conflict(component *tree.Node, field, kept, dropped string) {
	ref := None
	if component != nil {
		ref = m.refs[component]
	}
	m.report.Conflicts = append(m.report.Conflicts, Conflict{m.Doc, ref, field, kept, dropped})
}

// add merges one document.
func (m *merger) add(i int, d *Document) error {
	m.Doc = i
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
	m.ID, m.Same = converted.found.ID, m.recognize(converted, nodes)
	m.assignIDs(input, m.Same)
	for _, n := range nodes {
		if kept := m.Same[n]; kept != nil {
			m.report.Same++
			m.combine(kept, n)
		}
	}
	var roots []string
	for _, ref := range converted.Roots() {
		n := nodes[ref]
		if kept := m.Same[n]; kept != nil {
			n = kept
		}
		roots = append(roots, m.IDOf(n))
	}
	m.About = append(m.About, m.spec.Merge.Add(&m.Merged, input, roots)...)
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
		// A component listed twice in one document is kept twice: it sits in two places.
		times[key]++
		key = fmt.Sprintf("%s\x00%d", key, times[key])
		kept := m.seen[key]
		if kept == nil {
			m.seen[key] = n
			continue
		}
		if name, a, b := contradiction(m.Words, kept, n); name != "" {
			m.conflict(n, name, a, b)
			continue
		}
		same[n] = kept
	}
	return same
}

// assignIDs gives the parts of a document IDs that no other part of the result has, and those that are the same the one of
// what they are the same as.
func (m *merger) assignIDs(input *tree.Node, same map[*tree.Node]*tree.Node) {
	known := map[string]string{} // IDs of what the result has, with those that it has them by
	input.Each(func(n *tree.Node) {
		kept := same[n]
		if kept == nil {
			return
		}
		if id := tree.Definition(n, m.Words); id != nil {
			known[id.Text] = m.IDOf(kept)
		}
		for _, v := range n.Members {
			var parts []string
			if describesComponent(v.Name) {
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
	units := m.standalone(input, same)
	again := m.alreadyPresent(units, ids, known)

	to := map[string]string{}
	for _, id := range ids {
		if _, twice := to[id]; twice {
			continue // and not to be told apart
		}
		if name, ok := known[id]; ok {
			to[id] = name
		} else {
			to[id] = m.IDs.Unique(id)
		}
	}
	for from, name := range to {
		if from == name {
			delete(to, from)
		}
	}
	tree.Rename(input, m.Words, to)
	for i, u := range units {
		if again[i] {
			same[u] = u
		} else {
			m.lines[m.fingerprint(u)] = true
		}
	}
}

func (m *merger) defined(n *tree.Node, visit func(id string)) {
	n.Each(func(n *tree.Node) {
		if id := tree.Definition(n, m.Words); id != nil {
			visit(id.Text)
		}
	})
}

// standalone lists the parts of a document, other than components that are in the result, that have IDs and are taken as a whole
// or not at all: what is letter for letter the same, and refers to the same, is the same.
func (m *merger) standalone(input *tree.Node, same map[*tree.Node]*tree.Node) (out []*tree.Node) {
	for _, list := range m.spec.Merge.Parts(input) {
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

// fingerprint writes a unit down to be compared. When SPDX 3 says that an element was made is left out.
func (m *merger) fingerprint(n *tree.Node) string {
	if info := n.Get("creationInfo"); info != nil {
		n = &tree.Node{Kind: n.Kind, Members: slices.DeleteFunc(slices.Clone(n.Members),
			func(v tree.Member) bool { return v.Name == "creationInfo" })}
	}
	return n.Line(true)
}

// alreadyPresent finds the units that the result has, and adds their IDs to those that are known of the document's. One that
// refers to something that gets another ID is another one, and so on.
func (m *merger) alreadyPresent(units []*tree.Node, ids []string, known map[string]string) []bool {
	again, unit := make([]bool, len(units)), map[string]int{}
	users := map[string][]int{}
	for i, u := range units {
		if !m.lines[m.fingerprint(u)] {
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
				tree.ReferAs(v.Value, m.Words, v.Name, func(r *tree.Node) { users[r.Text] = append(users[r.Text], i) })
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

// mergeableLists are the members of components whose elements stand for themselves.
var mergeableLists = spec.Set("hashes", "externalReferences", "properties", "tags", "checksums", "externalRefs", "attributionTexts",
	"annotations",
	"verifiedUsing", "externalIdentifier", "externalRef", "hasFiles", "components", "services")

// combine adds to a component what another document says of it.
func (m *merger) combine(kept, n *tree.Node) {
	for _, v := range n.Members {
		have := kept.Get(v.Name)
		switch {
		case !describesComponent(v.Name):
		case have == nil || have.Text == "NOASSERTION":
			kept.Remove(v.Name)
			kept.Set(v.Name, v.Value)
		case v.Value.Text == "NOASSERTION" || have.Equal(v.Value):
		case mergeableLists[v.Name]:
			have.Unite(v.Value)
		default:
			m.conflict(n, v.Name, have.Show(), v.Value.Show())
		}
	}
}

// link refers to a document.
func (m *merger) link(i int, d *Document) error {
	m.Doc = i
	if d.found.ID == "" {
		return ErrNoID
	}
	sum := sha256.Sum256(d.source)
	l := &specification.Linked{ID: d.found.ID, Source: d.source, SHA256: hex.EncodeToString(sum[:]), Text: d.json,
		Alike: specOf(d.format) == m.spec}
	if roots := d.Roots(); len(roots) > 0 {
		c := d.components[roots[0]]
		l.About = index.Component{ID: c.ID, Kind: c.Kind, Group: c.Group, Name: c.Name, Version: c.Version, PURL: c.PURL}
	}
	m.spec.Merge.Link(&m.Merged, l)
	return nil
}
