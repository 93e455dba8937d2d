package sbom

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

const notDescribed = "the other format relates only what the document describes"

const noPedigree = "what a component was made from would be packages of their own in SPDX, which readers take for parts"

const ownSchema = "it names the schema of the format that the document was in"

// readCycloneDX takes from a CycloneDX document what the specifications have in common.
func readCycloneDX(root *tree.Node) *hub {
	h := &hub{extracted: map[string]*extracted{}}
	h.leaves = tree.Compact([]*tree.Node{root.Get("bomFormat"), root.Get("specVersion")})
	root.Get("$schema").ExplainSelf(tree.Dropped, ownSchema)
	h.id = root.Str("serialNumber")
	if v := root.Get("version"); v != nil && v.IsLeaf() {
		h.version = tree.Text{S: v.Text, From: v}
	}
	m := root.Get("metadata")
	h.created = m.Str("timestamp")
	for _, a := range m.List("authors") {
		h.authors = append(h.authors, *cycloneDXParty(a, "Person"))
	}
	h.manufacturer = cycloneDXParty(m.Get("manufacturer"), "Organization")
	if h.manufacturer == nil {
		h.manufacturer = cycloneDXParty(m.Get("manufacture"), "Organization")
	}
	h.supplier = cycloneDXParty(m.Get("supplier"), "Organization")
	tools := m.Get("tools")
	for _, list := range [][]*tree.Node{tools.List("components"), tools.List("services"), m.List("tools")} {
		for _, t := range list {
			h.tools = append(h.tools, party{kind: "Tool", name: t.Str("name"), version: t.Str("version")})
		}
	}
	for _, l := range m.List("lifecycles") {
		if phase := l.Str("phase"); phase.OK() {
			h.lifecycles = append(h.lifecycles, phase)
		}
	}
	if l := m.List("licenses"); len(l) == 1 {
		h.dataLicense = l[0].Get("license").Str("id")
	}
	for _, p := range m.List("properties") {
		name, value := p.Str("name"), p.Str("value")
		if h.take(name.S, value) {
			h.leaves = append(h.leaves, name.From)
		} else {
			h.properties = append(h.properties, property{name, value})
		}
	}
	for _, r := range root.List("externalReferences") {
		h.references = append(h.references, cycloneDXReference(r))
	}
	if c := m.Get("component"); c != nil {
		h.roots = []int{h.cycloneDXElement(c, -1)}
	}
	for _, c := range root.List("components") {
		h.cycloneDXElement(c, -1)
	}
	for _, d := range root.List("dependencies") {
		ref := d.Str("ref")
		from := h.find(ref.S)
		if from < 0 {
			ref.From.ExplainSelf(tree.Dropped, notDescribed)
		}
		n := len(h.edges)
		for _, v := range d.List("dependsOn") {
			if v.Kind == strictjson.String {
				h.edges = append(h.edges, edge{from: from, to: h.find(v.Text), kind: "DEPENDS_ON", fromText: ref,
					toText: tree.Text{S: v.Text, From: v}})
			}
		}
		if n == len(h.edges) && from >= 0 && len(d.List("provides")) == 0 {
			h.edges = append(h.edges, edge{from: from, to: -1, kind: "DEPENDS_ON", fromText: ref, toText: tree.Text{S: "NONE",
				From: d.Get("dependsOn")}})
		}
	}
	h.optionalEdges()
	h.cycloneDXCompositions(root)
	h.cycloneDXAnnotations(root)
	h.cycloneDXVulnerabilities(root)
	return h
}

// take reads back what a conversion from SPDX wrote as a property of the document, and reports whether it was that.
func (h *hub) take(name string, t tree.Text) bool {
	name, ok := strings.CutPrefix(name, "lading:spdx:")
	to := map[string]*tree.Text{"comment": &h.comment, "creationComment": &h.creationComment, "licenseListVersion": &h.listVersion,
		"name": &h.name}[name]
	if !ok || !t.OK() || to == nil || to.OK() {
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
		if e.kind != string(dependsOn) || e.to < 0 || e.from < 0 || h.elements[e.to].scope.S != "optional" {
			continue
		}
		reached[e.to] = true
		e.also = append(e.also, h.elements[e.to].scope.From)
		e.kind, e.from, e.to, e.fromText, e.toText = string(optionalFor), e.to, e.from, e.toText, e.fromText
	}
	for i, e := range h.elements {
		switch {
		case e.scope.S == "required":
			e.scope.From.ExplainSelf(tree.Dropped, "SPDX says it by leaving it out: it is the default")
		case e.scope.S == "optional" && !reached[i]:
			e.scope.From.ExplainSelf(tree.Dropped, "SPDX says it of a dependency, and nothing here depends on this")
		case e.scope.OK():
			e.scope.From.ExplainSelf(tree.Dropped, noSuchScope)
		}
	}
}

