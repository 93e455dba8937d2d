package spdx2

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A reader fills a document of the model.
type reader struct{ *model.Document }

func (h reader) externals(root *tree.Node) {
	for _, x := range root.List("externalDocumentRefs") {
		sum := x.Get("checksum")
		h.Externals = append(h.Externals, model.External{ID: x.Str("externalDocumentId"), URI: x.Str("spdxDocument"),
			Hashes: []model.Hash{{Alg: tree.Text{S: hashName(sum.Str("algorithm").S), From: sum.Str("algorithm").From},
				Value: sum.Str("checksumValue")}}})
	}
}

func (h reader) snippet(n *tree.Node) *model.Element {
	e := &model.Element{ID: n.Str("SPDXID"), Name: n.Str("name"), File: true, Kind: tree.Constant("file"),
		Copyright: n.Str("copyrightText"),
		Comment:   n.Str("comment"), LicenseComment: n.Str("licenseComments"), Attributions: tree.Texts(n, "attributionTexts")}
	readLicenses(e, n, "licenseInfoInSnippets")
	e.Snippet = &model.Snippet{File: n.Str("snippetFromFile"), At: -1}
	for _, r := range n.List("ranges") {
		start, end := r.Get("startPointer"), r.Get("endPointer")
		for _, ref := range []tree.Text{start.Str("reference"), end.Str("reference")} {
			if ref.S == e.Snippet.File.S {
				e.Snippet.From = append(e.Snippet.From, tree.Compact([]*tree.Node{ref.From})...)
			} else {
				ref.From.ExplainSelf(tree.Dropped, "the other format says of which file a part is once, and here it is another one")
			}
		}
		for member, to := range map[string]*[2]tree.Text{"offset": &e.Snippet.Bytes, "lineNumber": &e.Snippet.Lines} {
			if a, b := start.Number(member), end.Number(member); a.OK() && b.OK() && !to[0].OK() {
				*to = [2]tree.Text{a, b}
			}
		}
	}
	return e
}

// Read takes from an SPDX 2 document what the specifications have in common.
func Read(root *tree.Node) *model.Document {
	h := reader{&model.Document{Extracted: map[string]*model.Extracted{}}}
	h.Leaves = tree.Compact([]*tree.Node{root.Get("spdxVersion"), root.Get("SPDXID")})
	root.Get("$schema").ExplainSelf(tree.Dropped, model.OwnSchema)
	h.ID, h.Name, h.Comment = root.Str("documentNamespace"), root.Str("name"), root.Str("comment")
	h.DataLicense = root.Str("dataLicense")
	info := root.Get("creationInfo")
	h.Created, h.CreationComment, h.ListVersion = info.Str("created"), info.Str("comment"), info.Str("licenseListVersion")
	for _, c := range info.List("creators") {
		p := parseActor(tree.Text{S: c.Text, From: c})
		if p == nil {
			continue
		}
		if p.Kind == "Tool" {
			h.Tools = append(h.Tools, *p)
		} else {
			h.Authors = append(h.Authors, *p)
		}
	}
	for _, x := range root.List("hasExtractedLicensingInfos") {
		c := &model.Extracted{ID: x.Str("licenseId"), Name: x.Str("name"), Body: x.Str("extractedText"), Comment: x.Str("comment"),
			SeeAlso: tree.Texts(x, "seeAlsos")}
		h.Extracted[c.ID.S] = c
	}
	h.elements(root)
	h.relationships(root)
	h.externals(root)
	h.annotations(root, -1)
	at := 0
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.List(in) {
			h.annotations(n, at)
			at++
		}
	}
	for _, n := range root.List("revieweds") { // which 2.1 replaced by annotations of this type
		if who := parseActor(n.Str("reviewer")); who != nil {
			a := model.Annotation{Subject: -1, Date: n.Str("reviewDate"), Kind: tree.Constant("REVIEW"), Body: n.Str("comment"), Who: who}
			if !a.Body.OK() {
				a.Body = tree.Constant("reviewed")
			}
			h.Annotations = append(h.Annotations, a)
		}
	}
	return h.Document
}

