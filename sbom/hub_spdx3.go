package sbom

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// spdx3Hashes are SPDX 3's names of hash algorithms.
var spdx3Hashes = map[string]string{
	"MD2": "md2", "MD4": "md4", "MD5": "md5", "MD6": "md6", "SHA-1": "sha1", "SHA-224": "sha224", "SHA-256": "sha256",
	"SHA-384": "sha384", "SHA-512": "sha512", "SHA3-256": "sha3_256", "SHA3-384": "sha3_384", "SHA3-512": "sha3_512",
	"BLAKE2b-256": "blake2b256", "BLAKE2b-384": "blake2b384", "BLAKE2b-512": "blake2b512", "BLAKE3": "blake3", "ADLER32": "adler32",
}

// spdx3OnlyHashes are those that no other specification has.
var spdx3OnlyHashes = []string{"crystalsDilithium", "crystalsKyber", "falcon", "other"}

// spdx3Purposes are SPDX 3's words for CycloneDX's types, where they differ.
var spdx3Purposes = map[string]string{
	"operating-system": "operatingSystem", "device-driver": "deviceDriver", "machine-learning-model": "model",
	"cryptographic-asset": "other", "OPERATING-SYSTEM": "operatingSystem", "OPERATING_SYSTEM": "operatingSystem",
}

// spdx3HashNames are CycloneDX's names of hash algorithms by SPDX 3's.
var spdx3HashNames = func() map[string]string {
	m := map[string]string{}
	for name, three := range spdx3Hashes {
		m[three] = name
	}
	return m
}()

func listOrOne(n *node) []*node {
	switch {
	case n == nil:
		return nil
	case n.kind == strictjson.Array:
		return n.items
	}
	return []*node{n}
}

// A reader3 takes from an SPDX 3 document what the specifications have in common.
type reader3 struct {
	*hub
	elements  []*node
	byID      map[string]*node
	indexOf   map[string]int
	licences  licences3
	documents []*node
	boms      []*node
	custom    map[string]string // what expressions call licences, by their ids
	named     map[*node]bool    // agents and SBOMs that something refers to
}

// readSPDX3 takes from an SPDX 3 document what the specifications have in common.
func readSPDX3(root *node) (*hub, error) {
	shaped, said, err := shape3(root)
	if err != nil {
		return nil, err
	}
	h := &hub{extracted: map[string]*extracted{}}
	if c := shaped.get("@context"); c != nil {
		h.leaves = c.all(nil)
	}
	h.leaves = append(h.leaves, said...)
	r := &reader3{hub: h, elements: elements3(shaped), byID: map[string]*node{}, indexOf: map[string]int{}, licences: licences3{}, named: map[*node]bool{}}
	for _, n := range r.elements {
		if id := id3(n).s; r.byID[id] == nil {
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
			h.id, h.name = id3(r.boms[0]), r.boms[0].str("name")
		}
	}
	for _, d := range r.documents {
		r.named[d] = true
		r.describe(d)
		r.licenceOfData(d)
	}
	for _, d := range slices.Concat(r.documents, r.boms) {
		for _, ref := range listOrOne(d.get("element")) { // what the document has is in it
			if i, ok := r.indexOf[ref.text]; ok && ref.kind == strictjson.String {
				r.hub.elements[i].leaves = append(r.hub.elements[i].leaves, ref)
				r.inside = append(r.inside, ref)
			}
		}
	}
	for _, n := range r.elements {
		switch kind := n.str("relationshipType"); {
		case strings.HasPrefix(class3(n).s, "security_"):
			r.assessments = append(r.assessments, n)
		case kind.ok():
			r.relationship(n, kind)
		case class3(n).s == "Annotation":
			r.annotation(n)
		}
	}
	r.settleCompositions()
	r.security()
	for _, n := range r.elements {
		switch class3(n).s {
		case "Person", "Organization", "Agent", "SoftwareAgent", "Tool":
			if !r.named[n] {
				n.explainMembers("nobody that is said to have made or supplied anything that is carried over")
			}
		}
	}
	return h, nil
}

