package sbom

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/spdxexp"
)

const notDescribed = "the other format relates only what the document describes"

const noPedigree = "what a component was made from would be packages of their own in SPDX, which readers take for parts"

const ownSchema = "it names the schema of the format that the document was in"

// readCycloneDX takes from a CycloneDX document what the specifications have in common.
func readCycloneDX(root *node) *hub {
	h := &hub{extracted: map[string]*extracted{}}
	h.leaves = compactNodes([]*node{root.get("bomFormat"), root.get("specVersion")})
	root.get("$schema").explainSelf(Dropped, ownSchema)
	h.id = root.str("serialNumber")
	if v := root.get("version"); v != nil && v.leaf() {
		h.version = text{v.text, v}
	}
	m := root.get("metadata")
	h.created = m.str("timestamp")
	for _, a := range m.list("authors") {
		h.authors = append(h.authors, *cycloneDXParty(a, "Person"))
	}
	h.manufacturer = cycloneDXParty(m.get("manufacturer"), "Organization")
	if h.manufacturer == nil {
		h.manufacturer = cycloneDXParty(m.get("manufacture"), "Organization")
	}
	h.supplier = cycloneDXParty(m.get("supplier"), "Organization")
	tools := m.get("tools")
	for _, list := range [][]*node{tools.list("components"), tools.list("services"), m.list("tools")} {
		for _, t := range list {
			h.tools = append(h.tools, party{kind: "Tool", name: t.str("name"), version: t.str("version")})
		}
	}
	for _, l := range m.list("lifecycles") {
		if phase := l.str("phase"); phase.ok() {
			h.lifecycles = append(h.lifecycles, phase)
		}
	}
	if l := m.list("licenses"); len(l) == 1 {
		h.dataLicense = l[0].get("license").str("id")
	}
	for _, p := range m.list("properties") {
		name, value := p.str("name"), p.str("value")
		if h.take(name.s, value) {
			h.leaves = append(h.leaves, name.src)
		} else {
			h.properties = append(h.properties, property{name, value})
		}
	}
	for _, r := range root.list("externalReferences") {
		h.references = append(h.references, cycloneDXReference(r))
	}
	if c := m.get("component"); c != nil {
		h.roots = []int{h.cycloneDXElement(c, -1)}
	}
	for _, c := range root.list("components") {
		h.cycloneDXElement(c, -1)
	}
	for _, d := range root.list("dependencies") {
		ref := d.str("ref")
		from := h.find(ref.s)
		if from < 0 {
			ref.src.explainSelf(Dropped, notDescribed)
		}
		n := len(h.edges)
		for _, v := range d.list("dependsOn") {
			if v.kind == strictjson.String {
				h.edges = append(h.edges, edge{from: from, to: h.find(v.text), kind: "DEPENDS_ON", fromText: ref, toText: text{v.text, v}})
			}
		}
		if n == len(h.edges) && from >= 0 && len(d.list("provides")) == 0 {
			h.edges = append(h.edges, edge{from: from, to: -1, kind: "DEPENDS_ON", fromText: ref, toText: text{"NONE", d.get("dependsOn")}})
		}
	}
	h.optionalEdges()
	h.cycloneDXCompositions(root)
	h.cycloneDXAnnotations(root)
	h.cycloneDXVulnerabilities(root)
	return h
}

// take reads back what a conversion from SPDX wrote as a property of the document, and reports whether it was that.
func (h *hub) take(name string, t text) bool {
	name, ok := strings.CutPrefix(name, "lading:spdx:")
	to := map[string]*text{"comment": &h.comment, "creationComment": &h.creationComment, "licenseListVersion": &h.listVersion,
		"name": &h.name}[name]
	if !ok || !t.ok() || to == nil || to.ok() {
		return false
	}
	*to = t
	return true
}

// optionalEdges makes dependencies on what is optional optional dependencies: SPDX says so of the dependency.
func (h *hub) optionalEdges() {
	reached := map[int]bool{}
	for k := range h.edges {
		e := &h.edges[k]
		if e.kind != string(DependsOn) || e.to < 0 || e.from < 0 || h.elements[e.to].scope.s != "optional" {
			continue
		}
		reached[e.to] = true
		e.also = append(e.also, h.elements[e.to].scope.src)
		e.kind, e.from, e.to, e.fromText, e.toText = string(optionalFor), e.to, e.from, e.toText, e.fromText
	}
	for i, e := range h.elements {
		switch {
		case e.scope.s == "required":
			e.scope.src.explainSelf(Dropped, "SPDX says it by leaving it out: it is the default")
		case e.scope.s == "optional" && !reached[i]:
			e.scope.src.explainSelf(Dropped, "SPDX says it of a dependency, and nothing here depends on this")
		case e.scope.ok():
			e.scope.src.explainSelf(Dropped, noSuchScope)
		}
	}
}

