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
type writer struct {
	*model.Document
	nodes []*tree.Node // what stands for its elements
}

// external returns the other document that is called by a name, if SPDX 2 can name it.
func (h writer) external(id string) *model.External {
	i := slices.IndexFunc(h.Externals, func(x model.External) bool { return x.ID.S == id })
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
			for _, n := range slices.Concat([]*tree.Node{x.ID.From, x.URI.From, x.Location.From}, x.Also, x.Again) {
				n.ExplainSelf(tree.Dropped, reason)
			}
			for _, sum := range x.Hashes {
				sum.Alg.From.ExplainSelf(tree.Dropped, reason)
				sum.Value.From.ExplainSelf(tree.Dropped, reason)
			}
			continue
		}
		n := root.Add("externalDocumentRefs", tree.NewObject())
		n.Set("externalDocumentId", tree.NewText(x.ID.S, append(slices.Concat(x.Also, x.Again), x.ID.From)...))
		x.SaidOnce()
		uri := n.Set("spdxDocument", tree.NewText(x.URI.S, x.URI.From))
		for _, e := range x.Elements {
			uri.Stand(e.At.From)
			if e.Used {
				e.At.From.ExplainSelf(tree.Changed, "written as "+x.ID.S+":"+e.Name)
			} else {
				e.At.From.ExplainSelf(tree.Changed, "SPDX 2 refers to the document, and nothing here refers to this element of it")
			}
		}
		if x.URI.From != nil && x.URI.From.Text != x.URI.S {
			x.URI.From.ExplainSelf(tree.Changed, "SPDX 2 has the URI of the document, not how ids begin")
		}
		if x.Location.S == x.URI.S {
			uri.Stand(x.Location.From)
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
	var more *tree.Node
	switch {
	case kind == "Tool":
		if p.Version.S != "" {
			s += "-" + p.Version.S
			more = p.Version.From
		}
	case p.Email.S != "":
		s += " (" + p.Email.S + ")"
		more = p.Email.From
	}
	if p.Also == nil && more == nil {
		return tree.NewText(s, p.Name.From)
	}
	return tree.NewText(s, append(slices.Clone(p.Also), p.Name.From, more)...)
}

// Write writes SPDX 2.3, from which the document is fitted to the version that is wanted.
func Write(h *model.Document) *tree.Node { return (&writer{Document: h}).document() }

func (h *writer) document() *tree.Node {
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
	id := h.ID
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
	h.outside(root)
	for _, n := range h.Assessments {
		n.ExplainMembers("SPDX 2 refers to advisories and says nothing of vulnerabilities itself")
	}
	return root
}

// elements writes the elements and returns their ids.
func (h *writer) elements(root *tree.Node, refs *model.LicenseRefs) []string {
	ids := spec.Names{spec.DocumentID: 1}
	out := make([]string, len(h.Elements))
	isFile := func(i int) bool {
		e := h.Elements[i]
		return e.File && e.Snippet == nil && slices.ContainsFunc(e.Hashes, func(x model.Hash) bool { return x.Alg.S == "SHA-1" })
	}
	for i, e := range h.Elements {
		want := e.ID.S
		if want == "" {
			want = e.Name.S + "-" + e.Version.S
		}
		out[i] = ids.Unique(spec.RefOf(want))
		if e.ID.From != nil && out[i] != e.ID.S && out[i] != "SPDXRef-"+e.ID.S {
			e.ID.From.ExplainSelf(tree.Changed, "written as "+out[i])
		}
		if e.Snippet != nil {
			e.Snippet.Written = e.Snippet.Writable(isFile)
		}
	}
	h.nodes = make([]*tree.Node, len(h.Elements))
	for i, e := range h.Elements {
		n := tree.NewObject()
		h.nodes[i] = n
		id := n.Set("SPDXID", tree.NewText(out[i], e.ID.From))
		if e.File { // which has no member that says what its class does
			id.Stand(e.Leaves...)
			id.Stand(e.Kind.From)
		}
		name := e.FullName()
		if e.File {
			n.Set("fileName", name)
		} else {
			n.Set("name", name)
		}
		h.element(n, e, refs)
		in := "packages"
		switch {
		case e.Snippet != nil && e.Snippet.Written:
			n.Members[1].Name = "name"
			writeSnippet(e.Snippet, n, out[e.Snippet.At])
			in = "snippets"
		case isFile(i):
			in = "files"
		case e.File:
			if e.Snippet != nil {
				e.Snippet.Explain("SPDX 2 has parts of files that the document describes with a SHA-1 hash, by their ranges")
			}
			asPackage(n)
		}
		root.Add(in, n)
	}
	return out
}

