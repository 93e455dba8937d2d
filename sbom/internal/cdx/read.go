package cdx

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A reader fills a document of the model.
type reader struct{ *model.Document }

// compositions reads what CycloneDX says of completeness.
func (h reader) compositions(root *tree.Node) {
	for _, n := range root.List("compositions") {
		said := n.Str("aggregate")
		word := aggregates[said.S]
		named := false
		for _, member := range []string{"assemblies", "dependencies"} {
			kind := map[string]model.Relation{"assemblies": model.Contains, "dependencies": model.DependsOn}[member]
			for _, ref := range n.List(member) {
				of := h.Find(ref.Text)
				switch {
				case ref.Kind != strictjson.String || word == "":
				case of < 0:
					ref.ExplainSelf(tree.Dropped, model.NotDescribed)
				default:
					h.Compose(model.Composition{Of: of, Kind: kind, Word: word, Leaves: []*tree.Node{said.From, ref}, Ref: ref})
					named = true
				}
			}
		}
		switch {
		case said.S == "not_specified":
			said.From.ExplainSelf(tree.Dropped, "SPDX says it by leaving it out: it is the default")
		case !named:
			said.From.ExplainSelf(tree.Dropped, model.OfNothing)
		case word != said.S:
			said.From.ExplainSelf(tree.Changed, "SPDX says that more is missing, not of whose parts")
		}
	}
}

const NoPedigree = "what a component was made from would be packages of their own in SPDX, which readers take for parts"

// Read takes from a CycloneDX document what the specifications have in common.
func Read(root *tree.Node) *model.Document {
	h := reader{&model.Document{Extracted: map[string]*model.Extracted{}}}
	h.Leaves = tree.Compact([]*tree.Node{root.Get("bomFormat"), root.Get("specVersion")})
	root.Get("$schema").ExplainSelf(tree.Dropped, model.OwnSchema)
	h.ID = root.Str("serialNumber")
	if v := root.Get("version"); v != nil && v.IsLeaf() {
		h.Version = tree.Text{S: v.Text, From: v}
	}
	m := root.Get("metadata")
	h.Created = m.Str("timestamp")
	for _, a := range m.List("authors") {
		h.Authors = append(h.Authors, *Party(a, "Person"))
	}
	h.Manufacturer = Party(m.Get("manufacturer"), "Organization")
	if h.Manufacturer == nil {
		h.Manufacturer = Party(m.Get("manufacture"), "Organization")
	}
	h.Supplier = Party(m.Get("supplier"), "Organization")
	tools := m.Get("tools")
	for _, list := range [][]*tree.Node{tools.List("components"), tools.List("services"), m.List("tools")} {
		for _, t := range list {
			h.Tools = append(h.Tools, model.Party{Kind: "Tool", Name: t.Str("name"), Version: t.Str("version")})
		}
	}
	for _, l := range m.List("lifecycles") {
		if phase := l.Str("phase"); phase.OK() {
			h.Lifecycles = append(h.Lifecycles, phase)
		}
	}
	if l := m.List("licenses"); len(l) == 1 {
		h.DataLicense = l[0].Get("license").Str("id")
	}
	for _, p := range m.List("properties") {
		name, value := p.Str("name"), p.Str("value")
		if h.take(name.S, value) {
			h.Leaves = append(h.Leaves, name.From)
		} else {
			h.Properties = append(h.Properties, model.Property{Name: name, Value: value})
		}
	}
	for _, r := range root.List("externalReferences") {
		h.References = append(h.References, referenceOf(r))
	}
	if c := m.Get("component"); c != nil {
		h.Roots = []int{h.element(c, -1)}
	}
	h.Elements = slices.Grow(h.Elements, len(root.List("components")))
	for _, c := range root.List("components") {
		h.element(c, -1)
	}
	h.dependencies(root)
	h.optionalEdges()
	h.compositions(root)
	h.annotations(root)
	h.vulnerabilities(root)
	return h.Document
}

// take reads back what a conversion from SPDX wrote as a property of the document, and reports whether it was that.
func (h reader) take(name string, t tree.Text) bool {
	name, ok := strings.CutPrefix(name, "lading:spdx:")
	to := map[string]*tree.Text{"comment": &h.Comment, "creationComment": &h.CreationComment, "licenseListVersion": &h.ListVersion,
		"name": &h.Name}[name]
	if !ok || !t.OK() || to == nil || to.OK() {
		return false
	}
	*to = t
	return true
}

