package sbom

import (
	"maps"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// readSPDX2 takes from an SPDX 2 document what the specifications have in common.
func readSPDX2(root *tree.Node) *hub {
	h := &hub{extracted: map[string]*extracted{}}
	h.leaves = tree.Compact([]*tree.Node{root.Get("spdxVersion"), root.Get("SPDXID")})
	root.Get("$schema").ExplainSelf(tree.Dropped, ownSchema)
	h.id, h.name, h.comment = root.Str("documentNamespace"), root.Str("name"), root.Str("comment")
	h.dataLicense = root.Str("dataLicense")
	info := root.Get("creationInfo")
	h.created, h.creationComment, h.listVersion = info.Str("created"), info.Str("comment"), info.Str("licenseListVersion")
	for _, c := range info.List("creators") {
		p := parseActor(tree.Text{S: c.Text, From: c})
		if p == nil {
			continue
		}
		if p.kind == "Tool" {
			h.tools = append(h.tools, *p)
		} else {
			h.authors = append(h.authors, *p)
		}
	}
	for _, x := range root.List("hasExtractedLicensingInfos") {
		c := &extracted{id: x.Str("licenseId"), name: x.Str("name"), body: x.Str("extractedText"), comment: x.Str("comment"),
			seeAlso: tree.Texts(x, "seeAlsos")}
		h.extracted[c.id.S] = c
	}
	type pending struct {
		from int
		to   tree.Text
	}
	var hasFiles []pending
	for _, n := range root.List("packages") {
		e := spdx2Package(n)
		for _, f := range n.List("hasFiles") {
			hasFiles = append(hasFiles, pending{len(h.elements), tree.Text{S: f.Text, From: f}})
		}
		h.elements = append(h.elements, e)
	}
	for _, n := range root.List("files") {
		h.elements = append(h.elements, spdx2File(n))
	}
	for _, n := range root.List("snippets") {
		h.elements = append(h.elements, h.spdx2Snippet(n))
	}
	describe := func(id tree.Text, also ...*tree.Node) {
		if i := h.find(id.S); i >= 0 {
			h.root(i, append(also, id.From)...)
		} else {
			for _, n := range append(also, id.From) {
				n.ExplainSelf(tree.Dropped, notDescribed)
			}
		}
	}
	for _, d := range root.List("documentDescribes") {
		describe(tree.Text{S: d.Text, From: d})
	}
	for _, f := range hasFiles {
		h.edges = append(h.edges, edge{from: f.from, to: h.find(f.to.S), kind: "CONTAINS", toText: f.to})
	}
	for _, r := range root.List("relationships") {
		from, kind, to := r.Str("spdxElementId"), r.Str("relationshipType"), r.Str("relatedSpdxElement")
		t := kind.S
		if turned, ok := reversed[t]; ok {
			from, to, t = to, from, string(turned)
		}
		if t == "DESCRIBES" && from.S == spec.DocumentID {
			describe(to, from.From, kind.From)
			continue
		}
		h.edges = append(h.edges, edge{h.find(from.S), h.find(to.S), t, from, to, r.Str("comment"), []*tree.Node{kind.From}, nil})
	}
	h.spdx2Externals(root)
	h.spdx2Annotations(root, -1)
	at := 0
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.List(in) {
			h.spdx2Annotations(n, at)
			at++
		}
	}
	for _, n := range root.List("revieweds") { // which 2.1 replaced by annotations of this type
		if who := parseActor(n.Str("reviewer")); who != nil {
			a := annotation{subject: -1, date: n.Str("reviewDate"), kind: tree.Constant("REVIEW"), body: n.Str("comment"), who: who}
			if !a.body.OK() {
				a.body = tree.Constant("reviewed")
			}
			h.annotations = append(h.annotations, a)
		}
	}
	return h
}

