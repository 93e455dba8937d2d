package sbom

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// spdx3Hashes are SPDX 3's names of hash algorithms.
var spdx3Hashes = map[string]string{
	"MD2": "md2", "MD4": "md4", "MD5": "md5", "MD6": "md6", "SHA-1": "sha1", "SHA-224": "sha224", "SHA-256": "sha256",
	"SHA-384": "sha384", "SHA-512": "sha512", "SHA3-256": "sha3_256", "SHA3-384": "sha3_384", "SHA3-512": "sha3_512",
	"BLAKE2b-256": "blake2b256", "BLAKE2b-384": "blake2b384", "BLAKE2b-512": "blake2b512", "BLAKE3": "blake3", "ADLER32": "adler32",
}

// spdx3Purposes are SPDX 3's words for CycloneDX's types, where they differ.
var spdx3Purposes = map[string]string{
	"operating-system": "operatingSystem", "device-driver": "deviceDriver", "machine-learning-model": "model",
	"cryptographic-asset": "other", "OPERATING-SYSTEM": "operatingSystem", "OPERATING_SYSTEM": "operatingSystem",
}

// spdx3Relationships are SPDX 3's relationship types by SPDX 2's, where both have the same direction.
var spdx3Relationships = map[string]string{
	"DEPENDS_ON": "dependsOn", "CONTAINS": "contains", "DESCRIBES": "describes", "ANCESTOR_OF": "ancestorOf", "DESCENDANT_OF": "descendantOf",
	"VARIANT_OF": "hasVariant", "GENERATES": "generates", "COPY_OF": "copiedTo", "DISTRIBUTION_ARTIFACT": "hasDistributionArtifact",
	"PATCH_FOR": "patchedBy", "DYNAMIC_LINK": "hasDynamicLink", "STATIC_LINK": "hasStaticLink", "AMENDS": "amendedBy", "OTHER": "other",
	"HAS_PREREQUISITE": "hasPrerequisite", "PACKAGE_OF": "packagedBy",
}

func listOrOne(n *node) []*node {
	switch {
	case n == nil:
		return nil
	case n.kind == strictjson.Array:
		return n.items
	}
	return []*node{n}
}

