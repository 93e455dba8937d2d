package spdx2

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A writer writes a document of the model.
type writer struct{ *model.Document }

// external returns the other document that is called by a name, if SPDX 2 can name it.
func (h writer) external(id string) *model.External {
	i := slices.IndexFunc(h.Externals, func(x model.External) bool { return x.Id.S == id })
	if i < 0 || noPlace2(&h.Externals[i]) != "" {
		return nil
	}
	return &h.Externals[i]
}

// noPlace2 says why SPDX 2 cannot refer to another document, or nothing.
func noPlace2(x *model.External) string {
	switch {
	case x.Unnamed:
		return "SPDX 2 names what is in another document by its URI, \"#\" and an id"
	case !slices.ContainsFunc(x.Hashes, func(sum model.Hash) bool { return model.SPDX2Hashes[sum.Alg.S] != "" && sum.Value.OK() }):
		return "SPDX 2 wants a checksum of the other document"
	}
	return ""
}

// spdx2Externals writes which other documents are referred to.
func (h writer) externals(root *tree.Node) {
	for i := range h.Externals {
		x := &h.Externals[i]
		if reason := noPlace2(x); reason != "" {
			for _, e := range x.Elements {
				e.At.From.ExplainSelf(tree.Dropped, reason)
			}
			for _, n := range slices.Concat([]*tree.Node{x.Id.From, x.Uri.From, x.Location.From}, x.Also, x.Again) {
				n.ExplainSelf(tree.Dropped, reason)
			}
			for _, sum := range x.Hashes {
				sum.Alg.From.ExplainSelf(tree.Dropped, reason)
				sum.Value.From.ExplainSelf(tree.Dropped, reason)
			}
			continue
		}
		n := root.Add("externalDocumentRefs", tree.NewObject())
		n.Set("externalDocumentId", tree.NewText(x.Id.S, append(slices.Concat(x.Also, x.Again), x.Id.From)...))
		x.SaidOnce()
		uri := n.Set("spdxDocument", tree.NewText(x.Uri.S, x.Uri.From))
		for _, e := range x.Elements {
			uri.From = append(uri.From, tree.Compact([]*tree.Node{e.At.From})...)
			if e.Used {
				e.At.From.ExplainSelf(tree.Changed, "written as "+x.Id.S+":"+e.Name)
			} else {
				e.At.From.ExplainSelf(tree.Changed, "SPDX 2 refers to the document, and nothing here refers to this element of it")
			}
		}
		if x.Uri.From != nil && x.Uri.From.Text != x.Uri.S {
			x.Uri.From.ExplainSelf(tree.Changed, "SPDX 2 has the URI of the document, not how ids begin")
		}
		if x.Location.S == x.Uri.S {
			uri.From = append(uri.From, tree.Compact([]*tree.Node{x.Location.From})...)
		} else {
			x.Location.From.ExplainSelf(tree.Dropped, "SPDX 2 has the URI of the other document, not where it is")
		}
		for _, sum := range x.Hashes {
			if alg := model.SPDX2Hashes[sum.Alg.S]; alg != "" && n.Get("checksum") == nil {
				c := n.Set("checksum", tree.NewObject())
				c.Set("algorithm", tree.NewText(alg, sum.Alg.From))
				c.Put("checksumValue", sum.Value)
			} else {
				sum.Alg.From.ExplainSelf(tree.Dropped, "SPDX 2 has one checksum of the other document")
				sum.Value.From.ExplainSelf(tree.Dropped, "SPDX 2 has one checksum of the other document")
			}
		}
	}
	h.ExplainNamespaces()
}

// use marks what a relationship of SPDX 2 goes to.
func (h writer) use(id string) {
	doc, name, _ := strings.Cut(id, ":")
	if x := h.external(doc); x != nil {
		if e := x.Element(name); e != nil {
			e.Used = true
		}
	}
}

