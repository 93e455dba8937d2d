package spdx2

import (
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

const notIn22 = "SPDX 2.2 does not have it"

func Fit(root *tree.Node, version string) (added []tree.Loss) {
	root.Get("spdxVersion").Text = "SPDX-" + version
	// The JSON schemas spell categories differently, and that of 2.2 lacks one.
	for _, n := range root.List("packages") {
		for _, r := range n.List("externalRefs") {
			c := r.Str("referenceCategory")
			if spelled := strings.ReplaceAll(c.S, "_", "-"); spelled == "PACKAGE-MANAGER" || spelled == "PERSISTENT-ID" {
				c.From.Text = spelled
			}
			switch {
			case version != "2.2" || !c.OK():
			case c.From.Text == "PACKAGE-MANAGER":
				c.From.Text = "PACKAGE_MANAGER"
			case c.From.Text == "PERSISTENT-ID":
				c.From.Text = "OTHER"
				c.From.Explain(tree.Changed, "the schema of SPDX 2.2 has no such category; written as OTHER")
			}
		}
	}
	if version != "2.2" {
		return nil
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.List(in) {
			for _, name := range []string{"primaryPackagePurpose", "releaseDate", "builtDate", "validUntilDate"} {
				if v := n.Remove(name); v != nil {
					v.Explain(tree.Dropped, notIn22)
				}
			}
		}
	}
	// What 2.3 made optional.
	for _, rule := range []struct {
		in      string
		members []string
	}{
		{"packages", []string{"licenseConcluded", "licenseDeclared", "copyrightText"}},
		{"files", []string{"licenseConcluded", "copyrightText"}},
	} {
		for _, n := range root.List(rule.in) {
			for _, m := range rule.members {
				if n.Get(m) == nil {
					n.Set(m, tree.NewText("NOASSERTION"))
					added = []tree.Loss{{Path: "/packages", Kind: tree.Added,
						Reason: "SPDX 2.2 wants licences and copyright texts; NOASSERTION where the input gives none"}}
				}
			}
			if n.Get("licenseInfoInFiles") == nil && rule.in == "files" {
				n.Add("licenseInfoInFiles", tree.NewText("NOASSERTION"))
			}
		}
	}
	return added
}

// Mend brings members that an SPDX 2 document must have and that break their rules to a form that keeps to them, as
// a conversion from another format does: otherwise the document, or an element of it, could not be converted at all.
func Mend(root *tree.Node, now string) []tree.Loss {
	h := &model.Document{Now: now}
	mendTimes(h, root)
	if t := root.Str("documentNamespace"); !spec.IsNamespace(t.S) || strings.Contains(t.S, "#") {
		h.Input = root.Render()
		for _, f := range root.Remove("documentNamespace").Leaves() {
			f.ExplainSelf(tree.Changed, "no absolute URI without a fragment; kept by what is made of it")
			h.ID = tree.Text{S: t.S, From: f}
		}
		root.Set("documentNamespace", tree.NewText(h.MadeID("/documentNamespace",
			"SPDX wants a namespace; made from the input's bytes"), h.ID.From))
	}
	for _, constant := range [][2]string{{"dataLicense", "CC0-1.0"}, {"SPDXID", spec.DocumentID}} {
		name, want := constant[0], constant[1]
		if root.Str(name).S != want {
			for _, f := range root.Remove(name).Leaves() {
				f.ExplainSelf(tree.Dropped, "every document of SPDX 2 says "+want+" here")
			}
			root.Set(name, tree.NewText(want))
		}
	}
	if t := root.Str("name"); !t.OK() {
		for _, f := range root.Remove("name").Leaves() {
			f.ExplainSelf(tree.Dropped, "no text")
		}
		root.Set("name", tree.NewText("NOASSERTION"))
		h.Add("/name", "SPDX wants a name")
	}
	mendCreators(h, root)
	mendIDs(root)
	return h.Added
}

func isTimeMember(name string) bool {
	switch name {
	case "created", "annotationDate", "reviewDate", "builtDate", "releaseDate", "validUntilDate":
		return true
	}
	return false
}

func writeTime(t *tree.Node) {
	if s, ok := spec.UTC(t.Text); ok && s != t.Text {
		t.Text = s
		t.Explain(tree.Changed, "SPDX gives times in UTC, to the second")
	}
}

// mendTimes writes times of RFC 3339 as SPDX does, in UTC to the second.
func mendTimes(h *model.Document, root *tree.Node) {
	for _, m := range root.Members {
		m.Value.Each(func(n *tree.Node) {
			for _, m := range n.Members {
				if isTimeMember(m.Name) && m.Value.Kind == strictjson.String {
					writeTime(m.Value)
				}
			}
		})
	}
	info := root.Get("creationInfo")
	if info == nil || info.Kind != strictjson.Object {
		for _, f := range root.Remove("creationInfo").Leaves() {
			f.ExplainSelf(tree.Dropped, "no object, which creation information is")
		}
		info = root.Set("creationInfo", tree.NewObject())
	}
	if t := info.Str("created"); !spec.IsTime(t.S) {
		for _, f := range info.Remove("created").Leaves() {
			f.ExplainSelf(tree.Dropped, "no date and time of RFC 3339")
		}
		info.Set("created", tree.NewText(h.Now))
		h.Add("/creationInfo/created", "SPDX wants a time of creation; the input gives none")
	}
}

func mendCreators(h *model.Document, root *tree.Node) {
	info := root.Get("creationInfo")
	usable := false
	for _, c := range info.List("creators") {
		usable = usable || c.Kind == strictjson.String && parseActor(tree.Text{S: c.Text, From: c}).Named()
	}
	if usable {
		return
	}
	for _, f := range info.Remove("creators").Leaves() {
		f.ExplainSelf(tree.Dropped, "nobody: a creator is a Person, an Organization or a Tool with a name")
	}
	info.Add("creators", tree.NewText("Tool: lading"))
	h.Add("/creationInfo/creators", "SPDX wants a creator; the input names none")
}

// mendIDs gives elements whose ids break the rule, or are taken, others, and all references with them.
func mendIDs(root *tree.Node) {
	taken := spec.Names{spec.DocumentID: 1}
	to := map[string]string{}
	var later []*tree.Node
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.List(in) {
			switch id := n.Str("SPDXID"); {
			case spec.IsRef(id.S, "SPDXRef-") && taken[id.S] == 0:
				taken[id.S]++
			case n.Kind == strictjson.Object:
				later = append(later, n)
			}
		}
	}
	for _, n := range later {
		id := n.Get("SPDXID")
		if id == nil || id.Kind != strictjson.String || id.Text == "" {
			for _, f := range n.Remove("SPDXID").Leaves() {
				f.ExplainSelf(tree.Dropped, "no text, which ids are")
			}
			n.Set("SPDXID", tree.NewText(taken.Unique(spec.RefOf(n.Str("name").S+n.Str("fileName").S))))
			continue
		}
		was := id.Text
		id.Text = taken.Unique(spec.RefOf(was))
		id.Explain(tree.Changed, "written as "+id.Text)
		if !spec.IsRef(was, "SPDXRef-") && to[was] == "" { // of two with one id, references mean the first
			to[was] = id.Text
		}
	}
	if len(to) == 0 {
		return
	}
	tree.Refer(root, Words, func(v *tree.Node) {
		if name, ok := to[v.Text]; ok {
			v.Text = name
		}
	})
}