// dependencies reads what needs what.
func (h reader) dependencies(root *tree.Node) {
	list, n := root.List("dependencies"), 0
	for _, d := range list {
		n += max(1, len(d.List("dependsOn")))
	}
	h.Edges = slices.Grow(h.Edges, n)
	for _, d := range list {
		ref := d.Str("ref")
		from := h.Find(ref.S)
		if from < 0 {
			ref.From.ExplainSelf(tree.Dropped, model.NotDescribed)
		}
		n := len(h.Edges)
		for _, v := range d.List("dependsOn") {
			if v.Kind == strictjson.String {
				h.Edges = append(h.Edges, model.Edge{From: from, To: h.Find(v.Text), Kind: "DEPENDS_ON", FromText: ref,
					ToText: tree.Text{S: v.Text, From: v}})
			}
		}
		if n == len(h.Edges) && from >= 0 && len(d.List("provides")) == 0 {
			h.Edges = append(h.Edges, model.Edge{From: from, To: -1, Kind: "DEPENDS_ON", FromText: ref, ToText: tree.Text{S: "NONE",
				From: d.Get("dependsOn")}})
		}
	}
}

// optionalEdges makes dependencies on what is optional optional dependencies: SPDX says so of the dependency.
func (h reader) optionalEdges() {
	reached := map[int]bool{}
	for k := range h.Edges {
		e := &h.Edges[k]
		if e.Kind != string(model.DependsOn) || e.To < 0 || e.From < 0 || h.Elements[e.To].Scope.S != "optional" {
			continue
		}
		reached[e.To] = true
		e.Also = append(e.Also, h.Elements[e.To].Scope.From)
		e.Kind, e.From, e.To, e.FromText, e.ToText = string(model.OptionalFor), e.To, e.From, e.ToText, e.FromText
	}
	for i, e := range h.Elements {
		switch {
		case e.Scope.S == "required":
			e.Scope.From.ExplainSelf(tree.Dropped, "SPDX says it by leaving it out: it is the default")
		case e.Scope.S == "optional" && !reached[i]:
			e.Scope.From.ExplainSelf(tree.Dropped, "SPDX says it of a dependency, and nothing here depends on this")
		case e.Scope.OK():
			e.Scope.From.ExplainSelf(tree.Dropped, model.NoSuchScope)
		}
	}
}

// annotations reads annotations of the document's components.
func (h reader) annotations(root *tree.Node) {
	for _, n := range root.List("annotations") {
		a := model.Annotation{Subject: -1, Date: n.Str("timestamp"), Body: n.Str("text"), Kind: tree.Constant("OTHER")}
		for _, kind := range []string{"organization", "individual", "component", "service"} {
			want := map[string]string{"organization": "Organization", "individual": "Person"}[kind]
			if who := n.Get("annotator").Get(kind); who != nil {
				a.Who = Party(who, cmp.Or(want, "Tool"))
			}
		}
		known, subjects := len(h.Annotations), tree.ListOrOne(n.Get("subjects"))
		for i, subject := range subjects {
			at := h.Find(subject.Text)
			if at < 0 {
				subject.ExplainSelf(tree.Dropped, model.NotDescribed)
				continue
			}
			a.Subject, a.Also = at, []*tree.Node{subject}
			h.Annotations = append(h.Annotations, a)
			if i == 0 {
				a.Date.From, a.Body.From = nil, nil
			}
		}
		if known == len(h.Annotations) && len(subjects) > 0 {
			for _, leaf := range n.All(nil) {
				leaf.ExplainSelf(tree.Dropped, model.NotDescribed)
			}
		}
	}
}

func Party(n *tree.Node, kind string) *model.Party {
	if n == nil {
		return nil
	}
	p := &model.Party{Kind: kind, Name: n.Str("name"), Email: n.Str("email")}
	if u := n.List("url"); len(u) > 0 && u[0].Kind == strictjson.String {
		p.URL = tree.Text{S: u[0].Text, From: u[0]}
	}
	if c := n.List("contact"); len(c) > 0 && !p.Email.OK() {
		p.Email = c[0].Str("email")
	}
	return p
}

// Element reads one component.
func Element(n *tree.Node) *model.Element {
	h := reader{&model.Document{}}
	h.element(n, -1)
	return h.Elements[0]
}

