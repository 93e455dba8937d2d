package sbom

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
)

// readSPDX2 takes from an SPDX 2 document what the specifications have in common.
func readSPDX2(root *node) *hub {
	h := &hub{extracted: map[string]*extracted{}}
	h.leaves = compactNodes([]*node{root.get("spdxVersion"), root.get("SPDXID")})
	root.get("$schema").explainSelf(Dropped, ownSchema)
	h.id, h.name, h.comment = root.str("documentNamespace"), root.str("name"), root.str("comment")
	h.dataLicense = root.str("dataLicense")
	info := root.get("creationInfo")
	h.created, h.creationComment, h.listVersion = info.str("created"), info.str("comment"), info.str("licenseListVersion")
	for _, c := range info.list("creators") {
		p := parseActor(text{c.text, c})
		if p == nil {
			continue
		}
		if p.kind == "Tool" {
			h.tools = append(h.tools, *p)
		} else {
			h.authors = append(h.authors, *p)
		}
	}
	for _, x := range root.list("hasExtractedLicensingInfos") {
		c := &extracted{id: x.str("licenseId"), name: x.str("name"), body: x.str("extractedText"), comment: x.str("comment"),
			seeAlso: texts2(x, "seeAlsos")}
		h.extracted[c.id.s] = c
	}
	type pending struct {
		from int
		to   text
	}
	var hasFiles []pending
	for _, n := range root.list("packages") {
		e := spdx2Package(n)
		for _, f := range n.list("hasFiles") {
			hasFiles = append(hasFiles, pending{len(h.elements), text{f.text, f}})
		}
		h.elements = append(h.elements, e)
	}
	for _, n := range root.list("files") {
		h.elements = append(h.elements, spdx2File(n))
	}
	for _, n := range root.list("snippets") {
		h.elements = append(h.elements, h.spdx2Snippet(n))
	}
	describe := func(id text, also ...*node) {
		if i := h.find(id.s); i >= 0 {
			h.root(i, append(also, id.src)...)
		} else {
			for _, n := range append(also, id.src) {
				n.explainSelf(Dropped, notDescribed)
			}
		}
	}
	for _, d := range root.list("documentDescribes") {
		describe(text{d.text, d})
	}
	for _, f := range hasFiles {
		h.edges = append(h.edges, edge{from: f.from, to: h.find(f.to.s), kind: "CONTAINS", toText: f.to})
	}
	for _, r := range root.list("relationships") {
		from, kind, to := r.str("spdxElementId"), r.str("relationshipType"), r.str("relatedSpdxElement")
		t := kind.s
		if turned, ok := reversed[t]; ok {
			from, to, t = to, from, string(turned)
		}
		if t == "DESCRIBES" && from.s == spdxDocument {
			describe(to, from.src, kind.src)
			continue
		}
		h.edges = append(h.edges, edge{h.find(from.s), h.find(to.s), t, from, to, r.str("comment"), []*node{kind.src}, nil})
	}
	h.spdx2Externals(root)
	h.spdx2Annotations(root, -1)
	at := 0
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.list(in) {
			h.spdx2Annotations(n, at)
			at++
		}
	}
	for _, n := range root.list("revieweds") { // which 2.1 replaced by annotations of this type
		if who := parseActor(n.str("reviewer")); who != nil {
			a := annotation{subject: -1, date: n.str("reviewDate"), kind: said("REVIEW"), body: n.str("comment"), who: who}
			if !a.body.ok() {
				a.body = said("reviewed")
			}
			h.annotations = append(h.annotations, a)
		}
	}
	return h
}

func (h *hub) spdx2Annotations(owner *node, subject int) {
	for _, n := range owner.list("annotations") {
		a := annotation{subject: subject, date: n.str("annotationDate"), kind: n.str("annotationType"),
			body: n.str("comment"), who: parseActor(n.str("annotator"))}
		if !h.takeProperty(a) {
			h.annotations = append(h.annotations, a)
		}
	}
}

// spdx2Dates and spdx3DateNames are when a package was built, released, and until when it is supported.
var (
	spdx2Dates     = [3]string{"builtDate", "releaseDate", "validUntilDate"}
	spdx3DateNames = [3]string{"builtTime", "releaseTime", "validUntilTime"}
)

func texts2(n *node, name string) (out []text) {
	for _, v := range listOrOne(n.get(name)) {
		if v.kind == strictjson.String {
			out = append(out, text{v.text, v})
		}
	}
	return out
}

