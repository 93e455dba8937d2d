package spdx3

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A writer writes SPDX 3.0.1 (profiles Core, Software, SimpleLicensing, Security and Extension).
type writer struct {
	*model.Document
	root        *tree.Node
	doc         *tree.Node
	base        string
	ids         spec.Names
	agents      map[[4]string]*tree.Node // by class, name, address and version
	infos       map[string]string        // creation information of annotations, by who and when
	out         []string                 // ids of the elements
	written     []*tree.Node             // what stands for them
	count       int                      // of relationships
	expressions map[string]*tree.Node
	named       map[string][]naming // names of licences in expressions, by name and by the document before it
	said        map[naming]bool     // of which it is said what they are
	profiles    []string
	exhaustive  map[[3]string]*tree.Node // relationships that say whether they are all, by where they begin, type and scope
}

const mainCreation = "_:creationinfo"

// Write writes a document.
func Write(h *model.Document) *tree.Node {
	w := &writer{Document: h, root: tree.NewObject(), ids: make(spec.Names, 2*len(h.Elements)+len(h.Edges)),
		agents: map[[4]string]*tree.Node{}, infos: map[string]string{},
		expressions: map[string]*tree.Node{},
		exhaustive:  map[[3]string]*tree.Node{},
		profiles:    []string{"core", "software", "simpleLicensing"}}
	w.root.Set("@context", tree.NewText("https://spdx.org/rdf/3.0.1/spdx-context.jsonld", h.Leaves...))
	w.base = h.ID.S
	if !spec.IsNamespace(w.base) {
		w.base = h.MadeID("/@graph", "SPDX wants ids that are IRIs; made from the input's bytes")
	}
	w.base = strings.TrimSuffix(w.base, "#")
	w.creation()
	w.ids[w.base]++
	w.document()
	refs := &model.LicenseRefs{H: h, Known: map[string]string{}, Taken: spec.Names{}}
	for i, e := range h.Elements {
		w.element(i, e, refs)
	}
	refs.Rest()
	for _, x := range refs.Out {
		o := w.object("simplelicensing_SimpleLicensingText", w.iri(x.Str("licenseId").S))
		o.Get("spdxId").StandOnly(x.Get("licenseId").Sources()...)
		w.custom(x.Str("licenseId").S, o.Str("spdxId").S)
		if n := x.Get("name"); n != nil {
			o.Set("name", n)
		}
		o.Set("simplelicensing_licenseText", x.Get("extractedText"))
		if c := x.Get("comment"); c != nil {
			o.Set("comment", c)
		}
		for _, u := range x.List("seeAlsos") {
			v := o.Add("externalRef", tree.NewObject())
			v.Set("type", tree.NewText("ExternalRef"))
			v.Set("externalRefType", tree.NewText("license"))
			v.Add("locator", u)
		}
	}
	for i := range h.Externals {
		if x := &h.Externals[i]; spec.IsNamespace(x.URI.S) {
			w.custom(x.ID.S+":", strings.TrimSuffix(x.URI.S, "#")+"#")
		}
	}
	h.RelateCompositions(true, w.out)
	for k := range h.Edges {
		w.edge(&h.Edges[k])
	}
	w.outside()
	for _, a := range h.Annotations {
		w.annotation(a)
	}
	w.security()
	profiles := tree.NewArray()
	for _, p := range w.profiles {
		profiles.Items = append(profiles.Items, tree.NewText(p))
	}
	w.doc.Set("profileConformance", profiles)
	return w.root
}

// custom says in the expressions that name a licence which element that is; of a name that ends in ":", which begins the names
// of licences in another document.
func (w *writer) custom(name, id string) {
	if w.named == nil {
		w.indexNames()
	}
	for _, n := range w.named[name] {
		if w.said[n] {
			continue
		}
		w.said[n] = true
		e := n.x.Add("simplelicensing_customIdToUri", tree.NewObject())
		e.Set("type", tree.NewText("DictionaryEntry"))
		e.Set("key", tree.NewText(n.token))
		e.Set("value", tree.NewText(id+strings.TrimPrefix(n.token, name)))
	}
}

// A naming is a name of a licence in an expression.
type naming struct {
	x     *tree.Node
	token string
}