// cycloneDXAnnotations reads annotations of the document's components.
func (h *hub) cycloneDXAnnotations(root *node) {
	for _, n := range root.list("annotations") {
		a := annotation{subject: -1, date: n.str("timestamp"), body: n.str("text"), kind: said("OTHER")}
		for _, kind := range []string{"organization", "individual", "component", "service"} {
			want := map[string]string{"organization": "Organization", "individual": "Person"}[kind]
			if who := n.get("annotator").get(kind); who != nil {
				a.who = cycloneDXParty(who, cmp.Or(want, "Tool"))
			}
		}
		for i, subject := range listOrOne(n.get("subjects")) {
			at := h.find(subject.text)
			if at < 0 {
				subject.explainSelf(Dropped, notDescribed)
				continue
			}
			a.subject, a.also = at, []*node{subject}
			h.annotations = append(h.annotations, a)
			if i == 0 {
				a.date.src, a.body.src = nil, nil
			}
		}
	}
}

func cycloneDXParty(n *node, kind string) *party {
	if n == nil {
		return nil
	}
	p := &party{kind: kind, name: n.str("name"), email: n.str("email")}
	if u := n.list("url"); len(u) > 0 && u[0].kind == strictjson.String {
		p.url = text{u[0].text, u[0]}
	}
	if c := n.list("contact"); len(c) > 0 && !p.email.ok() {
		p.email = c[0].str("email")
	}
	return p
}

func (h *hub) cycloneDXElement(n *node, parent int) int {
	e := &element{id: n.str("bom-ref"), kind: n.str("type"), group: n.str("group"), name: n.str("name"), version: n.str("version"),
		copyright: n.str("copyright"), description: n.str("description"), publisher: n.str("publisher"), scope: n.str("scope")}
	e.mediaType = n.str("mime-type")
	for _, kind := range []string{"swhid", "omniborId"} {
		for _, v := range n.list(kind) {
			if v.kind == strictjson.String {
				e.identifiers = append(e.identifiers, identifier{kind: said(strings.Replace(kind, "omniborId", "gitoid", 1)), value: text{v.text, v}})
			}
		}
	}
	if id := n.get("swid").str("tagId"); id.ok() {
		e.identifiers = append(e.identifiers, identifier{kind: said("swid"), value: id})
	}
	if t := n.str("purl"); t.ok() {
		e.purls = []text{t}
	}
	if t := n.str("cpe"); t.ok() {
		e.cpes = []text{t}
	}
	e.hashes = cycloneDXHashes(n)
	for _, l := range n.list("licenses") {
		e.licenses = append(e.licenses, cycloneDXLicense(l))
		h.cycloneDXDetails(l)
	}
	e.supplier = cycloneDXParty(n.get("supplier"), "Organization")
	e.manufacturer = cycloneDXParty(n.get("manufacturer"), "Organization")
	for _, a := range n.list("authors") {
		e.authors = append(e.authors, *cycloneDXParty(a, "Person"))
	}
	if a := n.str("author"); a.ok() {
		e.authors = append(e.authors, party{kind: "Person", name: a})
	}
	for _, r := range n.list("externalReferences") {
		kind, url := r.str("type"), r.str("url")
		switch {
		case kind.s == "website" && !e.homepage.ok() && len(r.members) == 2:
			e.homepage = url
			e.leaves = append(e.leaves, kind.src)
		case kind.s == "distribution" && !e.download.ok() && len(r.members) == 2 && strings.Contains(url.s, "://"):
			e.download = url
			e.leaves = append(e.leaves, kind.src)
		case kind.s == "distribution" && !e.download.ok() && len(r.members) == 3 && strings.Contains(url.s, "://") &&
			e.hashes == nil && len(r.list("hashes")) > 0:
			e.download = url // as npm's programs have it: the hashes of what is there are the package's
			e.leaves = append(e.leaves, kind.src)
			e.hashes, e.archived = cycloneDXHashes(r), true
			for _, x := range e.hashes {
				x.value.src.explainSelf(Changed, "SPDX has hashes of a package, and none of a reference")
			}
		default:
			e.references = append(e.references, cycloneDXReference(r))
		}
	}
	if p := n.get("pedigree"); p != nil {
		for _, leaf := range p.all(nil) {
			leaf.explainSelf(Dropped, noPedigree)
		}
	}
	e.model = cycloneDXModel(n.get("modelCard"))
	e.cycloneDXEvidence(n.get("evidence"))
	for _, l := range n.get("evidence").list("licenses") {
		h.cycloneDXDetails(l)
	}
	for _, p := range n.list("properties") {
		e.properties = append(e.properties, property{p.str("name"), p.str("value")})
	}
	i := len(h.elements)
	h.elements = append(h.elements, e)
	if parent >= 0 {
		h.edges = append(h.edges, edge{from: parent, to: i, kind: "CONTAINS"})
	}
	for _, c := range n.list("components") {
		h.cycloneDXElement(c, i)
	}
	return i
}

func cycloneDXLicense(l *node) license {
	c := license{expression: l.str("expression")}
	holder := l
	if i := l.get("license"); i != nil {
		holder = i
		c.id, c.name, c.url = i.str("id"), i.str("name"), i.str("url")
		if body := i.get("text"); body.get("encoding") == nil {
			c.body = body.str("content")
		}
	}
	if a := holder.str("acknowledgement"); a.ok() {
		c.role, c.roleFrom = a.s, a.src
	}
	return c
}