func spdx2Package(n *node) *element {
	e := &element{id: n.str("SPDXID"), name: n.str("name"), version: n.str("versionInfo"), purpose: n.str("primaryPackagePurpose"),
		copyright: n.str("copyrightText"), description: n.str("description"), summary: n.str("summary"), comment: n.str("comment"),
		homepage: n.str("homepage"), download: n.str("downloadLocation"), sourceInfo: n.str("sourceInfo"), fileName: n.str("packageFileName"),
		licenseComment: n.str("licenseComments"), remarks: map[*node]text{}}
	e.attributions = texts2(n, "attributionTexts")
	for i, name := range spdx2Dates {
		e.dates[i] = n.str(name)
	}
	code := n.get("packageVerificationCode")
	e.verification, e.excluded = code.str("packageVerificationCodeValue"), texts2(code, "packageVerificationCodeExcludedFiles")
	for _, name := range []string{"supplier", "originator"} {
		if t := n.str(name); parseActor(t) == nil {
			t.src.explainSelf(Dropped, "nobody is named")
		}
	}
	e.supplier = parseActor(n.str("supplier"))
	if o := parseActor(n.str("originator")); o != nil {
		if o.kind == "Organization" {
			e.manufacturer = o
		} else {
			e.authors = append(e.authors, *o)
		}
	}
	e.hashes = spdx2Hashes(n)
	e.spdx2Licenses(n, "licenseInfoFromFiles")
	for _, r := range n.list("externalRefs") {
		kind, at, category := r.str("referenceType"), r.str("referenceLocator"), r.str("referenceCategory")
		switch {
		case spdx2Identifiers[lastPart(kind.s)] != "":
			name := spdx2Identifiers[lastPart(kind.s)]
			e.identifiers = append(e.identifiers, identifier{text{name, kind.src}, at, r.str("comment")})
			e.leaves = append(e.leaves, compactNodes([]*node{category.src})...)
		case kind.s == "purl":
			e.purls = append(e.purls, at)
			e.purlFrom = append(e.purlFrom, kind.src, category.src)
			e.remarks[at.src] = r.str("comment")
		case kind.s == "cpe23Type" || kind.s == "cpe22Type":
			e.cpes = append(e.cpes, at)
			e.purlFrom = append(e.purlFrom, kind.src, category.src)
			e.remarks[at.src] = r.str("comment")
		default:
			e.references = append(e.references, reference{category: category, kind: kind, url: at, comment: r.str("comment")})
		}
	}
	return e
}

// spdx2Identifiers are the types of external references (2.3, annex F) that SPDX 3 and CycloneDX have as identifiers, and
// SPDX 3's own types, as a conversion writes them.
var spdx2Identifiers = map[string]string{"swh": "swhid", "gitoid": "gitoid", "swid": "swid", "cve": "cve", "email": "email",
	"securityOther": "securityOther", "urlScheme": "urlScheme"}

// lastPart returns what a reference type is called that may be a URI.
func lastPart(kind string) string { return kind[strings.LastIndexByte(kind, '/')+1:] }

func spdx2File(n *node) *element {
	e := &element{id: n.str("SPDXID"), name: n.str("fileName"), file: true, kind: said("file"),
		copyright: n.str("copyrightText"), comment: n.str("comment"), hashes: spdx2Hashes(n), attributions: texts2(n, "attributionTexts"),
		fileTypes: texts2(n, "fileTypes"), contributors: texts2(n, "fileContributors"), notice: n.str("noticeText"),
		licenseComment: n.str("licenseComments")}
	e.spdx2Licenses(n, "licenseInfoInFiles")
	return e
}

func spdx2Hashes(n *node) (out []hash) {
	for _, v := range n.list("checksums") {
		alg := v.str("algorithm")
		alg.s = spdx2HashName(alg.s)
		out = append(out, hash{alg, v.str("checksumValue")})
	}
	return out
}

// spdx2HashName writes SPDX 2's names of hash algorithms as CycloneDX does.
func spdx2HashName(alg string) string {
	if strings.HasPrefix(alg, "SHA") && len(alg) <= 6 {
		return "SHA-" + alg[3:]
	}
	return alg
}

// spdx2Licenses reads what an element says of its licence; found is the member of those found in files.
func (e *element) spdx2Licenses(n *node, found string) {
	if t := n.str("licenseConcluded"); t.ok() {
		e.licenses = append(e.licenses, license{role: "concluded", expression: t})
	}
	if t := n.str("licenseDeclared"); t.ok() {
		e.licenses = append(e.licenses, license{role: "declared", expression: t})
	}
	for _, t := range texts2(n, found) {
		e.licenses = append(e.licenses, license{role: "found", expression: t})
	}
}

