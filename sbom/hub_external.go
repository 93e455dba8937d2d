package sbom

import (
	"slices"
	"strconv"
	"strings"
)

// An external is another document that this one refers to: externalDocumentRefs of SPDX 2 (clause 6.6), what ExternalMaps of
// SPDX 3 (Core, ExternalMap) say of elements in one document.
type external struct {
	id       text // DocumentRef-..., what it is called here
	uri      text
	location text // where it is, if that is not its URI
	hashes   []hash
	elements []foreignElement
	also     []*node
	again    []*node // leaves that say once more what one of its fields does
	unnamed  bool    // ids in it do not begin with its URI and "#", which is all that SPDX 2 can say
}

// A foreignElement is one of another document.
type foreignElement struct {
	at   text   // its id in SPDX 3
	name string // in SPDX 2
	used bool   // something that is written goes to it
}

// A namespace abbreviates ids of SPDX 3.
type namespace struct{ prefix, uri text }

const onlyAbbreviates = "it abbreviates ids, which are written out"

func (h *hub) spdx2Externals(root *node) {
	for _, x := range root.list("externalDocumentRefs") {
		sum := x.get("checksum")
		h.externals = append(h.externals, external{id: x.str("externalDocumentId"), uri: x.str("spdxDocument"),
			hashes: []hash{{text{spdx2HashName(sum.str("algorithm").s), sum.str("algorithm").src}, sum.str("checksumValue")}}})
	}
}