// cycloneDXDetails reads the texts of the licences of an expression (1.7, licenseChoice, expressionDetails).
func (h *hub) cycloneDXDetails(l *node) {
	for _, d := range l.list("expressionDetails") {
		id, body := d.str("licenseIdentifier"), d.get("text").str("content")
		c := h.extracted[id.s]
		switch {
		case !isSPDXRef(id.s, "LicenseRef-"):
			for _, leaf := range d.all(nil) {
				leaf.explainSelf(Dropped, "SPDX has the texts of licences that its list does not have")
			}
		case d.get("text").get("encoding") != nil:
			for _, leaf := range d.get("text").all(nil) {
				leaf.explainSelf(Dropped, "SPDX has licences as text, not encoded")
			}
		case c != nil && c.body.s != body.s:
			for _, leaf := range d.all(nil) {
				leaf.explainSelf(Dropped, "SPDX has one text of a licence")
			}
		case c != nil:
			c.also = append(c.also, d.all(nil)...)
		case body.ok():
			if h.extracted == nil {
				h.extracted = map[string]*extracted{}
			}
			c = &extracted{id: id, body: body, seeAlso: texts2(d, "url")}
			h.extracted[id.s] = c
		}
	}
}

// cycloneDXEvidence reads what was found in a component's files.
func (e *element) cycloneDXEvidence(n *node) {
	for _, l := range n.list("licenses") {
		c := cycloneDXLicense(l)
		c.role, c.roleFrom = "found", nil
		e.licenses = append(e.licenses, c)
	}
	for _, x := range n.list("copyright") {
		e.copyrights = append(e.copyrights, x.str("text"))
	}
}

// settle reads back what a conversion wrote as properties, and makes claims of what was found where nothing is claimed: what
// another format says in its own way, which is not what this document says.
func (h *hub) settle() {
	for _, e := range h.elements {
		e.properties = slices.DeleteFunc(e.properties, func(p property) bool {
			taken := e.take(p.name.s, p.value) || e.snippetProperty(p.name.s, p.value)
			if taken {
				e.leaves = append(e.leaves, compactNodes([]*node{p.name.src})...)
			}
			return taken
		})
		if e.copyright.ok() || e.copyrights == nil {
			continue
		}
		var lines []string
		for _, t := range e.copyrights {
			lines = append(lines, t.s)
			t.src.explainSelf(Changed, "SPDX does not tell evidence of a copyright from the claim")
			e.leaves = append(e.leaves, compactNodes([]*node{t.src})...)
		}
		e.copyright = said(strings.Join(lines, "\n"))
	}
	h.findFiles()
	for _, e := range h.elements { // a file whose parts are described is one
		if e.snippet != nil && e.snippet.at >= 0 {
			if f := h.elements[e.snippet.at]; f.kind.s == "file" && !f.version.ok() && f.purls == nil {
				f.file = true
			}
		}
	}
}

func cycloneDXReference(r *node) reference {
	return reference{kind: r.str("type"), url: r.str("url"), comment: r.str("comment"), hashes: cycloneDXHashes(r)}
}

func cycloneDXHashes(n *node) (out []hash) {
	for _, v := range n.list("hashes") {
		out = append(out, hash{v.str("alg"), v.str("content")})
	}
	return out
}

