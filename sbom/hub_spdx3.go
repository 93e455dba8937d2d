package sbom

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
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

// A reader3 takes from an SPDX 3 document what the specifications have in common.
type reader3 struct {
	*hub
	elements  []*tree.Node
	byID      map[string]*tree.Node
	indexOf   map[string]int
	licences  licences3
	documents []*tree.Node
	boms      []*tree.Node
	custom    map[string]string   // what expressions call licences, by their ids
	named     map[*tree.Node]bool // agents and SBOMs that something refers to
}

// readSPDX3 takes from an SPDX 3 document what the specifications have in common.
func readSPDX3(root *tree.Node) (*hub, error) {
	shaped, said, err := shape3(root)
	if err != nil {
		return nil, err
	}
	h := &hub{extracted: map[string]*extracted{}}
	if c := shaped.Get("@context"); c != nil {
		h.leaves = c.All(nil)
	}
	h.leaves = append(h.leaves, said...)
	r := &reader3{hub: h, elements: elements3(shaped), byID: map[string]*tree.Node{}, indexOf: map[string]int{}, licences: licences3{},
		named: map[*tree.Node]bool{}}
	for _, n := range r.elements {
		if id := id3(n).S; r.byID[id] == nil {
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
			h.id, h.name = id3(r.boms[0]), r.boms[0].Str("name")
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
				r.hub.elements[i].leaves = append(r.hub.elements[i].leaves, ref)
				r.inside = append(r.inside, ref)
			}
		}
	}
	for _, n := range r.elements {
		switch kind := n.Str("relationshipType"); {
		case strings.HasPrefix(class3(n).S, "security_"):
			r.assessments = append(r.assessments, n)
		case kind.OK():
			r.relationship(n, kind)
		case class3(n).S == "Annotation":
			r.annotation(n)
		}
	}
	r.settleCompositions()
	r.security()
	for _, n := range r.elements {
		switch class3(n).S {
		case "Person", "Organization", "Agent", "SoftwareAgent", "Tool":
			if !r.named[n] {
				n.ExplainMembers("nobody that is said to have made or supplied anything that is carried over")
			}
		}
	}
	return h, nil
}

