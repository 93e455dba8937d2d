package cdx

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A writer writes a document of the model.
type writer struct{ *model.Document }

// compositions writes what is known of completeness, one composition for each word.
func (h writer) compositions(root *tree.Node) {
	h.Compositions = slices.DeleteFunc(h.Compositions, func(c model.Composition) bool {
		if h.Elements[c.Of].ID.OK() {
			return false
		}
		for _, n := range c.Leaves {
			n.ExplainSelf(tree.Dropped, model.NotDescribed)
		}
		return true
	})
	for _, word := range []string{"complete", "incomplete", "unknown"} {
		var o *tree.Node
		seen := map[string]map[string]bool{"assemblies": {}, "dependencies": {}}
		for _, c := range h.Compositions {
			if c.Word != word {
				continue
			}
			if word == "unknown" {
				explainUnknown(c.Leaves)
			}
			if o == nil {
				o = root.Add("compositions", tree.NewObject())
				o.Set("aggregate", tree.NewText(word))
			}
			aggregate := o.Members[0].Value
			aggregate.Stand(c.Leaves...)
			member := "dependencies"
			if c.Kind == model.Contains {
				member = "assemblies"
			}
			if ref := h.Elements[c.Of].ID.S; !seen[member][ref] {
				seen[member][ref] = true
				o.Add(member, tree.NewText(ref))
			}
		}
	}
}

func explainUnknown(leaves []*tree.Node) {
	for _, n := range leaves {
		if n.Text == "noAssertion" || n.Text == "NOASSERTION" || n.Text == model.NoAssertionElement {
			n.ExplainSelf(tree.Changed, "CycloneDX has a word of its own for what is not known")
		}
	}
}

// Write writes CycloneDX with all that 1.7 has, from which the document is fitted to the version that is wanted.
func Write(h *model.Document) *tree.Node { return writer{h}.document() }

func (h writer) document() *tree.Node {
	root := tree.NewObject()
	root.Set("bomFormat", tree.NewText("CycloneDX", h.Leaves...))
	root.Set("specVersion", tree.NewText("1.6"))
	var extra []model.Property
	if strings.HasPrefix(h.ID.S, "urn:uuid:") {
		root.Put("serialNumber", h.ID)
	} else if h.ID.OK() {
		root.Set("serialNumber", tree.NewText("urn:uuid:"+spec.UUID(h.ID.S)))
		extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:documentNamespace"), Value: h.ID})
	}
	root.Set("version", tree.NewLiteral("1"))
	about, metaComponent := h.metadata(root, extra)

	nodes := make([]*tree.Node, len(h.Elements))
	ids := make(spec.Names, len(h.Elements))
	for i, e := range h.Elements {
		nodes[i] = tree.NewObject()
		if i == about {
			nodes[i] = metaComponent
		}
		if e.ID.OK() {
			e.ID.S = ids.Unique(e.ID.S)
		}
	}
	for i, e := range h.Elements {
		h.component(nodes[i], e)
	}
	h.markOptional(nodes)
	if about >= 0 {
		metaComponent.Members[0].Value.Stand(h.RootFrom[about]...)
	} else {
		for _, list := range h.RootFrom {
			for _, n := range list {
				n.ExplainSelf(tree.Dropped, "CycloneDX is about one component, and this is about several")
			}
		}
	}
	h.place(root, nodes, about)
	h.explainTexts()
	h.outside(root)
	h.dependencies(root)
	h.compositions(root)
	h.annotations(root, about)
	h.vulnerabilities(root)
	return root
}

// metadata writes what is said of the document, and returns the element that it is about, negative for none, and its object.
func (h writer) metadata(root *tree.Node, extra []model.Property) (about int, component *tree.Node) {
	m := tree.NewObject()
	if h.Created.OK() {
		m.Put("timestamp", h.Created)
	}
	for _, l := range h.Lifecycles {
		m.Add("lifecycles", tree.NewObject()).Put("phase", l)
	}
	if len(h.Tools) > 0 {
		tools := m.Set("tools", tree.NewObject())
		for _, t := range h.Tools {
			o := tools.Add("components", tree.NewObject())
			o.Set("type", tree.NewText("application"))
			o.Set("name", tree.NewText(t.Name.S, append(t.Also, t.Name.From)...))
			o.Put("version", t.Version)
		}
	}
	for _, a := range h.Authors {
		if a.Kind == "Organization" && h.Manufacturer == nil {
			h.Manufacturer = &a
			continue
		}
		m.Add("authors", writeParty(&a, "Person"))
	}
	about = -1
	if len(h.Roots) == 1 {
		about = h.Roots[0]
		component = m.Set("component", tree.NewObject())
	}
	if h.Manufacturer != nil {
		m.Set("manufacturer", writeParty(h.Manufacturer, "Organization"))
	}
	if h.Supplier != nil {
		m.Set("supplier", writeParty(h.Supplier, "Organization"))
	}
	if h.DataLicense.OK() && h.DataLicense.S != "NOASSERTION" {
		l := tree.NewObject()
		l.Set("license", tree.NewObject()).Put("id", h.DataLicense)
		m.Add("licenses", l)
	}
	if h.Name.OK() {
		extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:name"), Value: h.Name})
	}
	for i, t := range []tree.Text{h.Comment, h.CreationComment, h.ListVersion} {
		if t.OK() {
			extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:" + documentProperties[i]), Value: t})
		}
	}
	for _, p := range append(extra, h.Properties...) {
		writeProperty(m, p)
	}
	if len(m.Members) > 0 {
		root.Set("metadata", m)
	}
	return about, component
}