// writeCycloneDX writes CycloneDX with all that 1.7 has, from which the document is fitted to the version that is wanted.
func (h *hub) writeCycloneDX() *node {
	root := newObject()
	root.set("bomFormat", newText("CycloneDX", h.leaves...))
	root.set("specVersion", newText("1.6"))
	var extra []property
	if strings.HasPrefix(h.id.s, "urn:uuid:") {
		root.put("serialNumber", h.id)
	} else if h.id.ok() {
		root.set("serialNumber", newText("urn:uuid:"+uuid(h.id.s)))
		extra = append(extra, property{said("lading:spdx:documentNamespace"), h.id})
	}
	root.set("version", newLiteral("1"))
	m := newObject()
	if h.created.ok() {
		m.put("timestamp", h.created)
	}
	for _, l := range h.lifecycles {
		o := m.add("lifecycles", newObject())
		o.put("phase", l)
	}
	if len(h.tools) > 0 {
		tools := m.set("tools", newObject())
		for _, t := range h.tools {
			o := tools.add("components", newObject())
			o.set("type", newText("application"))
			o.set("name", newText(t.name.s, append(t.also, t.name.src)...))
			o.put("version", t.version)
		}
	}
	for _, a := range h.authors {
		if a.kind == "Organization" && h.manufacturer == nil {
			h.manufacturer = &a
			continue
		}
		m.add("authors", cycloneDXPartyOut(&a, "Person"))
	}
	rootElement := -1
	if len(h.roots) == 1 {
		rootElement = h.roots[0]
	}
	var metaComponent *node
	if rootElement >= 0 {
		metaComponent = m.set("component", newObject())
	}
	if h.manufacturer != nil {
		m.set("manufacturer", cycloneDXPartyOut(h.manufacturer, "Organization"))
	}
	if h.supplier != nil {
		m.set("supplier", cycloneDXPartyOut(h.supplier, "Organization"))
	}
	if h.dataLicense.ok() && h.dataLicense.s != "NOASSERTION" {
		l := newObject()
		l.set("license", newObject()).put("id", h.dataLicense)
		m.add("licenses", l)
	}
	if h.name.ok() {
		extra = append(extra, property{said("lading:spdx:name"), h.name})
	}
	for i, t := range []text{h.comment, h.creationComment, h.listVersion} {
		if t.ok() {
			extra = append(extra, property{said("lading:spdx:" + documentProperties[i]), t})
		}
	}
	for _, p := range append(extra, h.properties...) {
		o := m.add("properties", newObject())
		o.put("name", p.name)
		o.put("value", p.value)
	}
	if len(m.members) > 0 {
		root.set("metadata", m)
	}

	// Nesting shows containment where it is a tree.
	parent := make([]int, len(h.elements))
	containment := make([]*edge, len(h.elements))
	ofRoot := map[int]*edge{}
	height := make([]int, len(h.elements)) // of the tree below
	for i := range parent {
		parent[i] = -1
	}
	for k := range h.edges {
		e := &h.edges[k]
		if e.kind != "CONTAINS" || e.from < 0 || e.to < 0 || parent[e.to] >= 0 || e.to == rootElement {
			continue
		}
		if e.from == rootElement { // as all that stands at the top of a document is of what it is about
			if len(e.also) > 0 && ofRoot[e.to] == nil {
				ofRoot[e.to] = e
				e.also[0].explainSelf(Changed, "in CycloneDX a component at the top is part of what the document is about, or needed by it")
			}
			continue
		}
		fits := true
		for p, n := e.from, height[e.to]; p >= 0 && fits; p, n = parent[p], n+1 {
			fits = p != e.to && n < maxNesting
		}
		if fits {
			parent[e.to], containment[e.to] = e.from, e
			for p, n := e.from, height[e.to]+1; p >= 0 && height[p] < n; p, n = parent[p], n+1 {
				height[p] = n
			}
		}
	}
	nodes := make([]*node, len(h.elements))
	ids := names{}
	for i, e := range h.elements {
		nodes[i] = newObject()
		if i == rootElement {
			nodes[i] = metaComponent
		}
		if e.id.ok() {
			e.id.s = ids.unique(e.id.s)
		}
	}
	for i, e := range h.elements {
		h.cycloneDXComponent(nodes[i], e)
	}
	h.markOptional(nodes)
	if rootElement >= 0 {
		metaComponent.members[0].value.from = append(metaComponent.members[0].value.from, h.rootFrom[rootElement]...)
	} else {
		for _, list := range h.rootFrom {
			for _, n := range list {
				n.explainSelf(Dropped, "CycloneDX is about one component, and this is about several")
			}
		}
	}
	for i := range h.elements {
		switch {
		case i == rootElement:
		case parent[i] >= 0:
			e := containment[i]
			typ := nodes[i].get("type")
			typ.from = append(typ.from, compactNodes(append([]*node{e.fromText.src, e.toText.src}, e.also...))...)
			nodes[parent[i]].add("components", nodes[i])
		default:
			if e := ofRoot[i]; e != nil {
				typ := nodes[i].get("type")
				typ.from = append(typ.from, compactNodes(append([]*node{e.fromText.src, e.toText.src}, e.also...))...)
			}
			root.add("components", nodes[i])
		}
	}
	for _, c := range h.extracted {
		if c.inExpression {
			c.name.src.explainSelf(Dropped, "CycloneDX has the text of a licence in an expression, not its name")
		}
		if c.used || c.inExpression {
			continue
		}
		c.name.src.explainSelf(Dropped, "no licence of a component refers to it")
		for _, n := range append([]*node{c.id.src, c.body.src, c.comment.src}, c.also...) {
			n.explainSelf(Dropped, "no licence of a component refers to it")
		}
		for _, t := range c.seeAlso {
			t.src.explainSelf(Dropped, "no licence of a component refers to it")
		}
	}
	h.cycloneDXOutside(root)
	h.cycloneDXDependencies(root)
	h.writeCycloneDXCompositions(root)
	h.writeCycloneDXAnnotations(root, rootElement)
	h.writeCycloneDXVulnerabilities(root)
	return root
}

// documentProperties are the properties of what SPDX says of a document and CycloneDX has no member for.
var documentProperties = [3]string{"comment", "creationComment", "licenseListVersion"}

// markOptional says of components that they are optional, if all that need them can do without.
func (h *hub) markOptional(nodes []*node) {
	optional := make([]int, len(h.elements)) // 1: needed by some that can do without, 2: and by one that cannot
	for _, e := range h.edges {
		needed := e.to
		needs, turned := needing(RelationshipType(e.kind))
		if turned {
			needed = e.from
		}
		if needs && needed >= 0 {
			optional[needed] = max(optional[needed], map[bool]int{true: 1, false: 2}[e.kind == string(optionalFor)])
		}
	}
	for i, n := range nodes {
		if optional[i] == 1 && !h.isRoot[i] {
			n.set("scope", newText("optional"))
		}
	}
}

