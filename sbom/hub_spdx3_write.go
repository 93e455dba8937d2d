package sbom

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

const (
	noneElement        = "https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"
	noAssertionElement = "https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement"
)

// A writer3 writes SPDX 3.0.1 (profiles Core, Software, SimpleLicensing, Security and Extension).
type writer3 struct {
	*hub
	root        *tree.Node
	doc         *tree.Node
	base        string
	ids         spec.Names
	agents      map[string]*tree.Node
	infos       map[string]string // creation information of annotations, by who and when
	out         []string          // ids of the elements
	elements3   []*tree.Node      // what stands for them
	count       int               // of relationships
	expressions map[string]*tree.Node
	profiles    []string
	exhaustive  map[[3]string]*tree.Node // relationships that say whether they are all, by where they begin, type and scope
}

const mainCreation = "_:creationinfo"

// writeSPDX3 writes a document.
func (h *hub) writeSPDX3() *tree.Node {
	w := &writer3{hub: h, root: tree.NewObject(), ids: spec.Names{}, agents: map[string]*tree.Node{}, infos: map[string]string{},
		expressions: map[string]*tree.Node{},
		exhaustive:  map[[3]string]*tree.Node{},
		profiles:    []string{"core", "software", "simpleLicensing"}}
	w.root.Set("@context", tree.NewText("https://spdx.org/rdf/3.0.1/spdx-context.jsonld", h.leaves...))
	w.base = h.id.S
	if !spec.IsNamespace(w.base) {
		w.base = h.madeID("/@graph", "SPDX wants ids that are IRIs; made from the input's bytes")
	}
	w.base = strings.TrimSuffix(w.base, "#")
	w.creation()
	w.ids[w.base]++
	w.document()
	refs := &licenseRefs{h: h, known: map[string]string{}, taken: spec.Names{}}
	for i, e := range h.elements {
		w.element(i, e, refs)
	}
	refs.rest()
	for _, x := range refs.out {
		o := w.object("simplelicensing_SimpleLicensingText", w.iri(x.Str("licenseId").S))
		o.Get("spdxId").From = x.Get("licenseId").From
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
	for i := range h.externals {
		if x := &h.externals[i]; spec.IsNamespace(x.uri.S) {
			w.custom(x.id.S+":", strings.TrimSuffix(x.uri.S, "#")+"#")
		}
	}
	h.relateCompositions(true, w.out)
	for k := range h.edges {
		w.edge(&h.edges[k])
	}
	w.outside()
	for _, a := range h.annotations {
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
func (w *writer3) custom(name, id string) {
	for _, x := range w.expressions {
		expression := x.Str("simplelicensing_licenseExpression").S
		for _, token := range strings.FieldsFunc(expression, func(c rune) bool { return strings.ContainsRune(" ()+", c) }) {
			rest, ok := strings.CutPrefix(token, name)
			if !ok || rest != "" && !strings.HasSuffix(name, ":") ||
				slices.ContainsFunc(x.List("simplelicensing_customIdToUri"), func(e *tree.Node) bool { return e.Str("key").S == token }) {
				continue
			}
			e := x.Add("simplelicensing_customIdToUri", tree.NewObject())
			e.Set("type", tree.NewText("DictionaryEntry"))
			e.Set("key", tree.NewText(token))
			e.Set("value", tree.NewText(id+rest))
		}
	}
}

// iri returns an id that is a IRI, for one of another specification.
func (w *writer3) iri(id string) string {
	if strings.Contains(id, "://") || strings.HasPrefix(id, "urn:") {
		if w.ids[id] == 0 && !strings.ContainsAny(id, " <>\"{}|\\^`") {
			return w.ids.Unique(id)
		}
	}
	return w.ids.Unique(w.base + "#" + spec.RefOf(id))
}

func (w *writer3) object(class, id string, from ...*tree.Node) *tree.Node {
	o := w.root.Add("@graph", tree.NewObject())
	o.Set("type", tree.NewText(class))
	o.Set("spdxId", tree.NewText(id, from...))
	o.Set("creationInfo", tree.NewText(mainCreation))
	return o
}

func class3Of(kind string) string {
	if kind == "Person" || kind == "Tool" || kind == "Agent" {
		return kind
	}
	return "Organization"
}

// agent returns the id of somebody, who is written once.
func (w *writer3) agent(p *party, class string) string {
	key := class + "\x00" + p.name.S + "\x00" + p.email.S + "\x00" + p.version.S
	o := w.agents[key]
	name := p.name.S
	if class == "Tool" && p.version.S != "" {
		name += "-" + p.version.S
	}
	if o == nil {
		o = w.object(class, w.iri(class+"-"+name))
		o.Set("name", tree.NewText(name))
		if p.email.S != "" {
			x := o.Add("externalIdentifier", tree.NewObject())
			x.Set("type", tree.NewText("ExternalIdentifier"))
			x.Set("externalIdentifierType", tree.NewText("email"))
			x.Set("identifier", tree.NewText(p.email.S))
		}
		w.agents[key] = o
	}
	v := o.Get("name")
	v.From = append(v.From, tree.Compact(append(slices.Clone(p.also), p.name.From, p.email.From, p.version.From))...)
	return o.Str("spdxId").S
}

func (w *writer3) creation() {
	creation := w.root.Add("@graph", tree.NewObject())
	creation.Set("type", tree.NewText("CreationInfo"))
	creation.Set("@id", tree.NewText(mainCreation))
	creation.Set("specVersion", tree.NewText("3.0.1"))
	creation.Put("created", w.spdxTime(w.created))
	creation.Put("comment", w.creationComment)
	for i := range w.authors {
		if p := &w.authors[i]; p.named() {
			creation.Add("createdBy", tree.NewText(w.agent(p, class3Of(p.kind))))
		}
	}
	if w.manufacturer.named() {
		creation.Add("createdBy", tree.NewText(w.agent(w.manufacturer, "Organization")))
	}
	for i := range w.tools {
		if w.tools[i].named() {
			creation.Add("createdUsing", tree.NewText(w.agent(&w.tools[i], "Tool")))
		}
	}
	if creation.Get("createdBy") == nil {
		creation.Add("createdBy", tree.NewText(w.agent(&party{name: tree.Constant("lading")}, "SoftwareAgent")))
		w.add("/@graph/0/createdBy", "SPDX wants a creator; the input names none")
	}
}

func (w *writer3) document() {
	w.doc = w.object("SpdxDocument", w.base, w.id.From)
	w.doc.Put("name", w.name)
	w.doc.Put("comment", w.comment)
	if w.dataLicense.S != "" && w.dataLicense.S != "NOASSERTION" {
		w.doc.Set("dataLicense", tree.NewText("https://spdx.org/licenses/"+w.dataLicense.S, w.dataLicense.From))
	}
	w.out = make([]string, len(w.elements))
	for i, e := range w.elements {
		want := e.id.S
		if want == "" {
			want = e.name.S + "-" + e.version.S
		}
		w.out[i] = w.iri(want)
		if e.id.From != nil && !strings.HasSuffix(w.out[i], "SPDXRef-"+strings.TrimPrefix(e.id.S, "SPDXRef-")) && w.out[i] != e.id.S {
			e.id.From.ExplainSelf(tree.Changed, "written as "+w.out[i])
		}
	}
	about := w.doc
	if bom := w.sbom(); bom != nil {
		w.doc.Add("rootElement", tree.NewText(bom.Str("spdxId").S))
		about = bom
	}
	for _, r := range w.roots {
		about.Add("rootElement", tree.NewText(w.out[r], slices.Clone(w.rootFrom[r])...))
	}
	for _, r := range w.references {
		w.reference(w.doc, r)
	}
	for _, p := range w.properties {
		w.property(w.doc, p)
	}
}

// sbomTypes are SPDX 3's types of SBOMs (Software, SbomType) by CycloneDX's phases: of those that become the same, the first is
// the way back. Both go by when the SBOM is made.
var sbomTypes = []struct{ phase, sbomType string }{{"design", "design"}, {"pre-build", "source"}, {"build", "build"},
	{"post-build", "analyzed"}, {"operations", "deployed"}, {"operations", "runtime"}}

// sbom writes an SBOM that says when it was made, if the document does.
func (w *writer3) sbom() (o *tree.Node) {
	for _, l := range w.lifecycles {
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

// phases reads when an SBOM was made.
func (h *hub) phases(n *tree.Node) {
	for _, t := range tree.Texts(n, "software_sbomType") {
		for _, known := range sbomTypes {
			if known.sbomType != t.S {
				continue
			}
			if known.phase != t.S {
				t.From.ExplainSelf(tree.Changed, "CycloneDX has words of its own for phases")
			}
			h.lifecycles = append(h.lifecycles, tree.Text{S: known.phase, From: t.From})
		}
	}
}

// spdx2Only is what SPDX 2 says and SPDX 3 has no member for, as properties.
func (e *element) spdx2Only() (out []property) {
	for _, t := range e.fileTypes {
		out = append(out, property{tree.Constant("lading:spdx:fileType"), t})
	}
	if e.fileName.OK() {
		out = append(out, property{tree.Constant("lading:spdx:packageFileName"), e.fileName})
	}
	return out
}

func (w *writer3) relation(from string, fromSrc []*tree.Node, kind, scope string, also []*tree.Node, to string, toSrc []*tree.Node) *tree.Node {
	w.count++
	class := "Relationship"
	if scope != "" {
		class = "LifecycleScopedRelationship"
	}
	o := w.object(class, w.iri("Relationship-"+strconv.Itoa(w.count)))
	o.Set("from", tree.NewText(from, tree.Compact(slices.Clone(fromSrc))...))
	o.Set("relationshipType", tree.NewText(kind, tree.Compact(slices.Clone(also))...))
	o.Add("to", tree.NewText(to, tree.Compact(slices.Clone(toSrc))...))
	if scope != "" {
		o.Set("scope", tree.NewText(scope))
	}
	return o
}

func (w *writer3) element(i int, e *element, refs *licenseRefs) {
	name := "software_Package"
	switch {
	case e.snippet.writable(func(i int) bool { return w.hub.elements[i].file }):
		name, e.snippet.written = "software_Snippet", true
	case e.file:
		name = "software_File"
	default:
		name = cmp.Or(e.class3(), name)
	}
	o := w.object(name, w.out[i], e.id.From)
	w.elements3 = append(w.elements3, o)
	o.Get("type").From = tree.Compact(slices.Clone(e.leaves))
	o.Set("name", e.fullName())
	if e.snippet != nil && e.snippet.written {
		e.snippet.spdx3Out(o, w.out[e.snippet.at])
	} else if e.snippet != nil {
		e.snippet.explain("SPDX 3 has parts of files that the document describes, by their ranges")
	}
	if e.kind.OK() || e.purpose.OK() {
		k := e.kind
		if !k.OK() {
			k = tree.Text{S: e.purpose.S, From: e.purpose.From}
		}
		p := spdx3Purposes[k.S]
		if p == "" {
			p = strings.ToLower(k.S)
		}
		if p == "other" && k.S != "OTHER" && k.S != "other" {
			k.From.ExplainSelf(tree.Changed, "SPDX has no such purpose; written as other")
		}
		o.Set("software_primaryPurpose", tree.NewText(p, k.From))
	}
	if !e.file {
		o.Put("software_packageVersion", e.version)
		o.Put("software_homePage", e.homepage)
		if e.download.OK() && e.download.S != "NOASSERTION" && e.download.S != "NONE" {
			o.Put("software_downloadLocation", e.download)
		} else {
			e.download.From.ExplainSelf(tree.Dropped, "SPDX 3 says so by leaving it out")
		}
		o.Put("software_sourceInfo", e.sourceInfo)
		if len(e.purls) > 0 {
			o.Set("software_packageUrl", tree.NewText(e.purls[0].S, append([]*tree.Node{e.purls[0].From}, e.purlFrom...)...))
		}
	}
	if name == "software_File" {
		o.Put("contentType", e.mediaType)
	} else {
		e.mediaType.From.ExplainSelf(tree.Dropped, "SPDX has media types of files only")
	}
	o.Put("software_copyrightText", e.copyright)
	o.Put("description", e.description)
	o.Put("summary", e.summary)
	o.Put("comment", e.comment)
	for _, t := range e.attributions {
		o.Add("software_attributionText", tree.NewText(t.S, t.From))
	}
	if e.notice.OK() {
		e.notice.From.ExplainSelf(tree.Changed, "SPDX 3 has notices and attributions in one list")
		o.Add("software_attributionText", tree.NewText(e.notice.S, e.notice.From))
	}
	for i, t := range e.dates {
		w.time(o, spdx3DateNames[i], t)
	}
	w.makers(o, e)
	w.hashes(o, e.hashes)
	if e.verification.OK() {
		v := o.Add("verifiedUsing", tree.NewObject())
		v.Set("type", tree.NewText("PackageVerificationCode"))
		v.Set("algorithm", tree.NewText("sha1"))
		v.Put("hashValue", e.verification)
		for _, t := range e.excluded {
			v.Add("packageVerificationCodeExcludedFile", tree.NewText(t.S, t.From))
		}
	}
	w.identifiers(o, e)
	for _, r := range e.references {
		w.reference(o, r)
	}
	if !e.file && !e.model.empty() {
		e.model.spdx3Out(o)
	}
	for _, p := range append(e.properties, e.spdx2Only()...) {
		if name == "software_Package" || e.file || !take3(o, p) {
			w.property(o, p)
		}
	}
	w.licenses(i, e, refs)
}

func (w *writer3) makers(o *tree.Node, e *element) {
	if e.supplier.named() {
		o.Set("suppliedBy", tree.NewText(w.agent(e.supplier, class3Of(orOrganization(e.supplier.kind)))))
	}
	if e.manufacturer.named() {
		o.Add("originatedBy", tree.NewText(w.agent(e.manufacturer, class3Of(orOrganization(e.manufacturer.kind)))))
	}
	for k := range e.authors {
		if e.authors[k].named() {
			o.Add("originatedBy", tree.NewText(w.agent(&e.authors[k], class3Of(e.authors[k].kind))))
		}
	}
	for _, t := range e.contributors { // who may be people or organizations
		if strings.TrimSpace(t.S) != "" {
			o.Add("originatedBy", tree.NewText(w.agent(&party{name: t}, "Agent")))
		}
	}
	if strings.TrimSpace(e.publisher.S) != "" {
		o.Add("originatedBy", tree.NewText(w.agent(&party{name: e.publisher}, "Organization")))
		e.publisher.From.ExplainSelf(tree.Changed, "SPDX does not know publishers; written as originator")
	}
}

func (w *writer3) hashes(o *tree.Node, list []hash) {
	for _, x := range list {
		alg := spdx3Hashes[x.alg.S]
		if slices.Contains(spdx3OnlyHashes, x.alg.S) {
			alg = x.alg.S
		}
		v := o.Add("verifiedUsing", tree.NewObject())
		v.Set("type", tree.NewText("Hash"))
		v.Set("algorithm", tree.NewText(cmp.Or(alg, "other"), x.alg.From))
		v.Put("hashValue", x.value)
		if alg == "" {
			x.alg.From.ExplainSelf(tree.Changed, "SPDX has no such hash algorithm; written as other, and the name as a comment")
			v.Set("comment", tree.NewText(x.alg.S, x.alg.From))
		}
	}
}

func (w *writer3) identifier(o *tree.Node, kind string, value, comment tree.Text, from ...*tree.Node) {
	if !value.OK() {
		return
	}
	x := o.Add("externalIdentifier", tree.NewObject())
	x.Set("type", tree.NewText("ExternalIdentifier"))
	x.Set("externalIdentifierType", tree.NewText(kind, from...))
	x.Put("identifier", value)
	x.Put("comment", comment)
}

func (w *writer3) identifiers(o *tree.Node, e *element) {
	if len(e.purls) > 0 {
		if c := e.remarks[e.purls[0].From]; c.OK() { // which the member for the first has no place for
			w.identifier(o, "packageUrl", tree.Constant(e.purls[0].S), c)
		}
		for _, t := range e.purls[1:] {
			w.identifier(o, "packageUrl", t, e.remarks[t.From])
		}
	}
	for k, t := range e.cpes {
		kind := "cpe22"
		if strings.HasPrefix(t.S, "cpe:2.3:") {
			kind = "cpe23"
		}
		w.identifier(o, kind, t, e.remarks[t.From])
		if k == 0 && len(e.purls) == 0 {
			o.Get("spdxId").From = append(o.Get("spdxId").From, tree.Compact(slices.Clone(e.purlFrom))...)
		}
	}
	for _, x := range e.identifiers {
		w.identifier(o, x.kind.S, x.value, x.comment, x.kind.From)
	}
}

func (w *writer3) reference(o *tree.Node, r reference) {
	x := o.Add("externalRef", tree.NewObject())
	x.Set("type", tree.NewText("ExternalRef"))
	kind := spdx3ReferenceTypes[r.kind.S]
	if kind == "" && spdx3ReferenceNames[r.kind.S] != "" {
		kind = r.kind.S
	}
	if kind == "" {
		kind = "other"
		r.kind.From.ExplainSelf(tree.Changed, "SPDX has no such type of reference; written as other")
	}
	x.Set("externalRefType", tree.NewText(kind, r.kind.From, r.category.From))
	x.Add("locator", tree.NewText(r.url.S, r.url.From))
	x.Put("comment", r.comment)
}

// property writes a name and a value of CycloneDX, for which SPDX 3.0.1 has an extension.
func (w *writer3) property(o *tree.Node, p property) {
	if !p.name.OK() {
		return
	}
	if !slices.Contains(w.profiles, "extension") {
		w.profiles = append(w.profiles, "extension")
	}
	var x *tree.Node
	if list := o.List("extension"); len(list) > 0 {
		x = list[0]
	} else {
		x = o.Add("extension", tree.NewObject())
		x.Set("type", tree.NewText("extension_CdxPropertiesExtension"))
	}
	v := x.Add("extension_cdxProperty", tree.NewObject())
	v.Set("type", tree.NewText("extension_CdxPropertyEntry"))
	v.Put("extension_cdxPropName", p.name)
	v.Put("extension_cdxPropValue", p.value)
}

func (w *writer3) licenses(i int, e *element, refs *licenseRefs) {
	holder := tree.NewObject()
	refs.write(holder, e)
	for _, m := range holder.Members {
		kind := "hasDeclaredLicense" // of a file, what was found in it
		if m.Name == "licenseConcluded" {
			kind = "hasConcludedLicense"
		}
		for _, v := range tree.ListOrOne(m.Value) {
			to, toFrom := w.license(v)
			r := w.relation(w.out[i], nil, kind, "", toFrom, to, nil)
			if e.licenseComment.OK() {
				r.Put("comment", e.licenseComment)
				e.licenseComment = tree.Text{}
			}
		}
	}
	if e.licenseComment.OK() {
		w.property(w.elements3[i], property{tree.Constant("lading:spdx:licenseComments"), e.licenseComment})
	}
}

// license returns the id of what stands for an expression, and the leaves that only the relationship says.
func (w *writer3) license(v *tree.Node) (to string, from []*tree.Node) {
	switch v.Text {
	case "NOASSERTION":
		return noAssertionElement, v.From
	case "NONE":
		return noneElement, v.From
	}
	x := w.expressions[v.Text]
	if x == nil {
		x = w.object("simplelicensing_LicenseExpression", w.iri("LicenseExpression-"+strconv.Itoa(len(w.expressions)+1)))
		x.Set("simplelicensing_licenseExpression", tree.NewText(v.Text))
		if v := w.listVersion; v.OK() {
			if strings.Count(v.S, ".") == 1 {
				v.From.ExplainSelf(tree.Changed, "SPDX 3 has versions of three numbers")
				v.S += ".0"
			}
			x.Put("simplelicensing_licenseListVersion", v)
		}
		w.expressions[v.Text] = x
	}
	e := x.Get("simplelicensing_licenseExpression")
	e.From = append(e.From, v.From...)
	return x.Str("spdxId").S, nil
}

// edge writes a relationship, which may go to another document.
func (w *writer3) edge(e *edge) {
	r, ok := toSPDX3[relation(e.kind)]
	if !ok {
		e.explain(noSuchRelation)
		return
	}
	end := func(i int, t tree.Text) string {
		switch {
		case i >= 0:
			return w.out[i]
		case t.S == "NONE":
			return noneElement
		case t.S == "NOASSERTION":
			return noAssertionElement
		}
		return w.foreign(t.S)
	}
	from, to := end(e.from, e.fromText), end(e.to, e.toText)
	if from == "" || to == "" || from == noneElement || from == noAssertionElement {
		e.explain(notDescribed)
		return
	}
	fromSrc, toSrc := []*tree.Node{e.fromText.From}, []*tree.Node{e.toText.From}
	if r.turned {
		if e.to < 0 && (to == noneElement || to == noAssertionElement) { // "x is no patch for anything"
			e.explain(notDescribed)
			return
		}
		from, to, fromSrc, toSrc = to, from, toSrc, fromSrc
	}
	if back, _ := fromSPDX3(r.three, r.scope); back != r.two {
		if len(e.also) > 0 {
			e.also[0].ExplainSelf(tree.Changed, "SPDX 3 has one word for this type and "+string(back))
		}
	}
	c := w.completenessOf(e)
	if c == nil || e.comment.OK() {
		w.relation(from, fromSrc, r.three, r.scope, e.also, to, toSrc).Put("comment", e.comment)
		return
	}
	key := [3]string{from, r.three, r.scope}
	if o := w.exhaustive[key]; o != nil { // one relationship, which is all
		o.Get("from").From = append(o.Get("from").From, tree.Compact(fromSrc)...)
		o.Get("relationshipType").From = append(o.Get("relationshipType").From, tree.Compact(slices.Clone(e.also))...)
		o.Add("to", tree.NewText(to, tree.Compact(toSrc)...))
		return
	}
	o := w.relation(from, fromSrc, r.three, r.scope, e.also, to, toSrc)
	o.Set("completeness", tree.NewText(completeness3[c.word], slices.Clone(c.leaves)...))
	w.exhaustive[key] = o
}

func (w *writer3) annotation(a annotation) {
	about := w.base
	if a.subject >= 0 {
		about = w.out[a.subject]
	}
	who := &party{kind: "SoftwareAgent", name: tree.Constant("lading")}
	class := "SoftwareAgent"
	if a.who.named() {
		who, class = a.who, class3Of(a.who.kind)
	}
	o := w.object("Annotation", w.iri("Annotation-"+strconv.Itoa(len(w.infos)+1)))
	kind := strings.ToLower(a.kind.S)
	if kind != "review" {
		kind = "other"
	}
	o.Set("annotationType", tree.NewText(kind, append(a.also, a.kind.From)...))
	o.Set("subject", tree.NewText(about))
	o.Put("statement", a.body)
	// Who said it and when is the creation information of the annotation.
	id := "_:annotation" + strconv.Itoa(len(w.infos)+1)
	w.infos[id] = id
	o.Get("creationInfo").Text = id
	info := w.root.Add("@graph", tree.NewObject())
	info.Set("type", tree.NewText("CreationInfo"))
	info.Set("@id", tree.NewText(id))
	info.Set("specVersion", tree.NewText("3.0.1"))
	info.Put("created", w.spdxTime(a.date))
	by := w.agent(who, class)
	if class == "Tool" { // which creates nothing in SPDX 3, but is used
		info.Add("createdUsing", tree.NewText(by))
		by = w.agent(&party{name: tree.Constant(who.name.S)}, "SoftwareAgent")
	}
	info.Add("createdBy", tree.NewText(by))
}

// spdx3ReferenceTypes are SPDX 3's types of external references by CycloneDX's.
var spdx3ReferenceTypes = map[string]string{
	"vcs": "vcs", "issue-tracker": "issueTracker", "website": "altWebPage", "advisories": "securityAdvisory", "mailing-list": "mailingList",
	"social": "socialMedia", "chat": "chat", "documentation": "documentation", "support": "support", "distribution": "altDownloadLocation",
	"source-distribution": "sourceArtifact", "license": "license", "build-meta": "buildMeta", "build-system": "buildSystem",
	"release-notes": "releaseNotes", "security-contact": "securityOther", "risk-assessment": "riskAssessment",
	"vulnerability-assertion": "vulnerabilityDisclosureReport", "exploitability-statement": "vulnerabilityExploitabilityAssessment",
	"pentest-report": "securityPenTestReport", "static-analysis-report": "staticAnalysisReport", "dynamic-analysis-report": "dynamicAnalysisReport",
	"runtime-analysis-report": "runtimeAnalysisReport", "component-analysis-report": "componentAnalysisReport",
	"certification-report": "certificationReport", "quality-metrics": "qualityAssessmentReport", "other": "other",
	"advisory": "securityAdvisory", "fix": "securityFix", "url": "securityOther", "maven-central": "mavenCentral", "npm": "npm",
	"nuget": "nuget", "bower": "bower", "threat-model": "securityThreatModel", "adversary-model": "securityAdversaryModel",
}

// spdx3ReferenceNames are CycloneDX's types of external references by SPDX 3's, and SPDX 3's own where CycloneDX has none.
var spdx3ReferenceNames = func() map[string]string {
	m := map[string]string{}
	for _, own := range []string{"binaryArtifact", "cwe", "eolNotice", "exportControlAssessment", "funding", "metrics", "privacyAssessment",
		"productMetadata", "purchaseOrder", "releaseHistory", "secureSoftwareAttestation", "securityAdversaryModel", "securityPolicy",
		"securityThreatModel", "securityFix", "mavenCentral", "npm", "nuget", "bower"} {
		m[own] = own
	}
	for _, name := range slices.Sorted(maps.Keys(spdx3ReferenceTypes)) {
		if three := spdx3ReferenceTypes[name]; m[three] == "" && slices.Contains(cycloneDXReferences, name) {
			m[three] = name
		}
	}
	m["securityAdvisory"], m["securityAdversaryModel"], m["securityThreatModel"] = "advisories", "adversary-model", "threat-model"
	return m
}()