func (h *hub) spdx2Annotations(owner *tree.Node, subject int) {
	for _, n := range owner.List("annotations") {
		a := annotation{subject: subject, date: n.Str("annotationDate"), kind: n.Str("annotationType"),
			body: n.Str("comment"), who: parseActor(n.Str("annotator"))}
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

func spdx2Package(n *tree.Node) *element {
	e := &element{id: n.Str("SPDXID"), name: n.Str("name"), version: n.Str("versionInfo"), purpose: n.Str("primaryPackagePurpose"),
		copyright: n.Str("copyrightText"), description: n.Str("description"), summary: n.Str("summary"), comment: n.Str("comment"),
		homepage: n.Str("homepage"), download: n.Str("downloadLocation"), sourceInfo: n.Str("sourceInfo"),
		fileName:       n.Str("packageFileName"),
		licenseComment: n.Str("licenseComments"), remarks: map[*tree.Node]tree.Text{}}
	e.attributions = tree.Texts(n, "attributionTexts")
	for i, name := range spdx2Dates {
		e.dates[i] = n.Str(name)
	}
	code := n.Get("packageVerificationCode")
	e.verification, e.excluded = code.Str("packageVerificationCodeValue"), tree.Texts(code, "packageVerificationCodeExcludedFiles")
	for _, name := range []string{"supplier", "originator"} {
		if t := n.Str(name); parseActor(t) == nil {
			t.From.ExplainSelf(tree.Dropped, "nobody is named")
		}
	}
	e.supplier = parseActor(n.Str("supplier"))
	if o := parseActor(n.Str("originator")); o != nil {
		if o.kind == "Organization" {
			e.manufacturer = o
		} else {
			e.authors = append(e.authors, *o)
		}
	}
	e.hashes = spdx2Hashes(n)
	e.spdx2Licenses(n, "licenseInfoFromFiles")
	for _, r := range n.List("externalRefs") {
		kind, at, category := r.Str("referenceType"), r.Str("referenceLocator"), r.Str("referenceCategory")
		switch {
		case spdx2Identifiers[lastPart(kind.S)] != "":
			name := spdx2Identifiers[lastPart(kind.S)]
			e.identifiers = append(e.identifiers, identifier{tree.Text{S: name, From: kind.From}, at, r.Str("comment")})
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{category.From})...)
		case kind.S == "purl":
			e.purls = append(e.purls, at)
			e.purlFrom = append(e.purlFrom, kind.From, category.From)
			e.remarks[at.From] = r.Str("comment")
		case kind.S == "cpe23Type" || kind.S == "cpe22Type":
			e.cpes = append(e.cpes, at)
			e.purlFrom = append(e.purlFrom, kind.From, category.From)
			e.remarks[at.From] = r.Str("comment")
		default:
			e.references = append(e.references, reference{category: category, kind: kind, url: at, comment: r.Str("comment")})
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

func spdx2File(n *tree.Node) *element {
	e := &element{id: n.Str("SPDXID"), name: n.Str("fileName"), file: true, kind: tree.Constant("file"),
		copyright: n.Str("copyrightText"), comment: n.Str("comment"), hashes: spdx2Hashes(n), attributions: tree.Texts(n,
			"attributionTexts"),
		fileTypes: tree.Texts(n, "fileTypes"), contributors: tree.Texts(n, "fileContributors"), notice: n.Str("noticeText"),
		licenseComment: n.Str("licenseComments")}
	e.spdx2Licenses(n, "licenseInfoInFiles")
	return e
}

func spdx2Hashes(n *tree.Node) (out []hash) {
	for _, v := range n.List("checksums") {
		alg := v.Str("algorithm")
		alg.S = spdx2HashName(alg.S)
		out = append(out, hash{alg, v.Str("checksumValue")})
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
func (e *element) spdx2Licenses(n *tree.Node, found string) {
	if t := n.Str("licenseConcluded"); t.OK() {
		e.licenses = append(e.licenses, licenseClaim{role: "concluded", expression: t})
	}
	if t := n.Str("licenseDeclared"); t.OK() {
		e.licenses = append(e.licenses, licenseClaim{role: "declared", expression: t})
	}
	for _, t := range tree.Texts(n, found) {
		e.licenses = append(e.licenses, licenseClaim{role: "found", expression: t})
	}
}

// parseActor reads "Person: name (mail)" (clause 6.8); what says NOASSERTION is nobody.
func parseActor(t tree.Text) *party {
	for _, kind := range []string{"Person", "Organization", "Tool"} {
		rest, ok := strings.CutPrefix(t.S, kind+":")
		if !ok {
			continue
		}
		rest = strings.TrimSpace(rest)
		p := &party{kind: kind, name: tree.Text{S: rest, From: t.From}}
		if i := strings.LastIndexByte(rest, '('); kind != "Tool" && i > 0 && strings.HasSuffix(rest, ")") {
			p.name.S = strings.TrimSpace(rest[:i])
			if mail := rest[i+1 : len(rest)-1]; mail != "" {
				p.email = tree.Text{S: mail, From: t.From}
			}
		}
		return p
	}
	return nil
}

// actor writes what parseActor reads.
func (p *party) actor(kind string) *tree.Node {
	s := kind + ": " + p.name.S
	from := append(slices.Clone(p.also), p.name.From)
	switch {
	case kind == "Tool":
		if p.version.S != "" {
			s += "-" + p.version.S
			from = append(from, p.version.From)
		}
	case p.email.S != "":
		s += " (" + p.email.S + ")"
		from = append(from, p.email.From)
	}
	return tree.NewText(s, from...)
}

// spdxTime writes a time as SPDX wants it: in UTC, to the second.
func (h *hub) spdxTime(t tree.Text) tree.Text {
	s, ok := spec.UTC(t.S)
	if !ok {
		h.add("/creationInfo/created", "SPDX wants a time of creation; the input gives none")
		t.From.ExplainSelf(tree.Dropped, "no date and time of RFC 3339")
		return tree.Constant(h.now)
	}
	if s != t.S {
		t.From.ExplainSelf(tree.Changed, "SPDX gives times in UTC, to the second")
	}
	return tree.Text{S: s, From: t.From}
}

// writeSPDX2 writes SPDX 2.3, from which the document is fitted to the version that is wanted.
func (h *hub) writeSPDX2() *tree.Node {
	root := tree.NewObject()
	root.Set("spdxVersion", tree.NewText("SPDX-2.3", h.leaves...))
	license := h.dataLicense
	if license.S != "CC0-1.0" {
		license.From.ExplainSelf(tree.Dropped, "every document of SPDX 2 says CC0-1.0 here")
		license = tree.Constant("CC0-1.0")
	}
	root.Put("dataLicense", license)
	root.Set("SPDXID", tree.NewText(spec.DocumentID))
	name := h.name
	if name.S == "" {
		if len(h.roots) > 0 && h.elements[h.roots[0]].name.S != "" {
			name = tree.Constant(h.elements[h.roots[0]].name.S)
		} else {
			name = tree.Constant("NOASSERTION")
		}
		h.add("/name", "SPDX wants a name")
	}
	root.Put("name", name)
	id := h.id
	if !spec.IsNamespace(id.S) || strings.Contains(id.S, "#") {
		id = tree.Text{S: h.madeID("/documentNamespace", "SPDX wants a namespace; made from the input's bytes"), From: id.From}
	}
	root.Put("documentNamespace", id)
	info := root.Set("creationInfo", tree.NewObject())
	info.Put("created", h.spdxTime(h.created))
	info.Put("comment", h.creationComment)
	if v := h.listVersion; strings.Count(v.S, ".") == 2 && strings.HasSuffix(v.S, ".0") {
		v.S = strings.TrimSuffix(v.S, ".0")
		v.From.ExplainSelf(tree.Changed, "SPDX 2 has versions of two numbers")
		info.Put("licenseListVersion", v)
	} else {
		info.Put("licenseListVersion", v)
	}
	creator := func(p *party, kind string) {
		if p.named() {
			info.Add("creators", p.actor(kind))
		}
	}
	for i := range h.authors {
		creator(&h.authors[i], h.authors[i].kind)
	}
	creator(h.manufacturer, "Organization")
	for i := range h.tools {
		creator(&h.tools[i], "Tool")
	}
	if info.Get("creators") == nil {
		info.Add("creators", tree.NewText("Tool: lading"))
		h.add("/creationInfo/creators", "SPDX wants a creator; the input names none")
	}
	root.Put("comment", h.comment)

	refs := &licenseRefs{h: h, known: map[string]string{}, taken: spec.Names{}}
	out := h.spdx2Elements(root, refs)
	refs.rest()
	for _, x := range refs.out {
		root.Add("hasExtractedLicensingInfos", x)
	}
	for _, r := range h.roots {
		relate(root, spec.DocumentID, nil, "DESCRIBES", h.rootFrom[r], out[r], nil)
	}
	h.relateCompositions(false, out)
	for k := range h.edges {
		h.spdx2Relationship(root, out, &h.edges[k])
	}
	for _, n := range h.inside {
		n.ExplainSelf(tree.Changed, "SPDX 2 says it by where an element stands")
	}
	h.spdx2Outside(root, out)
	for _, n := range h.assessments {
		n.ExplainMembers("SPDX 2 refers to advisories and says nothing of vulnerabilities itself")
	}
	return root
}

// spdx2Elements writes the elements and returns their ids.
func (h *hub) spdx2Elements(root *tree.Node, refs *licenseRefs) []string {
	ids := spec.Names{spec.DocumentID: 1}
	out := make([]string, len(h.elements))
	isFile := func(i int) bool {
		e := h.elements[i]
		return e.file && e.snippet == nil && slices.ContainsFunc(e.hashes, func(x hash) bool { return x.alg.S == "SHA-1" })
	}
	for i, e := range h.elements {
		want := e.id.S
		if want == "" {
			want = e.name.S + "-" + e.version.S
		}
		out[i] = ids.Unique(spec.RefOf(want))
		if e.id.From != nil && out[i] != e.id.S && out[i] != "SPDXRef-"+e.id.S {
			e.id.From.ExplainSelf(tree.Changed, "written as "+out[i])
		}
		if e.snippet != nil {
			e.snippet.written = e.snippet.writable(isFile)
		}
	}
	for i, e := range h.elements {
		n := tree.NewObject()
		id := n.Set("SPDXID", tree.NewText(out[i], e.id.From))
		if e.file { // which has no member that says what its class does
			id.From = append(id.From, tree.Compact(append(slices.Clone(e.leaves), e.kind.From))...)
		}
		name := e.fullName()
		if e.file {
			n.Set("fileName", name)
		} else {
			n.Set("name", name)
		}
		h.spdx2Element(n, e, refs)
		switch {
		case e.snippet != nil && e.snippet.written:
			n.Members[1].Name = "name"
			e.snippet.spdx2Out(n, out[e.snippet.at])
			root.Add("snippets", n)
			continue
		case isFile(i):
			root.Add("files", n)
			continue
		case e.snippet != nil:
			e.snippet.explain("SPDX 2 has parts of files that the document describes with a SHA-1 hash, by their ranges")
		}
		if e.file {
			n.Members[1].Name = "name"
			n.Set("primaryPackagePurpose", tree.NewText("FILE"))
			n.Set("downloadLocation", tree.NewText("NOASSERTION"))
			for _, found := range []string{"licenseInfoInFiles", "licenseInfoInSnippets"} {
				list := n.Remove(found)
				for i := 0; list != nil && i < len(list.Items); i++ {
					if d := n.Get("licenseDeclared"); d == nil {
						n.Set("licenseDeclared", list.Items[i])
					} else if terms := []string{d.Text, list.Items[i].Text}; !slices.Contains(terms, "NONE") &&
						!slices.Contains(terms, "NOASSERTION") {
						d.Text = license.Parenthesised(d.Text) + " AND " + license.Parenthesised(list.Items[i].Text)
						d.From = append(d.From, list.Items[i].From...)
					}
				}
			}
		}
		root.Add("packages", n)
	}
	return out
}

// spdx2Relationship writes an edge, if SPDX 2 has a word for it.
func (h *hub) spdx2Relationship(root *tree.Node, out []string, e *edge) {
	end := func(i int, t tree.Text) (string, bool) {
		if i >= 0 {
			return out[i], true
		}
		doc, _, ok := strings.Cut(t.S, ":")
		return t.S, t.S == "NONE" || t.S == "NOASSERTION" || ok && h.external(doc) != nil
	}
	from, ok1 := end(e.from, e.fromText)
	to, ok2 := end(e.to, e.toText)
	if !ok1 || !ok2 || from == "NONE" || from == "NOASSERTION" {
		e.explain(notDescribed)
		return
	}
	if _, ok := toSPDX3[relation(e.kind)]; !ok {
		e.explain(noSuchRelation)
		return
	}
	h.use(from)
	h.use(to)
	r := relate(root, from, []*tree.Node{e.fromText.From}, e.kind, append(slices.Clone(e.also), e.scope), to, []*tree.Node{e.toText.From})
	r.Put("comment", e.comment)
}

const noSuchRelation = "the other format has no relationship of this type"

// spdx2Outside writes what the document says of other documents and what others say of it.
func (h *hub) spdx2Outside(root *tree.Node, out []string) {
	h.spdx2ExternalsOut(root)
	byID := map[string]*tree.Node{}
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.List(in) {
			byID[n.Str("SPDXID").S] = n
		}
	}
	h.annotateProperties()
	for _, a := range h.annotations {
		owner := root
		if a.subject >= 0 {
			owner = byID[out[a.subject]]
		}
		n := owner.Add("annotations", tree.NewObject())
		n.Set("annotationDate", tree.NewText(h.spdxTime(a.date).S, a.date.From))
		kind := a.kind
		if kind.S != "REVIEW" && kind.S != "OTHER" {
			kind.S = "OTHER"
		}
		n.Set("annotationType", tree.NewText(kind.S, append(a.also, kind.From)...))
		who := &party{kind: "Tool", name: tree.Constant("lading")}
		if a.who.named() {
			who = a.who
		}
		kinds := who.kind
		if kinds == "" {
			kinds = "Organization"
		}
		n.Set("annotator", who.actor(kinds))
		n.Put("comment", a.body)
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
		have[note{a.subject, a.body.S}] = true
	}
	date := tree.Constant(h.created.S)
	if !spec.IsTime(date.S) {
		date = tree.Constant(h.now)
	}
	put := func(subject int, list []property) {
		for _, p := range list {
			if !p.name.OK() || strings.Contains(p.name.S, ": ") || !p.value.OK() {
				continue
			}
			a := annotation{subject: subject, date: date, kind: tree.Constant("OTHER"), body: tree.Text{S: p.name.S + ": " + p.value.S,
				From: p.value.From},
				who: &party{kind: "Tool", name: tree.Constant(propertiesTool)}, also: tree.Compact([]*tree.Node{p.name.From})}
			if have[note{subject, a.body.S}] {
				p.name.From.ExplainSelf(tree.Dropped, "an annotation says it")
				p.value.From.ExplainSelf(tree.Dropped, "an annotation says it")
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
	if a.who == nil || a.who.kind != "Tool" || a.who.name.S != propertiesTool {
		return false
	}
	name, value, ok := strings.Cut(a.body.S, ": ")
	if !ok {
		return false
	}
	p := property{tree.Text{S: name}, tree.Text{S: value, From: a.body.From}}
	leaves := append(tree.Compact([]*tree.Node{a.date.From, a.kind.From, a.who.name.From}), a.also...)
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

func relate(root *tree.Node, from string, fromSrc []*tree.Node, kind string, kindSrc []*tree.Node, to string,
	toSrc []*tree.Node) *tree.Node {
	r := root.Add("relationships", tree.NewObject())
	r.Set("spdxElementId", tree.NewText(from, slices.Clone(fromSrc)...))
	r.Set("relationshipType", tree.NewText(kind, slices.Clone(kindSrc)...))
	r.Set("relatedSpdxElement", tree.NewText(to, slices.Clone(toSrc)...))
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

func (h *hub) spdx2Element(n *tree.Node, e *element, refs *licenseRefs) {
	if !e.file {
		n.Put("versionInfo", e.version)
		if purpose := purposes[e.kind.S]; purpose != "" {
			n.Set("primaryPackagePurpose", tree.NewText(purpose, e.kind.From))
		} else if e.kind.OK() {
			n.Set("primaryPackagePurpose", tree.NewText("OTHER", e.kind.From))
			e.kind.From.ExplainSelf(tree.Changed, "SPDX has no such purpose; written as OTHER")
		} else {
			n.Put("primaryPackagePurpose", e.purpose)
		}
		if e.supplier.named() {
			n.Set("supplier", e.supplier.actor(orOrganization(e.supplier.kind)))
		}
		switch {
		case e.manufacturer.named():
			n.Set("originator", e.manufacturer.actor(orOrganization(e.manufacturer.kind)))
			explainParties(e.authors, "SPDX 2 has one originator")
			e.publisher.From.ExplainSelf(tree.Dropped, "SPDX 2 has one originator")
		case len(e.authors) > 0 && e.authors[0].named():
			n.Set("originator", e.authors[0].actor(orOrganization(e.authors[0].kind)))
			explainParties(e.authors[1:], "SPDX 2 has one originator")
			e.publisher.From.ExplainSelf(tree.Dropped, "SPDX 2 has one originator")
		case strings.TrimSpace(e.publisher.S) != "":
			n.Set("originator", tree.NewText("Organization: "+e.publisher.S, e.publisher.From))
			e.publisher.From.ExplainSelf(tree.Changed, "SPDX does not know publishers; written as originator")
		}
		download := e.download
		if download.S == "" {
			download = tree.Constant("NOASSERTION")
		}
		n.Set("downloadLocation", tree.NewText(download.S, append(e.leaves, download.From)...))
		n.Set("filesAnalyzed", tree.NewLiteral("false"))
		h.add("/packages", "SPDX wants a download location and asks whether files were analysed; NOASSERTION and false where the input says nothing")
		n.Put("homepage", e.homepage)
		n.Put("packageFileName", e.fileName)
		n.Put("sourceInfo", e.sourceInfo)
		n.Put("summary", e.summary)
		n.Put("description", e.description)
	}
	for _, x := range e.hashes {
		alg := spdx2HashAlgorithms[x.alg.S]
		if e.snippet != nil && e.snippet.written {
			x.alg.From.ExplainSelf(tree.Dropped, "SPDX 2 has no hashes of parts of files")
			x.value.From.ExplainSelf(tree.Dropped, "SPDX 2 has no hashes of parts of files")
			continue
		}
		if alg == "" {
			x.alg.From.ExplainSelf(tree.Dropped, "SPDX has no such hash algorithm")
			x.value.From.ExplainSelf(tree.Dropped, "SPDX has no such hash algorithm")
			continue
		}
		o := n.Add("checksums", tree.NewObject())
		o.Set("algorithm", tree.NewText(alg, x.alg.From))
		v := o.Set("checksumValue", tree.NewText(strings.ToLower(x.value.S), x.value.From))
		if v.Text != x.value.S {
			x.value.From.ExplainSelf(tree.Changed, "SPDX writes hashes in lower case")
		}
	}
	for _, t := range e.attributions {
		n.Add("attributionTexts", tree.NewText(t.S, t.From))
	}
	if !e.file {
		for i, t := range e.dates {
			if t.OK() && spec.IsTime(t.S) {
				n.Put(spdx2Dates[i], h.spdxTime(t))
			}
		}
		if e.verification.OK() {
			code := n.Set("packageVerificationCode", tree.NewObject())
			code.Put("packageVerificationCodeValue", e.verification)
			for _, t := range e.excluded {
				code.Add("packageVerificationCodeExcludedFiles", tree.NewText(t.S, t.From))
			}
		}
	}
	refs.write(n, e)
	if e.file && e.snippet == nil {
		if !e.comment.OK() {
			e.comment = e.description
		}
		e.description.From.ExplainSelf(tree.Changed, "SPDX 2 has one text about a file")
	}
	n.Put("copyrightText", e.copyright)
	n.Put("comment", e.comment)
	n.Put("licenseComments", e.licenseComment)
	if e.file {
		e.spdx2FileOut(n)
		return
	}
	e.mediaType.From.ExplainSelf(tree.Dropped, "SPDX has media types of files only")
	ref := func(category, kind string, at tree.Text, from ...*tree.Node) *tree.Node {
		o := n.Add("externalRefs", tree.NewObject())
		o.Set("referenceCategory", tree.NewText(category))
		o.Set("referenceType", tree.NewText(kind, from...))
		o.Put("referenceLocator", at)
		o.Put("comment", e.remarks[at.From])
		return o
	}
	for i, t := range e.purls {
		var from []*tree.Node
		if i == 0 {
			from = e.purlFrom
		}
		ref("PACKAGE-MANAGER", "purl", t, from...)
	}
	for i, t := range e.cpes {
		kind := "cpe22Type"
		if strings.HasPrefix(t.S, "cpe:2.3:") {
			kind = "cpe23Type"
		}
		var from []*tree.Node
		if i == 0 && e.purls == nil {
			from = e.purlFrom
		}
		ref("SECURITY", kind, t, from...)
	}
	for _, x := range e.identifiers {
		if strings.ContainsAny(x.value.S, " \t\n") {
			for _, n := range []*tree.Node{x.kind.From, x.value.From, x.comment.From} {
				n.ExplainSelf(tree.Dropped, "SPDX's locators have no blanks")
			}
			continue
		}
		category, kind := "OTHER", x.kind.S
		switch kind {
		case "swhid":
			category, kind = "PERSISTENT-ID", "swh"
		case "gitoid":
			category = "PERSISTENT-ID"
		case "swid":
			category = "SECURITY"
		}
		ref(category, kind, x.value, x.kind.From).Put("comment", x.comment)
	}
	for _, r := range e.references {
		if r.url.S == "" || strings.ContainsAny(r.url.S, " \t\n") {
			r.url.From.ExplainSelf(tree.Dropped, "SPDX's locators have no blanks")
			continue
		}
		category := "OTHER"
		if slices.Contains([]string{"OTHER", "PERSISTENT-ID", "PERSISTENT_ID", "SECURITY", "PACKAGE-MANAGER", "PACKAGE_MANAGER"},
			r.category.S) {
			category = r.category.S
		}
		o := ref(category, r.kind.S, r.url, r.kind.From)
		o.Members[0].Value.From = tree.Compact([]*tree.Node{r.category.From})
		o.Put("comment", r.comment)
	}
}

// mediaKinds2 are SPDX 2's types of files that are the first parts of media types (2.3, clause 8.3).
var mediaKinds2 = []string{"APPLICATION", "AUDIO", "IMAGE", "TEXT", "VIDEO"}

// explainReferences says why references and identifiers are lost.
func (e *element) explainReferences(reason string) {
	for _, r := range e.references {
		for _, n := range []*tree.Node{r.category.From, r.kind.From, r.url.From, r.comment.From} {
			n.ExplainSelf(tree.Dropped, reason)
		}
	}
	for _, x := range e.identifiers {
		for _, n := range []*tree.Node{x.kind.From, x.value.From, x.comment.From} {
			n.ExplainSelf(tree.Dropped, reason)
		}
	}
	for _, t := range slices.Concat(e.purls, e.cpes, []tree.Text{e.homepage, e.download}) {
		t.From.ExplainSelf(tree.Dropped, reason)
	}
}

// spdx2FileOut writes what SPDX 2 says of files only.
func (e *element) spdx2FileOut(n *tree.Node) {
	if e.snippet != nil {
		return
	}
	for _, t := range e.fileTypes {
		n.Add("fileTypes", tree.NewText(t.S, t.From))
	}
	if kind, _, ok := strings.Cut(e.mediaType.S, "/"); ok && e.fileTypes == nil && slices.Contains(mediaKinds2, strings.ToUpper(kind)) {
		n.Add("fileTypes", tree.NewText(strings.ToUpper(kind), e.mediaType.From))
	}
	e.mediaType.From.ExplainSelf(tree.Changed, "SPDX 2 has kinds of files")
	e.explainReferences("SPDX 2 has references and identifiers of packages, and none of files")
	for _, t := range e.contributors {
		n.Add("fileContributors", tree.NewText(t.S, t.From))
	}
	who := slices.Clone(e.authors)
	if e.manufacturer != nil {
		who = append(who, *e.manufacturer)
	}
	for i := range who {
		if p := &who[i]; p.named() {
			n.Add("fileContributors", tree.NewText(p.name.S, append(p.also, p.name.From)...))
		}
	}
	n.Put("noticeText", e.notice)
}

// explainParties says why somebody is not named.
func explainParties(list []party, reason string) {
	for i := range list {
		p := &list[i]
		for _, n := range append(slices.Clone(p.also), p.name.From, p.email.From, p.url.From, p.version.From) {
			n.ExplainSelf(tree.Dropped, reason)
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
	taken spec.Names
	out   []*tree.Node
}

// write joins claims of one role with AND: all of them hold. Those found in files stay apart.
func (r *licenseRefs) write(n *tree.Node, e *element) {
	for _, role := range []string{"concluded", "declared"} {
		var list []licenseClaim
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
				n.Add(found, tree.NewText(term, append(leaves, l.roleFrom)...))
			}
		}
	}
	// What a file says of its licence itself is what was found in it; nobody declares the licence of a file.
	if d := n.Get("licenseDeclared"); d != nil && e.file {
		n.Remove("licenseDeclared")
		if n.Get("licenseConcluded") == nil && !slices.ContainsFunc(e.licenses, func(l licenseClaim) bool { return l.role == "declared" }) {
			n.Set("licenseConcluded", d)
		} else {
			n.Add(found, d)
		}
	}
}

// explain says why a licence is lost.
func (l *licenseClaim) explain(reason string) {
	for _, n := range []*tree.Node{l.roleFrom, l.expression.From, l.id.From, l.name.From, l.body.From, l.url.From} {
		n.ExplainSelf(tree.Dropped, reason)
	}
}

func (r *licenseRefs) join(n *tree.Node, list []licenseClaim, role string) {
	var terms []string
	var from []*tree.Node
	for _, l := range list {
		term, leaves := r.term(l, len(list) > 1)
		if term == "" {
			continue
		}
		if l.role == "" {
			for _, f := range leaves {
				f.ExplainSelf(tree.Changed, "SPDX asks whether a licence is declared or concluded; written as declared")
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
		n.Set(name, tree.NewText(strings.Join(terms, " AND "), from...))
	}
}

func (r *licenseRefs) term(l licenseClaim, several bool) (string, []*tree.Node) {
	if l.expression.OK() && !isExpression(l.expression.S) { // the name of a licence, then
		l.name, l.expression = l.expression, tree.Text{}
	}
	switch {
	case l.expression.S != "":
		r.copyTexts(l.expression.S)
		if several && strings.Contains(l.expression.S, " OR ") {
			return "(" + l.expression.S + ")", tree.Compact([]*tree.Node{l.expression.From})
		}
		return l.expression.S, tree.Compact([]*tree.Node{l.expression.From})
	case license.Listed(l.id.S):
		return l.id.S, tree.Compact([]*tree.Node{l.id.From})
	case l.id.S == "" && l.name.S == "":
		return "", nil
	}
	name := l.name
	if name.S == "" {
		name = l.id
	}
	key := name.S + "\x00" + l.body.S + "\x00" + l.url.S
	id := r.known[key]
	if id == "" {
		id = r.taken.Unique("LicenseRef-" + strings.TrimPrefix(strings.TrimPrefix(spec.RefOf(name.S), "SPDXRef-"), "LicenseRef-"))
		r.known[key] = id
		o := tree.NewObject()
		o.Set("licenseId", tree.NewText(id))
		body := l.body
		if body.S == "" {
			body = tree.Constant(name.S)
		}
		o.Set("extractedText", tree.NewText(body.S, l.body.From))
		o.Set("name", tree.NewText(name.S, name.From))
		if l.url.S != "" {
			o.Add("seeAlsos", tree.NewText(l.url.S, l.url.From))
		}
		r.out = append(r.out, o)
		return id, tree.Compact([]*tree.Node{name.From})
	}
	return id, tree.Compact([]*tree.Node{name.From, l.body.From, l.url.From})
}

// rest writes the texts that no expression refers to.
func (r *licenseRefs) rest() {
	for _, id := range slices.Sorted(maps.Keys(r.h.extracted)) {
		if spec.IsRef(id, "LicenseRef-") {
			r.copyTexts(id)
		}
	}
}

// copyTexts copies the texts that an expression of the input refers to.
func (r *licenseRefs) copyTexts(expression string) {
	for _, id := range license.RefsIn(expression) {
		c := r.h.extracted[id]
		if c == nil || r.known[id] != "" {
			continue
		}
		r.known[id] = id
		r.taken[id]++
		o := tree.NewObject()
		o.Set("licenseId", tree.NewText(id, append(c.also, c.id.From)...))
		o.Set("extractedText", tree.NewText(c.body.S, c.body.From))
		o.Put("name", c.name)
		o.Put("comment", c.comment)
		for _, t := range c.seeAlso {
			o.Add("seeAlsos", tree.NewText(t.S, t.From))
		}
		r.out = append(r.out, o)
	}
}