// parseActor reads "Person: name (mail)" (clause 6.8); what says NOASSERTION is nobody.
func parseActor(t text) *party {
	for _, kind := range []string{"Person", "Organization", "Tool"} {
		rest, ok := strings.CutPrefix(t.s, kind+":")
		if !ok {
			continue
		}
		rest = strings.TrimSpace(rest)
		p := &party{kind: kind, name: text{rest, t.src}}
		if i := strings.LastIndexByte(rest, '('); kind != "Tool" && i > 0 && strings.HasSuffix(rest, ")") {
			p.name.s = strings.TrimSpace(rest[:i])
			if mail := rest[i+1 : len(rest)-1]; mail != "" {
				p.email = text{mail, t.src}
			}
		}
		return p
	}
	return nil
}

// actor writes what parseActor reads.
func (p *party) actor(kind string) *node {
	s := kind + ": " + p.name.s
	from := append(slices.Clone(p.also), p.name.src)
	switch {
	case kind == "Tool":
		if p.version.s != "" {
			s += "-" + p.version.s
			from = append(from, p.version.src)
		}
	case p.email.s != "":
		s += " (" + p.email.s + ")"
		from = append(from, p.email.src)
	}
	return newText(s, from...)
}

// spdxTime writes a time as SPDX wants it: in UTC, to the second.
func (h *hub) spdxTime(t text) text {
	at, err := time.Parse(time.RFC3339, t.s)
	if err != nil {
		h.add("/creationInfo/created", "SPDX wants a time of creation; the input gives none")
		t.src.explainSelf(Dropped, "no date and time of RFC 3339")
		return said(h.now)
	}
	s := at.UTC().Format("2006-01-02T15:04:05Z")
	if s != t.s {
		t.src.explainSelf(Changed, "SPDX gives times in UTC, to the second")
	}
	return text{s, t.src}
}

// writeSPDX2 writes SPDX 2.3, from which the document is fitted to the version that is wanted.
func (h *hub) writeSPDX2() *node {
	root := newObject()
	root.set("spdxVersion", newText("SPDX-2.3", h.leaves...))
	license := h.dataLicense
	if license.s != "CC0-1.0" {
		license.src.explainSelf(Dropped, "every document of SPDX 2 says CC0-1.0 here")
		license = said("CC0-1.0")
	}
	root.put("dataLicense", license)
	root.set("SPDXID", newText(spdxDocument))
	name := h.name
	if name.s == "" {
		if len(h.roots) > 0 && h.elements[h.roots[0]].name.s != "" {
			name = said(h.elements[h.roots[0]].name.s)
		} else {
			name = said("NOASSERTION")
		}
		h.add("/name", "SPDX wants a name")
	}
	root.put("name", name)
	id := h.id
	if !isNamespace(id.s) || strings.Contains(id.s, "#") {
		id = text{h.madeID("/documentNamespace", "SPDX wants a namespace; made from the input's bytes"), id.src}
	}
	root.put("documentNamespace", id)
	info := root.set("creationInfo", newObject())
	info.put("created", h.spdxTime(h.created))
	info.put("comment", h.creationComment)
	if v := h.listVersion; strings.Count(v.s, ".") == 2 && strings.HasSuffix(v.s, ".0") {
		v.s = strings.TrimSuffix(v.s, ".0")
		v.src.explainSelf(Changed, "SPDX 2 has versions of two numbers")
		info.put("licenseListVersion", v)
	} else {
		info.put("licenseListVersion", v)
	}
	creator := func(p *party, kind string) {
		if p.named() {
			info.add("creators", p.actor(kind))
		}
	}
	for i := range h.authors {
		creator(&h.authors[i], h.authors[i].kind)
	}
	creator(h.manufacturer, "Organization")
	for i := range h.tools {
		creator(&h.tools[i], "Tool")
	}
	if info.get("creators") == nil {
		info.add("creators", newText("Tool: lading"))
		h.add("/creationInfo/creators", "SPDX wants a creator; the input names none")
	}
	root.put("comment", h.comment)

	refs := &licenseRefs{h: h, known: map[string]string{}, taken: names{}}
	out := h.spdx2Elements(root, refs)
	refs.rest()
	for _, x := range refs.out {
		root.add("hasExtractedLicensingInfos", x)
	}
	for _, r := range h.roots {
		relate(root, spdxDocument, nil, "DESCRIBES", h.rootFrom[r], out[r], nil)
	}
	h.relateCompositions(false, out)
	for k := range h.edges {
		h.spdx2Relationship(root, out, &h.edges[k])
	}
	for _, n := range h.inside {
		n.explainSelf(Changed, "SPDX 2 says it by where an element stands")
	}
	h.spdx2Outside(root, out)
	for _, n := range h.assessments {
		n.explainMembers("SPDX 2 refers to advisories and says nothing of vulnerabilities itself")
	}
	return root
}