func (h reader) element(n *tree.Node, parent int) int {
	e := &model.Element{ID: n.Str("bom-ref"), Kind: n.Str("type"), Group: n.Str("group"), Name: n.Str("name"), Version: n.Str("version"),
		Copyright: n.Str("copyright"), Description: n.Str("description"), Publisher: n.Str("publisher"), Scope: n.Str("scope")}
	e.MediaType = n.Str("mime-type")
	for _, kind := range []string{"swhid", "omniborId"} {
		for _, v := range n.List(kind) {
			if v.Kind == strictjson.String {
				e.Identifiers = append(e.Identifiers, model.Identifier{Kind: tree.Constant(strings.Replace(kind, "omniborId", "gitoid", 1)),
					Value: tree.Text{S: v.Text, From: v}})
			}
		}
	}
	if id := n.Get("swid").Str("tagId"); id.OK() {
		e.Identifiers = append(e.Identifiers, model.Identifier{Kind: tree.Constant("swid"), Value: id})
	}
	if t := n.Str("purl"); t.OK() {
		e.PURLs = []tree.Text{t}
	}
	if t := n.Str("cpe"); t.OK() {
		e.CPEs = []tree.Text{t}
	}
	e.Hashes = Hashes(n)
	e.Licenses = tree.Room(e.Licenses, n.Get("licenses"))
	for _, l := range n.List("licenses") {
		e.Licenses = append(e.Licenses, licenseOf(l))
		h.details(l)
	}
	e.Supplier = Party(n.Get("supplier"), "Organization")
	e.Manufacturer = Party(n.Get("manufacturer"), "Organization")
	for _, a := range n.List("authors") {
		e.Authors = append(e.Authors, *Party(a, "Person"))
	}
	if a := n.Str("author"); a.OK() {
		e.Authors = append(e.Authors, model.Party{Kind: "Person", Name: a})
	}
	readReferences(e, n)
	if p := n.Get("pedigree"); p != nil {
		for _, leaf := range p.All(nil) {
			leaf.ExplainSelf(tree.Dropped, NoPedigree)
		}
	}
	e.Model = cardOf(n.Get("modelCard"))
	readEvidence(e, n.Get("evidence"))
	for _, l := range n.Get("evidence").List("licenses") {
		h.details(l)
	}
	e.Properties = tree.Room(e.Properties, n.Get("properties"))
	for _, p := range n.List("properties") {
		e.Properties = append(e.Properties, model.Property{Name: p.Str("name"), Value: p.Str("value")})
	}
	i := len(h.Elements)
	h.Elements = append(h.Elements, e)
	if parent >= 0 {
		h.Edges = append(h.Edges, model.Edge{From: parent, To: i, Kind: "CONTAINS"})
	}
	for _, c := range n.List("components") {
		h.element(c, i)
	}
	return i
}

// readReferences reads external references, of which some are what SPDX has members for.
func readReferences(e *model.Element, n *tree.Node) {
	e.References = tree.Room(e.References, n.Get("externalReferences"))
	for _, r := range n.List("externalReferences") {
		kind, url := r.Str("type"), r.Str("url")
		switch {
		case kind.S == "website" && !e.Homepage.OK() && len(r.Members) == 2:
			e.Homepage = url
			e.Leaves = append(e.Leaves, kind.From)
		case kind.S == "distribution" && !e.Download.OK() && len(r.Members) == 2 && strings.Contains(url.S, "://"):
			e.Download = url
			e.Leaves = append(e.Leaves, kind.From)
		case kind.S == "distribution" && !e.Download.OK() && len(r.Members) == 3 && strings.Contains(url.S, "://") &&
			e.Hashes == nil && len(r.List("hashes")) > 0:
			e.Download = url // as npm's programs have it: the hashes of what is there are the package's
			e.Leaves = append(e.Leaves, kind.From)
			e.Hashes, e.OfArchive = Hashes(r), true
			for _, x := range e.Hashes {
				x.Value.From.ExplainSelf(tree.Changed, "SPDX has hashes of a package, and none of a reference")
			}
		default:
			e.References = append(e.References, referenceOf(r))
		}
	}
}

func licenseOf(l *tree.Node) model.License {
	c := model.License{Expression: l.Str("expression")}
	holder := l
	if i := l.Get("license"); i != nil {
		holder = i
		c.ID, c.Name, c.URL = i.Str("id"), i.Str("name"), i.Str("url")
		if body := i.Get("text"); body.Get("encoding") == nil {
			c.Body = body.Str("content")
		}
	}
	if a := holder.Str("acknowledgement"); a.OK() {
		c.Role, c.RoleFrom = a.S, a.From
	}
	return c
}

// details reads the texts of the licences of an expression (1.7, licenseChoice, expressionDetails).
func (h reader) details(l *tree.Node) {
	for _, d := range l.List("expressionDetails") {
		id, body := d.Str("licenseIdentifier"), d.Get("text").Str("content")
		c := h.Extracted[id.S]
		switch {
		case !spec.IsRef(id.S, "LicenseRef-"):
			for _, leaf := range d.All(nil) {
				leaf.ExplainSelf(tree.Dropped, "SPDX has the texts of licences that its list does not have")
			}
		case d.Get("text").Get("encoding") != nil:
			for _, leaf := range d.Get("text").All(nil) {
				leaf.ExplainSelf(tree.Dropped, "SPDX has licences as text, not encoded")
			}
		case c != nil && c.Body.S != body.S:
			for _, leaf := range d.All(nil) {
				leaf.ExplainSelf(tree.Dropped, "SPDX has one text of a licence")
			}
		case c != nil:
			c.Also = append(c.Also, d.All(nil)...)
		case body.OK():
			if h.Extracted == nil {
				h.Extracted = map[string]*model.Extracted{}
			}
			c = &model.Extracted{ID: id, Body: body, SeeAlso: tree.Texts(d, "url")}
			h.Extracted[id.S] = c
		}
	}
}