// cycloneDXAnnotations reads annotations of the document's components.
func (h *hub) cycloneDXAnnotations(root *tree.Node) {
	for _, n := range root.List("annotations") {
		a := annotation{subject: -1, date: n.Str("timestamp"), body: n.Str("text"), kind: tree.Constant("OTHER")}
		for _, kind := range []string{"organization", "individual", "component", "service"} {
			want := map[string]string{"organization": "Organization", "individual": "Person"}[kind]
			if who := n.Get("annotator").Get(kind); who != nil {
				a.who = cycloneDXParty(who, cmp.Or(want, "Tool"))
			}
		}
		for i, subject := range tree.ListOrOne(n.Get("subjects")) {
			at := h.find(subject.Text)
			if at < 0 {
				subject.ExplainSelf(tree.Dropped, notDescribed)
				continue
			}
			a.subject, a.also = at, []*tree.Node{subject}
			h.annotations = append(h.annotations, a)
			if i == 0 {
				a.date.From, a.body.From = nil, nil
			}
		}
	}
}

func cycloneDXParty(n *tree.Node, kind string) *party {
	if n == nil {
		return nil
	}
	p := &party{kind: kind, name: n.Str("name"), email: n.Str("email")}
	if u := n.List("url"); len(u) > 0 && u[0].Kind == strictjson.String {
		p.url = tree.Text{S: u[0].Text, From: u[0]}
	}
	if c := n.List("contact"); len(c) > 0 && !p.email.OK() {
		p.email = c[0].Str("email")
	}
	return p
}

// room makes room in a list for what an array can give.
func room[T any](list []T, array *tree.Node) []T {
	if array == nil {
		return list
	}
	return slices.Grow(list, len(array.Items))
}

func (h *hub) cycloneDXElement(n *tree.Node, parent int) int {
	e := &element{id: n.Str("bom-ref"), kind: n.Str("type"), group: n.Str("group"), name: n.Str("name"), version: n.Str("version"),
		copyright: n.Str("copyright"), description: n.Str("description"), publisher: n.Str("publisher"), scope: n.Str("scope")}
	e.mediaType = n.Str("mime-type")
	for _, kind := range []string{"swhid", "omniborId"} {
		for _, v := range n.List(kind) {
			if v.Kind == strictjson.String {
				e.identifiers = append(e.identifiers, identifier{kind: tree.Constant(strings.Replace(kind, "omniborId", "gitoid", 1)),
					value: tree.Text{S: v.Text, From: v}})
			}
		}
	}
	if id := n.Get("swid").Str("tagId"); id.OK() {
		e.identifiers = append(e.identifiers, identifier{kind: tree.Constant("swid"), value: id})
	}
	if t := n.Str("purl"); t.OK() {
		e.purls = []tree.Text{t}
	}
	if t := n.Str("cpe"); t.OK() {
		e.cpes = []tree.Text{t}
	}
	e.hashes = cycloneDXHashes(n)
	e.licenses = room(e.licenses, n.Get("licenses"))
	for _, l := range n.List("licenses") {
		e.licenses = append(e.licenses, cycloneDXLicense(l))
		h.cycloneDXDetails(l)
	}
	e.supplier = cycloneDXParty(n.Get("supplier"), "Organization")
	e.manufacturer = cycloneDXParty(n.Get("manufacturer"), "Organization")
	for _, a := range n.List("authors") {
		e.authors = append(e.authors, *cycloneDXParty(a, "Person"))
	}
	if a := n.Str("author"); a.OK() {
		e.authors = append(e.authors, party{kind: "Person", name: a})
	}
	e.references = room(e.references, n.Get("externalReferences"))
	for _, r := range n.List("externalReferences") {
		kind, url := r.Str("type"), r.Str("url")
		switch {
		case kind.S == "website" && !e.homepage.OK() && len(r.Members) == 2:
			e.homepage = url
			e.leaves = append(e.leaves, kind.From)
		case kind.S == "distribution" && !e.download.OK() && len(r.Members) == 2 && strings.Contains(url.S, "://"):
			e.download = url
			e.leaves = append(e.leaves, kind.From)
		case kind.S == "distribution" && !e.download.OK() && len(r.Members) == 3 && strings.Contains(url.S, "://") &&
			e.hashes == nil && len(r.List("hashes")) > 0:
			e.download = url // as npm's programs have it: the hashes of what is there are the package's
			e.leaves = append(e.leaves, kind.From)
			e.hashes, e.archived = cycloneDXHashes(r), true
			for _, x := range e.hashes {
				x.value.From.ExplainSelf(tree.Changed, "SPDX has hashes of a package, and none of a reference")
			}
		default:
			e.references = append(e.references, cycloneDXReference(r))
		}
	}
	if p := n.Get("pedigree"); p != nil {
		for _, leaf := range p.All(nil) {
			leaf.ExplainSelf(tree.Dropped, noPedigree)
		}
	}
	e.model = cycloneDXModel(n.Get("modelCard"))
	e.cycloneDXEvidence(n.Get("evidence"))
	for _, l := range n.Get("evidence").List("licenses") {
		h.cycloneDXDetails(l)
	}
	e.properties = room(e.properties, n.Get("properties"))
	for _, p := range n.List("properties") {
		e.properties = append(e.properties, property{p.Str("name"), p.Str("value")})
	}
	i := len(h.elements)
	h.elements = append(h.elements, e)
	if parent >= 0 {
		h.edges = append(h.edges, edge{from: parent, to: i, kind: "CONTAINS"})
	}
	for _, c := range n.List("components") {
		h.cycloneDXElement(c, i)
	}
	return i
}

