package spdx3

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A reader takes from an SPDX 3 document what the specifications have in common.
type reader struct {
	*model.Document
	elements  []*tree.Node
	byID      map[string]*tree.Node
	indexOf   map[string]int
	licences  Licences
	documents []*tree.Node
	boms      []*tree.Node
	custom    map[string]string   // what expressions call licences, by their ids
	named     map[*tree.Node]bool // agents and SBOMs that something refers to
}

// Read takes from an SPDX 3 document what the specifications have in common.
func Read(root *tree.Node) (*model.Document, error) {
	shaped, said, err := Shape(root)
	if err != nil {
		return nil, err
	}
	h := &model.Document{Extracted: map[string]*model.Extracted{}}
	if c := shaped.Get("@context"); c != nil {
		h.Leaves = c.All(nil)
	}
	h.Leaves = append(h.Leaves, said...)
	r := &reader{Document: h, elements: Elements(shaped), byID: map[string]*tree.Node{}, indexOf: map[string]int{}, licences: Licences{},
		named: map[*tree.Node]bool{}}
	for _, n := range r.elements {
		if id := idOf(n).S; r.byID[id] == nil {
			r.byID[id] = n
		}
	}
	r.customs()
	for _, n := range r.elements {
		r.element(n)
	}
	r.creations()
	if len(r.documents) == 0 {
		r.documents = r.boms
		if len(r.boms) > 0 {
			h.ID, h.Name = idOf(r.boms[0]), r.boms[0].Str("name")
		}
	}
	for _, d := range r.documents {
		r.named[d] = true
		r.describe(d)
		r.licenceOfData(d)
	}
	for _, d := range slices.Concat(r.documents, r.boms) {
		for _, ref := range tree.ListOrOne(d.Get("element")) { // what the document has is in it
			if i, ok := r.indexOf[ref.Text]; ok && ref.Kind == strictjson.String {
				r.Document.Elements[i].Leaves = append(r.Document.Elements[i].Leaves, ref)
				r.Inside = append(r.Inside, ref)
			}
		}
	}
	for _, n := range r.elements {
		switch kind := n.Str("relationshipType"); {
		case strings.HasPrefix(classOf(n).S, "security_"):
			r.Assessments = append(r.Assessments, n)
		case kind.OK():
			r.relationship(n, kind)
		case classOf(n).S == "Annotation":
			r.annotation(n)
		}
	}
	r.settleCompositions()
	r.security()
	for _, n := range r.elements {
		switch classOf(n).S {
		case "Person", "Organization", "Agent", "SoftwareAgent", "Tool":
			if !r.named[n] {
				n.ExplainMembers("nobody that is said to have made or supplied anything that is carried over")
			}
		}
	}
	return h, nil
}

// customs reads what expressions call the licences that are elements (SimpleLicensing, customIdToUri).
func (r *reader) customs() {
	r.custom = map[string]string{}
	for _, n := range r.elements {
		if classOf(n).S != "simplelicensing_LicenseExpression" {
			continue
		}
		for _, x := range tree.ListOrOne(n.Get("simplelicensing_customIdToUri")) {
			key, uri := x.Str("key"), x.Str("value")
			switch known := r.custom[uri.S]; {
			case !spec.IsRef(key.S, "LicenseRef-"), r.byID[uri.S] == nil:
				continue
			case known != "" && known != key.S:
				key.From.ExplainSelf(tree.Dropped, "a licence has one name in all expressions")
				uri.From.ExplainSelf(tree.Dropped, "a licence has one name in all expressions")
				continue
			}
			r.custom[uri.S] = key.S
			uri.From.ExplainSelf(tree.Changed, "a licence is known by the name that expressions have for it")
			r.Leaves = append(r.Leaves, tree.Compact([]*tree.Node{classOf(x).From, key.From, uri.From})...)
		}
	}
}

// licenceKey is what expressions call a licence.
func (r *reader) licenceKey(id string) string {
	if key := r.custom[id]; key != "" {
		return key
	}
	return keyOf(id)
}

