package sbom

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// An external is another document that this one refers to: externalDocumentRefs of SPDX 2 (clause 6.6), what ExternalMaps of
// SPDX 3 (Core, ExternalMap) say of elements in one document.
type external struct {
	id       tree.Text // DocumentRef-..., what it is called here
	uri      tree.Text
	location tree.Text // where it is, if that is not its URI
	hashes   []hash
	elements []foreignElement
	also     []*tree.Node
	again    []*tree.Node // leaves that say once more what one of its fields does
	unnamed  bool         // ids in it do not begin with its URI and "#", which is all that SPDX 2 can say
}

// A foreignElement is one of another document.
type foreignElement struct {
	at   tree.Text // its id in SPDX 3
	name string    // in SPDX 2
	used bool      // something that is written goes to it
}

// A namespace abbreviates ids of SPDX 3.
type namespace struct{ prefix, uri tree.Text }

const onlyAbbreviates = "it abbreviates ids, which are written out"

func (h *hub) spdx2Externals(root *tree.Node) {
	for _, x := range root.List("externalDocumentRefs") {
		sum := x.Get("checksum")
		h.externals = append(h.externals, external{id: x.Str("externalDocumentId"), uri: x.Str("spdxDocument"),
			hashes: []hash{{tree.Text{S: spdx2HashName(sum.Str("algorithm").S), From: sum.Str("algorithm").From},
				sum.Str("checksumValue")}}})
	}
}

// imports reads which documents are referred to, and what their names are.
func (r *reader3) imports(d *tree.Node) {
	prefixes := map[string]namespace{}
	maps := tree.ListOrOne(d.Get("namespaceMap"))
	for _, m := range maps {
		prefixes[strings.TrimRight(m.Str("namespace").S, "#/")] = namespace{m.Str("prefix"), m.Str("namespace")}
	}
	used := map[string]bool{}
	for _, m := range tree.ListOrOne(d.Get("import")) {
		at, where := m.Str("externalSpdxId"), m.Str("locationHint")
		if at.S == "" {
			continue
		}
		uri, name, ok := strings.Cut(at.S, "#")
		known := prefixes[uri]
		e := foreignElement{at: at, name: spec.RefOf(name)}
		if !ok {
			e.name = spec.DocumentID
		}
		var also []*tree.Node
		hashes := spdx3HashesOf(m, &also)
		also = append(also, tree.Compact([]*tree.Node{class3(m).From})...)
		m.Get("definingArtifact").ExplainSelf(tree.Dropped, "the other format does not say which artifact stands for another document")
		i := slices.IndexFunc(r.externals, func(x external) bool { return x.uri.S == uri })
		if i < 0 {
			i = len(r.externals)
			id := known.prefix
			if !spec.IsRef(id.S, "DocumentRef-") || r.calls(id.S) {
				id = tree.Constant(r.documentRef(i + 1))
			}
			used[uri] = id.From != nil
			x := external{id: id, uri: tree.Constant(uri), hashes: hashes, location: where, unnamed: !ok && known.uri.S == ""}
			if used[uri] {
				x.uri.From = known.uri.From
			}
			r.externals = append(r.externals, x)
		}
		x := &r.externals[i]
		x.unnamed = x.unnamed && !ok
		x.also = append(x.also, also...)
		x.elements = append(x.elements, e)
		x.repeat(hashes, where)
	}
	for _, m := range maps {
		if n := (namespace{m.Str("prefix"), m.Str("namespace")}); !used[strings.TrimRight(n.uri.S, "#/")] {
			r.namespaces = append(r.namespaces, n)
		}
		r.leaves = append(r.leaves, tree.Compact([]*tree.Node{class3(m).From})...)
	}
}

// calls reports whether a document is called by a name.
func (h *hub) calls(id string) bool {
	return slices.ContainsFunc(h.externals, func(x external) bool { return x.id.S == id })
}

// documentRef makes a name for a document.
func (h *hub) documentRef(n int) string {
	for {
		if id := "DocumentRef-" + strconv.Itoa(n); !h.calls(id) {
			return id
		}
		n++
	}
}

// repeat takes what one more ExternalMap says of a document: writers repeat its hashes for each of its elements.
func (x *external) repeat(hashes []hash, where tree.Text) {
	for _, sum := range hashes {
		switch i := slices.IndexFunc(x.hashes, func(y hash) bool { return y.alg.S == sum.alg.S && y.value.S == sum.value.S }); {
		case i < 0:
			x.hashes = append(x.hashes, sum)
		case x.hashes[i] != sum:
			x.again = append(x.again, tree.Compact([]*tree.Node{sum.alg.From, sum.value.From})...)
		}
	}
	switch {
	case where == x.location:
	case where.S == x.location.S:
		x.again = append(x.again, where.From)
	case !x.location.OK():
		x.location = where
	default:
		where.From.ExplainSelf(tree.Dropped, "the document is somewhere else too")
	}
}