// writeSnippet writes where a snippet is.
func writeSnippet(s *model.Snippet, n *tree.Node, file string) {
	ref := n.Set("snippetFromFile", tree.NewText(file, append(s.From, s.File.From)...))
	for _, r := range []struct {
		member string
		of     [2]tree.Text
	}{{"offset", s.Bytes}, {"lineNumber", s.Lines}} {
		if !r.of[0].OK() {
			continue
		}
		o := n.Add("ranges", tree.NewObject())
		for i, name := range []string{"startPointer", "endPointer"} {
			p := o.Set(name, tree.NewObject())
			p.Set("reference", tree.NewText(ref.Text))
			p.Set(r.member, tree.LiteralOf(r.of[i]))
		}
	}
}

// actor writes what parseActor reads.
func actor(p *model.Party, kind string) *tree.Node {
	s := kind + ": " + p.Name.S
	from := append(slices.Clone(p.Also), p.Name.From)
	switch {
	case kind == "Tool":
		if p.Version.S != "" {
			s += "-" + p.Version.S
			from = append(from, p.Version.From)
		}
	case p.Email.S != "":
		s += " (" + p.Email.S + ")"
		from = append(from, p.Email.From)
	}
	return tree.NewText(s, from...)
}

// Write writes SPDX 2.3, from which the document is fitted to the version that is wanted.
func Write(h *model.Document) *tree.Node { return writer{h}.document() }

func (h writer) document() *tree.Node {
	root := tree.NewObject()
	root.Set("spdxVersion", tree.NewText("SPDX-2.3", h.Leaves...))
	license := h.DataLicense
	if license.S != "CC0-1.0" {
		license.From.ExplainSelf(tree.Dropped, "every document of SPDX 2 says CC0-1.0 here")
		license = tree.Constant("CC0-1.0")
	}
	root.Put("dataLicense", license)
	root.Set("SPDXID", tree.NewText(spec.DocumentID))
	name := h.Name
	if name.S == "" {
		if len(h.Roots) > 0 && h.Elements[h.Roots[0]].Name.S != "" {
			name = tree.Constant(h.Elements[h.Roots[0]].Name.S)
		} else {
			name = tree.Constant("NOASSERTION")
		}
		h.Add("/name", "SPDX wants a name")
	}
	root.Put("name", name)
	id := h.Id
	if !spec.IsNamespace(id.S) || strings.Contains(id.S, "#") {
		id = tree.Text{S: h.MadeID("/documentNamespace", "SPDX wants a namespace; made from the input's bytes"), From: id.From}
	}
	root.Put("documentNamespace", id)
	info := root.Set("creationInfo", tree.NewObject())
	info.Put("created", h.SPDXTime(h.Created))
	info.Put("comment", h.CreationComment)
	if v := h.ListVersion; strings.Count(v.S, ".") == 2 && strings.HasSuffix(v.S, ".0") {
		v.S = strings.TrimSuffix(v.S, ".0")
		v.From.ExplainSelf(tree.Changed, "SPDX 2 has versions of two numbers")
		info.Put("licenseListVersion", v)
	} else {
		info.Put("licenseListVersion", v)
	}
	creator := func(p *model.Party, kind string) {
		if p.Named() {
			info.Add("creators", actor(p, kind))
		}
	}
	for i := range h.Authors {
		creator(&h.Authors[i], h.Authors[i].Kind)
	}
	creator(h.Manufacturer, "Organization")
	for i := range h.Tools {
		creator(&h.Tools[i], "Tool")
	}
	if info.Get("creators") == nil {
		info.Add("creators", tree.NewText("Tool: lading"))
		h.Add("/creationInfo/creators", "SPDX wants a creator; the input names none")
	}
	root.Put("comment", h.Comment)

	refs := &model.LicenseRefs{H: h.Document, Known: map[string]string{}, Taken: spec.Names{}}
	out := h.elements(root, refs)
	refs.Rest()
	for _, x := range refs.Out {
		root.Add("hasExtractedLicensingInfos", x)
	}
	for _, r := range h.Roots {
		Relate(root, spec.DocumentID, nil, "DESCRIBES", h.RootFrom[r], out[r], nil)
	}
	h.RelateCompositions(false, out)
	for k := range h.Edges {
		h.relationship(root, out, &h.Edges[k])
	}
	for _, n := range h.Inside {
		n.ExplainSelf(tree.Changed, "SPDX 2 says it by where an element stands")
	}
	h.outside(root, out)
	for _, n := range h.Assessments {
		n.ExplainMembers("SPDX 2 refers to advisories and says nothing of vulnerabilities itself")
	}
	return root
}