func writeProperty(o *tree.Node, p model.Property) {
	x := o.Add("properties", tree.NewObject())
	x.Put("name", p.Name)
	x.Put("value", p.Value)
}

// place puts the components into the document and into each other: nesting shows containment where it is a tree.
func (h writer) place(root *tree.Node, nodes []*tree.Node, about int) {
	parent, containment, ofRoot := h.nesting(about)
	for i := range h.Elements {
		e := ofRoot[i]
		if parent[i] >= 0 {
			e = containment[i]
		}
		if i == about {
			continue
		}
		if e != nil {
			kind := nodes[i].Get("type")
			kind.Stand(e.FromText.From, e.ToText.From)
			kind.Stand(e.Also...)
		}
		if parent[i] >= 0 {
			nodes[parent[i]].Add("components", nodes[i])
		} else {
			root.Add("components", nodes[i])
		}
	}
}

// nesting finds which element each is inside of, negative for none, and the edge that says so; and the edges that say it of what the
// document is about.
func (h writer) nesting(about int) (parent []int, containment []*model.Edge, ofRoot map[int]*model.Edge) {
	parent = make([]int, len(h.Elements))
	containment = make([]*model.Edge, len(h.Elements))
	ofRoot = map[int]*model.Edge{}
	height := make([]int, len(h.Elements)) // of the tree below
	for i := range parent {
		parent[i] = -1
	}
	for k := range h.Edges {
		e := &h.Edges[k]
		if e.Kind != "CONTAINS" || e.From < 0 || e.To < 0 || parent[e.To] >= 0 || e.To == about {
			continue
		}
		if e.From == about { // as all that stands at the top of a document is of what it is about
			if len(e.Also) > 0 && ofRoot[e.To] == nil {
				ofRoot[e.To] = e
				e.Also[0].ExplainSelf(tree.Changed,
					"in CycloneDX a component at the top is part of what the document is about, or needed by it")
			}
			continue
		}
		fits := true
		for p, n := e.From, height[e.To]; p >= 0 && fits; p, n = parent[p], n+1 {
			fits = p != e.To && n < maxNesting
		}
		if fits {
			parent[e.To], containment[e.To] = e.From, e
			for p, n := e.From, height[e.To]+1; p >= 0 && height[p] < n; p, n = parent[p], n+1 {
				height[p] = n
			}
		}
	}
	return parent, containment, ofRoot
}

// explainTexts says why texts of licences are lost.
func (h writer) explainTexts() {
	for _, c := range h.Extracted {
		if c.InExpression {
			c.Name.From.ExplainSelf(tree.Dropped, "CycloneDX has the text of a licence in an expression, not its name")
		}
		if c.Used || c.InExpression {
			continue
		}
		c.Name.From.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
		for _, n := range append([]*tree.Node{c.ID.From, c.Body.From, c.Comment.From}, c.Also...) {
			n.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
		}
		for _, t := range c.SeeAlso {
			t.From.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
		}
	}
}

// documentProperties are the properties of what SPDX says of a document and CycloneDX has no member for.
var documentProperties = [3]string{"comment", "creationComment", "licenseListVersion"}

// markOptional says of components that they are optional, if all that need them can do without.
func (h writer) markOptional(nodes []*tree.Node) {
	optional := make([]int, len(h.Elements)) // 1: needed by some that can do without, 2: and by one that cannot
	for _, e := range h.Edges {
		needed := e.To
		needs, turned := model.Needing(model.Relation(e.Kind))
		if turned {
			needed = e.From
		}
		if needs && needed >= 0 {
			optional[needed] = max(optional[needed], map[bool]int{true: 1, false: 2}[e.Kind == string(model.OptionalFor)])
		}
	}
	for i, n := range nodes {
		if optional[i] == 1 && !h.IsRoot[i] {
			n.Set("scope", tree.NewText("optional"))
		}
	}
}