// licenceOfData reads the licence of a document itself.
func (r *reader) licenceOfData(d *tree.Node) {
	ref := d.Str("dataLicense")
	var parts []*tree.Node
	id := r.licences.Expression(ref.S, func(id string) {
		if n := r.byID[id]; n != nil {
			parts = append(parts, n)
		}
	})
	if license.Listed(ref.S) { // by its name, where an id should be
		id = ref.S
	}
	if !license.Listed(id) || r.DataLicense.OK() || len(parts) > 1 {
		return
	}
	r.DataLicense = tree.Text{S: id, From: ref.From}
	for _, n := range parts {
		ref.From.ExplainSelf(tree.Changed, "written by the licence's name")
		r.DataLicense.From = n.Str("simplelicensing_licenseExpression").From
		r.Leaves = append(r.Leaves, tree.Compact([]*tree.Node{ref.From, idOf(n).From, classOf(n).From})...)
	}
}

// creation returns the creation information of an element.
func (r *reader) creation(n *tree.Node) *tree.Node {
	if info := n.Get("creationInfo"); info != nil && info.Kind == strictjson.String {
		return r.byID[info.Text]
	}
	return nil
}

// creations reads when, by whom and with what the document was made, which other elements may say otherwise of themselves.
func (r *reader) creations() {
	var own *tree.Node
	for _, d := range slices.Concat(r.documents, r.boms) {
		if own == nil {
			own = r.creation(d)
		}
	}
	for _, n := range r.elements {
		if classOf(n).S == "CreationInfo" && own == nil {
			own = n
		}
	}
	if own == nil {
		return
	}
	r.Created, r.CreationComment = own.Str("created"), own.Str("comment")
	for _, a := range tree.ListOrOne(own.Get("createdBy")) {
		switch p := r.agent(a); {
		case p == nil:
		case p.Kind == "Tool":
			r.Tools = append(r.Tools, *p)
		default:
			r.Authors = append(r.Authors, *p)
		}
	}
	for _, a := range tree.ListOrOne(own.Get("createdUsing")) {
		if p := r.agent(a); p != nil {
			p.Kind = "Tool"
			r.Tools = append(r.Tools, *p)
		}
	}
	for _, n := range r.elements {
		if classOf(n).S != "CreationInfo" {
			continue
		}
		r.Leaves = append(r.Leaves, tree.Compact([]*tree.Node{classOf(n).From, idOf(n).From, n.Get("specVersion")})...)
		for _, m := range n.Members {
			switch {
			case n == own, m.Name == "type", m.Name == "@type", m.Name == "@id", m.Name == "specVersion":
			case m.Value.Equal(own.Get(m.Name)): // writers repeat it in every element
				r.Leaves = m.Value.All(r.Leaves)
			default:
				for _, leaf := range m.Value.All(nil) {
					leaf.ExplainSelf(tree.Dropped, "who made a part of the document and when is said of the whole only")
				}
			}
		}
	}
}

// agent returns who a reference leads to, or nil.
func (r *reader) agent(ref *tree.Node) *model.Party {
	if ref == nil || ref.Kind != strictjson.String {
		return nil
	}
	n := r.byID[ref.Text]
	if n == nil {
		return nil
	}
	kind := classOf(n).S
	switch kind {
	case "Person", "Tool":
	case "SoftwareAgent":
		kind = "Tool"
	case "Organization", "Agent":
		kind = "Organization"
	default:
		return nil
	}
	r.named[n] = true
	p := &model.Party{Kind: kind, Name: n.Str("name"), Also: tree.Compact([]*tree.Node{classOf(n).From, idOf(n).From, ref})}
	if info := n.Get("creationInfo"); info != nil && info.IsLeaf() {
		p.Also = append(p.Also, info)
	}
	for _, x := range n.List("externalIdentifier") {
		if x.Str("externalIdentifierType").S == "email" && !p.Email.OK() {
			p.Email = x.Str("identifier")
			p.Also = append(p.Also, tree.Compact([]*tree.Node{x.Str("externalIdentifierType").From, classOf(x).From})...)
		}
		if at := x.Str("identifier"); strings.Contains(at.S, "://") && !p.URL.OK() {
			p.URL = at
		}
	}
	return p
}