func cycloneDXLicense(l *tree.Node) licenseClaim {
	c := licenseClaim{expression: l.Str("expression")}
	holder := l
	if i := l.Get("license"); i != nil {
		holder = i
		c.id, c.name, c.url = i.Str("id"), i.Str("name"), i.Str("url")
		if body := i.Get("text"); body.Get("encoding") == nil {
			c.body = body.Str("content")
		}
	}
	if a := holder.Str("acknowledgement"); a.OK() {
		c.role, c.roleFrom = a.S, a.From
	}
	return c
}

// cycloneDXDetails reads the texts of the licences of an expression (1.7, licenseChoice, expressionDetails).
func (h *hub) cycloneDXDetails(l *tree.Node) {
	for _, d := range l.List("expressionDetails") {
		id, body := d.Str("licenseIdentifier"), d.Get("text").Str("content")
		c := h.extracted[id.S]
		switch {
		case !spec.IsRef(id.S, "LicenseRef-"):
			for _, leaf := range d.All(nil) {
				leaf.ExplainSelf(tree.Dropped, "SPDX has the texts of licences that its list does not have")
			}
		case d.Get("text").Get("encoding") != nil:
			for _, leaf := range d.Get("text").All(nil) {
				leaf.ExplainSelf(tree.Dropped, "SPDX has licences as text, not encoded")
			}
		case c != nil && c.body.S != body.S:
			for _, leaf := range d.All(nil) {
				leaf.ExplainSelf(tree.Dropped, "SPDX has one text of a licence")
			}
		case c != nil:
			c.also = append(c.also, d.All(nil)...)
		case body.OK():
			if h.extracted == nil {
				h.extracted = map[string]*extracted{}
			}
			c = &extracted{id: id, body: body, seeAlso: tree.Texts(d, "url")}
			h.extracted[id.S] = c
		}
	}
}

// cycloneDXEvidence reads what was found in a component's files.
func (e *element) cycloneDXEvidence(n *tree.Node) {
	for _, l := range n.List("licenses") {
		c := cycloneDXLicense(l)
		c.role, c.roleFrom = "found", nil
		e.licenses = append(e.licenses, c)
	}
	for _, x := range n.List("copyright") {
		e.copyrights = append(e.copyrights, x.Str("text"))
	}
}

// settle reads back what a conversion wrote as properties, and makes claims of what was found where nothing is claimed: what
// another format says in its own way, which is not what this document says.
func (h *hub) settle() {
	for _, e := range h.elements {
		e.properties = slices.DeleteFunc(e.properties, func(p property) bool {
			taken := e.take(p.name.S, p.value) || e.snippetProperty(p.name.S, p.value)
			if taken {
				e.leaves = append(e.leaves, tree.Compact([]*tree.Node{p.name.From})...)
			}
			return taken
		})
		if e.copyright.OK() || e.copyrights == nil {
			continue
		}
		var lines []string
		for _, t := range e.copyrights {
			lines = append(lines, t.S)
			t.From.ExplainSelf(tree.Changed, "SPDX does not tell evidence of a copyright from the claim")
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{t.From})...)
		}
		e.copyright = tree.Constant(strings.Join(lines, "\n"))
	}
	h.findFiles()
	for _, e := range h.elements { // a file whose parts are described is one
		if e.snippet != nil && e.snippet.at >= 0 {
			if f := h.elements[e.snippet.at]; f.kind.S == "file" && !f.version.OK() && f.purls == nil {
				f.file = true
			}
		}
	}
}

func cycloneDXReference(r *tree.Node) reference {
	return reference{kind: r.Str("type"), url: r.Str("url"), comment: r.Str("comment"), hashes: cycloneDXHashes(r)}
}

func cycloneDXHashes(n *tree.Node) (out []hash) {
	out = room(out, n.Get("hashes"))
	for _, v := range n.List("hashes") {
		out = append(out, hash{v.Str("alg"), v.Str("content")})
	}
	return out
}