// annotations writes what was said of components; of the document it is said of what that is about.
func (h writer) annotations(root *tree.Node, rootElement int) {
	for _, a := range h.Annotations {
		at := a.Subject
		if at < 0 {
			at = rootElement
		}
		if at < 0 || !h.Elements[at].ID.OK() {
			leaves := append([]*tree.Node{a.Body.From, a.Date.From, a.Kind.From}, a.Also...)
			if a.Who != nil {
				leaves = append(leaves, append([]*tree.Node{a.Who.Name.From, a.Who.Email.From}, a.Who.Also...)...)
			}
			for _, n := range leaves {
				n.ExplainSelf(tree.Dropped, "CycloneDX annotates what has a bom-ref, and the document has none")
			}
			continue
		}
		n := tree.NewObject()
		n.Add("subjects", tree.NewText(h.Elements[at].ID.S, a.Also...))
		who := &model.Party{Kind: "Tool", Name: tree.Constant("lading")}
		if a.Who.Named() {
			who = a.Who
		}
		annotator := n.Set("annotator", tree.NewObject())
		switch who.Kind {
		case "Person":
			annotator.Set("individual", writeParty(who, "Person"))
		case "Organization":
			annotator.Set("organization", writeParty(who, "Organization"))
		default:
			c := annotator.Set("component", tree.NewObject())
			c.Set("type", tree.NewText("application"))
			c.Set("name", tree.NewText(who.Name.S, append(slices.Clone(who.Also), who.Name.From)...))
			c.Put("version", who.Version)
		}
		n.Set("timestamp", tree.NewText(cmp.Or(a.Date.S, h.Now), tree.Compact([]*tree.Node{a.Date.From})...))
		n.Put("text", a.Body)
		a.Kind.From.ExplainSelf(tree.Dropped, "CycloneDX does not tell annotations apart by type")
		root.Add("annotations", n)
	}
}

// maxNesting bounds how deep components are nested in a document that a conversion writes.
const maxNesting = 50

func (h writer) dependencies(root *tree.Node) {
	entries := map[string]*tree.Node{}
	entry := func(id string, from []*tree.Node) *tree.Node {
		d := entries[id]
		if d == nil {
			d = root.Add("dependencies", tree.NewObject())
			d.Set("ref", tree.NewText(id))
			entries[id] = d
		}
		ref := d.Members[0].Value
		ref.Stand(from...)
		return d
	}
	type pair struct{ from, to string }
	have := map[pair]*tree.Node{}
	for k := range h.Edges {
		e := &h.Edges[k]
		leaves := append([]*tree.Node{e.FromText.From, e.ToText.From, e.Scope}, e.Also...)
		needs, turned := model.Needing(model.Relation(e.Kind))
		e.Comment.From.ExplainSelf(tree.Dropped, "a dependency of CycloneDX has no comment")
		a, b := e.From, e.To
		if turned {
			a, b = b, a
		}
		switch {
		case !needs:
			switch {
			case e.Kind != string(model.Contains):
				e.Explain(model.NoSuchRelation)
			case e.From >= 0 && e.To < 0 && e.ToText.S == "NOASSERTION":
				h.NotKnown(e, leaves)
			default:
				e.Explain("nesting in CycloneDX is a tree of what the document describes")
			}
			continue
		case a < 0 || h.Elements[a].ID.S == "":
			e.Explain(model.NotDescribed)
			continue
		}
		from := h.Elements[a].ID.S
		if b < 0 && e.ToText.S == "NONE" && e.Kind == string(model.DependsOn) {
			entry(from, leaves)
			continue
		}
		if b < 0 && e.ToText.S == "NOASSERTION" { // SPDX 2.3, clause 11.1: whether there are any is not said
			h.NotKnown(e, leaves)
			continue
		}
		if b < 0 || h.Elements[b].ID.S == "" {
			e.Explain(model.NotDescribed)
			continue
		}
		to := h.Elements[b].ID.S
		if e.Kind != string(model.DependsOn) && e.Kind != string(model.OptionalFor) && len(e.Also) > 0 {
			for _, n := range []*tree.Node{e.Also[0], e.Scope} {
				n.ExplainSelf(tree.Changed, "CycloneDX does not say on what occasion one needs another; written as dependsOn")
			}
		}
		if v := have[pair{from, to}]; v != nil {
			v.Stand(leaves...)
			continue
		}
		d := entry(from, nil)
		v := tree.NewText(to, leaves...)
		have[pair{from, to}] = v
		d.Add("dependsOn", v)
	}
}