// indexNames notes which expressions have each name in them, and each name of another document, when all expressions are there.
func (w *writer) indexNames() {
	w.named, w.said = map[string][]naming{}, map[naming]bool{}
	for _, x := range w.expressions {
		expression := x.Str("simplelicensing_licenseExpression").S
		for _, token := range strings.FieldsFunc(expression, func(c rune) bool { return strings.ContainsRune(" ()+", c) }) {
			w.named[token] = append(w.named[token], naming{x, token})
			if i := strings.IndexByte(token, ':'); i >= 0 && i+1 < len(token) {
				w.named[token[:i+1]] = append(w.named[token[:i+1]], naming{x, token})
			}
		}
	}
}

// iri returns an id that is a IRI, for one of another specification.
func (w *writer) iri(id string) string {
	if strings.Contains(id, "://") || strings.HasPrefix(id, "urn:") {
		if w.ids[id] == 0 && !strings.ContainsAny(id, " <>\"{}|\\^`") {
			return w.ids.Unique(id)
		}
	}
	return w.ids.Unique(w.base + "#" + spec.RefOf(id))
}

func (w *writer) object(class, id string, from ...*tree.Node) *tree.Node {
	o := w.root.Add("@graph", tree.NewLarge())
	o.Set("type", tree.NewText(class))
	o.Set("spdxId", tree.NewText(id, from...))
	o.Set("creationInfo", tree.NewText(mainCreation))
	return o
}

func agentClass(kind string) string {
	if kind == "Person" || kind == "Tool" || kind == "Agent" {
		return kind
	}
	return "Organization"
}

// agent returns the id of somebody, who is written once.
func (w *writer) agent(p *model.Party, class string) string {
	key := [4]string{class, p.Name.S, p.Email.S, p.Version.S}
	o := w.agents[key]
	name := p.Name.S
	if class == "Tool" && p.Version.S != "" {
		name += "-" + p.Version.S
	}
	if o == nil {
		o = w.object(class, w.iri(class+"-"+name))
		o.Set("name", tree.NewText(name))
		if p.Email.S != "" {
			x := o.Add("externalIdentifier", tree.NewObject())
			x.Set("type", tree.NewText("ExternalIdentifier"))
			x.Set("externalIdentifierType", tree.NewText("email"))
			x.Set("identifier", tree.NewText(p.Email.S))
		}
		w.agents[key] = o
	}
	v := o.Get("name")
	v.Stand(p.Also...)
	v.Stand(p.Name.From, p.Email.From, p.Version.From)
	return o.Str("spdxId").S
}

func (w *writer) creation() {
	creation := w.root.Add("@graph", tree.NewObject())
	creation.Set("type", tree.NewText("CreationInfo"))
	creation.Set("@id", tree.NewText(mainCreation))
	creation.Set("specVersion", tree.NewText("3.0.1"))
	creation.Put("created", w.SPDXTime(w.Created))
	creation.Put("comment", w.CreationComment)
	for i := range w.Authors {
		if p := &w.Authors[i]; p.Named() {
			creation.Add("createdBy", tree.NewText(w.agent(p, agentClass(p.Kind))))
		}
	}
	if w.Manufacturer.Named() {
		creation.Add("createdBy", tree.NewText(w.agent(w.Manufacturer, "Organization")))
	}
	for i := range w.Tools {
		if w.Tools[i].Named() {
			creation.Add("createdUsing", tree.NewText(w.agent(&w.Tools[i], "Tool")))
		}
	}
	if creation.Get("createdBy") == nil {
		creation.Add("createdBy", tree.NewText(w.agent(&model.Party{Name: tree.Constant("lading")}, "SoftwareAgent")))
		w.Add("/@graph/0/createdBy", "SPDX wants a creator; the input names none")
	}
}

func (w *writer) document() {
	w.doc = w.object("SpdxDocument", w.base, w.ID.From)
	w.doc.Put("name", w.Name)
	w.doc.Put("comment", w.Comment)
	if w.DataLicense.S != "" && w.DataLicense.S != "NOASSERTION" {
		w.doc.Set("dataLicense", tree.NewText("https://spdx.org/licenses/"+w.DataLicense.S, w.DataLicense.From))
	}
	w.out = make([]string, len(w.Elements))
	for i, e := range w.Elements {
		want := e.ID.S
		if want == "" {
			want = e.Name.S + "-" + e.Version.S
		}
		w.out[i] = w.iri(want)
		if e.ID.From != nil && !strings.HasSuffix(w.out[i], "SPDXRef-"+strings.TrimPrefix(e.ID.S, "SPDXRef-")) && w.out[i] != e.ID.S {
			e.ID.From.ExplainSelf(tree.Changed, "written as "+w.out[i])
		}
	}
	about := w.doc
	if bom := w.sbom(); bom != nil {
		w.doc.Add("rootElement", tree.NewText(bom.Str("spdxId").S))
		about = bom
	}
	for _, r := range w.Roots {
		about.Add("rootElement", tree.NewText(w.out[r], slices.Clone(w.RootFrom[r])...))
	}
	for _, r := range w.References {
		w.reference(w.doc, r)
	}
	for _, p := range w.Properties {
		w.property(w.doc, p)
	}
}

