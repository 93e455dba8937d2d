package sbom

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	noneElement        = "https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"
	noAssertionElement = "https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement"
)

// A writer3 writes SPDX 3.0.1 (profiles Core, Software, SimpleLicensing, Security and Extension).
type writer3 struct {
	*hub
	root        *node
	doc         *node
	base        string
	ids         names
	agents      map[string]*node
	infos       map[string]string // creation information of annotations, by who and when
	out         []string          // ids of the elements
	elements3   []*node           // what stands for them
	count       int               // of relationships
	expressions map[string]*node
	profiles    []string
	exhaustive  map[[3]string]*node // relationships that say whether they are all, by where they begin, type and scope
}

const mainCreation = "_:creationinfo"

// writeSPDX3 writes a document.
func (h *hub) writeSPDX3() *node {
	w := &writer3{hub: h, root: newObject(), ids: names{}, agents: map[string]*node{}, infos: map[string]string{}, expressions: map[string]*node{},
		exhaustive: map[[3]string]*node{},
		profiles:   []string{"core", "software", "simpleLicensing"}}
	w.root.set("@context", newText("https://spdx.org/rdf/3.0.1/spdx-context.jsonld", h.leaves...))
	w.base = h.id.s
	if !isNamespace(w.base) {
		w.base = h.madeID("/@graph", "SPDX wants ids that are IRIs; made from the input's bytes")
	}
	w.base = strings.TrimSuffix(w.base, "#")
	w.creation()
	w.ids[w.base]++
	w.document()
	refs := &licenseRefs{h: h, known: map[string]string{}, taken: names{}}
	for i, e := range h.elements {
		w.element(i, e, refs)
	}
	refs.rest()
	for _, x := range refs.out {
		o := w.object("simplelicensing_SimpleLicensingText", w.iri(x.str("licenseId").s))
		o.get("spdxId").from = x.get("licenseId").from
		w.custom(x.str("licenseId").s, o.str("spdxId").s)
		if n := x.get("name"); n != nil {
			o.set("name", n)
		}
		o.set("simplelicensing_licenseText", x.get("extractedText"))
		if c := x.get("comment"); c != nil {
			o.set("comment", c)
		}
		for _, u := range x.list("seeAlsos") {
			v := o.add("externalRef", newObject())
			v.set("type", newText("ExternalRef"))
			v.set("externalRefType", newText("license"))
			v.add("locator", u)
		}
	}
	for i := range h.externals {
		if x := &h.externals[i]; isNamespace(x.uri.s) {
			w.custom(x.id.s+":", strings.TrimSuffix(x.uri.s, "#")+"#")
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
	profiles := newArray()
	for _, p := range w.profiles {
		profiles.items = append(profiles.items, newText(p))
	}
	w.doc.set("profileConformance", profiles)
	return w.root
}

// custom says in the expressions that name a licence which element that is; of a name that ends in ":", which begins the names
// of licences in another document.
func (w *writer3) custom(name, id string) {
	for _, x := range w.expressions {
		expression := x.str("simplelicensing_licenseExpression").s
		for _, token := range strings.FieldsFunc(expression, func(c rune) bool { return strings.ContainsRune(" ()+", c) }) {
			rest, ok := strings.CutPrefix(token, name)
			if !ok || rest != "" && !strings.HasSuffix(name, ":") ||
				slices.ContainsFunc(x.list("simplelicensing_customIdToUri"), func(e *node) bool { return e.str("key").s == token }) {
				continue
			}
			e := x.add("simplelicensing_customIdToUri", newObject())
			e.set("type", newText("DictionaryEntry"))
			e.set("key", newText(token))
			e.set("value", newText(id+rest))
		}
	}
}

// iri returns an id that is a IRI, for one of another specification.
func (w *writer3) iri(id string) string {
	if strings.Contains(id, "://") || strings.HasPrefix(id, "urn:") {
		if w.ids[id] == 0 && !strings.ContainsAny(id, " <>\"{}|\\^`") {
			return w.ids.unique(id)
		}
	}
	return w.ids.unique(w.base + "#" + spdxID(id))
}

func (w *writer3) object(class, id string, from ...*node) *node {
	o := w.root.add("@graph", newObject())
	o.set("type", newText(class))
	o.set("spdxId", newText(id, from...))
	o.set("creationInfo", newText(mainCreation))
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
	key := class + "\x00" + p.name.s + "\x00" + p.email.s + "\x00" + p.version.s
	o := w.agents[key]
	name := p.name.s
	if class == "Tool" && p.version.s != "" {
		name += "-" + p.version.s
	}
	if o == nil {
		o = w.object(class, w.iri(class+"-"+name))
		o.set("name", newText(name))
		if p.email.s != "" {
			x := o.add("externalIdentifier", newObject())
			x.set("type", newText("ExternalIdentifier"))
			x.set("externalIdentifierType", newText("email"))
			x.set("identifier", newText(p.email.s))
		}
		w.agents[key] = o
	}
	v := o.get("name")
	v.from = append(v.from, compactNodes(append(slices.Clone(p.also), p.name.src, p.email.src, p.version.src))...)
	return o.str("spdxId").s
}

func (w *writer3) creation() {
	creation := w.root.add("@graph", newObject())
	creation.set("type", newText("CreationInfo"))
	creation.set("@id", newText(mainCreation))
	creation.set("specVersion", newText("3.0.1"))
	creation.put("created", w.spdxTime(w.created))
	creation.put("comment", w.creationComment)
	for i := range w.authors {
		if p := &w.authors[i]; p.named() {
			creation.add("createdBy", newText(w.agent(p, class3Of(p.kind))))
		}
	}
	if w.manufacturer.named() {
		creation.add("createdBy", newText(w.agent(w.manufacturer, "Organization")))
	}
	for i := range w.tools {
		if w.tools[i].named() {
			creation.add("createdUsing", newText(w.agent(&w.tools[i], "Tool")))
		}
	}
	if creation.get("createdBy") == nil {
		creation.add("createdBy", newText(w.agent(&party{name: said("lading")}, "SoftwareAgent")))
		w.add("/@graph/0/createdBy", "SPDX wants a creator; the input names none")
	}
}

func (w *writer3) document() {
	w.doc = w.object("SpdxDocument", w.base, w.id.src)
	w.doc.put("name", w.name)
	w.doc.put("comment", w.comment)
	if w.dataLicense.s != "" && w.dataLicense.s != "NOASSERTION" {
		w.doc.set("dataLicense", newText("https://spdx.org/licenses/"+w.dataLicense.s, w.dataLicense.src))
	}
	w.out = make([]string, len(w.elements))
	for i, e := range w.elements {
		want := e.id.s
		if want == "" {
			want = e.name.s + "-" + e.version.s
		}
		w.out[i] = w.iri(want)
		if e.id.src != nil && !strings.HasSuffix(w.out[i], "SPDXRef-"+strings.TrimPrefix(e.id.s, "SPDXRef-")) && w.out[i] != e.id.s {
			e.id.src.explainSelf(Changed, "written as "+w.out[i])
		}
	}
	about := w.doc
	if bom := w.sbom(); bom != nil {
		w.doc.add("rootElement", newText(bom.str("spdxId").s))
		about = bom
	}
	for _, r := range w.roots {
		about.add("rootElement", newText(w.out[r], slices.Clone(w.rootFrom[r])...))
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
func (w *writer3) sbom() (o *node) {
	for _, l := range w.lifecycles {
		i := slices.IndexFunc(sbomTypes, func(t struct{ phase, sbomType string }) bool { return t.phase == l.s })
		if i < 0 {
			l.src.explainSelf(Dropped, "SPDX 3 has no SBOMs of this phase")
			continue
		}
		if o == nil {
			o = w.object("software_Sbom", w.iri("Sbom"))
		}
		if sbomTypes[i].sbomType != l.s {
			l.src.explainSelf(Changed, "SPDX 3 has words of its own for phases")
		}
		o.add("software_sbomType", newText(sbomTypes[i].sbomType, l.src))
	}
	return o
}

// phases reads when an SBOM was made.
func (h *hub) phases(n *node) {
	for _, t := range texts2(n, "software_sbomType") {
		for _, known := range sbomTypes {
			if known.sbomType != t.s {
				continue
			}
			if known.phase != t.s {
				t.src.explainSelf(Changed, "CycloneDX has words of its own for phases")
			}
			h.lifecycles = append(h.lifecycles, text{known.phase, t.src})
		}
	}
}

// spdx2Only is what SPDX 2 says and SPDX 3 has no member for, as properties.
func (e *element) spdx2Only() (out []property) {
	for _, t := range e.fileTypes {
		out = append(out, property{said("lading:spdx:fileType"), t})
	}
	if e.fileName.ok() {
		out = append(out, property{said("lading:spdx:packageFileName"), e.fileName})
	}
	return out
}

func (w *writer3) relation(from string, fromSrc []*node, kind, scope string, also []*node, to string, toSrc []*node) *node {
	w.count++
	class := "Relationship"
	if scope != "" {
		class = "LifecycleScopedRelationship"
	}
	o := w.object(class, w.iri("Relationship-"+strconv.Itoa(w.count)))
	o.set("from", newText(from, compactNodes(slices.Clone(fromSrc))...))
	o.set("relationshipType", newText(kind, compactNodes(slices.Clone(also))...))
	o.add("to", newText(to, compactNodes(slices.Clone(toSrc))...))
	if scope != "" {
		o.set("scope", newText(scope))
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
	o := w.object(name, w.out[i], e.id.src)
	w.elements3 = append(w.elements3, o)
	o.get("type").from = compactNodes(slices.Clone(e.leaves))
	o.set("name", e.fullName())
	if e.snippet != nil && e.snippet.written {
		e.snippet.spdx3Out(o, w.out[e.snippet.at])
	} else if e.snippet != nil {
		e.snippet.explain("SPDX 3 has parts of files that the document describes, by their ranges")
	}
	if e.kind.ok() || e.purpose.ok() {
		k := e.kind
		if !k.ok() {
			k = text{e.purpose.s, e.purpose.src}
		}
		p := spdx3Purposes[k.s]
		if p == "" {
			p = strings.ToLower(k.s)
		}
		if p == "other" && k.s != "OTHER" && k.s != "other" {
			k.src.explainSelf(Changed, "SPDX has no such purpose; written as other")
		}
		o.set("software_primaryPurpose", newText(p, k.src))
	}
	if !e.file {
		o.put("software_packageVersion", e.version)
		o.put("software_homePage", e.homepage)
		if e.download.ok() && e.download.s != "NOASSERTION" && e.download.s != "NONE" {
			o.put("software_downloadLocation", e.download)
		} else {
			e.download.src.explainSelf(Dropped, "SPDX 3 says so by leaving it out")
		}
		o.put("software_sourceInfo", e.sourceInfo)
		if len(e.purls) > 0 {
			o.set("software_packageUrl", newText(e.purls[0].s, append([]*node{e.purls[0].src}, e.purlFrom...)...))
		}
	}
	if name == "software_File" {
		o.put("contentType", e.mediaType)
	} else {
		e.mediaType.src.explainSelf(Dropped, "SPDX has media types of files only")
	}
	o.put("software_copyrightText", e.copyright)
	o.put("description", e.description)
	o.put("summary", e.summary)
	o.put("comment", e.comment)
	for _, t := range e.attributions {
		o.add("software_attributionText", newText(t.s, t.src))
	}
	if e.notice.ok() {
		e.notice.src.explainSelf(Changed, "SPDX 3 has notices and attributions in one list")
		o.add("software_attributionText", newText(e.notice.s, e.notice.src))
	}
	for i, t := range e.dates {
		w.time(o, spdx3DateNames[i], t)
	}
	w.makers(o, e)
	w.hashes(o, e.hashes)
	if e.verification.ok() {
		v := o.add("verifiedUsing", newObject())
		v.set("type", newText("PackageVerificationCode"))
		v.set("algorithm", newText("sha1"))
		v.put("hashValue", e.verification)
		for _, t := range e.excluded {
			v.add("packageVerificationCodeExcludedFile", newText(t.s, t.src))
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

func (w *writer3) makers(o *node, e *element) {
	if e.supplier.named() {
		o.set("suppliedBy", newText(w.agent(e.supplier, class3Of(orOrganization(e.supplier.kind)))))
	}
	if e.manufacturer.named() {
		o.add("originatedBy", newText(w.agent(e.manufacturer, class3Of(orOrganization(e.manufacturer.kind)))))
	}
	for k := range e.authors {
		if e.authors[k].named() {
			o.add("originatedBy", newText(w.agent(&e.authors[k], class3Of(e.authors[k].kind))))
		}
	}
	for _, t := range e.contributors { // who may be people or organizations
		if strings.TrimSpace(t.s) != "" {
			o.add("originatedBy", newText(w.agent(&party{name: t}, "Agent")))
		}
	}
	if strings.TrimSpace(e.publisher.s) != "" {
		o.add("originatedBy", newText(w.agent(&party{name: e.publisher}, "Organization")))
		e.publisher.src.explainSelf(Changed, "SPDX does not know publishers; written as originator")
	}
}

func (w *writer3) hashes(o *node, list []hash) {
	for _, x := range list {
		alg := spdx3Hashes[x.alg.s]
		if slices.Contains(spdx3OnlyHashes, x.alg.s) {
			alg = x.alg.s
		}
		v := o.add("verifiedUsing", newObject())
		v.set("type", newText("Hash"))
		v.set("algorithm", newText(cmp.Or(alg, "other"), x.alg.src))
		v.put("hashValue", x.value)
		if alg == "" {
			x.alg.src.explainSelf(Changed, "SPDX has no such hash algorithm; written as other, and the name as a comment")
			v.set("comment", newText(x.alg.s, x.alg.src))
		}
	}
}

func (w *writer3) identifier(o *node, kind string, value, comment text, from ...*node) {
	if !value.ok() {
		return
	}
	x := o.add("externalIdentifier", newObject())
	x.set("type", newText("ExternalIdentifier"))
	x.set("externalIdentifierType", newText(kind, from...))
	x.put("identifier", value)
	x.put("comment", comment)
}

func (w *writer3) identifiers(o *node, e *element) {
	if len(e.purls) > 0 {
		if c := e.remarks[e.purls[0].src]; c.ok() { // which the member for the first has no place for
			w.identifier(o, "packageUrl", said(e.purls[0].s), c)
		}
		for _, t := range e.purls[1:] {
			w.identifier(o, "packageUrl", t, e.remarks[t.src])
		}
	}
	for k, t := range e.cpes {
		kind := "cpe22"
		if strings.HasPrefix(t.s, "cpe:2.3:") {
			kind = "cpe23"
		}
		w.identifier(o, kind, t, e.remarks[t.src])
		if k == 0 && len(e.purls) == 0 {
			o.get("spdxId").from = append(o.get("spdxId").from, compactNodes(slices.Clone(e.purlFrom))...)
		}
	}
	for _, x := range e.identifiers {
		w.identifier(o, x.kind.s, x.value, x.comment, x.kind.src)
	}
}

func (w *writer3) reference(o *node, r reference) {
	x := o.add("externalRef", newObject())
	x.set("type", newText("ExternalRef"))
	kind := spdx3ReferenceTypes[r.kind.s]
	if kind == "" && spdx3ReferenceNames[r.kind.s] != "" {
		kind = r.kind.s
	}
	if kind == "" {
		kind = "other"
		r.kind.src.explainSelf(Changed, "SPDX has no such type of reference; written as other")
	}
	x.set("externalRefType", newText(kind, r.kind.src, r.category.src))
	x.add("locator", newText(r.url.s, r.url.src))
	x.put("comment", r.comment)
}

// property writes a name and a value of CycloneDX, for which SPDX 3.0.1 has an extension.
func (w *writer3) property(o *node, p property) {
	if !p.name.ok() {
		return
	}
	if !slices.Contains(w.profiles, "extension") {
		w.profiles = append(w.profiles, "extension")
	}
	var x *node
	if list := o.list("extension"); len(list) > 0 {
		x = list[0]
	} else {
		x = o.add("extension", newObject())
		x.set("type", newText("extension_CdxPropertiesExtension"))
	}
	v := x.add("extension_cdxProperty", newObject())
	v.set("type", newText("extension_CdxPropertyEntry"))
	v.put("extension_cdxPropName", p.name)
	v.put("extension_cdxPropValue", p.value)
}

func (w *writer3) licenses(i int, e *element, refs *licenseRefs) {
	holder := newObject()
	refs.write(holder, e)
	for _, m := range holder.members {
		kind := "hasDeclaredLicense" // of a file, what was found in it
		if m.name == "licenseConcluded" {
			kind = "hasConcludedLicense"
		}
		for _, v := range listOrOne(m.value) {
			to, toFrom := w.license(v)
			r := w.relation(w.out[i], nil, kind, "", toFrom, to, nil)
			if e.licenseComment.ok() {
				r.put("comment", e.licenseComment)
				e.licenseComment = text{}
			}
		}
	}
	if e.licenseComment.ok() {
		w.property(w.elements3[i], property{said("lading:spdx:licenseComments"), e.licenseComment})
	}
}

// license returns the id of what stands for an expression, and the leaves that only the relationship says.
func (w *writer3) license(v *node) (to string, from []*node) {
	switch v.text {
	case "NOASSERTION":
		return noAssertionElement, v.from
	case "NONE":
		return noneElement, v.from
	}
	x := w.expressions[v.text]
	if x == nil {
		x = w.object("simplelicensing_LicenseExpression", w.iri("LicenseExpression-"+strconv.Itoa(len(w.expressions)+1)))
		x.set("simplelicensing_licenseExpression", newText(v.text))
		if v := w.listVersion; v.ok() {
			if strings.Count(v.s, ".") == 1 {
				v.src.explainSelf(Changed, "SPDX 3 has versions of three numbers")
				v.s += ".0"
			}
			x.put("simplelicensing_licenseListVersion", v)
		}
		w.expressions[v.text] = x
	}
	e := x.get("simplelicensing_licenseExpression")
	e.from = append(e.from, v.from...)
	return x.str("spdxId").s, nil
}

// edge writes a relationship, which may go to another document.
func (w *writer3) edge(e *edge) {
	r, ok := toSPDX3[RelationshipType(e.kind)]
	if !ok {
		e.explain(noSuchRelation)
		return
	}
	end := func(i int, t text) string {
		switch {
		case i >= 0:
			return w.out[i]
		case t.s == "NONE":
			return noneElement
		case t.s == "NOASSERTION":
			return noAssertionElement
		}
		return w.foreign(t.s)
	}
	from, to := end(e.from, e.fromText), end(e.to, e.toText)
	if from == "" || to == "" || from == noneElement || from == noAssertionElement {
		e.explain(notDescribed)
		return
	}
	fromSrc, toSrc := []*node{e.fromText.src}, []*node{e.toText.src}
	if r.turned {
		if e.to < 0 && (to == noneElement || to == noAssertionElement) { // "x is no patch for anything"
			e.explain(notDescribed)
			return
		}
		from, to, fromSrc, toSrc = to, from, toSrc, fromSrc
	}
	if back, _ := fromSPDX3(r.three, r.scope); back != r.two {
		if len(e.also) > 0 {
			e.also[0].explainSelf(Changed, "SPDX 3 has one word for this type and "+string(back))
		}
	}
	c := w.completenessOf(e)
	if c == nil || e.comment.ok() {
		w.relation(from, fromSrc, r.three, r.scope, e.also, to, toSrc).put("comment", e.comment)
		return
	}
	key := [3]string{from, r.three, r.scope}
	if o := w.exhaustive[key]; o != nil { // one relationship, which is all
		o.get("from").from = append(o.get("from").from, compactNodes(fromSrc)...)
		o.get("relationshipType").from = append(o.get("relationshipType").from, compactNodes(slices.Clone(e.also))...)
		o.add("to", newText(to, compactNodes(toSrc)...))
		return
	}
	o := w.relation(from, fromSrc, r.three, r.scope, e.also, to, toSrc)
	o.set("completeness", newText(completeness3[c.word], slices.Clone(c.leaves)...))
	w.exhaustive[key] = o
}

func (w *writer3) annotation(a annotation) {
	about := w.base
	if a.subject >= 0 {
		about = w.out[a.subject]
	}
	who := &party{kind: "SoftwareAgent", name: said("lading")}
	class := "SoftwareAgent"
	if a.who.named() {
		who, class = a.who, class3Of(a.who.kind)
	}
	o := w.object("Annotation", w.iri("Annotation-"+strconv.Itoa(len(w.infos)+1)))
	kind := strings.ToLower(a.kind.s)
	if kind != "review" {
		kind = "other"
	}
	o.set("annotationType", newText(kind, append(a.also, a.kind.src)...))
	o.set("subject", newText(about))
	o.put("statement", a.body)
	// Who said it and when is the creation information of the annotation.
	id := "_:annotation" + strconv.Itoa(len(w.infos)+1)
	w.infos[id] = id
	o.get("creationInfo").text = id
	info := w.root.add("@graph", newObject())
	info.set("type", newText("CreationInfo"))
	info.set("@id", newText(id))
	info.set("specVersion", newText("3.0.1"))
	info.put("created", w.spdxTime(a.date))
	by := w.agent(who, class)
	if class == "Tool" { // which creates nothing in SPDX 3, but is used
		info.add("createdUsing", newText(by))
		by = w.agent(&party{name: said(who.name.s)}, "SoftwareAgent")
	}
	info.add("createdBy", newText(by))
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