// asPackage makes a package of what was written as a file, and what was found of licences in it what it declares.
func asPackage(n *tree.Node) {
	n.Members[1].Name = "name"
	n.Set("primaryPackagePurpose", tree.NewText("FILE"))
	n.Set("downloadLocation", tree.NewText("NOASSERTION"))
	for _, found := range []string{"licenseInfoInFiles", "licenseInfoInSnippets"} {
		list := n.Remove(found)
		if list == nil {
			continue
		}
		for _, v := range list.Items {
			if d := n.Get("licenseDeclared"); d == nil {
				n.Set("licenseDeclared", v)
			} else if terms := []string{d.Text, v.Text}; !slices.Contains(terms, "NONE") && !slices.Contains(terms, "NOASSERTION") {
				d.Text = license.Parenthesised(d.Text) + " AND " + license.Parenthesised(v.Text)
				d.Stand(v.Sources()...)
			}
		}
	}
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
	also := e.Also
	if e.Scope != nil {
		also = append(slices.Clone(also), e.Scope)
	}
	r := Relate(root, from, []*tree.Node{e.FromText.From}, e.Kind, also, to, []*tree.Node{e.ToText.From})
	r.Put("comment", e.Comment)
}

// lading is who says what nobody is said to have said.
var lading = &model.Party{Kind: "Tool", Name: tree.Constant("lading")}

// outside writes what the document says of other documents and what others say of it.
func (h *writer) outside(root *tree.Node) {
	h.externals(root)
	h.annotateProperties()
	for i := range h.Annotations {
		a, owner := &h.Annotations[i], root
		if a.Subject >= 0 {
			owner = h.nodes[a.Subject]
		}
		n := owner.Add("annotations", tree.NewObject())
		n.Set("annotationDate", tree.NewText(h.SPDXTime(a.Date).S, a.Date.From))
		kind := a.Kind
		if kind.S != "REVIEW" && kind.S != "OTHER" {
			kind.S = "OTHER"
		}
		n.Set("annotationType", tree.NewText(kind.S, append(a.Also, kind.From)...))
		who := lading
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
	have := make(map[note]bool, len(h.Annotations))
	for i := range h.Annotations {
		have[note{h.Annotations[i].Subject, h.Annotations[i].Body.S}] = true
	}
	more := len(h.Properties)
	for _, e := range h.Elements {
		more += len(e.Properties)
	}
	h.Annotations = slices.Grow(h.Annotations, more)
	who := &model.Party{Kind: "Tool", Name: tree.Constant(propertiesTool)}
	date := tree.Constant(h.Created.S)
	if !spec.IsTime(date.S) {
		date = tree.Constant(h.Now)
	}
	put := func(subject int, list []model.Property) {
		for _, p := range list {
			if !p.Name.OK() || strings.Contains(p.Name.S, ": ") || !p.Value.OK() {
				continue
			}
			body := p.Name.S + ": " + p.Value.S
			if len(have) > 0 && have[note{subject, body}] {
				p.Name.From.ExplainSelf(tree.Dropped, "an annotation says it")
				p.Value.From.ExplainSelf(tree.Dropped, "an annotation says it")
				continue
			}
			h.Annotations = append(h.Annotations, model.Annotation{Subject: subject, Date: date, Kind: tree.Constant("OTHER"),
				Body: tree.Text{S: body, From: p.Value.From}, Who: who, Also: tree.Compact([]*tree.Node{p.Name.From})})
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
	r.Set("spdxElementId", tree.NewText(from, fromSrc...))
	r.Set("relationshipType", tree.NewText(kind, kindSrc...))
	r.Set("relatedSpdxElement", tree.NewText(to, toSrc...))
	return r
}