// readEvidence reads what was found in a component's files.
func readEvidence(e *model.Element, n *tree.Node) {
	for _, l := range n.List("licenses") {
		c := licenseOf(l)
		c.Role, c.RoleFrom = "found", nil
		e.Licenses = append(e.Licenses, c)
	}
	for _, x := range n.List("copyright") {
		e.Copyrights = append(e.Copyrights, x.Str("text"))
	}
}

func referenceOf(r *tree.Node) model.Reference {
	return model.Reference{Kind: r.Str("type"), URL: r.Str("url"), Comment: r.Str("comment"), Hashes: Hashes(r)}
}

func Hashes(n *tree.Node) (out []model.Hash) {
	out = tree.Room(out, n.Get("hashes"))
	for _, v := range n.List("hashes") {
		out = append(out, model.Hash{Alg: v.Str("alg"), Value: v.Str("content")})
	}
	return out
}

// cardOf reads a model card.
func cardOf(card *tree.Node) *model.Card {
	if card == nil {
		return nil
	}
	p, c := card.Get("modelParameters"), card.Get("considerations")
	m := &model.Card{Approach: p.Get("approach").Str("type"), Family: p.Str("architectureFamily"), Architecture: p.Str("modelArchitecture"),
		Limitations: tree.Texts(c, "technicalLimitations"), Uses: tree.Texts(c, "useCases")}
	for _, x := range card.Get("quantitativeAnalysis").List("performanceMetrics") {
		if name, value := x.Str("type"), x.Str("value"); name.OK() && value.OK() {
			m.Metrics = append(m.Metrics, model.Metric{Name: name, Value: value})
		}
	}
	for _, x := range c.Get("environmentalConsiderations").List("energyConsumptions") {
		e := model.Energy{Activity: x.Str("activity"), Quantity: x.Get("activityEnergyCost").Get("value"),
			Unit: x.Get("activityEnergyCost").Get("unit")}
		if e.Member() == "" {
			for _, n := range []*tree.Node{e.Activity.From, e.Quantity, e.Unit} {
				n.ExplainSelf(tree.Dropped, "SPDX 3 has the energy of training, fine-tuning and inference")
			}
		} else if e.Quantity != nil && e.Unit != nil {
			m.Energy = append(m.Energy, e)
		}
	}
	return m
}

func (h reader) vulnerabilities(root *tree.Node) {
	for _, n := range root.List("vulnerabilities") {
		analysis := n.Get("analysis")
		v := &model.Vulnerability{ID: n.Str("id"), Description: n.Str("description"), Detail: n.Str("detail"),
			Source:    n.Get("source").Str("url"),
			Published: n.Str("published"), Updated: n.Str("updated"), State: analysis.Str("state"),
			Justification: analysis.Str("justification"),
			Note:          analysis.Str("detail"), Statement: n.Str("recommendation")}
		if !v.Statement.OK() {
			v.Statement = n.Str("workaround")
		}
		v.SourceName = n.Get("source").Str("name")
		v.Cwes = n.List("cwes")
		for _, a := range n.List("advisories") {
			v.Advisories = append(v.Advisories, model.Reference{Kind: tree.Constant("advisories"), URL: a.Str("url"),
				Comment: a.Str("title")})
		}
		for _, r := range n.List("ratings") {
			v.Ratings = append(v.Ratings, model.Rating{Method: r.Str("method"), Severity: r.Str("severity"), Vector: r.Str("vector"),
				Score: r.Get("score"), Said: nil,
				Source: Party(r.Get("source"), "Organization")})
		}
		if list := analysis.List("response"); len(list) > 0 && list[0].Kind == strictjson.String {
			v.Response = tree.Text{S: list[0].Text, From: list[0]}
		}
		for _, a := range n.List("affects") {
			ref := a.Str("ref")
			if i := h.Find(ref.S); i >= 0 {
				v.Affects = append(v.Affects, i)
				v.AffectsFrom = append(v.AffectsFrom, []*tree.Node{ref.From})
			} else {
				ref.From.ExplainSelf(tree.Dropped, model.NotDescribed)
			}
		}
		h.Vulnerabilities = append(h.Vulnerabilities, v)
	}
}