// customs reads what expressions call the licences that are elements (SimpleLicensing, customIdToUri).
func (r *reader3) customs() {
	r.custom = map[string]string{}
	for _, n := range r.elements {
		if class3(n).s != "simplelicensing_LicenseExpression" {
			continue
		}
		for _, x := range listOrOne(n.get("simplelicensing_customIdToUri")) {
			key, uri := x.str("key"), x.str("value")
			switch known := r.custom[uri.s]; {
			case !isSPDXRef(key.s, "LicenseRef-"), r.byID[uri.s] == nil:
				continue
			case known != "" && known != key.s:
				key.src.explainSelf(Dropped, "a licence has one name in all expressions")
				uri.src.explainSelf(Dropped, "a licence has one name in all expressions")
				continue
			}
			r.custom[uri.s] = key.s
			uri.src.explainSelf(Changed, "a licence is known by the name that expressions have for it")
			r.leaves = append(r.leaves, compactNodes([]*node{class3(x).src, key.src, uri.src})...)
		}
	}
}

// licenceKey is what expressions call a licence.
func (r *reader3) licenceKey(id string) string {
	if key := r.custom[id]; key != "" {
		return key
	}
	return licenceKey3(id)
}

// licenceOfData reads the licence of a document itself.
func (r *reader3) licenceOfData(d *node) {
	ref := d.str("dataLicense")
	var parts []*node
	id := r.licences.expression(ref.s, func(id string) {
		if n := r.byID[id]; n != nil {
			parts = append(parts, n)
		}
	})
	if listed(ref.s) { // by its name, where an id should be
		id = ref.s
	}
	if !listed(id) || r.dataLicense.ok() || len(parts) > 1 {
		return
	}
	r.dataLicense = text{id, ref.src}
	for _, n := range parts {
		ref.src.explainSelf(Changed, "written by the licence's name")
		r.dataLicense.src = n.str("simplelicensing_licenseExpression").src
		r.leaves = append(r.leaves, compactNodes([]*node{ref.src, id3(n).src, class3(n).src})...)
	}
}

// creation returns the creation information of an element.
func (r *reader3) creation(n *node) *node {
	if info := n.get("creationInfo"); info != nil && info.kind == strictjson.String {
		return r.byID[info.text]
	}
	return nil
}

// creations reads when, by whom and with what the document was made, which other elements may say otherwise of themselves.
func (r *reader3) creations() {
	var own *node
	for _, d := range slices.Concat(r.documents, r.boms) {
		if own == nil {
			own = r.creation(d)
		}
	}
	for _, n := range r.elements {
		if class3(n).s == "CreationInfo" && own == nil {
			own = n
		}
	}
	if own == nil {
		return
	}
	r.created, r.creationComment = own.str("created"), own.str("comment")
	for _, a := range listOrOne(own.get("createdBy")) {
		switch p := r.agent(a); {
		case p == nil:
		case p.kind == "Tool":
			r.tools = append(r.tools, *p)
		default:
			r.authors = append(r.authors, *p)
		}
	}
	for _, a := range listOrOne(own.get("createdUsing")) {
		if p := r.agent(a); p != nil {
			p.kind = "Tool"
			r.tools = append(r.tools, *p)
		}
	}
	for _, n := range r.elements {
		if class3(n).s != "CreationInfo" {
			continue
		}
		r.leaves = append(r.leaves, compactNodes([]*node{class3(n).src, id3(n).src, n.get("specVersion")})...)
		for _, m := range n.members {
			switch {
			case n == own, m.name == "type", m.name == "@type", m.name == "@id", m.name == "specVersion":
			case m.value.equal(own.get(m.name)): // writers repeat it in every element
				r.leaves = m.value.all(r.leaves)
			default:
				for _, leaf := range m.value.all(nil) {
					leaf.explainSelf(Dropped, "who made a part of the document and when is said of the whole only")
				}
			}
		}
	}
}

// explainMembers says why an element is lost, but for the reference to its creation information.
func (n *node) explainMembers(reason string) {
	for _, m := range n.members {
		if m.name == "creationInfo" {
			continue
		}
		for _, leaf := range m.value.all(nil) {
			leaf.explainSelf(Dropped, reason)
		}
	}
}

// all appends the leaves of n.
func (n *node) all(out []*node) []*node {
	if n.leaf() {
		return append(out, n)
	}
	for _, m := range n.members {
		out = m.value.all(out)
	}
	for _, v := range n.items {
		out = v.all(out)
	}
	return out
}