// writeCycloneDXAnnotations writes what was said of components; of the document it is said of what that is about.
func (h *hub) writeCycloneDXAnnotations(root *node, rootElement int) {
	for _, a := range h.annotations {
		at := a.subject
		if at < 0 {
			at = rootElement
		}
		if at < 0 || !h.elements[at].id.ok() {
			leaves := append([]*node{a.body.src, a.date.src, a.kind.src}, a.also...)
			if a.who != nil {
				leaves = append(leaves, append([]*node{a.who.name.src, a.who.email.src}, a.who.also...)...)
			}
			for _, n := range leaves {
				n.explainSelf(Dropped, "CycloneDX annotates what has a bom-ref, and the document has none")
			}
			continue
		}
		n := newObject()
		n.add("subjects", newText(h.elements[at].id.s, a.also...))
		who := &party{kind: "Tool", name: said("lading")}
		if a.who.named() {
			who = a.who
		}
		annotator := n.set("annotator", newObject())
		switch who.kind {
		case "Person":
			annotator.set("individual", cycloneDXPartyOut(who, "Person"))
		case "Organization":
			annotator.set("organization", cycloneDXPartyOut(who, "Organization"))
		default:
			c := annotator.set("component", newObject())
			c.set("type", newText("application"))
			c.set("name", newText(who.name.s, append(slices.Clone(who.also), who.name.src)...))
			c.put("version", who.version)
		}
		n.set("timestamp", newText(cmp.Or(a.date.s, h.now), compactNodes([]*node{a.date.src})...))
		n.put("text", a.body)
		a.kind.src.explainSelf(Dropped, "CycloneDX does not tell annotations apart by type")
		root.add("annotations", n)
	}
}

// maxNesting bounds how deep components are nested in a document that a conversion writes.
const maxNesting = 50

func (h *hub) cycloneDXDependencies(root *node) {
	entries := map[string]*node{}
	entry := func(id string, from []*node) *node {
		d := entries[id]
		if d == nil {
			d = root.add("dependencies", newObject())
			d.set("ref", newText(id))
			entries[id] = d
		}
		ref := d.members[0].value
		ref.from = append(ref.from, compactNodes(from)...)
		return d
	}
	type pair struct{ from, to string }
	have := map[pair]*node{}
	for k := range h.edges {
		e := &h.edges[k]
		leaves := append([]*node{e.fromText.src, e.toText.src, e.scope}, e.also...)
		needs, turned := needing(RelationshipType(e.kind))
		e.comment.src.explainSelf(Dropped, "a dependency of CycloneDX has no comment")
		a, b := e.from, e.to
		if turned {
			a, b = b, a
		}
		switch {
		case !needs:
			switch {
			case e.kind != string(Contains):
				e.explain(noSuchRelation)
			case e.from >= 0 && e.to < 0 && e.toText.s == "NOASSERTION":
				h.notKnown(e, leaves)
			default:
				e.explain("nesting in CycloneDX is a tree of what the document describes")
			}
			continue
		case a < 0 || h.elements[a].id.s == "":
			e.explain(notDescribed)
			continue
		}
		from := h.elements[a].id.s
		if b < 0 && e.toText.s == "NONE" && e.kind == string(DependsOn) {
			entry(from, leaves)
			continue
		}
		if b < 0 && e.toText.s == "NOASSERTION" { // SPDX 2.3, clause 11.1: whether there are any is not said
			h.notKnown(e, leaves)
			continue
		}
		if b < 0 || h.elements[b].id.s == "" {
			e.explain(notDescribed)
			continue
		}
		to := h.elements[b].id.s
		if e.kind != string(DependsOn) && e.kind != string(optionalFor) && len(e.also) > 0 {
			for _, n := range []*node{e.also[0], e.scope} {
				n.explainSelf(Changed, "CycloneDX does not say on what occasion one needs another; written as dependsOn")
			}
		}
		if v := have[pair{from, to}]; v != nil {
			v.from = append(v.from, compactNodes(leaves)...)
			continue
		}
		d := entry(from, nil)
		v := newText(to, leaves...)
		have[pair{from, to}] = v
		d.add("dependsOn", v)
	}
}

func cycloneDXPartyOut(p *party, want string) *node {
	o := newObject()
	name := p.name
	v := newText(name.s, append(p.also, name.src)...)
	if p.kind != want && p.kind != "" {
		for _, f := range v.from {
			f.loss = &Loss{Kind: Changed, Reason: "CycloneDX has a place for " + want + " only here, not " + p.kind}
		}
	}
	o.set("name", v)
	if p.url.ok() && want == "Organization" {
		o.add("url", newText(p.url.s, p.url.src))
	}
	if p.email.ok() {
		if want == "Organization" {
			c := o.add("contact", newObject())
			c.put("email", p.email)
		} else {
			o.put("email", p.email)
		}
	}
	return o
}

// kinds are CycloneDX's types by SPDX 2's purposes.
var kinds = map[string]string{
	"APPLICATION": "application", "FRAMEWORK": "framework", "LIBRARY": "library", "CONTAINER": "container",
	"OPERATING-SYSTEM": "operating-system", "OPERATING_SYSTEM": "operating-system", "DEVICE": "device",
	"FIRMWARE": "firmware", "FILE": "file",
}

// cycloneDXTypes are those of components that CycloneDX 1.6 has.
var cycloneDXTypes = []string{"application", "framework", "library", "container", "platform", "operating-system", "device",
	"device-driver", "firmware", "file", "machine-learning-model", "data", "cryptographic-asset"}