func (r *reader) element(n *tree.Node) {
	class := classOf(n)
	if info := n.Get("creationInfo"); info != nil && info.IsLeaf() {
		r.Leaves = append(r.Leaves, info)
	}
	switch class.S {
	case "SpdxDocument":
		r.ID, r.Name, r.Comment = idOf(n), n.Str("name"), n.Str("comment")
		r.Leaves = append(r.Leaves, class.From)
		r.documents = append(r.documents, n)
		r.imports(n)
		r.documentReferences(n)
	case "software_Sbom", "Bom":
		r.boms = append(r.boms, n)
		phases(r.Document, n)
	case "simplelicensing_LicenseExpression":
		r.licences[idOf(n).S] = Licence{Class: class.S, Expr: n.Str("simplelicensing_licenseExpression").S}
		if v := n.Str("simplelicensing_licenseListVersion"); !r.ListVersion.OK() {
			r.ListVersion = v
		} else if v.OK() { // the same, too: what becomes of the first becomes of no other
			v.From.ExplainSelf(tree.Dropped, "the version of the licence list is said once of a document")
		}
		r.Leaves = append(r.Leaves, class.From)
	case "simplelicensing_SimpleLicensingText", "expandedlicensing_CustomLicense":
		r.licences[idOf(n).S] = Licence{Class: class.S, Expr: r.licenceKey(idOf(n).S)}
		r.licenseText(n, class)
	case "expandedlicensing_ConjunctiveLicenseSet", "expandedlicensing_DisjunctiveLicenseSet", "expandedlicensing_OrLaterOperator",
		"expandedlicensing_WithAdditionOperator", "expandedlicensing_ListedLicense", "expandedlicensing_ListedLicenseException",
		"expandedlicensing_CustomLicenseAddition":
		var parts, added []string
		for _, m := range n.Members {
			for _, v := range tree.ListOrOne(m.Value) {
				switch {
				case !holdsParts(m.Name):
				case m.Name == "expandedlicensing_subjectAddition":
					added = append(added, v.Text)
				default:
					parts = append(parts, v.Text)
				}
			}
		}
		r.licences[idOf(n).S] = Licence{Class: class.S, Parts: append(parts, added...)}
	case "software_Package", "software_File", "software_Snippet", "ai_AIPackage", "dataset_DatasetPackage":
		e := r.artifact(n, class)
		if _, twice := r.indexOf[e.ID.S]; !twice {
			r.indexOf[e.ID.S] = len(r.Document.Elements)
		}
		r.Document.Elements = append(r.Document.Elements, e)
	}
}

// licenseText reads the text of a licence, which expressions name by the last part of its id.
func (r *reader) licenseText(n *tree.Node, class tree.Text) {
	c := &model.Extracted{ID: idOf(n), Name: n.Str("name"), Body: n.Str("simplelicensing_licenseText"), Comment: n.Str("comment")}
	key := r.licenceKey(c.ID.S)
	if r.Extracted[key] == nil && c.Body.OK() {
		c.ID.S = key
		c.Also = tree.Compact([]*tree.Node{class.From})
		for _, x := range tree.ListOrOne(n.Get("externalRef")) {
			if kind := x.Str("externalRefType"); kind.S == "license" {
				c.SeeAlso = append(c.SeeAlso, tree.Texts(x, "locator")...)
				c.Also = append(c.Also, tree.Compact([]*tree.Node{kind.From, classOf(x).From})...)
			}
		}
		c.SeeAlso = append(c.SeeAlso, tree.Texts(n, "expandedlicensing_seeAlso")...)
		r.Extracted[key] = c
	}
}

// describe reads what a document or an SBOM is about, which may be an SBOM; also are the leaves that lead to it.
func (r *reader) describe(d *tree.Node, also ...*tree.Node) {
	for _, ref := range tree.ListOrOne(d.Get("rootElement")) {
		r.described(ref, also...)
		for _, b := range r.boms {
			if idOf(b).S == ref.Text && !r.named[b] {
				r.named[b] = true
				r.describe(b, append(slices.Clone(also), ref, classOf(b).From, idOf(b).From)...)
			}
		}
	}
}