// agent returns who a reference leads to, or nil.
func (r *reader3) agent(ref *node) *party {
	if ref == nil || ref.kind != strictjson.String {
		return nil
	}
	n := r.byID[ref.text]
	if n == nil {
		return nil
	}
	kind := class3(n).s
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
	p := &party{kind: kind, name: n.str("name"), also: compactNodes([]*node{class3(n).src, id3(n).src, ref})}
	if info := n.get("creationInfo"); info != nil && info.leaf() {
		p.also = append(p.also, info)
	}
	for _, x := range n.list("externalIdentifier") {
		if x.str("externalIdentifierType").s == "email" && !p.email.ok() {
			p.email = x.str("identifier")
			p.also = append(p.also, compactNodes([]*node{x.str("externalIdentifierType").src, class3(x).src})...)
		}
		if at := x.str("identifier"); strings.Contains(at.s, "://") && !p.url.ok() {
			p.url = at
		}
	}
	return p
}

func (r *reader3) element(n *node) {
	class := class3(n)
	if info := n.get("creationInfo"); info != nil && info.leaf() {
		r.leaves = append(r.leaves, info)
	}
	switch class.s {
	case "SpdxDocument":
		r.id, r.name, r.comment = id3(n), n.str("name"), n.str("comment")
		r.leaves = append(r.leaves, class.src)
		r.documents = append(r.documents, n)
		r.imports(n)
		r.documentReferences(n)
	case "software_Sbom", "Bom":
		r.boms = append(r.boms, n)
		r.phases(n)
	case "simplelicensing_LicenseExpression":
		r.licences[id3(n).s] = licence3{class: class.s, expression: n.str("simplelicensing_licenseExpression").s}
		if v := n.str("simplelicensing_licenseListVersion"); !r.listVersion.ok() {
			r.listVersion = v
		} else if v.ok() { // the same, too: what becomes of the first becomes of no other
			v.src.explainSelf(Dropped, "the version of the licence list is said once of a document")
		}
		r.leaves = append(r.leaves, class.src)
	case "simplelicensing_SimpleLicensingText", "expandedlicensing_CustomLicense":
		r.licences[id3(n).s] = licence3{class: class.s, expression: r.licenceKey(id3(n).s)}
		r.licenseText(n, class)
	case "expandedlicensing_ConjunctiveLicenseSet", "expandedlicensing_DisjunctiveLicenseSet", "expandedlicensing_OrLaterOperator",
		"expandedlicensing_WithAdditionOperator", "expandedlicensing_ListedLicense", "expandedlicensing_ListedLicenseException",
		"expandedlicensing_CustomLicenseAddition":
		var parts, added []string
		for _, m := range n.members {
			for _, v := range listOrOne(m.value) {
				switch {
				case !licenceParts3(m.name):
				case m.name == "expandedlicensing_subjectAddition":
					added = append(added, v.text)
				default:
					parts = append(parts, v.text)
				}
			}
		}
		r.licences[id3(n).s] = licence3{class: class.s, parts: append(parts, added...)}
	case "software_Package", "software_File", "software_Snippet", "ai_AIPackage", "dataset_DatasetPackage":
		e := r.artifact(n, class)
		if _, twice := r.indexOf[e.id.s]; !twice {
			r.indexOf[e.id.s] = len(r.hub.elements)
		}
		r.hub.elements = append(r.hub.elements, e)
	}
}

// licenseText reads the text of a licence, which expressions name by the last part of its id.
func (r *reader3) licenseText(n *node, class text) {
	c := &extracted{id: id3(n), name: n.str("name"), body: n.str("simplelicensing_licenseText"), comment: n.str("comment")}
	key := r.licenceKey(c.id.s)
	if r.extracted[key] == nil && c.body.ok() {
		c.id.s = key
		c.also = compactNodes([]*node{class.src})
		for _, x := range listOrOne(n.get("externalRef")) {
			if kind := x.str("externalRefType"); kind.s == "license" {
				c.seeAlso = append(c.seeAlso, texts2(x, "locator")...)
				c.also = append(c.also, compactNodes([]*node{kind.src, class3(x).src})...)
			}
		}
		c.seeAlso = append(c.seeAlso, texts2(n, "expandedlicensing_seeAlso")...)
		r.extracted[key] = c
	}
}

