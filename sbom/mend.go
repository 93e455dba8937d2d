package sbom

import (
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
)

// mendSPDX2 brings members that an SPDX 2 document must have and that break their rules to a form that keeps to them, as
// a conversion from another format does: otherwise the document, or an element of it, could not be converted at all.
func mendSPDX2(root *node, now string) []Loss {
	h := &hub{now: now}
	mendTimes(h, root)
	if t := root.str("documentNamespace"); !isNamespace(t.s) || strings.Contains(t.s, "#") {
		h.input = root.render()
		for _, f := range root.remove("documentNamespace").leaves() {
			f.explainSelf(Changed, "no absolute URI without a fragment; kept by what is made of it")
			h.id = text{t.s, f}
		}
		root.set("documentNamespace", newText(h.madeID("/documentNamespace", "SPDX wants a namespace; made from the input's bytes"), h.id.src))
	}
	for _, constant := range [][2]string{{"dataLicense", "CC0-1.0"}, {"SPDXID", spdxDocument}} {
		name, want := constant[0], constant[1]
		if root.str(name).s != want {
			for _, f := range root.remove(name).leaves() {
				f.explainSelf(Dropped, "every document of SPDX 2 says "+want+" here")
			}
			root.set(name, newText(want))
		}
	}
	if t := root.str("name"); !t.ok() {
		for _, f := range root.remove("name").leaves() {
			f.explainSelf(Dropped, "no text")
		}
		root.set("name", newText("NOASSERTION"))
		h.add("/name", "SPDX wants a name")
	}
	mendCreators(h, root)
	mendIDs(root)
	return h.added
}

// leaves lists the leaves of the input that an output stands for; of nil, none.
func (n *node) leaves() (out []*node) {
	if n == nil {
		return nil
	}
	out = append(out, n.from...)
	for _, m := range n.members {
		out = append(out, m.value.leaves()...)
	}
	for _, v := range n.items {
		out = append(out, v.leaves()...)
	}
	return out
}

// mendTimes writes times of RFC 3339 as SPDX does, in UTC to the second.
func mendTimes(h *hub, root *node) {
	root.each(func(n *node) {
		for _, name := range []string{"created", "annotationDate", "reviewDate", "builtDate", "releaseDate", "validUntilDate"} {
			t := n.get(name)
			if t == nil || t.kind != strictjson.String || n == root {
				continue
			}
			if at, err := time.Parse(time.RFC3339, t.text); err == nil {
				if s := at.UTC().Format("2006-01-02T15:04:05Z"); s != t.text {
					t.text = s
					t.explain(Changed, "SPDX gives times in UTC, to the second")
				}
			}
		}
	})
	info := root.get("creationInfo")
	if info == nil || info.kind != strictjson.Object {
		for _, f := range root.remove("creationInfo").leaves() {
			f.explainSelf(Dropped, "no object, which creation information is")
		}
		info = root.set("creationInfo", newObject())
	}
	if t := info.str("created"); !isTime(t.s) {
		for _, f := range info.remove("created").leaves() {
			f.explainSelf(Dropped, "no date and time of RFC 3339")
		}
		info.set("created", newText(h.now))
		h.add("/creationInfo/created", "SPDX wants a time of creation; the input gives none")
	}
}

func mendCreators(h *hub, root *node) {
	info := root.get("creationInfo")
	usable := false
	for _, c := range info.list("creators") {
		usable = usable || c.kind == strictjson.String && parseActor(text{c.text, c}).named()
	}
	if usable {
		return
	}
	for _, f := range info.remove("creators").leaves() {
		f.explainSelf(Dropped, "nobody: a creator is a Person, an Organization or a Tool with a name")
	}
	info.add("creators", newText("Tool: lading"))
	h.add("/creationInfo/creators", "SPDX wants a creator; the input names none")
}

// mendIDs gives elements whose ids break the rule, or are taken, others, and all references with them.
func mendIDs(root *node) {
	taken := names{spdxDocument: 1}
	to := map[string]string{}
	var later []*node
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.list(in) {
			switch id := n.str("SPDXID"); {
			case isSPDXRef(id.s, "SPDXRef-") && taken[id.s] == 0:
				taken[id.s]++
			case n.kind == strictjson.Object:
				later = append(later, n)
			}
		}
	}
	for _, n := range later {
		id := n.get("SPDXID")
		if id == nil || id.kind != strictjson.String || id.text == "" {
			for _, f := range n.remove("SPDXID").leaves() {
				f.explainSelf(Dropped, "no text, which ids are")
			}
			n.set("SPDXID", newText(taken.unique(spdxID(n.str("name").s+n.str("fileName").s))))
			continue
		}
		was := id.text
		id.text = taken.unique(spdxID(was))
		id.explain(Changed, "written as "+id.text)
		if !isSPDXRef(was, "SPDXRef-") && to[was] == "" { // of two with one id, references mean the first
			to[was] = id.text
		}
	}
	if len(to) == 0 {
		return
	}
	root.refer(Format{SPDX, "2.3"}, func(v *node) {
		if name, ok := to[v.text]; ok {
			v.text = name
		}
	})
}