// outside names an element of another document as SPDX 2 does.
func (r *reader3) outside(id string) string {
	uri, name, ok := strings.Cut(id, "#")
	i := slices.IndexFunc(r.externals, func(x external) bool { return x.uri.S == uri })
	switch {
	case i < 0:
		return id
	case ok:
		return r.externals[i].id.S + ":" + spec.RefOf(name)
	}
	return r.externals[i].id.S + ":" + spec.DocumentID
}

// external returns the other document that is called by a name, if SPDX 2 can name it.
func (h *hub) external(id string) *external {
	i := slices.IndexFunc(h.externals, func(x external) bool { return x.id.S == id })
	if i < 0 || h.externals[i].noPlace2() != "" {
		return nil
	}
	return &h.externals[i]
}

// noPlace2 says why SPDX 2 cannot refer to another document, or nothing.
func (x *external) noPlace2() string {
	switch {
	case x.unnamed:
		return "SPDX 2 names what is in another document by its URI, \"#\" and an id"
	case !slices.ContainsFunc(x.hashes, func(sum hash) bool { return spdx2HashAlgorithms[sum.alg.S] != "" && sum.value.OK() }):
		return "SPDX 2 wants a checksum of the other document"
	}
	return ""
}

// element returns what a document has by SPDX 2's name of it, or nil.
func (x *external) element(name string) *foreignElement {
	for i := range x.elements {
		if x.elements[i].name == name {
			return &x.elements[i]
		}
	}
	return nil
}

// spdx2Externals writes which other documents are referred to.
func (h *hub) spdx2ExternalsOut(root *tree.Node) {
	for i := range h.externals {
		x := &h.externals[i]
		if reason := x.noPlace2(); reason != "" {
			for _, e := range x.elements {
				e.at.From.ExplainSelf(tree.Dropped, reason)
			}
			for _, n := range slices.Concat([]*tree.Node{x.id.From, x.uri.From, x.location.From}, x.also, x.again) {
				n.ExplainSelf(tree.Dropped, reason)
			}
			for _, sum := range x.hashes {
				sum.alg.From.ExplainSelf(tree.Dropped, reason)
				sum.value.From.ExplainSelf(tree.Dropped, reason)
			}
			continue
		}
		n := root.Add("externalDocumentRefs", tree.NewObject())
		n.Set("externalDocumentId", tree.NewText(x.id.S, append(slices.Concat(x.also, x.again), x.id.From)...))
		x.saidOnce()
		uri := n.Set("spdxDocument", tree.NewText(x.uri.S, x.uri.From))
		for _, e := range x.elements {
			uri.From = append(uri.From, tree.Compact([]*tree.Node{e.at.From})...)
			if e.used {
				e.at.From.ExplainSelf(tree.Changed, "written as "+x.id.S+":"+e.name)
			} else {
				e.at.From.ExplainSelf(tree.Changed, "SPDX 2 refers to the document, and nothing here refers to this element of it")
			}
		}
		if x.uri.From != nil && x.uri.From.Text != x.uri.S {
			x.uri.From.ExplainSelf(tree.Changed, "SPDX 2 has the URI of the document, not how ids begin")
		}
		if x.location.S == x.uri.S {
			uri.From = append(uri.From, tree.Compact([]*tree.Node{x.location.From})...)
		} else {
			x.location.From.ExplainSelf(tree.Dropped, "SPDX 2 has the URI of the other document, not where it is")
		}
		for _, sum := range x.hashes {
			if alg := spdx2HashAlgorithms[sum.alg.S]; alg != "" && n.Get("checksum") == nil {
				c := n.Set("checksum", tree.NewObject())
				c.Set("algorithm", tree.NewText(alg, sum.alg.From))
				c.Put("checksumValue", sum.value)
			} else {
				sum.alg.From.ExplainSelf(tree.Dropped, "SPDX 2 has one checksum of the other document")
				sum.value.From.ExplainSelf(tree.Dropped, "SPDX 2 has one checksum of the other document")
			}
		}
	}
	h.explainNamespaces()
}

func (x *external) saidOnce() {
	for _, n := range x.again {
		n.ExplainSelf(tree.Changed, "said of the other document once, not of each element of it")
	}
}