// sbom writes an SBOM that says when it was made, if the document does.
func (w *writer) sbom() (o *tree.Node) {
	for _, l := range w.Lifecycles {
		i := slices.IndexFunc(sbomTypes, func(t struct{ phase, sbomType string }) bool { return t.phase == l.S })
		if i < 0 {
			l.From.ExplainSelf(tree.Dropped, "SPDX 3 has no SBOMs of this phase")
			continue
		}
		if o == nil {
			o = w.object("software_Sbom", w.iri("Sbom"))
		}
		if sbomTypes[i].sbomType != l.S {
			l.From.ExplainSelf(tree.Changed, "SPDX 3 has words of its own for phases")
		}
		o.Add("software_sbomType", tree.NewText(sbomTypes[i].sbomType, l.From))
	}
	return o
}

// spdx2Only is what SPDX 2 says and SPDX 3 has no member for, as properties.
func spdx2Only(e *model.Element) (out []model.Property) {
	for _, t := range e.FileTypes {
		out = append(out, model.Property{Name: tree.Constant("lading:spdx:fileType"), Value: t})
	}
	if e.FileName.OK() {
		out = append(out, model.Property{Name: tree.Constant("lading:spdx:packageFileName"), Value: e.FileName})
	}
	return out
}

func (w *writer) relation(
	from string, fromSrc []*tree.Node, kind, scope string, also []*tree.Node, to string, toSrc []*tree.Node,
) *tree.Node {
	w.count++
	class := "Relationship"
	if scope != "" {
		class = "LifecycleScopedRelationship"
	}
	o := w.object(class, w.iri("Relationship-"+strconv.Itoa(w.count)))
	o.Set("from", tree.NewText(from, fromSrc...))
	o.Set("relationshipType", tree.NewText(kind, also...))
	o.Add("to", tree.NewText(to, toSrc...))
	if scope != "" {
		o.Set("scope", tree.NewText(scope))
	}
	return o
}

// edge writes a relationship, which may go to another document.
func (w *writer) edge(e *model.Edge) {
	r, ok := model.ToSPDX3[model.Relation(e.Kind)]
	if !ok {
		e.Explain(model.NoSuchRelation)
		return
	}
	end := func(i int, t tree.Text) string {
		switch {
		case i >= 0:
			return w.out[i]
		case t.S == "NONE":
			return model.NoneElement
		case t.S == "NOASSERTION":
			return model.NoAssertionElement
		}
		return w.foreign(t.S)
	}
	from, to := end(e.From, e.FromText), end(e.To, e.ToText)
	if from == "" || to == "" || from == model.NoneElement || from == model.NoAssertionElement {
		e.Explain(model.NotDescribed)
		return
	}
	fromSrc, toSrc := []*tree.Node{e.FromText.From}, []*tree.Node{e.ToText.From}
	if r.Turned {
		if e.To < 0 && (to == model.NoneElement || to == model.NoAssertionElement) { // "x is no patch for anything"
			e.Explain(model.NotDescribed)
			return
		}
		from, to, fromSrc, toSrc = to, from, toSrc, fromSrc
	}
	if back, _ := model.FromSPDX3(r.Three, r.Scope); back != r.Two {
		if len(e.Also) > 0 {
			e.Also[0].ExplainSelf(tree.Changed, "SPDX 3 has one word for this type and "+string(back))
		}
	}
	c := w.CompletenessOf(e)
	if c == nil || e.Comment.OK() {
		w.relation(from, fromSrc, r.Three, r.Scope, e.Also, to, toSrc).Put("comment", e.Comment)
		return
	}
	key := [3]string{from, r.Three, r.Scope}
	if o := w.exhaustive[key]; o != nil { // one relationship, which is all
		o.Get("from").Stand(fromSrc...)
		o.Get("relationshipType").Stand(e.Also...)
		o.Add("to", tree.NewText(to, tree.Compact(toSrc)...))
		return
	}
	o := w.relation(from, fromSrc, r.Three, r.Scope, e.Also, to, toSrc)
	o.Set("completeness", tree.NewText(completenessWords[c.Word], slices.Clone(c.Leaves)...))
	w.exhaustive[key] = o
}