// elements reads packages, files and snippets, in this order.
func (h reader) elements(root *tree.Node) {
	for _, n := range root.List("packages") {
		h.Elements = append(h.Elements, Package(n))
	}
	for _, n := range root.List("files") {
		h.Elements = append(h.Elements, File(n))
	}
	for _, n := range root.List("snippets") {
		h.Elements = append(h.Elements, h.snippet(n))
	}
}

// describe notes what the document is about; also are the leaves that say so beside the id.
func (h reader) describe(id tree.Text, also ...*tree.Node) {
	if i := h.Find(id.S); i >= 0 {
		h.Root(i, append(also, id.From)...)
		return
	}
	for _, n := range append(also, id.From) {
		n.ExplainSelf(tree.Dropped, model.NotDescribed)
	}
}

// relationships reads what elements have to do with each other, and what the document is about.
func (h reader) relationships(root *tree.Node) {
	for _, d := range root.List("documentDescribes") {
		h.describe(tree.Text{S: d.Text, From: d})
	}
	list := root.List("relationships")
	h.Edges = slices.Grow(h.Edges, len(list))
	for i, n := range root.List("packages") {
		for _, f := range n.List("hasFiles") {
			h.Edges = append(h.Edges, model.Edge{From: i, To: h.Find(f.Text), Kind: "CONTAINS", ToText: tree.Text{S: f.Text, From: f}})
		}
	}
	for _, r := range list {
		from, kind, to := r.Str("spdxElementId"), r.Str("relationshipType"), r.Str("relatedSpdxElement")
		t := kind.S
		if turned, ok := model.Reversed[t]; ok {
			from, to, t = to, from, string(turned)
		}
		if t == "DESCRIBES" && from.S == spec.DocumentID {
			h.describe(to, from.From, kind.From)
			continue
		}
		h.Edges = append(h.Edges, model.Edge{From: h.Find(from.S), To: h.Find(to.S), Kind: t, FromText: from, ToText: to,
			Comment: r.Str("comment"), Also: []*tree.Node{kind.From}})
	}
}

func (h reader) annotations(owner *tree.Node, subject int) {
	for _, n := range owner.List("annotations") {
		a := model.Annotation{Subject: subject, Date: n.Str("annotationDate"), Kind: n.Str("annotationType"),
			Body: n.Str("comment"), Who: parseActor(n.Str("annotator"))}
		if !h.takeProperty(a) {
			h.Annotations = append(h.Annotations, a)
		}
	}
}

func Package(n *tree.Node) *model.Element {
	e := &model.Element{ID: n.Str("SPDXID"), Name: n.Str("name"), Version: n.Str("versionInfo"), Purpose: n.Str("primaryPackagePurpose"),
		Copyright: n.Str("copyrightText"), Description: n.Str("description"), Summary: n.Str("summary"), Comment: n.Str("comment"),
		Homepage: n.Str("homepage"), Download: n.Str("downloadLocation"), SourceInfo: n.Str("sourceInfo"),
		FileName:       n.Str("packageFileName"),
		LicenseComment: n.Str("licenseComments"), Remarks: map[*tree.Node]tree.Text{}}
	e.Attributions = tree.Texts(n, "attributionTexts")
	for i, name := range model.SPDX2Dates {
		e.Dates[i] = n.Str(name)
	}
	code := n.Get("packageVerificationCode")
	e.Verification, e.Excluded = code.Str("packageVerificationCodeValue"), tree.Texts(code, "packageVerificationCodeExcludedFiles")
	for _, name := range []string{"supplier", "originator"} {
		if t := n.Str(name); parseActor(t) == nil {
			t.From.ExplainSelf(tree.Dropped, "nobody is named")
		}
	}
	e.Supplier = parseActor(n.Str("supplier"))
	if o := parseActor(n.Str("originator")); o != nil {
		if o.Kind == "Organization" {
			e.Manufacturer = o
		} else {
			e.Authors = append(e.Authors, *o)
		}
	}
	e.Hashes = hashesOf(n)
	readLicenses(e, n, "licenseInfoFromFiles")
	for _, r := range n.List("externalRefs") {
		kind, at, category := r.Str("referenceType"), r.Str("referenceLocator"), r.Str("referenceCategory")
		switch {
		case identifiers[lastPart(kind.S)] != "":
			name := identifiers[lastPart(kind.S)]
			e.Identifiers = append(e.Identifiers, model.Identifier{Kind: tree.Text{S: name, From: kind.From}, Value: at,
				Comment: r.Str("comment")})
			e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{category.From})...)
		case kind.S == "purl":
			e.PURLs = append(e.PURLs, at)
			e.PURLFrom = append(e.PURLFrom, kind.From, category.From)
			e.Remarks[at.From] = r.Str("comment")
		case kind.S == "cpe23Type" || kind.S == "cpe22Type":
			e.CPEs = append(e.CPEs, at)
			e.PURLFrom = append(e.PURLFrom, kind.From, category.From)
			e.Remarks[at.From] = r.Str("comment")
		default:
			e.References = append(e.References, model.Reference{Category: category, Kind: kind, URL: at, Comment: r.Str("comment")})
		}
	}
	return e
}