func (r *reader) described(ref *tree.Node, also ...*tree.Node) {
	if i, ok := r.indexOf[ref.Text]; ok {
		r.Root(i, append(also, ref)...)
	}
}

// relationship reads what a relationship says, which may have many ends.
func (r *reader) relationship(n *tree.Node, kind tree.Text) {
	from, scope := n.Str("from"), n.Str("scope")
	if list := tree.ListOrOne(n.Get("from")); !from.OK() && len(list) == 1 && list[0].Kind == strictjson.String {
		from = tree.Text{S: list[0].Text, From: list[0]}
	}
	fi, fok := r.indexOf[from.S]
	name, turned := model.FromSPDX3(kind.S, scope.S)
	if scope.OK() && model.BackFromSPDX3[[2]string{kind.S, scope.S}].Scope == "" {
		scope.From.ExplainSelf(tree.Dropped, model.NoSuchScope)
		scope = tree.Text{}
	}
	for _, to := range tree.ListOrOne(n.Get("to")) {
		if to.Kind != strictjson.String {
			continue
		}
		also := tree.Compact([]*tree.Node{kind.From, idOf(n).From})
		if c := classOf(n); c.S == "Relationship" || c.S == "LifecycleScopedRelationship" {
			also = append(also, c.From)
		}
		if fok && r.licensed(r.Document.Elements[fi], kind.S, to, append(also, from.From, scope.From)) {
			if e := r.Document.Elements[fi]; !e.LicenseComment.OK() {
				e.LicenseComment = n.Str("comment")
			}
			continue
		}
		if kind.S == "describes" && !fok {
			r.described(to, append(also, from.From)...)
			continue
		}
		e := model.Edge{From: -1, To: -1, Kind: string(name), FromText: from, ToText: tree.Text{S: to.Text, From: to},
			Comment: n.Str("comment"), Also: also, Scope: scope.From}
		if !e.Comment.OK() {
			e.Comment = n.Str("description")
			e.Comment.From.ExplainSelf(tree.Changed, "the other format has one text about a relationship")
		}
		if fok {
			e.From = fi
		} else {
			e.FromText.S = r.outside(e.FromText.S)
		}
		if ti, ok := r.indexOf[to.Text]; ok {
			e.To = ti
		}
		if strings.HasSuffix(to.Text, "NoneElement") {
			e.ToText.S = "NONE"
		} else if strings.HasSuffix(to.Text, "NoAssertionElement") {
			e.ToText.S = "NOASSERTION"
		}
		e.ToText.S = r.outside(e.ToText.S)
		if turned {
			e.From, e.To, e.FromText, e.ToText = e.To, e.From, e.ToText, e.FromText
		}
		r.Edges = append(r.Edges, e)
		r.completeness(n, &e)
	}
}

// licensed reads which licence an element has, if a relationship says so.
func (r *reader) licensed(e *model.Element, kind string, to *tree.Node, also []*tree.Node) bool {
	role := map[string]string{"hasDeclaredLicense": "declared", "hasConcludedLicense": "concluded"}[kind]
	if role == "" {
		return false
	}
	if role == "declared" && e.File { // SPDX 3.0.1, annex "Differences": "License Information in File"
		role = "found"
	}
	var parts []*tree.Node
	expr := tree.Text{S: r.licences.Expression(to.Text, func(id string) {
		if n := r.byID[id]; n != nil {
			parts = append(parts, n)
		}
	}), From: to}
	if expr.S == "" {
		return false
	}
	e.Leaves = append(e.Leaves, tree.Compact(append(also, to))...)
	for _, n := range parts {
		if said := licensedBy(e, n); said != nil && len(parts) == 1 {
			expr.From = said
		} else if said != nil {
			e.Leaves = append(e.Leaves, said)
		}
	}
	e.Licenses = append(e.Licenses, model.License{Role: role, Expression: expr})
	return true
}

