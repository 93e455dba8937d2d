package model

import (
	"maps"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// LicenseRefs turns licences with a name or a text into LicenseRefs and the texts that they refer to.
type LicenseRefs struct {
	H     *Document
	Known map[string]string
	Taken spec.Names
	Out   []*tree.Node
}

// Write joins claims of one role with AND: all of them hold. Those found in files stay apart.
func (r *LicenseRefs) Write(n *tree.Node, e *Element) {
	r.join(n, e, "licenseConcluded", func(l *License) bool { return l.Role == "concluded" })
	r.join(n, e, "licenseDeclared", func(l *License) bool { return l.Role == "declared" || l.Role == "" })
	found := "licenseInfoInFiles"
	if e.Snippet != nil {
		found = "licenseInfoInSnippets"
	}
	for _, l := range e.Licenses {
		switch {
		case l.Role != "found":
		case !e.File:
			l.explain("SPDX says of files which licences are in them, and of packages whose files were analysed")
		default:
			if term, leaves := r.term(l, false, nil); term != "" {
				n.Add(found, tree.NewText(term, append(leaves, l.RoleFrom)...))
			}
		}
	}
	// What a file says of its licence itself is what was found in it; nobody declares the licence of a file.
	if d := n.Get("licenseDeclared"); d != nil && e.File {
		n.Remove("licenseDeclared")
		if n.Get("licenseConcluded") == nil && !slices.ContainsFunc(e.Licenses, func(l License) bool { return l.Role == "declared" }) {
			n.Set("licenseConcluded", d)
		} else {
			n.Add(found, d)
		}
	}
}

// explain says why a licence is lost.
func (l *License) explain(reason string) {
	for _, n := range []*tree.Node{l.RoleFrom, l.Expression.From, l.ID.From, l.Name.From, l.Body.From, l.URL.From} {
		n.ExplainSelf(tree.Dropped, reason)
	}
}

// join writes the licences that are chosen as one expression.
func (r *LicenseRefs) join(n *tree.Node, e *Element, member string, chosen func(*License) bool) {
	several := -1
	for i := range e.Licenses {
		if chosen(&e.Licenses[i]) {
			several++
		}
	}
	var someTerms [4]string
	var someLeaves [8]*tree.Node
	terms, from := someTerms[:0], someLeaves[:0]
	for i := range e.Licenses {
		l := &e.Licenses[i]
		if !chosen(l) {
			continue
		}
		known := len(from)
		term, leaves := r.term(*l, several > 0, from)
		if term == "" {
			continue
		}
		if l.Role == "" {
			for _, f := range leaves[known:] {
				f.ExplainSelf(tree.Changed, "SPDX asks whether a licence is declared or concluded; written as declared")
			}
		}
		terms, from = append(terms, term), append(leaves, l.RoleFrom)
	}
	switch len(terms) {
	case 0:
	case 1:
		n.Set(member, tree.NewText(terms[0], from...))
	default:
		n.Set(member, tree.NewText(strings.Join(terms, " AND "), from...))
	}
}

// term returns a licence as a part of an expression, and the leaves that say so behind those of others.
func (r *LicenseRefs) term(l License, several bool, leaves []*tree.Node) (string, []*tree.Node) {
	if l.Expression.OK() && !license.IsExpression(l.Expression.S) { // the name of a licence, then
		l.Name, l.Expression = l.Expression, tree.Text{}
	}
	switch {
	case l.Expression.S != "":
		r.copyTexts(l.Expression.S)
		if several && strings.Contains(l.Expression.S, " OR ") {
			return "(" + l.Expression.S + ")", append(leaves, l.Expression.From)
		}
		return l.Expression.S, append(leaves, l.Expression.From)
	case license.Listed(l.ID.S):
		return l.ID.S, append(leaves, l.ID.From)
	case l.ID.S == "" && l.Name.S == "":
		return "", leaves
	}
	name := l.Name
	if name.S == "" {
		name = l.ID
	}
	key := name.S + "\x00" + l.Body.S + "\x00" + l.URL.S
	id := r.Known[key]
	if id == "" {
		id = r.Taken.Unique("LicenseRef-" + strings.TrimPrefix(strings.TrimPrefix(spec.RefOf(name.S), "SPDXRef-"), "LicenseRef-"))
		r.Known[key] = id
		o := tree.NewObject()
		o.Set("licenseId", tree.NewText(id))
		body := l.Body
		if body.S == "" {
			body = tree.Constant(name.S)
		}
		o.Set("extractedText", tree.NewText(body.S, l.Body.From))
		o.Set("name", tree.NewText(name.S, name.From))
		if l.URL.S != "" {
			o.Add("seeAlsos", tree.NewText(l.URL.S, l.URL.From))
		}
		r.Out = append(r.Out, o)
		return id, append(leaves, name.From)
	}
	return id, append(leaves, name.From, l.Body.From, l.URL.From)
}

// Rest writes the texts that no expression refers to.
func (r *LicenseRefs) Rest() {
	for _, id := range slices.Sorted(maps.Keys(r.H.Extracted)) {
		if spec.IsRef(id, "LicenseRef-") {
			r.copyTexts(id)
		}
	}
}

// copyTexts copies the texts that an expression of the input refers to.
func (r *LicenseRefs) copyTexts(expression string) {
	for _, id := range license.RefsIn(expression) {
		c := r.H.Extracted[id]
		if c == nil || r.Known[id] != "" {
			continue
		}
		r.Known[id] = id
		r.Taken[id]++
		o := tree.NewObject()
		o.Set("licenseId", tree.NewText(id, append(c.Also, c.ID.From)...))
		o.Set("extractedText", tree.NewText(c.Body.S, c.Body.From))
		o.Put("name", c.Name)
		o.Put("comment", c.Comment)
		for _, t := range c.SeeAlso {
			o.Add("seeAlsos", tree.NewText(t.S, t.From))
		}
		r.Out = append(r.Out, o)
	}
}