func writeParty(p *model.Party, want string) *tree.Node {
	o := tree.NewObject()
	name := p.Name
	v := tree.NewText(name.S, append(p.Also, name.From)...)
	if p.Kind != want && p.Kind != "" {
		for _, f := range v.Sources() {
			f.ExplainAnew(tree.Changed, "CycloneDX has a place for "+want+" only here, not "+p.Kind)
		}
	}
	o.Set("name", v)
	if p.URL.OK() && want == "Organization" {
		o.Add("url", tree.NewText(p.URL.S, p.URL.From))
	}
	if p.Email.OK() {
		if want == "Organization" {
			c := o.Add("contact", tree.NewObject())
			c.Put("email", p.Email)
		} else {
			o.Put("email", p.Email)
		}
	}
	return o
}

// outside writes references of the document itself, of which other documents are some.
func (h writer) outside(root *tree.Node) {
	for _, r := range h.References {
		writeReference(root, r)
	}
	for _, x := range h.Externals {
		r := root.Add("externalReferences", tree.NewObject())
		r.Set("type", tree.NewText("bom"))
		uri := r.Set("url", tree.NewText(x.URI.S, append(slices.Concat(x.Also, x.Again), x.URI.From)...))
		x.SaidOnce()
		for _, e := range x.Elements {
			uri.Stand(e.At.From)
			if e.At.S != x.URI.S {
				e.At.From.ExplainSelf(tree.Changed, "CycloneDX refers to the document, not to a part of it")
			}
		}
		if x.URI.From != nil && x.URI.From.Text != x.URI.S {
			x.URI.From.ExplainSelf(tree.Changed, "CycloneDX has the URI of the document, not how ids begin")
		}
		writeHashes(r, x.Hashes)
		r.Put("comment", x.ID)
		switch {
		case x.Location.S == x.URI.S:
			uri.Stand(x.Location.From)
		case x.Location.OK():
			r = root.Add("externalReferences", tree.NewObject())
			r.Set("type", tree.NewText("bom"))
			r.Put("url", x.Location)
			r.Set("comment", tree.NewText(x.ID.S))
		}
	}
	h.ExplainNamespaces()
}

func (h writer) vulnerabilities(root *tree.Node) {
	for _, v := range h.Vulnerabilities {
		o := root.Add("vulnerabilities", tree.NewObject())
		id := o.Set("id", tree.NewText(cmp.Or(v.ID.S, "unknown"), append(v.Said, v.ID.From)...))
		if v.Source.OK() || v.SourceName.OK() {
			s := o.Set("source", tree.NewObject())
			s.Put("url", v.Source)
			s.Put("name", v.SourceName)
		}
		for _, r := range v.Ratings {
			x := o.Add("ratings", tree.NewObject())
			if r.Score != nil && r.Score.IsLeaf() {
				score := tree.NewLiteral(r.Score.Text)
				score.Stand(r.Score)
				x.Set("score", score)
			}
			x.Put("severity", r.Severity)
			x.Set("method", tree.NewText(r.Method.S, append(r.Said, r.Method.From)...))
			x.Put("vector", r.Vector)
			if r.Source.Named() {
				x.Set("source", tree.NewObject()).Set("name", tree.NewText(r.Source.Name.S, append(slices.Clone(r.Source.Also),
					r.Source.Name.From)...))
			}
		}
		for _, n := range v.Cwes {
			c := *n
			o.Add("cwes", &c)
		}
		o.Put("description", v.Description)
		o.Put("detail", v.Detail)
		o.Put("recommendation", v.Statement)
		for _, a := range v.Advisories {
			x := o.Add("advisories", tree.NewObject())
			x.Put("title", a.Comment)
			x.Put("url", a.URL)
		}
		o.Put("published", v.Published)
		o.Put("updated", v.Updated)
		if v.State.OK() {
			analysis := o.Set("analysis", tree.NewObject())
			analysis.Put("state", v.State)
			analysis.Put("justification", v.Justification)
			analysis.Put("detail", v.Note)
		}
		for i, e := range v.Affects {
			if ref := h.Elements[e].ID; ref.OK() {
				o.Add("affects", tree.NewObject()).Set("ref", tree.NewText(ref.S, v.AffectsFrom[i]...))
			} else {
				id.Stand(v.AffectsFrom[i]...)
			}
		}
	}
}