// licensedBy notes what a part of a licence's expression says, and returns the leaf that is an expression itself, or nil.
func licensedBy(e *model.Element, n *tree.Node) (expression *tree.Node) {
	switch classOf(n).S {
	case "simplelicensing_LicenseExpression":
		e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{idOf(n).From})...)
		return n.Str("simplelicensing_licenseExpression").From
	case "simplelicensing_SimpleLicensingText", "expandedlicensing_CustomLicense":
		return nil
	}
	e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{idOf(n).From, classOf(n).From})...)
	for _, m := range n.Members {
		for _, leaf := range m.Value.All(nil) {
			switch {
			case holdsParts(m.Name):
				leaf.ExplainSelf(tree.Changed, "the other format has one expression as text")
				e.Leaves = append(e.Leaves, leaf)
			case m.Name != "type" && m.Name != "spdxId" && m.Name != "creationInfo":
				leaf.ExplainSelf(tree.Dropped, "an expression names the licences of SPDX's list, and does not repeat what the list says")
			}
		}
	}
	return nil
}

// documentReferences reads the external references of the document itself.
func (r *reader) documentReferences(d *tree.Node) {
	for _, x := range tree.ListOrOne(d.Get("externalRef")) {
		for _, l := range tree.ListOrOne(x.Get("locator")) {
			r.References = append(r.References, model.Reference{Kind: x.Str("externalRefType"), URL: tree.Text{S: l.Text, From: l},
				Comment: x.Str("comment")})
			r.Leaves = append(r.Leaves, tree.Compact([]*tree.Node{classOf(x).From})...)
		}
	}
}

func (r *reader) annotation(n *tree.Node) {
	a := model.Annotation{Subject: -1, Kind: n.Str("annotationType"), Body: n.Str("statement")}
	if !a.Body.OK() {
		return
	}
	subject := n.Str("subject")
	if i, ok := r.indexOf[subject.S]; ok {
		a.Subject = i
	} else if subject.S != r.ID.S {
		return
	}
	a.Kind.S = strings.ToUpper(a.Kind.S)
	a.Also = tree.Compact([]*tree.Node{classOf(n).From, idOf(n).From, subject.From})
	if info := r.creation(n); info != nil {
		a.Date = info.Str("created")
		for _, by := range tree.ListOrOne(info.Get("createdBy")) {
			if a.Who == nil {
				a.Who = r.agent(by)
			}
		}
	}
	r.Document.Annotations = append(r.Document.Annotations, a)
}

// completeness reads what a relationship of SPDX 3 says of being all; it is settled when all are read.
func (r *reader) completeness(n *tree.Node, e *model.Edge) {
	of, kind := e.About()
	word := n.Str("completeness")
	if of < 0 {
		word.From.ExplainSelf(tree.Dropped, "the other format says of parts and dependencies only whether they are all")
		return
	}
	c := model.Composition{Of: of, Kind: kind, Word: word.S, Leaves: tree.Compact([]*tree.Node{word.From})}
	if c.Word == "noAssertion" || c.Word == "" && e.ToText.S == "NOASSERTION" {
		c.Word = "unknown"
	}
	r.Compose(c)
}

// settleCompositions forgets what was noted of relationships that say nothing.
func (r *reader) settleCompositions() {
	var out []model.Composition
	r.Composed = nil
	for _, c := range r.Compositions {
		if c.Word != "" && len(c.Leaves) > 0 {
			out = append(out, c)
		}
	}
	r.Compositions = nil
	for _, c := range out {
		r.Compose(c)
	}
}