// writeCycloneDX writes CycloneDX with all that 1.7 has, from which the document is fitted to the version that is wanted.
func (h *hub) writeCycloneDX() *tree.Node {
	root := tree.NewObject()
	root.Set("bomFormat", tree.NewText("CycloneDX", h.leaves...))
	root.Set("specVersion", tree.NewText("1.6"))
	var extra []property
	if strings.HasPrefix(h.id.S, "urn:uuid:") {
		root.Put("serialNumber", h.id)
	} else if h.id.OK() {
		root.Set("serialNumber", tree.NewText("urn:uuid:"+spec.UUID(h.id.S)))
		extra = append(extra, property{tree.Constant("lading:spdx:documentNamespace"), h.id})
	}
	root.Set("version", tree.NewLiteral("1"))
	m := tree.NewObject()
	if h.created.OK() {
		m.Put("timestamp", h.created)
	}
	for _, l := range h.lifecycles {
		o := m.Add("lifecycles", tree.NewObject())
		o.Put("phase", l)
	}
	if len(h.tools) > 0 {
		tools := m.Set("tools", tree.NewObject())
		for _, t := range h.tools {
			o := tools.Add("components", tree.NewObject())
			o.Set("type", tree.NewText("application"))
			o.Set("name", tree.NewText(t.name.S, append(t.also, t.name.From)...))
			o.Put("version", t.version)
		}
	}
	for _, a := range h.authors {
		if a.kind == "Organization" && h.manufacturer == nil {
			h.manufacturer = &a
			continue
		}
		m.Add("authors", cycloneDXPartyOut(&a, "Person"))
	}
	rootElement := -1
	if len(h.roots) == 1 {
		rootElement = h.roots[0]
	}
	var metaComponent *tree.Node
	if rootElement >= 0 {
		metaComponent = m.Set("component", tree.NewObject())
	}
	if h.manufacturer != nil {
		m.Set("manufacturer", cycloneDXPartyOut(h.manufacturer, "Organization"))
	}
	if h.supplier != nil {
		m.Set("supplier", cycloneDXPartyOut(h.supplier, "Organization"))
	}
	if h.dataLicense.OK() && h.dataLicense.S != "NOASSERTION" {
		l := tree.NewObject()
		l.Set("license", tree.NewObject()).Put("id", h.dataLicense)
		m.Add("licenses", l)
	}
	if h.name.OK() {
		extra = append(extra, property{tree.Constant("lading:spdx:name"), h.name})
	}
	for i, t := range []tree.Text{h.comment, h.creationComment, h.listVersion} {
		if t.OK() {
			extra = append(extra, property{tree.Constant("lading:spdx:" + documentProperties[i]), t})
		}
	}
	for _, p := range append(extra, h.properties...) {
		o := m.Add("properties", tree.NewObject())
		o.Put("name", p.name)
		o.Put("value", p.value)
	}
	if len(m.Members) > 0 {
		root.Set("metadata", m)
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
				e.also[0].ExplainSelf(tree.Changed,
					"in CycloneDX a component at the top is part of what the document is about, or needed by it")
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
	nodes := make([]*tree.Node, len(h.elements))
	ids := spec.Names{}
	for i, e := range h.elements {
		nodes[i] = tree.NewObject()
		if i == rootElement {
			nodes[i] = metaComponent
		}
		if e.id.OK() {
			e.id.S = ids.Unique(e.id.S)
		}
	}
	for i, e := range h.elements {
		h.cycloneDXComponent(nodes[i], e)
	}
	h.markOptional(nodes)
	if rootElement >= 0 {
		metaComponent.Members[0].Value.From = append(metaComponent.Members[0].Value.From, h.rootFrom[rootElement]...)
	} else {
		for _, list := range h.rootFrom {
			for _, n := range list {
				n.ExplainSelf(tree.Dropped, "CycloneDX is about one component, and this is about several")
			}
		}
	}
	for i := range h.elements {
		switch {
		case i == rootElement:
		case parent[i] >= 0:
			e := containment[i]
			typ := nodes[i].Get("type")
			typ.From = append(typ.From, tree.Compact(append([]*tree.Node{e.fromText.From, e.toText.From}, e.also...))...)
			nodes[parent[i]].Add("components", nodes[i])
		default:
			if e := ofRoot[i]; e != nil {
				typ := nodes[i].Get("type")
				typ.From = append(typ.From, tree.Compact(append([]*tree.Node{e.fromText.From, e.toText.From}, e.also...))...)
			}
			root.Add("components", nodes[i])
		}
	}
	for _, c := range h.extracted {
		if c.inExpression {
			c.name.From.ExplainSelf(tree.Dropped, "CycloneDX has the text of a licence in an expression, not its name")
		}
		if c.used || c.inExpression {
			continue
		}
		c.name.From.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
		for _, n := range append([]*tree.Node{c.id.From, c.body.From, c.comment.From}, c.also...) {
			n.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
		}
		for _, t := range c.seeAlso {
			t.From.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
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
func (h *hub) markOptional(nodes []*tree.Node) {
	optional := make([]int, len(h.elements)) // 1: needed by some that can do without, 2: and by one that cannot
	for _, e := range h.edges {
		needed := e.to
		needs, turned := needing(relation(e.kind))
		if turned {
			needed = e.from
		}
		if needs && needed >= 0 {
			optional[needed] = max(optional[needed], map[bool]int{true: 1, false: 2}[e.kind == string(optionalFor)])
		}
	}
	for i, n := range nodes {
		if optional[i] == 1 && !h.isRoot[i] {
			n.Set("scope", tree.NewText("optional"))
		}
	}
}

// writeCycloneDXAnnotations writes what was said of components; of the document it is said of what that is about.
func (h *hub) writeCycloneDXAnnotations(root *tree.Node, rootElement int) {
	for _, a := range h.annotations {
		at := a.subject
		if at < 0 {
			at = rootElement
		}
		if at < 0 || !h.elements[at].id.OK() {
			leaves := append([]*tree.Node{a.body.From, a.date.From, a.kind.From}, a.also...)
			if a.who != nil {
				leaves = append(leaves, append([]*tree.Node{a.who.name.From, a.who.email.From}, a.who.also...)...)
			}
			for _, n := range leaves {
				n.ExplainSelf(tree.Dropped, "CycloneDX annotates what has a bom-ref, and the document has none")
			}
			continue
		}
		n := tree.NewObject()
		n.Add("subjects", tree.NewText(h.elements[at].id.S, a.also...))
		who := &party{kind: "Tool", name: tree.Constant("lading")}
		if a.who.named() {
			who = a.who
		}
		annotator := n.Set("annotator", tree.NewObject())
		switch who.kind {
		case "Person":
			annotator.Set("individual", cycloneDXPartyOut(who, "Person"))
		case "Organization":
			annotator.Set("organization", cycloneDXPartyOut(who, "Organization"))
		default:
			c := annotator.Set("component", tree.NewObject())
			c.Set("type", tree.NewText("application"))
			c.Set("name", tree.NewText(who.name.S, append(slices.Clone(who.also), who.name.From)...))
			c.Put("version", who.version)
		}
		n.Set("timestamp", tree.NewText(cmp.Or(a.date.S, h.now), tree.Compact([]*tree.Node{a.date.From})...))
		n.Put("text", a.body)
		a.kind.From.ExplainSelf(tree.Dropped, "CycloneDX does not tell annotations apart by type")
		root.Add("annotations", n)
	}
}

// maxNesting bounds how deep components are nested in a document that a conversion writes.
const maxNesting = 50

func (h *hub) cycloneDXDependencies(root *tree.Node) {
	entries := map[string]*tree.Node{}
	entry := func(id string, from []*tree.Node) *tree.Node {
		d := entries[id]
		if d == nil {
			d = root.Add("dependencies", tree.NewObject())
			d.Set("ref", tree.NewText(id))
			entries[id] = d
		}
		ref := d.Members[0].Value
		ref.From = append(ref.From, tree.Compact(from)...)
		return d
	}
	type pair struct{ from, to string }
	have := map[pair]*tree.Node{}
	for k := range h.edges {
		e := &h.edges[k]
		leaves := append([]*tree.Node{e.fromText.From, e.toText.From, e.scope}, e.also...)
		needs, turned := needing(relation(e.kind))
		e.comment.From.ExplainSelf(tree.Dropped, "a dependency of CycloneDX has no comment")
		a, b := e.from, e.to
		if turned {
			a, b = b, a
		}
		switch {
		case !needs:
			switch {
			case e.kind != string(contains):
				e.explain(noSuchRelation)
			case e.from >= 0 && e.to < 0 && e.toText.S == "NOASSERTION":
				h.notKnown(e, leaves)
			default:
				e.explain("nesting in CycloneDX is a tree of what the document describes")
			}
			continue
		case a < 0 || h.elements[a].id.S == "":
			e.explain(notDescribed)
			continue
		}
		from := h.elements[a].id.S
		if b < 0 && e.toText.S == "NONE" && e.kind == string(dependsOn) {
			entry(from, leaves)
			continue
		}
		if b < 0 && e.toText.S == "NOASSERTION" { // SPDX 2.3, clause 11.1: whether there are any is not said
			h.notKnown(e, leaves)
			continue
		}
		if b < 0 || h.elements[b].id.S == "" {
			e.explain(notDescribed)
			continue
		}
		to := h.elements[b].id.S
		if e.kind != string(dependsOn) && e.kind != string(optionalFor) && len(e.also) > 0 {
			for _, n := range []*tree.Node{e.also[0], e.scope} {
				n.ExplainSelf(tree.Changed, "CycloneDX does not say on what occasion one needs another; written as dependsOn")
			}
		}
		if v := have[pair{from, to}]; v != nil {
			v.From = append(v.From, tree.Compact(leaves)...)
			continue
		}
		d := entry(from, nil)
		v := tree.NewText(to, leaves...)
		have[pair{from, to}] = v
		d.Add("dependsOn", v)
	}
}

func cycloneDXPartyOut(p *party, want string) *tree.Node {
	o := tree.NewObject()
	name := p.name
	v := tree.NewText(name.S, append(p.also, name.From)...)
	if p.kind != want && p.kind != "" {
		for _, f := range v.From {
			f.ExplainAnew(tree.Changed, "CycloneDX has a place for "+want+" only here, not "+p.kind)
		}
	}
	o.Set("name", v)
	if p.url.OK() && want == "Organization" {
		o.Add("url", tree.NewText(p.url.S, p.url.From))
	}
	if p.email.OK() {
		if want == "Organization" {
			c := o.Add("contact", tree.NewObject())
			c.Put("email", p.email)
		} else {
			o.Put("email", p.email)
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

func (h *hub) cycloneDXComponent(o *tree.Node, e *element) {
	kind := "library"
	if slices.Contains(cycloneDXTypes, e.kind.S) {
		kind = e.kind.S
	} else if e.kind.OK() {
		e.kind.From.ExplainSelf(tree.Changed, "CycloneDX has no such type; written as library")
	} else if k, ok := kinds[e.purpose.S]; ok {
		kind = k
	} else if e.purpose.OK() {
		e.purpose.From.ExplainSelf(tree.Changed, "CycloneDX has no such type; written as library")
	} else {
		h.add("/components", "CycloneDX wants a type; library where the input gives none")
	}
	typ := o.Set("type", tree.NewText(kind, append(e.leaves, e.kind.From, e.purpose.From)...))
	o.Put("bom-ref", e.id)
	if e.supplier != nil {
		o.Set("supplier", cycloneDXPartyOut(e.supplier, "Organization"))
	}
	if e.manufacturer != nil {
		o.Set("manufacturer", cycloneDXPartyOut(e.manufacturer, "Organization"))
	}
	for i := range e.authors {
		o.Add("authors", cycloneDXPartyOut(&e.authors[i], "Person"))
	}
	o.Put("publisher", e.publisher)
	o.Put("mime-type", e.mediaType)
	group, name := e.splitName()
	o.Put("group", group)
	o.Set("name", tree.NewText(name.S, tree.Compact([]*tree.Node{name.From})...))
	o.Put("version", e.version)
	switch {
	case e.description.OK():
		o.Put("description", e.description)
		if e.summary.OK() {
			e.properties = append(e.properties, property{tree.Constant("lading:spdx:summary"), e.summary})
		}
	default:
		o.Put("description", e.summary)
	}
	var extra []property
	cycloneDXHashesOut(o, e.hashes)
	extra = append(extra, h.cycloneDXLicensesOf(o, e)...)
	if e.copyright.OK() && e.copyright.S != "NOASSERTION" && e.copyright.S != "NONE" {
		o.Put("copyright", e.copyright)
	} else if e.copyright.OK() {
		extra = append(extra, property{tree.Constant("lading:spdx:copyrightText"), e.copyright})
	}
	for i, t := range e.cpes {
		if i == 0 {
			o.Put("cpe", t)
		} else {
			extra = append(extra, property{tree.Constant("lading:spdx:cpe"), t})
		}
	}
	for i, t := range e.purls {
		if i == 0 {
			o.Put("purl", t)
		} else {
			extra = append(extra, property{tree.Constant("lading:spdx:purl"), t})
		}
	}
	typ.From = append(typ.From, tree.Compact(e.purlFrom)...)
	extra = append(extra, cycloneDXIdentifiers(o, e)...)
	for _, r := range []struct {
		name, kind string
		t          tree.Text
	}{{"lading:spdx:homepage", "website", e.homepage}, {"lading:spdx:downloadLocation", "distribution", e.download}} {
		switch {
		case !r.t.OK():
		case strings.Contains(r.t.S, "://") && !strings.ContainsAny(r.t.S, " <>\"{}|\\^`") && !strings.HasPrefix(r.t.S, "git+"):
			x := o.Add("externalReferences", tree.NewObject())
			x.Put("url", r.t)
			x.Set("type", tree.NewText(r.kind))
		default:
			extra = append(extra, property{tree.Constant(r.name), r.t})
		}
	}
	for _, r := range e.references {
		cycloneDXReferenceOut(o, r)
	}
	for _, t := range []struct {
		name string
		t    tree.Text
	}{{"sourceInfo", e.sourceInfo}, {"comment", e.comment}, {"packageFileName", e.fileName}} {
		if t.t.OK() {
			extra = append(extra, property{tree.Constant("lading:spdx:" + t.name), t.t})
		}
	}
	extra = append(extra, e.spdxOnly()...)
	for _, p := range append(e.properties, extra...) {
		x := o.Add("properties", tree.NewObject())
		x.Put("name", p.name)
		x.Put("value", p.value)
	}
	if e.snippet != nil {
		e.snippet.cycloneDXOut(o)
	}
	if e.model != nil && kind == "machine-learning-model" { // of which alone CycloneDX has cards
		e.model.cycloneDXOut(h, o)
	}
	for _, t := range e.remarks {
		t.From.ExplainSelf(tree.Dropped, "an identifier of CycloneDX has no comment")
	}
}

// propertyIdentifier begins the name of a property that is an identifier of a type that CycloneDX does not have.
const propertyIdentifier = "lading:spdx:externalIdentifier:"

// spdxOnly is what SPDX says of an element and CycloneDX has no member for, as properties.
func (e *element) spdxOnly() (out []property) {
	put := func(name string, list ...tree.Text) {
		for _, t := range list {
			if t.OK() {
				out = append(out, property{tree.Constant("lading:spdx:" + name), t})
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
func (e *element) take(name string, t tree.Text) bool {
	name, ok := strings.CutPrefix(name, "lading:spdx:")
	if !ok || !t.OK() {
		return false
	}
	lists := map[string]*[]tree.Text{"fileType": &e.fileTypes, "fileContributor": &e.contributors, "attributionText": &e.attributions,
		"packageVerificationCodeExcludedFile": &e.excluded, "cpe": &e.cpes, "purl": &e.purls}
	if to := lists[name]; to != nil && (name != "cpe" && name != "purl" || len(*to) > 0) { // of which the first has its member
		*to = append(*to, t)
		return true
	}
	ones := map[string]*tree.Text{"noticeText": &e.notice, "licenseComments": &e.licenseComment, "packageVerificationCode": &e.verification,
		"builtDate": &e.dates[0], "releaseDate": &e.dates[1], "validUntilDate": &e.dates[2], "sourceInfo": &e.sourceInfo, "comment": &e.comment,
		"packageFileName": &e.fileName, "summary": &e.summary, "copyrightText": &e.copyright, "homepage": &e.homepage,
		"downloadLocation": &e.download}
	if to := ones[name]; to != nil && !to.OK() {
		*to = t
		return true
	}
	if role, ok := strings.CutPrefix(name, "license-"); ok && (role == "declared" || role == "concluded" || role == "found") {
		e.licenses = append(e.licenses, licenseClaim{role: role, expression: t})
		return true
	}
	if kind, ok := strings.CutPrefix("lading:spdx:"+name, propertyIdentifier); ok && slices.Contains(identifiers3, kind) {
		e.identifiers = append(e.identifiers, identifier{kind: tree.Constant(kind), value: t})
		return true
	}
	if name == "swid" {
		e.identifiers = append(e.identifiers, identifier{kind: tree.Constant("swid"), value: t})
		return true
	}
	return false
}

// identifiers3 are SPDX 3's types of identifiers that CycloneDX has no member for.
var identifiers3 = []string{"cve", "email", "other", "securityOther", "urlScheme"}

func cycloneDXHashesOut(o *tree.Node, list []hash) {
	for _, x := range list {
		if !slices.Contains(cycloneDXHashAlgorithms, x.alg.S) {
			x.alg.From.ExplainSelf(tree.Dropped, "CycloneDX has no such hash algorithm")
			x.value.From.ExplainSelf(tree.Dropped, "CycloneDX has no such hash algorithm")
			continue
		}
		v := o.Add("hashes", tree.NewObject())
		v.Put("alg", x.alg)
		v.Put("content", x.value)
	}
}

func cycloneDXReferenceOut(o *tree.Node, r reference) {
	x := o.Add("externalReferences", tree.NewObject())
	kind := r.kind.S
	if name := spdx3ReferenceNames[kind]; name != "" {
		kind = name
	}
	if !slices.Contains(cycloneDXReferences, kind) {
		kind = "other"
		r.kind.From.ExplainSelf(tree.Changed, "CycloneDX has no such type of reference; written as other")
	}
	x.Put("url", r.url)
	x.Set("type", tree.NewText(kind, r.kind.From, r.category.From))
	x.Put("comment", r.comment)
	cycloneDXHashesOut(x, r.hashes)
}

// cycloneDXIdentifiers writes identifiers other than package URLs and CPE.
func cycloneDXIdentifiers(o *tree.Node, e *element) (extra []property) {
	for _, x := range e.identifiers {
		x.comment.From.ExplainSelf(tree.Dropped, "an identifier of CycloneDX has no comment")
		switch {
		case x.kind.S == "swhid":
			o.Add("swhid", tree.NewText(x.value.S, x.value.From, x.kind.From))
		case x.kind.S == "gitoid":
			o.Add("omniborId", tree.NewText(x.value.S, x.value.From, x.kind.From))
		case x.kind.S != "swid":
			value := x.value
			extra = append(extra, property{tree.Text{S: propertyIdentifier + x.kind.S, From: x.kind.From}, value})
		case o.Get("swid") == nil:
			swid := o.Set("swid", tree.NewObject())
			swid.Set("tagId", tree.NewText(x.value.S, x.value.From, x.kind.From))
			swid.Set("name", tree.NewText(e.name.S))
		default:
			extra = append(extra, property{tree.Text{S: "lading:spdx:swid", From: x.kind.From}, x.value})
		}
	}
	return extra
}

var cycloneDXReferences = []string{"vcs", "issue-tracker", "website", "advisories", "bom", "mailing-list", "social", "chat",
	"documentation", "support", "source-distribution", "distribution", "distribution-intake", "license", "build-meta",
	"build-system", "release-notes", "security-contact", "model-card", "log", "configuration", "evidence", "formulation",
	"attestation", "threat-model", "adversary-model", "risk-assessment", "vulnerability-assertion", "exploitability-statement",
	"pentest-report", "static-analysis-report", "dynamic-analysis-report", "runtime-analysis-report", "component-analysis-report",
	"maturity-report", "certification-report", "codified-infrastructure", "quality-metrics", "poam", "electronic-signature",
	"digital-signature", "rfc-9116", "patent", "patent-family", "patent-assertion", "citation", "other"}

// cycloneDXLicensesOf writes what an element says of its licence, and apart from it what was found in files.
func (h *hub) cycloneDXLicensesOf(o *tree.Node, e *element) (extra []property) {
	var own, found []licenseClaim
	for _, l := range e.licenses {
		if l.role == "found" {
			found = append(found, l)
		} else {
			own = append(own, l)
		}
	}
	extra = cycloneDXLicenses(o, own, h)
	if found != nil {
		evidence := tree.NewObject()
		extra = append(extra, cycloneDXLicenses(evidence, found, h)...)
		if len(evidence.Members) > 0 {
			o.Set("evidence", evidence)
		}
	}
	return extra
}

// acknowledge writes whether a licence is declared or concluded.
func (l *licenseClaim) acknowledge(o *tree.Node) {
	if l.role == "declared" || l.role == "concluded" {
		o.Set("acknowledgement", tree.NewText(l.role, l.roleFrom))
	}
}

// cycloneDXLicenses writes licences: one expression, or a list of single licences, which 1.6 does not mix.
func cycloneDXLicenses(o *tree.Node, licenses []licenseClaim, h *hub) (extra []property) {
	list, err := license.TheList()
	if err != nil {
		list = nil
	}
	var usable []licenseClaim
	for _, l := range licenses {
		t := l.expression
		if t.OK() && (t.S == "NOASSERTION" || t.S == "NONE") {
			extra = append(extra, property{tree.Constant("lading:spdx:license-" + l.role), t})
			continue
		}
		if t.OK() && !license.Listed(t.S) && license.Check(t.S, list, nil) != nil {
			l.expression, l.name = tree.Text{}, t // what SPDX calls no expression is the name of a licence
		}
		usable = append(usable, l)
	}
	single := func(s string) bool { return !strings.ContainsAny(s, " ()") }
	mixed := false
	for _, l := range usable {
		mixed = mixed || l.expression.OK() && (!single(l.expression.S) || !license.Listed(l.expression.S))
	}
	written := false
	for _, l := range usable {
		x := tree.NewObject()
		switch {
		case mixed && (written || !l.expression.OK()):
			t := l.expression
			if !t.OK() {
				t = l.name
			}
			if t.OK() {
				extra = append(extra, property{tree.Constant("lading:spdx:license-" + l.role), t})
			}
			continue
		case mixed:
			written = true
			x.Put("expression", l.expression)
			if c := h.extracted[l.expression.S]; c != nil && single(l.expression.S) {
				x = tree.NewObject()
				c.used, c.inExpression = true, false
				v := x.Set("license", tree.NewObject())
				name := c.name
				if !name.OK() || name.S == "NOASSERTION" {
					name = c.id
				}
				for _, n := range []*tree.Node{l.expression.From, c.id.From} {
					if name.S != c.id.S {
						n.ExplainSelf(tree.Changed, "written by the licence's name")
					}
				}
				v.Set("name", tree.NewText(name.S, tree.Compact(append([]*tree.Node{name.From, l.expression.From, c.id.From}, c.also...))...))
				if c.body.OK() {
					v.Set("text", tree.NewObject()).Put("content", c.body)
				}
				for i, t := range c.seeAlso {
					if i == 0 {
						v.Put("url", t)
					} else {
						t.From.ExplainSelf(tree.Dropped, "CycloneDX has one URL of a licence")
					}
				}
				if c.comment.OK() {
					p := v.Add("properties", tree.NewObject())
					p.Set("name", tree.NewText("lading:spdx:comment"))
					p.Put("value", c.comment)
				}
				l.acknowledge(v)
				o.Add("licenses", x)
				continue
			}
			l.acknowledge(x)
			h.expressionDetails(x, l.expression.S)
		default:
			v := x.Set("license", tree.NewObject())
			if l.expression.OK() {
				v.Put("id", l.expression)
			} else {
				v.Put("id", l.id)
				if !l.id.OK() {
					v.Put("name", l.name)
				}
				v.Put("url", l.url)
			}
			l.acknowledge(v)
		}
		o.Add("licenses", x)
	}
	return extra
}

// expressionDetails writes the texts of the licences that an expression names and SPDX's list does not have.
func (h *hub) expressionDetails(x *tree.Node, expression string) {
	for _, id := range license.RefsIn(expression) {
		c := h.extracted[id]
		if c == nil || !c.body.OK() {
			continue
		}
		c.inExpression = !c.used
		d := x.Add("expressionDetails", tree.NewObject())
		d.Set("licenseIdentifier", tree.NewText(id, append(c.also, c.id.From)...))
		d.Set("text", tree.NewObject()).Put("content", c.body)
		for i, t := range c.seeAlso {
			if i == 0 {
				d.Put("url", t)
			} else {
				t.From.ExplainSelf(tree.Dropped, "CycloneDX has one URL of a licence")
			}
		}
		c.comment.From.ExplainSelf(tree.Dropped, "CycloneDX has the text of a licence in an expression, and no comment on it")
	}
}