func (r *reader3) artifact(n *node, class text) *element {
	e := &element{id: id3(n), name: n.str("name"), version: n.str("software_packageVersion"), description: n.str("description"),
		summary: n.str("summary"), comment: n.str("comment"), copyright: n.str("software_copyrightText"),
		homepage: n.str("software_homePage"), download: n.str("software_downloadLocation"), sourceInfo: n.str("software_sourceInfo"),
		file: class.s == "software_File" || class.s == "software_Snippet", remarks: map[*node]text{}}
	if class.s == "software_Snippet" {
		e.snippet = r.snippetOf(n)
	}
	if purpose := n.str("software_primaryPurpose"); purpose.ok() {
		e.kind = text{spdx3KindOut(purpose.s), purpose.src}
		e.leaves = append(e.leaves, class.src)
	} else {
		switch class.s {
		case "software_File", "software_Snippet":
			e.kind = text{"file", class.src}
		case "ai_AIPackage":
			e.kind = text{"machine-learning-model", class.src}
		case "dataset_DatasetPackage":
			e.kind = text{"data", class.src}
		default:
			e.leaves = append(e.leaves, class.src)
		}
	}
	e.mediaType = n.str("contentType")
	switch kind := n.str("software_fileKind"); kind.s {
	case "file":
		e.leaves = append(e.leaves, kind.src)
	case "directory":
		kind.src.explainSelf(Dropped, "the other format has files, and no directories")
	}
	if p := n.str("software_packageUrl"); p.ok() {
		e.purls = append(e.purls, p)
	}
	for _, x := range listOrOne(n.get("externalIdentifier")) {
		kind, at := x.str("externalIdentifierType"), x.str("identifier")
		if kind.s == "" || at.s == "" {
			continue
		}
		from := compactNodes([]*node{kind.src, class3(x).src})
		e.remarks[at.src] = x.str("comment")
		switch kind.s {
		case "packageUrl", "purl":
			if len(e.purls) > 0 && e.purls[0].s == at.s { // of those that are said twice, what is said of them
				e.remarks[e.purls[0].src] = x.str("comment")
				e.purlFrom = append(e.purlFrom, at.src)
			} else {
				e.purls = append(e.purls, at)
			}
			e.purlFrom = append(e.purlFrom, from...)
		case "cpe22", "cpe23":
			e.cpes = append(e.cpes, at)
			e.purlFrom = append(e.purlFrom, from...)
		default:
			e.identifiers = append(e.identifiers, identifier{kind, at, x.str("comment")})
			e.leaves = append(e.leaves, compactNodes([]*node{class3(x).src})...)
		}
	}
	for _, x := range listOrOne(n.get("software_contentIdentifier")) {
		if kind, at := x.str("software_contentIdentifierType"), x.str("software_contentIdentifierValue"); (kind.s == "swhid" || kind.s == "gitoid") && at.ok() {
			e.identifiers = append(e.identifiers, identifier{kind, at, x.str("comment")})
			e.leaves = append(e.leaves, compactNodes([]*node{class3(x).src})...)
		}
	}
	e.hashes = spdx3HashesOf(n, &e.leaves)
	e.attributions = texts2(n, "software_attributionText")
	for i, name := range spdx3DateNames {
		e.dates[i] = n.str(name)
	}
	for _, x := range listOrOne(n.get("verifiedUsing")) {
		if class3(x).s == "PackageVerificationCode" {
			e.verification, e.excluded = x.str("hashValue"), texts2(x, "packageVerificationCodeExcludedFile")
			e.leaves = append(e.leaves, compactNodes([]*node{class3(x).src, x.str("algorithm").src})...)
		}
	}
	for _, x := range listOrOne(n.get("extension")) {
		if class3(x).s != "extension_CdxPropertiesExtension" {
			continue
		}
		e.leaves = append(e.leaves, class3(x).src)
		for _, p := range listOrOne(x.get("extension_cdxProperty")) {
			e.leaves = append(e.leaves, compactNodes([]*node{class3(p).src})...)
			e.properties = append(e.properties, property{p.str("extension_cdxPropName"), p.str("extension_cdxPropValue")})
		}
	}
	for _, x := range listOrOne(n.get("externalRef")) {
		for _, l := range listOrOne(x.get("locator")) {
			if l.kind == strictjson.String {
				e.references = append(e.references, reference{kind: x.str("externalRefType"), url: text{l.text, l}, comment: x.str("comment")})
				e.leaves = append(e.leaves, compactNodes([]*node{class3(x).src})...)
			}
		}
	}
	if class.s == "ai_AIPackage" || class.s == "dataset_DatasetPackage" {
		e.spdx3Model(n)
	}
	if s := r.agent(n.get("suppliedBy")); s != nil {
		e.supplier = s
	}
	for _, o := range listOrOne(n.get("originatedBy")) {
		switch p := r.agent(o); {
		case p == nil:
		case p.kind == "Person" || e.manufacturer != nil:
			e.authors = append(e.authors, *p)
		default:
			e.manufacturer = p
		}
	}
	return e
}