func (w *writer) annotation(a model.Annotation) {
	about := w.base
	if a.Subject >= 0 {
		about = w.out[a.Subject]
	}
	who := &model.Party{Kind: "SoftwareAgent", Name: tree.Constant("lading")}
	class := "SoftwareAgent"
	if a.Who.Named() {
		who, class = a.Who, agentClass(a.Who.Kind)
	}
	o := w.object("Annotation", w.iri("Annotation-"+strconv.Itoa(len(w.infos)+1)))
	kind := strings.ToLower(a.Kind.S)
	if kind != "review" {
		kind = "other"
	}
	o.Set("annotationType", tree.NewText(kind, append(a.Also, a.Kind.From)...))
	o.Set("subject", tree.NewText(about))
	o.Put("statement", a.Body)
	// Who said it and when is the creation information of the annotation.
	id := "_:annotation" + strconv.Itoa(len(w.infos)+1)
	w.infos[id] = id
	o.Get("creationInfo").Text = id
	info := w.root.Add("@graph", tree.NewObject())
	info.Set("type", tree.NewText("CreationInfo"))
	info.Set("@id", tree.NewText(id))
	info.Set("specVersion", tree.NewText("3.0.1"))
	info.Put("created", w.SPDXTime(a.Date))
	by := w.agent(who, class)
	if class == "Tool" { // which creates nothing in SPDX 3, but is used
		info.Add("createdUsing", tree.NewText(by))
		by = w.agent(&model.Party{Name: tree.Constant(who.Name.S)}, "SoftwareAgent")
	}
	info.Add("createdBy", tree.NewText(by))
}

// foreign returns the id of an element of another document, as DocumentRef-a:SPDXRef-b, or nothing.
func (w *writer) foreign(id string) string {
	doc, name, ok := strings.Cut(id, ":")
	if !ok {
		return ""
	}
	for i := range w.Externals {
		x := &w.Externals[i]
		if x.ID.S != doc || !spec.IsNamespace(x.URI.S) {
			continue
		}
		at := x.URI.S + "#" + name
		if name == spec.DocumentID {
			at = x.URI.S
		}
		if e := x.Element(name); e != nil {
			e.Used, at = true, e.At.S
		} else {
			x.Elements = append(x.Elements, model.ForeignElement{At: tree.Constant(at), Name: name, Used: true})
		}
		return at
	}
	return ""
}

// imported writes where an element of another document is.
func (w *writer) imported(x *model.External, at tree.Text, from ...*tree.Node) {
	m := w.doc.Add("import", tree.NewObject())
	m.Set("type", tree.NewText("ExternalMap"))
	m.Set("externalSpdxId", tree.NewText(at.S, append(slices.Concat(x.Also, x.Again, from), at.From)...))
	m.Put("locationHint", x.Location)
	w.hashes(m, x.Hashes)
}

// outside writes what other documents are called here, and those that nothing refers to.
func (w *writer) outside() {
	for i := range w.Externals {
		x := &w.Externals[i]
		if !spec.IsNamespace(x.URI.S) {
			x.URI.From.ExplainSelf(tree.Dropped, "no URI that a reference could begin with")
			continue
		}
		if len(x.Elements) == 0 {
			x.Elements = append(x.Elements, model.ForeignElement{At: tree.Constant(x.URI.S), Name: spec.DocumentID})
		}
		for _, e := range x.Elements {
			if w.ids[e.At.S] == 0 {
				w.ids[e.At.S]++
				w.imported(x, e.At, x.URI.From)
			}
		}
		if !x.Unnamed {
			w.namespace(x.ID, tree.Text{S: strings.TrimSuffix(x.URI.S, "#") + "#", From: x.URI.From})
		}
	}
	for _, n := range w.Namespaces {
		w.namespace(n.Prefix, n.URI)
	}
}

func (w *writer) namespace(prefix, uri tree.Text) {
	if !prefix.OK() || !uri.OK() {
		return
	}
	m := w.doc.Add("namespaceMap", tree.NewObject())
	m.Set("type", tree.NewText("NamespaceMap"))
	m.Put("prefix", prefix)
	m.Put("namespace", uri)
}