func File(n *tree.Node) *model.Element {
	e := &model.Element{ID: n.Str("SPDXID"), Name: n.Str("fileName"), File: true, Kind: tree.Constant("file"),
		Copyright: n.Str("copyrightText"), Comment: n.Str("comment"), Hashes: hashesOf(n), Attributions: tree.Texts(n,
			"attributionTexts"),
		FileTypes: tree.Texts(n, "fileTypes"), Contributors: tree.Texts(n, "fileContributors"), Notice: n.Str("noticeText"),
		LicenseComment: n.Str("licenseComments")}
	readLicenses(e, n, "licenseInfoInFiles")
	return e
}

func hashesOf(n *tree.Node) (out []model.Hash) {
	for _, v := range n.List("checksums") {
		alg := v.Str("algorithm")
		alg.S = hashName(alg.S)
		out = append(out, model.Hash{Alg: alg, Value: v.Str("checksumValue")})
	}
	return out
}

// readLicenses reads what an element says of its licence; found is the member of those found in files.
func readLicenses(e *model.Element, n *tree.Node, found string) {
	if t := n.Str("licenseConcluded"); t.OK() {
		e.Licenses = append(e.Licenses, model.License{Role: "concluded", Expression: t})
	}
	if t := n.Str("licenseDeclared"); t.OK() {
		e.Licenses = append(e.Licenses, model.License{Role: "declared", Expression: t})
	}
	for _, t := range tree.Texts(n, found) {
		e.Licenses = append(e.Licenses, model.License{Role: "found", Expression: t})
	}
}

// parseActor reads "Person: name (mail)" (clause 6.8); what says NOASSERTION is nobody.
func parseActor(t tree.Text) *model.Party {
	for _, kind := range []string{"Person", "Organization", "Tool"} {
		rest, ok := strings.CutPrefix(t.S, kind+":")
		if !ok {
			continue
		}
		rest = strings.TrimSpace(rest)
		p := &model.Party{Kind: kind, Name: tree.Text{S: rest, From: t.From}}
		if i := strings.LastIndexByte(rest, '('); kind != "Tool" && i > 0 && strings.HasSuffix(rest, ")") {
			p.Name.S = strings.TrimSpace(rest[:i])
			if mail := rest[i+1 : len(rest)-1]; mail != "" {
				p.Email = tree.Text{S: mail, From: t.From}
			}
		}
		return p
	}
	return nil
}

// takeProperty reads such an annotation back, and reports whether it is one.
func (h reader) takeProperty(a model.Annotation) bool {
	if a.Who == nil || a.Who.Kind != "Tool" || a.Who.Name.S != propertiesTool {
		return false
	}
	name, value, ok := strings.Cut(a.Body.S, ": ")
	if !ok {
		return false
	}
	p := model.Property{Name: tree.Text{S: name}, Value: tree.Text{S: value, From: a.Body.From}}
	leaves := append(tree.Compact([]*tree.Node{a.Date.From, a.Kind.From, a.Who.Name.From}), a.Also...)
	if a.Subject < 0 {
		h.Properties = append(h.Properties, p)
		h.Leaves = append(h.Leaves, leaves...)
		return true
	}
	e := h.Elements[a.Subject]
	e.Properties = append(e.Properties, p)
	e.Leaves = append(e.Leaves, leaves...)
	return true
}