// spdx3HashesOf reads the hashes of an object; the leaves that only say that they are hashes go to said.
func spdx3HashesOf(n *node, said *[]*node) (out []hash) {
	for _, x := range listOrOne(n.get("verifiedUsing")) {
		if class3(x).s == "PackageVerificationCode" { // of the files, not of the package
			continue
		}
		alg := x.str("algorithm")
		if name := spdx3HashNames[alg.s]; name != "" {
			alg.s = name
		}
		if name := x.str("comment"); alg.s == "other" && slices.Contains(cycloneDXHashAlgorithms, name.s) {
			*said = append(*said, alg.src)
			alg = name
		}
		if alg.ok() || x.str("hashValue").ok() {
			out = append(out, hash{alg, x.str("hashValue")})
			*said = append(*said, compactNodes([]*node{class3(x).src})...)
		}
	}
	return out
}

// describe reads what a document or an SBOM is about, which may be an SBOM; also are the leaves that lead to it.
func (r *reader3) describe(d *node, also ...*node) {
	for _, ref := range listOrOne(d.get("rootElement")) {
		r.described(ref, also...)
		for _, b := range r.boms {
			if id3(b).s == ref.text && !r.named[b] {
				r.named[b] = true
				r.describe(b, append(slices.Clone(also), ref, class3(b).src, id3(b).src)...)
			}
		}
	}
}

func (r *reader3) described(ref *node, also ...*node) {
	if i, ok := r.indexOf[ref.text]; ok {
		r.root(i, append(also, ref)...)
	}
}

// relationship reads what a relationship says, which may have many ends.
func (r *reader3) relationship(n *node, kind text) {
	from, scope := n.str("from"), n.str("scope")
	if list := listOrOne(n.get("from")); !from.ok() && len(list) == 1 && list[0].kind == strictjson.String {
		from = text{list[0].text, list[0]}
	}
	fi, fok := r.indexOf[from.s]
	name, turned := fromSPDX3(kind.s, scope.s)
	if scope.ok() && backFromSPDX3[[2]string{kind.s, scope.s}].scope == "" {
		scope.src.explainSelf(Dropped, noSuchScope)
		scope = text{}
	}
	for _, to := range listOrOne(n.get("to")) {
		if to.kind != strictjson.String {
			continue
		}
		also := compactNodes([]*node{kind.src, id3(n).src})
		if c := class3(n); c.s == "Relationship" || c.s == "LifecycleScopedRelationship" {
			also = append(also, c.src)
		}
		if fok && r.licensed(r.hub.elements[fi], kind.s, to, append(also, from.src, scope.src)) {
			if e := r.hub.elements[fi]; !e.licenseComment.ok() {
				e.licenseComment = n.str("comment")
			}
			continue
		}
		if kind.s == "describes" && !fok {
			r.described(to, append(also, from.src)...)
			continue
		}
		e := edge{from: -1, to: -1, kind: string(name), fromText: from, toText: text{to.text, to}, comment: n.str("comment"), also: also, scope: scope.src}
		if !e.comment.ok() {
			e.comment = n.str("description")
			e.comment.src.explainSelf(Changed, "the other format has one text about a relationship")
		}
		if fok {
			e.from = fi
		} else {
			e.fromText.s = r.outside(e.fromText.s)
		}
		if ti, ok := r.indexOf[to.text]; ok {
			e.to = ti
		}
		if strings.HasSuffix(to.text, "NoneElement") {
			e.toText.s = "NONE"
		} else if strings.HasSuffix(to.text, "NoAssertionElement") {
			e.toText.s = "NOASSERTION"
		}
		e.toText.s = r.outside(e.toText.s)
		if turned {
			e.from, e.to, e.fromText, e.toText = e.to, e.from, e.toText, e.fromText
		}
		r.edges = append(r.edges, e)
		r.completeness(n, &e)
	}
}