// spdx2Elements writes the elements and returns their ids.
func (h *hub) spdx2Elements(root *node, refs *licenseRefs) []string {
	ids := names{spdxDocument: 1}
	out := make([]string, len(h.elements))
	isFile := func(i int) bool {
		e := h.elements[i]
		return e.file && e.snippet == nil && slices.ContainsFunc(e.hashes, func(x hash) bool { return x.alg.s == "SHA-1" })
	}
	for i, e := range h.elements {
		want := e.id.s
		if want == "" {
			want = e.name.s + "-" + e.version.s
		}
		out[i] = ids.unique(spdxID(want))
		if e.id.src != nil && out[i] != e.id.s && out[i] != "SPDXRef-"+e.id.s {
			e.id.src.explainSelf(Changed, "written as "+out[i])
		}
		if e.snippet != nil {
			e.snippet.written = e.snippet.writable(isFile)
		}
	}
	for i, e := range h.elements {
		n := newObject()
		id := n.set("SPDXID", newText(out[i], e.id.src))
		if e.file { // which has no member that says what its class does
			id.from = append(id.from, compactNodes(append(slices.Clone(e.leaves), e.kind.src))...)
		}
		name := e.fullName()
		if e.file {
			n.set("fileName", name)
		} else {
			n.set("name", name)
		}
		h.spdx2Element(n, e, refs)
		switch {
		case e.snippet != nil && e.snippet.written:
			n.members[1].name = "name"
			e.snippet.spdx2Out(n, out[e.snippet.at])
			root.add("snippets", n)
			continue
		case isFile(i):
			root.add("files", n)
			continue
		case e.snippet != nil:
			e.snippet.explain("SPDX 2 has parts of files that the document describes with a SHA-1 hash, by their ranges")
		}
		if e.file {
			n.members[1].name = "name"
			n.set("primaryPackagePurpose", newText("FILE"))
			n.set("downloadLocation", newText("NOASSERTION"))
			for _, found := range []string{"licenseInfoInFiles", "licenseInfoInSnippets"} {
				list := n.remove(found)
				for i := 0; list != nil && i < len(list.items); i++ {
					if d := n.get("licenseDeclared"); d == nil {
						n.set("licenseDeclared", list.items[i])
					} else if terms := []string{d.text, list.items[i].text}; !slices.Contains(terms, "NONE") && !slices.Contains(terms, "NOASSERTION") {
						d.text = parenthesised(d.text) + " AND " + parenthesised(list.items[i].text)
						d.from = append(d.from, list.items[i].from...)
					}
				}
			}
		}
		root.add("packages", n)
	}
	return out
}

// spdx2Relationship writes an edge, if SPDX 2 has a word for it.
func (h *hub) spdx2Relationship(root *node, out []string, e *edge) {
	end := func(i int, t text) (string, bool) {
		if i >= 0 {
			return out[i], true
		}
		doc, _, ok := strings.Cut(t.s, ":")
		return t.s, t.s == "NONE" || t.s == "NOASSERTION" || ok && h.external(doc) != nil
	}
	from, ok1 := end(e.from, e.fromText)
	to, ok2 := end(e.to, e.toText)
	if !ok1 || !ok2 || from == "NONE" || from == "NOASSERTION" {
		e.explain(notDescribed)
		return
	}
	if _, ok := toSPDX3[RelationshipType(e.kind)]; !ok {
		e.explain(noSuchRelation)
		return
	}
	h.use(from)
	h.use(to)
	r := relate(root, from, []*node{e.fromText.src}, e.kind, append(slices.Clone(e.also), e.scope), to, []*node{e.toText.src})
	r.put("comment", e.comment)
}

const noSuchRelation = "the other format has no relationship of this type"

