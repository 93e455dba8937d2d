package cdx

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A writer writes a document of the model.
type writer struct{ *model.Document }

// compositions writes what is known of completeness, one composition for each word.
func (h writer) compositions(root *tree.Node) {
	h.Compositions = slices.DeleteFunc(h.Compositions, func(c model.Composition) bool {
		if h.Elements[c.Of].Id.OK() {
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
				for _, n := range c.Leaves {
					if n.Text == "noAssertion" || n.Text == "NOASSERTION" || n.Text == model.NoAssertionElement {
						n.ExplainSelf(tree.Changed, "CycloneDX has a word of its own for what is not known")
					}
				}
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
			if ref := h.Elements[c.Of].Id.S; !seen[member][ref] {
				seen[member][ref] = true
				o.Add(member, tree.NewText(ref))
			}
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
	if strings.HasPrefix(h.Id.S, "urn:uuid:") {
		root.Put("serialNumber", h.Id)
	} else if h.Id.OK() {
		root.Set("serialNumber", tree.NewText("urn:uuid:"+spec.UUID(h.Id.S)))
		extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:documentNamespace"), Value: h.Id})
	}
	root.Set("version", tree.NewLiteral("1"))
	m := tree.NewObject()
	if h.Created.OK() {
		m.Put("timestamp", h.Created)
	}
	for _, l := range h.Lifecycles {
		o := m.Add("lifecycles", tree.NewObject())
		o.Put("phase", l)
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
	rootElement := -1
	if len(h.Roots) == 1 {
		rootElement = h.Roots[0]
	}
	var metaComponent *tree.Node
	if rootElement >= 0 {
		metaComponent = m.Set("component", tree.NewObject())
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
		o := m.Add("properties", tree.NewObject())
		o.Put("name", p.Name)
		o.Put("value", p.Value)
	}
	if len(m.Members) > 0 {
		root.Set("metadata", m)
	}

	// Nesting shows containment where it is a tree.
	parent := make([]int, len(h.Elements))
	containment := make([]*model.Edge, len(h.Elements))
	ofRoot := map[int]*model.Edge{}
	height := make([]int, len(h.Elements)) // of the tree below
	for i := range parent {
		parent[i] = -1
	}
	for k := range h.Edges {
		e := &h.Edges[k]
		if e.Kind != "CONTAINS" || e.From < 0 || e.To < 0 || parent[e.To] >= 0 || e.To == rootElement {
			continue
		}
		if e.From == rootElement { // as all that stands at the top of a document is of what it is about
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
	nodes := make([]*tree.Node, len(h.Elements))
	ids := spec.Names{}
	for i, e := range h.Elements {
		nodes[i] = tree.NewObject()
		if i == rootElement {
			nodes[i] = metaComponent
		}
		if e.Id.OK() {
			e.Id.S = ids.Unique(e.Id.S)
		}
	}
	for i, e := range h.Elements {
		h.component(nodes[i], e)
	}
	h.markOptional(nodes)
	if rootElement >= 0 {
		metaComponent.Members[0].Value.Stand(h.RootFrom[rootElement]...)
	} else {
		for _, list := range h.RootFrom {
			for _, n := range list {
				n.ExplainSelf(tree.Dropped, "CycloneDX is about one component, and this is about several")
			}
		}
	}
	for i := range h.Elements {
		switch {
		case i == rootElement:
		case parent[i] >= 0:
			e := containment[i]
			typ := nodes[i].Get("type")
			typ.Stand(e.FromText.From, e.ToText.From)
			typ.Stand(e.Also...)
			nodes[parent[i]].Add("components", nodes[i])
		default:
			if e := ofRoot[i]; e != nil {
				typ := nodes[i].Get("type")
				typ.Stand(e.FromText.From, e.ToText.From)
				typ.Stand(e.Also...)
			}
			root.Add("components", nodes[i])
		}
	}
	for _, c := range h.Extracted {
		if c.InExpression {
			c.Name.From.ExplainSelf(tree.Dropped, "CycloneDX has the text of a licence in an expression, not its name")
		}
		if c.Used || c.InExpression {
			continue
		}
		c.Name.From.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
		for _, n := range append([]*tree.Node{c.Id.From, c.Body.From, c.Comment.From}, c.Also...) {
			n.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
		}
		for _, t := range c.SeeAlso {
			t.From.ExplainSelf(tree.Dropped, "no licence of a component refers to it")
		}
	}
	h.outside(root)
	h.dependencies(root)
	h.compositions(root)
	h.annotations(root, rootElement)
	h.vulnerabilities(root)
	return root
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
		if at < 0 || !h.Elements[at].Id.OK() {
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
		n.Add("subjects", tree.NewText(h.Elements[at].Id.S, a.Also...))
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
		case a < 0 || h.Elements[a].Id.S == "":
			e.Explain(model.NotDescribed)
			continue
		}
		from := h.Elements[a].Id.S
		if b < 0 && e.ToText.S == "NONE" && e.Kind == string(model.DependsOn) {
			entry(from, leaves)
			continue
		}
		if b < 0 && e.ToText.S == "NOASSERTION" { // SPDX 2.3, clause 11.1: whether there are any is not said
			h.NotKnown(e, leaves)
			continue
		}
		if b < 0 || h.Elements[b].Id.S == "" {
			e.Explain(model.NotDescribed)
			continue
		}
		to := h.Elements[b].Id.S
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
	if p.Url.OK() && want == "Organization" {
		o.Add("url", tree.NewText(p.Url.S, p.Url.From))
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

func (h writer) component(o *tree.Node, e *model.Element) {
	kind := "library"
	if slices.Contains(ComponentTypes, e.Kind.S) {
		kind = e.Kind.S
	} else if e.Kind.OK() {
		e.Kind.From.ExplainSelf(tree.Changed, "CycloneDX has no such type; written as library")
	} else if k, ok := kinds[e.Purpose.S]; ok {
		kind = k
	} else if e.Purpose.OK() {
		e.Purpose.From.ExplainSelf(tree.Changed, "CycloneDX has no such type; written as library")
	} else {
		h.Add("/components", "CycloneDX wants a type; library where the input gives none")
	}
	typ := o.Set("type", tree.NewText(kind, append(e.Leaves, e.Kind.From, e.Purpose.From)...))
	o.Put("bom-ref", e.Id)
	if e.Supplier != nil {
		o.Set("supplier", writeParty(e.Supplier, "Organization"))
	}
	if e.Manufacturer != nil {
		o.Set("manufacturer", writeParty(e.Manufacturer, "Organization"))
	}
	for i := range e.Authors {
		o.Add("authors", writeParty(&e.Authors[i], "Person"))
	}
	o.Put("publisher", e.Publisher)
	o.Put("mime-type", e.MediaType)
	group, name := e.SplitName()
	o.Put("group", group)
	o.Set("name", tree.NewText(name.S, tree.Compact([]*tree.Node{name.From})...))
	o.Put("version", e.Version)
	switch {
	case e.Description.OK():
		o.Put("description", e.Description)
		if e.Summary.OK() {
			e.Properties = append(e.Properties, model.Property{Name: tree.Constant("lading:spdx:summary"), Value: e.Summary})
		}
	default:
		o.Put("description", e.Summary)
	}
	var extra []model.Property
	writeHashes(o, e.Hashes)
	extra = append(extra, h.licenses(o, e)...)
	if e.Copyright.OK() && e.Copyright.S != "NOASSERTION" && e.Copyright.S != "NONE" {
		o.Put("copyright", e.Copyright)
	} else if e.Copyright.OK() {
		extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:copyrightText"), Value: e.Copyright})
	}
	for i, t := range e.Cpes {
		if i == 0 {
			o.Put("cpe", t)
		} else {
			extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:cpe"), Value: t})
		}
	}
	for i, t := range e.Purls {
		if i == 0 {
			o.Put("purl", t)
		} else {
			extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:purl"), Value: t})
		}
	}
	typ.Stand(e.PurlFrom...)
	extra = append(extra, writeIdentifiers(o, e)...)
	for _, r := range []struct {
		name, kind string
		t          tree.Text
	}{{"lading:spdx:homepage", "website", e.Homepage}, {"lading:spdx:downloadLocation", "distribution", e.Download}} {
		switch {
		case !r.t.OK():
		case strings.Contains(r.t.S, "://") && !strings.ContainsAny(r.t.S, " <>\"{}|\\^`") && !strings.HasPrefix(r.t.S, "git+"):
			x := o.Add("externalReferences", tree.NewObject())
			x.Put("url", r.t)
			x.Set("type", tree.NewText(r.kind))
		default:
			extra = append(extra, model.Property{Name: tree.Constant(r.name), Value: r.t})
		}
	}
	for _, r := range e.References {
		writeReference(o, r)
	}
	for _, t := range []struct {
		name string
		t    tree.Text
	}{{"sourceInfo", e.SourceInfo}, {"comment", e.Comment}, {"packageFileName", e.FileName}} {
		if t.t.OK() {
			extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:" + t.name), Value: t.t})
		}
	}
	extra = append(extra, spdxOnly(e)...)
	for _, p := range append(e.Properties, extra...) {
		x := o.Add("properties", tree.NewObject())
		x.Put("name", p.Name)
		x.Put("value", p.Value)
	}
	if e.Snippet != nil {
		writeSnippet(e.Snippet, o)
	}
	if e.Model != nil && kind == "machine-learning-model" { // of which alone CycloneDX has cards
		writeCard(e.Model, h.Document, o)
	}
	for _, t := range e.Remarks {
		t.From.ExplainSelf(tree.Dropped, "an identifier of CycloneDX has no comment")
	}
}

// spdxOnly is what SPDX says of an element and CycloneDX has no member for, as properties.
func spdxOnly(e *model.Element) (out []model.Property) {
	put := func(name string, list ...tree.Text) {
		for _, t := range list {
			if t.OK() {
				out = append(out, model.Property{Name: tree.Constant("lading:spdx:" + name), Value: t})
			}
		}
	}
	put("fileType", e.FileTypes...)
	put("fileContributor", e.Contributors...)
	put("noticeText", e.Notice)
	put("licenseComments", e.LicenseComment)
	put("attributionText", e.Attributions...)
	for i, name := range model.SPDX2Dates {
		put(name, e.Dates[i])
	}
	put("packageVerificationCode", e.Verification)
	put("packageVerificationCodeExcludedFile", e.Excluded...)
	return out
}

func writeHashes(o *tree.Node, list []model.Hash) {
	for _, x := range list {
		if !slices.Contains(model.CycloneDXHashes, x.Alg.S) {
			x.Alg.From.ExplainSelf(tree.Dropped, "CycloneDX has no such hash algorithm")
			x.Value.From.ExplainSelf(tree.Dropped, "CycloneDX has no such hash algorithm")
			continue
		}
		v := o.Add("hashes", tree.NewObject())
		v.Put("alg", x.Alg)
		v.Put("content", x.Value)
	}
}

func writeReference(o *tree.Node, r model.Reference) {
	x := o.Add("externalReferences", tree.NewObject())
	kind := r.Kind.S
	if name := model.FromSPDX3Reference[kind]; name != "" {
		kind = name
	}
	if !slices.Contains(model.CycloneDXReferences, kind) {
		kind = "other"
		r.Kind.From.ExplainSelf(tree.Changed, "CycloneDX has no such type of reference; written as other")
	}
	x.Put("url", r.Url)
	x.Set("type", tree.NewText(kind, r.Kind.From, r.Category.From))
	x.Put("comment", r.Comment)
	writeHashes(x, r.Hashes)
}

// writeIdentifiers writes identifiers other than package URLs and CPE.
func writeIdentifiers(o *tree.Node, e *model.Element) (extra []model.Property) {
	for _, x := range e.Identifiers {
		x.Comment.From.ExplainSelf(tree.Dropped, "an identifier of CycloneDX has no comment")
		switch {
		case x.Kind.S == "swhid":
			o.Add("swhid", tree.NewText(x.Value.S, x.Value.From, x.Kind.From))
		case x.Kind.S == "gitoid":
			o.Add("omniborId", tree.NewText(x.Value.S, x.Value.From, x.Kind.From))
		case x.Kind.S != "swid":
			value := x.Value
			extra = append(extra, model.Property{Name: tree.Text{S: model.PropertyIdentifier + x.Kind.S, From: x.Kind.From}, Value: value})
		case o.Get("swid") == nil:
			swid := o.Set("swid", tree.NewObject())
			swid.Set("tagId", tree.NewText(x.Value.S, x.Value.From, x.Kind.From))
			swid.Set("name", tree.NewText(e.Name.S))
		default:
			extra = append(extra, model.Property{Name: tree.Text{S: "lading:spdx:swid", From: x.Kind.From}, Value: x.Value})
		}
	}
	return extra
}

// licenses writes what an element says of its licence, and apart from it what was found in files.
func (h writer) licenses(o *tree.Node, e *model.Element) (extra []model.Property) {
	var own, found []model.License
	for _, l := range e.Licenses {
		if l.Role == "found" {
			found = append(found, l)
		} else {
			own = append(own, l)
		}
	}
	extra = writeLicenses(o, own, h.Document)
	if found != nil {
		evidence := tree.NewObject()
		extra = append(extra, writeLicenses(evidence, found, h.Document)...)
		if len(evidence.Members) > 0 {
			o.Set("evidence", evidence)
		}
	}
	return extra
}

// acknowledge writes whether a licence is declared or concluded.
func acknowledge(l *model.License, o *tree.Node) {
	if l.Role == "declared" || l.Role == "concluded" {
		o.Set("acknowledgement", tree.NewText(l.Role, l.RoleFrom))
	}
}

// writeLicenses writes licences: one expression, or a list of single licences, which 1.6 does not mix.
func writeLicenses(o *tree.Node, licenses []model.License, h *model.Document) (extra []model.Property) {
	list, err := license.TheList()
	if err != nil {
		list = nil
	}
	var usable []model.License
	for _, l := range licenses {
		t := l.Expression
		if t.OK() && (t.S == "NOASSERTION" || t.S == "NONE") {
			extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:license-" + l.Role), Value: t})
			continue
		}
		if t.OK() && !license.Listed(t.S) && license.Check(t.S, list, nil) != nil {
			l.Expression, l.Name = tree.Text{}, t // what SPDX calls no expression is the name of a licence
		}
		usable = append(usable, l)
	}
	single := func(s string) bool { return !strings.ContainsAny(s, " ()") }
	mixed := false
	for _, l := range usable {
		mixed = mixed || l.Expression.OK() && (!single(l.Expression.S) || !license.Listed(l.Expression.S))
	}
	written := false
	for _, l := range usable {
		x := tree.NewObject()
		switch {
		case mixed && (written || !l.Expression.OK()):
			t := l.Expression
			if !t.OK() {
				t = l.Name
			}
			if t.OK() {
				extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:license-" + l.Role), Value: t})
			}
			continue
		case mixed:
			written = true
			x.Put("expression", l.Expression)
			if c := h.Extracted[l.Expression.S]; c != nil && single(l.Expression.S) {
				x = tree.NewObject()
				c.Used, c.InExpression = true, false
				v := x.Set("license", tree.NewObject())
				name := c.Name
				if !name.OK() || name.S == "NOASSERTION" {
					name = c.Id
				}
				for _, n := range []*tree.Node{l.Expression.From, c.Id.From} {
					if name.S != c.Id.S {
						n.ExplainSelf(tree.Changed, "written by the licence's name")
					}
				}
				v.Set("name", tree.NewText(name.S, tree.Compact(append([]*tree.Node{name.From, l.Expression.From, c.Id.From}, c.Also...))...))
				if c.Body.OK() {
					v.Set("text", tree.NewObject()).Put("content", c.Body)
				}
				for i, t := range c.SeeAlso {
					if i == 0 {
						v.Put("url", t)
					} else {
						t.From.ExplainSelf(tree.Dropped, "CycloneDX has one URL of a licence")
					}
				}
				if c.Comment.OK() {
					p := v.Add("properties", tree.NewObject())
					p.Set("name", tree.NewText("lading:spdx:comment"))
					p.Put("value", c.Comment)
				}
				acknowledge(&l, v)
				o.Add("licenses", x)
				continue
			}
			acknowledge(&l, x)
			writer{h}.expressionDetails(x, l.Expression.S)
		default:
			v := x.Set("license", tree.NewObject())
			if l.Expression.OK() {
				v.Put("id", l.Expression)
			} else {
				v.Put("id", l.Id)
				if !l.Id.OK() {
					v.Put("name", l.Name)
				}
				v.Put("url", l.Url)
			}
			acknowledge(&l, v)
		}
		o.Add("licenses", x)
	}
	return extra
}

// expressionDetails writes the texts of the licences that an expression names and SPDX's list does not have.
func (h writer) expressionDetails(x *tree.Node, expression string) {
	for _, id := range license.RefsIn(expression) {
		c := h.Extracted[id]
		if c == nil || !c.Body.OK() {
			continue
		}
		c.InExpression = !c.Used
		d := x.Add("expressionDetails", tree.NewObject())
		d.Set("licenseIdentifier", tree.NewText(id, append(c.Also, c.Id.From)...))
		d.Set("text", tree.NewObject()).Put("content", c.Body)
		for i, t := range c.SeeAlso {
			if i == 0 {
				d.Put("url", t)
			} else {
				t.From.ExplainSelf(tree.Dropped, "CycloneDX has one URL of a licence")
			}
		}
		c.Comment.From.ExplainSelf(tree.Dropped, "CycloneDX has the text of a licence in an expression, and no comment on it")
	}
}

// outside writes references of the document itself, of which other documents are some.
func (h writer) outside(root *tree.Node) {
	for _, r := range h.References {
		writeReference(root, r)
	}
	for _, x := range h.Externals {
		r := root.Add("externalReferences", tree.NewObject())
		r.Set("type", tree.NewText("bom"))
		uri := r.Set("url", tree.NewText(x.Uri.S, append(slices.Concat(x.Also, x.Again), x.Uri.From)...))
		x.SaidOnce()
		for _, e := range x.Elements {
			uri.Stand(e.At.From)
			if e.At.S != x.Uri.S {
				e.At.From.ExplainSelf(tree.Changed, "CycloneDX refers to the document, not to a part of it")
			}
		}
		if x.Uri.From != nil && x.Uri.From.Text != x.Uri.S {
			x.Uri.From.ExplainSelf(tree.Changed, "CycloneDX has the URI of the document, not how ids begin")
		}
		writeHashes(r, x.Hashes)
		r.Put("comment", x.Id)
		switch {
		case x.Location.S == x.Uri.S:
			uri.Stand(x.Location.From)
		case x.Location.OK():
			r = root.Add("externalReferences", tree.NewObject())
			r.Set("type", tree.NewText("bom"))
			r.Put("url", x.Location)
			r.Set("comment", tree.NewText(x.Id.S))
		}
	}
	h.ExplainNamespaces()
}

// writeCard writes a model card.
func writeCard(m *model.Card, h *model.Document, o *tree.Node) {
	card, p, c := tree.NewObject(), tree.NewObject(), tree.NewObject()
	if m.Approach.OK() {
		p.Set("approach", tree.NewObject()).Put("type", m.Approach)
	}
	p.Put("architectureFamily", m.Family)
	p.Put("modelArchitecture", m.Architecture)
	if len(p.Members) > 0 {
		card.Set("modelParameters", p)
	}
	if m.Metrics != nil {
		q := card.Set("quantitativeAnalysis", tree.NewObject())
		for _, x := range m.Metrics {
			v := q.Add("performanceMetrics", tree.NewObject())
			v.Set("type", tree.NewText(x.Name.S, append(slices.Clone(x.Leaves), x.Name.From)...))
			v.Put("value", x.Value)
		}
	}
	for _, t := range m.Uses {
		c.Add("useCases", tree.NewText(t.S, t.From))
	}
	for _, t := range m.Limitations {
		c.Add("technicalLimitations", tree.NewText(t.S, t.From))
	}
	if m.Energy != nil {
		all := c.Set("environmentalConsiderations", tree.NewObject())
		for _, e := range m.Energy {
			x := all.Add("energyConsumptions", tree.NewObject())
			x.Set("activity", tree.NewText(e.Activity.S, slices.Clone(e.Leaves)...))
			x.Set("energyProviders", tree.NewArray())
			h.Add("/components", "CycloneDX wants the providers of energy; none where the input names none")
			cost := x.Set("activityEnergyCost", tree.NewObject())
			cost.Set("value", tree.NewLiteral(e.Quantity.Text)).Stand(e.Quantity)
			cost.Set("unit", tree.NewText("kWh", e.Unit))
			e.Unit.ExplainSelf(tree.Changed, "CycloneDX has energy in kWh")
		}
	}
	if len(c.Members) > 0 {
		card.Set("considerations", c)
	}
	if len(card.Members) > 0 {
		o.Set("modelCard", card)
	}
}

func (h writer) vulnerabilities(root *tree.Node) {
	for _, v := range h.Vulnerabilities {
		o := root.Add("vulnerabilities", tree.NewObject())
		id := o.Set("id", tree.NewText(cmp.Or(v.Id.S, "unknown"), append(v.Said, v.Id.From)...))
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
			x.Put("url", a.Url)
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
			if ref := h.Elements[e].Id; ref.OK() {
				o.Add("affects", tree.NewObject()).Set("ref", tree.NewText(ref.S, v.AffectsFrom[i]...))
			} else {
				id.Stand(v.AffectsFrom[i]...)
			}
		}
	}
}

// writeSnippet writes where a snippet is as properties, as SPDX 2's tag-value form has it: "310:420".
func writeSnippet(s *model.Snippet, o *tree.Node) {
	put := func(name, value string, from ...*tree.Node) {
		x := o.Add("properties", tree.NewObject())
		x.Set("name", tree.NewText(name))
		x.Set("value", tree.NewText(value, from...))
	}
	put(model.PropertyFile, s.File.S, append(s.From, s.File.From)...)
	for i, of := range [][2]tree.Text{s.Bytes, s.Lines} {
		if of[0].OK() {
			put([]string{model.PropertyBytes, model.PropertyLines}[i], of[0].S+":"+of[1].S, of[0].From, of[1].From)
		}
	}
}
