package spdx3

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// subset leaves out what a cut does. Removing an element also removes what refers to it, and so on: a relationship without its
// from, or without any to.
func subset(c *specification.Cut, root *tree.Node) {
	graph := root.Get("@graph")
	if graph == nil || graph.Kind != strictjson.Array {
		return
	}
	about, left := map[string][]*tree.Node{}, map[*tree.Node]int{}
	for _, n := range graph.Items {
		for _, name := range []string{"from", "subject", "software_snippetFromFile"} {
			if v := n.Str(name); v.OK() {
				about[v.S] = append(about[v.S], n)
			}
		}
		to := tree.ListOrOne(n.Get("to"))
		left[n] = len(to)
		for _, v := range to {
			about[v.Text] = append(about[v.Text], n)
		}
	}
	var queue []string
	for id := range c.IDs {
		queue = append(queue, id)
	}
	for i := 0; i < len(queue); i++ {
		for _, n := range about[queue[i]] {
			if left[n]--; c.Gone[n] || left[n] > 0 && n.Str("from").S != queue[i] && n.Str("subject").S != queue[i] {
				continue
			}
			c.Gone[n] = true
			if id := tree.Definition(n, Words); id != nil && !c.IDs[id.Text] {
				c.IDs[id.Text] = true
				queue = append(queue, id.Text)
			}
		}
	}
	graph.Items = slices.DeleteFunc(graph.Items, func(n *tree.Node) bool { return c.Gone[n] })
	for _, n := range graph.Items {
		if v := n.Get("completeness"); c.Filter(n, "to") && v != nil && v.Text == "complete" {
			v.Text = "incomplete"
		}
		for _, name := range []string{"element", "rootElement"} {
			if v := n.Get(name); v != nil && c.Refers(v) {
				n.Remove(name)
			} else {
				c.Filter(n, name)
			}
		}
	}
}

// rename gives a document another ID.
func rename(root *tree.Node, uuid func() string) {
	for _, n := range tree.ListOrOne(root.Get("@graph")) {
		if id := tree.Definition(n, Words); id != nil && n.Str("type").S == "SpdxDocument" {
			tree.Rename(root, Words, map[string]string{id.Text: strings.TrimRight(id.Text, "#/") + "/" + uuid()})
		}
	}
}