// spdx2Outside writes what the document says of other documents and what others say of it.
func (h *hub) spdx2Outside(root *node, out []string) {
	h.spdx2ExternalsOut(root)
	byID := map[string]*node{}
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.list(in) {
			byID[n.str("SPDXID").s] = n
		}
	}
	h.annotateProperties()
	for _, a := range h.annotations {
		owner := root
		if a.subject >= 0 {
			owner = byID[out[a.subject]]
		}
		n := owner.add("annotations", newObject())
		n.set("annotationDate", newText(h.spdxTime(a.date).s, a.date.src))
		kind := a.kind
		if kind.s != "REVIEW" && kind.s != "OTHER" {
			kind.s = "OTHER"
		}
		n.set("annotationType", newText(kind.s, append(a.also, kind.src)...))
		who := &party{kind: "Tool", name: said("lading")}
		if a.who.named() {
			who = a.who
		}
		kinds := who.kind
		if kinds == "" {
			kinds = "Organization"
		}
		n.set("annotator", who.actor(kinds))
		n.put("comment", a.body)
	}
}

// propertiesTool is the annotator of what is a property in CycloneDX, as "name: value": the form in which Trivy writes and reads its own.
const propertiesTool = "lading-cyclonedx-properties"

// annotateProperties makes properties annotations, but for those that an annotation says.
func (h *hub) annotateProperties() {
	type note struct {
		subject int
		body    string
	}
	have := map[note]bool{}
	for _, a := range h.annotations {
		have[note{a.subject, a.body.s}] = true
	}
	date := said(h.created.s)
	if !isTime(date.s) {
		date = said(h.now)
	}
	put := func(subject int, list []property) {
		for _, p := range list {
			if !p.name.ok() || strings.Contains(p.name.s, ": ") || !p.value.ok() {
				continue
			}
			a := annotation{subject: subject, date: date, kind: said("OTHER"), body: text{p.name.s + ": " + p.value.s, p.value.src},
				who: &party{kind: "Tool", name: said(propertiesTool)}, also: compactNodes([]*node{p.name.src})}
			if have[note{subject, a.body.s}] {
				p.name.src.explainSelf(Dropped, "an annotation says it")
				p.value.src.explainSelf(Dropped, "an annotation says it")
				continue
			}
			h.annotations = append(h.annotations, a)
		}
	}
	put(-1, h.properties)
	for i, e := range h.elements {
		put(i, e.properties)
	}
}

// takeProperty reads such an annotation back, and reports whether it is one.
func (h *hub) takeProperty(a annotation) bool {
	if a.who == nil || a.who.kind != "Tool" || a.who.name.s != propertiesTool {
		return false
	}
	name, value, ok := strings.Cut(a.body.s, ": ")
	if !ok {
		return false
	}
	p := property{text{s: name}, text{value, a.body.src}}
	leaves := append(compactNodes([]*node{a.date.src, a.kind.src, a.who.name.src}), a.also...)
	if a.subject < 0 {
		h.properties = append(h.properties, p)
		h.leaves = append(h.leaves, leaves...)
		return true
	}
	e := h.elements[a.subject]
	e.properties = append(e.properties, p)
	e.leaves = append(e.leaves, leaves...)
	return true
}

func relate(root *node, from string, fromSrc []*node, kind string, kindSrc []*node, to string, toSrc []*node) *node {
	r := root.add("relationships", newObject())
	r.set("spdxElementId", newText(from, slices.Clone(fromSrc)...))
	r.set("relationshipType", newText(kind, slices.Clone(kindSrc)...))
	r.set("relatedSpdxElement", newText(to, slices.Clone(toSrc)...))
	return r
}

// purposes are SPDX 2.3's words for CycloneDX's types.
var purposes = map[string]string{
	"application": "APPLICATION", "framework": "FRAMEWORK", "library": "LIBRARY", "container": "CONTAINER",
	"operating-system": "OPERATING_SYSTEM", "device": "DEVICE", "firmware": "FIRMWARE", "file": "FILE",
}

var spdx2HashAlgorithms = map[string]string{
	"MD2": "MD2", "MD4": "MD4", "MD5": "MD5", "MD6": "MD6", "SHA-1": "SHA1", "SHA-224": "SHA224", "SHA-256": "SHA256", "SHA-384": "SHA384",
	"SHA-512": "SHA512", "SHA3-256": "SHA3-256", "SHA3-384": "SHA3-384", "SHA3-512": "SHA3-512", "BLAKE2b-256": "BLAKE2b-256",
	"BLAKE2b-384": "BLAKE2b-384", "BLAKE2b-512": "BLAKE2b-512", "BLAKE3": "BLAKE3", "ADLER32": "ADLER32",
}