// cycloneDXHashAlgorithms are those that CycloneDX 1.7 has.
var cycloneDXHashAlgorithms = []string{"MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512",
	"BLAKE2b-256", "BLAKE2b-384", "BLAKE2b-512", "BLAKE3", "Streebog-256", "Streebog-512"}

func (h *hub) cycloneDXComponent(o *node, e *element) {
	kind := "library"
	if slices.Contains(cycloneDXTypes, e.kind.s) {
		kind = e.kind.s
	} else if e.kind.ok() {
		e.kind.src.explainSelf(Changed, "CycloneDX has no such type; written as library")
	} else if k, ok := kinds[e.purpose.s]; ok {
		kind = k
	} else if e.purpose.ok() {
		e.purpose.src.explainSelf(Changed, "CycloneDX has no such type; written as library")
	} else {
		h.add("/components", "CycloneDX wants a type; library where the input gives none")
	}
	typ := o.set("type", newText(kind, append(e.leaves, e.kind.src, e.purpose.src)...))
	o.put("bom-ref", e.id)
	if e.supplier != nil {
		o.set("supplier", cycloneDXPartyOut(e.supplier, "Organization"))
	}
	if e.manufacturer != nil {
		o.set("manufacturer", cycloneDXPartyOut(e.manufacturer, "Organization"))
	}
	for i := range e.authors {
		o.add("authors", cycloneDXPartyOut(&e.authors[i], "Person"))
	}
	o.put("publisher", e.publisher)
	o.put("mime-type", e.mediaType)
	group, name := e.splitName()
	o.put("group", group)
	o.set("name", newText(name.s, compactNodes([]*node{name.src})...))
	o.put("version", e.version)
	switch {
	case e.description.ok():
		o.put("description", e.description)
		if e.summary.ok() {
			e.properties = append(e.properties, property{said("lading:spdx:summary"), e.summary})
		}
	default:
		o.put("description", e.summary)
	}
	var extra []property
	cycloneDXHashesOut(o, e.hashes)
	extra = append(extra, h.cycloneDXLicensesOf(o, e)...)
	if e.copyright.ok() && e.copyright.s != "NOASSERTION" && e.copyright.s != "NONE" {
		o.put("copyright", e.copyright)
	} else if e.copyright.ok() {
		extra = append(extra, property{said("lading:spdx:copyrightText"), e.copyright})
	}
	for i, t := range e.cpes {
		if i == 0 {
			o.put("cpe", t)
		} else {
			extra = append(extra, property{said("lading:spdx:cpe"), t})
		}
	}
	for i, t := range e.purls {
		if i == 0 {
			o.put("purl", t)
		} else {
			extra = append(extra, property{said("lading:spdx:purl"), t})
		}
	}
	typ.from = append(typ.from, compactNodes(e.purlFrom)...)
	extra = append(extra, cycloneDXIdentifiers(o, e)...)
	for _, r := range []struct {
		name, kind string
		t          text
	}{{"lading:spdx:homepage", "website", e.homepage}, {"lading:spdx:downloadLocation", "distribution", e.download}} {
		switch {
		case !r.t.ok():
		case strings.Contains(r.t.s, "://") && !strings.ContainsAny(r.t.s, " <>\"{}|\\^`") && !strings.HasPrefix(r.t.s, "git+"):
			x := o.add("externalReferences", newObject())
			x.put("url", r.t)
			x.set("type", newText(r.kind))
		default:
			extra = append(extra, property{said(r.name), r.t})
		}
	}
	for _, r := range e.references {
		cycloneDXReferenceOut(o, r)
	}
	for _, t := range []struct {
		name string
		t    text
	}{{"sourceInfo", e.sourceInfo}, {"comment", e.comment}, {"packageFileName", e.fileName}} {
		if t.t.ok() {
			extra = append(extra, property{said("lading:spdx:" + t.name), t.t})
		}
	}
	extra = append(extra, e.spdxOnly()...)
	for _, p := range append(e.properties, extra...) {
		x := o.add("properties", newObject())
		x.put("name", p.name)
		x.put("value", p.value)
	}
	if e.snippet != nil {
		e.snippet.cycloneDXOut(o)
	}
	if e.model != nil && kind == "machine-learning-model" { // of which alone CycloneDX has cards
		e.model.cycloneDXOut(h, o)
	}
	for _, t := range e.remarks {
		t.src.explainSelf(Dropped, "an identifier of CycloneDX has no comment")
	}
}

// propertyIdentifier begins the name of a property that is an identifier of a type that CycloneDX does not have.
const propertyIdentifier = "lading:spdx:externalIdentifier:"

// spdxOnly is what SPDX says of an element and CycloneDX has no member for, as properties.
func (e *element) spdxOnly() (out []property) {
	put := func(name string, list ...text) {
		for _, t := range list {
			if t.ok() {
				out = append(out, property{said("lading:spdx:" + name), t})
			}
		}
	}
	put("fileType", e.fileTypes...)
	put("fileContributor", e.contributors...)
	put("noticeText", e.notice)
	put("licenseComments", e.licenseComment)
	put("attributionText", e.attributions...)
	for i, name := range spdx2Dates {
		put(name, e.dates[i])
	}
	put("packageVerificationCode", e.verification)
	put("packageVerificationCodeExcludedFile", e.excluded...)
	return out
}