func (h *hub) explainNamespaces() {
	for _, n := range h.namespaces {
		n.prefix.From.ExplainSelf(tree.Dropped, onlyAbbreviates)
		n.uri.From.ExplainSelf(tree.Dropped, onlyAbbreviates)
	}
}

// use marks what a relationship of SPDX 2 goes to.
func (h *hub) use(id string) {
	doc, name, _ := strings.Cut(id, ":")
	if x := h.external(doc); x != nil {
		if e := x.element(name); e != nil {
			e.used = true
		}
	}
}

// cycloneDXOutside writes references of the document itself, of which other documents are some.
func (h *hub) cycloneDXOutside(root *tree.Node) {
	for _, r := range h.references {
		cycloneDXReferenceOut(root, r)
	}
	for _, x := range h.externals {
		r := root.Add("externalReferences", tree.NewObject())
		r.Set("type", tree.NewText("bom"))
		uri := r.Set("url", tree.NewText(x.uri.S, append(slices.Concat(x.also, x.again), x.uri.From)...))
		x.saidOnce()
		for _, e := range x.elements {
			uri.From = append(uri.From, tree.Compact([]*tree.Node{e.at.From})...)
			if e.at.S != x.uri.S {
				e.at.From.ExplainSelf(tree.Changed, "CycloneDX refers to the document, not to a part of it")
			}
		}
		if x.uri.From != nil && x.uri.From.Text != x.uri.S {
			x.uri.From.ExplainSelf(tree.Changed, "CycloneDX has the URI of the document, not how ids begin")
		}
		cycloneDXHashesOut(r, x.hashes)
		r.Put("comment", x.id)
		switch {
		case x.location.S == x.uri.S:
			uri.From = append(uri.From, tree.Compact([]*tree.Node{x.location.From})...)
		case x.location.OK():
			r = root.Add("externalReferences", tree.NewObject())
			r.Set("type", tree.NewText("bom"))
			r.Put("url", x.location)
			r.Set("comment", tree.NewText(x.id.S))
		}
	}
	h.explainNamespaces()
}

// foreign returns the id of an element of another document, as DocumentRef-a:SPDXRef-b, or nothing.
func (w *writer3) foreign(id string) string {
	doc, name, ok := strings.Cut(id, ":")
	if !ok {
		return ""
	}
	for i := range w.externals {
		x := &w.externals[i]
		if x.id.S != doc || !spec.IsNamespace(x.uri.S) {
			continue
		}
		at := x.uri.S + "#" + name
		if name == spec.DocumentID {
			at = x.uri.S
		}
		if e := x.element(name); e != nil {
			e.used, at = true, e.at.S
		} else {
			x.elements = append(x.elements, foreignElement{at: tree.Constant(at), name: name, used: true})
		}
		return at
	}
	return ""
}

// imported writes where an element of another document is.
func (w *writer3) imported(x *external, at tree.Text, from ...*tree.Node) {
	m := w.doc.Add("import", tree.NewObject())
	m.Set("type", tree.NewText("ExternalMap"))
	m.Set("externalSpdxId", tree.NewText(at.S, append(slices.Concat(x.also, x.again, from), at.From)...))
	m.Put("locationHint", x.location)
	w.hashes(m, x.hashes)
}

// outside writes what other documents are called here, and those that nothing refers to.
func (w *writer3) outside() {
	for i := range w.externals {
		x := &w.externals[i]
		if !spec.IsNamespace(x.uri.S) {
			x.uri.From.ExplainSelf(tree.Dropped, "no URI that a reference could begin with")
			continue
		}
		if len(x.elements) == 0 {
			x.elements = append(x.elements, foreignElement{at: tree.Constant(x.uri.S), name: spec.DocumentID})
		}
		for _, e := range x.elements {
			if w.ids[e.at.S] == 0 {
				w.ids[e.at.S]++
				w.imported(x, e.at, x.uri.From)
			}
		}
		if !x.unnamed {
			w.namespace(x.id, tree.Text{S: strings.TrimSuffix(x.uri.S, "#") + "#", From: x.uri.From})
		}
	}
	for _, n := range w.namespaces {
		w.namespace(n.prefix, n.uri)
	}
}

func (w *writer3) namespace(prefix, uri tree.Text) {
	if !prefix.OK() || !uri.OK() {
		return
	}
	m := w.doc.Add("namespaceMap", tree.NewObject())
	m.Set("type", tree.NewText("NamespaceMap"))
	m.Put("prefix", prefix)
	m.Put("namespace", uri)
}