func (h *hub) spdx2Element(n *node, e *element, refs *licenseRefs) {
	if !e.file {
		n.put("versionInfo", e.version)
		if purpose := purposes[e.kind.s]; purpose != "" {
			n.set("primaryPackagePurpose", newText(purpose, e.kind.src))
		} else if e.kind.ok() {
			n.set("primaryPackagePurpose", newText("OTHER", e.kind.src))
			e.kind.src.explainSelf(Changed, "SPDX has no such purpose; written as OTHER")
		} else {
			n.put("primaryPackagePurpose", e.purpose)
		}
		if e.supplier.named() {
			n.set("supplier", e.supplier.actor(orOrganization(e.supplier.kind)))
		}
		switch {
		case e.manufacturer.named():
			n.set("originator", e.manufacturer.actor(orOrganization(e.manufacturer.kind)))
			explainParties(e.authors, "SPDX 2 has one originator")
			e.publisher.src.explainSelf(Dropped, "SPDX 2 has one originator")
		case len(e.authors) > 0 && e.authors[0].named():
			n.set("originator", e.authors[0].actor(orOrganization(e.authors[0].kind)))
			explainParties(e.authors[1:], "SPDX 2 has one originator")
			e.publisher.src.explainSelf(Dropped, "SPDX 2 has one originator")
		case strings.TrimSpace(e.publisher.s) != "":
			n.set("originator", newText("Organization: "+e.publisher.s, e.publisher.src))
			e.publisher.src.explainSelf(Changed, "SPDX does not know publishers; written as originator")
		}
		download := e.download
		if download.s == "" {
			download = said("NOASSERTION")
		}
		n.set("downloadLocation", newText(download.s, append(e.leaves, download.src)...))
		n.set("filesAnalyzed", newLiteral("false"))
		h.add("/packages", "SPDX wants a download location and asks whether files were analysed; NOASSERTION and false where the input says nothing")
		n.put("homepage", e.homepage)
		n.put("packageFileName", e.fileName)
		n.put("sourceInfo", e.sourceInfo)
		n.put("summary", e.summary)
		n.put("description", e.description)
	}
	for _, x := range e.hashes {
		alg := spdx2HashAlgorithms[x.alg.s]
		if e.snippet != nil && e.snippet.written {
			x.alg.src.explainSelf(Dropped, "SPDX 2 has no hashes of parts of files")
			x.value.src.explainSelf(Dropped, "SPDX 2 has no hashes of parts of files")
			continue
		}
		if alg == "" {
			x.alg.src.explainSelf(Dropped, "SPDX has no such hash algorithm")
			x.value.src.explainSelf(Dropped, "SPDX has no such hash algorithm")
			continue
		}
		o := n.add("checksums", newObject())
		o.set("algorithm", newText(alg, x.alg.src))
		v := o.set("checksumValue", newText(strings.ToLower(x.value.s), x.value.src))
		if v.text != x.value.s {
			x.value.src.explainSelf(Changed, "SPDX writes hashes in lower case")
		}
	}
	for _, t := range e.attributions {
		n.add("attributionTexts", newText(t.s, t.src))
	}
	if !e.file {
		for i, t := range e.dates {
			if t.ok() && isTime(t.s) {
				n.put(spdx2Dates[i], h.spdxTime(t))
			}
		}
		if e.verification.ok() {
			code := n.set("packageVerificationCode", newObject())
			code.put("packageVerificationCodeValue", e.verification)
			for _, t := range e.excluded {
				code.add("packageVerificationCodeExcludedFiles", newText(t.s, t.src))
			}
		}
	}
	refs.write(n, e)
	if e.file && e.snippet == nil {
		if !e.comment.ok() {
			e.comment = e.description
		}
		e.description.src.explainSelf(Changed, "SPDX 2 has one text about a file")
	}
	n.put("copyrightText", e.copyright)
	n.put("comment", e.comment)
	n.put("licenseComments", e.licenseComment)
	if e.file {
		e.spdx2FileOut(n)
		return
	}
	e.mediaType.src.explainSelf(Dropped, "SPDX has media types of files only")
	ref := func(category, kind string, at text, from ...*node) *node {
		o := n.add("externalRefs", newObject())
		o.set("referenceCategory", newText(category))
		o.set("referenceType", newText(kind, from...))
		o.put("referenceLocator", at)
		o.put("comment", e.remarks[at.src])
		return o
	}
	for i, t := range e.purls {
		var from []*node
		if i == 0 {
			from = e.purlFrom
		}
		ref("PACKAGE-MANAGER", "purl", t, from...)
	}
	for _, t := range e.cpes {
		kind := "cpe22Type"
		if strings.HasPrefix(t.s, "cpe:2.3:") {
			kind = "cpe23Type"
		}
		ref("SECURITY", kind, t)
	}
	for _, x := range e.identifiers {
		if strings.ContainsAny(x.value.s, " \t\n") {
			for _, n := range []*node{x.kind.src, x.value.src, x.comment.src} {
				n.explainSelf(Dropped, "SPDX's locators have no blanks")
			}
			continue
		}
		category, kind := "OTHER", x.kind.s
		switch kind {
		case "swhid":
			category, kind = "PERSISTENT-ID", "swh"
		case "gitoid":
			category = "PERSISTENT-ID"
		case "swid":
			category = "SECURITY"
		}
		ref(category, kind, x.value, x.kind.src).put("comment", x.comment)
	}
	for _, r := range e.references {
		if r.url.s == "" || strings.ContainsAny(r.url.s, " \t\n") {
			r.url.src.explainSelf(Dropped, "SPDX's locators have no blanks")
			continue
		}
		category := "OTHER"
		if slices.Contains([]string{"OTHER", "PERSISTENT-ID", "PERSISTENT_ID", "SECURITY", "PACKAGE-MANAGER", "PACKAGE_MANAGER"}, r.category.s) {
			category = r.category.s
		}
		o := ref(category, r.kind.s, r.url, r.kind.src)
		o.members[0].value.from = compactNodes([]*node{r.category.src})
		o.put("comment", r.comment)
	}
}