// readSPDX3 takes from an SPDX 3 document what the specifications have in common.
func readSPDX3(root *node) *hub {
	h := &hub{extracted: map[string]*extracted{}}
	h.leaves = compactNodes([]*node{root.get("@context")})
	elements := root.list("@graph")
	if root.get("@graph") == nil {
		elements = []*node{root}
	}
	byID := map[string]*node{}
	id := func(n *node) text {
		if t := n.str("spdxId"); t.ok() {
			return t
		}
		return n.str("@id")
	}
	class := func(n *node) text {
		if t := n.str("type"); t.ok() {
			return t
		}
		return n.str("@type")
	}
	for _, n := range elements {
		byID[id(n).s] = n
	}
	resolve := func(n *node) *node {
		if n != nil && n.kind == strictjson.String {
			return byID[n.text]
		}
		return n
	}
	agent := func(ref *node) *party {
		n := resolve(ref)
		if n == nil || class(n).s == "" {
			return nil
		}
		kind := class(n).s
		if kind != "Person" && kind != "Tool" {
			if kind != "Organization" && kind != "Agent" && kind != "SoftwareAgent" {
				return nil
			}
			kind = "Organization"
			if class(n).s == "SoftwareAgent" {
				kind = "Tool"
			}
		}
		p := &party{kind: kind, name: n.str("name"), also: compactNodes([]*node{class(n).src, id(n).src, ref})}
		if info := n.get("creationInfo"); info != nil && info.leaf() {
			p.also = append(p.also, info)
		}
		for _, x := range n.list("externalIdentifier") {
			if x.str("externalIdentifierType").s == "email" && !p.email.ok() {
				p.email = x.str("identifier")
				p.also = append(p.also, x.str("externalIdentifierType").src)
				if t := class(x); t.ok() {
					p.also = append(p.also, t.src)
				}
			}
			if at := x.str("identifier"); strings.Contains(at.s, "://") && !p.url.ok() {
				p.url = at
			}
		}
		return p
	}
	indexOf := map[string]int{}
	licences := map[string]text{}
	var documents, boms []*node
	for _, n := range elements {
		t := class(n)
		if info := n.get("creationInfo"); info != nil && info.leaf() {
			h.leaves = append(h.leaves, info)
		}
		switch t.s {
		case "CreationInfo":
			if h.created.ok() {
				continue
			}
			h.created = n.str("created")
			h.leaves = append(h.leaves, compactNodes([]*node{t.src, id(n).src, n.get("specVersion")})...)
			for _, a := range listOrOne(n.get("createdBy")) {
				if p := agent(a); p != nil {
					if p.kind == "Tool" {
						h.tools = append(h.tools, *p)
					} else {
						h.authors = append(h.authors, *p)
					}
				}
			}
			for _, a := range listOrOne(n.get("createdUsing")) {
				if p := agent(a); p != nil {
					p.kind = "Tool"
					h.tools = append(h.tools, *p)
				}
			}
			h.comment = n.str("comment")
		case "SpdxDocument":
			h.id, h.name = id(n), n.str("name")
			h.leaves = append(h.leaves, t.src)
			documents = append(documents, n)
		case "software_Sbom", "Bom":
			boms = append(boms, n)
		case "simplelicensing_LicenseExpression":
			licences[id(n).s] = n.str("simplelicensing_licenseExpression")
			h.leaves = append(h.leaves, compactNodes([]*node{t.src})...)
		case "software_Package", "software_File", "ai_AIPackage", "dataset_DatasetPackage":
			e := &element{id: id(n), name: n.str("name"), version: n.str("software_packageVersion"), description: n.str("description"),
				summary: n.str("summary"), comment: n.str("comment"), copyright: n.str("software_copyrightText"),
				homepage: n.str("software_homePage"), download: n.str("software_downloadLocation"), sourceInfo: n.str("software_sourceInfo"),
				file: t.s == "software_File"}
			if purpose := n.str("software_primaryPurpose"); purpose.ok() {
				e.kind = text{spdx3KindOut(purpose.s), purpose.src}
				e.leaves = append(e.leaves, t.src)
			} else {
				switch t.s {
				case "software_File":
					e.kind = text{"file", t.src}
				case "ai_AIPackage":
					e.kind = text{"machine-learning-model", t.src}
				case "dataset_DatasetPackage":
					e.kind = text{"data", t.src}
				default:
					e.leaves = append(e.leaves, t.src)
				}
			}
			if p := n.str("software_packageUrl"); p.ok() {
				e.purls = append(e.purls, p)
			}
			for _, x := range n.list("externalIdentifier") {
				kind, at := x.str("externalIdentifierType"), x.str("identifier")
				if kind.s == "" || at.s == "" {
					continue
				}
				ty := class(x).src
				switch kind.s {
				case "packageUrl", "purl":
					e.purls = append(e.purls, at)
					e.purlFrom = append(e.purlFrom, compactNodes([]*node{kind.src, ty})...)
				case "cpe22", "cpe23":
					e.cpes = append(e.cpes, at)
					e.purlFrom = append(e.purlFrom, compactNodes([]*node{kind.src, ty})...)
				}
			}
			for _, x := range n.list("verifiedUsing") {
				alg := x.str("algorithm")
				for k, v := range spdx3Hashes {
					if v == alg.s {
						alg.s = k
					}
				}
				e.hashes = append(e.hashes, hash{alg, x.str("hashValue")})
				if c := class(x); c.ok() {
					e.leaves = append(e.leaves, c.src)
				}
			}
			for _, x := range n.list("externalRef") {
				for _, l := range listOrOne(x.get("locator")) {
					if l.kind == strictjson.String {
						e.references = append(e.references, reference{kind: x.str("externalRefType"), url: text{l.text, l}, comment: x.str("comment")})
					}
				}
			}
			if s := agent(n.get("suppliedBy")); s != nil {
				e.supplier = s
			}
			for _, o := range listOrOne(n.get("originatedBy")) {
				if p := agent(o); p != nil && p.kind == "Person" {
					e.authors = append(e.authors, *p)
				} else if p != nil && e.manufacturer == nil {
					e.manufacturer = p
				}
			}
			indexOf[e.id.s] = len(h.elements)
			h.elements = append(h.elements, e)
		}
	}
	if len(documents) == 0 {
		documents = boms
		if len(boms) > 0 {
			h.id, h.name = id(boms[0]), boms[0].str("name")
		}
	}
	described := func(r *node, also ...*node) {
		if i, ok := indexOf[r.text]; ok {
			h.root(i, append(also, r)...)
		}
	}
	for _, d := range documents {
		for _, r := range listOrOne(d.get("rootElement")) {
			described(r)
			for _, b := range boms {
				if id(b).s == r.text {
					for _, inner := range listOrOne(b.get("rootElement")) {
						described(inner, r, class(b).src, id(b).src)
					}
				}
			}
		}
	}
	for _, n := range elements {
		kind := n.str("relationshipType")
		if !kind.ok() {
			continue
		}
		from := n.str("from")
		fi, fok := indexOf[from.s]
		for _, to := range listOrOne(n.get("to")) {
			if to.kind != strictjson.String {
				continue
			}
			also := compactNodes([]*node{kind.src, id(n).src})
			if c := class(n); c.s == "Relationship" || c.s == "LifecycleScopedRelationship" {
				also = append(also, c.src)
			}
			if expr, ok := licences[to.text]; ok && fok && (kind.s == "hasDeclaredLicense" || kind.s == "hasConcludedLicense") {
				role := "declared"
				if kind.s == "hasConcludedLicense" {
					role = "concluded"
				}
				e := h.elements[fi]
				e.licenses = append(e.licenses, license{role: role, expression: expr})
				e.leaves = append(e.leaves, append(also, from.src, to)...)
				if d := byID[to.text]; d != nil {
					e.leaves = append(e.leaves, id(d).src)
				}
				continue
			}
			if kind.s == "describes" && !fok {
				described(to, append(also, from.src)...)
				continue
			}
			f, t := -1, -1
			if fok {
				f = fi
			}
			if ti, ok := indexOf[to.text]; ok {
				t = ti
			}
			name := string(spdx3Type(kind.s))
			for two, three := range spdx3Relationships {
				if three == kind.s {
					name = two
				}
			}
			toText := text{to.text, to}
			if strings.HasSuffix(to.text, "NoneElement") {
				toText.s = "NONE"
			} else if strings.HasSuffix(to.text, "NoAssertionElement") {
				toText.s = "NOASSERTION"
			}
			if turned, ok := turnedBack[kind.s]; ok {
				h.edges = append(h.edges, edge{t, f, turned, toText, from, also})
				continue
			}
			h.edges = append(h.edges, edge{f, t, name, from, toText, also})
		}
	}
	return h
}