// elements writes the elements and returns their ids.
func (h writer) elements(root *tree.Node, refs *model.LicenseRefs) []string {
	ids := spec.Names{spec.DocumentID: 1}
	out := make([]string, len(h.Elements))
	isFile := func(i int) bool {
		e := h.Elements[i]
		return e.File && e.Snippet == nil && slices.ContainsFunc(e.Hashes, func(x model.Hash) bool { return x.Alg.S == "SHA-1" })
	}
	for i, e := range h.Elements {
		want := e.Id.S
		if want == "" {
			want = e.Name.S + "-" + e.Version.S
		}
		out[i] = ids.Unique(spec.RefOf(want))
		if e.Id.From != nil && out[i] != e.Id.S && out[i] != "SPDXRef-"+e.Id.S {
			e.Id.From.ExplainSelf(tree.Changed, "written as "+out[i])
		}
		if e.Snippet != nil {
			e.Snippet.Written = e.Snippet.Writable(isFile)
		}
	}
	for i, e := range h.Elements {
		n := tree.NewObject()
		id := n.Set("SPDXID", tree.NewText(out[i], e.Id.From))
		if e.File { // which has no member that says what its class does
			id.From = append(id.From, tree.Compact(append(slices.Clone(e.Leaves), e.Kind.From))...)
		}
		name := e.FullName()
		if e.File {
			n.Set("fileName", name)
		} else {
			n.Set("name", name)
		}
		h.element(n, e, refs)
		switch {
		case e.Snippet != nil && e.Snippet.Written:
			n.Members[1].Name = "name"
			writeSnippet(e.Snippet, n, out[e.Snippet.At])
			root.Add("snippets", n)
			continue
		case isFile(i):
			root.Add("files", n)
			continue
		case e.Snippet != nil:
			e.Snippet.Explain("SPDX 2 has parts of files that the document describes with a SHA-1 hash, by their ranges")
		}
		if e.File {
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

// relationship writes an edge, if SPDX 2 has a word for it.
func (h writer) relationship(root *tree.Node, out []string, e *model.Edge) {
	end := func(i int, t tree.Text) (string, bool) {
		if i >= 0 {
			return out[i], true
		}
		doc, _, ok := strings.Cut(t.S, ":")
		return t.S, t.S == "NONE" || t.S == "NOASSERTION" || ok && h.external(doc) != nil
	}
	from, ok1 := end(e.From, e.FromText)
	to, ok2 := end(e.To, e.ToText)
	if !ok1 || !ok2 || from == "NONE" || from == "NOASSERTION" {
		e.Explain(model.NotDescribed)
		return
	}
	if _, ok := model.ToSPDX3[model.Relation(e.Kind)]; !ok {
		e.Explain(model.NoSuchRelation)
		return
	}
	h.use(from)
	h.use(to)
	r := Relate(root, from, []*tree.Node{e.FromText.From}, e.Kind, append(slices.Clone(e.Also), e.Scope), to, []*tree.Node{e.ToText.From})
	r.Put("comment", e.Comment)
}

// outside writes what the document says of other documents and what others say of it.
func (h writer) outside(root *tree.Node, out []string) {
	h.externals(root)
	byID := map[string]*tree.Node{}
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.List(in) {
			byID[n.Str("SPDXID").S] = n
		}
	}
	h.annotateProperties()
	for _, a := range h.Annotations {
		owner := root
		if a.Subject >= 0 {
			owner = byID[out[a.Subject]]
		}
		n := owner.Add("annotations", tree.NewObject())
		n.Set("annotationDate", tree.NewText(h.SPDXTime(a.Date).S, a.Date.From))
		kind := a.Kind
		if kind.S != "REVIEW" && kind.S != "OTHER" {
			kind.S = "OTHER"
		}
		n.Set("annotationType", tree.NewText(kind.S, append(a.Also, kind.From)...))
		who := &model.Party{Kind: "Tool", Name: tree.Constant("lading")}
		if a.Who.Named() {
			who = a.Who
		}
		kinds := who.Kind
		if kinds == "" {
			kinds = "Organization"
		}
		n.Set("annotator", actor(who, kinds))
		n.Put("comment", a.Body)
	}
}

// annotateProperties makes properties annotations, but for those that an annotation says.
func (h writer) annotateProperties() {
	type note struct {
		subject int
		body    string
	}
	have := map[note]bool{}
	for _, a := range h.Annotations {
		have[note{a.Subject, a.Body.S}] = true
	}
	date := tree.Constant(h.Created.S)
	if !spec.IsTime(date.S) {
		date = tree.Constant(h.Now)
	}
	put := func(subject int, list []model.Property) {
		for _, p := range list {
			if !p.Name.OK() || strings.Contains(p.Name.S, ": ") || !p.Value.OK() {
				continue
			}
			a := model.Annotation{Subject: subject, Date: date, Kind: tree.Constant("OTHER"), Body: tree.Text{S: p.Name.S + ": " +
				p.Value.S,
				From: p.Value.From},
				Who: &model.Party{Kind: "Tool", Name: tree.Constant(propertiesTool)}, Also: tree.Compact([]*tree.Node{p.Name.From})}
			if have[note{subject, a.Body.S}] {
				p.Name.From.ExplainSelf(tree.Dropped, "an annotation says it")
				p.Value.From.ExplainSelf(tree.Dropped, "an annotation says it")
				continue
			}
			h.Annotations = append(h.Annotations, a)
		}
	}
	put(-1, h.Properties)
	for i, e := range h.Elements {
		put(i, e.Properties)
	}
}

func Relate(root *tree.Node, from string, fromSrc []*tree.Node, kind string, kindSrc []*tree.Node, to string,
	toSrc []*tree.Node) *tree.Node {
	r := root.Add("relationships", tree.NewObject())
	r.Set("spdxElementId", tree.NewText(from, slices.Clone(fromSrc)...))
	r.Set("relationshipType", tree.NewText(kind, slices.Clone(kindSrc)...))
	r.Set("relatedSpdxElement", tree.NewText(to, slices.Clone(toSrc)...))
	return r
}

func (h writer) element(n *tree.Node, e *model.Element, refs *model.LicenseRefs) {
	if !e.File {
		n.Put("versionInfo", e.Version)
		if purpose := purposes[e.Kind.S]; purpose != "" {
			n.Set("primaryPackagePurpose", tree.NewText(purpose, e.Kind.From))
		} else if e.Kind.OK() {
			n.Set("primaryPackagePurpose", tree.NewText("OTHER", e.Kind.From))
			e.Kind.From.ExplainSelf(tree.Changed, "SPDX has no such purpose; written as OTHER")
		} else {
			n.Put("primaryPackagePurpose", e.Purpose)
		}
		if e.Supplier.Named() {
			n.Set("supplier", actor(e.Supplier, model.OrOrganization(e.Supplier.Kind)))
		}
		switch {
		case e.Manufacturer.Named():
			n.Set("originator", actor(e.Manufacturer, model.OrOrganization(e.Manufacturer.Kind)))
			explainParties(e.Authors, "SPDX 2 has one originator")
			e.Publisher.From.ExplainSelf(tree.Dropped, "SPDX 2 has one originator")
		case len(e.Authors) > 0 && e.Authors[0].Named():
			n.Set("originator", actor(&e.Authors[0], model.OrOrganization(e.Authors[0].Kind)))
			explainParties(e.Authors[1:], "SPDX 2 has one originator")
			e.Publisher.From.ExplainSelf(tree.Dropped, "SPDX 2 has one originator")
		case strings.TrimSpace(e.Publisher.S) != "":
			n.Set("originator", tree.NewText("Organization: "+e.Publisher.S, e.Publisher.From))
			e.Publisher.From.ExplainSelf(tree.Changed, "SPDX does not know publishers; written as originator")
		}
		download := e.Download
		if download.S == "" {
			download = tree.Constant("NOASSERTION")
		}
		n.Set("downloadLocation", tree.NewText(download.S, append(e.Leaves, download.From)...))
		n.Set("filesAnalyzed", tree.NewLiteral("false"))
		h.Add("/packages", "SPDX wants a download location and asks whether files were analysed; NOASSERTION and false where the input says nothing")
		n.Put("homepage", e.Homepage)
		n.Put("packageFileName", e.FileName)
		n.Put("sourceInfo", e.SourceInfo)
		n.Put("summary", e.Summary)
		n.Put("description", e.Description)
	}
	for _, x := range e.Hashes {
		alg := model.SPDX2Hashes[x.Alg.S]
		if e.Snippet != nil && e.Snippet.Written {
			x.Alg.From.ExplainSelf(tree.Dropped, "SPDX 2 has no hashes of parts of files")
			x.Value.From.ExplainSelf(tree.Dropped, "SPDX 2 has no hashes of parts of files")
			continue
		}
		if alg == "" {
			x.Alg.From.ExplainSelf(tree.Dropped, "SPDX has no such hash algorithm")
			x.Value.From.ExplainSelf(tree.Dropped, "SPDX has no such hash algorithm")
			continue
		}
		o := n.Add("checksums", tree.NewObject())
		o.Set("algorithm", tree.NewText(alg, x.Alg.From))
		v := o.Set("checksumValue", tree.NewText(strings.ToLower(x.Value.S), x.Value.From))
		if v.Text != x.Value.S {
			x.Value.From.ExplainSelf(tree.Changed, "SPDX writes hashes in lower case")
		}
	}
	for _, t := range e.Attributions {
		n.Add("attributionTexts", tree.NewText(t.S, t.From))
	}
	if !e.File {
		for i, t := range e.Dates {
			if t.OK() && spec.IsTime(t.S) {
				n.Put(model.SPDX2Dates[i], h.SPDXTime(t))
			}
		}
		if e.Verification.OK() {
			code := n.Set("packageVerificationCode", tree.NewObject())
			code.Put("packageVerificationCodeValue", e.Verification)
			for _, t := range e.Excluded {
				code.Add("packageVerificationCodeExcludedFiles", tree.NewText(t.S, t.From))
			}
		}
	}
	refs.Write(n, e)
	if e.File && e.Snippet == nil {
		if !e.Comment.OK() {
			e.Comment = e.Description
		}
		e.Description.From.ExplainSelf(tree.Changed, "SPDX 2 has one text about a file")
	}
	n.Put("copyrightText", e.Copyright)
	n.Put("comment", e.Comment)
	n.Put("licenseComments", e.LicenseComment)
	if e.File {
		writeFile(e, n)
		return
	}
	e.MediaType.From.ExplainSelf(tree.Dropped, "SPDX has media types of files only")
	ref := func(category, kind string, at tree.Text, from ...*tree.Node) *tree.Node {
		o := n.Add("externalRefs", tree.NewObject())
		o.Set("referenceCategory", tree.NewText(category))
		o.Set("referenceType", tree.NewText(kind, from...))
		o.Put("referenceLocator", at)
		o.Put("comment", e.Remarks[at.From])
		return o
	}
	for i, t := range e.Purls {
		var from []*tree.Node
		if i == 0 {
			from = e.PurlFrom
		}
		ref("PACKAGE-MANAGER", "purl", t, from...)
	}
	for i, t := range e.Cpes {
		kind := "cpe22Type"
		if strings.HasPrefix(t.S, "cpe:2.3:") {
			kind = "cpe23Type"
		}
		var from []*tree.Node
		if i == 0 && e.Purls == nil {
			from = e.PurlFrom
		}
		ref("SECURITY", kind, t, from...)
	}
	for _, x := range e.Identifiers {
		if strings.ContainsAny(x.Value.S, " \t\n") {
			for _, n := range []*tree.Node{x.Kind.From, x.Value.From, x.Comment.From} {
				n.ExplainSelf(tree.Dropped, "SPDX's locators have no blanks")
			}
			continue
		}
		category, kind := "OTHER", x.Kind.S
		switch kind {
		case "swhid":
			category, kind = "PERSISTENT-ID", "swh"
		case "gitoid":
			category = "PERSISTENT-ID"
		case "swid":
			category = "SECURITY"
		}
		ref(category, kind, x.Value, x.Kind.From).Put("comment", x.Comment)
	}
	for _, r := range e.References {
		if r.Url.S == "" || strings.ContainsAny(r.Url.S, " \t\n") {
			r.Url.From.ExplainSelf(tree.Dropped, "SPDX's locators have no blanks")
			continue
		}
		category := "OTHER"
		if slices.Contains([]string{"OTHER", "PERSISTENT-ID", "PERSISTENT_ID", "SECURITY", "PACKAGE-MANAGER", "PACKAGE_MANAGER"},
			r.Category.S) {
			category = r.Category.S
		}
		o := ref(category, r.Kind.S, r.Url, r.Kind.From)
		o.Members[0].Value.From = tree.Compact([]*tree.Node{r.Category.From})
		o.Put("comment", r.Comment)
	}
}

// explainReferences says why references and identifiers are lost.
func explainReferences(e *model.Element, reason string) {
	for _, r := range e.References {
		for _, n := range []*tree.Node{r.Category.From, r.Kind.From, r.Url.From, r.Comment.From} {
			n.ExplainSelf(tree.Dropped, reason)
		}
	}
	for _, x := range e.Identifiers {
		for _, n := range []*tree.Node{x.Kind.From, x.Value.From, x.Comment.From} {
			n.ExplainSelf(tree.Dropped, reason)
		}
	}
	for _, t := range slices.Concat(e.Purls, e.Cpes, []tree.Text{e.Homepage, e.Download}) {
		t.From.ExplainSelf(tree.Dropped, reason)
	}
}

// writeFile writes what SPDX 2 says of files only.
func writeFile(e *model.Element, n *tree.Node) {
	if e.Snippet != nil {
		return
	}
	for _, t := range e.FileTypes {
		n.Add("fileTypes", tree.NewText(t.S, t.From))
	}
	if kind, _, ok := strings.Cut(e.MediaType.S, "/"); ok && e.FileTypes == nil && slices.Contains(mediaKinds, strings.ToUpper(kind)) {
		n.Add("fileTypes", tree.NewText(strings.ToUpper(kind), e.MediaType.From))
	}
	e.MediaType.From.ExplainSelf(tree.Changed, "SPDX 2 has kinds of files")
	explainReferences(e, "SPDX 2 has references and identifiers of packages, and none of files")
	for _, t := range e.Contributors {
		n.Add("fileContributors", tree.NewText(t.S, t.From))
	}
	who := slices.Clone(e.Authors)
	if e.Manufacturer != nil {
		who = append(who, *e.Manufacturer)
	}
	for i := range who {
		if p := &who[i]; p.Named() {
			n.Add("fileContributors", tree.NewText(p.Name.S, append(p.Also, p.Name.From)...))
		}
	}
	n.Put("noticeText", e.Notice)
}

// explainParties says why somebody is not named.
func explainParties(list []model.Party, reason string) {
	for i := range list {
		p := &list[i]
		for _, n := range append(slices.Clone(p.Also), p.Name.From, p.Email.From, p.Url.From, p.Version.From) {
			n.ExplainSelf(tree.Dropped, reason)
		}
	}
}