// mediaKinds2 are SPDX 2's types of files that are the first parts of media types (2.3, clause 8.3).
var mediaKinds2 = []string{"APPLICATION", "AUDIO", "IMAGE", "TEXT", "VIDEO"}

// explainReferences says why references and identifiers are lost.
func (e *element) explainReferences(reason string) {
	for _, r := range e.references {
		for _, n := range []*node{r.category.src, r.kind.src, r.url.src, r.comment.src} {
			n.explainSelf(Dropped, reason)
		}
	}
	for _, x := range e.identifiers {
		for _, n := range []*node{x.kind.src, x.value.src, x.comment.src} {
			n.explainSelf(Dropped, reason)
		}
	}
	for _, t := range slices.Concat(e.purls, e.cpes, []text{e.homepage, e.download}) {
		t.src.explainSelf(Dropped, reason)
	}
}

// spdx2FileOut writes what SPDX 2 says of files only.
func (e *element) spdx2FileOut(n *node) {
	if e.snippet != nil {
		return
	}
	for _, t := range e.fileTypes {
		n.add("fileTypes", newText(t.s, t.src))
	}
	if kind, _, ok := strings.Cut(e.mediaType.s, "/"); ok && e.fileTypes == nil && slices.Contains(mediaKinds2, strings.ToUpper(kind)) {
		n.add("fileTypes", newText(strings.ToUpper(kind), e.mediaType.src))
	}
	e.mediaType.src.explainSelf(Changed, "SPDX 2 has kinds of files")
	e.explainReferences("SPDX 2 has references and identifiers of packages, and none of files")
	for _, t := range e.contributors {
		n.add("fileContributors", newText(t.s, t.src))
	}
	who := slices.Clone(e.authors)
	if e.manufacturer != nil {
		who = append(who, *e.manufacturer)
	}
	for i := range who {
		if p := &who[i]; p.named() {
			n.add("fileContributors", newText(p.name.s, append(p.also, p.name.src)...))
		}
	}
	n.put("noticeText", e.notice)
}

// explainParties says why somebody is not named.
func explainParties(list []party, reason string) {
	for i := range list {
		p := &list[i]
		for _, n := range append(slices.Clone(p.also), p.name.src, p.email.src, p.url.src, p.version.src) {
			n.explainSelf(Dropped, reason)
		}
	}
}

func orOrganization(kind string) string {
	if kind == "Person" {
		return kind
	}
	return "Organization"
}

// licenseRefs turns licences with a name or a text into LicenseRefs and the texts that they refer to.
type licenseRefs struct {
	h     *hub
	known map[string]string
	taken names
	out   []*node
}