// customs reads what expressions call the licences that are elements (SimpleLicensing, customIdToUri).
func (r *reader3) customs() {
	r.custom = map[string]string{}
	for _, n := range r.elements {
		if class3(n).S != "simplelicensing_LicenseExpression" {
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
			r.leaves = append(r.leaves, tree.Compact([]*tree.Node{class3(x).From, key.From, uri.From})...)
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
func (r *reader3) licenceOfData(d *tree.Node) {
	ref := d.Str("dataLicense")
	var parts []*tree.Node
	id := r.licences.expression(ref.S, func(id string) {
		if n := r.byID[id]; n != nil {
			parts = append(parts, n)
		}
	})
	if license.Listed(ref.S) { // by its name, where an id should be
		id = ref.S
	}
	if !license.Listed(id) || r.dataLicense.OK() || len(parts) > 1 {
		return
	}
	r.dataLicense = tree.Text{S: id, From: ref.From}
	for _, n := range parts {
		ref.From.ExplainSelf(tree.Changed, "written by the licence's name")
		r.dataLicense.From = n.Str("simplelicensing_licenseExpression").From
		r.leaves = append(r.leaves, tree.Compact([]*tree.Node{ref.From, id3(n).From, class3(n).From})...)
	}
}

// creation returns the creation information of an element.
func (r *reader3) creation(n *tree.Node) *tree.Node {
	if info := n.Get("creationInfo"); info != nil && info.Kind == strictjson.String {
		return r.byID[info.Text]
	}
	return nil
}

// creations reads when, by whom and with what the document was made, which other elements may say otherwise of themselves.
func (r *reader3) creations() {
	var own *tree.Node
	for _, d := range slices.Concat(r.documents, r.boms) {
		if own == nil {
			own = r.creation(d)
		}
	}
	for _, n := range r.elements {
		if class3(n).S == "CreationInfo" && own == nil {
			own = n
		}
	}
	if own == nil {
		return
	}
	r.created, r.creationComment = own.Str("created"), own.Str("comment")
	for _, a := range tree.ListOrOne(own.Get("createdBy")) {
		switch p := r.agent(a); {
		case p == nil:
		case p.kind == "Tool":
			r.tools = append(r.tools, *p)
		default:
			r.authors = append(r.authors, *p)
		}
	}
	for _, a := range tree.ListOrOne(own.Get("createdUsing")) {
		if p := r.agent(a); p != nil {
			p.kind = "Tool"
			r.tools = append(r.tools, *p)
		}
	}
	for _, n := range r.elements {
		if class3(n).S != "CreationInfo" {
			continue
		}
		r.leaves = append(r.leaves, tree.Compact([]*tree.Node{class3(n).From, id3(n).From, n.Get("specVersion")})...)
		for _, m := range n.Members {
			switch {
			case n == own, m.Name == "type", m.Name == "@type", m.Name == "@id", m.Name == "specVersion":
			case m.Value.Equal(own.Get(m.Name)): // writers repeat it in every element
				r.leaves = m.Value.All(r.leaves)
			default:
				for _, leaf := range m.Value.All(nil) {
					leaf.ExplainSelf(tree.Dropped, "who made a part of the document and when is said of the whole only")
				}
			}
		}
	}
}

// agent returns who a reference leads to, or nil.
func (r *reader3) agent(ref *tree.Node) *party {
	if ref == nil || ref.Kind != strictjson.String {
		return nil
	}
	n := r.byID[ref.Text]
	if n == nil {
		return nil
	}
	kind := class3(n).S
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
	p := &party{kind: kind, name: n.Str("name"), also: tree.Compact([]*tree.Node{class3(n).From, id3(n).From, ref})}
	if info := n.Get("creationInfo"); info != nil && info.IsLeaf() {
		p.also = append(p.also, info)
	}
	for _, x := range n.List("externalIdentifier") {
		if x.Str("externalIdentifierType").S == "email" && !p.email.OK() {
			p.email = x.Str("identifier")
			p.also = append(p.also, tree.Compact([]*tree.Node{x.Str("externalIdentifierType").From, class3(x).From})...)
		}
		if at := x.Str("identifier"); strings.Contains(at.S, "://") && !p.url.OK() {
			p.url = at
		}
	}
	return p
}

func (r *reader3) element(n *tree.Node) {
	class := class3(n)
	if info := n.Get("creationInfo"); info != nil && info.IsLeaf() {
		r.leaves = append(r.leaves, info)
	}
	switch class.S {
	case "SpdxDocument":
		r.id, r.name, r.comment = id3(n), n.Str("name"), n.Str("comment")
		r.leaves = append(r.leaves, class.From)
		r.documents = append(r.documents, n)
		r.imports(n)
		r.documentReferences(n)
	case "software_Sbom", "Bom":
		r.boms = append(r.boms, n)
		r.phases(n)
	case "simplelicensing_LicenseExpression":
		r.licences[id3(n).S] = licence3{class: class.S, expression: n.Str("simplelicensing_licenseExpression").S}
		if v := n.Str("simplelicensing_licenseListVersion"); !r.listVersion.OK() {
			r.listVersion = v
		} else if v.OK() { // the same, too: what becomes of the first becomes of no other
			v.From.ExplainSelf(tree.Dropped, "the version of the licence list is said once of a document")
		}
		r.leaves = append(r.leaves, class.From)
	case "simplelicensing_SimpleLicensingText", "expandedlicensing_CustomLicense":
		r.licences[id3(n).S] = licence3{class: class.S, expression: r.licenceKey(id3(n).S)}
		r.licenseText(n, class)
	case "expandedlicensing_ConjunctiveLicenseSet", "expandedlicensing_DisjunctiveLicenseSet", "expandedlicensing_OrLaterOperator",
		"expandedlicensing_WithAdditionOperator", "expandedlicensing_ListedLicense", "expandedlicensing_ListedLicenseException",
		"expandedlicensing_CustomLicenseAddition":
		var parts, added []string
		for _, m := range n.Members {
			for _, v := range tree.ListOrOne(m.Value) {
				switch {
				case !licenceParts3(m.Name):
				case m.Name == "expandedlicensing_subjectAddition":
					added = append(added, v.Text)
				default:
					parts = append(parts, v.Text)
				}
			}
		}
		r.licences[id3(n).S] = licence3{class: class.S, parts: append(parts, added...)}
	case "software_Package", "software_File", "software_Snippet", "ai_AIPackage", "dataset_DatasetPackage":
		e := r.artifact(n, class)
		if _, twice := r.indexOf[e.id.S]; !twice {
			r.indexOf[e.id.S] = len(r.hub.elements)
		}
		r.hub.elements = append(r.hub.elements, e)
	}
}

// licenseText reads the text of a licence, which expressions name by the last part of its id.
func (r *reader3) licenseText(n *tree.Node, class tree.Text) {
	c := &extracted{id: id3(n), name: n.Str("name"), body: n.Str("simplelicensing_licenseText"), comment: n.Str("comment")}
	key := r.licenceKey(c.id.S)
	if r.extracted[key] == nil && c.body.OK() {
		c.id.S = key
		c.also = tree.Compact([]*tree.Node{class.From})
		for _, x := range tree.ListOrOne(n.Get("externalRef")) {
			if kind := x.Str("externalRefType"); kind.S == "license" {
				c.seeAlso = append(c.seeAlso, tree.Texts(x, "locator")...)
				c.also = append(c.also, tree.Compact([]*tree.Node{kind.From, class3(x).From})...)
			}
		}
		c.seeAlso = append(c.seeAlso, tree.Texts(n, "expandedlicensing_seeAlso")...)
		r.extracted[key] = c
	}
}

func (r *reader3) artifact(n *tree.Node, class tree.Text) *element {
	e := &element{id: id3(n), name: n.Str("name"), version: n.Str("software_packageVersion"), description: n.Str("description"),
		summary: n.Str("summary"), comment: n.Str("comment"), copyright: n.Str("software_copyrightText"),
		homepage: n.Str("software_homePage"), download: n.Str("software_downloadLocation"), sourceInfo: n.Str("software_sourceInfo"),
		file: class.S == "software_File" || class.S == "software_Snippet", remarks: map[*tree.Node]tree.Text{}}
	if class.S == "software_Snippet" {
		e.snippet = r.snippetOf(n)
	}
	if purpose := n.Str("software_primaryPurpose"); purpose.OK() {
		e.kind = tree.Text{S: spdx3KindOut(purpose.S), From: purpose.From}
		e.leaves = append(e.leaves, class.From)
	} else {
		switch class.S {
		case "software_File", "software_Snippet":
			e.kind = tree.Text{S: "file", From: class.From}
		case "ai_AIPackage":
			e.kind = tree.Text{S: "machine-learning-model", From: class.From}
		case "dataset_DatasetPackage":
			e.kind = tree.Text{S: "data", From: class.From}
		default:
			e.leaves = append(e.leaves, class.From)
		}
	}
	e.mediaType = n.Str("contentType")
	switch kind := n.Str("software_fileKind"); kind.S {
	case "file":
		e.leaves = append(e.leaves, kind.From)
	case "directory":
		kind.From.ExplainSelf(tree.Dropped, "the other format has files, and no directories")
	}
	if p := n.Str("software_packageUrl"); p.OK() {
		e.purls = append(e.purls, p)
	}
	for _, x := range tree.ListOrOne(n.Get("externalIdentifier")) {
		kind, at := x.Str("externalIdentifierType"), x.Str("identifier")
		if kind.S == "" || at.S == "" {
			continue
		}
		from := tree.Compact([]*tree.Node{kind.From, class3(x).From})
		e.remarks[at.From] = x.Str("comment")
		switch kind.S {
		case "packageUrl", "purl":
			if len(e.purls) > 0 && e.purls[0].S == at.S { // of those that are said twice, what is said of them
				e.remarks[e.purls[0].From] = x.Str("comment")
				e.purlFrom = append(e.purlFrom, at.From)
			} else {
				e.purls = append(e.purls, at)
			}
			e.purlFrom = append(e.purlFrom, from...)
		case "cpe22", "cpe23":
			e.cpes = append(e.cpes, at)
			e.purlFrom = append(e.purlFrom, from...)
		default:
			e.identifiers = append(e.identifiers, identifier{kind, at, x.Str("comment")})
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{class3(x).From})...)
		}
	}
	for _, x := range tree.ListOrOne(n.Get("software_contentIdentifier")) {
		if kind, at := x.Str("software_contentIdentifierType"), x.Str("software_contentIdentifierValue"); (kind.S == "swhid" ||
			kind.S == "gitoid") && at.OK() {
			e.identifiers = append(e.identifiers, identifier{kind, at, x.Str("comment")})
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{class3(x).From})...)
		}
	}
	e.hashes = spdx3HashesOf(n, &e.leaves)
	e.attributions = tree.Texts(n, "software_attributionText")
	for i, name := range spdx3DateNames {
		e.dates[i] = n.Str(name)
	}
	for _, x := range tree.ListOrOne(n.Get("verifiedUsing")) {
		if class3(x).S == "PackageVerificationCode" {
			e.verification, e.excluded = x.Str("hashValue"), tree.Texts(x, "packageVerificationCodeExcludedFile")
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{class3(x).From, x.Str("algorithm").From})...)
		}
	}
	for _, x := range tree.ListOrOne(n.Get("extension")) {
		if class3(x).S != "extension_CdxPropertiesExtension" {
			continue
		}
		e.leaves = append(e.leaves, class3(x).From)
		for _, p := range tree.ListOrOne(x.Get("extension_cdxProperty")) {
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{class3(p).From})...)
			e.properties = append(e.properties, property{p.Str("extension_cdxPropName"), p.Str("extension_cdxPropValue")})
		}
	}
	for _, x := range tree.ListOrOne(n.Get("externalRef")) {
		for _, l := range tree.ListOrOne(x.Get("locator")) {
			if l.Kind == strictjson.String {
				e.references = append(e.references, reference{kind: x.Str("externalRefType"), url: tree.Text{S: l.Text, From: l},
					comment: x.Str("comment")})
				e.leaves = append(e.leaves, tree.Compact([]*tree.Node{class3(x).From})...)
			}
		}
	}
	if class.S == "ai_AIPackage" || class.S == "dataset_DatasetPackage" {
		e.spdx3Model(n)
	}
	if s := r.agent(n.Get("suppliedBy")); s != nil {
		e.supplier = s
	}
	for _, o := range tree.ListOrOne(n.Get("originatedBy")) {
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
func spdx3HashesOf(n *tree.Node, said *[]*tree.Node) (out []hash) {
	for _, x := range tree.ListOrOne(n.Get("verifiedUsing")) {
		if class3(x).S == "PackageVerificationCode" { // of the files, not of the package
			continue
		}
		alg := x.Str("algorithm")
		if name := spdx3HashNames[alg.S]; name != "" {
			alg.S = name
		}
		if name := x.Str("comment"); alg.S == "other" && slices.Contains(cycloneDXHashAlgorithms, name.S) {
			*said = append(*said, alg.From)
			alg = name
		}
		if alg.OK() || x.Str("hashValue").OK() {
			out = append(out, hash{alg, x.Str("hashValue")})
			*said = append(*said, tree.Compact([]*tree.Node{class3(x).From})...)
		}
	}
	return out
}

// describe reads what a document or an SBOM is about, which may be an SBOM; also are the leaves that lead to it.
func (r *reader3) describe(d *tree.Node, also ...*tree.Node) {
	for _, ref := range tree.ListOrOne(d.Get("rootElement")) {
		r.described(ref, also...)
		for _, b := range r.boms {
			if id3(b).S == ref.Text && !r.named[b] {
				r.named[b] = true
				r.describe(b, append(slices.Clone(also), ref, class3(b).From, id3(b).From)...)
			}
		}
	}
}

func (r *reader3) described(ref *tree.Node, also ...*tree.Node) {
	if i, ok := r.indexOf[ref.Text]; ok {
		r.root(i, append(also, ref)...)
	}
}

// relationship reads what a relationship says, which may have many ends.
func (r *reader3) relationship(n *tree.Node, kind tree.Text) {
	from, scope := n.Str("from"), n.Str("scope")
	if list := tree.ListOrOne(n.Get("from")); !from.OK() && len(list) == 1 && list[0].Kind == strictjson.String {
		from = tree.Text{S: list[0].Text, From: list[0]}
	}
	fi, fok := r.indexOf[from.S]
	name, turned := fromSPDX3(kind.S, scope.S)
	if scope.OK() && backFromSPDX3[[2]string{kind.S, scope.S}].scope == "" {
		scope.From.ExplainSelf(tree.Dropped, noSuchScope)
		scope = tree.Text{}
	}
	for _, to := range tree.ListOrOne(n.Get("to")) {
		if to.Kind != strictjson.String {
			continue
		}
		also := tree.Compact([]*tree.Node{kind.From, id3(n).From})
		if c := class3(n); c.S == "Relationship" || c.S == "LifecycleScopedRelationship" {
			also = append(also, c.From)
		}
		if fok && r.licensed(r.hub.elements[fi], kind.S, to, append(also, from.From, scope.From)) {
			if e := r.hub.elements[fi]; !e.licenseComment.OK() {
				e.licenseComment = n.Str("comment")
			}
			continue
		}
		if kind.S == "describes" && !fok {
			r.described(to, append(also, from.From)...)
			continue
		}
		e := edge{from: -1, to: -1, kind: string(name), fromText: from, toText: tree.Text{S: to.Text, From: to},
			comment: n.Str("comment"), also: also, scope: scope.From}
		if !e.comment.OK() {
			e.comment = n.Str("description")
			e.comment.From.ExplainSelf(tree.Changed, "the other format has one text about a relationship")
		}
		if fok {
			e.from = fi
		} else {
			e.fromText.S = r.outside(e.fromText.S)
		}
		if ti, ok := r.indexOf[to.Text]; ok {
			e.to = ti
		}
		if strings.HasSuffix(to.Text, "NoneElement") {
			e.toText.S = "NONE"
		} else if strings.HasSuffix(to.Text, "NoAssertionElement") {
			e.toText.S = "NOASSERTION"
		}
		e.toText.S = r.outside(e.toText.S)
		if turned {
			e.from, e.to, e.fromText, e.toText = e.to, e.from, e.toText, e.fromText
		}
		r.edges = append(r.edges, e)
		r.completeness(n, &e)
	}
}

// licensed reads which licence an element has, if a relationship says so.
func (r *reader3) licensed(e *element, kind string, to *tree.Node, also []*tree.Node) bool {
	role := map[string]string{"hasDeclaredLicense": "declared", "hasConcludedLicense": "concluded"}[kind]
	if role == "" {
		return false
	}
	if role == "declared" && e.file { // SPDX 3.0.1, annex "Differences": "License Information in File"
		role = "found"
	}
	var parts []*tree.Node
	expr := tree.Text{S: r.licences.expression(to.Text, func(id string) {
		if n := r.byID[id]; n != nil {
			parts = append(parts, n)
		}
	}), From: to}
	if expr.S == "" {
		return false
	}
	e.leaves = append(e.leaves, tree.Compact(append(also, to))...)
	for _, n := range parts {
		switch class := class3(n).S; class {
		case "simplelicensing_LicenseExpression":
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{id3(n).From})...)
			if len(parts) == 1 {
				expr.From = n.Str("simplelicensing_licenseExpression").From
				continue
			}
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{n.Str("simplelicensing_licenseExpression").From})...)
		case "simplelicensing_SimpleLicensingText", "expandedlicensing_CustomLicense":
		default:
			e.leaves = append(e.leaves, tree.Compact([]*tree.Node{id3(n).From, class3(n).From})...)
			for _, m := range n.Members {
				if licenceParts3(m.Name) {
					for _, leaf := range m.Value.All(nil) {
						leaf.ExplainSelf(tree.Changed, "the other format has one expression as text")
						e.leaves = append(e.leaves, leaf)
					}
				} else if m.Name != "type" && m.Name != "spdxId" && m.Name != "creationInfo" {
					for _, leaf := range m.Value.All(nil) {
						leaf.ExplainSelf(tree.Dropped,
							"an expression names the licences of SPDX's list, and does not repeat what the list says")
					}
				}
			}
		}
	}
	e.licenses = append(e.licenses, licenseClaim{role: role, expression: expr})
	return true
}

// documentReferences reads the external references of the document itself.
func (r *reader3) documentReferences(d *tree.Node) {
	for _, x := range tree.ListOrOne(d.Get("externalRef")) {
		for _, l := range tree.ListOrOne(x.Get("locator")) {
			r.references = append(r.references, reference{kind: x.Str("externalRefType"), url: tree.Text{S: l.Text, From: l},
				comment: x.Str("comment")})
			r.leaves = append(r.leaves, tree.Compact([]*tree.Node{class3(x).From})...)
		}
	}
}

func (r *reader3) annotation(n *tree.Node) {
	a := annotation{subject: -1, kind: n.Str("annotationType"), body: n.Str("statement")}
	if !a.body.OK() {
		return
	}
	subject := n.Str("subject")
	if i, ok := r.indexOf[subject.S]; ok {
		a.subject = i
	} else if subject.S != r.id.S {
		return
	}
	a.kind.S = strings.ToUpper(a.kind.S)
	a.also = tree.Compact([]*tree.Node{class3(n).From, id3(n).From, subject.From})
	if info := r.creation(n); info != nil {
		a.date = info.Str("created")
		for _, by := range tree.ListOrOne(info.Get("createdBy")) {
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