// take reads one of these properties back, and the others that a conversion from SPDX writes, and reports whether it was one.
func (e *element) take(name string, t text) bool {
	name, ok := strings.CutPrefix(name, "lading:spdx:")
	if !ok || !t.ok() {
		return false
	}
	lists := map[string]*[]text{"fileType": &e.fileTypes, "fileContributor": &e.contributors, "attributionText": &e.attributions,
		"packageVerificationCodeExcludedFile": &e.excluded, "cpe": &e.cpes, "purl": &e.purls}
	if to := lists[name]; to != nil && (name != "cpe" && name != "purl" || len(*to) > 0) { // of which the first has its member
		*to = append(*to, t)
		return true
	}
	ones := map[string]*text{"noticeText": &e.notice, "licenseComments": &e.licenseComment, "packageVerificationCode": &e.verification,
		"builtDate": &e.dates[0], "releaseDate": &e.dates[1], "validUntilDate": &e.dates[2], "sourceInfo": &e.sourceInfo, "comment": &e.comment,
		"packageFileName": &e.fileName, "summary": &e.summary, "copyrightText": &e.copyright, "homepage": &e.homepage,
		"downloadLocation": &e.download}
	if to := ones[name]; to != nil && !to.ok() {
		*to = t
		return true
	}
	if role, ok := strings.CutPrefix(name, "license-"); ok && (role == "declared" || role == "concluded" || role == "found") {
		e.licenses = append(e.licenses, license{role: role, expression: t})
		return true
	}
	if kind, ok := strings.CutPrefix("lading:spdx:"+name, propertyIdentifier); ok && slices.Contains(identifiers3, kind) {
		e.identifiers = append(e.identifiers, identifier{kind: said(kind), value: t})
		return true
	}
	if name == "swid" {
		e.identifiers = append(e.identifiers, identifier{kind: said("swid"), value: t})
		return true
	}
	return false
}

// identifiers3 are SPDX 3's types of identifiers that CycloneDX has no member for.
var identifiers3 = []string{"cve", "email", "other", "securityOther", "urlScheme"}

func cycloneDXHashesOut(o *node, list []hash) {
	for _, x := range list {
		if !slices.Contains(cycloneDXHashAlgorithms, x.alg.s) {
			x.alg.src.explainSelf(Dropped, "CycloneDX has no such hash algorithm")
			x.value.src.explainSelf(Dropped, "CycloneDX has no such hash algorithm")
			continue
		}
		v := o.add("hashes", newObject())
		v.put("alg", x.alg)
		v.put("content", x.value)
	}
}

func cycloneDXReferenceOut(o *node, r reference) {
	x := o.add("externalReferences", newObject())
	kind := r.kind.s
	if name := spdx3ReferenceNames[kind]; name != "" {
		kind = name
	}
	if !slices.Contains(cycloneDXReferences, kind) {
		kind = "other"
		r.kind.src.explainSelf(Changed, "CycloneDX has no such type of reference; written as other")
	}
	x.put("url", r.url)
	x.set("type", newText(kind, r.kind.src, r.category.src))
	x.put("comment", r.comment)
	cycloneDXHashesOut(x, r.hashes)
}

// cycloneDXIdentifiers writes identifiers other than package URLs and CPE.
func cycloneDXIdentifiers(o *node, e *element) (extra []property) {
	for _, x := range e.identifiers {
		x.comment.src.explainSelf(Dropped, "an identifier of CycloneDX has no comment")
		switch {
		case x.kind.s == "swhid":
			o.add("swhid", newText(x.value.s, x.value.src, x.kind.src))
		case x.kind.s == "gitoid":
			o.add("omniborId", newText(x.value.s, x.value.src, x.kind.src))
		case x.kind.s != "swid":
			value := x.value
			extra = append(extra, property{text{propertyIdentifier + x.kind.s, x.kind.src}, value})
		case o.get("swid") == nil:
			swid := o.set("swid", newObject())
			swid.set("tagId", newText(x.value.s, x.value.src, x.kind.src))
			swid.set("name", newText(e.name.s))
		default:
			extra = append(extra, property{text{"lading:spdx:swid", x.kind.src}, x.value})
		}
	}
	return extra
}

// explainSelf says why a leaf of the input is lost or changed.
func (n *node) explainSelf(kind LossKind, reason string) {
	if n != nil && n.loss == nil {
		n.loss = &Loss{Kind: kind, Reason: reason}
	}
}

var cycloneDXReferences = []string{"vcs", "issue-tracker", "website", "advisories", "bom", "mailing-list", "social", "chat",
	"documentation", "support", "source-distribution", "distribution", "distribution-intake", "license", "build-meta",
	"build-system", "release-notes", "security-contact", "model-card", "log", "configuration", "evidence", "formulation",
	"attestation", "threat-model", "adversary-model", "risk-assessment", "vulnerability-assertion", "exploitability-statement",
	"pentest-report", "static-analysis-report", "dynamic-analysis-report", "runtime-analysis-report", "component-analysis-report",
	"maturity-report", "certification-report", "codified-infrastructure", "quality-metrics", "poam", "electronic-signature",
	"digital-signature", "rfc-9116", "patent", "patent-family", "patent-assertion", "citation", "other"}