// write joins claims of one role with AND: all of them hold. Those found in files stay apart.
func (r *licenseRefs) write(n *node, e *element) {
	for _, role := range []string{"concluded", "declared"} {
		var list []license
		for _, l := range e.licenses {
			if l.role == role || role == "declared" && l.role == "" {
				list = append(list, l)
			}
		}
		r.join(n, list, role)
	}
	found := "licenseInfoInFiles"
	if e.snippet != nil {
		found = "licenseInfoInSnippets"
	}
	for _, l := range e.licenses {
		switch {
		case l.role != "found":
		case !e.file:
			l.explain("SPDX says of files which licences are in them, and of packages whose files were analysed")
		default:
			if term, leaves := r.term(l, false); term != "" {
				n.add(found, newText(term, append(leaves, l.roleFrom)...))
			}
		}
	}
	// What a file says of its licence itself is what was found in it; nobody declares the licence of a file.
	if d := n.get("licenseDeclared"); d != nil && e.file {
		n.remove("licenseDeclared")
		if n.get("licenseConcluded") == nil && !slices.ContainsFunc(e.licenses, func(l license) bool { return l.role == "declared" }) {
			n.set("licenseConcluded", d)
		} else {
			n.add(found, d)
		}
	}
}

// parenthesised writes an expression as a part of one with AND.
func parenthesised(expression string) string {
	if strings.Contains(expression, " OR ") {
		return "(" + expression + ")"
	}
	return expression
}

// explain says why a licence is lost.
func (l *license) explain(reason string) {
	for _, n := range []*node{l.roleFrom, l.expression.src, l.id.src, l.name.src, l.body.src, l.url.src} {
		n.explainSelf(Dropped, reason)
	}
}

func (r *licenseRefs) join(n *node, list []license, role string) {
	var terms []string
	var from []*node
	for _, l := range list {
		term, leaves := r.term(l, len(list) > 1)
		if term == "" {
			continue
		}
		if l.role == "" {
			for _, f := range leaves {
				f.explainSelf(Changed, "SPDX asks whether a licence is declared or concluded; written as declared")
			}
		}
		terms = append(terms, term)
		from = append(append(from, leaves...), l.roleFrom)
	}
	if len(terms) > 0 {
		name := "licenseDeclared"
		if role == "concluded" {
			name = "licenseConcluded"
		}
		n.set(name, newText(strings.Join(terms, " AND "), from...))
	}
}

func (r *licenseRefs) term(l license, several bool) (string, []*node) {
	switch {
	case l.expression.s != "":
		r.copyTexts(l.expression.s)
		if several && strings.Contains(l.expression.s, " OR ") {
			return "(" + l.expression.s + ")", compactNodes([]*node{l.expression.src})
		}
		return l.expression.s, compactNodes([]*node{l.expression.src})
	case listed(l.id.s):
		return l.id.s, compactNodes([]*node{l.id.src})
	case l.id.s == "" && l.name.s == "":
		return "", nil
	}
	name := l.name
	if name.s == "" {
		name = l.id
	}
	key := name.s + "\x00" + l.body.s + "\x00" + l.url.s
	id := r.known[key]
	if id == "" {
		id = r.taken.unique("LicenseRef-" + strings.TrimPrefix(strings.TrimPrefix(spdxID(name.s), "SPDXRef-"), "LicenseRef-"))
		r.known[key] = id
		o := newObject()
		o.set("licenseId", newText(id))
		body := l.body
		if body.s == "" {
			body = said(name.s)
		}
		o.set("extractedText", newText(body.s, l.body.src))
		o.set("name", newText(name.s, name.src))
		if l.url.s != "" {
			o.add("seeAlsos", newText(l.url.s, l.url.src))
		}
		r.out = append(r.out, o)
		return id, compactNodes([]*node{name.src})
	}
	return id, compactNodes([]*node{name.src, l.body.src, l.url.src})
}

// rest writes the texts that no expression refers to.
func (r *licenseRefs) rest() {
	for _, id := range slices.Sorted(maps.Keys(r.h.extracted)) {
		if isSPDXRef(id, "LicenseRef-") {
			r.copyTexts(id)
		}
	}
}

// copyTexts copies the texts that an expression of the input refers to.
func (r *licenseRefs) copyTexts(expression string) {
	for _, id := range licenseRefsIn(expression) {
		c := r.h.extracted[id]
		if c == nil || r.known[id] != "" {
			continue
		}
		r.known[id] = id
		r.taken[id]++
		o := newObject()
		o.set("licenseId", newText(id, append(c.also, c.id.src)...))
		o.set("extractedText", newText(c.body.s, c.body.src))
		o.put("name", c.name)
		o.put("comment", c.comment)
		for _, t := range c.seeAlso {
			o.add("seeAlsos", newText(t.s, t.src))
		}
		r.out = append(r.out, o)
	}
}