// licensed reads which licence an element has, if a relationship says so.
func (r *reader3) licensed(e *element, kind string, to *node, also []*node) bool {
	role := map[string]string{"hasDeclaredLicense": "declared", "hasConcludedLicense": "concluded"}[kind]
	if role == "" {
		return false
	}
	if role == "declared" && e.file { // SPDX 3.0.1, annex "Differences": "License Information in File"
		role = "found"
	}
	var parts []*node
	expr := text{r.licences.expression(to.text, func(id string) {
		if n := r.byID[id]; n != nil {
			parts = append(parts, n)
		}
	}), to}
	if expr.s == "" {
		return false
	}
	e.leaves = append(e.leaves, compactNodes(append(also, to))...)
	for _, n := range parts {
		switch class := class3(n).s; class {
		case "simplelicensing_LicenseExpression":
			e.leaves = append(e.leaves, compactNodes([]*node{id3(n).src})...)
			if len(parts) == 1 {
				expr.src = n.str("simplelicensing_licenseExpression").src
				continue
			}
			e.leaves = append(e.leaves, compactNodes([]*node{n.str("simplelicensing_licenseExpression").src})...)
		case "simplelicensing_SimpleLicensingText", "expandedlicensing_CustomLicense":
		default:
			e.leaves = append(e.leaves, compactNodes([]*node{id3(n).src, class3(n).src})...)
			for _, m := range n.members {
				if licenceParts3(m.name) {
					for _, leaf := range m.value.all(nil) {
						leaf.explainSelf(Changed, "the other format has one expression as text")
						e.leaves = append(e.leaves, leaf)
					}
				} else if m.name != "type" && m.name != "spdxId" && m.name != "creationInfo" {
					for _, leaf := range m.value.all(nil) {
						leaf.explainSelf(Dropped, "an expression names the licences of SPDX's list, and does not repeat what the list says")
					}
				}
			}
		}
	}
	e.licenses = append(e.licenses, license{role: role, expression: expr})
	return true
}

// documentReferences reads the external references of the document itself.
func (r *reader3) documentReferences(d *node) {
	for _, x := range listOrOne(d.get("externalRef")) {
		for _, l := range listOrOne(x.get("locator")) {
			r.references = append(r.references, reference{kind: x.str("externalRefType"), url: text{l.text, l}, comment: x.str("comment")})
			r.leaves = append(r.leaves, compactNodes([]*node{class3(x).src})...)
		}
	}
}

func (r *reader3) annotation(n *node) {
	a := annotation{subject: -1, kind: n.str("annotationType"), body: n.str("statement")}
	if !a.body.ok() {
		return
	}
	subject := n.str("subject")
	if i, ok := r.indexOf[subject.s]; ok {
		a.subject = i
	} else if subject.s != r.id.s {
		return
	}
	a.kind.s = strings.ToUpper(a.kind.s)
	a.also = compactNodes([]*node{class3(n).src, id3(n).src, subject.src})
	if info := r.creation(n); info != nil {
		a.date = info.str("created")
		for _, by := range listOrOne(info.get("createdBy")) {
			if a.who == nil {
				a.who = r.agent(by)
			}
		}
	}
	r.hub.annotations = append(r.hub.annotations, a)
}

const noSuchScope = "the other format has no word for relationships of this scope"

func spdx3KindOut(purpose string) string {
	switch purpose {
	case "operatingSystem":
		return "operating-system"
	case "deviceDriver":
		return "device-driver"
	case "model":
		return "machine-learning-model"
	}
	return purpose
}