// turnedBack are the types that SPDX 2 has the other way round.
var turnedBack = map[string]string{
	"copiedTo": "COPY_OF", "hasVariant": "VARIANT_OF", "patchedBy": "PATCH_FOR", "amendedBy": "AMENDS", "packagedBy": "PACKAGE_OF",
}

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

// writeSPDX3 writes SPDX 3.0.1 (profiles Core, Software and SimpleLicensing).
func (h *hub) writeSPDX3() *node {
	root := newObject()
	root.set("@context", newText("https://spdx.org/rdf/3.0.1/spdx-context.jsonld", h.leaves...))
	base := h.id.s
	if base == "" {
		base = "urn:uuid:" + uuid(string(h.input))
		h.add("/@graph", "SPDX wants ids that are IRIs; made from the input's bytes")
	}
	base = strings.TrimSuffix(base, "#")
	const info = "_:creationinfo"
	ids := names{}
	iri := func(id string) string {
		if strings.Contains(id, "://") || strings.HasPrefix(id, "urn:") {
			if ids[id] == 0 && !strings.ContainsAny(id, " <>\"{}|\\^`") {
				return ids.unique(id)
			}
		}
		return ids.unique(base + "#" + spdxID(id))
	}
	object := func(class, id string, from ...*node) *node {
		o := root.add("@graph", newObject())
		o.set("type", newText(class))
		o.set("spdxId", newText(id, from...))
		o.set("creationInfo", newText(info))
		return o
	}
	creation := root.add("@graph", newObject())
	creation.set("type", newText("CreationInfo"))
	creation.set("@id", newText(info))
	creation.set("specVersion", newText("3.0.1"))
	creation.put("created", h.spdxTime(h.created))
	creation.put("comment", h.comment)
	agents := map[string]*node{}
	agent := func(p *party, class string) string {
		key := class + "\x00" + p.name.s + "\x00" + p.email.s + "\x00" + p.version.s
		o := agents[key]
		name := p.name.s
		if class == "Tool" && p.version.s != "" {
			name += "-" + p.version.s
		}
		if o == nil {
			o = object(class, iri(class+"-"+name))
			o.set("name", newText(name))
			if p.email.s != "" {
				x := o.add("externalIdentifier", newObject())
				x.set("type", newText("ExternalIdentifier"))
				x.set("externalIdentifierType", newText("email"))
				x.set("identifier", newText(p.email.s))
			}
			agents[key] = o
		}
		v := o.get("name")
		v.from = append(v.from, compactNodes(append(slices.Clone(p.also), p.name.src, p.email.src, p.version.src))...)
		return o.str("spdxId").s
	}
	class := func(kind string) string {
		if kind == "Person" || kind == "Tool" {
			return kind
		}
		return "Organization"
	}
	for i := range h.authors {
		if p := &h.authors[i]; p.named() {
			creation.add("createdBy", newText(agent(p, class(p.kind))))
		}
	}
	if h.manufacturer.named() {
		creation.add("createdBy", newText(agent(h.manufacturer, "Organization")))
	}
	for i := range h.tools {
		if h.tools[i].named() {
			creation.add("createdUsing", newText(agent(&h.tools[i], "Tool")))
		}
	}
	if creation.get("createdBy") == nil {
		creation.add("createdBy", newText(agent(&party{name: said("lading")}, "SoftwareAgent")))
		h.add("/@graph/0/createdBy", "SPDX wants a creator; the input names none")
	}
	ids[base]++
	doc := object("SpdxDocument", base, h.id.src)
	doc.put("name", h.name)
	profiles := doc.set("profileConformance", newArray())
	for _, p := range []string{"core", "software", "simpleLicensing"} {
		profiles.items = append(profiles.items, newText(p))
	}
	if h.dataLicense.s != "" && h.dataLicense.s != "NOASSERTION" {
		doc.set("dataLicense", newText("https://spdx.org/licenses/"+h.dataLicense.s, h.dataLicense.src))
	}
	out := make([]string, len(h.elements))
	for i, e := range h.elements {
		want := e.id.s
		if want == "" {
			want = e.name.s + "-" + e.version.s
		}
		out[i] = iri(want)
		if e.id.src != nil && !strings.HasSuffix(out[i], "SPDXRef-"+strings.TrimPrefix(e.id.s, "SPDXRef-")) && out[i] != e.id.s {
			e.id.src.explainSelf(Changed, "written as "+out[i])
		}
	}
	for i, r := range h.roots {
		var from []*node
		if i == 0 {
			from = h.rootFrom
		}
		doc.add("rootElement", newText(out[r], slices.Clone(from)...))
	}
	count := 0
	relation := func(from string, fromSrc []*node, kind string, also []*node, to string, toSrc []*node) {
		count++
		o := object("Relationship", iri("Relationship-"+strconv.Itoa(count)))
		o.set("from", newText(from, compactNodes(slices.Clone(fromSrc))...))
		o.set("relationshipType", newText(kind, compactNodes(slices.Clone(also))...))
		o.add("to", newText(to, compactNodes(slices.Clone(toSrc))...))
	}
	expressions := map[string]*node{}
	refs := &licenseRefs{h: h, known: map[string]string{}, taken: names{}}
	for i, e := range h.elements {
		name := "software_Package"
		if e.file {
			name = "software_File"
		}
		o := object(name, out[i], e.id.src)
		o.get("type").from = compactNodes(slices.Clone(e.leaves))
		o.set("name", newText(e.name.s, compactNodes([]*node{e.name.src})...))
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
		o.put("software_copyrightText", e.copyright)
		o.put("description", e.description)
		o.put("summary", e.summary)
		o.put("comment", e.comment)
		if e.supplier.named() {
			o.set("suppliedBy", newText(agent(e.supplier, class(orOrganization(e.supplier.kind)))))
		}
		if e.manufacturer.named() {
			o.add("originatedBy", newText(agent(e.manufacturer, class(orOrganization(e.manufacturer.kind)))))
		}
		for k := range e.authors {
			if e.authors[k].named() {
				o.add("originatedBy", newText(agent(&e.authors[k], class(e.authors[k].kind))))
			}
		}
		for _, x := range e.hashes {
			alg := spdx3Hashes[x.alg.s]
			if alg == "" {
				x.alg.src.explainSelf(Dropped, "SPDX has no such hash algorithm")
				continue
			}
			v := o.add("verifiedUsing", newObject())
			v.set("type", newText("Hash"))
			v.set("algorithm", newText(alg, x.alg.src))
			v.put("hashValue", x.value)
		}
		identifier := func(kind string, t text) {
			x := o.add("externalIdentifier", newObject())
			x.set("type", newText("ExternalIdentifier"))
			x.set("externalIdentifierType", newText(kind))
			x.put("identifier", t)
		}
		if len(e.purls) > 1 {
			for _, t := range e.purls[1:] {
				identifier("packageUrl", t)
			}
		}
		for k, t := range e.cpes {
			kind := "cpe22"
			if strings.HasPrefix(t.s, "cpe:2.3:") {
				kind = "cpe23"
			}
			identifier(kind, t)
			if k == 0 && len(e.purls) == 0 {
				o.get("spdxId").from = append(o.get("spdxId").from, compactNodes(slices.Clone(e.purlFrom))...)
			}
		}
		for _, r := range e.references {
			x := o.add("externalRef", newObject())
			x.set("type", newText("ExternalRef"))
			kind := spdx3ReferenceTypes[r.kind.s]
			if kind == "" {
				kind = "other"
				r.kind.src.explainSelf(Changed, "SPDX has no such type of reference; written as other")
			}
			x.set("externalRefType", newText(kind, r.kind.src, r.category.src))
			x.add("locator", newText(r.url.s, r.url.src))
			x.put("comment", r.comment)
		}
		holder := newObject()
		refs.write(holder, e.licenses)
		for _, m := range holder.members {
			kind := "hasDeclaredLicense"
			if m.name == "licenseConcluded" {
				kind = "hasConcludedLicense"
			}
			switch m.value.text {
			case "NOASSERTION":
				relation(out[i], nil, kind, m.value.from, "https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement", nil)
				continue
			case "NONE":
				relation(out[i], nil, kind, m.value.from, "https://spdx.org/rdf/3.0.1/terms/Core/NoneElement", nil)
				continue
			}
			x := expressions[m.value.text]
			if x == nil {
				x = object("simplelicensing_LicenseExpression", iri("LicenseExpression-"+strconv.Itoa(len(expressions)+1)))
				x.set("simplelicensing_licenseExpression", newText(m.value.text))
				expressions[m.value.text] = x
			}
			v := x.get("simplelicensing_licenseExpression")
			v.from = append(v.from, m.value.from...)
			relation(out[i], nil, kind, nil, x.str("spdxId").s, nil)
		}
	}
	for _, x := range refs.out {
		o := object("simplelicensing_SimpleLicensingText", iri(x.str("licenseId").s))
		o.get("spdxId").from = x.get("licenseId").from
		if n := x.get("name"); n != nil {
			o.set("name", n)
		}
		o.set("simplelicensing_licenseText", x.get("extractedText"))
		if c := x.get("comment"); c != nil {
			o.set("comment", c)
		}
	}
	for k := range h.edges {
		e := &h.edges[k]
		kind := spdx3Relationships[e.kind]
		if kind == "" || e.from < 0 {
			continue
		}
		from, to := out[e.from], e.toText.s
		fromSrc, toSrc := []*node{e.fromText.src}, []*node{e.toText.src}
		switch {
		case e.to >= 0:
			to = out[e.to]
		case to == "NONE":
			to = "https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"
		case to == "NOASSERTION":
			to = "https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement"
		default:
			continue
		}
		if turnedBack[kind] == e.kind && e.to >= 0 {
			from, to, fromSrc, toSrc = to, from, toSrc, fromSrc
		}
		relation(from, fromSrc, kind, e.also, to, toSrc)
	}
	return root
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
	"nuget": "nuget", "bower": "bower",
}