// imports reads which documents are referred to, and what their names are.
func (r *reader3) imports(d *node) {
	prefixes := map[string]namespace{}
	maps := listOrOne(d.get("namespaceMap"))
	for _, m := range maps {
		prefixes[strings.TrimRight(m.str("namespace").s, "#/")] = namespace{m.str("prefix"), m.str("namespace")}
	}
	used := map[string]bool{}
	for _, m := range listOrOne(d.get("import")) {
		at, where := m.str("externalSpdxId"), m.str("locationHint")
		if at.s == "" {
			continue
		}
		uri, name, ok := strings.Cut(at.s, "#")
		known := prefixes[uri]
		e := foreignElement{at: at, name: spdxID(name)}
		if !ok {
			e.name = spdxDocument
		}
		var also []*node
		hashes := spdx3HashesOf(m, &also)
		also = append(also, compactNodes([]*node{class3(m).src})...)
		m.get("definingArtifact").explainSelf(Dropped, "the other format does not say which artifact stands for another document")
		i := slices.IndexFunc(r.externals, func(x external) bool { return x.uri.s == uri })
		if i < 0 {
			i = len(r.externals)
			id := known.prefix
			if !isSPDXRef(id.s, "DocumentRef-") || r.calls(id.s) {
				id = said(r.documentRef(i + 1))
			}
			used[uri] = id.src != nil
			x := external{id: id, uri: said(uri), hashes: hashes, location: where, unnamed: !ok && known.uri.s == ""}
			if used[uri] {
				x.uri.src = known.uri.src
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
		if n := (namespace{m.str("prefix"), m.str("namespace")}); !used[strings.TrimRight(n.uri.s, "#/")] {
			r.namespaces = append(r.namespaces, n)
		}
		r.leaves = append(r.leaves, compactNodes([]*node{class3(m).src})...)
	}
}

// calls reports whether a document is called by a name.
func (h *hub) calls(id string) bool {
	return slices.ContainsFunc(h.externals, func(x external) bool { return x.id.s == id })
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
func (x *external) repeat(hashes []hash, where text) {
	for _, sum := range hashes {
		switch i := slices.IndexFunc(x.hashes, func(y hash) bool { return y.alg.s == sum.alg.s && y.value.s == sum.value.s }); {
		case i < 0:
			x.hashes = append(x.hashes, sum)
		case x.hashes[i] != sum:
			x.again = append(x.again, compactNodes([]*node{sum.alg.src, sum.value.src})...)
		}
	}
	switch {
	case where == x.location:
	case where.s == x.location.s:
		x.again = append(x.again, where.src)
	case !x.location.ok():
		x.location = where
	default:
		where.src.explainSelf(Dropped, "the document is somewhere else too")
	}
}

// outside names an element of another document as SPDX 2 does.
func (r *reader3) outside(id string) string {
	uri, name, ok := strings.Cut(id, "#")
	i := slices.IndexFunc(r.externals, func(x external) bool { return x.uri.s == uri })
	switch {
	case i < 0:
		return id
	case ok:
		return r.externals[i].id.s + ":" + spdxID(name)
	}
	return r.externals[i].id.s + ":" + spdxDocument
}

// external returns the other document that is called by a name, if SPDX 2 can name it.
func (h *hub) external(id string) *external {
	i := slices.IndexFunc(h.externals, func(x external) bool { return x.id.s == id })
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
	case !slices.ContainsFunc(x.hashes, func(sum hash) bool { return spdx2HashAlgorithms[sum.alg.s] != "" && sum.value.ok() }):
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
func (h *hub) spdx2ExternalsOut(root *node) {
	for i := range h.externals {
		x := &h.externals[i]
		if reason := x.noPlace2(); reason != "" {
			for _, e := range x.elements {
				e.at.src.explainSelf(Dropped, reason)
			}
			for _, n := range slices.Concat([]*node{x.id.src, x.uri.src, x.location.src}, x.also, x.again) {
				n.explainSelf(Dropped, reason)
			}
			for _, sum := range x.hashes {
				sum.alg.src.explainSelf(Dropped, reason)
				sum.value.src.explainSelf(Dropped, reason)
			}
			continue
		}
		n := root.add("externalDocumentRefs", newObject())
		n.set("externalDocumentId", newText(x.id.s, append(slices.Concat(x.also, x.again), x.id.src)...))
		x.saidOnce()
		uri := n.set("spdxDocument", newText(x.uri.s, x.uri.src))
		for _, e := range x.elements {
			uri.from = append(uri.from, compactNodes([]*node{e.at.src})...)
			if e.used {
				e.at.src.explainSelf(Changed, "written as "+x.id.s+":"+e.name)
			} else {
				e.at.src.explainSelf(Changed, "SPDX 2 refers to the document, and nothing here refers to this element of it")
			}
		}
		if x.uri.src != nil && x.uri.src.text != x.uri.s {
			x.uri.src.explainSelf(Changed, "SPDX 2 has the URI of the document, not how ids begin")
		}
		if x.location.s == x.uri.s {
			uri.from = append(uri.from, compactNodes([]*node{x.location.src})...)
		} else {
			x.location.src.explainSelf(Dropped, "SPDX 2 has the URI of the other document, not where it is")
		}
		for _, sum := range x.hashes {
			if alg := spdx2HashAlgorithms[sum.alg.s]; alg != "" && n.get("checksum") == nil {
				c := n.set("checksum", newObject())
				c.set("algorithm", newText(alg, sum.alg.src))
				c.put("checksumValue", sum.value)
			} else {
				sum.alg.src.explainSelf(Dropped, "SPDX 2 has one checksum of the other document")
				sum.value.src.explainSelf(Dropped, "SPDX 2 has one checksum of the other document")
			}
		}
	}
	h.explainNamespaces()
}

func (x *external) saidOnce() {
	for _, n := range x.again {
		n.explainSelf(Changed, "said of the other document once, not of each element of it")
	}
}

func (h *hub) explainNamespaces() {
	for _, n := range h.namespaces {
		n.prefix.src.explainSelf(Dropped, onlyAbbreviates)
		n.uri.src.explainSelf(Dropped, onlyAbbreviates)
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
func (h *hub) cycloneDXOutside(root *node) {
	for _, r := range h.references {
		cycloneDXReferenceOut(root, r)
	}
	for _, x := range h.externals {
		r := root.add("externalReferences", newObject())
		r.set("type", newText("bom"))
		uri := r.set("url", newText(x.uri.s, append(slices.Concat(x.also, x.again), x.uri.src)...))
		x.saidOnce()
		for _, e := range x.elements {
			uri.from = append(uri.from, compactNodes([]*node{e.at.src})...)
			if e.at.s != x.uri.s {
				e.at.src.explainSelf(Changed, "CycloneDX refers to the document, not to a part of it")
			}
		}
		if x.uri.src != nil && x.uri.src.text != x.uri.s {
			x.uri.src.explainSelf(Changed, "CycloneDX has the URI of the document, not how ids begin")
		}
		cycloneDXHashesOut(r, x.hashes)
		r.put("comment", x.id)
		switch {
		case x.location.s == x.uri.s:
			uri.from = append(uri.from, compactNodes([]*node{x.location.src})...)
		case x.location.ok():
			r = root.add("externalReferences", newObject())
			r.set("type", newText("bom"))
			r.put("url", x.location)
			r.set("comment", newText(x.id.s))
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
		if x.id.s != doc || !isNamespace(x.uri.s) {
			continue
		}
		at := x.uri.s + "#" + name
		if name == spdxDocument {
			at = x.uri.s
		}
		if e := x.element(name); e != nil {
			e.used, at = true, e.at.s
		} else {
			x.elements = append(x.elements, foreignElement{at: said(at), name: name, used: true})
		}
		return at
	}
	return ""
}

// imported writes where an element of another document is.
func (w *writer3) imported(x *external, at text, from ...*node) {
	m := w.doc.add("import", newObject())
	m.set("type", newText("ExternalMap"))
	m.set("externalSpdxId", newText(at.s, append(slices.Concat(x.also, x.again, from), at.src)...))
	m.put("locationHint", x.location)
	w.hashes(m, x.hashes)
}

// outside writes what other documents are called here, and those that nothing refers to.
func (w *writer3) outside() {
	for i := range w.externals {
		x := &w.externals[i]
		if !isNamespace(x.uri.s) {
			x.uri.src.explainSelf(Dropped, "no URI that a reference could begin with")
			continue
		}
		if len(x.elements) == 0 {
			x.elements = append(x.elements, foreignElement{at: said(x.uri.s), name: spdxDocument})
		}
		for _, e := range x.elements {
			if w.ids[e.at.s] == 0 {
				w.ids[e.at.s]++
				w.imported(x, e.at, x.uri.src)
			}
		}
		if !x.unnamed {
			w.namespace(x.id, text{strings.TrimSuffix(x.uri.s, "#") + "#", x.uri.src})
		}
	}
	for _, n := range w.namespaces {
		w.namespace(n.prefix, n.uri)
	}
}

func (w *writer3) namespace(prefix, uri text) {
	if !prefix.ok() || !uri.ok() {
		return
	}
	m := w.doc.add("namespaceMap", newObject())
	m.set("type", newText("NamespaceMap"))
	m.put("prefix", prefix)
	m.put("namespace", uri)
}