// imports reads which documents are referred to, and what their names are.
func (r *reader) imports(d *tree.Node) {
	prefixes := map[string]model.Namespace{}
	maps := tree.ListOrOne(d.Get("namespaceMap"))
	for _, m := range maps {
		prefixes[strings.TrimRight(m.Str("namespace").S, "#/")] = model.Namespace{Prefix: m.Str("prefix"), URI: m.Str("namespace")}
	}
	used := map[string]bool{}
	for _, m := range tree.ListOrOne(d.Get("import")) {
		at, where := m.Str("externalSpdxId"), m.Str("locationHint")
		if at.S == "" {
			continue
		}
		uri, name, ok := strings.Cut(at.S, "#")
		known := prefixes[uri]
		e := model.ForeignElement{At: at, Name: spec.RefOf(name)}
		if !ok {
			e.Name = spec.DocumentID
		}
		var also []*tree.Node
		hashes := hashesOf(m, &also)
		also = append(also, tree.Compact([]*tree.Node{classOf(m).From})...)
		m.Get("definingArtifact").ExplainSelf(tree.Dropped, "the other format does not say which artifact stands for another document")
		i := slices.IndexFunc(r.Externals, func(x model.External) bool { return x.URI.S == uri })
		if i < 0 {
			i = len(r.Externals)
			id := known.Prefix
			if !spec.IsRef(id.S, "DocumentRef-") || calls(r.Document, id.S) {
				id = tree.Constant(documentRef(r.Document, i+1))
			}
			used[uri] = id.From != nil
			x := model.External{ID: id, URI: tree.Constant(uri), Hashes: hashes, Location: where, Unnamed: !ok && known.URI.S == ""}
			if used[uri] {
				x.URI.From = known.URI.From
			}
			r.Externals = append(r.Externals, x)
		}
		x := &r.Externals[i]
		x.Unnamed = x.Unnamed && !ok
		x.Also = append(x.Also, also...)
		x.Elements = append(x.Elements, e)
		repeat(x, hashes, where)
	}
	for _, m := range maps {
		if n := (model.Namespace{Prefix: m.Str("prefix"), URI: m.Str("namespace")}); !used[strings.TrimRight(n.URI.S, "#/")] {
			r.Namespaces = append(r.Namespaces, n)
		}
		r.Leaves = append(r.Leaves, tree.Compact([]*tree.Node{classOf(m).From})...)
	}
}

// calls reports whether a document is called by a name.
func calls(h *model.Document, id string) bool {
	return slices.ContainsFunc(h.Externals, func(x model.External) bool { return x.ID.S == id })
}

// documentRef makes a name for a document.
func documentRef(h *model.Document, n int) string {
	for {
		if id := "DocumentRef-" + strconv.Itoa(n); !calls(h, id) {
			return id
		}
		n++
	}
}

// repeat takes what one more ExternalMap says of a document: writers repeat its hashes for each of its elements.
func repeat(x *model.External, hashes []model.Hash, where tree.Text) {
	for _, sum := range hashes {
		switch i := slices.IndexFunc(x.Hashes, func(y model.Hash) bool { return y.Alg.S == sum.Alg.S && y.Value.S == sum.Value.S }); {
		case i < 0:
			x.Hashes = append(x.Hashes, sum)
		case x.Hashes[i] != sum:
			x.Again = append(x.Again, tree.Compact([]*tree.Node{sum.Alg.From, sum.Value.From})...)
		}
	}
	switch {
	case where == x.Location:
	case where.S == x.Location.S:
		x.Again = append(x.Again, where.From)
	case !x.Location.OK():
		x.Location = where
	default:
		where.From.ExplainSelf(tree.Dropped, "the document is somewhere else too")
	}
}

// outside names an element of another document as SPDX 2 does.
func (r *reader) outside(id string) string {
	uri, name, ok := strings.Cut(id, "#")
	i := slices.IndexFunc(r.Externals, func(x model.External) bool { return x.URI.S == uri })
	switch {
	case i < 0:
		return id
	case ok:
		return r.Externals[i].ID.S + ":" + spec.RefOf(name)
	}
	return r.Externals[i].ID.S + ":" + spec.DocumentID
}

// phases reads when an SBOM was made.
func phases(h *model.Document, n *tree.Node) {
	for _, t := range tree.Texts(n, "software_sbomType") {
		for _, known := range sbomTypes {
			if known.sbomType != t.S {
				continue
			}
			if known.phase != t.S {
				t.From.ExplainSelf(tree.Changed, "CycloneDX has words of its own for phases")
			}
			h.Lifecycles = append(h.Lifecycles, tree.Text{S: known.phase, From: t.From})
		}
	}
}