// cycloneDXLicensesOf writes what an element says of its licence, and apart from it what was found in files.
func (h *hub) cycloneDXLicensesOf(o *node, e *element) (extra []property) {
	var own, found []license
	for _, l := range e.licenses {
		if l.role == "found" {
			found = append(found, l)
		} else {
			own = append(own, l)
		}
	}
	extra = cycloneDXLicenses(o, own, h)
	if found != nil {
		evidence := newObject()
		extra = append(extra, cycloneDXLicenses(evidence, found, h)...)
		if len(evidence.members) > 0 {
			o.set("evidence", evidence)
		}
	}
	return extra
}

// acknowledge writes whether a licence is declared or concluded.
func (l *license) acknowledge(o *node) {
	if l.role == "declared" || l.role == "concluded" {
		o.set("acknowledgement", newText(l.role, l.roleFrom))
	}
}

// cycloneDXLicenses writes licences: one expression, or a list of single licences, which 1.6 does not mix.
func cycloneDXLicenses(o *node, licenses []license, h *hub) (extra []property) {
	list, err := licenseList()
	if err != nil {
		list = nil
	}
	var usable []license
	for _, l := range licenses {
		t := l.expression
		if t.ok() && (t.s == "NOASSERTION" || t.s == "NONE") {
			extra = append(extra, property{said("lading:spdx:license-" + l.role), t})
			continue
		}
		if t.ok() && !listed(t.s) && spdxexp.Check(t.s, list, nil) != nil {
			l.expression, l.name = text{}, t // what SPDX calls no expression is the name of a licence
		}
		usable = append(usable, l)
	}
	single := func(s string) bool { return !strings.ContainsAny(s, " ()") }
	mixed := false
	for _, l := range usable {
		mixed = mixed || l.expression.ok() && (!single(l.expression.s) || !listed(l.expression.s))
	}
	written := false
	for _, l := range usable {
		x := newObject()
		switch {
		case mixed && (written || !l.expression.ok()):
			t := l.expression
			if !t.ok() {
				t = l.name
			}
			if t.ok() {
				extra = append(extra, property{said("lading:spdx:license-" + l.role), t})
			}
			continue
		case mixed:
			written = true
			x.put("expression", l.expression)
			if c := h.extracted[l.expression.s]; c != nil && single(l.expression.s) {
				x = newObject()
				c.used, c.inExpression = true, false
				v := x.set("license", newObject())
				name := c.name
				if !name.ok() || name.s == "NOASSERTION" {
					name = c.id
				}
				for _, n := range []*node{l.expression.src, c.id.src} {
					if name.s != c.id.s {
						n.explainSelf(Changed, "written by the licence's name")
					}
				}
				v.set("name", newText(name.s, compactNodes(append([]*node{name.src, l.expression.src, c.id.src}, c.also...))...))
				if c.body.ok() {
					v.set("text", newObject()).put("content", c.body)
				}
				for i, t := range c.seeAlso {
					if i == 0 {
						v.put("url", t)
					} else {
						t.src.explainSelf(Dropped, "CycloneDX has one URL of a licence")
					}
				}
				if c.comment.ok() {
					p := v.add("properties", newObject())
					p.set("name", newText("lading:spdx:comment"))
					p.put("value", c.comment)
				}
				l.acknowledge(v)
				o.add("licenses", x)
				continue
			}
			l.acknowledge(x)
			h.expressionDetails(x, l.expression.s)
		default:
			v := x.set("license", newObject())
			if l.expression.ok() {
				v.put("id", l.expression)
			} else {
				v.put("id", l.id)
				if !l.id.ok() {
					v.put("name", l.name)
				}
				v.put("url", l.url)
			}
			l.acknowledge(v)
		}
		o.add("licenses", x)
	}
	return extra
}

// expressionDetails writes the texts of the licences that an expression names and SPDX's list does not have.
func (h *hub) expressionDetails(x *node, expression string) {
	for _, id := range licenseRefsIn(expression) {
		c := h.extracted[id]
		if c == nil || !c.body.ok() {
			continue
		}
		c.inExpression = !c.used
		d := x.add("expressionDetails", newObject())
		d.set("licenseIdentifier", newText(id, append(c.also, c.id.src)...))
		d.set("text", newObject()).put("content", c.body)
		for i, t := range c.seeAlso {
			if i == 0 {
				d.put("url", t)
			} else {
				t.src.explainSelf(Dropped, "CycloneDX has one URL of a licence")
			}
		}
		c.comment.src.explainSelf(Dropped, "CycloneDX has the text of a licence in an expression, and no comment on it")
	}
}

// licenseRefsIn returns what an expression refers to, each once.
func licenseRefsIn(expression string) (ids []string) {
	for _, id := range strings.FieldsFunc(expression, func(c rune) bool { return c == ' ' || c == '(' || c == ')' || c == '+' }) {
		if strings.HasPrefix(id, "LicenseRef-") && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// listed reports whether an id is on the SPDX licence list, as it is written there.
func listed(id string) bool {
	list, err := licenseList()
	return err == nil && id != "" && list.Licenses[strings.ToLower(id)] == id
}
